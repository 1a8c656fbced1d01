//! The few system calls that `nix` has no safe form of.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, sockopt};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// What statx tells, as far as it is used.
const MASK: u32 = libc::STATX_BASIC_STATS | libc::STATX_BTIME;

/// statx on an open descriptor, or on a name in an open folder, without following it.
pub fn statx(at: impl AsFd, name: &CStr) -> Result<libc::statx, Errno> {
    let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { libc::AT_SYMLINK_NOFOLLOW };
    let mut buffer = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: the name ends with NUL, and the kernel fills the buffer or fails.
    let result = unsafe { libc::statx(at.as_fd().as_raw_fd(), name.as_ptr(), flags, MASK, buffer.as_mut_ptr()) };
    Errno::result(result)?;
    // SAFETY: filled, as the call succeeded.
    Ok(unsafe { buffer.assume_init() })
}

/// Reads an extended attribute of an open file; the bytes that it has.
pub fn get_attribute<'a>(file: impl AsFd, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    // SAFETY: the name ends with NUL, the buffer is writable for its length.
    let count =
        unsafe { libc::fgetxattr(file.as_fd().as_raw_fd(), name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let count = Errno::result(count)? as usize;
    buffer.get(..count).ok_or(Errno::ERANGE)
}

/// Reads an extended attribute of a name in the calling thread's folder, without following it.
pub fn get_attribute_here<'a>(file: &CStr, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    // SAFETY: both names end with NUL, the buffer is writable for its length.
    let count = unsafe { libc::lgetxattr(file.as_ptr(), name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let count = Errno::result(count)? as usize;
    buffer.get(..count).ok_or(Errno::ERANGE)
}

/// Sets an extended attribute of an open file, or removes it.
pub fn set_attribute(file: impl AsFd, name: &CStr, value: Option<&[u8]>) -> Result<(), Errno> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: the name ends with NUL, the value is readable for its length.
    let result = unsafe {
        match value {
            Some(value) => libc::fsetxattr(fd, name.as_ptr(), value.as_ptr().cast(), value.len(), 0),
            None => libc::fremovexattr(fd, name.as_ptr()),
        }
    };
    Errno::result(result).map(drop)
}

/// Sets a thread's nice value.
pub fn set_nice(thread: i32, nice: i32) -> Result<(), Errno> {
    // SAFETY: takes numbers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, thread as libc::id_t, nice) }).map(drop)
}

/// Columns and rows of a terminal.
pub fn window_size(terminal: impl AsFd) -> Result<(u16, u16), Errno> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills a winsize.
    let result = unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &mut size) };
    Errno::result(result).map(|_| (size.ws_col, size.ws_row))
}

/// Bytes that were sent on a socket and not yet received.
pub fn unread(socket: impl AsFd) -> Result<i32, Errno> {
    let mut count = 0;
    // SAFETY: SIOCOUTQ (TIOCOUTQ) fills an int.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &mut count) };
    Errno::result(result).map(|_| count)
}

/// Reads an extended attribute by a path, following links.
pub fn get_attribute_of<'a>(path: &CStr, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    // SAFETY: both names end with NUL, the buffer is writable for its length.
    let count = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let count = Errno::result(count)? as usize;
    buffer.get(..count).ok_or(Errno::ERANGE)
}

/// Lets all threads allocate from one pool: they are few and short of work, and a pool for each costs time and memory.
pub fn one_arena() {
    // SAFETY: sets a number in the allocator; it is called before there are other threads.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Space for a control message with one descriptor, which is space for two.
#[repr(C, align(8))]
struct Control([u8; 24]);

/// Receives a datagram and the descriptors that it brings, of which there is room for two; its length and flags.
pub fn receive(socket: impl AsFd, into: &mut [u8]) -> Result<(usize, MsgFlags, Vec<OwnedFd>), Errno> {
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control = Control([0; 24]);
    // SAFETY: an all-zero msghdr is a valid one.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&mut part, 1);
    (message.msg_control, message.msg_controllen) = (control.0.as_mut_ptr().cast(), control.0.len());
    // SAFETY: `message` names one part and one control buffer, which live until the call returns and are unshared.
    let count = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &mut message, libc::MSG_CMSG_CLOEXEC) };
    let count = Errno::result(count)? as usize;
    let (header, rights) = control.0.split_at(16);
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, i32::from_ne_bytes);
    // A cmsghdr: the length with it, level and kind. Nothing was stored where nothing was brought.
    let length = header.get(..8).and_then(|raw| raw.try_into().ok()).map_or(0, usize::from_ne_bytes);
    let is_rights = word(&header[8..12]) == libc::SOL_SOCKET && word(&header[12..16]) == libc::SCM_RIGHTS;
    let filled =
        if message.msg_controllen >= 16 && is_rights { length.saturating_sub(16).min(rights.len()) } else { 0 };
    let raw = rights.chunks_exact(4).take(filled / 4).map(word);
    // SAFETY: the kernel has just made these descriptors for this process, and nobody else knows of them.
    let brought = raw.map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }).collect();
    Ok((count, MsgFlags::from_bits_truncate(message.msg_flags), brought))
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
