//! Properties of windows: names, and a value each.

use super::super::{Failed, User, error};
use super::class::{little, units};
use crate::call::Cx;
use crate::ex::atom;
use crate::nls::fold::same;
use crate::shm::Tx;
use crate::shm::user::window::field;
use crate::status::*;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// Properties of a window: what a program makes without end ends here.
const MOST: usize = 1024;

/// A property: its name (UTF-16), whether that was a text rather than a number, and its value.
struct Property {
    name: Vec<u16>,
    text: bool,
    value: u64,
}

fn read(bytes: &[u8]) -> Vec<Property> {
    let mut all = Vec::new();
    let mut left = bytes;
    // Value, whether a text, bytes of the name, the name.
    while let Some((head, rest)) = left.split_at_checked(12) {
        let Some((name, rest)) = rest.split_at_checked(little(&head[10..12]) as usize) else { break };
        all.push(Property { name: units(name), text: head[8] != 0, value: little(&head[..8]) });
        left = rest;
    }
    all
}

fn write(all: &[Property]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for property in all {
        bytes.extend_from_slice(&property.value.to_le_bytes());
        bytes.extend_from_slice(&u16::from(property.text).to_le_bytes());
        bytes.extend_from_slice(&((property.name.len() * 2) as u16).to_le_bytes());
        bytes.extend_from_slice(property.name.as_bytes());
    }
    bytes
}

/// A name: a number where the address should be, or a text.
fn name(cx: &Cx<'_>, at: u64) -> User<(Vec<u16>, bool)> {
    if at >= 0x1_0000 {
        return Ok((super::text::read(cx, at, false)?, true));
    }
    Ok((atom::name(cx.k, at as u16)?, false))
}

fn change<R>(cx: &Cx<'_>, window: u64, change: impl FnOnce(&mut Vec<Property>) -> User<R>) -> User<R> {
    let found = cx.window(window)?;
    let mut tx = cx.windows()?;
    let mut all = read(&tx.window_bytes(found.record, field::PROPERTIES));
    let answer = change(&mut all)?;
    tx.set_window_bytes(found.record, field::PROPERTIES, &write(&all))?;
    tx.commit()?;
    Ok(answer)
}

/// NtUserGetProp: 0 if there is none.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get(cx: &Cx<'_>, window: u64, at: u64) -> User {
    let wanted = name(cx, at)?.0;
    let found = cx.window(window)?;
    let bytes = cx.windows()?.window_bytes(found.record, field::PROPERTIES);
    Ok(read(&bytes).into_iter().find(|property| same(&property.name, &wanted)).map_or(0, |property| property.value))
}

/// Whether a window has a property of that name.
pub(super) fn has(tx: &Tx<'_>, window: u32, name: &[u16]) -> bool {
    read(&tx.window_bytes(window, field::PROPERTIES)).iter().any(|property| same(&property.name, name))
}

/// NtUserSetProp.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set(cx: &Cx<'_>, window: u64, at: u64, value: u64) -> User {
    let (name, text) = name(cx, at)?;
    change(cx, window, |all| {
        match all.iter().position(|property| same(&property.name, &name)) {
            Some(place) => all[place].value = value,
            None if all.len() >= MOST => return Err(Failed::with(error::NOT_ENOUGH_MEMORY)),
            None => all.push(Property { name, text, value }),
        }
        Ok(1)
    })
}

/// NtUserRemoveProp: what it was.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn remove(cx: &Cx<'_>, window: u64, at: u64) -> User {
    let wanted = name(cx, at)?.0;
    change(cx, window, |all| {
        let place = all.iter().position(|property| same(&property.name, &wanted));
        Ok(place.map_or(0, |place| all.remove(place).value))
    })
}

/// What stands behind the `#` of a name that is a number.
fn number(name: &[u16]) -> Option<u16> {
    let (sign, digits) = name.split_first()?;
    String::from_utf16(digits).ok().filter(|_| *sign == u16::from(b'#'))?.parse().ok()
}

/// NtUserBuildPropList: `struct ntuser_property_list` each: value, atom, whether a text.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BUFFER_TOO_SMALL` (their number is told all the same), `STATUS_INVALID_HANDLE`.
pub fn build_list(cx: &Cx<'_>, window: u64, count: u32, buffer: u64, returned: UserPtr<u32>) -> Nt {
    if buffer == 0 || returned.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let list = || -> User<Vec<Property>> {
        let found = cx.window(window)?;
        Ok(read(&cx.windows()?.window_bytes(found.record, field::PROPERTIES)))
    };
    let all = list().map_err(|_| STATUS_INVALID_HANDLE)?;
    returned.write(cx.k, all.len() as u32)?;
    if all.len() > count as usize {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    for (index, property) in (0..).zip(&all) {
        // Names are told as atoms, which the caller counts as its own.
        let atom = match property.text {
            true => atom::add(cx.k, &property.name)?,
            // The atom that the program brought: found, not counted.
            false => number(&property.name).or_else(|| atom::find(cx.k, &property.name).ok()).unwrap_or(0),
        };
        let mut bytes = [0u8; 16];
        bytes[..8].copy_from_slice(&property.value.to_le_bytes());
        bytes[8..10].copy_from_slice(&atom.to_le_bytes());
        bytes[10] = property.text.into();
        cx.k.write_user(buffer + index * 16, &bytes)?;
    }
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::wide;

    #[test]
    fn properties_are_read_as_they_were_written() {
        let all = [
            Property { name: wide("a name"), text: true, value: 0x1234_5678_9abc },
            Property { name: wide("#17"), text: false, value: 0 },
        ];
        let back = read(&write(&all));
        let facts = |property: &Property| (property.name.clone(), property.text, property.value);
        assert_eq!(back.iter().map(facts).collect::<Vec<_>>(), all.iter().map(facts).collect::<Vec<_>>());
        // Damaged memory ends the list.
        assert_eq!(read(&write(&all)[..20]).len(), 0);
    }
}
