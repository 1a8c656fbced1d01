//! Doubly linked lists of words: a head and a tail somewhere, and nodes of two words, next and previous.

use super::Tx;

/// A list: where its first and its last node stand, in two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List(pub u32);

impl List {
    /// The first node; 0 in an empty list.
    pub fn first(self, tx: &Tx<'_>) -> u32 {
        tx.link(self.0)
    }

    /// Whether it has no node.
    pub fn is_empty(self, tx: &Tx<'_>) -> bool {
        self.first(tx) == 0
    }

    /// Adds a node at the end.
    pub fn push(self, tx: &mut Tx<'_>, node: u32) {
        let last = tx.link(self.0 + 1);
        tx.set(node, 0);
        tx.set(node + 1, last);
        tx.set(if last == 0 { self.0 } else { last }, node);
        tx.set(self.0 + 1, node);
    }

    /// Adds a node at the beginning.
    pub fn push_front(self, tx: &mut Tx<'_>, node: u32) {
        let first = self.first(tx);
        tx.set(node, first);
        tx.set(node + 1, 0);
        tx.set(if first == 0 { self.0 + 1 } else { first + 1 }, node);
        tx.set(self.0, node);
    }

    /// Adds a node behind one that is in the list.
    pub fn insert_after(self, tx: &mut Tx<'_>, before: u32, node: u32) {
        let next = tx.link(before);
        tx.set(node, next);
        tx.set(node + 1, before);
        tx.set(if next == 0 { self.0 + 1 } else { next + 1 }, node);
        tx.set(before, node);
    }

    /// Takes a node out. Whatever damaged memory says, it is not the first of the list any more, and leads nowhere: who takes out the first until there is
    /// none comes to an end.
    pub fn remove(self, tx: &mut Tx<'_>, node: u32) {
        let (next, mut previous) = (tx.link(node), tx.link(node + 1));
        if self.first(tx) == node {
            previous = 0;
        } else if previous == 0 || tx.link(previous) != node {
            // Damaged: whoever leads to it, if somebody does.
            let found = self.nodes(tx).windows(2).find(|two| two[1] == node).map(|two| two[0]);
            let Some(found) = found else { return };
            previous = found;
        }
        tx.set(if previous == 0 { self.0 } else { previous }, next);
        tx.set(if next == 0 { self.0 + 1 } else { next + 1 }, previous);
        for word in [node, node + 1] {
            tx.set(word, 0);
        }
    }

    /// The node behind a node; 0 at the end.
    pub fn next(tx: &Tx<'_>, node: u32) -> u32 {
        tx.link(node)
    }

    /// Every node, once.
    pub fn nodes(self, tx: &Tx<'_>) -> Vec<u32> {
        let mut nodes = Vec::new();
        let mut node = self.first(tx);
        // Damaged memory may hold a ring: a node that comes again after twice as many, and twice as many, is one (Brent).
        let (mut mark, mut until) = (0, 8);
        while node != 0 && nodes.len() < (tx.shm().size() / LEAST) as usize {
            if node == mark {
                let mut known = std::collections::HashSet::new();
                let end = nodes.iter().position(|node| !known.insert(*node)).unwrap_or(nodes.len());
                nodes.truncate(end);
                break;
            }
            if nodes.len() == until {
                (mark, until) = (node, until * 2);
            }
            nodes.push(node);
            node = List::next(tx, node);
        }
        nodes
    }
}

impl Tx<'_> {
    /// The blocks that a chain leads through, from the word that says its first on; `next` is where each says the one behind it.
    pub fn chain_of(&self, first: u32, next: u32) -> impl Iterator<Item = u32> {
        let of = |place: u32| Some(self.link(place)).filter(|block| *block != 0);
        // Damaged memory may hold a ring: as in [`List::nodes`].
        let (mut mark, mut until, mut seen) = (0, 8, 0);
        let on = move |block: &u32| {
            seen += 1;
            if seen == until {
                (mark, until) = (*block, until * 2);
            }
            of(block + next).filter(|block| *block != mark)
        };
        std::iter::successors(of(first), on).take((self.shm().size() / LEAST) as usize)
    }
}

/// Words that a record with a node has at least.
const LEAST: u32 = 4;
