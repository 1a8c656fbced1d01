//! Device contexts: what they hold, how they are made, saved and deleted.

use super::User;
use super::attr::{self, Attr, RIGHT_TO_LEFT};
use super::bitmap::Bitmap;
use super::brush::Brush;
use super::font::Font;
use super::format::{Format, swapped};
use super::handles::{Object, kind};
use super::palette::Palette;
use super::path::Path;
use super::pen::Pen;
use super::region::{Mode, Region};
use super::surface::Surface;
use super::text::Realization;
use super::{answer, done, error, failed, stock};
use crate::call::{Call, Cx};
use crate::kernel::Kernel;
use crate::status::*;
use crate::types::UnicodeString;
use crate::um::UserPtr;
use crate::win32k::geometry::{Point, Rect, Xform};
use crate::win32k::user::screen;
use core::cell::Cell;
use core::mem::offset_of;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// System calls about device contexts.
pub const CALLS: &[Call] = crate::calls! {
    NtGdiCreateCompatibleDC(dc: u32) => create_compatible, Done;
    NtGdiOpenDCW(device: UserPtr<UnicodeString>, mode: u64, output: u64, kind: u32, display: u32, spool: u64, driver: u64, device_data: u64) => open, Done;
    NtGdiSaveDC(dc: u32) => save, Done;
    NtGdiRestoreDC(dc: u32, level: i32) => restore, Done;
    NtGdiResetDC(dc: u32, mode: u64, banding: u64, driver: u64, device: u64) => reset_device, Done;
    NtGdiGetDCObject(dc: u32, kind: u32) => get_object, Done;
    NtGdiCancelDC(dc: u32) => cancel, Done;
    NtGdiFlush() => flush, Done;
};

/// What SaveDC keeps, beside the attributes.
pub struct State {
    /// The pen, with its handle.
    pub pen: (u32, Arc<Pen>),
    /// The brush.
    pub brush: (u32, Arc<Brush>),
    /// The font.
    pub font: (u32, Arc<Font>),
    /// The bitmap.
    pub bitmap: (u32, Arc<Bitmap>),
    /// The palette.
    pub palette: (u32, Arc<Palette>),
    /// What is drawn on; nothing: the display.
    pub surface: Option<Arc<Surface>>,
    /// Where the DC's first pixel lies on the surface.
    pub origin: Point,
    /// All of the device, as the DC counts.
    pub device: Rect,
    /// What is seen of a window.
    pub visible: Option<Region>,
    /// SelectClipRgn's region.
    pub clip: Option<Region>,
    /// SetMetaRgn's.
    pub meta: Option<Region>,
    /// All of these together.
    pub total: Option<Arc<Region>>,
    /// From the world to the window.
    pub world: Xform,
    /// From the world to the device.
    pub to_device: Xform,
    /// Back.
    pub to_world: Option<Xform>,
    /// What was drawn on, for GetBoundsRect.
    pub bounds: Rect,
    /// Whether that is kept.
    pub keep_bounds: bool,
    /// Space for each break of justified text, and what is left over.
    pub justification: (i32, i32),
    /// The font as it is drawn, once it was looked for.
    pub realized: Option<Realization>,
    /// The path, once it is whole.
    pub path: Option<Path>,
    /// The path that is recorded.
    pub recording: Option<Path>,
    /// Of SetColorAdjustment.
    pub color_adjustment: super::device::ColorAdjustment,
    /// Of SetPixelFormat; 0: none yet.
    pub pixel_format: i32,
    /// What a call draws on in the screen's place, until its end: see [`Work::target`].
    screen: Option<Box<screen::Drawn>>,
    saved: Vec<Saved>,
}

struct Saved {
    attr: Attr,
    pen: u32,
    brush: u32,
    font: u32,
    bitmap: u32,
    palette: u32,
    clip: Option<Region>,
    meta: Option<Region>,
    world: Xform,
    justification: (i32, i32),
    path: Option<Path>,
    recording: Option<Path>,
}

