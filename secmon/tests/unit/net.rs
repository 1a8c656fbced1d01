//! Unit tests of the network's rules, and of sockets on either side.

use super::hosts::Found;
use super::*;
use shim_abi::net::SocketOption;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

fn policy(grants: &str, published: &str) -> Network {
    Network {
        grants: grants.split(',').map(|grant| grant.parse().unwrap()).collect(),
        published: published.split_whitespace().map(|port| port.parse().unwrap()).collect(),
    }
}

/// A net under a policy, with a name service of the test's own.
fn net(grants: &str, names: &'static [(&'static str, &'static [&'static str])]) -> Net {
    let policy = policy(grants, "");
    let names: HashMap<&str, &[&str]> = names.iter().copied().collect();
    let lookup = move |name: &str| {
        let addresses = names.get(name).copied().unwrap_or_default();
        Found { name: name.into(), addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect() }
    };
    let mut net = Net { policy, ..Net::default() };
    net.hosts.lookup = Box::new(lookup);
    net
}

fn at(text: &str) -> Endpoint {
    text.parse::<SocketAddr>().unwrap().into()
}

#[track_caller]
fn judged(net: &Net, place: &str, verdict: Result<Side>) {
    assert_eq!(net.judge(at(place), Transport::Stream), verdict, "{place}");
}

const NOT: Result<Side> = Err(Error::NotGranted);
const OUT: Result<Side> = Ok(Side::Outside);
const IN: Result<Side> = Ok(Side::Inside);

#[test]
fn words() {
    let none = Net::default();
    for place in ["127.0.0.1:80", "[::1]:80", "93.184.216.34:80", "[2600::1]:80", "[::ffff:127.0.0.1]:80"] {
        judged(&none, place, Err(Error::NetworkUnreachable));
    }
    let sandbox = net("sandbox", &[]);
    for place in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80", "[::127.0.0.1]:80"] {
        judged(&sandbox, place, IN);
    }
    for place in ["93.184.216.34:80", "[2600::1]:80", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "224.0.0.1:1"] {
        judged(&sandbox, place, NOT);
    }
    let loopback = net("loopback", &[]);
    judged(&loopback, "127.0.0.1:80", OUT);
    judged(&loopback, "[::ffff:127.0.0.1]:80", OUT);
    judged(&loopback, "10.0.0.1:80", NOT);
    let all = net("all", &[]);
    for place in ["127.0.0.1:80", "[::1]:80", "93.184.216.34:80", "[2600::1]:80", "10.0.0.1:80", "224.0.0.1:1"] {
        judged(&all, place, OUT);
    }
    for net in [&none, &sandbox, &loopback, &all] {
        for place in ["0.0.0.0:80", "[::]:80", "[::ffff:0.0.0.0]:80"] {
            judged(net, place, Err(Error::NoSuchAddress));
        }
    }
}

#[test]
fn link_local_and_metadata_addresses_are_granted_one_by_one() {
    const GUARDED: [&str; 9] = [
        "169.254.169.254:80",
        "169.254.0.1:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "[fd20:ce::254]:80",
        "100.100.100.200:80",
        "168.63.129.16:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::a9fe:a9fe]:80",
    ];
    for wide in ["all", "0.0.0.0/0,::/0", "169.254.0.0/16,fe80::/10,fd00::/8,100.64.0.0/10,168.0.0.0/8"] {
        for place in GUARDED {
            judged(&net(wide, &[]), place, NOT);
        }
    }
    let one = net("169.254.169.254:80,[fe80::1]:80,fd00:ec2::254", &[]);
    for place in ["169.254.169.254:80", "[fe80::1]:80", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]:80"] {
        judged(&one, place, OUT);
    }
    for place in ["169.254.169.254:81", "169.254.169.253:80", "[fe80::2]:80"] {
        judged(&one, place, NOT);
    }
    let by_name = net("metadata.example", &[("metadata.example", &["169.254.169.254"])]);
    judged(&by_name, "169.254.169.254:80", NOT);
}

