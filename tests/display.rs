//! The display of a sandbox, end to end: what scripts see of it, and what an RDP client does.

use image::Rgb;
use portcullis::browser::Browser;
use portcullis::command::{Outcome, Run};
use portcullis::hostile::{self, Login};
use portcullis::picture::{self, Picture};
use portcullis::schema::Schema;
use portcullis::screen::Screen;
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
    let mut command = Command::new("xfreerdp");
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

#[test]
fn scripts_see_an_empty_desktop() {
    let place = Place::new();
    let picture = place.screenshot();
    assert_eq!(picture.dimensions(), (1024, 768));
    assert!(picture.pixels().all(|pixel| *pixel == BACKGROUND), "{:?}", picture.get_pixel(0, 0));
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
    assert_eq!([at(99, 150), at(500, 449)], [BACKGROUND.0; 2], "outside of it");
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
fn windows_larger_than_any_screen_keep_nobody_from_their_work() {
    let place = Place::new();
    place.show("sizes");
    let raw = place.raw(&["windows", "s"]);
    assert!(raw["Windows"].as_array().is_some_and(|all| all.len() > 5), "{raw}");
    assert_eq!(place.screenshot().get_pixel(150, 200).0, [255, 0, 0]);
    assert_eq!(place.title_after("x"), "typed 0078");
    let memory = place.raw(&["inspect", "s"]);
    assert!(memory["Processes"].as_array().is_some_and(|all| all.len() == 2), "{memory}");
}

#[test]
fn a_program_that_calls_itself_for_ever_hears_that_it_cannot_and_goes_on() {
    let place = Place::new();
    place.show("endless");
    assert_eq!(place.title_after("x"), "typed 0078");
}

#[test]
fn a_screenshot_has_the_pointer_where_that_is_asked_for() {
    let place = Place::new();
    place.notepad();
    place.secmon(&["input", "s", "move", "300", "300"]).run().success();
    let without = place.screenshot();
    place.raw(&["screenshot", "s", "shot.png", "--pointer"]);
    let with = picture::read(&place.path("shot.png"));
    let differs: Vec<(u32, u32)> = with
        .enumerate_pixels()
        .filter(|(x, y, pixel)| *x > 100 && without.get_pixel(*x, *y) != *pixel)
        .map(|(x, y, _)| (x, y))
        .collect();
    // Where text is edited it is a line with serifs, around where it points; the caret, which blinks, is far from it.
    assert!(differs.contains(&(300, 300)) && differs.len() > 8, "{differs:?}");
    assert!(differs.iter().all(|(x, y)| (284..316).contains(x) && (284..316).contains(y)), "{differs:?}");
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
fn the_desktop_follows_the_size_of_a_clients_window() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let to = place.connect();
    let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/dynamic-resolution", "/bpp:32"]);
    until("the desktop has the client's size", || place.screenshot().dimensions() == (800, 600));
    screen.xdotool(&["search", "--sync", "--name", "FreeRDP", "windowsize", "640", "480"]);
    until("the desktop has the window's size", || place.screenshot().dimensions() == (640, 480));
    // The program was told, is still there, and is still driven.
    place.titled("display 640x480");
    screen.xdotool(&["mousemove", "150", "200", "click", "1"]);
    place.titled("up");
    drop(client);
    // It has lost nothing when its client comes again.
    let _again = rdp(&screen, &to, &to.password, &["/size:700x500", "/bpp:32"]);
    place.titled("display 700x500");
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || red(screen.picture().get_pixel(170, 200)));
}

/// What a verb that begins to show a desktop tells with `-v`.
#[test]
fn the_start_of_a_display_is_a_span() {
    let place = Place::new();
    for (words, way) in [(&["connect", "s"][..], "rdp"), (&["view", "s"], "web")] {
        let told = place.secmon(&[&["-v", "--log-format", "json"], words].concat()).run().success().errors();
        let lines: Vec<Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let spans: Vec<&Value> =
            lines.iter().map(|line| &line["span"]).filter(|span| span["name"] == "display").collect();
        assert!(spans.len() == 3 && spans.iter().all(|span| span["way"] == way), "{told}");
    }
}

/// `connect --open`, with FreeRDP as it is installed here: it shows the sandbox, is given the password where nobody else reads it, and
/// the verb ends when it is closed.
#[test]
fn a_client_of_this_hosts_is_opened_and_waited_for() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let password = place.connect().password;
    let mut open = place.secmon(&["connect", "s", "--open"]).env("DISPLAY", screen.display());
    let mut open = open.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || screen.picture().pixels().any(red));
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", open.id())).unwrap();
    let client = children.split_whitespace().next().unwrap();
    for name in ["cmdline", "environ"] {
        let seen = std::fs::read(format!("/proc/{client}/{name}")).unwrap();
        assert!(!String::from_utf8_lossy(&seen).contains(&password), "{name}");
    }
    assert!(open.try_wait().unwrap().is_none(), "it waits");
    screen.xdotool(&["search", "--sync", "--name", "FreeRDP", "windowclose"]);
    until("it ends with its client", || open.try_wait().is_ok_and(|ended| ended.is_some()));
    // The sandbox is there still, and whoever has no client is told which there are.
    place.titled("shown");
    let without = place.secmon(&["connect", "s", "--open"]).env("PATH", "/nonexistent").run();
    assert!(without.status == 125 && without.errors().contains("no RDP client is installed: one of"), "{without:?}");
}

