//! The name space: directories, symbolic links, and the walk along a path.

use super::handle::Handle;
use super::object::{Body, Name, Object, Ref};
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::nls::fold::{fold, upcase};
use crate::status::*;
use crate::types::{OBJ_OPENIF, OBJ_OPENLINK, OBJ_PERMANENT, ObjectAttributes, ObjectAttributesRaw, wide};
use crate::um::UserPtr;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A name as it was given, and what it names.
type Named = (Vec<u16>, Ref);

/// A directory of objects.
#[derive(Default)]
pub struct Directory {
    /// By folded name: several names may differ in case only.
    entries: RwLock<BTreeMap<Vec<u16>, Vec<Named>>>,
    /// Where names are looked up that this directory lacks.
    shadow: Option<Ref>,
}

/// A symbolic link: a path that a walk goes on with.
pub struct SymbolicLink {
    /// The path.
    pub target: RwLock<Vec<u16>>,
}

const BACKSLASH: u16 = b'\\' as u16;

/// Counts what changes in any directory: while it stands still a walk leads where it led before.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Where the last walk along a drive's letter led: `\??\C:` and its device, as most names of files begin.
#[derive(Default)]
pub struct Drive(RwLock<Option<(u64, [u16; DRIVE], Ref)>>);

/// Units of `\??\C:`.
const DRIVE: usize = 6;

impl Drive {
    /// The device and the rest of the path.
    fn get(&self, path: &[u16]) -> Option<Found> {
        let (drive, rest) = path.split_first_chunk::<DRIVE>().filter(|(_, rest)| rest.first() == Some(&BACKSLASH))?;
        let held = self.0.read();
        let (at, held, device) = held.as_ref()?;
        (held == drive && *at == CHANGES.load(Ordering::Acquire)).then(|| Found::Rest(device.clone(), rest.to_vec()))
    }

    /// Notes where a walk that began after so many changes led.
    fn put(&self, at: u64, path: &[u16], found: &Found) {
        if let Found::Rest(device, tail) = found
            && let Some((drive, rest)) = path.split_first_chunk::<DRIVE>()
            && drive[DRIVE - 1] == u16::from(b':')
            && rest.first() == Some(&BACKSLASH)
            && tail == rest
        {
            *self.0.write() = Some((at, *drive, device.clone()));
        }
    }
}
/// Links that one walk follows at most.
const MAX_LINKS: usize = 32;

impl Directory {
    /// A directory with a shadow.
    pub fn with_shadow(shadow: Option<Ref>) -> Directory {
        Directory { entries: RwLock::default(), shadow }
    }

    /// The entry of that name.
    pub fn get(&self, name: &[u16], ignore_case: bool) -> Option<Ref> {
        let own = || {
            // Short names, which most are, are folded on the stack.
            let (mut short, long);
            let folded = match name.len() {
                0..=32 => {
                    short = [0; 32];
                    short.iter_mut().zip(name).for_each(|(to, unit)| *to = upcase(*unit));
                    &short[..name.len()]
                }
                _ => {
                    long = fold(name);
                    &long[..]
                }
            };
            let entries = self.entries.read();
            // Of several that differ in letter case the newest counts.
            let mut same = entries.get(folded)?.iter().rev();
            same.find(|(held, _)| ignore_case || held == name).map(|(_, object)| object.clone())
        };
        // A shadow is a directory that was there before: this ends.
        own().or_else(|| self.shadow.as_ref()?.directory().ok()?.get(name, ignore_case))
    }

    /// Where names are looked up that it lacks.
    pub fn shadow(&self) -> Option<Ref> {
        self.shadow.clone()
    }

    /// Adds an entry that is not there yet.
    pub fn insert(&self, name: &[u16], object: Ref) {
        self.entries.write().entry(fold(name)).or_default().push((name.to_vec(), object));
        CHANGES.fetch_add(1, Ordering::AcqRel);
    }

    /// Removes the entry that is this object.
    pub fn remove(&self, name: &[u16], object: &Object) {
        let mut entries = self.entries.write();
        let key = fold(name);
        if let Some(same) = entries.get_mut(&key) {
            same.retain(|(_, held)| !core::ptr::eq(&**held, object));
            CHANGES.fetch_add(1, Ordering::AcqRel);
            if same.is_empty() {
                entries.remove(&key);
            }
        }
    }

    /// All entries, ordered by folded name.
    pub fn list(&self) -> Vec<(Vec<u16>, Ref)> {
        self.entries.read().values().flatten().cloned().collect()
    }
}

