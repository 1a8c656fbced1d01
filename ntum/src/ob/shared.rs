//! Objects that other processes of the sandbox see: how they come into its memory, and out of it.

use super::luggage::Luggage;
use super::object::{Body, Object, Plain, Ref};
use super::types::Type;
use crate::host::Wake;
use crate::ke::dispatcher::{Dispatcher, Seat};
use crate::kernel::Kernel;
use crate::nls::fold::fold;
use crate::ps::ids::{FIRST_PROCESS, NO_PARENT};
use crate::ps::other::Other;
use crate::ps::thread::Thread;
use crate::shm::arena::Members;
use crate::shm::process::ProcessFacts;
use crate::shm::waste::Waste;
use crate::shm::{Shm, Tx};
use crate::status::*;
use crate::types::wide;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once, OnceLock, Weak};

/// A process's part in the sandbox's memory.
pub struct Sandbox {
    /// The memory and the process's record there; `None` on a machine without one.
    member: OnceLock<Option<(Shm, u32)>>,
    /// Whether the process's own object is that of the record.
    seated: Once,
    /// Objects of the process that stand for shared ones, by their place.
    known: Mutex<HashMap<u32, Weak<Object>>>,
    /// Held by whoever makes one.
    importing: Mutex<()>,
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox { member: OnceLock::new(), seated: Once::new(), known: Mutex::default(), importing: Mutex::default() }
    }
}

/// What ties an object to its shared record, as long as it lives.
pub struct Tie {
    seat: Seat,
    /// The process's reference to the record.
    reference: u32,
}

impl Drop for Tie {
    fn drop(&mut self) {
        let mut tx = self.seat.shm.begin();
        tx.release(self.reference);
        // Fails in damaged memory only; the record then stays.
        let _ = tx.commit();
        let _ = self.seat.shm.dispose();
        if self.seat.shm.has_garbage() {
            let _ = self.seat.shm.collect();
        }
    }
}

impl Members for Kernel {
    fn alive(&self, member: u32) -> bool {
        self.host.alive(member)
    }

    fn wait_shared(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake {
        self.host.wait(word, expected, deadline)
    }

    fn wake_shared(&self, word: &AtomicU32, count: u32) {
        self.host.wake(word, count);
    }

    fn monotonic(&self) -> u64 {
        self.host.monotonic()
    }

    fn dispose(&'static self, waste: &Waste) {
        self.dispose_of(waste);
    }
}

/// The path of a name in a directory, and the directory's record if it has one.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED`: a directory without a name or record is only its holder's.
fn path_in(root: &Ref, directory: &Ref, name: &[u16]) -> Nt<(Vec<u16>, u32)> {
    let (mut path, parent) = match directory.signal.seat() {
        Some(seat) => (seat.shm.begin().prefix_of(seat.object), seat.object),
        None if Arc::ptr_eq(root, directory) => (Vec::new(), 0),
        None => (directory.path().ok_or(STATUS_NOT_SUPPORTED)?, 0),
    };
    path.push(u16::from(b'\\'));
    path.extend_from_slice(name);
    Ok((path, parent))
}

/// Place of a type in [`Type::ALL`].
pub fn number(kind: Type) -> u32 {
    Type::ALL.iter().position(|known| *known == kind).unwrap_or(0) as u32
}

/// Types whose objects are all in the record: they can be seen by other processes.
fn travels(kind: Type) -> bool {
    matches!(
        kind,
        Type::Event
            | Type::Mutant
            | Type::Semaphore
            | Type::Section
            | Type::Job
            | Type::Timer
            | Type::DebugObject
            | Type::IoCompletion
            | Type::Directory
            | Type::SymbolicLink
            | Type::WindowStation
            | Type::Desktop
    )
}

/// Types that names are made of.
fn is_directory(kind: Type) -> bool {
    matches!(kind, Type::Directory | Type::SymbolicLink)
}

/// Types whose record keeps a description.
fn has_luggage(kind: Type) -> bool {
    matches!(kind, Type::File | Type::Section)
}

impl Kernel {
    /// The sandbox's memory, and the process's record there.
    pub(crate) fn member(&'static self) -> Nt<(&'static Shm, u32)> {
        let told = self.told.get().ok_or(STATUS_NOT_SUPPORTED)?;
        let join = || {
            let number = told.member;
            let shm = Shm::new(self.host.sandbox()?, self, number);
            let mut tx = shm.begin();
            let left = told.birth.first_chunk().map(|raw| u32::from_le_bytes(*raw));
            let record = match left {
                // Who made the process left a record; it may be gone by now.
                Some(record) => {
                    let record = tx.members().into_iter().find(|member| *member == record)?;
                    tx.number_member(record, number);
                    let parent = tx.process_facts(tx.process_of(record)).parent;
                    self.take_ids(tx.id_of(record), parent.into());
                    record
                }
                None => {
                    // The first of all, or made from outside: others find the record that their maker left.
                    let first = number == shim_abi::member::FIRST;
                    let created = &self.process().info.created;
                    let facts = ProcessFacts {
                        id: FIRST_PROCESS as u32,
                        parent: if first { NO_PARENT as u32 } else { 0 },
                        status: STATUS_PENDING.0,
                        peb: self.ps.peb(),
                        created: if first { created.load(Ordering::Relaxed) } else { self.system_time() },
                        ended: 0,
                        priority: self.process().info.class.load(Ordering::Relaxed),
                        image: wide(&format!("\\??\\{}", self.ps.program(self))),
                    };
                    let process = tx.new_process(self::number(Type::Process), &facts).ok()?;
                    let record = tx.add_member(number, process, first.then_some(FIRST_PROCESS as u32)).ok()?;
                    if !first {
                        self.take_ids(tx.id_of(record), 0);
                    }
                    record
                }
            };
            tx.commit().ok()?;
            Some((shm, record))
        };
        let (shm, record) = self.ob.sandbox.member.get_or_init(join).as_ref().ok_or(STATUS_NOT_SUPPORTED)?;
        self.seat_process(shm, *record);
        Ok((shm, *record))
    }

