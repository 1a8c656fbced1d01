//! Tokens: who a thread acts as.

use super::sid::{Sid, authority};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::{Body, Object};
use crate::status::*;
use parking_lot::RwLock;

/// Rights to a token.
#[allow(missing_docs)]
pub mod access {
    pub const ASSIGN_PRIMARY: u32 = 0x1;
    pub const DUPLICATE: u32 = 0x2;
    pub const IMPERSONATE: u32 = 0x4;
    pub const QUERY: u32 = 0x8;
    pub const QUERY_SOURCE: u32 = 0x10;
    pub const ADJUST_PRIVILEGES: u32 = 0x20;
    pub const ADJUST_GROUPS: u32 = 0x40;
    pub const ADJUST_DEFAULT: u32 = 0x80;
    pub const ADJUST_SESSIONID: u32 = 0x100;
    pub const ALL: u32 = 0xf01ff;
    /// What it takes to start a process with it.
    pub const START: u32 = ASSIGN_PRIMARY | QUERY;
}

/// SE_GROUP_*.
#[allow(missing_docs)]
pub mod group {
    pub const MANDATORY: u32 = 0x1;
    pub const ENABLED_BY_DEFAULT: u32 = 0x2;
    pub const ENABLED: u32 = 0x4;
    pub const OWNER: u32 = 0x8;
    pub const USE_FOR_DENY_ONLY: u32 = 0x10;
    pub const INTEGRITY: u32 = 0x20;
    pub const INTEGRITY_ENABLED: u32 = 0x40;
    pub const LOGON_ID: u32 = 0xc000_0000;
}

/// SE_*_PRIVILEGE by number, those that something here asks for.
#[allow(missing_docs)]
pub mod privilege {
    pub const CREATE_TOKEN: u64 = 2;
    pub const ASSIGN_PRIMARY_TOKEN: u64 = 3;
    pub const LOCK_MEMORY: u64 = 4;
    pub const INCREASE_QUOTA: u64 = 5;
    pub const TCB: u64 = 7;
    pub const SECURITY: u64 = 8;
    pub const TAKE_OWNERSHIP: u64 = 9;
    pub const LOAD_DRIVER: u64 = 10;
    pub const SYSTEM_PROFILE: u64 = 11;
    pub const SYSTEM_TIME: u64 = 12;
    pub const PROFILE_SINGLE_PROCESS: u64 = 13;
    pub const INCREASE_BASE_PRIORITY: u64 = 14;
    pub const CREATE_PERMANENT: u64 = 16;
    pub const CREATE_PAGEFILE: u64 = 15;
    pub const BACKUP: u64 = 17;
    pub const RESTORE: u64 = 18;
    pub const SHUTDOWN: u64 = 19;
    pub const DEBUG: u64 = 20;
    pub const AUDIT: u64 = 21;
    pub const SYSTEM_ENVIRONMENT: u64 = 22;
    pub const CHANGE_NOTIFY: u64 = 23;
    pub const REMOTE_SHUTDOWN: u64 = 24;
    pub const UNDOCK: u64 = 25;
    pub const MANAGE_VOLUME: u64 = 28;
    pub const IMPERSONATE: u64 = 29;
    pub const CREATE_GLOBAL: u64 = 30;
    pub const RELABEL: u64 = 32;
    pub const INCREASE_WORKING_SET: u64 = 33;
    pub const TIME_ZONE: u64 = 34;
    pub const CREATE_SYMBOLIC_LINK: u64 = 35;

    /// SE_PRIVILEGE_ENABLED_BY_DEFAULT.
    pub const ENABLED_BY_DEFAULT: u32 = 0x1;
    /// SE_PRIVILEGE_ENABLED.
    pub const ENABLED: u32 = 0x2;
    /// SE_PRIVILEGE_REMOVED.
    pub const REMOVED: u32 = 0x4;
    /// SE_PRIVILEGE_USED_FOR_ACCESS.
    pub const USED_FOR_ACCESS: u32 = 0x8000_0000;
}

/// Mandatory levels.
#[allow(missing_docs)]
pub mod level {
    pub const UNTRUSTED: u32 = 0;
    pub const LOW: u32 = 0x1000;
    pub const MEDIUM: u32 = 0x2000;
    pub const HIGH: u32 = 0x3000;
    pub const SYSTEM: u32 = 0x4000;
}

/// SECURITY_IMPERSONATION_LEVEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Anonymous = 0,
    Identification = 1,
    Impersonation = 2,
    Delegation = 3,
}

