//! More real programs that nobody here wrote, of tier 2: compilers, formatters, solvers, interpreters and JITs, each as far as
//! it needs no child process and no socket, against its Linux twin's output or answers known beforehand.

use portcullis::command::{Outcome, Run};
use portcullis::product::Sandbox;
use portcullis::programs::windows;
use portcullis::tree::{self, Numbers};
use portcullis::twin::{here, plain, same, sorted, there};
use std::fs;
use std::path::{Path, PathBuf};

/// A new folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// Runs both, each in a folder of its own with the same files, and compares what they say and the files they leave.
#[track_caller]
fn same_files(name: &str, files: &[(&str, &str)], args: &[&str]) -> Outcome {
    let (ours, theirs) = (folder(files), folder(files));
    let our = there(name, ours.path()).args(args).run();
    let their = here(name, theirs.path()).args(args).run();
    assert_eq!(our.status, their.status, "{name} {args:?}\nours: {our:?}\ntheirs: {their:?}");
    assert_eq!(plain(&our.text()), plain(&their.text()), "{name} {args:?}\nours: {our:?}\ntheirs: {their:?}");
    assert_eq!(tree::hashes(ours.path()), tree::hashes(theirs.path()), "{name} {args:?}");
    our
}

/// Nothing beside what the program says: no advice about what it looked for in passing.
#[track_caller]
fn quiet(outcome: &Outcome) {
    assert!(!outcome.errors().contains("secmon:"), "{outcome:?}");
}

const NINJA: &str = "rule cc\n  command = cc -c $in -o $out\n  depfile = $out.d\nrule link\n  command = ld $in -o $out\n\
    build a.o: cc a.c\nbuild b.o: cc b.c | gen.h\nbuild gen.h: cc gen.in\nbuild app: link a.o b.o\nbuild all: phony app\ndefault all\n";

#[test]
fn ninja_plans() {
    let dir = folder(&[("build.ninja", NINJA), ("a.c", ""), ("b.c", ""), ("gen.in", "")]);
    for args in [
        &["-n"][..],
        &["-n", "-v", "a.o"],
        &["-t", "commands"],
        &["-t", "query", "app"],
        &["-t", "graph"],
        &["-t", "targets", "all"],
        &["-t", "compdb"],
        &["-t", "rules"],
        &["nothing"],
    ] {
        // They name the addresses of nodes, and the folder.
        let outcomes = [there("ninja", dir.path()).args(args).run(), here("ninja", dir.path()).args(args).run()];
        let [ours, theirs] = outcomes.each_ref().map(|outcome| match args {
            ["-t", "graph"] => plain(&outcome.text()).lines().count().to_string(),
            ["-t", "compdb"] => plain(&outcome.text()).lines().filter(|line| !line.contains("directory")).collect(),
            _ => plain(&outcome.text()),
        });
        assert_eq!(outcomes[0].status, outcomes[1].status, "{args:?} {outcomes:?}");
        assert_eq!(ours, theirs, "{args:?}");
    }
}

const MISSPELT: &str =
    "The quick brwon fox recieved teh mesage.\nNothing wrong here.\nlet langauge = seperate(occured);\n";

#[test]
fn typos_finds_and_mends() {
    let files =
        [("a.txt", MISSPELT), ("src/b.rs", MISSPELT), ("_typos.toml", "[default.extend-words]\nteh = \"teh\"\n")];
    let dir = folder(&files);
    let args = ["--format", "brief", "--color", "never", "."];
    let (ours, theirs) = (there("typos", dir.path()).args(args).run(), here("typos", dir.path()).args(args).run());
    assert_eq!((ours.status, sorted(&ours.text())), (theirs.status, sorted(&theirs.text())));
    assert_eq!(ours.status, 2);
    quiet(&ours);
    same("typos", dir.path(), &["--format", "json", "-"], MISSPELT);
    same_files("typos", &files, &["--write-changes", "a.txt"]);
}