/// A new directory object.
pub fn new_directory() -> Ref {
    Object::new(Dispatcher::none(), Body::Directory(Directory::default()))
}

/// Puts an object into a directory under a name.
pub fn enter(directory: &Ref, name: &[u16], object: &Ref) -> Nt<()> {
    directory.directory()?.insert(name, object.clone());
    *object.name.lock() = Some(Name { directory: Arc::downgrade(directory), name: name.to_vec() });
    Ok(())
}

/// Makes the directories of a path that the kernel itself needs, all permanent; answers the last one.
pub fn make_path(root: &Ref, path: &str) -> Ref {
    let mut at = root.clone();
    for part in path.split('\\').filter(|part| !part.is_empty()) {
        let name = wide(part);
        let next = at.directory().ok().and_then(|d| d.get(&name, true));
        at = match next {
            Some(next) => next,
            None => {
                let made = new_directory();
                made.permanent.store(true, Ordering::Relaxed);
                let _ = enter(&at, &name, &made);
                made
            }
        };
    }
    at
}

/// Makes a permanent symbolic link at `path`.
pub fn make_link(root: &Ref, path: &str, target: &str) {
    let (parent, name) = path.rsplit_once('\\').unwrap_or(("", path));
    let link = Object::new(Dispatcher::none(), Body::SymbolicLink(SymbolicLink { target: RwLock::new(wide(target)) }));
    link.permanent.store(true, Ordering::Relaxed);
    let _ = enter(&make_path(root, parent), &wide(name), &link);
}

/// Where a walk ended.
pub enum Found {
    /// At this object.
    Object(Ref),
    /// At a device or key that takes the rest of the path itself (without a leading backslash).
    Rest(Ref, Vec<u16>),
    /// In this directory, which has no entry of that name: something can be made here.
    Missing(Ref, Vec<u16>),
}

/// Walks a path from the root directory, or from `start`, along what is the process's own.
///
/// # Errors
/// `STATUS_OBJECT_PATH_SYNTAX_BAD`, `_PATH_NOT_FOUND`, `_NAME_INVALID`, `_TYPE_MISMATCH`.
pub fn walk(root: &Ref, start: Option<Ref>, path: &[u16], ignore_case: bool, open_link: bool) -> Nt<Found> {
    walk_beyond(root, start, path, ignore_case, open_link, |_, _| Ok(None))
}

/// As [`walk`]; `beyond` finds directories and links that a directory here lacks.
fn walk_beyond(
    root: &Ref,
    start: Option<Ref>,
    path: &[u16],
    ignore_case: bool,
    open_link: bool,
    beyond: impl Fn(&Ref, &[u16]) -> Nt<Option<Ref>>,
) -> Nt<Found> {
    let mut rest = path;
    let mut at = match start {
        Some(start) => {
            if path.first() == Some(&BACKSLASH) {
                return Err(STATUS_OBJECT_PATH_SYNTAX_BAD);
            }
            // An empty path means the start itself, if that is a thing that names can start from, or a link.
            let names = matches!(
                start.body,
                Body::Directory(_) | Body::SymbolicLink(_) | Body::Device(_) | Body::Key(_) | Body::File(_)
            );
            if path.is_empty() && !names {
                return Err(STATUS_OBJECT_TYPE_MISMATCH);
            }
            start
        }
        None => {
            if path.first() != Some(&BACKSLASH) {
                return Err(STATUS_OBJECT_PATH_SYNTAX_BAD);
            }
            rest = &path[1..];
            root.clone()
        }
    };
    let mut links = 0;
    let mut buffer;
    loop {
        if rest.is_empty() {
            return Ok(match &at.body {
                Body::Device(_) => Found::Rest(at, Vec::new()),
                _ => Found::Object(at),
            });
        }
        let directory = match &at.body {
            Body::Directory(directory) => directory,
            Body::Device(_) | Body::Key(_) | Body::File(_) => return Ok(Found::Rest(at.clone(), rest.to_vec())),
            _ => return Err(STATUS_OBJECT_TYPE_MISMATCH),
        };
        let end = rest.iter().position(|unit| *unit == BACKSLASH);
        let name = &rest[..end.unwrap_or(rest.len())];
        let after = end.map_or(&[][..], |end| &rest[end + 1..]);
        let last = end.is_none();
        if name.is_empty() {
            return Err(STATUS_OBJECT_NAME_INVALID);
        }
        let next = match directory.get(name, ignore_case) {
            None => beyond(&at, name)?,
            found => found,
        };
        let Some(next) = next else {
            return if last {
                Ok(Found::Missing(at.clone(), name.to_vec()))
            } else {
                Err(STATUS_OBJECT_PATH_NOT_FOUND)
            };
        };
        if let Body::SymbolicLink(link) = &next.body
            && !(last && open_link)
        {
            links += 1;
            if links > MAX_LINKS {
                return Err(STATUS_INVALID_PARAMETER);
            }
            let mut whole = Vec::new();
            {
                let target = link.target.read();
                whole.reserve_exact(target.len() + 1 + after.len());
                whole.extend_from_slice(&target);
            }
            if !last {
                whole.push(BACKSLASH);
                whole.extend_from_slice(after);
            }
            buffer = whole;
            // An empty target is the root itself.
            rest = match buffer.split_first() {
                None => &[],
                Some((&BACKSLASH, rest)) => rest,
                Some(_) => return Err(STATUS_OBJECT_PATH_SYNTAX_BAD),
            };
            at = root.clone();
            continue;
        }
        if let Body::Device(_) = &next.body {
            // "C:" and "C:\" are different things to a file system: it sees the backslash.
            let mut tail = Vec::with_capacity(after.len() + 1);
            if !last {
                tail.push(BACKSLASH);
                tail.extend_from_slice(after);
            }
            return Ok(Found::Rest(next, tail));
        }
        if !last && after.is_empty() && !matches!(next.body, Body::Key(_)) {
            return Err(STATUS_OBJECT_NAME_INVALID);
        }
        at = next;
        rest = after;
    }
}

