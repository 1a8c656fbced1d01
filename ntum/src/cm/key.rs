//! Open keys: opening, making, deleting, renaming.

use super::access;
use super::hive::flags;
use super::notify::{self, CHANGE_LAST_SET, CHANGE_NAME};
use super::tree::{KeyId, Resolved, below_registry};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::Found;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::{DELETE, Type};
use crate::se::descriptor::Descriptor;
use crate::status::*;
use crate::types::{OBJ_CASE_INSENSITIVE, OBJ_OPENLINK, ObjectAttributes, ObjectAttributesRaw, UnicodeString, wide};
use crate::um::UserPtr;

/// REG_OPTION_VOLATILE: the key is not kept beyond the session.
const REG_OPTION_VOLATILE: u32 = 0x1;
/// REG_OPTION_CREATE_LINK: the key is a symbolic link.
const REG_OPTION_CREATE_LINK: u32 = 0x2;
/// REG_CREATED_NEW_KEY.
const REG_CREATED_NEW_KEY: u32 = 1;
/// REG_OPENED_EXISTING_KEY.
const REG_OPENED_EXISTING_KEY: u32 = 2;
/// A name of this many bytes is none.
const TOO_LONG: u16 = 65534;
const BACKSLASH: u16 = b'\\' as u16;

/// An open key: what the handles from one opening share.
pub struct Key {
    /// Which key.
    pub id: KeyId,
    /// The kernel whose registry counts this opening; the root's own object is not counted.
    kernel: Option<&'static Kernel>,
}

impl Drop for Key {
    fn drop(&mut self) {
        if let Some(kernel) = self.kernel {
            kernel.registry().tree.close(self.id);
        }
    }
}

impl Key {
    /// Its full path.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn path(&self, k: &Kernel) -> Nt<Vec<u16>> {
        k.registry().tree.path(self.id)
    }
}

/// Enters the registry's root into the name space; answers the directory.
pub fn enter_root(root: Ref) -> Ref {
    let key = Object::new(Dispatcher::none(), Body::Key(Key { id: KeyId::ROOT, kernel: None }));
    key.permanent.store(true, std::sync::atomic::Ordering::Relaxed);
    let _ = crate::ob::directory::enter(&root, &wide("REGISTRY"), &key);
    root
}

/// Loads what names a key.
fn load(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>) -> Nt<ObjectAttributes> {
    let raw = attributes.read(cx.k)?;
    if raw.length as usize != size_of::<ObjectAttributesRaw>() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let name = UserPtr::<UnicodeString>::new(raw.name).read(cx.k)?;
    if name.length % 2 != 0 || name.length >= TOO_LONG {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    // Names of keys never distinguish letter case.
    let attributes = raw.attributes | OBJ_CASE_INSENSITIVE;
    Ok(ObjectAttributes { root: raw.root, name: Some(name.read(cx.k)?), attributes, security: raw.security })
}

/// The key that a walk starts from, and the path from there.
fn start(cx: &Cx<'_>, attributes: &ObjectAttributes) -> Nt<(Option<Ref>, KeyId, Vec<u16>)> {
    let name = attributes.name.as_deref().unwrap_or_default();
    if attributes.root != Handle(0) {
        let object = cx.object(attributes.root, 0)?;
        let id = object.key()?.id;
        if name.first() == Some(&BACKSLASH) {
            return Err(STATUS_OBJECT_PATH_SYNTAX_BAD);
        }
        return Ok((Some(object), id, name.to_vec()));
    }
    if let Some(path) = below_registry(name) {
        return Ok((None, KeyId::ROOT, path.to_vec()));
    }
    // Not below \REGISTRY: the name space knows what is wrong with it, or a link there leads back here.
    match cx.walk(attributes, false)? {
        Found::Rest(object, path) => {
            let id = object.key().map_err(|_| STATUS_OBJECT_TYPE_MISMATCH)?.id;
            Ok((Some(object), id, path))
        }
        Found::Object(object) => {
            let id = object.key().map_err(|_| STATUS_OBJECT_TYPE_MISMATCH)?.id;
            Ok((Some(object), id, Vec::new()))
        }
        Found::Missing(..) => Err(STATUS_OBJECT_NAME_NOT_FOUND),
    }
}

/// A key object for a node that the caller has counted as open.
fn object_for(k: &'static Kernel, id: KeyId) -> Ref {
    Object::new(Dispatcher::none(), Body::Key(Key { id, kernel: Some(k) }))
}

/// The rights that a key which exists gives.
fn grant(cx: &Cx<'_>, id: KeyId, access: u32) -> Nt<u32> {
    let security = cx.k.registry().tree.security(id).map(<[u8]>::to_vec);
    if security.is_none() { Ok(access) } else { cx.grant_by(security, Type::Key, access) }
}

/// Makes the handle; a predefined key says so in the status. Who made the key gets what was asked for.
fn insert(
    cx: &Cx<'_>,
    to: UserPtr<Handle>,
    id: KeyId,
    access: u32,
    attributes: u32,
    predefined: bool,
    new: bool,
) -> Nt {
    let object = object_for(cx.k, id);
    let access = access & !access::VIEWS;
    let access = if new { access } else { grant(cx, id, access)? };
    let made = cx.insert(object, access, attributes)?;
    to.write(cx.k, made)?;
    Ok(if predefined { STATUS_PREDEFINED_HANDLE } else { STATUS_SUCCESS })
}

/// A key that a change of is to be waited for, opened without a handle.
///
/// # Errors
/// As [`nt_open_key_ex`].
pub fn open_to_watch(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>) -> Nt<Ref> {
    let attributes = load(cx, attributes)?;
    let (_held, from, path) = start(cx, &attributes)?;
    let id = {
        let tree = &mut cx.k.registry_for(&path).tree;
        match tree.resolve(from, &path, attributes.attributes & OBJ_OPENLINK != 0)? {
            Resolved::Key(id) => {
                tree.open(id);
                id
            }
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                return Err(STATUS_OBJECT_NAME_NOT_FOUND);
            }
        }
    };
    let object = object_for(cx.k, id);
    grant(cx, id, access::NOTIFY)?;
    Ok(object)
}

