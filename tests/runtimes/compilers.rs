//! Build tools as they are used: one starts the next, dozens of times, and what they made is run.

use super::LIMIT;
use portcullis::command::Outcome;
use portcullis::product::Sandbox;
use portcullis::programs::windows;
use portcullis::repository;
use std::fs;
use std::path::Path;

/// A folder with the project, and the tools.
struct Tools(tempfile::TempDir);

impl Tools {
    fn new() -> Tools {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(repository().join("tests/runtimes/project")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        Tools(dir)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default().replace("\r\n", "\n")
    }

    fn run(&self, program: &str, args: &[&str]) -> Outcome {
        let folder = |name: &str| windows(name).parent().map(Path::to_owned).unwrap();
        let sandbox = Sandbox::new().work(self.0.path()).mount(&folder("zig"), "Z:\\zig");
        let sandbox =
            sandbox.mount(folder("cmake").parent().unwrap(), "M:\\cmake").mount(&folder("ninja"), "M:\\ninja");
        let sandbox =
            sandbox.env("ZIG_GLOBAL_CACHE_DIR", "C:\\work\\cache").env("ZIG_LOCAL_CACHE_DIR", "C:\\work\\cache");
        sandbox.program(program).args(args).limit(LIMIT).run()
    }
}

const CMAKE: &str = "M:\\cmake\\bin\\cmake.exe";

/// cmake asks the compiler what it is and writes ninja's plan; ninja runs batch files, these run zig, zig runs itself as clang,
/// lld, ar and dlltool; the program runs as a step of the build, under ctest, and by itself.
#[test]
fn cmake_and_ninja_build_with_zig_cc() {
    let tools = Tools::new();
    // Where the project's folder is mounted.
    let here = |variable: &str, file: &str| format!("-DCMAKE_{variable}=C:/{}/{file}", "work");
    let ours = [here("C_COMPILER", "cc.cmd"), here("AR", "ar.cmd"), here("RANLIB", "ranlib.cmd")];
    let options: Vec<&str> = ours.iter().map(String::as_str).collect();
    let more = [
        "-DCMAKE_MAKE_PROGRAM=M:/ninja/ninja.exe",
        "-DCMAKE_C_STANDARD_LIBRARIES=",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
    ];
    let outcome = tools.run(CMAKE, &[&["-G", "Ninja", "-S", ".", "-B", "build"][..], &options, &more].concat());
    assert!(outcome.status == 0 && outcome.text().contains("The C compiler identification is Clang"), "{outcome:?}");
    let outcome = tools.run(CMAKE, &["--build", "build"]);
    assert!(outcome.status == 0 && outcome.text().contains("[17/17] Linking C executable sums.exe"), "{outcome:?}");
    assert_eq!(tools.file("build/said.txt"), "1.4\n650 run by the build \n");
    let outcome = tools.run("M:\\cmake\\bin\\ctest.exe", &["--test-dir", "build"]);
    assert!(outcome.status == 0 && outcome.text().contains("100% tests passed out of 1"), "{outcome:?}");
    let outcome = tools.run("C:\\work\\build\\sums.exe", &["to", "fail"]);
    assert_eq!((outcome.status, outcome.lines().as_str()), (3, "1.4\n650 to fail\n"), "{outcome:?}");

    // What did not change is not built again, what did is, and a mistake is the compiler's to report.
    let outcome = tools.run(CMAKE, &["--build", "build"]);
    assert!(outcome.status == 0 && outcome.text().contains("ninja: no work to do."), "{outcome:?}");
    fs::write(tools.0.path().join("version.h.in"), "#define VERSION \"new\"\n").unwrap();
    let outcome = tools.run(CMAKE, &["--build", "build"]);
    assert_eq!(
        (outcome.status, tools.file("build/said.txt").as_str()),
        (0, "new\n650 run by the build \n"),
        "{outcome:?}"
    );
    fs::write(tools.0.path().join("words.c"), "int count(const char *text) { return missing; }\n").unwrap();
    let outcome = tools.run(CMAKE, &["--build", "build"]);
    assert!(outcome.status == 1 && outcome.text().contains("use of undeclared identifier 'missing'"), "{outcome:?}");
}

const ZIG: &str = "const std = @import(\"std\");\n\nfn sum(to: u64) u64 {\n    var all: u64 = 0;\n    for (0..to) |n| all += n * n;\n    return all;\n}\n\n\
    test \"sum\" {\n    try std.testing.expectEqual(@as(u64, 5), sum(3));\n}\n\n\
    pub fn main() void {\n    std.debug.print(\"sum {d}\\n\", .{sum(1000)});\n}\n";

#[test]
fn zig_runs_what_it_compiled() {
    let tools = Tools::new();
    fs::write(tools.0.path().join("sum.zig"), ZIG).unwrap();
    let outcome = tools.run("Z:\\zig\\zig.exe", &["run", "sum.zig"]);
    assert!(outcome.status == 0 && outcome.errors().contains("sum 332833500"), "{outcome:?}");
    fs::write(tools.0.path().join("sum.zig"), ZIG.replace("var all", "var none")).unwrap();
    let outcome = tools.run("Z:\\zig\\zig.exe", &["run", "sum.zig"]);
    assert!(outcome.status == 1 && outcome.errors().contains("use of undeclared identifier 'all'"), "{outcome:?}");
}
