//! The page beside a lane: memory that a picoprocess and its monitor share, so that a call can travel without a system call.
//!
//! The lane's socket carries every call; the page is a short cut for as long as both sides look. The monitor says in the word
//! [`CALL`] whether it looks. If it does, the request goes into the page, else it is a datagram. The picoprocess says in the
//! word [`REPLY`] whether it looks. If it does, the reply goes into the page, else it is a datagram; a reply with a descriptor
//! is always a datagram, sent before the word says so. Each word changes from "looks" to "does not" and to "there it is" by
//! one exchange, so that nothing is lost in between and no datagram is left over.
//!
//! Requests and replies are those of [`crate::wire`]. Both sides take a copy and decode the copy: what lies in the page may
//! change at any time. Whoever writes nonsense here waits for a reply that never comes, or is ended by the monitor.

use crate::error::{Error, Result};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Words of a page.
pub const WORDS: usize = 512;
/// Bytes of a page.
pub const BYTES: usize = WORDS * 8;
/// The memory: words that either side may change at any time.
pub type Page = [AtomicU64; WORDS];

/// The word that the monitor looks at.
pub const CALL: usize = 0;
/// The word that the picoprocess looks at: two cache lines on, as processors fetch them in pairs.
pub const REPLY: usize = 16;
/// The word in which the picoprocess notes the processor that it runs on: a hint, for whom it is no use to look there.
const PROCESSOR: usize = REPLY + 1;
/// What the picoprocess says of itself, in the first lane's page: how often it did, its number as programs see it, and how many
/// NT calls it made. Nothing depends on it.
const TOLD: usize = REPLY + 8;
/// First word of the request or reply.
const DATA: usize = 32;
/// Longest request or reply that goes into a page, in bytes.
pub const ROOM: usize = (WORDS - DATA) * 8;

/// Nobody looks; what comes is to be a datagram. The state of a fresh page.
const ASLEEP: u64 = 0;
/// Somebody looks.
const AWAKE: u64 = 1;
/// In [`REPLY`]: the reply is a datagram that can be received now.
const SENT: u64 = 2;
/// It is in the page; the length is in the lower half.
const HERE: u64 = 1 << 32;

fn put(page: &Page, bytes: &[u8]) {
    for (word, chunk) in page[DATA..].iter().zip(bytes.chunks(8)) {
        let mut raw = [0; 8];
        raw[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_le_bytes(raw), Ordering::Relaxed);
    }
}

/// Copies what the state says is here; `None` if it says something else, or more than there is room for.
fn take(page: &Page, state: u64, into: &mut Vec<u8>) -> Option<()> {
    let length = usize::try_from(state.checked_sub(HERE)?).ok().filter(|length| *length <= ROOM)?;
    into.clear();
    into.reserve(length + 7);
    for word in &page[DATA..DATA + length.div_ceil(8)] {
        into.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
    }
    into.truncate(length);
    Some(())
}

/// The picoprocess tells its number as programs see it, and how many NT calls it made.
pub fn tell(page: &Page, id: u64, calls: u64) {
    page[TOLD + 1].store(id, Ordering::Relaxed);
    page[TOLD + 2].store(calls, Ordering::Relaxed);
    page[TOLD].fetch_add(1, Ordering::Release);
}

/// What it told last, for the monitor to show: how often it did, its number, its calls.
pub fn told(page: &Page) -> (u64, u64, u64) {
    let times = page[TOLD].load(Ordering::Acquire);
    (times, page[TOLD + 1].load(Ordering::Relaxed), page[TOLD + 2].load(Ordering::Relaxed))
}

/// What the picoprocess sees of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing yet.
    Nothing,
    /// The reply was copied.
    Reply,
    /// The reply is a datagram.
    Datagram,
}

/// The picoprocess asks, on a processor: `false` if the monitor does not look, or the request is too long; then the request is to be sent as
/// a datagram, and the reply will be one.
#[must_use]
pub fn ask(page: &Page, request: &[u8], processor: u32) -> bool {
    page[PROCESSOR].store(u64::from(processor), Ordering::Relaxed);
    if request.len() <= ROOM && page[CALL].load(Ordering::Acquire) == AWAKE {
        put(page, request);
        page[REPLY].store(AWAKE, Ordering::Relaxed);
        let here = HERE + request.len() as u64;
        if page[CALL].compare_exchange(AWAKE, here, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return true;
        }
    }
    page[REPLY].store(ASLEEP, Ordering::Release);
    false
}

/// The picoprocess looks for the reply, which is copied if it is here.
pub fn look(page: &Page, into: &mut Vec<u8>) -> Seen {
    match page[REPLY].load(Ordering::Acquire) {
        AWAKE => Seen::Nothing,
        state if take(page, state, into).is_some() => Seen::Reply,
        _ => Seen::Datagram,
    }
}

