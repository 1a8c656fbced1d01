//! What programs show and do, beside what they do under stock Wine: the same script, the same fonts, on desktops of the same size. Each pair of pictures is
//! kept as a PNG below `target/pictures`: ours, Wine's, and in red where they differ.

mod accessories;
mod controls;
mod dialogs;
mod gallery;
mod others;
mod toolkits;

use portcullis::screen::WineDesktop;
use portcullis::stage::{Compared, Folder, OnWine, Sandbox, Step, play};
use std::path::Path;

/// The whole desktop.
const ORIGIN: (u32, u32) = (0, 0);
const SCREEN: (u32, u32) = (1024, 768);

#[track_caller]
fn judge(pictures: Vec<Compared>) {
    let failed: Vec<_> = pictures.iter().filter(|picture| picture.alike < picture.least).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// A command of words, with quotation marks where a word has blanks.
fn command(words: &[&str]) -> String {
    let quoted = |word: &&str| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Plays a script on both sides with a program that both have by one name: the first word. What it writes to `C:\stage` is in `ours` and `theirs`;
/// further folders are only read.
fn play_both(
    script: &str,
    words: &[&str],
    steps: &[Step<'_>],
    (ours, theirs): (&Path, &Path),
    others: &[Folder<'_>],
) -> Vec<Compared> {
    let mut sandbox = Sandbox::start_with(ours, others, &command(words));
    let desktop = WineDesktop::reference();
    for (name, folder) in others {
        if let Some(desktop) = &desktop {
            desktop.link(name, folder);
        }
    }
    let mut wine = desktop.as_ref().map(|desktop| OnWine::start(desktop, theirs, Path::new(words[0]), &words[1..]));
    play(script, steps, &mut sandbox, wine.as_mut().map(|wine| wine as _))
}

/// The same where nothing is written, or what Wine's side writes is of no interest.
fn with_program(script: &str, words: &[&str], steps: &[Step<'_>], folder: &Path) -> Vec<Compared> {
    let theirs = tempfile::tempdir().unwrap();
    play_both(script, words, steps, (folder, theirs.path()), &[])
}
