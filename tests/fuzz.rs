//! Fuzz targets: what reads bytes from elsewhere, fed with damaged forms of a kept corpus (`tests/corpus/TARGET/`) for a few
//! seconds each. A target must answer, never panic; the input that breaks one is kept under `target/fuzz` and belongs into the
//! corpus with the mend. `PORTCULLIS_FUZZ_SECONDS` sets the time for each target (2).

use portcullis::{repository, target};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A generator of numbers, Marsaglia's xorshift64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Numbers that break lengths, offsets and counts.
const EDGES: [u32; 9] = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// A damaged form of one input, with a piece of another now and then.
fn damage(chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(7) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            2 if at < bytes.len() => bytes[at] = chance.next() as u8,
            3 => {
                let edge = EDGES[chance.below(EDGES.len())].to_le_bytes();
                let end = (at + edge.len()).min(bytes.len());
                bytes[at.min(end)..end].copy_from_slice(&edge[..end - at.min(end)]);
            }
            4 => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len() + 1);
                let count = chance.below(64).min(other.len() - from);
                bytes.splice(at..at, other[from..from + count].iter().copied());
            }
            5 if at < bytes.len() => {
                let end = (at + chance.below(32)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => bytes.insert(at, b"/\\:.*\"=[]{}\0"[chance.below(12)]),
        }
    }
    bytes
}

fn fuzz(name: &str, more: Vec<Vec<u8>>, run: impl Fn(&[u8])) {
    let seconds = std::env::var("PORTCULLIS_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let folder = repository().join("tests/corpus").join(name);
    let mut corpus: Vec<Vec<u8>> = more;
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        corpus.push(fs::read(entry.path()).expect("a file of the corpus"));
    }
    assert!(!corpus.is_empty(), "no corpus for {name}");
    // First the corpus as it is: what once broke a target never does again.
    corpus.iter().for_each(|input| run(input));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut chance = Chance(now.as_nanos() as u64 | 1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0u64;
    while Instant::now() < end {
        let input = damage(&mut chance, &corpus);
        if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
            let kept = target("fuzz").join(format!("{name}-{:016x}", chance.0));
            let _ = fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")));
            let _ = fs::write(&kept, &input);
            panic!("{name} panicked after {count} inputs; the input is {}", kept.display());
        }
        count += 1;
    }
    println!("{name}: {count} inputs in {seconds} s, corpus of {}", corpus.len());
}

#[test]
fn wire() {
    use shim_abi::calls::*;
    use shim_abi::stream::{Disposition, Expect, Identity};
    use shim_abi::wire::{self, decode, split_request};
    let open = StreamOpen {
        uri: "file:C:/app/a b.txt".into(),
        access: 3,
        disposition: Disposition::OpenOrCreate,
        expect: Expect::File,
        attributes: 0x20,
    };
    let rename = StreamRename {
        from: "file:C:/a".into(),
        identity: Identity { volume: 1, number: 2 },
        to: "file:C:/b".into(),
        replace: true,
        link: false,
    };
    let seeds = vec![
        wire::request(&open).expect("fits"),
        wire::request(&rename).expect("fits"),
        wire::request(&ProcessReport { status: 5, message: "x".repeat(300) }).expect("fits"),
    ];
    fuzz("wire", seeds, |bytes| {
        let Ok((_, fields)) = split_request(bytes) else { return };
        let _ = (decode::<StreamOpen>(fields), decode::<StreamRename>(fields), decode::<StreamSetAttributes>(fields));
        let _ = (decode::<ProcessReport>(fields), decode::<Listing>(fields), decode::<shim_abi::boot::Boot>(fields));
    });
}

