//! The window and graphics server, as a library in each picoprocess: `user` has windows, messages and input.
//!
//! Its calls answer truth values, handles and counts; why they failed is the thread's last error, a Win32 code.

pub mod desktop;
pub(crate) mod error;
pub mod gdi;
pub mod geometry;
pub mod print;
pub mod user;

use crate::call::{Answered, Cx};
use crate::ps::layout::teb;
use crate::status::*;
use crate::um::UserPtr;
use std::sync::atomic::Ordering;

/// Why a call of the window server failed, and what it answers then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// The thread's last error from then on; `None` leaves it as it is.
    pub error: Option<u32>,
    /// What is answered.
    pub answer: u64,
}

/// What a call of the window server answers.
pub type User<T = u64> = Result<T, Failed>;

/// win32u's Unix part: it is loaded (0).
///
/// # Errors
/// `STATUS_NO_MEMORY`, `STATUS_NOT_SUPPORTED`.
pub fn unix_call(cx: &Cx<'_>, code: u32, _arguments: u64) -> Nt {
    if code != 0 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    gdi::start(cx)?;
    Ok(STATUS_SUCCESS)
}

impl Failed {
    /// It fails with an error, and answers 0.
    pub const fn with(error: u32) -> Failed {
        Failed { error: Some(error), answer: 0 }
    }

    /// It fails and says no more.
    pub const SILENT: Failed = Failed { error: None, answer: 0 };

    /// The same failure, with another answer.
    pub const fn answering(self, answer: u64) -> Failed {
        Failed { answer, ..self }
    }
}

impl From<Status> for Failed {
    fn from(status: Status) -> Failed {
        Failed::with(error::of(status))
    }
}

impl Answered for User {
    fn register(self, cx: &Cx<'_>) -> u64 {
        self.unwrap_or_else(|failed| {
            if let Some(error) = failed.error {
                let at = cx.t.teb.load(Ordering::Acquire) + teb::LAST_ERROR;
                // A thread without a TEB that can be written has nobody to ask for it.
                let _ = UserPtr::new(at).write(cx.k, error);
            }
            failed.answer
        })
    }
}