/// What is on a screen's own clipboard, in that form.
fn copied(screen: &Screen, form: &str) -> Vec<u8> {
    let words = ["-selection", "clipboard", "-o", "-t", form];
    Run::new("xclip").args(words).env("DISPLAY", screen.display()).run().out
}

/// Puts something on a screen's own clipboard; it lies there as long as what is answered lives.
fn copy(screen: &Screen, form: &str, bytes: &[u8]) -> Rdp {
    let mut command = Command::new("xclip");
    command.args(["-quiet", "-selection", "clipboard", "-i", "-t", form]).env("DISPLAY", screen.display());
    let mut owner = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    owner.stdin.take().unwrap().write_all(bytes).unwrap();
    Rdp(owner)
}

/// A bitmap file of three columns and two rows of one colour.
fn bitmap(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = Picture::from_pixel(3, 2, Rgb(colour));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Bmp).unwrap();
    bytes
}

#[test]
fn text_and_images_go_between_clipboards_where_the_policy_says_so() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::with(&["--clipboard", "both"]);
    place.start("clip", "Clip", "");
    let _before = copy(&screen, "UTF8_STRING", b"here already");
    let to = place.connect();
    let _client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32", "+clipboard"]);
    until("the client is there", || place.screenshot().dimensions() == (800, 600));
    clipboards_meet(&place, &screen);
}

#[test]
fn a_window_shares_the_clipboard_of_its_x_server_where_the_policy_says_so() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::with(&["--clipboard", "both"]);
    place.start("clip", "Clip", "");
    let _before = copy(&screen, "UTF8_STRING", b"here already");
    place.secmon(&["connect", "s", "--window"]).env("DISPLAY", screen.display()).run().success();
    until("the window is there", || is_background(screen.picture().get_pixel(900, 700)));
    clipboards_meet(&place, &screen);
    drop(place);
    // Without that word of the policy's, nothing.
    let place = Place::new();
    place.start("clip", "Clip", "");
    place.secmon(&["connect", "s", "--window"]).env("DISPLAY", screen.display()).run().success();
    until("the window is there", || is_background(screen.picture().get_pixel(900, 700)));
    let _owner = copy(&screen, "UTF8_STRING", b"not for it");
    assert_eq!(place.title_after("v"), "nothing to paste");
    assert_eq!(place.title_after("c"), "copied text");
    place.screenshot();
    assert_eq!(copied(&screen, "UTF8_STRING"), b"not for it");
}

/// What `clip.c` copies and pastes goes between the sandbox's clipboard and a screen's.
#[track_caller]
fn clipboards_meet(place: &Place, screen: &Screen) {
    let text = |form: &str| String::from_utf8(copied(screen, form)).unwrap();
    // What lay on the client's clipboard before it came is there, and takes the place of what programs copied until then.
    place.comes_to("v", "pasted here already");
    // Out of the sandbox: at once, rendered when it is wanted, and text of a code page.
    for (key, done, want) in [
        ("c", "copied text", "sandboxed é\nline"),
        ("d", "copied nothing yet", "rendered when it was wanted"),
        ("a", "copied ANSI text", "ansi é"),
    ] {
        assert_eq!(place.title_after(key), done);
        until(want, || text("UTF8_STRING").replace("\r\n", "\n") == want);
    }
    assert_eq!(place.title_after("b"), "copied image");
    let mut got = Vec::new();
    until("the image is there", || {
        got = copied(screen, "image/bmp");
        !got.is_empty()
    });
    let got = image::load_from_memory(&got).unwrap().to_rgb8();
    assert_eq!(
        (got.dimensions(), got.get_pixel(0, 0).0, got.get_pixel(0, 1).0),
        ((3, 2), [0xff, 0x80, 0], [0x11, 0x22, 0x33])
    );
    // More than a clipboard has room for is the program's own trouble.
    assert_eq!(place.title_after("h"), "did not copy too much");
    // Into it: it is asked for when the program pastes, and stays when the client is gone.
    let owner = copy(screen, "UTF8_STRING", "from outside ü\nmore".as_bytes());
    place.comes_to("v", "pasted from outside ü<>more");
    drop(owner);
    let owner = copy(screen, "image/bmp", &bitmap([9, 8, 7]));
    place.comes_to("w", "image 3x2 070809");
    drop(owner);
    // Longer than one may be: nothing, and nobody is the worse for it.
    let owner = copy(screen, "UTF8_STRING", "0123456789".repeat(1_000_000).as_bytes());
    place.comes_to("v", "nothing to paste");
    drop(owner);
    let _owner = copy(screen, "UTF8_STRING", b"short again");
    place.comes_to("v", "pasted short again");
}

/// What `clip.c` says of a file: its name, its length, the sum of its bytes.
fn told_of(name: &str, bytes: &[u8]) -> String {
    format!("{name} {} {}", bytes.len(), bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>())
}

