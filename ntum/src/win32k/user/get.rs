//! Messages that a thread gets: NtUserGetMessage and NtUserPeekMessage, waiting for them, posting them, handing them to procedures.

use super::super::{Failed, User, error};
use super::pack::has_addresses;
use super::paint;
use super::procedure::{Letter, Mapping};
use super::send::{RECEIVE_FLAGS, is_broadcast, is_for_all};
use super::session::ALL_INPUT;
use super::{dde, hook};
use crate::call::Cx;
use crate::ke::spin::spin_by;
use crate::ke::wait::{Deadline, MAXIMUM_WAIT_OBJECTS};
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::layout::{parameters, peb};
use crate::shm::Tx;
use crate::shm::user::hardware::{self, number};
use crate::shm::user::message::Message;
use crate::shm::user::queue;
use crate::shm::user::queue::{ALL_POSTED, POSTED, SENT, TIMER};
use crate::shm::user::window::{CHILD, POPUP, field};
use crate::status::*;
use crate::um::UserPtr;

/// WAIT_FAILED, and what GetMessage answers for a mistake.
const FAILED: u64 = u32::MAX as u64;
/// MWMO_*: all objects and a message, alertable, what was seen before counts.
const WAIT_ALL: u32 = 1;
const ALERTABLE: u32 = 2;
const INPUT_AVAILABLE: u32 = 4;
/// PM_REMOVE, PM_NOYIELD.
const REMOVE: u32 = 1;
const NO_YIELD: u32 = 2;
/// Where user32 keeps what GetMessageTime tells.
pub(super) const MESSAGE_TIME: u64 = 8;
/// Where user32 keeps what device a message is from: INPUT_MESSAGE_SOURCE.
const SOURCE: u64 = 24;
/// ISMEX_NOTIFY, ISMEX_REPLIED.
const NOTIFIED: u32 = 2;
const REPLIED: u32 = 8;
/// WM_QUIT.
pub(super) const QUIT: u32 = 0x12;
/// WM_TIMER.
const WM_TIMER: u32 = 0x113;
/// WM_SYSTIMER.
const SYSTEM_TIMER: u32 = 0x118;

/// Which messages are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    /// Window: 0 any, all ones those of no window, else that one and what lies below it.
    window: u32,
    /// First and last number; 0 and 0 is all.
    range: (u32, u32),
    /// Kinds: QS_*.
    kinds: u32,
    /// Whether the caller named kinds: it gets nothing then where messages were sent to it.
    named: bool,
}

impl Filter {
    pub(super) fn takes_number(&self, number: u32) -> bool {
        self.range == (0, 0) || (self.range.0..=self.range.1).contains(&number)
    }

    /// Whether a message of keyboard or mouse may become one that is taken: what a mouse's is depends on the window that it meets.
    fn takes_hardware(&self, tx: &Tx<'_>, window: u32, number: u32) -> bool {
        let client = [number, number.wrapping_add(number::NC_MOUSE_MOVE).wrapping_sub(number::MOUSE_MOVE)];
        match hardware::kind(number) {
            queue::KEY => self.takes_window(tx, window) && self.takes_number(number),
            queue::RAW => self.takes_number(number),
            _ if number == number::MOUSE_WHEEL => self.takes_number(number),
            // A click may be a double one: the number after the next.
            _ => {
                client.into_iter().any(|number| self.takes_number(number) || self.takes_number(number.wrapping_add(2)))
            }
        }
    }

    pub(super) fn takes_window(&self, tx: &Tx<'_>, window: u32) -> bool {
        match self.window {
            0 => true,
            // -1, or what a 16-bit program has for it.
            u32::MAX | 0xffff | 1 => window == 0,
            wanted => {
                window == wanted
                    || tx
                        .window(window)
                        .is_some_and(|window| tx.window(wanted).is_some_and(|wanted| tx.is_below(window, wanted)))
            }
        }
    }
}

/// An object of a list, which may be a number of a standard handle.
fn object(cx: &Cx<'_>, handle: Handle) -> Nt<Ref> {
    let number = handle.0 as i32;
    let handle = if (-12..=-10).contains(&number) {
        let block = UserPtr::<u64>::new(cx.k.ps.peb() + peb::PROCESS_PARAMETERS).read(cx.k)?;
        let place = (-10 - number) as u64 * 8;
        UserPtr::<Handle>::new(block + parameters::STANDARD_INPUT + place).read(cx.k)?
    } else {
        handle
    };
    cx.object(handle, SYNCHRONIZE)
}

