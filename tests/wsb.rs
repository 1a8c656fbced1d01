//! Configurations of Windows Sandbox, run from outside: what Microsoft's documentation shows, written anew, and what must be refused.

use portcullis::command::{Outcome, Run};
use portcullis::product;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a configuration, and a place for state that nobody else has.
struct Place {
    top: TempDir,
}

impl Place {
    fn new() -> Self {
        product::image();
        Place { top: tempfile::tempdir().unwrap() }
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.top.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn secmon(&self, args: &[&str]) -> Run {
        Run::new(product::secmon())
            .args(args)
            .dir(self.top.path())
            .env("PORTCULLIS_STATE", self.top.path().join("state"))
    }

    /// Writes a configuration and runs it to the end of its command.
    fn run(&self, configuration: &str) -> Outcome {
        fs::write(self.top.path().join("a.wsb"), configuration).unwrap();
        self.secmon(&["run", "a.wsb"]).run()
    }
}

fn mapped(folder: &Path, place: &str, read_only: bool) -> String {
    let place = if place.is_empty() { String::new() } else { format!("<SandboxFolder>{place}</SandboxFolder>") };
    format!(
        "    <MappedFolder>\n      <HostFolder>{}</HostFolder>\n      {place}\n      <ReadOnly>{read_only}</ReadOnly>\n    </MappedFolder>\n",
        folder.display()
    )
}

#[test]
fn downloads_are_looked_at_without_a_network() {
    let place = Place::new();
    let downloads = place.folder("Downloads");
    fs::write(downloads.join("setup notes.txt"), "read me\r\n").unwrap();
    let outcome = place.run(&format!(
        "<Configuration>\n  <VGpu>Disable</VGpu>\n  <Networking>Disable</Networking>\n  <MappedFolders>\n{}  </MappedFolders>\n  \
         <LogonCommand>\n    <Command>cmd.exe /c \"cd /d C:\\Users\\WDAGUtilityAccount\\Downloads &amp; dir /b &amp; \
         echo %USERNAME% &amp; echo x&gt; new.txt\"</Command>\n  </LogonCommand>\n</Configuration>\n",
        mapped(&downloads, "C:\\Users\\WDAGUtilityAccount\\Downloads", true)
    ));
    assert!(outcome.lines().starts_with("setup notes.txt\nWDAGUtilityAccount"), "{outcome:?}");
    assert!(outcome.errors().contains("Access denied"), "it is read-only: {outcome:?}");
    assert_eq!(fs::read_dir(&downloads).unwrap().count(), 1);
    assert!(!outcome.errors().contains("Networking"), "what is honoured is not warned about: {outcome:?}");
}

#[test]
fn a_script_on_the_desktop_works_on_a_project() {
    let place = Place::new();
    let (scripts, projects) = (place.folder("SandboxScripts"), place.folder("CodingProjects"));
    fs::write(
        scripts.join("build.cmd"),
        "@echo off\r\necho built by %USERNAME% > %~dp0..\\CodingProjects\\out.txt\r\nexit /b 7\r\n",
    )
    .unwrap();
    let outcome = place.run(&format!(
        "<Configuration>\n<MappedFolders>\n{}{}</MappedFolders>\n<LogonCommand>\n\
         <Command>C:\\users\\wdagutilityaccount\\desktop\\SandboxScripts\\build.cmd</Command>\n</LogonCommand>\n</Configuration>\n",
        mapped(&scripts, "", true),
        mapped(&projects, "", false)
    ));
    assert_eq!(outcome.status, 7, "{outcome:?}");
    let built = fs::read_to_string(projects.join("out.txt")).unwrap();
    assert_eq!(built.trim_end(), "built by WDAGUtilityAccount");
    assert!(outcome.errors().contains("Networking is not there: no network"), "{outcome:?}");
}

#[test]
fn a_hardened_one_says_what_it_does_not_have() {
    let place = Place::new();
    let outcome = place.run(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- as little as can be -->\n<Configuration>\n<VGpu>Enable</VGpu>\n\
         <Networking>Disable</Networking>\n<AudioInput>Disable</AudioInput>\n<VideoInput>Enable</VideoInput>\n\
         <ProtectedClient>Enable</ProtectedClient>\n<PrinterRedirection>Disable</PrinterRedirection>\n\
         <ClipboardRedirection>Disable</ClipboardRedirection>\n<MemoryInMB>256</MemoryInMB>\n\
         <LogonCommand><Command>cmd.exe /c exit 3</Command></LogonCommand>\n</Configuration>",
    );
    assert_eq!(outcome.status, 3, "{outcome:?}");
    let warnings: Vec<String> = outcome.errors().lines().map(str::to_owned).collect();
    assert_eq!(
        warnings,
        [
            "secmon: VGpu Enable: no GPU is shared: graphics are drawn by the processor",
            "secmon: VideoInput Enable: no camera is shared"
        ]
    );
}

/// The command line wins over the file, which is said; the rest of the file counts.
#[test]
fn options_of_run_stand_beside_the_file() {
    let place = Place::new();
    let (home, other) = (place.folder("home"), place.folder("other"));
    fs::write(home.join("a.txt"), "of the file\r\n").unwrap();
    fs::write(other.join("a.txt"), "of the option\r\n").unwrap();
    let text = "<Configuration>\n<Networking>Disable</Networking>\n<MappedFolders><MappedFolder>\
                <HostFolder>C:\\Users\\me</HostFolder><SandboxFolder>C:\\in</SandboxFolder></MappedFolder></MappedFolders>\n\
                <MemoryInMB>2048</MemoryInMB>\n<LogonCommand><Command>cmd.exe /c type C:\\in\\a.txt &amp;&amp; echo %TOLD%</Command>\
                </LogonCommand>\n</Configuration>";
    fs::write(place.top.path().join("a.wsb"), text).unwrap();
    let map = format!("C:\\Users\\me={}", home.display());
    let plain = place.secmon(&["run", "--map", &map, "--env", "TOLD=yes", "a.wsb"]).run().success();
    assert_eq!(plain.lines(), "of the file\nyes\n", "{plain:?}");
    assert_eq!(plain.errors(), "", "{plain:?}");
    let mount = format!("{}=c:\\IN", other.display());
    let won = place
        .secmon(&["run", "--map", &map, "--mount", &mount, "--memory=1G", "--net", "sandbox", "a.wsb"])
        .run()
        .success();
    assert!(won.lines().starts_with("of the option"), "{won:?}");
    for said in [
        "--mount counts at C:\\in",
        "--memory counts, not MemoryInMB 2048",
        "--net counts, not the file's Networking (no network)",
    ] {
        assert!(won.errors().contains(said), "{said}: {won:?}");
    }
    let without = place.secmon(&["run", "--map", &map, "cmd.exe"]).run();
    assert!(without.status == 125 && without.errors().contains("--map"), "{without:?}");
}

#[test]
fn windows_paths_are_mapped_by_an_option() {
    let place = Place::new();
    let folder = place.folder("home/Documents");
    fs::write(folder.join("a.txt"), "").unwrap();
    let text = "<Configuration><Networking>Disable</Networking><MappedFolders><MappedFolder>\
                <HostFolder>C:\\Users\\me\\Documents</HostFolder></MappedFolder></MappedFolders></Configuration>";
    fs::write(place.top.path().join("a.wsb"), text).unwrap();
    let refused = place.secmon(&["policy", "explain", "a.wsb"]).run();
    assert!(refused.status == 125 && refused.errors().contains("--map 'C:\\Users\\me\\Documents="), "{refused:?}");
    let map = format!("C:\\Users\\me={}", place.top.path().join("home").display());
    let explained = place.secmon(&["policy", "explain", "a.wsb", "--map", &map]).run().success();
    let line = format!("It sees {} as C:\\Users\\WDAGUtilityAccount\\Desktop\\Documents", folder.display());
    assert!(explained.lines().contains(&line), "{explained:?}");
    assert!(explained.lines().contains("No network:"), "{explained:?}");
}

#[test]
fn what_is_wrong_is_refused_with_its_place_and_nothing_runs() {
    let place = Place::new();
    let folder = place.folder("in");
    std::os::unix::fs::symlink(&folder, place.top.path().join("link")).unwrap();
    let command = "<LogonCommand><Command>cmd.exe /c echo it ran</Command></LogonCommand>";
    let whole = |inner: &str| format!("<Configuration>\n{inner}\n{command}\n</Configuration>");
    let folders = |inner: &str| whole(&format!("<MappedFolders>\n{inner}</MappedFolders>"));
    let shown = |name: &str| place.top.path().join(name).display().to_string();
    let cases = [
        (whole("<Gpu>Enable</Gpu>"), "line 2, column 1: there is no element `Gpu` here".to_owned()),
        (whole("<networking>Enable</networking>"), "`networking` is written `Networking`".into()),
        (whole("<Networking>enable</Networking>"), "the value `enable` of `Networking` is written `Enable`".into()),
        (folders(&mapped(Path::new("/no/such/folder"), "", true)), "the folder /no/such/folder is not there".into()),
        (
            folders(&(mapped(&folder, "C:\\a", true) + &mapped(&folder, "C:\\a\\b", true))),
            "C:\\a\\b and C:\\a overlap".into(),
        ),
        (folders(&mapped(&folder, "C:\\Windows\\in", true)), "the guest's own system lies there".into()),
        (folders(&mapped(&place.top.path().join("link"), "", true)), format!("is a symbolic link to {}", shown("in"))),
        ("<Configuration>".into(), "line 1".into()),
        (String::new(), "line 1".into()),
    ];
    for (text, want) in cases {
        let outcome = place.run(&text);
        assert_eq!(outcome.status, 125, "{text}: {outcome:?}");
        assert!(outcome.errors().starts_with("secmon: a.wsb, line "), "{outcome:?}");
        assert!(outcome.errors().contains(&want) && !outcome.text().contains("it ran"), "{want}: {outcome:?}");
        let checked = place.secmon(&["policy", "check", "a.wsb", "--raw"]).run();
        let said: serde_json::Value = serde_json::from_str(&checked.text()).unwrap();
        assert!(checked.status == 125 && said["Valid"] == false, "{checked:?}");
        let text = said["Faults"][0]["Text"].as_str().unwrap();
        assert!(
            want == "line 1" || text.contains(want.split_once(": ").map_or(want.as_str(), |(_, what)| what)),
            "{checked:?}"
        );
    }
    let none = place.run("<Configuration/>");
    assert!(none.status == 125 && none.errors().contains("it has no LogonCommand to run"), "{none:?}");
    let missing = place.secmon(&["run", "missing.wsb"]).run();
    assert!(missing.status == 125 && missing.errors().contains("missing.wsb"), "{missing:?}");
    assert!(!place.top.path().join("state").exists(), "nothing was started");
}

/// The part of README.md below a headline.
fn section(headline: &str) -> String {
    let text = fs::read_to_string(portcullis::repository().join("README.md")).unwrap();
    let (_, below) = text.split_once(&format!("## {headline}\n")).unwrap_or_else(|| panic!("no section {headline}"));
    below.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn the_readme_says_what_happens_to_each_element() {
    let table = portcullis_manage::wsb::table();
    assert!(section("For users of Windows Sandbox").contains(&table), "README.md has not this table:\n{table}");
}

#[test]
fn the_readme_names_options_that_there_are() {
    let command = portcullis_manage::verbs::command();
    let mut count = 0;
    for line in section("For users of Windows Sandbox").lines().filter(|line| line.starts_with("| `secmon ")) {
        let named: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        let verb = named[0].split(' ').nth(1).unwrap();
        let verb = command.get_subcommands().find(|one| one.get_name() == verb).unwrap_or_else(|| panic!("{line}"));
        let options: Vec<String> = verb
            .get_arguments()
            .chain(command.get_arguments())
            .flat_map(|one| {
                let short = one.get_short().map(|short| format!("-{short}"));
                one.get_long().map(|long| format!("--{long}")).into_iter().chain(short)
            })
            .collect();
        for word in
            named.iter().flat_map(|text| text.split([' ', ','])).filter(|word| word.starts_with('-') && *word != "--")
        {
            assert!(options.iter().any(|option| option == word), "{word} of {line}: {options:?}");
            count += 1;
        }
    }
    assert!(count > 20, "the table names options: {count}");
}
