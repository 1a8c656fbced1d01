//! What the guest's names mean: folders of the host, files of the image, and folders that only hold those.

pub use shim_abi::fold;

use crate::guest::GuestPath;
use crate::image::{File, Image};
use shim_abi::stream::Identity;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Why a folder is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The policy grants it.
    Granted,
    /// Thrown away at the end.
    Scratch,
}

/// A folder of the host that the guest sees.
#[derive(Debug)]
pub struct Mount {
    /// Its number.
    pub number: usize,
    /// Where the guest sees it.
    pub guest: GuestPath,
    /// What it is on the host, for messages.
    pub host: PathBuf,
    /// The folder, opened for its path alone: everything below is looked up from it.
    pub root: OwnedFd,
    /// Number of the host's volume that it lies on.
    pub volume: u64,
    /// Whether it may be written.
    pub writable: bool,
    /// Why it is seen.
    pub kind: Kind,
    /// Whether devices lie below: then a thing is looked at before it is opened, as opening a device already does something.
    pub wary: bool,
}

/// A folder of the guest that is known beforehand.
#[derive(Debug, Clone)]
struct Node {
    /// The whole path, in the letter case to show: `C:/users`.
    shown: String,
    /// Its name.
    name: String,
    children: Vec<usize>,
    mount: Option<usize>,
}

/// Everything that has a name. What changes while the sandbox runs is made beside it and counts from then on: who looks something up is
/// held up by nobody, and what was found before stays.
#[derive(Clone)]
pub struct Names {
    mounts: Vec<Arc<Mount>>,
    nodes: Vec<Node>,
    drives: [Option<usize>; 26],
    image: Option<Arc<Image>>,
    /// Mounts that were made while the sandbox ran, each with its node and what it took the place of.
    shared: Vec<(usize, usize, Option<usize>)>,
    later: OnceLock<Box<Names>>,
}

/// Most folders that are shared while a sandbox runs, those that are so no more included.
const MOST_SHARED: usize = 256;

/// What a name means.
#[derive(Debug)]
pub enum Place<'n, 'p> {
    /// Something below a folder of the host, if it exists there.
    Host {
        /// The folder.
        mount: &'n Mount,
        /// The path below it, empty for the folder itself.
        rest: &'p str,
        /// Whether the guest has a folder there even if the host has none: one that leads to another mount.
        known: Option<Known>,
    },
    /// A file of the image.
    ImageFile(File<'n>),
    /// A folder of the image, or one that leads to mounts.
    Folder(Folder),
    /// Nothing; the image has the folder that it would lie in, or has not.
    ImageMissing {
        /// Whether the folder exists.
        folder: bool,
    },
    /// No grant covers the name.
    Uncovered {
        /// The first part of the path that is not seen.
        first: GuestPath,
        /// Whether more follows, or nothing of the drive is seen: no search through the folders above leads there.
        below: bool,
    },
}

/// A folder known beforehand, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known(usize);

/// A folder that is not the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path in the letter case to show: `C:/windows`.
    pub shown: String,
    /// As it is known beforehand, if it is.
    pub known: Option<Known>,
    /// Its path below `C:`, if the image has it.
    pub image: Option<String>,
}

impl Folder {
    /// Its identity: made from its path.
    pub fn identity(&self) -> Identity {
        Identity { volume: IMAGE_VOLUME, number: number(&self.shown) }
    }
}

/// Number of the volume of what lies on none of the host's.
pub const IMAGE_VOLUME: u64 = 0x5043_554c_0000_0001;

/// A number for a path, the same in every letter case, beyond the numbers of the image's files.
pub fn number(path: &str) -> u64 {
    let mix = |hash: u64, c: char| (hash ^ u64::from(fold::fold_char(c) as u32)).wrapping_mul(0x0000_0100_0000_01b3);
    path.chars().fold(0xcbf2_9ce4_8422_2325, mix) | 1 << 63
}

impl Names {
    /// Names with an image and nothing else.
    pub fn new(image: Option<Image>) -> Self {
        let (mounts, nodes, image) = (Vec::new(), Vec::new(), image.map(Arc::new));
        let (shared, later) = (Vec::new(), OnceLock::new());
        let mut names = Names { mounts, nodes, drives: [None; 26], image, shared, later };
        if let Ok(root) = GuestPath::parse("C:\\") {
            names.node(&root);
        }
        names
    }

