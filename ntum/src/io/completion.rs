//! Completion ports: a queue of packets that threads wait for.
//!
//! A packet goes to a thread that waits for one, if there is any, and belongs to it from then on. The port object itself is
//! signalled while packets are queued.
//!
//! A thread belongs to the port that it came to last, and counts there while it runs. While as many run as the port lets, packets
//! stay in the queue; one that sleeps, in whatever call, makes room for another and is not asked when it goes on. This is for
//! ports of one process: of those that several have, all threads go on.

use super::afd::poller::Afd;
use crate::call::Cx;
use crate::ke::dispatcher::{Dispatcher, Seat};
use crate::ke::wait::{Deadline, WAITING};
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::SYNCHRONIZE;
use crate::ps::thread::Thread;
use crate::shm;
use crate::shm::port::Found;
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// IO_COMPLETION_QUERY_STATE.
pub const IO_COMPLETION_QUERY_STATE: u32 = 1;
/// IO_COMPLETION_MODIFY_STATE.
pub const IO_COMPLETION_MODIFY_STATE: u32 = 2;

/// One finished request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// The key that the file was associated with.
    pub key: u64,
    /// The APC context of the request: mostly the address of an OVERLAPPED.
    pub context: u64,
    /// How it ended.
    pub status: Status,
    /// IO_STATUS_BLOCK.Information.
    pub information: u64,
}

/// FILE_IO_COMPLETION_INFORMATION.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RawPacket {
    key: u64,
    context: u64,
    block: IoStatusBlock,
}

impl Packet {
    fn block(&self) -> IoStatusBlock {
        IoStatusBlock { status: self.status.0, pad: 0, information: self.information }
    }
}

/// A completion port. What of it several processes have is in its record, and its own queue stays empty.
pub struct Completion {
    /// Tells it from every other port there ever was.
    number: u64,
    /// Most threads that run at a time, unless one that slept goes on.
    most: u32,
    pub(crate) queue: Mutex<Queue>,
}

impl Completion {
    /// One without packets, where so many threads run at a time.
    pub(crate) fn new(most: u32) -> Completion {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Completion { number: LAST.fetch_add(1, Ordering::Relaxed) + 1, most, queue: Mutex::default() }
    }
}

/// Word of a thread that waits: it is to look anew, as the port went into the sandbox's memory.
const ANEW: u32 = 1;

#[derive(Default)]
pub(crate) struct Queue {
    /// Packets that no thread waits for.
    pub(crate) packets: VecDeque<Packet>,
    /// Threads that wait: the last to come is the first to go on, as its memory is the warmest.
    waiters: Vec<Arc<Waiter>>,
    /// Threads of the port that run.
    running: u32,
    /// No handle is left: whoever waits, gives up.
    closed: bool,
}

/// A thread that waits for a packet. It sleeps on the word until it is given one, or the port is closed.
struct Waiter {
    word: AtomicU32,
    packet: Mutex<Option<Packet>>,
}

impl Queue {
    /// The port has a record now, which has its packets: who waits looks there.
    pub(crate) fn went(&mut self, k: &Kernel) {
        self.packets.clear();
        for waiter in self.waiters.drain(..) {
            waiter.word.store(ANEW, Ordering::Release);
            Afd::wake(k, &waiter.word);
        }
    }
}

impl Completion {
    /// Gives packets to threads that wait, as far as they may run; they are to be woken.
    fn activate(&self, k: &Kernel, port: &Ref, queue: &mut Queue) -> Vec<Arc<Waiter>> {
        let mut woken = Vec::new();
        while queue.running < self.most && !queue.packets.is_empty() {
            let Some(waiter) = queue.waiters.pop() else { break };
            *waiter.packet.lock() = queue.packets.pop_front();
            waiter.word.store(0, Ordering::Release);
            queue.running += 1;
            woken.push(waiter);
        }
        if !woken.is_empty() && queue.packets.is_empty() && !queue.closed {
            port.signal.reset(k);
        }
        woken
    }
}

/// A thread that counted at its port sleeps until this goes.
pub struct Asleep<'a>(&'a Thread);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        if let Some(port) = self.0.slot.lock().as_ref().and_then(Weak::upgrade)
            && let Ok(completion) = port.io_completion()
        {
            completion.queue.lock().running += 1;
        }
        self.0.counted.store(true, Ordering::Relaxed);
    }
}

