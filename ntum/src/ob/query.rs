//! What a handle says of its object and type, and what can be changed through it.

use super::handle::{Entry, Handle, OBJ_PROTECT_CLOSE};
use super::object::Body;
use super::types::{DELETE, Type};
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::status::*;
use crate::types::{OBJ_INHERIT, OBJ_PERMANENT, UnicodeString, wide};
use crate::um::UserPtr;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// OBJECT_INFORMATION_CLASS.
mod class {
    pub const BASIC: u32 = 0;
    pub const NAME: u32 = 1;
    pub const TYPE: u32 = 2;
    pub const TYPES: u32 = 3;
    pub const HANDLE_FLAGS: u32 = 4;
}

/// OBJECT_BASIC_INFORMATION.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct BasicInformation {
    attributes: u32,
    granted_access: u32,
    handle_count: u32,
    pointer_count: u32,
    paged_pool: u32,
    nonpaged_pool: u32,
    reserved: [u32; 3],
    name_length: u32,
    type_length: u32,
    security_length: u32,
    created: i64,
}

/// OBJECT_TYPE_INFORMATION. The name follows.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TypeInformation {
    name: UnicodeString,
    objects: u32,
    handles: u32,
    pools: [u32; 4],
    most_objects: u32,
    most_handles: u32,
    most_pools: [u32; 4],
    invalid_attributes: u32,
    mapping: [u32; 4],
    valid_access: u32,
    security_required: u8,
    maintain_handle_count: u8,
    index: u8,
    reserved: u8,
    pool_type: u32,
    charges: [u32; 2],
}

const _: () = assert!(size_of::<BasicInformation>() == 56 && size_of::<TypeInformation>() == 104);

/// Objects of a type that have handles, and their handles. Types do not count: nobody but this asks.
fn census(entries: &[(Handle, Entry)], kind: Type) -> (u32, u32) {
    let of_kind = || entries.iter().filter(|(_, entry)| entry.object.kind() == kind);
    let objects: HashSet<_> = of_kind().map(|(_, entry)| Arc::as_ptr(&entry.object)).collect();
    (objects.len() as u32, of_kind().count() as u32)
}

/// Adds OBJECT_TYPE_INFORMATION and its name, for a buffer at `base`.
fn put_type(bytes: &mut Bytes, base: u64, kind: Type, entries: &[(Handle, Entry)]) {
    let name = wide(kind.name());
    let length = name.len() as u16 * 2;
    let buffer = base.wrapping_add((bytes.0.len() + size_of::<TypeInformation>()) as u64);
    let mapping = kind.mapping();
    let (objects, handles) = census(entries, kind);
    bytes.push(TypeInformation {
        name: UnicodeString { length, maximum_length: length + 2, pad: 0, buffer },
        objects,
        handles,
        most_objects: objects,
        most_handles: handles,
        mapping: [mapping.read, mapping.write, mapping.execute, mapping.all],
        valid_access: kind.valid_access(),
        // Numbers 0 and 1 are not used for types.
        index: kind as u8 + 2,
        ..Default::default()
    });
    bytes.text(&name);
}

impl Cx<'_> {
    /// An object's full name as NtQueryObject tells it; `None` if it has none.
    fn object_name(&self, entry: &Entry) -> Nt<Option<Vec<u16>>> {
        let name = match &entry.object.body {
            Body::File(file) => Some(file.ops.full_name(file)?),
            Body::Key(key) => Some(key.path(self.k)?),
            _ => entry.object.path(),
        };
        Ok(name.filter(|name| !name.is_empty()))
    }
}

