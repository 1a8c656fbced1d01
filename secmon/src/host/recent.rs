//! Attributes that were read lately, so that what is listed and then opened is not asked for twice.

use super::{Attributes, identity, nanoseconds};
use crate::locate::is_young;
use crate::sys::lock;
use shim_abi::stream::Identity;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

/// How many things are kept that have attributes, and how many that have none, as nearly all: eight bytes each.
const SOME: usize = 1024;
const NONE: usize = 65_536;

/// What was read, each where its mark leads to: by their numbers, files of many folders would crowd a few places.
#[derive(Debug, Default)]
pub struct Recent {
    /// What makes marks that nobody can foresee.
    state: RandomState,
    some: Mutex<Vec<(u64, Attributes)>>,
    none: Mutex<Vec<u64>>,
}

fn place(mark: u64, places: usize) -> usize {
    (mark >> 32) as usize % places
}

impl Recent {
    /// A number for a thing as it is now, as whoever changes attributes changes that time; 64 bits tell it from every other.
    fn mark(&self, of: &crate::sys::Statx) -> u64 {
        let Identity { volume, number } = identity(of);
        self.state.hash_one((volume, number, nanoseconds(&of.stx_ctime))) | 1
    }

    /// What is known of a thing that is as statx told.
    pub fn get(&self, of: &crate::sys::Statx) -> Option<Attributes> {
        let mark = self.mark(of);
        if lock(&self.none).as_chunks::<2>().0.get(place(mark, NONE / 2)).is_some_and(|pair| pair.contains(&mark)) {
            return Some(Attributes::default());
        }
        lock(&self.some).get(place(mark, SOME)).filter(|(known, _)| *known == mark).map(|(_, attributes)| *attributes)
    }

    /// Keeps what was read of a thing after statx told of it; nothing of one that was changed so lately that a further change
    /// may hide behind the same time.
    pub fn put(&self, of: &crate::sys::Statx, attributes: Attributes) {
        if is_young((of.stx_ctime.tv_sec, of.stx_ctime.tv_nsec)) {
            return;
        }
        let mark = self.mark(of);
        if attributes != Attributes::default() {
            let mut some = lock(&self.some);
            some.resize(SOME, Default::default());
            if let Some(slot) = some.get_mut(place(mark, SOME)) {
                *slot = (mark, attributes);
            }
            return;
        }
        let mut none = lock(&self.none);
        if none.is_empty() {
            // Zeros take no memory until they are written.
            *none = vec![0; NONE];
        }
        if let Some([new, old]) = none.as_chunks_mut().0.get_mut(place(mark, NONE / 2)) {
            (*new, *old) = (mark, *new);
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/host_recent.rs"]
mod tests;
