//! Calls that change tokens: privileges, groups, defaults.

use super::descriptor::read_acl;
use super::query::class;
use super::sid::Sid;
use super::token::{Group, Privilege, State, Token, access, group, privilege};
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;

/// More groups or privileges than a token ever has: a guest that names more is refused before memory is spent on it.
const MOST: u32 = 1024;

/// TOKEN_PRIVILEGES of guest memory.
pub(super) fn read_privileges(k: &Kernel, at: u64) -> Nt<Vec<Privilege>> {
    if at == 0 {
        return Ok(Vec::new());
    }
    let count = UserPtr::<u32>::new(at).read(k)?;
    if count > MOST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let list = UserPtr::<[u32; 3]>::new(at.wrapping_add(4)).read_vec(k, count as usize)?;
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(list.into_iter().map(|[low, high, attributes]| Privilege { luid: join(low, high), attributes }).collect())
}

/// `count` times SID_AND_ATTRIBUTES of guest memory.
pub(super) fn read_groups(k: &Kernel, at: u64, count: u32) -> Nt<Vec<Group>> {
    if count > MOST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let list = UserPtr::<[u64; 2]>::new(at).read_vec(k, count as usize)?;
    list.into_iter()
        .map(|[sid, attributes]| Ok(Group { sid: Sid::read(k, sid)?, attributes: attributes as u32 }))
        .collect()
}

/// TOKEN_GROUPS of guest memory; none for a null pointer.
pub(super) fn read_token_groups(k: &Kernel, at: u64) -> Nt<Vec<Group>> {
    match at {
        0 => Ok(Vec::new()),
        _ => read_groups(k, at.wrapping_add(8), UserPtr::<u32>::new(at).read(k)?),
    }
}

/// Changes a token's state. `change` is given a copy and the address of the buffer for what was before; it answers whether
/// something was asked for that is not there, and what was before. Guest memory is written with no lock held, and before
/// the change counts, so that a buffer that is too small leaves the token as it is.
fn update(k: &Kernel, token: &Token, previous: &Answer, change: impl Fn(&mut State, u64) -> Nt<(bool, Vec<u8>)>) -> Nt {
    loop {
        let before = token.state.read().clone();
        let mut after = before.clone();
        let (missing, bytes) = change(&mut after, previous.buffer)?;
        if previous.buffer != 0 {
            previous.bytes(k, &bytes, STATUS_BUFFER_TOO_SMALL)?;
        }
        let mut state = token.state.write();
        if state.modified_id != before.modified_id {
            continue;
        }
        if after != before {
            after.modified_id = k.new_luid();
            *state = after;
        }
        return Ok(if missing { STATUS_NOT_ALL_ASSIGNED } else { STATUS_SUCCESS });
    }
}

/// NtAdjustPrivilegesToken: enables, disables and removes privileges that are held. What was changed is answered as it was.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` (nothing is changed then), `STATUS_INVALID_PARAMETER`, and as for the handle.
/// `STATUS_NOT_ALL_ASSIGNED` is no error.
pub fn nt_adjust_privileges_token(
    cx: &Cx<'_>,
    token: Handle,
    disable_all: bool,
    new: u64,
    length: u32,
    previous: u64,
    returned: UserPtr<u32>,
) -> Nt {
    if !disable_all && new == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let query = if previous != 0 { access::QUERY } else { 0 };
    let object = cx.object(token, access::ADJUST_PRIVILEGES | query)?;
    let token = object.token()?;
    let asked = if disable_all { Vec::new() } else { read_privileges(cx.k, new)? };
    update(cx.k, token, &Answer::new(previous, length, returned), |state, _| {
        let before = state.privileges.clone();
        let after = &mut state.privileges;
        let mut missing = false;
        if disable_all {
            after.iter_mut().for_each(|held| held.attributes &= !privilege::ENABLED);
        }
        for wanted in &asked {
            let Some(index) = after.iter().position(|held| held.luid == wanted.luid) else {
                missing = true;
                continue;
            };
            if wanted.attributes & privilege::REMOVED != 0 {
                after.remove(index);
            } else {
                let enabled = wanted.attributes & privilege::ENABLED;
                after[index].attributes = after[index].attributes & !privilege::ENABLED | enabled;
            }
        }
        let changed: Vec<Privilege> = before.into_iter().filter(|held| !after.contains(held)).collect();
        Ok((missing, super::query::privileges(&changed)))
    })
}

