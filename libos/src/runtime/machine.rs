//! The machine that `ntum` runs on: [`Host`] on Linux.
#![allow(unsafe_code)]

use super::entry::{
    portcullis_call, portcullis_copy, portcullis_exchange, portcullis_fill, portcullis_step, portcullis_syscall_entry,
    portcullis_unix_entry,
};
use super::lanes::{self, Lanes};
use super::thread_block::ThreadBlock;
use super::{layout, sandbox, signals, sockets, threads};
use ntum::Kernel;
use ntum::host::{
    Area, Block, Fault, Host, Message, Placement, Prot, Ready, Receive, Rows, Sharing, Steps, Stream, Wake,
};
use ntum::ps::thread::Thread;
use shim_abi::boot::Told;
use shim_abi::calls::{Event, ProcessReport, StreamOpen};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Disposition, Expect, Identity, Info, Kind, access};
use shim_abi::wire::request;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// The one machine of a picoprocess.
pub struct Machine {
    lanes: Lanes,
    shared: &'static [AtomicU32],
    log: OnceLock<Option<Stream>>,
}

static MACHINE: OnceLock<Machine> = OnceLock::new();
static KERNEL: OnceLock<&'static Kernel> = OnceLock::new();

/// Sets the machine up, once.
pub fn start(shared: &'static [AtomicU32], lanes: Lanes) -> &'static Machine {
    MACHINE.get_or_init(|| Machine { lanes, shared, log: OnceLock::new() })
}

/// The guest is about to run.
pub fn guest_runs() {
    host().lanes.guest_runs();
}

/// The machine.
pub fn host() -> &'static Machine {
    MACHINE.get().unwrap_or_else(|| std::process::abort())
}

/// Sets the kernel, once.
pub fn set_kernel(kernel: &'static Kernel) {
    let _ = KERNEL.set(kernel);
}

/// The kernel.
pub fn kernel() -> &'static Kernel {
    KERNEL.get().unwrap_or_else(|| std::process::abort())
}

const NANOSECONDS: u64 = 1_000_000_000;

fn check(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| layout::last_error())
}

/// A Linux call that may block, given up for nothing but what [`given_up`] says: signals that do not matter to it, and
/// such as came before it began, only have it looked at again.
///
/// # Safety
/// As the call; what its arguments point at is the host's to check or valid.
#[inline]
unsafe fn persist(number: i64, a: u64, b: u64, c: u64, d: u64) -> Result<usize> {
    let interrupted = interrupt_word();
    loop {
        // SAFETY: the caller's promise; the interrupt word lives as long as the thread runs guest code, or for ever.
        let result = unsafe { portcullis_call(number, a, b, c, d, interrupted.as_ptr()) };
        match usize::try_from(result) {
            Ok(result) => return Ok(result),
            Err(_) if result == -(libc::EINTR as isize) && !given_up() => {}
            Err(_) => return Err(layout::error_of(-result as i32)),
        }
    }
}

/// What says that the calling thread is interrupted: never so on threads that run no guest code.
fn interrupt_word() -> &'static AtomicU32 {
    static NEVER: AtomicU32 = AtomicU32::new(0);
    block().map_or(&NEVER, |block| &block.interrupted)
}

/// After a signal: sees to what interrupts the calling guest thread, and answers whether its call is to be given up.
#[cold]
fn given_up() -> bool {
    let Some(block) = block() else { return false };
    block.interrupted.store(0, Ordering::Release);
    kernel().cut_short(&block.thread)
}

/// The calling thread's block, if it is a guest thread.
pub(super) fn block() -> Option<&'static ThreadBlock> {
    let teb: u64;
    // SAFETY: FSGSBASE was checked at the start; the instruction only reads a register.
    unsafe { core::arch::asm!("rdgsbase {}", out(reg) teb, options(nomem, nostack, preserves_flags)) };
    if teb == 0 {
        return None;
    }
    // SAFETY: a GS base that is not 0 is at a TEB whose slot holds the block of this thread, which lives while GS is so.
    unsafe { ((teb + super::thread_block::TEB_SLOT) as *const *const ThreadBlock).read_volatile().as_ref() }
}

