//! A console: its screen buffers, its input, and the terminal it is shown on, if any.

use super::codepage;
use super::common::Record as Shared;
use super::edit::{History, Line};
use super::input::{self, Keys, Record};
use super::screen::{MAX_CELLS, Screen};
use super::terminal::Terminal;
use crate::host::Stream;
use crate::io::irp::Irp;
use crate::kernel::Kernel;
use crate::ob::object::Object;
use crate::shm::console::ConsoleFacts;
use crate::status::*;
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// ENABLE_* of input.
#[allow(missing_docs)]
pub mod mode {
    pub const PROCESSED: u32 = 0x1;
    pub const LINE: u32 = 0x2;
    pub const ECHO: u32 = 0x4;
    pub const WINDOW: u32 = 0x8;
    pub const MOUSE: u32 = 0x10;
    pub const INSERT: u32 = 0x20;
    pub const QUICK_EDIT: u32 = 0x40;
    pub const EXTENDED: u32 = 0x80;
    pub const AUTO_POSITION: u32 = 0x100;
    pub const VIRTUAL_TERMINAL: u32 = 0x200;
    /// What a console starts with.
    pub const INITIAL: u32 = PROCESSED | LINE | ECHO | MOUSE | INSERT | QUICK_EDIT | EXTENDED | AUTO_POSITION;
}

/// Most records that wait to be read; what comes beyond is lost, as keys are on Windows.
const MAX_RECORDS: usize = 1 << 16;
/// Most screen buffers.
const MAX_SCREENS: usize = 64;

/// What a read wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// INPUT_RECORDs.
    Records,
    /// Text in UTF-16.
    Text,
    /// Text in the input code page.
    Bytes,
    /// Text after a word of key state; ends at control characters too.
    Control {
        /// Which, a bit each.
        mask: u32,
        /// What the line holds at first.
        initial: Vec<u16>,
    },
}

/// A read that waits.
pub struct Reader {
    pub(super) irp: Arc<Irp>,
    pub(super) want: Want,
    pub(super) buffer: UserSlice,
}

/// A read that is finished: carried out when the console's lock is free.
pub struct Finished {
    irp: Arc<Irp>,
    status: Status,
    data: Vec<u8>,
    buffer: UserSlice,
}

/// What a console's lock guards.
pub struct State {
    /// The terminal it is shown on, or one that nobody sees.
    pub terminal: Terminal,
    pub(super) screens: BTreeMap<u32, Screen>,
    /// The buffer that is shown.
    pub active: u32,
    next: u32,
    /// Its title.
    pub title: Vec<u16>,
    /// Its first title.
    pub original_title: Vec<u16>,
    /// Code page of input.
    pub input_page: u32,
    /// Code page of output.
    pub output_page: u32,
    /// Bytes of a character whose rest comes with the next write.
    pub partial: Vec<u8>,
    /// ENABLE_* of input.
    pub mode: u32,
    pub(super) records: VecDeque<Record>,
    pub(super) readers: VecDeque<Reader>,
    /// Text of a line that was too long for the read that got it.
    pub(super) left: Vec<u16>,
    pub(super) line: Option<Line>,
    pub(super) history: History,
    /// The terminal sends no more.
    pub(super) ended: bool,
    pub(super) keys: Keys,
    /// Mouse reports were asked of the terminal.
    pub(super) mouse: bool,
    /// What was last told of it, or heard, and the count of changes then: see `common`.
    pub(super) told: ConsoleFacts,
    pub(super) version: u32,
}

/// A console.
pub struct Console {
    /// Everything that changes.
    pub state: Mutex<State>,
    output: Option<Stream>,
    pub(super) input: Option<Arc<Stream>>,
    pub(super) reading: AtomicBool,
    /// Files whose signal says that records wait.
    files: Mutex<Vec<Weak<Object>>>,
    /// What other processes see of it.
    pub(super) record: OnceLock<Shared>,
}