    /// The process's own object becomes that of its record.
    fn seat_process(&'static self, shm: &'static Shm, record: u32) {
        self.ob.sandbox.seated.call_once(|| {
            let object = self.ps.process_object();
            let mut tx = shm.begin();
            let place = tx.process_of(record);
            let Ok(reference) = tx.hold(place, record, false) else { return };
            if tx.commit().is_ok() {
                self.seat(&object, Seat { shm, object: place }, reference);
            }
        });
    }

    /// An object of the process becomes that of a record, to which it has a reference.
    fn seat(&'static self, object: &Ref, seat: Seat, reference: u32) {
        let moved = object.signal.share(self, |_, _, _| {
            if let Some(security) = object.security.lock().take() {
                let mut tx = seat.shm.begin();
                tx.set_security(seat.object, &security)?;
                tx.commit()?;
            }
            Nt::Ok(seat)
        });
        let _ = object.tie.set(Tie { seat, reference });
        self.ob.sandbox.known.lock().insert(seat.object, Arc::downgrade(object));
        object.tell_open();
        moved.into_iter().flat_map(|(_, waits)| waits).for_each(|wait| wait.wake(self));
    }

    /// An object of the process becomes that of a record that another process made for it.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn adopt(&'static self, object: &Ref, place: u32) -> Nt<()> {
        let (shm, record) = self.member()?;
        let mut tx = shm.begin();
        let reference = match tx.reference_of(record, place) {
            Some(reference) => reference,
            None => tx.hold(place, record, false)?,
        };
        tx.commit()?;
        self.seat(object, Seat { shm, object: place }, reference);
        Ok(())
    }

    /// Whether the process has entered the sandbox's memory.
    pub(crate) fn has_entered_sandbox(&self) -> bool {
        self.ob.sandbox.member.get().is_some_and(Option::is_some)
    }

    /// The sandbox's memory and the process's record there.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without one.
    pub(crate) fn sandbox(&'static self) -> Nt<(&'static Shm, u32)> {
        self.member()
    }

    /// The same of a process that has entered it.
    pub(crate) fn known_member(&'static self) -> Option<(&'static Shm, u32)> {
        self.ob.sandbox.member.get()?.as_ref().map(|(shm, record)| (shm, *record))
    }

    /// Enters the sandbox's memory.
    #[cfg(test)]
    pub(crate) fn enter_sandbox(&'static self) -> Nt<()> {
        self.member().map(drop)
    }

    /// Leaves a record for a further process.
    #[cfg(test)]
    pub(crate) fn leave_member(&'static self) -> Nt<u32> {
        let (shm, _) = self.member()?;
        let mut tx = shm.begin();
        let facts = ProcessFacts { status: STATUS_PENDING.0, ..Default::default() };
        let process = tx.new_process(number(Type::Process), &facts)?;
        let member = tx.add_member(crate::shm::member::UNBORN, process, None)?;
        tx.commit()?;
        Ok(member)
    }

