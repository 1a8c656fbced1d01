//! The program's own streams 0, 1 and 2, when they are pipes, files or nothing: file objects over the host's streams, byte
//! for byte. Terminals are `condrv`'s.
//!
//! A file's position is the host's own as long as the guest does not set another: so several programs that share one
//! description of an open file go on where the one before stopped. Where the host stands cannot be asked; an output is
//! taken to stand at the end of its file, which is so for new files, for appending and for output that is continued.

use super::device::{Create, Driver, Opened, make_device};
use super::file::*;
use super::information::*;
use super::irp::{Io, Request};
use crate::answer::Fields;
use crate::call::Cx;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::ps::thread::pending;
use crate::status::*;
use crate::types::{OBJ_INHERIT, nt_time, wide};
use crate::um::UserSlice;
use parking_lot::Mutex;
use shim_abi::boot::Stdio;
use shim_abi::error::Error;
use shim_abi::stream::Info;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// FILE_DEVICE_DISK.
const FILE_DEVICE_DISK: u32 = 0x07;
/// FILE_DEVICE_NAMED_PIPE.
const FILE_DEVICE_NAMED_PIPE: u32 = 0x11;
/// FILE_DEVICE_NULL.
const FILE_DEVICE_NULL: u32 = 0x15;
/// FSCTL_PIPE_PEEK.
const FSCTL_PIPE_PEEK: u32 = 0x11_400c;
/// READ_CONTROL and SYNCHRONIZE, which every generic right brings.
const STANDARD: u32 = 0x2_0000 | SYNCHRONIZE;
/// Bytes that a peek reads ahead at most: what a Linux pipe holds.
const AHEAD: usize = 0x1_0000;

/// Devices whose files are made at the start only.
struct Closed;

impl Driver for Closed {
    fn open(&self, _: &Cx<'_>, _: &Ref, _: &[u16], _: &Create) -> Nt<Opened> {
        Err(STATUS_ACCESS_DENIED)
    }
}

/// What a standard stream of the process is connected to.
pub fn kind(k: &Kernel, which: usize) -> Stdio {
    let brought = k.told.get().map_or(&[][..], |told| &told.streams);
    let own = || k.boot.stdio.get(which).copied();
    let kind = if brought.is_empty() { own() } else { brought.get(which).map(|one| one.kind) };
    kind.unwrap_or(Stdio::None)
}

/// The token that a standard stream was left under; 0 for one that every process of the sandbox has under the same number.
fn token(k: &Kernel, which: usize) -> u64 {
    k.told.get().and_then(|told| told.streams.get(which)).map_or(0, |brought| brought.token)
}

/// A standard stream of the process.
///
/// # Errors
/// What the monitor answers.
pub fn stream(k: &'static Kernel, which: usize) -> Result<Stream, Error> {
    stream_of(k, which, token(k, which))
}

fn stream_of(k: &'static Kernel, which: usize, token: u64) -> Result<Stream, Error> {
    if token == 0 { Ok(k.host.standard(which as u32)) } else { k.host.take_left(token) }
}

/// A stream of the host's as a file.
struct HostFile {
    which: u8,
    token: u64,
    stream: Arc<Stream>,
    kind: Stdio,
    /// Where the host's position is taken to be.
    expected: AtomicI64,
    /// What a peek has read already.
    ahead: Mutex<Vec<u8>>,
    /// Reads that would wait are refused (PIPE_NOWAIT).
    nonblocking: AtomicBool,
}

/// Makes the three standard handles; 0 where the program has none or `condrv` gives it one.
pub fn boot(cx: &Cx<'_>) -> [Handle; 3] {
    let mut made: [Option<(Ref, Info)>; 3] = [None, None, None];
    let mut handles = [Handle(0); 3];
    for which in 0..3 {
        let kind = kind(cx.k, which);
        if matches!(kind, Stdio::None | Stdio::Terminal) {
            continue;
        }
        let Ok(stream) = stream(cx.k, which) else { continue };
        let info = cx.k.host.query(&stream).ok();
        // One description under two numbers (2>&1) is one file object with two handles.
        let same =
            |other: &&(Ref, Info)| kind == Stdio::File && Some(&other.1.identity) == info.as_ref().map(|i| &i.identity);
        let twin = made.iter().skip(1).flatten().find(same).map(|(object, _)| object.clone());
        let object = match twin {
            Some(object) if which > 0 => object,
            _ => open(cx.k, (which, token(cx.k, which)), kind, stream, info.as_ref()),
        };
        let access = object.file().map_or(0, |file| file.access);
        handles[which] = cx.insert(object.clone(), access, OBJ_INHERIT).unwrap_or_default();
        made[which] = info.map(|info| (object, info));
    }
    handles
}

