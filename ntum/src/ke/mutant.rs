//! Mutants, which Win32 calls mutexes.

use crate::call::Cx;
use crate::ob::Ref;
use crate::status::*;

/// Releases a mutant that the caller owns; answers the count before.
///
/// # Errors
/// `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_MUTANT_NOT_OWNED`.
pub fn release(cx: &Cx<'_>, object: &Ref) -> Nt<i32> {
    object.mutant()?;
    object.signal.release_mutant(cx.k, cx.t, object).ok_or(STATUS_MUTANT_NOT_OWNED)
}