/// The picoprocess looks no longer: the reply is what is answered, never [`Seen::Nothing`].
pub fn sleep(page: &Page, into: &mut Vec<u8>) -> Seen {
    match page[REPLY].compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire) {
        Err(state) if take(page, state, into).is_some() => Seen::Reply,
        _ => Seen::Datagram,
    }
}

/// The processor that the picoprocess says it asked on.
pub fn processor(page: &Page) -> u64 {
    page[PROCESSOR].load(Ordering::Relaxed)
}

/// The monitor says whether it looks from now on: before it replies to what came last.
pub fn listen(page: &Page, awake: bool) {
    page[CALL].store(if awake { AWAKE } else { ASLEEP }, Ordering::Release);
}

/// The monitor looks for a request, which is copied; whether there is one.
///
/// # Errors
/// [`Error::Malformed`] if the word says what no picoprocess may say.
pub fn request(page: &Page, into: &mut Vec<u8>) -> Result<bool> {
    match page[CALL].load(Ordering::Acquire) {
        AWAKE => Ok(false),
        state => take(page, state, into).map(|()| true).ok_or(Error::Malformed),
    }
}

/// The monitor looks no longer; `false` if a request came just now.
#[must_use]
pub fn doze(page: &Page) -> bool {
    page[CALL].compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The monitor replies: `false` if the picoprocess does not look, or the reply is too long; then it is to be sent.
#[must_use]
pub fn reply(page: &Page, reply: &[u8]) -> bool {
    if reply.len() > ROOM || page[REPLY].load(Ordering::Acquire) != AWAKE {
        return false;
    }
    put(page, reply);
    let here = HERE + reply.len() as u64;
    page[REPLY].compare_exchange(AWAKE, here, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// The monitor says that it sent the reply.
pub fn sent(page: &Page) {
    let _ = page[REPLY].compare_exchange(AWAKE, SENT, Ordering::AcqRel, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn page() -> Page {
        [const { AtomicU64::new(0) }; WORDS]
    }

    #[test]
    fn a_fresh_page_carries_nothing() {
        let page = page();
        assert!(!ask(&page, b"request", 3));
        assert!(!reply(&page, b"reply"));
        assert_eq!(look(&page, &mut Vec::new()), Seen::Datagram);
    }

    #[test]
    fn there_and_back() {
        let (page, mut into) = (page(), Vec::new());
        listen(&page, true);
        assert_eq!(request(&page, &mut into), Ok(false));
        for length in [0, 1, 7, 8, 9, ROOM] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert!(ask(&page, &bytes, 3));
            assert_eq!(look(&page, &mut into), Seen::Nothing);
            assert_eq!(request(&page, &mut into), Ok(true));
            assert_eq!((&into, processor(&page)), (&bytes, 3));
            listen(&page, true);
            assert!(reply(&page, &bytes));
            into.clear();
            assert_eq!(look(&page, &mut into), Seen::Reply);
            assert_eq!(into, bytes);
        }
        assert!(!ask(&page, &vec![0; ROOM + 1], 3) && doze(&page));
    }

    #[test]
    fn who_does_not_look_gets_a_datagram() {
        let (page, mut into) = (page(), Vec::new());
        listen(&page, true);
        assert!(ask(&page, b"a", 3));
        // The monitor was about to sleep.
        assert!(!doze(&page));
        assert_eq!(request(&page, &mut into), Ok(true));
        listen(&page, false);
        assert_eq!(sleep(&page, &mut into), Seen::Datagram);
        assert!(!reply(&page, b"b"));
        assert!(!ask(&page, b"c", 3));
        // A descriptor came along.
        listen(&page, true);
        assert!(ask(&page, b"d", 3));
        sent(&page);
        assert_eq!((look(&page, &mut into), sleep(&page, &mut into)), (Seen::Datagram, Seen::Datagram));
        // The reply was there just before the picoprocess slept.
        listen(&page, true);
        assert!(ask(&page, b"e", 3) && reply(&page, b"f"));
        assert_eq!(sleep(&page, &mut into), Seen::Reply);
        assert_eq!(into, b"f");
    }

    #[test]
    fn nonsense_is_told() {
        let (page, mut into) = (page(), Vec::new());
        for state in [ASLEEP, SENT, HERE - 1, HERE + ROOM as u64 + 1, u64::MAX, HERE << 1] {
            page[CALL].store(state, Ordering::Relaxed);
            assert_eq!(request(&page, &mut into), Err(Error::Malformed), "{state:#x}");
            page[REPLY].store(state, Ordering::Relaxed);
            assert_eq!(look(&page, &mut into), Seen::Datagram, "{state:#x}");
            assert!(!reply(&page, b"x"));
        }
    }
}