/// The calling thread is about to sleep: another one of its port may run.
pub fn sleeps<'a>(k: &Kernel, thread: &'a Thread) -> Option<Asleep<'a>> {
    thread.counted.load(Ordering::Relaxed).then(|| {
        stops_running(k, thread);
        Asleep(thread)
    })
}

/// The calling thread sleeps, ends or goes to another port.
pub fn stops_running(k: &Kernel, thread: &Thread) {
    if !thread.counted.swap(false, Ordering::Relaxed) {
        return;
    }
    let Some(port) = thread.slot.lock().as_ref().and_then(Weak::upgrade) else { return };
    let Ok(completion) = port.io_completion() else { return };
    let woken = {
        let mut queue = completion.queue.lock();
        queue.running = queue.running.saturating_sub(1);
        completion.activate(k, &port, &mut queue)
    };
    for waiter in woken {
        Afd::wake(k, &waiter.word);
    }
}

/// A new port without a name, where so many threads run at a time: 0 for as many as there are processors.
pub fn new_port(k: &Kernel, most: u32) -> Ref {
    let most = if most == 0 { k.affinity_mask().count_ones() } else { most };
    Object::new(Dispatcher::notification(false), Body::IoCompletion(Completion::new(most)))
}

/// Gives a packet to a thread that waits, or queues it; one that nobody can wait for any more is swallowed. The port as an
/// object is signalled while packets are queued.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`, for a port of several processes.
pub fn post(k: &Kernel, port: &Ref, packet: Packet) -> Nt<()> {
    let completion = port.io_completion()?;
    let waiter = {
        let mut queue = completion.queue.lock();
        if let Some(seat) = port.signal.seat() {
            drop(queue);
            return seat.shm.post_packet(seat.object, &packet);
        }
        if queue.closed {
            return Ok(());
        }
        let waiter = if queue.running < completion.most { queue.waiters.pop() } else { None };
        let Some(waiter) = waiter else {
            queue.packets.push_back(packet);
            port.signal.set(k);
            return Ok(());
        };
        queue.running += 1;
        *waiter.packet.lock() = Some(packet);
        waiter.word.store(0, Ordering::Release);
        waiter
    };
    Afd::wake(k, &waiter.word);
    Ok(())
}

/// Ends every wait for a port whose last handle was closed.
pub fn last_handle_closed(k: &Kernel, port: &Ref) {
    let Ok(completion) = port.io_completion() else { return };
    let waiters = {
        let mut queue = completion.queue.lock();
        if port.signal.seat().is_some() {
            // Its record knows of the handles of all processes.
            return;
        }
        queue.closed = true;
        queue.packets.clear();
        port.signal.set(k);
        core::mem::take(&mut queue.waiters)
    };
    for waiter in waiters {
        waiter.word.store(0, Ordering::Release);
        Afd::wake(k, &waiter.word);
    }
}

