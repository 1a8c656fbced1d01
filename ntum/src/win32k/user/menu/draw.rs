//! How items and popups are drawn.

use super::super::callbacks;
use super::super::caption;
use super::super::colours::color;
use super::super::draw::{Canvas, Face, bitmap_size, dt, edge, side, system_bitmap};
use super::super::nonclient::{Look, size, sm};
use super::super::reach;
use super::item::is_magic;
use super::size::{ARROW, CALLBACK, CHECK_OR_BITMAP, COLUMN_SPACE, MENU_KIND, NO_CHECK, SYSTEM, arrow};
use super::{Item, Menu, mf};
use crate::call::Cx;
use crate::win32k::gdi::{bitmap, dc, draw as gdi_draw, pen};
use crate::win32k::geometry::{Point, Rect};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// WM_DRAWITEM.
const DRAW_ITEM: u32 = 0x2b;
/// SRCCOPY, NOTSRCCOPY.
const COPY: u32 = 0x00cc_0020;
const COPY_INVERTED: u32 = 0x0033_0008;
/// OBM_CLOSE: buttons of a system menu, side by side.
const CLOSE_BITMAP: u32 = 32754;
const WHITE: u32 = 0x00ff_ffff;
const GRAY: u32 = 0x0080_8080;

/// Why an item is drawn: ODA_*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Action {
    Whole = 1,
    Select = 2,
}

/// DRAWITEMSTRUCT of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Drawn {
    kind: u32,
    control: u32,
    item: u32,
    action: u32,
    state: u32,
    pad: u32,
    menu: u64,
    dc: u64,
    rect: Rect,
    data: u64,
}

/// What an item is drawn with.
struct Brush<'a, 'b> {
    canvas: &'a Canvas<'a, 'b>,
    window: u64,
    menu: &'a Menu,
    item: &'a Item,
    owner: u32,
    bar: bool,
    action: Action,
}

impl Brush<'_, '_> {
    /// Has the owner draw the item, or its bitmap.
    fn ask(&self, rect: &Rect, whole: bool) {
        /// ODS_SELECTED, ODS_GRAYED, ODS_DISABLED, ODS_CHECKED, ODS_DEFAULT.
        const STATES: [(u32, u32); 5] =
            [(mf::HILITE, 1), (mf::GRAYED, 6), (mf::CHECKED, 8), (mf::DISABLED, 4), (mf::DEFAULT, 0x20)];
        let shown = if whole { 3 } else { STATES.len() };
        let state =
            STATES.iter().take(shown).filter(|(held, _)| self.item.has(*held)).fold(0, |sum, (_, ods)| sum | ods);
        let told = Drawn {
            kind: MENU_KIND,
            item: self.item.id as u32,
            action: self.action as u32,
            state,
            menu: self.menu.handle.into(),
            dc: self.canvas.dc.into(),
            rect: *rect,
            data: self.item.data,
            ..Drawn::default()
        };
        let cx = self.canvas.cx;
        // An owner that is gone draws nothing.
        let _ = cx.window(self.owner.into()).and_then(|owner| cx.send_data(&owner, DRAW_ITEM, 0, told.as_bytes()));
    }

    fn arrow(&self, rect: &Rect) {
        let (width, height) = arrow(self.canvas.cx);
        if let Ok(bitmap) = system_bitmap(self.canvas.cx, ARROW) {
            let top = (rect.top + rect.bottom - height) / 2;
            self.canvas.bitmap(&Rect::sized(rect.right - width - 1, top, width, height), bitmap, 0, COPY);
        }
    }

    /// Colours of texts and bitmaps.
    fn set_colours(&self, flat: bool) {
        let lit = self.item.has(mf::HILITE);
        let (text, back) = if lit && self.bar && !flat {
            (color::MENU_TEXT, color::MENU)
        } else {
            let gray = self.item.has(mf::GRAYED);
            let text = if lit { color::HIGHLIGHT_TEXT } else { color::MENU_TEXT };
            let back = if self.bar && flat { color::MENU_BAR } else { color::MENU };
            (if gray { color::GRAY_TEXT } else { text }, if lit { color::HIGHLIGHT } else { back })
        };
        self.canvas.set_ink(self.canvas.colour(text));
        self.canvas.set_background(self.canvas.colour(back));
    }

