//! Builds the test programs by Wine's own makefiles, reduced to what a test program needs: headers, tools, import libraries.

use super::source::{self, run};
use super::{Pinned, Table};
use crate::{cache, once, product};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

/// Changes when the way of building does, so that what was built in another way is not taken.
const RECIPE: &str = "2";

/// DLLs whose import libraries or type libraries every build asks for, beside those that tests import.
const BASE: &[&str] = &[
    "advapi32",
    "kernel32",
    "msvcrt",
    "ntdll",
    "oleacc",
    "stdole2.tlb",
    "stdole32.tlb",
    "ucrtbase",
    "user32",
    "winecrt0",
];

/// Parts of Wine beside `dlls` that are built.
const PARTS: &[&str] = &["include", "tools"];

/// How many absent files are made up before the source is called unfit.
const PLACEHOLDERS: usize = 200;

/// The test program of a DLL, if it was built before.
pub fn built(table: &Table, dll: &str) -> Option<PathBuf> {
    let program = home(table).join(format!("{dll}_test.exe"));
    program.is_file().then_some(program)
}

/// The test program of a DLL of the table, built with all others if it is not there.
///
/// # Errors
/// No source, no compiler, or a DLL that the table does not name.
pub fn build(table: &Table, dll: &str) -> Result<PathBuf> {
    once::make(&home(table), |half| {
        let work = tempfile::Builder::new().prefix(".build-").tempdir_in(cache("winetests"))?;
        make(table, work.path(), half)
    })?;
    built(table, dll)
        .with_context(|| format!("the tests of {dll}.dll: not named in tests/winetests.toml, or not built here"))
}

/// The folder with the test programs of all DLLs of the table.
fn home(table: &Table) -> PathBuf {
    let Pinned { package, version, sha256 } = &table.source;
    let dlls: Vec<&str> = table.dll.keys().map(String::as_str).collect();
    let key = once::hash(format!("{RECIPE} {package} {version} {sha256} {dlls:?} {:?}", source::given()).as_bytes());
    cache("winetests").join(&key[..16])
}

fn make(table: &Table, work: &Path, to: &Path) -> Result<()> {
    let wine = work.join("wine");
    let out = work.join("out");
    eprintln!("winetests: unpacking {} {}", table.source.package, table.source.version);
    source::unpack(&table.source, &wine)?;
    eprintln!("winetests: building the tests of {} DLLs, which takes some minutes", table.dll.len());
    reduce(&wine, table)?;
    generate(&wine)?;
    fonts(&wine, table)?;
    fs::create_dir_all(&out)?;
    let options = ["--enable-win64", "--enable-archs=x86_64", "--without-x", "--without-freetype"];
    // Its makefile cannot be written before the placeholders are there: only what it configured counts.
    let _ = Command::new(wine.join("configure")).args(options).current_dir(&out).output()?;
    makefile(&wine, &out)?;
    // The resource compiler's tables are those of the base image.
    let tables = product::system_dll("locale.nls");
    let tables = tables.parent().context("a file in a folder")?;
    let nls = out.join("nls");
    fs::create_dir_all(&nls)?;
    for entry in fs::read_dir(tables)? {
        let path = entry?.path();
        if let (Some(name), Some("nls")) = (path.file_name(), path.extension().and_then(|ext| ext.to_str())) {
            fs::copy(&path, nls.join(name))?;
        }
    }
    let programs: Vec<String> =
        table.dll.keys().map(|dll| format!("{}/x86_64-windows/{dll}_test.exe", folder(&wine, dll))).collect();
    let jobs = available_parallelism().map_or(1, usize::from);
    // Some of its rules race in a parallel make; what is left then is made one by one.
    let first = Command::new("make").arg(format!("-j{jobs}")).args(&programs).current_dir(&out).output()?;
    if !first.status.success() {
        let said = run(Command::new("make").arg("-k").args(&programs).current_dir(&out)).err();
        said.iter().for_each(|error| eprintln!("winetests: {error:#}"));
    }
    fs::create_dir_all(to)?;
    for program in &programs {
        let file = out.join(program);
        // What this compiler's libraries cannot build is missing alone.
        if file.is_file() {
            fs::copy(&file, to.join(file.file_name().context("a file with a name")?))?;
        }
    }
    Ok(())
}

