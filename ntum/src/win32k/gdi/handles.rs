//! Handles of GDI objects, and the table of them that gdi32 looks at.
//!
//! The kernel's own table is the one that counts. What gdi32 sees (PEB.GdiSharedHandleTable, `GDI_SHARED_MEMORY` of Wine 10's
//! `include/ntgdi.h`) is written from it and never read back: a guest that writes there confuses itself alone.

use super::bitmap::Bitmap;
use super::brush::Brush;
use super::dc::Dc;
use super::font::Font;
use super::palette::Palette;
use super::pen::Pen;
use super::region::Region;
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::ps::layout::peb;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
use zerocopy::{Immutable, IntoBytes};

/// Kinds of objects as handles name them (NTGDI_OBJ_*, shifted).
pub mod kind {
    /// Device context of the display.
    pub const DC: u8 = 0x01;
    /// Region.
    pub const REGION: u8 = 0x04;
    /// Palette.
    pub const PALETTE: u8 = 0x08;
    /// Bitmap.
    pub const BITMAP: u8 = 0x09;
    /// Font.
    pub const FONT: u8 = 0x0a;
    /// Brush.
    pub const BRUSH: u8 = 0x10;
    /// Device context of an enhanced metafile.
    pub const ENHANCED_METAFILE_DC: u8 = 0x21;
    /// Pen.
    pub const PEN: u8 = 0x30;
    /// Device context in memory.
    pub const MEMORY_DC: u8 = 0x41;
    /// Pen of ExtCreatePen.
    pub const EXTENDED_PEN: u8 = 0x50;
}

/// Handles there can be.
const MOST: usize = 0x1_0000;
/// The first index that is used; stock objects have the first ones.
pub const FIRST: usize = 32;
/// Bytes of GDI_HANDLE_ENTRY.
const ENTRY: u64 = 24;

/// An object.
#[derive(Clone)]
pub enum Object {
    /// Device context.
    Dc(Arc<Dc>),
    /// Bitmap or DIB section.
    Bitmap(Arc<Bitmap>),
    /// Brush.
    Brush(Arc<Brush>),
    /// Pen.
    Pen(Arc<Pen>),
    /// Font.
    Font(Arc<Font>),
    /// Region.
    Region(Arc<Mutex<Region>>),
    /// Palette.
    Palette(Arc<Palette>),
    /// What gdi32 keeps by itself, such as metafiles.
    Client,
}

struct Slot {
    object: Option<Object>,
    /// Generation, whether it is a stock object, kind: the upper half of the handle.
    unique: u16,
    /// In how many DCs it is selected.
    selected: u32,
    /// Whether it goes when it is selected nowhere.
    doomed: bool,
    /// Whether it is held by the clipboard: who deletes it is told that it is gone.
    held: bool,
}

/// GDI_HANDLE_ENTRY, without the last field, which is gdi32's.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Shared {
    object: u64,
    process: u16,
    lock: u16,
    unique: u16,
    kind: u8,
    flags: u8,
}

#[derive(Default)]
struct Table {
    slots: Vec<Slot>,
    free: Vec<u16>,
}

/// The table of a process.
#[derive(Default)]
pub struct Handles {
    table: Mutex<Table>,
    shared: OnceLock<u64>,
}

/// Bit of `unique` that stock objects have.
const STOCK: u16 = 0x80;

impl Table {
    /// The index of a handle; one without its upper half means whatever is there.
    fn index(&self, handle: u32) -> Option<usize> {
        let index = (handle & 0xffff) as usize;
        let slot = self.slots.get(index.checked_sub(FIRST)?)?;
        slot.object.as_ref()?;
        (handle >> 16 == 0 || handle >> 16 == u32::from(slot.unique)).then_some(index - FIRST)
    }
}

impl Handles {
    /// Makes the table that gdi32 looks at, once.
    ///
    /// # Errors
    /// `STATUS_NO_MEMORY`.
    pub fn share(&self, k: &Kernel) -> Nt<bool> {
        let size = MOST as u64 * ENTRY;
        let at = k.mm.allocate(k, &Request::commit(size))?.start;
        if self.shared.set(at).is_err() {
            k.mm.release(k, at)?;
            return Ok(false);
        }
        UserPtr::new(k.ps.peb() + peb::GDI_SHARED_HANDLE_TABLE).write(k, at)?;
        Ok(true)
    }

    /// Whether there is a table.
    pub fn is_shared(&self) -> bool {
        self.shared.get().is_some()
    }

