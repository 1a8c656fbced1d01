//! Tells what the pointer looks like, and where a program put it.

use super::link::Link;
use crate::shm::Shm;
use crate::shm::user::icon::{ARROW, Picture};
use crate::status::Nt;
use shim_abi::display::{Cursor, MAX_CURSOR, Notice};

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
        if self.place.is_some_and(|known| known != place) {
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
