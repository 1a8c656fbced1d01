//! Sound: the Unix part of winepulse.drv, the driver through which Wine's mmdevapi plays.
//!
//! There is one endpoint, a pair of loudspeakers. A stream takes what a program writes and plays it at its rate, by the clock, whether or not
//! anybody hears it: without a listener samples go nowhere, as on a machine whose loudspeakers are off, and a program cannot tell. While a
//! client of the desktop listens (`shm::user::sound`), they also go where the desktop finds them, as [`RATE`] frames a second.
//!
//! There is no endpoint that records, no exclusive use of the one there is, no loopback and no MIDI.

pub mod calls;
pub mod format;
mod hr;
mod player;
mod resample;
pub mod stream;

use crate::crypto::Table;

/// Frames a second of what is heard, and of the mix format.
pub const RATE: u32 = 48000;
/// How often a stream plays, and tells its program so, in units of 100 ns: the device's period.
pub const PERIOD: i64 = 100_000;

/// State of the component.
#[derive(Default)]
pub struct Audio {
    /// Streams, by the numbers that the guest knows.
    pub streams: Table<stream::Stream>,
}
