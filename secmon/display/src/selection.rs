//! The clipboard of the X server that shows the desktop in a window (ICCCM: selections): text and images, as far as the sandbox's policy lets them through,
//! which the hub sees to. Each side is told what the other has; the data goes over when somebody pastes.

use crate::hub::Session;
use shim_abi::display::{Clip, MAX_CLIP};
use std::collections::VecDeque;
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, EventMask, PropMode, Property, PropertyNotifyEvent, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

/// Programs that may wait for what they asked for.
const MOST: usize = 8;

x11rb::atom_manager! {
    /// Names that the server has numbers for.
    Atoms: AtomsCookie {
        CLIPBOARD,
        TARGETS,
        INCR,
        UTF8_STRING,
        TEXT: b"text/plain;charset=utf-8",
        BITMAP: b"image/bmp",
        FORMS: b"PORTCULLIS_CLIPBOARD_FORMS",
        DATA: b"PORTCULLIS_CLIPBOARD",
    }
}

/// What goes between the clipboards.
pub struct Selection<'a> {
    x: &'a RustConnection,
    window: u32,
    atoms: Atoms,
    session: &'a Session,
    /// What the sandbox has, while its clipboard is the server's.
    ours: Vec<Clip>,
    /// Who asked for it, and for what.
    askers: VecDeque<(Clip, SelectionRequestEvent)>,
    /// What a program in the sandbox waits for; what came of it so far, if it comes in parts.
    wanted: Option<(u32, Clip)>,
    parts: Option<Vec<u8>>,
}

impl<'a> Selection<'a> {
    /// Begins: `None` where the server does not tell of its clipboard.
    ///
    /// # Errors
    /// That the server is gone.
    pub fn new(x: &'a RustConnection, window: u32, session: &'a Session) -> anyhow::Result<Option<Self>> {
        if x.extension_information(xfixes::X11_EXTENSION_NAME)?.is_none() {
            return Ok(None);
        }
        x.xfixes_query_version(1, 0)?.reply()?;
        let atoms = Atoms::new(x)?.reply()?;
        x.xfixes_select_selection_input(window, atoms.CLIPBOARD, xfixes::SelectionEventMask::SET_SELECTION_OWNER)?;
        let (ours, askers) = (Vec::new(), VecDeque::new());
        let selection = Selection { x, window, atoms, session, ours, askers, wanted: None, parts: None };
        let owner = x.get_selection_owner(atoms.CLIPBOARD)?.reply()?.owner;
        selection.has_owner(owner)?;
        Ok(Some(selection))
    }

    /// Another program's clipboard is the server's, or none's.
    fn has_owner(&self, owner: u32) -> anyhow::Result<()> {
        match owner {
            NONE => self.session.clip_offer(Vec::new()),
            _ => self.ask(self.atoms.TARGETS)?,
        }
        Ok(())
    }

    fn ask(&self, target: Atom) -> anyhow::Result<()> {
        // What there is and what it is are asked for at the same time: one answer must not be taken for the other.
        let property = if target == self.atoms.TARGETS { self.atoms.FORMS } else { self.atoms.DATA };
        self.x.convert_selection(self.window, self.atoms.CLIPBOARD, target, property, CURRENT_TIME)?;
        Ok(())
    }

    /// The server's clipboard has another owner.
    pub fn owner_changed(&mut self, event: &xfixes::SelectionNotifyEvent) -> anyhow::Result<()> {
        if event.owner == self.window || event.selection != self.atoms.CLIPBOARD {
            return Ok(());
        }
        self.ours.clear();
        self.answer(&[]);
        self.has_owner(event.owner)
    }

    /// The sandbox has that on its clipboard: from now on it is the server's.
    pub fn offer(&mut self, clips: &[Clip]) -> anyhow::Result<()> {
        let clips: Vec<Clip> = clips.iter().copied().filter(|clip| *clip != Clip::Files).collect();
        if clips.is_empty() && self.ours.is_empty() {
            return Ok(());
        }
        let owner = if clips.is_empty() { NONE } else { self.window };
        self.ours = clips;
        self.x.set_selection_owner(owner, self.atoms.CLIPBOARD, CURRENT_TIME)?;
        Ok(())
    }

    fn clip_of(&self, target: Atom) -> Option<Clip> {
        let Atoms { UTF8_STRING, TEXT, BITMAP, .. } = self.atoms;
        let clip = if [UTF8_STRING, TEXT].contains(&target) { Clip::Text } else { Clip::Image };
        [UTF8_STRING, TEXT, BITMAP].contains(&target).then_some(clip)
    }