/// What a device context draws on.
pub enum Device {
    /// The display.
    Screen,
    /// A bitmap; for a printer, whose measures it has.
    Memory(Option<crate::win32k::print::mode::Printer>),
    /// A metafile, which gdi32 records: what the device that it is for is like, by index.
    Metafile(Vec<i32>),
    /// A printer, whose pages gdi32 records.
    Printer(Mutex<crate::win32k::print::mode::Printer>),
}

impl Device {
    fn kind(&self) -> u8 {
        match self {
            Device::Screen | Device::Printer(_) => kind::DC,
            Device::Memory(_) => kind::MEMORY_DC,
            Device::Metafile(_) => kind::ENHANCED_METAFILE_DC,
        }
    }
}

/// A device context.
pub struct Dc {
    /// Its handle.
    pub handle: u32,
    /// What it draws on.
    pub device: Device,
    /// Where its attributes lie.
    attributes: u64,
    /// The window that it shows, by handle, 0 for none; and which count of changes of windows it knows, plus one: 0 for none.
    window: AtomicU32,
    generation: AtomicU64,
    gone: AtomicBool,
    state: Mutex<State>,
}

impl Dc {
    /// Whether bitmaps can be selected.
    pub fn in_memory(&self) -> bool {
        matches!(self.device, Device::Memory(_))
    }

    /// The printer that it is for, as that is set now.
    pub fn printer(&self) -> Option<crate::win32k::print::mode::Printer> {
        match &self.device {
            Device::Printer(printer) => Some(printer.lock().clone()),
            Device::Memory(printer) => printer.clone(),
            Device::Screen | Device::Metafile(_) => None,
        }
    }

    /// It shows a window from now on, as that is seen at a count of changes ([`crate::shm::Shm::window_generation`]).
    pub fn watch(&self, window: u32, generation: u32) {
        self.window.store(window, Ordering::Release);
        self.generation.store(u64::from(generation) + 1, Ordering::Release);
    }

    /// Whether it was deleted. Who holds its state's lock, and is told that it was not, has it until the lock is given back.
    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// What it knows of its window is not so any more.
    pub fn stale(&self) {
        self.generation.store(0, Ordering::Release);
    }

    /// Whether it shows a window as that was, not as it is now.
    fn is_stale(&self, cx: &Cx<'_>) -> bool {
        self.window.load(Ordering::Acquire) != 0
            && cx
                .k
                .member()
                .is_ok_and(|(shm, _)| u64::from(shm.window_generation()) + 1 != self.generation.load(Ordering::Acquire))
    }

    /// Lets calls use it, or has them fail.
    pub fn enable(&self, k: &Kernel, enabled: bool) {
        // Memory of the guest's that is gone: so is the DC.
        let _ = UserPtr::new(self.attributes + offset_of!(Attr, disabled) as u64).write(k, u32::from(!enabled));
    }
}

/// A device context that a call works with: its attributes were read, and what is changed is written back.
pub struct Work<'a> {
    /// The kernel.
    pub k: &'static Kernel,
    /// The caller.
    pub cx: &'a Cx<'a>,
    /// The device context.
    pub dc: &'a Dc,
    /// What it holds.
    pub state: &'a mut State,
    /// Its attributes.
    pub attr: Attr,
}

