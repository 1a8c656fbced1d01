//! Host threads: one for each guest thread while that lives, then kept for the next one, because making one costs more
//! than everything else about a thread.
#![allow(unsafe_code)]

use super::entry::portcullis_enter;
use super::machine;
use super::signals;
use super::thread_block::{TEB_SLOT, ThreadBlock};
use ntum::ps::thread::Thread;
use parking_lot::Mutex;
use shim_abi::error::{Error, Result};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a host thread is to do next.
enum Job {
    Guest(Arc<Thread>),
    Worker(Box<dyn FnOnce() + Send>),
}

/// Where a host thread is handed its next job.
type Mine = Arc<Mutex<Option<Job>>>;

/// A host thread without work.
struct Idle {
    thread: std::thread::Thread,
    job: Mine,
}

/// Idle host threads; the last one came last, and its memory is still near the processor.
static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());

/// Idle host threads kept.
const KEEP: usize = 16;
/// How long one is kept: programs that make threads at all make the next one soon.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of a kernel stack: address space, touched as deep as calls go.
const KERNEL_STACK: usize = 1024 * 1024;

/// What of it is left to a system call when the guest is called into no deeper.
const KERNEL_STACK_RESERVE: usize = 192 * 1024;

/// Threads in kernel work, or at the end of a guest thread, that do not sleep in [`resting`].
static AWAKE: AtomicU32 = AtomicU32::new(0);
/// 1: the picoprocess is about to end, and nobody is to wake any more.
static ENDING: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Whether this thread counts in [`AWAKE`] when it does not sleep.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts the calling thread among those awake, as soon as nothing is ending.
fn wake_up() {
    loop {
        AWAKE.fetch_add(1, Ordering::SeqCst);
        if ENDING.load(Ordering::SeqCst) == 0 {
            return;
        }
        AWAKE.fetch_sub(1, Ordering::SeqCst);
        machine::sleep_on(&ENDING, 1);
    }
}

/// Does what the calling thread is to be counted for.
fn counted<R>(work: impl FnOnce() -> R) -> R {
    COUNTED.set(true);
    wake_up();
    let result = work();
    AWAKE.fetch_sub(1, Ordering::SeqCst);
    COUNTED.set(false);
    result
}

/// Sleeps in `wait`: a thread of the kernel's own changes nothing meanwhile, and does not go on while the picoprocess ends.
pub fn resting<R>(wait: impl FnOnce() -> R) -> R {
    if !COUNTED.get() {
        return wait();
    }
    AWAKE.fetch_sub(1, Ordering::SeqCst);
    let result = wait();
    wake_up();
    result
}

/// Has every thread of the kernel's own stay asleep from now on; not if one is awake. Guest threads are the caller's business.
pub fn stay_asleep() -> bool {
    ENDING.store(1, Ordering::SeqCst);
    let asleep = AWAKE.load(Ordering::SeqCst) == u32::from(COUNTED.get());
    if asleep {
        // The caller itself goes on to the end, and may have to wait on its way.
        COUNTED.set(false);
    } else {
        ENDING.store(0, Ordering::SeqCst);
        machine::wake_all(&ENDING);
    }
    asleep
}

fn start(job: Job) -> Result {
    let idle = IDLE.lock().pop();
    match idle {
        Some(idle) => {
            *idle.job.lock() = Some(job);
            idle.thread.unpark();
            Ok(())
        }
        None => spawn(Some(job)),
    }
}

/// Makes a host thread that waits for work. The C library prepares itself, with system calls that the filter does not let
/// pass, when it makes its first thread: so the first one is made before the filter.
///
/// # Errors
/// `OutOfMemory`.
pub fn prime() -> Result {
    let mine = Mine::default();
    let thread = make(None, mine.clone())?;
    // Idle from now on, so that the first who needs a thread waits for this one rather than make another.
    IDLE.lock().push(Idle { thread, job: mine });
    Ok(())
}

fn spawn(first: Option<Job>) -> Result {
    make(first, Mine::default()).map(drop)
}

/// Makes a host thread that does the first job, if there is one, then waits for others.
fn make(first: Option<Job>, mine: Mine) -> Result<std::thread::Thread> {
    let run = move || {
        // Linux gives a new thread the GS base of the one that made it: the TEB of a guest thread, which may go first.
        // SAFETY: nothing of Rust's uses GS; 0 is what tells that this is no guest thread.
        unsafe { core::arch::asm!("wrgsbase {}", in(reg) 0u64, options(nostack, preserves_flags)) };
        let Ok(stack) = signals::prepare_thread() else {
            machine::host().end(ntum::status::STATUS_NO_MEMORY.0, "no memory for a signal stack");
        };
        let mut next = first.or_else(|| await_job(&mine));
        while let Some(job) = next {
            match job {
                Job::Guest(thread) => run_guest(thread),
                Job::Worker(work) => counted(work),
            }
            next = enlist(&mine).and_then(|()| await_job(&mine));
        }
        signals::leave_thread(stack);
    };
    let made = std::thread::Builder::new().stack_size(KERNEL_STACK).spawn(run);
    made.map(|handle| handle.thread().clone()).map_err(|_| Error::OutOfMemory)
}

