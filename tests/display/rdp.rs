//! What an RDP client sees and does.

use super::*;

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
