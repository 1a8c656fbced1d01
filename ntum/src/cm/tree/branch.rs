//! A key with all that lies in it, as one thing: what a file of a hive holds.

use super::op::{Create, Op, SetValue};
use super::{KeyId, MAX_NAME, MAX_VALUE_NAME, Tree};
use crate::cm::hive::{Text, flags};
use crate::cm::regf::{Branch, BranchValue};
use crate::status::*;

impl Tree {
    /// A key with all that lies in it and is kept beyond the session; with the volatile ones if `whole`.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn branch(&self, key: KeyId, whole: bool) -> Nt<Branch> {
        self.live(key)?;
        // Finished subkeys of each key on the way down.
        let mut stack = vec![(key, 0, self.leaf(key))];
        loop {
            let Some((at, index, _)) = stack.last_mut() else { return Err(STATUS_KEY_DELETED) };
            let child = self.numbered_child(*at, *index);
            *index += 1;
            match child {
                Some(child) if whole || self.node(child).is_none_or(|node| !node.volatile) => {
                    stack.push((child, 0, self.leaf(child)));
                }
                Some(_) => {}
                None => {
                    let Some((_, _, done)) = stack.pop() else { return Err(STATUS_KEY_DELETED) };
                    match stack.last_mut() {
                        Some((_, _, above)) => above.subkeys.push(done),
                        None => return Ok(done),
                    }
                }
            }
        }
    }

    /// A key without its subkeys, for one that may have no node.
    fn leaf(&self, key: KeyId) -> Branch {
        let (node, raw) = (self.node(key), self.raw(key));
        let class = node.and_then(|node| node.class.as_deref()).map(Text::of).or(raw.map(|raw| raw.class));
        let value =
            |name: Text<'_>, kind: u32, data: &[u8]| BranchValue { name: name.to_vec(), kind, data: data.into() };
        let values = match node.and_then(|node| node.values.as_ref()) {
            Some(values) => values.iter().map(|v| value(Text::of(&v.name), v.kind, &v.data)).collect(),
            None => {
                let numbers = raw.iter().flat_map(|raw| raw.values.iter());
                let values = numbers.filter_map(|number| self.hive.value(number));
                values.map(|v| value(v.name, v.kind, v.data)).collect()
            }
        };
        Branch {
            name: self.name_of(key).to_vec(),
            class: class.map(Text::to_vec).unwrap_or_default(),
            written: node.map(|node| node.written).or(raw.map(|raw| raw.written)).unwrap_or(0),
            link: node.map(|node| node.flags).or(raw.map(|raw| raw.flags)).unwrap_or(0) & flags::LINK != 0,
            security: node.and_then(|node| node.security.as_deref()).map(Into::into),
            values,
            subkeys: Vec::new(),
        }
    }

    /// What makes a branch's values and subkeys in `key`, which has none; `made` keys were made by changes before these.
    ///
    /// # Errors
    /// `STATUS_NOT_REGISTRY_FILE` for names that no key can have.
    pub fn plant(&self, key: KeyId, branch: &Branch, made: u32, volatile: bool) -> Nt<Vec<Op>> {
        let mut ops = Vec::new();
        let mut next = self.next.wrapping_add(made);
        let mut left = vec![(key, branch)];
        while let Some((key, branch)) = left.pop() {
            for value in &branch.values {
                if value.name.len() > MAX_VALUE_NAME {
                    return Err(STATUS_NOT_REGISTRY_FILE);
                }
                let (name, data) = (value.name.clone(), value.data.clone());
                ops.push(Op::SetValue(SetValue { key: key.0, name, kind: value.kind, data, now: branch.written }));
            }
            for subkey in &branch.subkeys {
                if subkey.name.is_empty() || subkey.name.len() > MAX_NAME || subkey.name.contains(&u16::from(b'\\')) {
                    return Err(STATUS_NOT_REGISTRY_FILE);
                }
                ops.push(Op::Create(Create {
                    parent: key.0,
                    name: subkey.name.clone(),
                    flags: if subkey.link { flags::LINK } else { 0 },
                    volatile,
                    class: subkey.class.clone(),
                    security: subkey.security.clone(),
                    now: branch.written,
                }));
                left.push((KeyId(next), subkey));
                next = next.wrapping_add(1);
            }
            ops.push(Op::Touch(key, branch.written));
        }
        Ok(ops)
    }
}
