//! Memory manager: address space, sections, images.

pub mod section;

use crate::call::Call;
use crate::host::Fault;
use crate::kernel::Kernel;
use crate::status::*;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// The component's state.
#[derive(Default)]
pub struct Mm {}

impl Mm {
    /// Answers a fault of the kernel's own access to guest memory: `Ok` if the access is worth another try.
    ///
    /// # Errors
    /// What the fault means to the guest.
    pub fn kernel_fault(&self, _k: &Kernel, _fault: Fault) -> Nt<()> {
        Err(STATUS_ACCESS_VIOLATION)
    }
}