/// A clock, by a real system call where `processor` time is asked for: the vDSO has none.
fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call to write.
    unsafe { libc::clock_gettime(id, &mut time) };
    (time.tv_sec as u64).wrapping_mul(NANOSECONDS).wrapping_add(time.tv_nsec as u64)
}

fn descriptor(stream: &Stream) -> i32 {
    stream.number() as i32
}

/// Moves bytes by the first of two Linux calls, or at an offset by the second.
///
/// # Safety
/// `length` bytes at `address` are memory that the call may use, or an address that the host is to check.
#[inline]
unsafe fn transfer(
    calls: [i64; 2],
    stream: &Stream,
    address: u64,
    length: usize,
    offset: Option<u64>,
) -> Result<usize> {
    let number = calls[usize::from(offset.is_some())];
    // SAFETY: the caller's promise.
    unsafe { persist(number, u64::from(stream.number()), address, length as u64, offset.unwrap_or(0)) }
}

impl Machine {
    /// Time until a deadline, as poll and its like take it: -1 for ever.
    fn milliseconds(&self, deadline: Option<u64>) -> i32 {
        match deadline {
            None => -1,
            Some(0) => 0,
            Some(at) => at.saturating_sub(self.monotonic()).div_ceil(1_000_000).min(i32::MAX as u64) as i32,
        }
    }

    /// Ends the picoprocess with a status, telling the monitor first.
    pub fn end(&self, status: u32, message: &str) -> ! {
        // A status that an exit code holds needs no report.
        if status > 0xff || !message.is_empty() {
            let report = ProcessReport { status, message: message.to_owned() };
            if let Ok(frame) = request(&report) {
                let _ = self.lanes.call(&frame);
            }
        }
        // SAFETY: ends the process; nothing of it is used afterwards.
        unsafe { libc::_exit((status & 0xff) as i32) }
    }
}

/// Sleeps while a word of the picoprocess's own is `expected`; may wake early.
pub fn sleep_on(word: &AtomicU32, expected: u32) {
    let operation = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
    let no_time = core::ptr::null::<libc::timespec>();
    // SAFETY: the word lives until the call returns, and there is no deadline.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, no_time, 0, u32::MAX) };
}

/// Wakes all who [`sleep_on`] a word.
pub fn wake_all(word: &AtomicU32) {
    // SAFETY: the word lives until the call returns; a wake touches no memory.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, i32::MAX) };
}

impl Host for Machine {
    fn map(&self, address: u64, length: u64, prot: Prot, placement: Placement) -> Result {
        layout::map(address, length, prot, placement)
    }

    fn make_shared(&self, length: u64) -> Result<Stream> {
        // SAFETY: the name is a C string; the call makes a new descriptor.
        let file = unsafe { libc::memfd_create(c"section".as_ptr(), libc::MFD_CLOEXEC) };
        let stream = Stream::adopt(host(), check(file as isize)? as u32);
        self.set_length(&stream, length)?;
        Ok(stream)
    }

    fn map_stream(
        &self,
        address: u64,
        length: u64,
        prot: Prot,
        placement: Placement,
        stream: &Stream,
        offset: u64,
        sharing: Sharing,
    ) -> Result {
        layout::map_descriptor(address, length, prot, placement, descriptor(stream), offset, sharing)
    }

    fn unmap(&self, address: u64, length: u64) {
        layout::unmap(address, length);
    }

    fn protect(&self, address: u64, length: u64, prot: Prot) -> Result {
        layout::protect(address, length, prot)
    }

    fn discard(&self, address: u64, length: u64) -> Result {
        layout::discard(address, length)
    }

    fn read_user(&self, address: u64, into: &mut [u8]) -> core::result::Result<(), Fault> {
        // SAFETY: `into` is writable for its length. A fault at the guest's address is answered by the signal handler,
        // which recognises the copy by its instruction pointer and makes it answer 1. The caller checked the range.
        match unsafe { portcullis_copy(into.as_mut_ptr() as u64, address, into.len()) } {
            0 => Ok(()),
            _ => Err(first_fault(address, into.len() as u64, false)),
        }
    }

