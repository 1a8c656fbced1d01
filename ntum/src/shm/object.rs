//! Shared objects: a record each, and who holds it.

use super::list::List;
use super::waste::Waste;
use super::{Shm, Tx};
use crate::ke::dispatcher::Kind;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// A body's first word: a block that goes with it, 0 for none.
pub(super) const NESTED: u32 = 0;

/// Words of an object's record.
pub(super) mod field {
    /// The object's type: a place in `ob::types::Type::ALL`.
    pub const TYPE: u32 = 0;
    /// How its signal is used up.
    pub const KIND: u32 = 1;
    /// Its signal: see `wait`.
    pub const STATE: u32 = 2;
    /// Semaphores: the limit. Mutants: how often the owner acquired it beyond the first time.
    pub const EXTRA: u32 = 3;
    /// Mutants: whether the owner ended without releasing it.
    pub const ABANDONED: u32 = 4;
    /// Waits: a list.
    pub const WAITS: u32 = 5;
    /// Members that hold it: a list of references.
    pub const HOLDERS: u32 = 7;
    /// Members that have handles to it.
    pub const OPENERS: u32 = 9;
    /// 1: it keeps its name without handles.
    pub const PERMANENT: u32 = 10;
    /// Its name: a block, see `names`.
    pub const NAME: u32 = 11;
    /// What its type keeps: a block of the type's own.
    pub const BODY: u32 = 12;
    /// Token of a stream that goes with it, in two words; 0 for none.
    pub const TOKEN: u32 = 13;
    /// Its security descriptor, self-relative: a block of bytes, 0 for none.
    pub const SECURITY: u32 = 15;
    /// Other records that need it: what is bound to a port, names in a directory.
    pub const PINS: u32 = 16;
    /// Number of words.
    pub const COUNT: u32 = 17;
}

/// Words of a reference: a member holds an object.
pub(super) mod holder {
    /// Node in the object's list.
    pub const BY_OBJECT: u32 = 0;
    /// Node in the member's list.
    pub const BY_MEMBER: u32 = 2;
    /// The object.
    pub const OBJECT: u32 = 4;
    /// The member's record.
    pub const MEMBER: u32 = 5;
    /// Bits: whether the member has handles to it, and [`GIVEN`].
    pub const OPEN: u32 = 6;
    /// The member was given the object by another, and has not taken it yet.
    pub const GIVEN: u32 = 2;
    /// Number of words.
    pub const COUNT: u32 = 7;
}

const KINDS: [Kind; 5] = [Kind::None, Kind::Notification, Kind::Synchronization, Kind::Semaphore, Kind::Mutant];

impl Shm {
    /// How an object's signal is used up. Never changes.
    pub fn kind(&self, object: u32) -> Kind {
        KINDS.get(self.load(object + field::KIND) as usize).copied().unwrap_or(Kind::None)
    }

    /// Whether an object was given a security descriptor.
    pub fn is_secured(&self, object: u32) -> bool {
        self.load(object + field::SECURITY) != 0
    }
}

