//! RTL_USER_PROCESS_PARAMETERS: what a process is told by who made it, out of one process and into another.

use super::layout::{parameters as offset, peb};
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::ob::handle::Handle;
use crate::status::{Nt, STATUS_INVALID_PARAMETER, STATUS_NAME_TOO_LONG};
use crate::types::UnicodeString;
use crate::um::UserPtr;

/// `MAX_PATH` units: what the current directory's buffer must hold at least.
const MAX_PATH: usize = 260;
/// Units of an environment that is taken over at most.
const MAX_ENVIRONMENT: u64 = 4 << 20;
/// Where dwX to wShowWindow stand: nine numbers.
const WINDOW: u64 = 0x88;

/// The strings, in the order that they lie in memory, and where their headers stand.
const STRINGS: [u64; 8] = [
    offset::CURRENT_DIRECTORY,
    offset::DLL_PATH,
    offset::IMAGE_PATH_NAME,
    offset::COMMAND_LINE,
    offset::WINDOW_TITLE,
    offset::DESKTOP,
    offset::SHELL_INFO,
    offset::RUNTIME_INFO,
];

/// Which of them is the window title, which the desktop.
const WINDOW_TITLE: usize = 4;
const DESKTOP: usize = 5;

shim_abi::wire_structs! {
    /// The parameters of a process.
    pub struct Parameters {
        /// Current directory, DLL path, image path, command line, window title, desktop, shell info, runtime info.
        pub strings: Vec<Vec<u16>>,
        /// `NAME=value` with zeros between them, and two at the end.
        pub environment: Vec<u16>,
        /// PROCESS_PARAMS_FLAG_*.
        pub flags: u32,
        /// The console's handle, or a small negative number that asks for one.
        pub console: u64,
        /// 1: Ctrl-C is ignored.
        pub console_flags: u32,
        /// Handles of standard input, output and error.
        pub standard: Vec<u64>,
        /// What STARTUPINFO says of the first window: dwX to wShowWindow.
        pub window: Vec<u32>,
        /// Number of the process that the console's group is named by.
        pub group: u32,
    }
}

