//! The plain shell: paints the task bar, and the balloons and tips of the icons in it; nothing of that is seen while no program has an icon there. And it
//! paints what Alt+Tab goes through, while Alt is held.
//!
//! What is to be seen is in the sandbox's memory and changes there (`shm::user::tray`); of several desktops, the one that programs tell of damage paints.

use super::sheet::{Pen, Sheet, colour};
use super::switcher;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::shm::user::surface::Surface;
use crate::shm::user::tray::{Balloon, SIDE, block};
use crate::shm::user::window::field;
use crate::shm::{Shm, Tx};
use crate::status::*;
use crate::win32k::geometry::Rect;
use crate::win32k::user::tray::{places, tell_work_area};
use places::Places;
use zerocopy::IntoBytes;

/// COLOR_*.
pub(super) mod colours {
    pub const BUTTON: u32 = 15;
    pub const SHADOW: u32 = 16;
    pub const TEXT: u32 = 18;
    pub const MARKED: u32 = 13;
    pub const MARKED_TEXT: u32 = 14;
    pub const LIGHT: u32 = 20;
    pub const TIP_TEXT: u32 = 23;
    pub const TIP: u32 = 24;
    pub const FRAME: u32 = 6;
}

/// How wide the text of a balloon or a tip is at most, and what is left free around it.
const WIDEST: i32 = 280;
pub(super) const MARGIN: i32 = 8;

/// What pops up beside the bar, and above which place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Popup {
    at: i32,
    tip: Vec<u8>,
    balloon: Balloon,
}

/// One of the two windows as it was painted last.
#[derive(Default)]
pub(super) struct Painted<T> {
    pub(super) what: Option<T>,
    pub(super) surface: Surface,
    stream: Option<Stream>,
}

/// What was painted.
#[derive(Default)]
pub(super) struct Shell {
    bar: Painted<Places>,
    popup: Painted<(Popup, Rect)>,
    switcher: Painted<switcher::List>,
    /// The font of buttons, and that of titles.
    pens: Option<[Pen; 2]>,
}

