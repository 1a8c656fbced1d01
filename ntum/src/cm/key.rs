//! Open keys: opening, making, deleting, renaming.

use super::access;
use super::hive::flags;
use super::tree::{Create, KeyId, Op, Resolved, Tree, below_registry};
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
use std::sync::atomic::{AtomicU32, Ordering};

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
    /// The transaction that it was opened in.
    pub transaction: Option<Ref>,
    /// What NtSetInformationKey keeps for the handles (KeyHandleTagsInformation).
    pub tags: AtomicU32,
    /// The kernel whose registry counts this opening; the root's own object is not counted, nor one of a transaction.
    kernel: Option<&'static Kernel>,
}

impl Drop for Key {
    fn drop(&mut self) {
        if let Some(kernel) = self.kernel {
            let loaded = {
                let tree = &mut kernel.registry().tree;
                let loaded = tree.loaded_root(self.id);
                tree.close(self.id);
                loaded
            };
            if let Some(root) = loaded {
                super::store::key_closed(kernel, root);
            }
        }
    }
}

impl Key {
    /// Looks at the registry as handles to the key show it.
    ///
    /// # Errors
    /// `STATUS_TRANSACTION_NOT_ACTIVE` for a key of a transaction that is over, and those of `look`.
    pub fn see<R>(&self, k: &Kernel, look: impl FnOnce(&Tree) -> Nt<R>) -> Nt<R> {
        let registry = k.registry();
        match &self.transaction {
            None => look(&registry.tree),
            Some(transaction) => transaction.transaction()?.see(&registry, |tree| {
                tree.reach_live(self.id)?;
                look(tree)
            }),
        }
    }

    /// Changes the registry as handles to the key show it: `plan` says how.
    ///
    /// # Errors
    /// As [`Key::see`]; `STATUS_REGISTRY_QUOTA_LIMIT`.
    pub(super) fn alter(&self, k: &'static Kernel, plan: impl FnOnce(&Tree) -> Nt<Vec<Op>>) -> Nt {
        let transacted = self.transaction.is_some();
        let plan = |tree: &mut Tree| {
            if transacted {
                tree.reach_live(self.id)?;
            }
            Ok((plan(tree)?, ()))
        };
        k.alter(self.transaction.as_ref(), &[], plan, |_, ()| ())?;
        Ok(STATUS_SUCCESS)
    }

    /// What of it another process can open it by.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a key of a transaction, which is the process's own; as [`Kernel::publish_registry`].
    pub fn pack(&self, k: &'static Kernel) -> Nt<u32> {
        if self.transaction.is_some() {
            return Err(STATUS_NOT_SUPPORTED);
        }
        k.publish_registry()?;
        Ok(self.id.0)
    }

    /// Its full path.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn path(&self, k: &Kernel) -> Nt<Vec<u16>> {
        self.see(k, |tree| tree.path(self.id))
    }
}

/// Enters the registry's root into the name space; answers the directory.
pub fn enter_root(root: Ref) -> Ref {
    let key = Object::new(
        Dispatcher::none(),
        Body::Key(Key { id: KeyId::ROOT, transaction: None, tags: AtomicU32::new(0), kernel: None }),
    );
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

/// Where a name is to be looked for: the key that a walk starts from, with what keeps it open, and the path from there.
///
/// # Errors
/// As [`nt_open_key_ex`].
pub(super) fn place(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>) -> Nt<(Option<Ref>, KeyId, Vec<u16>)> {
    start(cx, &load(cx, attributes)?)
}

/// A key object for a key that the caller has counted as open.
pub(super) fn object_for(k: &'static Kernel, id: KeyId, transaction: Option<Ref>) -> Ref {
    let kernel = transaction.is_none().then_some(k);
    Object::new(Dispatcher::none(), Body::Key(Key { id, transaction, tags: AtomicU32::new(0), kernel }))
}

/// The key that another process has open; it may have been deleted since.
pub fn unpack(k: &'static Kernel, number: u32) -> Ref {
    k.join_registry();
    let id = KeyId(number);
    k.registry().tree.open_number(id);
    object_for(k, id, None)
}

/// The rights that a key which exists gives.
fn grant(cx: &Cx<'_>, object: &Ref, access: u32) -> Nt<u32> {
    let security = cx.k.security(object)?;
    if security.is_none() { Ok(access) } else { cx.grant_by(security, Type::Key, access) }
}

/// Makes the handle; a predefined key says so in the status. Who made the key gets what was asked for.
fn insert(
    cx: &Cx<'_>,
    to: UserPtr<Handle>,
    object: Ref,
    access: u32,
    attributes: u32,
    predefined: bool,
    new: bool,
) -> Nt {
    let access = access & !access::VIEWS;
    let access = if new { access } else { grant(cx, &object, access)? };
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
    let (id, _) = find(cx, None, from, &path, attributes.attributes & OBJ_OPENLINK != 0)?;
    let object = object_for(cx.k, id, None);
    grant(cx, &object, access::NOTIFY)?;
    Ok(object)
}

/// The key that a walk leads to, counted as open, and whether it is predefined.
fn find(cx: &Cx<'_>, transaction: Option<&Ref>, from: KeyId, path: &[u16], open_link: bool) -> Nt<(KeyId, bool)> {
    let mut registry = cx.k.registry_for(path);
    let look = |tree: &mut Tree| {
        if transaction.is_some() {
            tree.reach_live(from)?;
        }
        match tree.resolve(from, path, open_link)? {
            Resolved::Key(id) => {
                let predefined = tree.view(id)?.flags & flags::PREDEFINED != 0;
                tree.open(id);
                Ok((id, predefined))
            }
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                Err(STATUS_OBJECT_NAME_NOT_FOUND)
            }
        }
    };
    match transaction {
        None => look(&mut registry.tree),
        Some(transaction) => transaction.transaction()?.see(&registry, look),
    }
}