impl Cx<'_> {
    /// Timers that are due count as come.
    fn note_timers(&self) -> User<()> {
        let record = self.queue()?.record;
        let mut tx = self.windows()?;
        if tx.next_timer(record).is_some_and(|due| due <= self.k.host.monotonic()) {
            tx.queue_has(record, TIMER);
            tx.commit()?;
        }
        Ok(())
    }

    /// Answers what was sent to the thread, then looks for a message.
    pub(super) fn look(&self, filter: Filter, remove: bool) -> User<Option<Message>> {
        let mut answered = false;
        while self.answer_sent()? {
            answered = true;
        }
        let mine = self.queue()?.record;
        let (shm, _) = self.sandbox()?;
        let now = self.k.host.monotonic();
        let mut tx = shm.begin();
        tx.stop_awaiting(mine);
        // What was looked at wakes nobody again.
        let whole = if filter.range == (0, 0) { ALL_POSTED } else { 0 };
        tx.queue_seen(mine, filter.kinds & !ALL_POSTED | whole | SENT);
        if answered && filter.named {
            tx.commit()?;
            return Ok(None);
        }
        let (mut found, mut along, mut is_input) = (None, Vec::new(), false);
        if filter.kinds & (POSTED | ALL_POSTED) != 0 {
            let takes = |tx: &Tx<'_>, message: &Message| {
                filter.takes_number(message.number) && filter.takes_window(tx, message.window)
            };
            if let Some((message, data)) = tx.take_posted(mine, remove, takes) {
                found = Some(message);
                along = data;
            }
            if found.is_none() && tx.get(mine + queue::field::QUIT) != 0 {
                // No filter keeps it back.
                let code = tx.get(mine + queue::field::QUIT_CODE);
                let wparam = i64::from(code as i32) as u64;
                found = Some(Message { number: QUIT, wparam, time: self.milliseconds(), ..Message::default() });
                if remove {
                    tx.set(mine + queue::field::QUIT, 0);
                    tx.note_posted(mine);
                }
            }
        }
        let place = tx.cursor_place();
        if let Some(message) = found.filter(|message| dde::is_packed(message, &along)) {
            tx.commit()?;
            found = dde::unpack(self, &message, &along)?;
            tx = shm.begin();
            // What nobody can make anything of is none; whatever is behind it is still to be looked at.
            if found.is_none() && remove && tx.get(mine + queue::field::POSTED_COUNT) != 0 {
                tx.queue_has(mine, POSTED | ALL_POSTED);
            }
        }
        if found.is_none() && filter.kinds & queue::INPUT & tx.get(mine + queue::field::BITS) != 0 {
            tx.commit()?;
            found = self.look_for_input(&filter, remove)?;
            is_input = found.is_some();
            tx = shm.begin();
        }
        if found.is_none() && filter.kinds & queue::PAINT != 0 && filter.takes_number(paint::PAINT) {
            let below = tx.window(filter.window).unwrap_or(0);
            let window = if filter.window == 0 || below != 0 { tx.window_to_paint(mine, below) } else { 0 };
            if window != 0 {
                // It stays until the window was painted; what is due without anything invalid is told once.
                tx.paint_told(window);
                let handle = tx.handle_of(window);
                let time = self.milliseconds();
                found = Some(Message { window: handle, number: paint::PAINT, time, ..Message::default() });
            }
        }
        if found.is_none() && filter.kinds & TIMER != 0 {
            let timer = tx.due_timer(mine, now, remove, |tx, timer| {
                filter.takes_number(timer.message) && filter.takes_window(tx, timer.window)
            });
            found = timer.map(|timer| Message {
                window: timer.window,
                number: timer.message,
                wparam: timer.id,
                lparam: timer.procedure,
                time: self.milliseconds(),
                ..Message::default()
            });
            if found.is_none() && tx.next_timer(mine).is_none_or(|due| due > now) {
                tx.queue_lacks(mine, TIMER);
            }
        }
        tx.commit()?;
        if found.is_some() && !is_input {
            self.set_source(0)?;
        }
        let found = found.map(|message| match message.place {
            (0, 0) => Message { place, ..message },
            _ => message,
        });
        if let Some(message) = &found
            && remove
        {
            self.note_message(message)?;
        }
        Ok(found)
    }

    /// Looks for a message of keyboard and mouse. What others have to say to it may make it none.
    fn look_for_input(&self, filter: &Filter, remove: bool) -> User<Option<Message>> {
        let mine = self.queue()?.record;
        let mut after = 0;
        loop {
            let mut tx = self.windows()?;
            let next = tx.next_hardware(mine, after, |tx, window, number| {
                filter.kinds & hardware::kind(number) != 0 && filter.takes_hardware(tx, window, number)
            });
            tx.commit()?;
            let Some(next) = next else { return Ok(None) };
            after = next.id;
            self.set_source(next.source)?;
            let taken = match next.message.number {
                number::INPUT | number::INPUT_DEVICE_CHANGE => {
                    super::raw::keep(self, next.id, &next.raw)?;
                    if remove {
                        super::keyboard::accept(self, next.id)?;
                    }
                    Some(Message { lparam: next.id.into(), ..next.message })
                }
                number if hardware::kind(number) == queue::KEY => super::keyboard::take(self, &next, filter, remove)?,
                _ => super::mouse::take(self, &next, filter, remove)?,
            };
            if taken.is_some() {
                return Ok(taken);
            }
            self.set_source(0)?;
        }
    }

    /// What GetCurrentInputMessageSource tells from then on, the device in the lower half: user32 keeps it. Answers what it told before.
    pub(super) fn set_source(&self, source: u32) -> User<u32> {
        let at = UserPtr::<[u32; 2]>::new(self.thread_info() + SOURCE);
        let [device, origin] = at.read(self.k)?;
        let before = device & 0xffff | origin << 16;
        if before != source {
            at.write(self.k, [source & 0xffff, source >> 16])?;
        }
        Ok(before)
    }

    /// What GetMessageTime, GetMessagePos and GetMessageExtraInfo tell from then on: user32 keeps it.
    fn note_message(&self, message: &Message) -> User<()> {
        let (x, y) = message.place;
        let mut bytes = message.time.to_le_bytes().to_vec();
        bytes.extend_from_slice(&(x as u16).to_le_bytes());
        bytes.extend_from_slice(&(y as u16).to_le_bytes());
        bytes.extend_from_slice(&message.extra.to_le_bytes());
        Ok(self.k.write_user(self.thread_info() + MESSAGE_TIME, &bytes)?)
    }

    /// Waits for objects, or for what came to the queue. `bits` are there already if they are there, `changed` counts from now on. The
    /// queue says that it is waited for until [`Tx::stop_awaiting`].
    fn wait_for_messages(&self, objects: Vec<Ref>, flags: u32, kinds: (u32, u32), deadline: Deadline) -> User<Status> {
        let mine = self.queue()?;
        let (shm, _) = self.sandbox()?;
        // Messages alone that are there need no wait.
        let alone = objects.is_empty() && flags & ALERTABLE == 0;
        let mut all = objects;
        all.push(mine.event.clone());
        loop {
            let now = self.k.host.monotonic();
            let waits = !matches!(deadline, Deadline::At(at) if at <= now);
            let seems = || shm.queue_seems_to_have(mine.record, kinds).then_some(());
            if alone && waits && spin_by(self.k, self.t, &mine.spin, 1, seems).is_some() {
                return Ok(STATUS_WAIT_0);
            }
            mine.event.signal.reset(self.k);
            let (there, due) = shm.await_messages(mine.record, kinds, Some(now), !alone)?;
            if there && alone {
                return Ok(STATUS_WAIT_0);
            }
            let due = due.filter(|_| (kinds.0 | kinds.1) & TIMER != 0);
            let due = due.into_iter().chain(self.k.user.power.next(now)).chain(self.k.mm.start_ends(now)).min();
            let (until, timer) = match (due, deadline) {
                (Some(due), Deadline::Never) => (Deadline::At(due), true),
                (Some(due), Deadline::At(at)) if due < at => (Deadline::At(due), true),
                (_, deadline) => (deadline, false),
            };
            super::idle::reached(self);
            match self.wait_for(all.clone(), flags & WAIT_ALL != 0, flags & ALERTABLE != 0, until) {
                Ok(STATUS_TIMEOUT) if timer => {
                    let now = self.k.host.monotonic();
                    self.k.end_start(now);
                    super::power::look(self, now)?;
                }
                ended => return Ok(ended?),
            }
        }
    }

    /// As [`Cx::wait_for_messages`]; nobody wakes the queue any more behind it.
    fn wait_once(&self, objects: Vec<Ref>, flags: u32, kinds: (u32, u32), deadline: Deadline) -> User<Status> {
        super::surface::flush(self);
        let ended = self.wait_for_messages(objects, flags, kinds, deadline);
        self.stop_awaiting(self.queue()?.record)?;
        ended
    }

    /// The calling thread waits for its queue no longer.
    pub(super) fn stop_awaiting(&self, queue: u32) -> User<()> {
        let (shm, _) = self.sandbox()?;
        // Whoever woke it has seen to that.
        if shm.queue_awaits(queue) {
            let mut tx = shm.begin();
            tx.stop_awaiting(queue);
            tx.commit()?;
        }
        Ok(())
    }
}

