//! Whole runs of `secmon` with a picoprocess of our own: this executable, which `secmon` takes for the runtime.
//!
//! What a picoprocess does is chosen by the program's first argument; it answers with a status and a report, as the real
//! runtime does. Nothing here depends on Windows programs.

mod guest;
mod host;

fn main() {
    let mut arguments = std::env::args();
    if arguments.next().as_deref() == Some("portcullis-runtime") {
        guest::main();
    }
    host::main(arguments.find(|argument| !argument.starts_with('-')));
}
