//! What a thread sees to before it goes on in guest code: its end, standing still, APCs.

use crate::call::Outcome;
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use std::sync::Arc;

impl Kernel {
    /// [`Kernel::leave`] when something is pending.
    pub(crate) fn leave_slowly(&'static self, _thread: &Arc<Thread>, status: Status) -> Outcome {
        Outcome::Return(status)
    }
}
