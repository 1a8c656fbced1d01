//! Security descriptors: read from a guest, kept in self-relative form, selected from and merged.

use super::acl;
use super::sid::Sid;
use super::token::State;
use crate::kernel::Kernel;
use crate::ob::types::{GENERIC_READ, Type};
use crate::ob::{Body, Object};
use crate::status::*;
use crate::um::{UserPtr, UserSlice};

/// SECURITY_INFORMATION: which parts a call is about.
#[allow(missing_docs)]
pub mod information {
    pub const OWNER: u32 = 0x1;
    pub const GROUP: u32 = 0x2;
    pub const DACL: u32 = 0x4;
    pub const SACL: u32 = 0x8;
    pub const LABEL: u32 = 0x10;
    pub const ATTRIBUTE: u32 = 0x20;
    pub const SCOPE: u32 = 0x40;
    pub const BACKUP: u32 = 0x1_0000;
    pub const UNPROTECTED_SACL: u32 = 0x1000_0000;
    pub const UNPROTECTED_DACL: u32 = 0x2000_0000;
    pub const PROTECTED_SACL: u32 = 0x4000_0000;
    pub const PROTECTED_DACL: u32 = 0x8000_0000;
}

/// SECURITY_DESCRIPTOR_CONTROL.
#[allow(missing_docs)]
pub mod control {
    pub const OWNER_DEFAULTED: u16 = 0x1;
    pub const GROUP_DEFAULTED: u16 = 0x2;
    pub const DACL_PRESENT: u16 = 0x4;
    pub const DACL_DEFAULTED: u16 = 0x8;
    pub const SACL_PRESENT: u16 = 0x10;
    pub const SACL_DEFAULTED: u16 = 0x20;
    pub const DACL_AUTO_INHERITED: u16 = 0x400;
    pub const SACL_AUTO_INHERITED: u16 = 0x800;
    pub const DACL_PROTECTED: u16 = 0x1000;
    pub const SACL_PROTECTED: u16 = 0x2000;
    pub const SELF_RELATIVE: u16 = 0x8000;
}

/// READ_CONTROL.
pub const READ_CONTROL: u32 = 0x2_0000;
/// WRITE_DAC.
pub const WRITE_DAC: u32 = 0x4_0000;
/// WRITE_OWNER.
pub const WRITE_OWNER: u32 = 0x8_0000;
pub use crate::ob::types::ACCESS_SYSTEM_SECURITY;

/// SYSTEM_MANDATORY_LABEL_NO_WRITE_UP.
pub(super) const NO_WRITE_UP: u32 = 1;
/// SYSTEM_MANDATORY_LABEL_NO_READ_UP.
pub(super) const NO_READ_UP: u32 = 2;
/// SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP.
pub(super) const NO_EXECUTE_UP: u32 = 4;

/// Bytes of a self-relative descriptor's header.
const HEADER: usize = 20;

/// Rights that a handle must give for parts to be read.
pub fn read_access(parts: u32) -> u32 {
    use information::*;
    let mut access = 0;
    if parts & (OWNER | GROUP | DACL | LABEL | ATTRIBUTE | SCOPE) != 0 {
        access |= READ_CONTROL;
    }
    if parts & (SACL | BACKUP) != 0 {
        access |= ACCESS_SYSTEM_SECURITY;
    }
    access
}

/// Rights that a handle must give for parts to be set.
pub fn write_access(parts: u32) -> u32 {
    use information::*;
    let mut access = 0;
    if parts & (OWNER | GROUP | LABEL) != 0 {
        access |= WRITE_OWNER;
    }
    if parts & (DACL | ATTRIBUTE | SCOPE) != 0 {
        access |= WRITE_DAC;
    }
    if parts & (SACL | SCOPE | BACKUP) != 0 {
        access |= ACCESS_SYSTEM_SECURITY;
    }
    access
}

