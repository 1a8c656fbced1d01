//! `secmon ip`.

use super::{Common, Which};
use anyhow::bail;
use secmon::exit;
use serde::Serialize;
use shim_abi::net::Transport;
use shim_abi::net::rules::Published;
use std::net::IpAddr;

/// Which.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Network {
    #[serde(rename = "IpV4Address", skip_serializing_if = "Option::is_none")]
    v4: Option<String>,
    #[serde(rename = "IpV6Address", skip_serializing_if = "Option::is_none")]
    v6: Option<String>,
    ports: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Networks {
    networks: Vec<Network>,
}

/// Addresses of the host at which ports of the sandbox are open, each with them.
fn addresses(published: &[Published]) -> Vec<(IpAddr, Vec<String>)> {
    let mut all: Vec<(IpAddr, Vec<String>)> = Vec::new();
    for one in published {
        let port = format!(
            "{}/{}",
            one.at.port(),
            match one.transport {
                Transport::Datagram => "udp",
                Transport::Stream => "tcp",
            }
        );
        match all.iter_mut().find(|(ip, _)| *ip == one.at.ip()) {
            Some((_, ports)) => ports.push(port),
            None => all.push((one.at.ip(), vec![port])),
        }
    }
    all
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let kept = arguments.which.find()?.running()?;
    let published: Vec<Published> = kept.record.published.iter().filter_map(|text| text.parse().ok()).collect();
    let all = addresses(&published);
    if all.is_empty() && !common.raw {
        bail!("{} has no address: a sandbox is reached at ports that `start --publish` opens", kept.record.id);
    }
    let text: String = all.iter().map(|(ip, _)| format!("{ip}\n")).collect();
    let network = |(ip, ports): (IpAddr, Vec<String>)| {
        let shown = Some(ip.to_string());
        let (v4, v6) = if ip.is_ipv4() { (shown, None) } else { (None, shown) };
        Network { v4, v6, ports }
    };
    common.show(&Networks { networks: all.into_iter().map(network).collect() }, text)?;
    Ok(if kept.record.published.is_empty() { exit::FAILURE } else { 0 })
}
