//! What SSPI functions answer (`winerror.h`).

use crate::status::Status;

pub const SEC_E_OK: Status = Status(0);
pub const SEC_I_CONTINUE_NEEDED: Status = Status(0x0009_0312);
pub const SEC_I_CONTEXT_EXPIRED: Status = Status(0x0009_0317);
pub const SEC_E_INVALID_HANDLE: Status = Status(0x8009_0301);
pub const SEC_E_UNSUPPORTED_FUNCTION: Status = Status(0x8009_0302);
pub const SEC_E_INTERNAL_ERROR: Status = Status(0x8009_0304);
pub const SEC_E_INVALID_TOKEN: Status = Status(0x8009_0308);
pub const SEC_E_BUFFER_TOO_SMALL: Status = Status(0x8009_0321);
pub const SEC_E_ILLEGAL_MESSAGE: Status = Status(0x8009_0326);
pub const SEC_E_CERT_UNKNOWN: Status = Status(0x8009_0327);
pub const SEC_E_DECRYPT_FAILURE: Status = Status(0x8009_0330);
pub const SEC_E_ALGORITHM_MISMATCH: Status = Status(0x8009_0331);