#[test]
fn networks_and_ports() {
    let net = net("10.0.0.0/8:5432-5433,192.0.2.7,[2600::/16]:443", &[]);
    for place in [
        "10.1.2.3:5432",
        "10.1.2.3:5433",
        "192.0.2.7:1",
        "[2600:1::]:443",
        "[::ffff:10.0.0.1]:5432",
        "[64:ff9b::10.0.0.1]:5432",
        "[2002:a00:1::]:5432",
    ] {
        judged(&net, place, OUT);
    }
    for place in
        ["10.1.2.3:5434", "11.0.0.1:5432", "192.0.2.8:1", "[2600:1::]:80", "[2601::]:443", "[::ffff:11.0.0.1]:5432"]
    {
        judged(&net, place, NOT);
    }
    judged(&net, "127.0.0.1:5432", IN);
}

#[test]
fn names_lead_to_what_the_monitor_finds_and_to_public_addresses_only() {
    const NAMES: &[(&str, &[&str])] = &[
        ("good.example", &["93.184.216.34", "2600::1"]),
        ("inner.example", &["10.0.0.1", "127.0.0.1"]),
        ("both.example", &["93.184.216.35", "192.168.0.1"]),
        ("a.wide.example", &["93.184.216.36"]),
    ];
    let net = net("good.example:443,inner.example,both.example,*.wide.example,10.9.0.0/16", NAMES);
    judged(&net, "93.184.216.34:443", OUT);
    judged(&net, "[2600::1]:443", OUT);
    judged(&net, "93.184.216.34:80", NOT);
    judged(&net, "93.184.216.35:80", OUT);
    for place in ["10.0.0.1:80", "192.168.0.1:80", "[::ffff:192.168.0.1]:80", "93.184.216.37:443"] {
        judged(&net, place, NOT);
    }
    // The sandbox's own, not the host's.
    judged(&net, "127.0.0.1:80", IN);
    // A name below a domain counts once it was asked for.
    judged(&net, "93.184.216.36:443", NOT);
    let addresses = |name: &str| net.resolve(name).map(|(reply, _)| reply.addresses.len());
    assert_eq!(addresses("A.wide.example."), Ok(1));
    judged(&net, "93.184.216.36:443", OUT);
    assert_eq!(addresses("good.example"), Ok(2));
    assert_eq!(addresses("both.example"), Ok(1));
    for name in [
        "inner.example",
        "other.example",
        "wide.example",
        "xwide.example",
        "good.example.evil",
        "nowhere.wide.example",
        "-x",
        "10.0.0.1",
    ] {
        assert_eq!(addresses(name), Err(Error::NotFound), "{name}");
    }
    let advice = net.refusals.advice(&[]);
    for what in [
        "10.0.0.1:80",
        "private",
        "93.184.216.37:443 is not granted: add --net 93.184.216.37:443",
        "the name other.example",
    ] {
        assert!(advice.iter().any(|line| line.contains(what)), "{what}: {advice:?}");
    }
}

#[test]
fn a_name_that_is_led_elsewhere_later_opens_nothing_private() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // Public when it is looked up first, the host's own afterwards.
    let lookup = move |name: &str| {
        let ip: IpAddr =
            if count.fetch_add(1, Ordering::Relaxed) == 0 { [93, 184, 216, 34] } else { [192, 168, 7, 7] }.into();
        Found { name: name.into(), addresses: vec![ip] }
    };
    let mut net = Net { policy: policy("rebind.example", ""), ..Net::default() };
    net.hosts.lookup = Box::new(lookup);
    judged(&net, "93.184.216.34:80", OUT);
    for _ in 0..3 {
        judged(&net, "192.168.7.7:80", NOT);
        judged(&net, "127.0.0.1:80", IN);
    }
    assert!(asked.load(Ordering::Relaxed) >= 1);
}

fn make(family: Family, transport: Transport, bind: Option<&str>, connect: Option<&str>) -> Make {
    let settings = Vec::new();
    Make { family, transport, settings, bind: bind.map(at), connect: connect.map(at), shared: false }
}

fn made(net: &Net, make: &Make) -> Result<(OwnedFd, SocketReply)> {
    net.make(make).map(|(reply, socket)| (socket.unwrap(), reply))
}

