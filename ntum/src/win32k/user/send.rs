//! Messages that are sent: to a window of the calling thread, of another one, of another process, and to all.

use super::super::{Failed, User, error};
use super::hook;
use super::internal;
use super::pack::has_addresses;
use super::procedure::{Letter, Mapping, Parameters};
use super::session::{Window, find};
use crate::call::Cx;
use crate::ke::spin::spin_by;
use crate::ke::wait::Deadline;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::{queue, window};
use crate::status::*;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// HWND_BROADCAST, and the same with its sign spread.
const BROADCAST: u64 = 0xffff;
/// SMTO_BLOCK: what is sent to the caller waits. SMTO_ABORTIFHUNG is as if nothing ever hung for less than the time limit.
const BLOCK: u32 = 1;
/// Callback of user32: `NtUserCallSendAsyncCallback`.
const CALL_SEND_CALLBACK: u32 = 2;

/// How long, and how, an answer is waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// Milliseconds, 0: for ever.
    pub milliseconds: u32,
    /// SMTO_*.
    pub flags: u32,
}

/// Who is to answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// A window's procedure, by handle.
    Window(u32),
    /// A thread of the window server's, by number.
    Thread(u32),
}

/// Where user32 keeps how what a thread is at was sent: `receive_flags`.
pub(super) const RECEIVE_FLAGS: u64 = 36;
/// ISMEX_SEND, ISMEX_NOTIFY, ISMEX_CALLBACK.
fn received_as(bits: u32) -> u32 {
    match bits {
        bits if bits & how::NOTIFY != 0 => 2,
        bits if bits & how::CALLBACK != 0 => 4,
        _ => 1,
    }
}

/// Whether a handle means all top-level windows.
pub(super) fn is_broadcast(window: u64) -> bool {
    window == BROADCAST || window as u32 == u32::MAX
}

