//! The start of the process: system DLL and program mapped, PEB and parameters laid out, first thread made.

use super::birth::Birth;
use super::environment;
use super::layout::{self, PEB_SIZE, peb};
use super::parameters::Parameters;
use super::symbols::Symbols;
use crate::call::Cx;
use crate::ex::shared_data::version;
use crate::host::Stream;
use crate::kernel::Kernel;
use crate::mm::allocate::Request;
use crate::mm::page::protect;
use crate::ob::handle::Handle;
use crate::ps::thread::Thread;
use crate::shm::limits::Limits;
use crate::status::*;
use crate::types::wide;
use crate::um::UserPtr;
use shim_abi::calls::StreamOpen;
use shim_abi::error::Error;
use shim_abi::stream::{Disposition, Expect, access};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the rest of the kernel needs to know of the program's image.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// Where it is mapped.
    pub base: u64,
    /// Its entry point.
    pub entry: u64,
    /// Bytes to reserve for a thread's stack.
    pub stack_reserve: u64,
    /// Bytes of it to commit at once.
    pub stack_commit: u64,
    /// IMAGE_SUBSYSTEM_*.
    pub subsystem: u32,
    /// Its version: major, minor.
    pub subsystem_version: (u16, u16),
}

impl Default for Image {
    fn default() -> Image {
        Image {
            base: 0,
            entry: 0,
            stack_reserve: 0x10_0000,
            stack_commit: 0x1000,
            subsystem: 3,
            subsystem_version: (6, 0),
        }
    }
}

/// Why the process could not be started.
#[derive(Debug)]
pub struct Failure {
    /// For the exit status.
    pub status: Status,
    /// For a person.
    pub message: String,
}

const NTDLL: &str = "C:/windows/system32/ntdll.dll";
const API_SETS: &str = "C:/windows/system32/apisetschema.dll";

pub(super) fn failure(what: &str, status: Status) -> Failure {
    Failure { status, message: format!("{what}: {}", explain(status)) }
}

/// What a status of loading means to a person.
fn explain(status: Status) -> String {
    let text = match status {
        STATUS_OBJECT_NAME_NOT_FOUND | STATUS_OBJECT_PATH_NOT_FOUND => "not found",
        STATUS_INVALID_IMAGE_NOT_MZ => "no Windows program (it has no MZ header)",
        STATUS_INVALID_IMAGE_WIN_16 => "a 16-bit program, which cannot be run",
        STATUS_INVALID_IMAGE_FORMAT => "no 64-bit Windows program, or a damaged one",
        STATUS_INVALID_FILE_FOR_SECTION => "too short to be a Windows program",
        STATUS_ACCESS_DENIED => "may not be read",
        _ => return format!("{status}"),
    };
    format!("{text} ({status})")
}

/// A path of the boot block as the guest writes it.
fn dos(path: &str) -> String {
    path.replace('/', "\\")
}

impl Kernel {
    /// Sets the process up; answers its first thread, which the caller runs.
    ///
    /// # Errors
    /// What could not be loaded, and why.
    pub fn start(&'static self) -> Result<Arc<Thread>, Failure> {
        crate::boot(self).map_err(|status| failure("the kernel", status))?;
        // Shared data, and the page through which the stubs find the kernel: the runtime mapped them.
        self.mm.note_host_region(0x7ffe_0000..0x7ffe_1000, protect::READONLY);
        self.mm.note_host_region(0x7ffe_1000..0x7ffe_2000, protect::READONLY);

        let ntdll = self.open_file(NTDLL).map_err(|error| failure("ntdll.dll", error.into()))?;
        let file = self.host.map_forever(&ntdll).map_err(|error| failure("ntdll.dll", error.into()))?;
        let mapped =
            self.mm.map_image_file(self, ntdll, &dos(NTDLL), true).map_err(|status| failure("ntdll.dll", status))?;
        let mut symbols = Symbols::read(file, mapped.base).map_err(|status| failure("ntdll.dll", status))?;
        self.bind(core::mem::take(&mut symbols.stubs));
        self.connect(&symbols).map_err(|status| failure("ntdll.dll", status))?;
        let _ = self.ps.symbols.set(symbols);
        if let Some(start) = self.ps.entry("RtlUserThreadStart") {
            self.mm.spare_the_stack(self, start).map_err(|status| failure("ntdll.dll", status))?;
        }

        if self.boot.born {
            // All of this is the same whatever it is made for; what follows must be as it is now.
            let told = self.host.told().map_err(|error| failure("what its maker left", error.into()))?;
            let _ = self.told.set(told);
            if crate::win32k::desktop::is_wanted(self) {
                let _ = self.ps.program.set("Desktop".to_owned());
                crate::win32k::desktop::run(self);
            }
            super::ahead::start(self.host, &self.boot);
            self.update_times();
            self.update_zone();
        }
        let (program, stream, birth) = self.find_program()?;
        let image =
            self.mm.map_image_file(self, stream, &program, false).map_err(|status| failure(&program, status))?;
        let info = image.info;
        *self.process().info.image.lock() = Some(info);
        if info.machine != crate::mm::pe::MACHINE_AMD64 {
            let text = "a 32-bit program, or one for another processor: only x86-64 programs can be run".to_owned();
            return Err(Failure { status: STATUS_INVALID_IMAGE_FORMAT, message: format!("{program}: {text}") });
        }
        super::ahead::imports(self, image.base, image.size);
        const DLL: u16 = 0x2000;
        if info.characteristics & DLL != 0 {
            return Err(Failure {
                status: STATUS_INVALID_IMAGE_FORMAT,
                message: format!("{program}: a DLL, not a program"),
            });
        }
        let image = Image {
            base: image.base,
            entry: info.transfer_address,
            stack_reserve: info.maximum_stack_size,
            stack_commit: info.committed_stack_size,
            subsystem: info.subsystem,
            subsystem_version: (info.major_subsystem_version, info.minor_subsystem_version),
        };
        let _ = self.ps.image.set(image);
        self.lay_out(&program, &image, birth).map_err(|status| failure("the process", status))
    }

