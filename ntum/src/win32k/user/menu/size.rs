//! How large items and menus are, from their texts, bitmaps and what their owners say.

use super::super::super::User;
use super::super::draw::{Canvas, Face, bitmap_size, dt, system_bitmap};
use super::super::nonclient::{size, sm};
use super::{Item, Menu, mf};
use crate::call::Cx;
use crate::win32k::geometry::Rect;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Between columns of a popup; around its items.
pub(super) const COLUMN_SPACE: i32 = 4;
pub(super) const MARGIN: i32 = 3;
/// OBM_MNARROW: what shows that an item opens a menu.
pub(super) const ARROW: u32 = 32739;
/// HBMMENU_CALLBACK and HBMMENU_SYSTEM.
pub(super) const CALLBACK: u64 = u64::MAX;
pub(super) const SYSTEM: u64 = 1;
/// MNS_NOCHECK, MNS_CHECKORBMP.
pub(super) const NO_CHECK: u32 = 0x8000_0000;
pub(super) const CHECK_OR_BITMAP: u32 = 0x0400_0000;
/// WM_MEASUREITEM, ODT_MENU.
const MEASURE_ITEM: u32 = 0x2c;
pub(super) const MENU_KIND: u32 = 1;
/// Height of a line in dialogs: what an item that its owner draws has at first.
const LINE: u32 = 16;

/// MEASUREITEMSTRUCT of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Measured {
    kind: u32,
    control: u32,
    item: u32,
    width: u32,
    height: u32,
    pad: u32,
    data: u64,
}

/// Asks a menu's owner how large an item is.
fn ask(cx: &Cx<'_>, owner: u32, item: &Item, width: u32, height: u32) -> (i32, i32) {
    let told =
        Measured { kind: MENU_KIND, item: item.id as u32, width, height, data: item.data, ..Measured::default() };
    let answer = cx.window(owner.into()).and_then(|owner| cx.send_data(&owner, MEASURE_ITEM, 0, told.as_bytes()));
    let said = answer.ok().and_then(|(_, back)| Measured::read_from_prefix(&back).ok().map(|(said, _)| said));
    let said = said.unwrap_or(told);
    let tame = |value: u32| value.min(1 << 16) as i32;
    (tame(said.width), tame(said.height))
}

/// Width of the arrow.
pub(super) fn arrow(cx: &Cx<'_>) -> (i32, i32) {
    system_bitmap(cx, ARROW).ok().and_then(|bitmap| bitmap_size(cx, bitmap)).unwrap_or((0, 0))
}

/// What an item's bitmap takes.
fn bitmap(cx: &Cx<'_>, item: &Item, owner: u32) -> (i32, i32) {
    match item.bitmap {
        CALLBACK => ask(cx, owner, item, item.rect.width().max(0) as u32, item.rect.height().max(0) as u32),
        SYSTEM if item.data != 0 => bitmap_size(cx, item.data).unwrap_or((0, 0)),
        // Buttons on menu bars.
        SYSTEM..=7 => (size(cx, sm::CY_MENU) - 4, size(cx, sm::CY_MENU) - 4),
        8..=11 => (size(cx, sm::CX_MENU_SIZE), size(cx, sm::CY_MENU_SIZE)),
        other => bitmap_size(cx, other).unwrap_or((0, 0)),
    }
}

/// What sizes of a menu's items are made from.
pub(super) struct Ruler<'a, 'b> {
    pub canvas: Canvas<'a, 'b>,
    /// Mean width of a letter, and the height of a line.
    pub letter: (i32, i32),
    pub arrow: i32,
    pub owner: u32,
    pub bar: bool,
}