impl Tx<'_> {
    /// A new object that nobody holds yet. `state` is its count; a mutant's owner, 0 for none.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_object(&mut self, kind_of_object: u32, kind: Kind, state: u32, extra: u32) -> Nt<u32> {
        let object = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(object + field::TYPE, kind_of_object);
        self.fill(object + field::KIND, KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u32);
        self.fill(object + field::STATE, state);
        self.fill(object + field::EXTRA, extra);
        Ok(object)
    }

    /// An object's type, as a place in `ob::types::Type::ALL`.
    pub fn type_of(&self, object: u32) -> u32 {
        self.get(object + field::TYPE)
    }

    /// A semaphore's limit.
    pub fn extra(&self, object: u32) -> u32 {
        self.get(object + field::EXTRA)
    }

    /// Sets the word that a semaphore has its limit in, of an object of another kind.
    pub fn set_extra(&mut self, object: u32, value: u32) {
        self.set(object + field::EXTRA, value);
    }

    /// A new object is signalled from the start.
    pub fn set_signalled(&mut self, object: u32) {
        self.set(object + field::STATE, 1);
    }

    /// An object's security descriptor, if it was given one.
    pub fn security(&self, object: u32) -> Option<Vec<u8>> {
        let block = self.get(object + field::SECURITY);
        (block != 0).then(|| self.bytes(block))
    }

    /// Gives an object a security descriptor, in place of the one that it had.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_security(&mut self, object: u32, descriptor: &[u8]) -> Nt<()> {
        let new = self.allocate_bytes(descriptor).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let old = self.get(object + field::SECURITY);
        if old != 0 {
            self.free(old);
        }
        self.set(object + field::SECURITY, new);
        Ok(())
    }

    /// Notes that a mutant's owner ended without releasing it.
    pub fn set_abandoned(&mut self, object: u32) {
        self.set(object + field::ABANDONED, 1);
    }

    /// A member holds the object from now on: answers the reference. `open` says that it has handles.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn hold(&mut self, object: u32, member: u32, open: bool) -> Nt<u32> {
        let reference = self.allocate(holder::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(reference + holder::OBJECT, object);
        self.set(reference + holder::MEMBER, member);
        List(object + field::HOLDERS).push(self, reference + holder::BY_OBJECT);
        List(member + super::member::field::HELD).push(self, reference + holder::BY_MEMBER);
        self.set(
            member + super::member::field::HOLDS,
            self.get(member + super::member::field::HOLDS).saturating_add(1),
        );
        if open {
            self.open(reference);
        }
        Ok(reference)
    }

    /// As [`Tx::hold`], on behalf of a member that gets the object from another: it stays until the member takes it.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn give(&mut self, object: u32, member: u32, open: bool) -> Nt<u32> {
        let reference = self.hold(object, member, open)?;
        let state = self.get(reference + holder::OPEN);
        self.set(reference + holder::OPEN, state | holder::GIVEN);
        Ok(reference)
    }

    /// A reference that was given to a member, which has it as its own from now on.
    pub fn take_given(&mut self, member: u32, object: u32) -> Option<u32> {
        let references = List(object + field::HOLDERS).nodes(self).into_iter().map(|node| node - holder::BY_OBJECT);
        let given = |reference: &u32| self.link(reference + holder::MEMBER) == member && self.is_given(*reference);
        let reference = references.into_iter().find(given)?;
        let state = self.get(reference + holder::OPEN);
        self.set(reference + holder::OPEN, state & !holder::GIVEN);
        Some(reference)
    }

    /// Whether a reference was given to its member, which has not taken it yet.
    pub(super) fn is_given(&self, reference: u32) -> bool {
        self.get(reference + holder::OPEN) & holder::GIVEN != 0
    }

    /// Lets go of all that was given to a member and not taken.
    pub fn refuse_given(&mut self, member: u32) {
        for node in List(member + super::member::field::HELD).nodes(self) {
            let reference = node - holder::BY_MEMBER;
            if self.is_given(reference) {
                self.release(reference);
            }
        }
    }

    /// The holder has handles from now on.
    pub fn open(&mut self, reference: u32) {
        let state = self.get(reference + holder::OPEN);
        if state & 1 == 0 {
            self.set(reference + holder::OPEN, state | 1);
            let openers = self.link(reference + holder::OBJECT) + field::OPENERS;
            let count = self.get(openers);
            self.set(openers, count.wrapping_add(1));
        }
    }

    /// The holder has no handles any more. An object that nobody has handles to loses its name, unless it is permanent.
    pub fn close(&mut self, reference: u32) {
        let state = self.get(reference + holder::OPEN);
        if state & 1 == 0 {
            return;
        }
        self.set(reference + holder::OPEN, state & !1);
        let object = self.link(reference + holder::OBJECT);
        let count = self.get(object + field::OPENERS).saturating_sub(1);
        self.set(object + field::OPENERS, count);
        if count == 0 && self.get(object + field::PERMANENT) == 0 {
            self.unname(object);
            self.last_closed(object);
            self.close_pipe(object);
            self.close_port(object);
            self.close_debug(object);
        }
    }

    /// What a new object keeps: a description of the maker's, and the token of a stream that goes with it, 0 for none.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn describe(&mut self, object: u32, description: &[u8], token: u64) -> Nt<u32> {
        let body = self.allocate(super::file::body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let description = self.allocate_bytes(description).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(body + NESTED, description);
        self.set(object + field::BODY, body);
        self.set_wide(object + field::TOKEN, token);
        Ok(body)
    }

    /// What was described of an object, and the token of its stream.
    pub fn description(&self, object: u32) -> (Vec<u8>, u64) {
        let nested = self.get(self.link(object + field::BODY) + NESTED);
        (if nested == 0 { Vec::new() } else { self.bytes(nested) }, self.wide(object + field::TOKEN))
    }

    /// The block that an object's type keeps, 0 for none.
    pub fn body_of(&self, object: u32) -> u32 {
        self.link(object + field::BODY)
    }

    /// How many members have handles to an object.
    pub fn openers(&self, object: u32) -> u32 {
        self.get(object + field::OPENERS)
    }

    /// The holder lets go of the object; it goes with the last one, unless it is permanent.
    pub fn release(&mut self, reference: u32) {
        self.close(reference);
        let object = self.link(reference + holder::OBJECT);
        let member = self.link(reference + holder::MEMBER);
        List(object + field::HOLDERS).remove(self, reference + holder::BY_OBJECT);
        List(member + super::member::field::HELD).remove(self, reference + holder::BY_MEMBER);
        self.set(
            member + super::member::field::HOLDS,
            self.get(member + super::member::field::HOLDS).saturating_sub(1),
        );
        self.free(reference);
        self.hand_timer_on(object, member);
        self.drop_if_left(object);
    }

    /// Another record needs the object.
    pub(super) fn pin(&mut self, object: u32) {
        let pins = self.get(object + field::PINS);
        self.set(object + field::PINS, pins.wrapping_add(1));
    }

    /// Another record needs the object no longer.
    pub(super) fn unpin(&mut self, object: u32) {
        let pins = self.get(object + field::PINS).saturating_sub(1);
        self.set(object + field::PINS, pins);
        self.drop_if_left(object);
    }

    /// An object goes that nobody holds or needs, unless it is permanent.
    fn drop_if_left(&mut self, object: u32) {
        let needed = self.get(object + field::PINS) != 0 || self.get(object + field::PERMANENT) != 0;
        if !needed && List(object + field::HOLDERS).is_empty(self) {
            self.close_pipe(object);
            self.close_port(object);
            // Its maker may have been killed before it had a handle.
            self.unname(object);
            let body = self.link(object + field::BODY);
            if body != 0 && self.type_of(object) == crate::ob::shared::number(crate::ob::types::Type::Job) {
                self.drop_job(body);
            }
            if body != 0 && self.type_of(object) == crate::ob::shared::number(crate::ob::types::Type::Process) {
                self.process_goes(object, body);
            }
            if body != 0 {
                self.unbind_file(object, body);
                self.drop_directory(object, body);
                self.drop_desktop(object, body);
                self.drop_hosted(object, body);
                let nested = self.get(body + NESTED);
                if nested != 0 {
                    self.free(nested);
                }
                self.free(body);
            }
            let token = self.wide(object + field::TOKEN);
            if token != 0 {
                self.leave_waste(&Waste::Stream(token));
            }
            let security = self.get(object + field::SECURITY);
            if security != 0 {
                self.free(security);
            }
            self.free(object);
        }
    }

    /// Makes an object permanent, or temporary again.
    pub fn set_permanent(&mut self, object: u32, permanent: bool) {
        self.set(object + field::PERMANENT, u32::from(permanent));
        if !permanent && self.get(object + field::OPENERS) == 0 {
            self.unname(object);
        }
    }
}
