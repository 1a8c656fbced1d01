//! Licence values: what this edition of Windows may do, kept in the registry.

use super::tree::{KeyId, Resolved};
use crate::call::Cx;
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;

/// Where the image keeps the values.
const PATH: &str = "Machine\\Software\\Wine\\LicenseInformation";

/// NtQueryLicenseValue.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` without a name or a place for the length, `STATUS_OBJECT_NAME_NOT_FOUND`,
/// `STATUS_BUFFER_TOO_SMALL` with type and length, `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_license_value(
    cx: &Cx<'_>,
    name: UserPtr<UnicodeString>,
    kind: UserPtr<u32>,
    buffer: u64,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    if name.is_null() || returned.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let raw = name.read(cx.k)?;
    if raw.buffer == 0 || raw.length == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let name = raw.read(cx.k)?;
    let (value_kind, data) = {
        let tree = &mut cx.k.registry().tree;
        match tree.resolve(KeyId::ROOT, &wide(PATH), false)? {
            Resolved::Missing(parent, _) => {
                tree.settle(parent);
                return Err(STATUS_OBJECT_NAME_NOT_FOUND);
            }
            Resolved::Key(key) => {
                let value = tree.value(key, &name).map(|value| (value.kind, value.data.to_vec()));
                tree.settle(key);
                value?
            }
        }
    };
    let fits = data.len() <= length as usize;
    if fits {
        cx.k.write_user(buffer, &data)?;
    }
    kind.write_opt(cx.k, value_kind)?;
    returned.write(cx.k, data.len() as u32)?;
    if fits { Ok(STATUS_SUCCESS) } else { Err(STATUS_BUFFER_TOO_SMALL) }
}
