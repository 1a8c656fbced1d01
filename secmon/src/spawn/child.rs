//! What the child does between being made and executing the runtime: system calls only.

use super::{DESCRIPTORS, GIVE_UP, GO_ENTER, GO_ON, NOBODY, Setup, Shared};
use nix::errno::Errno;
use std::arch::asm;
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

/// Names of the steps, for messages: "cannot … for the picoprocess".
pub(super) const STEPS: &[&str] = &[
    "arrange its end with the monitor's",
    "take another identity",
    "make namespaces",
    "make the throw-away folders",
    "separate its descriptors",
    "make an empty root",
    "enter its root",
    "set a limit",
    "set its descriptors",
    "give up rights",
    "reset signals",
    "execute the runtime",
];

const DEATH: u32 = 1;
const IDENTITY: u32 = 2;
const NAMESPACES: u32 = 3;
const SCRATCH: u32 = 4;
const SEPARATE: u32 = 5;
const ROOT: u32 = 6;
const PIVOT: u32 = 7;
const LIMIT: u32 = 8;
const DUP: u32 = 9;
const RIGHTS: u32 = 10;
const SIGNALS: u32 = 11;
const EXECUTE: u32 = 12;

const MOUNT_ATTR_RDONLY: usize = 1;
const MOUNT_ATTR_NOSUID: usize = 2;
const MOUNT_ATTR_NODEV: usize = 4;
const MOUNT_ATTR_NOEXEC: usize = 8;
/// Programs that unpack themselves execute from the throw-away folders.
pub(super) const SCRATCH_ATTRIBUTES: usize = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
const ROOT_ATTRIBUTES: usize = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

const FSCONFIG_SET_STRING: usize = 1;
const FSCONFIG_CMD_CREATE: usize = 6;
const CLOEXEC: usize = 1;
const MOVE_MOUNT_F_EMPTY_PATH: usize = 4;

/// Securebits: no rights through user 0, none kept over a change of user, no ambient ones; all locked.
const SECUREBITS: usize = 0b1110_1111;

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
    limits: Vec<(u32, u64)>,
    scratch: Option<Vec<(CString, CString)>>,
}

impl Plan {
    pub(super) fn new(runtime: c_int, descriptors: [c_int; DESCRIPTORS], setup: &Setup<'_>) -> Self {
        Plan { runtime, descriptors, limits: setup.limits.to_vec(), scratch: setup.scratch.map(options) }
    }
}

/// A system call, without the C library's errno, which belongs to the parent's thread.
///
/// # Safety
/// As the call's own.
unsafe fn call(number: i64, a: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel's convention for x86-64; what the call does is the caller's responsibility.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            out("rcx") _, out("r11") _,
            options(nostack),
        );
    }
    if result < 0 { Err(Errno::from_raw(result.unsigned_abs() as i32)) } else { Ok(result as usize) }
}

macro_rules! system {
    ($number:expr $(, $argument:expr)*) => {{
        let mut arguments = [0usize; 6];
        let mut next = arguments.iter_mut();
        $(if let Some(slot) = next.next() { *slot = $argument as usize; })*
        let _ = next;
        call($number, arguments)
    }};
}

/// Sleeps while the word has this value, or up to five seconds.
pub(super) fn wait(word: &AtomicU32, value: u32) {
    let time = libc::timespec { tv_sec: 5, tv_nsec: 0 };
    // SAFETY: both pointers are valid; waking early or failing is what callers expect.
    let _ = unsafe { system!(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, &raw const time) };
}

