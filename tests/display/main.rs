//! The display of a sandbox, end to end: what scripts see of it, and what an RDP client does.

mod attacks;
mod clipboard;
mod page;
mod rdp;
mod scripts;
mod shell;
mod sound;

use image::Rgb;
use portcullis::browser::Browser;
use portcullis::command::{Outcome, Run};
use portcullis::hostile::{self, Login};
use portcullis::picture::{self, Picture};
use portcullis::schema::Schema;
use portcullis::screen::{Screen, freerdp};
use portcullis::{guest, product};
use portcullis_manage::client::Client;
use portcullis_manage::desktop::Desktop;
use serde_json::Value;
use shim_abi::display::{Button, CLIP_PART, Clip, FileRange, Input, Key, More, Notice, Size};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// COLOR_BACKGROUND: of the image's registry, as a fresh Wine has it.
const BACKGROUND: Rgb<u8> = Rgb([37, 111, 149]);

/// State of its own; whatever runs in it ends with it.
struct Place {
    top: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.secmon(&["stop", "--all", "--time", "0"]).run();
    }
}

/// How a display is reached.
struct Reached {
    address: SocketAddr,
    user: String,
    password: String,
    fingerprint: String,
}

impl Place {
    /// With a sandbox `s`.
    fn new() -> Self {
        Place::with(&[])
    }

    /// With one of which that is said too.
    fn with(more: &[&str]) -> Self {
        product::image();
        let place = Place { top: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.path("app")).unwrap();
        let mount = format!("{}=C:\\app", place.path("app").display());
        let words = ["start", "--name", "s", "--mount", &mount];
        place.secmon(&[&words, more].concat()).run().success();
        place
    }

    /// Runs `shown.c` in it.
    fn show(&self, argument: &str) {
        self.start("shown", "Shown", argument);
    }

    /// Runs a guest program in it, and waits for its window.
    #[track_caller]
    fn start(&self, name: &str, class: &str, argument: &str) {
        std::fs::copy(guest::program(name), self.path("app").join(format!("{name}.exe"))).unwrap();
        let program = format!("C:\\app\\{name}.exe");
        let words = ["exec", "s", "--detach", "--", &program, argument];
        let words = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>();
        self.secmon(&words).run().success();
        self.secmon(&["wait-window", "s", "--class", class]).run().success();
    }

    /// Runs Wine's notepad in it, and waits for its window.
    #[track_caller]
    fn notepad(&self) {
        self.secmon(&["exec", "s", "--detach", "--", "notepad.exe"]).run().success();
        self.secmon(&["wait-window", "s", "--class", "Notepad"]).run().success();
    }

    /// Types a key; the title of the first window once nothing is left to do.
    #[track_caller]
    fn title_after(&self, key: &str) -> String {
        self.secmon(&["input", "s", "type", key]).run().success();
        self.raw(&["windows", "s"])["Windows"][0]["Title"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a window's title.
    #[track_caller]
    fn titled(&self, title: &str) {
        self.raw(&["wait-window", "s", "--title", title]);
    }

    /// Types a key until the title is that.
    #[track_caller]
    fn comes_to(&self, key: &str, title: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let now = self.title_after(key);
            if now == title {
                return;
            }
            assert!(Instant::now() < end, "{title}: it is {now}; {}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn secmon(&self, args: &[&str]) -> Run {
        Run::new(product::secmon()).args(args).dir(self.top.path()).env("PORTCULLIS_STATE", self.path("state"))
    }

    #[track_caller]
    fn raw(&self, args: &[&str]) -> Value {
        let outcome = self.secmon(&[&["--raw"], args].concat()).run().success();
        let value: Value = serde_json::from_str(&outcome.text()).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
        let faults = Schema::of("secmon/manage/raw.schema.json", true).faults(&value, Some(args[0]));
        assert!(faults.is_empty(), "{args:?}: {faults:#?}");
        value
    }

    #[track_caller]
    fn connect(&self) -> Reached {
        let raw = self.raw(&["connect", "s"]);
        let text = |name: &str| raw[name].as_str().unwrap_or_else(|| panic!("{raw}")).to_owned();
        Reached {
            address: text("Address").parse().unwrap(),
            user: text("User"),
            password: text("Password"),
            fingerprint: text("Fingerprint"),
        }
    }

    #[track_caller]
    fn screenshot(&self) -> Picture {
        self.raw(&["screenshot", "s", "shot.png"]);
        picture::read(&self.path("shot.png"))
    }

    fn logs(&self) -> String {
        let outcome = self.secmon(&["logs", "s"]).run();
        outcome.text() + &outcome.errors()
    }
}

/// A client that runs; it ends with this value.
struct Rdp(Child);

impl Drop for Rdp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// FreeRDP on a screen.
fn rdp(screen: &Screen, to: &Reached, password: &str, more: &[&str]) -> Rdp {
    Rdp(rdp_command(screen, to, password, more).spawn().unwrap())
}

/// The command that runs it.
fn rdp_command(screen: &Screen, to: &Reached, password: &str, more: &[&str]) -> Command {
    let mut command = Command::new(freerdp());
    command.args([format!("/v:{}", to.address), format!("/u:{}", to.user), format!("/p:{password}")]);
    command.arg(format!("/cert:fingerprint:sha256:{}", to.fingerprint)).args(more).env("DISPLAY", screen.display());
    let home = std::env::temp_dir();
    command.env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a colour is the background's, as far as a codec that loses something keeps it.
fn is_background(colour: &Rgb<u8>) -> bool {
    colour.0.iter().zip(BACKGROUND.0).all(|(one, other)| one.abs_diff(other) <= 4)
}

/// Something that talks to a desktop as its own client does: it may say what it likes.
fn desktop(place: &Place) -> Desktop {
    let state = std::fs::read_dir(place.path("state/sandboxes")).unwrap();
    let folder = state.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.join("control").exists());
    let mut client = Client::connect(&folder.unwrap(), "control").unwrap();
    Desktop::attach(&mut client).unwrap()
}
