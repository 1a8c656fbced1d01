//! What a process keeps of the window server for itself: its classes, its window procedures, what user32 told of itself.

use super::class::Classes;
use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// Procedures that user32 has of its own, each for both kinds of text: `enum ntuser_client_procs` of Wine 10's `include/ntuser.h`.
pub const CLIENT_PROCEDURES: usize = 17;
/// Those of the classes that every process has.
pub mod client {
    /// Scroll bars.
    pub const SCROLLBAR: u32 = 0;
    /// Windows that messages are for.
    pub const MESSAGE: u32 = 1;
    /// Menus.
    pub const MENU: u32 = 2;
    /// The desktop.
    pub const DESKTOP: u32 = 3;
    /// Titles of icons.
    pub const ICON_TITLE: u32 = 5;
    /// Buttons.
    pub const BUTTON: u32 = 7;
    /// Combo boxes, and their lists.
    pub const COMBO: u32 = 8;
    /// The list of a combo box.
    pub const COMBO_LIST: u32 = 9;
    /// Dialogs.
    pub const DIALOG: u32 = 10;
    /// Edit controls.
    pub const EDIT: u32 = 11;
    /// Lists.
    pub const LISTBOX: u32 = 12;
    /// MDI clients.
    pub const MDI_CLIENT: u32 = 13;
    /// Texts and pictures.
    pub const STATIC: u32 = 14;
    /// Input methods.
    pub const IME: u32 = 15;
}

/// State of a process.
#[derive(Default)]
pub struct Process {
    /// Its classes.
    pub classes: Classes,
    /// Its window procedures.
    pub procedures: Procedures,
    /// Where user32 lies.
    pub module: AtomicU64,
    /// Surfaces that it draws on.
    pub surfaces: super::surface::Surfaces,
    /// Documents that are printed.
    pub documents: crate::win32k::print::spool::Documents,
    /// Printers that were opened.
    pub printers: crate::win32k::print::job::Opened,
    /// Device contexts of windows.
    pub dces: super::dce::Dces,
    /// The user's settings, as far as they were asked for.
    pub settings: super::sysparams::kept::Read,
    /// Brushes and pens of the system's colours.
    pub tools: super::sysparams::colors::Tools,
    /// How it takes pixels to the inch: a context, 0 until it says so.
    pub dpi: AtomicU32,
    /// Whether it waited for messages yet.
    pub idle: AtomicBool,
    /// Windows that flash.
    pub flashing: Mutex<Vec<super::flash::Flashing>>,
    /// Its window station and desktops.
    pub stations: super::station::Stations,
    /// What its windows are laid out like (SetProcessDefaultLayout).
    pub layout: AtomicU32,
    /// Its cursors and icons.
    pub icons: super::icon::Icons,
    /// Handles of what lies on the clipboard.
    pub clipboard: super::clipboard::Cache,
    /// When it looks at what feeds the host.
    pub power: super::power::Watch,
    /// Tables of accelerators.
    pub accelerators: super::accelerator::Tables,
    /// Windows for input methods.
    pub ime: super::ime::Windows,
    /// Its menus.
    pub menus: super::menu::Menus,
    /// A brush of every other pixel, once it was asked for.
    pub checked: Mutex<u32>,
    /// Fonts and bitmaps that its windows are drawn with.
    pub fonts: super::draw::Fonts,
    /// By number: OBM_*.
    pub bitmaps: Mutex<Vec<(u32, u32)>>,
    /// Width and height of the menu font's letters, once a menu was measured.
    pub menu_letter: OnceLock<(i32, i32)>,
    /// The scroll bar that is being used.
    pub scrolling: super::scrollbar::Scrolling,
    /// Alt and F10.
    pub keys: Mutex<super::command::Keys>,
    /// Windows that are to be moved together.
    pub deferred: super::defer::Deferred,
    /// What its rich edits print with.
    pub rich_edits: super::richedit::RichEdits,
    /// How far the classes that every process has are registered: see `class::register_builtins`.
    pub builtins: AtomicU32,
}

/// A window procedure, for ANSI texts, for UTF-16, or for both; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Procedure {
    /// What takes ANSI texts.
    pub ansi: u64,
    /// What takes UTF-16.
    pub unicode: u64,
}

/// The upper half of a procedure's handle.
const HANDLE: u64 = 0xffff;
/// Most procedures that are given handles; others are known by their address, and are taken to be of the kind that calls them.
const MOST: usize = 4096;

