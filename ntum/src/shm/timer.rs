//! Timers of several members: how each is set, and who keeps it.
//!
//! The member that set a timer keeps it: a thread of its kernel signals it when it is due. A keeper that lets go of its timer, or
//! is killed, hands it to another member that holds it.

use super::list::List;
use super::member;
use super::object::{field as object, holder};
use super::{Shm, Tx};
use crate::ob::shared::number;
use crate::ob::types::Type;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a timer's body; the first is for a nested block, which it has not.
mod body {
    pub const KEEPER: u32 = 1;
    pub const TURN: u32 = 2;
    pub const DUE: u32 = 3;
    pub const DATE: u32 = 5;
    pub const PERIOD: u32 = 7;
    pub const COUNT: u32 = 9;
}

/// How a timer is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Setting {
    /// Record of the member that keeps it.
    pub keeper: u32,
    /// Counts how often it was set or cancelled.
    pub turn: u32,
    /// When it is due, on the host's clock; 0 while it is not set.
    pub due: u64,
    /// The date it is due, if that is how it was set.
    pub date: Option<i64>,
    /// Nanoseconds between signals, 0: once.
    pub period: u64,
}

impl Tx<'_> {
    /// Gives a new object a timer's body.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_timer(&mut self, timer: u32, setting: &Setting) -> Nt<()> {
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(timer + object::BODY, body);
        self.store_setting(body, setting);
        Ok(())
    }

    fn store_setting(&mut self, body: u32, setting: &Setting) {
        self.set(body + body::KEEPER, setting.keeper);
        self.set(body + body::TURN, setting.turn);
        self.set_wide(body + body::DUE, setting.due);
        self.set_wide(body + body::DATE, setting.date.unwrap_or(0) as u64);
        self.set_wide(body + body::PERIOD, setting.period);
    }

    /// How a timer is set.
    pub fn timer(&self, timer: u32) -> Setting {
        let body = self.link(timer + object::BODY);
        Setting {
            keeper: self.get(body + body::KEEPER),
            turn: self.get(body + body::TURN),
            due: self.wide(body + body::DUE),
            // Dates begin behind zero.
            date: Some(self.wide(body + body::DATE) as i64).filter(|date| *date != 0),
            period: self.wide(body + body::PERIOD),
        }
    }

    /// A member let go of an object. If that is a timer which it kept, another keeps it.
    pub(super) fn hand_timer_on(&mut self, timer: u32, from: u32) {
        let body = self.link(timer + object::BODY);
        let is_kept = self.type_of(timer) == number(Type::Timer)
            && body != 0
            && self.get(body + body::KEEPER) == from
            && self.wide(body + body::DUE) != 0;
        if !is_kept {
            return;
        }
        let holders = List(timer + object::HOLDERS).nodes(self).into_iter().map(|node| node - holder::BY_OBJECT);
        let holders: Vec<u32> = holders.map(|reference| self.link(reference + holder::MEMBER)).collect();
        // One that has yet to take it keeps it from then on.
        let born = |to: &&u32| self.get(**to + member::field::NUMBER) != member::UNBORN;
        let Some(to) = holders.iter().find(born).or(holders.first()).copied() else { return };
        self.set(body + body::KEEPER, to);
        self.set(to + member::field::TIMERS, 1);
        let bell = self.get(to + member::field::BELL);
        self.set(to + member::field::BELL, bell.wrapping_add(1));
        self.after.members.push(to);
    }
}

impl Shm {
    /// Sets a timer, or with a `due` of 0 cancels it; its turn is counted on, and answered. With `reset` its signal is taken
    /// away; answers whether it was signalled.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_timer(&self, timer: u32, setting: Setting, reset: bool) -> Nt<(bool, u32)> {
        let mut tx = self.begin();
        let body = tx.body_of(timer);
        let turn = tx.get(body + body::TURN).wrapping_add(1);
        tx.store_setting(body, &Setting { turn, ..setting });
        let before = if reset { tx.take_signal(timer) } else { self.count(timer) != 0 };
        tx.commit()?;
        Ok((before, turn))
    }

    /// A timer's time has come: it is signalled if `signal` says so, and is due next at `due`, 0 for never. Answers whether it
    /// still was set so, in that turn, and kept by that member.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn timer_came(&self, timer: u32, keeper: u32, turn: u32, due: u64, signal: bool) -> Nt<bool> {
        let mut woken = Vec::new();
        let mut tx = self.begin();
        let setting = tx.timer(timer);
        if setting.due == 0 || (setting.keeper, setting.turn) != (keeper, turn) {
            return Ok(false);
        }
        let body = tx.body_of(timer);
        let date = if signal { None } else { setting.date };
        tx.store_setting(body, &Setting { due, date, ..setting });
        let more = signal && {
            self.mark(timer);
            tx.signal(timer, &mut woken)
        };
        tx.commit()?;
        self.wake_blocks(&woken);
        if more {
            // Those that the transaction had no room for.
            self.set(timer);
        }
        Ok(true)
    }

    /// Whether timers were handed to a member; asked once for each time.
    pub fn takes_timers(&self, of: u32) -> bool {
        let place = of + member::field::TIMERS;
        if self.load(place) == 0 {
            return false;
        }
        let mut tx = self.begin();
        tx.set(place, 0);
        tx.commit().is_ok()
    }
}
