//! What is known of a file while it is open, however often and under whatever names: share modes, names, deletion, locks.

use super::lock::Locks;
use super::path;
use crate::host::Stream;
use crate::io::file::*;
use crate::kernel::Kernel;
use crate::ob::types::DELETE;
use crate::shm::Shm;
use crate::status::*;
use parking_lot::Mutex;
use shim_abi::stream::{Identity, Info, Kind};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// FILE_SHARE_READ.
pub const FILE_SHARE_READ: u32 = 1;
/// FILE_SHARE_WRITE.
pub const FILE_SHARE_WRITE: u32 = 2;
/// FILE_SHARE_DELETE.
pub const FILE_SHARE_DELETE: u32 = 4;

/// How often a file is open for what, and what its openers let others do (SHARE_ACCESS). Plain numbers, so that it can
/// lie in memory that processes share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShareAccess {
    opens: u32,
    readers: u32,
    writers: u32,
    deleters: u32,
    shared_read: u32,
    shared_write: u32,
    shared_delete: u32,
}

/// What an opening counts as: whether it reads, writes, deletes.
fn uses(access: u32) -> (bool, bool, bool) {
    (
        access & (FILE_READ_DATA | FILE_EXECUTE) != 0,
        access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0,
        access & DELETE != 0,
    )
}

impl ShareAccess {
    /// Counts an opening in (IoCheckShareAccess). One for attributes alone does not count.
    ///
    /// # Errors
    /// `STATUS_SHARING_VIOLATION`.
    pub fn enter(&mut self, access: u32, share: u32) -> Nt<()> {
        let (read, write, delete) = uses(access);
        if !(read || write || delete) {
            return Ok(());
        }
        if (read && self.shared_read < self.opens)
            || (write && self.shared_write < self.opens)
            || (delete && self.shared_delete < self.opens)
            || (self.readers > 0 && share & FILE_SHARE_READ == 0)
            || (self.writers > 0 && share & FILE_SHARE_WRITE == 0)
            || (self.deleters > 0 && share & FILE_SHARE_DELETE == 0)
        {
            return Err(STATUS_SHARING_VIOLATION);
        }
        self.count(access, share, |number, by| *number += by);
        Ok(())
    }

    /// Counts an opening in that nobody is asked about.
    pub fn enter_anyhow(&mut self, access: u32, share: u32) {
        self.count(access, share, |number, by| *number += by);
    }

    /// As words.
    pub fn words(self) -> [u32; 7] {
        let ShareAccess { opens, readers, writers, deleters, shared_read, shared_write, shared_delete } = self;
        [opens, readers, writers, deleters, shared_read, shared_write, shared_delete]
    }

    /// From words.
    pub fn of_words(words: [u32; 7]) -> ShareAccess {
        let [opens, readers, writers, deleters, shared_read, shared_write, shared_delete] = words;
        ShareAccess { opens, readers, writers, deleters, shared_read, shared_write, shared_delete }
    }

    /// Whether it is open for more than its attributes.
    pub fn is_used(&self) -> bool {
        self.opens != 0
    }

    /// Whether everybody who has it open lets it be deleted.
    pub fn shares_delete(&self) -> bool {
        self.shared_delete == self.opens
    }

    /// Counts an opening out.
    pub fn leave(&mut self, access: u32, share: u32) {
        self.count(access, share, |number, by| *number = number.saturating_sub(by));
    }

    fn count(&mut self, access: u32, share: u32, apply: impl Fn(&mut u32, u32)) {
        let (read, write, delete) = uses(access);
        if !(read || write || delete) {
            return;
        }
        apply(&mut self.opens, 1);
        apply(&mut self.readers, u32::from(read));
        apply(&mut self.writers, u32::from(write));
        apply(&mut self.deleters, u32::from(delete));
        apply(&mut self.shared_read, u32::from(share & FILE_SHARE_READ != 0));
        apply(&mut self.shared_write, u32::from(share & FILE_SHARE_WRITE != 0));
        apply(&mut self.shared_delete, u32::from(share & FILE_SHARE_DELETE != 0));
    }
}

