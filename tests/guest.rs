//! Guest programs, one for each family of NT calls: every check in them must hold, here as under stock Wine.

use portcullis::command::Outcome;
use portcullis::product::Sandbox;
use portcullis::screen::WineDesktop;
use portcullis::{guest, oracle, picture};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// The program's own count of its checks, if it came to its end.
fn counted(outcome: &Outcome) -> Option<(usize, usize)> {
    let text = outcome.lines();
    let last = text.lines().rev().find(|line| line.ends_with(" failures"))?;
    let mut words = last.split_whitespace();
    let checks = words.next()?.parse().ok()?;
    let failures = words.nth(1)?.parse().ok()?;
    Some((checks, failures))
}

fn failed(outcome: &Outcome) -> Vec<String> {
    outcome.lines().lines().filter(|line| line.starts_with("FAIL")).map(str::to_owned).collect()
}

fn is_good(outcome: &Outcome) -> bool {
    matches!(counted(outcome), Some((checks, 0)) if checks > 0) && outcome.status == 0 && failed(outcome).is_empty()
}

#[track_caller]
fn judge(name: &str, outcome: &Outcome) {
    let counted = counted(outcome);
    println!("{name}: {counted:?}");
    assert!(is_good(outcome), "{name}: {counted:?}, failed: {:#?}\n{outcome:?}", failed(outcome));
}

/// What a guest program does under stock Wine, if there is one that the tests know.
fn reference(program: &Path) -> Option<Outcome> {
    oracle::is_reference().then(|| oracle::answer_like(program, &[], is_good)).flatten()
}

/// Runs a guest program under stock Wine, if there is one, and in a sandbox.
#[track_caller]
fn check(name: &str) {
    let program = guest::program(name);
    if let Some(outcome) = reference(&program) {
        judge(&format!("{name} under Wine"), &outcome);
    }
    let scratch = tempfile::tempdir().unwrap();
    let outcome = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge(name, &outcome);
}

/// A program that needs a network: one of the sandbox's own, and the host's loopback addresses.
fn check_networks(name: &str) {
    let program = guest::program(name);
    if let Some(outcome) = reference(&program) {
        judge(&format!("{name} under Wine"), &outcome);
    }
    let scratch = tempfile::tempdir().unwrap();
    for net in ["sandbox", "loopback"] {
        let sandbox = Sandbox::new().work(scratch.path()).option("--net", net);
        judge(net, &sandbox.program(&program).limit(Duration::from_secs(120)).run());
    }
}

#[test]
fn sockets() {
    check_networks("sockets");
}

#[test]
fn asyncselect() {
    check_networks("asyncselect");
}

#[test]
fn blocking() {
    check_networks("blocking");
}

/// A program that does everything at once, in C++.
#[test]
fn workers() {
    check_networks("workers");
}

/// The same in Rust, by its standard library.
#[test]
fn crew() {
    check_networks("crew");
}

#[test]
fn rpc() {
    check_networks("rpc");
}

#[test]
fn handover() {
    check_networks("handover");
}

#[test]
fn ending() {
    check_networks("ending");
}

/// A program whose windows stock Wine makes on a screen only.
#[track_caller]
fn check_on_screen(name: &str) {
    let program = guest::program(name);
    if let Some(desktop) = WineDesktop::reference() {
        judge(&format!("{name} under Wine"), &desktop.run(&program, &[]));
    }
    let scratch = tempfile::tempdir().unwrap();
    let outcome = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge(name, &outcome);
}

macro_rules! on_screen {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            check_on_screen(stringify!($name));
        }
    )+};
}

on_screen! { orphans owners sysparams input keyboards hooks hooked clipboard across dragging owncon screen }

macro_rules! programs {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )+};
}

programs! {
    objects sync locks threads memory sections exceptions cxx files fileio dirs drive registry registry_children hives system process children
    heritage extended rawthread joblimits together links names nowhere jobs others common debugger soak pipes consoles bcrypt tls service com messages windows ports schedule complex icu
}

/// Programs that want all that windows are made of, and others that work beside them. Stock Wine lets them have it.
#[test]
fn hostile() {
    let scratch = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new().work(scratch.path());
    judge("hostile", &sandbox.program(guest::program("hostile")).limit(Duration::from_secs(300)).run());
}

