//! The clipboards of a sandbox and of who looks at it.

use super::*;

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

/// Copies again what lay there before the client came, where that is FreeRDP 3: it tells a server only of what is copied later.
fn copy_for_the_third(screen: &Screen, form: &str, bytes: &[u8]) -> Option<Rdp> {
    (freerdp() == "xfreerdp3").then(|| copy(screen, form, bytes))
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
    let _again = copy_for_the_third(&screen, "UTF8_STRING", b"here already");
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
    until("what another copied is there, and nothing else", || copied(&screen, "UTF8_STRING") == b"not for it");
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
pub fn told_of(name: &str, bytes: &[u8]) -> String {
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
        let again = copy_for_the_third(&screen, "text/uri-list", list.as_bytes());
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
        drop((owner, again, client));
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

/// A list of files as FILEDESCRIPTORW has them: names, and sizes of those that are no folders.
fn listed(files: &[(&str, Option<u32>)]) -> Vec<u8> {
    let mut bytes = (files.len() as u32).to_le_bytes().to_vec();
    for (name, size) in files {
        let mut record = vec![0; 592];
        record[0] = if size.is_some() { 0x44 } else { 4 };
        record[36] = if size.is_some() { 0x20 } else { 0x10 };
        record[68..72].copy_from_slice(&size.unwrap_or(0).to_le_bytes());
        for (at, unit) in name.encode_utf16().enumerate() {
            record[72 + at * 2..][..2].copy_from_slice(&unit.to_le_bytes());
        }
        bytes.extend(record);
    }
    bytes
}

/// Drops files at a place, and answers what is asked for of them until nothing more is; how often that was.
fn dropped(desktop: &mut Desktop, place: (i32, i32), list: Vec<u8>, contents: &[&[u8]]) -> usize {
    desktop.tell(&Input::Drop((place, list))).unwrap();
    let (mut asked, mut tag, mut quiet) = (0, 0, 0);
    loop {
        // What is asked for comes before the answer to the second of two questions behind it.
        tag += 1;
        desktop.tell(&Input::PointerWanted(tag)).unwrap();
        let before = asked;
        loop {
            match desktop.hear(Instant::now() + Duration::from_secs(20)).unwrap() {
                Notice::FileWanted((tag, range)) => {
                    asked += 1;
                    let from = range.offset as usize;
                    let content = contents.get(range.index as usize).and_then(|content| content.get(from..));
                    let part = content.map(|rest| rest[..rest.len().min(range.length as usize)].to_vec());
                    desktop.tell(&Input::FileData((tag, part))).unwrap();
                }
                Notice::PointerAt((heard, _)) if heard == tag => break,
                _ => {}
            }
        }
        quiet = if asked == before { quiet + 1 } else { 0 };
        if quiet == 3 {
            return asked;
        }
    }
}

#[test]
fn files_that_are_dropped_come_to_the_window_that_takes_them() {
    let place = Place::new();
    place.start("clip", "Clip", "");
    let mut desktop = desktop(&place);
    let long: Vec<u8> = (0..700_000u32).map(|at| (at / 251) as u8).collect();
    let files = || {
        listed(&[
            ("a long näme.bin", Some(700_000)),
            ("folder", None),
            ("folder\\deep.txt", Some(4)),
            ("empty", Some(0)),
        ])
    };
    let contents: [&[u8]; 4] = [&long, b"", b"deep", b""];
    // On one that takes none, and on none at all.
    assert_eq!(dropped(&mut desktop, (150, 200), files(), &contents), 0);
    assert_eq!(dropped(&mut desktop, (5, 5), files(), &contents), 0);
    assert_eq!(place.title_after("t"), "takes files");
    assert_eq!(dropped(&mut desktop, (i32::MAX, i32::MIN), files(), &contents), 0);
    // Three parts of the long one, one of the other.
    assert_eq!(dropped(&mut desktop, (150, 200), files(), &contents), 4);
    let told = format!("3 files {} folder\\ empty 0 0", told_of("a long näme.bin", &long));
    place.titled(&format!("{told} at 50,50 of the client area"));
    // Names that lead elsewhere, lists that are none, a list of too many, less than was said, more than was asked for, nothing.
    for name in ["..\\x", "C:\\x", "\\x", "a\\..\\..\\x", "x:y", "NUL", ""] {
        assert_eq!(dropped(&mut desktop, (150, 200), listed(&[(name, Some(1))]), &[b"x"]), 0, "{name}");
    }
    assert_eq!(dropped(&mut desktop, (150, 200), files()[..700].to_vec(), &contents), 0);
    assert_eq!(dropped(&mut desktop, (150, 200), u32::MAX.to_le_bytes().to_vec(), &contents), 0);
    assert_eq!(dropped(&mut desktop, (150, 200), listed(&[("a", Some(9))]), &[b"x"]), 2);
    assert_eq!(dropped(&mut desktop, (150, 200), listed(&[("a", Some(9))]), &[]), 1);
    assert_eq!(
        dropped(&mut desktop, (150, 200), listed(&[("a", Some(1)), ("a", Some(1))]), &[b"x", b"y"]),
        1,
        "twice the same"
    );
    // Then one that is all right still comes, here by OLE.
    assert_eq!(place.title_after("o"), "takes files by OLE");
    assert_eq!(dropped(&mut desktop, (160, 220), listed(&[("b.txt", Some(2))]), &[b"hi"]), 1);
    place.titled(&format!("1 files {} by OLE at 160,220", told_of("b.txt", b"hi")));
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
        let again = copy_for_the_third(&screen, "UTF8_STRING", b"outside");
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
        drop((client, owner, again));
    }
}
