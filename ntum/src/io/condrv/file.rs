//! Files of the console driver.

use super::common::Record as Held;
use super::console::{Console, Reader, Want, mode};
use super::hosted::{self, Target};
use super::input::{RECORD_SIZE, Record};
use super::{Attached, Condrv, common, control, device, ioctl, output};
use crate::answer::{Fields, units};
use crate::call::Cx;
use crate::io::device::{Create, Opened};
use crate::io::file::*;
use crate::io::information::FILE_FS_DEVICE_INFORMATION;
use crate::io::irp::{Io, Request};
use crate::ke::dispatcher::Seat;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::status::*;
use crate::um::UserSlice;
use std::sync::Arc;

/// FILE_DEVICE_ALLOW_APPCONTAINER_TRAVERSAL.
const ALLOW_APPCONTAINER_TRAVERSAL: u32 = 0x2_0000;
/// Most bytes of one control request: text and cells in pieces of any sensible size.
const MAX_REQUEST: u64 = 64 << 20;

/// What a file stands for.
pub enum What {
    /// Input of the console that the process is attached to; the signal is that of this one, if another program keeps it.
    Input(Option<Arc<Held>>),
    /// The buffer shown by the console that the process is attached to; likewise.
    Output(Option<Arc<Held>>),
    /// Input of a console.
    In(Arc<Console>),
    /// A screen buffer.
    Screen(Arc<Console>, u32),
    /// What a program that keeps a console reads requests from.
    Server(Arc<Held>),
    /// A console that another program keeps, or its input.
    HostedInput(Arc<Held>),
    /// A screen buffer of such a console.
    HostedScreen(Arc<Held>),
    /// A console as such.
    Reference(Arc<Console>),
    /// The process's being attached.
    Connection,
}

/// A file of the driver's.
pub struct ConsoleFile {
    pub(super) what: What,
}

/// Which part of a console a request is for.
enum Part {
    Input(Arc<Console>),
    Screen(Arc<Console>, u32),
    Hosted(Target),
}

impl What {
    /// Input of a console.
    pub(super) fn input_of(console: Attached) -> What {
        match console {
            Attached::Own(console) => What::In(console),
            Attached::Hosted(console) => What::HostedInput(console),
        }
    }

    /// The screen buffer that a console shows.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn output_of(k: &'static Kernel, console: Attached) -> Nt<What> {
        match console {
            Attached::Own(console) => {
                let active = console.active();
                Ok(What::Screen(console, active))
            }
            Attached::Hosted(console) => Ok(What::HostedScreen(hosted::active_screen(k, &console)?)),
        }
    }
}

/// A new file object.
///
/// # Errors
/// `STATUS_NO_SUCH_DEVICE`.
pub fn object(k: &'static Kernel, create: &Create, what: What) -> Nt<Ref> {
    let console = match &what {
        What::Input(None) => match Condrv::of(k).attached() {
            Ok(Attached::Own(console)) => Some(console),
            _ => Condrv::of(k).shown(),
        },
        What::In(console) => Some(console.clone()),
        _ => None,
    };
    let object = File::object(create, &device(k)?, Vec::new(), ConsoleFile { what });
    if let Some(console) = console {
        console.add_file(k, &object);
    }
    Ok(object)
}

/// Attaches the process to a console, if one is given.
///
/// # Errors
/// `STATUS_ACCESS_DENIED` if it is attached already.
pub fn connect(k: &'static Kernel, console: Option<Attached>) -> Nt<What> {
    let mut attached = Condrv::of(k).attached.lock();
    if attached.is_some() {
        return Err(STATUS_ACCESS_DENIED);
    }
    *attached = console;
    common::attach(k, attached.as_ref());
    Ok(What::Connection)
}

impl ConsoleFile {
    /// The record of the console server that it is, if it is one.
    pub(super) fn server(&self) -> Option<&Arc<Held>> {
        match &self.what {
            What::Server(server) => Some(server),
            _ => None,
        }
    }

    /// The console that it stands for, if another program keeps that.
    pub(super) fn console(&self) -> Option<&Arc<Held>> {
        match &self.what {
            What::HostedInput(console) => Some(console),
            _ => None,
        }
    }

