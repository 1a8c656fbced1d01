//! The named pipe device: `\Device\NamedPipe`, its root directory, and the two ends of pipes.

use super::waiting::Waiting;
use crate::answer::{Fields, units};
use crate::call::Cx;
use crate::io::device::{Create, Driver, Make, Opened, PipeParameters, make_device};
use crate::io::file::*;
use crate::io::information::*;
use crate::io::irp::{Io, Request};
use crate::io::parcel::Maker;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::ob::types::Type;
use crate::ps::summon::summon;
use crate::se::token::Level;
use crate::shm::pipe::{Config, Connection, DIRECTORY, Local, Mode, NewEnd, Side};
use crate::shm::request::{Asker, Step};
use crate::shm::{Shm, Tx};
use crate::status::*;
use crate::um::UserSlice;

/// FILE_DEVICE_NAMED_PIPE.
const FILE_DEVICE_NAMED_PIPE: u32 = 0x11;
/// FILE_PIPE_*: FSCTL_PIPE_DISCONNECT and so on.
mod fsctl {
    pub const ASSIGN_EVENT: u32 = 0x11_0000;
    pub const QUERY_EVENT: u32 = 0x11_0010;
    pub const SET_CLIENT_PROCESS: u32 = 0x11_0020;
    pub const DISCONNECT: u32 = 0x11_0004;
    pub const LISTEN: u32 = 0x11_0008;
    pub const PEEK: u32 = 0x11_400c;
    pub const TRANSCEIVE: u32 = 0x11_c017;
    pub const WAIT: u32 = 0x11_0018;
    pub const IMPERSONATE: u32 = 0x11_001c;
    pub const QUERY_CLIENT_PROCESS: u32 = 0x11_0024;
    pub const GET_CONNECTION_ATTRIBUTE: u32 = 0x11_0030;
    pub const SET_CONNECTION_ATTRIBUTE: u32 = 0x11_0034;
    pub const SET_CONNECTION_ATTRIBUTE_WRITE: u32 = 0x11_8034;
}
/// What an instance waits for a client unless it says so: 50 ms.
const DEFAULT_TIMEOUT: i64 = -500_000;
const BACKSLASH: u16 = b'\\' as u16;

/// The driver's state in this process: pipes themselves are in the sandbox's memory.
#[derive(Default)]
pub struct Npfs {
    pub(crate) waiting: Waiting,
}

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\NamedPipe", FILE_DEVICE_NAMED_PIPE, Device);
    for name in ["\\??\\PIPE", "\\DosDevices\\PIPE"] {
        make_link(&k.ob.root, name, "\\Device\\NamedPipe");
    }
}

impl Npfs {
    /// Runs an operation that may have to wait.
    fn run(
        cx: &Cx<'_>,
        request: &Request<'_>,
        buffer: UserSlice,
        operation: impl Fn(&mut Tx<'_>, Asker) -> Nt<(Step, Deadline)>,
    ) -> Nt<Io> {
        let synchronous = request.file()?.synchronous();
        cx.k.io.npfs.waiting.run(cx, request, buffer, synchronous, operation)
    }
}

/// The operation never gives up by itself.
fn untimed(step: Step) -> (Step, Deadline) {
    (step, Deadline::Never)
}

struct Device;
/// The device opened as such.
struct DeviceFile;
/// The list of pipes, `\Device\NamedPipe\`.
struct Root;
/// One end of a pipe, which the process holds.
struct PipeEnd {
    shm: &'static Shm,
    /// Its object in the sandbox's memory, its body, and the process's reference.
    object: u32,
    end: u32,
    reference: u32,
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let mut tx = self.shm.begin();
        tx.release(self.reference);
        // Fails in damaged memory only; the record then stays.
        let _ = tx.commit();
    }
}

impl Driver for Device {
    fn open(&self, cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        match rest {
            [] => Ok(Opened::existing(create, device, Vec::new(), DeviceFile)),
            [BACKSLASH] if matches!(create.make, Make::File) => {
                Ok(Opened::existing(create, device, rest.to_vec(), Root))
            }
            [BACKSLASH, name @ ..] => open(cx, device, Some(name), create),
            _ => Err(STATUS_OBJECT_NAME_INVALID),
        }
    }
}

