//! What programs play, mixed for the client that wants to hear it: by the clock while something plays, else asleep.

use super::link::Link;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::sound::Voice;
use crate::status::Nt;
use shim_abi::display::{Notice, SOUND_RATE};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How often something is told, ns, and frames of that.
const TICK: u64 = 20_000_000;
/// See [`TICK`].
const FRAMES: u32 = SOUND_RATE / 50;
/// Frames of a voice that are waited for before it is heard: streams write theirs whenever their threads run.
const AHEAD: u32 = FRAMES * 2;
/// Frames behind which a voice is not left: what is older is not heard.
const BEHIND: u32 = AHEAD + FRAMES * 5;
/// Ticks without anything new after which a voice has nothing more to say.
const STILL: u32 = 2;

/// A voice that is heard.
struct Heard {
    record: u32,
    serial: u32,
    /// Frames of it that were taken, modulo 2^32.
    read: u32,
    /// Frames that it had at the last tick, and ticks since there were new ones.
    written: u32,
    still: u32,
    /// Whether enough is there: it goes on until nothing is.
    runs: bool,
}

/// Mixes voices, a tick at a time.
#[derive(Default)]
struct Mixer {
    heard: Vec<Heard>,
}

impl Mixer {
    /// What is to be heard in the next tick; `None` if that is nothing. `take` gives so many frames of a voice from one on.
    fn mix<I: Iterator<Item = [i16; 2]>>(
        &mut self,
        voices: &[Voice],
        take: impl Fn(Voice, u32, u32) -> I,
    ) -> Option<Vec<u8>> {
        self.heard.retain(|heard| voices.iter().any(|one| (one.record, one.serial) == (heard.record, heard.serial)));
        let mut sum: Option<Vec<[i32; 2]>> = None;
        for one in voices {
            let known = self.heard.iter().position(|heard| heard.record == one.record);
            let at = known.unwrap_or_else(|| {
                // One that began before anybody listened here is heard from now on.
                let read = if one.written > BEHIND { one.written - AHEAD } else { 0 };
                let Voice { record, serial, written } = *one;
                self.heard.push(Heard { record, serial, read, written, still: 0, runs: false });
                self.heard.len() - 1
            });
            let Some(heard) = self.heard.get_mut(at) else { continue };
            heard.still = if heard.written == one.written { heard.still.saturating_add(1) } else { 0 };
            heard.written = one.written;
            let mut there = one.written.wrapping_sub(heard.read);
            if there > BEHIND {
                heard.read = one.written.wrapping_sub(AHEAD);
                there = AHEAD;
            }
            heard.runs = there >= if heard.runs || heard.still >= STILL { 1 } else { AHEAD };
            if !heard.runs {
                continue;
            }
            let count = there.min(FRAMES);
            let sum = sum.get_or_insert_with(|| vec![[0; 2]; FRAMES as usize]);
            for (sum, frame) in sum.iter_mut().zip(take(*one, heard.read, count)) {
                *sum = [sum[0] + i32::from(frame[0]), sum[1] + i32::from(frame[1])];
            }
            heard.read = heard.read.wrapping_add(count);
        }
        let cut = |sample: i32| sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        sum.map(|sum| sum.into_iter().flatten().flat_map(|sample| cut(sample).to_le_bytes()).collect())
    }

    /// Whether every voice has said what it had to say.
    fn is_done(&self) -> bool {
        self.heard.iter().all(|heard| heard.still >= STILL && heard.read == heard.written)
    }
}

/// The thread that mixes, from the first client on that wants to hear something.
#[derive(Default)]
pub(super) struct Sound {
    wanted: Option<Arc<AtomicBool>>,
}

impl Sound {
    /// The client wants to hear what is played from now on, or no more.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`, and what the host answers.
    pub(super) fn watch(
        &mut self,
        k: &'static Kernel,
        shm: &'static Shm,
        me: u32,
        link: &'static Link,
        wanted: bool,
    ) -> Nt<()> {
        if !wanted && self.wanted.is_none() {
            return Ok(());
        }
        let mut tx = shm.begin();
        if wanted {
            tx.attach_sound(me)?;
        } else {
            tx.sound_loses(me);
        }
        tx.commit()?;
        if let Some(known) = &self.wanted {
            known.store(wanted, Ordering::SeqCst);
        } else {
            let flag = Arc::new(AtomicBool::new(wanted));
            self.wanted = Some(flag.clone());
            k.host.spawn_worker(Box::new(move || {
                // Without a link there is no client, and the process ends.
                let _ = work(k, shm, me, link, &flag);
            }))?;
        }
        shm.ring_sound();
        Ok(())
    }
}

