//! Access checks: what a token may do with an object that has a security descriptor.

use super::acl::{self, INHERIT_ONLY, ace_type};
use super::descriptor::{
    ACCESS_SYSTEM_SECURITY, Descriptor, List, NO_EXECUTE_UP, NO_READ_UP, NO_WRITE_UP, READ_CONTROL, WRITE_DAC,
    WRITE_OWNER,
};
use super::sid::{Sid, authority};
use super::token::{Level, Privilege, State, access, privilege};
use crate::answer::Bytes;
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ob::types::{
    DELETE, GENERIC_ALL, GENERIC_EXECUTE, GENERIC_READ, GENERIC_WRITE, MAXIMUM_ALLOWED, Mapping, SYNCHRONIZE,
};
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;

const GENERIC: u32 = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;

/// Rights with the generic ones replaced by what they stand for.
pub fn map(mapping: &Mapping, mask: u32) -> u32 {
    let meanings = [
        (GENERIC_READ, mapping.read),
        (GENERIC_WRITE, mapping.write),
        (GENERIC_EXECUTE, mapping.execute),
        (GENERIC_ALL, mapping.all),
    ];
    meanings.iter().fold(mask & !GENERIC, |sum, (bit, meaning)| if mask & bit != 0 { sum | meaning } else { sum })
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Rights granted; all that was asked for, or none.
    pub granted: u32,
    /// Why, if none.
    pub status: Status,
    /// Privileges that it took.
    pub used: Vec<Privilege>,
}

fn denied(status: Status) -> Verdict {
    Verdict { granted: 0, status, used: Vec::new() }
}

/// What the DACL grants to whoever `has` says holds a SID (the flag: to deny).
fn by_dacl(dacl: &[u8], mapping: &Mapping, desired: u32, all: bool, has: impl Fn(&Sid, bool) -> bool) -> u32 {
    let (mut granted, mut refused) = (0, 0);
    for ace in acl::aces(dacl) {
        let Some(sid) = ace.sid.as_ref().filter(|_| ace.flags & INHERIT_ONLY == 0) else { continue };
        let mask = map(mapping, ace.mask);
        match ace.kind {
            ace_type::ALLOWED if has(sid, false) => granted |= mask & !refused,
            ace_type::DENIED if has(sid, true) => {
                refused |= mask & !granted;
                // What is left to be granted has been refused: no later entry can help.
                if !all && desired & refused != 0 {
                    break;
                }
            }
            _ => {}
        }
        if !all && desired & !granted == 0 {
            break;
        }
    }
    granted
}

/// Whether an entry speaks of the owner's rights, which takes the place of what the owner may always do.
fn limits_owner(dacl: &[u8]) -> bool {
    let owner_rights = Sid::owner_rights();
    acl::aces(dacl).any(|ace| ace.flags & INHERIT_ONLY == 0 && ace.sid.as_ref() == Some(&owner_rights))
}