impl Level {
    /// The level of that number.
    ///
    /// # Errors
    /// `STATUS_BAD_IMPERSONATION_LEVEL`.
    pub fn of(number: u32) -> Nt<Level> {
        match number {
            0 => Ok(Level::Anonymous),
            1 => Ok(Level::Identification),
            2 => Ok(Level::Impersonation),
            3 => Ok(Level::Delegation),
            _ => Err(STATUS_BAD_IMPERSONATION_LEVEL),
        }
    }
}

/// TOKEN_ELEVATION_TYPE: whether a token is one of the two that an administrator's logon gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elevation {
    /// It has no other half.
    Default = 1,
    /// The administrator's.
    Full = 2,
    /// The one that he works with: Administrators counts for denying only.
    Limited = 3,
}

/// A group, or a user, with attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who.
    pub sid: Sid,
    /// SE_GROUP_*.
    pub attributes: u32,
}

/// A privilege with attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege {
    /// Its number.
    pub luid: u64,
    /// SE_PRIVILEGE_*.
    pub attributes: u32,
}

/// What can be changed of a token, and copied into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whom it stands for; the attribute is 0 or `USE_FOR_DENY_ONLY`.
    pub user: Group,
    /// Groups, among them the mandatory label.
    pub groups: Vec<Group>,
    /// Groups that access is checked against once more, if there are any.
    pub restricted: Vec<Group>,
    /// Whether that is for writing only.
    pub write_restricted: bool,
    /// Privileges held.
    pub privileges: Vec<Privilege>,
    /// Owner of objects made with it.
    pub owner: Sid,
    /// Primary group of objects made with it.
    pub primary_group: Sid,
    /// DACL of objects made with it, an ACL's bytes.
    pub default_dacl: Option<Vec<u8>>,
    /// Changes with every change.
    pub modified_id: u64,
    /// Terminal session.
    pub session: u32,
    /// Whether AppLocker rules do not hold.
    pub sandbox_inert: bool,
    /// TOKEN_MANDATORY_POLICY_*: 1 no write up, 2 new processes get the lower of two labels.
    pub mandatory_policy: u32,
    /// File and registry virtualisation, never done.
    pub virtualization: bool,
    /// Which half of a logon's pair of tokens it is.
    pub elevation: Elevation,
    /// Whether groups or privileges were taken away.
    pub filtered: bool,
    /// The package of an app container's token.
    pub package: Option<Sid>,
    /// What it is capable of.
    pub capabilities: Vec<Group>,
}

/// A token.
pub struct Token {
    /// Its own number.
    pub id: u64,
    /// Number of the logon session.
    pub authentication_id: u64,
    /// `None`: a primary token.
    pub impersonation: Option<Level>,
    /// What can be changed.
    pub state: RwLock<State>,
}

const DEFAULT_GROUP: u32 = group::MANDATORY | group::ENABLED_BY_DEFAULT | group::ENABLED;

impl State {
    /// That of the user, who is an administrator of his own machine and works with the limited half of his logon's tokens.
    pub fn user(k: &Kernel) -> State {
        let logon = k.se.logon_sid();
        let nt = |sub: &[u32]| Sid::new(authority::NT, sub);
        let mut groups: Vec<Group> = [
            super::domain_sid(513),
            Sid::world(),
            nt(&[32, 545]),
            nt(&[4]),
            Sid::new(authority::LOCAL, &[1]),
            nt(&[11]),
            nt(&[15]),
            nt(&[113]),
            Sid::new(authority::LOCAL, &[0]),
            nt(&[64, 10]),
        ]
        .into_iter()
        .map(|sid| Group { sid, attributes: DEFAULT_GROUP })
        .collect();
        let denies = group::USE_FOR_DENY_ONLY;
        groups.extend([Sid::administrators(), nt(&[114])].map(|sid| Group { sid, attributes: denies }));
        groups.insert(8, Group { sid: logon.clone(), attributes: DEFAULT_GROUP | group::LOGON_ID });
        let label = group::INTEGRITY | group::INTEGRITY_ENABLED;
        groups.push(Group { sid: Sid::label(level::MEDIUM), attributes: label });
        let privileges = [
            // An administrator's, as Wine gives them to everybody: hives are saved and loaded with them.
            (privilege::BACKUP, 0),
            (privilege::RESTORE, 0),
            (privilege::SHUTDOWN, 0),
            (privilege::CHANGE_NOTIFY, privilege::ENABLED | privilege::ENABLED_BY_DEFAULT),
            (privilege::UNDOCK, 0),
            (privilege::INCREASE_WORKING_SET, 0),
            (privilege::TIME_ZONE, 0),
        ];
        let user = super::user_sid();
        let dacl = super::acl::allowing(&[
            (user.clone(), crate::ob::types::GENERIC_ALL),
            (Sid::system(), crate::ob::types::GENERIC_ALL),
            (logon, crate::ob::types::GENERIC_READ | crate::ob::types::GENERIC_EXECUTE),
        ]);
        State {
            groups,
            restricted: Vec::new(),
            write_restricted: false,
            privileges: privileges.map(|(luid, attributes)| Privilege { luid, attributes }).to_vec(),
            owner: user.clone(),
            primary_group: super::domain_sid(513),
            user: Group { sid: user, attributes: 0 },
            default_dacl: Some(dacl),
            modified_id: k.new_luid(),
            session: super::SESSION_ID,
            sandbox_inert: false,
            mandatory_policy: 3,
            virtualization: false,
            elevation: Elevation::Limited,
            filtered: false,
            package: None,
            capabilities: Vec::new(),
        }
    }

