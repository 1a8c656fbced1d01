//! GDI: what win32u's NtGdi calls do.
//!
//! [`handles`] is the table of objects, each of which is shared (`Arc`) and locks what of it changes. A call finds its device
//! context there, locks that ([`dc::with`]) and opens the surfaces that it draws on ([`surface`]); the table's lock is held for
//! look-ups alone. Locks are taken in this order: device contexts by their handles, surfaces by their addresses, the table.

pub mod adapters;
pub mod attr;
pub mod bitmap;
pub mod blit;
pub mod brush;
pub mod caps;
pub mod clip;
pub mod compose;
pub mod dc;
pub mod device;
pub mod dib;
pub mod draw;
pub mod figures;
pub mod flood;
pub mod font;
pub mod fonts;
pub mod format;
pub mod handles;
pub mod header;
pub mod ink;
pub mod mapping;
pub mod mask;
pub mod memory_dc;
pub mod metafile;
pub mod objects;
pub mod palette;
pub mod path;
pub mod pen;
pub mod raster;
pub mod region;
pub mod regions;
pub mod rle;
pub mod shapes;
pub mod stock;
pub mod surface;
pub mod text;

pub use super::User;
use super::{Failed, error};
use crate::call::Cx;
use crate::shm::user::mode::Mode;
use crate::status::*;
pub use dc::{Work, with, with_two};
use parking_lot::Mutex;

/// GDI's state of a process.
#[derive(Default)]
pub struct Gdi {
    /// Objects.
    pub handles: handles::Handles,
    /// Memory for attributes of device contexts.
    pub attributes: attr::Pool,
    /// Fonts.
    pub fonts: fonts::Fonts,
    /// The display adapter, as Direct3D's kernel calls have it.
    pub adapters: Mutex<adapters::Adapters>,
    /// What the program set as the display's gamma.
    pub gamma: device::Gamma,
    /// Held while it is set up.
    starting: Mutex<()>,
    screen_bitmap: Mutex<Option<(Mode, u32)>>,
}

impl crate::kernel::Kernel {
    /// How the screen is set.
    pub fn screen_mode(&'static self) -> Mode {
        self.member().map_or(Mode::FIRST, |(shm, _)| shm.screen_mode())
    }
}

/// Sets GDI up, when win32u is loaded: gdi32 looks for the table of handles and for stock objects without a call.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn start(cx: &Cx<'_>) -> Nt<()> {
    let gdi = &cx.k.gdi;
    let _starting = gdi.starting.lock();
    if !gdi.handles.is_shared() && gdi.handles.share(cx.k)? {
        stock::make(cx.k)?;
    }
    Ok(())
}

/// A truth value as an answer.
fn done(yes: bool) -> User {
    Ok(yes.into())
}

/// The answer 0, with the last error set.
fn failed(error: u32) -> User {
    Err(Failed::with(error))
}

/// What a device context is asked; the answer is 0 if there is none.
fn answer(cx: &Cx<'_>, dc: u32, run: impl FnOnce(&mut Work<'_>) -> u32) -> User {
    Ok(with(cx, dc, run).unwrap_or(0).into())
}
