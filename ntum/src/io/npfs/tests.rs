//! Pipes and mailslots through the system calls.

use super::create::*;
use crate::call::Cx;
use crate::host::fake::Fake;
use crate::io::completion;
use crate::io::create::{nt_create_file, nt_open_file};
use crate::io::file::*;
use crate::io::information::*;
use crate::io::transfer::*;
use crate::kernel::Kernel;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::status::*;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::{UserPtr, UserSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

const READ: u32 = 0x8010_0000;
const WRITE: u32 = 0x4010_0000;
const SYNC: u32 = FILE_SYNCHRONOUS_IO_NONALERT;

struct Guest {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
}

impl Guest {
    fn new() -> Guest {
        let (fake, k) = Fake::kernel();
        super::driver::start(k);
        super::mailslot::start(k);
        Guest { fake, k, t: fake.attach(k) }
    }

    fn cx(&self) -> Cx<'_> {
        Cx { k: self.k, t: &self.t }
    }

    fn iosb(&self) -> UserPtr<IoStatusBlock> {
        self.fake.alloc(IoStatusBlock { status: 0xeeee, ..Default::default() })
    }

    fn server(&self, name: &str, access: u32, share: u32, options: u32, message: u32) -> Nt<Handle> {
        let (made, attributes) = (self.fake.alloc(Handle(0)), self.fake.attributes(name, 0x40));
        let timeout = self.fake.alloc(-300_000i64);
        nt_create_named_pipe_file(
            &self.cx(),
            made,
            access,
            attributes,
            self.iosb(),
            share,
            FILE_OPEN_IF,
            options,
            message,
            message,
            0,
            1,
            64,
            64,
            timeout,
        )?;
        made.read(self.k)
    }

    fn open(&self, name: &str, access: u32, options: u32) -> Nt<Handle> {
        let (made, attributes) = (self.fake.alloc(Handle(0)), self.fake.attributes(name, 0x40));
        nt_open_file(&self.cx(), made, access, attributes, self.iosb(), 3, options)?;
        made.read(self.k)
    }

    fn write(&self, handle: Handle, data: &[u8]) -> Nt<u64> {
        let (buffer, iosb) = (self.fake.alloc_bytes(data), self.iosb());
        let (length, zero) = (data.len() as u32, UserPtr::new(0));
        nt_write_file(&self.cx(), handle, Handle(0), 0, 0, iosb, buffer, length, zero, UserPtr::new(0))?;
        Ok(iosb.read(self.k)?.information)
    }

    fn read(&self, handle: Handle, length: u32) -> Nt<(Status, Vec<u8>)> {
        let (buffer, iosb) = (self.fake.alloc_bytes(&vec![0; length as usize]), self.iosb());
        let zero = UserPtr::new(0);
        let status = nt_read_file(&self.cx(), handle, Handle(0), 0, 0, iosb, buffer, length, zero, UserPtr::new(0))?;
        Ok((status, UserSlice::new(buffer, iosb.read(self.k)?.information).read_all(self.k)?))
    }

    fn control(&self, handle: Handle, code: u32, input: &[u8], room: u32) -> Nt<Vec<u8>> {
        let (from, to) = (self.fake.alloc_bytes(input), self.fake.alloc_bytes(&vec![0; room as usize]));
        let (iosb, length) = (self.iosb(), input.len() as u32);
        nt_fs_control_file(&self.cx(), handle, Handle(0), 0, 0, iosb, code, from, length, to, room)?;
        UserSlice::new(to, iosb.read(self.k)?.information).read_all(self.k)
    }

    fn query(&self, handle: Handle, class: u32, length: u32) -> Nt<Vec<u8>> {
        let buffer = self.fake.alloc_bytes(&vec![0; length as usize]);
        nt_query_information_file(&self.cx(), handle, self.iosb(), buffer, length, class)?;
        UserSlice::new(buffer, u64::from(length)).read_all(self.k)
    }
}

#[test]
fn an_anonymous_pipe_as_kernelbase_makes_it() {
    let g = Guest::new();
    let name = "\\??\\pipe\\Win32.Pipes.00000020.00000001";
    let read = g.server(name, READ | FILE_WRITE_ATTRIBUTES, 2, SYNC, 0).unwrap();
    let write = g.open(name, WRITE | FILE_READ_ATTRIBUTES, SYNC | FILE_NON_DIRECTORY_FILE).unwrap();
    assert_eq!(g.write(write, b"through"), Ok(7));
    assert_eq!(g.read(read, 99), Ok((STATUS_SUCCESS, b"through".to_vec())));
    assert_eq!(g.write(read, b"x"), Err(STATUS_ACCESS_DENIED));
    assert_eq!(g.query(write, FILE_NAME_INFORMATION, 200).unwrap()[4..8], [b'\\', 0, b'W', 0]);
    let cx = g.cx();
    assert_eq!(cx.object(read, 0).unwrap().file().unwrap().device_kind(), 0x11);
    // A reader that waits is served by another thread.
    let (fake, k) = (g.fake, g.k);
    let reader = fake.thread(k, move |cx| Guest { fake, k, t: cx.t.clone() }.read(read, 9));
    while k.io.pending.lock().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(g.write(write, b"late"), Ok(4));
    assert_eq!(reader.join().unwrap(), Ok((STATUS_SUCCESS, b"late".to_vec())));
    g.k.close_handle(write).unwrap();
    assert_eq!(g.read(read, 1), Err(STATUS_PIPE_BROKEN));
}

