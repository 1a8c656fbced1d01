//! Security: tokens and security descriptors.

pub mod access;
pub mod acl;
pub mod adjust;
pub mod descriptor;
pub mod make;
pub mod open;
pub mod parcel;
pub mod query;
pub mod sid;
pub mod token;

use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::{ObjectAttributesRaw, UnicodeString};
use crate::um::UserPtr;
use parking_lot::RwLock;
use sid::{Sid, authority};
use token::{Level, Token};

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtOpenProcessToken(process: Handle, access: u32, token: UserPtr<Handle>) => open::nt_open_process_token, Done;
    NtOpenProcessTokenEx(process: Handle, access: u32, attributes: u32, token: UserPtr<Handle>) => open::nt_open_process_token_ex, Done;
    NtOpenThreadToken(thread: Handle, access: u32, as_self: bool, token: UserPtr<Handle>) => open::nt_open_thread_token, Done;
    NtOpenThreadTokenEx(thread: Handle, access: u32, as_self: bool, attributes: u32, token: UserPtr<Handle>) => open::nt_open_thread_token_ex, Done;
    NtDuplicateToken(token: Handle, access: u32, attributes: UserPtr<ObjectAttributesRaw>, effective_only: bool, kind: u32, new: UserPtr<Handle>) => open::nt_duplicate_token, Done;
    NtAdjustPrivilegesToken(token: Handle, disable_all: bool, new: u64, length: u32, previous: u64, returned: UserPtr<u32>) => adjust::nt_adjust_privileges_token, Done;
    NtAdjustGroupsToken(token: Handle, reset: bool, new: u64, length: u32, previous: u64, returned: UserPtr<u32>) => adjust::nt_adjust_groups_token, Done;
    NtSetInformationToken(token: Handle, class: u32, buffer: u64, length: u32) => adjust::nt_set_information_token, Done;
    NtCompareTokens(first: Handle, second: Handle, equal: UserPtr<u8>) => adjust::nt_compare_tokens, Done;
    NtFilterToken(token: Handle, flags: u32, disable: u64, delete: u64, restrict: u64, new: UserPtr<Handle>) => make::nt_filter_token, Done;
    NtCreateLowBoxToken(new: UserPtr<Handle>, token: Handle, access: u32, attributes: UserPtr<ObjectAttributesRaw>, package: u64, count: u32, capabilities: u64, handle_count: u32, handles: u64) => make::nt_create_low_box_token, Partial("the container's own directory of names");
    NtImpersonateAnonymousToken(thread: Handle) => make::nt_impersonate_anonymous_token, Done;
    NtCreateToken(new: UserPtr<Handle>, access: u32, attributes: UserPtr<ObjectAttributesRaw>, kind: u32, logon: UserPtr<u64>, expires: UserPtr<i64>, user: u64, groups: u64, privileges: u64, owner: u64, primary_group: u64, default_dacl: u64, source: u64) => make::nt_create_token, Done;
    NtAccessCheck(descriptor: u64, token: Handle, desired: u32, mapping: UserPtr<[u32; 4]>, privileges: u64, length: UserPtr<u32>, granted: UserPtr<u32>, status: UserPtr<u32>) => access::nt_access_check, Done;
    NtAccessCheckAndAuditAlarm(subsystem: UserPtr<UnicodeString>, handle: u64, type_name: UserPtr<UnicodeString>, object_name: UserPtr<UnicodeString>, descriptor: u64, desired: u32, mapping: UserPtr<[u32; 4]>, creation: bool, granted: UserPtr<u32>, status: UserPtr<u32>, on_close: UserPtr<u8>) => access::nt_access_check_and_audit_alarm, Done;
    NtPrivilegeCheck(token: Handle, set: UserPtr<[u32; 2]>, result: UserPtr<u8>) => access::nt_privilege_check, Done;
    NtQueryInformationToken(token: Handle, class: u32, buffer: u64, length: u32, returned: UserPtr<u32>) => query::nt_query_information_token, Done;
};

/// The user's SID: the name of the user's key in `\Registry\User`.
pub const USER_SID: &str = "S-1-5-21-0-0-0-1000";
/// Number of the system's logon session (SYSTEM_LUID).
pub const SYSTEM_AUTHENTICATION_ID: u64 = 0x3e7;
/// The session of the console.
pub const SESSION_ID: u32 = 1;

