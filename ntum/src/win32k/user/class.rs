//! Window classes of the process.
//!
//! Many DLLs register one when they are loaded and do not load without it, long before anybody asks for a window.

use super::super::{Failed, User, error};
use super::class_icon;
use super::process::{Procedures, client};
use crate::call::Cx;
use crate::ex::atom;
use crate::kernel::Kernel;
use crate::ps::layout::peb;
use crate::status::*;
use crate::types::{UnicodeString, wide};
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::atomic::Ordering;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Number of dialogs' class: `#32770`.
pub const DIALOG_CLASS: u16 = 32770;

/// WNDCLASSEXW of 64-bit programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClassInfo {
    /// sizeof: 80.
    pub size: u32,
    /// CS_*.
    pub style: u32,
    /// What handles its windows' messages.
    pub procedure: u64,
    /// Bytes beside the class.
    pub class_extra: i32,
    /// Bytes beside each window.
    pub window_extra: i32,
    /// Module that it belongs to.
    pub instance: u64,
    /// Icon.
    pub icon: u64,
    /// Cursor.
    pub cursor: u64,
    /// Brush, or a colour's number plus one.
    pub background: u64,
    /// Menu's name.
    pub menu: u64,
    /// Its own name.
    pub name: u64,
    /// Small icon.
    pub small_icon: u64,
}

/// sizeof(WNDCLASSEXW).
const SIZE: u32 = 80;
/// CS_GLOBALCLASS.
const GLOBAL: u32 = 0x4000;
/// Most bytes beside a class or a window.
const MOST_EXTRA: i32 = 4096;
/// Most classes of a process: what a program makes without end ends here.
const MOST: usize = 0x2000;

/// Offsets of GetClassLongPtr: GCLP_MENUNAME and so on, GCW_ATOM.
mod at {
    pub const MENU_NAME: i32 = -8;
    pub const BACKGROUND: i32 = -10;
    pub const CURSOR: i32 = -12;
    pub const ICON: i32 = -14;
    pub const MODULE: i32 = -16;
    pub const WINDOW_EXTRA: i32 = -18;
    pub const CLASS_EXTRA: i32 = -20;
    pub const PROCEDURE: i32 = -24;
    pub const STYLE: i32 = -26;
    pub const ATOM: i32 = -32;
    pub const SMALL_ICON: i32 = -34;
}

struct Class {
    /// What windows know it by.
    number: u32,
    atom: u16,
    /// How many units of the name are a version (`6.0.2600.2982!`), which nobody is told.
    version: usize,
    local: bool,
    /// Its procedure as a handle.
    info: ClassInfo,
    /// The menu's name as user32 keeps it: three addresses.
    menu: [u64; 3],
    extra: Vec<u8>,
    /// Windows of it.
    windows: u32,
    /// The small icon that was made of the large one; 0 if it has one of its own.
    made_icon: u64,
}

/// What a window takes from its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    /// Its number within the process.
    pub number: u32,
    /// Its atom.
    pub atom: u16,
    /// How many units of the atom's name are a version.
    pub version: usize,
    /// CS_*.
    pub style: u32,
    /// Its procedure as a handle.
    pub procedure: u64,
    /// Bytes beside each window.
    pub extra: usize,
}

#[derive(Default)]
struct All {
    /// In the order in which they are looked at: a module's own come first.
    classes: Vec<Class>,
    last: u32,
}

/// The process's classes.
#[derive(Default)]
pub struct Classes(Mutex<All>);

impl Class {
    /// What programs are told of it.
    fn shown(&self) -> ClassInfo {
        let small_icon = if self.info.small_icon != 0 { self.info.small_icon } else { self.made_icon };
        ClassInfo { small_icon, ..self.info }
    }

    /// Whether a module that asks for the class means this one; who names no module means any.
    fn is_of(&self, atom: u16, instance: u64) -> bool {
        let module = |instance: u64| instance & !0xffff;
        self.atom == atom && (instance == 0 || !self.local || module(self.info.instance) == module(instance))
    }
}

