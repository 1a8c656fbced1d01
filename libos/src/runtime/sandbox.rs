//! The sandbox's memory, and who lives in it: two files of the monitor's, mapped when they are first needed.
#![allow(unsafe_code)]

use shim_abi::boot::descriptor;
use shim_abi::member;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

struct Sandbox {
    memory: &'static [AtomicU32],
    living: &'static [AtomicU32],
}

static SANDBOX: OnceLock<Option<Sandbox>> = OnceLock::new();

/// Maps a file whole, for good, as words.
fn map(file: i32, protection: i32) -> Option<&'static [AtomicU32]> {
    // SAFETY: fstat fills the structure or fails. The mapping lies where the host finds room. Its words are shared with other
    // processes, hence atomic; the file's size is sealed, so that every one of them stays there for ever.
    unsafe {
        let mut status = std::mem::zeroed::<libc::stat>();
        if libc::fstat(file, &mut status) != 0 {
            return None;
        }
        let bytes = usize::try_from(status.st_size).ok()?;
        let at = libc::mmap(core::ptr::null_mut(), bytes, protection, libc::MAP_SHARED, file, 0);
        if at == libc::MAP_FAILED {
            return None;
        }
        Some(std::slice::from_raw_parts(at.cast::<AtomicU32>(), bytes / 4))
    }
}

fn sandbox() -> Option<&'static Sandbox> {
    let open = || {
        let memory = map(descriptor::MEMORY, libc::PROT_READ | libc::PROT_WRITE)?;
        Some(Sandbox { memory, living: map(descriptor::LIVING, libc::PROT_READ)? })
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
