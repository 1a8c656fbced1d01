//! A desktop in a browser.

use super::*;

#[test]
fn a_page_in_a_browser_shows_the_desktop_drives_it_and_shares_the_clipboard() {
    let Some(mut browser) = Browser::start() else { return };
    let place = Place::with(&["--clipboard", "both"]);
    place.start("clip", "Clip", "");
    let link = place.raw(&["view", "s"])["Link"].as_str().unwrap().to_owned();
    let origin = link.rsplit_once('/').unwrap().0;
    let allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    browser.call("Browser.grantPermissions", serde_json::json!({"permissions": allowed, "origin": origin}));
    browser.go(&link);
    until("the page shows the program", || {
        let shown =
            |picture: Picture| picture.get_pixel(300, 300).0 == [255; 3] && is_background(picture.get_pixel(900, 600));
        browser.picture().is_some_and(shown)
    });
    assert_eq!(place.screenshot().dimensions(), (1000, 700), "the desktop is as large as the page");
    browser.click(150, 200, "left");
    place.titled("clicked at 50,50");
    browser.key("KeyC", "c", 0, &[]);
    place.titled("copied text");
    until("it is on the browser's clipboard", || browser.says("navigator.clipboard.readText()") == "sandboxed é\nline");
    browser.says("navigator.clipboard.writeText('from a browser ä')");
    let paste = |browser: &mut Browser| {
        for (code, key, down) in [
            ("ControlLeft", "Control", true),
            ("KeyV", "v", true),
            ("KeyV", "v", false),
            ("ControlLeft", "Control", false),
        ] {
            let kind = if down { "rawKeyDown" } else { "keyUp" };
            let commands = if down && key == "v" { vec!["paste"] } else { vec![] };
            let pressed = serde_json::json!({"type": kind, "code": code, "key": key, "modifiers": 2, "commands": commands,
                "windowsVirtualKeyCode": if key == "v" { 86 } else { 17 }});
            browser.call("Input.dispatchKeyEvent", pressed);
        }
    };
    paste(&mut browser);
    place.titled("pasted from a browser ä");
    // Images likewise.
    browser.key("KeyB", "b", 0, &[]);
    place.titled("copied image");
    let image =
        "navigator.clipboard.read().then(all => all[0].getType('image/png')).then(createImageBitmap).then(image => {
        const context = new OffscreenCanvas(3, 2).getContext('2d');
        context.drawImage(image, 0, 0);
        return [image.width, image.height, ...context.getImageData(0, 0, 1, 2).data].join(' ');
    })";
    until("the image is on the browser's clipboard", || browser.says(image) == "3 2 255 128 0 255 17 34 51 255");
    let written = "(async () => {
        const canvas = new OffscreenCanvas(5, 4), context = canvas.getContext('2d');
        context.fillStyle = '#0a141e';
        context.fillRect(0, 0, 5, 4);
        await navigator.clipboard.write([new ClipboardItem({ 'image/png': await canvas.convertToBlob() })]);
        return 'written';
    })()";
    assert_eq!(browser.says(written), "written");
    paste(&mut browser);
    place.titled("nothing to paste");
    browser.key("KeyW", "w", 0, &[]);
    place.titled("image 5x4 1e140a");
    // The link was good for once.
    browser.go(&link);
    until("the link was used", || {
        browser.says("document.body.textContent").as_str().is_some_and(|text| text.contains("used already"))
    });
}