impl Classes {
    /// Keeps a class; its number.
    ///
    /// # Errors
    /// The Win32 code.
    fn add(&self, (atom, version): (u16, usize), local: bool, info: ClassInfo, menu: [u64; 3]) -> Result<u32, u32> {
        let mut all = self.0.lock();
        let same = all.classes.iter().find(|held| held.is_of(atom, info.instance));
        if same.is_some_and(|held| held.local == local) {
            return Err(error::CLASS_ALREADY_EXISTS);
        }
        if all.classes.len() >= MOST {
            return Err(error::NOT_ENOUGH_QUOTA);
        }
        all.last = all.last.wrapping_add(1);
        let extra = vec![0; usize::try_from(info.class_extra).unwrap_or(0)];
        let class = Class { number: all.last, atom, version, local, info, menu, extra, windows: 0, made_icon: 0 };
        let (place, number) = (if local { 0 } else { all.classes.len() }, class.number);
        all.classes.insert(place, class);
        Ok(number)
    }

    /// Takes a class that has no windows.
    ///
    /// # Errors
    /// The Win32 code.
    fn take(&self, atom: u16, instance: u64) -> Result<Class, u32> {
        let mut all = self.0.lock();
        let found = all.classes.iter().position(|held| held.is_of(atom, instance));
        let place = found.ok_or(error::CLASS_DOES_NOT_EXIST)?;
        if all.classes[place].windows != 0 {
            return Err(error::CLASS_HAS_WINDOWS);
        }
        Ok(all.classes.remove(place))
    }

    fn with<R>(&self, which: impl Fn(&Class) -> bool, with: impl FnOnce(&mut Class) -> R) -> Option<R> {
        self.0.lock().classes.iter_mut().find(|held| which(held)).map(with)
    }

    fn get(&self, atom: u16, instance: u64) -> Option<(ClassInfo, [u64; 3])> {
        self.with(|held| held.is_of(atom, instance), |held| (held.shown(), held.menu))
    }

    /// A class's icons as it was given them, the large one first.
    pub(super) fn icons(&self, number: u32) -> Option<(u64, u64)> {
        self.with(|held| held.number == number, |held| (held.info.icon, held.info.small_icon))
    }

    /// Keeps the small icon that was made for a class; the one before.
    pub(super) fn keep_small_icon(&self, number: u32, made: u64) -> Option<u64> {
        self.with(|held| held.number == number, |held| core::mem::replace(&mut held.made_icon, made))
    }

    /// A window is made of a class, which stays as long as it has windows.
    pub fn use_for_window(&self, atom: u16, instance: u64) -> Option<Pattern> {
        self.with(
            |held| held.is_of(atom, instance),
            |held| {
                held.windows += 1;
                Pattern {
                    number: held.number,
                    atom,
                    version: held.version,
                    style: held.info.style,
                    procedure: held.info.procedure,
                    extra: usize::try_from(held.info.window_extra).unwrap_or(0),
                }
            },
        )
    }

    /// A window of a class is gone.
    pub fn window_gone(&self, number: u32) {
        self.with(|held| held.number == number, |held| held.windows = held.windows.saturating_sub(1));
    }
}

/// A class's name: its number where the address should be, `#` and a number in digits, or a text.
pub(super) enum Name {
    /// A number.
    Atom(u16),
    /// A text.
    Text(Vec<u16>),
}

