//! The registry as it is now: the image's hive, and over it what this sandbox changed, in memory.
//!
//! A key of the hive costs nothing until it is opened; then a node stands for it, which goes away with the last handle if
//! nothing was changed. A node takes its list of subkeys or values over from the hive when it first changes.
//!
//! Every process of a sandbox has a tree of its own, all of them alike: a change is an [`Op`], and the same ops in the same
//! order make the same tree. So a key has the same number in all of them.

use super::hive::{Hive, Text};
use crate::cm::fold::compare;
use crate::status::*;
use crate::types::wide;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

mod branch;
mod change;
mod op;
mod path;
mod state;
mod values;
pub use change::Made;
pub use op::{Create, Op, SetValue};
pub use path::{Resolved, below_registry};
pub use values::Owned;

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

/// Number of a key: the hive's for its keys, further on for keys that were made. None is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl KeyId {
    /// \REGISTRY.
    pub const ROOT: KeyId = KeyId(0);
    /// First number of a key that is not the hive's.
    const FIRST_MADE: u32 = 1 << 31;

    /// First number of a key that only a transaction has made.
    const FIRST_APART: u32 = 3 << 30;

    /// Whether only a transaction has made it.
    pub(super) fn is_apart(self) -> bool {
        self.0 >= KeyId::FIRST_APART
    }

    /// Its number when the keys of its transaction are made, the first of them with the number `first`.
    pub(super) fn joined(self, first: KeyId) -> KeyId {
        match self.0.checked_sub(KeyId::FIRST_APART) {
            Some(index) => KeyId(first.0.wrapping_add(index)),
            None => self,
        }
    }

    /// Its number in the hive, if it is the hive's.
    fn base(self) -> Option<u32> {
        (self.0 < KeyId::FIRST_MADE).then_some(self.0)
    }
}

/// Spreads the numbers of keys.
#[derive(Debug, Default, Clone, Copy)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

/// A key's security descriptor, in self-relative form.
type Security = Box<[u8]>;

#[derive(Debug, Clone)]
struct Node {
    name: Box<[u8]>,
    parent: KeyId,
    class: Option<Box<[u8]>>,
    security: Option<Security>,
    written: u64,
    flags: u16,
    /// What NtSetInformationKey keeps for whoever asks: flags of the 32-bit view, and control flags.
    kept: [u32; 2],
    /// The file of the hive whose root this is, as an NT path.
    file: Option<Box<[u8]>>,
    volatile: bool,
    deleted: bool,
    /// Changed, so that the node must stay.
    changed: bool,
    /// Open key objects.
    opens: u32,
    /// Nodes whose parent this is.
    held: u32,
    children: Option<Vec<KeyId>>,
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
    /// Flags of the 32-bit view, and control flags: see [`Op::Keep`].
    pub kept: [u32; 2],
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
#[derive(Clone)]
pub struct Tree {
    hive: Hive<'static>,
    nodes: HashMap<KeyId, Node, BuildHasherDefault<Spread>>,
    /// Number of the next key that is made.
    next: u32,
    /// Whether a hive was ever loaded from a file.
    loads: bool,
}

fn bytes_of(name: &[u16]) -> Box<[u8]> {
    name.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

impl Tree {
    /// The registry over a hive, with nothing changed.
    pub fn new(hive: Hive<'static>) -> Tree {
        let mut tree = Tree { hive, nodes: HashMap::default(), next: KeyId::FIRST_MADE, loads: false };
        tree.stand_for(KeyId::ROOT, KeyId::ROOT);
        if let Some(root) = tree.node_mut(KeyId::ROOT) {
            root.name = bytes_of(&wide("REGISTRY"));
            root.changed = true;
        }
        tree
    }

    /// The same registry, to be changed by a transaction.
    pub(super) fn apart(&self) -> Tree {
        Tree { next: KeyId::FIRST_APART, ..self.clone() }
    }

    /// A key's last write, by its number alone; `None` if it is not there.
    pub(super) fn written(&self, key: KeyId) -> Option<u64> {
        let known = self.node(key).map(|node| node.written).or_else(|| Some(self.raw(key)?.written));
        known.filter(|_| self.exists(key))
    }

    /// Has a node stand for a key that is known by its number.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub(super) fn reach_live(&mut self, key: KeyId) -> Nt<()> {
        if !self.exists(key) {
            return Err(STATUS_KEY_DELETED);
        }
        self.reach(key);
        Ok(())
    }

    fn node(&self, key: KeyId) -> Option<&Node> {
        self.nodes.get(&key)
    }

    fn node_mut(&mut self, key: KeyId) -> Option<&mut Node> {
        self.nodes.get_mut(&key)
    }

    /// The key as the hive has it.
    fn raw(&self, key: KeyId) -> Option<super::hive::Key<'static>> {
        self.hive.key(key.base()?)
    }

