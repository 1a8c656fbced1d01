//! What the process gives back when the host is short of memory, or somebody asks for it, and once its start is over.
//!
//! A start touches much of a program and its DLLs that nobody looks at again. Three seconds after a program first waited for messages, what
//! was mapped of files is unmapped page by page ([`crate::host::Host::discard`]); what is used after all, the next access maps. Bitmaps that
//! are selected nowhere, as those of icons, are packed ([`crate::win32k::gdi::handles::Handles::fold`]).
//!
//! Pages of images and files are the host's to drop, and what the guest freed is gone already. What is left: stacks and TEBs that are
//! kept for later threads, what the runtime's allocator keeps, and the pages inside free blocks of the guest's heaps, which
//! nobody but ntdll knows. So a guest thread asks ntdll for them ([`crate::host::Host::compactor`]). It attaches to no DLL, is hidden
//! from debuggers, and waits for a heap's lock as any thread does; a process that ends takes it along wherever it is.
//! The guest is told by `\KernelObjects\LowMemoryCondition`, which CreateMemoryResourceNotification opens.

use super::Mm;
use super::allocate::Request;
use super::page::protect;
use crate::call::Cx;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ps::create::{HIDE_FROM_DEBUGGER, SKIP_THREAD_ATTACH, StackRequest};
use crate::ps::layout::peb::NT_GLOBAL_FLAG;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How long after its first wait for messages a program still starts, in nanoseconds.
const START: u64 = 3_000_000_000;
/// How long memory counts as low after the last time that it was said, in nanoseconds.
const LOW_FOR: u64 = 10_000_000_000;
/// What the code calls, in its order.
const CALLED: [&str; 5] =
    ["RtlGetProcessHeaps", "RtlLockHeap", "RtlWalkHeap", "RtlUnlockHeap", "NtAllocateVirtualMemory"];
/// PEB.BeingDebugged.
const BEING_DEBUGGED: u64 = 2;

/// What is known of the host's memory.
#[derive(Debug, Default)]
pub struct Low {
    /// How often it was said to be low.
    times: AtomicU32,
    /// Whether somebody waits for it to be so no longer.
    watched: AtomicBool,
    /// When the start is over, on the monotonic clock: 0 before the first wait for messages, all ones once it was.
    start_ends: AtomicU64,
}

impl Mm {
    /// Has the host unmap the stacks and TEBs that are kept.
    fn drop_spares(&self, k: &Kernel) {
        // As `keep` has it: the books first.
        let _space = self.space.lock();
        self.make_way(k, 0..u64::MAX);
    }

    /// When a wait has to be left for [`Kernel::end_start`]: a while after the first that asks.
    pub fn start_ends(&self, now: u64) -> Option<u64> {
        let ends = &self.low.start_ends;
        let first = now.saturating_add(START);
        let next = match ends.load(Ordering::Relaxed) {
            // Only the first wait of a process writes.
            0 => ends
                .compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed)
                .map_or_else(|next| next, |_| first),
            next => next,
        };
        Some(next).filter(|next| *next != u64::MAX)
    }

    /// Whether the host may forget the page of an address.
    #[cfg(test)]
    pub(super) fn forgettable(&self, address: u64) -> bool {
        let space = self.space.lock();
        space.find(address).is_some_and(|region| region.is_of_file(region.pages.at(address)))
    }

    /// Has the host forget pages that it can bring again from files.
    fn drop_files(&self, k: &Kernel) {
        let space = self.space.lock();
        for region in space.iter() {
            for (run, page) in region.pages.over(region.range()) {
                if region.is_of_file(page) {
                    // What the host keeps costs memory, nothing else.
                    let _ = k.host.discard(run.start, run.end - run.start);
                }
            }
        }
    }
}

