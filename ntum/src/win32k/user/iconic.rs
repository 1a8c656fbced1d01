//! Where minimized windows lie: side by side from a corner on, as the user's MINIMIZEDMETRICS say.

use super::super::User;
use super::position::{MINIMIZED_METRICS, set_window_pos};
use super::session::Window;
use super::sysparams::{MinimizedOrder, minimized_order};
use crate::call::Cx;
use crate::shm::Tx;
use crate::shm::user::paint::swp;
use crate::shm::user::window::{MINIMIZE, VISIBLE, field};
use crate::win32k::geometry::{Point, Rect};

/// ARW_STARTRIGHT, ARW_STARTTOP, ARW_UP (and down).
const START_RIGHT: i32 = 1;
const START_TOP: i32 = 2;
const COLUMNS: i32 = 4;

/// Places for icons in an area, one after the other.
struct Places {
    area: Rect,
    size: (i32, i32),
    order: MinimizedOrder,
    next: Point,
}

impl Places {
    fn new(cx: &Cx<'_>, area: Rect) -> User<Places> {
        let screen = cx.screen()?;
        let metric = |index| cx.k.metric(index, screen, super::dpi::of_system(cx));
        let size = (metric(MINIMIZED_METRICS.0), metric(MINIMIZED_METRICS.1));
        let mut places = Places { area, size, order: minimized_order(cx), next: Point::default() };
        places.next = Point::new(places.first_column(), places.first_row());
        Ok(places)
    }

    fn starts(&self, bit: i32) -> bool {
        self.order.arrange & bit != 0
    }

    fn first_column(&self) -> i32 {
        let MinimizedOrder { gaps: (gap, _), .. } = self.order;
        if self.starts(START_RIGHT) {
            self.area.right.saturating_sub(gap).saturating_sub(self.size.0)
        } else {
            self.area.left.saturating_add(gap)
        }
    }

    fn first_row(&self) -> i32 {
        let MinimizedOrder { gaps: (_, gap), .. } = self.order;
        if self.starts(START_TOP) {
            self.area.top.saturating_add(gap)
        } else {
            self.area.bottom.saturating_sub(gap).saturating_sub(self.size.1)
        }
    }

    /// Goes on to the column beside; answers whether there is room for it.
    fn next_column(&mut self) -> bool {
        let step = self.size.0.saturating_add(self.order.gaps.0);
        if self.starts(START_RIGHT) {
            self.next.x = self.next.x.saturating_sub(step);
            self.next.x >= self.area.left
        } else {
            self.next.x = self.next.x.saturating_add(step);
            self.next.x.saturating_add(self.size.0) <= self.area.right
        }
    }

    fn next_row(&mut self) -> bool {
        let step = self.size.1.saturating_add(self.order.gaps.1);
        if self.starts(START_TOP) {
            self.next.y = self.next.y.saturating_add(step);
            self.next.y.saturating_add(self.size.1) <= self.area.bottom
        } else {
            self.next.y = self.next.y.saturating_sub(step);
            self.next.y >= self.area.top
        }
    }

    /// The place behind this one.
    fn advance(&mut self) {
        if self.starts(COLUMNS) {
            if !self.next_row() {
                self.next.y = self.first_row();
                self.next_column();
            }
        } else if !self.next_column() {
            self.next.x = self.first_column();
            self.next_row();
        }
    }
}

/// What icons of a window's children lie in.
fn area_of(tx: &Tx<'_>, parent: u32) -> Rect {
    if parent == 0 || tx.is_root(parent) {
        return tx.work_area();
    }
    let client = tx.window_rect(parent, field::CLIENT_RECT);
    Rect::new(0, 0, client.width(), client.height())
}

/// Where a window's icon goes among those that are there.
pub(super) fn place(cx: &Cx<'_>, window: &Window, wanted: Point) -> User<Point> {
    let (area, taken) = {
        let tx = cx.windows()?;
        let parent = tx.link(window.record + field::PARENT);
        let icons = tx.children(parent).into_iter().filter(|other| {
            *other != window.record && tx.get(other + field::STYLE) & (VISIBLE | MINIMIZE) == VISIBLE | MINIMIZE
        });
        let taken: Vec<Rect> = icons.map(|icon| tx.told_rect(icon, field::WINDOW_RECT)).collect();
        (area_of(&tx, parent), taken)
    };
    let mut places = Places::new(cx, area)?;
    let (width, height) = places.size;
    if wanted.x >= area.left
        && wanted.x.saturating_add(width) < area.right
        && wanted.y >= area.top
        && wanted.y.saturating_add(height) < area.bottom
    {
        return Ok(wanted);
    }
    for _ in 0..=taken.len() {
        let here = Rect::sized(places.next.x, places.next.y, width, height);
        if taken.iter().all(|other| other.intersect(&here).is_none()) {
            break;
        }
        places.advance();
    }
    Ok(places.next)
}

/// ArrangeIconicWindows: puts the icons of a window's children, or of the desktop's, in order; how many there are.
pub(super) fn arrange(cx: &Cx<'_>, parent: u64) -> User {
    let found = cx.window(parent)?;
    let (area, icons) = {
        let tx = cx.windows()?;
        let icons = tx.children(found.record).into_iter();
        let icons = icons.filter(|child| tx.get(child + field::STYLE) & MINIMIZE != 0);
        let icons: Vec<Window> = icons.filter_map(|child| super::tree::of_record(&tx, child)).collect();
        (area_of(&tx, found.record), icons)
    };
    let mut places = Places::new(cx, area)?;
    for icon in &icons {
        let flags = swp::NO_SIZE | swp::NO_Z_ORDER | swp::NO_ACTIVATE;
        set_window_pos(cx, icon.handle.into(), 0, places.next.x, places.next.y, 0, 0, flags)?;
        places.advance();
    }
    Ok(icons.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_go_on_from_their_corner() {
        let of = |arrange: i32| {
            let order = MinimizedOrder { gaps: (10, 5), arrange };
            let mut places = Places { area: Rect::new(0, 0, 100, 50), size: (35, 20), order, next: Point::default() };
            places.next = Point::new(places.first_column(), places.first_row());
            [0; 3].map(|_| {
                let next = (places.next.x, places.next.y);
                places.advance();
                next
            })
        };
        assert_eq!(of(0), [(10, 25), (55, 25), (10, 0)]);
        assert_eq!(of(START_TOP), [(10, 5), (55, 5), (10, 30)]);
        assert_eq!(of(START_RIGHT | COLUMNS), [(55, 25), (55, 0), (10, 25)]);
    }
}