    /// Numbers for further threads: the first of a chunk.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn new_chunk(&'static self) -> Nt<u32> {
        let (shm, record) = self.member()?;
        let mut tx = shm.begin();
        let first = tx.take_chunk(record, None)?;
        tx.commit()?;
        Ok(first)
    }

    /// Moves an object's signal into the sandbox's memory, unless it is there.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without one, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn share(&'static self, object: &Ref) -> Nt<Seat> {
        if let Some(seat) = object.signal.seat() {
            return Ok(seat);
        }
        self.share_as(object, None)
    }

    /// As [`Kernel::share`], and names it. `STATUS_OBJECT_NAME_COLLISION`: the name is taken.
    fn share_as(&'static self, object: &Ref, name: Option<(&[u16], u32, bool)>) -> Nt<Seat> {
        let (shm, record) = self.member()?;
        let told = self.told_of_directory(object)?;
        let bound = self.bound_port(object)?;
        // What the record takes over stands still meanwhile. These locks come before the dispatcher's.
        let timer = object.timer().ok().map(|timer| timer.setting.lock());
        let mut port = object.io_completion().ok().map(|port| port.queue.lock());
        // The monitor is asked before any lock is held.
        let luggage = self.luggage(object)?;
        let mut tie = None;
        let shared = object.signal.share(self, |state, extra, abandoned| {
            let security = object.security.lock();
            let mut tx = shm.begin();
            if let Some((path, _, ignore_case)) = name
                && tx.named(path, ignore_case).is_some()
            {
                return Err(STATUS_OBJECT_NAME_COLLISION);
            }
            let limit = object.semaphore().map(|semaphore| semaphore.limit);
            let kind = number(object.kind());
            let place = match &object.body {
                Body::Thread(thread) => {
                    let place = tx.new_thread(kind, thread.id as u32, self.ps.id() as u32, 0)?;
                    tx.set_thread_teb(place, thread.teb.load(Ordering::Relaxed));
                    if thread.ended() {
                        tx.thread_ends(place, thread.exit_status.load(Ordering::Relaxed));
                        tx.set_signalled(place);
                    }
                    place
                }
                Body::Job(_) => {
                    let place = tx.new_object(kind, object.signal.kind(), state, 0)?;
                    tx.make_job(place)?;
                    place
                }
                _ => tx.new_object(kind, object.signal.kind(), state, limit.unwrap_or(extra))?,
            };
            if let Body::DebugObject(debug) = &object.body {
                tx.make_debug(place, debug.flags.load(Ordering::Relaxed))?;
            }
            if let Body::Desktop(desktop) = &object.body
                && !desktop.first
            {
                tx.make_desktop(place)?;
            }
            if let Some(setting) = &timer {
                tx.make_timer(place, &setting.record(record))?;
            }
            if let Some(queue) = &port {
                tx.make_port(place, queue.packets.iter().copied())?;
            }
            if let Some((description, shadow)) = &told {
                tx.make_directory(place, description, *shadow)?;
            }
            if abandoned {
                tx.set_abandoned(place);
            }
            if let Some(luggage) = &luggage {
                let body = self.load(&mut tx, place, object, luggage)?;
                if let Body::File(file) = &object.body {
                    shm.set_position(body, file.position.load());
                    if let Some((port, key)) = bound {
                        tx.bind_file(place, port, key);
                    }
                }
            }
            if object.permanent.load(Ordering::Relaxed) {
                tx.set_permanent(place, true);
            }
            if let Some(security) = security.as_ref() {
                tx.set_security(place, security)?;
            }
            let reference = tx.hold(place, record, object.handles.load(Ordering::Relaxed) != 0)?;
            if let Some((path, parent, _)) = name {
                tx.name_in(place, path, parent)?;
            }
            tx.commit()?;
            let seat = Seat { shm, object: place };
            tie = Some(Tie { seat, reference });
            Nt::Ok(seat)
        });
        if let (None, Some(luggage)) = (&tie, &luggage) {
            self.unload(luggage);
        }
        let (seat, moved) = shared?;
        if let Some(queue) = &mut port {
            queue.went(self);
        }
        drop((timer, port));
        if let Some(tie) = tie {
            let _ = object.tie.set(tie);
            self.ob.sandbox.known.lock().insert(seat.object, Arc::downgrade(object));
        }
        moved.into_iter().for_each(|wait| wait.wake(self));
        Ok(seat)
    }

    /// A reference for the process's object for a shared one, which [`Kernel::import`] then makes: what takes more than the
    /// memory comes after the transaction.
    fn refer(&'static self, tx: &mut Tx<'_>, place: u32) -> Nt<u32> {
        let (_, record) = self.member()?;
        tx.hold(place, record, false)
    }

    /// The process's object for a shared one, to which the process has this reference: the object's from now on.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a type that does not travel, `STATUS_INSUFFICIENT_RESOURCES`, what the monitor answers.
    fn import(&'static self, place: u32, reference: u32) -> Nt<Ref> {
        let (shm, _) = self.member()?;
        let seat = Seat { shm, object: place };
        let tie = Tie { seat, reference };
        let (told, shadow) = {
            let tx = shm.begin();
            let kind = Type::ALL.get(tx.type_of(place) as usize).copied();
            if kind.is_some_and(is_directory) { tx.directory(place) } else { (Vec::new(), 0) }
        };
        let shadow = if shadow == 0 { None } else { Some(self.import_at(shadow)?) };
        // One at a time, so that each object is made once.
        let _guard = self.ob.sandbox.importing.lock();
        if let Some(object) = self.known(place) {
            return Ok(object);
        }
        let tx = shm.begin();
        let kind = Type::ALL.get(tx.type_of(place) as usize).copied().ok_or(STATUS_INTERNAL_ERROR)?;
        let extra = tx.extra(place);
        let (description, token) = if has_luggage(kind) { tx.description(place) } else { (Vec::new(), 0) };
        let body = tx.body_of(place);
        drop(tx);
        let body = match kind {
            Type::Timer => Body::Timer(crate::ke::timer::Timer::new()),
            Type::DebugObject => Body::DebugObject(crate::ps::debug::DebugObject { flags: AtomicU32::new(0) }),
            Type::IoCompletion => Body::IoCompletion(crate::io::completion::Completion::new(u32::MAX)),
            Type::Directory | Type::SymbolicLink => self.unpack_directory(kind, &told, shadow)?,
            Type::Event => Body::Event(Plain),
            Type::Mutant => Body::Mutant(Plain),
            Type::Semaphore => Body::Semaphore(crate::ke::semaphore::Semaphore { limit: extra }),
            Type::Job => Body::Job(crate::ps::job::Job),
            Type::WindowStation => Body::WindowStation(Plain),
            Type::Desktop => Body::Desktop(crate::win32k::user::station::Desktop { first: body == 0 }),
            Type::Process => Body::OtherProcess(Other { seat }),
            Type::Thread => Body::OtherThread(Other { seat }),
            kind => self.unpack_luggage(kind, &Luggage { description, token }, body)?,
        };
        let object = Object::new(Dispatcher::seated(seat), body);
        let _ = object.tie.set(tie);
        let mut known = self.ob.sandbox.known.lock();
        known.retain(|_, held| held.strong_count() != 0);
        known.insert(place, Arc::downgrade(&object));
        drop(known);
        if kind == Type::Timer {
            crate::ke::timer::keep(self, &object);
        }
        Ok(object)
    }

    /// Keeps the timers that other processes handed to this one.
    pub(crate) fn keep_timers(&'static self) {
        let known: Vec<Ref> = self.ob.sandbox.known.lock().values().filter_map(Weak::upgrade).collect();
        known.iter().for_each(|object| crate::ke::timer::keep(self, object));
    }

    fn known(&self, place: u32) -> Option<Ref> {
        self.ob.sandbox.known.lock().get(&place).and_then(Weak::upgrade)
    }

    /// The process's object for the one at a place that came from another process, which may have left a reference for it.
    ///
    /// # Errors
    /// As [`Kernel::import`].
    pub fn import_at(&'static self, place: u32) -> Nt<Ref> {
        let (shm, record) = self.member()?;
        let mut tx = shm.begin();
        let reference = match tx.take_given(record, place) {
            Some(reference) => reference,
            None => self.refer(&mut tx, place)?,
        };
        tx.commit()?;
        self.import(place, reference)
    }

    /// The shared object of that name in a directory, or `make`'s, which gets the name. Answers whether it was there.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` where names are the process's own, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn shared_name(
        &'static self,
        directory: &Ref,
        name: &[u16],
        ignore_case: bool,
        make: Option<&Ref>,
    ) -> Nt<Option<(Ref, bool)>> {
        if make.is_some_and(|object| !travels(object.kind())) {
            return Err(STATUS_NOT_SUPPORTED);
        }
        let (path, parent) = path_in(&self.ob.root, directory, name)?;
        let (shm, _) = self.member()?;
        loop {
            let mut looked_in = Some(directory.clone());
            while let Some(directory) = looked_in {
                let (path, _) = path_in(&self.ob.root, &directory, name)?;
                let mut tx = shm.begin();
                if let Some(place) = tx.named(&path, ignore_case) {
                    let reference = self.refer(&mut tx, place)?;
                    tx.commit()?;
                    return Ok(Some((self.import(place, reference)?, true)));
                }
                drop(tx);
                looked_in = directory.directory()?.shadow();
            }
            let Some(object) = make else { return Ok(None) };
            match self.share_as(object, Some((&path, parent, ignore_case))) {
                Ok(_) => return Ok(Some((object.clone(), false))),
                // Another process took the name in between.
                Err(STATUS_OBJECT_NAME_COLLISION) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The directory or link of that name in a directory, if a program made it.
    ///
    /// # Errors
    /// As [`Kernel::import`].
    pub(super) fn shared_directory(&'static self, directory: &Ref, name: &[u16], ignore_case: bool) -> Nt<Option<Ref>> {
        // Most sandboxes have none: nothing is locked to know that.
        let alone = !self.has_entered_sandbox() && !self.boot.born;
        if alone || !self.member().is_ok_and(|(shm, _)| shm.has_directories()) {
            return Ok(None);
        }
        match self.shared_name(directory, name, ignore_case, None) {
            Ok(found) => Ok(found.map(|(object, _)| object).filter(|object| is_directory(object.kind()))),
            Err(STATUS_NOT_SUPPORTED) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Names of shared objects in a directory, and their types, ordered by folded name.
    pub(crate) fn shared_names(&'static self, directory: &Ref) -> Vec<(Vec<u16>, Type)> {
        let (Ok((prefix, _)), Ok((shm, _))) = (path_in(&self.ob.root, directory, &[]), self.member()) else {
            return Vec::new();
        };
        let tx = shm.begin();
        let named = tx.names().into_iter().filter_map(|(path, place)| {
            let name = path.strip_prefix(&prefix[..])?;
            let kind = Type::ALL.get(tx.type_of(place) as usize).copied()?;
            (!name.contains(&u16::from(b'\\'))).then(|| (name.to_vec(), kind))
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by_key(|(name, _)| fold(name));
        named
    }

    /// The calling thread's block for a wait for so many shared objects.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn wait_block(&'static self, thread: &Thread, objects: usize) -> Nt<u32> {
        const FEW: u32 = 8;
        let (shm, record) = self.member()?;
        let mut held = thread.wait_block.lock();
        let wanted = (objects as u32).max(FEW);
        if let Some((block, room)) = *held
            && room >= wanted
        {
            return Ok(block);
        }
        let mut tx = shm.begin();
        if let Some((block, _)) = held.take() {
            tx.drop_block(record, block);
        }
        let block = tx.new_block(record, thread.id as u32, wanted)?;
        tx.commit()?;
        *held = Some((block, wanted));
        Ok(block)
    }

    /// Gives an ended thread's block back.
    pub fn drop_wait_block(&'static self, thread: &Thread) {
        if let (Some((block, _)), Ok((shm, record))) = (thread.wait_block.lock().take(), self.member()) {
            let mut tx = shm.begin();
            tx.drop_block(record, block);
            let _ = tx.commit();
        }
    }
}

impl Object {
    /// Has the object keep its name without handles, or not any more.
    pub(super) fn set_permanent(&self, permanent: bool) {
        self.permanent.store(permanent, Ordering::Relaxed);
        let Some(tie) = self.tie.get() else { return };
        let mut tx = tie.seat.shm.begin();
        tx.set_permanent(tie.seat.object, permanent);
        let _ = tx.commit();
    }

    /// Tells the sandbox's memory whether the process has handles to the object. Called when it got its first, or lost its
    /// last; of several calls at a time the last one tells what holds. Answers whether other processes have handles to it.
    pub(super) fn tell_open(&self) -> bool {
        let Some(tie) = self.tie.get() else { return false };
        let mut tx = tie.seat.shm.begin();
        if self.handles.load(Ordering::Acquire) != 0 {
            tx.open(tie.reference);
        } else {
            tx.close(tie.reference);
        }
        let others = tx.openers(tie.seat.object) > u32::from(self.handles.load(Ordering::Acquire) != 0);
        let _ = tx.commit();
        let _ = tie.seat.shm.dispose();
        others
    }
}
