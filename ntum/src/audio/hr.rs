//! HRESULTs that a driver of mmdevapi answers (audioclient.h, winerror.h).

/// It was done.
pub const OK: i32 = 0;
/// It was done already, or not quite as asked.
pub const FALSE: i32 = 1;
/// A pointer is missing.
pub const POINTER: i32 = 0x8000_4003_u32 as i32;
/// It failed.
pub const FAIL: i32 = 0x8000_4005_u32 as i32;
/// It is absent.
pub const NOT_IMPLEMENTED: i32 = 0x8000_4001_u32 as i32;
/// Memory is used up.
pub const OUT_OF_MEMORY: i32 = 0x8007_000e_u32 as i32;
/// An argument makes no sense.
pub const INVALID_ARGUMENT: i32 = 0x8007_0057_u32 as i32;
/// HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER).
pub const INSUFFICIENT_BUFFER: i32 = 0x8007_007a_u32 as i32;
/// HRESULT_FROM_WIN32(ERROR_INVALID_NAME): what Windows says of a second event handle.
pub const INVALID_NAME: i32 = 0x8007_007b_u32 as i32;
/// AUDCLNT_E_DEVICE_INVALIDATED.
pub const DEVICE_INVALIDATED: i32 = 0x8889_0004_u32 as i32;
/// AUDCLNT_E_NOT_STOPPED.
pub const NOT_STOPPED: i32 = 0x8889_0005_u32 as i32;
/// AUDCLNT_E_BUFFER_TOO_LARGE.
pub const BUFFER_TOO_LARGE: i32 = 0x8889_0006_u32 as i32;
/// AUDCLNT_E_OUT_OF_ORDER.
pub const OUT_OF_ORDER: i32 = 0x8889_0007_u32 as i32;
/// AUDCLNT_E_UNSUPPORTED_FORMAT.
pub const UNSUPPORTED_FORMAT: i32 = 0x8889_0008_u32 as i32;
/// AUDCLNT_E_INVALID_SIZE.
pub const INVALID_SIZE: i32 = 0x8889_0009_u32 as i32;
/// AUDCLNT_E_BUFFER_OPERATION_PENDING.
pub const BUFFER_OPERATION_PENDING: i32 = 0x8889_000b_u32 as i32;
/// AUDCLNT_E_EXCLUSIVE_MODE_NOT_ALLOWED.
pub const EXCLUSIVE_MODE_NOT_ALLOWED: i32 = 0x8889_000e_u32 as i32;
/// AUDCLNT_E_EVENTHANDLE_NOT_EXPECTED.
pub const EVENTHANDLE_NOT_EXPECTED: i32 = 0x8889_0011_u32 as i32;
/// AUDCLNT_E_EVENTHANDLE_NOT_SET.
pub const EVENTHANDLE_NOT_SET: i32 = 0x8889_0014_u32 as i32;
