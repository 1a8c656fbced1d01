//! The machine as `ntum` sees it: one trait that the runtime implements, so that no line of the kernel names an operating
//! system and its units run against a fake.
//!
//! Addresses are guest virtual addresses; lengths are bytes; times are nanoseconds.

#[cfg(test)]
pub mod fake;
mod rows;
pub mod tint;

use crate::ps::thread::Thread;
pub use rows::{Area, Block, Rows, Steps};
use shim_abi::error::{Error, Result};
use shim_abi::wire::{MonitorCall, read_reply, request};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// What may be done with pages, as the host protects them. Guard pages, no-access and write-copy are `mm`'s business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prot {
    /// Loads.
    pub read: bool,
    /// Stores.
    pub write: bool,
    /// Instruction fetches.
    pub execute: bool,
}

impl Prot {
    /// Nothing.
    pub const NONE: Prot = Prot { read: false, write: false, execute: false };
    /// Loads.
    pub const READ: Prot = Prot { read: true, write: false, execute: false };
    /// Loads and stores.
    pub const READ_WRITE: Prot = Prot { read: true, write: true, execute: false };
}

/// What a mapping does with what lies at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// The range must be free, else [`Error::AddressInUse`].
    New,
    /// It takes the place of a mapping that `mm` made before.
    Replace,
}

/// Whether stores to mapped bytes of a stream reach the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Copy on write.
    Private,
    /// They do.
    Shared,
}

/// An access to guest memory failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The address that could not be accessed (or the first of the range when the host does not know better).
    pub address: u64,
    /// Whether it was a store.
    pub write: bool,
}

/// How a wait on a word ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Woken, or the word had another value, or for no reason: look again.
    Look,
    /// The deadline passed.
    TimedOut,
}

/// What a socket is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ready {
    /// A receive or an accept finds something, be it the end.
    pub read: bool,
    /// A send finds room.
    pub write: bool,
    /// Urgent data is there.
    pub urgent: bool,
    /// Both directions are closed.
    pub hangup: bool,
    /// Something went wrong.
    pub error: bool,
}

impl Ready {
    /// To receive or accept.
    pub const READ: Ready = Ready { read: true, write: false, urgent: false, hangup: false, error: false };
    /// To send.
    pub const WRITE: Ready = Ready { read: false, write: true, urgent: false, hangup: false, error: false };
    /// All there is.
    pub const ALL: Ready = Ready { read: true, write: true, urgent: true, hangup: true, error: true };

    /// Either's.
    pub fn or(self, other: Ready) -> Ready {
        Ready {
            read: self.read || other.read,
            write: self.write || other.write,
            urgent: self.urgent || other.urgent,
            hangup: self.hangup || other.hangup,
            error: self.error || other.error,
        }
    }
}

/// How to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receive {
    /// What was received stays there.
    pub peek: bool,
    /// Urgent data.
    pub urgent: bool,
}

/// What comes beside a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// The address that it was sent to, and the interface that it came by.
    Destination(std::net::IpAddr, u32),
    /// Hops that it had left.
    Hops(i32),
    /// Type of service, or traffic class.
    Class(i32),
}

/// What is known of what was received.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Who sent it.
    pub from: Option<shim_abi::net::Endpoint>,
    /// What came beside it.
    pub beside: Vec<Beside>,
    /// Whether there was more of the datagram than room.
    pub cut: bool,
}

/// A stream that the host holds for the kernel; closed when dropped.
pub struct Stream {
    host: &'static dyn Host,
    number: u32,
}

impl Stream {
    /// Takes over the stream with this number of the host's.
    pub fn adopt(host: &'static dyn Host, number: u32) -> Stream {
        Stream { host, number }
    }

    /// The host's number for it.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", self.number)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.host.close(self.number);
    }
}

/// The machine.
pub trait Host: Send + Sync {
    // Memory of the guest.

