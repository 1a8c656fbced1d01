//! Makes a picoprocess: namespaces, an empty root, no rights, then the runtime. All the unsafe code of spawning is here.
//!
//! The child shares the monitor's memory until it executes the runtime, so that nothing is copied, and for as long makes no
//! use of the C library or of thread-local storage, which are the parent's: it issues system calls and reads [`Shared`].
#![allow(unsafe_code)]

mod child;

use nix::errno::Errno;
use nix::sched::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use rustix::process::Resource;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::{fs, ptr};

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
    /// The most of each resource.
    pub limits: &'a [(Resource, u64)],
    /// Options of the throw-away folders' file system, if the picoprocess is to make it; `key=value`.
    pub scratch: Option<&'a [(String, String)]>,
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
}

/// What parent and child tell each other.
pub(crate) struct Shared {
    /// How far the child may go: [`GO_ENTER`], [`GO_ON`], or [`GIVE_UP`].
    go: AtomicU32,
    /// Zero once the child has memory of its own, or is gone. Cleared by the kernel.
    running: AtomicU32,
    /// The step that failed, if one did. Who is killed while it says so leaves the lock as it is, which must not be dropped then.
    failed: ManuallyDrop<OnceLock<child::Failed>>,
    /// Descriptor of the file system that the child made.
    scratch: AtomicI32,
    /// Whether it is to take another identity, and is root's.
    privileged: bool,
    /// What it is.
    role: Role,
    /// What it does after that, known before [`GO_ON`].
    plan: OnceLock<child::Plan>,
    /// Where its stack begins.
    stack: *mut c_void,
    /// Its descriptor, stored by the kernel.
    pidfd: AtomicI32,
    /// What a nursery is to make next.
    child: AtomicPtr<Shared>,
    /// The number of what it made, or the error, negative; zero until it did.
    made: AtomicU32,
}

/// What a process that is being made is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A picoprocess with every namespace of its own.
    Alone,
    /// No picoprocess: it enters namespaces and makes processes in them.
    Nursery,
    /// A picoprocess that a nursery makes, in its namespaces but for users and processes.
    Born,
}

/// Its user is mapped: it may enter namespaces of its own.
const GO_ENTER: u32 = 1;
/// The plan is there; for a nursery, there is something to make.
const GO_ON: u32 = 2;
/// It is to end.
const GIVE_UP: u32 = 3;

const STACK: usize = 64 * 1024;

/// A picoprocess on its way: until it executes the runtime it shares the monitor's memory and descriptors.
pub struct Starting {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    /// Made from a box by [`begin`], and freed when the child no longer looks.
    shared: *mut Shared,
    stack: Vec<u128>,
    /// What the child makes its descriptors of.
    raised: Vec<OwnedFd>,
}

/// A process that has entered namespaces and makes picoprocesses in them, which are of one sandbox: to enter takes longer than all else.
/// It shares the monitor's memory and descriptors, runs nothing but [`child::main`], and ends with the thread that made it.
pub struct Nursery(Starting);

impl Nursery {
    /// Makes one.
    pub fn new(privileged: bool) -> Result<Self, SpawnError> {
        make(privileged, Role::Nursery, |shared| child::clone(shared, libc::CLONE_NEWUSER)).map(Nursery)
    }

    /// As [`begin`], in this one's namespaces.
    ///
    /// # Errors
    /// [`SpawnError::Clone`], when it is gone too.
    pub fn begin(&self) -> Result<Starting, SpawnError> {
        let own = self.0.shared();
        make(false, Role::Born, |shared| {
            own.made.store(0, Ordering::Relaxed);
            own.child.store(shared, Ordering::Relaxed);
            self.0.go(GO_ON);
            loop {
                let gone = own.running.load(Ordering::Acquire) == 0;
                match own.made.load(Ordering::Acquire) {
                    0 if gone => break -(Errno::ESRCH as i32),
                    0 => child::wait(&own.made, 0),
                    made => break made as c_int,
                }
            }
        })
    }
}

/// Begins to make a picoprocess: it enters its namespaces while the monitor does other things. `privileged`: the monitor has
/// the rights to give it an identity other than its own.
///
/// The calling thread must live as long as the picoprocess: the kernel ends it when the thread ends.
///
/// # Errors
/// [`SpawnError`]; nothing is left behind then.
pub fn begin(privileged: bool) -> Result<Starting, SpawnError> {
    // The child itself enters the other namespaces, of which some take long to make.
    make(privileged, Role::Alone, |shared| child::clone(shared, libc::CLONE_NEWUSER | libc::CLONE_NEWPID))
}

