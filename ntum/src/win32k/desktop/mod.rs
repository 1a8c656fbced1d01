//! The desktop: a picoprocess of the sandbox that composes what is to be seen, hands on what a person types and points at, and tells
//! what windows there are. It has no program. Whoever shows the sandbox has it made (`shim_abi::display`), as often as there are clients, and it
//! ends with its client's connection.
//!
//! One thread composes and answers, the first one: it sleeps on the word that counts what changed of what is to be seen. Another reads
//! what the client says, injects input at once and leaves the rest to the first; a third hears the monitor, a fourth what other processes ask; one mixes sound
//! once a client wants to hear it. The client is not
//! trusted, the client trusts nothing of this; what the windows' programs left in the sandbox's memory is believed by neither.

mod bar;
mod clip;
pub(in crate::win32k) mod compose;
mod cursor;
mod drop;
mod files;
mod idle;
mod inject;
mod keys;
mod layout;
mod link;
mod sheet;
mod shell;
mod sound;
mod switch;
mod switcher;
mod tree;

use crate::kernel::Kernel;
use crate::shm::Shm;
use crate::shm::user::mode::Mode;
use crate::shm::user::window::field;
use crate::status::*;
use crate::types::wide;
use crate::win32k::user::session;
use compose::Compositor;
use link::Link;
use shim_abi::calls::Event;
use shim_abi::display::{Input, Notice, Size};
use zerocopy::IntoBytes;

/// How long it sleeps at most while somebody looks: a program that was killed may have left it asleep, ns.
const LOOK: u64 = 2_000_000_000;
/// How long until it is looked again whether all is idle, while somebody waits for that, ns.
const IDLE_LOOK: u64 = 2_000_000;

/// Whether the process was made to be the desktop.
pub fn is_wanted(k: &'static Kernel) -> bool {
    k.order().is_some_and(|order| order.program == shim_abi::display::ROLE)
}

/// Is the desktop until the client goes.
pub fn run(k: &'static Kernel) -> ! {
    let (status, message) = match serve(k) {
        Ok(()) => (0, String::new()),
        Err(status) => (status.0, format!("the desktop: {status}")),
    };
    leave(k, status, &message)
}

fn leave(k: &'static Kernel, status: u32, message: &str) -> ! {
    if let Some((shm, me)) = k.known_member() {
        let mut tx = shm.begin();
        tx.display_loses(me);
        tx.clipboard_loses_outside(me);
        tx.sound_loses(me);
        // It goes with the member in any case.
        let _ = tx.commit();
    }
    k.host.exit(status, message)
}

/// Hears the monitor.
fn listen(k: &'static Kernel) {
    while let Some(event) = k.host.event() {
        match event {
            Event::Terminate => leave(k, 0, ""),
            Event::Ended => k.reap_the_dead(),
            Event::MemoryLow => k.memory_is_low(),
            Event::Count => k.host.tell_calls(k.ps.id(), k.ps.calls()),
            Event::Resize | Event::Interrupt | Event::Break | Event::Company | Event::Shares => {}
        }
    }
}

fn serve(k: &'static Kernel) -> Nt<()> {
    k.await_company()?;
    k.join_registry();
    let (shm, me) = k.sandbox()?;
    let mut tx = shm.begin();
    tx.make_root_window(false, wide(session::DESKTOP_NAME).as_bytes(), session::DESKTOP)?;
    tx.make_display()?;
    tx.commit()?;
    k.host.spawn_worker(Box::new(move || listen(k)))?;
    // Who lists the processes there are asks this one too, and waits for its answer.
    k.serve_inbox();
    let link = Link::open(k, shm)?;
    let (compositor, idle, pointer) = (Compositor::new(k), idle::Idle::default(), cursor::Pointer::default());
    let (clips, shell) = (clip::Clipboards::default(), shell::Shell::default());
    let drops = drop::Drops::default();
    let (sound, size) = (sound::Sound::default(), None);
    Desktop {
        k,
        shm,
        me,
        link,
        watched: false,
        live: false,
        compositor,
        idle,
        pointer,
        clips,
        drops,
        sound,
        shell,
        size,
    }
    .work()
}

/// What the first thread knows.
struct Desktop {
    k: &'static Kernel,
    shm: &'static Shm,
    /// The process's record there.
    me: u32,
    link: &'static Link,
    /// Whether frames are wanted.
    watched: bool,
    /// Whether it is the one that programs tell of damage; of several, the others look for themselves.
    live: bool,
    compositor: Compositor,
    idle: idle::Idle,
    pointer: cursor::Pointer,
    clips: clip::Clipboards,
    drops: drop::Drops,
    sound: sound::Sound,
    shell: shell::Shell,
    /// The screen's size as the client was told.
    size: Option<Size>,
}

