//! Where minimized windows are found: their title bars lie along the lower edge of the screen, below all other windows, as Windows has it where no shell
//! hides them; a click brings one back. Programs do not know of it: for them they lie off the screen. While the task bar is there, it lists them instead.

use crate::shm::Shm;
use crate::shm::user::surface::TopLevel;
use crate::shm::user::window::field;
use crate::win32k::geometry::Rect;

/// The widest and the highest title bar.
const WIDEST: i32 = 320;
const HIGHEST: i32 = 64;

/// Puts the minimized ones of these windows, of which the first is the top one, where they are seen on that screen: from the lower left corner to the right,
/// then up, in an order that does not change while they are used.
pub(super) fn place(windows: &mut Vec<TopLevel>, screen: &Rect) {
    let (mut bars, others): (Vec<TopLevel>, Vec<TopLevel>) = windows.drain(..).partition(|window| window.minimized);
    *windows = others;
    bars.sort_by_key(|bar| bar.handle);
    let (mut left, mut bottom, mut highest) = (screen.left, screen.bottom, 0);
    for mut bar in bars {
        let (width, height) = (bar.rect.width().clamp(0, WIDEST), bar.rect.height().clamp(0, HIGHEST));
        if left > screen.left && left.saturating_add(width) > screen.right {
            (left, bottom, highest) = (screen.left, bottom.saturating_sub(highest), 0);
        }
        highest = highest.max(height);
        bar.rect = Rect::sized(left, bottom.saturating_sub(height), width, height);
        left = left.saturating_add(width);
        windows.push(bar);
    }
}

/// What a click on one is part of.
#[derive(Debug, Default)]
pub(super) struct Bar {
    /// Whether the button is held that went down on one.
    pressed: bool,
}

impl Bar {
    /// Sees the left button go down or up; answers whether it is not for programs.
    pub(super) fn takes(&mut self, shm: &'static Shm, up: bool) -> bool {
        if up {
            return std::mem::take(&mut self.pressed);
        }
        let mut tx = shm.begin();
        let mut windows = tx.top_levels();
        if tx.shows_task_bar() {
            return false;
        }
        if !windows.iter().any(|window| window.minimized) {
            return false;
        }
        let (screen, point) = (tx.window_rect(tx.root_window(false), field::WINDOW_RECT), tx.cursor_place());
        place(&mut windows, &screen);
        let at = Rect::sized(point.0, point.1, 1, 1);
        let Some(hit) = windows.into_iter().find(|window| window.rect.covers(&at)).filter(|hit| hit.minimized) else {
            return false;
        };
        let _ = tx.bring_forward(hit.record);
        // Where there is no room for a message, it stays as it is.
        let _ = tx.commit();
        self.pressed = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_bars_lie_below_all_else_and_never_on_each_other() {
        let screen = Rect::new(0, 0, 400, 300);
        let window = |handle, minimized, width, height| TopLevel {
            handle,
            minimized,
            rect: Rect::sized(-32000, -32000, width, height),
            ..TopLevel::default()
        };
        let mut all = vec![
            window(9, true, 160, 24),
            window(1, false, 50, 50),
            window(4, true, 160, 20),
            window(7, true, 160, 24),
        ];
        all.push(window(12, true, i32::MAX, i32::MAX));
        all.push(window(13, true, -5, 0));
        place(&mut all, &screen);
        let places: Vec<(u32, Rect)> = all.iter().map(|window| (window.handle, window.rect)).collect();
        assert_eq!(places[0], (1, Rect::sized(-32000, -32000, 50, 50)));
        assert_eq!(
            places[1..4],
            [(4, Rect::new(0, 280, 160, 300)), (7, Rect::new(160, 276, 320, 300)), (9, Rect::new(0, 252, 160, 276)),]
        );
        assert_eq!(places[4], (12, Rect::new(0, 188, 320, 252)));
        for (index, (_, one)) in places.iter().enumerate() {
            assert!(places[..index].iter().all(|(_, other)| one.intersect(other).is_none()), "{places:?}");
        }
    }
}