    /// Adds a mount; one at a place where another is takes that place.
    pub fn mount(&mut self, guest: GuestPath, host: PathBuf, root: OwnedFd, volume: u64, writable: bool, kind: Kind) {
        let number = self.mounts.len();
        let at = self.node(&guest);
        if let Some(node) = self.nodes.get_mut(at) {
            node.mount = Some(number);
        }
        let devices = std::path::Path::new("/dev");
        let wary = kind == Kind::Granted && (devices.starts_with(&host) || host.starts_with(devices));
        self.mounts.push(Arc::new(Mount { number, guest, host, root, volume, writable, kind, wary }));
    }

    /// As everything is now.
    fn now(&self) -> &Names {
        let mut now = self;
        while let Some(later) = now.later.get() {
            now = later;
        }
        now
    }

    /// Changes it for all who look from now on. Called by one thread alone.
    fn change(&self, change: impl FnOnce(&mut Names) -> Option<()>) -> bool {
        let now = self.now();
        let mut next = Names { later: OnceLock::new(), ..now.clone() };
        change(&mut next).is_some() && now.later.set(Box::new(next)).is_ok()
    }

    /// Shares a folder while the sandbox runs; false if there were too many.
    pub fn share(&self, guest: GuestPath, host: PathBuf, root: OwnedFd, volume: u64, writable: bool) -> bool {
        self.change(|next| {
            let (at, number) = (next.node(&guest), next.mounts.len());
            let under = next.nodes.get(at)?.mount;
            next.shared.push((at, number, under));
            (number < MOST_SHARED).then(|| next.mount(guest, host, root, volume, writable, Kind::Granted))
        })
    }

    /// Ends that; false if no folder is shared there.
    pub fn unshare(&self, guest: &GuestPath) -> bool {
        self.change(|next| {
            let at = next.node(guest);
            let held = next.nodes.get(at)?.mount?;
            let (.., under) = next.shared.iter().copied().find(|(_, number, _)| *number == held)?;
            next.nodes.get_mut(at)?.mount = under;
            next.prune(guest.clone(), at);
            Some(())
        })
    }

    /// Takes away a node that leads nowhere, and those above it that led to it alone.
    fn prune(&mut self, mut path: GuestPath, mut at: usize) {
        while self.nodes.get(at).is_some_and(|node| node.mount.is_none() && node.children.is_empty()) {
            let Some((above, _)) = path.split() else {
                let slot = usize::from(path.drive().saturating_sub(b'A'));
                return self.drives.get_mut(slot).filter(|_| path.drive() != b'C').map_or((), |drive| *drive = None);
            };
            let parent = self.node(&above);
            if let Some(node) = self.nodes.get_mut(parent) {
                node.children.retain(|child| *child != at);
            }
            (path, at) = (above, parent);
        }
    }

    /// The mounts that are seen now.
    pub fn seen(&self) -> impl Iterator<Item = &Mount> {
        let now = self.now();
        let seen = |mount: &&Arc<Mount>| now.nodes.iter().any(|node| node.mount == Some(mount.number));
        now.mounts.iter().filter(seen).map(AsRef::as_ref)
    }

    /// The node at a path, made with all above it if need be.
    fn node(&mut self, path: &GuestPath) -> usize {
        let slot = usize::from(path.drive().saturating_sub(b'A')).min(25);
        let mut at = match self.drives[slot] {
            Some(at) => at,
            None => {
                let at = self.push(format!("{}:/", char::from(path.drive())), String::new());
                self.drives[slot] = Some(at);
                at
            }
        };
        for name in path.below().split('/').filter(|name| !name.is_empty()) {
            at = match self.child(at, name) {
                Some(child) => child,
                None => {
                    let slash = if self.nodes[at].shown.ends_with('/') { "" } else { "/" };
                    let child = self.push(format!("{}{slash}{name}", self.nodes[at].shown), name.to_owned());
                    self.nodes[at].children.push(child);
                    child
                }
            };
        }
        at
    }

    fn push(&mut self, shown: String, name: String) -> usize {
        self.nodes.push(Node { shown, name, children: Vec::new(), mount: None });
        self.nodes.len() - 1
    }

    fn child(&self, at: usize, name: &str) -> Option<usize> {
        let children = &self.nodes.get(at)?.children;
        children.iter().copied().find(|child| self.nodes.get(*child).is_some_and(|node| fold::same(&node.name, name)))
    }

    /// Every mount.
    pub fn mounts(&self) -> &[Arc<Mount>] {
        &self.now().mounts
    }

    /// The image.
    pub fn image(&self) -> Option<&Image> {
        self.image.as_deref()
    }

    /// Finds what a path means.
    pub fn find<'n, 'p>(&'n self, drive: u8, path: &'p str) -> Place<'n, 'p> {
        self.now().find_now(drive, path)
    }

