//! Open keys.

/// An open key.
pub struct Key;
