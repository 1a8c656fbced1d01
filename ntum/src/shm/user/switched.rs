//! Windows that somebody works with: what Alt+Tab goes through, what the task bar lists, and who comes forward when the active one is gone.

use super::message::{Message, Sending, how};
use super::queue::BRING_FORWARD;
use super::window::{CHILD, MINIMIZE, POPUP, VISIBLE, field, flag};
use super::{input, queue};
use crate::shm::Tx;
use crate::shm::member::field::WAS_IN_FRONT;
use crate::status::Nt;

/// WS_DISABLED, WS_EX_TOOLWINDOW, WS_EX_APPWINDOW, WS_EX_NOACTIVATE.
const DISABLED: u32 = 0x800_0000;
const EX_TOOL: u32 = 0x80;
const EX_APPLICATION: u32 = 0x4_0000;
const EX_NO_ACTIVATE: u32 = 0x800_0000;
/// Messages that may wait for a thread that does not come to them.
const MOST_UNSEEN: usize = 8;

impl Tx<'_> {
    /// The window that is active where the foreground is: a record, 0 for none.
    pub(crate) fn active_window(&self) -> u32 {
        match self.foreground() {
            0 => 0,
            foreground => self.link(foreground + input::field::ACTIVE),
        }
    }

    /// Whether a window that becomes active in its own thread comes to the foreground with that although another has it: if its program has not been
    /// there yet. So Windows has it with programs that a user has just started.
    pub(crate) fn comes_forward(&self, window: u32) -> bool {
        let queue = self.link(window + field::QUEUE);
        if queue == 0 || self.get(window + field::STYLE) & VISIBLE == 0 || self.foreground() == self.input_of(queue) {
            return false;
        }
        let member = self.link(queue + queue::field::MEMBER);
        self.link(queue + queue::field::DESKTOP) == self.input_desktop() && self.get(member + WAS_IN_FRONT) == 0
    }

    /// Windows that somebody works with, the one in front first: handles.
    pub(crate) fn switched(&self) -> Vec<u32> {
        let works = |window: &u32| {
            let (style, extended) = (self.get(window + field::STYLE), self.get(window + field::EX_STYLE));
            let own =
                self.link(window + field::OWNER) == 0 && extended & EX_TOOL == 0 || extended & EX_APPLICATION != 0;
            style & VISIBLE != 0 && extended & EX_NO_ACTIVATE == 0 && own
        };
        self.top_windows().into_iter().filter(works).map(|window| self.handle_of(window)).collect()
    }

    fn top_windows(&self) -> Vec<u32> {
        match self.root_window(false) {
            0 => Vec::new(),
            desktop => self.children(desktop),
        }
    }

    /// Has the thread of a window, or of a dialog of its that keeps it from being used, bring that to the front.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn bring_forward(&mut self, window: u32) -> Nt<()> {
        let owned = |window: u32| {
            let mut own = self.top_windows().into_iter().filter(|other| self.link(other + field::OWNER) == window);
            own.find(|other| self.get(other + field::STYLE) & (VISIBLE | DISABLED) == VISIBLE)
        };
        let mut front = window;
        // Dialogs have dialogs.
        for _ in 0..16 {
            if self.get(front + field::STYLE) & DISABLED == 0 {
                break;
            }
            let Some(next) = owned(front) else { break };
            front = next;
        }
        let queue = self.link(front + field::QUEUE);
        if queue == 0 || self.unanswered(queue) > MOST_UNSEEN {
            return Ok(());
        }
        let message = Message { window: self.handle_of(front), number: BRING_FORWARD, ..Message::default() };
        let sending = Sending { how: how::INTERNAL | how::NOTIFY, data: Vec::new(), callback: (0, 0) };
        self.send_message(0, queue, &message, &sending).map(|_| ())
    }

    /// A window's program asks somebody to look at it, or no longer: the task bar shows that.
    pub(crate) fn ask_to_look(&mut self, window: u32, asks: bool) {
        let before = self.get(window + field::FLAGS);
        let now = if asks { before | flag::FLASHES } else { before & !flag::FLASHES };
        if now != before {
            self.set(window + field::FLAGS, now);
            self.display_changed();
        }
    }

    /// Somebody types while nothing is active in front: the window that could be is told to come, and gets what is typed.
    ///
    /// # Errors
    /// What a commit says.
    pub(crate) fn somebody_types(mut self) -> Nt<()> {
        if self.active_window() != 0 {
            return Ok(());
        }
        self.succeed();
        self.commit()
    }

    /// Who had the foreground is gone: of the windows that can be active, the one in front gets it, and is told to come. Its thread may
    /// be gone before it does: then it is its turn to be succeeded.
    pub(super) fn succeed(&mut self) {
        let able = |window: &u32| {
            let (style, extended) = (self.get(window + field::STYLE), self.get(window + field::EX_STYLE));
            style & (VISIBLE | DISABLED | MINIMIZE) == VISIBLE
                && style & (POPUP | CHILD) != CHILD
                && extended & (EX_TOOL | EX_NO_ACTIVATE) == 0
                && self.link(window + field::QUEUE) != 0
        };
        let Some(next) = self.top_windows().into_iter().find(able) else { return };
        self.set_foreground(self.input_of(self.link(next + field::QUEUE)));
        // Without memory for the message it has the foreground, and becomes active with a click.
        let _ = self.bring_forward(next);
    }
}
