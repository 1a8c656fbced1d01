//! A client's session as the protocol's crate wants it: what is shown, what is typed.

use crate::clipboard::{Channel, Factory};
use crate::hub::{Session, Show, Shown};
use crate::sound::{Factory as Sounds, Loudspeaker};
use crate::tls::Identity;
use bytes::Bytes;
use ironrdp_displaycontrol::pdu::DisplayControlMonitorLayout;
use ironrdp_pdu::pointer::PointerPositionAttribute;
use ironrdp_server::{
    BitmapUpdate, Credentials, DesktopSize, DisplayUpdate, KeyboardEvent, MouseEvent, PixelFormat, RGBAPointer,
    RdpServer, RdpServerDisplay, RdpServerDisplayUpdates, RdpServerInputHandler,
};
use shim_abi::display::{Button, Input, Key, Size};
use std::num::{NonZeroU16, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

/// The screen of a desktop that has not said yet how large it is.
const DEFAULT: Size = Size { width: 1024, height: 768 };
/// How long a desktop may take to have another size.
const RESIZE: Duration = Duration::from_secs(3);

/// A server for one connection. Who connects must know name and password before anything else of the protocol is looked at (NLA).
pub fn server(session: &Arc<Session>, identity: &Identity, login: &(String, String)) -> RdpServer {
    let channel = Arc::<Channel>::default();
    let ways = session.ways();
    let shared = ways.into || ways.out;
    let loudspeaker = Arc::<Loudspeaker>::default();
    let sounds = Sounds { session: session.clone(), loudspeaker: loudspeaker.clone() };
    let clipboard = shared.then(|| Box::new(Factory { session: session.clone(), channel: channel.clone() }) as _);
    let mut server = RdpServer::builder()
        // It is handed connections and makes no socket of its own.
        .with_addr(([127, 0, 0, 1], 0))
        .with_hybrid(identity.acceptor.clone(), identity.public_key.clone())
        .with_input_handler(Keys { session: session.clone(), place: (0, 0) })
        .with_display_handler(Screen { session: session.clone(), channel, loudspeaker })
        .with_cliprdr_factory(clipboard)
        .with_sound_factory(ways.sound.then(|| Box::new(sounds) as _))
        .with_honor_client_desktop_size(true)
        .build();
    let (username, password) = login.clone();
    server.set_credentials(Some(Credentials { username, password, domain: None }));
    server
}

fn desktop_size(size: &Size) -> DesktopSize {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    DesktopSize { width: side(size.width), height: side(size.height) }
}

struct Screen {
    session: Arc<Session>,
    channel: Arc<Channel>,
    loudspeaker: Arc<Loudspeaker>,
}

#[async_trait::async_trait]
impl RdpServerDisplay for Screen {
    async fn size(&mut self) -> DesktopSize {
        desktop_size(&self.session.size().unwrap_or(DEFAULT))
    }

    async fn request_initial_size(&mut self, client: DesktopSize) -> DesktopSize {
        // Only who has logged in comes this far.
        self.session.begins();
        let wanted = Size { width: client.width.into(), height: client.height.into() }.fitted();
        self.session.resize(wanted.clone());
        desktop_size(&self.session.await_size(&wanted, RESIZE).await.unwrap_or(DEFAULT))
    }

    async fn updates(&mut self) -> anyhow::Result<Box<dyn RdpServerDisplayUpdates>> {
        self.session.begins();
        let mut shown = Shown::default();
        self.session.has_size(&mut shown, &self.session.size().unwrap_or(DEFAULT));
        let (channel, loudspeaker) = (self.channel.clone(), self.loudspeaker.clone());
        Ok(Box::new(Updates { session: self.session.clone(), channel, loudspeaker, shown }))
    }

    fn request_layout(&mut self, layout: DisplayControlMonitorLayout) {
        let monitors = layout.monitors();
        let primary = monitors.iter().find(|monitor| monitor.is_primary()).or(monitors.first());
        if let Some(monitor) = primary {
            let (width, height) = monitor.dimensions();
            self.session.resize(Size { width, height });
        }
    }
}

struct Updates {
    session: Arc<Session>,
    channel: Arc<Channel>,
    loudspeaker: Arc<Loudspeaker>,
    shown: Shown,
}

#[async_trait::async_trait]
impl RdpServerDisplayUpdates for Updates {
    async fn next_update(&mut self) -> anyhow::Result<Option<DisplayUpdate>> {
        let show = loop {
            // What is about clipboards and sound goes another way.
            match self.session.next(&mut self.shown).await {
                Show::ClipOffer(clips) => self.channel.offer(&self.session, &clips),
                Show::ClipWanted(tag, clip) => self.channel.want(&self.session, tag, clip),
                Show::ClipData(clip, bytes) => self.channel.give(clip, bytes),
                Show::FileWanted(tag, range) => self.channel.want_file(&self.session, tag, &range),
                Show::FileData(stream, data) => self.channel.give_file(stream, data),
                Show::Sound(bytes) => self.loudspeaker.play(&self.session, &bytes),
                show => break show,
            }
        };
        Ok(match show {
            Show::Over
            | Show::ClipOffer(_)
            | Show::ClipWanted(..)
            | Show::ClipData(..)
            | Show::FileWanted(..)
            | Show::FileData(..)
            | Show::Sound(_) => None,
            Show::Size(size) => Some(DisplayUpdate::Resize(desktop_size(&size))),
            Show::Pointer(x, y) => {
                let side = |side: i32| u16::try_from(side.max(0)).unwrap_or(u16::MAX);
                Some(DisplayUpdate::PointerPosition(PointerPositionAttribute { x: side(x), y: side(y) }))
            }
            Show::Cursor(cursor) if cursor.size.0 == 0 => Some(DisplayUpdate::HidePointer),
            Show::Cursor(cursor) => {
                let stride = cursor.size.0 as usize * 4;
                // The protocol has the last row first.
                let data = cursor.pixels.chunks_exact(stride).rev().flatten().copied().collect();
                Some(DisplayUpdate::RGBAPointer(RGBAPointer {
                    cache_index: 0,
                    width: cursor.size.0 as u16,
                    height: cursor.size.1 as u16,
                    hot_x: cursor.hot.0 as u16,
                    hot_y: cursor.hot.1 as u16,
                    data,
                }))
            }
            Show::Pixels(area, pixels) => {
                let side = |from: i32, to: i32| u16::try_from(to - from).ok().and_then(NonZeroU16::new);
                let (width, height) = (side(area.left, area.right), side(area.top, area.bottom));
                let (Some(width), Some(height)) = (width, height) else { anyhow::bail!("an area is none") };
                Some(DisplayUpdate::Bitmap(BitmapUpdate {
                    x: u16::try_from(area.left)?,
                    y: u16::try_from(area.top)?,
                    width,
                    height,
                    format: PixelFormat::BgrX32,
                    data: Bytes::from(pixels),
                    stride: NonZeroUsize::from(NonZeroU16::from(width))
                        .saturating_mul(NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN)),
                }))
            }
        })
    }
}

