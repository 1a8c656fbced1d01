//! Mappings: the guest's at fixed addresses, the runtime's own anywhere.
#![allow(unsafe_code)]

use ntum::host::{Placement, Prot, Sharing};
use shim_abi::error::{Error, Result};
use std::io;

/// The page of KUSER_SHARED_DATA.
pub const SHARED_DATA: u64 = 0x7ffe_0000;
/// The page through which Wine's stubs find the kernel.
pub const DISPATCHER: u64 = 0x7ffe_1000;

/// An ABI error of the last failed Linux call.
pub fn last_error() -> Error {
    error_of(io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// An ABI error of a Linux error number.
pub fn error_of(number: i32) -> Error {
    match number {
        libc::ENOENT => Error::NotFound,
        libc::EEXIST => Error::AddressInUse,
        libc::EACCES | libc::EPERM | libc::EROFS => Error::AccessDenied,
        libc::EISDIR => Error::IsDirectory,
        libc::ENOTDIR => Error::NotDirectory,
        libc::ENOSPC | libc::EDQUOT | libc::EFBIG => Error::NoSpace,
        libc::EMFILE | libc::ENFILE => Error::TooManyOpen,
        libc::ENOMEM => Error::OutOfMemory,
        libc::EINTR => Error::Interrupted,
        libc::ETIMEDOUT => Error::TimedOut,
        libc::EFAULT => Error::Fault,
        libc::EPIPE | libc::ECONNRESET => Error::Closed,
        libc::EAGAIN => Error::WouldBlock,
        libc::EINVAL | libc::ESPIPE => Error::Invalid,
        libc::EBADF => Error::AccessDenied,
        _ => Error::Io,
    }
}

fn bits(prot: Prot) -> i32 {
    let mut bits = libc::PROT_NONE;
    if prot.read || prot.write {
        bits |= libc::PROT_READ;
    }
    if prot.write {
        bits |= libc::PROT_WRITE;
    }
    if prot.execute {
        bits |= libc::PROT_EXEC;
    }
    bits
}

fn fixed(placement: Placement) -> i32 {
    match placement {
        Placement::New => libc::MAP_FIXED_NOREPLACE,
        Placement::Replace => libc::MAP_FIXED,
    }
}

/// Maps at an address of the guest's.
fn map_at(address: u64, length: u64, prot: i32, flags: i32, descriptor: i32, offset: u64) -> Result {
    if !ntum::um::in_range(address, length) {
        return Err(Error::Invalid);
    }
    // SAFETY: the range lies in the guest's half. With NOREPLACE nothing is replaced; with FIXED ntum's memory manager
    // replaces only what it mapped itself, which is the guest's memory and never Rust's.
    let at = unsafe {
        libc::mmap(address as *mut libc::c_void, length as usize, prot, flags, descriptor, offset as libc::off_t)
    };
    if at == libc::MAP_FAILED {
        return Err(last_error());
    }
    if at as u64 != address {
        // A kernel that does not know MAP_FIXED_NOREPLACE takes the address as a hint.
        unmap(at as u64, length);
        return Err(Error::AddressInUse);
    }
    Ok(())
}

/// Maps zeroed memory for the guest.
///
/// # Errors
/// `AddressInUse`, `OutOfMemory`, `Invalid`.
pub fn map(address: u64, length: u64, prot: Prot, placement: Placement) -> Result {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | fixed(placement);
    map_at(address, length, bits(prot), flags, -1, 0)
}

/// Maps a descriptor's bytes for the guest.
///
/// # Errors
/// As [`map`], and what the descriptor's rights do not allow.
#[allow(clippy::too_many_arguments)]
pub fn map_descriptor(
    address: u64,
    length: u64,
    prot: Prot,
    placement: Placement,
    descriptor: i32,
    offset: u64,
    sharing: Sharing,
) -> Result {
    let kind = match sharing {
        Sharing::Private => libc::MAP_PRIVATE | libc::MAP_NORESERVE,
        Sharing::Shared => libc::MAP_SHARED,
    };
    map_at(address, length, bits(prot), kind | fixed(placement), descriptor, offset)
}

/// Unmaps guest memory.
pub fn unmap(address: u64, length: u64) {
    // SAFETY: ntum's memory manager unmaps only what it mapped itself.
    unsafe { libc::munmap(address as *mut libc::c_void, length as usize) };
}

/// Changes the protection of guest memory.
///
/// # Errors
/// `OutOfMemory`, `AccessDenied`, `Invalid`.
pub fn protect(address: u64, length: u64, prot: Prot) -> Result {
    if !ntum::um::in_range(address, length) {
        return Err(Error::Invalid);
    }
    // SAFETY: the range is the guest's, never Rust's.
    match unsafe { libc::mprotect(address as *mut libc::c_void, length as usize, bits(prot)) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Gives pages of guest memory back: private ones, or those of a file.
///
/// # Errors
/// `Invalid`.
pub fn discard(address: u64, length: u64) -> Result {
    if !ntum::um::in_range(address, length) {
        return Err(Error::Invalid);
    }
    // SAFETY: the range is the guest's, never Rust's.
    match unsafe { libc::madvise(address as *mut libc::c_void, length as usize, libc::MADV_DONTNEED) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Maps zeroed memory for the runtime itself.
///
/// # Errors
/// What the host answers.
pub fn map_anywhere(length: usize) -> io::Result<u64> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address of the host's choice replaces nothing.
    let at = unsafe { libc::mmap(core::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at as u64) }
}

/// Maps a descriptor read-only for the runtime itself, for good.
///
/// # Errors
/// What the host answers.
pub fn map_forever(descriptor: i32, length: usize) -> Result<&'static [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: a new mapping at an address of the host's choice replaces nothing.
    let at = unsafe { libc::mmap(core::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_PRIVATE, descriptor, 0) };
    if at == libc::MAP_FAILED {
        return Err(last_error());
    }
    // SAFETY: `length` readable bytes were mapped just now and are never unmapped. They are files of the base image, which
    // are immutable while sandboxes run (the monitor checks their size and time).
    Ok(unsafe { core::slice::from_raw_parts(at.cast::<u8>(), length) })
}

/// Puts KUSER_SHARED_DATA and the dispatcher's page where the guest looks for them; answers the writable view of the first.
///
/// # Errors
/// What the host answers.
pub fn map_shared_pages(system_call: u64, unix_call: u64) -> io::Result<&'static [std::sync::atomic::AtomicU32]> {
    // SAFETY: the name is a C string; the call makes a new descriptor.
    let file = unsafe { libc::memfd_create(c"shared-data".as_ptr(), libc::MFD_CLOEXEC) };
    if file < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain calls on a descriptor that is ours; the first mapping lies where the process has nothing yet (NOREPLACE),
    // the second at an address of the host's choice.
    let view = unsafe {
        if libc::ftruncate(file, 4096) != 0 {
            return Err(io::Error::last_os_error());
        }
        let guest = libc::mmap(
            SHARED_DATA as *mut libc::c_void,
            4096,
            libc::PROT_READ,
            libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE,
            file,
            0,
        );
        if guest as u64 != SHARED_DATA {
            return Err(io::Error::last_os_error());
        }
        let rw = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(core::ptr::null_mut(), 4096, rw, libc::MAP_SHARED, file, 0)
    };
    // SAFETY: the descriptor is ours and no longer needed.
    unsafe { libc::close(file) };
    if view == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: NOREPLACE at an address of the guest's that is free; then two stores within the page just mapped.
    unsafe {
        let page = libc::mmap(
            DISPATCHER as *mut libc::c_void,
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        );
        if page as u64 != DISPATCHER {
            return Err(io::Error::last_os_error());
        }
        page.cast::<u64>().write(system_call);
        page.cast::<u64>().add(1).write(unix_call);
        if libc::mprotect(page, 4096, libc::PROT_READ) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: 4096 bytes, aligned to a page, mapped for good and touched only as atomics on this side.
    Ok(unsafe { core::slice::from_raw_parts(view.cast(), 1024) })
}
