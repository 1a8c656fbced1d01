//! Window classes of the process.
//!
//! Many DLLs register one when they are loaded and do not load without it, long before anybody asks for a window.

use super::{FALSE, TRUE, error, fail};
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ps::layout::peb;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;
use parking_lot::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

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

struct Class {
    atom: u16,
    local: bool,
    info: ClassInfo,
    /// The menu's name as user32 keeps it: three addresses.
    menu: [u64; 3],
}

/// Classes in the order in which they are looked at: a module's own come first.
#[derive(Default)]
pub struct Classes(Mutex<Vec<Class>>);

impl Class {
    /// Whether a module that asks for the class means this one; who names no module means any.
    fn is_of(&self, atom: u16, instance: u64) -> bool {
        let module = |instance: u64| instance & !0xffff;
        self.atom == atom && (instance == 0 || !self.local || module(self.info.instance) == module(instance))
    }
}

impl Classes {
    /// Keeps a class.
    ///
    /// # Errors
    /// The Win32 code.
    fn add(&self, class: Class) -> Result<(), u32> {
        let mut all = self.0.lock();
        let same = all.iter().find(|held| held.is_of(class.atom, class.info.instance));
        if same.is_some_and(|held| held.local == class.local) {
            return Err(error::CLASS_ALREADY_EXISTS);
        }
        if all.len() >= MOST {
            return Err(error::NOT_ENOUGH_QUOTA);
        }
        let place = if class.local { 0 } else { all.len() };
        all.insert(place, class);
        Ok(())
    }

    fn take(&self, atom: u16, instance: u64) -> Option<Class> {
        let mut all = self.0.lock();
        let place = all.iter().position(|held| held.is_of(atom, instance))?;
        Some(all.remove(place))
    }

    fn get(&self, atom: u16, instance: u64) -> Option<(ClassInfo, [u64; 3])> {
        self.0.lock().iter().find(|held| held.is_of(atom, instance)).map(|held| (held.info, held.menu))
    }
}

/// A class's name: its number where the address should be, `#` and a number in digits, or a text.
enum Name {
    Atom(u16),
    Text(Vec<u16>),
}

fn name_of(k: &Kernel, name: UserPtr<UnicodeString>) -> Nt<Name> {
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
fn known(k: &Kernel, name: UserPtr<UnicodeString>) -> Nt<u16> {
    Ok(match name_of(k, name)? {
        Name::Atom(atom) => atom,
        Name::Text(text) => k.ex.atoms.find(&text).unwrap_or(0),
    })
}

/// NtUserRegisterClassExWOW: the class's number. `version` and `wow` say nothing that is needed here.
///
/// # Errors
/// None; the answer is 0, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn register(
    cx: &Cx<'_>,
    class: UserPtr<ClassInfo>,
    name: UserPtr<UnicodeString>,
    _version: UserPtr<UnicodeString>,
    menu: UserPtr<[u64; 3]>,
    builtin: u32,
    _flags: u32,
    _wow: u64,
) -> Nt {
    let read = || -> Nt<_> {
        let menu = if menu.address() == 0 { [0; 3] } else { menu.read(cx.k)? };
        Ok((class.read(cx.k)?, name_of(cx.k, name)?, menu))
    };
    let Ok((mut info, name, menu)) = read() else { return fail(cx, FALSE, error::NOACCESS) };
    let extra = 0..=MOST_EXTRA;
    if info.size != SIZE || !extra.contains(&info.class_extra) || !extra.contains(&info.window_extra) {
        return fail(cx, FALSE, error::INVALID_PARAMETER);
    }
    if info.instance == 0 {
        info.instance = UserPtr::<u64>::new(cx.k.ps.peb() + peb::IMAGE_BASE).read(cx.k)?;
    }
    let named = matches!(name, Name::Text(_));
    let atom = match name {
        Name::Atom(atom) => Ok(atom),
        Name::Text(text) => cx.k.ex.atoms.add(&text),
    };
    let Ok(atom @ 1..) = atom else { return fail(cx, FALSE, error::INVALID_PARAMETER) };
    let local = builtin == 0 && info.style & GLOBAL == 0;
    match cx.k.classes.add(Class { atom, local, info, menu }) {
        Ok(()) => Ok(Status(atom.into())),
        Err(code) => {
            if named {
                let _ = cx.k.ex.atoms.delete(atom);
            }
            fail(cx, FALSE, code)
        }
    }
}

