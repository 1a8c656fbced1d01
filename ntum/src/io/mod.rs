//! I/O: files, devices, completion ports.

pub mod completion;
pub mod device;
pub mod file;

use crate::call::Call;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};
