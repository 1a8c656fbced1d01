//! A sandbox's display: `portcullis-display`, which shows its desktop over RDP. One of them serves a sandbox, from the first `connect` on to the
//! sandbox's end; what it is reached by is written down in the sandbox's folder.

use crate::client::Client;
use crate::state::{self, Kept, file};
use crate::{desktop, detach, parts};
use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{File, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};

/// Letters of passwords: those that nobody takes for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters of a password: 80 bits.
const LENGTH: usize = 16;

/// How a sandbox's display is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Reached {
    /// Where it listens.
    #[cfg_attr(test, schemars(with = "String"))]
    pub address: SocketAddr,
    /// The name to log in with.
    pub user: String,
    /// The password, which is of this display alone.
    pub password: String,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
}

fn password() -> anyhow::Result<String> {
    let mut bytes = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut bytes).context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// How the display of a sandbox is reached; it is started if there is none.
///
/// # Errors
/// What it lacks.
pub fn reach(kept: &Kept, client: &mut Client, listen: SocketAddr) -> anyhow::Result<Reached> {
    let path = kept.file(file::DISPLAY_LOCK);
    let open = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let lock = open.with_context(|| path.display().to_string())?;
    let told = kept.file(file::DISPLAY);
    // Whoever serves holds a copy of the descriptor, and whoever is about to start it holds it for a moment.
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let text = std::fs::read(&told).context("its display is about to start: try again")?;
            return serde_json::from_slice(&text).with_context(|| told.display().to_string());
        }
        Err(errno) => return Err(std::io::Error::from(errno)).context("its display"),
    }
    let reached = start(kept, client, listen, &lock)?;
    state::write(&told, &serde_json::to_vec(&reached)?)?;
    std::fs::set_permissions(&told, Permissions::from_mode(0o600))?;
    Ok(reached)
}

fn start(kept: &Kept, client: &mut Client, listen: SocketAddr, lock: &File) -> anyhow::Result<Reached> {
    let (user, password) = (kept.record.user.clone(), password()?);
    let listener = TcpListener::bind(listen).with_context(|| listen.to_string())?;
    let fingerprint = spawn(kept, client, Some(&listener), lock, &[], &[&user, &password])?;
    let address = listener.local_addr()?;
    Ok(Reached { address, user, password, fingerprint })
}

/// Serves the sandbox's desktop as a page: its address, which can be used once. It ends when nobody has looked at it for five minutes.
///
/// # Errors
/// What it lacks.
pub fn page(kept: &Kept, client: &mut Client) -> anyhow::Result<String> {
    let (secret, null) = (password()? + &password()?, File::open("/dev/null")?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    spawn(kept, client, Some(&listener), &null, &["--web"], &[&secret])?;
    let address = listener.local_addr()?;
    Ok(format!("http://{address}/{secret}"))
}

/// Shows the sandbox's desktop in a window of the X server that this environment names. It is there until it is closed, or the sandbox ends.
///
/// # Errors
/// What it lacks.
pub fn window(kept: &Kept, client: &mut Client) -> anyhow::Result<()> {
    if std::env::var_os("DISPLAY").is_none_or(|name| name.is_empty()) {
        bail!(
            "a window needs an X server, and DISPLAY names none (a Wayland session has Xwayland); `secmon connect` shows the desktop over RDP"
        );
    }
    let title = format!("{} - Portcullis", kept.record.name.as_deref().unwrap_or(&kept.record.id)).replace('\n', " ");
    let null = File::open("/dev/null")?;
    spawn(kept, client, None, &null, &["--window"], &[&title]).map(|_| ())
}

/// What of the environment an X server is found by.
const SERVER: [&str; 3] = ["DISPLAY", "XAUTHORITY", "HOME"];

/// Starts `portcullis-display` with a desktop: what it says.
fn spawn(
    kept: &Kept,
    client: &mut Client,
    listener: Option<&TcpListener>,
    lock: &File,
    words: &[&str],
    lines: &[&str],
) -> anyhow::Result<String> {
    let way = words.first().map_or("rdp", |word| word.trim_start_matches('-'));
    let _span = tracing::info_span!("display", way).entered();
    let program = parts::find(parts::DISPLAY).map_err(anyhow::Error::msg)?;
    let ends = desktop::begin(client)?;
    tracing::info!("the desktop has begun");
    let mut command = Command::new(program);
    command.args(words).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    // What a picture takes while it is encoded is given back at once, instead of growing the heap for good (mallopt(3), M_MMAP_THRESHOLD).
    command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    command.stderr(state::log_file(&kept.file(file::STDERR))?);
    if let Some(listener) = listener {
        command.arg(format!("--listener={}", listener.as_raw_fd()));
    } else {
        command.envs(SERVER.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    }
    for (name, number) in
        [("framebuffer", ends.framebuffer.as_raw_fd()), ("link", ends.link.as_raw_fd()), ("lock", lock.as_raw_fd())]
    {
        command.arg(format!("--{name}={number}"));
    }
    command.arg(format!("--clipboard={}", kept.record.clipboard));
    if kept.record.sound {
        command.arg("--sound");
    }
    let mut kept_open: Vec<&dyn AsFd> = vec![&ends.framebuffer, &ends.link, lock];
    kept_open.extend(listener.map(|listener| listener as &dyn AsFd));
    let mut child = detach::spawn(&mut command, &kept_open)?;
    if let Some(mut input) = child.stdin.take() {
        lines.iter().try_for_each(|line| writeln!(input, "{line}"))?;
    }
    let mut said = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut said)?;
    }
    // It ends as soon as the one in the jail goes on.
    let ended = child.wait()?;
    if !ended.success() || said.trim().is_empty() {
        bail!("the display does not start: see `secmon logs {}`", kept.record.id);
    }
    tracing::info!("it is shown");
    Ok(said.trim().to_owned())
}
