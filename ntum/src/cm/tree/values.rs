//! Values of keys.

use super::{KeyId, LINK_VALUE, MAX_VALUE_NAME, Node, REG_LINK, Tree, bytes_of};
use crate::cm::fold::compare;
use crate::cm::hive::{Text, Value, flags};
use crate::status::*;
use crate::types::wide;
use std::cmp::Ordering;

/// A value that is not the hive's.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    name: Box<[u8]>,
    kind: u32,
    data: Box<[u8]>,
}

impl Owned {
    fn view(&self) -> Value<'_> {
        Value { name: Text::of(&self.name), kind: self.kind, data: &self.data }
    }
}

impl Tree {
    fn count_values(&self, node: &Node) -> usize {
        match (&node.values, node.base.and_then(|base| self.hive.key(base))) {
            (Some(values), _) => values.len(),
            (None, Some(raw)) => raw.values.len(),
            (None, None) => 0,
        }
    }

    fn nth_value<'a>(&'a self, node: &'a Node, index: usize) -> Option<Value<'a>> {
        match &node.values {
            Some(values) => values.get(index).map(Owned::view),
            None => self.hive.value(self.hive.key(node.base?)?.values.get(index)?),
        }
    }

    /// How many values the key has.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn value_count(&self, key: KeyId) -> Nt<usize> {
        self.live(key).map(|node| self.count_values(node))
    }

    /// The value with this number.
    ///
    /// # Errors
    /// `STATUS_NO_MORE_ENTRIES`, `STATUS_KEY_DELETED`.
    pub fn value_at(&self, key: KeyId, index: usize) -> Nt<Value<'_>> {
        self.nth_value(self.live(key)?, index).ok_or(STATUS_NO_MORE_ENTRIES)
    }

    /// Where a value of this name is, or belongs.
    fn find_value(&self, node: &Node, name: &[u16]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.count_values(node));
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(value) = self.nth_value(node, middle) else { return Err(low) };
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
        let at = self.find_value(node, name).map_err(|_| STATUS_OBJECT_NAME_NOT_FOUND)?;
        self.nth_value(node, at).ok_or(STATUS_REGISTRY_CORRUPT)
    }

    /// Takes the list of values over from the hive, to change it.
    fn own_values(&mut self, key: KeyId) -> Option<&mut Vec<Owned>> {
        let hive = self.hive;
        let node = self.node_mut(key)?;
        node.changed = true;
        let base = node.base;
        Some(node.values.get_or_insert_with(|| {
            let raw = base.and_then(|base| hive.key(base));
            let values = raw.iter().flat_map(|raw| raw.values.iter()).filter_map(|number| hive.value(number));
            values.map(|v| Owned { name: v.name.bytes().into(), kind: v.kind, data: v.data.into() }).collect()
        }))
    }

    /// Sets a value; answers whether anything changed.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` for what a symbolic link can't hold, `STATUS_INVALID_PARAMETER` for a name beyond the limit,
    /// `STATUS_INVALID_HANDLE` for a predefined key, `STATUS_KEY_DELETED`.
    pub fn set_value(&mut self, key: KeyId, name: &[u16], kind: u32, data: &[u8], now: u64) -> Nt<bool> {
        let node = self.live(key)?;
        if name.len() > MAX_VALUE_NAME {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if node.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        let link = compare(wide(LINK_VALUE), name.iter().copied()) == Ordering::Equal;
        if node.flags & flags::LINK != 0 && (kind != REG_LINK || !link) {
            return Err(STATUS_ACCESS_DENIED);
        }
        let at = self.find_value(node, name);
        if let Ok(at) = at
            && let Some(known) = self.nth_value(node, at)
            && known.kind == kind
            && known.data == data
        {
            return Ok(false);
        }
        if let Some(values) = self.own_values(key) {
            match at {
                Ok(at) => {
                    if let Some(value) = values.get_mut(at) {
                        (value.kind, value.data) = (kind, data.into());
                    }
                }
                Err(at) => {
                    let at = at.min(values.len());
                    values.insert(at, Owned { name: bytes_of(name), kind, data: data.into() });
                }
            }
        }
        self.touch(key, now);
        Ok(true)
    }

    /// Deletes a value.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INVALID_HANDLE` for a predefined key, `STATUS_KEY_DELETED`.
    pub fn delete_value(&mut self, key: KeyId, name: &[u16], now: u64) -> Nt<()> {
        let node = self.live(key)?;
        if node.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        let at = self.find_value(node, name).map_err(|_| STATUS_OBJECT_NAME_NOT_FOUND)?;
        if let Some(values) = self.own_values(key)
            && at < values.len()
        {
            values.remove(at);
        }
        self.touch(key, now);
        Ok(())
    }
}
