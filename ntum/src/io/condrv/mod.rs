//! The console driver, `\Device\ConDrv`, without a console host: buffers, input and line editing are here.

pub mod input;
pub mod screen;
mod screen_vt;
pub mod terminal;
pub mod vt;
pub mod width;