    fn write_user(&self, address: u64, from: &[u8]) -> core::result::Result<(), Fault> {
        // SAFETY: as in `read_user`; the store goes to the guest's half, which holds no object of Rust's that this side
        // relies on (a guest that passes the runtime's own addresses harms only itself: the filter is the boundary).
        match unsafe { portcullis_copy(address, from.as_ptr() as u64, from.len()) } {
            0 => Ok(()),
            _ => Err(first_fault(address, from.len() as u64, true)),
        }
    }

    fn swap_user_u32(&self, address: u64, expected: u32, new: u32) -> core::result::Result<u32, Fault> {
        let mut old = 0;
        // SAFETY: as in `write_user`.
        match unsafe { portcullis_exchange(address, expected, new, &mut old) } {
            0 => Ok(old),
            _ => Err(Fault { address, write: true }),
        }
    }

    fn fill_user(&self, areas: &[Area], value: u32) -> core::result::Result<(), Fault> {
        let wide = u32::from(is_x86_feature_detected!("avx2"));
        // SAFETY: the areas are readable for their number, and wide stores are what the processor has; what is filled is the guest's, as in `write_user`.
        if unsafe { portcullis_fill(areas.as_ptr(), areas.len(), value, wide) } == 0 {
            return Ok(());
        }
        let rows =
            areas.iter().flat_map(|Area { block, rows }| (0..*rows).map(|index| (block.row(index), block.bytes)));
        let mut faults = rows.filter_map(|(row, bytes)| find_fault(row, bytes as u64, true));
        let first = areas.first().map_or(0, |area| area.block.address);
        Err(faults.next().unwrap_or(Fault { address: first, write: true }))
    }

    fn step_user(&self, steps: &Steps, value: u32) -> core::result::Result<(), Fault> {
        // SAFETY: `steps` is readable; what is stored to is the guest's, as in `write_user`.
        if unsafe { portcullis_step(steps, value) } == 0 {
            return Ok(());
        }
        let mut at = *steps;
        while at.count > 0 {
            if let Some(fault) = find_fault(at.address, 4, true) {
                return Err(fault);
            }
            at.advance();
        }
        Err(Fault { address: steps.address, write: true })
    }

    fn copy_user(&self, rows: &mut Rows) -> core::result::Result<(), Fault> {
        while rows.rows > 0 {
            // SAFETY: both places are the guest's, as in `read_user` and `write_user`.
            if unsafe { portcullis_copy(rows.to, rows.from, rows.bytes) } != 0 {
                let bytes = rows.bytes as u64;
                return Err(find_fault(rows.from, bytes, false).unwrap_or_else(|| first_fault(rows.to, bytes, true)));
            }
            rows.advance();
        }
        Ok(())
    }

    fn read_rows(&self, from: &Block, into: &mut [u8]) -> core::result::Result<(), Fault> {
        let rows = into.chunks_exact_mut(from.bytes.max(1));
        rows.enumerate().try_for_each(|(index, row)| self.read_user(from.row(index), row))
    }

    fn tint(
        &self,
        tint: &ntum::host::tint::Tint,
        run: &mut [u32],
        width: usize,
        shades: &ntum::host::tint::Shades<'_>,
    ) -> Option<(usize, usize)> {
        super::tint::draw(tint, run, width, shades)
    }

    fn write_rows(&self, to: &Block, from: &[u8]) -> core::result::Result<(), Fault> {
        let rows = from.chunks_exact(to.bytes.max(1));
        rows.enumerate().try_for_each(|(index, row)| self.write_user(to.row(index), row))
    }

    fn monitor(&self, request: &[u8]) -> Result<(Vec<u8>, Option<u32>)> {
        self.lanes.call(request).map(|(reply, came)| (reply, came.one()))
    }

    fn monitor_several(&self, request: &[u8]) -> Result<(Vec<u8>, Vec<u32>)> {
        self.lanes.call(request).map(|(reply, came)| (reply, came.all().collect()))
    }

