//! What showing, hiding and moving windows do to activation and focus.

use super::super::User;
use super::session::Window;
use crate::call::Cx;
use crate::shm::user::input;

fn holder(cx: &Cx<'_>, role: u32) -> User<u32> {
    let mine = cx.queue()?.record;
    let tx = cx.windows()?;
    Ok(tx.handle_of(tx.get(tx.input_of(mine) + role)))
}

/// The calling thread's active window, by handle; 0 for none.
pub(super) fn active(cx: &Cx<'_>) -> User<u32> {
    holder(cx, input::field::ACTIVE)
}

/// The window of the calling thread's that has the focus, by handle; 0 for none.
pub(super) fn focused(cx: &Cx<'_>) -> User<u32> {
    holder(cx, input::field::FOCUS)
}

/// Makes a window of the calling thread's active, and brings it to the foreground.
pub(super) fn activate(cx: &Cx<'_>, window: &Window, _mouse: bool) -> User<bool> {
    let mut tx = cx.windows()?;
    let Some(record) = tx.window(window.handle).filter(|_| window.queue != 0) else { return Ok(false) };
    let input = tx.input_of(window.queue);
    tx.set(input + input::field::ACTIVE, record);
    tx.set(input + input::field::FOCUS, record);
    tx.set_foreground(input);
    tx.commit()?;
    Ok(true)
}

/// Gives a window of the calling thread's (0: none) the focus.
pub(super) fn set_focus(cx: &Cx<'_>, window: u32) -> User<()> {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let record = tx.window(window).unwrap_or(0);
    let input = tx.input_of(mine);
    tx.set(input + input::field::FOCUS, record);
    tx.commit()?;
    Ok(())
}

/// A window that is active is not to be: another one is.
pub(super) fn activate_other(cx: &Cx<'_>, window: &Window) -> User<()> {
    let mut tx = cx.windows()?;
    if window.queue != 0 {
        let input = tx.input_of(window.queue);
        tx.set(input + input::field::ACTIVE, 0);
        tx.commit()?;
    }
    Ok(())
}
