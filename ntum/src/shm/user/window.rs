//! Windows: their records and the tree that they form.

use super::handle::Kind;
use super::surface::Surface;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;

/// Words of a window's record.
pub(crate) mod field {
    /// Node in the parent's list of children, which is in z-order, the top first.
    pub const NODE: u32 = 0;
    /// Its handle.
    pub const HANDLE: u32 = 2;
    /// Children: a list.
    pub const CHILDREN: u32 = 3;
    /// Parent and owner: records, 0 for none.
    pub const PARENT: u32 = 5;
    pub const OWNER: u32 = 6;
    /// The record of the member that it belongs to; numbers of its process and thread; the thread's queue.
    pub const MEMBER: u32 = 7;
    pub const PROCESS: u32 = 8;
    pub const THREAD: u32 = 9;
    pub const QUEUE: u32 = 10;
    /// The class's atom, and its number within the process.
    pub const ATOM: u32 = 11;
    pub const CLASS: u32 = 12;
    /// WS_* and WS_EX_*.
    pub const STYLE: u32 = 13;
    pub const EX_STYLE: u32 = 14;
    /// Bits of [`super::flag`].
    pub const FLAGS: u32 = 15;
    /// Number or menu, module, what SetWindowLong keeps, procedure: two words each.
    pub const ID: u32 = 16;
    pub const INSTANCE: u32 = 18;
    pub const USER_DATA: u32 = 20;
    pub const PROCEDURE: u32 = 22;
    /// Where it is: on the parent's client area.
    pub const WINDOW_RECT: u32 = 24;
    pub const CLIENT_RECT: u32 = 28;
    /// Where it was before it was minimized or maximized; then the icon's place, x and y.
    pub const NORMAL_RECT: u32 = 32;
    pub const ICON_PLACE: u32 = 36;
    /// Its text in UTF-16; properties; bytes beside it: blocks of bytes, 0 for none.
    pub const TEXT: u32 = 38;
    pub const PROPERTIES: u32 = 39;
    pub const EXTRA: u32 = 40;
    /// Its shape, what of it is to be painted: rectangles, blocks of bytes, 0 for none.
    pub const REGION: u32 = 41;
    pub const UPDATE: u32 = 42;
    /// Its popup that was active last, by record.
    pub const LAST_ACTIVE: u32 = 43;
    /// How it is scaled: an NTUSER_DPI_CONTEXT.
    pub const DPI: u32 = 44;
    /// What dialogs, MDI clients, help and system menus keep: two words each.
    pub const DIALOG: u32 = 45;
    pub const MDI: u32 = 47;
    pub const HELP: u32 = 49;
    /// Icons, large and small.
    pub const ICONS: u32 = 50;
    /// State of its scroll bars: a block of bytes.
    pub const SCROLL: u32 = 52;
    /// Its class's name in UTF-16: a block of bytes.
    pub const CLASS_NAME: u32 = 53;
    /// Its pixels, see [`super::super::surface`]: number (two words), columns and rows, what was drawn on since a compositor looked (a rectangle).
    pub const SURFACE: u32 = 54;
    pub const SURFACE_SIZE: u32 = 56;
    pub const DAMAGE: u32 = 58;
    /// How it is mixed with what lies below: flags, opacity, the colour that is not there.
    pub const LAYERED: u32 = 62;
    /// Bits about what is to be painted: see [`super::super::paint`].
    pub const PAINT: u32 = 65;
    /// Where it lies when maximized, x and y, if it was said.
    pub const MAXIMIZED_PLACE: u32 = 66;
    /// Its input context: a handle, 0 for the thread's, all ones for none.
    pub const INPUT_CONTEXT: u32 = 68;
    /// What holds its system menu, by handle; 0 before anybody asked for that.
    pub const SYSTEM_MENU: u32 = 69;
    /// The small icon that was made of the large one, if it has none of its own: a handle.
    pub const SMALL_COPY: u32 = 70;
    /// What its parent's handle was, if that went before it; see [`super::flag::ORPHAN`].
    pub const FORMER_PARENT: u32 = 71;
    /// Number of words.
    pub const COUNT: u32 = 72;
}

