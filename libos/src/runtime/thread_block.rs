//! What the runtime keeps of a host thread, at a fixed layout that the entry code knows.

use ntum::ps::thread::Thread;
use ntum::types::{Context, Ymm};
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
    /// Not null: an XSAVE area whose AVX part is loaded with `resume`.
    pub extended: *const Area,
    /// Below it, the guest is called into no deeper.
    pub stack_low: u64,
    pad2: u64,
    /// What is loaded into the processor when the guest goes on elsewhere than it left.
    pub resume: Context,
    /// The kernel's thread.
    pub thread: Arc<Thread>,
    area: Area,
}

/// An XSAVE area of the standard format up to its AVX part: legacy part, header, upper halves of the ymm registers (Intel
/// SDM 1, 13.4).
#[repr(C, align(64))]
pub struct Area {
    legacy: [u8; 512],
    /// XSTATE_BV, XCOMP_BV, reserved.
    header: [u64; 8],
    ymm: Ymm,
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
            extended: core::ptr::null(),
            stack_low: 0,
            pad2: 0,
            resume: Context::initial(),
            thread,
            area: Area { legacy: [0; 512], header: [0; 8], ymm: Ymm::default() },
        })
    }

    /// Sets what is loaded into the processor next, made safe to load.
    pub fn set_resume(&mut self, context: &Context) {
        self.resume = *context;
        // MXCSR with reserved bits would fault in the runtime.
        let mxcsr = context.mxcsr & 0xffff;
        self.resume.mxcsr = mxcsr;
        self.resume.fx[24..28].copy_from_slice(&mxcsr.to_le_bytes());
        self.extended = core::ptr::null();
        if let Some(ymm) = context.ymm() {
            self.area.legacy[24..28].copy_from_slice(&mxcsr.to_le_bytes());
            self.area.header[0] = ntum::ps::xstate::AVX;
            self.area.ymm = *ymm;
            self.extended = &raw const self.area;
        }
    }
}

const _: () = assert!(core::mem::offset_of!(ThreadBlock, interrupted) == 16);
const _: () = assert!(core::mem::offset_of!(ThreadBlock, frame) == 24);
const _: () = assert!(core::mem::offset_of!(ThreadBlock, extended) == 40);
const _: () = assert!(core::mem::offset_of!(ThreadBlock, resume) == 64);
const _: () = assert!(core::mem::offset_of!(Area, ymm) == 576);
