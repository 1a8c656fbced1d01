//! Pointers: what touches and pens would be, and the mouse if a program wants it so. There are none: these calls fail, as they do in Wine 10.

use super::super::{Failed, User, error};
use crate::call::Cx;

const NONE: Failed = Failed::with(error::CALL_NOT_IMPLEMENTED);

/// NtUserEnableMouseInPointer.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED.
pub fn enable(_cx: &Cx<'_>, _enable: u32) -> User {
    Err(NONE)
}

/// NtUserEnableMouseInPointerForThread.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED.
pub fn enable_for_thread(_cx: &Cx<'_>) -> User {
    Err(NONE)
}

/// NtUserIsMouseInPointerEnabled.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED.
pub fn is_enabled(_cx: &Cx<'_>) -> User {
    Err(NONE)
}

/// NtUserGetPointerInfoList.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED.
pub fn list(_cx: &Cx<'_>, _id: u32, _kind: u32) -> User {
    Err(NONE)
}

/// NtUserRegisterTouchPadCapable.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED.
pub fn register_touch_pad(_cx: &Cx<'_>, _capable: u32) -> User {
    Err(NONE)
}