#[test]
fn files_that_are_dropped_on_the_page_come_to_the_program_where_the_policy_says_so() {
    for (way, goes_in) in [("in", true), ("out", false)] {
        let Some(mut browser) = Browser::start() else { return };
        let place = Place::with(&["--clipboard", way]);
        place.start("clip", "Clip", "");
        let link = place.raw(&["view", "s"])["Link"].as_str().unwrap().to_owned();
        browser.go(&link);
        until("the page shows the program", || {
            browser.picture().is_some_and(|picture| picture.get_pixel(300, 300).0 == [255; 3])
        });
        assert_eq!(place.title_after("t"), "takes files");
        std::fs::create_dir_all(place.path("mine/folder")).unwrap();
        std::fs::write(place.path("mine/folder/deep.txt"), "deep").unwrap();
        let long: Vec<u8> = (0..700_000u32).map(|at| (at / 251) as u8).collect();
        std::fs::write(place.path("mine/a näme.bin"), &long).unwrap();
        let files = [place.path("mine/a näme.bin"), place.path("mine/folder")];
        let data = serde_json::json!({"items": [], "files": files, "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            browser
                .call("Input.dispatchDragEvent", serde_json::json!({"type": kind, "x": 150, "y": 200, "data": data}));
        }
        if goes_in {
            place.titled(&format!(
                "2 files {} folder\\ at 50,50 of the client area",
                clipboard::told_of("a näme.bin", &long)
            ));
        } else {
            until("the page says why not", || {
                browser
                    .says("document.getElementById('said').textContent")
                    .as_str()
                    .is_some_and(|text| text.contains("--clipboard in"))
            });
            assert_eq!(place.title_after("t"), "takes files");
        }
    }
}

/// Says something to a server of pages; what it answers.
fn ask(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The next message of a WebSocket (RFC 6455, 5.2: a server's are not masked).
fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let length = match head[1] {
        126 => {
            let mut two = [0; 2];
            stream.read_exact(&mut two).unwrap();
            u16::from_be_bytes(two).into()
        }
        127 => {
            let mut eight = [0; 8];
            stream.read_exact(&mut eight).unwrap();
            u64::from_be_bytes(eight)
        }
        length => length.into(),
    };
    assert!(head[0] == 0x82 && length < 1 << 24, "{head:?}");
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_browser_is_shown_the_desktop_by_a_link_that_is_used_once() {
    let place = Place::new();
    let link = place.raw(&["view", "s"])["Link"].as_str().unwrap().to_owned();
    let (host, secret) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let to: SocketAddr = host.parse().unwrap();
    let get =
        |path: &str, host: &str, more: &str| ask(to, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"));
    assert!(get("", host, "").starts_with("HTTP/1.1 404"));
    assert!(get(secret, "evil.example", "").starts_with("HTTP/1.1 400"), "a name that leads here is refused");
    let page = get(secret, host, "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Content-Security-Policy"), "{page}");
    assert!(get(secret, host, "").starts_with("HTTP/1.1 404"), "it was used");
    let (_, rest) = page.split_once("${location.host}/").unwrap();
    let socket = &rest[..32];
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let foreign = format!("{upgrade}Origin: http://evil.example\r\n");
    assert!(get(socket, host, &foreign).starts_with("HTTP/1.1 404"), "another's page is refused");
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET /{socket} HTTP/1.1\r\nHost: {host}\r\n{upgrade}Origin: http://{host}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    // The answer that RFC 6455 has for this key.
    assert!(head.contains("101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let half = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let first = message(&mut stream);
    assert_eq!((first[0], half(&first, 2), half(&first, 4)), (1, 1024, 768));
    let mut shown = 0;
    while shown < 1024 * 768 {
        let part = message(&mut stream);
        assert_eq!(part[0], 2);
        assert!(
            part[12..]
                .chunks_exact(4)
                .all(|pixel| is_background(&Rgb([pixel[0], pixel[1], pixel[2]])) && pixel[3] == 255)
        );
        shown += (part.len() - 12) / 4;
    }
    // A resize, masked with zeros as a client may.
    let mut resize = vec![0x82, 0x80 | 10, 0, 0, 0, 0, 6, 0];
    resize.extend(640u32.to_le_bytes());
    resize.extend(480u32.to_le_bytes());
    stream.write_all(&resize).unwrap();
    until("the desktop has the page's size", || place.screenshot().dimensions() == (640, 480));
    // What is no message ends this connection alone.
    stream.write_all(&[0x82, 0x81, 0, 0, 0, 0, 99]).unwrap();
    until("the page was sent away", || place.logs().contains("it says what is no message"));
    assert_eq!(place.screenshot().dimensions(), (640, 480));
}