    /// The other half: what the user has once he has been asked.
    pub fn administrator(k: &Kernel) -> State {
        use privilege::*;
        let mut state = State::user(k);
        for held in &mut state.groups {
            if held.attributes & group::USE_FOR_DENY_ONLY != 0 {
                let owner = if held.sid == Sid::administrators() { group::OWNER } else { 0 };
                held.attributes = DEFAULT_GROUP | owner;
            }
            if held.attributes & group::INTEGRITY != 0 {
                held.sid = Sid::label(level::HIGH);
            }
        }
        let by_default = [CHANGE_NOTIFY, IMPERSONATE, CREATE_GLOBAL];
        let privileges = [
            INCREASE_QUOTA,
            SECURITY,
            TAKE_OWNERSHIP,
            LOAD_DRIVER,
            SYSTEM_PROFILE,
            SYSTEM_TIME,
            PROFILE_SINGLE_PROCESS,
            INCREASE_BASE_PRIORITY,
            CREATE_PAGEFILE,
            BACKUP,
            RESTORE,
            SHUTDOWN,
            DEBUG,
            SYSTEM_ENVIRONMENT,
            CHANGE_NOTIFY,
            REMOTE_SHUTDOWN,
            UNDOCK,
            MANAGE_VOLUME,
            IMPERSONATE,
            CREATE_GLOBAL,
            INCREASE_WORKING_SET,
            TIME_ZONE,
            CREATE_SYMBOLIC_LINK,
        ];
        let attributes = |luid| if by_default.contains(&luid) { ENABLED | ENABLED_BY_DEFAULT } else { 0 };
        let all = crate::ob::types::GENERIC_ALL;
        State {
            privileges: privileges.map(|luid| Privilege { luid, attributes: attributes(luid) }).to_vec(),
            owner: Sid::administrators(),
            default_dacl: Some(super::acl::allowing(&[(Sid::administrators(), all), (Sid::system(), all)])),
            elevation: Elevation::Full,
            ..state
        }
    }

    /// The system's own, as its services have it.
    pub fn system(k: &Kernel) -> State {
        use privilege::*;
        let nt = |sub: &[u32]| Sid::new(authority::NT, sub);
        let owner = group::ENABLED_BY_DEFAULT | group::ENABLED | group::OWNER;
        let label = group::INTEGRITY | group::INTEGRITY_ENABLED;
        // Those that are enabled from the start, and those that are not.
        let enabled = [
            TCB,
            LOCK_MEMORY,
            CREATE_PAGEFILE,
            CREATE_PERMANENT,
            DEBUG,
            AUDIT,
            CHANGE_NOTIFY,
            IMPERSONATE,
            CREATE_GLOBAL,
            PROFILE_SINGLE_PROCESS,
            SYSTEM_PROFILE,
            INCREASE_BASE_PRIORITY,
            INCREASE_WORKING_SET,
            TIME_ZONE,
            CREATE_SYMBOLIC_LINK,
        ];
        let disabled = [
            CREATE_TOKEN,
            ASSIGN_PRIMARY_TOKEN,
            INCREASE_QUOTA,
            SECURITY,
            TAKE_OWNERSHIP,
            LOAD_DRIVER,
            SYSTEM_TIME,
            BACKUP,
            RESTORE,
            SHUTDOWN,
            SYSTEM_ENVIRONMENT,
            UNDOCK,
            MANAGE_VOLUME,
        ];
        let held = |luid, attributes| Privilege { luid, attributes };
        let on = privilege::ENABLED | privilege::ENABLED_BY_DEFAULT;
        let privileges = enabled.map(|luid| held(luid, on)).into_iter();
        let all = crate::ob::types::GENERIC_ALL;
        let read = crate::ob::types::GENERIC_READ | crate::ob::types::GENERIC_EXECUTE;
        State {
            user: Group { sid: Sid::system(), attributes: 0 },
            groups: vec![
                Group { sid: Sid::administrators(), attributes: owner },
                Group { sid: Sid::world(), attributes: DEFAULT_GROUP },
                Group { sid: nt(&[11]), attributes: DEFAULT_GROUP },
                Group { sid: Sid::label(level::SYSTEM), attributes: label },
            ],
            privileges: privileges.chain(disabled.map(|luid| held(luid, 0))).collect(),
            elevation: Elevation::Default,
            owner: Sid::administrators(),
            primary_group: Sid::system(),
            default_dacl: Some(super::acl::allowing(&[(Sid::system(), all), (Sid::administrators(), read)])),
            ..State::user(k)
        }
    }

