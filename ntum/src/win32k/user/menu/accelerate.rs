//! A command by its key: whoever has it in a menu is asked to bring that up to date first, and what is gray there is not done.

use super::super::super::User;
use super::super::nonclient::Look;
use super::super::procedure::Letter;
use super::super::session::Window;
use super::popup::{INIT_MENU_POPUP, tell};
use super::{All, DEEPEST, item, mf, system};
use crate::call::Cx;
use crate::shm::user::window::{CHILD, MINIMIZE, field};

/// WM_COMMAND with 1 in the upper half (it comes from an accelerator), WM_SYSCOMMAND with the same of its second parameter; WM_INITMENU.
const COMMAND: u32 = 0x111;
const SYS_COMMAND: u32 = 0x112;
const FROM_ACCELERATOR: u64 = 1 << 16;
const INIT_MENU: u32 = 0x116;
/// WS_DISABLED.
const DISABLED: u32 = 0x0800_0000;

/// The place of a menu in whichever one opens it, below a menu.
fn place_of(all: &All, handle: u64, below: u64, depth: usize) -> Option<usize> {
    let menu = all.get(handle).filter(|_| depth <= DEEPEST)?;
    let direct = menu.items.iter().position(|item| item.popup == below);
    direct.or_else(|| menu.items.iter().find_map(|item| place_of(all, item.popup, below, depth + 1)))
}

/// Has a menu brought up to date that a command is in; answers the command's state there.
fn ask(cx: &Cx<'_>, window: u64, menu: u64, holds: u64, command: u32) -> u32 {
    tell(cx, window, INIT_MENU, menu, 0);
    let is_system = cx.k.user.menus.all().get(menu).is_some_and(|menu| menu.is_system());
    if holds != menu {
        let place = place_of(&cx.k.user.menus.all(), menu, holds, 0).unwrap_or(0) as u64;
        tell(cx, window, INIT_MENU_POPUP, holds, place | u64::from(is_system) << 16);
    }
    item::state(cx, menu, command, 0)
}

/// Tells a window of a command.
pub(in super::super) fn command(cx: &Cx<'_>, window: &Window, command: u16) -> User<()> {
    let look = Look::of(cx, window.handle.into())?;
    let (handle, command) = (u64::from(window.handle), u32::from(command));
    let own = match look.style & CHILD {
        0 => cx.windows()?.window_wide(window.record, field::ID),
        _ => 0,
    };
    let holder = system::holder(cx, handle);
    let in_menu = |menu: u64| cx.k.user.menus.all().find(menu, command, 0).map(|(holds, _)| (menu, holds));
    let (menu, of_system) = match in_menu(holder) {
        Some(found) => (Some(found), true),
        None => (in_menu(own), false),
    };
    let plain = Letter { message: COMMAND, wparam: u64::from(command) | FROM_ACCELERATOR, lparam: 0, ansi: false };
    let Some((menu, holds)) = menu else { return cx.send(window, &plain).map(drop) };
    if super::super::focus::captured(cx)? != 0 || look.style & DISABLED != 0 {
        return Ok(());
    }
    if ask(cx, handle, menu, holds, command) & (mf::DISABLED | mf::GRAYED) != 0 {
        return Ok(());
    }
    // It may be gone, or shown otherwise.
    let look = Look::of(cx, handle)?;
    let letter = match of_system {
        true => Letter { message: SYS_COMMAND, wparam: command.into(), lparam: FROM_ACCELERATOR, ansi: false },
        false if look.style & MINIMIZE != 0 => return Ok(()),
        false => plain,
    };
    cx.send(&look.window, &letter).map(drop)
}
