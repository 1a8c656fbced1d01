use super::*;

#[test]
fn what_streams_are() {
    assert_eq!(stdio(fs::File::open("/dev/null").unwrap()), Stdio::Null);
    assert_eq!(stdio(fs::File::open("/proc/version").unwrap()), Stdio::File);
    assert_eq!(stdio(std::io::pipe().unwrap().0), Stdio::Pipe);
    assert_eq!(stdio(fs::File::open("/").unwrap()), Stdio::None);
}

#[test]
fn a_pseudo_terminal_is_switched_and_put_back() {
    let pty = nix::pty::openpty(None, None).unwrap();
    let found = tcgetattr(&pty.slave).unwrap();
    let modes = Some(Modes { found: found.clone(), wanted: None });
    let terminal = Terminal { device: Some(pty.slave.try_clone().unwrap()), modes: Mutex::new(modes) };
    let canonical = || tcgetattr(&pty.slave).unwrap().local_flags.contains(LocalFlags::ICANON);
    terminal.set_raw(true).unwrap();
    assert!(!canonical());
    terminal.restore();
    assert!(canonical());
    terminal.resume();
    assert!(!canonical());
    terminal.set_raw(false).unwrap();
    assert_eq!(tcgetattr(&pty.slave).unwrap(), found);
    assert_eq!(Terminal::default().query(), Err(Error::NotFound));
}