thread_local! {
    /// The device context that a thread used last, which it finds again without a lock and without counting: most calls are about
    /// the same one as the call before. It says itself when it is deleted ([`Dc::gone`]), and has let go by then of all but its own memory.
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

struct Last {
    /// Where the table lies that has it: tests have several kernels.
    table: usize,
    dc: Arc<Dc>,
}

fn table_of(cx: &Cx<'_>) -> usize {
    core::ptr::from_ref(&cx.k.gdi.handles).addr()
}

/// A device context by its handle, for the length of a call; [`keep`] keeps it for the next one.
fn recall(cx: &Cx<'_>, handle: u32) -> Option<Arc<Dc>> {
    match LAST.take() {
        Some(last) if last.dc.handle == handle && last.table == table_of(cx) && !last.dc.is_gone() => Some(last.dc),
        _ => cx.k.gdi.handles.dc(handle),
    }
}

fn keep(cx: &Cx<'_>, dc: Arc<Dc>) {
    LAST.set(Some(Last { table: table_of(cx), dc }));
}

/// A device context by its handle, which shows its window as that is now.
fn fresh(cx: &Cx<'_>, handle: u32) -> Option<Arc<Dc>> {
    let dc = cx.k.gdi.handles.dc(handle)?;
    if dc.is_stale(cx) {
        crate::win32k::user::dce::refresh(cx, dc.handle);
    }
    Some(dc)
}

/// Has a device context worked with; `None` if there is none, or none that can be used.
pub fn with<R>(cx: &Cx<'_>, handle: u32, run: impl FnOnce(&mut Work<'_>) -> R) -> Option<R> {
    let Some(dc) = recall(cx, handle) else {
        tell_kind(cx, handle);
        return None;
    };
    if dc.is_stale(cx) {
        crate::win32k::user::dce::refresh(cx, dc.handle);
    }
    let result = work_with(cx, &dc, run);
    if dc.window.load(Ordering::Relaxed) != 0 {
        crate::win32k::user::surface::flush_now_and_then(cx);
    }
    keep(cx, dc);
    result
}

/// As [`with`], of one that is up to date, or is being brought there.
pub fn with_fresh<R>(cx: &Cx<'_>, handle: u32, run: impl FnOnce(&mut Work<'_>) -> R) -> Option<R> {
    let Some(dc) = cx.k.gdi.handles.dc(handle) else {
        tell_kind(cx, handle);
        return None;
    };
    work_with(cx, &dc, run)
}

fn work_with<R>(cx: &Cx<'_>, dc: &Dc, run: impl FnOnce(&mut Work<'_>) -> R) -> Option<R> {
    let mut state = dc.state.lock();
    if dc.is_gone() {
        return None;
    }
    let mut work = Work { k: cx.k, cx, dc, state: &mut state, attr: attr::zeroed() };
    attr::read(cx.k, dc.attributes, &mut work.attr).ok().filter(|()| work.attr.disabled == 0)?;
    let read = work.attr;
    let result = run(&mut work);
    let stored = work.attr.store(cx.k, dc.attributes, &read);
    let drawn = state.screen.take();
    drop(state);
    put_back(cx, drawn);
    stored.ok()?;
    Some(result)
}

/// What was drawn on the screen is to be seen there.
fn put_back(cx: &Cx<'_>, drawn: Option<Box<screen::Drawn>>) {
    if let Some(drawn) = drawn {
        // A window that is gone meanwhile shows nothing.
        let _ = screen::put(cx, &drawn);
    }
}

/// Selects an object, by `put`, which answers the handle of the one that was selected, and asks for no other handle; 0 where there is no such object, or no device
/// context. Neither attributes nor what the device context shows are asked for.
pub fn select(cx: &Cx<'_>, dc: u32, object: u32, put: impl FnOnce(&mut State, u32, &Object) -> Option<u32>) -> u32 {
    let handles = &cx.k.gdi.handles;
    let Some(found) = recall(cx, dc) else {
        if handles.kind(object).is_some() {
            tell_kind(cx, dc);
        }
        return 0;
    };
    let mut state = found.state.lock();
    let disabled = UserPtr::<u32>::new(found.attributes + offset_of!(Attr, disabled) as u64).read(cx.k);
    let usable = !found.is_gone() && disabled == Ok(0);
    let before =
        if usable { handles.exchange(cx.k, object, |handle, object| put(&mut state, handle, object)) } else { 0 };
    drop(state);
    keep(cx, found);
    before
}

/// Sets the thread's last error where a handle is that of something else; one that is nothing leaves it as it is.
fn tell_kind(cx: &Cx<'_>, handle: u32) {
    if cx.k.gdi.handles.get(handle).is_some_and(|object| !matches!(object, Object::Dc(_))) {
        let _ = crate::call::Answered::register(failed(error::INVALID_HANDLE), cx);
    }
}