    fn monitor_with(&self, request: &[u8], stream: &Stream) -> Result<(Vec<u8>, Option<u32>)> {
        self.lanes.call_with(request, descriptor(stream)).map(|(reply, came)| (reply, came.one()))
    }

    fn receive_message(
        &self,
        socket: &Stream,
        buffers: &[(u64, usize)],
        how: Receive,
        message: Option<&mut Message>,
    ) -> Result<usize> {
        sockets::receive(descriptor(socket), buffers, how, message)
    }

    fn unread(&self, socket: &Stream, stream: bool) -> Result<usize> {
        sockets::unread(descriptor(socket), stream)
    }

    fn send(&self, socket: &Stream, address: u64, length: usize) -> Result<usize> {
        if !ntum::um::in_range(address, length.max(1) as u64) {
            return Err(Error::Fault);
        }
        sockets::send(descriptor(socket), address, length)
    }

    fn send_bytes(&self, socket: &Stream, from: &[u8]) -> Result<usize> {
        sockets::send(descriptor(socket), from.as_ptr() as u64, from.len())
    }

    fn watch(&self, many: &Stream, socket: &Stream, token: u64) -> Result {
        sockets::watch(descriptor(many), descriptor(socket), token)
    }

    fn wait_ready(&self, many: &Stream, deadline: Option<u64>) -> Result<Vec<(u64, Ready)>> {
        let interrupted = interrupt_word();
        let found =
            threads::resting(|| sockets::wait_ready(descriptor(many), self.milliseconds(deadline), interrupted));
        match found {
            Err(Error::Interrupted) => {
                interrupted.store(0, Ordering::Release);
                Ok(Vec::new())
            }
            found => found,
        }
    }

    fn poll_sockets(&self, sockets: &[&Stream], wanted: Ready, deadline: Option<u64>) -> Result<Vec<Ready>> {
        let mut set: Vec<libc::pollfd> = sockets.iter().map(|one| sockets::wanted(descriptor(one), wanted)).collect();
        let (at, count) = (set.as_mut_ptr() as u64, set.len() as u64);
        let interrupted = interrupt_word();
        loop {
            let wait = self.milliseconds(deadline) as u64;
            // SAFETY: `set` holds that many valid entries; the interrupt word lives as in `persist`.
            match unsafe { portcullis_call(libc::SYS_poll, at, count, wait, 0, interrupted.as_ptr()) } {
                ready if ready >= 0 => return Ok(set.iter().map(sockets::found).collect()),
                error if error == -(libc::EINTR as isize) && !given_up() => {}
                error => return Err(layout::error_of(-error as i32)),
            }
        }
    }

    fn ahead(&self, request: Vec<u8>, lasting: bool) {
        self.lanes.ahead(request, lasting);
    }

    fn close(&self, number: u32) {
        // SAFETY: the number is owned by the caller (`Stream` closes once).
        unsafe { libc::close(number as i32) };
    }