impl Kernel {
    /// A wait was left: gives back what only the start needed, if that is over. Once.
    pub fn end_start(&self, now: u64) {
        let ends = &self.mm.low.start_ends;
        let due = ends.load(Ordering::Relaxed);
        if due != 0 && due <= now && ends.compare_exchange(due, u64::MAX, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.mm.drop_files(self);
            self.gdi.handles.fold();
            self.host.trim();
        }
    }

    /// The host is short of memory.
    pub fn memory_is_low(&'static self) {
        let low = &self.mm.low;
        low.times.fetch_add(1, Ordering::AcqRel);
        self.say_memory(true);
        self.mm.drop_spares(self);
        self.gdi.handles.fold();
        self.host.trim();
        if !low.watched.swap(true, Ordering::AcqRel)
            && self.host.spawn_worker(Box::new(|| self.trim_until_enough())).is_err()
        {
            low.watched.store(false, Ordering::Release);
        }
    }

    /// Sets and resets the events that say how much memory there is.
    fn say_memory(&self, is_low: bool) {
        for (name, is) in [("Low", is_low), ("High", !is_low)] {
            if let Some(event) =
                crate::ob::directory::find(&self.ob.root, &format!(r"\KernelObjects\{name}MemoryCondition"))
            {
                if is {
                    event.signal.set(self)
                } else {
                    event.signal.reset(self)
                };
            }
        }
    }

    /// Compacts heaps each time that memory is low, until it no longer is.
    fn trim_until_enough(&'static self) {
        let low = &self.mm.low;
        loop {
            let times = low.times.load(Ordering::Acquire);
            // A heap that cannot be compacted stays as it is.
            let _ = self.compact_heaps();
            let until = self.host.monotonic() + LOW_FOR;
            while low.times.load(Ordering::Acquire) == times && self.host.monotonic() < until {
                self.host.wait(&low.times, times, Some(until));
            }
            if low.times.load(Ordering::Acquire) == times {
                self.say_memory(false);
                low.watched.store(false, Ordering::Release);
                // Who said so since looked at `watched` before that, or will find it false.
                if low.times.load(Ordering::Acquire) == times || low.watched.swap(true, Ordering::AcqRel) {
                    return;
                }
                self.say_memory(true);
            }
        }
    }

    /// Has the pages of free blocks of the guest's heaps given back, and waits for that.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` where heaps must not be touched, and what making a thread answers.
    fn compact_heaps(&'static self) -> Nt<()> {
        let (peb, code) = (self.ps.peb(), self.host.compactor());
        let called: Vec<u64> = CALLED.iter().filter_map(|name| self.ps.entry(name)).collect();
        let debugged = UserPtr::<u8>::new(peb + BEING_DEBUGGED).read(self)? != 0;
        let checked = UserPtr::<u32>::new(peb + NT_GLOBAL_FLAG).read(self)? != 0;
        if called.len() != CALLED.len() || code.is_empty() || debugged || checked {
            return Err(STATUS_NOT_SUPPORTED);
        }
        let pointers = code.len().next_multiple_of(8) as u64;
        let request =
            Request { protection: protect::EXECUTE_READWRITE, ..Request::commit(pointers + 8 * CALLED.len() as u64) };
        let at = self.mm.allocate(self, &request)?.start;
        let run = || -> Nt<()> {
            self.write_user(at, code)?;
            let bytes: Vec<u8> = called.iter().flat_map(|address| address.to_le_bytes()).collect();
            self.write_user(at + pointers, &bytes)?;
            let flags = SKIP_THREAD_ATTACH | HIDE_FROM_DEBUGGER;
            let (thread, object) = self.make_thread((at, at + pointers), flags, StackRequest::default())?;
            self.run_thread(&thread)?;
            let own = Arc::new(Thread::new(0, (0, 0), 0));
            Cx { k: self, t: &own }.wait_for(vec![object], false, false, Deadline::Never).map(drop)
        };
        let ran = run();
        let freed = self.mm.release(self, at);
        // The stack that it ran on is kept for the next one otherwise.
        self.mm.drop_spares(self);
        ran.and(freed)
    }
}
