//! The extended state of a CONTEXT: the upper halves of the ymm registers, in an XSAVE area that CONTEXT_EX behind the CONTEXT leads
//! to (`winnt.h`). Where the processor has XSAVEC the area's format is the compacted one, whose CompactionMask says which parts it has
//! room for; with this one part it lies where the standard format has it. The state of AVX-512 and later is not carried.

use crate::ex::cpu::cpu;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::{Context, Ymm};
use crate::um::UserPtr;
use zerocopy::FromZeros;

/// XSTATE_MASK_LEGACY: x87 and SSE.
pub const LEGACY: u64 = 3;
/// XSTATE_MASK_GSSE: the upper halves of the ymm registers.
pub const AVX: u64 = 4;
/// Where CONTEXT_EX lies, from the CONTEXT.
pub const CONTEXT_EX: u64 = size_of::<Context>() as u64;
/// Where its XState chunk lies in it: offset from CONTEXT_EX, length.
const CHUNK: u64 = 16;
/// Bytes of XSAVE_AREA_HEADER: Mask, CompactionMask, reserved.
pub const HEADER: usize = 64;
/// Bytes of the header and what follows.
pub const AREA: usize = HEADER + size_of::<Ymm>();
/// Bytes of a whole XSAVE area: the legacy part lies in the CONTEXT.
pub const SIZE: usize = 512 + AREA;
/// Bit 63 of CompactionMask: the area is compacted.
const COMPACTED: u64 = 1 << 63;
/// PF_AVX_INSTRUCTIONS_AVAILABLE.
const PF_AVX: usize = 39;

/// Whether contexts have extended state: the processor has AVX and the host keeps its state.
pub fn enabled() -> bool {
    cpu().shared[PF_AVX]
}

/// Whether areas are compacted.
pub fn compacted() -> bool {
    cpu().xsavec
}

/// The area of a guest's CONTEXT: its address and its length.
fn area(k: &Kernel, context: u64) -> Nt<(u64, usize)> {
    let ex = context.wrapping_add(CONTEXT_EX);
    let [offset, length] = UserPtr::<[u32; 2]>::new(ex.wrapping_add(CHUNK)).read(k)?;
    if !(HEADER..=AREA).contains(&(length as usize)) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok((ex.wrapping_add_signed(i64::from(offset as i32)), length as usize))
}

