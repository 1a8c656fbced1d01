//! Access control lists: an ACL header and ACEs, as they lie in memory.

use super::sid::Sid;

/// ACE types.
#[allow(missing_docs)]
pub mod ace_type {
    pub const ALLOWED: u8 = 0;
    pub const DENIED: u8 = 1;
    pub const AUDIT: u8 = 2;
    pub const ALARM: u8 = 3;
    pub const ALLOWED_OBJECT: u8 = 5;
    pub const DENIED_OBJECT: u8 = 6;
    pub const AUDIT_OBJECT: u8 = 7;
    pub const ALARM_OBJECT: u8 = 8;
    pub const ALLOWED_CALLBACK: u8 = 9;
    pub const DENIED_CALLBACK: u8 = 10;
    pub const ALLOWED_CALLBACK_OBJECT: u8 = 11;
    pub const DENIED_CALLBACK_OBJECT: u8 = 12;
    pub const MANDATORY_LABEL: u8 = 0x11;
    pub const RESOURCE_ATTRIBUTE: u8 = 0x12;
    pub const SCOPED_POLICY: u8 = 0x13;
    pub const PROCESS_TRUST: u8 = 0x14;
}

/// INHERIT_ONLY_ACE: the ACE says nothing about its own object.
pub const INHERIT_ONLY: u8 = 0x8;
/// OBJECT_INHERIT_ACE: files below have it too.
pub const OBJECT_INHERIT: u8 = 0x1;
/// INHERITED_ACE: it comes from the folder or key above.
pub const INHERITED: u8 = 0x10;
/// CONTAINER_INHERIT_ACE: folders and keys below have it too.
pub const CONTAINER_INHERIT: u8 = 0x2;
/// Bytes of an ACL's header.
pub const HEADER: usize = 8;

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ace<'a> {
    /// [`ace_type`].
    pub kind: u8,
    /// Inheritance and audit flags.
    pub flags: u8,
    /// Rights it is about.
    pub mask: u32,
    /// Who; `None` in types that have no SID or an object's type in front of it.
    pub sid: Option<Sid>,
    /// All its bytes.
    pub bytes: &'a [u8],
}

/// The bytes of the ACL at the start of `bytes`, if it is a valid one: header, size, and every ACE within it.
pub fn valid(bytes: &[u8]) -> Option<&[u8]> {
    let [revision @ 1..=4, _, size_low, size_high, ..] = bytes else { return None };
    let _ = revision;
    let size = usize::from(u16::from_le_bytes([*size_low, *size_high]));
    let acl = bytes.get(..size).filter(|acl| acl.len() >= HEADER && size % 4 == 0)?;
    let count = usize::from(u16::from_le_bytes([acl[4], acl[5]]));
    (aces(acl).count() == count).then_some(acl)
}

/// The entries of an ACL, up to the first that is malformed.
pub fn aces(acl: &[u8]) -> impl Iterator<Item = Ace<'_>> {
    let count = acl.get(4..6).map_or(0, |raw| u16::from_le_bytes([raw[0], raw[1]]));
    let mut rest = acl.get(HEADER..).unwrap_or_default();
    (0..count).map_while(move |_| {
        let [kind, flags, low, high, ..] = *rest else { return None };
        let (bytes, after) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        rest = after;
        parse(kind, flags, bytes)
    })
}

fn parse(kind: u8, flags: u8, bytes: &[u8]) -> Option<Ace<'_>> {
    use ace_type::*;
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let mask = bytes.get(4..8).map(|raw| u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]));
    let (mask, sid) = match kind {
        ALLOWED..=ALARM | ALLOWED_CALLBACK | DENIED_CALLBACK | MANDATORY_LABEL..=PROCESS_TRUST => {
            (mask?, Some(Sid::parse(bytes.get(8..)?)?))
        }
        ALLOWED_OBJECT..=ALARM_OBJECT | ALLOWED_CALLBACK_OBJECT | DENIED_CALLBACK_OBJECT => (mask?, None),
        _ => return None,
    };
    Some(Ace { kind, flags, mask, sid, bytes })
}

/// The bytes of one ACE.
pub fn ace(kind: u8, flags: u8, mask: u32, sid: &Sid) -> Vec<u8> {
    let size = (8 + sid.length()) as u16;
    let mut bytes = vec![kind, flags];
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(&mask.to_le_bytes());
    bytes.extend_from_slice(&sid.bytes());
    bytes
}

/// An ACL of these ACEs; `None` if they are more than fit in one (64 KiB).
pub fn build<'a>(revision: u8, aces: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut acl = vec![revision, 0, 0, 0, 0, 0, 0, 0];
    let mut count = 0u16;
    for ace in aces {
        acl.extend_from_slice(ace);
        count = count.checked_add(1)?;
    }
    let size = u16::try_from(acl.len()).ok()?;
    acl[2..4].copy_from_slice(&size.to_le_bytes());
    acl[4..6].copy_from_slice(&count.to_le_bytes());
    Some(acl)
}

/// An ACL that allows each of these the rights beside it.
pub fn allowing(entries: &[(Sid, u32)]) -> Vec<u8> {
    let aces: Vec<Vec<u8>> = entries.iter().map(|(sid, mask)| ace(ace_type::ALLOWED, 0, *mask, sid)).collect();
    // A handful of ACEs always fits.
    build(2, aces.iter().map(Vec::as_slice)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_lists_are_valid_and_read_back() {
        let acl = allowing(&[(Sid::world(), 0x1200a9), (Sid::system(), 0x1f01ff)]);
        assert_eq!(valid(&acl), Some(acl.as_slice()));
        let read: Vec<_> = aces(&acl).map(|ace| (ace.kind, ace.mask, ace.sid)).collect();
        assert_eq!(read, [(0, 0x1200a9, Some(Sid::world())), (0, 0x1f01ff, Some(Sid::system()))]);
        // Bytes behind it are not its own.
        let longer = [acl.as_slice(), &[0xff; 4]].concat();
        assert_eq!(valid(&longer), Some(acl.as_slice()));
    }

    #[test]
    fn malformed_lists_are_refused() {
        let acl = allowing(&[(Sid::world(), 1)]);
        for (at, value) in [(0, 0), (0, 5), (2, 4), (2, 0xff), (4, 2), (8, 4), (10, 3), (10, 0xff), (17, 16)] {
            let mut bad = acl.clone();
            bad[at] = value;
            assert_eq!(valid(&bad), None, "byte {at} = {value}");
        }
        assert_eq!(valid(&acl[..acl.len() - 1]), None);
        assert_eq!(valid(&[]), None);
    }
}
