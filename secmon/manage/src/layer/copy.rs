//! Copies of what lies in layers: sealed ones, and files for the host.

use super::{Layer, LayerError, folder, place, write_format};
use anyhow::{Context as _, bail};
use nix::fcntl::OFlag;
use secmon::layer::copy_attributes;
use secmon::locate::{beneath, open_beneath};
use shim_abi::fold;
use shim_abi::registry::{Delta, frame, read};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// How a folder begins that is being made or removed.
const UNFINISHED: &str = ".unfinished-";

/// Copies a file with its attributes, times and mode.
fn copy_file(from: &Path, to: &Path, overwrite: bool) -> io::Result<()> {
    let mut source = File::open(from)?;
    let meta = source.metadata()?;
    let mut target = File::options().write(true).create(true).create_new(!overwrite).truncate(true).open(to)?;
    io::copy(&mut source, &mut target)?;
    let (source, target) = (OwnedFd::from(source), OwnedFd::from(target));
    match copy_attributes(&source, &target) {
        // The host's folder may lie where there are none.
        Ok(()) | Err(nix::errno::Errno::EOPNOTSUPP) => {}
        Err(errno) => return Err(errno.into()),
    }
    let target = File::from(target);
    target.set_times(FileTimes::new().set_modified(meta.modified()?).set_accessed(meta.accessed()?))?;
    target.set_permissions(meta.permissions())?;
    target.sync_data()
}

