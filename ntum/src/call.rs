//! What a system call is: its row in the table, its arguments, and how they become typed.

use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::status::Nt;
use crate::um::UserPtr;
use std::sync::Arc;

impl Call {
    /// Whether it answers an NTSTATUS; the window and graphics calls answer handles, counts and truth values.
    pub fn answers_status(&self) -> bool {
        !["NtUser", "NtGdi", "__wine_"].iter().any(|prefix| self.name.starts_with(prefix))
            || is_kernel_mode_thunk(self.name)
    }
}

/// Whether it is one of Direct3D's kernel calls, which answer an NTSTATUS although they stand among those of graphics.
pub fn is_kernel_mode_thunk(name: &str) -> bool {
    name.starts_with("NtGdiDdDDI")
}

/// Who calls: every system call's first argument.
pub struct Cx<'a> {
    /// The kernel.
    pub k: &'static Kernel,
    /// The calling thread.
    pub t: &'a Arc<Thread>,
}

/// Most arguments that a system call takes.
pub const MAX_ARGS: usize = 17;

/// Arguments as they come, in order.
pub struct Args<'a>(pub &'a [u64]);

/// How far a call is implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As documented.
    Done,
    /// Except for what is named.
    Partial(&'static str),
}

/// One row of the table.
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// Names of its arguments, and bytes of each that count.
    pub args: &'static [(&'static str, usize)],
    /// How far it is implemented.
    pub state: State,
    /// Carries it out; answers what its caller finds in rax.
    pub run: fn(&Cx<'_>, &Args<'_>) -> u64,
}

/// What a handler answers, as its caller finds it in rax.
pub trait Answered {
    /// The register.
    fn register(self, cx: &Cx<'_>) -> u64;
}

impl Answered for Nt {
    fn register(self, _cx: &Cx<'_>) -> u64 {
        u64::from(self.unwrap_or_else(|status| status).0)
    }
}

/// Types that an argument register can be read as.
pub trait FromArg {
    /// The argument as this type; bits beyond it are ignored, as the hardware's calling convention leaves them undefined.
    fn from_arg(raw: u64) -> Self;
}

macro_rules! from_arg {
    ($($t:ty),+) => {$(
        impl FromArg for $t {
            fn from_arg(raw: u64) -> Self {
                raw as $t
            }
        }
    )+};
}
from_arg!(u8, u16, u32, u64, i32, i64, usize);

impl FromArg for bool {
    fn from_arg(raw: u64) -> Self {
        raw as u8 != 0
    }
}

impl FromArg for Handle {
    fn from_arg(raw: u64) -> Self {
        Handle(raw)
    }
}

impl<T> FromArg for UserPtr<T> {
    fn from_arg(raw: u64) -> Self {
        UserPtr::new(raw)
    }
}

/// Makes the rows of one component: `NtClose(handle: Handle) => crate::ob::handle::close, Done;`.
#[macro_export]
macro_rules! calls {
    ($($name:ident($($arg:ident: $ty:ty),* $(,)?) => $run:path, $state:expr;)*) => {
        &[$($crate::call::Call {
            name: stringify!($name),
            args: &[$((stringify!($arg), size_of::<$ty>())),*],
            state: { #[allow(unused_imports)] use $crate::call::State::*; $state },
            run: |cx, args| {
                #[allow(unused_mut)]
                let mut raw = args.0.iter().copied();
                $(let $arg = <$ty as $crate::call::FromArg>::from_arg(raw.next().unwrap_or(0));)*
                let _ = raw;
                $crate::call::Answered::register($run(cx, $($arg),*), cx)
            },
        },)*]
    };
}

/// What the runtime does after a system call, an exception or an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Return this to the caller of the system call, or go on where the guest was.
    Return(u64),
    /// Load the context that [`Thread::take_resume`] answers.
    Resume,
    /// End the host thread.
    Exit,
}
