//! I/O: files, devices, completion ports.

pub mod completion;
pub mod device;
pub mod file;
pub mod npfs;

use crate::call::Call;
use crate::ob::handle::Handle;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::UserPtr;
use completion::RawPacket;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtCreateIoCompletion(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, threads: u32) => completion::nt_create_io_completion, Partial("the number of threads that run at a time is not limited");
    NtOpenIoCompletion(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => completion::nt_open_io_completion, Done;
    NtSetIoCompletion(handle: Handle, key: u64, context: u64, status: u32, information: u64) => completion::nt_set_io_completion, Done;
    NtSetIoCompletionEx(handle: Handle, reserve: Handle, key: u64, context: u64, status: u32, information: u64) => completion::nt_set_io_completion_ex, Done;
    NtRemoveIoCompletion(handle: Handle, key: UserPtr<u64>, context: UserPtr<u64>, io: UserPtr<IoStatusBlock>, timeout: UserPtr<i64>) => completion::nt_remove_io_completion, Done;
    NtRemoveIoCompletionEx(handle: Handle, packets: UserPtr<RawPacket>, count: u32, removed: UserPtr<u32>, timeout: UserPtr<i64>, alertable: bool) => completion::nt_remove_io_completion_ex, Done;
    NtQueryIoCompletion(handle: Handle, class: u32, buffer: UserPtr<u32>, length: u32, returned: UserPtr<u32>) => completion::nt_query_io_completion, Done;
    NtAllocateReserveObject(handle: UserPtr<Handle>, attributes: UserPtr<ObjectAttributesRaw>, kind: u32) => completion::nt_allocate_reserve_object, Done;
};
