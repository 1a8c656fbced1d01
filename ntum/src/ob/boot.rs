//! The name space as it is before any program runs.

use super::directory::{enter, make_link, make_path};
use super::object::{Body, Object, Plain, Ref};
use super::types::Type;
use crate::ke::dispatcher::Dispatcher;
use crate::ke::keyed;
use crate::types::wide;
use std::sync::atomic::Ordering;

/// The session that programs run in. Session 0 is for services.
pub const SESSION: u32 = 1;

const DIRECTORIES: &[&str] = &[
    r"\??",
    r"\ArcName",
    r"\BaseNamedObjects",
    r"\Callback",
    r"\Device",
    r"\Driver",
    r"\FileSystem",
    r"\KernelObjects",
    r"\KnownDlls",
    r"\NLS",
    r"\ObjectTypes",
    r"\RPC Control",
    r"\Security",
    r"\Sessions\BNOLINKS",
    r"\Sessions\0\DosDevices",
    r"\Sessions\1\BaseNamedObjects",
    r"\Sessions\1\DosDevices",
    r"\Sessions\1\Windows\Desktops",
    r"\Sessions\1\Windows\WindowStations",
    r"\Windows\WindowStations",
];

/// Links and their targets. An empty target is the root.
const LINKS: &[(&str, &str)] = &[
    (r"\DosDevices", r"\??"),
    (r"\GLOBAL??", r"\??"),
    (r"\??\Global", r"\??"),
    (r"\??\GLOBALROOT", ""),
    (r"\Sessions\0\BaseNamedObjects", r"\BaseNamedObjects"),
    (r"\Sessions\0\Windows", r"\Windows"),
    (r"\Sessions\BNOLINKS\0", r"\BaseNamedObjects"),
    (r"\Sessions\BNOLINKS\1", r"\Sessions\1\BaseNamedObjects"),
    (r"\BaseNamedObjects\Global", r"\BaseNamedObjects"),
    (r"\BaseNamedObjects\Local", r"\BaseNamedObjects"),
    (r"\BaseNamedObjects\Session", r"\Sessions\BNOLINKS"),
    (r"\Sessions\1\BaseNamedObjects\Global", r"\BaseNamedObjects"),
    (r"\Sessions\1\BaseNamedObjects\Local", r"\Sessions\1\BaseNamedObjects"),
    (r"\Sessions\1\BaseNamedObjects\Session", r"\Sessions\BNOLINKS"),
];

/// Events that say how much memory there is, and whether they are signalled at first.
const MEMORY_CONDITIONS: &[(&str, bool)] = &[
    ("LowMemoryCondition", false),
    ("LowPagedPoolCondition", false),
    ("LowNonPagedPoolCondition", false),
    ("HighMemoryCondition", true),
    ("HighPagedPoolCondition", true),
    ("HighNonPagedPoolCondition", true),
];

/// Fills the name space: directories, links, the objects that the kernel itself owns.
pub fn boot(root: &Ref) {
    root.permanent.store(true, Ordering::Relaxed);
    for path in DIRECTORIES {
        make_path(root, path);
    }
    for (path, target) in LINKS {
        make_link(root, path, target);
    }
    let add = |directory: &Ref, name: &str, object: Ref| {
        object.permanent.store(true, Ordering::Relaxed);
        let _ = enter(directory, &wide(name), &object);
    };
    let types = make_path(root, r"\ObjectTypes");
    for kind in Type::ALL {
        add(&types, kind.name(), Object::new(Dispatcher::none(), Body::ObjectType(*kind)));
    }
    let kernel = make_path(root, r"\KernelObjects");
    for (name, signalled) in MEMORY_CONDITIONS {
        add(&kernel, name, Object::new(Dispatcher::notification(*signalled), Body::Event(Plain)));
    }
    if let Some((_, name)) = keyed::GLOBAL.rsplit_once('\\') {
        add(&kernel, name, keyed::new_object());
    }
}