    /// A program pastes what the sandbox has.
    pub fn requested(&mut self, event: SelectionRequestEvent) -> anyhow::Result<()> {
        // Old programs leave the property out.
        let property = if event.property == NONE { event.target } else { event.property };
        let event = SelectionRequestEvent { property, ..event };
        if event.target == self.atoms.TARGETS {
            let Atoms { TARGETS, UTF8_STRING, TEXT, BITMAP, .. } = self.atoms;
            let mut targets = vec![TARGETS];
            for clip in &self.ours {
                match clip {
                    Clip::Text => targets.extend([UTF8_STRING, TEXT]),
                    _ => targets.push(BITMAP),
                }
            }
            self.x.change_property32(PropMode::REPLACE, event.requestor, property, AtomEnum::ATOM, &targets)?;
            return self.tell(&event, true);
        }
        let clip = self.clip_of(event.target).filter(|clip| self.ours.contains(clip));
        match clip {
            Some(clip) if self.askers.len() < MOST && self.session.clip_ask(clip) => {
                self.askers.push_back((clip, event));
                Ok(())
            }
            _ => self.tell(&event, false),
        }
    }

    /// Tells who asked that it is there, or is not to be had.
    fn tell(&self, event: &SelectionRequestEvent, there: bool) -> anyhow::Result<()> {
        let SelectionRequestEvent { time, requestor, selection, target, .. } = *event;
        let property = if there { event.property } else { NONE };
        let told = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time,
            requestor,
            selection,
            target,
            property,
        };
        // Whoever went meanwhile is not told.
        self.x.send_event(false, requestor, EventMask::NO_EVENT, told)?.ignore_error();
        Ok(())
    }

    /// What the sandbox has is there: whoever asked for it gets it.
    pub fn give(&mut self, clip: Clip, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(at) = self.askers.iter().position(|(asked, _)| *asked == clip) else { return Ok(()) };
        let Some((_, event)) = self.askers.remove(at) else { return Ok(()) };
        let data = match clip {
            Clip::Text => Some(outer_text(bytes)).filter(|text| !text.is_empty()),
            Clip::Image => bitmap_file(bytes),
            Clip::Files => None,
        };
        // More than the server takes at a time is more than a clipboard has, nearly.
        let fits = |data: &Vec<u8>| data.len() + 64 <= self.x.maximum_request_bytes();
        let Some(data) = data.filter(fits) else { return self.tell(&event, false) };
        let (to, property) = (event.requestor, event.property);
        self.x.change_property8(PropMode::REPLACE, to, property, event.target, &data)?.ignore_error();
        self.tell(&event, true)
    }

    /// A program in the sandbox pastes what the server has.
    pub fn want(&mut self, tag: u32, clip: Clip) -> anyhow::Result<()> {
        // Whoever owns it did not answer for the one before.
        self.answer(&[]);
        self.wanted = Some((tag, clip));
        match clip {
            Clip::Text => self.ask(self.atoms.UTF8_STRING),
            Clip::Image => self.ask(self.atoms.BITMAP),
            Clip::Files => {
                self.answer(&[]);
                Ok(())
            }
        }
    }

    /// Answers who waits, if somebody does.
    fn answer(&mut self, data: &[u8]) {
        self.parts = None;
        let Some((tag, clip)) = self.wanted.take() else { return };
        let bytes = match clip {
            Clip::Text => inner_text(data),
            // A file's header is left out.
            _ => data.get(14..).filter(|_| data.starts_with(b"BM")).unwrap_or_default().to_vec(),
        };
        let fits = bytes.len() <= MAX_CLIP;
        if !fits {
            eprintln!("portcullis-display: what lies on the clipboard is too long: {} bytes", bytes.len());
        }
        self.session.clip_answer(tag, if fits { &bytes } else { &[] });
    }

    /// What the server's clipboard has came, or did not.
    pub fn came(&mut self, event: &SelectionNotifyEvent) -> anyhow::Result<()> {
        if event.requestor != self.window || event.selection != self.atoms.CLIPBOARD {
            return Ok(());
        }
        let is_wanted = self.wanted.is_some_and(|(_, clip)| self.clip_of(event.target) == Some(clip));
        if event.target != self.atoms.TARGETS && !is_wanted {
            // What nobody waits for any more.
            return Ok(());
        }
        if event.property == NONE {
            if event.target == self.atoms.TARGETS {
                self.session.clip_offer(Vec::new());
            } else {
                self.answer(&[]);
            }
            return Ok(());
        }
        let (kind, data) = self.property(event.property)?;
        if kind == NONE {
            // It was asked for twice, and the second answer was there when that to the first was read.
        } else if event.target == self.atoms.TARGETS {
            let targets: Vec<Atom> = data.as_chunks::<4>().0.iter().map(|four| Atom::from_ne_bytes(*four)).collect();
            let has = |clip: &Clip| targets.iter().any(|target| self.clip_of(*target) == Some(*clip));
            self.session.clip_offer([Clip::Text, Clip::Image].into_iter().filter(has).collect());
        } else if kind == self.atoms.INCR {
            self.parts = Some(Vec::new());
        } else {
            self.answer(&data);
        }
        Ok(())
    }

    /// A property changed: the next part may be there.
    pub fn changed(&mut self, event: &PropertyNotifyEvent) -> anyhow::Result<()> {
        if event.window != self.window || event.atom != self.atoms.DATA || event.state != Property::NEW_VALUE {
            return Ok(());
        }
        let Some(mut parts) = self.parts.take() else { return Ok(()) };
        let (_, data) = self.property(event.atom)?;
        if data.is_empty() {
            self.answer(&parts);
            return Ok(());
        }
        // Of what is too long no more is kept than tells so.
        if parts.len() <= 2 * MAX_CLIP {
            parts.extend(data);
        }
        self.parts = Some(parts);
        Ok(())
    }

    /// What was left for us, which is taken away: its type, and the bytes.
    fn property(&self, property: Atom) -> anyhow::Result<(Atom, Vec<u8>)> {
        let most = (2 * MAX_CLIP / 4) as u32;
        let left = self.x.get_property(true, self.window, property, AtomEnum::ANY, 0, most)?.reply()?;
        Ok((left.type_, left.value))
    }
}

