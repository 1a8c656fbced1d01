//! Windows, messages, input: behind win32u's NtUser calls.
//!
//! What processes share of it lies in the sandbox's memory (`shm::user`): the tree of windows, the queues, the input. What a process has for
//! itself - classes, procedures - is [`process::Process`]. A window's procedure is guest code and runs through [`crate::ps::callback`], with no
//! transaction open and no lock held: whatever a call looked up before, it looks up again behind one.

pub mod accelerator;
pub mod callbacks;
pub mod caption;
pub mod caret;
pub mod class;
pub mod clipboard;
pub mod coded;
pub mod colours;
pub mod command;
pub mod create;
pub mod dce;
pub mod default;
pub mod default_paint;
pub mod destroy;
pub mod display_settings;
pub mod dpi;
pub mod draw;
pub mod focus;
pub mod get;
pub mod hook;
pub mod icon;
pub mod imm;
pub mod input;
pub mod internal;
pub mod keyboard;
pub mod layout;
pub mod limits;
pub mod long;
pub mod menu;
pub mod monitor;
pub mod mouse;
pub mod moving;
pub mod nonclient;
pub mod pack;
pub mod paint;
pub mod parent;
pub mod placement;
pub mod position;
pub mod procedure;
pub mod process;
pub mod prop;
pub mod raw;
mod reach;
pub mod scrollbar;
pub mod scrollproc;
pub mod send;
pub mod session;
pub mod show;
pub mod surface;
pub(crate) mod sysparams;
pub mod text;
pub mod timer;
pub mod tree;

