//! The gallery: pictures that the other tests of this folder left below `target/pictures`, and the page that shows them.

use image::ImageEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use portcullis::picture::{self, Picture};
use portcullis::{repository, target};
use std::fmt::Write as _;
use std::fs;

/// What a test called a picture, whether Wine's lies beside it, and what it shows.
const PICTURES: &[(&str, bool, &str)] = &[
    ("notepad-saving", true, "Wine's notepad, saving through the system's dialog"),
    ("wordpad-typed", true, "Wordpad with a styled line"),
    ("winemine-marked", true, "Winemine with all mines marked"),
    ("regedit-edit", false, "Regedit changing a value"),
    ("taskmgr", false, "Task manager, about to end notepad"),
    ("winefile", false, "Winefile and the text that it opened"),
    ("clock", false, "Clock"),
    ("control", false, "Control panel and its display settings"),
    ("designer-dropped", true, "Qt 5 Designer, after a button was dragged onto a form"),
    ("assistant", false, "Qt 5 Assistant, searching its guide"),
    ("pyside-screen", false, "Qt 6 from Python (PySide6)"),
    ("autohotkey-typed", true, "A window of an AutoHotkey script"),
    ("sdl", false, "SDL 2 with its software renderer"),
    ("tk", false, "Tk from Python (tkinter)"),
    ("idle", false, "IDLE, Python's editor"),
    ("wx", false, "wxWidgets from Python (wxPython)"),
    ("pythonwin", false, "Pythonwin, which is made with MFC"),
    ("vcl", false, "Delphi's VCL"),
    ("swing", false, "Java's Swing"),
    ("direct3d", false, "Dear ImGui on Direct3D, with Mesa's software renderer beside the program"),
    ("showcase-lists-pagev6", true, "Lists of comctl32, version 6"),
    ("showcase-mdi-page", true, "Windows within a window (MDI)"),
    ("showcase-drag-pagev6", true, "What was dragged and dropped"),
    ("dialog-font-shown", true, "The dialog for fonts"),
    ("dialog-colour-shown", true, "The dialog for colours"),
];
/// Most that all of them may take.
const MOST: usize = 1_000_000;

/// The smallest PNG of those that filters and the best compression give.
fn small(picture: &Picture) -> Vec<u8> {
    let encoded = |filter| {
        let mut bytes = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, filter);
        let kind = image::ExtendedColorType::Rgb8;
        encoder.write_image(picture.as_raw(), picture.width(), picture.height(), kind).unwrap();
        bytes
    };
    let all = [FilterType::NoFilter, FilterType::Sub, FilterType::Up, FilterType::Paeth].map(encoded);
    all.into_iter().min_by_key(Vec::len).unwrap()
}

/// Makes the page and its pictures anew of what a whole run of this folder's tests left.
#[test]
#[ignore = "after the other tests: it shows what they saw"]
fn gallery() {
    let home = repository().join("tests/desktop");
    let mut page =
        "# Gallery\n\nWindows programs on Portcullis' desktop, as the tests of this folder saw them. Made anew with\n\
        `cargo test --test desktop && cargo test --test desktop gallery -- --ignored`.\n"
            .to_owned();
    let mut total = 0;
    fs::create_dir_all(home.join("gallery")).unwrap();
    for (name, is_pair, says) in PICTURES {
        let kept = picture::read(&target("pictures").join(format!("{name}.png")));
        let ours = if *is_pair { picture::part(&kept, (0, 0), (kept.width() / 3, kept.height())) } else { kept };
        let bytes = small(&ours);
        total += bytes.len();
        fs::write(home.join(format!("gallery/{name}.png")), bytes).unwrap();
        write!(page, "\n## {says}\n\n![{says}](gallery/{name}.png)\n").unwrap();
    }
    assert!(total < MOST, "{total} bytes");
    fs::write(home.join("GALLERY.md"), page).unwrap();
}
