//! Layouts that several components share, as 64-bit Windows has them (`winternl.h`, `winnt.h`).

use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::status::{Nt, STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_INVALID};
use crate::um::UserPtr;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// UNICODE_STRING: lengths in bytes.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UnicodeString {
    /// Bytes used.
    pub length: u16,
    /// Bytes there are.
    pub maximum_length: u16,
    /// Padding.
    pub pad: u32,
    /// Address of the units.
    pub buffer: u64,
}

impl UnicodeString {
    /// Loads the text.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read(&self, k: &Kernel) -> Nt<Vec<u16>> {
        UserPtr::<u16>::new(self.buffer).read_units(k, usize::from(self.length / 2))
    }
}

impl UserPtr<u16> {
    /// Loads `count` UTF-16 units.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read_units(self, k: &Kernel, count: usize) -> Nt<Vec<u16>> {
        let units = |bytes: &[u8]| bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        // Most names are short: they need no memory for a moment.
        let mut short = [0; 256];
        if let Some(short) = count.checked_mul(2).and_then(|length| short.get_mut(..length)) {
            k.read_user(self.address(), short)?;
            return Ok(units(short));
        }
        Ok(units(&crate::um::UserSlice::new(self.address(), count as u64 * 2).read_all(k)?))
    }
}

impl UserPtr<UnicodeString> {
    /// Loads the text behind the pointer.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn text(self, k: &Kernel) -> Nt<Vec<u16>> {
        self.read(k)?.read(k)
    }
}

/// UTF-16 units of a text.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// OBJECT_ATTRIBUTES.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ObjectAttributesRaw {
    /// sizeof: 48.
    pub length: u32,
    /// Padding.
    pub pad: u32,
    /// Directory (or key, or file) that the name starts from.
    pub root: Handle,
    /// PUNICODE_STRING.
    pub name: u64,
    /// OBJ_*.
    pub attributes: u32,
    /// Padding.
    pub pad2: u32,
    /// SECURITY_DESCRIPTOR.
    pub security: u64,
    /// SECURITY_QUALITY_OF_SERVICE.
    pub quality: u64,
}

/// OBJ_INHERIT: the handle is inheritable.
pub const OBJ_INHERIT: u32 = 0x2;
/// OBJ_PERMANENT.
pub const OBJ_PERMANENT: u32 = 0x10;
/// OBJ_EXCLUSIVE.
pub const OBJ_EXCLUSIVE: u32 = 0x20;
/// OBJ_CASE_INSENSITIVE.
pub const OBJ_CASE_INSENSITIVE: u32 = 0x40;
/// OBJ_OPENIF: opening what exists is no error.
pub const OBJ_OPENIF: u32 = 0x80;
/// OBJ_OPENLINK: the link itself, not its target.
pub const OBJ_OPENLINK: u32 = 0x100;
/// OBJ_DONT_REPARSE: no link on the way is followed.
pub const OBJ_DONT_REPARSE: u32 = 0x1000;

/// OBJECT_ATTRIBUTES with its name loaded.
#[derive(Debug, Clone, Default)]
pub struct ObjectAttributes {
    /// Where the name starts.
    pub root: Handle,
    /// The name; `None` if there is none at all.
    pub name: Option<Vec<u16>>,
    /// OBJ_*.
    pub attributes: u32,
    /// Address of the security descriptor, 0 for none.
    pub security: u64,
}

impl ObjectAttributes {
    /// Whether the handle is to be inheritable.
    pub fn inherit(&self) -> bool {
        self.attributes & OBJ_INHERIT != 0
    }

    /// Whether letter case is ignored.
    pub fn ignore_case(&self) -> bool {
        self.attributes & OBJ_CASE_INSENSITIVE != 0
    }
}

impl UserPtr<ObjectAttributesRaw> {
    /// Loads the attributes and the name; a null pointer gives none of either.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` if the length is wrong, `STATUS_OBJECT_NAME_INVALID` for a name of an odd length or
    /// beyond 65532 bytes, `STATUS_DATATYPE_MISALIGNMENT`, `STATUS_ACCESS_VIOLATION`.
    pub fn load(self, k: &Kernel) -> Nt<ObjectAttributes> {
        let Some(raw) = self.read_opt(k)? else { return Ok(ObjectAttributes::default()) };
        if raw.length as usize != size_of::<ObjectAttributesRaw>() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let name = match raw.name {
            0 => None,
            address => {
                let string = UserPtr::<UnicodeString>::new(address).read(k)?;
                crate::um::check_alignment(string.buffer, 2)?;
                if string.length % 2 != 0 || string.length >= 0xfffe {
                    return Err(STATUS_OBJECT_NAME_INVALID);
                }
                Some(string.read(k)?)
            }
        };
        Ok(ObjectAttributes { root: raw.root, name, attributes: raw.attributes, security: raw.security })
    }

    /// As [`UserPtr::load`], for the calls that open what exists: those need attributes.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` for a null pointer too.
    pub fn load_to_open(self, k: &Kernel) -> Nt<ObjectAttributes> {
        if self.is_null() { Err(STATUS_INVALID_PARAMETER) } else { self.load(k) }
    }
}

/// IO_STATUS_BLOCK.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IoStatusBlock {
    /// NTSTATUS.
    pub status: u32,
    /// Padding.
    pub pad: u32,
    /// What depends on the request, mostly bytes moved.
    pub information: u64,
}

/// CLIENT_ID.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClientId {
    /// Number of the process.
    pub process: u64,
    /// Number of the thread.
    pub thread: u64,
}

