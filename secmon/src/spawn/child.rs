//! What the child does between being made and executing the runtime: system calls only.

use super::{DESCRIPTORS, GIVE_UP, GO_ENTER, GO_ON, NOBODY, Role, Setup, Shared};
use rustix::io::{Errno, Result};
use rustix::mount::{
    self, FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
};
use rustix::process::{self, Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use rustix::thread::{
    self, CapabilitiesSecureBits, CapabilitySet, CapabilitySets, Gid, Timespec, Uid, UnshareFlags, futex,
};
use std::arch::asm;
use std::convert::Infallible;
use std::ffi::{CString, c_int, c_void};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// Programs that unpack themselves execute from the throw-away folders.
pub(super) const SCRATCH_ATTRIBUTES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);
const ROOT_ATTRIBUTES: MountAttrFlags =
    SCRATCH_ATTRIBUTES.union(MountAttrFlags::MOUNT_ATTR_RDONLY).union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Securebits: no rights through user 0, none kept over a change of user, no ambient ones; all locked.
const SECUREBITS: u32 = 0b1110_1111;

/// Options of a file system, ready for the kernel.
pub(super) fn options(pairs: &[(String, String)]) -> Vec<(CString, CString)> {
    // A NUL cannot be in them: they are made from numbers by the monitor itself.
    let text = |text: &String| CString::new(text.as_str()).unwrap_or_default();
    pairs.iter().map(|(key, value)| (text(key), text(value))).collect()
}

/// What the child is to do, in memory that it reads while it shares it.
pub(crate) struct Plan {
    runtime: c_int,
    descriptors: [c_int; DESCRIPTORS],
    limits: Vec<(Resource, u64)>,
    scratch: Option<Vec<(CString, CString)>>,
}

impl Plan {
    pub(super) fn new(runtime: c_int, descriptors: [c_int; DESCRIPTORS], setup: &Setup<'_>) -> Self {
        Plan { runtime, descriptors, limits: setup.limits.to_vec(), scratch: setup.scratch.map(options) }
    }
}

/// A system call, without the C library's errno, which belongs to the parent's thread. What rustix has is called through it, for the
/// same reason: it enters the kernel itself.
///
/// # Safety
/// As the call's own.
unsafe fn call(number: i64, a: [usize; 5]) -> Result<usize> {
    let result: isize;
    // SAFETY: the kernel's convention for x86-64; what the call does is the caller's responsibility.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4],
            out("rcx") _, out("r11") _,
            options(nostack),
        );
    }
    if result < 0 { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as usize) }
}

/// Sleeps while the word has this value, or up to five seconds.
pub(super) fn wait(word: &AtomicU32, value: u32) {
    // Waking early or failing is what callers expect.
    let _ = futex::wait(word, futex::Flags::empty(), value, Some(&Timespec { tv_sec: 5, tv_nsec: 0 }));
}

/// Wakes who sleeps on the word.
pub(super) fn wake(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::empty(), 1);
}

/// Makes a process that begins in [`main`]; its number, or the error, negative. By the monitor, or a nursery of its.
pub(super) fn clone(shared: *mut Shared, namespaces: c_int) -> c_int {
    let flags = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_PIDFD | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    // SAFETY: the stack and `shared` outlive the child's use of them, because `Starting` frees them only after the kernel has
    // cleared `running`, which it does when the child gives up this memory by executing or ending. The child touches nothing else of
    // this memory but what the plan points to, which lives in `shared`. In a nursery errno is that of the monitor's thread, which waits.
    let made = unsafe {
        let (pidfd, running) = ((*shared).pidfd.as_ptr(), (*shared).running.as_ptr());
        let (stack, argument) = ((*shared).stack, shared.cast::<c_void>());
        libc::clone(main, stack, flags | namespaces, argument, pidfd, std::ptr::null_mut::<c_void>(), running)
    };
    if made < 0 { -nix::errno::Errno::last_raw() } else { made }
}

/// A nursery's life: makes what it is told to.
fn nurse(own: &Shared) -> Life {
    loop {
        match own.go.load(Ordering::Acquire) {
            GIVE_UP => return Err(("arrange its end with the monitor's", Errno::CANCELED)),
            GO_ON => {
                own.go.store(GO_ENTER, Ordering::Relaxed);
                let kin = libc::CLONE_PARENT | libc::CLONE_NEWUSER | libc::CLONE_NEWPID;
                own.made.store(clone(own.child.load(Ordering::Relaxed), kin) as u32, Ordering::Release);
                wake(&own.made);
            }
            reached => drop(futex::wait(&own.go, futex::Flags::empty(), reached, None)),
        }
    }
}

/// Makes a temporary file system that is mounted nowhere.
pub(super) fn tmpfs(options: &[(CString, CString)], attributes: MountAttrFlags) -> Result<OwnedFd> {
    let context = mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        mount::fsconfig_set_string(&context, key, value)?;
    }
    mount::fsconfig_create(&context)?;
    mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Where the child begins.
pub(super) extern "C" fn main(argument: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a Shared that lives until this process has memory of its own; it is only read, but for atomics.
    let shared: &Shared = unsafe { &*argument.cast::<Shared>() };
    let Err(failed) = steps(shared);
    let _ = shared.failed.set(failed);
    loop {
        // SAFETY: ends this process.
        let _ = unsafe { call(libc::SYS_exit_group, [125, 0, 0, 0, 0]) };
    }
}

