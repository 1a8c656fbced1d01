//! The runtime of a picoprocess, the builder of the base image, and what a launcher links.

#[cfg(feature = "image")]
pub mod image;

pub mod environment;
pub mod launcher;
pub mod runtime;

pub use environment::{Environment, Exec};
pub use launcher::{LaunchError, Launcher, Sandbox};
pub use shim_abi::net::rules::{Grant, Published, RuleError};
pub use std::process::Stdio;
