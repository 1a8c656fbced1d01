//! What keys say about themselves.

use super::access;
use super::hive::flags;
use super::tree::{Extent, KeyView};
use crate::answer::Bytes;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// KeyHandleTagsInformation.
const HANDLE_TAGS: u32 = 7;
/// No offset: there is no class.
const NO_OFFSET: u32 = u32::MAX;
/// REG_FLAG_VOLATILE.
const FLAG_VOLATILE: u32 = 1;
/// REG_FLAG_LINK.
const FLAG_LINK: u32 = 2;

/// An answer of which as much is stored as there is room for.
pub(super) struct Cut {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Bytes that must fit.
    pub fixed: usize,
}

impl Cut {
    /// Stores it.
    ///
    /// # Errors
    /// `STATUS_BUFFER_TOO_SMALL` if the fixed part does not fit, `STATUS_BUFFER_OVERFLOW` if the rest does not,
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn store(&self, k: &Kernel, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
        returned.write(k, self.bytes.len() as u32)?;
        let room = (length as usize).min(self.bytes.len());
        k.write_user(buffer, self.bytes.get(..room).unwrap_or_default())?;
        if room < self.fixed {
            Err(STATUS_BUFFER_TOO_SMALL)
        } else if room < self.bytes.len() {
            Err(STATUS_BUFFER_OVERFLOW)
        } else {
            Ok(STATUS_SUCCESS)
        }
    }
}

/// The answer of an information class (`KEY_INFORMATION_CLASS` of wdm.h).
fn answer(class: u32, view: &KeyView<'_>, extent: &Extent, path: &[u16]) -> Nt<Cut> {
    let mut out = Bytes::default();
    let (name, class_name) = (view.name.bytes(), view.class.bytes());
    let class_at = |offset: usize| if class_name.is_empty() { NO_OFFSET } else { offset as u32 };
    let fixed = match class {
        // KeyBasicInformation: LastWriteTime, TitleIndex, NameLength, Name.
        0 => {
            out.push(view.written).push([0, name.len() as u32]);
            out.extend(name);
            16
        }
        // KeyNodeInformation: LastWriteTime, TitleIndex, ClassOffset, ClassLength, NameLength, Name, and the class after it.
        1 => {
            out.push(view.written);
            out.push([0, class_at(24 + name.len()), class_name.len() as u32, name.len() as u32]);
            out.extend(name).extend(class_name);
            24
        }
        // KeyFullInformation: LastWriteTime, TitleIndex, ClassOffset, ClassLength, SubKeys, MaxNameLen, MaxClassLen, Values,
        // MaxValueNameLen, MaxValueDataLen, Class.
        2 => {
            out.push(view.written).push([0, class_at(44), class_name.len() as u32]);
            out.push([extent.subkeys, extent.name, extent.class, extent.values, extent.value_name, extent.data]);
            out.extend(class_name);
            44
        }
        // KeyNameInformation: NameLength, Name: the full path.
        3 => {
            out.push(path.len() as u32 * 2);
            for unit in path {
                out.push(*unit);
            }
            4
        }
        // KeyCachedInformation: LastWriteTime, TitleIndex, SubKeys, MaxNameLen, Values, MaxValueNameLen, MaxValueDataLen,
        // NameLength, padding.
        4 => {
            out.push(view.written).push([0, extent.subkeys, extent.name, extent.values]);
            out.push([extent.value_name, extent.data, name.len() as u32, 0]);
            40
        }
        // KeyFlagsInformation: Wow64Flags, KeyFlags, ControlFlags.
        5 => {
            let link = if view.flags & flags::LINK != 0 { FLAG_LINK } else { 0 };
            out.push([view.kept[0], link | if view.volatile { FLAG_VOLATILE } else { 0 }, view.kept[1]]);
            12
        }
        // KeyVirtualizationInformation, KeyTrustInformation, KeyLayerInformation: no bit set.
        6 | 8 | 9 => {
            out.push(0u32);
            4
        }
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    Ok(Cut { bytes: out.0, fixed })
}

/// What a predefined key answers to all but being opened.
fn check_predefined(view: &KeyView<'_>) -> Nt<()> {
    if view.flags & flags::PREDEFINED != 0 { Err(STATUS_INVALID_HANDLE) } else { Ok(()) }
}

/// NtQueryKey.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` and `STATUS_BUFFER_OVERFLOW`, both with the length needed; `STATUS_INVALID_PARAMETER` for a
/// class that there is not, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_key(cx: &Cx<'_>, key: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) -> Nt {
    // A name needs no right, as on Windows.
    let object = cx.object(key, if class == 3 { 0 } else { access::QUERY_VALUE })?;
    let key = object.key()?;
    let id = key.id;
    if class == HANDLE_TAGS {
        let tags = key.tags.load(Ordering::Relaxed);
        return Cut { bytes: tags.to_le_bytes().to_vec(), fixed: 4 }.store(cx.k, buffer, length, returned);
    }
    let cut = key.see(cx.k, |tree| {
        let view = tree.view(id)?;
        check_predefined(&view)?;
        let extent = if matches!(class, 2 | 4) { tree.extent(id)? } else { Extent::default() };
        let path = if class == 3 { tree.path(id)? } else { Vec::new() };
        answer(class, &view, &extent, &path)
    })?;
    cut.store(cx.k, buffer, length, returned)
}

/// NtEnumerateKey: as [`nt_query_key`] of the subkey with that number.
///
/// # Errors
/// As [`nt_query_key`]; `STATUS_NO_MORE_ENTRIES`, `STATUS_ACCESS_DENIED`.
pub fn nt_enumerate_key(
    cx: &Cx<'_>,
    key: Handle,
    index: u32,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let object = cx.object(key, access::ENUMERATE_SUB_KEYS)?;
    let key = object.key()?;
    let id = key.id;
    let cut = key.see(cx.k, |tree| {
        check_predefined(&tree.view(id)?)?;
        if class > 4 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let (view, extent) = tree.subkey_view(id, index as usize)?;
        let path = if class == 3 {
            let mut path = tree.path(id)?;
            path.push(u16::from(b'\\'));
            path.extend(view.name.units());
            path
        } else {
            Vec::new()
        };
        answer(class, &view, &extent, &path)
    })?;
    cut.store(cx.k, buffer, length, returned)
}
