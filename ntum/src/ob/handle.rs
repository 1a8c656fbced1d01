//! Handles: the table, rights, pseudo handles, closing.

use super::object::{Object, Ref};
use super::types::Type;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::OBJ_INHERIT;
use parking_lot::RwLock;
use std::sync::atomic::Ordering;
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
        // Handles are 32 bits wide, sign-extended or not.
        ((self.0 as u32) as usize / 4).checked_sub(1)
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

#[derive(Default)]
struct Slots {
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
}

/// A process's handles.
#[derive(Default)]
pub struct HandleTable {
    slots: RwLock<Slots>,
}

/// Most handles of a process: 16 million on Windows, fewer here as each costs memory of the monitor's host.
const MAX_HANDLES: usize = 1 << 20;

impl HandleTable {
    /// Adds a handle.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn insert(&self, entry: Entry) -> Nt<Handle> {
        let object = entry.object.clone();
        let mut slots = self.slots.write();
        let index = match slots.free.pop() {
            Some(index) => index,
            None if slots.entries.len() >= MAX_HANDLES => return Err(STATUS_INSUFFICIENT_RESOURCES),
            None => {
                slots.entries.push(None);
                slots.entries.len() - 1
            }
        };
        slots.entries[index] = Some(entry);
        object.handles.fetch_add(1, Ordering::Relaxed);
        Ok(Handle::of_index(index))
    }

    /// Calls `with` on the handle's entry; the table stays locked meanwhile, so `with` must not touch it.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn with<R>(&self, handle: Handle, with: impl FnOnce(&Entry) -> R) -> Nt<R> {
        let slots = self.slots.read();
        let entry = handle.index().and_then(|index| slots.entries.get(index)?.as_ref());
        entry.map(with).ok_or(STATUS_INVALID_HANDLE)
    }

    /// Changes a handle's attributes.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`.
    pub fn set_attributes(&self, handle: Handle, attributes: u32) -> Nt<()> {
        let mut slots = self.slots.write();
        let entry = handle.index().and_then(|index| slots.entries.get_mut(index)?.as_mut());
        entry.ok_or(STATUS_INVALID_HANDLE)?.attributes = attributes;
        Ok(())
    }

    /// Takes a handle out.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_HANDLE_NOT_CLOSABLE`.
    pub fn remove(&self, handle: Handle) -> Nt<Entry> {
        let mut slots = self.slots.write();
        let index = handle.index().ok_or(STATUS_INVALID_HANDLE)?;
        let slot = slots.entries.get_mut(index).ok_or(STATUS_INVALID_HANDLE)?;
        if slot.as_ref().ok_or(STATUS_INVALID_HANDLE)?.attributes & OBJ_PROTECT_CLOSE != 0 {
            return Err(STATUS_HANDLE_NOT_CLOSABLE);
        }
        let entry = slot.take().ok_or(STATUS_INVALID_HANDLE)?;
        slots.free.push(index);
        Ok(entry)
    }

    /// Every open handle.
    pub fn list(&self) -> Vec<(Handle, Entry)> {
        let slots = self.slots.read();
        let open = slots.entries.iter().enumerate();
        open.filter_map(|(index, slot)| Some((Handle::of_index(index), slot.clone()?))).collect()
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        let slots = self.slots.read();
        slots.entries.len() - slots.free.len()
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
    pub fn entry(&self, handle: Handle, desired: u32) -> Nt<Entry> {
        if let Some(object) = self.pseudo(handle) {
            return Ok(Entry { access: object.kind().mapping().all, object, attributes: 0 });
        }
        self.k.ob.handles.with(handle, |entry| {
            if covers(entry.access, desired) { Ok(entry.clone()) } else { Err(STATUS_ACCESS_DENIED) }
        })?
    }

    /// Calls `with` on the object without taking a reference: for the calls that are called most. `with` must neither
    /// wait nor touch handles.
    ///
    /// # Errors
    /// As [`Cx::object`].
    pub fn with_object<R>(&self, handle: Handle, desired: u32, with: impl FnOnce(&Ref) -> Nt<R>) -> Nt<R> {
        if (handle.0 as i64) < 0 {
            return with(&self.object(handle, desired)?);
        }
        self.k.ob.handles.with(handle, |entry| {
            if covers(entry.access, desired) { with(&entry.object) } else { Err(STATUS_ACCESS_DENIED) }
        })?
    }

    fn pseudo(&self, handle: Handle) -> Option<Ref> {
        // 32-bit forms of the pseudo handles count too.
        match handle.0 as i32 as i64 as u64 {
            h if handle.0 != h && handle.0 != h & 0xffff_ffff => None,
            h if Handle(h) == Handle::CURRENT_PROCESS => Some(self.k.ps.process_object()),
            h if Handle(h) == Handle::CURRENT_THREAD => self.t.object(),
            h if Handle(h) == Handle::CURRENT_PROCESS_TOKEN => Some(self.k.se.process_token()),
            h if Handle(h) == Handle::CURRENT_EFFECTIVE_TOKEN => Some(self.k.se.effective_token(self.t)),
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

impl Kernel {
    /// Closes a handle; the object loses its name, and what its type does at the last handle, when none is left.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_HANDLE_NOT_CLOSABLE`.
    pub fn close_handle(&'static self, handle: Handle) -> Nt<()> {
        let entry = self.ob.handles.remove(handle)?;
        self.handle_closed(&entry.object);
        Ok(())
    }

    /// Counts one handle less.
    pub fn handle_closed(&'static self, object: &Ref) {
        if object.handles.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        if !object.permanent.load(Ordering::Relaxed) {
            self.unname(object);
        }
        match object.kind() {
            Type::File => crate::io::file::last_handle_closed(self, object),
            Type::Key => crate::cm::last_handle_closed(self, object),
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
    cx.k.close_handle(handle)?;
    Ok(STATUS_SUCCESS)
}
