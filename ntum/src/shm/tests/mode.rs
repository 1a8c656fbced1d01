//! How the screen is set, with a member that is killed at every single store.

use super::killed_after;
use super::user::{desktop, queue, window};
use super::waits::Sandbox;
use crate::shm::user::mode::{DISPLAY_CHANGE, Mode};
use crate::shm::user::window::field;

#[test]
fn a_screen_is_as_it_is_kept_when_who_set_it_is_killed() {
    let game = Mode { width: 640, height: 480, depth: 16 };
    let kept = Mode { width: 800, height: 600, depth: 32 };
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (a, b) = (sandbox.join(1), sandbox.join(2));
        let (top, mine) = (desktop(&a), queue(&a, 4));
        let (_, handle) = window(&a, mine, top);
        let mut tx = a.shm.begin();
        tx.keep_mode(kept).unwrap();
        tx.set_screen_mode(kept, 0).unwrap();
        tx.commit().unwrap();
        let killed = killed_after(&b.shm, stores, |shm| {
            let mut tx = shm.begin();
            assert!(tx.set_screen_mode(game, shm.me()).unwrap());
            tx.commit().unwrap();
        });
        sandbox.kill(&a, &b);
        assert_eq!(a.shm.screen_mode(), kept, "after {stores} stores");
        let mut tx = a.shm.begin();
        assert_eq!(tx.window_rect(top, field::WINDOW_RECT), kept.rect(), "after {stores} stores");
        let told = tx.take_posted(mine, true, |_, _| true);
        if !killed {
            let (told, _) = told.unwrap();
            assert_eq!((told.window, told.number), (handle, DISPLAY_CHANGE));
            break;
        }
    }
}
