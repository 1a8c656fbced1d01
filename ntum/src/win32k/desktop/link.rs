//! The connection to who shows the desktop: what it says, what it is told, the framebuffer.

use super::cursor::Places;
use super::inject::{self, Pressed};
use crate::host::Stream;
use crate::io::standard;
use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::status::*;
use parking_lot::{Condvar, Mutex};
use shim_abi::display::{FRAMEBUFFER, Input, Notice, Reader, frame};
use shim_abi::wire::Wire;
use std::time::Duration;

/// Most messages that wait to be seen to; a client that says more at once breaks the rules.
const MOST: usize = 1024;

/// How long what follows an offer waits for it: a program may have the clipboard open.
const OFFER: Duration = Duration::from_millis(500);

/// The connection.
pub(super) struct Link {
    k: &'static Kernel,
    shm: &'static Shm,
    pub(super) framebuffer: Stream,
    notices: Stream,
    /// A message goes whole: pictures and sound come from threads of their own.
    telling: Mutex<()>,
    inputs: Stream,
    /// What is to be seen to, and whether the client is there.
    inbox: Mutex<(Vec<Input>, bool)>,
    /// Whether what the client offered of its clipboard has yet to be put there: a key that pastes it may follow at once.
    offered: (Mutex<bool>, Condvar),
    /// What both sides said of the pointer's place.
    pub(super) places: Mutex<Places>,
}

impl Link {
    /// Takes the three streams over, and begins to read.
    ///
    /// # Errors
    /// `STATUS_INVALID_PARAMETER` if the framebuffer is none; what the host answers.
    pub(super) fn open(k: &'static Kernel, shm: &'static Shm) -> Nt<&'static Link> {
        let [framebuffer, notices, inputs] = [0, 1, 2].map(|which| standard::stream(k, which));
        let (framebuffer, notices, inputs) = (framebuffer?, notices?, inputs?);
        if k.host.query(&framebuffer)?.size < FRAMEBUFFER {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let inbox = Mutex::new((Vec::new(), true));
        let link: &'static Link = Box::leak(Box::new(Link {
            k,
            shm,
            framebuffer,
            notices,
            telling: Mutex::new(()),
            inputs,
            inbox,
            offered: Default::default(),
            places: Default::default(),
        }));
        k.host.spawn_worker(Box::new(move || link.read()))?;
        Ok(link)
    }

    /// Reads until the client goes or breaks the rules.
    fn read(&'static self) {
        let (mut reader, mut part) = (Reader::default(), vec![0; 0x1_0000]);
        let mut pressed = Pressed::default();
        'all: while let Ok(count @ 1..) = self.k.host.read_bytes(&self.inputs, &mut part, None) {
            reader.push(part.get(..count).unwrap_or_default());
            loop {
                match reader.take::<Input>() {
                    // The pointer is where a program put it.
                    Ok(Some(Input::Move(place))) if !self.places.lock().heard(place, self.now()) => {}
                    Ok(Some(input)) => {
                        if !inject::from_client(self.k, self.shm, &input, &mut pressed) && !self.leave(input) {
                            break 'all;
                        }
                    }
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
        }
        // A client that is lost while a button or a key is down does not let go of it any more.
        inject::release(self.k, self.shm, &pressed);
        self.inbox.lock().1 = false;
        self.wake();
    }

    /// Nanoseconds since some moment.
    pub(super) fn now(&self) -> u64 {
        self.k.host.monotonic()
    }

    /// Leaves a message to the first thread; answers whether there was room.
    fn leave(&self, input: Input) -> bool {
        if !matches!(input, Input::ClipOffer(_)) {
            return self.put(input);
        }
        *self.offered.0.lock() = true;
        let put = self.put(input);
        let mut offered = self.offered.0.lock();
        self.offered.1.wait_while_for(&mut offered, |waits| *waits, OFFER);
        put
    }

    /// What was offered is where programs find it.
    pub(super) fn offer_is_there(&self) {
        *self.offered.0.lock() = false;
        self.offered.1.notify_all();
    }

    fn put(&self, input: Input) -> bool {
        let mut inbox = self.inbox.lock();
        if inbox.0.len() >= MOST {
            return false;
        }
        inbox.0.push(input);
        drop(inbox);
        self.wake();
        true
    }

    fn wake(&self) {
        let mut tx = self.shm.begin();
        tx.nudge_display();
        // In a memory that takes no change the thread looks again by itself in a while.
        let _ = tx.commit();
    }

    /// What came, and whether the client is there.
    pub(super) fn take(&self) -> (Vec<Input>, bool) {
        let mut inbox = self.inbox.lock();
        (std::mem::take(&mut inbox.0), inbox.1)
    }

    /// Tells the client. Waits as long as it does not read.
    ///
    /// # Errors
    /// What the host answers when the client is gone.
    pub(super) fn tell(&self, notice: &Notice) -> Nt<()> {
        self.write(notice)
    }

    fn write(&self, message: &impl Wire) -> Nt<()> {
        let bytes = frame(message)?;
        let _telling = self.telling.lock();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match self.k.host.write_bytes(&self.notices, rest, None)? {
                0 => return Err(STATUS_PIPE_BROKEN),
                count => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}