/// A folder below another, open: its path may be longer than Linux takes, and nothing is followed out.
fn below(root: &File, path: &str) -> io::Result<File> {
    Ok(open_beneath(root, path, beneath(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?.into())
}

/// What a name in an open folder is called for as long as it is open.
fn in_folder(folder: &File, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name)
}

/// The names in a folder that is open.
fn names(folder: &File) -> io::Result<Vec<OsString>> {
    fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?.map(|entry| Ok(entry?.file_name())).collect()
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
}

/// Copies a folder with all in it; what is neither file nor folder is left out, links too. Folders are gone through one after the other, however
/// deep they lie.
fn copy_tree(from: &Path, to: &Path, overwrite: bool, links: bool) -> anyhow::Result<()> {
    let said = |below: &str| format!("{} to {}", from.join(below).display(), to.join(below).display());
    if !copy_entry(from, to, overwrite, links).with_context(|| said(""))? {
        return Ok(());
    }
    let (source, target) = (File::open(from).with_context(|| said(""))?, File::open(to).with_context(|| said(""))?);
    let (mut left, mut made) = (vec![String::new()], Vec::new());
    while let Some(path) = left.pop() {
        let fill = || -> io::Result<Vec<String>> {
            let (from, to) = (below(&source, &path)?, below(&target, &path)?);
            let mut folders = Vec::new();
            for name in names(&from)? {
                // What is no text is none of a guest's.
                let Some(text) = name.to_str() else { continue };
                if copy_entry(&in_folder(&from, &name), &in_folder(&to, &name), overwrite, links)? {
                    folders.push(join(&path, text));
                }
            }
            Ok(folders)
        };
        left.extend(fill().with_context(|| said(&path))?);
        made.push(path);
    }
    // When nothing more is made in them.
    for path in made {
        let times = || -> io::Result<()> {
            let (meta, to) = (below(&source, &path)?.metadata()?, below(&target, &path)?);
            to.set_times(FileTimes::new().set_modified(meta.modified()?).set_accessed(meta.accessed()?))
        };
        times().with_context(|| said(&path))?;
    }
    Ok(())
}

/// Copies what a path names, of a folder only itself; whether it is one.
fn copy_entry(from: &Path, to: &Path, overwrite: bool, links: bool) -> io::Result<bool> {
    let meta = fs::symlink_metadata(from)?;
    if meta.is_file() {
        return copy_file(from, to, overwrite).map(|()| false);
    }
    if meta.is_symlink() && links {
        return symlink(fs::read_link(from)?, to).map(|()| false);
    }
    if !meta.is_dir() {
        return Ok(false);
    }
    match fs::DirBuilder::new().mode(0o700).create(to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::symlink_metadata(to)?.is_dir() => {}
        made => made?,
    }
    if links {
        copy_attributes(&File::open(from)?.into(), &File::open(to)?.into())?;
    }
    Ok(true)
}

/// Makes an image layer of what a layer holds. It has its name when it is whole.
///
/// # Errors
/// What the host refuses; a name that is taken.
pub fn seal(layer: &Layer, name: &str) -> anyhow::Result<()> {
    let target = place(name)?;
    if target.exists() {
        bail!("there is a layer {name} already");
    }
    sweep();
    let new = folder().join(format!("{UNFINISHED}{}-{name}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&new).with_context(|| new.display().to_string())?;
    let fill = || -> anyhow::Result<()> {
        for part in ["drive", "gone", "streams"].into_iter().filter(|part| layer.path.join(part).exists()) {
            copy_tree(&layer.path.join(part), &new.join(part), false, true)?;
        }
        if let Ok(log) = fs::read(layer.path.join("registry")) {
            fs::write(new.join("registry"), frame(&Delta::of(read(&log)).records()))?;
        }
        fs::write(new.join("lock"), "")?;
        write_format(&new, true)?;
        Ok(fs::rename(&new, &target)?)
    };
    fill().inspect_err(|_| drop(fs::remove_dir_all(&new)))
}

/// Takes a layer away: under another name first, so that what is left of it is no layer.
///
/// # Errors
/// [`LayerError`].
pub fn remove(name: &str) -> Result<(), LayerError> {
    let path = place(name)?;
    let host = |error| LayerError::Host(path.clone(), error);
    if !path.exists() {
        return Err(LayerError::Missing(name.into(), folder()));
    }
    // One that is damaged is nobody's.
    let sealed = match super::format(name, &path) {
        Err(error @ LayerError::Newer(..)) => return Err(error),
        format => format.ok().flatten(),
    };
    let _held = match sealed {
        Some(_) => Some(super::lock(name, &path, false)?),
        None => None,
    };
    let old = folder().join(format!("{UNFINISHED}{}-{name}", std::process::id()));
    fs::rename(&path, &old).map_err(host)?;
    remove_tree(&old).map_err(host)
}

/// Removes a folder with all in it, read-only ones too, however deep they lie.
fn remove_tree(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return fs::remove_file(path);
    }
    let writable = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    writable(path)?;
    let root = File::open(path)?;
    let (mut left, mut folders) = (vec![String::new()], Vec::new());
    while let Some(above) = left.pop() {
        let folder = below(&root, &above)?;
        for name in names(&folder)? {
            let at = in_folder(&folder, &name);
            match name.to_str().filter(|_| fs::symlink_metadata(&at).is_ok_and(|meta| meta.is_dir())) {
                Some(text) => {
                    writable(&at)?;
                    left.push(join(&above, text));
                }
                None => fs::remove_file(&at)?,
            }
        }
        folders.push(above);
    }
    // Those within others were found later.
    for path in folders.iter().rev().filter(|path| !path.is_empty()) {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        fs::remove_dir(in_folder(&below(&root, above)?, name.as_ref()))?;
    }
    fs::remove_dir(path)
}

/// Takes away what commands that were ended on their way have left.
pub fn sweep() {
    for entry in fs::read_dir(folder()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(UNFINISHED));
        let maker = rest.and_then(|rest| rest.split_once('-')).map(|(number, _)| number);
        if maker.is_some_and(|number| !Path::new("/proc").join(number).exists()) {
            let _ = remove_tree(&entry.path());
        }
    }
}

/// Where in a layer a guest's path lies, whatever its letter case.
fn find(layer: &Layer, path: &str) -> anyhow::Result<PathBuf> {
    let guest = shim_abi::guest::GuestPath::parse(path)?;
    let missing =
        || format!("layer {} has no {path}: it holds what was made or changed, nothing of the image", layer.name);
    if guest.drive() != b'C' {
        bail!("{path}: layers hold drive C alone");
    }
    let mut at = layer.path.join("drive");
    for name in guest.below().split('/').filter(|name| !name.is_empty()) {
        let mut same: Vec<_> =
            fs::read_dir(&at).with_context(missing)?.flatten().map(|entry| entry.file_name()).collect();
        same.retain(|other| other.to_str().is_some_and(|other| fold::same(other, name)));
        same.sort_by_key(|other| (other != name, other.clone()));
        at.push(same.first().with_context(missing)?);
        let meta = fs::symlink_metadata(&at)?;
        if !meta.is_dir() && !meta.is_file() {
            bail!("{path}: a link of the host's, which is not followed");
        }
    }
    Ok(at)
}

/// Copies files and folders of a layer into a folder of the host; nothing is followed out of the layer.
///
/// # Errors
/// What is not there; what the host refuses; a name that is taken there, without `force`.
pub fn export(layer: &Layer, paths: &[String], target: &Path, force: bool) -> anyhow::Result<()> {
    if !target.is_dir() {
        bail!("{} is no folder", target.display());
    }
    let mut sources = Vec::new();
    for path in paths {
        let from = find(layer, path)?;
        let to = target.join(if from == layer.path.join("drive") {
            "C".as_ref()
        } else {
            from.file_name().unwrap_or_default()
        });
        if !force && fs::symlink_metadata(&to).is_ok() {
            bail!("{} is there already: --force overwrites it", to.display());
        }
        if fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_symlink()) {
            bail!("{} is a link, which is not followed", to.display());
        }
        sources.push((from, to));
    }
    sources.iter().try_for_each(|(from, to)| copy_tree(from, to, force, false))
}
