//! GDI: what win32u's NtGdi calls do.
//!
//! [`handles`] is the table of objects, each of which is shared (`Arc`) and locks what of it changes. A call finds its device
//! context there, locks that ([`dc::with`]) and opens the surfaces that it draws on ([`surface`]); the table's lock is held for
//! look-ups alone. Locks are taken in this order: device contexts by their handles, surfaces by their addresses, the table.

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
use crate::status::*;
pub use dc::{Work, with, with_two};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

/// GDI's state of a process.
pub struct Gdi {
    /// Objects.
    pub handles: handles::Handles,
    /// Memory for attributes of device contexts.
    pub attributes: attr::Pool,
    /// Fonts.
    pub fonts: fonts::Fonts,
    /// What the program set as the display's gamma.
    pub gamma: device::Gamma,
    /// Held while it is set up.
    starting: Mutex<()>,
    screen: [AtomicI32; 2],
}

impl Default for Gdi {
    fn default() -> Gdi {
        Gdi {
            handles: Default::default(),
            attributes: Default::default(),
            fonts: Default::default(),
            gamma: Default::default(),
            starting: Mutex::default(),
            screen: [AtomicI32::new(1024), AtomicI32::new(768)],
        }
    }
}

impl Gdi {
    /// Columns and rows of the screen.
    pub fn screen(&self) -> (i32, i32) {
        (self.screen[0].load(Ordering::Relaxed), self.screen[1].load(Ordering::Relaxed))
    }

    /// Tells how large the screen is.
    pub fn set_screen(&self, width: i32, height: i32) {
        self.screen[0].store(width, Ordering::Relaxed);
        self.screen[1].store(height, Ordering::Relaxed);
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
