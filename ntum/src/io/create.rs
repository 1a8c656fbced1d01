//! Opening and making files by name, and the calls that do something with a name alone.

use super::device::{Create, Make, Opened};
use super::file::*;
use crate::call::Cx;
use crate::ob::directory::Found;
use crate::ob::handle::Handle;
use crate::ob::object::Body;
use crate::ob::types::{DELETE, MAXIMUM_ALLOWED, SYNCHRONIZE, Type};
use crate::status::*;
use crate::types::{IoStatusBlock, OBJ_DONT_REPARSE, ObjectAttributes, ObjectAttributesRaw};
use crate::um::{UserPtr, UserSlice};

/// Every option that NtCreateFile knows.
const VALID_OPTIONS: u32 = 0x00ff_ffff;
/// Options that go together with FILE_DIRECTORY_FILE: synchronous modes, write through, backup intent, deletion, id,
/// reparse points, remote instance, no compression, reserved opfilter, open requiring oplock.
const DIRECTORY_OPTIONS: u32 = 0x00ff_f0f3 & !FILE_NON_DIRECTORY_FILE;

/// FILE_ATTRIBUTE_* that NtCreateFile accepts.
// Of them FILE_ATTRIBUTE_DEVICE is refused by Windows, and means nothing; kernelbase's RegSaveKeyEx asks for it.
const VALID_ATTRIBUTES: u32 = 0x0000_7ff7;

/// What a request must fulfil before any device sees it.
fn check(create: &Create, desired: u32) -> Nt<()> {
    let options = create.options;
    let synchronous = options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT);
    if create.disposition > FILE_OVERWRITE_IF
        || create.share & !7 != 0
        || options & !VALID_OPTIONS != 0
        || create.attributes & !VALID_ATTRIBUTES != 0
        || synchronous == FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT
        || (synchronous != 0 && create.access & SYNCHRONIZE == 0)
        || (options & FILE_DELETE_ON_CLOSE != 0 && create.access & DELETE == 0)
        || (options & FILE_DIRECTORY_FILE != 0 && options & FILE_NON_DIRECTORY_FILE != 0)
        || (options & FILE_NO_INTERMEDIATE_BUFFERING != 0 && desired & FILE_APPEND_DATA != 0)
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if options & FILE_DIRECTORY_FILE != 0
        && (options & !DIRECTORY_OPTIONS != 0 || !matches!(create.disposition, FILE_OPEN | FILE_CREATE | FILE_OPEN_IF))
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if desired == 0 { Err(STATUS_ACCESS_DENIED) } else { Ok(()) }
}

impl Cx<'_> {
    /// As [`Cx::walk_to_file`]; what lies on a drive that there is not is asked for where grants are known, which is told what to grant.
    fn way_to_file(&self, attributes: &ObjectAttributes) -> Nt<Found> {
        let found = self.walk_to_file(attributes);
        if let (Err(STATUS_OBJECT_PATH_NOT_FOUND), Handle(0), Some(name)) = (&found, attributes.root, &attributes.name)
        {
            super::disk::ask_for_drive(self.k, name);
        }
        found
    }

    /// Opens what the attributes name, through the device that the name leads to.
    ///
    /// # Errors
    /// Those of the walk and of the device; `STATUS_OBJECT_TYPE_MISMATCH` for what is no file.
    pub fn open_file(&self, attributes: &ObjectAttributes, create: &Create) -> Nt<Opened> {
        if attributes.root != Handle(0) {
            let root = self.object(attributes.root, 0)?;
            if let Body::File(file) = &root.body {
                let name = attributes.name.as_deref().unwrap_or_default();
                return file.ops.open_relative(self, &root, name, create);
            }
        }
        match self.way_to_file(attributes)? {
            Found::Rest(object, rest) => match &object.body {
                // Pipes and mailslots are made by their own devices only.
                Body::Device(device) if !create.make.suits(device.kind) => Err(STATUS_OBJECT_NAME_INVALID),
                Body::Device(device) => device.driver.open(self, &object, &rest, create),
                _ => Err(STATUS_OBJECT_TYPE_MISMATCH),
            },
            Found::Object(_) => Err(STATUS_OBJECT_TYPE_MISMATCH),
            Found::Missing(..) => Err(STATUS_OBJECT_NAME_NOT_FOUND),
        }
    }

    /// Opens or makes a file and a handle to it.
    ///
    /// # Errors
    /// As [`Cx::open_file`].
    pub fn create_file(
        &self,
        handle: UserPtr<Handle>,
        attributes: &ObjectAttributes,
        iosb: UserPtr<IoStatusBlock>,
        create: &Create,
    ) -> Nt {
        handle.write(self.k, Handle(0))?;
        let opened = self.open_file(attributes, create)?;
        let access = opened.object.file()?.access;
        let object = opened.object.clone();
        let made = self.insert(opened.object, access, attributes.attributes).inspect_err(|_| {
            last_handle_closed(self.k, &object);
        })?;
        object.file()?.ops.handle_made(self.k, object.file()?);
        let information = IoStatusBlock { status: STATUS_SUCCESS.0, pad: 0, information: opened.information };
        let stored = iosb.write(self.k, information).and_then(|()| handle.write(self.k, made));
        if let Err(status) = stored {
            self.k.close_handle(made)?;
            return Err(status);
        }
        Ok(STATUS_SUCCESS)
    }
}

