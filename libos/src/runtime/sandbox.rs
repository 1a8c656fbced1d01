//! The sandbox's memory, and who lives in it: two streams of the monitor's, mapped when they are first needed.
#![allow(unsafe_code)]

use ntum::host::Host;
use shim_abi::calls::StreamOpen;
use shim_abi::member;
use shim_abi::stream::{Disposition, Expect, access};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

struct Sandbox {
    memory: &'static [AtomicU32],
    living: &'static [AtomicU32],
}

static SANDBOX: OnceLock<Option<Sandbox>> = OnceLock::new();

/// Maps a stream of the monitor's whole, for good, as words.
fn map(uri: &str, access: u32, protection: i32) -> Option<&'static [AtomicU32]> {
    let host: &'static dyn Host = super::machine::host();
    let (disposition, expect) = (Disposition::Open, Expect::Any);
    let open = StreamOpen { uri: uri.into(), access, disposition, expect, attributes: 0 };
    let stream = host.ask_stream(&open).ok()?.1?;
    let bytes = usize::try_from(host.query(&stream).ok()?.size).ok()?;
    // SAFETY: the mapping lies where the host finds room. Its words are shared with other processes, hence atomic; the file's
    // size is sealed, so that every one of them stays there for ever.
    unsafe {
        let at = libc::mmap(core::ptr::null_mut(), bytes, protection, libc::MAP_SHARED, stream.number() as i32, 0);
        if at == libc::MAP_FAILED {
            return None;
        }
        Some(std::slice::from_raw_parts(at.cast::<AtomicU32>(), bytes / 4))
    }
}

fn sandbox() -> Option<&'static Sandbox> {
    let open = || {
        let memory = map("memory:", access::READ | access::WRITE, libc::PROT_READ | libc::PROT_WRITE)?;
        Some(Sandbox { memory, living: map("living:", access::READ, libc::PROT_READ)? })
    };
    SANDBOX.get_or_init(open).as_ref()
}

/// The memory that all members share.
pub fn memory() -> Option<&'static [AtomicU32]> {
    Some(sandbox()?.memory)
}

/// Whether a member may still run.
pub fn is_alive(number: u32) -> bool {
    let word = sandbox().and_then(|sandbox| sandbox.living.get(member::place(number) as usize));
    word.is_some_and(|word| word.load(Ordering::Acquire) == number)
}

/// What futex(2) is told of a word besides what to do: whether other processes may sleep on it.
pub fn futex_flag(word: &AtomicU32) -> i32 {
    let shared = SANDBOX.get().and_then(Option::as_ref).is_some_and(|sandbox| {
        let range = sandbox.memory.as_ptr_range();
        range.contains(&core::ptr::from_ref(word))
    });
    if shared { 0 } else { libc::FUTEX_PRIVATE_FLAG }
}