/// As [`with`], for two; both may be the same one, which is worked with first.
pub fn with_two<R>(
    cx: &Cx<'_>,
    first: u32,
    second: u32,
    run: impl FnOnce(&mut Work<'_>, Option<&mut Work<'_>>) -> R,
) -> Option<R> {
    let (Some(one), Some(two)) = (fresh(cx, first), fresh(cx, second)) else {
        tell_kind(cx, first);
        tell_kind(cx, second);
        return None;
    };
    if one.handle == two.handle {
        return with(cx, first, |work| run(work, None));
    }
    // In the order of their handles, so that two threads never wait for each other.
    let (mut of_one, mut of_two);
    if one.handle < two.handle {
        of_one = one.state.lock();
        of_two = two.state.lock();
    } else {
        of_two = two.state.lock();
        of_one = one.state.lock();
    }
    let read = |dc: &Dc| {
        let mut read = attr::zeroed();
        attr::read(cx.k, dc.attributes, &mut read).ok().filter(|()| read.disabled == 0 && !dc.is_gone())?;
        Some(read)
    };
    let (from_one, from_two) = (read(&one)?, read(&two)?);
    let mut first = Work { k: cx.k, cx, dc: &one, state: &mut of_one, attr: from_one };
    let mut second = Work { k: cx.k, cx, dc: &two, state: &mut of_two, attr: from_two };
    let result = run(&mut first, Some(&mut second));
    let stored = first.attr.store(cx.k, one.attributes, &from_one);
    let stored = stored.and(second.attr.store(cx.k, two.attributes, &from_two));
    let drawn = [of_one.screen.take(), of_two.screen.take()];
    drop((of_one, of_two));
    drawn.into_iter().for_each(|drawn| put_back(cx, drawn));
    stored.ok()?;
    if one.window.load(Ordering::Relaxed) != 0 || two.window.load(Ordering::Relaxed) != 0 {
        crate::win32k::user::surface::flush_now_and_then(cx);
    }
    Some(result)
}

/// Makes a device context; 0 where there is no handle left.
///
/// # Errors
/// `STATUS_NO_MEMORY`.
pub fn make(cx: &Cx<'_>, device: Device) -> Nt<u32> {
    let (k, handles) = (cx.k, &cx.k.gdi.handles);
    let stock = |number| handles.stock(number);
    let pen = handles.pen(stock(stock::BLACK_PEN)).ok_or(STATUS_NO_MEMORY)?;
    let brush = handles.brush(stock(stock::WHITE_BRUSH)).ok_or(STATUS_NO_MEMORY)?;
    let font = handles.font(stock(stock::SYSTEM_FONT)).ok_or(STATUS_NO_MEMORY)?;
    let bitmap = handles.bitmap(stock(stock::DEFAULT_BITMAP)).ok_or(STATUS_NO_MEMORY)?;
    let palette = handles.palette(stock(stock::DEFAULT_PALETTE)).ok_or(STATUS_NO_MEMORY)?;
    let in_memory = matches!(device, Device::Memory(_));
    let visible = match &device {
        Device::Screen => k.screen_mode().rect(),
        Device::Memory(_) => Rect::new(0, 0, 1, 1),
        Device::Metafile(_) | Device::Printer(_) => Rect::default(),
    };
    let state = State {
        pen: (stock(stock::BLACK_PEN), pen),
        brush: (stock(stock::WHITE_BRUSH), brush),
        font: (stock(stock::SYSTEM_FONT), font),
        surface: in_memory.then(|| bitmap.surface.clone()),
        bitmap: (stock(stock::DEFAULT_BITMAP), bitmap),
        palette: (stock(stock::DEFAULT_PALETTE), palette),
        origin: Point::default(),
        device: visible,
        visible: None,
        clip: None,
        meta: None,
        total: None,
        world: Xform::default(),
        to_device: Xform::default(),
        to_world: Some(Xform::default()),
        bounds: Rect::default(),
        keep_bounds: false,
        justification: (0, 0),
        realized: None,
        path: None,
        recording: None,
        color_adjustment: super::device::PLAIN,
        pixel_format: 0,
        screen: None,
        saved: Vec::new(),
    };
    let at = k.gdi.attributes.take(k)?;
    let mut first = attr::zeroed();
    first.reset();
    first.visible = visible;
    let kind = device.kind();
    let handle = handles.add_with(k, kind, |handle| {
        first.hdc = handle;
        let (window, generation) = (AtomicU32::new(0), AtomicU64::new(0));
        let (gone, state) = (AtomicBool::new(false), Mutex::new(state));
        Object::Dc(Arc::new(Dc { handle, device, attributes: at, window, generation, gone, state }))
    });
    if handle == 0 {
        k.gdi.attributes.give(at);
        return Ok(0);
    }
    UserPtr::new(at).write(k, first)?;
    handles.tell_client(k, handle, at);
    for stock in [stock::BLACK_PEN, stock::WHITE_BRUSH, stock::SYSTEM_FONT, stock::DEFAULT_BITMAP] {
        handles.select(handles.stock(stock));
    }
    Ok(handle)
}

