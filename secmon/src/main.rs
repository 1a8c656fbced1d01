//! The command `secmon`.

fn main() -> std::process::ExitCode {
    secmon::cli::main()
}