    fn read(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize> {
        if !ntum::um::in_range(address, length.max(1) as u64) {
            return Err(Error::Fault);
        }
        // SAFETY: the host checks the guest's address itself (EFAULT).
        unsafe { transfer([libc::SYS_read, libc::SYS_pread64], stream, address, length, offset) }
    }

    fn write(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize> {
        if !ntum::um::in_range(address, length.max(1) as u64) {
            return Err(Error::Fault);
        }
        // SAFETY: as in `read`.
        unsafe { transfer([libc::SYS_write, libc::SYS_pwrite64], stream, address, length, offset) }
    }

    fn read_bytes(&self, stream: &Stream, into: &mut [u8], offset: Option<u64>) -> Result<usize> {
        // SAFETY: `into` is writable for its length.
        unsafe { transfer([libc::SYS_read, libc::SYS_pread64], stream, into.as_mut_ptr() as u64, into.len(), offset) }
    }

    fn write_bytes(&self, stream: &Stream, from: &[u8], offset: Option<u64>) -> Result<usize> {
        // SAFETY: `from` is readable for its length.
        unsafe { transfer([libc::SYS_write, libc::SYS_pwrite64], stream, from.as_ptr() as u64, from.len(), offset) }
    }

    fn receive(&self, stream: &Stream, into: &mut [u8], stop: &AtomicU32) -> Result<usize> {
        // Looks up from time to time, so that a watch that is given up ends its worker.
        const LOOK: u64 = 100_000_000;
        while stop.load(Ordering::Acquire) == 0 {
            if self.poll(stream, false, Some(self.monotonic() + LOOK))? {
                return lanes::receive_from(descriptor(stream), into);
            }
        }
        Err(Error::Interrupted)
    }

    fn poll(&self, stream: &Stream, write: bool, deadline: Option<u64>) -> Result<bool> {
        let events = if write { libc::POLLOUT } else { libc::POLLIN };
        let mut set = libc::pollfd { fd: descriptor(stream), events, revents: 0 };
        let at = &raw mut set as u64;
        let interrupted = interrupt_word();
        loop {
            let wait = self.milliseconds(deadline);
            // SAFETY: `set` is one valid pollfd; the interrupt word lives as in `persist`.
            match unsafe { portcullis_call(libc::SYS_poll, at, 1, wait as u64, 0, interrupted.as_ptr()) } {
                0 => return Ok(false),
                ready if ready > 0 => return Ok(true),
                error if error == -(libc::EINTR as isize) && !given_up() => {}
                error => return Err(layout::error_of(-error as i32)),
            }
        }
    }

    fn query(&self, stream: &Stream) -> Result<Info> {
        // SAFETY: an all-zero stat is a valid one.
        let mut stat: libc::stat = unsafe { core::mem::zeroed() };
        // SAFETY: `stat` is valid for the call to write. The C library's fstat names a path, which the filter refuses.
        check(unsafe { libc::syscall(libc::SYS_fstat, descriptor(stream), &mut stat) } as isize)?;
        let kind = match stat.st_mode & libc::S_IFMT {
            libc::S_IFDIR => Kind::Directory,
            libc::S_IFIFO => Kind::Pipe,
            libc::S_IFSOCK => Kind::Socket,
            libc::S_IFCHR if stat.st_rdev >> 8 == 1 => Kind::Null,
            libc::S_IFCHR => Kind::Terminal,
            _ => Kind::File,
        };
        let time =
            |seconds: i64, nanoseconds: i64| seconds.saturating_mul(NANOSECONDS as i64).saturating_add(nanoseconds);
        let readonly = u32::from(stat.st_mode & 0o222 == 0) * shim_abi::stream::attributes::READONLY;
        Ok(Info {
            kind,
            attributes: readonly,
            size: stat.st_size as u64,
            allocated: stat.st_blocks as u64 * 512,
            links: stat.st_nlink as u32,
            identity: Identity { volume: stat.st_dev, number: stat.st_ino },
            created: time(stat.st_ctime, stat.st_ctime_nsec),
            accessed: time(stat.st_atime, stat.st_atime_nsec),
            written: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
            writable: true,
        })
    }

    fn set_length(&self, stream: &Stream, length: u64) -> Result {
        let length = i64::try_from(length).map_err(|_| Error::NoSpace)?;
        // SAFETY: no memory is involved.
        check(unsafe { libc::ftruncate(descriptor(stream), length) } as isize).map(drop)
    }

    fn flush(&self, stream: &Stream) -> Result {
        // SAFETY: no memory is involved.
        match check(unsafe { libc::fsync(descriptor(stream)) } as isize) {
            // Pipes and terminals have nothing to wait for.
            Err(Error::Invalid) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn lock(&self, stream: &Stream, offset: u64, length: u64, exclusive: Option<bool>) -> Result {
        // SAFETY: an all-zero flock is a valid one.
        let mut lock: libc::flock = unsafe { core::mem::zeroed() };
        lock.l_type = match exclusive {
            Some(true) => libc::F_WRLCK,
            Some(false) => libc::F_RDLCK,
            None => libc::F_UNLCK,
        } as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        lock.l_start = offset.min(i64::MAX as u64) as i64;
        // Linux reads length 0 as "to the end".
        lock.l_len = length.min(i64::MAX as u64 - lock.l_start as u64) as i64;
        // SAFETY: `lock` is valid for the call to read.
        match check(unsafe { libc::fcntl(descriptor(stream), libc::F_OFD_SETLK, &lock) } as isize) {
            Ok(_) => Ok(()),
            // EACCES and EAGAIN both say that somebody else holds it (fcntl(2)); EBADF, that the stream lacks the right.
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EACCES) => Err(Error::Locked),
            Err(Error::WouldBlock) => Err(Error::Locked),
            Err(error) => Err(error),
        }
    }

    fn map_forever(&self, stream: &Stream) -> Result<&'static [u8]> {
        let size = self.query(stream)?.size;
        layout::map_forever(descriptor(stream), usize::try_from(size).map_err(|_| Error::OutOfMemory)?)
    }

    fn standard(&self, which: u32) -> Stream {
        Stream::adopt(host(), which)
    }

    fn spawn_guest(&self, thread: Arc<Thread>) -> Result {
        threads::spawn_guest(thread)
    }

    fn spawn_worker(&self, run: Box<dyn FnOnce() + Send>) -> Result {
        threads::spawn_worker(run)
    }

    fn interrupt(&self, thread: &Thread) {
        let number = thread.host.load(Ordering::Acquire);
        if number != 0 {
            // SAFETY: no memory is involved. The picoprocess is process 1 of its namespace, and the number is of one of its
            // own threads; if that has ended meanwhile the call fails and nothing happens.
            unsafe { libc::syscall(libc::SYS_tgkill, 1, number as i32, signals::INTERRUPT) };
        }
    }

    fn call_context(&self) -> Option<ntum::types::Context> {
        super::call_context(block()?)
    }

    fn call_guest(&self, context: &ntum::types::Context) -> bool {
        super::call_guest(context)
    }

    fn trim(&self) {
        // SAFETY: releases free memory of the allocator, by madvise and brk.
        unsafe { libc::malloc_trim(0) };
        super::forget_text();
    }

    fn compactor(&self) -> &'static [u8] {
        super::compact::code()
    }

    fn schedule(&self, thread: &Thread, schedule: &ntum::ps::schedule::Schedule) {
        let number = thread.host.load(Ordering::Acquire) as u32;
        let call = shim_abi::calls::ThreadSetPriority {
            thread: number,
            nice: schedule.nice,
            processors: schedule.processors,
            slack: schedule.slack,
        };
        let host: &dyn Host = self;
        // The host may refuse: priorities are hints.
        let _ = host.ask(&call);
    }

    fn thread_time(&self, thread: &Thread) -> u64 {
        match thread.host.load(Ordering::Acquire) {
            0 => 0,
            // CPUCLOCK_SCHED of that thread: how the C library makes clock numbers (MAKE_THREAD_CPUCLOCK).
            number => processor_clock(!(number as i32) << 3 | 6),
        }
    }

    fn user_time(&self, thread: Option<&Thread>) -> u64 {
        // CPUCLOCK_VIRT, likewise; of the process, number 0 is the caller's.
        match thread.map(|thread| thread.host.load(Ordering::Acquire)) {
            None => processor_clock(!0 << 3 | 1),
            Some(0) => 0,
            Some(number) => processor_clock(!(number as i32) << 3 | 5),
        }
    }

    fn process_time(&self) -> u64 {
        processor_clock(libc::CLOCK_PROCESS_CPUTIME_ID)
    }

    fn yield_now(&self) {
        std::thread::yield_now();
    }

    fn current_processor(&self) -> u32 {
        // SAFETY: no memory is involved.
        unsafe { libc::sched_getcpu() }.max(0) as u32
    }

    fn told(&self) -> Result<Told> {
        super::read_told().map_err(|_| Error::Closed)
    }

    fn stay_asleep(&self) -> bool {
        threads::stay_asleep()
    }

    fn exit(&self, status: u32, message: &str) -> ! {
        self.end(status, message)
    }

    fn wait(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake {
        let time = deadline.map(|at| libc::timespec {
            tv_sec: (at / NANOSECONDS) as libc::time_t,
            tv_nsec: (at % NANOSECONDS) as libc::c_long,
        });
        let time = time.as_ref().map_or(core::ptr::null(), |time| time as *const libc::timespec);
        let interrupted = interrupt_word();
        // FUTEX_WAIT_BITSET takes a deadline on CLOCK_MONOTONIC where FUTEX_WAIT takes a span.
        let operation = (libc::FUTEX_WAIT_BITSET | sandbox::futex_flag(word)) as u64;
        let (word, expected) = (word.as_ptr() as u64, u64::from(expected));
        // SAFETY: word, time and interrupt word live until the call returns.
        let result = threads::resting(|| unsafe {
            portcullis_call(libc::SYS_futex, word, operation, expected, time as u64, interrupted.as_ptr())
        });
        if result == -(libc::EINTR as isize) {
            interrupted.store(0, Ordering::Release);
        }
        if result == -(libc::ETIMEDOUT as isize) { Wake::TimedOut } else { Wake::Look }
    }

    fn wake(&self, word: &AtomicU32, count: u32) {
        let operation = libc::FUTEX_WAKE | sandbox::futex_flag(word);
        // SAFETY: the word lives until the call returns; a wake touches no memory.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, count.min(i32::MAX as u32)) };
    }

    fn sandbox(&self) -> Option<&'static [AtomicU32]> {
        sandbox::memory()
    }

    fn alive(&self, member: u32) -> bool {
        sandbox::is_alive(member)
    }

    fn monotonic(&self) -> u64 {
        clock(libc::CLOCK_MONOTONIC)
    }

    fn realtime(&self) -> i64 {
        clock(libc::CLOCK_REALTIME) as i64
    }

    fn random(&self, into: &mut [u8]) {
        let mut done = 0;
        while done < into.len() {
            let rest = &mut into[done..];
            // SAFETY: `rest` is writable for its length.
            done += check(unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) }).unwrap_or(0);
        }
    }

    fn shared_data(&self) -> &'static [AtomicU32] {
        self.shared
    }

    fn tell_calls(&self, id: u64, calls: u64) {
        self.lanes.tell(id, calls);
    }

    fn event(&self) -> Option<Event> {
        threads::resting(lanes::next_event)
    }

    fn trace(&self, line: &str) {
        let log = self.log.get_or_init(|| {
            let open = StreamOpen {
                uri: "log:".into(),
                access: access::WRITE,
                disposition: Disposition::Open,
                expect: Expect::Any,
                attributes: 0,
            };
            let host: &'static dyn Host = host();
            host.ask_stream(&open).ok()?.1
        });
        if let Some(log) = log {
            // A trace that cannot be written is no reason to fail.
            let _ = self.write_bytes(log, format!("{line}\n").as_bytes(), None);
        }
    }

    fn entry_points(&self) -> (u64, u64) {
        (portcullis_syscall_entry as *const () as u64, portcullis_unix_entry as *const () as u64)
    }
}

/// A clock of processor time.
fn processor_clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call to write.
    unsafe { libc::syscall(libc::SYS_clock_gettime, id, &mut time) };
    (time.tv_sec as u64).wrapping_mul(NANOSECONDS).wrapping_add(time.tv_nsec as u64)
}

/// The first page of a range that cannot be accessed; its first one if all can by now.
fn first_fault(address: u64, length: u64, write: bool) -> Fault {
    find_fault(address, length, write).unwrap_or(Fault { address, write })
}

/// The first page of a range that cannot be accessed.
fn find_fault(address: u64, length: u64, write: bool) -> Option<Fault> {
    let end = address.saturating_add(length.max(1));
    let mut at = address;
    while at < end {
        let mut byte = 0u8;
        let here = &mut byte as *mut u8 as u64;
        // SAFETY: as in `read_user` and `swap_user_u32`: faults are answered, and an exchange of 0 for 0 changes nothing.
        let failed = unsafe {
            if write {
                let mut old = 0;
                portcullis_exchange(at & !3, 0, 0, &mut old) != 0
            } else {
                portcullis_copy(here, at, 1) != 0
            }
        };
        if failed {
            return Some(Fault { address: at, write });
        }
        at = (at & !0xfff) + 0x1000;
    }
    None
}
