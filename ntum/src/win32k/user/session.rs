//! How a thread comes to the sandbox's windows: its message queue, the desktop, windows by handle.

use super::super::{Failed, User, error};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ke::spin::Spin;
use crate::ob::Ref;
use crate::ob::object::{Body, Object, Plain};
use crate::shm::user::{queue, window};
use crate::shm::{Shm, Tx};
use crate::types::wide;
use crate::win32k::geometry::Rect;
use parking_lot::Mutex;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// A thread's message queue, from its first look at it on.
pub struct Queue {
    /// Its record.
    pub record: u32,
    /// Signalled while there is what its thread waits for.
    pub event: Ref,
    /// What its thread has learned of waits for it.
    pub spin: Spin,
    /// The chains of hooks that its thread is in, the innermost last.
    pub chains: Mutex<Vec<super::hook::Chain>>,
    /// What its thread remembers of the mouse.
    pub mouse: Mutex<super::mouse::Memory>,
    /// Whether its thread gives the names of files away, which user32 takes for a command of DDE's.
    pub dropping: Mutex<super::dde::Dropping>,
}

/// Number of the desktop's class: `DESKTOP_CLASS_ATOM` (`#32769`).
pub const DESKTOP_CLASS: u16 = 32769;
/// The same as a name.
pub(in crate::win32k) const DESKTOP_NAME: &str = "#32769";
/// The desktop's size when nobody asked for another.
pub(in crate::win32k) const DESKTOP: Rect = Rect { left: 0, top: 0, right: 1024, bottom: 768 };
/// The size of the window that message-only ones lie in.
const MESSAGES: Rect = Rect { left: 0, top: 0, right: 100, bottom: 100 };
/// What a handle of a window's parent may be instead: message-only windows.
pub const HWND_MESSAGE: u32 = 0xffff_fffd;

/// A window that a call names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Its record.
    pub record: u32,
    /// Its handle, whole.
    pub handle: u32,
    /// Its thread's number.
    pub thread: u32,
    /// Its process's.
    pub process: u32,
    /// Its thread's queue.
    pub queue: u32,
}

impl Window {
    /// Whether it belongs to the calling thread.
    pub fn is_mine(&self, cx: &Cx<'_>) -> bool {
        u64::from(self.thread) == cx.t.id
    }

    /// Whether it belongs to the calling process.
    pub fn is_ours(&self, cx: &Cx<'_>) -> bool {
        u64::from(self.process) == cx.k.ps.id()
    }
}

