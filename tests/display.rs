//! The display of a sandbox, end to end: what scripts see of it, and what an RDP client does.

use image::Rgb;
use portcullis::command::{Outcome, Run};
use portcullis::picture::{self, Picture};
use portcullis::screen::Screen;
use portcullis::{guest, product};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// COLOR_BACKGROUND: of the image's registry, as a fresh Wine has it; and what there is where no program has run yet.
const BACKGROUNDS: [Rgb<u8>; 2] = [Rgb([37, 111, 149]), Rgb([58, 110, 165])];

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
        product::image();
        let place = Place { top: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.path("app")).unwrap();
        let mount = format!("{}=C:\\app", place.path("app").display());
        place.secmon(&["start", "--name", "s", "--mount", &mount]).run().success();
        place
    }

    /// Runs `shown.c` in it.
    fn show(&self, argument: &str) {
        std::fs::copy(guest::program("shown"), self.path("app/shown.exe")).unwrap();
        let words = ["exec", "s", "--detach", "--", "C:\\app\\shown.exe", argument];
        self.secmon(&words).run().success();
        self.secmon(&["wait-window", "s", "--class", "Shown"]).run().success();
    }

    /// Waits for a window's title.
    #[track_caller]
    fn titled(&self, title: &str) {
        self.secmon(&["wait-window", "s", "--title", title]).run().success();
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
        serde_json::from_str(&outcome.text()).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
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
        self.secmon(&["screenshot", "s", "shot.png"]).run().success();
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
    let mut command = Command::new("xfreerdp");
    command.args([format!("/v:{}", to.address), format!("/u:{}", to.user), format!("/p:{password}")]);
    command.arg(format!("/cert:fingerprint:sha256:{}", to.fingerprint)).args(more).env("DISPLAY", screen.display());
    let home = std::env::temp_dir();
    command.env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Rdp(command.spawn().unwrap())
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
    let close = |known: &Rgb<u8>| colour.0.iter().zip(known.0).all(|(one, other)| one.abs_diff(other) <= 4);
    BACKGROUNDS.iter().any(close)
}

#[test]
fn scripts_see_an_empty_desktop() {
    let place = Place::new();
    let picture = place.screenshot();
    assert_eq!(picture.dimensions(), (1024, 768));
    let first = picture.get_pixel(0, 0);
    assert!(BACKGROUNDS.contains(first) && picture.pixels().all(|pixel| pixel == first), "{first:?}");
    assert_eq!(place.raw(&["windows", "s"])["Windows"].as_array().map(Vec::len), Some(0));
    let outcome = place.secmon(&["wait-window", "s", "--title", "none", "--timeout", "0.2"]).run();
    assert!(outcome.status == 125 && outcome.errors().contains("there is no such window"), "{outcome:?}");
    place.secmon(&["wait-window", "s", "--title", "none", "--gone"]).run().success();
    // Nothing of them stays, and none of them is the sandbox's end.
    until("desktops end with their clients", || {
        let raw = place.raw(&["inspect", "s"]);
        raw["Processes"].as_array().is_some_and(|all| all.len() == 1)
    });
}

#[test]
fn a_program_is_seen_and_driven_by_scripts() {
    let place = Place::new();
    place.show("1");
    let shown = place.raw(&["windows", "s"]);
    let window = &shown["Windows"][0];
    assert_eq!((&window["Class"], &window["Title"]), (&"Shown".into(), &"shown".into()), "{shown}");
    assert_eq!(window["Rectangle"], serde_json::json!({"X": 100, "Y": 150, "Width": 400, "Height": 300}));
    let picture = place.screenshot();
    let at = |x, y| picture.get_pixel(x, y).0;
    assert_eq!([at(120, 170), at(219, 229)], [[255, 0, 0]; 2], "what it painted");
    assert_eq!([at(100, 150), at(220, 230), at(499, 449)], [[255; 3]; 3], "its background");
    assert_eq!([at(99, 150), at(500, 449)], [BACKGROUNDS[0].0; 2], "outside of it");
    // Each comes back when the program has done what follows from it.
    for (words, title) in [
        (&["click", "150", "200"][..], "up"),
        (&["type", "é"], "typed 00e9"),
        (&["key", "shift+a"], "typed 0041"),
        (&["scroll", "200", "200", "-1"], "wheel -120"),
        (&["drag", "150", "200", "300", "300"], "up"),
    ] {
        place.secmon(&[&["input", "s"], words].concat()).run().success();
        assert_eq!(place.raw(&["windows", "s"])["Windows"][0]["Title"], title, "{words:?}");
    }
}

