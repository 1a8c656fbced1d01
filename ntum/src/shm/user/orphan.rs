//! Windows whose parent went before them: they are other threads', which take them away in their own time.

use super::message::{Message, Sending, how};
use super::queue;
use super::window::{VISIBLE, field, flag};
use crate::shm::Tx;

impl Tx<'_> {
    /// Children of a window that goes are hidden, lie nowhere from then on, and their threads are told to take them away. As many as a
    /// transaction has room for; answers whether some are left.
    pub fn orphan_children(&mut self, window: u32) -> bool {
        let own = self.link(window + field::QUEUE);
        let desktop = self.window_of_desktop(self.link(own + queue::field::DESKTOP));
        for child in self.children(window) {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 4 {
                return true;
            }
            self.unlink(child);
            self.set(child + field::FORMER_PARENT, self.handle_of(window));
            self.set(child + field::PARENT, desktop);
            let (style, flags) = (self.get(child + field::STYLE), self.get(child + field::FLAGS));
            self.set(child + field::STYLE, style & !VISIBLE);
            self.set(child + field::FLAGS, flags | flag::ORPHAN);
            let queue = self.link(child + field::QUEUE);
            if queue != 0 {
                let told =
                    Message { window: self.handle_of(child), number: queue::DESTROY_WINDOW, ..Message::default() };
                let sending = Sending { how: how::NOTIFY | how::INTERNAL, ..Sending::default() };
                // Without memory for it the window stays, hidden.
                let _ = self.send_message(0, queue, &told, &sending);
            }
        }
        false
    }

    /// A window begins to go: its parent has it no more, and it takes no children.
    pub fn begin_to_go(&mut self, window: u32) {
        self.unlink(window);
        let flags = self.get(window + field::FLAGS);
        self.set(window + field::FLAGS, flags | flag::ORPHAN);
    }

    /// Whether a window, or one that it lies in, is an orphan.
    pub fn is_orphan(&self, window: u32) -> bool {
        let orphan = |window: u32| self.get(window + field::FLAGS) & flag::ORPHAN != 0;
        orphan(window) || self.ancestors(window).into_iter().any(orphan)
    }
}
