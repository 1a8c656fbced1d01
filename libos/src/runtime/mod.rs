//! The runtime: what holds `ntum` and a guest in a Linux process. Everything here is `libos`' own side of the ABI.
#![allow(unsafe_code)]

pub mod compact;
pub mod entry;
pub mod filter;
pub mod lanes;
pub mod layout;
pub mod machine;
pub mod sandbox;
pub mod signals;
pub mod sockets;
pub mod thread_block;
pub mod threads;
pub mod tint;

use entry::{Frame, portcullis_enter, portcullis_leave, portcullis_resume};
use ntum::Kernel;
use ntum::call::Outcome;
use ntum::types::Context;
use shim_abi::boot::{Boot, Told, descriptor};
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use thread_block::ThreadBlock;

unsafe extern "C" {
    /// Start of the runtime's text and its end, as the linker places them.
    static __executable_start: u8;
    static etext: u8;
}

static VDSO: AtomicU64 = AtomicU64::new(0);
/// The vDSO's text is two pages at most on every kernel so far; the range only ever lets clocks fall back.
const VDSO_LENGTH: u64 = 0x4000;

/// First address of the runtime's image.
pub fn text_start() -> u64 {
    (&raw const __executable_start) as u64
}

fn text_end() -> u64 {
    (&raw const etext) as u64
}

/// Has the host unmap the pages of the runtime's constants and text, which come again from its file as they are used.
pub fn forget_text() {
    let (start, end) = (text_start(), text_end() & !0xfff);
    // SAFETY: between the image's start and its text's end nothing can be written to, so that no page there is other than the file's.
    unsafe { libc::madvise(start as *mut libc::c_void, (end - start) as usize, libc::MADV_DONTNEED) };
}

/// Whether an instruction pointer is in the runtime, or in the vDSO that it calls.
pub fn is_runtime_code(rip: u64) -> bool {
    let vdso = VDSO.load(Ordering::Relaxed);
    (text_start()..text_end()).contains(&rip) || (vdso != 0 && (vdso..vdso + VDSO_LENGTH).contains(&rip))
}

/// A system call or unix call: from the entry's assembly.
///
/// # Safety
/// `block` is the calling thread's, `frame` what the entry pushed.
unsafe extern "sysv64" fn dispatch(block: *mut ThreadBlock, frame: *mut Frame) -> u64 {
    // SAFETY: the entry passes its own frame, live until this returns; the block is the thread's own. Signal handlers on
    // this thread touch the block's interrupt word only, which is atomic.
    let (block, frame) = unsafe { (&*block, &*frame) };
    let kernel = machine::kernel();
    let outcome = match frame.which {
        0 => kernel.dispatch(&block.thread, frame.number, frame.args, frame.rsp),
        _ => kernel.unix_call(&block.thread, frame.args[0], frame.args[1] as u32, frame.args[2]),
    };
    // SAFETY: as above.
    unsafe { finish(core::ptr::from_ref(block).cast_mut(), outcome) }
}

/// An interrupt came on the way out of a system call.
///
/// # Safety
/// As [`dispatch`].
unsafe extern "sysv64" fn leave_again(block: *mut ThreadBlock, _frame: *mut Frame, answer: u64) -> u64 {
    // SAFETY: as in `dispatch`.
    let this = unsafe { &*block };
    this.interrupted.store(0, Ordering::Release);
    let outcome = machine::kernel().leave(&this.thread, answer);
    // SAFETY: as in `dispatch`.
    unsafe { finish(block, outcome) }
}

/// An interrupt came on the way to a context.
///
/// # Safety
/// `block` is the calling thread's, and its `resume` is what was to be loaded.
unsafe extern "sysv64" fn resume_again(block: *mut ThreadBlock) -> ! {
    // SAFETY: the resume path is this thread's alone; signal handlers don't touch `resume`.
    let this = unsafe { &mut *block };
    this.interrupted.store(0, Ordering::Release);
    let mut context = this.resume;
    let outcome = machine::kernel().interrupted(&this.thread, &mut context);
    this.set_resume(&context);
    // SAFETY: as in `dispatch`.
    unsafe {
        finish(block, outcome);
        portcullis_resume(block.cast())
    }
}

/// Does what the kernel decided: answers what to return, or goes elsewhere for good.
///
/// # Safety
/// `block` is the calling thread's; nothing on the kernel stack above is needed any more.
unsafe fn finish(block: *mut ThreadBlock, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Return(answer) => answer,
        Outcome::Resume => {
            // SAFETY: the block is this thread's own, and no other reference to it is alive in this call.
            unsafe {
                let next = (*block).thread.take_resume();
                if let Some(next) = next {
                    (*block).set_resume(&next);
                }
                portcullis_resume(block.cast())
            }
        }
        // SAFETY: the frame that `portcullis_enter` left is still on this stack.
        Outcome::Exit => unsafe { portcullis_leave(block.cast()) },
    }
}

/// The guest's registers behind the system call that the calling thread is in.
pub fn call_context(block: &ThreadBlock) -> Option<Context> {
    // SAFETY: not null only while the signal handler that holds the context is on this thread's stack.
    if let Some(trapped) = unsafe { block.trapped.as_ref() } {
        return Some(*trapped);
    }
    if block.frame == 0 {
        return None;
    }
    // SAFETY: `frame` is what the entry stored last on this thread: a live frame while a system call is under way.
    let frame = unsafe { &*(block.frame as *const Frame) };
    let mut rip = [0u8; 8];
    let host: &dyn ntum::host::Host = machine::host();
    host.read_user(frame.rsp, &mut rip).ok()?;
    Some(frame.context(u64::from_le_bytes(rip)))
}

