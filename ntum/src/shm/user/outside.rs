//! The clipboard of a desktop's client. What lies there is offered on the sandbox's own, without its data; a program that pastes it says which format it
//! wants and sleeps until the desktop has brought it. The other way round the desktop looks on the sandbox's clipboard for its client.

use super::clipboard::{DRAW, Found, field, format};
use super::message::{Message, Sending, how};
use super::window::field as window_field;
use crate::shm::{Shm, Tx};
use crate::status::Nt;
use std::sync::atomic::Ordering;

/// In place of a queue: the desktop has the clipboard open, for an owner that is to render something.
const DESKTOP: u32 = u32::MAX;
/// Messages that may wait for a thread that does not come to them.
const MOST_UNSEEN: usize = 64;
/// WM_RENDERFORMAT, WM_DESTROYCLIPBOARD.
const RENDER_FORMAT: u32 = 0x305;
const DESTROY: u32 = 0x307;

/// Where a thread sleeps that wants something of a desktop's client: a word, and what it is until there is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    place: u32,
    before: u32,
    progress: u32,
}

impl Tx<'_> {
    /// A desktop with this member's record sees to the clipboard of its client from now on.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn attach_outside(&mut self, member: u32) -> Nt<()> {
        let at = self.make_clipboard()?;
        self.set(at + field::OUTSIDE, member);
        Ok(())
    }

    /// The member's desktop is gone.
    pub(crate) fn clipboard_loses_outside(&mut self, member: u32) {
        self.outside_has_nothing(member);
        if let Some(at) = self.clipboard().filter(|at| self.link(at + field::OUTSIDE) == member) {
            self.set(at + field::OUTSIDE, 0);
        }
        self.end_take_out();
    }

    /// Nothing is on the clipboard of that member's client any more: what it has not brought is not there.
    pub fn outside_has_nothing(&mut self, member: u32) {
        let Some(at) = self.clipboard().filter(|at| self.link(at + field::OUTSIDE) == member) else { return };
        let gone = self.formats().into_iter().filter(|record| self.get(record + format::FROM) == format::OUTSIDE);
        let gone: Vec<u32> = gone.collect();
        for record in &gone {
            self.drop_format(*record);
        }
        // What would have been made of them.
        for record in self.formats() {
            let from = self.get(record + format::FROM);
            if from != 0 && self.format(from).is_none() {
                self.drop_format(record);
            }
        }
        if !gone.is_empty() {
            self.count_clipboard(at);
        }
        self.answered(at);
    }

    /// Has the desktop look, if one sees to the clipboard: of that block.
    pub(super) fn tell_outside(&mut self, at: u32) {
        if self.link(at + field::OUTSIDE) != 0 {
            self.nudge_display();
        }
    }

    /// Puts formats of the client's in place of what is on the clipboard, with texts in that locale, unless somebody has it open; answers
    /// whether it did. Who has to do with the clipboard is told.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn offer_from_outside(&mut self, member: u32, formats: &[u32], locale: u32, now: u32) -> Nt<bool> {
        if self.is_clipboard_open() || !self.open_clipboard(DESKTOP, 0)? {
            return Ok(false);
        }
        self.attach_outside(member)?;
        let at = self.make_clipboard()?;
        let owner = self.clipboard_roles().owner;
        self.empty_clipboard()?;
        for id in formats {
            let record = self.add_format(*id)?;
            self.set(record + format::FROM, format::OUTSIDE);
        }
        self.set(at + field::LOCALE, locale);
        let viewer = self.close_clipboard(now)?;
        self.notify_of_clipboard(owner, DESTROY, 0, now)?;
        self.notify_of_clipboard(viewer, DRAW, 0, now)?;
        Ok(true)
    }

    /// Has a window hear something about the clipboard, if it is there.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    fn notify_of_clipboard(&mut self, handle: u32, number: u32, wparam: u64, now: u32) -> Nt<()> {
        let Some(window) = self.window(handle) else { return Ok(()) };
        let queue = self.link(window + window_field::QUEUE);
        // Who does not come to what it is told hears no more of it.
        if queue == 0 || self.unanswered(queue) > MOST_UNSEEN {
            return Ok(());
        }
        let message = Message { window: handle, number, wparam, time: now, ..Message::default() };
        let sending = Sending { how: how::NOTIFY, data: Vec::new(), callback: (0, 0) };
        self.send_message(0, queue, &message, &sending).map(|_| ())
    }

    /// Has the clipboard's owner render a format.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn have_rendered(&mut self, id: u32, now: u32) -> Nt<()> {
        let owner = self.clipboard_roles().owner;
        self.notify_of_clipboard(owner, RENDER_FORMAT, id.into(), now)
    }

    /// A thread wants a format of the client's; where it sleeps until the desktop has answered. `None`: nobody would bring it.
    pub fn want_from_outside(&mut self, format: u32) -> Option<Wanted> {
        let at = self.clipboard().filter(|at| self.link(at + field::OUTSIDE) != 0)?;
        self.set(at + field::WANTED, format);
        self.nudge_display();
        let place = at + field::ANSWERS;
        Some(Wanted { place, before: self.get(place), progress: at + field::PROGRESS })
    }

    /// What is wanted of that member's client: a format.
    pub fn wanted_from_outside(&self, member: u32) -> Option<u32> {
        let at = self.clipboard().filter(|at| self.link(at + field::OUTSIDE) == member)?;
        Some(self.get(at + field::WANTED)).filter(|format| *format != 0)
    }

    /// The client's answer: data, or nothing. What was offered anew meanwhile is left alone.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`: then there is nothing, which is still to be told.
    pub fn answer_from_outside(&mut self, id: u32, data: Option<&[u8]>) -> Nt<()> {
        let Some(at) = self.clipboard() else { return Ok(()) };
        let offered = self.format(id).filter(|record| self.get(record + format::FROM) == format::OUTSIDE);
        if let (Some(record), Some(data)) = (offered, data) {
            // It was there for everybody before.
            let depth = self.get(at + field::RENDERING);
            self.set(at + field::RENDERING, depth.saturating_add(1));
            self.fill_format(record, Some(data))?;
            self.set(at + field::RENDERING, depth);
        }
        self.answered(at);
        Ok(())
    }

    /// The client's answer takes its time, and comes.
    pub fn outside_goes_on(&mut self) {
        if let Some(at) = self.clipboard() {
            let progress = self.get(at + field::PROGRESS).wrapping_add(1);
            self.set(at + field::PROGRESS, progress);
        }
    }

    fn answered(&mut self, at: u32) {
        let answers = self.get(at + field::ANSWERS).wrapping_add(1);
        self.set(at + field::ANSWERS, answers);
        self.set(at + field::WANTED, 0);
        self.after.word = at + field::ANSWERS;
    }

    /// For the desktop: a format's data, opening the clipboard for as long as its owner renders it. `None`: somebody else has it open.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn take_out(&mut self, id: u32) -> Nt<Option<Found>> {
        let at = self.make_clipboard()?;
        match self.get(at + field::OPEN_QUEUE) {
            0 => drop(self.open_clipboard(DESKTOP, 0)?),
            DESKTOP => {}
            _ => return Ok(None),
        }
        let depth = self.get(at + field::RENDERING);
        let found = self.clipboard_data(id, true);
        // Its owner renders it without changing the clipboard.
        self.set(at + field::RENDERING, if found == Found::Delayed { depth.max(1) } else { depth });
        Ok(Some(found))
    }

    /// The desktop needs the clipboard no longer.
    pub fn end_take_out(&mut self) {
        if let Some(at) = self.clipboard().filter(|at| self.get(at + field::OPEN_QUEUE) == DESKTOP) {
            self.set(at + field::OPEN_QUEUE, 0);
            self.set(at + field::RENDERING, 0);
        }
    }

    /// Of some formats the first that a program put there itself, with data or to be rendered.
    pub fn first_own_format(&self, ids: &[u32]) -> Option<u32> {
        let own = |id: &&u32| self.format(**id).is_some_and(|record| self.get(record + format::FROM) == 0);
        ids.iter().find(own).copied()
    }
}

impl Shm {
    /// Sleeps until a desktop has answered, until the deadline, or for no reason; answers whether there is an answer.
    pub fn await_outside(&self, wanted: &Wanted, deadline: u64) -> bool {
        let word = self.word(wanted.place);
        self.members.wait_shared(word, wanted.before, Some(deadline));
        word.load(Ordering::Acquire) != wanted.before
    }

    /// A number that changes as long as an answer comes in.
    pub fn progress_outside(&self, wanted: &Wanted) -> u32 {
        self.word(wanted.progress).load(Ordering::Relaxed)
    }
}
