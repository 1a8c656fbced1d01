//! What the user has set: SystemParametersInfo, system metrics, colours.

pub mod colors;
pub mod fonts;
pub mod info;
pub mod kept;
pub mod metrics;
pub mod settings;

use super::super::User;
use crate::call::Cx;
pub(super) use metrics::{metric, metric_for_dpi};

/// How a mouse's movement is sped up: two thresholds and how much.
pub(super) fn mouse_speed(cx: &Cx<'_>) -> [i32; 3] {
    settings::MOUSE_THRESHOLDS.map(|setting| cx.k.number_setting(&setting, kept::DPI))
}

/// Milliseconds within which a second click makes a double one.
pub(super) fn double_click_time(cx: &Cx<'_>) -> u32 {
    match cx.k.number_setting(&settings::DOUBLE_CLICK_TIME, kept::DPI) {
        ..=0 => 500,
        time => time as u32,
    }
}

/// NtUserGetDoubleClickTime.
///
/// # Errors
/// None.
pub fn get_double_click_time(cx: &Cx<'_>) -> User {
    Ok(double_click_time(cx).into())
}

/// Width and height of what the mouse rests in.
pub(super) fn hover_size(cx: &Cx<'_>) -> (u32, u32) {
    let size = |setting| cx.k.number_setting(setting, kept::DPI).max(0) as u32;
    (size(&settings::HOVER_WIDTH), size(&settings::HOVER_HEIGHT))
}

/// Milliseconds that it rests there.
pub(super) fn hover_time(cx: &Cx<'_>) -> u32 {
    cx.k.number_setting(&settings::HOVER_TIME, kept::DPI).max(0) as u32
}

/// MINIMIZEDMETRICS, as far as it says where icons lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinimizedOrder {
    /// Pixels between them, across and down.
    pub gaps: (i32, i32),
    /// ARW_*.
    pub arrange: i32,
}

/// How icons of minimized windows are put in order.
pub(super) fn minimized_order(cx: &Cx<'_>) -> MinimizedOrder {
    let number = |setting| cx.k.number_setting(setting, kept::DPI).max(0);
    let gaps = (number(&settings::MINIMIZED_H_GAP), number(&settings::MINIMIZED_V_GAP));
    MinimizedOrder { gaps, arrange: number(&settings::MINIMIZED_ARRANGE) & 0xf }
}

/// What is seen of all windows is to be drawn anew.
fn repaint_all(cx: &Cx<'_>) -> User<()> {
    super::paint_all(cx)
}