impl Cx<'_> {
    /// Calls what is no message of a device's: GetCurrentInputMessageSource says so meanwhile.
    fn call_sourceless<R>(&self, call: impl FnOnce() -> User<R>) -> User<R> {
        let before = self.set_source(0)?;
        let called = call();
        if before != 0 {
            self.set_source(before)?;
        }
        called
    }

    /// Sends a message to a window and answers what its procedure did.
    pub(super) fn send(&self, window: &Window, letter: &Letter) -> User {
        self.send_with(window, letter, Mapping::Send, Patience::default())
    }

    pub(super) fn send_with(&self, window: &Window, letter: &Letter, mapping: Mapping, patience: Patience) -> User {
        if let Some(all) = self.parameters(window, letter, mapping)? {
            let handle = window.handle.into();
            // Hooks and the procedure get what the parameters point at as copies; what the procedure's is like then goes back.
            let copy = self.copied(window, letter, patience);
            let data = copy.as_ref().map(|copy| copy.data.as_slice());
            hook::message_sent(self, true, handle, letter, None, data.unwrap_or_default());
            // A hook may have given the window another procedure, or taken it away.
            let all = match self.is_hooked(hook::CALL_PROCEDURE) {
                false => all,
                true => match self.window(handle).map(|window| self.parameters(&window, letter, mapping)) {
                    Ok(now) => now?.unwrap_or(all),
                    Err(_) => return Ok(0),
                },
            };
            let answer = self.call_sourceless(|| self.call_procedure(&all, data))?;
            let result = answer.result;
            if let Some(copy) = &copy {
                // Its sender's own memory, and its procedure has answered.
                let _ = self.unpack(letter, copy, result, &answer.data);
            }
            if self.is_hooked(hook::CALL_PROCEDURE_RETURNED) {
                let again = copy.map_or(Vec::new(), |copy| self.copied_again(window, letter, copy, answer.data));
                hook::message_sent(self, true, handle, letter, Some(result), &again);
            }
            return Ok(result);
        }
        if window.queue == 0 {
            // The desktop's window has nobody to answer: all of it is client area (WM_NCHITTEST, HTCLIENT), and more is not to be said. What was
            // sent is answered meanwhile, as in any wait.
            const HIT_TEST: u32 = 0x84;
            while self.answer_sent()? {}
            let told = super::tray::told(self, window.record, letter)?;
            return Ok(told | u64::from(letter.message == HIT_TEST));
        }
        let mut how = if letter.ansi { how::ANSI } else { 0 };
        let packed = if window.is_ours(self) { None } else { self.pack(window, letter, patience)? };
        if packed.is_some() {
            how |= how::PACKED;
        }
        let mut data = packed.as_ref().map_or(Vec::new(), |packed| packed.data.clone());
        if let Some(along) = super::dde::sent_along(self, window, letter)? {
            how |= how::PACKED;
            data = along;
        }
        let (result, back) = self.await_answer(
            Target::Window(window.handle),
            letter,
            &Sending { how, data, callback: (0, 0) },
            patience,
        )?;
        if let Some(packed) = &packed {
            self.unpack(letter, packed, result, &back)?;
        }
        Ok(result)
    }

    /// Sends a message of the kernel's own to a window of the calling thread, with what it points at; answers that as the procedure left it.
    pub(super) fn send_data(&self, window: &Window, message: u32, wparam: u64, data: &[u8]) -> User<(u64, Vec<u8>)> {
        self.send_data_as(window, &Letter { message, wparam, lparam: 0, ansi: false }, data)
    }

    /// As [`Cx::send_data`], with texts that may be ANSI.
    pub(super) fn send_data_as(&self, window: &Window, letter: &Letter, data: &[u8]) -> User<(u64, Vec<u8>)> {
        match self.parameters(window, letter, Mapping::Send)? {
            Some(all) => {
                let handle = window.handle.into();
                hook::message_sent(self, true, handle, letter, None, data);
                let answer = self.call_sourceless(|| self.call_procedure(&all, Some(data)))?;
                hook::message_sent(self, true, handle, letter, Some(answer.result), data);
                Ok((answer.result, answer.data))
            }
            None => {
                let ansi = if letter.ansi { how::ANSI } else { 0 };
                let sending = Sending { how: how::PACKED | ansi, data: data.to_vec(), callback: (0, 0) };
                self.await_answer(Target::Window(window.handle), letter, &sending, Patience::default())
            }
        }
    }

    /// Has a window's thread do one of the window server's own messages.
    pub(super) fn send_internal(&self, window: &Window, letter: &Letter) -> User {
        self.send_internal_with(window, letter, &[])
    }

    /// As [`Cx::send_internal`], with bytes that go along.
    pub(super) fn send_internal_with(&self, window: &Window, letter: &Letter, data: &[u8]) -> User {
        let sending = Sending { how: how::INTERNAL, data: data.to_vec(), ..Sending::default() };
        self.await_answer(Target::Window(window.handle), letter, &sending, Patience::default())
            .map(|(result, _)| result)
    }

    /// Has a window's thread do one of the window server's own messages some time.
    pub(super) fn notify_internal(&self, window: &Window, letter: &Letter, data: &[u8]) -> User {
        let mine = self.queue()?.record;
        let mut tx = self.windows()?;
        let to = find(&tx, window.handle).filter(|found| found.queue != 0);
        let to = to.ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
        let how = how::INTERNAL | how::NOTIFY;
        let sending = Sending { how, data: data.to_vec(), callback: (0, 0) };
        tx.send_message(mine, to.queue, &self.letter_to(to.handle, letter), &sending)?;
        tx.commit()?;
        Ok(1)
    }

    fn letter_to(&self, window: u32, letter: &Letter) -> Message {
        Message {
            window,
            number: letter.message,
            wparam: letter.wparam,
            lparam: letter.lparam,
            time: self.milliseconds(),
            ..Message::default()
        }
    }

    pub(super) fn await_answer(
        &self,
        to: Target,
        letter: &Letter,
        sending: &Sending,
        patience: Patience,
    ) -> User<(u64, Vec<u8>)> {
        let mine = self.queue()?;
        let (shm, _) = self.sandbox()?;
        let mut tx = shm.begin();
        // It may have gone since it was looked up, and its queue with it.
        let (window, queue) = match to {
            Target::Window(handle) => {
                let found = find(&tx, handle).filter(|found| found.queue != 0);
                let found = found.ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
                (found.handle, found.queue)
            }
            Target::Thread(thread) => (0, tx.queue_of(thread).ok_or(Failed::with(error::INVALID_THREAD_ID))?),
        };
        let record = tx.send_message(mine.record, queue, &self.letter_to(window, letter), sending)?;
        tx.commit()?;
        let deadline = match patience.milliseconds {
            0 => Deadline::Never,
            // A time with a sign, whatever it is declared as.
            past if past as i32 <= 0 => Deadline::of(self.k, Some(0)),
            milliseconds => Deadline::of(self.k, Some(-i64::from(milliseconds) * 10_000)),
        };
        let others = if patience.flags & BLOCK != 0 { 0 } else { queue::SENT };
        let awaited = (queue::RESULT | others, 0);
        let ended = loop {
            spin_by(self.k, self.t, &mine.spin, 1, || shm.queue_seems_to_have(mine.record, awaited).then_some(()));
            let mut tx = shm.begin();
            tx.queue_lacks(mine.record, queue::RESULT);
            let answer = tx.take_answer(record);
            tx.commit()?;
            if let Some(answer) = answer {
                // None: who should have answered is gone.
                return answer.result.map(|result| (result, answer.data)).ok_or(Failed::SILENT);
            }
            if others != 0 && self.answer_sent()? {
                continue;
            }
            mine.event.signal.reset(self.k);
            shm.await_messages(mine.record, awaited, None, true)?;
            let ended = self.wait_for(vec![mine.event.clone()], false, false, deadline);
            self.stop_awaiting(mine.record)?;
            match ended? {
                STATUS_WAIT_0 => {}
                STATUS_TIMEOUT => break error::TIMEOUT,
                _ => break 0,
            }
        };
        let mut tx = shm.begin();
        if ended == error::TIMEOUT {
            tx.withdraw_message(record);
        } else {
            tx.abandon_message(record);
        }
        tx.commit()?;
        Err(if ended == 0 { Failed::SILENT } else { Failed::with(ended) })
    }

    /// Answers the next message that was sent to the calling thread; answers whether there was one.
    pub(super) fn answer_sent(&self) -> User<bool> {
        let Some(mine) = self.t.messages.get() else { return Ok(false) };
        let (shm, _) = self.sandbox()?;
        if !shm.queue_seems_to_have(mine.record, (queue::SENT, 0)) {
            return Ok(false);
        }
        let mut tx = shm.begin();
        let called_back = tx.take_called_back(mine.record);
        let sent = if called_back.is_some() { None } else { tx.receive_message(mine.record) };
        tx.commit()?;
        if let Some(answer) = called_back {
            let message = &answer.message;
            self.call_back(answer.callback, message.window, message.number, answer.result.unwrap_or(0));
            return Ok(true);
        }
        let Some(sent) = sent else { return Ok(false) };
        let message = sent.message;
        let letter = Letter {
            message: message.number,
            wparam: message.wparam,
            lparam: message.lparam,
            ansi: sent.how & how::ANSI != 0,
        };
        // What InSendMessageEx tells meanwhile: user32 keeps it.
        let flags = UserPtr::<u32>::new(self.thread_info() + RECEIVE_FLAGS);
        let before = flags.read(self.k)?;
        flags.write(self.k, received_as(sent.how))?;
        let data = (sent.how & how::PACKED != 0).then_some(sent.data.as_slice());
        let letter = super::dde::received(self, &message, letter, data.unwrap_or_default());
        let data = data.filter(|_| message.number != super::dde::DROP_FILES);
        let answer = match self.window(message.window.into()) {
            _ if sent.how & how::INTERNAL != 0 && message.window == 0 => {
                internal::carry_out_for_thread(self, &letter, &sent.data).map(|result| (result, Vec::new()))
            }
            Ok(window) if sent.how & how::INTERNAL != 0 => {
                internal::carry_out(self, &window, &letter, &sent.data).map(|result| (result, Vec::new()))
            }
            Ok(window) => match self.parameters(&window, &letter, Mapping::Receive) {
                Ok(Some(all)) => {
                    let packed = data.unwrap_or_default();
                    hook::message_sent(self, false, all.window, &letter, None, packed);
                    let answer = self.call_sourceless(|| self.call_procedure(&all, data));
                    let result = answer.as_ref().map_or(0, |answer| answer.result);
                    hook::message_sent(self, false, all.window, &letter, Some(result), packed);
                    answer.map(|answer| (answer.result, answer.data))
                }
                Ok(None) => Err(Failed::SILENT),
                Err(failed) => Err(failed),
            },
            Err(failed) => Err(failed),
        };
        let _ = flags.write(self.k, before);
        let (result, back) = answer.unwrap_or_default();
        let mut tx = shm.begin();
        tx.answer_message(mine.record, sent.record, result, &back);
        tx.commit()?;
        Ok(true)
    }

    /// Calls what SendMessageCallback was given.
    fn call_back(&self, callback: (u64, u64), window: u32, message: u32, result: u64) {
        let words = [callback.0, window.into(), message.into(), callback.1, result];
        // What it answers means nothing.
        let _ = self.callback(CALL_SEND_CALLBACK, words.as_bytes());
    }

    /// Sends a message that nobody waits for the answer to.
    pub(super) fn notify(&self, window: &Window, letter: &Letter, bits: u32, callback: (u64, u64)) -> User {
        let mine = self.queue()?.record;
        let (shm, _) = self.sandbox()?;
        let along = super::dde::sent_along(self, window, letter)?;
        let mut tx = shm.begin();
        let to = find(&tx, window.handle).filter(|found| found.queue != 0);
        let to = to.ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
        let packed = if along.is_some() { how::PACKED } else { 0 };
        let how = bits | packed | if letter.ansi { how::ANSI } else { 0 };
        let sending = Sending { how, data: along.unwrap_or_default(), callback };
        tx.send_message(mine, to.queue, &self.letter_to(to.handle, letter), &sending)?;
        tx.commit()?;
        Ok(1)
    }

    /// Tells all top-level windows that take such messages of something that changed, with a text that goes along if there is one. Each
    /// has two seconds for it.
    pub(super) fn tell_all(&self, message: u32, wparam: u64, data: &[u8]) -> User<()> {
        self.tell_each(&Letter { message, wparam, lparam: 0, ansi: false }, data)
    }

    /// As [`Cx::tell_all`], with a second parameter.
    pub(super) fn tell_all_with(&self, message: u32, wparam: u64, lparam: u64) -> User<()> {
        self.tell_each(&Letter { message, wparam, lparam, ansi: false }, &[])
    }

    fn tell_each(&self, letter: &Letter, data: &[u8]) -> User<()> {
        const PATIENCE: Patience = Patience { milliseconds: 2000, flags: 0 };
        let tell = |window: &Window| match (data, window.is_mine(self) && window.is_ours(self)) {
            ([], _) => self.send_with(window, letter, Mapping::SendTimeout, PATIENCE).map(drop),
            (data, true) => self.send_data_as(window, letter, data).map(drop),
            (data, false) => {
                let sending = Sending { how: how::PACKED, data: data.to_vec(), callback: (0, 0) };
                self.await_answer(Target::Window(window.handle), letter, &sending, PATIENCE).map(drop)
            }
        };
        broadcast(self, letter, tell).map(drop)
    }

    /// Top-level windows, all of them.
    pub(super) fn top_windows(&self) -> User<Vec<Window>> {
        let (top, _) = self.top_window(false)?;
        let tx = self.windows()?;
        let all = tx.children(top).into_iter();
        Ok(all.filter_map(|record| find(&tx, tx.get(record + window::field::HANDLE))).collect())
    }
}