/// The transaction that a key is opened in: the one asked for, or that of the key it is opened from.
fn transaction_of(wanted: Option<Ref>, from: Option<&Ref>) -> Option<Ref> {
    wanted.or_else(|| from.and_then(|from| from.key().ok()?.transaction.clone()))
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
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`,
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_open_key_ex(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _options: u32,
) -> Nt {
    open(cx, key, access, attributes, None)
}

fn open(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    transaction: Option<Ref>,
) -> Nt {
    key.write(cx.k, Handle(0))?;
    let attributes = load(cx, attributes)?;
    let (held, from, path) = start(cx, &attributes)?;
    // Windows refuses a handle without a right. Wine gives one, and its DLLs (shell32, setupapi) ask for it to learn whether
    // there is such a key.
    let transaction = transaction_of(transaction, held.as_ref());
    let open_link = attributes.attributes & OBJ_OPENLINK != 0;
    let (id, predefined) = find(cx, transaction.as_ref(), from, &path, open_link)?;
    insert(cx, key, object_for(cx.k, id, transaction), access, attributes.attributes, predefined, false)
}

/// NtOpenKeyTransacted: what is changed through the handle takes effect with the transaction.
///
/// # Errors
/// As [`nt_open_key_ex`]; `STATUS_TRANSACTION_NOT_ACTIVE`.
pub fn nt_open_key_transacted(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    transaction: Handle,
) -> Nt {
    open(cx, key, access, attributes, Some(super::transaction::of_handle(cx, transaction)?))
}

/// NtOpenKeyTransactedEx.
///
/// # Errors
/// As [`nt_open_key_transacted`].
pub fn nt_open_key_transacted_ex(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _options: u32,
    transaction: Handle,
) -> Nt {
    nt_open_key_transacted(cx, key, access, attributes, transaction)
}

/// NtCreateKey: makes the key, or opens the one that is there. Only the last component of the path is made.
///
/// # Errors
/// As [`nt_open_key_ex`]; `STATUS_OBJECT_NAME_COLLISION` for a link where a key is, `STATUS_CHILD_MUST_BE_VOLATILE`,
/// `STATUS_REGISTRY_QUOTA_LIMIT`.
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
    create(cx, key, access, attributes, class, options, None, disposition)
}

/// NtCreateKeyTransacted.
///
/// # Errors
/// As [`nt_create_key`]; `STATUS_TRANSACTION_NOT_ACTIVE`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_key_transacted(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _title: u32,
    class: UserPtr<UnicodeString>,
    options: u32,
    transaction: Handle,
    disposition: UserPtr<u32>,
) -> Nt {
    let transaction = super::transaction::of_handle(cx, transaction)?;
    create(cx, key, access, attributes, class, options, Some(transaction), disposition)
}

#[allow(clippy::too_many_arguments)]
fn create(
    cx: &Cx<'_>,
    key: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    class: UserPtr<UnicodeString>,
    options: u32,
    transaction: Option<Ref>,
    disposition: UserPtr<u32>,
) -> Nt {
    key.write(cx.k, Handle(0))?;
    let attributes = load(cx, attributes)?;
    let class = if class.is_null() { Vec::new() } else { class.text(cx.k)? };
    let (held, from, path) = start(cx, &attributes)?;
    let transaction = transaction_of(transaction, held.as_ref());
    let wanted = match attributes.security {
        0 => None,
        address => Some(Descriptor::read(cx.k, address)?),
    };
    let link = options & REG_OPTION_CREATE_LINK != 0;
    let volatile = options & REG_OPTION_VOLATILE != 0;
    let open_link = link || attributes.attributes & OBJ_OPENLINK != 0;
    // What is there is found without keeping others from it.
    if !link {
        match find(cx, transaction.as_ref(), from, &path, open_link) {
            Ok((id, predefined)) => {
                let object = object_for(cx.k, id, transaction);
                let status = insert(cx, key, object, access, attributes.attributes, predefined, false)?;
                disposition.write_opt(cx.k, REG_OPENED_EXISTING_KEY)?;
                return Ok(status);
            }
            Err(STATUS_OBJECT_NAME_NOT_FOUND) => {}
            Err(error) => return Err(error),
        }
    }
    let token = cx.k.effective_token(cx.t);
    let plan = |tree: &mut Tree| {
        if transaction.is_some() {
            tree.reach_live(from)?;
        }
        match tree.resolve(from, &path, open_link)? {
            Resolved::Key(_) if link => Err(STATUS_OBJECT_NAME_COLLISION),
            Resolved::Key(id) => {
                let predefined = tree.view(id)?.flags & flags::PREDEFINED != 0;
                Ok((Vec::new(), (id, predefined, false)))
            }
            Resolved::Missing(parent, name) => {
                let allowed = tree.may_create(parent, &name, volatile);
                let above = tree.security(parent).and_then(|bytes| Descriptor::parse(bytes).ok());
                tree.settle(parent);
                allowed?;
                let security = if wanted.is_none() && above.is_none() {
                    None
                } else {
                    let token = token.token()?.state.read();
                    match wanted {
                        Some(wanted) => Some(wanted.complete(&token, Type::Key)),
                        None => above.and_then(|above| above.inherited(&token, Type::Key, true)),
                    }
                };
                let made = Op::Create(Create {
                    parent: parent.0,
                    name,
                    flags: if link { flags::LINK } else { 0 },
                    volatile,
                    class,
                    security: security.map(|descriptor| descriptor.bytes()),
                    now: cx.k.registry_time(),
                });
                Ok((vec![made], (tree.next_key(), false, true)))
            }
        }
    };
    let then = |tree: &mut Tree, made: &(KeyId, bool, bool)| tree.open(made.0);
    let (id, predefined, made) = cx.k.alter(transaction.as_ref(), &path, plan, then)?;
    let object = object_for(cx.k, id, transaction);
    let status = insert(cx, key, object, access, attributes.attributes, predefined, made)?;
    disposition.write_opt(cx.k, if made { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY })?;
    Ok(status)
}

/// NtDeleteKey. Handles that are open stay, and answer `STATUS_KEY_DELETED`.
///
/// # Errors
/// `STATUS_ACCESS_DENIED` without the right, or for a key with subkeys; `STATUS_INVALID_HANDLE`.
pub fn nt_delete_key(cx: &Cx<'_>, key: Handle) -> Nt {
    let object = cx.object(key, DELETE)?;
    let key = object.key()?;
    let now = cx.k.registry_time();
    key.alter(cx.k, |tree| Ok(if tree.may_delete(key.id)? { vec![Op::Delete(key.id, now)] } else { Vec::new() }))
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
    let key = object.key()?;
    let now = cx.k.registry_time();
    key.alter(cx.k, |tree| {
        tree.may_rename(key.id, &name)?;
        Ok(vec![Op::Rename(key.id, name, now)])
    })
}

/// KEY_SET_INFORMATION_CLASS of wdm.h.
mod set {
    pub const WRITE_TIME: u32 = 0;
    pub const WOW64_FLAGS: u32 = 1;
    pub const CONTROL_FLAGS: u32 = 2;
    pub const VIRTUALIZATION: u32 = 3;
    pub const DEBUG: u32 = 4;
    pub const HANDLE_TAGS: u32 = 5;
}

/// NtSetInformationKey: KeyWriteTimeInformation; KeyWow64FlagsInformation and KeyControlFlagsInformation, which are kept with
/// the key, and KeySetHandleTagsInformation, kept with the handle, for NtQueryKey. KeySetVirtualizationInformation and
/// KeySetDebugInformation are taken and mean nothing here, as no key is virtualized.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`.
pub fn nt_set_information_key(cx: &Cx<'_>, key: Handle, class: u32, information: u64, length: u32) -> Nt {
    let needed = match class {
        set::WRITE_TIME => 8,
        set::WOW64_FLAGS..=set::HANDLE_TAGS => 4,
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    };
    if length != needed {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let object = cx.object(key, access::SET_VALUE)?;
    let key = object.key()?;
    let id = key.id;
    if class == set::WRITE_TIME {
        let written = UserPtr::<u64>::new(information).read(cx.k)?;
        return key.alter(cx.k, |tree| {
            tree.view(id)?;
            Ok(vec![Op::Touch(id, written)])
        });
    }
    let word = UserPtr::<u32>::new(information).read(cx.k)?;
    match class {
        set::WOW64_FLAGS | set::CONTROL_FLAGS => key.alter(cx.k, |tree| {
            tree.view(id)?;
            Ok(vec![Op::Keep(id, (class - set::WOW64_FLAGS) as u8, word)])
        }),
        set::VIRTUALIZATION | set::DEBUG => key.see(cx.k, |tree| tree.view(id).map(|_| STATUS_SUCCESS)),
        _ => {
            key.see(cx.k, |tree| tree.view(id).map(drop))?;
            key.tags.store(word, Ordering::Relaxed);
            Ok(STATUS_SUCCESS)
        }
    }
}
