//! A stream: what a program wrote and has not been played, and the clock by which it is.

use super::format::Format;
use super::hr;
use super::player::Player;
use crate::call::Cx;
use crate::ke::wait::{Deadline, WAITING};
use crate::ob::Ref;
use crate::status::{Nt, STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_WAIT_0};
use crate::um::UserSlice;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};

/// AUDCLNT_BUFFERFLAGS_SILENT.
const SILENT: u32 = 2;

/// What a stream is made of.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What is written to it.
    pub format: Format,
    /// Frames that it has room for.
    pub room: u32,
    /// How often it plays, ns.
    pub period: u64,
    /// Whether its program wants an event each time (AUDCLNT_STREAMFLAGS_EVENTCALLBACK).
    pub events: bool,
    /// Guest memory that the program writes to, of so many frames.
    pub buffer: u64,
}

/// A stream.
pub struct Stream {
    room: u32,
    period: u64,
    events: bool,
    /// Guest memory that the program writes to.
    pub buffer: u64,
    state: Mutex<State>,
    player: Mutex<Player>,
    /// The timer's thread sleeps on it while it is [`WAITING`].
    bell: AtomicU32,
}

struct State {
    format: Format,
    /// What has yet to be played.
    held: VecDeque<u8>,
    /// Bytes that were written.
    written: u64,
    /// Frames that the program was given room for.
    lent: u32,
    started: bool,
    /// When it began to play, ns, and frames that were due since.
    since: u64,
    due: u64,
    event: Option<Ref>,
    volumes: Vec<f32>,
    over: bool,
}

impl State {
    fn frames(&self) -> u32 {
        (self.held.len() / self.format.frame().max(1)) as u32
    }

    /// Takes what is to be played by now.
    fn take(&mut self, now: u64) -> Vec<u8> {
        if !self.started {
            return Vec::new();
        }
        let passed = u128::from(now.saturating_sub(self.since)) * u128::from(self.format.rate) / 1_000_000_000;
        let passed = passed.min(u64::MAX.into()) as u64;
        let frames = passed.saturating_sub(self.due).min(self.frames().into());
        self.due = passed;
        let bytes = frames as usize * self.format.frame();
        self.held.drain(..bytes.min(self.held.len())).collect()
    }
}

/// An HRESULT that is no success as an error.
type Done<T = ()> = Result<T, i32>;

impl Stream {
    /// One that stands still.
    pub fn new(shape: Shape) -> Stream {
        let Shape { format, room, period, events, buffer } = shape;
        let volumes = vec![1.0; format.channels.into()];
        let state = State {
            format,
            held: VecDeque::new(),
            written: 0,
            lent: 0,
            started: false,
            since: 0,
            due: 0,
            event: None,
            volumes,
            over: false,
        };
        let bell = AtomicU32::new(WAITING);
        Stream { room, period, events, buffer, state: Mutex::new(state), player: Mutex::default(), bell }
    }

    /// Frames that it has room for.
    pub fn room(&self) -> u32 {
        self.room
    }

    /// Its period, ns.
    pub fn period(&self) -> u64 {
        self.period
    }

    /// Samples of a frame.
    pub fn channels(&self) -> u16 {
        self.state.lock().format.channels
    }

    fn ring(&self, cx: &Cx<'_>) {
        self.bell.store(0, Ordering::SeqCst);
        cx.k.host.wake(&self.bell, 1);
    }

    /// IAudioClient::Start.
    ///
    /// # Errors
    /// AUDCLNT_E_EVENTHANDLE_NOT_SET, AUDCLNT_E_NOT_STOPPED.
    pub fn start(&self, cx: &Cx<'_>) -> Done {
        let mut state = self.state.lock();
        if self.events && state.event.is_none() {
            return Err(hr::EVENTHANDLE_NOT_SET);
        }
        if state.started {
            return Err(hr::NOT_STOPPED);
        }
        (state.started, state.since, state.due) = (true, cx.k.host.monotonic(), 0);
        drop(state);
        self.ring(cx);
        Ok(())
    }

