//! What of the network a sandbox reaches, seen from inside, for every rule of the policy; and what it says of what it does not.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use portcullis::command::Outcome;
use portcullis::guest;
use portcullis::product::Sandbox;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A server of the host's that answers whatever comes, by TCP and UDP, and counts who came.
struct Server {
    port: u16,
    came: Arc<AtomicUsize>,
}

fn serve(ip: IpAddr) -> Option<Server> {
    serve_at(ip, 0)
}

fn serve_at(ip: IpAddr, port: u16) -> Option<Server> {
    let listener = TcpListener::bind((ip, port)).ok()?;
    let port = listener.local_addr().ok()?.port();
    let datagrams = UdpSocket::bind((ip, port)).ok()?;
    let came = Arc::new(AtomicUsize::new(0));
    let (first, second) = (came.clone(), came.clone());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            first.fetch_add(1, Ordering::SeqCst);
            let mut text = [0; 16];
            let count = stream.read(&mut text).unwrap_or(0);
            let _ = stream.write_all(&text[..count]);
        }
    });
    thread::spawn(move || {
        let mut text = [0; 16];
        while let Ok((count, from)) = datagrams.recv_from(&mut text) {
            second.fetch_add(1, Ordering::SeqCst);
            let _ = datagrams.send_to(&text[..count], from);
        }
    });
    Some(Server { port, came })
}

impl Server {
    fn new() -> Server {
        serve(Ipv4Addr::LOCALHOST.into()).unwrap()
    }

    /// How many came since the last call.
    fn came(&self) -> usize {
        self.came.swap(0, Ordering::SeqCst)
    }
}

