//! A sandbox's desktop, as who shows it or drives it has it: [`shim_abi::display`]. Nothing that the desktop says is believed further than
//! that it has the form of a message.

use crate::client::{Client, ClientError};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use shim_abi::control::{Exec, RunAs};
use shim_abi::display::{Area, Cursor, FRAMEBUFFER, Input, More, Notice, ROLE, Reader, Size, Window, frame};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Most windows that are taken from a desktop.
const MOST_WINDOWS: usize = 16 * 1024;
/// How long the desktop may take over what needs no program: to begin, to compose, to list windows.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DesktopError {
    /// The monitor does not make one.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The host refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It ended, with the sandbox or by itself.
    #[error("the sandbox's desktop ended")]
    Gone,
    /// It broke the protocol's rules.
    #[error("the sandbox's desktop says something that the protocol does not have")]
    Malformed,
    /// The time was over.
    #[error("the time was over")]
    TimedOut,
}

impl From<nix::errno::Errno> for DesktopError {
    fn from(errno: nix::errno::Errno) -> Self {
        DesktopError::Io(errno.into())
    }
}

/// What a desktop is made with, and what is left in the hands of its client.
pub struct Ends {
    /// The framebuffer: sealed, so that it stays as large as it is.
    pub framebuffer: File,
    /// The connection.
    pub link: UnixStream,
}

/// Has the monitor make a desktop. It ends when the connection does.
///
/// # Errors
/// [`DesktopError`].
pub fn begin(client: &mut Client) -> Result<Ends, DesktopError> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let framebuffer = memfd_create("framebuffer", flags).map_err(io::Error::from)?;
    ftruncate(&framebuffer, FRAMEBUFFER).map_err(io::Error::from)?;
    let seals = SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&framebuffer, seals).map_err(io::Error::from)?;
    let (ours, theirs): (OwnedFd, OwnedFd) =
        socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
    // A large cursor or a list of windows goes through in one piece; more is of no use.
    setsockopt(&theirs, sockopt::SndBuf, &(256 * 1024))?;
    let exec = Exec {
        program: ROLE.into(),
        arguments: vec![ROLE.into()],
        environment: Vec::new(),
        workdir: String::new(),
        user: RunAs::User,
        detached: true,
        tree: false,
    };
    client.ask_with(&exec, &[framebuffer.as_fd(), theirs.as_fd(), theirs.as_fd()])?;
    Ok(Ends { framebuffer: framebuffer.into(), link: ours.into() })
}

/// A desktop.
pub struct Desktop {
    ends: Ends,
    reader: Reader,
    tag: u32,
    /// The screen's size, once it was told.
    size: Option<Size>,
    cursor: Option<Cursor>,
}

/// A picture of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its size.
    pub size: Size,
    /// Its pixels: red, green, blue.
    pub pixels: Vec<u8>,
}

impl Desktop {
    /// Makes one in the sandbox of that monitor.
    ///
    /// # Errors
    /// [`DesktopError`].
    pub fn attach(client: &mut Client) -> Result<Self, DesktopError> {
        Ok(Desktop { ends: begin(client)?, reader: Reader::default(), tag: 0, size: None, cursor: None })
    }

