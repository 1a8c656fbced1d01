//! The raster core: pure functions on rows of pixels, on rectangles of them and on shapes. Nothing here knows a device context.

pub mod arc;
pub mod blend;
pub mod curve;
pub mod gradient;
pub mod line;
pub mod rop;
pub mod shade;
pub mod stretch;
pub mod wide;
