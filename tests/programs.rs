//! Real programs, unmodified, each against its oracle: its Linux twin's output, or hashes of what it packed and unpacked.

use portcullis::product::Sandbox;
use portcullis::tree::{self, Numbers};
use portcullis::twin::{here, same, sorted, there};
use std::fs;

/// Packs a tree with several threads, tests it, unpacks it elsewhere, and compares hashes.
#[track_caller]
fn pack_and_unpack(name: &str, archive: &str, options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    tree::make(&dir.path().join("tree"), 250, 7);
    let before = tree::hashes(&dir.path().join("tree"));
    there(name, dir.path()).args(["a", archive, "tree"]).args(options).run().success();
    let tested = there(name, dir.path()).args(["t", archive]).run().success();
    assert!(tested.text().contains("Everything is Ok"), "{tested:?}");
    there(name, dir.path()).args(["x", "-ounpacked", archive]).run().success();
    assert_eq!(before, tree::hashes(&dir.path().join("unpacked/tree")));
    // The Linux twin reads what was packed here.
    here("7z", dir.path()).args(["x", "-otwin", archive]).run().success();
    assert_eq!(before, tree::hashes(&dir.path().join("twin/tree")));
}

#[test]
fn seven_zip_packs_tests_and_unpacks() {
    pack_and_unpack("7za", "out.7z", &["-mmt=4", "-mx=3"]);
}

#[test]
fn seven_zip_packs_zip() {
    pack_and_unpack("7za", "out.zip", &["-tzip", "-mmt=2"]);
}

#[test]
fn seven_zip_with_its_plug_in_packs_and_unpacks() {
    pack_and_unpack("7z", "out.7z", &["-mmt=3", "-m0=lzma2:d=4m"]);
}

#[test]
fn seven_zip_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("broken.7z"), b"7z\xbc\xaf\x27\x1c\0\x04 this is no archive").unwrap();
    assert_eq!(there("7za", dir.path()).args(["t", "broken.7z"]).run().status, 2);
    let missing = there("7za", dir.path()).args(["t", "missing.7z"]).run();
    assert_eq!(missing.status, 2);
    assert_eq!(there("7za", dir.path()).args(["--no-such-switch"]).run().status, 7);
}

#[test]
fn seven_zip_through_pipes() {
    let dir = tempfile::tempdir().unwrap();
    let text = tree::text(&mut Numbers::new(3), 500_000);
    let packed = there("7za", dir.path()).args(["a", "-si", "-so", "-txz", "x"]).input(text.clone()).run().success();
    assert!(packed.out.starts_with(b"\xfd7zXZ\0"), "{packed:?}");
    let unpacked = there("7za", dir.path()).args(["e", "-si", "-so", "-txz"]).input(packed.out).run().success();
    assert!(unpacked.out == text.as_bytes(), "{} of {} bytes", unpacked.out.len(), text.len());
}

#[test]
fn ripgrep_finds_what_its_twin_finds() {
    let dir = tempfile::tempdir().unwrap();
    tree::make(&dir.path().join("tree"), 400, 11);
    for args in [
        &["-n", "needle", "tree"][..],
        &["-c", "(?i)WINDOW|größe", "tree"],
        &["--files", "tree"],
        &["-l", "世界", "tree", "-g", "*.txt"],
        &["-o", r"\bpico\s+\w+", "tree", "--no-filename"],
        &["--json", "boundary", "tree/src1"],
    ] {
        let ours = there("rg", dir.path()).args(args).run();
        let theirs = here("rg", dir.path()).args(args).run();
        assert_eq!(ours.status, theirs.status, "{args:?} {ours:?}");
        if args[0] == "--json" {
            // It tells times, and escapes separators.
            assert_eq!(ours.lines().lines().count(), theirs.text().lines().count());
        } else {
            assert_eq!(sorted(&ours.text()), sorted(&theirs.text()), "{args:?}");
        }
    }
    assert_eq!(there("rg", dir.path()).args(["no such thing anywhere", "tree"]).run().status, 1);
    assert_eq!(there("rg", dir.path()).args(["(", "tree"]).run().status, 2);
}

#[test]
fn ripgrep_reads_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let text = tree::text(&mut Numbers::new(5), 300_000);
    same("rg", dir.path(), &["-n", "kernel", "-"], &text);
}

const PYTHON: &str = "import os, sys\nimport re\ndef f( x ):\n    if x == None :\n        return  {'a':1,\n 'b' : 2}\n    l = lambda y: y*2\n    return l(x)\n";

