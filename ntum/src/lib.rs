//! The NT kernel in user mode.
//!
//! One module per component, named as NT names them. A system call enters through [`Kernel::dispatch`], which looks its
//! row up in [`table`]; the machine is seen through [`host::Host`] alone, guest memory through [`um`].
#![forbid(unsafe_code)]

extern crate alloc;

pub mod answer;
pub mod audio;
pub mod call;
pub mod cm;
pub mod crypto;
pub mod ex;
pub mod host;
pub mod io;
pub mod ke;
pub mod kernel;
pub mod lpc;
pub mod mm;
pub mod nls;
pub mod ob;
pub mod page;
pub mod ps;
pub mod se;
pub mod shm;
pub mod status;
pub mod table;
pub mod types;
pub mod um;
pub mod win32k;

pub use call::{Args, Cx, Outcome};
pub use kernel::Kernel;

/// Sets every component up, before the process is laid out.
///
/// # Errors
/// What a component cannot do without.
pub(crate) fn boot(k: &'static Kernel) -> status::Nt<()> {
    ex::shared_data::boot(k);
    io::start(k);
    Ok(())
}