/// What a desktop hears from a client, and a client from a desktop.
#[test]
fn display() {
    use shim_abi::display::*;
    let area = Area { left: 1, top: 2, right: 300, bottom: 400 };
    let window = Window {
        handle: 0x10020,
        parent: 0,
        owner: 0x10022,
        class: "Notepad".into(),
        title: "Untitled".into(),
        place: area.clone(),
        client: area.clone(),
        style: 0x14cf_0000,
        ex_style: 0x100,
        visible: true,
        active: true,
        focus: false,
        process: 32,
        thread: 36,
    };
    let inputs = [
        Input::Key(Key { scan: 30, extended: false, up: false }),
        Input::Resize(Size { width: 800, height: 600 }),
        Input::Button((Button::Left, true)),
        Input::Wheel((-120, true)),
        Input::AwaitIdle(7),
        Input::ClipOffer(vec![Clip::Text, Clip::Image]),
        Input::ClipWanted((1, Clip::Image)),
        Input::ClipData((2, (More::Follow, vec![65; 40]))),
        Input::ClipData((2, (More::Last, vec![66; 40]))),
        Input::FileWanted((3, FileRange { index: 1, offset: 1 << 40, length: 4096 })),
        Input::FileData((4, Some(vec![68; 40]))),
        Input::PointerWanted(5),
        Input::SoundWatch(true),
        Input::Drop(((-1, 5), vec![70; 40])),
    ];
    let notices = [
        Notice::Screen(Size { width: 800, height: 600 }),
        Notice::Frame((1, vec![area])),
        Notice::Cursor(Cursor { hot: (0, 0), size: (2, 1), pixels: vec![0; 8] }),
        Notice::Windows((3, (More::Last, vec![window]))),
        Notice::ClipOffer(vec![Clip::Text]),
        Notice::ClipWanted((4, Clip::Text)),
        Notice::ClipData((5, (More::Last, vec![67; 40]))),
        Notice::FileWanted((6, FileRange { index: 0, offset: 0, length: 1 })),
        Notice::FileData((7, None)),
        Notice::PointerAt((8, (-1, 5))),
        Notice::Sound(vec![69; 80]),
    ];
    let mut seeds: Vec<Vec<u8>> = inputs.iter().map(|input| frame(input).expect("fits")).collect();
    seeds.extend(notices.iter().map(|notice| frame(notice).expect("fits")));
    seeds.push(seeds.concat());
    fuzz("display", seeds, |bytes| {
        let mut desktop = Reader::default();
        desktop.push(bytes);
        let mut clipping = Clipping::default();
        while let Ok(Some(input)) = desktop.take::<Input>() {
            match input {
                Input::Resize(size) => assert!(size.fitted().is_possible()),
                Input::ClipData((tag, (more, part))) => {
                    let whole = clipping.add(tag, more, &part);
                    assert!(whole.is_none_or(|(of, bytes)| of == tag && bytes.len() <= MAX_CLIP));
                }
                _ => {}
            }
        }
        let mut client = Reader::default();
        client.push(bytes);
        while let Ok(Some(notice)) = client.take::<Notice>() {
            match notice {
                Notice::Cursor(cursor) if cursor.is_possible() => {
                    assert!(cursor.pixels.len() <= (MAX_CURSOR * MAX_CURSOR * 4) as usize);
                }
                Notice::Frame((_, areas)) => {
                    let size = Size { width: 800, height: 600 };
                    for (left, top, width, height) in areas.iter().filter_map(|area| area.on(&size)) {
                        assert!(width > 0 && height > 0 && left + width <= 800 && top + height <= 600);
                    }
                }
                _ => {}
            }
        }
    });
}

/// What comes over a sandbox's control socket, as the monitor reads it and as its client does.
#[test]
fn control() {
    use shim_abi::control::*;
    use shim_abi::error::Error;
    use shim_abi::wire::decode;
    let exec = Exec {
        program: "C:\\windows\\system32\\cmd.exe".into(),
        arguments: vec!["cmd.exe".into(), "/c".into(), "ver".into()],
        environment: vec![("A".into(), "b c".into())],
        workdir: "C:\\".into(),
        user: RunAs::System,
        detached: true,
        tree: false,
    };
    let (text, how, status) = ("x".repeat(200), How::Killed, 9);
    let what = What::Ended;
    let told = Notice { what, time: 1, process: 2, pid: 3, maker: 4, how, status, text };
    let seeds = vec![
        request(1, &exec).expect("fits"),
        request(2, &Share { guest: "Z:\\d".into(), host: "/d".into(), writable: true }).expect("fits"),
        request(3, &Signal { process: 7, kind: SignalKind::Break, status: 1 }).expect("fits"),
        reply(4, &Ok(Executed { process: 5, pid: 6 })),
        reply::<End>(5, &Err((Error::NotFound, "there is none".into()))),
        notice(6, &told),
    ];
    fuzz("control", seeds, |bytes| {
        if let Ok((_, _, fields)) = split_request(bytes) {
            let _ = (decode::<Exec>(fields), decode::<Share>(fields), decode::<Unshare>(fields));
            let _ = (decode::<Signal>(fields), decode::<Stop>(fields), decode::<Wait>(fields));
            // What can be read is what would be written.
            if let Ok(read) = decode::<Exec>(fields) {
                assert_eq!(shim_abi::wire::encode(&read), fields);
            }
        }
        if let Ok(message) = split(bytes) {
            let _ = (read_reply::<Description>(message.body), read_reply::<Statistics>(message.body));
            let _ = (read_reply::<End>(message.body), decode::<Notice>(message.body));
        }
    });
}

