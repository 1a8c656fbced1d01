//! Where windows stand to each other: parents, owners, siblings, lists of them.

use super::super::{Failed, User, error};
use super::class::{Name, units};
use super::session::{HWND_MESSAGE, Window, find};
use crate::call::Cx;
use crate::ex::atom;
use crate::nls::fold::fold;
use crate::ob::handle::Handle;
use crate::shm::Tx;
use crate::shm::user::window::{CHILD, POPUP, VISIBLE, field};
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;

/// Which relation GetWindow asks for: GW_*.
mod relation {
    pub const FIRST: u32 = 0;
    pub const LAST: u32 = 1;
    pub const NEXT: u32 = 2;
    pub const PREVIOUS: u32 = 3;
    pub const OWNER: u32 = 4;
    pub const CHILD: u32 = 5;
}

/// What closes a list of windows: HWND_BOTTOM.
const END: u64 = 1;

/// GetParent: a popup's owner, a child's parent, 0 of any other.
pub(super) fn parent(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let former = tx.get(found.record + field::FORMER_PARENT);
    if former != 0 && tx.get(found.record + field::STYLE) & (CHILD | POPUP) == CHILD {
        return Ok(former.into());
    }
    Ok(tx.handle_of(parent_record(&tx, found.record)).into())
}

pub(super) fn parent_record(tx: &Tx<'_>, record: u32) -> u32 {
    let style = tx.get(record + field::STYLE);
    if tx.link(record + field::QUEUE) == 0 {
        0
    } else if style & POPUP != 0 {
        tx.link(record + field::OWNER)
    } else if style & CHILD != 0 {
        tx.link(record + field::PARENT)
    } else {
        0
    }
}

/// GetWindow.
pub(super) fn relative(cx: &Cx<'_>, window: u64, which: u32) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let siblings = || tx.children(tx.link(found.record + field::PARENT));
    let record = match which {
        relation::FIRST => siblings().first().copied(),
        relation::LAST => siblings().last().copied(),
        relation::NEXT => Some(tx.sibling(found.record, false)),
        relation::PREVIOUS => Some(tx.sibling(found.record, true)),
        relation::OWNER => Some(tx.link(found.record + field::OWNER)),
        relation::CHILD => tx.children(found.record).first().copied(),
        _ => return Err(Failed::with(error::INVALID_PARAMETER)),
    };
    Ok(tx.handle_of(record.unwrap_or(0)).into())
}

/// NtUserGetAncestor: GA_PARENT, GA_ROOT, GA_ROOTOWNER.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn get_ancestor(cx: &Cx<'_>, window: u64, which: u32) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let record = match which {
        1 => tx.link(found.record + field::PARENT),
        2 if tx.is_root(found.record) => 0,
        2 => {
            let mut above = tx.ancestors(found.record);
            above.insert(0, found.record);
            // The one below the desktop.
            above[above.len().saturating_sub(2)]
        }
        3 if found.queue == 0 => 0,
        3 => {
            let mut at = found.record;
            let mut steps = 0;
            // Owners may form a ring.
            while let parent @ 1.. = parent_record(&tx, at)
                && steps < 1000
            {
                (at, steps) = (parent, steps + 1);
            }
            at
        }
        _ => return Ok(0),
    };
    Ok(tx.handle_of(record).into())
}

/// IsChild.
pub(super) fn is_child(cx: &Cx<'_>, above: u64, window: u64) -> User {
    let (above, window) = (cx.window(above)?, cx.window(window)?);
    let tx = cx.windows()?;
    // Children all the way up to it.
    let mut at = window.record;
    for parent in tx.ancestors(window.record) {
        if tx.get(at + field::STYLE) & CHILD == 0 {
            break;
        }
        if parent == above.record {
            return Ok(1);
        }
        at = parent;
    }
    Ok(0)
}