/// Wakes who sleeps on the word.
pub(super) fn wake(word: &AtomicU32) {
    // SAFETY: the pointer is valid.
    let _ = unsafe { system!(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// Makes a temporary file system that is mounted nowhere, and gives its descriptor.
///
/// # Safety
/// None beyond that of the strings, which live.
pub(super) unsafe fn tmpfs(options: &[(CString, CString)], attributes: usize) -> Result<c_int, Errno> {
    // SAFETY: system calls on strings that end with NUL and live until the call is over.
    unsafe {
        let context = system!(libc::SYS_fsopen, c"tmpfs".as_ptr(), CLOEXEC)?;
        let made = (|| {
            for (key, value) in options {
                system!(libc::SYS_fsconfig, context, FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr(), 0)?;
            }
            system!(libc::SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0)?;
            system!(libc::SYS_fsmount, context, CLOEXEC, attributes)
        })();
        let _ = system!(libc::SYS_close, context);
        made.map(|fd| fd as c_int)
    }
}

/// Where the child begins.
pub(super) extern "C" fn main(argument: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a Shared that lives until this process has memory of its own; it is only read, but for atomics.
    let shared: &Shared = unsafe { &*argument.cast::<Shared>() };
    // SAFETY: this is the process that `spawn` made for it, and runs nothing else.
    let Err((step, errno)) = unsafe { steps(shared) };
    shared.errno.store(errno as i32, Ordering::Release);
    shared.step.store(step, Ordering::Release);
    loop {
        // SAFETY: ends this process.
        let _ = unsafe { system!(libc::SYS_exit_group, 125) };
    }
}

trait At<T> {
    fn at(self, step: u32) -> Result<T, (u32, Errno)>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: u32) -> Result<T, (u32, Errno)> {
        self.map_err(|errno| (step, errno))
    }
}

/// Sleeps until the monitor lets the child go this far.
fn wait_for(shared: &Shared, step: u32) -> Result<(), (u32, Errno)> {
    // A minute: a monitor that is gone takes the child along, one that is held up comes back.
    for _ in 0..12 {
        match shared.go.load(Ordering::Acquire) {
            GIVE_UP => break,
            reached if reached >= step => return Ok(()),
            reached => wait(&shared.go, reached),
        }
    }
    Err((DEATH, Errno::ECANCELED))
}

/// # Safety
/// To be called in the child alone: it changes the whole process.
unsafe fn steps(shared: &Shared) -> Result<std::convert::Infallible, (u32, Errno)> {
    let die = [libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize, 0, 0, 0, 0];
    // SAFETY: system calls of this process on itself; every pointer is to memory that lives in the plan or on this stack.
    unsafe {
        call(libc::SYS_prctl, die).at(DEATH)?;
        wait_for(shared, GO_ENTER)?;
        if shared.privileged {
            system!(libc::SYS_setgroups, 0, 0).at(IDENTITY)?;
            system!(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY).at(IDENTITY)?;
            system!(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY).at(IDENTITY)?;
            // A change of identity forgets it.
            call(libc::SYS_prctl, die).at(DEATH)?;
        }
        let namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        system!(libc::SYS_unshare, namespaces).at(NAMESPACES)?;
        empty_root()?;
        wait_for(shared, GO_ON)?;
        let plan = shared.plan.get().ok_or((DEATH, Errno::ECANCELED))?;
        // Its control group is the one that the plan put it into.
        system!(libc::SYS_unshare, libc::CLONE_NEWCGROUP).at(NAMESPACES)?;
        if let Some(options) = &plan.scratch {
            let fd = tmpfs(options, SCRATCH_ATTRIBUTES).at(SCRATCH)?;
            shared.scratch.store(fd, Ordering::Release);
        }
        system!(libc::SYS_unshare, libc::CLONE_FILES).at(SEPARATE)?;
        for (resource, most) in &plan.limits {
            let limit = libc::rlimit { rlim_cur: *most, rlim_max: *most };
            match system!(libc::SYS_prlimit64, 0, *resource, &raw const limit, 0) {
                // The caller's own limit is lower already, and a lower one is what was wanted.
                Err(Errno::EPERM) => lower(*resource, *most).at(LIMIT)?,
                other => drop(other.at(LIMIT)?),
            }
        }
        for (target, source) in plan.descriptors.iter().enumerate() {
            system!(libc::SYS_dup3, *source, target, 0).at(DUP)?;
        }
        system!(libc::SYS_dup3, plan.runtime, DESCRIPTORS, libc::O_CLOEXEC).at(DUP)?;
        system!(libc::SYS_close_range, DESCRIPTORS + 1, u32::MAX, 0).at(DUP)?;
        drop_rights()?;
        let none = 0u64;
        system!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, 8).at(SIGNALS)?;
        call(libc::SYS_prctl, die).at(DEATH)?;
        let name: [*const c_char; 2] = [c"portcullis-runtime".as_ptr(), std::ptr::null()];
        // The C library insists on restartable sequences in every thread once the first has them, and the filter refuses them.
        let tunables = c"GLIBC_TUNABLES=glibc.pthread.rseq=0".as_ptr();
        let environment: [*const c_char; 2] = [tunables, std::ptr::null()];
        let (name, environment) = (name.as_ptr(), environment.as_ptr());
        system!(libc::SYS_execveat, DESCRIPTORS, c"".as_ptr(), name, environment, libc::AT_EMPTY_PATH).at(EXECUTE)?;
    }
    Err((EXECUTE, Errno::ENOEXEC))
}

/// Lowers a limit to what the caller's hard limit allows.
///
/// # Safety
/// As [`steps`].
unsafe fn lower(resource: u32, most: u64) -> Result<(), Errno> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are to a local.
    unsafe {
        system!(libc::SYS_prlimit64, 0, resource, 0, &raw mut limit)?;
        limit.rlim_max = limit.rlim_max.min(most);
        limit.rlim_cur = limit.rlim_max;
        system!(libc::SYS_prlimit64, 0, resource, &raw const limit, 0).map(drop)
    }
}