impl Name {
    /// Reads one.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub(super) fn read(k: &Kernel, name: UserPtr<UnicodeString>) -> Nt<Name> {
        let name = name.read(k)?;
        if name.buffer < 0x1_0000 {
            return Ok(Name::Atom(name.buffer as u16));
        }
        let text = name.read(k)?;
        if let [hash, digits @ ..] = text.as_slice()
            && *hash == u16::from(b'#')
            && let Ok(number) = String::from_utf16_lossy(digits).parse()
        {
            return Ok(Name::Atom(number));
        }
        Ok(Name::Text(text))
    }

    /// The number of a class that there may be; 0 if nobody has given that name one.
    pub(super) fn atom(&self, k: &'static Kernel) -> u16 {
        match self {
            Name::Atom(atom) => *atom,
            Name::Text(text) => atom::find(k, text).unwrap_or(0),
        }
    }
}

/// A class that every process has: name (a number below 0x10000 or a text), style, bytes beside each window, background, procedure.
struct Builtin(Result<u16, &'static str>, u32, i32, u64, u32);

/// CS_VREDRAW and CS_HREDRAW, CS_DBLCLKS, CS_PARENTDC, CS_SAVEBITS, CS_DROPSHADOW.
const REDRAW: u32 = 3;
const DOUBLE_CLICKS: u32 = 8;
const PARENT_DC: u32 = 0x80;
const SAVE_BITS: u32 = 0x800;
const DROP_SHADOW: u32 = 0x2_0000;

/// As documented for each control in "Window classes"; the bytes are those of Wine 10's controls, which are user32's.
const BUILTINS: &[Builtin] = &[
    Builtin(Ok(super::session::DESKTOP_CLASS), DOUBLE_CLICKS, 0, 2, client::DESKTOP),
    Builtin(Err("Message"), 0, 0, 0, client::MESSAGE),
    Builtin(Err("Button"), DOUBLE_CLICKS | REDRAW | PARENT_DC, 20, 0, client::BUTTON),
    Builtin(Err("ComboBox"), PARENT_DC | DOUBLE_CLICKS | REDRAW, 8, 0, client::COMBO),
    Builtin(Err("ComboLBox"), DOUBLE_CLICKS | SAVE_BITS, 8, 0, client::COMBO_LIST),
    Builtin(Ok(DIALOG_CLASS), SAVE_BITS | DOUBLE_CLICKS, 30, 0, client::DIALOG),
    Builtin(Ok(32772), 0, 0, 0, client::ICON_TITLE),
    Builtin(Err("IME"), 0, 16, 0, client::IME),
    Builtin(Err("ListBox"), DOUBLE_CLICKS, 8, 0, client::LISTBOX),
    Builtin(Ok(MENU_CLASS), DROP_SHADOW | SAVE_BITS | DOUBLE_CLICKS, 8, 5, client::MENU),
    Builtin(Err("MDIClient"), 0, 16, 13, client::MDI_CLIENT),
    Builtin(Err("ScrollBar"), DOUBLE_CLICKS | REDRAW | PARENT_DC, super::scrollbar::EXTRA as i32, 0, client::SCROLLBAR),
    Builtin(Err("Static"), DOUBLE_CLICKS | PARENT_DC, 16, 0, client::STATIC),
    Builtin(Err("Edit"), DOUBLE_CLICKS | PARENT_DC, 8, 0, client::EDIT),
];
/// Number of popup menus' class: `#32768`.
pub(super) const MENU_CLASS: u16 = 32768;
/// Callback of user32 that completes them: `NtUserInitBuiltinClasses` of Wine 10's `include/ntuser.h`.
const INIT_BUILTIN_CLASSES: u32 = 13;

/// Registers the classes that every process has, once it first names one or makes a window. user32 loads what is to draw them then.
pub(super) fn register_builtins(cx: &Cx<'_>) {
    let user = &cx.k.user;
    // The thread that is at it; it asks for classes itself.
    let me = cx.t.id as u32;
    if let Err(by) = user.builtins.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
        if by != me && by != REGISTERED {
            wait_for_builtins(cx);
        }
        return;
    }
    let instance = user.module.load(Ordering::Acquire);
    for Builtin(name, style, extra, background, procedure) in BUILTINS {
        let atom = match name {
            Ok(atom) => Ok(*atom),
            Err(name) => atom::add_for_process(cx.k, &wide(name)),
        };
        let procedure = Procedures::client(*procedure);
        let (style, background) = (*style, *background);
        let info = ClassInfo {
            size: SIZE,
            style,
            procedure,
            window_extra: *extra,
            instance,
            background,
            ..Default::default()
        };
        if let Ok(atom) = atom {
            // Nobody else registers as user32.
            let _ = user.classes.add((atom, 0), false, info, [0; 3]);
        }
    }
    if instance != 0 {
        // What it could not load is drawn without.
        let _ = cx.callback(INIT_BUILTIN_CLASSES, &[]);
    }
    user.builtins.store(REGISTERED, Ordering::Release);
    cx.k.host.wake(&user.builtins, u32::MAX);
}

