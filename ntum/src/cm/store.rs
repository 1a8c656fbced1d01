//! Hives in files: saving, restoring, loading, unloading, replacing. The form of the files is [`super::regf`]'s.
//!
//! A hive that is loaded is part of the registry like any other key, for all processes; its root knows the file. What changed
//! is written there when it is flushed or unloaded. The hive of an application goes with its last handle.

use super::key;
use super::regf::{self, Branch};
use super::tree::{Create, KeyId, Op, Resolved, Tree};
use super::{access, session};
use crate::call::Cx;
use crate::host::Stream;
use crate::io::device::Create as Open;
use crate::io::file::{FILE_NON_DIRECTORY_FILE, FILE_READ_DATA, FILE_SYNCHRONOUS_IO_NONALERT, FILE_WRITE_DATA};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::se::token::privilege;
use crate::status::*;
use crate::types::{OBJ_CASE_INSENSITIVE, ObjectAttributes, ObjectAttributesRaw, wide};
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// REG_WHOLE_HIVE_VOLATILE: what is restored is lost with the session.
const WHOLE_HIVE_VOLATILE: u32 = 0x1;
/// REG_REFRESH_HIVE: back to what the file last held.
const REFRESH_HIVE: u32 = 0x2;
/// REG_FORCE_RESTORE: keys that are open are no hindrance.
const FORCE_RESTORE: u32 = 0x8;
/// REG_APP_HIVE: a hive for the caller alone, which takes no privilege.
const APP_HIVE: u32 = 0x10;
/// REG_OPEN_READ_ONLY: nothing is written to the file.
const OPEN_READ_ONLY: u32 = 0x2000;
/// FILE_OPEN and FILE_OPEN_IF.
const DISPOSITIONS: [u32; 2] = [1, 3];
/// Largest file that is read: 2 GB less the header is what a hive can hold.
const LARGEST: u64 = 0x7fff_f000;
/// Where hives of applications are loaded.
const APPLICATIONS: &str = "A";
/// What a hive is written to that is not written any more.
const NOWHERE: &str = "\\Device\\Null";

type Attributes = UserPtr<ObjectAttributesRaw>;

/// Files of the hives that this process loaded.
#[derive(Default)]
pub struct Loaded(Mutex<HashMap<KeyId, Arc<Stream>>>);

fn privileged(cx: &Cx<'_>, needed: u64) -> Nt<()> {
    let token = cx.k.effective_token(cx.t);
    let held = token.token()?.state.read().has_privilege(needed);
    if held { Ok(()) } else { Err(STATUS_PRIVILEGE_NOT_HELD) }
}

fn stream_of(file: &Ref) -> Nt<Arc<Stream>> {
    crate::io::disk::stream_of(file).ok_or(STATUS_INVALID_PARAMETER)
}

/// Everything that a file holds.
fn read(k: &Kernel, stream: &Arc<Stream>) -> Nt<Vec<u8>> {
    let size = k.host.query(stream)?.size;
    if size > LARGEST {
        return Err(STATUS_NOT_REGISTRY_FILE);
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| STATUS_NO_MEMORY)?];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match k.host.read_bytes(stream, rest, Some(done as u64)).map_err(|_| STATUS_REGISTRY_IO_FAILED)? {
            0 => break,
            count => done += count,
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// Has a file hold these bytes and no others.
fn write(k: &Kernel, stream: &Arc<Stream>, bytes: &[u8]) -> Nt<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match k.host.write_bytes(stream, rest, Some(done as u64)) {
            Ok(0) | Err(_) => return Err(STATUS_REGISTRY_IO_FAILED),
            Ok(count) => done += count,
        }
    }
    k.host.set_length(stream, bytes.len() as u64)?;
    Ok(k.host.flush(stream)?)
}

/// The branch that a file holds; a file of no length holds nothing yet.
fn parse(bytes: &[u8]) -> Nt<Branch> {
    if bytes.is_empty() {
        return Ok(Branch::default());
    }
    regf::read(bytes).map_err(|damage| match damage {
        super::hive::Damage::Magic | super::hive::Damage::Version => STATUS_NOT_REGISTRY_FILE,
        _ => STATUS_REGISTRY_CORRUPT,
    })
}

/// NtSaveKey: the key with all that lies in it, but for what is volatile.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeBackupPrivilege, `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`,
/// `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`, `STATUS_INVALID_PARAMETER` for what is no file of a disk,
/// `STATUS_REGISTRY_IO_FAILED`.
pub fn nt_save_key(cx: &Cx<'_>, handle: Handle, file: Handle) -> Nt {
    privileged(cx, privilege::BACKUP)?;
    let object = cx.object(handle, 0)?;
    let key = object.key()?;
    let stream = stream_of(&cx.object(file, FILE_WRITE_DATA)?)?;
    let branch = key.see(cx.k, |tree| tree.branch(key.id, false))?;
    let inherited = cx.k.descriptor(&object)?.bytes();
    write(cx.k, &stream, &regf::write(&branch, &inherited))?;
    Ok(STATUS_SUCCESS)
}

