//! Pages of records that are made here; what programs print is in `tests/guest/paper.c`.

use super::record::Part;
use super::*;
use crate::host::fake::Fake;
use crate::win32k::print::mode::tests::bytes;

fn words(all: &[i32]) -> Vec<u8> {
    all.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn record(kind: u32, body: &[u8]) -> Vec<u8> {
    let size = body.len().next_multiple_of(4);
    let mut all = [&kind.to_le_bytes()[..], &(size as u32 + 8).to_le_bytes(), body].concat();
    all.resize(size + 8, 0);
    all
}

fn document(pages: &[Vec<u8>]) -> Option<Vec<u8>> {
    let (fake, k) = Fake::kernel();
    let t = fake.attach(k);
    let parts: Vec<Part<'_>> = pages.iter().map(|page| Part::Page(page)).collect();
    convert(&Cx { k, t: &t }, "A title", &parts, Printer::of(&bytes())?)
}

/// What the page's stream says.
fn content(document: &[u8]) -> String {
    let find = |from: usize, text: &[u8]| {
        document[from..].windows(text.len()).position(|part| part == text).map(|at| from + at)
    };
    let begin = find(0, b"stream\n").unwrap() + 7;
    let end = find(begin, b"\nendstream").unwrap();
    let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(&document[begin..end]).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn shapes_are_drawn_where_they_are() {
    // A brush of red, no pen, a rectangle; a clip, and a line of the pen that every page begins with.
    let page = [
        record(39, &words(&[1, 0, 0x0000ff, 0])),
        record(37, &words(&[1])),
        record(37, &words(&[i32::MIN + 8])),
        record(43, &words(&[10, 20, 110, 70])),
        record(37, &words(&[i32::MIN + 7])),
        record(30, &words(&[0, 0, 50, 60])),
        record(27, &words(&[1, 2])),
        record(54, &words(&[3, 4])),
        record(54, &words(&[5, 6])),
        record(14, &words(&[0, 0, 20])),
    ]
    .concat();
    let document = document(&[page]).unwrap();
    assert!(document.starts_with(b"%PDF-1.7"));
    let said = content(&document);
    let lines: Vec<&str> = said.lines().collect();
    // 300 dots an inch, margins of 18 points, y up.
    assert!(lines[0].starts_with("0.24 0 0 -0.24 18 "), "{said}");
    let wanted = [
        "1 0 0 rg",
        "10 20 m",
        "110 20 l",
        "110 70 l",
        "10 70 l",
        "h",
        "f*",
        "Q",
        "q",
        "0 0 50 60 re",
        "W",
        "n",
        "0 0 0 RG",
        "1 w",
        "1 J",
        "1 j",
        "10 M",
        "[] 0 d",
        "1 2 m",
        "3 4 l",
        "5 6 l",
        "S",
        "Q",
    ];
    let plain: Vec<String> = lines[2..].iter().map(|line| line.replace("[]0", "[] 0")).collect();
    assert_eq!(plain, wanted);
}

#[test]
fn nothing_printed_is_no_document() {
    assert!(document(&[]).is_none());
    let empty = document(&[Vec::new(), Vec::new()]).unwrap();
    assert!(empty.windows(8).any(|part| part == b"/Count 2"));
}

/// Whatever a record says, and however it is cut off, the page has an end.
#[test]
fn any_records() {
    let mut state = 0x1234_5678_9abc_def0u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..60 {
        let mut page = Vec::new();
        for _ in 0..60 {
            let kind = (random() % 122) as u32 + 1;
            let length = (random() % 60) as usize * 4;
            let body: Vec<u8> = (0..length / 4)
                .flat_map(|_| {
                    // Mostly small numbers, which lead somewhere.
                    let word = random() as u32;
                    match random() % 4 {
                        0 => word,
                        1 => word % 200,
                        2 => (word % 4000).wrapping_sub(2000),
                        _ => f32::to_bits((word % 100) as f32 / 10.0 - 5.0),
                    }
                    .to_le_bytes()
                })
                .collect();
            // Text asks for fonts, of which there are none here.
            page.extend(record(if kind == 84 { 54 } else { kind }, &body));
        }
        assert!(document(&[page]).is_some());
    }
}
