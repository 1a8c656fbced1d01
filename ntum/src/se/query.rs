//! NtQueryInformationToken.

use super::descriptor::Descriptor;
use super::sid::Sid;
use super::token::{Elevation, Group, Level, Privilege, State, Token, access, group};
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserPtr;

/// TOKEN_INFORMATION_CLASS (`winnt.h`).
#[allow(missing_docs)]
pub mod class {
    pub const USER: u32 = 1;
    pub const GROUPS: u32 = 2;
    pub const PRIVILEGES: u32 = 3;
    pub const OWNER: u32 = 4;
    pub const PRIMARY_GROUP: u32 = 5;
    pub const DEFAULT_DACL: u32 = 6;
    pub const SOURCE: u32 = 7;
    pub const TYPE: u32 = 8;
    pub const IMPERSONATION_LEVEL: u32 = 9;
    pub const STATISTICS: u32 = 10;
    pub const RESTRICTED_SIDS: u32 = 11;
    pub const SESSION_ID: u32 = 12;
    pub const GROUPS_AND_PRIVILEGES: u32 = 13;
    pub const SANDBOX_INERT: u32 = 15;
    pub const AUDIT_POLICY: u32 = 16;
    pub const ORIGIN: u32 = 17;
    pub const ELEVATION_TYPE: u32 = 18;
    pub const LINKED_TOKEN: u32 = 19;
    pub const ELEVATION: u32 = 20;
    pub const HAS_RESTRICTIONS: u32 = 21;
    pub const ACCESS_INFORMATION: u32 = 22;
    pub const VIRTUALIZATION_ALLOWED: u32 = 23;
    pub const VIRTUALIZATION_ENABLED: u32 = 24;
    pub const INTEGRITY_LEVEL: u32 = 25;
    pub const UI_ACCESS: u32 = 26;
    pub const MANDATORY_POLICY: u32 = 27;
    pub const LOGON_SID: u32 = 28;
    pub const IS_APP_CONTAINER: u32 = 29;
    pub const CAPABILITIES: u32 = 30;
    pub const APP_CONTAINER_SID: u32 = 31;
    pub const APP_CONTAINER_NUMBER: u32 = 32;
    pub const USER_CLAIM_ATTRIBUTES: u32 = 33;
    pub const DEVICE_CLAIM_ATTRIBUTES: u32 = 34;
    pub const RESTRICTED_USER_CLAIM_ATTRIBUTES: u32 = 35;
    pub const RESTRICTED_DEVICE_CLAIM_ATTRIBUTES: u32 = 36;
    pub const DEVICE_GROUPS: u32 = 37;
    pub const RESTRICTED_DEVICE_GROUPS: u32 = 38;
    pub const SECURITY_ATTRIBUTES: u32 = 39;
    pub const IS_RESTRICTED: u32 = 40;
    pub const PROCESS_TRUST_LEVEL: u32 = 41;
    pub const PRIVATE_NAME_SPACE: u32 = 42;
    pub const IS_LESS_PRIVILEGED_APP_CONTAINER: u32 = 46;
    pub const IS_SANDBOXED: u32 = 47;
    pub const IS_APP_SILO: u32 = 48;
}

/// An answer whose parts point at others of its parts: a head of known length first, then what it points at.
struct Pointing {
    base: u64,
    head: Bytes,
    head_length: usize,
    tail: Bytes,
}

impl Pointing {
    fn new(to: &Answer, head_length: usize) -> Pointing {
        Pointing { base: to.buffer, head: Bytes::default(), head_length, tail: Bytes::default() }
    }

    /// Adds bytes behind; answers their address.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        self.tail.align(4);
        let at = self.base.wrapping_add((self.head_length + self.tail.0.len()) as u64);
        self.tail.extend(bytes);
        at
    }

    /// Adds a SID behind and a pointer to it in the head.
    fn sid(&mut self, sid: &Sid) {
        let at = self.put(&sid.bytes());
        self.head.push(at);
    }

    /// Adds SID_AND_ATTRIBUTES.
    fn group(&mut self, held: &Group) {
        self.sid(&held.sid);
        self.head.push(u64::from(held.attributes));
    }

    fn send(mut self, cx: &Cx<'_>, to: &Answer) -> Nt {
        self.head.0.resize(self.head_length, 0);
        self.head.extend(&self.tail.0);
        to.bytes(cx.k, &self.head.0, STATUS_BUFFER_TOO_SMALL)
    }
}

