//! The monitor: there is one, as large as the desktop, on one adapter.

use super::super::{Failed, User, error};
use super::session::find;
use crate::call::Cx;
use crate::shm::user::mode::{DISPLAY_CHANGE, Mode};
use crate::shm::user::window::field;
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;
use crate::win32k::geometry::Rect;
use zerocopy::IntoBytes;

/// Its handle.
const MONITOR: u64 = 0x1_0001;
/// ERROR_INVALID_MONITOR_HANDLE.
const INVALID_MONITOR: u32 = 1461;
/// Callback of user32: `NtUserCallEnumDisplayMonitor`.
const CALL_ENUMERATE: u32 = 1;
/// Names of the adapter and of what is plugged into it.
const ADAPTER: &str = "\\\\.\\DISPLAY1";
const MONITOR_NAME: &str = "\\\\.\\DISPLAY1\\Monitor0";
/// The monitor's device interface.
pub(super) const MONITOR_INTERFACE: &str =
    "\\\\?\\DISPLAY#Default_Monitor#0000&0000#{e6f07b5f-ee97-4a90-b076-33f57bf4eaa7}";

/// What of the screen maximized windows cover.
pub(super) fn work_area(cx: &Cx<'_>) -> User<Rect> {
    cx.top_window(false)?;
    Ok(cx.windows()?.work_area())
}

fn sides(rect: &Rect) -> [i32; 4] {
    [rect.left, rect.top, rect.right, rect.bottom]
}

fn rect_at(cx: &Cx<'_>, at: u64) -> User<Rect> {
    let [left, top, right, bottom] = UserPtr::<[i32; 4]>::new(at).read(cx.k)?;
    Ok(Rect::new(left, top, right, bottom))
}

/// NtUserEnumDisplayMonitors: calls a function with each that meets a rectangle.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn enumerate(cx: &Cx<'_>, dc: u64, rect: u64, function: u64, parameter: u64) -> User {
    let screen = cx.screen()?;
    let mut area = screen;
    if rect != 0 {
        match area.intersect(&rect_at(cx, rect)?) {
            Some(both) => area = both,
            None => return Ok(1),
        }
    }
    // `struct enum_display_monitor_params`: the function, monitor, device context, rectangle, parameter.
    let mut told = [function, MONITOR, dc].as_bytes().to_vec();
    told.extend_from_slice(sides(&if dc != 0 { area } else { screen }).as_bytes());
    told.extend_from_slice(&parameter.to_le_bytes());
    let ended = cx.callback(CALL_ENUMERATE, &told)?;
    Ok(ended.bytes.first_chunk().map_or(0, |four| u64::from(u32::from_le_bytes(*four))))
}

/// GetMonitorInfo: MONITORINFO or MONITORINFOEXW.
pub(super) fn info(cx: &Cx<'_>, monitor: u64, at: u64) -> User {
    /// sizeof(MONITORINFO), sizeof(MONITORINFOEXW).
    const SIZE: u32 = 40;
    const LONG: u32 = 104;
    let size = UserPtr::<u32>::new(at).read(cx.k)?;
    if size != SIZE && size != LONG {
        return Err(Failed::SILENT);
    }
    if monitor != MONITOR {
        return Err(Failed::with(INVALID_MONITOR));
    }
    let (screen, work) = (cx.screen()?, work_area(cx)?);
    let mut bytes = size.to_le_bytes().to_vec();
    bytes.extend_from_slice(sides(&screen).as_bytes());
    bytes.extend_from_slice(sides(&work).as_bytes());
    // MONITORINFOF_PRIMARY.
    bytes.extend_from_slice(&1u32.to_le_bytes());
    if size == LONG {
        bytes.extend_from_slice(wide(ADAPTER).as_bytes());
        bytes.resize(LONG as usize, 0);
    }
    cx.k.write_user(at, &bytes)?;
    Ok(1)
}

fn from(cx: &Cx<'_>, rect: &Rect, flags: u32) -> User {
    /// MONITOR_DEFAULTTOPRIMARY, MONITOR_DEFAULTTONEAREST.
    const DEFAULT: u32 = 3;
    // An empty rectangle is a point.
    let wide = if rect.is_empty() { Rect::sized(rect.left, rect.top, 1, 1) } else { *rect };
    let meets = cx.screen()?.intersect(&wide).is_some();
    Ok(if meets || flags & DEFAULT != 0 { MONITOR } else { 0 })
}

/// MonitorFromRect.
pub(super) fn from_rect(cx: &Cx<'_>, at: u64, flags: u32) -> User {
    let rect = rect_at(cx, at)?;
    from(cx, &rect, flags)
}

