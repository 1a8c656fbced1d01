//! Which window lies at a place of the screen.

use super::window::{CHILD, MINIMIZE, POPUP, VISIBLE, field};
use crate::shm::Tx;
use crate::win32k::geometry::Rect;

/// WS_DISABLED.
const DISABLED: u32 = 0x0800_0000;
/// WS_EX_LAYERED and WS_EX_TRANSPARENT: both together let the mouse through.
const SEEN_THROUGH: u32 = 0x8_0020;

impl Tx<'_> {
    /// Whether the mouse meets a window at a place, which is on its parent's client area.
    fn meets(&self, window: u32, x: i32, y: i32) -> bool {
        let style = self.get(window + field::STYLE);
        let rect = self.rect(window + field::WINDOW_RECT);
        if style & VISIBLE == 0
            || style & (POPUP | CHILD | DISABLED) == CHILD | DISABLED
            || self.get(window + field::EX_STYLE) & SEEN_THROUGH == SEEN_THROUGH
            || !rect.contains(x, y)
        {
            return false;
        }
        let shape = self.window_bytes(window, field::REGION);
        let side = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) as i32;
        let part =
            |bytes: &[u8]| Rect::new(side(&bytes[..4]), side(&bytes[4..8]), side(&bytes[8..12]), side(&bytes[12..16]));
        let (x, y) = (x.wrapping_sub(rect.left), y.wrapping_sub(rect.top));
        shape.is_empty() || shape.chunks_exact(16).any(|bytes| part(bytes).contains(x, y))
    }

    /// The top-level window at a place of the screen, else the desktop's own; 0 before there is one.
    pub fn top_window_at(&self, x: i32, y: i32) -> u32 {
        let desktop = self.root_window(false);
        if desktop == 0 {
            return 0;
        }
        self.children(desktop).into_iter().find(|child| self.meets(*child, x, y)).unwrap_or(desktop)
    }

    /// The windows at a place of a window's parent's client area: that one, and what lies in it there, the innermost last.
    pub fn windows_at(&self, window: u32, x: i32, y: i32) -> Vec<u32> {
        let mut all = vec![window];
        let (mut at, mut x, mut y) = (window, x, y);
        // Damaged memory may hold a ring.
        for _ in 0..1000 {
            let client = self.rect(at + field::CLIENT_RECT);
            if self.get(at + field::STYLE) & MINIMIZE != 0 || !client.contains(x, y) {
                break;
            }
            (x, y) = (x.wrapping_sub(client.left), y.wrapping_sub(client.top));
            let Some(child) = self.children(at).into_iter().find(|child| self.meets(*child, x, y)) else { break };
            all.push(child);
            at = child;
        }
        all
    }

    /// Whether the mouse meets a window at a place of the screen, as far as the window itself is concerned.
    pub fn meets_on_screen(&self, window: u32, x: i32, y: i32) -> bool {
        let (left, top) = self.origin(window);
        self.meets(window, x.wrapping_sub(left), y.wrapping_sub(top))
    }
}

impl Tx<'_> {
    /// The windows that the mouse meets at a place of a window's parent's client area, in the order in which they are asked: the innermost of
    /// the uppermost first, the window itself last.
    pub fn windows_met(&self, window: u32, x: i32, y: i32) -> Vec<u32> {
        /// More than that are no program's.
        const MOST: usize = 10_000;
        let mut all = Vec::new();
        // Windows still to be looked at, and those to be told once all in them were.
        let mut left = vec![(window, x, y, false)];
        while let Some((at, x, y, done)) = left.pop() {
            if done || all.len() + left.len() > MOST {
                all.push(at);
                continue;
            }
            left.push((at, x, y, true));
            let client = self.rect(at + field::CLIENT_RECT);
            if self.get(at + field::STYLE) & MINIMIZE != 0 || !client.contains(x, y) {
                continue;
            }
            let (x, y) = (x.wrapping_sub(client.left), y.wrapping_sub(client.top));
            let met = self.children(at).into_iter().filter(|child| self.meets(*child, x, y));
            let met: Vec<_> = met.map(|child| (child, x, y, false)).collect();
            left.extend(met.into_iter().rev());
        }
        all
    }
}
