//! The system's common dialogs, called by a program of ours (`tests/guest/dialogs.c`), which tells what was chosen; and its timers and dots per inch.

use crate::{ORIGIN, SCREEN, judge};
use portcullis::guest;
use portcullis::screen::WineDesktop;
use portcullis::stage::{OnWine, Sandbox, Stage, Step, play};
use std::fs;

/// Calls a kind of dialog on both sides; both are to tell the same, which is what the program's words before its end are.
fn dialog(kind: &str, steps: &[Step<'_>]) -> String {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let program = guest::program("dialogs");
    for folder in &folders {
        fs::copy(&program, folder.path().join("dialogs.exe")).unwrap();
        fs::write(folder.path().join("one.txt"), "1").unwrap();
        fs::write(folder.path().join("two.txt"), "2").unwrap();
    }
    let mut ours = Sandbox::start(folders[0].path(), &format!(r"C:\stage\dialogs.exe {kind}"));
    let desktop = WineDesktop::reference();
    let theirs = folders[1].path();
    let mut wine = desktop.as_ref().map(|desktop| OnWine::start(desktop, theirs, &theirs.join("dialogs.exe"), &[kind]));
    let pictures = play(&format!("dialog-{kind}"), steps, &mut ours, wine.as_mut().map(|wine| wine as &mut dyn Stage));
    let told = |text: String| text.replace('\r', "").trim_end().to_owned();
    let said = told(ours.logs());
    if let Some(wine) = &wine {
        assert_eq!(said, told(fs::read_to_string(&wine.output).unwrap()), "ours, and stock Wine's");
    }
    judge(pictures);
    said
}

/// A file is opened by its name, typed into the dialog.
#[test]
fn open() {
    let steps = [
        Step::Window("Open it"),
        Step::Picture("shown", ORIGIN, SCREEN, 0.98),
        Step::Type("two.txt"),
        Step::Key("enter"),
        Step::Gone("Dialogs"),
    ];
    assert_eq!(dialog("open", &steps), "1 0 C:\\stage\\two.txt, extension at 13, filter 1\nend");
}

/// A name without an extension gets the one that is asked for; a file that there is is not written over unasked.
#[test]
fn save() {
    let steps = [
        Step::Window("Save it"),
        Step::Type("one"),
        Step::Key("enter"),
        Step::Picture("asked", ORIGIN, SCREEN, 0.98),
        Step::Key("alt+y"),
        Step::Gone("Dialogs"),
    ];
    assert_eq!(dialog("save", &steps), "1 0 C:\\stage\\one.txt, extension at 13, filter 1\nend");
}

#[test]
fn font() {
    let steps = [
        Step::Window("Font"),
        Step::Picture("shown", ORIGIN, SCREEN, 0.98),
        Step::Key("tab"),
        Step::Key("up"),
        Step::Key("tab"),
        Step::Key("down"),
        Step::Key("enter"),
        Step::Gone("Dialogs"),
    ];
    let told = dialog("font", &steps);
    assert!(told.starts_with("1 0 Tahoma, height "), "{told}");
}

#[test]
fn colour() {
    let steps = [
        Step::Window("Color"),
        Step::Picture("shown", ORIGIN, SCREEN, 0.98),
        Step::Type("17"),
        Step::Key("enter"),
        Step::Gone("Dialogs"),
    ];
    let told = dialog("colour", &steps);
    assert!(told.starts_with("1 0 "), "{told}");
}

#[test]
fn find_and_replace() {
    let steps = [
        Step::Window("Replace"),
        Step::Picture("shown", ORIGIN, SCREEN, 0.98),
        Step::Type("hay"),
        Step::Key("enter"),
        Step::Key("alt+a"),
        Step::Key("esc"),
        Step::Gone("Dialogs"),
    ];
    let told = dialog("find", &steps);
    assert!(told.contains("hay -> pin"), "{told}");
}

#[test]
fn message_box() {
    let steps = [
        Step::Window("Box"),
        Step::Picture("shown", ORIGIN, SCREEN, 0.98),
        Step::Key("left"),
        Step::Key("enter"),
        Step::Gone("Dialogs"),
    ];
    assert_eq!(dialog("box", &steps), "answer 6\nend");
}

#[test]
fn timers() {
    let steps = [Step::Window("Timers are done"), Step::Key("alt+f4"), Step::Gone("Timers are done")];
    assert_eq!(dialog("timer", &steps), "killed 1, again 0\nend");
}

#[test]
fn dots_per_inch() {
    let told = dialog("dpi", &[Step::Window("Dots are told"), Step::Key("alt+f4"), Step::Gone("Dots are told")]);
    assert!(told.starts_with("aware 1, window 96, system 96\n"), "{told}");
}
