//! What the tests, benches and examples share: the built product, guest programs, real programs, and oracles.
//!
//! Everything that is made once and kept (programs from the registries, guest programs, answers of the oracle) is made by
//! whoever needs it first, under a file lock, so that tests may run at the same time and in any order.

pub mod browser;
pub mod command;
pub mod guest;
pub mod hostile;
pub mod once;
pub mod oracle;
pub mod picture;
pub mod place;
pub mod product;
pub mod programs;
pub mod pty;
pub mod rest;
pub mod rust;
pub mod schema;
pub mod screen;
pub mod stage;
pub mod tree;
pub mod twin;
pub mod winetests;

use std::path::{Path, PathBuf};

/// The repository's top folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder below the build's target folder, made if it does not exist.
///
/// # Panics
/// If it cannot be made: no test can go on then.
pub fn target(name: &str) -> PathBuf {
    let top = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let path = top.join(name);
    std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}

/// The user's cache folder for this project, outside of any clone.
///
/// # Panics
/// If it cannot be made.
pub fn cache(name: &str) -> PathBuf {
    let top = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    let path = top.unwrap_or_else(home).join("portcullis").join(name);
    std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}
