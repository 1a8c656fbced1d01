use super::*;

fn mounted(texts: &[&str]) -> Result<Policy, PolicyError> {
    let mut policy = Policy::default();
    texts.iter().try_for_each(|text| policy.mount(text))?;
    policy.check().map(|()| policy)
}

#[test]
fn mounts_from_the_command_line() {
    let policy = mounted(&["/srv/data=C:\\data", "/a=b=z:/x/y:rw", "rel=D:", "x=E:\\e:ro"]).unwrap();
    let seen: Vec<String> =
        policy.mounts.iter().map(|m| format!("{} {} {}", m.host.display(), m.guest, m.writable)).collect();
    assert_eq!(seen, ["/srv/data C:\\data false", "/a=b Z:\\x\\y true", "rel D:\\ false", "x E:\\e false"]);
}

#[test]
fn refused_mounts_say_why() {
    for (texts, said) in [
        (&["/srv/data"][..], "HOST=GUEST"),
        (&["=C:\\x"], "HOST=GUEST"),
        (&["/srv=data"], "must begin with a drive letter"),
        (&["/srv=C:\\a\\..\\b"], "`..` is not allowed"),
        (&["/a=C:\\x", "/b=c:\\X"], "two mounts at C:\\X"),
        (&["/a=C:\\Windows\\system32"], "own system lies there"),
        (&["/a=C:\\"], "own system lies there"),
    ] {
        let error = mounted(texts).unwrap_err().to_string();
        assert!(error.contains(said), "{texts:?}: {error}");
    }
}

#[test]
fn variables_and_limits() {
    let mut policy = Policy::default();
    policy.env("A=1").unwrap();
    policy.env("a=2=3").unwrap();
    assert_eq!(policy.environment, [("a".to_string(), "2=3".to_string())]);
    assert!(policy.env("A").is_err());
    policy.env("=x").unwrap();
    assert!(policy.check().unwrap_err().to_string().contains("environment variable"));
    let small = Policy { memory: Some(1000), ..Policy::default() };
    assert_eq!(small.check().unwrap_err().to_string(), "memory must be between 16 MiB and 64 TiB");
}

#[test]
fn in_plain_language() {
    let text = mounted(&["/srv/data=C:\\data:rw"]).unwrap().to_string();
    assert!(text.contains("It sees /srv/data as C:\\data, for reading and writing."), "{text}");
    assert!(text.contains("no environment variables"), "{text}");
}

#[test]
fn every_grant_is_named_with_its_option() {
    let mut policy = Policy::default();
    assert_eq!(policy.granted(), []);
    policy.mount("/srv=C:\\srv:rw").unwrap();
    policy.env("A=b").unwrap();
    policy.grants.push("all".parse().unwrap());
    policy.published.push("8080".parse().unwrap());
    let all: Vec<String> = policy.granted().into_iter().map(|(what, rule)| format!("{what} {rule}")).collect();
    assert_eq!(
        all,
        [
            "C:\\srv --mount /srv=C:\\srv:rw",
            "network --net all",
            "127.0.0.1:8080 --publish 127.0.0.1:8080:8080/tcp",
            "A --env",
            "roots --net"
        ]
    );
}
