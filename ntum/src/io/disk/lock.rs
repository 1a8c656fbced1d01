//! Byte-range locks of an open file. Mandatory: what they forbid, reads and writes of others are refused.

use crate::io::irp::Irp;
use crate::kernel::Kernel;
use crate::status::*;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whose a lock is: a file object, and the key it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Number of the file object.
    pub file: u64,
    /// The caller's key.
    pub key: u32,
}

/// A lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Whose it is.
    pub owner: Owner,
    /// First byte.
    pub start: u64,
    /// First byte beyond; 2^64 as 128 bits would need.
    pub end: u128,
    /// Whether nobody else may have a lock there.
    pub exclusive: bool,
}

impl Range {
    /// A range of `length` bytes.
    ///
    /// # Errors
    /// `STATUS_INVALID_LOCK_RANGE` if it goes beyond 2^64.
    pub fn new(owner: Owner, start: u64, length: u64, exclusive: bool) -> Nt<Range> {
        let end = u128::from(start) + u128::from(length);
        if end > 1 << 64 { Err(STATUS_INVALID_LOCK_RANGE) } else { Ok(Range { owner, start, end, exclusive }) }
    }

    /// Whether two ranges share bytes; an empty one does within the other, not at its ends.
    fn overlaps(&self, start: u64, end: u128) -> bool {
        u128::from(start) < self.end && u128::from(self.start) < end
    }

    fn hinders(&self, wanted: &Range) -> bool {
        let mine = self.owner.file == wanted.owner.file;
        self.overlaps(wanted.start, wanted.end) && (wanted.exclusive || (self.exclusive && !mine))
    }
}

#[derive(Default)]
struct State {
    held: Vec<Range>,
    waiting: VecDeque<(Range, Arc<Irp>)>,
}

/// The locks of a file.
#[derive(Default)]
pub struct Locks {
    /// Whether there are any: reads and writes look no further if not.
    any: AtomicBool,
    state: Mutex<State>,
}

/// Bytes of a range that no other lock of the same file object covers.
type Holes = Vec<(u64, u128)>;

impl Locks {
    /// Takes a lock if nothing hinders it.
    pub fn try_lock(&self, range: Range) -> bool {
        let mut state = self.state.lock();
        if state.held.iter().any(|held| held.hinders(&range)) {
            return false;
        }
        state.held.push(range);
        self.any.store(true, Ordering::Release);
        true
    }

    /// Takes a lock, or has the request wait for it; answers whether it was taken.
    pub fn lock_or_wait(&self, range: Range, irp: impl FnOnce() -> Arc<Irp>) -> Option<Arc<Irp>> {
        let mut state = self.state.lock();
        if state.held.iter().any(|held| held.hinders(&range)) {
            let irp = irp();
            state.waiting.push_back((range, irp.clone()));
            return Some(irp);
        }
        state.held.push(range);
        self.any.store(true, Ordering::Release);
        None
    }

    /// Takes a waiting request off the list; answers whether it was there.
    pub fn forget(&self, irp: &Arc<Irp>) -> bool {
        let mut state = self.state.lock();
        let before = state.waiting.len();
        state.waiting.retain(|(_, waiting)| !Arc::ptr_eq(waiting, irp));
        state.waiting.len() != before
    }

    /// Gives up the lock of exactly that range, an exclusive one first; answers the bytes that no other lock of the owner
    /// covers.
    ///
    /// # Errors
    /// `STATUS_RANGE_NOT_LOCKED`.
    pub fn unlock(&self, owner: Owner, start: u64, length: u64) -> Nt<Holes> {
        let end = u128::from(start) + u128::from(length);
        let mut state = self.state.lock();
        let is = |held: &Range, exclusive: bool| {
            held.owner == owner && held.start == start && held.end == end && held.exclusive == exclusive
        };
        let found = state.held.iter().position(|held| is(held, true));
        let found = found.or_else(|| state.held.iter().position(|held| is(held, false)));
        let gone = state.held.remove(found.ok_or(STATUS_RANGE_NOT_LOCKED)?);
        self.any.store(!state.held.is_empty(), Ordering::Release);
        let mut holes = vec![(gone.start, gone.end)];
        for held in state.held.iter().filter(|held| held.owner.file == owner.file) {
            holes = holes.into_iter().flat_map(|hole| subtract(hole, held)).collect();
        }
        Ok(holes)
    }

    /// Gives up every lock of a file object; answers whether it had any.
    pub fn release(&self, file: u64) -> bool {
        let mut state = self.state.lock();
        let before = state.held.len();
        state.held.retain(|held| held.owner.file != file);
        self.any.store(!state.held.is_empty(), Ordering::Release);
        state.held.len() != before
    }