    fn background(&self, rect: &Rect, flat: bool) {
        let canvas = self.canvas;
        if !self.item.has(mf::HILITE) {
            canvas.fill(rect, if self.bar && flat { color::MENU_BAR } else { color::MENU });
        } else if flat {
            canvas.fill(&rect.shrunk(1, 1), color::MENU_HILIGHT);
            canvas.fill(rect, color::HIGHLIGHT);
        } else if self.bar {
            canvas.edge(&mut rect.clone(), edge::SUNKEN_OUTER, side::ALL);
        } else {
            canvas.fill(rect, color::HIGHLIGHT);
        }
    }

    /// A line in the middle of the item, or at the left of its column.
    fn line(&self, rect: Rect, flat: bool, down: bool) {
        let canvas = self.canvas;
        if down {
            let left = rect.left - (COLUMN_SPACE / 2 + 1);
            let mut rect = Rect { left, top: 3, bottom: self.menu.height - 3, ..rect };
            match flat {
                true => canvas.fill(&Rect { right: left + 1, ..rect }, color::SHADOW),
                false => canvas.edge(&mut rect, edge::ETCHED, side::LEFT),
            }
        } else {
            let mut rect =
                Rect { left: rect.left + 1, right: rect.right - 1, top: (rect.top + rect.bottom) / 2, ..rect };
            match flat {
                true => canvas.fill(&Rect { bottom: rect.top + 1, ..rect }, color::SHADOW),
                false => canvas.edge(&mut rect, edge::ETCHED, side::TOP),
            }
        }
    }

    /// The check mark, or what stands for it; answers whether there is one.
    fn mark(&self, rect: &Rect) -> bool {
        let (canvas, item) = (self.canvas, self.item);
        let (width, height) = (size(canvas.cx, sm::CX_MENU_CHECK), size(canvas.cx, sm::CY_MENU_CHECK));
        let place = Rect::sized(rect.left, (rect.top + rect.bottom - height) / 2, width, height);
        let own = if item.has(mf::CHECKED) { item.checked } else { item.unchecked };
        if own != 0 {
            canvas.bitmap(&place, own, 0, COPY);
            return true;
        }
        if item.has(mf::CHECKED) {
            standard_mark(canvas, &place, item.is(mf::RADIO_CHECK));
        }
        item.has(mf::CHECKED)
    }

    /// The item's bitmap in a rectangle of its own coordinates, which begin at the item's corner.
    fn bitmap(&self, rect: &Rect) {
        let (canvas, item, cx) = (self.canvas, self.item, self.canvas.cx);
        let lit = item.has(mf::HILITE);
        let (mut from, mut bitmap) = (0, item.bitmap);
        match item.bitmap {
            CALLBACK => return self.ask(rect, false),
            SYSTEM if item.data != 0 => bitmap = item.data,
            SYSTEM => {
                let Ok(close) = system_bitmap(cx, CLOSE_BITMAP) else { return };
                bitmap = close;
                from = bitmap_size(cx, close).map_or(0, |(width, _)| width / 2);
            }
            // MENU_RESTORE_BUTTON, MENU_MIN_BUTTON, MENU_CLOSE_BUTTON; those that cannot be used.
            2 | 3 | 5 | 6 | 7 => {
                let (kind, grayed) = match item.bitmap {
                    2 => (3, false),
                    3 => (1, false),
                    5 => (0, false),
                    6 => (0, true),
                    _ => (1, true),
                };
                let window = cx.window(self.window).map_or(0, |window| window.handle);
                let _ = callbacks::draw_button(cx, window, canvas.dc, &rect.shrunk(1, 1), kind, lit, grayed);
                return;
            }
            8..=11 => {
                // Marlett's letters for close, restore, maximize, minimize.
                let letter = [0x72, 0x32, 0x31, 0x30][(item.bitmap - 8) as usize & 3];
                let before = canvas.set_face(Face::Marlett(rect.width().min(rect.height()) - 5));
                let place = Rect::new(rect.left, rect.top + 2, rect.left, rect.top + 2);
                canvas.text(&[letter], &place, dt::SINGLE_LINE | dt::NO_PREFIX | dt::NO_CLIP);
                canvas.set_font(before);
                return;
            }
            other if is_magic(other) => return,
            _ => {}
        }
        let Some((_, height)) = bitmap_size(cx, bitmap) else { return };
        let top = if rect.height() > height { rect.top + (rect.height() - height) / 2 } else { rect.top };
        let operation = if lit && !is_magic(item.bitmap) { COPY_INVERTED } else { COPY };
        if lit {
            canvas.set_background(canvas.colour(color::HIGHLIGHT));
        }
        canvas.bitmap(&Rect::sized(rect.left, top, rect.width(), rect.height()), bitmap, from, operation);
    }