#[test]
fn a_clients_files_are_pasted_where_the_policy_says_so() {
    let Some(screen) = Screen::start() else { return };
    for (way, goes_in) in [("both", true), ("out", false)] {
        let place = Place::with(&["--clipboard", way]);
        place.start("clip", "Clip", "");
        let long: Vec<u8> = (0..700_000u32).map(|at| (at / 251) as u8).collect();
        std::fs::create_dir_all(place.path("mine/folder/inner")).unwrap();
        std::fs::write(place.path("mine/folder/inner/a.txt"), "deep").unwrap();
        std::fs::write(place.path("mine/a long näme.bin"), &long).unwrap();
        std::fs::write(place.path("mine/empty"), "").unwrap();
        let uri = |name: &str| format!("file://{}/{name}\r\n", place.path("mine").display());
        let list = uri("a%20long%20n%C3%A4me.bin") + &uri("folder") + &uri("empty");
        let owner = copy(&screen, "text/uri-list", list.as_bytes());
        let to = place.connect();
        let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32", "+clipboard"]);
        until("the client is there", || place.screenshot().dimensions() == (800, 600));
        if !goes_in {
            assert_eq!(place.title_after("p"), "no files");
            continue;
        }
        place.comes_to("p", &format!("3 files {} folder\\ empty 0 0", told_of("a long näme.bin", &long)));
        // What lies within a folder came too.
        let deep = "C:\\users\\user\\AppData\\Local\\Temp";
        let found = place.secmon(&["exec", "s", "--", "cmd.exe", "/c", &format!("dir /s /b {deep}\\a.txt")]).run();
        assert!(found.text().contains("\\folder\\inner\\a.txt"), "{found:?}");
        // They stay when the client is gone.
        drop((owner, client));
        assert!(place.title_after("p").starts_with("3 files"));
    }
}

#[test]
fn files_that_a_program_copied_are_read_part_by_part() {
    let place = Place::new();
    place.start("clip", "Clip", "");
    let mut desktop = desktop(&place);
    desktop.tell(&Input::ClipWatch(true)).unwrap();
    assert_eq!(place.title_after("f"), "copied files");
    let soon = || Instant::now() + Duration::from_secs(20);
    while desktop.hear(soon()).unwrap() != Notice::ClipOffer(vec![Clip::Files]) {}
    desktop.tell(&Input::ClipWanted((1, Clip::Files))).unwrap();
    let listed = loop {
        if let Notice::ClipData((1, (More::Last, bytes))) = desktop.hear(soon()).unwrap() {
            break bytes;
        }
    };
    let names: Vec<String> = listed[4..]
        .chunks(592)
        .map(|record| {
            let units: Vec<u16> = record[72..].chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
            String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()
        })
        .collect();
    assert_eq!((listed[0], names.join(" ")), (4, "folder folder\\a.txt folder\\empty long.bin".to_owned()));
    let mut read = |index: u32, offset: u64, length: u32| {
        desktop.tell(&Input::FileWanted((9, FileRange { index, offset, length }))).unwrap();
        loop {
            if let Notice::FileData((9, data)) = desktop.hear(soon()).unwrap() {
                return data;
            }
        }
    };
    assert_eq!(read(1, 0, 100).as_deref(), Some(&b"first"[..]));
    assert_eq!(read(2, 0, 100).as_deref(), Some(&b""[..]));
    let most = CLIP_PART as u32;
    let long: Vec<u8> = (0..4).flat_map(|part| read(3, u64::from(part * most), most).unwrap()).collect();
    assert_eq!(long, (0..100).flat_map(|part| [part; 10000]).collect::<Vec<u8>>());
    // A folder is none, beyond them is none, nor is there more of one than there is.
    assert_eq!((read(0, 0, 1), read(4, 0, 1), read(u32::MAX, u64::MAX, u32::MAX)), (None, None, None));
    assert_eq!(read(3, 1_000_000, 1).as_deref(), Some(&b""[..]));
    assert_eq!(read(3, u64::MAX, 1), None);
}

