//! Compiles the seccomp filter: its table is the ABI's and known now, so that the monitor has no compiler.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let program = secmon_filter::compile()?;
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo says where to write")?;
    let text = format!("&{program:#x?}");
    Ok(std::fs::write(Path::new(&folder).join("filter.rs"), text)?)
}
