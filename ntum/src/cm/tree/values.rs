//! Values of keys, as they are found.

use super::{KeyId, Node, Tree};
use crate::cm::fold::compare;
use crate::cm::hive::{Text, Value};
use crate::status::*;
use std::cmp::Ordering;

shim_abi::wire_structs! {
    /// A value that is not the hive's.
    pub struct Owned {
        /// Its name, UTF-16.
        pub name: Vec<u8>,
        /// Its type.
        pub kind: u32,
        /// Its data.
        pub data: Vec<u8>,
    }
}

impl Owned {
    pub(super) fn view(&self) -> Value<'_> {
        Value { name: Text::of(&self.name), kind: self.kind, data: &self.data }
    }
}

impl Tree {
    fn count_values(&self, key: KeyId, node: &Node) -> usize {
        match &node.values {
            Some(values) => values.len(),
            None => self.raw(key).map_or(0, |raw| raw.values.len()),
        }
    }

    pub(super) fn nth_value<'a>(&'a self, key: KeyId, node: &'a Node, index: usize) -> Option<Value<'a>> {
        match &node.values {
            Some(values) => values.get(index).map(Owned::view),
            None => self.hive.value(self.raw(key)?.values.get(index)?),
        }
    }

    /// How many values the key has.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn value_count(&self, key: KeyId) -> Nt<usize> {
        self.live(key).map(|node| self.count_values(key, node))
    }

    /// The value with this number.
    ///
    /// # Errors
    /// `STATUS_NO_MORE_ENTRIES`, `STATUS_KEY_DELETED`.
    pub fn value_at(&self, key: KeyId, index: usize) -> Nt<Value<'_>> {
        self.nth_value(key, self.live(key)?, index).ok_or(STATUS_NO_MORE_ENTRIES)
    }

    /// Where a value of this name is, or belongs.
    pub(super) fn find_value(&self, key: KeyId, node: &Node, name: &[u16]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.count_values(key, node));
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(value) = self.nth_value(key, node, middle) else { return Err(low) };
            match compare(value.name.units(), name.iter().copied()) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The value of this name.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_KEY_DELETED`.
    pub fn value(&self, key: KeyId, name: &[u16]) -> Nt<Value<'_>> {
        let node = self.live(key)?;
        let at = self.find_value(key, node, name).map_err(|_| STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.nth_value(key, node, at).ok_or(STATUS_REGISTRY_CORRUPT)
    }
}
