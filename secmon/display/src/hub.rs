//! The desktop and those who look at it: one link, one framebuffer, and the session that has it.

use anyhow::{Context as _, bail};
use shim_abi::display::{
    Area, CLIP_PART, Clip, Clipping, Cursor, FileRange, Input, MAX_CLIP, MAX_SOUND, More, Notice, Reader, Size,
    clip_parts, frame,
};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};

/// Messages that wait for the desktop to read them; a client that says more loses what it says.
const QUEUE: usize = 4096;
/// Bytes that a client may have sent of which nothing has become yet: what lies on its clipboard comes whole before it can be refused for its length.
const UNSEEN: u64 = 8 * MAX_CLIP as u64;
/// Bytes that an event may have come in.
pub const EVENT: u64 = 512;
/// What a client may ask for of the sandbox's clipboard at a time.
const ASKED: usize = 4;
/// What it may ask for of the files there at a time; bytes of one request, behind which it gets no more.
const ASKED_FILES: usize = 16;
const MOST_OF_FILE: u32 = 2 << 20;
/// Messages of sound that may wait for a client, each of [`MAX_SOUND`] bytes at most; of more the oldest are not heard.
const SOUNDS: usize = 10;
/// Pixels that are shown at once.
const PIXELS: u32 = 256 << 10;

/// What may go between programs and who looks on, besides pictures and input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ways {
    /// What lies on the client's clipboard, to programs.
    pub into: bool,
    /// What lies on the sandbox's, from them.
    pub out: bool,
    /// What they play.
    pub sound: bool,
}

/// What is known of the desktop.
#[derive(Debug, Default)]
struct State {
    size: Option<Size>,
    /// The frame that is being shown, and what of it is left to do.
    frame: Option<u32>,
    areas: Vec<Area>,
    cursor: Option<Cursor>,
    /// Counts cursors.
    cursors: u64,
    /// Where a program put the pointer.
    pointer: Option<(i32, i32)>,
    /// The session that has the desktop; sessions are counted.
    current: u64,
    sessions: u64,
    /// What lies on the sandbox's clipboard, unless it is the client's; counts changes of that.
    clips: Option<Vec<Clip>>,
    offers: u64,
    /// What programs want of the client's.
    wanted: VecDeque<(u32, Clip)>,
    /// What the client asked for, in order, under which tags; what has come of the first; what is there whole.
    asked: VecDeque<(u32, Clip)>,
    tag: u32,
    clipping: Clipping,
    clipped: VecDeque<(Clip, Vec<u8>)>,
    /// Parts of files likewise: those that programs want, those that the client asked for, those that are there.
    wanted_files: VecDeque<(u32, FileRange)>,
    asked_files: VecDeque<AskedFile>,
    files: VecDeque<(u32, Option<Vec<u8>>)>,
    /// The session that wants to hear what is played, 0 for none; what it has yet to hear.
    listener: u64,
    sounds: VecDeque<Vec<u8>>,
}

/// A part of a file that the client asked for.
#[derive(Debug)]
struct AskedFile {
    /// The client's number for it, and that of the question that is under way.
    stream: u32,
    tag: u32,
    /// What is still to be asked for; what there is.
    rest: FileRange,
    bytes: Vec<u8>,
}

impl AskedFile {
    /// How much is asked for at once.
    fn next(&self) -> FileRange {
        FileRange { length: self.rest.length.min(CLIP_PART as u32), ..self.rest.clone() }
    }
}

/// The desktop.
pub struct Hub {
    state: Mutex<State>,
    /// Rung at every change.
    bell: Notify,
    inputs: mpsc::Sender<Input>,
    framebuffer: File,
    ways: Ways,
}

