//! I/O: files, devices, completion ports.

pub mod afd;
pub mod chdir;
pub mod completion;
pub mod condrv;
pub mod create;
pub mod device;
pub mod disk;
pub mod dos;
pub mod ea;
pub mod file;
pub mod information;
pub mod irp;
pub mod mount;
pub mod npfs;
pub mod nsi;
pub mod null;
pub mod parcel;
pub mod position;
pub mod scatter;
pub mod standard;
pub mod transfer;
pub mod unix_names;

use crate::call::Call;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw, UnicodeString};
use crate::um::UserPtr;
use completion::RawPacket;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtCreateIoCompletion(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, threads: u32) => completion::nt_create_io_completion, Partial("of a port that several processes have, the number of threads that run is not limited");
    NtOpenIoCompletion(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => completion::nt_open_io_completion, Done;
    NtSetIoCompletion(handle: Handle, key: u64, context: u64, status: u32, information: u64) => completion::nt_set_io_completion, Done;
    NtSetIoCompletionEx(handle: Handle, reserve: Handle, key: u64, context: u64, status: u32, information: u64) => completion::nt_set_io_completion_ex, Done;
    NtRemoveIoCompletion(handle: Handle, key: UserPtr<u64>, context: UserPtr<u64>, io: UserPtr<IoStatusBlock>, timeout: UserPtr<i64>) => completion::nt_remove_io_completion, Done;
    NtRemoveIoCompletionEx(handle: Handle, packets: UserPtr<RawPacket>, count: u32, removed: UserPtr<u32>, timeout: UserPtr<i64>, alertable: bool) => completion::nt_remove_io_completion_ex, Done;
    NtQueryIoCompletion(handle: Handle, class: u32, buffer: UserPtr<u32>, length: u32, returned: UserPtr<u32>) => completion::nt_query_io_completion, Done;
    NtAllocateReserveObject(handle: UserPtr<Handle>, attributes: UserPtr<ObjectAttributesRaw>, kind: u32) => completion::nt_allocate_reserve_object, Done;
    NtCreateNamedPipeFile(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, iosb: UserPtr<IoStatusBlock>, share: u32, disposition: u32, options: u32, kind: u32, read_mode: u32, completion_mode: u32, maximum_instances: u32, inbound_quota: u32, outbound_quota: u32, timeout: UserPtr<i64>) => npfs::create::nt_create_named_pipe_file, Done;
    NtCreateMailslotFile(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, iosb: UserPtr<IoStatusBlock>, options: u32, quota: u32, maximum_message: u32, timeout: UserPtr<i64>) => npfs::create::nt_create_mailslot_file, Done;
    NtCreateFile(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, iosb: UserPtr<IoStatusBlock>, allocation: UserPtr<i64>, file_attributes: u32, share: u32, disposition: u32, options: u32, ea: u64, ea_length: u32) => create::nt_create_file, Done;
    NtOpenFile(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, iosb: UserPtr<IoStatusBlock>, share: u32, options: u32) => create::nt_open_file, Done;
    NtDeleteFile(attributes: UserPtr<ObjectAttributesRaw>) => create::nt_delete_file, Done;
    NtQueryAttributesFile(attributes: UserPtr<ObjectAttributesRaw>, information: u64) => create::nt_query_attributes_file, Done;
    NtQueryFullAttributesFile(attributes: UserPtr<ObjectAttributesRaw>, information: u64) => create::nt_query_full_attributes_file, Done;
    NtReadFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, offset: UserPtr<i64>, key: UserPtr<u32>) => transfer::nt_read_file, Done;
    NtWriteFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, offset: UserPtr<i64>, key: UserPtr<u32>) => transfer::nt_write_file, Done;
    NtDeviceIoControlFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, code: u32, input: u64, input_length: u32, output: u64, output_length: u32) => transfer::nt_device_io_control_file, Done;
    NtFsControlFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, code: u32, input: u64, input_length: u32, output: u64, output_length: u32) => transfer::nt_fs_control_file, Done;
    NtFlushBuffersFile(file: Handle, iosb: UserPtr<IoStatusBlock>) => transfer::nt_flush_buffers_file, Done;
    NtFlushBuffersFileEx(file: Handle, flags: u32, parameters: u64, size: u32, iosb: UserPtr<IoStatusBlock>) => transfer::nt_flush_buffers_file_ex, Done;
    NtCancelIoFile(file: Handle, iosb: UserPtr<IoStatusBlock>) => transfer::nt_cancel_io_file, Done;
    NtCancelIoFileEx(file: Handle, which: u64, iosb: UserPtr<IoStatusBlock>) => transfer::nt_cancel_io_file_ex, Done;
    NtCancelSynchronousIoFile(thread: Handle, which: u64, iosb: UserPtr<IoStatusBlock>) => transfer::nt_cancel_synchronous_io_file, Done;
    NtLockFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, offset: UserPtr<u64>, length: UserPtr<u64>, key: u32, fail_immediately: bool, exclusive: bool) => transfer::nt_lock_file, Done;
    NtUnlockFile(file: Handle, iosb: UserPtr<IoStatusBlock>, offset: UserPtr<u64>, length: UserPtr<u64>, key: u32) => transfer::nt_unlock_file, Done;
    NtQueryInformationFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32) => information::nt_query_information_file, Done;
    NtSetInformationFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32) => information::nt_set_information_file, Partial("reserved space");
    NtQueryVolumeInformationFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32) => information::nt_query_volume_information_file, Done;
    NtSetVolumeInformationFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32) => information::nt_set_volume_information_file, Done;
    NtQueryDirectoryFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32, single: bool, mask: UserPtr<UnicodeString>, restart: bool) => transfer::nt_query_directory_file, Done;
    NtQueryDirectoryFileEx(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, class: u32, flags: u32, mask: UserPtr<UnicodeString>) => transfer::nt_query_directory_file_ex, Done;
    NtReadFileScatter(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, segments: UserPtr<u64>, length: u32, offset: UserPtr<i64>, key: UserPtr<u32>) => scatter::nt_read_file_scatter, Done;
    NtWriteFileGather(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, segments: UserPtr<u64>, length: u32, offset: UserPtr<i64>, key: UserPtr<u32>) => scatter::nt_write_file_gather, Done;
    NtQueryEaFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, single: bool, list: u64, list_length: u32, index: UserPtr<u32>, restart: bool) => ea::nt_query_ea_file, Done;
    NtSetEaFile(file: Handle, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32) => ea::nt_set_ea_file, Done;
    NtNotifyChangeDirectoryFile(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, filter: u32, subtree: bool) => transfer::nt_notify_change_directory_file, Done;
    NtNotifyChangeDirectoryFileEx(file: Handle, event: Handle, apc: u64, context: u64, iosb: UserPtr<IoStatusBlock>, buffer: u64, length: u32, filter: u32, subtree: bool, class: u32) => transfer::nt_notify_change_directory_file_ex, Done;
    wine_nt_to_unix_file_name(attributes: UserPtr<ObjectAttributesRaw>, unix: u64, size: UserPtr<u32>, disposition: u32) => unix_names::wine_nt_to_unix_file_name, Partial("a name that starts from a folder's handle");
    wine_unix_to_nt_file_name(unix: u64, name: u64, size: UserPtr<u32>) => unix_names::wine_unix_to_nt_file_name, Done;
};

