//! Which system calls may be carried out in another process, and which of their arguments point at memory of the caller.

/// How many bytes an argument points at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// So many.
    Fixed(u32),
    /// As many as another argument says.
    Argument(usize),
    /// Eight times the number that another argument points at.
    Pointed(usize),
    /// As many as a CONTEXT with its extended state takes up.
    Context,
}

/// An argument that points at memory of the caller. A null pointer stays one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) argument: usize,
    pub(super) size: Size,
}

/// A call that may be carried out in another process. Its first argument is the handle.
pub struct Remote {
    pub(super) name: &'static str,
    /// Rights that the handle must give.
    pub(super) access: u32,
    pub(super) windows: &'static [Window],
    /// Which argument is the process's or thread's handle. If it is not the first, that one's object goes along.
    pub(super) target: usize,
}

const fn fixed(argument: usize, bytes: u32) -> Window {
    Window { argument, size: Size::Fixed(bytes) }
}

const fn sized(argument: usize, by: usize) -> Window {
    Window { argument, size: Size::Argument(by) }
}

const fn remote(name: &'static str, access: u32, windows: &'static [Window]) -> Remote {
    Remote { name, access, windows, target: 0 }
}

const CONTEXT: Window = Window { argument: 1, size: Size::Context };

/// The calls. Rights: PROCESS_VM_OPERATION 0x8, _VM_READ 0x10, _VM_WRITE 0x20, _SET_QUOTA and _SET_INFORMATION 0x200,
/// _QUERY_LIMITED_INFORMATION 0x1000, _SUSPEND_RESUME 0x800; THREAD_TERMINATE 0x1, _SUSPEND_RESUME 0x2, _ALERT 0x4, _GET_CONTEXT 0x8,
/// _SET_CONTEXT 0x10, _SET_INFORMATION 0x20, _QUERY_INFORMATION 0x40.
const REMOTES: &[Remote] = &[
    remote("NtAllocateVirtualMemory", 0x8, &[fixed(1, 8), fixed(3, 8)]),
    remote("NtAllocateVirtualMemoryEx", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtResetWriteWatch", 0x8, &[]),
    remote("NtGetWriteWatch", 0x8, &[Window { argument: 4, size: Size::Pointed(5) }, fixed(5, 8), fixed(6, 4)]),
    remote("NtFreeVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtProtectVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8), fixed(4, 4)]),
    remote("NtLockVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtUnlockVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8)]),
    remote("NtFlushVirtualMemory", 0x8, &[fixed(1, 8), fixed(2, 8), fixed(3, 16)]),
    remote("NtQueryVirtualMemory", 0x1000, &[sized(3, 4), fixed(5, 8)]),
    remote("NtReadVirtualMemory", 0x10, &[sized(2, 3), fixed(4, 8)]),
    remote("NtWriteVirtualMemory", 0x20, &[sized(2, 3), fixed(4, 8)]),
    remote("NtFlushInstructionCache", 0x20, &[]),
    remote("NtUnmapViewOfSection", 0x8, &[]),
    remote("NtUnmapViewOfSectionEx", 0x8, &[]),
    remote("NtSetInformationProcess", 0x200, &[sized(2, 3)]),
    remote("NtSuspendProcess", 0x800, &[]),
    remote("NtResumeProcess", 0x800, &[]),
    remote("NtSuspendThread", 0x2, &[fixed(1, 4)]),
    remote("NtResumeThread", 0x2, &[fixed(1, 4)]),
    remote("NtAlertThread", 0x4, &[]),
    remote("NtAlertResumeThread", 0x2, &[fixed(1, 4)]),
    remote("NtQueueApcThread", 0x10, &[]),
    remote("NtQueueApcThreadEx", 0x10, &[]),
    remote("NtQueueApcThreadEx2", 0x10, &[]),
    remote("NtTerminateThread", 0x1, &[]),
    remote("NtGetContextThread", 0x8, &[CONTEXT]),
    remote("NtSetContextThread", 0x10, &[CONTEXT]),
    remote("NtQueryInformationThread", 0x40, &[sized(2, 3), fixed(4, 4)]),
    remote("NtSetInformationThread", 0x20, &[sized(2, 3)]),
    remote("NtQueryInformationProcess", 0x1000, &[sized(2, 3), fixed(4, 4)]),
    Remote { target: 1, ..remote("NtMapViewOfSection", 0x8, &[fixed(2, 8), fixed(5, 8), fixed(6, 8)]) },
    Remote { target: 1, ..remote("NtMapViewOfSectionEx", 0x8, &[fixed(2, 8), fixed(3, 8), fixed(4, 8)]) },
];

/// The row of a call, if it has one.
pub fn find(name: &str) -> Option<&'static Remote> {
    REMOTES.iter().find(|remote| remote.name == name)
}
