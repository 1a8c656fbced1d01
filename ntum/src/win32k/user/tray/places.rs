//! What of the task bar is where: windows from the left, icons from the right. Whoever paints it and whoever hears of a click there ask here.

use crate::shm::Tx;
use crate::shm::user::tray::{Icon, SIDE, block};
use crate::shm::user::window::{MINIMIZE, VISIBLE, field, flag};
use crate::win32k::geometry::Rect;

/// Pixels that an icon has each way, with what is left free around it.
const CELL: i32 = SIDE as i32 + 6;
/// What is left free at the edges, and between buttons.
const EDGE: i32 = 3;
/// How wide a window's button is at most, and at least.
const WIDEST: i32 = 160;
/// Bytes of a title that there is room for at most.
const LONGEST: usize = 1024;
const NARROWEST: i32 = 24;

/// A window's button.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::win32k) struct Button {
    /// The window, by handle.
    pub window: u32,
    /// Its text in UTF-16.
    pub title: Vec<u8>,
    /// Whether somebody works with it now.
    pub active: bool,
    /// Whether it is minimized.
    pub minimized: bool,
    /// Whether its program asks somebody to look at it (FlashWindowEx).
    pub flashes: bool,
    /// On the screen.
    pub rect: Rect,
}

/// The task bar as it is to be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::win32k) struct Places {
    /// On the screen.
    pub bar: Rect,
    /// Windows, from the left.
    pub buttons: Vec<Button>,
    /// Icons, from the left.
    pub icons: Vec<(Icon, Rect)>,
    /// What has the keyboard.
    pub keyed: Option<Rect>,
}

/// What is where; `None` while the task bar is not seen.
pub(in crate::win32k) fn of(tx: &Tx<'_>) -> Option<Places> {
    let bar = tx.link(tx.tray()? + block::BAR);
    if tx.get(bar + field::STYLE) & VISIBLE == 0 {
        return None;
    }
    let (rect, front) = (tx.window_rect(bar, field::WINDOW_RECT), tx.active_window());
    let mut windows = tx.switched();
    // In an order that does not change while they are used.
    windows.sort_unstable();
    let button = |handle: u32| {
        let record = tx.window(handle)?;
        Some(Button {
            window: handle,
            title: tx.first_bytes(tx.get(record + field::TEXT), LONGEST),
            active: record == front,
            minimized: tx.get(record + field::STYLE) & MINIMIZE != 0,
            flashes: record != front && tx.get(record + field::FLAGS) & flag::FLASHES != 0,
            rect: Rect::default(),
        })
    };
    let buttons = windows.into_iter().filter_map(button).collect();
    let mut places = placed(rect, buttons, tx.shown_icons());
    let (window, icon) = tx.keyed();
    let button = places.buttons.iter().find(|button| button.window == window).map(|button| button.rect);
    let icon = places.icons.iter().find(|(other, _)| other.record == icon).map(|(_, rect)| *rect);
    places.keyed = button.or(icon);
    Some(places)
}

fn placed(bar: Rect, mut buttons: Vec<Button>, icons: Vec<Icon>) -> Places {
    let (top, bottom) = (bar.top.saturating_add(EDGE), bar.bottom.saturating_sub(EDGE));
    let mut right = bar.right.saturating_sub(EDGE);
    let mut seen = Vec::new();
    // The newest is the leftmost; what there is no room for is not seen.
    for icon in icons {
        let left = right.saturating_sub(CELL);
        if left < bar.left.saturating_add(EDGE) {
            break;
        }
        seen.insert(0, (icon, Rect { left, top, right, bottom }));
        right = left;
    }
    let (mut left, room) =
        (bar.left.saturating_add(EDGE), right.saturating_sub(bar.left.saturating_add(3 * EDGE)).max(0));
    let width = match i32::try_from(buttons.len()) {
        Ok(count @ 1..) => (room / count).clamp(NARROWEST, WIDEST),
        _ => WIDEST,
    };
    buttons.truncate((room / width.max(1)).max(0) as usize);
    for button in &mut buttons {
        button.rect = Rect { left, top, right: left.saturating_add(width - EDGE), bottom };
        left = left.saturating_add(width);
    }
    Places { bar, buttons, icons: seen, keyed: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_on_the_bar_lies_on_anything_else() {
        let bar = Rect::new(0, 740, 1024, 768);
        for (windows, icons) in [(0, 1), (3, 2), (80, 5), (1000, 100)] {
            let places = placed(bar, vec![Button::default(); windows], vec![Icon::default(); icons]);
            let buttons = places.buttons.iter().map(|button| button.rect);
            let all: Vec<Rect> = buttons.chain(places.icons.iter().map(|(_, rect)| *rect)).collect();
            assert!(all.iter().all(|rect| bar.covers(rect) && !rect.is_empty()), "{all:?}");
            for (index, one) in all.iter().enumerate() {
                assert!(all[..index].iter().all(|other| one.intersect(other).is_none()), "{all:?}");
            }
            assert_eq!(places.icons.len(), icons.min(46));
        }
        assert_eq!(placed(bar, vec![Button::default(); 3], Vec::new()).buttons.len(), 3);
        // A screen that is hardly one.
        let tiny = placed(Rect::new(0, 0, 4, 4), vec![Button::default()], vec![Icon::default()]);
        assert_eq!((tiny.buttons.len(), tiny.icons.len()), (0, 0));
    }
}
