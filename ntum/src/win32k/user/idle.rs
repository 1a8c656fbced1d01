//! WaitForInputIdle: a process with windows is ready once it waits for messages for the first time.
//!
//! Whoever makes such a process makes an event with its record (`shm::process`), so that there is no moment too early to ask.

use super::super::{Failed, User, error};
use super::get;
use crate::call::Cx;
use crate::ke::wait::Deadline;
use crate::ob::handle::Handle;
use crate::ob::object::Body;
use crate::ob::types::{SYNCHRONIZE, Type};
use crate::shm::user::queue::SENT;
use crate::status::*;
use std::sync::atomic::Ordering;

/// WAIT_FAILED.
const FAILED: u64 = u32::MAX as u64;
const TIMEOUT: u64 = 0x102;

/// The calling process waits for messages, or looked for some in vain.
pub(super) fn reached(cx: &Cx<'_>) {
    if cx.k.user.idle.swap(true, Ordering::Relaxed) {
        return;
    }
    let tell = || -> User<()> {
        let (shm, member) = cx.sandbox()?;
        let event = {
            let tx = shm.begin();
            tx.idle_event(tx.process_of(member))
        };
        if event != 0 {
            cx.k.import_at(event)?.signal.set(cx.k);
        }
        Ok(())
    };
    // Without memory for it whoever waits does so in vain.
    let _ = tell();
}

/// NtUserWaitForInputIdle: 0 once the process was idle or has ended, WAIT_TIMEOUT.
///
/// # Errors
/// The answer is WAIT_FAILED, also for a process without windows and for one that has ended before.
pub fn wait(cx: &Cx<'_>, process: Handle, milliseconds: u32, _wow: u32) -> User {
    let failed = |failed: Failed| failed.answering(FAILED);
    let object = cx.object_of(process, Type::Process, SYNCHRONIZE).map_err(|status| failed(status.into()))?;
    let place = match &object.body {
        Body::OtherProcess(other) => other.seat.object,
        _ => cx.k.share(&object).map_err(|status| failed(status.into()))?.object,
    };
    let event = cx.sandbox().map_err(failed)?.0.begin().idle_event(place);
    if event == 0 {
        return Err(failed(Failed::SILENT));
    }
    let event = cx.k.import_at(event).map_err(|status| failed(status.into()))?;
    let deadline = Deadline::of(cx.k, (milliseconds != u32::MAX).then_some(-i64::from(milliseconds) * 10_000));
    loop {
        let objects = vec![object.clone(), event.clone()];
        match get::wait_or_answer(cx, objects, SENT, deadline).map_err(failed)? {
            STATUS_TIMEOUT => return Ok(TIMEOUT),
            // What was sent to the caller is answered meanwhile.
            Status(2) => while cx.answer_sent().map_err(failed)? {},
            Status(0 | 1) => return Ok(0),
            _ => return Err(failed(Failed::with(error::CAN_NOT_COMPLETE))),
        }
    }
}
