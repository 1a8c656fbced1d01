//! Jobs: groups of processes. What is known of them is in the sandbox's memory: `shm::job`.

use super::limits::priority_class;
use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::io::completion::IO_COMPLETION_MODIFY_STATE;
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::shm::job::{LIMITS, field};
use crate::shm::limits::limit as kept;
use crate::shm::process::Used;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Rights of job handles.
mod access {
    pub const ASSIGN_PROCESS: u32 = 1;
    pub const SET_ATTRIBUTES: u32 = 2;
    pub const QUERY: u32 = 4;
    pub const TERMINATE: u32 = 8;
}

/// PROCESS_SET_QUOTA and PROCESS_TERMINATE.
const PROCESS_ASSIGN: u32 = 0x101;
/// PROCESS_QUERY_LIMITED_INFORMATION.
const PROCESS_QUERY: u32 = 0x1000;

/// JOBOBJECTINFOCLASS.
mod class {
    pub const ACCOUNTING: u32 = 1;
    pub const LIMITS: u32 = 2;
    pub const PROCESSES: u32 = 3;
    pub const UI_RESTRICTIONS: u32 = 4;
    pub const SECURITY_LIMITS: u32 = 5;
    pub const END_OF_JOB: u32 = 6;
    pub const COMPLETION_PORT: u32 = 7;
    pub const ACCOUNTING_AND_IO: u32 = 8;
    pub const EXTENDED_LIMITS: u32 = 9;
    pub const SET: u32 = 10;
    pub const GROUPS: u32 = 11;
    pub const CPU_RATE: u32 = 15;
}

/// JOB_OBJECT_LIMIT_*.
mod limit {
    /// What JOBOBJECT_BASIC_LIMIT_INFORMATION may say.
    pub const BASIC: u32 = 0xff;
    /// What JOBOBJECT_EXTENDED_LIMIT_INFORMATION may say.
    pub const EXTENDED: u32 = 0x7fff;
}

/// JOBOBJECT_BASIC_ACCOUNTING_INFORMATION. Times in 100 ns.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Accounting {
    user_time: i64,
    kernel_time: i64,
    period_user_time: i64,
    period_kernel_time: i64,
    page_faults: u32,
    total: u32,
    active: u32,
    terminated: u32,
}

/// JOBOBJECT_BASIC_LIMIT_INFORMATION.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Limits {
    process_time: i64,
    job_time: i64,
    flags: u32,
    pad: u32,
    minimum_working_set: u64,
    maximum_working_set: u64,
    active_processes: u32,
    pad2: u32,
    affinity: u64,
    priority_class: u32,
    scheduling_class: u32,
}

/// JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct ExtendedLimits {
    basic: Limits,
    io: [u64; 6],
    process_memory: u64,
    job_memory: u64,
    peak_process_memory: u64,
    peak_job_memory: u64,
}

const _: () = assert!(size_of::<Accounting>() == 48 && size_of::<Limits>() == 64);
const _: () = assert!(size_of::<ExtendedLimits>() == 144);

/// A job: all of it is in the sandbox's memory.
#[derive(Default)]
pub struct Job;

/// Where a job stands in the sandbox's memory.
fn place(k: &'static Kernel, job: &Ref) -> Nt<u32> {
    job.job()?;
    Ok(k.share(job)?.object)
}

/// Where a process does.
fn process_place(k: &'static Kernel, process: &Ref) -> Nt<u32> {
    k.sandbox()?;
    process.signal.seat().map(|seat| seat.object).ok_or(STATUS_NOT_SUPPORTED)
}

impl Kernel {
    /// Ends a process of the sandbox, by its number as a member.
    pub(crate) fn end_member(&'static self, number: u32, status: u32) {
        if self.told.get().is_some_and(|told| told.member == number) {
            self.exit_process(status);
        }
        // It may have ended already.
        let _ = self.host.ask(&shim_abi::calls::ProcessTerminate { process: number, status });
    }
}

/// NtCreateJobObject.
///
/// # Errors
/// As `Cx::create_named`.
pub fn nt_create_job_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let object = Object::new(Dispatcher::notification(false), Body::Job(Job));
    let (made, status) = cx.create_named(&attributes, access, object)?;
    cx.give(handle, made, status)
}

/// NtOpenJobObject.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_job_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.job().is_ok())
}

