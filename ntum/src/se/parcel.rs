//! Tokens on their way to another process of the sandbox, which has a copy of its own from then on.

use super::sid::Sid;
use super::token::{Elevation, Group, Level, Privilege, State, Token};
use crate::kernel::Kernel;
use crate::ob::{Object, Ref};
use crate::status::*;

/// A SID's bytes and attributes.
pub type Held = (Vec<u8>, u32);

shim_abi::wire_structs! {
    /// A token: what of it travels.
    pub struct TokenParcel {
        /// Its level; `None` for a primary token.
        pub level: Option<u32>,
        /// Its logon session.
        pub authentication_id: u64,
        /// Whom it stands for.
        pub user: Held,
        /// Groups.
        pub groups: Vec<Held>,
        /// Restricting SIDs.
        pub restricted: Vec<Held>,
        /// Capabilities of an app container.
        pub capabilities: Vec<Held>,
        /// Privileges, with their attributes.
        pub privileges: Vec<(u64, u32)>,
        /// Owner of what is made with it.
        pub owner: Vec<u8>,
        /// Primary group of that.
        pub primary_group: Vec<u8>,
        /// Package of an app container.
        pub package: Option<Vec<u8>>,
        /// DACL of what is made with it.
        pub default_dacl: Option<Vec<u8>>,
        /// Terminal session.
        pub session: u32,
        /// TOKEN_MANDATORY_POLICY_*.
        pub mandatory_policy: u32,
        /// TOKEN_ELEVATION_TYPE.
        pub elevation: u32,
        /// Whether the restricting SIDs are for writing only.
        pub write_restricted: bool,
        /// Whether AppLocker rules do not hold.
        pub sandbox_inert: bool,
        /// Whether virtualisation is on.
        pub virtualization: bool,
        /// Whether something was taken away.
        pub filtered: bool,
        /// The object's own descriptor.
        pub security: Option<Vec<u8>>,
    }
}

fn held(group: &Group) -> Held {
    (group.sid.bytes(), group.attributes)
}

fn all_held(groups: &[Group]) -> Vec<Held> {
    groups.iter().map(held).collect()
}

fn sid(bytes: &[u8]) -> Nt<Sid> {
    Sid::parse(bytes).ok_or(STATUS_INVALID_SID)
}

fn group((bytes, attributes): &Held) -> Nt<Group> {
    Ok(Group { sid: sid(bytes)?, attributes: *attributes })
}

fn groups(all: &[Held]) -> Nt<Vec<Group>> {
    all.iter().map(group).collect()
}

/// What of a token object travels.
///
/// # Errors
/// `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn pack(object: &Object) -> Nt<Vec<u8>> {
    let token = object.token()?;
    let state = token.state.read();
    Ok(shim_abi::wire::encode(&TokenParcel {
        level: token.impersonation.map(|level| level as u32),
        authentication_id: token.authentication_id,
        user: held(&state.user),
        groups: all_held(&state.groups),
        restricted: all_held(&state.restricted),
        capabilities: all_held(&state.capabilities),
        privileges: state.privileges.iter().map(|held| (held.luid, held.attributes)).collect(),
        owner: state.owner.bytes(),
        primary_group: state.primary_group.bytes(),
        package: state.package.as_ref().map(Sid::bytes),
        default_dacl: state.default_dacl.clone(),
        session: state.session,
        mandatory_policy: state.mandatory_policy,
        elevation: state.elevation as u32,
        write_restricted: state.write_restricted,
        sandbox_inert: state.sandbox_inert,
        virtualization: state.virtualization,
        filtered: state.filtered,
        security: object.security.lock().clone(),
    }))
}

