//! Slots of thread-local storage in TEBs.

use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// Slots within the TEB (TLS_MINIMUM_AVAILABLE).
const SLOTS: u32 = 64;
/// Slots beyond, in a block of their own.
const EXPANSION_SLOTS: u32 = 1024;
/// Offset of TlsSlots in a TEB.
const TLS_SLOTS: u64 = 0x1480;
/// Offset of TlsExpansionSlots, the block's address.
const TLS_EXPANSION_SLOTS: u64 = 0x1780;

/// Zeroes a slot in every thread: what TlsFree asks for.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` if there is no such slot.
pub fn clear(cx: &Cx<'_>, index: u32) -> Nt {
    if index >= SLOTS + EXPANSION_SLOTS {
        return Err(STATUS_INVALID_PARAMETER);
    }
    for thread in cx.k.ps.threads() {
        let teb = thread.teb.load(Ordering::Relaxed);
        let slot = match index.checked_sub(SLOTS) {
            None => teb.wrapping_add(TLS_SLOTS + u64::from(index) * 8),
            Some(index) => {
                // A thread that is just starting or ending has no block, or no TEB any more: nothing to clear.
                match UserPtr::<u64>::new(teb.wrapping_add(TLS_EXPANSION_SLOTS)).read(cx.k) {
                    Ok(0) | Err(_) => continue,
                    Ok(block) => block.wrapping_add(u64::from(index) * 8),
                }
            }
        };
        let _ = UserPtr::<u64>::new(slot).write(cx.k, 0);
    }
    Ok(STATUS_SUCCESS)
}
