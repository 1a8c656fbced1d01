//! Input comes in: from programs (SendInput) and from whoever sits before the desktop ([`inject`]).
//!
//! An event becomes messages of hardware. Threads with low-level hooks see each first: it travels to the first such thread, which asks its
//! hooks and then queues it, so that nobody who brings input has to wait for a program. What becomes of queued ones is `shm::user::hardware`'s
//! matter, and then `mouse`'s and `keyboard`'s in the thread that takes them.

use super::super::{Failed, User, error};
use super::input_language::Initial;
use super::layout::Layout;
use super::procedure::Letter;
use super::send::{Patience, Target};
use super::{hook, input_language, internal};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::shm::user::hardware::{Hardware, key, number};
use crate::shm::user::hot_key::Registered;
use crate::shm::user::message::{Message, Sending, how};
use crate::shm::user::{desk, raw};
use crate::shm::{Shm, Tx};
use crate::status::Nt;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::geometry::Rect;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// MOUSEEVENTF_*.
pub(crate) mod mouse_flag {
    pub const MOVE: u32 = 0x1;
    pub const LEFT_DOWN: u32 = 0x2;
    pub const LEFT_UP: u32 = 0x4;
    pub const RIGHT_DOWN: u32 = 0x8;
    pub const RIGHT_UP: u32 = 0x10;
    pub const MIDDLE_DOWN: u32 = 0x20;
    pub const MIDDLE_UP: u32 = 0x40;
    pub const X_DOWN: u32 = 0x80;
    pub const X_UP: u32 = 0x100;
    pub const WHEEL: u32 = 0x800;
    pub const H_WHEEL: u32 = 0x1000;
    pub const VIRTUAL_DESK: u32 = 0x4000;
    pub const ABSOLUTE: u32 = 0x8000;
}

/// KEYEVENTF_*.
pub(crate) mod key_flag {
    pub const EXTENDED: u32 = 1;
    pub const UP: u32 = 2;
    pub const UNICODE: u32 = 4;
    pub const SCAN_CODE: u32 = 8;
}

/// Input, as it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Of a mouse.
    Mouse {
        /// Where to, with [`mouse_flag::ABSOLUTE`] in pixels of the screen, else how far.
        x: i32,
        /// See above.
        y: i32,
        /// How far a wheel was turned (120 is a notch), or which of the further buttons it was (1 or 2).
        data: i32,
        /// Bits of [`mouse_flag`].
        flags: u32,
        /// Milliseconds; 0: now.
        time: u32,
        /// What GetMessageExtraInfo tells.
        extra: u64,
    },
    /// Of a keyboard.
    Key {
        /// VK_*; with [`key_flag::SCAN_CODE`] it follows from the scan code, with [`key_flag::UNICODE`] it is 0.
        key: u16,
        /// The scan code, or the UTF-16 unit.
        scan: u16,
        /// Bits of [`key_flag`].
        flags: u32,
        /// Milliseconds; 0: now.
        time: u32,
        /// What GetMessageExtraInfo tells.
        extra: u64,
    },
}

/// IMDT_KEYBOARD, IMDT_MOUSE.
const OF_KEYBOARD: u32 = 1;
const OF_MOUSE: u32 = 2;
/// IMO_HARDWARE, IMO_INJECTED, IMO_SYSTEM, in the upper half.
const FROM_HARDWARE: u32 = 1 << 16;
const FROM_PROGRAM: u32 = 2 << 16;
const FROM_SYSTEM: u32 = 4 << 16;
/// LLMHF_INJECTED, LLKHF_INJECTED.
const MOUSE_INJECTED: u32 = 1;
const KEY_INJECTED: u32 = 0x10;
/// Input that a thread with hooks has not looked at: beyond that its hooks are passed by.
const MOST_UNSEEN: usize = 64;

/// A message on its way through low-level hooks.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct OnItsWay {
    wparam: u64,
    lparam: u64,
    extra: u64,
    /// What a hook's structure begins with: of a key its number and scan code, of a mouse data.
    hook: [u32; 2],
    kind: i32,
    number: u32,
    time: u32,
    x: i32,
    y: i32,
    flags: u32,
    source: u32,
    always: u32,
}

impl OnItsWay {
    fn hardware(&self) -> Hardware {
        let message = Message {
            window: 0,
            number: self.number,
            wparam: self.wparam,
            lparam: self.lparam,
            time: self.time,
            place: (self.x, self.y),
            extra: self.extra,
        };
        Hardware { message, flags: self.flags, source: self.source, ..Hardware::default() }
    }