/// Opens a client's end or makes a server's.
fn open(cx: &Cx<'_>, device: &Ref, name: Option<&[u16]>, create: &Create) -> Nt<Opened> {
    let process = cx.k.ps.id() as u32;
    let (made, information) = match &create.make {
        Make::Mailslot(_) => return Err(STATUS_OBJECT_TYPE_MISMATCH),
        Make::Pipe(parameters) => {
            let (config, mode, must) = configuration(parameters, create)?;
            let security = cx.first_security(create.security, Type::File)?;
            let (end, made) = cx.k.change_pipes(|tx, me| {
                let (end, made) = tx.create_pipe(me, name, config, mode, must, process)?;
                if made && security.is_some() {
                    tx.set_pipe_security(tx.end_of(end.object), security.as_deref())?;
                }
                Ok((end, made))
            })?;
            (end, if made { FILE_CREATED } else { FILE_OPENED })
        }
        Make::File => {
            let name = name.ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
            let access = data_access(create);
            let connect = || {
                let security = cx.k.change_pipes(|tx, _| Ok(tx.security_of_pipe(name)))?;
                if create.minimum != 0 {
                    cx.grant_by(security, Type::File, create.minimum)?;
                }
                cx.k.change_pipes(|tx, me| tx.connect_pipe(me, name, access, process))
            };
            let end = match connect() {
                Err(STATUS_OBJECT_NAME_NOT_FOUND) if summon(cx, name)? => connect(),
                end => end,
            };
            (end?, FILE_OPENED)
        }
    };
    end_file(cx.k, create, device, name.map(|name| [&[BACKSLASH], name].concat()), made, information)
}

fn data_access(create: &Create) -> (bool, bool) {
    (create.minimum & FILE_READ_DATA != 0, create.minimum & FILE_WRITE_DATA != 0)
}

fn end_file(
    k: &'static Kernel,
    create: &Create,
    device: &Ref,
    path: Option<Vec<u16>>,
    made: NewEnd,
    information: u64,
) -> Nt<Opened> {
    let object = File::object(create, device, path.unwrap_or_default(), end(k, made)?);
    Ok(Opened { object, information })
}

fn end(k: &'static Kernel, NewEnd { object, reference }: NewEnd) -> Nt<PipeEnd> {
    let (shm, _) = k.sandbox()?;
    Ok(PipeEnd { shm, object, end: shm.begin().end_of(object), reference })
}

/// An end that another process gave this one.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INSUFFICIENT_RESOURCES`.
pub fn unpack(k: &'static Kernel, what: &[u8]) -> Nt<Box<dyn FileOps>> {
    let object = what.try_into().map(u32::from_le_bytes).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let reference = k.change_pipes(|tx, me| match tx.take_given(me, object) {
        Some(reference) => Ok(reference),
        None => tx.hold(object, me, true),
    })?;
    Ok(Box::new(end(k, NewEnd { object, reference })?))
}