/// What makes a key hold a branch and nothing else.
fn replace(tree: &Tree, key: KeyId, branch: &Branch, volatile: bool, now: u64) -> Nt<Vec<Op>> {
    let mut ops = tree.delete_tree(key, false, now)?;
    for index in 0..tree.value_count(key)? {
        ops.push(Op::DeleteValue(key, tree.value_at(key, index)?.name.to_vec(), now));
    }
    let view = tree.view(key)?;
    let volatile = volatile || view.volatile;
    ops.push(Op::Dress(key, branch.class.clone(), view.flags, now));
    if let Some(security) = &branch.security {
        ops.push(Op::Secure(key, security.clone()));
    }
    ops.extend(tree.plant(key, branch, 0, volatile)?);
    Ok(ops)
}

/// NtRestoreKey: the key holds what the file does, in place of what it held.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege, `STATUS_ACCESS_DENIED` when keys below it are open (unless
/// that is to be no hindrance), `STATUS_INVALID_PARAMETER` for flags that there are not or that only hives take,
/// `STATUS_NOT_REGISTRY_FILE`, `STATUS_REGISTRY_CORRUPT`, `STATUS_REGISTRY_IO_FAILED`, `STATUS_INVALID_HANDLE`,
/// `STATUS_KEY_DELETED`, `STATUS_REGISTRY_QUOTA_LIMIT`.
pub fn nt_restore_key(cx: &Cx<'_>, handle: Handle, file: Handle, flags: u32) -> Nt {
    privileged(cx, privilege::RESTORE)?;
    let object = cx.object(handle, 0)?;
    let key = object.key()?;
    let id = key.id;
    let volatile = flags & WHOLE_HIVE_VOLATILE != 0;
    let bytes = if flags & REFRESH_HIVE != 0 {
        let root = key.see(cx.k, |tree| Ok(tree.file(id)))?;
        let path = root.ok_or(STATUS_INVALID_PARAMETER)?;
        read(cx.k, &open_path(cx, path, false)?)?
    } else {
        read(cx.k, &stream_of(&cx.object(file, FILE_READ_DATA)?)?)?
    };
    let branch = parse(&bytes)?;
    let now = cx.k.registry_time();
    key.alter(cx.k, |tree| {
        if flags & FORCE_RESTORE == 0 && !tree.open_below(id).is_empty() {
            return Err(STATUS_ACCESS_DENIED);
        }
        replace(tree, id, &branch, volatile, now)
    })
}

/// The file of a hive: its stream, and its path.
fn open(cx: &Cx<'_>, attributes: &ObjectAttributes, write: bool, make: bool) -> Nt<(Arc<Stream>, Vec<u16>)> {
    let rights = FILE_READ_DATA | SYNCHRONIZE | if write { FILE_WRITE_DATA } else { 0 };
    let options = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE;
    let create = Open { disposition: DISPOSITIONS[usize::from(make)], ..Open::existing(rights, options) };
    let object = cx.open_file(attributes, &create)?.object;
    let found = stream_of(&object).and_then(|stream| Ok((stream, object.file()?.device_path())));
    crate::io::file::last_handle_closed(cx.k, &object);
    found
}

fn open_path(cx: &Cx<'_>, path: Vec<u16>, write: bool) -> Nt<Arc<Stream>> {
    let attributes = ObjectAttributes { name: Some(path), attributes: OBJ_CASE_INSENSITIVE, ..Default::default() };
    open(cx, &attributes, write, false).map(|(stream, _)| stream)
}

/// NtLoadKey.
///
/// # Errors
/// As [`nt_load_key_ex`].
pub fn nt_load_key(cx: &Cx<'_>, target: Attributes, file: Attributes) -> Nt {
    nt_load_key2(cx, target, file, 0)
}

/// NtLoadKey2.
///
/// # Errors
/// As [`nt_load_key_ex`].
pub fn nt_load_key2(cx: &Cx<'_>, target: Attributes, file: Attributes, flags: u32) -> Nt {
    nt_load_key_ex(cx, target, file, flags, Handle(0), Handle(0), 0, UserPtr::new(0), 0)
}