fn run(net: &[&str], arguments: &[String]) -> Outcome {
    let sandbox = net.iter().fold(Sandbox::new(), |sandbox, grant| sandbox.option("--net", grant));
    sandbox.program(guest::program("reach")).args(arguments).limit(Duration::from_secs(60)).run()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Every way to 127.0.0.1 at a port.
fn all_ways(port: u16) -> Vec<String> {
    words(&format!(
        "tcp 127.0.0.1 {port} udp 127.0.0.1 {port} udpc 127.0.0.1 {port} tcp ::ffff:127.0.0.1 {port} udp ::ffff:127.0.0.1 {port} \
         tcp ::ffff:7f00:1 {port} tcp ::127.0.0.1 {port} tcp 127.9.9.9 {port} tcp 0.0.0.0 {port} tcp :: {port} tcp ::ffff:0.0.0.0 {port}"
    ))
}

#[track_caller]
fn held(outcome: &Outcome, server: &Server) {
    let text = outcome.lines();
    assert!(text.contains("done") && !text.contains("REACHED"), "{outcome:?}");
    assert_eq!(server.came(), 0, "{outcome:?}");
}

#[test]
fn without_a_grant_nothing_is_reached_and_what_to_grant_is_said() {
    let server = Server::new();
    let port = server.port;
    let outcome = run(&[], &all_ways(port));
    held(&outcome, &server);
    assert!(outcome.lines().contains(&format!("tcp 127.0.0.1 {port}: error 10051")), "{outcome:?}");
    let said = outcome.errors();
    assert!(said.contains(&format!("127.0.0.1:{port} is not granted: add --net sandbox")), "{said}");
    assert_eq!(said.matches(&format!("127.0.0.1:{port} is")).count(), 1, "{said}");
    let outcome = run(&[], &words("name example.com name localhost tcp 93.184.216.34 80"));
    let text = outcome.lines();
    assert!(
        text.contains("name example.com: error 11001") && text.contains("tcp 93.184.216.34 80: error 10051"),
        "{outcome:?}"
    );
    assert!(outcome.errors().contains("the name example.com is not granted: add --net example.com"), "{outcome:?}");
}

#[test]
fn a_sandbox_of_its_own_has_loopback_addresses_that_are_not_the_hosts() {
    let server = Server::new();
    held(&run(&["sandbox"], &all_ways(server.port)), &server);
    // The same port is free there, and its own processes reach each other.
    let outcome = run(&["sandbox"], &words(&format!("pair {} tcp 10.0.0.1 80 udp 10.0.0.1 80", server.port)));
    let text = outcome.lines();
    assert!(text.contains(&format!("pair {}: REACHED 5", server.port)), "{outcome:?}");
    assert!(
        text.contains("tcp 10.0.0.1 80: error 10013") && text.contains("udp 10.0.0.1 80: error 10013"),
        "{outcome:?}"
    );
    assert_eq!(server.came(), 0);
    // Two sandboxes are two networks.
    let other = thread::spawn(|| {
        let serves =
            Sandbox::new().option("--net", "sandbox").option("--timeout", "5s").program(guest::program("reach"));
        serves.args(words("serve 4567")).limit(Duration::from_secs(60)).run()
    });
    thread::sleep(Duration::from_millis(500));
    let outcome = run(&["sandbox"], &words("tcp 127.0.0.1 4567"));
    assert!(outcome.lines().contains("tcp 127.0.0.1 4567: error 10061"), "{outcome:?}");
    other.join().unwrap();
}

#[test]
fn loopback_is_the_hosts_and_nothing_else_is() {
    let server = Server::new();
    let port = server.port;
    let ways = words(&format!(
        "tcp 127.0.0.1 {port} udp 127.0.0.1 {port} udpc 127.0.0.1 {port} tcp ::ffff:127.0.0.1 {port} tcp 10.0.0.1 80 tcp 169.254.169.254 80"
    ));
    let outcome = run(&["loopback"], &ways);
    assert_eq!(outcome.lines().matches("REACHED hello").count(), 4, "{outcome:?}");
    assert_eq!(outcome.lines().matches("error 10013").count(), 2, "{outcome:?}");
    assert_eq!(server.came(), 4);
}

#[test]
fn places_are_addresses_networks_and_ports() {
    let (server, other) = (Server::new(), Server::new());
    let port = server.port;
    let both = words(&format!(
        "tcp 127.0.0.1 {port} tcp ::ffff:127.0.0.1 {port} udp 127.0.0.1 {port} tcp 127.0.0.1 {}",
        other.port
    ));
    for grant in [format!("127.0.0.1:{port}"), format!("127.0.0.0/8:{port}"), format!("[::ffff:127.0.0.1]:{port}")] {
        let outcome = run(&[&grant], &both);
        assert_eq!(outcome.lines().matches("REACHED hello").count(), 3, "{grant}: {outcome:?}");
        assert_eq!((server.came(), other.came()), (3, 0), "{grant}");
    }
    for grant in [format!("127.0.0.1:{}", other.port), format!("10.0.0.0/8:{port}"), format!("[::1]:{port}")] {
        run(&[&grant], &words(&format!("tcp 127.0.0.1 {port} udp 127.0.0.1 {port} tcp ::ffff:127.0.0.1 {port}")));
        assert_eq!(server.came(), 0, "{grant}");
    }
}

#[test]
fn a_name_leads_to_no_private_address() {
    let server = Server::new();
    let port = server.port;
    // The name is granted, and leads to the host itself: what a name server says cannot open that.
    let outcome = run(
        &[&format!("localhost:{port}")],
        &words(&format!("name localhost tcp 127.0.0.1 {port} udp 127.0.0.1 {port}")),
    );
    held(&outcome, &server);
    // The host's own address in a network that others see, if it has one.
    let Some(own) = own_address() else { return };
    let Some(server) = serve(own) else { return };
    let port = server.port;
    let Ok(name) = nix::unistd::gethostname() else { return };
    let name = name.to_string_lossy().to_lowercase();
    let outcome = run(&[&name], &words(&format!("name {name} tcp {own} {port} udp {own} {port}")));
    held(&outcome, &server);
    let outcome =
        run(&[&format!("{own}:{port}")], &words(&format!("tcp {own} {port} udp {own} {port} tcp ::ffff:{own} {port}")));
    assert_eq!(outcome.lines().matches("REACHED hello").count(), 3, "{outcome:?}");
    let outcome = run(&["all"], &words(&format!("tcp {own} {port} udp {own} {port}")));
    assert_eq!(outcome.lines().matches("REACHED hello").count(), 2, "{outcome:?}");
}

/// An IPv4 address of this host's that is no loopback one.
fn own_address() -> Option<IpAddr> {
    let probe = UdpSocket::bind("0.0.0.0:0").ok()?;
    probe.connect("192.0.2.1:9").ok()?;
    let ip = probe.local_addr().ok()?.ip();
    (ip.is_ipv4() && !ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

/// A network and a table of names that belong to the calling thread and whatever it starts: with these addresses.
/// `None` where this user may not have one.
fn own_network(addresses: &[&str], hosts: &Path) -> Option<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).ok()?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    mount(Some(hosts), "/etc/hosts", none, MsFlags::MS_BIND, none).unwrap();
    let ip =
        |arguments: &[&str]| assert!(Command::new("ip").args(arguments).status().unwrap().success(), "{arguments:?}");
    ip(&["link", "set", "lo", "up"]);
    for address in addresses {
        ip(&["address", "add", address, "dev", "lo"]);
    }
    Some(())
}

/// The name leads to a public address first. When that has been reached, it leads elsewhere: what is public may be reached then, too;
/// what is private, or the host itself, was never meant, however it is written.
#[test]
fn a_name_that_is_led_elsewhere_opens_nothing_private() {
    const PRIVATE: [&str; 7] =
        ["127.0.0.1", "10.1.2.3", "192.168.7.8", "100.64.9.9", "169.254.169.254", "100.100.100.200", "fd00:ec2::254"];
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "8.8.4.4 rebind.test\n").unwrap();
    let guest = move || {
        let mine: Vec<&str> = PRIVATE[1..].iter().copied().chain(["8.8.4.4", "8.8.8.8"]).collect();
        own_network(&mine, &hosts)?;
        let public = serve("8.8.4.4".parse().unwrap())?;
        let port = public.port;
        let came = public.came.clone();
        let private: Vec<Server> = PRIVATE.iter().filter_map(|ip| serve_at(ip.parse().unwrap(), port)).collect();
        assert_eq!(private.len(), PRIVATE.len(), "a server on each address");
        let later = serve_at("8.8.8.8".parse().unwrap(), port).unwrap();
        let (done, now) = (Arc::new(AtomicBool::new(false)), hosts.clone());
        let end = done.clone();
        let name_server = thread::spawn(move || {
            while came.load(Ordering::SeqCst) == 0 && !end.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            let lines: String = PRIVATE.iter().chain(&["8.8.8.8"]).map(|ip| format!("{ip} rebind.test\n")).collect();
            fs::write(now, lines).unwrap();
        });
        let mapped = ["::ffff:10.1.2.3", "::ffff:7f00:1", "64:ff9b::a01:203", "2002:a01:203::1"];
        let places = PRIVATE
            .iter()
            .chain(&mapped)
            .flat_map(|ip| ["tcp", "udp", "udpc"].map(|way| format!("{way} {ip} {port} ")));
        let text =
            format!("tcp 8.8.4.4 {port} until rebind.test 8.8.8.8 {} tcp 8.8.8.8 {port}", places.collect::<String>());
        let outcome = run(&[&format!("rebind.test:{port}")], &words(&text));
        done.store(true, Ordering::SeqCst);
        name_server.join().unwrap();
        Some((outcome, private.iter().map(Server::came).sum::<usize>(), later.came()))
    };
    let Some((outcome, private, later)) = thread::spawn(guest).join().unwrap() else { return };
    let text = outcome.lines();
    assert_eq!(text.matches("REACHED hello").count(), 2, "{outcome:?}");
    assert!(text.contains("until rebind.test: 8.8.8.8") && text.contains("done"), "{outcome:?}");
    assert_eq!((private, later), (0, 1), "{outcome:?}");
    let said = outcome.errors();
    assert!(said.contains("a name that is granted leads there, but the address is private"), "{said}");
}

