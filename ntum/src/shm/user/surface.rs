//! Surfaces of top-level windows, and what a compositor has to know of them.
//!
//! Each top-level window that is to be seen has a surface: an anonymous section that its thread's process made and left at the monitor,
//! under a number (`Host::leave`; who needs it takes it with `Host::take_left`). It holds [`Surface::width`] × [`Surface::height`]
//! pixels of 32 bits, 0x00RRGGBB as a number (BGRX in memory), the first row first, a row of `width * 4` bytes behind the other. Its first pixel
//! is the upper left one of the window's rectangle. All that lies in the window is drawn there, by whatever process. A window
//! whose size changes gets another surface with another number; numbers are not used again.
//!
//! A compositor says that it is there ([`Tx::attach_display`]), notes [`Shm::display_sequence`], looks ([`Tx::top_levels`],
//! [`Tx::take_damage`]) and sleeps ([`Shm::await_display`]) on a word that every change of what is to be seen counts up. As long as none is
//! there, nobody notes or wakes anything: one that comes takes all of every surface for damaged.

use super::root;
use super::window::{MINIMIZE, VISIBLE, field};
use crate::shm::waste::Waste;
use crate::shm::{Shm, Tx};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use crate::win32k::geometry::Rect;
use std::sync::atomic::{Ordering, fence};

/// Words of the display's block.
pub(crate) mod display {
    /// Counts what changed of what is to be seen, while a compositor is there: it sleeps on this word.
    pub const SEQUENCE: u32 = 0;
    /// The record of the member that composes; 0 while there is none.
    pub const ATTACHED: u32 = 1;
    /// Counts changes of where windows are, of their order, shapes and visibility: what device contexts know of that is of a count.
    pub const GENERATION: u32 = 2;
    /// The cursor that is shown: a handle, 0 for none; counts changes of the shape behind it.
    pub const CURSOR: u32 = 3;
    pub const CURSOR_SERIAL: u32 = 4;
    /// What of the screen maximized windows cover: a rectangle; empty stands for all.
    pub const WORK: u32 = 5;
    /// The window that is not painted (LockWindowUpdate): a record, 0 for none.
    pub const LOCKED: u32 = 9;
    /// Not 0 once a compositor or another desktop may sleep: only then is there anybody to wake.
    pub const SLEEPS: u32 = 10;
    /// Not 0 once somebody wanted to draw on that.
    pub const LOCKED_DRAWN: u32 = 11;
    /// How the screen is set now, and how it is to be when nobody wants it otherwise: columns, rows, bits of a pixel; zeros before anybody
    /// changed it.
    pub const MODE: u32 = 12;
    pub const KEPT_MODE: u32 = 15;
    /// The member that set the screen for as long as it lives: a number, 0 for none.
    pub const MODE_OWNER: u32 = 18;
    /// The count ([`SEQUENCE`]) at which whoever composes had painted last what the desktop paints itself.
    pub const PAINTED: u32 = 19;
    /// Number of words.
    pub const COUNT: u32 = 20;
}

/// How a layered window is mixed with what lies below it: [`Layered::flags`]. The first two are LWA_*.
pub mod layered {
    /// Pixels of one colour are not there.
    pub const COLOR_KEY: u32 = 1;
    /// All of it has one opacity.
    pub const ALPHA: u32 = 2;
    /// Each pixel has an opacity of its own, by which its colours were multiplied (UpdateLayeredWindow with ULW_ALPHA).
    pub const PER_PIXEL: u32 = 0x4000_0000;
    /// Its pixels came with UpdateLayeredWindow.
    pub const UPDATED: u32 = 0x2000_0000;
    /// It was said how: before that a layered window is not seen.
    pub const SET: u32 = 0x8000_0000;
}

/// How a layered window is mixed with what lies below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layered {
    /// Bits of [`layered`].
    pub flags: u32,
    /// 0: not there, 255: opaque.
    pub alpha: u32,
    /// The colour that is not there, as the surface has it: 0x00RRGGBB.
    pub key: u32,
}