fn work(k: &'static Kernel, shm: &'static Shm, me: u32, link: &'static Link, wanted: &AtomicBool) -> Nt<()> {
    let (mut mixer, mut next) = (Mixer::default(), 0);
    let never = AtomicU32::new(0);
    loop {
        let sequence = shm.sound_sequence();
        if !wanted.load(Ordering::SeqCst) {
            mixer = Mixer::default();
            shm.await_sound(sequence);
            continue;
        }
        if !shm.sound_is_heard() {
            // Another desktop's client listened, and does no more.
            let mut tx = shm.begin();
            tx.attach_sound(me)?;
            tx.commit()?;
        }
        let tx = shm.begin();
        let mixed = mixer.mix(&tx.voices(), |one, from, count| tx.frames_of(one, from, count));
        drop(tx);
        if let Some(bytes) = mixed {
            link.tell(&Notice::Sound(bytes))?;
        }
        if mixer.is_done() {
            shm.await_sound(sequence);
            next = k.host.monotonic();
            continue;
        }
        let now = k.host.monotonic();
        next += TICK;
        // A client that did not read, or a sandbox that stood still: what was missed is left out.
        if now > next + 5 * TICK {
            next = now;
        }
        while k.host.monotonic() < next {
            k.host.wait(&never, 0, Some(next));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice that plays its own frame numbers on the left, and one sample on the right.
    fn one(record: u32, written: u32) -> Voice {
        Voice { record, serial: record, written }
    }

    fn take(voice: Voice, from: u32, count: u32) -> std::vec::IntoIter<[i16; 2]> {
        let right = voice.record as i16;
        (0..count).map(|at| [from.wrapping_add(at) as i16, right]).collect::<Vec<_>>().into_iter()
    }

    fn samples(bytes: &[u8]) -> Vec<[i16; 2]> {
        let frame = |bytes: &[u8]| [i16::from_le_bytes([bytes[0], bytes[1]]), i16::from_le_bytes([bytes[2], bytes[3]])];
        bytes.chunks_exact(4).map(frame).collect()
    }

    #[test]
    fn a_voice_is_heard_whole_once_enough_of_it_is_there() {
        let mut mixer = Mixer::default();
        assert_eq!(mixer.mix(&[one(9, 10)], take), None, "there is too little");
        assert!(!mixer.is_done());
        let mut heard = Vec::new();
        let mut written = 10;
        for _ in 0..10 {
            written += FRAMES;
            heard.extend(mixer.mix(&[one(9, written)], take).into_iter().flat_map(|bytes| samples(&bytes)));
        }
        // It ends: what is left comes, then silence to the tick's end, then nothing.
        for _ in 0..5 {
            heard.extend(mixer.mix(&[one(9, written)], take).into_iter().flat_map(|bytes| samples(&bytes)));
        }
        let expected: Vec<[i16; 2]> = (0..written).map(|at| [at as i16, 9]).collect();
        assert_eq!(heard[..written as usize], expected);
        assert!(heard[written as usize..].iter().all(|frame| *frame == [0, 0]));
        assert!(heard.len() < written as usize + FRAMES as usize);
        assert!(mixer.is_done());
        // A short one is heard as well.
        assert_eq!(mixer.mix(&[one(9, written + 3)], take), None);
        assert_eq!(mixer.mix(&[one(9, written + 3)], take), None);
        let last = mixer.mix(&[one(9, written + 3)], take).map(|bytes| samples(&bytes)[..4].to_vec()).unwrap();
        assert_eq!(last[0], [written as i16, 9]);
        assert_eq!(last[3], [0, 0]);
    }

    #[test]
    fn voices_are_added_and_cut() {
        let mut mixer = Mixer::default();
        let loud = |voice: Voice, _: u32, count: u32| {
            let sign = if voice.record == 3 { -1 } else { 1 };
            vec![[30000, 30000 * sign]; count as usize].into_iter()
        };
        let all = [one(1, AHEAD), one(2, AHEAD), one(3, AHEAD)];
        let mixed = samples(&mixer.mix(&all, loud).unwrap());
        assert_eq!(mixed.len(), FRAMES as usize);
        assert!(mixed.iter().all(|frame| *frame == [i16::MAX, 30000]));
    }

    #[test]
    fn what_is_too_old_is_left_out_whatever_a_voice_says() {
        let mut mixer = Mixer::default();
        // One that played before anybody listened.
        assert!(mixer.mix(&[one(1, 1 << 20)], take).is_some());
        assert_eq!(mixer.heard[0].read, (1 << 20) - AHEAD + FRAMES);
        // One that jumps, and one that goes back.
        for written in [5, u32::MAX, 0, 1 << 31] {
            if let Some(bytes) = mixer.mix(&[one(1, written)], take) {
                assert_eq!(bytes.len(), FRAMES as usize * 4);
            }
            assert!(mixer.heard[0].written.wrapping_sub(mixer.heard[0].read) <= BEHIND);
        }
        // Another one at the same place.
        let other = Voice { record: 1, serial: 77, written: 3 };
        assert_eq!(mixer.mix(&[other], take), None);
        assert_eq!((mixer.heard.len(), mixer.heard[0].read), (1, 0));
        assert_eq!(mixer.mix(&[], take), None);
        assert!(mixer.is_done());
    }
}
