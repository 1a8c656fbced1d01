//! What connects adapters and monitors: QueryDisplayConfig and DisplayConfigGetDeviceInfo. There is one path, from the one adapter's one source to the
//! monitor. Layouts are those of the SDK's `wingdi.h`.

use super::super::User;
use super::{display_settings, monitor};
use crate::call::Cx;
use crate::status::*;
use crate::types::wide;
use crate::um::UserPtr;

/// QDC_ALL_PATHS, QDC_ONLY_ACTIVE_PATHS and QDC_DATABASE_CURRENT: one of them is asked for; QDC_VIRTUAL_MODE_AWARE beside it.
const WHICH: u32 = 7;
const DATABASE: u32 = 4;
const VIRTUAL: u32 = 0x10;
/// ERROR_INVALID_PARAMETER, ERROR_INSUFFICIENT_BUFFER: answers of these calls.
const INVALID: u64 = 87;
const INSUFFICIENT: u64 = 122;
/// The adapter's LUID, and the number of its source and of the monitor at it.
pub(in crate::win32k) const ADAPTER: [u32; 2] = [0x3e8, 0];
pub(in crate::win32k) const SOURCE: u32 = 0;
const TARGET: u32 = 0;
/// DISPLAYCONFIG_SCANLINE_ORDERING_PROGRESSIVE, and the same 1 for "not turned" and "not scaled".
const PROGRESSIVE: u32 = 1;
const IDENTITY: u32 = 1;

fn are_valid(flags: u32) -> bool {
    flags & !(WHICH | VIRTUAL) == 0 && (flags & WHICH).is_power_of_two()
}

/// Modes of the one path: the source's, the target's and, for who knows of it, that of the picture in between.
fn mode_count(flags: u32) -> u32 {
    if flags & VIRTUAL != 0 { 3 } else { 2 }
}

/// NtUserGetDisplayConfigBufferSizes: how many paths and modes there are.
///
/// # Errors
/// The answer is a Win32 code.
pub fn sizes(cx: &Cx<'_>, flags: u32, paths: UserPtr<u32>, modes: UserPtr<u32>) -> User {
    if paths.is_null() || modes.is_null() {
        return Ok(INVALID);
    }
    if !are_valid(flags) {
        paths.write(cx.k, 0)?;
        return Ok(INVALID);
    }
    paths.write(cx.k, 1)?;
    modes.write(cx.k, mode_count(flags))?;
    Ok(0)
}

/// DISPLAYCONFIG_VIDEO_SIGNAL_INFO.
fn signal((width, height): (u32, u32), whole: bool) -> [u32; 12] {
    /// D3DKMDT_VSS_OTHER.
    const OTHER: u32 = 255;
    let rate = u64::from(display_settings::RATE);
    let line = rate * u64::from(width);
    let pixels = line * u64::from(height);
    let total = if whole { [width, height] } else { [0, 0] };
    let [low, high] = [pixels as u32, (pixels >> 32) as u32];
    [low, high, line as u32, 1, rate as u32, 1, width, height, total[0], total[1], OTHER, PROGRESSIVE]
}

