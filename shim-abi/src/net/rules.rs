//! The language of network rules: what `--net` and `--publish` say, as types that a launcher and the monitor share, and what an
//! address is. Who asks, and what follows from an answer, is the monitor's business.
//!
//! ```text
//! grant = "none" | "sandbox" | "loopback" | "all" | "host" | place [":" ports]
//! place = address | network | name | "*." name        ; an IPv6 one in [ ] where ports follow
//! ports = number ["-" number]                         ; 1 to 65535
//! port  = [address ":"] number [":" number] ["/tcp" | "/udp"]
//! ```

use super::{Endpoint, Transport};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;
use ipnet::{IpNet, Ipv4Net};

/// Why a rule is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleError {
    /// Neither a word nor a place.
    Grant(String),
    /// Nothing, and something beside it.
    None,
    /// No port to publish.
    Publish(String),
    /// A port twice.
    Twice(u16),
}

impl Display for RuleError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            RuleError::Grant(text) => write!(
                f,
                "`{text}` is no place on the network: write none, sandbox, loopback, all or host, or places as example.com:443, \
                 *.example.com, 10.0.0.0/8:5432-5433 or [2001:db8::/32]:443"
            ),
            RuleError::None => write!(f, "net none stands alone, or nothing is granted by it"),
            RuleError::Publish(text) => write!(
                f,
                "`{text}` is no port to publish: write it as [ADDRESS:]PORT[:PORT], as in 8080, 0.0.0.0:80:8080 or [::1]:5432, \
                 with /udp behind for UDP"
            ),
            RuleError::Twice(port) => write!(f, "publish: port {port} is named twice"),
        }
    }
}

impl core::error::Error for RuleError {}

/// A place on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Addresses.
    Net(IpNet),
    /// What a name leads to, in lower case.
    Host(String),
    /// What the names below a domain lead to.
    Domain(String),
}

/// A place that may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where.
    pub place: Place,
    /// First and last port.
    pub ports: (u16, u16),
}

/// What of the network one word or place grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Nothing.
    None,
    /// The loopback addresses, among the sandbox's own processes. Every other grant has this with it.
    Sandbox,
    /// The host's loopback addresses.
    Loopback,
    /// Everything but what must be named one by one.
    All,
    /// The host's network as the host's own programs have it: everything, and every address and port to be reached at. What a
    /// container engine grants, which gives each container a network of its own.
    Host,
    /// A place.
    Place(Rule),
}

/// A port of the sandbox that the host opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Where, on the host. By default its own programs alone reach it.
    pub at: SocketAddr,
    /// As the program knows it.
    pub port: u16,
    /// Transport.
    pub transport: Transport,
}

/// What of the network is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// What may be reached.
    pub grants: Vec<Grant>,
    /// What the host opens.
    pub published: Vec<Published>,
}

/// Where a socket lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In the sandbox's own network, which has loopback addresses and nothing else.
    Inside,
    /// In the host's.
    Outside,
}

/// What the rules say of an address that is to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be, on this side.
    Reach(Side),
    /// It is no address.
    Nowhere,
    /// It may not be; what would grant it.
    Refused(String),
}

const ALL_PORTS: (u16, u16) = (1, u16::MAX);

fn ports(text: &str) -> Option<(u16, u16)> {
    let port =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok().filter(|port| *port > 0))?;
    match text.split_once('-') {
        Some((first, last)) => Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last),
        None => port(text).map(|port| (port, port)),
    }
}

/// A network, with what is IPv4 in IPv6's mapped form as IPv4.
fn net(text: &str) -> Option<IpNet> {
    let net = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(ip),
        Err(_) => text.parse().ok()?,
    };
    match net {
        IpNet::V6(v6) => match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(prefix)) => Ipv4Net::new(v4, prefix).ok().map(IpNet::V4),
            _ => Some(net),
        },
        IpNet::V4(_) => Some(net),
    }
}

/// Whether a text can be the name of a host: labels of letters, digits, '-' and '_', the last not all digits.
pub fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= 253
        && text.split('.').all(label)
        && !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

fn place(text: &str) -> Option<Place> {
    if let Some(net) = net(text) {
        return Some(Place::Net(net));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    match name.strip_prefix("*.") {
        Some(domain) => is_name(domain).then(|| Place::Domain(domain.into())),
        None => is_name(&name).then_some(Place::Host(name)),
    }
}

fn rule(text: &str) -> Option<Rule> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let ports = if after.is_empty() { ALL_PORTS } else { ports(after.strip_prefix(':')?)? };
        return Some(Rule { place: Place::Net(net(inside)?), ports });
    }
    match text.rsplit_once(':') {
        // What is wholly an IPv6 address has no port.
        Some((before, after)) if net(text).is_none() => Some(Rule { place: place(before)?, ports: ports(after)? }),
        _ => Some(Rule { place: place(text)?, ports: ALL_PORTS }),
    }
}

