//! Objects of several processes whose state is more than a signal: what their record keeps, and what each process makes of it.

use super::directory::{Directory, Found, SymbolicLink, walk};
use super::object::{Body, Ref};
use super::types::Type;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::shm::Tx;
use crate::shm::waste::Waste;
use crate::status::*;
use parking_lot::RwLock;
use shim_abi::wire::{decode, encode};
use std::sync::Arc;

/// What an object's record is to keep.
pub struct Luggage {
    /// What another process makes the object of.
    pub description: Vec<u8>,
    /// Token of the stream that goes along, 0 for none.
    pub token: u64,
}

impl Kernel {
    /// What an object's record is to keep, if its type has more than a signal.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for what cannot be another process's, and what the monitor answers.
    pub(super) fn luggage(&'static self, object: &Ref) -> Nt<Option<Luggage>> {
        let (description, stream) = match &object.body {
            Body::File(file) => {
                // A socket has its stream made by that.
                let description = crate::io::parcel::pack(self, object)?;
                (description, file.ops.stream_along().ok_or(STATUS_NOT_SUPPORTED)?)
            }
            Body::Section(section) => (crate::mm::parcel::pack(self, section)?, Some(section.area.stream.clone())),
            _ => return Ok(None),
        };
        let token = stream.map_or(Ok(0), |stream| self.host.leave(&stream))?;
        Ok(Some(Luggage { description, token }))
    }

    /// What was packed is not needed: somebody else was first.
    pub(super) fn unload(&self, luggage: &Luggage) {
        if luggage.token != 0 {
            let _ = self.host.forget_left(luggage.token);
        }
    }

    /// Puts what was packed into an object's new record.
    pub(super) fn load(&'static self, tx: &mut Tx<'_>, place: u32, object: &Ref, luggage: &Luggage) -> Nt<u32> {
        let body = tx.describe(place, &luggage.description, luggage.token)?;
        crate::io::disk::together::make_common(object, tx, body);
        Ok(body)
    }

    /// The body of this process's object for a record that another made.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, what the monitor and the maker answer.
    pub(super) fn unpack_luggage(&'static self, kind: Type, luggage: &Luggage, body: u32) -> Nt<Body> {
        let stream: Option<Stream> = match luggage.token {
            0 => None,
            token => Some(self.host.take_left(token)?),
        };
        match kind {
            Type::File => crate::io::parcel::unpack_common(self, &luggage.description, stream, body).map(Body::File),
            Type::Section => {
                let stream = stream.ok_or(STATUS_INVALID_PARAMETER)?;
                crate::mm::parcel::unpack(self, &luggage.description, stream).map(Body::Section)
            }
            _ => Err(STATUS_NOT_SUPPORTED),
        }
    }

    /// What the record of a directory or link says, and a directory's shadow; `None` for anything else.
    pub(super) fn told_of_directory(&'static self, object: &Ref) -> Nt<Option<(Vec<u8>, u32)>> {
        match &object.body {
            Body::SymbolicLink(link) => Ok(Some((encode(&*link.target.read()), 0))),
            Body::Directory(directory) => match directory.shadow() {
                None => Ok(Some((Vec::new(), 0))),
                // The kernel's own are the same in all processes.
                Some(shadow) => match self.own_name(&shadow) {
                    Some(path) => Ok(Some((encode(&path), 0))),
                    None => Ok(Some((Vec::new(), self.share(&shadow)?.object))),
                },
            },
            _ => Ok(None),
        }
    }

    /// The body of this process's object for a directory or link that another made.
    pub(super) fn unpack_directory(&'static self, kind: Type, told: &[u8], shadow: Option<Ref>) -> Nt<Body> {
        let path: Option<Vec<u16>> = match told {
            [] => None,
            bytes => Some(decode(bytes).map_err(|_| STATUS_INVALID_PARAMETER)?),
        };
        if kind == Type::SymbolicLink {
            return Ok(Body::SymbolicLink(SymbolicLink { target: RwLock::new(path.unwrap_or_default()) }));
        }
        let shadow = match path {
            Some(path) => Some(self.own_named(&path)?),
            None => shadow,
        };
        Ok(Body::Directory(Directory::with_shadow(shadow)))
    }

    /// The path of a directory or link that the kernel itself made: the same in all processes.
    pub(super) fn own_name(&self, object: &Ref) -> Option<Vec<u16>> {
        if object.signal.seat().is_some() {
            return None;
        }
        if Arc::ptr_eq(object, &self.ob.root) { Some(Vec::new()) } else { object.path() }
    }

    /// The directory or link that the kernel itself made at a path.
    pub(super) fn own_named(&self, path: &[u16]) -> Nt<Ref> {
        if path.is_empty() {
            return Ok(self.ob.root.clone());
        }
        match walk(&self.ob.root, None, path, false, true)? {
            Found::Object(object) => Ok(object),
            _ => Err(STATUS_OBJECT_NAME_NOT_FOUND),
        }
    }

    /// The record of the port that a file is bound to, and its key.
    pub(super) fn bound_port(&'static self, object: &Ref) -> Nt<Option<(u32, u64)>> {
        let Body::File(file) = &object.body else { return Ok(None) };
        let bound = file.binding.lock().as_ref().map(|binding| (binding.port.clone(), binding.key));
        bound.map(|(port, key)| Ok((self.share(&port)?.object, key))).transpose()
    }

    /// A file is bound to a port from now on, or to none: tells its record, if it has one.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn tell_binding(&'static self, object: &Ref, to: Option<(&Ref, u64)>) -> Nt<()> {
        let is_file = |seat: &crate::ke::dispatcher::Seat| {
            seat.shm.begin().type_of(seat.object) == super::shared::number(Type::File)
        };
        let Some(seat) = object.signal.seat().filter(is_file) else { return Ok(()) };
        let (port, key) = match to {
            Some((port, key)) => (self.share(port)?.object, key),
            None => (0, 0),
        };
        let mut tx = seat.shm.begin();
        tx.bind_file(seat.object, port, key);
        tx.commit()
    }

    /// Does what the last reference to something left to do.
    pub(super) fn dispose_of(&'static self, waste: &Waste) {
        match waste {
            Waste::Stream(token) => {
                let _ = self.host.forget_left(*token);
            }
            Waste::End(number, status) => self.end_member(*number, *status),
            Waste::Control(number, event) => crate::io::condrv::control::tell(self, *number, *event),
            Waste::Name(_, bytes) => crate::io::disk::together::delete(self, bytes),
        }
    }
}