/// NtAdjustGroupsToken: enables and disables groups that are not mandatory, or resets all to their defaults.
///
/// # Errors
/// `STATUS_CANT_DISABLE_MANDATORY`, `STATUS_CANT_ENABLE_DENY_ONLY`, `STATUS_BUFFER_TOO_SMALL`,
/// `STATUS_INVALID_PARAMETER`, and as for the handle. `STATUS_NOT_ALL_ASSIGNED` is no error.
pub fn nt_adjust_groups_token(
    cx: &Cx<'_>,
    token: Handle,
    reset: bool,
    new: u64,
    length: u32,
    previous: u64,
    returned: UserPtr<u32>,
) -> Nt {
    if !reset && new == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let query = if previous != 0 { access::QUERY } else { 0 };
    let object = cx.object(token, access::ADJUST_GROUPS | query)?;
    let token = object.token()?;
    let asked = if reset { Vec::new() } else { read_token_groups(cx.k, new)? };
    update(cx.k, token, &Answer::new(previous, length, returned), |state, base| {
        let before = state.groups.clone();
        let after = &mut state.groups;
        let mut missing = false;
        if reset {
            for held in after.iter_mut().filter(|held| held.attributes & group::MANDATORY == 0) {
                let default = held.attributes & group::ENABLED_BY_DEFAULT != 0;
                held.attributes = held.attributes & !group::ENABLED | if default { group::ENABLED } else { 0 };
            }
        }
        for wanted in &asked {
            let Some(held) = after.iter_mut().find(|held| held.sid == wanted.sid) else {
                missing = true;
                continue;
            };
            let enable = wanted.attributes & group::ENABLED;
            if enable == 0 && held.attributes & group::MANDATORY != 0 {
                return Err(STATUS_CANT_DISABLE_MANDATORY);
            }
            if enable != 0 && held.attributes & group::USE_FOR_DENY_ONLY != 0 {
                return Err(STATUS_CANT_ENABLE_DENY_ONLY);
            }
            held.attributes = held.attributes & !group::ENABLED | enable;
        }
        let pairs = before.iter().zip(after.iter());
        let changed: Vec<&Group> = pairs.filter(|(before, after)| before != after).map(|(before, _)| before).collect();
        let mut bytes = Bytes::default();
        bytes.push(changed.len() as u64);
        let mut sid_at = base.wrapping_add(8 + changed.len() as u64 * 16);
        for held in &changed {
            bytes.push([sid_at, u64::from(held.attributes)]);
            sid_at = sid_at.wrapping_add(held.sid.length() as u64);
        }
        changed.iter().for_each(|held| {
            bytes.extend(&held.sid.bytes());
        });
        Ok((missing, bytes.0))
    })
}

