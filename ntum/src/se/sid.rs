//! Security identifiers.

use crate::kernel::Kernel;
use crate::status::{Nt, STATUS_INVALID_SID};
use crate::um::{UserPtr, UserSlice};
use std::fmt;

/// Most sub-authorities (SID_MAX_SUB_AUTHORITIES).
pub const MAX_SUB_AUTHORITIES: usize = 15;

/// A security identifier.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sid {
    authority: u8,
    sub: Vec<u32>,
}

/// Identifier authorities.
pub mod authority {
    /// SECURITY_WORLD_SID_AUTHORITY.
    pub const WORLD: u8 = 1;
    /// SECURITY_LOCAL_SID_AUTHORITY.
    pub const LOCAL: u8 = 2;
    /// SECURITY_CREATOR_SID_AUTHORITY.
    pub const CREATOR: u8 = 3;
    /// SECURITY_NT_AUTHORITY.
    pub const NT: u8 = 5;
    /// SECURITY_APP_PACKAGE_AUTHORITY.
    pub const PACKAGE: u8 = 15;
    /// SECURITY_MANDATORY_LABEL_AUTHORITY.
    pub const MANDATORY_LABEL: u8 = 16;
}

impl Sid {
    /// `S-1-authority-sub…`.
    pub fn new(authority: u8, sub: &[u32]) -> Sid {
        Sid { authority, sub: sub.to_vec() }
    }

    /// Everyone.
    pub fn world() -> Sid {
        Sid::new(authority::WORLD, &[0])
    }

    /// NT AUTHORITY\SYSTEM.
    pub fn system() -> Sid {
        Sid::new(authority::NT, &[18])
    }

    /// BUILTIN\Administrators.
    pub fn administrators() -> Sid {
        Sid::new(authority::NT, &[32, 544])
    }

    /// BUILTIN\Users.
    pub fn users() -> Sid {
        Sid::new(authority::NT, &[32, 545])
    }

    /// NT AUTHORITY\ANONYMOUS LOGON.
    pub fn anonymous() -> Sid {
        Sid::new(authority::NT, &[7])
    }

    /// CREATOR OWNER, which stands in an ACE that is inherited for who makes the object.
    pub fn creator_owner() -> Sid {
        Sid::new(authority::CREATOR, &[0])
    }

    /// CREATOR GROUP: likewise the primary group.
    pub fn creator_group() -> Sid {
        Sid::new(authority::CREATOR, &[1])
    }

    /// OWNER RIGHTS, which stands for the owner in an ACE.
    pub fn owner_rights() -> Sid {
        Sid::new(authority::CREATOR, &[4])
    }

    /// A mandatory label: 0x2000 is medium.
    pub fn label(level: u32) -> Sid {
        Sid::new(authority::MANDATORY_LABEL, &[level])
    }

    /// A label's level, if it is one.
    pub fn level(&self) -> Option<u32> {
        match (self.authority, self.sub.as_slice()) {
            (authority::MANDATORY_LABEL, [level]) => Some(*level),
            _ => None,
        }
    }

    /// Reads a SID at the start of bytes; `None` if there is none.
    pub fn parse(bytes: &[u8]) -> Option<Sid> {
        let [1, count, 0, 0, 0, 0, 0, authority, rest @ ..] = bytes else { return None };
        let count = usize::from(*count);
        let sub = rest.get(..count * 4).filter(|_| count <= MAX_SUB_AUTHORITIES)?;
        let sub = sub.chunks_exact(4).map(|raw| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]])).collect();
        Some(Sid { authority: *authority, sub })
    }

    /// Reads a SID from guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_SID`.
    pub fn read(k: &Kernel, address: u64) -> Nt<Sid> {
        let [_, count] = UserPtr::<[u8; 2]>::new(address).read(k)?;
        let bytes = UserSlice::new(address, 8 + u64::from(count) * 4).read_all(k)?;
        Sid::parse(&bytes).ok_or(STATUS_INVALID_SID)
    }

    /// Bytes that it takes.
    pub fn length(&self) -> usize {
        8 + self.sub.len() * 4
    }

    /// As it lies in memory: revision, count, six bytes of authority, sub-authorities.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.sub.len() as u8, 0, 0, 0, 0, 0, self.authority];
        self.sub.iter().for_each(|sub| bytes.extend_from_slice(&sub.to_le_bytes()));
        bytes
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub.iter().try_for_each(|sub| write!(f, "-{sub}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text() {
        let sid = Sid::new(authority::NT, &[21, 1, 2, 0xffff_ffff, 1001]);
        assert_eq!(sid.to_string(), "S-1-5-21-1-2-4294967295-1001");
        assert_eq!(sid.bytes().len(), sid.length());
        let mut bytes = sid.bytes();
        bytes.extend_from_slice(b"behind");
        assert_eq!(Sid::parse(&bytes), Some(sid.clone()));
        assert_eq!(Sid::parse(&sid.bytes()[..sid.length() - 1]), None);
        assert_eq!(Sid::parse(&[1, 16]), None);
        let mut long = vec![1, 16, 0, 0, 0, 0, 0, 5];
        long.resize(8 + 16 * 4, 0);
        assert_eq!(Sid::parse(&long), None);
        assert_eq!(Sid::label(0x2000).level(), Some(0x2000));
        assert_eq!(Sid::world().level(), None);
    }
}
