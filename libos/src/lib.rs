//! libos

#[cfg(feature = "image")]
pub mod image;
