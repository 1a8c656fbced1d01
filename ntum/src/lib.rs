//! ntum
#![forbid(unsafe_code)]

pub mod cm;
