//! Attributes that were read lately, so that what is listed and then opened is not asked for twice.

use super::{Attributes, identity, nanoseconds};
use crate::locate::is_young;
use shim_abi::stream::Identity;
use std::sync::{Mutex, PoisonError};

/// How many are kept.
const SLOTS: usize = 2048;

/// What was read of a thing, and when that had last been changed: whoever changes attributes changes that time.
type Slot = Option<(Identity, i64, Attributes)>;

/// The attributes of things, each in the one slot that its number leads to.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Vec<Slot>>);

fn slot(number: u64) -> usize {
    number as usize % SLOTS
}

impl Recent {
    /// What is known of a thing that is as statx told.
    pub fn get(&self, of: &libc::statx) -> Option<Attributes> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (who, changed, kept) = slots.get(slot(of.stx_ino))?.as_ref()?;
        (*changed == nanoseconds(&of.stx_ctime) && *who == identity(of)).then_some(*kept)
    }

    /// Keeps what was read of a thing after statx told of it; nothing of one that was changed so lately that a further change
    /// may hide behind the same time.
    pub fn put(&self, of: &libc::statx, kept: Attributes) {
        if is_young((of.stx_ctime.tv_sec, of.stx_ctime.tv_nsec)) {
            return;
        }
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.resize(SLOTS, None);
        if let Some(place) = slots.get_mut(slot(of.stx_ino)) {
            *place = Some((identity(of), nanoseconds(&of.stx_ctime), kept));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::host::{Host, attributes};
    use crate::locate::tests::{Temporary, mount};
    use crate::sys;
    use shim_abi::stream::attributes as bits;
    use std::fs;

    #[test]
    fn what_the_host_changes_is_seen() {
        let dir = Temporary::new();
        let path = dir.0.join("a");
        fs::write(&path, "").unwrap();
        let (mount, host) = (mount(&dir.0, true), Host::default());
        let bits_now = || host.query(&mount, "a").unwrap().0.attributes;
        // Old enough to be kept.
        std::thread::sleep(std::time::Duration::from_millis(50));
        for _ in 0..2 {
            assert_eq!(bits_now(), bits::ARCHIVE);
        }
        let file = fs::File::options().write(true).open(&path).unwrap();
        if sys::set_attribute(&file, attributes::NAME, Some(b"0x2")).is_err() {
            // A file system that keeps none.
            return;
        }
        assert_eq!(bits_now(), bits::HIDDEN);
        let of = sys::statx(&file, c"").unwrap();
        assert!(host.recent.get(&of).is_none());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!((bits_now(), bits_now()), (bits::HIDDEN, bits::HIDDEN));
        assert!(host.recent.get(&of).is_some());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(bits_now(), bits::ARCHIVE);
    }
}
