//! Local procedure calls: ports of servers and connections to them, within a process.

pub mod port;

use crate::call::{Call, Cx};
use crate::ke::dispatcher::Dispatcher;
use crate::ob::Ref;
use crate::ob::directory::{Found, walk};
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object};
use crate::status::*;
use crate::types::{ObjectAttributesRaw, UnicodeString};
use crate::um::UserPtr;
use port::{Connection, HEAD, Header, Message, Port, Queue, kind};
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtCreatePort(handle: UserPtr<Handle>, attributes: UserPtr<ObjectAttributesRaw>, longest_connect: u32, longest: u32, pool: u32) => nt_create_port, Partial("clients in other processes");
    NtConnectPort(handle: UserPtr<Handle>, name: UserPtr<UnicodeString>, quality: u64, write: u64, read: u64, longest: UserPtr<u32>, information: u64, information_length: UserPtr<u32>) => nt_connect_port, Partial("servers in other processes, sections for large messages");
    NtSecureConnectPort(handle: UserPtr<Handle>, name: UserPtr<UnicodeString>, quality: u64, write: u64, sid: u64, read: u64, longest: UserPtr<u32>, information: u64, information_length: UserPtr<u32>) => nt_secure_connect_port, Partial("servers in other processes, sections for large messages, who the server must be");
    NtListenPort(handle: Handle, message: u64) => nt_listen_port, Done;
    NtAcceptConnectPort(to: UserPtr<Handle>, context: u64, message: u64, accept: bool, write: u64, read: u64) => nt_accept_connect_port, Partial("sections for large messages");
    NtCompleteConnectPort(handle: Handle) => nt_complete_connect_port, Done;
    NtRequestWaitReplyPort(handle: Handle, request: u64, reply: u64) => nt_request_wait_reply_port, Done;
    NtReplyWaitReceivePort(handle: Handle, context: UserPtr<u64>, reply: u64, message: u64) => nt_reply_wait_receive_port, Done;
    NtRegisterThreadTerminatePort(handle: Handle) => nt_register_thread_terminate_port, Done;
};

/// PORT_ALL_ACCESS.
const ALL_ACCESS: u32 = 0x1f_0001;
/// Most bytes of a message (PORT_MAXIMUM_MESSAGE_LENGTH, 64-bit).
const MOST: u32 = 512;
/// Most of what is said on connecting.
const MOST_ON_CONNECTING: u32 = 260;

fn object(port: Port) -> Ref {
    Object::new(Dispatcher::none(), Body::AlpcPort(port))
}