pub(super) fn filter_of(window: u64, first: u32, last: u32, kinds: u32) -> Filter {
    let named = kinds != 0;
    // Who asks for raw input gets keys and the mouse as well.
    let kinds = match kinds {
        0 => ALL_INPUT | ALL_POSTED,
        raw if raw & queue::RAW != 0 => raw | queue::INPUT,
        kinds => kinds,
    };
    // A posted message is asked for by either of its kinds.
    Filter { window: window as u32, range: (first, last), kinds, named }
}

fn check_window(cx: &Cx<'_>, window: u64, answer: u64) -> User<u64> {
    match window as u32 {
        0 | 1 | 0xffff | u32::MAX => Ok(window),
        _ => cx.window(window).map(|found| found.handle.into()).map_err(|failed| failed.answering(answer)),
    }
}

/// Stores a MSG once hooks have seen it, who may change it.
fn store_seen(cx: &Cx<'_>, at: u64, message: &Message, remove: u32) -> User<()> {
    let bytes = bytes_of(message);
    let (_, seen) = hook::call_with(cx, hook::GET_MESSAGE, hook::ACTION, remove.into(), &bytes)?;
    let seen = if seen.len() == bytes.len() { seen } else { bytes.to_vec() };
    Ok(cx.k.write_user(at, &seen)?)
}

