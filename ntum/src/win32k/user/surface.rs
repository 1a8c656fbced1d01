//! Surfaces of windows as this process sees them: mapped once, drawn on by device contexts, told to the compositor when one is there.

use super::super::User;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::user::surface as shared;
use crate::status::{Nt, STATUS_NO_MEMORY, Status};
use crate::win32k::gdi::format::Format;
use crate::win32k::gdi::surface::{Layout, Mapped, Surface};
use crate::win32k::geometry::Rect;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes of a window's pixels: more than the largest screens have. A window that needs more is not seen.
const MOST: u64 = 256 << 20;
/// Nanoseconds between two times that drawing without an end is told to the compositor.
const OFTEN: u64 = 8_000_000;

/// A surface that is mapped.
struct Known {
    number: u64,
    /// The window's handle.
    window: u32,
    surface: Arc<Surface>,
}

/// Surfaces that this process has mapped.
#[derive(Default)]
pub struct Surfaces {
    known: Mutex<Vec<Known>>,
    /// When drawing was told to the compositor last.
    told: AtomicU64,
}

fn layout(surface: &shared::Surface) -> Layout {
    let stride = surface.width as usize * 4;
    Layout { width: surface.width as i32, height: surface.height as i32, stride, bottom_up: false }
}

fn mapped(k: &'static Kernel, stream: crate::host::Stream, surface: &shared::Surface) -> Nt<Arc<Surface>> {
    let view = Mapped::new(k, stream, surface.bytes())?;
    Ok(Arc::new(Surface::of_view(layout(surface), Format::bgrx(), view)))
}

impl Surfaces {
    fn find(&self, number: u64) -> Option<Arc<Surface>> {
        let known = self.known.lock();
        known.iter().find(|known| known.number == number).map(|known| known.surface.clone())
    }

    fn keep(&self, number: u64, window: u32, surface: &Arc<Surface>) {
        self.known.lock().push(Known { number, window, surface: surface.clone() });
    }

    /// Forgets one that its window has no more; who draws on it still has it until then.
    pub fn forget(&self, number: u64) {
        let mut known = self.known.lock();
        let gone: Vec<Known> = known.extract_if(.., |known| known.number == number).collect();
        drop(known);
        drop(gone);
    }

    /// What was drawn on: windows' handles, and what of them.
    fn take_damage(&self) -> Vec<(u32, Rect)> {
        let all: Vec<_> = self.known.lock().iter().map(|known| (known.window, known.surface.clone())).collect();
        let damage = all.into_iter().map(|(window, surface)| (window, surface.take_damage()));
        damage.filter(|(_, damage)| !damage.is_empty()).collect()
    }
}

/// Makes pixels for a window: what its record is to say of them, and the surface, mapped. `None` where it has too many, or none.
pub(super) fn make(cx: &Cx<'_>, window: u32, width: i32, height: i32) -> User<Option<(shared::Surface, Arc<Surface>)>> {
    let mut made = shared::Surface { number: 0, width: width.max(0) as u32, height: height.max(0) as u32 };
    if made.bytes() == 0 || made.bytes() > MOST {
        return Ok(None);
    }
    let size = crate::mm::page::page_up(made.bytes()).ok_or(STATUS_NO_MEMORY)?;
    let stream = cx.k.host.make_shared(size).map_err(Status::from)?;
    made.number = cx.k.host.leave(&stream).map_err(Status::from)?;
    let surface = mapped(cx.k, stream, &made);
    if surface.is_err() {
        let _ = cx.k.host.forget_left(made.number);
    }
    let surface = surface?;
    cx.k.user.surfaces.keep(made.number, window, &surface);
    Ok(Some((made, surface)))
}

/// The pixels that a window's record tells of, mapped.
pub(super) fn of(cx: &Cx<'_>, window: u32, surface: &shared::Surface) -> Option<Arc<Surface>> {
    if surface.number == 0 {
        return None;
    }
    let surfaces = &cx.k.user.surfaces;
    if let Some(found) = surfaces.find(surface.number) {
        return Some(found);
    }
    if surface.bytes() == 0 || surface.bytes() > MOST {
        return None;
    }
    // Another process's, or one that went meanwhile.
    forget_gone(cx);
    let stream = cx.k.host.take_left(surface.number).ok()?;
    let new = mapped(cx.k, stream, surface).ok()?;
    surfaces.keep(surface.number, window, &new);
    Some(new)
}

/// Forgets surfaces that no window has any more: their windows were other processes'.
fn forget_gone(cx: &Cx<'_>) {
    let all: Vec<(u64, u32)> =
        cx.k.user.surfaces.known.lock().iter().map(|known| (known.number, known.window)).collect();
    let Ok(tx) = cx.windows() else { return };
    let gone: Vec<u64> = all
        .into_iter()
        .filter(|(number, window)| tx.window(*window).is_none_or(|record| tx.surface(record).number != *number))
        .map(|(number, _)| number)
        .collect();
    drop(tx);
    for number in gone {
        cx.k.user.surfaces.forget(number);
    }
}

/// Does what windows that went left to do outside of the sandbox's memory: their surfaces are forgotten.
pub(super) fn dispose(cx: &Cx<'_>) {
    if let Ok((shm, _)) = cx.sandbox() {
        let _ = shm.dispose();
    }
}

/// Tells the compositor, if there is one, what was drawn.
pub fn flush(cx: &Cx<'_>) {
    let Ok((shm, _)) = cx.sandbox() else { return };
    if !shm.has_display() {
        return;
    }
    let surfaces = &cx.k.user.surfaces;
    surfaces.told.store(cx.k.host.monotonic(), Ordering::Relaxed);
    let damage = surfaces.take_damage();
    if damage.is_empty() {
        return;
    }
    let mut tx = shm.begin();
    for (window, damage) in damage {
        if let Some(record) = tx.window(window) {
            tx.add_damage(record, &damage);
        }
    }
    let _ = tx.commit();
}

/// As [`flush`], unless that was a moment ago: what is drawn without an end is seen meanwhile.
pub fn flush_now_and_then(cx: &Cx<'_>) {
    let Ok((shm, _)) = cx.sandbox() else { return };
    let told = cx.k.user.surfaces.told.load(Ordering::Relaxed);
    if shm.has_display() && cx.k.host.monotonic().wrapping_sub(told) > OFTEN {
        flush(cx);
    }
}
