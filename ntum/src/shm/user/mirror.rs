//! Windows whose layout is from the right to the left (WS_EX_LAYOUTRTL): places in them are counted from the right.
//!
//! Records keep rectangles as they lie on the screen, so that everything that is seen or hit knows nothing of this; what programs are told of
//! places in a window, or say, is turned over where it passes.

use super::window::field;
use crate::shm::Tx;
use crate::win32k::geometry::Rect;

/// WS_EX_LAYOUTRTL.
pub const EX_LAYOUT_RTL: u32 = 0x0040_0000;

/// From where places in a client area are counted: a point of the screen, and whether to the left of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Start {
    /// The column.
    pub x: i32,
    /// The row.
    pub y: i32,
    /// Whether columns are counted to the left.
    pub mirrored: bool,
}

impl Start {
    /// The place of the client area at a point of the screen.
    pub fn to_client(self, (x, y): (i32, i32)) -> (i32, i32) {
        let x = if self.mirrored { self.x.wrapping_sub(x) } else { x.wrapping_sub(self.x) };
        (x, y.wrapping_sub(self.y))
    }

    /// The point of the screen of a place of the client area.
    pub fn to_screen(self, (x, y): (i32, i32)) -> (i32, i32) {
        let x = if self.mirrored { self.x.wrapping_sub(x) } else { x.wrapping_add(self.x) };
        (x, y.wrapping_add(self.y))
    }

    /// A rectangle of the screen in the client area.
    pub fn rect_to_client(self, rect: &Rect) -> Rect {
        let (first, second) = (self.to_client((rect.left, rect.top)), self.to_client((rect.right, rect.bottom)));
        let (left, right) = if self.mirrored { (second.0, first.0) } else { (first.0, second.0) };
        Rect { left, top: first.1, right, bottom: second.1 }
    }
}

impl Tx<'_> {
    /// Whether a window's layout is from the right to the left; 0 is none.
    pub fn is_mirrored(&self, window: u32) -> bool {
        window != 0 && self.get(window + field::EX_STYLE) & EX_LAYOUT_RTL != 0
    }

    /// A rectangle of a window's client area as its programs count, of how records have it; or the other way round.
    pub fn turned(&self, window: u32, rect: Rect) -> Rect {
        if self.is_mirrored(window) { rect.mirrored(self.rect(window + field::CLIENT_RECT).width()) } else { rect }
    }

    /// A window's rectangle in its parent's client area, as programs count there.
    pub fn told_rect(&self, window: u32, field: u32) -> Rect {
        self.turned(self.link(window + field::PARENT), self.rect(window + field))
    }

    /// From where places in a window's client area are counted.
    pub fn client_start(&self, window: u32) -> Start {
        if self.is_root(window) {
            return Start::default();
        }
        let client = self.screen_rect(window, field::CLIENT_RECT);
        let mirrored = self.is_mirrored(window);
        Start { x: if mirrored { client.right } else { client.left }, y: client.top, mirrored }
    }

    /// A mirrored window's client area is another width than `before`: what lies in it keeps its distance from the right.
    pub(super) fn follow_right_edge(&mut self, window: u32, before: i32) {
        let by = self.rect(window + field::CLIENT_RECT).width().wrapping_sub(before);
        if by == 0 || !self.is_mirrored(window) {
            return;
        }
        if let Some(region) = self.update_region(window) {
            self.set_update_region(window, &region.offset(by, 0));
        }
        for child in self.children(window) {
            if self.room() < crate::shm::layout::LOG_ENTRIES / 2 {
                // Who has so many children places the rest anew.
                return;
            }
            for place in [field::WINDOW_RECT, field::CLIENT_RECT] {
                let rect = self.rect(child + place);
                self.set_rect(child + place, rect.offset(by, 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_from_the_right_leads_back() {
        let start = Start { x: 300, y: 20, mirrored: true };
        assert_eq!((start.to_client((290, 25)), start.to_screen((10, 5))), ((10, 5), (290, 25)));
        assert_eq!(start.rect_to_client(&Rect::new(200, 30, 250, 40)), Rect::new(50, 10, 100, 20));
        let plain = Start { mirrored: false, ..start };
        assert_eq!(plain.rect_to_client(&Rect::new(310, 30, 350, 40)), Rect::new(10, 10, 50, 20));
        assert_eq!(Rect::new(10, 0, 30, 5).mirrored(100), Rect::new(70, 0, 90, 5));
    }
}
