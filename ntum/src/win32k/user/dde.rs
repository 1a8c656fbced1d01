//! Messages of DDE (WM_DDE_*): their parameters name atoms and blocks of the heap, which mean nothing to another process.
//!
//! user32 takes such a message apart as it is posted (a callback), and gives it to the kernel once more with the bytes that go along. Who gets
//! the message has user32 make a block of them. Within one process they go the same way.
//!
//! WM_DROPFILES names a block as WM_DDE_EXECUTE does. It goes to another process the same way, posted or sent.

use super::super::{Failed, User, error};
use super::procedure::Letter;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::message::Message;
use crate::shm::user::queue;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use zerocopy::{FromBytes, IntoBytes};

/// WM_DDE_FIRST to WM_DDE_LAST.
const MESSAGES: core::ops::RangeInclusive<u32> = 0x3e0..=0x3e8;
/// WM_DDE_EXECUTE, WM_DROPFILES.
const EXECUTE: u32 = 0x3e8;
pub(super) const DROP_FILES: u32 = 0x233;
/// Callbacks of user32: `NtUserPostDDEMessage`, `NtUserUnpackDDEMessage`.
const POST: u32 = 17;
const UNPACK: u32 = 19;
/// Bytes that go with one.
const MOST: u32 = 16 << 20;

/// What a thread does with the command that user32 makes of the names of files.
#[derive(Debug, Default)]
pub enum Dropping {
    /// It is one.
    #[default]
    Nothing,
    /// It is posted as WM_DROPFILES.
    Post,
    /// It is kept.
    Take,
    /// It was kept.
    Taken(Vec<u8>),
}

/// Whether a message is one of these.
pub(super) fn is_one(message: u32) -> bool {
    MESSAGES.contains(&message)
}

/// Whether bytes that came along with a message are to be made a block of.
pub(super) fn is_packed(message: &Message, data: &[u8]) -> bool {
    is_one(message.number) || message.number == DROP_FILES && !data.is_empty()
}

/// Whether a message names a block that a process other than the calling one cannot find: its queue is another one's.
pub(super) fn is_for_another(cx: &Cx<'_>, queue: u32, message: &Message) -> User<bool> {
    if message.number != DROP_FILES {
        return Ok(false);
    }
    let (_, member) = cx.sandbox()?;
    Ok(cx.windows()?.link(queue + queue::field::MEMBER) != member)
}

/// Posts WM_DROPFILES to another process's queue.
///
/// # Errors
/// As [`post`].
pub(super) fn post_files(cx: &Cx<'_>, queue: u32, message: &Message) -> User {
    let dropping = &cx.queue()?.dropping;
    let execute = Message { number: EXECUTE, wparam: 0, lparam: message.wparam, ..*message };
    *dropping.lock() = Dropping::Post;
    let posted = post(cx, queue, &execute);
    *dropping.lock() = Dropping::Nothing;
    posted
}

/// What goes along with a message that is sent to another process's window: the bytes of the block that WM_DROPFILES names.
///
/// # Errors
/// As [`post`].
pub(super) fn sent_along(cx: &Cx<'_>, window: &Window, letter: &Letter) -> User<Option<Vec<u8>>> {
    if letter.message != DROP_FILES || letter.wparam == 0 || window.is_ours(cx) || window.queue == 0 {
        return Ok(None);
    }
    let dropping = &cx.queue()?.dropping;
    let execute = Message { window: window.handle, number: EXECUTE, lparam: letter.wparam, ..Message::default() };
    *dropping.lock() = Dropping::Take;
    let taken = post(cx, window.queue, &execute);
    match std::mem::take(&mut *dropping.lock()) {
        Dropping::Taken(bytes) => taken.map(|_| Some(bytes)),
        _ => taken.map(|_| None),
    }
}

/// A message that was sent, with what came along, as the program is to see it.
pub(super) fn received(cx: &Cx<'_>, message: &Message, letter: Letter, data: &[u8]) -> Letter {
    if message.number != DROP_FILES || data.is_empty() {
        return letter;
    }
    match unpack(cx, message, data) {
        Ok(Some(seen)) => Letter { wparam: seen.wparam, ..letter },
        // What the sender's handle means is not known here.
        _ => Letter { wparam: 0, ..letter },
    }
}