#[test]
fn inside_is_a_network_of_its_own() {
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let net = net("sandbox", &[]);
    let place = format!("127.0.0.1:{port}");
    // Nobody listens inside, whoever does outside.
    let to_host = made(&net, &make(Family::V4, Transport::Stream, None, Some(&place)));
    let refused = match to_host {
        Err(error) => error == Error::Refused,
        Ok((socket, _)) => {
            let mut set = [nix::poll::PollFd::new(socket.as_fd(), nix::poll::PollFlags::POLLOUT)];
            nix::poll::poll(&mut set, nix::poll::PollTimeout::NONE).unwrap();
            let (reply, _) = net.socket(&SocketCall::TakeError, Some(socket)).unwrap();
            reply.number == Error::Refused as u32
        }
    };
    assert!(refused);
    // The same port is free inside.
    let (server, reply) = made(&net, &make(Family::V4, Transport::Stream, Some(&place), None)).unwrap();
    assert_eq!(reply.local, Some(at(&place)));
    net.listen(server.as_fd(), 5).unwrap();
    assert_eq!(net.accept(Some(server.try_clone().unwrap())).map(|_| ()), Err(Error::WouldBlock));
    let (client, reply) = made(&net, &make(Family::V4, Transport::Stream, None, Some(&place))).unwrap();
    assert!(reply.peer == Some(at(&place)) && reply.local.is_some());
    let (reply, other) = net.accept(Some(server)).unwrap();
    assert!(other.is_some() && reply.local == Some(at(&place)) && reply.peer == local(client.as_fd()));
    outside.set_nonblocking(true).unwrap();
    assert!(outside.accept().is_err());
    let elsewhere = make(Family::V4, Transport::Stream, Some("10.1.1.1:0"), None);
    assert_eq!(made(&net, &elsewhere).map(|_| ()), Err(Error::NoSuchAddress));
}

#[test]
fn outside_servers_hear_this_host_alone_unless_published() {
    let net = net("loopback", &[]);
    let (server, _) = made(&net, &make(Family::V4, Transport::Stream, Some("0.0.0.0:0"), None)).unwrap();
    assert_eq!(getsockopt(&server, sockopt::BindToDevice), Ok("lo".into()));
    net.listen(server.as_fd(), 1).unwrap();
    let port = local(server.as_fd()).unwrap().port;
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    // A socket that was made to connect is no server's.
    let (client, _) =
        made(&net, &make(Family::V4, Transport::Stream, None, Some(&format!("127.0.0.1:{port}")))).unwrap();
    assert!(net.listen(client.as_fd(), 1).is_err());
    let unbound = inside::make(Family::V4, Transport::Stream).unwrap();
    assert_eq!(net.listen(unbound.as_fd(), 1), Err(Error::Invalid));
    bind(unbound.as_raw_fd(), &address(at("0.0.0.0:0"))).unwrap();
    assert_eq!(net.listen(unbound.as_fd(), 1), Err(Error::NotGranted));
    // Of nobody's here.
    let wish = make(Family::V4, Transport::Stream, Some("192.0.2.1:0"), None);
    assert_eq!(made(&net, &wish).map(|_| ()), Err(Error::NoSuchAddress));
}

#[test]
fn published_ports_are_taken_at_once_and_opened_when_wanted() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = free();
    let net = Net::new(policy("none", &format!("{place}:80")), Arc::default()).ok().unwrap();
    assert!(std::net::TcpStream::connect(place).is_err());
    let (_, none) = net.publish(Transport::Stream, 81).unwrap();
    assert!(none.is_none());
    let (reply, server) = net.publish(Transport::Stream, 80).unwrap();
    assert_eq!(reply.local, Some(Endpoint::from(place)));
    let client = std::net::TcpStream::connect(place).unwrap();
    let (reply, _) = net.accept(server).unwrap();
    assert_eq!(reply.peer, Some(Endpoint::from(client.local_addr().unwrap())));
    // The server is gone with its descriptor.
    assert!(std::net::TcpStream::connect(place).is_err());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let policy = policy("none", &taken.local_addr().unwrap().to_string());
    assert!(Net::new(policy, Arc::default()).is_err_and(|(_, errno)| errno == Errno::EADDRINUSE));
}

