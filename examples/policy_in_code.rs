//! A policy built in code: what a program that converts documents may do. `cargo run --example policy_in_code -- IN OUT PROGRAM ARGS…`.

use libos::{LaunchError, Launcher};
use std::time::Duration;

fn main() -> Result<(), LaunchError> {
    let mut args = std::env::args_os().skip(1);
    let (Some(from), Some(to), Some(program)) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: policy_in_code IN OUT PROGRAM ARGS...");
        std::process::exit(2);
    };
    let sandbox = Launcher::new(program)
        .args(args)
        .mount(from, r"C:\in")
        .mount_writable(to, r"C:\out")
        .workdir(r"C:\out")
        .env("LANG", "en_US")
        .net("updates.example.com:443".parse().expect("a place"))
        .memory(512 << 20)
        .scratch(256 << 20)
        .timeout(Duration::from_secs(120));
    let status = sandbox.spawn()?.wait()?;
    std::process::exit(status.code().unwrap_or(1))
}
