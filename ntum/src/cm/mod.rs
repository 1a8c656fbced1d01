//! Configuration manager: the registry.
//!
//! [`tree::Tree`] is the registry: the image's hive, read in place, and what this sandbox changed. [`key`] opens and makes
//! keys, [`query`] and [`value`] answer and change, [`notify`] tells who waits for a change. One lock guards all of it; it
//! is never held across an access to guest memory.

pub mod fold;
pub mod hive;
pub mod key;
mod license;
mod log;
mod notify;
mod query;
pub mod regf;
mod replica;
mod session;
mod store;
pub mod transaction;
pub mod tree;
mod value;

use crate::call::{Call, Cx};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{ObjectAttributesRaw, UnicodeString, nt_time, wide};
use crate::um::UserPtr;
use hive::{Builder, Hive};
use notify::Watches;
use parking_lot::{Mutex, MutexGuard};
use std::sync::{Arc, OnceLock};
use tree::{Op, Tree};

/// The sandbox's user, under whose name the hive holds HKEY_CURRENT_USER.
pub use crate::se::USER_SID;
/// The hive's name in the base image.
const HIVE: &str = "hive";

/// Rights to a key (`KEY_*` of winnt.h).
pub mod access {
    /// Read values.
    pub const QUERY_VALUE: u32 = 0x1;
    /// Write values.
    pub const SET_VALUE: u32 = 0x2;
    /// Make subkeys.
    pub const CREATE_SUB_KEY: u32 = 0x4;
    /// List subkeys.
    pub const ENUMERATE_SUB_KEYS: u32 = 0x8;
    /// Wait for changes.
    pub const NOTIFY: u32 = 0x10;
    /// KEY_WRITE: what renaming takes.
    pub const WRITE: u32 = 0x2_0006;
    /// The 64-bit and 32-bit views: no rights.
    pub const VIEWS: u32 = 0x300;
}

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtOpenKey(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>) => key::nt_open_key, Done;
    NtOpenKeyEx(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, options: u32)
        => key::nt_open_key_ex, Done;
    NtOpenKeyTransacted(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, transaction: Handle)
        => key::nt_open_key_transacted, Done;
    NtOpenKeyTransactedEx(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, options: u32,
        transaction: Handle)
        => key::nt_open_key_transacted_ex, Done;
    NtCreateKey(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, title: u32,
        class: UserPtr<UnicodeString>, options: u32, disposition: UserPtr<u32>) => key::nt_create_key, Done;
    NtCreateKeyTransacted(key: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, title: u32,
        class: UserPtr<UnicodeString>, options: u32, transaction: Handle, disposition: UserPtr<u32>)
        => key::nt_create_key_transacted, Done;
    NtCreateTransaction(transaction: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, uow: u64,
        manager: Handle, options: u32, isolation_level: u32, isolation_flags: u32, timeout: UserPtr<i64>,
        description: UserPtr<UnicodeString>)
        => transaction::nt_create_transaction, Partial("the registry alone takes part; no time limit");
    NtCommitTransaction(transaction: Handle, wait: bool) => transaction::nt_commit_transaction, Done;
    NtRollbackTransaction(transaction: Handle, wait: bool) => transaction::nt_rollback_transaction, Done;
    NtDeleteKey(key: Handle) => key::nt_delete_key, Done;
    NtRenameKey(key: Handle, name: UserPtr<UnicodeString>) => key::nt_rename_key, Done;
    NtFlushKey(key: Handle) => store::nt_flush_key, Done;
    NtSetInformationKey(key: Handle, class: u32, information: u64, length: u32)
        => key::nt_set_information_key, Done;
    NtQueryKey(key: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => query::nt_query_key, Done;
    NtEnumerateKey(key: Handle, index: u32, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>)
        => query::nt_enumerate_key, Done;
    NtQueryValueKey(key: Handle, name: UserPtr<UnicodeString>, class: u32, buffer: u64, length: u32,
        returned: UserPtr<u32>) => value::nt_query_value_key, Done;
    NtEnumerateValueKey(key: Handle, index: u32, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>)
        => value::nt_enumerate_value_key, Done;
    NtQueryMultipleValueKey(key: Handle, entries: u64, count: u32, buffer: u64, length: UserPtr<u32>,
        required: UserPtr<u32>) => value::nt_query_multiple_value_key, Done;
    NtSetValueKey(key: Handle, name: UserPtr<UnicodeString>, title: u32, kind: u32, data: u64, length: u32)
        => value::nt_set_value_key, Done;
    NtDeleteValueKey(key: Handle, name: UserPtr<UnicodeString>) => value::nt_delete_value_key, Done;
    NtNotifyChangeKey(key: Handle, event: Handle, apc: u64, apc_context: u64, result: u64, filter: u32, subtree: bool,
        buffer: u64, length: u32, asynchronous: bool)
        => notify::nt_notify_change_key, Done;
    NtNotifyChangeMultipleKeys(key: Handle, count: u32, others: u64, event: Handle, apc: u64, apc_context: u64,
        result: u64, filter: u32, subtree: bool, buffer: u64, length: u32, asynchronous: bool)
        => notify::nt_notify_change_multiple_keys, Done;
    NtSaveKey(key: Handle, file: Handle) => store::nt_save_key, Done;
    NtRestoreKey(key: Handle, file: Handle, flags: u32) => store::nt_restore_key, Done;
    NtLoadKey(target: UserPtr<ObjectAttributesRaw>, file: UserPtr<ObjectAttributesRaw>)
        => store::nt_load_key, Partial("changes reach the file when it is flushed or unloaded");
    NtLoadKey2(target: UserPtr<ObjectAttributesRaw>, file: UserPtr<ObjectAttributesRaw>, flags: u32)
        => store::nt_load_key2, Partial("changes reach the file when it is flushed or unloaded");
    NtLoadKeyEx(target: UserPtr<ObjectAttributesRaw>, file: UserPtr<ObjectAttributesRaw>, flags: u32, trust: Handle,
        event: Handle, access: u32, root: UserPtr<Handle>, reserved: u64)
        => store::nt_load_key_ex, Partial("changes reach the file when it is flushed, unloaded or last closed");
    NtUnloadKey(target: UserPtr<ObjectAttributesRaw>)
        => store::nt_unload_key, Partial("handles of other processes do not keep it from being unloaded");
    NtReplaceKey(new: UserPtr<ObjectAttributesRaw>, key: Handle, old: UserPtr<ObjectAttributesRaw>)
        => store::nt_replace_key, Partial("hives that were loaded, not the image's");
    NtQueryLicenseValue(name: UserPtr<UnicodeString>, kind: UserPtr<u32>, buffer: u64, length: u32,
        returned: UserPtr<u32>) => license::nt_query_license_value, Done;
};

