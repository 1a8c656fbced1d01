//! What of the screen changed when windows came, went or moved.

use crate::shm::user::surface::TopLevel;
use crate::win32k::geometry::Rect;
use shim_abi::display::MAX_DAMAGE;

/// Areas of the screen that are to be composed anew: at most [`MAX_DAMAGE`].
#[derive(Debug, Default)]
pub(super) struct Damage {
    rects: Vec<Rect>,
}

impl Damage {
    /// Adds the part of an area that lies on the screen.
    pub(super) fn add(&mut self, area: &Rect, screen: &Rect) {
        let Some(mut area) = area.intersect(screen) else { return };
        // What overlaps is composed once.
        while let Some(at) = self.rects.iter().position(|other| other.intersect(&area).is_some()) {
            area = area.union(&self.rects.swap_remove(at));
        }
        self.rects.push(area);
        if self.rects.len() > MAX_DAMAGE {
            let all = self.rects.drain(..).fold(Rect::default(), |all, one| all.union(&one));
            self.rects.push(all);
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// All of it; none is left.
    pub(super) fn take(&mut self) -> Vec<Rect> {
        std::mem::take(&mut self.rects)
    }
}

/// A window as it was composed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    handle: u32,
    rect: Rect,
    number: u64,
    how: Option<crate::shm::user::surface::Layered>,
    region: Option<Vec<Rect>>,
}

/// What windows were composed last, the top one first.
#[derive(Debug, Default)]
pub(super) struct Layout {
    placed: Vec<Placed>,
}

impl Layout {
    /// Takes over what is there now; adds what of the screen looks different for it.
    pub(super) fn change(&mut self, windows: &[TopLevel], screen: &Rect, damage: &mut Damage) {
        let place = |window: &TopLevel| Placed {
            handle: window.handle,
            rect: window.rect,
            number: window.surface.number,
            how: window.layered,
            region: window.region.clone(),
        };
        let now: Vec<Placed> = windows.iter().map(place).collect();
        if now == self.placed {
            return;
        }
        let stays = |all: &[Placed], one: &Placed| all.iter().any(|other| other.handle == one.handle);
        let before: Vec<&Placed> = self.placed.iter().filter(|one| stays(&now, one)).collect();
        let after: Vec<&Placed> = now.iter().filter(|one| stays(&self.placed, one)).collect();
        for gone in self.placed.iter().filter(|one| !stays(&now, one)) {
            damage.add(&gone.rect, screen);
        }
        for fresh in now.iter().filter(|one| !stays(&self.placed, one)) {
            damage.add(&fresh.rect, screen);
        }
        // Of those that stay: what is another, or stands elsewhere in the order.
        for (was, is) in before.iter().zip(&after).filter(|(was, is)| was != is) {
            damage.add(&was.rect, screen);
            damage.add(&is.rect, screen);
        }
        self.placed = now;
    }

    /// Nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.placed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::user::surface::Surface;

    const SCREEN: Rect = Rect::new(0, 0, 100, 100);

    fn window(handle: u32, rect: Rect) -> TopLevel {
        let surface = Surface { number: handle.into(), width: 10, height: 10 };
        TopLevel { handle, rect, surface, ..TopLevel::default() }
    }

    fn changed(layout: &mut Layout, windows: &[TopLevel]) -> Vec<Rect> {
        let mut damage = Damage::default();
        layout.change(windows, &SCREEN, &mut damage);
        damage.take()
    }

    #[test]
    fn what_comes_goes_moves_or_is_reordered_is_damaged() {
        let mut layout = Layout::default();
        let (a, b) = (window(1, Rect::sized(0, 0, 10, 10)), window(2, Rect::sized(50, 50, 10, 10)));
        assert_eq!(changed(&mut layout, &[a.clone(), b.clone()]), [a.rect, b.rect]);
        assert_eq!(changed(&mut layout, &[a.clone(), b.clone()]), []);
        assert_eq!(changed(&mut layout, &[b.clone(), a.clone()]).len(), 2);
        let moved = TopLevel { rect: b.rect.offset(20, 0), ..b.clone() };
        assert_eq!(changed(&mut layout, &[moved.clone(), a.clone()]), [b.rect, moved.rect]);
        assert_eq!(changed(&mut layout, std::slice::from_ref(&a)), [moved.rect]);
        assert_eq!(changed(&mut layout, &[]), [a.rect]);
    }

    #[test]
    fn damage_stays_on_the_screen_and_is_bounded() {
        let mut damage = Damage::default();
        damage.add(&Rect::new(-50, -50, 10, 10), &SCREEN);
        damage.add(&Rect::new(200, 200, 210, 210), &SCREEN);
        damage.add(&Rect::new(i32::MIN, 0, i32::MAX, 5), &SCREEN);
        assert_eq!(damage.take(), [Rect::new(0, 0, 100, 10)]);
        for at in 0..200 {
            damage.add(&Rect::sized(at % 50 * 2, at / 50 * 2, 1, 1), &SCREEN);
        }
        assert!(!damage.is_empty() && damage.take().len() <= MAX_DAMAGE);
    }
}