/// Takes up to `count` packets; waits for the first only. A thread belongs to the port it came to last: to one of its port it
/// is given packets before APCs, to one of another port APCs before packets.
fn remove(
    cx: &Cx<'_>,
    port: &Ref,
    count: usize,
    alertable: bool,
    deadline: Deadline,
) -> Nt<Result<Vec<Packet>, Status>> {
    let completion = port.io_completion()?;
    let take = |queue: &mut Queue, count: usize| -> Vec<Packet> {
        let count = queue.packets.len().min(count);
        let packets = queue.packets.drain(..count).collect();
        if queue.packets.is_empty() && !queue.closed {
            port.signal.reset(cx.k);
        }
        packets
    };
    let own = cx.t.port.load(Ordering::Relaxed) == completion.number;
    if !own {
        if let Some(status) = cx.t.interruption(alertable) {
            return Ok(Err(cx.t.accept(status)));
        }
        stops_running(cx.k, cx.t);
        cx.t.port.store(completion.number, Ordering::Relaxed);
        *cx.t.slot.lock() = Some(Arc::downgrade(port));
    }
    let waiter = {
        let mut queue = completion.queue.lock();
        if let Some(seat) = port.signal.seat() {
            drop(queue);
            cx.t.counted.store(false, Ordering::Relaxed);
            return remove_common(cx, seat, count, alertable, deadline);
        }
        if cx.t.counted.swap(true, Ordering::Relaxed) {
            queue.running = queue.running.saturating_sub(1);
        }
        let may_run = queue.running < completion.most;
        // Until it waits: then its place is free.
        queue.running += 1;
        if may_run && !queue.packets.is_empty() {
            return Ok(Ok(take(&mut queue, count)));
        }
        if queue.closed {
            return Ok(Err(STATUS_ABANDONED_WAIT_0));
        }
        if let Some(status) = cx.t.interruption(alertable) {
            return Ok(Err(cx.t.accept(status)));
        }
        if deadline == Deadline::At(0) {
            return Ok(Err(STATUS_TIMEOUT));
        }
        queue.running -= 1;
        cx.t.counted.store(false, Ordering::Relaxed);
        let waiter = Arc::new(Waiter { word: AtomicU32::new(WAITING), packet: Mutex::new(None) });
        queue.waiters.push(waiter.clone());
        waiter
    };
    let waits = Afd::of(cx.k).lead(cx, &waiter.word, alertable, deadline);
    let status = cx.sleep(&waiter.word, alertable, deadline, false);
    drop(waits);
    let mut queue = completion.queue.lock();
    if status != STATUS_WAIT_0 {
        // Who is no longer on the list was given a packet in the last instant.
        if let Some(place) = queue.waiters.iter().position(|other| Arc::ptr_eq(other, &waiter)) {
            queue.waiters.remove(place);
            queue.running += 1;
            cx.t.counted.store(true, Ordering::Relaxed);
            return Ok(Err(cx.t.accept(status)));
        }
    }
    if waiter.word.load(Ordering::Acquire) == ANEW {
        drop(queue);
        return remove(cx, port, count, alertable, deadline);
    }
    let Some(first) = waiter.packet.lock().take() else { return Ok(Err(STATUS_ABANDONED_WAIT_0)) };
    // Who gave it counted the thread.
    cx.t.counted.store(true, Ordering::Relaxed);
    let mut packets = vec![first];
    if count > 1 && !queue.packets.is_empty() {
        packets.extend(take(&mut queue, count - 1));
    }
    Ok(Ok(packets))
}

/// As [`remove`], of a port that several processes have.
fn remove_common(
    cx: &Cx<'_>,
    seat: Seat,
    count: usize,
    alertable: bool,
    deadline: Deadline,
) -> Nt<Result<Vec<Packet>, Status>> {
    let (shm, me) = cx.k.sandbox()?;
    let found = |waiter| match shm.take_packets(seat.object, count, waiter)? {
        Found::Packets(packets) => Ok(Ok(Ok(packets))),
        Found::Closed => Ok(Ok(Err(STATUS_ABANDONED_WAIT_0))),
        Found::Nothing(request) => Nt::Ok(Err(request)),
    };
    if let Ok(done) = found(None)? {
        return Ok(done);
    }
    if let Some(status) = cx.t.interruption(alertable) {
        return Ok(Err(cx.t.accept(status)));
    }
    if deadline == Deadline::At(0) {
        return Ok(Err(STATUS_TIMEOUT));
    }
    let request = match found(Some(me))? {
        Ok(done) => return Ok(done),
        Err(request) => request.ok_or(STATUS_INTERNAL_ERROR)?,
    };
    shm.will_sleep(request);
    let status = cx.sleep(shm.result_of_request(request), alertable, deadline, false);
    if status != STATUS_WAIT_0 && shm.withdraw_request(request)? {
        return Ok(Err(cx.t.accept(status)));
    }
    let done = shm.end_request(request)?;
    let Some(first) = shm::port::brought(&done.data) else { return Ok(Err(STATUS_ABANDONED_WAIT_0)) };
    let mut packets = vec![first];
    if count > 1
        && let Found::Packets(more) = shm.take_packets(seat.object, count - 1, None)?
    {
        packets.extend(more);
    }
    Ok(Ok(packets))
}

/// NtCreateIoCompletion: of the threads that wait for packets so many run at a time, 0 for as many as there are processors.
///
/// # Errors
/// As `Cx::create_named`.
pub fn nt_create_io_completion(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
    threads: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let (made, status) = cx.create_named(&attributes, access, new_port(cx.k, threads))?;
    handle.write(cx.k, made)?;
    Ok(status)
}

