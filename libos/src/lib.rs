//! The runtime of a picoprocess, the builder of the base image, and what a launcher links.

#[cfg(feature = "image")]
pub mod image;

pub mod runtime;
