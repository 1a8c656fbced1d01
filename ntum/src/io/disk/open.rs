//! Opening files: dispositions, access, sharing; and what happens when the last handle is closed.

use super::fcb::{Entered, FILE_SHARE_WRITE};
use super::path::{self, DiskPath, is_root};
use super::{DiskFile, ea, fcb::Fcb, link, names};
use crate::call::Cx;
use crate::host::Stream;
use crate::io::device::{Create, Make, Opened};
use crate::io::file::*;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::types::DELETE;
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::calls::{StreamDelete, StreamOpen, StreamQueryName, StreamSetAttributes};
use shim_abi::error::Error;
use shim_abi::stream::{self, Disposition, Expect, Kind, attributes as bits};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// WRITE_DAC and WRITE_OWNER.
const WRITE_SECURITY: u32 = 0xc_0000;

/// What is asked of the monitor for these rights.
fn host_access(access: u32) -> u32 {
    let mut host = 0;
    if access & (FILE_READ_DATA | FILE_EXECUTE) != 0 {
        host |= stream::access::READ;
    }
    if access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0 {
        host |= stream::access::WRITE;
    }
    if access & (FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA | FILE_DELETE_CHILD | DELETE | WRITE_SECURITY) != 0 {
        host |= stream::access::CHANGE;
    }
    host
}

/// Rights that a file which may not be written gives when as much as possible is asked for.
const READ_ONLY_RIGHTS: u32 = 0x12_00a9;

fn disposition(create: &Create) -> Nt<Disposition> {
    Ok(match create.disposition {
        FILE_OPEN | FILE_OVERWRITE => Disposition::Open,
        FILE_CREATE => Disposition::Create,
        // What exists is emptied here, after its openers were asked.
        FILE_OPEN_IF | FILE_SUPERSEDE | FILE_OVERWRITE_IF => Disposition::OpenOrCreate,
        _ => return Err(STATUS_INVALID_PARAMETER),
    })
}

fn overwrites(create: &Create) -> bool {
    matches!(create.disposition, FILE_SUPERSEDE | FILE_OVERWRITE | FILE_OVERWRITE_IF)
}

/// Asks the monitor; with MAXIMUM_ALLOWED, for less if it must be. Answers the rights that are granted too.
fn ask(cx: &Cx<'_>, path: &DiskPath, create: &Create) -> Nt<(shim_abi::calls::Opened, Option<Stream>, u32)> {
    let directory = create.options & FILE_DIRECTORY_FILE != 0;
    let expect = match () {
        () if directory => Expect::Directory,
        () if create.options & FILE_NON_DIRECTORY_FILE != 0 => Expect::File,
        () => Expect::Any,
    };
    let less = create.minimum | (create.access & READ_ONLY_RIGHTS);
    let tries = if create.maximum_allowed { &[create.access, less, create.minimum][..] } else { &[create.access] };
    let only_reads = create.access != 0 && host_access(create.access) == stream::access::READ;
    let existing = matches!(create.disposition, FILE_OPEN | FILE_OPEN_IF) && create.options & FILE_DELETE_ON_CLOSE == 0;
    if only_reads
        && path::stream(&path.uri).is_none()
        && existing
        && !(directory || path.directory || create.maximum_allowed)
        && let Some((opened, stream)) = cx.k.io.disk.ahead.open(cx.k, &path.uri)
    {
        return Ok((opened, Some(stream), create.access));
    }
    let mut refusal = STATUS_ACCESS_DENIED;
    for access in tries.iter().copied() {
        let mut host = host_access(access);
        if overwrites(create) {
            host |= stream::access::WRITE;
        }
        if create.options & FILE_DELETE_ON_CLOSE != 0 {
            host |= stream::access::CHANGE;
        }
        let request = StreamOpen {
            uri: path.uri.clone(),
            access: host,
            disposition: disposition(create)?,
            expect,
            attributes: create.attributes & bits::STORED,
        };
        let mut answer = cx.k.host.ask_stream(&request);
        let is_short = match &answer {
            Ok((opened, None)) => {
                let data = host & (stream::access::READ | stream::access::WRITE) != 0;
                data && opened.info.kind == Kind::File && !opened.made
            }
            Err(error) => *error == Error::TooManyOpen,
            Ok(_) => false,
        };
        // What was opened ahead may be what there is no room beside.
        if is_short && cx.k.io.disk.ahead.forget() {
            answer = cx.k.host.ask_stream(&request);
        }
        match answer {
            Ok((opened, stream)) => return Ok((opened, stream, access)),
            Err(Error::AccessDenied) if create.disposition == FILE_SUPERSEDE && make_writable(cx, &path.uri) => {
                let (opened, stream) = cx.k.host.ask_stream(&request)?;
                return Ok((opened, stream, access));
            }
            Err(error @ (Error::ReadOnly | Error::AccessDenied)) => refusal = error.into(),
            Err(Error::IsDirectory) if expect != Expect::File && overwrites(create) => {
                return Err(STATUS_OBJECT_NAME_COLLISION);
            }
            Err(error) => {
                let makes = !matches!(create.disposition, FILE_OPEN | FILE_OVERWRITE);
                return Err(refused(cx, &path.uri, error, makes));
            }
        }
    }
    Err(refusal)
}

