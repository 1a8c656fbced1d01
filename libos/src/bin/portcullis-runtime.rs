//! The executable of a picoprocess. The monitor starts it in an empty root; it is of no use by itself.
//!
//! It has no `fn main` of Rust's: the standard library would install signal handlers and stacks of its own.
#![no_main]
#![allow(unsafe_code)]

// SAFETY: no other symbol of that name exists in the executable; the C library calls it with arguments that it ignores.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    libos::runtime::main()
}

/// The C library's start calls this where it is there, and nothing depends on it; `build.rs` says why it is.
// SAFETY: as above; it is called without arguments.
#[unsafe(no_mangle)]
extern "C" fn __pthread_initialize_minimal() {}