/// What [`super::process::Process::builtins`] is once they are registered; no thread's number.
const REGISTERED: u32 = u32::MAX;
/// Nanoseconds between two looks, and looks: who is at it may be suspended, and others go on then.
const LOOK: u64 = 5_000_000;
const LOOKS: u32 = 400;

/// Waits until another thread has registered the classes that every process has.
fn wait_for_builtins(cx: &Cx<'_>) {
    let word = &cx.k.user.builtins;
    for _ in 0..LOOKS {
        let by = word.load(Ordering::Acquire);
        if by == REGISTERED {
            return;
        }
        cx.k.host.wait(word, by, Some(cx.k.host.monotonic().saturating_add(LOOK)));
    }
}

/// NtUserRegisterClassExWOW: the class's number. `version` says how much of the name is a version; `wow` says nothing that is needed here.
///
/// # Errors
/// The answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn register(
    cx: &Cx<'_>,
    class: UserPtr<ClassInfo>,
    name: UserPtr<UnicodeString>,
    version: UserPtr<UnicodeString>,
    menu: UserPtr<[u64; 3]>,
    builtin: u32,
    ansi: u32,
    _wow: u64,
) -> User {
    let menu = if menu.address() == 0 { [0; 3] } else { menu.read(cx.k)? };
    let (mut info, name) = (class.read(cx.k)?, Name::read(cx.k, name)?);
    let extra = 0..=MOST_EXTRA;
    let user32 = cx.k.user.module.load(Ordering::Acquire);
    let foreign = builtin == 0 && user32 != 0 && info.instance == user32;
    if info.size != SIZE || !extra.contains(&info.class_extra) || !extra.contains(&info.window_extra) || foreign {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    if info.instance == 0 {
        info.instance = UserPtr::<u64>::new(cx.k.ps.peb() + peb::IMAGE_BASE).read(cx.k)?;
    }
    if let Name::Text(text) = &name {
        info.procedure = super::richedit::before(cx, text, info.procedure);
    }
    info.procedure = cx.k.user.procedures.handle(info.procedure, ansi != 0);
    let atom = match &name {
        Name::Atom(atom) => Ok(*atom),
        Name::Text(text) => atom::add_for_process(cx.k, text),
    };
    let Ok(atom @ 1..) = atom else { return Err(Failed::with(error::INVALID_PARAMETER)) };
    let version = match version.address() {
        0 => 0,
        _ => usize::from(version.read(cx.k)?.length / 2),
    };
    let local = builtin == 0 && info.style & GLOBAL == 0;
    match cx.k.user.classes.add((atom, version), local, info, menu) {
        Ok(number) => {
            class_icon::renew(cx, number);
            Ok(atom.into())
        }
        Err(code) => {
            if matches!(name, Name::Text(_)) {
                let _ = atom::unuse(cx.k, atom);
            }
            Err(Failed::with(code))
        }
    }
}

/// NtUserUnregisterClass: gives back the menu's name, which is user32's to free.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn unregister(cx: &Cx<'_>, name: UserPtr<UnicodeString>, instance: u64, menu: UserPtr<[u64; 3]>) -> User {
    register_builtins(cx);
    let atom = Name::read(cx.k, name)?.atom(cx.k);
    let class = cx.k.user.classes.take(atom, instance).map_err(Failed::with)?;
    // A number below 0xc000 names itself and is no name's.
    let _ = atom::unuse(cx.k, atom);
    class_icon::release(cx, class.made_icon);
    super::dce::class_gone(cx, class.number);
    menu.write(cx.k, class.menu)?;
    Ok(1)
}

