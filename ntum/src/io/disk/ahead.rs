//! Openings ahead: who listed a directory and opens its files one after the other has the next ones opened with one call.
//!
//! A file that was opened before it was asked for is handed out only if its name cannot mean another file by then: the monitor
//! has something that tells so without being asked ([`StreamOpenSeveral`]). Whatever it tells, all that is kept is dropped, and
//! the file is opened anew. What is known of a file is asked of its stream again.

use super::path;
use crate::host::Stream;
use crate::kernel::Kernel;
use parking_lot::Mutex;
use shim_abi::MAX_SEVERAL;
use shim_abi::calls::{Opened, StreamOpenSeveral};
use shim_abi::stream::{Info, attributes as bits};
use std::collections::VecDeque;
use std::sync::Arc;

/// Directories remembered.
const FOLDERS: usize = 16;
/// Fewer files than these are not worth it, more are not remembered.
pub const WORTH: core::ops::RangeInclusive<usize> = 8..=16_384;
/// Openings of neighbours in a row before others are opened ahead, and when that was in vain again and again.
const ROW: u32 = 3;
const LONG_ROW: u32 = 512;
/// Files opened with the first call ahead, and with later ones.
const FEW: usize = 4;
const MOST: usize = MAX_SEVERAL / 2;
/// Places in a directory where somebody goes on.
const CURSORS: usize = 4;
/// Openings out of order after which a directory is forgotten, but for those between many that are in order.
const STRAYS: u32 = 8;
/// How long an opened file is kept, in nanoseconds: longer than it takes to get to it. The one thing that nobody tells is that the
/// host laid a mount over a folder on the way: this bounds for how long what lies below is found.
const LIFE: u64 = 50_000_000;

/// A file that was opened ahead.
struct Kept {
    index: usize,
    info: Info,
    stream: Stream,
    /// What tells whether its name may mean another file.
    watch: Arc<Stream>,
    since: u64,
}

/// Where somebody goes through a directory.
#[derive(Clone, Copy)]
struct Cursor {
    last: usize,
    forward: bool,
    /// Neighbours opened in a row.
    row: u32,
    /// How many were opened with the last call.
    window: usize,
}

/// A directory that was listed.
struct Folder {
    uri: String,
    /// Its files as the program was told of them. In another letter case a name may mean another file, which nobody tells of.
    names: Arc<[String]>,
    cursors: Vec<Cursor>,
    /// How many openings that no cursor leads to are looked up yet among all names.
    strays: u32,
    kept: Vec<Kept>,
    /// Whether a call ahead is under way.
    asking: bool,
}

#[derive(Default)]
struct State {
    /// The last listed one last.
    folders: VecDeque<Folder>,
    watch: Option<Arc<Stream>>,
    /// Whether what tells of changes is being asked for.
    asking: bool,
    /// Counts how often everything was dropped.
    epoch: u64,
    /// Neighbours to be opened in a row from now on, less [`ROW`].
    penance: u32,
    /// How many files were opened with the last call: where the next directory begins.
    habit: usize,
    /// Since when what is kept may be too old.
    oldest: u64,
}

/// What is known of listed directories and kept of their files.
#[derive(Default)]
pub struct Ahead(Mutex<State>);

/// What to do for an opening.
enum Plan {
    /// This was opened ahead, in this epoch.
    Use(Kept, u64),
    /// Open the file and others with it.
    Ask(Asking),
}

/// A call ahead.
struct Asking {
    /// The directory.
    uri: String,
    names: Arc<[String]>,
    /// Which of them, the one that was asked for first.
    indices: Vec<usize>,
    watch: Option<Arc<Stream>>,
    epoch: u64,
}

impl Folder {
    fn is(&self, index: usize, name: &str) -> bool {
        self.names.get(index).is_some_and(|other| other == name)
    }