    /// KBDLLHOOKSTRUCT or MSLLHOOKSTRUCT.
    fn hook_structure(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.kind == hook::KEYBOARD_LOW {
            bytes.extend_from_slice([self.hook[0], self.hook[1], self.flags, self.time].as_bytes());
        } else {
            bytes.extend_from_slice([self.x, self.y].as_bytes());
            bytes.extend_from_slice([self.hook[0], self.flags, self.time, 0].as_bytes());
        }
        bytes.extend_from_slice(&self.extra.to_le_bytes());
        bytes
    }
}

/// What a mouse's event means: the messages, with the cursor where it is now.
fn of_mouse(tx: &mut Tx<'_>, event: &Event, injected: bool, now: u32) -> Nt<Vec<OnItsWay>> {
    let Event::Mouse { x, y, data, mut flags, time, extra } = *event else { return Ok(Vec::new()) };
    let time = if time == 0 { now } else { time };
    let source = OF_MOUSE | if injected { FROM_PROGRAM } else { FROM_HARDWARE };
    let at = tx.cursor_place();
    let place = match flags & (mouse_flag::MOVE | mouse_flag::ABSOLUTE) {
        mouse_flag::MOVE => (at.0.saturating_add(x), at.1.saturating_add(y)),
        both if both & mouse_flag::MOVE != 0 => (x, y),
        _ => at,
    };
    if flags & mouse_flag::ABSOLUTE != 0
        && place == at
        && flags & !(mouse_flag::MOVE | mouse_flag::ABSOLUTE | mouse_flag::VIRTUAL_DESK) != 0
    {
        flags &= !mouse_flag::MOVE;
    }
    // A RAWINPUT with a RAWMOUSE: buttons of flags and raw ones run alike.
    let mut buttons = flags >> 1 & 0x3f;
    if flags & mouse_flag::X_DOWN != 0 {
        buttons |= if data == 1 { 0x40 } else { 0x100 };
    }
    if flags & mouse_flag::X_UP != 0 {
        buttons |= if data == 1 { 0x80 } else { 0x200 };
    }
    buttons |= if flags & mouse_flag::WHEEL != 0 { 0x400 } else { 0 };
    buttons |= if flags & mouse_flag::H_WHEEL != 0 { 0x800 } else { 0 };
    let wheel = if buttons & 0xc00 != 0 { data as u16 } else { 0 };
    let mut bytes = raw_header(0, 48, super::raw::MOUSE_HANDLE);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice([buttons as u16, wheel].as_bytes());
    let moved = [place.0.wrapping_sub(at.0), place.1.wrapping_sub(at.1)];
    bytes.extend_from_slice([0, moved[0] as u32, moved[1] as u32, extra as u32].as_bytes());
    let told = Message { time, place: at, extra, ..Message::default() };
    tx.queue_raw(raw::MOUSE, source, &told, &bytes, now)?;
    let numbers = [
        (mouse_flag::MOVE, number::MOUSE_MOVE),
        (mouse_flag::LEFT_DOWN, number::LEFT_DOWN),
        (mouse_flag::LEFT_UP, number::LEFT_UP),
        (mouse_flag::RIGHT_DOWN, number::RIGHT_DOWN),
        (mouse_flag::RIGHT_UP, number::RIGHT_UP),
        (mouse_flag::MIDDLE_DOWN, number::MIDDLE_DOWN),
        (mouse_flag::MIDDLE_UP, number::MIDDLE_UP),
        (mouse_flag::X_DOWN, number::X_DOWN),
        (mouse_flag::X_UP, number::X_UP),
        (mouse_flag::WHEEL, number::MOUSE_WHEEL),
        (mouse_flag::H_WHEEL, number::MOUSE_H_WHEEL),
    ];
    let wparam = u64::from(data as u32) << 16;
    let one = |number: u32| OnItsWay {
        wparam: wparam & 0xffff_ffff,
        extra,
        hook: [wparam as u32, 0],
        kind: hook::MOUSE_LOW,
        number,
        time,
        x: place.0,
        y: place.1,
        flags: if injected { MOUSE_INJECTED } else { 0 },
        source,
        ..OnItsWay::default()
    };
    Ok(numbers.into_iter().filter(|(flag, _)| flags & flag != 0).map(|(_, number)| one(number)).collect())
}

