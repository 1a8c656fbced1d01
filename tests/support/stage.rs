//! A program with windows, driven by a script: in a sandbox by `secmon`'s verbs, under stock Wine by xdotool on a screen that nobody sees. The same
//! script runs on both, and what they show is compared.

use crate::command::Run;
use crate::picture::{self, Picture};
use crate::place::json;
use crate::screen::WineDesktop;
use crate::{product, rest};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a window may take to come or go.
const PATIENCE: Duration = Duration::from_secs(110);
const SECONDS: &str = "110";

/// What a script does. Keys are named as `secmon input ID key` names them.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// Waits for a window whose title contains this.
    Window(&'a str),
    /// Waits until there is none.
    Gone(&'a str),
    /// Presses keys together.
    Key(&'a str),
    /// Types a text.
    Type(&'a str),
    /// Clicks.
    Click(i32, i32),
    /// Clicks twice.
    Double(i32, i32),
    /// Clicks with the right button.
    Right(i32, i32),
    /// Drags from one place to another.
    Drag((i32, i32), (i32, i32)),
    /// Waits until no thread of the programs runs: where those without windows do what follows of what was typed or clicked.
    Rest,
    /// Takes a picture of a part, by its left upper corner and size, which is called so, and must be as alike as this at least.
    Picture(&'a str, (u32, u32), (u32, u32), f64),
}

/// A folder of the host's that both sides have: its name below `C:\\`, and where it is.
pub type Folder<'a> = (&'a str, &'a Path);

/// Where a script runs.
pub trait Stage {
    /// Does a step; a picture if it takes one.
    fn step(&mut self, step: &Step<'_>) -> Option<Picture>;
}

/// A sandbox; it ends with this value.
pub struct Sandbox {
    name: String,
    beside: Vec<Child>,
}

impl Sandbox {
    /// Starts one for a command, with a folder of the host's as `C:\\stage`, writable.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(folder: &Path, command: &str) -> Sandbox {
        Sandbox::start_with(folder, &[], command)
    }

    /// The same with further folders, which lie at `C:\\NAME` and are only read.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_with(folder: &Path, others: &[Folder<'_>], command: &str) -> Sandbox {
        Sandbox::start_granted(&[], folder, others, command)
    }

    /// The same with further words for `secmon start`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_granted(granted: &[&str], folder: &Path, others: &[Folder<'_>], command: &str) -> Sandbox {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        product::image();
        let name = format!("stage-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mount = format!(r"{}=C:\stage:rw", folder.display());
        let mut start = Run::new(product::secmon()).args(["start", "--name", &name, "--mount", &mount]);
        start = start.args(granted);
        for (name, folder) in others {
            start = start.args(["--mount", &format!(r"{}=C:\{name}", folder.display())]);
        }
        start.args(["--command", command]).run().success();
        Sandbox { name, beside: Vec::new() }
    }

    /// Starts another program beside it, which goes on.
    ///
    /// # Panics
    /// If that cannot be asked for.
    pub fn begin(&mut self, command: &[&str]) {
        let mut run = Run::new(product::secmon()).args(["exec", &self.name, "--"]).args(command);
        let quiet = run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.beside.push(quiet.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")));
    }

    /// What another program writes that is run beside it.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn exec(&self, command: &[&str]) -> String {
        let run = Run::new(product::secmon()).args(["exec", &self.name, "--"]).args(command).run();
        run.success().text()
    }

    /// What a verb about it writes.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn verb(&self, verb: &str, arguments: &[&str]) -> String {
        Run::new(product::secmon()).arg(verb).arg(&self.name).args(arguments).run().success().text()
    }

    /// What is shown.
    ///
    /// # Panics
    /// If no picture can be taken.
    pub fn picture(&self) -> Picture {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder: {e}"));
        let file = folder.path().join("shown.png");
        self.verb("screenshot", &[&file.to_string_lossy()]);
        picture::read(&file)
    }

    /// Waits until none of its threads runs.
    fn rest(&self) {
        let raw = Run::new(product::secmon()).args(["--raw", "inspect", &self.name]).run().success();
        let raw = json(&raw);
        let processes = raw["Processes"].as_array().into_iter().flatten();
        let all = processes.chain([&raw]).map(|process| Path::new("/proc").join(process["Pid"].to_string()));
        let all: Vec<PathBuf> = all.collect();
        rest::wait(|| (), || all.iter().any(|process| rest::is_busy(process)));
    }

    /// What its programs wrote.
    pub fn logs(&self) -> String {
        self.verb("logs", &[])
    }
}

impl Stage for Sandbox {
    fn step(&mut self, step: &Step<'_>) -> Option<Picture> {
        let input = |what: &[&str]| drop(self.verb("input", what));
        let title = |text: &str| format!("*{text}*");
        let place = |x: i32, y: i32| (x.to_string(), y.to_string());
        match *step {
            Step::Window(text) => drop(self.verb("wait-window", &["--timeout", SECONDS, "--title", &title(text)])),
            Step::Gone(text) => {
                drop(self.verb("wait-window", &["--gone", "--timeout", SECONDS, "--title", &title(text)]));
            }
            Step::Key(keys) => input(&["key", keys]),
            Step::Type(text) => input(&["type", text]),
            Step::Click(x, y) => {
                let (x, y) = place(x, y);
                input(&["click", &x, &y]);
            }
            Step::Double(x, y) => {
                let (x, y) = place(x, y);
                input(&["click", "--double", &x, &y]);
            }
            Step::Right(x, y) => {
                let (x, y) = place(x, y);
                input(&["click", "--button", "right", &x, &y]);
            }
            Step::Drag(from, to) => {
                let ((x1, y1), (x2, y2)) = (place(from.0, from.1), place(to.0, to.1));
                input(&["drag", &x1, &y1, &x2, &y2]);
            }
            Step::Rest => self.rest(),
            Step::Picture(_, at, size, _) => return Some(picture::part(&self.picture(), at, size)),
        }
        None
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        Run::new(product::secmon()).args(["stop", &self.name]).run();
        for mut child in self.beside.drain(..) {
            // It ended with the sandbox.
            let _ = child.wait();
        }
    }
}

/// A program on Wine's desktop; it is ended with this value.
pub struct OnWine<'a> {
    desktop: &'a WineDesktop,
    child: Child,
    /// Where its standard output goes.
    pub output: PathBuf,
    _folder: tempfile::TempDir,
}

impl<'a> OnWine<'a> {
    /// Starts a program, with a folder of the host's as `C:\\stage`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(desktop: &'a WineDesktop, folder: &Path, program: &Path, arguments: &[&str]) -> OnWine<'a> {
        desktop.link("stage", folder);
        let kept = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder: {e}"));
        let output = kept.path().join("out");
        let file = std::fs::File::create(&output).unwrap_or_else(|e| panic!("{}: {e}", output.display()));
        let mut run = desktop.command(program).args(arguments).dir(folder);
        let command = run.command().stdin(Stdio::null()).stdout(file).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        OnWine { desktop, child, output, _folder: kept }
    }

    fn has(&self, title: &str) -> bool {
        let search = ["search", "--onlyvisible", "--name", title];
        let found = Run::new("xdotool").args(search).env("DISPLAY", self.desktop.screen.display()).run();
        found.status == 0 && !found.out.is_empty()
    }

    /// Waits until nothing changes any more, and nobody would change something if the machine were less busy; then what is shown.
    pub fn still(&self) -> Picture {
        let screen = &self.desktop.screen;
        rest::wait(|| screen.bytes(), || self.desktop.is_busy());
        screen.picture()
    }
}