fn open(k: &'static Kernel, (which, token): (usize, u64), kind: Stdio, stream: Stream, info: Option<&Info>) -> Ref {
    let (path, device_kind) = match kind {
        Stdio::File => ("\\Device\\HostFile", FILE_DEVICE_DISK),
        Stdio::Null => ("\\Device\\HostNull", FILE_DEVICE_NULL),
        _ => ("\\Device\\HostPipe", FILE_DEVICE_NAMED_PIPE),
    };
    let device = match crate::ob::directory::walk(&k.ob.root, None, &wide(path), true, false) {
        Ok(crate::ob::directory::Found::Rest(device, _)) => device,
        _ => make_device(k, path, device_kind, Closed),
    };
    let data = if which == 0 { FILE_READ_DATA } else { FILE_WRITE_DATA | FILE_APPEND_DATA };
    let access = STANDARD | data | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
    let start = match info {
        Some(info) if kind == Stdio::File && which > 0 => info.size as i64,
        _ => 0,
    };
    let options = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE;
    let create = Create::existing(access, options);
    let ops = HostFile {
        which: which as u8,
        token,
        stream: Arc::new(stream),
        kind,
        expected: AtomicI64::new(start),
        ahead: Mutex::default(),
        nonblocking: AtomicBool::new(false),
    };
    let object = File::object(&create, &device, wide(&format!("\\{which}")), ops);
    if let Ok(file) = object.file() {
        file.position.store(start);
    }
    object
}

impl HostFile {
    fn is_file(&self) -> bool {
        self.kind == Stdio::File
    }

    fn info(&self, k: &Kernel) -> Nt<Info> {
        Ok(k.host.query(&self.stream)?)
    }

    /// What the end of the stream, as a read meets it, is called.
    fn end_status(&self) -> Status {
        if self.kind == Stdio::Pipe { STATUS_PIPE_BROKEN } else { STATUS_END_OF_FILE }
    }

    /// Where a read or write starts, and whether that is where the host stands.
    fn start(&self, k: &Kernel, file: &File, offset: Option<i64>) -> Nt<(i64, bool)> {
        let at = match offset {
            None | Some(FILE_USE_FILE_POINTER_POSITION) => file.position.load(),
            Some(FILE_WRITE_TO_END_OF_FILE) => self.info(k)?.size as i64,
            Some(at) if at >= 0 => at,
            Some(_) => return Err(STATUS_INVALID_PARAMETER),
        };
        Ok((at, at == self.expected.load(Ordering::Relaxed)))
    }

    /// Moves the positions on after `count` bytes from `at`.
    fn moved(&self, file: &File, at: i64, in_order: bool, count: u64) {
        let at = at.saturating_add(count as i64);
        file.position.store(at);
        if in_order {
            self.expected.store(at, Ordering::Relaxed);
        }
    }

    /// Runs an operation that may wait in the host: until it is done, fails, or the request is cancelled.
    fn blocking(
        &self,
        cx: &Cx<'_>,
        request: &Request<'_>,
        mut run: impl FnMut() -> Result<u64, Error>,
        ended: impl Fn(Result<u64, Error>) -> (Status, u64),
    ) -> Nt<Io> {
        let irp = request.pend(cx.k);
        // The thread itself finds out: bytes that it reads while it is being cancelled must not be lost.
        cx.t.cancelled();
        irp.on_cancel(cx.k, |k, irp| {
            irp.thread().cancel.store(true, Ordering::Release);
            k.host.interrupt(irp.thread());
        });
        let _asleep = crate::io::completion::sleeps(cx.k, cx.t);
        let (status, information) = loop {
            if irp.is_over() || cx.t.pending.load(Ordering::Acquire) & pending::TERMINATE != 0 {
                break (STATUS_CANCELLED, 0);
            }
            match run() {
                Err(Error::Interrupted) => {}
                result => break ended(result),
            }
        };
        irp.complete(cx.k, status, information);
        Ok(Io::Pending(irp))
    }

    /// Whether a read would not wait now.
    fn ready(&self, k: &Kernel) -> bool {
        !self.ahead.lock().is_empty() || k.host.poll(&self.stream, false, Some(0)).unwrap_or(true)
    }