    /// Nobody's: what NtImpersonateAnonymousToken gives.
    pub fn anonymous(k: &Kernel) -> State {
        let label = group::INTEGRITY | group::INTEGRITY_ENABLED;
        let all = crate::ob::types::GENERIC_ALL;
        let dacl = super::acl::allowing(&[(Sid::world(), all), (Sid::anonymous(), all)]);
        State {
            user: Group { sid: Sid::anonymous(), attributes: 0 },
            groups: vec![
                Group { sid: Sid::world(), attributes: DEFAULT_GROUP },
                Group { sid: Sid::label(level::UNTRUSTED), attributes: label },
            ],
            privileges: Vec::new(),
            elevation: Elevation::Default,
            owner: Sid::anonymous(),
            primary_group: Sid::new(authority::NT, &[0]),
            default_dacl: Some(dacl),
            ..State::user(k)
        }
    }

    /// Its mandatory label.
    pub fn label(&self) -> Option<&Group> {
        self.groups.iter().find(|held| held.attributes & group::INTEGRITY != 0)
    }

    /// Its mandatory level.
    pub fn level(&self) -> u32 {
        self.label().and_then(|held| held.sid.level()).unwrap_or(level::UNTRUSTED)
    }

    /// Whether the SID counts for it: to allow, or (`deny`) to deny.
    pub fn has(&self, sid: &Sid, deny: bool) -> bool {
        // The user needs not be enabled; who is for denying only counts for nothing else.
        let counts = |held: &Group, needed: u32| match held.attributes & group::USE_FOR_DENY_ONLY {
            0 => held.sid == *sid && held.attributes & needed == needed,
            _ => held.sid == *sid && deny,
        };
        counts(&self.user, 0) || self.groups.iter().any(|held| counts(held, group::ENABLED))
    }

    /// Whether a privilege is held and enabled.
    pub fn has_privilege(&self, luid: u64) -> bool {
        self.privileges.iter().any(|held| held.luid == luid && held.attributes & privilege::ENABLED != 0)
    }
}

impl Token {
    /// A token object; `None` makes a primary token.
    pub fn object(k: &Kernel, impersonation: Option<Level>, authentication_id: u64, state: State) -> Ref {
        let token = Token { id: k.new_luid(), authentication_id, impersonation, state: RwLock::new(state) };
        Object::new(crate::ke::dispatcher::Dispatcher::none(), Body::Token(Box::new(token)))
    }

    /// A copy with another type or level.
    ///
    /// # Errors
    /// `STATUS_BAD_IMPERSONATION_LEVEL` for a level above its own.
    pub fn duplicate(&self, k: &Kernel, impersonation: Option<Level>, effective_only: bool) -> Nt<Ref> {
        match (impersonation, self.impersonation) {
            // A thread that may only be identified cannot become a process.
            (None, Some(own)) if own < Level::Impersonation => return Err(STATUS_BAD_IMPERSONATION_LEVEL),
            (Some(new), Some(own)) if new > own => return Err(STATUS_BAD_IMPERSONATION_LEVEL),
            _ => {}
        }
        let mut state = self.state.read().clone();
        if effective_only {
            let keep = group::ENABLED | group::INTEGRITY | group::USE_FOR_DENY_ONLY;
            state.groups.retain(|held| held.attributes & keep != 0);
            state.privileges.retain(|held| held.attributes & privilege::ENABLED != 0);
        }
        Ok(Token::object(k, impersonation, self.authentication_id, state))
    }
}
