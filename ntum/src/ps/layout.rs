//! Offsets in the TEB, the PEB and the process parameters of 64-bit Windows, as `winternl.h` lays them out.

/// Bytes mapped for a TEB: its own two pages, and what ntdll keeps behind it (its debug buffer ends below 0x4000).
pub const TEB_SIZE: u64 = 0x4000;
/// Bytes mapped for the PEB: its own page, the one of its 32-bit twin, and Wine's table of debug channels behind them.
pub const PEB_SIZE: u64 = 0x3000;
/// Where behind the PEB Wine's table of debug channels begins.
pub const DEBUG_CHANNELS: u64 = 0x2000;

/// The TEB.
#[allow(missing_docs)]
pub mod teb {
    pub const STACK_BASE: u64 = 0x8;
    pub const STACK_LIMIT: u64 = 0x10;
    pub const SELF: u64 = 0x30;
    pub const CLIENT_ID: u64 = 0x40;
    pub const PEB: u64 = 0x60;
    /// LastErrorValue.
    pub const LAST_ERROR: u64 = 0x68;
    pub const CURRENT_LOCALE: u64 = 0x108;
    pub const ACTIVATION_CONTEXT_STACK: u64 = 0x290;
    pub const EXCEPTION_CODE: u64 = 0x2c0;
    pub const ACTIVATION_CONTEXT_STACK_POINTER: u64 = 0x2c8;
    pub const REAL_CLIENT_ID: u64 = 0x7d8;
    /// Win32ClientInfo: what user32 keeps.
    pub const WIN32_CLIENT_INFO: u64 = 0x800;
    pub const STATIC_UNICODE_STRING: u64 = 0x1258;
    pub const STATIC_UNICODE_BUFFER: u64 = 0x1268;
    pub const DEALLOCATION_STACK: u64 = 0x1478;
    pub const GUARANTEED_STACK_BYTES: u64 = 0x1748;
    pub const SAME_TEB_FLAGS: u64 = 0x17ee;
}

/// The PEB.
#[allow(missing_docs)]
pub mod peb {
    pub const IMAGE_BASE: u64 = 0x10;
    pub const PROCESS_PARAMETERS: u64 = 0x20;
    pub const FAST_PEB_LOCK: u64 = 0x38;
    pub const API_SET_MAP: u64 = 0x68;
    pub const ANSI_CODE_PAGE: u64 = 0xa0;
    pub const OEM_CODE_PAGE: u64 = 0xa8;
    pub const NUMBER_OF_PROCESSORS: u64 = 0xb8;
    pub const NT_GLOBAL_FLAG: u64 = 0xbc;
    pub const CRITICAL_SECTION_TIMEOUT: u64 = 0xc0;
    pub const HEAP_SEGMENT_RESERVE: u64 = 0xc8;
    pub const HEAP_SEGMENT_COMMIT: u64 = 0xd0;
    pub const HEAP_DECOMMIT_TOTAL_FREE: u64 = 0xd8;
    pub const HEAP_DECOMMIT_FREE_BLOCK: u64 = 0xe0;
    pub const OS_MAJOR_VERSION: u64 = 0x118;
    pub const OS_MINOR_VERSION: u64 = 0x11c;
    pub const OS_BUILD_NUMBER: u64 = 0x120;
    pub const OS_PLATFORM_ID: u64 = 0x124;
    pub const IMAGE_SUBSYSTEM: u64 = 0x128;
    pub const GDI_SHARED_HANDLE_TABLE: u64 = 0xf8;
    pub const SESSION_ID: u64 = 0x2c0;
    /// CloudFileFlags, where Wine's dbghelp looks for the address of the host's loader: it takes a process for a living one
    /// only if this is not zero, and does without the host's symbols if nothing is found there.
    pub const CLOUD_FILE_FLAGS: u64 = 0x7a8;
}

/// RTL_USER_PROCESS_PARAMETERS.
#[allow(missing_docs)]
pub mod parameters {
    pub const SIZE: u64 = 0x410;
    pub const FLAGS: u64 = 0x8;
    pub const CONSOLE_HANDLE: u64 = 0x10;
    pub const CONSOLE_FLAGS: u64 = 0x18;
    pub const STANDARD_INPUT: u64 = 0x20;
    pub const CURRENT_DIRECTORY: u64 = 0x38;
    pub const DLL_PATH: u64 = 0x50;
    pub const IMAGE_PATH_NAME: u64 = 0x60;
    pub const COMMAND_LINE: u64 = 0x70;
    pub const ENVIRONMENT: u64 = 0x80;
    pub const WINDOW_TITLE: u64 = 0xb0;
    pub const DESKTOP: u64 = 0xc0;
    pub const SHELL_INFO: u64 = 0xd0;
    pub const RUNTIME_INFO: u64 = 0xe0;
    pub const ENVIRONMENT_SIZE: u64 = 0x3f0;
    pub const PROCESS_GROUP_ID: u64 = 0x408;
    /// PROCESS_PARAMS_FLAG_NORMALIZED: the strings are addresses, not offsets.
    pub const NORMALIZED: u32 = 1;
}
