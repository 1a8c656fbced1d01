//! Who says what is damaged, or what he may not.

use super::*;

#[test]
fn what_breaks_the_protocol_loses_its_connection_and_nothing_else() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    // A request for a connection as X.224 has it, and what is no such thing.
    let begin: &[u8] = &[3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..40 {
        let mut bytes = if round % 2 == 0 { begin.to_vec() } else { Vec::new() };
        for _ in 0..round * 50 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            bytes.push(chance as u8);
        }
        if round % 3 == 0 {
            // A message that says that it is as long as can be.
            bytes.splice(0..0, [3, 0, 0xff, 0xff]);
        }
        let mut stream = TcpStream::connect(to.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        // It may be gone before all is said.
        let _ = stream.write_all(&bytes);
        let _ = stream.read(&mut [0; 64]);
    }
    // More than it listens to at a time, which say nothing: they are sent away in time, or give way.
    drop(rdp(&screen, &to, &to.password, &["/size:800x600"]));
    let client = rdp(&screen, &to, &to.password, &["/size:720x540"]);
    until("a client is served", || place.screenshot().dimensions() == (720, 540));
    drop(client);
}

#[test]
fn who_logs_in_with_damaged_words_is_sent_away() {
    let Some(screen) = Screen::start() else { return };
    let place = Place::new();
    let to = place.connect();
    // Undamaged, the first word is answered with a challenge, and nobody's answer to that with the end.
    let mut login = Login::begin(to.address).unwrap();
    let challenge = login.say(&hostile::negotiate()).unwrap();
    assert!(challenge.windows(12).any(|part| part == b"NTLMSSP\0\x02\0\0\0"), "{challenge:?}");
    let end = login.say(&hostile::authenticate());
    assert!(
        end.as_ref().is_ok_and(|answer| !answer.windows(7).any(|part| part == b"NTLMSSP")) || end.is_err(),
        "{end:?}"
    );
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = |sides: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance as usize % sides
    };
    let mut begun = 0;
    for round in 0..120 {
        // One that it still serves may be in its way.
        let Ok(mut login) = Login::begin(to.address) else { continue };
        begun += 1;
        let mut bytes = if round % 2 == 0 { hostile::negotiate() } else { hostile::authenticate() };
        for _ in 0..1 + roll(6) {
            let at = roll(bytes.len());
            bytes[at] = roll(256) as u8;
        }
        match round % 5 {
            0 => bytes.truncate(roll(bytes.len())),
            1 => bytes.extend(vec![0x30; roll(70_000)]),
            _ => {}
        }
        if round % 2 == 1 {
            login.say(&hostile::negotiate()).unwrap();
        }
        login.say_and_leave(&bytes);
    }
    assert!(begun > 60, "{begun} of them were heard");
    let client = rdp(&screen, &to, &to.password, &["/size:720x540"]);
    until("a client is served", || place.screenshot().dimensions() == (720, 540));
    drop(client);
}

#[test]
fn who_talks_to_a_desktop_as_nobody_should_loses_it_alone() {
    let place = Place::new();
    place.show("1");
    // Sizes that no screen has are fitted; keys, buttons and toggles that nobody has do nothing.
    let mut wild = desktop(&place);
    let sizes = [(0, 0), (u32::MAX, u32::MAX), (1, 8192), (8192, 8192), (1024, 768)];
    for (width, height) in sizes {
        wild.tell(&Input::Resize(Size { width, height })).unwrap();
    }
    wild.tell(&Input::Key(Key { scan: 0xffff, extended: true, up: false })).unwrap();
    wild.tell(&Input::Move((i32::MIN, i32::MAX))).unwrap();
    wild.tell(&Input::Wheel((i32::MIN, true))).unwrap();
    wild.tell(&Input::Shown(99)).unwrap();
    wild.tell(&Input::ClipData((7, (More::Last, vec![1; 1000])))).unwrap();
    wild.tell(&Input::ClipWanted((1, Clip::Image))).unwrap();
    // Those of input methods are hidden.
    assert_eq!(wild.windows().unwrap().iter().filter(|window| window.visible).count(), 1);
    assert_eq!(wild.picture().unwrap().size, Size { width: 1024, height: 768 });
    // One that asks and never listens: the desktop waits for it, nobody waits for the desktop.
    let mut deaf = desktop(&place);
    for tag in 0..500 {
        if deaf.tell(&Input::Windows(tag)).is_err() {
            break;
        }
    }
    assert_eq!(place.title_after("x"), "typed 0078");
    // One that looks and never says that it saw: its picture stands still, others' do not.
    let mut blind = desktop(&place);
    blind.tell(&Input::Watch(true)).unwrap();
    assert_eq!(place.title_after("y"), "typed 0079");
    place.screenshot();
    // One that is lost while it holds a button and a key down.
    let mut lost = desktop(&place);
    lost.tell(&Input::Move((150, 200))).unwrap();
    lost.tell(&Input::Button((Button::Left, false))).unwrap();
    place.titled("down at 50,50");
    drop(lost);
    place.titled("up");
    // Nonsense ends the desktop that hears it, and no other.
    let before = place.raw(&["inspect", "s"])["Processes"].as_array().map_or(0, Vec::len);
    assert!(before > 2, "those above");
    drop((wild, deaf, blind));
    until("desktops end with their clients", || {
        place.raw(&["inspect", "s"])["Processes"].as_array().is_some_and(|all| all.len() == 2)
    });
    assert_eq!(place.title_after("z"), "typed 007a");
}

#[test]
fn from_inside_the_jail_there_is_nothing_to_be_had() {
    let outcome: Outcome = Run::new(product::folder().join("portcullis-display")).args(["--attack"]).run();
    assert!(outcome.status == 0, "{outcome:?}");
}
