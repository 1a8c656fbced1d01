//! The registry as it is now: the image's hive, and over it what this sandbox changed, in memory.
//!
//! A key of the hive costs nothing until it is opened; then a node stands for it, which goes away with the last handle if
//! nothing was changed. A node takes its list of subkeys or values over from the hive when it first changes.

use super::hive::{Hive, Text, flags};
use crate::cm::fold::compare;
use crate::status::*;
use crate::types::wide;
use std::cmp::Ordering;
use std::collections::HashMap;

mod path;
mod values;
pub use path::{Resolved, below_registry};

/// Longest name of a key, in UTF-16 units.
pub const MAX_NAME: usize = 256;
/// Longest name of a value, in UTF-16 units.
pub const MAX_VALUE_NAME: usize = 16_383;
/// Deepest nesting of keys.
pub const MAX_DEPTH: usize = 512;
/// The value of a symbolic link that holds its target.
pub const LINK_VALUE: &str = "SymbolicLinkValue";
/// Type of that value.
pub const REG_LINK: u32 = 6;

/// Number of a node. It means the same key as long as the key is open or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// \REGISTRY.
    pub const ROOT: KeyId = KeyId(0);
}

/// A key's security descriptor, in self-relative form.
type Security = Box<[u8]>;

/// A subkey in a list taken over from the hive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Child {
    /// One of the hive's, perhaps with a node.
    Base(u32),
    /// One that is not in the hive, or not under this name.
    Node(KeyId),
}

#[derive(Debug)]
struct Node {
    name: Box<[u8]>,
    parent: KeyId,
    base: Option<u32>,
    class: Option<Box<[u8]>>,
    security: Option<Security>,
    written: u64,
    flags: u16,
    volatile: bool,
    deleted: bool,
    /// Changed, so that the node must stay.
    changed: bool,
    /// Open key objects.
    opens: u32,
    /// Nodes whose parent this is.
    held: u32,
    children: Option<Vec<Child>>,
    values: Option<Vec<values::Owned>>,
}

/// What is known of a key, for the query calls.
#[derive(Debug, Clone, Copy)]
pub struct KeyView<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its class.
    pub class: Text<'a>,
    /// Last write, 100 ns since 1601.
    pub written: u64,
    /// Bits of [`flags`].
    pub flags: u16,
    /// Whether it is lost at the end of the session.
    pub volatile: bool,
}

/// Longest names and data among a key's subkeys and values, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Subkeys.
    pub subkeys: u32,
    /// Longest name of a subkey.
    pub name: u32,
    /// Longest class of a subkey.
    pub class: u32,
    /// Values.
    pub values: u32,
    /// Longest name of a value.
    pub value_name: u32,
    /// Longest data of a value.
    pub data: u32,
}

/// The registry.
pub struct Tree {
    hive: Hive<'static>,
    nodes: Vec<Option<Node>>,
    free: Vec<u32>,
    shadows: HashMap<u32, KeyId>,
}