fn published(text: &str) -> Option<Published> {
    let (rest, transport) = match text.strip_suffix("/udp") {
        Some(rest) => (rest, Transport::Datagram),
        None => (text.strip_suffix("/tcp").unwrap_or(text), Transport::Stream),
    };
    let port = |text: &str| ports(text).filter(|(first, last)| first == last).map(|(port, _)| port);
    let (ip, rest) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once("]:")?;
            (Some(ip.parse::<IpAddr>().ok()?), rest)
        }
        None => match rest.split_once(':') {
            Some((first, rest)) if first.contains('.') => (Some(first.parse().ok()?), rest),
            _ => (None, rest),
        },
    };
    let (host, own) = rest.split_once(':').unwrap_or((rest, rest));
    let at = SocketAddr::new(ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), port(host)?);
    Some(Published { at, port: port(own)?, transport })
}

impl FromStr for Grant {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Ok(match text.trim() {
            "none" => Grant::None,
            "sandbox" => Grant::Sandbox,
            "loopback" => Grant::Loopback,
            "all" => Grant::All,
            "host" => Grant::Host,
            text => Grant::Place(rule(text).ok_or_else(|| RuleError::Grant(text.into()))?),
        })
    }
}

impl FromStr for Published {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        published(text.trim()).ok_or_else(|| RuleError::Publish(text.into()))
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Net(net) => {
                let text = if is_one(net) { net.addr().to_string() } else { net.to_string() };
                let bare = matches!(net, IpNet::V4(_)) || self.ports == ALL_PORTS;
                if bare { write!(f, "{text}") } else { write!(f, "[{text}]") }?;
            }
            Place::Host(name) => write!(f, "{name}")?,
            Place::Domain(name) => write!(f, "*.{name}")?,
        }
        match self.ports {
            ALL_PORTS => Ok(()),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

impl Display for Grant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Grant::None => write!(f, "none"),
            Grant::Sandbox => write!(f, "sandbox"),
            Grant::Loopback => write!(f, "loopback"),
            Grant::All => write!(f, "all"),
            Grant::Host => write!(f, "host"),
            Grant::Place(rule) => write!(f, "{rule}"),
        }
    }
}

impl Display for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = if self.transport == Transport::Stream { "tcp" } else { "udp" };
        write!(f, "{}:{}/{kind}", self.at, self.port)
    }
}

impl Display for Network {
    /// Says it in words.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = [
            (self.host(), "the host's network as the host's own programs do, and be reached there at any port"),
            (self.all() && !self.host(), "the whole network"),
            (self.host_loopback(), "this host's own servers"),
            (self.any() && !self.host_loopback(), "its own processes by loopback addresses"),
        ];
        let words = words.into_iter().filter_map(|(granted, word)| granted.then_some(word.to_string()));
        let places: Vec<String> = words.chain(self.rules().map(ToString::to_string)).collect();
        match places.is_empty() {
            true => write!(f, "It cannot reach the network")?,
            false => write!(f, "It may reach {}", places.join(", "))?,
        }
        for one in &self.published {
            let kind = if one.transport == Transport::Stream { "TCP" } else { "UDP" };
            write!(f, ". Its {kind} port {} is this host's {}", one.port, one.at)?;
        }
        Ok(())
    }
}

impl Place {
    /// Whether it is a name, or a domain, that covers a name in lower case.
    pub fn covers_name(&self, name: &str) -> bool {
        match self {
            Place::Net(_) => false,
            Place::Host(host) => host == name,
            Place::Domain(domain) => name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')),
        }
    }

    /// Whether it names a [`plain`] address itself, or a network that it lies in; what is [`guarded`] only by itself.
    fn covers(&self, ip: IpAddr) -> bool {
        matches!(self, Place::Net(net) if net.contains(&ip) && (is_one(net) || !guarded(ip)))
    }
}