    /// Maps zeroed memory. Costs address space only until it is touched.
    fn map(&self, address: u64, length: u64, prot: Prot, placement: Placement) -> Result;
    /// Maps zeroed memory that several views share: a pagefile-backed section. Answers a stream to map it from.
    fn make_shared(&self, length: u64) -> Result<Stream>;
    /// Maps bytes of a stream. `offset` is a multiple of 4096; bytes past its end fault.
    #[allow(clippy::too_many_arguments)]
    fn map_stream(
        &self,
        address: u64,
        length: u64,
        prot: Prot,
        placement: Placement,
        stream: &Stream,
        offset: u64,
        sharing: Sharing,
    ) -> Result;
    /// Gives a range back.
    fn unmap(&self, address: u64, length: u64);
    /// Changes what may be done with mapped pages.
    fn protect(&self, address: u64, length: u64, prot: Prot) -> Result;
    /// Gives pages back. Those of private memory read as zero afterwards, those of a mapped stream as what is there.
    fn discard(&self, address: u64, length: u64) -> Result;

    /// Gives back what the runtime keeps for later of memory that the kernel freed, and pages of its own file.
    fn trim(&self);
    /// Code of a guest thread that gives back what is free in the process's heaps, see `mm::trim`; nothing on a machine without.
    fn compactor(&self) -> &'static [u8];

    /// Loads from guest memory.
    fn read_user(&self, address: u64, into: &mut [u8]) -> core::result::Result<(), Fault>;
    /// Stores to guest memory.
    fn write_user(&self, address: u64, from: &[u8]) -> core::result::Result<(), Fault>;
    /// Atomically replaces an aligned `u32` of guest memory if it has the value expected; answers the value before.
    fn swap_user_u32(&self, address: u64, expected: u32, new: u32) -> core::result::Result<u32, Fault>;

    /// Fills areas of guest memory with a value, from each row's first byte on: the value's lowest byte comes first.
    fn fill_user(&self, areas: &[Area], value: u32) -> core::result::Result<(), Fault> {
        let mut bytes = [0; 256];
        bytes.chunks_exact_mut(4).for_each(|four| four.copy_from_slice(&value.to_le_bytes()));
        for Area { block, rows } in areas {
            for row in (0..*rows).map(|index| block.row(index)) {
                let mut done = 0;
                while done < block.bytes {
                    let count = (block.bytes - done).min(bytes.len());
                    self.write_user(row.wrapping_add(done as u64), bytes.get(..count).unwrap_or_default())?;
                    done += count;
                }
            }
        }
        Ok(())
    }
    /// Stores a word along a line of guest memory.
    fn step_user(&self, steps: &Steps, value: u32) -> core::result::Result<(), Fault> {
        let mut steps = *steps;
        while steps.count > 0 {
            self.write_user(steps.address, &value.to_le_bytes())?;
            steps.advance();
        }
        Ok(())
    }
    /// Copies rows of guest memory to guest memory, and takes off what is done.
    fn copy_user(&self, rows: &mut Rows) -> core::result::Result<(), Fault> {
        let mut row = vec![0; rows.bytes];
        while rows.rows > 0 {
            self.read_user(rows.from, &mut row)?;
            self.write_user(rows.to, &row)?;
            rows.advance();
        }
        Ok(())
    }
    /// Loads rows of guest memory.
    fn read_rows(&self, from: &Block, into: &mut [u8]) -> core::result::Result<(), Fault> {
        for (index, row) in into.chunks_exact_mut(from.bytes.max(1)).enumerate() {
            self.read_user(from.row(index), row)?;
        }
        Ok(())
    }
    /// As [`tint::Tint::draw`], which says what this is; a machine may have something quicker.
    fn tint(
        &self,
        tint: &tint::Tint,
        run: &mut [u32],
        width: usize,
        shades: &tint::Shades<'_>,
    ) -> Option<(usize, usize)> {
        tint.draw(run, width, shades)
    }
    /// Stores rows to guest memory.
    fn write_rows(&self, to: &Block, from: &[u8]) -> core::result::Result<(), Fault> {
        for (index, row) in from.chunks_exact(to.bytes.max(1)).enumerate() {
            self.write_user(to.row(index), row)?;
        }
        Ok(())
    }