/// NtOpenKey.
///
/// # Errors
/// As [`nt_open_key_ex`].
pub fn nt_open_key(cx: &Cx<'_>, key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) -> Nt {
    nt_open_key_ex(cx, key, access, attributes, 0)
}

/// NtOpenKeyEx: whether a link itself is opened is said by OBJ_OPENLINK, not by the options.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_OBJECT_NAME_INVALID`, `STATUS_OBJECT_PATH_SYNTAX_BAD`,
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED` when no right is asked for, `STATUS_KEY_DELETED`,
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_open_key_ex(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _options: u32,
) -> Nt {
    key.write(cx.k, Handle(0))?;
    let attributes = load(cx, attributes)?;
    let (_held, from, path) = start(cx, &attributes)?;
    if access & !access::VIEWS == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let open_link = attributes.attributes & OBJ_OPENLINK != 0;
    let (id, predefined) = {
        let tree = &mut cx.k.registry_for(&path).tree;
        match tree.resolve(from, &path, open_link)? {
            Resolved::Key(id) => {
                let predefined = tree.view(id)?.flags & flags::PREDEFINED != 0;
                tree.open(id);
                (id, predefined)
            }
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                return Err(STATUS_OBJECT_NAME_NOT_FOUND);
            }
        }
    };
    insert(cx, key, id, access, attributes.attributes, predefined, false)
}

/// NtOpenKeyTransacted.
///
/// # Errors
/// As [`nt_open_key_ex`].
pub fn nt_open_key_transacted(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _transaction: Handle,
) -> Nt {
    nt_open_key_ex(cx, key, access, attributes, 0)
}

/// NtOpenKeyTransactedEx.
///
/// # Errors
/// As [`nt_open_key_ex`].
pub fn nt_open_key_transacted_ex(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    options: u32,
    _transaction: Handle,
) -> Nt {
    nt_open_key_ex(cx, key, access, attributes, options)
}

/// NtCreateKey: makes the key, or opens the one that is there. Only the last component of the path is made.
///
/// # Errors
/// As [`nt_open_key_ex`]; `STATUS_OBJECT_NAME_COLLISION` for a link where a key is, `STATUS_CHILD_MUST_BE_VOLATILE`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_key(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _title: u32,
    class: UserPtr<UnicodeString>,
    options: u32,
    disposition: UserPtr<u32>,
) -> Nt {
    key.write(cx.k, Handle(0))?;
    let attributes = load(cx, attributes)?;
    let class = if class.is_null() { None } else { Some(class.text(cx.k)?) };
    let (_held, from, path) = start(cx, &attributes)?;
    let wanted = match attributes.security {
        0 => None,
        address => Some(Descriptor::read(cx.k, address)?),
    };
    let link = options & REG_OPTION_CREATE_LINK != 0;
    let volatile = options & REG_OPTION_VOLATILE != 0;
    let open_link = link || attributes.attributes & OBJ_OPENLINK != 0;
    let mut changed = Vec::new();
    let (id, predefined, made) = {
        let mut registry = cx.k.registry_for(&path);
        let tree = &mut registry.tree;
        match tree.resolve(from, &path, open_link)? {
            Resolved::Key(_) if link => return Err(STATUS_OBJECT_NAME_COLLISION),
            Resolved::Key(id) => {
                let predefined = tree.view(id)?.flags & flags::PREDEFINED != 0;
                tree.open(id);
                (id, predefined, false)
            }
            Resolved::Missing(parent, name) => {
                let made = tree.create(parent, &name, volatile, link, cx.k.registry_time());
                tree.settle(parent);
                let id = made?;
                if let Some(class) = class.filter(|class| !class.is_empty()) {
                    tree.set_class(id, &class);
                }
                let above = tree.security(parent).and_then(|bytes| Descriptor::parse(bytes).ok());
                let descriptor = if wanted.is_none() && above.is_none() {
                    None
                } else {
                    let token = cx.k.effective_token(cx.t);
                    let token = token.token()?.state.read();
                    match wanted {
                        Some(wanted) => Some(wanted.complete(&token, Type::Key)),
                        None => above.and_then(|above| above.inherited(&token, Type::Key)),
                    }
                };
                if let Some(descriptor) = descriptor {
                    tree.set_security(id, &descriptor.bytes())?;
                }
                tree.open(id);
                changed = registry.changed(parent, CHANGE_NAME);
                (id, false, true)
            }
        }
    };
    notify::tell(cx.k, changed);
    let status = insert(cx, key, id, access, attributes.attributes, predefined, made)?;
    disposition.write_opt(cx.k, if made { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY })?;
    Ok(status)
}

/// NtDeleteKey. Handles that are open stay, and answer `STATUS_KEY_DELETED`.
///
/// # Errors
/// `STATUS_ACCESS_DENIED` without the right, or for a key with subkeys; `STATUS_INVALID_HANDLE`.
pub fn nt_delete_key(cx: &Cx<'_>, key: Handle) -> Nt {
    let object = cx.object(key, DELETE)?;
    let id = object.key()?.id;
    let changed = {
        let mut registry = cx.k.registry();
        let parent = registry.tree.parent(id).filter(|_| !registry.tree.is_deleted(id));
        registry.tree.delete(id, cx.k.registry_time())?;
        parent.map(|parent| registry.changed(parent, CHANGE_NAME)).unwrap_or_default()
    };
    notify::tell(cx.k, changed);
    Ok(STATUS_SUCCESS)
}

/// NtRenameKey.
///
/// # Errors
/// `STATUS_CANNOT_DELETE` for a name that is taken, `STATUS_INVALID_PARAMETER` for what is no name,
/// `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_rename_key(cx: &Cx<'_>, key: Handle, name: UserPtr<UnicodeString>) -> Nt {
    let raw = name.read(cx.k)?;
    if raw.buffer == 0 || raw.length < 2 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let name = raw.read(cx.k)?;
    let object = cx.object(key, access::WRITE)?;
    let id = object.key()?.id;
    let changed = {
        let mut registry = cx.k.registry();
        registry.tree.rename(id, &name, cx.k.registry_time())?;
        registry.changed(id, CHANGE_NAME)
    };
    notify::tell(cx.k, changed);
    Ok(STATUS_SUCCESS)
}

