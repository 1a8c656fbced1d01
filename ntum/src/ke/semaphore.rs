//! Semaphores.

use crate::call::Cx;
use crate::ob::Ref;
use crate::status::*;

/// A semaphore: the count is the dispatcher's.
pub struct Semaphore {
    /// Highest count.
    pub limit: u32,
}

/// Adds to the count; answers the count before.
///
/// # Errors
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_SEMAPHORE_LIMIT_EXCEEDED`.
pub fn release(cx: &Cx<'_>, object: &Ref, by: u32) -> Nt<u32> {
    let limit = object.semaphore()?.limit;
    object.signal.release(cx.k, by, limit).ok_or(STATUS_SEMAPHORE_LIMIT_EXCEEDED)
}