    /// Moves a cursor to a name, or makes one there; its number, and the name's.
    fn follow(&mut self, name: &str) -> Option<(usize, usize)> {
        let step = |cursor: &Cursor| {
            let (up, down) = (cursor.last + 1, cursor.last.wrapping_sub(1));
            if self.is(up, name) { Some((up, true)) } else { self.is(down, name).then_some((down, false)) }
        };
        let found = self.cursors.iter().enumerate().find_map(|(number, cursor)| Some((number, step(cursor)?)));
        if let Some((number, (index, forward))) = found {
            let cursor = &mut self.cursors[number];
            cursor.row = if cursor.forward == forward { cursor.row.saturating_add(1) } else { 2 };
            (cursor.last, cursor.forward) = (index, forward);
            return Some((number, index));
        }
        // Once more of the one that was opened last.
        if let Some(number) = self.cursors.iter().position(|cursor| self.is(cursor.last, name)) {
            return Some((number, self.cursors[number].last));
        }
        self.strays = self.strays.checked_sub(1)?;
        let index = self.names.iter().position(|other| other == name)?;
        if self.cursors.len() >= CURSORS {
            self.cursors.remove(0);
        }
        self.cursors.push(Cursor { last: index, forward: true, row: 1, window: 0 });
        Some((self.cursors.len() - 1, index))
    }

    /// The names from a cursor on that are not kept.
    fn next(&self, cursor: Cursor) -> Vec<usize> {
        let is_kept = |index: &usize| self.kept.iter().any(|kept| kept.index == *index);
        let ahead = 0..cursor.window;
        let indices = ahead
            .map_while(|step| if cursor.forward { Some(cursor.last + step) } else { cursor.last.checked_sub(step) });
        indices.take_while(|index| *index < self.names.len() && !is_kept(index)).collect()
    }
}

impl State {
    fn plan(&mut self, uri: &str, now: u64) -> Option<Plan> {
        let (above, name) = (path::parent(uri), path::last(uri));
        if now > self.oldest.saturating_add(LIFE) {
            self.oldest = now;
            for folder in &mut self.folders {
                folder.kept.retain(|kept| now.saturating_sub(kept.since) < LIFE);
            }
        }
        let (epoch, habit) = (self.epoch, self.habit.max(FEW));
        // Who went through a directory is taken to go through the next one.
        let needed = if habit > FEW { ROW - 1 } else { ROW + self.penance };
        // The one that was listed last is likely to be meant.
        let place = self.folders.iter().rposition(|folder| folder.uri == above)?;
        let folder = self.folders.get_mut(place)?;
        let Some((number, index)) = folder.follow(name) else {
            if folder.strays == 0 {
                self.folders.remove(place);
            }
            return None;
        };
        if let Some(at) = folder.kept.iter().position(|kept| kept.index == index) {
            folder.strays = STRAYS;
            return Some(Plan::Use(folder.kept.swap_remove(at), epoch));
        }
        let free = !folder.asking && !self.asking;
        let cursor = folder.cursors.get_mut(number).filter(|cursor| free && cursor.row >= needed)?;
        cursor.window = if cursor.window == 0 { habit } else { (cursor.window * 2).min(MOST) };
        let copy = *cursor;
        let indices = folder.next(copy);
        if indices.len() < 2 {
            return None;
        }
        self.habit = copy.window;
        let (uri, names) = (folder.uri.clone(), folder.names.clone());
        folder.asking = true;
        self.asking = self.watch.is_none();
        Some(Plan::Ask(Asking { uri, names, indices, watch: self.watch.clone(), epoch }))
    }

    /// Drops everything that is kept: something changed.
    fn drop_all(&mut self) -> Vec<Kept> {
        self.epoch += 1;
        self.watch = None;
        self.penance = (self.penance * 2 + 1).min(LONG_ROW);
        self.habit = 0;
        self.folders.iter_mut().for_each(|folder| folder.cursors.clear());
        self.folders.iter_mut().flat_map(|folder| core::mem::take(&mut folder.kept)).collect()
    }
}

