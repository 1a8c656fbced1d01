//! TransmitFile: a head, bytes of a file, a tail.

use super::socket::{Phase, Socket};
use super::transfer::{self, Data};
use crate::answer::Fields;
use crate::call::Cx;
use crate::io::file::{Control, FILE_READ_DATA, FILE_USE_FILE_POINTER_POSITION};
use crate::io::irp::{Io, Request};
use crate::ob::handle::Handle;
use crate::status::*;
use crate::um::UserSlice;
use std::sync::Arc;

/// Bytes of the file that are read at a time.
const PIECE: usize = 0x1_0000;
/// Most bytes of one request that are held in memory.
const MOST: u64 = 256 << 20;

/// IOCTL_AFD_WINE_TRANSMIT: offset, addresses of head and tail, their lengths, the file, bytes of it (0: all), bytes of a piece,
/// flags.
///
/// # Errors
/// `STATUS_INVALID_CONNECTION`, and those of the file and the connection.
pub fn transmit(cx: &Cx<'_>, socket: &Arc<Socket>, request: &Request<'_>, control: Control) -> Nt<Io> {
    let raw = control.input.read_all(cx.k)?;
    if raw.len() < 48 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let fields = Fields(&raw);
    let phase = {
        let mut state = socket.lock();
        state.settle(cx.k);
        state.phase
    };
    if phase != Phase::Connected {
        return Err(STATUS_INVALID_CONNECTION);
    }
    let part = |address: usize, length: usize| UserSlice::new(fields.u64(address), u64::from(fields.u32(length)));
    let mut all = part(8, 24).read_all(cx.k)?;
    let file = fields.u32(32);
    if file != 0 {
        read_file(cx, Handle(u64::from(file)), fields.i64(0), u64::from(fields.u32(36)), &mut all)?;
    }
    all.extend(part(16, 28).read_all(cx.k)?);
    match transfer::send_data(cx, socket, request, Data::Own(all), None, false, true)? {
        // The caller is told later in any case.
        Io::Done(status, information) if !request.file()?.synchronous() => Ok(Io::Late(status, information)),
        other => Ok(other),
    }
}

/// Adds bytes of a file: from the offset, or from where it stands.
fn read_file(cx: &Cx<'_>, handle: Handle, offset: i64, length: u64, all: &mut Vec<u8>) -> Nt<()> {
    let object = cx.object(handle, FILE_READ_DATA)?;
    let file = object.file()?;
    let source = file.section_source(cx.k, &object).map_err(|_| STATUS_NOT_IMPLEMENTED)?;
    let from_position = offset == FILE_USE_FILE_POINTER_POSITION;
    let mut at = if from_position { file.position.load() } else { offset }.max(0) as u64;
    let end = if length == 0 { source.size } else { at.saturating_add(length) };
    if end.saturating_sub(at) > MOST {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut piece = vec![0; PIECE];
    while at < end {
        let room = piece.get_mut(..PIECE.min((end - at) as usize)).unwrap_or_default();
        let count = cx.k.host.read_bytes(&source.stream, room, Some(at))?;
        if count == 0 {
            break;
        }
        all.extend_from_slice(piece.get(..count).unwrap_or_default());
        at += count as u64;
    }
    if from_position {
        file.position.store(at as i64);
    }
    Ok(())
}
