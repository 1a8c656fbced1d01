//! Handles of windows, menus, hooks and the like: one table for the sandbox, as Windows has one for each session.
//!
//! A handle's lower half tells its entry, the upper one how often that was used, so that one of what is gone means nothing.

use super::root;
use crate::shm::Tx;
use crate::shm::member::LITTLE;
use crate::shm::member::field::USER_HANDLES;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Entries of a part of the table.
const ENTRIES: u32 = 256;
/// Parts: handles from [`FIRST`] to 0xffef.
pub(super) const CHUNKS: u32 = 128;
/// The lower half of the first handle.
const FIRST: u32 = 0x20;
/// Handles that there may be.
const MOST: u32 = (0xfff0 - FIRST) / 2;
/// Those that one process may have: what Windows has as USERProcessHandleQuota.
const QUOTA: u32 = 10_000;

/// Those that are left to processes that have few.
const RESERVE: u32 = 4096;

/// Words of an entry.
mod entry {
    /// What it stands for, or the next free entry's number plus one.
    pub const RECORD: u32 = 0;
    /// Type in the lower half, 0 while free; the generation in the upper.
    pub const TYPE: u32 = 1;
    /// Number of the process whose it is, 0 for nobody's.
    pub const PROCESS: u32 = 2;
    /// Number of words.
    pub const COUNT: u32 = 3;
}

/// What a handle stands for, with the numbers of Windows' own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A window.
    Window = 1,
    /// A menu.
    Menu = 2,
    /// A cursor or icon.
    Icon = 3,
    /// Windows that are moved together (BeginDeferWindowPos).
    Positions = 4,
    /// A hook.
    Hook = 5,
    /// A table of accelerators.
    Accelerators = 8,
    /// A hook on events of accessibility.
    EventHook = 15,
    /// An input context.
    InputContext = 17,
}

impl Tx<'_> {
    fn entry(&self, root: u32, index: u32) -> Option<u32> {
        let chunk = self.link(root + root::CHUNKS + (index / ENTRIES).min(CHUNKS - 1));
        (chunk != 0 && index < MOST).then(|| chunk + index % ENTRIES * entry::COUNT)
    }

    /// Where the handles of a process are counted, 0 for none: its record, unless it is gone.
    fn handle_count_of(&self, process: u32) -> Option<u32> {
        (process != 0).then(|| self.owner_of(process).map(|member| member + USER_HANDLES)).flatten()
    }

    /// A new handle of a member's (0: nobody's) to a record.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_user_handle(&mut self, kind: Kind, record: u32, member: u32) -> Nt<u32> {
        let root = self.user()?;
        let process = if member == 0 { 0 } else { self.id_of(member) };
        let counted = self.handle_count_of(process);
        if counted.is_some_and(|at| self.get(at) >= QUOTA) {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let used = self.get(root + root::USED_HANDLES);
        if used >= MOST - RESERVE && counted.is_some_and(|at| self.get(at) >= LITTLE) {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let free = self.get(root + root::FREE_HANDLE);
        let index = match free {
            0 => {
                let index = self.get(root + root::HANDLES);
                if index >= MOST {
                    return Err(STATUS_INSUFFICIENT_RESOURCES);
                }
                let chunk = root + root::CHUNKS + index / ENTRIES;
                if self.get(chunk) == 0 {
                    let block = self.allocate(ENTRIES * entry::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
                    self.set(chunk, block);
                }
                self.set(root + root::HANDLES, index + 1);
                index
            }
            free => free - 1,
        };
        let at = self.entry(root, index).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        if free != 0 {
            let next = self.get(at + entry::RECORD);
            self.set(root + root::FREE_HANDLE, next);
        }
        // 0 and all ones are no generation: such handles are the short form of others.
        let generation = match (self.get(at + entry::TYPE) >> 16) + 1 {
            0xffff.. => 1,
            next => next,
        };
        self.set(at + entry::RECORD, record);
        self.set(at + entry::PROCESS, process);
        if let Some(counted) = counted {
            self.set(counted, self.get(counted) + 1);
        }
        self.set(at + entry::TYPE, generation << 16 | kind as u32);
        self.set(root + root::USED_HANDLES, used.saturating_add(1));
        Ok(generation << 16 | (index * 2 + FIRST))
    }

    /// The entry that a handle means: whole, or its lower half alone, as 16-bit programs had it.
    fn user_entry(&self, handle: u32) -> Option<u32> {
        let (low, generation) = (handle & 0xffff, handle >> 16);
        let at = self.entry(self.user_root()?, low.checked_sub(FIRST)? / 2)?;
        let held = self.get(at + entry::TYPE);
        let same = generation == 0 || generation == 0xffff || generation == held >> 16;
        (held & 0xffff != 0 && same).then_some(at)
    }

    /// The record that a handle of a kind stands for.
    pub fn user_record(&self, handle: u32, kind: Kind) -> Option<u32> {
        let at = self.user_entry(handle)?;
        (self.get(at + entry::TYPE) & 0xffff == kind as u32).then(|| self.link(at + entry::RECORD))
    }

    /// All handles of a kind, with their records.
    pub fn user_handles(&self, kind: Kind) -> Vec<(u32, u32)> {
        let Some(root) = self.user_root() else { return Vec::new() };
        let used = self.get(root + root::HANDLES).min(MOST);
        let of = |index: u32| {
            let at = self.entry(root, index)?;
            let held = self.get(at + entry::TYPE);
            let handle = held & 0xffff_0000 | (index * 2 + FIRST);
            (held & 0xffff == kind as u32).then(|| (handle, self.link(at + entry::RECORD)))
        };
        (0..used).filter_map(of).collect()
    }

    /// Menus and tables of accelerators of a member that goes mean nothing from now on; answers whether some are left, as a transaction has room for so
    /// many.
    pub(in crate::shm) fn drop_menus(&mut self, member: u32) -> bool {
        let all = [Kind::Menu, Kind::Accelerators].map(|kind| self.user_handles(kind)).concat();
        for (handle, record) in all {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 2 {
                return true;
            }
            if record == member {
                self.free_user_handle(handle);
            }
        }
        false
    }

    /// A handle means nothing from now on.
    pub fn free_user_handle(&mut self, handle: u32) {
        let (Some(root), Some(at)) = (self.user_root(), self.user_entry(handle)) else { return };
        let next = self.get(root + root::FREE_HANDLE);
        let kind = self.get(at + entry::TYPE);
        if let Some(counted) = self.handle_count_of(self.get(at + entry::PROCESS)) {
            self.set(counted, self.get(counted).saturating_sub(1));
        }
        self.set(at + entry::RECORD, next);
        self.set(at + entry::TYPE, kind & 0xffff_0000);
        let used = self.get(root + root::USED_HANDLES);
        self.set(root + root::USED_HANDLES, used.saturating_sub(1));
        self.set(root + root::FREE_HANDLE, ((handle & 0xffff) - FIRST) / 2 + 1);
    }
}
