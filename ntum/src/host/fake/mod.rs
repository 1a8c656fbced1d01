//! A host for unit tests: guest memory in a map, streams in memory, real threads, real time.
//!
//! `Fake::kernel()` answers a kernel on a fresh machine of its own, for ever; `Fake::thread` runs a closure as a guest
//! thread's system call would run.

pub mod files;
pub mod memory;

use super::{Fault, Host, Message, Placement, Prot, Ready, Receive, Sharing, Stream, Wake};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::object::{Body, Object};
use crate::ps::thread::Thread;
use crate::um::{Plain, UserPtr};
use files::{Files, Open, Pipe};
use memory::Memory;
use parking_lot::{Condvar, Mutex};
use shim_abi::boot::{Boot, Stdio, Told};
use shim_abi::error::{Error, Result};
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a fake guest thread does.
pub type Guest = Arc<dyn Fn(Arc<Thread>) + Send + Sync>;

/// `Host::exit` unwinds the calling thread with this.
pub struct Exited(pub u32, pub String);

/// The machine.
pub struct Fake {
    /// Guest memory.
    pub memory: Memory,
    /// Streams and names.
    pub files: Files,
    /// Numbers of the monitor calls that were made.
    pub asked: Mutex<Vec<u16>>,
    /// What ProcessReport said.
    pub reports: Mutex<Vec<(u32, String)>>,
    /// Lines traced.
    pub lines: Mutex<Vec<String>>,
    /// What the guest runs on a thread that the kernel starts.
    pub guest: Mutex<Option<Guest>>,
    /// Events of the monitor to come: sent with [`Fake::send`].
    events: (Mutex<std::collections::VecDeque<shim_abi::calls::Event>>, Condvar),
    /// How often it was asked to give memory back.
    pub trims: AtomicU32,
    /// What threads were given of the processors, by their number.
    pub schedules: Mutex<Vec<(u64, crate::ps::schedule::Schedule)>>,
    /// The program's standard streams as the test sees them: what it reads, then what it wrote.
    pub standard: [Arc<Pipe>; 3],
    shared: &'static [AtomicU32],
    /// Itself: streams close themselves through it.
    this: OnceLock<&'static Fake>,
    start: Instant,
    /// Its number in the sandbox, and what it shares there.
    member: u32,
    sandbox: Arc<Shared>,
    interrupted: Mutex<HashSet<u64>>,
    /// What the kernel told of its number and calls last.
    pub told_calls: Mutex<(u64, u64)>,
    next_thread: AtomicU64,
    /// Where [`Fake::alloc`] goes on.
    next_address: AtomicU64,
}

/// What the fakes of one sandbox share.
#[derive(Default)]
pub struct Shared {
    memory: OnceLock<&'static [AtomicU32]>,
    dead: Mutex<HashSet<u32>>,
    /// Streams that were left, and whether they still are.
    pub left: Mutex<Vec<Option<Open>>>,
}

const BUCKETS: usize = 64;
/// Of all fakes, as words may be shared.
static SLEEPERS: [(Mutex<()>, Condvar); BUCKETS] = [const { (Mutex::new(()), Condvar::new()) }; BUCKETS];
/// Words of a sandbox's memory.
const MEMORY: usize = 0x2_0000;
/// Guest memory that tests put their arguments in.
const ARENA: u64 = 0x7000_0000;

