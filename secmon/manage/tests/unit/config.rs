use super::*;

#[test]
fn a_file_and_its_text_mean_the_same() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("in")).unwrap();
    let text = "memory = '256M'\nnet = ['example.com:443']\n[[mount]]\nhost = 'in'\nguest = 'D:\\in'\n";
    let path = dir.path().join("a.toml");
    std::fs::write(&path, text).unwrap();
    let config = Config::of(path.to_str().unwrap(), &[]).unwrap();
    assert_eq!(config.file.as_deref(), Some(path.as_path()));
    let again = Policy::from_text(&config.text, Path::new("/elsewhere")).unwrap();
    assert_eq!((again.mounts[0].host.clone(), again), (dir.path().join("in"), config.policy));
    assert_eq!(Config::of("memory = 67108864", &[]).unwrap().policy.memory, Some(64 << 20));
}

#[test]
fn a_wsb_file_becomes_a_policy() {
    let text = "<Configuration><Networking>Enable</Networking><MemoryInMB>512</MemoryInMB><MappedFolders><MappedFolder>\
                <HostFolder>/usr</HostFolder><ReadOnly>true</ReadOnly></MappedFolder></MappedFolders>\
                <LogonCommand><Command>cmd.exe</Command></LogonCommand></Configuration>";
    let config = Config::of(text, &[]).unwrap();
    assert_eq!(Policy::from_text(&config.text, Path::new("/")).unwrap(), config.policy);
    assert_eq!(config.command.as_deref(), Some("cmd.exe"));
    assert_eq!(config.policy.user, wsb::USER);
}

#[test]
fn what_is_neither_is_said() {
    for (text, want) in [
        ("no-such-file.wsb", "there is no such file"),
        ("nonsense = 1", "unknown field `nonsense`"),
        ("<Configuration><A/></Configuration>", "--config, line 1, column 16"),
    ] {
        let said = format!("{:#}", Config::of(text, &[]).unwrap_err());
        assert!(said.contains(want), "{text}: {said}");
    }
}

#[test]
fn options_are_handed_on() {
    use clap::{Args as _, FromArgMatches as _};
    let command = GrantArgs::augment_args(clap::Command::new("x"));
    let all = [
        "--mount=/usr=D:\\in:rw",
        "--workdir=D:\\in",
        "--env=A=b c",
        "--net=example.com:443",
        "--publish=8080:80",
        "--clipboard=in",
        "--sound",
        "--memory=67108864",
        "--timeout=1500ms",
        "--scratch=1048576",
        "--persist=kept",
        "--memory-soft=33554432",
        "--cpus=0.5",
        "--cpu-weight=50",
        "--cpuset=0",
        "--pids=100",
        "--cgroup=/x",
        "--power-supplies=/p",
        "--layer=below",
    ];
    let names: Vec<_> = command.get_arguments().filter_map(|argument| argument.get_long()).collect();
    assert_eq!(names.len(), all.len() + 2, "each of {names:?} but --policy and --map");
    let matches = command.try_get_matches_from([&["x"][..], &all].concat()).unwrap();
    let words = grant_words(&GrantArgs::from_arg_matches(&matches).unwrap());
    assert_eq!(words.len(), all.len());
    let again = GrantArgs::augment_args(clap::Command::new("x"));
    let again = again.try_get_matches_from(std::iter::once("x".to_owned()).chain(words.clone())).unwrap();
    assert_eq!(grant_words(&GrantArgs::from_arg_matches(&again).unwrap()), words);
}