/// Highest count of parameters in an exception record.
pub const EXCEPTION_MAXIMUM_PARAMETERS: usize = 15;

/// EXCEPTION_RECORD.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ExceptionRecord {
    /// NTSTATUS.
    pub code: u32,
    /// EXCEPTION_NONCONTINUABLE = 1.
    pub flags: u32,
    /// Address of a further record.
    pub record: u64,
    /// Where it happened.
    pub address: u64,
    /// How many of `information` count.
    pub parameters: u32,
    /// Padding.
    pub pad: u32,
    /// What depends on the code.
    pub information: [u64; EXCEPTION_MAXIMUM_PARAMETERS],
}

/// CONTEXT of x86-64 (`winnt.h`): 0x4d0 bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(16))]
#[allow(missing_docs)]
pub struct Context {
    pub home: [u64; 6],
    pub flags: u32,
    pub mxcsr: u32,
    pub cs: u16,
    pub ds: u16,
    pub es: u16,
    pub fs: u16,
    pub gs: u16,
    pub ss: u16,
    pub eflags: u32,
    pub dr: [u64; 6],
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub rsp: u64,
    pub rbp: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rip: u64,
    /// XMM_SAVE_AREA32: what FXSAVE stores.
    pub fx: [u8; 512],
    pub vector: [[u64; 2]; 26],
    pub vector_control: u64,
    pub debug_control: u64,
    pub last_branch: [u64; 4],
}

const _: () = assert!(size_of::<Context>() == 0x4d0);

/// Upper halves of the ymm registers (YMMCONTEXT).
pub type Ymm = [[u64; 2]; 16];

/// In VectorControl: VectorRegister holds the upper halves of the ymm registers.
const HOLDS_YMM: u64 = 1;

impl Context {
    /// The upper halves of the ymm registers, where they are known. Inside the kernel they travel in VectorRegister, which
    /// x64 leaves unused; guests give and get them as extended state ([`crate::ps::xstate`]).
    pub fn ymm(&self) -> Option<&Ymm> {
        if self.vector_control & HOLDS_YMM == 0 { None } else { self.vector.first_chunk() }
    }

    /// Says what they are; `None`: unknown, and left alone by who loads the context.
    pub fn set_ymm(&mut self, ymm: Option<&Ymm>) {
        self.vector = [[0; 2]; 26];
        self.vector_control = 0;
        if let (Some(ymm), Some(place)) = (ymm, self.vector.first_chunk_mut()) {
            *place = *ymm;
            self.vector_control = HOLDS_YMM;
        }
    }

    /// CONTEXT_AMD64.
    pub const AMD64: u32 = 0x10_0000;
    /// CONTEXT_CONTROL: ss, rsp, cs, rip, eflags.
    pub const CONTROL: u32 = 0x10_0001;
    /// CONTEXT_INTEGER: the other general registers.
    pub const INTEGER: u32 = 0x10_0002;
    /// CONTEXT_SEGMENTS.
    pub const SEGMENTS: u32 = 0x10_0004;
    /// CONTEXT_FLOATING_POINT: xmm and x87.
    pub const FLOATING_POINT: u32 = 0x10_0008;
    /// CONTEXT_DEBUG_REGISTERS.
    pub const DEBUG_REGISTERS: u32 = 0x10_0010;
    /// CONTEXT_EXCEPTION_ACTIVE: the thread is handling an exception.
    pub const EXCEPTION_ACTIVE: u32 = 0x0800_0000;
    /// CONTEXT_SERVICE_ACTIVE: it is in a system call.
    pub const SERVICE_ACTIVE: u32 = 0x1000_0000;
    /// CONTEXT_EXCEPTION_REQUEST: who asks wants to hear which.
    pub const EXCEPTION_REQUEST: u32 = 0x4000_0000;
    /// CONTEXT_EXCEPTION_REPORTING: the two above say so.
    pub const EXCEPTION_REPORTING: u32 = 0x8000_0000;
    /// CONTEXT_XSTATE: what CONTEXT_EX leads to.
    pub const XSTATE: u32 = 0x10_0040;
    /// CONTEXT_FULL.
    pub const FULL: u32 = 0x10_000b;
    /// CONTEXT_ALL.
    pub const ALL: u32 = 0x10_001f;

    /// All zero, but for the control words that a thread starts with.
    pub fn initial() -> Context {
        let mut context = Context::new_zeroed();
        context.flags = Context::ALL;
        context.mxcsr = 0x1f80;
        context.cs = 0x33;
        context.ss = 0x2b;
        context.ds = 0x2b;
        context.es = 0x2b;
        context.fs = 0x53;
        context.gs = 0x2b;
        context.eflags = 0x202;
        // FXSAVE area: control word at 0, MXCSR at 24, MXCSR mask at 28.
        context.fx[0..2].copy_from_slice(&0x27fu16.to_le_bytes());
        context.fx[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
        context.fx[28..32].copy_from_slice(&0x2_ffffu32.to_le_bytes());
        context
    }
}

impl core::fmt::Debug for Context {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Context {{ rip: 0x{:x}, rsp: 0x{:x} }}", self.rip, self.rsp)
    }
}

/// 100-nanosecond intervals between 1601 (NT) and 1970 (the host).
pub const EPOCH_1601: i64 = 116_444_736_000_000_000;

/// NT time (100 ns since 1601) of nanoseconds since 1970.
pub fn nt_time(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(100).saturating_add(EPOCH_1601)
}

/// Nanoseconds since 1970 of an NT time.
pub fn unix_time(nt: i64) -> i64 {
    nt.saturating_sub(EPOCH_1601).saturating_mul(100)
}