/// A list of a descriptor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum List {
    /// There is none.
    #[default]
    Absent,
    /// There is one, the null one: a null DACL allows everything.
    Null,
    /// A valid ACL's bytes.
    Acl(Vec<u8>),
}

impl List {
    fn of(present: bool, bytes: Option<Vec<u8>>) -> List {
        match bytes {
            _ if !present => List::Absent,
            None => List::Null,
            Some(acl) => List::Acl(acl),
        }
    }

    /// Its ACL, if it has one.
    pub fn acl(&self) -> Option<&[u8]> {
        match self {
            List::Acl(acl) => Some(acl),
            List::Absent | List::Null => None,
        }
    }
}

/// A security descriptor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// [`control`], but for the bits that the parts say themselves.
    pub control: u16,
    /// The owner.
    pub owner: Option<Sid>,
    /// The primary group.
    pub group: Option<Sid>,
    /// What is audited, the mandatory label, and the like.
    pub sacl: List,
    /// Who may do what.
    pub dacl: List,
}

/// Bits that the parts say themselves.
const OWN_BITS: u16 = control::SELF_RELATIVE | control::DACL_PRESENT | control::SACL_PRESENT;

impl Descriptor {
    /// Reads a descriptor of either form from guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_UNKNOWN_REVISION`, `STATUS_INVALID_SID`, `STATUS_INVALID_ACL`.
    pub fn read(k: &Kernel, address: u64) -> Nt<Descriptor> {
        let [revision, _, low, high] = UserPtr::<[u8; 4]>::new(address).read(k)?;
        if revision != 1 {
            return Err(STATUS_UNKNOWN_REVISION);
        }
        let bits = u16::from_le_bytes([low, high]);
        // Offsets follow at once, addresses after padding.
        let parts: [u64; 4] = if bits & control::SELF_RELATIVE != 0 {
            let offsets: [u32; 4] = UserPtr::new(address.wrapping_add(4)).read(k)?;
            offsets.map(|offset| if offset == 0 { 0 } else { address.wrapping_add(u64::from(offset)) })
        } else {
            UserPtr::new(address.wrapping_add(8)).read(k)?
        };
        let sid = |at: u64| if at == 0 { Ok(None) } else { Sid::read(k, at).map(Some) };
        let list = |at: u64, present: u16| -> Nt<List> {
            let present = bits & present != 0;
            let acl = if at == 0 || !present { None } else { Some(read_acl(k, at)?) };
            Ok(List::of(present, acl))
        };
        Ok(Descriptor {
            control: bits & !OWN_BITS,
            owner: sid(parts[0])?,
            group: sid(parts[1])?,
            sacl: list(parts[2], control::SACL_PRESENT)?,
            dacl: list(parts[3], control::DACL_PRESENT)?,
        })
    }

    /// Reads a self-relative descriptor out of bytes.
    ///
    /// # Errors
    /// `STATUS_INVALID_SECURITY_DESCR`.
    pub fn parse(bytes: &[u8]) -> Nt<Descriptor> {
        let invalid = STATUS_INVALID_SECURITY_DESCR;
        let header = bytes.get(..HEADER).filter(|header| header[0] == 1).ok_or(invalid)?;
        let bits = u16::from_le_bytes([header[2], header[3]]);
        let part = |index: usize| {
            let at = 4 + index * 4;
            let offset = u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
            if offset == 0 { Ok(None) } else { bytes.get(offset..).map(Some).ok_or(invalid) }
        };
        let sid = |index| part(index)?.map(|raw| Sid::parse(raw).ok_or(invalid)).transpose();
        let list = |index, present: u16| -> Nt<List> {
            let present = bits & present != 0;
            let acl = part(index)?.filter(|_| present).map(|raw| acl::valid(raw).ok_or(invalid)).transpose()?;
            Ok(List::of(present, acl.map(<[u8]>::to_vec)))
        };
        if bits & control::SELF_RELATIVE == 0 {
            return Err(invalid);
        }
        Ok(Descriptor {
            control: bits & !OWN_BITS,
            owner: sid(0)?,
            group: sid(1)?,
            sacl: list(2, control::SACL_PRESENT)?,
            dacl: list(3, control::DACL_PRESENT)?,
        })
    }

