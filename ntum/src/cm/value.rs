//! Values: querying, listing, setting, deleting.

use super::access;
use super::hive::{Value, flags};
use super::query::Cut;
use super::tree::{KeyId, MAX_VALUE_NAME, Op, SetValue};
use crate::answer::Bytes;
use crate::call::Cx;
use crate::nls::fold::same;
use crate::ob::handle::Handle;
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::{UserPtr, UserSlice};
use std::sync::atomic::{AtomicU32, Ordering};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The key of the time zone while the process starts: in an English session its names are told in plain words, and not as references
/// to the resources of tzres.dll, which say the same. kernelbase asks for them in every start, and would map that DLL twice for
/// each.
#[derive(Default)]
pub struct PlainNames(AtomicU32);

impl PlainNames {
    /// The start is over.
    const OVER: u32 = u32::MAX;

    /// The zone's key is this one.
    pub fn lend(&self, key: KeyId) {
        let _ = self.0.compare_exchange(0, key.0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the process starts still.
    pub fn are_told(&self) -> bool {
        self.0.load(Ordering::Relaxed) != PlainNames::OVER
    }

    /// From now on everybody sees what there is.
    pub fn end(&self) {
        self.0.store(PlainNames::OVER, Ordering::Relaxed);
    }

    /// The value that is told in place of another.
    fn of(&self, key: KeyId, name: &[u16]) -> Option<&'static str> {
        let lent = self.0.load(Ordering::Relaxed);
        if lent == 0 || lent != key.0 {
            return None;
        }
        [("MUI_Std", "Std"), ("MUI_Dlt", "Dlt")].iter().find(|(of, _)| same(name, &wide(of))).map(|(_, plain)| *plain)
    }
}

/// The answer of an information class (`KEY_VALUE_INFORMATION_CLASS` of wdm.h).
fn answer(class: u32, value: &Value<'_>) -> Nt<Cut> {
    let mut out = Bytes::default();
    let name = value.name.bytes();
    let (name_length, length) = (name.len() as u32, value.data.len() as u32);
    let fixed = match class {
        // KeyValueBasicInformation: TitleIndex, Type, NameLength, Name.
        0 => {
            out.push([0, value.kind, name_length]).extend(name);
            12
        }
        // KeyValueFullInformation: TitleIndex, Type, DataOffset, DataLength, NameLength, Name, and the data after it.
        1 => {
            out.push([0, value.kind, 20 + name_length, length, name_length]).extend(name).extend(value.data);
            20
        }
        // KeyValuePartialInformation: TitleIndex, Type, DataLength, Data.
        2 => {
            out.push([0, value.kind, length]).extend(value.data);
            12
        }
        // KeyValueFullInformationAlign64: as full, with the data at a multiple of 8.
        3 => {
            let offset = (20 + name_length).next_multiple_of(8);
            out.push([0, value.kind, offset, length, name_length]).extend(name).align(8).extend(value.data);
            20
        }
        // KeyValuePartialInformationAlign64: Type, DataLength, Data.
        4 => {
            out.push([value.kind, length]).extend(value.data);
            8
        }
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    Ok(Cut { bytes: out.0, fixed })
}

/// Loads a value's name; one that is longer than any can be is not loaded.
fn name_of(cx: &Cx<'_>, name: UserPtr<UnicodeString>, too_long: Status) -> Nt<Vec<u16>> {
    let raw = name.read(cx.k)?;
    if usize::from(raw.length) > MAX_VALUE_NAME * 2 { Err(too_long) } else { raw.read(cx.k) }
}

/// NtQueryValueKey.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_BUFFER_TOO_SMALL` and `STATUS_BUFFER_OVERFLOW` (both with the length needed),
/// `STATUS_INVALID_PARAMETER` for a class that there is not, `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`,
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_value_key(
    cx: &Cx<'_>,
    key: Handle,
    name: UserPtr<UnicodeString>,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let name = name_of(cx, name, STATUS_OBJECT_NAME_NOT_FOUND)?;
    let object = cx.object(key, access::QUERY_VALUE)?;
    let key = object.key()?;
    let id = key.id;
    let plain = cx.k.cm.plain_names.of(id, &name);
    let cut = key.see(cx.k, |tree| {
        if tree.view(id)?.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        let mut value = tree.value(id, &name)?;
        if let Some(plain) = plain.and_then(|plain| tree.value(id, &wide(plain)).ok())
            && value.data.starts_with(b"@\0")
        {
            value = Value { name: value.name, ..plain };
        }
        answer(class, &value)
    })?;
    cut.store(cx.k, buffer, length, returned)
}

/// NtEnumerateValueKey: values come in the order of their names.
///
/// # Errors
/// As [`nt_query_value_key`]; `STATUS_NO_MORE_ENTRIES`.
pub fn nt_enumerate_value_key(
    cx: &Cx<'_>,
    key: Handle,
    index: u32,
    class: u32,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    let object = cx.object(key, access::QUERY_VALUE)?;
    let key = object.key()?;
    let id = key.id;
    let cut = key.see(cx.k, |tree| {
        if tree.view(id)?.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        answer(class, &tree.value_at(id, index as usize)?)
    })?;
    cut.store(cx.k, buffer, length, returned)
}

/// KEY_VALUE_ENTRY of wdm.h.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Entry {
    /// PUNICODE_STRING.
    name: u64,
    /// Bytes of data.
    length: u32,
    /// Where in the buffer the data begins.
    offset: u32,
    /// Type.
    kind: u32,
    pad: u32,
}

/// Most values that one call asks for.
const MAX_ENTRIES: u32 = 0x10000;

/// NtQueryMultipleValueKey: the data of several values of one key, each at a multiple of 4 in the buffer.
///
/// # Errors
/// `STATUS_BUFFER_OVERFLOW` if not all of it fits (the length needed is returned, and what does fit is stored), and as
/// [`nt_query_value_key`].
pub fn nt_query_multiple_value_key(
    cx: &Cx<'_>,
    key: Handle,
    entries: u64,
    count: u32,
    buffer: u64,
    length: UserPtr<u32>,
    required: UserPtr<u32>,
) -> Nt {
    if count > MAX_ENTRIES {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let entries = UserPtr::<Entry>::new(entries);
    let room = length.read(cx.k)?;
    let asked = entries.read_vec(cx.k, count as usize)?;
    let mut names = Vec::new();
    for entry in &asked {
        names.push(name_of(cx, UserPtr::new(entry.name), STATUS_OBJECT_NAME_NOT_FOUND)?);
    }
    let object = cx.object(key, access::QUERY_VALUE)?;
    let key = object.key()?;
    let mut out = Bytes::default();
    let mut answers = Vec::new();
    key.see(cx.k, |tree| {
        for (name, entry) in names.iter().zip(&asked) {
            let value = tree.value(key.id, name)?;
            out.align(4);
            let (offset, length) = (out.0.len() as u32, value.data.len() as u32);
            answers.push(Entry { offset, length, kind: value.kind, ..*entry });
            out.extend(value.data);
        }
        Ok(())
    })?;
    let needed = out.0.len() as u32;
    for (index, answer) in answers.into_iter().enumerate() {
        entries.add(index as u64).write(cx.k, answer)?;
    }
    required.write_opt(cx.k, needed)?;
    let fits = room.min(needed);
    cx.k.write_user(buffer, out.0.get(..fits as usize).unwrap_or_default())?;
    length.write(cx.k, fits)?;
    if fits < needed { Err(STATUS_BUFFER_OVERFLOW) } else { Ok(STATUS_SUCCESS) }
}

/// NtSetValueKey.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for a name beyond the limit, `STATUS_ACCESS_DENIED` without the right or for what a link can't
/// hold, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_set_value_key(
    cx: &Cx<'_>,
    key: Handle,
    name: UserPtr<UnicodeString>,
    _title: u32,
    kind: u32,
    data: u64,
    length: u32,
) -> Nt {
    let name = name_of(cx, name, STATUS_INVALID_PARAMETER)?;
    let object = cx.object(key, access::SET_VALUE)?;
    let data = UserSlice::new(data, u64::from(length)).read_all(cx.k)?;
    let key = object.key()?;
    let now = cx.k.registry_time();
    key.alter(cx.k, |tree| {
        if !tree.may_set_value(key.id, &name, kind, &data)? {
            return Ok(Vec::new());
        }
        Ok(vec![Op::SetValue(SetValue { key: key.id.0, name, kind, data, now })])
    })
}

/// NtDeleteValueKey.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_ACCESS_DENIED`, `STATUS_KEY_DELETED`, `STATUS_INVALID_HANDLE`,
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_delete_value_key(cx: &Cx<'_>, key: Handle, name: UserPtr<UnicodeString>) -> Nt {
    let name = name_of(cx, name, STATUS_OBJECT_NAME_NOT_FOUND)?;
    let object = cx.object(key, access::SET_VALUE)?;
    let key = object.key()?;
    let now = cx.k.registry_time();
    key.alter(cx.k, |tree| {
        tree.may_delete_value(key.id, &name)?;
        Ok(vec![Op::DeleteValue(key.id, name, now)])
    })
}
