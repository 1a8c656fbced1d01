//! Makes a picoprocess: namespaces, an empty root, no rights, then the runtime. All the unsafe code of spawning is here.
//!
//! The child shares the monitor's memory until it executes the runtime, so that nothing is copied, and for as long makes no
//! use of the C library or of thread-local storage, which are the parent's: it issues system calls and reads [`Shared`].
#![allow(unsafe_code)]

mod child;

use nix::errno::Errno;
use nix::unistd::Pid;
use std::ffi::{c_int, c_void};
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// The user and group that a picoprocess believes to be, and under root is.
pub const NOBODY: u32 = 65534;

/// How many descriptors a picoprocess starts with.
pub const DESCRIPTORS: usize = shim_abi::boot::descriptor::FIRST_FREE as usize;

/// What a picoprocess is made of.
pub struct Setup<'a> {
    /// The runtime's file.
    pub runtime: BorrowedFd<'a>,
    /// Its descriptors, by number.
    pub descriptors: [BorrowedFd<'a>; DESCRIPTORS],
    /// Resource limits: number of the resource and the most of it.
    pub limits: &'a [(u32, u64)],
    /// Options of the throw-away folders' file system, if the picoprocess is to make it; `key=value`.
    pub scratch: Option<&'a [(String, String)]>,
    /// Whether the monitor has the rights to give the picoprocess an identity other than its own.
    pub privileged: bool,
}

/// A picoprocess that runs.
pub struct Spawned {
    /// Its number on the host.
    pub pid: Pid,
    /// Its descriptor on the host, readable when it ended.
    pub pidfd: OwnedFd,
    /// The file system of the throw-away folders, if it was to make it.
    pub scratch: Option<OwnedFd>,
}

