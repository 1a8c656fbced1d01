//! What the processes that are attached to a console have in common: it lies in the sandbox's memory from the time there may
//! be others.

use super::console::{Console, State};
use super::{Attached, Condrv};
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::console::ConsoleFacts;
use crate::shm::pipe::NewEnd;
use crate::status::*;
use parking_lot::MutexGuard;
use std::sync::{Arc, Weak};

/// A console's record, or one of what belongs to a console, which the process holds.
pub struct Record {
    pub(super) shm: &'static Shm,
    pub(super) object: u32,
    reference: u32,
}

impl Record {
    /// What was made just now for the process.
    pub(super) fn made(shm: &'static Shm, NewEnd { object, reference }: NewEnd) -> Arc<Record> {
        Arc::new(Record { shm, object, reference })
    }

    /// A record that another process left for this one, or that this one finds.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn take(k: &'static Kernel, object: u32) -> Nt<Arc<Record>> {
        let (shm, me) = k.sandbox()?;
        let mut tx = shm.begin();
        let reference = match tx.take_given(me, object) {
            Some(reference) => reference,
            None => tx.hold(object, me, false)?,
        };
        tx.commit()?;
        Ok(Arc::new(Record { shm, object, reference }))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let mut tx = self.shm.begin();
        tx.release(self.reference);
        // Fails in damaged memory only; the record then stays.
        let _ = tx.commit();
    }
}

/// The buffer that a console begins with.
const FIRST_SCREEN: u32 = 1;

impl State {
    fn facts(&self) -> ConsoleFacts {
        ConsoleFacts {
            input_mode: self.mode,
            output_mode: self.screens.get(&FIRST_SCREEN).map_or(0, |screen| screen.mode),
            input_page: self.input_page,
            output_page: self.output_page,
            title: self.title.clone(),
            original_title: self.original_title.clone(),
        }
    }

    fn learn(&mut self, facts: &ConsoleFacts) {
        self.mode = facts.input_mode;
        if let Some(screen) = self.screens.get_mut(&FIRST_SCREEN) {
            screen.mode = facts.output_mode;
        }
        if self.output_page != facts.output_page {
            self.partial.clear();
        }
        (self.input_page, self.output_page) = (facts.input_page, facts.output_page);
        self.title.clone_from(&facts.title);
        self.original_title.clone_from(&facts.original_title);
    }
}

impl Console {
    /// The console's state, with what other processes changed of it.
    pub fn locked(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        if let Some(record) = self.record.get()
            && record.shm.console_version(record.object) != state.version
        {
            let tx = record.shm.begin();
            let (version, facts) = tx.console_facts(record.object);
            drop(tx);
            state.learn(&facts);
            (state.version, state.told) = (version, facts);
        }
        state
    }

    /// Tells other processes what this one changed.
    pub(super) fn tell(&self, state: &mut State) {
        let Some(record) = self.record.get() else { return };
        let facts = state.facts();
        if facts == state.told {
            return;
        }
        let mut tx = record.shm.begin();
        let before = tx.console_facts(record.object).0;
        if tx.set_console(record.object, &facts).is_ok() && tx.commit().is_ok() {
            // What another changed meanwhile is lost, as with two threads of one process.
            (state.version, state.told) = (before.wrapping_add(1), facts);
        }
    }

    /// The console's record, made if there is none yet.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without a sandbox's memory, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn record(&self, k: &'static Kernel, shown: bool) -> Nt<u32> {
        let (shm, me) = k.sandbox()?;
        let mut state = self.state.lock();
        if let Some(record) = self.record.get() {
            return Ok(record.object);
        }
        let facts = state.facts();
        let mut tx = shm.begin();
        let NewEnd { object, reference } = tx.new_console(me, &facts, shown)?;
        tx.commit()?;
        let _ = self.record.set(Record { shm, object, reference });
        (state.version, state.told) = (shm.console_version(object), facts);
        Ok(object)
    }

    /// The number of its record, if it has one.
    pub(super) fn place(&self) -> Option<u32> {
        self.record.get().map(|record| record.object)
    }
}