    /// The program: its path as programs know it, its file, and what is handed to one that is not the first.
    fn find_program(&'static self) -> Result<(String, Stream, Option<Birth>), Failure> {
        if let Some(order) = self.order() {
            let (path, stream) = self.find_ordered(order)?;
            let program = dos(&path);
            let _ = self.ps.program.set(program.clone());
            let birth = self.order_birth(order, &program).map_err(|status| failure("the sandbox", status))?;
            return Ok((program, stream, Some(birth)));
        }
        let birth = self.birth().map_err(|status| failure("what its maker left", status))?;
        let path = match &birth {
            None => self.boot.program.clone(),
            Some(birth) => {
                let image = String::from_utf16_lossy(&birth.image);
                image.strip_prefix("\\??\\").unwrap_or(&image).replace('\\', "/")
            }
        };
        let program = dos(&path);
        let _ = self.ps.program.set(program.clone());
        let file = birth.as_ref().and_then(|birth| birth.file.as_deref()).unwrap_or(&path);
        let stream = self.open_file(file).map_err(|error| failure(&program, error.into()))?;
        Ok((program, stream, birth))
    }

    /// What the process that made this one left for it.
    fn birth(&'static self) -> Nt<Option<Birth>> {
        if !self.boot.born {
            return Ok(None);
        }
        let (shm, member) = self.sandbox()?;
        let mut tx = shm.begin();
        let raw = tx.take_birth(member).ok_or(STATUS_INVALID_PARAMETER)?;
        tx.commit()?;
        shim_abi::wire::decode(&raw).map(Some).map_err(|_| STATUS_INVALID_PARAMETER)
    }

    pub(super) fn open_file(&self, path: &str) -> Result<Stream, Error> {
        let open = StreamOpen {
            uri: format!("file:{path}"),
            access: access::READ,
            disposition: Disposition::Open,
            expect: Expect::File,
            attributes: 0,
        };
        self.host.ask_stream(&open)?.1.ok_or(Error::Malformed)
    }

    /// Puts the kernel's entries into the variables of ntdll that its stubs call through.
    fn connect(&self, symbols: &Symbols<'_>) -> Nt<()> {
        let (system_call, unix_call) = self.host.entry_points();
        for (name, value) in [
            ("__wine_syscall_dispatcher", system_call),
            ("__wine_unix_call_dispatcher", unix_call),
            ("__wine_unixlib_handle", crate::ex::unix::NTDLL_HANDLE),
        ] {
            let at = symbols.address(name).ok_or(STATUS_ENTRYPOINT_NOT_FOUND)?;
            UserPtr::<u64>::new(at).write(self, value)?;
        }
        Ok(())
    }

