//! Times that a file object keeps as they are. One that sets a time, or asks for that with -1, changes it by no transfer of
//! its own any more, until it says -2 ([MS-FSA] 2.1.5.15.2). The host knows no such thing: what its reads and writes did to
//! the times is undone when the file object is closed.

use super::DiskFile;
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::unix_time;
use parking_lot::Mutex;
use shim_abi::calls::StreamSetAttributes;

/// What is asked of one time of FILE_BASIC_INFORMATION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// 0: nothing.
    Leave,
    /// -1: it stays as it is.
    Keep,
    /// -2: transfers change it again.
    Follow,
    /// It becomes this, in nanoseconds since 1970, and stays.
    Set(i64),
}

impl Wish {
    /// Of an NT time.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER`.
    pub fn of(value: i64) -> Nt<Wish> {
        match value {
            0 => Ok(Wish::Leave),
            -1 => Ok(Wish::Keep),
            -2 => Ok(Wish::Follow),
            value if value < 0 => Err(STATUS_INVALID_PARAMETER),
            value => Ok(Wish::Set(unix_time(value))),
        }
    }

    /// What is to be set.
    pub fn set(self) -> Option<i64> {
        match self {
            Wish::Set(time) => Some(time),
            _ => None,
        }
    }

    fn keep(self, kept: &mut Option<i64>, now: impl FnOnce() -> Nt<i64>) -> Nt<()> {
        match self {
            Wish::Leave => {}
            Wish::Keep if kept.is_some() => {}
            Wish::Keep => *kept = Some(now()?),
            Wish::Follow => *kept = None,
            Wish::Set(time) => *kept = Some(time),
        }
        Ok(())
    }
}

/// The times that a file object keeps.
#[derive(Default)]
pub struct Kept(Mutex<Times>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    accessed: Option<i64>,
    written: Option<i64>,
}

impl DiskFile {
    /// Notes what was asked of the times, once it is done.
    ///
    /// # Errors
    /// The host's.
    pub fn keep_times(&self, k: &Kernel, accessed: Wish, written: Wish) -> Nt<()> {
        // Without a stream there are no transfers.
        let Some(stream) = &self.stream else { return Ok(()) };
        let mut kept = self.kept.0.lock();
        accessed.keep(&mut kept.accessed, || Ok(k.host.query(stream)?.accessed))?;
        written.keep(&mut kept.written, || Ok(k.host.query(stream)?.written))
    }

    /// The times as this file object shows them, given the host's: accessed, written.
    pub fn shown_times(&self, accessed: i64, written: i64) -> (i64, i64) {
        let kept = *self.kept.0.lock();
        (kept.accessed.unwrap_or(accessed), kept.written.unwrap_or(written))
    }

    /// Undoes what transfers did to the times that were to stay.
    pub fn restore_times(&self, k: &Kernel) {
        let kept = *self.kept.0.lock();
        if kept == Times::default() {
            return;
        }
        let Some(now) = self.stream.as_ref().and_then(|stream| k.host.query(stream).ok()) else { return };
        let accessed = kept.accessed.filter(|time| *time != now.accessed);
        let written = kept.written.filter(|time| *time != now.written);
        if accessed.is_some() || written.is_some() {
            let (uri, identity) = (self.link.uri(), self.fcb.identity_now());
            // A name that is gone has no times to mend.
            let call = StreamSetAttributes { uri, identity, attributes: None, created: None, accessed, written };
            let _ = k.host.ask(&call);
        }
    }
}
