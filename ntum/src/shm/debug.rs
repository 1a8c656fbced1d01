//! Debug objects, and what happens in the processes that they are attached to.
//!
//! An event is a record in its debug object's list. Whose thread it happened to sleeps on a request until the debugger carries on;
//! of each process one event at a time is told. An event holds its process's record, so that it can be told after its end.

use super::list::List;
use super::member::field as member;
use super::object::field as object;
use super::request::{self, Asker, Kind};
use super::waste::Waste;
use super::{Shm, Tx};
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::status::*;

/// Words of a debug object's body; the first is for a nested block, which it has not.
mod body {
    pub const FLAGS: u32 = 1;
    /// Events in order: a list.
    pub const EVENTS: u32 = 2;
    /// Requests of those who wait: a list.
    pub const WAITERS: u32 = 4;
    pub const COUNT: u32 = 6;
}

/// Words of an event.
mod event {
    pub const NODE: u32 = 0;
    /// The record of its process, pinned.
    pub const PROCESS: u32 = 2;
    /// Its thread's number.
    pub const THREAD: u32 = 3;
    /// 1: it was told, and is to be answered.
    pub const TOLD: u32 = 4;
    /// Who waits for the answer, 0 for nobody.
    pub const REQUEST: u32 = 5;
    /// What happened: a block of bytes.
    pub const BYTES: u32 = 6;
    pub const COUNT: u32 = 7;
}

/// DEBUG_KILL_ON_CLOSE.
const KILL_ON_CLOSE: u32 = 1;
/// DBG_CONTINUE: what an event is answered with that nobody will tell any more.
pub const CONTINUE: Status = Status(0x0001_0002);

/// An event that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Record of its process.
    pub process: u32,
    /// Its process's number.
    pub process_id: u32,
    /// Its thread's number.
    pub thread: u32,
    /// What happened.
    pub what: Vec<u8>,
}