/// The object at a path, for the kernel's own use.
pub fn find(root: &Ref, path: &str) -> Option<Ref> {
    match walk(root, None, &wide(path), true, false).ok()? {
        Found::Object(object) => Some(object),
        Found::Rest(..) | Found::Missing(..) => None,
    }
}

impl Cx<'_> {
    /// Walks to what the attributes name.
    ///
    /// # Errors
    /// As [`walk`]; `STATUS_OBJECT_NAME_INVALID` or `STATUS_OBJECT_PATH_SYNTAX_BAD` without a name.
    pub fn walk(&self, attributes: &ObjectAttributes, open_link: bool) -> Nt<Found> {
        self.walk_cased(attributes, attributes.ignore_case(), open_link)
    }

    /// As [`Cx::walk`], to a file: on the way to a device letter case never counts.
    ///
    /// # Errors
    /// As [`Cx::walk`].
    pub fn walk_to_file(&self, attributes: &ObjectAttributes) -> Nt<Found> {
        let path = match (attributes.root, &attributes.name) {
            (Handle(0), Some(name)) => name,
            _ => return self.walk_cased(attributes, true, false),
        };
        if let Some(found) = self.k.ob.drive.get(path) {
            return Ok(found);
        }
        let at = CHANGES.load(Ordering::Acquire);
        let found = self.walk_cased(attributes, true, false)?;
        self.k.ob.drive.put(at, path, &found);
        Ok(found)
    }

    fn walk_cased(&self, attributes: &ObjectAttributes, ignore_case: bool, open_link: bool) -> Nt<Found> {
        let start = match attributes.root {
            Handle(0) => None,
            handle => Some(handle),
        };
        let Some(name) = attributes.name.as_deref() else {
            return Err(if start.is_some() { STATUS_OBJECT_NAME_INVALID } else { STATUS_OBJECT_PATH_SYNTAX_BAD });
        };
        let start = start.map(|handle| self.object(handle, 0)).transpose()?;
        walk_beyond(&self.k.ob.root, start, name, ignore_case, open_link, |directory, name| {
            self.k.shared_directory(directory, name, ignore_case)
        })
    }

    /// Opens an existing object by name, checks that `is` holds of it, and makes a handle.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_OBJECT_TYPE_MISMATCH`, `STATUS_ACCESS_DENIED`, and as [`walk`].
    pub fn open_named(&self, attributes: &ObjectAttributes, access: u32, is: fn(&Object) -> bool) -> Nt<Handle> {
        let open_link = attributes.attributes & OBJ_OPENLINK != 0;
        // Held so that the name cannot go, with the last handle, between the look-up and the new handle.
        let _guard = self.k.ob.naming.lock();
        match self.walk(attributes, open_link)? {
            Found::Object(object) if is(&object) => {
                let access = self.grant(&object, access)?;
                self.insert(object, access, attributes.attributes)
            }
            Found::Object(_) | Found::Rest(..) => Err(STATUS_OBJECT_TYPE_MISMATCH),
            Found::Missing(directory, name) => {
                match self.k.shared_name(&directory, &name, attributes.ignore_case(), None) {
                    Ok(Some((object, _))) if is(&object) => {
                        let access = self.grant(&object, access)?;
                        self.insert(object, access, attributes.attributes)
                    }
                    Ok(Some(_)) => Err(STATUS_OBJECT_TYPE_MISMATCH),
                    Ok(None) | Err(STATUS_NOT_SUPPORTED) => Err(STATUS_OBJECT_NAME_NOT_FOUND),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// A whole NtOpen… call for objects that have a name in the name space itself.
    ///
    /// # Errors
    /// As [`Cx::open_named`]; `STATUS_INVALID_PARAMETER` without attributes.
    pub fn open(
        &self,
        handle: UserPtr<Handle>,
        access: u32,
        attributes: UserPtr<ObjectAttributesRaw>,
        is: fn(&Object) -> bool,
    ) -> Nt {
        handle.write(self.k, Handle(0))?;
        let attributes = attributes.load_to_open(self.k)?;
        let opened = self.open_named(&attributes, access, is)?;
        self.give(handle, opened, STATUS_SUCCESS)
    }

    /// Gives a new object the security descriptor that its maker wants; what that lacks comes from the maker's token.
    fn secure(&self, attributes: &ObjectAttributes, object: &Object) -> Nt<()> {
        *object.security.lock() = self.first_security(attributes.security, object.kind())?;
        Ok(())
    }

    /// Makes a handle to a new object, entered under its name if it has one; with `OBJ_OPENIF` an object of the same type
    /// and name is opened instead, and the status says so.
    ///
    /// # Errors
    /// `STATUS_OBJECT_NAME_COLLISION`, `STATUS_OBJECT_TYPE_MISMATCH`, and as [`walk`].
    pub fn create_named(&self, attributes: &ObjectAttributes, access: u32, object: Ref) -> Nt<(Handle, Status)> {
        if attributes.attributes & OBJ_PERMANENT != 0 {
            object.permanent.store(true, Ordering::Relaxed);
        }
        match &attributes.name {
            None if attributes.root != Handle(0) => return Err(STATUS_OBJECT_NAME_INVALID),
            Some(name) if !name.is_empty() => {}
            _ => {
                self.secure(attributes, &object)?;
                return Ok((self.insert(object, access, attributes.attributes)?, STATUS_SUCCESS));
            }
        }
        self.secure(attributes, &object)?;
        // A new link takes the place of a link, not of what that leads to.
        let open_link = matches!(object.body, Body::SymbolicLink(_));
        // One at a time: between the look-up and the entry nobody else may take the name.
        let _guard = self.k.ob.naming.lock();
        let open_existing = |existing: Ref| {
            if existing.kind() != object.kind() {
                return Err(STATUS_OBJECT_TYPE_MISMATCH);
            }
            if attributes.attributes & OBJ_OPENIF == 0 {
                return Err(STATUS_OBJECT_NAME_COLLISION);
            }
            let access = self.grant(&existing, access)?;
            Ok((self.insert(existing, access, attributes.attributes)?, STATUS_OBJECT_NAME_EXISTS))
        };
        match self.walk(attributes, open_link)? {
            Found::Missing(directory, name) => {
                match self.k.shared_name(&directory, &name, attributes.ignore_case(), Some(&object)) {
                    Ok(Some((existing, true))) => return open_existing(existing),
                    Ok(_) => return Ok((self.insert(object.clone(), access, attributes.attributes)?, STATUS_SUCCESS)),
                    // It is the process's own.
                    Err(STATUS_NOT_SUPPORTED) => {}
                    Err(error) => return Err(error),
                }
                let made = self.insert(object.clone(), access, attributes.attributes)?;
                if let Err(error) = enter(&directory, &name, &object) {
                    let _ = self.k.ob.handles.remove(made);
                    return Err(error);
                }
                Ok((made, STATUS_SUCCESS))
            }
            Found::Object(existing) => open_existing(existing),
            // A device takes files only.
            Found::Rest(_, rest) if !rest.is_empty() => Err(STATUS_OBJECT_PATH_NOT_FOUND),
            Found::Rest(..) => Err(STATUS_OBJECT_TYPE_MISMATCH),
        }
    }
}
