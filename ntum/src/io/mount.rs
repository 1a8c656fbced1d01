//! The mount manager: which names lead to which volumes.

use super::device::{Create, Driver, Opened, make_device};
use super::disk::volume_guid;
use super::file::{Control, FileOps};
use super::irp::{Io, Request};
use crate::answer::{Fields, units};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::make_link;
use crate::status::*;
use crate::types::wide;

/// FILE_DEVICE_UNKNOWN... the mount manager's own type, `MOUNTMGRCONTROLTYPE`.
const FILE_DEVICE_MOUNT_MANAGER: u32 = 0x6d;
/// IOCTL_MOUNTMGR_QUERY_POINTS.
const QUERY_POINTS: u32 = 0x6d_0008;
/// IOCTL_MOUNTMGR_READ_CREDENTIAL, …WRITE…, …DELETE…, IOCTL_MOUNTMGR_ENUMERATE_CREDENTIALS: Wine's advapi32 asks whether the
/// host has a key chain, and keeps credentials in the registry if it has none.
const CREDENTIALS: [u32; 4] = [0x6d_40c0, 0x6d_80c4, 0x6d_80c8, 0x6d_40cc];
/// Bytes of MOUNTMGR_MOUNT_POINT.
const POINT: usize = 24;
/// Bytes in front of them in MOUNTMGR_MOUNT_POINTS: the size of all, and their number.
const HEAD: usize = 8;
/// Most that is taken of what a caller gives.
const MAX_INPUT: u64 = 0x1_0000;

struct MountManager;
struct MountFile;

/// Makes the device and its names.
pub fn start(k: &'static Kernel) {
    make_device(k, "\\Device\\MountPointManager", FILE_DEVICE_MOUNT_MANAGER, MountManager);
    make_link(&k.ob.root, "\\??\\MountPointManager", "\\Device\\MountPointManager");
}

impl Driver for MountManager {
    fn open(&self, _cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened> {
        if !rest.is_empty() {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        Ok(Opened::existing(create, device, Vec::new(), MountFile))
    }
}

/// A name that leads to a volume.
struct Point {
    link: Vec<u16>,
    device: Vec<u16>,
    id: Vec<u8>,
}

/// Every one: the drive letter and the GUID of each volume.
fn points(k: &Kernel) -> Vec<Point> {
    let mut points = Vec::new();
    for (index, letter) in super::disk::volumes(k).into_iter().enumerate() {
        let device = wide(&format!("\\Device\\HarddiskVolume{}", index + 1));
        let id = vec![b'P', b'C', letter];
        let letter_link = wide(&format!("\\DosDevices\\{}:", char::from(letter)));
        let guid_link = wide(&format!("\\??\\Volume{}", volume_guid(letter)));
        points.push(Point { link: letter_link, device: device.clone(), id: id.clone() });
        points.push(Point { link: guid_link, device, id });
    }
    points
}

/// A part of the input that is given by offset and length.
fn part(input: &[u8], at: usize) -> Nt<&[u8]> {
    let input = Fields(input);
    input.bytes(input.u32(at) as usize, usize::from(input.u16(at + 4)))
}

fn bytes(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

/// MOUNTMGR_MOUNT_POINTS of what fits the MOUNTMGR_MOUNT_POINT given: by link, id or device, whatever it names.
fn query_points(k: &Kernel, input: &[u8]) -> Nt<Vec<u8>> {
    if input.len() < POINT {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let (link, id, device) = (part(input, 0)?, part(input, 8)?, part(input, 16)?);
    let same = |wanted: &[u8], name: &[u16]| {
        let wanted = units(wanted);
        wanted.is_empty() || crate::nls::fold::same(&wanted, name)
    };
    let mut found = points(k);
    found.retain(|point| {
        same(link, &point.link) && same(device, &point.device) && (id.is_empty() || id == point.id.as_slice())
    });
    let mut names = Vec::new();
    let mut heads = Vec::new();
    let base = HEAD + found.len() * POINT;
    let mut place = |part: &[u8], names: &mut Vec<u8>| {
        heads.extend_from_slice(&((base + names.len()) as u32).to_le_bytes());
        heads.extend_from_slice(&(part.len() as u16).to_le_bytes());
        heads.extend_from_slice(&[0; 2]);
        names.extend_from_slice(part);
    };
    for point in &found {
        place(&bytes(&point.link), &mut names);
        place(&point.id, &mut names);
        if names.len() % 2 != 0 {
            names.push(0);
        }
        place(&bytes(&point.device), &mut names);
    }
    let mut out = ((base + names.len()) as u32).to_le_bytes().to_vec();
    out.extend_from_slice(&(found.len() as u32).to_le_bytes());
    out.extend(heads);
    out.extend(names);
    Ok(out)
}

impl FileOps for MountFile {
    fn ioctl(&self, cx: &Cx<'_>, _request: &Request<'_>, control: Control) -> Nt<Io> {
        if CREDENTIALS.contains(&control.code) {
            return Err(STATUS_NOT_SUPPORTED);
        }
        if control.code != QUERY_POINTS {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        if control.input.length > MAX_INPUT {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let answer = query_points(cx.k, &control.input.read_all(cx.k)?)?;
        // Room for one at least: sizeof(MOUNTMGR_MOUNT_POINTS).
        if control.output.length < (HEAD + POINT) as u64 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if answer.len() as u64 > control.output.length {
            control.output.write_at(cx.k, 0, &answer[..HEAD])?;
            return Ok(Io::Done(STATUS_BUFFER_OVERFLOW, HEAD as u64));
        }
        control.output.write_at(cx.k, 0, &answer)?;
        Io::done(answer.len() as u64)
    }

    fn as_any(&self) -> &dyn core::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    fn request(link: &[u8], device: &[u8]) -> Vec<u8> {
        let mut input = vec![0; POINT];
        for (at, part) in [(0, link), (16, device)] {
            let offset = input.len() as u32;
            input[at..at + 4].copy_from_slice(&offset.to_le_bytes());
            input[at + 4..at + 6].copy_from_slice(&(part.len() as u16).to_le_bytes());
            input.extend_from_slice(part);
        }
        input
    }

    fn count(answer: &[u8]) -> u32 {
        u32::from_le_bytes(answer[4..8].try_into().unwrap())
    }

    #[test]
    fn points_by_device_and_by_link() {
        let (_, k) = Fake::kernel();
        let all = query_points(k, &request(&[], &[])).unwrap();
        assert_eq!(count(&all), 2);
        let device = bytes(&wide("\\device\\harddiskvolume1"));
        assert_eq!(query_points(k, &request(&[], &device)).unwrap(), all);
        let one = query_points(k, &request(&bytes(&wide("\\DosDevices\\c:")), &[])).unwrap();
        assert_eq!(count(&one), 1);
        assert_eq!(u32::from_le_bytes(one[..4].try_into().unwrap()) as usize, one.len());
        assert_eq!(count(&query_points(k, &request(&[], &bytes(&wide("\\Device\\x")))).unwrap()), 0);
    }

    #[test]
    fn lying_offsets() {
        let (_, k) = Fake::kernel();
        assert_eq!(query_points(k, &[0; 8]), Err(STATUS_INVALID_PARAMETER));
        let mut input = request(&[], &[]);
        input[0..4].copy_from_slice(&u32::MAX.to_le_bytes());
        input[4] = 2;
        assert_eq!(query_points(k, &input), Err(STATUS_INVALID_PARAMETER));
    }
}
