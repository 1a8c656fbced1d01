//! `secmon connect`.

use super::{Common, Which};
use crate::display;
use anyhow::Context;
use secmon::policy::Clipboard;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

/// RDP clients that are looked for, all of FreeRDP's: they take the same options.
const CLIENTS: &[&str] = &["xfreerdp3", "xfreerdp", "wlfreerdp3", "wlfreerdp"];

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Where its display listens, if it does not yet: others than this host's programs reach it only at an address of the network's
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// Start an RDP client of this host's (FreeRDP) that shows it, and wait until that is closed
    #[arg(long)]
    open: bool,
    /// Show it in a window of this X server instead (a Wayland session has Xwayland)
    #[arg(long, conflicts_with = "listen")]
    window: bool,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let (kept, mut client) = arguments.which.connect()?;
    if arguments.window {
        display::window(&kept, &mut client)?;
        return Ok(0);
    }
    let reached = display::reach(&kept, &mut client, arguments.listen)?;
    let display::Reached { address, user, password, fingerprint } = &reached;
    let text = format!(
        "Address: {address}\nUser: {user}\nPassword: {password}\nCertificate: sha256:{fingerprint}\n\
         Any RDP client connects: xfreerdp /v:{address} /u:{user} /cert:fingerprint:sha256:{fingerprint} /dynamic-resolution\n"
    );
    let clipboard = kept.record.clipboard;
    if !arguments.open {
        let lacks = match clipboard {
            Clipboard::None => {
                "Clipboard: not shared (`--clipboard both` at its start, or `clipboard = \"both\"` in its policy, shares it)\n"
            }
            _ => "",
        };
        common.show(&reached, text + lacks)?;
        return Ok(0);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = |name: &&&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let program = CLIENTS.iter().find(found).with_context(|| {
        format!(
            "no RDP client is installed: one of {} (Debian's freerdp2-x11 or freerdp3-x11 has one)",
            CLIENTS.join(", ")
        )
    })?;
    let mut client = Command::new(program)
        .args([format!("/v:{address}"), format!("/u:{user}"), "/d:".to_owned(), "/from-stdin:force".to_owned()])
        .args([format!("/cert:fingerprint:sha256:{fingerprint}"), "/dynamic-resolution".to_owned()])
        .arg(if clipboard == Clipboard::None { "-clipboard" } else { "+clipboard" })
        // Each client finds its own way to the loudspeakers.
        .args(kept.record.sound.then_some("/sound"))
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    // Not as an argument, which other users of the host could read.
    let mut to = client.stdin.take().context("a client without an input")?;
    writeln!(to, "{password}")?;
    drop(to);
    let status = client.wait()?;
    // FreeRDP's codes above 100 are failures; below are reasons why a session was closed.
    Ok(if status.success() { 0 } else { u8::try_from(status.code().unwrap_or(1)).unwrap_or(1) })
}
