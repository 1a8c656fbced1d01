//! A thread's message queue.

use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::{Body, Object, Plain};
use parking_lot::Mutex;
use std::collections::VecDeque;

/// QS_POSTMESSAGE.
pub const POSTED: u32 = 0x8;
/// QS_ALLPOSTMESSAGE.
pub const ALL_POSTED: u32 = 0x100;
/// QS_ALLINPUT, with QS_SENDMESSAGE.
pub const ALL_INPUT: u32 = 0x4ff;
/// WM_QUIT.
pub const QUIT: u32 = 0x12;
/// Messages that a queue holds: what Windows has as USERPostMessageLimit.
const MOST: usize = 10_000;

/// A message of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// WM_*.
    pub number: u32,
    /// Its parameters.
    pub parameters: [u64; 2],
    /// Milliseconds since the start, when it was posted.
    pub time: u32,
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// First and last number; 0 and 0 is all.
    pub range: (u32, u32),
    /// Whether posted ones are looked at.
    pub posted: bool,
}

impl Filter {
    fn takes(&self, number: u32) -> bool {
        self.range == (0, 0) || (self.range.0..=self.range.1).contains(&number)
    }
}

#[derive(Default)]
struct State {
    posted: VecDeque<Message>,
    /// Exit code of PostQuitMessage.
    quit: Option<u64>,
    /// What there is, and what of it came since it was last looked at: QS_*.
    bits: u32,
    changed: u32,
    /// Which of the two its thread waits for.
    awaited: (u32, u32),
}

impl State {
    fn is_awaited(&self) -> bool {
        self.bits & self.awaited.0 != 0 || self.changed & self.awaited.1 != 0
    }

    fn came(&mut self) {
        self.bits |= POSTED | ALL_POSTED;
        self.changed |= POSTED | ALL_POSTED;
    }
}

/// A thread's messages.
pub struct Queue {
    state: Mutex<State>,
    /// Signalled while there is what its thread waits for.
    pub event: Ref,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue { state: Mutex::default(), event: Object::new(Dispatcher::notification(false), Body::Event(Plain)) }
    }
}

impl Queue {
    /// Changes the state, and signals what that is about.
    fn change<R>(&self, k: &Kernel, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        let answer = change(&mut state);
        if state.is_awaited() {
            self.event.signal.set(k);
        } else {
            self.event.signal.reset(k);
        }
        answer
    }

    /// Posts a message; answers whether there was room.
    pub fn post(&self, k: &Kernel, message: Message) -> bool {
        self.change(k, |state| {
            if state.posted.len() >= MOST {
                return false;
            }
            state.posted.push_back(message);
            state.came();
            true
        })
    }

    /// Asks for WM_QUIT, once nothing else is there.
    pub fn quit(&self, k: &Kernel, code: u64) {
        self.change(k, |state| {
            state.quit = Some(code);
            state.came();
        });
    }

    /// The first message that a filter takes, taken out or left; `now` is the time of a WM_QUIT that is made of a request.
    pub fn look(&self, k: &Kernel, filter: Filter, remove: bool, now: u32) -> Option<Message> {
        self.change(k, |state| {
            if !filter.posted {
                return None;
            }
            state.changed &= !POSTED;
            if filter.range == (0, 0) {
                state.changed &= !ALL_POSTED;
            }
            let place = state.posted.iter().position(|message| filter.takes(message.number));
            let found = match place {
                Some(place) if remove => state.posted.remove(place),
                Some(place) => state.posted.get(place).copied(),
                // No filter keeps it back.
                None => {
                    let code = if remove { state.quit.take() } else { state.quit };
                    code.map(|code| Message { number: QUIT, parameters: [code, 0], time: now })
                }
            };
            if state.posted.is_empty() && state.quit.is_none() {
                state.bits &= !(POSTED | ALL_POSTED);
                state.changed &= !(POSTED | ALL_POSTED);
            }
            found
        })
    }

    /// Has the event signalled by what there is of `bits`, and what came of `changed`.
    pub fn await_these(&self, k: &Kernel, bits: u32, changed: u32) {
        self.change(k, |state| state.awaited = (bits, changed));
    }

    /// What there is, and what came of it, of some kinds; those count as looked at from now on.
    pub fn status(&self, k: &Kernel, kinds: u32) -> (u32, u32) {
        self.change(k, |state| {
            let status = (state.bits & kinds, state.changed & kinds);
            state.changed &= !kinds;
            status
        })
    }
}
