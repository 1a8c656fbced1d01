//! Sound over RDP (MS-RDPEA): what the sandbox's programs play goes to a client that hears it, as samples of 16 bits without a codec.

use crate::hub::{Session, lock};
use ironrdp_rdpsnd::pdu::{AudioFormat, WaveFormat};
use ironrdp_rdpsnd::server::{NegotiatedFormat, RdpsndError, RdpsndServerHandler, RdpsndServerMessage};
use ironrdp_server::{ServerEvent, ServerEventSender, SoundServerFactory};
use shim_abi::display::SOUND_RATE;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::UnboundedSender;

/// Frames a second that a client may choose, the better one first. Windows' own client knows the second in every version.
const RATES: [u32; 2] = [SOUND_RATE, 44100];
/// Bytes of a frame: two samples.
const FRAME: usize = 4;

/// A client's channel.
#[derive(Default)]
pub struct Loudspeaker {
    sender: Mutex<Option<UnboundedSender<ServerEvent>>>,
    /// What the client chose; `None` before it did.
    turns: Mutex<Option<Turns>>,
}

impl Loudspeaker {
    /// The client hears that next.
    pub fn play(&self, session: &Session, bytes: &[u8]) {
        let Some(turns) = &mut *lock(&self.turns) else { return };
        let (bytes, time) = turns.turn(bytes);
        // What does not get away is not heard.
        if bytes.is_empty() || !session.may_play(bytes.len() as u64) {
            return;
        }
        if let Some(sender) = &*lock(&self.sender) {
            // A connection that has ended hears nothing.
            let _ = sender.send(ServerEvent::Rdpsnd(RdpsndServerMessage::Wave(bytes, time)));
        }
    }
}

/// Frames of [`SOUND_RATE`] become frames of another rate, which is not higher.
struct Turns {
    rate: u32,
    /// Frames that came; that went.
    came: u64,
    went: u64,
    last: [i16; 2],
}

impl Turns {
    fn new(rate: u32) -> Turns {
        Turns { rate: rate.clamp(1, SOUND_RATE), came: 0, went: 0, last: [0; 2] }
    }

    /// What frames become, and when they are heard, in milliseconds of all that was.
    fn turn(&mut self, bytes: &[u8]) -> (Vec<u8>, u32) {
        let time = (self.went * 1000 / u64::from(self.rate)) as u32;
        let mut out = Vec::with_capacity(bytes.len());
        for frame in bytes.as_chunks::<FRAME>().0 {
            let now = [i16::from_le_bytes([frame[0], frame[1]]), i16::from_le_bytes([frame[2], frame[3]])];
            // A frame that goes lies between two that came, or on the second: in parts of the rate.
            let place = |went: u64| went * u64::from(SOUND_RATE);
            let until = self.came * u64::from(self.rate);
            while place(self.went) <= until {
                let back = (until - place(self.went)) as i64;
                for (last, now) in self.last.iter().zip(now) {
                    let (last, now) = (i64::from(*last), i64::from(now));
                    let sample = now + (last - now) * back / i64::from(self.rate);
                    out.extend((sample as i16).to_le_bytes());
                }
                self.went += 1;
            }
            (self.last, self.came) = (now, self.came + 1);
        }
        (out, time)
    }
}

/// Makes the channel's end of a connection.
pub struct Factory {
    pub session: Arc<Session>,
    pub loudspeaker: Arc<Loudspeaker>,
}

impl SoundServerFactory for Factory {
    fn build_backend(&self) -> Box<dyn RdpsndServerHandler> {
        let formats = RATES.map(|rate| AudioFormat {
            format: WaveFormat::PCM,
            n_channels: 2,
            n_samples_per_sec: rate,
            n_avg_bytes_per_sec: rate * FRAME as u32,
            n_block_align: FRAME as u16,
            bits_per_sample: 16,
            data: None,
        });
        Box::new(End { session: self.session.clone(), loudspeaker: self.loudspeaker.clone(), formats })
    }
}

impl ServerEventSender for Factory {
    fn set_sender(&mut self, sender: UnboundedSender<ServerEvent>) {
        *lock(&self.loudspeaker.sender) = Some(sender);
    }
}

/// A connection's end of the channel.
struct End {
    session: Arc<Session>,
    loudspeaker: Arc<Loudspeaker>,
    formats: [AudioFormat; 2],
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("End")
    }
}

impl RdpsndServerHandler for End {
    fn get_formats(&self) -> &[AudioFormat] {
        &self.formats
    }

