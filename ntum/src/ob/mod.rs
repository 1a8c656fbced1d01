//! Object manager: objects, their types and names, handles.

pub mod boot;
pub mod directory;
pub mod duplicate;
pub mod handle;
pub mod link;
mod luggage;
pub mod object;
pub mod parcel;
pub mod query;
pub mod security;
pub mod shared;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
pub mod types;

pub use object::{Body, Object, Ref};

use crate::call::Call;
use crate::types::{ObjectAttributesRaw, UnicodeString};
use crate::um::UserPtr;
use handle::Handle;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtClose(handle: Handle) => handle::nt_close, Done;
    NtDuplicateObject(source_process: Handle, source: Handle, target_process: Handle, target: UserPtr<Handle>, access: u32, attributes: u32, options: u32) => duplicate::nt_duplicate_object, Partial("keyed events, transactions and debug objects of other processes");
    NtCompareObjects(first: Handle, second: Handle) => query::nt_compare_objects, Done;
    NtQueryObject(handle: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => query::nt_query_object, Done;
    NtSetInformationObject(handle: Handle, class: u32, buffer: u64, length: u32) => query::nt_set_information_object, Done;
    NtQuerySecurityObject(handle: Handle, parts: u32, buffer: u64, length: u32, needed: UserPtr<u32>) => security::nt_query_security_object, Done;
    NtSetSecurityObject(handle: Handle, parts: u32, descriptor: u64) => security::nt_set_security_object, Done;
    NtMakePermanentObject(handle: Handle) => query::nt_make_permanent_object, Done;
    NtMakeTemporaryObject(handle: Handle) => query::nt_make_temporary_object, Done;
    NtCreateDirectoryObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => link::nt_create_directory_object, Done;
    NtCreateDirectoryObjectEx(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, shadow: Handle, flags: u32) => link::nt_create_directory_object_ex, Done;
    NtOpenDirectoryObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => link::nt_open_directory_object, Done;
    NtQueryDirectoryObject(handle: Handle, buffer: u64, length: u32, single: bool, restart: bool, context: UserPtr<u32>, returned: UserPtr<u32>) => link::nt_query_directory_object, Done;
    NtCreateSymbolicLinkObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, target: UserPtr<UnicodeString>) => link::nt_create_symbolic_link_object, Done;
    NtOpenSymbolicLinkObject(handle: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => link::nt_open_symbolic_link_object, Done;
    NtQuerySymbolicLinkObject(handle: Handle, target: UserPtr<UnicodeString>, returned: UserPtr<u32>) => link::nt_query_symbolic_link_object, Done;
};
