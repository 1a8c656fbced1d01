//! Numbers that are never given twice: LUIDs and what UUIDs of version 1 are made of.

use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::atomic::Ordering;

/// 100-nanosecond intervals between 15 October 1582, where UUIDs count from, and 1601.
const EPOCH_1582: u64 = 0x01b2_1dd2_1381_4000 - 0x019d_b1de_d53e_8000;
/// How many 100-nanosecond intervals one call gives away at most.
const RANGE: u64 = 10_000;

/// What UUIDs are made of.
#[derive(Default)]
pub struct Uuids {
    /// Times up to here have been given away.
    next: u64,
    /// Clock sequence and node, random as no hardware address is known; made at the first call.
    seed: Option<(u32, [u8; 6])>,
}

impl Kernel {
    /// A locally unique number.
    pub fn new_luid(&self) -> u64 {
        self.ex.next_luid.fetch_add(1, Ordering::Relaxed)
    }
}

/// NtAllocateLocallyUniqueId.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_allocate_locally_unique_id(cx: &Cx<'_>, luid: UserPtr<[u32; 2]>) -> Nt {
    let number = cx.k.new_luid();
    luid.write(cx.k, [number as u32, (number >> 32) as u32])?;
    Ok(STATUS_SUCCESS)
}

/// NtAllocateUuids: a time, how many intervals from it on are the caller's, the clock sequence, and a node of six bytes.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_RETRY` when times are asked for faster than they pass.
pub fn nt_allocate_uuids(
    cx: &Cx<'_>,
    time: UserPtr<u64>,
    range: UserPtr<u32>,
    sequence: UserPtr<u32>,
    seed: UserPtr<[u8; 6]>,
) -> Nt {
    let now = cx.k.system_time() as u64 + EPOCH_1582;
    let (from, count, (clock, node)) = take(cx.k, &cx.k.ex.uuids, now)?;
    time.write(cx.k, from)?;
    range.write(cx.k, count)?;
    sequence.write(cx.k, clock)?;
    seed.write_opt(cx.k, node)?;
    Ok(STATUS_SUCCESS)
}

/// Takes times up to `now` that nobody has.
fn take(k: &Kernel, uuids: &Mutex<Uuids>, now: u64) -> Nt<(u64, u32, (u32, [u8; 6]))> {
    let mut uuids = uuids.lock();
    let seed = *uuids.seed.get_or_insert_with(|| {
        let mut random = [0; 8];
        k.host.random(&mut random);
        let [a, b, node @ ..] = random;
        // 14 bits of sequence; a node that is no hardware address has the multicast bit.
        (u32::from(u16::from_le_bytes([a, b])) & 0x3fff, [node[0] | 1, node[1], node[2], node[3], node[4], node[5]])
    });
    let from = uuids.next.max(now.saturating_sub(RANGE));
    let count = now.saturating_sub(from).min(RANGE);
    if count == 0 {
        return Err(STATUS_RETRY);
    }
    uuids.next = from + count;
    Ok((from, count as u32, seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn times_are_given_once() {
        let (_, k) = Fake::kernel();
        let uuids = Mutex::new(Uuids::default());
        let (first, count, seed) = take(k, &uuids, 1_000_000).unwrap();
        assert_eq!((first, count), (990_000, 10_000));
        assert!(seed.1[0] & 1 == 1 && seed.0 < 0x4000);
        assert_eq!(take(k, &uuids, 1_000_000), Err(STATUS_RETRY));
        assert_eq!(take(k, &uuids, 1_000_003), Ok((1_000_000, 3, seed)));
        // The clock was set back.
        assert_eq!(take(k, &uuids, 500_000), Err(STATUS_RETRY));
    }

    #[test]
    fn the_calendars_are_as_far_apart_as_rfc_9562_says() {
        // 1970 is 0x01b21dd213814000 intervals after 1582, and EPOCH_1601 after 1601.
        assert_eq!(EPOCH_1582 + crate::types::EPOCH_1601 as u64, 0x01b2_1dd2_1381_4000);
    }
}
