//! The console driver, `\Device\ConDrv`. The console on the host's terminal has no console host: its buffers, input and line
//! editing are here. One that a program makes for itself has Wine's conhost.exe, which asks here for what is asked of it (`hosted`).
//!
//! What kernelbase does with it: a process that starts with a console has a *reference* to it in its parameters
//! (ConsoleHandle), and opens `Connection` below that, which attaches the process. `Input` and `Output` mean whatever
//! console the process is attached to at the time, `CurrentIn` and `CurrentOut` the one it is attached to now.

pub mod codepage;
pub mod common;
pub mod console;
pub mod control;
mod edit;
pub mod file;
pub mod hosted;
pub mod input;
pub mod ioctl;
mod keyboard;
mod output;
pub mod screen;
mod screen_vt;
pub mod terminal;
pub mod vt;
pub mod width;

#[cfg(test)]
mod tests;

use super::device::{Create, Driver, Opened, make_device};
use super::file::*;
use super::standard;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::ob::handle::Handle;
use crate::ob::types::SYNCHRONIZE;
use crate::status::*;
use crate::types::{OBJ_INHERIT, wide};
use codepage::Pages;
use console::Console;
use file::{ConsoleFile, What};
pub use ioctl::FILE_DEVICE_CONSOLE;
use parking_lot::Mutex;
use shim_abi::boot::{CONSOLE_IN_WINDOW, Stdio};
use shim_abi::calls::{StreamOpen, TerminalQuery};
use shim_abi::stream::{Disposition, Expect, access};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The driver's state.
#[derive(Default)]
pub struct Condrv {
    /// The console the process is attached to.
    attached: Mutex<Option<Attached>>,
    /// The console that is shown on the host's terminal.
    shown: Mutex<Option<Arc<Console>>>,
    /// Consoles that other processes see too.
    known: Mutex<Vec<Weak<Console>>>,
    /// Code pages.
    pub pages: Pages,
    /// Whether somebody listens for what the monitor tells.
    listens: AtomicBool,
}

/// A console that the process is attached to.
#[derive(Clone)]
pub enum Attached {
    /// One whose buffers and input are the process's own.
    Own(Arc<Console>),
    /// One that another program keeps: its record.
    Hosted(Arc<common::Record>),
}

/// Columns and rows of a console that nobody sees.
const UNSEEN: (i32, i32) = (80, 25);

impl Condrv {
    /// The kernel's.
    pub fn of(k: &'static Kernel) -> &'static Condrv {
        &k.io.console
    }

    /// The console the process is attached to.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if there is none.
    pub fn attached(&self) -> Nt<Attached> {
        self.attached.lock().clone().ok_or(STATUS_INVALID_HANDLE)
    }

    /// The console on the host's terminal.
    pub fn shown(&self) -> Option<Arc<Console>> {
        self.shown.lock().clone()
    }
}

/// What a process has of the console at its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsoleHandles {
    /// RTL_USER_PROCESS_PARAMETERS.ConsoleHandle; 0 without a console.
    pub console: Handle,
    /// ConsoleFlags: 1 would make the process ignore Ctrl-C.
    pub flags: u32,
    /// Handles for standard streams that are the terminal; 0 for those that are not.
    pub standard: [Handle; 3],
}

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\ConDrv", ioctl::FILE_DEVICE_CONSOLE, Device);
    for (name, target) in [("CON", "Console"), ("CONIN$", "CurrentIn"), ("CONOUT$", "CurrentOut")] {
        make_link(&k.ob.root, &format!("\\??\\{name}"), &format!("\\Device\\ConDrv\\{target}"));
    }
}

/// CONSOLE_HANDLE_ALLOC: what stands for a console's handle where kernelbase is to make one, with a window.
const ALLOC: Handle = Handle(-1i64 as u64);

/// Makes the console that the process starts with. Who has neither input nor output makes one for itself, if it is a console's program;
/// so does who is told to.
pub fn boot(cx: &Cx<'_>) -> ConsoleHandles {
    let k = cx.k;
    let told = k.boot.environment.iter().any(|(name, value)| (&**name, &**value) == CONSOLE_IN_WINDOW);
    if told || (0..2).all(|which| standard::kind(k, which) == Stdio::None) {
        return ConsoleHandles { console: ALLOC, ..Default::default() };
    }
    let console = first_console(k);
    let terminal = |which: usize| standard::kind(k, which) == Stdio::Terminal;
    let insert = |what| stream(cx, what);
    let mut handles =
        ConsoleHandles { console: insert(What::Reference(console)).unwrap_or_default(), ..Default::default() };
    for which in (0..3).filter(|which| terminal(*which)) {
        let what = if which == 0 { What::Input(None) } else { What::Output(None) };
        handles.standard[which] = insert(what).unwrap_or_default();
    }
    handles
}

/// A handle to input or output of a console that another program keeps and the process is not attached to, as whoever is attached to
/// that one has them; `reference` is a handle to it.
///
/// # Errors
/// `STATUS_INVALID_HANDLE` if it is no such console.
pub fn stream_of(cx: &Cx<'_>, reference: Handle, input: bool) -> Nt<Handle> {
    let object = cx.object(reference, 0)?;
    let file = object.file()?.ops.as_any().downcast_ref::<ConsoleFile>().ok_or(STATUS_INVALID_HANDLE)?;
    let console = file.console().ok_or(STATUS_INVALID_HANDLE)?;
    if hosted::attached(cx.k).is_some_and(|own| own.object == console.object) {
        return Err(STATUS_INVALID_HANDLE);
    }
    let console = Some(console.clone());
    stream(cx, if input { What::Input(console) } else { What::Output(console) })
}

