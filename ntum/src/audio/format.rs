//! What samples look like: WAVEFORMATEX and WAVEFORMATEXTENSIBLE (mmreg.h), and how they become frames for two loudspeakers.

use super::hr;
use crate::kernel::Kernel;
use crate::status::Nt;

/// WAVE_FORMAT_PCM.
const PCM: u16 = 1;
/// WAVE_FORMAT_IEEE_FLOAT.
const FLOAT: u16 = 3;
/// WAVE_FORMAT_EXTENSIBLE.
const EXTENSIBLE: u16 = 0xfffe;

/// Bytes of a WAVEFORMATEX, and what a WAVEFORMATEXTENSIBLE has besides.
const BASE: usize = 18;
/// See [`BASE`].
const EXTENSION: usize = 22;

/// KSDATAFORMAT_SUBTYPE_PCM and KSDATAFORMAT_SUBTYPE_IEEE_FLOAT are this behind their tag.
const SUBTYPE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// SPEAKER_*, as far as samples for them are told apart.
mod speaker {
    pub const FRONT_LEFT: u32 = 0x1;
    pub const FRONT_RIGHT: u32 = 0x2;
    pub const FRONT_CENTER: u32 = 0x4;
    pub const LOW_FREQUENCY: u32 = 0x8;
    pub const BACK_LEFT: u32 = 0x10;
    pub const BACK_RIGHT: u32 = 0x20;
    pub const FRONT_LEFT_OF_CENTER: u32 = 0x40;
    pub const FRONT_RIGHT_OF_CENTER: u32 = 0x80;
    pub const BACK_CENTER: u32 = 0x100;
    pub const SIDE_LEFT: u32 = 0x200;
    pub const SIDE_RIGHT: u32 = 0x400;
    pub const TOP_FRONT_LEFT: u32 = 0x1000;
    pub const TOP_FRONT_RIGHT: u32 = 0x4000;
    pub const TOP_BACK_LEFT: u32 = 0x8000;
    pub const TOP_BACK_RIGHT: u32 = 0x2_0000;
    /// Those that there are.
    pub const KNOWN: u32 = 0x3_ffff;
    /// Both in front.
    pub const STEREO: u32 = FRONT_LEFT | FRONT_RIGHT;
}

/// Frames a second that are taken.
const RATES: core::ops::RangeInclusive<u32> = 1000..=384_000;

/// A format as a program describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    tag: u16,
    channels: u16,
    rate: u32,
    bytes_per_second: u32,
    align: u16,
    bits: u16,
    extra: u16,
    /// What WAVEFORMATEXTENSIBLE has besides: valid bits, speakers, the kind's GUID.
    extension: Option<(u16, u32, [u8; 16])>,
}

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// 8 bits, 128 being silence.
    U8,
    /// 16 bits.
    S16,
    /// 24 bits in three bytes.
    S24,
    /// 24 bits, the lower ones of four bytes.
    S24In32,
    /// 32 bits.
    S32,
    /// A number from -1 to 1.
    Float,
}

/// A format that is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// How each sample is written.
    pub sample: Sample,
    /// Samples of a frame.
    pub channels: u16,
    /// Frames a second.
    pub rate: u32,
    /// Which loudspeakers they are for: SPEAKER_*, from the lowest bit up.
    speakers: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

