//! Processes and threads of other picoprocesses of the sandbox, as handles to them show them.

use crate::ke::dispatcher::Seat;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::object::Body;
use crate::ob::types::Type;
use crate::shm::process::{ProcessFacts, ThreadFacts, Used};
use crate::status::*;
use std::sync::atomic::Ordering;

/// A process or thread of another picoprocess.
pub struct Other {
    /// Its record.
    pub seat: Seat,
}

impl Other {
    /// What is known of the process.
    pub fn process(&self) -> ProcessFacts {
        self.seat.shm.begin().process_facts(self.seat.object)
    }

    /// What is known of the thread.
    pub fn thread(&self) -> ThreadFacts {
        self.seat.shm.begin().thread_facts(self.seat.object)
    }

    /// What the process used, as far as it told: all of it, if it came to its own end.
    pub fn used(&self) -> Used {
        self.seat.shm.begin().process_used(self.seat.object)
    }

    /// Whether the thread has not run yet, as nobody resumed it.
    pub fn is_held(&self) -> bool {
        let shm = self.seat.shm;
        shm.load(shm.begin().suspension_of(self.seat.object)) != 0
    }

    /// Lets a thread that has not run yet go on; answers how often it was suspended before. `None` if it runs.
    pub fn resume_first(&self, k: &Kernel) -> Option<u32> {
        let shm = self.seat.shm;
        let word = shm.word(shm.begin().suspension_of(self.seat.object));
        let before = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1)).ok()?;
        if before == 1 {
            k.host.wake(word, u32::MAX);
        }
        Some(before)
    }
}

impl Kernel {
    /// Ends another process.
    ///
    /// # Errors
    /// What the monitor answers; `STATUS_PROCESS_IS_TERMINATING` for one that ended.
    pub(super) fn terminate_other(&'static self, other: &Other, status: u32) -> Nt<()> {
        let Seat { shm, object } = other.seat;
        let mut tx = shm.begin();
        let member = tx.member_of(object);
        let first = tx.process_ends(object, status, self.system_time());
        tx.commit()?;
        if member == 0 {
            return if first { Ok(()) } else { Err(STATUS_PROCESS_IS_TERMINATING) };
        }
        match self.host.ask(&shim_abi::calls::ProcessTerminate { process: member, status }) {
            Ok(()) | Err(shim_abi::error::Error::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The process is about to end: others find its status when it is gone.
    pub(super) fn tell_end(&'static self, status: u32) {
        if !self.has_entered_sandbox() {
            return;
        }
        let Ok((shm, member)) = self.sandbox() else { return };
        let mut tx = shm.begin();
        let process = tx.process_of(member);
        tx.process_ends(process, status, self.system_time());
        tx.set_process_used(process, &self.used());
        let _ = tx.commit();
    }

    /// Lets go of all that others may wait for, as one that ended is made to: to end takes the host longer than all of this, and whoever
    /// waits need not wait for that. Left to others where something else of this process still runs.
    pub(super) fn leave_sandbox(&'static self) {
        if !self.has_entered_sandbox() || self.ps.threads().len() > 1 || self.is_debugged() {
            return;
        }
        let Ok((shm, _)) = self.sandbox() else { return };
        // The sandbox ends with its first process.
        if shm.me() == shim_abi::member::FIRST {
            return;
        }
        // What the host shows others goes with the handles: locks, sockets, files to be deleted. Jobs go when this process has left them.
        for (handle, entry) in self.ob.handles.list() {
            if entry.object.kind() != Type::Job {
                let _ = self.ob.handles.set_attributes(handle, 0);
                let _ = self.close_handle(handle);
            }
        }
        if self.host.stay_asleep() {
            let _ = shm.reap(shm.me());
        }
    }

    /// Lets go of what processes that ended held, if nobody did yet.
    pub fn reap_the_dead(&'static self) {
        let Ok((shm, _)) = self.sandbox() else { return };
        let members = shm.begin().member_numbers();
        for number in members.into_iter().filter(|number| *number != 0 && !self.host.alive(*number)) {
            let _ = shm.reap(number);
        }
        self.deliver_requests();
    }

    /// The object of the process with that number.
    ///
    /// # Errors
    /// `STATUS_INVALID_CID`.
    pub(super) fn process_with(&'static self, id: u64) -> Nt<Ref> {
        if id == self.ps.id() {
            return Ok(self.ps.process_object());
        }
        let (shm, _) = self.sandbox().map_err(|_| STATUS_INVALID_CID)?;
        let place = shm.begin().process_with(id as u32).ok_or(STATUS_INVALID_CID)?;
        self.import_at(place)
    }
}

/// The other process behind an object, if it is one.
pub fn process(object: &Ref) -> Option<&Other> {
    match &object.body {
        Body::OtherProcess(other) => Some(other),
        _ => None,
    }
}

/// The other process's thread behind an object, if it is one.
pub fn thread(object: &Ref) -> Option<&Other> {
    match &object.body {
        Body::OtherThread(other) => Some(other),
        _ => None,
    }
}
