//! The walk along a path of keys, through symbolic links.

use super::{KeyId, LINK_VALUE, MAX_NAME, REG_LINK, Tree};
use crate::cm::fold::compare;
use crate::cm::hive::{Text, flags};
use crate::status::*;
use crate::types::wide;
use std::cmp::Ordering;

const BACKSLASH: u16 = b'\\' as u16;
/// Links that one walk follows at most.
const MAX_LINKS: usize = 32;

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// At this key.
    Key(KeyId),
    /// In this key, which has no subkey of that name: it can be made here.
    Missing(KeyId, Vec<u16>),
}

/// What follows `\REGISTRY\` in a path; `None` if it does not begin so.
pub fn below_registry(path: &[u16]) -> Option<&[u16]> {
    let root = wide("\\REGISTRY");
    let (start, rest) = path.split_at_checked(root.len())?;
    let same = compare(start.iter().copied(), root) == Ordering::Equal;
    (same && rest.first().is_none_or(|&unit| unit == BACKSLASH)).then_some(rest)
}

/// The first component of a path, and what follows it and its backslashes.
fn split(path: &[u16]) -> (&[u16], &[u16]) {
    let end = path.iter().position(|&unit| unit == BACKSLASH).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    (name, skip(rest))
}

fn skip(path: &[u16]) -> &[u16] {
    let start = path.iter().position(|&unit| unit != BACKSLASH).unwrap_or(path.len());
    path.split_at(start).1
}

impl Tree {
    /// Walks from `start` along `path`. With `open_link`, a link at the end is the key found, not its target.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND` if a key on the way is missing or a link leads nowhere, `STATUS_INVALID_PARAMETER` for
    /// a name beyond the limit or links without an end, `STATUS_KEY_DELETED`.
    pub fn resolve(&mut self, start: KeyId, path: &[u16], open_link: bool) -> Nt<Resolved> {
        let mut at = start;
        let mut path = skip(path).to_vec();
        self.live(at)?;
        for _ in 0..MAX_LINKS {
            match self.stretch(at, &path, open_link)? {
                Stretch::Done(found) => return Ok(found),
                Stretch::Link(target) => (at, path) = (KeyId::ROOT, target),
            }
        }
        Err(STATUS_INVALID_PARAMETER)
    }

    /// Walks up to the next link.
    fn stretch(&mut self, start: KeyId, path: &[u16], open_link: bool) -> Nt<Stretch> {
        let mut at = start;
        let mut rest = path;
        loop {
            if self.live(at)?.flags & flags::LINK != 0 && !(rest.is_empty() && open_link) {
                let target = self.link(at, rest).map(Stretch::Link);
                self.settle(at);
                return target;
            }
            if rest.is_empty() {
                return Ok(Stretch::Done(Resolved::Key(at)));
            }
            let (name, after) = split(rest);
            if name.len() > MAX_NAME {
                return Err(STATUS_INVALID_PARAMETER);
            }
            match self.subkey(at, name) {
                Some(next) => at = next,
                None if after.is_empty() => return Ok(Stretch::Done(Resolved::Missing(at, name.to_vec()))),
                None => {
                    self.settle(at);
                    return Err(STATUS_OBJECT_NAME_NOT_FOUND);
                }
            }
            rest = after;
        }
    }

    /// The path, from the root on, that a link and what follows it stand for.
    fn link(&self, key: KeyId, rest: &[u16]) -> Nt<Vec<u16>> {
        let value = self.value(key, &wide(LINK_VALUE))?;
        if value.kind != REG_LINK {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        let target = Text::of(value.data).to_vec();
        let mut path = skip(below_registry(&target).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?).to_vec();
        if !rest.is_empty() {
            path.push(BACKSLASH);
            path.extend_from_slice(rest);
        }
        Ok(path)
    }
}

enum Stretch {
    Done(Resolved),
    Link(Vec<u16>),
}