fn make(privileged: bool, role: Role, clone: impl FnOnce(*mut Shared) -> c_int) -> Result<Starting, SpawnError> {
    let mut stack = vec![0u128; STACK / size_of::<u128>()];
    let shared = Box::into_raw(Box::new(Shared {
        go: AtomicU32::new(0),
        running: AtomicU32::new(1),
        failed: ManuallyDrop::new(OnceLock::new()),
        scratch: AtomicI32::new(-1),
        privileged,
        role,
        plan: OnceLock::new(),
        stack: stack.as_mut_ptr_range().end.cast::<c_void>(),
        pidfd: AtomicI32::new(-1),
        child: AtomicPtr::new(ptr::null_mut()),
        made: AtomicU32::new(0),
    }));
    let made = clone(shared);
    if made < 0 {
        if role == Role::Born {
            // A nursery that was killed may have made a child before it could say so: what that uses is given up.
            std::mem::forget(stack);
        } else {
            // SAFETY: made above from a box; there is no child that could use it.
            drop(unsafe { Box::from_raw(shared) });
        }
        return Err(SpawnError::Clone(Errno::from_raw(-made)));
    }
    let pid = Pid::from_raw(made);
    // SAFETY: the child lives in `shared`, which `Starting` frees; the kernel stored a descriptor that is ours.
    let pidfd = unsafe { OwnedFd::from_raw_fd((*shared).pidfd.load(Ordering::Relaxed)) };
    let starting = Starting { pid, pidfd: Some(pidfd), shared, stack, raised: Vec::new() };
    elsewhere(pid);
    if role != Role::Born {
        map_user(pid, privileged)?;
        starting.go(GO_ENTER);
    }
    Ok(starting)
}

impl Starting {
    fn shared(&self) -> &Shared {
        // SAFETY: made from a box and freed by `drop` alone; what both sides change in it is atomic.
        unsafe { &*self.shared }
    }

    fn go(&self, how: u32) {
        self.shared().go.store(how, Ordering::Release);
        child::wake(&self.shared().go);
    }

    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Lets it go on as planned, up to executing the runtime.
    pub fn go_on(&mut self, setup: &Setup<'_>) -> Result<(), SpawnError> {
        // The child must find the descriptors above those that it is going to replace.
        let mut raise = |fd: BorrowedFd<'_>| -> Result<i32, SpawnError> {
            // SAFETY: duplicates a descriptor that the borrow keeps open; the result is owned by nobody else.
            let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, DESCRIPTORS as c_int + 1) };
            let copy = Errno::result(copy).map_err(|error| SpawnError::Step("set its descriptors", error))?;
            // SAFETY: just made.
            self.raised.push(unsafe { OwnedFd::from_raw_fd(copy) });
            Ok(copy)
        };
        let mut descriptors = [0; DESCRIPTORS];
        for (target, source) in descriptors.iter_mut().zip(setup.descriptors) {
            *target = raise(source)?;
        }
        let plan = child::Plan::new(raise(setup.runtime)?, descriptors, setup);
        let _ = self.shared().plan.set(plan);
        self.go(GO_ON);
        Ok(())
    }

    /// Waits until the child has memory of its own, or is gone.
    fn separate(&self) {
        while self.shared().running.load(Ordering::Acquire) != 0 {
            child::wait(&self.shared().running, 1);
        }
    }

    /// Waits until the runtime is executed.
    ///
    /// # Errors
    /// [`SpawnError::Step`]; nothing is left behind then.
    pub fn finish(mut self) -> Result<Spawned, SpawnError> {
        self.separate();
        let shared = self.shared();
        let scratch = match shared.scratch.load(Ordering::Acquire) {
            // SAFETY: the child made it in the table of descriptors that both had, and named it once.
            fd if fd >= 0 => Some(unsafe { OwnedFd::from_raw_fd(fd) }),
            _ => None,
        };
        if let Some((step, errno)) = shared.failed.get() {
            return Err(SpawnError::Step(step, Errno::from_raw(errno.raw_os_error())));
        }
        let pidfd = self.pidfd.take().ok_or(SpawnError::Step("start", Errno::EBADF))?;
        Ok(Spawned { pid: self.pid, pidfd, scratch })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.pidfd.is_some() {
            // Nobody took it over: it ends here, and waiting for it keeps no zombie.
            self.go(GIVE_UP);
            let _ = nix::sys::signal::kill(self.pid, nix::sys::signal::Signal::SIGKILL);
            self.separate();
            let _ = nix::sys::wait::waitpid(self.pid, None);
        }
        self.stack.clear();
        self.raised.clear();
        // SAFETY: made from a box by `begin`; the child has given up this memory, here or before `finish` took its descriptor.
        drop(unsafe { Box::from_raw(self.shared) });
    }
}

/// Moves a child to another processor, if there is one: a new process that shares its maker's memory is left on its maker's, where it
/// would wait until that sleeps.
fn elsewhere(child: Pid) {
    if let (Ok(own), Ok(all)) = (sched_getcpu(), sched_getaffinity(Pid::from_raw(0))) {
        let mut others = all;
        if others.unset(own).is_ok() && sched_setaffinity(child, &others).is_ok() {
            let _ = sched_setaffinity(child, &all);
        }
    }
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
pub fn scratch(options: &[(String, String)]) -> Result<OwnedFd, Errno> {
    let made = child::tmpfs(&child::options(options), child::SCRATCH_ATTRIBUTES);
    made.map_err(|errno| Errno::from_raw(errno.raw_os_error()))
}

#[cfg(test)]
#[path = "../tests/unit/spawn.rs"]
mod tests;