/// NtOpenIoCompletion.
///
/// # Errors
/// As `Cx::open_named`.
pub fn nt_open_io_completion(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    access: u32,
    attributes: UserPtr<ObjectAttributesRaw>,
) -> Nt {
    cx.open(handle, access, attributes, |object| object.io_completion().is_ok())
}

fn port(cx: &Cx<'_>, handle: Handle, access: u32) -> Nt<Ref> {
    let object = cx.object(handle, access)?;
    object.io_completion()?;
    Ok(object)
}

/// NtSetIoCompletion.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_set_io_completion(cx: &Cx<'_>, handle: Handle, key: u64, context: u64, status: u32, information: u64) -> Nt {
    let port = port(cx, handle, IO_COMPLETION_MODIFY_STATE)?;
    post(cx.k, &port, Packet { key, context, status: Status(status), information })?;
    Ok(STATUS_SUCCESS)
}

/// NtSetIoCompletionEx: with a reserve object, so that it cannot fail for want of memory.
///
/// # Errors
/// As [`nt_set_io_completion`].
pub fn nt_set_io_completion_ex(
    cx: &Cx<'_>,
    handle: Handle,
    reserve: Handle,
    key: u64,
    context: u64,
    status: u32,
    information: u64,
) -> Nt {
    cx.object(reserve, 0)?.io_completion_reserve()?;
    nt_set_io_completion(cx, handle, key, context, status, information)
}

/// NtRemoveIoCompletion: waits for one packet, not alertably.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`;
/// `STATUS_TIMEOUT` and `STATUS_ABANDONED_WAIT_0` are no errors.
pub fn nt_remove_io_completion(
    cx: &Cx<'_>,
    handle: Handle,
    key: UserPtr<u64>,
    context: UserPtr<u64>,
    io: UserPtr<IoStatusBlock>,
    timeout: UserPtr<i64>,
) -> Nt {
    let timeout = timeout.read_opt(cx.k)?;
    cx.k.probe_write(key.address(), 8)?;
    cx.k.probe_write(context.address(), 8)?;
    cx.k.probe_write(io.address(), 16)?;
    let port = port(cx, handle, IO_COMPLETION_MODIFY_STATE)?;
    match remove(cx, &port, 1, false, Deadline::of(cx.k, timeout))? {
        Ok(packets) => {
            for packet in packets {
                key.write(cx.k, packet.key)?;
                context.write(cx.k, packet.context)?;
                io.write(cx.k, packet.block())?;
            }
            Ok(STATUS_SUCCESS)
        }
        Err(status) => Ok(status),
    }
}

/// NtRemoveIoCompletionEx: takes what is there, up to `count` packets; waits for the first. `removed` is 1 when none was.
///
/// # Errors
/// As [`nt_remove_io_completion`]; `STATUS_INVALID_PARAMETER` for a count of 0.
pub fn nt_remove_io_completion_ex(
    cx: &Cx<'_>,
    handle: Handle,
    packets: UserPtr<RawPacket>,
    count: u32,
    removed: UserPtr<u32>,
    timeout: UserPtr<i64>,
    alertable: bool,
) -> Nt {
    let timeout = timeout.read_opt(cx.k)?;
    if count == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let bytes = u64::from(count).saturating_mul(size_of::<RawPacket>() as u64);
    cx.k.probe_write(packets.address(), bytes)?;
    removed.write(cx.k, 1)?;
    let port = port(cx, handle, IO_COMPLETION_MODIFY_STATE)?;
    match remove(cx, &port, count as usize, alertable, Deadline::of(cx.k, timeout))? {
        Ok(taken) => {
            for (index, packet) in taken.iter().enumerate() {
                let raw = RawPacket { key: packet.key, context: packet.context, block: packet.block() };
                packets.add(index as u64).write(cx.k, raw)?;
            }
            removed.write(cx.k, taken.len() as u32)?;
            Ok(STATUS_SUCCESS)
        }
        Err(status) => Ok(status),
    }
}

