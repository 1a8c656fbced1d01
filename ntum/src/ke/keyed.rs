//! Keyed events.

/// A keyed event.
pub struct KeyedEvent;
