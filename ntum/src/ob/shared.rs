//! Objects that other processes of the sandbox see: how they come into its memory, and out of it.

use super::object::{Body, Object, Plain, Ref};
use super::types::Type;
use crate::host::Wake;
use crate::ke::dispatcher::{Dispatcher, Kind, Seat};
use crate::kernel::Kernel;
use crate::nls::fold::fold;
use crate::ps::ids::{FIRST_PROCESS, NO_PARENT};
use crate::ps::thread::Thread;
use crate::shm::arena::Members;
use crate::shm::{Shm, Tx};
use crate::status::*;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// A process's part in the sandbox's memory.
#[derive(Default)]
pub struct Sandbox {
    /// The memory and the process's record there; `None` on a machine without one.
    member: OnceLock<Option<(Shm, u32)>>,
    /// Objects of the process that stand for shared ones, by their place.
    known: Mutex<HashMap<u32, Weak<Object>>>,
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
}

/// The path of a name in a directory.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED`: a directory without a name is only its holder's.
fn path_in(root: &Ref, directory: &Ref, name: &[u16]) -> Nt<Vec<u16>> {
    let is_root = Arc::ptr_eq(root, directory);
    let mut path = if is_root { Vec::new() } else { directory.path().ok_or(STATUS_NOT_SUPPORTED)? };
    path.push(u16::from(b'\\'));
    path.extend_from_slice(name);
    Ok(path)
}

/// Place of a type in [`Type::ALL`].
fn number(kind: Type) -> u32 {
    Type::ALL.iter().position(|known| *known == kind).unwrap_or(0) as u32
}

/// Types whose objects are all in the record: they can be seen by other processes.
fn travels(kind: Type) -> bool {
    matches!(kind, Type::Event | Type::Mutant | Type::Semaphore)
}