/// RAWINPUTHEADER.
fn raw_header(kind: u32, size: u32, device: u64) -> Vec<u8> {
    let mut bytes = [kind, size].as_bytes().to_vec();
    bytes.extend_from_slice([device, 0].as_bytes());
    bytes
}

/// What a keyboard's event means.
fn of_key(tx: &mut Tx<'_>, event: &Event, injected: bool, now: u32, layout: &Layout) -> Nt<Vec<OnItsWay>> {
    /// KF_EXTENDED, KF_ALTDOWN, KF_REPEAT, KF_UP.
    const EXTENDED: u32 = 0x100;
    const ALT_DOWN: u32 = 0x2000;
    const REPEAT: u32 = 0x4000;
    const UP: u32 = 0x8000;
    /// VK_F10, VK_PACKET, VK_NUMLOCK.
    const F10: u8 = 0x79;
    const PACKET: u8 = 0xe7;
    const NUM_LOCK: u8 = 0x90;
    /// KBDNUMPAD: a key of the number pad, which follows Num Lock.
    const NUMBER_PAD: u16 = 0x800;
    let Event::Key { key: named, scan, flags, time, extra } = *event else { return Ok(Vec::new()) };
    let time = if time == 0 { now } else { time };
    let (up, extended) = (flags & key_flag::UP != 0, flags & key_flag::EXTENDED != 0);
    let named = match flags & key_flag::SCAN_CODE {
        0 => named,
        _ => {
            // A program says by a flag alone that a key is an extended one.
            let prefix = match (extended, injected) {
                (true, _) => 0xe000,
                (false, true) => 0,
                (false, false) => scan & 0xff00,
            };
            layout.key_of_scan(prefix | scan & 0xff)
        }
    };
    let unicode = flags & key_flag::UNICODE != 0;
    let mut key = named as u8;
    let mut seen = key;
    let sides = [
        ([key::MENU, key::LEFT_MENU, key::RIGHT_MENU], key::MENU),
        ([key::CONTROL, key::LEFT_CONTROL, key::RIGHT_CONTROL], key::CONTROL),
        ([key::SHIFT, key::LEFT_SHIFT, key::RIGHT_SHIFT], key::SHIFT),
    ];
    if key == 0 && unicode {
        (key, seen) = (PACKET, PACKET);
    } else if let Some(([both, left, right], _)) = sides.iter().find(|(keys, _)| keys.contains(&key)) {
        key = if extended { *right } else { *left };
        if named as u8 == *both {
            seen = key;
        }
    }
    let held = |tx: &Tx<'_>, key: u8| tx.desk_key(key) & 0x80 != 0;
    let alone = tx.of_desk(desk::field::ALT) != 0;
    let plain = if up { number::KEY_UP } else { number::KEY_DOWN };
    let system = if up { number::SYS_KEY_UP } else { number::SYS_KEY_DOWN };
    // What goes along with Alt is the system's, and Alt itself if nothing came between.
    let (number, alone) = match key {
        key::LEFT_MENU | key::RIGHT_MENU if up && (!held(tx, key::MENU) || !alone) => (plain, alone),
        key::LEFT_MENU | key::RIGHT_MENU if up => (system, false),
        key::LEFT_MENU | key::RIGHT_MENU if held(tx, key::CONTROL) => (plain, alone),
        key::LEFT_MENU | key::RIGHT_MENU => (system, true),
        key::LEFT_CONTROL | key::RIGHT_CONTROL if !up || !held(tx, key::MENU) => (plain, alone),
        key::LEFT_CONTROL | key::RIGHT_CONTROL => (system, false),
        F10 => (system, false),
        _ if held(tx, key::CONTROL) || !held(tx, key::MENU) => (plain, alone),
        _ => (system, false),
    };
    tx.set_of_desk(desk::field::ALT, alone.into())?;
    if named & NUMBER_PAD != 0 && tx.desk_key(NUM_LOCK) & 1 != 0 && !held(tx, key::SHIFT) {
        // Insert, End, Down, Next, Left, Clear, Right, Home, Up, Prior and Delete are digits and a point then.
        let pad = [0x2d, 0x23, 0x28, 0x22, 0x25, 0x0c, 0x27, 0x24, 0x26, 0x21, 0x2e];
        if let Some(place) = pad.iter().position(|other| *other == key) {
            key = [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6e][place];
            seen = key;
        }
    }
    let source = OF_KEYBOARD | if injected { FROM_PROGRAM } else { FROM_HARDWARE };
    let place = tx.cursor_place();
    if !unicode {
        // A RAWINPUT with a RAWKEYBOARD, which knows no sides.
        let both = sides.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, both)| *both);
        let shift = both == Some(key::SHIFT);
        let how = u16::from(up) | if extended && !shift { 2 } else { 0 };
        let mut bytes = raw_header(1, 40, super::raw::KEYBOARD_HANDLE);
        bytes.extend_from_slice([scan, how, 0, both.unwrap_or(key).into()].as_bytes());
        bytes.extend_from_slice([number, extra as u32].as_bytes());
        let told = Message { time, place, extra, ..Message::default() };
        tx.queue_raw(raw::KEYBOARD, source, &told, &bytes, now)?;
    }
    let mut lparam = u32::from(scan) << 16;
    let mut bits = 0;
    let mut low = if injected { KEY_INJECTED } else { 0 };
    if !unicode || named != 0 {
        bits |= if extended { EXTENDED } else { 0 };
        bits |= match (up, held(tx, key)) {
            (true, _) => REPEAT | UP,
            (false, true) => REPEAT,
            _ => 0,
        };
        lparam &= 0xff_0000;
        // Of the system's messages alone.
        let of_alt = held(tx, key::MENU) || matches!(key, key::LEFT_MENU | key::RIGHT_MENU);
        let alt = if of_alt && number == system { ALT_DOWN } else { 0 };
        low |= (bits & (EXTENDED | UP) | alt) >> 8;
    }
    Ok(vec![OnItsWay {
        wparam: key.into(),
        lparam: u64::from(bits << 16 | lparam | 1),
        extra,
        hook: [seen.into(), lparam >> 16],
        kind: hook::KEYBOARD_LOW,
        number,
        time,
        x: place.0,
        y: place.1,
        flags: low,
        source,
        always: 1,
    }])
}