impl Work<'_> {
    /// Makes ready what is drawn on, of which no more than a rectangle of the device is looked at and drawn on; [`Work::drawn_on`] lends it then.
    /// The screen has no pixels of its own: a call draws on a copy of what is to be seen there, and what changed of that goes to the windows that show
    /// it behind the call. The copy is made with the device context's lock held, which is its process's own matter: nobody waits for one within a
    /// transaction. False when there is nothing to draw on.
    pub fn ready_target(&mut self, bounds: &Rect) -> bool {
        self.state.surface.is_some() || self.ready_screen(bounds).is_some()
    }

    fn ready_screen(&mut self, bounds: &Rect) -> Option<()> {
        if !matches!(self.dc.device, Device::Screen) {
            return None;
        }
        if self.state.screen.is_none() {
            let made = screen::Drawn::new(self.cx, self.dc.window.load(Ordering::Acquire)).ok().flatten();
            self.state.screen = made.map(Box::new);
        }
        let all = self.visible(&self.state.device)?;
        let drawn = self.state.screen.as_mut()?;
        match all.intersect(bounds) {
            Some(area) => drawn.show(self.cx, &area, &all).ok(),
            None => Some(()),
        }
    }

    /// As [`Work::ready_target`], for its format alone.
    pub fn ready_format(&mut self) {
        self.ready_target(&Rect::default());
    }

    /// What is drawn on, once it was made ready.
    pub fn drawn_on(&self) -> Option<&Arc<Surface>> {
        let screen = self.state.screen.as_ref().map(|drawn| &drawn.surface);
        self.state.surface.as_ref().or(screen)
    }

    /// What is drawn on within a rectangle of the device, made ready and counted.
    pub fn target_in(&mut self, bounds: &Rect) -> Option<Arc<Surface>> {
        if !self.ready_target(bounds) {
            return None;
        }
        self.drawn_on().cloned()
    }

    /// As [`Work::target_in`], all of what is seen of it.
    pub fn target(&mut self) -> Option<Arc<Surface>> {
        let all = self.state.device;
        self.target_in(&all)
    }

    /// A point of the world, on the device; devices end where numbers of 28 bits do, so that sums of them are numbers.
    pub fn device_point(&self, point: Point) -> Point {
        const END: i32 = 1 << 27;
        let point = self.state.to_device.apply(point);
        Point::new(point.x.clamp(-END, END), point.y.clamp(-END, END))
    }

    /// Two corners of the world, on the device; they are in any order.
    pub fn device_corners(&self, rect: Rect) -> Rect {
        let first = self.device_point(Point::new(rect.left, rect.top));
        let second = self.device_point(Point::new(rect.right, rect.bottom));
        Rect::new(first.x, first.y, second.x, second.y)
    }

    /// A point of the device, in the world; as it is where there is no way back.
    pub fn world_point(&self, point: Point) -> Point {
        self.state.to_world.map_or(point, |back| back.apply(point))
    }

    /// Two corners of the device, in the world.
    pub fn world_corners(&self, rect: Rect) -> Rect {
        let first = self.world_point(Point::new(rect.left, rect.top));
        let second = self.world_point(Point::new(rect.right, rect.bottom));
        Rect::new(first.x, first.y, second.x, second.y)
    }

    /// Whether columns count from the right.
    pub fn is_mirrored(&self) -> bool {
        self.attr.layout & RIGHT_TO_LEFT != 0
    }

    /// The device's area, as the DC counts; `None` where nothing limits it.
    pub fn device_rect(&self) -> Option<Rect> {
        let rect =
            self.state.device.offset(self.attr.visible.left.wrapping_neg(), self.attr.visible.top.wrapping_neg());
        (!rect.is_empty()).then_some(rect)
    }

    /// The colour that a COLORREF means here, 0x00RRGGBB, unless it names a pixel of the bitmap's table.
    pub fn color_of(&self, format: &Format, color: u32) -> Result<u32, u32> {
        if color & 1 << 24 != 0 {
            return Ok(self.state.palette.1.color(color as u16));
        }
        if color >> 16 == 0x10ff {
            let index = color & 0xffff;
            let in_table = format.depth <= 8 && index < 1 << format.depth;
            return Err(if in_table { index } else { 0 });
        }
        Ok(swapped(color & 0xff_ffff))
    }

    /// The pixel of a COLORREF. `mono`: of one bit, a colour that the table does not have is what the background is not.
    pub fn pixel_of(&self, format: &Format, color: u32, mono: bool) -> u32 {
        let rgb = match self.color_of(format, color) {
            Ok(rgb) => rgb,
            Err(pixel) => return pixel,
        };
        if format.depth != 1 || !mono {
            return format.pixel(rgb);
        }
        if let Some(exact) = format.table().iter().position(|entry| entry & 0xff_ffff == rgb) {
            return exact as u32;
        }
        let background = self.pixel_of(format, self.attr.background_color, false);
        if color == self.attr.background_color { background } else { 1 - background.min(1) }
    }

    /// Brings the regions together.
    pub fn update_clipping(&mut self) {
        let state = &mut *self.state;
        let mut total: Option<Region> = None;
        for region in [&state.visible, &state.clip, &state.meta].into_iter().flatten() {
            total = Some(match total {
                Some(so_far) => so_far.combine(region, Mode::And),
                None => region.clone(),
            });
        }
        state.total = total.map(Arc::new);
    }

    /// Selects a bitmap; answers the one that was selected, or 0.
    pub fn select_bitmap(&mut self, bitmap: u32) -> u32 {
        let handles = &self.k.gdi.handles;
        let before = self.state.bitmap.0;
        let handle = handles.full(bitmap);
        if !self.dc.in_memory() {
            return 0;
        }
        if handle == before {
            return before;
        }
        let Some(bitmap) = handles.bitmap(handle) else { return 0 };
        if handle != handles.stock(stock::DEFAULT_BITMAP) && handles.selected(handle) != 0 {
            return 0;
        }
        let depth = bitmap.surface.format().depth;
        if bitmap.section.is_none() && !matches!(depth, 1 | 32) && depth != self.k.screen_mode().depth {
            return 0;
        }
        handles.select(handle);
        self.attr.visible = bitmap.surface.area();
        self.state.device = self.attr.visible;
        self.state.surface = Some(bitmap.surface.clone());
        self.state.bitmap = (handle, bitmap);
        handles.deselect(self.k, before);
        self.update_clipping();
        before
    }

    /// Gives it the state that a DC begins with.
    pub fn reset(&mut self) {
        self.restore(1);
        let handles = &self.k.gdi.handles;
        let (pen, brush, font) =
            (handles.stock(stock::BLACK_PEN), handles.stock(stock::WHITE_BRUSH), handles.stock(stock::SYSTEM_FONT));
        let state = &mut *self.state;
        let exchange = |before: &mut u32, after: u32| {
            if *before != after {
                handles.select(after);
                handles.deselect(self.k, core::mem::replace(before, after));
            }
        };
        if let Some(new) = handles.pen(pen) {
            state.pen.1 = new;
            exchange(&mut state.pen.0, pen);
        }
        if let Some(new) = handles.brush(brush) {
            state.brush.1 = new;
            exchange(&mut state.brush.0, brush);
        }
        if let Some(new) = handles.font(font) {
            state.font.1 = new;
            exchange(&mut state.font.0, font);
        }
        let palette = handles.stock(stock::DEFAULT_PALETTE);
        if let Some(new) = handles.palette(palette) {
            state.palette = (palette, new);
        }
        (state.clip, state.meta) = (None, None);
        state.world = Xform::default();
        state.justification = (0, 0);
        (state.bounds, state.keep_bounds) = (Rect::default(), false);
        self.attr.reset();
        self.update_transforms();
        self.update_clipping();
    }

    fn save(&mut self) -> u32 {
        let state = &*self.state;
        let saved = Saved {
            attr: self.attr,
            pen: state.pen.0,
            brush: state.brush.0,
            font: state.font.0,
            bitmap: state.bitmap.0,
            palette: state.palette.0,
            clip: state.clip.clone(),
            meta: state.meta.clone(),
            world: state.world,
            justification: state.justification,
            path: state.path.clone(),
            recording: state.recording.clone(),
        };
        self.state.saved.push(saved);
        self.attr.save_level = self.state.saved.len() as i32;
        self.state.saved.len() as u32
    }

    fn restore(&mut self, level: i32) -> bool {
        let count = self.state.saved.len() as i32;
        if level == 0 || level.unsigned_abs() > count as u32 {
            return false;
        }
        let level = if level < 0 { count + level } else { level - 1 };
        self.state.saved.truncate(level as usize + 1);
        let Some(saved) = self.state.saved.pop() else { return false };
        self.attr.restore(&saved.attr);
        self.attr.save_level = level;
        let handles = &self.k.gdi.handles;
        let state = &mut *self.state;
        state.world = saved.world;
        state.clip = saved.clip;
        state.meta = saved.meta;
        state.justification = saved.justification;
        state.path = saved.path;
        state.recording = saved.recording;
        // What was deleted meanwhile is not selected again.
        let exchange = |before: &mut u32, after: u32| {
            handles.select(after);
            handles.deselect(self.k, core::mem::replace(before, after));
        };
        if let Some(pen) = handles.pen(saved.pen) {
            state.pen.1 = pen;
            exchange(&mut state.pen.0, saved.pen);
        }
        if let Some(brush) = handles.brush(saved.brush) {
            state.brush.1 = brush;
            exchange(&mut state.brush.0, saved.brush);
        }
        if let Some(font) = handles.font(saved.font) {
            state.font.1 = font;
            exchange(&mut state.font.0, saved.font);
        }
        if let Some(palette) = handles.palette(saved.palette) {
            state.palette = (saved.palette, palette);
        }
        if self.dc.in_memory() {
            self.select_bitmap(saved.bitmap);
        }
        self.update_transforms();
        self.update_clipping();
        true
    }
}

