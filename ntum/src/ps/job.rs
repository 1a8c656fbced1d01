//! Jobs: groups of processes. Here is one process; a chain of nested jobs may hold it.

use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::io::completion::{Packet, post};
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::ob::types::Type;
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::Arc;
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
    pub const ACTIVE_PROCESS: u32 = 8;
    pub const KILL_ON_JOB_CLOSE: u32 = 0x2000;
    /// What JOBOBJECT_BASIC_LIMIT_INFORMATION may say.
    pub const BASIC: u32 = 0xff;
    /// What JOBOBJECT_EXTENDED_LIMIT_INFORMATION may say.
    pub const EXTENDED: u32 = 0x7fff;
}

/// JOB_OBJECT_MSG_*.
mod message {
    pub const ACTIVE_PROCESS_LIMIT: u64 = 3;
    pub const NEW_PROCESS: u64 = 6;
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

/// What a job knows and was told.
#[derive(Default)]
struct State {
    /// The job that this one is nested in.
    parent: Option<Ref>,
    /// Processes in it now, and ever.
    active: u32,
    total: u32,
    /// Processes that a limit of it ended.
    terminated: u32,
    limits: ExtendedLimits,
    ui_restrictions: u32,
    end_of_job: u32,
    /// JOBOBJECT_CPU_RATE_CONTROL_INFORMATION: flags, rate.
    cpu_rate: [u32; 2],
    /// Where messages go, and the key they carry.
    port: Option<(Ref, u64)>,
}

/// A job.
#[derive(Default)]
pub struct Job {
    state: Mutex<State>,
}

impl Job {
    fn tell(&self, k: &Kernel, message: u64, process: u64) {
        let port = self.state.lock().port.clone();
        if let Some((port, key)) = port {
            post(k, &port, Packet { key, context: process, status: STATUS_SUCCESS, information: message });
        }
    }
}

/// A job, then the jobs that it is nested in.
fn chain(job: Option<Ref>) -> impl Iterator<Item = Ref> {
    std::iter::successors(job, |job| job.job().ok()?.state.lock().parent.clone())
}

/// The innermost job of the process.
fn of_process(k: &Kernel) -> Option<Ref> {
    k.ps.process_object().process().ok()?.job.lock().clone()
}

fn holds_process(k: &Kernel, job: &Ref) -> bool {
    chain(of_process(k)).any(|held| Arc::ptr_eq(&held, job))
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
    let object = Object::new(Dispatcher::notification(false), Body::Job(Job::default()));
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
    let object = cx.object_of(job, Type::Job, access::ASSIGN_PROCESS)?;
    let job = object.job()?;
    let process = cx.object_of(process, Type::Process, PROCESS_ASSIGN)?;
    let process = process.process()?;
    let mut innermost = process.job.lock();
    let common = innermost.clone();
    if common.as_ref().is_some_and(|held| Arc::ptr_eq(held, &object)) {
        return Ok(STATUS_SUCCESS);
    }
    if let Some(outer) = &common {
        let mut state = job.state.lock();
        match state.parent.clone() {
            None if state.total != 0 => return Err(STATUS_ACCESS_DENIED),
            None => state.parent = Some(outer.clone()),
            parent => {
                drop(state);
                if !chain(parent).any(|held| Arc::ptr_eq(&held, outer)) {
                    return Err(STATUS_ACCESS_DENIED);
                }
            }
        }
    }
    *innermost = Some(object.clone());
    drop(innermost);
    let entered =
        chain(Some(object.clone())).take_while(|held| common.as_ref().is_none_or(|outer| !Arc::ptr_eq(held, outer)));
    for held in entered.collect::<Vec<_>>() {
        let job = held.job()?;
        let over = {
            let mut state = job.state.lock();
            state.active += 1;
            state.total += 1;
            let limits = &state.limits.basic;
            let over = limits.flags & limit::ACTIVE_PROCESS != 0 && state.active > limits.active_processes;
            state.terminated += u32::from(over);
            over
        };
        if over {
            job.tell(cx.k, message::ACTIVE_PROCESS_LIMIT, 0);
            cx.k.exit_process(STATUS_QUOTA_EXCEEDED.0);
        }
        job.tell(cx.k, message::NEW_PROCESS, cx.k.ps.id());
    }
    Ok(STATUS_SUCCESS)
}

/// NtIsProcessInJob: handle 0 asks for any job.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_is_process_in_job(cx: &Cx<'_>, process: Handle, job: Handle) -> Nt {
    cx.object_of(process, Type::Process, PROCESS_QUERY)?;
    let inside = if job == Handle(0) {
        of_process(cx.k).is_some()
    } else {
        let job = cx.object_of(job, Type::Job, access::QUERY)?;
        holds_process(cx.k, &job)
    };
    Ok(if inside { STATUS_PROCESS_IN_JOB } else { STATUS_PROCESS_NOT_IN_JOB })
}

/// NtTerminateJobObject: ends every process in it.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_terminate_job_object(cx: &Cx<'_>, job: Handle, status: u32) -> Nt {
    let object = cx.object_of(job, Type::Job, access::TERMINATE)?;
    if holds_process(cx.k, &object) {
        cx.k.exit_process(status);
    }
    object.signal.set(cx.k);
    Ok(STATUS_SUCCESS)
}

