//! What is asked of a console's host, until it has answered.

use super::super::Tx;
use super::super::list::List;
use super::super::request::{self, Asker, Kind as Request};
use super::{SERVER, console, screen, server};
use crate::io::condrv::ioctl;
use crate::status::*;

/// Words of a call.
pub(super) mod word {
    /// Node in a list of the server's.
    pub const NODE: u32 = 0;
    /// IOCTL_CONDRV_*.
    pub const CODE: u32 = 2;
    /// The screen's number, 0 for input.
    pub const SCREEN: u32 = 3;
    /// Who waits for the answer: a list of one request, or none.
    pub const ASKER: u32 = 4;
    /// What goes with it: a chain of segments, and bytes in it.
    pub const DATA: u32 = 6;
    pub const LENGTH: u32 = 7;
    /// Bytes of answer that there is room for.
    pub const ROOM: u32 = 8;
    pub const COUNT: u32 = 9;
}

/// What the host finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A call.
    Call(Call),
    /// Nothing.
    Nothing,
    /// A call with more bytes than the host has room for: so many.
    Large(u32),
    /// A read was answered, which is all.
    Answered,
    /// The host's question makes no sense.
    Refused,
}

/// A call as the host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// IOCTL_CONDRV_*.
    pub code: u32,
    /// The screen's number, 0 for input.
    pub screen: u32,
    /// Bytes of answer that there is room for.
    pub room: u32,
    /// What goes with it.
    pub data: Vec<u8>,
}

/// What the host says with its question for the next call.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Whether there is input to read.
    pub signalled: bool,
    /// Whether this answers a read that had to wait, rather than the last call.
    pub read: bool,
    /// How the call ended.
    pub status: Status,
    /// What it brings.
    pub data: &'a [u8],
    /// Bytes of the next call that there is room for.
    pub room: u32,
}

/// Whether a call is a read that the host may leave waiting.
fn may_wait(code: u32) -> bool {
    matches!(code, ioctl::READ_INPUT | ioctl::READ_CONSOLE | ioctl::READ_CONSOLE_CONTROL | ioctl::READ_FILE)
}

impl Tx<'_> {
    pub(super) fn add_call(&mut self, of: u32, code: u32, number: u32, data: &[u8], room: u32) -> Nt<u32> {
        let body = self.is_a(SERVER, of).ok_or(STATUS_INVALID_HANDLE)?;
        let call = self.allocate(word::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let chain = self.data_chain(data)?;
        self.fill(call + word::CODE, code);
        self.fill(call + word::SCREEN, number);
        self.fill(call + word::DATA, chain);
        self.fill(call + word::LENGTH, data.len() as u32);
        self.fill(call + word::ROOM, room);
        List(body + server::QUEUE).push(self, call + word::NODE);
        self.signal_server(of);
        Ok(call)
    }

    /// Asks a console's host for something: of its input, or of a screen. Answers the request that waits for the answer.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if the host is gone, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn ask_host(
        &mut self,
        of: u32,
        screen: Option<u32>,
        code: u32,
        data: &[u8],
        room: u32,
        asker: Asker,
    ) -> Nt<u32> {
        let number = match screen {
            Some(_) if may_wait(code) => return Err(STATUS_INVALID_HANDLE),
            Some(screen) => self.screen_number(screen)?,
            None => 0,
        };
        let server = self.server_of(of)?;
        let call = self.add_call(server, code, number, data, room)?;
        self.ask(asker, Request::Other, List(call + word::ASKER), 0, room)
    }

    /// The first call of a list, out of it.
    pub(super) fn take_call(&mut self, list: List) -> Option<u32> {
        let node = list.first(self);
        (node != 0).then(|| {
            list.remove(self, node);
            node - word::NODE
        })
    }

    /// Ends a call: who waits for it gets this.
    pub(super) fn end_call(&mut self, call: u32, status: Status, data: &[u8]) -> Nt<()> {
        let asker = self.first_request(List(call + word::ASKER));
        if asker != 0 {
            let data = data.get(..self.get(call + word::ROOM) as usize).unwrap_or(data);
            let length = if self.get(call + word::CODE) == ioctl::WRITE_FILE {
                self.get(call + word::LENGTH)
            } else {
                data.len() as u32
            };
            let chain = self.data_chain(data)?;
            self.set(asker + request::field::DATA, chain);
            self.finish(asker, status, length);
        }
        let _ = self.take_chain(self.get(call + word::DATA));
        self.free(call);
        Ok(())
    }

    /// The host has answered, and asks for the next call.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` when the console is gone, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn next_call(&mut self, of: u32, answer: Answer<'_>) -> Nt<Next> {
        let body = self.is_a(SERVER, of).ok_or(STATUS_INVALID_HANDLE)?;
        let console = self.get(body + server::CONSOLE);
        if console == 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        if (self.shm.count(console) != 0) != answer.signalled {
            self.put_signal(console, answer.signalled);
            // Its screens are waited for alike.
            let screens = List(self.body_of(console) + console::SCREENS).nodes(self);
            for node in screens {
                let screen = self.get(node - screen::NODE + screen::OBJECT);
                self.put_signal(screen, answer.signalled);
            }
        }
        let (queue, reads) = (List(body + server::QUEUE), List(body + server::READS));
        // A host cannot leave the same call waiting twice.
        let status = if answer.status == STATUS_PENDING { STATUS_INVALID_PARAMETER } else { answer.status };
        let next = if answer.read {
            match self.take_call(reads) {
                None => Next::Refused,
                Some(call) => {
                    self.end_call(call, status, answer.data)?;
                    // Those that had to wait for it come next.
                    while let Some(call) = self.take_call(reads) {
                        queue.push(self, call + word::NODE);
                    }
                    Next::Answered
                }
            }
        } else {
            if self.get(body + server::BUSY) != 0 {
                self.set(body + server::BUSY, 0);
                if let Some(call) = self.take_call(queue) {
                    self.end_call(call, status, answer.data)?;
                }
            }
            self.put_reads_aside(body);
            self.hand_call(body, answer.room)
        };
        self.signal_server(of);
        Ok(next)
    }

    /// While the host is at a read, further reads stand behind that one, in order.
    fn put_reads_aside(&mut self, body: u32) {
        let (queue, reads) = (List(body + server::QUEUE), List(body + server::READS));
        let code = |tx: &Self, node: u32| tx.get(node - word::NODE + word::CODE);
        let first = queue.first(self);
        if first == 0 || reads.is_empty(self) || !may_wait(code(self, first)) {
            return;
        }
        for node in queue.nodes(self) {
            if may_wait(code(self, node)) {
                queue.remove(self, node);
                reads.push(self, node);
            }
        }
    }

    /// Hands the first call of the queue to the host.
    fn hand_call(&mut self, body: u32, room: u32) -> Next {
        let node = List(body + server::QUEUE).first(self);
        if node == 0 {
            return Next::Nothing;
        }
        let call = node - word::NODE;
        let length = self.get(call + word::LENGTH);
        if length > room {
            return Next::Large(length);
        }
        let code = self.get(call + word::CODE);
        let data = self.take_chain(self.get(call + word::DATA));
        self.set(call + word::DATA, 0);
        if may_wait(code) {
            List(body + server::QUEUE).remove(self, node);
            List(body + server::READS).push(self, node);
        } else {
            self.set(body + server::BUSY, 1);
        }
        Next::Call(Call { code, screen: self.get(call + word::SCREEN), room: self.get(call + word::ROOM), data })
    }
}