#[test]
fn requests_of_an_overlapped_pipe_pend_and_complete_to_a_port() {
    let g = Guest::new();
    let server = g.server("\\??\\pipe\\o", READ | WRITE, 3, 0, 1).unwrap();
    let port = completion::new_port(g.k, 0);
    let port_handle = g.cx().insert(port, 0x1f_0003, 0).unwrap();
    let binding = g.fake.alloc([port_handle.0, 77u64]);
    let class = FILE_COMPLETION_INFORMATION;
    assert_eq!(nt_set_information_file(&g.cx(), server, g.iosb(), binding.address(), 16, class), Ok(STATUS_SUCCESS));
    let (iosb, zero) = (g.iosb(), Handle(0));
    assert_eq!(nt_fs_control_file(&g.cx(), server, zero, 0, 0x1234, iosb, 0x11_0008, 0, 0, 0, 0), Ok(STATUS_PENDING));
    assert_ne!(iosb.read(g.k).unwrap().status, STATUS_SUCCESS.0);
    let client = g.open("\\Device\\NamedPipe\\O", READ | WRITE, SYNC).unwrap();
    let (key, context, result, poll) = (g.fake.alloc(0u64), g.fake.alloc(0u64), g.iosb(), g.fake.alloc(0i64));
    assert_eq!(
        completion::nt_remove_io_completion(&g.cx(), port_handle, key, context, result, poll),
        Ok(STATUS_SUCCESS)
    );
    assert_eq!((key.read(g.k), context.read(g.k)), (Ok(77), Ok(0x1234)));
    assert_eq!(g.read(server, 2), Ok((STATUS_PENDING, vec![])));
    assert_eq!(g.write(client, b"abc"), Ok(3));
    assert_eq!(g.control(server, 0x11_400c, &[], 16 + 9).unwrap()[..8], [3, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(g.read(server, 9), Ok((STATUS_SUCCESS, b"c".to_vec())), "the message's rest");
    let local = g.query(server, FILE_PIPE_LOCAL_INFORMATION, 40).unwrap();
    assert_eq!((local[0], local[4], local[32], local[36]), (1, 2, 3, 1));
    let pid = g.control(server, 0x11_0030, b"ClientProcessId\0", 4);
    assert_eq!(pid, Ok(vec![0x20, 0, 0, 0]));
    // A request in flight is cancelled.
    assert_eq!(g.read(server, 9), Ok((STATUS_PENDING, vec![])));
    assert_eq!(nt_cancel_io_file_ex(&g.cx(), server, 0, g.iosb()), Ok(STATUS_SUCCESS));
    assert_eq!(nt_cancel_io_file_ex(&g.cx(), server, 0, g.iosb()), Err(STATUS_NOT_FOUND));
    assert_eq!(g.control(server, 0x11_0004, &[], 0), Ok(vec![]));
    assert_eq!(g.read(client, 1), Err(STATUS_PIPE_DISCONNECTED));
}

#[test]
fn waiting_for_an_instance_ends_in_time() {
    let g = Guest::new();
    let server = g.server("\\??\\pipe\\w", READ | WRITE, 3, SYNC, 0).unwrap();
    let root = g.open("\\??\\pipe\\", 0x10_0080, SYNC).unwrap();
    let mut wait = (-200_000i64).to_le_bytes().to_vec();
    wait.extend([2, 0, 0, 0, 1, 0, b'w', 0]);
    wait.resize(16, 0);
    assert_eq!(g.control(root, 0x11_0018, &wait, 0), Ok(vec![]), "one listens");
    let client = g.open("\\??\\pipe\\w", READ, SYNC).unwrap();
    assert_eq!(g.open("\\??\\pipe\\w", READ, SYNC), Err(STATUS_PIPE_NOT_AVAILABLE));
    let start = Instant::now();
    assert_eq!(g.control(root, 0x11_0018, &wait, 0), Err(STATUS_IO_TIMEOUT));
    assert!(start.elapsed() >= Duration::from_millis(20));
    wait[14] = b'x';
    assert_eq!(g.control(root, 0x11_0018, &wait, 0), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    g.k.close_handle(client).unwrap();
    g.k.close_handle(server).unwrap();
    assert_eq!(g.open("\\??\\pipe\\w", READ, SYNC), Err(STATUS_OBJECT_NAME_NOT_FOUND));
}

#[test]
fn a_pipe_without_a_name() {
    let g = Guest::new();
    let root = g.open("\\Device\\NamedPipe\\", 0x10_0080, SYNC).unwrap();
    // A name of no units; none at all is refused.
    let name = g.fake.unicode_string("").address();
    let relative = |root| g.fake.alloc(ObjectAttributesRaw { length: 48, root, name, ..Default::default() });
    let (made, timeout) = (g.fake.alloc(Handle(0)), g.fake.alloc(-1i64));
    let attributes = relative(root);
    let status = nt_create_named_pipe_file(
        &g.cx(),
        made,
        READ,
        attributes,
        g.iosb(),
        2,
        FILE_CREATE,
        SYNC,
        0,
        0,
        0,
        1,
        9,
        9,
        timeout,
    );
    assert_eq!(status, Ok(STATUS_SUCCESS));
    let (read, other, zero) = (made.read(g.k).unwrap(), g.fake.alloc(Handle(0)), UserPtr::new(0));
    let attributes = relative(read);
    let opened = nt_create_file(&g.cx(), other, WRITE, attributes, g.iosb(), zero, 0, 3, FILE_OPEN, SYNC, 0, 0);
    assert_eq!(opened, Ok(STATUS_SUCCESS));
    assert_eq!(g.write(other.read(g.k).unwrap(), b"hi"), Ok(2));
    assert_eq!(g.read(read, 9), Ok((STATUS_SUCCESS, b"hi".to_vec())));
}

#[test]
fn mailslots_carry_messages_one_way() {
    let g = Guest::new();
    let make = |timeout: i64| {
        let (made, attributes) = (g.fake.alloc(Handle(0)), g.fake.attributes("\\??\\mailslot\\box", 0x40));
        let access = READ | WRITE;
        let timeout = g.fake.alloc(timeout);
        nt_create_mailslot_file(&g.cx(), made, access, attributes, g.iosb(), SYNC, 0, 5, timeout)?;
        made.read(g.k)
    };
    let slot = make(0).unwrap();
    assert_eq!(make(0), Err(STATUS_OBJECT_NAME_COLLISION));
    assert_eq!(g.read(slot, 9), Err(STATUS_IO_TIMEOUT));
    let writer = g.open("\\??\\MAILSLOT\\Box", WRITE, SYNC).unwrap();
    assert_eq!((g.write(writer, b"one"), g.write(writer, b"two!!")), (Ok(3), Ok(5)));
    assert_eq!(g.write(writer, b"longer"), Err(STATUS_INVALID_PARAMETER));
    let info = g.query(slot, FILE_MAILSLOT_QUERY_INFORMATION, 24).unwrap();
    assert_eq!((info[0], info[8], info[12]), (5, 3, 2));
    assert_eq!(g.read(slot, 2), Err(STATUS_BUFFER_TOO_SMALL));
    assert_eq!(g.read(slot, 3), Ok((STATUS_SUCCESS, b"one".to_vec())));
    assert_eq!(g.write(slot, b"x"), Err(STATUS_ACCESS_DENIED));
    let timeout = g.fake.alloc(-200_000i64);
    let class = FILE_MAILSLOT_SET_INFORMATION;
    assert_eq!(nt_set_information_file(&g.cx(), slot, g.iosb(), timeout.address(), 8, class), Ok(STATUS_SUCCESS));
    assert_eq!(g.read(slot, 9), Ok((STATUS_SUCCESS, b"two!!".to_vec())));
    assert_eq!(g.read(slot, 9), Err(STATUS_IO_TIMEOUT));
    g.k.close_handle(slot).unwrap();
    assert_eq!(g.write(writer, b"x"), Err(STATUS_FILE_DELETED));
}

#[test]
fn all_ends_of_a_pipe_share_one_security_descriptor() {
    use crate::ob::security::{nt_query_security_object, nt_set_security_object};
    use crate::se::descriptor::{Descriptor, information};
    use crate::se::sid::Sid;
    let g = Guest::new();
    let (cx, name) = (g.cx(), "\\??\\pipe\\secured");
    let all = 0x1f_01ff;
    let server = g.server(name, all, 3, SYNC, 0).unwrap();
    let client = g.open(name, all, SYNC).unwrap();
    let group = |handle: Handle| -> Nt<Option<Sid>> {
        let (buffer, needed) = (g.fake.alloc_bytes(&[0; 200]), g.fake.alloc(0u32));
        nt_query_security_object(&cx, handle, information::GROUP, buffer, 200, needed)?;
        let bytes = UserSlice::new(buffer, u64::from(needed.read(g.k)?)).read_all(g.k)?;
        Ok(Descriptor::parse(&bytes)?.group)
    };
    let world = Sid::world();
    let given = Descriptor { group: Some(world.clone()), ..Descriptor::default() };
    let given = g.fake.alloc_bytes(&given.bytes());
    assert_ne!(group(client).unwrap(), Some(world.clone()));
    nt_set_security_object(&cx, server, information::GROUP, given).unwrap();
    assert_eq!((group(server), group(client)), (Ok(Some(world.clone())), Ok(Some(world.clone()))));
    g.control(server, 0x11_0004, &[], 0).unwrap();
    assert_eq!(group(server), Ok(Some(world)));
    assert_eq!(group(client), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(nt_set_security_object(&cx, client, information::GROUP, given), Err(STATUS_PIPE_DISCONNECTED));
}
