//! Mailslots: `\Device\Mailslot`. A slot has one reader, who made it, and any number of writers.

use crate::answer::Fields;
use crate::call::Cx;
use crate::io::device::{Create, Driver, MailslotParameters, Make, Opened, make_device};
use crate::io::file::*;
use crate::io::information::*;
use crate::io::irp::{Io, Request};
use crate::io::parcel::Maker;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::shm::Shm;
use crate::shm::pipe::{NewEnd, Slot, SlotFacts};
use crate::status::*;
use crate::um::UserSlice;

/// FILE_DEVICE_MAILSLOT.
const FILE_DEVICE_MAILSLOT: u32 = 0x0c;
/// MAILSLOT_NO_MESSAGE.
const NO_MESSAGE: u32 = u32::MAX;
/// FILE_SHARE_READ.
const SHARE_READ: u32 = 1;
/// What a slot's own handle can be opened for: FILE_GENERIC_READ and all that is no data.
const READER_ACCESS: u32 = 0x1f_01e9;
/// What a writer's handle can be opened for.
const WRITER_ACCESS: u32 = 0x1f_0196;
const BACKSLASH: u16 = b'\\' as u16;

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\Mailslot", FILE_DEVICE_MAILSLOT, Device);
    make_link(&k.ob.root, "\\??\\MAILSLOT", "\\Device\\Mailslot");
}

struct Device;
struct DeviceFile;
struct Reader(Held);
struct Writer(Held);

/// A mailslot that the process holds: its object in the sandbox's memory, its body, and the process's reference.
struct Held {
    shm: &'static Shm,
    object: u32,
    body: u32,
    reference: u32,
}

impl Held {
    fn new(k: &'static Kernel, NewEnd { object, reference }: NewEnd) -> Nt<Held> {
        let (shm, _) = k.sandbox()?;
        Ok(Held { shm, object, body: shm.begin().end_of(object), reference })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut tx = self.shm.begin();
        tx.release(self.reference);
        // Fails in damaged memory only; the record then stays.
        let _ = tx.commit();
    }
}

/// A mailslot that another process gave this one.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INSUFFICIENT_RESOURCES`.
pub fn unpack(k: &'static Kernel, what: &[u8], reader: bool) -> Nt<Box<dyn FileOps>> {
    let object = what.try_into().map(u32::from_le_bytes).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let reference = k.change_pipes(|tx, me| match tx.take_given(me, object) {
        Some(reference) => Ok(reference),
        None => tx.hold(object, me, reader),
    })?;
    let held = Held::new(k, NewEnd { object, reference })?;
    Ok(if reader { Box::new(Reader(held)) } else { Box::new(Writer(held)) })
}

impl Driver for Device {
    fn open(&self, cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        let name = match rest {
            [] | [BACKSLASH] if matches!(create.make, Make::File) => {
                return Ok(Opened::existing(create, device, rest.to_vec(), DeviceFile));
            }
            [BACKSLASH, name @ ..] if !name.is_empty() => name,
            _ => return Err(STATUS_OBJECT_NAME_INVALID),
        };
        match &create.make {
            Make::Pipe(_) => Err(STATUS_OBJECT_TYPE_MISMATCH),
            Make::Mailslot(MailslotParameters { quota, maximum_message, timeout }) => {
                let slot = Slot { maximum: *maximum_message, quota: *quota, timeout: *timeout };
                let made = cx.k.change_pipes(|tx, me| tx.create_slot(me, name, slot))?;
                let reader = Reader(Held::new(cx.k, made)?);
                let object = File::object(&limited(create, READER_ACCESS), device, rest.to_vec(), reader);
                Ok(Opened { object, information: FILE_CREATED })
            }
            Make::File => {
                // The slot's own handle reads.
                let shared = create.share & SHARE_READ != 0;
                let held = cx.k.change_pipes(|tx, me| match tx.has_slot(name) {
                    true if !shared => Err(STATUS_SHARING_VIOLATION),
                    _ => tx.open_slot(me, name),
                })?;
                let writer = Writer(Held::new(cx.k, held)?);
                Ok(Opened::existing(&limited(create, WRITER_ACCESS), device, rest.to_vec(), writer))
            }
        }
    }
}

