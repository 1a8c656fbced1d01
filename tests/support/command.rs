//! Runs a command to its end or to its time limit, and keeps all it wrote.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a command did.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Exit status; of a command that a signal ended, 128 and the signal's number.
    pub status: i32,
    /// What it wrote to its standard output.
    pub out: Vec<u8>,
    /// What it wrote to its standard error.
    pub err: Vec<u8>,
    /// Whether it was ended because its time ran out.
    pub late: bool,
}

impl Outcome {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.err).into_owned()
    }

    /// Standard output as text with Linux line ends.
    pub fn lines(&self) -> String {
        self.text().replace("\r\n", "\n")
    }

    /// Itself, if it ended with status 0.
    ///
    /// # Panics
    /// If it did not, with all it wrote.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.status == 0 && !self.late, "{self:?}");
        self
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = if self.late { " (time ran out)" } else { "" };
        write!(f, "status {}{late}\n--- out\n{}\n--- err\n{}\n---", self.status, cut(&self.out), cut(&self.err))
    }
}

/// The end of what was written, as text.
fn cut(bytes: &[u8]) -> String {
    const LIMIT: usize = 6000;
    let from = bytes.len().saturating_sub(LIMIT);
    let text = String::from_utf8_lossy(&bytes[from..]).into_owned();
    if from > 0 { format!("[{from} bytes before]…{text}") } else { text }
}

/// A command to run.
pub struct Run {
    command: Command,
    input: Vec<u8>,
    limit: Duration,
}

impl Run {
    /// Of this program.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Run { command: Command::new(program), input: Vec::new(), limit: Duration::from_secs(120) }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Its working directory.
    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What it reads from its standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// How long it may take; two minutes if not said.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command itself, for what has no method here; standard streams set on it are not kept.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it with pipes and waits for its end.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{:?}: {error}", self.command),
        };
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = std::mem::take(&mut self.input);
        let feeder = thread::spawn(move || {
            // A program need not read what it is given.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&input);
            }
        });
        let out = thread::spawn(move || read_all(stdout));
        let err = thread::spawn(move || read_all(stderr));
        let (status, late) = wait(&mut child, self.limit);
        let _ = feeder.join();
        Outcome {
            status: number(status),
            out: out.join().unwrap_or_default(),
            err: err.join().unwrap_or_default(),
            late,
        }
    }
}

fn read_all(from: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _ = from.read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for a child; when its time runs out, it is told to end, then killed.
pub fn wait(child: &mut Child, limit: Duration) -> (ExitStatus, bool) {
    let end = Instant::now() + limit;
    let mut late = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return (status, late),
            Ok(None) => {}
            Err(error) => panic!("waiting for a child: {error}"),
        }
        if Instant::now() > end {
            late = true;
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Exit status as a shell shows it.
pub fn number(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
