//! Win32 error codes that the window server's calls leave behind (`winerror.h`).

use crate::status::*;

pub const ACCESS_DENIED: u32 = 5;
pub const INVALID_HANDLE: u32 = 6;
pub const NOT_ENOUGH_MEMORY: u32 = 8;
pub const INVALID_PARAMETER: u32 = 87;
pub const CALL_NOT_IMPLEMENTED: u32 = 120;
pub const INSUFFICIENT_BUFFER: u32 = 122;
pub const NOACCESS: u32 = 998;
pub const CAN_NOT_COMPLETE: u32 = 1003;
pub const INVALID_FLAGS: u32 = 1004;
pub const STACK_OVERFLOW: u32 = 1001;
pub const MESSAGE_SYNC_ONLY: u32 = 1159;
pub const INVALID_WINDOW_HANDLE: u32 = 1400;
pub const INVALID_MENU_HANDLE: u32 = 1401;
pub const TLW_WITH_WSCHILD: u32 = 1406;
pub const CANNOT_FIND_WND_CLASS: u32 = 1407;
pub const CLASS_ALREADY_EXISTS: u32 = 1410;
pub const CLASS_DOES_NOT_EXIST: u32 = 1411;
pub const CLASS_HAS_WINDOWS: u32 = 1412;
pub const INVALID_INDEX: u32 = 1413;
pub const HOOK_NEEDS_HMOD: u32 = 1428;
pub const INVALID_HOOK_HANDLE: u32 = 1404;
pub const INVALID_HOOK_FILTER: u32 = 1426;
pub const INVALID_FILTER_PROC: u32 = 1427;
pub const GLOBAL_ONLY_HOOK: u32 = 1429;
pub const INVALID_CURSOR_HANDLE: u32 = 1402;
pub const INVALID_ACCEL_HANDLE: u32 = 1403;
pub const INVALID_SPI_VALUE: u32 = 1439;
pub const POINT_NOT_FOUND: u32 = 1171;
pub const CLIPBOARD_NOT_OPEN: u32 = 1418;
pub const INVALID_THREAD_ID: u32 = 1444;
pub const HOTKEY_ALREADY_REGISTERED: u32 = 1409;
pub const HOTKEY_NOT_REGISTERED: u32 = 1419;
pub const POPUP_ALREADY_ACTIVE: u32 = 1446;
pub const MENU_ITEM_NOT_FOUND: u32 = 1456;
pub const NO_MORE_USER_HANDLES: u32 = 1158;
pub const TIMEOUT: u32 = 1460;
pub const NOT_ENOUGH_QUOTA: u32 = 1816;
pub const INVALID_PIXEL_FORMAT: u32 = 2000;

/// The code of a status.
pub fn of(status: Status) -> u32 {
    match status {
        STATUS_ACCESS_DENIED => ACCESS_DENIED,
        STATUS_ACCESS_VIOLATION => NOACCESS,
        STATUS_INVALID_HANDLE | STATUS_OBJECT_TYPE_MISMATCH => INVALID_HANDLE,
        STATUS_NO_MEMORY | STATUS_INSUFFICIENT_RESOURCES => NOT_ENOUGH_MEMORY,
        STATUS_STACK_OVERFLOW => STACK_OVERFLOW,
        _ => INVALID_PARAMETER,
    }
}
