//! System calls on another process, or a thread of one: they are carried out there, by a worker of that process's kernel.
//!
//! One table says which calls, and which of their arguments point at memory of the caller: what is there goes along, into memory
//! of the other process, and what the call leaves there comes back. Rights are checked here, where the handle is.

use super::birth::{Choice, Inherited};
use super::other::Other;
use crate::call::{Args, Call, Cx};
use crate::host::Wake;
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::mm::layout::zero_bits_limit;
use crate::mm::region::Limits;
use crate::ob::Ref;
use crate::ob::handle::{Entry, Handle};
use crate::ob::parcel::Parcel;
use crate::ps::create::{InitialTeb, StackRequest};
use crate::ps::thread::{Thread, pending};
use crate::shm::post;
use crate::shm::process::Used;
use crate::status::*;
use crate::types::Context;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::{FromBytes, IntoBytes};

/// How many bytes an argument points at.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// So many.
    Fixed(u32),
    /// As many as another argument says.
    Argument(usize),
    /// Eight times the number that another argument points at.
    Pointed(usize),
}

/// An argument that points at memory of the caller. A null pointer stays one.
#[derive(Debug, Clone, Copy)]
struct Window {
    argument: usize,
    size: Size,
}

/// A call that may be carried out in another process. Its first argument is the handle.
pub struct Remote {
    name: &'static str,
    /// Rights that the handle must give.
    access: u32,
    windows: &'static [Window],
    /// Which argument is the process's or thread's handle. If it is not the first, that one's object goes along.
    target: usize,
}

const fn fixed(argument: usize, bytes: u32) -> Window {
    Window { argument, size: Size::Fixed(bytes) }
}

const fn sized(argument: usize, by: usize) -> Window {
    Window { argument, size: Size::Argument(by) }
}

const fn remote(name: &'static str, access: u32, windows: &'static [Window]) -> Remote {
    Remote { name, access, windows, target: 0 }
}

/// ADDRESS_REQUIREMENTS: a MEM_EXTENDED_PARAMETER that points at MEM_ADDRESS_REQUIREMENTS, of 24 bytes.
const ADDRESS_REQUIREMENTS: u8 = 1;
/// Bytes of a MEM_EXTENDED_PARAMETER.
const PARAMETER: u64 = 16;
/// How many a call may have.
const MOST_PARAMETERS: u64 = 32;
const CONTEXT: u32 = size_of::<Context>() as u32;

