//! Security descriptors of objects.

use super::handle::Handle;
use super::object::Object;
use crate::answer::Answer;
use crate::call::Cx;
use crate::se::access;
use crate::se::descriptor::{Descriptor, information, read_access, write_access};
use crate::status::*;
use crate::um::UserPtr;

impl Cx<'_> {
    /// The rights that the caller gets to an object that exists. One without a descriptor of its own belongs to the user
    /// and grants everything.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` (too if nothing is asked for), `STATUS_PRIVILEGE_NOT_HELD`.
    pub fn grant(&self, object: &Object, desired: u32) -> Nt<u32> {
        let kind = object.kind();
        if desired == 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        let Some(bytes) = object.security.lock().clone() else { return Ok(kind.map_access(desired)) };
        let token = self.k.effective_token(self.t);
        let mapping = kind.mapping();
        let descriptor = Descriptor::parse(&bytes)?;
        let verdict =
            access::check(&token.token()?.state.read(), &descriptor, access::map(&mapping, desired), &mapping);
        if verdict.status == STATUS_SUCCESS { Ok(verdict.granted) } else { Err(verdict.status) }
    }
}

/// NtQuerySecurityObject: the parts of the object's descriptor that `parts` names, self-relative. An object that was given
/// none has the one that the process's token gives by default.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` (the length is returned all the same), `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_security_object(
    cx: &Cx<'_>,
    handle: Handle,
    parts: u32,
    buffer: u64,
    length: u32,
    needed: UserPtr<u32>,
) -> Nt {
    if needed.is_null() {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let object = cx.object(handle, read_access(parts))?;
    let bytes = cx.k.descriptor(&object).select(parts).bytes();
    Answer::new(buffer, length, needed).bytes(cx.k, &bytes, STATUS_BUFFER_TOO_SMALL)
}

/// NtSetSecurityObject.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, and what is wrong with the descriptor.
pub fn nt_set_security_object(cx: &Cx<'_>, handle: Handle, parts: u32, descriptor: u64) -> Nt {
    if descriptor == 0 {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let new = Descriptor::read(cx.k, descriptor)?;
    let object = cx.object(handle, write_access(parts))?;
    // A token's label is its level, which this call does not change.
    let parts = if object.token().is_ok() { parts & !information::LABEL } else { parts };
    let mut whole = cx.k.descriptor(&object);
    whole.merge(parts, &new)?;
    *object.security.lock() = Some(whole.bytes());
    Ok(STATUS_SUCCESS)
}
