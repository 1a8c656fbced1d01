//! Sections on their way from one process of the sandbox to another.

use super::section::{Backing, Section, sec};
use crate::host::Stream;
use crate::io::file::{FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA, SectionSource};
use crate::kernel::Kernel;
use crate::status::*;
use shim_abi::stream::Identity;
use std::sync::Arc;
use std::sync::atomic::Ordering;

shim_abi::wire_structs! {
    /// A section as another process makes it anew of its stream.
    pub struct Packed {
        /// Bytes in it.
        pub size: u64,
        /// SEC_*.
        pub attributes: u32,
        /// PAGE_*.
        pub protection: u32,
        /// See [`Section::asked`].
        pub asked: u64,
        /// The file's, if it is one's.
        pub identity: Option<Identity>,
        /// The file's path.
        pub name: Vec<u16>,
    }
}

/// What another process makes a section of, beside its stream.
///
/// # Errors
/// What the host answers.
pub fn pack(k: &'static Kernel, section: &Section) -> Nt<Vec<u8>> {
    let area = &section.area;
    area.share_commitment(k)?;
    let (identity, name) = area.file.clone().map_or((None, Vec::new()), |(identity, name)| (Some(identity), name));
    Ok(shim_abi::wire::encode(&Packed {
        size: area.size.load(Ordering::Acquire),
        attributes: area.attributes,
        protection: section.protection,
        asked: section.asked,
        identity,
        name,
    }))
}

/// A section of what another process packed.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER`, and as for a section that is made anew.
pub fn unpack(k: &'static Kernel, what: &[u8], stream: Stream) -> Nt<Section> {
    let packed: Packed = shim_abi::wire::decode(what).map_err(|_| STATUS_INVALID_PARAMETER)?;
    let Some(identity) = packed.identity else {
        return Ok(k.mm.shared_section(k, stream, packed.size, packed.attributes, packed.protection));
    };
    let info = k.host.query(&stream)?;
    let access = FILE_READ_DATA | FILE_EXECUTE | FILE_WRITE_DATA;
    let source = SectionSource { stream: Arc::new(stream), size: info.size, access, identity, name: packed.name };
    match packed.attributes & sec::IMAGE {
        0 => k.mm.file_area(k, source, packed.size, packed.attributes, packed.protection),
        _ => k.mm.image_area(k, source, packed.asked, packed.protection),
    }
}

impl super::section::ControlArea {
    /// From now on other processes commit its pages too: they are told which are.
    fn share_commitment(&self, k: &Kernel) -> Nt<()> {
        if let Backing::Pagefile(Some(pages)) = &self.backing
            && !self.several.swap(true, Ordering::AcqRel)
        {
            let pages = pages.lock();
            let runs = pages.over(0..self.size()).filter(|(_, page)| page.is_committed());
            for (run, _) in runs {
                self.tell_commitment(k, &run)?;
            }
        }
        Ok(())
    }
}
