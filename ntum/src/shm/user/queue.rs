//! Message queues of threads: what there is in each, and who is told.
//!
//! A queue's owner sleeps on an event of the sandbox. It says which kinds of message it waits for before it sleeps, and resets the event
//! before it looks; whoever brings one of those kinds signals the event in the same transaction.

use super::message::{self, Message};
use super::{input, root};
use crate::shm::list::List;
use crate::shm::{Shm, Tx};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// Words of a queue.
pub(crate) mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// The thread's number, and its member's record.
    pub const THREAD: u32 = 2;
    pub const MEMBER: u32 = 3;
    /// The event that its thread sleeps on: an object.
    pub const EVENT: u32 = 4;
    /// What there is, what of it came since it was looked at, and which of the two its thread waits for: QS_*.
    pub const BITS: u32 = 5;
    pub const CHANGED: u32 = 6;
    pub const AWAITED_BITS: u32 = 7;
    pub const AWAITED_CHANGED: u32 = 8;
    /// Messages that were posted, and how many; that were sent and wait to be answered; that its thread sent: lists.
    pub const POSTED: u32 = 9;
    pub const POSTED_COUNT: u32 = 11;
    pub const SENT: u32 = 12;
    pub const SENDING: u32 = 14;
    /// Timers: a list.
    pub const TIMERS: u32 = 16;
    /// 1: PostQuitMessage was called; its exit code.
    pub const QUIT: u32 = 18;
    pub const QUIT_CODE: u32 = 19;
    /// What its thread is answering: the innermost sent message, 0 for none.
    pub const ANSWERING: u32 = 20;
    /// Its input: see [`super::super::input`].
    pub const INPUT: u32 = 21;
    /// Windows that it has; reasons for WM_PAINT that these have.
    pub const WINDOWS: u32 = 22;
    pub const PAINTS: u32 = 23;
    /// How often its thread showed the cursor more than it hid it: its part of its input's count.
    pub const CURSOR_COUNT: u32 = 24;
    /// The desktop that its thread is on: see [`super::super::station`].
    pub const DESKTOP: u32 = 25;
    /// How often in a row its thread looked for a message and found none.
    pub const VAIN: u32 = 26;
    /// Its thread's keyboard layout: the lower half of a handle, 0 for the user's own.
    pub const LAYOUT: u32 = 27;
    /// How many of the messages that were sent to it, and for whose answer nobody waits, it has not come to.
    pub const NOTICES: u32 = 28;
    /// Number of words.
    pub const COUNT: u32 = 29;
}

/// WM_QUIT.
const QUIT_MESSAGE: u32 = 0x12;
/// QS_KEY.
pub const KEY: u32 = 0x1;
/// QS_MOUSEMOVE.
pub const MOUSE_MOVE: u32 = 0x2;
/// QS_MOUSEBUTTON.
pub const MOUSE_BUTTON: u32 = 0x4;
/// QS_RAWINPUT.
pub const RAW: u32 = 0x400;
/// QS_INPUT.
pub const INPUT: u32 = KEY | MOUSE_MOVE | MOUSE_BUTTON | RAW;
/// QS_POSTMESSAGE.
pub const POSTED: u32 = 0x8;
/// QS_TIMER.
pub const TIMER: u32 = 0x10;
/// QS_PAINT.
pub const PAINT: u32 = 0x20;
/// QS_SENDMESSAGE.
pub const SENT: u32 = 0x40;
/// QS_HOTKEY.
pub const HOTKEY: u32 = 0x80;
/// QS_ALLPOSTMESSAGE.
pub const ALL_POSTED: u32 = 0x100;
/// QS_SMRESULT.
pub const RESULT: u32 = 0x8000;
/// The window server's own message that takes a window away, in its thread: see `win32k::user::internal`.
pub const DESTROY_WINDOW: u32 = 0x8000_0000;
/// Another one: brings the window to the front as somebody wants who sits before the desktop; one that is minimized is restored.
pub(crate) const BRING_FORWARD: u32 = 0x8000_0007;
/// Messages that a queue holds: what Windows has as USERPostMessageLimit.
pub(super) const MOST: u32 = 10_000;
/// Words of the log that are left to what follows.
const KEPT_FREE: u32 = crate::shm::layout::LOG_ENTRIES / 2;

