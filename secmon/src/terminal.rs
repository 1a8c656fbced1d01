//! The terminal that a sandbox runs in: its size, its modes, and that these are put back at the end.

use crate::sys::{self, lock};
use nix::sys::stat::{SFlag, fstat};
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use shim_abi::boot::Stdio;
use shim_abi::calls::TerminalSize;
use shim_abi::error::{Error, Result};
use std::fs;
use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Mutex;

/// What a standard stream is connected to.
pub fn stdio(stream: impl AsFd) -> Stdio {
    if stream.as_fd().is_terminal() {
        return Stdio::Terminal;
    }
    let Ok(of) = fstat(&stream) else { return Stdio::None };
    let null = || fs::metadata("/dev/null").is_ok_and(|null| std::os::unix::fs::MetadataExt::rdev(&null) == of.st_rdev);
    match SFlag::from_bits_truncate(of.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Stdio::File,
        SFlag::S_IFCHR if null() => Stdio::Null,
        SFlag::S_IFDIR => Stdio::None,
        // Pipes and sockets, and what is read and written in order as they are.
        _ => Stdio::Pipe,
    }
}

/// The modes: as found, and those wanted now if they differ.
#[derive(Debug)]
struct Modes {
    found: Termios,
    wanted: Option<Termios>,
}

/// The terminal, if there is one.
#[derive(Debug, Default)]
pub struct Terminal {
    device: Option<OwnedFd>,
    modes: Mutex<Option<Modes>>,
}

impl Terminal {
    /// The terminal behind the standard streams, else the one that controls the monitor.
    pub fn find() -> Self {
        let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        Terminal::of(&[input.as_fd(), output.as_fd(), errors.as_fd()])
    }

    /// The terminal that one of these is, if one is.
    pub fn of(streams: &[impl AsFd]) -> Self {
        let device = streams.iter().map(AsFd::as_fd).find(|stream| stream.is_terminal());
        let device = device.and_then(|stream| stream.try_clone_to_owned().ok());
        let modes = device.as_ref().and_then(|device| tcgetattr(device).ok());
        Terminal { device, modes: Mutex::new(modes.map(|found| Modes { found, wanted: None })) }
    }

    fn device(&self) -> Result<&OwnedFd> {
        self.device.as_ref().ok_or(Error::NotFound)
    }

    /// The terminal, opened anew for reading and writing.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the monitor has none.
    pub fn open(&self) -> Result<OwnedFd> {
        let device = self.device()?;
        let opened = fs::File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(sys::link(device));
        // Another user's may be used, not opened.
        opened.map(OwnedFd::from).or_else(|_| device.try_clone()).map_err(|_| Error::NotFound)
    }

    /// Columns and rows: terminal_query.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a terminal.
    pub fn query(&self) -> Result<TerminalSize> {
        let size = rustix::termios::tcgetwinsize(self.device()?).map_err(sys::errno).map_err(crate::host::error)?;
        Ok(TerminalSize { columns: size.ws_col, rows: size.ws_row })
    }

    /// terminal_set_mode: switches between lines that the host edits, and single keys, of which Ctrl-C is one.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a terminal.
    pub fn set_raw(&self, raw: bool) -> Result {
        let device = self.device()?;
        let mut modes = lock(&self.modes);
        let modes = modes.as_mut().ok_or(Error::NotFound)?;
        let mut wanted = modes.found.clone();
        if raw {
            wanted.local_flags -= LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN;
            wanted.input_flags -= InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR | InputFlags::IXON;
            for (index, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
                if let Some(slot) = wanted.control_chars.get_mut(index as usize) {
                    *slot = value;
                }
            }
        }
        tcsetattr(device, SetArg::TCSANOW, &wanted).map_err(crate::host::error)?;
        modes.wanted = raw.then_some(wanted);
        Ok(())
    }

    /// Puts the modes back as they were found; what was wanted is kept for [`Terminal::resume`].
    pub fn restore(&self) {
        self.apply(|modes| modes.wanted.as_ref().map(|_| &modes.found));
    }

    /// Sets the modes wanted again.
    pub fn resume(&self) {
        self.apply(|modes| modes.wanted.as_ref());
    }

    fn apply(&self, choose: impl FnOnce(&Modes) -> Option<&Termios>) {
        let modes = lock(&self.modes);
        if let (Some(device), Some(modes)) = (&self.device, modes.as_ref())
            && let Some(modes) = choose(modes)
        {
            let _ = tcsetattr(device, SetArg::TCSANOW, modes);
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/terminal.rs"]
mod tests;