/// The status for what the monitor refused. A name that no grant covers is missing, or cannot be made, in a directory that
/// can be seen; else its directory is missing.
pub fn refused(cx: &Cx<'_>, uri: &str, error: Error, makes: bool) -> Status {
    if error != Error::NotVisible {
        return error.into();
    }
    match cx.k.host.ask(&StreamQueryName { uri: path::parent(uri).to_owned() }) {
        Ok(parent) if parent.info.kind == Kind::Directory => {
            if makes {
                STATUS_ACCESS_DENIED
            } else {
                STATUS_OBJECT_NAME_NOT_FOUND
            }
        }
        _ => STATUS_OBJECT_PATH_NOT_FOUND,
    }
}

/// Takes the read-only attribute away from a file that is superseded; answers whether it had it.
fn make_writable(cx: &Cx<'_>, uri: &str) -> bool {
    let Ok(named) = cx.k.host.ask(&StreamQueryName { uri: uri.to_owned() }) else { return false };
    let attributes = named.info.attributes;
    let call = StreamSetAttributes {
        uri: named.uri,
        identity: named.info.identity,
        attributes: Some(attributes & !bits::READONLY),
        created: None,
        accessed: None,
        written: None,
    };
    attributes & bits::READONLY != 0 && cx.k.host.ask(&call).is_ok()
}

/// The name of the file that an id means (FILE_OPEN_BY_FILE_ID): 8 bytes, or 16 of which the upper half is 0. The monitor
/// opens by name only: a file that is neither open nor was listed with its id lately is looked for.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn by_id(cx: &Cx<'_>, drive: &str, id: &[u16]) -> Nt<DiskPath> {
    let (low, high) = id.split_at_checked(4).ok_or(STATUS_INVALID_PARAMETER)?;
    if !(high.is_empty() || high == [0; 4]) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let number = low.iter().rev().fold(0, |number, unit| number << 16 | u64::from(*unit));
    let table = &cx.k.io.disk.table;
    let found = || names::by_number(cx, drive, number).inspect(|uri| table.list(number, uri.clone()));
    let uri = table.name_of(number).or_else(found).ok_or(STATUS_INVALID_PARAMETER)?;
    Ok(DiskPath { uri, directory: false })
}

/// Opens or makes a file or directory; what lies behind links is found through the name space.
///
/// # Errors
/// As Windows documents them for NtCreateFile.
pub fn open(cx: &Cx<'_>, device: &Ref, path: DiskPath, create: &Create) -> Nt<Opened> {
    let path = super::short::resolve(cx, path);
    match open_here(cx, device, &path, create) {
        Err(stopped @ (STATUS_REPARSE | STATUS_NOT_A_DIRECTORY)) => match link::open(cx, &path, create, stopped)? {
            Ok(opened) => Ok(opened),
            Err(create) => open_here(cx, device, &path, &create),
        },
        done => done,
    }
}

