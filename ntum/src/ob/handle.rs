//! Handles: the table, rights, pseudo handles, closing.

use super::object::{Object, Ref};
use super::types::Type;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::OBJ_INHERIT;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A handle as the guest holds it. The two low bits are the guest's to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct Handle(pub u64);

impl Handle {
    /// NtCurrentProcess().
    pub const CURRENT_PROCESS: Handle = Handle(u64::MAX);
    /// NtCurrentThread().
    pub const CURRENT_THREAD: Handle = Handle(u64::MAX - 1);
    /// GetCurrentProcessToken().
    pub const CURRENT_PROCESS_TOKEN: Handle = Handle(u64::MAX - 3);
    /// GetCurrentThreadToken().
    pub const CURRENT_THREAD_TOKEN: Handle = Handle(u64::MAX - 4);
    /// GetCurrentThreadEffectiveToken().
    pub const CURRENT_EFFECTIVE_TOKEN: Handle = Handle(u64::MAX - 5);

    fn index(self) -> Option<usize> {
        // Handles are 32 bits wide; what has more is none.
        (u32::try_from(self.0).ok()? as usize / 4).checked_sub(1)
    }

    fn of_index(index: usize) -> Handle {
        Handle((index as u64 + 1) * 4)
    }
}

/// OBJ_PROTECT_CLOSE as a handle's attribute.
pub const OBJ_PROTECT_CLOSE: u32 = 0x1;

/// An open handle.
#[derive(Clone)]
pub struct Entry {
    /// To what.
    pub object: Ref,
    /// Rights it gives.
    pub access: u32,
    /// OBJ_INHERIT, OBJ_PROTECT_CLOSE.
    pub attributes: u32,
}

/// A place in the table. Its generation counts what was done to it: while it stands still, what was read is still so.
#[derive(Default)]
struct Slot {
    generation: AtomicU32,
    entry: Mutex<Option<Entry>>,
}

/// Chunk `n` holds `FIRST_CHUNK << n` slots: chunks come as they are needed and never move, so that a look-up takes no
/// lock but the slot's own.
const FIRST_CHUNK: usize = 64;
const CHUNKS: usize = 15;

#[derive(Default)]
struct Free {
    /// Closed, to be used again.
    list: Vec<u32>,
    /// Never used from here on.
    next: u32,
}

/// A process's handles.
pub struct HandleTable {
    /// Tells tables apart in the threads' caches.
    id: u64,
    chunks: [OnceLock<Box<[Slot]>>; CHUNKS],
    free: Mutex<Free>,
}

impl Default for HandleTable {
    fn default() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        HandleTable { id, chunks: [const { OnceLock::new() }; CHUNKS], free: Mutex::default() }
    }
}

/// Most handles of a process: 16 million on Windows, fewer here as each costs memory of the monitor's host.
const MAX_HANDLES: usize = 1 << 20;

/// What a thread remembers of a handle that it used: found again by plain loads, as long as the slot's generation has
/// not changed.
struct Remembered {
    table: u64,
    index: usize,
    generation: u32,
    access: u32,
    attributes: u32,
    object: Held,
}

/// How a remembered object is held.
enum Held {
    /// By a reference, which may outlive the handle: objects that hold nothing but their own memory.
    Fast(Ref),
    /// Without one: files, which end when their last handle does.
    Weak(Weak<Object>),
}

const WAYS: usize = 8;

thread_local! {
    static MEMORY: RefCell<[Option<Remembered>; WAYS]> = const { RefCell::new([const { None }; WAYS]) };
}

impl HandleTable {
    fn slot(&self, index: usize) -> Option<&Slot> {
        let place = index + FIRST_CHUNK;
        let chunk = (place.ilog2() - FIRST_CHUNK.ilog2()) as usize;
        self.chunks.get(chunk)?.get()?.get(place - (FIRST_CHUNK << chunk))
    }

