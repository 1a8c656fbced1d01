//! The lanes: sockets to the monitor, each carrying one call at a time.
#![allow(unsafe_code)]

use parking_lot::{Condvar, Mutex};
use shim_abi::MAX_FRAME;
use shim_abi::boot::descriptor::{EVENTS, LANE_COUNT, LANES};
use shim_abi::calls::Event;
use shim_abi::error::{Error, Result};
use shim_abi::wire;
use std::cell::Cell;

/// Lanes that carry no call now.
pub struct Lanes {
    free: Mutex<Vec<i32>>,
    freed: Condvar,
}

thread_local! {
    /// Where replies arrive. One frame for each thread that ever asked.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Default for Lanes {
    /// All of them, free.
    fn default() -> Lanes {
        Lanes { free: Mutex::new((LANES..LANES + LANE_COUNT).rev().collect()), freed: Condvar::new() }
    }
}

impl Lanes {
    /// Carries a request out and the reply back, with the descriptor that came with it.
    ///
    /// # Errors
    /// `Closed` when the monitor is gone.
    pub fn call(&self, request: &[u8]) -> Result<(Vec<u8>, Option<u32>)> {
        let lane = {
            let mut free = self.free.lock();
            loop {
                match free.pop() {
                    Some(lane) => break lane,
                    None => self.freed.wait(&mut free),
                }
            }
        };
        // Taken, not borrowed: a fault on the way reports through a call of its own.
        let mut buffer = BUFFER.take();
        buffer.resize(MAX_FRAME, 0);
        let answer = send(lane, request)
            .and_then(|()| receive(lane, &mut buffer))
            .map(|(length, descriptor)| (buffer[..length].to_vec(), descriptor));
        BUFFER.set(buffer);
        self.free.lock().push(lane);
        self.freed.notify_one();
        answer
    }
}

fn send(lane: i32, request: &[u8]) -> Result {
    let mut part = libc::iovec { iov_base: request.as_ptr() as *mut libc::c_void, iov_len: request.len() };
    // SAFETY: an all-zero msghdr is a valid one.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    loop {
        // SAFETY: `message` names one part, which lives until the call returns and is only read.
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

/// Space for one descriptor beside a datagram: a header of 16 bytes and an int, padded.
#[repr(C, align(8))]
struct Control([u8; 24]);

/// Receives one datagram and at most one descriptor. Interrupts do not end it: a reply must not be lost.
fn receive(socket: i32, into: &mut [u8]) -> Result<(usize, Option<u32>)> {
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control = Control([0; 24]);
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
    let is_descriptor = filled >= 20 && word(8) == libc::SOL_SOCKET && word(12) == libc::SCM_RIGHTS;
    Ok((length, is_descriptor.then(|| word(16) as u32)))
}

/// Waits for the monitor's next event.
pub fn next_event() -> Option<Event> {
    let mut byte = [0u8; 16];
    let (length, _) = receive(EVENTS, &mut byte).ok()?;
    wire::decode(&byte[..length]).ok()
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