/// The component's state.
#[derive(Default)]
pub struct Io {
    /// Requests that are not answered yet, by number.
    pub pending: Mutex<HashMap<u64, Arc<irp::Irp>>>,
    /// Drives.
    pub disk: disk::Disk,
    /// Named pipes and mailslots.
    pub npfs: npfs::driver::Npfs,
    /// Sockets.
    pub afd: afd::poller::Afd,
    /// The console.
    pub console: condrv::Condrv,
}

/// Makes the devices and drives in the name space.
pub fn start(k: &'static Kernel) {
    null::start(k);
    disk::start(k);
    mount::start(k);
    condrv::start(k);
    npfs::driver::start(k);
    npfs::mailslot::start(k);
    afd::device::start(k);
    nsi::start(k);
}

/// The drives that exist, a bit each from A.
pub fn drives(k: &Kernel) -> u32 {
    disk::letters(k).into_iter().fold(0, |drives, letter| drives | 1 << (letter - b'A'))
}

/// A thread ended: its requests end with it, but for those that only a completion port hears of.
pub fn thread_ended(k: &'static Kernel, thread: &crate::ps::thread::Thread) {
    irp::cancel_where(k, |irp| irp.thread().id == thread.id && !irp.is_for_port());
    completion::stops_running(k, thread);
}

/// The checks of a buffer's length that NtQueryInformationFile and its like make.
///
/// # Errors
/// `STATUS_INFO_LENGTH_MISMATCH`.
pub fn check_length(length: u32, needed: usize) -> Nt<()> {
    if (length as usize) < needed { Err(STATUS_INFO_LENGTH_MISMATCH) } else { Ok(()) }
}
