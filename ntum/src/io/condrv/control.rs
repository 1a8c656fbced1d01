//! Control events: Ctrl-C and its like reach the program on a thread of their own, as Windows has it.

use super::Condrv;
use crate::kernel::Kernel;
use crate::status::STATUS_CONTROL_C_EXIT;
use shim_abi::calls::{Event, TerminalQuery};

/// CTRL_C_EVENT.
pub const CTRL_C: u32 = 0;
/// CTRL_BREAK_EVENT.
pub const CTRL_BREAK: u32 = 1;

/// Starts ntdll's routine for control events, which calls the program's handlers or ends it.
pub fn raise(k: &'static Kernel, event: u32) {
    let start = k.ps.entry("__wine_ctrl_routine");
    let started = start.is_some_and(|start| crate::ps::create::create_guest(k, start, u64::from(event)).is_ok());
    if !started && k.ps.peb() != 0 {
        // What a program without handlers does.
        k.host.exit(STATUS_CONTROL_C_EXIT.0, "");
    }
}

/// Waits for what the monitor has to tell, for ever.
pub(super) fn listen(k: &'static Kernel) {
    while let Some(event) = k.host.event() {
        match event {
            Event::Resize => resize(k),
            Event::Interrupt => raise(k, CTRL_C),
            Event::Break => raise(k, CTRL_BREAK),
            // The monitor ends the picoprocess itself; memory is given back as the guest frees it.
            Event::Terminate | Event::MemoryLow => {}
            Event::Ended => k.reap_the_dead(),
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