impl Tx<'_> {
    /// Gives a new object the body of a debug object.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_debug(&mut self, debug: u32, flags: u32) -> Nt<()> {
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(body + body::FLAGS, flags);
        self.set(debug + object::BODY, body);
        Ok(())
    }

    /// Sets a debug object's DEBUG_* flags.
    pub fn set_debug_flags(&mut self, debug: u32, flags: u32) {
        let body = self.link(debug + object::BODY);
        self.set(body + body::FLAGS, flags);
    }

    /// The debug object that a member is attached to, 0 for none.
    pub fn debugger_of(&self, of: u32) -> u32 {
        self.get(of + member::DEBUGGER)
    }

    /// Attaches a member to a debug object.
    ///
    /// # Errors
    /// `STATUS_PORT_ALREADY_SET`, `STATUS_DEBUGGER_INACTIVE` for a debug object without handles,
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn attach_debugger(&mut self, to: u32, debug: u32) -> Nt<()> {
        if self.debugger_of(to) != 0 {
            return Err(STATUS_PORT_ALREADY_SET);
        }
        if self.openers(debug) == 0 {
            return Err(STATUS_DEBUGGER_INACTIVE);
        }
        self.pin(debug);
        self.set(to + member::DEBUGGER, debug);
        Ok(())
    }

    /// Whether what a member makes is attached to its debug object.
    pub fn passes_debugger_on(&self, of: u32) -> bool {
        self.get(of + member::DEBUGGED_ALONE) == 0
    }

    /// Says so.
    pub fn pass_debugger_on(&mut self, of: u32, passes: bool) {
        self.set(of + member::DEBUGGED_ALONE, u32::from(!passes));
    }

    fn events(&self, debug: u32) -> Vec<u32> {
        let body = self.link(debug + object::BODY);
        List(body + body::EVENTS).nodes(self).into_iter().map(|node| node - event::NODE).collect()
    }

    /// Adds an event of a member to what its debugger is told. With an `asker`, a thread waits for the answer: its request.
    ///
    /// # Errors
    /// `STATUS_PORT_NOT_SET`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_event(&mut self, of: u32, thread: u32, what: &[u8], asker: Option<Asker>) -> Nt<u32> {
        let debug = self.debugger_of(of);
        if debug == 0 {
            return Err(STATUS_PORT_NOT_SET);
        }
        let body = self.link(debug + object::BODY);
        let record = self.allocate(event::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let bytes = self.allocate_bytes(what).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let request = match asker {
            Some(asker) => self.ask(asker, Kind::Other, List(body + body::WAITERS), 0, 0)?,
            None => 0,
        };
        let process = self.process_of(of);
        self.pin(process);
        self.set(record + event::PROCESS, process);
        self.set(record + event::THREAD, thread);
        self.set(record + event::REQUEST, request);
        self.set(record + event::BYTES, bytes);
        List(body + body::EVENTS).push(self, record + event::NODE);
        self.signal_debugger(debug);
        Ok(request)
    }

    /// The next event that can be told: not of a process whose last one was not answered.
    fn next_event(&self, debug: u32) -> Option<u32> {
        let mut waiting = Vec::new();
        for record in self.events(debug) {
            let process = self.get(record + event::PROCESS);
            if self.get(record + event::TOLD) != 0 {
                waiting.push(process);
            }
        }
        let mut all = self.events(debug).into_iter();
        all.find(|record| self.get(record + event::TOLD) == 0 && !waiting.contains(&self.get(record + event::PROCESS)))
    }

    /// A debug object is signalled while there is an event to tell.
    fn signal_debugger(&mut self, debug: u32) {
        if self.next_event(debug).is_none() {
            self.take_signal(debug);
            return;
        }
        self.shm.mark(debug);
        let mut woken = Vec::new();
        self.signal(debug, &mut woken);
        self.after.blocks.extend(woken);
    }

    /// Tells the next event of a debug object.
    pub fn tell_event(&mut self, debug: u32) -> Option<Told> {
        let Some(record) = self.next_event(debug) else {
            self.signal_debugger(debug);
            return None;
        };
        self.set(record + event::TOLD, 1);
        self.signal_debugger(debug);
        let process = self.get(record + event::PROCESS);
        Some(Told {
            process,
            process_id: self.process_facts(process).id,
            thread: self.get(record + event::THREAD),
            what: self.bytes(self.get(record + event::BYTES)),
        })
    }

    /// Takes an event away; who waits for its answer gets this one.
    fn end_event(&mut self, debug: u32, record: u32, answer: Status) {
        let request = self.get(record + event::REQUEST);
        if request != 0 {
            self.finish(request, answer, 0);
        }
        let body = self.link(debug + object::BODY);
        List(body + body::EVENTS).remove(self, record + event::NODE);
        let (bytes, process) = (self.get(record + event::BYTES), self.get(record + event::PROCESS));
        self.free(bytes);
        self.free(record);
        self.unpin(process);
    }

    /// Answers the event of a process and a thread that was told; `false` if there is none.
    pub fn answer_event(&mut self, debug: u32, process_id: u32, thread: u32, answer: Status) -> bool {
        let told = |record: &u32| {
            self.get(record + event::TOLD) != 0
                && self.get(record + event::THREAD) == thread
                && self.process_facts(self.get(record + event::PROCESS)).id == process_id
        };
        let Some(record) = self.events(debug).into_iter().find(told) else { return false };
        self.end_event(debug, record, answer);
        self.signal_debugger(debug);
        true
    }

    /// Nobody waits for the answer to an event any more: its thread is to end.
    pub fn forget_event(&mut self, of: u32, request: u32) {
        let debug = self.debugger_of(of);
        if debug == 0 {
            return;
        }
        let asked = |record: &u32| self.get(record + event::REQUEST) == request;
        if let Some(record) = self.events(debug).into_iter().find(asked) {
            self.end_event(debug, record, CONTINUE);
            self.signal_debugger(debug);
        }
    }

    /// Detaches a member from its debug object: its threads go on.
    pub fn detach_debugger(&mut self, of: u32) {
        let debug = self.debugger_of(of);
        if debug == 0 {
            return;
        }
        let process = self.process_of(of);
        for record in self.events(debug) {
            if self.get(record + event::PROCESS) == process {
                self.end_event(debug, record, CONTINUE);
            }
        }
        self.set(of + member::DEBUGGER, 0);
        self.signal_debugger(debug);
        self.call_on(of);
        self.unpin(debug);
    }

    /// A member ended: none of its threads waits for an answer, and its debugger is told of the end.
    pub(super) fn debuggee_ends(&mut self, of: u32) {
        let debug = self.debugger_of(of);
        if debug == 0 {
            return;
        }
        let process = self.process_of(of);
        for record in self.events(debug) {
            if self.get(record + event::PROCESS) == process {
                let is_told = self.get(record + event::TOLD) != 0;
                // The request goes with the member's others.
                self.set(record + event::REQUEST, 0);
                if !is_told && !crate::ps::debug::begins(&self.bytes(self.get(record + event::BYTES))) {
                    self.end_event(debug, record, CONTINUE);
                }
            }
        }
        let facts = self.process_facts(process);
        // Without memory for that the debugger sees the process object alone.
        let _ = self.add_event(of, facts.id + 4, &crate::ps::debug::end_of_process(facts.status), None);
        self.set(of + member::DEBUGGER, 0);
        self.unpin(debug);
    }

    /// The last handle to a debug object went: what it is attached to goes on, or ends.
    pub(super) fn close_debug(&mut self, debug: u32) {
        let body = self.link(debug + object::BODY);
        if self.type_of(debug) != number(Type::DebugObject) || body == 0 {
            return;
        }
        let kills = self.get(body + body::FLAGS) & KILL_ON_CLOSE != 0;
        for of in self.members() {
            if self.debugger_of(of) != debug {
                continue;
            }
            if kills {
                let (process, number) = (self.process_of(of), self.get(of + member::NUMBER));
                self.process_ends(process, STATUS_DEBUGGER_INACTIVE.0, 0);
                if number != super::member::UNBORN {
                    self.leave_waste(&Waste::End(number, STATUS_DEBUGGER_INACTIVE.0));
                }
                self.debuggee_ends(of);
            } else {
                self.detach_debugger(of);
            }
        }
        for record in self.events(debug) {
            self.end_event(debug, record, CONTINUE);
        }
    }
}

impl Shm {
    /// Whether a member is attached to a debug object.
    pub fn is_debugged(&self, of: u32) -> bool {
        self.load(of + member::DEBUGGER) != 0
    }

    /// Whether a request is finished.
    pub fn is_answered(&self, request: u32) -> bool {
        self.load(request + request::field::RESULT) != request::WAITING
    }
}
