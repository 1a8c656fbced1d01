//! go.exe builds modules: the compiler, the assembler and the linker are children; what it built runs, tests itself, and serves.

use super::java::served;
use super::{LIMIT, script};
use portcullis::command::Outcome;
use portcullis::product::Sandbox;
use portcullis::programs::windows;
use portcullis::target;
use std::fs;
use std::path::Path;

/// Runs go.exe in a module's folder. What it compiled of the library is kept from one test to the next.
fn go(module: &Path, args: &[&str]) -> Outcome {
    let home = windows("go").parent().and_then(Path::parent).unwrap().to_owned();
    let sandbox = Sandbox::new().work(module).mount(&home, "G:\\go").mount_rw(&target("go-cache"), "K:\\cache");
    let sandbox = sandbox.env("GOTOOLCHAIN", "local").env("GOCACHE", "K:\\cache").env("GOFLAGS", "-mod=mod");
    sandbox.program("G:\\go\\bin\\go.exe").args(args).limit(LIMIT).run()
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
    let go = |args: &[&str]| go(dir.path(), args);
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

/// What tests/runtimes/web.go says of HTTP and of HTTPS with HTTP/2, between goroutines of one process.
const WEB: &str = "file 200 3300000 b834a12d975fb212 <nil>\nnone 404 19 b16e15764b8bc06c <nil>\nlines 200 150 e5c082385ec4ad25 <nil>\n\
    posts map[HTTP/1.1:200]\ncancelled true context deadline exceeded\nclosed true\n\
    file 200 3300000 b834a12d975fb212 <nil>\nnone 404 19 b16e15764b8bc06c <nil>\nlines 200 150 e5c082385ec4ad25 <nil>\n\
    posts map[HTTP/2.0:200]\ncancelled true context deadline exceeded\nclosed true\n\
    dialled <nil>\nover and back <nil>\nlate true\nnames true <nil>\n";

#[test]
fn a_web_server_serves_the_sandbox_and_the_host() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("go.mod"), MODULE).unwrap();
    fs::copy(script("web.go"), dir.path().join("main.go")).unwrap();
    let outcome = go(dir.path(), &["build", "-o", "web.exe", "."]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    let sandbox = || Sandbox::new().work(dir.path()).option("--net", "sandbox");
    let outcome = sandbox().program("C:\\work\\web.exe").limit(LIMIT).run();
    assert_eq!((outcome.status, outcome.lines().as_str()), (0, WEB), "{outcome:?}");
    let answers = served(sandbox(), "C:\\work\\web.exe", &[":8000"], &["/echo", "/files/big.bin", "/none"]);
    assert!(answers[0].starts_with("HTTP/1.1 200") && answers[0].ends_with("0 e3b0c44298fc1c14"), "{}", answers[0]);
    assert!(
        answers[1].starts_with("HTTP/1.1 200") && answers[1].ends_with(&"portcullis ".repeat(300_000)),
        "{:.300}",
        answers[1]
    );
    assert!(answers[2].starts_with("HTTP/1.1 404"), "{}", answers[2]);
}