/// NtGdiCreateCompatibleDC: a DC in memory.
///
/// # Errors
/// None; the answer is 0.
pub fn create_compatible(cx: &Cx<'_>, dc: u32) -> User {
    let printer = match dc {
        0 => None,
        dc => match with(cx, dc, |work| work.dc.printer()) {
            Some(printer) => printer,
            None => return Ok(0),
        },
    };
    Ok(u64::from(make(cx, Device::Memory(printer)).unwrap_or(0)))
}

/// NtGdiOpenDCW: a DC of the display; those of printers are made by their driver's Unix part.
///
/// # Errors
/// None; the answer is 0.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn open(
    cx: &Cx<'_>,
    _device: UserPtr<UnicodeString>,
    _mode: u64,
    _output: u64,
    _kind: u32,
    display: u32,
    _spool: u64,
    _driver: u64,
    _data: u64,
) -> User {
    if display == 0 {
        return Ok(0);
    }
    Ok(u64::from(make(cx, Device::Screen).unwrap_or(0)))
}

/// NtGdiSaveDC: how many states are saved.
///
/// # Errors
/// None; the answer is 0.
pub fn save(cx: &Cx<'_>, dc: u32) -> User {
    answer(cx, dc, |work| work.save())
}

/// NtGdiRestoreDC: the state of that number, or counted from the last one where it is less than 0.
///
/// # Errors
/// None; the answer is FALSE.
pub fn restore(cx: &Cx<'_>, dc: u32, level: i32) -> User {
    answer(cx, dc, |work| work.restore(level).into())
}

