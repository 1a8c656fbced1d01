//! Wine's own programs: what is typed, clicked and chosen has the results that it has under stock Wine.

use crate::{ORIGIN, SCREEN, judge, play_both, with_program};
use portcullis::picture;
use portcullis::stage::{Sandbox, Stage, Step, play};
use std::fs;
use std::path::Path;

/// Notepad: types, finds, saves through the dialog, and opens what it saved again.
#[test]
fn notepad() {
    let folder = tempfile::tempdir().unwrap();
    let steps = [
        Step::Window("Notepad"),
        Step::Type("The quick brown fox jumps over the lazy dog.\nA second line."),
        Step::Picture("typed", ORIGIN, SCREEN, 0.98),
        Step::Key("alt+f"),
        Step::Picture("menu", ORIGIN, SCREEN, 0.98),
        Step::Key("esc"),
        Step::Key("esc"),
        Step::Key("ctrl+home"),
        Step::Key("ctrl+f"),
        Step::Window("Find"),
        Step::Type("lazy"),
        Step::Key("enter"),
        Step::Key("esc"),
        Step::Gone("Find"),
        Step::Picture("found", ORIGIN, SCREEN, 0.98),
        Step::Key("ctrl+s"),
        Step::Window("Save As"),
        Step::Picture("saving", ORIGIN, SCREEN, 0.95),
        Step::Type(r"C:\stage\saved.txt"),
        Step::Key("enter"),
        Step::Window("saved.txt"),
        Step::Key("alt+f4"),
        Step::Gone("saved.txt"),
    ];
    let pictures = with_program("notepad", &["notepad"], &steps, folder.path());
    let text = fs::read_to_string(folder.path().join("saved.txt")).unwrap();
    assert_eq!(text, "The quick brown fox jumps over the lazy dog.\r\nA second line.");
    judge(pictures);
}

/// Wordpad: text is made bold and slanted, saved as RTF through the dialog, and opened again.
#[test]
fn wordpad() {
    const PROGRAM: &str = r"C:\Program Files\Windows NT\Accessories\wordpad.exe";
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folders = (ours.path(), theirs.path());
    let steps = [
        Step::Window("Wordpad"),
        Step::Type("Styled text."),
        Step::Key("ctrl+a"),
        Step::Key("ctrl+b"),
        Step::Key("ctrl+i"),
        Step::Key("ctrl+end"),
        Step::Picture("typed", ORIGIN, SCREEN, 0.97),
        Step::Key("ctrl+s"),
        Step::Window("Save As"),
        Step::Type(r"C:\stage\styled.rtf"),
        Step::Key("enter"),
        Step::Window("styled.rtf"),
        Step::Key("alt+f4"),
        Step::Gone("styled.rtf"),
    ];
    let mut pictures = play_both("wordpad", &[PROGRAM], &steps, folders, &[]);
    let text = fs::read_to_string(ours.path().join("styled.rtf")).unwrap();
    assert!(text.starts_with(r"{\rtf1") && text.contains(r"\b\i") && text.contains("Styled text."), "{text}");
    if let Ok(wine) = fs::read_to_string(theirs.path().join("styled.rtf")) {
        assert_eq!(text, wine);
    }
    let again = [
        Step::Window("styled.rtf"),
        Step::Picture("again", ORIGIN, SCREEN, 0.97),
        Step::Key("alt+f4"),
        Step::Gone("styled.rtf"),
    ];
    pictures.extend(play_both("wordpad", &[PROGRAM, r"C:\stage\styled.rtf"], &again, folders, &[]));
    judge(pictures);
}

