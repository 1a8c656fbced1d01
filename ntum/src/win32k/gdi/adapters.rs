//! The display adapter as Direct3D's kernel calls have it (D3DKMT): it is opened, devices are made on it, and those say who shows pictures on its
//! sources. There is one adapter with one source, and nothing that it could compute. Layouts are those of Wine 10's `include/ddk/d3dkmthk.h`.

use super::{dc, handles, with};
use crate::call::{Call, Cx};
use crate::ob::handle::Handle;
use crate::ps::query::PROCESS_QUERY_INFORMATION;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::user::{display_config, monitor};
use core::mem::offset_of;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// System calls about the adapter.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiDdDDICheckVidPnExclusiveOwnership(asked: UserPtr<[u32; 2]>) => check_exclusive, Done;
    NtGdiDdDDICloseAdapter(adapter: UserPtr<u32>) => close, Done;
    NtGdiDdDDICreateDevice(asked: UserPtr<NewDevice>) => create_device, Done;
    NtGdiDdDDIDestroyDevice(device: UserPtr<u32>) => destroy_device, Done;
    NtGdiDdDDIEnumAdapters(list: u64) => enumerate, Done;
    NtGdiDdDDIEnumAdapters2(list: UserPtr<List>) => enumerate_into, Done;
    NtGdiDdDDIOpenAdapterFromDeviceName(asked: UserPtr<ByDevice>) => open_device, Done;
    NtGdiDdDDIOpenAdapterFromHdc(asked: UserPtr<ByDc>) => open_dc, Done;
    NtGdiDdDDIOpenAdapterFromLuid(asked: UserPtr<ByLuid>) => open_luid, Done;
    NtGdiDdDDIQueryVideoMemoryInfo(asked: UserPtr<VideoMemory>) => video_memory, Done;
    NtGdiDdDDISetVidPnSourceOwner(asked: UserPtr<Owners>) => set_owners, Done;
};

/// Who shows pictures on a source: D3DKMT_VIDPNSOURCEOWNER_TYPE.
mod owner {
    pub const SHARED: u32 = 1;
    pub const EXCLUSIVE: u32 = 2;
    pub const EXCLUSIVE_GDI: u32 = 3;
    pub const EMULATED: u32 = 4;
}

/// Adapters and devices that a program may have open at a time: what opens without end ends here.
const MOST: usize = 4096;
/// As many adapters as a program is told to make room for.
const ROOM: u32 = 34;

/// What a process has opened.
#[derive(Debug, Default)]
pub struct Adapters {
    /// The last number of a handle of each kind.
    last: (u32, u32),
    adapters: Vec<u32>,
    devices: Vec<u32>,
    /// Source, device and what that is to it.
    owners: Vec<(u32, u32, u32)>,
}

impl Adapters {
    fn open(&mut self) -> Nt<u32> {
        number(&mut self.adapters, &mut self.last.0)
    }

    fn make_device(&mut self, adapter: u32) -> Nt<u32> {
        self.require(adapter)?;
        number(&mut self.devices, &mut self.last.1)
    }

    fn require(&self, adapter: u32) -> Nt<()> {
        if self.adapters.contains(&adapter) { Ok(()) } else { Err(STATUS_INVALID_PARAMETER) }
    }

    /// Makes a device something to each of the sources; with none, nothing to any.
    fn own(&mut self, device: u32, wanted: &[(u32, u32)]) -> Nt<()> {
        for &(source, kind) in wanted {
            for &(_, other, is) in self.owners.iter().filter(|owner| owner.0 == source) {
                let (alone, emulated) = (is == owner::EXCLUSIVE, is == owner::EMULATED);
                if other == device {
                    let shares = matches!(kind, owner::SHARED | owner::EMULATED);
                    if alone && shares || emulated && kind == owner::EXCLUSIVE {
                        return Err(STATUS_INVALID_PARAMETER);
                    }
                } else if (alone || emulated) && matches!(kind, owner::EXCLUSIVE | owner::EMULATED) {
                    return Err(STATUS_GRAPHICS_VIDPN_SOURCE_IN_USE);
                }
            }
            // The desktop is shown on each: nobody else shares it.
            match kind {
                owner::SHARED => return Err(STATUS_GRAPHICS_VIDPN_SOURCE_IN_USE),
                owner::EXCLUSIVE_GDI => return Err(STATUS_INVALID_PARAMETER),
                kind if kind > owner::EMULATED => return Err(STATUS_INVALID_PARAMETER),
                _ => {}
            }
        }
        if wanted.is_empty() {
            self.owners.retain(|owner| owner.1 != device);
        }
        for &(source, kind) in wanted {
            let full = self.owners.len() >= MOST;
            match self.owners.iter_mut().find(|owner| (owner.0, owner.1) == (source, device)) {
                Some(owner) => owner.2 = kind,
                None if full => return Err(STATUS_NO_MEMORY),
                None => self.owners.push((source, device, kind)),
            }
        }
        Ok(())
    }