/// A MSG: window, number, parameters, time, place of the cursor.
pub(super) fn bytes_of(message: &Message) -> [u8; 48] {
    let mut out = [0u8; 48];
    out[..8].copy_from_slice(&u64::from(message.window).to_le_bytes());
    out[8..12].copy_from_slice(&message.number.to_le_bytes());
    out[16..24].copy_from_slice(&message.wparam.to_le_bytes());
    out[24..32].copy_from_slice(&message.lparam.to_le_bytes());
    out[32..36].copy_from_slice(&message.time.to_le_bytes());
    out[36..40].copy_from_slice(&message.place.0.to_le_bytes());
    out[40..44].copy_from_slice(&message.place.1.to_le_bytes());
    out
}

/// NtUserMsgWaitForMultipleObjectsEx: waits for objects, or for messages of some kinds (QS_*), for so many milliseconds.
///
/// # Errors
/// The answer is WAIT_FAILED, and the last error says why.
pub fn msg_wait(cx: &Cx<'_>, count: u32, handles: UserPtr<Handle>, timeout: u32, mask: u32, flags: u32) -> User {
    let failed = |status: Status| Failed::from(status).answering(FAILED);
    let count = count as usize;
    if count >= MAXIMUM_WAIT_OBJECTS {
        return Err(Failed::with(error::INVALID_PARAMETER).answering(FAILED));
    }
    let list = if count == 0 { Ok(Vec::new()) } else { handles.read_vec(cx.k, count) };
    let objects = list.and_then(|list| list.into_iter().map(|handle| object(cx, handle)).collect::<Nt<Vec<_>>>());
    let objects = objects.map_err(failed)?;
    let deadline = Deadline::of(cx.k, (timeout != u32::MAX).then_some(-i64::from(timeout) * 10_000));
    let kinds = (if flags & INPUT_AVAILABLE != 0 { mask } else { 0 }, mask);
    match cx.wait_once(objects, flags, kinds, deadline) {
        Ok(status) => Ok(status.0.into()),
        Err(ended) => Err(ended.answering(FAILED)),
    }
}