/// Pictures in bitmaps of every format: each has the hash that it has under stock Wine.
#[test]
fn gdi() {
    let program = guest::program("gdi");
    let scratch = tempfile::tempdir().unwrap();
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    assert_eq!(ours.status, 0, "{ours:?}");
    let pictures = ours.lines().lines().count();
    assert!(pictures >= 250, "{pictures} pictures: {ours:?}");
    let Some(theirs) = oracle::answer(&program, &[]) else { return };
    let (ours, theirs) = (ours.lines(), theirs.lines());
    let differ: Vec<_> = ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(differ.is_empty() && ours.lines().count() == theirs.lines().count(), "{differ:#?}");
}

/// Runs a guest program with windows under stock Wine on a screen, if both are there, and in a sandbox: what each says.
#[track_caller]
fn check_windows(name: &str) -> (Outcome, Option<Outcome>) {
    let program = guest::program(name);
    let theirs = WineDesktop::reference().map(|desktop| desktop.run(&program, &[]));
    if let Some(outcome) = &theirs {
        judge(&format!("{name} under Wine"), outcome);
    }
    let scratch = tempfile::tempdir().unwrap();
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge(name, &ours);
    (ours, theirs)
}

/// Icons in the notification area. Stock Wine's has no task bar where it has no desktop of its own.
#[test]
fn tray() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("tray");
    judge("tray", &Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run());
}

/// App bars, successors of programs that are killed, TaskbarCreated. Stock Wine leaves the second to a window manager and never sends the third.
#[test]
fn shell() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("shell");
    judge("shell", &Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run());
}

/// Drawing that is looked at pixel by pixel.
#[test]
fn drawing() {
    check("drawing");
}

/// A page becomes PostScript. Stock Wine has no printer where the host has none.
#[test]
fn printing() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("printing");
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge("printing", &ours);
    assert!(scratch.path().join("letter.ps").is_file());
}

/// Stock Wine plays nothing on a host that has no sound card; what it would say is what is checked.
#[test]
fn sound() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("sound");
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    judge("sound", &ours);
}

