//! The lanes: sockets to the monitor, each carrying one call at a time, and the pages beside them.
#![allow(unsafe_code)]

use parking_lot::{Condvar, Mutex};
use shim_abi::boot::descriptor::{EVENTS, LANE_COUNT, LANES, PAGES};
use shim_abi::calls::Event;
use shim_abi::error::{Error, Result};
use shim_abi::page::{self, BYTES, Page, Seen};
use shim_abi::wire;
use shim_abi::{MAX_DESCRIPTORS, MAX_FRAME};
use std::cell::Cell;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for the reply in its page before it blocks: longer than nearly every call takes.
const LOOK: Duration = Duration::from_micros(40);

/// A reply, and the descriptors that came with it.
type Answer = Result<(Vec<u8>, Descriptors)>;

/// Descriptors that came with a reply: seldom more than one.
#[derive(Debug, Default)]
pub struct Descriptors {
    first: Option<u32>,
    more: Vec<u32>,
}

impl Descriptors {
    /// The first, as of a reply that carries one at most.
    pub fn one(self) -> Option<u32> {
        self.first
    }

    /// All of them, in their order.
    pub fn all(self) -> impl Iterator<Item = u32> {
        self.first.into_iter().chain(self.more)
    }
}

/// A call that was sent before anybody asked for its answer.
struct Early {
    request: Vec<u8>,
    lasting: bool,
}

/// Calls sent ahead, on a lane of their own until all replies are there.
#[derive(Default)]
struct Ahead {
    lane: Option<i32>,
    /// Those without a reply, in the order in which replies will come.
    sent: VecDeque<Early>,
    /// Those with a reply that nobody has used.
    answered: Vec<(Early, Answer)>,
    /// Until then the kernel alone asks, which changes nothing on its way to the guest's first instruction.
    guest_runs: bool,
}

/// Lanes that carry no call now.
pub struct Lanes {
    pages: &'static [Page; LANE_COUNT as usize],
    free: Mutex<Vec<i32>>,
    freed: Condvar,
    ahead: Mutex<Ahead>,
    /// Whether `ahead` holds anything.
    is_ahead: AtomicBool,
}

thread_local! {
    /// Where replies arrive. One frame for each thread that ever asked.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// The lane that the thread's last call went on.
    static LANE: Cell<i32> = const { Cell::new(0) };
}

impl Ahead {
    /// Receives the next reply.
    fn receive(&mut self) -> Option<(Early, Answer)> {
        let (early, lane) = (self.sent.pop_front()?, self.lane?);
        let answer = with_buffer(|buffer| receive_frame(lane, buffer));
        Some((early, answer))
    }

    /// The answer to a call that was sent ahead.
    fn take(&mut self, request: &[u8]) -> Option<Answer> {
        if let Some(at) = self.answered.iter().position(|(early, _)| early.request == request) {
            return Some(self.answered.swap_remove(at).1);
        }
        if !self.sent.iter().any(|early| early.request == request) {
            return None;
        }
        while let Some((early, answer)) = self.receive() {
            if early.request == request {
                return Some(answer);
            }
            self.answered.push((early, answer));
        }
        None
    }

    /// Receives every reply, so that the lane is free, and drops what another call may have made wrong.
    fn settle(&mut self) {
        while let Some(answered) = self.receive() {
            self.answered.push(answered);
        }
        if !self.guest_runs {
            return;
        }
        let (kept, dropped) = core::mem::take(&mut self.answered).into_iter().partition(|(early, _)| early.lasting);
        self.answered = kept;
        let dropped: Vec<(Early, Answer)> = dropped;
        for descriptor in dropped.into_iter().filter_map(|(_, answer)| answer.ok()).flat_map(|(_, came)| came.all()) {
            // SAFETY: the descriptor came with a reply that nobody has seen.
            unsafe { libc::close(descriptor as i32) };
        }
    }
}

/// Lends the calling thread's buffer: room for a frame, of which only those pages are used that a reply reaches.
fn with_buffer<R>(run: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // Taken, not borrowed: a fault on the way reports through a call of its own.
    let mut buffer = BUFFER.take();
    buffer.clear();
    buffer.reserve(MAX_FRAME);
    let result = run(&mut buffer);
    BUFFER.set(buffer);
    result
}

fn receive_frame(lane: i32, buffer: &mut Vec<u8>) -> Answer {
    let (length, descriptors) = receive(lane, buffer.spare_capacity_mut())?;
    // SAFETY: the reply filled that much of the room behind the buffer's end.
    unsafe { buffer.set_len(buffer.len() + length) };
    Ok((buffer.to_vec(), descriptors))
}