/// Why there is no picoprocess.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The kernel refuses a process with namespaces of its own.
    #[error("this host refuses a process in namespaces of its own ({0}); `secmon doctor` says what to do")]
    Clone(Errno),
    /// Its user could not be mapped.
    #[error("cannot map the picoprocess's user, {0}: {1}")]
    Map(&'static str, std::io::Error),
    /// It failed on its way.
    #[error("cannot {0} for the picoprocess: {1}")]
    Step(&'static str, Errno),
    /// What was to be done before it starts failed.
    #[error("{0:#}")]
    Prepare(anyhow::Error),
}

/// What parent and child tell each other.
pub(crate) struct Shared {
    /// Non-zero: the child may go on; 2: it is to end.
    go: AtomicU32,
    /// Zero once the child has memory of its own, or is gone. Cleared by the kernel.
    running: AtomicU32,
    /// The step that failed, as an index of [`child::STEPS`] plus 1.
    step: AtomicU32,
    /// Why.
    errno: AtomicI32,
    /// Descriptor of the file system that the child made.
    scratch: AtomicI32,
    /// The plan.
    plan: child::Plan,
}

const STACK: usize = 64 * 1024;

/// Makes a picoprocess. `prepare` runs when it exists and before it does anything, with its number.
///
/// The calling thread must live as long as the picoprocess: the kernel ends it when the thread ends.
///
/// # Errors
/// [`SpawnError`]; nothing is left behind then.
pub fn spawn(setup: &Setup<'_>, prepare: impl FnOnce(Pid) -> anyhow::Result<()>) -> Result<Spawned, SpawnError> {
    // The child must find the descriptors above those that it is going to replace.
    let mut raised = Vec::new();
    let mut raise = |fd: BorrowedFd<'_>| -> Result<i32, SpawnError> {
        // SAFETY: duplicates a descriptor that the borrow keeps open; the result is owned by nobody else.
        let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, DESCRIPTORS as c_int + 1) };
        let copy = Errno::result(copy).map_err(|error| SpawnError::Step("set its descriptors", error))?;
        // SAFETY: just made.
        raised.push(unsafe { OwnedFd::from_raw_fd(copy) });
        Ok(copy)
    };
    let mut descriptors = [0; DESCRIPTORS];
    for (target, source) in descriptors.iter_mut().zip(setup.descriptors) {
        *target = raise(source)?;
    }
    let runtime = raise(setup.runtime)?;
    let mut shared = Box::new(Shared {
        go: AtomicU32::new(0),
        running: AtomicU32::new(1),
        step: AtomicU32::new(0),
        errno: AtomicI32::new(0),
        scratch: AtomicI32::new(-1),
        plan: child::Plan::new(runtime, descriptors, setup),
    });
    let mut stack = vec![0u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_VM
        | libc::CLONE_FILES
        | libc::CLONE_PIDFD
        | libc::CLONE_CHILD_CLEARTID
        | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    let argument: *mut Shared = &mut *shared;
    // SAFETY: the stack and `shared` outlive the child's use of them, because this function returns only after the kernel
    // has cleared `running`, which it does when the child gives up this memory by executing or ending. The child touches
    // nothing else of this memory but what the plan points to, which lives in `setup` and `shared`.
    let pid = unsafe {
        libc::clone(
            child::main,
            stack.as_mut_ptr_range().end.cast::<c_void>(),
            flags,
            argument.cast::<c_void>(),
            &mut pidfd as *mut c_int,
            std::ptr::null_mut::<c_void>(),
            shared.running.as_ptr(),
        )
    };
    let pid = Pid::from_raw(Errno::result(pid).map_err(SpawnError::Clone)?);
    // SAFETY: the kernel stored a descriptor that is ours.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };

    let ready = map_user(pid, setup.privileged).and_then(|()| prepare(pid).map_err(SpawnError::Prepare));
    shared.go.store(if ready.is_ok() { 1 } else { 2 }, Ordering::Release);
    child::wake(&shared.go);
    while shared.running.load(Ordering::Acquire) != 0 {
        child::wait(&shared.running, 1);
    }
    let scratch = match shared.scratch.load(Ordering::Acquire) {
        // SAFETY: the child made it in the table of descriptors that both had, and named it once.
        fd if fd >= 0 => Some(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => None,
    };
    let failed = shared.step.load(Ordering::Acquire);
    drop(stack);
    if ready.is_err() || failed != 0 {
        // The child has left by itself or is about to; waiting for it keeps no zombie.
        let _ = nix::sys::wait::waitpid(pid, None);
    }
    ready?;
    if failed != 0 {
        let step = child::STEPS.get(failed as usize - 1).copied().unwrap_or("start");
        return Err(SpawnError::Step(step, Errno::from_raw(shared.errno.load(Ordering::Acquire))));
    }
    Ok(Spawned { pid, pidfd, scratch })
}

/// Maps one user and one group: [`NOBODY`] inside is nobody outside under root, else who started the monitor.
fn map_user(pid: Pid, privileged: bool) -> Result<(), SpawnError> {
    let write = |file: &'static str, text: String| {
        fs::write(format!("/proc/{pid}/{file}"), text).map_err(|error| SpawnError::Map(file, error))
    };
    let (user, group) = if privileged {
        (NOBODY, NOBODY)
    } else {
        write("setgroups", "deny".into())?;
        (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw())
    };
    write("uid_map", format!("{NOBODY} {user} 1"))?;
    write("gid_map", format!("{NOBODY} {group} 1"))
}

/// Makes the file system of the throw-away folders in the monitor itself, which takes root's rights.
///
/// # Errors
/// The kernel's.
pub fn scratch(options: &[(String, String)]) -> Result<OwnedFd, Errno> {
    let options = child::options(options);
    // SAFETY: `options` lives until the call is over; the result is a descriptor that nobody else has.
    unsafe { child::tmpfs(&options, child::SCRATCH_ATTRIBUTES).map(|fd| OwnedFd::from_raw_fd(fd)) }
}
