//! Asynchronous procedure calls: queued to a thread, delivered when it waits alertably.

use crate::call::Cx;
use crate::status::*;
use crate::types::IoStatusBlock;
use crate::um::UserPtr;

/// A user APC: a function of the guest's with three arguments.
#[derive(Debug, Clone, Copy)]
pub struct Apc {
    /// PNTAPCFUNC or PIO_APC_ROUTINE.
    pub function: u64,
    /// Its arguments.
    pub arguments: [u64; 3],
    /// Where the result of an I/O request is stored just before delivery, if that is what it is about.
    pub result: Option<(UserPtr<IoStatusBlock>, IoStatusBlock)>,
}

/// NtTestAlert: delivers what is queued.
///
/// # Errors
/// None.
pub fn nt_test_alert(cx: &Cx<'_>) -> Nt {
    cx.t.test_alert();
    Ok(STATUS_SUCCESS)
}
