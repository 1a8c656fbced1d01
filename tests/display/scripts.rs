//! What scripts see of a desktop, and what programs do that makes it hard.

use super::*;

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
    until("desktops end with their clients", || {
        place.raw(&["inspect", "s"])["Processes"].as_array().is_some_and(|all| all.len() == 2)
    });
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
    // Over what is nobody's it is an arrow: black, and white within.
    place.secmon(&["input", "s", "move", "1000", "740"]).run().success();
    place.raw(&["screenshot", "s", "shot.png", "--pointer"]);
    let with = picture::read(&place.path("shot.png"));
    assert_eq!((with.get_pixel(1000, 740).0, with.get_pixel(1002, 746).0), ([0; 3], [255; 3]));
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
