//! Jobs as all members see them: limits, counts, who is in which, and what is told about it.

use super::list::List;
use super::object::field as object;
use super::process::{USED, Used};
use super::waste::Waste;
use super::{Tx, layout};
use crate::io::completion::Packet;
use crate::status::{Nt, STATUS_ACCESS_DENIED, STATUS_INSUFFICIENT_RESOURCES, STATUS_PENDING, STATUS_SUCCESS};

/// Every job's body: a list.
const JOBS: List = List(layout::ROOTS + 12);

/// Words of a job's body.
pub mod field {
    pub(crate) const NODE: u32 = 1;
    /// The job that it is nested in, 0 for none.
    pub(crate) const PARENT: u32 = 3;
    /// Processes in it now.
    pub const ACTIVE: u32 = 4;
    /// Processes that ever were.
    pub const TOTAL: u32 = 5;
    /// Processes that a limit of it ended.
    pub const TERMINATED: u32 = 6;
    /// Record of its completion port, 0 for none.
    pub(crate) const PORT: u32 = 7;
    pub(crate) const KEY: u32 = 8;
    /// The job itself.
    pub(crate) const JOB: u32 = 10;
    /// JOBOBJECT_BASIC_UI_RESTRICTIONS.
    pub const UI_RESTRICTIONS: u32 = 11;
    /// JOBOBJECT_END_OF_JOB_TIME_INFORMATION.
    pub const END_OF_JOB: u32 = 12;
    /// JOBOBJECT_CPU_RATE_CONTROL_INFORMATION: flags, rate.
    pub const CPU_RATE: u32 = 13;
    /// JOBOBJECT_EXTENDED_LIMIT_INFORMATION: [`super::LIMITS`] words.
    pub const LIMITS: u32 = 15;
    /// What processes used that were in it: [`super::Used`]; committed memory is the most of all of them at a time.
    pub const USED: u32 = LIMITS + super::LIMITS as u32;
    /// User time that its processes had used when its time was limited.
    pub(crate) const TIME_BEGAN: u32 = USED + super::USED as u32;
    pub(crate) const COUNT: u32 = TIME_BEGAN + 2;
}

/// Words of JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
pub const LIMITS: usize = 36;
/// Where in it the flags and the most processes stand.
pub(super) const FLAGS: u32 = field::LIMITS + 4;
const MOST: u32 = field::LIMITS + 10;

/// JOB_OBJECT_LIMIT_*.
pub mod limit {
    /// The number of processes is limited.
    pub const ACTIVE_PROCESS: u32 = 0x8;
    /// A new process leaves the job if that is asked for.
    pub const BREAKAWAY_OK: u32 = 0x800;
    /// Every new process does.
    pub const SILENT_BREAKAWAY_OK: u32 = 0x1000;
    /// Its processes end with the last handle to it.
    pub const KILL_ON_JOB_CLOSE: u32 = 0x2000;
}

/// JOB_OBJECT_MSG_*.
pub(super) mod message {
    pub const END_OF_JOB_TIME: u32 = 1;
    pub const END_OF_PROCESS_TIME: u32 = 2;
    pub const ACTIVE_PROCESS_LIMIT: u32 = 3;
    pub const ACTIVE_PROCESS_ZERO: u32 = 4;
    pub const NEW_PROCESS: u32 = 6;
    pub const EXIT_PROCESS: u32 = 7;
    pub const ABNORMAL_EXIT_PROCESS: u32 = 8;
    pub const PROCESS_MEMORY_LIMIT: u32 = 9;
    pub const JOB_MEMORY_LIMIT: u32 = 10;
}

/// Exit statuses that are told as abnormal: the exceptions that Microsoft's documentation of JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS
/// lists, from guard page to stack overflow, and Ctrl-C. Any other number is an exit like another.
const ABNORMAL: &[u32] = &[
    0x8000_0001,
    0x8000_0002,
    0x8000_0003,
    0x8000_0004,
    0xc000_0005,
    0xc000_0006,
    0xc000_001d,
    0xc000_0025,
    0xc000_0026,
    0xc000_008c,
    0xc000_008d,
    0xc000_008e,
    0xc000_008f,
    0xc000_0090,
    0xc000_0091,
    0xc000_0092,
    0xc000_0093,
    0xc000_0094,
    0xc000_0095,
    0xc000_0096,
    0xc000_00fd,
    0xc000_013a,
];