/// NtGdiResetDC: for printers.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn reset_device(cx: &Cx<'_>, dc: u32, mode: u64, _banding: u64, _driver: u64, _device: u64) -> User {
    crate::win32k::print::driver::reset(cx, dc, mode)
}

/// NtGdiGetDCObject: what of a kind (NTGDI_OBJ_*) is selected.
///
/// # Errors
/// None; the answer is 0.
pub fn get_object(cx: &Cx<'_>, dc: u32, wanted: u32) -> User {
    /// NTGDI_OBJ_SURF.
    const SURFACE: u8 = 5;
    if (wanted >> 16) as u8 == SURFACE
        && super::with(cx, dc, |work| matches!(work.dc.device, Device::Screen)) == Some(true)
    {
        return screen_bitmap(cx);
    }
    answer(cx, dc, |work| match (wanted >> 16) as u8 {
        kind::PEN | kind::EXTENDED_PEN => work.state.pen.0,
        kind::BRUSH => work.state.brush.0,
        kind::PALETTE => work.state.palette.0,
        kind::FONT => work.state.font.0,
        SURFACE if work.dc.in_memory() => work.state.bitmap.0,
        _ => 0,
    })
}

/// The bitmap that stands for the screen: programs ask it for size and format. Another one follows when the screen is set otherwise.
fn screen_bitmap(cx: &Cx<'_>) -> User {
    let mode = cx.k.screen_mode();
    let mut held = cx.k.gdi.screen_bitmap.lock();
    if let Some((_, bitmap)) = held.filter(|(known, _)| *known == mode) {
        return Ok(bitmap.into());
    }
    if let Some((_, before)) = held.take() {
        drop(cx.k.gdi.handles.take(cx.k, before));
    }
    let made = super::bitmap::create(cx, mode.width as i32, mode.height as i32, 1, 32, 0)?;
    *held = (made != 0).then_some((mode, made as u32));
    Ok(made)
}

