//! Layers that outlive their sandbox: folders of the host's disk that hold what a sandbox changed of its drive C.
//!
//! ```text
//! <state>/layers/NAME/
//!   format       "portcullis-layer 1 writable\n", or "… sealed\n" for one that is only read; made by a rename, before all else
//!   lock         held (flock) by the sandbox that writes here, or by those that read; says which process that is
//!   drive/       what was made or changed: files and folders under their names on C:, attributes in `user.DOSATTRIB`
//!   gone/        what is deleted of the layers below and of the image, with all below it: symbolic links, each named by a
//!                hash and leading to the folded path; made by one call
//!   streams/     alternate data streams: a folder for each file that has some, named as the file's `user.portcullis.streams`
//!   registry     what was changed of the registry (`shim_abi::registry`); `registry.new` is one being written anew
//!   filled       a folder, once drive/ holds what a fresh profile has
//! ```
//! Every change is one call of the host's, or becomes visible by one: whatever is killed in between leaves a layer that opens.

pub mod changes;
pub mod copy;

use crate::state::Store;
use secmon::layer::{make_folder, new_file};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The version of the format that is written and read.
pub const VERSION: u32 = 1;
/// Longest name of a layer.
const LONGEST: usize = 64;

/// Why a layer cannot be used. Nothing of it was touched.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// Not the name of a layer.
    #[error(
        "`{0}` is no name of a layer: write letters, digits, `.`, `-` and `_`, beginning with a letter or digit, 64 at most"
    )]
    Name(String),
    /// There is none of that name.
    #[error("there is no layer {0} in {1}")]
    Missing(String, PathBuf),
    /// Another process uses it.
    #[error("layer {0} is in use by {1}")]
    Busy(String, String),
    /// A newer version of the format.
    #[error("layer {0} is of version {1}; this Portcullis reads versions up to {VERSION}")]
    Newer(String, u32),
    /// It is not whole.
    #[error("layer {0} is damaged: {1}; `secmon layers remove {0}` takes away what is left of it")]
    Damaged(String, &'static str),
    /// One for reading is to be written, or the other way round.
    #[error("layer {0} is {1}")]
    Kind(String, &'static str),
    /// The host's file system cannot hold one.
    #[error("{0}: this file system cannot hold a layer: it lacks {1}; set PORTCULLIS_STATE to a folder on another")]
    Unsupported(PathBuf, &'static str),
    /// The host refuses it.
    #[error("{0}: {1}")]
    Host(PathBuf, io::Error),
}

/// The folder that all layers lie in.
pub fn folder() -> PathBuf {
    Store::place().join("layers")
}

/// Where a layer lies, whether there is one or not.
///
/// # Errors
/// [`LayerError::Name`].
pub fn place(name: &str) -> Result<PathBuf, LayerError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good =
        name.len() <= LONGEST && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good { Ok(folder().join(name)) } else { Err(LayerError::Name(name.escape_debug().to_string())) }
}

/// What a layer's `format` says: whether it is sealed. `None` if there is none.
///
/// # Errors
/// [`LayerError::Newer`], [`LayerError::Damaged`], [`LayerError::Host`].
pub fn format(name: &str, folder: &Path) -> Result<Option<bool>, LayerError> {
    let path = folder.join("format");
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LayerError::Host(path, error)),
    };
    let mut words = text.split_whitespace();
    let version = words.next().filter(|word| *word == "portcullis-layer").and(words.next());
    match (version.and_then(|word| word.parse().ok()), words.next()) {
        (Some(newer), _) if newer > VERSION => Err(LayerError::Newer(name.into(), newer)),
        (Some(VERSION), Some("writable")) => Ok(Some(false)),
        (Some(VERSION), Some("sealed")) => Ok(Some(true)),
        _ => Err(LayerError::Damaged(name.into(), "its `format` cannot be read")),
    }
}

/// Writes a layer's `format`.
///
/// # Errors
/// The host's.
pub fn write_format(folder: &Path, sealed: bool) -> io::Result<()> {
    let new = folder.join("format.new");
    let mut file = File::create(&new)?;
    writeln!(file, "portcullis-layer {VERSION} {}", if sealed { "sealed" } else { "writable" })?;
    file.sync_all()?;
    fs::rename(&new, folder.join("format"))?;
    File::open(folder)?.sync_all()
}

/// A layer that is in use, as long as this lives.
#[derive(Debug)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its lock.
    pub lock: File,
}