/// What one of poppler's tools says of a document.
fn poppler(tool: &str, arguments: &[&str], document: &Path) -> String {
    let done = std::process::Command::new(tool).arg(document).args(arguments).output().unwrap();
    assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// From the dialog for printing to the end of a program whose document is not saved.
const TO_FILE: [Step; 8] = [
    // To a file, which is asked for.
    Step::Key("alt+l"),
    Step::Key("enter"),
    Step::Window("Save As"),
    Step::Type(r"C:\stage\printed.pdf"),
    Step::Key("enter"),
    Step::Gone("Save As"),
    Step::Key("alt+f4"),
    Step::Key("n"),
];

/// Wordpad prints: a document of several pages becomes a PDF with the same text on as many, in the same styles. Wine's riched20 cannot do that.
#[test]
fn wordpad_prints() {
    const COMMAND: &str = r#""C:\Program Files\Windows NT\Accessories\wordpad.exe" C:\stage\long.rtf"#;
    /// Of 15 points: some 35 of them stand on a page of A4 with wordpad's margins.
    const LINES: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let line = |number: usize| match number {
        0 => r"\b0\i The slanted line\i0\par".to_owned(),
        _ => format!(r"\b0 Line {number} is plain and {{\b its end is bold}}\par"),
    };
    let lines: Vec<String> = (0..LINES).map(line).collect();
    let head = r"{\rtf1{\fonttbl{\f0 Tahoma;}}\plain\f0\fs30 ";
    fs::write(folder.path().join("long.rtf"), format!("{head}{}}}", lines.join("\r\n"))).unwrap();
    let mut sandbox = Sandbox::start(folder.path(), COMMAND);
    let steps = [
        Step::Window("long.rtf"),
        Step::Key("ctrl+end"),
        Step::Type("\nTyped at the end."),
        Step::Key("ctrl+p"),
        Step::Window("Print"),
    ];
    play("printing", &[&steps[..], &TO_FILE, &[Step::Gone("long.rtf")]].concat(), &mut sandbox, None);
    let document = folder.path().join("printed.pdf");
    let text = poppler("pdftotext", &["-"], &document);
    let pages: Vec<&str> = text.trim_end_matches('\u{c}').split('\u{c}').collect();
    let printed: Vec<&str> = pages.iter().flat_map(|page| page.lines()).filter(|line| !line.is_empty()).collect();
    let expected = (0..=LINES).map(|number| match number {
        0 => "The slanted line".to_owned(),
        LINES => "Typed at the end.".to_owned(),
        _ => format!("Line {number} is plain and its end is bold"),
    });
    assert_eq!(printed, expected.collect::<Vec<_>>());
    assert!((2..=4).contains(&pages.len()), "{} pages", pages.len());
    let fonts = poppler("pdffonts", &[], &document);
    assert!(fonts.contains("TahomaBold") && fonts.lines().count() >= 4, "{fonts}");
}

/// Notepad prints: what was typed becomes a PDF where its dialog says, which another program reads. Stock Wine has no such printer.
#[test]
fn notepad_prints() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "notepad");
    let steps = [
        Step::Window("Notepad"),
        Step::Type("A line that is printed.\nAnd another one."),
        Step::Key("ctrl+p"),
        Step::Window("Print"),
        Step::Picture("print", ORIGIN, SCREEN, 0.0),
    ];
    play("printing", &[&steps[..], &TO_FILE, &[Step::Gone("Notepad")]].concat(), &mut sandbox, None);
    let text = poppler("pdftotext", &["-"], &folder.path().join("printed.pdf"));
    assert!(text.starts_with("A line that is printed.\nAnd another one.\n"), "{text}");
}

/// Where a field of winemine's is, by column and row from 0, in a window at the desktop's corner.
fn field(column: i32, row: i32) -> (i32, i32) {
    (16 + 16 * column, 82 + 16 * row)
}

/// Winemine: fields are marked until no mine is left, and a game of another size is set up.
#[test]
fn winemine() {
    let folder = tempfile::tempdir().unwrap();
    let mut steps = vec![
        Step::Window("WineMine"),
        Step::Picture("begin", ORIGIN, SCREEN, 0.99),
        Step::Key("alt+g"),
        Step::Picture("menu", ORIGIN, SCREEN, 0.98),
        Step::Key("esc"),
        Step::Key("esc"),
    ];
    for number in 0..10 {
        let (x, y) = field(number % 9, number / 9 * 8);
        steps.push(Step::Right(x, y));
    }
    steps.extend([
        Step::Picture("marked", ORIGIN, SCREEN, 0.99),
        Step::Key("alt+g"),
        Step::Key("c"),
        Step::Window("Custom"),
        Step::Type("12"),
        Step::Key("tab"),
        Step::Type("16"),
        Step::Key("tab"),
        Step::Type("30"),
        Step::Key("enter"),
        Step::Gone("Custom"),
        Step::Picture("custom", ORIGIN, SCREEN, 0.99),
        Step::Key("alt+f4"),
        Step::Gone("WineMine"),
    ]);
    judge(with_program("winemine", &["winemine"], &steps, folder.path()));
}

/// Winemine is played until a mine is hit: who uncovers field after field hits one. The face says so, nothing is uncovered any more, and F2 begins anew.
#[test]
fn winemine_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "winemine");
    sandbox.step(&Step::Window("WineMine"));
    let shown = |sandbox: &Sandbox, (x, y), size| picture::part(&sandbox.picture(), (x, y), size);
    let (face, fields) = (((68, 46), (24, 24)), ((8, 74), (144, 144)));
    let (happy, covered) = (shown(&sandbox, face.0, face.1), shown(&sandbox, fields.0, fields.1));
    let lost = (0..81).any(|number| {
        let (x, y) = field(number % 9, number / 9);
        sandbox.step(&Step::Click(x, y));
        shown(&sandbox, face.0, face.1) != happy
    });
    assert!(lost, "81 fields, and no mine");
    let end = shown(&sandbox, fields.0, fields.1);
    assert_ne!(end, covered);
    for row in 0..9 {
        let (x, y) = field(8, row);
        sandbox.step(&Step::Click(x, y));
    }
    assert!(shown(&sandbox, fields.0, fields.1) == end, "a game that is lost goes on");
    sandbox.step(&Step::Key("f2"));
    assert!(shown(&sandbox, face.0, face.1) == happy && shown(&sandbox, fields.0, fields.1) == covered);
}