fn bytes_of(name: &[u16]) -> Box<[u8]> {
    name.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

impl Tree {
    /// The registry over a hive, with nothing changed.
    pub fn new(hive: Hive<'static>) -> Tree {
        let mut tree = Tree { hive, nodes: Vec::new(), free: Vec::new(), shadows: HashMap::new() };
        let root = tree.node_of_base(0, KeyId::ROOT);
        if let Some(root) = tree.node_mut(root) {
            root.name = bytes_of(&wide("REGISTRY"));
            root.changed = true;
        }
        tree
    }

    fn node(&self, key: KeyId) -> Option<&Node> {
        self.nodes.get(key.0 as usize)?.as_ref()
    }

    fn node_mut(&mut self, key: KeyId) -> Option<&mut Node> {
        self.nodes.get_mut(key.0 as usize)?.as_mut()
    }

    /// The node, if it is there and its key not deleted.
    fn live(&self, key: KeyId) -> Nt<&Node> {
        self.node(key).filter(|node| !node.deleted).ok_or(STATUS_KEY_DELETED)
    }

    fn add(&mut self, node: Node) -> KeyId {
        let parent = node.parent;
        let key = match self.free.pop() {
            Some(index) => KeyId(index),
            None => {
                self.nodes.push(None);
                KeyId((self.nodes.len() - 1) as u32)
            }
        };
        if let Some(slot) = self.nodes.get_mut(key.0 as usize) {
            *slot = Some(node);
        }
        if key != parent
            && let Some(parent) = self.node_mut(parent)
        {
            parent.held += 1;
        }
        key
    }

    /// The node that stands for a key of the hive.
    fn node_of_base(&mut self, base: u32, parent: KeyId) -> KeyId {
        if let Some(&key) = self.shadows.get(&base) {
            return key;
        }
        let raw = self.hive.key(base);
        let key = self.add(Node {
            name: raw.map_or_else(Box::default, |raw| raw.name.bytes().into()),
            parent,
            base: Some(base),
            class: None,
            security: None,
            written: raw.map_or(0, |raw| raw.written),
            flags: raw.map_or(0, |raw| raw.flags),
            volatile: false,
            deleted: false,
            changed: false,
            opens: 0,
            held: 0,
            children: None,
            values: None,
        });
        self.shadows.insert(base, key);
        key
    }

    /// Counts a key object more.
    pub fn open(&mut self, key: KeyId) {
        if let Some(node) = self.node_mut(key) {
            node.opens += 1;
        }
    }

    /// Counts a key object less; a node that nobody needs goes away.
    pub fn close(&mut self, key: KeyId) {
        if let Some(node) = self.node_mut(key) {
            node.opens = node.opens.saturating_sub(1);
        }
        self.forget(key);
    }

    /// Drops what a walk left behind at `key` without opening it.
    pub fn settle(&mut self, key: KeyId) {
        self.forget(key);
    }

    /// Drops nodes that only repeat the hive, from `key` upwards.
    fn forget(&mut self, mut key: KeyId) {
        while let Some(node) = self.node(key) {
            if key == KeyId::ROOT || node.opens != 0 || node.held != 0 || node.changed && !node.deleted {
                return;
            }
            let (parent, base) = (node.parent, node.base);
            if let Some(slot) = self.nodes.get_mut(key.0 as usize) {
                *slot = None;
            }
            self.free.push(key.0);
            if let Some(base) = base
                && self.shadows.get(&base) == Some(&key)
            {
                self.shadows.remove(&base);
            }
            if let Some(parent) = self.node_mut(parent) {
                parent.held = parent.held.saturating_sub(1);
            }
            key = parent;
        }
    }

    /// Whether the key was deleted.
    pub fn is_deleted(&self, key: KeyId) -> bool {
        self.live(key).is_err()
    }

    /// The key that `key` lies in.
    pub fn parent(&self, key: KeyId) -> Option<KeyId> {
        self.node(key).map(|node| node.parent).filter(|parent| *parent != key)
    }

    /// The key's full path: `\REGISTRY\Machine\…`.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn path(&self, key: KeyId) -> Nt<Vec<u16>> {
        let mut names = Vec::new();
        let mut at = Some(key);
        while let Some(key) = at {
            names.push(Text::of(&self.live(key)?.name));
            at = self.parent(key);
        }
        let backslash = u16::from(b'\\');
        Ok(names.iter().rev().flat_map(|name| [backslash].into_iter().chain(name.units())).collect())
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn view(&self, key: KeyId) -> Nt<KeyView<'_>> {
        let node = self.live(key)?;
        let class = match (&node.class, node.base.and_then(|base| self.hive.key(base))) {
            (Some(class), _) => Text::of(class),
            (None, Some(base)) => base.class,
            (None, None) => Text::of(&[]),
        };
        Ok(KeyView {
            name: Text::of(&node.name),
            class,
            written: node.written,
            flags: node.flags,
            volatile: node.volatile,
        })
    }

    fn child_name(&self, child: Child) -> Text<'_> {
        let found = match child {
            Child::Base(base) => self.hive.key(base).map(|raw| raw.name),
            Child::Node(key) => self.node(key).map(|node| Text::of(&node.name)),
        };
        found.unwrap_or(Text::of(&[]))
    }

    /// How many subkeys there are.
    fn child_count(&self, node: &Node) -> usize {
        match (&node.children, node.base.and_then(|base| self.hive.key(base))) {
            (Some(children), _) => children.len(),
            (None, Some(raw)) => raw.subkeys.len(),
            (None, None) => 0,
        }
    }

    fn child_at(&self, node: &Node, index: usize) -> Option<Child> {
        match &node.children {
            Some(children) => children.get(index).copied(),
            None => self.hive.key(node.base?)?.subkeys.get(index).map(Child::Base),
        }
    }

    /// Where a subkey of this name is, or belongs.
    fn find_child(&self, node: &Node, name: &[u16]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.child_count(node));
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(child) = self.child_at(node, middle) else { return Err(low) };
            match compare(self.child_name(child).units(), name.iter().copied()) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The subkey of this name.
    pub fn subkey(&mut self, key: KeyId, name: &[u16]) -> Option<KeyId> {
        let node = self.live(key).ok()?;
        let child = self.child_at(node, self.find_child(node, name).ok()?)?;
        Some(match child {
            Child::Base(base) => self.node_of_base(base, key),
            Child::Node(key) => key,
        })
    }

    /// What is known of the subkey with this number.
    ///
    /// # Errors
    /// `STATUS_NO_MORE_ENTRIES`, `STATUS_KEY_DELETED`.
    pub fn subkey_view(&self, key: KeyId, index: usize) -> Nt<(KeyView<'_>, Extent)> {
        match self.child_at(self.live(key)?, index).ok_or(STATUS_NO_MORE_ENTRIES)? {
            Child::Node(key) => Ok((self.view(key)?, self.extent(key)?)),
            Child::Base(base) => {
                if let Some(&key) = self.shadows.get(&base) {
                    return Ok((self.view(key)?, self.extent(key)?));
                }
                let raw = self.hive.key(base).ok_or(STATUS_REGISTRY_CORRUPT)?;
                let view = KeyView {
                    name: raw.name,
                    class: raw.class,
                    written: raw.written,
                    flags: raw.flags,
                    volatile: false,
                };
                let mut extent = Extent::default();
                for (name, class) in raw.subkeys.iter().filter_map(|n| self.hive.key(n)).map(|k| (k.name, k.class)) {
                    extent.subkey(name, class);
                }
                for value in raw.values.iter().filter_map(|number| self.hive.value(number)) {
                    extent.value(value.name, value.data);
                }
                Ok((view, extent))
            }
        }
    }

    /// How many subkeys and values the key has, and how long their names and data are at most.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn extent(&self, key: KeyId) -> Nt<Extent> {
        let node = self.live(key)?;
        let mut extent = Extent::default();
        for index in 0..self.child_count(node) {
            let Some(child) = self.child_at(node, index) else { continue };
            let class = match child {
                Child::Node(key) => self.view(key).map(|view| view.class).ok(),
                Child::Base(base) => self.hive.key(base).map(|raw| raw.class),
            };
            extent.subkey(self.child_name(child), class.unwrap_or(Text::of(&[])));
        }
        for index in 0..self.value_count(key)? {
            let value = self.value_at(key, index)?;
            extent.value(value.name, value.data);
        }
        Ok(extent)
    }

    /// Takes the list of subkeys over from the hive, to change it.
    fn own_children(&mut self, key: KeyId) -> Option<&mut Vec<Child>> {
        let hive = self.hive;
        let node = self.node_mut(key)?;
        node.changed = true;
        let base = node.base;
        Some(node.children.get_or_insert_with(|| {
            let raw = base.and_then(|base| hive.key(base));
            raw.map_or_else(Vec::new, |raw| raw.subkeys.iter().map(Child::Base).collect())
        }))
    }

    /// Makes a subkey that is not there yet.
    ///
    /// # Errors
    /// `STATUS_CHILD_MUST_BE_VOLATILE`, `STATUS_OBJECT_NAME_COLLISION`, `STATUS_INVALID_PARAMETER` for a name or a depth
    /// beyond the limits, `STATUS_KEY_DELETED`.
    pub fn create(&mut self, parent: KeyId, name: &[u16], volatile: bool, link: bool, now: u64) -> Nt<KeyId> {
        let node = self.live(parent)?;
        if name.is_empty() || name.len() > MAX_NAME || self.depth(parent) >= MAX_DEPTH {
            return Err(STATUS_INVALID_PARAMETER);
        }
        if node.volatile && !volatile {
            return Err(STATUS_CHILD_MUST_BE_VOLATILE);
        }
        let Err(at) = self.find_child(node, name) else { return Err(STATUS_OBJECT_NAME_COLLISION) };
        let key = self.add(Node {
            name: bytes_of(name),
            parent,
            base: None,
            class: None,
            security: None,
            written: now,
            flags: if link { flags::LINK } else { 0 },
            volatile,
            deleted: false,
            changed: true,
            opens: 0,
            held: 0,
            children: None,
            values: None,
        });
        if let Some(children) = self.own_children(parent) {
            children.insert(at.min(children.len()), Child::Node(key));
        }
        self.touch(parent, now);
        Ok(key)
    }

    fn depth(&self, key: KeyId) -> usize {
        std::iter::successors(Some(key), |&key| self.parent(key)).take(MAX_DEPTH + 1).count()
    }

    /// Whether `above` is `key` or one that it lies in.
    pub fn lies_in(&self, key: KeyId, above: KeyId) -> bool {
        std::iter::successors(Some(key), |&key| self.parent(key)).any(|key| key == above)
    }

    /// The key that a key's hive is mounted at: the second below \REGISTRY, as \REGISTRY\Machine\Software.
    pub fn hive_root(&self, key: KeyId) -> KeyId {
        let above: Vec<KeyId> = std::iter::successors(Some(key), |&key| self.parent(key)).collect();
        above.len().checked_sub(3).and_then(|at| above.get(at)).copied().unwrap_or(key)
    }

    /// Sets the time of the last write.
    pub fn touch(&mut self, key: KeyId, now: u64) {
        if let Some(node) = self.node_mut(key) {
            node.written = now;
            node.changed = true;
        }
    }

    /// Gives a key a class.
    pub fn set_class(&mut self, key: KeyId, class: &[u16]) {
        if let Some(node) = self.node_mut(key) {
            node.class = Some(bytes_of(class));
            node.changed = true;
        }
    }

    /// The key's security descriptor, if one was set or inherited.
    pub fn security(&self, key: KeyId) -> Option<&[u8]> {
        self.node(key)?.security.as_deref()
    }

    /// Sets the key's security descriptor.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn set_security(&mut self, key: KeyId, descriptor: &[u8]) -> Nt<()> {
        self.live(key)?;
        if let Some(node) = self.node_mut(key) {
            node.security = Some(descriptor.into());
            node.changed = true;
        }
        Ok(())
    }

    /// Sets the time of the last write as `NtSetInformationKey` does.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn set_written(&mut self, key: KeyId, written: u64) -> Nt<()> {
        self.live(key)?;
        self.touch(key, written);
        Ok(())
    }

    /// Deletes a key; one that is deleted already stays so.
    ///
    /// # Errors
    /// `STATUS_ACCESS_DENIED` for a root, a key with subkeys; `STATUS_INVALID_HANDLE` for a predefined one.
    pub fn delete(&mut self, key: KeyId, now: u64) -> Nt<()> {
        let Ok(node) = self.live(key) else { return Ok(()) };
        if key == KeyId::ROOT || self.child_count(node) != 0 {
            return Err(STATUS_ACCESS_DENIED);
        }
        if node.flags & flags::PREDEFINED != 0 {
            return Err(STATUS_INVALID_HANDLE);
        }
        let (parent, name) = (node.parent, Text::of(&node.name).to_vec());
        let at = self.node(parent).and_then(|above| self.find_child(above, &name).ok());
        if let (Some(at), Some(children)) = (at, self.own_children(parent))
            && at < children.len()
        {
            children.remove(at);
        }
        self.touch(parent, now);
        if let Some(node) = self.node_mut(key) {
            node.deleted = true;
            node.children = Some(Vec::new());
            node.values = Some(Vec::new());
        }
        self.forget(key);
        Ok(())
    }

    /// Deletes a key with all that lies in it.
    ///
    /// # Errors
    /// As [`Tree::delete`]; what came before the error stays deleted.
    pub fn delete_tree(&mut self, key: KeyId, now: u64) -> Nt<()> {
        // What is opened here for a moment is kept by the count, so that the walk's own nodes stay.
        let mut stack = vec![key];
        while let Some(&top) = stack.last() {
            let Ok(node) = self.live(top) else {
                stack.pop();
                continue;
            };
            match self.child_at(node, 0) {
                Some(Child::Node(child)) => stack.push(child),
                Some(Child::Base(base)) => {
                    let child = self.node_of_base(base, top);
                    stack.push(child);
                }
                None => {
                    stack.pop();
                    self.delete(top, now)?;
                }
            }
        }
        Ok(())
    }

    /// Gives a key another name in the same place.
    ///
    /// # Errors
    /// `STATUS_CANNOT_DELETE` for a root or a name that is taken (its own too), `STATUS_INVALID_PARAMETER` for what is no
    /// name, `STATUS_KEY_DELETED`.
    pub fn rename(&mut self, key: KeyId, name: &[u16], now: u64) -> Nt<()> {
        let node = self.live(key)?;
        if name.is_empty() || name.len() > MAX_NAME || name.contains(&u16::from(b'\\')) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let (parent, old) = (node.parent, Text::of(&node.name).to_vec());
        let above = self.node(parent).filter(|_| key != KeyId::ROOT).ok_or(STATUS_CANNOT_DELETE)?;
        if self.find_child(above, name).is_ok() {
            return Err(STATUS_CANNOT_DELETE);
        }
        let from = self.find_child(above, &old).map_err(|_| STATUS_REGISTRY_CORRUPT)?;
        if let Some(children) = self.own_children(parent)
            && from < children.len()
        {
            children.remove(from);
        }
        if let Some(node) = self.node_mut(key) {
            node.name = bytes_of(name);
            node.changed = true;
        }
        let to = self.node(parent).map_or(0, |above| self.find_child(above, name).unwrap_or_else(|at| at));
        if let Some(children) = self.own_children(parent) {
            children.insert(to.min(children.len()), Child::Node(key));
        }
        self.touch(key, now);
        Ok(())
    }

    /// Nodes in memory: for tests of what costs nothing.
    #[cfg(test)]
    fn nodes_in_use(&self) -> usize {
        self.nodes.iter().flatten().count()
    }
}

impl Extent {
    fn subkey(&mut self, name: Text<'_>, class: Text<'_>) {
        self.subkeys += 1;
        self.name = self.name.max(name.bytes().len() as u32);
        self.class = self.class.max(class.bytes().len() as u32);
    }

    fn value(&mut self, name: Text<'_>, data: &[u8]) {
        self.values += 1;
        self.value_name = self.value_name.max(name.bytes().len() as u32);
        self.data = self.data.max(data.len() as u32);
    }
}

#[cfg(test)]
mod tests;