/// A handle as standard handles are.
fn stream(cx: &Cx<'_>, what: What) -> Nt<Handle> {
    let data = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;
    let create = Create::existing(data, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    cx.insert(file::object(cx.k, &create, what)?, data, OBJ_INHERIT)
}

/// Listens for what the monitor tells, unless somebody does: Ctrl-C, the end of other processes. A start does not wait for the
/// thread: the clock has it made after its first period, and whoever makes or was made by another process before that. What
/// is told sooner waits.
pub fn listen(k: &'static Kernel) {
    if !Condrv::of(k).listens.swap(true, Ordering::AcqRel)
        && k.host.spawn_worker(Box::new(move || control::listen(k))).is_err()
    {
        Condrv::of(k).listens.store(false, Ordering::Release);
    }
}

/// The console that the sandbox's programs start with: the terminal that a standard stream is, else one that nobody sees, as
/// a service's is.
fn first_console(k: &'static Kernel) -> Arc<Console> {
    let mut shown = Condrv::of(k).shown.lock();
    if let Some(console) = &*shown {
        return console.clone();
    }
    let terminal = |which: usize| standard::kind(k, which) == Stdio::Terminal;
    let stream = |which| standard::stream(k, which).ok();
    let (mut input, mut output, mut size) = (None, None, UNSEEN);
    if (0..3).any(terminal) {
        size = k.host.ask(&TerminalQuery {}).map_or(size, |size| (i32::from(size.columns), i32::from(size.rows)));
        size = (if size.0 > 0 { size.0 } else { 80 }, if size.1 > 0 { size.1 } else { 25 });
        input = terminal(0).then(|| stream(0)).flatten().or_else(|| open_terminal(k, access::READ));
        output = [1, 2].into_iter().find(|which| terminal(*which)).and_then(stream);
        output = output.or_else(|| open_terminal(k, access::WRITE));
    }
    let console = Arc::new(Console::new(k, input, output, size, wide(&k.ps.program(k))));
    *shown = Some(console.clone());
    console
}

/// Leaves the terminal as it was found: the process ends.
pub fn leave(k: &'static Kernel) {
    if let Some(console) = Condrv::of(k).shown() {
        console.leave(k);
    }
}

fn open_terminal(k: &'static Kernel, access: u32) -> Option<crate::host::Stream> {
    let (disposition, expect) = (Disposition::Open, Expect::Any);
    let open = StreamOpen { uri: "console:".into(), access, disposition, expect, attributes: 0 };
    k.host.ask_stream(&open).ok()?.1
}

/// The device.
struct Device;

impl Driver for Device {
    fn open(&self, cx: &Cx<'_>, _device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        let name = String::from_utf16_lossy(rest);
        let condrv = Condrv::of(cx.k);
        let what = match name.trim_start_matches('\\') {
            "Input" => What::Input(hosted::attached(cx.k)),
            "Output" => What::Output(hosted::attached(cx.k)),
            "CurrentIn" => What::input_of(condrv.attached()?),
            "CurrentOut" => What::output_of(cx.k, condrv.attached()?)?,
            "ScreenBuffer" => match condrv.attached()? {
                Attached::Own(console) => {
                    let made = console.new_screen()?;
                    What::Screen(console, made)
                }
                Attached::Hosted(console) => What::HostedScreen(hosted::new_screen(cx.k, &console)?),
            },
            // "CON" is what it is opened for, and cannot be both.
            "Console" => {
                let console = condrv.attached()?;
                match create.access & (FILE_READ_DATA | FILE_WRITE_DATA) {
                    FILE_WRITE_DATA => What::output_of(cx.k, console)?,
                    0 | FILE_READ_DATA => What::input_of(console),
                    _ => return Err(STATUS_INVALID_PARAMETER),
                }
            }
            "Server" => What::Server(hosted::new_server(cx.k)?),
            "Connection" => file::connect(cx.k, None)?,
            _ => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
        };
        Ok(Opened { object: file::object(cx.k, create, what)?, information: FILE_OPENED })
    }
}

/// The device's object.
fn device(k: &Kernel) -> Nt<Ref> {
    use crate::ob::directory::{Found, walk};
    match walk(&k.ob.root, None, &wide("\\Device\\ConDrv"), true, false)? {
        Found::Rest(device, _) => Ok(device),
        _ => Err(STATUS_NO_SUCH_DEVICE),
    }
}

impl ConsoleFile {
    /// Opens what lies below a console file.
    fn below(&self, k: &'static Kernel, name: &str) -> Nt<What> {
        match (&self.what, name) {
            (What::Server(server), "Reference") => Ok(What::HostedInput(hosted::new_console(k, server)?)),
            (What::Reference(console) | What::In(console), "Connection") => {
                file::connect(k, Some(Attached::Own(console.clone())))
            }
            (What::HostedInput(console), "Connection") => file::connect(k, Some(Attached::Hosted(console.clone()))),
            (What::Connection, "Reference") => match Condrv::of(k).attached()? {
                Attached::Own(console) => Ok(What::Reference(console)),
                Attached::Hosted(console) => Ok(What::HostedInput(console)),
            },
            (What::Server(_) | What::In(_) | What::HostedInput(_), "") => Err(STATUS_NOT_FOUND),
            _ => Err(STATUS_OBJECT_NAME_NOT_FOUND),
        }
    }
}
