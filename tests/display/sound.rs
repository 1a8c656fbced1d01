//! What programs play, for who listens.

use super::*;

/// What is heard: frames of two samples.
fn frames(bytes: &[u8]) -> Vec<[i16; 2]> {
    let frame = |bytes: &[u8; 4]| [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(i16::from_le_bytes);
    bytes.as_chunks::<4>().0.iter().map(frame).collect()
}

/// Frames from one passage from below zero to above it to the next on a side, as most of them are: gaps that a busy machine makes do not count.
fn wave_length(frames: &[[i16; 2]], side: usize) -> usize {
    let rises = (1..frames.len()).filter(|at| frames[at - 1][side] < 0 && frames[*at][side] >= 0);
    let rises: Vec<usize> = rises.collect();
    let mut lengths: Vec<usize> = rises.windows(2).map(|two| two[1] - two[0]).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

/// Whether it is 440 Hz on the left and 1000 Hz on the right, of 48,000 frames a second.
fn is_the_tone(frames: &[[i16; 2]]) -> bool {
    (108..=110).contains(&wave_length(frames, 0)) && (47..=49).contains(&wave_length(frames, 1))
}

#[test]
fn what_programs_play_is_mixed_for_who_listens_and_told_nobody_else() {
    let place = Place::new();
    std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
    let play = |how: &str, seconds: &str| {
        let words = ["exec", "s", "--", "C:\\app\\sound.exe", how, seconds];
        let said = place.secmon(&words).run().success().lines();
        assert_eq!(said.lines().filter(|line| *line == "played").count(), if how == "mixed" { 2 } else { 1 });
    };
    let mut deaf = desktop(&place);
    let mut ears = [desktop(&place), desktop(&place)];
    for ear in &mut ears {
        ear.tell(&Input::SoundWatch(true)).unwrap();
        ear.idle(Duration::from_secs(30)).unwrap();
    }
    play("mixed", "2");
    let told = |ear: &mut Desktop| {
        ear.tell(&Input::AwaitIdle(77)).unwrap();
        let mut heard = Vec::new();
        loop {
            match ear.hear(Instant::now() + Duration::from_secs(60)).unwrap() {
                Notice::Sound(bytes) => heard.extend(frames(&bytes)),
                Notice::Idle(77) => return heard,
                _ => {}
            }
        }
    };
    for ear in &mut ears {
        let heard = told(ear);
        assert!(heard.len() > 48000, "{}", heard.len());
        assert!(is_the_tone(&heard), "{} {}", wave_length(&heard, 0), wave_length(&heard, 1));
    }
    assert!(told(&mut deaf).is_empty());
    // Who wants to hear no more hears nothing; the other goes on, though the one before was there first.
    let [mut first, mut second] = ears;
    first.tell(&Input::SoundWatch(false)).unwrap();
    first.idle(Duration::from_secs(30)).unwrap();
    play("tone", "1");
    assert!(told(&mut first).is_empty());
    assert!(is_the_tone(&told(&mut second)));
    // With nobody there it plays all the same.
    drop((first, second));
    play("tone", "1");
}

#[test]
fn a_client_hears_what_programs_play_where_the_policy_says_so() {
    let Some(screen) = Screen::start() else { return };
    for granted in [true, false] {
        let place = Place::with(if granted { &["--sound"] } else { &[] });
        std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
        // Its plays into nothing, and says what it played.
        let to = place.connect();
        let more = ["/size:800x600", "/bpp:32", "/sound:sys:fake", "/log-level:DEBUG"];
        let said = std::fs::File::create(place.path("said")).unwrap();
        let mut client = rdp_command(&screen, &to, &to.password, &more);
        let _client = Rdp(client.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap());
        until("the client is there", || place.screenshot().dimensions() == (800, 600));
        let heard = || {
            let said = std::fs::read_to_string(place.path("said")).unwrap_or_default();
            let size = |line: &str| line.split_once(" Wave: ")?.1.split_once("size: ")?.1.trim().parse::<usize>().ok();
            said.lines().filter_map(size).sum::<usize>()
        };
        let play = || {
            let outcome = place.secmon(&["exec", "s", "--", "C:\\app\\sound.exe", "tone", "2"]).run().success();
            assert_eq!(outcome.lines().trim(), "played");
        };
        play();
        if granted {
            // Its channel may have been on its way yet; on a busy machine something is left out.
            until("a second is heard", || {
                let enough = heard() >= 48000 * 4;
                if !enough {
                    play();
                }
                enough
            });
        } else {
            assert_eq!(heard(), 0);
        }
    }
}

#[test]
fn a_page_in_a_browser_plays_what_programs_play_once_it_was_touched() {
    for granted in [true, false] {
        let Some(mut browser) = Browser::start() else { return };
        let place = Place::with(if granted { &["--sound"] } else { &[] });
        std::fs::copy(guest::program("sound"), place.path("app/sound.exe")).unwrap();
        browser.go(place.raw(&["view", "s"])["Link"].as_str().unwrap());
        until("the page shows the desktop", || {
            browser.picture().is_some_and(|picture| is_background(picture.get_pixel(300, 300)))
        });
        let noted = "heard = []; { const before = hear; hear = samples => { heard.push(...samples); before(samples); }; } 'noted'";
        assert_eq!(browser.says(&format!("globalThis.{noted}")), "noted");
        let play = || {
            let outcome = place.secmon(&["exec", "s", "--", "C:\\app\\sound.exe", "tone", "2"]).run().success();
            assert_eq!(outcome.lines().trim(), "played");
        };
        play();
        assert_eq!(browser.says("heard.length"), 0, "nobody has touched the page");
        browser.click(300, 300, "left");
        play();
        if !granted {
            assert_eq!(browser.says("heard.length + (speaker ? 1 : 0)"), 0);
            continue;
        }
        until("a second is heard", || {
            let enough = browser.says("heard.length >= 96000") == true;
            if !enough {
                play();
            }
            enough
        });
        let heard = browser.says("heard.slice(0, 96000).join(' ')");
        let samples: Vec<i16> = heard.as_str().unwrap().split(' ').map(|sample| sample.parse().unwrap()).collect();
        let heard: Vec<[i16; 2]> = samples.as_chunks::<2>().0.to_vec();
        assert!(is_the_tone(&heard), "{} {}", wave_length(&heard, 0), wave_length(&heard, 1));
        assert_eq!(browser.says("speaker.state + (ahead > 0)"), "runningtrue");
    }
}
