//! The kernel: its components' state, and dispatch of system calls.

use crate::call::{Answered, Args, Call, Cx, MAX_ARGS, Outcome};
use crate::host::Host;
use crate::ke::dispatcher::Ke;
use crate::mm::Mm;
use crate::ob::Ref;
use crate::ob::handle::HandleTable;
use crate::ps::Ps;
use crate::ps::remote::Remote;
use crate::ps::thread::Thread;
use crate::se::Se;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use shim_abi::boot::{Boot, Told};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use zerocopy::IntoBytes;

/// State of the object manager.
pub struct Ob {
    /// The process's handles.
    pub handles: HandleTable,
    /// Root of the name space.
    pub root: Ref,
    /// A short way to the drive that was asked for last.
    pub drive: crate::ob::directory::Drive,
    /// Held from a look-up to the entry that follows from it.
    pub naming: Mutex<()>,
    /// What other processes see.
    pub sandbox: crate::ob::shared::Sandbox,
}

/// The kernel. One for each picoprocess, for ever.
pub struct Kernel {
    /// The machine.
    pub host: &'static dyn Host,
    /// What the picoprocess was told at its start.
    pub boot: Boot,
    /// What one is told that another made, once it is; of the first, its number.
    pub told: OnceLock<Told>,
    /// Objects and handles.
    pub ob: Ob,
    /// Dispatcher objects and waits.
    pub ke: Ke,
    /// Memory.
    pub mm: Mm,
    /// Processes and threads.
    pub ps: Ps,
    /// Requests, files, devices.
    pub io: crate::io::Io,
    /// The registry.
    pub cm: crate::cm::Cm,
    /// Locales.
    pub nls: crate::nls::Nls,
    /// Tokens.
    pub se: Se,
    /// Time and system information.
    pub ex: crate::ex::Ex,
    /// What the window server keeps of the process alone.
    pub user: crate::win32k::user::process::Process,
    /// Graphics.
    pub gdi: crate::win32k::gdi::Gdi,
    /// Keys and connections of Wine's DLLs for cryptography.
    pub crypto: crate::crypto::Crypto,
    /// Sound.
    pub audio: crate::audio::Audio,
    /// ntdll's system calls, then win32u's, each read when the DLL is first needed.
    numbers: [OnceLock<Vec<Numbered>>; 2],
    absent: Mutex<HashSet<String>>,
}

/// Which system call a number means, as read from the stubs of the DLL at hand.
#[derive(Clone, Default)]
struct Numbered {
    name: &'static str,
    call: Option<&'static Call>,
    /// How it is carried out in another process.
    remote: Option<&'static Remote>,
}

impl Kernel {
    /// A kernel on a machine.
    pub fn new(host: &'static dyn Host, boot: Boot) -> Kernel {
        let member = shim_abi::member::FIRST;
        let first = Told { member, birth: Vec::new(), streams: Vec::new(), order: None };
        Kernel {
            host,
            told: if boot.born { OnceLock::new() } else { OnceLock::from(first) },
            boot,
            ob: Ob {
                handles: HandleTable::default(),
                root: {
                    let root = crate::cm::key::enter_root(crate::ob::directory::new_directory());
                    crate::ob::boot::boot(&root);
                    root
                },
                drive: Default::default(),
                naming: Mutex::new(()),
                sandbox: Default::default(),
            },
            ke: Ke::default(),
            mm: Mm::default(),
            ps: Ps::default(),
            io: crate::io::Io::default(),
            cm: crate::cm::Cm::default(),
            nls: crate::nls::Nls::default(),
            se: Se::default(),
            ex: crate::ex::Ex::default(),
            user: crate::win32k::user::process::Process::default(),
            gdi: crate::win32k::gdi::Gdi::default(),
            crypto: crate::crypto::Crypto::default(),
            audio: crate::audio::Audio::default(),
            numbers: [OnceLock::new(), OnceLock::new()],
            absent: Mutex::new(HashSet::new()),
        }
    }