/// NtUserGetClassInfoEx: the class's number; what it is like, where there is room for it.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn info(
    cx: &Cx<'_>,
    instance: u64,
    name: UserPtr<UnicodeString>,
    class: UserPtr<ClassInfo>,
    menu: UserPtr<[u64; 3]>,
    ansi: u32,
) -> User {
    let which = Name::read(cx.k, name)?;
    register_builtins(cx);
    let atom = which.atom(cx.k);
    let Some((held, names)) = cx.k.user.classes.get(atom, instance) else {
        return Err(Failed::with(error::CLASS_DOES_NOT_EXIST));
    };
    if class.address() != 0 {
        // The size stays what the caller wrote; the name is the one that was asked for.
        let size = class.read(cx.k)?.size;
        let menu = if ansi != 0 { names[0] } else { names[1] };
        let name = name.read(cx.k)?.buffer;
        let procedure = cx.k.user.procedures.shown(held.procedure, ansi != 0);
        let own = instance == cx.k.user.module.load(Ordering::Acquire);
        let instance = if own { 0 } else { instance };
        class.write(cx.k, ClassInfo { size, instance, menu, name, procedure, ..held })?;
    }
    if menu.address() != 0 {
        menu.write(cx.k, names)?;
    }
    Ok(atom.into())
}

/// NtUserGetAtomName: the name of an atom, and its length.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn atom_name(cx: &Cx<'_>, atom: u32, name: UserPtr<UnicodeString>) -> User {
    let text = atom::name(cx.k, atom as u16)?;
    store_name(cx, &text, name)
}

/// Stores as much of a text as there is room for, with a zero behind it; answers its length.
fn store_name(cx: &Cx<'_>, text: &[u16], name: UserPtr<UnicodeString>) -> User {
    let to = name.read(cx.k)?;
    let room = usize::from(to.maximum_length / 2).checked_sub(1).ok_or(Failed::with(error::INSUFFICIENT_BUFFER))?;
    let cut = &text[..text.len().min(room)];
    let mut bytes = cut.as_bytes().to_vec();
    bytes.extend_from_slice(&[0; 2]);
    cx.k.write_user(to.buffer, &bytes)?;
    Ok(cut.len() as u64)
}

/// NtUserGetClassName: a window's class.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn name(cx: &Cx<'_>, window: u64, _real: u32, name: UserPtr<UnicodeString>) -> User {
    if name.read(cx.k)?.maximum_length <= 2 {
        return Err(Failed::with(error::INSUFFICIENT_BUFFER));
    }
    let record = cx.window(window)?.record;
    let bytes = cx.windows()?.window_bytes(record, crate::shm::user::window::field::CLASS_NAME);
    store_name(cx, &units(&bytes), name)
}

