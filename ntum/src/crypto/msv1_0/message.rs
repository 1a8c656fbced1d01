//! The three messages of NTLM (MS-NLMP 2.2.1), as bytes.

use crate::answer::Fields;
use crate::crypto::secur32::status::SEC_E_INVALID_TOKEN;
use crate::status::Nt;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Bits of what is negotiated.
pub mod flag {
    pub const UNICODE: u32 = 1;
    pub const OEM: u32 = 2;
    pub const REQUEST_TARGET: u32 = 4;
    pub const SIGN: u32 = 0x10;
    pub const SEAL: u32 = 0x20;
    pub const NTLM: u32 = 0x200;
    pub const ANONYMOUS: u32 = 0x800;
    pub const ALWAYS_SIGN: u32 = 0x8000;
    pub const TARGET_IS_SERVER: u32 = 0x2_0000;
    pub const EXTENDED: u32 = 0x8_0000;
    pub const TARGET_INFO: u32 = 0x80_0000;
    pub const VERSION: u32 = 0x200_0000;
    pub const BITS_128: u32 = 0x2000_0000;
    pub const KEY_EXCHANGE: u32 = 0x4000_0000;
    pub const BITS_56: u32 = 0x8000_0000;
}

/// Windows 10.0.19045, NTLMSSP_REVISION_W2K3.
const VERSION: [u8; 8] = [10, 0, 0x65, 0x4a, 0, 0, 0, 15];

/// Items of target information.
pub mod item {
    pub const END: u16 = 0;
    pub const COMPUTER: u16 = 1;
    pub const DOMAIN: u16 = 2;
    pub const DNS_COMPUTER: u16 = 3;
    pub const DNS_DOMAIN: u16 = 4;
    pub const FLAGS: u16 = 6;
    pub const TIME: u16 = 7;
}

/// A message whose parts lie behind its head.
struct Writer {
    head: Vec<u8>,
    parts: Vec<u8>,
    length: usize,
}

impl Writer {
    /// A message of a type with a head of so many bytes.
    fn new(kind: u32, length: usize) -> Writer {
        let mut head = SIGNATURE.to_vec();
        head.extend_from_slice(&kind.to_le_bytes());
        Writer { head, parts: Vec::new(), length }
    }

    fn raw(mut self, bytes: &[u8]) -> Writer {
        self.head.extend_from_slice(bytes);
        self
    }

    fn number(self, number: u32) -> Writer {
        self.raw(&number.to_le_bytes())
    }

    /// A part: its length twice, and where it lies.
    fn part(mut self, bytes: &[u8]) -> Writer {
        let length = (bytes.len() as u16).to_le_bytes();
        let at = (self.length + self.parts.len()) as u32;
        self.parts.extend_from_slice(bytes);
        self.raw(&length).raw(&length).number(at)
    }

    fn done(mut self) -> Vec<u8> {
        self.head.resize(self.length, 0);
        self.head.extend_from_slice(&self.parts);
        self.head
    }
}

/// Whether it is a message of this type, long enough for its head.
fn check(message: &[u8], kind: u32, head: usize) -> Nt<Fields<'_>> {
    let fields = Fields(message);
    let is = message.len() >= head && message.starts_with(SIGNATURE) && fields.u32(8) == kind;
    if is { Ok(fields) } else { Err(SEC_E_INVALID_TOKEN) }
}

/// The part that a head names.
fn part(message: &[u8], at: usize) -> Nt<&[u8]> {
    let fields = Fields(message);
    match fields.u16(at) {
        0 => Ok(&[]),
        length => fields.bytes(fields.u32(at + 4) as usize, length.into()).map_err(|_| SEC_E_INVALID_TOKEN),
    }
}

/// NEGOTIATE_MESSAGE: what a client begins with.
pub fn negotiate(flags: u32) -> Vec<u8> {
    Writer::new(1, 40).number(flags).part(&[]).part(&[]).raw(&VERSION).done()
}

/// What a client begins with says: its flags.
///
/// # Errors
/// `SEC_E_INVALID_TOKEN`.
pub fn read_negotiate(message: &[u8]) -> Nt<u32> {
    Ok(check(message, 1, 16)?.u32(12))
}