    /// In self-relative form: header, owner, group, SACL, DACL.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bits = self.control | control::SELF_RELATIVE;
        if self.sacl != List::Absent {
            bits |= control::SACL_PRESENT;
        }
        if self.dacl != List::Absent {
            bits |= control::DACL_PRESENT;
        }
        let mut bytes = vec![0; HEADER];
        bytes[0] = 1;
        bytes[2..4].copy_from_slice(&bits.to_le_bytes());
        let sid = |sid: &Option<Sid>| sid.as_ref().map(Sid::bytes);
        let list = |list: &List| list.acl().map(<[u8]>::to_vec);
        let parts = [sid(&self.owner), sid(&self.group), list(&self.sacl), list(&self.dacl)];
        for (index, part) in parts.into_iter().enumerate() {
            let Some(part) = part else { continue };
            let offset = bytes.len() as u32;
            bytes[4 + index * 4..8 + index * 4].copy_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&part);
        }
        bytes
    }

    /// The parts that [`information`] names, as NtQuerySecurityObject answers them.
    pub fn select(&self, parts: u32) -> Descriptor {
        use information::*;
        let mut chosen = Descriptor::default();
        if parts & OWNER != 0 {
            chosen.owner.clone_from(&self.owner);
            chosen.control |= self.control & control::OWNER_DEFAULTED;
        }
        if parts & GROUP != 0 {
            chosen.group.clone_from(&self.group);
            chosen.control |= self.control & control::GROUP_DEFAULTED;
        }
        if parts & DACL != 0 {
            chosen.dacl = self.dacl.clone();
            let bits = control::DACL_DEFAULTED | control::DACL_AUTO_INHERITED | control::DACL_PROTECTED;
            chosen.control |= self.control & bits;
        }
        if parts & (SACL | LABEL) != 0 {
            chosen.sacl = match parts & SACL {
                0 => labels(&self.sacl),
                _ => self.sacl.clone(),
            };
            let bits = control::SACL_DEFAULTED | control::SACL_AUTO_INHERITED | control::SACL_PROTECTED;
            chosen.control |= self.control & bits;
        }
        chosen
    }

    /// Takes the parts that [`information`] names over from `new`, as NtSetSecurityObject does.
    ///
    /// # Errors
    /// `STATUS_INVALID_SECURITY_DESCR` if `new` lacks an owner or group that is to be set, `STATUS_INVALID_ACL` if a list
    /// becomes too long.
    pub fn merge(&mut self, parts: u32, new: &Descriptor) -> Nt<()> {
        use information::*;
        if parts & OWNER != 0 {
            self.owner = Some(new.owner.clone().ok_or(STATUS_INVALID_SECURITY_DESCR)?);
            self.control &= !control::OWNER_DEFAULTED;
        }
        if parts & GROUP != 0 {
            self.group = Some(new.group.clone().ok_or(STATUS_INVALID_SECURITY_DESCR)?);
            self.control &= !control::GROUP_DEFAULTED;
        }
        if parts & DACL != 0 {
            // A DACL that is set but not there is the null one.
            self.dacl = if new.dacl == List::Absent { List::Null } else { new.dacl.clone() };
            let bits = control::DACL_DEFAULTED | control::DACL_AUTO_INHERITED | control::DACL_PROTECTED;
            self.control = self.control & !bits | new.control & bits;
        }
        if parts & SACL != 0 {
            self.sacl = if new.sacl == List::Absent { List::Null } else { new.sacl.clone() };
            let bits = control::SACL_DEFAULTED | control::SACL_AUTO_INHERITED | control::SACL_PROTECTED;
            self.control = self.control & !bits | new.control & bits;
        } else if parts & LABEL != 0 {
            self.sacl = relabelled(&self.sacl, &new.sacl)?;
        }
        for (part, set, bit) in [
            (PROTECTED_DACL, true, control::DACL_PROTECTED),
            (UNPROTECTED_DACL, false, control::DACL_PROTECTED),
            (PROTECTED_SACL, true, control::SACL_PROTECTED),
            (UNPROTECTED_SACL, false, control::SACL_PROTECTED),
        ] {
            if parts & part != 0 {
                self.control = if set { self.control | bit } else { self.control & !bit };
            }
        }
        Ok(())
    }

    /// The descriptor of a new object that was given none, or only parts: owner and group from the token, the token's
    /// default DACL with its generic rights mapped.
    pub fn complete(mut self, token: &State, kind: Type) -> Descriptor {
        self.owner.get_or_insert_with(|| token.owner.clone());
        self.group.get_or_insert_with(|| token.primary_group.clone());
        if self.dacl == List::Absent
            && let Some(acl) = &token.default_dacl
        {
            self.dacl = List::Acl(mapped(acl, kind));
        }
        self
    }

    /// What keys of the machine have: they are the administrators', and here the user may change them too.
    fn of_machine_key(token: &State) -> Descriptor {
        let (all, inherited) = (Type::Key.mapping().all, acl::INHERIT_ONLY | acl::CONTAINER_INHERIT);
        let allow = |flags, mask, sid: &Sid| acl::ace(acl::ace_type::ALLOWED, flags, mask, sid);
        let entries = [
            allow(inherited, GENERIC_READ, &Sid::users()),
            allow(0, all, &Sid::administrators()),
            allow(0, all, &Sid::system()),
            allow(0, all, &token.user.sid),
        ];
        let dacl = acl::build(2, entries.iter().map(Vec::as_slice)).map_or(List::Absent, List::Acl);
        let owner = Some(Sid::administrators());
        Descriptor { group: owner.clone(), owner, dacl, ..Descriptor::default() }
    }

    /// With generic rights as they are for a type of object.
    pub fn mapped(mut self, kind: Type) -> Descriptor {
        if let List::Acl(acl) = &self.dacl {
            self.dacl = List::Acl(mapped(acl, kind));
        }
        self
    }

    /// What a new thing below one with this descriptor has: the entries that containers inherit (keys, folders) or what is
    /// none (files), for the owner and group that the maker's token gives; `None` if there are no such entries (MS-DTYP
    /// 2.5.3.4.5).
    pub fn inherited(&self, token: &State, kind: Type, container: bool) -> Option<Descriptor> {
        const OBJECTS: u8 = 0x1;
        const CONTAINERS: u8 = 0x2;
        const NO_PROPAGATION: u8 = 0x4;
        const INHERITED: u8 = 0x10;
        let own = Descriptor::default().complete(token, kind);
        let acl = self.dacl.acl()?;
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for entry in acl::aces(acl).filter(|ace| ace.flags & (OBJECTS | CONTAINERS) != 0) {
            let further = container && entry.flags & NO_PROPAGATION == 0;
            let mut bytes = entry.bytes.to_vec();
            let down = if further { entry.flags & (OBJECTS | CONTAINERS) } else { 0 };
            if entry.flags & if container { CONTAINERS } else { OBJECTS } == 0 {
                // For others: only passed on.
                if further {
                    bytes[1] = down | acl::INHERIT_ONLY | INHERITED;
                    entries.push(bytes);
                }
                continue;
            }
            let creator = match &entry.sid {
                Some(sid) if *sid == Sid::creator_owner() => own.owner.as_ref(),
                Some(sid) if *sid == Sid::creator_group() => own.group.as_ref(),
                _ => None,
            };
            let mask = kind.map_access(entry.mask);
            if let Some(creator) = creator {
                entries.push(acl::ace(entry.kind, INHERITED, mask, creator));
                if further {
                    bytes[1] = down | acl::INHERIT_ONLY | INHERITED;
                    entries.push(bytes);
                }
            } else {
                bytes[1] = down | INHERITED;
                bytes[4..8].copy_from_slice(&mask.to_le_bytes());
                entries.push(bytes);
            }
        }
        if entries.is_empty() {
            return None;
        }
        let dacl = acl::build(acl[0], entries.iter().map(Vec::as_slice)).map(List::Acl)?;
        Some(Descriptor { dacl, control: own.control | control::DACL_AUTO_INHERITED, ..own })
    }

    /// Its mandatory level and policy (SYSTEM_MANDATORY_LABEL_*); without a label that is medium, no write up.
    pub fn label(&self) -> (u32, u32) {
        let label = acl::aces(self.sacl.acl().unwrap_or_default())
            .find(|ace| ace.kind == acl::ace_type::MANDATORY_LABEL && ace.flags & acl::INHERIT_ONLY == 0);
        match label {
            Some(ace) => (ace.sid.and_then(|sid| sid.level()).unwrap_or(0), ace.mask),
            None => (super::token::level::MEDIUM, 1),
        }
    }
}

