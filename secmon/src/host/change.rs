//! Deletes and renames.

use super::{Host, error, identity, kind};
use crate::locate::Located;
use crate::names::Mount;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, RenameFlags, renameat, renameat2};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};
use shim_abi::error::{Error, Result};
use shim_abi::stream::{Identity, Kind};

impl Host {
    /// A name that exists and still means what the caller opened.
    fn located(&self, mount: &Mount, path: &str, expected: &Identity) -> Result<(Located, bool)> {
        if !mount.writable {
            return Err(Error::ReadOnly);
        }
        if path.is_empty() {
            // The mount's own folder.
            return Err(Error::Busy);
        }
        let located = self.cache.locate(mount, path)?;
        if !located.exists {
            return Err(Error::NotFound);
        }
        let (meaning, own) = self.meaning(mount, &located)?;
        if meaning != *expected { Err(Error::Stale) } else { Ok((located, kind(&own) == Ok(Kind::Directory))) }
    }

    /// Deletes a name.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Stale`], [`Error::NotEmpty`], [`Error::Busy`] for the mount itself, and what the host
    /// refuses.
    pub fn delete(&self, mount: &Mount, path: &str, expected: Identity) -> Result {
        let (located, folder) = self.located(mount, path, &expected)?;
        let flag = if folder { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
        unlinkat(&located.folder, located.name.as_str(), flag).map_err(|errno| match errno {
            Errno::EEXIST => Error::NotEmpty,
            errno => error(errno),
        })?;
        self.cache.changed(mount, &located.folder, &located.path, Some(&located.name), None);
        Ok(())
    }

    /// Gives something another name, or a further one; the new path below the target's mount.
    ///
    /// # Errors
    /// As [`Host::delete`]; [`Error::Exists`] if the name is taken and not to be replaced, [`Error::IsDirectory`] if a folder
    /// would be replaced, [`Error::CrossDevice`].
    pub fn rename(
        &self,
        from: (&Mount, &str),
        expected: Identity,
        to: (&Mount, &str),
        replace: bool,
        link: bool,
    ) -> Result<String> {
        let (source, folder) = self.located(from.0, from.1, &expected)?;
        if !to.0.writable {
            return Err(Error::ReadOnly);
        }
        if to.1.is_empty() {
            return Err(Error::Exists);
        }
        let target = self.cache.locate(to.0, to.1)?;
        let wanted = to.1.rsplit('/').next().unwrap_or(to.1);
        let mut occupied = target.exists;
        let mut twin = false;
        if target.exists {
            let (same, own) = match self.meaning(to.0, &target) {
                Ok((meaning, own)) => (meaning == expected, kind(&own) == Ok(Kind::Directory)),
                // A link to nothing is in the way like any file.
                Err(Error::NotFound) => (false, false),
                Err(error) => return Err(error),
            };
            let itself = same && source.name == target.name && same_folder(&source, &target)?;
            if itself && !link {
                // Its own name, perhaps in another letter case.
                if target.name == wanted {
                    return Ok(target.whole());
                }
                occupied = false;
            } else if !replace {
                return Err(Error::Exists);
            } else if own {
                return Err(Error::IsDirectory);
            } else if same && link {
                return Ok(target.whole());
            }
            twin = same && !itself;
        }
        if twin {
            // Two names of one file: the kernel would keep both.
            unlinkat(&source.folder, source.name.as_str(), UnlinkatFlags::NoRemoveDir).map_err(error)?;
            self.cache.changed(from.0, &source.folder, &source.path, Some(&source.name), None);
            return Ok(target.whole());
        }
        if link {
            if folder {
                return Err(Error::IsDirectory);
            }
            self.link(&source, &target, occupied)?;
        } else {
            self.put(&source, &target, occupied, wanted)?;
            self.cache.changed(from.0, &source.folder, &source.path, Some(&source.name), None);
        }
        let name = if link && occupied { target.name.as_str() } else { wanted };
        self.cache.changed(to.0, &target.folder, &target.path, occupied.then_some(target.name.as_str()), Some(name));
        Ok(crate::locate::join(&target.path, name))
    }

    /// Moves a name onto another, replacing what is there in one step if it is to be replaced.
    fn put(&self, source: &Located, target: &Located, occupied: bool, wanted: &str) -> Result {
        let (from, name) = (source.name.as_str(), target.name.as_str());
        if occupied {
            renameat(&source.folder, from, &target.folder, name).map_err(rename_error)?;
            if name != wanted {
                // What it replaced was written in another letter case; now take the one asked for.
                renameat2(&target.folder, name, &target.folder, wanted, RenameFlags::RENAME_NOREPLACE)
                    .map_err(rename_error)?;
            }
            return Ok(());
        }
        match renameat2(&source.folder, from, &target.folder, wanted, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EINVAL) => {
                // Either a folder into itself, which fails again, or a file system without the flag.
                renameat(&source.folder, from, &target.folder, wanted).map_err(rename_error)
            }
            other => other.map_err(rename_error),
        }
    }

    fn link(&self, source: &Located, target: &Located, occupied: bool) -> Result {
        let (from, name) = (source.name.as_str(), target.name.as_str());
        let none = AtFlags::empty();
        if !occupied {
            return linkat(&source.folder, from, &target.folder, name, none).map_err(rename_error);
        }
        // A link cannot replace: make it beside, and move it there.
        let beside = format!(".portcullis-{}-{:p}", std::process::id(), target);
        linkat(&source.folder, from, &target.folder, beside.as_str(), none).map_err(rename_error)?;
        renameat(&target.folder, beside.as_str(), &target.folder, name).map_err(|errno| {
            let _ = unlinkat(&target.folder, beside.as_str(), UnlinkatFlags::NoRemoveDir);
            rename_error(errno)
        })
    }
}

/// Whether two names lie in one folder of the host, whichever mounts they were found through.
fn same_folder(a: &Located, b: &Located) -> Result<bool> {
    let of = |located: &Located| sys::statx(&located.folder, c"").map(|of| identity(&of)).map_err(error);
    Ok(of(a)? == of(b)?)
}

fn rename_error(errno: Errno) -> Error {
    match errno {
        Errno::EXDEV => Error::CrossDevice,
        Errno::EEXIST | Errno::ENOTEMPTY => Error::Exists,
        errno => error(errno),
    }
}

#[cfg(test)]
#[path = "../../tests/unit/host_change.rs"]
mod tests;