impl Tx<'_> {
    /// Makes a new object a job.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn make_job(&mut self, job: u32) -> Nt<()> {
        let body = self.allocate(field::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(job + object::BODY, body);
        self.set(body + field::JOB, job);
        JOBS.push(self, body + field::NODE);
        Ok(())
    }

    /// A job's body is about to go: what was nested in it is nested in what it was nested in.
    pub(super) fn drop_job(&mut self, body: u32) {
        let (job, parent, port) =
            (self.get(body + field::JOB), self.get(body + field::PARENT), self.get(body + field::PORT));
        JOBS.remove(self, body + field::NODE);
        if port != 0 {
            self.unpin(port);
        }
        for node in JOBS.nodes(self) {
            let nested = node - field::NODE + field::PARENT;
            if self.get(nested) == job {
                self.set(nested, parent);
            }
        }
    }

    /// Words of a job, from a place of [`field`].
    pub fn job_words<const N: usize>(&self, job: u32, from: u32) -> [u32; N] {
        let body = self.link(job + object::BODY);
        core::array::from_fn(|at| self.get(body + from + at as u32))
    }

    /// Sets words of a job.
    pub fn set_job_words(&mut self, job: u32, from: u32, words: &[u32]) {
        let body = self.link(job + object::BODY);
        for (place, word) in (body + from..).zip(words) {
            self.set(place, *word);
        }
    }

    /// What processes used that were in a job.
    pub fn job_used(&self, job: u32) -> Used {
        Used::of(&self.job_words(job, field::USED))
    }

    fn job_word(&self, job: u32, at: u32) -> u32 {
        self.get(self.link(job + object::BODY) + at)
    }

    fn count_job(&mut self, job: u32, at: u32, change: impl FnOnce(u32) -> u32) -> u32 {
        let place = self.link(job + object::BODY) + at;
        let changed = change(self.get(place));
        self.set(place, changed);
        changed
    }

    /// A job, then those that it is nested in.
    pub fn job_chain(&self, job: u32) -> Vec<u32> {
        let mut chain = Vec::new();
        let mut at = job;
        // Damaged memory may hold a ring.
        while at != 0 && !chain.contains(&at) {
            chain.push(at);
            at = self.job_word(at, field::PARENT);
        }
        chain
    }

    /// Whether a process is in a job.
    pub fn is_in_job(&self, process: u32, job: u32) -> bool {
        self.job_chain(self.job_of(process)).contains(&job)
    }

    /// The processes in a job.
    pub fn processes_in(&self, job: u32) -> Vec<u32> {
        let all = self.members().into_iter().map(|member| self.process_of(member));
        all.filter(|process| !self.has_left_jobs(*process) && self.is_in_job(*process, job)).collect()
    }

    /// Sets the port that a job's messages go to, 0 for none; those that are in it already are told as if they came now.
    /// `false` if they go somewhere already.
    pub fn set_job_port(&mut self, job: u32, port: u32, key: u64) -> bool {
        let body = self.link(job + object::BODY);
        let before = self.get(body + field::PORT);
        if before != 0 && port != 0 {
            return false;
        }
        if port != 0 {
            self.pin(port);
        }
        self.set(body + field::PORT, port);
        self.set_wide(body + field::KEY, key);
        if before != 0 {
            self.unpin(before);
        }
        for process in self.processes_in(job) {
            self.tell_job(job, message::NEW_PROCESS, self.process_facts(process).id);
        }
        true
    }

    pub(super) fn tell_job(&mut self, job: u32, message: u32, process: u32) {
        let port = self.job_word(job, field::PORT);
        if port != 0 {
            let key = self.wide(self.link(job + object::BODY) + field::KEY);
            let (context, information) = (process.into(), message.into());
            // Memory may be short: a message is no promise.
            let _ = self.post_packet(port, &Packet { key, context, status: STATUS_SUCCESS, information });
        }
    }

    /// Puts a process into a job. Answers whether it is one too many, and is to end.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` if the process is in jobs that this one cannot be nested in, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn enter_job(&mut self, process: u32, job: u32) -> Nt<bool> {
        let held = self.job_chain(self.job_of(process));
        if held.first() == Some(&job) {
            return Ok(false);
        }
        if let Some(outer) = held.first() {
            let parent = self.job_word(job, field::PARENT);
            if parent == 0 && self.job_word(job, field::TOTAL) == 0 {
                self.set_job_words(job, field::PARENT, &[*outer]);
            } else if !self.job_chain(parent).contains(outer) {
                return Err(STATUS_ACCESS_DENIED);
            }
        }
        let member = self.member_that_is(process);
        self.set_job_of(process, job);
        let id = self.process_facts(process).id;
        for entered in self.job_chain(job).into_iter().filter(|entered| !held.contains(entered)) {
            // The jobs of a process are there as long as it is.
            if let Some(member) = member {
                self.hold(entered, member, false)?;
            }
            let active = self.count_job(entered, field::ACTIVE, |count| count.wrapping_add(1));
            self.count_job(entered, field::TOTAL, |count| count.wrapping_add(1));
            if self.job_word(entered, FLAGS) & limit::ACTIVE_PROCESS != 0 && active > self.job_word(entered, MOST) {
                self.count_job(entered, field::TERMINATED, |count| count.wrapping_add(1));
                self.tell_job(entered, message::ACTIVE_PROCESS_LIMIT, 0);
                return Ok(true);
            }
            self.tell_job(entered, message::NEW_PROCESS, id);
        }
        Ok(false)
    }

    /// The job that a new process of a process is in, 0 for none; `breaks_away` says that it is to be in none.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` if a job does not let it.
    pub fn job_of_new(&self, parent: u32, breaks_away: bool) -> Nt<u32> {
        for (outer, job) in self.job_chain(self.job_of(parent)).into_iter().enumerate() {
            let flags = self.job_word(job, FLAGS);
            let leaves =
                if breaks_away { limit::BREAKAWAY_OK | limit::SILENT_BREAKAWAY_OK } else { limit::SILENT_BREAKAWAY_OK };
            if flags & leaves == 0 {
                // Who may leave the inner ones stays in the first that it may not leave.
                return if breaks_away && outer == 0 { Err(STATUS_ACCESS_DENIED) } else { Ok(job) };
            }
        }
        Ok(0)
    }

    /// A process has ended: its jobs count it out.
    pub(super) fn leave_jobs(&mut self, process: u32) {
        // It is still told to be in them, as long as anybody holds it.
        if self.has_left_jobs(process) {
            return;
        }
        let facts = self.process_facts(process);
        let abnormal = ABNORMAL.contains(&facts.status);
        let used = Used { committed: 0, ..self.process_used(process) };
        for job in self.job_chain(self.job_of(process)) {
            let mut all = self.job_used(job);
            all.add(&used);
            self.set_job_words(job, field::USED, &all.words());
            let left = self.count_job(job, field::ACTIVE, |count| count.saturating_sub(1));
            let ended = if abnormal { message::ABNORMAL_EXIT_PROCESS } else { message::EXIT_PROCESS };
            self.tell_job(job, ended, facts.id);
            if left == 0 {
                self.tell_job(job, message::ACTIVE_PROCESS_ZERO, 0);
            }
        }
        self.note_left_jobs(process);
    }

    /// Has every process of a job end: it happens with [`super::Shm::dispose`], the calling member's own last.
    pub fn end_job(&mut self, job: u32, status: u32) {
        let mut numbers = Vec::new();
        for process in self.processes_in(job) {
            if self.process_facts(process).status == STATUS_PENDING.0 {
                self.process_ends(process, status, 0);
            }
            numbers.push(self.member_of(process));
        }
        numbers.sort_by_key(|number| *number == self.shm().me());
        for number in numbers.into_iter().filter(|number| *number != 0) {
            self.leave_waste(&Waste::End(number, status));
        }
    }

    /// Has a process end: it happens with [`super::Shm::dispose`].
    pub fn end_process(&mut self, process: u32, status: u32) {
        self.process_ends(process, status, 0);
        let number = self.member_of(process);
        if number != 0 {
            self.leave_waste(&Waste::End(number, status));
        }
    }

    /// The last handle to a job was closed.
    pub(super) fn last_job_handle(&mut self, job: u32) {
        if self.job_word(job, FLAGS) & limit::KILL_ON_JOB_CLOSE != 0 {
            self.end_job(job, 0);
        }
    }
}
