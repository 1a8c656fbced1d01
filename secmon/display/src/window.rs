//! The desktop in a window of an X server's: that of this host's user, who started this. The connection is made before the jail is entered. A Wayland
//! session shows it by its Xwayland.

use crate::hub::{self, Hub, Session, Show, Shown};
use crate::keys::{self, Typed};
use crate::selection::Selection;
use anyhow::{Context as _, bail};
use shim_abi::display::{Area, Button, Cursor, Input, Key, Size};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::UnixStream;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::render::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ButtonPressEvent, ChangeWindowAttributesAux, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, ImageFormat, ImageOrder, KeyPressEvent, Pixmap, PropMode, Screen, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How large the window is until the desktop has said how large it is.
const DEFAULT: Size = Size { width: 1024, height: 768 };
/// A notch of the wheel.
const NOTCH: i32 = 120;

x11rb::atom_manager! {
    /// Names that the server has numbers for.
    Atoms: AtomsCookie {
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
        _NET_WM_NAME,
        UTF8_STRING,
    }
}

/// What the server's keys are.
fn keys(x: &RustConnection) -> anyhow::Result<keys::Map> {
    let (first, last) = (x.setup().min_keycode, x.setup().max_keycode);
    let named = x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
    Ok(keys::Map::new(first, named.keysyms_per_keycode.into(), named.keysyms))
}

/// A window of a server's.
pub struct Window {
    x: RustConnection,
    atoms: Atoms,
    screen: Screen,
    window: u32,
    graphics: u32,
    /// A format of 32 bits with opacity, for cursors; `None`: the server has none.
    argb: Option<u32>,
    keys: RefCell<keys::Map>,
}

impl Window {
    /// Connects to the server that the environment names, and makes the window, which nobody sees yet.
    ///
    /// # Errors
    /// Why there is none.
    pub fn new(title: &str) -> anyhow::Result<Self> {
        if std::env::var_os("DISPLAY").is_none() {
            bail!("a window needs an X server: DISPLAY is not set (a Wayland session has Xwayland)");
        }
        let (x, number) = x11rb::connect(None).context("the X server")?;
        let screen = x.setup().roots.get(number).context("the X server has no such screen")?.clone();
        let depth = x.setup().pixmap_formats.iter().find(|format| format.depth == screen.root_depth);
        let plain = screen.root_depth == 24 && depth.is_some_and(|format| format.bits_per_pixel == 32);
        if !plain || x.setup().image_byte_order != ImageOrder::LSB_FIRST {
            bail!("the X server's pixels are not of 32 bits, blue first");
        }
        let atoms = Atoms::new(&x)?.reply()?;
        let (window, graphics) = (x.generate_id()?, x.generate_id()?);
        let events = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::POINTER_MOTION
            | EventMask::EXPOSURE
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::FOCUS_CHANGE
            | EventMask::PROPERTY_CHANGE;
        let (width, height) = (DEFAULT.width as u16, DEFAULT.height as u16);
        let (root, visual) = (screen.root, screen.root_visual);
        let values = CreateWindowAux::new().event_mask(events);
        x.create_window(
            screen.root_depth,
            window,
            root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &values,
        )?;
        x.create_gc(graphics, window, &CreateGCAux::new().graphics_exposures(0))?;
        x.change_property32(PropMode::REPLACE, window, atoms.WM_PROTOCOLS, AtomEnum::ATOM, &[atoms.WM_DELETE_WINDOW])?;
        x.change_property8(PropMode::REPLACE, window, atoms._NET_WM_NAME, atoms.UTF8_STRING, title.as_bytes())?;
        x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, title.as_bytes())?;
        let argb = match x.extension_information(render::X11_EXTENSION_NAME)? {
            None => None,
            Some(_) => {
                let formats = x.render_query_pict_formats()?.reply()?.formats;
                let fits = |format: &&render::Pictforminfo| {
                    let direct = &format.direct;
                    let shifts = (direct.alpha_shift, direct.red_shift, direct.green_shift, direct.blue_shift);
                    format.depth == 32 && shifts == (24, 16, 8, 0) && direct.alpha_mask == 0xff
                };
                formats.iter().find(fits).map(|format| format.id)
            }
        };
        let keys = RefCell::new(keys(&x)?);
        x.flush()?;
        Ok(Window { x, atoms, screen, window, graphics, argb, keys })
    }

    /// The connection.
    pub fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(self.x.stream())
    }

    /// Shows the desktop until the window is closed.
    ///
    /// # Errors
    /// What ended it.
    pub async fn serve(&self, hub: &Arc<Hub>) -> anyhow::Result<()> {
        let session = hub.session();
        let _end = hub::AtEnd(session.clone());
        session.begins();
        self.x.map_window(self.window)?;
        // The connection a second time, for the runtime to wait at, of whatever kind its socket is.
        let ready = UnixStream::from_std(self.fd().try_clone_to_owned()?.into())?;
        let mut shown = Shown::default();
        let selection = Selection::new(&self.x, self.window, &session)?;
        let (size, held) = (DEFAULT, HashMap::new());
        let mut view = View { of: self, session: &session, size, asked: None, picture: None, held, selection };
        loop {
            // The server may have told something while it was told.
            while let Some(event) = self.x.poll_for_event()? {
                if !view.event(event)? {
                    return Ok(());
                }
            }
            self.x.flush()?;
            tokio::select! {
                there = ready.readable() => {
                    there?;
                    // All of it is read next: what comes behind that counts.
                    let _ = ready.try_io(Interest::READABLE, || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into()));
                }
                show = session.next(&mut shown) => match show {
                    Show::Over => return Ok(()),
                    show => view.show(show)?,
                },
            }
        }
    }
}