impl Lanes {
    /// All of them, free. Called once: the descriptor of the pages is given back.
    ///
    /// # Errors
    /// The host's.
    pub fn new() -> Result<Lanes> {
        let length = LANE_COUNT as usize * BYTES;
        // SAFETY: a new mapping at an address of the kernel's choice replaces none.
        let at = unsafe {
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(core::ptr::null_mut(), length, prot, libc::MAP_SHARED, PAGES, 0)
        };
        if at == libc::MAP_FAILED {
            return Err(super::layout::last_error());
        }
        // SAFETY: the mapping has the array's length and a page's alignment, and stays for ever; the monitor sealed its file
        // against being cut. Both processes use it as atomic words, for which every value is valid.
        let pages = unsafe { &*at.cast() };
        // SAFETY: the descriptor is this function's alone, and the mapping does not need it.
        unsafe { libc::close(PAGES) };
        Ok(Lanes {
            pages,
            free: Mutex::new((LANES..LANES + LANE_COUNT).rev().collect()),
            freed: Condvar::new(),
            ahead: Mutex::default(),
            is_ahead: AtomicBool::new(false),
        })
    }

    /// Carries a request out and the reply back, with the descriptors that came with it.
    ///
    /// # Errors
    /// `Closed` when the monitor is gone.
    pub fn call(&self, request: &[u8]) -> Answer {
        if self.is_ahead.load(Ordering::Acquire)
            && let Some(answer) = self.early(request)
        {
            return answer;
        }
        let lane = self.take();
        // SAFETY: no memory is involved.
        let processor = unsafe { libc::sched_getcpu() } as u32;
        let receive = || with_buffer(|buffer| receive_frame(lane, buffer));
        let answer = match self.pages.get((lane - LANES) as usize) {
            Some(page) if page::ask(page, request, processor) => {
                look(page).map_or_else(receive, |reply| Ok((reply, Descriptors::default())))
            }
            _ => send(lane, request, None).and_then(|()| receive()),
        };
        self.give_back(lane);
        answer
    }

    /// As [`Lanes::call`], with a descriptor that goes along.
    ///
    /// # Errors
    /// As [`Lanes::call`].
    pub fn call_with(&self, request: &[u8], descriptor: i32) -> Answer {
        let lane = self.take();
        let answer =
            send(lane, request, Some(descriptor)).and_then(|()| with_buffer(|buffer| receive_frame(lane, buffer)));
        self.give_back(lane);
        answer
    }

    /// Tells the monitor what it shows of the process.
    pub fn tell(&self, id: u64, calls: u64) {
        let [first, ..] = self.pages;
        page::tell(first, id, calls);
    }

    /// A lane that carries no call, which it waits for.
    fn take(&self) -> i32 {
        let mut free = self.free.lock();
        let lane = loop {
            // The one that it had last: who serves that one is likely to have run on the same processor.
            let last = LANE.get();
            if let Some(at) = free.iter().position(|lane| *lane == last) {
                break free.swap_remove(at);
            }
            match free.pop() {
                Some(lane) => break lane,
                None => self.freed.wait(&mut free),
            }
        };
        LANE.set(lane);
        lane
    }

    fn give_back(&self, lane: i32) {
        self.free.lock().push(lane);
        self.freed.notify_one();
    }

    /// Sends a call whose answer will be asked for soon.
    pub fn ahead(&self, request: Vec<u8>, lasting: bool) {
        let mut ahead = self.ahead.lock();
        let lane = match ahead.lane {
            Some(lane) => lane,
            None => match self.free.lock().pop() {
                Some(lane) => *ahead.lane.insert(lane),
                // All are busy: it is asked when it is needed.
                None => return,
            },
        };
        if send(lane, &request, None).is_ok() {
            ahead.sent.push_back(Early { request, lasting });
        }
        self.is_ahead.store(true, Ordering::Release);
    }

    /// From now on any call may change what others are about.
    pub fn guest_runs(&self) {
        self.ahead.lock().guest_runs = true;
    }

    /// The answer to a call that was sent ahead; with any other, the lane is freed.
    fn early(&self, request: &[u8]) -> Option<Answer> {
        let mut ahead = self.ahead.lock();
        let answer = ahead.take(request);
        if answer.is_none() {
            ahead.settle();
        }
        if ahead.sent.is_empty()
            && let Some(lane) = ahead.lane.take()
        {
            self.give_back(lane);
        }
        self.is_ahead.store(ahead.lane.is_some() || !ahead.answered.is_empty(), Ordering::Release);
        answer
    }
}