/// Regedit: a key is gone to, a value changed in a dialog; reg.exe sees the change.
#[test]
fn regedit() {
    const KEY: &str = r"HKCU\Software\A Portcullis";
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "regedit");
    sandbox.step(&Step::Window("Registry Editor"));
    sandbox.exec(&["reg", "add", KEY, "/v", "Word", "/d", "before", "/f"]);
    for key in ["down", "down", "right", "s", "right", "right", "tab", "home", "down", "enter"] {
        sandbox.step(&Step::Key(key));
    }
    sandbox.step(&Step::Window("Edit String"));
    picture::keep_one("regedit-edit", &sandbox.picture());
    sandbox.step(&Step::Type("after"));
    sandbox.step(&Step::Key("enter"));
    sandbox.step(&Step::Gone("Edit String"));
    let said = sandbox.exec(&["reg", "query", KEY]);
    assert!(said.contains("Word    REG_SZ    after"), "{said}");
    sandbox.step(&Step::Key("alt+f4"));
    sandbox.step(&Step::Gone("Registry Editor"));
}

/// Regedit shows what it shows under stock Wine.
#[test]
fn regedit_looks_alike() {
    let folder = tempfile::tempdir().unwrap();
    let steps = [Step::Window("Registry Editor"), Step::Key("alt+e"), Step::Picture("menu", ORIGIN, (1024, 550), 0.97)];
    judge(with_program("regedit", &["regedit"], &steps, folder.path()));
}

/// Task manager: it lists the windows there are, and ends the program behind one.
#[test]
fn taskmgr() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "notepad");
    sandbox.step(&Step::Window("Notepad"));
    sandbox.begin(&["taskmgr"]);
    sandbox.step(&Step::Window("Task Manager"));
    // The one line of the list, and the button that ends what is chosen there.
    sandbox.step(&Step::Click(400, 265));
    picture::keep_one("taskmgr", &sandbox.picture());
    sandbox.step(&Step::Click(430, 551));
    sandbox.step(&Step::Gone("Notepad"));
    sandbox.step(&Step::Key("alt+f4"));
    sandbox.step(&Step::Gone("Task Manager"));
}

/// Winefile: a folder is gone to, and a file in it opened with the program for texts, which changes it.
#[test]
fn winefile() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("original.txt");
    fs::write(&file, "what is in it").unwrap();
    let mut sandbox = Sandbox::start(folder.path(), r"winefile C:\stage");
    sandbox.step(&Step::Window("Wine File Manager"));
    // The folder in the tree, then the one file in it.
    sandbox.step(&Step::Click(110, 247));
    sandbox.step(&Step::Double(350, 119));
    sandbox.step(&Step::Window("original.txt - Notepad"));
    picture::keep_one("winefile", &sandbox.picture());
    for step in [Step::Key("ctrl+end"), Step::Type(", and more"), Step::Key("ctrl+s"), Step::Key("alt+f4")] {
        sandbox.step(&step);
    }
    sandbox.step(&Step::Gone("Notepad"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "what is in it, and more");
    sandbox.step(&Step::Key("alt+f4"));
    sandbox.step(&Step::Gone("Wine File Manager"));
}

/// Clock: it shows the time as hands or as digits. Its hands always move, so nothing is compared with Wine's.
#[test]
fn clock() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "clock");
    sandbox.step(&Step::Window("Clock"));
    let dark = |sandbox: &Sandbox| {
        let inside = picture::part(&sandbox.picture(), (10, 50), (180, 140));
        inside.pixels().filter(|pixel| pixel.0.iter().all(|part| *part < 140)).count()
    };
    let hands = dark(&sandbox);
    picture::keep_one("clock", &sandbox.picture());
    sandbox.step(&Step::Key("alt+p"));
    sandbox.step(&Step::Key("t"));
    let digits = dark(&sandbox);
    assert!(
        hands > 100 && digits > 100 && hands.abs_diff(digits) > 20,
        "{hands} dark pixels of hands, {digits} of digits"
    );
    sandbox.step(&Step::Key("alt+f4"));
    sandbox.step(&Step::Gone("Clock"));
}

/// Control panel: an applet is opened and closed again.
#[test]
fn control() {
    let folder = tempfile::tempdir().unwrap();
    let mut sandbox = Sandbox::start(folder.path(), "control");
    sandbox.step(&Step::Window("Wine Control Panel"));
    sandbox.step(&Step::Double(134, 60));
    sandbox.step(&Step::Window("Display Settings"));
    picture::keep_one("control", &sandbox.picture());
    sandbox.step(&Step::Key("esc"));
    sandbox.step(&Step::Gone("Display Settings"));
    sandbox.step(&Step::Key("alt+f4"));
    sandbox.step(&Step::Gone("Wine Control Panel"));
}
