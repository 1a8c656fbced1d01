//! Unit tests of the language.

use super::*;
use alloc::vec::Vec;

fn network(grants: &str, published: &str) -> Result<Network, RuleError> {
    let network = Network {
        grants: grants.split([' ', ',']).map(str::parse).collect::<Result<_, _>>()?,
        published: published.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
    };
    network.check().map(|()| network)
}

fn granted(text: &str) -> Result<Network, RuleError> {
    network(text, "")
}

#[test]
fn words_widen_and_none_stands_alone() {
    let words = |text: &str| granted(text).map(|n| (n.any(), n.host_loopback(), n.all(), n.rules().count()));
    assert_eq!(words("none"), Ok((false, false, false, 0)));
    assert_eq!(words("sandbox"), Ok((true, false, false, 0)));
    assert_eq!(words("loopback"), Ok((true, true, false, 0)));
    assert_eq!(words("all"), Ok((true, true, true, 0)));
    assert_eq!(words("loopback,example.com:443 10.0.0.0/8"), Ok((true, true, false, 2)));
    assert_eq!(words("host"), Ok((true, true, true, 0)));
    for bad in ["none,all", "all,none", "sandbox none"] {
        assert_eq!(granted(bad), Err(RuleError::None), "{bad}");
    }
}

#[test]
fn places() {
    let net = |text: &str| Place::Net(text.parse().unwrap());
    for (text, place, ports, same) in [
        ("example.com", Place::Host("example.com".into()), ALL_PORTS, "example.com"),
        ("Example.COM.:443", Place::Host("example.com".into()), (443, 443), "example.com:443"),
        ("*.example.com:80-90", Place::Domain("example.com".into()), (80, 90), "*.example.com:80-90"),
        ("10.1.2.3", net("10.1.2.3/32"), ALL_PORTS, "10.1.2.3"),
        ("10.0.0.0/8:5432", net("10.0.0.0/8"), (5432, 5432), "10.0.0.0/8:5432"),
        ("2001:db8::1", net("2001:db8::1/128"), ALL_PORTS, "2001:db8::1"),
        ("2001:db8::/32", net("2001:db8::/32"), ALL_PORTS, "2001:db8::/32"),
        ("[2001:db8::/32]:443", net("2001:db8::/32"), (443, 443), "[2001:db8::/32]:443"),
        ("[::1]", net("::1/128"), ALL_PORTS, "::1"),
        ("[::ffff:10.0.0.1]:1", net("10.0.0.1/32"), (1, 1), "10.0.0.1:1"),
        ("::ffff:10.0.0.0/104", net("10.0.0.0/8"), ALL_PORTS, "10.0.0.0/8"),
    ] {
        let grant = Grant::Place(Rule { place, ports });
        assert_eq!(text.parse().as_ref(), Ok(&grant), "{text}");
        assert_eq!((format!("{grant}").as_str(), same.parse()), (same, Ok(grant)), "{text}");
    }
    for word in ["none", "sandbox", "loopback", "all", "host"] {
        assert_eq!(word.parse::<Grant>().map(|grant| format!("{grant}")).as_deref(), Ok(word));
    }
    for bad in [
        "",
        "a,,b",
        "exa;mple.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:90-80",
        "example.com:http",
        "10.0.0.0/33",
        "300.1.2.3",
        "1.2.3",
        "[::1",
        "[::1]80",
        "[example.com]:80",
        "*",
        "*.",
        "-a.b",
        "http://example.com",
        "user@example.com",
        "a..b",
        "a:+1",
    ] {
        assert!(matches!(granted(bad), Err(RuleError::Grant(_))), "{bad:?}: {:?}", granted(bad));
    }
}

#[test]
fn published_ports() {
    for (text, at, port, transport) in [
        ("8080", "127.0.0.1:8080", 8080, Transport::Stream),
        ("80:8080", "127.0.0.1:80", 8080, Transport::Stream),
        ("0.0.0.0:80:8080/tcp", "0.0.0.0:80", 8080, Transport::Stream),
        ("10.0.0.1:53/udp", "10.0.0.1:53", 53, Transport::Datagram),
        ("[::1]:5432", "[::1]:5432", 5432, Transport::Stream),
        ("[::]:1:2", "[::]:1", 2, Transport::Stream),
    ] {
        let one = Published { at: at.parse().unwrap(), port, transport };
        assert_eq!((text.parse(), format!("{one}").parse()), (Ok(one), Ok(one)), "{text}");
    }
    for bad in
        ["", "0", "65536", "a", "80:", ":80", "80:0", "1:2:3", "localhost:80", "::1:80", "[::1]80", "80/sctp", "80-81"]
    {
        assert!(matches!(bad.parse::<Published>(), Err(RuleError::Publish(_))), "{bad:?}");
    }
    assert_eq!(network("none", "80:8080 81:8080"), Err(RuleError::Twice(8080)));
    assert_eq!(network("none", "80:8080 80:8081"), Err(RuleError::Twice(8081)));
    assert!(network("none", "80:8080 80:8080/udp").is_ok());
}

#[test]
fn said_in_words() {
    assert_eq!(format!("{}", granted("none").unwrap()), "It cannot reach the network");
    assert_eq!(
        format!("{}", network("example.com:443,10.0.0.0/8", "80").unwrap()),
        "It may reach its own processes by loopback addresses, example.com:443, 10.0.0.0/8. \
         Its TCP port 80 is this host's 127.0.0.1:80"
    );
}

#[test]
fn what_addresses_are() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    for form in ["::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::7"] {
        assert_eq!(plain(ip(form)), ip("10.0.0.1"), "{form}");
    }
    for same in ["::1", "::", "2001:db8::1", "10.0.0.1"] {
        assert_eq!(plain(ip(same)), ip(same));
    }
    let of = |test: fn(IpAddr) -> bool, all: &[&str]| all.iter().map(|text| test(ip(text))).collect::<Vec<_>>();
    let guarded_ones = ["169.254.0.1", "fe80::1", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"];
    assert!(of(guarded, &guarded_ones).iter().all(|yes| *yes));
    let private_ones =
        ["127.0.0.1", "10.1.1.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.19.0.1", "::1", "fd00::1"];
    assert!(of(private, &private_ones).iter().all(|yes| *yes));
    let public = ["93.184.216.34", "2600::1", "172.32.0.1", "100.128.0.1"];
    assert!(!of(guarded, &public).contains(&true) && !of(private, &public).contains(&true));
}