/// NtLoadKeyEx: a key that is not there yet, in \Registry\Machine or \Registry\User (for an application's hive in \Registry\A),
/// holds what the file does. A file that is missing is made when something is written to it.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege, except for the hive of an application; `STATUS_INVALID_PARAMETER_7`
/// for a handle that only such a hive gives, `STATUS_OBJECT_NAME_COLLISION` for a key that is there, `STATUS_INVALID_PARAMETER`
/// for another place, `STATUS_NOT_REGISTRY_FILE`, `STATUS_REGISTRY_CORRUPT`, `STATUS_REGISTRY_IO_FAILED`,
/// `STATUS_REGISTRY_QUOTA_LIMIT`, and what opening file and key answers.
#[allow(clippy::too_many_arguments)]
pub fn nt_load_key_ex(
    cx: &Cx<'_>,
    target: Attributes,
    file: Attributes,
    flags: u32,
    _trust: Handle,
    _event: Handle,
    desired: u32,
    root: UserPtr<Handle>,
    _reserved: u64,
) -> Nt {
    let app = flags & APP_HIVE != 0;
    if !app && !root.is_null() {
        return Err(STATUS_INVALID_PARAMETER_7);
    }
    if app {
        root.write(cx.k, Handle(0))?;
    } else {
        privileged(cx, privilege::RESTORE)?;
    }
    let (_held, from, path) = key::place(cx, target)?;
    let attributes = file.load(cx.k)?;
    let writes = flags & OPEN_READ_ONLY == 0;
    let (stream, name) = open(cx, &attributes, writes, writes)?;
    let branch = parse(&read(cx.k, &stream)?)?;
    let now = cx.k.registry_time();
    let plan = |tree: &mut Tree| {
        let mut ops = Vec::new();
        let (parent, name_of_key) = match tree.resolve(from, &path, false) {
            Ok(Resolved::Key(_)) => return Err(STATUS_OBJECT_NAME_COLLISION),
            Ok(Resolved::Missing(parent, name)) if tree.parent(parent) == Some(KeyId::ROOT) => (parent, name),
            // The place of applications' hives is made for the first of them.
            Err(STATUS_OBJECT_NAME_NOT_FOUND) if app => {
                let (first, name) = session::split_first(&path);
                if from != KeyId::ROOT || !session::is_name(first, APPLICATIONS) || name.is_empty() {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                ops.push(create(KeyId::ROOT, &wide(APPLICATIONS), true, None, now));
                (tree.next_key(), name.to_vec())
            }
            Ok(Resolved::Missing(..)) => return Err(STATUS_INVALID_PARAMETER),
            Err(error) => return Err(error),
        };
        let made = ops.len() as u32;
        let root = KeyId(tree.next_key().0 + made);
        ops.push(create(parent, &name_of_key, app, Some(&branch), now));
        ops.push(Op::Mount(root, if writes { name } else { wide(NOWHERE) }));
        ops.extend(tree.plant(root, &branch, made + 1, app)?);
        Ok((ops, root))
    };
    let loaded = cx.k.alter(None, &path, plan, |tree, root| {
        if app {
            tree.open(*root);
        }
    })?;
    if writes {
        cx.k.cm.loaded.0.lock().insert(loaded, stream);
    }
    if app {
        let made = cx.insert(key::object_for(cx.k, loaded, None), desired & !access::VIEWS, 0)?;
        return cx.give(root, made, STATUS_SUCCESS);
    }
    Ok(STATUS_SUCCESS)
}

fn create(parent: KeyId, name: &[u16], volatile: bool, branch: Option<&Branch>, now: u64) -> Op {
    Op::Create(Create {
        parent: parent.0,
        name: name.into(),
        flags: 0,
        volatile,
        class: branch.map(|branch| branch.class.clone()).unwrap_or_default(),
        security: branch.and_then(|branch| branch.security.clone()),
        now,
    })
}

/// Writes a loaded hive to its file.
fn flush(k: &'static Kernel, cx: Option<&Cx<'_>>, root: KeyId) -> Nt<()> {
    let (path, branch, security) = {
        let tree = &k.registry().tree;
        let Some(path) = tree.file(root) else { return Ok(()) };
        (path, tree.branch(root, true)?, tree.security(root).map(<[u8]>::to_vec))
    };
    if path == wide(NOWHERE) {
        return Ok(());
    }
    let known = k.cm.loaded.0.lock().get(&root).cloned();
    let stream = match (known, cx) {
        (Some(stream), _) => stream,
        (None, Some(cx)) => open_path(cx, path, true)?,
        (None, None) => return Ok(()),
    };
    write(k, &stream, &regf::write(&branch, &security.unwrap_or_default()))
}

/// NtFlushKey: what is loaded from a file is written there; other changes go to the layer's disk if the sandbox has one that is kept,
/// and live in the session's memory else.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_KEY_DELETED`, `STATUS_REGISTRY_IO_FAILED`.
pub fn nt_flush_key(cx: &Cx<'_>, handle: Handle) -> Nt {
    let object = cx.object(handle, 0)?;
    let key = object.key()?;
    let root = key.see(cx.k, |tree| {
        tree.view(key.id)?;
        Ok(tree.loaded_root(key.id))
    })?;
    match root {
        Some(root) => flush(cx.k, Some(cx), root)?,
        None => cx.k.flush_registry()?,
    }
    Ok(STATUS_SUCCESS)
}

/// Takes a hive out of the registry; `plan` says whether that may be.
fn unload(k: &'static Kernel, root: KeyId, may: impl FnOnce(&Tree) -> Nt<()>) -> Nt<()> {
    let now = k.registry_time();
    let plan = |tree: &mut Tree| {
        may(tree)?;
        Ok((tree.delete_tree(root, true, now)?, ()))
    };
    k.alter(None, &[], plan, |_, ()| ())?;
    k.cm.loaded.0.lock().remove(&root);
    Ok(())
}

/// NtUnloadKey. Keys of the hive that are open in other processes answer `STATUS_KEY_DELETED` from then on.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege, `STATUS_CANNOT_DELETE` when keys of it are open here,
/// `STATUS_ACCESS_DENIED` for a hive of the system's, `STATUS_INVALID_PARAMETER` for another key, what opening it answers,
/// and `STATUS_REGISTRY_IO_FAILED`.
pub fn nt_unload_key(cx: &Cx<'_>, target: Attributes) -> Nt {
    privileged(cx, privilege::RESTORE)?;
    let (_held, from, path) = key::place(cx, target)?;
    let root = {
        let tree = &mut cx.k.registry().tree;
        match tree.resolve(from, &path, false)? {
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                return Err(STATUS_OBJECT_NAME_NOT_FOUND);
            }
            Resolved::Key(key) => {
                let (file, root) = (tree.file(key), tree.hive_root(key));
                tree.settle(key);
                match file {
                    Some(_) => key,
                    None if root == key => return Err(STATUS_ACCESS_DENIED),
                    None => return Err(STATUS_INVALID_PARAMETER),
                }
            }
        }
    };
    let closed = |tree: &Tree| {
        let open = tree.opens(root) != 0 || !tree.open_below(root).is_empty();
        if open { Err(STATUS_CANNOT_DELETE) } else { Ok(()) }
    };
    closed(&cx.k.registry().tree)?;
    flush(cx.k, Some(cx), root)?;
    unload(cx.k, root, closed)?;
    Ok(STATUS_SUCCESS)
}

