//! The jail: namespaces of its own with an empty root, no capabilities, low limits, and a filter of system calls.
#![allow(unsafe_code)]

use crate::filter;
use anyhow::{Context as _, bail};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{ForkResult, chdir, fork, pivot_root};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

/// The most of each resource: descriptors, memory, files, processes of this user.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::RLIMIT_NOFILE, 64),
    (Resource::RLIMIT_DATA, 768 << 20),
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_MEMLOCK, 0),
];

/// Descriptors from here on are none.
const MOST_DESCRIPTORS: i32 = 4096;

/// Locks this process in; in a child, which alone is in the process namespace: answers whether this is it. These descriptors and
/// the standard streams stay open.
///
/// # Errors
/// What the host lacks.
pub fn enter(keep: &[BorrowedFd<'_>]) -> anyhow::Result<bool> {
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(namespaces).context("namespaces of its own")?;
    // SAFETY: this process has one thread, so the child finds no lock held.
    if let ForkResult::Parent { .. } = unsafe { fork() }.context("a process")? {
        return Ok(false);
    }
    let _ = nix::unistd::setsid();
    let kept: Vec<i32> = keep.iter().map(|fd| fd.as_raw_fd()).collect();
    for other in (3..MOST_DESCRIPTORS).filter(|number| !kept.contains(number)) {
        // SAFETY: it is nobody's here: this process was given those that are kept, and has opened no other.
        unsafe { libc::close(other) };
    }
    // Where the C library is static, these crates find no `getrandom` and read /dev/urandom, which they keep open.
    getrandom3::fill(&mut [0]).map_err(|error| anyhow::anyhow!("random numbers: {error}"))?;
    getrandom4::fill(&mut [0]).map_err(|error| anyhow::anyhow!("random numbers: {error}"))?;
    for fault in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: a fault ends this process, without the standard library's handler, which the filter would have it fault in for ever.
        unsafe { libc::signal(fault, libc::SIG_DFL) };
    }
    empty_root()?;
    for (resource, most) in LIMITS {
        setrlimit(resource, most, most).with_context(|| format!("a limit: {resource:?}"))?;
    }
    no_rights()?;
    filter::apply()?;
    Ok(true)
}

/// The root is a file system in memory in which there is nothing, and which nobody can write.
fn empty_root() -> anyhow::Result<()> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("its own mounts")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("tmpfs"), "/proc", Some("tmpfs"), flags, Some("size=4k,nr_inodes=2,mode=0555"))
        .context("an empty root")?;
    chdir("/proc").context("an empty root")?;
    pivot_root(".", ".").context("an empty root")?;
    umount2(".", MntFlags::MNT_DETACH).context("an empty root")?;
    chdir("/").context("an empty root")?;
    mount(none, "/", none, flags | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_BIND, none)
        .context("an empty root")
}

/// struct __user_cap_header_struct and two of __user_cap_data_struct of linux/capability.h, for its version 3.
#[repr(C)]
struct Capabilities {
    version: u32,
    pid: i32,
    sets: [u32; 6],
}

/// No capability, none to come.
fn no_rights() -> anyhow::Result<()> {
    let capabilities = Capabilities { version: 0x2008_0522, pid: 0, sets: [0; 6] };
    let data = (&raw const capabilities.sets).cast::<libc::c_void>();
    // SAFETY: both structures are laid out as the kernel wants them, and live during the call, which only reads them.
    let dropped = unsafe { libc::syscall(libc::SYS_capset, &raw const capabilities, data) };
    // SAFETY: a plain setting.
    let locked = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: a plain setting: nobody of the same user looks into it.
    let hidden = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    if dropped != 0 || locked != 0 || hidden != 0 {
        bail!("rights cannot be given up: {}", std::io::Error::last_os_error());
    }
    Ok(())
}

/// Goes into a jail and tries what somebody would who has taken it over; says what worked. For tests.
///
/// # Errors
/// What worked.
pub fn attack() -> anyhow::Result<()> {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    let open: std::fs::File = std::fs::File::open("/dev/null")?;
    let (read, write) = std::io::pipe()?;
    if !enter(&[open.as_fd(), write.as_fd(), read.as_fd()])? {
        drop(write);
        let said = std::io::read_to_string(read)?;
        return if said == "nothing\n" { Ok(()) } else { bail!("from inside the jail: {said}") };
    }
    let mut worked = Vec::new();
    let mut tried = |what: &'static str, works: bool| {
        if works {
            worked.push(what)
        }
    };
    tried("a file was read", std::fs::read("/etc/passwd").is_ok());
    tried("the root was listed", std::fs::read_dir("/").is_ok());
    tried("a file was made", std::fs::write("/x", "x").is_ok());
    tried("a folder was made", std::fs::create_dir("/x").is_ok());
    tried("/proc was read", std::fs::read_to_string("/proc/self/status").is_ok());
    tried("a connection was made", TcpStream::connect(("127.0.0.1", 22)).is_ok());
    tried("a socket was made", UdpSocket::bind(("127.0.0.1", 0)).is_ok());
    tried("a socket listens", TcpListener::bind(("127.0.0.1", 0)).is_ok());
    tried("a program ran", std::process::Command::new("/bin/true").status().is_ok());
    let raw: [(&str, i64, [usize; 3]); 8] = [
        ("a socket", libc::SYS_socket, [libc::AF_UNIX as usize, libc::SOCK_STREAM as usize, 0]),
        ("namespaces", libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0]),
        ("another process's signal", libc::SYS_kill, [1, 0, 0]),
        ("a process", libc::SYS_fork, [0; 3]),
        ("a memory file", libc::SYS_memfd_create, [c"x".as_ptr() as usize, 0, 0]),
        ("ptrace", libc::SYS_ptrace, [0; 3]),
        ("a pipe", libc::SYS_pipe2, [0; 3]),
        ("code", libc::SYS_mmap, [0, 4096, libc::PROT_EXEC as usize]),
    ];
    for (what, call, [a, b, c]) in raw {
        // SAFETY: each of these is refused, or does nothing to this process's memory.
        let answer = unsafe { libc::syscall(call, a, b, c, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
        let refused = answer == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
        tried(what, !refused);
    }
    let said = if worked.is_empty() { "nothing".to_owned() } else { worked.join(", ") };
    std::io::Write::write_all(&mut &write, format!("{said}\n").as_bytes())?;
    // SAFETY: ends this process, which has nothing left to see to.
    unsafe { libc::_exit(0) }
}