#[test]
fn uv_keeps_a_project() {
    let project = ("pyproject.toml", "[project]\nname = \"thing\"\nversion = \"1.2.3\"\n");
    let dir = folder(&[project]);
    same("uv", dir.path(), &["generate-shell-completion", "bash"], "");
    same("uv", dir.path(), &["help", "pip", "compile"], "");
    let version = ["version", "--no-cache", "--offline", "--frozen"];
    quiet(&same_files("uv", &[project], &version));
    let bumped = same_files("uv", &[project], &[&version[..], &["--bump", "minor"]].concat());
    assert!(bumped.text().contains("1.3.0"), "{bumped:?}");
    quiet(&bumped);
    assert_eq!(there("uv", dir.path()).arg("no-such-command").run().status, 2);
}

const JUSTFILE: &str = "set windows-shell := [\"cmd.exe\", \"/c\"]\nversion := \"1.\" + \"2\"\nname := uppercase(\"gate\") / replace(version, \".\", \"_\")\n\
    hash := sha256(\"abc\")\n\n# builds it\nbuild target='all': (check target)\n  echo {{target}} {{version}}\n\n[private]\ncheck x:\n  @echo {{x}}\n";

#[test]
fn just_evaluates() {
    let dir = folder(&[("justfile", JUSTFILE)]);
    for args in [&["--list"][..], &["--dump"], &["--evaluate"], &["--summary"], &["--show", "build"]] {
        quiet(&same("just", dir.path(), args, "").0);
    }
    same("just", dir.path(), &["--dry-run", "build", "x"], "");
    assert_eq!(
        there("just", dir.path()).arg("missing").run().status,
        here("just", dir.path()).arg("missing").run().status
    );
}

const SCRIPT: &str =
    "function f(a, b) {\n  console.log(a, b)\n  if (a == null) { return foo(a, 1) }\n  console.log(`x ${b}`)\n}\n";

#[test]
fn ast_grep_searches_and_rewrites() {
    let files = [("src/a.js", SCRIPT), ("src/b.ts", "const x: number = foo(1, 2);\n"), ("c.py", "print(foo(1, 2))\n")];
    let dir = folder(&files);
    let rule = "id: eq\nlanguage: js\nmessage: loose\nrule: {pattern: $A == null}\nfix: $A === null\n";
    for args in [
        &["run", "-p", "foo($A, $B)", "--color=never", "--heading=never", "-l", "js", "src"][..],
        &["run", "-p", "console.log($$$A)", "-l", "js", "--json=stream", "src/a.js"],
        &["scan", "--inline-rules", rule, "--json=compact", "src/a.js"],
        &["run", "-p", "foo($A, $B)", "--debug-query=ast", "-l", "js"],
    ] {
        quiet(&same("ast-grep", dir.path(), args, "").0);
    }
    same_files("ast-grep", &files, &["run", "-p", "foo($A, $B)", "-r", "bar($B, $A)", "-l", "py", "-U", "c.py"]);
}