/// As [`open`]: `STATUS_REPARSE` for a link, `STATUS_NOT_A_DIRECTORY` if there may be one on the way.
fn open_here(cx: &Cx<'_>, device: &Ref, path: &DiskPath, create: &Create) -> Nt<Opened> {
    if !matches!(create.make, Make::File) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = crate::io::ea::wanted(cx, create.ea)?;
    let knows_none = create.options & FILE_NO_EA_KNOWLEDGE != 0;
    if knows_none && !attributes.is_empty() {
        return Err(STATUS_ACCESS_DENIED);
    }
    if path.directory && create.options & FILE_NON_DIRECTORY_FILE != 0 {
        if is_root(&path.uri) {
            return Err(STATUS_FILE_IS_A_DIRECTORY);
        }
        return Err(match cx.k.host.ask(&StreamQueryName { uri: path.uri.clone() }) {
            Ok(named) if named.info.kind == Kind::Directory => STATUS_FILE_IS_A_DIRECTORY,
            Ok(_) => STATUS_OBJECT_NAME_INVALID,
            Err(_) if create.disposition != FILE_OPEN => STATUS_OBJECT_NAME_INVALID,
            Err(error) => refused(cx, &path.uri, error, false),
        });
    }
    if path.directory && create.options & FILE_DIRECTORY_FILE == 0 && create.disposition != FILE_OPEN {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if let Some((file, _)) = path::stream(&path.uri) {
        if create.options & FILE_DIRECTORY_FILE != 0 {
            return Err(STATUS_NOT_A_DIRECTORY);
        }
        if !matches!(create.disposition, FILE_OPEN | FILE_OVERWRITE) {
            // The file itself is made too.
            let own = DiskPath { uri: file.to_owned(), directory: false };
            let options = create.options & !(FILE_DELETE_ON_CLOSE | FILE_NON_DIRECTORY_FILE);
            let (disposition, access) = (FILE_OPEN_IF, FILE_READ_ATTRIBUTES);
            open_here(cx, device, &own, &Create { disposition, access, options, share: 7, ..create.clone() })
                .map(|opened| crate::io::file::last_handle_closed(cx.k, &opened.object))?;
        }
    }
    let security = super::security::wanted(cx, create)?;
    super::security::may_make(cx, &path.uri, create)?;
    let due = cx.k.io.disk.watches.about(&[&path.uri]);
    let (opened, stream, mut access) = ask(cx, path, create)?;
    if opened.made {
        due.wait(cx.k);
    }
    let info = link::shown(opened.info);
    if link::is_link(&info) && !link::means_itself(create) {
        return Err(STATUS_REPARSE);
    }
    let itself = link::is_link(&info) && info.kind == Kind::Directory;
    if itself && create.options & FILE_NON_DIRECTORY_FILE != 0 {
        return Err(STATUS_FILE_IS_A_DIRECTORY);
    }
    // On the host it is a file.
    let stream = stream.filter(|_| !itself);
    if path.directory && info.kind != Kind::Directory {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if opened.made {
        super::security::begin(cx, &path.uri, &info, security)?;
        cx.k.set_extended_attributes(&info.identity, attributes.clone(), true)?;
    } else {
        access = super::security::admit(cx, &path.uri, &info, create, access)?;
        if knows_none && ea::needed(&cx.k.extended_attributes(&info.identity)) {
            return Err(STATUS_ACCESS_DENIED);
        }
    }
    check_existing(create, &info, access, opened.made)?;
    check_sections(cx, create, &info, access, opened.made)?;
    let Entered { fcb, link } = cx.k.io.disk.table.enter(&info, opened.uri, access, create.share)?;
    let file = DiskFile {
        number: cx.k.io.disk.new_number(),
        fcb,
        link,
        stream: stream.map(Arc::new),
        opened: info,
        alive: Arc::new(()),
        scan: Mutex::new(None),
        watch: Mutex::new(None),
        opened_delete_on_close: create.options & FILE_DELETE_ON_CLOSE != 0,
        delete_on_close: AtomicBool::new(create.options & FILE_DELETE_ON_CLOSE != 0),
        posix_delete: AtomicBool::new(false),
        told_attributes: Default::default(),
        kept: Default::default(),
        together: OnceLock::new(),
    };
    let information = match create.disposition {
        _ if opened.made => FILE_CREATED,
        FILE_SUPERSEDE => FILE_SUPERSEDED,
        FILE_OVERWRITE | FILE_OVERWRITE_IF => FILE_OVERWRITTEN,
        _ => FILE_OPENED,
    };
    let claimed = super::together::enter(cx.k, &file, access, create.share, true)
        .and_then(|()| super::hostlock::claim(cx.k, &file, access, create.share));
    let emptied = claimed
        .and_then(|()| if !opened.made && overwrites(create) { empty(cx, &file, create, attributes) } else { Ok(()) });
    let reserved = if opened.made { reserve(create) } else { Ok(()) };
    if let Err(status) = emptied.and(reserved) {
        file.forget_deletion();
        file.leave_others();
        cx.k.io.disk.table.leave(&file.fcb, &file.link, access, create.share);
        return Err(status);
    }
    let object = File::object(&Create { access, ..create.clone() }, device, Vec::new(), file);
    Ok(Opened { object, information })
}

/// A file that is made sets nothing aside: the host's file systems allocate late. What cannot ever be had is refused.
fn reserve(create: &Create) -> Nt<()> {
    if create.allocation > i64::MAX as u64 { Err(STATUS_DISK_FULL) } else { Ok(()) }
}

/// What the sections made of an existing file forbid.
fn check_sections(cx: &Cx<'_>, create: &Create, info: &stream::Info, access: u32, made: bool) -> Nt<()> {
    let writes = access & FILE_WRITE_DATA != 0 || overwrites(create);
    let deletes = create.options & FILE_DELETE_ON_CLOSE != 0;
    let alone = create.share & FILE_SHARE_WRITE == 0;
    if made || info.kind != Kind::File || !(writes || deletes || alone) {
        return Ok(());
    }
    let used = cx.k.mm.file_use(&info.identity);
    if used.image && writes || used.writable && alone {
        return Err(STATUS_SHARING_VIOLATION);
    }
    if used.image && deletes {
        return Err(STATUS_CANNOT_DELETE);
    }
    Ok(())
}

/// What an existing file's attributes forbid.
fn check_existing(create: &Create, info: &stream::Info, access: u32, made: bool) -> Nt<()> {
    if made {
        return Ok(());
    }
    let readonly = info.attributes & bits::READONLY != 0 && info.kind == Kind::File;
    if readonly && access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0 {
        return Err(STATUS_ACCESS_DENIED);
    }
    if readonly && create.options & FILE_DELETE_ON_CLOSE != 0 {
        return Err(STATUS_CANNOT_DELETE);
    }
    if overwrites(create) {
        if info.kind == Kind::Directory {
            return Err(STATUS_OBJECT_NAME_COLLISION);
        }
        // A hidden or system file is only overwritten by one that is the same.
        let kept = info.attributes & (bits::HIDDEN | bits::SYSTEM);
        if create.disposition != FILE_SUPERSEDE && create.attributes & kept != kept {
            return Err(STATUS_ACCESS_DENIED);
        }
    }
    Ok(())
}

/// Empties an existing file and gives it the attributes of a new one.
fn empty(cx: &Cx<'_>, file: &DiskFile, create: &Create, extended: Vec<ea::Attribute>) -> Nt<()> {
    if file.fcb.is_mapped() {
        return Err(STATUS_USER_MAPPED_FILE);
    }
    cx.k.host.set_length(file.stream()?, 0)?;
    cx.k.set_extended_attributes(&file.fcb.identity, extended, true)?;
    let wanted = (create.attributes & bits::STORED) | bits::ARCHIVE;
    let mut state = file.fcb.state.lock();
    if state.attributes != wanted {
        let call = StreamSetAttributes {
            uri: file.link.uri(),
            identity: file.fcb.identity.clone(),
            attributes: Some(wanted),
            created: None,
            accessed: None,
            written: None,
        };
        cx.k.host.ask(&call)?;
        state.attributes = wanted;
    }
    Ok(())
}

/// Takes the name away; what the monitor refuses leaves it.
fn delete(k: &'static Kernel, fcb: &Fcb, file: &DiskFile) {
    if file.link.deleted.load(Ordering::Acquire) {
        return;
    }
    let call = StreamDelete { uri: file.link.uri(), identity: fcb.identity_now() };
    let due = k.io.disk.watches.about(&[&call.uri]);
    if k.host.ask(&call).is_ok() {
        due.wait(k);
        file.link.deleted.store(true, Ordering::Release);
        if file.opened.links <= 1 {
            // Another file may have its number next.
            let _ = k.set_extended_attributes(&fcb.identity, Vec::new(), true);
        }
    } else {
        file.link.delete_pending.store(false, Ordering::Release);
    }
}

/// The last handle to a file object was closed.
pub fn cleanup(k: &'static Kernel, file: &DiskFile, object: &Ref) {
    let Ok(common) = object.file() else { return };
    if let Some(watch) = file.watch.lock().take() {
        watch.stop(k);
    }
    super::hostlock::release(k, file);
    if file.delete_on_close.load(Ordering::Acquire) {
        file.link.delete_pending.store(true, Ordering::Release);
    }
    // While the deletion is under way the file stays in the table: whoever opens it now is told so.
    let pending = file.link.delete_pending.load(Ordering::Acquire);
    let posix = file.posix_delete.load(Ordering::Acquire);
    if !pending {
        file.restore_times(k);
    }
    super::hostlock::disclaim(k, file, common.access);
    if !file.leave_others() && pending && (posix || file.link.is_last()) {
        delete(k, &file.fcb, file);
    }
    k.io.disk.table.leave(&file.fcb, &file.link, common.access, common.share);
}

/// The process's last handle was closed to a file object that others have handles to.
pub fn let_go(k: &'static Kernel, file: &DiskFile, object: &Ref) {
    let Ok(common) = object.file() else { return };
    if let Some(watch) = file.watch.lock().take() {
        watch.stop(k);
    }
    file.fcb.locks.release(file.number);
    file.leave_others();
    k.io.disk.table.leave(&file.fcb, &file.link, common.access, common.share);
}

shim_abi::wire_structs! {
    /// A file as another process makes it anew.
    pub struct Packed {
        /// Its name.
        pub uri: String,
        /// What is known of it.
        pub info: stream::Info,
        /// Whether its end makes the name go.
        pub delete_on_close: bool,
    }
}

/// What another process makes the file of, beside the stream.
pub fn pack(file: &DiskFile) -> Vec<u8> {
    let delete_on_close = file.opened_delete_on_close;
    shim_abi::wire::encode(&Packed { uri: file.link.uri(), info: file.opened.clone(), delete_on_close })
}

/// A file of what another process packed.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn unpack(k: &'static Kernel, what: &[u8], stream: Option<Stream>, access: u32, share: u32) -> Nt<DiskFile> {
    let packed: Packed = shim_abi::wire::decode(what).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let Entered { fcb, link } = k.io.disk.table.enter_checked(&packed.info, packed.uri, access, share, false)?;
    Ok(DiskFile {
        number: k.io.disk.new_number(),
        fcb,
        link,
        stream: stream.map(Arc::new),
        opened: packed.info,
        alive: Arc::new(()),
        scan: Mutex::new(None),
        watch: Mutex::new(None),
        opened_delete_on_close: packed.delete_on_close,
        delete_on_close: AtomicBool::new(packed.delete_on_close),
        posix_delete: AtomicBool::new(false),
        told_attributes: Default::default(),
        kept: Default::default(),
        together: OnceLock::new(),
    })
}
