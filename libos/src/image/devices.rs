//! The display adapter and the monitor, as set-up functions find devices: what a driver's installation writes below Enum, Class and
//! DeviceClasses. Names and numbers are those that the kernel tells (`ntum::win32k::user::monitor`, `display_config`).

use super::registry::{Registry, kind, list_bytes, text_bytes, utf16};

const ENUM: &str = "Machine\\System\\CurrentControlSet\\Enum";
const CONTROL: &str = "Machine\\System\\CurrentControlSet\\Control";
const ADAPTER: &str = "PCI\\VEN_1414&DEV_008E&SUBSYS_00000000&REV_00";
const MONITOR: &str = "DISPLAY\\Default_Monitor";
/// Classes of devices: display adapters, monitors.
const ADAPTERS: &str = "{4D36E968-E325-11CE-BFC1-08002BE10318}";
const MONITORS: &str = "{4D36E96E-E325-11CE-BFC1-08002BE10318}";
/// GUID_DEVINTERFACE_DISPLAY_ADAPTER, GUID_DISPLAY_DEVICE_ARRIVAL, GUID_DEVINTERFACE_MONITOR.
const OF_ADAPTERS: [&str; 2] = ["{5B45201D-F2F2-4F3B-85BB-30FF1F953599}", "{1CA05180-A699-450A-9A0C-DE4FBE3DDD89}"];
const OF_MONITORS: &str = "{E6F07B5F-EE97-4A90-B076-33F57BF4EAA7}";
/// The adapter's LUID.
const LUID: u64 = 0x3e8;

/// DEVPROP_TYPE_*, as values of the registry have them.
mod property {
    pub const UINT32: u32 = 0xffff_0007;
    pub const INT64: u32 = 0xffff_0008;
    pub const UINT64: u32 = 0xffff_0009;
    pub const BOOLEAN: u32 = 0xffff_0011;
    pub const STRING: u32 = 0xffff_0012;
}

/// Adds both.
pub fn add(registry: &mut Registry) {
    let adapter = format!("{ADAPTER}\\00000000");
    device(registry, &adapter, "Display", ADAPTERS, "Portcullis Display Adapter");
    let id = registry.key(&format!("{ENUM}\\{adapter}"));
    id.set(&utf16("HardwareID"), kind::MULTI_SZ, list_bytes([ADAPTER]));
    // DEVPKEY_GPU_LUID; DEVPKEY_Device_IsPresent.
    set(registry, &adapter, "{60B193CB-5276-4D0F-96FC-F173ABAD3EC6}\\0002", property::UINT64, &LUID.to_le_bytes());
    set(registry, &adapter, "{540B947E-8B40-45BC-A8A2-6A0B894CBDA2}\\0005", property::BOOLEAN, &[1, 0, 0, 0]);
    // DEVPKEY_Device_MatchingDeviceId, _BusNumber, _RemovalPolicy (CM_REMOVAL_POLICY_EXPECT_NO_REMOVAL).
    set(registry, &adapter, "{A8B865DD-2E3D-4094-AD97-E593A70C75D6}\\0008", property::STRING, &text_bytes(ADAPTER));
    set(registry, &adapter, "{A45C254E-DF1C-4EFD-8020-67D146A850E0}\\0017", property::UINT32, &[0; 4]);
    set(registry, &adapter, "{A45C254E-DF1C-4EFD-8020-67D146A850E0}\\0021", property::UINT32, &[1, 0, 0, 0]);
    for class in OF_ADAPTERS {
        interface(registry, &adapter, class);
    }
    let monitor = format!("{MONITOR}\\0000&0000");
    device(registry, &monitor, "Monitor", MONITORS, "Generic Non-PnP Monitor");
    let id = registry.key(&format!("{ENUM}\\{monitor}"));
    id.set(&utf16("HardwareID"), kind::MULTI_SZ, list_bytes(["MONITOR\\Default_Monitor"]));
    // There is no description of itself that it could give.
    registry.key(&format!("{ENUM}\\{monitor}\\Device Parameters")).set(&utf16("BAD_EDID"), kind::BINARY, Vec::new());
    // DEVPROPKEY_MONITOR_GPU_LUID, DEVPROPKEY_MONITOR_OUTPUT_ID.
    set(registry, &monitor, "{CA085853-16CE-48AA-B114-DE9C72334223}\\0001", property::INT64, &LUID.to_le_bytes());
    set(registry, &monitor, "{CA085853-16CE-48AA-B114-DE9C72334223}\\0002", property::UINT32, &[0; 4]);
    interface(registry, &monitor, OF_MONITORS);
}

fn device(registry: &mut Registry, instance: &str, class: &str, class_id: &str, name: &str) {
    let key = format!("{ENUM}\\{instance}");
    registry.text(&key, "DeviceDesc", name);
    registry.text(&key, "Class", class);
    registry.text(&key, "ClassGUID", class_id);
    registry.text(&key, "Driver", &format!("{class_id}\\0000"));
    registry.text(&format!("{CONTROL}\\Class\\{class_id}\\0000"), "DriverDesc", name);
}

/// A property of a device.
fn set(registry: &mut Registry, instance: &str, which: &str, kind: u32, data: &[u8]) {
    registry.key(&format!("{ENUM}\\{instance}\\Properties\\{which}")).set(&[], kind, data.to_vec());
}

/// A device has an interface of a class, which is there.
fn interface(registry: &mut Registry, instance: &str, class: &str) {
    let flat = instance.replace('\\', "#");
    let key = format!("{CONTROL}\\DeviceClasses\\{class}\\##?#{flat}#{class}");
    registry.key(&key).set(&utf16("DeviceInstance"), kind::SZ, text_bytes(instance));
    registry.text(&format!("{key}\\#"), "SymbolicLink", &format!("\\\\?\\{flat}#{class}"));
    registry.number(&format!("{key}\\#\\Control"), "Linked", 1);
}
