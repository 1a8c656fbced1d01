//! Files as all members see them: who has which file open and how it is shared, its names and whether they go, its locked
//! ranges. A file has a record while any member of several has it open.

use super::list::List;
use super::object::field as object;
use super::waste::Waste;
use super::{Shm, Tx, layout, member};
use crate::io::disk::fcb::ShareAccess;
use crate::status::{Nt, STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES};

/// Where the table's block stands: chains of files by number. 0 before the first.
const TABLE: u32 = layout::ROOTS + 11;
/// Chains in the table.
const CHAINS: u32 = 512;

/// Words of a file object's body, or a section's, beside the description.
pub(super) mod body {
    /// Where the next read or write without an offset starts: two words.
    pub const POSITION: u32 = 1;
    /// Lock of who moves the position.
    pub const TURN: u32 = 3;
    /// The opening that the file object is, 0 for none.
    pub const OPENING: u32 = 4;
    /// The completion port that hears of its requests, 0 for none.
    pub const PORT: u32 = 5;
    /// The key that it hears: two words.
    pub const KEY: u32 = 6;
    /// Number of words.
    pub const COUNT: u32 = 8;
}

/// Words of a file's record.
mod record {
    pub const NEXT: u32 = 0;
    pub const VOLUME: u32 = 1;
    pub const NUMBER: u32 = 3;
    /// SHARE_ACCESS: seven words.
    pub const SHARE: u32 = 5;
    /// Names that it was opened by: a list.
    pub const LINKS: u32 = 12;
    /// Locked ranges: a list, and their number.
    pub const RANGES: u32 = 14;
    pub const LOCKED: u32 = 16;
    /// Lock of who writes at the end.
    pub const APPEND: u32 = 17;
    pub const COUNT: u32 = 18;
}

/// Words of a name of an open file.
mod link {
    pub const NODE: u32 = 0;
    pub const FILE: u32 = 2;
    /// The name, as bytes.
    pub const NAME: u32 = 3;
    /// Openings by it.
    pub const OPENINGS: u32 = 4;
    /// [`super::PENDING`] and the like.
    pub const STATE: u32 = 5;
    pub const COUNT: u32 = 6;
}

/// The name goes with the last opening by it.
const PENDING: u32 = 1;
/// It is being deleted.
const GOING: u32 = 2;
/// It is another file's, or nobody's.
const GONE: u32 = 4;

/// Words of an opening.
mod opening {
    /// Node in the list of the member whose alone it is.
    pub const NODE: u32 = 0;
    pub const LINK: u32 = 2;
    pub const ACCESS: u32 = 3;
    pub const SHARE: u32 = 4;
    pub const FLAGS: u32 = 5;
    /// The member, 0 for one that belongs to a file object of several.
    pub const MEMBER: u32 = 6;
    pub const COUNT: u32 = 7;
}

/// Flags of an opening: its end makes the name go.
pub const DELETE_ON_CLOSE: u32 = 1;
/// And at once, whoever else has the file open.
pub const POSIX: u32 = 2;

/// Words of a locked range.
mod range {
    pub const NODE: u32 = 0;
    pub const OPENING: u32 = 2;
    pub const KEY: u32 = 3;
    pub const EXCLUSIVE: u32 = 4;
    pub const START: u32 = 5;
    /// The last byte, so that the end of the numbers can be told.
    pub const LAST: u32 = 7;
    pub const COUNT: u32 = 9;
}

/// What identifies a file: volume, and number there.
pub type Key = (u64, u64);

/// A range of bytes that an opening locks, or moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes {
    /// Whose.
    pub opening: u32,
    /// The caller's key.
    pub key: u32,
    /// The first byte.
    pub start: u64,
    /// The last one.
    pub last: u64,
    /// Whether nobody else may have a lock there; of a transfer, whether it writes.
    pub exclusive: bool,
}

