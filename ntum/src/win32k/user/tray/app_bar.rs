//! SHAppBarMessage, as Wine 10's shell32 says it: a copy of APPBARDATA and a section of the caller's for the answer.

use super::tell_work_area;
use crate::call::Cx;
use crate::ob::handle::Handle;
use crate::shm::Tx;
use crate::shm::user::app_bar::Edge;
use crate::shm::user::tray::block;
use crate::shm::user::window::{Made, field, flag};
use crate::types::wide;
use crate::win32k::User;
use crate::win32k::geometry::Rect;
use crate::win32k::user::class::little;

/// The class of the window that it is said to.
const CLASS: &str = "WineAppBar";

/// `struct appbar_cmd` of Wine 10's `dlls/shell32/appbar.c`: where what stands. `struct appbar_response` is the same, with the result in place of the first
/// two.
mod layout {
    /// The section's handle; the process's number follows.
    pub const SECTION: usize = 0;
    pub const WINDOW: usize = 8;
    pub const CALLBACK: usize = 12;
    pub const EDGE: usize = 16;
    pub const RECT: usize = 20;
    pub const PARAMETER: usize = 40;
    pub const SIZE: usize = 48;
}

/// ABM_*.
mod message {
    pub const NEW: u32 = 0;
    pub const REMOVE: u32 = 1;
    pub const QUERY_POSITION: u32 = 2;
    pub const SET_POSITION: u32 = 3;
    pub const GET_STATE: u32 = 4;
    pub const GET_TASK_BAR: u32 = 5;
    pub const ACTIVATE: u32 = 6;
    pub const GET_HIDING: u32 = 7;
    pub const SET_HIDING: u32 = 8;
    pub const WINDOW_MOVED: u32 = 9;
    pub const GET_HIDING_EX: u32 = 11;
    pub const SET_HIDING_EX: u32 = 12;
}

/// ABS_AUTOHIDE, ABS_ALWAYSONTOP.
const HIDES: u64 = 1;
const ON_TOP: u64 = 2;

/// Has the window be there that it is said to: one for messages only.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(super) fn make(cx: &Cx<'_>) -> User<()> {
    super::find(cx)?;
    let (parent, _) = cx.top_window(true)?;
    let mut tx = cx.windows()?;
    let tray = tx.make_tray()?;
    if tx.link(tray + block::APP_WINDOW) != 0 {
        return Ok(());
    }
    let name: Vec<u8> = wide(CLASS).iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let made = tx.make_window(&Made { name, parent, ..Made::default() })?;
    tx.set(made + field::FLAGS, flag::CREATED | flag::UNICODE);
    tx.set(tray + block::APP_WINDOW, made);
    Ok(tx.commit()?)
}

fn rect_of(data: &[u8]) -> Rect {
    let [left, top, right, bottom] = [0, 4, 8, 12].map(|side| little(part(data, layout::RECT + side, 4)) as i32);
    Rect::new(left, top, right, bottom)
}

fn part(data: &[u8], at: usize, size: usize) -> &[u8] {
    data.get(at..at + size).unwrap_or_default()
}

fn put(data: &mut [u8], at: usize, value: u32) {
    if let Some(place) = data.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn put_rect(data: &mut [u8], rect: &Rect) {
    for (at, side) in (layout::RECT..).step_by(4).zip([rect.left, rect.top, rect.right, rect.bottom]) {
        put(data, at, side as u32);
    }
}

/// Carries one out, which may change what the caller's APPBARDATA says; answers its result.
fn carry_out(tx: &mut Tx<'_>, message: u32, data: &mut [u8], screen: Rect) -> crate::status::Nt<u64> {
    let word = |at: usize| little(part(data, at, 4)) as u32;
    let (owner, callback, edge) = (word(layout::WINDOW), word(layout::CALLBACK), Edge::of(word(layout::EDGE)));
    let parameter = little(part(data, layout::PARAMETER, 8));
    Ok(match message {
        message::NEW => tx.add_app_bar(owner, callback)?.into(),
        message::REMOVE => {
            tx.drop_app_bar(owner);
            1
        }
        message::QUERY_POSITION => {
            let area = tx.fit_app_bar(owner, rect_of(data));
            put_rect(data, &area);
            1
        }
        message::SET_POSITION => {
            if let Some(edge) = edge {
                let area = tx.place_app_bar(owner, edge, rect_of(data));
                put_rect(data, &area);
            }
            1
        }
        // Without anything in it the task bar is not seen.
        message::GET_STATE if tx.shows_task_bar() => ON_TOP,
        message::GET_STATE => ON_TOP | HIDES,
        message::GET_TASK_BAR => {
            let height = if tx.shows_task_bar() { crate::shm::user::tray::HEIGHT } else { 1 };
            put_rect(data, &Rect { top: screen.bottom.saturating_sub(height), ..screen });
            put(data, layout::EDGE, Edge::Bottom as u32);
            1
        }
        message::ACTIVATE | message::WINDOW_MOVED => 1,
        message::GET_HIDING | message::GET_HIDING_EX => edge.map_or(0, |edge| tx.hiding_app_bar(edge).into()),
        message::SET_HIDING | message::SET_HIDING_EX => {
            edge.is_some_and(|edge| tx.hide_app_bar(owner, edge, parameter != 0)).into()
        }
        _ => 0,
    })
}

/// What is said; TRUE in any case.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`, and those of a section that is none.
pub(super) fn told(cx: &Cx<'_>, message: u32, data: &[u8]) -> User {
    if data.len() != layout::SIZE {
        return Ok(1);
    }
    let (screen, mut answer) = (cx.screen()?, data.to_vec());
    let result = {
        let mut tx = cx.windows()?;
        let result = carry_out(&mut tx, message, &mut answer, screen)?;
        tell_work_area(&mut tx)?;
        tx.commit()?;
        result
    };
    let section = little(part(data, layout::SECTION, 4));
    if let Some(place) = answer.first_chunk_mut() {
        *place = result.to_le_bytes();
    }
    let view = crate::mm::calls::map_section(cx, Handle(section), 0, layout::SIZE as u64)?;
    let written = cx.k.write_user(view, &answer);
    cx.k.mm.unmap_view(cx.k, view, false)?;
    written?;
    Ok(1)
}