    /// Tells it something.
    ///
    /// # Errors
    /// [`DesktopError::Gone`].
    pub fn tell(&mut self, input: &Input) -> Result<(), DesktopError> {
        let bytes = frame(input).map_err(|_| DesktopError::Malformed)?;
        self.ends.link.write_all(&bytes).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => DesktopError::Gone,
            _ => DesktopError::Io(error),
        })
    }

    /// What it says next.
    ///
    /// # Errors
    /// [`DesktopError`].
    pub fn hear(&mut self, until: Instant) -> Result<Notice, DesktopError> {
        loop {
            if let Some(notice) = self.reader.take::<Notice>().map_err(|_| DesktopError::Malformed)? {
                match &notice {
                    Notice::Screen(size) if size.is_possible() => self.size = Some(size.clone()),
                    Notice::Cursor(cursor) if cursor.is_possible() => self.cursor = Some(cursor.clone()),
                    Notice::Screen(_) | Notice::Cursor(_) => return Err(DesktopError::Malformed),
                    _ => {}
                }
                return Ok(notice);
            }
            let left = until.saturating_duration_since(Instant::now());
            let wait = PollTimeout::try_from(left.saturating_add(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.ends.link.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, wait) {
                Ok(0) => return Err(DesktopError::TimedOut),
                Ok(_) => {}
                Err(nix::errno::Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let mut part = [0; 4096];
            match self.ends.link.read(&mut part) {
                Ok(0) => return Err(DesktopError::Gone),
                Ok(count) => self.reader.push(part.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(DesktopError::Gone),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn next_tag(&mut self) -> u32 {
        self.tag = self.tag.wrapping_add(1);
        self.tag
    }

    /// Waits until every thread with windows waits for messages and has none.
    ///
    /// # Errors
    /// [`DesktopError::TimedOut`] if one does not come to that.
    pub fn idle(&mut self, patience: Duration) -> Result<(), DesktopError> {
        let (tag, until) = (self.next_tag(), Instant::now() + patience);
        self.tell(&Input::AwaitIdle(tag))?;
        while self.hear(until)? != Notice::Idle(tag) {}
        Ok(())
    }

    /// All windows: parents before their children, siblings from top to bottom.
    ///
    /// # Errors
    /// [`DesktopError`].
    pub fn windows(&mut self) -> Result<Vec<Window>, DesktopError> {
        let (tag, until) = (self.next_tag(), Instant::now() + PATIENCE);
        self.tell(&Input::Windows(tag))?;
        let mut all = Vec::new();
        loop {
            if let Notice::Windows((of, (more, part))) = self.hear(until)?
                && of == tag
            {
                all.extend(part);
                if all.len() > MOST_WINDOWS {
                    return Err(DesktopError::Malformed);
                }
                if more == More::Last {
                    return Ok(all);
                }
            }
        }
    }

    /// What is on the screen now.
    ///
    /// # Errors
    /// [`DesktopError`].
    pub fn picture(&mut self) -> Result<Picture, DesktopError> {
        let until = Instant::now() + PATIENCE;
        self.tell(&Input::Watch(true))?;
        let number = loop {
            if let Notice::Frame((number, areas)) = self.hear(until)?
                && let Some(size) = &self.size
                && is_whole(&areas, size)
            {
                break number;
            }
        };
        let size = self.size.clone().ok_or(DesktopError::Malformed)?;
        let mut raw = vec![0; size.width as usize * size.height as usize * 4];
        self.ends.framebuffer.read_exact_at(&mut raw, 0)?;
        self.tell(&Input::Watch(false))?;
        self.tell(&Input::Shown(number))?;
        // Once it has heard of that, another desktop may be the one that programs tell of what they draw, and paint the task bar.
        self.pointer(until)?;
        let pixels = raw.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        Ok(Picture { size, pixels })
    }
}

impl Desktop {
    /// Where the pointer is.
    fn pointer(&mut self, until: Instant) -> Result<(i32, i32), DesktopError> {
        let tag = self.next_tag();
        self.tell(&Input::PointerWanted(tag))?;
        loop {
            if let Notice::PointerAt((of, place)) = self.hear(until)?
                && of == tag
            {
                return Ok(place);
            }
        }
    }

    /// What is on the screen now, with the pointer on it.
    ///
    /// # Errors
    /// [`DesktopError`].
    pub fn picture_with_pointer(&mut self) -> Result<Picture, DesktopError> {
        let mut picture = self.picture()?;
        let place = self.pointer(Instant::now() + PATIENCE)?;
        if let Some(cursor) = &self.cursor {
            draw(&mut picture, cursor, place);
        }
        Ok(picture)
    }
}

/// Draws a pointer that points there.
fn draw(picture: &mut Picture, cursor: &Cursor, place: (i32, i32)) {
    let columns = cursor.size.0.max(1) as usize;
    for (index, pixel) in cursor.pixels.as_chunks::<4>().0.iter().enumerate() {
        let at = |place: i32, hot: u32, offset: usize, side: u32| {
            let at = i64::from(place) - i64::from(hot) + offset as i64;
            u32::try_from(at).ok().filter(|at| *at < side).map(|at| at as usize)
        };
        let (Some(x), Some(y)) = (
            at(place.0, cursor.hot.0, index % columns, picture.size.width),
            at(place.1, cursor.hot.1, index / columns, picture.size.height),
        ) else {
            continue;
        };
        let from = (y * picture.size.width as usize + x) * 3;
        let [blue, green, red, alpha] = *pixel;
        let Some(below) = picture.pixels.get_mut(from..from + 3) else { continue };
        for (below, above) in below.iter_mut().zip([red, green, blue]) {
            let (above, alpha) = (u32::from(above), u32::from(alpha));
            *below = ((above * alpha + u32::from(*below) * (255 - alpha)) / 255) as u8;
        }
    }
}

fn is_whole(areas: &[Area], size: &Size) -> bool {
    areas.iter().any(|area| area.on(size) == Some((0, 0, size.width, size.height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_drawn_where_it_points_and_cut_at_the_edges() {
        let size = Size { width: 3, height: 2 };
        let blank = Picture { size, pixels: vec![100; 18] };
        let pixels = [[1, 2, 3, 255], [9, 9, 9, 0], [0, 0, 0, 128], [0, 0, 0, 128]].concat();
        let cursor = Cursor { hot: (1, 0), size: (2, 2), pixels };
        let mut picture = blank.clone();
        draw(&mut picture, &cursor, (1, 0));
        let row = |pixels: [[u8; 3]; 3]| pixels.concat();
        let below = [row([[3, 2, 1], [100; 3], [100; 3]]), row([[49; 3], [49; 3], [100; 3]])].concat();
        assert_eq!(picture.pixels, below);
        for place in [(-5, 0), (i32::MIN, i32::MAX), (3, 9), (5, 1)] {
            let mut picture = blank.clone();
            draw(&mut picture, &cursor, place);
            assert_eq!(picture, blank);
        }
    }
}
