//! Watches folders: inotify, told to the guest as datagrams.

use crate::host::kind;
use crate::locate::{FOLDER, beneath, join, open_beneath};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::ResolveFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use shim_abi::calls::Change;
use shim_abi::error::{Error, Result};
use shim_abi::stream::Kind;
use shim_abi::wire::encode;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most watches at a time.
const MOST: usize = 64;
/// Most folders that one watch covers.
const MOST_FOLDERS: usize = 8192;

const LOST: u32 = 0;
const ADDED: u32 = 1;
const REMOVED: u32 = 2;
const MODIFIED: u32 = 3;
const OLD_NAME: u32 = 4;
const NEW_NAME: u32 = 5;

/// Counts the watches that are open.
#[derive(Debug, Default)]
pub struct Watches {
    open: Arc<AtomicUsize>,
}

impl Watches {
    /// Counts one in, for as long as what is answered lives.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`].
    pub fn count(&self) -> Result<Counted> {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(self.open.clone());
        if before < MOST { Ok(counted) } else { Err(Error::TooManyOpen) }
    }

    /// Watches a folder. The guest reads changes from the descriptor, and ends the watch by closing it.
    ///
    /// # Errors
    /// [`Error::TooManyOpen`], and what the host refuses.
    pub fn add(&self, folder: OwnedFd, recursive: bool) -> Result<OwnedFd> {
        let open = self.count()?;
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).map_err(crate::host::error)?;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map_err(crate::host::error)?;
        let mut watch = Watch { root: folder, recursive, inotify, paths: HashMap::new(), to: ours, lost: false };
        watch.cover("", false)?;
        let body = move || {
            let _open = open;
            watch.serve();
        };
        std::thread::Builder::new()
            .name("watch".into())
            .stack_size(128 * 1024)
            .spawn(body)
            .map_err(|_| Error::OutOfMemory)?;
        Ok(theirs)
    }
}

/// Counts down when a watch ends.
pub struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Watch {
    root: OwnedFd,
    recursive: bool,
    inotify: Inotify,
    paths: HashMap<WatchDescriptor, String>,
    to: OwnedFd,
    /// Whether changes were lost because the guest did not read.
    lost: bool,
}

const CHANGES: AddWatchFlags = AddWatchFlags::from_bits_truncate(
    libc::IN_CREATE | libc::IN_DELETE | libc::IN_MODIFY | libc::IN_ATTRIB | libc::IN_MOVE | libc::IN_ONLYDIR,
);

impl Watch {
    /// Covers a folder, and those below it if the watch is recursive; `tell` reports what is found in them as added.
    fn cover(&mut self, path: &str, tell: bool) -> Result {
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            let how = beneath(FOLDER).resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
            let folder = match open_beneath(&self.root, &path, how) {
                Ok(folder) => folder,
                Err(_) if !path.is_empty() => continue,
                Err(errno) => return Err(crate::host::error(errno)),
            };
            if self.paths.len() >= MOST_FOLDERS {
                tracing::warn!("a watch covers {MOST_FOLDERS} folders and no more");
                return Ok(());
            }
            // inotify takes paths only; this one leads to the folder that is open.
            match self.inotify.add_watch(sys::link(&folder).as_str(), CHANGES) {
                Ok(watch) => drop(self.paths.insert(watch, path.clone())),
                Err(errno) if path.is_empty() => return Err(crate::host::error(errno)),
                Err(errno) => tracing::warn!("cannot watch a folder: {errno}"),
            }
            if !self.recursive {
                return Ok(());
            }
            let mut found = Vec::new();
            let _ = crate::locate::for_each_name(&folder, |name, entry| {
                let is_folder = sys::statx(&folder, entry.file_name()).is_ok_and(|of| kind(&of) == Ok(Kind::Directory));
                found.push((join(&path, name), is_folder));
            });
            for (path, is_folder) in found {
                if tell {
                    self.tell(ADDED, path.clone());
                }
                if is_folder {
                    open.push(path);
                }
            }
        }
        Ok(())
    }

    /// Forgets a folder that went elsewhere, and all below it.
    fn uncover(&mut self, path: &str) {
        let gone: Vec<WatchDescriptor> = self
            .paths
            .iter()
            .filter(|(_, known)| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            .map(|(watch, _)| *watch)
            .collect();
        for watch in gone {
            let _ = self.inotify.rm_watch(watch);
            self.paths.remove(&watch);
        }
    }

    /// A folder and all below it has another path now; what watches it stays.
    fn moved(&mut self, from: &str, to: Option<&InotifyEvent>) {
        let to = to.and_then(|to| Some(join(self.paths.get(&to.wd)?, to.name.as_ref()?.to_str()?)));
        let Some(to) = to else { return self.uncover(from) };
        for path in self.paths.values_mut() {
            let rest = path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = rest {
                *path = format!("{to}{rest}");
            }
        }
    }

    /// Tells the guest, if it has room; else that changes were lost, once it has.
    fn tell(&mut self, action: u32, path: String) {
        if self.lost && self.send(&Change { action: LOST, path: String::new() }) {
            self.lost = false;
        }
        if self.lost || !self.send(&Change { action, path }) {
            self.lost = true;
        }
    }

    fn send(&self, change: &Change) -> bool {
        sys::send_now(&self.to, &encode(change))
    }

    fn serve(mut self) {
        loop {
            let mut fds =
                [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN), PollFd::new(self.to.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
            // The guest closed its end, or sent something, which it never needs to.
            if fds[1].revents().is_some_and(|events| !events.is_empty()) {
                return;
            }
            match self.inotify.read_events() {
                Ok(events) => self.translate(&events),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }

    fn translate(&mut self, events: &[InotifyEvent]) {
        for (index, event) in events.iter().enumerate() {
            if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                self.lost = true;
                continue;
            }
            if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                self.paths.remove(&event.wd);
                continue;
            }
            let Some(folder) = self.paths.get(&event.wd) else { continue };
            let Some(name) = event.name.as_ref().and_then(|name| name.to_str()) else { continue };
            if shim_abi::uri::check_component(name).is_err() {
                continue;
            }
            let path = join(folder, name);
            let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
            // The two halves of a rename follow each other and share a cookie; a half alone came or went.
            let half = |other: Option<&InotifyEvent>, flag| {
                other.is_some_and(|other| other.cookie == event.cookie && other.mask.contains(flag))
            };
            let before = index.checked_sub(1).and_then(|before| events.get(before));
            let action = if event.mask.contains(AddWatchFlags::IN_CREATE) {
                ADDED
            } else if event.mask.contains(AddWatchFlags::IN_DELETE) {
                REMOVED
            } else if event.mask.contains(AddWatchFlags::IN_MOVED_FROM) {
                if half(events.get(index + 1), AddWatchFlags::IN_MOVED_TO) { OLD_NAME } else { REMOVED }
            } else if event.mask.contains(AddWatchFlags::IN_MOVED_TO) {
                if half(before, AddWatchFlags::IN_MOVED_FROM) { NEW_NAME } else { ADDED }
            } else {
                MODIFIED
            };
            self.tell(action, path.clone());
            if self.recursive && is_folder {
                match action {
                    OLD_NAME => self.moved(&path, events.get(index + 1)),
                    REMOVED => self.uncover(&path),
                    ADDED => drop(self.cover(&path, true)),
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/watch.rs"]
mod tests;
