use super::*;

fn line(what: &str, rule: &str, in_passing: bool) -> Line {
    Line { event: "refused".into(), what: what.into(), rule: rule.into(), in_passing }
}

#[test]
fn what_was_refused_is_proposed() {
    let mut policy = Policy::default();
    policy.mount("/srv/in=C:\\in").unwrap();
    policy.mount("/srv/out=C:\\out").unwrap();
    let mut proposal = Proposal::of(&policy);
    for one in [
        line("C:\\out", "C:\\out\\a.txt is read-only: add --mount '/srv/out'=C:\\out:rw", false),
        line("C:\\data", "C:\\data is not visible: add --mount HOSTFOLDER=C:\\data", false),
        line("C:\\etc", "C:\\etc is not visible: add --mount HOSTFOLDER=C:\\etc", true),
        line("the name example.com", "the name example.com is not granted: add --net example.com", false),
        line("10.0.0.1:80", "10.0.0.1:80 is not granted: add --net 10.0.0.1:80", false),
        Line { event: "granted".into(), ..line("C:\\in", "add --net all", false) },
        line("x", "for good", false),
    ] {
        proposal.learn(&one);
    }
    let text = proposal.text(&["a.exe".into(), "b\nc".into()]);
    let read = Policy::from_text(&text, std::path::Path::new("/")).unwrap();
    let mounts: Vec<_> = read.mounts.iter().map(|mount| (mount.guest.to_string(), mount.writable)).collect();
    assert_eq!(mounts, [("C:\\in".to_owned(), false), ("C:\\out".to_owned(), true)], "{text}");
    assert_eq!(read.grants.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1:80", "example.com"]);
    for part in ["# guest = 'C:\\data'", "#   C:\\etc\n", "#   x: for good\n", "# Learnt from one run of: a.exe b c\n"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn options_are_found_in_advice() {
    assert_eq!(option("x: add --net a.b:1"), Some(("net", "a.b:1".into())));
    assert_eq!(option("nothing to add"), None);
}

#[test]
fn of_several_ways_to_grant_one_is_proposed() {
    let loopback = "sandbox (its own processes) or --net loopback (this host's servers too)";
    let proposed = |what: &str, advice: &str, served| {
        let proposed = grant(what, advice, |_| served);
        assert!(proposed.parse::<Grant>().is_ok(), "{proposed}");
        proposed
    };
    assert_eq!(proposed("127.0.0.1:80", loopback, true), "127.0.0.1:80");
    assert_eq!(proposed("[::1]:80", loopback, true), "[::1]:80");
    assert_eq!(proposed("127.0.0.1:80", loopback, false), "sandbox");
    assert_eq!(proposed("9.9.9.9:80", "9.9.9.9:80 (or example.com:80)", false), "example.com:80");
    assert_eq!(proposed("9.9.9.9:80", "9.9.9.9:80", true), "9.9.9.9:80");
    assert_eq!(proposed("the name a.b", "a.b", false), "a.b");
    // Those are the words that are said.
    let policy = Policy::default();
    let to = shim_abi::net::Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port: 80, scope: 0 };
    let shim_abi::net::rules::Verdict::Refused(said) = policy.network().judge(to, |_| false, || None) else { panic!() };
    assert_eq!(said.strip_prefix("add --net "), Some(loopback));
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap();
    assert!(is_served(at));
    drop(server);
    assert!(!is_served(at));
}
