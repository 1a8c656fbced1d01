//! Members: the processes of the sandbox, the numbers of their threads, and what becomes of what a dead one held.

use super::list::List;
use super::object::{field as object, holder};
use super::{Shm, Tx, layout, wait};
use crate::ke::dispatcher::Kind;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Every member's record: a list.
const MEMBERS: List = List(layout::ROOTS + 1);
/// Whose each chunk of thread numbers is: a block of [`CHUNKS`] words, member records, or a process's that ended with [`LEFT`];
/// 0 before the first.
const OWNERS: u32 = layout::ROOTS + 3;
/// A process that ended, and is held: its number is no other's until nobody does.
const LEFT: u32 = 1 << 31;
/// Chunks of numbers.
const CHUNKS: u32 = 4096;
/// Numbers in a chunk. They step by four, as NT's do.
pub const CHUNK: u32 = 256;

/// Words of a member's record.
pub(super) mod field {
    /// Node in the list of members.
    pub const NODE: u32 = 0;
    /// Its number as a member: who holds locks.
    pub const NUMBER: u32 = 2;
    /// References that it holds: a list.
    pub const HELD: u32 = 3;
    /// Wait blocks of its threads: a list.
    pub const WAITS: u32 = 5;
    /// Its process object.
    pub const PROCESS: u32 = 7;
    /// Its first number, which is its process's.
    pub const ID: u32 = 8;
    /// What it is told at its start: a block of bytes, 0 for none.
    pub const BIRTH: u32 = 9;
    /// Requests of other members: a list.
    pub const INBOX: u32 = 10;
    /// Counts them; who serves them sleeps on it.
    pub const BELL: u32 = 12;
    /// Openings of files that are its alone: a list.
    pub const OPENINGS: u32 = 13;
    /// Requests of its threads that wait: a list, see `request`.
    pub const REQUESTS: u32 = 15;
    /// Requests of its threads that are finished and that nobody sleeps on: a list.
    pub const FINISHED: u32 = 17;
    /// The console that it is attached to, 0 for none: see `console`.
    pub const CONSOLE: u32 = 19;
    /// Its process group, 0 for its own.
    pub const GROUP: u32 = 20;
    /// 1: timers were handed to it that another member kept, see `timer`.
    pub const TIMERS: u32 = 21;
    /// The debug object that it is attached to, 0 for none.
    pub const DEBUGGER: u32 = 22;
    /// 1: what it makes is not attached to that one.
    pub const DEBUGGED_ALONE: u32 = 23;
    /// 1: a thread of its has had the foreground.
    pub const WAS_IN_FRONT: u32 = 24;
    /// How many handles of windows, menus and the like it has: see `user::handle`.
    pub const USER_HANDLES: u32 = 25;
    /// How many references it holds.
    pub const HOLDS: u32 = 26;
    /// Number of words.
    pub const COUNT: u32 = 27;
}

/// Number of a member that is not started yet.
pub const UNBORN: u32 = 0;
/// Exit status of a process that somebody else than the sandbox ended.
pub(super) const KILLED: u32 = 1;
/// References, and handles of windows and the like, with which a member has little: what is kept for such ones it gets whatever the others have.
pub(super) const LITTLE: u32 = 64;
/// References that one transaction lets go: it must fit into the log.
const STEP: usize = 16;