impl Tx<'_> {
    /// A thread's queue, if it has one.
    pub fn queue_of(&self, thread: u32) -> Option<u32> {
        let root = self.user_root()?;
        let all = List(root + root::QUEUES).nodes(self).into_iter().map(|node| node - field::NODE);
        all.into_iter().find(|queue| self.get(queue + field::THREAD) == thread)
    }

    /// A queue for a thread, which sleeps on that event.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_queue(&mut self, member: u32, thread: u32, event: u32) -> Nt<u32> {
        let root = self.user()?;
        let queue = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let input = self.allocate(input::field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(input + input::field::QUEUES, 1);
        self.set(queue + field::THREAD, thread);
        self.set(queue + field::MEMBER, member);
        self.set(queue + field::EVENT, event);
        self.set(queue + field::INPUT, input);
        self.begin_keys(input);
        List(root + root::QUEUES).push(self, queue + field::NODE);
        Ok(queue)
    }

    pub(super) fn count_window(&mut self, queue: u32, more: bool) {
        let count = self.get(queue + field::WINDOWS);
        self.set(queue + field::WINDOWS, if more { count.wrapping_add(1) } else { count.saturating_sub(1) });
    }

    /// Its owner does not wait any more.
    pub fn stop_awaiting(&mut self, queue: u32) {
        for at in [field::AWAITED_BITS, field::AWAITED_CHANGED] {
            if self.get(queue + at) != 0 {
                self.set(queue + at, 0);
            }
        }
    }

    /// Something of these kinds came to a queue: who waits for it is woken.
    pub fn queue_has(&mut self, queue: u32, kinds: u32) {
        for at in [field::BITS, field::CHANGED] {
            let bits = self.get(queue + at);
            self.set(queue + at, bits | kinds);
        }
        if self.is_awaited(queue) {
            self.wake_queue(queue);
        }
    }

    fn is_awaited(&self, queue: u32) -> bool {
        let both = |bits: u32, awaited: u32| self.get(queue + bits) & self.get(queue + awaited) != 0;
        both(field::BITS, field::AWAITED_BITS) || both(field::CHANGED, field::AWAITED_CHANGED)
    }

    fn wake_queue(&mut self, queue: u32) {
        let event = self.link(queue + field::EVENT);
        let mut woken = Vec::new();
        self.shm.mark(event);
        self.signal(event, &mut woken);
        self.after.blocks.extend(woken);
        // Once is enough: it is awaited anew before the next sleep.
        self.stop_awaiting(queue);
    }

    /// A queue has nothing more of these kinds.
    pub fn queue_lacks(&mut self, queue: u32, kinds: u32) {
        for at in [field::BITS, field::CHANGED] {
            let bits = self.get(queue + at);
            self.set(queue + at, bits & !kinds);
        }
    }

    /// Its owner saw what came of these kinds.
    pub fn queue_seen(&mut self, queue: u32, kinds: u32) {
        let changed = self.get(queue + field::CHANGED);
        self.set(queue + field::CHANGED, changed & !kinds);
    }

    /// What there is of some kinds, and what came of it; that counts as seen.
    pub fn queue_status(&mut self, queue: u32, kinds: u32) -> (u32, u32) {
        let status = (self.get(queue + field::BITS) & kinds, self.get(queue + field::CHANGED) & kinds);
        self.queue_seen(queue, kinds);
        status
    }

    /// Posts a message. Answers whether there was room for it.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn post_message(&mut self, queue: u32, message: &Message) -> Nt<bool> {
        self.post_message_with(queue, message, &[])
    }

    /// As [`Tx::post_message`], with bytes that go along.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn post_message_with(&mut self, queue: u32, message: &Message, data: &[u8]) -> Nt<bool> {
        let count = self.get(queue + field::POSTED_COUNT);
        if count >= MOST {
            return Ok(false);
        }
        let record = self.make_posted(message, data, count)?;
        List(queue + field::POSTED).push(self, record + message::field::NODE);
        self.set(queue + field::POSTED_COUNT, count + 1);
        let hot_key = if message.number == super::hardware::number::HOT_KEY { HOTKEY } else { 0 };
        self.queue_has(queue, POSTED | ALL_POSTED | hot_key);
        Ok(true)
    }

    /// The first posted message that `takes` accepts, taken out or left, with what goes along.
    ///
    /// # Errors
    /// None that a transaction of this size meets.
    pub fn take_posted(
        &mut self,
        queue: u32,
        remove: bool,
        takes: impl Fn(&Self, &Message) -> bool,
    ) -> Option<(Message, Vec<u8>)> {
        let list = List(queue + field::POSTED);
        let mut node = list.first(self);
        let mut found = None;
        // Damaged memory may hold a ring.
        for _ in 0..MOST {
            if node == 0 {
                break;
            }
            let message = self.message(node - message::field::NODE);
            if takes(self, &message) {
                found = Some((node, message));
                break;
            }
            node = List::next(self, node);
        }
        let (node, message) = found?;
        let data = self.posted_data(node - message::field::NODE);
        if remove {
            list.remove(self, node);
            self.drop_posted(node - message::field::NODE);
            if message.number == super::hardware::number::HOT_KEY && !self.has_hot_key_messages(queue) {
                self.queue_lacks(queue, HOTKEY);
            }
            let count = self.get(queue + field::POSTED_COUNT).saturating_sub(1);
            self.set(queue + field::POSTED_COUNT, count);
            self.note_posted(queue);
        }
        Some((message, data))
    }

    /// Has the bits say whether anything is posted.
    pub fn note_posted(&mut self, queue: u32) {
        if self.get(queue + field::POSTED_COUNT) == 0 && self.get(queue + field::QUIT) == 0 {
            self.queue_lacks(queue, POSTED | ALL_POSTED);
        }
    }

    fn has_hot_key_messages(&self, queue: u32) -> bool {
        let mut all = List(queue + field::POSTED).nodes(self).into_iter();
        all.any(|node| self.message(node - message::field::NODE).number == super::hardware::number::HOT_KEY)
    }

    /// PostQuitMessage: WM_QUIT follows once nothing else is posted.
    pub fn ask_to_quit(&mut self, queue: u32, code: u32) {
        self.set(queue + field::QUIT, 1);
        self.set(queue + field::QUIT_CODE, code);
        self.queue_has(queue, POSTED | ALL_POSTED);
    }

    /// Messages that were posted to a window that goes: they go with it, as many as a transaction has room for. Answers whether some are left.
    pub fn forget_posted(&mut self, queue: u32, window: u32) -> bool {
        let handle = self.handle_of(window);
        let list = List(queue + field::POSTED);
        let mut next = list.first(self);
        for _ in 0..MOST {
            if next == 0 {
                break;
            }
            if self.room() < KEPT_FREE {
                return true;
            }
            let (node, record) = (next, next - message::field::NODE);
            next = List::next(self, node);
            let message = self.message(record);
            if message.window == handle {
                // WM_QUIT is the thread's, whatever window it was posted to.
                if message.number == QUIT_MESSAGE && self.get(queue + field::QUIT) == 0 {
                    self.ask_to_quit(queue, message.wparam as u32);
                }
                list.remove(self, node);
                self.drop_posted(record);
                let count = self.get(queue + field::POSTED_COUNT).saturating_sub(1);
                self.set(queue + field::POSTED_COUNT, count);
            }
        }
        false
    }

    /// Messages and timers of a window that goes: they go with it.
    pub(super) fn forget_window(&mut self, queue: u32, window: u32) {
        self.forget_posted(queue, window);
        let handle = self.handle_of(window);
        self.note_posted(queue);
        self.drop_timers(queue, handle);
        self.drop_hot_keys(queue, handle);
        self.clipboard_loses(handle);
        self.input_loses(window);
    }

    /// What waits in a queue that goes, as much as a transaction has room for: who waits for its answers is told that there will be none. Answers whether
    /// something is left.
    pub fn drain_queue(&mut self, queue: u32) -> bool {
        let lists = [field::SENT, field::SENDING, field::POSTED].map(|list| List(queue + list));
        for (list, which) in lists.into_iter().zip(0..) {
            loop {
                let node = list.first(self);
                if node == 0 {
                    break;
                }
                if self.room() < KEPT_FREE {
                    return true;
                }
                match which {
                    0 => self.refuse_message(queue, node - message::field::NODE),
                    1 => self.abandon_message(node - message::field::SENDER_NODE),
                    _ => {
                        list.remove(self, node);
                        self.drop_posted(node - message::field::NODE);
                    }
                }
                // Damaged memory may have it in another list.
                if list.first(self) == node {
                    list.remove(self, node);
                }
            }
        }
        self.set(queue + field::POSTED_COUNT, 0);
        false
    }

    /// A queue goes with its thread: who waits for its answers is told that there will be none. Its windows are gone before it.
    pub fn drop_queue(&mut self, queue: u32) {
        let Some(root) = self.user_root() else { return };
        self.drain_queue(queue);
        self.drop_timers(queue, 0);
        self.drop_hot_keys(queue, 0);
        self.drop_hooks(queue);
        self.drop_input_contexts(queue);
        self.clipboard_loses_queue(queue);
        let input = self.input_of(queue);
        let vacant = self.foreground() == input && self.link(input + input::field::ACTIVE) == 0;
        self.leave_input(queue);
        List(root + root::QUEUES).remove(self, queue + field::NODE);
        self.free(queue);
        if vacant {
            self.succeed();
        }
    }

    /// Windows of a queue go, as many as a transaction has room for; answers whether some are left.
    pub fn drop_windows(&mut self, queue: u32) -> bool {
        for window in self.windows_of(queue) {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 2 {
                return true;
            }
            if self.orphan_children(window) {
                return true;
            }
            self.uncover(window);
            self.drop_window(window);
        }
        false
    }

    /// Threads that have windows to be seen and wait for no messages: the queue of each, and how often it looked for one in vain. `None`: some thread
    /// has what it waits for.
    pub fn restless_queues(&self) -> Option<Vec<(u32, u32)>> {
        let Some(root) = self.user_root() else { return Some(Vec::new()) };
        let all = List(root + root::QUEUES).nodes(self).into_iter().map(|node| node - field::NODE);
        let all: Vec<u32> = all.collect();
        if all.iter().any(|queue| self.is_awaited(*queue)) {
            return None;
        }
        let waits = |queue: u32| self.get(queue + field::AWAITED_BITS) | self.get(queue + field::AWAITED_CHANGED) != 0;
        let has_windows = |queue: u32| self.get(queue + field::WINDOWS) != 0;
        // Who has but windows that are never shown may well wait for something else for ever: Chromium's renderers do.
        let unseen = self.root_window(true);
        let is_seen = |window: &u32| !self.ancestors(*window).contains(&unseen);
        let shows = |queue: u32| self.windows_of(queue).iter().any(is_seen);
        let restless = all.into_iter().filter(|queue| has_windows(*queue) && !waits(*queue) && shows(*queue));
        Some(restless.map(|queue| (queue, self.get(queue + field::VAIN))).collect())
    }

    /// All queues.
    pub(super) fn queues(&self) -> Vec<u32> {
        let Some(root) = self.user_root() else { return Vec::new() };
        List(root + root::QUEUES).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    /// Queues of a member's threads.
    pub fn queues_of(&self, member: u32) -> Vec<u32> {
        self.queues().into_iter().filter(|queue| self.link(queue + field::MEMBER) == member).collect()
    }

    /// Windows of a queue: those below others come first.
    pub fn windows_of(&self, queue: u32) -> Vec<u32> {
        let mut all = Vec::new();
        let mut left = self.all_roots();
        while let Some(window) = left.pop() {
            left.extend(self.children(window));
            all.push(window);
        }
        all.retain(|window| self.link(window + super::window::field::QUEUE) == queue);
        all.reverse();
        if all.len() < self.get(queue + field::WINDOWS) as usize {
            // Some are being created, or orphans, or lie in such a one.
            let others = self.user_handles(super::handle::Kind::Window).into_iter().map(|(_, window)| window);
            let known: HashSet<u32> = all.iter().copied().collect();
            let mine =
                |window: &u32| self.link(window + super::window::field::QUEUE) == queue && !known.contains(window);
            let mut others: Vec<u32> = others.filter(mine).collect();
            others.sort_by_key(|window| std::cmp::Reverse(self.ancestors(*window).len()));
            all.splice(0..0, others);
        }
        all
    }
}