/// TOKEN_USER, TOKEN_MANDATORY_LABEL.
fn one_group(cx: &Cx<'_>, to: &Answer, held: &Group) -> Nt {
    let mut answer = Pointing::new(to, 16);
    answer.group(held);
    answer.send(cx, to)
}

/// TOKEN_OWNER, TOKEN_PRIMARY_GROUP and the like.
fn one_sid(cx: &Cx<'_>, to: &Answer, sid: &Sid) -> Nt {
    let mut answer = Pointing::new(to, 8);
    answer.sid(sid);
    answer.send(cx, to)
}

/// TOKEN_GROUPS.
fn groups<'a>(cx: &Cx<'_>, to: &Answer, held: impl Iterator<Item = &'a Group>) -> Nt {
    let held: Vec<&Group> = held.collect();
    let mut answer = Pointing::new(to, 8 + held.len() * 16);
    answer.head.push(held.len() as u64);
    held.into_iter().for_each(|held| answer.group(held));
    answer.send(cx, to)
}

/// LUID_AND_ATTRIBUTES.
fn luid_and_attributes(bytes: &mut Bytes, held: &Privilege) {
    bytes.push([held.luid as u32, (held.luid >> 32) as u32, held.attributes]);
}

/// TOKEN_PRIVILEGES.
pub(super) fn privileges(held: &[Privilege]) -> Vec<u8> {
    let mut bytes = Bytes::default();
    bytes.push(held.len() as u32);
    held.iter().for_each(|held| luid_and_attributes(&mut bytes, held));
    bytes.0
}

/// TOKEN_GROUPS_AND_PRIVILEGES: three times count, bytes and address; then the logon session.
fn groups_and_privileges(cx: &Cx<'_>, to: &Answer, token: &Token, state: &State) -> Nt {
    let mut answer = Pointing::new(to, 56);
    for held in [&state.groups, &state.restricted] {
        let length = held.len() * 16;
        let (count, bytes) = (held.len() as u32, length + held.iter().map(|held| held.sid.length()).sum::<usize>());
        let (count, bytes) = if std::ptr::eq(held, &state.groups) {
            // The user comes first among the groups.
            (count + 1, bytes + 16 + state.user.sid.length())
        } else {
            (count, bytes)
        };
        let user = std::ptr::eq(held, &state.groups).then_some(&state.user);
        let all: Vec<&Group> = user.into_iter().chain(held).collect();
        answer.tail.align(8);
        let array = answer.put(&vec![0; all.len() * 16]);
        let offset = answer.tail.0.len() - all.len() * 16;
        for (index, held) in all.into_iter().enumerate() {
            let sid = answer.put(&held.sid.bytes());
            let slot = offset + index * 16;
            answer.tail.0[slot..slot + 8].copy_from_slice(&sid.to_le_bytes());
            answer.tail.0[slot + 8..slot + 12].copy_from_slice(&held.attributes.to_le_bytes());
        }
        answer.head.push([count, bytes as u32]).push(if count == 0 { 0 } else { array });
    }
    let list = privileges(&state.privileges);
    let at = answer.put(&list[4..]);
    answer.head.push([state.privileges.len() as u32, list.len() as u32 - 4]).push(at);
    answer.head.push(token.authentication_id);
    answer.send(cx, to)
}

/// SID_AND_ATTRIBUTES_HASH as part of TOKEN_ACCESS_INFORMATION: count, list, and an empty hash of 32 words.
fn hashed(answer: &mut Pointing, held: &[Group]) -> u64 {
    answer.tail.align(8);
    let hash = answer.put(&vec![0; 16 + 256 + held.len() * 16]);
    let offset = answer.tail.0.len() - (16 + 256 + held.len() * 16);
    let list = hash.wrapping_add(16 + 256);
    answer.tail.0[offset..offset + 4].copy_from_slice(&(held.len() as u32).to_le_bytes());
    answer.tail.0[offset + 8..offset + 16].copy_from_slice(&list.to_le_bytes());
    for (index, held) in held.iter().enumerate() {
        let sid = answer.put(&held.sid.bytes());
        let slot = offset + 16 + 256 + index * 16;
        answer.tail.0[slot..slot + 8].copy_from_slice(&sid.to_le_bytes());
        answer.tail.0[slot + 8..slot + 12].copy_from_slice(&held.attributes.to_le_bytes());
    }
    hash
}