/// A token object of what came.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_SID`, `STATUS_BAD_IMPERSONATION_LEVEL`.
pub fn unpack(k: &Kernel, raw: &[u8]) -> Nt<Ref> {
    let parcel: TokenParcel = shim_abi::wire::decode(raw).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let privileges = parcel.privileges.into_iter().map(|(luid, attributes)| Privilege { luid, attributes });
    let elevations = [Elevation::Default, Elevation::Full, Elevation::Limited];
    let elevation = elevations.into_iter().find(|known| *known as u32 == parcel.elevation);
    let state = State {
        user: group(&parcel.user)?,
        groups: groups(&parcel.groups)?,
        restricted: groups(&parcel.restricted)?,
        write_restricted: parcel.write_restricted,
        privileges: privileges.collect(),
        owner: sid(&parcel.owner)?,
        primary_group: sid(&parcel.primary_group)?,
        default_dacl: parcel.default_dacl,
        modified_id: k.new_luid(),
        session: parcel.session,
        sandbox_inert: parcel.sandbox_inert,
        mandatory_policy: parcel.mandatory_policy,
        virtualization: parcel.virtualization,
        elevation: elevation.ok_or(STATUS_INVALID_PARAMETER)?,
        filtered: parcel.filtered,
        package: parcel.package.as_deref().map(sid).transpose()?,
        capabilities: groups(&parcel.capabilities)?,
    };
    let level = parcel.level.map(Level::of).transpose()?;
    let object = Token::object(k, level, parcel.authentication_id, state);
    *object.security.lock() = parcel.security;
    Ok(object)
}

impl Kernel {
    /// What a new process has for its primary token: that of `given`, or the maker's own; `None` if that is as every process's
    /// is at first.
    ///
    /// # Errors
    /// As [`pack`].
    pub fn token_for_child(&self, given: Option<&Object>) -> Nt<Option<Vec<u8>>> {
        let own = self.se.process.read().clone();
        let Some(token) = given.or(own.as_deref()) else { return Ok(None) };
        // A thread's token does as well: a primary one is made of it.
        let primary = token.token()?;
        let primary = Token::object(self, None, primary.authentication_id, primary.state.read().clone());
        pack(&primary).map(Some)
    }

    /// Takes the primary token that the process's maker left for it.
    ///
    /// # Errors
    /// As [`unpack`].
    pub fn take_token(&self, raw: &[u8]) -> Nt<()> {
        *self.se.process.write() = Some(unpack(self, raw)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn a_token_arrives_as_it_left() {
        let (_, k) = Fake::kernel();
        let restricted = vec![Group { sid: Sid::users(), attributes: 7 }];
        let package = Some(Sid::new(15, &[2, 1]));
        let state = State { restricted, package, default_dacl: None, ..State::administrator(k) };
        let object = Token::object(k, Some(Level::Identification), 77, state.clone());
        *object.security.lock() = Some(vec![1, 2, 3]);
        let raw = pack(&object).unwrap();
        let made = unpack(k, &raw).unwrap();
        let token = made.token().unwrap();
        let arrived = token.state.read().clone();
        assert_eq!(arrived, State { modified_id: arrived.modified_id, ..state });
        assert_eq!((token.impersonation, token.authentication_id), (Some(Level::Identification), 77));
        assert_eq!(made.security.lock().as_deref(), Some(&[1, 2, 3][..]));
        for length in 0..raw.len() {
            assert!(unpack(k, &raw[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_child_has_its_makers_token() {
        let (_, k) = Fake::kernel();
        assert_eq!(k.token_for_child(None), Ok(None), "nothing to tell");
        let own = k.process_token();
        own.token().unwrap().state.write().privileges.clear();
        let raw = k.token_for_child(None).unwrap().unwrap();
        let (_, child) = Fake::kernel();
        child.take_token(&raw).unwrap();
        let token = child.process_token();
        assert!(token.token().unwrap().state.read().privileges.is_empty());
        // A given one counts more; from a thread's a primary one is made.
        let given = Token::object(k, Some(Level::Impersonation), 1, State::administrator(k));
        child.take_token(&k.token_for_child(Some(&given)).unwrap().unwrap()).unwrap();
        let token = child.process_token();
        assert_eq!(token.token().unwrap().impersonation, None);
        assert_eq!(token.token().unwrap().state.read().elevation, Elevation::Full);
    }
}
