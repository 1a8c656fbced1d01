//! stream_open_several: files of one folder, opened before the guest asks for them, and what tells it that they may be others
//! by the time it does.
//!
//! Every folder on the way is watched before the next one is looked up in it, and the last one before its files are opened.
//! The kernel queues an event before the call that made the change returns to who made it: who finds the queue empty has files
//! that the names still mean. The guest gets an epoll instance of that queue, which says whether it is empty and not what is in
//! it: a folder that was moved out of a grant tells no names.

use super::Broker;
use crate::host::error;
use crate::locate::{FOLDER, beneath, open_beneath};
use crate::names::{Kind, Mount, Place};
use crate::sys::{self, lock};
use crate::watch::Counted;
use nix::fcntl::ResolveFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::statfs::fstatfs;
use shim_abi::MAX_SEVERAL;
use shim_abi::calls::{OpenedSeveral, StreamOpenSeveral};
use shim_abi::error::{Error, Result};
use shim_abi::uri;
use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

/// File systems that tell of every change; where a server holds the files, others change them unseen.
const TELLING: &[i64] = &[
    0xef53,      // ext2, 3 and 4
    0x5846_5342, // xfs
    0x9123_683e, // btrfs
    0xf2f5_2010, // f2fs
    0x0102_1994, // tmpfs
    0x794c_7630, // overlayfs
];

/// Most folders watched at a time for one picoprocess.
const MOST: usize = 256;
/// Most of them that are kept open.
const MOST_OPEN: usize = 8;

/// The changes that may give a name another meaning, and those of who may read what it means.
const CHANGES: AddWatchFlags = AddWatchFlags::from_bits_truncate(
    libc::IN_ONLYDIR | libc::IN_ATTRIB | libc::IN_DELETE | libc::IN_DELETE_SELF | libc::IN_MOVE | libc::IN_MOVE_SELF,
);

/// What is watched for one picoprocess.
pub struct Changes {
    inotify: Inotify,
    watched: HashSet<WatchDescriptor>,
    /// Folders that are watched with all above them: number of the mount, path, and the folder, opened for its path.
    folders: VecDeque<(usize, String, OwnedFd)>,
    _open: Counted,
}

impl Changes {
    /// A folder, opened for its path and watched.
    fn folder(&mut self, mount: &Mount, path: &str) -> Result<&OwnedFd> {
        // Nobody takes events from the queue: while it is empty every path leads where it led when it was first watched.
        let mut queue = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
        if poll(&mut queue, PollTimeout::ZERO) != Ok(0) {
            self.folders.clear();
        }
        let known = self.folders.iter().position(|(number, known, _)| *number == mount.number && known == path);
        if known.is_none() {
            let folder = self.cover(mount, path)?;
            self.folders.truncate(MOST_OPEN - 1);
            self.folders.push_front((mount.number, path.to_owned(), folder));
        }
        self.folders.get(known.unwrap_or(0)).map(|(.., folder)| folder).ok_or(Error::NotFound)
    }

    /// Watches nothing any more. The guest is told of each that ends, and drops what it has.
    fn forget(&mut self) {
        for watch in self.watched.drain() {
            let _ = self.inotify.rm_watch(watch);
        }
    }

    /// Opens a folder for its path, and watches it and all above it as far as the mount's own.
    fn cover(&mut self, mount: &Mount, path: &str) -> Result<OwnedFd> {
        if self.watched.len() >= MOST {
            self.forget();
        }
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
        let open = |above: &OwnedFd, name| open_beneath(above, name, beneath(FOLDER).resolve(resolve)).map_err(error);
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let mut folder = open(&mount.root, "")?;
        loop {
            // inotify takes paths only; this one leads to the folder that is open.
            self.watched.insert(self.inotify.add_watch(sys::link(&folder).as_str(), CHANGES).map_err(error)?);
            let Some(name) = names.next() else { break };
            folder = open(&folder, name)?;
        }
        let kind = fstatfs(&folder).map_err(error)?.filesystem_type().0 as i64 & 0xffff_ffff;
        if TELLING.contains(&kind) { Ok(folder) } else { Err(Error::Unsupported) }
    }
}

/// Where a picoprocess's are kept.
pub type Slot = Mutex<Option<Changes>>;

/// Names may mean something else from now on, whatever the host's kernel knows of.
pub fn changed(slot: &Slot) {
    if let Some(changes) = lock(slot).as_mut() {
        changes.forget();
    }
}

impl Broker {
    /// stream_open_several: the answer, and the descriptors that go with it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many names, or if changes were never asked for; [`Error::Unsupported`] where the host does
    /// not tell of changes, or the folder is none of its own; [`Error::TooManyOpen`], and as for opening the folder.
    pub fn stream_open_several(&self, slot: &Slot, call: &StreamOpenSeveral) -> Result<(OpenedSeveral, Vec<OwnedFd>)> {
        if call.names.len() > MAX_SEVERAL {
            return Err(Error::Invalid);
        }
        call.names.iter().try_for_each(|name| uri::check_component(name))?;
        let Place::Host { mount, rest, known } = self.place(&call.uri)? else { return Err(Error::Unsupported) };
        // Names that lead to other mounts, devices, and folders in layers are for the ordinary way.
        let leads_on = known.is_some_and(|known| self.names.children(known).next().is_some());
        if mount.kind != Kind::Granted || mount.wary || leads_on {
            return Err(Error::Unsupported);
        }
        let mut slot = lock(slot);
        let mut descriptors = Vec::with_capacity(call.names.len() + 1);
        if call.changes {
            // The one before is closed first: it counts.
            drop(slot.take());
            let open = self.watches.count()?;
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(error)?;
            let queue = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(error)?;
            queue.add(&inotify, EpollEvent::new(EpollFlags::EPOLLIN, 0)).map_err(error)?;
            descriptors.push(queue.0);
            *slot = Some(Changes { inotify, watched: HashSet::new(), folders: VecDeque::new(), _open: open });
        }
        let folder = slot.as_mut().ok_or(Error::Invalid)?.folder(mount, rest)?;
        let mut open = |name: &String| {
            let (fd, info) = self.host.open_in(mount, folder, name).ok()?;
            descriptors.push(fd);
            Some(info)
        };
        let files = call.names.iter().map(&mut open).collect();
        Ok((OpenedSeveral { files }, descriptors))
    }
}

#[cfg(test)]
#[path = "../../tests/unit/broker_several.rs"]
mod tests;
