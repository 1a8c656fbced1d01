//! Desktops beside the first one: each has windows of its own. What is there of the user (keys, cursor, clipboard, hooks) all have in common.
//!
//! A desktop is the body of its shared object; the one that there is from the start has none, and is number 0 here.

use super::window::{VISIBLE, field};
use super::{desk, root};
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::shm::object::field as object;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a desktop; the first would be a block that goes with it.
mod body {
    /// Node in the list of all.
    pub const NODE: u32 = 1;
    /// Its window, and the parent of message-only windows: records, 0 before the first.
    pub const TOP: u32 = 3;
    pub const MESSAGE: u32 = 4;
    /// Its object.
    pub const OBJECT: u32 = 5;
    /// The shell's window there: a handle.
    pub const SHELL: u32 = 6;
    pub const COUNT: u32 = 7;
}

impl Tx<'_> {
    /// From now on this transaction's desktop is that one.
    pub fn on_desktop(&mut self, desktop: u32) {
        self.desktop = Some(desktop);
    }

    /// The desktop that the user sees.
    pub fn input_desktop(&self) -> u32 {
        self.user_root().map_or(0, |root| self.link(root + root::INPUT_DESKTOP))
    }

    /// The user sees another desktop.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_input_desktop(&mut self, desktop: u32) -> Nt<()> {
        let root = self.user()?;
        self.set(root + root::INPUT_DESKTOP, desktop);
        self.set(root + root::FOREGROUND, 0);
        // The cursor is free there.
        if let Some(desk) = self.desk() {
            self.set(desk + super::desk::field::CLIPPED, 0);
        }
        self.windows_changed();
        Ok(())
    }

    /// The desktop that a shared object is.
    pub fn desktop_of(&self, of: u32) -> u32 {
        self.link(of + object::BODY)
    }

    /// The object of a desktop that is not the first.
    pub fn object_of_desktop(&self, desktop: u32) -> u32 {
        self.link(desktop + body::OBJECT)
    }

    /// A new object is a further desktop.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_desktop(&mut self, of: u32) -> Nt<()> {
        let root = self.user()?;
        let desktop = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(desktop + body::OBJECT, of);
        self.set(of + object::BODY, desktop);
        List(root + root::DESKTOPS).push(self, desktop + body::NODE);
        Ok(())
    }

    /// Where this transaction's desktop keeps its window, or the parent of message-only ones.
    pub(super) fn desktop_word(&self, message: bool) -> u32 {
        let desktop = self.desktop.unwrap_or_else(|| self.input_desktop());
        self.word_of_desktop(desktop, message)
    }

    fn word_of_desktop(&self, desktop: u32, message: bool) -> u32 {
        match (desktop, message) {
            (0, message) => self.user_root().map_or(0, |at| at + if message { root::MESSAGE } else { root::DESKTOP }),
            (at, false) => at + body::TOP,
            (at, true) => at + body::MESSAGE,
        }
    }

    fn word_of_shell(&self) -> u32 {
        match self.desktop.unwrap_or_else(|| self.input_desktop()) {
            0 => self.desk().map_or(0, |desk| desk + desk::field::SHELL),
            desktop => desktop + body::SHELL,
        }
    }

    /// The window of this transaction's desktop that is the shell's: a handle. Without a shell the first desktop's own window stands for it.
    pub fn shell_window(&self) -> u32 {
        let word = self.word_of_shell();
        let held = if word == 0 { 0 } else { self.get(word) };
        if self.window(held).is_some() {
            return held;
        }
        let first = self.desktop.unwrap_or_else(|| self.input_desktop()) == 0;
        if first { self.handle_of(self.root_window(false)) } else { 0 }
    }

    /// A window is the shell's from now on, if none is: answers whether it is.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_shell_window(&mut self, window: u32) -> Nt<bool> {
        self.make_desk()?;
        let word = self.word_of_shell();
        if window != 0 && self.window(self.get(word)).is_some() {
            return Ok(false);
        }
        self.set(word, window);
        Ok(true)
    }

    /// The windows that those of all desktops lie in.
    pub(super) fn all_roots(&self) -> Vec<u32> {
        let Some(root) = self.user_root() else { return Vec::new() };
        let further = List(root + root::DESKTOPS).nodes(self).into_iter().map(|node| node - body::NODE);
        let words = std::iter::once(0).chain(further).flat_map(|desktop| [(desktop, false), (desktop, true)]);
        let windows = words.map(|(desktop, message)| self.link(self.word_of_desktop(desktop, message)));
        windows.filter(|window| *window != 0).collect()
    }

    /// The window of a desktop, 0 before the first.
    pub(super) fn window_of_desktop(&self, desktop: u32) -> u32 {
        match self.word_of_desktop(desktop, false) {
            0 => 0,
            word => self.link(word),
        }
    }

    /// Whether a window is a desktop's own, which top-level windows lie in.
    pub fn is_desktop(&self, window: u32) -> bool {
        window != 0 && self.is_root(window) && self.get(window + field::STYLE) & VISIBLE != 0
    }

    /// An object goes: a desktop goes with its windows, which belong to nobody by then.
    pub(in crate::shm) fn drop_desktop(&mut self, of: u32, desktop: u32) {
        if self.type_of(of) != number(Type::Desktop) {
            return;
        }
        let Some(root) = self.user_root() else { return };
        List(root + root::DESKTOPS).remove(self, desktop + body::NODE);
        if self.link(root + root::INPUT_DESKTOP) == desktop {
            self.set(root + root::INPUT_DESKTOP, 0);
            self.windows_changed();
        }
        for word in [body::TOP, body::MESSAGE] {
            let window = self.get(desktop + word);
            if window != 0 {
                for child in self.children(window) {
                    self.unlink(child);
                    self.set(child + field::PARENT, 0);
                }
                self.set(desktop + word, 0);
                self.drop_window(window);
            }
        }
    }
}
