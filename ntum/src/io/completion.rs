//! Completion ports.

/// A completion port.
pub struct Completion;
