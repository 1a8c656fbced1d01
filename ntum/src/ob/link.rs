//! System calls of directories and symbolic links.

use super::directory::{Directory, SymbolicLink, new_directory};
use super::handle::Handle;
use super::object::{Body, Object, Ref};
use super::types::Type;
use crate::answer::Bytes;
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::status::*;
use crate::types::{OBJ_OPENLINK, ObjectAttributes, ObjectAttributesRaw, UnicodeString, wide};
use crate::um::UserPtr;
use parking_lot::RwLock;

/// DIRECTORY_QUERY.
pub const DIRECTORY_QUERY: u32 = 1;
/// SYMBOLIC_LINK_QUERY.
pub const SYMBOLIC_LINK_QUERY: u32 = 1;

/// NtCreateDirectoryObject.
///
/// # Errors
/// As `Cx::create_named`.
pub fn nt_create_directory_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let (made, status) = cx.create_directory(&attributes, access, new_directory())?;
    cx.give(handle, made, status)
}

impl Cx<'_> {
    /// As [`Cx::create_named`]. A directory without a name is known to the sandbox too: what is in it has a name for all to
    /// whom it goes.
    fn create_directory(&self, attributes: &ObjectAttributes, access: u32, object: Ref) -> Nt<(Handle, Status)> {
        let made = self.create_named(attributes, access, object.clone())?;
        if attributes.name.as_ref().is_none_or(Vec::is_empty) {
            match self.k.share(&object) {
                Ok(_) | Err(STATUS_NOT_SUPPORTED) => {}
                Err(error) => {
                    let _ = self.k.close_handle(made.0);
                    return Err(error);
                }
            }
        }
        Ok(made)
    }
}

/// NtCreateDirectoryObjectEx: names that the new directory lacks are looked up in the shadow.
///
/// # Errors
/// As [`nt_create_directory_object`]; `STATUS_INVALID_PARAMETER` for unknown flags.
pub fn nt_create_directory_object_ex(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    shadow: Handle,
    flags: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    if flags != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let shadow: Option<Ref> = match shadow {
        Handle(0) => None,
        handle => Some(cx.object_of(handle, Type::Directory, DIRECTORY_QUERY)?),
    };
    let object = Object::new(Dispatcher::none(), Body::Directory(Directory::with_shadow(shadow)));
    let (made, status) = cx.create_directory(&attributes, access, object)?;
    cx.give(handle, made, status)
}

/// NtOpenDirectoryObject.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_directory_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.directory().is_ok())
}

/// OBJECT_DIRECTORY_INFORMATION: two strings.
const ENTRY: usize = 2 * size_of::<UnicodeString>();

