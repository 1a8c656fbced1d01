//! The registry's changed part as a whole: written for processes that come later, and taken over by those that fell behind.

use super::op::{Op, State};
use super::{KeyId, Node, Tree};
use crate::cm::notify::{CHANGE_LAST_SET, CHANGE_NAME, CHANGE_SECURITY};

impl Tree {
    /// Everything that was changed: made to the hive alone, it is this registry.
    pub fn snapshot(&self) -> Vec<Op> {
        let mut ops = vec![Op::Next(self.next)];
        let mut changed: Vec<(&KeyId, &Node)> =
            self.nodes.iter().filter(|(_, node)| node.changed && !node.deleted).collect();
        // Any order will do, one and the same is easier to look at.
        changed.sort_unstable_by_key(|(key, _)| **key);
        ops.extend(changed.into_iter().map(|(key, node)| {
            Op::State(Box::new(State {
                key: key.0,
                parent: node.parent.0,
                name: node.name.to_vec(),
                class: node.class.as_deref().map(Into::into),
                security: node.security.as_deref().map(Into::into),
                written: node.written,
                flags: node.flags,
                kept: node.kept.into(),
                file: node.file.as_deref().map(Into::into),
                volatile: node.volatile,
                children: node.children.as_ref().map(|list| list.iter().map(|child| child.0).collect()),
                values: node.values.clone(),
            }))
        }));
        ops
    }

    /// Has a key be as a snapshot says. The key that it lies in may come later: it is entered there in [`Tree::tie_up`].
    pub(super) fn set_state(&mut self, state: &State) {
        let key = KeyId(state.key);
        self.loads |= state.file.is_some();
        let known = self.nodes.get(&key);
        let (opens, held) = known.map_or((0, 0), |node| (node.opens, node.held));
        self.nodes.insert(
            key,
            Node {
                name: state.name.as_slice().into(),
                parent: KeyId(state.parent),
                class: state.class.as_deref().map(Into::into),
                security: state.security.as_deref().map(Into::into),
                written: state.written,
                flags: state.flags,
                kept: state.kept.into(),
                file: state.file.as_deref().map(Into::into),
                volatile: state.volatile,
                deleted: false,
                changed: true,
                opens,
                held,
                children: state.children.as_ref().map(|list| list.iter().map(|child| KeyId(*child)).collect()),
                values: state.values.clone(),
            },
        );
    }

    /// The registry that a snapshot is, over the same hive; what is open here is open there.
    pub fn from_snapshot(&self, ops: &[Op]) -> Tree {
        let mut new = Tree::new(self.hive);
        for op in ops {
            new.apply(op);
        }
        new.tie_up();
        let mut open: Vec<_> =
            self.nodes.iter().filter(|(_, node)| node.opens != 0).map(|(key, node)| (*key, node.opens)).collect();
        open.sort_unstable();
        for (key, opens) in open {
            new.open_number(key);
            if let Some(node) = new.node_mut(key) {
                node.opens = opens;
            }
        }
        new
    }

    /// Counts anew what lies in what, when all of a snapshot's keys are there.
    fn tie_up(&mut self) {
        // A changed key may lie in one of the hive's that was not changed itself.
        let mut parents: Vec<KeyId> = self.nodes.values().map(|node| node.parent).collect();
        parents.sort_unstable();
        parents.dedup();
        parents.iter().for_each(|parent| self.reach(*parent));
        for node in self.nodes.values_mut() {
            node.held = 0;
        }
        let parents: Vec<KeyId> =
            self.nodes.iter().filter(|(key, node)| **key != node.parent).map(|(_, node)| node.parent).collect();
        for parent in parents {
            if let Some(node) = self.node_mut(parent) {
                node.held += 1;
            }
        }
    }

    /// What differs between this registry and a later one: keys, and of what those are told who watch them.
    pub fn differences(&self, later: &Tree) -> Vec<(KeyId, u32)> {
        let changed = |tree: &Tree| -> Vec<KeyId> {
            tree.nodes.iter().filter(|(_, node)| node.changed).map(|(key, _)| *key).collect()
        };
        let mut keys = changed(self);
        keys.extend(changed(later));
        keys.sort_unstable();
        keys.dedup();
        let mut found = Vec::new();
        for key in keys {
            let (old, new) = (self.node(key), later.node(key));
            let list = |node: &'_ Node| (node.children.clone(), node.name.clone(), node.deleted);
            let data = |node: &'_ Node| (node.values.clone(), node.written);
            let mut what = 0;
            what |= if old.map(list) == new.map(list) { 0 } else { CHANGE_NAME };
            what |= if old.map(data) == new.map(data) { 0 } else { CHANGE_LAST_SET };
            what |= if old.map(|node| &node.security) == new.map(|node| &node.security) { 0 } else { CHANGE_SECURITY };
            if what != 0 {
                found.push((key, what));
            }
        }
        found
    }
}
