//! Hooks: functions of programs that are called before something happens.
//!
//! All of them stand in one list, the last one set first. A hook is for one thread, or for all; those for the thread itself come first.

use super::desk;
use super::handle::Kind;
use super::root;
use crate::shm::list::List;
use crate::shm::{Shm, Tx};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a hook.
mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// Its handle.
    pub const HANDLE: u32 = 2;
    /// WH_* plus one.
    pub const KIND: u32 = 3;
    /// The queue of who set it; that one's thread and process.
    pub const OWNER: u32 = 4;
    pub const OWNER_THREAD: u32 = 5;
    pub const OWNER_PROCESS: u32 = 6;
    /// The thread and the process that it is for, 0 for all.
    pub const THREAD: u32 = 7;
    pub const PROCESS: u32 = 8;
    /// First and last event, and WINEVENT_*.
    pub const FIRST: u32 = 9;
    pub const LAST: u32 = 10;
    pub const FLAGS: u32 = 11;
    /// Whether it takes UTF-16.
    pub const UNICODE: u32 = 12;
    /// The function: an address, or a distance into the module if there is one.
    pub const FUNCTION: u32 = 13;
    /// The module's path: a block of bytes.
    pub const MODULE: u32 = 15;
    /// Number of words.
    pub const COUNT: u32 = 16;
}

/// Hooks of the sandbox: what programs make without end ends here.
const MOST: usize = 4096;
/// Those of one process.
const MOST_OF_ONE: usize = MOST / 4;
/// WINEVENT_*.
pub mod flags {
    /// Not for events of the thread that set it.
    pub const SKIP_OWN_THREAD: u32 = 1;
    /// Not for events of its process.
    pub const SKIP_OWN_PROCESS: u32 = 2;
    /// It is called where the event happens.
    pub const IN_CONTEXT: u32 = 4;
}

/// A hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// Its handle; set by [`Tx::add_hook`].
    pub handle: u32,
    /// WH_*; 15 is for events.
    pub kind: i32,
    /// The queue of who set it.
    pub owner: u32,
    /// That one's thread.
    pub owner_thread: u32,
    /// That one's process.
    pub owner_process: u32,
    /// The thread that it is for, 0 for all.
    pub thread: u32,
    /// The process that it is for, 0 for all.
    pub process: u32,
    /// First and last event.
    pub events: (u32, u32),
    /// Bits of [`flags`].
    pub flags: u32,
    /// Whether it takes UTF-16.
    pub unicode: bool,
    /// An address, or a distance into the module if there is one.
    pub function: u64,
    /// The module's path in UTF-16.
    pub module: Vec<u8>,
}

/// The word that counts hooks of a kind.
fn count_of(kind: i32) -> u32 {
    desk::field::HOOK_COUNTS + (kind.wrapping_add(1) as u32).min(desk::HOOK_KINDS - 1)
}

