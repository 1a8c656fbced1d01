//! What needs no trust: the verbs of `secmon` other than `run`. `secmon` itself executes this for them.
//!
//! Where things are: [`verbs`] has the table of verbs, and a file below it for each.

pub mod cgroup;
pub mod client;
pub mod command_line;
pub mod config;
pub mod desktop;
pub mod detach;
pub mod display;
pub mod fds;
pub mod image;
pub mod layer;
pub mod metrics;
pub mod native;
pub mod oci;
pub mod parts;
pub mod prepare;
pub mod record;
pub mod state;
pub mod usage;
pub mod verbs;
pub mod wsb;
