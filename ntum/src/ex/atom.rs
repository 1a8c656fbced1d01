//! Global atoms: names as 16-bit numbers. Numbers below 0xc000 name themselves. The table is the sandbox's (`shm::atom`).

use crate::answer::{Answer, Bytes};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::atom::{FIRST, MAX_NAME};
use crate::status::*;
use crate::types::wide;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// The name's number, counted once more.
///
/// # Errors
/// `STATUS_NO_MEMORY`; `STATUS_INVALID_PARAMETER` for a name that is too long.
pub fn add(k: &'static Kernel, name: &[u16]) -> Nt<u16> {
    let mut tx = k.member()?.0.begin();
    let atom = tx.add_atom(name)?;
    tx.commit()?;
    Ok(atom)
}

/// As [`add`], until [`unuse`] or the process's end: whatever ends it, nothing is left behind.
///
/// # Errors
/// As [`add`].
pub fn add_for_process(k: &'static Kernel, name: &[u16]) -> Nt<u16> {
    let (shm, member) = k.member()?;
    let mut tx = shm.begin();
    let atom = tx.use_atom(member, name)?;
    tx.commit()?;
    Ok(atom)
}

/// Ends what [`add_for_process`] began.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub fn unuse(k: &'static Kernel, atom: u16) -> Nt<()> {
    let (shm, member) = k.member()?;
    let mut tx = shm.begin();
    tx.unuse_atom(member, atom);
    tx.commit()
}

/// The name's number, if it has one.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`.
pub fn find(k: &'static Kernel, name: &[u16]) -> Nt<u16> {
    k.member()?.0.begin().find_atom(name).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
}

/// A number's name: that which it was given, or of numbers below those, `#` and digits.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`.
pub fn name(k: &'static Kernel, atom: u16) -> Nt<Vec<u16>> {
    match atom {
        0 => Err(STATUS_INVALID_HANDLE),
        1..FIRST => Ok(wide(&format!("#{atom}"))),
        _ => counted(k, atom).map(|(name, _)| name),
    }
}

/// Name and count.
fn counted(k: &'static Kernel, atom: u16) -> Nt<(Vec<u16>, u16)> {
    k.member()?.0.begin().atom(atom).ok_or(STATUS_INVALID_HANDLE)
}

/// What a name argument says.
enum Named {
    Number(u16),
    Name(Vec<u16>),
}