thread_local! {
    /// The number of the host thread, 0 if the kernel does not know it.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

impl Fake {
    /// A machine.
    pub fn leak() -> &'static Fake {
        Fake::leak_in(Arc::default(), 1)
    }

    /// Kernels of processes in one sandbox.
    pub fn sandbox<const N: usize>() -> [(&'static Fake, &'static Kernel); N] {
        let shared: Arc<Shared> = Arc::default();
        let mut first: Option<&'static Kernel> = None;
        core::array::from_fn(|index| {
            let fake = Fake::leak_in(shared.clone(), index as u32 + 1);
            let mut boot = Fake::boot();
            boot.born = first.is_some();
            let kernel = &*Box::leak(Box::new(Kernel::new(fake, boot)));
            if let Some(first) = first {
                let birth = first.leave_member().unwrap_or(0).to_le_bytes().to_vec();
                let _ = kernel.told.set(Told { member: index as u32 + 1, birth, streams: Vec::new(), order: None });
            }
            assert!(kernel.enter_sandbox().is_ok());
            first.get_or_insert(kernel);
            (fake, kernel)
        })
    }

    /// What was left for others.
    pub(super) fn left(&self) -> parking_lot::MutexGuard<'_, Vec<Option<Open>>> {
        self.sandbox.left.lock()
    }

    /// The process is no more, as others see it.
    pub fn bury(&self) {
        self.sandbox.dead.lock().insert(self.member);
    }

    fn leak_in(sandbox: Arc<Shared>, member: u32) -> &'static Fake {
        let standard = [(); 3].map(|()| Arc::new(Pipe::default()));
        let fake: &'static Fake = Box::leak(Box::new(Fake {
            memory: Memory::default(),
            files: Files::default(),
            asked: Mutex::default(),
            reports: Mutex::default(),
            lines: Mutex::default(),
            guest: Mutex::default(),
            events: Default::default(),
            schedules: Mutex::default(),
            trims: Default::default(),
            told_calls: Mutex::default(),
            standard,
            shared: Box::leak((0..1024).map(|_| AtomicU32::new(0)).collect()),
            this: OnceLock::new(),
            start: Instant::now(),
            member,
            sandbox,
            interrupted: Mutex::default(),
            next_thread: AtomicU64::new(1),
            next_address: AtomicU64::new(ARENA),
        }));
        for (number, pipe) in fake.standard.iter().enumerate() {
            fake.files.set(number as u32, Open::Pipe(pipe.clone(), pipe.clone()));
        }
        let _ = fake.this.set(fake);
        let _ = fake.memory.map(ARENA, 0x100_0000, Prot::READ_WRITE, Placement::New);
        fake
    }

    /// A boot block for a program that is told nothing special.
    pub fn boot() -> Boot {
        Boot {
            program: "C:/app/test.exe".into(),
            arguments: vec!["test.exe".into()],
            environment: Vec::new(),
            workdir: "C:/app".into(),
            mounts: Vec::new(),
            stdio: vec![Stdio::Pipe, Stdio::Pipe, Stdio::Pipe],
            memory: 0,
            processors: 2,
            host_memory: 1 << 32,
            trace: false,
            user: "user".into(),
            computer: "computer".into(),
            locale: "en-US".into(),
            timezone: String::new(),
            tzif: Vec::new(),
            kept: false,
            below: 0,
            born: false,
            managed: false,
            filter: Vec::new(),
        }
    }

    /// A kernel on a machine of its own.
    pub fn kernel() -> (&'static Fake, &'static Kernel) {
        let fake = Fake::leak();
        (fake, Box::leak(Box::new(Kernel::new(fake, Fake::boot()))))
    }

    /// A guest thread for the calling host thread: what system calls name as their caller.
    pub fn attach(&self, k: &'static Kernel) -> Arc<Thread> {
        let thread = Arc::new(Thread::new(k.new_id().unwrap_or(0), (0, 0), 0));
        let signal = crate::ke::dispatcher::Dispatcher::notification(false);
        let object = Object::new(signal, Body::Thread(thread.clone()));
        *thread.object.lock() = Some(object);
        k.ps.add_thread(thread.clone());
        self.enter(&thread);
        thread
    }

    fn enter(&self, thread: &Thread) {
        let number = self.next_thread.fetch_add(1, Ordering::Relaxed);
        thread.host.store(number, Ordering::Release);
        CURRENT.set(number);
    }

    /// Runs system calls as a guest thread of its own.
    pub fn thread<R: Send + 'static>(
        &'static self,
        k: &'static Kernel,
        run: impl FnOnce(&Cx<'_>) -> R + Send + 'static,
    ) -> std::thread::JoinHandle<R> {
        std::thread::spawn(move || {
            let t = self.attach(k);
            run(&Cx { k, t: &t })
        })
    }

    /// Room in guest memory for a value, and its address.
    pub fn alloc<T: Plain>(&self, value: T) -> UserPtr<T> {
        let at = self.alloc_bytes(value.as_bytes());
        UserPtr::new(at)
    }

    /// Room in guest memory for bytes, and their address: a multiple of 16.
    pub fn alloc_bytes(&self, bytes: &[u8]) -> u64 {
        let room = (bytes.len() as u64 + 16).next_multiple_of(16);
        let at = self.next_address.fetch_add(room, Ordering::Relaxed);
        assert!(self.memory.write(at, bytes).is_ok(), "the fake's arena is used up");
        at
    }

    /// OBJECT_ATTRIBUTES with a name, in guest memory.
    pub fn attributes(&self, name: &str, attributes: u32) -> UserPtr<crate::types::ObjectAttributesRaw> {
        let text = self.unicode_string(name).address();
        self.alloc(crate::types::ObjectAttributesRaw { length: 48, name: text, attributes, ..Default::default() })
    }

    /// UNICODE_STRING in guest memory.
    pub fn unicode_string(&self, text: &str) -> UserPtr<crate::types::UnicodeString> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = units.len() as u16;
        let buffer = self.alloc_bytes(&units);
        self.alloc(crate::types::UnicodeString { length, maximum_length: length, pad: 0, buffer })
    }

    /// Has `Host::event` answer this.
    pub fn send(&self, event: shim_abi::calls::Event) {
        self.events.0.lock().push_back(event);
        self.events.1.notify_all();
    }

    fn bucket(&self, word: &AtomicU32) -> &'static (Mutex<()>, Condvar) {
        &SLEEPERS[(std::ptr::from_ref(word).addr() >> 4) % BUCKETS]
    }

    fn instant(&self, deadline: u64) -> Option<Instant> {
        self.start.checked_add(Duration::from_nanos(deadline))
    }

    fn fetch(&self, address: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.memory.read(address, &mut bytes).map_err(|_| Error::Fault)?;
        Ok(bytes)
    }
}