#[test]
fn link_local_and_metadata_addresses_are_granted_one_by_one() {
    let places = "tcp 169.254.169.254 80 udp 169.254.169.254 80 tcp ::ffff:169.254.169.254 80 tcp fe80::1 80 tcp fd00:ec2::254 80 \
                  tcp 64:ff9b::a9fe:a9fe 80 tcp 100.100.100.200 80";
    for grant in ["all", "0.0.0.0/0,::/0", "169.254.0.0/16,fe80::/10"] {
        let outcome = run(&[grant], &words(places));
        assert_eq!(outcome.lines().matches("error 10013").count(), 7, "{grant}: {outcome:?}");
        let said = outcome.errors();
        assert!(said.contains("169.254.169.254:80 is not granted: such addresses are granted one by one"), "{said}");
    }
}

#[test]
fn every_way_of_ipv6() {
    let Some(server) = serve(Ipv6Addr::LOCALHOST.into()) else { return };
    let ways = words(&format!("tcp ::1 {0} udp ::1 {0}", server.port));
    let outcome = run(&["loopback"], &ways);
    assert_eq!(outcome.lines().matches("REACHED hello").count(), 2, "{outcome:?}");
    server.came();
    held(&run(&["sandbox"], &ways), &server);
    held(&run(&["127.0.0.1"], &ways), &server);
    let outcome = run(&[&format!("[::1]:{}", server.port)], &ways);
    assert_eq!(outcome.lines().matches("REACHED hello").count(), 2, "{outcome:?}");
}