/// How many bytes a guest's CONTEXT and what CONTEXT_EX leads to take up together, if that lies close behind it.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`.
pub fn extent(k: &Kernel, context: u64) -> Nt<u64> {
    /// How far behind a CONTEXT its area may begin.
    const MOST: u64 = 0x1000;
    let flags = UserPtr::<u32>::new(context.wrapping_add(core::mem::offset_of!(Context, flags) as u64)).read(k)?;
    if flags & Context::XSTATE != Context::XSTATE || !enabled() {
        return Ok(CONTEXT_EX);
    }
    let (at, length) = area(k, context)?;
    match at.wrapping_sub(context) {
        behind @ CONTEXT_EX..=MOST => Ok(behind + length as u64),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

/// The extended state that a guest's CONTEXT brings; `None` if its flags name none, or its area has no room for any.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BUFFER_OVERFLOW` for an area that is too short, `STATUS_ACCESS_VIOLATION`.
pub fn load(k: &Kernel, context: u64, flags: u32) -> Nt<Option<Ymm>> {
    if flags & Context::XSTATE != Context::XSTATE || !enabled() {
        return Ok(None);
    }
    let (at, length) = area(k, context)?;
    let [mask, room] = UserPtr::<[u64; 2]>::new(at).read(k)?;
    if mask & AVX == 0 {
        return Ok((room == 0 || room & AVX != 0).then(Ymm::default));
    }
    if length < AREA {
        return Err(STATUS_BUFFER_OVERFLOW);
    }
    UserPtr::<Ymm>::new(at.wrapping_add(HEADER as u64)).read(k).map(Some)
}

/// Fills in what a guest's CONTEXT asks for: Mask (CompactionMask of a compacted area) says what it wants, and then Mask what there is;
/// state that is all zero, or unknown because the thread is in a call, is none.
///
/// # Errors
/// As [`load`].
pub fn store(k: &Kernel, context: u64, flags: u32, ymm: Option<&Ymm>) -> Nt<()> {
    if flags & Context::XSTATE != Context::XSTATE || !enabled() {
        return Ok(());
    }
    let (at, length) = area(k, context)?;
    let [mask, room] = UserPtr::<[u64; 2]>::new(at).read(k)?;
    let wanted = if compacted() { room } else { mask } & AVX;
    let found = ymm.filter(|ymm| wanted != 0 && in_use(ymm));
    UserPtr::new(at).write(k, header(wanted, found.is_some()))?;
    match found {
        Some(_) if length < AREA => Err(STATUS_BUFFER_OVERFLOW),
        Some(ymm) => UserPtr::new(at.wrapping_add(HEADER as u64)).write(k, *ymm),
        None => Ok(()),
    }
}

/// An XSAVE_AREA_HEADER of an area for `parts`, with or without the upper halves in it.
pub fn header(parts: u64, avx: bool) -> [u64; HEADER / 8] {
    let mut header = <[u64; HEADER / 8]>::new_zeroed();
    header[0] = if avx { AVX } else { 0 };
    header[1] = if compacted() { COMPACTED | parts } else { 0 };
    header
}

/// Whether it differs from what the registers start with.
pub fn in_use(ymm: &Ymm) -> bool {
    *ymm != Ymm::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn an_area_is_found_checked_filled_and_read() {
        let (fake, k) = Fake::kernel();
        let _thread = fake.attach(k);
        if !enabled() {
            return;
        }
        let at = fake.alloc::<[u8; 0x700]>([0; 0x700]).address();
        let chunk = |offset: u32, length: u32| {
            UserPtr::new(at + CONTEXT_EX + CHUNK).write(k, [offset, length]).unwrap();
        };
        let area = at + CONTEXT_EX + 0xf0;
        let ymm: Ymm = core::array::from_fn(|index| [index as u64, 7]);
        // Flags that do not name it leave it alone, whatever lies there.
        assert_eq!(load(k, at, Context::ALL), Ok(None));
        assert_eq!(store(k, 8, Context::ALL, Some(&ymm)), Ok(()));
        chunk(0xf0, 25);
        assert_eq!(load(k, at, Context::XSTATE), Err(STATUS_INVALID_PARAMETER));
        chunk(0xf0, HEADER as u32);
        assert_eq!(load(k, at, Context::XSTATE), Ok(Some(Ymm::default())));
        // An area that has no room for it leaves the registers as they are.
        UserPtr::new(area).write(k, [0, COMPACTED]).unwrap();
        assert_eq!(load(k, at, Context::XSTATE), Ok(None));
        UserPtr::new(area).write(k, [AVX, COMPACTED | AVX]).unwrap();
        assert_eq!(load(k, at, Context::XSTATE), Err(STATUS_BUFFER_OVERFLOW));
        assert_eq!(store(k, at, Context::XSTATE, Some(&ymm)), Err(STATUS_BUFFER_OVERFLOW));
        chunk(0xf0, AREA as u32);
        assert_eq!(store(k, at, Context::XSTATE, Some(&ymm)), Ok(()));
        assert_eq!(load(k, at, Context::XSTATE), Ok(Some(ymm)));
        let room = if compacted() { COMPACTED | AVX } else { 0 };
        assert_eq!(UserPtr::<[u64; 2]>::new(area).read(k), Ok([AVX, room]));
        // What was not asked for is not filled in, and what is unknown or all zero is not there.
        for (wanted, found) in [(0, Some(&ymm)), (AVX, None), (AVX, Some(&Ymm::default()))] {
            UserPtr::new(area).write(k, [wanted, COMPACTED | wanted]).unwrap();
            assert_eq!(store(k, at, Context::XSTATE, found), Ok(()));
            assert_eq!(UserPtr::<u64>::new(area).read(k), Ok(0));
        }
        chunk(0x7fff_ffff, AREA as u32);
        assert_eq!(load(k, at, Context::XSTATE), Err(STATUS_ACCESS_VIOLATION));
    }
}
