use super::*;
use shim_abi::net::rules::Network;

fn said(text: &str) -> String {
    parse(text, Path::new("/base")).unwrap_err().to_string()
}

#[test]
fn a_whole_file() {
    let text = r#"
        workdir = 'C:\data'
        memory = "512MiB"
        timeout = 30
        scratch = 1048576
        threads = 10
        files = 100
        user = "ann"
        roots = false
        [[mount]]
        host = "data"
        guest = 'c:\data'
        writable = true
        [[mount]]
        host = "/srv"
        guest = "D:/"
        [env]
        LANG = "x"
    "#;
    let policy = parse(text, Path::new("/base")).unwrap();
    policy.check().unwrap();
    assert_eq!(policy.mounts[0].host, Path::new("/base/data"));
    assert!(policy.mounts[0].writable && !policy.mounts[1].writable);
    assert_eq!(policy.mounts[1].host, Path::new("/srv"));
    assert_eq!((policy.memory, policy.timeout), (Some(512 << 20), Some(Duration::from_secs(30))));
    assert_eq!(policy.environment, [("LANG".to_string(), "x".to_string())]);
    assert_eq!((policy.scratch, policy.threads, policy.files, policy.user.as_str()), (1 << 20, 10, 100, "ann"));
    assert_eq!((policy.roots, parse("", Path::new("/base")).unwrap().roots), (Some(false), None));
}

#[test]
fn the_network() {
    let text = "net = ['loopback', 'example.com:443']\npublish = ['0.0.0.0:80:8080']";
    let network = parse(text, Path::new("/")).unwrap().network();
    assert!(network.host_loopback() && !network.all());
    assert_eq!((network.grants.len(), network.published.len()), (2, 1));
    assert_eq!(parse("", Path::new("/")).unwrap().network(), Network::default());
    let twice = parse("net = ['sandbox', 'none']", Path::new("/")).unwrap().check().unwrap_err();
    assert!(twice.to_string().contains("stands alone"), "{twice}");
}

#[test]
fn errors_name_line_and_key() {
    for (text, parts) in [
        ("mounts = []", &["line 1", "unknown field `mounts`"][..]),
        ("[[mount]]\nhost = '/a'\nguest = 'C:\\x'\nrw = true", &["line 4", "unknown field `rw`"]),
        ("[[mount]]\nguest = 'C:\\x'", &["missing field `host`"]),
        ("[[mount]]\nhost = '/a'\nguest = 'data'", &["line 3", "must begin with a drive letter"]),
        ("memory = true", &["line 1", "memory", "expected a number or a text with a unit"]),
        ("memory = '5 parsecs'", &["line 1", "is no size"]),
        ("timeout = 'soon'", &["line 1", "is no time"]),
        ("threads = 'many'", &["line 1", "threads", "invalid type"]),
        ("[env]\nA = 1", &["line 2", "invalid type"]),
        ("mount = ", &["line 1"]),
        ("net = ['http://x']", &["line 1", "`http://x` is no place", "10.0.0.0/8"]),
        ("net = 'all'", &["line 1", "expected a sequence"]),
        ("publish = ['1:2:3']", &["line 1", "`1:2:3` is no port"]),
    ] {
        let error = said(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
    }
}