/// A key as xdotool calls it.
fn x_name(key: &str) -> String {
    let of = |key: &str| match key {
        "enter" | "return" => "Return".into(),
        "esc" => "Escape".into(),
        "tab" => "Tab".into(),
        "backspace" => "BackSpace".into(),
        "delete" => "Delete".into(),
        "pageup" => "Prior".into(),
        "pagedown" => "Next".into(),
        "home" | "end" | "left" | "right" | "up" | "down" => key[..1].to_uppercase() + &key[1..],
        key if key.len() > 1 && key.starts_with('f') && key[1..].parse::<u8>().is_ok() => key.to_uppercase(),
        key => key.into(),
    };
    key.split('+').map(of).collect::<Vec<String>>().join("+")
}

impl Stage for OnWine<'_> {
    fn step(&mut self, step: &Step<'_>) -> Option<Picture> {
        let until = |is: bool, text: &str| {
            let end = Instant::now() + PATIENCE;
            while self.has(text) != is {
                assert!(
                    Instant::now() < end,
                    "stock Wine: a window \"{text}\" is {}",
                    if is { "missing" } else { "still there" }
                );
                thread::sleep(Duration::from_millis(30));
            }
        };
        let xdotool = |arguments: &[&str]| self.desktop.screen.xdotool(arguments);
        let place = |x: i32, y: i32| xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
        match *step {
            Step::Window(text) => until(true, text),
            Step::Gone(text) => until(false, text),
            Step::Key(keys) => xdotool(&["key", &x_name(keys)]),
            Step::Type(text) => xdotool(&["type", "--delay", "20", text]),
            Step::Click(x, y) => {
                place(x, y);
                xdotool(&["click", "1"]);
            }
            Step::Double(x, y) => {
                place(x, y);
                xdotool(&["click", "--repeat", "2", "--delay", "60", "1"]);
            }
            Step::Right(x, y) => {
                place(x, y);
                xdotool(&["click", "3"]);
            }
            Step::Drag(from, to) => {
                place(from.0, from.1);
                xdotool(&["mousedown", "1"]);
                // A program that is still at what begins a drag would miss where the button is let go.
                self.still();
                for (x, y) in [(from.0.midpoint(to.0), from.1.midpoint(to.1)), to] {
                    place(x, y);
                    self.still();
                }
                xdotool(&["mouseup", "1"]);
            }
            // As after every step.
            Step::Rest => {}
            Step::Picture(_, at, size, _) => return Some(picture::part(&self.still(), at, size)),
        }
        self.still();
        None
    }
}

