//! Tells what windows there are.

use super::link::Link;
use crate::shm::user::input::field as input;
use crate::shm::user::window::field;
use crate::shm::{Shm, Tx};
use crate::status::Nt;
use shim_abi::display::{Area, MAX_TITLE, MAX_WINDOWS, More, Notice, Window};

/// Most windows that are told of at all.
const MOST: usize = 8192;
/// Most bytes of a message's windows: titles and classes make it long.
const ROOM: usize = 512 * 1024;

/// Tells all windows under a tag, parents before their children, siblings from top to bottom.
///
/// # Errors
/// What the host answers when the client is gone.
pub(super) fn tell(shm: &'static Shm, link: &Link, tag: u32) -> Nt<()> {
    let tx = shm.begin();
    let all = windows(&tx);
    drop(tx);
    let mut part = Vec::new();
    let mut size = 0;
    for window in all {
        size += 96 + window.title.len() + window.class.len();
        part.push(window);
        if part.len() == MAX_WINDOWS || size > ROOM {
            link.tell(&Notice::Windows((tag, (More::Follow, std::mem::take(&mut part)))))?;
            size = 0;
        }
    }
    link.tell(&Notice::Windows((tag, (More::Last, part))))
}

fn windows(tx: &Tx<'_>) -> Vec<Window> {
    let desktop = tx.root_window(false);
    let mut left: Vec<u32> = if desktop == 0 { Vec::new() } else { tx.children(desktop) };
    left.reverse();
    let mut all = Vec::new();
    while let Some(record) = left.pop() {
        if all.len() >= MOST {
            break;
        }
        all.push(window(tx, record, desktop));
        let children = tx.children(record);
        left.extend(children.into_iter().rev());
    }
    all
}

fn text(tx: &Tx<'_>, place: u32, most: usize) -> String {
    let bytes = tx.first_bytes(tx.get(place), most.saturating_mul(2));
    let units: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    String::from_utf16_lossy(&units)
}

fn window(tx: &Tx<'_>, record: u32, desktop: u32) -> Window {
    let (x, y) = tx.origin(record);
    let place = |at: u32| {
        let rect = tx.window_rect(record, at).offset(x, y);
        Area { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom }
    };
    let parent = tx.link(record + field::PARENT);
    let foreground = tx.foreground();
    let of_input = |at: u32| foreground != 0 && tx.get(foreground + at) == record;
    Window {
        handle: tx.handle_of(record),
        parent: if parent == desktop { 0 } else { tx.handle_of(parent) },
        owner: tx.handle_of(tx.link(record + field::OWNER)),
        class: text(tx, record + field::CLASS_NAME, 256),
        title: text(tx, record + field::TEXT, MAX_TITLE),
        place: place(field::WINDOW_RECT),
        client: place(field::CLIENT_RECT),
        style: tx.get(record + field::STYLE),
        ex_style: tx.get(record + field::EX_STYLE),
        visible: tx.is_visible(record),
        active: of_input(input::ACTIVE),
        focus: of_input(input::FOCUS),
        process: tx.get(record + field::PROCESS),
        thread: tx.get(record + field::THREAD),
    }
}
