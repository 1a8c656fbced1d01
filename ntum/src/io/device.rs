//! Devices: objects in the name space that take the rest of a path and make files of it.

use super::file::FileOps;
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::directory::{enter, make_path};
use crate::ob::object::{Body, Object};
use crate::status::Nt;
use crate::types::wide;
use crate::um::UserSlice;
use std::sync::atomic::Ordering;

/// A device.
pub struct Device {
    /// FILE_DEVICE_*: what FileFsDeviceInformation answers.
    pub kind: u32,
    /// What it does.
    pub driver: Box<dyn Driver>,
}

/// What a device's driver does.
pub trait Driver: Send + Sync {
    /// Opens `rest`, the part of the path beyond the device: empty for the device itself, else with its leading
    /// backslash.
    ///
    /// # Errors
    /// The driver's.
    fn open(&self, cx: &Cx<'_>, device: &Ref, rest: &[u16], create: &Create) -> Nt<Opened>;

    /// FILE_NETWORK_OPEN_INFORMATION of a name without opening it; `None` if the driver has no shorter way.
    fn attributes_of(&self, _cx: &Cx<'_>, _rest: &[u16]) -> Option<Nt<Vec<u8>>> {
        None
    }

    /// The driver itself, for those who know its type.
    fn as_any(&self) -> &dyn core::any::Any {
        &()
    }
}

/// What NtCreateFile and its like ask for.
#[derive(Debug, Clone)]
pub struct Create {
    /// Rights wanted, generic ones already mapped; all there are with MAXIMUM_ALLOWED.
    pub access: u32,
    /// Whether fewer are enough, down to `minimum`.
    pub maximum_allowed: bool,
    /// Rights wanted by name.
    pub minimum: u32,
    /// FILE_ATTRIBUTE_* for a file that is made.
    pub attributes: u32,
    /// FILE_SHARE_*.
    pub share: u32,
    /// FILE_OPEN and so on.
    pub disposition: u32,
    /// FILE_DIRECTORY_FILE and so on.
    pub options: u32,
    /// Bytes to set aside for a file that is made.
    pub allocation: u64,
    /// Extended attributes, as given.
    pub ea: UserSlice,
    /// Whether letter case is ignored.
    pub ignore_case: bool,
    /// Address of the security descriptor for a file that is made, 0 for none.
    pub security: u64,
    /// What is to be made.
    pub make: Make,
    /// Links that were followed on the way so far.
    pub links: u32,
    /// Whether one on the way is an error.
    pub no_links: bool,
}

impl Create {
    /// A request to open what exists, shared with everybody.
    pub fn existing(access: u32, options: u32) -> Create {
        Create {
            access,
            maximum_allowed: false,
            minimum: access,
            attributes: 0,
            share: 7,
            disposition: super::file::FILE_OPEN,
            options,
            allocation: 0,
            ea: UserSlice::new(0, 0),
            ignore_case: true,
            security: 0,
            make: Make::File,
            links: 0,
            no_links: false,
        }
    }
}

/// What a create request makes.
#[derive(Debug, Clone)]
pub enum Make {
    /// A file, or whatever the device makes of a name.
    File,
    /// A named pipe's server end.
    Pipe(PipeParameters),
    /// A mailslot's server end.
    Mailslot(MailslotParameters),
}

impl Make {
    /// Whether a device of that kind makes such a thing: FILE_DEVICE_NAMED_PIPE pipes, FILE_DEVICE_MAILSLOT mailslots.
    pub fn suits(&self, kind: u32) -> bool {
        match self {
            Make::File => true,
            Make::Pipe(_) => kind == 0x11,
            Make::Mailslot(_) => kind == 0x0c,
        }
    }
}

/// Arguments of NtCreateNamedPipeFile.
#[derive(Debug, Clone, Copy)]
pub struct PipeParameters {
    /// FILE_PIPE_MESSAGE_TYPE = 1.
    pub kind: u32,
    /// FILE_PIPE_MESSAGE_MODE = 1.
    pub read_mode: u32,
    /// FILE_PIPE_COMPLETE_OPERATION = 1.
    pub completion_mode: u32,
    /// Most instances.
    pub maximum_instances: u32,
    /// Bytes of buffer.
    pub inbound_quota: u32,
    /// Bytes of buffer.
    pub outbound_quota: u32,
    /// Time that WaitNamedPipe waits by default, in NT's relative form.
    pub timeout: i64,
}

/// Arguments of NtCreateMailslotFile.
#[derive(Debug, Clone, Copy)]
pub struct MailslotParameters {
    /// Bytes of buffer.
    pub quota: u32,
    /// Longest message, 0: any.
    pub maximum_message: u32,
    /// Time that a read waits, in NT's form; `None`: for ever.
    pub timeout: Option<i64>,
}

/// What an open request answers.
pub struct Opened {
    /// The file object.
    pub object: Ref,
    /// FILE_OPENED, FILE_CREATED and so on.
    pub information: u64,
}

impl Opened {
    /// An existing thing was opened.
    pub fn existing(create: &Create, device: &Ref, name: Vec<u16>, ops: impl FileOps + 'static) -> Opened {
        Opened { object: super::file::File::object(create, device, name, ops), information: super::file::FILE_OPENED }
    }
}

/// Makes a permanent device at `path`; answers it.
pub fn make_device(k: &Kernel, path: &str, kind: u32, driver: impl Driver + 'static) -> Ref {
    let (parent, name) = path.rsplit_once('\\').unwrap_or(("", path));
    let device = Object::new(Dispatcher::none(), Body::Device(Device { kind, driver: Box::new(driver) }));
    device.permanent.store(true, Ordering::Relaxed);
    let _ = enter(&make_path(&k.ob.root, parent), &wide(name), &device);
    device
}
