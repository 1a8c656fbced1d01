//! Drive C in layers: opening through them beside a mounted folder, and a folder of 100,000 files beside `ls -U`.

use super::{Row, native, wine};
use portcullis::{guest, product, target};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Files that are listed.
const LISTED: usize = 100_000;
/// Files that are opened, read and closed, one after the other.
const OPENED: usize = 2_000;
/// Rounds of each, in turn; the least counts.
const ROUNDS: usize = 5;

/// The last number that a run of the program prints.
fn last(command: &mut Command) -> Option<f64> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().last()?.parse().ok()
}

fn fill(folder: &Path, count: usize) {
    fs::create_dir_all(folder).expect("a folder");
    (0..count).for_each(|number| fs::write(folder.join(format!("f{number}")), "sixteen bytes of").expect("written"));
}

/// The least of some values.
fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::min)
}

/// The rows.
///
/// # Panics
/// If files cannot be made.
pub fn rows() -> Vec<Row> {
    product::image();
    let program = guest::program("folder");
    let scratch = tempfile::tempdir_in(target("bench")).expect("a folder");
    let (many, few) = (scratch.path().join("many"), scratch.path().join("few"));
    fill(&many, LISTED);
    fill(&few, OPENED);
    let state = scratch.path().join("state");
    let secmon = |options: &[&str], words: &[&str]| {
        let mut command = Command::new(product::secmon());
        command.env("PORTCULLIS_STATE", &state).arg("run").args(options).arg(&program).args(words);
        command
    };
    let mount = |folder: &Path| format!("--mount={}=Z:\\data", folder.display());
    // The same files, made by a program on its drive C.
    let opened = OPENED.to_string();
    let made = secmon(&["--persist=bench"], &["fill", "C:\\data", &opened]).status();
    assert!(made.is_ok_and(|made| made.success()), "the layer is filled");
    let source = target("bench").join("listing.c");
    fs::write(&source, LISTING).expect("written");
    let floor = native(&source, "listing");

    let mut times: [Vec<f64>; 9] = Default::default();
    for _ in 0..ROUNDS {
        let runs = [
            last(&mut secmon(&[&mount(&few)], &["open", "Z:\\data", &opened])),
            last(&mut secmon(&["--persist=bench"], &["open", "C:\\data", &opened])),
            last(Command::new(&floor).arg("open").arg(&few).arg(&opened)),
            last(&mut secmon(&[&mount(&many)], &["names", "Z:\\data"])),
            last(&mut secmon(&[&mount(&many)], &["list", "Z:\\data"])),
            wine(&program).and_then(|mut wine| last(wine.arg("names").arg(format!("Z:{}", many.display())))),
            wine(&program).and_then(|mut wine| last(wine.arg("list").arg(format!("Z:{}", many.display())))),
            last(Command::new(&floor).arg("list").arg(&many)),
            {
                let begun = Instant::now();
                let done = Command::new("ls").arg("-U").arg(&many).stdout(Stdio::null()).status();
                done.is_ok_and(|done| done.success()).then(|| begun.elapsed().as_secs_f64() * 1e6)
            },
        ];
        times.iter_mut().zip(runs).for_each(|(times, run)| times.extend(run));
    }
    let row = |name: &str, unit, ours: &[f64], wine, linux: &[f64], scale: f64| Row {
        name: name.into(),
        unit,
        ours: least(ours).map(|value| value / scale),
        wine,
        linux: least(linux).map(|value| value / scale),
    };
    let [mounted, layered, open, named, listed, named_by_wine, by_wine, listing, ls] = &times;
    vec![
        row("open + read + close on a mount", "us", mounted, None, open, 1.0),
        // The peer here is the same on a mount: what the layers add.
        row("the same on a layer, beside a mount", "us", layered, None, mounted, 1.0),
        row("names of 100,000 files, ls -U", "ms", named, least(named_by_wine).map(|value| value / 1e3), ls, 1e3),
        row("with attributes, readdir + stat", "ms", listed, least(by_wine).map(|value| value / 1e3), listing, 1e3),
    ]
}

/// What the program does, as a Linux program would.
const LISTING: &str = r#"
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e6 + t.tv_nsec / 1e3; }
int main(int argc, char **argv) {
    if (argc < 3) return 99;
    double begun = now();
    if (!strcmp(argv[1], "list")) {
        DIR *folder = opendir(argv[2]);
        struct dirent *entry;
        struct stat of;
        unsigned count = 0;
        while (folder && (entry = readdir(folder))) count += !fstatat(dirfd(folder), entry->d_name, &of, AT_SYMLINK_NOFOLLOW);
        printf("%u %.1f\n", count, now() - begun);
        return 0;
    }
    int count = atoi(argv[3]);
    char path[4096], data[4096];
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/f%d", argv[2], i);
        int file = open(path, O_RDONLY);
        if (file < 0 || read(file, data, sizeof data) < 0) return 1;
        close(file);
    }
    printf("%d %.3f\n", count, (now() - begun) / count);
    return 0;
}
"#;