/// Looks for the reply in a page; nothing if it is, or will be, a datagram.
fn look(page: &Page) -> Option<Vec<u8>> {
    let mut reply = Vec::new();
    let start = Instant::now();
    let mut seen = Seen::Nothing;
    while seen == Seen::Nothing {
        // The clock is read seldom: looking at the page is what is to be fast.
        for _ in 0..16 {
            seen = page::look(page, &mut reply);
            if seen != Seen::Nothing {
                break;
            }
            core::hint::spin_loop();
        }
        if seen == Seen::Nothing && start.elapsed() >= LOOK {
            seen = page::sleep(page, &mut reply);
        }
    }
    (seen == Seen::Reply).then_some(reply)
}

fn send(lane: i32, request: &[u8], descriptor: Option<i32>) -> Result {
    let mut part = libc::iovec { iov_base: request.as_ptr() as *mut libc::c_void, iov_len: request.len() };
    // SAFETY: an all-zero msghdr is a valid one.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    let mut control = Control([0; 24]);
    if let Some(descriptor) = descriptor {
        // A cmsghdr: its length with what follows, level, kind; and the descriptor.
        control.0[..8].copy_from_slice(&20u64.to_ne_bytes());
        for (at, word) in [(8, libc::SOL_SOCKET), (12, libc::SCM_RIGHTS), (16, descriptor)] {
            control.0[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len();
    }
    loop {
        // SAFETY: `message` names one part and at most one control message, which live until the call returns and are only read.
        let sent = unsafe { libc::sendmsg(lane, &message, libc::MSG_NOSIGNAL) };
        if sent >= 0 {
            return Ok(());
        }
        match super::layout::last_error() {
            Error::Interrupted => {}
            error => return Err(error),
        }
    }
}

/// Space for descriptors beside a datagram: a header of 16 bytes and the numbers, padded.
#[repr(C, align(8))]
struct Control<const BYTES: usize>([u8; BYTES]);

const CONTROL: usize = 16 + MAX_DESCRIPTORS.next_multiple_of(2) * 4;

/// Receives one datagram and the descriptors with it. Interrupts do not end it: a reply must not be lost.
fn receive(socket: i32, into: &mut [MaybeUninit<u8>]) -> Result<(usize, Descriptors)> {
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control = Control([0; CONTROL]);
    // SAFETY: an all-zero msghdr is a valid one.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    let length = loop {
        // SAFETY: `message` names one part and one control buffer, which live until the call returns and are unshared.
        let length = unsafe { libc::recvmsg(socket, &mut message, libc::MSG_CMSG_CLOEXEC) };
        if length > 0 {
            break length as usize;
        }
        if length == 0 {
            return Err(Error::Closed);
        }
        match super::layout::last_error() {
            Error::Interrupted => {}
            error => return Err(error),
        }
    };
    let filled = message.msg_controllen;
    let word = |at: usize| i32::from_ne_bytes(control.0[at..at + 4].try_into().unwrap_or_default());
    let mut descriptors = Descriptors::default();
    if filled >= 20 && word(8) == libc::SOL_SOCKET && word(12) == libc::SCM_RIGHTS {
        // The header's first word is its length: as many came as there was room for in the table of descriptors.
        let end = (word(0) as usize).min(filled).min(CONTROL);
        descriptors.first = Some(word(16) as u32);
        descriptors.more.extend((20..end / 4 * 4).step_by(4).map(|at| word(at) as u32));
    }
    Ok((length, descriptors))
}

/// Waits for the monitor's next event.
pub fn next_event() -> Option<Event> {
    let mut event = Vec::with_capacity(16);
    receive_frame(EVENTS, &mut event).ok().and_then(|(event, _)| wire::decode(&event).ok())
}

/// Receives a datagram from a descriptor that is no lane. `Interrupted` is answered, not swallowed.
///
/// # Errors
/// What the host answers.
pub fn receive_from(descriptor: i32, into: &mut [u8]) -> Result<usize> {
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: an all-zero msghdr is a valid one.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    // SAFETY: `message` names one part, which lives until the call returns and is unshared.
    let length = unsafe { libc::recvmsg(descriptor, &mut message, libc::MSG_CMSG_CLOEXEC) };
    if length < 0 { Err(super::layout::last_error()) } else { Ok(length as usize) }
}