/// Where a window's pixels are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surface {
    /// Its number at the monitor; 0 for none.
    pub number: u64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Surface {
    /// Bytes of all its pixels.
    pub fn bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * 4
    }
}

/// A top-level window that is to be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopLevel {
    /// Its record and its handle.
    pub record: u32,
    /// See above.
    pub handle: u32,
    /// Where it is on the screen.
    pub rect: Rect,
    /// Its pixels.
    pub surface: Surface,
    /// What was drawn on since a compositor looked, as the surface counts; it may reach beyond.
    pub damage: Rect,
    /// How it is mixed with what lies below; `None`: not at all.
    pub layered: Option<Layered>,
    /// Its shape, counted from its upper left corner; `None`: all of its rectangle.
    pub region: Option<Vec<Rect>>,
    /// Whether it is minimized.
    pub minimized: bool,
}

/// Rectangles of shapes that a compositor is told of, those of all windows together.
const MOST_SHAPES: usize = 1 << 20;
/// WS_EX_LAYERED, WS_EX_TRANSPARENT.
pub const EX_LAYERED: u32 = 0x8_0000;
/// See above.
pub const EX_TRANSPARENT: u32 = 0x20;

impl Tx<'_> {
    /// The display's block, if there is one.
    pub(crate) fn display(&self) -> Option<u32> {
        self.user_root().map(|root| self.link(root + root::DISPLAY)).filter(|at| *at != 0)
    }

    /// The display's block, made by whoever comes first.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn make_display(&mut self) -> Nt<u32> {
        if let Some(at) = self.display() {
            return Ok(at);
        }
        let root = self.user()?;
        let at = self.allocate(display::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(root + root::DISPLAY, at);
        Ok(at)
    }

    /// A member composes from now on (its record), or with 0 none does.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn attach_display(&mut self, member: u32) -> Nt<()> {
        let at = self.make_display()?;
        self.set(at + display::ATTACHED, member);
        // It has yet to paint what is the desktop's own.
        let count = self.get(at + display::SEQUENCE);
        self.set(at + display::PAINTED, count.wrapping_sub(1));
        Ok(())
    }

    /// The record of the member that composes; 0 for none.
    pub fn display_of(&self) -> u32 {
        self.display().map_or(0, |at| self.link(at + display::ATTACHED))
    }

    /// Wakes whoever composes, though nothing of what is to be seen changed.
    pub fn nudge_display(&mut self) {
        if let Some(at) = self.display() {
            let count = self.get(at + display::SEQUENCE);
            self.set(at + display::SEQUENCE, count.wrapping_add(1));
            self.after.display = true;
        }
    }

    /// Whoever composes has painted the task bar and what else is the desktop's own, as all that was there at a count of changes.
    pub(crate) fn desktop_painted(&mut self, sequence: u32) {
        if let Some(at) = self.display().filter(|at| self.get(at + display::PAINTED) != sequence) {
            self.set(at + display::PAINTED, sequence);
        }
    }

    /// Whether another member than this one composes, and has yet to paint what is the desktop's own.
    pub(crate) fn is_to_be_painted(&self, but: u32) -> bool {
        self.display().is_some_and(|at| {
            let [attached, sequence, painted] =
                [display::ATTACHED, display::SEQUENCE, display::PAINTED].map(|word| self.get(at + word));
            attached != 0 && attached != but && (sequence.wrapping_sub(painted) as i32) > 0
        })
    }

    /// The compositor goes, if a member was it.
    pub(crate) fn display_loses(&mut self, member: u32) {
        self.hide_switcher(member);
        if let Some(at) = self.display()
            && self.link(at + display::ATTACHED) == member
        {
            self.set(at + display::ATTACHED, 0);
        }
    }

    /// The window that is not painted for now, a record; 0 for none.
    pub fn locked_window(&self) -> u32 {
        self.display().map_or(0, |at| self.link(at + display::LOCKED))
    }

    /// Has a window, and what lies in it, not drawn on for now, or with 0 none. Answers whether somebody wanted to meanwhile.
    pub fn lock_painting(&mut self, window: u32) -> bool {
        let Some(at) = self.display() else { return false };
        let drawn = self.get(at + display::LOCKED_DRAWN) != 0;
        self.set(at + display::LOCKED, window);
        self.set(at + display::LOCKED_DRAWN, 0);
        self.windows_changed();
        drawn
    }

    /// Whether a window is not drawn on for now: it, or what it lies in, is the one that is locked.
    pub fn is_painting_locked(&self, window: u32) -> bool {
        let locked = self.locked_window();
        locked != 0 && (locked == window || self.is_below(window, locked))
    }

    /// Somebody wants to draw on the window that is locked.
    pub fn note_locked_drawing(&mut self) {
        if let Some(at) = self.display() {
            self.set(at + display::LOCKED_DRAWN, 1);
        }
    }

    /// A window goes.
    pub(super) fn unlock_painting(&mut self, window: u32) {
        if self.locked_window() == window {
            self.lock_painting(0);
        }
    }

    /// The cursor that is shown: a handle, 0 for none; and how often the shape behind it changed.
    pub fn shown_cursor(&self) -> (u32, u32) {
        self.display().map_or((0, 0), |at| (self.get(at + display::CURSOR), self.get(at + display::CURSOR_SERIAL)))
    }

    /// Another cursor is shown, or another shape behind its handle.
    pub fn show_cursor(&mut self, cursor: u32) {
        if let Some(at) = self.display() {
            let serial = self.get(at + display::CURSOR_SERIAL);
            self.set(at + display::CURSOR, cursor);
            self.set(at + display::CURSOR_SERIAL, serial.wrapping_add(1));
        }
        self.display_changed();
    }

    /// What of the screen maximized windows cover.
    pub fn work_area(&self) -> Rect {
        let kept = self.display().map_or(Rect::default(), |at| self.rect(at + display::WORK));
        if !kept.is_empty() {
            return kept;
        }
        let desktop = self.root_window(false);
        if desktop == 0 { Rect::default() } else { self.rect(desktop + field::WINDOW_RECT) }
    }

    /// Sets what of the screen maximized windows cover.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_work_area(&mut self, area: Rect) -> Nt<()> {
        let at = self.make_display()?;
        self.set_rect(at + display::WORK, area);
        Ok(())
    }

    /// What of the screen is to be seen changed: a compositor that is there is woken behind the commit.
    pub fn display_changed(&mut self) {
        if let Some(at) = self.display()
            && self.link(at + display::ATTACHED) != 0
        {
            let count = self.get(at + display::SEQUENCE);
            self.set(at + display::SEQUENCE, count.wrapping_add(1));
            self.after.display = true;
        }
    }

    /// Windows were moved, shown, hidden, reordered or reshaped: what device contexts know of what is seen is not so any more.
    pub fn windows_changed(&mut self) {
        if let Some(at) = self.display() {
            let count = self.get(at + display::GENERATION);
            self.set(at + display::GENERATION, count.wrapping_add(1));
        }
        self.display_changed();
    }

    /// A window's surface.
    pub fn surface(&self, window: u32) -> Surface {
        Surface {
            number: self.wide(window + field::SURFACE),
            width: self.get(window + field::SURFACE_SIZE),
            height: self.get(window + field::SURFACE_SIZE + 1),
        }
    }

    /// Gives a window another surface, or with the default none: the one before is forgotten by whoever disposes of waste next. All of
    /// the new one is damaged.
    pub fn set_surface(&mut self, window: u32, surface: &Surface) {
        let before = self.surface(window);
        if before.number != 0 && before.number != surface.number {
            self.leave_waste(&Waste::Stream(before.number));
        }
        self.set_wide(window + field::SURFACE, surface.number);
        self.set(window + field::SURFACE_SIZE, surface.width);
        self.set(window + field::SURFACE_SIZE + 1, surface.height);
        let all = Rect::new(0, 0, surface.width as i32, surface.height as i32);
        self.set_rect(window + field::DAMAGE, all);
        self.display_changed();
    }

    /// Something was drawn on a window's surface.
    pub fn add_damage(&mut self, window: u32, damage: &Rect) {
        let before = self.rect(window + field::DAMAGE);
        self.set_rect(window + field::DAMAGE, before.union(damage));
        self.display_changed();
    }

    /// What was drawn on a window's surface since this was last asked; it is forgotten.
    pub fn take_damage(&mut self, window: u32) -> Rect {
        let damage = self.rect(window + field::DAMAGE);
        self.set_rect(window + field::DAMAGE, Rect::default());
        damage
    }

    /// How a layered window is mixed with what lies below it.
    pub fn layered(&self, window: u32) -> Layered {
        let at = window + field::LAYERED;
        Layered { flags: self.get(at), alpha: self.get(at + 1), key: self.get(at + 2) }
    }

    /// Sets that.
    pub fn set_layered(&mut self, window: u32, layered: &Layered) {
        for (at, value) in (window + field::LAYERED..).zip([layered.flags, layered.alpha, layered.key]) {
            self.set(at, value);
        }
        self.display_changed();
    }

    /// A window's shape, counted from its upper left corner: rectangles in bands; `None`: it has none of its own.
    pub fn window_region(&self, window: u32) -> Option<Vec<Rect>> {
        match self.get(window + field::REGION) {
            0 => None,
            block => Some(rects_of(&self.bytes(block))),
        }
    }

    /// Gives a window a shape.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_window_region(&mut self, window: u32, region: Option<&[Rect]>) -> Nt<()> {
        let new = match region {
            None => 0,
            // An empty shape is one too: nothing is seen.
            Some(rects) => self.allocate_given(&bytes_of(rects)).ok_or(STATUS_INSUFFICIENT_RESOURCES)?,
        };
        let old = self.get(window + field::REGION);
        if old != 0 {
            self.free(old);
        }
        self.set(window + field::REGION, new);
        Ok(())
    }

    /// All desktops have another size. Nobody is told.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn resize_desktops(&mut self, now: Rect) -> Nt<()> {
        let desktops: Vec<u32> = self.all_roots().into_iter().filter(|window| self.is_desktop(*window)).collect();
        let Some(before) = desktops.first().map(|window| self.rect(window + field::WINDOW_RECT)) else {
            return Ok(());
        };
        let work = self.work_area();
        for window in desktops {
            self.set_rect(window + field::WINDOW_RECT, now);
            self.set_rect(window + field::CLIENT_RECT, now);
            self.set_surface(window, &Surface::default());
        }
        if work != before {
            // What is kept free at the edges stays as wide.
            let side = |now: i32, before: i32, work: i32| now.saturating_sub(before.saturating_sub(work));
            let (right, bottom) =
                (side(now.right, before.right, work.right), side(now.bottom, before.bottom, work.bottom));
            let work = Rect::new(work.left, work.top, right, bottom);
            self.set_work_area(if work.is_empty() { now } else { work })?;
        }
        self.settle_tray();
        self.tell_app_bars(0);
        self.windows_changed();
        Ok(())
    }

    /// Top-level windows that are to be seen and have pixels, the top one first.
    pub fn top_levels(&self) -> Vec<TopLevel> {
        let desktop = self.root_window(false);
        if desktop == 0 {
            return Vec::new();
        }
        let seen = |record: &u32| {
            let (style, extended) = (self.get(record + field::STYLE), self.get(record + field::EX_STYLE));
            let mixed = extended & EX_LAYERED == 0 || self.layered(*record).flags & layered::SET != 0;
            style & VISIBLE != 0 && mixed && self.surface(*record).number != 0
        };
        // Damaged memory may have one shape for many windows: all of them have no more rectangles than this.
        let mut left = MOST_SHAPES;
        let mut shape = |record: u32| {
            let block = Some(self.get(record + field::REGION)).filter(|block| *block != 0)?;
            let rects = rects_of(&self.first_bytes(block, left.saturating_mul(16)));
            left = left.saturating_sub(rects.len());
            Some(rects)
        };
        let shown = |record: u32| TopLevel {
            record,
            handle: self.get(record + field::HANDLE),
            rect: self.rect(record + field::WINDOW_RECT),
            surface: self.surface(record),
            damage: self.rect(record + field::DAMAGE),
            layered: (self.get(record + field::EX_STYLE) & EX_LAYERED != 0).then(|| self.layered(record)),
            region: shape(record),
            minimized: self.get(record + field::STYLE) & MINIMIZE != 0,
        };
        // What was drawn on the desktop itself lies below all of them.
        let own = (self.surface(desktop).number != 0).then_some(desktop);
        self.children(desktop).into_iter().filter(seen).chain(own).map(shown).collect()
    }
}

