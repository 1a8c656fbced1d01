//! The machine's random numbers, as the crates for cryptography take them.

use crate::kernel::Kernel;
use core::convert::Infallible;
use rsa::rand_core::{TryCryptoRng, TryRng};

/// A source of random numbers for keys: the host's, unbuffered.
pub struct Random<'a>(pub &'a Kernel);

impl TryRng for Random<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.host.random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.host.random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        self.0.host.random(into);
        Ok(())
    }
}

impl TryCryptoRng for Random<'_> {}
