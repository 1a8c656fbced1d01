//! The base image: a folder that holds which host file lies behind which name of the guest, and the guest's pristine state.
//!
//! ```text
//! index      the Index below, behind its header: read by the monitor at every start
//! hive       the registry, as ntum maps it; in the index as "@hive"
//! files/…    small files that are nowhere else on the host: manifests, .ini and .inf files
//! package    all of these, compressed: what they are made anew from if one is damaged
//! ```
//! A name of the index without '@' is a path below the root of C:. One with '@' is seen by `image:` only, without the '@':
//! `image:hive`, `image:nls/locale.nls`; a path of C: is found by `image:` under its own name: `image:windows/system32/ntdll.dll`.
//! In names and folders, the component [`USER`] stands for the user's name: whoever starts a sandbox puts the name in.

use crate::error::{Error, Result};
use crate::wire::{self, Wire};
use crate::wire_structs;
use alloc::string::String;
use alloc::vec::Vec;

/// Version of [`Index`], raised also when the builder makes something else of the same source; another one is remade.
pub const INDEX_VERSION: u32 = 11;

/// The component that stands for the user's name.
pub const USER: &str = "@user";
/// The index's file name in the image's folder.
pub const INDEX_FILE: &str = "index";
/// The hive's.
pub const HIVE_FILE: &str = "hive";
/// The package's.
pub const PACKAGE_FILE: &str = "package";
/// The folder of small files.
pub const FILES_FOLDER: &str = "files";

/// The index file's first bytes; the checksum of what follows it comes next.
const MAGIC: [u8; 8] = *b"PculIndx";

wire_structs! {
    /// One file of the image.
    pub struct File {
        /// Where the guest sees it, in lower case, below the root of C:: `windows/system32/ntdll.dll`; or, with a leading
        /// `@`, a name that only `image:` opens: `@nls/locale.nls`, `@hive`.
        pub guest: String,
        /// The name's letter case as the guest lists it: last component only.
        pub shown: String,
        /// Host path: absolute, or relative to the image's own folder.
        pub host: String,
        /// Its size in bytes when the image was made.
        pub size: u64,
        /// Its last write when the image was made, in nanoseconds since 1970.
        pub written: i64,
    }

    /// The index, sorted by `guest`.
    pub struct Index {
        /// [`INDEX_VERSION`].
        pub version: u32,
        /// What the image was made of, for a person: package and version.
        pub source: String,
        /// The files.
        pub files: Vec<File>,
        /// Folders of the guest that exist even if empty, in the letter case to show: `users/Public`. Sorted; those above a
        /// folder are listed too.
        pub folders: Vec<String>,
    }
}

/// A checksum against damage by accident: FNV-1a over words of 8 bytes, the last filled with zeros.
pub fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    words.iter().chain([&last]).fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        let mixed = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3);
        mixed ^ (mixed >> 32)
    })
}

/// Puts the header of an image's file in front of its bytes.
pub fn seal(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + body.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&checksum(body).to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// Checks the header of an image's file; gives the bytes behind it.
///
/// # Errors
/// [`Error::Malformed`] if it is another kind of file, or damaged.
pub fn unseal(bytes: &[u8]) -> Result<&[u8]> {
    let body = bytes.strip_prefix(&MAGIC).ok_or(Error::Malformed)?;
    let (sum, body) = body.split_first_chunk::<8>().ok_or(Error::Malformed)?;
    if u64::from_le_bytes(*sum) == checksum(body) { Ok(body) } else { Err(Error::Malformed) }
}

impl Index {
    /// The bytes of the index file.
    pub fn to_file(&self) -> Vec<u8> {
        seal(&wire::encode(self))
    }

    /// Reads the index file.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is damaged, [`Error::Unsupported`] if it has another version.
    pub fn from_file(bytes: &[u8]) -> Result<Index> {
        let body = unseal(bytes)?;
        if body.first_chunk().is_some_and(|raw| u32::from_le_bytes(*raw) != INDEX_VERSION) {
            return Err(Error::Unsupported);
        }
        wire::decode(body)
    }

    /// The file with this guest name, in lower case.
    pub fn find(&self, guest: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.guest.as_str().cmp(guest)).ok()?;
        self.files.get(at)
    }
}

/// A file, read where its record lies in the index's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its number in the index.
    pub number: usize,
    /// As [`File::guest`].
    pub guest: &'a str,
    /// As [`File::shown`].
    pub shown: &'a str,
    /// As [`File::host`].
    pub host: &'a str,
    /// As [`File::size`].
    pub size: u64,
    /// As [`File::written`].
    pub written: i64,
}