/// NtAssignProcessToJobObject. A process that is in a job can be put into one nested in it: into a new one, or one that
/// is nested in its own already.
///
/// # Errors
/// `STATUS_ACCESS_DENIED`, `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_assign_process_to_job_object(cx: &Cx<'_>, job: Handle, process: Handle) -> Nt {
    let job = cx.object_of(job, Type::Job, access::ASSIGN_PROCESS)?;
    let process = cx.object_of(process, Type::Process, PROCESS_ASSIGN)?;
    let (job, process) = (place(cx.k, &job)?, process_place(cx.k, &process)?);
    let (shm, _) = cx.k.sandbox()?;
    let mut tx = shm.begin();
    if tx.process_facts(process).status != STATUS_PENDING.0 {
        return Err(STATUS_PROCESS_IS_TERMINATING);
    }
    let over = tx.enter_job(process, job)?;
    if over {
        tx.end_process(process, STATUS_QUOTA_EXCEEDED.0);
    }
    let limited = !over && tx.limits_of(process) != crate::shm::limits::Limits::default();
    tx.commit()?;
    shm.dispose()?;
    if limited {
        cx.have_limits_kept(process);
    }
    if over { Err(STATUS_QUOTA_EXCEEDED) } else { Ok(STATUS_SUCCESS) }
}

/// The jobs of handles, for a new process.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn places(cx: &Cx<'_>, jobs: &[Handle]) -> Nt<Vec<u32>> {
    jobs.iter().map(|job| place(cx.k, &cx.object_of(*job, Type::Job, access::ASSIGN_PROCESS)?)).collect()
}

/// NtIsProcessInJob: handle 0 asks for any job.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_is_process_in_job(cx: &Cx<'_>, process: Handle, job: Handle) -> Nt {
    let process = cx.object_of(process, Type::Process, PROCESS_QUERY)?;
    let job = match job {
        Handle(0) => None,
        job => Some(place(cx.k, &cx.object_of(job, Type::Job, access::QUERY)?)?),
    };
    let process = process_place(cx.k, &process)?;
    let tx = cx.k.sandbox()?.0.begin();
    let inside = match job {
        None => tx.job_of(process) != 0,
        Some(job) => tx.is_in_job(process, job),
    };
    Ok(if inside { STATUS_PROCESS_IN_JOB } else { STATUS_PROCESS_NOT_IN_JOB })
}

/// NtTerminateJobObject: ends every process in it.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_terminate_job_object(cx: &Cx<'_>, job: Handle, status: u32) -> Nt {
    let object = cx.object_of(job, Type::Job, access::TERMINATE)?;
    let job = place(cx.k, &object)?;
    let (shm, _) = cx.k.sandbox()?;
    object.signal.set(cx.k);
    let mut tx = shm.begin();
    tx.end_job(job, status);
    tx.commit()?;
    shm.dispose()?;
    Ok(STATUS_SUCCESS)
}

/// What the processes of a job used, those that are in it now and those that were; memory is what all have committed together
/// now. One that was killed counts as it told last.
fn used(cx: &Cx<'_>, job: u32) -> Nt<Used> {
    let (shm, _) = cx.k.sandbox()?;
    let inside = shm.begin().processes_in(job);
    let mut all = Used::default();
    for process in inside {
        // One that ends meanwhile has told itself.
        let used = cx.used_by(process).unwrap_or_else(|_| shm.begin().process_used(process));
        all.add(&used);
    }
    let mut tx = shm.begin();
    let mut left = tx.job_used(job);
    // The most of all processes together, as far as somebody asked.
    left.committed = left.committed.max(all.committed);
    tx.set_job_words(job, field::USED, &left.words());
    tx.commit()?;
    all.add(&Used { committed: 0, ..left });
    Ok(all)
}

fn accounting(cx: &Cx<'_>, job: u32) -> Nt<(Accounting, [u64; 6])> {
    let used = used(cx, job)?;
    let [active, total, terminated] = cx.k.sandbox()?.0.begin().job_words(job, field::ACTIVE);
    let (user_time, kernel_time) = (used.user as i64, used.kernel as i64);
    let times = Accounting { user_time, kernel_time, total, active, terminated, ..Default::default() };
    Ok((Accounting { period_user_time: user_time, period_kernel_time: kernel_time, ..times }, used.io))
}

