//! Changing files: times and attributes, sizes, deletion, names (NtSetInformationFile).

use super::info::{FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL};
use super::path::{self, DiskPath, is_root};
use super::times::Wish;
use super::{DiskFile, Volume, directory, together};
use crate::answer::{Fields, units};
use crate::call::Cx;
use crate::io::information::*;
use crate::ob::Ref;
use crate::ob::directory::Found;
use crate::ob::handle::Handle;
use crate::ob::object::Body;
use crate::status::*;
use crate::types::ObjectAttributes;
use shim_abi::calls::{StreamDelete, StreamQueryName, StreamRename, StreamSetAttributes};
use shim_abi::error::Error;
use shim_abi::stream::{Kind, attributes as bits};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Sets a class.
///
/// # Errors
/// As Windows documents them for NtSetInformationFile.
pub fn set(cx: &Cx<'_>, file: &DiskFile, object: &Ref, class: u32, data: &[u8]) -> Nt {
    let fields = Fields(data);
    match class {
        FILE_BASIC_INFORMATION => basic(cx, file, fields),
        FILE_END_OF_FILE_INFORMATION => end_of_file(cx, file, fields.i64(0), false),
        FILE_ALLOCATION_INFORMATION => end_of_file(cx, file, fields.i64(0), true),
        FILE_VALID_DATA_LENGTH_INFORMATION => {
            // Bytes beyond what was written read as zero here: there is nothing to expose.
            let size = cx.k.host.query(file.stream()?)?.size;
            let length = fields.i64(0);
            if length <= 0 || length as u64 > size { Err(STATUS_INVALID_PARAMETER) } else { Ok(STATUS_SUCCESS) }
        }
        FILE_DISPOSITION_INFORMATION => disposition(cx, file, u32::from(fields.flag(0))),
        FILE_DISPOSITION_INFORMATION_EX => disposition(cx, file, fields.u32(0)),
        FILE_RENAME_INFORMATION => rename(cx, file, object, fields, u32::from(fields.flag(0))),
        FILE_RENAME_INFORMATION_EX => rename(cx, file, object, fields, fields.u32(0)),
        FILE_LINK_INFORMATION => link(cx, file, object, fields, u32::from(fields.flag(0))),
        FILE_LINK_INFORMATION_EX => link(cx, file, object, fields, fields.u32(0)),
        // Takes SeRestorePrivilege, which no token here holds.
        FILE_SHORT_NAME_INFORMATION => Err(STATUS_PRIVILEGE_NOT_HELD),
        FILE_CASE_SENSITIVE_INFORMATION => Err(STATUS_NOT_SUPPORTED),
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

fn basic(cx: &Cx<'_>, file: &DiskFile, fields: Fields<'_>) -> Nt {
    let wish = |at: usize| Wish::of(fields.i64(at));
    // The host's own time of change cannot be set.
    let [created, read, wrote, _changed] = [wish(0)?, wish(8)?, wish(16)?, wish(24)?];
    let (created, accessed, written) = (created.set(), read.set(), wrote.set());
    let wanted = fields.u32(32);
    if wanted & FILE_ATTRIBUTE_DIRECTORY != 0 && !file.is_directory() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let identity = file.fcb.identity_now();
    let mut state = file.fcb.state.lock();
    let link = state.attributes & bits::KEPT & !bits::STORED;
    let attributes = (wanted != 0).then_some(wanted & bits::STORED & !FILE_ATTRIBUTE_NORMAL | link);
    let attributes = attributes.filter(|wanted| *wanted != state.attributes);
    if attributes.is_some() || created.is_some() || accessed.is_some() || written.is_some() {
        cx.k.host.ask(&StreamSetAttributes {
            uri: file.link.uri(),
            identity,
            attributes,
            created,
            accessed,
            written,
        })?;
        state.attributes = attributes.unwrap_or(state.attributes);
        state.created = created.unwrap_or(state.created);
    }
    file.keep_times(cx.k, read, wrote)?;
    Ok(STATUS_SUCCESS)
}

/// Sets the size; `allocation`: only cuts.
fn end_of_file(cx: &Cx<'_>, file: &DiskFile, length: i64, allocation: bool) -> Nt {
    let length = u64::try_from(length).map_err(|_| STATUS_INVALID_PARAMETER)?;
    if file.is_directory() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let stream = file.stream()?;
    let _guard = file.fcb.append.lock();
    let size = cx.k.host.query(stream)?.size;
    if length < size && file.fcb.is_mapped() {
        return Err(STATUS_USER_MAPPED_FILE);
    }
    if length < size || !allocation {
        cx.k.host.set_length(stream, length)?;
    }
    Ok(STATUS_SUCCESS)
}

/// FILE_DISPOSITION_DELETE.
const DELETE: u32 = 1;
/// FILE_DISPOSITION_POSIX_SEMANTICS.
const POSIX: u32 = 2;
/// FILE_DISPOSITION_ON_CLOSE: change what FILE_DELETE_ON_CLOSE said at open.
const ON_CLOSE: u32 = 8;
/// FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE.
const IGNORE_READONLY: u32 = 0x10;

fn disposition(cx: &Cx<'_>, file: &DiskFile, flags: u32) -> Nt {
    if flags & ON_CLOSE != 0 {
        if !file.opened_delete_on_close {
            return Err(STATUS_NOT_SUPPORTED);
        }
        file.delete_on_close.store(flags & DELETE != 0, Ordering::Release);
        file.tell_deletion(None)?;
        return Ok(STATUS_SUCCESS);
    }
    if flags & DELETE == 0 {
        file.link.delete_pending.store(false, Ordering::Release);
        file.posix_delete.store(false, Ordering::Release);
        file.tell_deletion(Some(false))?;
        return Ok(STATUS_SUCCESS);
    }
    let uri = file.link.uri();
    let readonly = file.fcb.state.lock().attributes & bits::READONLY != 0;
    let is_mapped = flags & POSIX == 0 && file.fcb.is_mapped() || cx.k.mm.file_use(&file.fcb.identity).image;
    if is_root(&uri) || (readonly && flags & IGNORE_READONLY == 0) || is_mapped {
        return Err(STATUS_CANNOT_DELETE);
    }
    if !file.fcb.writable {
        return Err(STATUS_ACCESS_DENIED);
    }
    if file.is_directory() && !file.is_link() {
        let mut count = 0;
        directory::list(cx.k, &uri, true, |_, _| count += 1)?;
        if count != 0 {
            return Err(STATUS_DIRECTORY_NOT_EMPTY);
        }
    }
    file.posix_delete.store(flags & POSIX != 0, Ordering::Release);
    file.link.delete_pending.store(true, Ordering::Release);
    file.tell_deletion(Some(true))?;
    Ok(STATUS_SUCCESS)
}

/// FILE_RENAME_REPLACE_IF_EXISTS, FILE_LINK_REPLACE_IF_EXISTS.
const REPLACE: u32 = 1;
/// FILE_RENAME_POSIX_SEMANTICS: what is replaced may be open.
const REPLACE_OPEN: u32 = 2;
/// FILE_RENAME_IGNORE_READONLY_ATTRIBUTE.
const REPLACE_READONLY: u32 = 0x40;

/// The target of FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION.
fn target(cx: &Cx<'_>, file: &DiskFile, object: &Ref, fields: Fields<'_>) -> Nt<DiskPath> {
    let length = fields.u32(16) as usize;
    let name = units(fields.bytes(20, length)?);
    let root = Handle(fields.u64(8));
    let backslash = u16::from(b'\\');
    if name.is_empty() || !length.is_multiple_of(2) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let own = file.link.uri();
    let of = path::stream(&own).map_or(own.as_str(), |(file, _)| file);
    if root == Handle(0) && name.first() == Some(&u16::from(b':')) {
        // Another name for the stream; the file's own bytes have none.
        let whole: Vec<u16> = path::last(of).encode_utf16().chain(name).collect();
        let to = path::below(path::parent(of), &whole)?;
        return if path::stream(&own).is_some() && path::stream(&to.uri).is_some() {
            Ok(to)
        } else {
            Err(STATUS_INVALID_PARAMETER)
        };
    }
    if path::stream(&own).is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let found = if root != Handle(0) {
        let root = cx.object(root, 0)?;
        let directory: &DiskFile = root.file()?.driver()?;
        if !Arc::ptr_eq(&root.file()?.device, &object.file()?.device) {
            return Err(STATUS_NOT_SAME_DEVICE);
        }
        if name.first() == Some(&backslash) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        path::below(&directory.link.uri(), &name)?
    } else if name.contains(&backslash) {
        let attributes = ObjectAttributes { name: Some(name), attributes: 0x40, ..ObjectAttributes::default() };
        let Found::Rest(device, rest) = cx.walk(&attributes, false)? else { return Err(STATUS_OBJECT_PATH_NOT_FOUND) };
        if !Arc::ptr_eq(&device, &object.file()?.device) {
            return Err(STATUS_NOT_SAME_DEVICE);
        }
        path::on_drive(letter(&device)?, &rest)?
    } else {
        path::below(path::parent(&file.link.uri()), &name)?
    };
    if is_root(&found.uri) {
        return Err(STATUS_OBJECT_NAME_COLLISION);
    }
    if path::stream(&found.uri).is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    super::link::straight(cx, super::short::resolve(cx, found))
}

fn letter(device: &Ref) -> Nt<u8> {
    let Body::Device(device) = &device.body else { return Err(STATUS_OBJECT_TYPE_MISMATCH) };
    device.driver.as_any().downcast_ref().map(|volume: &Volume| volume.letter).ok_or(STATUS_NOT_SAME_DEVICE)
}

/// Whether what has the target's name may be replaced.
fn check_replaced(cx: &Cx<'_>, file: &DiskFile, to: &str, flags: u32) -> Nt<()> {
    let named = match cx.k.host.ask(&StreamQueryName { uri: to.to_owned() }) {
        Ok(named) => named,
        Err(Error::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if named.info.identity == file.fcb.identity {
        return Ok(());
    }
    let readonly = named.info.attributes & bits::READONLY != 0 && flags & REPLACE_READONLY == 0;
    if named.info.kind == Kind::Directory || readonly {
        return Err(STATUS_ACCESS_DENIED);
    }
    let here = cx.k.io.disk.table.get(&named.info.identity).map(|open| (open.is_used(), open.shares_delete()));
    for (is_used, shares_delete) in here.into_iter().chain(together::sharing(cx.k, &named.info.identity)) {
        // Somebody has it open. Those who look at its attributes alone do not hinder.
        if flags & REPLACE_OPEN == 0 && is_used {
            return Err(STATUS_ACCESS_DENIED);
        }
        if !shares_delete {
            return Err(STATUS_SHARING_VIOLATION);
        }
    }
    if file.is_directory() {
        // The host does not put a directory in a file's place.
        cx.k.host.ask(&StreamDelete { uri: named.uri, identity: named.info.identity })?;
    }
    Ok(())
}

/// Marks the replaced file's name as gone for those who have it open.
fn forget_replaced(cx: &Cx<'_>, file: &DiskFile, to: &str) {
    cx.k.io.disk.table.name_is_gone(to, &file.fcb);
    together::name_is_gone(cx.k, to, &file.fcb);
}

fn rename(cx: &Cx<'_>, file: &DiskFile, object: &Ref, fields: Fields<'_>, flags: u32) -> Nt {
    let from = file.link.uri();
    let to = target(cx, file, object, fields)?;
    if is_root(&from) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if file.link.deleted.load(Ordering::Acquire) {
        return Err(STATUS_FILE_DELETED);
    }
    if to.directory && !file.is_directory() {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if file.is_directory() && cx.k.io.disk.table.any_below(cx.k, &from) {
        return Err(STATUS_ACCESS_DENIED);
    }
    let replace = flags & REPLACE != 0;
    if replace {
        check_replaced(cx, file, &to.uri, flags)?;
    }
    let identity = file.fcb.identity_now();
    let call = StreamRename { from: from.clone(), identity, to: to.uri, replace, link: false };
    let due = cx.k.io.disk.watches.about(&[&from, &call.to]);
    let stored = cx.k.host.ask(&call)?;
    due.wait(cx.k);
    if path::fold(&from) != path::fold(&stored) {
        forget_replaced(cx, file, &stored);
    }
    file.tell_name(&stored)?;
    file.fcb.renamed(&file.link, stored);
    Ok(STATUS_SUCCESS)
}

fn link(cx: &Cx<'_>, file: &DiskFile, object: &Ref, fields: Fields<'_>, flags: u32) -> Nt {
    if file.is_directory() {
        return Err(STATUS_FILE_IS_A_DIRECTORY);
    }
    let to = target(cx, file, object, fields)?;
    if to.directory {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    let replace = flags & REPLACE != 0;
    if replace {
        check_replaced(cx, file, &to.uri, flags)?;
    }
    let identity = file.fcb.identity_now();
    let call = StreamRename { from: file.link.uri(), identity, to: to.uri, replace, link: true };
    let stored = cx.k.host.ask(&call)?;
    forget_replaced(cx, file, &stored);
    Ok(STATUS_SUCCESS)
}
