//! Calls that open and copy tokens.

use super::descriptor::Descriptor;
use super::token::{Level, access};
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::ob::types::Type;
use crate::ps::query::{PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION};
use crate::ps::query_thread::{THREAD_QUERY_INFORMATION, THREAD_QUERY_LIMITED_INFORMATION};
use crate::status::*;
use crate::types::ObjectAttributesRaw;
use crate::um::UserPtr;

/// NtOpenProcessToken.
///
/// # Errors
/// As [`nt_open_process_token_ex`].
pub fn nt_open_process_token(cx: &Cx<'_>, process: Handle, desired: u32, token: UserPtr<Handle>) -> Nt {
    nt_open_process_token_ex(cx, process, desired, 0, token)
}

/// NtOpenProcessTokenEx: of another process, a copy of its token.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_ACCESS_DENIED`, and as for the handle.
pub fn nt_open_process_token_ex(
    cx: &Cx<'_>,
    process: Handle,
    desired: u32,
    attributes: u32,
    token: UserPtr<Handle>,
) -> Nt {
    token.write(cx.k, Handle(0))?;
    let entry = cx.entry(process, 0)?;
    let other = crate::ps::other::process(&entry.object);
    if other.is_none() {
        entry.object.process()?;
    }
    if entry.access & (PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let object = other.map_or_else(|| Ok(cx.k.process_token()), |other| cx.token_of(other))?;
    let opened = cx.insert(object, desired, attributes)?;
    token.write(cx.k, opened)?;
    Ok(STATUS_SUCCESS)
}

/// NtOpenThreadToken.
///
/// # Errors
/// As [`nt_open_thread_token_ex`].
pub fn nt_open_thread_token(cx: &Cx<'_>, thread: Handle, desired: u32, as_self: bool, token: UserPtr<Handle>) -> Nt {
    nt_open_thread_token_ex(cx, thread, desired, as_self, 0, token)
}

/// NtOpenThreadTokenEx. Whether access is checked against the process's token (`as_self`) makes no difference: tokens
/// have no descriptor that tells the two apart.
///
/// # Errors
/// `STATUS_NO_TOKEN` if the thread does not impersonate, `STATUS_CANT_OPEN_ANONYMOUS`, and as
/// [`nt_open_process_token_ex`].
pub fn nt_open_thread_token_ex(
    cx: &Cx<'_>,
    thread: Handle,
    desired: u32,
    _as_self: bool,
    attributes: u32,
    token: UserPtr<Handle>,
) -> Nt {
    token.write(cx.k, Handle(0))?;
    let entry = cx.entry(thread, 0)?;
    let other = crate::ps::other::thread(&entry.object);
    if other.is_none() {
        entry.object.thread()?;
    }
    if entry.access & (THREAD_QUERY_INFORMATION | THREAD_QUERY_LIMITED_INFORMATION) == 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    let object = match other {
        Some(other) => cx.thread_token_of(other)?,
        None => entry.object.thread()?.token().ok_or(STATUS_NO_TOKEN)?,
    };
    if object.token()?.impersonation == Some(Level::Anonymous) {
        return Err(STATUS_CANT_OPEN_ANONYMOUS);
    }
    let opened = cx.insert(object, desired, attributes)?;
    token.write(cx.k, opened)?;
    Ok(STATUS_SUCCESS)
}

/// NtDuplicateToken: kind 1 is TokenPrimary, 2 TokenImpersonation, its level from the attributes' quality of service.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BAD_IMPERSONATION_LEVEL`, and as for the handle.
pub fn nt_duplicate_token(
    cx: &Cx<'_>,
    token: Handle,
    desired: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    effective_only: bool,
    kind: u32,
    new: UserPtr<Handle>,
) -> Nt {
    new.write(cx.k, Handle(0))?;
    let quality = attributes.read_opt(cx.k)?.map_or(0, |raw| raw.quality);
    let attributes = attributes.load(cx.k)?;
    // SECURITY_QUALITY_OF_SERVICE: length, level, and more.
    let level = match quality {
        0 => 0,
        at => UserPtr::<[u32; 2]>::new(at).read(cx.k)?[1],
    };
    let impersonation = match kind {
        1 => None,
        2 => Some(Level::of(level)?),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let entry = cx.entry(token, access::DUPLICATE)?;
    let copy = entry.object.token()?.duplicate(cx.k, impersonation, effective_only)?;
    if attributes.security != 0 {
        // Its label is its level, whatever the descriptor says.
        let label = cx.k.descriptor(&copy)?.sacl;
        let given = Descriptor::read(cx.k, attributes.security)?.complete(&copy.token()?.state.read(), Type::Token);
        *copy.security.lock() = Some(Descriptor { sacl: label, ..given }.bytes());
    }
    // No rights asked for: those of the handle it comes from.
    let desired = if desired == 0 { entry.access } else { desired };
    let made = cx.insert(copy, desired, attributes.attributes)?;
    new.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::se::acl;
    use crate::se::descriptor::{List, information};
    use crate::se::sid::Sid;
    use crate::se::token::level;

    #[test]
    fn copies_have_the_level_and_the_rights_asked_for() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let new = fake.alloc(Handle(0));
            let none = UserPtr::new(0);
            let copy = |from, access, attributes, kind| {
                nt_duplicate_token(cx, from, access, attributes, false, kind, new).map(|_| new.read(cx.k).unwrap())
            };
            let own = Handle::CURRENT_PROCESS_TOKEN;
            assert_eq!(copy(own, 0, none, 3), Err(STATUS_INVALID_PARAMETER));
            // SECURITY_QUALITY_OF_SERVICE with a level; attributes that point at it, and at a descriptor.
            let attributes = |level: u32, security: u64| {
                let quality = fake.alloc([12u32, level, 0]).address();
                let raw = ObjectAttributesRaw { length: 48, security, quality, ..Default::default() };
                fake.alloc(raw)
            };
            assert_eq!(copy(own, 0, attributes(4, 0), 2), Err(STATUS_BAD_IMPERSONATION_LEVEL));
            let identified = copy(own, access::DUPLICATE | access::QUERY, attributes(1, 0), 2).unwrap();
            assert_eq!(copy(identified, 0, attributes(2, 0), 2), Err(STATUS_BAD_IMPERSONATION_LEVEL));
            assert_eq!(copy(identified, 0, none, 1), Err(STATUS_BAD_IMPERSONATION_LEVEL));
            let same = copy(identified, 0, attributes(1, 0), 2).unwrap();
            assert_eq!(cx.entry(same, 0).unwrap().access, access::DUPLICATE | access::QUERY);
            // A descriptor counts, but for its label.
            let low = acl::ace(acl::ace_type::MANDATORY_LABEL, 0, 1, &Sid::label(level::LOW));
            let given = Descriptor {
                sacl: List::Acl(acl::build(2, [low.as_slice()]).unwrap()),
                dacl: List::Acl(acl::allowing(&[(Sid::world(), 8)])),
                ..Descriptor::default()
            };
            let security = fake.alloc_bytes(&given.bytes());
            let made = copy(own, access::ALL, attributes(2, security), 2).unwrap();
            let held = cx.k.descriptor(&cx.object(made, 0).unwrap()).unwrap();
            assert_eq!(held.dacl, given.dacl);
            assert_eq!(held.select(information::LABEL).label().0, level::MEDIUM);
        })
        .join()
        .unwrap();
    }
}
