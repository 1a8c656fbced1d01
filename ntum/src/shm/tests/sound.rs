//! Voices, with a process that is killed at every single store.

use super::waits::Sandbox;
use super::{WORDS, killed_after, memory};
use crate::shm::user::sound::RING;
use crate::status::STATUS_INSUFFICIENT_RESOURCES;

#[test]
fn what_is_played_is_there_while_somebody_listens() {
    let sandbox = Sandbox { words: memory(WORDS * 16), ..Sandbox::new() };
    let (a, b, c) = (sandbox.join(1), sandbox.join(2), sandbox.join(3));
    assert!(!a.shm.sound_is_heard());
    assert_eq!(a.shm.begin().add_voice(a.record), Err(STATUS_INSUFFICIENT_RESOURCES), "nobody listens");
    let mut tx = b.shm.begin();
    tx.attach_sound(b.record).unwrap();
    tx.attach_sound(c.record).unwrap();
    tx.commit().unwrap();
    let mut tx = a.shm.begin();
    let voice = tx.add_voice(a.record).unwrap();
    tx.commit().unwrap();
    let before = b.shm.sound_sequence();
    // More than there is room for: the last frames are there.
    let frames: Vec<u32> = (0..RING + 10).map(|at| at | 0xffff_0000).collect();
    a.shm.play(voice, &frames);
    assert_ne!(b.shm.sound_sequence(), before);
    let tx = b.shm.begin();
    let [one] = tx.voices()[..] else { panic!("there is one") };
    assert_eq!((one.record, one.written), (voice, RING + 10));
    let last: Vec<[i16; 2]> = tx.frames_of(one, RING + 8, 2).collect();
    assert_eq!(last, [[RING as i16 + 8, -1], [RING as i16 + 9, -1]]);
    drop(tx);
    // There are no more than there may be.
    let mut tx = a.shm.begin();
    let more = (0..100).take_while(|_| tx.add_voice(a.record).is_ok()).count();
    assert_eq!(more, 63);
    tx.commit().unwrap();
    let mut tx = b.shm.begin();
    tx.drop_voice(voice);
    // One that is gone, and one that never was.
    tx.drop_voice(voice);
    tx.drop_voice(5);
    assert_eq!(tx.voices().len(), 63);
    // The second does not listen in the first one's place until it says so.
    tx.sound_loses(c.record);
    tx.commit().unwrap();
    assert!(a.shm.sound_is_heard());
    let mut tx = b.shm.begin();
    tx.sound_loses(b.record);
    tx.commit().unwrap();
    assert!(!a.shm.sound_is_heard());
}

#[test]
fn a_process_killed_at_any_store_leaves_no_voice() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let mut tx = a.shm.begin();
        tx.attach_sound(a.record).unwrap();
        tx.commit().unwrap();
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            tx.attach_sound(b.record).unwrap();
            let voice = tx.add_voice(b.record).unwrap();
            tx.commit().unwrap();
            shm.play(voice, &[1, 2, 3]);
            let mut tx = shm.begin();
            let other = tx.add_voice(b.record).unwrap();
            tx.drop_voice(voice);
            tx.commit().unwrap();
            shm.play(other, &[4]);
        });
        sandbox.kill(&a, &b);
        let mut tx = a.shm.begin();
        assert_eq!(tx.voices(), [], "after {stores} stores");
        assert!(tx.add_voice(a.record).is_ok());
        drop(tx);
        assert!(a.shm.sound_is_heard());
        if !killed {
            break;
        }
    }
}

#[test]
fn a_listener_killed_at_any_store_is_none() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            tx.attach_sound(b.record).unwrap();
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        assert!(!a.shm.sound_is_heard(), "after {stores} stores");
        if !killed {
            break;
        }
    }
}
