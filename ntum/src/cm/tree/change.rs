//! Changing the registry: what may be done, and doing it.

use super::op::{Create, Op, SetValue};
use super::values::Owned;
use super::{KeyId, LINK_VALUE, MAX_DEPTH, MAX_NAME, MAX_VALUE_NAME, Node, REG_LINK, Tree, bytes_of};
use crate::cm::fold::compare;
use crate::cm::hive::flags;
use crate::cm::notify::{CHANGE_LAST_SET, CHANGE_NAME, CHANGE_SECURITY};
use crate::status::*;
use crate::types::wide;
use std::cmp::Ordering;

impl Tree {
    /// Whether a subkey of this name can be made.
    ///
    /// # Errors
    /// `STATUS_CHILD_MUST_BE_VOLATILE`, `STATUS_OBJECT_NAME_COLLISION`, `STATUS_INVALID_PARAMETER` for a name or a depth
    /// beyond the limits, `STATUS_KEY_DELETED`.
    pub fn may_create(&self, parent: KeyId, name: &[u16], volatile: bool) -> Nt<()> {
        let node = self.live(parent)?;
        if name.is_empty() || name.len() > MAX_NAME || self.depth(parent) >= MAX_DEPTH {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if node.volatile && !volatile {
            return Err(STATUS_CHILD_MUST_BE_VOLATILE);
        }
        if self.find_child(parent, node, name).is_ok() { Err(STATUS_OBJECT_NAME_COLLISION) } else { Ok(()) }
    }

    /// Whether a key can be deleted; `false`: it is already.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` for a root, a key with subkeys; `STATUS_CANNOT_DELETE` for a hive that was loaded, `STATUS_INVALID_HANDLE`
    /// for a predefined key.
    pub fn may_delete(&self, key: KeyId) -> Nt<bool> {
        let Ok(node) = self.live(key) else { return Ok(false) };
        if key == KeyId::ROOT || self.child_count(key, node) != 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        if node.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        // A hive goes as it came.
        if node.file.is_some() {
            return Err(STATUS_CANNOT_DELETE);
        }
        Ok(true)
    }

    /// Whether a key can have another name in the same place.
    ///
    /// # Errors
    /// `STATUS_CANNOT_DELETE` for a root or a name that is taken (its own too), `STATUS_INVALID_PARAMETER` for what is no
    /// name, `STATUS_KEY_DELETED`.
    pub fn may_rename(&self, key: KeyId, name: &[u16]) -> Nt<()> {
        let node = self.live(key)?;
        if name.is_empty() || name.len() > MAX_NAME || name.contains(&u16::from(b'\\')) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let above = self.node(node.parent).filter(|_| key != KeyId::ROOT).ok_or(STATUS_CANNOT_DELETE)?;
        if self.find_child(node.parent, above, name).is_ok() { Err(STATUS_CANNOT_DELETE) } else { Ok(()) }
    }

    /// Whether a value can be set; `false`: it is so already.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` for what a symbolic link can't hold, `STATUS_INVALID_PARAMETER` for a name beyond the limit,
    /// `STATUS_INVALID_HANDLE` for a predefined key, `STATUS_KEY_DELETED`.
    pub fn may_set_value(&self, key: KeyId, name: &[u16], kind: u32, data: &[u8]) -> Nt<bool> {
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
        let known = self.find_value(key, node, name).ok().and_then(|at| self.nth_value(key, node, at));
        Ok(known.is_none_or(|known| known.kind != kind || known.data != data))
    }

    /// Whether there is such a value to delete.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_INVALID_HANDLE` for a predefined key, `STATUS_KEY_DELETED`.
    pub fn may_delete_value(&self, key: KeyId, name: &[u16]) -> Nt<()> {
        let node = self.live(key)?;
        if node.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        self.find_value(key, node, name).map(|_| ()).map_err(|_| STATUS_OBJECT_NAME_NOT_FOUND)
    }

    /// The number that the next key will have that is made.
    pub fn next_key(&self) -> KeyId {
        KeyId(self.next)
    }

    /// What deletes a key with all that lies in it, or only what lies in it.
    ///
    /// # Errors
    /// As [`Tree::may_delete`], before anything happens.
    pub fn delete_tree(&self, key: KeyId, itself: bool, now: u64) -> Nt<Vec<Op>> {
        let mut ops = Vec::new();
        // Each with how many of its subkeys have been seen to.
        let mut stack = vec![(key, 0)];
        while let Some((top, seen)) = stack.last_mut() {
            let (key, child) = (*top, self.numbered_child(*top, *seen));
            *seen += 1;
            match child {
                Some(child) => stack.push((child, 0)),
                None => {
                    stack.pop();
                    let flags = self.node(key).map(|node| node.flags).or_else(|| Some(self.raw(key)?.flags));
                    if flags.is_some_and(|flags| flags & flags::PREDEFINED != 0) {
                        return Err(STATUS_INVALID_HANDLE);
                    }
                    if !stack.is_empty() || itself {
                        ops.push(Op::Delete(key, now));
                    }
                }
            }
        }
        if itself && key == KeyId::ROOT { Err(STATUS_ACCESS_DENIED) } else { Ok(ops) }
    }

    /// A key's subkey by its place, for a key that may have no node.
    pub(super) fn numbered_child(&self, key: KeyId, index: usize) -> Option<KeyId> {
        match self.node(key) {
            Some(node) => self.child_at(key, node, index),
            None => self.raw(key)?.subkeys.get(index).map(KeyId),
        }
    }

    /// Makes a change. Answers the key that watches of it are told of, and of what.
    pub fn apply(&mut self, op: &Op) -> Option<(KeyId, u32)> {
        match op {
            Op::Create(made) => {
                let parent = KeyId(made.parent);
                self.create_unchecked(made)?;
                Some((parent, CHANGE_NAME))
            }
            Op::Delete(key, now) => self.remove(*key, *now).map(|parent| (parent, CHANGE_NAME)),
            Op::SetValue(set) => {
                self.put_value(set)?;
                Some((KeyId(set.key), CHANGE_LAST_SET))
            }
            Op::DeleteValue(key, name, now) => {
                self.reach(*key);
                let at = self.find_value(*key, self.live(*key).ok()?, name).ok()?;
                let values = self.own_values(*key)?;
                if at < values.len() {
                    values.remove(at);
                }
                self.touch(*key, *now);
                Some((*key, CHANGE_LAST_SET))
            }
            Op::Rename(key, name, now) => {
                self.rename_unchecked(*key, name, *now)?;
                Some((*key, CHANGE_NAME))
            }
            Op::Secure(key, descriptor) => {
                self.reach(*key);
                let node = self.node_mut(*key)?;
                node.security = Some(descriptor.as_slice().into());
                node.changed = true;
                Some((*key, CHANGE_SECURITY))
            }
            Op::Touch(key, now) => {
                self.reach(*key);
                self.touch(*key, *now);
                Some((*key, CHANGE_LAST_SET))
            }
            Op::Dress(key, class, flags, now) => {
                self.reach(*key);
                let node = self.node_mut(*key)?;
                node.class = Some(bytes_of(class));
                (node.flags, node.written, node.changed) = (*flags, *now, true);
                Some((*key, CHANGE_LAST_SET))
            }
            Op::Keep(key, which, word) => {
                self.reach(*key);
                let node = self.node_mut(*key)?;
                *node.kept.get_mut(usize::from(*which))? = *word;
                node.changed = true;
                None
            }
            Op::Mount(key, file) => {
                self.loads = true;
                self.reach(*key);
                let node = self.node_mut(*key)?;
                node.file = (!file.is_empty()).then(|| bytes_of(file));
                node.changed = true;
                None
            }
            Op::State(state) => {
                self.set_state(state);
                None
            }
            Op::Next(next) => {
                self.next = *next;
                None
            }
        }
    }

    fn create_unchecked(&mut self, made: &Create) -> Option<()> {
        let (parent, key) = (KeyId(made.parent), KeyId(self.next));
        // Taken in any case, so that all count alike.
        self.next += 1;
        self.reach(parent);
        let at = self.find_child(parent, self.live(parent).ok()?, &made.name).err()?;
        self.add(
            key,
            Node {
                name: bytes_of(&made.name),
                parent,
                class: (!made.class.is_empty()).then(|| bytes_of(&made.class)),
                security: made.security.as_deref().map(Into::into),
                written: made.now,
                flags: made.flags,
                kept: [0; 2],
                file: None,
                volatile: made.volatile,
                deleted: false,
                changed: true,
                opens: 0,
                held: 0,
                children: None,
                values: None,
            },
        );
        let children = self.own_children(parent)?;
        children.insert(at.min(children.len()), key);
        self.touch(parent, made.now);
        Some(())
    }

    fn remove(&mut self, key: KeyId, now: u64) -> Option<KeyId> {
        self.reach(key);
        let parent = self.live(key).ok()?.parent;
        let children = self.own_children(parent)?;
        children.retain(|child| *child != key);
        self.touch(parent, now);
        if let Some(node) = self.node_mut(key) {
            node.deleted = true;
            (node.children, node.values, node.file) = (Some(Vec::new()), Some(Vec::new()), None);
        }
        self.forget(key);
        Some(parent)
    }

    fn rename_unchecked(&mut self, key: KeyId, name: &[u16], now: u64) -> Option<()> {
        self.reach(key);
        let parent = self.live(key).ok()?.parent;
        self.own_children(parent)?.retain(|child| *child != key);
        if let Some(node) = self.node_mut(key) {
            node.name = bytes_of(name);
            node.changed = true;
        }
        let to = self.find_child(parent, self.node(parent)?, name).unwrap_or_else(|at| at);
        let children = self.own_children(parent)?;
        children.insert(to.min(children.len()), key);
        self.touch(key, now);
        Some(())
    }

    fn put_value(&mut self, set: &SetValue) -> Option<()> {
        let key = KeyId(set.key);
        self.reach(key);
        let at = self.find_value(key, self.live(key).ok()?, &set.name);
        let values = self.own_values(key)?;
        match at {
            Ok(at) => {
                let value = values.get_mut(at)?;
                (value.kind, value.data) = (set.kind, set.data.clone());
            }
            Err(at) => {
                let name = bytes_of(&set.name).into_vec();
                values.insert(at.min(values.len()), Owned { name, kind: set.kind, data: set.data.clone() });
            }
        }
        self.touch(key, set.now);
        Some(())
    }

    /// Sets the time of the last write.
    fn touch(&mut self, key: KeyId, now: u64) {
        if let Some(node) = self.node_mut(key) {
            node.written = now;
            node.changed = true;
        }
    }

    /// Takes the list of subkeys over from the hive, to change it.
    fn own_children(&mut self, key: KeyId) -> Option<&mut Vec<KeyId>> {
        let raw = self.raw(key);
        let node = self.node_mut(key)?;
        node.changed = true;
        Some(
            node.children
                .get_or_insert_with(|| raw.map_or_else(Vec::new, |raw| raw.subkeys.iter().map(KeyId).collect())),
        )
    }

    /// Takes the list of values over from the hive, to change it.
    fn own_values(&mut self, key: KeyId) -> Option<&mut Vec<Owned>> {
        let (hive, raw) = (self.hive, self.raw(key));
        let node = self.node_mut(key)?;
        node.changed = true;
        Some(node.values.get_or_insert_with(|| {
            let values = raw.iter().flat_map(|raw| raw.values.iter()).filter_map(|number| hive.value(number));
            values.map(|v| Owned { name: v.name.bytes().into(), kind: v.kind, data: v.data.into() }).collect()
        }))
    }
}

/// Changes that belong together, and the registry with them made, against which the next is checked.
pub struct Made<'a> {
    /// The registry.
    pub tree: &'a mut Tree,
    /// What has been done to it.
    pub ops: Vec<Op>,
}