/// Rectangles as bytes, and back.
pub fn bytes_of(rects: &[Rect]) -> Vec<u8> {
    let sides = rects.iter().flat_map(|rect| [rect.left, rect.top, rect.right, rect.bottom]);
    sides.flat_map(i32::to_le_bytes).collect()
}

/// See [`bytes_of`].
pub fn rects_of(bytes: &[u8]) -> Vec<Rect> {
    let side = |bytes: &[u8], at: usize| {
        bytes.get(at * 4..at * 4 + 4).and_then(|four| four.try_into().ok()).map_or(0, i32::from_le_bytes)
    };
    let rect = |bytes: &[u8]| Rect::new(side(bytes, 0), side(bytes, 1), side(bytes, 2), side(bytes, 3));
    bytes.chunks_exact(16).map(rect).collect()
}

impl Shm {
    pub(super) fn display_block(&self) -> Option<u32> {
        let root = Some(self.link(super::ROOT)).filter(|at| *at != 0)?;
        Some(self.link(root + root::DISPLAY)).filter(|at| *at != 0)
    }

    /// Whether a compositor is there: without one, nobody needs to be told of damage.
    pub fn has_display(&self) -> bool {
        self.display_block().is_some_and(|at| self.load(at + display::ATTACHED) != 0)
    }

