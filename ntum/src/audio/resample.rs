//! Frames of whatever rate become frames of [`super::RATE`].

use super::RATE;
use rubato::{Resampler as _, SincFixedIn, SincInterpolationParameters, SincInterpolationType, WindowFunction};

/// Frames that are turned at once.
const CHUNK: usize = 64;

/// For one stream: what was not enough for a chunk waits for the next.
pub struct Resampler {
    rate: u32,
    turns: Option<SincFixedIn<f32>>,
    waiting: [Vec<f32>; 2],
    made: [Vec<f32>; 2],
}

impl Resampler {
    /// From so many frames a second.
    pub fn new(rate: u32) -> Resampler {
        let parameters = SincInterpolationParameters {
            sinc_len: 64,
            f_cutoff: 0.92,
            oversampling_factor: 128,
            interpolation: SincInterpolationType::Linear,
            window: WindowFunction::BlackmanHarris2,
        };
        let ratio = f64::from(RATE) / f64::from(rate.max(1));
        let turns = (rate != RATE).then(|| SincFixedIn::new(ratio, 1.0, parameters, CHUNK, 2).ok()).flatten();
        let room = turns.as_ref().map_or(0, |turns| turns.output_frames_max());
        Resampler { rate, turns, waiting: Default::default(), made: [vec![0.0; room], vec![0.0; room]] }
    }

    /// The rate that it takes.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// What frames become, as far as there are enough.
    pub fn turn(&mut self, frames: [Vec<f32>; 2]) -> [Vec<f32>; 2] {
        let Some(turns) = &mut self.turns else { return frames };
        for (waiting, frames) in self.waiting.iter_mut().zip(&frames) {
            waiting.extend_from_slice(frames);
        }
        let mut out = [Vec::new(), Vec::new()];
        while let [Some(left), Some(right)] = self.waiting.each_ref().map(|side| side.get(..CHUNK)) {
            let Ok((_, count)) = turns.process_into_buffer(&[left, right], &mut self.made, None) else { break };
            for (out, made) in out.iter_mut().zip(&self.made) {
                out.extend_from_slice(made.get(..count).unwrap_or_default());
            }
            self.waiting.iter_mut().for_each(|side| drop(side.drain(..CHUNK)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passages from below zero to above it.
    fn rises(samples: &[f32]) -> usize {
        samples.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count()
    }

    #[test]
    fn a_tone_stays_the_tone_that_it_is() {
        for rate in [1000, 8000, 11025, 22050, 44100, 48000, 96000, 384_000] {
            // Far below what so few frames can hold.
            let pitch = 440.min(rate / 8);
            let turn = f64::from(pitch) * std::f64::consts::TAU / f64::from(rate);
            let tone = |at: u32| (f64::from(at) * turn).sin() as f32 * 0.5;
            let mut turns = Resampler::new(rate);
            let mut heard = Vec::new();
            // A second, in parts that fit no chunk.
            for part in (0..rate).collect::<Vec<u32>>().chunks(441) {
                let samples: Vec<f32> = part.iter().map(|at| tone(*at)).collect();
                let [left, right] = turns.turn([samples.clone(), samples]);
                assert_eq!(left, right);
                heard.extend(left);
            }
            let (frames, count) = (heard.len() as i64, rises(&heard) as i64);
            // What waits for a chunk, and half a window.
            let late = (CHUNK as i64 + 40) * 48000 / i64::from(rate) + 20;
            assert!((48000 - late..48100).contains(&frames), "{rate}: {frames}");
            let expected = frames * i64::from(pitch) / 48000;
            assert!((count - expected).abs() <= 2, "{rate}: {count}, not {expected}");
            let peak = heard.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
            assert!((0.45..0.56).contains(&peak), "{rate}: {peak}");
        }
    }
}
