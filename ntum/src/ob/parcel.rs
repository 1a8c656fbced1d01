//! Objects on their way from one process of the sandbox to another.

use super::object::{Body, Ref};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use shim_abi::error::{Error, Result};
use shim_abi::wire::Wire;

/// What of an object travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// The place of its record in the sandbox's memory: the receiver holds it.
    Record(u32),
    /// A file that its device makes anew: see `io::parcel`.
    File(Vec<u8>),
    /// A token, copied: see `se::parcel`.
    Token(Vec<u8>),
    /// A key's number, the same in all processes.
    Key(u32),
    /// A directory or link that the kernel itself made: its path, the same in all processes.
    Own(Vec<u16>),
}

impl Wire for Parcel {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Parcel::Record(place) => {
                0u8.put(out);
                place.put(out);
            }
            Parcel::File(what) => {
                1u8.put(out);
                what.put(out);
            }
            Parcel::Token(what) => {
                2u8.put(out);
                what.put(out);
            }
            Parcel::Key(number) => {
                3u8.put(out);
                number.put(out);
            }
            Parcel::Own(path) => {
                4u8.put(out);
                path.put(out);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        match u8::take(from)? {
            0 => Ok(Parcel::Record(u32::take(from)?)),
            1 => Ok(Parcel::File(Vec::take(from)?)),
            2 => Ok(Parcel::Token(Vec::take(from)?)),
            3 => Ok(Parcel::Key(u32::take(from)?)),
            4 => Ok(Parcel::Own(Vec::take(from)?)),
            _ => Err(Error::Malformed),
        }
    }
}

impl Parcel {
    /// The record that goes with it, and whether whoever has it keeps that open.
    pub fn record(&self) -> Option<(u32, bool)> {
        match self {
            Parcel::Record(place) => Some((*place, true)),
            Parcel::File(what) => crate::io::parcel::record(what),
            Parcel::Token(_) | Parcel::Key(_) | Parcel::Own(_) => None,
        }
    }
}

impl Kernel {
    /// Lets go of what came and is not wanted.
    pub fn refuse(&'static self, parcel: &Parcel) {
        let (Some((place, _)), Ok((shm, me))) = (parcel.record(), self.sandbox()) else { return };
        let mut tx = shm.begin();
        if let Some(reference) = tx.take_given(me, place) {
            tx.release(reference);
        }
        let _ = tx.commit();
    }

    /// What of an object another process can make one of.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for what cannot travel.
    pub fn pack(&'static self, object: &Ref) -> Nt<Parcel> {
        match &object.body {
            Body::Event(_)
            | Body::Mutant(_)
            | Body::Semaphore(_)
            | Body::Job(_)
            | Body::Timer(_)
            | Body::DebugObject(_)
            | Body::IoCompletion(_)
            | Body::Process(_)
            | Body::Thread(_)
            | Body::OtherProcess(_)
            | Body::OtherThread(_) => Ok(Parcel::Record(self.share(object)?.object)),
            Body::Directory(_) | Body::SymbolicLink(_) => match self.own_name(object) {
                Some(path) => Ok(Parcel::Own(path)),
                None => Ok(Parcel::Record(self.share(object)?.object)),
            },
            Body::Section(_) => Ok(Parcel::Record(self.share(object)?.object)),
            Body::File(file) if file.ops.stream_along().is_some() => {
                let seat = self.share(object)?;
                file.position.share(seat.shm, seat.shm.begin().body_of(seat.object));
                Ok(Parcel::Record(seat.object))
            }
            Body::File(_) => crate::io::parcel::pack(self, object).map(Parcel::File),
            Body::Token(_) => crate::se::parcel::pack(object).map(Parcel::Token),
            Body::Key(key) => key.pack(self).map(Parcel::Key),
            _ => Err(STATUS_NOT_SUPPORTED),
        }
    }

    /// The process's object for what came.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED`, `STATUS_INSUFFICIENT_RESOURCES`, and what the device answers.
    pub fn unpack(&'static self, cx: &Cx<'_>, parcel: &Parcel) -> Nt<Ref> {
        match parcel {
            Parcel::Record(place) => self.import_at(*place),
            Parcel::File(what) => crate::io::parcel::unpack(cx, what),
            Parcel::Token(what) => crate::se::parcel::unpack(self, what),
            Parcel::Own(path) => self.own_named(path),
            Parcel::Key(number) => Ok(crate::cm::key::unpack(self, *number)),
        }
    }
}