impl Tx<'_> {
    /// Adds a member with its process object, which it holds; answers its record. Its process's number is `id`, or the first of
    /// a new chunk.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn add_member(&mut self, number: u32, process: u32, id: Option<u32>) -> Nt<u32> {
        let member = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(member + field::NUMBER, number);
        self.set_member_of(process, number);
        self.fill(member + field::PROCESS, process);
        MEMBERS.push(self, member + field::NODE);
        self.hold(process, member, false)?;
        let first = self.take_chunk(member, id.map(|id| id / CHUNK))?;
        self.set(member + field::ID, id.unwrap_or(first));
        self.set_process_id(process, id.unwrap_or(first));
        Ok(member)
    }

    /// Number of a member's process.
    pub fn id_of(&self, member: u32) -> u32 {
        self.get(member + field::ID)
    }

    /// A member learns its number: it has none before it is started.
    pub fn number_member(&mut self, member: u32, number: u32) {
        self.set(member + field::NUMBER, number);
        self.set_member_of(self.process_of(member), number);
    }

    /// Leaves a member what it is told at its start.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn leave_birth(&mut self, member: u32, birth: &[u8]) -> Nt<()> {
        let block = self.allocate_bytes(birth).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(member + field::BIRTH, block);
        Ok(())
    }

    /// Takes what a member is told at its start.
    pub fn take_birth(&mut self, member: u32) -> Option<Vec<u8>> {
        let block = self.get(member + field::BIRTH);
        if block == 0 {
            return None;
        }
        let birth = self.bytes(block);
        self.set(member + field::BIRTH, 0);
        self.free(block);
        Some(birth)
    }

    /// The record of the member with that number.
    pub fn member(&self, number: u32) -> Option<u32> {
        self.members().into_iter().find(|member| self.get(member + field::NUMBER) == number)
    }

    /// Whether the member that acts has little so far; who is none yet has nothing.
    pub(super) fn has_little(&self) -> bool {
        let few = |member: u32| [field::HOLDS, field::USER_HANDLES].iter().all(|at| self.get(member + at) < LITTLE);
        self.member(self.shm.me()).is_none_or(few)
    }

    /// Every member's record.
    pub fn members(&self) -> Vec<u32> {
        MEMBERS.nodes(self).into_iter().map(|node| node - field::NODE).collect()
    }

    /// Takes away a member that was never started: its records go with those that hold them.
    pub fn forget_member(&mut self, member: u32) {
        let _ = self.take_birth(member);
        self.leave_jobs(self.process_of(member));
        self.debuggee_ends(member);
        self.summoned_goes(self.process_of(member));
        for node in List(member + field::HELD).nodes(self) {
            self.release(node - holder::BY_MEMBER);
        }
        self.give_chunk(self.get(member + field::ID));
        MEMBERS.remove(self, member + field::NODE);
        self.free(member);
    }

    /// The member that a process is, if it still is one.
    pub fn member_that_is(&self, process: u32) -> Option<u32> {
        self.members().into_iter().find(|member| self.process_of(*member) == process)
    }

    /// Every member's number; 0 for one that is not started yet.
    pub fn member_numbers(&self) -> Vec<u32> {
        self.members().into_iter().map(|member| self.get(member + field::NUMBER)).collect()
    }

    /// A member's process object.
    pub fn process_of(&self, member: u32) -> u32 {
        self.link(member + field::PROCESS)
    }

    /// A chunk of numbers for a member's threads, this one or any: the first of [`CHUNK`], in steps of four.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn take_chunk(&mut self, member: u32, wanted: Option<u32>) -> Nt<u32> {
        let mut owners = self.link(OWNERS);
        if owners == 0 {
            owners = self.allocate(CHUNKS).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
            self.set(OWNERS, owners);
        }
        // The first chunk is the first process's.
        let free = |chunk: &u32| self.get(owners + chunk) == 0;
        let free = wanted.or_else(|| (1..CHUNKS).find(free)).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(owners + free, member);
        Ok(free * CHUNK)
    }

    /// The member that a process or thread number belongs to.
    pub fn owner_of(&self, id: u32) -> Option<u32> {
        let (owners, chunk) = (self.link(OWNERS), id / CHUNK);
        let owner = if owners != 0 && chunk < CHUNKS { self.get(owners + chunk) } else { 0 };
        (owner & LEFT == 0).then(|| self.shm.as_block(owner)).filter(|owner| *owner != 0)
    }

    /// The process that had a number and ended, as long as somebody holds it.
    pub(super) fn left_with(&self, id: u32) -> Option<u32> {
        let (owners, chunk) = (self.link(OWNERS), id / CHUNK);
        let owner = if owners != 0 && chunk < CHUNKS { self.get(owners + chunk) } else { 0 };
        (owner & LEFT != 0).then(|| self.shm.as_block(owner & !LEFT)).filter(|process| *process != 0)
    }

    /// Gives a chunk of numbers back that none of is in use.
    pub fn give_chunk(&mut self, first: u32) {
        let owners = self.link(OWNERS);
        if owners != 0 && first / CHUNK < CHUNKS {
            self.set(owners + first / CHUNK, 0);
        }
    }
}

