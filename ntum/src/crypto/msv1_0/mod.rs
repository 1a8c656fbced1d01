//! The Unix part of msv1_0.dll: NTLM behind SSPI.
//!
//! Wine has a helper program of Samba's carry it out, and talks to it in lines of text (`ntlm_auth`, protocols `ntlmssp-client-1` and
//! `squid-2.5-ntlmssp`); here [`helper`] answers the lines. Codes and structures are Wine 10's (`dlls/msv1_0/unixlib.h`). What there
//! is: NTLMv2 for clients, with a password or as the user of the sandbox; servers, for clients of the same sandbox. Absent: accounts with
//! passwords for servers to ask, LM and NTLMv1, channel bindings.

mod helper;
mod message;
mod response;

use self::helper::Helper;
use super::Table;
use super::secur32::status::*;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use parking_lot::Mutex;

/// `enum ntlm_funcs`.
mod code {
    pub const CHAT: u32 = 0;
    pub const CLEANUP: u32 = 1;
    pub const FORK: u32 = 2;
    pub const CHECK_VERSION: u32 = 3;
}

/// Offset of `com_buf` in `struct ntlm_ctx`: the DLL only keeps it.
const NUMBER: u64 = 40;
/// MODE_CLIENT, MODE_SERVER.
const MODES: [u32; 2] = [1, 2];
/// Longest line, and longest argument.
const LONGEST: usize = 0x2000;
/// Most arguments.
const MOST_ARGUMENTS: usize = 8;

/// Where a secret of the sandbox's lies that stands for its user's password, in the user's part of the registry.
const SECRET: (&str, &str) = ("Software\\Portcullis\\Logon", "Secret");
/// REG_BINARY.
const BINARY: u32 = 3;

/// Authentications that the process is at.
#[derive(Default)]
pub struct Msv10 {
    helpers: Table<Mutex<Helper>>,
}

/// A Unix call of msv1_0.dll.
///
/// # Errors
/// What SSPI functions answer, `STATUS_ACCESS_VIOLATION`.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::CHAT => chat(cx, arguments),
        code::CLEANUP => cleanup(cx, arguments),
        code::FORK => fork(cx, arguments),
        code::CHECK_VERSION => Ok(STATUS_SUCCESS),
        _ => Err(STATUS_NOT_SUPPORTED),
    }
}

/// Bytes before the next 0, `LONGEST` at most.
fn text(cx: &Cx<'_>, address: u64) -> Nt<Vec<u8>> {
    const PAGE: u64 = 0x1000;
    let mut out = Vec::new();
    while out.len() <= LONGEST {
        let at = address.wrapping_add(out.len() as u64);
        let piece = UserSlice::new(at, PAGE - at % PAGE).read_all(cx.k)?;
        let end = piece.iter().position(|byte| *byte == 0);
        out.extend_from_slice(piece.get(..end.unwrap_or(piece.len())).unwrap_or_default());
        if end.is_some() {
            break;
        }
    }
    if out.len() <= LONGEST { Ok(out) } else { Err(SEC_E_INVALID_TOKEN) }
}

/// `fork_params`: a context, and the arguments for the helper.
fn fork(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [context, list] = UserPtr::<[u64; 2]>::new(arguments).read(cx.k)?;
    let mut texts = Vec::new();
    for index in 0..MOST_ARGUMENTS as u64 {
        match UserPtr::<u64>::new(list.wrapping_add(8 * index)).read(cx.k)? {
            0 => break,
            address => texts.push(String::from_utf8_lossy(&text(cx, address)?).into_owned()),
        }
    }
    let helper = Helper::new(&texts).ok_or(SEC_E_INTERNAL_ERROR)?;
    let number = cx.k.crypto.msv1_0.helpers.insert(Mutex::new(helper));
    let stored = UserPtr::new(context.wrapping_add(NUMBER)).write(cx.k, number);
    if stored.is_err() {
        cx.k.crypto.msv1_0.helpers.remove(number);
    }
    stored.map(|()| SEC_E_OK)
}

/// `chat_params`: a context, a line and its answer in the same place, bytes that the answer may have, where its length goes.
fn chat(cx: &Cx<'_>, arguments: u64) -> Nt {
    let [context, buffer, room, length] = UserPtr::<[u64; 4]>::new(arguments).read(cx.k)?;
    let number = UserPtr::<u64>::new(context.wrapping_add(NUMBER)).read(cx.k)?;
    let helper = cx.k.crypto.msv1_0.helpers.get(number).ok_or(SEC_E_INVALID_HANDLE)?;
    let line = text(cx, buffer)?;
    let line = str::from_utf8(&line).map_err(|_| SEC_E_ILLEGAL_MESSAGE)?;
    let mut answer = helper.lock().answer(cx.k, line)?.into_bytes();
    UserPtr::new(length).write(cx.k, answer.len() as u32)?;
    if answer.len() as u64 > room & 0xffff_ffff {
        return Err(SEC_E_BUFFER_TOO_SMALL);
    }
    answer.push(0);
    cx.k.write_user(buffer, &answer)?;
    Ok(SEC_E_OK)
}

/// A context that is to be no more.
fn cleanup(cx: &Cx<'_>, context: u64) -> Nt {
    let mode = UserPtr::<u32>::new(context);
    if !MODES.contains(&mode.read(cx.k)?) {
        return Err(STATUS_INVALID_HANDLE);
    }
    mode.write(cx.k, 0)?;
    let number = UserPtr::<u64>::new(context.wrapping_add(NUMBER)).read(cx.k)?;
    cx.k.crypto.msv1_0.helpers.remove(number);
    Ok(STATUS_SUCCESS)
}

/// What stands for the hash of the user's password: whoever has it is in this sandbox.
///
/// # Errors
/// The registry's.
fn secret(k: &'static Kernel) -> Nt<response::Hash> {
    let held = || k.user_value(SECRET.0, SECRET.1).and_then(|(_, data)| data.try_into().ok());
    if let Some(held) = held() {
        return Ok(held);
    }
    let mut fresh = [0; 16];
    k.host.random(&mut fresh);
    k.set_user_value(SECRET.0, SECRET.1, Some((BINARY, &fresh)), true)?;
    // Of two that begin at once, the later one's counts for both.
    Ok(held().unwrap_or(fresh))
}
