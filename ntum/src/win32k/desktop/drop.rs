//! Files that who sits before the desktop drops on a window: they are written into a new folder of the user's temporary ones, then the window's program hears
//! of them (`user::dropping`). Where they fall on nothing that takes files, none is asked for.

use super::files::{Incoming, Next};
use super::link::Link;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::status::Nt;
use crate::win32k::user::dropping;
use shim_abi::display::{Input, Notice};

/// How long the client may take for a part of a file, ns.
const PART: u64 = 10_000_000_000;
/// Tags of what is asked for here; those of what is pasted have not this bit.
const TAG: u32 = 1 << 31;

/// Files that are on their way.
#[derive(Debug)]
struct Coming {
    place: (i32, i32),
    files: Incoming,
    /// Under which tag the next part comes, until when, and what became of the last one.
    tag: u32,
    until: u64,
    part: Option<bool>,
}

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Drops {
    coming: Option<Coming>,
    tag: u32,
}

impl Drops {
    /// Takes what the client says of files that it drops; answers whether it was that.
    pub(super) fn hear(&mut self, k: &'static Kernel, shm: &'static Shm, input: &Input) -> bool {
        match input {
            Input::Drop((place, described)) => {
                // One after the other: what comes in between is not taken.
                if self.coming.is_none() && dropping::is_taken_at(&shm.begin(), *place) {
                    let until = k.host.monotonic().saturating_add(PART);
                    let begun = Incoming::begin(k, "dropped", described);
                    self.coming = begun.map(|files| Coming { place: *place, files, tag: 0, until, part: Some(true) });
                }
                true
            }
            Input::FileData((tag, data)) if tag & TAG != 0 => {
                if let Some(coming) = self.coming.as_mut().filter(|coming| coming.tag == *tag) {
                    coming.until = k.host.monotonic().saturating_add(PART);
                    coming.part = Some(coming.files.took(k, data.as_deref()));
                }
                true
            }
            _ => false,
        }
    }

    /// Has the client bring the next part, or tells the program that all is there.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, k: &'static Kernel, shm: &'static Shm, link: &Link) -> Nt<()> {
        let Some(coming) = &mut self.coming else { return Ok(()) };
        let next = match coming.part.take() {
            Some(true) => coming.files.next(k),
            Some(false) => Next::Failed,
            None if k.host.monotonic() >= coming.until => Next::Failed,
            None => return Ok(()),
        };
        match next {
            Next::Want(range) => {
                self.tag = self.tag.wrapping_add(1);
                coming.tag = self.tag | TAG;
                link.tell(&Notice::FileWanted((coming.tag, range)))
            }
            Next::Done(files) => {
                let place = coming.place;
                self.coming = None;
                let mut tx = shm.begin();
                // A window that is gone, or takes no more messages, hears of nothing.
                if dropping::tell(&mut tx, place, files, (k.host.monotonic() / 1_000_000) as u32).is_ok() {
                    tx.commit()?;
                }
                Ok(())
            }
            Next::Failed => {
                self.coming = None;
                Ok(())
            }
        }
    }

    /// When it is to be looked again, if nobody says so before: ns.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.coming.as_ref().map(|coming| coming.until)
    }
}