impl Host for Fake {
    fn map(&self, address: u64, length: u64, prot: Prot, placement: Placement) -> Result {
        self.memory.map(address, length, prot, placement)
    }

    fn make_shared(&self, length: u64) -> Result<Stream> {
        let node = self.files.add_file("shared:", vec![0; length as usize]);
        let number = self.files.adopt(Open::File(node, Arc::default()));
        let host = self.this.get().ok_or(Error::Unsupported)?;
        Ok(Stream::adopt(*host, number))
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
        let data = self.files.data(stream.number())?;
        self.memory.map_stream(address, length, prot, placement, data, offset, sharing)
    }

    fn unmap(&self, address: u64, length: u64) {
        self.memory.unmap(address, length);
    }

    fn protect(&self, address: u64, length: u64, prot: Prot) -> Result {
        self.memory.protect(address, length, prot)
    }

    fn discard(&self, address: u64, length: u64) -> Result {
        self.memory.discard(address, length)
    }

    fn read_user(&self, address: u64, into: &mut [u8]) -> core::result::Result<(), Fault> {
        self.memory.read(address, into)
    }

    fn write_user(&self, address: u64, from: &[u8]) -> core::result::Result<(), Fault> {
        self.memory.write(address, from)
    }

    fn swap_user_u32(&self, address: u64, expected: u32, new: u32) -> core::result::Result<u32, Fault> {
        self.memory.swap(address, expected, new)
    }

    fn monitor(&self, request: &[u8]) -> Result<(Vec<u8>, Option<u32>)> {
        self.serve(request)
    }

    fn monitor_with(&self, request: &[u8], stream: &Stream) -> Result<(Vec<u8>, Option<u32>)> {
        if shim_abi::wire::split_request(request)?.0 != shim_abi::calls::number::stream_share {
            return self.serve(request);
        }
        let mut left = self.sandbox.left.lock();
        left.push(Some(self.files.open(stream.number())?));
        Ok((shim_abi::wire::reply(&Ok(left.len() as u64)), None))
    }

