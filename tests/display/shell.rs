//! Desktops that are shown in a window of an X server's, windows that are switched, the task bar.

use super::*;

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
        // A key is é only as long as that types: who looks it up later finds nothing.
        (&["type", "--delay", "2000", "é"], "typed 00e9"),
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

/// As long as Alt is held, a list of windows is seen.
#[test]
fn what_alt_and_tab_go_through_is_listed() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    place.show("1");
    place.start("clip", "Clip", "");
    place.secmon(&["connect", "s", "--window"]).env("DISPLAY", screen.display()).run().success();
    let list = || {
        let raw = place.raw(&["windows", "s"]);
        let all = raw["Windows"].as_array().unwrap().clone();
        all.into_iter().find(|window| window["Class"] == "TaskSwitcherWnd" && window["Visible"] == true)
    };
    screen.xdotool(&["mousemove", "150", "200"]);
    until("the window shows the program", || !is_background(screen.picture().get_pixel(150, 200)));
    screen.xdotool(&["keydown", "alt", "key", "Tab"]);
    until("a list is seen", || list().is_some());
    let picture = place.screenshot();
    picture::keep_one("switcher", &picture);
    let rect = &list().unwrap()["Rectangle"];
    let side = |name: &str| rect[name].as_u64().unwrap() as u32;
    let mut inside = (0..side("Width") * side("Height"))
        .map(|at| picture.get_pixel(side("X") + at % side("Width"), side("Y") + at / side("Width")));
    assert!(inside.any(|pixel| pixel.0 == [255, 0, 0]), "the program's picture is there");
    screen.xdotool(&["key", "Escape"]);
    until("Esc ends it", || list().is_none());
    screen.xdotool(&["key", "Tab"]);
    until("another Tab begins it again", || list().is_some());
    screen.xdotool(&["keyup", "alt"]);
    until("it goes with Alt", || list().is_none());
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
    // With the keyboard: it comes to the icon, and from there to windows; programs see nothing of that.
    let key = |keys: &str| place.secmon(&["input", "s", "key", keys]).run().success();
    let plain = at(999, 750);
    key("win+b");
    assert_ne!(at(999, 750), plain, "the icon has the keyboard");
    key("space");
    place.titled("told 0x401");
    assert_eq!(at(999, 750), plain, "and has it no longer");
    key("win+b");
    key("apps");
    place.titled("told 0x7b");
    key("win+t");
    key("end");
    key("esc");
    key("ctrl+esc");
    key("right");
    key("enter");
    assert_eq!(active(), Some("Tray".into()), "the second window");
    key("ctrl+esc");
    key("enter");
    assert_eq!(active(), Some("Notepad".into()), "the first");
    // A program that asks for somebody to look at it has its button marked until it is active.
    let plain = at(310, 748);
    click("200");
    place.secmon(&["input", "s", "type", "f"]).run().success();
    click("40");
    place.titled("flashes");
    assert_ne!(at(310, 748), plain, "it asks for somebody");
    click("200");
    assert_eq!((at(310, 748), active()), (plain, Some("Tray".into())));
    // It goes with its program, and the screen is whole again.
    place.secmon(&["exec", "s", "--", "taskkill.exe", "/f", "/im", "tray.exe"]).run().success();
    until("the task bar is gone", || find("Shell_TrayWnd").is_none());
    assert_eq!(at(1010, 754), BACKGROUND.0);
}