impl Ruler<'_, '_> {
    /// An item's rectangle, with its left upper corner there, and what goes with it.
    fn measure(&self, item: &mut Item, menu: &mut Menu, x: i32, y: i32) {
        let cx = self.canvas.cx;
        let (letter, line) = self.letter;
        item.rect = Rect::new(x, y, x, y);
        if item.is(mf::OWNER_DRAW) {
            let (width, height) = ask(cx, self.owner, item, 0, LINE);
            item.rect.right += width + 2 * letter;
            item.rect.bottom += if self.bar { size(cx, sm::CY_MENU_SIZE) } else { height };
            return;
        }
        if item.is(mf::SEPARATOR) {
            item.rect.bottom += size(cx, sm::CY_MENU_SIZE) / 2;
            if !self.bar {
                item.rect.right += self.arrow + letter;
            }
            return;
        }
        item.tab = 0;
        let mut height = 0;
        if item.bitmap != 0 {
            item.bitmap_size = bitmap(cx, item, self.owner);
        }
        let (width, tall) = item.bitmap_size;
        if !self.bar {
            if item.bitmap != 0 {
                menu.text_offset = menu.text_offset.max(width);
                item.rect.right += width + 2;
                height = tall + 2;
            }
            if menu.style & NO_CHECK == 0 {
                item.rect.right += size(cx, sm::CX_MENU_CHECK);
            }
            item.rect.right += 4 + letter;
            item.tab = item.rect.right;
            item.rect.right += self.arrow;
        } else if item.bitmap != 0 {
            item.rect.right += width + if item.text.is_some() { 2 } else { 0 };
            height = tall;
        }
        match item.text.clone().filter(|_| !item.is(mf::SYSTEM)) {
            Some(text) => height = height.max(self.measure_text(item, &text, line)),
            None if self.bar => height = height.max(size(cx, sm::CY_MENU) - 1),
            None => {}
        }
        item.rect.bottom += height;
    }

    /// Adds what a text takes to an item's width; answers the height that it wants.
    fn measure_text(&self, item: &mut Item, text: &[u16], line: i32) -> i32 {
        let cx = self.canvas.cx;
        let before = item.has(mf::DEFAULT).then(|| self.canvas.set_face(Face::DefaultItem));
        let of = |text: &[u16]| self.canvas.measure(text, dt::SINGLE_LINE);
        let height = if self.bar {
            let (width, height) = of(text);
            item.rect.right += width + 2 * self.letter.0;
            height.max(size(cx, sm::CY_MENU) - 1)
        } else {
            let mut parts = text.splitn(2, |unit| *unit == u16::from(b'\t'));
            let (mut width, mut height) = of(parts.next().unwrap_or_default());
            item.tab += width;
            if let Some(behind) = parts.next() {
                let (more, tall) = of(behind);
                width += self.letter.0 + more;
                height = height.max(tall);
            }
            item.rect.right += 2 + width;
            (height + 2).max(line + 4)
        };
        if let Some(before) = before {
            self.canvas.set_font(before);
        }
        height
    }

    /// Lays a menu bar out in a rectangle, whose bottom becomes the bar's.
    pub fn lay_bar(&self, menu: &mut Menu, rect: &mut Rect) {
        if menu.items.is_empty() {
            return;
        }
        let mut area = Rect::new(0, 0, rect.width(), 1);
        let mut items = core::mem::take(&mut menu.items);
        menu.text_offset = 0;
        let mut help = None;
        let mut start = 0;
        while start < items.len() {
            let (mut x, y) = (area.left, area.bottom);
            let mut end = start;
            while let Some(item) = items.get_mut(end) {
                if item.is(mf::RIGHT_JUSTIFY) {
                    help.get_or_insert(end);
                }
                if end != start && item.is(mf::MENU_BREAK | mf::MENU_BAR_BREAK) {
                    break;
                }
                self.measure(item, menu, x, y);
                if item.rect.right > area.right {
                    if end != start {
                        break;
                    }
                    item.rect.right = area.right;
                }
                area.bottom = area.bottom.max(item.rect.bottom);
                x = item.rect.right;
                end += 1;
            }
            // A line is as high as the highest of it.
            for item in items.iter_mut().take(end).skip(start) {
                item.rect.bottom = area.bottom;
            }
            start = end;
        }
        menu.area = area.offset(rect.left, rect.top);
        (menu.width, menu.height) = (menu.area.width(), menu.area.height());
        rect.bottom = menu.area.bottom;
        if let Some(help) = help {
            // What stands at the right side, and all behind it in the last line.
            let line = items.last().map_or(0, |item| item.rect.top);
            let mut right = rect.width();
            for item in items.iter_mut().skip(help).rev() {
                if item.rect.top != line || item.rect.right >= right {
                    break;
                }
                item.rect.left += right - item.rect.right;
                item.rect.right = right;
                right = item.rect.left;
            }
        }
        menu.items = items;
    }

