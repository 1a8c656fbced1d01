//! Files on their way from one process of the sandbox to another: what is common to all, and who makes them anew.

use super::device::Create;
use super::file::{File, FileOps};
use crate::call::Cx;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::{Found, walk};
use crate::status::*;

/// Who makes a file's driver part anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The null device.
    Null,
    /// The program's own streams.
    Standard,
    /// The console.
    Console,
    /// A file system of a disk.
    Disk,
    /// A pipe's end.
    Pipe,
    /// A mailslot's reader.
    Mailslot,
    /// Who writes to a mailslot.
    MailslotWriter,
    /// A socket.
    Socket,
}

const MAKERS: [Maker; 8] = [
    Maker::Null,
    Maker::Standard,
    Maker::Console,
    Maker::Disk,
    Maker::Pipe,
    Maker::Mailslot,
    Maker::MailslotWriter,
    Maker::Socket,
];

shim_abi::wire_structs! {
    /// A file object's own part.
    pub struct FileParcel {
        /// Place in the list of makers.
        pub maker: u8,
        /// What the maker needs.
        pub what: Vec<u8>,
        /// Its device's path.
        pub device: Vec<u16>,
        /// Its name there.
        pub name: Vec<u16>,
        /// Rights it was opened with.
        pub access: u32,
        /// FILE_SHARE_*.
        pub share: u32,
        /// FILE_* options.
        pub options: u32,
        /// Where it stands.
        pub position: i64,
        /// Its record in the sandbox's memory, 0 for none.
        pub record: u32,
        /// Whether it keeps its record open.
        pub open: u8,
    }
}

/// What of a file travels.
///
/// # Errors
/// `STATUS_NOT_SUPPORTED`.
pub fn pack(k: &'static Kernel, object: &Ref) -> Nt<Vec<u8>> {
    let file = object.file()?;
    let (maker, what) = file.ops.pack(k)?;
    let (record, open) = file.ops.record().unwrap_or((0, false));
    let maker = MAKERS.iter().position(|known| *known == maker).unwrap_or(0) as u8;
    Ok(shim_abi::wire::encode(&FileParcel {
        maker,
        what,
        device: file.device.path().unwrap_or_default(),
        name: file.name.lock().clone(),
        access: file.access,
        share: file.share,
        options: file.options(),
        position: file.position.load(),
        record,
        open: open.into(),
    }))
}

/// The record that whoever gets the file holds, and whether that keeps it open.
pub fn record(raw: &[u8]) -> Option<(u32, bool)> {
    let parcel: FileParcel = shim_abi::wire::decode(raw).ok()?;
    (parcel.record != 0).then_some((parcel.record, parcel.open != 0))
}

fn device(k: &Kernel, path: &[u16]) -> Nt<Ref> {
    match walk(&k.ob.root, None, path, true, false)? {
        Found::Rest(device, _) => Ok(device),
        _ => Err(STATUS_OBJECT_NAME_NOT_FOUND),
    }
}

/// This process's part of a file object that several have: `body` is that of its record.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and what the maker answers.
pub fn unpack_common(k: &'static Kernel, raw: &[u8], stream: Option<Stream>, body: u32) -> Nt<File> {
    let parcel: FileParcel = shim_abi::wire::decode(raw).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let device = device(k, &parcel.device)?;
    let (shm, _) = k.sandbox()?;
    let ops: Box<dyn FileOps> = match MAKERS.get(usize::from(parcel.maker)) {
        Some(Maker::Disk) => {
            let disk = super::disk::open::unpack(k, &parcel.what, stream, parcel.access, parcel.share)?;
            disk.join(shm, body);
            Box::new(disk)
        }
        Some(Maker::Socket) => Box::new(super::afd::parcel::unpack(&parcel.what, stream)?),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let create = Create { share: parcel.share, ..Create::existing(parcel.access, parcel.options) };
    let file = File::new(&create, &device, parcel.name, ops);
    file.position.share(shm, body);
    Ok(file)
}

/// A file of what came.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and what the maker answers.
pub fn unpack(cx: &Cx<'_>, raw: &[u8]) -> Nt<Ref> {
    let parcel: FileParcel = shim_abi::wire::decode(raw).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let maker = MAKERS.get(usize::from(parcel.maker)).ok_or(STATUS_INVALID_PARAMETER)?;
    let ops: Box<dyn FileOps> = match maker {
        Maker::Null => super::null::unpack(),
        Maker::Standard => return super::standard::unpack(cx.k, &parcel.what),
        Maker::Console => super::condrv::file::unpack(cx.k, &parcel.what)?,
        // Those are file objects that several processes have.
        Maker::Disk | Maker::Socket => return Err(STATUS_INVALID_PARAMETER),
        Maker::Pipe => super::npfs::driver::unpack(cx.k, &parcel.what)?,
        Maker::Mailslot => super::npfs::mailslot::unpack(cx.k, &parcel.what, true)?,
        Maker::MailslotWriter => super::npfs::mailslot::unpack(cx.k, &parcel.what, false)?,
    };
    let device = device(cx.k, &parcel.device)?;
    let create = Create { share: parcel.share, ..Create::existing(parcel.access, parcel.options) };
    let object = File::made(&create, &device, parcel.name, ops);
    object.file()?.position.store(parcel.position);
    Ok(object)
}