/// NtGdiCancelDC: nothing goes on after its call.
///
/// # Errors
/// None.
pub fn cancel(_: &Cx<'_>, _dc: u32) -> User {
    done(true)
}

/// NtGdiFlush: nothing waits.
///
/// # Errors
/// None.
pub fn flush(_: &Cx<'_>) -> User {
    done(true)
}

/// Deletes a device context.
pub fn delete(cx: &Cx<'_>, handle: u32) -> bool {
    let handles = &cx.k.gdi.handles;
    let Some(Object::Dc(dc)) = handles.take(cx.k, handle) else { return false };
    dc.gone.store(true, Ordering::Release);
    let mut state = dc.state.lock();
    // Threads may remember it until their next call, but nothing large with it.
    let drawn_on = state.surface.take();
    for selected in [state.pen.0, state.brush.0, state.font.0, state.bitmap.0] {
        handles.deselect(cx.k, selected);
    }
    let small =
        handles.bitmap(handles.stock(stock::DEFAULT_BITMAP)).zip(handles.brush(handles.stock(stock::WHITE_BRUSH)));
    let used = small.map(|(bitmap, brush)| {
        (core::mem::replace(&mut state.bitmap.1, bitmap), core::mem::replace(&mut state.brush.1, brush))
    });
    drop((state, drawn_on, used));
    cx.k.gdi.attributes.give(dc.attributes);
    true
}