/// What one of poppler's tools says of a document, or writes to the file after it.
fn poppler(tool: &str, arguments: &[&str], document: &Path, output: &str) -> String {
    let mut command = std::process::Command::new(tool);
    command.args(arguments).arg(document).args((!output.is_empty()).then_some(output));
    let done = command.output().unwrap_or_else(|error| panic!("{tool}: {error} (`make setup` installs it)"));
    assert!(done.status.success() && done.stderr.is_empty(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The first page of a document as another program draws it, with so many dots an inch.
fn drawn(document: &Path, dots: u32) -> picture::Picture {
    let place = document.with_extension("drawn");
    let dots = dots.to_string();
    poppler("pdftoppm", &["-r", &dots, "-png", "-singlefile"], document, place.to_str().unwrap());
    picture::read(&place.with_extension("drawn.png"))
}

/// Pages become PDF that another program reads: text that can be taken out, with its font; pictures; sizes, copies, greys. Drawn by that
/// program, a page looks as it does on the screen.
#[test]
fn paper() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("paper");
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(240)).run();
    judge("paper", &ours);
    let said = |info: &str, name: &str| {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {info}"));
        line.split_once(':').unwrap().1.trim().to_owned()
    };

    let page = scratch.path().join("page.pdf");
    let text = poppler("pdftotext", &["-layout"], &page, "-");
    let further = "\u{413}\u{440}\u{435}\u{447} Stra\u{df}e";
    for expected in ["Printed on paper", "Some text in red, and a word behind it.", further] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let info = poppler("pdfinfo", &[], &page, "");
    assert_eq!((said(&info, "Title"), said(&info, "Pages")), ("A page".to_owned(), "1".to_owned()));
    assert!(said(&info, "Page size").contains("A4"), "{info}");
    let fonts = poppler("pdffonts", &[], &page, "");
    let fonts: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(fonts.len() >= 2 && fonts.iter().all(|line| line.contains("yes yes yes")), "{fonts:#?}");
    let pictures = poppler("pdfimages", &["-list"], &page, "");
    assert_eq!(pictures.lines().filter(|line| line.contains(" rgb ")).count(), 3, "{pictures}");
    let (print, screen) = (drawn(&page, 96), picture::read(&scratch.path().join("page.bmp")));
    let size = (print.width().min(screen.width()), print.height().min(screen.height()));
    let (print, screen) = (picture::part(&print, (0, 0), size), picture::part(&screen, (0, 0), size));
    let alike = picture::similarity(&print, &screen);
    let kept = picture::keep("paper", &print, &screen);
    assert!(alike >= 0.93, "the page is like the screen's picture by {alike}: {}", kept.display());

    let several = scratch.path().join("several.pdf");
    let info = poppler("pdfinfo", &["-l", "-1"], &several, "");
    assert_eq!((said(&info, "Title"), said(&info, "Pages")), ("Several".to_owned(), "6".to_owned()));
    let size = |page: u32| {
        let size = said(&info, &format!("Page {page:>4} size"));
        size.split(' ').filter_map(|word| word.parse::<f64>().ok()).map(|part| part.round() as i32).collect::<Vec<_>>()
    };
    let (wide, high) = ([595, 421], [421, 595]);
    assert_eq!((1..=6).map(size).collect::<Vec<_>>(), [wide, wide, high, wide, wide, high]);
    let text = poppler("pdftotext", &[], &several, "-");
    let pages: Vec<&str> = text.split_whitespace().filter(|word| word.len() == 1).collect();
    assert_eq!(pages, ["1", "2", "3", "1", "2", "3"]);
    let grey = drawn(&several, 40);
    assert!(grey.pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    assert!(grey.pixels().any(|pixel| pixel[0] < 128), "there is no text");
}

/// Rich edits print: the text is that of the control, in its styles, and what a line takes stays within the rectangle.
#[test]
fn pages() {
    let scratch = tempfile::tempdir().unwrap();
    let program = guest::program("pages");
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(240)).run();
    judge("pages", &ours);
    let document = scratch.path().join("pages.pdf");
    let text = poppler("pdftotext", &["-layout"], &document, "-");
    let words: Vec<&str> = text.split_whitespace().collect();
    let expected = "A heading Plain text, slanted text, bold text and red text in one paragraph that is long enough for several lines \
                    of the page, so that it wraps at words and nowhere else, and its last line is short. \u{2022} first \u{2022} second at the right";
    assert_eq!(words.join(" "), expected);
    assert!(text.lines().any(|line| line.ends_with(" at the right") && line.starts_with("          ")), "{text}");
    let fonts = poppler("pdffonts", &[], &document, "");
    assert!(fonts.contains("TahomaBold") && fonts.lines().count() >= 4, "{fonts}");
    // Nothing stands beyond the rectangle: from 1 to 7 inches, from 1 to 4.
    let words = poppler("pdftotext", &["-bbox"], &document, "-");
    let number = |line: &str, name: &str| {
        let value = line.split_once(&format!("{name}=\"")).unwrap().1.split_once('"').unwrap().0;
        value.parse::<f64>().unwrap()
    };
    let mut count = 0;
    for line in words.lines().filter(|line| line.contains("<word ")) {
        let [left, top, right, bottom] = ["xMin", "yMin", "xMax", "yMax"].map(|name| number(line, name));
        assert!(left >= 71.0 && top >= 71.0 && right <= 505.0 && bottom <= 289.0, "{line}");
        count += 1;
    }
    assert_eq!(count, expected.split(' ').count());
}

#[test]
fn menus() {
    check_windows("menus");
}

#[test]
fn scrollbars() {
    check_windows("scrollbars");
}

/// Frames of every style are where stock Wine has them, and points hit the same parts of them.
#[test]
fn nonclient() {
    let (ours, Some(theirs)) = check_windows("nonclient") else { return };
    let metrics =
        |outcome: &Outcome| outcome.lines().lines().find(|line| line.starts_with("metrics")).map(str::to_owned);
    assert_eq!(metrics(&ours), metrics(&theirs), "captions of another height have their parts elsewhere");
    let measured = |outcome: &Outcome| {
        // How wide scroll bars are, and what colours there are, is the user's to say.
        let lines = outcome.lines();
        let kinds = ["around", "with", "client", "hits", "title", "states"];
        let own = lines.lines().filter(|line| kinds.iter().any(|kind| line.starts_with(kind)));
        let mine = own.filter(|line| !line.contains(" 8 ") && !line.contains(" 9 ") || line.starts_with("around"));
        mine.map(str::to_owned).collect::<Vec<_>>()
    };
    let (ours, theirs) = (measured(&ours), measured(&theirs));
    let differ: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(differ.is_empty() && ours.len() == theirs.len() && ours.len() > 200, "{}: {differ:#?}", ours.len());
}

/// Lines of a program's that stock Wine prints too: its checks are its own.
fn told(text: &str) -> Vec<&str> {
    let own = |line: &&str| {
        !["ok ", "FAIL ", "differs "].iter().any(|mark| line.starts_with(mark)) && !line.ends_with(" failures")
    };
    text.lines().filter(own).collect()
}

/// Runs a program that checks things itself, and tells others that stock Wine tells too.
fn check_and_compare(name: &str, least: usize) {
    let (ours, theirs) = check_windows(name);
    let ours = ours.lines();
    assert!(told(&ours).len() >= least, "{ours}");
    let Some(theirs) = theirs.map(|theirs| theirs.lines()) else { return };
    let differ: Vec<_> = told(&ours).into_iter().zip(told(&theirs)).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(differ.is_empty() && told(&ours).len() == told(&theirs).len(), "{differ:#?}");
}

/// Which messages windows, menus, dialogs, MDI children and owner-drawn controls get, and in which order.
#[test]
fn messagelog() {
    check_and_compare("messagelog", 300);
}

/// Windows whose layout is from the right to the left.
#[test]
fn mirrored() {
    check_and_compare("mirrored", 150);
}

/// What windows are told when they are shown, moved, sized, painted and hidden, and what of them is invalid then: as under stock Wine.
#[test]
fn painting() {
    let program = guest::program("painting");
    let scratch = tempfile::tempdir().unwrap();
    let ours = Sandbox::new().work(scratch.path()).program(&program).limit(Duration::from_secs(120)).run();
    assert_eq!(ours.status, 0, "{ours:?}");
    assert!(ours.lines().lines().count() >= 80, "{ours:?}");
    let Some(desktop) = WineDesktop::reference() else { return };
    let theirs = desktop.run(&program, &[]);
    let (ours, theirs) = (ours.lines(), theirs.lines());
    let differ: Vec<_> = ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(differ.is_empty() && ours.lines().count() == theirs.lines().count(), "{differ:#?}");
}

/// What a program tells in a sandbox, and under stock Wine with the same fonts.
fn beside_wine(program: &Path, args: &[&str]) -> (String, Option<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let run = Sandbox::new().work(scratch.path()).program(program).args(args).limit(Duration::from_secs(120));
    let ours = run.run();
    assert_eq!(ours.status, 0, "{ours:?}");
    let theirs = WineDesktop::reference().map(|desktop| desktop.run(program, args).lines());
    (ours.lines(), theirs)
}

/// Lines that two texts differ in.
fn different<'a>(ours: &'a str, theirs: &'a str) -> Vec<(&'a str, &'a str)> {
    assert_eq!(ours.lines().count(), theirs.lines().count());
    ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| ours != theirs).collect()
}