/// What NtUserMessageCall is to do: `include/ntuser.h` of Wine 10.
mod kind {
    pub const SCROLL_BAR_PROCEDURE: u32 = 0x29a;
    pub const MENU_PROCEDURE: u32 = 0x29c;
    pub const DEFAULT_PROCEDURE: u32 = 0x29e;
    pub const DESKTOP_PROCEDURE: u32 = 0x29d;
    pub const CALL_PROCEDURE: u32 = 0x2ab;
    pub const SEND: u32 = 0x2b1;
    pub const SEND_TIMEOUT: u32 = 0x2b3;
    pub const NOTIFY: u32 = 0x2b7;
    pub const SEND_CALLBACK: u32 = 0x2b8;
    pub const IME_DRIVER: u32 = 0x305;
    pub const POST_DDE: u32 = 0x308;
    pub const DISPATCH_PARAMETERS: u32 = 0x3001;
}

/// NtUserMessageCall: sends a message in one of several ways, or has the kernel's part of a window procedure carried out.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn message_call(
    cx: &Cx<'_>,
    window: u64,
    message: u32,
    wparam: u64,
    lparam: u64,
    info: u64,
    what: u32,
    ansi: u32,
) -> User {
    let letter = Letter { message, wparam, lparam, ansi: ansi != 0 };
    match what {
        kind::DEFAULT_PROCEDURE => super::default::procedure(cx, window, &letter),
        kind::SCROLL_BAR_PROCEDURE => super::scrollproc::procedure(cx, window, &letter),
        kind::MENU_PROCEDURE => super::menu::popup::procedure(cx, window, &letter),
        kind::DESKTOP_PROCEDURE => super::default::desktop(cx, window, &letter),
        kind::IME_DRIVER => super::ime::driver_call(message),
        kind::POST_DDE => super::dde::posted(cx, window, &letter, info),
        kind::CALL_PROCEDURE => {
            let at = UserPtr::<Parameters>::new(info);
            let function = at.read(cx.k)?.function;
            if function == 0 {
                return Ok(0);
            }
            at.write(cx.k, cx.parameters_for(function, window, &letter, Mapping::Call)?)?;
            Ok(1)
        }
        kind::DISPATCH_PARAMETERS => {
            if window == 0 {
                return Ok(0);
            }
            let found = cx.window(window)?;
            let all = cx.parameters(&found, &letter, Mapping::Dispatch)?;
            UserPtr::new(info).write(cx.k, all.ok_or(Failed::with(error::MESSAGE_SYNC_ONLY))?)?;
            Ok(1)
        }
        kind::SEND => {
            if is_broadcast(window) {
                return broadcast(cx, &letter, |window| cx.send(window, &letter).map(drop));
            }
            let found = cx.window(window)?;
            // Where it needs no more than a call, user32 makes that itself.
            let watched = cx.is_hooked(hook::CALL_PROCEDURE) || cx.is_hooked(hook::CALL_PROCEDURE_RETURNED);
            if info != 0
                && !watched
                && !cx.is_deep()?
                && let Some(all) = cx.parameters(&found, &letter, Mapping::Send)?
            {
                UserPtr::new(info).write(cx.k, all)?;
                return Ok(1);
            }
            cx.send(&found, &letter)
        }
        kind::SEND_TIMEOUT => {
            // { UINT flags, timeout; DWORD_PTR result }: whether it was answered goes there, and the answer is the answer.
            let [flags, milliseconds] = UserPtr::<[u32; 2]>::new(info).read(cx.k)?;
            let patience = Patience { milliseconds, flags };
            let sent = if is_broadcast(window) {
                let send = |window: &Window| cx.send_with(window, &letter, Mapping::SendTimeout, patience).map(drop);
                broadcast(cx, &letter, send)
            } else {
                cx.window(window).and_then(|found| cx.send_with(&found, &letter, Mapping::SendTimeout, patience))
            };
            UserPtr::new(info + 8).write(cx.k, u64::from(sent.is_ok()))?;
            sent
        }
        kind::NOTIFY => {
            no_addresses(&letter)?;
            let send = |window: &Window| match window.is_mine(cx) && window.is_ours(cx) {
                true => cx.send(window, &letter).map(|_| 1),
                false => cx.notify(window, &letter, how::NOTIFY, (0, 0)),
            };
            if is_broadcast(window) {
                return broadcast(cx, &letter, |window| send(window).map(drop));
            }
            send(&cx.window(window)?)
        }
        kind::SEND_CALLBACK => {
            no_addresses(&letter)?;
            let [function, argument] = UserPtr::<[u64; 2]>::new(info).read(cx.k)?;
            let send = |window: &Window| match window.is_mine(cx) && window.is_ours(cx) {
                true => {
                    let result = cx.send(window, &letter)?;
                    cx.call_back((function, argument), window.handle, message, result);
                    Ok(1)
                }
                false => cx.notify(window, &letter, how::CALLBACK, (function, argument)),
            };
            if is_broadcast(window) {
                return broadcast(cx, &letter, |window| send(window).map(drop));
            }
            send(&cx.window(window)?)
        }
        _ => Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
    }
}