/// An ACL of guest memory.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_ACL`.
pub fn read_acl(k: &Kernel, address: u64) -> Nt<Vec<u8>> {
    let [_, _, low, high] = UserPtr::<[u8; 4]>::new(address).read(k)?;
    // Programs add up sizes of structures that they know; entries are aligned, so what is more than a multiple holds none.
    let size = u16::from_le_bytes([low, high]) & !3;
    let mut bytes = UserSlice::new(address, u64::from(size)).read_all(k)?;
    if let Some(own) = bytes.get_mut(2..4) {
        own.copy_from_slice(&size.to_le_bytes());
    }
    if acl::valid(&bytes).is_some() { Ok(bytes) } else { Err(STATUS_INVALID_ACL) }
}

fn is_label(bytes: &[u8]) -> bool {
    bytes.first() == Some(&acl::ace_type::MANDATORY_LABEL)
}

/// A list's labels alone; an empty list if it has none.
fn labels(list: &List) -> List {
    let Some(acl) = list.acl() else { return List::Absent };
    let labels: Vec<&[u8]> = acl::aces(acl).map(|ace| ace.bytes).filter(|ace| is_label(ace)).collect();
    acl::build(acl[0], labels).map_or(List::Absent, List::Acl)
}

/// A list with the labels of another in place of its own.
fn relabelled(old: &List, new: &List) -> Nt<List> {
    let entries = |list: &List, labels: bool| -> Vec<Vec<u8>> {
        let aces = acl::aces(list.acl().unwrap_or_default());
        aces.map(|ace| ace.bytes).filter(|ace| is_label(ace) == labels).map(<[u8]>::to_vec).collect()
    };
    let all = [entries(old, false), entries(new, true)].concat();
    let revision = [old, new].iter().filter_map(|list| list.acl().map(|acl| acl[0])).max().unwrap_or(2);
    acl::build(revision, all.iter().map(Vec::as_slice)).map(List::Acl).ok_or(STATUS_INVALID_ACL)
}