fn messages_of(initial: Initial, tx: &mut Tx<'_>, event: &Event, injected: bool, now: u32) -> Nt<Vec<OnItsWay>> {
    match event {
        Event::Mouse { .. } => of_mouse(tx, event, injected, now),
        Event::Key { .. } => {
            let layout = input_language::for_input(initial, tx);
            of_key(tx, event, injected, now, layout)
        }
    }
}

/// The events that one is: on a layout where the right Alt key counts as Control and Alt, the left Control key goes down before it, and up.
fn events_of(initial: Initial, tx: &Tx<'_>, event: &Event) -> Vec<Event> {
    const CONTROL_SCAN: u16 = 0x1d;
    let Event::Key { key: named, scan, flags, time, extra } = *event else { return vec![*event] };
    let layout = input_language::for_input(initial, tx);
    let named = if flags & key_flag::SCAN_CODE != 0 { layout.key_of_scan(scan & 0xff) as u8 } else { named as u8 };
    let is_right =
        named == key::RIGHT_MENU || flags & key_flag::EXTENDED != 0 && [key::MENU, key::LEFT_MENU].contains(&named);
    if !layout.alt_gr || !is_right || flags & key_flag::UNICODE != 0 {
        return vec![*event];
    }
    let key = key::LEFT_CONTROL.into();
    let control = Event::Key { key, scan: CONTROL_SCAN, flags: flags & key_flag::UP, time, extra };
    vec![control, *event]
}

fn now(k: &Kernel) -> u32 {
    (k.host.monotonic() / 1_000_000) as u32
}

/// A message goes to whom it is for: a program, or on the task bar nobody.
fn take_in(tx: &mut Tx<'_>, hardware: &Hardware, always: bool, now: u32) -> Nt<()> {
    tx.queue_hardware(hardware, always, now)?;
    super::tray::mouse::came_in(tx, hardware.message.number, now)
}

/// Who sits before the desktop did something. Programs with low-level hooks see it first.
///
/// # Errors
/// `STATUS_INSUFFICIENT_RESOURCES`: the sandbox's memory has no room for it, and it is lost.
pub fn inject(k: &Kernel, shm: &Shm, event: &Event) -> Nt<()> {
    let (now, initial) = (now(k), Initial::of(k));
    let mut tx = shm.begin();
    if tx.of_desk(desk::field::BLOCKED) != 0 {
        return Ok(());
    }
    for event in events_of(initial, &tx, event) {
        put_in(initial, &mut tx, &event, now)?;
    }
    tx.commit()
}

