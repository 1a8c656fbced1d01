//! What a stream plays goes to whoever listens.

use super::RATE;
use super::format::Format;
use super::resample::Resampler;
use crate::kernel::Kernel;

/// Frames of silence after which nothing more of it goes over.
const QUIET: usize = RATE as usize;

/// A stream's way there, made when it plays while somebody listens.
#[derive(Default)]
pub struct Player {
    /// Its record in the sandbox's memory; 0 for none.
    voice: u32,
    resampler: Option<Resampler>,
    /// Frames of silence that went over without a sound between them.
    quiet: usize,
}

/// A frame as the sandbox's memory has it: the left sample in the lower half, the right one in the upper.
fn packed(left: f32, right: f32) -> u32 {
    let whole = |sample: f32| (sample * 32767.0).round().clamp(-32768.0, 32767.0) as i16 as u16;
    u32::from(whole(left)) | u32::from(whole(right)) << 16
}

impl Player {
    /// Plays whole frames; `volumes` has one for each sample of a frame. Who cannot be heard plays all the same.
    pub fn play(&mut self, k: &'static Kernel, format: &Format, volumes: &[f32], bytes: &[u8]) {
        let Ok((shm, me)) = k.member() else { return };
        if !shm.sound_is_heard() {
            return self.leave(k);
        }
        if self.voice == 0 {
            let mut tx = shm.begin();
            let Ok(voice) = tx.add_voice(me) else { return };
            if tx.commit().is_err() {
                return;
            }
            (self.voice, self.quiet) = (voice, 0);
        }
        if self.resampler.as_ref().is_none_or(|resampler| resampler.rate() != format.rate) {
            self.resampler = Some(Resampler::new(format.rate));
        }
        let Some(resampler) = &mut self.resampler else { return };
        let [left, right] = resampler.turn(format.frames(bytes, volumes));
        let frames: Vec<u32> = left.into_iter().zip(right).map(|(left, right)| packed(left, right)).collect();
        let silent = frames.iter().all(|frame| *frame == 0);
        self.quiet = if silent { self.quiet.saturating_add(frames.len()) } else { 0 };
        if self.quiet < QUIET {
            shm.play(self.voice, &frames);
        }
    }

    /// Is heard no more.
    pub fn leave(&mut self, k: &'static Kernel) {
        self.resampler = None;
        if self.voice != 0
            && let Ok((shm, _)) = k.member()
        {
            let mut tx = shm.begin();
            tx.drop_voice(self.voice);
            // Where the memory takes no change it goes with the process.
            let _ = tx.commit();
        }
        self.voice = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_to_what_there_is() {
        assert_eq!(packed(0.0, 0.0), 0);
        assert_eq!(packed(1.0, -1.0), 0x8001_7fff);
        assert_eq!(packed(9.0, -9.0), 0x8000_7fff);
    }
}
