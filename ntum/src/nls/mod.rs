//! National language support: case folding, and the calls that hand the code-page tables to the guest.

pub mod fold;
pub mod locale;
pub mod timezone;
pub mod tzif;

use crate::call::Call;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};
