//! Configuration manager: the registry.

pub mod fold;
pub mod hive;
pub mod key;
pub mod tree;

use crate::call::Call;
use crate::kernel::Kernel;
use crate::ob::Ref;

/// The security identifier of the sandbox's user, under whose name the hive holds HKEY_CURRENT_USER.
pub const USER_SID: &str = "S-1-5-21-0-0-0-1000";

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// What happens when the last handle to a key is closed.
pub fn last_handle_closed(_k: &'static Kernel, _object: &Ref) {}
