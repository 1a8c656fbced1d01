//! What jobs limit: words of JOBOBJECT_EXTENDED_LIMIT_INFORMATION, and whether their processes keep within.

use super::Tx;
use super::job::{FLAGS, field, message};
use super::object::field as object;
use super::process::Used;
use crate::status::STATUS_PENDING;

/// JOB_OBJECT_LIMIT_* that each process of a job keeps itself.
pub mod limit {
    /// User time of each process.
    pub const PROCESS_TIME: u32 = 0x2;
    /// User time of all together.
    pub const JOB_TIME: u32 = 0x4;
    /// The processors.
    pub const AFFINITY: u32 = 0x10;
    /// The priority class.
    pub const PRIORITY_CLASS: u32 = 0x20;
    /// The time of all together counts on, with the limit that it has.
    pub const PRESERVE_JOB_TIME: u32 = 0x40;
    /// Committed memory of each process.
    pub const PROCESS_MEMORY: u32 = 0x100;
    /// Committed memory of all together.
    pub const JOB_MEMORY: u32 = 0x200;
    /// All of these.
    pub const KEPT: u32 = PROCESS_TIME | JOB_TIME | AFFINITY | PRIORITY_CLASS | PROCESS_MEMORY | JOB_MEMORY;
}

/// Where in the words of the limits they stand.
mod at {
    pub const PROCESS_TIME: u32 = 0;
    pub const JOB_TIME: u32 = 2;
    pub const AFFINITY: u32 = 12;
    pub const PRIORITY_CLASS: u32 = 14;
    pub const PROCESS_MEMORY: u32 = 28;
    pub const JOB_MEMORY: u32 = 30;
}

/// Exit status of a process that used too much time: ERROR_NOT_ENOUGH_QUOTA.
const NOT_ENOUGH_QUOTA: u32 = 1816;
/// JOB_OBJECT_POST_AT_END_OF_JOB.
const POST_AT_END: u32 = 1;

/// What a process keeps to, of all its jobs the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes that it may have committed.
    pub memory: Option<u64>,
    /// Whether the memory of all processes of a job is limited.
    pub shared_memory: bool,
    /// Processors that it may run on.
    pub affinity: Option<u64>,
    /// The priority class, as the innermost job has it and as it was given.
    pub class: Option<u32>,
    /// Whether its time is limited, or that of a job.
    pub time: bool,
}

fn least(one: Option<u64>, other: u64) -> Option<u64> {
    Some(one.map_or(other, |one| one.min(other)))
}

impl Tx<'_> {
    fn limit(&self, job: u32, at: u32) -> u64 {
        self.wide(self.link(job + object::BODY) + field::LIMITS + at)
    }

    fn limit_flags(&self, job: u32) -> u32 {
        self.get(self.link(job + object::BODY) + FLAGS)
    }

    /// What a process keeps to.
    pub fn limits_of(&self, process: u32) -> Limits {
        let mut limits = Limits::default();
        for job in self.job_chain(self.job_of(process)) {
            let flags = self.limit_flags(job);
            let has = |flag: u32| flags & flag != 0;
            if has(limit::PROCESS_MEMORY) {
                limits.memory = least(limits.memory, self.limit(job, at::PROCESS_MEMORY));
            }
            if has(limit::AFFINITY) {
                limits.affinity = Some(limits.affinity.unwrap_or(u64::MAX) & self.limit(job, at::AFFINITY));
            }
            if has(limit::PRIORITY_CLASS) {
                limits.class = limits.class.or(Some(self.limit(job, at::PRIORITY_CLASS) as u32));
            }
            limits.shared_memory |= has(limit::JOB_MEMORY);
            limits.time |= has(limit::PROCESS_TIME) || has(limit::JOB_TIME);
        }
        limits
    }

    /// User time that the processes of a job used, those that are gone too.
    fn job_time(&self, job: u32) -> u64 {
        let inside = self.processes_in(job).into_iter().map(|process| self.process_used(process).user);
        inside.fold(self.job_used(job).user, u64::saturating_add)
    }

    /// Limits of a job were set: its time counts from now on, if it is limited.
    pub fn begin_job_time(&mut self, job: u32) {
        let now = self.job_time(job);
        let body = self.link(job + object::BODY);
        self.set_wide(body + field::TIME_BEGAN, now);
    }

    /// A process that has committed so much asks whether that is too much. Its jobs' ports are told if it is.
    pub fn is_too_much(&mut self, process: u32, committed: u64) -> bool {
        let id = self.process_facts(process).id;
        for job in self.job_chain(self.job_of(process)) {
            let flags = self.limit_flags(job);
            if flags & limit::PROCESS_MEMORY != 0 && committed > self.limit(job, at::PROCESS_MEMORY) {
                self.tell_job(job, message::PROCESS_MEMORY_LIMIT, id);
                return true;
            }
            if flags & limit::JOB_MEMORY == 0 {
                continue;
            }
            let others = self.processes_in(job).into_iter().filter(|other| *other != process);
            let all = others.fold(committed, |sum, other| sum.saturating_add(self.shown_committed(other)));
            if all > self.limit(job, at::JOB_MEMORY) {
                self.tell_job(job, message::JOB_MEMORY_LIMIT, id);
                return true;
            }
        }
        false
    }

    /// A process tells what it used; its jobs end it if that is too long, or all of a job, or say so once.
    pub fn spend_time(&mut self, process: u32, used: &Used) {
        self.set_process_used(process, used);
        for job in self.job_chain(self.job_of(process)) {
            let flags = self.limit_flags(job);
            if flags & limit::PROCESS_TIME != 0 && used.user > self.limit(job, at::PROCESS_TIME) {
                let facts = self.process_facts(process);
                if facts.status == STATUS_PENDING.0 {
                    self.tell_job(job, message::END_OF_PROCESS_TIME, facts.id);
                }
                return self.end_process(process, NOT_ENOUGH_QUOTA);
            }
            if flags & limit::JOB_TIME == 0 {
                continue;
            }
            let began = self.wide(self.link(job + object::BODY) + field::TIME_BEGAN);
            if self.job_time(job).saturating_sub(began) <= self.limit(job, at::JOB_TIME) {
                continue;
            }
            let [action] = self.job_words(job, field::END_OF_JOB);
            // Either way it is over once.
            self.set_job_words(job, FLAGS, &[flags & !limit::JOB_TIME]);
            if action == POST_AT_END {
                self.tell_job(job, message::END_OF_JOB_TIME, 0);
            } else {
                return self.end_job(job, NOT_ENOUGH_QUOTA);
            }
        }
    }
}