impl Console {
    /// A console on the host's terminal, or on none: then `size` is what it pretends.
    pub fn new(
        k: &'static Kernel,
        input: Option<Stream>,
        output: Option<Stream>,
        size: (i32, i32),
        title: Vec<u16>,
    ) -> Console {
        let page = codepage::oem(k);
        let screens = BTreeMap::from([(1, Screen::new(size.0, size.1))]);
        let state = State {
            terminal: Terminal::new(size.0, size.1),
            screens,
            active: 1,
            next: 2,
            original_title: title.clone(),
            title,
            input_page: page,
            output_page: page,
            partial: Vec::new(),
            mode: mode::INITIAL,
            records: VecDeque::new(),
            readers: VecDeque::new(),
            left: Vec::new(),
            line: None,
            history: History::default(),
            ended: false,
            keys: Keys::default(),
            mouse: false,
            told: ConsoleFacts::default(),
            version: 0,
        };
        let (input, reading) = (input.map(Arc::new), AtomicBool::new(false));
        Console { state: Mutex::new(state), output, input, reading, files: Mutex::default(), record: OnceLock::new() }
    }

    /// Sends what the terminal is to show.
    pub(super) fn send(&self, k: &Kernel, state: &mut State) {
        let bytes = state.terminal.take();
        let Some(output) = &self.output else { return };
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match k.host.write_bytes(output, rest, None) {
                Ok(0) => break,
                Ok(count) => at += count,
                Err(shim_abi::error::Error::Interrupted) => {}
                // A terminal that went away shows nothing, which is no fault of the program's.
                Err(_) => break,
            }
        }
    }

    /// Leaves the terminal as it was found.
    pub(super) fn leave(&self, k: &Kernel) {
        // A thread that was stopped while it showed something keeps the lock for ever.
        let Some(mut state) = self.state.try_lock_for(std::time::Duration::from_millis(50)) else { return };
        state.terminal.leave();
        self.send(k, &mut state);
    }

    /// Does something with a screen buffer and shows it, if it is the one that is shown.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if the buffer is gone; what `run` answers.
    pub fn with_screen<R>(&self, k: &Kernel, id: u32, run: impl FnOnce(&mut Screen, &mut Terminal) -> Nt<R>) -> Nt<R> {
        let mut state = self.locked();
        let answer = state.on_screen(id, run);
        self.send(k, &mut state);
        self.tell(&mut state);
        answer
    }

    /// Number of the buffer that is shown.
    pub fn active(&self) -> u32 {
        self.locked().active
    }

    /// Makes a screen buffer like the one shown.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES` when there are too many.
    pub fn new_screen(&self) -> Nt<u32> {
        let mut state = self.locked();
        let made = state.screens.get(&state.active).ok_or(STATUS_INVALID_HANDLE)?.like();
        let cells: i32 = state.screens.values().map(|s| s.width * s.height).sum();
        if state.screens.len() >= MAX_SCREENS || cells.saturating_add(made.width * made.height) > 4 * MAX_CELLS {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let id = state.next;
        state.next = state.next.wrapping_add(1).max(2);
        state.screens.insert(id, made);
        Ok(id)
    }

    /// Drops a screen buffer whose last handle was closed; the first one stays, and is shown if this was.
    pub fn drop_screen(&self, k: &Kernel, id: u32) {
        if id == 1 {
            return;
        }
        if self.active() == id {
            let _ = self.activate(k, 1);
        }
        self.locked().screens.remove(&id);
    }

    /// Shows a screen buffer.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE` if it is gone.
    pub fn activate(&self, k: &Kernel, id: u32) -> Nt<()> {
        let mut state = self.locked();
        if !state.screens.contains_key(&id) {
            return Err(STATUS_INVALID_HANDLE);
        }
        if state.active != id {
            state.active = id;
            state.on_screen(id, |s, t| {
                t.clear(super::terminal::DEFAULT_ATTRIBUTE);
                s.paint(t, s.window);
                s.show(t);
                Ok(())
            })?;
            self.send(k, &mut state);
        }
        Ok(())
    }

    /// Answers a question that the program's sequences asked: as if it were typed.
    pub fn reply(&self, k: &'static Kernel, text: &str) {
        let mut records = Vec::new();
        input::typed(text, &mut records);
        self.push(k, records);
    }

    /// The program gave a buffer another size.
    pub fn size_changed(&self, k: &'static Kernel, id: u32, size: (i32, i32)) {
        let tell = {
            let state = self.locked();
            state.active == id && state.mode & mode::WINDOW != 0
        };
        if tell {
            self.push(k, vec![Record::Size(size.0 as i16, size.1 as i16)]);
        }
    }

    /// The terminal has another size.
    pub fn resize(&self, k: &'static Kernel, columns: i32, rows: i32) {
        let mut state = self.locked();
        let old = (state.terminal.width, state.terminal.height);
        state.terminal.resize(columns, rows);
        for screen in state.screens.values_mut() {
            let (width, height) = (screen.width, screen.height);
            // A buffer that was just the window stays just the window.
            let width = if width == old.0 { columns } else { width.max(columns) };
            let height = if height == old.1 { rows } else { height.max(rows) };
            screen.fit(width, height, columns, rows);
        }
        let size = state.screens.get(&state.active).map(|s| (s.width, s.height));
        let active = state.active;
        let _ = state.on_screen(active, |s, t| {
            s.show(t);
            Ok(())
        });
        self.send(k, &mut state);
        drop(state);
        if let Some(size) = size {
            self.size_changed(k, active, size);
        }
    }

    /// A file that is signalled while records wait.
    pub fn add_file(&self, k: &Kernel, object: &Arc<Object>) {
        let mut files = self.files.lock();
        files.retain(|file| file.strong_count() > 0);
        files.push(Arc::downgrade(object));
        if self.locked().records.is_empty() {
            object.signal.reset(k);
        }
    }

    /// Puts the files' signals right.
    pub(super) fn signal(&self, k: &Kernel) {
        let files: Vec<_> = self.files.lock().iter().filter_map(Weak::upgrade).collect();
        for file in files {
            // Under the lock, so that two threads' findings do not cross.
            let state = self.locked();
            if state.records.is_empty() && !state.ended {
                file.signal.reset(k)
            } else {
                file.signal.set(k)
            };
        }
    }

    /// Adds records to the input.
    pub fn push(&self, k: &'static Kernel, records: Vec<Record>) {
        let (controls, finished) = {
            let mut state = self.locked();
            let mut controls = Vec::new();
            for record in records {
                match control_of(&record).filter(|_| state.mode & mode::PROCESSED != 0) {
                    Some((event, true)) => {
                        controls.push(event);
                        state.interrupt_line();
                    }
                    Some(_) => {}
                    None if state.records.len() < MAX_RECORDS => state.records.push_back(record),
                    None => {}
                }
            }
            let finished = state.serve(k);
            self.send(k, &mut state);
            (controls, finished)
        };
        self.signal(k);
        Console::finish(k, finished);
        for event in controls {
            super::control::send(k, self.place(), event, 0);
        }
    }

    /// Adds a read; it may be finished when this returns.
    pub(super) fn read(&self, k: &'static Kernel, reader: Reader) {
        let finished = {
            let mut state = self.locked();
            state.readers.push_back(reader);
            let finished = state.serve(k);
            self.send(k, &mut state);
            finished
        };
        self.signal(k);
        Console::finish(k, finished);
    }

    /// Takes a read out that was cancelled.
    pub(super) fn cancel(&self, k: &'static Kernel, irp: &Arc<Irp>) {
        {
            let mut state = self.locked();
            if state.readers.front().is_some_and(|reader| Arc::ptr_eq(&reader.irp, irp)) {
                state.line = None;
            }
            state.readers.retain(|reader| !Arc::ptr_eq(&reader.irp, irp));
        }
        irp.complete(k, STATUS_CANCELLED, 0);
    }

    /// The terminal will send no more.
    pub(super) fn end(&self, k: &'static Kernel) {
        let finished = {
            let mut state = self.locked();
            state.ended = true;
            state.serve(k)
        };
        self.signal(k);
        Console::finish(k, finished);
    }

    fn finish(k: &'static Kernel, finished: Vec<Finished>) {
        for Finished { irp, status, data, buffer } in finished {
            let data = &data[..data.len().min(buffer.length as usize)];
            let (status, count) = match buffer.write_at(k, 0, data) {
                Ok(()) => (status, data.len() as u64),
                Err(status) => (status, 0),
            };
            irp.complete(k, status, count);
        }
    }
}