use crate::call::Call;
use crate::ob::handle::Handle;
use crate::types::UnicodeString;
use crate::um::UserPtr;
use class::ClassInfo;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtUserInitializeClientPfnArrays(ansi: UserPtr<u64>, unicode: UserPtr<u64>, workers: u64, module: u64) => process::initialize, Done;
    NtUserMsgWaitForMultipleObjectsEx(count: u32, handles: UserPtr<Handle>, timeout: u32, mask: u32, flags: u32) => get::msg_wait, Done;
    NtUserWaitMessage() => get::wait_message, Done;
    NtUserPeekMessage(message: u64, window: u64, first: u32, last: u32, flags: u32) => get::peek_message, Partial("painting");
    NtUserGetMessage(message: u64, window: u64, first: u32, last: u32) => get::get_message, Partial("painting");
    NtUserPostMessage(window: u64, message: u32, wparam: u64, lparam: u64) => get::post_message, Done;
    NtUserPostThreadMessage(thread: u32, message: u32, wparam: u64, lparam: u64) => get::post_thread_message, Done;
    NtUserGetQueueStatus(flags: u32) => get::get_queue_status, Done;
    NtUserDispatchMessage(message: u64) => get::dispatch_message, Partial("painting");
    NtUserMessageCall(window: u64, message: u32, wparam: u64, lparam: u64, info: u64, what: u32, ansi: u32) => send::message_call, Partial("the tray, drag and drop, input methods");
    NtUserSetTimer(window: u64, id: u64, milliseconds: u32, procedure: u64, tolerance: u32) => timer::set_timer, Done;
    NtUserSetSystemTimer(window: u64, id: u64, milliseconds: u32) => timer::set_system_timer, Done;
    NtUserKillTimer(window: u64, id: u64) => timer::kill_timer, Done;
    NtUserRegisterClassExWOW(class: UserPtr<ClassInfo>, name: UserPtr<UnicodeString>, version: UserPtr<UnicodeString>, menu: UserPtr<[u64; 3]>, builtin: u32, ansi: u32, wow: u64) => class::register, Partial("a small icon is not made of the large one");
    NtUserUnregisterClass(name: UserPtr<UnicodeString>, instance: u64, menu: UserPtr<[u64; 3]>) => class::unregister, Done;
    NtUserGetClassInfoEx(instance: u64, name: UserPtr<UnicodeString>, class: UserPtr<ClassInfo>, menu: UserPtr<[u64; 3]>, ansi: u32) => class::info, Partial("cursors of the system's own classes");
    NtUserGetClassName(window: u64, real: u32, name: UserPtr<UnicodeString>) => class::name, Done;
    NtUserGetAtomName(atom: u32, name: UserPtr<UnicodeString>) => class::atom_name, Done;
    NtUserSetClassLong(window: u64, offset: u32, value: u32, ansi: u32) => class::set_long, Done;
    NtUserSetClassLongPtr(window: u64, offset: u32, value: u64, ansi: u32) => class::set_long_ptr, Done;
    NtUserSetClassWord(window: u64, offset: u32, value: u32) => class::set_word, Done;
    NtUserCreateWindowEx(extended_style: u32, class: UserPtr<UnicodeString>, version: UserPtr<UnicodeString>, name: UserPtr<UnicodeString>, style: u32, x: u32, y: u32, width: u32, height: u32, parent: u64, menu: u64, instance: u64, parameters: u64, flags: u32, client_instance: u64, unknown: u32, ansi: u32) => create::create, Partial("menus");
    NtUserGetDC(window: u64) => dce::get_dc, Done;
    NtUserGetDCEx(window: u64, region: u64, flags: u32) => dce::get_dc_ex, Done;
    NtUserGetWindowDC(window: u64) => dce::get_window_dc, Done;
    NtUserReleaseDC(window: u64, dc: u64) => dce::release_dc, Done;
    NtUserWindowFromDC(dc: u64) => dce::window_from_dc, Done;
    NtUserBeginPaint(window: u64, paint: UserPtr<u8>) => paint::begin_paint, Done;
    NtUserEndPaint(window: u64, paint: UserPtr<u8>) => paint::end_paint, Done;
    NtUserRedrawWindow(window: u64, rect: u64, region: u64, flags: u32) => paint::redraw_window, Done;
    NtUserInvalidateRect(window: u64, rect: u64, erase: u32) => paint::invalidate_rect, Done;
    NtUserInvalidateRgn(window: u64, region: u64, erase: u32) => paint::invalidate_region, Done;
    NtUserValidateRect(window: u64, rect: u64) => paint::validate_rect, Done;
    NtUserGetUpdateRgn(window: u64, region: u64, erase: u32) => paint::get_update_region, Done;
    NtUserGetUpdateRect(window: u64, rect: u64, erase: u32) => paint::get_update_rect, Done;
    NtUserExcludeUpdateRgn(dc: u64, window: u64) => paint::exclude_update_region, Done;
    NtUserLockWindowUpdate(window: u64) => paint::lock_window_update, Partial("the window is drawn on all the same");
    NtUserPrintWindow(window: u64, dc: u64, flags: u32) => paint::print_window, Done;
    NtUserDestroyWindow(window: u64) => destroy::destroy_window, Done;
    NtUserShowWindow(window: u64, command: u32) => show::show_window, Done;
    NtUserShowWindowAsync(window: u64, command: u32) => show::show_window_async, Done;
    NtUserSetWindowPos(window: u64, after: u64, x: i32, y: i32, width: i32, height: i32, flags: u32) => position::set_window_pos, Done;
    NtUserMoveWindow(window: u64, x: i32, y: i32, width: i32, height: i32, repaint: u32) => position::move_window, Done;
    NtUserGetWindowPlacement(window: u64, placement: UserPtr<placement::Placement>) => placement::get, Done;
    NtUserSetWindowPlacement(window: u64, placement: UserPtr<placement::Placement>) => placement::set, Done;
    NtUserGetInternalWindowPos(window: u64, rect: u64, point: u64) => placement::get_internal, Done;
    NtUserSetInternalWindowPos(window: u64, command: u32, rect: u64, point: u64) => placement::set_internal, Done;
    NtUserSetWindowLong(window: u64, offset: u32, value: u32, ansi: u32) => long::set_window_long, Done;
    NtUserSetWindowLongPtr(window: u64, offset: u32, value: u64, ansi: u32) => long::set_window_long_ptr, Done;
    NtUserSetWindowWord(window: u64, offset: u32, value: u32) => long::set_window_word, Done;
    NtUserGetAncestor(window: u64, which: u32) => tree::get_ancestor, Done;
    NtUserSetParent(window: u64, parent: u64) => parent::set_parent, Done;
    NtUserBuildHwndList(desktop: u64, window: u64, children: u32, immersive: u32, thread: u32, count: u32, buffer: u64, size: UserPtr<u32>) => tree::build_list, Partial("desktops other than the first");
    NtUserFindWindowEx(parent: u64, after: u64, class: UserPtr<UnicodeString>, title: UserPtr<UnicodeString>, unknown: u32) => tree::find_window, Done;
    NtUserQueryWindow(window: u64, class: u32) => tree::query, Partial("input methods");
    NtUserInternalGetWindowText(window: u64, text: UserPtr<u16>, count: u32) => text::internal_get_window_text, Done;
    NtUserGetProp(window: u64, name: u64) => prop::get, Done;
    NtUserSetProp(window: u64, name: u64, value: u64) => prop::set, Done;
    NtUserRemoveProp(window: u64, name: u64) => prop::remove, Done;
    NtUserBuildPropList(window: u64, count: u32, buffer: u64, returned: UserPtr<u32>) => prop::build_list, Done;
    NtUserCallNoParam(code: u32) => coded::no_param, Done;
    NtUserCallOneParam(argument: u64, code: u32) => coded::one_param, Partial("not positions that are deferred, palettes");
    NtUserCallTwoParam(first: u64, second: u64, code: u32) => coded::two_param, Partial("not the composition's rectangle");
    NtUserCallHwnd(window: u64, code: u32) => coded::hwnd, Partial("not the shell's windows");
    NtUserCallHwndParam(window: u64, param: u64, code: u32) => coded::hwnd_param, Partial("not regions");
    NtUserSetFocus(window: u64) => focus::set_focus, Done;
    NtUserSetActiveWindow(window: u64) => focus::set_active_window, Done;
    NtUserGetForegroundWindow() => focus::get_foreground_window, Done;
    NtUserSetCapture(window: u64) => focus::set_capture, Done;
    NtUserAttachThreadInput(from: u32, to: u32, attach: u32) => focus::attach_thread_input, Done;
    NtUserGetGUIThreadInfo(thread: u32, info: u64) => focus::get_gui_thread_info, Done;
    NtUserSetWindowsHookEx(instance: u64, module: UserPtr<UnicodeString>, thread: u32, kind: u32, function: u64, ansi: u32) => hook::set_windows_hook, Partial("journals are refused");
    NtUserUnhookWindowsHookEx(hook: u64) => hook::unhook, Done;
    NtUserCallNextHookEx(hook: u64, code: u32, wparam: u64, lparam: u64) => hook::call_next, Done;
    NtUserCallMsgFilter(message: u64, code: u32) => hook::call_message_filter, Done;
    NtUserSetWinEventHook(first: u32, last: u32, instance: u64, module: UserPtr<UnicodeString>, function: u64, process: u32, thread: u32, flags: u32) => hook::set_event_hook, Done;
    NtUserUnhookWinEvent(hook: u64) => hook::unhook_event, Done;
    NtUserNotifyWinEvent(event: u32, window: u64, object: u32, child: u32) => hook::notify_event, Done;
    NtUserSendInput(count: u32, inputs: u64, size: u32) => input::send_input, Partial("of mouse and keyboard");
    NtUserSetCursorPos(x: u32, y: u32) => input::set_cursor_pos, Done;
    NtUserClipCursor(rect: u64) => input::clip_cursor, Done;
    NtUserGetMouseMovePointsEx(size: u32, from: u64, to: u64, count: u32, resolution: u32) => input::get_mouse_move_points, Partial("places on the screen");
    NtUserRegisterHotKey(window: u64, id: u32, modifiers: u32, key: u32) => input::register_hot_key, Done;
    NtUserUnregisterHotKey(window: u64, id: u32) => input::unregister_hot_key, Done;
    NtUserGetKeyState(key: u32) => keyboard::get_key_state, Done;
    NtUserGetAsyncKeyState(key: u32) => keyboard::get_async_key_state, Done;
    NtUserGetKeyboardState(state: u64) => keyboard::get_keyboard_state, Done;
    NtUserSetKeyboardState(state: u64) => keyboard::set_keyboard_state, Done;
    NtUserVkKeyScanEx(character: u32, layout: u64) => keyboard::key_scan, Partial("the American layout");
    NtUserMapVirtualKeyEx(code: u32, how: u32, layout: u64) => keyboard::map_key, Partial("the American layout");
    NtUserGetKeyNameText(lparam: u32, buffer: u64, size: u32) => keyboard::key_name, Partial("the American layout");
    NtUserToUnicodeEx(key: u32, scan: u32, state: u64, text: u64, size: u32, flags: u32, layout: u64) => keyboard::to_unicode, Partial("the American layout");
    NtUserTranslateMessage(message: u64, flags: u32) => keyboard::translate_message, Done;
    NtUserGetKeyboardLayout(thread: u32) => keyboard::get_layout, Partial("of the calling thread");
    NtUserActivateKeyboardLayout(layout: u64, flags: u32) => keyboard::activate_layout, Partial("layouts of the user's language");
    NtUserGetKeyboardLayoutList(size: u32, list: u64) => keyboard::layout_list, Partial("the one that is there");
    NtUserGetKeyboardLayoutName(name: u64) => keyboard::layout_name, Done;
    NtUserWindowFromPoint(x: u32, y: u32) => mouse::from_point, Done;
    NtUserChildWindowFromPointEx(parent: u64, x: u32, y: u32, flags: u32) => mouse::child_from_point, Done;
    NtUserRealChildWindowFromPoint(parent: u64, x: u32, y: u32) => mouse::real_child_from_point, Partial("group boxes are not passed over");
    NtUserTrackMouseEvent(event: u64) => mouse::track_event, Done;
    NtUserRegisterRawInputDevices(devices: u64, count: u32, size: u32) => raw::register, Partial("devices by usage, not by page");
    NtUserGetRegisteredRawInputDevices(devices: u64, count: UserPtr<u32>, size: u32) => raw::registered, Done;
    NtUserGetRawInputDeviceList(devices: u64, count: UserPtr<u32>, size: u32) => raw::device_list, Done;
    NtUserGetRawInputDeviceInfo(device: u64, command: u32, data: u64, size: UserPtr<u32>) => raw::device_info, Done;
    NtUserGetRawInputData(handle: u64, command: u32, data: u64, size: UserPtr<u32>, header: u32) => raw::data, Done;
    NtUserGetRawInputBuffer(data: u64, size: UserPtr<u32>, header: u32) => raw::buffer, Done;
    NtUserCreateCaret(window: u64, bitmap: u64, width: u32, height: u32) => caret::create, Done;
    NtUserHideCaret(window: u64) => caret::hide, Done;
    NtUserShowCaret(window: u64) => caret::show, Done;
    NtUserGetCaretPos(point: UserPtr<[i32; 2]>) => caret::get_place, Done;
    NtUserGetCaretBlinkTime() => caret::get_blink_time, Done;
    NtUserSetCursorIconData(cursor: u64, module: UserPtr<UnicodeString>, name: UserPtr<UnicodeString>, description: u64) => icon::set_data, Done;
    NtUserFindExistingCursorIcon(module: UserPtr<UnicodeString>, name: UserPtr<UnicodeString>, resource: u64) => icon::find_existing, Done;
    NtUserDestroyCursor(cursor: u64, argument: u32) => icon::destroy, Done;
    NtUserGetIconSize(icon: u64, step: u32, width: UserPtr<u32>, height: UserPtr<u32>) => icon::size, Done;
    NtUserGetCursorFrameInfo(cursor: u64, step: u32, rate: UserPtr<u32>, count: UserPtr<u32>) => icon::frame_info, Done;
    NtUserGetIconInfo(icon: u64, info: u64, module: UserPtr<UnicodeString>, name: UserPtr<UnicodeString>, depth: u64, unknown: u32) => icon::info, Done;
    NtUserDrawIconEx(dc: u32, x: u32, y: u32, icon: u64, width: u32, height: u32, step: u32, brush: u32, flags: u32) => icon::draw, Partial("DI_NOMIRROR");
    NtUserSetCursor(cursor: u64) => icon::set_cursor, Done;
    NtUserGetCursor() => icon::get_cursor, Done;
    NtUserShowCursor(show: u32) => icon::show_cursor, Done;
    NtUserGetCursorInfo(info: u64) => icon::cursor_info, Done;
    NtUserCreateAcceleratorTable(table: u64, count: u32) => accelerator::create, Done;
    NtUserDestroyAcceleratorTable(table: u64) => accelerator::destroy, Done;
    NtUserCopyAcceleratorTable(table: u64, to: u64, count: u32) => accelerator::copy, Done;
    NtUserTranslateAccelerator(window: u64, table: u64, message: u64) => accelerator::translate, Partial("commands of menus, which would be asked whether they are enabled");
    NtUserOpenClipboard(window: u64, unknown: u64) => clipboard::open, Done;
    NtUserCloseClipboard() => clipboard::close, Done;
    NtUserEmptyClipboard() => clipboard::empty, Done;
    NtUserSetClipboardData(format: u32, handle: u64, parameters: u64) => clipboard::set_data, Done;
    NtUserGetClipboardData(format: u32, parameters: u64) => clipboard::get_data, Done;
    NtUserCountClipboardFormats() => clipboard::count_formats, Done;
    NtUserIsClipboardFormatAvailable(format: u32) => clipboard::is_available, Done;
    NtUserGetUpdatedClipboardFormats(formats: u64, room: u32, count: UserPtr<u32>) => clipboard::updated_formats, Done;
    NtUserGetPriorityClipboardFormat(list: UserPtr<u32>, count: u32) => clipboard::priority_format, Done;
    NtUserGetClipboardFormatName(format: u32, buffer: u64, room: u32) => clipboard::format_name, Done;
    NtUserGetClipboardOwner() => clipboard::owner, Done;
    NtUserGetClipboardViewer() => clipboard::viewer, Done;
    NtUserGetOpenClipboardWindow() => clipboard::open_window, Done;
    NtUserGetClipboardSequenceNumber() => clipboard::sequence, Done;
    NtUserSetClipboardViewer(window: u64) => clipboard::set_viewer, Done;
    NtUserChangeClipboardChain(window: u64, next: u64) => clipboard::change_chain, Done;
    NtUserAddClipboardFormatListener(window: u64) => clipboard::add_listener, Done;
    NtUserRemoveClipboardFormatListener(window: u64) => clipboard::remove_listener, Done;
    NtUserCreateInputContext(client: u64) => imm::create, Done;
    NtUserDestroyInputContext(context: u64) => imm::destroy, Done;
    NtUserUpdateInputContext(context: u64, attribute: u32, value: u64) => imm::update, Done;
    NtUserQueryInputContext(context: u64, attribute: u32) => imm::query, Done;
    NtUserAssociateInputContext(window: u64, context: u64, flags: u32) => imm::associate, Done;
    NtUserBuildHimcList(thread: u32, count: u32, buffer: u64, size: UserPtr<u32>) => imm::build_list, Done;
    NtUserDisableThreadIme(thread: u32) => imm::disable, Done;
    NtUserNotifyIMEStatus(window: u64, status: u32) => imm::notify_status, Done;
    NtUserSystemParametersInfo(action: u32, value: u32, data: u64, flags: u32) => sysparams::info::parameters, Partial("nothing that an accessibility feature would need is kept");
    NtUserSystemParametersInfoForDpi(action: u32, value: u32, data: u64, flags: u32, dpi: u32) => sysparams::info::parameters_for_dpi, Done;
    NtUserSetSysColors(count: u32, indexes: UserPtr<u32>, values: UserPtr<u32>) => sysparams::colors::set_colours, Done;
    NtUserGetDoubleClickTime() => sysparams::get_double_click_time, Done;
    NtUserSetProcessDpiAwarenessContext(context: u32, unknown: u32) => dpi::set_process_context, Partial("windows of programs that know of no DPI are not stretched");
    NtUserGetProcessDpiAwarenessContext(process: u64) => dpi::get_process_context, Partial("of the calling process");
    NtUserGetSystemDpiForProcess(process: u64) => dpi::system_for_process, Done;
    NtUserGetDpiForMonitor(monitor: u64, kind: u32, x: UserPtr<u32>, y: UserPtr<u32>) => dpi::of_monitor, Done;
    NtUserLogicalToPerMonitorDPIPhysicalPoint(window: u64, point: UserPtr<[i32; 2]>) => dpi::convert_point, Done;
    NtUserPerMonitorDPIPhysicalToLogicalPoint(window: u64, point: UserPtr<[i32; 2]>) => dpi::convert_point, Done;
    NtUserEnumDisplayMonitors(dc: u64, rect: u64, function: u64, parameter: u64) => monitor::enumerate, Partial("a device context's area is taken for the screen's");
    NtUserEnumDisplayDevices(device: UserPtr<UnicodeString>, index: u32, info: u64, flags: u32) => monitor::enumerate_devices, Done;
    NtUserEnumDisplaySettings(device: UserPtr<UnicodeString>, mode: u32, settings: u64, flags: u32) => display_settings::enumerate, Done;
    NtUserChangeDisplaySettings(device: UserPtr<UnicodeString>, settings: u64, window: u64, flags: u32, parameter: u64) => display_settings::change, Partial("nothing is kept beyond the session");
    NtUserSetShellWindowEx(shell: u64, list: u64) => coded::set_shell_window, Done;
};