/// Locks; what a panic left behind is as good as before.
pub fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Talks to a desktop; what is answered beside goes on as long as it is there.
    pub fn new(
        framebuffer: File,
        link: UnixStream,
        ways: Ways,
    ) -> (Arc<Hub>, impl Future<Output = anyhow::Result<()>>) {
        let (inputs, wanted) = mpsc::channel(QUEUE);
        let hub = Arc::new(Hub { state: Mutex::default(), bell: Notify::new(), inputs, framebuffer, ways });
        let desktop = converse(hub.clone(), link, wanted);
        (hub, desktop)
    }

    /// One without a desktop: what it would be told.
    #[cfg(test)]
    pub fn alone(ways: Ways) -> (Arc<Hub>, mpsc::Receiver<Input>) {
        let (inputs, told) = mpsc::channel(QUEUE);
        let framebuffer = File::open("/dev/null").unwrap();
        (Arc::new(Hub { state: Mutex::default(), bell: Notify::new(), inputs, framebuffer, ways }), told)
    }

    /// A session for a client that has yet to log in.
    pub fn session(self: &Arc<Self>) -> Arc<Session> {
        let mut state = lock(&self.state);
        state.sessions += 1;
        Arc::new(Session {
            hub: self.clone(),
            number: state.sessions,
            held: Mutex::default(),
            unseen: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
        })
    }

    /// What may go between programs and who looks on.
    pub fn ways(&self) -> Ways {
        self.ways
    }

    fn tell(&self, input: Input) {
        // Moves of the mouse come by the hundred; what is full is full because the sandbox does not listen.
        let _ = self.inputs.try_send(input);
    }

    /// Answers a program that wants what lies on the client's clipboard: nothing, where it has none.
    fn tell_clip(&self, tag: u32, bytes: &[u8]) {
        let mut parts = clip_parts(bytes);
        // All of them or none.
        if self.inputs.capacity() <= parts.len() {
            parts = clip_parts(&[]);
        }
        parts.into_iter().for_each(|part| self.tell(Input::ClipData((tag, part))));
    }

    /// Another client has the desktop, or none: what the one before had on its clipboard is not there any more.
    fn forget_clips(&self, state: &mut State) {
        state.asked.clear();
        state.clipped.clear();
        state.wanted.clear();
        state.wanted_files.clear();
        state.asked_files.clear();
        state.files.clear();
        if self.ways.into {
            self.tell(Input::ClipOffer(Vec::new()));
        }
    }

    /// Nobody listens any more.
    fn forget_sounds(&self, state: &mut State) {
        state.sounds.clear();
        if std::mem::take(&mut state.listener) != 0 {
            self.tell(Input::SoundWatch(false));
        }
    }

    pub(crate) fn heard(&self, notice: Notice) -> anyhow::Result<()> {
        let mut state = lock(&self.state);
        match notice {
            Notice::Screen(size) if size.is_possible() => {
                state.size = Some(size);
                state.areas.clear();
            }
            Notice::Frame((number, areas)) => {
                state.frame = Some(number);
                state.areas = areas;
            }
            Notice::Cursor(cursor) if cursor.is_possible() => {
                state.cursor = Some(cursor);
                state.cursors += 1;
            }
            Notice::CursorAt(place) => state.pointer = Some(place),
            Notice::ClipOffer(clips) => {
                let has = |clip: &Clip| clips.contains(clip);
                state.clips = Some(Clip::ALL.into_iter().filter(has).collect());
                state.offers += 1;
            }
            Notice::ClipWanted((tag, clip)) => {
                if self.ways.into && state.current != 0 && state.wanted.len() < ASKED {
                    state.wanted.push_back((tag, clip));
                } else {
                    self.tell_clip(tag, &[]);
                }
            }
            Notice::ClipData((tag, (more, part))) => {
                // Nobody asked for others.
                if let Some((_, clip)) = state.asked.front().copied().filter(|(asked, _)| *asked == tag)
                    && let Some((_, bytes)) = state.clipping.add(tag, more, &part)
                {
                    state.asked.pop_front();
                    state.clipped.push_back((clip, bytes));
                }
            }
            Notice::FileWanted((tag, range)) => {
                let fits = range.length as usize <= CLIP_PART && state.wanted_files.len() < ASKED;
                if self.ways.into && state.current != 0 && fits {
                    state.wanted_files.push_back((tag, range));
                } else {
                    self.tell(Input::FileData((tag, None)));
                }
            }
            Notice::FileData((tag, data)) => self.heard_of_file(&mut state, tag, data),
            Notice::Sound(bytes) if bytes.len() <= MAX_SOUND && bytes.len().is_multiple_of(4) => {
                // What is on its way when nobody wants it any more.
                if state.listener == 0 || state.listener != state.current {
                    return Ok(());
                }
                if state.sounds.len() >= SOUNDS {
                    state.sounds.pop_front();
                }
                state.sounds.push_back(bytes);
            }
            Notice::Screen(_)
            | Notice::Cursor(_)
            | Notice::Windows(_)
            | Notice::Idle(_)
            | Notice::PointerAt(_)
            | Notice::Sound(_) => {
                bail!("the desktop breaks the protocol's rules")
            }
        }
        drop(state);
        self.bell.notify_waiters();
        Ok(())
    }
}

