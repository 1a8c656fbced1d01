//! The desktop and those who look at it: one link, one framebuffer, and the session that has it.

use anyhow::{Context as _, bail};
use shim_abi::display::{Area, Cursor, Input, Notice, Reader, Size, frame};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};

/// Messages that wait for the desktop to read them; a client that says more loses what it says.
const QUEUE: usize = 4096;

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
}

/// The desktop.
pub struct Hub {
    state: Mutex<State>,
    /// Rung at every change.
    bell: Notify,
    inputs: mpsc::Sender<Input>,
    framebuffer: File,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Talks to a desktop; what is answered beside goes on as long as it is there.
    pub fn new(framebuffer: File, link: UnixStream) -> (Arc<Hub>, impl Future<Output = anyhow::Result<()>>) {
        let (inputs, wanted) = mpsc::channel(QUEUE);
        let hub = Arc::new(Hub { state: Mutex::default(), bell: Notify::new(), inputs, framebuffer });
        let desktop = converse(hub.clone(), link, wanted);
        (hub, desktop)
    }

    /// A session for a client that has yet to log in.
    pub fn session(self: &Arc<Self>) -> Arc<Session> {
        let mut state = lock(&self.state);
        state.sessions += 1;
        Arc::new(Session { hub: self.clone(), number: state.sessions, held: Mutex::default() })
    }

    fn tell(&self, input: Input) {
        // Moves of the mouse come by the hundred; what is full is full because the sandbox does not listen.
        let _ = self.inputs.try_send(input);
    }

    fn heard(&self, notice: Notice) -> anyhow::Result<()> {
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
            Notice::Screen(_) | Notice::Cursor(_) | Notice::Windows(_) | Notice::Idle(_) => {
                bail!("the desktop breaks the protocol's rules")
            }
        }
        drop(state);
        self.bell.notify_waiters();
        Ok(())
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
    /// Nothing more: another session has the desktop.
    Over,
}

/// What a session showed already.
#[derive(Debug, Default)]
pub struct Shown {
    size: Option<Size>,
    cursors: u64,
}

impl Session {
    /// It has logged in: the desktop is its own from now on, and no other's.
    pub fn begins(&self) {
        let mut state = lock(&self.hub.state);
        if state.current != self.number {
            state.current = self.number;
            state.frame = None;
            state.areas.clear();
            drop(state);
            self.hub.bell.notify_waiters();
        }
        self.hub.tell(Input::Watch(true));
    }

    /// Whether another session has taken the desktop from this one.
    pub fn is_taken(&self) -> bool {
        lock(&self.hub.state).current > self.number
    }

    /// Whether it has the desktop.
    fn is_current(&self) -> bool {
        lock(&self.hub.state).current == self.number
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
        }
    }

    /// Hands on what the client does; `release` is what lets go of it again, if something is held down by it.
    pub fn input(&self, input: Input, release: Option<Input>) {
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
        loop {
            let bell = self.hub.bell.notified();
            if let Some(show) = self.now(shown) {
                return show;
            }
            bell.await;
        }
    }

    fn now(&self, shown: &mut Shown) -> Option<Show> {
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
        if let Some((x, y)) = state.pointer.take() {
            return Some(Show::Pointer(x, y));
        }
        while let Some(area) = state.areas.pop() {
            // A desktop may say of its framebuffer what it likes.
            let Some((left, top, width, height)) = area.on(&size) else { continue };
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