/// The calls. Rights: PROCESS_VM_OPERATION 0x8, _VM_READ 0x10, _VM_WRITE 0x20, _SET_QUOTA and _SET_INFORMATION 0x200,
/// _QUERY_LIMITED_INFORMATION 0x1000, _SUSPEND_RESUME 0x800; THREAD_TERMINATE 0x1, _SUSPEND_RESUME 0x2, _ALERT 0x4, _GET_CONTEXT 0x8,
/// _SET_CONTEXT 0x10, _SET_INFORMATION 0x20, _QUERY_INFORMATION 0x40.
const REMOTES: &[Remote] = &[
    remote("NtAllocateVirtualMemory", 0x8, &[fixed(1, 8), fixed(3, 8)]),
    remote("NtAllocateVirtualMemoryEx", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtResetWriteWatch", 0x8, &[]),
    remote("NtGetWriteWatch", 0x8, &[Window { argument: 4, size: Size::Pointed(5) }, fixed(5, 8), fixed(6, 4)]),
    remote("NtFreeVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtProtectVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8), fixed(4, 4)]),
    remote("NtLockVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtUnlockVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtFlushVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8), fixed(3, 16)]),
    remote("NtQueryVirtualMemory", 0x1000, &[sized(3, 4), fixed(5, 8)]),
    remote("NtReadVirtualMemory", 0x10, &[sized(2, 3), fixed(4, 8)]),
    remote("NtWriteVirtualMemory", 0x20, &[sized(2, 3), fixed(4, 8)]),
    remote("NtFlushInstructionCache", 0x20, &[]),
    remote("NtUnmapViewOfSection", 0x8, &[]),
    remote("NtUnmapViewOfSectionEx", 0x8, &[]),
    remote("NtSetInformationProcess", 0x200, &[sized(2, 3)]),
    remote("NtSuspendProcess", 0x800, &[]),
    remote("NtResumeProcess", 0x800, &[]),
    remote("NtSuspendThread", 0x2, &[fixed(1, 4)]),
    remote("NtResumeThread", 0x2, &[fixed(1, 4)]),
    remote("NtAlertThread", 0x4, &[]),
    remote("NtAlertResumeThread", 0x2, &[fixed(1, 4)]),
    remote("NtQueueApcThread", 0x10, &[]),
    remote("NtQueueApcThreadEx", 0x10, &[]),
    remote("NtQueueApcThreadEx2", 0x10, &[]),
    remote("NtTerminateThread", 0x1, &[]),
    remote("NtGetContextThread", 0x8, &[fixed(1, CONTEXT)]),
    remote("NtSetContextThread", 0x10, &[fixed(1, CONTEXT)]),
    remote("NtQueryInformationThread", 0x40, &[sized(2, 3), fixed(4, 4)]),
    remote("NtSetInformationThread", 0x20, &[sized(2, 3)]),
    remote("NtQueryInformationProcess", 0x1000, &[sized(2, 3), fixed(4, 4)]),
    Remote { target: 1, ..remote("NtMapViewOfSection", 0x8, &[fixed(2, 8), fixed(5, 8), fixed(6, 8)]) },
    Remote { target: 1, ..remote("NtMapViewOfSectionEx", 0x8, &[fixed(2, 8), fixed(3, 8), fixed(4, 8)]) },
];

/// The row of a call, if it has one.
pub fn find(name: &str) -> Option<&'static Remote> {
    REMOTES.iter().find(|remote| remote.name == name)
}

/// Bytes that travel in one message, at most: larger reads and writes go in pieces.
const PIECE: u64 = 0x4_0000;

shim_abi::wire_structs! {
    /// What is asked of another process.
    pub struct Ask {
        /// What to do.
        pub kind: u8,
        /// Name of the system call.
        pub name: String,
        /// Its arguments.
        pub arguments: Vec<u64>,
        /// What its pointers point at: the argument's index, and the bytes.
        pub windows: Vec<(u8, Vec<u8>)>,
        /// Words of windows that point into them: the argument's index, and where. They hold the distance from the begin.
        pub pointers: Vec<(u8, u32)>,
        /// The thread that it is about, 0 for the process.
        pub thread: u32,
        /// A handle on its way.
        pub parcel: Option<Parcel>,
        /// Rights of the handle to what comes along.
        pub rights: u32,
        /// The record of who asks.
        pub from: u32,
    }

    /// What is answered.
    pub struct Answered {
        /// The call's status.
        pub status: u32,
        /// What its pointers point at now.
        pub windows: Vec<(u8, Vec<u8>)>,
        /// A handle's value, or the rights of one that comes along.
        pub handle: u32,
        /// A handle on its way.
        pub parcel: Option<Parcel>,
    }
}

/// Kinds of [`Ask`].
mod kind {
    /// A system call.
    pub const CALL: u8 = 0;
    /// A handle to what comes along: arguments are its rights and attributes.
    pub const GIVE: u8 = 1;
    /// What a handle stands for, which is closed if the second argument is 1.
    pub const TAKE: u8 = 2;
    /// A control event of the console: which. Nobody waits for the answer.
    pub const CONTROL: u8 = 4;
    /// A new thread, which comes along: arguments are start, parameter, flags, zero bits, stack to commit and to reserve.
    pub const THREAD: u8 = 5;
    /// A new thread, which comes along, with registers and stack of its maker's: the windows; 1 as argument if it is suspended.
    pub const THREAD_WITH: u8 = 10;
    /// A primary token, which comes along.
    pub const TOKEN: u8 = 12;
    /// The primary token, which comes along.
    pub const TOKEN_OF: u8 = 13;
    /// The process is to look at what its jobs limit.
    pub const LIMITS: u8 = 11;
    /// The thread of a number, which comes along.
    pub const FIND: u8 = 6;
    /// What the process tells of itself for a list of all; 1 as argument for the longer form.
    pub const LIST: u8 = 7;
    /// A debugger: its debug object comes along.
    pub const DEBUG: u8 = 8;
    /// What the process used, for its jobs.
    pub const USED: u8 = 9;
    /// Handles for a process that is made in this one's name: arguments are those of [`super::Choice::arguments`].
    pub const CHOOSE: u8 = 3;
}

fn ask(kind: u8, arguments: Vec<u64>, parcel: Option<Parcel>) -> Ask {
    Ask {
        kind,
        name: String::new(),
        arguments,
        windows: Vec::new(),
        pointers: Vec::new(),
        thread: 0,
        parcel,
        rights: 0,
        from: 0,
    }
}

impl Cx<'_> {
    /// Carries a call out in another process if its handle is to one, or to a thread of one; else `None`.
    pub fn remote(&self, remote: &Remote, args: &Args<'_>) -> Option<Nt> {
        let handle = Handle(*args.0.get(remote.target)?);
        // The caller's own, mostly.
        if (handle.0 as i64) < 0 {
            return None;
        }
        let entry = self.entry(handle, 0).ok()?;
        let (other, id) = match (super::other::process(&entry.object), super::other::thread(&entry.object)) {
            (Some(process), _) => (process, 0),
            (None, Some(thread)) => (thread, thread.thread().id),
            _ => return None,
        };
        // A first thread that was not resumed yet, and what is known without asking.
        if id != 0 && remote.name == "NtResumeThread" && other.is_held() {
            return None;
        }
        // ProcessAccessToken: the token's handle is the caller's.
        if remote.name == "NtSetInformationProcess" && args.0.get(1).is_some_and(|class| *class as u32 == 9) {
            return None;
        }
        // ThreadBasicInformation is known here, of a thread that has ended too.
        if remote.name == "NtQueryInformationThread" && args.0.get(1) == Some(&0) {
            return None;
        }
        if remote.name == "NtQueryInformationProcess"
            && super::query::is_known_of_others(args.0[1] as u32, || other.process().status != STATUS_PENDING.0)
        {
            return None;
        }
        if !crate::ob::handle::covers(entry.access, remote.access) {
            return Some(Err(STATUS_ACCESS_DENIED));
        }
        Some(self.call_other(other, id, remote, args))
    }

    fn call_other(&self, other: &Other, thread: u32, remote: &Remote, args: &Args<'_>) -> Nt {
        let transfer = matches!(remote.name, "NtReadVirtualMemory" | "NtWriteVirtualMemory");
        if transfer && args.0[3] > PIECE {
            return self.transfer(other, remote, args);
        }
        let mut ask = ask(kind::CALL, args.0.to_vec(), None);
        (ask.name, ask.thread) = (remote.name.to_owned(), thread);
        if remote.name.starts_with("NtQueueApcThreadEx")
            && let Some(reserve) = ask.arguments.get_mut(1).filter(|reserve| **reserve != 1)
        {
            // A handle of this process's, which is not needed there.
            *reserve = 0;
        }
        if remote.target != 0 {
            let along = self.entry(Handle(args.0[0]), 0)?;
            ask.rights = along.access;
            ask.parcel = Some(self.k.pack(&along.object)?);
        }
        for window in remote.windows {
            let Some(at) = args.0.get(window.argument).copied().filter(|at| *at != 0) else { continue };
            let size = match window.size {
                Size::Fixed(size) => u64::from(size),
                Size::Pointed(which) => {
                    let count = args.0.get(which).copied().unwrap_or(0);
                    match crate::um::UserPtr::<u64>::new(count).read(self.k) {
                        Ok(count) => count.saturating_mul(8),
                        Err(fault) => return Err(fault),
                    }
                }
                Size::Argument(which) => args.0.get(which).copied().unwrap_or(0) & 0xffff_ffff,
            };
            if size > PIECE {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            let mut bytes = vec![0; size as usize];
            // What cannot be read may still be written to.
            let _ = self.k.read_user(at, &mut bytes);
            ask.windows.push((window.argument as u8, bytes));
        }
        self.extend(remote, args, &mut ask)?;
        let answered = self.ask_other(other, thread != 0, &ask)?;
        for (argument, bytes) in &answered.windows {
            // Extended parameters are only read.
            if ask.pointers.iter().any(|(window, _)| window == argument) {
                continue;
            }
            let at = args.0.get(usize::from(*argument)).copied().unwrap_or(0);
            let bytes = &super::query::with_name_at(remote.name, args.0, usize::from(*argument), bytes.clone());
            let same = ask.windows.iter().any(|(index, before)| index == argument && before == bytes);
            if !same {
                self.k.write_user(at, bytes)?;
            }
        }
        let status = Status(answered.status);
        if status.is_error() { Err(status) } else { Ok(status) }
    }

    /// Has extended parameters go along, with the structures that they point at behind them.
    fn extend(&self, remote: &Remote, args: &Args<'_>, ask: &mut Ask) -> Nt<()> {
        let (argument, count) = match remote.name {
            "NtMapViewOfSectionEx" => (7, 8),
            "NtAllocateVirtualMemoryEx" => (5, 6),
            _ => return Ok(()),
        };
        let at = args.0.get(argument).copied().unwrap_or(0);
        let count = args.0.get(count).copied().unwrap_or(0) & 0xffff_ffff;
        if at == 0 || count == 0 {
            return Ok(());
        }
        if count > MOST_PARAMETERS {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let mut bytes = vec![0; (count * PARAMETER) as usize];
        self.k.read_user(at, &mut bytes)?;
        let mut behind = Vec::new();
        for place in (0..count * PARAMETER).step_by(PARAMETER as usize) {
            let Some(entry) = bytes.get_mut(place as usize..(place + PARAMETER) as usize) else { break };
            let Some((kind, pointer)) = entry.split_at_mut_checked(8) else { break };
            let to = pointer.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            if kind.first() == Some(&ADDRESS_REQUIREMENTS) && to != 0 {
                let mut requirements = [0; 24];
                self.k.read_user(to, &mut requirements)?;
                let distance = count * PARAMETER + behind.len() as u64;
                pointer.copy_from_slice(&distance.to_le_bytes());
                ask.pointers.push((argument as u8, place as u32 + 8));
                behind.extend(requirements);
            }
        }
        bytes.extend(behind);
        ask.windows.push((argument as u8, bytes));
        if ask.pointers.is_empty() {
            // Says all the same that the window is not written back.
            ask.pointers.push((argument as u8, u32::MAX));
        }
        Ok(())
    }

    /// NtReadVirtualMemory and NtWriteVirtualMemory in pieces.
    fn transfer(&self, other: &Other, remote: &Remote, args: &Args<'_>) -> Nt {
        let (base, buffer, size, counted) = (args.0[1], args.0[2], args.0[3], args.0.get(4).copied().unwrap_or(0));
        let mut done = 0;
        while done < size {
            let piece = (size - done).min(PIECE);
            let part = [args.0[0], base.wrapping_add(done), buffer.wrapping_add(done), piece, 0];
            match self.call_other(other, 0, remote, &Args(&part)) {
                Ok(STATUS_SUCCESS) => done += piece,
                result => {
                    let _ = crate::um::UserPtr::<u64>::new(counted).write_opt(self.k, done);
                    return result;
                }
            }
        }
        crate::um::UserPtr::<u64>::new(counted).write_opt(self.k, done)?;
        Ok(STATUS_SUCCESS)
    }

    /// Asks another process, or the one that a thread belongs to, and waits for its answer.
    fn ask_other(&self, other: &Other, is_thread: bool, ask: &Ask) -> Nt<Answered> {
        let (shm, me) = self.k.sandbox()?;
        let mut tx = shm.begin();
        let process = match is_thread {
            true => tx.process_with(tx.thread_facts(other.seat.object).process),
            false => Some(other.seat.object),
        };
        let to = process.and_then(|process| tx.member_that_is(process)).ok_or(STATUS_PROCESS_IS_TERMINATING)?;
        if let Some((place, open)) = ask.parcel.as_ref().and_then(Parcel::record) {
            // It has it before this process may let go of it.
            tx.give(place, to, open)?;
        }
        let post = tx.post(to, me, &shim_abi::wire::encode(&Ask { from: me, ..ask.clone() }))?;
        tx.commit()?;
        shm.ring(to);
        let state = shm.post_state(post);
        while state.load(Ordering::Acquire) == post::ASKED {
            if self.t.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
                shm.abandon_post(post)?;
                return Err(STATUS_THREAD_IS_TERMINATING);
            }
            let deadline = self.k.host.monotonic() + 1_000_000_000;
            if self.k.host.wait(state, post::ASKED, Some(deadline)) == Wake::TimedOut {
                self.k.reap_the_dead();
            }
        }
        let reply = shm.end_of_post(post)?.ok_or(STATUS_PROCESS_IS_TERMINATING)?;
        shim_abi::wire::decode(&reply).map_err(|_| STATUS_INTERNAL_ERROR)
    }

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
}

impl Cx<'_> {
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
    pub(super) fn chosen_of(&self, other: &Other, choice: &Choice) -> Nt<Vec<Inherited>> {
        let answered = self.ask_other(other, false, &ask(kind::CHOOSE, choice.arguments(), None))?;
        let bytes = answered.windows.first().map_or(&[][..], |(_, bytes)| bytes);
        shim_abi::wire::decode(bytes).map_err(|_| STATUS_PROCESS_IS_TERMINATING)
    }

    /// Gives another process a primary token: a copy.
    ///
    /// # Errors
    /// What the other process answers.
    pub(super) fn give_token(&self, other: &Other, token: &Ref) -> Nt {
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

    /// Asks another process for an object of its own.
    fn ask_for_object(&self, other: &Other, kind: u8, arguments: Vec<u64>) -> Nt<Ref> {
        self.ask_with(other, &ask(kind, arguments, None))
    }

    fn ask_with(&self, other: &Other, ask: &Ask) -> Nt<Ref> {
        let answered = self.ask_other(other, false, ask)?;
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
        let other = super::other::process(&process).ok_or(STATUS_INVALID_CID)?;
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
        let other = super::other::process(&object).ok_or(STATUS_INVALID_CID)?;
        let answered = self.ask_other(other, false, &ask(kind::USED, Vec::new(), None))?;
        let bytes = answered.windows.first().map_or(&[][..], |(_, bytes)| bytes);
        Used::read_from_bytes(bytes).map_err(|_| STATUS_INTERNAL_ERROR)
    }

    /// Has a process look at what its jobs limit: the caller's own or another one, which may have ended.
    pub(super) fn have_limits_kept(&self, place: u32) {
        let Ok((shm, me)) = self.k.sandbox() else { return };
        if shm.begin().process_of(me) == place {
            return self.k.keep_limits();
        }
        if let Ok(object) = self.k.import_at(place)
            && let Some(other) = super::other::process(&object)
        {
            let _ = self.ask_other(other, false, &ask(kind::LIMITS, Vec::new(), None));
        }
    }

    /// What every other process of the sandbox tells of itself, as `ex::listing` lays it out.
    pub fn others_listed(&self, extended: bool) -> Vec<Vec<u8>> {
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
            let other = super::other::process(&object)?;
            let asked = ask(kind::LIST, vec![extended.into()], None);
            let answered = self.ask_other(other, false, &asked).ok()?;
            answered.windows.into_iter().next().map(|(_, bytes)| bytes)
        };
        places.into_iter().filter_map(list).collect()
    }
}

/// The component's part of the state: whether the worker runs.
#[derive(Default)]
pub struct Inbox {
    started: AtomicBool,
    /// Whether what a thread of the process looks for is laid out still: nothing is done in it for others meanwhile.
    half: AtomicBool,
    /// Whether a debugger was told of the process's begin.
    pub(super) told_start: AtomicBool,
    /// Whether the process sees itself debugged.
    pub(super) debugged: AtomicBool,
    /// Memory of the guest that arguments are laid out in.
    scratch: Mutex<u64>,
}

impl Kernel {
    /// Tells a member of a control event of the console. Nobody waits for the answer.
    pub(crate) fn send_control(&'static self, to: u32, event: u32) {
        let Ok((shm, _)) = self.sandbox() else { return };
        let request = shim_abi::wire::encode(&ask(kind::CONTROL, vec![event.into()], None));
        let mut tx = shm.begin();
        if tx.post(to, 0, &request).is_ok() && tx.commit().is_ok() {
            shm.ring(to);
        }
    }

    /// Packs an object for a member, and has the member hold it already: who packs may close it.
    fn pack_for(&'static self, object: &Ref, member: u32) -> Nt<Parcel> {
        let parcel = self.pack(object)?;
        self.hold_for(&parcel, member)?;
        Ok(parcel)
    }

    /// Has a member hold what is packed.
    fn hold_for(&'static self, parcel: &Parcel, member: u32) -> Nt<()> {
        if let Some((place, open)) = parcel.record() {
            let (shm, _) = self.sandbox()?;
            let mut tx = shm.begin();
            if !tx.members().contains(&member) {
                return Err(STATUS_PROCESS_IS_TERMINATING);
            }
            tx.give(place, member, open)?;
            tx.commit()?;
        }
        Ok(())
    }

    /// Starts to serve the process's inbox, which it must as soon as there are others.
    pub fn serve_inbox(&'static self) {
        if self.ps.inbox.started.swap(true, Ordering::SeqCst) {
            return;
        }
        let serve = move || {
            let Ok((shm, me)) = self.sandbox() else { return };
            let thread = Arc::new(Thread::new(0, (0, 0), 0));
            let cx = Cx { k: self, t: &thread };
            loop {
                let bell = shm.bell(me).load(Ordering::Acquire);
                self.deliver_requests();
                if shm.takes_timers(me) {
                    self.keep_timers();
                }
                self.note_no_debugger();
                // A thread that others make in half a process would be the first to run.
                while !self.ps.inbox.half.load(Ordering::SeqCst)
                    && let Ok(Some(taken)) = shm.take_post(me)
                {
                    let answer = self.serve(&cx, &taken.request);
                    let _ = shm.answer_post(&taken, &shim_abi::wire::encode(&answer));
                }
                self.host.wait(shm.bell(me), bell, None);
            }
        };
        if self.host.spawn_worker(Box::new(serve)).is_err() {
            self.ps.inbox.started.store(false, Ordering::Release);
        }
    }

    /// The process is laid out: what others ask of it waits until [`Kernel::is_laid_out`].
    pub(super) fn is_being_laid_out(&'static self) {
        self.ps.inbox.half.store(true, Ordering::SeqCst);
    }

    /// The process has what its threads look for.
    pub(super) fn is_laid_out(&'static self) -> Nt<()> {
        let inbox = &self.ps.inbox;
        inbox.half.store(false, Ordering::SeqCst);
        if inbox.started.load(Ordering::SeqCst) {
            let (shm, me) = self.sandbox()?;
            let mut tx = shm.begin();
            tx.call_on(me);
            tx.commit()?;
        }
        Ok(())
    }

    fn serve(&'static self, cx: &Cx<'_>, request: &[u8]) -> Answered {
        let mut answered = Answered { status: 0, windows: Vec::new(), handle: 0, parcel: None };
        let result = shim_abi::wire::decode::<Ask>(request)
            .map_err(|_| STATUS_INVALID_PARAMETER)
            .and_then(|ask| self.carry_out(cx, ask, &mut answered));
        answered.status = result.unwrap_or_else(|status| status).0;
        answered
    }

    fn carry_out(&'static self, cx: &Cx<'_>, ask: Ask, answered: &mut Answered) -> Nt {
        let argument = |index: usize| ask.arguments.get(index).copied().unwrap_or(0);
        match ask.kind {
            kind::CALL => {
                let remote = find(&ask.name).ok_or(STATUS_INVALID_SYSTEM_SERVICE)?;
                let call = crate::table::find(remote.name).ok_or(STATUS_INVALID_SYSTEM_SERVICE)?;
                self.call_here(cx, call, ask, answered)
            }
            kind::GIVE => {
                let parcel = ask.parcel.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
                let object = self.unpack(cx, parcel).inspect_err(|_| self.refuse(parcel))?;
                let access = match argument(2) as u32 {
                    0 => argument(0) as u32,
                    asked => cx.grant(&object, asked)?,
                };
                let entry = Entry { object, access, attributes: argument(1) as u32 };
                answered.handle = self.ob.handles.insert(entry)?.0 as u32;
                Ok(STATUS_SUCCESS)
            }
            kind::CONTROL => {
                crate::io::condrv::control::came(self, argument(0) as u32);
                Ok(STATUS_SUCCESS)
            }
            kind::TAKE => {
                let handle = Handle(argument(0));
                let entry = cx.entry(handle, 0)?;
                answered.parcel = Some(self.pack_for(&entry.object, ask.from)?);
                answered.handle = entry.access;
                if argument(1) != 0 {
                    self.close_handle(handle)?;
                }
                Ok(STATUS_SUCCESS)
            }
            kind::THREAD => {
                let limits =
                    Limits { high: zero_bits_limit(argument(3), STATUS_INVALID_PARAMETER_3)?, ..Limits::default() };
                let stack = StackRequest { reserve: argument(5), commit: argument(4), limits };
                let start = (argument(0), argument(1));
                let (thread, object) = self.make_thread(start, argument(2) as u32, stack)?;
                answered.parcel = Some(self.pack_for(&object, ask.from)?);
                self.run_thread(&thread)?;
                Ok(STATUS_SUCCESS)
            }
            kind::THREAD_WITH => {
                let window = |index: usize| ask.windows.get(index).map_or(&[][..], |(_, bytes)| bytes);
                let context = Context::read_from_bytes(window(0)).map_err(|_| STATUS_INVALID_PARAMETER)?;
                let stack = InitialTeb::read_from_bytes(window(1)).map_err(|_| STATUS_INVALID_PARAMETER)?;
                let (thread, object) = self.make_thread_with(&context, &stack, argument(0) != 0)?;
                answered.parcel = Some(self.pack_for(&object, ask.from)?);
                self.run_thread(&thread)?;
                Ok(STATUS_SUCCESS)
            }
            kind::TOKEN => {
                let parcel = ask.parcel.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
                let token = self.unpack(cx, parcel).inspect_err(|_| self.refuse(parcel))?;
                token.token()?;
                self.set_process_token(token);
                Ok(STATUS_SUCCESS)
            }
            kind::TOKEN_OF => {
                answered.parcel = Some(self.pack_for(&self.process_token(), ask.from)?);
                Ok(STATUS_SUCCESS)
            }
            kind::LIMITS => {
                self.keep_limits();
                Ok(STATUS_SUCCESS)
            }
            kind::FIND => {
                let thread = self.ps.thread(argument(0)).and_then(|thread| thread.object());
                answered.parcel = Some(self.pack_for(&thread.ok_or(STATUS_INVALID_CID)?, ask.from)?);
                Ok(STATUS_SUCCESS)
            }
            kind::LIST => {
                answered.windows.push((0, crate::ex::listing::own(self, argument(0) != 0)));
                Ok(STATUS_SUCCESS)
            }
            kind::USED => {
                answered.windows.push((0, self.used().as_bytes().to_vec()));
                Ok(STATUS_SUCCESS)
            }
            kind::CHOOSE => {
                let mut chosen = self.pack_all(self.chosen(&Choice::of_arguments(&ask.arguments)));
                chosen.retain(|handle| self.hold_for(&handle.parcel, ask.from).is_ok());
                answered.windows.push((0, shim_abi::wire::encode(&chosen)));
                Ok(STATUS_SUCCESS)
            }
            kind::DEBUG => {
                let parcel = ask.parcel.as_ref().ok_or(STATUS_INVALID_PARAMETER)?;
                let debug = self.unpack(cx, parcel).inspect_err(|_| self.refuse(parcel))?;
                self.be_debugged(&debug)
            }
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// Carries a system call of another process out in this one.
    fn call_here(&'static self, cx: &Cx<'_>, call: &Call, ask: Ask, answered: &mut Answered) -> Nt {
        let mut arguments = ask.arguments;
        let target = match ask.thread {
            0 => None,
            id => {
                let thread = self.ps.thread(id.into()).and_then(|thread| thread.object());
                Some(cx.insert(thread.ok_or(STATUS_THREAD_IS_TERMINATING)?, 0x1f_ffff, 0)?)
            }
        };
        // Where something comes along, its handle is the first argument.
        let along = match &ask.parcel {
            None => None,
            Some(parcel) => {
                let object = self.unpack(cx, parcel)?;
                Some(self.ob.handles.insert(Entry { object, access: ask.rights, attributes: 0 })?)
            }
        };
        let handles = along.into_iter().chain([target.unwrap_or(Handle::CURRENT_PROCESS)]);
        for (argument, handle) in arguments.iter_mut().zip(handles) {
            *argument = handle.0;
        }
        let mut scratch = self.ps.inbox.scratch.lock();
        if *scratch == 0 {
            *scratch = self.mm.allocate(self, &Request::commit(PIECE + 0x1000))?.start;
        }
        let mut at = *scratch;
        let mut places = Vec::new();
        for (argument, bytes) in &ask.windows {
            if at + bytes.len() as u64 > *scratch + PIECE + 0x1000 {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            self.write_user(at, bytes)?;
            for (_, place) in ask.pointers.iter().filter(|(window, _)| window == argument) {
                let distance = bytes.get(*place as usize..).and_then(|bytes| bytes.first_chunk::<8>());
                if let Some(distance) = distance {
                    let to = at.wrapping_add(u64::from_le_bytes(*distance));
                    self.write_user(at + u64::from(*place), &to.to_le_bytes())?;
                }
            }
            if let Some(argument) = arguments.get_mut(usize::from(*argument)) {
                *argument = at;
            }
            places.push((*argument, at, bytes.len()));
            at += (bytes.len() as u64).next_multiple_of(16);
        }
        let result = if arguments.len() == call.args.len() {
            Ok(Status((call.run)(cx, &Args(&arguments)) as u32))
        } else {
            Err(STATUS_INVALID_PARAMETER)
        };
        for (argument, at, length) in places {
            let mut bytes = vec![0; length];
            self.read_user(at, &mut bytes)?;
            answered.windows.push((argument, bytes));
        }
        for handle in target.into_iter().chain(along) {
            self.close_handle(handle)?;
        }
        result
    }
}