    fn is_exclusive(&self, source: u32) -> bool {
        self.owners.iter().any(|owner| (owner.0, owner.2) == (source, owner::EXCLUSIVE))
    }
}

/// A new handle among others of its kind.
fn number(all: &mut Vec<u32>, last: &mut u32) -> Nt<u32> {
    if all.len() >= MOST {
        return Err(STATUS_NO_MEMORY);
    }
    loop {
        *last = last.wrapping_add(1).max(1);
        if !all.contains(last) {
            all.push(*last);
            return Ok(*last);
        }
    }
}

fn remove(all: &mut Vec<u32>, handle: u32) -> Nt<()> {
    let place = all.iter().position(|other| *other == handle).ok_or(STATUS_INVALID_PARAMETER)?;
    all.swap_remove(place);
    Ok(())
}

fn until_zero(units: &[u16]) -> &[u16] {
    units.split(|unit| *unit == 0).next().unwrap_or_default()
}

fn given<T>(pointer: UserPtr<T>) -> Nt<UserPtr<T>> {
    if pointer.is_null() { Err(STATUS_INVALID_PARAMETER) } else { Ok(pointer) }
}

/// D3DKMT_OPENADAPTERFROMLUID.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ByLuid {
    luid: [u32; 2],
    adapter: u32,
}