/// Paths have the points that they have under stock Wine, and what is drawn with them is the same to the pixel.
#[test]
fn paths() {
    let (ours, theirs) = beside_wine(&guest::program("paths"), &[]);
    assert!(ours.lines().count() > 200, "{ours}");
    let Some(theirs) = theirs else { return };
    let differ = different(&ours, &theirs);
    assert!(differ.is_empty(), "{differ:#?}");
}

/// Fonts that are found, and their metrics, are stock Wine's.
#[test]
fn fonts() {
    let (ours, theirs) = beside_wine(&guest::program("text"), &["metrics"]);
    assert!(ours.lines().count() > 1000, "{ours}");
    let Some(theirs) = theirs else { return };
    let differ = different(&ours, &theirs);
    assert!(differ.is_empty(), "{differ:#?}");
}

/// Text looks as under stock Wine: some scenes to the pixel, of others at most so many of 92,400 pixels are far from it.
#[test]
fn text() {
    for (scene, most) in
        [("0", 0), ("1", 0), ("2", 0), ("3", 20), ("4", 20), ("5", 100), ("6", 20), ("7", 100), ("8", 100)]
    {
        let (ours, theirs) = beside_wine(&guest::program("text"), &[scene]);
        let lightness = |text: &str| -> Vec<u8> {
            let digits: String = text.split_whitespace().collect();
            (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap()).collect()
        };
        let ours = lightness(&ours);
        assert!(ours.len() == 420 * 220 && ours.iter().any(|pixel| *pixel < 140), "scene {scene} is empty");
        let Some(theirs) = theirs else { return };
        let far = ours.iter().zip(lightness(&theirs)).filter(|(ours, theirs)| ours.abs_diff(*theirs) > 24).count();
        assert!(far <= most, "scene {scene}: {far} pixels");
    }
}