fn is_one(net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

impl Network {
    /// Checks what must hold between the parts.
    ///
    /// # Errors
    /// [`RuleError::None`], [`RuleError::Twice`].
    pub fn check(&self) -> Result<(), RuleError> {
        if self.grants.contains(&Grant::None) && self.any() {
            return Err(RuleError::None);
        }
        let clash = |a: &Published, b: &Published| a.transport == b.transport && (a.port == b.port || a.at == b.at);
        for (index, one) in self.published.iter().enumerate() {
            if self.published[..index].iter().any(|other| clash(one, other)) {
                return Err(RuleError::Twice(one.port));
            }
        }
        Ok(())
    }

    /// Whether anything may be reached; then the sandbox's own processes may.
    pub fn any(&self) -> bool {
        self.grants.iter().any(|grant| *grant != Grant::None)
    }

    /// Whether everything may be that need not be named one by one.
    pub fn all(&self) -> bool {
        self.host() || self.grants.contains(&Grant::All)
    }

    /// Whether the host's network is its own, guarded addresses and servers included.
    pub fn host(&self) -> bool {
        self.grants.contains(&Grant::Host)
    }

    /// Whether the host's loopback addresses may be.
    pub fn host_loopback(&self) -> bool {
        self.all() || self.grants.contains(&Grant::Loopback)
    }

    /// The places.
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.grants.iter().filter_map(|grant| if let Grant::Place(rule) = grant { Some(rule) } else { None })
    }

    /// The places that count at a port.
    fn places_at(&self, port: u16) -> impl Iterator<Item = &Place> {
        self.rules().filter(move |rule| (rule.ports.0..=rule.ports.1).contains(&port)).map(|rule| &rule.place)
    }

    /// Judges an address. `leads` tells whether a name that is a place, or lies below it, leads there; `known_as` a name that did.
    pub fn judge(
        &self,
        to: Endpoint,
        leads: impl Fn(&Place) -> bool,
        known_as: impl FnOnce() -> Option<String>,
    ) -> Verdict {
        let ip = plain(to.ip);
        let advice = format!("add --net {}", Endpoint { ip, ..to });
        if ip.is_unspecified() {
            return Verdict::Nowhere;
        }
        if self.host() || self.places_at(to.port).any(|place| place.covers(ip)) || self.all() && !guarded(ip) {
            return Verdict::Reach(Side::Outside);
        }
        if ip.is_loopback() {
            return match (self.host_loopback(), self.any()) {
                (true, _) => Verdict::Reach(Side::Outside),
                (_, true) => Verdict::Reach(Side::Inside),
                _ => Verdict::Refused(
                    "add --net sandbox (its own processes) or --net loopback (this host's servers too)".into(),
                ),
            };
        }
        if guarded(ip) {
            return Verdict::Refused(format!("such addresses are granted one by one: {advice}"));
        }
        match (self.places_at(to.port).any(leads), private(ip)) {
            (true, false) => Verdict::Reach(Side::Outside),
            (true, true) => {
                Verdict::Refused(format!("a name that is granted leads there, but the address is private: {advice}"))
            }
            (false, _) => {
                let by_name = known_as().map(|name| format!(" (or {name}:{})", to.port)).unwrap_or_default();
                Verdict::Refused(advice + &by_name)
            }
        }
    }

    /// Whether a name in lower case may be looked up: a question to a name server is a message to the outside.
    pub fn may_look_up(&self, name: &str) -> bool {
        self.all() || self.rules().any(|rule| rule.place.covers_name(name))
    }

    /// Whether an address that a name leads to may be told: one that could be reached at some port.
    pub fn may_tell(&self, ip: IpAddr) -> bool {
        let ip = plain(ip);
        if self.host() {
            return true;
        }
        let public = self.all() || !private(ip) || ip.is_loopback() && self.host_loopback();
        self.rules().any(|rule| rule.place.covers(ip)) || !guarded(ip) && public
    }
}

/// Addresses at which a cloud's host tells its secrets, beside the link-local ones.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// The address that an IPv6 form of an IPv4 address leads to: mapped, compatible, NAT64 (RFC 6052) and 6to4; else the same.
pub fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

/// Whether a [`plain`] address is granted only by itself: link-local ones, and where a cloud's host tells its secrets.
pub fn guarded(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    link_local || METADATA.contains(&ip)
}

/// Whether a [`plain`] address belongs to nobody in particular, so that a name that leads there says nothing about who is meant.
pub fn private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            matches!(a, 0 | 10 | 127 | 224..)
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_documentation()
                || (a, b & 0xc0) == (100, 64)
                || (a, b & 0xfe) == (198, 18)
                || (a, b, c) == (192, 0, 0)
        }
        IpAddr::V6(ip) => (ip.segments()[0] & 0xe000) != 0x2000,
    }
}

#[cfg(test)]
mod tests;
