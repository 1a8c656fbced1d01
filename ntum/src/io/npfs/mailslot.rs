//! Mailslots: `\Device\Mailslot`. A slot has one reader, who made it, and any number of writers.

use super::state::{Done, Token};
use super::waiting::Waiting;
use crate::answer::Fields;
use crate::call::Cx;
use crate::io::device::{Create, Driver, MailslotParameters, Make, Opened, make_device};
use crate::io::file::*;
use crate::io::information::*;
use crate::io::irp::{Io, Request};
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::nls::fold::fold;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// FILE_DEVICE_MAILSLOT.
const FILE_DEVICE_MAILSLOT: u32 = 0x0c;
/// MAILSLOT_NO_MESSAGE.
const NO_MESSAGE: u32 = u32::MAX;
/// Bytes that one slot holds at most, so that a guest cannot make the kernel hold all memory.
const MAX_BUFFERED: usize = 64 << 20;
/// FILE_SHARE_READ.
const SHARE_READ: u32 = 1;
/// What a slot's own handle can be opened for: FILE_GENERIC_READ and all that is no data.
const READER_ACCESS: u32 = 0x1f_01e9;
/// What a writer's handle can be opened for.
const WRITER_ACCESS: u32 = 0x1f_0196;
const BACKSLASH: u16 = b'\\' as u16;

struct Slot {
    name: Vec<u16>,
    maximum: u32,
    quota: u32,
    timeout: Option<i64>,
    messages: VecDeque<Vec<u8>>,
    readers: VecDeque<(Token, usize)>,
}

impl Slot {
    /// Gives messages to who waits for one.
    fn settle(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        while let Some(message) = self.messages.front()
            && let Some((token, capacity)) = self.readers.pop_front()
        {
            if message.len() > capacity {
                done.push(Done { token, status: STATUS_BUFFER_TOO_SMALL, information: 0, data: Vec::new() });
            } else if let Some(data) = self.messages.pop_front() {
                done.push(Done { token, status: STATUS_SUCCESS, information: data.len(), data });
            }
        }
        done
    }
}

/// The driver's state.
#[derive(Default)]
pub struct Mailslots {
    /// By number.
    slots: Mutex<BTreeMap<u32, Slot>>,
    waiting: Waiting,
}

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\Mailslot", FILE_DEVICE_MAILSLOT, Device);
    make_link(&k.ob.root, "\\??\\MAILSLOT", "\\Device\\Mailslot");
}