    fn read_pipe(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice) -> Nt<Io> {
        {
            let mut ahead = self.ahead.lock();
            if !ahead.is_empty() {
                let count = ahead.len().min(buffer.length as usize);
                buffer.write_at(cx.k, 0, &ahead[..count])?;
                ahead.drain(..count);
                return Io::done(count as u64);
            }
        }
        if self.nonblocking.load(Ordering::Relaxed) && !self.ready(cx.k) {
            return Err(STATUS_PIPE_EMPTY);
        }
        let end = self.end_status();
        if buffer.length == 0 {
            return self.wait_for_bytes(cx, request, end);
        }
        // The host's read faults where a guest's page is not there yet: have it there.
        cx.k.probe_write(buffer.address, buffer.length.min(AHEAD as u64))?;
        let length = buffer.length as usize;
        let read = || cx.k.host.read(&self.stream, buffer.address, length, None).map(|count| count as u64);
        self.blocking(cx, request, read, |result| match result {
            Ok(0) | Err(Error::Closed) => (end, 0),
            Ok(count) => (STATUS_SUCCESS, count),
            Err(error) => (error.into(), 0),
        })
    }

    /// A read of no bytes waits until there are some, or until the other end is closed, and takes none.
    fn wait_for_bytes(&self, cx: &Cx<'_>, request: &Request<'_>, end: Status) -> Nt<Io> {
        let fill = || {
            let mut block = [0; 4096];
            let count = cx.k.host.read_bytes(&self.stream, &mut block, None)?;
            self.ahead.lock().extend_from_slice(&block[..count]);
            Ok(count as u64)
        };
        self.blocking(cx, request, fill, |result| match result {
            Ok(0) | Err(Error::Closed) => (end, 0),
            Ok(_) => (STATUS_SUCCESS, 0),
            Err(error) => (error.into(), 0),
        })
    }

    /// FSCTL_PIPE_PEEK: FILE_PIPE_PEEK_BUFFER is state, bytes there, messages, length of the first, then data.
    fn peek(&self, cx: &Cx<'_>, control: Control) -> Nt<Io> {
        const HEAD: usize = 16;
        let room = (control.output.length as usize).checked_sub(HEAD).ok_or(STATUS_INFO_LENGTH_MISMATCH)?;
        let mut ahead = self.ahead.lock();
        // What came since the last peek counts too.
        while ahead.len() < AHEAD && cx.k.host.poll(&self.stream, false, Some(0))? {
            let held = ahead.len();
            ahead.resize(AHEAD, 0);
            let got = retry(|| cx.k.host.read_bytes(&self.stream, &mut ahead[held..], None));
            ahead.truncate(held + *got.as_ref().unwrap_or(&0));
            match got {
                Ok(0) | Err(Error::Closed) if held == 0 => return Err(STATUS_PIPE_BROKEN),
                Ok(0) | Err(Error::Closed) => break,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let shown = room.min(ahead.len());
        let mut answer = Vec::with_capacity(HEAD + shown);
        // FILE_PIPE_CONNECTED_STATE.
        for word in [3, ahead.len() as u32, 0, 0] {
            answer.extend_from_slice(&word.to_le_bytes());
        }
        answer.extend_from_slice(&ahead[..shown]);
        drop(ahead);
        control.output.write_at(cx.k, 0, &answer)?;
        Io::done(answer.len() as u64)
    }
}

/// One of the program's own streams, which each process of the sandbox has under the same number, or which is left for all.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and what the monitor answers.
pub fn unpack(k: &'static Kernel, what: &[u8]) -> Nt<Ref> {
    let (which, kind, token): (u8, Stdio, u64) = shim_abi::wire::decode::<((u8, Stdio), u64)>(what)
        .map(|((which, kind), token)| (which, kind, token))
        .map_err(|_| STATUS_INVALID_PARAMETER)?;
    let which = usize::from(which.min(2));
    let stream = stream_of(k, which, token)?;
    let info = k.host.query(&stream).ok();
    Ok(open(k, (which, token), kind, stream, info.as_ref()))
}

impl FileOps for HostFile {
    fn pack(&self, _: &'static Kernel) -> Nt<(super::parcel::Maker, Vec<u8>)> {
        Ok((super::parcel::Maker::Standard, shim_abi::wire::encode(&((self.which, self.kind), self.token))))
    }

    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, _key: u32) -> Nt<Io> {
        if !self.is_file() {
            return self.read_pipe(cx, request, buffer);
        }
        let file = request.file()?;
        let (at, in_order) = self.start(cx.k, file, offset)?;
        if buffer.length == 0 {
            return Io::done(0);
        }
        cx.k.probe_write(buffer.address, buffer.length)?;
        let place = (!in_order).then_some(at as u64);
        let count = retry(|| cx.k.host.read(&self.stream, buffer.address, buffer.length as usize, place))?;
        if count == 0 {
            return Err(STATUS_END_OF_FILE);
        }
        self.moved(file, at, in_order, count as u64);
        Io::done(count as u64)
    }

    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, _key: u32) -> Nt<Io> {
        if buffer.length == 0 {
            return Io::done(0);
        }
        cx.k.probe_read(buffer.address, buffer.length)?;
        if self.is_file() {
            let file = request.file()?;
            let (at, in_order) = self.start(cx.k, file, offset)?;
            let mut done = 0;
            while done < buffer.length {
                let place = (!in_order).then_some((at as u64).saturating_add(done));
                let left = (buffer.length - done) as usize;
                match retry(|| cx.k.host.write(&self.stream, buffer.address + done, left, place)) {
                    Ok(0) => break,
                    Ok(count) => done += count as u64,
                    Err(_) if done > 0 => break,
                    Err(error) => return Err(error.into()),
                }
            }
            self.moved(file, at, in_order, done);
            return Io::done(done);
        }
        let mut done = 0;
        let write = || {
            while done < buffer.length {
                let left = (buffer.length - done) as usize;
                done += cx.k.host.write(&self.stream, buffer.address + done, left, None)? as u64;
            }
            Ok(done)
        };
        self.blocking(cx, request, write, |result| match result {
            Ok(count) => (STATUS_SUCCESS, count),
            Err(Error::Closed) => (STATUS_PIPE_CLOSING, 0),
            Err(error) => (error.into(), 0),
        })
    }