/// A step that failed, for a message "cannot … for the picoprocess", and why.
pub(super) type Failed = (&'static str, Errno);

trait At<T> {
    fn at(self, step: &'static str) -> std::result::Result<T, Failed>;
}

impl<T> At<T> for Result<T> {
    fn at(self, step: &'static str) -> std::result::Result<T, Failed> {
        self.map_err(|errno| (step, errno))
    }
}

/// What never comes back but with the step that failed, and why.
type Life = std::result::Result<Infallible, Failed>;

/// Sleeps until the monitor lets the child go this far.
fn wait_for(shared: &Shared, step: u32) -> Result<()> {
    // A minute: a monitor that is gone takes the child along, one that is held up comes back.
    for _ in 0..12 {
        match shared.go.load(Ordering::Acquire) {
            GIVE_UP => break,
            reached if reached >= step => return Ok(()),
            reached => wait(&shared.go, reached),
        }
    }
    Err(Errno::CANCELED)
}

fn steps(shared: &Shared) -> Life {
    let die = || set_parent_process_death_signal(Some(Signal::KILL)).at("arrange its end with the monitor's");
    die()?;
    if shared.role != Role::Born {
        wait_for(shared, GO_ENTER).at("arrange its end with the monitor's")?;
        if shared.privileged {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            thread::set_thread_groups(&[]).at("take another identity")?;
            thread::set_thread_res_gid(group, group, group).at("take another identity")?;
            thread::set_thread_res_uid(user, user, user).at("take another identity")?;
            // A change of identity forgets it.
            die()?;
        }
        let namespaces = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
        unshare(namespaces).at("make namespaces")?;
        empty_root()?;
    }
    if shared.role == Role::Nursery {
        return nurse(shared);
    }
    wait_for(shared, GO_ON).at("arrange its end with the monitor's")?;
    let plan = shared.plan.get().ok_or(("arrange its end with the monitor's", Errno::CANCELED))?;
    // Its control group is the one that the plan put it into.
    unshare(UnshareFlags::NEWCGROUP).at("make namespaces")?;
    if let Some(options) = &plan.scratch {
        shared.scratch.store(
            tmpfs(options, SCRATCH_ATTRIBUTES).at("make the throw-away folders")?.into_raw_fd(),
            Ordering::Release,
        );
    }
    unshare(UnshareFlags::FILES).at("separate its descriptors")?;
    for (resource, most) in &plan.limits {
        // The caller's own limit may be lower already, and a lower one is what was wanted.
        let most = getrlimit(*resource).maximum.map_or(*most, |own| own.min(*most));
        setrlimit(*resource, Rlimit { current: Some(most), maximum: Some(most) }).at("set a limit")?;
    }
    let none = 0u64;
    let name = [c"portcullis-runtime".as_ptr(), std::ptr::null()];
    // The C library insists on restartable sequences in every thread once the first has them, and the filter refuses them.
    let environment = [c"GLIBC_TUNABLES=glibc.pthread.rseq=0".as_ptr(), std::ptr::null()];
    let runtime = plan.runtime as usize;
    // SAFETY: system calls of this process on its own descriptors and signals, which no Rust object of the monitor's owns here since
    // the table is its own; every pointer is to a constant or to memory on this stack.
    unsafe {
        for (target, source) in plan.descriptors.iter().enumerate() {
            call(libc::SYS_dup3, [*source as usize, target, 0, 0, 0]).at("set its descriptors")?;
        }
        call(libc::SYS_dup3, [runtime, DESCRIPTORS, libc::O_CLOEXEC as usize, 0, 0]).at("set its descriptors")?;
        call(libc::SYS_close_range, [DESCRIPTORS + 1, u32::MAX as usize, 0, 0, 0]).at("set its descriptors")?;
        drop_rights().at("give up rights")?;
        let mask = [libc::SIG_SETMASK as usize, &raw const none as usize, 0, 8, 0];
        call(libc::SYS_rt_sigprocmask, mask).at("reset signals")?;
        die()?;
        let (name, environment) = (name.as_ptr() as usize, environment.as_ptr() as usize);
        let flags = libc::AT_EMPTY_PATH as usize;
        call(libc::SYS_execveat, [DESCRIPTORS, c"".as_ptr() as usize, name, environment, flags])
            .at("execute the runtime")?;
    }
    Err(("execute the runtime", Errno::NOEXEC))
}

fn unshare(what: UnshareFlags) -> Result<()> {
    // SAFETY: in the child alone: of what is shared with the monitor, it uses descriptors only, by the numbers in its plan.
    unsafe { thread::unshare_unsafe(what) }
}

/// Makes an empty, read-only file system the root, and unmounts everything else.
fn empty_root() -> std::result::Result<(), Failed> {
    let root = tmpfs(&[], ROOT_ATTRIBUTES).at("make an empty root")?;
    mount::mount_change(c"/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).at("make an empty root")?;
    // Any folder that exists will do, and /proc must: the user was mapped through it.
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    mount::move_mount(&root, c"", rustix::fs::CWD, c"/proc", flags).at("make an empty root")?;
    process::fchdir(&root).at("enter its root")?;
    process::pivot_root(c".", c".").at("enter its root")?;
    mount::unmount(c".", UnmountFlags::DETACH).at("enter its root")?;
    process::chdir(c"/").at("enter its root")
}

/// Gives up every capability, now and for what is executed, and the way to any.
fn drop_rights() -> Result<()> {
    for capability in 0..64 {
        match thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << capability)) {
            Err(Errno::INVAL) if capability > 0 => break,
            other => other?,
        }
    }
    thread::clear_ambient_capability_set()?;
    thread::set_capabilities_secure_bits(CapabilitiesSecureBits::from_bits_retain(SECUREBITS))?;
    let none = CapabilitySet::empty();
    thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    thread::set_no_new_privs(true)
}
