//! Security descriptors of files and folders: kept for all processes of the sandbox as long as it lives, and asked whenever a
//! file is opened or made. They guard a program against itself; what the host lets the sandbox do is its grants' to say.

use super::fcb::Fcb;
use super::path;
use crate::call::Cx;
use crate::io::device::Create;
use crate::io::file::*;
use crate::kernel::Kernel;
use crate::ob::Object;
use crate::ob::types::{DELETE, SYNCHRONIZE, Type};
use crate::se::acl;
use crate::se::descriptor::Descriptor;
use crate::shm::secured::Kept;
use crate::status::*;
use shim_abi::calls::StreamQueryName;
use shim_abi::stream::{Identity, Info, Kind};

impl Kernel {
    /// Whether any file has a descriptor: until then, none is looked for.
    fn has_secured_files(&'static self) -> bool {
        self.has_entered_sandbox() && self.sandbox().is_ok_and(|(shm, _)| shm.is_kept(Kept::Security))
    }

    /// A file's descriptor, if it was given one.
    fn file_security(&'static self, identity: &Identity) -> Option<Vec<u8>> {
        if !self.has_secured_files() {
            return None;
        }
        self.sandbox().ok()?.0.begin().kept_of_file(Kept::Security, identity.volume, identity.number)
    }

    fn set_file_security(&'static self, identity: &Identity, descriptor: Option<&[u8]>) -> Nt<()> {
        let mut tx = self.sandbox()?.0.begin();
        tx.keep_of_file(Kept::Security, identity.volume, identity.number, descriptor)?;
        tx.commit()
    }

    /// The descriptor of the folder that a name is in.
    fn security_above(&'static self, uri: &str) -> Option<Vec<u8>> {
        let above = self.host.ask(&StreamQueryName { uri: path::parent(uri).to_owned() }).ok()?;
        self.file_security(&above.info.identity)
    }
}

/// FILE_ADD_FILE.
const FILE_ADD_FILE: u32 = FILE_WRITE_DATA;
/// FILE_ADD_SUBDIRECTORY.
const FILE_ADD_SUBDIRECTORY: u32 = FILE_APPEND_DATA;
/// FILE_LIST_DIRECTORY.
const FILE_LIST_DIRECTORY: u32 = FILE_READ_DATA;

/// The descriptor that the maker of a file wants, if it is made.
///
/// # Errors
/// What is wrong with it.
pub fn wanted(cx: &Cx<'_>, create: &Create) -> Nt<Option<Descriptor>> {
    if create.security == 0 { Ok(None) } else { Descriptor::read(cx.k, create.security).map(Some) }
}

/// Whether a folder lets a name be made in it.
///
/// # Errors
/// `STATUS_ACCESS_DENIED`.
pub fn may_make(cx: &Cx<'_>, uri: &str, create: &Create) -> Nt<()> {
    if !cx.k.has_secured_files() || matches!(create.disposition, FILE_OPEN | FILE_OVERWRITE) {
        return Ok(());
    }
    let right = if create.options & FILE_DIRECTORY_FILE != 0 { FILE_ADD_SUBDIRECTORY } else { FILE_ADD_FILE };
    match cx.k.security_above(uri) {
        None => Ok(()),
        above => match cx.grant_by(above, Type::File, right) {
            Ok(_) => Ok(()),
            // What is there already is not made.
            Err(_) if cx.k.host.ask(&StreamQueryName { uri: uri.to_owned() }).is_ok() => Ok(()),
            Err(status) => Err(status),
        },
    }
}

/// The rights that an existing file gives.
///
/// # Errors
/// `STATUS_ACCESS_DENIED`, `STATUS_PRIVILEGE_NOT_HELD`.
pub fn admit(cx: &Cx<'_>, uri: &str, info: &Info, create: &Create, access: u32) -> Nt<u32> {
    let security = cx.k.file_security(&info.identity);
    if security.is_none() {
        return Ok(access);
    }
    let overwrites = matches!(create.disposition, FILE_SUPERSEDE | FILE_OVERWRITE | FILE_OVERWRITE_IF);
    let deletes = create.options & FILE_DELETE_ON_CLOSE != 0;
    let needed = access | if overwrites { FILE_WRITE_DATA } else { 0 } | if deletes { DELETE } else { 0 };
    // Who may list or delete in the folder needs no right of the file's own. That a handle can be waited for is no secret of
    // the file's either, and the image's kernelbase always asks for it.
    let mut free = SYNCHRONIZE;
    if cx.grant_by(security.clone(), Type::File, needed & !free).is_err() {
        let above = cx.k.security_above(uri);
        for (right, gives) in [(FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES), (FILE_DELETE_CHILD, DELETE)] {
            if cx.grant_by(above.clone(), Type::File, right).is_ok() {
                free |= gives;
            }
        }
    }
    if !create.maximum_allowed {
        return match needed & !free {
            0 => Ok(access),
            rest => cx.grant_by(security, Type::File, rest).map(|_| access),
        };
    }
    // What was asked for by name must be given, of the rest as much as there is.
    let least = create.minimum & !free;
    if least != 0 {
        cx.grant_by(security.clone(), Type::File, least)?;
    }
    let most = cx.grant_by(security, Type::File, crate::ob::types::MAXIMUM_ALLOWED).unwrap_or(0);
    match access & (most | free) {
        0 => Err(STATUS_ACCESS_DENIED),
        granted => Ok(granted),
    }
}

/// Gives a file that was just made the descriptor that its maker wants, or what it inherits from its folder.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub fn begin(cx: &Cx<'_>, uri: &str, info: &Info, given: Option<Descriptor>) -> Nt<()> {
    if given.is_none() && !cx.k.has_secured_files() {
        return Ok(());
    }
    let token = cx.k.effective_token(cx.t);
    let above = || cx.k.security_above(uri).and_then(|bytes| Descriptor::parse(&bytes).ok());
    let descriptor = {
        let state = token.token()?.state.read().clone();
        match given {
            Some(given) => Some(given.complete(&state, Type::File).mapped(Type::File)),
            None => above().and_then(|above| above.inherited(&state, Type::File, info.kind == Kind::Directory)),
        }
    };
    // The host may have given it the number of a file that had one and is gone.
    if descriptor.is_none() && !cx.k.has_secured_files() {
        return Ok(());
    }
    match cx.k.set_file_security(&info.identity, descriptor.map(|it| it.bytes()).as_deref()) {
        // Without memory of the sandbox the file does without.
        Err(STATUS_NOT_SUPPORTED) => Ok(()),
        other => other,
    }
}

/// How the entries that a file or folder has by default are inherited, as below a user's profile; `None` for what is no file of
/// a disk.
pub fn default_inheritance(object: &Object) -> Option<u8> {
    let file = object.file().ok()?.ops.as_any().downcast_ref::<super::DiskFile>()?;
    let down = if file.is_directory() { acl::OBJECT_INHERIT | acl::CONTAINER_INHERIT } else { 0 };
    Some(acl::INHERITED | down)
}

/// Runs with the descriptor of an open file.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_NOT_SUPPORTED` on a machine without memory that lasts as long as the sandbox.
pub fn with_security(k: &'static Kernel, fcb: &Fcb, run: &mut dyn FnMut(&mut Option<Vec<u8>>)) -> Nt<()> {
    let before = k.file_security(&fcb.identity);
    let mut security = before.clone();
    run(&mut security);
    if security != before {
        k.set_file_security(&fcb.identity, security.as_deref())?;
    }
    Ok(())
}