/// TOKEN_ACCESS_INFORMATION.
fn access_information(cx: &Cx<'_>, to: &Answer, token: &Token, state: &State) -> Nt {
    let mut answer = Pointing::new(to, 88);
    let all: Vec<Group> = std::iter::once(&state.user).chain(&state.groups).cloned().collect();
    let sids = hashed(&mut answer, &all);
    let restricted = hashed(&mut answer, &state.restricted);
    let list = answer.put(&privileges(&state.privileges));
    let capabilities = hashed(&mut answer, &state.capabilities);
    answer.head.push([sids, restricted, list, token.authentication_id]);
    answer.head.push([kind(token), level(token), state.mandatory_policy, 0, 0, 0]);
    // Package, capabilities, trust label.
    let package = state.package.as_ref().map_or(0, |sid| answer.put(&sid.bytes()));
    answer.head.push([package, capabilities, 0]);
    answer.send(cx, to)
}

/// TOKEN_TYPE.
fn kind(token: &Token) -> u32 {
    if token.impersonation.is_some() { 2 } else { 1 }
}

/// SECURITY_IMPERSONATION_LEVEL; of a primary token it means nothing.
fn level(token: &Token) -> u32 {
    token.impersonation.map_or(0, |level| level as u32)
}

/// The other half of the user's logon, which whoever is not the system can look at, and not act with.
fn linked(cx: &Cx<'_>, elevation: Elevation) -> Nt<Ref> {
    let (logon, state) = match elevation {
        Elevation::Default => return Err(STATUS_NO_SUCH_LOGON_SESSION),
        Elevation::Limited => (cx.k.se.linked_authentication_id(), State::administrator(cx.k)),
        Elevation::Full => (cx.k.se.authentication_id(), State::user(cx.k)),
    };
    let made = Token::object(cx.k, Some(Level::Identification), logon, state);
    // As an object it has the level of whom it is made for.
    let label = cx.k.descriptor(&cx.k.effective_token(cx.t))?.sacl;
    let descriptor = Descriptor { sacl: label, ..cx.k.descriptor(&made)? };
    *made.security.lock() = Some(descriptor.bytes());
    Ok(made)
}