impl Drop for OnWine<'_> {
    fn drop(&mut self) {
        // One that ended by itself is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A picture of both sides.
#[derive(Debug)]
pub struct Compared {
    /// What it is called.
    pub name: String,
    /// How alike they are, and how alike they have to be.
    pub alike: f64,
    /// As the script has it.
    pub least: f64,
    /// Where both are kept, side by side.
    pub kept: PathBuf,
}

/// Plays a script on both, and compares the pictures. Without Wine's side ours are kept alone and are as alike as they have to be.
///
/// # Panics
/// If a step fails.
pub fn play(script: &str, steps: &[Step<'_>], ours: &mut dyn Stage, mut wine: Option<&mut dyn Stage>) -> Vec<Compared> {
    let mut all = Vec::new();
    for step in steps {
        println!("{script}: {step:?}");
        let picture = ours.step(step);
        let theirs = wine.as_mut().and_then(|wine| wine.step(step));
        let (Some(picture), Step::Picture(name, _, _, least)) = (picture, *step) else { continue };
        let name = format!("{script}-{name}");
        let kept = picture::keep(&name, &picture, theirs.as_ref().unwrap_or(&picture));
        let alike = theirs.map_or(least, |theirs| picture::similarity(&picture, &theirs));
        println!("{name}: {alike:.4}, at least {least}: {}", kept.display());
        all.push(Compared { name, alike, least, kept });
    }
    all
}