impl Shell {
    /// Paints what is another than it was. Answers when it is to be looked again.
    ///
    /// # Errors
    /// What the host answers; `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn look(&mut self, k: &'static Kernel, shm: &'static Shm) -> Nt<Option<u64>> {
        let mut tx = shm.begin();
        let Some(at) = tx.tray() else { return Ok(None) };
        let now = k.host.monotonic();
        let until = tx.turn_balloons((now / 1_000_000) as u32);
        tell_work_area(&mut tx)?;
        let places = places::of(&tx);
        let popup = places.as_ref().and_then(|places| popup_of(&tx, places));
        let records = [tx.link(at + block::BAR), tx.link(at + block::POPUP)];
        let surfaces = records.map(|record| tx.surface(record).number);
        if popup.is_none() {
            tx.place_popup(block::POPUP, Rect::default());
        }
        tx.commit()?;
        if let Some(places) = places
            && (self.bar.what.as_ref() != Some(&places) || surfaces[0] != self.bar.surface.number)
        {
            let sheet = self.paint_bar(k, &places);
            self.bar.show(k, shm, block::BAR, &places.bar, &sheet)?;
            self.bar.what = Some(places);
        }
        if let Some(popup) = popup {
            let screen = screen(shm);
            let what = (popup, screen);
            if self.popup.what.as_ref() != Some(&what) || surfaces[1] != self.popup.surface.number {
                let sheet = self.paint_popup(k, &what.0);
                let edge = |place: i32, least: i32, most: i32| place.min(most).max(least);
                let left = edge(
                    what.0.at.saturating_sub(sheet.width / 2),
                    screen.left,
                    screen.right.saturating_sub(sheet.width),
                );
                let top = screen.bottom.saturating_sub(crate::shm::user::tray::HEIGHT + 2 + sheet.height);
                let rect = Rect::sized(left, top, sheet.width, sheet.height);
                self.popup.show(k, shm, block::POPUP, &rect, &sheet)?;
                self.popup.what = Some(what);
            }
        } else {
            self.popup.what = None;
        }
        if let Some(list) = switcher::list(shm) {
            if self.switcher.what.as_ref() != Some(&list) {
                let [_, bold] = self.pens(k);
                let (sheet, rect) = switcher::paint(k, shm, &list, &bold);
                self.switcher.show(k, shm, block::SWITCHER, &rect, &sheet)?;
                self.switcher.what = Some(list);
            }
        } else {
            self.switcher.what = None;
        }
        let wait = |until: u32| u64::from(until.wrapping_sub((now / 1_000_000) as u32)) * 1_000_000;
        Ok(until.map(|until| now.saturating_add(wait(until))))
    }

    fn pens(&mut self, k: &'static Kernel) -> [Pen; 2] {
        self.pens.get_or_insert_with(|| [false, true].map(|bold| Pen::new(k, bold))).clone()
    }

    fn paint_bar(&mut self, k: &'static Kernel, places: &Places) -> Sheet {
        let [pen, bold] = self.pens(k);
        let [face, shadow, light, text, marked, marked_text] =
            [colours::BUTTON, colours::SHADOW, colours::LIGHT, colours::TEXT, colours::MARKED, colours::MARKED_TEXT]
                .map(|index| colour(k, index));
        let mut sheet = Sheet::new(places.bar.width(), places.bar.height(), face);
        let all = Rect::new(0, 0, sheet.width, 1);
        sheet.fill(&all, light);
        let inside = |rect: &Rect| rect.offset(places.bar.left.wrapping_neg(), places.bar.top.wrapping_neg());
        for button in &places.buttons {
            let rect = inside(&button.rect);
            let (upper, lower, pen) = if button.active { (shadow, light, &bold) } else { (light, shadow, &pen) };
            if button.flashes {
                sheet.fill(&rect, marked);
            }
            sheet.edge(&rect, upper, lower);
            let text = if button.flashes { marked_text } else { text };
            let title = pen.fitted(&units(&button.title), rect.width().saturating_sub(10));
            let top = rect.top.saturating_add(rect.height().saturating_sub(pen.height) / 2);
            sheet.text(pen, rect.left.saturating_add(5), top, &title, text);
        }
        if let Some((_, first)) = places.icons.first() {
            let left = inside(first).left.saturating_sub(2);
            let area = Rect::new(left, 3, sheet.width - 1, sheet.height - 3);
            sheet.edge(&area, shadow, light);
        }
        for (icon, rect) in &places.icons {
            let rect = inside(rect);
            let side = SIDE as i32;
            let middle = |at: i32, size: i32| at.saturating_add(size.saturating_sub(side) / 2);
            let (x, y) = (middle(rect.left, rect.width()), middle(rect.top, rect.height()));
            sheet.picture(x, y, &icon.picture, SIDE);
        }
        if let Some(keyed) = &places.keyed {
            sheet.edge(&inside(keyed), text, text);
        }
        sheet
    }

    fn paint_popup(&mut self, k: &'static Kernel, popup: &Popup) -> Sheet {
        let [pen, bold] = self.pens(k);
        let [back, frame, text] = [colours::TIP, colours::FRAME, colours::TIP_TEXT].map(|index| colour(k, index));
        let balloon = &popup.balloon;
        let is_balloon = !balloon.text.is_empty();
        let title = bold.fitted(&units(&balloon.title), WIDEST);
        let body = if is_balloon { &balloon.text } else { &popup.tip };
        let lines = pen.lines(&units(body), WIDEST);
        let sign = sign_of(balloon);
        let across = if sign.is_empty() { 0 } else { SIDE as i32 + MARGIN };
        let margin = if is_balloon { MARGIN } else { 3 };
        let widest = lines.iter().map(|line| pen.width(line)).max().unwrap_or(0);
        let width = widest.max(bold.width(&title) + across).min(2 * WIDEST) + 2 * margin;
        let head = if title.is_empty() && sign.is_empty() { 0 } else { bold.height.max(SIDE as i32) + 4 };
        let count = i32::try_from(lines.len()).unwrap_or(i32::MAX).min(32);
        let mut sheet = Sheet::new(width, head + count * pen.height + 2 * margin, back);
        let all = Rect::new(0, 0, sheet.width, sheet.height);
        sheet.edge(&all, frame, frame);
        sheet.picture(margin, margin, &sign, SIDE);
        sheet.text(&bold, margin + across, margin + 1, &title, text);
        for (index, line) in (0..count).zip(&lines) {
            sheet.text(&pen, margin, margin + head + index * pen.height, line, text);
        }
        sheet
    }
}