/// Posts one to a queue: user32 says what goes along, by [`posted`].
///
/// # Errors
/// As user32's status says: ERROR_INVALID_PARAMETER for a block that is too small for what it is to be.
pub(super) fn post(cx: &Cx<'_>, queue: u32, message: &Message) -> User {
    let thread = cx.windows()?.get(queue + queue::field::THREAD);
    let words = [u64::from(message.window), message.number.into(), message.wparam, message.lparam, thread.into()];
    match cx.callback(POST, words.as_bytes())?.status {
        STATUS_SUCCESS => Ok(1),
        status => Err(status.into()),
    }
}

/// What user32 made of one: `struct post_dde_message_call_params` of Wine 10's `include/ntuser.h` has the bytes that go along, how many these
/// are, and the thread that it is for. Answers a status.
///
/// # Errors
/// None.
pub(super) fn posted(cx: &Cx<'_>, window: u64, letter: &Letter, at: u64) -> User {
    let post = || -> User<()> {
        let data = UserPtr::<u64>::new(at).read(cx.k)?;
        let [size, thread] = UserPtr::<[u32; 2]>::new(at.wrapping_add(8)).read(cx.k)?;
        if !is_one(letter.message) || size > MOST {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        let data = if data == 0 { Vec::new() } else { UserSlice::new(data, size.into()).read_all(cx.k)? };
        let mine = cx.t.messages.get().filter(|_| letter.message == EXECUTE);
        let dropping = mine.map(|mine| std::mem::take(&mut *mine.dropping.lock())).unwrap_or_default();
        if let (Dropping::Take, Some(mine)) = (&dropping, mine) {
            *mine.dropping.lock() = Dropping::Taken(data);
            return Ok(());
        }
        let dropped = matches!(dropping, Dropping::Post);
        let mut tx = cx.windows()?;
        let queue = tx.queue_of(thread).ok_or(Failed::with(error::INVALID_THREAD_ID))?;
        let (number, lparam) = if dropped { (DROP_FILES, 0) } else { (letter.message, letter.lparam) };
        let message = Message {
            window: window as u32,
            number,
            wparam: letter.wparam,
            lparam,
            time: cx.milliseconds(),
            place: tx.cursor_place(),
            ..Message::default()
        };
        if !tx.post_message_with(queue, &message, &data)? {
            return Err(Failed::with(error::NOT_ENOUGH_QUOTA));
        }
        Ok(tx.commit()?)
    };
    Ok(match post() {
        Ok(()) => STATUS_SUCCESS,
        Err(Failed { error: Some(error::INVALID_THREAD_ID), .. }) => STATUS_INVALID_CID,
        Err(Failed { error: Some(error::NOT_ENOUGH_QUOTA), .. }) => STATUS_QUOTA_EXCEEDED,
        Err(Failed { error: Some(error::NOT_ENOUGH_MEMORY), .. }) => STATUS_NO_MEMORY,
        Err(_) => STATUS_INVALID_PARAMETER,
    }
    .0
    .into())
}

/// One that a thread gets, with what came along: as the program is to see it. `None`: user32 cannot make anything of it.
pub(super) fn unpack(cx: &Cx<'_>, message: &Message, data: &[u8]) -> User<Option<Message>> {
    let dropped = message.number == DROP_FILES;
    let number = if dropped { EXECUTE } else { message.number };
    let words = [u64::from(message.window), number.into(), message.wparam, message.lparam];
    let ended = cx.callback(UNPACK, &[words.as_bytes(), data].concat())?;
    if ended.status != STATUS_SUCCESS {
        return Ok(None);
    }
    let [wparam, lparam] = match <[u64; 2]>::read_from_bytes(&ended.bytes) {
        Ok(seen) => seen,
        Err(_) => [message.wparam, message.lparam],
    };
    let (wparam, lparam) = if dropped { (lparam, 0) } else { (wparam, lparam) };
    Ok(Some(Message { wparam, lparam, ..*message }))
}