    /// The node, if it is there and its key not deleted.
    fn live(&self, key: KeyId) -> Nt<&Node> {
        self.node(key).filter(|node| !node.deleted).ok_or(STATUS_KEY_DELETED)
    }

    fn add(&mut self, key: KeyId, node: Node) {
        let parent = node.parent;
        self.nodes.insert(key, node);
        if key != parent
            && let Some(parent) = self.node_mut(parent)
        {
            parent.held += 1;
        }
    }

    /// Has a node stand for a key of the hive.
    fn stand_for(&mut self, key: KeyId, parent: KeyId) {
        if self.nodes.contains_key(&key) {
            return;
        }
        let raw = self.raw(key);
        self.add(
            key,
            Node {
                name: raw.map_or_else(Box::default, |raw| raw.name.bytes().into()),
                parent,
                class: None,
                security: None,
                written: raw.map_or(0, |raw| raw.written),
                flags: raw.map_or(0, |raw| raw.flags),
                kept: [0; 2],
                file: None,
                volatile: false,
                deleted: false,
                changed: false,
                opens: 0,
                held: 0,
                children: None,
                values: None,
            },
        );
    }

    /// Has nodes stand for a key, by its number alone, and all that it lies in. Only for a key that is there.
    fn reach(&mut self, key: KeyId) {
        let mut way = Vec::new();
        let mut at = key;
        while !self.nodes.contains_key(&at) {
            let Some(raw) = self.raw(at) else { return };
            way.push((at, KeyId(raw.parent)));
            at = KeyId(raw.parent);
        }
        for (key, parent) in way.into_iter().rev() {
            self.stand_for(key, parent);
        }
    }

    /// Whether the key is there, by its number alone.
    pub fn exists(&self, key: KeyId) -> bool {
        let mut at = key;
        loop {
            if let Some(node) = self.node(at) {
                return !node.deleted;
            }
            let Some(raw) = self.raw(at) else { return false };
            let above = KeyId(raw.parent);
            if let Some(node) = self.node(above) {
                return !node.deleted && node.children.as_ref().is_none_or(|list| list.contains(&at));
            }
            at = above;
        }
    }

    /// Counts a key object more.
    pub fn open(&mut self, key: KeyId) {
        if let Some(node) = self.node_mut(key) {
            node.opens += 1;
        }
    }

    /// Counts a key object for a key that is known by its number: if it is gone, one that answers so.
    pub fn open_number(&mut self, key: KeyId) {
        if self.exists(key) {
            self.reach(key);
        } else if !self.nodes.contains_key(&key) {
            self.stand_for(key, KeyId::ROOT);
            if let Some(node) = self.node_mut(key) {
                node.deleted = true;
                (node.children, node.values) = (Some(Vec::new()), Some(Vec::new()));
            }
        }
        self.open(key);
    }

    /// How many key objects there are for a key.
    pub fn opens(&self, key: KeyId) -> u32 {
        self.node(key).map_or(0, |node| node.opens)
    }

    /// Keys below a key that are open, and how often each is.
    pub fn open_below(&self, above: KeyId) -> Vec<(KeyId, u32)> {
        let open = self.nodes.iter().filter(|(key, node)| node.opens != 0 && !node.deleted && **key != above);
        let mut open: Vec<_> =
            open.filter(|(key, _)| self.lies_in(**key, above)).map(|(key, node)| (*key, node.opens)).collect();
        open.sort_unstable();
        open
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
            let parent = node.parent;
            self.nodes.remove(&key);
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
        let class = match (&node.class, self.raw(key)) {
            (Some(class), _) => Text::of(class),
            (None, Some(base)) => base.class,
            (None, None) => Text::of(&[]),
        };
        Ok(KeyView {
            name: Text::of(&node.name),
            class,
            written: node.written,
            flags: node.flags,
            kept: node.kept,
            volatile: node.volatile,
        })
    }