/// One name of an open file.
pub struct Link {
    /// The name, in the letter case that the host has stored.
    uri: Mutex<String>,
    /// Where the sandbox's memory tells it, which other processes may change.
    pub(super) shared: Mutex<Option<(&'static Shm, u32)>>,
    /// File objects that were opened by it.
    opens: AtomicU32,
    /// Whether it goes with the last of them.
    pub delete_pending: AtomicBool,
    /// Whether it is gone.
    pub deleted: AtomicBool,
}

impl Link {
    /// Whether one file object is left that was opened by it.
    pub fn is_last(&self) -> bool {
        self.opens.load(Ordering::Acquire) == 1
    }

    /// The name now.
    pub fn uri(&self) -> String {
        // While it is looked at it stays there.
        let shared = self.shared.lock();
        let told = shared.and_then(|(shm, link)| shm.begin().name_of_link(link));
        told.unwrap_or_else(|| self.uri.lock().clone())
    }

    /// Gives it another name.
    pub(super) fn set_uri(&self, uri: String) {
        *self.uri.lock() = uri;
    }
}

/// What may change of an open file.
#[derive(Default)]
pub struct State {
    /// How it is shared.
    pub share: ShareAccess,
    links: Vec<Weak<Link>>,
    /// Bits of [`shim_abi::stream::attributes`].
    pub attributes: u32,
    /// Made, in nanoseconds since 1970.
    pub created: i64,
    /// What it is on the host since it became a link, or was one.
    became: Option<Identity>,
    /// Streams that sections were made of, and whether the file object that each belongs to still is.
    sections: Vec<(Weak<Stream>, Weak<()>)>,
}

/// A file that is open at least once (a file control block).
pub struct Fcb {
    /// What it is on the host.
    pub identity: Identity,
    /// File or directory.
    pub kind: Kind,
    /// Whether its grant lets it be written.
    pub writable: bool,
    /// What may change.
    pub state: Mutex<State>,
    /// Byte ranges that are locked.
    pub locks: Locks,
    /// Held by whoever writes at the end.
    pub append: Mutex<()>,
}

/// Hashes the numbers of files: the host's, which are spread well enough, and nobody gains by making them collide.
#[derive(Default)]
struct Numbers(u64);

impl Hasher for Numbers {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// Files by the numbers of their volume and there.
type Files = HashMap<(u64, u64), Arc<Fcb>, BuildHasherDefault<Numbers>>;

/// Every file that is open.
#[derive(Default)]
pub struct Table {
    files: Mutex<Files>,
    /// At how many files those are looked for that were kept for a section alone, which is gone meanwhile.
    sweep: AtomicUsize,
    /// Names that were told together with their ids.
    listed: Mutex<HashMap<u64, String>>,
}

/// Fewer files than these are not worth looking through.
const LEAST_SWEEP: usize = 64;
/// Most names that are kept for opening by id.
const MAX_LISTED: usize = 4096;

fn key(identity: &Identity) -> (u64, u64) {
    (identity.volume, identity.number)
}

/// What [`Table::enter`] counted in.
pub struct Entered {
    /// The file.
    pub fcb: Arc<Fcb>,
    /// The name it was opened by.
    pub link: Arc<Link>,
}

impl Table {
    /// Counts an opening in: `info` and the stored name are what the monitor answered.
    ///
    /// # Errors
    /// `STATUS_SHARING_VIOLATION`, `STATUS_DELETE_PENDING`.
    pub fn enter(&self, info: &Info, uri: String, access: u32, share: u32) -> Nt<Entered> {
        self.enter_checked(info, uri, access, share, true)
    }