/// NtQueryInformationToken.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` (the length is returned all the same), `STATUS_INFO_LENGTH_MISMATCH` for the classes of
/// one number, `STATUS_INVALID_INFO_CLASS`, `STATUS_ACCESS_VIOLATION`, and what the class says.
pub fn nt_query_information_token(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let right = if class == class::SOURCE { access::QUERY_SOURCE } else { access::QUERY };
    let object = cx.object(handle, right)?;
    let token = object.token()?;
    let state = token.state.read().clone();
    let to = Answer::new(buffer, length, returned);
    let short = STATUS_BUFFER_TOO_SMALL;
    let number = |value: u32| to.bytes(cx.k, &value.to_le_bytes(), short);
    match class {
        class::USER => one_group(cx, &to, &state.user),
        class::GROUPS => groups(cx, &to, state.groups.iter()),
        class::LOGON_SID => {
            let logon = group::LOGON_ID;
            let mut held = state.groups.iter().filter(|held| held.attributes & logon == logon).peekable();
            if held.peek().is_none() {
                return Err(STATUS_NOT_FOUND);
            }
            groups(cx, &to, held)
        }
        class::RESTRICTED_SIDS => groups(cx, &to, state.restricted.iter()),
        class::CAPABILITIES => groups(cx, &to, state.capabilities.iter()),
        class::DEVICE_GROUPS | class::RESTRICTED_DEVICE_GROUPS => groups(cx, &to, std::iter::empty()),
        class::PRIVILEGES => to.bytes(cx.k, &privileges(&state.privileges), short),
        class::OWNER => one_sid(cx, &to, &state.owner),
        class::PRIMARY_GROUP => one_sid(cx, &to, &state.primary_group),
        class::DEFAULT_DACL => {
            let mut answer = Pointing::new(&to, 8);
            let at = state.default_dacl.as_ref().map_or(0, |acl| answer.put(acl));
            answer.head.push(at);
            answer.send(cx, &to)
        }
        class::SOURCE => {
            // Eight letters and a number: who logged the user on.
            let mut source = Bytes::default();
            source.extend(b"User32 \0").push(token.authentication_id);
            to.bytes(cx.k, &source.0, short)
        }
        class::TYPE => number(kind(token)),
        class::IMPERSONATION_LEVEL => match token.impersonation {
            Some(level) => number(level as u32),
            None => Err(STATUS_INVALID_PARAMETER),
        },
        class::STATISTICS => {
            let mut answer = Bytes::default();
            answer.push([token.id, token.authentication_id, i64::MAX as u64]).push([kind(token), level(token)]);
            // Charged and available bytes of the default DACL and owner, groups, privileges.
            let charged = 0x1000u32;
            let used = state.default_dacl.as_ref().map_or(0, Vec::len) as u32 + state.owner.length() as u32;
            answer.push([charged, charged.saturating_sub(used)]);
            answer.push([state.groups.len() as u32, state.privileges.len() as u32]).push(state.modified_id);
            to.bytes(cx.k, &answer.0, short)
        }
        class::SESSION_ID => number(state.session),
        class::GROUPS_AND_PRIVILEGES => groups_and_privileges(cx, &to, token, &state),
        class::SANDBOX_INERT => number(u32::from(state.sandbox_inert)),
        // SeSecurityPrivilege.
        class::AUDIT_POLICY => Err(STATUS_PRIVILEGE_NOT_HELD),
        // TOKEN_ORIGIN: the logon session of whoever logged the user on, SYSTEM's.
        class::ORIGIN => to.bytes(cx.k, &0x3e7u64.to_le_bytes(), short),
        class::ELEVATION_TYPE => number(state.elevation as u32),
        class::LINKED_TOKEN => {
            if length < 8 {
                return to.bytes(cx.k, &[0; 8], short);
            }
            let linked = linked(cx, state.elevation)?;
            let made = cx.insert(linked, access::ALL, 0)?;
            to.bytes(cx.k, &made.0.to_le_bytes(), short).inspect_err(|_| {
                let _ = cx.k.close_handle(made);
            })
        }
        class::ELEVATION => number(u32::from(state.elevation == Elevation::Full)),
        class::HAS_RESTRICTIONS => number(u32::from(state.filtered)),
        class::ACCESS_INFORMATION => access_information(cx, &to, token, &state),
        class::VIRTUALIZATION_ALLOWED => number(0),
        class::VIRTUALIZATION_ENABLED => number(u32::from(state.virtualization)),
        class::INTEGRITY_LEVEL => match state.label() {
            Some(label) => one_group(cx, &to, label),
            None => Err(STATUS_NOT_FOUND),
        },
        class::MANDATORY_POLICY => number(state.mandatory_policy),
        class::IS_APP_CONTAINER => number(u32::from(state.package.is_some())),
        // The sandbox has one container at most.
        class::APP_CONTAINER_NUMBER => number(u32::from(state.package.is_some())),
        class::APP_CONTAINER_SID => match &state.package {
            Some(package) => one_sid(cx, &to, package),
            None => to.bytes(cx.k, &[0; 8], short),
        },
        class::UI_ACCESS
        | class::PRIVATE_NAME_SPACE
        | class::IS_LESS_PRIVILEGED_APP_CONTAINER
        | class::IS_SANDBOXED
        | class::IS_APP_SILO => number(0),
        class::PROCESS_TRUST_LEVEL => to.bytes(cx.k, &[0; 8], short),
        // CLAIM_SECURITY_ATTRIBUTES_INFORMATION: version 1, none.
        class::USER_CLAIM_ATTRIBUTES
        | class::DEVICE_CLAIM_ATTRIBUTES
        | class::RESTRICTED_USER_CLAIM_ATTRIBUTES
        | class::RESTRICTED_DEVICE_CLAIM_ATTRIBUTES
        | class::SECURITY_ATTRIBUTES => {
            let mut answer = Bytes::default();
            answer.push([1u16, 0]).push(0u32).push(0u64);
            to.bytes(cx.k, &answer.0, short)
        }
        class::IS_RESTRICTED => number(u32::from(!state.restricted.is_empty())),
        _ => {
            returned.write_opt(cx.k, 0)?;
            Err(STATUS_INVALID_INFO_CLASS)
        }
    }
}