fn put_in(initial: Initial, tx: &mut Tx<'_>, event: &Event, now: u32) -> Nt<()> {
    for one in messages_of(initial, tx, event, false, now)? {
        let first = tx.hooks_of(one.kind, 0, 0, None).into_iter().next();
        let unseen = first.as_ref().map_or(0, |hook| tx.unanswered(hook.owner));
        match first.filter(|_| unseen < MOST_UNSEEN) {
            Some(hook) => {
                let message = Message { number: internal::INPUT, time: now, ..Message::default() };
                let data = one.as_bytes().to_vec();
                let sending = Sending { how: how::INTERNAL | how::NOTIFY, data, callback: (0, 0) };
                tx.send_message(0, hook.owner, &message, &sending)?;
            }
            None => take_in(tx, &one.hardware(), one.always != 0, now)?,
        }
    }
    Ok(())
}

/// Input that this thread's hooks are to see: what they do not keep back is queued.
pub(super) fn hook_first(cx: &Cx<'_>, data: &[u8]) -> User {
    let Ok((one, _)) = OnItsWay::read_from_prefix(data) else { return Ok(0) };
    let (kept, _) = hook::call_with(cx, one.kind, hook::ACTION, one.number.into(), &one.hook_structure())?;
    if kept != 0 {
        return Ok(1);
    }
    let mut tx = cx.windows()?;
    take_in(&mut tx, &one.hardware(), one.always != 0, cx.milliseconds())?;
    tx.commit()?;
    Ok(0)
}

/// A program's input: it goes on when hooks have seen it.
fn send(cx: &Cx<'_>, event: &Event) -> User<()> {
    let initial = Initial::of(cx.k);
    let all = events_of(initial, &cx.windows()?, event);
    all.iter().try_for_each(|event| send_one(cx, initial, event))
}

fn send_one(cx: &Cx<'_>, initial: Initial, event: &Event) -> User<()> {
    let now = cx.milliseconds();
    let mut tx = cx.windows()?;
    let all = messages_of(initial, &mut tx, event, true, now)?;
    tx.commit()?;
    for one in all {
        match hook::first_low(cx, one.kind)? {
            Some(hook) if u64::from(hook.owner_thread) == cx.t.id => drop(hook_first(cx, one.as_bytes())?),
            Some(hook) => {
                let letter = Letter { message: internal::INPUT, wparam: 0, lparam: 0, ansi: false };
                let patience = Patience { milliseconds: hook::LOW_LEVEL_PATIENCE, flags: 0 };
                let sending = Sending { how: how::INTERNAL, data: one.as_bytes().to_vec(), callback: (0, 0) };
                // Whoever does not answer in time queues it when it comes to that.
                let _ = cx.await_answer(Target::Thread(hook.owner_thread), &letter, &sending, patience);
            }
            None => {
                let mut tx = cx.windows()?;
                take_in(&mut tx, &one.hardware(), one.always != 0, now)?;
                tx.commit()?;
            }
        }
    }
    Ok(())
}

/// sizeof(INPUT).
const INPUT_SIZE: u64 = 40;

/// An INPUT: `None` for what is of nothing that there is.
///
/// # Errors
/// ERROR_CALL_NOT_IMPLEMENTED for other hardware than mouse and keyboard.
fn event_of(cx: &Cx<'_>, bytes: &[u8]) -> User<Option<Event>> {
    let word = |at: usize| bytes.get(at..at + 4).map_or(0, super::class::little) as u32;
    let wide = |at: usize| bytes.get(at..at + 8).map_or(0, super::class::little);
    Ok(match word(0) {
        0 => {
            let (mut x, mut y, flags) = (word(8) as i32, word(12) as i32, word(20));
            if flags & mouse_flag::MOVE != 0 {
                (x, y) = placed(cx, x, y, flags)?;
            }
            Some(Event::Mouse { x, y, data: word(16) as i32, flags, time: word(24), extra: wide(32) })
        }
        1 => {
            let (key, scan) = (word(8) as u16, (word(8) >> 16) as u16);
            Some(Event::Key { key, scan, flags: word(12), time: word(16), extra: wide(24) })
        }
        2 => return Err(Failed::with(error::CALL_NOT_IMPLEMENTED)),
        _ => None,
    })
}