/// MonitorFromWindow.
pub(super) fn from_window(cx: &Cx<'_>, window: u64, flags: u32) -> User {
    let rect = {
        let tx = cx.windows()?;
        find(&tx, window as u32).map(|found| {
            let (left, top) = tx.origin(found.record);
            tx.window_rect(found.record, field::WINDOW_RECT).offset(left, top)
        })
    };
    match rect {
        Some(rect) => from(cx, &rect, flags),
        None => Ok(if flags & 3 != 0 { MONITOR } else { 0 }),
    }
}

/// sizeof(DISPLAY_DEVICEW), and of one that ends with the flags.
const DEVICE_SIZE: u32 = 840;

fn is_name(text: &[u16], name: &str) -> bool {
    crate::nls::fold::fold(text) == crate::nls::fold::fold(&wide(name))
}

/// NtUserEnumDisplayDevices: adapters, or with a name what is plugged into that.
///
/// # Errors
/// `STATUS_UNSUCCESSFUL`.
pub fn enumerate_devices(cx: &Cx<'_>, device: UserPtr<UnicodeString>, index: u32, info: u64, flags: u32) -> Nt {
    /// DISPLAY_DEVICE_ATTACHED_TO_DESKTOP, DISPLAY_DEVICE_PRIMARY_DEVICE, DISPLAY_DEVICE_VGA_COMPATIBLE; DISPLAY_DEVICE_ACTIVE and
    /// DISPLAY_DEVICE_ATTACHED.
    const ADAPTER_STATE: u32 = 0x15;
    const MONITOR_STATE: u32 = 3;
    /// EDD_GET_DEVICE_INTERFACE_NAME.
    const INTERFACE: u32 = 1;
    if info == 0 || UserPtr::<u32>::new(info).read(cx.k)? == 0 {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let name = if device.is_null() { Vec::new() } else { device.read(cx.k)?.read(cx.k)? };
    if index != 0 {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let size = UserPtr::<u32>::new(info).read(cx.k)?;
    let (called, described, state, id, key) = if name.is_empty() {
        let id = if flags & INTERFACE != 0 { "" } else { "PCI\\VEN_1414&DEV_008E&SUBSYS_00000000&REV_00" };
        let key = "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Video\\{00000000-0000-0000-0000-000000000001}\\0000";
        (ADAPTER, "Portcullis Display Adapter", ADAPTER_STATE, id, key)
    } else if is_name(&name, ADAPTER) {
        let id = if flags & INTERFACE != 0 {
            MONITOR_INTERFACE
        } else {
            "MONITOR\\Default_Monitor\\{4d36e96e-e325-11ce-bfc1-08002be10318}\\0000"
        };
        let key = "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\{4d36e96e-e325-11ce-bfc1-08002be10318}\\0000";
        (MONITOR_NAME, "Generic Non-PnP Monitor", MONITOR_STATE, id, key)
    } else {
        return Err(STATUS_UNSUCCESSFUL);
    };
    let mut bytes = size.to_le_bytes().to_vec();
    let text = |bytes: &mut Vec<u8>, text: &str, units: usize| {
        let mut units_of = wide(text);
        units_of.resize(units, 0);
        bytes.extend_from_slice(units_of.as_bytes());
    };
    text(&mut bytes, called, 32);
    text(&mut bytes, described, 128);
    bytes.extend_from_slice(&state.to_le_bytes());
    text(&mut bytes, id, 128);
    text(&mut bytes, key, 128);
    bytes.truncate(size.min(DEVICE_SIZE) as usize);
    cx.k.write_user(info, &bytes)?;
    Ok(STATUS_SUCCESS)
}

/// Whether it is the adapter's name.
pub(in crate::win32k) fn is_adapter_name(name: &[u16]) -> bool {
    is_name(name, ADAPTER)
}

/// The name that a call means: none is the adapter's.
pub(super) fn is_adapter(cx: &Cx<'_>, device: UserPtr<UnicodeString>) -> User<bool> {
    if device.is_null() {
        return Ok(true);
    }
    let name = device.read(cx.k)?.read(cx.k)?;
    Ok(name.is_empty() || is_name(&name, ADAPTER))
}

/// Adapter's name, for what it is called by.
pub(super) fn adapter_name() -> Vec<u16> {
    wide(ADAPTER)
}

/// The screen is set, for as long as the member of that number lives (0: for good): windows are told.
///
/// # Errors
/// ERROR_INVALID_PARAMETER for one without an area.
pub(super) fn set_mode(cx: &Cx<'_>, mode: Mode, owner: u32) -> User<()> {
    /// A screen is at most so large.
    const MOST: u32 = 16384;
    let Mode { width, height, .. } = mode;
    if width == 0 || height == 0 || width > MOST || height > MOST {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    cx.top_window(false)?;
    let mut tx = cx.windows()?;
    let changed = tx.set_screen_mode(mode, owner)?;
    tx.commit()?;
    if changed {
        let (wparam, lparam) = mode.parameters();
        cx.tell_all_with(DISPLAY_CHANGE, wparam, lparam)?;
        super::paint_all(cx)?;
    }
    Ok(())
}
