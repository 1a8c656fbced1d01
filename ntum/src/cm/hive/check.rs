//! Whether a hive holds in every part: done when an image is made or doubted, not at every start.

use super::{Damage, Hive, fold, long};
use core::cmp::Ordering;

/// Where the bytes that the checksum covers begin.
const COVERED: usize = 32;

/// The checksum of a hive's bytes.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    shim_abi::image::checksum(bytes.get(COVERED..).unwrap_or_default())
}

impl Hive<'_> {
    /// Checks the checksum, and every key and value.
    ///
    /// # Errors
    /// [`Damage::Checksum`] or [`Damage::Structure`].
    pub fn verify(&self) -> Result<(), Damage> {
        if long(self.whole, 24) != Some(checksum(self.whole)) {
            return Err(Damage::Checksum);
        }
        // Each key's subkeys and values follow those of the key before: so every one of them has exactly one owner.
        let (mut next_key, mut next_value) = (1usize, 0usize);
        for number in 0..u32::try_from(self.key_count()).map_err(|_| Damage::Structure)? {
            let key = self.key(number).ok_or(Damage::Structure)?;
            if !key.subkeys.is_empty() && key.subkeys.get(0).map(|first| first as usize) != Some(next_key)
                || !key.values.is_empty() && key.values.get(0).map(|first| first as usize) != Some(next_value)
                || key.class.bytes().len() % 2 != 0
            {
                return Err(Damage::Structure);
            }
            next_key += key.subkeys.len();
            next_value += key.values.len();
            let mut subkeys = Vec::with_capacity(key.subkeys.len().min(self.key_count()));
            for number in key.subkeys.iter() {
                subkeys.push(
                    self.key(number).filter(|sub| sub.name.bytes().len() % 2 == 0).ok_or(Damage::Structure)?.name,
                );
            }
            let mut values = Vec::with_capacity(key.values.len().min(self.value_count()));
            for number in key.values.iter() {
                values
                    .push(self.value(number).filter(|v| v.name.bytes().len() % 2 == 0).ok_or(Damage::Structure)?.name);
            }
            let sorted = |names: &[super::Text]| {
                names.is_sorted_by(|a, b| fold::compare(a.units(), b.units()) == Ordering::Less)
            };
            if !sorted(&subkeys) || !sorted(&values) {
                return Err(Damage::Structure);
            }
        }
        if next_key == self.key_count() && next_value == self.value_count() { Ok(()) } else { Err(Damage::Structure) }
    }
}