/// NtFlushKey: changes live in memory, so there is nothing to wait for.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_KEY_DELETED`.
pub fn nt_flush_key(cx: &Cx<'_>, key: Handle) -> Nt {
    let object = cx.object(key, 0)?;
    cx.k.registry().tree.view(object.key()?.id)?;
    Ok(STATUS_SUCCESS)
}

/// NtSetInformationKey: 0 KeyWriteTimeInformation; 1 to 5 (view and control flags, virtualization, debug, tags) are taken
/// and mean nothing here.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`.
pub fn nt_set_information_key(cx: &Cx<'_>, key: Handle, class: u32, information: u64, length: u32) -> Nt {
    let needed = match class {
        0 => 8,
        1..=5 => 4,
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    };
    if length != needed {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let object = cx.object(key, access::SET_VALUE)?;
    let id = object.key()?.id;
    if class != 0 {
        cx.k.registry().tree.view(id)?;
        return Ok(STATUS_SUCCESS);
    }
    let written = UserPtr::<u64>::new(information).read(cx.k)?;
    let changed = {
        let mut registry = cx.k.registry();
        registry.tree.set_written(id, written)?;
        registry.changed(id, CHANGE_LAST_SET)
    };
    notify::tell(cx.k, changed);
    Ok(STATUS_SUCCESS)
}
