use super::*;
use std::fs;

fn mount(host: &Path, guest: &str) -> Mount {
    Mount { host: host.into(), guest: GuestPath::parse(guest).unwrap(), writable: true }
}

#[test]
fn programs_of_the_host_and_of_the_image() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::write(root.join("bin/tool.exe"), "").unwrap();
    fs::write(root.join("bad:name.exe"), "").unwrap();
    std::os::unix::fs::symlink("bin/tool.exe", root.join("link.exe")).unwrap();
    let image = |path: &str| path.eq_ignore_ascii_case("windows/system32/cmd.exe").then(|| "cmd.exe".to_owned());
    let search = [root.join("bin")];
    let run = |name: &str, mounts: &[Mount]| find(name, &root, &search, mounts, image);
    let app = |host: PathBuf| Some((host, GuestPath::parse("C:\\app").unwrap()));
    for name in ["bin/tool.exe", "./bin/tool", "link.exe", "tool", "tool.exe"] {
        let program = run(name, &[]).unwrap();
        assert_eq!((program.guest.to_string().as_str(), program.folder), ("C:\\app\\tool.exe", app(root.join("bin"))));
    }
    for name in ["cmd.exe", "CMD"] {
        assert_eq!(run(name, &[]).unwrap().guest.to_string(), "C:\\windows\\system32\\cmd.exe");
    }
    assert_eq!(run("d:/x/y.exe", &[]).unwrap().guest.to_string(), "D:\\x\\y.exe");
    assert_eq!(run("none.exe", &[]).unwrap_err().code(), exit::NOT_FOUND);
    assert_eq!(run("./cmd.exe", &[]).unwrap_err().code(), exit::NOT_FOUND);
    assert_eq!(run("bin", &[]).unwrap_err().code(), exit::CANNOT_RUN);
    assert_eq!(run("bad:name.exe", &[]).unwrap_err().code(), exit::CANNOT_RUN);
    // A mount that covers it names it; one that took the usual place moves it.
    let seen = run("tool", &[mount(&root, "Z:\\")]).unwrap();
    assert_eq!((seen.guest.to_string().as_str(), seen.folder), ("Z:\\bin\\tool.exe", None));
    let moved = run("tool", &[mount(Path::new("/usr"), "c:\\APP")]).unwrap();
    assert_eq!(moved.guest.to_string(), "C:\\app2\\tool.exe");
}

#[test]
fn working_directories() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("a/b")).unwrap();
    let program = Program { guest: GuestPath::parse("C:\\app\\x.exe").unwrap(), folder: None };
    let mounts = [mount(&root.join("a"), "D:\\a")];
    let at = |asked: Option<&str>, here: &str| workdir(asked, &root.join(here), &mounts, &program);
    assert_eq!(at(None, "a/b").unwrap().to_string(), "D:\\a\\b");
    assert_eq!(at(None, "").unwrap().to_string(), "C:\\app");
    assert_eq!(at(Some("C:\\x"), "").unwrap().to_string(), "C:\\x");
    assert_eq!(at(Some("b"), "a").unwrap().to_string(), "D:\\a\\b");
    assert!(matches!(at(Some("/"), "a"), Err(ProgramError::Workdir(_))));
}