/// What a guest that goes through a folder finds behind a name, once the host changed something there.
fn found_after(change: impl FnOnce(&Path), name: &str) -> String {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("work/folder");
    fs::create_dir_all(&folder).unwrap();
    for index in 0..48 {
        fs::write(folder.join(format!("{index:03}.txt")), index.to_string()).unwrap();
    }
    fs::write(top.path().join("work/other"), "other").unwrap();
    fs::create_dir(top.path().join("outside")).unwrap();
    fs::write(top.path().join("outside/021.txt"), "outside").unwrap();
    let mut run =
        Sandbox::new().work(&top.path().join("work")).program(guest::program("ahead")).args(["host", "folder"]);
    let command = run.command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines =
        BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap().trim_end().to_owned());
    assert_eq!(lines.next().as_deref(), Some("went through 21 of 48"));
    change(&folder);
    writeln!(child.stdin.take().unwrap(), "{name}").unwrap();
    let found = lines.next().unwrap_or_default();
    assert!(child.wait().unwrap().success());
    found
}

/// Files that were opened ahead are what their names mean by then, whatever the host did.
#[test]
fn ahead() {
    check("ahead");
    let away = |folder: &Path| fs::rename(folder, folder.with_file_name("away")).unwrap();
    assert_eq!(found_after(|_| (), "021.txt"), "21");
    let replaces = |folder: &Path| fs::rename(folder.with_file_name("other"), folder.join("021.txt")).unwrap();
    assert_eq!(found_after(replaces, "021.txt"), "other");
    let deletes = |folder: &Path| fs::remove_file(folder.join("021.txt")).unwrap();
    assert_eq!(found_after(deletes, "021.txt"), "error 2");
    let writes = |folder: &Path| fs::write(folder.join("021.txt"), "written").unwrap();
    assert_eq!(found_after(writes, "021.txt"), "written");
    let other_case = |folder: &Path| fs::write(folder.join("021.TXT"), "capitals").unwrap();
    assert_eq!(found_after(other_case, "021.TXT"), "capitals");
    assert_eq!(found_after(other_case, "021.txt"), "21");
    let another_folder = |folder: &Path| {
        away(folder);
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("021.txt"), "other").unwrap();
    };
    assert_eq!(found_after(another_folder, "021.txt"), "other");
    assert_eq!(found_after(away, "021.txt"), "error 3");
    // A link that leads out opens nothing, in place of the file or of its folder.
    let links = |folder: &Path| {
        deletes(folder);
        symlink("../../outside/021.txt", folder.join("021.txt")).unwrap();
    };
    assert_eq!(found_after(links, "021.txt"), "error 5");
    let links_the_folder = |folder: &Path| {
        away(folder);
        symlink("../outside", folder).unwrap();
    };
    assert_eq!(found_after(links_the_folder, "021.txt"), "error 5");
}

/// What `certificates` counted in the root store.
fn roots(outcome: &Outcome) -> usize {
    let text = outcome.lines();
    let count = text.lines().find_map(|line| line.strip_suffix(" roots")).and_then(|count| count.parse().ok());
    count.unwrap_or_else(|| panic!("{outcome:?}"))
}

/// The host's root certificates are the guest's with the network, or if the policy says so; else there are Microsoft's in the DLL.
#[test]
fn certificates() {
    check("certificates");
    let bundle = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    let host = bundle.matches("BEGIN CERTIFICATE").count();
    let program = guest::program("certificates");
    let scratch = tempfile::tempdir().unwrap();
    let policy = scratch.path().join("policy.toml");
    let run = |text: &str| {
        std::fs::write(&policy, text).unwrap();
        roots(&Sandbox::new().option("--policy", policy.to_str().unwrap()).program(&program).run())
    };
    let (given, withheld) = (run("roots = true"), run("roots = false"));
    assert_eq!(
        [run(""), run("net = [\"sandbox\"]"), run("net = [\"sandbox\"]\nroots = false")],
        [withheld, given, withheld]
    );
    assert!(
        given >= host / 2 && (host == 0 || given > withheld),
        "{given} given, {withheld} withheld, {host} of the host"
    );
}

#[test]
fn hello() {
    let program = guest::program("hello");
    let outcome = Sandbox::new().program(&program).run().success();
    assert_eq!(outcome.text(), "Hello from Windows\r\n");
    assert_eq!(outcome.errors(), "");
}
