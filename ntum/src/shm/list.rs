//! Doubly linked lists of words: a head and a tail somewhere, and nodes of two words, next and previous.

use super::Tx;

/// A list: where its first and its last node stand, in two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List(pub u32);

impl List {
    /// The first node; 0 in an empty list.
    pub fn first(self, tx: &Tx<'_>) -> u32 {
        tx.get(self.0)
    }

    /// Whether it has no node.
    pub fn is_empty(self, tx: &Tx<'_>) -> bool {
        self.first(tx) == 0
    }

    /// Adds a node at the end.
    pub fn push(self, tx: &mut Tx<'_>, node: u32) {
        let last = tx.get(self.0 + 1);
        tx.set(node, 0);
        tx.set(node + 1, last);
        tx.set(if last == 0 { self.0 } else { last }, node);
        tx.set(self.0 + 1, node);
    }

    /// Adds a node at the beginning.
    pub fn push_front(self, tx: &mut Tx<'_>, node: u32) {
        let first = tx.get(self.0);
        tx.set(node, first);
        tx.set(node + 1, 0);
        tx.set(if first == 0 { self.0 + 1 } else { first + 1 }, node);
        tx.set(self.0, node);
    }

    /// Adds a node behind one that is in the list.
    pub fn insert_after(self, tx: &mut Tx<'_>, before: u32, node: u32) {
        let next = tx.get(before);
        tx.set(node, next);
        tx.set(node + 1, before);
        tx.set(if next == 0 { self.0 + 1 } else { next + 1 }, node);
        tx.set(before, node);
    }

    /// Takes a node out.
    pub fn remove(self, tx: &mut Tx<'_>, node: u32) {
        let (next, previous) = (tx.get(node), tx.get(node + 1));
        tx.set(if previous == 0 { self.0 } else { previous }, next);
        tx.set(if next == 0 { self.0 + 1 } else { next + 1 }, previous);
    }

    /// The node behind a node; 0 at the end.
    pub fn next(tx: &Tx<'_>, node: u32) -> u32 {
        tx.get(node)
    }

    /// Every node.
    pub fn nodes(self, tx: &Tx<'_>) -> Vec<u32> {
        let mut nodes = Vec::new();
        let mut node = self.first(tx);
        // Damaged memory may hold a ring.
        while node != 0 && nodes.len() < tx.shm().size() as usize {
            nodes.push(node);
            node = List::next(tx, node);
        }
        nodes
    }
}
