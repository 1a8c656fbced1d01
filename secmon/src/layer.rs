//! A layer that outlives its sandbox, as the monitor has it: a folder that `portcullis-manage` opened, checked and locked. The
//! format is described there, in `layer`.

use crate::locate::{FOLDER, beneath, for_each_name, join, open_beneath};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};
use shim_abi::error::Error;
use std::collections::HashSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::{fs, io};

/// A layer.
#[derive(Debug)]
pub struct Layer {
    /// Its folder.
    pub root: OwnedFd,
    /// The folder in it that is drive C, or another one on the same mount.
    pub drive: OwnedFd,
    /// Names that are deleted of what lies below it, folded.
    pub gone: HashSet<String>,
}

impl Layer {
    /// The layer whose folder the descriptor of a number means, which stays open as long as this process; `NUMBER:NUMBER` names that
    /// of its drive too.
    pub fn at(numbers: &str) -> io::Result<Self> {
        let open = |number: &str| fs::File::open(format!("/proc/self/fd/{number}")).map(OwnedFd::from);
        let (root, drive) = numbers.split_once(':').unwrap_or((numbers, ""));
        let gone = gone(format!("/proc/self/fd/{root}").as_ref())?;
        let root = open(root)?;
        let drive = match drive {
            "" => open_beneath(&root, "drive", beneath(FOLDER))?,
            number => open(number)?,
        };
        Ok(Layer { root, drive, gone })
    }

    /// Whether it has the folders of a fresh profile.
    pub fn is_filled(&self) -> bool {
        sys::statx(&self.root, c"filled").is_ok()
    }
}

/// A new file without a name.
pub fn new_file(root: impl AsFd) -> Result<OwnedFd, Errno> {
    open_beneath(root, "", beneath(OFlag::O_TMPFILE | OFlag::O_RDWR).mode(Mode::from_bits_truncate(0o600)))
}

/// Makes a folder, unless there is one.
pub fn make_folder(root: impl AsFd, path: &str) -> Result<(), Errno> {
    match mkdirat(root, path, Mode::from_bits_truncate(0o700)) {
        Err(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// Bytes that all below a folder takes on the disk, however deep it lies.
pub fn size(root: &OwnedFd) -> u64 {
    let (mut size, mut left) = (0u64, vec![String::new()]);
    while let Some(path) = left.pop() {
        let Ok(folder) = open_beneath(root, &path, beneath(FOLDER)) else { continue };
        let _ = for_each_name(&folder, |name, entry| {
            let Ok(of) = sys::statx(&folder, entry.file_name()) else { return };
            size = size.saturating_add(of.stx_blocks.saturating_mul(512));
            if u32::from(of.stx_mode) & libc::S_IFMT == libc::S_IFDIR {
                left.push(join(&path, name));
            }
        });
    }
    size
}

/// The names that are deleted of what lies below a layer.
pub fn gone(folder: &Path) -> io::Result<HashSet<String>> {
    let mut gone = HashSet::new();
    for entry in fs::read_dir(folder.join("gone")).into_iter().flatten() {
        let target = fs::read_link(entry?.path());
        gone.extend(target.ok().and_then(|path| path.into_os_string().into_string().ok()));
    }
    Ok(gone)
}

/// The name in `gone` of a folded path, if `number` others have its hash.
fn mark(folded: &str, number: u64) -> String {
    format!("gone/{:016x}", crate::names::number(folded).wrapping_add(number))
}

/// Notes that a name is deleted of what lies below, or not any more.
pub fn set_gone(root: impl AsFd, folded: &str, gone: bool) -> Result<(), Error> {
    for number in 0.. {
        let mark = mark(folded, number);
        let there = readlinkat(root.as_fd(), mark.as_str());
        let done = match there {
            Err(Errno::ENOENT) if gone => symlinkat(folded, root.as_fd(), mark.as_str()),
            Err(Errno::ENOENT) => Ok(()),
            Ok(other) if other != folded => continue,
            Ok(_) if gone => Ok(()),
            Ok(_) => unlinkat(root.as_fd(), mark.as_str(), UnlinkatFlags::NoRemoveDir),
            Err(errno) => Err(errno),
        };
        return done.map_err(crate::host::error);
    }
    Ok(())
}

/// Copies what is kept beside a file or folder: attributes of users', and times.
pub fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    for name in sys::attributes(from)? {
        let mut value = vec![0; 0x1_0000];
        let value = sys::get_attribute(from, &name, &mut value)?;
        sys::set_attribute(to, &name, Some(value))?;
    }
    Ok(())
}
