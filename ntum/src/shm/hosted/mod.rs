//! Consoles that a program of the sandbox keeps (conhost.exe): what is asked of them lies here until that program has answered.
//!
//! There are three kinds of object. The *server* is what the host reads requests from; the *console* is what programs are attached
//! to, signalled while it has input to read; *screens* are its screen buffers, which have numbers for the host and are signalled alike. What a program asks
//! is a [`mod@call`]: it stands in the server's queue, and who asked sleeps on a request in the call's own list, so that one that gives
//! up leaves a call that nobody waits for. A read of input that the host cannot answer yet goes to a list of its own, and those
//! behind it wait until it is answered. All goes as Wine's wineserver has it, which Wine's conhost.exe was written for.

mod call;

pub use call::{Answer, Call, Next};

use super::list::List;
use super::object::{NESTED, field as object};
use super::pipe::NewEnd;
use super::request;
use super::waste::Waste;
use super::{Tx, member};
use crate::io::condrv::ioctl;
use crate::ke::dispatcher::Kind;
use crate::status::*;
use call::word;

/// Types of the objects: none of `ob::types::Type`.
const SERVER: u32 = 0x104;
const CONSOLE: u32 = 0x105;
const SCREEN: u32 = 0x106;

/// Words of a server's body.
mod server {
    /// Its console, 0 for none.
    pub const CONSOLE: u32 = super::NESTED + 1;
    /// Calls in order: a list.
    pub const QUEUE: u32 = 2;
    /// Reads that the host is at, and those that are to follow: a list.
    pub const READS: u32 = 4;
    /// 1: the host is at the first call of the queue.
    pub const BUSY: u32 = 6;
    /// 1: the host was told that somebody waits for input.
    pub const AWAITED: u32 = 7;
    pub const COUNT: u32 = 8;
}

/// Words of a console's body.
mod console {
    /// Its server, 0 when that is gone.
    pub const SERVER: u32 = super::NESTED + 1;
    /// The screen that is shown, pinned.
    pub const ACTIVE: u32 = 2;
    /// Number of the last screen made.
    pub const LAST: u32 = 3;
    /// Its screens: a list.
    pub const SCREENS: u32 = 4;
    /// Requests of those who are told to close: a list.
    pub const LOST: u32 = 6;
    pub const COUNT: u32 = 8;
}

/// Words of a screen's body.
mod screen {
    /// Its console, 0 when that is gone.
    pub const CONSOLE: u32 = super::NESTED + 1;
    /// Its number.
    pub const NUMBER: u32 = 2;
    /// Node in its console's list.
    pub const NODE: u32 = 3;
    /// Its object.
    pub const OBJECT: u32 = 5;
    pub const COUNT: u32 = 6;
}

