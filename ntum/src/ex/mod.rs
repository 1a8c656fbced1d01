//! Executive: time, system information, random numbers.

pub mod unix;

use crate::call::Call;
use crate::kernel::Kernel;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// The component's state.
#[derive(Default)]
pub struct Ex {}

/// While it lives, the thread counts as resting: shared time need not tick for it.
pub struct Resting;

impl Ex {
    /// The calling thread is about to sleep.
    pub fn rest(&self, _k: &Kernel) -> Resting {
        Resting
    }

    /// A guest thread starts to run.
    pub fn thread_started(&self, _k: &Kernel) {}

    /// A guest thread ended.
    pub fn thread_ended(&self, _k: &Kernel) {}
}
