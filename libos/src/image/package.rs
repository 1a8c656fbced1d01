//! The package: the image's own part as one compressed file, and the folder that is made from it.
//!
//! A folder is made beside its place and renamed into it, so that a half-made one is never seen.

use super::layout::{self, Layout};
use anyhow::{Context, Result, bail};
use ntum::cm::hive::Hive;
use shim_abi::image::{FILES_FOLDER, HIVE_FILE, INDEX_FILE, Index, PACKAGE_FILE, seal, unseal};
use shim_abi::wire;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How hard zstd tries: the highest level that needs no more memory to unpack.
const LEVEL: i32 = 19;
/// Largest package that is unpacked, in bytes.
const LARGEST: usize = 256 << 20;

/// What a package holds.
pub struct Package {
    /// The index.
    pub index: Index,
    /// The registry hive's bytes.
    pub hive: Vec<u8>,
    /// Small files by guest name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Package {
    /// A package of what was collected.
    pub fn new(index: Index, hive: Vec<u8>, layout: Layout) -> Package {
        Package { index, hive, files: layout.own.into_iter().collect() }
    }

    /// Its bytes, compressed.
    ///
    /// # Errors
    /// The compressor's.
    pub fn pack(&self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        wire::Wire::put(&self.index, &mut body);
        wire::Wire::put(&self.hive, &mut body);
        wire::Wire::put(&self.files, &mut body);
        Ok(seal(&zstd::bulk::compress(&body, LEVEL)?))
    }

    /// Takes a package's bytes apart.
    ///
    /// # Errors
    /// A damaged package, or one of another version.
    pub fn unpack(bytes: &[u8]) -> Result<Package> {
        let body = unseal(bytes).context("the image's package is damaged")?;
        let body = zstd::bulk::decompress(body, LARGEST).context("the image's package is damaged")?;
        let (index, (hive, files)) = wire::decode(&body).context("the image's package has another version")?;
        Ok(Package { index, hive, files })
    }

    /// Makes the image's folder, in place of what is there.
    ///
    /// # Errors
    /// A place that can't be written.
    pub fn install(&self, place: &Path) -> Result<()> {
        let name = place.file_name().and_then(|name| name.to_str()).context("the image's folder has no name")?;
        let above = place.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(above).with_context(|| format!("{} can't be made", above.display()))?;
        let made = above.join(format!(".{name}.{}.new", std::process::id()));
        let gone = above.join(format!(".{name}.{}.old", std::process::id()));
        let result = self.write_folder(&made).and_then(|()| {
            if place.exists() {
                fs::rename(place, &gone)?;
            }
            fs::rename(&made, place)?;
            sync_folder(above)
        });
        for rest in [&made, &gone] {
            if rest.exists() {
                let _ = fs::remove_dir_all(rest);
            }
        }
        result.with_context(|| format!("the image can't be written to {}", place.display()))
    }

    fn write_folder(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for (name, bytes) in &self.files {
            let path = folder.join(FILES_FOLDER).join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            write_synced(&path, bytes)?;
        }
        write_synced(&folder.join(PACKAGE_FILE), &self.pack()?)?;
        write_synced(&folder.join(HIVE_FILE), &self.hive)?;
        write_synced(&folder.join(INDEX_FILE), &self.index.to_file())?;
        sync_folder(folder)
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

fn sync_folder(path: &Path) -> Result<()> {
    Ok(fs::File::open(path)?.sync_all()?)
}

/// What is known of an installed image.
pub struct Installed {
    /// Its index.
    pub index: Index,
    /// Keys and values in its registry.
    pub registry: (usize, usize),
    /// Bytes of the package.
    pub package: u64,
    /// Bytes of all its own files together.
    pub state: u64,
}

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let known = entry.metadata()?;
        total += if known.is_dir() { size_of(&entry.path())? } else { known.len() };
    }
    Ok(total)
}

/// Looks an image over: the index and the registry whole; with `deep`, also every host file that the index names.
///
/// # Errors
/// What is damaged, missing or changed since.
pub fn look_over(place: &Path, deep: bool) -> Result<Installed> {
    let read = |name: &str| {
        fs::read(place.join(name)).with_context(|| format!("{} can't be read", place.join(name).display()))
    };
    let index = Index::from_file(&read(INDEX_FILE)?).context("the image's index is damaged or of another version")?;
    let hive = read(HIVE_FILE)?;
    let hive = Hive::open(&hive)?;
    hive.verify()?;
    let package = fs::metadata(place.join(PACKAGE_FILE)).context("the image has no package")?.len();
    for file in &index.files {
        let host: PathBuf = place.join(&file.host);
        if !deep && Path::new(&file.host).is_absolute() {
            continue;
        }
        let known =
            fs::metadata(&host).with_context(|| format!("{} is gone since the image was made", host.display()))?;
        if known.len() != file.size || Path::new(&file.host).is_absolute() && layout::written(&known) != file.written {
            bail!("{} has changed since the image was made", host.display());
        }
    }
    if deep {
        Package::unpack(&read(PACKAGE_FILE)?)?;
    }
    Ok(Installed { registry: (hive.key_count(), hive.value_count()), package, state: size_of(place)?, index })
}

/// Makes an image's folder anew from its package.
///
/// # Errors
/// A package that is missing or damaged.
pub fn mend(place: &Path) -> Result<()> {
    let bytes = fs::read(place.join(PACKAGE_FILE)).context("the image has no package")?;
    Package::unpack(&bytes)?.install(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ntum::cm::hive::Builder;
    use shim_abi::image::{File, INDEX_VERSION};

    fn sample() -> Package {
        let hive = Builder::new().bytes().unwrap();
        let file = |guest: &str, host: &str, size| File {
            guest: guest.into(),
            shown: guest.into(),
            host: host.into(),
            size,
            written: 0,
        };
        let files = vec![file("@hive", HIVE_FILE, hive.len() as u64), file("a.ini", "files/a.ini", 3)];
        let index = Index { version: INDEX_VERSION, source: "test".into(), files, folders: vec![] };
        Package { index, hive, files: vec![("a.ini".into(), b"abc".to_vec())] }
    }

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("portcullis-image-{name}-{}", std::process::id()))
    }

    #[test]
    fn what_is_installed_is_found_and_damage_is_mended() {
        let place = place("mend");
        sample().install(&place).unwrap();
        sample().install(&place).unwrap();
        assert_eq!(look_over(&place, true).unwrap().registry, (1, 0));
        for broken in [HIVE_FILE, INDEX_FILE, "files/a.ini"] {
            let path = place.join(broken);
            let mut bytes = fs::read(&path).unwrap();
            bytes.pop();
            fs::write(&path, bytes).unwrap();
            assert!(look_over(&place, false).is_err(), "{broken}");
            mend(&place).unwrap();
            look_over(&place, true).unwrap();
        }
        fs::write(place.join(PACKAGE_FILE), b"no").unwrap();
        assert!(look_over(&place, true).is_err());
        assert!(mend(&place).is_err());
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_package_that_is_cut_off_is_refused() {
        let bytes = sample().pack().unwrap();
        for end in 0..bytes.len() {
            assert!(Package::unpack(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