impl Mailslots {
    fn of(k: &'static Kernel) -> &'static Mailslots {
        &k.io.mailslots
    }

    fn give_up(k: &'static Kernel, token: Token, status: Status) {
        let all = Mailslots::of(k);
        let mut found = false;
        for slot in all.slots.lock().values_mut() {
            let before = slot.readers.len();
            slot.readers.retain(|(held, _)| *held != token);
            found |= slot.readers.len() != before;
        }
        if found {
            all.waiting.deliver(k, vec![Done { token, status, information: 0, data: Vec::new() }]);
        }
    }
}

struct Device;
struct DeviceFile;
struct Reader {
    number: u32,
}
struct Writer {
    number: u32,
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
        let mut slots = Mailslots::of(cx.k).slots.lock();
        let folded = fold(name);
        let existing = slots.iter().find(|(_, slot)| fold(&slot.name) == folded).map(|(number, _)| *number);
        match &create.make {
            Make::Pipe(_) => Err(STATUS_OBJECT_TYPE_MISMATCH),
            Make::Mailslot(MailslotParameters { quota, maximum_message, timeout }) => {
                if existing.is_some() {
                    return Err(STATUS_OBJECT_NAME_COLLISION);
                }
                let number = slots.last_key_value().map_or(1, |(number, _)| number.wrapping_add(1).max(1));
                let slot = Slot {
                    name: name.to_vec(),
                    maximum: *maximum_message,
                    quota: *quota,
                    timeout: *timeout,
                    messages: VecDeque::new(),
                    readers: VecDeque::new(),
                };
                slots.insert(number, slot);
                let object = File::object(&limited(create, READER_ACCESS), device, rest.to_vec(), Reader { number });
                Ok(Opened { object, information: FILE_CREATED })
            }
            Make::File => {
                let number = existing.ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
                // The slot's own handle reads.
                if create.share & SHARE_READ == 0 {
                    return Err(STATUS_SHARING_VIOLATION);
                }
                Ok(Opened::existing(&limited(create, WRITER_ACCESS), device, rest.to_vec(), Writer { number }))
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
        let all = Mailslots::of(cx.k);
        let (irp, token, deadline) = {
            let mut slots = all.slots.lock();
            let slot = slots.get_mut(&self.number).ok_or(STATUS_INVALID_HANDLE)?;
            if let Some(message) = slot.messages.front() {
                if message.len() as u64 > buffer.length {
                    return Err(STATUS_BUFFER_TOO_SMALL);
                }
                let message = slot.messages.pop_front().unwrap_or_default();
                drop(slots);
                buffer.write_at(cx.k, 0, &message)?;
                return Io::done(message.len() as u64);
            }
            if slot.timeout == Some(0) {
                return Err(STATUS_IO_TIMEOUT);
            }
            let token = all.waiting.token();
            // MAILSLOT_WAIT_FOREVER is -1.
            let deadline = Deadline::of(cx.k, slot.timeout.filter(|timeout| *timeout != -1));
            let irp = all.waiting.add(cx.k, request, token, buffer);
            slot.readers.push_back((token, buffer.length as usize));
            (irp, token, deadline)
        };
        Ok(all.waiting.arm(cx.k, irp, token, deadline, Mailslots::give_up))
    }

    fn write(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn query(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        if class != FILE_MAILSLOT_QUERY_INFORMATION {
            return plain(object, class);
        }
        let slots = Mailslots::of(cx.k).slots.lock();
        let slot = slots.get(&self.number).ok_or(STATUS_INVALID_HANDLE)?;
        let next = slot.messages.front().map_or(NO_MESSAGE, |message| message.len() as u32);
        let mut out = Vec::new();
        for word in [slot.maximum, slot.quota, next, slot.messages.len() as u32] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&slot.timeout.unwrap_or(-1).to_le_bytes());
        Ok(out)
    }

    fn set(&self, cx: &Cx<'_>, _object: &Ref, class: u32, data: &[u8]) -> Nt {
        if class != FILE_MAILSLOT_SET_INFORMATION {
            return Err(STATUS_INVALID_INFO_CLASS);
        }
        // A LARGE_INTEGER, as Wine's kernelbase has it (Windows' structure points at one).
        let timeout = Fields(data).i64(0);
        let mut slots = Mailslots::of(cx.k).slots.lock();
        slots.get_mut(&self.number).ok_or(STATUS_INVALID_HANDLE)?.timeout = Some(timeout);
        Ok(STATUS_SUCCESS)
    }

    fn cleanup(&self, k: &'static Kernel, _object: &Ref) {
        let all = Mailslots::of(k);
        let Some(slot) = all.slots.lock().remove(&self.number) else { return };
        let over = |(token, _)| Done { token, status: STATUS_CANCELLED, information: 0, data: Vec::new() };
        all.waiting.deliver(k, slot.readers.into_iter().map(over).collect());
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
        let all = Mailslots::of(cx.k);
        let done = {
            let mut slots = all.slots.lock();
            // The slot is gone when its handle is.
            let slot = slots.get_mut(&self.number).ok_or(STATUS_FILE_DELETED)?;
            if slot.maximum != 0 && data.len() > slot.maximum as usize {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let held: usize = slot.messages.iter().map(Vec::len).sum();
            if held.saturating_add(data.len()) > MAX_BUFFERED {
                return Err(STATUS_INSUFFICIENT_RESOURCES);
            }
            slot.messages.push_back(data);
            slot.settle()
        };
        all.waiting.deliver(cx.k, done);
        Io::done(buffer.length)
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