    fn tell(&self, k: &Kernel, index: usize, slot: &Slot) {
        let Some(table) = self.shared.get() else { return };
        let kind = if slot.object.is_some() { slot.unique as u8 & 0x1f } else { 0 };
        let process = k.ps.id() as u16;
        // Programs look whether there is an address, and nowhere else.
        let object = 1 << 32 | (index + FIRST) as u64;
        let entry = Shared { object, process, lock: 0, unique: slot.unique, kind, flags: 0 };
        // A guest that unmapped the table does without.
        let _ = k.write_user(table + (index + FIRST) as u64 * ENTRY, entry.as_bytes());
    }

    /// Gives an object a handle; 0 if there is no room.
    pub fn add(&self, k: &Kernel, kind: u8, object: Object) -> u32 {
        self.add_with(k, kind, |_| object)
    }

    /// As [`Handles::add`], for an object that knows its handle.
    pub fn add_with(&self, k: &Kernel, kind: u8, object: impl FnOnce(u32) -> Object) -> u32 {
        let mut table = self.table.lock();
        let index = match table.free.pop() {
            Some(index) => index.into(),
            None if table.slots.len() < MOST - FIRST => {
                table.slots.push(Slot { object: None, unique: 0, selected: 0, doomed: false, held: false });
                table.slots.len() - 1
            }
            None => return 0,
        };
        let Some(slot) = table.slots.get_mut(index) else { return 0 };
        let generation = slot.unique >> 8;
        let generation = if generation >= 0x7f { 1 } else { generation + 1 };
        slot.unique = generation << 8 | u16::from(kind);
        let handle = u32::from(slot.unique) << 16 | (index + FIRST) as u32;
        slot.object = Some(object(handle));
        (slot.selected, slot.doomed, slot.held) = (0, false, false);
        self.tell(k, index, slot);
        handle
    }

    /// As [`Handles::add`], for an object of the system's: it is never deleted.
    pub fn add_system(&self, k: &Kernel, kind: u8, object: Object) -> u32 {
        let handle = self.add(k, kind, object);
        let mut table = self.table.lock();
        let Some(index) = table.index(handle) else { return 0 };
        let Some(slot) = table.slots.get_mut(index) else { return 0 };
        slot.unique |= STOCK;
        let handle = u32::from(slot.unique) << 16 | (index + FIRST) as u32;
        self.tell(k, index, slot);
        handle
    }

    /// Says that all objects made so far are the system's: they are never deleted.
    pub fn make_stock(&self, k: &Kernel) {
        let mut table = self.table.lock();
        for (index, slot) in table.slots.iter_mut().enumerate() {
            slot.unique |= STOCK;
            self.tell(k, index, slot);
        }
    }

    /// The handle of a stock object.
    pub fn stock(&self, number: usize) -> u32 {
        let table = self.table.lock();
        table.slots.get(number).map_or(0, |slot| u32::from(slot.unique) << 16 | (number + FIRST) as u32)
    }

    /// The object of a handle.
    pub fn get(&self, handle: u32) -> Option<Object> {
        let table = self.table.lock();
        table.slots.get(table.index(handle)?)?.object.clone()
    }

    /// Whether a whole handle is that of a stock object: those are never deleted.
    pub fn is_stock(handle: u32, number: usize) -> bool {
        (handle & 0xffff) as usize == number + FIRST
    }

    /// An object is selected in a device context instead of another, by `put`, which is given it with its whole handle and answers
    /// that of the other, as this does then; 0 where there is no such object, or `put` does not take it. What was to be deleted
    /// once it is selected nowhere is.
    pub fn exchange(&self, k: &Kernel, handle: u32, put: impl FnOnce(u32, &Object) -> Option<u32>) -> u32 {
        let mut table = self.table.lock();
        let Some(index) = table.index(handle) else { return 0 };
        let Some(slot) = table.slots.get_mut(index) else { return 0 };
        let whole = u32::from(slot.unique) << 16 | (index + FIRST) as u32;
        let Some(before) = slot.object.as_ref().and_then(|object| put(whole, object)) else { return 0 };
        if before == whole {
            return before;
        }
        slot.selected += 1;
        let index = table.index(before);
        if let Some(slot) = index.and_then(|index| table.slots.get_mut(index)) {
            slot.selected = slot.selected.saturating_sub(1);
            if slot.selected == 0 && slot.doomed {
                drop(table);
                self.remove(k, before);
            }
        }
        before
    }

    /// The whole handle of one that may have its lower half only; 0 if it is none.
    pub fn full(&self, handle: u32) -> u32 {
        let table = self.table.lock();
        let slot = table.index(handle).and_then(|index| table.slots.get(index).map(|slot| (index, slot.unique)));
        slot.map_or(0, |(index, unique)| u32::from(unique) << 16 | (index + FIRST) as u32)
    }