    fn receive_message(&self, _: &Stream, _: &[(u64, usize)], _: Receive, _: Option<&mut Message>) -> Result<usize> {
        Err(Error::Unsupported)
    }

    fn unread(&self, _: &Stream, _: bool) -> Result<usize> {
        Err(Error::Unsupported)
    }

    fn send(&self, _: &Stream, _: u64, _: usize) -> Result<usize> {
        Err(Error::Unsupported)
    }

    fn send_bytes(&self, _: &Stream, _: &[u8]) -> Result<usize> {
        Err(Error::Unsupported)
    }

    fn watch(&self, _: &Stream, _: &Stream, _: u64) -> Result {
        Err(Error::Unsupported)
    }

    fn wait_ready(&self, _: &Stream, _: Option<u64>) -> Result<Vec<(u64, Ready)>> {
        Err(Error::Unsupported)
    }

    fn poll_sockets(&self, _: &[&Stream], _: Ready, _: Option<u64>) -> Result<Vec<Ready>> {
        Err(Error::Unsupported)
    }

    fn monitor_several(&self, request: &[u8]) -> Result<(Vec<u8>, Vec<u32>)> {
        self.serve_several(request)
    }

    fn close(&self, number: u32) {
        // The standard streams stay: the program's end closes them.
        if number > 2 {
            self.files.close(number);
        }
    }

    fn read(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize> {
        let mut bytes = vec![0; length];
        let count = self.files.read(stream.number(), &mut bytes, offset)?;
        self.memory.write(address, &bytes[..count]).map_err(|_| Error::Fault)?;
        Ok(count)
    }

    fn write(&self, stream: &Stream, address: u64, length: usize, offset: Option<u64>) -> Result<usize> {
        self.files.write(stream.number(), &self.fetch(address, length)?, offset)
    }

    fn read_bytes(&self, stream: &Stream, into: &mut [u8], offset: Option<u64>) -> Result<usize> {
        self.files.read(stream.number(), into, offset)
    }

    fn write_bytes(&self, stream: &Stream, from: &[u8], offset: Option<u64>) -> Result<usize> {
        self.files.write(stream.number(), from, offset)
    }

    fn receive(&self, stream: &Stream, into: &mut [u8], stop: &AtomicU32) -> Result<usize> {
        self.files.receive(stream.number(), into, stop)
    }

    fn poll(&self, stream: &Stream, write: bool, deadline: Option<u64>) -> Result<bool> {
        self.files.poll(stream.number(), write, deadline.and_then(|at| self.instant(at)))
    }

    fn query(&self, stream: &Stream) -> Result<shim_abi::stream::Info> {
        self.files.query(stream.number())
    }

    fn set_length(&self, stream: &Stream, length: u64) -> Result {
        self.files.set_length(stream.number(), length)
    }

    fn flush(&self, stream: &Stream) -> Result {
        self.files.open(stream.number()).map(drop)
    }

    fn lock(&self, stream: &Stream, offset: u64, length: u64, exclusive: Option<bool>) -> Result {
        self.files.lock(stream.number(), offset, length, exclusive)
    }

    fn map_forever(&self, stream: &Stream) -> Result<&'static [u8]> {
        let bytes = self.files.data(stream.number())?.bytes().clone();
        Ok(Box::leak(bytes.into_boxed_slice()))
    }

    fn standard(&self, which: u32) -> Stream {
        match self.this.get() {
            Some(host) => Stream::adopt(*host, which),
            None => unreachable!("a fake is made by leak"),
        }
    }

    fn spawn_guest(&self, thread: Arc<Thread>) -> Result {
        let guest = self.guest.lock().clone().ok_or(Error::Unsupported)?;
        let number = self.next_thread.fetch_add(1, Ordering::Relaxed);
        thread.host.store(number, Ordering::Release);
        std::thread::spawn(move || {
            CURRENT.set(number);
            guest(thread);
        });
        Ok(())
    }

    fn spawn_worker(&self, run: Box<dyn FnOnce() + Send>) -> Result {
        std::thread::spawn(run);
        Ok(())
    }