/// NtQueryIoCompletion: IO_COMPLETION_BASIC_INFORMATION is the count of packets.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_INFO_CLASS`, `STATUS_INFO_LENGTH_MISMATCH`, and as [`nt_set_io_completion`].
pub fn nt_query_io_completion(
    cx: &Cx<'_>,
    handle: Handle,
    class: u32,
    buffer: UserPtr<u32>,
    length: u32,
    returned: UserPtr<u32>,
) -> Nt {
    if buffer.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if class != 0 {
        return Err(STATUS_INVALID_INFO_CLASS);
    }
    returned.write_opt(cx.k, 4)?;
    if length != 4 {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let port = port(cx, handle, IO_COMPLETION_QUERY_STATE)?;
    let depth = match port.signal.seat() {
        None => port.io_completion()?.queue.lock().packets.len() as u32,
        Some(seat) => seat.shm.port_depth(seat.object),
    };
    buffer.write(cx.k, depth)?;
    Ok(STATUS_SUCCESS)
}

/// NtAllocateReserveObject: memory set aside for an APC (0) or a completion packet (1). Memory here never runs short while
/// the process lives, so the object is all there is to it.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as `Cx::create_named`.
pub fn nt_allocate_reserve_object(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    attributes: UserPtr<ObjectAttributesRaw>,
    kind: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    let body = match kind {
        0 => Body::UserApcReserve(Plain),
        1 => Body::IoCompletionReserve(Plain),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    if attributes.name.is_some() {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    let access = SYNCHRONIZE | 0xf0003;
    let made = cx.insert(Object::new(Dispatcher::none(), body), access, attributes.attributes)?;
    handle.write(cx.k, made)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    fn port(fake: &Fake, cx: &Cx<'_>, name: &str) -> Handle {
        let (made, attributes) = (fake.alloc(Handle(0)), fake.attributes(name, 0));
        assert_eq!(nt_create_io_completion(cx, made, 0x1f_0003, attributes, 0), Ok(STATUS_SUCCESS));
        made.read(cx.k).unwrap()
    }

    fn remove_one(fake: &Fake, cx: &Cx<'_>, port: Handle, timeout: Option<i64>) -> (Nt, [u64; 4]) {
        let (key, context, io) = (fake.alloc(0u64), fake.alloc(0u64), fake.alloc(IoStatusBlock::default()));
        let timeout = timeout.map_or(UserPtr::new(0), |timeout| fake.alloc(timeout));
        let status = nt_remove_io_completion(cx, port, key, context, io, timeout);
        let block = io.read(cx.k).unwrap();
        let words = [key.read(cx.k).unwrap(), context.read(cx.k).unwrap(), u64::from(block.status), block.information];
        (status, words)
    }

    #[test]
    fn packets_come_in_order_and_waits_end_in_time() {
        let (fake, k) = Fake::kernel();
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        let handle = port(fake, &cx, "");
        let object = cx.object(handle, 0).unwrap();
        for n in 1..=3 {
            assert_eq!(nt_set_io_completion(&cx, handle, n, 10 * n, n as u32, 100 * n), Ok(STATUS_SUCCESS));
        }
        let depth = fake.alloc(0u32);
        assert_eq!(nt_query_io_completion(&cx, handle, 0, depth, 4, UserPtr::new(0)), Ok(STATUS_SUCCESS));
        assert_eq!((depth.read(k), object.signal.count()), (Ok(3), 1));
        assert_eq!(nt_query_io_completion(&cx, handle, 0, depth, 8, UserPtr::new(0)), Err(STATUS_INFO_LENGTH_MISMATCH));
        assert_eq!(remove_one(fake, &cx, handle, Some(0)), (Ok(STATUS_SUCCESS), [1, 10, 1, 100]));
        let (packets, count) = (fake.alloc([0u8; 4 * 32]), fake.alloc(0u32));
        let raw: UserPtr<RawPacket> = UserPtr::new(packets.address());
        let poll = fake.alloc(0i64);
        let many = || nt_remove_io_completion_ex(&cx, handle, raw, 4, count, poll, false);
        assert_eq!((many(), count.read(k)), (Ok(STATUS_SUCCESS), Ok(2)));
        assert_eq!((raw.read(k).unwrap().key, raw.add(1).read(k).unwrap().block.information), (2, 300));
        assert_eq!(object.signal.count(), 0);
        assert_eq!((many(), count.read(k)), (Ok(STATUS_TIMEOUT), Ok(1)));
        assert_eq!(remove_one(fake, &cx, handle, Some(-10_000)).0, Ok(STATUS_TIMEOUT));
        assert_eq!(nt_remove_io_completion_ex(&cx, handle, raw, 0, count, poll, false), Err(STATUS_INVALID_PARAMETER));
    }

    #[test]
    fn an_apc_comes_before_the_packets_of_a_port_that_is_not_the_threads_own() {
        let (fake, k) = Fake::kernel();
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        let (first, second) = (port(fake, &cx, ""), port(fake, &cx, ""));
        let (packets, count, poll) = (fake.alloc([0u8; 2 * 32]), fake.alloc(0u32), fake.alloc(0i64));
        let remove = |port| {
            let packets = UserPtr::new(packets.address());
            nt_remove_io_completion_ex(&cx, port, packets, 2, count, poll, true).unwrap()
        };
        let queue = || {
            crate::ps::control::nt_queue_apc_thread(&cx, Handle(u64::MAX - 1), 1, 2, 3, 4).unwrap();
        };
        nt_set_io_completion(&cx, first, 1, 1, 1, 1).unwrap();
        assert_eq!(remove(first), STATUS_SUCCESS);
        nt_set_io_completion(&cx, second, 2, 2, 2, 2).unwrap();
        for _ in 0..2 {
            queue();
            assert_eq!(remove(second), STATUS_USER_APC);
            assert!(thread.next_apc(false).is_some());
        }
        assert_eq!(remove(second), STATUS_SUCCESS);
        queue();
        nt_set_io_completion(&cx, second, 3, 3, 3, 3).unwrap();
        assert_eq!(remove(second), STATUS_SUCCESS);
        assert_eq!(remove(second), STATUS_USER_APC);
    }

    #[test]
    fn waiters_are_woken_one_for_each_packet_and_all_by_the_end() {
        let (fake, k) = Fake::kernel();
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        let handle = port(fake, &cx, "");
        let waiters: Vec<_> = (0..3).map(|_| fake.thread(k, move |cx| remove_one(fake, cx, handle, None))).collect();
        nt_set_io_completion(&cx, handle, 7, 0, 0, 0).unwrap();
        while waiters.iter().all(|waiter| !waiter.is_finished()) {
            std::thread::yield_now();
        }
        k.close_handle(handle).unwrap();
        let ended = waiters.into_iter().map(|waiter| waiter.join().unwrap().0.unwrap_or_else(|status| status));
        let mut ended: Vec<u32> = ended.map(|status| status.0).collect();
        ended.sort_unstable();
        // A thread that had not come so far finds no port any more.
        let late = [STATUS_ABANDONED_WAIT_0.0, STATUS_INVALID_HANDLE.0];
        assert!(ended[0] == STATUS_SUCCESS.0 && ended[1..].iter().all(|status| late.contains(status)), "{ended:x?}");
    }

    #[test]
    fn ports_have_names_and_reserves_have_none() {
        let (fake, k) = Fake::kernel();
        let thread = fake.attach(k);
        let cx = Cx { k, t: &thread };
        crate::ob::directory::make_path(&k.ob.root, "\\BaseNamedObjects");
        let handle = port(fake, &cx, "\\BaseNamedObjects\\port");
        let again = fake.alloc(Handle(0));
        let attributes = fake.attributes("\\BaseNamedObjects\\PORT", 0x40);
        assert_eq!(nt_open_io_completion(&cx, again, IO_COMPLETION_QUERY_STATE, attributes), Ok(STATUS_SUCCESS));
        let again = again.read(k).unwrap();
        assert_eq!(nt_set_io_completion(&cx, again, 1, 1, 1, 1), Err(STATUS_ACCESS_DENIED));
        let reserve = fake.alloc(Handle(0));
        assert_eq!(nt_allocate_reserve_object(&cx, reserve, UserPtr::new(0), 2), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(nt_allocate_reserve_object(&cx, reserve, attributes, 1), Err(STATUS_OBJECT_NAME_INVALID));
        assert_eq!(nt_allocate_reserve_object(&cx, reserve, UserPtr::new(0), 1), Ok(STATUS_SUCCESS));
        let reserve = reserve.read(k).unwrap();
        assert_eq!(nt_set_io_completion_ex(&cx, handle, reserve, 5, 6, 7, 8), Ok(STATUS_SUCCESS));
        assert_eq!(nt_set_io_completion_ex(&cx, handle, again, 5, 6, 7, 8), Err(STATUS_OBJECT_TYPE_MISMATCH));
        assert_eq!(remove_one(fake, &cx, handle, Some(0)), (Ok(STATUS_SUCCESS), [5, 6, 7, 8]));
    }
}
