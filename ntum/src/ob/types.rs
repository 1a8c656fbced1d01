//! Object types: names as `NtQueryObject` shows them, and what generic access means for each.

/// A generic mapping: what GENERIC_READ, _WRITE, _EXECUTE and _ALL stand for.
#[derive(Debug, Clone, Copy)]
pub struct Mapping {
    /// For GENERIC_READ.
    pub read: u32,
    /// For GENERIC_WRITE.
    pub write: u32,
    /// For GENERIC_EXECUTE.
    pub execute: u32,
    /// For GENERIC_ALL and MAXIMUM_ALLOWED.
    pub all: u32,
}

macro_rules! types {
    ($($name:ident $text:literal $read:literal $write:literal $execute:literal $all:literal;)+) => {
        /// The type of an object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Type { $($name,)+ }

        impl Type {
            /// Every type.
            pub const ALL: &'static [Type] = &[$(Type::$name,)+];

            /// Its name in `\ObjectTypes`.
            pub fn name(self) -> &'static str {
                match self { $(Type::$name => $text,)+ }
            }

            /// Its generic mapping (`winnt.h`, and what Windows 10 answers for ObjectTypeInformation).
            pub fn mapping(self) -> Mapping {
                match self {
                    $(Type::$name => Mapping { read: $read, write: $write, execute: $execute, all: $all },)+
                }
            }
        }
    };
}

types! {
    ObjectType "Type" 0x20000 0x20000 0x20000 0xf0001;
    Directory "Directory" 0x20003 0x2000c 0x20003 0xf000f;
    SymbolicLink "SymbolicLink" 0x20001 0x20000 0x20001 0xf0001;
    Token "Token" 0x2001a 0x201e0 0x20005 0xf01ff;
    Job "Job" 0x20004 0x2000b 0x120000 0x1f003f;
    Process "Process" 0x20410 0x20bea 0x121001 0x1fffff;
    Thread "Thread" 0x20048 0x20437 0x121800 0x1fffff;
    DebugObject "DebugObject" 0x20001 0x20002 0x120000 0x1f000f;
    Event "Event" 0x20001 0x20002 0x120000 0x1f0003;
    Mutant "Mutant" 0x20001 0x20000 0x120000 0x1f0001;
    Semaphore "Semaphore" 0x20001 0x20002 0x120000 0x1f0003;
    Timer "Timer" 0x20001 0x20002 0x120000 0x1f0003;
    KeyedEvent "KeyedEvent" 0x20001 0x20002 0x20000 0xf0003;
    WindowStation "WindowStation" 0x20303 0x2001c 0x20060 0xf037f;
    Desktop "Desktop" 0x20041 0x200be 0x20100 0xf01ff;
    IoCompletion "IoCompletion" 0x20001 0x20002 0x120000 0x1f0003;
    UserApcReserve "UserApcReserve" 0x20001 0x20002 0x20000 0xf0003;
    IoCompletionReserve "IoCompletionReserve" 0x20001 0x20002 0x20000 0xf0003;
    WaitCompletionPacket "WaitCompletionPacket" 0x1 0x1 0x0 0x1;
    WorkerFactory "TpWorkerFactory" 0x20008 0x20004 0x20003 0xf00ff;
    Device "Device" 0x120089 0x120116 0x1200a0 0x1f01ff;
    File "File" 0x120089 0x120116 0x1200a0 0x1f01ff;
    Section "Section" 0x20005 0x20002 0x20008 0xf001f;
    Key "Key" 0x20019 0x20006 0x20039 0xf003f;
    AlpcPort "ALPC Port" 0x20001 0x10001 0x0 0x1f0001;
    Transaction "TmTx" 0x120001 0x12003e 0x120018 0x1f003f;
}

/// GENERIC_READ.
pub const GENERIC_READ: u32 = 0x8000_0000;
/// GENERIC_WRITE.
pub const GENERIC_WRITE: u32 = 0x4000_0000;
/// GENERIC_EXECUTE.
pub const GENERIC_EXECUTE: u32 = 0x2000_0000;
/// GENERIC_ALL.
pub const GENERIC_ALL: u32 = 0x1000_0000;
/// MAXIMUM_ALLOWED.
pub const MAXIMUM_ALLOWED: u32 = 0x0200_0000;
/// SYNCHRONIZE.
pub const SYNCHRONIZE: u32 = 0x10_0000;
/// ACCESS_SYSTEM_SECURITY.
pub const ACCESS_SYSTEM_SECURITY: u32 = 0x100_0000;
/// DELETE.
pub const DELETE: u32 = 0x1_0000;

impl Type {
    /// Every right that a handle to an object of the type can give.
    pub fn valid_access(self) -> u32 {
        let waitable = match self {
            Type::Key | Type::KeyedEvent | Type::Section | Type::Token | Type::ObjectType => SYNCHRONIZE,
            _ => 0,
        };
        self.mapping().all | waitable
    }

    /// The access that is granted when `desired` is asked for: generic bits become specific ones.
    pub fn map_access(self, desired: u32) -> u32 {
        let mapping = self.mapping();
        let mut access = desired & !(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | MAXIMUM_ALLOWED);
        for (bit, meaning) in [
            (GENERIC_READ, mapping.read),
            (GENERIC_WRITE, mapping.write),
            (GENERIC_EXECUTE, mapping.execute),
            (GENERIC_ALL | MAXIMUM_ALLOWED, mapping.all),
        ] {
            if desired & bit != 0 {
                access |= meaning;
            }
        }
        // What the type has no right for is not given.
        (access | self.implied(access)) & (mapping.all | SYNCHRONIZE | ACCESS_SYSTEM_SECURITY)
    }

    /// The limited rights that come with the full ones (PsProcessType's and PsThreadType's own doing).
    fn implied(self, access: u32) -> u32 {
        let pairs: &[(u32, u32)] = match self {
            // PROCESS_QUERY_INFORMATION, PROCESS_SET_INFORMATION, PROCESS_VM_OPERATION with PROCESS_VM_WRITE.
            Type::Process => &[(0x400, 0x1000), (0x200, 0x2000), (0x28, 0x1000)],
            // THREAD_QUERY_INFORMATION, THREAD_SET_INFORMATION.
            Type::Thread => &[(0x40, 0x800), (0x20, 0x400)],
            _ => &[],
        };
        pairs.iter().filter(|(full, _)| access & full == *full).fold(0, |sum, (_, limited)| sum | limited)
    }
}
