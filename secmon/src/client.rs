//! One picoprocess, as the monitor serves it.

use crate::broker::several::Slot;
use crate::cgroup::{processors, run_on};
use crate::host;
use crate::pages::Pages;
use crate::sys::lock;
use crate::terminal::Terminal;
use nix::unistd::Pid;
use rustix::process::{getpriority_process, setpriority_process};
use shim_abi::calls::{ProcessReport, ThreadSetPriority};
use shim_abi::error::{Error, Result};
use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock};

/// What is kept of a picoprocess.
pub struct Client {
    report: Mutex<Option<ProcessReport>>,
    process: Pid,
    threads: Mutex<HashMap<u32, i32>>,
    /// What is watched for it.
    pub changes: Slot,
    /// The pages beside its lanes.
    pub pages: Arc<Pages>,
    /// Its terminal, if that is not the monitor's own.
    pub terminal: OnceLock<Arc<Terminal>>,
}

impl Client {
    /// Of this process.
    pub fn new(process: Pid, pages: Arc<Pages>) -> Self {
        let (report, threads) = (Mutex::default(), Mutex::default());
        Client { report, process, threads, changes: Slot::default(), pages, terminal: OnceLock::new() }
    }

    /// The process, in the host.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// What it told about its end, or others about it.
    pub fn report(&self) -> Option<ProcessReport> {
        lock(&self.report).clone()
    }

    /// process_report.
    pub fn process_report(&self, call: ProcessReport) {
        *lock(&self.report) = Some(call);
    }

    /// thread_set_priority.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the picoprocess has no such thread, [`Error::Invalid`].
    pub fn thread_set_priority(&self, call: &ThreadSetPriority) -> Result {
        if call.thread == 0 || !(-20..=19).contains(&call.nice) {
            return Err(Error::Invalid);
        }
        let thread = self.thread(call.thread)?;
        if call.processors != 0 {
            let wanted =
                processors().into_iter().take(64).enumerate().filter(|(bit, _)| call.processors >> bit & 1 != 0);
            run_on(thread, wanted.map(|(_, number)| number)).map_err(host::error)?;
        }
        // Where the host does not let it be set, timers are as they were.
        let _ = fs::write(format!("/proc/{thread}/timerslack_ns"), call.slack.min(1_000_000_000).to_string());
        // What the monitor itself has is what the sandbox begins at.
        let own = getpriority_process(None).unwrap_or(0);
        for nice in [call.nice, call.nice.max(0)] {
            match setpriority_process(rustix::process::Pid::from_raw(thread), nice.saturating_add(own).min(19)) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::SRCH) => return Err(Error::NotFound),
                // The host does not grant it: the nearest that needs no grant, else it stays as it is.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The host's number of a thread.
    fn thread(&self, inner: u32) -> Result<i32> {
        let process = self.process;
        let mut threads = lock(&self.threads);
        let is = |outer: i32| inner_number(process, outer) == Some(inner);
        if let Some(outer) = threads.get(&inner).copied().filter(|outer| is(*outer)) {
            return Ok(outer);
        }
        threads.clear();
        for entry in fs::read_dir(format!("/proc/{process}/task")).map_err(|_| Error::NotFound)?.flatten() {
            let outer = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some((outer, inner)) = outer.and_then(|outer| Some((outer, inner_number(process, outer)?))) {
                threads.insert(inner, outer);
            }
        }
        threads.get(&inner).copied().ok_or(Error::NotFound)
    }
}

/// A thread's number in its own process's namespace.
fn inner_number(process: Pid, thread: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/task/{thread}/status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    numbers.split_ascii_whitespace().last()?.parse().ok()
}