impl Tx<'_> {
    fn console_object(&mut self, kind: u32, signal: Kind, words: u32) -> Nt<(u32, u32)> {
        let made = self.new_object(kind, signal, 0, 0)?;
        let body = self.allocate(words).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(made + object::BODY, body);
        Ok((made, body))
    }

    fn is_a(&self, kind: u32, of: u32) -> Option<u32> {
        (of != 0 && self.type_of(of) == kind).then(|| self.body_of(of)).filter(|body| *body != 0)
    }

    /// Whether an object is a console that a program keeps.
    pub fn is_hosted(&self, of: u32) -> bool {
        self.is_a(CONSOLE, of).is_some()
    }

    /// A new console server, which the member holds.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_console_server(&mut self, member: u32) -> Nt<NewEnd> {
        let (object, _) = self.console_object(SERVER, Kind::Notification, server::COUNT)?;
        let reference = self.hold(object, member, false)?;
        self.signal_server(object);
        Ok(NewEnd { object, reference })
    }

    /// A server's console, made with its first screen; the member holds it.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if it has one already, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_hosted_console(&mut self, of: u32, member: u32) -> Nt<NewEnd> {
        let body = self.is_a(SERVER, of).ok_or(STATUS_INVALID_HANDLE)?;
        if self.get(body + server::CONSOLE) != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        let (object, _) = self.console_object(CONSOLE, Kind::Notification, console::COUNT)?;
        let reference = self.hold(object, member, false)?;
        // The host knows its first screen without being told.
        let screen = self.add_screen(object)?;
        self.show_screen(object, screen)?;
        let console = self.body_of(object);
        self.set(console + console::SERVER, of);
        self.set(body + server::CONSOLE, object);
        self.signal_server(of);
        Ok(NewEnd { object, reference })
    }

    /// A server's console.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if it has none.
    pub fn console_of_server(&self, of: u32) -> Nt<u32> {
        let body = self.is_a(SERVER, of).ok_or(STATUS_INVALID_HANDLE)?;
        Some(self.get(body + server::CONSOLE)).filter(|console| *console != 0).ok_or(STATUS_INVALID_HANDLE)
    }

    fn add_screen(&mut self, of: u32) -> Nt<u32> {
        let console = self.is_a(CONSOLE, of).ok_or(STATUS_INVALID_HANDLE)?;
        let number = self.get(console + console::LAST).checked_add(1).ok_or(STATUS_NO_MEMORY)?;
        let (made, body) = self.console_object(SCREEN, Kind::Notification, screen::COUNT)?;
        if self.shm.count(of) != 0 {
            self.set_signalled(made);
        }
        self.set(console + console::LAST, number);
        self.fill(body + screen::CONSOLE, of);
        self.fill(body + screen::NUMBER, number);
        self.fill(body + screen::OBJECT, made);
        List(console + console::SCREENS).push(self, body + screen::NODE);
        Ok(made)
    }

    /// A further screen of a console, which the member holds.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_console_screen(&mut self, of: u32, member: u32) -> Nt<NewEnd> {
        let object = self.add_screen(of)?;
        let reference = self.hold(object, member, false)?;
        let number = self.screen_number(object)?;
        self.tell_host(of, ioctl::INIT_OUTPUT, number)?;
        Ok(NewEnd { object, reference })
    }

    /// A screen's number for the host.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for what is no screen.
    fn screen_number(&self, of: u32) -> Nt<u32> {
        let body = self.is_a(SCREEN, of).ok_or(STATUS_INVALID_HANDLE)?;
        Ok(self.get(body + screen::NUMBER))
    }

    /// A screen's console.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if it is gone.
    pub fn console_of_screen(&self, of: u32) -> Nt<u32> {
        let body = self.is_a(SCREEN, of).ok_or(STATUS_INVALID_HANDLE)?;
        Some(self.get(body + screen::CONSOLE)).filter(|console| *console != 0).ok_or(STATUS_INVALID_HANDLE)
    }

    /// The screen that a console shows.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` for what is no console.
    pub fn active_screen(&self, of: u32) -> Nt<u32> {
        let body = self.is_a(CONSOLE, of).ok_or(STATUS_INVALID_HANDLE)?;
        Some(self.get(body + console::ACTIVE)).filter(|screen| *screen != 0).ok_or(STATUS_INVALID_HANDLE)
    }

    /// Has a console show a screen of its own.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn show_screen(&mut self, of: u32, screen: u32) -> Nt<()> {
        let body = self.is_a(CONSOLE, of).ok_or(STATUS_INVALID_HANDLE)?;
        let before = self.get(body + console::ACTIVE);
        if before == screen {
            return Ok(());
        }
        let number = self.screen_number(screen)?;
        self.pin(screen);
        self.set(body + console::ACTIVE, screen);
        self.tell_host(of, ioctl::ACTIVATE, number)?;
        if before != 0 {
            self.unpin(before);
        }
        Ok(())
    }

    /// The server of a console.
    fn server_of(&self, of: u32) -> Nt<u32> {
        let body = self.is_a(CONSOLE, of).ok_or(STATUS_INVALID_HANDLE)?;
        Some(self.get(body + console::SERVER)).filter(|server| *server != 0).ok_or(STATUS_INVALID_HANDLE)
    }

    /// Adds a call that nobody waits for; a host that is gone need not hear of it.
    fn tell_host(&mut self, of: u32, code: u32, number: u32) -> Nt<()> {
        match self.server_of(of) {
            Ok(server) => self.add_call(server, code, number, &[], 0).map(drop),
            Err(_) => Ok(()),
        }
    }

    /// Drops what was typed and not read; nobody waits for that.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if the host is gone, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn flush_host(&mut self, of: u32) -> Nt<()> {
        let server = self.server_of(of)?;
        self.add_call(server, ioctl::FLUSH, 0, &[], 0).map(drop)
    }

    /// Somebody is about to wait for input: the host begins to read what it gets that from, if it did not yet.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn await_input(&mut self, of: u32) -> Nt<()> {
        let Ok(server) = self.server_of(of) else { return Ok(()) };
        let body = self.body_of(server);
        if self.get(body + server::AWAITED) == 0 {
            self.set(body + server::AWAITED, 1);
            self.add_call(server, ioctl::PEEK, 0, &[], 0)?;
        }
        Ok(())
    }

    /// Puts an object's signal right.
    fn put_signal(&mut self, of: u32, signalled: bool) {
        if !signalled {
            self.take_signal(of);
            return;
        }
        self.shm.mark(of);
        let mut woken = Vec::new();
        self.signal(of, &mut woken);
        self.after.blocks.extend(woken);
    }

    /// A server is signalled while there is a call, or no console.
    fn signal_server(&mut self, of: u32) {
        let body = self.body_of(of);
        let idle = self.get(body + server::CONSOLE) != 0 && List(body + server::QUEUE).is_empty(self);
        self.put_signal(of, !idle);
    }

    /// An object that nobody holds goes: what it was to others of its kind ends.
    pub(super) fn drop_hosted(&mut self, of: u32, body: u32) {
        match self.type_of(of) {
            SERVER => self.server_goes(body),
            CONSOLE => self.console_goes(body),
            SCREEN => self.screen_goes(body),
            _ => {}
        }
    }

    /// Nobody answers any more: who is attached is told to close, and meanwhile waits on; all others who wait hear so.
    fn server_goes(&mut self, body: u32) {
        let console = self.get(body + server::CONSOLE);
        if let Some(of) = self.is_a(CONSOLE, console) {
            let attached: Vec<u32> = self.attached_to(console).into_iter().map(|(member, _)| member).collect();
            for list in [List(body + server::QUEUE), List(body + server::READS)] {
                for node in list.nodes(self) {
                    let asked = List(node - word::NODE + word::ASKER);
                    let request = self.first_request(asked);
                    if request != 0 && attached.contains(&self.get(request + request::field::MEMBER)) {
                        self.move_request(request, List(of + console::LOST));
                    }
                }
            }
            for member in attached {
                let number = self.get(member + member::field::NUMBER);
                if number != member::UNBORN {
                    self.leave_waste(&Waste::Control(number, crate::io::condrv::control::CTRL_CLOSE));
                }
            }
        }
        self.part_console(body);
    }

    /// Server and console part; what was asked is cancelled.
    fn part_console(&mut self, body: u32) {
        for list in [List(body + server::QUEUE), List(body + server::READS)] {
            while let Some(call) = self.take_call(list) {
                // Without data it takes no memory.
                let _ = self.end_call(call, STATUS_CANCELLED, &[]);
            }
        }
        self.set(body + server::BUSY, 0);
        let console = self.get(body + server::CONSOLE);
        if let Some(console) = self.is_a(CONSOLE, console) {
            self.set(console + console::SERVER, 0);
        }
        self.set(body + server::CONSOLE, 0);
    }

    /// Nobody has the console: its host has nothing left to do.
    fn console_goes(&mut self, body: u32) {
        let server = self.get(body + console::SERVER);
        if let Some(server_body) = self.is_a(SERVER, server) {
            self.part_console(server_body);
            self.signal_server(server);
        }
        for node in List(body + console::SCREENS).nodes(self) {
            let screen = node - screen::NODE;
            List(body + console::SCREENS).remove(self, node);
            self.set(screen + screen::CONSOLE, 0);
        }
        self.finish_all(List(body + console::LOST), STATUS_CANCELLED);
        let active = self.get(body + console::ACTIVE);
        if active != 0 {
            self.set(body + console::ACTIVE, 0);
            self.unpin(active);
        }
    }

    fn screen_goes(&mut self, body: u32) {
        let console = self.get(body + screen::CONSOLE);
        let Some(of) = self.is_a(CONSOLE, console) else { return };
        List(of + console::SCREENS).remove(self, body + screen::NODE);
        let number = self.get(body + screen::NUMBER);
        // A host that is not told keeps a buffer that nobody sees.
        let _ = self.tell_host(console, ioctl::CLOSE_OUTPUT, number);
    }
}
