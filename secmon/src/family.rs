//! What the picoprocesses of a sandbox have in common: the memory they share, who of them lives, and what they wish of the
//! monitor's first thread, which alone may start and end them.

use crate::sys::lock;
use crate::{host, sys};
use nix::fcntl::{OFlag, open};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use shim_abi::calls::ProcessCreate;
use shim_abi::error::{Error, Result};
use shim_abi::member::{self, LIVING, PLACES};
use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of the shared memory, when no limit is set. They cost nothing before they are used.
const MEMORY: u64 = 256 << 20;
/// Least of it under a limit.
const LEAST_MEMORY: u64 = 16 << 20;
/// Most picoprocesses of a sandbox at a time.
const MOST: usize = 512;

/// What a picoprocess wishes of another.
pub enum Wish {
    /// That it begins, as is said, for the one that is this process of the host's.
    Begin(ProcessCreate, Pid),
    /// That the one of this number ends, with this status.
    End(u32, u32),
}

/// A wish, and where the answer goes: the number of the picoprocess.
pub type Wished = (Wish, SyncSender<Result<u32>>);

#[derive(Default)]
struct Shared {
    memory: Option<File>,
    living: Option<File>,
    /// The number of who is in each place, 0 for nobody, and the last one that was.
    places: Vec<(u32, u32)>,
    wishes: VecDeque<Wished>,
    /// Whether somebody grants wishes.
    granting: bool,
}

/// The picoprocesses of a sandbox.
pub struct Family {
    shared: Mutex<Shared>,
    bell: EventFd,
    limit: Option<u64>,
}

impl Family {
    /// A family of the first alone. `limit` is what its members may use of memory.
    pub fn new(limit: Option<u64>) -> nix::Result<Self> {
        // What they leave for each other is kept by the monitor, beside a few lanes for each.
        if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
        }
        let mut places = vec![(0, 0); PLACES as usize];
        if let Some(first) = places.get_mut(member::place(member::FIRST) as usize) {
            *first = (member::FIRST, member::FIRST);
        }
        Ok(Family {
            shared: Mutex::new(Shared { places, ..Shared::default() }),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            limit,
        })
    }

    /// The memory that all members share.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::TooManyOpen`].
    pub fn memory(&self) -> Result<OwnedFd> {
        let mut shared = lock(&self.shared);
        if shared.memory.is_none() {
            let bytes = self.limit.map_or(MEMORY, |limit| (limit / 4).clamp(LEAST_MEMORY, MEMORY)) & !0xfff;
            shared.memory = Some(sys::memory(c"portcullis-sandbox", bytes).map_err(host::error)?.into());
        }
        let file = shared.memory.as_ref().ok_or(Error::OutOfMemory)?;
        file.try_clone().map(OwnedFd::from).map_err(|_| Error::TooManyOpen)
    }

    /// Bytes of it that are in use.
    pub fn memory_used(&self) -> u64 {
        let used = |file: &File| file.metadata().map_or(0, |of| of.blocks().saturating_mul(512));
        lock(&self.shared).memory.as_ref().map_or(0, used)
    }

    /// Who lives: to be read only.
    pub fn living(&self) -> Result<OwnedFd> {
        let mut shared = lock(&self.shared);
        if shared.living.is_none() {
            let file = File::from(sys::memory(c"portcullis-living", LIVING as u64).map_err(host::error)?);
            let words: Vec<u8> = shared.places.iter().flat_map(|(number, _)| number.to_le_bytes()).collect();
            file.write_all_at(&words, 0).map_err(|_| Error::OutOfMemory)?;
            shared.living = Some(file);
        }
        let file = shared.living.as_ref().ok_or(Error::OutOfMemory)?;
        open(sys::link(file).as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(host::error)
    }

    /// A place and number for a new member.
    pub fn enter(&self) -> Option<u32> {
        let mut shared = lock(&self.shared);
        if shared.places.iter().filter(|(number, _)| *number != 0).count() >= MOST {
            return None;
        }
        // Place 0 stays empty.
        let index = shared.places.iter().skip(1).position(|(number, _)| *number == 0)? + 1;
        let place = shared.places.get_mut(index)?;
        let number = if place.1 == 0 { index as u32 } else { member::next(place.1)? };
        *place = (number, number);
        shared.write(index, number);
        Some(number)
    }

    /// A member has ended.
    pub fn leave(&self, number: u32) {
        let mut shared = lock(&self.shared);
        let index = member::place(number) as usize;
        if let Some(place) = shared.places.get_mut(index).filter(|place| place.0 == number) {
            place.0 = 0;
            shared.write(index, 0);
        }
    }

    /// From now on wishes are granted.
    pub fn grants(&self) {
        lock(&self.shared).granting = true;
    }

    /// Wishes, and waits for the answer.
    ///
    /// # Errors
    /// The wish's; [`Error::Unsupported`] where nobody grants any, [`Error::Closed`] when the sandbox ends.
    pub fn wish(&self, wish: Wish) -> Result<u32> {
        let (answer, answered): (_, Receiver<Result<u32>>) = sync_channel(1);
        {
            let mut shared = lock(&self.shared);
            if !shared.granting {
                return Err(Error::Unsupported);
            }
            shared.wishes.push_back((wish, answer));
        }
        self.ring();
        answered.recv().unwrap_or(Err(Error::Closed))
    }

    /// The wishes since the last call.
    pub fn wishes(&self) -> Vec<Wished> {
        lock(&self.shared).wishes.drain(..).collect()
    }

    /// Has the first thread look.
    pub fn ring(&self) {
        let _ = self.bell.write(1);
    }

    /// What rings.
    pub fn bell(&self) -> &EventFd {
        &self.bell
    }

    /// It was heard.
    pub fn heard(&self) {
        let _ = self.bell.read();
    }
}

impl Shared {
    fn write(&self, index: usize, number: u32) {
        if let Some(file) = &self.living {
            // Cannot fail for a file of that size in memory.
            let _ = file.write_all_at(&number.to_le_bytes(), index as u64 * 4);
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/family.rs"]
mod tests;