impl Parameters {
    /// Reads a process's parameters, whose strings are addresses (normalized).
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`, `STATUS_INVALID_PARAMETER`.
    pub fn read(k: &Kernel, at: u64) -> Nt<Parameters> {
        let half = |offset: u64| UserPtr::<u32>::new(at + offset).read(k);
        let word = |offset: u64| UserPtr::<u64>::new(at + offset).read(k);
        let string = |offset: &u64| UserPtr::<UnicodeString>::new(at + offset).read(k)?.read(k);
        Ok(Parameters {
            strings: STRINGS.iter().map(string).collect::<Nt<_>>()?,
            environment: read_environment(k, word(offset::ENVIRONMENT)?, word(offset::ENVIRONMENT_SIZE)?)?,
            flags: half(offset::FLAGS)?,
            console: word(offset::CONSOLE_HANDLE)?,
            console_flags: half(offset::CONSOLE_FLAGS)?,
            standard: UserPtr::<u64>::new(at + offset::STANDARD_INPUT).read_vec(k, 3)?,
            window: UserPtr::<u32>::new(at + WINDOW).read_vec(k, 9)?,
            group: half(offset::PROCESS_GROUP_ID)?,
        })
    }

    /// A process that was told no desktop, not even an empty one, is on that of the process that makes it.
    ///
    /// # Errors
    /// `STATUS_ACCESS_VIOLATION`.
    pub fn inherit_desktop(&mut self, k: &Kernel, at: u64) -> Nt<()> {
        let told = UserPtr::<UnicodeString>::new(at + offset::DESKTOP).read(k)?.maximum_length != 0;
        if let Some(desktop) = self.strings.get_mut(DESKTOP).filter(|_| !told) {
            let own = UserPtr::<u64>::new(k.ps.peb() + peb::PROCESS_PARAMETERS).read(k)?;
            *desktop = UserPtr::<UnicodeString>::new(own + offset::DESKTOP).read(k)?.read(k)?;
        }
        Ok(())
    }

    /// The current directory.
    pub fn current_directory(&self) -> &[u16] {
        self.strings.first().map_or(&[], Vec::as_slice)
    }

    /// The image's path.
    pub fn image(&self) -> &[u16] {
        self.strings.get(2).map_or(&[], Vec::as_slice)
    }

    /// Writes them into a block of their own, which ntdll frees; answers its address.
    ///
    /// # Errors
    /// `STATUS_NAME_TOO_LONG`, `STATUS_NO_MEMORY`.
    pub fn write(&self, k: &Kernel) -> Nt<u64> {
        let room = |index: usize, text: &[u16]| (text.len() + 1).max(if index == 0 { MAX_PATH } else { 0 });
        let strings: usize = self.strings.iter().enumerate().map(|(index, text)| room(index, text) * 2).sum();
        let size = offset::SIZE + (strings + 2 * self.environment.len()) as u64;
        let block = k.mm.allocate(k, &Request::commit(size))?.start;
        let mut at = block + offset::SIZE;
        for (index, (offset, text)) in STRINGS.iter().zip(&self.strings).enumerate() {
            if text.is_empty() && !matches!(index, 0 | WINDOW_TITLE) {
                // The loader takes a DLL path that is there for the only one. A title is always there: a console takes an empty one.
                continue;
            }
            let bytes = room(index, text) * 2;
            let length = u16::try_from(text.len() * 2).map_err(|_| STATUS_NAME_TOO_LONG)?;
            let maximum_length = u16::try_from(bytes).map_err(|_| STATUS_NAME_TOO_LONG)?;
            write_units(k, at, text)?;
            let header = UnicodeString { length, maximum_length, pad: 0, buffer: at };
            UserPtr::new(block + offset).write(k, header)?;
            at += bytes as u64;
        }
        write_units(k, at, &self.environment)?;
        let word = |offset: u64, value: u64| UserPtr::<u64>::new(block + offset).write(k, value);
        let half = |offset: u64, value: u32| UserPtr::<u32>::new(block + offset).write(k, value);
        half(0, size as u32)?;
        half(4, size as u32)?;
        half(offset::FLAGS, self.flags | offset::NORMALIZED)?;
        word(offset::ENVIRONMENT, at)?;
        word(offset::ENVIRONMENT_SIZE, 2 * self.environment.len() as u64)?;
        word(offset::CONSOLE_HANDLE, self.console)?;
        half(offset::CONSOLE_FLAGS, self.console_flags)?;
        half(offset::PROCESS_GROUP_ID, self.group)?;
        for (index, handle) in (0..).zip(self.standard.iter().take(3)) {
            UserPtr::new(block + offset::STANDARD_INPUT + 8 * index).write(k, Handle(*handle))?;
        }
        for (index, value) in (0..).zip(self.window.iter().take(9)) {
            half(WINDOW + 4 * index, *value)?;
        }
        Ok(block)
    }
}

/// An environment block: of a size that the caller gives, or up to its end.
fn read_environment(k: &Kernel, at: u64, bytes: u64) -> Nt<Vec<u16>> {
    if at == 0 {
        return Ok(vec![0, 0]);
    }
    if bytes != 0 {
        let units = (bytes / 2).min(MAX_ENVIRONMENT);
        return UserPtr::<u16>::new(at).read_vec(k, units as usize);
    }
    let mut block: Vec<u16> = Vec::new();
    while !block.ends_with(&[0, 0]) {
        if block.len() as u64 >= MAX_ENVIRONMENT {
            return Err(STATUS_INVALID_PARAMETER);
        }
        block.push(UserPtr::<u16>::new(at + 2 * block.len() as u64).read(k)?);
    }
    Ok(block)
}

/// Stores UTF-16 units and a zero behind them.
fn write_units(k: &Kernel, at: u64, text: &[u16]) -> Nt<()> {
    let mut bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    bytes.extend([0, 0]);
    k.write_user(at, &bytes)
}