    /// Where its bitmap is, from the item's corner on.
    fn bitmap_place(&self, rect: &Rect) -> Rect {
        let (width, height) = self.item.bitmap_size;
        let letter = self.canvas.cx.k.user.menu_letter.get().map_or(0, |letter| letter.0);
        let called = self.item.bitmap == CALLBACK;
        let left = if self.bar {
            match (called, &self.item.text) {
                (true, _) => 3,
                (false, Some(_)) => letter,
                (false, None) => 0,
            }
        } else if self.menu.style & NO_CHECK != 0 {
            4
        } else if self.menu.style & CHECK_OR_BITMAP != 0 {
            2
        } else {
            4 + size(self.canvas.cx, sm::CX_MENU_CHECK)
        };
        let top = if self.bar && !called { 0 } else { (rect.height() - height) / 2 };
        Rect::sized(left, top, width, height)
    }

    /// Its bitmap, with the DC's origin at the item's corner, as programs take it to be.
    fn bitmap_at(&self, rect: &Rect) {
        let (cx, dc) = (self.canvas.cx, self.canvas.dc);
        let shift = |x: i32, y: i32| {
            let before = crate::win32k::gdi::with(cx, dc, |work| {
                let before = work.attr.viewport_origin;
                work.attr.viewport_origin = Point::new(x, y);
                work.update_transforms();
                before
            });
            before.unwrap_or_default()
        };
        let before = shift(rect.left, rect.top);
        self.bitmap(&self.bitmap_place(rect));
        shift(before.x, before.y);
    }

    /// A text, of a gray item with its light.
    fn letters(&self, text: &[u16], rect: &Rect, format: u32) {
        let canvas = self.canvas;
        if self.item.has(mf::GRAYED) {
            if !self.item.has(mf::HILITE) {
                canvas.set_ink(WHITE);
                canvas.text(text, &rect.offset(1, 1), format);
            }
            canvas.set_ink(GRAY);
        }
        canvas.text(text, rect, format);
    }

    fn text(&self, mut rect: Rect, text: &[u16]) {
        let canvas = self.canvas;
        if self.menu.style & CHECK_OR_BITMAP == 0 {
            rect.left += self.menu.text_offset;
        }
        let before = self.item.has(mf::DEFAULT).then(|| canvas.set_face(Face::DefaultItem));
        if self.bar {
            let letter = canvas.cx.k.user.menu_letter.get().map_or(0, |letter| letter.0);
            rect.left += if self.item.bitmap != 0 { self.item.bitmap_size.0 } else { 0 };
            rect.left += if self.item.bitmap != CALLBACK { letter } else { 0 };
            rect.right -= letter;
        }
        let line = dt::MIDDLE | dt::SINGLE_LINE;
        let tab = text.iter().position(|unit| *unit == u16::from(b'\t') || *unit == 8).unwrap_or(text.len());
        self.letters(text.get(..tab).unwrap_or_default(), &rect, line | if self.bar { dt::CENTER } else { 0 });
        if !self.bar
            && let Some((mark, behind)) = text.get(tab..).unwrap_or_default().split_first()
        {
            if *mark == u16::from(b'\t') {
                rect.left = self.item.tab;
                self.letters(behind, &rect, line);
            } else {
                rect.right = self.item.tab;
                self.letters(behind, &rect, line | dt::RIGHT);
            }
        }
        if let Some(before) = before {
            canvas.set_font(before);
        }
    }

