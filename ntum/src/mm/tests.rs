//! Tests against the fake host: what a guest sees of memory and sections.

mod images;
mod memory;
mod sections;

use super::query::BasicInformation;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::status::*;
use std::sync::Arc;

const SELF: Handle = Handle::CURRENT_PROCESS;
const COMMIT: u32 = 0x1000;
const RESERVE: u32 = 0x2000;
const FREE: u32 = 0x1_0000;
const DECOMMIT: u32 = 0x4000;
const RELEASE: u32 = 0x8000;
const READONLY: u32 = 2;
const READWRITE: u32 = 4;
const WRITECOPY: u32 = 8;
const GUARD: u32 = 0x100;
const LOAD: u64 = 0;
const STORE: u64 = 1;
const FETCH: u64 = 8;

/// A machine and a guest thread on it.
struct Machine {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
}

impl Machine {
    fn new() -> Machine {
        let (fake, k) = Fake::kernel();
        Machine { fake, k, t: fake.attach(k) }
    }

    fn with_memory(bytes: u64) -> Machine {
        let fake = Fake::leak();
        let boot = shim_abi::boot::Boot { memory: bytes, ..Fake::boot() };
        let k: &'static Kernel = Box::leak(Box::new(Kernel::new(fake, boot)));
        Machine { fake, k, t: fake.attach(k) }
    }

    fn cx(&self) -> Cx<'_> {
        Cx { k: self.k, t: &self.t }
    }

    fn allocate(&self, base: u64, size: u64, kind: u32, protection: u32) -> Nt<(u64, u64)> {
        let (at, bytes) = (self.fake.alloc(base), self.fake.alloc(size));
        super::allocate::nt_allocate_virtual_memory(&self.cx(), SELF, at, 0, bytes, kind, protection)?;
        Ok((at.read(self.k)?, bytes.read(self.k)?))
    }

    fn allocate_ex(&self, base: u64, size: u64, kind: u32, protection: u32) -> Nt<u64> {
        let (at, bytes) = (self.fake.alloc(base), self.fake.alloc(size));
        let none = crate::um::UserPtr::new(0);
        super::allocate::nt_allocate_virtual_memory_ex(&self.cx(), SELF, at, bytes, kind, protection, none, 0)?;
        at.read(self.k)
    }

    fn free(&self, base: u64, size: u64, kind: u32) -> Nt<(u64, u64)> {
        let (at, bytes) = (self.fake.alloc(base), self.fake.alloc(size));
        super::free::nt_free_virtual_memory(&self.cx(), SELF, at, bytes, kind)?;
        Ok((at.read(self.k)?, bytes.read(self.k)?))
    }

    fn protect(&self, base: u64, size: u64, protection: u32) -> Nt<u32> {
        self.k.mm.protect(self.k, base, size, protection).map(|(_, old)| old)
    }

    fn query(&self, address: u64) -> BasicInformation {
        self.k.mm.query(address).unwrap()
    }

    /// What the guest's own store does: what the processor's fault would lead to.
    fn store(&self, address: u64, byte: u8) -> Nt<()> {
        for _ in 0..4 {
            if self.fake.memory_write(address, byte) {
                return Ok(());
            }
            self.k.mm.fault(self.k, &self.t, address, STORE, false)?;
        }
        panic!("a fault without end at {address:x}");
    }

    fn load(&self, address: u64) -> Nt<u8> {
        for _ in 0..4 {
            if let Some(byte) = self.fake.memory_read(address) {
                return Ok(byte);
            }
            self.k.mm.fault(self.k, &self.t, address, LOAD, false)?;
        }
        panic!("a fault without end at {address:x}");
    }
}

impl Fake {
    fn memory_read(&self, address: u64) -> Option<u8> {
        use crate::host::Host;
        let mut byte = [0];
        self.read_user(address, &mut byte).ok().map(|()| byte[0])
    }

    fn memory_write(&self, address: u64, byte: u8) -> bool {
        use crate::host::Host;
        self.write_user(address, &[byte]).is_ok()
    }
}