#[test]
fn no_socket_of_another_kind_comes_about() {
    for net in [&[][..], &["all"]] {
        let outcome = run(net, &words("raw"));
        assert_eq!(outcome.lines().matches(": held").count(), 8, "{outcome:?}");
    }
}

/// A port that is free now.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Connects to a server that is about to start, and hears its answer.
fn answer_of(at: SocketAddr) -> Option<String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if let Ok(mut stream) = TcpStream::connect(at) {
            let _ = stream.write_all(b"hello");
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            return Some(text);
        }
        thread::sleep(Duration::from_millis(50));
    }
    None
}

#[test]
fn published_ports_lead_in_and_others_do_not() {
    for net in [None, Some("sandbox"), Some("loopback")] {
        let (host, own) = (free(), free());
        let program = guest::program("reach");
        let guest = thread::spawn(move || {
            let sandbox = net.iter().fold(Sandbox::new(), |sandbox, net| sandbox.option("--net", net));
            let run = sandbox.option("--publish", &format!("{host}:{own}")).program(program);
            run.args(words(&format!("serve {own}"))).limit(Duration::from_secs(60)).run()
        });
        let answer = answer_of(SocketAddr::from(([127, 0, 0, 1], host)));
        let outcome = guest.join().unwrap();
        assert_eq!(answer.as_deref(), Some("hello"), "{net:?}: {outcome:?}");
        assert!(outcome.lines().contains(&format!("served {own}: 5 bytes")), "{outcome:?}");
    }
    // By UDP.
    let (host, own) = (free(), free());
    let guest = thread::spawn(move || {
        let sandbox = Sandbox::new().option("--publish", &format!("{host}:{own}/udp"));
        sandbox
            .program(guest::program("reach"))
            .args(words(&format!("userve {own}")))
            .limit(Duration::from_secs(60))
            .run()
    });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.1", host)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut text = [0; 16];
    let answered = (0..150).any(|_| {
        let answered = socket.send(b"hello").is_ok() && matches!(socket.recv(&mut text), Ok(5));
        // Before the program is there, the host says at once that nobody is.
        thread::sleep(Duration::from_millis(if answered { 0 } else { 100 }));
        answered
    });
    let outcome = guest.join().unwrap();
    assert!(answered, "{outcome:?}");
    // A port that another program has.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let outcome = Sandbox::new().option("--publish", &place).program(guest::program("reach")).run();
    assert_eq!(outcome.status, 125, "{outcome:?}");
    assert!(outcome.errors().contains(&format!("cannot publish at {place}")), "{outcome:?}");
}