    /// Whether a mount covers a path on drive C.
    pub fn is_mounted(&self, path: &str) -> bool {
        let now = self.now();
        now.drives[2].is_some_and(|root| now.walk(root, path).2.is_some())
    }

    /// The last known folder on the way from a drive's to a path, how much of the path that is, and the last mount with what leads to it.
    fn walk(&self, mut at: usize, path: &str) -> (usize, usize, Option<(usize, usize)>) {
        let mut mount = self.nodes.get(at).and_then(|node| node.mount).map(|mount| (mount, 0));
        let mut done = 0;
        while done < path.len() {
            let rest = &path[done..];
            let name = rest.split('/').next().unwrap_or(rest);
            let Some(child) = self.child(at, name) else { break };
            at = child;
            done = (done + name.len() + 1).min(path.len());
            if let Some(number) = self.nodes.get(at).and_then(|node| node.mount) {
                mount = Some((number, done));
            }
        }
        (at, done, mount)
    }

    fn find_now<'n, 'p>(&'n self, drive: u8, path: &'p str) -> Place<'n, 'p> {
        let letter = char::from(drive);
        let root = self.drives.get(usize::from(drive.wrapping_sub(b'A'))).copied().flatten();
        let Some(root) = root else { return uncovered(letter, "", path, true) };
        let (at, done, mount) = self.walk(root, path);
        let known = (done == path.len()).then_some(Known(at));
        if let Some((mount, from)) = mount.and_then(|(number, from)| Some((self.mounts.get(number)?, from))) {
            return Place::Host { mount, rest: &path[from..], known };
        }
        let image = self.image().filter(|_| drive == b'C');
        if let Some(known) = known {
            let folder = image.and_then(|image| if path.is_empty() { Some(String::new()) } else { image.folder(path) });
            return Place::Folder(Folder { shown: self.shown(known).to_owned(), known: Some(known), image: folder });
        }
        if let Some(image) = image {
            if let Some(file) = image.find(path) {
                return Place::ImageFile(file);
            }
            if let Some(folder) = image.folder(path) {
                let shown = format!("C:/{folder}");
                return Place::Folder(Folder { shown, known: None, image: Some(folder) });
            }
            // The deepest folder on the way that exists.
            let mut above = path;
            while let Some((folder, _)) = above.rsplit_once('/') {
                above = folder;
                if above.len() <= done || image.folder(above).is_some() {
                    break;
                }
            }
            let exists = above.len() < path.len() && (above.len() <= done || image.folder(above).is_some());
            let above = if exists { above } else { "" };
            // Below the image's own folders a name is missing; beside them, where a user's would lie, it is not seen.
            if !above.is_empty() && !fold::same(above, "users") {
                let folder = !path[above.len() + 1..].contains('/');
                return Place::ImageMissing { folder };
            }
            return uncovered(letter, above, path[above.len()..].trim_start_matches('/'), false);
        }
        uncovered(letter, &path[..done], &path[done..], false)
    }

    /// A known folder's path in the letter case to show.
    pub fn shown(&self, known: Known) -> &str {
        self.now().nodes.get(known.0).map_or("", |node| &node.shown)
    }

    /// The folders known beforehand in a known folder: names, and mounts that lie there.
    pub fn children(&self, known: Known) -> impl Iterator<Item = (&str, Option<&Mount>, Known)> {
        let now = self.now();
        let children = now.nodes.get(known.0).map_or(&[][..], |node| &node.children);
        children.iter().filter_map(|child| {
            let node = now.nodes.get(*child)?;
            let mount = node.mount.and_then(|mount| now.mounts.get(mount)).map(AsRef::as_ref);
            Some((node.name.as_str(), mount, Known(*child)))
        })
    }

    /// Whether a known folder, or one below it, is there for a mount.
    pub fn leads_on(&self, known: Known) -> bool {
        self.now().nodes.get(known.0).is_some_and(|node| node.mount.is_some() || !node.children.is_empty())
    }
}

fn uncovered<'n, 'p>(letter: char, known: &str, rest: &str, drive: bool) -> Place<'n, 'p> {
    let (first, below) = rest.split_once('/').map_or((rest, drive), |(first, _)| (first, true));
    let slash = if known.is_empty() || known.ends_with('/') { "" } else { "/" };
    match GuestPath::parse(&format!("{letter}:/{known}{slash}{first}")) {
        Ok(first) => Place::Uncovered { first, below },
        Err(_) => Place::ImageMissing { folder: false },
    }
}

#[cfg(test)]
#[path = "../tests/unit/names.rs"]
mod tests;