#[test]
fn nothing_goes_between_clipboards_that_the_policy_does_not_say() {
    let Some(screen) = Screen::start() else { return };
    for (way, goes_in, goes_out) in [("none", false, false), ("in", true, false), ("out", false, true)] {
        let place = Place::with(&["--clipboard", way]);
        place.start("clip", "Clip", "");
        let said = place.secmon(&["connect", "s"]).run().success().text();
        assert_eq!(said.contains("--clipboard both"), way == "none", "what grants it is said: {said}");
        let to = place.connect();
        let owner = copy(&screen, "UTF8_STRING", b"outside");
        let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32", "+clipboard"]);
        until("the client is there", || place.screenshot().dimensions() == (800, 600));
        if goes_in {
            place.comes_to("v", "pasted outside");
        } else {
            assert_eq!(place.title_after("v"), "nothing to paste", "{way}");
        }
        assert_eq!(place.title_after("c"), "copied text");
        let out = || String::from_utf8_lossy(&copied(&screen, "UTF8_STRING")).starts_with("sandboxed");
        if goes_out {
            until("it goes out", out);
        } else {
            // The client is asked for something behind it, so that it would have come.
            assert_eq!(place.title_after("v"), "pasted sandboxed é<>line");
            assert!(!out(), "{way}");
        }
        drop((client, owner));
    }
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

#[test]
fn who_logs_in_with_damaged_words_is_sent_away() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    // Undamaged, the first word is answered with a challenge, and nobody's answer to that with the end.
    let mut login = Login::begin(to.address).unwrap();
    let challenge = login.say(&hostile::negotiate()).unwrap();
    assert!(challenge.windows(12).any(|part| part == b"NTLMSSP\0\x02\0\0\0"), "{challenge:?}");
    let end = login.say(&hostile::authenticate());
    assert!(
        end.as_ref().is_ok_and(|answer| !answer.windows(7).any(|part| part == b"NTLMSSP")) || end.is_err(),
        "{end:?}"
    );
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |sides: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance as usize % sides
    };
    let mut begun = 0;
    for round in 0..120 {
        // One that it still serves may be in its way.
        let Ok(mut login) = Login::begin(to.address) else { continue };
        begun += 1;
        let mut bytes = if round % 2 == 0 { hostile::negotiate() } else { hostile::authenticate() };
        for _ in 0..1 + roll(6) {
            let at = roll(bytes.len());
            bytes[at] = roll(256) as u8;
        }
        match round % 5 {
            0 => bytes.truncate(roll(bytes.len())),
            1 => bytes.extend(vec![0x30; roll(70_000)]),
            _ => {}
        }
        if round % 2 == 1 {
            login.say(&hostile::negotiate()).unwrap();
        }
        login.say_and_leave(&bytes);
    }
    assert!(begun > 60, "{begun} of them were heard");
    let client = rdp(&screen, &to, &to.password, &["/size:720x540"]);
    until("a client is served", || place.screenshot().dimensions() == (720, 540));
    drop(client);
}

#[test]
fn a_window_of_an_x_server_shows_the_desktop_and_drives_it() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let refused = place.secmon(&["connect", "s", "--window"]).env("DISPLAY", "").run();
    assert!(refused.status == 125 && refused.errors().contains("needs an X server"), "{refused:?}");
    place.secmon(&["connect", "s", "--window"]).env("DISPLAY", screen.display()).run().success();
    let red = |pixel: &Rgb<u8>| pixel.0 == [255, 0, 0];
    until("the window shows the program", || red(screen.picture().get_pixel(170, 200)));
    screen.xdotool(&["mousemove", "150", "200"]);
    for (words, title) in [
        (&["key", "q"][..], "typed 0071"),
        (&["key", "shift+slash"], "typed 003f"),
        (&["type", "é"], "typed 00e9"),
        (&["mousedown", "1"], "down at 50,50"),
        (&["mouseup", "1"], "up"),
        (&["click", "2"], "middle"),
        (&["click", "5"], "wheel -120"),
        (&["click", "7"], "across 120"),
    ] {
        screen.xdotool(words);
        place.titled(title);
    }
    screen.xdotool(&["search", "--sync", "--name", "s - Portcullis", "windowsize", "640", "480"]);
    place.titled("display 640x480");
    until("the window shows the program", || {
        let picture = screen.picture();
        red(picture.get_pixel(170, 200)) && is_background(picture.get_pixel(600, 470))
    });
    screen.xdotool(&["search", "--name", "s - Portcullis", "windowclose"]);
    until("its desktop ends with the window", || {
        place.raw(&["inspect", "s"])["Processes"].as_array().is_some_and(|all| all.len() == 2)
    });
}

/// What a console's window shows: dark, with as many bright pixels as text has.
fn bright(place: &Place) -> usize {
    let picture = place.screenshot();
    let inside = picture.enumerate_pixels().filter(|(x, y, _)| (10..600).contains(x) && (30..380).contains(y));
    let (dark, bright): (Vec<_>, Vec<_>) = inside.partition(|(_, _, pixel)| pixel.0 == [0; 3]);
    assert!(dark.len() > bright.len(), "{} dark, {} bright", dark.len(), bright.len());
    bright.len()
}

#[test]
fn a_console_has_a_window_in_which_a_shell_is_typed_to() {
    let place = Place::new();
    place.secmon(&["exec", "s", "--detach", "--console", "window", "--", "cmd.exe"]).run().success();
    place.secmon(&["wait-window", "s", "--class", "WineConsoleClass"]).run().success();
    until("a prompt", || bright(&place) > 100);
    let before = bright(&place);
    place.secmon(&["input", "s", "type", r"echo typed> C:\users\user\typed.txt"]).run().success();
    place.secmon(&["input", "s", "key", "Return"]).run().success();
    let typed = || place.secmon(&["exec", "s", "--", "cmd.exe", "/c", "type", r"C:\users\user\typed.txt"]).run().text();
    until("what was typed is done", || typed().trim() == "typed");
    until("and seen", || bright(&place) > before + 300);
    // A second one, of a program's that has one itself.
    place.secmon(&["input", "s", "type", "start /wait cmd /k title second"]).run().success();
    place.secmon(&["input", "s", "key", "Return"]).run().success();
    place.secmon(&["wait-window", "s", "--title", "*second*"]).run().success();
    place.secmon(&["input", "s", "type", "exit"]).run().success();
    place.secmon(&["input", "s", "key", "Return"]).run().success();
    place.secmon(&["wait-window", "s", "--gone", "--title", "*second*"]).run().success();
    // Nobody looks on, who would have it become active.
    place.secmon(&["input", "s", "click", "300", "200"]).run().success();
    place.secmon(&["input", "s", "type", "exit"]).run().success();
    place.secmon(&["input", "s", "key", "Return"]).run().success();
    place.secmon(&["wait-window", "s", "--gone", "--class", "WineConsoleClass"]).run().success();
}

