//! What the process gives back when the host is short of memory, or somebody asks for it.
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
use crate::ps::thread::Thread;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How long memory counts as low after the last time that it was said, in nanoseconds.
const LOW_FOR: u64 = 10_000_000_000;
/// What the code calls, in its order.
const CALLED: [&str; 5] =
    ["RtlGetProcessHeaps", "RtlLockHeap", "RtlWalkHeap", "RtlUnlockHeap", "NtAllocateVirtualMemory"];
/// PEB.BeingDebugged.
const BEING_DEBUGGED: u64 = 2;
/// PEB.NtGlobalFlag: has heaps look at what lies in free blocks.
const GLOBAL_FLAG: u64 = 0xbc;

/// What is known of the host's memory.
#[derive(Debug, Default)]
pub struct Low {
    /// How often it was said to be low.
    times: AtomicU32,
    /// Whether somebody waits for it to be so no longer.
    watched: AtomicBool,
}

impl Mm {
    /// Has the host unmap the stacks and TEBs that are kept.
    fn drop_spares(&self, k: &Kernel) {
        // As `keep` has it: the books first.
        let _space = self.space.lock();
        self.make_way(k, 0..u64::MAX);
    }
}

impl Kernel {
    /// The host is short of memory.
    pub fn memory_is_low(&'static self) {
        let low = &self.mm.low;
        low.times.fetch_add(1, Ordering::AcqRel);
        self.say_memory(true);
        self.mm.drop_spares(self);
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
        let checked = UserPtr::<u32>::new(peb + GLOBAL_FLAG).read(self)? != 0;
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
