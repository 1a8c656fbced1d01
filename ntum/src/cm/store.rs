//! Hives in files: saving, loading, replacing. All of it takes a privilege that neither the sandbox's user has nor any token
//! that it can make; the calls say so.

use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::se::token::privilege;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// REG_APP_HIVE: a hive for the caller alone, which takes no privilege.
const REG_APP_HIVE: u32 = 0x10;

type Attributes = UserPtr<ObjectAttributesRaw>;

fn refused(cx: &Cx<'_>, needed: u64) -> Nt {
    let token = cx.k.effective_token(cx.t);
    let held = token.token()?.state.read().has_privilege(needed);
    Err(if held { STATUS_NOT_IMPLEMENTED } else { STATUS_PRIVILEGE_NOT_HELD })
}

/// NtSaveKey.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeBackupPrivilege.
pub fn nt_save_key(cx: &Cx<'_>, _key: Handle, _file: Handle) -> Nt {
    refused(cx, privilege::BACKUP)
}

/// NtRestoreKey.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege.
pub fn nt_restore_key(cx: &Cx<'_>, _key: Handle, _file: Handle, _flags: u32) -> Nt {
    refused(cx, privilege::RESTORE)
}

/// NtLoadKey.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD` without SeRestorePrivilege.
pub fn nt_load_key(cx: &Cx<'_>, _target: Attributes, _file: Attributes) -> Nt {
    refused(cx, privilege::RESTORE)
}

/// NtLoadKey2.
///
/// # Errors
/// As [`nt_load_key`].
pub fn nt_load_key2(cx: &Cx<'_>, _target: Attributes, _file: Attributes, _flags: u32) -> Nt {
    refused(cx, privilege::RESTORE)
}

/// NtLoadKeyEx.
///
/// # Errors
/// As [`nt_load_key`]; `STATUS_NOT_IMPLEMENTED` for the hive of an application.
#[allow(clippy::too_many_arguments)]
pub fn nt_load_key_ex(
    cx: &Cx<'_>,
    _target: Attributes,
    _file: Attributes,
    flags: u32,
    _trust: Handle,
    _event: Handle,
    _access: u32,
    _root: UserPtr<Handle>,
    _reserved: u64,
) -> Nt {
    if flags & REG_APP_HIVE != 0 {
        return Err(STATUS_NOT_IMPLEMENTED);
    }
    refused(cx, privilege::RESTORE)
}

/// NtUnloadKey.
///
/// # Errors
/// As [`nt_load_key`].
pub fn nt_unload_key(cx: &Cx<'_>, _target: Attributes) -> Nt {
    refused(cx, privilege::RESTORE)
}

/// NtReplaceKey.
///
/// # Errors
/// As [`nt_load_key`].
pub fn nt_replace_key(cx: &Cx<'_>, _new: Attributes, _key: Handle, _old: Attributes) -> Nt {
    refused(cx, privilege::RESTORE)
}