    fn choose_format<'a>(&mut self, common: &'a [NegotiatedFormat]) -> Option<&'a NegotiatedFormat> {
        // In the order in which they were offered.
        common.first()
    }

    fn start(&mut self, format: &NegotiatedFormat) -> Result<(), Box<dyn RdpsndError>> {
        *lock(&self.loudspeaker.turns) = Some(Turns::new(format.format().n_samples_per_sec));
        self.session.listen(true);
        Ok(())
    }

    fn stop(&mut self) {
        *lock(&self.loudspeaker.turns) = None;
        self.session.listen(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Hub, Show, Shown, Ways};
    use ironrdp_rdpsnd::client::{Rdpsnd, RdpsndClientHandler};
    use ironrdp_rdpsnd::pdu::{PitchPdu, VolumePdu};
    use ironrdp_rdpsnd::server::RdpsndServer;
    use ironrdp_svc::{SvcMessage, SvcProcessor};
    use shim_abi::display::{Input, Notice, Size};
    use std::borrow::Cow;
    use tokio::sync::mpsc;

    /// A client that knows some formats, and what it heard.
    #[derive(Debug)]
    struct Peer(Vec<AudioFormat>, Arc<Mutex<Vec<u8>>>);

    impl RdpsndClientHandler for Peer {
        fn get_formats(&self) -> &[AudioFormat] {
            &self.0
        }

        fn wave(&mut self, _: usize, _: u32, data: Cow<'_, [u8]>) {
            lock(&self.1).extend_from_slice(&data);
        }

        fn set_volume(&mut self, _: VolumePdu) {}

        fn set_pitch(&mut self, _: PitchPdu) {}

        fn close(&mut self) {}
    }

    fn format(rate: u32, channels: u16) -> AudioFormat {
        AudioFormat {
            format: WaveFormat::PCM,
            n_channels: channels,
            n_samples_per_sec: rate,
            n_avg_bytes_per_sec: rate * u32::from(channels) * 2,
            n_block_align: channels * 2,
            bits_per_sample: 16,
            data: None,
        }
    }

    fn cross(messages: Vec<SvcMessage>, to: &mut dyn SvcProcessor) -> Vec<SvcMessage> {
        let bytes = messages.iter().map(|message| message.encode_unframed_pdu().unwrap());
        bytes.flat_map(|bytes| to.process(&bytes).unwrap()).collect()
    }

    /// What a client that knows those formats hears; `None` if nobody plays anything for it.
    fn heard_by(formats: Vec<AudioFormat>, sound: &[u8]) -> Option<Vec<u8>> {
        let (hub, mut told) = Hub::alone(Ways { sound: true, ..Ways::default() });
        let session = hub.session();
        session.begins();
        hub.heard(Notice::Screen(Size { width: 800, height: 600 })).unwrap();
        let loudspeaker = Arc::<Loudspeaker>::default();
        let mut factory = Factory { session: session.clone(), loudspeaker: loudspeaker.clone() };
        let (sender, mut events) = mpsc::unbounded_channel();
        factory.set_sender(sender);
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let mut server = RdpsndServer::new(factory.build_backend());
        let mut client = Rdpsnd::new(Box::new(Peer(formats, heard.clone())));
        let mut messages = server.start().unwrap();
        while !messages.is_empty() {
            messages = cross(messages, &mut client);
            messages = cross(messages, &mut server);
        }
        let asked = std::iter::from_fn(|| told.try_recv().ok()).any(|input| input == Input::SoundWatch(true));
        let mut shown = Shown::default();
        for part in sound.chunks(960 * 4) {
            hub.heard(Notice::Sound(part.to_vec())).unwrap();
            while let Some(show) = session.now(&mut shown) {
                if let Show::Sound(bytes) = show {
                    loudspeaker.play(&session, &bytes);
                }
            }
            while let Ok(ServerEvent::Rdpsnd(RdpsndServerMessage::Wave(bytes, time))) = events.try_recv() {
                session.was_sent(bytes.len() as u64);
                let waves = Vec::<SvcMessage>::from(server.wave(bytes, time).unwrap());
                cross(waves, &mut client);
            }
        }
        drop(server);
        assert_eq!(told.try_recv().is_ok(), asked, "nobody listens any more");
        let heard = std::mem::take(&mut *lock(&heard));
        asked.then_some(heard)
    }

    #[test]
    fn a_client_hears_what_is_played_in_a_format_that_it_knows() {
        let sound: Vec<u8> = (0..24000u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let all = vec![format(22050, 2), format(44100, 2), format(48000, 1), format(48000, 2)];
        assert!(heard_by(all, &sound).unwrap() == sound);
        let heard = heard_by(vec![format(8000, 1), format(44100, 2)], &sound).unwrap();
        assert!((22049 * 4..=22051 * 4).contains(&heard.len()), "{}", heard.len());
        assert!(heard_by(vec![format(48000, 1)], &sound).is_none());
        assert!(heard_by(Vec::new(), &sound).is_none());
    }

    fn frames(bytes: &[u8]) -> Vec<[i16; 2]> {
        let frame = |bytes: &[u8; 4]| [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(i16::from_le_bytes);
        bytes.as_chunks::<4>().0.iter().map(frame).collect()
    }

    #[test]
    fn frames_of_the_same_rate_are_what_they_were() {
        let mut turns = Turns::new(SOUND_RATE);
        let bytes: Vec<u8> = (0..48000u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for (index, part) in bytes.chunks(960 * 4).enumerate() {
            assert_eq!(turns.turn(part), (part.to_vec(), index as u32 * 20));
        }
    }

    #[test]
    fn a_tone_stays_the_tone_that_it_is_at_another_rate() {
        let mut turns = Turns::new(44100);
        let tone =
            |at: u32, tone: f64| ((f64::from(at) * tone * std::f64::consts::TAU / 48000.0).sin() * 20000.0) as i16;
        let bytes: Vec<u8> =
            (0..48000).flat_map(|at| [tone(at, 440.0), tone(at, 1000.0)]).flat_map(i16::to_le_bytes).collect();
        let mut out = Vec::new();
        for part in bytes.chunks(961 * 4) {
            out.extend(frames(&turns.turn(part).0));
        }
        assert!((44099..=44101).contains(&out.len()), "{}", out.len());
        for (side, tone) in [(0, 440), (1, 1000)] {
            let rises = out.windows(2).filter(|two| two[0][side] < 0 && two[1][side] >= 0).count();
            assert!((tone - 2..=tone + 1).contains(&rises), "{rises}");
            assert!(out.iter().any(|frame| frame[side] > 19000));
        }
    }
}