/// GetClassLong and its kin: `size` bytes at an offset.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub(super) fn long(cx: &Cx<'_>, window: u64, offset: i32, size: usize, ansi: bool) -> User {
    let number = of_window(cx, window)?;
    let found = cx.k.user.classes.with(
        |held| held.number == number,
        |held| {
            if let Ok(at) = usize::try_from(offset) {
                let bytes = at.checked_add(size).and_then(|end| held.extra.get(at..end));
                return bytes.map(little).ok_or(error::INVALID_INDEX);
            }
            let info = held.shown();
            Ok(match offset {
                at::MENU_NAME => held.menu[usize::from(!ansi)],
                at::BACKGROUND => info.background,
                at::CURSOR => info.cursor,
                at::ICON => info.icon,
                at::MODULE => info.instance,
                at::WINDOW_EXTRA => info.window_extra as u64,
                at::CLASS_EXTRA => info.class_extra as u64,
                at::PROCEDURE => info.procedure,
                at::STYLE => info.style.into(),
                at::ATOM => held.atom.into(),
                at::SMALL_ICON => info.small_icon,
                _ => return Err(error::INVALID_INDEX),
            })
        },
    );
    let value = found.unwrap_or(Err(error::INVALID_HANDLE)).map_err(Failed::with)?;
    let value = if offset == at::PROCEDURE { cx.k.user.procedures.shown(value, ansi) } else { value };
    Ok(cut(value, size))
}

fn of_window(cx: &Cx<'_>, window: u64) -> User<u32> {
    let found = cx.window(window)?;
    if !found.is_ours(cx) {
        return Err(Failed::with(error::ACCESS_DENIED));
    }
    Ok(cx.windows()?.get(found.record + crate::shm::user::window::field::CLASS))
}

/// The UTF-16 that some bytes are.
pub(super) fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// The number that some bytes are.
pub(super) fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// As many bytes of a number.
pub(super) fn cut(value: u64, size: usize) -> u64 {
    if size >= 8 { value } else { value & ((1 << (8 * size)) - 1) }
}

fn set(cx: &Cx<'_>, window: u64, offset: i32, value: u64, size: usize, ansi: bool) -> User {
    let number = of_window(cx, window)?;
    let handle = if offset == at::PROCEDURE { cx.k.user.procedures.handle(value, ansi) } else { 0 };
    // What the menu's name was goes back to user32 where the new one came from.
    let menu = if offset == at::MENU_NAME { Some(UserPtr::<[u64; 3]>::new(value).read(cx.k)?) } else { None };
    let mut before_menu = None;
    let found = cx.k.user.classes.with(
        |held| held.number == number,
        |held| {
            if let Ok(at) = usize::try_from(offset) {
                let bytes = at.checked_add(size).and_then(|end| held.extra.get_mut(at..end));
                let bytes = bytes.ok_or(error::INVALID_INDEX)?;
                let before = little(bytes);
                bytes.copy_from_slice(&value.to_le_bytes()[..size]);
                return Ok(before);
            }
            let info = &mut held.info;
            let field = match offset {
                at::MENU_NAME => {
                    before_menu = Some(core::mem::replace(&mut held.menu, menu.unwrap_or_default()));
                    return Ok(0);
                }
                at::STYLE => return Ok(core::mem::replace(&mut info.style, value as u32).into()),
                at::WINDOW_EXTRA => {
                    let new = i32::try_from(value).ok().filter(|new| (0..=MOST_EXTRA).contains(new));
                    let new = new.ok_or(error::INVALID_PARAMETER)?;
                    return Ok(core::mem::replace(&mut info.window_extra, new) as u64);
                }
                at::ATOM => return Ok(core::mem::replace(&mut held.atom, value as u16).into()),
                at::CLASS_EXTRA => return Err(error::INVALID_PARAMETER),
                at::PROCEDURE => return Ok(core::mem::replace(&mut info.procedure, handle)),
                at::BACKGROUND => &mut info.background,
                at::CURSOR => &mut info.cursor,
                at::ICON => &mut info.icon,
                at::MODULE => &mut info.instance,
                at::SMALL_ICON => &mut info.small_icon,
                _ => return Err(error::INVALID_INDEX),
            };
            Ok(core::mem::replace(field, value))
        },
    );
    let before = found.unwrap_or(Err(error::INVALID_HANDLE)).map_err(Failed::with)?;
    if matches!(offset, at::ICON | at::SMALL_ICON) {
        class_icon::renew(cx, number);
    }
    if let Some(menu) = before_menu {
        UserPtr::new(value).write(cx.k, menu)?;
    }
    let before = if offset == at::PROCEDURE { cx.k.user.procedures.shown(before, ansi) } else { before };
    Ok(cut(before, size))
}

