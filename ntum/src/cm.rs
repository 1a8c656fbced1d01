//! The configuration manager: the registry.

pub mod fold;
pub mod hive;
