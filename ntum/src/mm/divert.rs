//! A function of a DLL's that the kernel goes before: who looks it up by name finds code of the kernel's in the picoprocess's own
//! copy of the DLL, behind the end of its code, where the last page has room. That code may go on with the function itself.

use super::Mm;
use super::page::PAGE_SIZE;
use crate::kernel::Kernel;
use crate::status::*;

/// Names that a DLL exports at most, where it is looked through.
const MOST_NAMES: u32 = 0x400;
/// Bytes of a name that is looked for at most, with its zero.
const LONGEST: usize = 64;
/// Where a PE32+ header has its directory of exports, behind the signature.
const EXPORTS: u64 = 24 + 112;

/// What is read of an image.
struct Reader<'a> {
    k: &'a Kernel,
    base: u64,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&self, at: u64) -> Nt<[u8; N]> {
        let mut bytes = [0; N];
        self.k.read_user(self.base.wrapping_add(at), &mut bytes)?;
        Ok(bytes)
    }

    fn word(&self, at: u64) -> Nt<u64> {
        Ok(u32::from_le_bytes(self.bytes(at)?).into())
    }

    fn half(&self, at: u64) -> Nt<u64> {
        Ok(u16::from_le_bytes(self.bytes(at)?).into())
    }

    /// Where the table of exports has the address of that one.
    fn export(&self, header: u64, name: &[u8]) -> Nt<Option<u64>> {
        let directory = self.word(header + EXPORTS)?;
        if directory == 0 {
            return Ok(None);
        }
        let count = (self.word(directory + 24)? as u32).min(MOST_NAMES);
        let [functions, names, ordinals] = [28, 32, 36].map(|at| self.word(directory + at));
        let (functions, names, ordinals) = (functions?, names?, ordinals?);
        for index in 0..u64::from(count) {
            let at = self.word(names + index * 4)?;
            let text: [u8; LONGEST] = self.bytes(at)?;
            if text.starts_with(name) && text.get(name.len()) == Some(&0) {
                return Ok(Some(functions + self.half(ordinals + index * 2)? * 4));
            }
        }
        Ok(None)
    }

    /// Where the first section's bytes end, and where its last page does.
    fn room(&self, header: u64) -> Nt<(u64, u64)> {
        let section = header + 24 + self.half(header + 20)?;
        let (size, from) = (self.word(section + 8)?, self.word(section + 12)?);
        let end = from + size;
        Ok((end.next_multiple_of(16), end.next_multiple_of(PAGE_SIZE)))
    }
}

impl Mm {
    /// Has the image at `base` export other code as `name`, if it has such a function and room for the code; `code` is told the
    /// distance from the beginning of that code to the function. Answers whether it does so.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, what the host answers.
    pub fn divert(&self, k: &Kernel, base: u64, name: &[u8], code: impl FnOnce(i32) -> Vec<u8>) -> Nt<bool> {
        let reader = Reader { k, base };
        let header = reader.word(0x3c)?;
        let Some(entry) = reader.export(header, name)? else { return Ok(false) };
        let (begin, end) = reader.room(header)?;
        let function = reader.word(entry)?;
        let Ok(distance) = i32::try_from(function as i64 - begin as i64) else { return Ok(false) };
        let code = code(distance);
        if begin + code.len() as u64 > end {
            return Ok(false);
        }
        // Pages are there once they were read.
        reader.bytes::<1>(begin)?;
        self.change(k, base + begin, &code)?;
        self.change(k, base + entry, &(begin as u32).to_le_bytes())?;
        Ok(true)
    }
}