/// NtQueryDirectoryObject: entries, one that is all zero, and behind it the strings. `context` counts the entries that
/// were answered.
///
/// # Errors
/// `STATUS_NO_MORE_ENTRIES`, `STATUS_BUFFER_TOO_SMALL` if not even a single entry that was asked for fits,
/// `STATUS_MORE_ENTRIES`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`,
/// `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_query_directory_object(
    cx: &Cx<'_>,
    handle: Handle,
    buffer: u64,
    length: u32,
    single: bool,
    restart: bool,
    context: UserPtr<u32>,
    returned: UserPtr<u32>,
) -> Nt {
    let object = cx.object_of(handle, Type::Directory, DIRECTORY_QUERY)?;
    let directory = object.directory()?;
    let before = context.read(cx.k)?;
    let index = if restart { 0 } else { before };
    let length = length as usize;
    let own = directory.list().into_iter().map(|(name, object)| (name, object.kind()));
    let entries = own.chain(cx.k.shared_names(&object)).skip(index as usize);
    let strings = |name: &[u16], kind: &str| (name.len() + 1 + kind.len() + 1) * 2;
    let mut taken: Vec<(Vec<u16>, &'static str)> = Vec::new();
    let mut used = ENTRY;
    let mut left = None;
    for (name, kind) in entries.take(if single { 1 } else { usize::MAX }) {
        let kind = kind.name();
        let size = ENTRY + strings(&name, kind);
        if used + size > length {
            left = Some(used + size);
            break;
        }
        used += size;
        taken.push((name, kind));
    }
    let zero = [0u8; ENTRY];
    if taken.is_empty() {
        if length >= ENTRY {
            cx.k.write_user(buffer, &zero)?;
        }
        return match left {
            None => {
                returned.write_opt(cx.k, ENTRY as u32)?;
                Err(STATUS_NO_MORE_ENTRIES)
            }
            Some(needed) if single => {
                returned.write_opt(cx.k, needed as u32)?;
                Err(STATUS_BUFFER_TOO_SMALL)
            }
            Some(_) => {
                context.write(cx.k, index)?;
                returned.write_opt(cx.k, ENTRY as u32)?;
                Ok(STATUS_MORE_ENTRIES)
            }
        };
    }
    let mut head = Bytes::default();
    let mut tail = Bytes::default();
    let pool = ENTRY * (taken.len() + 1);
    for (name, kind) in &taken {
        for text in [name, &wide(kind)] {
            let bytes = text.len() as u16 * 2;
            let at = buffer.wrapping_add((pool + tail.0.len()) as u64);
            head.push(UnicodeString { length: bytes, maximum_length: bytes + 2, pad: 0, buffer: at });
            tail.text(text);
        }
    }
    head.extend(&zero).extend(&tail.0);
    cx.k.write_user(buffer, &head.0)?;
    context.write(cx.k, index.wrapping_add(taken.len() as u32))?;
    returned.write_opt(cx.k, used as u32)?;
    Ok(if left.is_some() { STATUS_MORE_ENTRIES } else { STATUS_SUCCESS })
}

/// NtCreateSymbolicLinkObject. A link that exists and may be opened is opened without a word.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for an empty target, `STATUS_ACCESS_VIOLATION` (too without attributes), and as `Cx::create_named`.
pub fn nt_create_symbolic_link_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    target: UserPtr<UnicodeString>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let string = target.read(cx.k)?;
    if string.maximum_length == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if attributes.is_null() {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let attributes = attributes.load(cx.k)?;
    let target = string.read(cx.k)?;
    if target.is_empty() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let link = SymbolicLink { target: RwLock::new(target) };
    let object = Object::new(Dispatcher::none(), Body::SymbolicLink(link));
    let (made, _) = cx.create_named(&attributes, access, object)?;
    cx.give(handle, made, STATUS_SUCCESS)
}

/// NtOpenSymbolicLinkObject: the link itself.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_symbolic_link_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let mut attributes = attributes.load_to_open(cx.k)?;
    attributes.attributes |= OBJ_OPENLINK;
    let opened = cx.open_named(&attributes, access, |object| object.symbolic_link().is_ok())?;
    cx.give(handle, opened, STATUS_SUCCESS)
}

/// NtQuerySymbolicLinkObject: the target, with a zero behind it that counts in `returned` only.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`,
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_symbolic_link_object(
    cx: &Cx<'_>,
    handle: Handle,
    target: UserPtr<UnicodeString>,
    returned: UserPtr<u32>,
) -> Nt {
    let mut string = target.read(cx.k)?;
    let object = cx.object_of(handle, Type::SymbolicLink, SYMBOLIC_LINK_QUERY)?;
    let units = object.symbolic_link()?.target.read().clone();
    let mut bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    bytes.extend_from_slice(&[0, 0]);
    returned.write_opt(cx.k, bytes.len() as u32)?;
    if usize::from(string.maximum_length) < bytes.len() {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(string.buffer, &bytes)?;
    string.length = bytes.len() as u16 - 2;
    target.write(cx.k, string)?;
    Ok(STATUS_SUCCESS)
}