impl Made<'_> {
    fn make(&mut self, op: Op) -> Option<(KeyId, u32)> {
        let told = self.tree.apply(&op);
        self.ops.push(op);
        told
    }

    /// Makes a subkey that is not there yet.
    ///
    /// # Errors
    /// As [`Tree::may_create`].
    pub fn create(&mut self, parent: KeyId, name: &[u16], volatile: bool, link: bool, now: u64) -> Nt<KeyId> {
        self.tree.may_create(parent, name, volatile)?;
        let key = self.tree.next_key();
        self.make(Op::Create(Create {
            parent: parent.0,
            name: name.into(),
            flags: if link { flags::LINK } else { 0 },
            volatile,
            class: Vec::new(),
            security: None,
            now,
        }));
        Ok(key)
    }

    /// Sets a value; answers whether anything changed.
    ///
    /// # Errors
    /// As [`Tree::may_set_value`].
    pub fn set_value(&mut self, key: KeyId, name: &[u16], kind: u32, data: &[u8], now: u64) -> Nt<bool> {
        if !self.tree.may_set_value(key, name, kind, data)? {
            return Ok(false);
        }
        self.make(Op::SetValue(SetValue { key: key.0, name: name.into(), kind, data: data.into(), now }));
        Ok(true)
    }

    /// Carries out changes that were checked.
    pub fn carry_out(&mut self, ops: Vec<Op>) {
        for op in ops {
            self.make(op);
        }
    }
}
