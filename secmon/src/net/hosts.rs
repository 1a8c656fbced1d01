//! Names of hosts: looked up by the host's own means, and remembered, because a program connects to the addresses that it was told.
//!
//! The monitor is linked statically and cannot load the modules that the host's name service may consist of; `getent` does.

use crate::sys::lock;
use shim_abi::net::rules::{Place, is_name, plain};
use std::collections::HashMap;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long an answer is new.
const NEW: Duration = Duration::from_secs(5);
/// Most names remembered, and most addresses of one.
const MOST: usize = 1024;

/// What a name was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Its full form.
    pub name: String,
    /// Its addresses, best first.
    pub addresses: Vec<IpAddr>,
}

struct Known {
    /// Every address that it has led to.
    ever: Vec<IpAddr>,
    last: Found,
    at: Instant,
}

type Lookup = Box<dyn Fn(&str) -> Found + Send + Sync>;

/// The names that were looked up.
pub struct Hosts {
    known: Mutex<HashMap<String, Known>>,
    pub(super) lookup: Lookup,
}

impl Default for Hosts {
    fn default() -> Self {
        Hosts { known: Mutex::default(), lookup: Box::new(getent) }
    }
}

/// Lines `ADDRESS STREAM FULL-NAME` and `ADDRESS OTHER-TRANSPORT`.
fn getent(name: &str) -> Found {
    let run = |program| {
        let mut command = Command::new(program);
        command.args(["ahosts", name]).env_clear().stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    let output = run("/usr/bin/getent").or_else(|_| run("/bin/getent"));
    let output = output.inspect_err(|error| tracing::warn!("no name can be looked up: getent: {error}"));
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut found = Found::default();
    for line in text.lines().take(MOST) {
        let mut words = line.split_ascii_whitespace();
        let Some(ip) = words.next().and_then(|ip| ip.parse().ok()) else { continue };
        if !found.addresses.contains(&ip) {
            found.addresses.push(ip);
        }
        if let (true, Some(name)) = (found.name.is_empty(), words.nth(1)) {
            found.name = name.into();
        }
    }
    found
}

impl Hosts {
    /// Looks a name up, in lower case, unless that was done just now.
    pub fn find(&self, name: &str) -> Found {
        if let Some(known) = lock(&self.known).get(name)
            && known.at.elapsed() < NEW
        {
            return known.last.clone();
        }
        let last = if is_name(name) { (self.lookup)(name) } else { Found::default() };
        let mut known = lock(&self.known);
        if known.len() < MOST || known.contains_key(name) {
            let mut ever = known.remove(name).map(|known| known.ever).unwrap_or_default();
            let new: Vec<IpAddr> = last.addresses.iter().copied().filter(|ip| !ever.contains(ip)).collect();
            ever.extend(new);
            ever.truncate(MOST);
            known.insert(name.into(), Known { ever, last: last.clone(), at: Instant::now() });
        }
        last
    }

    /// Whether a name that a place covers leads to an address now, or led there when the program asked.
    pub fn leads(&self, place: &Place, ip: IpAddr) -> bool {
        let now = |name| self.find(name).addresses.iter().any(|found| plain(*found) == ip);
        self.names_of(ip).iter().any(|name| place.covers_name(name)) || matches!(place, Place::Host(name) if now(name))
    }

    /// The names that led to an address.
    pub fn names_of(&self, ip: IpAddr) -> Vec<String> {
        let led = |known: &Known| known.ever.iter().any(|known| plain(*known) == ip);
        lock(&self.known).iter().filter(|(_, known)| led(known)).map(|(name, _)| name.clone()).collect()
    }
}