impl Kernel {
    fn member(&'static self) -> Nt<&'static (Shm, u32)> {
        let join = || {
            let (words, number) = self.host.sandbox()?;
            let shm = Shm::new(words, self, number);
            let mut tx = shm.begin();
            let record = match tx.member(number) {
                Some(record) => record,
                None => {
                    let process = tx.new_object(self::number(Type::Process), Kind::Notification, 0, 0).ok()?;
                    tx.add_member(number, process, (number == 1).then_some(FIRST_PROCESS as u32)).ok()?
                }
            };
            if number != 1 {
                self.take_ids(tx.id_of(record), NO_PARENT);
            }
            tx.commit().ok()?;
            Some((shm, record))
        };
        self.ob.sandbox.member.get_or_init(join).as_ref().ok_or(STATUS_NOT_SUPPORTED)
    }

    /// Enters the sandbox's memory, which the first process does when it needs to and others at their start.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without one.
    pub fn enter_sandbox(&'static self) -> Nt<()> {
        self.member().map(drop)
    }

    /// Numbers for further threads: the first of a chunk.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn new_chunk(&'static self) -> Nt<u32> {
        let (shm, record) = self.member()?;
        let mut tx = shm.begin();
        let first = tx.take_chunk(*record, None)?;
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
    fn share_as(&'static self, object: &Ref, name: Option<(&[u16], bool)>) -> Nt<Seat> {
        let (shm, record) = self.member()?;
        let mut tie = None;
        let (seat, moved) = object.signal.share(self, |state, extra, abandoned| {
            let mut tx = shm.begin();
            if let Some((path, ignore_case)) = name
                && tx.named(path, ignore_case).is_some()
            {
                return Err(STATUS_OBJECT_NAME_COLLISION);
            }
            let limit = object.semaphore().map(|semaphore| semaphore.limit);
            let place = tx.new_object(number(object.kind()), object.signal.kind(), state, limit.unwrap_or(extra))?;
            if abandoned {
                tx.set_abandoned(place);
            }
            if object.permanent.load(Ordering::Relaxed) {
                tx.set_permanent(place, true);
            }
            let reference = tx.hold(place, *record, object.handles.load(Ordering::Relaxed) != 0)?;
            if let Some((path, _)) = name {
                tx.name(place, path)?;
            }
            tx.commit()?;
            let seat = Seat { shm, object: place };
            tie = Some(Tie { seat, reference });
            Nt::Ok(seat)
        })?;
        if let Some(tie) = tie {
            let _ = object.tie.set(tie);
            self.ob.sandbox.known.lock().insert(seat.object, Arc::downgrade(object));
        }
        moved.into_iter().for_each(|wait| wait.wake(self));
        Ok(seat)
    }

    /// The process's object for a shared one.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for a type that does not travel, `STATUS_INSUFFICIENT_RESOURCES`.
    fn import(&'static self, tx: &mut Tx<'_>, place: u32) -> Nt<Ref> {
        let (shm, record) = self.member()?;
        let mut known = self.ob.sandbox.known.lock();
        if let Some(object) = known.get(&place).and_then(Weak::upgrade) {
            return Ok(object);
        }
        let seat = Seat { shm, object: place };
        let kind = Type::ALL.get(tx.type_of(place) as usize).copied().ok_or(STATUS_INTERNAL_ERROR)?;
        let body = match kind {
            Type::Event => Body::Event(Plain),
            Type::Mutant => Body::Mutant(Plain),
            Type::Semaphore => Body::Semaphore(crate::ke::semaphore::Semaphore { limit: tx.extra(place) }),
            _ => return Err(STATUS_NOT_SUPPORTED),
        };
        let reference = tx.hold(place, *record, false)?;
        let object = Object::new(Dispatcher::seated(seat), body);
        let _ = object.tie.set(Tie { seat, reference });
        known.retain(|_, held| held.strong_count() != 0);
        known.insert(place, Arc::downgrade(&object));
        Ok(object)
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
        let path = path_in(&self.ob.root, directory, name)?;
        let (shm, _) = self.member()?;
        loop {
            let mut looked_in = Some(directory.clone());
            while let Some(directory) = looked_in {
                let mut tx = shm.begin();
                if let Some(place) = tx.named(&path_in(&self.ob.root, &directory, name)?, ignore_case) {
                    let object = self.import(&mut tx, place)?;
                    tx.commit()?;
                    return Ok(Some((object, true)));
                }
                drop(tx);
                looked_in = directory.directory()?.shadow();
            }
            let Some(object) = make else { return Ok(None) };
            match self.share_as(object, Some((&path, ignore_case))) {
                Ok(_) => return Ok(Some((object.clone(), false))),
                // Another process took the name in between.
                Err(STATUS_OBJECT_NAME_COLLISION) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Names of shared objects in a directory, and their types, ordered by folded name.
    pub(super) fn shared_names(&'static self, directory: &Ref) -> Vec<(Vec<u16>, Type)> {
        let (Ok(prefix), Ok((shm, _))) = (path_in(&self.ob.root, directory, &[]), self.member()) else {
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
            tx.drop_block(*record, block);
        }
        let block = tx.new_block(*record, thread.id as u32, wanted)?;
        tx.commit()?;
        *held = Some((block, wanted));
        Ok(block)
    }

    /// Gives an ended thread's block back.
    pub fn drop_wait_block(&'static self, thread: &Thread) {
        if let (Some((block, _)), Ok((shm, record))) = (thread.wait_block.lock().take(), self.member()) {
            let mut tx = shm.begin();
            tx.drop_block(*record, block);
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
    /// last; of several calls at a time the last one tells what holds.
    pub(super) fn tell_open(&self) {
        let Some(tie) = self.tie.get() else { return };
        let mut tx = tie.seat.shm.begin();
        if self.handles.load(Ordering::Acquire) != 0 {
            tx.open(tie.reference);
        } else {
            tx.close(tie.reference);
        }
        let _ = tx.commit();
    }
}