impl Found<'_> {
    /// Whether what lies on the host is what the image was made of. Files of the image's own have the times of their making.
    pub fn is_still(&self, size: u64, written: i64) -> bool {
        size == self.size && (written == self.written || !self.host.starts_with('/'))
    }
}

/// An index that is searched as it lies: every start of a sandbox reads one, so nothing is copied out of it but where each file
/// begins.
pub struct Read {
    bytes: Vec<u8>,
    /// Where each file's record begins in `bytes`.
    records: Vec<u32>,
    folders: Vec<String>,
    source: String,
}

/// Takes a text from the front, in place.
fn text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = u32::take(from).ok()? as usize;
    core::str::from_utf8(from.split_off(..length)?).ok()
}

/// Skips a file's record.
fn skip(from: &mut &[u8]) -> Option<()> {
    for _ in 0..3 {
        let length = u32::take(from).ok()? as usize;
        from.split_off(..length)?;
    }
    from.split_off(..16).map(drop)
}

impl Read {
    /// Takes the bytes of the index file.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is damaged, [`Error::Unsupported`] if it has another version.
    pub fn open(bytes: Vec<u8>) -> Result<Read> {
        let body = unseal(&bytes)?;
        let mut from = body;
        if u32::take(&mut from)? != INDEX_VERSION {
            return Err(Error::Unsupported);
        }
        let source = text(&mut from).ok_or(Error::Malformed)?.into();
        let count = u32::take(&mut from)? as usize;
        let mut records = Vec::with_capacity(count.min(from.len() / 28));
        for _ in 0..count {
            records.push(u32::try_from(bytes.len() - from.len()).map_err(|_| Error::Malformed)?);
            skip(&mut from).ok_or(Error::Malformed)?;
        }
        let folders = wire::decode(from)?;
        Ok(Read { records, folders, source, bytes })
    }

    /// As [`Index::source`].
    pub fn source(&self) -> &str {
        &self.source
    }

    /// As [`Index::folders`].
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has no files.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The file of this number.
    pub fn file(&self, number: usize) -> Option<Found<'_>> {
        let from = &mut self.bytes.get(*self.records.get(number)? as usize..)?;
        Some(Found {
            number,
            guest: text(from)?,
            shown: text(from)?,
            host: text(from)?,
            size: u64::take(from).ok()?,
            written: i64::take(from).ok()?,
        })
    }

    /// The number of the first file from number `first` on whose guest name is not before `guest`.
    pub fn place(&self, first: usize, guest: &str) -> usize {
        let name = |at: &u32| self.bytes.get(*at as usize..).and_then(|mut from| text(&mut from)).unwrap_or("");
        let rest = self.records.get(first..).unwrap_or_default();
        first + rest.partition_point(|at| name(at) < guest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn sample() -> Index {
        let file =
            |guest: &str| File { guest: guest.into(), shown: "A".into(), host: "/a".into(), size: 1, written: 2 };
        Index {
            version: INDEX_VERSION,
            source: "x".into(),
            files: vec![file("@hive"), file("a")],
            folders: vec!["b".into()],
        }
    }

    #[test]
    fn round_trip() {
        let index = Index::from_file(&sample().to_file()).unwrap();
        assert_eq!(index, sample());
        assert!(index.find("a").is_some() && index.find("b").is_none());
        let read = Read::open(sample().to_file()).unwrap();
        assert_eq!((read.source(), read.len(), read.folders()), ("x", 2, &index.folders[..]));
        let found = read.file(1).unwrap();
        assert_eq!((found.guest, found.shown, found.host, found.size, found.written), ("a", "A", "/a", 1, 2));
        assert!(found.is_still(1, 2) && !found.is_still(1, 3) && !found.is_still(2, 2));
        assert_eq!([read.place(0, "@"), read.place(0, "a"), read.place(1, "@"), read.place(0, "b")], [0, 1, 1, 2]);
        assert!(read.file(2).is_none() && read.place(9, "a") == 9);
    }

    #[test]
    fn damage_is_noticed() {
        let raw = sample().to_file();
        for at in 0..raw.len() {
            let mut bad = raw.clone();
            bad[at] ^= 1;
            assert!(Index::from_file(&bad).is_err(), "byte {at}");
            assert!(Index::from_file(&raw[..at]).is_err(), "cut at {at}");
            assert!(Read::open(bad).is_err() && Read::open(raw[..at].to_vec()).is_err(), "{at}, in place");
        }
    }

    #[test]
    fn another_version_is_told_apart() {
        let index = Index { version: INDEX_VERSION + 1, ..sample() };
        assert_eq!(Index::from_file(&index.to_file()), Err(Error::Unsupported));
        assert!(matches!(Read::open(index.to_file()), Err(Error::Unsupported)));
    }
}
