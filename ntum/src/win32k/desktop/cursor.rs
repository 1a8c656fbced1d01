//! Tells what the pointer looks like, and where a program put it.

use super::link::Link;
use crate::shm::Shm;
use crate::shm::user::icon::{ARROW, Picture};
use crate::status::Nt;
use shim_abi::display::{Cursor, MAX_CURSOR, Notice};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a client may take to say that its pointer is where it was told to put it.
const ECHO: Duration = Duration::from_secs(1);
/// Most places that are kept of each kind.
const MOST: usize = 64;

/// Where the client's pointer was and is to be: what comes from there is not told there, and the other way round.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// What the client said and the cursor has not been seen at, the oldest first.
    said: VecDeque<(i32, i32)>,
    /// What the client was told, and when, in nanoseconds.
    told: VecDeque<((i32, i32), u64)>,
}

impl Places {
    /// The client says where its pointer is; answers whether somebody moved it. A client that can put it somewhere says so afterwards as if it
    /// had been moved: programs that put the cursor back all the time would take that for the next movement.
    pub(super) fn heard(&mut self, place: (i32, i32), now: u64) -> bool {
        self.told.retain(|(_, at)| Duration::from_nanos(now.saturating_sub(*at)) < ECHO);
        if let Some(echo) = self.told.iter().position(|(told, _)| *told == place) {
            self.told.drain(..=echo);
            return false;
        }
        if self.said.len() >= MOST {
            self.said.pop_front();
        }
        self.said.push_back(place);
        true
    }

    /// The cursor is somewhere else; answers whether the client is to be told. Where it was itself a moment ago it would be dragged back to.
    fn seen(&mut self, place: (i32, i32), now: u64) -> bool {
        if let Some(known) = self.said.iter().position(|said| *said == place) {
            self.said.drain(..=known);
            return false;
        }
        self.said.clear();
        if self.told.len() >= MOST {
            self.told.pop_front();
        }
        self.told.push_back((place, now));
        true
    }
}

/// What the client was told.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    place: Option<(i32, i32)>,
    shown: (u32, u32),
}

impl Pointer {
    /// Tells what is new.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&mut self, shm: &'static Shm, link: &Link) -> Nt<()> {
        let tx = shm.begin();
        let (place, shown) = (tx.cursor_place(), tx.shown_cursor());
        let picture = match shown {
            same if same == self.shown => None,
            (ARROW, _) => Some(arrow()),
            (other, _) => tx.cursor_picture(other),
        };
        drop(tx);
        let moved = self.place.is_some_and(|known| known != place);
        if moved && link.places.lock().seen(place, link.now()) {
            link.tell(&Notice::CursorAt(place))?;
        }
        self.place = Some(place);
        if shown != self.shown {
            self.shown = shown;
            let fits = picture.filter(|picture| picture.width <= MAX_CURSOR && picture.height <= MAX_CURSOR);
            let cursor = match fits {
                Some(picture) => {
                    let inside = |at: i32, size: u32| (at.max(0) as u32).min(size.saturating_sub(1));
                    let hot = (inside(picture.point.0, picture.width), inside(picture.point.1, picture.height));
                    Cursor { hot, size: (picture.width, picture.height), pixels: picture.pixels }
                }
                None if shown.0 == 0 => Cursor { hot: (0, 0), size: (0, 0), pixels: Vec::new() },
                // Of one that nobody knows the looks of, the one before will do.
                None => return Ok(()),
            };
            link.tell(&Notice::Cursor(cursor))?;
        }
        Ok(())
    }
}

/// The arrow, row by row: black and white.
const ARROW_ROWS: [&str; 19] = [
    "#",
    "##",
    "#.#",
    "#..#",
    "#...#",
    "#....#",
    "#.....#",
    "#......#",
    "#.......#",
    "#........#",
    "#.....#####",
    "#..#..#",
    "#.# #..#",
    "##  #..#",
    "#    #..#",
    "     #..#",
    "      #..#",
    "      #..#",
    "       ##",
];

fn arrow() -> Picture {
    const WIDTH: usize = 11;
    let row = |row: &&str| {
        let mut pixels = [[0; 4]; WIDTH];
        for (pixel, sign) in pixels.iter_mut().zip(row.bytes()) {
            *pixel = match sign {
                b'#' => [0, 0, 0, 255],
                b'.' => [255; 4],
                _ => [0; 4],
            };
        }
        pixels.concat()
    };
    let pixels = ARROW_ROWS.iter().flat_map(row).collect();
    Picture { width: WIDTH as u32, height: ARROW_ROWS.len() as u32, point: (0, 0), pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_not_told_where_it_was_moved_itself() {
        let mut places = Places::default();
        for place in [(1, 1), (2, 2), (3, 3)] {
            assert!(places.heard(place, 0));
        }
        // The cursor follows, and not every place is seen.
        assert!(!places.seen((2, 2), 0));
        assert!(!places.seen((3, 3), 0));
        // A program has it elsewhere, and then where the pointer was at first.
        assert!(places.seen((9, 9), 0));
        assert!(places.seen((3, 3), 0));
    }

    #[test]
    fn a_pointer_that_was_put_somewhere_has_not_moved() {
        let mut places = Places::default();
        assert!(places.seen((5, 5), 0));
        assert!(places.seen((6, 6), 0));
        assert!(places.heard((4, 4), 1));
        assert!(!places.heard((6, 6), 2));
        // It was said once, so this is somebody's hand.
        assert!(places.heard((6, 6), 3));
        assert!(places.seen((7, 7), 3));
        assert!(places.heard((7, 7), 3 + ECHO.as_nanos() as u64));
    }

    #[test]
    fn what_nobody_answers_is_forgotten() {
        let mut places = Places::default();
        for place in 0..1000 {
            assert!(places.heard((place, 0), 0));
        }
        assert_eq!(places.said.len(), MOST);
        for place in 0..1000 {
            assert!(places.seen((place, 1), 0));
        }
        assert_eq!((places.told.len(), places.said.len()), (MOST, 0));
    }
}