/// NtUserUnregisterClass: gives back the menu's name, which is user32's to free.
///
/// # Errors
/// None; the answer is FALSE, and the last error says why.
pub fn unregister(cx: &Cx<'_>, name: UserPtr<UnicodeString>, instance: u64, menu: UserPtr<[u64; 3]>) -> Nt {
    let Ok(atom) = known(cx.k, name) else { return fail(cx, FALSE, error::NOACCESS) };
    let Some(class) = cx.k.classes.take(atom, instance) else {
        return fail(cx, FALSE, error::CLASS_DOES_NOT_EXIST);
    };
    // A number below 0xc000 names itself and is no name's.
    let _ = cx.k.ex.atoms.delete(atom);
    if menu.write(cx.k, class.menu).is_err() {
        return fail(cx, FALSE, error::NOACCESS);
    }
    Ok(TRUE)
}

/// NtUserGetClassInfoEx: the class's number; what it is like, where there is room for it.
///
/// # Errors
/// None; the answer is 0, and the last error says why.
pub fn info(
    cx: &Cx<'_>,
    instance: u64,
    name: UserPtr<UnicodeString>,
    class: UserPtr<ClassInfo>,
    menu: UserPtr<[u64; 3]>,
    ansi: u32,
) -> Nt {
    let Ok(atom) = known(cx.k, name) else { return fail(cx, FALSE, error::NOACCESS) };
    let Some((held, names)) = cx.k.classes.get(atom, instance) else {
        return fail(cx, FALSE, error::CLASS_DOES_NOT_EXIST);
    };
    let write = || -> Nt<()> {
        if class.address() != 0 {
            // The size stays what the caller wrote; the name is the one that was asked for.
            let size = class.read(cx.k)?.size;
            let menu = if ansi != 0 { names[0] } else { names[1] };
            let name = name.read(cx.k)?.buffer;
            class.write(cx.k, ClassInfo { size, instance, menu, name, ..held })?;
        }
        if menu.address() != 0 {
            menu.write(cx.k, names)?;
        }
        Ok(())
    };
    if write().is_err() {
        return fail(cx, FALSE, error::NOACCESS);
    }
    Ok(Status(atom.into()))
}

/// NtUserCreateWindowEx: there are no windows. Callers such as combase's apartments take the last error for the answer, so that
/// it has to be one.
///
/// # Errors
/// None; the answer is no window, and the last error says why.
pub fn no_window(cx: &Cx<'_>, _extended_style: u32, _name: UserPtr<UnicodeString>) -> Nt {
    fail(cx, FALSE, error::CALL_NOT_IMPLEMENTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(atom: u16, instance: u64, local: bool) -> Class {
        Class { atom, local, info: ClassInfo { instance, ..ClassInfo::default() }, menu: [0; 3] }
    }

    #[test]
    fn classes_belong_to_modules_or_to_all() {
        assert_eq!(size_of::<ClassInfo>(), SIZE as usize);
        let all = Classes::default();
        assert_eq!(all.add(class(0xc001, 0x1_0000, true)), Ok(()));
        assert_eq!(all.add(class(0xc001, 0x1_0004, true)), Err(error::CLASS_ALREADY_EXISTS), "the same module");
        assert_eq!(all.add(class(0xc001, 0x2_0000, true)), Ok(()));
        assert_eq!(all.add(class(0xc001, 0x3_0000, false)), Ok(()));
        assert_eq!(all.get(0xc001, 0x2_0000).map(|(info, _)| info.instance), Some(0x2_0000), "its own comes first");
        assert_eq!(all.get(0xc001, 0x9_0000).map(|(info, _)| info.instance), Some(0x3_0000), "the one for all");
        assert!(all.get(0xc002, 0).is_none());
        assert_eq!(all.take(0xc001, 0x1_0000).map(|class| class.local), Some(true));
        assert_eq!(all.take(0xc001, 0x1_0000).map(|class| class.local), Some(false));
        assert!(all.take(0xc001, 0x1_0000).is_none());
    }
}