/// An ACL with generic rights as they are for a type of object.
fn mapped(acl: &[u8], kind: Type) -> Vec<u8> {
    let aces: Vec<Vec<u8>> = acl::aces(acl)
        .map(|ace| {
            let mut bytes = ace.bytes.to_vec();
            bytes[4..8].copy_from_slice(&kind.map_access(ace.mask).to_le_bytes());
            bytes
        })
        .collect();
    acl::build(acl[0], aces.iter().map(Vec::as_slice)).unwrap_or_else(|| acl.to_vec())
}

impl Kernel {
    /// An object's security descriptor: what was set, or what the process's token gives by default.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED`.
    pub fn descriptor(&'static self, object: &Object) -> Nt<Descriptor> {
        Ok(match self.security(object)?.as_deref().map(Descriptor::parse) {
            Some(Ok(descriptor)) => descriptor,
            _ => self.default_descriptor(object),
        })
    }

    /// What the process's token gives by default. Tokens, processes and threads have a mandatory label besides.
    fn default_descriptor(&self, object: &Object) -> Descriptor {
        let own = self.process_token();
        let Ok(own) = own.token() else { return Descriptor::default() };
        if let Body::Key(key) = &object.body
            && self.is_machine_key(key.id)
        {
            return Descriptor::of_machine_key(&own.state.read());
        }
        let mut descriptor = Descriptor::default().complete(&own.state.read(), object.kind());
        if let (Some(flags), List::Acl(list)) =
            (crate::io::disk::security::default_inheritance(object), &descriptor.dacl)
        {
            let flagged: Vec<Vec<u8>> = acl::aces(list)
                .map(|entry| {
                    let mut bytes = entry.bytes.to_vec();
                    bytes[1] |= flags;
                    bytes
                })
                .collect();
            descriptor.dacl = acl::build(list[0], flagged.iter().map(Vec::as_slice)).map_or(List::Absent, List::Acl);
        }
        let label = match &object.body {
            Body::Token(token) => Some((token.state.read().level(), NO_WRITE_UP)),
            Body::Process(_) | Body::Thread(_) => Some((own.state.read().level(), NO_WRITE_UP | NO_READ_UP)),
            _ => None,
        };
        if let Some((level, policy)) = label {
            let ace = acl::ace(acl::ace_type::MANDATORY_LABEL, 0, policy, &Sid::label(level));
            descriptor.sacl = acl::build(2, [ace.as_slice()]).map_or(List::Absent, List::Acl);
            descriptor.control |= control::SACL_AUTO_INHERITED;
        }
        descriptor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    fn sample() -> Descriptor {
        let label = acl::ace(acl::ace_type::MANDATORY_LABEL, 0, 1, &Sid::label(0x1000));
        let audit = acl::ace(acl::ace_type::AUDIT, 0x40, 0x1f01ff, &Sid::world());
        Descriptor {
            control: control::DACL_PROTECTED,
            owner: Some(super::super::user_sid()),
            group: Some(Sid::system()),
            sacl: List::Acl(acl::build(2, [audit.as_slice(), label.as_slice()]).unwrap()),
            dacl: List::Acl(acl::allowing(&[(Sid::world(), 0x1200a9)])),
        }
    }

    #[test]
    fn self_relative_form_and_back() {
        for descriptor in [
            sample(),
            Descriptor::default(),
            Descriptor { dacl: List::Null, ..Descriptor::default() },
            Descriptor { owner: None, sacl: List::Null, ..sample() },
        ] {
            assert_eq!(Descriptor::parse(&descriptor.bytes()), Ok(descriptor));
        }
    }

    #[test]
    fn every_cut_of_a_descriptor_is_refused() {
        let bytes = sample().bytes();
        for length in 0..bytes.len() {
            assert_eq!(Descriptor::parse(&bytes[..length]), Err(STATUS_INVALID_SECURITY_DESCR), "{length}");
        }
        // Offsets that point outside.
        for at in [4, 8, 12, 16] {
            let mut bad = bytes.clone();
            bad[at + 3] = 0xff;
            assert_eq!(Descriptor::parse(&bad), Err(STATUS_INVALID_SECURITY_DESCR));
        }
    }

    #[test]
    fn both_forms_are_read_from_a_guest() {
        let (fake, k) = Fake::kernel();
        let descriptor = sample();
        let relative = fake.alloc_bytes(&descriptor.bytes());
        assert_eq!(Descriptor::read(k, relative), Ok(descriptor.clone()));
        // Absolute: the parts lie where the self-relative one has them.
        let bytes = descriptor.bytes();
        let absolute = fake.alloc_bytes(&[0; 40]);
        let bits = u16::from_le_bytes([bytes[2], bytes[3]]) & !control::SELF_RELATIVE;
        k.write_user(absolute, &[1, 0, bits as u8, (bits >> 8) as u8]).unwrap();
        for index in 0..4usize {
            let offset = u32::from_le_bytes(bytes[4 + index * 4..8 + index * 4].try_into().unwrap());
            let at = absolute + 8 + 8 * index as u64;
            UserPtr::<u64>::new(at).write(k, relative + u64::from(offset)).unwrap();
        }
        assert_eq!(Descriptor::read(k, absolute), Ok(descriptor));
        assert_eq!(Descriptor::read(k, 0), Err(STATUS_ACCESS_VIOLATION));
    }

    /// InitializeAcl keeps the size that it is given; Jupyter's is a sum of sizes of structures.
    #[test]
    fn a_list_of_an_odd_size_is_cut() {
        let (fake, k) = Fake::kernel();
        let list = acl::allowing(&[(Sid::world(), 0x1200a9)]);
        let mut longer = [&list[..], &[0; 7]].concat();
        longer[2] = longer.len() as u8;
        let read = read_acl(k, fake.alloc_bytes(&longer)).unwrap();
        assert_eq!(read.len(), list.len() + 4);
        assert_eq!(acl::valid(&read), Some(&read[..]));
        assert_eq!(acl::aces(&read).count(), 1);
    }

    #[test]
    fn parts_are_selected() {
        let all = sample();
        let owner = all.select(information::OWNER);
        assert_eq!(owner, Descriptor { owner: all.owner.clone(), ..Descriptor::default() });
        let label = all.select(information::LABEL);
        assert_eq!(label.label(), (0x1000, 1));
        assert_eq!(acl::aces(label.sacl.acl().unwrap()).count(), 1);
        let dacl = all.select(information::DACL);
        assert_eq!((dacl.dacl.clone(), dacl.control), (all.dacl.clone(), control::DACL_PROTECTED));
    }

    #[test]
    fn parts_are_merged() {
        let mut held = sample();
        let label = acl::ace(acl::ace_type::MANDATORY_LABEL, 0, 1, &Sid::label(0x3000));
        let new = Descriptor { sacl: List::Acl(acl::build(2, [label.as_slice()]).unwrap()), ..Descriptor::default() };
        held.merge(information::LABEL, &new).unwrap();
        assert_eq!(held.label(), (0x3000, 1));
        assert_eq!(acl::aces(held.sacl.acl().unwrap()).count(), 2, "the audit entry stays");
        held.merge(information::DACL, &Descriptor::default()).unwrap();
        assert_eq!((held.dacl.clone(), held.control), (List::Null, 0));
        assert_eq!(held.merge(information::OWNER, &Descriptor::default()), Err(STATUS_INVALID_SECURITY_DESCR));
        held.merge(information::PROTECTED_DACL, &Descriptor::default()).unwrap();
        assert_eq!(held.control, control::DACL_PROTECTED);
    }

    #[test]
    fn new_objects_get_the_tokens_defaults() {
        let (_, k) = Fake::kernel();
        let token = k.process_token();
        let state = token.token().unwrap().state.read().clone();
        let made = Descriptor::default().complete(&state, Type::Event);
        assert_eq!(made.owner, Some(super::super::user_sid()));
        let first = acl::aces(made.dacl.acl().unwrap()).next().unwrap();
        assert_eq!((first.sid, first.mask), (Some(super::super::user_sid()), 0x1f0003));
        let label = |object: &Object| k.descriptor(object).unwrap().select(information::LABEL).label();
        assert_eq!(label(&token), (super::super::token::level::MEDIUM, NO_WRITE_UP));
        assert_eq!(label(&k.ps.process_object()), (super::super::token::level::MEDIUM, NO_WRITE_UP | NO_READ_UP));
        let kept = sample().complete(&state, Type::Event);
        assert_eq!(kept, sample());
    }
}
