//! The client's clipboard and the sandbox's: each is told what lies on the other, and gets it when it is wanted.

use super::files::{Incoming, Next, Outgoing};
use super::link::Link;
use crate::io::condrv::codepage;
use crate::kernel::Kernel;
use crate::nls;
use crate::shm::Shm;
use crate::shm::user::clipboard::{Found, id};
use crate::status::Nt;
use shim_abi::display::{Clip, Clipping, FileRange, Input, Notice, clip_parts};
use std::collections::VecDeque;

/// How long an owner may take to render something, ns.
const RENDERING: u64 = 5_000_000_000;
/// How long the client may take for a part of a file, ns.
const PART: u64 = 10_000_000_000;
/// What a client may ask for at a time.
const MOST: usize = 16;

/// In which formats a form may lie there, the best first.
const TEXTS: [u32; 3] = [id::UNICODE_TEXT, id::TEXT, id::OEM_TEXT];
const IMAGES: [u32; 3] = [id::DIB, id::DIB_V5, id::BITMAP];
const FILES: [u32; 1] = [id::DROP];

/// What is known of the two.
#[derive(Debug, Default)]
pub(super) struct Clipboards {
    /// Whether the client hears of the sandbox's, and the sequence number that it heard of.
    watched: bool,
    seen: u32,
    /// What the client offers, until it could be put there.
    offered: Option<Vec<u32>>,
    /// What it was asked for: tag and format; its answer as it comes in.
    asked: Option<(u32, u32)>,
    tag: u32,
    coming: Clipping,
    /// What it asks for; until when what the first one wants is being rendered.
    wanted: VecDeque<(u32, Clip)>,
    until: Option<u64>,
    /// Files that the client may read, and which parts of them it wants.
    outgoing: Outgoing,
    parts: VecDeque<(u32, FileRange)>,
    /// What the client says of its files; those that come in, under which tag the next part does, and until when.
    described: Option<Vec<u8>>,
    incoming: Option<(Incoming, u32, u64)>,
    part: Option<bool>,
}

fn formats(clip: Clip) -> &'static [u32] {
    match clip {
        Clip::Text => &TEXTS,
        Clip::Image => &IMAGES,
        Clip::Files => &FILES,
    }
}

/// The format that a client's clipboard gives directly.
fn format(clip: &Clip) -> u32 {
    match clip {
        Clip::Text => id::UNICODE_TEXT,
        Clip::Image => id::DIB,
        Clip::Files => id::DROP,
    }
}

