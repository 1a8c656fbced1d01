//! Devices: what a path beyond a device object means.

/// A device.
pub struct Device;