struct Keys {
    session: Arc<Session>,
    /// Where the mouse is.
    place: (i32, i32),
}

impl Keys {
    fn button(&self, button: Button, up: bool) {
        let release = (!up).then_some(Input::Button((button, true)));
        self.session.input(Input::Button((button, up)), release);
    }
}

impl RdpServerInputHandler for Keys {
    fn keyboard(&mut self, event: KeyboardEvent) {
        let key = |code: u8, extended, up| Input::Key(Key { scan: code.into(), extended, up });
        match event {
            KeyboardEvent::Pressed { code, extended } => {
                self.session.input(key(code, extended, false), Some(key(code, extended, true)));
            }
            KeyboardEvent::Released { code, extended } => self.session.input(key(code, extended, true), None),
            KeyboardEvent::UnicodePressed(unit) => self.session.input(Input::Unicode((unit, false)), None),
            KeyboardEvent::UnicodeReleased(unit) => self.session.input(Input::Unicode((unit, true)), None),
            KeyboardEvent::Synchronize(flags) => self.session.input(Input::Locks(flags.bits() & 7), None),
        }
    }

    fn mouse(&mut self, event: MouseEvent) {
        match event {
            MouseEvent::Move { x, y } => {
                self.place = (x.into(), y.into());
                self.session.input(Input::Move(self.place), None);
            }
            MouseEvent::RelMove { x, y } => {
                self.place = (self.place.0.saturating_add(x).max(0), self.place.1.saturating_add(y).max(0));
                self.session.input(Input::Move(self.place), None);
            }
            MouseEvent::LeftPressed => self.button(Button::Left, false),
            MouseEvent::LeftReleased => self.button(Button::Left, true),
            MouseEvent::RightPressed => self.button(Button::Right, false),
            MouseEvent::RightReleased => self.button(Button::Right, true),
            MouseEvent::MiddlePressed => self.button(Button::Middle, false),
            MouseEvent::MiddleReleased => self.button(Button::Middle, true),
            MouseEvent::Button4Pressed => self.button(Button::X1, false),
            MouseEvent::Button4Released => self.button(Button::X1, true),
            MouseEvent::Button5Pressed => self.button(Button::X2, false),
            MouseEvent::Button5Released => self.button(Button::X2, true),
            MouseEvent::VerticalScroll { value } => self.session.input(Input::Wheel((value.into(), false)), None),
            MouseEvent::Scroll { x, y } => {
                for (delta, horizontal) in [(y, false), (x, true)] {
                    if delta != 0 {
                        self.session.input(Input::Wheel((delta.clamp(-32768, 32767), horizontal)), None);
                    }
                }
            }
        }
    }
}