impl Shm {
    /// Lets go of all that a dead member held, in transactions of bounded size: whoever is killed over it leaves the rest
    /// to the next. Mutants that it owned are abandoned; its process object is signalled last. Answers whether there was
    /// such a member.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, when the memory is damaged.
    pub fn reap(&self, number: u32) -> Nt<bool> {
        // What it left to be done is done before its end is told: all of it was left once nothing else was there to let go.
        let mut disposed = false;
        self.mode_loses(number)?;
        loop {
            let (mut woken, mut refused) = (Vec::new(), Vec::new());
            let mut tx = self.begin();
            let Some(member) = tx.member(number) else { return Ok(false) };
            let process = tx.process_of(member);
            // Before it lets go of its jobs.
            tx.process_ends(process, KILLED, 0);
            tx.leave_jobs(process);
            tx.debuggee_ends(member);
            let mut left = STEP;
            while left > 0 {
                let block = List(member + field::WAITS).first(&tx);
                if block == 0 {
                    break;
                }
                tx.drop_block(member, block);
                left -= 1;
            }
            while left > 0 {
                let opening = List(member + field::OPENINGS).first(&tx);
                if opening == 0 {
                    break;
                }
                tx.close_file_of(member, opening);
                left -= 1;
            }
            while left > 0
                && let Some(queue) = tx.queues_of(member).first().copied()
            {
                // Of these there may be many; what is left of them fits into the log.
                if tx.drain_queue(queue) || tx.drop_windows(queue) || tx.is_half_full() {
                    left = 0;
                    break;
                }
                tx.drop_queue(queue);
                left -= 1;
            }
            if left > 0 && (tx.drop_icons(member) || tx.drop_menus(member) || tx.drop_atom_uses(member)) {
                left = 0;
            }
            while left > 0 && tx.drop_request_of(member) {
                left -= 1;
            }
            for node in List(member + field::HELD).nodes(&tx) {
                // What goes with an object may be much.
                if left == 0 || tx.room() < layout::LOG_ENTRIES / 2 {
                    left = 0;
                    break;
                }
                let reference = node - holder::BY_MEMBER;
                let held = tx.link(reference + holder::OBJECT);
                if self.kind(held) == Kind::Mutant {
                    self.mark(held);
                    let owner = tx.get(held + object::STATE) & wait::COUNT;
                    if owner != 0 && tx.owner_of(owner) == Some(member) {
                        tx.abandon(held, &mut woken);
                    } else {
                        tx.unmark(held);
                    }
                }
                if tx.is_thread_of(held, process) {
                    self.mark(held);
                    tx.thread_ends_with(held, process);
                    tx.signal(held, &mut woken);
                }
                // The process object is what tells of the end: last of all.
                if held != process {
                    tx.release(reference);
                    left -= 1;
                }
            }
            let empty = left > 0;
            let last = empty && (disposed || !tx.has_waste());
            if last {
                tx.summoned_goes(process);
                tx.drop_raw_devices(member);
                tx.display_loses(member);
                tx.clipboard_loses_outside(member);
                tx.sound_loses(member);
                tx.drop_voices(member);
                let owners = tx.link(OWNERS);
                let own = tx.get(member + field::ID) / CHUNK;
                for chunk in 0..if owners == 0 { 0 } else { CHUNKS } {
                    if tx.get(owners + chunk) == member {
                        tx.set(owners + chunk, if chunk == own { process | LEFT } else { 0 });
                    }
                }
                self.mark(process);
                tx.set_member_of(process, 0);
                tx.signal(process, &mut woken);
                for node in List(member + field::HELD).nodes(&tx) {
                    tx.release(node - holder::BY_MEMBER);
                }
                MEMBERS.remove(&mut tx, member + field::NODE);
                let _ = tx.take_birth(member);
                refused = tx.refuse_posts(member);
                tx.tell_all();
                tx.free(member);
                // Whoever the dead member had let through, but not woken, wakes now.
                for other in tx.members() {
                    woken.extend(List(other + field::WAITS).nodes(&tx));
                }
            }
            tx.commit()?;
            self.wake_blocks(&woken);
            self.wake_posts(&refused);
            self.dispose()?;
            if last {
                self.collect()?;
                self.merge_free()?;
                return Ok(true);
            }
            disposed = empty;
        }
    }
}