impl Cx<'_> {
    /// The sandbox's memory, and the process's record there.
    pub(super) fn sandbox(&self) -> User<(&'static Shm, u32)> {
        Ok(self.k.member()?)
    }

    /// A transaction in the sandbox's memory. No other lock, and no callback, while it is open.
    pub(super) fn windows(&self) -> User<Tx<'static>> {
        let mut tx = self.sandbox()?.0.begin();
        // What is at the top is that of the thread's desktop.
        let desktop = self.t.messages.get().map_or(0, |queue| tx.link(queue.record + queue::field::DESKTOP));
        tx.on_desktop(desktop);
        Ok(tx)
    }

    /// The calling thread's queue, made if it has none.
    pub(super) fn queue(&self) -> User<&Queue> {
        if let Some(queue) = self.t.messages.get() {
            return Ok(queue);
        }
        let (shm, member) = self.sandbox()?;
        let desktop = super::station::of_new_queue(self);
        let event = Object::new(Dispatcher::notification(false), Body::Event(Plain));
        let seat = self.k.share(&event)?;
        let mut tx = shm.begin();
        let record = tx.make_queue(member, self.t.id as u32, seat.object)?;
        tx.set(record + queue::field::DESKTOP, desktop);
        tx.commit()?;
        // The thread's own: nobody else sets it.
        Ok(self.t.messages.get_or_init(|| {
            let (chains, mouse) = (Mutex::default(), Mutex::default());
            Box::new(Queue { record, event, spin: Spin::patient(), chains, mouse, dropping: Mutex::default() })
        }))
    }

    /// The desktop's window, or the parent of message-only ones: record and handle.
    pub(super) fn top_window(&self, message: bool) -> User<(u32, u32)> {
        let tx = self.windows()?;
        let there = tx.root_window(message);
        if there != 0 {
            return Ok((there, tx.handle_of(there)));
        }
        drop(tx);
        let name = wide(if message { "Message" } else { DESKTOP_NAME });
        let mut tx = self.windows()?;
        let rect = if message { MESSAGES } else { tx.screen_mode().rect() };
        let record = tx.make_root_window(message, name.as_bytes(), rect)?;
        let handle = tx.handle_of(record);
        tx.commit()?;
        Ok((record, handle))
    }

    /// The desktop's rectangle.
    pub(super) fn screen(&self) -> User<Rect> {
        let (desktop, _) = self.top_window(false)?;
        Ok(self.windows()?.window_rect(desktop, window::field::CLIENT_RECT))
    }

    /// The window that a handle names.
    pub(super) fn window(&self, handle: u64) -> User<Window> {
        let tx = self.windows()?;
        find(&tx, handle as u32).ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))
    }

    /// A window's record now: it may have gone, and its record with it.
    pub(super) fn window_record(&self, window: &Window) -> User<u32> {
        Ok(self.window(window.handle.into())?.record)
    }

    /// As [`Cx::window`], of the calling process.
    pub(super) fn own_window(&self, handle: u64) -> User<Window> {
        let window = self.window(handle)?;
        if window.is_ours(self) { Ok(window) } else { Err(Failed::with(error::ACCESS_DENIED)) }
    }

    /// Milliseconds since the host started, as messages have it.
    pub(super) fn milliseconds(&self) -> u32 {
        (self.k.host.monotonic() / 1_000_000) as u32
    }

    /// Address of what user32 keeps of the calling thread (`struct ntuser_thread_info` of Wine 10's `include/ntuser.h`).
    pub(super) fn thread_info(&self) -> u64 {
        self.t.teb.load(Ordering::Acquire) + crate::ps::layout::teb::WIN32_CLIENT_INFO
    }
}

/// The window that a handle names, in an open transaction.
pub(super) fn find(tx: &Tx<'_>, handle: u32) -> Option<Window> {
    let record = tx.window(handle)?;
    Some(Window {
        record,
        handle: tx.handle_of(record),
        thread: tx.get(record + window::field::THREAD),
        process: tx.get(record + window::field::PROCESS),
        queue: tx.link(record + window::field::QUEUE),
    })
}

/// A thread ends: its windows and its queue go. None of them is told.
pub fn thread_ended(k: &'static crate::kernel::Kernel, thread: &crate::ps::thread::Thread) {
    let Some(queue) = thread.messages.get() else { return };
    k.user.stations.thread_ended(thread.id as u32);
    super::ime::thread_ended(k, thread.id as u32);
    let Ok((shm, _)) = k.member() else { return };
    loop {
        let mut tx = shm.begin();
        if tx.queue_of(thread.id as u32) != Some(queue.record) {
            return;
        }
        let facts =
            |record: u32| (tx.handle_of(record), tx.get(record + window::field::CLASS), tx.surface(record).number);
        let all: Vec<(u32, u32, u64)> = tx.windows_of(queue.record).into_iter().map(facts).collect();
        let left = tx.drain_queue(queue.record) || tx.drop_windows(queue.record) || tx.is_half_full();
        let gone: Vec<_> = all.into_iter().filter(|(handle, ..)| tx.window(*handle).is_none()).collect();
        if !left {
            tx.drop_queue(queue.record);
        }
        let done = tx.commit();
        if done.is_ok() {
            for (handle, class, surface) in gone {
                k.user.classes.window_gone(class);
                k.user.dces.forget(handle);
                k.user.surfaces.forget(surface);
            }
            let _ = shm.dispose();
        }
        if done.is_err() || !left {
            return;
        }
    }
}

/// QS_* that a thread which asks for messages of any kind waits for.
pub const ALL_INPUT: u32 = queue::INPUT | queue::POSTED | queue::TIMER | queue::PAINT | queue::SENT | queue::HOTKEY;