/// NtGdiDdDDIOpenAdapterFromLuid.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NO_MEMORY`.
pub fn open_luid(cx: &Cx<'_>, asked: UserPtr<ByLuid>) -> Nt {
    let ByLuid { luid, .. } = given(asked)?.read(cx.k)?;
    if luid != display_config::ADAPTER {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let adapter = cx.k.gdi.adapters.lock().open()?;
    asked.write(cx.k, ByLuid { luid, adapter })?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_OPENADAPTERFROMGDIDISPLAYNAME behind its name.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Opened {
    adapter: u32,
    luid: [u32; 2],
    source: u32,
}

fn opened(cx: &Cx<'_>) -> Nt<Opened> {
    let adapter = cx.k.gdi.adapters.lock().open()?;
    Ok(Opened { adapter, luid: display_config::ADAPTER, source: display_config::SOURCE })
}

/// D3DKMTOpenAdapterFromGdiDisplayName: by the name of a display.
///
/// # Errors
/// `STATUS_UNSUCCESSFUL`, `STATUS_NO_MEMORY`.
pub fn open_display(cx: &Cx<'_>, asked: u64) -> Nt {
    const NAME: u64 = 32;
    if asked == 0 {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let name = UserPtr::<u16>::new(asked).read_vec(cx.k, NAME as usize)?;
    if !monitor::is_adapter_name(until_zero(&name)) {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let opened = opened(cx)?;
    UserPtr::new(asked + NAME * 2).write(cx.k, opened)?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_OPENADAPTERFROMHDC.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ByDc {
    dc: u64,
    opened: Opened,
}

/// NtGdiDdDDIOpenAdapterFromHdc: by a device context of a display.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NO_MEMORY`.
pub fn open_dc(cx: &Cx<'_>, asked: UserPtr<ByDc>) -> Nt {
    let ByDc { dc, .. } = given(asked)?.read(cx.k)?;
    let is_display = cx.k.gdi.handles.kind(dc as u32) == Some(handles::kind::DC)
        && with(cx, dc as u32, |work| matches!(work.dc.device, dc::Device::Screen)).unwrap_or(false);
    if !is_display {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let opened = opened(cx)?;
    asked.write(cx.k, ByDc { dc, opened })?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_OPENADAPTERFROMDEVICENAME.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ByDevice {
    name: u64,
    adapter: u32,
    luid: [u32; 2],
    padding: u32,
}

/// NtGdiDdDDIOpenAdapterFromDeviceName: by the interface that tells of an adapter's arrival.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, also for the adapter's other interface, `STATUS_NO_MEMORY`.
pub fn open_device(cx: &Cx<'_>, asked: UserPtr<ByDevice>) -> Nt {
    /// GUID_DISPLAY_DEVICE_ARRIVAL.
    const ARRIVAL: &str = "{1CA05180-A699-450A-9A0C-DE4FBE3DDD89}";
    let before = given(asked)?.read(cx.k)?;
    if before.name == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let text = cx.text(before.name, false).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let units: Vec<u16> = text.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    let name = String::from_utf16_lossy(until_zero(&units)).to_uppercase();
    if !name.starts_with("\\\\?\\PCI#") || !name.ends_with(ARRIVAL) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let Opened { adapter, luid, .. } = opened(cx)?;
    asked.write(cx.k, ByDevice { adapter, luid, ..before })?;
    Ok(STATUS_SUCCESS)
}

/// NtGdiDdDDICloseAdapter.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn close(cx: &Cx<'_>, adapter: UserPtr<u32>) -> Nt {
    let adapter = given(adapter)?.read(cx.k)?;
    remove(&mut cx.k.gdi.adapters.lock().adapters, adapter)?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_ADAPTERINFO.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Info {
    adapter: u32,
    luid: [u32; 2],
    sources: u32,
    precise_regions: u32,
}

fn info(cx: &Cx<'_>) -> Nt<Info> {
    let Opened { adapter, luid, .. } = opened(cx)?;
    Ok(Info { adapter, luid, sources: 1, precise_regions: 0 })
}

/// D3DKMT_ENUMADAPTERS2.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct List {
    count: u32,
    padding: u32,
    infos: u64,
}

/// NtGdiDdDDIEnumAdapters2: opens each adapter; without room for them, how much of that there should be.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_BUFFER_TOO_SMALL`, `STATUS_NO_MEMORY`.
pub fn enumerate_into(cx: &Cx<'_>, list: UserPtr<List>) -> Nt {
    let List { count, infos, padding } = given(list)?.read(cx.k)?;
    let told = match (infos, count) {
        (0, _) => ROOM,
        (_, 0) => return Err(STATUS_BUFFER_TOO_SMALL),
        (infos, _) => {
            UserPtr::new(infos).write(cx.k, info(cx)?)?;
            1
        }
    };
    list.write(cx.k, List { count: told, padding, infos })?;
    Ok(STATUS_SUCCESS)
}

/// NtGdiDdDDIEnumAdapters: D3DKMT_ENUMADAPTERS, a count and room for 16.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NO_MEMORY`.
pub fn enumerate(cx: &Cx<'_>, list: u64) -> Nt {
    let count = given(UserPtr::<u32>::new(list))?;
    count.byte_add(4).write(cx.k, info(cx)?)?;
    count.write(cx.k, 1)?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_CREATEDEVICE: of the command buffer there is none.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NewDevice {
    adapter: u64,
    flags: u32,
    device: u32,
    buffers: [u64; 6],
}

/// NtGdiDdDDICreateDevice.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_NO_MEMORY`.
pub fn create_device(cx: &Cx<'_>, asked: UserPtr<NewDevice>) -> Nt {
    let adapter = given(asked)?.read(cx.k)?.adapter as u32;
    let device = cx.k.gdi.adapters.lock().make_device(adapter)?;
    asked.byte_add(offset_of!(NewDevice, device) as u64).write(cx.k, device)?;
    Ok(STATUS_SUCCESS)
}

/// NtGdiDdDDIDestroyDevice: what it was to sources, it is no more.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`.
pub fn destroy_device(cx: &Cx<'_>, device: UserPtr<u32>) -> Nt {
    let device = given(device)?.read(cx.k)?;
    let mut adapters = cx.k.gdi.adapters.lock();
    remove(&mut adapters.devices, device)?;
    adapters.own(device, &[])?;
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_SETVIDPNSOURCEOWNER.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Owners {
    device: u32,
    padding: u32,
    kinds: u64,
    sources: u64,
    count: u32,
    end: u32,
}

/// NtGdiDdDDISetVidPnSourceOwner.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_GRAPHICS_VIDPN_SOURCE_IN_USE`.
pub fn set_owners(cx: &Cx<'_>, asked: UserPtr<Owners>) -> Nt {
    let Owners { device, kinds, sources, count, .. } = given(asked)?.read(cx.k)?;
    if device == 0 || count != 0 && (kinds == 0 || sources == 0) || count as usize > MOST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let all = |at: u64| match count {
        0 => Ok(Vec::new()),
        count => UserPtr::<u32>::new(at).read_vec(cx.k, count as usize),
    };
    let wanted: Vec<(u32, u32)> = all(sources)?.into_iter().zip(all(kinds)?).collect();
    if wanted.is_empty() && (kinds != 0 || sources != 0) {
        return Ok(STATUS_SUCCESS);
    }
    cx.k.gdi.adapters.lock().own(device, &wanted)?;
    Ok(STATUS_SUCCESS)
}

/// NtGdiDdDDICheckVidPnExclusiveOwnership: whether a device has a source for itself.
///
/// # Errors
/// `STATUS_GRAPHICS_PRESENT_OCCLUDED` if so; `STATUS_INVALID_PARAMETER`.
pub fn check_exclusive(cx: &Cx<'_>, asked: UserPtr<[u32; 2]>) -> Nt {
    let [adapter, source] = given(asked)?.read(cx.k)?;
    if adapter == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if cx.k.gdi.adapters.lock().is_exclusive(source) {
        return Err(STATUS_GRAPHICS_PRESENT_OCCLUDED);
    }
    Ok(STATUS_SUCCESS)
}

/// D3DKMT_QUERYVIDEOMEMORYINFO.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VideoMemory {
    process: u64,
    adapter: u32,
    /// D3DKMT_MEMORY_SEGMENT_GROUP.
    group: u32,
    /// Budget, usage, reservation, available for reservation.
    amounts: [u64; 4],
    index: u32,
    padding: u32,
}

/// NtGdiDdDDIQueryVideoMemoryInfo: the adapter has no memory of its own.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`, `STATUS_ACCESS_DENIED`.
pub fn video_memory(cx: &Cx<'_>, asked: UserPtr<VideoMemory>) -> Nt {
    /// D3DKMT_MEMORY_SEGMENT_GROUP_NON_LOCAL.
    const LAST_GROUP: u32 = 1;
    let told = given(asked)?.read(cx.k)?;
    if told.adapter == 0 || told.group > LAST_GROUP || told.index != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if told.process != 0 {
        cx.object(Handle(told.process), PROCESS_QUERY_INFORMATION)?;
    }
    cx.k.gdi.adapters.lock().require(told.adapter)?;
    asked.write(cx.k, VideoMemory { amounts: [0; 4], ..told })?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_are_those_of_the_headers() {
        assert_eq!((size_of::<ByLuid>(), size_of::<ByDc>(), size_of::<ByDevice>()), (12, 24, 24));
        assert_eq!((size_of::<Info>(), size_of::<List>(), size_of::<NewDevice>()), (20, 16, 64));
        assert_eq!((size_of::<Owners>(), size_of::<VideoMemory>(), offset_of!(NewDevice, device)), (32, 56, 12));
    }

    #[test]
    fn a_source_has_one_owner_at_a_time() {
        let mut all = Adapters::default();
        let adapter = all.open().unwrap();
        let (one, other) = (all.make_device(adapter).unwrap(), all.make_device(adapter).unwrap());
        all.own(one, &[(0, owner::EXCLUSIVE)]).unwrap();
        assert!(all.is_exclusive(0) && !all.is_exclusive(1));
        assert_eq!(all.own(other, &[(0, owner::EXCLUSIVE)]), Err(STATUS_GRAPHICS_VIDPN_SOURCE_IN_USE));
        assert_eq!(all.own(one, &[(0, owner::EMULATED)]), Err(STATUS_INVALID_PARAMETER));
        // Who is nothing to it takes nothing away.
        all.own(other, &[]).unwrap();
        assert!(all.is_exclusive(0));
        all.own(one, &[]).unwrap();
        all.own(other, &[(0, owner::EXCLUSIVE)]).unwrap();
        remove(&mut all.adapters, adapter).unwrap();
        assert_eq!(all.make_device(adapter), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(remove(&mut all.adapters, adapter), Err(STATUS_INVALID_PARAMETER));
    }
}
