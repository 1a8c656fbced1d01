//! `secmon connect`.

use super::{Common, Which};
use crate::display;
use std::net::{Ipv4Addr, SocketAddr};

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Where its display listens, if it does not yet: others than this host's programs reach it only at an address of the network's
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let (kept, mut client) = arguments.which.connect()?;
    let reached = display::reach(&kept, &mut client, arguments.listen)?;
    let display::Reached { address, user, password, fingerprint } = &reached;
    let text = format!(
        "Address: {address}\nUser: {user}\nPassword: {password}\nCertificate: sha256:{fingerprint}\n\
         Any RDP client connects: xfreerdp /v:{address} /u:{user} /cert:fingerprint:sha256:{fingerprint} /dynamic-resolution\n"
    );
    common.show(&reached, text)?;
    Ok(0)
}
