//! Duplicating handles.

use super::handle::{Entry, Handle, OBJ_PROTECT_CLOSE, covers};
use super::object::Ref;
use super::types::{MAXIMUM_ALLOWED, Type};
use crate::call::Cx;
use crate::ps::other;
use crate::status::*;
use crate::types::OBJ_INHERIT;
use crate::um::UserPtr;

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

/// The process behind a handle that lets handles be duplicated.
fn process(cx: &Cx<'_>, process: Handle) -> Nt<Ref> {
    cx.object_of(process, Type::Process, PROCESS_DUP_HANDLE)
}

/// The entry of a handle made of another's for a process, another one or this; and rights that the other has to check.
fn duplicate(
    cx: &Cx<'_>,
    entry: Entry,
    to: Option<&other::Other>,
    access: u32,
    attributes: u32,
    options: u32,
) -> Nt<(Entry, u32)> {
    let mut asked = 0;
    let access = if options & option::SAME_ACCESS != 0 {
        entry.access
    } else {
        let kind = entry.object.kind();
        // Rights that no type has are refused. Specific ones that this type has not are left out: Chromium asks for a mutant with
        // an event's.
        if !covers(kind.valid_access() | 0xffff | MAXIMUM_ALLOWED | ACCESS_SYSTEM_SECURITY | 0xf000_0000, access) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let mapped = kind.map_access(access);
        // More than the source gives is checked as if the object were opened: by the thread, if it acts for somebody, else by
        // the process that is to have it.
        if covers(entry.access, mapped) {
            mapped
        } else if to.is_some() && cx.t.token().is_none() {
            asked = access;
            mapped
        } else {
            cx.grant(&entry.object, access)?
        }
    };
    let attributes = if options & option::SAME_ATTRIBUTES != 0 { entry.attributes } else { attributes };
    let attributes = attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE);
    Ok((Entry { object: entry.object, access, attributes }, asked))
}

/// NtDuplicateObject. Without a target process the source is only closed.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INSUFFICIENT_RESOURCES`,
/// `STATUS_NOT_SUPPORTED` for what cannot go from one process to another.
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
    let from = process(cx, source_process)?;
    let close = options & option::CLOSE_SOURCE != 0;
    let entry = match other::process(&from) {
        // The source goes whatever becomes of the duplicate.
        Some(other) => cx.take_handle(other, source, close),
        None => cx.entry(source, 0),
    };
    let mut stays = false;
    let result = match target_process {
        Handle(0) if close => entry.map(|_| STATUS_SUCCESS),
        Handle(0) => Err(STATUS_INVALID_PARAMETER),
        to => process(cx, to).and_then(|to| {
            let other = other::process(&to);
            let (made, asked) = duplicate(cx, entry?, other, access, attributes, options)?;
            let Some(other) = other else {
                let own = other::process(&from).is_none() && (source.0 as i64) > 0;
                let held =
                    cx.k.ob.handles.get(source).ok().filter(|held| own && close && covers(held.access, made.access));
                if held.is_some_and(|held| held.attributes & OBJ_PROTECT_CLOSE == 0) && !target.is_null() {
                    // What would be closed becomes the duplicate.
                    cx.k.ob.handles.set_access(source, made.access, made.attributes)?;
                    stays = true;
                    return cx.give(target, Handle(source.0 & !3), STATUS_SUCCESS);
                }
                let made = cx.k.ob.handles.insert(made)?;
                return if target.is_null() { Ok(STATUS_SUCCESS) } else { cx.give(target, made, STATUS_SUCCESS) };
            };
            let made = cx.give_handle(other, &made, asked)?;
            target.write_opt(cx.k, made)?;
            Ok(STATUS_SUCCESS)
        }),
    };
    if close && !stays && other::process(&from).is_none() {
        match super::handle::nt_close(cx, source) {
            // The duplicate is made nevertheless.
            Ok(_) => {}
            Err(STATUS_HANDLE_NOT_CLOSABLE) if target_process != Handle(0) => {}
            Err(status) => return Err(status),
        }
    }
    result
}