    /// As [`Table::enter`]; `check` says whether others who have it open are asked.
    ///
    /// # Errors
    /// As [`Table::enter`].
    pub fn enter_checked(&self, info: &Info, uri: String, access: u32, share: u32, check: bool) -> Nt<Entered> {
        let mut files = self.files.lock();
        // A file that was kept for a section alone goes with it, at the latest when another comes in its place.
        if files.len() >= self.sweep.load(Ordering::Relaxed) {
            files.retain(|_, fcb| !fcb.idle() || fcb.is_mapped());
            self.sweep.store((files.len() * 2).max(LEAST_SWEEP), Ordering::Relaxed);
        }
        let key = key(&info.identity);
        if files.get(&key).is_some_and(|fcb| fcb.idle() && !fcb.is_mapped()) {
            files.remove(&key);
        }
        let fcb = files.entry(key).or_insert_with(|| {
            Arc::new(Fcb {
                identity: info.identity.clone(),
                kind: info.kind,
                writable: info.writable,
                state: Mutex::default(),
                locks: Locks::default(),
                append: Mutex::new(()),
            })
        });
        let fcb = fcb.clone();
        let entered = fcb.enter(info, uri, access, share, check);
        if entered.is_err() && fcb.idle() && !fcb.is_mapped() {
            files.remove(&key);
        }
        Ok(Entered { link: entered?, fcb })
    }

    /// Counts an opening out; answers whether it was the last one by its name.
    pub fn leave(&self, fcb: &Arc<Fcb>, link: &Arc<Link>, access: u32, share: u32) -> bool {
        let mut files = self.files.lock();
        fcb.state.lock().share.leave(access, share);
        let last = link.opens.fetch_sub(1, Ordering::AcqRel) == 1;
        if last {
            fcb.state.lock().links.retain(|held| held.upgrade().is_some_and(|held| !Arc::ptr_eq(&held, link)));
        }
        if fcb.idle() && !fcb.is_mapped() {
            files.remove(&key(&fcb.identity));
        }
        last
    }

    /// Whether no file is open.
    pub fn is_empty(&self) -> bool {
        self.files.lock().is_empty()
    }

    /// The file, if it is open.
    pub fn get(&self, identity: &Identity) -> Option<Arc<Fcb>> {
        self.files.lock().get(&key(identity)).cloned()
    }

    /// A name of the file with this number, if it is open or was listed lately.
    pub fn name_of(&self, number: u64) -> Option<String> {
        let files = self.files.lock();
        let open = files.values().find(|fcb| fcb.identity.number == number);
        let name = open.and_then(|fcb| fcb.live_links().first().map(|link| link.uri()));
        name.or_else(|| self.listed.lock().get(&number).cloned())
    }

    /// Keeps the name of a file whose id the program was told.
    pub fn list(&self, number: u64, uri: String) {
        let mut listed = self.listed.lock();
        if listed.len() >= MAX_LISTED {
            listed.clear();
        }
        listed.insert(number, uri);
    }

    /// A name was taken by another file: whoever has the file open that had it, has one without that name.
    pub fn name_is_gone(&self, uri: &str, by: &Arc<Fcb>) {
        let folded = path::fold(uri);
        for fcb in self.files.lock().values().filter(|fcb| !Arc::ptr_eq(fcb, by)) {
            for link in fcb.live_links().iter().filter(|link| path::fold(&link.uri()) == folded) {
                link.deleted.store(true, Ordering::Release);
            }
        }
    }

    /// Whether anything is open below a directory.
    pub fn any_below(&self, k: &'static Kernel, uri: &str) -> bool {
        let mut under = path::fold(uri);
        if !path::is_root(uri) {
            under.push(u16::from(b'/'));
        }
        if super::together::any_below(k, &under) {
            return true;
        }
        let files = self.files.lock();
        files.values().any(|fcb| {
            let links = fcb.live_links();
            links
                .iter()
                .any(|link| !link.deleted.load(Ordering::Relaxed) && path::fold(&link.uri()).starts_with(&under))
        })
    }
}

impl Fcb {
    /// What it is on the host now.
    pub fn identity_now(&self) -> Identity {
        self.state.lock().became.clone().unwrap_or_else(|| self.identity.clone())
    }

    /// The host has something else in its place now.
    pub fn became(&self, identity: Identity) {
        self.state.lock().became = Some(identity);
    }