impl Hub {
    /// A part of a file came: the rest of what the client asked for is asked for, or it gets what there is.
    fn heard_of_file(&self, state: &mut State, tag: u32, data: Option<Vec<u8>>) {
        let Some(at) = state.asked_files.iter().position(|asked| asked.tag == tag) else { return };
        let Some(asked) = state.asked_files.get_mut(at) else { return };
        let part = data.as_ref().map_or(0, |part| part.len().min(CLIP_PART));
        asked.bytes.extend_from_slice(data.as_deref().and_then(|data| data.get(..part)).unwrap_or_default());
        let whole = part as u32 == asked.next().length;
        asked.rest.offset = asked.rest.offset.saturating_add(part as u64);
        asked.rest.length = asked.rest.length.saturating_sub(part as u32);
        if whole && asked.rest.length > 0 {
            state.tag = state.tag.wrapping_add(1);
            asked.tag = state.tag;
            let question = Input::FileWanted((asked.tag, asked.next()));
            return self.tell(question);
        }
        if let Some(asked) = state.asked_files.remove(at) {
            state.files.push_back((asked.stream, data.map(|_| asked.bytes)));
        }
    }
}

async fn converse(hub: Arc<Hub>, link: UnixStream, mut wanted: mpsc::Receiver<Input>) -> anyhow::Result<()> {
    let (mut from, mut to) = link.into_split();
    let reading = async {
        let (mut reader, mut part) = (Reader::default(), vec![0; 64 * 1024]);
        loop {
            let count = from.read(&mut part).await.unwrap_or(0);
            if count == 0 {
                return anyhow::Ok(());
            }
            reader.push(part.get(..count).unwrap_or_default());
            while let Some(notice) = reader.take::<Notice>().ok().context("the desktop says what is no message")? {
                hub.heard(notice)?;
            }
        }
    };
    let writing = async {
        while let Some(input) = wanted.recv().await {
            let Ok(bytes) = frame(&input) else { continue };
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = reading => ended,
        () = writing => Ok(()),
    }
}

/// A client's session.
pub struct Session {
    hub: Arc<Hub>,
    number: u64,
    /// What it holds down: messages that let go of it.
    held: Mutex<Vec<Input>>,
    /// Bytes that it sent of which nothing has become yet.
    unseen: AtomicU64,
    /// Bytes of sound that wait to be sent to it, as far as is known.
    unheard: AtomicU64,
}

/// Ends a session when it is dropped.
pub struct AtEnd(pub Arc<Session>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a session is to be shown next.
pub enum Show {
    /// The screen has another size.
    Size(Size),
    /// Pixels: where, and what; rows without gaps.
    Pixels(Area, Vec<u8>),
    /// The pointer looks like that.
    Cursor(Cursor),
    /// A program put the pointer there.
    Pointer(i32, i32),
    /// The sandbox's clipboard has that.
    ClipOffer(Vec<Clip>),
    /// A program pastes what the client has: the answer's tag, and what.
    ClipWanted(u32, Clip),
    /// What the client asked for; nothing if there is nothing.
    ClipData(Clip, Vec<u8>),
    /// A program wants a part of a file that the client has: the answer's tag, and what.
    FileWanted(u32, FileRange),
    /// A part of a file that the client asked for, under its number.
    FileData(u32, Option<Vec<u8>>),
    /// What it hears next: 48000 frames a second of two samples.
    Sound(Vec<u8>),
    /// Nothing more: another session has the desktop.
    Over,
}

/// What a session showed already.
#[derive(Debug, Default)]
pub struct Shown {
    size: Option<Size>,
    cursors: u64,
    offers: u64,
}

impl Session {
    /// It has logged in: the desktop is its own from now on, and no other's.
    pub fn begins(&self) {
        let mut state = lock(&self.hub.state);
        if state.current != self.number {
            state.current = self.number;
            state.frame = None;
            state.areas.clear();
            self.hub.forget_clips(&mut state);
            self.hub.forget_sounds(&mut state);
            drop(state);
            self.hub.bell.notify_waiters();
            if self.hub.ways.out {
                self.hub.tell(Input::ClipWatch(true));
            }
        }
        self.hub.tell(Input::Watch(true));
    }

    /// What may go between clipboards.
    pub fn ways(&self) -> Ways {
        self.hub.ways
    }

    /// Whether its client wants to hear what is played.
    pub fn listen(&self, wanted: bool) {
        let mut state = lock(&self.hub.state);
        if wanted && self.hub.ways.sound && state.current == self.number && state.listener != self.number {
            state.listener = self.number;
            state.sounds.clear();
            self.hub.tell(Input::SoundWatch(true));
        } else if !wanted && state.listener == self.number {
            self.hub.forget_sounds(&mut state);
        }
    }

    /// So many bytes of sound are to be sent to it; answers whether they may: one that takes little hears little.
    pub fn may_play(&self, bytes: u64) -> bool {
        let waiting = self.unheard.load(Ordering::Relaxed).saturating_add(bytes);
        let may = waiting <= SOUNDS as u64 * MAX_SOUND as u64;
        if may {
            self.unheard.store(waiting, Ordering::Relaxed);
        }
        may
    }

    /// So many bytes were sent to it.
    pub fn was_sent(&self, bytes: u64) {
        let waiting = self.unheard.load(Ordering::Relaxed);
        self.unheard.store(waiting.saturating_sub(bytes), Ordering::Relaxed);
    }

    /// It sent so many bytes; answers whether there may be so many of which nothing has become.
    pub fn may_take(&self, bytes: u64) -> bool {
        self.unseen.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= UNSEEN
    }

    /// Something became of so many bytes.
    pub fn looked_at(&self, bytes: u64) {
        let unseen = self.unseen.load(Ordering::Relaxed);
        self.unseen.store(unseen.saturating_sub(bytes), Ordering::Relaxed);
    }

    /// What lies on the client's clipboard.
    pub fn clip_offer(&self, clips: Vec<Clip>) {
        let mut state = lock(&self.hub.state);
        if self.hub.ways.into && state.current == self.number {
            if !clips.is_empty() {
                // The client is not told any more of what this takes the place of.
                state.clips = None;
            }
            self.hub.tell(Input::ClipOffer(clips));
        }
    }

    /// A part of what a program wants of it.
    pub fn clip_part(&self, tag: u32, more: More, part: Vec<u8>) {
        if self.hub.ways.into && self.is_current() {
            self.hub.tell(Input::ClipData((tag, (more, part))));
        }
    }

    /// All of it.
    pub fn clip_answer(&self, tag: u32, bytes: &[u8]) {
        if self.is_current() {
            self.hub.tell_clip(tag, if self.hub.ways.into { bytes } else { &[] });
        }
    }

    /// The client wants what lies on the sandbox's clipboard; answers whether it gets an answer.
    pub fn clip_ask(&self, clip: Clip) -> bool {
        let mut state = lock(&self.hub.state);
        if !self.hub.ways.out || state.current != self.number || state.asked.len() + state.clipped.len() >= ASKED {
            return false;
        }
        state.tag = state.tag.wrapping_add(1);
        let tag = state.tag;
        state.asked.push_back((tag, clip));
        drop(state);
        self.hub.tell(Input::ClipWanted((tag, clip)));
        true
    }

    /// The client wants a part of a file of the sandbox's clipboard, which it gets under its number; answers whether it gets an answer.
    pub fn file_ask(&self, stream: u32, mut range: FileRange) -> bool {
        let mut state = lock(&self.hub.state);
        let room = state.asked_files.len() + state.files.len() < ASKED_FILES;
        if !self.hub.ways.out || state.current != self.number || !room {
            return false;
        }
        range.length = range.length.min(MOST_OF_FILE);
        state.tag = state.tag.wrapping_add(1);
        let asked = AskedFile { stream, tag: state.tag, rest: range, bytes: Vec::new() };
        let question = Input::FileWanted((asked.tag, asked.next()));
        state.asked_files.push_back(asked);
        drop(state);
        self.hub.tell(question);
        true
    }

    /// The client drops files there: which, as [`Clip::Files`] lists them.
    pub fn drop_files(&self, place: (i32, i32), described: Vec<u8>) {
        self.looked_at(EVENT);
        if self.hub.ways.into && self.is_current() {
            self.hub.tell(Input::Drop((place, described)));
        }
    }

    /// A part of a file of the client's, which a program wanted.
    pub fn file_answer(&self, tag: u32, data: Option<Vec<u8>>) {
        if self.is_current() {
            let data = data.filter(|data| self.hub.ways.into && data.len() <= CLIP_PART);
            self.hub.tell(Input::FileData((tag, data)));
        }
    }

    /// The client is to hear what lies on the sandbox's clipboard, though it is what it was.
    pub fn clip_again(&self) {
        lock(&self.hub.state).offers += 1;
        self.hub.bell.notify_waiters();
    }

    /// Whether another session has taken the desktop from this one.
    pub fn is_taken(&self) -> bool {
        lock(&self.hub.state).current > self.number
    }

    /// Whether it has the desktop.
    fn is_current(&self) -> bool {
        lock(&self.hub.state).current == self.number
    }

    /// Comes back once it has logged in.
    pub async fn has_begun(&self) {
        loop {
            let bell = self.hub.bell.notified();
            if lock(&self.hub.state).current >= self.number {
                return;
            }
            bell.await;
        }
    }

    /// Comes back if it has not logged in after that time.
    pub async fn is_late(&self, time: Duration) {
        tokio::time::sleep(time).await;
        if lock(&self.hub.state).current >= self.number {
            std::future::pending::<()>().await;
        }
    }

    /// Comes back once another session has taken the desktop from this one, and there was time to say so.
    pub async fn is_over(&self) {
        loop {
            let bell = self.hub.bell.notified();
            if lock(&self.hub.state).current > self.number {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return;
            }
            bell.await;
        }
    }

    /// The client is gone: what it held down goes up.
    fn end(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if self.is_current() {
            held.into_iter().for_each(|input| self.hub.tell(input));
            self.hub.tell(Input::Watch(false));
            let mut state = lock(&self.hub.state);
            self.hub.forget_clips(&mut state);
            self.hub.forget_sounds(&mut state);
        }
    }

    /// Hands on what the client does; `release` is what lets go of it again, if something is held down by it.
    pub fn input(&self, input: Input, release: Option<Input>) {
        self.looked_at(EVENT);
        if !self.is_current() {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|known| *known != input);
        if let Some(release) = release
            && held.len() < 64
            && !held.contains(&release)
        {
            held.push(release);
        }
        drop(held);
        self.hub.tell(input);
    }

    /// The screen's size now, if it is known.
    pub fn size(&self) -> Option<Size> {
        lock(&self.hub.state).size.clone()
    }

    /// Asks for another size.
    pub fn resize(&self, size: Size) {
        self.hub.tell(Input::Resize(size.fitted()));
    }

    /// Waits until the screen has that size, or that time passed; what it has.
    pub async fn await_size(&self, size: &Size, time: Duration) -> Option<Size> {
        let there = async {
            loop {
                let bell = self.hub.bell.notified();
                if self.size().as_ref() == Some(size) {
                    return;
                }
                bell.await;
            }
        };
        let _ = tokio::time::timeout(time, there).await;
        self.size()
    }

    /// What the client is to be shown next.
    pub async fn next(&self, shown: &mut Shown) -> Show {
        self.looked_at(EVENT);
        loop {
            let bell = self.hub.bell.notified();
            if let Some(show) = self.now(shown) {
                return show;
            }
            bell.await;
        }
    }

    pub(crate) fn now(&self, shown: &mut Shown) -> Option<Show> {
        let mut state = lock(&self.hub.state);
        if state.current != self.number {
            return Some(Show::Over);
        }
        let size = state.size.clone()?;
        if shown.size.as_ref() != Some(&size) {
            shown.size = Some(size.clone());
            return Some(Show::Size(size));
        }
        if shown.cursors != state.cursors {
            shown.cursors = state.cursors;
            return state.cursor.clone().map(Show::Cursor);
        }
        if shown.offers != state.offers && self.hub.ways.out {
            shown.offers = state.offers;
            if let Some(clips) = &state.clips {
                return Some(Show::ClipOffer(clips.clone()));
            }
        }
        if state.listener == self.number
            && let Some(bytes) = state.sounds.pop_front()
        {
            return Some(Show::Sound(bytes));
        }
        if let Some((tag, clip)) = state.wanted.pop_front() {
            return Some(Show::ClipWanted(tag, clip));
        }
        if let Some((clip, bytes)) = state.clipped.pop_front() {
            return Some(Show::ClipData(clip, bytes));
        }
        if let Some((tag, range)) = state.wanted_files.pop_front() {
            return Some(Show::FileWanted(tag, range));
        }
        if let Some((stream, data)) = state.files.pop_front() {
            return Some(Show::FileData(stream, data));
        }
        if let Some((x, y)) = state.pointer.take() {
            return Some(Show::Pointer(x, y));
        }
        while let Some(area) = state.areas.pop() {
            // A desktop may say of its framebuffer what it likes.
            let Some((left, top, width, mut height)) = area.on(&size) else { continue };
            // Little at a time: a picture is in memory several times over until it is sent. One of the whole screen the protocol's crate would keep
            // besides, to find what changed; the desktop knows that already.
            let rows = (PIXELS / width).clamp(1, size.height.div_ceil(2));
            if height > rows {
                let rest = (top + rows) as i32;
                state.areas.push(Area {
                    left: left as i32,
                    top: rest,
                    right: (left + width) as i32,
                    bottom: (top + height) as i32,
                });
                height = rows;
            }
            let mut pixels = vec![0; width as usize * height as usize * 4];
            for (row, line) in pixels.chunks_exact_mut(width as usize * 4).enumerate() {
                let at = (u64::from(top) + row as u64) * u64::from(size.width) + u64::from(left);
                if self.hub.framebuffer.read_exact_at(line, at * 4).is_err() {
                    return None;
                }
            }
            let (right, bottom) = ((left + width) as i32, (top + height) as i32);
            return Some(Show::Pixels(Area { left: left as i32, top: top as i32, right, bottom }, pixels));
        }
        if let Some(frame) = state.frame.take() {
            self.hub.tell(Input::Shown(frame));
        }
        None
    }

    /// The size that the client has is that: what comes next is not told as a change of it.
    pub fn has_size(&self, shown: &mut Shown, size: &Size) {
        shown.size = Some(size.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(told: &mut mpsc::Receiver<Input>) -> Vec<Input> {
        std::iter::from_fn(|| told.try_recv().ok()).collect()
    }

    #[test]
    fn nothing_goes_between_clipboards_that_the_policy_does_not_say() {
        for (into, out) in [(false, false), (true, false), (false, true), (true, true)] {
            let (hub, mut told) = Hub::alone(Ways { into, out, sound: false });
            let session = hub.session();
            session.begins();
            assert_eq!(drain(&mut told).contains(&Input::ClipWatch(true)), out);
            session.clip_offer(vec![Clip::Text]);
            assert_eq!(drain(&mut told) == [Input::ClipOffer(vec![Clip::Text])], into);
            assert_eq!(session.clip_ask(Clip::Text), out);
            drain(&mut told);
            hub.heard(Notice::ClipWanted((5, Clip::Text))).unwrap();
            let nothing = Input::ClipData((5, (More::Last, Vec::new())));
            // Where nothing goes in, who wants something hears so at once.
            assert_eq!(drain(&mut told) == [nothing], !into);
            session.clip_part(5, More::Last, b"x".to_vec());
            assert_eq!(drain(&mut told).is_empty(), !into);
            session.drop_files((1, 2), vec![3]);
            assert_eq!(drain(&mut told) == [Input::Drop(((1, 2), vec![3]))], into);
            let mut shown = Shown::default();
            hub.heard(Notice::Screen(Size { width: 800, height: 600 })).unwrap();
            hub.heard(Notice::ClipOffer(vec![Clip::Text; 1000])).unwrap();
            let mut shows = std::iter::from_fn(|| session.now(&mut shown));
            assert_eq!(shows.any(|show| matches!(show, Show::ClipOffer(clips) if clips == [Clip::Text])), out);
        }
    }

    #[test]
    fn a_session_hears_what_it_asked_for_and_no_other() {
        let (hub, mut told) = Hub::alone(Ways { into: true, out: true, sound: false });
        let (first, second) = (hub.session(), hub.session());
        first.begins();
        assert!(first.clip_ask(Clip::Image) && !second.clip_ask(Clip::Image));
        let Some(Input::ClipWanted((tag, Clip::Image))) = drain(&mut told).pop() else { panic!("it was asked for") };
        hub.heard(Notice::Screen(Size { width: 800, height: 600 })).unwrap();
        let data = |tag| Notice::ClipData((tag, (More::Last, b"x".to_vec())));
        hub.heard(data(tag + 1)).unwrap();
        hub.heard(data(tag)).unwrap();
        hub.heard(data(tag)).unwrap();
        let mut shown = Shown::default();
        let shows: Vec<Show> = std::iter::from_fn(|| first.now(&mut shown)).collect();
        let clips = shows.iter().filter(|show| matches!(show, Show::ClipData(Clip::Image, bytes) if bytes == b"x"));
        assert_eq!(clips.count(), 1);
        // It asks for more than it takes.
        assert_eq!((0..10).filter(|_| first.clip_ask(Clip::Text)).count(), ASKED);
        // Another has the desktop: what the one before was to get is nobody's, and what it offered is gone.
        drain(&mut told);
        second.begins();
        assert!(drain(&mut told).contains(&Input::ClipOffer(Vec::new())));
        assert!(!first.clip_ask(Clip::Text) && second.clip_ask(Clip::Text));
        // What the client has takes the place of what it was to hear of, and it does not hear of that.
        let mut shown = Shown::default();
        let mut hears = || {
            let shows: Vec<Show> = std::iter::from_fn(|| second.now(&mut shown)).collect();
            shows.iter().any(|show| matches!(show, Show::ClipOffer(_)))
        };
        hub.heard(Notice::ClipOffer(vec![Clip::Text])).unwrap();
        second.clip_offer(vec![Clip::Image]);
        assert!(!hears());
        second.clip_again();
        assert!(!hears());
        hub.heard(Notice::ClipOffer(vec![Clip::Text])).unwrap();
        assert!(hears());
    }

    #[test]
    fn only_who_listens_hears_and_only_where_the_policy_says_so() {
        let size = || Notice::Screen(Size { width: 800, height: 600 });
        let (hub, mut told) = Hub::alone(Ways::default());
        let session = hub.session();
        session.begins();
        drain(&mut told);
        session.listen(true);
        assert_eq!(drain(&mut told), []);
        hub.heard(size()).unwrap();
        hub.heard(Notice::Sound(vec![1; 8])).unwrap();
        let mut shown = Shown::default();
        assert!(!std::iter::from_fn(|| session.now(&mut shown)).any(|show| matches!(show, Show::Sound(_))));

        let (hub, mut told) = Hub::alone(Ways { sound: true, ..Ways::default() });
        let (first, second) = (hub.session(), hub.session());
        hub.heard(size()).unwrap();
        first.begins();
        second.listen(true);
        assert!(!drain(&mut told).contains(&Input::SoundWatch(true)), "it has no desktop");
        first.listen(true);
        first.listen(true);
        assert_eq!(drain(&mut told), [Input::SoundWatch(true)]);
        // One that does not take what comes misses the oldest.
        for number in 0..SOUNDS as u8 + 5 {
            hub.heard(Notice::Sound(vec![number; MAX_SOUND])).unwrap();
        }
        let mut shown = Shown::default();
        let heard = |show| if let Show::Sound(bytes) = show { Some(bytes[0]) } else { None };
        let all: Vec<u8> = std::iter::from_fn(|| first.now(&mut shown)).filter_map(heard).collect();
        assert_eq!(all, (5..SOUNDS as u8 + 5).collect::<Vec<u8>>());
        // What is no sound ends the desktop's connection.
        for length in [1, 6, MAX_SOUND + 4] {
            assert!(hub.heard(Notice::Sound(vec![0; length])).is_err());
        }
        hub.heard(Notice::Sound(vec![1; 8])).unwrap();
        second.begins();
        assert!(drain(&mut told).contains(&Input::SoundWatch(false)));
        hub.heard(Notice::Sound(vec![1; 8])).unwrap();
        let mut shown = Shown::default();
        assert!(!std::iter::from_fn(|| second.now(&mut shown)).any(|show| matches!(show, Show::Sound(_))));
        second.listen(true);
        first.listen(false);
        assert_eq!(drain(&mut told), [Input::SoundWatch(true)]);
        second.end();
        assert!(drain(&mut told).contains(&Input::SoundWatch(false)));
    }

    #[test]
    fn sound_for_a_client_that_takes_nothing_is_bounded() {
        let (hub, _told) = Hub::alone(Ways { sound: true, ..Ways::default() });
        let session = hub.session();
        let sent = (0..1000).filter(|_| session.may_play(MAX_SOUND as u64)).count();
        assert_eq!(sent, SOUNDS);
        session.was_sent(MAX_SOUND as u64);
        assert!(session.may_play(MAX_SOUND as u64) && !session.may_play(1));
        session.was_sent(u64::MAX);
        assert!(session.may_play(1));
    }

    #[test]
    fn what_becomes_nothing_is_bounded() {
        let (hub, _told) = Hub::alone(Ways::default());
        let session = hub.session();
        assert!(session.may_take(UNSEEN) && !session.may_take(1));
        session.looked_at(u64::MAX);
        // Somebody who works with it sends more in time.
        for _ in 0..UNSEEN / 100 {
            assert!(session.may_take(200));
            session.input(Input::Move((1, 1)), None);
        }
    }
}