#[test]
fn a_program_is_driven_by_a_client_that_is_lost_while_a_button_is_down() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let to = place.connect();
    let client = rdp(&screen, &to, &to.password, &["/size:1024x768", "/bpp:32"]);
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || red(screen.picture().get_pixel(170, 200)));
    screen.xdotool(&["mousemove", "150", "200"]);
    screen.xdotool(&["key", "q"]);
    place.titled("typed 0071");
    screen.xdotool(&["mousedown", "1"]);
    place.titled("down at 50,50");
    drop(client);
    place.titled("up");
    place.secmon(&["input", "s", "type", "x"]).run().success();
    place.titled("typed 0078");
}

#[test]
fn a_storm_of_windows_is_told_and_composed() {
    let place = Place::new();
    place.show("600");
    let count = || place.raw(&["windows", "s"])["Windows"].as_array().map_or(0, Vec::len);
    until("all windows are there", || count() == 600);
    assert_eq!(place.screenshot().get_pixel(300, 300).0, [255; 3]);
}

#[test]
fn an_rdp_client_sees_the_desktop_sizes_it_and_comes_again() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    // Asked for again it is the same one.
    assert_eq!(place.connect().address, to.address);
    let shown = |x, y| is_background(screen.picture().get_pixel(x, y));
    let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32"]);
    until("the client shows the desktop", || shown(5, 5) || shown(500, 400));
    until("the desktop has the client's size", || place.screenshot().dimensions() == (800, 600));
    drop(client);
    // Another comes behind it, of another size.
    let second = rdp(&screen, &to, &to.password, &["/size:640x480", "/bpp:32"]);
    until("the desktop has the second client's size", || place.screenshot().dimensions() == (640, 480));
    // One that comes while the other is there takes the desktop from it.
    let third = rdp(&screen, &to, &to.password, &["/size:1000x700", "/bpp:32"]);
    until("the desktop has the third client's size", || place.screenshot().dimensions() == (1000, 700));
    let mut second = second;
    until("the second client was sent away", || second.0.try_wait().is_ok_and(|ended| ended.is_some()));
    drop(third);
}

#[test]
fn nobody_gets_in_without_the_password() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    let mut client = rdp(&screen, &to, "wrong", &["/size:800x600"]);
    until("the client gives up", || client.0.try_wait().is_ok_and(|ended| ended.is_some()));
    // Without NLA there is no way in either.
    let mut client = rdp(&screen, &to, &to.password, &["/size:800x600", "/sec:tls"]);
    until("the client gives up", || client.0.try_wait().is_ok_and(|ended| ended.is_some()));
    assert_eq!(place.screenshot().dimensions(), (1024, 768), "neither was let in");
    assert!(place.logs().contains("a client's connection ended"), "{}", place.logs());
}