/// Bits about a window.
pub(crate) mod flag {
    /// Its procedure takes UTF-16.
    pub const UNICODE: u32 = 1;
    /// It was created whole: WM_CREATE was answered.
    pub const CREATED: u32 = 2;
    /// It is a desktop, or the parent of message-only windows.
    pub const ROOT: u32 = 4;
    /// It was not told its size yet: the first time that it is shown, it is.
    pub const NEED_SIZE: u32 = 8;
    /// Restored from minimized, it is maximized again.
    pub const RESTORE_MAXIMIZED: u32 = 0x10;
    /// It was hidden with its owner, and is shown with it again.
    pub const SHOW_WITH_OWNER: u32 = 0x20;
    /// Its parent went before it, or it is going itself: nothing is put into it, and it nowhere else.
    pub const ORPHAN: u32 = 0x40;
    /// It is not among its parent's children: it is being created, or an orphan.
    pub const UNLINKED: u32 = 0x200;
    /// Its thread has a window for input methods because of it.
    pub const HAS_IME: u32 = 0x400;
    /// Its program asks somebody to look at it, until it is active (FLASHW_TRAY).
    pub const FLASHES: u32 = 0x800;
    /// Its caption looks as an active window's.
    pub const NC_ACTIVE: u32 = 0x100;
}

/// WS_CHILD, WS_POPUP, WS_VISIBLE.
pub const CHILD: u32 = 0x4000_0000;
/// WS_POPUP.
pub const POPUP: u32 = 0x8000_0000;
/// WS_VISIBLE.
pub const VISIBLE: u32 = 0x1000_0000;
/// WS_MINIMIZE.
pub const MINIMIZE: u32 = 0x2000_0000;
/// WS_EX_TOPMOST.
pub const EX_TOPMOST: u32 = 8;

/// Windows deeper than this in each other are refused.
const DEEPEST: usize = 100;

/// What a new window is made of.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The record of the member, numbers of process and thread, and the thread's queue.
    pub member: u32,
    /// Number of the process.
    pub process: u32,
    /// Number of the thread.
    pub thread: u32,
    /// The thread's queue.
    pub queue: u32,
    /// The class's atom and number.
    pub atom: u32,
    /// Its number within the process.
    pub class: u32,
    /// Parent, 0 for none.
    pub parent: u32,
    /// Owner, 0 for none.
    pub owner: u32,
    /// The class's name in UTF-16.
    pub name: Vec<u8>,
    /// Bytes beside the window.
    pub extra: usize,
}

/// A place in z-order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Above all.
    Top,
    /// Below all.
    Bottom,
    /// Right below that window, a record.
    Behind(u32),
    /// Above all, and above others from now on.
    Topmost,
    /// Above all that do not stay on top, if it was one that does.
    NotTopmost,
}