fn chain(key: Key) -> u32 {
    ((key.0.rotate_left(5) ^ key.1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32 % CHAINS
}

impl Tx<'_> {
    /// The record of a file that is open.
    pub fn file_with(&self, key: Key) -> Option<u32> {
        let table = self.link(TABLE);
        if table == 0 {
            return None;
        }
        let mut all = self.chain_of(table + chain(key), record::NEXT);
        all.find(|at| (self.wide(at + record::VOLUME), self.wide(at + record::NUMBER)) == key)
    }

    fn make_file(&mut self, key: Key) -> Option<u32> {
        let mut table = self.link(TABLE);
        if table == 0 {
            table = self.allocate(CHAINS)?;
            self.set(TABLE, table);
        }
        let made = self.allocate(record::COUNT)?;
        let first = self.get(table + chain(key));
        self.set(made + record::NEXT, first);
        self.set_wide(made + record::VOLUME, key.0);
        self.set_wide(made + record::NUMBER, key.1);
        self.set(table + chain(key), made);
        Some(made)
    }

    fn drop_file(&mut self, file: u32) {
        let key = (self.wide(file + record::VOLUME), self.wide(file + record::NUMBER));
        let mut at = self.link(TABLE) + chain(key);
        // Damaged memory may hold a ring.
        for _ in 0..self.shm().size() {
            let here = self.link(at);
            if here == file {
                let next = self.get(file + record::NEXT);
                self.set(at, next);
            }
            if here == file || here == 0 {
                break;
            }
            at = here + record::NEXT;
        }
        self.free(file);
    }

    fn share_of(&self, file: u32) -> ShareAccess {
        ShareAccess::of_words(core::array::from_fn(|word| self.get(file + record::SHARE + word as u32)))
    }

    fn set_share(&mut self, file: u32, share: ShareAccess) {
        for (place, word) in (file + record::SHARE..).zip(share.words()) {
            if self.get(place) != word {
                self.set(place, word);
            }
        }
    }

    fn links(&self, file: u32) -> Vec<u32> {
        List(file + record::LINKS).nodes(self)
    }

    /// Counts an opening of a file in, by a name; it is the member's alone. `same` says whether two names are one. `check` says
    /// whether the others who have it open are asked.
    ///
    /// # Errors
    /// `STATUS_SHARING_VIOLATION`, `STATUS_DELETE_PENDING`, `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn open_file(
        &mut self,
        member: u32,
        key: Key,
        name: &str,
        (access, share): (u32, u32),
        same: impl Fn(&str, &str) -> bool,
        check: bool,
    ) -> Nt<u32> {
        const FULL: crate::status::Status = STATUS_INSUFFICIENT_RESOURCES;
        let file = match self.file_with(key) {
            Some(file) => file,
            None => self.make_file(key).ok_or(FULL)?,
        };
        let known = self.links(file).into_iter().find(|link| {
            self.get(link + link::STATE) & GONE == 0 && self.name_of_link(*link).is_some_and(|held| same(&held, name))
        });
        if check && known.is_some_and(|link| self.get(link + link::STATE) & (PENDING | GOING) != 0) {
            return Err(STATUS_DELETE_PENDING);
        }
        let mut counts = self.share_of(file);
        match check {
            true => counts.enter(access, share)?,
            false => counts.enter_anyhow(access, share),
        }
        self.set_share(file, counts);
        let link = match known {
            Some(link) => link,
            None => {
                let link = self.allocate(link::COUNT).ok_or(FULL)?;
                let block = self.allocate_bytes(name.as_bytes()).ok_or(FULL)?;
                self.set(link + link::FILE, file);
                self.set(link + link::NAME, block);
                List(file + record::LINKS).push(self, link + link::NODE);
                link
            }
        };
        let openings = self.get(link + link::OPENINGS);
        self.set(link + link::OPENINGS, openings.saturating_add(1));
        let made = self.allocate(opening::COUNT).ok_or(FULL)?;
        for (word, value) in
            [(opening::LINK, link), (opening::ACCESS, access), (opening::SHARE, share), (opening::MEMBER, member)]
        {
            self.set(made + word, value);
        }
        List(member + member::field::OPENINGS).push(self, made + opening::NODE);
        Ok(made)
    }

    /// As [`Tx::close_file`], of a member that is gone: the opening leaves its list, whatever it says of itself.
    pub(super) fn close_file_of(&mut self, member: u32, opening: u32) {
        if self.get(opening + opening::MEMBER) != member {
            List(member + member::field::OPENINGS).remove(self, opening + opening::NODE);
            self.set(opening + opening::MEMBER, 0);
        }
        self.close_file(opening);
    }

    /// Counts an opening out. If a name goes with it, that is left to be done: [`Shm::dispose`].
    pub fn close_file(&mut self, opening: u32) {
        let member = self.get(opening + opening::MEMBER);
        if member != 0 {
            List(member + member::field::OPENINGS).remove(self, opening + opening::NODE);
        }
        let link = self.get(opening + opening::LINK);
        let file = self.get(link + link::FILE);
        let mut counts = self.share_of(file);
        counts.leave(self.get(opening + opening::ACCESS), self.get(opening + opening::SHARE));
        self.set_share(file, counts);
        self.unlock_all(opening);
        let openings = self.get(link + link::OPENINGS).saturating_sub(1);
        self.set(link + link::OPENINGS, openings);
        let flags = self.get(opening + opening::FLAGS);
        let mut state = self.get(link + link::STATE);
        if flags & DELETE_ON_CLOSE != 0 {
            state |= PENDING;
        }
        let goes = state & PENDING != 0 && (openings == 0 || flags & POSIX != 0);
        if goes && state & (GOING | GONE) == 0 {
            state |= GOING;
            let key = (self.wide(file + record::VOLUME), self.wide(file + record::NUMBER));
            let mut bytes = [key.0.to_le_bytes(), key.1.to_le_bytes()].concat();
            bytes.extend(self.bytes(self.get(link + link::NAME)));
            self.leave_waste(&Waste::Name(link, bytes));
        }
        self.set(link + link::STATE, state);
        self.free(opening);
        self.drop_link_if_idle(link);
    }

    /// A name was deleted that was going; or it could not be.
    pub(super) fn name_was_deleted(&mut self, link: u32) {
        let state = self.get(link + link::STATE);
        self.set(link + link::STATE, state & !(GOING | PENDING) | GONE);
        self.drop_link_if_idle(link);
    }

    fn drop_link_if_idle(&mut self, link: u32) {
        if self.get(link + link::OPENINGS) != 0 || self.get(link + link::STATE) & GOING != 0 {
            return;
        }
        let file = self.get(link + link::FILE);
        List(file + record::LINKS).remove(self, link + link::NODE);
        let name = self.get(link + link::NAME);
        self.free(name);
        self.free(link);
        if List(file + record::LINKS).is_empty(self) {
            self.drop_file(file);
        }
    }

    /// The file object of several members that an opening becomes.
    pub fn give_opening(&mut self, opening: u32, body: u32) {
        let member = self.get(opening + opening::MEMBER);
        if member != 0 {
            List(member + member::field::OPENINGS).remove(self, opening + opening::NODE);
            self.set(opening + opening::MEMBER, 0);
        }
        self.set(body + body::OPENING, opening);
    }

    /// The opening that a file object of several members is.
    pub fn opening_of(&self, body: u32) -> u32 {
        self.get(body + body::OPENING)
    }

    /// The last member closed its last handle to an object.
    pub(super) fn last_closed(&mut self, object: u32) {
        let is_file = self.type_of(object) == crate::ob::shared::number(crate::ob::types::Type::File);
        if self.type_of(object) == crate::ob::shared::number(crate::ob::types::Type::Job) {
            self.last_job_handle(object);
        }
        let body = self.link(object + object::BODY);
        if is_file && body != 0 {
            let opening = self.get(body + body::OPENING);
            if opening != 0 {
                self.set(body + body::OPENING, 0);
                self.close_file(opening);
            }
        }
    }

    /// The file that an opening is of.
    pub fn file_of(&self, opening: u32) -> u32 {
        self.get(self.get(opening + opening::LINK) + link::FILE)
    }

    /// The name that an opening is by.
    pub fn link_of(&self, opening: u32) -> u32 {
        self.get(opening + opening::LINK)
    }

    /// A name's text.
    pub fn name_of_link(&self, link: u32) -> Option<String> {
        String::from_utf8(self.bytes(self.get(link + link::NAME))).ok()
    }

    /// A rename gave it another name.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn rename_opening(&mut self, opening: u32, name: &str) -> Nt<()> {
        let link = self.get(opening + opening::LINK);
        let block = self.allocate_bytes(name.as_bytes()).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let before = self.get(link + link::NAME);
        self.free(before);
        self.set(link + link::NAME, block);
        Ok(())
    }

    /// Says what an opening's end does.
    pub fn set_opening_flags(&mut self, opening: u32, flags: u32) {
        self.set(opening + opening::FLAGS, flags);
    }

    /// Says whether the name goes with the last opening by it.
    pub fn set_pending(&mut self, opening: u32, pending: bool) {
        let state = self.get(opening + opening::LINK) + link::STATE;
        let before = self.get(state);
        self.set(state, if pending { before | PENDING } else { before & !PENDING });
    }

    /// Whether any name of a file goes.
    pub fn is_pending(&self, file: u32) -> bool {
        self.links(file).into_iter().any(|link| self.get(link + link::STATE) & (PENDING | GOING) != 0)
    }

    /// Whether a file is open for more than its attributes, and whether everybody lets it be deleted.
    pub fn file_sharing(&self, file: u32) -> ShareAccess {
        self.share_of(file)
    }

    /// A name was taken by another file: those who have it open have one without that name.
    pub fn name_is_taken(&mut self, by: Key, is: impl Fn(&str) -> bool) {
        for (file, link) in self.all_links() {
            let key = (self.wide(file + record::VOLUME), self.wide(file + record::NUMBER));
            if key != by && self.name_of_link(link).is_some_and(|name| is(&name)) {
                let state = self.get(link + link::STATE);
                self.set(link + link::STATE, state | GONE);
            }
        }
    }

    /// Whether any open file has such a name.
    pub fn any_named(&self, is: impl Fn(&str) -> bool) -> bool {
        self.all_links().into_iter().any(|(_, link)| {
            self.get(link + link::STATE) & GONE == 0 && self.name_of_link(link).is_some_and(|name| is(&name))
        })
    }

    fn all_links(&self) -> Vec<(u32, u32)> {
        let table = self.link(TABLE);
        let mut all = Vec::new();
        for chain in 0..if table == 0 { 0 } else { CHAINS } {
            let mut file = self.get(table + chain);
            while file != 0 {
                all.extend(self.links(file).into_iter().map(|link| (file, link)));
                file = self.get(file + record::NEXT);
            }
        }
        all
    }

    /// Notes that a range is locked.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn lock_bytes(&mut self, bytes: &Bytes) -> Nt<()> {
        let file = self.file_of(bytes.opening);
        let made = self.allocate(range::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.set(made + range::OPENING, bytes.opening);
        self.set(made + range::KEY, bytes.key);
        self.set(made + range::EXCLUSIVE, u32::from(bytes.exclusive));
        self.set_wide(made + range::START, bytes.start);
        self.set_wide(made + range::LAST, bytes.last);
        List(file + record::RANGES).push(self, made + range::NODE);
        let count = self.get(file + record::LOCKED);
        self.set(file + record::LOCKED, count + 1);
        Ok(())
    }

    fn bytes_at(&self, range: u32) -> Bytes {
        Bytes {
            opening: self.get(range + range::OPENING),
            key: self.get(range + range::KEY),
            start: self.wide(range + range::START),
            last: self.wide(range + range::LAST),
            exclusive: self.get(range + range::EXCLUSIVE) != 0,
        }
    }

    fn drop_range(&mut self, file: u32, range: u32) {
        List(file + record::RANGES).remove(self, range + range::NODE);
        self.free(range);
        let count = self.get(file + record::LOCKED).saturating_sub(1);
        self.set(file + record::LOCKED, count);
    }

    /// Notes that a range is locked no longer; answers whether it was.
    pub fn unlock_bytes(&mut self, bytes: &Bytes) -> bool {
        let file = self.file_of(bytes.opening);
        let ranges = List(file + record::RANGES).nodes(self);
        let found = ranges.into_iter().find(|range| self.bytes_at(*range) == *bytes);
        found.map(|range| self.drop_range(file, range)).is_some()
    }

    /// Notes that an opening locks nothing any longer.
    pub fn unlock_all(&mut self, opening: u32) {
        let file = self.file_of(opening);
        for range in List(file + record::RANGES).nodes(self) {
            if self.get(range + range::OPENING) == opening {
                self.drop_range(file, range);
            }
        }
    }

    /// Whether a lock is in the way of another.
    pub fn is_hindered(&self, wanted: &Bytes) -> bool {
        let ranges = List(self.file_of(wanted.opening) + record::RANGES).nodes(self);
        ranges.into_iter().map(|range| self.bytes_at(range)).any(|held| {
            let overlaps = held.start <= wanted.last && wanted.start <= held.last;
            overlaps && (wanted.exclusive || held.exclusive && held.opening != wanted.opening)
        })
    }

    /// Whether a lock forbids to move these bytes.
    pub fn are_locked(&self, bytes: &Bytes) -> bool {
        let ranges = List(self.file_of(bytes.opening) + record::RANGES).nodes(self);
        ranges.into_iter().map(|range| self.bytes_at(range)).any(|held| {
            let mine = (held.opening, held.key) == (bytes.opening, bytes.key);
            let overlaps = held.start <= bytes.last && bytes.start <= held.last;
            overlaps && if held.exclusive { !mine } else { bytes.exclusive }
        })
    }
}

impl Shm {
    /// Whether any range of a file is locked.
    pub fn has_locks(&self, file: u32) -> bool {
        self.load(file + record::LOCKED) != 0
    }

    /// Held by whoever writes at a file's end.
    pub fn hold_end(&self, file: u32) -> super::lock::Held<'_> {
        self.hold_word(file + record::APPEND)
    }

    /// Held by whoever moves the position of a file object of several members.
    pub fn hold_turn(&self, body: u32) -> super::lock::Held<'_> {
        self.hold_word(body + body::TURN)
    }

    /// The position of a file object of several members.
    pub fn position(&self, body: u32) -> i64 {
        let word = |at: u32| u64::from(self.load(body + body::POSITION + at));
        (word(0) | word(1) << 32) as i64
    }

    /// Sets it. Who moves it has the turn.
    pub fn set_position(&self, body: u32, position: i64) {
        self.store(body + body::POSITION, position as u32);
        self.store(body + body::POSITION + 1, (position as u64 >> 32) as u32);
    }
}