/// NtSetInformationToken.
///
/// # Errors
/// `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_OWNER`, `STATUS_INVALID_PRIMARY_GROUP`, `STATUS_INVALID_ACL`,
/// `STATUS_PRIVILEGE_NOT_HELD` for what only the system may set, `STATUS_INVALID_INFO_CLASS`, and as for the handle.
pub fn nt_set_information_token(cx: &Cx<'_>, token: Handle, class: u32, buffer: u64, length: u32) -> Nt {
    let k = cx.k;
    let least = |bytes: u32| if length < bytes { Err(STATUS_INFO_LENGTH_MISMATCH) } else { Ok(()) };
    let change = |how: &mut dyn FnMut(&mut State) -> Nt<()>| {
        let object = cx.object(token, access::ADJUST_DEFAULT)?;
        let mut state = object.token()?.state.write();
        how(&mut state)?;
        state.modified_id = k.new_luid();
        Ok(STATUS_SUCCESS)
    };
    match class {
        class::OWNER => {
            least(8)?;
            let owner = Sid::read(k, UserPtr::<u64>::new(buffer).read(k)?)?;
            change(&mut |state| {
                let may = |held: &Group| held.sid == owner && held.attributes & group::OWNER != 0;
                if state.user.sid != owner && !state.groups.iter().any(may) {
                    return Err(STATUS_INVALID_OWNER);
                }
                state.owner = owner.clone();
                Ok(())
            })
        }
        class::PRIMARY_GROUP => {
            least(8)?;
            let primary = Sid::read(k, UserPtr::<u64>::new(buffer).read(k)?)?;
            change(&mut |state| {
                if state.user.sid != primary && !state.groups.iter().any(|held| held.sid == primary) {
                    return Err(STATUS_INVALID_PRIMARY_GROUP);
                }
                state.primary_group = primary.clone();
                Ok(())
            })
        }
        class::DEFAULT_DACL => {
            least(8)?;
            let dacl = match UserPtr::<u64>::new(buffer).read(k)? {
                0 => None,
                at => Some(read_acl(k, at)?),
            };
            change(&mut |state| {
                state.default_dacl.clone_from(&dacl);
                Ok(())
            })
        }
        class::INTEGRITY_LEVEL => {
            least(16)?;
            let label = Sid::read(k, UserPtr::<u64>::new(buffer).read(k)?)?;
            let level = label.level().ok_or(STATUS_INVALID_SID)?;
            change(&mut |state| {
                // Up takes SeTcbPrivilege.
                if level > state.level() {
                    return Err(STATUS_PRIVILEGE_NOT_HELD);
                }
                let held = state.groups.iter_mut().find(|held| held.attributes & group::INTEGRITY != 0);
                held.ok_or(STATUS_INVALID_PARAMETER)?.sid = Sid::label(level);
                Ok(())
            })
        }
        class::VIRTUALIZATION_ENABLED => {
            least(4)?;
            let on = UserPtr::<u32>::new(buffer).read(k)? != 0;
            change(&mut |state| {
                // It is not allowed (TokenVirtualizationAllowed), so it can only be left off.
                if on {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                state.virtualization = false;
                Ok(())
            })
        }
        class::SESSION_ID => {
            least(4)?;
            let session = UserPtr::<u32>::new(buffer).read(k)?;
            let object = cx.object(token, access::ADJUST_SESSIONID | access::ADJUST_DEFAULT)?;
            let same = object.token()?.state.read().session == session;
            if same { Ok(STATUS_SUCCESS) } else { Err(STATUS_PRIVILEGE_NOT_HELD) }
        }
        class::AUDIT_POLICY
        | class::ORIGIN
        | class::LINKED_TOKEN
        | class::VIRTUALIZATION_ALLOWED
        | class::UI_ACCESS
        | class::MANDATORY_POLICY
        | class::PROCESS_TRUST_LEVEL
        | class::SECURITY_ATTRIBUTES => {
            cx.object(token, access::ADJUST_DEFAULT)?.token()?;
            Err(STATUS_PRIVILEGE_NOT_HELD)
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// NtCompareTokens: whether two tokens come to the same in access checks.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, and as for the handles.
pub fn nt_compare_tokens(cx: &Cx<'_>, first: Handle, second: Handle, equal: UserPtr<u8>) -> Nt {
    let first = cx.object(first, access::QUERY)?;
    let second = cx.object(second, access::QUERY)?;
    let same = std::sync::Arc::ptr_eq(&first, &second) || alike(first.token()?, second.token()?);
    equal.write(cx.k, u8::from(same))?;
    Ok(STATUS_SUCCESS)
}

fn alike(first: &Token, second: &Token) -> bool {
    // One at a time: the two may be asked for in the other order elsewhere.
    let first = first.state.read().clone();
    let second = second.state.read().clone();
    first.user == second.user
        && first.groups == second.groups
        && first.restricted == second.restricted
        && first.package == second.package
        && first.capabilities == second.capabilities
        && first.privileges == second.privileges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::se::token::level;

    fn privilege_set(luid: u64, attributes: u32) -> [u32; 4] {
        [1, luid as u32, 0, attributes]
    }

    #[test]
    fn privileges_are_enabled_disabled_and_removed() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let token = Handle::CURRENT_PROCESS_TOKEN;
            let adjust = |set: [u32; 4], length: u32, previous: u64, returned| {
                let set = fake.alloc(set).address();
                nt_adjust_privileges_token(cx, token, false, set, length, previous, returned)
            };
            let none = UserPtr::new(0);
            let held = || cx.k.process_token().token().unwrap().state.read().has_privilege(privilege::SHUTDOWN);
            assert!(!held());
            let returned = fake.alloc(0u32);
            let previous = fake.alloc([9u32; 4]);
            let on = privilege_set(privilege::SHUTDOWN, privilege::ENABLED);
            // Room for the count alone: nothing is done.
            assert_eq!(adjust(on, 4, previous.address(), returned), Err(STATUS_BUFFER_TOO_SMALL));
            assert_eq!(returned.read(cx.k), Ok(16));
            assert!(!held());
            assert_eq!(adjust(on, 16, previous.address(), returned), Ok(STATUS_SUCCESS));
            assert!(held());
            assert_eq!(previous.read(cx.k), Ok(privilege_set(privilege::SHUTDOWN, 0)));
            // Nothing changes: nothing was before.
            assert_eq!(adjust(on, 16, previous.address(), returned), Ok(STATUS_SUCCESS));
            assert_eq!(returned.read(cx.k), Ok(4));
            let not_held = privilege_set(privilege::SECURITY, privilege::ENABLED);
            assert_eq!(adjust(not_held, 0, 0, none), Ok(STATUS_NOT_ALL_ASSIGNED));
            assert_eq!(nt_adjust_privileges_token(cx, token, true, 0, 0, 0, none), Ok(STATUS_SUCCESS));
            assert!(!held());
            let away = privilege_set(privilege::SHUTDOWN, privilege::REMOVED);
            assert_eq!(adjust(away, 0, 0, none), Ok(STATUS_SUCCESS));
            assert_eq!(adjust(on, 0, 0, none), Ok(STATUS_NOT_ALL_ASSIGNED));
            let many = fake.alloc(u32::MAX).address();
            let asked = nt_adjust_privileges_token(cx, token, false, many, 0, 0, none);
            assert_eq!(asked, Err(STATUS_INVALID_PARAMETER));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn mandatory_groups_stay() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let sid = fake.alloc_bytes(&Sid::world().bytes());
            let set = fake.alloc([1u64, sid, 0]).address();
            let token = Handle::CURRENT_PROCESS_TOKEN;
            let none = UserPtr::new(0);
            let adjust = |set| nt_adjust_groups_token(cx, token, false, set, 0, 0, none);
            assert_eq!(adjust(set), Err(STATUS_CANT_DISABLE_MANDATORY));
            let sid = fake.alloc_bytes(&Sid::system().bytes());
            assert_eq!(adjust(fake.alloc([1u64, sid, 4]).address()), Ok(STATUS_NOT_ALL_ASSIGNED));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn defaults_are_set_within_bounds() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let token = Handle::CURRENT_PROCESS_TOKEN;
            let set = |class, sid: Sid| {
                let sid = fake.alloc_bytes(&sid.bytes());
                let buffer = fake.alloc([sid, 0x20]).address();
                nt_set_information_token(cx, token, class, buffer, 16)
            };
            let state = || cx.k.process_token().token().unwrap().state.read().clone();
            assert_eq!(set(class::OWNER, Sid::system()), Err(STATUS_INVALID_OWNER));
            assert_eq!(set(class::PRIMARY_GROUP, Sid::system()), Err(STATUS_INVALID_PRIMARY_GROUP));
            assert_eq!(set(class::PRIMARY_GROUP, Sid::world()), Ok(STATUS_SUCCESS));
            assert_eq!(state().primary_group, Sid::world());
            assert_eq!(set(class::INTEGRITY_LEVEL, Sid::label(level::HIGH)), Err(STATUS_PRIVILEGE_NOT_HELD));
            assert_eq!(set(class::INTEGRITY_LEVEL, Sid::world()), Err(STATUS_INVALID_SID));
            assert_eq!(set(class::INTEGRITY_LEVEL, Sid::label(level::LOW)), Ok(STATUS_SUCCESS));
            assert_eq!(state().level(), level::LOW);
            let bad = fake.alloc_bytes(&[2, 0, 7, 0]);
            let buffer = fake.alloc(bad).address();
            assert_eq!(nt_set_information_token(cx, token, class::DEFAULT_DACL, buffer, 8), Err(STATUS_INVALID_ACL));
            assert_eq!(
                nt_set_information_token(cx, token, class::DEFAULT_DACL, buffer, 4),
                Err(STATUS_INFO_LENGTH_MISMATCH)
            );
        })
        .join()
        .unwrap();
    }
}
