//! Byte-range locks as requests, and as locks on the host that other sandboxes see.
//!
//! Within the process the rules are Windows's ([`super::lock`]); on the host a lock is taken as well, as far as the rights
//! that the file was opened with let it be: a shared one needs the right to read, an exclusive one the right to write.
//!
//! One byte beyond every range says who writes: an opening to write that shares writing holds it shared, one that does not
//! holds it alone. So two sandboxes that open one file of the host to write keep to each other's share modes.

use super::DiskFile;
use super::fcb::FILE_SHARE_WRITE;
use super::lock::{Owner, Range};
use crate::call::Cx;
use crate::io::file::{FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, LockRange};
use crate::io::irp::{Io, Irp, Request};
use crate::kernel::Kernel;
use crate::status::*;
use shim_abi::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a lock that another sandbox holds is tried again, in nanoseconds.
const RETRY: u64 = 20_000_000;

/// The byte that says who writes: the last one that the host can lock.
const WRITERS: u64 = i64::MAX as u64 - 1;

/// Holds the writers' byte as an opening's rights and share mode ask.
///
/// # Errors
/// `STATUS_SHARING_VIOLATION` if another sandbox is in the way.
pub fn claim(k: &Kernel, file: &DiskFile, access: u32, share: u32) -> Nt<()> {
    let exclusive = share & FILE_SHARE_WRITE == 0;
    // To hold it shared takes the right to read.
    let can = access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0 && (exclusive || access & FILE_READ_DATA != 0);
    match &file.stream {
        Some(stream) if can && k.host.lock(stream, WRITERS, 1, Some(exclusive)) == Err(Error::Locked) => {
            Err(STATUS_SHARING_VIOLATION)
        }
        _ => Ok(()),
    }
}

/// Gives the writers' byte back: a section may keep the stream open longer than the file.
pub fn disclaim(k: &Kernel, file: &DiskFile, access: u32) {
    if let Some(stream) = &file.stream
        && access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0
    {
        let _ = k.host.lock(stream, WRITERS, 1, None);
    }
}

/// The part of a range that the host's offsets can express.
fn on_host(start: u64, end: u128) -> Option<(u64, u64)> {
    let limit = WRITERS;
    let end = u64::try_from(end).unwrap_or(u64::MAX).min(limit);
    (start < end).then(|| (start, end - start))
}

/// Takes the lock on the host; `false` if another sandbox is in the way.
fn take(k: &Kernel, file: &DiskFile, range: &Range) -> bool {
    if !file.tell_lock(range) {
        return false;
    }
    let (Some(stream), Some((start, length))) = (&file.stream, on_host(range.start, range.end)) else { return true };
    // What the host cannot do (a file system without locks, a missing right) does not hinder the guest.
    let taken = k.host.lock(stream, start, length, Some(range.exclusive)) != Err(Error::Locked);
    if !taken {
        let length = u64::try_from(range.end - u128::from(range.start)).unwrap_or(u64::MAX);
        file.tell_unlock(range.owner, range.start, length);
    }
    taken
}

/// Answers NtLockFile.
///
/// # Errors
/// `STATUS_LOCK_NOT_GRANTED`, `STATUS_INVALID_LOCK_RANGE`, `STATUS_INVALID_PARAMETER` for a directory.
pub fn lock(cx: &Cx<'_>, file: &DiskFile, request: &Request<'_>, wanted: LockRange) -> Nt<Io> {
    if file.is_directory() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let owner = Owner { file: file.number, key: wanted.key };
    let range = Range::new(owner, wanted.offset, wanted.length, wanted.exclusive)?;
    if wanted.fail_immediately {
        if !file.fcb.locks.try_lock(range) {
            return Err(STATUS_LOCK_NOT_GRANTED);
        }
        if take(cx.k, file, &range) {
            return Io::done(0);
        }
        give_back(cx.k, file, &range);
        return Err(STATUS_LOCK_NOT_GRANTED);
    }
    match file.fcb.locks.lock_or_wait(range, || request.pend(cx.k)) {
        Some(irp) => {
            let fcb = file.fcb.clone();
            irp.on_cancel(cx.k, move |k, irp| {
                if fcb.locks.forget(irp) {
                    irp.complete(k, STATUS_CANCELLED, 0);
                }
            });
            Ok(Io::Pending(irp))
        }
        None if take(cx.k, file, &range) => Io::done(0),
        None => {
            let irp = request.pend(cx.k);
            wait_for_host(cx.k, &irp, range)?;
            Ok(Io::Pending(irp))
        }
    }
}