    /// IAudioClient::Stop; answers whether it played.
    pub fn stop(&self) -> bool {
        std::mem::take(&mut self.state.lock().started)
    }

    /// IAudioClient::Reset.
    ///
    /// # Errors
    /// AUDCLNT_E_NOT_STOPPED, AUDCLNT_E_BUFFER_OPERATION_PENDING.
    pub fn reset(&self) -> Done {
        let mut state = self.state.lock();
        if state.started {
            return Err(hr::NOT_STOPPED);
        }
        if state.lent != 0 {
            return Err(hr::BUFFER_OPERATION_PENDING);
        }
        state.held.clear();
        state.written = 0;
        Ok(())
    }

    /// Whether it plays.
    pub fn is_started(&self) -> bool {
        self.state.lock().started
    }

    /// IAudioRenderClient::GetBuffer: where so many frames are to be written; 0 for none. They are silence until then.
    ///
    /// # Errors
    /// AUDCLNT_E_OUT_OF_ORDER, AUDCLNT_E_BUFFER_TOO_LARGE.
    pub fn lend(&self, cx: &Cx<'_>, frames: u32) -> Nt<Done<u64>> {
        let mut state = self.state.lock();
        if state.lent != 0 {
            return Ok(Err(hr::OUT_OF_ORDER));
        }
        if frames == 0 {
            return Ok(Ok(0));
        }
        if state.frames().saturating_add(frames) > self.room {
            return Ok(Err(hr::BUFFER_TOO_LARGE));
        }
        state.lent = frames;
        let (bytes, silence) = (frames as usize * state.format.frame(), state.format.sample.silence());
        drop(state);
        cx.k.write_user(self.buffer, &vec![silence; bytes])?;
        Ok(Ok(self.buffer))
    }

    /// IAudioRenderClient::ReleaseBuffer: so many frames were written.
    ///
    /// # Errors
    /// AUDCLNT_E_OUT_OF_ORDER, AUDCLNT_E_INVALID_SIZE.
    pub fn give_back(&self, cx: &Cx<'_>, frames: u32, flags: u32) -> Nt<Done> {
        let mut state = self.state.lock();
        if frames == 0 {
            state.lent = 0;
            return Ok(Ok(()));
        }
        if state.lent == 0 {
            return Ok(Err(hr::OUT_OF_ORDER));
        }
        if frames > state.lent {
            return Ok(Err(hr::INVALID_SIZE));
        }
        state.lent = 0;
        let (bytes, silence) = (frames as usize * state.format.frame(), state.format.sample.silence());
        drop(state);
        let written = match flags & SILENT {
            0 => UserSlice::new(self.buffer, bytes as u64).read_all(cx.k)?,
            _ => vec![silence; bytes],
        };
        let mut state = self.state.lock();
        // Another thread may have been as quick.
        if state.frames().saturating_add(frames) <= self.room {
            state.written = state.written.saturating_add(bytes as u64);
            state.held.extend(written);
        }
        Ok(Ok(()))
    }

    /// IAudioClient::GetCurrentPadding: frames that have yet to be played.
    pub fn padding(&self) -> u32 {
        self.state.lock().frames()
    }

    /// IAudioClock::GetFrequency: bytes a second.
    pub fn frequency(&self) -> u64 {
        let state = self.state.lock();
        u64::from(state.format.rate) * state.format.frame() as u64
    }

    /// IAudioClock::GetPosition: bytes that were played, or frames.
    pub fn position(&self, frames: bool) -> u64 {
        let state = self.state.lock();
        let played = state.written.saturating_sub(state.held.len() as u64);
        if frames { played / state.format.frame().max(1) as u64 } else { played }
    }

    /// How loud each sample of a frame is.
    pub fn set_volumes(&self, volumes: Vec<f32>) {
        self.state.lock().volumes = volumes;
    }