/// Window procedures that were given handles. They are never taken back: programs have few.
#[derive(Default)]
pub struct Procedures(Mutex<Vec<Procedure>>);

/// Room for user32's own, which come first.
fn reserve(all: &mut Vec<Procedure>) {
    if all.len() < CLIENT_PROCEDURES {
        all.resize(CLIENT_PROCEDURES, Procedure { ansi: 0, unicode: 0 });
    }
}

impl Procedures {
    /// Takes user32's own, in the order of [`client`].
    pub fn set_client(&self, ansi: &[u64], unicode: &[u64]) {
        let mut all = self.0.lock();
        reserve(&mut all);
        for ((slot, ansi), unicode) in all.iter_mut().zip(ansi).zip(unicode) {
            *slot = Procedure { ansi: *ansi, unicode: *unicode };
        }
    }

    /// The handle of one of user32's own.
    pub fn client(number: u32) -> u64 {
        HANDLE << 16 | u64::from(number)
    }

    /// The procedure that a handle stands for.
    pub fn get(&self, handle: u64) -> Option<Procedure> {
        (handle >> 16 == HANDLE).then(|| self.0.lock().get((handle & 0xffff) as usize).copied())?
    }

    /// A handle for a procedure that takes one kind of text: what windows and classes keep.
    pub fn handle(&self, procedure: u64, ansi: bool) -> u64 {
        if procedure == 0 || self.get(procedure).is_some() {
            return procedure;
        }
        let mut all = self.0.lock();
        reserve(&mut all);
        let same = |(index, held): &(usize, &Procedure)| {
            // Of user32's own either will do: programs mix them up.
            let own = *index < CLIENT_PROCEDURES;
            (own || ansi) && held.ansi == procedure || (own || !ansi) && held.unicode == procedure
        };
        let found = all.iter().enumerate().find(same).map(|(index, _)| index);
        let index = match found {
            Some(index) => index,
            None if all.len() >= MOST => return procedure,
            None if ansi => {
                all.push(Procedure { ansi: procedure, unicode: 0 });
                all.len() - 1
            }
            None => {
                all.push(Procedure { ansi: 0, unicode: procedure });
                all.len() - 1
            }
        };
        HANDLE << 16 | index as u64
    }

    /// What a program that asks for a procedure is told: an address where it can call that itself, else the handle.
    pub fn shown(&self, handle: u64, ansi: bool) -> u64 {
        let held = self.get(handle).map(|held| if ansi { held.ansi } else { held.unicode });
        held.filter(|address| *address != 0).unwrap_or(handle)
    }

    /// Whether a procedure takes UTF-16; `default` where it may take either.
    pub fn is_unicode(&self, handle: u64, default: bool) -> bool {
        match self.get(handle) {
            None => default,
            Some(held) if held.ansi != 0 && held.unicode != 0 => default,
            Some(held) => held.unicode != 0,
        }
    }
}

/// NtUserInitializeClientPfnArrays: user32 tells where its own procedures are. `workers` are none that the kernel calls.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn initialize(cx: &Cx<'_>, ansi: UserPtr<u64>, unicode: UserPtr<u64>, _workers: u64, module: u64) -> Nt {
    let ansi = ansi.read_vec(cx.k, CLIENT_PROCEDURES)?;
    let unicode = unicode.read_vec(cx.k, CLIENT_PROCEDURES)?;
    cx.k.user.procedures.set_client(&ansi, &unicode);
    cx.k.user.module.store(module, std::sync::atomic::Ordering::Release);
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procedure_is_known_by_a_handle_and_shown_as_an_address() {
        let all = Procedures::default();
        all.set_client(&[0x10; CLIENT_PROCEDURES], &[0x20; CLIENT_PROCEDURES]);
        let mine = all.handle(0x5000, true);
        assert_eq!(mine, 0xffff_0000 | CLIENT_PROCEDURES as u64);
        assert_eq!([all.handle(0x5000, true), all.handle(mine, false)], [mine; 2]);
        assert_ne!(all.handle(0x5000, false), mine, "the same code for the other kind of text is another procedure");
        assert_eq!([all.shown(mine, true), all.shown(mine, false)], [0x5000, mine]);
        // user32's own are both, whoever asks.
        assert_eq!(all.handle(0x10, false), Procedures::client(0));
        assert!(all.is_unicode(Procedures::client(3), true) && !all.is_unicode(Procedures::client(3), false));
        assert!(!all.is_unicode(mine, true) && all.is_unicode(0x1234, true));
        assert_eq!(all.handle(0, true), 0);
    }
}