/// Makes an empty, read-only file system the root, and unmounts everything else.
///
/// # Safety
/// As [`steps`].
unsafe fn empty_root() -> Result<(), (u32, Errno)> {
    // SAFETY: system calls on strings that are constants.
    unsafe {
        let root = tmpfs(&[], ROOT_ATTRIBUTES).at(ROOT)?;
        let private = libc::MS_REC | libc::MS_PRIVATE;
        system!(libc::SYS_mount, 0, c"/".as_ptr(), 0, private, 0).at(ROOT)?;
        // Any folder that exists will do, and /proc must: the user was mapped through it.
        let (empty, place) = (c"".as_ptr(), c"/proc".as_ptr());
        system!(libc::SYS_move_mount, root, empty, libc::AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH).at(ROOT)?;
        system!(libc::SYS_fchdir, root).at(PIVOT)?;
        system!(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()).at(PIVOT)?;
        system!(libc::SYS_umount2, c".".as_ptr(), libc::MNT_DETACH).at(PIVOT)?;
        system!(libc::SYS_chdir, c"/".as_ptr()).at(PIVOT)?;
    }
    Ok(())
}

/// Gives up every capability, now and for what is executed, and the way to any.
///
/// # Safety
/// As [`steps`].
unsafe fn drop_rights() -> Result<(), (u32, Errno)> {
    let header = [0x2008_0522u32, 0];
    let nothing = [0u32; 6];
    // SAFETY: system calls on this process; the pointers are to locals of the layout that capset has (version 3).
    unsafe {
        for capability in 0..64 {
            match system!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) {
                Err(Errno::EINVAL) if capability > 0 => break,
                other => other.at(RIGHTS)?,
            };
        }
        system!(libc::SYS_prctl, libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0).at(RIGHTS)?;
        system!(libc::SYS_prctl, libc::PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0).at(RIGHTS)?;
        system!(libc::SYS_capset, header.as_ptr(), nothing.as_ptr()).at(RIGHTS)?;
        system!(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).at(RIGHTS)?;
    }
    Ok(())
}