/// Has a thread of the kernel's own try until the host grants the lock or the request is cancelled.
fn wait_for_host(k: &'static Kernel, irp: &Arc<Irp>, range: Range) -> Nt<()> {
    let stop = Arc::new(AtomicU32::new(0));
    let (worker, over) = (irp.clone(), stop.clone());
    let run = move || {
        let file = worker.object.clone();
        let Some(file) = file.file().ok().and_then(|file| file.driver::<DiskFile>().ok()) else { return };
        loop {
            if over.load(Ordering::Acquire) != 0 {
                give_back(k, file, &range);
                worker.complete(k, STATUS_CANCELLED, 0);
                return;
            }
            if take(k, file, &range) {
                if !worker.complete(k, STATUS_SUCCESS, 0) {
                    give_back(k, file, &range);
                }
                return;
            }
            k.host.wait(&over, 0, Some(k.host.monotonic().saturating_add(RETRY)));
        }
    };
    if let Err(error) = k.host.spawn_worker(Box::new(run)) {
        irp.complete(k, error.into(), 0);
        return Err(error.into());
    }
    irp.on_cancel(k, move |k, _| {
        stop.store(1, Ordering::Release);
        k.host.wake(&stop, 1);
    });
    Ok(())
}

/// Undoes a lock that was taken here but not on the host.
fn give_back(k: &'static Kernel, file: &DiskFile, range: &Range) {
    let length = u64::try_from(range.end - u128::from(range.start)).unwrap_or(u64::MAX);
    let _ = file.fcb.locks.unlock(range.owner, range.start, length);
    grant(k, file);
}

/// Grants what waits and can be had now.
fn grant(k: &'static Kernel, file: &DiskFile) {
    file.fcb.locks.grant(k, |range, irp| {
        let waiting = irp.object.file().ok().and_then(|file| file.driver::<DiskFile>().ok());
        waiting.is_some_and(|waiting| take(k, waiting, range))
    });
}

/// Answers NtUnlockFile.
///
/// # Errors
/// `STATUS_RANGE_NOT_LOCKED`.
pub fn unlock(k: &'static Kernel, file: &DiskFile, offset: u64, length: u64, key: u32) -> Nt {
    let owner = Owner { file: file.number, key };
    let told = file.tell_unlock(owner, offset, length);
    let holes = match file.fcb.locks.unlock(owner, offset, length) {
        // Another process took the lock, through the same file object.
        Err(STATUS_RANGE_NOT_LOCKED) if told => vec![(offset, u128::from(offset) + u128::from(length))],
        holes => holes?,
    };
    if let Some(stream) = &file.stream {
        for (start, length) in holes.into_iter().filter_map(|(start, end)| on_host(start, end)) {
            let _ = k.host.lock(stream, start, length, None);
        }
    }
    grant(k, file);
    Ok(STATUS_SUCCESS)
}

/// The file object's last handle was closed: its locks go.
pub fn release(k: &'static Kernel, file: &DiskFile) {
    file.tell_release();
    if file.fcb.locks.release(file.number) {
        if let Some(stream) = &file.stream {
            let _ = k.host.lock(stream, 0, i64::MAX as u64, None);
        }
        grant(k, file);
    }
}
