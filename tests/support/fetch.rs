//! Fetches the real programs that the tests run: all of them, or those named; for Windows and Linux.

use portcullis::programs::{System, table};
use std::process::ExitCode;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let programs = match table() {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let mut failures = 0;
    for program in programs.iter().filter(|program| names.is_empty() || names.contains(&program.name)) {
        let twin = program.linux.as_ref().map(|_| System::Linux);
        for system in std::iter::once(System::Windows).chain(twin) {
            match program.fetch(system) {
                Ok(path) => println!("{}", path.display()),
                Err(error) => {
                    failures += 1;
                    eprintln!("{}: {error:#}", program.name);
                }
            }
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