/// NtQueryObject.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_BUFFER_OVERFLOW` for a file's name,
/// `STATUS_INVALID_BUFFER_SIZE`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`, `STATUS_KEY_DELETED` and
/// `STATUS_OBJECT_PATH_INVALID` for the name of what has none any more or never had one.
pub fn nt_query_object(cx: &Cx<'_>, handle: Handle, of: u32, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
    let answer = Answer::new(buffer, length, returned);
    match of {
        class::BASIC => answer.at_least(cx.k, || {
            let entry = cx.entry(handle, 0)?;
            let permanent = if entry.object.permanent.load(Ordering::Relaxed) { OBJ_PERMANENT } else { 0 };
            Ok(BasicInformation {
                attributes: entry.attributes | permanent,
                granted_access: entry.access,
                handle_count: entry.object.handles.load(Ordering::Relaxed),
                // Without the reference that this call holds.
                pointer_count: Arc::strong_count(&entry.object) as u32 - 1,
                name_length: cx.object_name(&entry).ok().flatten().map_or(0, |name| name.len() as u32 * 2 + 18),
                type_length: (size_of::<TypeInformation>() + entry.object.kind().name().len() * 2 + 2) as u32,
                security_length: cx
                    .k
                    .security(&entry.object)
                    .ok()
                    .flatten()
                    .map_or(0, |security| security.len() as u32),
                ..Default::default()
            })
        }),
        class::NAME => {
            let entry = cx.entry(handle, 0)?;
            let mut bytes = Bytes::default();
            let Some(name) = cx.object_name(&entry)? else {
                bytes.push(UnicodeString::default());
                return answer.bytes(cx.k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH);
            };
            let units = u16::try_from(name.len() * 2).map_err(|_| STATUS_NAME_TOO_LONG)?;
            let (maximum_length, buffer) = (units.saturating_add(2), buffer.wrapping_add(16));
            bytes.push(UnicodeString { length: units, maximum_length, pad: 0, buffer });
            bytes.text(&name);
            let is_file = matches!(entry.object.body, Body::File(_));
            let short = if is_file && length >= 16 { STATUS_BUFFER_OVERFLOW } else { STATUS_INFO_LENGTH_MISMATCH };
            answer.bytes(cx.k, &bytes.0, short)
        }
        class::TYPE => {
            let kind = cx.entry(handle, 0)?.object.kind();
            let mut bytes = Bytes::default();
            put_type(&mut bytes, buffer, kind, &cx.k.ob.handles.list());
            answer.bytes(cx.k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH)
        }
        class::TYPES => {
            let entries = cx.k.ob.handles.list();
            let mut bytes = Bytes::default();
            bytes.push(Type::ALL.len() as u32);
            for kind in Type::ALL {
                put_type(bytes.align(8), buffer, *kind, &entries);
            }
            bytes.align(8);
            if length >= 4 && (length as usize) < bytes.0.len() {
                UserPtr::<u32>::new(buffer).write(cx.k, Type::ALL.len() as u32)?;
            }
            answer.bytes(cx.k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH)
        }
        class::HANDLE_FLAGS => {
            if length < 2 {
                return Err(STATUS_INVALID_BUFFER_SIZE);
            }
            let attributes = cx.entry(handle, 0)?.attributes;
            let flag = |bit: u32| u8::from(attributes & bit != 0);
            answer.bytes(cx.k, &[flag(OBJ_INHERIT), flag(OBJ_PROTECT_CLOSE)], STATUS_INVALID_BUFFER_SIZE)
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// NtSetInformationObject: whether a handle is inheritable, and protected from being closed.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INVALID_BUFFER_SIZE`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_information_object(cx: &Cx<'_>, handle: Handle, of: u32, buffer: u64, length: u32) -> Nt {
    if of != class::HANDLE_FLAGS {
        return Err(STATUS_INVALID_INFO_CLASS);
    }
    if length < 2 {
        return Err(STATUS_INVALID_BUFFER_SIZE);
    }
    let [inherit, protect] = UserPtr::<[u8; 2]>::new(buffer).read(cx.k)?;
    let attributes = if inherit != 0 { OBJ_INHERIT } else { 0 } | if protect != 0 { OBJ_PROTECT_CLOSE } else { 0 };
    cx.k.ob.handles.set_attributes(handle, attributes)?;
    Ok(STATUS_SUCCESS)
}

/// NtMakePermanentObject: the object keeps its name without handles.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`.
pub fn nt_make_permanent_object(cx: &Cx<'_>, handle: Handle) -> Nt {
    cx.object(handle, 0)?.set_permanent(true);
    Ok(STATUS_SUCCESS)
}

/// NtMakeTemporaryObject: the object loses its name with its last handle.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn nt_make_temporary_object(cx: &Cx<'_>, handle: Handle) -> Nt {
    cx.object(handle, DELETE)?.set_permanent(false);
    Ok(STATUS_SUCCESS)
}

/// NtCompareObjects.
///
/// # Errors
/// `STATUS_NOT_SAME_OBJECT`, `STATUS_INVALID_HANDLE`.
pub fn nt_compare_objects(cx: &Cx<'_>, first: Handle, second: Handle) -> Nt {
    let (first, second) = (cx.object(first, 0)?, cx.object(second, 0)?);
    if Arc::ptr_eq(&first, &second) { Ok(STATUS_SUCCESS) } else { Err(STATUS_NOT_SAME_OBJECT) }
}