#[test]
fn who_is_left_becomes_active_when_the_active_program_ends() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    place.secmon(&["connect", "s", "--window"]).env("DISPLAY", screen.display()).run().success();
    until("somebody looks on", || screen.picture().get_pixel(170, 200).0 == [255, 0, 0]);
    place.start("clip", "Clip", "");
    let active = || {
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        all.iter().find(|window| window["Active"] == true).map(|window| window["Class"].clone())
    };
    until("the new one is active", || active() == Some("Clip".into()));
    place.secmon(&["exec", "s", "--", "taskkill.exe", "/f", "/im", "clip.exe"]).run().success();
    until("the one that is left is active", || active() == Some("Shown".into()));
    assert_eq!(place.title_after("x"), "typed 0078");
}

#[test]
fn windows_that_lie_behind_others_or_are_minimized_are_reached_by_alt_and_tab() {
    let place = Place::new();
    place.show("1");
    place.start("clip", "Clip", "");
    let active = || {
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        let found = all.iter().find(|window| window["Active"] == true).map(|window| window["Class"].clone());
        (found, all[0]["Class"].clone())
    };
    let key = |keys: &str| place.secmon(&["input", "s", "key", keys]).run().success();
    let is = |class: &str| (Some(Value::from(class)), Value::from(class));
    assert_eq!(active(), is("Clip"));
    key("alt+tab");
    assert_eq!(active(), is("Shown"));
    key("alt+tab");
    assert_eq!(active(), is("Clip"));
    key("alt+shift+tab");
    assert_eq!(active(), is("Shown"));
    // Minimized it is not seen, and comes back.
    assert_eq!(place.title_after("m").as_str(), "typed 006d");
    assert_eq!(place.screenshot().get_pixel(150, 200).0, [255; 3], "the other one lies there");
    key("alt+tab");
    if active() != is("Shown") {
        key("alt+tab");
    }
    assert_eq!(active(), is("Shown"));
    assert_eq!(place.screenshot().get_pixel(150, 200).0, [255, 0, 0]);
    assert_eq!(place.title_after("x"), "typed 0078");
    // With the mouse: its title bar lies in the corner until then, below what else is there.
    place.notepad();
    key("alt+space");
    key("n");
    let corner = || !is_background(place.screenshot().get_pixel(80, 766));
    assert!(corner(), "the title bar is seen");
    place.secmon(&["input", "s", "click", "20", "757"]).run().success();
    assert_eq!(active(), is("Notepad"));
    assert!(!corner());
}

/// The task bar comes with an icon: it shows that and windows, hands clicks on, takes of the screen, and goes with its program.
#[test]
fn icons_of_programs_are_seen_in_a_task_bar_and_driven() {
    let place = Place::new();
    place.notepad();
    place.start("tray", "Tray", "show");
    let at = |x, y| place.screenshot().get_pixel(x, y).0;
    // The icon is green, its balloon has a picture of its own.
    assert_eq!(at(1010, 754), [0, 255, 0], "the icon");
    place.titled("told 0x402");
    let find = |class: &str| {
        // It is there for who looks on.
        place.screenshot();
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        all.into_iter().find(|window| window["Class"] == class && window["Visible"] == true)
    };
    let balloon = find("tooltips_class32").expect("a balloon");
    let side = |name: &str| balloon["Rectangle"][name].as_u64().unwrap() as u32;
    let (x, y) = (side("X") + 3, side("Y") + 3);
    let yellow = at(x, y);
    assert!(side("Width") > 60 && side("Height") > 30 && side("Y") + side("Height") <= 740, "{balloon}");
    place.secmon(&["input", "s", "click", &x.to_string(), &y.to_string()]).run().success();
    place.titled("told 0x405");
    assert_ne!(at(x, y), yellow, "the balloon is gone");
    for (words, title) in
        [(&["click", "1010", "754"][..], "told 0x400"), (&["click", "1010", "754", "--button", "right"], "told 0x7b")]
    {
        place.secmon(&[&["input", "s"], words].concat()).run().success();
        place.titled(title);
    }
    // The mouse is over it: its tip.
    let tip = find("tooltips_class32").expect("a tip");
    assert!(tip["Rectangle"]["Height"].as_u64().unwrap() < 30, "{tip}");
    place.secmon(&["input", "s", "move", "500", "500"]).run().success();
    assert!(find("tooltips_class32").is_none());
    // Windows by their buttons: each of the two comes forward, and the one in front is minimized.
    let active = || {
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        all.iter().find(|window| window["Active"] == true).map(|window| window["Class"].clone())
    };
    let click = |x: &str| place.secmon(&["input", "s", "click", x, "754"]).run().success();
    let minimized = || {
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        all.into_iter().any(|window| window["Class"] == "Notepad" && window["Rectangle"]["X"].as_i64() < Some(-10_000))
    };
    assert_eq!(active(), Some("Tray".into()));
    click("40");
    assert_eq!(active(), Some("Notepad".into()), "it comes forward");
    click("40");
    assert!(minimized(), "and is minimized");
    click("40");
    assert!(!minimized() && active() == Some("Notepad".into()), "and is there again");
    // It goes with its program, and the screen is whole again.
    place.secmon(&["exec", "s", "--", "taskkill.exe", "/f", "/im", "tray.exe"]).run().success();
    until("the task bar is gone", || find("Shell_TrayWnd").is_none());
    assert_eq!(at(1010, 754), BACKGROUND.0);
}

