//! Input contexts: handles with a number of imm32's behind each.

use super::desk;
use super::handle::Kind;
use crate::shm::Tx;
use crate::shm::list::List;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Words of a context.
mod field {
    /// Node in the list of all.
    pub const NODE: u32 = 0;
    /// Its handle, its queue and thread, what imm32 keeps.
    pub const HANDLE: u32 = 2;
    pub const QUEUE: u32 = 3;
    pub const THREAD: u32 = 4;
    pub const CLIENT: u32 = 5;
    /// Number of words.
    pub const COUNT: u32 = 7;
}

/// Contexts of a queue: what a program makes without end ends here.
const MOST: usize = 4096;
/// Those of one process.
const MOST_OF_ONE: usize = MOST / 4;

/// An input context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The thread that made it.
    pub thread: u32,
    /// What imm32 keeps.
    pub client: u64,
}

impl Tx<'_> {
    fn contexts(&self) -> Vec<u32> {
        let Some(desk) = self.desk() else { return Vec::new() };
        List(desk + desk::field::CONTEXTS).nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    /// Makes a context of a queue's thread; answers its handle.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_input_context(&mut self, queue: u32, thread: u32, client: u64) -> Nt<u32> {
        let all = self.contexts();
        let member = self.link(queue + super::queue::field::MEMBER);
        let whose = |context: &u32| self.link(self.link(*context + field::QUEUE) + super::queue::field::MEMBER);
        if all.len() >= MOST || all.iter().filter(|context| whose(context) == member).count() >= MOST_OF_ONE {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let desk = self.make_desk()?;
        let record = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let handle = self.new_user_handle(Kind::InputContext, record, member)?;
        for (at, value) in [(field::HANDLE, handle), (field::QUEUE, queue), (field::THREAD, thread)] {
            self.set(record + at, value);
        }
        self.set_wide(record + field::CLIENT, client);
        List(desk + desk::field::CONTEXTS).push(self, record + field::NODE);
        Ok(handle)
    }

    /// The context of a handle.
    pub fn input_context(&self, handle: u32) -> Option<Context> {
        let record = self.user_record(handle, Kind::InputContext)?;
        Some(Context { thread: self.get(record + field::THREAD), client: self.wide(record + field::CLIENT) })
    }

    /// Sets what imm32 keeps of a context.
    pub fn set_input_context(&mut self, handle: u32, client: u64) {
        if let Some(record) = self.user_record(handle, Kind::InputContext) {
            self.set_wide(record + field::CLIENT, client);
        }
    }

    /// A context goes.
    pub fn drop_input_context(&mut self, handle: u32) {
        let (Some(desk), Some(record)) = (self.desk(), self.user_record(handle, Kind::InputContext)) else { return };
        List(desk + desk::field::CONTEXTS).remove(self, record + field::NODE);
        self.free_user_handle(handle);
        self.free(record);
    }

    /// Contexts of a queue that goes, go.
    pub(super) fn drop_input_contexts(&mut self, queue: u32) {
        for record in self.contexts() {
            if self.link(record + field::QUEUE) == queue {
                self.drop_input_context(self.get(record + field::HANDLE));
            }
        }
    }

    /// Handles of a thread's contexts, or of all.
    pub fn input_contexts(&self, thread: Option<u32>, takes: impl Fn(u32) -> bool) -> Vec<u32> {
        let all = self.contexts().into_iter();
        let of = all.filter(|record| thread.is_none_or(|thread| self.get(record + field::THREAD) == thread));
        of.map(|record| self.get(record + field::HANDLE)).filter(|handle| takes(*handle)).collect()
    }
}
