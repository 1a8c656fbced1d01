//! Duplicating handles.

use super::handle::{Entry, Handle, OBJ_PROTECT_CLOSE, covers};
use super::types::{MAXIMUM_ALLOWED, Type};
use crate::call::Cx;
use crate::status::*;
use crate::types::OBJ_INHERIT;
use crate::um::UserPtr;
use std::sync::Arc;

/// PROCESS_DUP_HANDLE.
const PROCESS_DUP_HANDLE: u32 = 0x40;
/// ACCESS_SYSTEM_SECURITY.
const ACCESS_SYSTEM_SECURITY: u32 = 0x100_0000;

/// Options of NtDuplicateObject.
mod option {
    pub const CLOSE_SOURCE: u32 = 1;
    pub const SAME_ACCESS: u32 = 2;
    pub const SAME_ATTRIBUTES: u32 = 4;
}

/// Checks that a handle is to the one process that there is.
fn own_process(cx: &Cx<'_>, process: Handle) -> Nt<()> {
    let object = cx.object_of(process, Type::Process, PROCESS_DUP_HANDLE)?;
    if Arc::ptr_eq(&object, &cx.k.ps.process_object()) { Ok(()) } else { Err(STATUS_NOT_SUPPORTED) }
}

fn duplicate(cx: &Cx<'_>, source: Handle, access: u32, attributes: u32, options: u32) -> Nt<Handle> {
    let entry = cx.entry(source, 0)?;
    let access = if options & option::SAME_ACCESS != 0 {
        entry.access
    } else {
        let kind = entry.object.kind();
        if !covers(kind.valid_access() | MAXIMUM_ALLOWED | ACCESS_SYSTEM_SECURITY | 0xf000_0000, access) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let mapped = kind.map_access(access);
        // More than the source gives is checked as if the object were opened.
        if covers(entry.access, mapped) { mapped } else { cx.grant(&entry.object, access)? }
    };
    let attributes = if options & option::SAME_ATTRIBUTES != 0 { entry.attributes } else { attributes };
    let attributes = attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE);
    cx.k.ob.handles.insert(Entry { object: entry.object, access, attributes })
}

/// NtDuplicateObject. Without a target process the source is only closed.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INSUFFICIENT_RESOURCES`,
/// `STATUS_NOT_SUPPORTED` for another process.
#[allow(clippy::too_many_arguments)]
pub fn nt_duplicate_object(
    cx: &Cx<'_>,
    source_process: Handle,
    source: Handle,
    target_process: Handle,
    target: UserPtr<Handle>,
    access: u32,
    attributes: u32,
    options: u32,
) -> Nt {
    target.write_opt(cx.k, Handle(0))?;
    own_process(cx, source_process)?;
    let result = match target_process {
        Handle(0) if options & option::CLOSE_SOURCE != 0 => Ok(STATUS_SUCCESS),
        Handle(0) => Err(STATUS_INVALID_PARAMETER),
        process => own_process(cx, process)
            .and_then(|()| duplicate(cx, source, access, attributes, options))
            .and_then(|made| if target.is_null() { Ok(STATUS_SUCCESS) } else { cx.give(target, made, STATUS_SUCCESS) }),
    };
    // The source goes whatever became of the duplicate.
    if options & option::CLOSE_SOURCE != 0 {
        super::handle::nt_close(cx, source)?;
    }
    result
}
