//! What is seen: how long until a window is complete, what a desktop with one costs, and how long a key takes to a client's screen.
//!
//! The peers: stock Wine on Xvfb; for keys, X11's own editor shown by FreeRDP's server to the same client (Debian's x11-apps and
//! freerdp2-shadow-x11, without which that row has no peer).

use super::memory::{family, private};
use super::{Row, in_turn, median};
use portcullis::screen::{SIZE, Screen, WineDesktop, freerdp};
use portcullis::stage::{OnWine, Sandbox};
use portcullis::{guest, product};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Keys that are pressed.
const KEYS: usize = 60;
/// How long a client or an editor takes until nothing moves any more.
const SETTLED: Duration = Duration::from_secs(6);

/// The rows.
///
/// # Panics
/// If a sandbox cannot be started.
pub fn rows() -> Vec<Row> {
    product::image();
    let mut rows = vec![complete()];
    rows.extend(memory());
    rows.extend(keys());
    rows
}

/// From the command line to a window that is drawn: a sandbox that starts for it, and a Wine whose server and desktop run already.
fn complete() -> Row {
    let program = guest::program("firstwindow");
    let desktop = WineDesktop::start();
    let folder = tempfile::tempdir().expect("a folder");
    let warm = desktop.as_ref().map(|desktop| OnWine::start(desktop, folder.path(), "winemine".as_ref(), &[]));
    std::thread::sleep(SETTLED);
    let ours = || {
        let mut command = Command::new(product::secmon());
        command.arg("run").arg(&program).arg("notepad.exe");
        command
    };
    let wine = desktop.as_ref().map(|desktop| {
        || {
            let mut run = desktop.command(&program).arg("notepad.exe");
            let mut command = Command::new(run.command().get_program());
            command.args(run.command().get_args());
            command.envs(run.command().get_envs().filter_map(|(name, value)| Some((name, value?))));
            command
        }
    });
    let times = in_turn(15, &[Some(&ours), wine.as_ref().map(|make| make as super::Make<'_>)]);
    drop(warm);
    Row { name: "notepad, until complete".into(), unit: "ms", ours: times[0], wine: times[1], linux: None }
}

/// A client of a sandbox's display, on a screen.
struct Client {
    process: Child,
    screen: Screen,
}

impl Client {
    /// FreeRDP's, with these arguments beside those of its looks.
    fn start(arguments: &[String]) -> Option<Client> {
        let screen = Screen::start()?;
        let mut command = Command::new(freerdp());
        command.args(arguments).args(["/f", "/bpp:32", "/network:lan"]).env("DISPLAY", screen.display());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().ok()?;
        std::thread::sleep(SETTLED);
        Some(Client { process, screen })
    }

    /// Milliseconds from a key to another picture, the median of many. A caret that blinks meanwhile may be taken for the letter, which
    /// the median outlives.
    fn keys(&self) -> Option<f64> {
        let mut typist = Command::new("xdotool")
            .arg("-")
            .env("DISPLAY", self.screen.display())
            .stdin(Stdio::piped())
            .spawn()
            .ok()?;
        let mut lines = typist.stdin.take()?;
        let mut times = Vec::new();
        for key in 0..KEYS {
            // Until the one before is seen everywhere, and at another moment of the caret's blinking.
            std::thread::sleep(Duration::from_millis(300 + key as u64 * 7 % 100));
            let before = self.screen.bytes();
            let start = Instant::now();
            writeln!(lines, "key --delay 0 {}", if key % 2 == 0 { "w" } else { "m" }).ok()?;
            lines.flush().ok()?;
            while self.screen.bytes() == before {
                if start.elapsed() > Duration::from_secs(5) {
                    return None;
                }
            }
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        drop(lines);
        let _ = typist.wait();
        median(times)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client_of(sandbox: &Sandbox) -> Option<(Client, u32)> {
    let reached: serde_json::Value = serde_json::from_str(&sandbox.verb("connect", &["--raw"])).ok()?;
    let text = |name: &str| reached[name].as_str().map(str::to_owned);
    let arguments = [
        format!("/v:{}", text("Address")?),
        format!("/u:{}", text("User")?),
        format!("/p:{}", text("Password")?),
        format!("/cert:fingerprint:sha256:{}", text("Fingerprint")?),
    ];
    let monitor: serde_json::Value = serde_json::from_str(&sandbox.verb("inspect", &["--raw"])).ok()?;
    let process = monitor["Pid"].as_u64().and_then(|process| u32::try_from(process).ok())?;
    Some((Client::start(&arguments)?, process))
}

/// A sandbox with notepad and a client that looks at it; its monitor's process.
fn shown(folder: &Path) -> Option<(Sandbox, Client, u32)> {
    let sandbox = Sandbox::start(folder, "notepad.exe");
    sandbox.verb("wait-window", &["--title", "*Notepad*"]);
    let (client, monitor) = client_of(&sandbox)?;
    Some((sandbox, client, monitor))
}

/// What is private to all processes of sandboxes that are shown: KB.
fn private_of(monitors: &[u32]) -> f64 {
    // The kernel keeps 15 bytes of a name.
    let display = processes("comm", |name| name.starts_with(b"portcullis-disp"));
    // The monitor's helper is a process in the monitor's memory: what they say is the same to the letter, and counts once.
    let memory = |process: u32| fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let families = monitors.iter().flat_map(|monitor| family(*monitor));
    let all: BTreeMap<String, u32> = families.chain(display).map(|one| (memory(one), one)).collect();
    all.into_values().map(private).sum()
}

/// All that a sandbox with notepad costs while a client looks at it, by itself, when code that nobody else has mapped counts, and
/// beside another; under stock Wine, all that runs in its state.
fn memory() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((sandbox, client, monitor)) = shown(folder.path()) else { return Vec::new() };
    let alone = private_of(&[monitor]);
    let beside = shown(folder.path()).map(|(_sandbox, _client, other)| private_of(&[monitor, other]) / 2.0);
    drop((sandbox, client));
    let wine = WineDesktop::start().map(|desktop| {
        let running = OnWine::start(&desktop, folder.path(), "notepad".as_ref(), &[]);
        std::thread::sleep(SETTLED);
        let all = processes("environ", |text| text.windows(15).any(|part| part == b"/desktop-prefix"));
        let sum = all.into_iter().map(private).sum::<f64>();
        drop(running);
        sum
    });
    let row = |name: &str, ours, wine| Row { name: name.into(), unit: "KB", ours, wine, linux: None };
    vec![row("sandbox with notepad, a client, private", Some(alone), wine), row("the same, each of two", beside, None)]
}

/// From a key to the client's screen.
fn keys() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::start(folder.path(), "notepad.exe");
    sandbox.verb("wait-window", &["--title", "*Notepad*"]);
    let ours = client_of(&sandbox).and_then(|(client, _)| client.keys());
    vec![Row { name: "key to the RDP client's screen".into(), unit: "ms", ours, wine: None, linux: editor() }]
}

/// The same of X11's own editor behind FreeRDP's server.
fn editor() -> Option<f64> {
    let screen = Screen::start()?;
    let quiet = |command: &mut Command| -> Option<Child> {
        command
            .env("DISPLAY", screen.display())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    };
    let size = format!("{}x{}+0+0", SIZE.0, SIZE.1);
    let editor = quiet(Command::new("xedit").args(["-geometry", &size]))?;
    let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let server = quiet(Command::new("freerdp-shadow-cli").args([
        format!("/port:{port}"),
        "/bind-address:127.0.0.1".to_owned(),
        "-auth".to_owned(),
        "/sec:tls".to_owned(),
    ]));
    std::thread::sleep(SETTLED);
    // The pointer gives an X window the keyboard where nobody manages windows.
    screen.xdotool(&["mousemove", "500", "500"]);
    let arguments = [
        format!("/v:127.0.0.1:{port}"),
        "/cert:ignore".to_owned(),
        "/sec:tls".to_owned(),
        "/u:x".to_owned(),
        "/p:x".to_owned(),
    ];
    let time = Client::start(&arguments).and_then(|client| {
        client.screen.xdotool(&["mousemove", "500", "500", "click", "1"]);
        client.keys()
    });
    for mut child in [Some(editor), server].into_iter().flatten() {
        let _ = child.kill();
        let _ = child.wait();
    }
    time
}

/// Processes of this host that something is so of: a file of theirs below `/proc`.
fn processes(file: &str, so: impl Fn(&[u8]) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let read = |number: &u32| fs::read(format!("/proc/{number}/{file}")).is_ok_and(|bytes| so(&bytes));
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(read).collect()
}
