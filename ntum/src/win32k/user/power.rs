//! WM_POWERBROADCAST: windows are told when what feeds the host changes.
//!
//! Nobody outside tells the sandbox of it: on a host with a battery, who waits for messages looks at it now and then.

use super::super::User;
use super::procedure::Letter;
use crate::call::Cx;
use crate::ex::power::feeding;
use crate::shm::user::desk;
use crate::shm::user::message::how;
use shim_abi::power::Power;
use std::sync::atomic::{AtomicU64, Ordering};

/// WM_POWERBROADCAST, and PBT_APMPOWERSTATUSCHANGE.
const POWER_BROADCAST: u32 = 0x218;
const STATUS_CHANGE: u64 = 0xa;
/// How long a process waits before it looks for the first time, and from one look to the next, in nanoseconds.
const FIRST: u64 = 1_000_000_000;
const AGAIN: u64 = 10_000_000_000;
/// Steps of what is left, in percent, that are worth telling.
const STEP: u64 = 5;

/// When a process looks the next time, on the monotonic clock: 0 before its first wait, all ones on a host without a battery.
#[derive(Default)]
pub struct Watch(AtomicU64);

impl Watch {
    /// When a wait for messages has to be left to look.
    pub fn next(&self, now: u64) -> Option<u64> {
        let first = now.saturating_add(FIRST);
        let next = match self.0.load(Ordering::Relaxed) {
            // Only the first wait of a process writes.
            0 => match self.0.compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => first,
                Err(next) => next,
            },
            next => next,
        };
        Some(next).filter(|next| *next != u64::MAX)
    }
}

/// What is worth telling, as a word that is not 0; nothing on a host without a battery.
fn summary(power: &Power) -> Option<u32> {
    let battery = power.battery.as_ref()?;
    let percent = u64::from(battery.left) * 100 / u64::from(battery.full.max(1));
    let steps = u32::try_from(percent / STEP).unwrap_or(u32::MAX >> 8);
    Some(steps << 8 | u32::from(battery.charging) << 2 | u32::from(power.online) << 1 | 1)
}

/// Looks at what feeds the host, if that is due, and tells all top-level windows if it changed since any process looked.
pub(super) fn look(cx: &Cx<'_>, now: u64) -> User<()> {
    let next = &cx.k.user.power.0;
    let due = next.load(Ordering::Relaxed);
    let mine = || next.compare_exchange(due, now.saturating_add(AGAIN), Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if due > now || !mine() {
        return Ok(());
    }
    let Some(found) = summary(&feeding(cx.k)) else {
        next.store(u64::MAX, Ordering::Relaxed);
        return Ok(());
    };
    let mut tx = cx.windows()?;
    let known = tx.of_desk(desk::field::POWER);
    if known == found {
        return Ok(());
    }
    tx.set_of_desk(desk::field::POWER, found)?;
    tx.commit()?;
    if known != 0 {
        let letter = Letter { message: POWER_BROADCAST, wparam: STATUS_CHANGE, lparam: 0, ansi: false };
        for window in cx.top_windows()?.into_iter().filter(|window| window.queue != 0) {
            // One that is gone keeps it from none.
            let _ = cx.notify(&window, &letter, how::NOTIFY, (0, 0));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shim_abi::power::Battery;

    #[test]
    fn small_changes_are_not_told() {
        let power = |online: bool, left| {
            let battery = Battery { discharging: !online, full: 50_000, left, ..Battery::NONE };
            summary(&Power { online, battery: Some(battery) })
        };
        assert_eq!(summary(&Power { online: true, battery: None }), None);
        assert_eq!(power(true, 25_100), power(true, 25_900));
        assert_ne!(power(true, 25_100), power(true, 24_900));
        assert_ne!(power(true, 25_100), power(false, 25_100));
        assert_ne!(power(false, 0), Some(0));
        let nonsense = Battery { full: 0, left: u32::MAX, ..Battery::NONE };
        assert!(summary(&Power { online: false, battery: Some(nonsense) }).is_some());
    }

    #[test]
    fn a_process_that_waits_is_due_after_a_second() {
        let watch = Watch::default();
        assert_eq!(watch.next(5), Some(5 + FIRST));
        assert_eq!(watch.next(7), Some(5 + FIRST));
        watch.0.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(watch.next(9), None);
    }
}