impl Wave {
    /// Reads one from guest memory.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn read(k: &Kernel, address: u64) -> Nt<Wave> {
        let mut bytes = [0; BASE + EXTENSION];
        k.read_user(address, &mut bytes[..BASE])?;
        if u16_at(&bytes, 0) == EXTENSIBLE && usize::from(u16_at(&bytes, 16)) >= EXTENSION {
            k.read_user(address.wrapping_add(BASE as u64), &mut bytes[BASE..])?;
        }
        Ok(Wave::of(&bytes))
    }

    fn of(bytes: &[u8; BASE + EXTENSION]) -> Wave {
        let (tag, extra) = (u16_at(bytes, 0), u16_at(bytes, 16));
        let extension = (tag == EXTENSIBLE && usize::from(extra) >= EXTENSION).then(|| {
            let mut kind = [0; 16];
            kind.copy_from_slice(&bytes[24..]);
            (u16_at(bytes, 18), u32_at(bytes, 20), kind)
        });
        Wave {
            tag,
            channels: u16_at(bytes, 2),
            rate: u32_at(bytes, 4),
            bytes_per_second: u32_at(bytes, 8),
            align: u16_at(bytes, 12),
            bits: u16_at(bytes, 14),
            extra,
            extension,
        }
    }

    /// The mix format: what the endpoint is said to play.
    pub fn mix() -> Wave {
        let mut kind = [0; 16];
        kind[0] = FLOAT as u8;
        kind[2..].copy_from_slice(&SUBTYPE);
        Wave {
            tag: EXTENSIBLE,
            channels: 2,
            rate: super::RATE,
            bytes_per_second: super::RATE * 8,
            align: 8,
            bits: 32,
            extra: EXTENSION as u16,
            extension: Some((32, speaker::STEREO, kind)),
        }
    }

    /// Its bytes: those of a WAVEFORMATEX alone if it is none that is extended.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BASE + EXTENSION);
        bytes.extend(self.tag.to_le_bytes());
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.rate.to_le_bytes());
        bytes.extend(self.bytes_per_second.to_le_bytes());
        for word in [self.align, self.bits, self.extra] {
            bytes.extend(word.to_le_bytes());
        }
        if let Some((valid, speakers, kind)) = &self.extension {
            bytes.extend(valid.to_le_bytes());
            bytes.extend(speakers.to_le_bytes());
            bytes.extend(kind);
        }
        bytes
    }

    /// Tag of what the samples are: [`PCM`], [`FLOAT`], or what is not played.
    fn kind(&self) -> u16 {
        match &self.extension {
            Some((_, _, kind)) if kind[2..] == SUBTYPE => u16::from_le_bytes([kind[0], kind[1]]),
            Some(_) => 0,
            None => self.tag,
        }
    }

    /// Whether the fields agree with each other: `Ok` with what is played in its place (`None`: it itself), or why not (an HRESULT).
    ///
    /// # Errors
    /// E_INVALIDARG, AUDCLNT_E_UNSUPPORTED_FORMAT.
    pub fn check(&self) -> Result<Option<Wave>, i32> {
        let Some((valid, speakers, kind)) = self.extension else {
            return match self.tag {
                EXTENSIBLE => Err(hr::INVALID_ARGUMENT),
                // What follows from the others is not looked at.
                PCM if self.bits == 0 || self.bits > 32 || !self.bits.is_multiple_of(8) => Err(hr::INVALID_ARGUMENT),
                FLOAT if self.bits != 32 => Err(hr::INVALID_ARGUMENT),
                PCM | FLOAT => self.format().map(|_| None),
                _ => Err(hr::UNSUPPORTED_FORMAT),
            };
        };
        if self.bytes_per_second == 0 || self.align == 0 || valid > self.bits {
            return Err(hr::INVALID_ARGUMENT);
        }
        if self.channels == 0 {
            return Err(hr::UNSUPPORTED_FORMAT);
        }
        let sizes = [EXTENSION, EXTENSION + BASE];
        let align = u32::from(self.bits / 8) * u32::from(self.channels);
        if !sizes.contains(&self.extra.into())
            || u32::from(self.align) != align
            || self.bytes_per_second != align.wrapping_mul(self.rate)
        {
            return Err(hr::INVALID_ARGUMENT);
        }
        let bits_fit = match self.kind() {
            FLOAT => self.bits == 32,
            PCM => self.bits != 0 && self.bits <= 32 && self.bits.is_multiple_of(8),
            _ => return Err(hr::UNSUPPORTED_FORMAT),
        };
        if !bits_fit {
            return Err(hr::INVALID_ARGUMENT);
        }
        if valid == self.bits || self.kind() == PCM && self.bits == 32 && valid == 24 {
            return self.format().map(|_| None);
        }
        Ok(Some(Wave { extension: Some((self.bits, speakers, kind)), ..self.clone() }))
    }

    /// How it is played.
    ///
    /// # Errors
    /// AUDCLNT_E_UNSUPPORTED_FORMAT.
    pub fn format(&self) -> Result<Format, i32> {
        let valid = self.extension.map_or(self.bits, |(valid, ..)| if valid == 0 { self.bits } else { valid });
        let sample = match (self.kind(), self.bits, valid) {
            (PCM, 8, 8) => Sample::U8,
            (PCM, 16, 16) => Sample::S16,
            (PCM, 24, 24) => Sample::S24,
            (PCM, 32, 24) => Sample::S24In32,
            (PCM, 32, 32) => Sample::S32,
            (FLOAT, 32, 32) => Sample::Float,
            _ => return Err(hr::UNSUPPORTED_FORMAT),
        };
        let (channels, rate) = (self.channels, self.rate);
        let said = self.extension.map_or(0, |(_, speakers, _)| speakers);
        let speakers = if said & speaker::KNOWN == 0 || said & !speaker::KNOWN != 0 { usual(channels) } else { said };
        // Without saying which loudspeakers they are for there may be two.
        let most = if self.extension.is_some() { speakers.count_ones() } else { 2 };
        if channels == 0 || u32::from(channels) > most || !RATES.contains(&rate) {
            return Err(hr::UNSUPPORTED_FORMAT);
        }
        Ok(Format { sample, channels, rate, speakers })
    }
}