/// What is seen.
struct View<'a> {
    of: &'a Window,
    session: &'a Arc<Session>,
    /// The desktop's size; that which it was asked to have.
    size: Size,
    asked: Option<Size>,
    /// What is on the desktop, at the server.
    picture: Option<Pixmap>,
    /// What is held down: for each of the server's keys what it went down as.
    held: HashMap<u8, Typed>,
    /// The server's clipboard, if that can be told of.
    selection: Option<Selection<'a>>,
}

impl View<'_> {
    /// What a server says; answers whether the window is still there.
    fn event(&mut self, event: Event) -> anyhow::Result<bool> {
        let window = self.of;
        match event {
            Event::Expose(part) => {
                let (x, y) = (part.x as i16, part.y as i16);
                if let Some(picture) = self.picture {
                    let (to, with) = (window.window, window.graphics);
                    window.x.copy_area(picture, to, with, x, y, x, y, part.width, part.height)?;
                }
            }
            Event::ConfigureNotify(now) => {
                let size = Size { width: now.width.into(), height: now.height.into() }.fitted();
                if size != self.size && self.asked.as_ref() != Some(&size) {
                    self.session.resize(size.clone());
                    self.asked = Some(size);
                }
            }
            Event::MappingNotify(_) => *window.keys.borrow_mut() = keys(&window.x)?,
            Event::KeyPress(key) => self.key(&key, false),
            Event::KeyRelease(key) => self.key(&key, true),
            Event::FocusOut(_) => {
                for (_, typed) in std::mem::take(&mut self.held) {
                    self.tell(&typed, true);
                }
            }
            Event::MotionNotify(now) => self.session.input(Input::Move((now.event_x.into(), now.event_y.into())), None),
            Event::ButtonPress(button) => self.button(&button, false),
            Event::ButtonRelease(button) => self.button(&button, true),
            Event::ClientMessage(message) if message.type_ == window.atoms.WM_PROTOCOLS => {
                return Ok(message.data.as_data32()[0] != window.atoms.WM_DELETE_WINDOW);
            }
            Event::DestroyNotify(_) => return Ok(false),
            event => {
                if let Some(selection) = &mut self.selection {
                    match event {
                        Event::SelectionRequest(event) => selection.requested(event)?,
                        Event::SelectionNotify(event) => selection.came(&event)?,
                        Event::PropertyNotify(event) => selection.changed(&event)?,
                        Event::XfixesSelectionNotify(event) => selection.owner_changed(&event)?,
                        _ => {}
                    }
                }
            }
        }
        Ok(true)
    }

    fn tell(&self, typed: &Typed, up: bool) {
        let input = |up| match typed {
            Typed::Key(scan, extended) => Input::Key(Key { scan: *scan, extended: *extended, up }),
            Typed::Unit(unit) => Input::Unicode((*unit, up)),
        };
        self.session.input(input(up), (!up).then(|| input(true)));
    }

    fn key(&mut self, key: &KeyPressEvent, up: bool) {
        if !up {
            let typed = self.of.keys.borrow().typed(key.detail, key.state.into());
            if let Some(typed) = typed {
                self.tell(&typed, false);
                self.held.insert(key.detail, typed);
            }
        } else if let Some(typed) = self.held.remove(&key.detail) {
            self.tell(&typed, true);
        }
    }

    fn button(&self, event: &ButtonPressEvent, up: bool) {
        self.session.input(Input::Move((event.event_x.into(), event.event_y.into())), None);
        // Numbers of buttons as servers have them: the wheel is four of them.
        let wheel = |amount, across| {
            if !up {
                self.session.input(Input::Wheel((amount, across)), None);
            }
        };
        let button = match event.detail {
            1 => Button::Left,
            2 => Button::Middle,
            3 => Button::Right,
            4 => return wheel(NOTCH, false),
            5 => return wheel(-NOTCH, false),
            6 => return wheel(-NOTCH, true),
            7 => return wheel(NOTCH, true),
            8 => Button::X1,
            9 => Button::X2,
            _ => return,
        };
        let release = (!up).then_some(Input::Button((button, true)));
        self.session.input(Input::Button((button, up)), release);
    }

    fn show(&mut self, show: Show) -> anyhow::Result<()> {
        match show {
            Show::Size(size) => self.resize(size),
            Show::Pixels(area, pixels) => self.draw(&area, &pixels),
            Show::Cursor(cursor) => self.cursor(&cursor),
            Show::Pointer(x, y) => {
                let (x, y) = (x.clamp(0, i16::MAX.into()) as i16, y.clamp(0, i16::MAX.into()) as i16);
                self.of.x.warp_pointer(x11rb::NONE, self.of.window, 0, 0, 0, 0, x, y)?;
                Ok(())
            }
            Show::ClipWanted(tag, clip) => match &mut self.selection {
                Some(selection) => selection.want(tag, clip),
                None => {
                    self.session.clip_answer(tag, &[]);
                    Ok(())
                }
            },
            Show::ClipOffer(clips) => self.selection.as_mut().map_or(Ok(()), |selection| selection.offer(&clips)),
            Show::ClipData(clip, bytes) => {
                self.selection.as_mut().map_or(Ok(()), |selection| selection.give(clip, &bytes))
            }
            Show::FileWanted(tag, _) => {
                self.session.file_answer(tag, None);
                Ok(())
            }
            // An X server plays nothing.
            Show::FileData(..) | Show::Sound(_) | Show::Over => Ok(()),
        }
    }

    /// The desktop has another size: so has the window, unless it was the window's that it follows.
    fn resize(&mut self, size: Size) -> anyhow::Result<()> {
        let Window { x, window, screen, .. } = self.of;
        if let Some(before) = self.picture.take() {
            x.free_pixmap(before)?;
        }
        let picture = x.generate_id()?;
        x.create_pixmap(screen.root_depth, picture, *window, size.width as u16, size.height as u16)?;
        self.picture = Some(picture);
        match &self.asked {
            Some(asked) if *asked == size => self.asked = None,
            Some(_) => {}
            None => {
                drop(x.configure_window(*window, &ConfigureWindowAux::new().width(size.width).height(size.height))?)
            }
        }
        self.size = size;
        Ok(())
    }

    fn draw(&self, area: &Area, pixels: &[u8]) -> anyhow::Result<()> {
        let Window { x, window, graphics, screen, .. } = self.of;
        let Some(picture) = self.picture else { return Ok(()) };
        let (width, left) = ((area.right - area.left) as usize, area.left as i16);
        let rows = ((x.maximum_request_bytes().saturating_sub(64)) / (width * 4)).max(1);
        let mut top = area.top;
        for part in pixels.chunks(rows * width * 4) {
            let count = part.len() / (width * 4);
            let format = ImageFormat::Z_PIXMAP;
            x.put_image(
                format,
                picture,
                *graphics,
                width as u16,
                count as u16,
                left,
                top as i16,
                0,
                screen.root_depth,
                part,
            )?;
            top += count as i32;
        }
        let (row, height) = (area.top as i16, (area.bottom - area.top) as u16);
        x.copy_area(picture, *window, *graphics, left, row, left, row, width as u16, height)?;
        Ok(())
    }

    fn cursor(&self, cursor: &Cursor) -> anyhow::Result<()> {
        let Window { x, window, argb, .. } = self.of;
        let Some(format) = *argb else { return Ok(()) };
        // One that is hidden is one pixel that is not there.
        let hidden = cursor.size.0 == 0;
        let (width, height) = if hidden { (1, 1) } else { (cursor.size.0 as u16, cursor.size.1 as u16) };
        let over = |value: u8, alpha: u8| (u16::from(value) * u16::from(alpha) / 255) as u8;
        let pixel =
            |pixel: &[u8]| [over(pixel[0], pixel[3]), over(pixel[1], pixel[3]), over(pixel[2], pixel[3]), pixel[3]];
        let pixels = if hidden { vec![0; 4] } else { cursor.pixels.chunks_exact(4).flat_map(pixel).collect() };
        let (bits, with, picture, made) = (x.generate_id()?, x.generate_id()?, x.generate_id()?, x.generate_id()?);
        x.create_pixmap(32, bits, *window, width, height)?;
        x.create_gc(with, bits, &CreateGCAux::new())?;
        x.put_image(ImageFormat::Z_PIXMAP, bits, with, width, height, 0, 0, 0, 32, &pixels)?;
        x.render_create_picture(picture, bits, format, &render::CreatePictureAux::new())?;
        x.render_create_cursor(made, picture, cursor.hot.0 as u16, cursor.hot.1 as u16)?;
        x.change_window_attributes(*window, &ChangeWindowAttributesAux::new().cursor(made))?;
        // The server keeps what it still needs.
        x.free_cursor(made)?;
        x.render_free_picture(picture)?;
        x.free_gc(with)?;
        x.free_pixmap(bits)?;
        Ok(())
    }
}
