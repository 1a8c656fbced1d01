//! Memory manager: address space, sections, images.
//!
//! STAND-IN: the signatures that ps/start.rs, ps/create.rs, ps/crash.rs and ps/exception.rs call. N2 replaces the bodies.
#![allow(missing_docs)]

pub mod section;

use crate::call::Call;
use crate::host::{Fault, Stream};
use crate::kernel::Kernel;
use crate::ps::thread::Thread;
use crate::status::*;
use std::ops::Range;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

pub mod allocate {
    #[derive(Clone, Copy)]
    pub struct Request {
        pub base: Option<u64>,
        pub size: u64,
        pub kind: u32,
        pub protection: u32,
    }
    impl Request {
        pub fn commit(size: u64) -> Request {
            Request { base: None, size, kind: 0x3000, protection: 4 }
        }
    }
    pub mod mem {
        pub const COMMIT: u32 = 0x1000;
        pub const RESERVE: u32 = 0x2000;
    }
}
pub mod page {
    pub mod protect {
        pub const READWRITE: u32 = 4;
    }
}
pub mod pe {
    pub const MACHINE_AMD64: u16 = 0x8664;
}
pub struct Info {
    pub transfer_address: u64,
    pub machine: u16,
    pub characteristics: u16,
    pub maximum_stack_size: u64,
    pub committed_stack_size: u64,
    pub subsystem: u32,
    pub major_subsystem_version: u16,
    pub minor_subsystem_version: u16,
}
pub struct Sec {
    pub name: [u8; 8],
    pub virtual_address: u32,
}
pub struct MappedImage {
    pub base: u64,
    pub info: Info,
    pub sections: Vec<Sec>,
}
/// The component's state.
#[derive(Default)]
pub struct Mm {}

impl Mm {
    pub fn kernel_fault(&self, _k: &Kernel, _fault: Fault) -> Nt<()> {
        Err(STATUS_ACCESS_VIOLATION)
    }
    pub fn allocate(&self, _k: &Kernel, _r: &allocate::Request) -> Nt<Range<u64>> {
        Err(STATUS_NO_MEMORY)
    }
    pub fn release(&self, _k: &Kernel, _base: u64) -> Nt<()> {
        Err(STATUS_NO_MEMORY)
    }
    pub fn fault(&self, _k: &Kernel, _t: &Thread, _a: u64, _access: u64, _in_page: bool) -> Nt<()> {
        Err(STATUS_ACCESS_VIOLATION)
    }
    pub fn module_at(&self, _a: u64) -> Option<(String, u64)> {
        None
    }
    pub fn map_image_file(&self, _k: &Kernel, _s: Stream, _p: &str, _system: bool) -> Nt<MappedImage> {
        Err(STATUS_NO_MEMORY)
    }
}
