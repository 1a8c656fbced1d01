//! Large runtimes that nobody here wrote: V8, HotSpot and CoreCLR, with their JITs, garbage collectors and thread pools, and a
//! database server.

mod compilers;
mod java;
mod postgres;
mod python;

use portcullis::command::Run;
use portcullis::product::Sandbox;
use portcullis::programs::{linux, windows};
use portcullis::repository;
use std::fs;
use std::path::Path;
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
    Run::new("mcs")
        .arg(format!("-out:{}", dir.path().join("program.dll").display()))
        .arg(script("program.cs"))
        .run()
        .success();
    let config = r#"{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"3.1.0"}}}"#;
    fs::write(dir.path().join("program.runtimeconfig.json"), config).unwrap();
    let home = windows("dotnet").parent().unwrap().to_owned();
    let run = |name: &str, args: &[&str]| {
        let sandbox = Sandbox::new().work(dir.path()).mount(&home, "N:\\net");
        sandbox.program("N:\\net\\dotnet.exe").arg(name).args(args).limit(LIMIT).run()
    };
    let outcome = run("program.dll", &["one", "two words"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (5, DOTNET), "{outcome:?}");
    let outcome = run("missing.dll", &[]);
    assert_ne!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.errors().contains(".NET Core SDK"), "{outcome:?}");
}

const MODULE: &str = "module example.com/sums\n\ngo 1.24\n";
const MAIN: &str = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"sync\"\n\n\t\"example.com/sums/inner\"\n)\n\n\
    func main() {\n\tvar all sync.WaitGroup\n\tparts := make([]int, 8)\n\tfor i := range parts {\n\t\tall.Add(1)\n\
    \t\tgo func() { defer all.Done(); parts[i] = inner.Sum(i * 1000) }()\n\t}\n\tall.Wait()\n\
    \tfmt.Println(parts, os.Args[1:])\n\tos.Exit(3)\n}\n";
const INNER: &str =
    "package inner\n\nfunc Sum(n int) (sum int) {\n\tfor i := range n {\n\t\tsum += i\n\t}\n\treturn\n}\n";

const TEST: &str = "package inner\n\nimport (\n\t\"os\"\n\t\"os/exec\"\n\t\"testing\"\n)\n\n\
    func TestSum(t *testing.T) {\n\tdone := make(chan int)\n\tfor i := range 20 {\n\t\tgo func() { done <- Sum(i) }()\n\t}\n\
    \tall := 0\n\tfor range 20 {\n\t\tall += <-done\n\t}\n\tif all != 1140 {\n\t\tt.Fatal(all)\n\t}\n}\n\n\
    func TestWrong(t *testing.T) { t.Error(Sum(3)) }\n\n\
    func TestChild(t *testing.T) {\n\tif os.Getenv(\"CHILD\") != \"\" {\n\t\tos.Exit(9)\n\t}\n\
    \tchild := exec.Command(os.Args[0], \"-test.run=Child\")\n\tchild.Env = append(os.Environ(), \"CHILD=1\")\n\
    \tif err := child.Run(); err.Error() != \"exit status 9\" {\n\t\tt.Fatal(err)\n\t}\n}\n";

/// The compiler, the assembler and the linker are child processes, some of them at the same time, and talk through pipes.
#[test]
fn go_builds_a_module() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("inner")).unwrap();
    for (name, text) in [("go.mod", MODULE), ("main.go", MAIN), ("inner/inner.go", INNER)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let home = windows("go").parent().and_then(Path::parent).unwrap().to_owned();
    let go = |args: &[&str]| {
        let sandbox = Sandbox::new().work(dir.path()).mount(&home, "G:\\go");
        let sandbox = sandbox.env("GOTOOLCHAIN", "local").env("GOCACHE", "C:\\work\\cache").env("GOFLAGS", "-mod=mod");
        sandbox.program("G:\\go\\bin\\go.exe").args(args).limit(LIMIT).run()
    };
    let outcome = go(&["build", "-o", "sums.exe", "."]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let outcome = Sandbox::new().program(dir.path().join("sums.exe")).args(["a", "b c"]).run();
    let sums = "[0 499500 1999000 4498500 7998000 12497500 17997000 24496500] [a b c]\n";
    assert_eq!((outcome.status, outcome.lines().as_str()), (3, sums), "{outcome:?}");

    // The test program is built, run in its package's folder, and what it says is gathered; what did not change is not run again.
    fs::write(dir.path().join("inner/inner_test.go"), TEST).unwrap();
    let outcome = go(&["test", "./..."]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    for said in [
        "?   \texample.com/sums\t[no test files]",
        "--- FAIL: TestWrong",
        "inner_test.go:23: 3",
        "FAIL\texample.com/sums/inner",
    ] {
        assert!(outcome.text().contains(said), "no `{said}` in {outcome:?}");
    }
    let outcome = go(&["test", "-run", "Sum|Child", "-v", "./inner"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(
        outcome.text().contains("--- PASS: TestSum") && outcome.text().contains("--- PASS: TestChild"),
        "{outcome:?}"
    );

    fs::remove_file(dir.path().join("inner/inner_test.go")).unwrap();
    fs::write(dir.path().join("inner/inner.go"), "package inner\n\nfunc Sum(n int) int { return missing }\n").unwrap();
    let outcome = go(&["build", "-o", "other.exe", "."]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.errors().contains("undefined: missing"), "{outcome:?}");
    assert!(!dir.path().join("other.exe").exists());
}
