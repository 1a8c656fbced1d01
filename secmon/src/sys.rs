//! The few system calls that `nix` has no safe form of: by `rustix` as far as that has one.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{MsgFlags, send, sockopt};
use nix::unistd::ftruncate;
use rustix::fs::{self, AtFlags, StatxFlags};
use rustix::net::{self, ReturnFlags};
use std::ffi::{CStr, CString};
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use rustix::fs::{Statx, StatxTimestamp};

/// Takes a lock. What a thread that panicked left is still good: nothing here is changed halfway.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A file in memory whose size nobody changes under those who have it mapped.
pub fn memory(name: &CStr, bytes: u64) -> Result<OwnedFd, Errno> {
    let file = memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    ftruncate(&file, i64::try_from(bytes).unwrap_or(i64::MAX))?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW))?;
    Ok(file)
}

unsafe extern "C" {
    static __executable_start: u8;
    static etext: u8;
}

/// Gives back the pages of code and constants that the start needed: what is used again is found in the host's cache of files.
pub fn forget_code() {
    let (from, to) = (&raw const __executable_start, &raw const etext);
    // SAFETY: these pages are the program's file's, never written to, and linkers begin what is in the next one.
    unsafe { libc::madvise(from.cast_mut().cast(), to.addr() - from.addr(), libc::MADV_DONTNEED) };
}

/// Where /proc names what a descriptor means.
pub fn link(of: impl AsFd) -> String {
    format!("/proc/self/fd/{}", of.as_fd().as_raw_fd())
}

/// Sends a message without waiting for room; whether it was taken.
pub fn send_now(socket: impl AsFd, message: &[u8]) -> bool {
    send(socket.as_fd().as_raw_fd(), message, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL).is_ok()
}

/// The same error.
pub fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// statx on an open descriptor, or on a name in an open folder, without following it.
pub fn statx(at: impl AsFd, name: &CStr) -> Result<Statx, Errno> {
    let flags = if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::SYMLINK_NOFOLLOW };
    fs::statx(at, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME).map_err(errno)
}

/// Reads an extended attribute of an open file; the bytes that it has.
pub fn get_attribute<'a>(file: impl AsFd, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let count = fs::fgetxattr(file, name, &mut *buffer).map_err(errno)?;
    buffer.get(..count).ok_or(Errno::ERANGE)
}

/// Reads an extended attribute by a path, or a name in the calling thread's folder, following links or not.
pub fn get_attribute_at<'a>(path: &CStr, follow: bool, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let read = if follow { fs::getxattr(path, name, &mut *buffer) } else { fs::lgetxattr(path, name, &mut *buffer) };
    buffer.get(..read.map_err(errno)?).ok_or(Errno::ERANGE)
}

/// The names of an open file's extended attributes that are users'.
pub fn attributes(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0; 0x1_0000];
    let count = fs::flistxattr(file, &mut names[..]).map_err(errno)?;
    let all = names.get(..count).unwrap_or_default().split(|byte| *byte == 0);
    Ok(all.filter(|name| name.starts_with(b"user.")).filter_map(|name| CString::new(name).ok()).collect())
}

/// Sets an extended attribute of an open file, or removes it.
pub fn set_attribute(file: impl AsFd, name: &CStr, value: Option<&[u8]>) -> Result<(), Errno> {
    match value {
        Some(value) => fs::fsetxattr(file, name, value, fs::XattrFlags::empty()).map_err(errno),
        None => fs::fremovexattr(file, name).map_err(errno),
    }
}

/// Bytes that were sent on a socket and not yet received.
pub fn unread(socket: impl AsFd) -> Result<i32, Errno> {
    let mut count = 0;
    // SAFETY: SIOCOUTQ (TIOCOUTQ) fills an int.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &mut count) };
    Errno::result(result).map(|_| count)
}

/// Lets all threads allocate from one pool: they are few and short of work, and a pool for each costs time and memory.
pub fn one_arena() {
    // SAFETY: sets a number in the allocator; it is called before there are other threads.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Receives a datagram and the descriptors that it brings, of which there is room for three; its length and flags.
pub fn receive(socket: impl AsFd, into: &mut [u8]) -> Result<(usize, ReturnFlags, Vec<OwnedFd>), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = net::RecvAncillaryBuffer::new(&mut space);
    let flags = net::RecvFlags::CMSG_CLOEXEC;
    let came = net::recvmsg(socket, &mut [IoSliceMut::new(into)], &mut control, flags).map_err(errno)?;
    let brought = control.drain().filter_map(|message| match message {
        net::RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok((came.bytes, came.flags, brought.flatten().collect()))
}

/// A further descriptor of what the monitor was started with under a number.
pub fn given(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: borrowed for this call alone, which answers EBADF for a number that is no descriptor's.
    let given = unsafe { std::os::fd::BorrowedFd::borrow_raw(number.max(0)) };
    rustix::io::fcntl_dupfd_cloexec(given, 3).map_err(errno)
}

/// Sets an option of a socket.
pub fn set_option(socket: impl AsFd, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
    let length = value.len() as libc::socklen_t;
    // SAFETY: the value is readable for its length.
    Errno::result(unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), level, name, value.as_ptr().cast(), length) })
        .map(drop)
}

/// What tells the network that a socket lives in from others, since Linux 5.14.
#[derive(Debug, Clone, Copy)]
pub struct NetworkCookie;
nix::getsockopt_impl!(NetworkCookie, libc::SOL_SOCKET, libc::SO_NETNS_COOKIE, u64, sockopt::GetStruct<u64>);

/// Brings up the loopback interface of the network that a socket lives in.
pub fn loopback_up(socket: OwnedFd) -> Result<(), Errno> {
    // SAFETY: an all-zero ifreq is a valid one.
    let mut interface: libc::ifreq = unsafe { std::mem::zeroed() };
    interface.ifr_name[..2].copy_from_slice(&[b'l' as libc::c_char, b'o' as libc::c_char]);
    interface.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads an ifreq.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &interface) }).map(drop)
}

/// Closes every descriptor but standard input.
pub fn close_all_but_input() -> Result<(), Errno> {
    // SAFETY: takes numbers; the caller is a process of its own that uses no other descriptor.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, 1, u32::MAX, 0) }).map(drop)
}
