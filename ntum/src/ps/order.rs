//! A process that nobody in the sandbox made: the program is run from outside. It makes its own records, once the sandbox's first
//! process shares what it had alone.
//!
//! Where there is no first program, the first process is this kernel and nothing else: it keeps what must outlive the others,
//! and sees to the ends of those that were killed.

use super::birth::Birth;
use super::parameters::Parameters;
use super::start::Failure;
use crate::host::Stream;
use crate::io::condrv;
use crate::kernel::Kernel;
use crate::ob::types::Type;
use crate::se::token::{State, Token};
use crate::status::*;
use crate::types::wide;
use shim_abi::boot::Order;
use shim_abi::guest::GuestPath;
use std::sync::atomic::Ordering;

/// How long the first process may take to share what it has, and how long the host sleeps at most before it is looked again: ns.
const PATIENCE: u64 = 10_000_000_000;
const LOOK: u64 = 2_000_000;

/// What a name without one may end with, in the order in which it is tried.
const SUFFIXES: [&str; 3] = ["", ".exe", ".com"];
/// Where a program is looked for after the working directory and before PATH, as CreateProcess does.
const SYSTEM: [&str; 2] = ["C:\\windows\\system32", "C:\\windows"];

impl Kernel {
    /// What the process is to run, if it was made from outside.
    pub(crate) fn order(&'static self) -> Option<&'static Order> {
        self.told.get()?.order.as_ref()
    }

    /// Processes are made from outside: they are to share what this one, the first, has.
    ///
    /// # Errors
    /// `STATUS_NOT_SUPPORTED` on a machine without memory to share, `STATUS_REGISTRY_QUOTA_LIMIT`.
    pub(crate) fn take_company(&'static self) -> Nt<()> {
        condrv::common::enter(self);
        crate::io::disk::together::begin(self);
        self.serve_inbox();
        // Last, as it is what the others look at.
        self.publish_registry()
    }

    /// Where processes are made from outside, what the monitor tells is heard from the start on.
    pub fn listen_if_managed(&'static self) {
        if self.boot.managed {
            condrv::listen(self);
        }
    }

    /// The first process without a program: stays until the monitor ends it.
    pub fn attend(&'static self) {
        let _ = crate::boot(self);
        let _ = self.ps.program.set("System".to_owned());
        condrv::control::listen(self);
    }

    /// Waits until the first process shares what it has.
    ///
    /// # Errors
    /// `STATUS_TIMEOUT`, `STATUS_NOT_SUPPORTED`.
    pub(crate) fn await_company(&'static self) -> Nt<()> {
        let shm = self.sandbox()?.0;
        let end = self.host.monotonic() + PATIENCE;
        while !shm.begin().has_journal() {
            let now = self.host.monotonic();
            if now >= end {
                return Err(STATUS_TIMEOUT);
            }
            let version = shm.journal_version().load(Ordering::Acquire);
            self.host.wait(shm.journal_version(), version, Some(now + LOOK));
        }
        Ok(())
    }

    /// Finds the program; answers its path, `C:/app/x.exe`, and the file.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub(super) fn find_ordered(&'static self, order: &Order) -> Result<(String, Stream), Failure> {
        let name = &order.program;
        let missing = || Failure {
            status: STATUS_OBJECT_NAME_NOT_FOUND,
            message: format!("{name}: no such program in the sandbox"),
        };
        let mut why = None;
        for path in self.places_of(order) {
            match self.open_file(&path) {
                Ok(stream) => return Ok((path, stream)),
                Err(error) => {
                    let status = Status::from(error);
                    let absent = matches!(status, STATUS_OBJECT_NAME_NOT_FOUND | STATUS_OBJECT_PATH_NOT_FOUND);
                    why = why.or((!absent && GuestPath::looks_like(name)).then_some(status));
                }
            }
        }
        Err(why.map_or_else(missing, |status| super::start::failure(name, status)))
    }

    /// Where a program may be: a path as it is, a name in the folders that CreateProcess looks through.
    fn places_of(&'static self, order: &Order) -> Vec<String> {
        let name = &order.program;
        let workdir = GuestPath::parse(self.workdir_of(order)).ok();
        let bases: Vec<GuestPath> = if let Ok(path) = GuestPath::parse(name) {
            vec![path]
        } else {
            let environment = super::environment::block(&self.boot, Some(order));
            let lines = environment.split(|unit| *unit == 0).map(String::from_utf16_lossy);
            let path = lines.into_iter().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.eq_ignore_ascii_case("PATH").then(|| value.to_owned())
            });
            let path = path.unwrap_or_default();
            let alone = !name.contains(['/', '\\']);
            let name = name.replace('\\', "/");
            let folders = SYSTEM.into_iter().chain(path.split(';')).filter(|_| alone);
            let folders = folders.filter_map(|folder| GuestPath::parse(folder.trim()).ok());
            workdir.into_iter().chain(folders).filter_map(|folder| folder.join(&name).ok()).collect()
        };
        let last = |path: &str| path.rsplit('/').next().is_some_and(|last| last.contains('.'));
        let with = |path: GuestPath| {
            let path = path.slashed();
            let suffixes = if last(&path) { &SUFFIXES[..2] } else { &SUFFIXES[..] };
            suffixes.iter().map(|suffix| format!("{path}{suffix}")).collect::<Vec<_>>()
        };
        bases.into_iter().flat_map(with).collect()
    }

    /// The working directory, as a path the guest sees.
    pub(super) fn workdir_of<'a>(&'a self, order: &'a Order) -> &'a str {
        if order.workdir.is_empty() { &self.boot.workdir } else { &order.workdir }
    }

    /// Makes the process's records, and says what its maker would have. The parameters are yet to be filled in.
    ///
    /// # Errors
    /// `STATUS_TIMEOUT` if the first process does not see to it, `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_NOT_SUPPORTED`.
    pub(super) fn order_birth(&'static self, order: &Order, program: &str) -> Nt<Birth> {
        self.await_company()?;
        let (shm, me) = self.sandbox()?;
        let mut tx = shm.begin();
        let id = tx.id_of(me);
        let thread = tx.new_thread(crate::ob::shared::number(Type::Thread), id + 4, id, 0)?;
        tx.hold(thread, me, false)?;
        tx.set_group(me, id);
        tx.commit()?;
        let token = order.system.then(|| {
            let system = Token::object(self, None, crate::se::SYSTEM_AUTHENTICATION_ID, State::system(self));
            crate::se::parcel::pack(&system)
        });
        Ok(Birth {
            image: wide(&format!("\\??\\{program}")),
            file: None,
            thread,
            parameters: Parameters {
                strings: vec![Vec::new(); 8],
                environment: vec![0, 0],
                flags: 0,
                console: 0,
                console_flags: 0,
                standard: vec![0; 3],
                window: vec![0; 9],
                group: id,
            },
            token: token.transpose()?,
            handles: Vec::new(),
            priority: super::info::class::NORMAL,
            affinity: 0,
            error_mode: 0,
        })
    }
}