/// NtCreateFile.
///
/// # Errors
/// Those of [`check`] and [`Cx::open_file`].
#[allow(clippy::too_many_arguments)]
pub fn nt_create_file(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    iosb: UserPtr<IoStatusBlock>,
    allocation: UserPtr<i64>,
    file_attributes: u32,
    share: u32,
    disposition: u32,
    options: u32,
    ea: u64,
    ea_length: u32,
) -> Nt {
    if handle.is_null() || iosb.is_null() {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    if attributes.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = attributes.load(cx.k)?;
    super::chdir::check(cx, access, &attributes, share, options)?;
    let allocation = allocation.read_opt(cx.k)?.unwrap_or(0);
    let create = Create {
        access: Type::File.map_access(access),
        maximum_allowed: access & MAXIMUM_ALLOWED != 0,
        minimum: Type::File.map_access(access & !MAXIMUM_ALLOWED),
        // kernelbase passes its FILE_FLAG_* bits along at times; they are above the attributes.
        attributes: file_attributes & 0xffff,
        share,
        disposition,
        options,
        allocation: u64::try_from(allocation).map_err(|_| STATUS_INVALID_PARAMETER)?,
        ea: UserSlice::new(ea, u64::from(ea_length)),
        ignore_case: attributes.ignore_case(),
        security: attributes.security,
        make: Make::File,
        links: 0,
        no_links: attributes.attributes & OBJ_DONT_REPARSE != 0,
    };
    check(&create, access)?;
    cx.create_file(handle, &attributes, iosb, &create)
}

/// NtOpenFile.
///
/// # Errors
/// As [`nt_create_file`].
pub fn nt_open_file(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    iosb: UserPtr<IoStatusBlock>,
    share: u32,
    options: u32,
) -> Nt {
    let none = UserPtr::new(0);
    nt_create_file(cx, handle, access, attributes, iosb, none, 0, share, FILE_OPEN, options, 0, 0)
}

/// NtDeleteFile.
///
/// # Errors
/// As [`nt_open_file`] with DELETE.
pub fn nt_delete_file(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>) -> Nt {
    let attributes = attributes.load(cx.k)?;
    let opened = cx.open_file(&attributes, &Create::existing(DELETE, FILE_DELETE_ON_CLOSE))?;
    last_handle_closed(cx.k, &opened.object);
    Ok(STATUS_SUCCESS)
}

/// FILE_NETWORK_OPEN_INFORMATION of a name: without a file object where the device can, else with one for a moment.
pub(super) fn attributes_of(cx: &Cx<'_>, attributes: &ObjectAttributes) -> Nt<Vec<u8>> {
    if attributes.root == Handle(0)
        && let Found::Rest(object, rest) = cx.way_to_file(attributes)?
        && let Body::Device(device) = &object.body
        && let Some(answer) = device.driver.attributes_of(cx, &rest)
    {
        return answer;
    }
    let options = FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT;
    let opened = cx.open_file(attributes, &Create::existing(FILE_READ_ATTRIBUTES, options))?;
    let class = super::information::FILE_NETWORK_OPEN_INFORMATION;
    let answer = opened.object.file()?.ops.query(cx, &opened.object, class);
    last_handle_closed(cx.k, &opened.object);
    answer
}

/// NtQueryAttributesFile: FILE_BASIC_INFORMATION.
///
/// # Errors
/// As [`nt_open_file`].
pub fn nt_query_attributes_file(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>, information: u64) -> Nt {
    let attributes = attributes.load(cx.k)?;
    let all = attributes_of(cx, &attributes)?;
    let mut basic = [0u8; 40];
    // The four times are alike; the attributes lie behind two sizes in the one and behind the times in the other.
    basic[..32].copy_from_slice(all.get(..32).ok_or(STATUS_INTERNAL_ERROR)?);
    basic[32..36].copy_from_slice(all.get(48..52).ok_or(STATUS_INTERNAL_ERROR)?);
    cx.k.write_user(information, &basic)?;
    Ok(STATUS_SUCCESS)
}

/// NtQueryFullAttributesFile: FILE_NETWORK_OPEN_INFORMATION.
///
/// # Errors
/// As [`nt_open_file`].
pub fn nt_query_full_attributes_file(cx: &Cx<'_>, attributes: UserPtr<ObjectAttributesRaw>, information: u64) -> Nt {
    let attributes = attributes.load(cx.k)?;
    let all = attributes_of(cx, &attributes)?;
    cx.k.write_user(information, &all)?;
    Ok(STATUS_SUCCESS)
}
