//! The base image's index: which host file lies behind which name of the guest.

use crate::wire_structs;
use alloc::string::String;
use alloc::vec::Vec;

/// Version of [`Index`]; another one is remade.
pub const INDEX_VERSION: u32 = 1;

wire_structs! {
    /// One file of the image.
    pub struct File {
        /// Where the guest sees it, in lower case, below the root of C:: `windows/system32/ntdll.dll`; or, with a leading
        /// `@`, a name that only `image:` opens: `@nls/locale.nls`, `@hive`.
        pub guest: String,
        /// The name's letter case as the guest lists it: last component only.
        pub shown: String,
        /// Host path: absolute, or relative to the package's own folder.
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
        /// Folders of the guest that exist even if empty, in the letter case to show: `users/Public`.
        pub folders: Vec<String>,
    }
}