/// All windows are to be painted anew.
fn paint_all(cx: &crate::call::Cx<'_>) -> super::User<()> {
    /// RDW_INVALIDATE, RDW_ERASE, RDW_ALLCHILDREN, RDW_UPDATENOW.
    const ALL: u32 = 0x1 | 0x4 | 0x80 | 0x100;
    paint::redraw(cx, 0, None, ALL).map(drop)
}

/// Inverts a rectangle of a window's client area, or draws a bitmap there by inversion.
fn invert(cx: &crate::call::Cx<'_>, window: u32, rect: &super::geometry::Rect, bitmap: Option<u32>) -> super::User<()> {
    use super::gdi::{bitmap as bitmaps, blit, dc as contexts, objects};
    /// DCX_CACHE, DCX_USESTYLE; DSTINVERT, SRCINVERT.
    const HOW: u32 = 0x2 | 0x1_0000;
    const INVERT: u32 = 0x0055_0009;
    const SOURCE_INVERT: u32 = 0x0066_0046;
    let dc = dce::get(cx, window.into(), None, HOW)?;
    let (width, height) = (rect.width(), rect.height());
    let drawn = match bitmap {
        None => blit::pattern(cx, dc, rect.left, rect.top, width, height, INVERT),
        Some(bitmap) => {
            let memory = contexts::create_compatible(cx, dc)? as u32;
            let selected = bitmaps::select(cx, memory, bitmap);
            let drawn = blit::copy(cx, dc, rect.left, rect.top, width, height, memory, 0, 0, SOURCE_INVERT, 0, 0);
            objects::delete(cx, memory)?;
            selected.and(drawn)
        }
    };
    dce::release(cx, dc, false);
    drawn.map(drop)
}