/// Reads a name: a number where the address should be, `#` and a number in digits, or a name.
fn read(cx: &Cx<'_>, name: UserPtr<u16>, bytes: u32) -> Nt<Named> {
    let number = |number: u32| match number {
        1..=0xbfff => Ok(Named::Number(number as u16)),
        _ => Err(STATUS_INVALID_PARAMETER),
    };
    if name.address() < 0x1_0000 {
        return number(name.address() as u32);
    }
    let length = bytes as usize / 2;
    if length == 0 {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    // A longer one is no number either: 255 digits are too many.
    if length > MAX_NAME {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let text = name.read_units(cx.k, length)?;
    if let [hash, digits @ ..] = text.as_slice()
        && *hash == u16::from(b'#')
        && !digits.is_empty()
        && digits.iter().all(|unit| (0x30..=0x39).contains(unit))
    {
        return number(
            digits.iter().fold(0u32, |sum, unit| sum.saturating_mul(10).saturating_add(u32::from(unit - 0x30))),
        );
    }
    Ok(Named::Name(text))
}

/// NtAddAtom.
///
/// # Errors
/// `STATUS_OBJECT_NAME_INVALID`, `STATUS_INVALID_PARAMETER`, `STATUS_NO_MEMORY`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_add_atom(cx: &Cx<'_>, name: UserPtr<u16>, bytes: u32, atom: UserPtr<u16>) -> Nt {
    let found = match read(cx, name, bytes)? {
        Named::Number(number) => number,
        Named::Name(name) => add(cx.k, &name)?,
    };
    atom.write_opt(cx.k, found)?;
    Ok(STATUS_SUCCESS)
}

/// NtFindAtom.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, and as [`nt_add_atom`].
pub fn nt_find_atom(cx: &Cx<'_>, name: UserPtr<u16>, bytes: u32, atom: UserPtr<u16>) -> Nt {
    let found = match read(cx, name, bytes)? {
        Named::Number(number) => number,
        Named::Name(name) => find(cx.k, &name)?,
    };
    atom.write_opt(cx.k, found)?;
    Ok(STATUS_SUCCESS)
}

/// NtDeleteAtom: counts one use less.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`.
pub fn nt_delete_atom(cx: &Cx<'_>, atom: u16) -> Nt {
    match atom {
        0 => return Err(STATUS_INVALID_HANDLE),
        1..FIRST => {}
        _ => {
            let mut tx = cx.k.member()?.0.begin();
            tx.delete_atom(atom)?;
            tx.commit()?;
        }
    }
    Ok(STATUS_SUCCESS)
}

/// NtQueryInformationAtom: class 0 is ATOM_BASIC_INFORMATION (count, pinned, bytes of the name, name), class 1
/// ATOM_TABLE_INFORMATION (how many, and which).
///
/// # Errors
/// `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_BUFFER_TOO_SMALL` for a buffer without room for a
/// unit of the name (what fits is answered), `STATUS_INVALID_HANDLE`, `STATUS_INVALID_PARAMETER`.
pub fn nt_query_information_atom(
    cx: &Cx<'_>,
    atom: u16,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    /// sizeof(ATOM_BASIC_INFORMATION): three numbers and one unit.
    const BASIC: u32 = 8;
    match class {
        0 => {
            if length < BASIC {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let (name, count, pinned) = match atom {
                0 => return Err(STATUS_INVALID_PARAMETER),
                1..FIRST => (wide(&format!("#{atom}")), 1, 1),
                _ => {
                    let (name, count) = counted(cx.k, atom)?;
                    (name, count, 0)
                }
            };
            // The unit that the structure has of its own is the terminator's.
            let room = ((length - BASIC) / 2) as usize;
            let shown = &name[..name.len().min(room)];
            let short = room == 0;
            let told = if short { name.len() } else { shown.len() } as u16 * 2;
            let mut answer = Bytes::default();
            answer.push([count, pinned, told]).extend(shown.as_bytes()).push(0u16);
            returned.write_opt(cx.k, BASIC + u32::from(told))?;
            cx.k.write_user(buffer, &answer.0)?;
            if short { Err(STATUS_BUFFER_TOO_SMALL) } else { Ok(STATUS_SUCCESS) }
        }
        1 => {
            let atoms = cx.k.member()?.0.begin().all_atoms();
            let mut answer = Bytes::default();
            answer.push(atoms.len() as u32).extend(atoms.as_bytes()).align(4);
            Answer::new(buffer, length, returned).bytes(cx.k, &answer.0, STATUS_INFO_LENGTH_MISMATCH)
        }
        _ => Err(STATUS_INVALID_INFO_CLASS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn names_are_counted_and_case_is_ignored() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let name = |text: &str| {
                let units = wide(text);
                (UserPtr::new(fake.alloc_bytes(units.as_bytes())), units.len() as u32 * 2)
            };
            let out = fake.alloc(0u16);
            let add = |text| {
                let (at, bytes) = name(text);
                nt_add_atom(cx, at, bytes, out).map(|_| out.read(cx.k).unwrap())
            };
            let find = |text| {
                let (at, bytes) = name(text);
                nt_find_atom(cx, at, bytes, out).map(|_| out.read(cx.k).unwrap())
            };
            assert_eq!(add("First"), Ok(0xc001));
            assert_eq!(add("second"), Ok(0xc002));
            assert_eq!(add("FIRST"), Ok(0xc001));
            assert_eq!(find("first"), Ok(0xc001));
            assert_eq!(find("third"), Err(STATUS_OBJECT_NAME_NOT_FOUND));
            assert_eq!(nt_delete_atom(cx, 0xc001), Ok(STATUS_SUCCESS));
            assert_eq!(find("first"), Ok(0xc001));
            assert_eq!(nt_delete_atom(cx, 0xc001), Ok(STATUS_SUCCESS));
            assert_eq!(find("first"), Err(STATUS_OBJECT_NAME_NOT_FOUND));
            assert_eq!(nt_delete_atom(cx, 0xc001), Err(STATUS_INVALID_HANDLE));
            assert_eq!(add("third"), Ok(0xc001), "a free number is used again");
            assert_eq!(add("#123"), Ok(123));
            assert_eq!(add("#0"), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(add("#49152"), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(add("#12x"), Ok(0xc003));
            assert_eq!(add(""), Err(STATUS_OBJECT_NAME_INVALID));
            assert_eq!(add(&"x".repeat(256)), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(nt_add_atom(cx, UserPtr::new(77), 0, out), Ok(STATUS_SUCCESS));
            assert_eq!(out.read(cx.k), Ok(77));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn an_atoms_name_is_told_as_far_as_it_fits() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let atom = add(cx.k, &wide("name")).unwrap();
            let buffer = fake.alloc_bytes(&[0xff; 32]);
            let returned = fake.alloc(0u32);
            let ask = |length| nt_query_information_atom(cx, atom, 0, buffer, length, returned);
            assert_eq!(ask(16), Ok(STATUS_SUCCESS));
            assert_eq!(returned.read(cx.k), Ok(16));
            let told: [u16; 8] = UserPtr::new(buffer).read(cx.k).unwrap();
            assert_eq!(told, [1, 0, 8, b'n'.into(), b'a'.into(), b'm'.into(), b'e'.into(), 0]);
            assert_eq!(ask(8), Err(STATUS_BUFFER_TOO_SMALL));
            assert_eq!(returned.read(cx.k), Ok(16));
            assert_eq!(ask(7), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(nt_query_information_atom(cx, 0xcfff, 0, buffer, 32, returned), Err(STATUS_INVALID_HANDLE));
        })
        .join()
        .unwrap();
    }
}