/// The page beside a lane: any words in it, taken as the monitor and as the picoprocess takes them.
#[test]
fn page() {
    use shim_abi::page::{self, CALL, Page, REPLY, ROOM, Seen, WORDS};
    use std::sync::atomic::{AtomicU64, Ordering};
    let whole = |call: u64, reply: u64, rest: &[u8]| [&call.to_le_bytes()[..], &reply.to_le_bytes(), rest].concat();
    let here = |length: u64| (1 << 32) + length;
    let seeds = vec![
        whole(0, 0, b""),
        whole(1, 1, b"nothing yet"),
        whole(here(9), here(5), b"a request that is cut"),
        whole(here(ROOM as u64), here(ROOM as u64 + 1), b"longest"),
        whole(u64::MAX, 2, b"nonsense"),
    ];
    let words: Page = [const { AtomicU64::new(0) }; WORDS];
    fuzz("page", seeds, |bytes| {
        for (at, chunk) in bytes.chunks(8).enumerate().take(64) {
            let mut raw = [0; 8];
            raw[..chunk.len()].copy_from_slice(chunk);
            let place = [CALL, REPLY].get(at).copied().unwrap_or(REPLY + at);
            words[place].store(u64::from_le_bytes(raw), Ordering::Relaxed);
        }
        let mut copy = Vec::new();
        let found = page::request(&words, &mut copy);
        assert!(copy.len() <= ROOM && (found == Ok(true) || copy.is_empty()));
        // What looks for nothing is not answered here, and what waits is never told that it need not.
        let looked = page::look(&words, &mut copy);
        let waits = words[REPLY].load(Ordering::Relaxed) == 1;
        assert_eq!((looked == Seen::Nothing, page::reply(&words, b"reply")), (waits, waits));
        assert_ne!(page::sleep(&words, &mut copy), Seen::Nothing);
        page::sent(&words);
        page::listen(&words, true);
        assert!(page::ask(&words, b"request", 0) && page::request(&words, &mut copy) == Ok(true));
        assert_eq!(copy, b"request");
    });
}

#[test]
fn uri() {
    let seeds = ["file:C:/a/b.txt", "image:nls/locale.nls", "console:", "log:", "tcp:127.0.0.1:80", "file:Z:/"];
    fuzz("uri", seeds.iter().map(|text| text.as_bytes().to_vec()).collect(), |bytes| {
        let Ok(text) = core::str::from_utf8(bytes) else { return };
        if let Ok(shim_abi::uri::Uri::File { drive, path }) = shim_abi::uri::parse(text) {
            assert!(drive.is_ascii_uppercase() && !path.starts_with('/'), "{text}");
            assert!(path.split('/').all(|part| part != ".." && part != "."), "{text}");
        }
    });
}

#[test]
fn policy() {
    let seed = "memory = \"1G\"\ntimeout = \"10s\"\n[[mount]]\nhost = \"/tmp\"\nguest = 'Z:\\x'\nwritable = true\n[env]\nA = \"b\"\n";
    fuzz("policy", vec![seed.as_bytes().to_vec()], |bytes| {
        if let Ok(text) = core::str::from_utf8(bytes) {
            let _ = secmon::policy::Policy::from_text(text, Path::new("/"));
        }
    });
}

/// The front of a real system DLL: headers, and tables as far as they go.
fn dll(bytes: usize) -> Vec<u8> {
    let file = fs::read(portcullis::product::system_dll("ntdll.dll")).expect("ntdll");
    file[..bytes.min(file.len())].to_vec()
}

#[test]
fn pe() {
    /// The bytes as a file.
    struct File<'a>(&'a [u8]);
    impl ntum::mm::pe::Bytes for File<'_> {
        fn read(&self, offset: u64, length: usize) -> ntum::status::Nt<Vec<u8>> {
            let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
            Ok(rest[..length.min(rest.len())].to_vec())
        }
    }
    fuzz("pe", vec![dll(0x1000)], |bytes| {
        let _ = ntum::mm::pe::parse(&File(bytes), bytes.len() as u64);
    });
}

#[test]
fn exports() {
    fuzz("pe", vec![dll(0x1000), dll(usize::MAX)], |bytes| {
        let _ = ntum::ps::symbols::Symbols::read(bytes, 0x1_7000_0000);
    });
}

#[test]
fn hive() {
    let mut builder = ntum::cm::hive::Builder::new();
    let name: Vec<u16> = "Value".encode_utf16().collect();
    for path in ["Machine\\Software\\A", "Machine\\Software\\b", "User\\S-1-5\\x"] {
        builder.path(path).set(&name, 1, vec![0x41, 0, 0, 0]);
    }
    let seed = builder.bytes().expect("small");
    fuzz("hive", vec![seed], |bytes| {
        let Ok(hive) = ntum::cm::hive::Hive::open(bytes) else { return };
        let _ = hive.find_path("Machine\\Software\\A");
        for number in 0..hive.key_count().min(64) as u32 {
            if let Some(key) = hive.key(number) {
                let _ = (hive.find_value(&key, &name), hive.find_key(&key, &name));
            }
        }
    });
}