    /// IAudioClient::SetEventHandle.
    ///
    /// # Errors
    /// AUDCLNT_E_EVENTHANDLE_NOT_EXPECTED, HRESULT_FROM_WIN32(ERROR_INVALID_NAME) for a second one.
    pub fn set_event(&self, event: Ref) -> Done {
        let mut state = self.state.lock();
        if !self.events {
            return Err(hr::EVENTHANDLE_NOT_EXPECTED);
        }
        if state.event.is_some() {
            return Err(hr::INVALID_NAME);
        }
        state.event = Some(event);
        Ok(())
    }

    /// IAudioClockAdjustment::SetSampleRate: what has yet to be played is forgotten.
    pub fn set_rate(&self, cx: &Cx<'_>, rate: u32) {
        let mut state = self.state.lock();
        state.format.rate = rate;
        state.held.clear();
        (state.written, state.since, state.due) = (0, cx.k.host.monotonic(), 0);
    }

    /// It goes: its timer's thread ends.
    pub fn end(&self, cx: &Cx<'_>) {
        let mut state = self.state.lock();
        (state.over, state.started) = (true, false);
        drop(state);
        self.ring(cx);
        self.player.lock().leave(cx.k);
    }

    /// Plays, period by period, in a thread of the program's own, until the stream goes.
    ///
    /// # Errors
    /// None; the thread's end ends it too.
    pub fn run(&self, cx: &Cx<'_>) -> Nt {
        let mut last = cx.k.host.monotonic();
        loop {
            // Before the look at what it is about: whoever changes that rings behind it.
            self.bell.store(WAITING, Ordering::SeqCst);
            let state = self.state.lock();
            if state.over {
                return Ok(STATUS_SUCCESS);
            }
            // Once it has begun, events come whether or not it plays.
            let ticks = state.started || state.event.is_some();
            drop(state);
            let now = cx.k.host.monotonic();
            if last.saturating_add(self.period) < now {
                last = now;
            }
            let deadline = if ticks { Deadline::At(last.saturating_add(self.period)) } else { Deadline::Never };
            match cx.t.accept(cx.sleep(&self.bell, false, deadline, false)) {
                STATUS_TIMEOUT => {
                    last = last.saturating_add(self.period);
                    self.tick(cx);
                }
                STATUS_WAIT_0 => {}
                status => return Ok(status),
            }
        }
    }

    fn tick(&self, cx: &Cx<'_>) {
        let mut state = self.state.lock();
        let bytes = state.take(cx.k.host.monotonic());
        let (format, volumes, event) = (state.format.clone(), state.volumes.clone(), state.event.clone());
        drop(state);
        if !bytes.is_empty() {
            self.player.lock().play(cx.k, &format, &volumes, &bytes);
        }
        if let Some(event) = event {
            event.signal.set(cx.k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::format::Wave;

    fn state() -> State {
        let shape = Shape {
            format: Wave::mix().format().unwrap(),
            room: 4800,
            period: 10_000_000,
            events: false,
            buffer: 0x1_0000,
        };
        Stream::new(shape).state.into_inner()
    }

    #[test]
    fn it_plays_at_its_rate_whatever_the_clock_does() {
        let mut state = state();
        state.held.extend(vec![1; 8 * 48000]);
        assert!(state.take(5).is_empty(), "it stands still");
        (state.started, state.since) = (true, 1_000);
        assert!(state.take(0).is_empty(), "a clock before its start");
        let (mut now, mut frames) = (1_000, 0);
        for step in [10_000_000, 9_999_999, 1, 20_833, 25_000_000] {
            now += step;
            frames += state.take(now).len() / 8;
            // What is due is counted from the start: nothing is lost to rounding.
            assert_eq!(frames as u64, (now - 1_000) * 48000 / 1_000_000_000);
        }
        // What is late is played; what there is not is not, and comes later.
        assert_eq!(state.take(u64::MAX).len(), 8 * 48000 - frames * 8);
        assert_eq!(state.frames(), 0);
    }
}
