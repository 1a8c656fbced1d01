//! The process.

use crate::ke::dispatcher::Dispatcher;
use crate::ob::Ref;
use crate::ob::object::{Body, Object};
use std::sync::Arc;

/// The process.
#[derive(Default)]
pub struct Process {
    /// What it says about itself.
    pub info: crate::ps::info::ProcessInfo,
}

/// The object of the one process that this picoprocess holds.
pub fn new_object() -> Ref {
    Object::new(Dispatcher::notification(false), Body::Process(Arc::new(Process::default())))
}