/// The folder of the tests of a DLL or program, in Wine's source and where it is built.
fn folder(wine: &Path, name: &str) -> String {
    let program = name.strip_suffix(".exe").map(|name| format!("programs/{name}/tests"));
    program.filter(|folder| wine.join(folder).is_dir()).unwrap_or_else(|| format!("dlls/{name}/tests"))
}

/// Takes out of `configure.ac` what is not built, and out of the tests' makefiles what Debian's package lacks.
fn reduce(wine: &Path, table: &Table) -> Result<()> {
    let mut libraries: BTreeSet<String> = BASE.iter().map(|name| (*name).to_owned()).collect();
    for dll in table.dll.keys() {
        let path = wine.join(folder(wine, dll)).join("Makefile.in");
        let text = fs::read_to_string(&path).with_context(|| format!("Wine has no tests of {dll}"))?;
        let imports = text.lines().filter_map(|line| line.strip_prefix("IMPORTS")?.trim_start().strip_prefix('='));
        libraries.extend(imports.flat_map(str::split_whitespace).map(str::to_owned));
        let folder = path.with_file_name("");
        let there = |line: &&str| {
            let name = line.trim().trim_end_matches('\\').trim_end();
            !name.ends_with(".c") || line.contains('=') || folder.join(name).is_file()
        };
        let kept: Vec<&str> = text.lines().filter(there).collect();
        fs::write(&path, kept.join("\n") + "\n")?;
    }
    let path = wine.join("configure.ac");
    let text = fs::read_to_string(&path).context("Wine's configure.ac")?;
    let kept: Vec<&str> = text.lines().filter(|line| wanted(line, &libraries, table)).collect();
    Ok(fs::write(&path, kept.join("\n") + "\n")?)
}

/// Whether a line of `configure.ac` stays.
fn wanted(line: &str, libraries: &BTreeSet<String>, table: &Table) -> bool {
    let Some(rest) = line.strip_prefix("WINE_CONFIG_MAKEFILE(") else { return true };
    let part = rest.split([',', ')']).next().unwrap_or_default();
    match part.split('/').collect::<Vec<_>>()[..] {
        ["dlls", dll] => libraries.contains(dll),
        ["dlls", dll, "tests"] => table.dll.contains_key(dll),
        ["programs", program, "tests"] => table.dll.contains_key(&format!("{program}.exe")),
        // Numbers of interfaces that mingw-w64's own library lacks.
        ["libs", "uuid"] => true,
        [top, ..] => PARTS.contains(&top),
        [] => false,
    }
}

/// Makes what Wine's developers generate, and the configure script.
fn generate(wine: &Path) -> Result<()> {
    for script in ["tools/make_requests", "tools/make_specfiles"] {
        run(Command::new("perl").arg(script).current_dir(wine))?;
    }
    for name in ["config.guess", "config.sub"] {
        let to = wine.join("tools").join(name);
        if !to.exists() {
            fs::copy(Path::new("/usr/share/autoconf/build-aux").join(name), to).context("autoconf's files")?;
        }
    }
    for tool in ["autoconf", "autoheader"] {
        run(Command::new(tool).current_dir(wine))?;
    }
    Ok(())
}

