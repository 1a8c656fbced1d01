//! What the runtime keeps of a host thread, at a fixed layout that the entry code knows.

use ntum::ps::thread::Thread;
use ntum::types::Context;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Where a TEB holds the address of its thread's [`ThreadBlock`]: in GdiTebBatch (0x2f0), which a kernel may use.
pub const TEB_SLOT: u64 = 0x2f8;

/// What the runtime keeps of a host thread that runs guest code.
#[repr(C, align(64))]
pub struct ThreadBlock {
    /// Top of the kernel stack while the guest runs, a multiple of 16.
    pub kernel_sp: u64,
    /// Stack pointer to go back to when the guest thread ends.
    pub base_sp: u64,
    /// Not 0: an interrupt came while the kernel ran; seen to before guest code goes on.
    pub interrupted: AtomicU32,
    pad: u32,
    /// The kernel stack pointer of the system call under way.
    pub frame: u64,
    /// Not null: the registers of a system call that came as a signal, without a frame.
    pub trapped: *const Context,
    pad2: [u64; 3],
    /// What is loaded into the processor when the guest goes on elsewhere than it left.
    pub resume: Context,
    /// The kernel's thread.
    pub thread: Arc<Thread>,
}

impl ThreadBlock {
    /// A block for a thread.
    pub fn new(thread: Arc<Thread>) -> Box<ThreadBlock> {
        Box::new(ThreadBlock {
            kernel_sp: 0,
            base_sp: 0,
            interrupted: AtomicU32::new(0),
            pad: 0,
            frame: 0,
            trapped: core::ptr::null(),
            pad2: [0; 3],
            resume: Context::initial(),
            thread,
        })
    }
}

const _: () = assert!(core::mem::offset_of!(ThreadBlock, interrupted) == 16);
const _: () = assert!(core::mem::offset_of!(ThreadBlock, frame) == 24);
const _: () = assert!(core::mem::offset_of!(ThreadBlock, resume) == 64);