#[test]
fn a_page_in_a_browser_shows_the_desktop_drives_it_and_shares_the_clipboard() {
    let Some(mut browser) = Browser::start() else { return };
    let place = Place::with(&["--clipboard", "both"]);
    place.start("clip", "Clip", "");
    let link = place.raw(&["view", "s"])["Link"].as_str().unwrap().to_owned();
    let origin = link.rsplit_once('/').unwrap().0;
    let allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    browser.call("Browser.grantPermissions", serde_json::json!({"permissions": allowed, "origin": origin}));
    browser.go(&link);
    until("the page shows the program", || {
        let shown =
            |picture: Picture| picture.get_pixel(300, 300).0 == [255; 3] && is_background(picture.get_pixel(900, 600));
        browser.picture().is_some_and(shown)
    });
    assert_eq!(place.screenshot().dimensions(), (1000, 700), "the desktop is as large as the page");
    browser.click(150, 200, "left");
    place.titled("clicked at 50,50");
    browser.key("KeyC", "c", 0, &[]);
    place.titled("copied text");
    until("it is on the browser's clipboard", || browser.says("navigator.clipboard.readText()") == "sandboxed é\nline");
    browser.says("navigator.clipboard.writeText('from a browser ä')");
    let paste = |browser: &mut Browser| {
        for (code, key, down) in [
            ("ControlLeft", "Control", true),
            ("KeyV", "v", true),
            ("KeyV", "v", false),
            ("ControlLeft", "Control", false),
        ] {
            let kind = if down { "rawKeyDown" } else { "keyUp" };
            let commands = if down && key == "v" { vec!["paste"] } else { vec![] };
            let pressed = serde_json::json!({"type": kind, "code": code, "key": key, "modifiers": 2, "commands": commands,
                "windowsVirtualKeyCode": if key == "v" { 86 } else { 17 }});
            browser.call("Input.dispatchKeyEvent", pressed);
        }
    };
    paste(&mut browser);
    place.titled("pasted from a browser ä");
    // Images likewise.
    browser.key("KeyB", "b", 0, &[]);
    place.titled("copied image");
    let image =
        "navigator.clipboard.read().then(all => all[0].getType('image/png')).then(createImageBitmap).then(image => {
        const context = new OffscreenCanvas(3, 2).getContext('2d');
        context.drawImage(image, 0, 0);
        return [image.width, image.height, ...context.getImageData(0, 0, 1, 2).data].join(' ');
    })";
    until("the image is on the browser's clipboard", || browser.says(image) == "3 2 255 128 0 255 17 34 51 255");
    let written = "(async () => {
        const canvas = new OffscreenCanvas(5, 4), context = canvas.getContext('2d');
        context.fillStyle = '#0a141e';
        context.fillRect(0, 0, 5, 4);
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': await canvas.convertToBlob() })]);
        return 'written';
    })()";
    assert_eq!(browser.says(written), "written");
    paste(&mut browser);
    place.titled("nothing to paste");
    browser.key("KeyW", "w", 0, &[]);
    place.titled("image 5x4 1e140a");
    // The link was good for once.
    browser.go(&link);
    until("the link was used", || {
        browser.says("document.body.textContent").as_str().is_some_and(|text| text.contains("used already"))
    });
}

#[test]
fn a_page_in_a_browser_plays_what_programs_play_once_it_was_touched() {
    for granted in [true, false] {
        let Some(mut browser) = Browser::start() else { return };
        let place = Place::with(if granted { &["--sound"] } else { &[] });
        std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
        browser.go(place.raw(&["view", "s"])["Link"].as_str().unwrap());
        until("the page shows the desktop", || {
            browser.picture().is_some_and(|picture| is_background(picture.get_pixel(300, 300)))
        });
        let noted = "heard = []; { const before = hear; hear = samples => { heard.push(...samples); before(samples); }; } 'noted'";
        assert_eq!(browser.says(&format!("globalThis.{noted}")), "noted");
        let play = || {
            let outcome = place.secmon(&["exec", "s", "--", "C:\\app\\sound.exe", "tone", "2"]).run().success();
            assert_eq!(outcome.lines().trim(), "played");
        };
        play();
        assert_eq!(browser.says("heard.length"), 0, "nobody has touched the page");
        browser.click(300, 300, "left");
        play();
        if !granted {
            assert_eq!(browser.says("heard.length + (speaker ? 1 : 0)"), 0);
            continue;
        }
        until("a second is heard", || {
            let enough = browser.says("heard.length >= 96000") == true;
            if !enough {
                play();
            }
            enough
        });
        let heard = browser.says("heard.slice(0, 96000).join(' ')");
        let samples: Vec<i16> = heard.as_str().unwrap().split(' ').map(|sample| sample.parse().unwrap()).collect();
        let heard: Vec<[i16; 2]> = samples.as_chunks::<2>().0.to_vec();
        assert!(is_the_tone(&heard), "{} {}", wave_length(&heard, 0), wave_length(&heard, 1));
        assert_eq!(browser.says("speaker.state + (ahead > 0)"), "runningtrue");
    }
}