/// Checks what a token may do. `desired` has no generic rights, but may have MAXIMUM_ALLOWED and ACCESS_SYSTEM_SECURITY.
pub fn check(token: &State, descriptor: &Descriptor, desired: u32, mapping: &Mapping) -> Verdict {
    let all = desired & MAXIMUM_ALLOWED != 0;
    let mut wanted = desired & !MAXIMUM_ALLOWED;
    let mut given = 0;
    let mut used = Vec::new();
    let mut take = |right: u32, luid: u64, wanted: &mut u32, given: &mut u32| {
        let attributes = privilege::ENABLED | privilege::USED_FOR_ACCESS;
        used.push(Privilege { luid, attributes });
        *given |= right;
        *wanted &= !right;
    };
    if wanted & ACCESS_SYSTEM_SECURITY != 0 {
        if !token.has_privilege(privilege::SECURITY) {
            return denied(STATUS_PRIVILEGE_NOT_HELD);
        }
        take(ACCESS_SYSTEM_SECURITY, privilege::SECURITY, &mut wanted, &mut given);
    }
    if wanted & WRITE_OWNER != 0 && token.has_privilege(privilege::TAKE_OWNERSHIP) {
        take(WRITE_OWNER, privilege::TAKE_OWNERSHIP, &mut wanted, &mut given);
    }

    // The mandatory label comes before the DACL.
    let (level, policy) = descriptor.label();
    let mut barred = 0;
    if token.mandatory_policy & 1 != 0 && token.level() < level {
        let own = |mask: u32| mask & !(READ_CONTROL | SYNCHRONIZE);
        for (bit, mask) in [(NO_READ_UP, mapping.read), (NO_WRITE_UP, mapping.write), (NO_EXECUTE_UP, mapping.execute)]
        {
            if policy & bit != 0 {
                barred |= own(mask);
            }
        }
        if policy & NO_WRITE_UP != 0 {
            barred |= DELETE | WRITE_DAC | WRITE_OWNER;
            barred |= mapping.all & !(mapping.read | mapping.execute | SYNCHRONIZE);
            barred &= !(if policy & NO_READ_UP == 0 { mapping.read } else { 0 });
            barred &= !(if policy & NO_EXECUTE_UP == 0 { mapping.execute } else { 0 });
        }
        if wanted & barred != 0 {
            return denied(STATUS_ACCESS_DENIED);
        }
    }

    let List::Acl(dacl) = &descriptor.dacl else {
        // Nothing protects it.
        let granted = if all { (wanted | mapping.all) & !barred } else { wanted };
        return Verdict { granted: granted | given, status: STATUS_SUCCESS, used };
    };
    let owner = descriptor.owner.as_ref();
    let owns = owner.is_some_and(|owner| token.has(owner, false));
    let implied = if owns && !limits_owner(dacl) { READ_CONTROL | WRITE_DAC } else { 0 };
    let is_owner = |sid: &Sid| owns && *sid == Sid::owner_rights();
    let mut granted =
        implied | by_dacl(dacl, mapping, wanted & !implied, all, |sid, deny| token.has(sid, deny) || is_owner(sid));
    if !token.restricted.is_empty() {
        // Once more, with the restricting SIDs alone: both must grant it.
        let restricted = |sid: &Sid, _| token.restricted.iter().any(|held| held.sid == *sid);
        let mut second = by_dacl(dacl, mapping, wanted & !implied, all, restricted);
        if owner.is_some_and(|owner| restricted(owner, false)) {
            second |= implied;
        }
        if token.write_restricted {
            second |= !mapping.write | READ_CONTROL | SYNCHRONIZE;
        }
        granted &= second;
    }
    if let Some(package) = &token.package {
        // What an app container may do must be granted to it by name, or to all of them.
        let all_packages = Sid::new(authority::PACKAGE, &[2, 1]);
        let own = |sid: &Sid, _| {
            sid == package || *sid == all_packages || token.capabilities.iter().any(|held| held.sid == *sid)
        };
        granted &= by_dacl(dacl, mapping, wanted, all, own);
    }
    granted &= !barred;
    if wanted & !granted != 0 {
        return denied(STATUS_ACCESS_DENIED);
    }
    let granted = if all { granted } else { wanted } | given;
    if granted == 0 {
        return denied(STATUS_ACCESS_DENIED);
    }
    Verdict { granted, status: STATUS_SUCCESS, used }
}

/// GENERIC_MAPPING.
fn read_mapping(cx: &Cx<'_>, at: UserPtr<[u32; 4]>) -> Nt<Mapping> {
    let [read, write, execute, all] = at.read(cx.k)?;
    Ok(Mapping { read, write, execute, all })
}

/// The descriptor that a check is about, with owner and group.
fn read_descriptor(cx: &Cx<'_>, at: u64) -> Nt<Descriptor> {
    let descriptor = Descriptor::read(cx.k, at)?;
    if descriptor.owner.is_none() || descriptor.group.is_none() {
        return Err(STATUS_INVALID_SECURITY_DESCR);
    }
    Ok(descriptor)
}