/// SetWindowLongPtr with GWLP_HWNDPARENT of a top-level window: another owner. What it was.
pub(super) fn set_owner(cx: &Cx<'_>, window: &Window, owner: u64) -> User {
    let new = match owner {
        0 => 0,
        owner => cx.window(owner)?.record,
    };
    let mut tx = cx.windows()?;
    // Not itself, nor one that it owns.
    let mut at = new;
    for _ in 0..1000 {
        if at == window.record {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        at = if at == 0 { 0 } else { tx.link(at + field::OWNER) };
    }
    let before = tx.link(window.record + field::OWNER);
    let before = tx.handle_of(before);
    tx.set(window.record + field::OWNER, new);
    tx.commit()?;
    Ok(before.into())
}

/// NtUserBuildHwndList: top-level windows of a desktop (0: the thread's own), with `children` all below a window, otherwise a window and its
/// siblings below it; those of a thread alone, if one is named. Then HWND_BOTTOM.
///
/// # Errors
/// `STATUS_INVALID_HANDLE`, `STATUS_BUFFER_TOO_SMALL` (the number is told all the same).
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn build_list(
    cx: &Cx<'_>,
    desktop: Handle,
    window: u64,
    children: u32,
    _immersive: u32,
    thread: u32,
    count: u32,
    buffer: u64,
    size: UserPtr<u32>,
) -> Nt {
    let list = || -> User<Vec<u64>> {
        let (own, _) = cx.top_window(false)?;
        let (messages, _) = cx.top_window(true)?;
        let found = if window == 0 { 0 } else { cx.window(window)?.record };
        let known =
            || cx.k.ps.thread(thread.into()).is_some() || cx.windows().is_ok_and(|tx| tx.queue_of(thread).is_some());
        if thread != 0 && !known() {
            return Err(Failed::with(error::INVALID_PARAMETER));
        }
        let top = if desktop.0 == 0 { own } else { super::station::window_of(cx, desktop)? };
        let tx = cx.windows()?;
        let mut all = Vec::new();
        let mut left = match (desktop.0 != 0, children != 0) {
            (true, true) => Vec::new(),
            (true, false) if top == 0 => Vec::new(),
            (true, false) => tx.children(top),
            (false, _) if found == 0 => tx.children(own),
            (false, true) => tx.children(found),
            (false, false) if found == own => vec![own, messages],
            (false, false) if found == messages => vec![messages],
            (false, false) => {
                let siblings = tx.children(tx.link(found + field::PARENT));
                siblings.into_iter().skip_while(|other| *other != found).collect()
            }
        };
        left.reverse();
        while let Some(at) = left.pop() {
            if thread == 0 || tx.get(at + field::THREAD) == thread {
                all.push(tx.handle_of(at).into());
            }
            if children != 0 && found != 0 {
                let mut below = tx.children(at);
                below.reverse();
                left.extend(below);
            }
        }
        Ok(all)
    };
    let all = list().map_err(|_| STATUS_INVALID_HANDLE)?;
    size.write(cx.k, all.len() as u32 + 1)?;
    if all.len() >= count as usize {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    for (index, handle) in (0..).zip(all.into_iter().chain([END])) {
        UserPtr::new(buffer + index * 8).write(cx.k, handle)?;
    }
    Ok(STATUS_SUCCESS)
}

/// NtUserFindWindowEx: the first below a parent, behind a child, with that class and that text.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn find_window(
    cx: &Cx<'_>,
    parent: u64,
    after: u64,
    class: UserPtr<UnicodeString>,
    title: UserPtr<UnicodeString>,
    _unknown: u32,
) -> User {
    let class = match class.address() {
        0 => None,
        _ => match Name::read(cx.k, class)? {
            Name::Atom(atom) => Some(atom::name(cx.k, atom)?),
            Name::Text(text) if text.is_empty() => return Ok(0),
            Name::Text(text) => Some(text),
        },
    };
    let class = class.map(|text| fold(&text));
    if parent as u32 == 0
        && let Some(class) = &class
    {
        super::tray::looked_for(cx, class)?;
    }
    let title = match title.address() {
        0 => None,
        _ => Some(fold(&title.read(cx.k)?.read(cx.k)?)),
    };
    let parents = match parent as u32 {
        // Top-level windows first, then those for messages only.
        0 => vec![cx.top_window(false)?.0, cx.top_window(true)?.0],
        HWND_MESSAGE => vec![cx.top_window(true)?.0],
        _ => vec![cx.window(parent)?.record],
    };
    let after = match after {
        0 => 0,
        after => cx.window(after)?.record,
    };
    let tx = cx.windows()?;
    let mut all: Vec<u32> = parents.into_iter().flat_map(|parent| tx.children(parent)).collect();
    if after != 0 {
        let place = all.iter().position(|window| *window == after);
        let place = place.ok_or(Failed::with(error::INVALID_WINDOW_HANDLE))?;
        all.drain(..=place);
    }
    let is_wanted = |window: &u32| {
        let text = |field| fold(&units(&tx.window_bytes(*window, field)));
        class.as_ref().is_none_or(|class| *class == text(field::CLASS_NAME))
            && title.as_ref().is_none_or(|title| *title == text(field::TEXT))
    };
    Ok(all.into_iter().find(is_wanted).map_or(0, |window| tx.handle_of(window).into()))
}

/// NtUserQueryWindow: WINDOWINFOCLASS.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn query(cx: &Cx<'_>, window: u64, class: u32) -> User {
    use crate::shm::user::input;
    if (window, class) == (0, 8) {
        return Ok(super::ime::of_caller(cx).into());
    }
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let of_input = |place: u32| match found.queue {
        0 => 0,
        queue => tx.handle_of(tx.get(tx.input_of(queue) + place)),
    };
    Ok(match class {
        0 | 1 => found.process.into(),
        2 => found.thread.into(),
        3 => of_input(input::field::ACTIVE).into(),
        4 => of_input(input::field::FOCUS).into(),
        // Nothing hangs: whoever waits for it says for how long.
        5 => 0,
        8 => {
            drop(tx);
            super::ime::of_window(cx, &found).into()
        }
        9 => {
            drop(tx);
            super::imm::of_window(cx, window)?
        }
        7 => (found.queue != 0 && tx.input_of(found.queue) == tx.foreground()).into(),
        _ => 0,
    })
}

/// IsWindowVisible.
pub(super) fn is_visible(cx: &Cx<'_>, window: u64) -> User {
    let found = cx.window(window)?;
    let tx = cx.windows()?;
    let below_messages = tx.is_below(found.record, tx.root_window(true));
    let shown = tx.get(found.record + field::STYLE) & VISIBLE != 0;
    Ok((shown && !below_messages && tx.is_visible(found.record)).into())
}

/// The window that a record is.
pub(super) fn of_record(tx: &Tx<'_>, record: u32) -> Option<Window> {
    find(tx, tx.handle_of(record))
}
