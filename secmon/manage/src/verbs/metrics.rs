//! `secmon metrics`.

use super::{Common, complain, print};
use crate::metrics;
use crate::state::{Life, Store};
use crate::usage::Usage;
use anyhow::Context as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Where.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Serve them by HTTP at /metrics, at an address of this host [default: print them once]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// How long a client may take for its request, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest request that is read.
const LONGEST: u64 = 8 * 1024;

fn gather(store: &Store) -> anyhow::Result<String> {
    let all = store.all()?;
    let running: Vec<_> = all.iter().filter(|kept| kept.life == Life::Running).collect();
    // One that ends meanwhile is not among them.
    let usages: Vec<Usage> =
        Usage::of_all(running.iter().copied()).into_iter().filter_map(|(_, usage)| usage.ok()).collect();
    Ok(metrics::text(&usages, all.len() - running.len()))
}

/// The answer to the first line of a request.
fn answer(request: &str, text: impl FnOnce() -> anyhow::Result<String>) -> String {
    let whole = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let mut words = request.split_ascii_whitespace();
    let path = |target: &str| target.split('?').next().is_some_and(|path| path == "/metrics");
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) if path(target) => match text() {
            Ok(body) => whole("200 OK", &body),
            Err(error) => whole("500 Internal Server Error", &format!("{error:#}\n")),
        },
        (Some("GET"), Some(_)) => whole("404 Not Found", "it is at /metrics\n"),
        (Some(_), Some(_)) => whole("405 Method Not Allowed", ""),
        _ => whole("400 Bad Request", ""),
    }
}

fn serve(client: TcpStream, store: &Store) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new((&client).take(LONGEST));
    let mut request = String::new();
    lines.read_line(&mut request)?;
    // To the end of the head: what is left unread would have the answer taken back.
    let mut rest = String::new();
    while lines.read_line(&mut rest)? > 2 {
        rest.clear();
    }
    (&client).write_all(answer(&request, || gather(store)).as_bytes())
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let store = Store::open()?;
    let Some(at) = arguments.listen else {
        print(gather(&store)?);
        return Ok(0);
    };
    let listener = TcpListener::bind(at).with_context(|| format!("--listen {at}"))?;
    complain(format!("serving http://{}/metrics", listener.local_addr()?));
    for client in listener.incoming() {
        // A client that goes away is its own loss.
        let _ = client.and_then(|client| serve(client, &store));
    }
    Ok(0)
}

#[cfg(test)]
#[path = "../../tests/unit/verb_metrics.rs"]
mod tests;
