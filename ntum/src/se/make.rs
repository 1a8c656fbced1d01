//! Calls that make tokens from others: restricted, boxed, nobody's.

use super::adjust::{read_groups, read_privileges, read_token_groups};
use super::sid::Sid;
use super::token::{Group, Level, State, Token, access, group, level, privilege};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// Flags of NtFilterToken.
mod filter {
    pub const DISABLE_MAX_PRIVILEGE: u32 = 0x1;
    pub const SANDBOX_INERT: u32 = 0x2;
    pub const LUA_TOKEN: u32 = 0x4;
    pub const WRITE_RESTRICTED: u32 = 0x8;
}

/// THREAD_IMPERSONATE.
const THREAD_IMPERSONATE: u32 = 0x100;

/// NtFilterToken: a copy that can do less. Groups become deny-only, privileges go, restricting SIDs are added (to a token
/// that has some already, only those in both stay).
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_SID`, and as for the handle.
pub fn nt_filter_token(
    cx: &Cx<'_>,
    token: Handle,
    flags: u32,
    disable: u64,
    delete: u64,
    restrict: u64,
    new: UserPtr<Handle>,
) -> Nt {
    use filter::*;
    if flags & !(DISABLE_MAX_PRIVILEGE | SANDBOX_INERT | LUA_TOKEN | WRITE_RESTRICTED) != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let disable = read_token_groups(cx.k, disable)?;
    let delete = read_privileges(cx.k, delete)?;
    let restrict = read_token_groups(cx.k, restrict)?;
    let entry = cx.entry(token, access::DUPLICATE)?;
    let source = entry.object.token()?;
    let mut state = source.state.read().clone();
    let deny_only = |held: &mut Group| {
        held.attributes &= !(group::ENABLED | group::ENABLED_BY_DEFAULT | group::OWNER);
        held.attributes |= group::USE_FOR_DENY_ONLY;
    };
    let named = |sid: &Sid| disable.iter().any(|named| named.sid == *sid);
    state.groups.iter_mut().filter(|held| named(&held.sid)).for_each(deny_only);
    if named(&state.user.sid) {
        state.user.attributes = group::USE_FOR_DENY_ONLY;
    }
    state.privileges.retain(|held| {
        let named = delete.iter().any(|named| named.luid == held.luid);
        let dropped = flags & (DISABLE_MAX_PRIVILEGE | LUA_TOKEN) == DISABLE_MAX_PRIVILEGE;
        !named && (!dropped || held.luid == privilege::CHANGE_NOTIFY)
    });
    if flags & LUA_TOKEN != 0 {
        // A user's token already is what an administrator's becomes by this, but for two privileges, and a group it may have got.
        let administrators = Sid::administrators();
        state.groups.iter_mut().filter(|held| held.sid == administrators).for_each(deny_only);
        state.privileges.retain(|held| !matches!(held.luid, privilege::BACKUP | privilege::RESTORE));
    }
    if !restrict.is_empty() {
        let attributes = group::MANDATORY | group::ENABLED_BY_DEFAULT | group::ENABLED;
        let mut list: Vec<Group> = restrict.into_iter().map(|held| Group { attributes, ..held }).collect();
        if !state.restricted.is_empty() {
            list.retain(|held| state.restricted.iter().any(|other| other.sid == held.sid));
        }
        state.restricted = list;
    }
    state.write_restricted |= flags & WRITE_RESTRICTED != 0;
    state.sandbox_inert |= flags & SANDBOX_INERT != 0;
    state.filtered = true;
    state.modified_id = cx.k.new_luid();
    let made = Token::object(cx.k, source.impersonation, source.authentication_id, state);
    let made = cx.insert(made, entry.access, 0)?;
    new.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

/// NtCreateLowBoxToken: a copy for an app container: of low level, and what it may do must also be granted to the package,
/// one of its capabilities, or all packages.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_SID`, and as for the handle.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_low_box_token(
    cx: &Cx<'_>,
    new: UserPtr<Handle>,
    token: Handle,
    desired: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    package: u64,
    count: u32,
    capabilities: u64,
    _handle_count: u32,
    _handles: u64,
) -> Nt {
    new.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let package = Sid::read(cx.k, package)?;
    let capabilities = read_groups(cx.k, capabilities, count)?;
    let object = cx.object(token, access::DUPLICATE)?;
    let source = object.token()?;
    let mut state = source.state.read().clone();
    if state.package.is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if state.level() > level::LOW
        && let Some(label) = state.groups.iter_mut().find(|held| held.attributes & group::INTEGRITY != 0)
    {
        label.sid = Sid::label(level::LOW);
    }
    state.privileges.retain(|held| matches!(held.luid, privilege::CHANGE_NOTIFY | privilege::INCREASE_WORKING_SET));
    state.package = Some(package);
    state.capabilities = capabilities;
    state.modified_id = cx.k.new_luid();
    let made = Token::object(cx.k, None, source.authentication_id, state);
    let made = cx.insert(made, desired, attributes.attributes)?;
    new.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

/// NtImpersonateAnonymousToken: the thread acts as nobody.
///
/// # Errors
/// As for the handle.
pub fn nt_impersonate_anonymous_token(cx: &Cx<'_>, thread: Handle) -> Nt {
    /// ANONYMOUS_LOGON_LUID.
    const LOGON: u64 = 0x3e6;
    let object = cx.object(thread, THREAD_IMPERSONATE)?;
    let thread = object.thread()?;
    let token = Token::object(cx.k, Some(Level::Impersonation), LOGON, State::anonymous(cx.k));
    *thread.impersonation.lock() = Some(token);
    Ok(STATUS_SUCCESS)
}

/// NtCreateToken: only the system makes tokens out of nothing.
///
/// # Errors
/// `STATUS_PRIVILEGE_NOT_HELD`, `STATUS_ACCESS_VIOLATION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_token(
    cx: &Cx<'_>,
    new: UserPtr<Handle>,
    _desired: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    _kind: u32,
    _logon: UserPtr<u64>,
    _expires: UserPtr<i64>,
    _user: u64,
    _groups: u64,
    _privileges: u64,
    _owner: u64,
    _primary_group: u64,
    _default_dacl: u64,
    _source: u64,
) -> Nt {
    new.write(cx.k, Handle(0))?;
    attributes.load(cx.k)?;
    Err(STATUS_PRIVILEGE_NOT_HELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::se::open::nt_open_thread_token;

    fn state_of(cx: &Cx<'_>, handle: Handle) -> State {
        cx.object(handle, 0).unwrap().token().unwrap().state.read().clone()
    }

    #[test]
    fn a_filtered_token_can_do_less() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let users = fake.alloc_bytes(&Sid::new(5, &[32, 545]).bytes());
            let disable = fake.alloc([1u64, users, 0]).address();
            let restrict = fake.alloc([1u64, users, 0]).address();
            let new = fake.alloc(Handle(0));
            let own = Handle::CURRENT_PROCESS_TOKEN;
            assert_eq!(nt_filter_token(cx, own, 1, disable, 0, restrict, new), Ok(STATUS_SUCCESS));
            let made = state_of(cx, new.read(cx.k).unwrap());
            let users = Sid::new(5, &[32, 545]);
            assert!(!made.has(&users, false) && made.has(&users, true));
            let left: Vec<u64> = made.privileges.iter().map(|held| held.luid).collect();
            assert_eq!(left, [privilege::CHANGE_NOTIFY]);
            assert_eq!(made.restricted.len(), 1);
            assert!(made.filtered && !state_of(cx, own).filtered);
            assert_eq!(nt_filter_token(cx, own, 0x10, 0, 0, 0, new), Err(STATUS_INVALID_PARAMETER));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn nobodys_token_is_opened_and_given_back() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let opened = fake.alloc(Handle(7));
            let open = || nt_open_thread_token(cx, Handle::CURRENT_THREAD, access::QUERY, true, opened);
            assert_eq!(open(), Err(STATUS_NO_TOKEN));
            assert_eq!(opened.read(cx.k), Ok(Handle(0)));
            assert_eq!(nt_impersonate_anonymous_token(cx, Handle::CURRENT_THREAD), Ok(STATUS_SUCCESS));
            assert_eq!(open(), Ok(STATUS_SUCCESS));
            assert_eq!(state_of(cx, opened.read(cx.k).unwrap()).user.sid, Sid::anonymous());
            assert_eq!(crate::se::impersonate(cx, cx.t, Handle(0)), Ok(STATUS_SUCCESS));
            assert_eq!(open(), Err(STATUS_NO_TOKEN));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_boxed_token_is_low_and_needs_the_package() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let package = Sid::new(15, &[2, 1, 2, 3, 4, 5, 6, 7]);
            let at = fake.alloc_bytes(&package.bytes());
            let new = fake.alloc(Handle(0));
            let own = Handle::CURRENT_PROCESS_TOKEN;
            let none = UserPtr::new(0);
            assert_eq!(nt_create_low_box_token(cx, new, own, access::ALL, none, at, 0, 0, 0, 0), Ok(STATUS_SUCCESS));
            let made = state_of(cx, new.read(cx.k).unwrap());
            assert_eq!((made.level(), made.package.clone()), (level::LOW, Some(package.clone())));
            let mapping = crate::ob::types::Type::Event.mapping();
            let descriptor = |sids: &[Sid]| super::super::descriptor::Descriptor {
                owner: Some(Sid::system()),
                group: Some(Sid::system()),
                sacl: super::super::descriptor::List::Acl(
                    super::super::acl::build(
                        2,
                        [super::super::acl::ace(0x11, 0, 1, &Sid::label(level::LOW)).as_slice()],
                    )
                    .unwrap(),
                ),
                dacl: super::super::descriptor::List::Acl(super::super::acl::allowing(
                    &sids.iter().map(|sid| (sid.clone(), 3)).collect::<Vec<_>>(),
                )),
                ..Default::default()
            };
            let check = |sids: &[Sid]| super::super::access::check(&made, &descriptor(sids), 3, &mapping).status;
            assert_eq!(check(&[Sid::world()]), STATUS_ACCESS_DENIED);
            assert_eq!(check(std::slice::from_ref(&package)), STATUS_ACCESS_DENIED);
            assert_eq!(check(&[Sid::world(), package.clone()]), STATUS_SUCCESS);
            assert_eq!(check(&[Sid::world(), Sid::new(15, &[2, 1])]), STATUS_SUCCESS);
        })
        .join()
        .unwrap();
    }
}
