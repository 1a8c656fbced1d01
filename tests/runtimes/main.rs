//! Large runtimes that nobody here wrote: V8, HotSpot and CoreCLR, with their JITs, garbage collectors and thread pools, and a
//! database server.

mod compilers;
mod go;
mod java;
mod postgres;
mod python;
mod workerd;

use portcullis::command::Run;
use portcullis::product::Sandbox;
use portcullis::programs::{linux, windows};
use portcullis::repository;
use std::fs;
use std::time::Duration;

/// They are slow where CI is slow.
const LIMIT: Duration = Duration::from_secs(240);

fn script(name: &str) -> std::path::PathBuf {
    repository().join("tests/runtimes").join(name)
}

/// The twin's answer and the program's, for a script that both know.
#[track_caller]
fn node(name: &str, source: &str, net: &str, least: usize) {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(script(source), dir.path().join("script.js")).unwrap();
    let theirs = Run::new(linux(name)).arg("script.js").dir(dir.path()).limit(LIMIT).run();
    assert_eq!(theirs.status, 0, "{theirs:?}");
    let sandbox = Sandbox::new().work(dir.path()).option("--net", net);
    let ours = sandbox.program(windows(name)).arg("script.js").limit(LIMIT).run();
    assert_eq!((ours.status, ours.lines()), (0, theirs.lines()), "{ours:?}");
    assert!(ours.lines().lines().count() > least, "{ours:?}");
}

#[test]
fn node_22() {
    node("node22", "node.js", "none", 25);
}

#[test]
fn node_24() {
    node("node24", "node.js", "none", 25);
}

/// Servers and clients on loopback addresses, in one process and in two.
#[test]
fn node_22_serves() {
    node("node22", "net.js", "sandbox", 20);
}

#[test]
fn node_24_serves() {
    node("node24", "net.js", "sandbox", 20);
}

/// What tests/runtimes/program.cs says on any system.
const DOTNET: &str = "arguments one|two words\nparallel 333333833333500000\ntasks 1225\nlocked 80000\nfile 14 2\nfolders 2\nnull reference\n\
    division\nnot found\noverflow\ndeep 5000\ncollected True True\n\
    hash BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\nregex a<1>b<2>c<3>\nemitted 42\nslept True\n";

#[test]
fn dotnet_runs_a_program() {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}"#;
    for name in ["program", "ends"] {
        let to = format!("-out:{}", dir.path().join(name).with_extension("dll").display());
        Run::new("mcs").arg(to).arg(script(&format!("{name}.cs"))).run().success();
        fs::write(dir.path().join(format!("{name}.runtimeconfig.json")), config).unwrap();
    }
    let home = windows("dotnet").parent().unwrap().to_owned();
    let run = |name: &str, args: &[&str]| {
        let sandbox = Sandbox::new().work(dir.path()).mount(&home, "N:\\net");
        sandbox.program("N:\\net\\dotnet.exe").arg(name).args(args).limit(LIMIT).run()
    };
    let outcome = run("program.dll", &["one", "two words"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (5, DOTNET), "{outcome:?}");
    // For the text of an exception it loads a library with variables of threads, while threads come and go.
    for _ in 0..3 {
        let outcome = run("ends.dll", &["caught"]);
        assert!(outcome.status == 3 && outcome.text().starts_with("System.Exception: caught"), "{outcome:?}");
    }
    let outcome = run("ends.dll", &[]);
    assert!(outcome.errors().contains("System.InvalidOperationException: nobody catches"), "{outcome:?}");
    assert!(outcome.errors().contains("status 0xe0434352"), "{outcome:?}");
    let outcome = run("missing.dll", &[]);
    assert_ne!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.errors().contains(".NET Core SDK"), "{outcome:?}");
}