/// NtUserWaitMessage.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn wait_message(cx: &Cx<'_>) -> User {
    cx.wait_once(Vec::new(), 0, (0, ALL_INPUT), Deadline::Never).map(|_| 1)
}

/// Waits for objects, or for messages of some kinds: the last of what it answers stands for these.
pub(super) fn wait_or_answer(cx: &Cx<'_>, objects: Vec<Ref>, kinds: u32, deadline: Deadline) -> User<Status> {
    cx.wait_once(objects, 0, (kinds, kinds), deadline)
}

/// Waits until there is what was not looked at yet.
pub(super) fn wait_for_any(cx: &Cx<'_>) -> User<Status> {
    cx.wait_for_messages(Vec::new(), 0, (SENT, ALL_INPUT), Deadline::Never)
}

/// NtUserPeekMessage: the upper half of `flags` says of which kinds (QS_*), none says all.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn peek_message(cx: &Cx<'_>, message: u64, window: u64, first: u32, last: u32, flags: u32) -> User {
    let window = check_window(cx, window, 0)?;
    let kinds = flags >> 16;
    let found = cx.look(filter_of(window, first, last, kinds), flags & REMOVE != 0)?;
    cx.sandbox()?.0.looked_for_message(cx.queue()?.record, found.is_some());
    let Some(found) = found else {
        if flags & NO_YIELD == 0 {
            super::idle::reached(cx);
        }
        return Ok(0);
    };
    store_seen(cx, message, &found, flags & REMOVE)?;
    Ok(1)
}

/// NtUserGetMessage.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn get_message(cx: &Cx<'_>, message: u64, window: u64, first: u32, last: u32) -> User {
    let window = check_window(cx, window, FAILED)?;
    let filter = filter_of(window, first, last, 0);
    loop {
        if let Some(found) = cx.look(filter, true)? {
            store_seen(cx, message, &found, REMOVE).map_err(|failed| failed.answering(FAILED))?;
            return Ok(u64::from(found.number != QUIT));
        }
        super::surface::flush(cx);
        // What was there and is not taken is no reason to look again.
        let kinds = (SENT, ALL_INPUT);
        match cx.wait_for_messages(Vec::new(), 0, kinds, Deadline::Never) {
            Ok(STATUS_WAIT_0) => {}
            Ok(interruption) => return Err(interruption.into()),
            Err(failed) => return Err(failed.answering(FAILED)),
        }
    }
}

/// NtUserPostMessage: to a window, to all top-level windows, or to the thread.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn post_message(cx: &Cx<'_>, window: u64, message: u32, wparam: u64, lparam: u64) -> User {
    if has_addresses(message, wparam) {
        return Err(Failed::with(error::MESSAGE_SYNC_ONLY));
    }
    let letter = Message { number: message, wparam, lparam, time: cx.milliseconds(), ..Message::default() };
    if window == 0 {
        let record = cx.queue()?.record;
        return post(cx, record, &letter);
    }
    if is_broadcast(window) && !is_for_all(message) {
        return Ok(1);
    }
    if is_broadcast(window) {
        for window in cx.top_windows()?.into_iter().filter(|window| window.queue != 0) {
            let style = cx.windows()?.get(window.record + field::STYLE);
            if style & (CHILD | POPUP) != CHILD {
                post(cx, window.queue, &Message { window: window.handle, ..letter })?;
            }
        }
        return Ok(1);
    }
    let found = cx.window(window)?;
    if found.queue == 0 {
        // The desktop's own takes what is posted to it, and does nothing.
        return Ok(1);
    }
    post(cx, found.queue, &Message { window: found.handle, ..letter })
}

fn post(cx: &Cx<'_>, queue: u32, message: &Message) -> User {
    if dde::is_one(message.number) {
        return dde::post(cx, queue, message);
    }
    if dde::is_for_another(cx, queue, message)? {
        return dde::post_files(cx, queue, message);
    }
    let mut tx = cx.windows()?;
    put(&mut tx, queue, message)?;
    tx.commit()?;
    Ok(1)
}

fn put(tx: &mut Tx<'_>, queue: u32, message: &Message) -> User<()> {
    let place = tx.cursor_place();
    match tx.post_message(queue, &Message { place, ..*message })? {
        true => Ok(()),
        false => Err(Failed::with(error::NOT_ENOUGH_QUOTA)),
    }
}