/// The console's record, made if there is none yet.
///
/// # Errors
/// As [`Console::record`].
pub fn place_of(k: &'static Kernel, console: &Arc<Console>) -> Nt<u32> {
    let condrv = Condrv::of(k);
    let shown = condrv.shown().is_some_and(|shown| Arc::ptr_eq(&shown, console));
    let place = console.record(k, shown)?;
    let mut known = condrv.known.lock();
    known.retain(|held| held.strong_count() != 0);
    if !known.iter().any(|held| core::ptr::eq(held.as_ptr(), Arc::as_ptr(console))) {
        known.push(Arc::downgrade(console));
    }
    Ok(place)
}

/// The process's console for a record; `given` says that another process left a reference to it.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for what is no console, `STATUS_INSUFFICIENT_RESOURCES`.
pub fn console_at(k: &'static Kernel, object: u32) -> Nt<Arc<Console>> {
    let condrv = Condrv::of(k);
    let (shm, me) = k.sandbox()?;
    let mut tx = shm.begin();
    let shown = tx.is_shown(object).ok_or(STATUS_INVALID_PARAMETER)?;
    let reference = match tx.take_given(me, object) {
        Some(reference) => reference,
        None => tx.hold(object, me, false)?,
    };
    tx.commit()?;
    // Let go of when there is one already.
    let record = Record { shm, object, reference };
    let known: Vec<Arc<Console>> = condrv.known.lock().iter().filter_map(Weak::upgrade).collect();
    if let Some(console) = known.into_iter().find(|console| console.place() == Some(object)) {
        return Ok(console);
    }
    let console =
        if shown { super::first_console(k) } else { Arc::new(Console::new(k, None, None, super::UNSEEN, Vec::new())) };
    let _ = console.record.set(record);
    drop(console.locked());
    condrv.known.lock().push(Arc::downgrade(&console));
    Ok(console)
}

/// The process is attached to this console from now on, or to none; others see it as soon as there may be some.
pub fn attach(k: &'static Kernel, console: Option<&Attached>) {
    if !k.has_entered_sandbox() {
        return;
    }
    let place = match console {
        Some(Attached::Own(console)) => place_of(k, console).unwrap_or(0),
        Some(Attached::Hosted(console)) => console.object,
        None => 0,
    };
    if let Ok((shm, me)) = k.sandbox() {
        let mut tx = shm.begin();
        if tx.console_of(me) != place {
            tx.attach(me, place);
        }
        let _ = tx.commit();
    }
}

/// There will be other processes: they are to see what this one is attached to.
pub fn enter(k: &'static Kernel) {
    let attached = Condrv::of(k).attached().ok();
    let _ = k.sandbox();
    attach(k, attached.as_ref());
}

/// The processes that are attached to a console, which has a record if others see it; this one is.
pub fn processes(k: &'static Kernel, place: Option<u32>) -> Vec<u32> {
    let listed = place.zip(k.sandbox().ok());
    let listed = listed.map(|(place, (shm, _))| shm.begin().attached_to(place));
    match listed {
        Some(list) if !list.is_empty() => list.into_iter().map(|(_, id)| id).collect(),
        _ => vec![k.ps.id() as u32],
    }
}

/// The console of another process, by its number, or of the one that made this one (`u32::MAX`).
///
/// # Errors
/// `STATUS_INVALID_CID`, `STATUS_ACCESS_DENIED` for a process without a console.
pub fn console_of(k: &'static Kernel, process: u32) -> Nt<Attached> {
    let parent = process == u32::MAX;
    let id = if parent { k.ps.parent() as u32 } else { process };
    let (shm, _) = k.sandbox()?;
    let tx = shm.begin();
    let member = tx.process_with(id).and_then(|record| tx.member_that_is(record));
    let console = member.map(|member| tx.console_of(member));
    let hosted = console.is_some_and(|console| tx.is_hosted(console));
    drop(tx);
    match console {
        Some(0) => Err(STATUS_ACCESS_DENIED),
        Some(console) if hosted => Record::take(k, console).map(Attached::Hosted),
        Some(console) => console_at(k, console).map(Attached::Own),
        // Who started the sandbox has the console on the host's terminal.
        None if parent => Condrv::of(k).shown().map(Attached::Own).ok_or(STATUS_INVALID_HANDLE),
        None => Err(STATUS_INVALID_CID),
    }
}
