//! Sound on its way from programs to whoever listens.
//!
//! While a desktop's client listens, each stream that plays has a voice: a ring of frames of 48 kHz, which its process alone writes, by the
//! clock, and any desktop reads, each counting for itself how far. What is not read in time is written over; nobody waits for anybody. Without
//! a listener there are no voices, and programs look at one word.

use super::root;
use crate::shm::list::List;
use crate::shm::{Shm, Tx};
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};
use std::sync::atomic::Ordering;

/// Frames of a voice: 169 ms, so that one is a block of 32 KiB.
pub const RING: u32 = 8128;
/// Most voices of a sandbox; further streams are not heard.
const MOST: usize = 64;

/// Words of what there is one of.
mod block {
    /// The record of the member that listens, or of one of them; 0 for none.
    pub const LISTENER: u32 = 0;
    /// Counts what was played while somebody listens: who listens sleeps on this word.
    pub const SEQUENCE: u32 = 1;
    /// Every voice: a list.
    pub const VOICES: u32 = 2;
    /// Counts voices.
    pub const SERIAL: u32 = 4;
    /// Number of words.
    pub const COUNT: u32 = 5;
}

/// Words of a voice.
mod voice {
    /// Its place in the list.
    pub const NODE: u32 = 0;
    /// The member whose it is.
    pub const MEMBER: u32 = 2;
    /// Its number.
    pub const SERIAL: u32 = 3;
    /// Frames that were written, modulo 2^32.
    pub const WRITTEN: u32 = 4;
    /// The ring: a frame is a word, the left sample in its lower half, the right one in its upper.
    pub const FRAMES: u32 = 5;
}

/// A voice, as who listens finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// Its record.
    pub record: u32,
    /// Its number: another voice at the same place has another.
    pub serial: u32,
    /// Frames that were written, modulo 2^32.
    pub written: u32,
}

impl Tx<'_> {
    fn sound(&self) -> Option<u32> {
        self.user_root().map(|root| self.link(root + root::SOUND)).filter(|at| *at != 0)
    }

    /// A member listens from now on (its record), unless one does.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn attach_sound(&mut self, member: u32) -> Nt<()> {
        let at = match self.sound() {
            Some(at) => at,
            None => {
                let root = self.user()?;
                let at = self.allocate(block::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
                self.set(root + root::SOUND, at);
                at
            }
        };
        if self.link(at + block::LISTENER) == 0 {
            self.set(at + block::LISTENER, member);
        }
        Ok(())
    }

    /// A member listens no more, if it did: another one says so in its place.
    pub fn sound_loses(&mut self, member: u32) {
        if let Some(at) = self.sound()
            && self.link(at + block::LISTENER) == member
        {
            self.set(at + block::LISTENER, 0);
            self.after.sound = true;
        }
    }

    /// A voice for a stream of a member's.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, also where there are [`MOST`] already, or nobody ever listened.
    pub fn add_voice(&mut self, member: u32) -> Nt<u32> {
        let at = self.sound().ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let voices = List(at + block::VOICES);
        if voices.nodes(self).len() >= MOST {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let record = self.allocate_bulk(voice::FRAMES + RING).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let serial = self.get(at + block::SERIAL).wrapping_add(1);
        self.set(at + block::SERIAL, serial);
        for (word, value) in [(voice::MEMBER, member), (voice::SERIAL, serial), (voice::WRITTEN, 0)] {
            self.set(record + word, value);
        }
        voices.push(self, record + voice::NODE);
        Ok(record)
    }

    /// A voice goes, if it is there.
    pub fn drop_voice(&mut self, record: u32) {
        let Some(at) = self.sound() else { return };
        let voices = List(at + block::VOICES);
        if voices.nodes(self).contains(&(record + voice::NODE)) {
            voices.remove(self, record + voice::NODE);
            self.free(record);
        }
    }

    /// All voices of a member's go.
    pub(in crate::shm) fn drop_voices(&mut self, member: u32) {
        let gone = self.voices().into_iter().filter(|one| self.get(one.record + voice::MEMBER) == member);
        for one in gone.collect::<Vec<Voice>>() {
            self.drop_voice(one.record);
        }
    }

    /// All voices.
    pub fn voices(&self) -> Vec<Voice> {
        let Some(at) = self.sound() else { return Vec::new() };
        let of = |node: u32| {
            let record = node - voice::NODE;
            Voice { record, serial: self.get(record + voice::SERIAL), written: self.get(record + voice::WRITTEN) }
        };
        List(at + block::VOICES).nodes(self).into_iter().take(MOST).map(of).collect()
    }

    /// So many frames of a voice from one on: left and right sample of each. Those that were written over are what lies there.
    pub fn frames_of(&self, one: Voice, from: u32, count: u32) -> impl Iterator<Item = [i16; 2]> {
        let ring = one.record + voice::FRAMES;
        (0..count).map(move |index| {
            let frame = self.shm.load(ring + from.wrapping_add(index) % RING);
            [frame as i16, (frame >> 16) as i16]
        })
    }
}

impl Shm {
    fn sound_block(&self) -> Option<u32> {
        let root = Some(self.link(super::ROOT)).filter(|at| *at != 0)?;
        Some(self.link(root + root::SOUND)).filter(|at| *at != 0)
    }

    /// Whether somebody listens.
    pub fn sound_is_heard(&self) -> bool {
        self.sound_block().is_some_and(|at| self.load(at + block::LISTENER) != 0)
    }

    /// Plays frames on a voice of this member's, and tells who listens.
    pub fn play(&self, record: u32, frames: &[u32]) {
        let mut written = self.load(record + voice::WRITTEN);
        for frame in frames {
            self.store(record + voice::FRAMES + written % RING, *frame);
            written = written.wrapping_add(1);
        }
        // Who sees this sees what was written before.
        self.store(record + voice::WRITTEN, written);
        self.ring_sound();
    }

    /// Who listens looks.
    pub fn ring_sound(&self) {
        if let Some(at) = self.sound_block() {
            let word = self.word(at + block::SEQUENCE);
            word.fetch_add(1, Ordering::SeqCst);
            self.members.wake_shared(word, u32::MAX);
        }
    }

    /// How often something was played: who listens asks before it looks.
    pub fn sound_sequence(&self) -> u32 {
        self.sound_block().map_or(0, |at| self.load(at + block::SEQUENCE))
    }

    /// Who listens sleeps until something is played, unless it was since `sequence`.
    pub fn await_sound(&self, sequence: u32) {
        if let Some(at) = self.sound_block() {
            self.members.wait_shared(self.word(at + block::SEQUENCE), sequence, None);
        }
    }
}
