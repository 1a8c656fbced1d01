//! NtCreateNamedPipeFile and NtCreateMailslotFile.

use crate::call::Cx;
use crate::io::device::{Create, MailslotParameters, Make, PipeParameters};
use crate::io::file::*;
use crate::ob::handle::Handle;
use crate::ob::types::{SYNCHRONIZE, Type};
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::UserPtr;

/// Options that make sense for either.
const OPTIONS: u32 =
    FILE_WRITE_THROUGH | FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE;

fn create(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    iosb: UserPtr<IoStatusBlock>,
    (share, disposition, options): (u32, u32, u32),
    make: Make,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    if attributes.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = attributes.load(cx.k)?;
    let access = Type::File.map_access(access);
    let synchronous = options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT);
    if options & !OPTIONS != 0 || (synchronous != 0 && access & SYNCHRONIZE == 0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if attributes.root != Handle(0) && attributes.name.is_none() {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if attributes.root == Handle(0) && attributes.name.as_ref().is_none_or(Vec::is_empty) {
        return Err(STATUS_OBJECT_PATH_SYNTAX_BAD);
    }
    let security = attributes.security;
    let ignore_case = attributes.ignore_case();
    let request = Create { share, disposition, make, security, ignore_case, ..Create::existing(access, options) };
    cx.create_file(handle, &attributes, iosb, &request)
}

/// NtCreateNamedPipeFile.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_OBJECT_PATH_SYNTAX_BAD`, `STATUS_OBJECT_NAME_INVALID`, `STATUS_INSTANCE_NOT_AVAILABLE`, `STATUS_ACCESS_DENIED`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_named_pipe_file(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    iosb: UserPtr<IoStatusBlock>,
    share: u32,
    disposition: u32,
    options: u32,
    kind: u32,
    read_mode: u32,
    completion_mode: u32,
    maximum_instances: u32,
    inbound_quota: u32,
    outbound_quota: u32,
    timeout: UserPtr<i64>,
) -> Nt {
    let timeout = timeout.read_opt(cx.k)?.unwrap_or(0);
    let parameters =
        PipeParameters { kind, read_mode, completion_mode, maximum_instances, inbound_quota, outbound_quota, timeout };
    create(cx, handle, access, attributes, iosb, (share, disposition, options), Make::Pipe(parameters))
}

/// NtCreateMailslotFile.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_OBJECT_PATH_SYNTAX_BAD`, `STATUS_OBJECT_NAME_COLLISION`.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_mailslot_file(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    iosb: UserPtr<IoStatusBlock>,
    options: u32,
    quota: u32,
    maximum_message: u32,
    timeout: UserPtr<i64>,
) -> Nt {
    let parameters = MailslotParameters { quota, maximum_message, timeout: timeout.read_opt(cx.k)? };
    create(cx, handle, access, attributes, iosb, (SHARE_ALL, FILE_CREATE, options), Make::Mailslot(parameters))
}

/// FILE_SHARE_READ, _WRITE and _DELETE.
const SHARE_ALL: u32 = 7;