    /// Binds the numbers of one DLL's stubs to calls by name. Numbers from 0x1000 on are win32u's.
    pub fn bind(&self, stubs: impl IntoIterator<Item = (u32, &'static str)>) {
        let mut table = Vec::new();
        let mut which = 0;
        for (number, name) in stubs {
            which = usize::from(number & 0x1000 != 0);
            let index = (number & 0xfff) as usize;
            if table.len() <= index {
                table.resize(index + 1, Numbered::default());
            }
            let call = crate::table::find(name);
            let remote = crate::ps::remote::find(name);
            table[index] = Numbered { name, call, remote };
        }
        let _ = self.numbers[which].set(table);
    }

    #[inline]
    fn numbered(&'static self, number: u32) -> Option<&'static Numbered> {
        let which = usize::from(number & 0x1000 != 0);
        if which == 1 {
            self.have_win32u();
        }
        self.numbers[which].get()?.get((number & 0xfff) as usize)
    }

    #[cold]
    fn have_win32u(&'static self) {
        if self.numbers[1].get().is_none() {
            self.bind(crate::ps::start::stubs(self, "win32u.dll").unwrap_or_default());
        }
    }

    /// Carries a system call out: `number` from eax, the first four arguments from registers, the others on the stack of
    /// the guest above `sp`, which points at the return address into the stub.
    #[inline]
    pub fn dispatch(&'static self, thread: &Arc<Thread>, number: u32, registers: [u64; 4], sp: u64) -> Outcome {
        let cx = Cx { k: self, t: thread };
        // The thread's own to count: no other adds to it.
        thread.calls.store(thread.calls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let answer = self.call(&cx, number, registers, sp);
        self.leave(thread, answer)
    }

    #[inline]
    fn call(&'static self, cx: &Cx<'_>, number: u32, registers: [u64; 4], sp: u64) -> u64 {
        let Some(numbered) = self.numbered(number) else {
            let other = crate::ex::crt::call(cx, number, registers)
                .or_else(|| crate::nls::icu::call(cx, number, registers))
                .or_else(|| crate::io::disk::symlink::call(cx, number, registers));
            return other.unwrap_or(STATUS_INVALID_SYSTEM_SERVICE.0.into());
        };
        let Some(call) = numbered.call else {
            self.note_absent(numbered.name);
            // The window and graphics calls answer handles, counts and truth values: there, failure is 0.
            let answers_status = number & 0x1000 == 0 || crate::call::is_kernel_mode_thunk(numbered.name);
            return if answers_status { STATUS_NOT_IMPLEMENTED.0.into() } else { 0 };
        };
        if call.args.len() <= 4 && numbered.remote.is_none() {
            return self.run(cx, call, &Args(&registers));
        }
        let mut all = [0; MAX_ARGS];
        all[..4].copy_from_slice(&registers);
        if call.args.len() > 4
            && let Err(status) = self.stack_args(sp, &mut all, call.args.len())
        {
            return status.0.into();
        }
        let args = Args(&all[..call.args.len().min(MAX_ARGS)]);
        if let Some(remote) = numbered.remote
            && let Some(status) = cx.remote(remote, &args)
        {
            return self.traced(cx, call, &args, status.register(cx));
        }
        self.run(cx, call, &args)
    }

    #[inline]
    fn run(&'static self, cx: &Cx<'_>, call: &Call, args: &Args<'_>) -> u64 {
        if !self.boot.trace {
            return (call.run)(cx, args);
        }
        self.traced(cx, call, args, (call.run)(cx, args))
    }

    fn traced(&self, cx: &Cx<'_>, call: &Call, args: &Args<'_>, answer: u64) -> u64 {
        if self.boot.trace {
            self.trace(cx, call, args, answer);
        }
        answer
    }

    fn stack_args(&self, sp: u64, args: &mut [u64; MAX_ARGS], count: usize) -> Nt<()> {
        // Return into the stub, return into its caller, four slots for the register arguments: then the fifth.
        self.read_user(sp.wrapping_add(0x30), args[4..count.min(MAX_ARGS)].as_mut_bytes())
    }

    #[cold]
    fn trace(&self, cx: &Cx<'_>, call: &Call, args: &Args<'_>, answer: u64) {
        let mut line = format!("{:04x} {}(", cx.t.id, call.name);
        for (index, ((name, width), value)) in call.args.iter().zip(args.0.iter().copied()).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let value = if *width < 8 { value & ((1 << (8 * width)) - 1) } else { value };
            let _ = write!(line, "{comma}{name}={value:#x}");
            if *name == "attributes"
                && let Ok(attributes) = UserPtr::<crate::types::ObjectAttributesRaw>::new(value).load(self)
                && let Some(text) = attributes.name
            {
                let _ = write!(line, " {:?}", String::from_utf16_lossy(&text));
            }
        }
        let _ = match call.answers_status() {
            true => write!(line, ") = {}", Status(answer as u32)),
            false => write!(line, ") = {answer:#x}"),
        };
        self.host.trace(&line);
    }

    fn note_absent(&self, name: &str) {
        if self.absent.lock().insert(name.to_owned()) && self.boot.trace {
            self.host.trace(&format!("{name}: absent"));
        }
    }

    /// System calls that were asked for and are absent.
    pub fn absent(&self) -> Vec<String> {
        let mut names: Vec<String> = self.absent.lock().iter().cloned().collect();
        names.sort();
        names
    }

    /// What the thread does next after a call: sees to what is pending, else returns the answer.
    #[inline]
    pub fn leave(&'static self, thread: &Arc<Thread>, answer: u64) -> Outcome {
        if thread.pending.load(Ordering::Acquire) == 0 {
            Outcome::Return(answer)
        } else {
            self.leave_slowly(thread, answer)
        }
    }
}