#[test]
fn ruff_checks_and_formats() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pkg")).unwrap();
    fs::write(dir.path().join("pkg/a.py"), PYTHON).unwrap();
    fs::write(dir.path().join("pkg/b.py"), "print('ok')\n").unwrap();
    same("ruff", dir.path(), &["check", "--no-cache", "--output-format=concise", "pkg"], "");
    same("ruff", dir.path(), &["check", "--no-cache", "--select=ALL", "--output-format=concise", "pkg"], "");
    same("ruff", dir.path(), &["format", "--no-cache", "--diff", "pkg"], "");
    same("ruff", dir.path(), &["format", "-"], PYTHON);
    // With its cache, twice, and changing the files.
    there("ruff", dir.path()).args(["format", "pkg"]).run().success();
    let ours = fs::read(dir.path().join("pkg/a.py")).unwrap();
    fs::write(dir.path().join("pkg/a.py"), PYTHON).unwrap();
    here("ruff", dir.path()).args(["format", "pkg"]).run().success();
    assert_eq!(ours, fs::read(dir.path().join("pkg/a.py")).unwrap());
    there("ruff", dir.path()).args(["format", "--check", "pkg"]).run().success();
}

const SHELL: &str = "#!/bin/bash\nif [ $1 = x ];then\necho $HOME   `ls *.txt`\nfi\nfor i in $(seq 3);do\ncat file|grep a&&rm -rf $dir/\ndone\ncase $1 in\na) echo a;;\n*)\necho b;;esac\n";

#[test]
fn shfmt_formats() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("s.sh"), SHELL).unwrap();
    same("shfmt", dir.path(), &["-i", "2", "s.sh"], "");
    same("shfmt", dir.path(), &["-d", "s.sh"], "");
    same("shfmt", dir.path(), &["--to-json"], SHELL);
    same("shfmt", dir.path(), &["-i", "4", "-ci"], SHELL);
    assert_ne!(there("shfmt", dir.path()).input("if then fi fi").run().status, 0);
    there("shfmt", dir.path()).args(["-w", "s.sh"]).run().success();
    let ours = fs::read(dir.path().join("s.sh")).unwrap();
    fs::write(dir.path().join("s.sh"), SHELL).unwrap();
    here("shfmt", dir.path()).args(["-w", "s.sh"]).run().success();
    assert_eq!(ours, fs::read(dir.path().join("s.sh")).unwrap());
}

#[test]
fn shellcheck_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("s.sh"), SHELL).unwrap();
    same("shellcheck", dir.path(), &["-f", "gcc", "s.sh"], "");
    same("shellcheck", dir.path(), &["-f", "json", "s.sh"], "");
    same("shellcheck", dir.path(), &["-f", "gcc", "-"], SHELL);
    same("shellcheck", dir.path(), &["-f", "gcc", "missing.sh"], "");
}

const C: &str = "#include <z.h>\n#include <a.h>\nint main( int argc,char**argv ){for(int i=0;i<3;++i){printf(\"%d\\n\",i);}\nswitch(argc){case 1:return 0;default:break;}return veryLongFunctionName(argument_number_one, argument_number_two, argument_number_three);}\n";

#[test]
fn clang_format_formats() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.c"), C).unwrap();
    for style in ["LLVM", "Google", "GNU", "Microsoft", "{BasedOnStyle: Mozilla, ColumnLimit: 60}"] {
        same("clang-format", dir.path(), &[&format!("--style={style}"), "x.c"], "");
    }
    fs::write(dir.path().join(".clang-format"), "BasedOnStyle: WebKit\nIndentWidth: 3\n").unwrap();
    same("clang-format", dir.path(), &["x.c"], "");
    same("clang-format", dir.path(), &["--assume-filename=y.c"], C);
    same("clang-format", dir.path(), &["--output-replacements-xml", "x.c"], "");
    same("clang-format", dir.path(), &["--dump-config", "--style=LLVM"], "");
}

#[test]
fn esbuild_bundles() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(
        dir.path().join("src/a.ts"),
        "import {b} from './b';\nenum E {X = 1}\nconsole.log(b<number>(E.X) ?? 'ü');\n",
    )
    .unwrap();
    fs::write(dir.path().join("src/b.ts"), "export const b = <T,>(x: T): T => x;\nexport const unused = 1;\n").unwrap();
    fs::write(dir.path().join("src/s.css"), ".a { color: #ff0000; .b { margin: 0px } }\n").unwrap();
    same("esbuild", dir.path(), &["--bundle", "src/a.ts"], "");
    same("esbuild", dir.path(), &["--bundle", "--minify", "--target=es2018", "src/a.ts"], "");
    same("esbuild", dir.path(), &["--minify", "src/s.css"], "");
    same("esbuild", dir.path(), &["--loader=ts", "--sourcemap=inline"], "let x: number = 1;\n");
    let bundle = ["--bundle", "src/a.ts", "--sourcemap", "--log-level=warning"];
    there("esbuild", dir.path()).args(bundle).arg("--outfile=ours/a.js").run().success();
    here("esbuild", dir.path()).args(bundle).arg("--outfile=theirs/a.js").run().success();
    assert_eq!(tree::hashes(&dir.path().join("ours")), tree::hashes(&dir.path().join("theirs")));
    fs::write(dir.path().join("src/bad.js"), "let = ;").unwrap();
    assert_eq!(there("esbuild", dir.path()).arg("src/bad.js").run().status, 1);
}