#[test]
fn what_breaks_the_protocol_loses_its_connection_and_nothing_else() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    // A request for a connection as X.224 has it, and what is no such thing.
    let begin: &[u8] = &[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..40 {
        let mut bytes = if round % 2 == 0 { begin.to_vec() } else { Vec::new() };
        for _ in 0..round * 50 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            bytes.push(chance as u8);
        }
        if round % 3 == 0 {
            // A message that says that it is as long as can be.
            bytes.splice(0..0, [3, 0, 0xff, 0xff]);
        }
        let mut stream = TcpStream::connect(to.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        // It may be gone before all is said.
        let _ = stream.write_all(&bytes);
        let _ = stream.read(&mut [0; 64]);
    }
    // More than it listens to at a time, which say nothing: they are sent away in time, or give way.
    drop(rdp(&screen, &to, &to.password, &["/size:800x600"]));
    let client = rdp(&screen, &to, &to.password, &["/size:720x540"]);
    until("a client is served", || place.screenshot().dimensions() == (720, 540));
    drop(client);
}

/// Says something to a server of pages; what it answers.
fn ask(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The next message of a WebSocket (RFC 6455, 5.2: a server's are not masked).
fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let length = match head[1] {
        126 => {
            let mut two = [0; 2];
            stream.read_exact(&mut two).unwrap();
            u16::from_be_bytes(two).into()
        }
        127 => {
            let mut eight = [0; 8];
            stream.read_exact(&mut eight).unwrap();
            u64::from_be_bytes(eight)
        }
        length => length.into(),
    };
    assert!(head[0] == 0x82 && length < 1 << 24, "{head:?}");
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_browser_is_shown_the_desktop_by_a_link_that_is_used_once() {
    let place = Place::new();
    let link = place.raw(&["view", "s"])["Link"].as_str().unwrap().to_owned();
    let (host, secret) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let to: SocketAddr = host.parse().unwrap();
    let get =
        |path: &str, host: &str, more: &str| ask(to, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"));
    assert!(get("", host, "").starts_with("HTTP/1.1 404"));
    assert!(get(secret, "evil.example", "").starts_with("HTTP/1.1 400"), "a name that leads here is refused");
    let page = get(secret, host, "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Content-Security-Policy"), "{page}");
    assert!(get(secret, host, "").starts_with("HTTP/1.1 404"), "it was used");
    let (_, rest) = page.split_once("${location.host}/").unwrap();
    let socket = &rest[..32];
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let foreign = format!("{upgrade}Origin: http://evil.example\r\n");
    assert!(get(socket, host, &foreign).starts_with("HTTP/1.1 404"), "another's page is refused");
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET /{socket} HTTP/1.1\r\nHost: {host}\r\n{upgrade}Origin: http://{host}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    // The answer that RFC 6455 has for this key.
    assert!(head.contains("101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let half = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let first = message(&mut stream);
    assert_eq!((first[0], half(&first, 2), half(&first, 4)), (1, 1024, 768));
    let mut shown = 0;
    while shown < 1024 * 768 {
        let part = message(&mut stream);
        assert_eq!(part[0], 2);
        assert!(
            part[12..]
                .chunks_exact(4)
                .all(|pixel| is_background(&Rgb([pixel[0], pixel[1], pixel[2]])) && pixel[3] == 255)
        );
        shown += (part.len() - 12) / 4;
    }
    // A resize, masked with zeros as a client may.
    let mut resize = vec![0x82, 0x80 | 10, 0, 0, 0, 0, 6, 0];
    resize.extend(640u32.to_le_bytes());
    resize.extend(480u32.to_le_bytes());
    stream.write_all(&resize).unwrap();
    until("the desktop has the page's size", || place.screenshot().dimensions() == (640, 480));
    // What is no message ends this connection alone.
    stream.write_all(&[0x82, 0x81, 0, 0, 0, 0, 99]).unwrap();
    until("the page was sent away", || place.logs().contains("it says what is no message"));
    assert_eq!(place.screenshot().dimensions(), (640, 480));
}

#[test]
fn from_inside_the_jail_there_is_nothing_to_be_had() {
    let outcome: Outcome = Run::new(product::folder().join("portcullis-display")).args(["--attack"]).run();
    assert!(outcome.status == 0, "{outcome:?}");
}
