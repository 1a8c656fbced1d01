//! Cursors and icons. Pictures are bitmaps of the process's that made them; handles mean something everywhere, so that a window may show the
//! cursor of another process's thread that it shares its input with.

use super::super::gdi::{blit, compose, dc, objects};
use super::super::{Failed, User, error};
use super::hook;
use super::sysparams;
use crate::call::Cx;
use crate::shm::user::icon::Picture;
use crate::shm::user::input;
use crate::types::UnicodeString;
use crate::um::{UserPtr, UserSlice};
use crate::win32k::gdi::{bitmap, brush};
use parking_lot::Mutex;
use std::collections::HashMap;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct cursoricon_frame` of Wine 10's `include/ntuser.h`.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Frame {
    width: u32,
    height: u32,
    /// Bitmaps: colours, the same multiplied with their opacity, and which pixels stay; without colours those follow in the last one.
    color: u64,
    alpha: u64,
    mask: u64,
    point: [i32; 2],
}

/// A cursor or icon.
#[derive(Debug, Clone, Default)]
struct Icon {
    is_icon: bool,
    /// It has its picture.
    made: bool,
    /// It is used by all that load it, and never goes.
    shared: bool,
    /// Its pictures in the order in which they are shown: handles; none if it has one of its own.
    steps: Vec<u32>,
    frames: u32,
    /// Sixtieths of a second that it is shown.
    delay: u32,
    frame: Frame,
    /// Where it was loaded from: the module's path, the resource's name or number, what user32 knows it by.
    module: Vec<u8>,
    name: Vec<u8>,
    number: u16,
    resource: u64,
    /// What user32 keeps with it: `struct free_icon_params`.
    parameters: [u64; 2],
    published: bool,
}

/// The process's cursors and icons, by handle.
#[derive(Default)]
pub struct Icons(Mutex<HashMap<u32, Icon>>);

/// LR_SHARED.
const SHARED: u32 = 0x8000;
/// Most pictures of one, and most of a process: what a program makes without end ends here.
const MOST_STEPS: u32 = 4096;
const MOST: usize = 16_384;
/// The largest cursor that is told to others, in pixels each way.
const MOST_SHOWN: u32 = 256;
/// Callback of user32 that takes what it kept: `NtUserDispatchCallback`.
const DISPATCH: u32 = 0;

impl Icons {
    fn get(&self, handle: u64) -> Option<Icon> {
        self.0.lock().get(&(handle as u32)).cloned()
    }

    fn with<R>(&self, handle: u64, change: impl FnOnce(&mut Icon) -> R) -> Option<R> {
        self.0.lock().get_mut(&(handle as u32)).map(change)
    }

    /// A step's picture.
    fn step(&self, handle: u64, step: u32) -> Option<Icon> {
        let icon = self.get(handle)?;
        if icon.steps.is_empty() { Some(icon) } else { self.get((*icon.steps.get(step as usize)?).into()) }
    }
}

const NO_CURSOR: Failed = Failed::with(error::INVALID_CURSOR_HANDLE);

/// CreateCursorIcon: a handle without a picture.
pub(super) fn create(cx: &Cx<'_>, is_icon: u64) -> User {
    make(cx, is_icon as u32 != 0).map(u64::from)
}

fn make(cx: &Cx<'_>, is_icon: bool) -> User<u32> {
    let (_, member) = cx.sandbox()?;
    if cx.k.user.icons.0.lock().len() >= MOST {
        return Err(Failed::with(error::NOT_ENOUGH_MEMORY));
    }
    let mut tx = cx.windows()?;
    let handle = tx.new_icon(member)?;
    tx.commit()?;
    cx.k.user.icons.0.lock().insert(handle, Icon { is_icon, ..Icon::default() });
    Ok(handle)
}

fn text(cx: &Cx<'_>, at: UserPtr<UnicodeString>) -> User<(Vec<u8>, u16)> {
    if at.is_null() {
        return Ok((Vec::new(), 0));
    }
    let text = at.read(cx.k)?;
    if text.length == 0 {
        return Ok((Vec::new(), text.buffer as u16));
    }
    Ok((UserSlice::new(text.buffer, text.length.into()).read_all(cx.k)?, 0))
}

/// NtUserSetCursorIconData: gives a handle its picture, once. `struct cursoricon_desc` of the same header.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn set_data(
    cx: &Cx<'_>,
    cursor: u64,
    module: UserPtr<UnicodeString>,
    name: UserPtr<UnicodeString>,
    description: u64,
) -> User {
    let [flags, steps, frames, delay] = UserPtr::<[u32; 4]>::new(description).read(cx.k)?;
    let [frames_at, sequence, rates, resource] = UserPtr::<[u64; 4]>::new(description.wrapping_add(16)).read(cx.k)?;
    let icons = &cx.k.user.icons;
    let is_icon = match icons.get(cursor) {
        Some(icon) if !icon.made => icon.is_icon,
        Some(_) => return Err(NO_CURSOR),
        None => return Ok(0),
    };
    if steps > MOST_STEPS || frames > MOST_STEPS {
        return Err(Failed::with(error::INVALID_PARAMETER));
    }
    let (module, _) = text(cx, module)?;
    let (name, number) = text(cx, name)?;
    let frame_at = |index: u32| -> User<Frame> {
        let at = frames_at.wrapping_add(u64::from(index) * size_of::<Frame>() as u64);
        let bytes = UserSlice::new(at, size_of::<Frame>() as u64).read_all(cx.k)?;
        Frame::read_from_bytes(&bytes).map_err(|_| Failed::SILENT)
    };
    let mut of_steps = Vec::new();
    let mut frame = Frame::default();
    if steps == 0 {
        frame = frame_at(0)?;
    } else {
        let list =
            |at: u64| if at == 0 { Ok(None) } else { UserPtr::<u32>::new(at).read_vec(cx.k, steps as usize).map(Some) };
        let (sequence, rates) = (list(sequence)?, list(rates)?);
        // A picture that is shown more than once is there once.
        let mut made: HashMap<u32, u32> = HashMap::new();
        for step in 0..steps {
            let wanted = sequence.as_ref().map_or(step, |list| list[step as usize]);
            let wanted = wanted.min(frames.saturating_sub(1));
            if let Some(handle) = made.get(&wanted).filter(|_| sequence.is_some()) {
                of_steps.push(*handle);
                continue;
            }
            let (handle, frame) = (make(cx, is_icon)?, frame_at(wanted)?);
            let delay = rates.as_ref().map_or(delay, |list| list[step as usize]);
            icons.with(handle.into(), |icon| (icon.made, icon.frame, icon.delay) = (true, frame, delay));
            made.insert(wanted, handle);
            of_steps.push(handle);
        }
    }
    icons.with(cursor, |icon| {
        icon.made = true;
        (icon.delay, icon.frames, icon.frame, icon.steps) = (delay, frames, frame, of_steps);
        (icon.name, icon.number) = (name, number);
        icon.shared = flags & SHARED != 0;
        icon.resource = if icon.shared && !module.is_empty() { resource } else { 0 };
        icon.module = module;
    });
    Ok(1)
}

/// NtUserFindExistingCursorIcon: one that is shared and was loaded from there.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn find_existing(
    cx: &Cx<'_>,
    module: UserPtr<UnicodeString>,
    _name: UserPtr<UnicodeString>,
    resource: u64,
) -> User {
    let (module, _) = text(cx, module)?;
    let all = cx.k.user.icons.0.lock();
    let same = |icon: &Icon| icon.resource != 0 && icon.resource == resource && icon.module == module;
    Ok(all.iter().find(|(_, icon)| same(icon)).map_or(0, |(handle, _)| u64::from(*handle)))
}

/// NtUserDestroyCursor: FALSE for the one that is shown.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn destroy(cx: &Cx<'_>, cursor: u64, _argument: u32) -> User {
    let Some(icon) = cx.k.user.icons.get(cursor) else { return Ok(0) };
    let shown = get_cursor(cx)? == u64::from(cursor as u32);
    if !icon.shared {
        free(cx, cursor as u32)?;
    }
    Ok((!shown).into())
}

fn free(cx: &Cx<'_>, handle: u32) -> User<()> {
    let Some(icon) = cx.k.user.icons.0.lock().remove(&handle) else { return Ok(()) };
    for bitmap in [icon.frame.color, icon.frame.alpha, icon.frame.mask] {
        if bitmap != 0 {
            cx.k.gdi.handles.delete(cx.k, bitmap as u32);
        }
    }
    let mut tx = cx.windows()?;
    tx.drop_icon(handle);
    tx.commit()?;
    let mut steps = icon.steps;
    steps.sort_unstable();
    steps.dedup();
    steps.into_iter().try_for_each(|step| free(cx, step))?;
    if icon.parameters[0] != 0 {
        let _ = cx.callback(DISPATCH, icon.parameters.as_bytes());
    }
    Ok(())
}

/// NtUserGetIconSize: twice the height.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn size(cx: &Cx<'_>, icon: u64, step: u32, width: UserPtr<u32>, height: UserPtr<u32>) -> User {
    let found = cx.k.user.icons.step(icon, step).ok_or(NO_CURSOR)?;
    width.write(cx.k, found.frame.width)?;
    height.write(cx.k, found.frame.height.saturating_mul(2))?;
    Ok(1)
}

/// NtUserGetCursorFrameInfo: the picture of a step, how long it is shown and how many there are.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn frame_info(cx: &Cx<'_>, cursor: u64, step: u32, rate: UserPtr<u32>, count: UserPtr<u32>) -> User {
    if rate.is_null() || count.is_null() {
        return Ok(0);
    }
    let Some(icon) = cx.k.user.icons.get(cursor) else { return Ok(0) };
    let own = u64::from(cursor as u32);
    let (frames, steps) = if icon.steps.is_empty() { (1, 1) } else { (icon.frames, icon.steps.len() as u32) };
    if !icon.steps.is_empty() && step >= steps {
        return Ok(0);
    }
    let picture = if frames > 1 { icon.steps.get(step as usize).map_or(own, |step| (*step).into()) } else { own };
    let (told_rate, told_count) = match (frames, steps) {
        (1, _) => (0, 1),
        (_, 1) => (icon.delay, u32::MAX),
        _ => (cx.k.user.icons.get(picture).map_or(0, |step| step.delay), steps),
    };
    rate.write(cx.k, told_rate)?;
    count.write(cx.k, told_count)?;
    Ok(picture)
}

/// A bitmap like another one.
fn copied(cx: &Cx<'_>, from: u64) -> User<u32> {
    if from == 0 {
        return Ok(0);
    }
    let area = cx.k.gdi.handles.bitmap(from as u32).map(|bitmap| bitmap.surface.area());
    let area = area.ok_or(Failed::with(error::INVALID_PARAMETER))?;
    let (width, height) = (area.width(), area.height());
    let (source, target) = (dc::create_compatible(cx, 0)? as u32, dc::create_compatible(cx, 0)? as u32);
    bitmap::select(cx, source, from as u32)?;
    let made = bitmap::create_compatible(cx, source, width, height)? as u32;
    if made != 0 {
        bitmap::select(cx, target, made)?;
        blit::copy(cx, target, 0, 0, width, height, source, 0, 0, SOURCE_COPY, 0, 0)?;
    }
    for dc in [source, target] {
        objects::delete(cx, dc)?;
    }
    Ok(made)
}

/// NtUserGetIconInfo: ICONINFO with bitmaps of the caller's own, and where it was loaded from.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn info(
    cx: &Cx<'_>,
    icon: u64,
    info: u64,
    module: UserPtr<UnicodeString>,
    name: UserPtr<UnicodeString>,
    _depth: u64,
    _unknown: u32,
) -> User {
    let whole = cx.k.user.icons.get(icon).ok_or(NO_CURSOR)?;
    let frame = cx.k.user.icons.step(icon, 0).ok_or(NO_CURSOR)?.frame;
    let (mask, color) = (copied(cx, frame.mask)?, copied(cx, frame.color)?);
    if mask == 0 || color == 0 && frame.color != 0 {
        for bitmap in [mask, color] {
            cx.k.gdi.handles.delete(cx.k, bitmap);
        }
        return Ok(0);
    }
    let head = [u32::from(whole.is_icon), frame.point[0] as u32, frame.point[1] as u32, 0];
    cx.k.write_user(info, head.as_bytes())?;
    cx.k.write_user(info.wrapping_add(16), [u64::from(mask), u64::from(color)].as_bytes())?;
    if whole.module.is_empty() && !module.is_null() {
        // Its buffer stays.
        let told = module.read(cx.k)?;
        module.write(cx.k, UnicodeString { length: 0, ..told })?;
    } else {
        tell_name(cx, module, &whole.module, 0)?;
    }
    tell_name(cx, name, &whole.name, whole.number)?;
    Ok(1)
}

/// As much of a name as there is room for, with its length in units; or a number in its place.
fn tell_name(cx: &Cx<'_>, at: UserPtr<UnicodeString>, name: &[u8], number: u16) -> User<()> {
    if at.is_null() {
        return Ok(());
    }
    let mut told = at.read(cx.k)?;
    let length = name.len().min(told.maximum_length.into());
    cx.k.write_user(told.buffer, &name[..length])?;
    told.length = (length / 2) as u16;
    if name.is_empty() {
        told.buffer = number.into();
    }
    Ok(at.write(cx.k, told)?)
}

/// SRCCOPY, SRCAND, SRCINVERT, PATCOPY.
const SOURCE_COPY: u32 = 0x00cc_0020;
const SOURCE_AND: u32 = 0x0088_00c6;
const SOURCE_INVERT: u32 = 0x0066_0046;
const PATTERN_COPY: u32 = 0x00f0_0021;

/// NtUserDrawIconEx: DI_*. With a brush, it is drawn on that first, so that nothing flickers.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn draw(
    cx: &Cx<'_>,
    dc: u32,
    x: u32,
    y: u32,
    icon: u64,
    width: u32,
    height: u32,
    step: u32,
    background: u32,
    flags: u32,
) -> User {
    /// DI_DEFAULTSIZE; SM_CXICON, SM_CYICON.
    const DEFAULT_SIZE: u32 = 8;
    const ICON_WIDTH: u32 = 11;
    const ICON_HEIGHT: u32 = 12;
    let Some(found) = cx.k.user.icons.step(icon, step) else { return Ok(0) };
    let frame = found.frame;
    let extent = |given: u32, own: u32, metric: u32| -> User<i32> {
        Ok(match given {
            0 if flags & DEFAULT_SIZE != 0 => sysparams::metric(cx, metric)? as i32,
            0 => own as i32,
            given => given as i32,
        })
    };
    let (width, height) = (extent(width, frame.width, ICON_WIDTH)?, extent(height, frame.height, ICON_HEIGHT)?);
    let memory = dc::create_compatible(cx, dc)? as u32;
    if memory == 0 {
        return Ok(0);
    }
    let is_brush = cx.k.gdi.handles.brush(background).is_some();
    let (mut target, mut offscreen, mut place) = (dc, 0, (x as i32, y as i32));
    if is_brush {
        target = dc::create_compatible(cx, dc)? as u32;
        offscreen = bitmap::create_compatible(cx, dc, width, height)? as u32;
        bitmap::select(cx, target, offscreen)?;
        let before = brush::select(cx, target, background)?;
        blit::pattern(cx, target, 0, 0, width, height, PATTERN_COPY)?;
        brush::select(cx, target, before as u32)?;
        place = (0, 0);
    }
    let drawn = draw_frame(cx, (target, memory), &frame, place, (width, height), flags);
    if is_brush {
        blit::copy(cx, dc, x as i32, y as i32, width, height, target, 0, 0, SOURCE_COPY, 0, 0)?;
        objects::delete(cx, target)?;
        objects::delete(cx, offscreen)?;
    }
    objects::delete(cx, memory)?;
    drawn?;
    Ok(1)
}

/// Sets a device context's colours of text and background; answers those before.
fn exchange_colours(cx: &Cx<'_>, dc: u32, (text, background): (u32, u32)) -> (u32, u32) {
    let exchanged = crate::win32k::gdi::with(cx, dc, |work| {
        let attr = &mut work.attr;
        let text = core::mem::replace(&mut attr.text_color, text);
        (text, core::mem::replace(&mut attr.background_color, background))
    });
    exchanged.unwrap_or((text, background))
}

/// Bits of a pixel of what a device context draws on.
fn depth(cx: &Cx<'_>, dc: u32) -> u32 {
    let depth =
        crate::win32k::gdi::with(cx, dc, |work| work.state.surface.as_ref().map(|surface| surface.format().depth));
    depth.flatten().unwrap_or(32)
}

fn draw_frame(
    cx: &Cx<'_>,
    (dc, memory): (u32, u32),
    frame: &Frame,
    (x, y): (i32, i32),
    (width, height): (i32, i32),
    flags: u32,
) -> User<()> {
    /// DI_MASK, DI_IMAGE.
    const MASK: u32 = 1;
    const IMAGE: u32 = 2;
    /// AC_SRC_OVER with an opacity of 255 and AC_SRC_ALPHA.
    const BLEND: u32 = 0x01ff_0000;
    /// White.
    const WHITE: u32 = 0x00ff_ffff;
    let (own_width, own_height) = (frame.width as i32, frame.height as i32);
    if frame.alpha != 0 && flags & IMAGE != 0 && depth(cx, dc) > 8 {
        bitmap::select(cx, memory, frame.alpha as u32)?;
        let blended = compose::alpha_blend(cx, dc, x, y, width, height, memory, 0, 0, own_width, own_height, BLEND, 0);
        if blended.unwrap_or(0) != 0 {
            return Ok(());
        }
    }
    let colours = exchange_colours(cx, dc, (0, WHITE));
    let paint = |bitmap: u64, top: i32, rop: u32| -> User<()> {
        bitmap::select(cx, memory, bitmap as u32)?;
        blit::stretched(cx, dc, x, y, width, height, memory, 0, top, own_width, own_height, rop, 0).map(drop)
    };
    let both = flags & (MASK | IMAGE) == MASK | IMAGE;
    if flags & MASK != 0 {
        paint(frame.mask, 0, if both { SOURCE_AND } else { SOURCE_COPY })?;
    }
    if flags & IMAGE != 0 {
        let rop = if both { SOURCE_INVERT } else { SOURCE_COPY };
        match frame.color {
            0 => paint(frame.mask, own_height, rop)?,
            color => paint(color, 0, rop)?,
        }
    }
    exchange_colours(cx, dc, colours);
    Ok(())
}

/// GetIconParam: what user32 keeps with one.
pub(super) fn parameter(cx: &Cx<'_>, icon: u64) -> User {
    Ok(cx.k.user.icons.get(icon).map_or(0, |icon| icon.parameters[1]))
}

/// SetIconParam: what it was.
pub(super) fn set_parameter(cx: &Cx<'_>, icon: u64, at: u64) -> User {
    let parameters = UserPtr::<[u64; 2]>::new(at).read(cx.k)?;
    let set = |icon: &mut Icon| core::mem::replace(&mut icon.parameters, parameters)[1];
    Ok(cx.k.user.icons.with(icon, set).unwrap_or(0))
}

/// What a cursor looks like to whoever composes the screen.
fn picture(cx: &Cx<'_>, frame: &Frame) -> Option<Picture> {
    let (width, height) = (frame.width, frame.height);
    if width == 0 || height == 0 || width > MOST_SHOWN || height > MOST_SHOWN {
        return None;
    }
    let pixels = |bitmap: u64| -> Option<(Vec<Vec<u32>>, bool)> {
        let bitmap = cx.k.gdi.handles.bitmap(bitmap as u32)?;
        let format = bitmap.surface.format();
        let all = bitmap.surface.open(cx.k).load_all(&bitmap.surface.area()).ok()?;
        // Colours as 0x00bbggrr; opacity stays on top of pixels of 32 bits.
        let deep = format.depth == 32;
        let one = |pixel: u32| if deep { pixel } else { swap(format.color(pixel)) };
        let rows = (0..all.height).map(|row| all.row(row).iter().map(|pixel| one(*pixel)).collect());
        Some((rows.collect(), deep))
    };
    let at = |rows: &[Vec<u32>], x: u32, y: u32| {
        rows.get(y as usize).and_then(|row| row.get(x as usize)).copied().unwrap_or(0)
    };
    let mask = pixels(frame.mask).map(|(rows, _)| rows);
    let color = if frame.color != 0 { Some(pixels(frame.color)?) } else { None };
    let mut bytes = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let stays = mask.as_ref().is_some_and(|mask| at(mask, x, y) & 0xff_ffff != 0);
            let pixel = match &color {
                // With opacities of its own.
                Some((rows, true)) if frame.alpha != 0 => at(rows, x, y),
                Some((rows, _)) => match (at(rows, x, y) & 0xff_ffff, stays) {
                    (0, true) => 0,
                    (pixel, _) => pixel | 0xff00_0000,
                },
                None => {
                    let second = mask.as_ref().is_some_and(|mask| at(mask, x, y + height) & 0xff_ffff != 0);
                    match (stays, second) {
                        (false, false) => 0xff00_0000,
                        (false, true) => 0xffff_ffff,
                        (true, false) => 0,
                        // What would invert the screen is black: nobody mixes it with that.
                        (true, true) => 0xff00_0000,
                    }
                }
            };
            bytes.extend_from_slice(&pixel.to_le_bytes());
        }
    }
    Some(Picture { width, height, point: (frame.point[0], frame.point[1]), pixels: bytes })
}

/// 0x00bbggrr as 0x00rrggbb.
fn swap(color: u32) -> u32 {
    color >> 16 & 0xff | color & 0xff00 | (color & 0xff) << 16
}

/// NtUserSetCursor: which it was.
///
/// # Errors
/// The answer is 0, and the last error says why.
pub fn set_cursor(cx: &Cx<'_>, cursor: u64) -> User {
    let handle = cursor as u32;
    let mine = cx.queue()?.record;
    if handle != 0 && !cx.windows()?.is_icon(handle) {
        return Err(NO_CURSOR);
    }
    let told = cx.k.user.icons.get(cursor).filter(|icon| !icon.published);
    let picture = told.and_then(|_| picture(cx, &cx.k.user.icons.step(cursor, 0)?.frame));
    let mut tx = cx.windows()?;
    let shared = tx.input_of(mine);
    let before = tx.get(shared + input::field::CURSOR);
    if let Some(picture) = &picture {
        tx.publish_cursor(handle, picture)?;
    }
    tx.set(shared + input::field::CURSOR, handle);
    tx.follow_cursor();
    let known = tx.is_icon(before);
    tx.commit()?;
    if picture.is_some() {
        cx.k.user.icons.with(cursor, |icon| icon.published = true);
    }
    Ok(if known { before.into() } else { 0 })
}

/// NtUserGetCursor.
///
/// # Errors
/// None.
pub fn get_cursor(cx: &Cx<'_>) -> User {
    let mine = cx.queue()?.record;
    let tx = cx.windows()?;
    Ok(tx.get(tx.input_of(mine) + input::field::CURSOR).into())
}

/// NtUserShowCursor: how often it is shown more than it is hidden.
///
/// # Errors
/// None.
pub fn show_cursor(cx: &Cx<'_>, show: u32) -> User {
    let mine = cx.queue()?.record;
    let mut tx = cx.windows()?;
    let count = tx.count_cursor(mine, if show != 0 { 1 } else { -1 });
    tx.follow_cursor();
    tx.commit()?;
    let told = if count >= 0 { hook::event::SHOW } else { hook::event::HIDE };
    hook::event(cx, told, cx.top_window(false)?.1.into(), hook::event::CURSOR, 0);
    Ok((count as u32).into())
}

/// NtUserGetCursorInfo: CURSORINFO.
///
/// # Errors
/// The answer is FALSE, and the last error says why.
pub fn cursor_info(cx: &Cx<'_>, at: u64) -> User {
    /// CURSOR_SHOWING.
    const SHOWING: u32 = 1;
    if at == 0 {
        return Ok(0);
    }
    let (cursor, flags, place) = {
        let tx = cx.windows()?;
        let (cursor, flags) = match tx.foreground() {
            0 => (0, SHOWING),
            shared => {
                let shows = tx.get(shared + input::field::CURSOR_COUNT) as i32 >= 0;
                (tx.get(shared + input::field::CURSOR), if shows { SHOWING } else { 0 })
            }
        };
        (cursor, flags, tx.cursor_place())
    };
    UserPtr::new(at.wrapping_add(4)).write(cx.k, flags)?;
    UserPtr::new(at.wrapping_add(8)).write(cx.k, u64::from(cursor))?;
    UserPtr::new(at.wrapping_add(16)).write(cx.k, [place.0, place.1])?;
    Ok(1)
}
