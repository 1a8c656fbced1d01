//! Timers.

/// A timer.
pub struct Timer;

/// Timers that are set.
#[derive(Default)]
pub struct Queue;