/// NtUserPostThreadMessage: to any thread of the sandbox that has a queue.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn post_thread_message(cx: &Cx<'_>, thread: u32, message: u32, wparam: u64, lparam: u64) -> User {
    if has_addresses(message, wparam) {
        return Err(Failed::with(error::MESSAGE_SYNC_ONLY));
    }
    if u64::from(thread) == cx.t.id {
        cx.queue()?;
    }
    let letter = Message { number: message, wparam, lparam, time: cx.milliseconds(), ..Message::default() };
    // A thread has a queue from its first look at it on.
    let mut tx = cx.windows()?;
    let queue = tx.queue_of(thread).ok_or(Failed::with(error::INVALID_THREAD_ID))?;
    put(&mut tx, queue, &letter)?;
    tx.commit()?;
    Ok(1)
}

/// NtUserGetQueueStatus: what there is of some kinds in the upper half, what came of it in the lower.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_queue_status(cx: &Cx<'_>, kinds: u32) -> User {
    /// QS_TOUCH, QS_POINTER: there is neither, and programs ask for them with all else.
    const NONE_HERE: u32 = 0x1800;
    if kinds & !(ALL_INPUT | ALL_POSTED | queue::RESULT | NONE_HERE) != 0 {
        return Err(Failed::with(error::INVALID_FLAGS));
    }
    cx.note_timers()?;
    let record = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let (there, came) = tx.queue_status(record, kinds);
    tx.commit()?;
    Ok((there << 16 | came).into())
}

/// NtUserDispatchMessage: hands a message to its window's procedure, or to its timer's.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn dispatch_message(cx: &Cx<'_>, message: u64) -> User {
    let bytes: [u64; 4] = UserPtr::new(message).read(cx.k)?;
    let [window, number, wparam, lparam] = bytes;
    dispatch(cx, &Message { window: window as u32, number: number as u32, wparam, lparam, ..Message::default() })
}

/// As NtUserDispatchMessage, of a message that the kernel took itself.
pub(super) fn dispatch(cx: &Cx<'_>, message: &Message) -> User {
    let Message { window, number, wparam, lparam, .. } = *message;
    let window = u64::from(window);
    let letter = Letter { message: number, wparam, lparam, ansi: false };
    if number == WM_TIMER && lparam != 0 {
        let letter = Letter { lparam: u64::from(cx.milliseconds()), ..letter };
        let all = cx.parameters_for(lparam, window, &letter, Mapping::Call)?;
        return Ok(cx.call_procedure(&all, None)?.result);
    }
    if number == SYSTEM_TIMER && super::mouse::is_timer(wparam) {
        super::mouse::look_after(cx)?;
        return Ok(0);
    }
    if number == SYSTEM_TIMER && super::caret::is_timer(wparam) {
        super::caret::blink(cx)?;
        return Ok(0);
    }
    if number == SYSTEM_TIMER && super::flash::is_timer(wparam) {
        super::flash::tick(cx, window)?;
        return Ok(0);
    }
    if window == 0 {
        return Ok(0);
    }
    let found = cx.window(window)?;
    let all = cx.parameters(&found, &letter, Mapping::Dispatch)?;
    let all = all.ok_or(Failed::with(error::MESSAGE_SYNC_ONLY))?;
    let result = cx.call_procedure(&all, None)?.result;
    if number == super::paint::PAINT {
        super::paint::finish(cx, window)?;
    }
    Ok(result)
}

/// PostQuitMessage.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub(super) fn post_quit(cx: &Cx<'_>, code: u64) -> User {
    let record = cx.queue()?.record;
    let mut tx = cx.windows()?;
    tx.ask_to_quit(record, code as u32);
    tx.commit()?;
    Ok(1)
}

/// ReplyMessage: answers what the thread was sent before its procedure returns.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub(super) fn reply(cx: &Cx<'_>, result: u64) -> User {
    let record = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let answering = tx.link(record + queue::field::ANSWERING) != 0;
    tx.reply_early(record, result, &[]);
    tx.commit()?;
    let flags = UserPtr::<u32>::new(cx.thread_info() + RECEIVE_FLAGS);
    let before = flags.read(cx.k)?;
    // Who only notifies hears of no answer.
    if before != 0 && before & NOTIFIED == 0 {
        flags.write(cx.k, before | REPLIED)?;
    }
    Ok(answering.into())
}
