//! The command `portcullis-manage`, which `secmon` executes.

fn main() -> std::process::ExitCode {
    // An engine executes one file as its runtime, without a verb.
    match std::env::args_os().next() {
        Some(name) if name.as_encoded_bytes().ends_with(b"portcullis-oci") => {
            portcullis_manage::oci::main(std::env::args_os())
        }
        _ => portcullis_manage::verbs::main(),
    }
}
