//! The command `portcullis-manage`, which `secmon` executes.

fn main() -> std::process::ExitCode {
    portcullis_manage::verbs::main()
}