/// A message of the guest's.
fn load(cx: &Cx<'_>, at: u64) -> Nt<Message> {
    let header = UserPtr::<Header>::new(at).read(cx.k)?;
    if usize::from(header.total) < usize::from(header.data) + HEAD {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut data = vec![0; usize::from(header.data)];
    cx.k.read_user(at.wrapping_add(HEAD as u64), &mut data)?;
    Ok(Message { header, data })
}

fn store(cx: &Cx<'_>, at: u64, message: &Message) -> Nt<()> {
    cx.k.write_user(at, &[message.header.as_bytes(), &message.data].concat())
}

/// NtCreatePort.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER_3` and `_4` for messages that are too long, and as `Cx::create_named`.
pub fn nt_create_port(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    attributes: UserPtr<ObjectAttributesRaw>,
    longest_connect: u32,
    longest: u32,
    _pool: u32,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let attributes = attributes.load(cx.k)?;
    if longest > MOST {
        return Err(STATUS_INVALID_PARAMETER_4);
    }
    if longest_connect > MOST_ON_CONNECTING {
        return Err(STATUS_INVALID_PARAMETER_3);
    }
    let queue = Queue::new(longest as usize, longest_connect as usize);
    let (made, status) = cx.create_named(&attributes, ALL_ACCESS, object(Port::Server(queue)))?;
    cx.give(handle, made, status)
}

/// NtConnectPort: waits until the server accepts or refuses. What is said goes there and back through `information`.
///
/// # Errors
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_VIOLATION`, `STATUS_NOT_SUPPORTED` for
/// sections, those of [`Connection::connect`], and as for any name.
#[allow(clippy::too_many_arguments)]
pub fn nt_connect_port(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    name: UserPtr<UnicodeString>,
    _quality: u64,
    write: u64,
    read: u64,
    longest: UserPtr<u32>,
    information: u64,
    information_length: UserPtr<u32>,
) -> Nt {
    handle.write(cx.k, Handle(0))?;
    let name = name.text(cx.k)?;
    let room = information_length.read_opt(cx.k)?.unwrap_or(0);
    // Port names never distinguish letter case.
    let found = match walk(&cx.k.ob.root, None, &name, true, false)? {
        Found::Missing(..) => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
        Found::Object(found) => found,
        Found::Rest(..) => return Err(STATUS_OBJECT_TYPE_MISMATCH),
    };
    let Port::Server(queue) = found.alpc_port()? else { return Err(STATUS_INVALID_PORT_HANDLE) };
    if write != 0 || read != 0 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let mut words = vec![0; if information == 0 { 0 } else { room.min(MOST_ON_CONNECTING + 1) as usize }];
    cx.k.read_user(information, &mut words)?;
    let (connection, said) = Connection::connect(cx, queue, words)?;
    if information != 0 {
        let fit = said.len().min(room as usize);
        cx.k.write_user(information, &said[..fit])?;
        information_length.write_opt(cx.k, fit as u32)?;
    }
    longest.write_opt(cx.k, queue.longest as u32)?;
    let made = cx.insert(object(Port::Client(connection)), ALL_ACCESS, 0)?;
    cx.give(handle, made, STATUS_SUCCESS)
}

/// NtSecureConnectPort. Every process here is the same user's.
///
/// # Errors
/// As [`nt_connect_port`].
#[allow(clippy::too_many_arguments)]
pub fn nt_secure_connect_port(
    cx: &Cx<'_>,
    handle: UserPtr<Handle>,
    name: UserPtr<UnicodeString>,
    quality: u64,
    write: u64,
    _sid: u64,
    read: u64,
    longest: UserPtr<u32>,
    information: u64,
    information_length: UserPtr<u32>,
) -> Nt {
    nt_connect_port(cx, handle, name, quality, write, read, longest, information, information_length)
}

/// NtListenPort: waits for a request to connect; what else comes is dropped.
///
/// # Errors
/// As [`nt_reply_wait_receive_port`].
pub fn nt_listen_port(cx: &Cx<'_>, handle: Handle, message: u64) -> Nt {
    let object = cx.object(handle, 0)?;
    loop {
        match object.alpc_port()?.queue().receive(cx)? {
            Ok((received, _)) if received.header.kind == kind::CONNECTION_REQUEST => {
                store(cx, message, &received)?;
                return Ok(STATUS_SUCCESS);
            }
            Ok(_) => {}
            Err(status) => return Ok(status),
        }
    }
}

/// NtAcceptConnectPort: the message says which request to connect is meant, and what the client is told.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_CID` for a message that is no such request, `STATUS_NOT_SUPPORTED` for sections.
pub fn nt_accept_connect_port(
    cx: &Cx<'_>,
    to: UserPtr<Handle>,
    context: u64,
    message: u64,
    accept: bool,
    write: u64,
    read: u64,
) -> Nt {
    to.write(cx.k, Handle(0))?;
    let said = load(cx, message)?;
    if write != 0 || read != 0 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let connection = Connection::asked_by(said.header.id)?;
    if !accept {
        connection.refuse(cx.k);
        return Ok(STATUS_SUCCESS);
    }
    connection.accept(context, said);
    let made = cx.insert(object(Port::Accepted(connection.clone())), ALL_ACCESS, 0)?;
    if context == 0 {
        // Windows takes the handle for the context then.
        connection.context.store(made.0, Ordering::Release);
    }
    cx.give(to, made, STATUS_SUCCESS)
}

/// NtCompleteConnectPort: the client goes on.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INVALID_PORT_HANDLE` for another port, and
/// `STATUS_INVALID_PARAMETER` if it does already.
pub fn nt_complete_connect_port(cx: &Cx<'_>, handle: Handle) -> Nt {
    let object = cx.object(handle, 0)?;
    let Port::Accepted(connection) = object.alpc_port()? else { return Err(STATUS_INVALID_PORT_HANDLE) };
    connection.complete(cx.k)?;
    Ok(STATUS_SUCCESS)
}

/// NtRequestWaitReplyPort. Both messages may be one.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INVALID_PORT_HANDLE` for a port that is no client's,
/// `STATUS_INVALID_PARAMETER`, `STATUS_ACCESS_VIOLATION`, and those of [`Connection::request`].
pub fn nt_request_wait_reply_port(cx: &Cx<'_>, handle: Handle, request: u64, reply: u64) -> Nt {
    let object = cx.object(handle, 0)?;
    let Port::Client(connection) = object.alpc_port()? else { return Err(STATUS_INVALID_PORT_HANDLE) };
    let request = load(cx, request)?;
    cx.k.probe_write(reply, HEAD as u64)?;
    let answer = connection.request(cx, request.data)?;
    store(cx, reply, &answer)?;
    Ok(STATUS_SUCCESS)
}

/// NtReplyWaitReceivePort: sends a reply, if there is one, then waits for the next message.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_INVALID_PORT_HANDLE` for a client's port,
/// `STATUS_REPLY_MESSAGE_MISMATCH`, `STATUS_PORT_MESSAGE_TOO_LONG`, `STATUS_PORT_DISCONNECTED`, `STATUS_ACCESS_VIOLATION`.
pub fn nt_reply_wait_receive_port(cx: &Cx<'_>, handle: Handle, context: UserPtr<u64>, reply: u64, message: u64) -> Nt {
    let object = cx.object(handle, 0)?;
    let port = object.alpc_port()?;
    if matches!(port, Port::Client(_)) {
        return Err(STATUS_INVALID_PORT_HANDLE);
    }
    let queue = port.queue();
    cx.k.probe_write(message, queue.longest.max(HEAD) as u64)?;
    if reply != 0 {
        let mut answer = load(cx, reply)?;
        if answer.data.len() + HEAD > queue.longest {
            return Err(STATUS_PORT_MESSAGE_TOO_LONG);
        }
        answer.header.kind = kind::REPLY;
        queue.reply(cx.k, answer)?;
    }
    match queue.receive(cx)? {
        Ok((received, from)) => {
            store(cx, message, &received)?;
            context.write_opt(cx.k, from.context.load(Ordering::Acquire))?;
            Ok(STATUS_SUCCESS)
        }
        Err(status) => Ok(status),
    }
}

/// NtRegisterThreadTerminatePort: the port's other end hears when the calling thread ends.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH`.
pub fn nt_register_thread_terminate_port(cx: &Cx<'_>, handle: Handle) -> Nt {
    let object = cx.object(handle, 0)?;
    object.alpc_port()?;
    cx.t.terminate_ports.lock().push(object);
    Ok(STATUS_SUCCESS)
}