fn no_addresses(letter: &Letter) -> User<()> {
    if has_addresses(letter.message, letter.wparam) {
        return Err(Failed::with(error::MESSAGE_SYNC_ONLY));
    }
    Ok(())
}

/// Whether a message goes to all top-level windows if it is sent or posted so: below WM_USER, and what names mean everywhere.
pub(super) fn is_for_all(message: u32) -> bool {
    !(0x400..0xc000).contains(&message)
}

/// Sends to every top-level window that takes such messages; answers TRUE.
fn broadcast(cx: &Cx<'_>, letter: &Letter, send: impl Fn(&Window) -> User<()>) -> User {
    if !is_for_all(letter.message) {
        return Ok(1);
    }
    for window in cx.top_windows()? {
        // One that went meanwhile is told nothing, and one that fails keeps it from none.
        let Ok(window) = cx.window(window.handle.into()) else { continue };
        let style = cx.windows()?.get(window.record + window::field::STYLE);
        if style & (window::POPUP | window::CHILD) != window::CHILD {
            let _ = send(&window);
        }
    }
    Ok(1)
}

impl Cx<'_> {
    /// What user32 needs to call any procedure with a message.
    pub(super) fn parameters_for(
        &self,
        function: u64,
        window: u64,
        letter: &Letter,
        mapping: Mapping,
    ) -> User<Parameters> {
        let found = self.window(window);
        let dpi = match &found {
            Ok(found) => self.windows()?.get(found.record + window::field::DPI),
            Err(_) => 0,
        };
        let mut all = Parameters {
            function,
            window: found.map_or(window, |found| found.handle.into()),
            message: letter.message,
            wparam: letter.wparam,
            lparam: letter.lparam,
            ansi: letter.ansi.into(),
            ansi_procedure: letter.ansi.into(),
            mapping: mapping as u32,
            dpi,
            ..Parameters::default()
        };
        self.complete(&mut all, true);
        Ok(all)
    }
}