impl Tx<'_> {
    /// The window that a handle stands for: its record.
    pub fn window(&self, handle: u32) -> Option<u32> {
        self.user_record(handle, Kind::Window).filter(|window| *window != 0)
    }

    /// A window's handle; 0 of no window.
    pub fn handle_of(&self, window: u32) -> u32 {
        if window == 0 { 0 } else { self.get(window + field::HANDLE) }
    }

    /// A window record's wide field.
    pub fn window_wide(&self, window: u32, field: u32) -> u64 {
        self.wide(window + field)
    }

    /// Sets a wide field.
    pub fn set_window_wide(&mut self, window: u32, field: u32, value: u64) {
        self.set_wide(window + field, value);
    }

    /// A window record's rectangle.
    pub fn window_rect(&self, window: u32, field: u32) -> Rect {
        self.rect(window + field)
    }

    /// Sets a rectangle.
    pub fn set_window_rect(&mut self, window: u32, field: u32, rect: Rect) {
        self.set_rect(window + field, rect);
    }

    /// A window record's bytes.
    pub fn window_bytes(&self, window: u32, field: u32) -> Vec<u8> {
        self.kept_bytes(window + field)
    }

    /// Replaces them.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_window_bytes(&mut self, window: u32, field: u32, bytes: &[u8]) -> Nt<()> {
        self.replace_bytes(window + field, bytes)
    }

    /// The desktop's window, or the parent of message-only ones; 0 before it is made.
    pub fn root_window(&self, message: bool) -> u32 {
        match self.desktop_word(message) {
            0 => 0,
            word => self.link(word),
        }
    }

    /// That window, made if it is not there: it belongs to no thread.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_root_window(&mut self, message: bool, name: &[u8], rect: Rect) -> Nt<u32> {
        let there = self.root_window(message);
        if there != 0 {
            return Ok(there);
        }
        self.user()?;
        let window = self.make_window(&Made { name: name.to_vec(), ..Made::default() })?;
        self.set(window + field::FLAGS, flag::ROOT | flag::CREATED | flag::UNICODE);
        // WS_POPUP, WS_CLIPCHILDREN, WS_CLIPSIBLINGS; the desktop is visible.
        let visible = if message { 0 } else { VISIBLE };
        self.set(window + field::STYLE, 0x8600_0000 | visible);
        // NTUSER_DPI_PER_MONITOR_AWARE.
        self.set(window + field::DPI, 0x12);
        self.set_rect(window + field::WINDOW_RECT, rect);
        self.set_rect(window + field::CLIENT_RECT, rect);
        let word = self.desktop_word(message);
        self.set(word, window);
        if !message {
            self.make_display()?;
        }
        Ok(window)
    }

    /// A new window, at the top of its siblings.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_window(&mut self, made: &Made) -> Nt<u32> {
        let window = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let handle = self.new_user_handle(Kind::Window, window, made.member)?;
        let facts = [
            (field::HANDLE, handle),
            (field::OWNER, made.owner),
            (field::MEMBER, made.member),
            (field::PROCESS, made.process),
            (field::THREAD, made.thread),
            (field::QUEUE, made.queue),
            (field::ATOM, made.atom),
            (field::CLASS, made.class),
        ];
        for (at, value) in facts {
            self.set(window + at, value);
        }
        self.replace_bytes(window + field::CLASS_NAME, &made.name)?;
        if made.extra != 0 {
            self.replace_bytes(window + field::EXTRA, &vec![0; made.extra])?;
        }
        if made.queue != 0 {
            self.count_window(made.queue, true);
        }
        if made.parent != 0 {
            self.set(window + field::PARENT, made.parent);
            List(made.parent + field::CHILDREN).push_front(self, window + field::NODE);
            self.share_input_of(window, made.parent);
        }
        Ok(window)
    }

    /// A window that lies in another thread's has its input in common with that thread.
    fn share_input_of(&mut self, window: u32, parent: u32) {
        let (queue, above) = (self.link(window + field::QUEUE), self.link(parent + field::QUEUE));
        if queue != 0 && above != 0 && queue != above {
            self.join_input(queue, above);
        }
    }

    /// A window goes, with all that its record keeps; its children are gone before it. Windows that it owned have no owner then.
    pub fn drop_window(&mut self, window: u32) {
        self.unlink(window);
        let queue = self.link(window + field::QUEUE);
        if queue != 0 {
            self.count_window(queue, false);
            self.forget_window(queue, window);
        }
        for top in self.all_roots() {
            self.disown(top, window);
        }
        let blocks = [
            field::TEXT,
            field::PROPERTIES,
            field::EXTRA,
            field::REGION,
            field::UPDATE,
            field::SCROLL,
            field::CLASS_NAME,
        ];
        for at in blocks {
            let block = self.get(window + at);
            if block != 0 {
                self.free(block);
            }
        }
        if self.surface(window).number != 0 {
            self.set_surface(window, &Surface::default());
        }
        self.unlock_painting(window);
        self.paint_loses(window);
        self.tray_loses(self.get(window + field::HANDLE));
        if self.get(window + field::STYLE) & VISIBLE != 0 {
            self.windows_changed();
        }
        self.free_user_handle(self.get(window + field::HANDLE));
        self.free(window);
    }

    /// Takes a window out of its parent's children, until it is put somewhere in their order.
    pub fn unlink(&mut self, window: u32) {
        let (parent, flags) = (self.link(window + field::PARENT), self.get(window + field::FLAGS));
        if parent != 0 && flags & flag::UNLINKED == 0 {
            List(parent + field::CHILDREN).remove(self, window + field::NODE);
            self.set(window + field::NODE, 0);
            self.set(window + field::NODE + 1, 0);
            self.set(window + field::FLAGS, flags | flag::UNLINKED);
        }
    }

    /// It is among them again.
    fn linked(&mut self, window: u32) {
        let flags = self.get(window + field::FLAGS);
        self.set(window + field::FLAGS, flags & !flag::UNLINKED);
    }

    fn disown(&mut self, parent: u32, gone: u32) {
        for child in self.children(parent) {
            for at in [field::OWNER, field::LAST_ACTIVE] {
                if self.get(child + at) == gone {
                    self.set(child + at, 0);
                }
            }
        }
    }

    /// A window's children in z-order, the top first: records.
    pub fn children(&self, window: u32) -> Vec<u32> {
        let mut all = List(window + field::CHILDREN).nodes(self);
        // Damaged memory may have a window lie in two, or in itself: who looks at all that lies in one would go on for ever.
        all.retain(|child| self.link(child + field::PARENT) == window);
        if !all.is_empty() && self.ancestors(window).len() > DEEPEST * 2 {
            all.clear();
        }
        all
    }

    /// The sibling below a window, or above it; 0 for none.
    pub fn sibling(&self, window: u32, above: bool) -> u32 {
        let node = self.get(window + field::NODE + u32::from(above));
        node.saturating_sub(field::NODE)
    }

    /// Puts a window elsewhere in z-order among its siblings. Where it comes to lie may make it one of those that stay on top, or end that.
    pub fn restack(&mut self, window: u32, order: Order) {
        let parent = self.link(window + field::PARENT);
        if parent == 0 {
            return;
        }
        let topmost = |tx: &Self, window: u32| tx.get(window + field::EX_STYLE) & EX_TOPMOST != 0;
        let mut mine = topmost(self, window);
        if order == Order::NotTopmost && !mine || self.get(window + field::FLAGS) & flag::ORPHAN != 0 {
            return;
        }
        let list = List(parent + field::CHILDREN);
        self.unlink(window);
        self.linked(window);
        let all = self.children(parent);
        let owner = self.link(window + field::OWNER);
        // Where the topmost ones end; above its owner a window is one too.
        let mut place = 0;
        match order {
            Order::Topmost => mine = true,
            Order::Top | Order::NotTopmost => {
                if order == Order::NotTopmost {
                    mine = false;
                }
                if !mine {
                    let edge = |other: &u32| topmost(self, *other) && *other != owner;
                    place = all.iter().take_while(|other| edge(other)).count();
                    mine = owner != 0 && all.get(place) == Some(&owner) && topmost(self, owner);
                }
            }
            Order::Bottom => (place, mine) = (all.len(), false),
            Order::Behind(other) => {
                place = all.iter().position(|known| *known == other).map_or(0, |place| place + 1);
                if !topmost(self, other) {
                    mine = false;
                } else if all.get(place).is_some_and(|next| topmost(self, *next)) {
                    mine = true;
                }
            }
        }
        let extended = self.get(window + field::EX_STYLE) & !EX_TOPMOST;
        self.set(window + field::EX_STYLE, extended | if mine { EX_TOPMOST } else { 0 });
        match place.checked_sub(1).and_then(|before| all.get(before)) {
            Some(before) => list.insert_after(self, before + field::NODE, window + field::NODE),
            None => list.push_front(self, window + field::NODE),
        }
    }

    /// Gives a window another parent, at the top of its children. Answers whether it could be: not below itself, nor too deep.
    pub fn reparent(&mut self, window: u32, parent: u32) -> bool {
        let depth = self.ancestors(parent).len();
        if window == parent || self.ancestors(parent).contains(&window) || depth >= DEEPEST {
            return false;
        }
        self.unlink(window);
        self.linked(window);
        self.set(window + field::PARENT, parent);
        List(parent + field::CHILDREN).push_front(self, window + field::NODE);
        self.restack(window, Order::Top);
        self.share_input_of(window, parent);
        true
    }

    /// A window's parent, that one's, and so on to the top.
    pub fn ancestors(&self, window: u32) -> Vec<u32> {
        let mut all = Vec::new();
        let mut at = self.link(window + field::PARENT);
        // Damaged memory may hold a ring.
        while at != 0 && all.len() <= DEEPEST * 2 {
            all.push(at);
            at = self.link(at + field::PARENT);
        }
        all
    }

    /// Whether a window lies below another, at any depth.
    pub fn is_below(&self, window: u32, above: u32) -> bool {
        self.ancestors(window).contains(&above)
    }

    /// Whether a window and all above it are to be seen; message-only ones never are.
    pub fn is_visible(&self, window: u32) -> bool {
        let shown = |window: u32| {
            self.get(window + field::STYLE) & VISIBLE != 0 && self.get(window + field::FLAGS) & flag::ORPHAN == 0
        };
        shown(window) && self.ancestors(window).into_iter().all(shown)
    }

    /// How far a window's parent's client area lies from the screen's origin.
    pub fn origin(&self, window: u32) -> (i32, i32) {
        let above = self.ancestors(window);
        above.into_iter().filter(|above| !self.is_desktop(*above)).fold((0, 0), |(x, y), above| {
            let client = self.rect(above + field::CLIENT_RECT);
            (x.saturating_add(client.left), y.saturating_add(client.top))
        })
    }
}