/// Where a program's movement leads: of 65536 to the screen's width, or sped up as the user wants it.
fn placed(cx: &Cx<'_>, x: i32, y: i32, flags: u32) -> User<(i32, i32)> {
    if flags & mouse_flag::ABSOLUTE != 0 {
        let screen = cx.screen()?;
        let scale = |value: i32, size: i32| ((i64::from(value) * i64::from(size)) >> 16) as i32;
        return Ok((screen.left + scale(x, screen.width()), screen.top + scale(y, screen.height())));
    }
    let [first, second, speed] = super::sysparams::mouse_speed(cx);
    let faster = |value: i32| {
        if speed == 0 || value.unsigned_abs() <= first.unsigned_abs() {
            return value;
        }
        let value = value.saturating_mul(2);
        if value.unsigned_abs() > second.unsigned_abs() && speed == 2 { value.saturating_mul(2) } else { value }
    };
    Ok((faster(x), faster(y)))
}

/// NtUserSendInput: how many of them came in.
///
/// # Errors
/// The answer is the number that did, and the last error says why not all.
pub fn send_input(cx: &Cx<'_>, count: u32, inputs: u64, size: u32) -> User {
    if u64::from(size) != INPUT_SIZE || count == 0 {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    if inputs == 0 {
        return Err(Failed::with(error::NOACCESS));
    }
    cx.top_window(false)?;
    if !super::station::has_input(cx)? {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    for index in 0..u64::from(count) {
        let at = inputs.wrapping_add(index * INPUT_SIZE);
        let told = |failed: Failed| failed.answering(index);
        let bytes = UserSlice::new(at, INPUT_SIZE).read_all(cx.k).map_err(|status| told(status.into()))?;
        if let Some(event) = event_of(cx, &bytes)? {
            send(cx, &event).map_err(told)?;
        }
    }
    Ok(count.into())
}

/// NtUserSetCursorPos: moves the cursor, and tells the window that is below it then.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_cursor_pos(cx: &Cx<'_>, x: u32, y: u32) -> User {
    cx.top_window(false)?;
    let now = cx.milliseconds();
    let mut tx = cx.windows()?;
    let place = (x as i32, y as i32);
    let message = Message { number: number::MOUSE_MOVE, time: now, place, ..Message::default() };
    take_in(&mut tx, &Hardware { message, source: FROM_SYSTEM, ..Hardware::default() }, true, now)?;
    tx.commit()?;
    Ok(1)
}

/// A window came or went below the cursor: whoever is there now is told.
pub(super) fn cursor_meets(cx: &Cx<'_>) -> User<()> {
    let now = cx.milliseconds();
    let mut tx = cx.windows()?;
    let place = tx.cursor_place();
    let message = Message { number: number::MOUSE_MOVE, time: now, place, ..Message::default() };
    tx.queue_hardware(&Hardware { message, source: FROM_SYSTEM, ..Hardware::default() }, true, now)?;
    Ok(tx.commit()?)
}

/// NtUserClipCursor: keeps the cursor in a rectangle of the screen, or with none lets it go.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn clip_cursor(cx: &Cx<'_>, rect: u64) -> User {
    let screen = cx.screen()?;
    let wanted = match rect {
        0 => None,
        rect => {
            let [left, top, right, bottom] = UserPtr::<[i32; 4]>::new(rect).read(cx.k)?;
            if left > right || top > bottom {
                return Err(Failed::with(error::INVALID_PARAMETER));
            }
            let sides = (left.max(screen.left), top.max(screen.top));
            let rect = Rect::new(sides.0, sides.1, right.min(screen.right), bottom.min(screen.bottom));
            Some(if rect.left > rect.right || rect.top > rect.bottom { screen } else { rect })
        }
    };
    let mut tx = cx.windows()?;
    let desk = tx.make_desk()?;
    tx.set(desk + desk::field::CLIPPED, wanted.is_some().into());
    if let Some(rect) = wanted {
        for (place, side) in (desk + desk::field::CLIP..).zip([rect.left, rect.top, rect.right, rect.bottom]) {
            tx.set(place, side as u32);
        }
    }
    let place = tx.cursor_place();
    let bounds = tx.cursor_bounds();
    let inside = bounds.contains(place.0, place.1);
    tx.commit()?;
    if !inside {
        set_cursor_pos(cx, place.0 as u32, place.1 as u32)?;
    }
    Ok(1)
}

