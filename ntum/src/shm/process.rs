//! Processes and threads as all members see them: what a process object's record and a thread object's record keep.

use super::object::{field as object, holder};
use super::{Tx, member};
use crate::ke::dispatcher::Kind;
use crate::mm::page::PAGE_SIZE;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES, STATUS_PENDING};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Words of a process's body.
mod life {
    pub const IMAGE: u32 = super::super::object::NESTED;
    pub const MEMBER: u32 = 1;
    pub const ID: u32 = 2;
    pub const PARENT: u32 = 3;
    pub const STATUS: u32 = 4;
    pub const PEB: u32 = 5;
    pub const CREATED: u32 = 7;
    pub const ENDED: u32 = 9;
    pub const PRIORITY: u32 = 11;
    pub const JOB: u32 = 12;
    /// What it used when it was asked last, or ended: [`super::Used`].
    pub const USED: u32 = 13;
    /// 1: its jobs have counted it out.
    pub const LEFT_JOBS: u32 = USED + super::USED as u32;
    /// Pages that it has committed, once there are several processes.
    pub const COMMITTED: u32 = LEFT_JOBS + 1;
    /// The event that tells that it waits for messages, of a process with windows: an object, 0 for none.
    pub const IDLE: u32 = COMMITTED + 1;
    pub const COUNT: u32 = IDLE + 1;
}

/// Words of a thread's body.
mod thread {
    pub const ID: u32 = 1;
    pub const PROCESS: u32 = 2;
    pub const STATUS: u32 = 3;
    pub const SUSPENDED: u32 = 4;
    pub const TEB: u32 = 5;
    pub const COUNT: u32 = 7;
}

/// Words of [`Used`].
pub const USED: usize = size_of::<Used>() / 4;

/// What a process used: times in 100 ns, IO_COUNTERS, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Used {
    /// Processor time outside of the host's kernel.
    pub user: u64,
    /// The rest.
    pub kernel: u64,
    /// IO_COUNTERS.
    pub io: [u64; 6],
    /// Memory it has committed now.
    pub committed: u64,
    /// The most it ever had.
    pub peak: u64,
}

impl Used {
    /// Adds what another process used; peaks are the higher one's.
    pub fn add(&mut self, other: &Used) {
        self.user = self.user.saturating_add(other.user);
        self.kernel = self.kernel.saturating_add(other.kernel);
        for (sum, count) in self.io.iter_mut().zip(other.io) {
            *sum = sum.saturating_add(count);
        }
        self.committed = self.committed.saturating_add(other.committed);
        self.peak = self.peak.max(other.peak);
    }

    /// Of its words.
    pub fn of(words: &[u32; USED]) -> Used {
        Used::read_from_bytes(words.as_bytes()).unwrap_or_default()
    }

    /// As words.
    pub fn words(&self) -> Vec<u32> {
        self.as_bytes().as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
    }
}

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessFacts {
    /// Its number.
    pub id: u32,
    /// Number of the process that made it.
    pub parent: u32,
    /// Exit status; `STATUS_PENDING` while it runs.
    pub status: u32,
    /// Address of its PEB, 0 before it is set up.
    pub peb: u64,
    /// NT time of its start.
    pub created: i64,
    /// NT time of its end, 0 while it runs.
    pub ended: i64,
    /// PROCESS_PRIOCLASS_*.
    pub priority: u32,
    /// `\??\C:\app\x.exe`, as UTF-16.
    pub image: Vec<u16>,
}

/// What is known of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThreadFacts {
    /// Its number.
    pub id: u32,
    /// Its process's number.
    pub process: u32,
    /// Exit status; `STATUS_PENDING` while it runs.
    pub status: u32,
    /// Address of its TEB, 0 before it is set up.
    pub teb: u64,
}