    fn name_of(&self, key: KeyId) -> Text<'_> {
        let name = self.node(key).map(|node| Text::of(&node.name)).or_else(|| Some(self.raw(key)?.name));
        name.unwrap_or(Text::of(&[]))
    }

    /// How many subkeys there are.
    fn child_count(&self, key: KeyId, node: &Node) -> usize {
        match &node.children {
            Some(children) => children.len(),
            None => self.raw(key).map_or(0, |raw| raw.subkeys.len()),
        }
    }

    fn child_at(&self, key: KeyId, node: &Node, index: usize) -> Option<KeyId> {
        match &node.children {
            Some(children) => children.get(index).copied(),
            None => self.raw(key)?.subkeys.get(index).map(KeyId),
        }
    }

    /// Where a subkey of this name is, or belongs.
    fn find_child(&self, key: KeyId, node: &Node, name: &[u16]) -> Result<usize, usize> {
        let raw = if node.children.is_none() { self.raw(key) } else { None };
        let (mut low, mut high) = (0, self.child_count(key, node));
        while low < high {
            let middle = low + (high - low) / 2;
            let found = match (&node.children, raw) {
                (Some(children), _) => children.get(middle).map(|child| self.name_of(*child)),
                // A list that is the hive's has the hive's names.
                (None, raw) => raw.and_then(|raw| self.hive.key(raw.subkeys.get(middle)?)).map(|child| child.name),
            };
            let Some(found) = found else { return Err(low) };
            match compare(found.units(), name.iter().copied()) {
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
        let child = self.child_at(key, node, self.find_child(key, node, name).ok()?)?;
        if child.base().is_some() {
            self.stand_for(child, key);
        }
        Some(child)
    }

    /// The subkey with this number; it has a node from now on.
    pub fn subkey_at(&mut self, key: KeyId, index: usize) -> Option<KeyId> {
        let child = self.child_at(key, self.live(key).ok()?, index)?;
        if child.base().is_some() {
            self.stand_for(child, key);
        }
        Some(child)
    }

    /// What is known of the subkey with this number.
    ///
    /// # Errors
    /// `STATUS_NO_MORE_ENTRIES`, `STATUS_KEY_DELETED`.
    pub fn subkey_view(&self, key: KeyId, index: usize) -> Nt<(KeyView<'_>, Extent)> {
        let child = self.child_at(key, self.live(key)?, index).ok_or(STATUS_NO_MORE_ENTRIES)?;
        if self.node(child).is_some() {
            return Ok((self.view(child)?, self.extent(child)?));
        }
        let raw = self.raw(child).ok_or(STATUS_REGISTRY_CORRUPT)?;
        let view = KeyView {
            name: raw.name,
            class: raw.class,
            written: raw.written,
            flags: raw.flags,
            kept: [0; 2],
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

    /// How many subkeys and values the key has, and how long their names and data are at most.
    ///
    /// # Errors
    /// `STATUS_KEY_DELETED`.
    pub fn extent(&self, key: KeyId) -> Nt<Extent> {
        let node = self.live(key)?;
        let mut extent = Extent::default();
        for index in 0..self.child_count(key, node) {
            let Some(child) = self.child_at(key, node, index) else { continue };
            let class = match self.node(child) {
                Some(_) => self.view(child).map(|view| view.class).ok(),
                None => self.raw(child).map(|raw| raw.class),
            };
            extent.subkey(self.name_of(child), class.unwrap_or(Text::of(&[])));
        }
        for index in 0..self.value_count(key)? {
            let value = self.value_at(key, index)?;
            extent.value(value.name, value.data);
        }
        Ok(extent)
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

    /// The key's security descriptor, if one was set or inherited.
    pub fn security(&self, key: KeyId) -> Option<&[u8]> {
        self.node(key)?.security.as_deref()
    }

    /// The file of the hive whose root a key is, as an NT path.
    pub fn file(&self, key: KeyId) -> Option<Vec<u16>> {
        self.node(key)?.file.as_ref().map(|file| Text::of(file).to_vec())
    }

    /// The hive from a file that a key lies in: its root.
    pub fn loaded_root(&self, key: KeyId) -> Option<KeyId> {
        if !self.loads {
            return None;
        }
        std::iter::successors(Some(key), |&key| self.parent(key))
            .find(|key| self.node(*key).is_some_and(|node| node.file.is_some()))
    }

    /// Whether a key is lost with the session: a volatile one, or one of a hive that was loaded.
    pub(super) fn is_lost(&self, key: KeyId) -> bool {
        self.node(key).is_some_and(|node| node.volatile) || self.loaded_root(key).is_some()
    }

    /// Nodes in memory: for tests of what costs nothing.
    #[cfg(test)]
    fn nodes_in_use(&self) -> usize {
        self.nodes.len()
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
