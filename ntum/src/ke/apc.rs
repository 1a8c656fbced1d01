//! Asynchronous procedure calls: queued to a thread, delivered when it waits alertably, special ones as soon as it is in guest
//! code; and alerts, which end an alertable wait without a call.

use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ps::thread::{Thread, pending};
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// A user APC: a function of the guest's with three arguments.
#[derive(Debug, Clone, Copy, Default)]
pub struct Apc {
    /// PNTAPCFUNC or PIO_APC_ROUTINE.
    pub function: u64,
    /// Its arguments.
    pub arguments: [u64; 3],
    /// Where the result of an I/O request is stored just before delivery, if that is what it is about.
    pub result: Option<(UserPtr<IoStatusBlock>, IoStatusBlock)>,
    /// The timer that queued it, by number; 0 for none.
    pub timer: u64,
    /// A special user APC: it interrupts guest code, and an alertable wait, but no other call.
    pub special: bool,
}

/// Queues an APC and ends the thread's alertable wait, if it is in one; `false` if the thread has ended. A timer's APC is
/// queued once at a time.
pub fn queue(k: &Kernel, thread: &Thread, apc: Apc) -> bool {
    {
        let mut apcs = thread.apcs.lock();
        if thread.ended() {
            return false;
        }
        if apc.timer != 0 && apcs.iter().any(|held| held.timer == apc.timer) {
            return true;
        }
        // Special ones come before the others.
        let place = if apc.special { apcs.iter().take_while(|held| held.special).count() } else { apcs.len() };
        apcs.insert(place, apc);
        // A read-modify-write orders this before the look at the thread's state, as its own does there.
        let bit = if apc.special { pending::SPECIAL_APC } else { pending::USER_APC };
        thread.pending.fetch_or(bit, Ordering::SeqCst);
    }
    match apc.special {
        true => k.host.interrupt(thread),
        false => end_alertable_wait(k, thread),
    }
    true
}

/// Alerts a thread: its next (or present) alertable wait ends with `STATUS_ALERTED`.
pub fn alert(k: &Kernel, thread: &Thread) {
    thread.pending.fetch_or(pending::ALERT, Ordering::SeqCst);
    end_alertable_wait(k, thread);
}

/// Takes the APC of a timer back that was not delivered yet.
pub fn revoke(thread: &Thread, timer: u64) {
    let mut apcs = thread.apcs.lock();
    apcs.retain(|held| held.timer != timer);
    if apcs.iter().all(|held| held.special) {
        thread.pending.fetch_and(!pending::USER_APC, Ordering::AcqRel);
    }
}

fn end_alertable_wait(k: &Kernel, thread: &Thread) {
    if thread.alertable.load(Ordering::SeqCst) {
        k.host.interrupt(thread);
    }
}

/// NtTestAlert: delivers what is queued.
///
/// # Errors
/// None.
pub fn nt_test_alert(cx: &Cx<'_>) -> Nt {
    cx.t.test_alert();
    Ok(STATUS_SUCCESS)
}