/// CHALLENGE_MESSAGE.
pub struct Challenge {
    pub flags: u32,
    pub number: [u8; 8],
    /// Items, without their end.
    pub target: Vec<Item>,
}

/// An item of target information.
pub type Item = (u16, Vec<u8>);

/// Items as they lie in messages.
pub fn items(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, data) in items {
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(data.len() as u16).to_le_bytes());
        out.extend_from_slice(data);
    }
    out.extend_from_slice(&[0; 4]);
    out
}

/// Takes items apart, up to their end.
pub fn read_items(bytes: &[u8]) -> Nt<Vec<Item>> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let [a, b, c, d] = *head;
        let (kind, length) = (u16::from_le_bytes([a, b]), usize::from(u16::from_le_bytes([c, d])));
        if kind == item::END {
            return Ok(out);
        }
        let (data, after) = behind.split_at_checked(length).ok_or(SEC_E_INVALID_TOKEN)?;
        out.push((kind, data.to_vec()));
        rest = after;
    }
    if bytes.is_empty() { Ok(out) } else { Err(SEC_E_INVALID_TOKEN) }
}

impl Challenge {
    /// Its bytes; `name` is the target's.
    pub fn write(&self, name: &[u8]) -> Vec<u8> {
        let message = Writer::new(2, 56).part(name).number(self.flags).raw(&self.number).raw(&[0; 8]);
        message.part(&items(&self.target)).raw(&VERSION).done()
    }

    /// What is said.
    ///
    /// # Errors
    /// `SEC_E_INVALID_TOKEN`.
    pub fn read(message: &[u8]) -> Nt<Challenge> {
        let fields = check(message, 2, 32)?;
        let flags = fields.u32(20);
        let number = fields.u64(24).to_le_bytes();
        let has_target = flags & flag::TARGET_INFO != 0 && message.len() >= 48;
        let target = if has_target { read_items(part(message, 40)?)? } else { Vec::new() };
        Ok(Challenge { flags, number, target })
    }
}

/// AUTHENTICATE_MESSAGE.
#[derive(Default)]
pub struct Authenticate {
    pub flags: u32,
    pub lm: Vec<u8>,
    pub nt: Vec<u8>,
    pub domain: Vec<u8>,
    pub user: Vec<u8>,
    pub workstation: Vec<u8>,
    /// The key that is exchanged, under the session's.
    pub key: Vec<u8>,
}

impl Authenticate {
    /// Where a message's integrity code lies.
    pub const CODE_AT: std::ops::Range<usize> = 72..88;

    /// Its bytes, with room for a code.
    pub fn write(&self) -> Vec<u8> {
        // Texts lie first, where they are aligned.
        let mut message = Writer::new(3, Self::CODE_AT.end);
        let texts = [&self.domain, &self.user, &self.workstation, &self.lm, &self.nt, &self.key];
        let mut places = Vec::new();
        for text in texts {
            places.push((text.len(), message.length + message.parts.len()));
            message.parts.extend_from_slice(text);
        }
        for index in [3, 4, 0, 1, 2, 5] {
            let Some((length, at)) = places.get(index) else { continue };
            let length = (*length as u16).to_le_bytes();
            message = message.raw(&length).raw(&length).number(*at as u32);
        }
        message.number(self.flags).raw(&VERSION).done()
    }

    /// What is said.
    ///
    /// # Errors
    /// `SEC_E_INVALID_TOKEN`.
    pub fn read(message: &[u8]) -> Nt<Authenticate> {
        let fields = check(message, 3, 64)?;
        let [lm, nt, domain, user, workstation, key] = [12, 20, 28, 36, 44, 52].map(|at| part(message, at));
        Ok(Authenticate {
            flags: fields.u32(60),
            lm: lm?.to_vec(),
            nt: nt?.to_vec(),
            domain: domain?.to_vec(),
            user: user?.to_vec(),
            workstation: workstation?.to_vec(),
            key: key?.to_vec(),
        })
    }
}
