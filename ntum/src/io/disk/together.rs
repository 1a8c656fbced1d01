//! Files that several processes of the sandbox may have open: what each tells the others through the shared memory. A process
//! that is alone there tells nothing.

use super::DiskFile;
use super::fcb::{Fcb, Link};
use super::lock::{Owner, Range};
use super::path;
use crate::io::file::File;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::shm::file::{Bytes, DELETE_ON_CLOSE, Key, POSIX};
use crate::shm::lock::Held;
use crate::shm::{Shm, Tx};
use crate::status::*;
use shim_abi::calls::StreamDelete;
use shim_abi::stream::Identity;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file object's opening as others see it.
pub struct Opening {
    pub(super) shm: &'static Shm,
    opening: u32,
    file: u32,
    /// Whether it belongs to a file object that several processes have: it ends with that.
    common: AtomicBool,
}

/// What identifies a file.
pub fn key(identity: &Identity) -> Key {
    (identity.volume, identity.number)
}

fn same(one: &str, other: &str) -> bool {
    one == other || path::fold(one) == path::fold(other)
}

/// Whether there are other processes to be told.
pub fn is_several(k: &Kernel) -> bool {
    k.boot.born || k.io.disk.several.load(Ordering::SeqCst)
}

/// From now on there are: they are told of every file that is open.
pub fn begin(k: &'static Kernel) {
    if k.io.disk.several.swap(true, Ordering::SeqCst) {
        return;
    }
    for (_, entry) in k.ob.handles.list() {
        if let Ok(file) = entry.object.file() {
            file.ops.handle_made(k, file);
        }
    }
}

/// Tells of an opening, once. `check` says whether the others are asked.
///
/// # Errors
/// `STATUS_SHARING_VIOLATION`, `STATUS_DELETE_PENDING`, `STATUS_INSUFFICIENT_RESOURCES`.
pub fn enter(k: &'static Kernel, file: &DiskFile, access: u32, share: u32, check: bool) -> Nt<()> {
    if !is_several(k) || file.together.get().is_some() {
        return Ok(());
    }
    let (shm, me) = match k.sandbox() {
        Ok(sandbox) => sandbox,
        Err(STATUS_NOT_SUPPORTED) => return Ok(()),
        Err(error) => return Err(error),
    };
    let _guard = k.io.disk.entering.lock();
    if file.together.get().is_some() {
        return Ok(());
    }
    let name = file.link.uri();
    let mut tx = shm.begin();
    let opening = tx.open_file(me, key(&file.fcb.identity), &name, (access, share), same, check)?;
    tx.set_opening_flags(opening, flags(file));
    if file.link.delete_pending.load(Ordering::Acquire) {
        tx.set_pending(opening, true);
    }
    let (place, link) = (tx.file_of(opening), tx.link_of(opening));
    tx.commit()?;
    file.link.share(shm, link);
    let _ = file.together.set(Opening { shm, opening, file: place, common: AtomicBool::new(false) });
    Ok(())
}

fn flags(file: &DiskFile) -> u32 {
    let flag = |set: &AtomicBool, flag: u32| if set.load(Ordering::Acquire) { flag } else { 0 };
    flag(&file.delete_on_close, DELETE_ON_CLOSE) | flag(&file.posix_delete, POSIX)
}

impl DiskFile {
    /// Changes something of the opening that others see.
    fn tell(&self, change: impl FnOnce(&mut Tx<'_>, u32) -> Nt<()>) -> Nt<()> {
        let Some(together) = self.together.get() else { return Ok(()) };
        let mut tx = together.shm.begin();
        change(&mut tx, together.opening)?;
        tx.commit()
    }

    /// Tells whether its name is to go.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn tell_deletion(&self, pending: Option<bool>) -> Nt<()> {
        self.tell(|tx, opening| {
            tx.set_opening_flags(opening, flags(self));
            if let Some(pending) = pending {
                tx.set_pending(opening, pending);
            }
            Ok(())
        })
    }