    fn part(&self, k: &'static Kernel) -> Nt<Part> {
        match &self.what {
            What::Input(_) => match Condrv::of(k).attached()? {
                Attached::Own(console) => Ok(Part::Input(console)),
                Attached::Hosted(console) => Ok(Part::Hosted(Target::Input(console))),
            },
            What::Output(_) => match Condrv::of(k).attached()? {
                Attached::Own(console) => {
                    let active = console.active();
                    Ok(Part::Screen(console, active))
                }
                Attached::Hosted(console) => Ok(Part::Hosted(Target::Active(console))),
            },
            What::HostedInput(console) => Ok(Part::Hosted(Target::Input(console.clone()))),
            What::HostedScreen(screen) => Ok(Part::Hosted(Target::Screen(screen.clone()))),
            What::Server(server) => Ok(Part::Hosted(Target::Server(server.clone()))),
            What::In(console) | What::Reference(console) => Ok(Part::Input(console.clone())),
            What::Screen(console, id) => Ok(Part::Screen(console.clone(), *id)),
            What::Connection => Err(STATUS_INVALID_HANDLE),
        }
    }

    fn connection(&self, cx: &Cx<'_>, code: u32, input: &[u8]) -> Nt<Io> {
        match code {
            ioctl::BIND_PID => {
                let process: [u8; 4] = input.try_into().map_err(|_| STATUS_INVALID_PARAMETER)?;
                let condrv = Condrv::of(cx.k);
                let mut attached = condrv.attached.lock();
                if attached.is_some() {
                    return Err(STATUS_INVALID_HANDLE);
                }
                let console = common::console_of(cx.k, u32::from_le_bytes(process))?;
                common::attach(cx.k, Some(&console));
                *attached = Some(console);
                Io::done(0)
            }
            _ => Err(STATUS_INVALID_HANDLE),
        }
    }

    fn read_later(
        &self,
        cx: &Cx<'_>,
        request: &Request<'_>,
        console: &Arc<Console>,
        want: Want,
        buffer: UserSlice,
    ) -> Nt<Io> {
        console.wants_input(cx.k);
        let irp = request.pend(cx.k);
        console.read(cx.k, Reader { irp: irp.clone(), want, buffer });
        let waits = console.clone();
        irp.on_cancel(cx.k, move |k, irp| waits.cancel(k, irp));
        Ok(Io::Pending(irp))
    }

    fn on_input(
        &self,
        cx: &Cx<'_>,
        request: &Request<'_>,
        console: &Arc<Console>,
        code: u32,
        input: &[u8],
        out: UserSlice,
    ) -> Nt<Io> {
        let room = out.length as usize;
        let bad = || Err(STATUS_INVALID_PARAMETER);
        let answer = match code {
            ioctl::GET_MODE if input.is_empty() && room == 4 => console.locked().mode.to_le_bytes().to_vec(),
            ioctl::SET_MODE if input.len() == 4 && room == 0 => {
                let mode = Fields(input).u32(0);
                console.wants_input(cx.k);
                console.set_mode(cx.k, mode);
                Vec::new()
            }
            ioctl::IS_UNIX => return Err(STATUS_NOT_SUPPORTED),
            ioctl::READ_CONSOLE if input.is_empty() && room.is_multiple_of(2) => {
                return self.read_later(cx, request, console, Want::Text, out);
            }
            ioctl::READ_FILE => return self.read_later(cx, request, console, Want::Bytes, out),
            ioctl::READ_CONSOLE_CONTROL
                if input.len() >= 4 && input.len().is_multiple_of(2) && room >= 4 && room.is_multiple_of(2) =>
            {
                let mask = Fields(input).u32(0);
                let want = Want::Control { mask, initial: units(&input[4..]) };
                return self.read_later(cx, request, console, want, out);
            }
            ioctl::READ_INPUT if input.is_empty() => {
                return self.read_later(cx, request, console, Want::Records, out);
            }
            ioctl::WRITE_INPUT if input.len().is_multiple_of(RECORD_SIZE) && room == 0 => {
                let records = input.as_chunks::<RECORD_SIZE>().0.iter().map(|raw| Record::from_bytes(*raw));
                console.push(cx.k, records.collect());
                Vec::new()
            }
            ioctl::PEEK if input.is_empty() => {
                console.wants_input(cx.k);
                let state = console.locked();
                state.records.iter().take(room / RECORD_SIZE).flat_map(|record| record.to_bytes()).collect()
            }
            ioctl::GET_INPUT_COUNT if input.is_empty() && room == 4 => {
                console.wants_input(cx.k);
                (console.locked().records.len() as u32).to_le_bytes().to_vec()
            }
            ioctl::FLUSH if input.is_empty() && room == 0 => {
                console.wants_input(cx.k);
                console.locked().records.clear();
                console.signal(cx.k);
                Vec::new()
            }
            ioctl::CTRL_EVENT if input.len() == 8 => {
                let event = Fields(input).u32(0);
                let group = Fields(input).u32(4);
                if event > control::CTRL_BREAK {
                    return Err(STATUS_NOT_IMPLEMENTED);
                }
                control::send(cx.k, console.place(), event, group);
                Vec::new()
            }
            ioctl::GET_PROCESS_LIST => process_list(cx, console.place(), out)?,
            ioctl::GET_MODE
            | ioctl::SET_MODE
            | ioctl::READ_CONSOLE
            | ioctl::READ_CONSOLE_CONTROL
            | ioctl::READ_INPUT
            | ioctl::WRITE_INPUT
            | ioctl::PEEK
            | ioctl::GET_INPUT_COUNT
            | ioctl::FLUSH
            | ioctl::CTRL_EVENT => return bad(),
            _ => console.common(cx.k, code, input, room)?,
        };
        out.write_at(cx.k, 0, &answer)?;
        Io::done(answer.len() as u64)
    }
}