impl Clipboards {
    /// Takes what the client says of clipboards; answers whether it was that.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(super) fn hear(&mut self, k: &'static Kernel, shm: &'static Shm, me: u32, input: &Input) -> Nt<bool> {
        match input {
            Input::ClipOffer(clips) => {
                let mut all: Vec<u32> = clips.iter().map(format).collect();
                all.sort_unstable();
                all.dedup();
                self.offered = Some(all);
                // What is on its way is of the one before.
                (self.asked, self.described, self.incoming) = (None, None, None);
            }
            Input::ClipWatch(watched) => {
                (self.watched, self.seen) = (*watched, 0);
                if *watched {
                    let mut tx = shm.begin();
                    tx.attach_outside(me)?;
                    tx.commit()?;
                }
            }
            Input::ClipWanted((tag, clip)) => {
                // One that asks more often than it is answered hears nothing of the last ones.
                self.wanted.truncate(MOST - 1);
                self.wanted.push_back((*tag, *clip));
            }
            Input::ClipData((tag, (more, part))) => {
                if let Some((tag, bytes)) = self.coming.add(*tag, *more, part)
                    && let Some((_, format)) = self.asked.take_if(|(asked, _)| *asked == tag)
                {
                    match format {
                        id::DROP => self.described = Some(bytes),
                        format => answer(shm, format, bytes)?,
                    }
                }
            }
            Input::FileWanted((tag, range)) => {
                self.parts.truncate(MOST - 1);
                self.parts.push_back((*tag, range.clone()));
            }
            Input::FileData((tag, data)) => {
                if let Some((incoming, _, until)) = self.incoming.as_mut().filter(|(_, asked, _)| asked == tag) {
                    *until = k.host.monotonic().saturating_add(PART);
                    self.part = Some(incoming.took(k, data.as_deref()));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Does what is to be done; tells the client.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, k: &'static Kernel, shm: &'static Shm, me: u32, link: &Link) -> Nt<()> {
        let now = (k.host.monotonic() / 1_000_000) as u32;
        if let Some(formats) = &self.offered {
            let locale = nls::user_locale(k);
            let mut tx = shm.begin();
            let took = if formats.is_empty() {
                tx.outside_has_nothing(me);
                true
            } else {
                tx.offer_from_outside(me, formats, locale, now)?
            };
            let sequence = tx.clipboard_roles().sequence;
            tx.commit()?;
            if took {
                // Its own is no news to it.
                (self.offered, self.seen) = (None, sequence);
                link.offer_is_there();
            }
        }
        let tx = shm.begin();
        let (wanted, sequence) = (tx.wanted_from_outside(me), tx.clipboard_roles().sequence);
        let news = (self.watched && sequence != self.seen && !tx.is_clipboard_open()).then(|| {
            let there = |clip: &Clip| tx.first_own_format(formats(*clip)).is_some();
            Clip::ALL.into_iter().filter(there).collect()
        });
        drop(tx);
        if let Some(wanted) = wanted
            && self.asked.is_none_or(|(_, asked)| asked != wanted)
            && self.described.is_none()
            && self.incoming.is_none()
        {
            self.tag = self.tag.wrapping_add(1);
            self.asked = Some((self.tag, wanted));
            let clip = Clip::ALL.into_iter().find(|clip| format(clip) == wanted).unwrap_or(Clip::Text);
            link.tell(&Notice::ClipWanted((self.tag, clip)))?;
        }
        self.take_files_in(k, shm, link)?;
        if let Some(clips) = news {
            self.seen = sequence;
            link.tell(&Notice::ClipOffer(clips))?;
        }
        self.answer_client(k, shm, link, now)
    }

    /// When it is to be looked again, if nobody says so before: ns.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.until.into_iter().chain(self.incoming.as_ref().map(|(_, _, until)| *until)).min()
    }

    /// Has the client bring the next part of its files, or tells the program that they are there.
    fn take_files_in(&mut self, k: &'static Kernel, shm: &'static Shm, link: &Link) -> Nt<()> {
        let now = k.host.monotonic();
        if let Some(described) = self.described.take() {
            match Incoming::begin(k, "clipboard", &described) {
                Some(incoming) => {
                    self.incoming = Some((incoming, 0, now.saturating_add(PART)));
                    self.part = Some(true);
                }
                None => answer(shm, id::DROP, Vec::new())?,
            }
        }
        let part = self.part.take();
        let Some((incoming, asked, until)) = &mut self.incoming else { return Ok(()) };
        let next = match part {
            Some(true) => incoming.next(k),
            Some(false) => Next::Failed,
            None if now >= *until => Next::Failed,
            None => return Ok(()),
        };
        let bytes = match next {
            Next::Want(range) => {
                self.tag = self.tag.wrapping_add(1);
                *asked = self.tag;
                let mut tx = shm.begin();
                tx.outside_goes_on();
                tx.commit()?;
                return link.tell(&Notice::FileWanted((self.tag, range)));
            }
            Next::Done(bytes) => bytes,
            Next::Failed => Vec::new(),
        };
        self.incoming = None;
        answer(shm, id::DROP, bytes)
    }

    fn answer_client(&mut self, k: &'static Kernel, shm: &'static Shm, link: &Link, now: u32) -> Nt<()> {
        while let Some((tag, range)) = self.parts.pop_front() {
            let data = self.outgoing.read(k, &range);
            link.tell(&Notice::FileData((tag, data)))?;
        }
        while let Some((tag, clip)) = self.wanted.front().copied() {
            let time = k.host.monotonic();
            let until = self.until.unwrap_or(time.saturating_add(RENDERING));
            let mut tx = shm.begin();
            let found = match tx.first_own_format(formats(clip)) {
                None => Some((0, Found::None)),
                Some(format) => tx.take_out(format)?.map(|found| (format, found)),
            };
            let first = self.until.is_none();
            if let Some((format, Found::Delayed)) = &found
                && first
            {
                tx.have_rendered(*format, now)?;
            }
            let waits = matches!(&found, None | Some((_, Found::Delayed))) && time < until;
            if !waits {
                tx.end_take_out();
            }
            tx.commit()?;
            if waits {
                self.until = Some(until);
                return Ok(());
            }
            let bytes = match found {
                Some((id::DROP, Found::Data(bytes, _))) => self.outgoing.take(k, &bytes).unwrap_or_default(),
                Some((format, Found::Data(bytes, _))) => converted(k, format, bytes).unwrap_or_default(),
                _ => Vec::new(),
            };
            self.until = None;
            self.wanted.pop_front();
            for part in clip_parts(&bytes) {
                link.tell(&Notice::ClipData((tag, part)))?;
            }
        }
        Ok(())
    }
}

/// Brings what a program wants of the client's.
fn answer(shm: &'static Shm, format: u32, mut bytes: Vec<u8>) -> Nt<()> {
    if format == id::UNICODE_TEXT && !bytes.is_empty() {
        bytes.truncate(bytes.len() & !1);
        bytes.extend([0, 0]);
    }
    let mut tx = shm.begin();
    let data = Some(bytes.as_slice()).filter(|bytes| !bytes.is_empty());
    if tx.answer_from_outside(format, data).and_then(|()| tx.commit()).is_err() {
        // More than there is room for: whoever wants it hears so.
        let mut tx = shm.begin();
        tx.answer_from_outside(format, None)?;
        tx.commit()?;
    }
    Ok(())
}

/// A format's data in the form that clients get; `None`: it is not what the format has.
fn converted(k: &'static Kernel, format: u32, bytes: Vec<u8>) -> Option<Vec<u8>> {
    match format {
        id::UNICODE_TEXT => {
            let end = bytes.chunks_exact(2).position(|unit| unit == [0, 0]).unwrap_or(bytes.len() / 2);
            bytes.get(..end * 2).map(<[u8]>::to_vec)
        }
        id::TEXT | id::OEM_TEXT => {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            let mut text = bytes.get(..end)?.to_vec();
            let page = if format == id::TEXT { codepage::ansi(k) } else { codepage::oem(k) };
            let wide = k.io.console.pages.decode(k, page, &mut text);
            Some(wide.into_iter().flat_map(u16::to_le_bytes).collect())
        }
        id::DIB => Some(bytes),
        id::DIB_V5 => of_dib_v5(&bytes),
        id::BITMAP => of_bitmap(&bytes),
        _ => None,
    }
}

/// Bytes of BITMAPINFOHEADER, and of BITMAPV5HEADER.
const INFO: u32 = 40;
const INFO_V5: usize = 124;
/// BI_BITFIELDS.
const BIT_FIELDS: u32 = 3;

/// CF_DIB of CF_DIBV5: of the longer header the first part, and behind it the masks if it has some.
fn of_dib_v5(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = bytes.split_at_checked(INFO_V5)?;
    let compression = u32::from_le_bytes(*header.get(16..)?.first_chunk::<4>()?);
    let masks = if compression == BIT_FIELDS { header.get(40..52)? } else { &[] };
    Some([&INFO.to_le_bytes(), header.get(4..INFO as usize)?, masks, rest].concat())
}

/// CF_DIB of what user32 makes of CF_BITMAP: a BITMAP of the 64-bit headers and its rows, the first one first, each of an even length.
fn of_bitmap(bytes: &[u8]) -> Option<Vec<u8>> {
    /// Bytes of BITMAP.
    const BITMAP: usize = 32;
    let (head, rows) = bytes.split_at_checked(BITMAP)?;
    let number = |at: usize| head.get(at..)?.first_chunk::<4>().map(|four| i32::from_le_bytes(*four));
    let bits = u16::from_le_bytes(*head.get(18..)?.first_chunk::<2>()?);
    let (width, height) = (u32::try_from(number(4)?).ok()?, number(8)?.unsigned_abs());
    // Others have colours that are the screen's.
    if !matches!(bits, 24 | 32) || width == 0 || height == 0 {
        return None;
    }
    let line = (width as usize).checked_mul(usize::from(bits))?.checked_add(15)? / 16 * 2;
    let stride = line.checked_add(3)? & !3;
    let size = stride.checked_mul(height as usize)?;
    if line.checked_mul(height as usize)? > rows.len() {
        return None;
    }
    let mut out = Vec::with_capacity(INFO as usize + size);
    for word in [INFO, width, height, 1 | u32::from(bits) << 16, 0, u32::try_from(size).ok()?, 0, 0, 0, 0] {
        out.extend(word.to_le_bytes());
    }
    for row in rows.chunks_exact(line).take(height as usize).rev() {
        out.extend_from_slice(row);
        out.resize(out.len() + stride - line, 0);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dib_of_version_5_becomes_one_that_everybody_knows() {
        let mut v5: Vec<u8> = (0..INFO_V5 as u8).collect();
        v5.extend([200, 201]);
        let plain = of_dib_v5(&v5).unwrap();
        assert_eq!((plain.len(), &plain[..5], &plain[40..]), (42, &[40, 0, 0, 0, 4][..], &[200, 201][..]));
        v5[16..20].copy_from_slice(&BIT_FIELDS.to_le_bytes());
        let masks = of_dib_v5(&v5).unwrap();
        assert_eq!((masks.len(), masks[40], masks[51]), (54, 40, 51));
        assert_eq!(of_dib_v5(&v5[..100]), None);
    }

    #[test]
    fn a_bitmap_is_turned_and_its_rows_filled() {
        let bitmap = |width: i32, height: i32, bits: u16, rows: &[u8]| {
            let mut all: Vec<u8> = [0, width, height, 0].into_iter().flat_map(i32::to_le_bytes).collect();
            all.extend([1, 0, bits as u8, 0]);
            all.resize(32, 0);
            all.extend(rows);
            of_bitmap(&all)
        };
        let dib = bitmap(1, 2, 24, &[1, 2, 3, 0, 4, 5, 6, 0]).unwrap();
        assert_eq!((&dib[4..12], &dib[14..16]), (&[1, 0, 0, 0, 2, 0, 0, 0][..], &[24, 0][..]));
        assert_eq!(dib[40..], [4, 5, 6, 0, 1, 2, 3, 0]);
        // Less than it says, nothing at all, more than there can be, colours that nobody knows.
        assert_eq!(bitmap(1, 3, 24, &[0; 8]), None);
        assert_eq!(bitmap(0, 0, 32, &[]), None);
        assert_eq!(bitmap(i32::MAX, i32::MIN, 32, &[0; 64]), None);
        assert_eq!(bitmap(8, 1, 8, &[0; 64]), None);
    }
}