/// DISPLAYCONFIG_MODE_INFO: what kind of, whose, and its own words.
fn mode(kind: u32, number: u32, own: &[u32]) -> Vec<u8> {
    const WORDS: usize = 16;
    let mut words = vec![kind, number, ADAPTER[0], ADAPTER[1]];
    words.extend_from_slice(own);
    words.resize(WORDS, 0);
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// The path and its modes.
fn path_and_modes(flags: u32, (width, height): (u32, u32)) -> (Vec<u8>, Vec<u8>) {
    /// DISPLAYCONFIG_PIXELFORMAT_32BPP.
    const PIXELS: u32 = 4;
    /// DISPLAYCONFIG_OUTPUT_TECHNOLOGY_DISPLAYPORT_EXTERNAL.
    const DISPLAYPORT: u32 = 10;
    /// DISPLAYCONFIG_PATH_ACTIVE, DISPLAYCONFIG_PATH_SUPPORT_VIRTUAL_MODE.
    const ACTIVE: u32 = 1;
    const SUPPORTS_VIRTUAL: u32 = 8;
    /// DISPLAYCONFIG_MODE_INFO_TYPE_*.
    const OF_SOURCE: u32 = 1;
    const OF_TARGET: u32 = 2;
    const OF_PICTURE: u32 = 3;
    let is_virtual = flags & VIRTUAL != 0;
    let mut modes = mode(OF_SOURCE, SOURCE, &[width, height, PIXELS, 0, 0]);
    modes.extend(mode(OF_TARGET, TARGET, &signal((width, height), flags & DATABASE == 0)));
    // With the picture's mode, two half words say which modes are meant; the source is nobody's copy.
    let (source_mode, target_mode, support) =
        if is_virtual { (0xffff, 1 << 16 | 2, SUPPORTS_VIRTUAL) } else { (0, 1, 0) };
    if is_virtual {
        modes.extend(mode(OF_PICTURE, TARGET, &[width, height, 0, 0, width, height, 0, 0, width, height]));
    }
    let [low, high] = ADAPTER;
    let source = [low, high, SOURCE, source_mode, 1];
    let target = [low, high, TARGET, target_mode, DISPLAYPORT, IDENTITY, IDENTITY];
    let rest = [display_settings::RATE, 1, PROGRESSIVE, 1, 1, ACTIVE | support];
    let path = source.into_iter().chain(target).chain(rest).flat_map(u32::to_le_bytes).collect();
    (path, modes)
}

/// NtUserQueryDisplayConfig: the paths and their modes.
///
/// # Errors
/// The answer is a Win32 code.
pub fn query(
    cx: &Cx<'_>,
    flags: u32,
    path_count: UserPtr<u32>,
    paths: u64,
    mode_count_at: UserPtr<u32>,
    modes: u64,
    topology: UserPtr<u32>,
) -> User {
    /// DISPLAYCONFIG_TOPOLOGY_INTERNAL.
    const INTERNAL: u32 = 1;
    if path_count.is_null() || mode_count_at.is_null() {
        return Ok(INVALID);
    }
    let room = (path_count.read(cx.k)?, mode_count_at.read(cx.k)?);
    let is_database = flags & WHICH == DATABASE;
    if room.0 == 0 || room.1 == 0 || !are_valid(flags) || is_database == topology.is_null() {
        return Ok(INVALID);
    }
    if is_database {
        topology.write(cx.k, INTERNAL)?;
    }
    if room.1 < mode_count(flags) {
        return Ok(INSUFFICIENT);
    }
    let screen = cx.screen()?;
    let (path, all) = path_and_modes(flags, (screen.width() as u32, screen.height() as u32));
    cx.k.write_user(paths, &path)?;
    cx.k.write_user(modes, &all)?;
    path_count.write(cx.k, 1)?;
    mode_count_at.write(cx.k, mode_count(flags))?;
    Ok(0)
}

/// NtUserDisplayConfigGetDeviceInfo: what a source or target is called, by a packet that begins with DISPLAYCONFIG_DEVICE_INFO_HEADER.
///
/// # Errors
/// `STATUS_UNSUCCESSFUL` if there is no such thing, `STATUS_INVALID_PARAMETER` for a packet that is too short or of a kind that is absent,
/// `STATUS_NOT_SUPPORTED` for the adapter's own name.
pub fn device_info(cx: &Cx<'_>, packet: u64) -> Nt {
    /// sizeof(DISPLAYCONFIG_DEVICE_INFO_HEADER), and of the packets by kind.
    const HEADER: u32 = 20;
    const SOURCE_NAME: (u32, u32) = (1, 84);
    const TARGET_NAME: (u32, u32) = (2, 420);
    const PREFERRED: (u32, u32) = (3, 80);
    const ADAPTER_NAME: (u32, u32) = (4, 276);
    /// DISPLAYCONFIG_OUTPUT_TECHNOLOGY_INTERNAL.
    const INTERNAL: u32 = 0x8000_0000;
    if packet == 0 {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let [kind, size, low, high, number] = UserPtr::<[u32; 5]>::new(packet).read(cx.k)?;
    if size < HEADER {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let least = [SOURCE_NAME, TARGET_NAME, PREFERRED, ADAPTER_NAME].into_iter().find(|(of, _)| *of == kind);
    let Some((_, least)) = least.filter(|(_, least)| size >= *least) else { return Err(STATUS_INVALID_PARAMETER) };
    if kind == ADAPTER_NAME.0 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    // There is one of each.
    if [low, high] != ADAPTER || number != SOURCE {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let text = |text: &str, units: usize| {
        let mut all = wide(text);
        all.resize(units, 0);
        all.into_iter().flat_map(u16::to_le_bytes)
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let answer = match kind {
        1 => monitor::adapter_name().into_iter().chain([0; 32]).take(32).flat_map(u16::to_le_bytes).collect(),
        2 => {
            // Flags, technology, maker and product, connector.
            let mut bytes = words(&[0, INTERNAL, 0, 0]);
            bytes.extend(text("Display1", 64));
            bytes.extend(text(monitor::MONITOR_INTERFACE, 128));
            bytes
        }
        _ => {
            let screen = cx.screen().map_err(|_| STATUS_UNSUCCESSFUL)?;
            let size = display_settings::largest((screen.width() as u32, screen.height() as u32));
            let mut bytes = words(&[size.0, size.1, 0]);
            bytes.extend(words(&signal(size, true)));
            bytes
        }
    };
    debug_assert_eq!(answer.len() as u32 + HEADER, least, "the packet's size");
    cx.k.write_user(packet.wrapping_add(HEADER.into()), &answer)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_modes_are_as_long_as_they_are_declared() {
        for (flags, modes) in [(2, 2), (2 | VIRTUAL, 3)] {
            let (path, all) = path_and_modes(flags, (1024, 768));
            assert_eq!((path.len(), all.len()), (72, modes * 64));
            assert_eq!(mode_count(flags) as usize, modes);
        }
        assert!(are_valid(2) && are_valid(4 | VIRTUAL) && !are_valid(0) && !are_valid(3) && !are_valid(0x22));
        assert_eq!(signal((1000, 1000), true)[..3], [60_000_000, 0, 60_000]);
    }
}