    fn enter(&self, info: &Info, uri: String, access: u32, share: u32, check: bool) -> Nt<Arc<Link>> {
        let mut state = self.state.lock();
        let known = state.links.iter().filter_map(Weak::upgrade).find(|link| {
            let same = || {
                let held = link.uri();
                held == uri || path::fold(&held) == path::fold(&uri)
            };
            !link.deleted.load(Ordering::Acquire) && same()
        });
        if check && known.as_ref().is_some_and(|link| link.delete_pending.load(Ordering::Acquire)) {
            return Err(STATUS_DELETE_PENDING);
        }
        match check {
            true => state.share.enter(access, share)?,
            false => state.share.enter_anyhow(access, share),
        }
        state.attributes = info.attributes;
        state.created = info.created;
        let link = known.unwrap_or_else(|| {
            let made = Arc::new(Link {
                uri: Mutex::new(uri),
                shared: Mutex::new(None),
                opens: AtomicU32::new(0),
                delete_pending: AtomicBool::new(false),
                deleted: AtomicBool::new(false),
            });
            state.links.push(Arc::downgrade(&made));
            made
        });
        link.opens.fetch_add(1, Ordering::AcqRel);
        Ok(link)
    }

    fn live_links(&self) -> Vec<Arc<Link>> {
        self.state.lock().links.iter().filter_map(Weak::upgrade).collect()
    }

    /// Whether nobody has it open.
    fn idle(&self) -> bool {
        let state = self.state.lock();
        state.links.iter().filter_map(Weak::upgrade).all(|link| link.opens.load(Ordering::Acquire) == 0)
    }

    /// Whether any of its names goes with its last handle.
    pub fn delete_pending(&self) -> bool {
        self.live_links().iter().any(|link| link.delete_pending.load(Ordering::Acquire))
    }

    /// A section is made of a file object's stream; `alive` lives as long as the file object.
    pub fn add_section(&self, stream: &Arc<Stream>, alive: &Arc<()>) {
        let mut state = self.state.lock();
        state.sections.retain(|(stream, _)| stream.strong_count() != 0);
        if !state.sections.iter().any(|(held, _)| held.as_ptr() == Arc::as_ptr(stream)) {
            state.sections.push((Arc::downgrade(stream), Arc::downgrade(alive)));
        }
    }

    /// Whether a section or view of it exists: somebody other than its file objects holds one of its streams.
    pub fn is_mapped(&self) -> bool {
        let state = self.state.lock();
        state.sections.iter().any(|(stream, file)| stream.strong_count() > file.strong_count().min(1))
    }

    /// Whether it is open for more than its attributes.
    pub fn is_used(&self) -> bool {
        self.state.lock().share.is_used()
    }

    /// Whether everybody who has it open lets it be deleted.
    pub fn shares_delete(&self) -> bool {
        self.state.lock().share.shares_delete()
    }

    /// A name was given by a rename.
    pub fn renamed(&self, link: &Link, uri: String) {
        link.set_uri(uri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing() {
        let mut share = ShareAccess::default();
        share.enter(FILE_READ_DATA, FILE_SHARE_READ).unwrap();
        assert_eq!(share.enter(FILE_WRITE_DATA, 7), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(share.enter(FILE_READ_DATA, FILE_SHARE_WRITE), Err(STATUS_SHARING_VIOLATION));
        assert_eq!(share.enter(DELETE, 7), Err(STATUS_SHARING_VIOLATION));
        share.enter(FILE_READ_ATTRIBUTES, 0).unwrap();
        share.enter(FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE).unwrap();
        share.leave(FILE_READ_DATA, FILE_SHARE_READ);
        share.enter(FILE_WRITE_DATA, 7).unwrap();
        share.leave(FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE);
        share.leave(FILE_WRITE_DATA, 7);
        assert_eq!(share, ShareAccess::default());
        share.enter(FILE_WRITE_DATA | DELETE, 0).unwrap();
        assert_eq!(share.enter(FILE_EXECUTE, 7), Err(STATUS_SHARING_VIOLATION));
    }
}
