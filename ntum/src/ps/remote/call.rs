//! A system call on another process, or a thread of one: what its arguments point at goes along, and what it leaves comes back.

use super::table::{Remote, Size};
use super::wire::{Answered, Ask, PIECE, ask, kind};
use crate::call::{Args, Cx};
use crate::host::Wake;
use crate::ob::handle::Handle;
use crate::ob::parcel::Parcel;
use crate::ps::other::{self, Other};
use crate::ps::query;
use crate::ps::thread::pending;
use crate::shm::post;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;
/// ADDRESS_REQUIREMENTS: a MEM_EXTENDED_PARAMETER that points at MEM_ADDRESS_REQUIREMENTS, of 24 bytes.
const ADDRESS_REQUIREMENTS: u8 = 1;
/// Bytes of a MEM_EXTENDED_PARAMETER.
const PARAMETER: u64 = 16;
/// How many a call may have.
const MOST_PARAMETERS: u64 = 32;

impl Cx<'_> {
    /// Carries a call out in another process if its handle is to one, or to a thread of one; else `None`.
    pub fn remote(&self, remote: &Remote, args: &Args<'_>) -> Option<Nt> {
        let handle = Handle(*args.0.get(remote.target)?);
        // The caller's own, mostly.
        if (handle.0 as i64) < 0 {
            return None;
        }
        let entry = self.entry(handle, 0).ok()?;
        let (other, id) = match (other::process(&entry.object), other::thread(&entry.object)) {
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
        // ThreadImpersonationToken too.
        if remote.name == "NtSetInformationThread" && args.0.get(1).is_some_and(|class| *class as u32 == 5) {
            return None;
        }
        // ThreadBasicInformation is known here, of a thread that has ended too.
        if remote.name == "NtQueryInformationThread" && args.0.get(1) == Some(&0) {
            return None;
        }
        if remote.name == "NtQueryInformationProcess" && query::is_known_of_others(args.0[1] as u32, || other.process())
        {
            return None;
        }
        if !crate::ob::handle::covers(entry.access, remote.access) {
            return Some(Err(STATUS_ACCESS_DENIED));
        }
        let done = self.check_transfer(remote, args).and_then(|()| self.call_other(other, id, remote, args));
        // One that ended before it could answer: what is known of it does.
        let ended = done == Err(STATUS_PROCESS_IS_TERMINATING) && remote.name == "NtQueryInformationProcess";
        if ended && query::is_known_of_others(args.0[1] as u32, || other.process()) {
            return None;
        }
        Some(done)
    }

    /// The caller's own side of a transfer: nothing is moved if not all of it can be.
    fn check_transfer(&self, remote: &Remote, args: &Args<'_>) -> Nt<()> {
        let word = |index| args.0.get(index).copied().unwrap_or(0);
        let (buffer, size) = (word(2), word(3));
        let checked = match remote.name {
            "NtReadVirtualMemory" => self.k.probe_write(buffer, size),
            "NtWriteVirtualMemory" => self.k.probe_read(buffer, size).map_err(|_| STATUS_PARTIAL_COPY),
            _ => return Ok(()),
        };
        checked.inspect_err(|_| UserPtr::<u64>::new(word(4)).write_opt(self.k, 0).unwrap_or_default())
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
                Size::Context => crate::ps::xstate::extent(self.k, at)?,
                Size::Pointed(which) => {
                    let count = args.0.get(which).copied().unwrap_or(0);
                    match UserPtr::<u64>::new(count).read(self.k) {
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
        let answered = match self.ask_other(other, thread != 0, &ask) {
            // ThreadBasePriority: one that ended takes it like any other, and it changes nothing any more.
            Err(STATUS_PROCESS_IS_TERMINATING)
                if remote.name == "NtSetInformationThread" && args.0.get(1) == Some(&3) =>
            {
                return Ok(STATUS_SUCCESS);
            }
            answered => answered?,
        };
        for (argument, bytes) in &answered.windows {
            // Extended parameters are only read.
            if ask.pointers.iter().any(|(window, _)| window == argument) {
                continue;
            }
            let at = args.0.get(usize::from(*argument)).copied().unwrap_or(0);
            let bytes = &query::with_name_at(remote.name, args.0, usize::from(*argument), bytes.clone());
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
                    let _ = UserPtr::<u64>::new(counted).write_opt(self.k, done);
                    return result;
                }
            }
        }
        UserPtr::<u64>::new(counted).write_opt(self.k, done)?;
        Ok(STATUS_SUCCESS)
    }

    /// Asks another process, or the one that a thread belongs to, and waits for its answer.
    pub(super) fn ask_other(&self, other: &Other, is_thread: bool, ask: &Ask) -> Nt<Answered> {
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
}