    /// The kind of a handle's object.
    pub fn kind(&self, handle: u32) -> Option<u8> {
        let table = self.table.lock();
        Some(table.slots.get(table.index(handle)?)?.unique as u8 & 0x7f)
    }

    /// In how many DCs an object is selected.
    pub fn selected(&self, handle: u32) -> u32 {
        let table = self.table.lock();
        table.index(handle).and_then(|index| table.slots.get(index)).map_or(0, |slot| slot.selected)
    }

    /// Notes that an object is selected in one DC more.
    pub fn select(&self, handle: u32) {
        let mut table = self.table.lock();
        if let Some(index) = table.index(handle)
            && let Some(slot) = table.slots.get_mut(index)
        {
            slot.selected += 1;
        }
    }

    /// Notes that an object is selected in one DC less; what was to be deleted by then is.
    pub fn deselect(&self, k: &Kernel, handle: u32) {
        let mut table = self.table.lock();
        let Some(index) = table.index(handle) else { return };
        let Some(slot) = table.slots.get_mut(index) else { return };
        slot.selected = slot.selected.saturating_sub(1);
        if slot.selected == 0 && slot.doomed {
            drop(table);
            self.remove(k, handle);
        }
    }

    /// Takes an object out of the table.
    pub fn take(&self, k: &Kernel, handle: u32) -> Option<Object> {
        let mut table = self.table.lock();
        let index = table.index(handle)?;
        let slot = table.slots.get_mut(index)?;
        let object = slot.object.take();
        self.tell(k, index, slot);
        table.free.push(index as u16);
        object
    }

    fn remove(&self, k: &Kernel, handle: u32) -> bool {
        match self.take(k, handle) {
            Some(Object::Bitmap(bitmap)) => bitmap.release(k),
            Some(_) => {}
            None => return false,
        }
        true
    }

    /// The clipboard holds an object from now on, or lets it go.
    pub fn hold(&self, handle: u32, held: bool) {
        let mut table = self.table.lock();
        let index = table.index(handle);
        if let Some(slot) = index.and_then(|index| table.slots.get_mut(index)) {
            slot.held = held;
        }
    }

    /// Packs the bitmaps that are selected nowhere.
    pub fn fold(&self) {
        let idle = |slot: &Slot| match &slot.object {
            Some(Object::Bitmap(bitmap)) if slot.selected == 0 => Some(bitmap.clone()),
            _ => None,
        };
        let bitmaps: Vec<_> = self.table.lock().slots.iter().filter_map(idle).collect();
        bitmaps.iter().for_each(|bitmap| bitmap.surface.fold());
    }

    /// NtGdiDeleteObjectApp for everything but device contexts: what is selected goes later, stock objects never.
    pub fn delete(&self, k: &Kernel, handle: u32) -> bool {
        let mut table = self.table.lock();
        let Some(index) = table.index(handle) else { return false };
        let Some(slot) = table.slots.get_mut(index) else { return false };
        if slot.unique & STOCK != 0 || slot.held {
            return true;
        }
        if slot.selected != 0 {
            slot.doomed = true;
            return true;
        }
        drop(table);
        self.remove(k, handle)
    }
}

macro_rules! typed {
    ($($(#[$doc:meta])* $name:ident: $kind:ident, $of:ty;)*) => {
        impl Handles {
            $($(#[$doc])*
            pub fn $name(&self, handle: u32) -> Option<$of> {
                match self.get(handle)? {
                    Object::$kind(object) => Some(object),
                    _ => None,
                }
            })*
        }
    };
}

typed! {
    /// The device context of a handle.
    dc: Dc, Arc<Dc>;
    /// The bitmap of a handle.
    bitmap: Bitmap, Arc<Bitmap>;
    /// The brush of a handle.
    brush: Brush, Arc<Brush>;
    /// The pen of a handle.
    pen: Pen, Arc<Pen>;
    /// The font of a handle.
    font: Font, Arc<Font>;
    /// The region of a handle.
    region: Region, Arc<Mutex<Region>>;
    /// The palette of a handle.
    palette: Palette, Arc<Palette>;
}

impl Handles {
    /// Stores the address that gdi32 keeps for an object (the entry's UserPointer).
    pub fn tell_client(&self, k: &Kernel, handle: u32, address: u64) {
        if let Some(table) = self.shared.get() {
            let _ = UserPtr::new(table + u64::from(handle & 0xffff) * ENTRY + 16).write(k, address);
        }
    }
}