/// What NtCreateNamedPipeFile asks for, as the state has it.
fn configuration(parameters: &PipeParameters, create: &Create) -> Nt<(Config, Mode, Option<bool>)> {
    let kinds = [parameters.kind, parameters.read_mode, parameters.completion_mode];
    if kinds.iter().any(|kind| *kind > 1) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let must = match create.disposition {
        FILE_OPEN => Some(false),
        FILE_CREATE => Some(true),
        FILE_OPEN_IF => None,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let config = Config {
        message: parameters.kind == 1,
        sharing: create.share,
        max_instances: parameters.maximum_instances,
        in_quota: parameters.inbound_quota,
        out_quota: parameters.outbound_quota,
        timeout: if parameters.timeout == 0 { DEFAULT_TIMEOUT } else { parameters.timeout },
    };
    let mode = Mode { message_read: parameters.read_mode == 1, nonblocking: parameters.completion_mode == 1 };
    Ok((config, mode, must))
}

/// What every file of the device answers to a control request that it has no use for.
fn refuse(code: u32) -> Status {
    match code {
        fsctl::WAIT | fsctl::LISTEN | fsctl::IMPERSONATE => STATUS_ILLEGAL_FUNCTION,
        fsctl::DISCONNECT | fsctl::TRANSCEIVE => STATUS_PIPE_DISCONNECTED,
        fsctl::QUERY_CLIENT_PROCESS | fsctl::PEEK | fsctl::GET_CONNECTION_ATTRIBUTE => STATUS_INVALID_PARAMETER,
        fsctl::ASSIGN_EVENT | fsctl::QUERY_EVENT | fsctl::SET_CLIENT_PROCESS => STATUS_NOT_SUPPORTED,
        _ => STATUS_INVALID_DEVICE_REQUEST,
    }
}

impl FileOps for DeviceFile {
    fn open_relative(&self, _cx: &Cx<'_>, object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        if name.is_empty() && matches!(create.make, Make::File) {
            return Ok(Opened::existing(create, &object.file()?.device, Vec::new(), DeviceFile));
        }
        Err(STATUS_OBJECT_NAME_INVALID)
    }

    fn read(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn write(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn fsctl(&self, _cx: &Cx<'_>, _request: &Request<'_>, control: Control) -> Nt<Io> {
        Err(refuse(control.code))
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

impl FileOps for Root {
    fn read(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn write(&self, _: &Cx<'_>, _: &Request<'_>, _: UserSlice, _: Option<i64>, _: u32) -> Nt<Io> {
        Err(STATUS_INVALID_PARAMETER)
    }

    fn open_relative(&self, cx: &Cx<'_>, object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        let device = &object.file()?.device;
        let name = if name.is_empty() { None } else { Some(name) };
        if name.is_none() && matches!(create.make, Make::File) {
            return Ok(Opened::existing(create, device, vec![BACKSLASH], Root));
        }
        open(cx, device, name, create)
    }

    fn fsctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        if control.code != fsctl::WAIT {
            return Err(refuse(control.code));
        }
        // FILE_PIPE_WAIT_FOR_BUFFER: time, length of the name in bytes, whether the time counts, name.
        if !(16..=0x1_0000).contains(&control.input.length) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let data = control.input.read_all(cx.k)?;
        let data = Fields(&data);
        let name = units(data.bytes(14, data.u32(8) as usize & !1)?);
        let given = data.flag(12).then_some(data.i64(0));
        let wait = || {
            Npfs::run(cx, request, UserSlice::new(0, 0), |tx, asker| {
                let (step, default) = tx.wait_for_pipe(&name, asker)?;
                Ok((step, Deadline::of(cx.k, Some(given.unwrap_or(default)))))
            })
        };
        match wait() {
            Err(STATUS_OBJECT_NAME_NOT_FOUND) if summon(cx, &name)? => wait(),
            answer => answer,
        }
    }

    fn query(&self, _cx: &Cx<'_>, _object: &Ref, class: u32) -> Nt<Vec<u8>> {
        match class {
            FILE_BASIC_INFORMATION => {
                let mut out = vec![0; 40];
                // FILE_ATTRIBUTE_DIRECTORY.
                out[32] = 0x10;
                Ok(out)
            }
            FILE_STANDARD_INFORMATION => {
                let mut out = vec![0; 24];
                (out[16], out[21]) = (1, 1);
                Ok(out)
            }
            FILE_NAME_INFORMATION => Ok(name_information(&[BACKSLASH])),
            _ => Err(STATUS_INVALID_INFO_CLASS),
        }
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

impl PipeEnd {
    fn peek(&self, cx: &Cx<'_>, control: Control) -> Nt<Io> {
        const HEAD: usize = 16;
        let room = (control.output.length as usize).checked_sub(HEAD).ok_or(STATUS_INFO_LENGTH_MISMATCH)?;
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let (peek, status) = self.shm.begin().peek_pipe(self.end, room)?;
        let head = [peek.connection as u32, peek.available as u32, peek.messages, peek.message_length as u32];
        let mut out: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        out.extend_from_slice(&peek.data);
        control.output.write_at(cx.k, 0, &out)?;
        Ok(Io::Done(status, out.len() as u64))
    }

    /// Attributes of the connection: the processes at its ends, and what programs set.
    fn attribute(&self, cx: &Cx<'_>, control: Control) -> Nt<Io> {
        if control.input.length > 0x1000 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let name = control.input.read_all(cx.k)?;
        let tx = self.shm.begin();
        let [client, server] = tx.processes_of(self.end);
        let value = match &name[..] {
            b"ClientProcessId\0" => client.to_le_bytes().to_vec(),
            b"ServerProcessId\0" => server.to_le_bytes().to_vec(),
            name => tx.attribute(self.end, name).map_err(|_| STATUS_ILLEGAL_FUNCTION)?,
        };
        drop(tx);
        if control.output.length < value.len() as u64 {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        control.output.write_at(cx.k, 0, &value)?;
        Io::done(value.len() as u64)
    }

    /// A name that ends with a zero, then the value.
    fn set_attribute(&self, cx: &Cx<'_>, control: Control) -> Nt<Io> {
        if control.input.length > 0x1000 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let data = control.input.read_all(cx.k)?;
        let end = data.iter().position(|byte| *byte == 0).ok_or(STATUS_INVALID_PARAMETER)?;
        let (name, value) = data.split_at(end + 1);
        cx.k.change_pipes(|tx, _| tx.set_attribute(self.end, name, value))?;
        Io::done(0)
    }

    fn local(&self) -> Nt<Local> {
        self.shm.begin().local(self.end)
    }
}

impl FileOps for PipeEnd {
    fn open_relative(&self, cx: &Cx<'_>, object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        if !name.is_empty() || !matches!(create.make, Make::File) {
            return Err(STATUS_OBJECT_NAME_INVALID);
        }
        // The other end of a pipe without a name is opened through the first.
        let (access, process) = (data_access(create), cx.k.ps.id() as u32);
        let made = cx.k.change_pipes(|tx, me| tx.connect_at(me, self.end, access, process))?;
        let tx = self.shm.begin();
        let path = tx.pipe_path(tx.end_of(made.object))?;
        drop(tx);
        // The name below the device, with its backslash.
        let path = path.and_then(|path| path.get(DIRECTORY.len() - 1..).map(<[u16]>::to_vec));
        end_file(cx.k, create, &object.file()?.device, path, made, FILE_OPENED)
    }

    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        cx.k.probe_write(buffer.address, buffer.length)?;
        let capacity = buffer.length as u32;
        Npfs::run(cx, request, buffer, |tx, asker| tx.read_pipe(self.end, capacity, asker).map(untimed))
    }

    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        let data = buffer.read_all(cx.k)?;
        let none = UserSlice::new(0, 0);
        Npfs::run(cx, request, none, |tx, asker| tx.write_pipe(self.end, &data, asker).map(untimed))
    }

    fn flush(&self, cx: &Cx<'_>, request: &Request<'_>) -> Nt<Io> {
        let none = UserSlice::new(0, 0);
        // A flush waits inside the call whatever the file object is.
        let flush = |tx: &mut Tx<'_>, asker| tx.flush_pipe(self.end, asker).map(untimed);
        cx.k.io.npfs.waiting.run(cx, request, none, true, flush)
    }

    fn fsctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        let none = UserSlice::new(0, 0);
        match control.code {
            fsctl::LISTEN => Npfs::run(cx, request, none, |tx, asker| tx.listen(self.end, asker).map(untimed)),
            fsctl::DISCONNECT => {
                cx.k.change_pipes(|tx, _| tx.disconnect(self.end))?;
                Io::done(0)
            }
            fsctl::PEEK => self.peek(cx, control),
            fsctl::TRANSCEIVE => {
                let data = control.input.read_all(cx.k)?;
                cx.k.probe_write(control.output.address, control.output.length)?;
                let capacity = control.output.length as u32;
                Npfs::run(cx, request, control.output, |tx, asker| {
                    tx.transceive(self.end, &data, capacity, asker).map(untimed)
                })
            }
            fsctl::IMPERSONATE => {
                let local = self.local()?;
                if local.side != Side::Server {
                    return Err(STATUS_ILLEGAL_FUNCTION);
                }
                match local.connection {
                    Connection::Connected | Connection::Closing => {}
                    Connection::Listening => return Err(STATUS_CANNOT_IMPERSONATE),
                    Connection::Disconnected => return Err(STATUS_PIPE_DISCONNECTED),
                }
                // Every client in a sandbox is the same user.
                let token = cx.k.process_token();
                let copy = token.token()?.duplicate(cx.k, Some(Level::Impersonation), false)?;
                *cx.t.impersonation.lock() = Some(copy);
                Io::done(0)
            }
            fsctl::GET_CONNECTION_ATTRIBUTE => self.attribute(cx, control),
            fsctl::SET_CONNECTION_ATTRIBUTE | fsctl::SET_CONNECTION_ATTRIBUTE_WRITE => self.set_attribute(cx, control),
            fsctl::WAIT => Err(STATUS_ILLEGAL_FUNCTION),
            fsctl::ASSIGN_EVENT | fsctl::QUERY_EVENT | fsctl::SET_CLIENT_PROCESS => Err(STATUS_NOT_SUPPORTED),
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn query(&self, _cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        let words = |words: &[u32]| Ok(words.iter().flat_map(|word| word.to_le_bytes()).collect());
        match class {
            FILE_PIPE_INFORMATION => {
                let mode = self.local()?.mode;
                words(&[u32::from(mode.message_read), u32::from(mode.nonblocking)])
            }
            FILE_PIPE_LOCAL_INFORMATION => {
                let local = self.local()?;
                // FILE_PIPE_INBOUND, _OUTBOUND, _FULL_DUPLEX.
                let configuration = match local.sharing {
                    2 => 0,
                    1 => 1,
                    _ => 2,
                };
                words(&[
                    u32::from(local.message),
                    configuration,
                    local.max_instances,
                    local.instances,
                    local.in_quota,
                    local.available as u32,
                    local.out_quota,
                    local.writable as u32,
                    local.connection as u32,
                    u32::from(local.side == Side::Server),
                ])
            }
            // Collect data time, maximum collection count: of no use without a network.
            FILE_PIPE_REMOTE_INFORMATION => Ok(vec![0; 16]),
            FILE_STANDARD_INFORMATION => {
                let local = self.local()?;
                let quota = u64::from(local.in_quota) + u64::from(local.out_quota);
                let mut out = quota.to_le_bytes().to_vec();
                out.extend_from_slice(&(local.available as u64).to_le_bytes());
                // One link; a pipe counts as deleted already, and is no directory.
                out.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0]);
                Ok(out)
            }
            FILE_BASIC_INFORMATION => {
                let mut out = vec![0; 40];
                // FILE_ATTRIBUTE_NORMAL.
                out[32] = 0x80;
                Ok(out)
            }
            FILE_INTERNAL_INFORMATION => Ok(u64::from(self.object).to_le_bytes().to_vec()),
            FILE_EA_INFORMATION => Ok(vec![0; 4]),
            FILE_NAME_INFORMATION => {
                self.local()?;
                Ok(name_information(&object.file()?.name.lock()))
            }
            _ => Err(STATUS_INVALID_INFO_CLASS),
        }
    }

    fn set(&self, cx: &Cx<'_>, _object: &Ref, class: u32, data: &[u8]) -> Nt {
        match class {
            FILE_PIPE_INFORMATION => {
                let (message, nonblocking) = (Fields(data).u32(0), Fields(data).u32(4));
                if message > 1 || nonblocking > 1 {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                let mode = Mode { message_read: message == 1, nonblocking: nonblocking == 1 };
                cx.k.change_pipes(|tx, _| tx.set_pipe_mode(self.end, mode))?;
                Ok(STATUS_SUCCESS)
            }
            FILE_PIPE_REMOTE_INFORMATION => Ok(STATUS_SUCCESS),
            _ => Err(STATUS_INVALID_INFO_CLASS),
        }
    }

    fn pack(&self, _: &'static Kernel) -> Nt<(Maker, Vec<u8>)> {
        Ok((Maker::Pipe, self.object.to_le_bytes().to_vec()))
    }

    fn record(&self) -> Option<(u32, bool)> {
        Some((self.object, true))
    }

    fn outlives_handles(&self) -> bool {
        true
    }

    fn is_held_elsewhere(&self) -> bool {
        self.shm.begin().openers(self.object) > 1
    }

    fn cleanup(&self, k: &'static Kernel, _object: &Ref) {
        let _ = k.change_pipes(|tx, _| {
            tx.close(self.reference);
            Ok(())
        });
    }

    fn with_security(&self, k: &'static Kernel, run: &mut dyn FnMut(&mut Option<Vec<u8>>)) -> Nt<bool> {
        let before = self.shm.begin().pipe_security(self.end)?;
        let mut security = before.clone();
        run(&mut security);
        if security != before {
            k.change_pipes(|tx, _| tx.set_pipe_security(self.end, security.as_deref()))?;
        }
        Ok(true)
    }

    fn full_name(&self, file: &File) -> Nt<Vec<u16>> {
        if file.name.lock().is_empty() { Err(STATUS_OBJECT_PATH_INVALID) } else { Ok(file.path()) }
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
