//! BITMAPINFO, in all its sizes, as guests hand it in.

use super::format::{Format, MASKS_555, MASKS_888, stride};
use super::palette::Palette;
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::{UserPtr, UserSlice};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// DIB_RGB_COLORS.
pub const RGB_COLORS: u32 = 0;
/// DIB_PAL_COLORS: the table holds indices of the DC's palette.
pub const PALETTE_COLORS: u32 = 1;
/// DIB_PAL_INDICES: one bit, without a table.
pub const PALETTE_INDICES: u32 = 2;

/// BI_RGB.
pub const RGB: u32 = 0;
/// BI_RLE8.
pub const RLE8: u32 = 1;
/// BI_RLE4.
pub const RLE4: u32 = 2;
/// BI_BITFIELDS.
pub const BITFIELDS: u32 = 3;

/// sizeof(BITMAPCOREHEADER).
pub const CORE: u32 = 12;

/// BITMAPINFOHEADER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// sizeof: 40.
    pub size: u32,
    /// Columns.
    pub width: i32,
    /// Rows; less than 0: the first row comes first.
    pub height: i32,
    /// 1.
    pub planes: u16,
    /// Bits of a pixel.
    pub depth: u16,
    /// BI_*.
    pub compression: u32,
    /// Bytes of all rows.
    pub image_size: u32,
    /// Pixels per metre.
    pub x_resolution: i32,
    /// Pixels per metre.
    pub y_resolution: i32,
    /// Entries of the colour table.
    pub colors_used: u32,
    /// Entries that matter.
    pub colors_important: u32,
}

/// What the colour table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Colors {
    /// Nothing: there is none.
    None,
    /// Colours.
    Rgb(Vec<u32>),
    /// Indices of a palette.
    Indices(Vec<u16>),
}

/// A header with its masks or colours.
#[derive(Debug, Clone)]
pub struct Info {
    /// The header, in the size of BITMAPINFOHEADER, with the image's size filled in.
    pub header: Header,
    /// Masks of BI_BITFIELDS.
    pub masks: [u32; 3],
    /// The colour table.
    pub colors: Colors,
    /// Bytes up to the bits where these follow.
    pub bytes: u64,
}

/// Reads a header of any size; `None` if it is none.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn read_header(k: &Kernel, at: u64) -> Nt<Option<(Header, u32)>> {
    if at == 0 {
        return Ok(None);
    }
    let size = UserPtr::<u32>::new(at).read(k)?;
    let mut header = if size == CORE {
        let [width, height, planes, depth] = UserPtr::<[u16; 4]>::new(at + 4).read(k)?;
        Header { width: width.into(), height: height.into(), planes, depth, ..Header::default() }
    } else if size >= size_of::<Header>() as u32 {
        UserPtr::<Header>::new(at).read(k)?
    } else {
        return Ok(None);
    };
    header.size = size_of::<Header>() as u32;
    if matches!(header.compression, RGB | BITFIELDS) {
        header.image_size = header.bytes().and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(0);
    }
    Ok(Some((header, size)))
}

impl Header {
    /// Bytes of all rows, not compressed.
    pub fn bytes(&self) -> Option<u64> {
        let stride = stride(self.width, self.depth.into()) as u64;
        stride.checked_mul(u64::from(self.height.unsigned_abs()))
    }

    fn is_valid(&self, compressed: bool) -> bool {
        if self.width <= 0 || self.height == 0 || self.height == i32::MIN {
            return false;
        }
        if compressed && matches!(self.compression, RLE4 | RLE8) {
            let depth = if self.compression == RLE4 { 4 } else { 8 };
            return self.height > 0 && self.image_size != 0 && self.depth == depth;
        }
        if self.planes == 0 || self.depth == 0 || u32::MAX / u32::from(self.depth) < self.width as u32 {
            return false;
        }
        if self.bytes().is_none_or(|bytes| bytes > u64::from(u32::MAX)) {
            return false;
        }
        match self.depth {
            1 | 4 | 8 | 24 => self.compression == RGB,
            16 | 32 => matches!(self.compression, RGB | BITFIELDS),
            _ => false,
        }
    }
}