/// How often the sandbox's processes went to sleep, which is how often they were awake.
fn naps(place: &Place) -> u64 {
    let raw = place.raw(&["inspect", "s"]);
    let count = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let of = |process: &Value| {
        let threads = std::fs::read_dir(format!("/proc/{}/task", process["Pid"])).unwrap();
        let status =
            |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        threads.filter_map(Result::ok).map(|thread| count(status(thread))).sum::<u64>()
    };
    raw["Processes"].as_array().unwrap().iter().map(of).sum()
}

#[test]
fn nobody_is_awake_where_nothing_happens_though_somebody_looks() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let to = place.connect();
    let _client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32"]);
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || red(screen.picture().get_pixel(170, 200)));
    // It may be on its way to sleep. What looks every other second for who was killed is awake then, and nobody else.
    until("it is quiet", || {
        let before = naps(&place);
        std::thread::sleep(Duration::from_secs(3));
        let awake = naps(&place) - before;
        awake < 12
    });
}

#[test]
fn a_client_that_stops_listening_holds_nobody_up() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    let to = place.connect();
    let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32"]);
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || red(screen.picture().get_pixel(170, 200)));
    Run::new("kill").args(["-STOP", &client.0.id().to_string()]).run().success();
    // More than its connection takes: sizes change, so that all of the screen does.
    let mut other = desktop(&place);
    for step in 0..200 {
        other.tell(&Input::Resize(Size { width: 640 + step % 2 * 400, height: 700 })).unwrap();
        other.windows().unwrap();
    }
    assert_eq!(place.title_after("x"), "typed 0078");
    let second = rdp(&screen, &to, &to.password, &["/size:720x540", "/bpp:32"]);
    until("another has the desktop", || place.screenshot().dimensions() == (720, 540));
    drop((client, second));
}

