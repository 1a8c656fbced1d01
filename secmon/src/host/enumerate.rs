//! Lists folders, and tells the space of volumes.

use super::{Attributes, Host, attributes, error, info, kind};
use crate::locate::{beneath, for_each_name, join, open_beneath};
use crate::names::Mount;
use crate::sys;
use nix::dir::Type;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::fstatvfs;
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Info, Kind, Volume};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

/// Of so many entries of a folder attributes are remembered: of more, not for long enough to be of use.
const MANY: usize = 8192;

thread_local! {
    /// Whether this thread has a current folder of its own, so that it may go into one and use bare names there.
    static OWN_FOLDER: bool = unshare(CloneFlags::CLONE_FS).is_ok();
}

impl Host {
    /// Lists a folder below a mount: every file and folder that can be opened, in no order; what is known of each unless `only_names`.
    ///
    /// # Errors
    /// [`Error::NotDirectory`], [`Error::NotFound`], [`Error::PathNotFound`], and what the host refuses.
    pub fn enumerate(
        &self,
        mount: &Mount,
        path: &str,
        only_names: bool,
        mut each: impl FnMut(&str, Option<&Info>),
    ) -> Result {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK;
        let (folder, real) = self.cache.open(mount, path, flags)?;
        let of = sys::statx(&folder, c"").map_err(error)?;
        self.check_volume(mount.volume, &folder, &of)?;
        let here = OWN_FOLDER.with(|own| *own) && nix::unistd::fchdir(&folder).is_ok();
        let mut looked = 0;
        let listed = for_each_name(&folder, |name, entry| {
            if only_names && matches!(entry.file_type(), Some(Type::File | Type::Directory)) {
                return each(name, None);
            }
            let c_name = entry.file_name();
            let Ok(of) = sys::statx(&folder, c_name) else { return };
            looked += 1;
            let known = match u32::from(of.stx_mode) & libc::S_IFMT {
                libc::S_IFLNK => self.behind_link(mount, &join(&real, name)),
                _ => kind(&of).map(|kind| {
                    let kept = self.attributes_here(&folder, c_name, &of, here, looked < MANY);
                    info(&of, kind, &kept, mount.writable)
                }),
            };
            match known {
                Ok(info) => each(name, Some(&info)),
                Err(refused) => tracing::debug!("not listed: {name}: {refused}"),
            }
        });
        if here {
            let _ = nix::unistd::chdir("/");
        }
        listed
    }

    /// What a link leads to, if that lies below the mount.
    fn behind_link(&self, mount: &Mount, path: &str) -> Result<Info> {
        let fd = open_beneath(&mount.root, path, beneath(OFlag::O_PATH)).map_err(error)?;
        let of = sys::statx(&fd, c"").map_err(error)?;
        let kind = kind(&of)?;
        self.check_volume(mount.volume, &fd, &of)?;
        Ok(info(&of, kind, &self.attributes_of_path(&fd, &of), mount.writable))
    }

    fn attributes_here(
        &self,
        folder: &OwnedFd,
        name: &CStr,
        of: &sys::Statx,
        here: bool,
        remember: bool,
    ) -> Attributes {
        let mut buffer = [0; attributes::LONGEST];
        self.read_attributes(of, remember, || {
            if here {
                return sys::get_attribute_at(name, false, attributes::NAME, &mut buffer);
            }
            let file = name.to_str().map_err(|_| Errno::EILSEQ)?;
            let fd = open_beneath(folder, file, beneath(OFlag::O_RDONLY | OFlag::O_NONBLOCK))?;
            sys::get_attribute(&fd, attributes::NAME, &mut buffer)
        })
    }

    /// What is known of a mount's own folder.
    pub fn root(&self, mount: &Mount) -> Result<Info> {
        let of = sys::statx(&mount.root, c"").map_err(error)?;
        Ok(info(&of, Kind::Directory, &self.attributes_of_path(&mount.root, &of), mount.writable))
    }
}

/// Space on the volume that a thing lies on.
pub fn space(thing: impl AsFd, serial: u64, writable: bool) -> Result<Volume> {
    let of = fstatvfs(thing).map_err(error)?;
    let bytes = |blocks: u64| blocks.saturating_mul(of.fragment_size());
    if of.fragment_size() == 0 {
        return Err(Error::Unsupported);
    }
    Ok(Volume { total: bytes(of.blocks()), free: bytes(of.blocks_available()), serial, writable })
}