    // Streams.

    /// Carries an encoded call to the monitor; answers the encoded reply and the stream that came with it, if any.
    /// Callers use `ask` and `ask_stream`.
    fn monitor(&self, request: &[u8]) -> Result<(Vec<u8>, Option<u32>)>;
    /// The same for a call whose reply carries several streams.
    fn monitor_several(&self, request: &[u8]) -> Result<(Vec<u8>, Vec<u32>)>;
    /// Tells that an encoded call will be made soon, so that its answer may be fetched meanwhile. It is used once, by the next
    /// equal call. An answer that is not `lasting` may have become wrong, and is dropped, when any other call is made after the
    /// guest began to run.
    fn ahead(&self, _request: Vec<u8>, _lasting: bool) {}
    /// As [`Host::monitor`], with a stream that goes along. Callers use `leave` and `ask_about`.
    fn monitor_with(&self, request: &[u8], stream: &Stream) -> Result<(Vec<u8>, Option<u32>)>;
    /// Closes a stream; [`Stream`] does so when dropped.
    fn close(&self, number: u32);
    /// Reads into guest memory; at an offset, or in order. 0 is the end. Blocks while a pipe is empty.
    fn read(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize>;
    /// Writes from guest memory; at an offset, or in order. Blocks while a pipe is full.
    fn write(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize>;
    /// Reads into the kernel's own memory.
    fn read_bytes(&self, stream: &Stream, into: &mut [u8], offset: Option<u64>) -> Result<usize>;
    /// Writes from the kernel's own memory.
    fn write_bytes(&self, stream: &Stream, from: &[u8], offset: Option<u64>) -> Result<usize>;
    /// Receives one datagram (changes of a watched directory). Blocks until there is one, `stop` is not `0`, or the other
    /// end is closed (`Ok(0)`).
    fn receive(&self, stream: &Stream, into: &mut [u8], stop: &AtomicU32) -> Result<usize>;
    /// Waits until a stream can be read (or written) without blocking, or the deadline; answers whether it can.
    fn poll(&self, stream: &Stream, write: bool, deadline: Option<u64>) -> Result<bool>;
    /// Bytes in an open stream, and its other numbers.
    fn query(&self, stream: &Stream) -> Result<shim_abi::stream::Info>;
    /// Cuts or extends a stream.
    fn set_length(&self, stream: &Stream, length: u64) -> Result;
    /// Waits until what was written is on the disk.
    fn flush(&self, stream: &Stream) -> Result;
    /// Locks (`Some(exclusive)`) or unlocks (`None`) a range against other sandboxes; never waits: [`Error::Locked`].
    fn lock(&self, stream: &Stream, offset: u64, length: u64, exclusive: Option<bool>) -> Result;
    /// Maps a stream read-only into the kernel for good: registry hive, code-page tables. The bytes must not change.
    fn map_forever(&self, stream: &Stream) -> Result<&'static [u8]>;
    /// The program's own stream 0, 1 or 2.
    fn standard(&self, which: u32) -> Stream;

    // Sockets. None of these waits, but for the last two.

    /// Receives into guest memory: a datagram, or what there is of a stream; 0 is the end of a stream. With `message`, who sent
    /// it is told, and what came beside it.
    fn receive_message(
        &self,
        socket: &Stream,
        buffers: &[(u64, usize)],
        how: Receive,
        message: Option<&mut Message>,
    ) -> Result<usize>;
    /// Bytes that a receive would find now: of a TCP stream all (0 is its end), else of the first datagram.
    fn unread(&self, socket: &Stream, stream: bool) -> Result<usize>;
    /// Sends from guest memory: a datagram to where the socket leads, or as much of a stream as there is room for.
    fn send(&self, socket: &Stream, address: u64, length: usize) -> Result<usize>;
    /// Sends from the kernel's own memory.
    fn send_bytes(&self, socket: &Stream, from: &[u8]) -> Result<usize>;
    /// Has every change of a socket's readiness told to who waits at `many` (a stream `ready:`), under this token.
    fn watch(&self, many: &Stream, socket: &Stream, token: u64) -> Result;
    /// Waits for sockets to become ready; answers their tokens and for what, none after the deadline, or if the calling guest thread
    /// was interrupted.
    fn wait_ready(&self, many: &Stream, deadline: Option<u64>) -> Result<Vec<(u64, Ready)>>;
    /// Waits until one of the sockets is ready for what is wanted; answers what each is ready for, nothing after the deadline.
    fn poll_sockets(&self, sockets: &[&Stream], wanted: Ready, deadline: Option<u64>) -> Result<Vec<Ready>>;

    // Threads.

    /// Starts a host thread that runs the guest from the context that `Kernel::thread_start` answers.
    fn spawn_guest(&self, thread: Arc<Thread>) -> Result;
    /// Starts a host thread that runs kernel code only.
    fn spawn_worker(&self, run: Box<dyn FnOnce() + Send>) -> Result;
    /// Makes the thread enter `Kernel::interrupted` soon if it runs guest code; ends its current `wait`.
    fn interrupt(&self, thread: &Thread);
    /// The guest's registers behind the system call that the calling thread is in, as they will be when it returns; volatile
    /// ones, `rax` among them, are unknown.
    fn call_context(&self) -> Option<crate::types::Context>;
    /// Runs the guest from these registers, within the system call that the calling thread is in, until a call that the guest makes
    /// meanwhile ends with `Outcome::Exit`. Answers whether the kernel's stack had room for it.
    fn call_guest(&self, context: &crate::types::Context) -> bool;
    /// Sets what a thread gets of the processors, as far as the host grants it.
    fn schedule(&self, thread: &Thread, schedule: &crate::ps::schedule::Schedule);
    /// Processor time of a thread.
    fn thread_time(&self, thread: &Thread) -> u64;
    /// Processor time of the picoprocess.
    fn process_time(&self) -> u64;
    /// That part of a thread's, or of the picoprocess's, that was not the host's kernel's, as the host's ticks sample it.
    fn user_time(&self, thread: Option<&Thread>) -> u64;
    /// Lets others run.
    fn yield_now(&self);
    /// The processor that runs the caller.
    fn current_processor(&self) -> u32;
    /// Has every thread that runs kernel code only stay asleep from now on, up to the end; not if one of them is awake.
    fn stay_asleep(&self) -> bool;
    /// Ends the picoprocess. `message` is for a person, empty when the program ended by itself.
    fn exit(&self, status: u32, message: &str) -> !;

    // Waiting.

    /// Sleeps while `word` is `expected`, until woken, interrupted or the deadline on [`Host::monotonic`].
    fn wait(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake;
    /// Wakes up to `count` sleepers.
    fn wake(&self, word: &AtomicU32, count: u32);

    // The sandbox.

    /// The memory that all picoprocesses of the sandbox map. `wait` and `wake` of a word there are seen by all. `None` where there is none.
    fn sandbox(&self) -> Option<&'static [AtomicU32]>;
    /// Waits for what a picoprocess is told that another made.
    fn told(&self) -> Result<shim_abi::boot::Told>;
    /// Whether the picoprocess of that number may still run.
    fn alive(&self, member: u32) -> bool;

    // Time and chance.

    /// Nanoseconds since the host started, never going back; counts sleep of the machine.
    fn monotonic(&self) -> u64;
    /// Nanoseconds since 1970, UTC.
    fn realtime(&self) -> i64;
    /// Fills with random bytes fit for keys.
    fn random(&self, into: &mut [u8]);

    // Rarities.

    /// The 4096 bytes that the guest reads at 0x7ffe0000, writable here.
    fn shared_data(&self) -> &'static [AtomicU32];
    /// Waits for the monitor's next event; `None` when there will be none.
    fn event(&self) -> Option<shim_abi::calls::Event>;
    /// Tells the monitor, for it to show, the process's number and how many system calls it made.
    fn tell_calls(&self, id: u64, calls: u64);
    /// Writes a line to the trace.
    fn trace(&self, line: &str);
    /// Addresses that guest code calls to enter the kernel: system calls, and unix calls of Wine's DLLs.
    fn entry_points(&self) -> (u64, u64);
}

impl dyn Host {
    /// A monitor call.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn ask<C: MonitorCall>(&self, call: &C) -> Result<C::Reply> {
        let (reply, stream) = self.monitor(&request(call)?)?;
        if let Some(number) = stream {
            self.close(number);
        }
        read_reply(&reply)
    }

    /// A monitor call whose reply may carry a stream.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn ask_stream<C: MonitorCall>(&'static self, call: &C) -> Result<(C::Reply, Option<Stream>)> {
        let (reply, stream) = self.monitor(&request(call)?)?;
        let stream = stream.map(|number| Stream::adopt(self, number));
        Ok((read_reply(&reply)?, stream))
    }

    /// Leaves a stream for the other picoprocesses of the sandbox; answers its token.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn leave(&self, stream: &Stream) -> Result<u64> {
        let call = shim_abi::calls::StreamShare { token: 0, forget: false };
        let (reply, stream) = self.monitor_with(&request(&call)?, stream)?;
        if let Some(number) = stream {
            self.close(number);
        }
        read_reply(&reply)
    }

