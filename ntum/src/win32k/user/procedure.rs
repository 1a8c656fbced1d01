//! Calls of window procedures, which are guest code.

use super::super::{Failed, User, error};
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::window::{field, flag};
use crate::status::STATUS_THREAD_IS_TERMINATING;
use crate::um::UserPtr;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct win_proc_params` of Wine 10's `include/ntuser.h`: what user32 needs to call a procedure.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Parameters {
    /// The procedure, an address or a handle.
    pub function: u64,
    /// The window.
    pub window: u64,
    /// WM_*.
    pub message: u32,
    /// Padding.
    pub pad: u32,
    /// Its parameters.
    pub wparam: u64,
    /// See above.
    pub lparam: u64,
    /// Whether the caller's texts are ANSI.
    pub ansi: u32,
    /// Whether the procedure's are.
    pub ansi_procedure: u32,
    /// How characters are mapped: [`Mapping`].
    pub mapping: u32,
    /// How the window is scaled.
    pub dpi: u32,
    /// Where it may be called with either kind of text.
    pub procedure_ansi: u64,
    /// See above.
    pub procedure_unicode: u64,
}

/// `enum wm_char_mapping` of the same header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Mapping {
    /// A message that was sent.
    Send = 1,
    /// With a time limit.
    SendTimeout = 2,
    /// From another thread.
    Receive = 3,
    /// From the queue.
    Dispatch = 4,
    /// CallWindowProc.
    Call = 5,
}

/// A message to a procedure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Letter {
    /// WM_*.
    pub message: u32,
    /// Its parameters.
    pub wparam: u64,
    /// See above.
    pub lparam: u64,
    /// Whether its texts are ANSI.
    pub ansi: bool,
}

/// Callback of user32: `NtUserCallWinProc`.
const CALL_WINDOW_PROCEDURE: u32 = 4;
/// Where data that goes with a message begins, behind the parameters.
const DATA: usize = size_of::<Parameters>().next_multiple_of(16);
/// Window procedures deeper in each other than this are not called (`MAX_WINPROC_RECURSION`).
const DEEPEST: u16 = 64;
/// Where user32 counts them: `recursion_count`.
const DEPTH: u64 = 32;

/// What a procedure answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Its result.
    pub result: u64,
    /// The data that went with the message, as it left it.
    pub data: Vec<u8>,
}

impl Cx<'_> {
    /// What user32 needs to send a message to a window of the calling thread; `None` for another's.
    pub(super) fn parameters(&self, window: &Window, letter: &Letter, mapping: Mapping) -> User<Option<Parameters>> {
        if !window.is_mine(self) || !window.is_ours(self) {
            return Ok(None);
        }
        let tx = self.windows()?;
        let function = tx.window_wide(window.record, field::PROCEDURE);
        let unicode = tx.get(window.record + field::FLAGS) & flag::UNICODE != 0;
        let is_dialog = tx.window_wide(window.record, field::DIALOG) != 0;
        let dpi = tx.get(window.record + field::DPI);
        drop(tx);
        let mut all = Parameters {
            function,
            window: window.handle.into(),
            message: letter.message,
            wparam: letter.wparam,
            lparam: letter.lparam,
            ansi: letter.ansi.into(),
            ansi_procedure: (!unicode).into(),
            mapping: mapping as u32,
            dpi,
            ..Parameters::default()
        };
        self.complete(&mut all, !is_dialog);
        Ok(Some(all))
    }

    /// Fills in the procedure's addresses; with `choose` the kind of text that needs no translation, if it takes both.
    pub(super) fn complete(&self, all: &mut Parameters, choose: bool) {
        if let Some(held) = self.k.user.procedures.get(all.function) {
            (all.procedure_ansi, all.procedure_unicode) = (held.ansi, held.unicode);
            if choose {
                let (same, other) = if all.ansi != 0 { (held.ansi, held.unicode) } else { (held.unicode, held.ansi) };
                if same != 0 {
                    all.ansi_procedure = all.ansi;
                } else if other != 0 {
                    all.ansi_procedure = u32::from(all.ansi == 0);
                }
            }
        }
        for address in [&mut all.procedure_ansi, &mut all.procedure_unicode] {
            if *address == 0 {
                *address = all.function;
            }
        }
    }

    /// Where user32 keeps how deep procedures are in each other.
    fn depth(&self) -> UserPtr<u16> {
        UserPtr::new(self.thread_info() + DEPTH)
    }

    /// Whether procedures are so deep in each other that none is called any more.
    pub(super) fn is_deep(&self) -> User<bool> {
        Ok(self.depth().read(self.k)? > DEEPEST)
    }

    /// Calls a window's procedure on the calling thread, with data that the message's parameters point at where it has such; see `pack`.
    pub(super) fn call_procedure(&self, all: &Parameters, data: Option<&[u8]>) -> User<Answer> {
        let depth = self.depth();
        let before = depth.read(self.k)?;
        if before > DEEPEST {
            return Err(Failed::with(error::STACK_OVERFLOW));
        }
        depth.write(self.k, before + 1)?;
        let mut bytes = all.as_bytes().to_vec();
        if let Some(data) = data {
            bytes.resize(DATA, 0);
            bytes.extend_from_slice(data);
        }
        let ended = self.callback(CALL_WINDOW_PROCEDURE, &bytes);
        let _ = depth.write(self.k, before);
        let ended = ended.map_err(|status| match status {
            STATUS_THREAD_IS_TERMINATING => Failed::SILENT,
            status => status.into(),
        })?;
        let Some((result, data)) = ended.bytes.split_first_chunk() else { return Ok(Answer::default()) };
        Ok(Answer { result: u64::from_le_bytes(*result), data: data.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_lie_as_user32_reads_them() {
        assert_eq!((size_of::<Parameters>(), DATA), (72, 80));
        assert_eq!(core::mem::offset_of!(Parameters, mapping), 48);
        assert_eq!(core::mem::offset_of!(Parameters, procedure_unicode), 64);
    }
}
