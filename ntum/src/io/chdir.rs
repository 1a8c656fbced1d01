//! The longest current directory: 258 characters and a backslash, as Windows has it.
//!
//! Wine's RtlSetCurrentDirectory_U copies a name of any length into the parameters' buffer, which has MAX_PATH units, and what makes
//! a child's parameters does the same. The folder that a thread wants to be in is opened under the PEB's lock, and refused then.

use super::file::{FILE_DIRECTORY_FILE, FILE_SYNCHRONOUS_IO_NONALERT};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::layout::peb;
use crate::status::{Nt, STATUS_NAME_TOO_LONG};
use crate::types::ObjectAttributes;
use crate::um::UserPtr;

/// Units of a current directory at most, with the backslash that it ends with.
const LONGEST: usize = 259;
/// `\??\`, which a name for NtOpenFile begins with.
const PREFIX: usize = 4;
/// FILE_TRAVERSE, FILE_SHARE_READ and FILE_SHARE_WRITE.
const TRAVERSE: u32 = 0x20;
const SHARED: u32 = 3;
/// OwningThread of RTL_CRITICAL_SECTION.
const OWNER: u64 = 0x10;

/// Whether a folder's name, with or without a backslash at its end, is too long for a current directory.
pub fn is_too_long(name: &[u16]) -> bool {
    let ends = name.last() == Some(&u16::from(b'\\'));
    name.len() + usize::from(!ends) > LONGEST
}

/// Refuses what NtOpenFile opens if that is to be the current directory and cannot be.
///
/// # Errors
/// `STATUS_NAME_TOO_LONG`.
pub fn check(cx: &Cx<'_>, access: u32, attributes: &ObjectAttributes, share: u32, options: u32) -> Nt<()> {
    let asks = (access, share, options)
        == (TRAVERSE | SYNCHRONIZE, SHARED, FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    let name = attributes.name.as_deref().and_then(|name| name.get(PREFIX..)).unwrap_or_default();
    if asks && attributes.root == Handle(0) && is_too_long(name) && has_peb_lock(cx) == Ok(true) {
        return Err(STATUS_NAME_TOO_LONG);
    }
    Ok(())
}

fn has_peb_lock(cx: &Cx<'_>) -> Nt<bool> {
    let lock = UserPtr::<u64>::new(cx.k.ps.peb() + peb::FAST_PEB_LOCK).read(cx.k)?;
    Ok(UserPtr::<u64>::new(lock.wrapping_add(OWNER)).read(cx.k)? == cx.t.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_room_for_its_backslash() {
        let mut name = vec![u16::from(b'x'); LONGEST - 1];
        assert!(!is_too_long(&name));
        name.push(u16::from(b'\\'));
        assert!(!is_too_long(&name));
        *name.last_mut().unwrap() = u16::from(b'x');
        assert!(is_too_long(&name));
    }
}
