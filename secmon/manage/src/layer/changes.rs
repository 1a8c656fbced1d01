//! What a layer changed of what lies below it.

use secmon::image::Image;
use secmon::layer::gone;
use secmon::locate::{FOLDER, beneath, open_beneath};
use secmon::sandbox::scratch;
use serde_json::{Value, json};
use shim_abi::fold;
use shim_abi::registry::{Delta, read};
use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

/// Kinds of change, as they are written.
const ADDED: &str = "added";
const CHANGED: &str = "changed";
const DELETED: &str = "deleted";

/// What was changed of a file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path: `C:\\folder\\file`.
    pub path: String,
    /// `added`, `changed` or `deleted`.
    pub change: &'static str,
    /// Whether it is a folder.
    pub folder: bool,
    /// Bytes that it has now.
    pub size: u64,
}

/// What was changed of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key, as its users name it.
    pub key: String,
    /// The value, if it is one of the key's; empty for the unnamed one.
    pub value: Option<String>,
    /// `added`, `changed` or `deleted`.
    pub change: &'static str,
    /// Type and data of a value that is set.
    pub data: Option<(u32, Vec<u8>)>,
}

fn guest(path: &str) -> String {
    format!("C:\\{}", path.replace('/', "\\"))
}

/// Whether a folder is one that every layer begins with.
fn is_fresh(path: &str) -> bool {
    let path = path.to_lowercase();
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("users"), _, None) => true,
        (Some("users"), _, Some(rest)) => {
            scratch::PROFILE.iter().any(|fresh| format!("{}/", fresh.to_lowercase()).starts_with(&format!("{rest}/")))
        }
        _ => ["programdata", "windows", "windows/temp"].contains(&&*path),
    }
}

/// What lies on drive C otherwise than in the image.
///
/// # Errors
/// The host's.
pub fn files(layer: &Path, image: Option<&Image>) -> io::Result<Vec<FileChange>> {
    let gone = gone(layer)?;
    let hidden = |path: &str| {
        let folded = fold::fold(path);
        let ends = folded.match_indices('/').map(|(at, _)| at).chain([folded.len()]);
        ends.into_iter().any(|end| gone.contains(&folded[..end]))
    };
    let mut changes = Vec::new();
    let mut there = Vec::new();
    let (drive, mut left) = (fs::File::open(layer.join("drive"))?, vec![String::new()]);
    while let Some(above) = left.pop() {
        // By descriptor: its path may be longer than Linux takes.
        let open = open_beneath(&drive, &above, beneath(FOLDER))?;
        for entry in fs::read_dir(format!("/proc/self/fd/{}", open.as_raw_fd()))? {
            let entry = entry?;
            let (meta, name) = (fs::symlink_metadata(entry.path())?, entry.file_name());
            let Some(name) = name.to_str().filter(|_| meta.is_file() || meta.is_dir()) else { continue };
            let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            let below = image.is_some_and(|image| image.find(&path).is_some() || image.folder(&path).is_some());
            let folder = meta.is_dir();
            let replaced = hidden(&path);
            if folder {
                left.push(path.clone());
            }
            if !(folder && (below || is_fresh(&path)) && !replaced) {
                let change = if below { CHANGED } else { ADDED };
                changes.push(FileChange {
                    path: guest(&path),
                    change,
                    folder,
                    size: if folder { 0 } else { meta.len() },
                });
            }
            there.push(fold::fold(&path));
        }
    }
    for path in gone.iter().filter(|path| !there.contains(path)) {
        let file = image.and_then(|image| image.find(path));
        let shown = file.map(|file| match path.rsplit_once('/') {
            Some((above, _)) => {
                let above = image.and_then(|image| image.folder(&above.to_lowercase())).unwrap_or(above.to_lowercase());
                format!("{above}/{}", file.shown)
            }
            None => file.shown.to_owned(),
        });
        let folder = image.is_some_and(|image| image.folder(path).is_some());
        let shown = shown.unwrap_or_else(|| path.to_lowercase());
        changes.push(FileChange { path: guest(&shown), change: DELETED, folder, size: 0 });
    }
    changes.sort_by_cached_key(|change| fold::fold(&change.path));
    Ok(changes)
}