impl Desktop {
    fn work(&mut self) -> Nt<()> {
        loop {
            let sequence = self.shm.display_sequence();
            let mut shell = None;
            if !self.see_to_client()? {
                return Ok(());
            }
            self.tell_size()?;
            if self.watched {
                self.attach()?;
                self.pointer.tell(self.shm, self.link)?;
                if self.live {
                    shell = self.shell.look(self.k, self.shm)?;
                    let mut tx = self.shm.begin();
                    tx.desktop_painted(sequence);
                    tx.commit()?;
                }
                self.show()?;
            }
            self.idle.tell(self.shm, self.me, self.link)?;
            self.clips.tell(self.k, self.shm, self.me, self.link)?;
            self.drops.tell(self.k, self.shm, self.link)?;
            let now = self.k.host.monotonic();
            self.k.end_start(now);
            let patience = if self.idle.is_awaited() { Some(IDLE_LOOK) } else { self.watched.then_some(LOOK) };
            let until = patience.map(|patience| now.saturating_add(patience));
            let deadlines = until.into_iter().chain(self.clips.deadline()).chain(self.drops.deadline()).chain(shell);
            self.shm.await_display(sequence, deadlines.chain(self.k.mm.start_ends(now)).min());
        }
    }

    /// Does what the client asked for; answers whether it is still there.
    fn see_to_client(&mut self) -> Nt<bool> {
        let (inputs, open) = self.link.take();
        for input in inputs {
            if self.drops.hear(self.k, self.shm, &input) {
                continue;
            }
            if self.clips.hear(self.k, self.shm, self.me, &input)? {
                continue;
            }
            match input {
                Input::Resize(size) => self.resize(&size)?,
                Input::Shown(number) => self.compositor.shown(number),
                Input::Watch(watched) => {
                    self.watched = watched;
                    self.compositor.forget();
                    if !watched {
                        self.detach()?;
                    }
                }
                Input::SoundWatch(wanted) => self.sound.watch(self.k, self.shm, self.me, self.link, wanted)?,
                Input::Windows(tag) => tree::tell(self.shm, self.link, tag)?,
                Input::AwaitIdle(tag) => self.idle.await_for(tag),
                Input::PointerWanted(tag) => {
                    let place = self.shm.begin().cursor_place();
                    self.link.tell(&Notice::PointerAt((tag, place)))?;
                }
                // Injected where they were read.
                Input::Key(_)
                | Input::Unicode(_)
                | Input::Move(_)
                | Input::Button(_)
                | Input::Wheel(_)
                | Input::Locks(_)
                // Seen to before.
                | Input::ClipOffer(_)
                | Input::ClipWatch(_)
                | Input::ClipWanted(_)
                | Input::ClipData(_)
                | Input::FileWanted(_)
                | Input::FileData(_)
                | Input::Drop(_) => {}
            }
        }
        Ok(open)
    }

    /// Says that it looks, unless another desktop does.
    fn attach(&mut self) -> Nt<()> {
        let mut tx = self.shm.begin();
        match tx.display_of() {
            0 => tx.attach_display(self.me)?,
            other => {
                self.live = other == self.me;
                return Ok(());
            }
        }
        tx.commit()?;
        self.live = true;
        self.compositor.forget();
        Ok(())
    }

    fn detach(&mut self) -> Nt<()> {
        let mut tx = self.shm.begin();
        tx.display_loses(self.me);
        self.live = false;
        tx.commit()
    }

    /// The screen's size is another from now on.
    fn resize(&mut self, size: &Size) -> Nt<()> {
        let size = size.fitted();
        let mut tx = self.shm.begin();
        let mode = Mode { width: size.width, height: size.height, ..tx.screen_mode() };
        tx.keep_mode(mode)?;
        if tx.set_screen_mode(mode, 0)? {
            tx.post_mode((self.k.host.monotonic() / 1_000_000) as u32)?;
        }
        tx.commit()
    }

    fn tell_size(&mut self) -> Nt<()> {
        let tx = self.shm.begin();
        let rect = tx.window_rect(tx.root_window(false), field::WINDOW_RECT);
        drop(tx);
        // Any process of the sandbox can write anything there.
        let size = Size { width: rect.width().max(0) as u32, height: rect.height().max(0) as u32 };
        let size = if size.is_possible() { size } else { size.fitted() };
        if self.size.as_ref() != Some(&size) {
            self.link.tell(&Notice::Screen(size.clone()))?;
            self.compositor.resize(&size);
            self.size = Some(size);
        }
        Ok(())
    }

    fn show(&mut self) -> Nt<()> {
        if let Some(frame) = self.compositor.compose(self.shm, self.live, self.link)? {
            self.link.tell(&Notice::Frame(frame))?;
        }
        Ok(())
    }
}
