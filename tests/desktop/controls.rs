//! Pages of controls, of a program of ours (`tests/guest/showcase.c`).

use crate::judge;
use portcullis::guest;
use portcullis::screen::WineDesktop;
use portcullis::stage::{OnWine, Sandbox, Step, play};

/// Where every page is.
const PLACE: (u32, u32) = (100, 80);
const SIZE: (u32, u32) = (620, 470);

/// A page of controls, of comctl32's version 5 and 6, looks as it does under stock Wine.
fn showcase(page: &str, least: f64) {
    showcase_after(page, &[], least);
}

/// The same once something was done to it.
fn showcase_after(page: &str, done: &[Step<'_>], least: f64) {
    let program = guest::program("showcase");
    let folder = program.parent().unwrap();
    let desktop = WineDesktop::reference();
    let mut all = Vec::new();
    for version in ["", "v6"] {
        let arguments: Vec<_> = [page, version].into_iter().filter(|text| !text.is_empty()).collect();
        let mut ours = Sandbox::start(folder, &format!(r"C:\stage\showcase.exe {}", arguments.join(" ")));
        let mut wine = desktop.as_ref().map(|desktop| OnWine::start(desktop, folder, &program, &arguments));
        let name = format!("page{version}");
        let steps = [&[Step::Window("Showcase")], done, &[Step::Picture(&name, PLACE, SIZE, least)]].concat();
        all.extend(play(&format!("showcase-{page}"), &steps, &mut ours, wine.as_mut().map(|wine| wine as _)));
    }
    judge(all);
}

/// An icon in the notification area: what each call came to, and its menu.
#[test]
fn tray() {
    const NEXT: Step<'_> = Step::Click(174, 126);
    let calls = [const { NEXT }; 9];
    showcase_after("tray", &calls, 0.99);
    let menu = Step::Click(304, 126);
    showcase_after("tray", &[&calls[..3], &[menu]].concat(), 0.99);
    showcase_after("tray", &[menu, Step::Key("down"), Step::Key("down"), Step::Key("enter"), NEXT], 0.99);
}

/// What is dragged from a page to a window in it, to another one, and nowhere; files that are dropped.
#[test]
fn drag() {
    let from = (140, 125);
    let done = [
        Step::Drag(from, (200, 360)),
        // What it says itself lies beside the picture: on a screen without a window manager, stock Wine has it behind the page.
        Step::Drag(from, (860, 330)),
        Step::Drag(from, (300, 200)),
        Step::Click(from.0, from.1),
        Step::Click(174, 296),
    ];
    showcase_after("drag", &done, 0.99);
}

macro_rules! pages {
    ($($page:ident: $least:literal;)*) => {$(
        #[test]
        fn $page() {
            showcase(stringify!($page), $least);
        }
    )*};
}

// What differs still: Wine's pictures have the mouse's pointer (0.002), and the name of Ctrl is Wine 10's (bars).
pages! {
    buttons: 0.99;
    edits: 0.99;
    lists: 0.99;
    bars: 0.99;
    rich: 0.99;
    mdi: 0.99;
    menu: 0.99;
    scroll: 0.99;
    tool: 0.99;
    frame: 0.99;
    thin: 0.99;
}