/// NtAccessCheck: what the impersonation token may do. PRIVILEGE_SET is count, control, and privileges.
///
/// # Errors
/// `STATUS_GENERIC_NOT_MAPPED`, `STATUS_NO_IMPERSONATION_TOKEN`, `STATUS_BAD_IMPERSONATION_LEVEL`,
/// `STATUS_INVALID_SECURITY_DESCR`, `STATUS_BUFFER_TOO_SMALL` (for the privileges), and as for the handle.
#[allow(clippy::too_many_arguments)]
pub fn nt_access_check(
    cx: &Cx<'_>,
    descriptor: u64,
    token: Handle,
    desired: u32,
    mapping: UserPtr<[u32; 4]>,
    privileges: u64,
    length: UserPtr<u32>,
    granted: UserPtr<u32>,
    status: UserPtr<u32>,
) -> Nt {
    /// sizeof(PRIVILEGE_SET), which has room for one.
    const LEAST: u32 = 20;
    if privileges == 0 || length.is_null() {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let room = length.read(cx.k)?;
    let mapping = read_mapping(cx, mapping)?;
    let descriptor = read_descriptor(cx, descriptor);
    let object = cx.object(token, access::QUERY)?;
    let token = object.token()?;
    match token.impersonation {
        None => return Err(STATUS_NO_IMPERSONATION_TOKEN),
        Some(Level::Anonymous) => return Err(STATUS_BAD_IMPERSONATION_LEVEL),
        Some(_) => {}
    }
    if desired & GENERIC != 0 {
        return Err(STATUS_GENERIC_NOT_MAPPED);
    }
    let verdict = check(&token.state.read(), &descriptor?, desired, &mapping);
    let mut set = Bytes::default();
    set.push([verdict.used.len() as u32, 0]);
    for used in &verdict.used {
        set.push([used.luid as u32, (used.luid >> 32) as u32, used.attributes]);
    }
    let needed = (set.0.len() as u32).max(LEAST);
    length.write(cx.k, needed)?;
    if room < needed {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    cx.k.write_user(privileges, &set.0)?;
    granted.write(cx.k, verdict.granted)?;
    status.write(cx.k, verdict.status.0)?;
    Ok(STATUS_SUCCESS)
}

/// NtAccessCheckAndAuditAlarm: the check with the caller's own token; auditing takes a privilege that no user here holds.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_access_check_and_audit_alarm(
    cx: &Cx<'_>,
    subsystem: UserPtr<UnicodeString>,
    _handle: u64,
    _type_name: UserPtr<UnicodeString>,
    _object_name: UserPtr<UnicodeString>,
    _descriptor: u64,
    _desired: u32,
    _mapping: UserPtr<[u32; 4]>,
    _creation: bool,
    _granted: UserPtr<u32>,
    _status: UserPtr<u32>,
    _on_close: UserPtr<u8>,
) -> Nt {
    subsystem.text(cx.k)?;
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

/// NtPrivilegeCheck: whether one, or (control bit 0) all, of a set of privileges are enabled; marks those that are.
///
/// # Errors
/// `STATUS_BAD_IMPERSONATION_LEVEL`, `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`, and as for the handle.
pub fn nt_privilege_check(cx: &Cx<'_>, token: Handle, set: UserPtr<[u32; 2]>, result: UserPtr<u8>) -> Nt {
    /// More than there are.
    const MOST: u32 = 1000;
    const ALL_NECESSARY: u32 = 1;
    let object = cx.object(token, access::QUERY)?;
    let token = object.token()?;
    if token.impersonation.is_some_and(|level| level < Level::Identification) {
        return Err(STATUS_BAD_IMPERSONATION_LEVEL);
    }
    let [count, control] = set.read(cx.k)?;
    if count > MOST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let list: UserPtr<[u32; 3]> = set.byte_add(8);
    let mut privileges = list.read_vec(cx.k, count as usize)?;
    let state = token.state.read();
    let mut enabled = 0;
    for [low, high, attributes] in &mut privileges {
        if state.has_privilege(u64::from(*low) | u64::from(*high) << 32) {
            enabled += 1;
            *attributes |= privilege::USED_FOR_ACCESS;
        }
    }
    drop(state);
    for (index, entry) in privileges.into_iter().enumerate() {
        list.add(index as u64).write(cx.k, entry)?;
    }
    let passed = if control & ALL_NECESSARY != 0 { enabled == count } else { enabled > 0 };
    result.write(cx.k, u8::from(passed))?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::ob::types::Type;
    use crate::se::acl::{ace, build};
    use crate::se::token::level;
    use crate::se::token::{Group, group};

    /// Rights of their own in each generic right.
    const MAPPING: Mapping = Mapping { read: 0x2_0001, write: 0x2_0002, execute: 0x2_0004, all: 0x1f_0007 };

    fn state() -> State {
        State::user(Fake::kernel().1)
    }

    fn with(aces: &[(u8, u32, Sid)]) -> Descriptor {
        let aces: Vec<Vec<u8>> = aces.iter().map(|(kind, mask, sid)| ace(*kind, 0, *mask, sid)).collect();
        Descriptor {
            owner: Some(Sid::system()),
            group: Some(Sid::system()),
            dacl: List::Acl(build(2, aces.iter().map(Vec::as_slice)).unwrap()),
            ..Descriptor::default()
        }
    }

    fn granted(state: &State, descriptor: &Descriptor, desired: u32) -> Result<u32, Status> {
        let verdict = check(state, descriptor, desired, &MAPPING);
        if verdict.status == STATUS_SUCCESS { Ok(verdict.granted) } else { Err(verdict.status) }
    }

    const ALLOW: u8 = ace_type::ALLOWED;
    const DENY: u8 = ace_type::DENIED;
    const NO: Result<u32, Status> = Err(STATUS_ACCESS_DENIED);

    #[test]
    fn an_empty_list_allows_nothing_and_none_allows_all() {
        let user = state();
        assert_eq!(granted(&user, &with(&[]), 1), NO);
        assert_eq!(granted(&user, &with(&[]), MAXIMUM_ALLOWED), NO);
        for dacl in [List::Absent, List::Null] {
            let open = Descriptor { dacl, ..with(&[]) };
            assert_eq!(granted(&user, &open, 3), Ok(3));
            assert_eq!(granted(&user, &open, MAXIMUM_ALLOWED), Ok(MAPPING.all));
        }
    }

    #[test]
    fn order_decides_between_allowing_and_denying() {
        let user = state();
        let world = Sid::world;
        let deny_first = with(&[(DENY, 1, world()), (ALLOW, 3, world())]);
        assert_eq!(granted(&user, &deny_first, 1), NO);
        assert_eq!(granted(&user, &deny_first, 2), Ok(2));
        assert_eq!(granted(&user, &deny_first, 3), NO);
        assert_eq!(granted(&user, &deny_first, MAXIMUM_ALLOWED), Ok(2));
        let allow_first = with(&[(ALLOW, 3, world()), (DENY, 1, world())]);
        assert_eq!(granted(&user, &allow_first, 3), Ok(3));
        assert_eq!(granted(&user, &allow_first, MAXIMUM_ALLOWED), Ok(3));
        let somebody_else = with(&[(DENY, 1, Sid::system()), (ALLOW, 1, world())]);
        assert_eq!(granted(&user, &somebody_else, 1), Ok(1));
    }

    #[test]
    fn entries_gather_rights_and_generic_ones_are_mapped() {
        let user = state();
        let parts = with(&[(ALLOW, GENERIC_READ, Sid::world()), (ALLOW, 2, crate::se::user_sid())]);
        assert_eq!(granted(&user, &parts, 3), Ok(3));
        assert_eq!(granted(&user, &parts, 7), NO);
        assert_eq!(granted(&user, &parts, MAXIMUM_ALLOWED), Ok(MAPPING.read | 2));
        assert_eq!(granted(&user, &parts, MAXIMUM_ALLOWED | 4), NO);
    }

    #[test]
    fn entries_for_heirs_do_not_count() {
        let inherited = ace(ALLOW, INHERIT_ONLY, 1, &Sid::world());
        let descriptor = Descriptor { dacl: List::Acl(build(2, [inherited.as_slice()]).unwrap()), ..with(&[]) };
        assert_eq!(granted(&state(), &descriptor, 1), NO);
    }

    #[test]
    fn owners_may_always_read_and_change_the_list() {
        let user = state();
        let own = Descriptor { owner: Some(crate::se::user_sid()), ..with(&[]) };
        assert_eq!(granted(&user, &own, READ_CONTROL | WRITE_DAC), Ok(READ_CONTROL | WRITE_DAC));
        assert_eq!(granted(&user, &own, MAXIMUM_ALLOWED), Ok(READ_CONTROL | WRITE_DAC));
        assert_eq!(granted(&user, &own, DELETE), NO);
        let limited = with(&[(ALLOW, READ_CONTROL, Sid::owner_rights())]);
        let limited = Descriptor { owner: Some(crate::se::user_sid()), ..limited };
        assert_eq!(granted(&user, &limited, WRITE_DAC), NO);
        assert_eq!(granted(&user, &limited, READ_CONTROL), Ok(READ_CONTROL));
    }

    #[test]
    fn a_group_for_denying_only_denies_only() {
        let user = state();
        let allow = with(&[(ALLOW, 1, Sid::administrators())]);
        assert_eq!(granted(&user, &allow, 1), NO);
        let deny = with(&[(DENY, 1, Sid::administrators()), (ALLOW, 1, Sid::world())]);
        assert_eq!(granted(&user, &deny, 1), NO);
    }

    #[test]
    fn both_lists_of_a_restricted_token_must_grant() {
        let mut user = state();
        user.restricted.push(Group { sid: Sid::anonymous(), attributes: 7 });
        let once = with(&[(ALLOW, 1, Sid::world())]);
        assert_eq!(granted(&user, &once, 1), NO);
        let twice = with(&[(ALLOW, 3, Sid::world()), (ALLOW, 1, Sid::anonymous())]);
        assert_eq!(granted(&user, &twice, 1), Ok(1));
        assert_eq!(granted(&user, &twice, 3), NO);
        user.write_restricted = true;
        assert_eq!(granted(&user, &once, 1), Ok(1), "reading is not restricted");
    }

    #[test]
    fn labels_bar_writing_up() {
        let mut user = state();
        let open = with(&[(ALLOW, GENERIC_ALL, Sid::world())]);
        assert_eq!(granted(&user, &open, 7), Ok(7));
        let label = user.groups.iter_mut().find(|held| held.attributes & group::INTEGRITY != 0).unwrap();
        label.sid = Sid::label(level::LOW);
        assert_eq!(granted(&user, &open, 2), NO, "an object without a label is of medium level");
        assert_eq!(granted(&user, &open, 5), Ok(5));
        assert_eq!(granted(&user, &open, DELETE), NO);
        assert_eq!(granted(&user, &open, MAXIMUM_ALLOWED), Ok(MAPPING.read | MAPPING.execute | SYNCHRONIZE));
    }

    #[test]
    fn system_security_takes_a_privilege() {
        let mut user = state();
        let open = with(&[(ALLOW, GENERIC_ALL, Sid::world())]);
        assert_eq!(granted(&user, &open, ACCESS_SYSTEM_SECURITY), Err(STATUS_PRIVILEGE_NOT_HELD));
        user.privileges.push(Privilege { luid: privilege::SECURITY, attributes: privilege::ENABLED });
        let verdict = check(&user, &open, ACCESS_SYSTEM_SECURITY | 1, &MAPPING);
        assert_eq!((verdict.status, verdict.granted), (STATUS_SUCCESS, ACCESS_SYSTEM_SECURITY | 1));
        assert_eq!(verdict.used.len(), 1);
        assert_eq!(verdict.used[0].luid, privilege::SECURITY);
    }

    #[test]
    fn the_users_own_objects_are_open_to_the_user() {
        let user = state();
        let own = Descriptor::default().complete(&user, Type::Event);
        let mapping = Type::Event.mapping();
        assert_eq!(check(&user, &own, mapping.all, &mapping).granted, mapping.all);
        let (_, k) = Fake::kernel();
        assert_eq!(check(&State::anonymous(k), &own, 1, &mapping).status, STATUS_ACCESS_DENIED);
    }

    #[test]
    fn nt_access_check_asks_for_an_impersonation_token() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let descriptor = fake.alloc_bytes(&with(&[(ALLOW, 1, Sid::world())]).bytes());
            let mapping = fake.alloc([MAPPING.read, MAPPING.write, MAPPING.execute, MAPPING.all]);
            let set = fake.alloc_bytes(&[0xff; 20]);
            let (length, granted, status) = (fake.alloc(20u32), fake.alloc(9u32), fake.alloc(9u32));
            let ask =
                |token, desired| nt_access_check(cx, descriptor, token, desired, mapping, set, length, granted, status);
            assert_eq!(ask(Handle::CURRENT_PROCESS_TOKEN, 1), Err(STATUS_NO_IMPERSONATION_TOKEN));
            let own = cx.k.process_token();
            let made = own.token().unwrap().duplicate(cx.k, Some(Level::Identification), false).unwrap();
            let token = cx.insert(made, access::QUERY, 0).unwrap();
            assert_eq!(ask(token, 1), Ok(STATUS_SUCCESS));
            assert_eq!((granted.read(cx.k), status.read(cx.k)), (Ok(1), Ok(0)));
            assert_eq!(ask(token, 2), Ok(STATUS_SUCCESS));
            assert_eq!((granted.read(cx.k), status.read(cx.k)), (Ok(0), Ok(STATUS_ACCESS_DENIED.0)));
            assert_eq!(ask(token, GENERIC_READ), Err(STATUS_GENERIC_NOT_MAPPED));
            length.write(cx.k, 8).unwrap();
            assert_eq!(ask(token, 1), Err(STATUS_BUFFER_TOO_SMALL));
            assert_eq!(length.read(cx.k), Ok(20));
        })
        .join()
        .unwrap();
    }
}