/// The control event that a key is, and whether it goes down.
fn control_of(record: &Record) -> Option<(u32, bool)> {
    let Record::Key(key) = record else { return None };
    let ctrl = key.modifiers & (input::CTRL | input::RIGHT_CTRL) != 0;
    if key.unit == 3 && key.modifiers & input::ENHANCED == 0 {
        Some((super::control::CTRL_C, key.down))
    } else if key.unit == 0 && key.vk == input::vk::CANCEL && ctrl {
        Some((super::control::CTRL_BREAK, key.down))
    } else {
        None
    }
}

impl State {
    /// As [`Console::with_screen`], under the lock, without sending.
    pub fn on_screen<R>(&mut self, id: u32, run: impl FnOnce(&mut Screen, &mut Terminal) -> Nt<R>) -> Nt<R> {
        let screen = self.screens.get_mut(&id).ok_or(STATUS_INVALID_HANDLE)?;
        if id == self.active {
            run(screen, &mut self.terminal)
        } else {
            let mut unseen = Terminal::new(self.terminal.width, self.terminal.height);
            run(screen, &mut unseen)
        }
    }

    /// Sets the title; the first that is set is the original one if there was none.
    pub fn set_title(&mut self, title: Vec<u16>) {
        if self.original_title.is_empty() {
            self.original_title.clone_from(&title);
        }
        self.title = title;
    }