/// Which loudspeakers so many samples are for, if nobody says so (KSAUDIO_SPEAKER_*).
fn usual(channels: u16) -> u32 {
    const QUAD: u32 = speaker::STEREO | speaker::BACK_LEFT | speaker::BACK_RIGHT;
    const FIVE: u32 = QUAD | speaker::FRONT_CENTER | speaker::LOW_FREQUENCY;
    match channels {
        1 => speaker::FRONT_CENTER,
        2 => speaker::STEREO,
        3 => speaker::STEREO | speaker::LOW_FREQUENCY,
        4 => QUAD,
        5 => QUAD | speaker::LOW_FREQUENCY,
        6 => FIVE,
        7 => FIVE | speaker::BACK_CENTER,
        8 => FIVE | speaker::SIDE_LEFT | speaker::SIDE_RIGHT,
        _ => 0,
    }
}

impl Sample {
    /// Bytes of one.
    pub fn bytes(self) -> usize {
        match self {
            Sample::U8 => 1,
            Sample::S16 => 2,
            Sample::S24 => 3,
            Sample::S24In32 | Sample::S32 | Sample::Float => 4,
        }
    }

    /// The byte that silence is made of.
    pub fn silence(self) -> u8 {
        if self == Sample::U8 { 0x80 } else { 0 }
    }

    /// One as a number from -1 to 1; what a float says beyond is cut, and so is what is no number.
    fn value(self, bytes: &[u8]) -> f32 {
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let whole = |bytes: [u8; 4]| i32::from_le_bytes(bytes) as f32 / 2_147_483_648.0;
        match self {
            Sample::U8 => (f32::from(at(0)) - 128.0) / 128.0,
            Sample::S16 => whole([0, 0, at(0), at(1)]),
            Sample::S24 | Sample::S24In32 => whole([0, at(0), at(1), at(2)]),
            Sample::S32 => whole([at(0), at(1), at(2), at(3)]),
            Sample::Float => {
                let value = f32::from_le_bytes([at(0), at(1), at(2), at(3)]);
                if value.is_nan() { 0.0 } else { value.clamp(-8.0, 8.0) }
            }
        }
    }
}

impl Format {
    /// Bytes of a frame.
    pub fn frame(&self) -> usize {
        usize::from(self.channels) * self.sample.bytes()
    }

    /// How loud each sample of a frame is in the left and in the right loudspeaker.
    pub fn gains(&self) -> Vec<[f32; 2]> {
        const PART: f32 = core::f32::consts::FRAC_1_SQRT_2;
        use speaker::*;
        if self.channels == 1 {
            return vec![[1.0, 1.0]];
        }
        let of = |bit: u32| match bit {
            FRONT_LEFT => [1.0, 0.0],
            FRONT_RIGHT => [0.0, 1.0],
            FRONT_CENTER => [PART, PART],
            LOW_FREQUENCY | BACK_CENTER => [0.5, 0.5],
            BACK_LEFT | SIDE_LEFT | FRONT_LEFT_OF_CENTER | TOP_FRONT_LEFT | TOP_BACK_LEFT => [PART, 0.0],
            BACK_RIGHT | SIDE_RIGHT | FRONT_RIGHT_OF_CENTER | TOP_FRONT_RIGHT | TOP_BACK_RIGHT => [0.0, PART],
            _ => [0.5, 0.5],
        };
        let bits = (0..32).map(|bit| 1 << bit).filter(|bit| self.speakers & bit != 0);
        let mut gains: Vec<[f32; 2]> = bits.take(self.channels.into()).map(of).collect();
        // All of them at once are not louder than one alone may be.
        let sum = |side: usize| gains.iter().map(|gain| gain[side]).sum::<f32>();
        let most = sum(0).max(sum(1)).max(1.0);
        gains.iter_mut().flatten().for_each(|gain| *gain /= most);
        gains
    }