    /// How often what is to be seen changed: a compositor asks before it looks.
    pub fn display_sequence(&self) -> u32 {
        self.display_block().map_or(0, |at| self.load(at + display::SEQUENCE))
    }

    /// The compositor sleeps until what is to be seen changes, unless it did since `sequence`, or until the deadline. Who is killed
    /// behind a change may leave it asleep: it wants a deadline.
    pub fn await_display(&self, sequence: u32, deadline: Option<u64>) {
        let Some(at) = self.display_block() else { return };
        self.word(at + display::SLEEPS).store(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let word = self.word(at + display::SEQUENCE);
        if word.load(Ordering::SeqCst) == sequence {
            self.members.wait_shared(word, sequence, deadline);
        }
    }

    /// Wakes all desktops that sleep. Whoever wakes them says that none does: one that goes on sleeping says so anew.
    pub(in crate::shm) fn tell_display(&self) {
        let Some(at) = self.display_block() else { return };
        fence(Ordering::SeqCst);
        if self.word(at + display::SLEEPS).swap(0, Ordering::SeqCst) != 0 {
            self.members.wake_shared(self.word(at + display::SEQUENCE), u32::MAX);
        }
    }

    /// Counts changes of what windows show of each other: one load for each of two words.
    pub fn window_generation(&self) -> u32 {
        self.display_block().map_or(0, |at| self.word(at + display::GENERATION).load(Ordering::Acquire))
    }
}
