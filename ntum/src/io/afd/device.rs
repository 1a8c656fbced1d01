//! The device, and sockets as files.

use super::poller::Afd;
use super::socket::{Over, Phase, Socket};
use super::transfer::{self, Target};
use super::{code, connect, control, poll};
use crate::call::Cx;
use crate::host::Stream;
use crate::io::device::{Create, Driver, Make, Opened, make_device};
use crate::io::file::*;
use crate::io::information::*;
use crate::io::irp::{Io, Request};
use crate::io::parcel::Maker;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::status::*;
use crate::um::UserSlice;
use std::sync::Arc;

/// FILE_DEVICE_NAMED_PIPE, which is what programs see of a socket's kind.
const FILE_DEVICE_NAMED_PIPE: u32 = 0x11;

/// Makes the device.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\Afd", FILE_DEVICE_NAMED_PIPE, Device);
}

struct Device;

/// A file object that is a socket, or will be one, or only asks about others.
pub struct SocketFile {
    /// The socket.
    pub socket: Arc<Socket>,
}

impl SocketFile {
    /// A file object for a socket, opened as another was.
    ///
    /// # Errors
    /// None in fact: the other is a file.
    pub fn beside(object: &Ref, socket: Arc<Socket>) -> Nt<Ref> {
        let file = object.file()?;
        let create = Create { share: file.share, ..Create::existing(file.access, file.options()) };
        Ok(File::object(&create, &file.device, Vec::new(), SocketFile { socket }))
    }
}

impl Driver for Device {
    fn open(&self, _cx: &Cx<'_>, device: &Ref, _rest: &[u16], create: &Create) -> Nt<Opened> {
        // Programs name what they open as they like: `\Device\Afd\Endpoint`, `\Device\Afd\Mio`.
        if !matches!(create.make, Make::File) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(Opened::existing(create, device, Vec::new(), SocketFile { socket: Socket::new() }))
    }
}

/// Checks the offset of a read or write, which says nothing else about a socket: without a position of its own a file object needs one.
fn check_offset(request: &Request<'_>, offset: Option<i64>) -> Nt<()> {
    let synchronous = request.object.file()?.synchronous();
    if synchronous || offset.is_some_and(|offset| offset >= 0) { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
}

impl FileOps for SocketFile {
    fn read(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, _key: u32) -> Nt<Io> {
        check_offset(request, offset)?;
        cx.k.probe_write(buffer.address, buffer.length)?;
        let to = Target { buffers: vec![(buffer.address, buffer.length as usize)], ..Target::default() };
        // It waits, whatever the socket's mode.
        transfer::recv(cx, &self.socket, request, to, true)
    }

    fn write(&self, cx: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, _key: u32) -> Nt<Io> {
        check_offset(request, offset)?;
        cx.k.probe_read(buffer.address, buffer.length)?;
        transfer::send(cx, &self.socket, request, &[(buffer.address, buffer.length as usize)], None, false, true)
    }

    fn flush(&self, _: &Cx<'_>, _: &Request<'_>) -> Nt<Io> {
        Io::done(0)
    }

    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, control: Control) -> Nt<Io> {
        let socket = &self.socket;
        match control.code {
            code::RECV => control::recv(cx, socket, request, control),
            code::RECVMSG => control::recvmsg(cx, socket, request, control),
            code::SENDMSG => control::sendmsg(cx, socket, request, control),
            code::POLL => poll::poll(cx, request, control),
            code::BIND => connect::bind(cx, socket, request, control),
            code::LISTEN => connect::listen(cx, socket, control),
            code::CONNECT => connect::connect(cx, socket, request, control),
            code::ACCEPT => connect::accept(cx, socket, request, control),
            code::ACCEPT_INTO => connect::accept_into(cx, socket, request, control),
            code::SHUTDOWN => connect::shutdown(cx, socket, control),
            code::TRANSMIT => super::transmit::transmit(cx, socket, request, control),
            _ => control::other(cx, socket, request, control),
        }
    }

    fn query(&self, _: &Cx<'_>, _: &Ref, class: u32) -> Nt<Vec<u8>> {
        match class {
            // No bytes, one name, neither to be deleted nor a directory.
            FILE_STANDARD_INFORMATION => {
                let mut answer = vec![0; 24];
                answer[16] = 1;
                Ok(answer)
            }
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn cleanup(&self, k: &'static Kernel, _object: &Ref) {
        let mut over = Over::default();
        let promised;
        let polls = {
            let mut state = self.socket.lock();
            state.closed = true;
            if let Some(accept) = state.accepting.take() {
                over.push(&accept.irp, Err(STATUS_CANCELLED));
            }
            promised = std::mem::take(&mut state.promised).upgrade();
            (state.event, state.mask, state.addressee) = (None, 0, None);
            state.deferred = None;
            state.published = None;
            state.ways.clear();
            // What the program believes sent is sent all the same: the poller's thread holds the socket until then.
            for write in &state.writes {
                if let Some(irp) = &write.irp {
                    over.push(irp, Err(STATUS_CANCELLED));
                }
            }
            state.writes.retain(|write| write.irp.is_none());
            if !state.writes.is_empty() {
                super::linger::linger(k, &self.socket, &mut state);
            } else {
                state.stream = None;
                if state.phase != Phase::Connectionless {
                    state.phase = Phase::Unconnected;
                }
            }
            std::mem::take(&mut state.polls)
        };
        over.tell(k);
        if let Some(irp) = promised {
            irp.cancel(k);
        }
        Afd::of(k).forget(self.socket.number);
        for poll in polls {
            poll.happened(k, self.socket.number, code::event::CLOSE, STATUS_SUCCESS);
        }
    }

    fn let_go(&self, k: &'static Kernel, object: &Ref) {
        crate::io::irp::cancel_where(k, |irp| Arc::ptr_eq(&irp.object, object) && irp.is_for_port());
        // What threads asked for is still to be answered: other processes have the socket too.
        let asked = k.io.pending.lock().values().any(|irp| Arc::ptr_eq(&irp.object, object) && !irp.is_for_port());
        if !asked {
            self.cleanup(k, object);
        }
    }

    fn outlives_handles(&self) -> bool {
        true
    }

    fn pack(&self, k: &'static Kernel) -> Nt<(Maker, Vec<u8>)> {
        Ok((Maker::Socket, super::parcel::pack(k, &self.socket)?))
    }

    fn stream_along(&self) -> Option<Option<Arc<Stream>>> {
        Some(self.socket.lock().stream.clone())
    }

    fn full_name(&self, _file: &File) -> Nt<Vec<u16>> {
        Err(STATUS_OBJECT_PATH_INVALID)
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