/// Runs the guest within a system call, see [`ntum::host::Host::call_guest`].
pub fn call_guest(context: &Context) -> bool {
    let Some(block) = machine::block() else { return false };
    let block = core::ptr::from_ref(block).cast_mut();
    let here = 0u8;
    // SAFETY: the block is the calling thread's own, and no reference to it outlives a statement here. What the entry and the way out keep
    // in it of the call under way is put back before that call goes on; `portcullis_enter` keeps the registers that the host's
    // convention saves, and returns on this stack, below which the guest's own calls have run meanwhile. A call that came as a signal
    // (`trapped`) stands on the signal stack, which the next signal in the guest would overwrite.
    unsafe {
        if !(*block).trapped.is_null() || ((&raw const here) as u64) < (*block).stack_low {
            return false;
        }
        let (kernel_sp, base_sp, frame) = ((*block).kernel_sp, (*block).base_sp, (*block).frame);
        (*block).set_resume(context);
        portcullis_enter(block.cast());
        ((*block).kernel_sp, (*block).base_sp, (*block).frame) = (kernel_sp, base_sp, frame);
    }
    true
}

fn fail(what: &str, error: impl core::fmt::Display) -> ! {
    eprintln!("portcullis-runtime: {what}: {error}");
    // SAFETY: ends the process.
    unsafe { libc::_exit(125) }
}

/// The pipe through which the picoprocess is told what it is for. Closed when dropped, after which nobody asks for it.
fn boot_pipe() -> std::fs::File {
    // SAFETY: the monitor hands the descriptor over for this; whoever has the file read to its end is the only one to drop it.
    unsafe { std::fs::File::from_raw_fd(descriptor::BOOT) }
}

fn decode<T: shim_abi::wire::Wire>(bytes: &[u8]) -> io::Result<T> {
    shim_abi::wire::decode(bytes).map_err(|_| io::Error::other("the boot block is of another version"))
}

/// Reads the boot block.
fn read_boot() -> io::Result<Boot> {
    let mut pipe = ManuallyDrop::new(boot_pipe());
    let mut length = [0; 4];
    pipe.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    pipe.read_exact(&mut bytes)?;
    let boot: Boot = decode(&bytes)?;
    if !boot.born {
        drop(ManuallyDrop::into_inner(pipe));
    }
    Ok(boot)
}

/// Waits for what a picoprocess is told that another made; once.
fn read_told() -> io::Result<Told> {
    // The filter refuses what the library does beside: it asks for a file's size before it reads to the end, and, in debug builds, whether a
    // descriptor is open before it closes it.
    let (mut pipe, mut bytes, mut part) = (ManuallyDrop::new(boot_pipe()), Vec::new(), [0; 256]);
    loop {
        match pipe.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // SAFETY: the descriptor is this function's, and the file that had it is never dropped.
    unsafe { libc::close(pipe.as_raw_fd()) };
    decode(&bytes)
}

/// Runs the picoprocess from the boot block to its end.
pub fn main() -> ! {
    // SAFETY: plain settings of the allocator, before any other thread: one arena, because each costs address space and pages.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
    // SAFETY: getauxval reads what the host passed to the process.
    let (features, vdso) = unsafe { (libc::getauxval(libc::AT_HWCAP2), libc::getauxval(libc::AT_SYSINFO_EHDR)) };
    // HWCAP2_FSGSBASE (asm/hwcap2.h): WRGSBASE may be used outside the kernel.
    if features & 2 == 0 {
        fail("this host", "lacks FSGSBASE: Linux 5.9 or newer and a processor of 2012 or newer are needed");
    }
    VDSO.store(vdso, Ordering::Relaxed);
    let (call, unix) =
        (entry::portcullis_syscall_entry as *const () as u64, entry::portcullis_unix_entry as *const () as u64);
    let shared = layout::map_shared_pages(call, unix).unwrap_or_else(|error| fail("shared pages", error));
    signals::install().unwrap_or_else(|error| fail("signal handlers", error));
    signals::prepare_thread().unwrap_or_else(|error| fail("signal stack", error));
    threads::prime().unwrap_or_else(|error| fail("first thread", error));
    let lanes = lanes::Lanes::new().unwrap_or_else(|error| fail("lanes", error));
    // Not sooner than it is needed: the monitor may still be writing it.
    let boot = read_boot().unwrap_or_else(|error| fail("boot block", error));
    let mut ranges = vec![(text_start(), text_end())];
    if vdso != 0 {
        ranges.push((vdso, vdso + VDSO_LENGTH - 1));
    }
    filter::install(&boot.filter, &ranges).unwrap_or_else(|error| fail("seccomp filter", error));

    let host = machine::start(shared, lanes);
    let is_empty = boot.program.is_empty() && !boot.born;
    if !boot.born && !is_empty {
        ntum::ps::ahead::start(host, &boot);
    }
    let kernel: &'static Kernel = Box::leak(Box::new(Kernel::new(host, boot)));
    machine::set_kernel(kernel);
    if is_empty {
        kernel.attend();
        host.end(0, "");
    }
    match kernel.start() {
        Ok(thread) => {
            machine::guest_runs();
            kernel.listen_if_managed();
            threads::run_guest(thread);
        }
        Err(failure) => host.end(failure.status.0, &failure.message),
    }
    // The first thread ended; the process ends with the last one, from which the kernel exits.
    loop {
        std::thread::park();
    }
}