    fn draw(&self, mut rect: Rect, flat: bool) {
        let (canvas, item, cx) = (self.canvas, self.item, self.canvas.cx);
        if item.is(mf::OWNER_DRAW) {
            self.ask(&rect, true);
            if item.is(mf::POPUP) {
                self.arrow(&rect);
            }
            return;
        }
        if self.bar && item.is(mf::SEPARATOR) {
            return;
        }
        self.background(&rect, flat);
        if !self.bar && item.is(mf::MENU_BAR_BREAK) {
            self.line(rect, flat, true);
        }
        if item.is(mf::SEPARATOR) {
            return self.line(rect, flat, false);
        }
        if !self.bar {
            let marked = self.menu.style & NO_CHECK == 0 && self.mark(&rect);
            if item.bitmap != 0 && !(marked && self.menu.style & CHECK_OR_BITMAP != 0) {
                self.bitmap_at(&rect);
            }
            if item.is(mf::POPUP) {
                self.arrow(&rect);
            }
            rect.left += 4;
            if self.menu.style & NO_CHECK == 0 {
                rect.left += size(cx, sm::CX_MENU_CHECK);
            }
            rect.right -= arrow(cx).0;
        } else if item.bitmap != 0 {
            self.bitmap_at(&rect);
        }
        if let Some(text) = &item.text {
            self.set_colours(flat);
            self.text(rect, text);
        }
        let _ = canvas;
    }
}

/// The system's check mark, or the dot of a choice: drawn on a bitmap of one bit, which takes the DC's colours.
fn standard_mark(canvas: &Canvas<'_, '_>, place: &Rect, dot: bool) {
    let cx = canvas.cx;
    let (Ok(made), Ok(memory)) =
        (bitmap::create(cx, place.width(), place.height(), 1, 1, 0), dc::create_compatible(cx, canvas.dc))
    else {
        return;
    };
    let memory = memory as u32;
    let before = bitmap::select(cx, memory, made as u32).unwrap_or(0);
    let area = Rect::new(0, 0, place.width(), place.height());
    let on = Canvas { cx, dc: memory };
    on.fill_with(&area, cx.k.gdi.handles.stock(0).into(), PATTERN_COPY);
    let (square, side) = caption::square(&area);
    // Stock objects: the black brush and pen.
    let _ = crate::win32k::gdi::brush::select(cx, memory, cx.k.gdi.handles.stock(4));
    let _ = pen::select(cx, memory, cx.k.gdi.handles.stock(7));
    if dot {
        let width = (234 * side / 750).max(1);
        let (x, y) = (square.left + side - side / 2, square.top + side - side / 2);
        let (left, top) = (x - width + width / 2, y - width + width / 2);
        let (right, bottom) = (x + width / 2, y + width / 2);
        /// NtGdiPie.
        const PIE: u32 = 3;
        let _ = gdi_draw::arc(cx, PIE, memory, left, top, right, bottom, square.left, y, square.left, y);
    } else {
        let at = |part: i32, whole: i32| part * side / whole;
        let first = Point::new(square.left + at(253, 1000), square.top + at(445, 1000));
        let second_x = square.left + at(409, 1000);
        let second = Point::new(second_x, first.y + (second_x - first.x));
        let third_x = square.left + at(690, 1000);
        let third = Point::new(third_x, second.y - (third_x - second.x));
        let thick = 3 * side / 16;
        let below = |point: Point| Point::new(point.x, point.y + thick);
        gdi_draw::polygon_of(cx, memory, &[first, second, third, below(third), below(second), below(first)]);
    }
    let _ = bitmap::select(cx, memory, before as u32);
    dc::delete(cx, memory);
    canvas.bitmap(place, made, 0, COPY);
    cx.k.gdi.handles.delete(cx.k, made as u32);
}

/// PATCOPY.
const PATTERN_COPY: u32 = 0x00f0_0021;