/// The registry and who waits for its changes.
pub struct Registry {
    /// The keys.
    pub tree: Tree,
    watches: Watches,
    /// Whether the hardware has been described.
    hardware: bool,
    /// Counts changes.
    changes: u64,
    /// What ties it to those of other processes, once there are any.
    replica: Option<replica::Replica>,
    /// Where changes are logged, if they are kept.
    log: Option<log::Log>,
    /// Requests that changes of others answer; the listener does so.
    due: Vec<Arc<notify::Request>>,
}

/// The component's state.
#[derive(Default)]
pub struct Cm {
    registry: OnceLock<Mutex<Registry>>,
    listener: replica::Listener,
    loaded: store::Loaded,
    /// Names of the time zone, while the process starts.
    pub plain_names: value::PlainNames,
}

/// The image's hive; one with nothing but its roots if the image has none that can be read.
fn hive(host: &'static dyn Host) -> Hive<'static> {
    let mapped = host.open_image(HIVE).and_then(|stream| host.map_forever(&stream));
    let why = match mapped.map(Hive::open) {
        Ok(Ok(hive)) => return hive,
        Ok(Err(damage)) => damage.to_string(),
        Err(error) => error.to_string(),
    };
    host.trace(&format!("the registry is empty: {why}"));
    let mut root = Builder::new();
    for path in ["Machine\\Software", "Machine\\System", "User\\.Default"] {
        root.path(path);
    }
    root.path(&format!("User\\{USER_SID}"));
    let bytes: &'static [u8] = root.bytes().unwrap_or_default().leak();
    Hive::open(bytes).unwrap_or_default()
}

impl Kernel {
    /// The registry, read at the first need, as all processes have left it.
    pub fn registry(&self) -> MutexGuard<'_, Registry> {
        let make = || {
            let mut tree = Tree::new(hive(self.host));
            // Another process has written what is this session's already.
            if !self.boot.born {
                session::prepare(&mut tree, &self.boot, self.registry_time(), || self.nls.file(self.host));
            }
            let log = log::Log::begin(self.host, &self.boot, &mut tree);
            Mutex::new(Registry {
                log,
                tree,
                watches: Watches::default(),
                hardware: false,
                changes: 0,
                replica: None,
                due: Vec::new(),
            })
        };
        let mut registry = self.cm.registry.get_or_init(make).lock();
        registry.catch_up();
        registry
    }

    /// The registry, for a walk along `path`: what is only described when somebody looks has been.
    fn registry_for(&'static self, path: &[u16]) -> MutexGuard<'static, Registry> {
        if session::leads_to_hardware(path) && !self.registry().hardware {
            self.describe_hardware();
        }
        self.registry()
    }

    /// A text of the user's part of the registry, up to its zero.
    pub(crate) fn user_setting(&self, key: &str, name: &str) -> Option<String> {
        let (_, data) = self.setting(&format!("User\\{USER_SID}\\{key}"), name)?;
        let units: Vec<u16> = data.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
        let text = String::from_utf16_lossy(&units);
        Some(text.split('\0').next().unwrap_or_default().to_owned())
    }

    /// A value of the user's part of the registry: its type and data.
    pub(crate) fn user_value(&self, key: &str, name: &str) -> Option<(u32, Vec<u8>)> {
        self.setting(&format!("User\\{USER_SID}\\{key}"), name)
    }

    /// A value of the registry, by the key's path below the root: its type and data.
    pub(crate) fn setting(&self, path: &str, name: &str) -> Option<(u32, Vec<u8>)> {
        use tree::Resolved;
        let path = wide(path);
        let tree = &mut self.registry().tree;
        let key = match tree.resolve(tree::KeyId::ROOT, &path, false).ok()? {
            Resolved::Key(key) => key,
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                return None;
            }
        };
        let found = tree.value(key, &wide(name)).ok().map(|value| (value.kind, value.data.to_vec()));
        tree.settle(key);
        found
    }

    /// Names of the keys below one, by its path below the root; `most` of them.
    pub(crate) fn key_names(&self, path: &str, most: usize) -> Vec<String> {
        use tree::Resolved;
        let tree = &mut self.registry().tree;
        match tree.resolve(tree::KeyId::ROOT, &wide(path), false) {
            Ok(Resolved::Key(key)) => {
                let name = |index| tree.subkey_view(key, index).ok().map(|(view, _)| view.name.to_vec());
                let names = (0..most).map_while(name).map(|name| String::from_utf16_lossy(&name)).collect();
                tree.settle(key);
                names
            }
            Ok(Resolved::Missing(parent, _)) => {
                tree.settle(parent);
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Sets a value of the user's part of the registry (`None`: deletes it), making the keys on the way, which are lost with the session
    /// if `volatile`.
    ///
    /// # Errors
    /// `STATUS_REGISTRY_QUOTA_LIMIT`, `STATUS_REGISTRY_IO_FAILED`, `STATUS_ACCESS_DENIED`.
    pub(crate) fn set_user_value(
        &'static self,
        key: &str,
        name: &str,
        value: Option<(u32, &[u8])>,
        volatile: bool,
    ) -> Nt<()> {
        use tree::{Create, Op, Resolved, SetValue};
        let now = self.registry_time();
        let whole = format!("User\\{USER_SID}\\{key}");
        let root = whole.len() - key.len();
        let ends = key.match_indices('\\').map(|(at, _)| at).chain([key.len()]);
        for end in ends.filter(|_| value.is_some()) {
            let path = wide(&whole[..root + end]);
            self.alter(
                None,
                &path,
                |tree| match tree.resolve(tree::KeyId::ROOT, &path, false)? {
                    Resolved::Key(id) => {
                        tree.settle(id);
                        Ok((Vec::new(), ()))
                    }
                    Resolved::Missing(parent, name) => {
                        let allowed = tree.may_create(parent, &name, volatile);
                        tree.settle(parent);
                        allowed?;
                        let (parent, class) = (parent.0, Vec::new());
                        let made = Create { parent, name, flags: 0, volatile, class, security: None, now };
                        Ok((vec![Op::Create(made)], ()))
                    }
                },
                |_, ()| (),
            )?;
        }
        let (path, name) = (wide(&whole), wide(name));
        let plan = |tree: &mut Tree| {
            let id = match tree.resolve(tree::KeyId::ROOT, &path, false) {
                Ok(Resolved::Key(id)) => id,
                Ok(Resolved::Missing(parent, _)) => {
                    tree.settle(parent);
                    return Ok((Vec::new(), ()));
                }
                // Nothing to delete.
                Err(_) if value.is_none() => return Ok((Vec::new(), ())),
                Err(error) => return Err(error),
            };
            let op = match value {
                Some((kind, data)) => tree.may_set_value(id, &name, kind, data).map(|changes| {
                    let set = SetValue { key: id.0, name: name.clone(), kind, data: data.to_vec(), now };
                    changes.then_some(Op::SetValue(set))
                }),
                None => Ok(tree.may_delete_value(id, &name).ok().map(|()| Op::DeleteValue(id, name.clone(), now))),
            };
            tree.settle(id);
            Ok((op?.into_iter().collect(), ()))
        };
        self.alter(None, &path, plan, |_, ()| ())
    }

    /// Whether a key is `\REGISTRY\Machine` or below it.
    pub(crate) fn is_machine_key(&self, key: tree::KeyId) -> bool {
        const MACHINE: &str = "\\REGISTRY\\Machine";
        let path = self.registry().tree.path(key).unwrap_or_default();
        path.split_at_checked(MACHINE.len()).is_some_and(|(head, rest)| {
            crate::nls::fold::same(head, &wide(MACHINE)) && rest.first().is_none_or(|unit| *unit == u16::from(b'\\'))
        })
    }

    /// Now, as keys keep it: 100 ns since 1601.
    fn registry_time(&self) -> u64 {
        u64::try_from(nt_time(self.host.realtime())).unwrap_or(0)
    }
}

/// Gives a key a security descriptor.
///
/// # Errors
/// `STATUS_KEY_DELETED`.
pub fn secure(cx: &Cx<'_>, key: &key::Key, descriptor: &[u8]) -> Nt {
    let plan = |tree: &mut Tree| {
        tree.view(key.id)?;
        Ok((vec![Op::Secure(key.id, descriptor.into())], ()))
    };
    cx.k.alter(key.transaction.as_ref(), &[], plan, |_, ()| ())?;
    Ok(STATUS_SUCCESS)
}

/// What happens when the last handle to a key is closed.
pub fn last_handle_closed(k: &'static Kernel, object: &Ref) {
    notify::key_closed(k, object);
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod replica_tests;
