//! Reading the terminal: bytes become records. It starts with the first request that is about input, so that what is typed
//! ahead for another program stays where it is while this one reads nothing.

use super::console::{Console, mode};
use crate::host::Stream;
use crate::kernel::Kernel;
use shim_abi::calls::TerminalSetMode;
use shim_abi::error::Error;
use std::sync::Arc;

/// How long the rest of an escape sequence may take, in nanoseconds; longer, and it was the Escape key.
const ESCAPE_TIME: u64 = 40_000_000;

impl Console {
    /// Has the terminal read from now on.
    pub fn wants_input(self: &Arc<Self>, k: &'static Kernel) {
        if !self.start_reading() {
            return;
        }
        let Some(input) = self.input.clone() else { return };
        // Without single keys, lines of the host's come: they are read all the same.
        let _ = k.host.ask(&TerminalSetMode { raw: true });
        let console = self.clone();
        if k.host.spawn_worker(Box::new(move || console.read_terminal(k, &input))).is_err() {
            self.end(k);
        }
    }

    fn read_terminal(&self, k: &'static Kernel, input: &Stream) {
        let mut buffer = [0; 4096];
        loop {
            let waiting = self.locked().keys.is_waiting();
            if waiting {
                let deadline = k.host.monotonic().saturating_add(ESCAPE_TIME);
                if !k.host.poll(input, false, Some(deadline)).unwrap_or(true) {
                    self.came(k, None);
                    continue;
                }
            }
            match k.host.read_bytes(input, &mut buffer, None) {
                Ok(0) => break,
                Ok(count) => self.came(k, Some(&buffer[..count])),
                Err(Error::Interrupted) => {}
                Err(_) => break,
            }
        }
        self.end(k);
    }

    /// Bytes came, or none in time.
    fn came(&self, k: &'static Kernel, bytes: Option<&[u8]>) {
        let mut records = Vec::new();
        {
            let mut state = self.locked();
            let sequences = state.mode & mode::VIRTUAL_TERMINAL != 0;
            match bytes {
                Some(bytes) => state.keys.feed(bytes, sequences, &mut records),
                None => state.keys.end(sequences, &mut records),
            }
        }
        self.push(k, records);
    }
}
