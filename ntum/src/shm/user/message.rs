//! Messages: posted ones, and those that were sent and are to be answered.
//!
//! A sent message stands in two lists, the receiver's and the sender's, until both are done with it. Whoever goes first leaves the other a
//! word: a sender that no longer waits, or an answer that there will be none.

use super::queue;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a message.
pub(super) mod field {
    /// Node in the queue that it is in.
    pub const NODE: u32 = 0;
    /// The window's handle, the number, both parameters, the time, the cursor's place, extra information.
    pub const WINDOW: u32 = 2;
    pub const NUMBER: u32 = 3;
    pub const WPARAM: u32 = 4;
    pub const LPARAM: u32 = 6;
    pub const TIME: u32 = 8;
    pub const PLACE: u32 = 9;
    pub const EXTRA: u32 = 11;
    /// Of posted ones: what goes along, a block of bytes. Number of words of these.
    pub const POSTED_DATA: u32 = 13;
    pub const POSTED_COUNT: u32 = 14;
    /// Of sent ones: node in the sender's list, the sender's queue and the receiver's (0: gone).
    pub const SENDER_NODE: u32 = 13;
    pub const SENDER: u32 = 15;
    pub const RECEIVER: u32 = 16;
    /// A [`super::Progress`].
    pub const PROGRESS: u32 = 17;
    /// The answer.
    pub const ANSWER: u32 = 18;
    /// Bits of [`super::how`].
    pub const HOW: u32 = 20;
    /// What goes with it, and with the answer: blocks of bytes.
    pub const DATA: u32 = 21;
    pub const ANSWER_DATA: u32 = 22;
    /// What is called with the answer, and its argument: SendMessageCallback.
    pub const CALLBACK: u32 = 23;
    pub const CALLBACK_DATA: u32 = 25;
    /// The message whose answering this one's receiver went on from.
    pub const OUTER: u32 = 27;
    /// Number of words.
    pub const COUNT: u32 = 28;
}

/// Bits about a sent message.
pub mod how {
    /// Its texts are in the ANSI code page.
    pub const ANSI: u32 = 1;
    /// Its parameters were packed: it comes from another process.
    pub const PACKED: u32 = 2;
    /// Nobody waits for an answer.
    pub const NOTIFY: u32 = 4;
    /// The answer goes to a function of the sender's.
    pub const CALLBACK: u32 = 8;
    /// Nobody sleeps until there is one.
    pub(super) const UNAWAITED: u32 = NOTIFY | CALLBACK;
    /// One of the window server's own.
    pub const INTERNAL: u32 = 16;
}

/// How far a sent message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Progress {
    /// It waits in the receiver's queue.
    Waits = 0,
    /// The receiver is at it.
    Received = 1,
    /// It was answered.
    Answered = 2,
    /// There will be no answer: the receiver is gone.
    Refused = 3,
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Message {
    /// The window's handle; 0 for the thread.
    pub window: u32,
    /// WM_*.
    pub number: u32,
    /// Its parameters.
    pub wparam: u64,
    /// See above.
    pub lparam: u64,
    /// Milliseconds since the host started, when it was posted.
    pub time: u32,
    /// Where the cursor was.
    pub place: (i32, i32),
    /// GetMessageExtraInfo.
    pub extra: u64,
}

/// A sent message as its receiver finds it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its record.
    pub record: u32,
    /// The message.
    pub message: Message,
    /// Bits of [`how`].
    pub how: u32,
    /// What goes with it.
    pub data: Vec<u8>,
    /// The sender's process.
    pub sender: u32,
}

/// How a message is sent.
#[derive(Debug, Clone, Default)]
pub struct Sending {
    /// Bits of [`how`].
    pub how: u32,
    /// What goes with it.
    pub data: Vec<u8>,
    /// Function and argument of SendMessageCallback.
    pub callback: (u64, u64),
}