/// NtUserSetClassLong: what was there.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_long(cx: &Cx<'_>, window: u64, offset: u32, value: u32, ansi: u32) -> User {
    // As a number with a sign: addresses and handles come so.
    set(cx, window, offset as i32, i64::from(value as i32) as u64, 4, ansi != 0)
}

/// NtUserSetClassLongPtr.
///
/// # Errors
/// As [`set_long`].
pub fn set_long_ptr(cx: &Cx<'_>, window: u64, offset: u32, value: u64, ansi: u32) -> User {
    set(cx, window, offset as i32, value, 8, ansi != 0)
}

/// NtUserSetClassWord.
///
/// # Errors
/// As [`set_long`].
pub fn set_word(cx: &Cx<'_>, window: u64, offset: u32, value: u32) -> User {
    let offset = offset as i32;
    let size = if offset < 0 { 4 } else { 2 };
    set(cx, window, offset, u64::from(value & 0xffff), size, true)
}

/// CS_* of a window's class.
pub(super) fn style_of(cx: &Cx<'_>, window: &super::session::Window) -> u32 {
    long(cx, window.handle.into(), at::STYLE, 4, false).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(all: &Classes, atom: u16, instance: u64, local: bool) -> Result<(), u32> {
        all.add((atom, 3), local, ClassInfo { instance, ..ClassInfo::default() }, [0; 3]).map(drop)
    }

    #[test]
    fn classes_belong_to_modules_or_to_all() {
        assert_eq!(size_of::<ClassInfo>(), SIZE as usize);
        let all = Classes::default();
        assert_eq!(add(&all, 0xc001, 0x1_0000, true), Ok(()));
        assert_eq!(add(&all, 0xc001, 0x1_0004, true), Err(error::CLASS_ALREADY_EXISTS), "the same module");
        assert_eq!(add(&all, 0xc001, 0x2_0000, true), Ok(()));
        assert_eq!(add(&all, 0xc001, 0x3_0000, false), Ok(()));
        assert_eq!(all.get(0xc001, 0x2_0000).map(|(info, _)| info.instance), Some(0x2_0000), "its own comes first");
        assert_eq!(all.get(0xc001, 0x9_0000).map(|(info, _)| info.instance), Some(0x3_0000), "the one for all");
        assert!(all.get(0xc002, 0).is_none());
        let local = |class: Class| class.local;
        assert_eq!(all.take(0xc001, 0x1_0000).map(local), Ok(true));
        assert_eq!(all.take(0xc001, 0x1_0000).map(local), Ok(false));
        assert_eq!(all.take(0xc001, 0x1_0000).map(local), Err(error::CLASS_DOES_NOT_EXIST));
    }

    #[test]
    fn a_class_with_windows_stays() {
        let all = Classes::default();
        assert_eq!(add(&all, 0xc001, 0x1_0000, true), Ok(()));
        let pattern = all.use_for_window(0xc001, 0x1_0000).unwrap();
        assert_eq!(pattern.version, 3);
        assert_eq!(all.take(0xc001, 0x1_0000).map(drop), Err(error::CLASS_HAS_WINDOWS));
        all.window_gone(pattern.number);
        assert!(all.take(0xc001, 0x1_0000).is_ok());
    }

    #[test]
    fn numbers_of_any_size_are_read_as_they_lie() {
        assert_eq!(little(&[0x34, 0x12]), 0x1234);
        assert_eq!([cut(0x1_2345_6789, 4), cut(0x1_2345_6789, 2), cut(u64::MAX, 8)], [0x2345_6789, 0x6789, u64::MAX]);
    }
}
