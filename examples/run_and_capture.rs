//! Runs a Windows program in a sandbox and captures what it prints: `cargo run --example run_and_capture -- PROGRAM ARGS…`.

use libos::{LaunchError, Launcher, Stdio};
use std::time::Duration;

fn main() -> Result<(), LaunchError> {
    let mut args = std::env::args_os().skip(1);
    let program = args.next().unwrap_or_else(|| "cmd.exe".into());
    let sandbox = Launcher::new(program).args(args).timeout(Duration::from_secs(60)).stdout(Stdio::piped()).spawn()?;
    let output = sandbox.wait_with_output()?;
    println!("{}: {} bytes", output.status, output.stdout.len());
    print!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