/// An answer as the sender finds it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The message.
    pub message: Message,
    /// The result; `None` if the receiver is gone.
    pub result: Option<u64>,
    /// What goes with it.
    pub data: Vec<u8>,
    /// Bits of [`how`].
    pub how: u32,
    /// Function and argument of SendMessageCallback.
    pub callback: (u64, u64),
}

impl Tx<'_> {
    /// A record of a message that is posted, with bytes that go along, behind so many.
    pub(super) fn make_posted(&mut self, message: &Message, data: &[u8], before: u32) -> Nt<u32> {
        let record = self.make_message_of(message, field::POSTED_COUNT, before)?;
        if !data.is_empty() {
            self.replace_bytes(record + field::POSTED_DATA, data)?;
        }
        Ok(record)
    }

    /// What goes with a posted message.
    pub(super) fn posted_data(&self, record: u32) -> Vec<u8> {
        self.kept_bytes(record + field::POSTED_DATA)
    }

    /// A posted message goes.
    pub(super) fn drop_posted(&mut self, record: u32) {
        let data = self.get(record + field::POSTED_DATA);
        if data != 0 {
            self.free(data);
        }
        self.free(record);
    }

    /// A record of so many words that begins with a message. Behind more than a few, it leaves memory to others.
    pub(super) fn make_message_of(&mut self, message: &Message, words: u32, before: u32) -> Nt<u32> {
        const FEW: u32 = 100;
        let record = if before > FEW { self.allocate_sparingly(words) } else { self.allocate(words) };
        let record = record.ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(record + field::WINDOW, message.window);
        self.fill(record + field::NUMBER, message.number);
        self.fill(record + field::TIME, message.time);
        self.fill(record + field::PLACE, message.place.0 as u32);
        self.fill(record + field::PLACE + 1, message.place.1 as u32);
        let wide = [(field::WPARAM, message.wparam), (field::LPARAM, message.lparam), (field::EXTRA, message.extra)];
        for (at, value) in wide {
            self.fill(record + at, value as u32);
            self.fill(record + at + 1, (value >> 32) as u32);
        }
        Ok(record)
    }

    /// Sets what a record says.
    pub(super) fn set_message(&mut self, record: u32, message: &Message) {
        self.set(record + field::WINDOW, message.window);
        self.set(record + field::NUMBER, message.number);
        self.set(record + field::TIME, message.time);
        self.set(record + field::PLACE, message.place.0 as u32);
        self.set(record + field::PLACE + 1, message.place.1 as u32);
        let wide = [(field::WPARAM, message.wparam), (field::LPARAM, message.lparam), (field::EXTRA, message.extra)];
        for (at, value) in wide {
            self.set_wide(record + at, value);
        }
    }

    pub(super) fn message(&self, record: u32) -> Message {
        Message {
            window: self.get(record + field::WINDOW),
            number: self.get(record + field::NUMBER),
            wparam: self.wide(record + field::WPARAM),
            lparam: self.wide(record + field::LPARAM),
            time: self.get(record + field::TIME),
            place: (self.get(record + field::PLACE) as i32, self.get(record + field::PLACE + 1) as i32),
            extra: self.wide(record + field::EXTRA),
        }
    }

    /// A sent message goes.
    fn drop_message(&mut self, record: u32) {
        for at in [field::DATA, field::ANSWER_DATA] {
            let block = self.get(record + at);
            if block != 0 {
                self.free(block);
            }
        }
        self.free(record);
    }

    /// Sends a message from a queue (0: from none) to another; answers its record, which the sender must take back with
    /// [`Tx::take_answer`] or [`Tx::abandon_message`] unless it is for notice only.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn send_message(&mut self, from: u32, to: u32, message: &Message, sending: &Sending) -> Nt<u32> {
        let notices = self.get(to + queue::field::NOTICES);
        if sending.how & how::UNAWAITED != 0 {
            // A thread that does not come to them would have more and more.
            if notices >= queue::MOST {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            self.set(to + queue::field::NOTICES, notices + 1);
        }
        let record = self.make_message_of(message, field::COUNT, notices)?;
        self.replace_bytes(record + field::DATA, &sending.data)?;
        self.set(record + field::HOW, sending.how);
        self.set(record + field::RECEIVER, to);
        self.set_wide(record + field::CALLBACK, sending.callback.0);
        self.set_wide(record + field::CALLBACK_DATA, sending.callback.1);
        if sending.how & how::NOTIFY == 0 && from != 0 {
            self.set(record + field::SENDER, from);
            List(from + queue::field::SENDING).push(self, record + field::SENDER_NODE);
        }
        List(to + queue::field::SENT).push(self, record + field::NODE);
        self.queue_has(to, queue::SENT);
        Ok(record)
    }

    /// The next sent message of a queue: its owner is at it from now on, until [`Tx::answer_message`].
    pub fn receive_message(&mut self, queue: u32) -> Option<Sent> {
        let first = List(queue + queue::field::SENT).first(self);
        let Some(node) = self.waiting_from(first) else {
            self.queue_lacks(queue, queue::SENT);
            return None;
        };
        let record = node - field::NODE;
        let more = self.waiting_from(List::next(self, node)).is_some();
        self.notice_taken(queue, record);
        self.set(record + field::PROGRESS, Progress::Received as u32);
        let outer = self.link(queue + queue::field::ANSWERING);
        self.set(record + field::OUTER, outer);
        self.set(queue + queue::field::ANSWERING, record);
        if !more {
            self.queue_lacks(queue, queue::SENT);
        }
        let sender = self.link(record + field::SENDER);
        let sender = if sender == 0 { 0 } else { self.link(sender + queue::field::MEMBER) };
        Some(Sent {
            record,
            message: self.message(record),
            how: self.get(record + field::HOW),
            data: self.kept_bytes(record + field::DATA),
            sender,
        })
    }

    /// The first message, from a node of its queue's on, that waits.
    fn waiting_from(&self, mut node: u32) -> Option<u32> {
        // Damaged memory may hold a ring.
        for _ in 0..self.shm().size() {
            if node == 0 || self.get(node - field::NODE + field::PROGRESS) == Progress::Waits as u32 {
                break;
            }
            node = List::next(self, node);
        }
        (node != 0).then_some(node)
    }

    /// A message that waits no longer is none of those that a queue's thread has not come to.
    fn notice_taken(&mut self, queue: u32, record: u32) {
        if self.get(record + field::HOW) & how::UNAWAITED != 0 {
            let count = self.get(queue + queue::field::NOTICES);
            self.set(queue + queue::field::NOTICES, count.saturating_sub(1));
        }
    }

    /// How many messages that were sent to a queue its thread has not come to.
    pub fn unanswered(&self, queue: u32) -> usize {
        let waits = |node: &u32| self.get(node - field::NODE + field::PROGRESS) == Progress::Waits as u32;
        List(queue + queue::field::SENT).nodes(self).into_iter().filter(waits).count()
    }

    /// Whether the message that a queue's thread is at waits for its answer still (InSendMessage); its bits.
    pub fn answering(&self, queue: u32) -> Option<(u32, bool)> {
        let record = self.link(queue + queue::field::ANSWERING);
        if record == 0 {
            return None;
        }
        let answered = self.get(record + field::PROGRESS) >= Progress::Answered as u32;
        Some((self.get(record + field::HOW), answered))
    }

    /// Answers what a queue's thread is at, without being done with it (ReplyMessage). Answers whether anybody waited.
    pub fn reply_early(&mut self, queue: u32, result: u64, data: &[u8]) -> bool {
        let record = self.link(queue + queue::field::ANSWERING);
        if record == 0 || self.get(record + field::PROGRESS) >= Progress::Answered as u32 {
            return false;
        }
        self.set_wide(record + field::ANSWER, result);
        // An answer that there is no room for is none: who waits hears that.
        let progress = match self.replace_bytes(record + field::ANSWER_DATA, data) {
            Ok(()) => Progress::Answered,
            Err(_) => Progress::Refused,
        };
        self.set(record + field::PROGRESS, progress as u32);
        let sender = self.link(record + field::SENDER);
        if sender != 0 {
            self.queue_has(sender, self.kind_of_answer(record));
        }
        sender != 0
    }

    /// A queue's thread is done with a message.
    pub fn answer_message(&mut self, queue: u32, record: u32, result: u64, data: &[u8]) {
        let outer = self.link(record + field::OUTER);
        self.set(queue + queue::field::ANSWERING, record);
        self.reply_early(queue, result, data);
        self.set(queue + queue::field::ANSWERING, outer);
        List(queue + queue::field::SENT).remove(self, record + field::NODE);
        self.set(record + field::RECEIVER, 0);
        if self.link(record + field::SENDER) == 0 {
            self.drop_message(record);
        }
    }

    /// The receiver goes, without an answer.
    pub(super) fn refuse_message(&mut self, queue: u32, record: u32) {
        List(queue + queue::field::SENT).remove(self, record + field::NODE);
        self.set(record + field::RECEIVER, 0);
        let sender = self.link(record + field::SENDER);
        if sender == 0 {
            self.drop_message(record);
        } else if self.get(record + field::PROGRESS) < Progress::Answered as u32 {
            self.set(record + field::PROGRESS, Progress::Refused as u32);
            self.queue_has(sender, self.kind_of_answer(record));
        }
    }

    /// What a sender's queue has with the answer to a message: a function to call is carried out among what was sent to it.
    fn kind_of_answer(&self, record: u32) -> u32 {
        if self.get(record + field::HOW) & how::CALLBACK != 0 { queue::SENT } else { queue::RESULT }
    }

    /// The sender waits no longer.
    pub fn abandon_message(&mut self, record: u32) {
        let sender = self.link(record + field::SENDER);
        if sender == 0 {
            return;
        }
        List(sender + queue::field::SENDING).remove(self, record + field::SENDER_NODE);
        self.set(record + field::SENDER, 0);
        if self.link(record + field::RECEIVER) == 0 {
            self.drop_message(record);
        }
    }

    /// The sender has waited for long enough: what was not received yet never is.
    pub fn withdraw_message(&mut self, record: u32) {
        let receiver = self.link(record + field::RECEIVER);
        if receiver != 0 && self.get(record + field::PROGRESS) == Progress::Waits as u32 {
            List(receiver + queue::field::SENT).remove(self, record + field::NODE);
            self.set(record + field::RECEIVER, 0);
        }
        self.abandon_message(record);
    }

    /// The answer to a message, once it is there; the sender is done with it then.
    pub fn take_answer(&mut self, record: u32) -> Option<Answer> {
        let progress = self.get(record + field::PROGRESS);
        if progress < Progress::Answered as u32 {
            return None;
        }
        let answer = Answer {
            message: self.message(record),
            result: (progress == Progress::Answered as u32).then(|| self.wide(record + field::ANSWER)),
            data: self.kept_bytes(record + field::ANSWER_DATA),
            how: self.get(record + field::HOW),
            callback: (self.wide(record + field::CALLBACK), self.wide(record + field::CALLBACK_DATA)),
        };
        self.abandon_message(record);
        Some(answer)
    }

    /// Answers that came to messages with a function to call: SendMessageCallback.
    pub fn take_called_back(&mut self, queue: u32) -> Option<Answer> {
        let records = List(queue + queue::field::SENDING).nodes(self).into_iter().map(|node| node - field::SENDER_NODE);
        let is_due = |record: &u32| {
            self.get(record + field::HOW) & how::CALLBACK != 0
                && self.get(record + field::PROGRESS) >= Progress::Answered as u32
        };
        let record = records.into_iter().find(is_due)?;
        self.take_answer(record)
    }
}