/// Puts the calling thread on the list of idle ones, if that has room.
fn enlist(mine: &Mine) -> Option<()> {
    let mut idle = IDLE.lock();
    if idle.len() >= KEEP {
        return None;
    }
    idle.push(Idle { thread: std::thread::current(), job: mine.clone() });
    Some(())
}

/// Waits for a job as one of the idle threads.
fn await_job(mine: &Mine) -> Option<Job> {
    let mut waited = false;
    loop {
        if let Some(job) = mine.lock().take() {
            return Some(job);
        }
        if waited {
            let mut idle = IDLE.lock();
            // Whoever took it off the list is about to hand it a job.
            if let Some(place) = idle.iter().position(|idle| Arc::ptr_eq(&idle.job, mine)) {
                idle.remove(place);
                return None;
            }
        }
        std::thread::park_timeout(PATIENCE);
        waited = true;
    }
}

/// Starts a guest thread.
///
/// # Errors
/// `OutOfMemory`.
pub fn spawn_guest(thread: Arc<Thread>) -> Result {
    start(Job::Guest(thread))
}

/// Starts kernel work.
///
/// # Errors
/// `OutOfMemory`.
pub fn spawn_worker(work: Box<dyn FnOnce() + Send>) -> Result {
    start(Job::Worker(work))
}

/// Runs a guest thread on the calling host thread, from its first instruction to its end.
pub fn run_guest(thread: Arc<Thread>) {
    let kernel = machine::kernel();
    // SAFETY: gettid has no arguments and no effects.
    let number = unsafe { libc::gettid() };
    // Known before it begins, so that what it gets of the processors can be set. An interrupt does nothing while GS is 0; what it is for
    // is looked at below.
    thread.host.store(number as u64, Ordering::SeqCst);
    let Some(context) = kernel.thread_start(&thread) else {
        thread.host.store(0, Ordering::Release);
        return;
    };
    let teb = thread.teb.load(Ordering::Acquire);
    let block = Box::into_raw(ThreadBlock::new(thread.clone()));
    // SAFETY: `block` was made above and is this thread's alone until it is taken back below. `teb` is memory that the
    // kernel mapped for this thread's TEB, at least 0x4000 bytes. FSGSBASE was checked at the start. `portcullis_enter`
    // returns on this same stack when the guest thread has ended, and touches no memory of Rust's but the block.
    unsafe {
        (*block).set_resume(&context);
        // The thread's first frames are of no account; the main thread's stack is larger.
        (*block).stack_low = (&raw const context) as u64 - (KERNEL_STACK - KERNEL_STACK_RESERVE) as u64;
        let slot = (teb + TEB_SLOT) as *mut u64;
        slot.write_volatile(block as u64);
        core::arch::asm!("wrgsbase {}", in(reg) teb, options(nostack, preserves_flags));
        if thread.pending.load(Ordering::Acquire) != 0 {
            (*block).interrupted.store(1, Ordering::Release);
        }
        portcullis_enter(block.cast());
        thread.host.store(0, Ordering::Release);
        core::arch::asm!("wrgsbase {}", in(reg) 0u64, options(nostack, preserves_flags));
        drop(Box::from_raw(block));
    }
    counted(|| kernel.thread_ended(&thread));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn who_ends_the_process_goes_on_and_others_do_not() {
        let (said, hears) = channel();
        let (begin, begun) = channel::<()>();
        let (end, ended) = channel::<()>();
        let other = said.clone();
        thread::spawn(move || {
            counted(|| {
                let _ = resting(|| ended.recv());
                let _ = other.send("other");
            })
        });
        thread::spawn(move || {
            counted(|| {
                let _ = begun.recv();
                while !stay_asleep() {
                    thread::yield_now();
                }
                resting(|| ());
                let _ = said.send("ends");
            })
        });
        begin.send(()).unwrap();
        assert_eq!(hears.recv_timeout(Duration::from_secs(20)), Ok("ends"));
        end.send(()).unwrap();
        assert!(hears.recv_timeout(Duration::from_millis(200)).is_err());
        ENDING.store(0, Ordering::SeqCst);
        machine::wake_all(&ENDING);
        assert_eq!(hears.recv_timeout(Duration::from_secs(20)), Ok("other"));
    }
}