impl Layer {
    /// Opens a layer to be written, made if there is none, or a sealed one to be read.
    ///
    /// # Errors
    /// [`LayerError`].
    pub fn open(name: &str, sealed: bool) -> Result<Self, LayerError> {
        let path = place(name)?;
        let host = |error: io::Error| LayerError::Host(path.clone(), error);
        let known = || match format(name, &path)? {
            Some(is) if is != sealed => {
                let is = ["no image layer: `secmon commit` makes one of it", "an image layer: give it with --layer"];
                Err(LayerError::Kind(name.into(), is[usize::from(!sealed)]))
            }
            Some(_) => Ok(true),
            None if sealed && !path.exists() => {
                Err(LayerError::Missing(name.into(), path.parent().unwrap_or(&path).into()))
            }
            None if sealed || !is_new(&path) => Err(LayerError::Damaged(name.into(), "its `format` is gone")),
            None => Ok(false),
        };
        if !known()? {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(host)?;
        }
        let lock = lock(name, &path, sealed)?;
        if !known()? {
            supports(&path)?;
            write_format(&path, false).map_err(host)?;
        }
        let root = File::open(&path).map_err(host)?;
        for folder in ["drive", "gone", "streams"].into_iter().filter(|_| !sealed) {
            make_folder(&root, folder).map_err(|errno| host(errno.into()))?;
        }
        Ok(Layer { name: name.into(), path, lock })
    }
}

/// The layer that a name means: its own, or that of the sandbox with this id or name.
///
/// # Errors
/// [`LayerError`].
pub fn named(what: &str) -> Result<Layer, LayerError> {
    let own = place(what).ok().filter(|path| path.exists()).map(|_| what.to_owned());
    let of_sandbox = || {
        let kept = Store::open().ok()?.find(what).ok()?;
        let policy: toml::Table = fs::read_to_string(kept.file(crate::state::file::POLICY)).ok()?.parse().ok()?;
        Some(policy.get("persist")?.as_str()?.to_owned())
    };
    let name = own.or_else(of_sandbox).ok_or_else(|| LayerError::Missing(what.escape_debug().to_string(), folder()))?;
    let sealed = format(&name, &place(&name)?)?.unwrap_or(false);
    Layer::open(&name, sealed)
}

/// Whether nothing lies in a folder but what lies there before its `format`.
fn is_new(path: &Path) -> bool {
    let early = |entry: fs::DirEntry| matches!(entry.file_name().to_str(), Some("lock" | "format.new"));
    fs::read_dir(path).into_iter().flatten().flatten().all(early)
}

/// Takes a layer's lock: of one that is written for this process alone.
fn lock(name: &str, path: &Path, sealed: bool) -> Result<File, LayerError> {
    let host = |error| LayerError::Host(path.join("lock"), error);
    let how = |options: &mut fs::OpenOptions| options.mode(0o600).open(path.join("lock"));
    let mut lock = how(File::options().read(true).write(!sealed).create(!sealed)).map_err(host)?;
    let take = || if sealed { lock.try_lock_shared() } else { lock.try_lock() };
    // Who was killed lets go of it in a moment.
    let tries =
        std::iter::repeat_with(|| take().inspect_err(|_| std::thread::sleep(std::time::Duration::from_millis(20))));
    match tries.take(25).find(|taken| !matches!(taken, Err(TryLockError::WouldBlock))).unwrap_or_else(take) {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(host(error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = lock.take(64).read_to_string(&mut holder);
            let holder = if holder.is_empty() { "another process".into() } else { holder };
            return Err(LayerError::Busy(name.into(), holder.trim().chars().filter(|c| !c.is_control()).collect()));
        }
    }
    if !sealed {
        lock.set_len(0).and_then(|()| write!(lock, "secmon, process {}", std::process::id())).map_err(host)?;
    }
    Ok(lock)
}

/// Whether the file system has what a layer needs.
fn supports(path: &Path) -> Result<(), LayerError> {
    let lacks = |what| LayerError::Unsupported(path.into(), what);
    let root = File::open(path).map_err(|error| LayerError::Host(path.into(), error))?;
    let none = rustix::fs::XattrFlags::empty();
    rustix::fs::fsetxattr(&root, c"user.portcullis.layer", b"1", none)
        .map_err(|_| lacks("extended attributes of users"))?;
    new_file(&root).map(drop).map_err(|_| lacks("files without a name (O_TMPFILE)"))
}