/// The limits of a job.
fn limits(k: &'static Kernel, job: u32) -> Nt<ExtendedLimits> {
    let words: [u32; LIMITS] = k.sandbox()?.0.begin().job_words(job, field::LIMITS);
    ExtendedLimits::read_from_bytes(words.as_bytes()).map_err(|_| STATUS_INTERNAL_ERROR)
}

/// The limits of a job, with what was used.
fn extended_limits(cx: &Cx<'_>, job: u32) -> Nt<ExtendedLimits> {
    let used = used(cx, job)?;
    let most = cx.k.sandbox()?.0.begin().job_used(job).committed;
    let limits = limits(cx.k, job)?;
    Ok(ExtendedLimits { io: used.io, peak_process_memory: used.peak, peak_job_memory: most, ..limits })
}

/// NtQueryInformationJobObject. Handle 0 asks for the caller's own job.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED` (too if the
/// caller is in no job), `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_information_job_object(
    cx: &Cx<'_>,
    handle: Handle,
    of: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let answer = Answer::new(buffer, length, returned);
    let job = || match handle {
        Handle(0) => {
            let (shm, me) = cx.k.sandbox()?;
            let tx = shm.begin();
            Some(tx.job_of(tx.process_of(me))).filter(|job| *job != 0).ok_or(STATUS_ACCESS_DENIED)
        }
        handle => place(cx.k, &cx.object_of(handle, Type::Job, access::QUERY)?),
    };
    let words = |from| {
        // Before the transaction: finding the job takes one of its own.
        let job = job()?;
        Nt::Ok(cx.k.sandbox()?.0.begin().job_words::<2>(job, from))
    };
    match of {
        class::ACCOUNTING => answer.at_least(cx.k, || accounting(cx, job()?).map(|(accounting, _)| accounting)),
        class::ACCOUNTING_AND_IO => {
            let mut bytes = Bytes::default();
            let (accounting, io) = accounting(cx, job()?)?;
            bytes.push(accounting).push(io);
            answer.bytes(cx.k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH)
        }
        class::LIMITS => answer.at_least(cx.k, || limits(cx.k, job()?).map(|limits| limits.basic)),
        class::EXTENDED_LIMITS => answer.at_least(cx.k, || extended_limits(cx, job()?)),
        class::UI_RESTRICTIONS => answer.at_least(cx.k, || words(field::UI_RESTRICTIONS).map(|words| words[0])),
        class::END_OF_JOB => answer.at_least(cx.k, || words(field::END_OF_JOB).map(|words| words[0])),
        class::CPU_RATE => answer.at_least(cx.k, || words(field::CPU_RATE)),
        class::SET => answer.at_least(cx.k, || job().map(|_| 0u32)),
        class::GROUPS => {
            job()?;
            answer.bytes(cx.k, &[0, 0], STATUS_INFO_LENGTH_MISMATCH)
        }
        class::PROCESSES => {
            // Room for one number at least.
            if length < 16 {
                return Err(STATUS_INFO_LENGTH_MISMATCH);
            }
            let job = job()?;
            let ids: Vec<u64> = {
                let tx = cx.k.sandbox()?.0.begin();
                tx.processes_in(job).into_iter().map(|process| tx.process_facts(process).id.into()).collect()
            };
            let fit = ids.len().min((length as usize - 8) / 8);
            let mut bytes = Bytes::default();
            bytes.push([ids.len() as u32, fit as u32]);
            ids.iter().take(fit).for_each(|id| {
                bytes.push(*id);
            });
            let answered = answer.bytes(cx.k, &bytes.0, STATUS_MORE_ENTRIES)?;
            if fit < ids.len() { Err(STATUS_MORE_ENTRIES) } else { Ok(answered) }
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

/// NtSetInformationJobObject.
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INVALID_PARAMETER` for a wrong length or value, `STATUS_INVALID_HANDLE`,
/// `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_information_job_object(cx: &Cx<'_>, handle: Handle, of: u32, buffer: u64, length: u32) -> Nt {
    fn load<T: crate::um::Plain>(cx: &Cx<'_>, buffer: u64, length: u32) -> Nt<T> {
        if length as usize == size_of::<T>() { UserPtr::new(buffer).read(cx.k) } else { Err(STATUS_INVALID_PARAMETER) }
    }
    fn set_limits(cx: &Cx<'_>, handle: Handle, mut basic: Limits, rest: &[u8]) -> Nt {
        let (time, preserve) = (kept::JOB_TIME, kept::PRESERVE_JOB_TIME);
        let wrong = basic.flags & time != 0 && basic.flags & preserve != 0
            || basic.flags & kept::AFFINITY != 0
                && (basic.affinity == 0 || basic.affinity & !cx.k.affinity_mask() != 0)
            || basic.flags & kept::PRIORITY_CLASS != 0 && priority_class(basic.priority_class).is_none();
        if wrong {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let job = place(cx.k, &cx.object_of(handle, Type::Job, access::SET_ATTRIBUTES)?)?;
        let before = limits(cx.k, job)?.basic;
        if basic.flags & preserve != 0 {
            basic.flags |= before.flags & time;
            basic.job_time = before.job_time;
        }
        let bytes = [basic.as_bytes(), rest].concat();
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (inside, changes) = {
            let mut tx = cx.k.sandbox()?.0.begin();
            tx.set_job_words(job, field::LIMITS, &words);
            if basic.flags & time != 0 && basic.flags & preserve == 0 {
                tx.begin_job_time(job);
            }
            let inside = tx.processes_in(job);
            tx.commit()?;
            (inside, (before.flags | basic.flags) & kept::KEPT != 0)
        };
        if changes {
            inside.into_iter().for_each(|process| cx.have_limits_kept(process));
        }
        Ok(STATUS_SUCCESS)
    }
    fn set(cx: &Cx<'_>, handle: Handle, at: u32, bytes: &[u8]) -> Nt {
        let job = place(cx.k, &cx.object_of(handle, Type::Job, access::SET_ATTRIBUTES)?)?;
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let mut tx = cx.k.sandbox()?.0.begin();
        tx.set_job_words(job, at, &words);
        tx.commit()?;
        Ok(STATUS_SUCCESS)
    }
    match of {
        class::LIMITS => {
            let limits: Limits = load(cx, buffer, length)?;
            if limits.flags & !limit::BASIC != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set_limits(cx, handle, limits, &[])
        }
        class::EXTENDED_LIMITS => {
            let limits: ExtendedLimits = load(cx, buffer, length)?;
            if limits.basic.flags & !limit::EXTENDED != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set_limits(cx, handle, limits.basic, limits.as_bytes().get(size_of::<Limits>()..).unwrap_or_default())
        }
        class::UI_RESTRICTIONS => {
            let restrictions: u32 = load(cx, buffer, length)?;
            // JOB_OBJECT_UILIMIT_ALL.
            if restrictions & !0xff != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, field::UI_RESTRICTIONS, restrictions.as_bytes())
        }
        class::END_OF_JOB => {
            let action: u32 = load(cx, buffer, length)?;
            if action > 1 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, field::END_OF_JOB, action.as_bytes())
        }
        class::CPU_RATE => {
            let rate: [u32; 2] = load(cx, buffer, length)?;
            set(cx, handle, field::CPU_RATE, rate.as_bytes())
        }
        class::COMPLETION_PORT => {
            let [key, port]: [u64; 2] = load(cx, buffer, length)?;
            let job = place(cx.k, &cx.object_of(handle, Type::Job, access::SET_ATTRIBUTES)?)?;
            let port = match Handle(port) {
                // Since Windows 8: messages go nowhere from now on.
                Handle(0) => 0,
                port => cx.k.share(&cx.object_of(port, Type::IoCompletion, IO_COMPLETION_MODIFY_STATE)?)?.object,
            };
            let mut tx = cx.k.sandbox()?.0.begin();
            if !tx.set_job_port(job, port, key) {
                return Err(STATUS_INVALID_PARAMETER);
            }
            tx.commit()?;
            Ok(STATUS_SUCCESS)
        }
        // Obsolete since Vista: refused by name there too.
        class::SECURITY_LIMITS => Err(STATUS_NOT_SUPPORTED),
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::{Exited, Fake};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn exit_status(run: impl FnOnce()) -> Option<u32> {
        catch_unwind(AssertUnwindSafe(run)).err()?.downcast::<Exited>().ok().map(|exited| exited.0)
    }

    #[test]
    fn a_process_enters_nested_jobs_and_ends_with_one() {
        let (fake, k) = Fake::kernel();
        let t = fake.attach(k);
        let cx = Cx { k, t: &t };
        let to = fake.alloc(Handle(0));
        let job = || {
            assert_eq!(nt_create_job_object(&cx, to, 0x1f_003f, UserPtr::new(0)), Ok(STATUS_SUCCESS));
            to.read(k).unwrap_or_default()
        };
        let own = Handle::CURRENT_PROCESS;
        let (outer, inner, other) = (job(), job(), job());
        assert_eq!(nt_is_process_in_job(&cx, own, Handle(0)), Ok(STATUS_PROCESS_NOT_IN_JOB));
        let buffer = fake.alloc_bytes(&[0; 256]);
        let query =
            |job, class, length| nt_query_information_job_object(&cx, job, class, buffer, length, UserPtr::new(0));
        assert_eq!(query(Handle(0), class::LIMITS, 64), Err(STATUS_ACCESS_DENIED));
        assert_eq!(nt_assign_process_to_job_object(&cx, outer, own), Ok(STATUS_SUCCESS));
        assert_eq!(nt_assign_process_to_job_object(&cx, inner, own), Ok(STATUS_SUCCESS));
        assert_eq!(nt_assign_process_to_job_object(&cx, inner, own), Ok(STATUS_SUCCESS));
        // The outer one is not nested in the inner one.
        assert_eq!(nt_assign_process_to_job_object(&cx, outer, own), Err(STATUS_ACCESS_DENIED));
        for (job, expected) in
            [(outer, STATUS_PROCESS_IN_JOB), (inner, STATUS_PROCESS_IN_JOB), (other, STATUS_PROCESS_NOT_IN_JOB)]
        {
            assert_eq!(nt_is_process_in_job(&cx, own, job), Ok(expected));
        }
        assert_eq!(query(outer, class::PROCESSES, 16), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<[u32; 3]>::new(buffer).read(k), Ok([1, 1, cx.k.ps.id() as u32]));
        assert_eq!(query(outer, class::ACCOUNTING, 48), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<[u32; 4]>::new(buffer + 32).read(k), Ok([0, 1, 1, 0]));
        assert_eq!(query(outer, class::ACCOUNTING, 47), Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!(query(other, 99, 256), Err(STATUS_INVALID_INFO_CLASS));

        let limits = |flags| fake.alloc(Limits { flags, ..Default::default() }).address();
        let set = |job, class, at, length| nt_set_information_job_object(&cx, job, class, at, length);
        assert_eq!(set(other, class::LIMITS, limits(0x2000), 64), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(set(other, class::LIMITS, limits(8), 63), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(set(other, class::LIMITS, limits(8), 64), Ok(STATUS_SUCCESS));
        assert_eq!(query(other, class::LIMITS, 64), Ok(STATUS_SUCCESS));
        assert_eq!(UserPtr::<u32>::new(buffer + 16).read(k), Ok(8));
        // A job that does not hold the process ends nothing.
        assert_eq!(nt_terminate_job_object(&cx, other, 5), Ok(STATUS_SUCCESS));
        assert_eq!(exit_status(|| _ = nt_terminate_job_object(&cx, outer, 7)), Some(7));
    }

    #[test]
    fn a_process_ends_with_the_last_handle_to_its_job() {
        let (fake, k) = Fake::kernel();
        let t = fake.attach(k);
        let cx = Cx { k, t: &t };
        let to = fake.alloc(Handle(0));
        assert_eq!(nt_create_job_object(&cx, to, 0x1f_003f, UserPtr::new(0)), Ok(STATUS_SUCCESS));
        let inner = to.read(k).unwrap_or_default();
        assert_eq!(nt_assign_process_to_job_object(&cx, inner, Handle::CURRENT_PROCESS), Ok(STATUS_SUCCESS));
        let extended = ExtendedLimits { basic: Limits { flags: 0x2000, ..Default::default() }, ..Default::default() };
        let at = fake.alloc(extended).address();
        let set = nt_set_information_job_object(&cx, inner, class::EXTENDED_LIMITS, at, 144);
        assert_eq!(set, Ok(STATUS_SUCCESS));
        assert_eq!(exit_status(|| _ = k.close_handle(inner)), Some(0));
    }
}