impl Info {
    /// Reads a BITMAPINFO; `None` if it describes no bitmap. `compressed`: whether BI_RLE4 and BI_RLE8 will do.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read(k: &Kernel, at: u64, usage: u32, compressed: bool) -> Nt<Option<Info>> {
        if usage > PALETTE_INDICES {
            return Ok(None);
        }
        let Some((mut header, size)) = read_header(k, at)? else { return Ok(None) };
        if !header.is_valid(compressed) || usage == PALETTE_INDICES && (header.depth != 1 || header.compression != RGB)
        {
            return Ok(None);
        }
        let entry = match (usage, size) {
            (RGB_COLORS, CORE) => 3,
            (RGB_COLORS, _) => 4,
            _ => 2,
        };
        let in_table = match header.depth {
            _ if header.colors_used != 0 => header.colors_used.min(256),
            depth @ ..=8 => 1 << depth,
            _ => 0,
        };
        let bitfields = header.compression == BITFIELDS;
        let own = if size == CORE { CORE } else { size.max(if bitfields { 52 } else { 40 }) };
        let bytes = u64::from(own) + u64::from(in_table) * entry;
        let mut info = Info { header, masks: [0; 3], colors: Colors::None, bytes };
        if bitfields {
            // Always where they are in the smallest header.
            info.masks = UserPtr::<[u32; 3]>::new(at + 40).read(k)?;
            header.colors_used = 0;
        } else if header.depth <= 8 {
            let most = 1u32 << header.depth;
            let count = if header.colors_used == 0 { most } else { header.colors_used.min(most) };
            let from = at + u64::from(size);
            header.colors_used = most;
            info.colors = match usage {
                PALETTE_COLORS => {
                    header.colors_used = count;
                    Colors::Indices(UserPtr::<u16>::new(from).read_vec(k, count as usize)?)
                }
                PALETTE_INDICES => Colors::Rgb(vec![0, 0xff_ffff]),
                _ => {
                    let raw = UserSlice::new(from, u64::from(count) * entry).read_all(k)?;
                    let color = |bytes: &[u8]| match *bytes {
                        [blue, green, red] => u32::from_le_bytes([blue, green, red, 0]),
                        [blue, green, red, other] => u32::from_le_bytes([blue, green, red, other]),
                        _ => 0,
                    };
                    let mut colors: Vec<u32> = raw.chunks_exact(entry as usize).map(color).collect();
                    colors.resize(most as usize, 0);
                    Colors::Rgb(colors)
                }
            };
        } else {
            header.colors_used = 0;
        }
        info.header = header;
        Ok(Some(info))
    }

    /// Rows.
    pub fn height(&self) -> i32 {
        self.header.height.saturating_abs()
    }

    /// Bytes of a row.
    pub fn stride(&self) -> usize {
        stride(self.header.width, self.header.depth.into())
    }

    /// The format of its pixels; indices are looked up in a palette.
    pub fn format(&self, palette: &Palette) -> Format {
        let masks = (self.header.compression == BITFIELDS).then_some(self.masks);
        let colors = match &self.colors {
            Colors::None => None,
            Colors::Rgb(colors) => Some(colors.as_slice().into()),
            Colors::Indices(indices) => {
                let entries = palette.0.lock().len().max(1);
                let mut colors: Vec<u32> =
                    indices.iter().map(|index| palette.color((usize::from(*index) % entries) as u16)).collect();
                colors.resize(1 << self.header.depth.min(8), 0);
                Some(colors.into())
            }
        };
        Format::new(self.header.depth.into(), masks, colors)
    }

    /// The masks that a bitmap of it has: DIBSECTION's.
    pub fn bitfields(&self) -> [u32; 3] {
        match (self.header.depth, self.header.compression) {
            (_, BITFIELDS) => self.masks,
            (16, RGB) => MASKS_555,
            _ => [0; 3],
        }
    }

    /// Masks that pixels of so many bits have without BI_BITFIELDS.
    pub fn default_masks(depth: u16) -> [u32; 3] {
        if depth == 16 { MASKS_555 } else { MASKS_888 }
    }
}