#[test]
fn duckdb_keeps_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let make = "create table t as select i, i*i as sq, 'row ' || i as name from range(20000) r(i);\n\
                create index x on t(i);\nupdate t set sq = -1 where i % 1000 = 0;\n";
    there("duckdb", dir.path()).args(["-batch", "ours.db"]).input(make).run().success();
    here("duckdb", dir.path()).args(["-batch", "theirs.db"]).input(make).run().success();
    let queries = [
        "select count(*), sum(sq), min(name), max(name) from t;",
        "select i % 7 as k, sum(sq) as s, avg(i) from t group by k order by k;",
        "select a.i, b.name from t a join t b on a.i = b.sq where a.i < 400 order by a.i limit 30;",
    ];
    for query in queries {
        let ours = there("duckdb", dir.path()).args(["-csv", "ours.db", query]).run().success();
        let theirs = here("duckdb", dir.path()).args(["-csv", "theirs.db", query]).run().success();
        assert_eq!(ours.lines(), theirs.lines(), "{query}");
    }
    // Each reads the other's file.
    let crossed = there("duckdb", dir.path()).args(["-csv", "theirs.db", queries[0]]).run().success();
    assert_eq!(
        crossed.lines(),
        here("duckdb", dir.path()).args(["-csv", "ours.db", queries[0]]).run().success().lines()
    );
    // Files of other kinds.
    let copy = "copy (select * from range(50) r(i)) to 'out.csv'; copy (select * from range(50) r(i)) to 'out.parquet';\n\
                select sum(i) from 'out.csv'; select sum(i) from 'out.parquet';";
    same("duckdb", dir.path(), &["-csv", ":memory:", copy], "");
}

#[test]
fn duckdb_locks_its_database() {
    let dir = tempfile::tempdir().unwrap();
    there("duckdb", dir.path()).args(["-batch", "l.db", "create table t(i int);"]).run().success();
    // One sandbox keeps it open, until its standard input ends.
    let mut holder = there("duckdb", dir.path()).args(["-batch", "-csv", "l.db"]);
    let command = holder.command();
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    let mut shown = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::Write::write_all(&mut typed, b"insert into t values (1);\nselect 'held' as state;\n").unwrap();
    let mut line = String::new();
    while !line.contains("held") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut shown, &mut line).unwrap() > 0, "it ended early");
    }
    let refused = there("duckdb", dir.path()).args(["-batch", "l.db", "insert into t values (2);"]).run();
    assert_ne!(refused.status, 0, "a second writer was let in: {refused:?}");
    drop(typed);
    assert!(child.wait().unwrap().success());
    let after = there("duckdb", dir.path())
        .args(["-batch", "-csv", "-noheader", "l.db", "select count(*) from t;"])
        .run()
        .success();
    assert_eq!(after.lines(), "1\n");
}

const BATCH: &str = "@echo off\r
setlocal\r
set NAME=portcullis\r
echo hello %NAME%\r
for %%i in (one two three) do echo item %%i\r
for /l %%n in (1,2,7) do echo number %%n\r
if exist input.txt (echo input is here) else (echo no input)\r
if not \"%1\"==\"arg\" echo no argument\r
if \"%1\"==\"arg\" echo argument %1 of %0\r
set /a SUM=6*7\r
echo sum %SUM%\r
echo first> out.txt\r
echo second>> out.txt\r
type out.txt\r
type missing.txt 2> err.txt\r
if errorlevel 1 echo type failed\r
for /f \"tokens=1,2 delims=,\" %%a in (input.txt) do echo %%b then %%a\r
call :sub 5\r
mkdir folder\\inner\r
copy input.txt folder\\inner\\copy.txt > nul\r
dir /b folder\\inner\r
ren folder\\inner\\copy.txt renamed.txt\r
move folder\\inner\\renamed.txt . > nul\r
del out.txt\r
if not exist out.txt echo gone\r
rmdir /s /q folder\r
echo %NAME:~0,4% %CD%\r
exit /b 9\r
:sub\r
echo sub with %1\r
goto :eof\r
";

#[test]
fn cmd_runs_a_batch_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("test.cmd"), BATCH).unwrap();
    fs::write(dir.path().join("input.txt"), "a,b\r\nc,d\r\n").unwrap();
    let run = Sandbox::new().work(dir.path()).program("C:\\windows\\system32\\cmd.exe");
    let outcome = run.args(["/c", "test.cmd", "arg"]).run();
    let want = "hello portcullis\nitem one\nitem two\nitem three\nnumber 1\nnumber 3\nnumber 5\nnumber 7\ninput is here\n\
                argument arg of test.cmd\nsum 42\nfirst\nsecond\ntype failed\nb then a\nd then c\nsub with 5\ncopy.txt\ngone\n\
                port C:\\work\n";
    assert_eq!(outcome.lines(), want, "{outcome:?}");
    assert_eq!(outcome.status, 9);
    assert_eq!(fs::read(dir.path().join("renamed.txt")).unwrap(), b"a,b\r\nc,d\r\n");
    assert!(!fs::read(dir.path().join("err.txt")).unwrap().is_empty());
    assert!(!dir.path().join("folder").exists());
}