/// What the registry has otherwise.
///
/// # Errors
/// The host's.
pub fn registry(layer: &Path) -> io::Result<Vec<KeyChange>> {
    let log = match fs::read(layer.join("registry")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        log => log?,
    };
    let mut changes = Vec::new();
    list(&Delta::of(read(&log)), "", &mut changes);
    Ok(changes)
}

fn list(delta: &Delta, path: &str, changes: &mut Vec<KeyChange>) {
    let key = known(path);
    if delta.is_deleted() {
        changes.push(KeyChange { key, value: None, change: DELETED, data: None });
        return;
    }
    let plain =
        |known: &shim_abi::registry::Key| known.class.is_some() || known.flags.is_some() || known.security.is_some();
    match &delta.key {
        Some(known) if known.made => {
            let change = if delta.gone { CHANGED } else { ADDED };
            changes.push(KeyChange { key: key.clone(), value: None, change, data: None });
        }
        Some(known) if plain(known) => {
            changes.push(KeyChange { key: key.clone(), value: None, change: CHANGED, data: None });
        }
        _ => {}
    }
    for set in delta.values.values() {
        let change = if set.to.is_some() { CHANGED } else { DELETED };
        let value = Some(String::from_utf16_lossy(&set.name));
        changes.push(KeyChange { key: key.clone(), value, change, data: set.to.clone() });
    }
    for below in delta.keys.values() {
        let name = String::from_utf16_lossy(&below.name);
        list(below, &if path.is_empty() { name } else { format!("{path}\\{name}") }, changes);
    }
}

/// A key as its users name it: `HKEY_LOCAL_MACHINE\\Software`.
fn known(path: &str) -> String {
    let (root, rest) = path.split_once('\\').unwrap_or((path, ""));
    let (root, rest) = match root.to_lowercase().as_str() {
        "machine" => ("HKEY_LOCAL_MACHINE", rest),
        "user" if rest.starts_with("S-1-5-21-") => {
            ("HKEY_CURRENT_USER", rest.split_once('\\').map_or("", |(_, rest)| rest))
        }
        "user" => ("HKEY_USERS", rest),
        _ => (root, rest),
    };
    if rest.is_empty() { root.to_owned() } else { format!("{root}\\{rest}") }
}

impl FileChange {
    /// As JSON.
    pub fn json(&self) -> Value {
        json!({ "path": self.path, "change": self.change, "folder": self.folder, "size": self.size })
    }
}

impl KeyChange {
    /// As JSON.
    pub fn json(&self) -> Value {
        let mut json = json!({ "key": self.key, "change": self.change });
        if let Some(value) = &self.value {
            json["value"] = json!(value);
        }
        if let Some((kind, data)) = &self.data {
            let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            json["type"] = json!(kind);
            json["data"] = json!(hex);
            json["text"] = json!(text(*kind, data));
        }
        json
    }
}

/// A value's data as a person reads it: texts, numbers, else the bytes.
pub fn text(kind: u32, data: &[u8]) -> String {
    let units: Vec<u16> = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    match (kind, data) {
        (1 | 2 | 6, _) => String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned(),
        (7, _) => String::from_utf16_lossy(&units).trim_end_matches('\0').replace('\0', ", "),
        (4, &[a, b, c, d]) => format!("{:#x}", u32::from_le_bytes([a, b, c, d])),
        (11, _) if data.len() == 8 => {
            format!("{:#x}", data.iter().rev().fold(0u64, |all, byte| all << 8 | u64::from(*byte)))
        }
        _ => data.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "),
    }
}
