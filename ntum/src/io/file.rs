//! File objects.

use crate::kernel::Kernel;
use crate::ob::Ref;

/// A file object.
pub struct File;

/// What happens when the last handle to a file object is closed (IRP_MJ_CLEANUP).
pub fn last_handle_closed(_k: &'static Kernel, _object: &Ref) {}