/// Text of the sandbox's (UTF-16, lines end as Windows has it) as this host has it.
fn outer_text(bytes: &[u8]) -> Vec<u8> {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16_lossy(&units).replace("\r\n", "\n").into_bytes()
}

/// The other way.
fn inner_text(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\n', "\r\n");
    let text = text.split('\0').next().unwrap_or_default();
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A bitmap without its file's header (CF_DIB), with one; `None` if it is none.
fn bitmap_file(dib: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| Some(u32::from_le_bytes(dib.get(at..at + 4)?.try_into().ok()?));
    let (header, bits, compression, colours) = (word(0)?, word(12)? >> 16, word(16)?, word(32)?);
    let colours = match (bits, colours) {
        (1..=8, 0) => 1 << bits,
        (_, colours) => colours,
    };
    // BI_BITFIELDS has its masks behind a short header.
    let masks = if header == 40 && compression == 3 { 12 } else { 0 };
    let pixels = colours.checked_mul(4)?.checked_add(header)?.checked_add(14 + masks)?;
    let size = u32::try_from(dib.len()).ok()?.checked_add(14).filter(|size| pixels <= *size && header >= 40)?;
    let mut file = b"BM".to_vec();
    for word in [size, 0, pixels] {
        file.extend(word.to_le_bytes());
    }
    file.extend_from_slice(dib);
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_each_side_has_it() {
        let inner: Vec<u8> = "é\r\n2".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(outer_text(&inner), "é\n2".as_bytes());
        assert_eq!(inner_text("é\n2".as_bytes()), inner);
        assert_eq!(inner_text("é\r\n2\0rest".as_bytes()), inner);
        assert!(!inner_text(&[0xff, 0xfe]).is_empty());
    }

    #[test]
    fn a_bitmap_gets_the_header_of_a_file() {
        let mut dib = vec![0; 40];
        dib[0] = 40;
        dib[14] = 24;
        dib.extend([1, 2, 3, 0]);
        let file = bitmap_file(&dib).unwrap();
        assert_eq!((&file[..2], &file[2..6], &file[10..14]), (&b"BM"[..], &[58, 0, 0, 0][..], &[54, 0, 0, 0][..]));
        // One with a table of colours, one with masks.
        dib[14] = 8;
        assert_eq!(bitmap_file(&dib), None, "its colours are not there");
        dib[32] = 1;
        assert_eq!(bitmap_file(&dib).unwrap()[10], 58);
        (dib[14], dib[16], dib[32]) = (32, 3, 0);
        assert_eq!(bitmap_file(&dib), None, "its masks are not all there");
        dib.extend([0; 12]);
        assert_eq!(bitmap_file(&dib).unwrap()[10], 66);
        dib[32..36].fill(0xff);
        assert_eq!(bitmap_file(&dib), None);
        assert_eq!(bitmap_file(&dib[..20]), None);
    }
}