    /// Grants what waits and is no longer hindered, in the order it came; `take` says whether the host grants it too.
    pub fn grant(&self, k: &'static Kernel, take: impl Fn(&Range, &Arc<Irp>) -> bool) {
        loop {
            let granted = {
                let mut state = self.state.lock();
                let State { held, waiting } = &mut *state;
                let ready = waiting
                    .iter()
                    .position(|(range, irp)| !held.iter().any(|other| other.hinders(range)) && take(range, irp));
                let Some((range, irp)) = ready.and_then(|index| waiting.remove(index)) else { return };
                held.push(range);
                self.any.store(true, Ordering::Release);
                (range, irp)
            };
            if !granted.1.complete(k, STATUS_SUCCESS, 0) {
                // It was cancelled in this instant.
                let mut state = self.state.lock();
                if let Some(index) = state.held.iter().position(|held| *held == granted.0) {
                    state.held.remove(index);
                }
            }
        }
    }

    /// Checks that a read or write is not forbidden.
    ///
    /// # Errors
    /// `STATUS_FILE_LOCK_CONFLICT`.
    #[inline]
    pub fn check(&self, owner: Owner, start: u64, length: u64, write: bool) -> Nt<()> {
        if !self.any.load(Ordering::Acquire) || length == 0 {
            Ok(())
        } else {
            self.check_slowly(owner, start, length, write)
        }
    }

    fn check_slowly(&self, owner: Owner, start: u64, length: u64, write: bool) -> Nt<()> {
        let end = u128::from(start) + u128::from(length);
        let state = self.state.lock();
        let forbidden = state.held.iter().any(|held| {
            // A shared lock keeps everybody from writing, its owner too.
            held.overlaps(start, end) && if held.exclusive { held.owner != owner } else { write }
        });
        if forbidden { Err(STATUS_FILE_LOCK_CONFLICT) } else { Ok(()) }
    }
}

/// What is left of a range without what a lock covers.
fn subtract((start, end): (u64, u128), held: &Range) -> Vec<(u64, u128)> {
    let mut left = Vec::new();
    if u128::from(held.start) > u128::from(start) {
        left.push((start, end.min(u128::from(held.start))));
    }
    if held.end < end {
        // Below 2^64 since it is below `end`.
        left.push((start.max(held.end as u64), end));
    }
    left.retain(|(start, end)| u128::from(*start) < *end);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(file: u64) -> Owner {
        Owner { file, key: 0 }
    }

    fn range(file: u64, start: u64, length: u64, exclusive: bool) -> Range {
        Range::new(owner(file), start, length, exclusive).unwrap()
    }

    #[test]
    fn exclusive_and_shared() {
        let locks = Locks::default();
        assert!(locks.try_lock(range(1, 10, 20, true)));
        assert!(!locks.try_lock(range(1, 12, 10, true)));
        assert!(!locks.try_lock(range(2, 5, 6, false)));
        assert!(locks.try_lock(range(1, 5, 5, true)));
        assert_eq!(locks.unlock(owner(1), 10, 10), Err(STATUS_RANGE_NOT_LOCKED));
        assert!(locks.try_lock(range(1, 10, 20, false)), "a shared lock over one's own exclusive one");
        locks.unlock(owner(1), 10, 20).unwrap();
        assert!(locks.try_lock(range(2, 10, 20, false)), "the exclusive one went first");
        assert!(!locks.try_lock(range(2, 15, 1, true)));
    }

    #[test]
    fn empty_ranges_and_the_last_byte() {
        let locks = Locks::default();
        assert!(locks.try_lock(range(1, 100, 0, true)));
        assert!(!locks.try_lock(range(1, 98, 4, true)));
        assert!(locks.try_lock(range(1, 90, 10, true)));
        assert!(locks.try_lock(range(1, u64::MAX, 1, true)));
        assert_eq!(Range::new(owner(1), u64::MAX, 2, true), Err(STATUS_INVALID_LOCK_RANGE));
    }

    #[test]
    fn reads_and_writes() {
        let locks = Locks::default();
        assert!(locks.try_lock(range(1, 0, 10, true)));
        assert!(locks.try_lock(range(1, 20, 10, false)));
        assert_eq!(locks.check(owner(1), 0, 10, true), Ok(()));
        assert_eq!(locks.check(owner(2), 9, 1, false), Err(STATUS_FILE_LOCK_CONFLICT));
        assert_eq!(locks.check(owner(2), 10, 10, true), Ok(()));
        assert_eq!(locks.check(owner(2), 20, 1, false), Ok(()));
        assert_eq!(locks.check(owner(1), 20, 1, true), Err(STATUS_FILE_LOCK_CONFLICT));
        assert!(locks.release(1));
        assert_eq!(locks.check(owner(2), 0, 100, true), Ok(()));
    }

    #[test]
    fn holes() {
        let locks = Locks::default();
        assert!(locks.try_lock(range(1, 0, 100, false)));
        assert!(locks.try_lock(range(1, 10, 10, false)));
        assert!(locks.try_lock(range(1, 50, 100, false)));
        assert_eq!(locks.unlock(owner(1), 0, 100), Ok(vec![(0, 10), (20, 50)]));
    }
}
