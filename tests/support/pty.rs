//! A command on a terminal, driven as a person would.

use nix::pty::{Winsize, openpty};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A command and its terminal.
pub struct Terminal {
    /// The command.
    pub child: Child,
    keyboard: File,
    seen: Arc<Mutex<Vec<u8>>>,
    master: OwnedFd,
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Terminal {
    /// Starts a command as the leader of a session on a terminal of this size.
    ///
    /// # Panics
    /// If that fails.
    pub fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let pty = openpty(Some(&size(columns, rows)), None).unwrap();
        // setsid gives the command the terminal as its own, so that Ctrl-C reaches it.
        let mut leader = Command::new("setsid");
        leader.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                leader.env(name, value);
            }
        }
        if let Some(dir) = command.get_current_dir() {
            leader.current_dir(dir);
        }
        let slave = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
        leader.stdin(slave(&pty.slave)).stdout(slave(&pty.slave)).stderr(slave(&pty.slave));
        leader.env("TERM", "xterm-256color");
        let child = leader.spawn().unwrap();
        drop(leader);
        drop(pty.slave);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, sink) = (File::from(pty.master.try_clone().unwrap()), seen.clone());
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut block) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&block[..count]);
            }
        });
        Terminal { child, keyboard: File::from(pty.master.try_clone().unwrap()), seen, master: pty.master }
    }

    /// All that the command has shown, as text.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until the command has shown `text`.
    ///
    /// # Panics
    /// If it does not come in time.
    #[track_caller]
    pub fn expect(&self, text: &str, limit: Duration) {
        let end = Instant::now() + limit;
        while !self.seen().contains(text) {
            assert!(Instant::now() < end, "`{text}` did not appear in:\n{}", self.seen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        // stty does it on any terminal that is its standard input; an ioctl of our own would need unsafe code.
        let terminal = Stdio::from(self.master.try_clone().unwrap());
        let _ = Command::new("stty")
            .args(["cols", &columns.to_string(), "rows", &rows.to_string()])
            .stdin(terminal)
            .status();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
