//! What programs show and do, beside what they do under stock Wine: the same script, the same fonts, on desktops of the same size. Each pair of pictures is
//! kept as a PNG below `target/pictures`: ours, Wine's, and in red where they differ.

use portcullis::guest;
use portcullis::screen::WineDesktop;
use portcullis::stage::{Compared, OnWine, Sandbox, Step, play};
use std::fs;
use std::path::Path;

/// Where every page of the showcase is.
const PLACE: (u32, u32) = (100, 80);
const SIZE: (u32, u32) = (620, 470);
/// The whole desktop.
const ORIGIN: (u32, u32) = (0, 0);
const SCREEN: (u32, u32) = (1024, 768);

#[track_caller]
fn judge(pictures: Vec<Compared>) {
    let failed: Vec<_> = pictures.iter().filter(|picture| picture.alike < picture.least).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Plays a script with a program of Windows' own that both sides have.
/// What ours writes to `C:\stage` is in `folder`.
fn with_program(script: &str, command: &str, steps: &[Step<'_>], folder: &Path) -> Vec<Compared> {
    let theirs = tempfile::tempdir().unwrap();
    let mut ours = Sandbox::start(folder, command);
    let desktop = WineDesktop::start();
    let words: Vec<_> = command.split(' ').collect();
    let mut wine =
        desktop.as_ref().map(|desktop| OnWine::start(desktop, theirs.path(), Path::new(words[0]), &words[1..]));
    play(script, steps, &mut ours, wine.as_mut().map(|wine| wine as _))
}

/// A page of controls, of comctl32's version 5 and 6, looks as it does under stock Wine.
fn showcase(page: &str, least: f64) {
    let program = guest::program("showcase");
    let folder = program.parent().unwrap();
    let desktop = WineDesktop::start();
    let mut all = Vec::new();
    for version in ["", "v6"] {
        let arguments: Vec<_> = [page, version].into_iter().filter(|text| !text.is_empty()).collect();
        let mut ours = Sandbox::start(folder, &format!(r"C:\stage\showcase.exe {}", arguments.join(" ")));
        let mut wine = desktop.as_ref().map(|desktop| OnWine::start(desktop, folder, &program, &arguments));
        let name = format!("page{version}");
        let steps = [Step::Window("Showcase"), Step::Picture(&name, PLACE, SIZE, least)];
        all.extend(play(&format!("showcase-{page}"), &steps, &mut ours, wine.as_mut().map(|wine| wine as _)));
    }
    judge(all);
}

macro_rules! pages {
    ($($page:ident: $least:literal;)*) => {$(
        #[test]
        fn $page() {
            showcase(stringify!($page), $least);
        }
    )*};
}

// What differs still: Wine's pictures have the mouse's pointer (0.002), scroll bars' parts have another shade, the name of Ctrl is Wine 10's, and what
// stands in for Courier New is another font (rich).
pages! {
    buttons: 0.99;
    edits: 0.88;
    lists: 0.97;
    bars: 0.96;
    rich: 0.91;
    mdi: 0.99;
    menu: 0.99;
    scroll: 0.99;
    tool: 0.99;
    frame: 0.99;
    thin: 0.99;
}

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
    let pictures = with_program("notepad", "notepad", &steps, folder.path());
    let text = fs::read_to_string(folder.path().join("saved.txt")).unwrap();
    assert_eq!(text, "The quick brown fox jumps over the lazy dog.\r\nA second line.");
    judge(pictures);
}

/// Winemine: a field is uncovered, another marked.
#[test]
fn winemine() {
    let folder = tempfile::tempdir().unwrap();
    let steps = [
        Step::Window("WineMine"),
        Step::Picture("begin", ORIGIN, SCREEN, 0.99),
        Step::Key("alt+g"),
        Step::Picture("menu", ORIGIN, SCREEN, 0.98),
        Step::Key("esc"),
        Step::Key("esc"),
        Step::Key("alt+f4"),
        Step::Gone("WineMine"),
    ];
    judge(with_program("winemine", "winemine", &steps, folder.path()));
}