/// What is heard: frames of two samples.
fn frames(bytes: &[u8]) -> Vec<[i16; 2]> {
    let frame = |bytes: &[u8; 4]| [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(i16::from_le_bytes);
    bytes.as_chunks::<4>().0.iter().map(frame).collect()
}

/// Frames from one passage from below zero to above it to the next on a side, as most of them are: gaps that a busy machine makes do not count.
fn wave_length(frames: &[[i16; 2]], side: usize) -> usize {
    let rises = (1..frames.len()).filter(|at| frames[at - 1][side] < 0 && frames[*at][side] >= 0);
    let rises: Vec<usize> = rises.collect();
    let mut lengths: Vec<usize> = rises.windows(2).map(|two| two[1] - two[0]).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

/// Whether it is 440 Hz on the left and 1000 Hz on the right, of 48,000 frames a second.
fn is_the_tone(frames: &[[i16; 2]]) -> bool {
    (108..=110).contains(&wave_length(frames, 0)) && (47..=49).contains(&wave_length(frames, 1))
}

#[test]
fn what_programs_play_is_mixed_for_who_listens_and_told_nobody_else() {
    let place = Place::new();
    std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
    let play = |how: &str, seconds: &str| {
        let words = ["exec", "s", "--", "C:\\app\\sound.exe", how, seconds];
        let said = place.secmon(&words).run().success().lines();
        assert_eq!(said.lines().filter(|line| *line == "played").count(), if how == "mixed" { 2 } else { 1 });
    };
    let mut deaf = desktop(&place);
    let mut ears = [desktop(&place), desktop(&place)];
    for ear in &mut ears {
        ear.tell(&Input::SoundWatch(true)).unwrap();
        ear.idle(Duration::from_secs(30)).unwrap();
    }
    play("mixed", "2");
    let told = |ear: &mut Desktop| {
        ear.tell(&Input::AwaitIdle(77)).unwrap();
        let mut heard = Vec::new();
        loop {
            match ear.hear(Instant::now() + Duration::from_secs(60)).unwrap() {
                Notice::Sound(bytes) => heard.extend(frames(&bytes)),
                Notice::Idle(77) => return heard,
                _ => {}
            }
        }
    };
    for ear in &mut ears {
        let heard = told(ear);
        assert!(heard.len() > 48000, "{}", heard.len());
        assert!(is_the_tone(&heard), "{} {}", wave_length(&heard, 0), wave_length(&heard, 1));
    }
    assert!(told(&mut deaf).is_empty());
    // Who wants to hear no more hears nothing; the other goes on, though the one before was there first.
    let [mut first, mut second] = ears;
    first.tell(&Input::SoundWatch(false)).unwrap();
    first.idle(Duration::from_secs(30)).unwrap();
    play("tone", "1");
    assert!(told(&mut first).is_empty());
    assert!(is_the_tone(&told(&mut second)));
    // With nobody there it plays all the same.
    drop((first, second));
    play("tone", "1");
}

#[test]
fn a_client_hears_what_programs_play_where_the_policy_says_so() {
    let Some(screen) = Screen::start() else { return };
    for granted in [true, false] {
        let place = Place::with(if granted { &["--sound"] } else { &[] });
        std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
        // Its plays into nothing, and says what it played.
        let to = place.connect();
        let more = ["/size:800x600", "/bpp:32", "/sound:sys:fake", "/log-level:DEBUG"];
        let said = std::fs::File::create(place.path("said")).unwrap();
        let mut client = rdp_command(&screen, &to, &to.password, &more);
        let _client = Rdp(client.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap());
        until("the client is there", || place.screenshot().dimensions() == (800, 600));
        let heard = || {
            let said = std::fs::read_to_string(place.path("said")).unwrap_or_default();
            let size = |line: &str| line.split_once(" Wave: ")?.1.split_once("size: ")?.1.trim().parse::<usize>().ok();
            said.lines().filter_map(size).sum::<usize>()
        };
        let play = || {
            let outcome = place.secmon(&["exec", "s", "--", "C:\\app\\sound.exe", "tone", "2"]).run().success();
            assert_eq!(outcome.lines().trim(), "played");
        };
        play();
        if granted {
            // Its channel may have been on its way yet; on a busy machine something is left out.
            until("a second is heard", || {
                let enough = heard() >= 48000 * 4;
                if !enough {
                    play();
                }
                enough
            });
        } else {
            assert_eq!(heard(), 0);
        }
    }
}

/// Something that talks to a desktop as its own client does: it may say what it likes.
fn desktop(place: &Place) -> Desktop {
    let state = std::fs::read_dir(place.path("state/sandboxes")).unwrap();
    let folder = state.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.join("control").exists());
    let mut client = Client::connect(&folder.unwrap(), "control").unwrap();
    Desktop::attach(&mut client).unwrap()
}

#[test]
fn who_talks_to_a_desktop_as_nobody_should_loses_it_alone() {
    let place = Place::new();
    place.show("1");
    // Sizes that no screen has are fitted; keys, buttons and toggles that nobody has do nothing.
    let mut wild = desktop(&place);
    let sizes = [(0, 0), (u32::MAX, u32::MAX), (1, 8192), (8192, 8192), (1024, 768)];
    for (width, height) in sizes {
        wild.tell(&Input::Resize(Size { width, height })).unwrap();
    }
    wild.tell(&Input::Key(Key { scan: 0xffff, extended: true, up: false })).unwrap();
    wild.tell(&Input::Move((i32::MIN, i32::MAX))).unwrap();
    wild.tell(&Input::Wheel((i32::MIN, true))).unwrap();
    wild.tell(&Input::Shown(99)).unwrap();
    wild.tell(&Input::ClipData((7, (More::Last, vec![1; 1000])))).unwrap();
    wild.tell(&Input::ClipWanted((1, Clip::Image))).unwrap();
    // Those of input methods are hidden.
    assert_eq!(wild.windows().unwrap().iter().filter(|window| window.visible).count(), 1);
    assert_eq!(wild.picture().unwrap().size, Size { width: 1024, height: 768 });
    // One that asks and never listens: the desktop waits for it, nobody waits for the desktop.
    let mut deaf = desktop(&place);
    for tag in 0..500 {
        if deaf.tell(&Input::Windows(tag)).is_err() {
            break;
        }
    }
    assert_eq!(place.title_after("x"), "typed 0078");
    // One that looks and never says that it saw: its picture stands still, others' do not.
    let mut blind = desktop(&place);
    blind.tell(&Input::Watch(true)).unwrap();
    assert_eq!(place.title_after("y"), "typed 0079");
    place.screenshot();
    // One that is lost while it holds a button and a key down.
    let mut lost = desktop(&place);
    lost.tell(&Input::Move((150, 200))).unwrap();
    lost.tell(&Input::Button((Button::Left, false))).unwrap();
    place.titled("down at 50,50");
    drop(lost);
    place.titled("up");
    // Nonsense ends the desktop that hears it, and no other.
    let before = place.raw(&["inspect", "s"])["Processes"].as_array().map_or(0, Vec::len);
    assert!(before > 2, "those above");
    drop((wild, deaf, blind));
    until("desktops end with their clients", || {
        place.raw(&["inspect", "s"])["Processes"].as_array().is_some_and(|all| all.len() == 2)
    });
    assert_eq!(place.title_after("z"), "typed 007a");
}

#[test]
fn a_program_that_polls_has_nothing_to_do_when_it_finds_nothing() {
    let place = Place::new();
    place.start("shown", "Shown", "poll");
    assert_eq!(place.title_after("x"), "typed 0078");
}

#[test]
fn a_program_that_changes_its_cursor_for_ever_is_seen_and_driven() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.start("shown", "Shown", "cursors");
    let to = place.connect();
    let client = rdp(&screen, &to, &to.password, &["/size:800x600", "/bpp:32"]);
    let red = |pixel: &Rgb<u8>| pixel.0[0] > 240 && pixel.0[1] < 16 && pixel.0[2] < 16;
    until("the client shows the program", || red(screen.picture().get_pixel(170, 200)));
    screen.xdotool(&["mousemove", "150", "200", "click", "1"]);
    until("it changed its cursors", || {
        screen.xdotool(&["mousemove_relative", "1", "0"]);
        place.raw(&["windows", "s"])["Windows"][0]["Title"] == "cursors"
    });
    drop(client);
    assert!(!place.logs().contains("panicked"), "{}", place.logs());
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