/// Draws one item of a menu on a DC of the window that shows it.
pub(in super::super) fn draw_item(
    canvas: &Canvas<'_, '_>,
    window: u64,
    handle: u64,
    place: usize,
    owner: u32,
    bar: bool,
    action: Action,
) {
    let cx = canvas.cx;
    let Some(menu) = cx.k.user.menus.copy(handle) else { return };
    let Some(item) = menu.items.get(place) else { return };
    if item.is(mf::SYSTEM) && menu.is_system() {
        if let Ok(look) = Look::of(cx, window)
            && !look.has(super::super::nonclient::style::MINIMIZE)
        {
            caption::draw_icon(canvas, &look);
        }
        return;
    }
    let rect = menu.place(item).tamed();
    if rect.intersect(&menu.area).is_none() {
        return;
    }
    let flat = reach::has_flat_menus(cx);
    let brush = Brush { canvas, window, menu: &menu, item, owner, bar, action };
    brush.set_colours(flat);
    let clip = clip_to(cx, canvas.dc, &menu.area);
    brush.draw(rect, flat);
    restore_clip(cx, canvas.dc, clip);
}

type Clip = Option<crate::win32k::gdi::region::Region>;

/// Draws within a rectangle only; what the clipping region was.
fn clip_to(cx: &Cx<'_>, dc: u32, rect: &Rect) -> Clip {
    let before = crate::win32k::gdi::with(cx, dc, |work| work.state.clip.clone());
    let _ = crate::win32k::gdi::clip::intersect(cx, dc, rect.left, rect.top, rect.right, rect.bottom);
    before.flatten()
}

fn restore_clip(cx: &Cx<'_>, dc: u32, clip: Clip) {
    crate::win32k::gdi::with(cx, dc, |work| {
        work.state.clip = clip;
        work.update_clipping();
    });
}

/// An arrow at an end of a popup that is scrolled.
fn scroll_arrow(canvas: &Canvas<'_, '_>, x: i32, top: i32, height: i32, up: bool, enabled: bool) {
    let dark = if enabled { color::BUTTON_TEXT } else { color::SHADOW };
    let dot = |x: i32, y: i32, width: i32, index| canvas.fill(&Rect::sized(x, y, width, 1), index);
    for row in 0..height {
        // One pixel more at each side with each row, from the point on.
        let y = if up { top + row } else { top + height - 1 - row };
        dot(x - row, y, 1 + 2 * row, dark);
        if !enabled && !up && row + 1 < height {
            dot(x + row + 1, y, 2, color::LIGHT);
        }
    }
    if !enabled {
        match up {
            true => {
                canvas.fill(&Rect::new(x - height + 2, top + height, x + height + 1, top + height + 1), color::LIGHT)
            }
            false => dot(x + 1, top + height, 1, color::LIGHT),
        }
    }
}

/// Draws a popup on the client area of its window.
pub(in super::super) fn draw_popup(canvas: &Canvas<'_, '_>, window: u64, handle: u64) {
    let cx = canvas.cx;
    let Ok(look) = Look::of(cx, window) else { return };
    let mut rect = Rect::new(0, 0, look.client.width(), look.client.height());
    let menu = cx.k.user.menus.copy(handle);
    canvas.set_face(Face::Menu);
    match menu.as_ref().map_or(0, |menu| menu.background) {
        0 => canvas.fill(&rect, color::MENU),
        brush => canvas.fill_with(&rect, brush, PATTERN_COPY),
    }
    if reach::has_flat_menus(cx) {
        canvas.frame(&mut rect, 1, 1, color::SHADOW);
    } else {
        canvas.edge(&mut rect, edge::RAISED, side::ALL);
    }
    let Some(menu) = menu else { return };
    for place in 0..menu.items.len() {
        draw_item(canvas, window, handle, place, menu.owner, false, Action::Whole);
    }
    if menu.scrolls {
        let line = cx.k.user.menu_letter.get().map_or(0, |letter| letter.1) + 4;
        let arrow = line / 3;
        let at_end = menu.scrolled + menu.area.height() == menu.total_height;
        scroll_arrow(canvas, menu.width / 3, arrow, arrow, true, menu.scrolled != 0);
        scroll_arrow(canvas, menu.width / 3, menu.height - 2 * arrow, arrow, false, !at_end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_owner_draws_lies_as_programs_have_it() {
        assert_eq!((size_of::<Drawn>(), core::mem::offset_of!(Drawn, rect)), (64, 40));
    }
}