/// Makes the fonts that tests bring along, which Wine's makefiles do for its developers alone. Without fontforge they stay placeholders.
fn fonts(wine: &Path, table: &Table) -> Result<()> {
    for dll in table.dll.keys() {
        for entry in fs::read_dir(wine.join(folder(wine, dll)))? {
            let source = entry?.path();
            if source.extension().is_none_or(|ext| ext != "sfd") {
                continue;
            }
            let mut forge = Command::new("fontforge");
            forge.arg("-script").arg("fonts/genttf.ff").arg(&source).arg(source.with_extension("ttf"));
            if let Err(error) = run(forge.current_dir(wine)) {
                eprintln!("winetests: {}: {error:#}", source.display());
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Has the makefile written. Wine's tool for that wants every file that a source names, used or not; those that Debian's
/// package lacks (icons, sounds, generated headers) are none that many tests use, so a file with a blank line does: one with
/// nothing would be no resource.
fn makefile(wine: &Path, out: &Path) -> Result<()> {
    for _ in 0..PLACEHOLDERS {
        let done = Command::new("./config.status").current_dir(out).env("LC_ALL", "C").output().context("configure")?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr);
        let Some(path) = said.lines().find_map(|line| absent(line, wine, out)).filter(|path| !path.exists()) else {
            bail!("configure: {}", said.trim());
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, "\n")?;
    }
    bail!("Wine's source lacks more than {PLACEHOLDERS} files")
}

/// The file whose absence a line of complaint is about.
fn absent(line: &str, wine: &Path, out: &Path) -> Option<PathBuf> {
    if let Some(rest) = line.strip_prefix("makedep: error: open ") {
        let name = rest.split_once(" : No such file")?.0;
        // A source is told by its name in its DLL's folder.
        let folder = if name.ends_with(".c") { whose(name, wine) } else { None };
        return Some(folder.unwrap_or_else(|| wine.join("include")).join(name));
    }
    let (who, rest) = line.split_once(": error: ")?;
    let (name, _) = rest.split_once(": No such file")?;
    let (source, _) = who.rsplit_once(':')?;
    Some(out.join(source).parent()?.join(name))
}

/// The folder of a DLL whose makefile names a source that is not there: of several, one at a time.
fn whose(source: &str, wine: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(wine.join("dlls")).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let names = |folder: &PathBuf| {
        let makefile = fs::read_to_string(folder.join("Makefile.in")).unwrap_or_default();
        !folder.join(source).exists() && makefile.split_whitespace().any(|word| word == source)
    };
    folders.into_iter().find(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_a_file() {
        let (wine, out) = (Path::new("/w/wine"), Path::new("/w/out"));
        let header = "makedep: error: open wine/vulkan.h : No such file or directory";
        assert_eq!(absent(header, wine, out), Some("/w/wine/include/wine/vulkan.h".into()));
        let wine_with_a_dll = tempfile::tempdir().unwrap();
        let folder = wine_with_a_dll.path().join("dlls/gdi32");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Makefile.in"), "SOURCES = \\\n\tuniscribe/bracket.c \\\n").unwrap();
        let source = "makedep: error: open uniscribe/bracket.c : No such file or directory";
        assert_eq!(absent(source, wine_with_a_dll.path(), out), Some(folder.join("uniscribe/bracket.c")));
        let other = wine_with_a_dll.path().join("dlls/usp10");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("Makefile.in"), "SOURCES = uniscribe/bracket.c\n").unwrap();
        fs::create_dir_all(folder.join("uniscribe")).unwrap();
        fs::write(folder.join("uniscribe/bracket.c"), "").unwrap();
        assert_eq!(absent(source, wine_with_a_dll.path(), out), Some(other.join("uniscribe/bracket.c")));
        let icon = "../wine/dlls/user32/user32.rc:226: error: resources/x.cur: No such file or directory";
        assert_eq!(absent(icon, wine, out), Some("/w/out/../wine/dlls/user32/resources/x.cur".into()));
        assert_eq!(absent("config.status: error: could not create Makefile", wine, out), None);
    }

    #[test]
    fn only_what_tests_need_is_configured() {
        let table = super::super::table().unwrap();
        let libraries = BTreeSet::from(["user32".to_owned()]);
        let wanted = |line: &str| wanted(line, &libraries, &table);
        assert!(wanted("AC_INIT([Wine])"));
        assert!(wanted("WINE_CONFIG_MAKEFILE(tools/wrc,,[test x])"));
        assert!(wanted("WINE_CONFIG_MAKEFILE(dlls/ntdll/tests)"));
        assert!(wanted("WINE_CONFIG_MAKEFILE(dlls/user32)"));
        assert!(!wanted("WINE_CONFIG_MAKEFILE(dlls/d3d9/tests)"));
        assert!(!wanted("WINE_CONFIG_MAKEFILE(dlls/d3d9,enable_d3d9)"));
        assert!(wanted("WINE_CONFIG_MAKEFILE(programs/cmd/tests)"));
        assert!(!wanted("WINE_CONFIG_MAKEFILE(programs/cmd)"));
    }
}
