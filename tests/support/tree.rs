//! Trees of files: made from a seed, and compared by name, size and hash.

use crate::once;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Numbers that look random and are the same each time (xorshift64*).
pub struct Numbers(u64);

impl Numbers {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Numbers(seed | 1)
    }

    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }
}

const WORDS: &[&str] = &[
    "portcullis",
    "monitor",
    "kernel",
    "needle",
    "thread",
    "stream",
    "wait",
    "page",
    "handle",
    "window",
    "the",
    "of",
    "and",
    "pico",
    "process",
    "boundary",
    "größe",
    "naïve",
    "世界",
    "section",
    "view",
    "lock",
    "mount",
    "image",
    "return",
    "value",
];

/// Text of words and numbers, about `size` bytes.
pub fn text(numbers: &mut Numbers, size: usize) -> String {
    let mut text = String::with_capacity(size + 32);
    while text.len() < size {
        text.push_str(WORDS[numbers.below(WORDS.len())]);
        text.push(match numbers.below(12) {
            0 => '\n',
            1 => '\t',
            _ => ' ',
        });
        if numbers.below(9) == 0 {
            text.push_str(&numbers.below(100_000).to_string());
        }
    }
    text.push('\n');
    text
}

/// Writes `files` files in nested folders: text of several sizes, some bytes without order, empty ones, and names in
/// several scripts.
///
/// # Panics
/// If files cannot be written.
pub fn make(top: &Path, files: usize, seed: u64) {
    let mut numbers = Numbers::new(seed);
    for index in 0..files {
        let folder = match index % 7 {
            0 => top.to_path_buf(),
            1..=3 => top.join(format!("src{}", index % 13)),
            4 | 5 => top.join(format!("docs/part {}", index % 11)),
            _ => top.join("deep/er/größer/世界"),
        };
        fs::create_dir_all(&folder).unwrap();
        let size = match index % 10 {
            0 => 0,
            9 => 60_000 + numbers.below(40_000),
            _ => 100 + numbers.below(6000),
        };
        let (name, bytes) = if index % 8 == 5 {
            let bytes = (0..size).map(|_| (numbers.draw() >> 24) as u8).collect();
            (format!("data{index}.bin"), bytes)
        } else {
            (format!("file {index}.txt"), text(&mut numbers, size).into_bytes())
        };
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Every file below a folder, by its path with '/' between names, with its hash.
///
/// # Panics
/// If the folder cannot be read.
pub fn hashes(top: &Path) -> BTreeMap<String, String> {
    fn walk(top: &Path, at: &Path, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, all);
            } else {
                let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
                all.insert(name, once::hash(&fs::read(&path).unwrap()));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(top, top, &mut all);
    all
}