impl Tx<'_> {
    pub(crate) fn wide(&self, place: u32) -> u64 {
        u64::from(self.get(place)) | u64::from(self.get(place + 1)) << 32
    }

    pub(crate) fn set_wide(&mut self, place: u32, value: u64) {
        self.set(place, value as u32);
        self.set(place + 1, (value >> 32) as u32);
    }

    /// The record of a new process, of a type's number, that nobody holds yet.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_process(&mut self, kind: u32, facts: &ProcessFacts) -> Nt<u32> {
        let record = self.new_object(kind, Kind::Notification, 0, 0)?;
        let body = self.allocate(life::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + object::BODY, body);
        let image: Vec<u8> = facts.image.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let image = self.allocate_bytes(&image).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(body + life::IMAGE, image);
        self.set(body + life::ID, facts.id);
        self.set(body + life::PARENT, facts.parent);
        self.set(body + life::STATUS, facts.status);
        self.set_wide(body + life::PEB, facts.peb);
        self.set_wide(body + life::CREATED, facts.created as u64);
        self.set_wide(body + life::ENDED, facts.ended as u64);
        self.set(body + life::PRIORITY, facts.priority);
        Ok(record)
    }

    /// A new process has windows: others may wait until it waits for messages.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_idle_event(&mut self, record: u32) -> Nt<()> {
        let kind = crate::ob::shared::number(crate::ob::types::Type::Event);
        let event = self.new_object(kind, Kind::Notification, 0, 0)?;
        self.pin(event);
        let body = self.link(record + object::BODY);
        self.set(body + life::IDLE, event);
        Ok(())
    }

    /// The event that tells that a process waits for messages; 0 of one without windows, and of one that has ended.
    pub fn idle_event(&self, record: u32) -> u32 {
        let body = self.link(record + object::BODY);
        if self.get(body + life::STATUS) == STATUS_PENDING.0 { self.get(body + life::IDLE) } else { 0 }
    }

    /// Sets a process's number.
    pub(super) fn set_process_id(&mut self, record: u32, id: u32) {
        let body = self.link(record + object::BODY);
        self.set(body + life::ID, id);
    }

    /// A process's record goes, and with it its number, which others may have from now on.
    pub(super) fn process_goes(&mut self, record: u32, body: u32) {
        let (id, job) = (self.get(body + life::ID), self.get(body + life::JOB));
        if self.left_with(id) == Some(record) {
            self.give_chunk(id);
        }
        if job != 0 {
            self.set(body + life::JOB, 0);
            self.unpin(job);
        }
        let idle = self.get(body + life::IDLE);
        if idle != 0 {
            self.set(body + life::IDLE, 0);
            self.unpin(idle);
        }
    }

    /// What is known of a process, by its record.
    pub fn process_facts(&self, record: u32) -> ProcessFacts {
        let body = self.link(record + object::BODY);
        let image = self.bytes(self.get(body + life::IMAGE));
        ProcessFacts {
            id: self.get(body + life::ID),
            parent: self.get(body + life::PARENT),
            status: self.get(body + life::STATUS),
            peb: self.wide(body + life::PEB),
            created: self.wide(body + life::CREATED) as i64,
            ended: self.wide(body + life::ENDED) as i64,
            priority: self.get(body + life::PRIORITY),
            image: image.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect(),
        }
    }

    /// The process is set up.
    pub fn process_began(&mut self, record: u32, peb: u64, created: i64) {
        let body = self.link(record + object::BODY);
        self.set_wide(body + life::PEB, peb);
        self.set_wide(body + life::CREATED, created as u64);
    }

    /// The process is to end, or ended, with this status: the first one counts. Answers whether this was it.
    pub fn process_ends(&mut self, record: u32, status: u32, ended: i64) -> bool {
        let body = self.link(record + object::BODY);
        if self.get(body + life::STATUS) != STATUS_PENDING.0 {
            return false;
        }
        self.set(body + life::STATUS, status);
        self.set_wide(body + life::ENDED, ended as u64);
        true
    }

    /// What a process used, as far as it told.
    pub fn process_used(&self, record: u32) -> Used {
        let body = self.link(record + object::BODY);
        Used::of(&core::array::from_fn(|word| self.get(body + life::USED + word as u32)))
    }

    /// A process tells what it used.
    pub fn set_process_used(&mut self, record: u32, used: &Used) {
        let body = self.link(record + object::BODY);
        for (place, word) in (body + life::USED..).zip(used.words()) {
            self.set(place, word);
        }
    }

    /// Bytes that a process says it has committed, for a job that limits the memory of all.
    pub(super) fn shown_committed(&self, record: u32) -> u64 {
        u64::from(self.get(self.link(record + object::BODY) + life::COMMITTED)) * PAGE_SIZE
    }

    /// What the other processes that live say they have committed.
    pub fn committed_beside(&self, process: u32, alive: &dyn Fn(u32) -> bool) -> u64 {
        let others = self.members().into_iter().map(|member| self.process_of(member)).filter(|other| *other != process);
        let living = others.filter(|other| alive(self.member_of(*other)));
        living.fold(0, |sum, other| sum.saturating_add(self.shown_committed(other)))
    }

    /// Where a process says how many pages it has committed.
    pub fn committed_of(&self, record: u32) -> u32 {
        self.link(record + object::BODY) + life::COMMITTED
    }

    /// Sets a process's priority class.
    pub fn set_process_priority(&mut self, record: u32, class: u32) {
        let body = self.link(record + object::BODY);
        self.set(body + life::PRIORITY, class);
    }

    /// The innermost job that a process is in, 0 for none.
    pub fn job_of(&self, record: u32) -> u32 {
        self.get(self.link(record + object::BODY) + life::JOB)
    }

    /// Puts a process into a job, which stays as long as the process's record does.
    pub(super) fn set_job_of(&mut self, record: u32, job: u32) {
        let body = self.link(record + object::BODY);
        let before = self.get(body + life::JOB);
        if job != 0 {
            self.pin(job);
        }
        self.set(body + life::JOB, job);
        if before != 0 {
            self.unpin(before);
        }
    }

    pub(super) fn has_left_jobs(&self, record: u32) -> bool {
        self.get(self.link(record + object::BODY) + life::LEFT_JOBS) != 0
    }

    pub(super) fn note_left_jobs(&mut self, record: u32) {
        let body = self.link(record + object::BODY);
        self.set(body + life::LEFT_JOBS, 1);
    }

    /// The number of the member that a process is; 0 before it has one.
    pub fn member_of(&self, record: u32) -> u32 {
        self.get(self.link(record + object::BODY) + life::MEMBER)
    }

    /// Notes the number of the member that a process is.
    pub(super) fn set_member_of(&mut self, record: u32, number: u32) {
        let body = self.link(record + object::BODY);
        if body != 0 {
            self.set(body + life::MEMBER, number);
        }
    }

    /// The record of the process with that number, if it runs or somebody holds it.
    pub fn process_with(&self, id: u32) -> Option<u32> {
        let record = match self.owner_of(id) {
            Some(member) => self.process_of(member),
            None => self.left_with(id)?,
        };
        (self.get(self.link(record + object::BODY) + life::ID) == id).then_some(record)
    }

    /// The record of a new thread that nobody holds yet; `suspended` is how often it is.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_thread(&mut self, kind: u32, id: u32, process: u32, suspended: u32) -> Nt<u32> {
        let record = self.new_object(kind, Kind::Notification, 0, 0)?;
        let body = self.allocate(thread::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(record + object::BODY, body);
        self.set(body + thread::ID, id);
        self.set(body + thread::PROCESS, process);
        self.set(body + thread::STATUS, STATUS_PENDING.0);
        self.set(body + thread::SUSPENDED, suspended);
        Ok(record)
    }

    /// What is known of a thread, by its record.
    pub fn thread_facts(&self, record: u32) -> ThreadFacts {
        let body = self.link(record + object::BODY);
        ThreadFacts {
            id: self.get(body + thread::ID),
            process: self.get(body + thread::PROCESS),
            status: self.get(body + thread::STATUS),
            teb: self.wide(body + thread::TEB),
        }
    }

    /// The thread's TEB is there.
    pub fn set_thread_teb(&mut self, record: u32, teb: u64) {
        let body = self.link(record + object::BODY);
        self.set_wide(body + thread::TEB, teb);
    }

    /// The thread ended.
    pub fn thread_ends(&mut self, record: u32, status: u32) {
        let body = self.link(record + object::BODY);
        self.set(body + thread::STATUS, status);
    }

    /// Whether an object is a thread of a process.
    pub(super) fn is_thread_of(&self, record: u32, process: u32) -> bool {
        let body = self.link(record + object::BODY);
        let is_thread = self.type_of(record) == crate::ob::shared::number(crate::ob::types::Type::Thread);
        is_thread && body != 0 && self.get(body + thread::PROCESS) == self.process_facts(process).id
    }

    /// The thread's process has ended: a thread that still ran ended with it.
    pub(super) fn thread_ends_with(&mut self, record: u32, process: u32) {
        if self.thread_facts(record).status == STATUS_PENDING.0 {
            let status = self.process_facts(process).status;
            self.thread_ends(record, if status == STATUS_PENDING.0 { super::member::KILLED } else { status });
        }
    }

    /// Where it stands how often a thread is suspended that has not run yet: it sleeps on that word.
    pub fn suspension_of(&self, record: u32) -> u32 {
        self.link(record + object::BODY) + thread::SUSPENDED
    }

    /// The reference that a member has to an object, if it has one.
    pub fn reference_of(&self, member: u32, record: u32) -> Option<u32> {
        let held = super::list::List(member + member::field::HELD).nodes(self);
        let mut held = held.into_iter().map(|node| node - holder::BY_MEMBER);
        held.find(|reference| self.link(reference + holder::OBJECT) == record && !self.is_given(*reference))
    }
}