impl Shm {
    /// Whether a queue seems to have some kinds, or that some came to it: a look without the lock, which what is being brought just now
    /// may miss.
    pub fn queue_seems_to_have(&self, queue: u32, (bits, changed): (u32, u32)) -> bool {
        (self.load(queue + field::BITS) & bits) | (self.load(queue + field::CHANGED) & changed) != 0
    }

    /// Whether a queue's own thread said that it waits, and was not woken since.
    pub fn queue_awaits(&self, queue: u32) -> bool {
        self.load(queue + field::AWAITED_BITS) | self.load(queue + field::AWAITED_CHANGED) != 0
    }

    /// A queue's thread, which alone calls this, looked for a message and goes on whether it found one or not.
    pub fn looked_for_message(&self, queue: u32, found: bool) {
        let word = self.word(queue + field::VAIN);
        let vain = if found { 0 } else { word.load(Ordering::Relaxed).wrapping_add(1) };
        word.store(vain, Ordering::Relaxed);
    }

    /// Has the queue's event, which must have been reset before, signalled by what there is of some kinds and what comes of others. With a time
    /// (`now`) timers are looked at: those that are due count as come. Answers whether it is there now, which is then not waited for (the event is
    /// signalled only if `signal` asks for it), and when the next timer is due.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn await_messages(
        &self,
        queue: u32,
        kinds: (u32, u32),
        now: Option<u64>,
        signal: bool,
    ) -> Nt<(bool, Option<u64>)> {
        let mut tx = self.begin();
        let due = now.and_then(|_| tx.next_timer(queue));
        if due.is_some() && due <= now {
            tx.queue_has(queue, TIMER);
        }
        tx.set(queue + field::AWAITED_BITS, kinds.0);
        tx.set(queue + field::AWAITED_CHANGED, kinds.1);
        let there = tx.is_awaited(queue);
        if there && signal {
            tx.wake_queue(queue);
        } else if there {
            tx.stop_awaiting(queue);
        }
        tx.commit()?;
        Ok((there, due))
    }
}
