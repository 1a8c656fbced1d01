//! The seccomp filter, compiled from the ABI's table by `secmon-filter` when the monitor is built.

/// The filter, without the runtime's instruction-pointer row; each instruction packed as `struct sock_filter` lies in memory.
pub const PROGRAM: &[u64] = include!(concat!(env!("OUT_DIR"), "/filter.rs"));