/// GetClipCursor.
pub(super) fn get_clip_cursor(cx: &Cx<'_>, rect: u64) -> User {
    cx.top_window(false)?;
    let bounds = cx.windows()?.cursor_bounds();
    UserPtr::new(rect).write(cx.k, [bounds.left, bounds.top, bounds.right, bounds.bottom])?;
    Ok(1)
}

/// NtUserGetMouseMovePointsEx: where the mouse was before a place.
///
/// # Errors
/// The answer is -1, and the last error says why.
pub fn get_mouse_move_points(cx: &Cx<'_>, size: u32, from: u64, to: u64, count: u32, resolution: u32) -> User {
    /// sizeof(MOUSEMOVEPOINT): x, y, time, extra information.
    const SIZE: u64 = 24;
    const FAILED: u64 = u32::MAX as u64;
    let failed = |code: u32| Failed::with(code).answering(FAILED);
    if u64::from(size) != SIZE || count > desk::HISTORY {
        return Err(failed(error::INVALID_PARAMETER));
    }
    if from == 0 || to == 0 && count != 0 {
        return Err(failed(error::NOACCESS));
    }
    // GMMP_USE_DISPLAY_POINTS.
    if resolution != 1 {
        return Err(failed(error::POINT_NOT_FOUND));
    }
    let [x, y, time] = UserPtr::<[u32; 3]>::new(from).read(cx.k).map_err(|_| failed(error::NOACCESS))?;
    let all = cx.windows()?.places();
    let same = |((px, py), when, _): &((i32, i32), u32, u64)| {
        (*px as u32, *py as u32) == (x, y) && (time == 0 || time == *when)
    };
    let place = all.iter().position(same).ok_or(failed(error::POINT_NOT_FOUND))?;
    let found = all.into_iter().skip(place).take(count as usize);
    let mut told = 0;
    for ((x, y), time, extra) in found {
        let mut bytes = [x as u32, y as u32, time, 0].as_bytes().to_vec();
        bytes.extend_from_slice(&extra.to_le_bytes());
        cx.k.write_user(to.wrapping_add(told * SIZE), &bytes).map_err(|_| failed(error::NOACCESS))?;
        told += 1;
    }
    Ok(told)
}

/// NtUserRegisterHotKey.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn register_hot_key(cx: &Cx<'_>, window: u64, id: u32, modifiers: u32, key: u32) -> User {
    let (queue, window) = hot_key_owner(cx, window)?;
    let mut tx = cx.windows()?;
    if tx.add_hot_key(queue, window, id, modifiers, key)? == Registered::Taken {
        return Err(Failed::with(error::HOTKEY_ALREADY_REGISTERED));
    }
    tx.commit()?;
    Ok(1)
}

fn hot_key_owner(cx: &Cx<'_>, window: u64) -> User<(u32, u32)> {
    /// ERROR_WINDOW_OF_OTHER_THREAD.
    const OTHER_THREAD: u32 = 1408;
    let mine = cx.queue()?.record;
    if window == 0 {
        return Ok((mine, 0));
    }
    let found = cx.window(window)?;
    if !found.is_mine(cx) || !found.is_ours(cx) {
        return Err(Failed::with(OTHER_THREAD));
    }
    Ok((mine, found.handle))
}

/// NtUserUnregisterHotKey.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn unregister_hot_key(cx: &Cx<'_>, window: u64, id: u32) -> User {
    let (queue, window) = hot_key_owner(cx, window)?;
    let mut tx = cx.windows()?;
    if !tx.remove_hot_key(queue, window, id) {
        return Err(Failed::with(error::HOTKEY_NOT_REGISTERED));
    }
    tx.commit()?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hooks_are_told_lies_as_programs_read_it() {
        let key =
            OnItsWay { hook: [0x41, 0x1e], kind: hook::KEYBOARD_LOW, time: 7, flags: 0x10, ..OnItsWay::default() };
        assert_eq!(key.hook_structure(), [[0x41, 0x1e, 0x10, 7].as_bytes(), &[0; 8]].concat());
        let mouse =
            OnItsWay { hook: [0x78_0000, 0], kind: hook::MOUSE_LOW, x: -1, y: 5, extra: 9, ..OnItsWay::default() };
        let bytes = mouse.hook_structure();
        assert_eq!((bytes.len(), &bytes[..12]), (32, [u32::MAX, 5, 0x78_0000].as_bytes()));
        assert_eq!(bytes[24..], 9u64.to_le_bytes());
    }
}