/// A request with no more rights than there are.
fn limited(create: &Create, access: u32) -> Create {
    Create { access: create.access & access, make: Make::File, ..*create }
}

impl FileOps for DeviceFile {
    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

impl FileOps for Reader {
    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        cx.k.probe_write(buffer.address, buffer.length)?;
        let synchronous = request.file()?.synchronous();
        cx.k.io.npfs.waiting.run(cx, request, buffer, synchronous, |tx, asker| {
            let (step, timeout) = tx.read_slot(self.0.body, buffer.length as u32, asker)?;
            // MAILSLOT_WAIT_FOREVER is -1.
            Ok((step, Deadline::of(cx.k, timeout.filter(|timeout| *timeout != -1))))
        })
    }

    fn write(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn query(&self, _cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        if class != FILE_MAILSLOT_QUERY_INFORMATION {
            return plain(object, class);
        }
        let SlotFacts { slot, next, messages } = self.0.shm.begin().slot_facts(self.0.body);
        let mut out = Vec::new();
        for word in [slot.maximum, slot.quota, next.unwrap_or(NO_MESSAGE), messages] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&slot.timeout.unwrap_or(-1).to_le_bytes());
        Ok(out)
    }

    /// Refused, though NT tells the device's type: Wine's GetFileType would call a mailslot a file of a disk.
    fn query_volume(&self, _: &Cx<'_>, _: &Ref, _: u32) -> Nt<Vec<u8>> {
        Err(STATUS_NOT_IMPLEMENTED)
    }

    fn set(&self, cx: &Cx<'_>, _object: &Ref, class: u32, data: &[u8]) -> Nt {
        if class != FILE_MAILSLOT_SET_INFORMATION {
            return Err(STATUS_INVALID_INFO_CLASS);
        }
        // A LARGE_INTEGER, as Wine's kernelbase has it (Windows' structure points at one).
        let timeout = Fields(data).i64(0);
        cx.k.change_pipes(|tx, _| {
            tx.set_slot_timeout(self.0.body, Some(timeout));
            Ok(STATUS_SUCCESS)
        })
    }

    fn pack(&self, _: &'static Kernel) -> Nt<(Maker, Vec<u8>)> {
        Ok((Maker::Mailslot, self.0.object.to_le_bytes().to_vec()))
    }

    fn record(&self) -> Option<(u32, bool)> {
        Some((self.0.object, true))
    }

    fn cleanup(&self, k: &'static Kernel, _object: &Ref) {
        let _ = k.change_pipes(|tx, _| {
            tx.close(self.0.reference);
            Ok(())
        });
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

impl FileOps for Writer {
    fn read(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn write(&self, cx: &Cx<'_>, _request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        let data = buffer.read_all(cx.k)?;
        cx.k.change_pipes(|tx, _| tx.write_slot(self.0.body, &data))?;
        Io::done(buffer.length)
    }

    fn pack(&self, _: &'static Kernel) -> Nt<(Maker, Vec<u8>)> {
        Ok((Maker::MailslotWriter, self.0.object.to_le_bytes().to_vec()))
    }

    fn record(&self) -> Option<(u32, bool)> {
        Some((self.0.object, false))
    }

    fn query(&self, _cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        plain(object, class)
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

/// What both ends tell.
fn plain(object: &Ref, class: u32) -> Nt<Vec<u8>> {
    let mut out = match class {
        FILE_BASIC_INFORMATION => vec![0; 40],
        FILE_STANDARD_INFORMATION => vec![0; 24],
        FILE_NAME_INFORMATION => return Ok(name_information(&object.file()?.name.lock())),
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    };
    // FILE_ATTRIBUTE_NORMAL; one link.
    let (at, value) = if class == FILE_BASIC_INFORMATION { (32, 0x80) } else { (16, 1) };
    out[at] = value;
    Ok(out)
}
