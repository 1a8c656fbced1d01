//! Object manager: objects, their types and names, handles.

pub mod boot;
pub mod directory;
pub mod handle;
pub mod object;
pub mod types;

pub use object::{Body, Object, Ref};

use crate::call::Call;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtClose(handle: handle::Handle) => handle::nt_close, Done;
};