/// The machine's own part of SIDs: that of Wine, whose set-up information the image's hive is made from.
const DOMAIN: [u32; 4] = [21, 0, 0, 0];
/// The user's number there.
const USER: u32 = 1000;

/// A SID of the machine's own.
pub fn domain_sid(relative: u32) -> Sid {
    Sid::new(authority::NT, &[DOMAIN[0], DOMAIN[1], DOMAIN[2], DOMAIN[3], relative])
}

/// The user's SID.
pub fn user_sid() -> Sid {
    domain_sid(USER)
}

/// The component's state.
#[derive(Default)]
pub struct Se {
    process: RwLock<Option<Ref>>,
}

impl Se {
    /// SID of the logon session. Windows numbers sessions as they come; the image's advapi32 knows a logon SID by zeros.
    pub fn logon_sid(&self) -> Sid {
        Sid::new(authority::NT, &[5, 0, 0])
    }

    /// Number of the logon session.
    pub fn authentication_id(&self) -> u64 {
        0x3_a8f2
    }

    /// Number of the logon session of the user as an administrator.
    pub fn linked_authentication_id(&self) -> u64 {
        0x3_a8c7
    }
}

impl Kernel {
    /// The process's primary token.
    pub fn process_token(&self) -> Ref {
        if let Some(token) = self.se.process.read().as_ref() {
            return token.clone();
        }
        let made = Token::object(self, None, self.se.authentication_id(), token::State::user(self));
        self.se.process.write().get_or_insert(made).clone()
    }

    /// The token that counts for a thread.
    pub fn effective_token(&self, thread: &Thread) -> Ref {
        thread.token().unwrap_or_else(|| self.process_token())
    }
}

impl Kernel {
    /// Gives the process another primary token.
    pub fn set_process_token(&self, token: Ref) {
        *self.se.process.write() = Some(token);
    }
}

/// A token that a process is to have as its primary one.
///
/// # Errors
/// `STATUS_BAD_TOKEN_TYPE` for one that is not primary, `STATUS_PRIVILEGE_NOT_HELD` for another user's, and as for the
/// handle.
pub fn to_be_primary(cx: &Cx<'_>, handle: Handle) -> Nt<Ref> {
    let object = cx.object(handle, token::access::ASSIGN_PRIMARY)?;
    let token = object.token()?;
    if token.impersonation.is_some() {
        return Err(STATUS_BAD_TOKEN_TYPE);
    }
    // Without SeAssignPrimaryTokenPrivilege only what derives from the process's own token may take its place.
    let own = cx.k.process_token();
    let own = own.token()?;
    let same_user = own.state.read().user.sid == token.state.read().user.sid;
    let no_higher = token.state.read().level() <= own.state.read().level();
    if !same_user || !no_higher {
        return Err(STATUS_PRIVILEGE_NOT_HELD);
    }
    Ok(object)
}

/// Lets a thread act with another token, or (handle 0) with the process's again.
///
/// # Errors
/// `STATUS_BAD_TOKEN_TYPE` for a primary token, and as for the handle.
pub fn impersonate(cx: &Cx<'_>, thread: &Thread, handle: Handle) -> Nt {
    thread.impersonate(to_impersonate(cx, handle)?);
    Ok(STATUS_SUCCESS)
}

/// What a thread that is given a token, for a handle, impersonates with: nothing for none.
///
/// # Errors
/// As [`impersonate`].
pub fn to_impersonate(cx: &Cx<'_>, handle: Handle) -> Nt<Option<Ref>> {
    if handle.0 == 0 {
        return Ok(None);
    }
    let mut object = cx.object(handle, token::access::IMPERSONATE)?;
    let token = object.token()?;
    let Some(level) = token.impersonation else { return Err(STATUS_BAD_TOKEN_TYPE) };
    // Without SeImpersonatePrivilege somebody else can only be identified, not acted for.
    let own = cx.k.process_token();
    let own = own.token()?;
    let somebody_else = own.state.read().user.sid != token.state.read().user.sid;
    if somebody_else && level > Level::Identification && token.state.read().user.sid != Sid::anonymous() {
        object = token.duplicate(cx.k, Some(Level::Identification), false)?;
    }
    Ok(Some(object))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_user_has_one_sid() {
        assert_eq!(super::user_sid().to_string(), super::USER_SID);
    }
}
