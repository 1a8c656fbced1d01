//! The list of fonts in the registry, which dwrite and programs look through; GDI looks at the folder itself.

use super::registry::Registry;
use anyhow::{Context, Result};
use ntum::win32k::gdi::fonts::sfnt;
use std::fs;
use std::path::Path;

/// Where the list is.
const LIST: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Fonts";
/// English, of the United States: the language of the names.
const LANGUAGE: u16 = 0x409;

/// Enters the TrueType fonts of a folder, each by its full name.
///
/// # Errors
/// If a font cannot be read.
pub fn list(folder: &Path, registry: &mut Registry) -> Result<()> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "ttf")) {
        let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        for index in 0..sfnt::count(&bytes) {
            if let Some(face) = sfnt::properties(&bytes, index, LANGUAGE) {
                registry.text(LIST, &format!("{} (TrueType)", String::from_utf16_lossy(&face.full)), file);
            }
        }
    }
    Ok(())
}
