//! The worker that does what other processes ask of this one.

use super::table::find;
use super::wire::{Answered, Ask, PIECE, ask, kind};
use crate::call::{Args, Call, Cx};
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::mm::layout::zero_bits_limit;
use crate::mm::region::Limits;
use crate::ob::Ref;
use crate::ob::handle::{Entry, Handle};
use crate::ob::parcel::Parcel;
use crate::ps::birth::Choice;
use crate::ps::create::{InitialTeb, StackRequest};
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::Context;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::{FromBytes, IntoBytes};
/// The component's part of the state: whether the worker runs.
#[derive(Default)]
pub struct Inbox {
    started: AtomicBool,
    /// Whether what a thread of the process looks for is laid out still: nothing is done in it for others meanwhile.
    half: AtomicBool,
    /// Whether a debugger was told of the process's begin.
    pub(in crate::ps) told_start: AtomicBool,
    /// Whether the process sees itself debugged.
    pub(in crate::ps) debugged: AtomicBool,
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
    pub(in crate::ps) fn is_being_laid_out(&'static self) {
        self.ps.inbox.half.store(true, Ordering::SeqCst);
    }

    /// The process has what its threads look for.
    pub(in crate::ps) fn is_laid_out(&'static self) -> Nt<()> {
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
            kind::THREAD_TOKEN => {
                let token =
                    ask.parcel.as_ref().map(|parcel| self.unpack(cx, parcel).inspect_err(|_| self.refuse(parcel)));
                let token = token.transpose()?;
                if let Some(token) = &token {
                    token.token()?;
                }
                self.ps.thread(ask.thread.into()).ok_or(STATUS_THREAD_IS_TERMINATING)?.impersonate(token);
                Ok(STATUS_SUCCESS)
            }
            kind::THREAD_TOKEN_OF => {
                let thread = self.ps.thread(ask.thread.into()).ok_or(STATUS_THREAD_IS_TERMINATING)?;
                answered.parcel = Some(self.pack_for(&thread.token().ok_or(STATUS_NO_TOKEN)?, ask.from)?);
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
            kind::SOCKETS => {
                answered.windows.push((0, crate::io::afd::seen::own(self)));
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
    fn call_here(&'static self, cx: &Cx<'_>, call: &Call, mut ask: Ask, answered: &mut Answered) -> Nt {
        let mut arguments = std::mem::take(&mut ask.arguments);
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
        let result = self.call_with(cx, call, &mut arguments, &ask, answered);
        for handle in target.into_iter().chain(along) {
            self.close_handle(handle)?;
        }
        result
    }

    /// The call itself, with what its pointers point at laid out in this process's memory.
    fn call_with(
        &'static self,
        cx: &Cx<'_>,
        call: &Call,
        arguments: &mut [u64],
        ask: &Ask,
        answered: &mut Answered,
    ) -> Nt {
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
            Ok(Status((call.run)(cx, &Args(arguments)) as u32))
        } else {
            Err(STATUS_INVALID_PARAMETER)
        };
        for (argument, at, length) in places {
            let mut bytes = vec![0; length];
            self.read_user(at, &mut bytes)?;
            answered.windows.push((argument, bytes));
        }
        result
    }
}