    /// Ctrl-C while a line is typed: what was typed is dropped, and the line ends on the screen.
    fn interrupt_line(&mut self) {
        if let Some(mut line) = self.line.take() {
            let (echo, active) = (self.mode & mode::ECHO != 0, self.active);
            if echo {
                let _ = self.on_screen(active, |s, t| {
                    line.leave(s, t);
                    Ok(())
                });
            }
        }
    }

    /// Finishes reads as far as there is input for them.
    pub(super) fn serve(&mut self, k: &'static Kernel) -> Vec<Finished> {
        let mut finished = Vec::new();
        while let Some(reader) = self.readers.front() {
            if reader.irp.is_over() {
                self.readers.pop_front();
                self.line = None;
                continue;
            }
            let (want, room) = (reader.want.clone(), reader.buffer.length as usize);
            let Some((status, data)) = self.try_read(k, &want, room) else { break };
            if let Some(Reader { irp, buffer, .. }) = self.readers.pop_front() {
                finished.push(Finished { irp, status, data, buffer });
            }
        }
        finished
    }

    fn try_read(&mut self, k: &'static Kernel, want: &Want, room: usize) -> Option<(Status, Vec<u8>)> {
        if *want == Want::Records {
            let count = (room / input::RECORD_SIZE).min(self.records.len());
            if count == 0 && room >= input::RECORD_SIZE {
                return self.ended.then_some((STATUS_INVALID_HANDLE, Vec::new()));
            }
            return Some((STATUS_SUCCESS, self.records.drain(..count).flat_map(Record::to_bytes).collect()));
        }
        let mut state_word = 0;
        if self.left.is_empty() && room > 0 {
            match self.typed(k, want, room) {
                Some(key_state) => state_word = key_state,
                None if self.ended => {}
                None => return None,
            }
        }
        Some((STATUS_SUCCESS, self.take_left(k, want, room, state_word)))
    }

    /// Hands out text that was typed; what does not fit waits for the next read.
    fn take_left(&mut self, k: &'static Kernel, want: &Want, room: usize, key_state: u32) -> Vec<u8> {
        match want {
            Want::Bytes => {
                // A line that begins with Ctrl-Z ends the input.
                if self.left.first() == Some(&0x1a) && self.mode & mode::PROCESSED != 0 {
                    self.left.clear();
                    return Vec::new();
                }
                let mut out = Vec::new();
                let mut used = 0;
                while let Some(unit) = self.left.get(used) {
                    let pair = (0xd800..0xdc00).contains(unit) && self.left.len() > used + 1;
                    let next = used + if pair { 2 } else { 1 };
                    let bytes = k.io.console.pages.encode(k, self.input_page, &self.left[used..next]);
                    if out.len() + bytes.len() > room && !out.is_empty() {
                        break;
                    }
                    out.extend(bytes);
                    used = next;
                    if out.len() >= room {
                        break;
                    }
                }
                self.left.drain(..used);
                out
            }
            Want::Text | Want::Records => {
                let count = (room / 2).min(self.left.len());
                super::output::bytes_of(&self.left.drain(..count).collect::<Vec<_>>())
            }
            Want::Control { .. } => {
                let count = (room.saturating_sub(4) / 2).min(self.left.len());
                let mut out = key_state.to_le_bytes().to_vec();
                out.extend(super::output::bytes_of(&self.left.drain(..count).collect::<Vec<_>>()));
                out
            }
        }
    }
}

impl Console {
    /// Whether somebody reads the terminal already; from now on somebody does.
    pub(super) fn start_reading(&self) -> bool {
        self.input.is_some() && !self.reading.swap(true, Ordering::AcqRel)
    }
}