impl Console {
    /// Sets ENABLE_* of input.
    fn set_mode(&self, k: &'static Kernel, new: u32) {
        let mut state = self.locked();
        state.mode = new;
        // Mouse reports take the terminal's own selection away: only for who asked for that too.
        let mouse = new & mode::MOUSE != 0 && new & mode::EXTENDED != 0 && new & mode::QUICK_EDIT == 0;
        if mouse != state.mouse {
            state.mouse = mouse;
            // Buttons and movement while one is down; numbers written out.
            [1002, 1006].into_iter().for_each(|mode| state.terminal.private_mode(mode, mouse));
            self.send(k, &mut state);
        }
        self.tell(&mut state);
    }

    fn common(&self, k: &'static Kernel, code: u32, input: &[u8], room: usize) -> Nt<Vec<u8>> {
        let mut state = self.locked();
        let answer = output::common(k, &mut state, code, input, room);
        self.send(k, &mut state);
        self.tell(&mut state);
        answer
    }
}

shim_abi::wire_structs! {
    /// What of a console's file travels.
    pub struct ConsoleParcel {
        /// What it stands for.
        pub what: u8,
        /// The console's record, 0 for whatever the process is attached to.
        pub console: u32,
    }
}

/// What GET_PROCESS_LIST answers.
///
/// # Errors
/// `STATUS_BUFFER_TOO_SMALL`, with their number; `STATUS_INVALID_PARAMETER` without room for that.
pub(super) fn process_list(cx: &Cx<'_>, place: Option<u32>, out: UserSlice) -> Nt<Vec<u8>> {
    if out.length < 4 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let list = common::processes(cx.k, place);
    if list.len() as u64 > out.length / 4 {
        out.write_at(cx.k, 0, &(list.len() as u32).to_le_bytes())?;
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    Ok(list.into_iter().flat_map(u32::to_le_bytes).collect())
}

/// A file of a console that another process has too.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INSUFFICIENT_RESOURCES`.
pub fn unpack(k: &'static Kernel, what: &[u8]) -> Nt<Box<dyn FileOps>> {
    let parcel: ConsoleParcel = shim_abi::wire::decode(what).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let console = || common::console_at(k, parcel.console);
    let held = || Held::take(k, parcel.console);
    let what = match parcel.what {
        0 if parcel.console != 0 => What::Input(Some(held()?)),
        0 => What::Input(None),
        1 if parcel.console != 0 => What::Output(Some(held()?)),
        1 => What::Output(None),
        2 => What::In(console()?),
        3 => {
            let console = console()?;
            let active = console.active();
            What::Screen(console, active)
        }
        4 => What::Reference(console()?),
        5 => What::Connection,
        6 => What::Server(held()?),
        7 => What::HostedInput(held()?),
        8 => What::HostedScreen(held()?),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    Ok(Box::new(ConsoleFile { what }))
}

impl FileOps for ConsoleFile {
    fn pack(&self, k: &'static Kernel) -> Nt<(crate::io::parcel::Maker, Vec<u8>)> {
        let held = |what, held: &Held| (what, Some(Ok(held.object)));
        let own = |what, console| (what, Some(common::place_of(k, console)));
        let (what, console) = match &self.what {
            What::Input(None) => (0, None),
            What::Input(Some(console)) => held(0, console),
            What::Output(None) => (1, None),
            What::Output(Some(console)) => held(1, console),
            What::In(console) => own(2, console),
            What::Screen(console, _) => own(3, console),
            What::Reference(console) => own(4, console),
            What::Connection => (5, None),
            What::Server(server) => held(6, server),
            What::HostedInput(console) => held(7, console),
            What::HostedScreen(screen) => held(8, screen),
        };
        let console = console.unwrap_or(Ok(0))?;
        Ok((crate::io::parcel::Maker::Console, shim_abi::wire::encode(&ConsoleParcel { what, console })))
    }

    fn record(&self) -> Option<(u32, bool)> {
        match &self.what {
            What::In(console) | What::Screen(console, _) | What::Reference(console) => Some((console.place()?, false)),
            What::Input(Some(held))
            | What::Output(Some(held))
            | What::Server(held)
            | What::HostedInput(held)
            | What::HostedScreen(held) => Some((held.object, false)),
            _ => None,
        }
    }

    fn open_relative(&self, cx: &Cx<'_>, _object: &Ref, name: &[u16], create: &Create) -> Nt<Opened> {
        let what = self.below(cx.k, &String::from_utf16_lossy(name))?;
        Ok(Opened { object: object(cx.k, create, what)?, information: FILE_OPENED })
    }

    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        match self.part(cx.k)? {
            Part::Input(console) => self.read_later(cx, request, &console, Want::Bytes, buffer),
            Part::Screen(..) => Err(STATUS_INVALID_HANDLE),
            Part::Hosted(target) => hosted::read(cx, request, &target, buffer),
        }
    }

    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, _offset: Option<i64>, _key: u32) -> Nt<Io> {
        match self.part(cx.k)? {
            Part::Screen(console, id) => {
                let bytes = buffer.read_all(cx.k)?;
                output::ioctl(cx.k, &console, id, ioctl::WRITE_FILE, &bytes, 0)?;
                Io::done(buffer.length)
            }
            Part::Input(_) => Err(STATUS_INVALID_HANDLE),
            Part::Hosted(target) => hosted::write(cx, request, &target, buffer),
        }
    }

    fn flush(&self, cx: &Cx<'_>, _request: &Request<'_>) -> Nt<Io> {
        match self.part(cx.k)? {
            Part::Input(console) => {
                console.locked().records.clear();
                console.signal(cx.k);
            }
            Part::Hosted(target) => hosted::flush(cx.k, &target)?,
            Part::Screen(..) => {}
        }
        Io::done(0)
    }

    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        if control.input.length > MAX_REQUEST {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let input = control.input.read_all(cx.k)?;
        if let What::Connection = self.what {
            return self.connection(cx, control.code, &input);
        }
        match self.part(cx.k)? {
            Part::Input(console) => self.on_input(cx, request, &console, control.code, &input, control.output),
            Part::Screen(console, id) => {
                let room = control.output.length.min(MAX_REQUEST) as usize;
                let answer = output::ioctl(cx.k, &console, id, control.code, &input, room)?;
                control.output.write_at(cx.k, 0, &answer)?;
                let written = control.code == ioctl::WRITE_FILE;
                Io::done(if written { input.len() } else { answer.len() } as u64)
            }
            Part::Hosted(target) => hosted::control(cx, request, &target, control, &input),
        }
    }

    fn query_volume(&self, _cx: &Cx<'_>, _object: &Ref, class: u32) -> Nt<Vec<u8>> {
        match class {
            FILE_FS_DEVICE_INFORMATION => Ok([ioctl::FILE_DEVICE_CONSOLE, ALLOW_APPCONTAINER_TRAVERSAL]
                .into_iter()
                .flat_map(u32::to_le_bytes)
                .collect()),
            _ => Err(STATUS_INVALID_INFO_CLASS),
        }
    }

    fn signalled_by_requests(&self) -> bool {
        !matches!(self.what, What::Input(_) | What::In(_)) && self.seat().is_none()
    }

    fn about_to_wait(&self, k: &'static Kernel) {
        match (&self.what, self.part(k)) {
            (What::Input(_) | What::In(_), Ok(Part::Input(console))) => console.wants_input(k),
            (_, Ok(Part::Hosted(target))) => hosted::await_input(k, &target),
            _ => {}
        }
    }

    fn seat(&self) -> Option<Seat> {
        match &self.what {
            What::Input(Some(held))
            | What::Output(Some(held))
            | What::HostedInput(held)
            | What::HostedScreen(held)
            | What::Server(held) => Some(Seat { shm: held.shm, object: held.object }),
            _ => None,
        }
    }

    fn cleanup(&self, k: &'static Kernel, _object: &Ref) {
        match &self.what {
            What::Connection => {
                *Condrv::of(k).attached.lock() = None;
                common::attach(k, None);
            }
            What::Screen(console, id) => console.drop_screen(k, *id),
            _ => {}
        }
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