    /// Frames for two loudspeakers; `volumes` has one for each sample of a frame.
    pub fn frames(&self, bytes: &[u8], volumes: &[f32]) -> [Vec<f32>; 2] {
        let gains = self.gains();
        let (size, count) = (self.sample.bytes(), bytes.len() / self.frame());
        let mut sides = [Vec::with_capacity(count), Vec::with_capacity(count)];
        for frame in bytes.chunks_exact(self.frame()) {
            let mut sum = [0.0, 0.0];
            for (index, (sample, gain)) in frame.chunks_exact(size).zip(&gains).enumerate() {
                let value = self.sample.value(sample) * volumes.get(index).copied().unwrap_or(1.0);
                sum[0] += value * gain[0];
                sum[1] += value * gain[1];
            }
            sides[0].push(sum[0]);
            sides[1].push(sum[1]);
        }
        sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(tag: u16, channels: u16, rate: u32, bits: u16) -> Wave {
        let align = channels * bits / 8;
        let bytes_per_second = rate * u32::from(align);
        Wave { tag, channels, rate, bytes_per_second, align, bits, extra: 0, extension: None }
    }

    fn extended(kind: u16, channels: u16, bits: u16, valid: u16, speakers: u32) -> Wave {
        let mut guid = Wave::mix().extension.unwrap().2;
        guid[0] = kind as u8;
        let plain = wave(EXTENSIBLE, channels, 48000, bits);
        Wave { extra: EXTENSION as u16, extension: Some((valid, speakers, guid)), ..plain }
    }

    #[test]
    fn formats_are_what_they_say() {
        assert_eq!(Wave::mix().check(), Ok(None));
        assert_eq!(Wave::mix().bytes().len(), 40);
        let read: [u8; 40] = Wave::mix().bytes().try_into().unwrap();
        assert_eq!(Wave::of(&read), Wave::mix());
        for (bits, sample) in [(8, Sample::U8), (16, Sample::S16), (24, Sample::S24), (32, Sample::S32)] {
            let wave = wave(PCM, 2, 44100, bits);
            assert_eq!(wave.check(), Ok(None));
            assert_eq!(wave.format().unwrap().sample, sample);
            assert_eq!(wave.format().unwrap().frame(), usize::from(bits) / 4);
            assert_eq!(wave.bytes().len(), 18);
        }
        assert_eq!(extended(PCM, 2, 32, 24, 3).format().unwrap().sample, Sample::S24In32);
        // Valid bits that do not fit: the nearest format is told.
        assert_eq!(extended(PCM, 2, 16, 12, 3).check(), Ok(Some(extended(PCM, 2, 16, 16, 3))));
        assert_eq!(extended(PCM, 2, 16, 17, 3).check(), Err(hr::INVALID_ARGUMENT));
        assert_eq!(wave(PCM, 2, 44100, 12).check(), Err(hr::INVALID_ARGUMENT));
        assert_eq!(wave(FLOAT, 2, 44100, 64).check(), Err(hr::INVALID_ARGUMENT));
        for unsupported in [wave(PCM, 3, 44100, 16), wave(PCM, 0, 44100, 16), wave(PCM, 2, 0, 16), wave(6, 1, 8000, 8)]
        {
            assert_eq!(unsupported.check(), Err(hr::UNSUPPORTED_FORMAT), "{unsupported:?}");
        }
        assert_eq!(wave(EXTENSIBLE, 2, 44100, 16).check(), Err(hr::INVALID_ARGUMENT));
        assert_eq!(extended(PCM, 6, 16, 16, 3).format(), Err(hr::UNSUPPORTED_FORMAT));
        assert_eq!(extended(PCM, 6, 16, 16, 0).format().unwrap().channels, 6);
        assert_eq!(extended(PCM, 300, 16, 16, 0).format(), Err(hr::UNSUPPORTED_FORMAT));
    }

    #[test]
    fn samples_are_numbers() {
        let value = |sample: Sample, bytes: &[u8]| sample.value(bytes);
        assert_eq!(value(Sample::U8, &[128]), 0.0);
        assert_eq!(value(Sample::U8, &[0]), -1.0);
        assert_eq!(value(Sample::S16, &[0, 0x40]), 0.5);
        assert_eq!(value(Sample::S24, &[0, 0, 0xc0]), -0.5);
        // The upper byte of four does not count.
        assert_eq!(value(Sample::S24In32, &[0, 0, 0x40, 0x77]), 0.5);
        assert_eq!(value(Sample::S32, &[0, 0, 0, 0x80]), -1.0);
        assert_eq!(value(Sample::Float, &0.25f32.to_le_bytes()), 0.25);
        assert_eq!(value(Sample::Float, &f32::NAN.to_le_bytes()), 0.0);
        assert_eq!(value(Sample::Float, &f32::INFINITY.to_le_bytes()), 8.0);
        assert_eq!(value(Sample::S32, &[]), 0.0);
    }

    #[test]
    fn frames_of_many_samples_become_two() {
        let format = |wave: Wave| wave.format().unwrap();
        assert_eq!(format(wave(PCM, 1, 8000, 8)).frames(&[0, 192], &[1.0]), [vec![-1.0, 0.5], vec![-1.0, 0.5]]);
        let stereo = format(wave(PCM, 2, 8000, 8));
        // What is no whole frame is left out.
        assert_eq!(stereo.frames(&[0, 192, 7], &[0.5, 1.0]), [vec![-0.5], vec![0.5]]);
        let many = format(extended(PCM, 6, 16, 16, 0));
        for side in [0, 1] {
            let sum: f32 = many.gains().iter().map(|gain| gain[side]).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
        assert_eq!(many.gains().len(), 6);
    }
}
