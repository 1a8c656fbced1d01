//! What else is asked of another process: handles, threads, tokens, what it used.

use super::wire::{Ask, ask, kind};
use crate::call::Cx;
use crate::ob::Ref;
use crate::ob::handle::{Entry, Handle};
use crate::ps::birth::{Choice, Inherited};
use crate::ps::create::InitialTeb;
use crate::ps::other::{self, Other};
use crate::shm::process::Used;
use crate::status::*;
use crate::types::Context;
use zerocopy::{FromBytes, IntoBytes};
impl Cx<'_> {
    /// Makes a handle in another process; answers its value. Rights that are `asked` for besides are checked there.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` for what cannot travel, and what the other process answers.
    pub fn give_handle(&self, other: &Other, entry: &Entry, asked: u32) -> Nt<Handle> {
        let parcel = self.k.pack(&entry.object)?;
        let arguments = vec![entry.access.into(), entry.attributes.into(), asked.into()];
        let answered = self.ask_other(other, false, &ask(kind::GIVE, arguments, Some(parcel)))?;
        let status = Status(answered.status);
        if status.is_error() { Err(status) } else { Ok(Handle(answered.handle.into())) }
    }

    /// What a handle of another process stands for, and its rights; it is closed there if asked for.
    ///
    /// # Errors
    /// As [`Cx::give_handle`].
    pub fn take_handle(&self, other: &Other, handle: Handle, close: bool) -> Nt<Entry> {
        let answered = self.ask_other(other, false, &ask(kind::TAKE, vec![handle.0, close.into()], None))?;
        let status = Status(answered.status);
        if status.is_error() {
            return Err(status);
        }
        let parcel = answered.parcel.as_ref().ok_or(STATUS_INVALID_HANDLE)?;
        let object = self.k.unpack(self, parcel).inspect_err(|_| self.k.refuse(parcel))?;
        Ok(Entry { object, access: answered.handle, attributes: 0 })
    }

    /// Attaches another process to a debug object.
    ///
    /// # Errors
    /// What the other process answers.
    pub fn attach(&self, other: &Other, debug: &Ref) -> Nt {
        let parcel = self.k.pack(debug)?;
        let answered = self.ask_other(other, false, &ask(kind::DEBUG, Vec::new(), Some(parcel)))?;
        let status = Status(answered.status);
        if status.is_error() { Err(status) } else { Ok(status) }
    }

    /// Handles of another process for one that is made in its name; the caller holds what they stand for.
    ///
    /// # Errors
    /// What the other process answers.
    pub(in crate::ps) fn chosen_of(&self, other: &Other, choice: &Choice) -> Nt<Vec<Inherited>> {
        let answered = self.ask_other(other, false, &ask(kind::CHOOSE, choice.arguments(), None))?;
        let bytes = answered.windows.first().map_or(&[][..], |(_, bytes)| bytes);
        shim_abi::wire::decode(bytes).map_err(|_| STATUS_PROCESS_IS_TERMINATING)
    }

    /// Gives another process a primary token: a copy.
    ///
    /// # Errors
    /// What the other process answers.
    pub(in crate::ps) fn give_token(&self, other: &Other, token: &Ref) -> Nt {
        let parcel = self.k.pack(token)?;
        let answered = self.ask_other(other, false, &ask(kind::TOKEN, Vec::new(), Some(parcel)))?;
        let status = Status(answered.status);
        if status.is_error() { Err(status) } else { Ok(status) }
    }

    /// A copy of another process's primary token.
    ///
    /// # Errors
    /// What the other process answers.
    pub(crate) fn token_of(&self, other: &Other) -> Nt<Ref> {
        self.ask_for_object(other, kind::TOKEN_OF, Vec::new())
    }

    /// Has a thread of another process impersonate with a copy of a token, or no longer.
    ///
    /// # Errors
    /// What the other process answers.
    pub(in crate::ps) fn give_thread_token(&self, other: &Other, token: Option<&Ref>) -> Nt {
        let parcel = token.map(|token| self.k.pack(token)).transpose()?;
        let mut ask = ask(kind::THREAD_TOKEN, Vec::new(), parcel);
        ask.thread = other.thread().id;
        let status = Status(self.ask_other(other, true, &ask)?.status);
        if status.is_error() { Err(status) } else { Ok(status) }
    }

    /// A copy of the token that a thread of another process impersonates with.
    ///
    /// # Errors
    /// `STATUS_NO_TOKEN`, and what the other process answers.
    pub(crate) fn thread_token_of(&self, other: &Other) -> Nt<Ref> {
        let mut ask = ask(kind::THREAD_TOKEN_OF, Vec::new(), None);
        ask.thread = other.thread().id;
        self.ask_with(other, &ask)
    }

    /// Asks another process for an object of its own.
    fn ask_for_object(&self, other: &Other, kind: u8, arguments: Vec<u64>) -> Nt<Ref> {
        self.ask_with(other, &ask(kind, arguments, None))
    }

    fn ask_with(&self, other: &Other, ask: &Ask) -> Nt<Ref> {
        let answered = self.ask_other(other, ask.thread != 0, ask)?;
        let status = Status(answered.status);
        if status.is_error() {
            return Err(status);
        }
        let parcel = answered.parcel.as_ref().ok_or(STATUS_INTERNAL_ERROR)?;
        self.k.unpack(self, parcel).inspect_err(|_| self.k.refuse(parcel))
    }

    /// A new thread of another process: start, parameter, flags, zero bits, stack to commit and to reserve.
    ///
    /// # Errors
    /// What the other process answers.
    pub fn make_thread_of(&self, other: &Other, arguments: [u64; 6]) -> Nt<Ref> {
        self.ask_for_object(other, kind::THREAD, arguments.to_vec())
    }

    /// A new thread of another process, with these registers and this stack.
    ///
    /// # Errors
    /// What the other process answers.
    pub fn make_thread_with_of(
        &self,
        other: &Other,
        context: &Context,
        stack: &InitialTeb,
        suspended: bool,
    ) -> Nt<Ref> {
        let mut ask = ask(kind::THREAD_WITH, vec![suspended.into()], None);
        ask.windows = vec![(0, context.as_bytes().to_vec()), (1, stack.as_bytes().to_vec())];
        self.ask_with(other, &ask)
    }

    /// The thread of that number, of another process.
    ///
    /// # Errors
    /// `STATUS_INVALID_CID`, and what the other process answers.
    pub fn thread_of_others(&self, id: u64) -> Nt<Ref> {
        let (shm, _) = self.k.sandbox().map_err(|_| STATUS_INVALID_CID)?;
        let process = {
            let tx = shm.begin();
            tx.owner_of(id as u32).map(|member| tx.process_of(member)).ok_or(STATUS_INVALID_CID)?
        };
        let process = self.k.import_at(process)?;
        let other = other::process(&process).ok_or(STATUS_INVALID_CID)?;
        self.ask_for_object(other, kind::FIND, vec![id])
    }

    /// What a process used until now, the caller's own or another one's.
    ///
    /// # Errors
    /// What the other process answers; it may have ended.
    pub fn used_by(&self, place: u32) -> Nt<Used> {
        let (shm, me) = self.k.sandbox()?;
        if shm.begin().process_of(me) == place {
            return Ok(self.k.used());
        }
        let object = self.k.import_at(place)?;
        let other = other::process(&object).ok_or(STATUS_INVALID_CID)?;
        let answered = self.ask_other(other, false, &ask(kind::USED, Vec::new(), None))?;
        let bytes = answered.windows.first().map_or(&[][..], |(_, bytes)| bytes);
        Used::read_from_bytes(bytes).map_err(|_| STATUS_INTERNAL_ERROR)
    }

    /// Has a process look at what its jobs limit: the caller's own or another one, which may have ended.
    pub(in crate::ps) fn have_limits_kept(&self, place: u32) {
        let Ok((shm, me)) = self.k.sandbox() else { return };
        if shm.begin().process_of(me) == place {
            return self.k.keep_limits();
        }
        if let Ok(object) = self.k.import_at(place)
            && let Some(other) = other::process(&object)
        {
            let _ = self.ask_other(other, false, &ask(kind::LIMITS, Vec::new(), None));
        }
    }

    /// What every other process of the sandbox tells of itself, as `ex::listing` lays it out.
    pub fn others_listed(&self, extended: bool) -> Vec<Vec<u8>> {
        self.ask_others(&ask(kind::LIST, vec![extended.into()], None))
    }

    /// What every other process of the sandbox tells of its sockets, as `afd::seen` lays it out.
    pub fn sockets_of_others(&self) -> Vec<Vec<u8>> {
        self.ask_others(&ask(kind::SOCKETS, Vec::new(), None))
    }

    /// The first window that each other process answers with.
    fn ask_others(&self, question: &Ask) -> Vec<Vec<u8>> {
        if !self.k.has_entered_sandbox() {
            return Vec::new();
        }
        let Ok((shm, me)) = self.k.sandbox() else { return Vec::new() };
        let places: Vec<u32> = {
            let tx = shm.begin();
            tx.members().into_iter().filter(|member| *member != me).map(|member| tx.process_of(member)).collect()
        };
        let list = |place: u32| {
            let object = self.k.import_at(place).ok()?;
            let other = other::process(&object)?;
            let answered = self.ask_other(other, false, question).ok()?;
            answered.windows.into_iter().next().map(|(_, bytes)| bytes)
        };
        places.into_iter().filter_map(list).collect()
    }
}