impl<T> Painted<T> {
    /// Has pixels be those of one of the two windows, there.
    pub(super) fn show(
        &mut self,
        k: &'static Kernel,
        shm: &'static Shm,
        which: u32,
        rect: &Rect,
        sheet: &Sheet,
    ) -> Nt<()> {
        let bytes = sheet.pixels.as_bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        let mut surface = Surface { number: 0, width: sheet.width as u32, height: sheet.height as u32 };
        let same = (self.surface.width, self.surface.height) == (surface.width, surface.height);
        if !same || self.stream.is_none() {
            let size = crate::mm::page::page_up(surface.bytes()).ok_or(STATUS_NO_MEMORY)?;
            let stream = k.host.make_shared(size).map_err(Status::from)?;
            surface.number = k.host.leave(&stream).map_err(Status::from)?;
            (self.surface, self.stream) = (surface, Some(stream));
        }
        let Some(stream) = &self.stream else { return Ok(()) };
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match k.host.write_bytes(stream, rest, Some(done as u64))? {
                0 => return Err(STATUS_DISK_FULL),
                count => done += count,
            }
        }
        let mut tx = shm.begin();
        let Some(tray) = tx.tray() else { return Ok(()) };
        let record = tx.link(tray + which);
        if which != block::BAR {
            tx.place_popup(which, *rect);
        }
        tx.set_surface(record, &self.surface);
        tx.commit()?;
        let _ = shm.dispose();
        Ok(())
    }
}

fn screen(shm: &Shm) -> Rect {
    let tx = shm.begin();
    tx.window_rect(tx.root_window(false), field::WINDOW_RECT)
}

/// What pops up: a balloon, or the tip of the icon below the mouse.
fn popup_of(tx: &Tx<'_>, places: &Places) -> Option<Popup> {
    let place = |record: u32| {
        let (_, rect) = places.icons.iter().find(|(icon, _)| icon.record == record)?;
        Some(rect.left.saturating_add(rect.right) / 2)
    };
    let (shown, hovered) = (tx.shown_balloon(), tx.hovered_icon());
    if let Some(at) = place(shown).filter(|_| shown != 0) {
        return Some(Popup { at, tip: Vec::new(), balloon: tx.balloon_of(shown) });
    }
    let at = place(hovered).filter(|_| hovered != 0)?;
    let tip = tx.tip_of(hovered);
    (!tip.is_empty()).then(|| Popup { at, tip, balloon: Balloon::default() })
}

/// A balloon's picture: its program's own, or a sign for what it is about (NIIF_INFO, NIIF_WARNING, NIIF_ERROR).
fn sign_of(balloon: &Balloon) -> Vec<u8> {
    let [blue, green, red] = match balloon.flags & 0xf {
        1 => [0xc0u8, 0x60, 0x20],
        2 => [0x20, 0xa0, 0xe0],
        3 => [0x20, 0x20, 0xc8],
        _ => return balloon.sign.clone(),
    };
    let bars: [(usize, usize); 2] = if balloon.flags & 0xf == 1 { [(3, 5), (7, 13)] } else { [(3, 9), (11, 13)] };
    let centre = SIDE as i32 - 1;
    let pixel = |at: usize| -> [u8; 4] {
        let (x, y) = (at % SIDE, at / SIDE);
        let (across, down) = (2 * x as i32 - centre, 2 * y as i32 - centre);
        let bar = (7..9).contains(&x) && bars.iter().any(|(top, bottom)| (*top..*bottom).contains(&y));
        match across * across + down * down <= centre * centre {
            true if bar => [255; 4],
            true => [blue, green, red, 255],
            false => [0; 4],
        }
    };
    (0..SIDE * SIDE).flat_map(pixel).collect()
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect()
}
