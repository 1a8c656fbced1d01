//! `portcullis-display`: shows a sandbox's desktop over RDP, in a browser or in a window.
//!
//! It is started by `secmon` with a socket that listens, the framebuffer of a desktop and the connection to it (`shim_abi::display`), says on its
//! standard output what certificate it has, and locks itself into a jail ([`jail`]) before it takes the first byte from anybody.
//! Whoever takes it over has what it has: the sandbox's desktop, and those who connect to it.

mod clipboard;
mod filter;
mod hub;
mod jail;
mod keys;
mod memory;
mod meter;
mod selection;
mod session;
mod sound;
mod tls;
mod web;
mod window;

use anyhow::{Context as _, bail};
use hub::{Hub, Ways};
use std::io::{BufRead as _, Write as _};
use std::net::TcpListener;
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Clients that may be about to log in; further ones wait.
const MOST: usize = 8;
/// How long one may take until it has logged in.
const LOGIN: Duration = Duration::from_secs(30);
/// How long after that it needs what it needed for it.
const SETTLED: Duration = Duration::from_secs(2);
/// How long a page is served that nobody looks at.
const UNUSED: Duration = Duration::from_secs(300);
/// What is said if a user's name or password is missing.
const USAGE: &str = "it is started by `secmon`: --listener=FD --framebuffer=FD --link=FD --lock=FD --clipboard=none|in|out|both, --sound if it is heard; user and password as two lines of its input; --web and a secret; --window and a title";

/// A descriptor that this process was given under a number.
#[allow(unsafe_code)]
fn given(name: &str) -> anyhow::Result<OwnedFd> {
    let value = std::env::args().skip(1).find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    let number: RawFd = value.and_then(|value| value.parse().ok()).filter(|number| *number > 2).context(USAGE)?;
    if nix::fcntl::fcntl(raw_borrow(number), nix::fcntl::FcntlArg::F_GETFD).is_err() {
        bail!("{name}: descriptor {number} is not open");
    }
    // SAFETY: it is open, and was left open for this process to take; nothing else here has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[allow(unsafe_code)]
fn raw_borrow(number: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: used for one system call, which says whether it is open.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(number) }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portcullis-display: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    if std::env::args().nth(1).is_some_and(|word| word == "--attack") {
        return jail::attack();
    }
    let (framebuffer, link) = (given("--framebuffer")?, given("--link")?);
    // Open as long as somebody serves.
    let lock = given("--lock")?;
    let mut lines = std::io::stdin().lock().lines();
    let mut line = || -> anyhow::Result<String> {
        Ok(lines.next().context(USAGE)??).and_then(|line| if line.is_empty() { bail!(USAGE) } else { Ok(line) })
    };
    let is = |name: &str| std::env::args().any(|word| word == name);
    let listener = || anyhow::Ok(TcpListener::from(given("--listener")?));
    let (kind, said) = if is("--window") {
        (Kind::Window(Box::new(window::Window::new(&line()?)?)), "a window".to_owned())
    } else if is("--web") {
        (Kind::Web(listener()?, web::Links::new(line()?)?), "a page".to_owned())
    } else {
        let identity = tls::Identity::new()?;
        let said = identity.fingerprint.clone();
        (Kind::Rdp(listener()?, (line()?, line()?), identity), said)
    };
    let into_out =
        match std::env::args().find_map(|word| word.strip_prefix("--clipboard=").map(str::to_owned)).as_deref() {
            None | Some("none") => (false, false),
            Some("in") => (true, false),
            Some("out") => (false, true),
            Some("both") => (true, true),
            Some(_) => bail!(USAGE),
        };
    let ways = Ways { into: into_out.0, out: into_out.1, sound: is("--sound") };
    println!("{said}");
    std::io::stdout().flush()?;
    let reached = match &kind {
        Kind::Rdp(listener, ..) | Kind::Web(listener, _) => listener.as_fd(),
        Kind::Window(window) => window.fd(),
    };
    if !jail::enter(&[reached, framebuffer.as_fd(), link.as_fd(), lock.as_fd()])? {
        // The process that went into the jail goes on.
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(8).build()?;
    let link = UnixStream::from(link);
    link.set_nonblocking(true)?;
    tokio::task::LocalSet::new().block_on(&runtime, show(framebuffer, link, kind, ways))
}

/// How the desktop is shown.
enum Kind {
    /// Over RDP, to who has this name and password.
    Rdp(TcpListener, (String, String), tls::Identity),
    /// In a browser.
    Web(TcpListener, web::Links),
    /// In a window of this host's user's.
    Window(Box<window::Window>),
}

/// Who is served at a socket that listens, as a [`Kind`] has it.
enum Served {
    Rdp((String, String), tls::Identity),
    Web(web::Links),
}

async fn show(framebuffer: OwnedFd, link: UnixStream, kind: Kind, ways: Ways) -> anyhow::Result<()> {
    let link = tokio::net::UnixStream::from_std(link)?;
    let (hub, desktop) = Hub::new(framebuffer.into(), link, ways);
    let (listener, served) = match kind {
        Kind::Rdp(listener, login, identity) => (listener, Served::Rdp(login, identity)),
        Kind::Web(listener, links) => (listener, Served::Web(links)),
        Kind::Window(window) => {
            return tokio::select! {
                // What was told in the same moment is taken first: the window is closed.
                biased;
                ended = window.serve(&hub) => ended,
                ended = desktop => ended,
            };
        }
    };
    serve(hub, desktop, listener, served).await
}

async fn serve(
    hub: Arc<Hub>,
    desktop: impl Future<Output = anyhow::Result<()>>,
    listener: TcpListener,
    kind: Served,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let kind = Rc::new(kind);
    let places = Arc::new(tokio::sync::Semaphore::new(MOST));
    tokio::pin!(desktop);
    loop {
        let place = tokio::select! {
            // The sandbox ended, or its desktop broke the rules.
            ended = &mut desktop => return ended,
            place = places.clone().acquire_owned() => place?,
        };
        let stream = tokio::select! {
            ended = &mut desktop => return ended,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    eprintln!("portcullis-display: a connection is not taken: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            // A page that nobody looks at any more.
            () = tokio::time::sleep(UNUSED), if matches!(*kind, Served::Web(_)) && places.available_permits() == MOST - 1 => {
                return Ok(());
            }
        };
        let (hub, kind) = (hub.clone(), kind.clone());
        // What a client makes the crates below panic with ends this task alone.
        tokio::task::spawn_local(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            let ended = match &*kind {
                Served::Rdp(login, identity) => rdp(&hub, identity, login, stream).await,
                Served::Web(links) => web::serve(hub, links, stream).await,
            };
            if let Err(error) = ended {
                eprintln!("portcullis-display: a client's connection ended: {error:#}");
            }
        });
    }
}

/// Serves an RDP client.
async fn rdp(
    hub: &Arc<Hub>,
    identity: &tls::Identity,
    login: &(String, String),
    stream: tokio::net::TcpStream,
) -> anyhow::Result<()> {
    let session = hub.session();
    let _end = hub::AtEnd(session.clone());
    let mut server = session::server(&session, identity, login);
    let settles = async {
        session.has_begun().await;
        tokio::time::sleep(SETTLED).await;
        memory::forget_code();
        std::future::pending::<()>().await
    };
    tokio::select! {
        () = settles => Ok(()),
        ended = server.run_connection(meter::Metered { stream, session: session.clone() }) => ended,
        () = session.is_late(LOGIN) => bail!("it did not log in in time"),
        () = session.is_over() => Ok(()),
    }
}