    /// PEB, parameters and first thread.
    fn lay_out(&'static self, program: &str, image: &Image, birth: Option<Birth>) -> Nt<Arc<Thread>> {
        self.is_being_laid_out();
        let peb = self.mm.allocate(self, &Request::commit(PEB_SIZE))?.start;
        self.ps.peb.store(peb, Ordering::Release);
        self.listen_to_loader(peb)?;
        let (thread, object) = self.make_thread((image.entry, peb), 0, super::create::StackRequest::default())?;
        let cx = Cx { k: self, t: &thread };
        let parameters = match birth {
            None => self.first_parameters(&cx, program).write(self)?,
            Some(mut birth) => {
                self.adopt(&object, birth.thread)?;
                self.inherit_modes(&birth);
                birth.token.as_deref().map_or(Ok(()), |token| self.take_token(token))?;
                self.join_registry();
                self.take_handles(&cx, &birth.handles);
                self.ex.hurry(self);
                let (shm, member) = self.sandbox()?;
                let mut tx = shm.begin();
                let process = tx.process_of(member);
                tx.process_began(process, peb, self.system_time());
                tx.set_thread_teb(birth.thread, thread.teb.load(Ordering::Relaxed));
                let limited = self.boot.memory != 0 || tx.limits_of(process) != Limits::default();
                let shown = tx.committed_of(process);
                tx.commit()?;
                self.mm.show_in(shm.word(shown));
                if limited {
                    self.keep_limits();
                }
                if self.order().is_some() {
                    birth.parameters = self.first_parameters(&cx, program);
                }
                birth.parameters.write(self)?
            }
        };
        let word = |offset: u64, value: u64| UserPtr::<u64>::new(peb + offset).write(self, value);
        let half = |offset: u64, value: u32| UserPtr::<u32>::new(peb + offset).write(self, value);
        word(peb::IMAGE_BASE, image.base)?;
        word(peb::PROCESS_PARAMETERS, parameters)?;
        word(peb::API_SET_MAP, self.map_api_sets()?)?;
        half(peb::NUMBER_OF_PROCESSORS, self.boot.processors.max(1))?;
        self.write_options(peb, program)?;
        half(peb::OS_MAJOR_VERSION, version::MAJOR)?;
        half(peb::OS_MINOR_VERSION, version::MINOR)?;
        half(peb::OS_BUILD_NUMBER, version::BUILD)?;
        half(peb::OS_PLATFORM_ID, 2)?;
        let (major, minor) = image.subsystem_version;
        half(peb::IMAGE_SUBSYSTEM, image.subsystem)?;
        half(peb::IMAGE_SUBSYSTEM + 4, u32::from(major))?;
        half(peb::IMAGE_SUBSYSTEM + 8, u32::from(minor))?;
        half(peb::SESSION_ID, 1)?;
        word(peb::CLOUD_FILE_FLAGS, image.base)?;
        self.is_laid_out()?;
        Ok(thread)
    }

    /// Has ntdll's loader say what it cannot load: an entry in the table of debug channels behind the PEB (flags, then a name
    /// of 15 bytes; Wine's `struct __wine_debug_channel`), for errors of the channel "module".
    fn listen_to_loader(&self, peb: u64) -> Nt<()> {
        const ERRORS: u8 = 1 << 1;
        let mut entry = [0u8; 16];
        entry[0] = ERRORS;
        entry[1..7].copy_from_slice(b"module");
        self.write_user(peb + layout::DEBUG_CHANNELS, &entry)
    }

    /// The `.apiset` section of apisetschema.dll, which ntdll's loader reads through the PEB.
    fn map_api_sets(&self) -> Nt<u64> {
        let stream = self.open_file(API_SETS)?;
        let image = self.mm.map_image_file(self, stream, &dos(API_SETS), false)?;
        let section = image.sections.iter().find(|section| section.name == *b".apiset\0");
        section.map(|section| image.base + u64::from(section.virtual_address)).ok_or(STATUS_INVALID_IMAGE_FORMAT)
    }

    /// The parameters of the sandbox's first program, or of one that was run from outside.
    fn first_parameters(&'static self, cx: &Cx<'_>, program: &str) -> Parameters {
        let image = wide(program);
        let order = self.order();
        let mut directory = wide(&dos(order.map_or(&self.boot.workdir, |order| self.workdir_of(order))));
        if directory.last() != Some(&u16::from(b'\\')) {
            directory.push(u16::from(b'\\'));
        }
        let line = wide(&environment::command_line(order.map_or(&self.boot.arguments, |order| &order.arguments)));
        let desktop = wide("WinSta0\\Default");
        let mut standard: [Handle; 3] = crate::io::standard::boot(cx);
        let console = crate::io::condrv::boot(cx);
        for (handle, terminal) in standard.iter_mut().zip(console.standard) {
            if *handle == Handle(0) {
                *handle = terminal;
            }
        }
        Parameters {
            strings: vec![directory, Vec::new(), image.clone(), line, image, desktop, Vec::new(), Vec::new()],
            environment: environment::block(&self.boot, order),
            flags: 0,
            console: console.console.0,
            console_flags: console.flags,
            standard: standard.map(|handle| handle.0).to_vec(),
            // SW_SHOWNORMAL.
            window: vec![0, 0, 0, 0, 0, 0, 0, 0, 1],
            group: self.ps.id() as u32,
        }
    }
}

/// Numbers and names of a system DLL's stubs.
///
/// # Errors
/// What opening it answers.
pub fn stubs(k: &'static Kernel, dll: &str) -> Nt<Vec<(u32, &'static str)>> {
    let stream = k.open_file(&format!("C:/windows/system32/{dll}"))?;
    Ok(Symbols::read(k.host.map_forever(&stream)?, 0)?.stubs)
}
