//! The security monitor: the only trusted part of Portcullis.
//!
//! It makes a picoprocess from a [`policy`], hands it a boot block and a few sockets, and serves what it asks for over those
//! sockets, as far as the policy goes. It knows streams, memory, processes and policy; it knows nothing of Windows beyond the
//! letter case of names and the form of a path.
//!
//! Where things are: [`cli`] and the modules under it are the commands; [`sandbox`] starts, supervises and ends a picoprocess
//! through [`spawn`]; [`lane`] serves its calls through [`names`] (what a name means) and [`host`] (what is done with it). Errors of which a
//! function's documentation says nothing are the host's own, those of what it calls, or what their type says.

pub mod audit;
pub mod boot;
pub mod broker;
pub mod cgroup;
pub mod cli;
pub mod client;
pub mod deposits;
mod family;
pub mod filter;
pub mod host;
pub mod image;
pub mod lane;
pub mod layer;
pub mod locate;
pub mod names;
pub mod net;
pub mod pages;
pub mod pressure;
pub mod refusal;
pub mod sandbox;
pub mod spawn;
mod sys;
pub mod terminal;
pub mod watch;

pub use secmon_policy as policy;
pub use shim_abi::{exit, guest};
