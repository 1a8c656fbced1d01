//! Control events: Ctrl-C and its like reach the program on a thread of their own, as Windows has it.

use super::Condrv;
use crate::call::Cx;
use crate::ke::wait::Deadline;
use crate::kernel::Kernel;
use crate::ps::ids::FIRST_PROCESS;
use crate::ps::thread::Thread;
use crate::status::STATUS_CONTROL_C_EXIT;
use crate::um::UserPtr;
use shim_abi::calls::{Event, TerminalQuery};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// PEB.ProcessParameters.
const PEB_PARAMETERS: u64 = 0x20;
/// RTL_USER_PROCESS_PARAMETERS.ConsoleHandle.
const CONSOLE_HANDLE: u64 = 0x10;
/// RTL_USER_PROCESS_PARAMETERS.ConsoleFlags.
const CONSOLE_FLAGS: u64 = 0x18;
/// Its bit that has a process ignore Ctrl-C.
const IGNORE_CTRL_C: u32 = 1;
/// CTRL_C_EVENT.
pub const CTRL_C: u32 = 0;
/// CTRL_BREAK_EVENT.
pub const CTRL_BREAK: u32 = 1;
/// CTRL_CLOSE_EVENT.
pub const CTRL_CLOSE: u32 = 2;

/// Starts ntdll's routine for control events, which calls the program's handlers or ends it.
pub fn raise(k: &'static Kernel, event: u32) {
    let deaf = if event == CTRL_BREAK { listen_for_break(k) } else { None };
    let start = k.ps.entry("__wine_ctrl_routine");
    let started = start.and_then(|start| crate::ps::create::create_guest(k, start, u64::from(event)).ok());
    if let Some(flags) = deaf {
        let started = started.clone();
        let restore = move || {
            let thread = Arc::new(Thread::new(0, (0, 0), 0));
            if let Some(routine) = started {
                let _ = Cx { k, t: &thread }.wait_for(vec![routine], false, false, Deadline::Never);
            }
            let _ = flags.read(k).and_then(|now| flags.write(k, now | IGNORE_CTRL_C));
        };
        let _ = k.host.spawn_worker(Box::new(restore));
    }
    if event == CTRL_CLOSE
        && let Some(routine) = started.clone()
    {
        // Whatever its handlers say, the process ends with its console.
        let end = move || {
            let thread = Arc::new(Thread::new(0, (0, 0), 0));
            let _ = Cx { k, t: &thread }.wait_for(vec![routine], false, false, Deadline::Never);
            k.exit_process(STATUS_CONTROL_C_EXIT.0)
        };
        let _ = k.host.spawn_worker(Box::new(end));
    }
    if started.is_none() && k.ps.peb() != 0 {
        // What a program without handlers does.
        k.host.exit(STATUS_CONTROL_C_EXIT.0, "");
    }
}

/// A process that ignores Ctrl-C hears Ctrl-Break all the same, but Wine's routine asks the one flag for both: it is taken away.
/// Answers where it is, to be put back, if it was set.
fn listen_for_break(k: &'static Kernel) -> Option<UserPtr<u32>> {
    let peb = k.ps.peb();
    if peb == 0 {
        return None;
    }
    let parameters = UserPtr::<u64>::new(peb + PEB_PARAMETERS).read(k).ok()?;
    let flags = UserPtr::<u32>::new(parameters + CONSOLE_FLAGS);
    let now = flags.read(k).ok().filter(|now| now & IGNORE_CTRL_C != 0)?;
    flags.write(k, now & !IGNORE_CTRL_C).ok()?;
    Some(flags)
}

/// Sends a control event to the processes of a group that are attached to a console, which has a record if others see it; group 0
/// is all of them.
pub fn send(k: &'static Kernel, place: Option<u32>, event: u32, group: u32) {
    let own = k.ps.id() as u32;
    let Some((place, (shm, me))) = place.zip(k.sandbox().ok()) else {
        if group == 0 || group == own {
            raise(k, event);
        }
        return;
    };
    let tx = shm.begin();
    // Who was made for a group may not have come to attach itself yet: `came` waits for that.
    let hears = |member: u32| match tx.console_of(member) {
        console if console == place => group == 0 || tx.group_of(member) == group,
        0 => group != 0 && tx.group_of(member) == group,
        _ => false,
    };
    let meant: Vec<u32> = tx.members().into_iter().filter(|member| hears(*member)).collect();
    drop(tx);
    for member in meant.iter().filter(|member| **member != me) {
        k.send_control(*member, event);
    }
    if meant.contains(&me) {
        raise(k, event);
    }
}

/// A member of this number is to hear of a control event.
pub(crate) fn tell(k: &'static Kernel, number: u32, event: u32) {
    let Ok((shm, me)) = k.sandbox() else { return };
    let member = shm.begin().member(number);
    match member {
        // Whoever tells is within something else.
        Some(member) if member == me => drop(k.host.spawn_worker(Box::new(move || came(k, event)))),
        Some(member) => k.send_control(member, event),
        None => {}
    }
}

/// A control event came from another process, or from the host's terminal: it is for who has a console, and for the first
/// program whatever it has.
pub fn came(k: &'static Kernel, event: u32) {
    // Who starts is about to attach itself: before that, nothing in it could see to the event.
    let end = k.host.monotonic() + STARTING;
    while is_starting(k) && k.host.monotonic() < end {
        k.host.wait(&AtomicU32::new(0), 0, Some(k.host.monotonic() + 1_000_000));
    }
    if Condrv::of(k).attached().is_ok() || k.ps.id() == FIRST_PROCESS || is_starting(k) {
        raise(k, event);
    }
}

/// How long a process may take from its first instruction until it is attached to the console that it was given: ns.
const STARTING: u64 = 2_000_000_000;

/// Whether the process was given a console to which it is not attached yet.
fn is_starting(k: &'static Kernel) -> bool {
    let parameters = Some(k.ps.peb()).filter(|peb| *peb != 0);
    let parameters = parameters.and_then(|peb| UserPtr::<u64>::new(peb + PEB_PARAMETERS).read(k).ok());
    Condrv::of(k).attached().is_err()
        && match parameters.filter(|at| *at != 0) {
            None => k.boot.born,
            // Small negative numbers ask for a console of one's own; who lets go of it has 0.
            Some(at) => UserPtr::<u64>::new(at + CONSOLE_HANDLE).read(k).is_ok_and(|console| console as i32 > 0),
        }
}

/// Waits for what the monitor has to tell, for ever.
pub(crate) fn listen(k: &'static Kernel) {
    while let Some(event) = k.host.event() {
        match event {
            Event::Resize => resize(k),
            Event::Interrupt => came(k, CTRL_C),
            Event::Break => came(k, CTRL_BREAK),
            // The monitor ends what is still there after a while.
            Event::Terminate => came(k, CTRL_CLOSE),
            Event::MemoryLow => k.memory_is_low(),
            Event::Ended => k.reap_the_dead(),
            Event::Company => {
                if let Err(status) = k.take_company() {
                    k.host.trace(&format!("processes from outside cannot be had: {status}"));
                }
            }
            Event::Count => k.host.tell_calls(k.ps.id(), k.ps.calls()),
            Event::Shares => crate::io::disk::look_for_drives(k),
        }
    }
}

fn resize(k: &'static Kernel) {
    if let Ok(size) = k.host.ask(&TerminalQuery {})
        && let Some(console) = Condrv::of(k).shown()
    {
        console.resize(k, i32::from(size.columns), i32::from(size.rows));
    }
}
