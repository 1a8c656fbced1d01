//! A volume opened as such: `\\.\C:`. Its raw bytes are not for a normal user.

use super::path::root_uri;
use super::{Volume, control, info};
use crate::call::Cx;
use crate::io::device::{Create, Opened};
use crate::io::file::*;
use crate::io::irp::{Io, Request};
use crate::ob::Ref;
use crate::status::*;

/// An open volume.
pub struct VolumeFile {
    letter: u8,
    number: u32,
}

/// Opens the volume.
///
/// # Errors
/// `STATUS_ACCESS_DENIED` for its bytes, `STATUS_NOT_A_DIRECTORY`, `STATUS_ACCESS_DENIED` for making one.
pub fn open(volume: &Volume, device: &Ref, create: &Create) -> Nt<Opened> {
    if create.options & FILE_DIRECTORY_FILE != 0 {
        return Err(STATUS_NOT_A_DIRECTORY);
    }
    let bytes = FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA;
    if create.minimum & bytes != 0 || !matches!(create.disposition, FILE_OPEN | FILE_OPEN_IF) {
        return Err(STATUS_ACCESS_DENIED);
    }
    let create = Create { access: create.access & !bytes, ..create.clone() };
    Ok(Opened::existing(&create, device, Vec::new(), VolumeFile { letter: volume.letter, number: volume.number }))
}

impl FileOps for VolumeFile {
    fn query_volume(&self, cx: &Cx<'_>, object: &Ref, class: u32) -> Nt<Vec<u8>> {
        info::query_volume(cx, &root_uri(self.letter), object.file()?.device_kind(), class)
    }

    fn ioctl(&self, cx: &Cx<'_>, request: &Request<'_>, request_control: Control) -> Nt<Io> {
        let name = request.file()?.device.path().unwrap_or_default();
        control::ioctl(cx, request_control, &root_uri(self.letter), &name, self.number)
    }

    fn fsctl(&self, _cx: &Cx<'_>, _request: &Request<'_>, control: Control) -> Nt<Io> {
        /// FSCTL_LOCK_VOLUME, UNLOCK, DISMOUNT.
        const ADMINISTRATIVE: [u32; 3] = [0x9_0018, 0x9_001c, 0x9_0020];
        /// FSCTL_IS_VOLUME_MOUNTED.
        const IS_MOUNTED: u32 = 0x9_0028;
        match control.code {
            IS_MOUNTED => Io::done(0),
            code if ADMINISTRATIVE.contains(&code) => Err(STATUS_ACCESS_DENIED),
            _ => Err(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}