/// A key was closed: the hive of an application that nobody has open any more goes.
pub(super) fn key_closed(k: &'static Kernel, root: KeyId) {
    let closed = |tree: &Tree| {
        let app = tree.parent(root).is_some_and(|above| {
            tree.view(above).is_ok_and(|view| session::is_name(&view.name.to_vec(), APPLICATIONS))
        });
        let open = tree.opens(root) != 0 || !tree.open_below(root).is_empty();
        if app && !open { Ok(()) } else { Err(STATUS_CANNOT_DELETE) }
    };
    let gone = closed(&k.registry().tree);
    if gone.is_ok() && k.cm.loaded.0.lock().contains_key(&root) {
        // Nobody is left to be told that it failed.
        let _ = flush(k, None, root);
        let _ = unload(k, root, closed);
    }
}

/// NtReplaceKey: the hive that is loaded at the key is saved to one file, and has the contents of another when it is loaded the
/// next time.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege, `STATUS_ACCESS_DENIED` for a hive that is the image's,
/// `STATUS_INVALID_PARAMETER` for a key that is no hive's root, and as NtLoadKeyEx.
pub fn nt_replace_key(cx: &Cx<'_>, new: Attributes, handle: Handle, old: Attributes) -> Nt {
    privileged(cx, privilege::RESTORE)?;
    let object = cx.object(handle, 0)?;
    let key = object.key()?;
    let id = key.id;
    let (path, root) = key.see(cx.k, |tree| Ok((tree.file(id), tree.hive_root(id))))?;
    let path = match path {
        Some(path) if path != wide(NOWHERE) => path,
        _ if root == id => return Err(STATUS_ACCESS_DENIED),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let (new, old) = (new.load(cx.k)?, old.load(cx.k)?);
    let bytes = read(cx.k, &open(cx, &new, false, false)?.0)?;
    parse(&bytes)?;
    let branch = key.see(cx.k, |tree| tree.branch(id, false))?;
    let inherited = cx.k.descriptor(&object)?.bytes();
    write(cx.k, &open(cx, &old, true, true)?.0, &regf::write(&branch, &inherited))?;
    write(cx.k, &open_path(cx, path, true)?, &bytes)?;
    cx.k.cm.loaded.0.lock().remove(&id);
    key.alter(cx.k, |_| Ok(vec![Op::Mount(id, wide(NOWHERE))]))
}
