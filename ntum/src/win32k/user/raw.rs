//! Raw input: what the devices themselves did. There are one mouse and one keyboard.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::shm::user::hardware::number;
use crate::shm::user::raw::{KEYBOARD, MOUSE, Wish};
use crate::types::wide;
use crate::um::UserPtr;
use zerocopy::IntoBytes;

/// Handles of the devices, as Wine has them.
pub(super) const MOUSE_HANDLE: u64 = 1;
/// See above.
pub(super) const KEYBOARD_HANDLE: u64 = 2;
/// What a call that fails answers.
const FAILED: u64 = u32::MAX as u64;
/// sizeof(RAWINPUTDEVICE), sizeof(RAWINPUTHEADER), sizeof(RAWINPUTDEVICELIST).
const DEVICE_SIZE: u32 = 16;
const HEADER_SIZE: u32 = 24;
const LIST_SIZE: u32 = 16;
/// sizeof(RAWINPUT).
const INPUT_SIZE: u32 = 48;
/// RIDEV_REMOVE, RIDEV_INPUTSINK, RIDEV_DEVNOTIFY.
const REMOVE: u32 = 0x1;
const SINK: u32 = 0x100;
const NOTIFY: u32 = 0x2000;
/// GIDC_ARRIVAL.
const ARRIVAL: u64 = 1;
/// What mouse and keyboard are: page and usage.
const USAGES: [(u32, u64); 2] = [(MOUSE, MOUSE_HANDLE), (KEYBOARD, KEYBOARD_HANDLE)];
/// Devices that a call names at most.
const MOST: u32 = 1024;

fn failed(code: u32) -> Failed {
    Failed::with(code).answering(FAILED)
}

/// NtUserRegisterRawInputDevices: RAWINPUTDEVICE each.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn register(cx: &Cx<'_>, devices: u64, count: u32, size: u32) -> User {
    if size != DEVICE_SIZE || count > MOST {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    cx.queue()?;
    let mut wishes = Vec::new();
    for index in 0..u64::from(count) {
        let at = devices.wrapping_add(index * u64::from(DEVICE_SIZE));
        let [usages, flags] = UserPtr::<[u32; 2]>::new(at).read(cx.k)?;
        let target = UserPtr::<u64>::new(at.wrapping_add(8)).read(cx.k)?;
        // Page and usage, each a half.
        let usage = usages.rotate_left(16);
        let sinks_nowhere = flags & SINK != 0 && target == 0;
        let removes_for_one = flags & REMOVE != 0 && target != 0;
        if sinks_nowhere || removes_for_one {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        wishes.push((usage, (flags & REMOVE == 0).then_some(Wish { usage, flags, target: target as u32 })));
    }
    let (_, member) = cx.sandbox()?;
    let mut tx = cx.windows()?;
    for (usage, wish) in &wishes {
        tx.set_raw_device(member, *usage, *wish)?;
    }
    tx.commit()?;
    // What is there already is told as if it had just come.
    for wish in wishes.into_iter().filter_map(|(_, wish)| wish).filter(|wish| wish.flags & NOTIFY != 0) {
        let of_usage = USAGES.iter().find(|(usage, _)| *usage == wish.usage);
        if let Some((_, device)) = of_usage.filter(|_| wish.target != 0) {
            // A target that is gone hears of nothing.
            let _ = super::get::post_message(cx, wish.target.into(), number::INPUT_DEVICE_CHANGE, ARRIVAL, *device);
        }
    }
    Ok(1)
}

/// NtUserGetRegisteredRawInputDevices: how many there are.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn registered(cx: &Cx<'_>, devices: u64, count: UserPtr<u32>, size: u32) -> User {
    if size != DEVICE_SIZE || count.is_null() {
        return Err(failed(error::INVALID_PARAMETER));
    }
    let (_, member) = cx.sandbox()?;
    let mut all = cx.windows()?.raw_devices(member);
    all.sort_by_key(|wish| wish.usage);
    let room = count.read(cx.k)?;
    if devices == 0 {
        count.write(cx.k, all.len() as u32)?;
        return Ok(0);
    }
    if room == 0 {
        return Err(failed(error::INVALID_PARAMETER));
    }
    if (room as usize) < all.len() {
        count.write(cx.k, all.len() as u32)?;
        return Err(failed(error::INSUFFICIENT_BUFFER));
    }
    for (index, wish) in (0..).zip(&all) {
        let at = devices.wrapping_add(index * u64::from(DEVICE_SIZE));
        UserPtr::new(at).write(cx.k, [wish.usage.rotate_left(16), wish.flags])?;
        UserPtr::new(at.wrapping_add(8)).write(cx.k, u64::from(wish.target))?;
    }
    Ok(all.len() as u64)
}

/// NtUserGetRawInputDeviceList: how many there are.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn device_list(cx: &Cx<'_>, devices: u64, count: UserPtr<u32>, size: u32) -> User {
    if size != LIST_SIZE {
        return Err(failed(error::INVALID_PARAMETER));
    }
    if count.is_null() {
        return Err(failed(error::NOACCESS));
    }
    let all = [[MOUSE_HANDLE, 0], [KEYBOARD_HANDLE, 1]];
    let room = count.read(cx.k)?;
    if devices == 0 {
        count.write(cx.k, all.len() as u32)?;
        return Ok(0);
    }
    if (room as usize) < all.len() {
        count.write(cx.k, all.len() as u32)?;
        return Err(failed(error::INSUFFICIENT_BUFFER));
    }
    cx.k.write_user(devices, all.as_bytes())?;
    Ok(all.len() as u64)
}

