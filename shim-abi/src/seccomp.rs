//! Every Linux system call that a picoprocess may issue, with its argument rule and its reason.
//!
//! The monitor compiles the table to BPF, the runtime puts one row in front (only instructions in the runtime's own text
//! issue system calls; anything else is an NT call of the guest) and installs it before the first guest instruction.
//! A call or an argument that no row allows raises SIGSYS.

/// What is done with a call that a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It passes if every rule of one of the alternatives holds; no alternative: always.
    Allow(&'static [&'static [Rule]]),
    /// It fails with this error, of this name.
    Fails(&'static str, u16),
}

/// A library probes for it and has another way.
const ABSENT: Action = Action::Fails("ENOSYS", 38);

/// A condition on one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Which argument, from 0.
    pub argument: u8,
    /// Whether only its low 32 bits count, as the kernel reads an int.
    pub int: bool,
    /// What it must be.
    pub test: Test,
    /// For a person.
    pub text: &'static str,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// This value.
    Equals(u64),
    /// Below this value.
    Below(u64),
    /// This value after masking: mask, value.
    Masked(u64, u64),
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// Name of the Linux system call.
    pub name: &'static str,
    /// Its number on x86-64.
    pub number: i64,
    /// The rule.
    pub action: Action,
    /// Why.
    pub reason: &'static str,
}

const fn int(argument: u8, value: u64, text: &'static str) -> Rule {
    Rule { argument, int: true, test: Test::Equals(value), text }
}
const fn wide(argument: u8, value: u64, text: &'static str) -> Rule {
    Rule { argument, int: false, test: Test::Equals(value), text }
}
const fn masked(argument: u8, mask: u64, value: u64, text: &'static str) -> Rule {
    Rule { argument, int: true, test: Test::Masked(mask, value), text }
}
const fn below(argument: u8, bound: u64, text: &'static str) -> Rule {
    Rule { argument, int: true, test: Test::Below(bound), text }
}

const ALWAYS: Action = Action::Allow(&[]);

/// Flags that glibc's pthread_create passes to clone: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID,
/// CHILD_CLEARTID.
pub const CLONE_FLAGS: u64 = 0x003d_0f00;

/// mmap flags in use: SHARED, PRIVATE, FIXED, ANONYMOUS, NORESERVE, STACK, FIXED_NOREPLACE.
const MMAP_FLAGS: u64 = 0x0012_4033;