    /// A monitor call about a stream, whose reply may carry another.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn ask_about<C: MonitorCall>(&'static self, stream: &Stream, call: &C) -> Result<(C::Reply, Option<Stream>)> {
        let (reply, stream) = self.monitor_with(&request(call)?, stream)?;
        let stream = stream.map(|number| Stream::adopt(self, number));
        Ok((read_reply(&reply)?, stream))
    }

    /// A stream that was left.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn take_left(&'static self, token: u64) -> Result<Stream> {
        let call = shim_abi::calls::StreamShare { token, forget: false };
        self.ask_stream(&call)?.1.ok_or(Error::Malformed)
    }

    /// Has a stream forgotten that was left.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn forget_left(&self, token: u64) -> Result {
        self.ask(&shim_abi::calls::StreamShare { token, forget: true }).map(drop)
    }

    /// Opens the host's root certificates (`roots:`).
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn open_roots(&'static self) -> Result<Stream> {
        self.open_file("roots:".to_owned())
    }

    /// What feeds the host now (`power:`).
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn power(&'static self) -> Result<shim_abi::power::Power> {
        let stream = self.open_file("power:".to_owned())?;
        let mut bytes = [0; 64];
        let count = self.read_bytes(&stream, &mut bytes, Some(0))?;
        shim_abi::wire::decode(bytes.get(..count).unwrap_or_default()).map_err(|_| Error::Malformed)
    }

    /// A monitor call whose reply carries several streams.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn ask_streams<C: MonitorCall>(&'static self, call: &C) -> Result<(C::Reply, Vec<Stream>)> {
        let (reply, streams) = self.monitor_several(&request(call)?)?;
        let streams = streams.into_iter().map(|number| Stream::adopt(self, number)).collect();
        Ok((read_reply(&reply)?, streams))
    }

    /// Opens a file of the base image by its name there, such as `nls/locale.nls`.
    ///
    /// # Errors
    /// What the monitor answers.
    pub fn open_image(&'static self, name: &str) -> Result<Stream> {
        self.open_file(format!("image:{name}"))
    }

    fn open_file(&'static self, uri: String) -> Result<Stream> {
        use shim_abi::stream::{Disposition, Expect, access};
        let open = shim_abi::calls::StreamOpen {
            uri,
            access: access::READ,
            disposition: Disposition::Open,
            expect: Expect::File,
            attributes: 0,
        };
        self.ask_stream(&open)?.1.ok_or(Error::Malformed)
    }
}
