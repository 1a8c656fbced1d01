//! The null device: swallows what is written, has nothing to read.

use super::device::{Create, Driver, Opened};
use super::file::{FILE_DELETE_ON_CLOSE, FileOps};
use super::information::*;
use super::irp::{Io, Request};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::status::*;
use crate::um::UserSlice;

/// FILE_DEVICE_NULL.
pub const FILE_DEVICE_NULL: u32 = 0x15;

struct Null;
struct NullFile;

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    super::device::make_device(k, "\\Device\\Null", FILE_DEVICE_NULL, Null);
    crate::ob::directory::make_link(&k.ob.root, "\\??\\NUL", "\\Device\\Null");
}

/// A file object without a position of its own takes no transfer that does not say where.
fn check_offset(request: &Request<'_>, offset: Option<i64>) -> Nt<()> {
    let given = offset.is_some() || request.object.file()?.synchronous();
    if given { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
}

impl Driver for Null {
    fn open(&self, _cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        if !rest.is_empty() {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        if create.options & FILE_DELETE_ON_CLOSE != 0 {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        Ok(Opened::existing(create, device, Vec::new(), NullFile))
    }
}

/// A file of the device that came from another process.
pub fn unpack() -> Box<dyn FileOps> {
    Box::new(NullFile)
}

impl FileOps for NullFile {
    fn pack(&self, _: &'static Kernel) -> Nt<(super::parcel::Maker, Vec<u8>)> {
        Ok((super::parcel::Maker::Null, Vec::new()))
    }

    fn read(&self, _: &Cx<'_>, request: &Request<'_>, _: UserSlice, offset: Option<i64>, _: u32) -> Nt<Io> {
        check_offset(request, offset)?;
        Err(STATUS_END_OF_FILE)
    }

    fn write(&self, _: &Cx<'_>, request: &Request<'_>, buffer: UserSlice, offset: Option<i64>, _: u32) -> Nt<Io> {
        check_offset(request, offset)?;
        Io::done(buffer.length)
    }

    fn flush(&self, _: &Cx<'_>, _: &Request<'_>) -> Nt<Io> {
        Io::done(0)
    }

    fn query(&self, _: &Cx<'_>, _: &Ref, class: u32) -> Nt<Vec<u8>> {
        match class {
            // No bytes, one name, neither to be deleted nor a directory.
            FILE_STANDARD_INFORMATION => {
                let mut answer = vec![0; 24];
                answer[16] = 1;
                Ok(answer)
            }
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn set(&self, _: &Cx<'_>, _: &Ref, class: u32, _: &[u8]) -> Nt {
        match class {
            FILE_END_OF_FILE_INFORMATION | FILE_ALLOCATION_INFORMATION => Ok(STATUS_SUCCESS),
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
