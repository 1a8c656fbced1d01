//! Security descriptors of objects.

use super::handle::Handle;
use super::object::{Body, Object};
use super::types::Type;
use crate::answer::Answer;
use crate::call::Cx;
use crate::ke::dispatcher::Seat;
use crate::kernel::Kernel;
use crate::se::access;
use crate::se::descriptor::{Descriptor, information, read_access, write_access};
use crate::status::*;
use crate::um::UserPtr;

impl Kernel {
    /// Runs with an object's descriptor: its own, the one that all ends of a pipe share, or the one in the sandbox's memory.
    ///
    /// # Errors
    /// `STATUS_PIPE_DISCONNECTED` for an end that is cut off from its pipe, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn with_security(&'static self, object: &Object, mut run: impl FnMut(&mut Option<Vec<u8>>)) -> Nt<()> {
        if let Body::File(file) = &object.body
            && file.ops.with_security(self, &mut run)?
        {
            return Ok(());
        }
        let mut own = object.security.lock();
        match object.signal.seat() {
            None => run(&mut own),
            Some(Seat { shm, object }) => {
                let mut tx = shm.begin();
                let before = tx.security(object);
                let mut security = before.clone();
                run(&mut security);
                if let Some(new) = security.filter(|new| before.as_ref() != Some(new)) {
                    tx.set_security(object, &new)?;
                    tx.commit()?;
                }
            }
        }
        Ok(())
    }

    /// An object's descriptor in self-relative form, if one was set.
    ///
    /// # Errors
    /// As [`Kernel::with_security`].
    pub fn security(&'static self, object: &Object) -> Nt<Option<Vec<u8>>> {
        if let Body::Key(key) = &object.body {
            // A key's belongs to the key, whichever handle it was set through.
            return key.see(self, |tree| Ok(tree.security(key.id).map(<[u8]>::to_vec)));
        }
        let is_file = matches!(object.body, Body::File(_));
        if !is_file && object.signal.seat().is_some_and(|seat| !seat.shm.is_secured(seat.object)) {
            return Ok(None);
        }
        let mut found = None;
        self.with_security(object, |security| found.clone_from(security))?;
        Ok(found)
    }
}

impl Cx<'_> {
    /// The rights that the caller gets to an object that exists. One without a descriptor of its own belongs to the user
    /// and grants everything.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` (too if nothing is asked for), `STATUS_PRIVILEGE_NOT_HELD`.
    pub fn grant(&self, object: &Object, desired: u32) -> Nt<u32> {
        if desired == 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        self.grant_by(self.k.security(object)?, object.kind(), desired)
    }

    /// The rights that a descriptor gives the caller, if there is one; else all that are asked for.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED`, `STATUS_PRIVILEGE_NOT_HELD`.
    pub fn grant_by(&self, security: Option<Vec<u8>>, kind: Type, desired: u32) -> Nt<u32> {
        let Some(bytes) = security else { return Ok(kind.map_access(desired)) };
        let token = self.k.effective_token(self.t);
        let mapping = kind.mapping();
        let descriptor = Descriptor::parse(&bytes)?;
        let verdict =
            access::check(&token.token()?.state.read(), &descriptor, access::map(&mapping, desired), &mapping);
        if verdict.status == STATUS_SUCCESS { Ok(verdict.granted) } else { Err(verdict.status) }
    }

    /// The descriptor of an object to be made, if its maker wants one; what it lacks comes from the maker's token.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, and what is wrong with the descriptor.
    pub fn first_security(&self, descriptor: u64, kind: Type) -> Nt<Option<Vec<u8>>> {
        if descriptor == 0 {
            return Ok(None);
        }
        let descriptor = Descriptor::read(self.k, descriptor)?;
        let token = self.k.effective_token(self.t);
        let whole = descriptor.complete(&token.token()?.state.read(), kind);
        Ok(Some(whole.bytes()))
    }
}

/// NtQuerySecurityObject: the parts of the object's descriptor that `parts` names, self-relative. An object that was given
/// none has the one that the process's token gives by default.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL` (the length is returned all the same), `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`,
/// `STATUS_ACCESS_VIOLATION`, `STATUS_PIPE_DISCONNECTED`.
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
    let bytes = cx.k.descriptor(&object)?.select(parts).bytes();
    Answer::new(buffer, length, needed).bytes(cx.k, &bytes, STATUS_BUFFER_TOO_SMALL)
}

/// NtSetSecurityObject.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_PIPE_DISCONNECTED`, and what is wrong
/// with the descriptor.
pub fn nt_set_security_object(cx: &Cx<'_>, handle: Handle, parts: u32, descriptor: u64) -> Nt {
    if descriptor == 0 {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let mut new = Descriptor::read(cx.k, descriptor)?;
    let object = cx.object(handle, write_access(parts))?;
    if object.kind() == Type::File {
        new = new.mapped(Type::File);
    }
    // A token's label is its level, which this call does not change.
    let parts = if object.token().is_ok() { parts & !information::LABEL } else { parts };
    let mut whole = cx.k.descriptor(&object)?;
    whole.merge(parts, &new)?;
    if let Ok(key) = object.key() {
        return crate::cm::secure(cx, key, &whole.bytes());
    }
    let bytes = whole.bytes();
    cx.k.with_security(&object, |security| *security = Some(bytes.clone()))?;
    Ok(STATUS_SUCCESS)
}
