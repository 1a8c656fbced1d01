//! The names of a file: FileHardLinkInformation.

use super::info::Layout;
use super::{DiskFile, directory, path};
use crate::call::Cx;
use crate::status::*;
use crate::types::wide;
use shim_abi::calls::StreamQueryName;
use shim_abi::stream::Kind;
use std::collections::{HashSet, VecDeque};

/// Most directories that are looked through.
const MOST: usize = 20_000;

/// The folder above which no name of a file is looked for: where its mount is seen, else its drive.
fn top(cx: &Cx<'_>, uri: &str) -> String {
    let folded = path::fold(uri);
    let mounts = cx.k.boot.mounts.iter().map(|mount| format!("file:{}", mount.guest));
    let covering = mounts.filter(|mount| {
        let mount = path::fold(mount);
        folded.starts_with(&mount) && folded.get(mount.len()).is_none_or(|unit| *unit == u16::from(b'/'))
    });
    covering.max_by_key(String::len).unwrap_or_else(|| uri.get(..8).unwrap_or(uri).to_owned())
}

/// Every name of a file that the program may see, and the id of the directory that each lies in. The host keeps no list of
/// them: if there are several, directories are looked through, the file's own first, until as many were found as there are.
fn names(cx: &Cx<'_>, file: &DiskFile, count: u32) -> Nt<Vec<(u64, String)>> {
    let own = file.link.uri();
    let id =
        |uri: &str| cx.k.host.ask(&StreamQueryName { uri: uri.to_owned() }).map(|named| named.info.identity.number);
    let home = path::parent(&own).to_owned();
    let mut found = Vec::new();
    if count <= 1 || file.is_directory() {
        found.push((id(&home)?, path::last(&own).to_owned()));
        return Ok(found);
    }
    let top = top(cx, &own);
    let mut folders = VecDeque::from([(id(&home)?, home), (id(&top)?, top)]);
    let mut looked = HashSet::new();
    while let Some((number, folder)) = folders.pop_front()
        && found.len() < count as usize
        && looked.len() < MOST
    {
        // A link leads where others lead too.
        if !looked.insert(number) {
            continue;
        }
        // What cannot be listed has no names to show.
        let _ = directory::list(cx.k, &folder, false, |name, info| {
            let Some(info) = info else { return };
            if info.kind == Kind::Directory {
                let below = format!("{}/{name}", folder.trim_end_matches('/'));
                folders.push_back((info.identity.number, below));
            } else if info.identity == file.fcb.identity {
                found.push((number, name.to_owned()));
            }
        });
    }
    Ok(found)
}

/// A name of the file or folder with this number, on the drive of a name. The host opens nothing by number: directories are
/// looked through, those near the drive's root first.
pub fn by_number(cx: &Cx<'_>, drive: &str, number: u64) -> Option<String> {
    let root = drive.get(..8).unwrap_or(drive).to_owned();
    let mut folders = VecDeque::from([(0, root)]);
    let mut looked = HashSet::new();
    while let Some((own, folder)) = folders.pop_front()
        && looked.len() < MOST
    {
        if !looked.insert(own) {
            continue;
        }
        let mut found = None;
        let _ = directory::list(cx.k, &folder, false, |name, info| {
            let Some(info) = info else { return };
            let name = format!("{}/{name}", folder.trim_end_matches('/'));
            if info.identity.number == number {
                found = Some(name);
            } else if info.kind == Kind::Directory {
                folders.push_back((info.identity.number, name));
            }
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// FILE_LINKS_INFORMATION.
///
/// # Errors
/// The monitor's.
pub fn links(cx: &Cx<'_>, file: &DiskFile, count: u32) -> Nt<Vec<u8>> {
    let names = names(cx, file, count)?;
    let mut out = Layout::default().u32(0).u32(names.len() as u32).0;
    for (index, (parent, name)) in names.iter().enumerate() {
        let name = wide(name);
        out.resize(out.len().next_multiple_of(8), 0);
        let length = 20 + name.len() * 2;
        let next = if index + 1 == names.len() { 0 } else { length.next_multiple_of(8) as u32 };
        // FILE_LINK_ENTRY_INFORMATION: the id is aligned to 8 bytes, the length counts units.
        out.extend(Layout::default().u32(next).u32(0).u64(*parent).u32(name.len() as u32).units(&name).0);
    }
    let needed = out.len() as u32;
    out[..4].copy_from_slice(&needed.to_le_bytes());
    Ok(out)
}
