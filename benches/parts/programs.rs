//! Real programs beside their Linux twins, on input made here.

use super::{Make, Row, in_turn, wine};
use portcullis::{product, programs};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Bytes to pack.
const BYTES: usize = 100 << 20;
/// Files to search.
const FILES: usize = 20_000;

/// Text that packs like text: words in an order that a small generator gives.
fn words(bytes: usize, mut seed: u64) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 16);
    while text.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (seed >> 33) % 20_000;
        text.extend_from_slice(format!("{word:x}").as_bytes());
        text.push(if seed >> 60 == 0 { b'\n' } else { b' ' });
    }
    text
}

fn sandbox(program: &Path, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(product::secmon());
    command.arg("run").arg("--mount").arg(format!("{}=Z:\\:rw", folder.display()));
    command.args(["--workdir", "Z:\\", "--"]).arg(program).args(args);
    command
}

/// The rows.
///
/// # Panics
/// If the input cannot be made.
pub fn rows() -> Vec<Row> {
    product::image();
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::write(at.join("data.txt"), words(BYTES, 1)).expect("written");
    for index in 0..FILES {
        let below = at.join(format!("tree/{}", index / 200));
        fs::create_dir_all(&below).expect("a folder");
        fs::write(below.join(format!("{index}.txt")), words(2000, index as u64)).expect("written");
    }
    let packer = programs::windows("7za");
    let pack = ["a", "-mx=1", "-bd", "-y", "out.7z", "data.txt"];
    let fresh = || {
        let _ = fs::remove_file(at.join("out.7z"));
    };
    let ours = || {
        fresh();
        sandbox(&packer, at, &pack)
    };
    let peer = || {
        fresh();
        let mut command = wine(&packer).expect("asked before");
        command.args(pack).current_dir(at);
        command
    };
    let packer_twin = programs::linux("7za");
    let linux = || {
        fresh();
        let mut command = Command::new(&packer_twin);
        command.args(pack).current_dir(at);
        command
    };
    let has_wine = wine(&packer).is_some();
    let times = in_turn(3, &[Some(&ours), has_wine.then_some(&peer as Make<'_>), Some(&linux)]);
    let mut rows =
        vec![Row { name: "7za, 100 MB".into(), unit: "ms", ours: times[0], wine: times[1], linux: times[2] }];

    let searcher = programs::windows("rg");
    let search = ["-c", "1f3a", "tree"];
    let ours = || sandbox(&searcher, at, &search);
    let peer = || {
        let mut command = wine(&searcher).expect("asked before");
        command.args(search).current_dir(at);
        command
    };
    let twin = programs::linux("rg");
    let linux = || {
        let mut command = Command::new(&twin);
        command.args(search).current_dir(at);
        command
    };
    let times = in_turn(5, &[Some(&ours), has_wine.then_some(&peer as Make<'_>), Some(&linux)]);
    rows.push(Row { name: "rg, 20,000 files".into(), unit: "ms", ours: times[0], wine: times[1], linux: times[2] });
    rows
}