    fn interrupt(&self, thread: &Thread) {
        self.interrupted.lock().insert(thread.host.load(Ordering::Acquire));
        for (lock, condition) in &SLEEPERS {
            let _guard = lock.lock();
            condition.notify_all();
        }
    }

    fn call_guest(&self, _context: &crate::types::Context) -> bool {
        // There is no guest.
        false
    }

    fn call_context(&self) -> Option<crate::types::Context> {
        None
    }

    fn trim(&self) {
        self.trims.fetch_add(1, Ordering::Relaxed);
    }

    fn compactor(&self) -> &'static [u8] {
        &[]
    }

    fn schedule(&self, thread: &Thread, schedule: &crate::ps::schedule::Schedule) {
        self.schedules.lock().push((thread.id, *schedule));
    }

    fn thread_time(&self, _thread: &Thread) -> u64 {
        self.monotonic() / 2
    }

    fn process_time(&self) -> u64 {
        self.monotonic() / 2
    }

    fn user_time(&self, _thread: Option<&Thread>) -> u64 {
        self.monotonic() / 4
    }

    fn yield_now(&self) {
        std::thread::yield_now();
    }

    fn current_processor(&self) -> u32 {
        0
    }

    fn stay_asleep(&self) -> bool {
        false
    }

    fn exit(&self, status: u32, message: &str) -> ! {
        std::panic::resume_unwind(Box::new(Exited(status, message.to_owned())))
    }

    fn wait(&self, word: &AtomicU32, expected: u32, deadline: Option<u64>) -> Wake {
        let (lock, condition) = self.bucket(word);
        let mut guard = lock.lock();
        let current = CURRENT.get();
        if word.load(Ordering::Acquire) != expected || (current != 0 && self.interrupted.lock().remove(&current)) {
            return Wake::Look;
        }
        let timed_out = match deadline.and_then(|at| self.instant(at)) {
            Some(at) => condition.wait_until(&mut guard, at).timed_out(),
            None => {
                condition.wait(&mut guard);
                false
            }
        };
        if timed_out { Wake::TimedOut } else { Wake::Look }
    }

    fn wake(&self, word: &AtomicU32, _count: u32) {
        let (lock, condition) = self.bucket(word);
        let _guard = lock.lock();
        // The bucket is shared: everyone looks again.
        condition.notify_all();
    }

    fn sandbox(&self) -> Option<&'static [AtomicU32]> {
        let make = || &*Box::leak((0..MEMORY).map(|_| AtomicU32::new(0)).collect());
        Some(self.sandbox.memory.get_or_init(make))
    }

    fn told(&self) -> Result<Told> {
        Err(Error::Unsupported)
    }

    fn alive(&self, member: u32) -> bool {
        !self.sandbox.dead.lock().contains(&member)
    }

    fn monotonic(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn realtime(&self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
    }

    fn random(&self, into: &mut [u8]) {
        use std::hash::{BuildHasher, Hasher};
        for chunk in into.chunks_mut(8) {
            let bytes = std::collections::hash_map::RandomState::new().build_hasher().finish().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn shared_data(&self) -> &'static [AtomicU32] {
        self.shared
    }

    fn tell_calls(&self, id: u64, calls: u64) {
        *self.told_calls.lock() = (id, calls);
    }

    fn event(&self) -> Option<shim_abi::calls::Event> {
        let mut events = self.events.0.lock();
        loop {
            if let Some(event) = events.pop_front() {
                return Some(event);
            }
            self.events.1.wait(&mut events);
        }
    }

    fn trace(&self, line: &str) {
        self.lines.lock().push(line.to_owned());
    }

    fn entry_points(&self) -> (u64, u64) {
        (0x7ffd_0000, 0x7ffd_0100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_faults_splits_and_copies() {
        let (fake, k) = Fake::kernel();
        assert_eq!(fake.map(0x10_0000, 0x4000, Prot::READ_WRITE, Placement::New), Ok(()));
        assert_eq!(fake.map(0x10_1000, 0x1000, Prot::READ, Placement::New), Err(Error::AddressInUse));
        assert_eq!(fake.protect(0x10_1000, 0x1000, Prot::READ), Ok(()));
        assert!(k.write_user(0x10_0ffe, b"abcd").is_err());
        assert!(k.write_user(0x10_2ffe, b"abcd").is_ok());
        assert_eq!(fake.write_user(0x10_1000, b"x"), Err(Fault { address: 0x10_1000, write: true }));
        fake.unmap(0x10_2000, 0x1000);
        assert_eq!(fake.read_user(0x10_2ffe, &mut [0; 4]), Err(Fault { address: 0x10_2ffe, write: false }));
        assert_eq!(fake.memory.regions().iter().filter(|(at, ..)| *at < 0x20_0000).count(), 3);

        let node = fake.files.add_file("file:C:/data", vec![7; 5000]);
        let stream = Stream::adopt(fake, fake.files.adopt(Open::File(node.clone(), Arc::default())));
        for (at, sharing) in [(0x20_0000, Sharing::Private), (0x30_0000, Sharing::Shared)] {
            assert!(fake.map_stream(at, 0x3000, Prot::READ_WRITE, Placement::New, &stream, 0, sharing).is_ok());
            assert!(fake.write_user(at + 4096, &[1]).is_ok());
        }
        assert_eq!(node.data.bytes()[4096], 1);
        assert!(fake.write_user(0x20_0000, &[2]).is_ok());
        assert_eq!(node.data.bytes()[0], 7);
        assert!(fake.read_user(0x30_2000, &mut [0]).is_err());
    }

    #[test]
    fn names_follow_the_dispositions() {
        use shim_abi::calls::{StreamEnumerate, StreamOpen, StreamRename};
        use shim_abi::stream::{Disposition, Expect, access};
        let fake = Fake::leak();
        let host: &'static dyn Host = fake;
        fake.files.add_directory("file:C:");
        fake.files.add_directory("file:C:/Dir");
        let open = |uri: &str, disposition| {
            let uri = uri.to_owned();
            let (access, expect) = (access::READ | access::WRITE, Expect::File);
            host.ask_stream(&StreamOpen { uri, access, disposition, expect, attributes: 0 })
        };
        assert_eq!(open("file:C:/dir/a", Disposition::Open).err(), Some(Error::NotFound));
        assert_eq!(open("file:C:/no/a", Disposition::Create).err(), Some(Error::PathNotFound));
        let Ok((opened, Some(stream))) = open("file:C:/dir/a", Disposition::Create) else { panic!() };
        assert!(opened.made);
        assert_eq!(host.write_bytes(&stream, b"hello", Some(1)), Ok(5));
        assert_eq!(host.query(&stream).map(|info| info.size), Ok(6));
        let (from, to) = ("file:c:/DIR/A".to_owned(), "file:C:/Dir/b".to_owned());
        let rename = StreamRename { from, identity: opened.info.identity, to, replace: false, link: false };
        assert!(host.ask(&rename).is_ok());
        let listing = host.ask(&StreamEnumerate { uri: "file:C:/Dir".into(), only_names: false });
        assert_eq!(listing.map(|l| l.entries.into_iter().map(|e| e.name).collect()), Ok(vec!["b".to_owned()]));
    }

    #[test]
    fn a_wait_ends_by_wake_interrupt_and_time() {
        let (fake, k) = Fake::kernel();
        static WORD: AtomicU32 = AtomicU32::new(1);
        let sleeper = fake.thread(k, |cx| {
            while cx.k.host.wait(&WORD, 1, None) == Wake::Look && WORD.load(Ordering::Acquire) == 1 {}
            cx.k.host.wait(&WORD, 0, Some(cx.k.host.monotonic() + 1_000_000))
        });
        std::thread::sleep(Duration::from_millis(5));
        WORD.store(0, Ordering::Release);
        fake.wake(&WORD, 1);
        assert_eq!(sleeper.join().ok(), Some(Wake::TimedOut));
        let thread = fake.attach(k);
        fake.interrupt(&thread);
        assert_eq!(fake.wait(&WORD, 0, None), Wake::Look);
    }
}
