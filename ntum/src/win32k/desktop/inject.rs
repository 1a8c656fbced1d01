//! Hands on what a person types and points at.

use crate::kernel::Kernel;
use crate::shm::Shm;
use shim_abi::display::Input;

/// What is held down.
#[derive(Debug, Default)]
pub(super) struct Pressed {}

/// Injects what a client says, if it is input; answers whether it was.
pub(super) fn from_client(_k: &'static Kernel, shm: &'static Shm, input: &Input, _pressed: &mut Pressed) -> bool {
    match input {
        Input::Move((x, y)) => {
            let mut tx = shm.begin();
            tx.set_cursor_place(*x, *y);
            let _ = tx.commit();
            true
        }
        Input::Key(_) | Input::Unicode(_) | Input::Button(_) | Input::Wheel(_) | Input::Locks(_) => true,
        _ => false,
    }
}

/// Lets go of what is held down.
pub(super) fn release(_k: &'static Kernel, _shm: &'static Shm, _pressed: &Pressed) {}
