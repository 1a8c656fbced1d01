//! Alt+Tab, Alt+Shift+Tab: of the windows that somebody works with the next one comes to the front, also one that is minimized. Who sits before the desktop
//! does this; programs do not see that Tab. Where the active window went and left nobody, the next one comes forward by itself.

use crate::shm::user::input;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::window::{MINIMIZE, VISIBLE, field};
use crate::shm::{Shm, Tx};
use crate::win32k::user::internal::BRING_FORWARD;
use shim_abi::display::Key;

/// WS_DISABLED, WS_EX_TOOLWINDOW, WS_EX_APPWINDOW, WS_EX_NOACTIVATE.
const DISABLED: u32 = 0x800_0000;
const EX_TOOL: u32 = 0x80;
const EX_APPLICATION: u32 = 0x4_0000;
const EX_NO_ACTIVATE: u32 = 0x800_0000;
/// Scan codes.
const TAB: u16 = 0x0f;
const LEFT_SHIFT: u16 = 0x2a;
const RIGHT_SHIFT: u16 = 0x36;
const ALT: u16 = 0x38;
/// Messages that may wait for a thread that does not come to them.
const MOST_UNSEEN: usize = 8;

/// What is held down, and where somebody is who switches.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// How many of the Alt keys, and of the Shift keys.
    alt: [bool; 2],
    shift: [bool; 2],
    /// The windows as they stood when the first Tab came, by their handles, and the one that was brought forward.
    order: Option<(Vec<u32>, usize)>,
}

impl Switch {
    /// Sees a key; answers whether it is not for programs.
    pub(super) fn takes(&mut self, shm: &'static Shm, key: &Key) -> bool {
        match (key.scan, key.extended) {
            (ALT, extended) => {
                self.alt[usize::from(extended)] = !key.up;
                if !self.alt.contains(&true) {
                    self.order = None;
                }
            }
            (LEFT_SHIFT, false) => self.shift[0] = !key.up,
            (RIGHT_SHIFT, false) => self.shift[1] = !key.up,
            (TAB, false) if key.up => return self.order.is_some(),
            (TAB, false) if self.alt.contains(&true) => {
                self.next(shm);
                return true;
            }
            _ => {}
        }
        false
    }

    fn next(&mut self, shm: &'static Shm) {
        let mut tx = shm.begin();
        let (order, at) = self.order.get_or_insert_with(|| (switched(&tx), 0));
        let back = self.shift.contains(&true);
        for _ in 0..order.len() {
            *at = (*at + if back { order.len() - 1 } else { 1 }) % order.len();
            // One that is gone meanwhile is passed over.
            if let Some(window) = order.get(*at).and_then(|handle| tx.window(*handle)) {
                let _ = bring_forward(&mut tx, window);
                break;
            }
        }
        // Where there is no room for a message, it stays as it is.
        let _ = tx.commit();
    }
}

/// How long nobody may be active after the active window went, before another one is made so, ns: its program may do that itself.
const VACANT: u64 = 200_000_000;

/// Who is active after the window that was.
#[derive(Debug, Default)]
pub(super) struct Heir {
    /// The window that was active last, by its handle.
    last: u32,
    /// Since when it is gone and nobody is.
    since: Option<u64>,
}

impl Heir {
    /// Looks who is active, and has the window in front become so where the one that was is gone, with its program perhaps. Answers
    /// when it is to be looked again.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`, where there is no room for a message.
    pub(super) fn look(&mut self, shm: &'static Shm, now: u64) -> crate::status::Nt<Option<u64>> {
        let mut tx = shm.begin();
        let foreground = tx.foreground();
        let active = if foreground == 0 { 0 } else { tx.get(foreground + input::field::ACTIVE) };
        if active != 0 {
            *self = Heir { last: tx.handle_of(active), since: None };
            return Ok(None);
        }
        if self.last == 0 || tx.window(self.last).is_some() {
            self.since = None;
            return Ok(None);
        }
        let until = self.since.get_or_insert(now).saturating_add(VACANT);
        if now < until {
            return Ok(Some(until));
        }
        *self = Heir::default();
        let shown = |window: &u32| tx.get(window + field::STYLE) & MINIMIZE == 0;
        if let Some(window) = switched(&tx).into_iter().filter_map(|handle| tx.window(handle)).find(shown) {
            bring_forward(&mut tx, window)?;
            tx.commit()?;
        }
        Ok(None)
    }
}

/// Windows that somebody works with, the one in front first.
fn switched(tx: &Tx<'_>) -> Vec<u32> {
    let desktop = tx.root_window(false);
    let all = if desktop == 0 { Vec::new() } else { tx.children(desktop) };
    let works = |window: &u32| {
        let (style, extended) = (tx.get(window + field::STYLE), tx.get(window + field::EX_STYLE));
        let own = tx.get(window + field::OWNER) == 0 && extended & EX_TOOL == 0 || extended & EX_APPLICATION != 0;
        style & VISIBLE != 0 && extended & EX_NO_ACTIVATE == 0 && own
    };
    all.into_iter().filter(works).map(|window| tx.handle_of(window)).collect()
}

/// Has the thread of a window, or of a dialog of its that keeps it from being used, bring that to the front.
pub(super) fn bring_forward(tx: &mut Tx<'_>, window: u32) -> crate::status::Nt<()> {
    let owned = |window: u32| {
        let siblings = tx.children(tx.root_window(false));
        let mut own = siblings.into_iter().filter(|other| tx.get(other + field::OWNER) == window);
        own.find(|other| tx.get(other + field::STYLE) & (VISIBLE | DISABLED) == VISIBLE)
    };
    let mut front = window;
    // Dialogs have dialogs.
    for _ in 0..16 {
        if tx.get(front + field::STYLE) & DISABLED == 0 {
            break;
        }
        let Some(next) = owned(front) else { break };
        front = next;
    }
    let queue = tx.get(front + field::QUEUE);
    if queue == 0 || tx.unanswered(queue) > MOST_UNSEEN {
        return Ok(());
    }
    let message = Message { window: tx.handle_of(front), number: BRING_FORWARD, ..Message::default() };
    let sending = Sending { how: how::INTERNAL | how::NOTIFY, data: Vec::new(), callback: (0, 0) };
    tx.send_message(0, queue, &message, &sending).map(|_| ())
}