impl Ahead {
    /// A directory was listed, with these files.
    pub fn listed(&self, uri: &str, names: Vec<String>) {
        let mut state = self.0.lock();
        let old = state.folders.iter().position(|folder| folder.uri == uri);
        let old = old.or_else(|| (state.folders.len() >= FOLDERS).then_some(0));
        let gone = old.and_then(|at| state.folders.remove(at));
        if gone.as_ref().is_some_and(|folder| !folder.kept.is_empty()) {
            state.habit = 0;
        }
        if WORTH.contains(&names.len()) {
            let (uri, names) = (uri.to_owned(), names.into());
            state.folders.push_back(Folder {
                uri,
                names,
                cursors: Vec::new(),
                strays: STRAYS,
                kept: Vec::new(),
                asking: false,
            });
        }
        drop(state);
        // Its streams are closed without the lock.
        drop(gone);
    }

    /// Drops all that is kept; whether that was anything.
    pub fn forget(&self) -> bool {
        let kept = self.0.lock().drop_all();
        !kept.is_empty()
    }

    /// Opens a file that exists, to read it, if it was opened ahead or is to be opened together with others.
    pub fn open(&self, k: &'static Kernel, uri: &str) -> Option<(Opened, Stream)> {
        let plan = {
            let mut state = self.0.lock();
            if state.folders.is_empty() {
                return None;
            }
            state.plan(uri, k.host.monotonic())?
        };
        let (info, stream) = match plan {
            Plan::Use(kept, epoch) => self.check(k, kept, epoch)?,
            Plan::Ask(asking) => self.ask(k, asking)?,
        };
        Some((Opened { info, made: false, uri: uri.to_owned() }, stream))
    }

    /// What is known now of a file that was opened ahead, if its name still means it.
    fn check(&self, k: &'static Kernel, kept: Kept, epoch: u64) -> Option<(Info, Stream)> {
        let Kept { mut info, stream, watch, .. } = kept;
        let unchanged = k.host.poll(&watch, false, Some(0)) == Ok(false);
        // A later epoch has another watch, and the monitor forgot this one: it may be silent for that.
        if !unchanged || self.0.lock().epoch != epoch {
            self.forget();
            return None;
        }
        // Who changes a file by a name that it has elsewhere is not noticed.
        let now = k.host.query(&stream).ok().filter(|now| now.links == 1)?;
        (info.size, info.allocated) = (now.size, now.allocated);
        (info.accessed, info.written, info.changed) = (now.accessed, now.written, now.changed);
        info.attributes = info.attributes & !bits::READONLY | now.attributes & bits::READONLY;
        Some((info, stream))
    }

    /// Opens a file together with others, and keeps those.
    fn ask(&self, k: &'static Kernel, asking: Asking) -> Option<(Info, Stream)> {
        let Asking { uri, names, indices, watch, epoch } = asking;
        let wanted = indices.iter().map(|index| names[*index].clone()).collect();
        let since = k.host.monotonic();
        let call = StreamOpenSeveral { uri, names: wanted, changes: watch.is_none() };
        let answer = k.host.ask_streams(&call);
        let mut state = self.0.lock();
        if watch.is_none() {
            state.asking = false;
        }
        // Unless it was listed anew meanwhile.
        let place = state.folders.iter().position(|folder| Arc::ptr_eq(&folder.names, &names));
        if let Some(folder) = place.and_then(|place| state.folders.get_mut(place)) {
            folder.asking = false;
        }
        let Ok((opened, streams)) = answer else {
            // The directory is none where that can be done, or is gone, or descriptors are short.
            place.and_then(|place| state.folders.remove(place));
            return None;
        };
        let mut streams = streams.into_iter();
        let watch = watch.or_else(|| streams.next().map(Arc::new))?;
        // What the descriptors did not suffice for was not opened.
        let mut files = indices.iter().zip(opened.files).map(|(index, info)| Some((*index, info?, streams.next()?)));
        let first = files.next()?;
        if state.epoch == epoch {
            state.watch = Some(watch.clone());
            state.penance -= state.penance.min(1);
            let keep =
                files.flatten().map(|(index, info, stream)| Kept { index, info, stream, watch: watch.clone(), since });
            if let Some(folder) = place.and_then(|place| state.folders.get_mut(place)) {
                folder.kept.extend(keep);
            }
        }
        first.map(|(_, info, stream)| (info, stream))
    }
}