    /// Lays a popup out, no higher than that.
    pub fn lay_popup(&self, menu: &mut Menu, most: i32) {
        (menu.width, menu.height, menu.area) = (0, 0, Rect::default());
        if menu.items.is_empty() {
            return;
        }
        let mut items = core::mem::take(&mut menu.items);
        let (mut area, mut both, mut columns) = (Rect::default(), false, false);
        menu.text_offset = 0;
        let mut start = 0;
        while start < items.len() {
            let breaks = |item: &Item| item.is(mf::MENU_BREAK | mf::MENU_BAR_BREAK);
            let x = area.right + if items.get(start).is_some_and(breaks) { COLUMN_SPACE } else { 0 };
            let (mut y, mut tab, mut behind) = (area.top, 0, 0);
            let mut end = start;
            while let Some(item) = items.get_mut(end) {
                if breaks(item) {
                    columns = true;
                    if end != start {
                        break;
                    }
                }
                self.measure(item, menu, x, y);
                area.right = area.right.max(item.rect.right);
                y = item.rect.bottom;
                if is_text(item) && item.tab != 0 {
                    tab = tab.max(item.tab);
                    behind = behind.max(item.rect.right - item.tab);
                }
                both |= item.text.is_some() && item.bitmap != 0;
                end += 1;
            }
            area.right = area.right.max(tab + behind);
            for item in items.iter_mut().take(end).skip(start) {
                item.rect.right = area.right;
                if is_text(item) && item.tab != 0 {
                    item.tab = tab;
                }
            }
            area.bottom = area.bottom.max(y);
            start = end;
        }
        if !both {
            menu.text_offset = 0;
        }
        menu.items = items;
        menu.total_height = area.bottom;
        menu.area = area.offset(MARGIN, MARGIN);
        (menu.width, menu.height) = (menu.area.right + MARGIN, menu.area.bottom + MARGIN);
        menu.scrolls = menu.height >= most && !columns;
        if menu.height >= most {
            menu.height = most;
        }
        if menu.scrolls {
            let arrows = self.letter.1 + 4;
            (menu.area.top, menu.area.bottom) = (arrows, menu.height - arrows);
        }
    }
}

/// Whether an item is a text and nothing else.
fn is_text(item: &Item) -> bool {
    !item.is(mf::BITMAP | mf::OWNER_DRAW | mf::SEPARATOR)
}

/// What a menu is measured with, on a DC.
pub(super) fn ruler<'a, 'b>(canvas: Canvas<'a, 'b>, owner: u32, bar: bool) -> Ruler<'a, 'b> {
    canvas.set_face(Face::Menu);
    let letter = *canvas.cx.k.user.menu_letter.get_or_init(|| canvas.letter());
    Ruler { canvas, letter, arrow: arrow(canvas.cx).0, owner, bar }
}

/// Lays a menu out by a copy, since its owner is asked meanwhile; what that changed of its items is not undone.
pub(super) fn lay(cx: &Cx<'_>, handle: u64, lay: impl FnOnce(&mut Menu)) -> User<()> {
    let Some(mut copy) = cx.k.user.menus.copy(handle) else { return Err(super::super::super::Failed::SILENT) };
    lay(&mut copy);
    cx.k.user.menus.with(handle, |menu| {
        for (item, laid) in menu.items.iter_mut().zip(&copy.items).filter(|(item, laid)| item.id == laid.id) {
            (item.rect, item.tab, item.bitmap_size) = (laid.rect, laid.tab, laid.bitmap_size);
        }
        (menu.width, menu.height, menu.area) = (copy.width, copy.height, copy.area);
        (menu.text_offset, menu.total_height, menu.scrolls) = (copy.text_offset, copy.total_height, copy.scrolls);
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_owner_is_asked_lies_as_programs_have_it() {
        assert_eq!((size_of::<Measured>(), core::mem::offset_of!(Measured, data)), (32, 24));
    }
}