#[test]
fn who_sent_to_a_published_port_may_be_answered() {
    let place = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let net = Net::new(policy("none", &format!("{place}:53/udp")), Arc::default()).ok().unwrap();
    let (_, held) = net.publish(Transport::Datagram, 53).unwrap();
    let held = held.unwrap();
    assert_eq!(net.accept(held.try_clone().ok()).map(|_| ()), Err(Error::WouldBlock));
    let asker = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    asker.connect(place).unwrap();
    asker.send(b"who").unwrap();
    let (reply, way) = net.accept(held.try_clone().ok()).unwrap();
    assert_eq!((reply.local, reply.peer), (Some(place.into()), Some(asker.local_addr().unwrap().into())));
    assert_eq!(recv(held.as_raw_fd(), &mut [0; 9], MsgFlags::empty()), Ok(3));
    nix::unistd::write(way.as_ref().unwrap(), b"answer").unwrap();
    assert_eq!(asker.recv(&mut [0; 9]).unwrap(), 6);
    // From here on it has a way of its own, and others have none.
    asker.send(b"next").unwrap();
    assert_eq!(recv(way.unwrap().as_raw_fd(), &mut [0; 9], MsgFlags::empty()), Ok(4));
    assert_eq!(net.accept(Some(held)).map(|_| ()), Err(Error::WouldBlock));
    let elsewhere = make(Family::V4, Transport::Datagram, None, Some(&asker.local_addr().unwrap().to_string()));
    assert_eq!(made(&net, &elsewhere).map(|_| ()), Err(Error::NetworkUnreachable));
}

#[test]
fn datagram_sockets_share_a_port_among_themselves() {
    let net = net("sandbox", &[]);
    let (base, reply) = made(&net, &make(Family::V4, Transport::Datagram, Some("127.0.0.1:0"), None)).unwrap();
    let own = reply.local.unwrap().to_string();
    // Somebody else cannot have it.
    assert_eq!(made(&net, &make(Family::V4, Transport::Datagram, Some(&own), None)).map(|_| ()), Err(Error::PortInUse));
    let (other, reply) = made(&net, &make(Family::V4, Transport::Datagram, Some("127.0.0.1:0"), None)).unwrap();
    let others = reply.local.unwrap().to_string();
    let to_other = Make { shared: true, ..make(Family::V4, Transport::Datagram, Some(&own), Some(&others)) };
    let (way, reply) = made(&net, &to_other).unwrap();
    assert_eq!(reply.local, Some(at(&own)));
    nix::unistd::write(&way, b"x").unwrap();
    let mut from = [0; 4];
    let (count, who) = nix::sys::socket::recvfrom::<SockaddrStorage>(other.as_raw_fd(), &mut from).unwrap();
    assert_eq!((count, who.map(|who| who.to_string())), (1, Some(own.clone())));
    // What the other sends comes by the way to it, what anybody else sends to the base.
    let mut back = make(Family::V4, Transport::Datagram, Some(&others), Some(&own));
    back.shared = true;
    let (back, _) = made(&net, &back).unwrap();
    nix::unistd::write(&back, b"yy").unwrap();
    assert_eq!(recv(way.as_raw_fd(), &mut from, MsgFlags::empty()), Ok(2));
    let (third, _) = made(&net, &make(Family::V4, Transport::Datagram, None, Some(&own))).unwrap();
    nix::unistd::write(&third, b"zzz").unwrap();
    assert_eq!(recv(base.as_raw_fd(), &mut from, MsgFlags::empty()), Ok(3));
}

#[test]
fn only_internet_sockets_are_touched() {
    let net = net("all", &[]);
    let (a, _b) = nix::sys::socket::socketpair(
        nix::sys::socket::AddressFamily::Unix,
        nix::sys::socket::SockType::Stream,
        None,
        nix::sys::socket::SockFlag::empty(),
    )
    .unwrap();
    let calls = [
        SocketCall::Listen { backlog: 1 },
        SocketCall::Set { setting: Setting { option: SocketOption::KeepAlive, value: vec![1, 0, 0, 0] } },
        SocketCall::TakeError,
        SocketCall::EndSending,
    ];
    for call in calls {
        assert_eq!(net.socket(&call, Some(a.try_clone().unwrap())).map(|_| ()), Err(Error::Invalid), "{call:?}");
        assert_eq!(net.socket(&call, None).map(|_| ()), Err(Error::Invalid), "{call:?}");
    }
    assert_eq!(net.accept(Some(a)).map(|_| ()), Err(Error::Invalid));
}