impl Tx<'_> {
    fn hooks(&self) -> Vec<u32> {
        let Some(desk) = self.desk() else { return Vec::new() };
        List(desk + desk::field::HOOKS).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    fn hook(&self, record: u32) -> Hook {
        let word = |at: u32| self.get(record + at);
        Hook {
            handle: word(field::HANDLE),
            kind: (word(field::KIND) as i32).wrapping_sub(1),
            owner: word(field::OWNER),
            owner_thread: word(field::OWNER_THREAD),
            owner_process: word(field::OWNER_PROCESS),
            thread: word(field::THREAD),
            process: word(field::PROCESS),
            events: (word(field::FIRST), word(field::LAST)),
            flags: word(field::FLAGS),
            unicode: word(field::UNICODE) != 0,
            function: self.wide(record + field::FUNCTION),
            module: self.kept_bytes(record + field::MODULE),
        }
    }

    /// The hook that a handle names.
    pub fn find_hook(&self, handle: u32) -> Option<Hook> {
        self.user_record(handle, Kind::Hook)
            .or_else(|| self.user_record(handle, Kind::EventHook))
            .map(|record| self.hook(record))
    }

    /// Sets a hook; answers its handle.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_hook(&mut self, hook: &Hook) -> Nt<u32> {
        let all = self.hooks();
        let mine = all.iter().filter(|other| self.get(*other + field::OWNER_PROCESS) == hook.owner_process).count();
        if all.len() >= MOST || mine >= MOST_OF_ONE {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let desk = self.make_desk()?;
        let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let kind = if hook.kind == 15 { Kind::EventHook } else { Kind::Hook };
        let handle = self.new_user_handle(kind, record, self.link(hook.owner + super::queue::field::MEMBER))?;
        let facts = [
            (field::HANDLE, handle),
            (field::KIND, hook.kind.wrapping_add(1) as u32),
            (field::OWNER, hook.owner),
            (field::OWNER_THREAD, hook.owner_thread),
            (field::OWNER_PROCESS, hook.owner_process),
            (field::THREAD, hook.thread),
            (field::PROCESS, hook.process),
            (field::FIRST, hook.events.0),
            (field::LAST, hook.events.1),
            (field::FLAGS, hook.flags),
            (field::UNICODE, hook.unicode.into()),
        ];
        for (at, value) in facts {
            self.set(record + at, value);
        }
        self.set_wide(record + field::FUNCTION, hook.function);
        self.replace_bytes(record + field::MODULE, &hook.module)?;
        List(desk + desk::field::HOOKS).push_front(self, record + field::NODE);
        let count = self.get(desk + count_of(hook.kind));
        self.set(desk + count_of(hook.kind), count.wrapping_add(1));
        Ok(handle)
    }

    fn drop_hook(&mut self, record: u32) {
        let Some(desk) = self.desk() else { return };
        let hook = self.hook(record);
        List(desk + desk::field::HOOKS).remove(self, record + field::NODE);
        let count = self.get(desk + count_of(hook.kind));
        self.set(desk + count_of(hook.kind), count.saturating_sub(1));
        let module = self.get(record + field::MODULE);
        if module != 0 {
            self.free(module);
        }
        self.free_user_handle(hook.handle);
        self.free(record);
    }

    /// Whether there is a hook with that handle; if so it is gone.
    pub fn remove_hook(&mut self, handle: u32, events: bool) -> bool {
        let kind = if events { Kind::EventHook } else { Kind::Hook };
        let Some(record) = self.user_record(handle, kind) else { return false };
        self.drop_hook(record);
        true
    }

    /// A thread's own hook of a kind that is a function of its: UnhookWindowsHook names it so.
    pub fn hook_with(&self, thread: u32, kind: i32, function: u64) -> Option<u32> {
        let all = self.hooks().into_iter().map(|record| self.hook(record));
        let mut mine = all.filter(|hook| hook.kind == kind && hook.thread == thread);
        mine.find(|hook| hook.function == function).map(|hook| hook.handle)
    }

    /// Hooks of a queue that goes, and those for its thread, go.
    pub(super) fn drop_hooks(&mut self, queue: u32) {
        let thread = self.get(queue + super::queue::field::THREAD);
        for record in self.hooks() {
            let (owner, of) = (self.get(record + field::OWNER), self.get(record + field::THREAD));
            if owner == queue || of == thread && thread != 0 {
                self.drop_hook(record);
            }
        }
    }

    /// The hooks of a kind that a thread of a process calls, in order; with an event those that are for it.
    pub fn hooks_of(&self, kind: i32, thread: u32, process: u32, event: Option<u32>) -> Vec<Hook> {
        if self.of_desk(count_of(kind)) == 0 {
            return Vec::new();
        }
        let all =
            self.hooks().into_iter().filter(|record| (self.get(record + field::KIND) as i32).wrapping_sub(1) == kind);
        let is_for = |hook: &Hook| {
            (hook.thread == 0 || hook.thread == thread)
                && (hook.process == 0 || hook.process == process)
                && event.is_none_or(|event| {
                    (hook.events.0..=hook.events.1).contains(&event)
                        && !(hook.flags & flags::SKIP_OWN_THREAD != 0 && hook.owner_thread == thread)
                        && !(hook.flags & flags::SKIP_OWN_PROCESS != 0 && hook.owner_process == process)
                })
        };
        let (own, global): (Vec<Hook>, Vec<Hook>) =
            all.map(|record| self.hook(record)).filter(is_for).partition(|hook| hook.thread != 0);
        [own, global].concat()
    }
}

impl Shm {
    /// Whether there is any hook of a kind, without a transaction: it may be gone, or come, at once.
    pub fn is_hooked(&self, kind: i32) -> bool {
        let root = self.link(super::ROOT);
        let desk = if root == 0 { 0 } else { self.link(root + root::DESK) };
        desk != 0 && self.load(desk + count_of(kind)) != 0
    }
}