const CMAKE: &str = r#"
cmake_minimum_required(VERSION 3.20)
set(list c a b)
list(SORT list)
string(REGEX REPLACE "([a-z]);" "<\\1>" text "${list}")
math(EXPR sum "6 * 7" OUTPUT_FORMAT HEXADECIMAL)
string(JSON member GET "{\"a\": [1, {\"b\": true}]}" a 1 b)
string(SHA256 hash "${text}")
file(WRITE out/a.txt "one\ntwo\n")
file(APPEND out/a.txt "three\n")
file(STRINGS out/a.txt lines REGEX "t")
file(COPY out/a.txt DESTINATION out/deep/er)
file(RENAME out/deep/er/a.txt out/deep/b.txt)
file(GLOB_RECURSE found RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" *.txt)
file(TOUCH out/touched)
file(SIZE in.txt size)
configure_file(in.txt out/configured.txt @ONLY NEWLINE_STYLE UNIX)
file(ARCHIVE_CREATE OUTPUT out.zip PATHS in.txt FORMAT zip)
file(ARCHIVE_EXTRACT INPUT out.zip DESTINATION unpacked)
file(REMOVE out.zip)
file(MAKE_DIRECTORY empty/folder)
file(REMOVE_RECURSE empty)
if(EXISTS empty)
  message(FATAL_ERROR "it is still there")
endif()
file(WRITE result "${text} ${sum} ${member} ${hash} ${lines} ${found} ${size}")
"#;

#[test]
fn cmake_runs_a_script() {
    let files = [("script.cmake", CMAKE), ("in.txt", "version @sum@\n")];
    let (ours, theirs) = (folder(&files), folder(&files));
    // Its modules lie beside the folder of the program.
    let data = windows("cmake").ancestors().nth(2).unwrap().to_owned();
    let sandbox = Sandbox::new().work(ours.path()).mount(&data, "C:\\cmake");
    let our = sandbox.program("C:\\cmake\\bin\\cmake.exe").args(["-P", "script.cmake"]).run().success();
    here("cmake", theirs.path()).args(["-P", "script.cmake"]).run().success();
    quiet(&our);
    let result = fs::read_to_string(ours.path().join("result")).unwrap();
    assert!(result.contains("0x2a") && result.contains("three"), "{result}");
    // Text files have the line ends of their system.
    for name in ["result", "out/deep/b.txt", "out/configured.txt", "unpacked/in.txt"] {
        let [a, b] =
            [&ours, &theirs].map(|dir| fs::read_to_string(dir.path().join(name)).unwrap().replace("\r\n", "\n"));
        let hashless =
            |text: &str| text.split(' ').filter(|word| word.len() != 40 && word.len() > 2).collect::<String>();
        assert_eq!(hashless(&a), hashless(&b), "{name}");
    }
    assert!(!ours.path().join("empty").exists());
}

#[test]
fn cmake_packs_and_compares() {
    let dir = tempfile::tempdir().unwrap();
    tree::make(&dir.path().join("tree"), 120, 5);
    let before = tree::hashes(&dir.path().join("tree"));
    there("cmake", dir.path()).args(["-E", "tar", "cJf", "t.tar.xz", "tree"]).run().success();
    there("cmake", dir.path()).args(["-E", "rename", "tree", "old"]).run().success();
    here("cmake", dir.path()).args(["-E", "tar", "xf", "t.tar.xz"]).run().success();
    assert_eq!(before, tree::hashes(&dir.path().join("tree")));
    there("cmake", dir.path()).args(["-E", "rm", "-r", "tree"]).run().success();
    there("cmake", dir.path()).args(["-E", "tar", "xf", "t.tar.xz"]).run().success();
    assert_eq!(before, tree::hashes(&dir.path().join("tree")));
    same("cmake", dir.path(), &["-E", "sha256sum", "t.tar.xz", "old/file 7.txt"], "");
    there("cmake", dir.path()).args(["-E", "copy_directory", "old", "copy"]).run().success();
    assert_eq!(before, tree::hashes(&dir.path().join("copy")));
    assert_eq!(there("cmake", dir.path()).args(["-E", "compare_files", "t.tar.xz", "old/file 7.txt"]).run().status, 1);
}

#[test]
fn biome_formats_and_lints() {
    let files =
        [("a.js", SCRIPT), ("b.json", "{\"a\":[1,2,   3],\n\"b\":{}}"), ("c.css", ".a{color:red;;margin:0px}\n")];
    let dir = folder(&files);
    for input in ["x.js", "x.ts"] {
        quiet(&same("biome", dir.path(), &["format", &format!("--stdin-file-path={input}")], SCRIPT).0);
    }
    for file in ["a.js", "c.css"] {
        let args = ["lint", "--reporter=json", "--colors=off", file];
        let (ours, theirs) = (there("biome", dir.path()).args(args).run(), here("biome", dir.path()).args(args).run());
        assert_eq!(ours.status, theirs.status, "{file} {ours:?} {theirs:?}");
        let findings = |outcome: &Outcome| outcome.text().matches("\"category\":").count();
        assert_eq!(findings(&ours), findings(&theirs), "{file} {ours:?} {theirs:?}");
    }
    let (ours, theirs) = (folder(&files), folder(&files));
    there("biome", ours.path()).args(["format", "--write", "."]).run().success();
    here("biome", theirs.path()).args(["format", "--write", "."]).run().success();
    assert_eq!(tree::hashes(ours.path()), tree::hashes(theirs.path()));
}

const TYPESCRIPT: &[(&str, &str)] = &[
    (
        "a.ts",
        "import { Box } from \"./b\";\nenum E { X = 1, Y }\nexport const f = async (x: number): Promise<string> => {\n  const b = new Box<number>(x);\n  return `v ${b?.get() ?? 0} ${E.Y}`;\n};\n",
    ),
    (
        "b.ts",
        "/** A box. */\nexport class Box<T> {\n  #hidden = 1;\n  constructor(private readonly value: T) {}\n  get(): T { return this.value; }\n}\n",
    ),
    ("bad.ts", "const wrong: string = 5;\nlet x = missing + wrong.length();\n"),
    (
        "tsconfig.json",
        "{\"compilerOptions\": {\"outDir\": \"out\", \"declaration\": true, \"sourceMap\": true, \"target\": \"es2017\", \"module\": \"commonjs\", \"strict\": true, \"newLine\": \"lf\"}, \"files\": [\"a.ts\"]}",
    ),
];

#[test]
fn tsgo_compiles_and_checks() {
    quiet(&same_files("tsgo", TYPESCRIPT, &["-p", "."]));
    same_files("tsgo", TYPESCRIPT, &["--pretty", "false", "--noEmit", "--ignoreConfig", "bad.ts"]);
}

const CSS: &str = ".a { color: #ff0000; .b { margin: 0px; padding: 0px 0px 0px 0px } }\n@media (min-width: 100px) and (max-width: 200px) { .x { display: flex; } }\n";

#[test]
fn lightningcss_compiles() {
    let files = [("a.css", CSS), ("b.css", "@import './a.css';\n.y { inset: 0 }\n")];
    same_files("lightningcss", &files, &["--minify", "--targets", ">= 0.25%", "a.css", "-o", "out.css"]);
    same_files("lightningcss", &files, &["--bundle", "b.css", "-o", "out.css"]);
    let dir = folder(&files);
    quiet(
        &same("lightningcss", dir.path(), &["--css-modules", "--pattern", "x_[local]", "a.css", "-o", "m.css"], "").0,
    );
    assert_ne!(there("lightningcss", dir.path()).arg("missing.css").run().status, 0);
}

/// A knapsack with capacities that make the solver branch.
fn knapsack() -> String {
    let mut numbers = Numbers::new(17);
    let mut draw = |from, to| from + numbers.below(to - from);
    let term = |values: &[usize]| -> String {
        values.iter().enumerate().map(|(i, v)| format!(" + {v} x{i}")).collect::<Vec<_>>().join("\n")
    };
    let values: Vec<_> = (0..35).map(|_| draw(20, 90)).collect();
    let weights: Vec<Vec<_>> = (0..4).map(|_| (0..35).map(|_| draw(5, 60)).collect()).collect();
    let rows: String = weights.iter().enumerate().map(|(i, row)| format!(" c{i}:{} <= 300\n", term(row))).collect();
    let names: Vec<_> = (0..35).map(|i| format!(" x{i}")).collect();
    format!("Maximize\n obj:{}\nSubject To\n{rows}Binary\n{}\nEnd\n", term(&values), names.join("\n"))
}

#[test]
fn cbc_solves() {
    let dir = folder(&[("p.lp", &knapsack())]);
    let args = ["p.lp", "solve", "solution"];
    let ours = there("cbc", dir.path()).args(args).arg("ours.txt").run().success();
    here("cbc", dir.path()).args(args).arg("theirs.txt").run().success();
    quiet(&ours);
    let first = |name| fs::read_to_string(dir.path().join(name)).unwrap().lines().next().unwrap().trim_end().to_owned();
    assert!(first("ours.txt").starts_with("Optimal"), "{ours:?}");
    assert_eq!(first("ours.txt"), first("theirs.txt"));
}

const INTERFACE: &str = "%module s\n%include \"std_string.i\"\n%inline %{\n#include <string>\nint add(int a, int b);\nclass Q { public: int x; std::string name(const std::string &s); virtual ~Q(); };\n%}\n";

#[test]
fn swig_generates() {
    // Its library lies beside it, under other names on each system.
    let library = |program: &Path| -> PathBuf {
        let share = program.ancestors().nth(2).unwrap().join("share/swig");
        fs::read_dir(share).unwrap().next().unwrap().unwrap().path()
    };
    let program = windows("swig");
    let files = [("s.i", INTERFACE)];
    for target in ["-python", "-lua", "-csharp"] {
        let (ours, theirs) = (folder(&files), folder(&files));
        let sandbox = Sandbox::new().mount(&library(&program), "C:\\lib").env("SWIG_LIB", "C:\\lib").work(ours.path());
        let ran = sandbox.program(&program).args(["-c++", target, "s.i"]).run().success();
        quiet(&ran);
        let twin = portcullis::programs::linux("swig");
        let run = Run::new(&twin).dir(theirs.path()).env("SWIG_LIB", library(&twin).to_str().unwrap());
        run.args(["-c++", target, "s.i"]).run().success();
        let [a, b] = [&ours, &theirs].map(|dir| fs::read_to_string(dir.path().join("s_wrap.cxx")).unwrap());
        assert!(a.len() > 5_000);
        assert_eq!(a.replace("\r\n", "\n"), b, "{target}");
    }
}

#[test]
fn taplo_formats() {
    let toml = "a   = 1\n[x]\n  b= [ 1,2,\n3]\nc = { d = 1979-05-27T07:32:00Z,e=\"ü\" }\n";
    let dir = folder(&[("t.toml", toml), ("bad.toml", "a = \n= 2\n")]);
    quiet(&same("taplo", dir.path(), &["fmt", "-"], toml).0);
    same("taplo", dir.path(), &["get", "-f", "t.toml", "-o", "json"], "");
    same("taplo", dir.path(), &["get", "-f", "t.toml", "x.b"], "");
    assert_eq!(there("taplo", dir.path()).args(["lint", "bad.toml"]).run().status, 1);
    assert_eq!(there("taplo", dir.path()).args(["fmt", "--check", "t.toml"]).run().status, 1);
    same_files("taplo", &[("t.toml", toml)], &["fmt", "t.toml"]);
}

const WORKFLOW: &str = "on: push\njobs:\n  a:\n    runs-on: ubuntu-lates\n    steps:\n      - run: echo ${{ github.evnt }}\n      - uses: actions/checkout\n  b:\n    needs: [c]\n    runs-on: ubuntu-latest\n    steps:\n      - run: ls\n";

#[test]
fn actionlint_finds() {
    let dir = folder(&[(".github/workflows/w.yml", WORKFLOW)]);
    let args = ["-shellcheck=", "-pyflakes=", "-oneline", "-no-color", ".github/workflows/w.yml"];
    let ours = there("actionlint", dir.path()).args(args).run();
    assert_eq!(ours.status, 1, "{ours:?}");
    let places: Vec<_> =
        ours.text().lines().map(|line| line.split(':').skip(1).take(2).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(places, ["4:14", "6:23", "7:15", "8:3"], "{ours:?}");
    fs::write(
        dir.path().join("ok.yml"),
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: ls\n",
    )
    .unwrap();
    quiet(&there("actionlint", dir.path()).args(["-shellcheck=", "-pyflakes=", "ok.yml"]).run().success());
}

const SCSS: &str = "@use 'sass:math';\n$c: #336699;\n@mixin m($w) { width: math.div($w, 3); &:hover { color: mix($c, white, 20%); } }\n.a { @include m(10px); @each $i in 1, 2, 3 { .b#{$i} { order: $i * 2; } } }\n%p { margin: 0 }\n.x { @extend %p; }\n";

#[test]
fn dart_compiles_sass() {
    // The compiler is a snapshot beside the virtual machine, compiled as it runs.
    let dir = folder(&[("a.scss", SCSS), ("bad.scss", ".a { color: $missing }\n")]);
    let snapshot = portcullis::programs::linux("dart").with_file_name("sass.snapshot");
    for args in
        [&["--quiet", "a.scss"][..], &["--quiet", "--style=compressed", "--no-source-map", "a.scss"], &["bad.scss"]]
    {
        let ours = there("dart", dir.path()).arg("C:\\app\\sass.snapshot").args(args).run();
        let theirs = here("dart", dir.path()).arg(&snapshot).args(args).run();
        assert_eq!((ours.status, plain(&ours.text())), (theirs.status, plain(&theirs.text())), "{ours:?} {theirs:?}");
        if ours.status == 0 {
            assert_eq!(ours.errors(), "", "{ours:?}");
        }
    }
}

const PERL: &str = r#"
use strict; use warnings;
my %sum; $sum{$_ % 7} += $_ for 1 .. 5000;
print join(",", map { "$_=$sum{$_}" } sort keys %sum), "\n";
my $text = "The quick brown fox " x 50; (my $out = $text) =~ s/(\w+) (\w+)/\u$2 \L$1/g;
print length($out), " ", unpack("%32C*", $out), "\n";
open my $f, '>:raw', 'perl.bin' or die "$!"; print $f pack("N*", map { $_ * $_ } 1 .. 999); close $f;
open $f, '<:raw', 'perl.bin' or die; seek $f, 400, 0; read $f, my $four, 4; print unpack("N", $four), "\n"; close $f;
print -s 'perl.bin', "\n"; rename 'perl.bin', 'perl.moved' or die; print join(" ", grep { /^perl/ } do { opendir my $d, '.'; sort readdir $d }), "\n";
local $@; eval { die { code => 7 } }; print $@->{code}, "\n"; printf "%.6f %s %s\n", atan2(1, 1) * 4, sprintf("%b", 1234), join "", reverse split //, "gate";
my @a = sort { $b <=> $a } map { ($_ * 7919) % 1009 } 1 .. 2000; print "@a[0..5]\n"; while (<STDIN>) { print "$. $_" } exit 3;
"#;

#[test]
fn perl_runs_a_script_and_exiftool() {
    let dir = folder(&[("p.pl", PERL)]);
    let ours = there("perl", dir.path()).arg("p.pl").input("one\ntwo\n").run();
    let other = folder(&[("p.pl", PERL)]);
    let theirs = Run::new("perl").dir(other.path()).arg("p.pl").input("one\ntwo\n").run();
    assert_eq!((ours.status, ours.lines()), (theirs.status, theirs.lines()), "{ours:?} {theirs:?}");
    quiet(&ours);
    // A picture of 1 by 1.
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\0IEND\xaeB`\x82";
    fs::write(dir.path().join("ü.png"), png).unwrap();
    fs::write(dir.path().join("p.png"), png).unwrap();
    let told = there("perl", dir.path()).args([
        "C:\\app\\exiftool.pl",
        "-s",
        "-ImageSize",
        "-MIMEType",
        "-ColorType",
        "p.png",
    ]);
    let told = told.run().success();
    for line in
        ["ImageSize                       : 1x1", "MIMEType                        : image/png", "RGB with Alpha"]
    {
        assert!(told.text().contains(line), "{told:?}");
    }
}

/// A module whose initializer stores 42 at 16 and sets a global, for wizer to run and to snapshot.
fn module() -> Vec<u8> {
    let section = |id: u8, bytes: &[u8]| [&[id, bytes.len() as u8][..], bytes].concat();
    let name = |name: &str| [&[name.len() as u8][..], name.as_bytes()].concat();
    let exports = [&[2][..], &name("memory"), &[2, 0], &name("wizer.initialize"), &[0, 0]].concat();
    let body = [0, 0x41, 16, 0x41, 42, 0x36, 2, 0, 0x41, 7, 0x24, 0, 0x0b];
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[1, 0]),
        section(5, &[1, 0, 1]),
        section(6, &[1, 0x7f, 1, 0x41, 0, 0x0b]),
        section(7, &exports),
        section(10, &[&[1, body.len() as u8][..], &body].concat()),
    ]
    .concat()
}

#[test]
fn wizer_runs_a_module_and_keeps_its_memory() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.wasm"), module()).unwrap();
    quiet(&there("wizer", dir.path()).args(["in.wasm", "-o", "out.wasm"]).run().success());
    let out = fs::read(dir.path().join("out.wasm")).unwrap();
    assert!(out.ends_with(&[0x0b, 7, 1, 0, 0x41, 16, 0x0b, 1, 42]), "{out:02x?}");
    assert!(out.windows(6).any(|part| part == [0x7f, 1, 0x41, 7, 0x0b, 7]), "the global: {out:02x?}");
    fs::write(dir.path().join("bad.wasm"), &module()[..40]).unwrap();
    assert_ne!(there("wizer", dir.path()).args(["bad.wasm", "-o", "x.wasm"]).run().status, 0);
}

const NODE: &str = r#"
const fs = require('fs'), zlib = require('zlib'), crypto = require('crypto'), path = require('path');
const {Worker} = require('worker_threads');
fs.mkdirSync('d/e', {recursive: true});
fs.writeFileSync('d/e/a.txt', 'hello '.repeat(10000));
const back = zlib.gunzipSync(zlib.gzipSync(fs.readFileSync('d/e/a.txt')));
console.log(back.length, crypto.createHash('sha256').update(back).digest('hex'));
console.log(crypto.createHmac('md5', 'key').update('text').digest('base64'), crypto.pbkdf2Sync('p', 's', 1000, 8, 'sha512').toString('hex'));
console.log(fs.readdirSync('d'), path.resolve('d'), process.platform, process.argv.slice(2), fs.statSync('d/e/a.txt').size);
fs.renameSync('d/e/a.txt', 'd/b.txt'); fs.rmSync('d/e', {recursive: true}); console.log(fs.existsSync('d/e'), fs.existsSync('d/b.txt'));
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
console.log(fib(25), new Intl.NumberFormat('de-DE').format(1234567.5), 'ǅ'.toLowerCase(), /(?<y>\d{4})-\p{L}+/u.exec('x 1999-größe').groups.y);
const wasm = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
(async () => {
  console.log((await WebAssembly.instantiate(wasm)).instance.exports.add(40, 2));
  const shared = new SharedArrayBuffer(8), sums = [];
  const work = "const {workerData: d, parentPort: p} = require('worker_threads'); const a = new Int32Array(d); for (let i = 0; i < 10000; i++) Atomics.add(a, 0, 1); p.postMessage(1)";
  await Promise.all([1, 2, 3].map(() => new Promise((ok, no) => new Worker(work, {eval: true, workerData: shared}).on('exit', ok).on('error', no))));
  console.log(Atomics.load(new Int32Array(shared), 0));
  for await (const line of require('readline').createInterface({input: process.stdin})) sums.push(line.length);
  console.log(sums);
  const stream = fs.createReadStream('d/b.txt', {highWaterMark: 1000}); let parts = 0; for await (const part of stream) parts++; console.log(parts);
  process.exitCode = 5;
})();
"#;

#[test]
fn node_runs_a_script() {
    let dir = folder(&[("n.js", NODE)]);
    let ours = there("node", dir.path()).args(["n.js", "größe", "a b"]).input("one\nthree\n").run();
    let want = "60000 46e1f6e38c45865411851e17c083e3ba76c5d3f18073b59f0d78d200b8f205f6\n0Mphd8Ycl1/S+MB9jGUoxg== e3d368e7e1f1214a\n\
                [ 'e' ] C:\\work\\d win32 [ 'größe', 'a b' ] 60000\nfalse true\n75025 1.234.567,5 ǆ 1999\n42\n30000\n[ 3, 5 ]\n60\n";
    assert_eq!(ours.lines(), want, "{ours:?}");
    assert_eq!(ours.status, 5);
    assert_eq!(ours.errors(), "");
}

#[test]
fn ffmpeg_encodes_without_loss() {
    let dir = tempfile::tempdir().unwrap();
    let quietly = ["-hide_banner", "-loglevel", "error", "-nostdin", "-bitexact"];
    let picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2"];
    let run = |args: &[&str]| there("ffmpeg", dir.path()).args(quietly).args(args).run().success();
    let hash = |args: &[&str]| run(&[args, &["-pix_fmt", "yuv444p", "-f", "md5", "-"]].concat()).lines();
    let source = hash(&picture);
    assert!(source.starts_with("MD5="), "{source}");
    run(&[&picture[..], &["-pix_fmt", "yuv444p", "-c:v", "ffv1", "-threads", "2", "a.mkv"]].concat());
    assert_eq!(hash(&["-i", "a.mkv"]), source);
    // x264 without loss, with its threads and hand-written vector code.
    run(&[&picture[..], &["-pix_fmt", "yuv444p", "-c:v", "libx264", "-qp", "0", "-threads", "4", "a.mp4"]].concat());
    assert_eq!(hash(&["-i", "a.mp4"]), source);
    let missing = there("ffmpeg", dir.path()).args(quietly).args(["-i", "missing.mkv", "-f", "null", "-"]).run();
    assert_eq!(missing.status, 1, "{missing:?}");
}
