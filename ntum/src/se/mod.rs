//! Security: tokens and security descriptors.

pub mod token;

use crate::call::Call;
use crate::ke::dispatcher::Dispatcher;
use crate::ob::Ref;
use crate::ob::object::{Body, Object};
use crate::ps::thread::Thread;
use std::sync::OnceLock;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// The component's state.
#[derive(Default)]
pub struct Se {
    process: OnceLock<Ref>,
}

impl Se {
    /// The process's primary token.
    pub fn process_token(&self) -> Ref {
        let make = || Object::new(Dispatcher::none(), Body::Token(token::Token));
        self.process.get_or_init(make).clone()
    }

    /// The token that counts for a thread.
    pub fn effective_token(&self, thread: &Thread) -> Ref {
        thread.token().unwrap_or_else(|| self.process_token())
    }
}