/// The table, most frequent first: the filter is read from its top.
pub const GRANTS: &[Grant] = &[
    Grant {
        name: "futex",
        number: 202,
        reason: "waits and wakes: events, locks, keyed events",
        action: Action::Allow(&[
            &[masked(1, 0x7f, 0, "FUTEX_WAIT")],
            &[masked(1, 0x7f, 1, "FUTEX_WAKE")],
            &[masked(1, 0x7f, 9, "FUTEX_WAIT_BITSET")],
        ]),
    },
    Grant { name: "pread64", number: 17, reason: "data of a stream the monitor opened", action: ALWAYS },
    Grant { name: "pwrite64", number: 18, reason: "data of a stream the monitor opened for writing", action: ALWAYS },
    Grant { name: "read", number: 0, reason: "data of pipes and terminals", action: ALWAYS },
    Grant { name: "write", number: 1, reason: "data of pipes and terminals", action: ALWAYS },
    Grant {
        name: "sendmsg",
        number: 46,
        reason: "a call to the monitor",
        action: Action::Allow(&[&[below(0, 9, "one of the lanes")]]),
    },
    Grant {
        name: "recvmsg",
        number: 47,
        reason: "the monitor's reply, its events, the changes of a watched folder",
        action: ALWAYS,
    },
    Grant { name: "close", number: 3, reason: "gives a descriptor back", action: ALWAYS },
    Grant { name: "fstat", number: 5, reason: "size and times of an open stream", action: ALWAYS },
    Grant {
        name: "mmap",
        number: 9,
        reason: "memory, and the bytes of streams as memory",
        action: Action::Allow(&[&[masked(
            3,
            !MMAP_FLAGS & 0xffff_ffff,
            0,
            "no huge pages, no locking, no growing down",
        )]]),
    },
    Grant { name: "munmap", number: 11, reason: "gives memory back", action: ALWAYS },
    Grant {
        name: "mprotect",
        number: 10,
        reason: "VirtualProtect, guard pages, commit",
        action: Action::Allow(&[&[masked(2, !7 & 0xffff_ffff, 0, "read, write, execute only")]]),
    },
    Grant {
        name: "madvise",
        number: 28,
        reason: "gives pages back: decommit, reset, stacks of threads that ended",
        action: Action::Allow(&[&[int(2, 4, "MADV_DONTNEED")]]),
    },
    Grant { name: "brk", number: 12, reason: "the C library's heap begins there", action: ALWAYS },
    Grant {
        name: "mremap",
        number: 25,
        reason: "would move what others rely on: the C library then copies a block that it grows",
        action: ABSENT,
    },
    Grant {
        name: "clock_gettime",
        number: 228,
        reason: "processor time of threads; other clocks where the vDSO has none",
        action: ALWAYS,
    },
    Grant { name: "rt_sigreturn", number: 15, reason: "returns from an exception", action: ALWAYS },
    Grant {
        name: "tgkill",
        number: 234,
        reason: "suspends, resumes and inspects the picoprocess's own threads",
        action: Action::Allow(&[&[int(0, 1, "itself: process 1 of its own namespace")]]),
    },
    Grant {
        name: "rt_sigprocmask",
        number: 14,
        reason: "the C library blocks signals while it starts a thread",
        action: ALWAYS,
    },
    Grant {
        name: "gettid",
        number: 186,
        reason: "a thread learns its number, to be interrupted by it",
        action: ALWAYS,
    },
    Grant {
        name: "sigaltstack",
        number: 131,
        reason: "each thread takes its exceptions on a stack of its own",
        action: ALWAYS,
    },
    Grant {
        name: "clone",
        number: 56,
        reason: "one host thread for each NT thread",
        action: Action::Allow(&[&[wide(0, CLONE_FLAGS, "a thread, and exactly that")]]),
    },
    Grant {
        name: "clone3",
        number: 435,
        reason: "its flags lie in memory, where no filter sees them: the C library then uses clone",
        action: ABSENT,
    },
    Grant {
        name: "set_robust_list",
        number: 273,
        reason: "the C library registers it for each thread and does without",
        action: ABSENT,
    },
    Grant {
        name: "rseq",
        number: 334,
        reason: "the C library registers it for each thread and does without",
        action: ABSENT,
    },
    Grant { name: "exit", number: 60, reason: "ends a thread", action: ALWAYS },
    Grant { name: "exit_group", number: 231, reason: "ends the picoprocess", action: ALWAYS },
    Grant { name: "sched_yield", number: 24, reason: "NtYieldExecution", action: ALWAYS },
    Grant {
        name: "poll",
        number: 7,
        reason: "waits until a pipe or terminal has data, so that a read can be cancelled",
        action: ALWAYS,
    },
    Grant {
        name: "restart_syscall",
        number: 219,
        reason: "the kernel's own way back into a wait with a deadline that a stop or a freeze interrupted: who waits begins anew",
        action: Action::Fails("EINTR", 4),
    },
    Grant { name: "epoll_wait", number: 232, reason: "waits until one of many sockets is ready", action: ALWAYS },
    Grant {
        name: "epoll_ctl",
        number: 233,
        reason: "adds a socket to those; one that is closed is gone",
        action: Action::Allow(&[&[int(1, 1, "EPOLL_CTL_ADD")]]),
    },
    Grant { name: "ftruncate", number: 77, reason: "sets the end of a file opened for writing", action: ALWAYS },
    Grant { name: "fsync", number: 74, reason: "FlushFileBuffers", action: ALWAYS },
    Grant {
        name: "fcntl",
        number: 72,
        reason: "locks a range of a file against other sandboxes",
        action: Action::Allow(&[&[int(1, 37, "F_OFD_SETLK")]]),
    },
    Grant {
        name: "memfd_create",
        number: 319,
        reason: "memory that several views share: pagefile-backed sections",
        action: Action::Allow(&[&[int(1, 1, "MFD_CLOEXEC")]]),
    },
    Grant { name: "getrandom", number: 318, reason: "random numbers", action: ALWAYS },
];

/// How many system calls can do something (rows that answer an error grant nothing).
pub fn allowed() -> usize {
    GRANTS.iter().filter(|g| matches!(g.action, Action::Allow(_))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_distinct() {
        assert!(allowed() <= 32, "{} allowed", allowed());
        for (i, a) in GRANTS.iter().enumerate() {
            assert!(GRANTS[i + 1..].iter().all(|b| b.name != a.name && b.number != a.number), "{}", a.name);
        }
    }
}