/// NtUserGetRawInputDeviceInfo: how much there is to tell of a device.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn device_info(cx: &Cx<'_>, device: u64, command: u32, data: u64, size: UserPtr<u32>) -> User {
    /// RIDI_PREPARSEDDATA, RIDI_DEVICENAME, RIDI_DEVICEINFO.
    const PREPARSED: u32 = 0x2000_0005;
    const NAME: u32 = 0x2000_0007;
    const INFO: u32 = 0x2000_000b;
    if size.is_null() {
        return Err(failed(error::NOACCESS));
    }
    let mouse = match device {
        MOUSE_HANDLE => true,
        KEYBOARD_HANDLE => false,
        _ => return Err(failed(error::INVALID_HANDLE)),
    };
    let room = size.read(cx.k)?;
    let (bytes, needed, told) = match command {
        NAME => {
            let mut name = wide(if mouse { "\\\\?\\WINE_MOUSE" } else { "\\\\?\\WINE_KEYBOARD" });
            name.push(0);
            // Its size is in units.
            let units = name.len() as u32;
            (name.as_bytes().to_vec(), units, units)
        }
        INFO => {
            // RID_DEVICE_INFO: number, buttons and rate of a mouse; type, mode, keys and lights of a keyboard.
            let facts = if mouse { [0, 1, 5, 0, 0, 0, 0] } else { [1, 0, 0, 1, 12, 3, 101] };
            let mut words = vec![32];
            words.extend(facts);
            if data != 0 && room >= 32 && UserPtr::<u32>::new(data).read(cx.k)? != 32 {
                return Err(failed(error::INVALID_PARAMETER));
            }
            (words.as_bytes().to_vec(), 32, 32)
        }
        PREPARSED => (Vec::new(), 0, 0),
        _ => return Err(failed(error::INVALID_PARAMETER)),
    };
    size.write(cx.k, needed)?;
    if data == 0 {
        return Ok(0);
    }
    if room < needed {
        return Err(failed(error::INSUFFICIENT_BUFFER));
    }
    cx.k.write_user(data, &bytes)?;
    Ok(told.into())
}

/// NtUserGetRawInputData: what came with the last WM_INPUT of the thread's.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn data(cx: &Cx<'_>, handle: u64, command: u32, data: u64, size: UserPtr<u32>, header: u32) -> User {
    /// RID_INPUT, RID_HEADER.
    const INPUT: u32 = 0x1000_0003;
    const HEADER: u32 = 0x1000_0005;
    if header != HEADER_SIZE {
        return Err(failed(error::INVALID_PARAMETER));
    }
    let kept = cx.queue()?.mouse.lock().raw.clone();
    let Some((_, bytes)) = kept.filter(|(id, _)| u64::from(*id) == handle) else {
        return Err(failed(error::INVALID_HANDLE));
    };
    let bytes = match command {
        INPUT => bytes.as_slice(),
        HEADER => bytes.get(..HEADER_SIZE as usize).unwrap_or_default(),
        _ => return Err(failed(error::INVALID_PARAMETER)),
    };
    let room = size.read(cx.k)?;
    if data == 0 {
        size.write(cx.k, bytes.len() as u32)?;
        return Ok(0);
    }
    if (room as usize) < bytes.len() {
        size.write(cx.k, bytes.len() as u32)?;
        return Err(failed(error::INSUFFICIENT_BUFFER));
    }
    cx.k.write_user(data, bytes)?;
    Ok(bytes.len() as u64)
}

/// NtUserGetRawInputBuffer: takes what waits as far as there is room for it; how many there were.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn buffer(cx: &Cx<'_>, data: u64, size: UserPtr<u32>, header: u32) -> User {
    if header != HEADER_SIZE || size.is_null() {
        return Err(failed(error::INVALID_PARAMETER));
    }
    let mine = cx.queue()?.record;
    let next = |after: u32| -> User<Option<crate::shm::user::hardware::Hardware>> {
        let mut tx = cx.windows()?;
        let next = tx.next_hardware(mine, after, |_, _, found| found == number::INPUT);
        tx.commit()?;
        Ok(next)
    };
    if data == 0 {
        let needed = next(0)?.map_or(0, |hardware| hardware.raw.len() as u32);
        size.write(cx.k, needed)?;
        return Ok(0);
    }
    let room = size.read(cx.k)?;
    let (mut at, mut count, mut next_size) = (0u64, 0, 0);
    while let Some(hardware) = next(0)? {
        let length = hardware.raw.len() as u64;
        if at + length > u64::from(room & !7) {
            next_size = length as u32;
            break;
        }
        cx.k.write_user(data.wrapping_add(at), &hardware.raw)?;
        let mut tx = cx.windows()?;
        tx.accept_hardware(mine, hardware.id);
        tx.commit()?;
        UserPtr::new(cx.thread_info() + super::get::MESSAGE_TIME).write(cx.k, hardware.message.time)?;
        // The next one begins at a multiple of a pointer.
        at = (at + length).next_multiple_of(8);
        count += 1;
    }
    if next_size == 0 && count != 0 {
        next_size = INPUT_SIZE;
    }
    match next_size {
        0 => size.write(cx.k, 0)?,
        // Room that would not do for another one counts as too little, whatever was stored.
        next_size if room <= next_size => {
            size.write(cx.k, next_size)?;
            return Err(failed(error::INSUFFICIENT_BUFFER));
        }
        _ => {}
    }
    Ok(count)
}

/// Keeps what goes with a WM_INPUT until the next one.
pub(super) fn keep(cx: &Cx<'_>, id: u32, bytes: &[u8]) -> User<()> {
    cx.queue()?.mouse.lock().raw = Some((id, bytes.to_vec()));
    Ok(())
}