/// What happens when the last handle to a job is closed.
pub fn last_handle_closed(k: &'static Kernel, object: &Ref) {
    let Ok(job) = object.job() else { return };
    let kill = job.state.lock().limits.basic.flags & limit::KILL_ON_JOB_CLOSE != 0;
    if kill && holds_process(k, object) {
        k.exit_process(0);
    }
}

fn accounting(k: &Kernel, state: &State) -> Accounting {
    let used = if state.active == 0 { 0 } else { (k.host.process_time() / 100) as i64 };
    Accounting {
        user_time: used,
        period_user_time: used,
        total: state.total,
        active: state.active,
        terminated: state.terminated,
        ..Default::default()
    }
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
    let object = || match handle {
        Handle(0) => of_process(cx.k).ok_or(STATUS_ACCESS_DENIED),
        handle => cx.object_of(handle, Type::Job, access::QUERY),
    };
    macro_rules! state {
        (|$state:ident| $value:expr) => {
            answer.at_least(cx.k, || {
                let object = object()?;
                let $state = object.job()?.state.lock();
                Ok($value)
            })
        };
    }
    match of {
        class::ACCOUNTING => state!(|state| accounting(cx.k, &state)),
        class::ACCOUNTING_AND_IO => {
            let mut bytes = Bytes::default();
            let object = object()?;
            bytes.push(accounting(cx.k, &object.job()?.state.lock())).push([0u64; 6]);
            answer.bytes(cx.k, &bytes.0, STATUS_INFO_LENGTH_MISMATCH)
        }
        class::LIMITS => state!(|state| state.limits.basic),
        class::EXTENDED_LIMITS => state!(|state| state.limits),
        class::UI_RESTRICTIONS => state!(|state| state.ui_restrictions),
        class::END_OF_JOB => state!(|state| state.end_of_job),
        class::CPU_RATE => state!(|state| state.cpu_rate),
        class::SET => state!(|_state| 0u32),
        class::GROUPS => {
            object()?.job()?;
            answer.bytes(cx.k, &[0, 0], STATUS_INFO_LENGTH_MISMATCH)
        }
        class::PROCESSES => {
            // Room for one number at least.
            if length < 16 {
                return Err(STATUS_INFO_LENGTH_MISMATCH);
            }
            let active = object()?.job()?.state.lock().active;
            let mut bytes = Bytes::default();
            bytes.push([active, active]);
            if active != 0 {
                bytes.push(cx.k.ps.id());
            }
            answer.bytes(cx.k, &bytes.0, STATUS_MORE_ENTRIES)
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
    fn set(cx: &Cx<'_>, handle: Handle, change: impl FnOnce(&mut State)) -> Nt {
        let object = cx.object_of(handle, Type::Job, access::SET_ATTRIBUTES)?;
        change(&mut object.job()?.state.lock());
        Ok(STATUS_SUCCESS)
    }
    match of {
        class::LIMITS => {
            let limits: Limits = load(cx, buffer, length)?;
            if limits.flags & !limit::BASIC != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, |state| state.limits.basic = limits)
        }
        class::EXTENDED_LIMITS => {
            let limits: ExtendedLimits = load(cx, buffer, length)?;
            if limits.basic.flags & !limit::EXTENDED != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, |state| state.limits = limits)
        }
        class::UI_RESTRICTIONS => {
            let restrictions: u32 = load(cx, buffer, length)?;
            // JOB_OBJECT_UILIMIT_ALL.
            if restrictions & !0xff != 0 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, |state| state.ui_restrictions = restrictions)
        }
        class::END_OF_JOB => {
            let action: u32 = load(cx, buffer, length)?;
            if action > 1 {
                return Err(STATUS_INVALID_PARAMETER);
            }
            set(cx, handle, |state| state.end_of_job = action)
        }
        class::CPU_RATE => {
            let rate: [u32; 2] = load(cx, buffer, length)?;
            set(cx, handle, |state| state.cpu_rate = rate)
        }
        class::COMPLETION_PORT => {
            let [key, port]: [u64; 2] = load(cx, buffer, length)?;
            let object = cx.object_of(handle, Type::Job, access::SET_ATTRIBUTES)?;
            let job = object.job()?;
            // IO_COMPLETION_MODIFY_STATE.
            let port = cx.object_of(Handle(port), Type::IoCompletion, 2)?;
            let active = {
                let mut state = job.state.lock();
                if state.port.is_some() {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                state.port = Some((port, key));
                state.active
            };
            // Processes that are in it already are told as if they came now.
            if active != 0 {
                job.tell(cx.k, message::NEW_PROCESS, cx.k.ps.id());
            }
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

        let extended = ExtendedLimits { basic: Limits { flags: 0x2000, ..Default::default() }, ..Default::default() };
        let at = fake.alloc(extended).address();
        assert_eq!(set(inner, class::EXTENDED_LIMITS, at, 144), Ok(STATUS_SUCCESS));
        assert_eq!(exit_status(|| _ = k.close_handle(inner)), Some(0));
    }
}