    fn flush(&self, cx: &Cx<'_>, _request: &Request<'_>) -> Nt<Io> {
        // When the reader of a host's pipe has read all is not to be known.
        if self.is_file() {
            cx.k.host.flush(&self.stream)?;
        }
        Io::done(0)
    }

    fn fsctl(&self, cx: &Cx<'_>, _request: &Request<'_>, control: Control) -> Nt<Io> {
        match control.code {
            FSCTL_PIPE_PEEK if self.kind == Stdio::Pipe => self.peek(cx, control),
            _ if self.kind == Stdio::Pipe => Err(STATUS_ILLEGAL_FUNCTION),
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn query(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        let info = self.info(cx.k)?;
        let (size, allocated) = match self.kind {
            Stdio::File => (info.size, info.allocated),
            _ => (self.ahead.lock().len() as u64, AHEAD as u64),
        };
        let times = [info.created, info.accessed, info.written, info.changed];
        // FILE_ATTRIBUTE_NORMAL where there is no other.
        let attributes = if info.attributes == 0 { 0x80 } else { info.attributes };
        let mut out = Vec::new();
        let mut put = |bytes: &[u8]| out.extend_from_slice(bytes);
        match class {
            FILE_BASIC_INFORMATION => {
                times.iter().for_each(|time| put(&nt_time(*time).to_le_bytes()));
                put(&attributes.to_le_bytes());
                put(&[0; 4]);
            }
            FILE_STANDARD_INFORMATION => {
                put(&allocated.to_le_bytes());
                put(&size.to_le_bytes());
                put(&info.links.max(1).to_le_bytes());
                // A pipe is taken for deleted as soon as it is made.
                put(&[u8::from(self.kind == Stdio::Pipe), 0, 0, 0]);
            }
            FILE_INTERNAL_INFORMATION => put(&info.identity.number.to_le_bytes()),
            FILE_EA_INFORMATION => put(&[0; 4]),
            FILE_NAME_INFORMATION => put(&name_information(&object.file()?.name.lock())),
            FILE_NETWORK_OPEN_INFORMATION => {
                times.iter().for_each(|time| put(&nt_time(*time).to_le_bytes()));
                put(&allocated.to_le_bytes());
                put(&size.to_le_bytes());
                put(&attributes.to_le_bytes());
                put(&[0; 4]);
            }
            FILE_ATTRIBUTE_TAG_INFORMATION => {
                put(&attributes.to_le_bytes());
                put(&[0; 4]);
            }
            FILE_ID_INFORMATION => {
                put(&info.identity.volume.to_le_bytes());
                put(&info.identity.number.to_le_bytes());
                put(&[0; 8]);
            }
            FILE_PIPE_INFORMATION if self.kind == Stdio::Pipe => {
                put(&0u32.to_le_bytes());
                put(&u32::from(self.nonblocking.load(Ordering::Relaxed)).to_le_bytes());
            }
            FILE_PIPE_LOCAL_INFORMATION if self.kind == Stdio::Pipe => {
                // A byte pipe, inbound, one instance of one; this is a client's end, connected.
                let reads = object.file()?.access & FILE_READ_DATA != 0;
                let (there, quota) = (self.ahead.lock().len() as u32, AHEAD as u32);
                let (configuration, free) = if reads { (1, 0) } else { (0, quota) };
                for word in [0, configuration, 1, 1, quota, there, quota, free, 3, 0u32] {
                    put(&word.to_le_bytes());
                }
            }
            _ => return Err(STATUS_INVALID_INFO_CLASS),
        }
        Ok(out)
    }

    fn set(&self, cx: &Cx<'_>, object: &Ref, class: u32, data: &[u8]) -> Nt {
        match class {
            FILE_PIPE_INFORMATION if self.kind == Stdio::Pipe => {
                let word = |at: usize| data.get(at).copied().unwrap_or(0);
                if word(0) != 0 || word(4) > 1 {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                self.nonblocking.store(word(4) == 1, Ordering::Relaxed);
            }
            FILE_END_OF_FILE_INFORMATION if self.is_file() => {
                let length = u64::try_from(Fields(data).i64(0)).map_err(|_| STATUS_INVALID_PARAMETER)?;
                cx.k.host.set_length(&self.stream, length)?;
            }
            // Space is the host's to set aside; times and attributes stay with the name, which is unknown here.
            FILE_ALLOCATION_INFORMATION | FILE_BASIC_INFORMATION if self.is_file() => {}
            _ if object.file().is_ok() => return Err(STATUS_INVALID_INFO_CLASS),
            _ => return Err(STATUS_OBJECT_TYPE_MISMATCH),
        }
        Ok(STATUS_SUCCESS)
    }

    fn section_source(&self, k: &'static Kernel, object: &Ref) -> Nt<SectionSource> {
        if !self.is_file() {
            return Err(STATUS_INVALID_FILE_FOR_SECTION);
        }
        let info = self.info(k)?;
        let file = object.file()?;
        Ok(SectionSource {
            stream: self.stream.clone(),
            size: info.size,
            access: file.access,
            identity: info.identity,
            name: file.path(),
        })
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

/// Runs a call of the host's again when a signal ended it.
fn retry(mut run: impl FnMut() -> Result<usize, Error>) -> Result<usize, Error> {
    loop {
        match run() {
            Err(Error::Interrupted) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::fake::files::Open;
    use crate::io::information::nt_query_information_file;
    use crate::io::transfer::{nt_fs_control_file, nt_read_file, nt_write_file};
    use crate::types::IoStatusBlock;
    use crate::um::UserPtr;

    fn write(fake: &Fake, cx: &Cx<'_>, handle: Handle, bytes: &[u8]) -> (Nt, u64) {
        let (buffer, iosb) = (fake.alloc_bytes(bytes), fake.alloc(IoStatusBlock::default()));
        let (none, length) = (Handle(0), bytes.len() as u32);
        let status = nt_write_file(cx, handle, none, 0, 0, iosb, buffer, length, UserPtr::new(0), UserPtr::new(0));
        (status, iosb.read(cx.k).unwrap().information)
    }

    fn read(fake: &Fake, cx: &Cx<'_>, handle: Handle, length: u32, offset: Option<i64>) -> Nt<Vec<u8>> {
        let (buffer, iosb) = (fake.alloc_bytes(&vec![0; length as usize]), fake.alloc(IoStatusBlock::default()));
        let offset = offset.map_or(UserPtr::new(0), |offset| fake.alloc(offset));
        nt_read_file(cx, handle, Handle(0), 0, 0, iosb, buffer, length, offset, UserPtr::new(0))?;
        UserSlice::new(buffer, iosb.read(cx.k)?.information).read_all(cx.k)
    }

    #[test]
    fn pipes_pass_bytes_and_tell_their_end() {
        let (fake, k) = Fake::kernel();
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        let [stdin, stdout, stderr] = boot(&cx);
        assert_eq!(write(fake, &cx, stdout, b"out\r\n\0"), (Ok(STATUS_SUCCESS), 6));
        assert_eq!(write(fake, &cx, stderr, b"err"), (Ok(STATUS_SUCCESS), 3));
        assert_eq!((fake.standard[1].drain(), fake.standard[2].drain()), (b"out\r\n\0".to_vec(), b"err".to_vec()));
        assert_eq!(write(fake, &cx, stdin, b"x").0, Err(STATUS_ACCESS_DENIED));
        fake.standard[0].put(b"some input");
        let output = fake.alloc([0u8; 20]);
        let iosb = fake.alloc(IoStatusBlock::default());
        let peeked = nt_fs_control_file(&cx, stdin, Handle(0), 0, 0, iosb, FSCTL_PIPE_PEEK, 0, 0, output.address(), 20);
        assert_eq!(peeked, Ok(STATUS_SUCCESS));
        let answer = output.read(k).unwrap();
        assert_eq!((answer[0], answer[4], &answer[16..]), (3, 10, &b"some"[..]));
        fake.standard[0].put(b" more");
        let again = nt_fs_control_file(&cx, stdin, Handle(0), 0, 0, iosb, FSCTL_PIPE_PEEK, 0, 0, output.address(), 16);
        assert_eq!((again, output.read(k).unwrap()[4]), (Ok(STATUS_SUCCESS), 15));
        assert_eq!(read(fake, &cx, stdin, 5, None), Ok(b"some ".to_vec()), "a peek takes nothing away");
        assert_eq!(read(fake, &cx, stdin, 99, None), Ok(b"input more".to_vec()));
        fake.standard[0].end();
        assert_eq!(read(fake, &cx, stdin, 1, None), Err(STATUS_PIPE_BROKEN));
        let kind = cx.object(stdout, 0).unwrap().file().unwrap().device_kind();
        assert_eq!(kind, FILE_DEVICE_NAMED_PIPE);
    }

    #[test]
    fn files_go_on_where_the_host_stands_until_the_guest_moves() {
        let fake = Fake::leak();
        let (input, output) = (fake.files.add_file("x:/in", *b"0123456789"), fake.files.add_file("x:/out", *b"old"));
        fake.files.set(0, Open::File(input, Arc::default()));
        let description = Arc::new(std::sync::atomic::AtomicU64::new(3));
        fake.files.set(1, Open::File(output.clone(), description.clone()));
        fake.files.set(2, Open::File(output.clone(), description.clone()));
        let mut boot_block = Fake::boot();
        boot_block.stdio = vec![Stdio::File; 3];
        let k: &'static Kernel = Box::leak(Box::new(Kernel::new(fake, boot_block)));
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        let [stdin, stdout, stderr] = boot(&cx);
        assert_eq!(write(fake, &cx, stdout, b"+new").1, 4);
        // Another program that shares the description.
        output.data.bytes().extend_from_slice(b"!");
        description.fetch_add(1, Ordering::Relaxed);
        assert_eq!(write(fake, &cx, stderr, b"+err").1, 4);
        assert_eq!(*output.data.bytes(), b"old+new!+err");
        assert_eq!(read(fake, &cx, stdin, 3, None), Ok(b"012".to_vec()));
        assert_eq!(read(fake, &cx, stdin, 2, Some(7)), Ok(b"78".to_vec()));
        assert_eq!(read(fake, &cx, stdin, 9, None), Ok(b"9".to_vec()), "an explicit offset moves the position");
        assert_eq!(read(fake, &cx, stdin, 1, None), Err(STATUS_END_OF_FILE));
        let (iosb, buffer) = (fake.alloc(IoStatusBlock::default()), fake.alloc([0u64; 3]));
        let class = FILE_STANDARD_INFORMATION;
        assert_eq!(nt_query_information_file(&cx, stdout, iosb, buffer.address(), 24, class), Ok(STATUS_SUCCESS));
        assert_eq!(buffer.read(k).unwrap()[1], 12);
    }

    #[test]
    fn a_read_that_is_cancelled_too_late_loses_nothing() {
        let (fake, k) = Fake::kernel();
        let reader = fake.thread(k, |cx| {
            let [stdin, ..] = boot(cx);
            read(fake, cx, stdin, 1, None)
        });
        while k.io.pending.lock().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(crate::io::irp::cancel_where(k, |_| true), 1);
        fake.standard[0].put(b"kept");
        // The fake's read cannot be interrupted: what it got is delivered rather than lost.
        assert!(reader.join().is_ok_and(|result| result == Ok(b"k".to_vec())));
    }
}