    /// Tells its new name.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn tell_name(&self, name: &str) -> Nt<()> {
        self.tell(|tx, opening| tx.rename_opening(opening, name))
    }

    /// Whether any of its names goes, whoever said so.
    pub fn is_delete_pending(&self) -> bool {
        self.fcb.delete_pending()
            || self.together.get().is_some_and(|together| together.shm.begin().is_pending(together.file))
    }

    /// The opening becomes that of a file object that several processes have.
    pub fn make_common(&self, tx: &mut Tx<'_>, body: u32) {
        if let Some(together) = self.together.get() {
            tx.give_opening(together.opening, body);
            together.common.store(true, Ordering::Release);
        }
    }

    /// The file object came from another process.
    pub fn join(&self, shm: &'static Shm, body: u32) {
        let tx = shm.begin();
        let opening = tx.opening_of(body);
        if opening != 0 {
            let (file, link) = (tx.file_of(opening), tx.link_of(opening));
            drop(tx);
            self.link.share(shm, link);
            let _ = self.together.set(Opening { shm, opening, file, common: AtomicBool::new(true) });
        }
    }

    /// It was not opened after all: its name stays.
    pub fn forget_deletion(&self) {
        let _ = self.tell(|tx, opening| {
            tx.set_opening_flags(opening, 0);
            Ok(())
        });
    }

    /// The last handle was closed, or the file was not opened after all. Answers whether others were told: then they see to
    /// the name that goes with it.
    pub fn leave_others(&self) -> bool {
        let Some(together) = self.together.get() else { return false };
        self.link.stop_sharing_at_last();
        if !together.common.load(Ordering::Acquire) {
            let mut tx = together.shm.begin();
            tx.close_file(together.opening);
            let _ = tx.commit();
        }
        let _ = together.shm.dispose();
        true
    }

    fn bytes(&self, together: &Opening, owner: Owner, start: u64, end: u128, exclusive: bool) -> Bytes {
        // Empty ranges count as the byte in front of which they stand.
        let last = u64::try_from(end.saturating_sub(1)).unwrap_or(u64::MAX).max(start);
        Bytes { opening: together.opening, key: owner.key, start, last, exclusive }
    }

    /// Notes a lock for others; false if one of theirs is in the way.
    pub fn tell_lock(&self, range: &Range) -> bool {
        let Some(together) = self.together.get() else { return true };
        let bytes = self.bytes(together, range.owner, range.start, range.end, range.exclusive);
        let mut tx = together.shm.begin();
        !tx.is_hindered(&bytes) && tx.lock_bytes(&bytes).is_ok() && tx.commit().is_ok()
    }

    /// Notes that a lock is no more, exclusive ones first; answers whether there was one.
    pub fn tell_unlock(&self, owner: Owner, start: u64, length: u64) -> bool {
        let Some(together) = self.together.get() else { return false };
        let end = u128::from(start) + u128::from(length);
        let mut tx = together.shm.begin();
        let found = [true, false]
            .into_iter()
            .any(|exclusive| tx.unlock_bytes(&self.bytes(together, owner, start, end, exclusive)));
        tx.commit().is_ok() && found
    }

    /// Notes that all locks of the file object are no more.
    pub fn tell_release(&self) {
        let _ = self.tell(|tx, opening| {
            tx.unlock_all(opening);
            Ok(())
        });
    }

    /// Checks that no lock of another process forbids a read or write.
    ///
    /// # Errors
    /// `STATUS_FILE_LOCK_CONFLICT`.
    #[inline]
    pub fn check_others(&self, owner: Owner, start: u64, length: u64, write: bool) -> Nt<()> {
        match self.together.get() {
            Some(together) if length != 0 && together.shm.has_locks(together.file) => {
                let end = u128::from(start) + u128::from(length);
                let bytes = self.bytes(together, owner, start, end, write);
                if together.shm.begin().are_locked(&bytes) { Err(STATUS_FILE_LOCK_CONFLICT) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Held by whoever writes at the end, of all processes.
    pub fn hold_end(&self) -> Option<Held<'static>> {
        self.together.get().map(|together| together.shm.hold_end(together.file))
    }
}

/// How others share a file: whether any has it open for more than its attributes, and whether all let it be deleted.
pub fn sharing(k: &'static Kernel, identity: &Identity) -> Option<(bool, bool)> {
    if !is_several(k) {
        return None;
    }
    let (shm, _) = k.sandbox().ok()?;
    let tx = shm.begin();
    let share = tx.file_sharing(tx.file_with(key(identity))?);
    Some((share.is_used(), share.shares_delete()))
}

/// A name was taken by a file.
pub fn name_is_gone(k: &'static Kernel, name: &str, by: &Fcb) {
    if let (true, Ok((shm, _))) = (is_several(k), k.sandbox()) {
        let folded = path::fold(name);
        let mut tx = shm.begin();
        tx.name_is_taken(key(&by.identity), |held| path::fold(held) == folded);
        let _ = tx.commit();
    }
}

/// Whether any process has something open below a directory.
pub fn any_below(k: &'static Kernel, under: &[u16]) -> bool {
    let (true, Ok((shm, _))) = (is_several(k), k.sandbox()) else { return false };
    shm.begin().any_named(|held| path::fold(held).starts_with(under))
}

/// Deletes a name that the last opening by it left.
pub fn delete(k: &Kernel, bytes: &[u8]) {
    let Some((numbers, name)) = bytes.split_at_checked(16) else { return };
    let word = |at: usize| numbers.get(at..at + 8).and_then(|raw| raw.try_into().ok()).map_or(0, u64::from_le_bytes);
    let identity = Identity { volume: word(0), number: word(8) };
    if let Ok(uri) = String::from_utf8(name.to_vec()) {
        // What the monitor refuses leaves the name; what is gone was deleted by somebody who was killed over it.
        let _ = k.host.ask(&StreamDelete { uri, identity });
    }
}

/// A file object becomes one that several processes have: its part in the body of its record.
pub fn make_common(object: &Ref, tx: &mut Tx<'_>, body: u32) {
    if let Ok(file) = object.file()
        && let Ok(disk) = file.driver::<DiskFile>()
    {
        disk.make_common(tx, body);
    }
}

impl Link {
    /// Its name is told by the sandbox's memory from now on.
    fn share(&self, shm: &'static Shm, link: u32) {
        *self.shared.lock() = Some((shm, link));
    }

    /// The last opening by it in this process is about to end.
    fn stop_sharing_at_last(&self) {
        if self.is_last() {
            let name = self.uri();
            *self.shared.lock() = None;
            self.set_uri(name);
        }
    }
}

/// The opening of a file that is made known when it has a handle.
pub fn handle_made(k: &'static Kernel, disk: &DiskFile, file: &File) {
    let _ = enter(k, disk, file.access, file.share, false);
}