    fn make_slot(&self, index: usize) -> Option<&Slot> {
        let place = index + FIRST_CHUNK;
        let chunk = (place.ilog2() - FIRST_CHUNK.ilog2()) as usize;
        let slots = self.chunks.get(chunk)?;
        let slots = slots.get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| Slot::default()).collect());
        slots.get(place - (FIRST_CHUNK << chunk))
    }

    fn used(&self, handle: Handle) -> Nt<&Slot> {
        handle.index().and_then(|index| self.slot(index)).ok_or(STATUS_INVALID_HANDLE)
    }

    /// Adds a handle.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn insert(&self, entry: Entry) -> Nt<Handle> {
        let index = {
            let mut free = self.free.lock();
            match free.list.pop() {
                Some(index) => index as usize,
                None if free.next as usize >= MAX_HANDLES => return Err(STATUS_INSUFFICIENT_RESOURCES),
                None => {
                    free.next += 1;
                    free.next as usize - 1
                }
            }
        };
        let slot = self.make_slot(index).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        if entry.object.handles.fetch_add(1, Ordering::AcqRel) == 0 {
            entry.object.tell_open();
        }
        *slot.entry.lock() = Some(entry);
        Ok(Handle::of_index(index))
    }

    /// Adds a handle of a value that somebody else chose, unless it is taken.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn insert_at(&self, handle: Handle, entry: Entry) -> Nt<()> {
        let index = handle.index().filter(|index| *index < MAX_HANDLES).ok_or(STATUS_INVALID_HANDLE)?;
        {
            let mut free = self.free.lock();
            if index >= free.next as usize {
                let between = free.next..index as u32;
                free.list.extend(between.rev());
                free.next = index as u32 + 1;
            } else {
                let place = free.list.iter().position(|held| *held as usize == index).ok_or(STATUS_INVALID_HANDLE)?;
                free.list.swap_remove(place);
            }
        }
        // Chunks are made from the first on, as look-ups of lower values expect.
        let slot = self.make_slot(index).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        if entry.object.handles.fetch_add(1, Ordering::AcqRel) == 0 {
            entry.object.tell_open();
        }
        *slot.entry.lock() = Some(entry);
        Ok(())
    }

    /// The handle's entry.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    #[inline]
    pub fn get(&self, handle: Handle) -> Nt<Entry> {
        let (index, slot) = self.place(handle)?;
        let found = self.recall(index, slot, |held| {
            let object = match &held.object {
                Held::Fast(object) => object.clone(),
                Held::Weak(object) => object.upgrade()?,
            };
            Some(Entry { object, access: held.access, attributes: held.attributes })
        });
        if let Some(Some(entry)) = found {
            return Ok(entry);
        }
        self.look(index, slot)
    }

    /// Calls `with` on the handle's object and rights.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    #[inline]
    pub fn with<R>(&self, handle: Handle, with: impl FnOnce(&Ref, u32) -> R) -> Nt<R> {
        let (index, slot) = self.place(handle)?;
        let mut with = Some(with);
        let found = self.recall(index, slot, |held| match &held.object {
            Held::Fast(object) => Some((with.take()?)(object, held.access)),
            Held::Weak(_) => None,
        });
        if let Some(Some(result)) = found {
            return Ok(result);
        }
        let entry = self.look(index, slot)?;
        with.map(|with| with(&entry.object, entry.access)).ok_or(STATUS_INVALID_HANDLE)
    }

    #[inline]
    fn place(&self, handle: Handle) -> Nt<(usize, &Slot)> {
        let index = handle.index().ok_or(STATUS_INVALID_HANDLE)?;
        Ok((index, self.slot(index).ok_or(STATUS_INVALID_HANDLE)?))
    }

    /// Calls `with` on what the thread remembers of the handle, if it does and that is still so.
    #[inline]
    fn recall<R>(&self, index: usize, slot: &Slot, with: impl FnOnce(&Remembered) -> R) -> Option<R> {
        let found = MEMORY.try_with(|memory| {
            // It is taken already if `with` of a caller came back here.
            let memory = memory.try_borrow().ok()?;
            let held = memory[index % WAYS].as_ref()?;
            let same = held.table == self.id && held.index == index;
            if !same || held.generation != slot.generation.load(Ordering::Acquire) {
                return None;
            }
            Some(with(held))
        });
        found.ok().flatten()
    }

    /// Reads a slot under its lock, and remembers what is worth it.
    fn look(&self, index: usize, slot: &Slot) -> Nt<Entry> {
        let (entry, generation) = {
            let entry = slot.entry.lock();
            (entry.clone().ok_or(STATUS_INVALID_HANDLE)?, slot.generation.load(Ordering::Relaxed))
        };
        let object = match entry.object.kind() {
            Type::Event | Type::Semaphore | Type::Mutant => Held::Fast(entry.object.clone()),
            Type::File => Held::Weak(Arc::downgrade(&entry.object)),
            _ => return Ok(entry),
        };
        let (access, attributes) = (entry.access, entry.attributes);
        let held = Remembered { table: self.id, index, generation, access, attributes, object };
        let before = MEMORY.try_with(|memory| memory.try_borrow_mut().ok()?[index % WAYS].replace(held));
        // The last reference to what was remembered may go here, outside of the borrow.
        drop(before);
        Ok(entry)
    }

    /// Changes a handle's attributes; answers them as they were.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn set_attributes(&self, handle: Handle, attributes: u32) -> Nt<u32> {
        let slot = self.used(handle)?;
        let mut entry = slot.entry.lock();
        let entry = entry.as_mut().ok_or(STATUS_INVALID_HANDLE)?;
        slot.generation.fetch_add(1, Ordering::Release);
        Ok(core::mem::replace(&mut entry.attributes, attributes))
    }

    /// Replaces a handle's rights and attributes.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn set_access(&self, handle: Handle, access: u32, attributes: u32) -> Nt<()> {
        let slot = self.used(handle)?;
        let mut entry = slot.entry.lock();
        let entry = entry.as_mut().ok_or(STATUS_INVALID_HANDLE)?;
        (entry.access, entry.attributes) = (access, attributes);
        slot.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes a handle out.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_HANDLE_NOT_CLOSABLE`.
    pub fn remove(&self, handle: Handle) -> Nt<Entry> {
        let index = handle.index().ok_or(STATUS_INVALID_HANDLE)?;
        let slot = self.slot(index).ok_or(STATUS_INVALID_HANDLE)?;
        let entry = {
            let mut place = slot.entry.lock();
            if place.as_ref().ok_or(STATUS_INVALID_HANDLE)?.attributes & OBJ_PROTECT_CLOSE != 0 {
                return Err(STATUS_HANDLE_NOT_CLOSABLE);
            }
            slot.generation.fetch_add(1, Ordering::Release);
            place.take().ok_or(STATUS_INVALID_HANDLE)?
        };
        self.free.lock().list.push(index as u32);
        Ok(entry)
    }

    /// Every open handle.
    pub fn list(&self) -> Vec<(Handle, Entry)> {
        let end = self.free.lock().next as usize;
        let open = |index| Some((Handle::of_index(index), self.slot(index)?.entry.lock().clone()?));
        (0..end).filter_map(open).collect()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        let free = self.free.lock();
        free.next as usize - free.list.len()
    }
}

/// Whether `granted` covers every bit of `desired`.
pub fn covers(granted: u32, desired: u32) -> bool {
    desired & !granted == 0
}

impl Cx<'_> {
    /// The object behind a handle (pseudo handles too), if the handle gives the rights.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
    pub fn object(&self, handle: Handle, desired: u32) -> Nt<Ref> {
        self.entry(handle, desired).map(|entry| entry.object)
    }

    /// The handle's entry.
    ///
    /// # Errors
    /// As [`Cx::object`].
    #[inline]
    pub fn entry(&self, handle: Handle, desired: u32) -> Nt<Entry> {
        // Pseudo handles are negative in all their bits.
        if (handle.0 as i64) < 0
            && let Some(object) = self.pseudo(handle)
        {
            return Ok(Entry { access: object.kind().mapping().all, object, attributes: 0 });
        }
        let entry = self.k.ob.handles.get(handle)?;
        if covers(entry.access, desired) { Ok(entry) } else { Err(STATUS_ACCESS_DENIED) }
    }

    /// Calls `with` on the object, for dispatcher objects without taking a reference or a lock: for the calls that are
    /// called most.
    ///
    /// # Errors
    /// As [`Cx::object`].
    pub fn with_object<R>(&self, handle: Handle, desired: u32, with: impl FnOnce(&Ref) -> Nt<R>) -> Nt<R> {
        if (handle.0 as i64) < 0 {
            return with(&self.object(handle, desired)?);
        }
        self.k.ob.handles.with(handle, |object, access| {
            if covers(access, desired) { with(object) } else { Err(STATUS_ACCESS_DENIED) }
        })?
    }

    /// As [`Cx::object`], for an object of one type: that counts before the rights.
    ///
    /// # Errors
    /// `STATUS_OBJECT_TYPE_MISMATCH`, and as [`Cx::object`].
    pub fn object_of(&self, handle: Handle, kind: Type, desired: u32) -> Nt<Ref> {
        let entry = self.entry(handle, 0)?;
        if entry.object.kind() != kind {
            return Err(STATUS_OBJECT_TYPE_MISMATCH);
        }
        if covers(entry.access, desired) { Ok(entry.object) } else { Err(STATUS_ACCESS_DENIED) }
    }

    /// As [`Cx::with_object`], for an object of one type: that counts before the rights.
    ///
    /// # Errors
    /// As [`Cx::object_of`].
    pub fn with_object_of<R>(
        &self,
        handle: Handle,
        kind: Type,
        desired: u32,
        with: impl FnOnce(&Ref) -> Nt<R>,
    ) -> Nt<R> {
        if (handle.0 as i64) < 0 {
            return with(&self.object_of(handle, kind, desired)?);
        }
        self.k.ob.handles.with(handle, |object, access| match object.kind() {
            found if found != kind => Err(STATUS_OBJECT_TYPE_MISMATCH),
            _ if covers(access, desired) => with(object),
            _ => Err(STATUS_ACCESS_DENIED),
        })?
    }

    #[cold]
    fn pseudo(&self, handle: Handle) -> Option<Ref> {
        // 32-bit forms of the pseudo handles count too.
        match handle.0 as i32 as i64 as u64 {
            h if handle.0 != h && handle.0 != h & 0xffff_ffff => None,
            h if Handle(h) == Handle::CURRENT_PROCESS => Some(self.k.ps.process_object()),
            h if Handle(h) == Handle::CURRENT_THREAD => self.t.object(),
            h if Handle(h) == Handle::CURRENT_PROCESS_TOKEN => Some(self.k.process_token()),
            h if Handle(h) == Handle::CURRENT_EFFECTIVE_TOKEN => Some(self.k.effective_token(self.t)),
            h if Handle(h) == Handle::CURRENT_THREAD_TOKEN => self.t.token(),
            _ => None,
        }
    }

    /// Makes a handle to an object; generic rights are mapped.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn insert(&self, object: Ref, access: u32, attributes: u32) -> Nt<Handle> {
        let access = object.kind().map_access(access);
        self.k.ob.handles.insert(Entry { object, access, attributes: attributes & OBJ_INHERIT })
    }
}

impl Cx<'_> {
    /// Stores a new handle where the caller wants it, and answers the status; takes it back if that fails.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn give(&self, to: UserPtr<Handle>, made: Handle, status: Status) -> Nt {
        match to.write(self.k, made) {
            Ok(()) => Ok(status),
            Err(error) => {
                let _ = self.k.close_handle(made);
                Err(error)
            }
        }
    }
}

impl Kernel {
    /// Closes a handle; the object loses its name, and what its type does at the last handle, when none is left.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_HANDLE_NOT_CLOSABLE`.
    pub fn close_handle(&'static self, handle: Handle) -> Nt<()> {
        if self.user.stations.keeps(handle) {
            return Err(STATUS_HANDLE_NOT_CLOSABLE);
        }
        let entry = self.ob.handles.remove(handle)?;
        self.handle_closed(&entry.object);
        Ok(())
    }

    /// Counts one handle less.
    pub fn handle_closed(&'static self, object: &Ref) {
        if object.handles.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let others = object.tell_open();
        if !object.permanent.load(Ordering::Relaxed) {
            self.unname(object);
        }
        match object.kind() {
            Type::File => crate::io::file::handles_closed(self, object, !others),
            Type::Key => crate::cm::last_handle_closed(self, object),
            Type::Transaction => crate::cm::transaction::last_handle_closed(self, object),
            Type::AlpcPort => crate::lpc::port::last_handle_closed(self, object),
            Type::IoCompletion => crate::io::completion::last_handle_closed(self, object),
            _ => {}
        }
    }

    /// Takes an object's name away, if nobody opened it meanwhile.
    pub fn unname(&self, object: &Object) {
        let _guard = self.ob.naming.lock();
        if object.handles.load(Ordering::Acquire) != 0 {
            return;
        }
        if let Some(name) = object.name.lock().take()
            && let Some(directory) = name.directory.upgrade()
            && let Ok(directory) = directory.directory()
        {
            directory.remove(&name.name, object);
        }
    }
}

/// NtClose.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_HANDLE_NOT_CLOSABLE`.
pub fn nt_close(cx: &Cx<'_>, handle: Handle) -> Nt {
    if (handle.0 as i64) < 0 && (handle.0 as i64) >= -6 {
        return Ok(STATUS_SUCCESS);
    }
    let closed = cx.k.close_handle(handle);
    if closed == Err(STATUS_INVALID_HANDLE) && handle.0 != 0 && cx.k.is_debugged() {
        cx.raise_after(STATUS_INVALID_HANDLE)?;
    }
    closed.map(|()| STATUS_SUCCESS)
}
