//! Windows, messages, input: behind win32u's NtUser calls.
//!
//! What processes share of it lies in the sandbox's memory (`shm::user`): the tree of windows, the queues, the input. What a process has for
//! itself - classes, procedures - is [`process::Process`]. A window's procedure is guest code and runs through [`crate::ps::callback`], with no
//! transaction open and no lock held: whatever a call looked up before, it looks up again behind one.

pub mod activation;
pub mod class;
pub mod coded;
pub mod create;
pub mod dce;
pub mod default;
pub mod default_paint;
pub mod destroy;
pub mod get;
pub mod internal;
pub mod limits;
pub mod long;
pub mod pack;
pub mod paint;
pub mod parent;
pub mod placement;
pub mod position;
pub mod procedure;
pub mod process;
pub mod prop;
pub mod send;
pub mod session;
pub mod settings;
pub mod show;
pub mod surface;
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
    NtUserPeekMessage(message: u64, window: u64, first: u32, last: u32, flags: u32) => get::peek_message, Partial("input, hot keys, painting, hooks");
    NtUserGetMessage(message: u64, window: u64, first: u32, last: u32) => get::get_message, Partial("input, hot keys, painting, hooks");
    NtUserPostMessage(window: u64, message: u32, wparam: u64, lparam: u64) => get::post_message, Done;
    NtUserPostThreadMessage(thread: u32, message: u32, wparam: u64, lparam: u64) => get::post_thread_message, Done;
    NtUserGetQueueStatus(flags: u32) => get::get_queue_status, Done;
    NtUserDispatchMessage(message: u64) => get::dispatch_message, Partial("painting");
    NtUserMessageCall(window: u64, message: u32, wparam: u64, lparam: u64, info: u64, what: u32, ansi: u32) => send::message_call, Partial("hooks; of DefWindowProc what is about text, icons and closing; procedures of scroll bars, menus, the tray");
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
    NtUserCreateWindowEx(extended_style: u32, class: UserPtr<UnicodeString>, version: UserPtr<UnicodeString>, name: UserPtr<UnicodeString>, style: u32, x: u32, y: u32, width: u32, height: u32, parent: u64, menu: u64, instance: u64, parameters: u64, flags: u32, client_instance: u64, unknown: u32, ansi: u32) => create::create, Partial("menus, hooks");
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
    NtUserCallNoParam(code: u32) => coded::no_param, Partial("carets, the shell's windows");
    NtUserCallOneParam(argument: u64, code: u32) => coded::one_param, Partial("messages, screen, metrics, colours; not menus, icons, brushes, the clipboard");
    NtUserCallTwoParam(first: u64, second: u64, code: u32) => coded::two_param, Partial("procedures, metrics; not menus, monitors, carets");
    NtUserCallHwnd(window: u64, code: u32) => coded::hwnd, Partial("not menus, activation, the shell's windows");
    NtUserCallHwndParam(window: u64, param: u64, code: u32) => coded::hwnd_param, Partial("not scroll bars, regions, monitors");
};
