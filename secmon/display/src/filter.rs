//! The system calls that the jail grants, each with its reason. All others fail with EPERM.

use anyhow::Context as _;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// What an argument must be.
type Want = (u8, SeccompCmpOp, u64);

/// Flags of a thread: it shares memory, files and signal handlers, and is no process (CLONE_VM, FS, FILES, SIGHAND, THREAD).
const THREAD: u64 =
    (libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;

/// Calls, what is wanted of their arguments, and why.
const GRANTED: &[(i64, &[Want], &str)] = &[
    (libc::SYS_read, &[], "the desktop's link, clients, the runtime's wake-ups"),
    (libc::SYS_write, &[], "log lines, wake-ups"),
    (libc::SYS_readv, &[], "as read"),
    (libc::SYS_writev, &[], "as write"),
    (libc::SYS_recvfrom, &[], "clients and the link"),
    (libc::SYS_sendto, &[], "clients and the link"),
    (libc::SYS_recvmsg, &[], "the link"),
    (libc::SYS_sendmsg, &[], "clients and the link"),
    (libc::SYS_pread64, &[], "the framebuffer"),
    (libc::SYS_accept4, &[], "clients, at the socket that listens already"),
    (libc::SYS_shutdown, &[], "ends a client's connection"),
    (libc::SYS_getsockopt, &[], "errors of sockets"),
    (libc::SYS_setsockopt, &[(1, SeccompCmpOp::Eq, libc::IPPROTO_TCP as u64)], "small messages go at once"),
    (libc::SYS_getpeername, &[], "whether a client is there"),
    (libc::SYS_getsockname, &[], "the address that browsers must name"),
    (libc::SYS_close, &[], "clients that left"),
    (libc::SYS_fcntl, &[(1, SeccompCmpOp::Eq, libc::F_GETFL as u64)], "checks of the standard library"),
    (libc::SYS_fcntl, &[(1, SeccompCmpOp::Eq, libc::F_GETFD as u64)], "likewise"),
    (libc::SYS_fcntl, &[(1, SeccompCmpOp::Eq, libc::F_DUPFD_CLOEXEC as u64)], "the runtime has its selector twice"),
    (libc::SYS_fcntl, &[(1, SeccompCmpOp::Eq, libc::F_SETFL as u64)], "sockets that do not block"),
    (libc::SYS_ioctl, &[(1, SeccompCmpOp::Eq, libc::FIONBIO)], "likewise"),
    (libc::SYS_epoll_create1, &[], "waiting"),
    (libc::SYS_epoll_ctl, &[], "waiting"),
    (libc::SYS_epoll_wait, &[], "waiting"),
    (libc::SYS_epoll_pwait, &[], "waiting"),
    (libc::SYS_epoll_pwait2, &[], "waiting"),
    (libc::SYS_eventfd2, &[], "waiting"),
    (libc::SYS_poll, &[], "waiting"),
    (libc::SYS_ppoll, &[], "waiting for the X server"),
    (libc::SYS_futex, &[], "threads wait for each other"),
    (libc::SYS_clock_gettime, &[], "time, where the vDSO has none"),
    (libc::SYS_clock_nanosleep, &[], "time"),
    (libc::SYS_nanosleep, &[], "time"),
    (libc::SYS_getrandom, &[], "keys"),
    (libc::SYS_brk, &[], "memory"),
    (libc::SYS_mmap, &[(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)], "memory that is no code"),
    (libc::SYS_mprotect, &[(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)], "guard pages of threads"),
    (libc::SYS_mremap, &[], "memory"),
    (libc::SYS_munmap, &[], "memory"),
    (libc::SYS_madvise, &[], "memory of threads that ended"),
    (libc::SYS_clone, &[(0, SeccompCmpOp::MaskedEq(THREAD), THREAD)], "threads that encode pictures"),
    (libc::SYS_set_robust_list, &[], "threads"),
    (libc::SYS_rseq, &[], "threads"),
    (libc::SYS_sigaltstack, &[], "threads"),
    (libc::SYS_rt_sigprocmask, &[], "threads"),
    (libc::SYS_rt_sigreturn, &[], "signals"),
    (libc::SYS_sched_yield, &[], "threads"),
    (libc::SYS_sched_getaffinity, &[], "how many threads there may be"),
    (libc::SYS_prctl, &[(0, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)], "names of threads"),
    (libc::SYS_gettid, &[], "threads"),
    (libc::SYS_getpid, &[], "whether random numbers are a child's"),
    (libc::SYS_exit, &[], "ends a thread"),
    (libc::SYS_exit_group, &[], "ends it"),
    (libc::SYS_restart_syscall, &[], "waits that a signal interrupted"),
];

/// The C library asks for `clone3` first, whose flags a filter cannot see, and takes `clone` where there is none.
const ABSENT: [i64; 1] = [libc::SYS_clone3];

fn program(
    calls: impl Iterator<Item = (i64, Vec<Want>)>,
    met: SeccompAction,
    other: SeccompAction,
) -> anyhow::Result<BpfProgram> {
    let mut rules = std::collections::BTreeMap::<i64, Vec<SeccompRule>>::new();
    for (call, wants) in calls {
        let all = rules.entry(call).or_default();
        if !wants.is_empty() {
            let condition =
                |(index, operator, value): Want| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value);
            all.push(SeccompRule::new(wants.into_iter().map(condition).collect::<Result<_, _>>()?)?);
        }
    }
    let filter = SeccompFilter::new(rules, other, met, TargetArch::x86_64)?;
    filter.try_into().context("the filter")
}

/// Holds from here on, for all threads that are made.
///
/// # Errors
/// Where the host has no filters.
pub fn apply() -> anyhow::Result<()> {
    let errno = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    let absent = program(ABSENT.into_iter().map(|call| (call, Vec::new())), errno(libc::ENOSYS), SeccompAction::Allow)?;
    let table = GRANTED.iter().map(|(call, wants, _)| (*call, wants.to_vec()));
    let table = table.chain(ABSENT.into_iter().map(|call| (call, Vec::new())));
    let granted = program(table, SeccompAction::Allow, errno(libc::EPERM))?;
    seccompiler::apply_filter(&absent).context("the filter")?;
    // The first one is asked as well: of two answers the stricter counts. After this there is no further one.
    seccompiler::apply_filter(&granted).context("the filter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_a_reason_and_none_opens_anything() {
        assert!(GRANTED.iter().all(|(.., why)| !why.is_empty()));
        let never = [
            libc::SYS_open,
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_io_uring_setup,
            libc::SYS_pidfd_getfd,
            libc::SYS_process_vm_readv,
            libc::SYS_memfd_create,
            libc::SYS_userfaultfd,
        ];
        assert!(GRANTED.iter().all(|(call, ..)| !never.contains(call)));
    }
}
