//! Makes the base image out of an installed libwine: see [`shim_abi::image`] for what lies in its folder.
//!
//! Nothing is run and nothing immutable is copied: the set-up file and the resources of the DLLs are read, and what they would
//! do to a fresh installation becomes an index of files and a registry hive.

mod apt;
mod devices;
mod fetch;
mod folders;
mod fonts;
mod inf;
mod layout;
mod manifest;
mod package;
mod reginst;
mod registrations;
mod registry;
mod resources;
mod script;
mod setup;
mod source;
mod system;

pub use apt::{Apt, Kind as PackageKind};
pub use package::{Installed, look_over, mend};
pub use source::Source;

use anyhow::{Context, Result};
use inf::Inf;
use layout::Layout;
use ntum::nls::locale::Locales;
use package::Package;
use registry::Registry;
use resources::{Name, Resources};
use shim_abi::image::{File, HIVE_FILE, INDEX_VERSION, Index};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The sections that set up a 64-bit installation, in order.
const INSTALLS: &[&str] = &["PreInstall.ntamd64", "DefaultInstall.ntamd64"];
/// The locale that the registry is made for; ntum puts the host's in its place where it is another.
const LOCALE: &str = "en-US";
/// Resource type of registration scripts.
const SCRIPT: &str = "WINE_REGISTRY";
/// 1970 in units of 100 ns since 1601.
const EPOCH: u64 = 116_444_736_000_000_000;

/// What tells how far the making of an image has come.
pub trait Progress {
    /// A new stretch of `steps` steps (0: not known) begins.
    fn stretch(&self, what: &str, steps: u64);
    /// One step of the stretch is done.
    fn step(&self);
    /// Something for a person, that does not stop the work.
    fn note(&self, note: &str);
}

/// How an image is made.
pub struct Options {
    /// The folder it goes to.
    pub output: PathBuf,
    /// A root with libwine's tree below it; else the host's own, else one that is fetched.
    pub source: Option<PathBuf>,
}

/// Finds the PE files, fetching them if need be.
///
/// # Errors
/// None found, and none to be fetched.
pub fn find_source(given: Option<&Path>, progress: &dyn Progress) -> Result<Source> {
    match given {
        Some(root) => {
            Source::below(&fs::canonicalize(root).with_context(|| format!("{} is not there", root.display()))?)
        }
        None => Source::below(Path::new("/")).or_else(|_| fetch::libwine(progress)),
    }
}

/// Makes the image.
///
/// # Errors
/// A source that can't be found or read, an output that can't be written.
pub fn build(options: &Options, progress: &dyn Progress) -> Result<Installed> {
    let source = find_source(options.source.as_deref(), progress)?;
    let package = collect(&source, progress)?;
    progress.stretch("Writing", 0);
    package.install(&options.output)?;
    look_over(&options.output, false)
}

/// The image at `output` if it is whole, mended from its package if need be, and made of what lies below `source`.
pub fn whole(output: &Path, source: Option<&Path>) -> Option<Installed> {
    let image = look_over(output, true).or_else(|_| mend(output).and_then(|()| look_over(output, true))).ok()?;
    let Some(source) = source else { return Some(image) };
    let source = fs::canonicalize(source).ok()?;
    let ntdll = image.index.find("windows/system32/ntdll.dll")?;
    Path::new(&ntdll.host).starts_with(source).then_some(image)
}

/// Reads everything that the image is made of.
fn collect(source: &Source, progress: &dyn Progress) -> Result<Package> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = i64::try_from(now.as_nanos()).unwrap_or(0);
    let inf = source.data.join("wine.inf");
    let text = fs::read_to_string(&inf).with_context(|| format!("{} can't be read", inf.display()))?;
    let inf = Inf::parse(&text);

    let mut layout = Layout::default();
    for folder in folders::ALWAYS {
        layout.folder(folder);
    }
    for install in INSTALLS {
        layout.programs_of(&inf, install, source)?;
        layout.copies_of(&inf, install, source, written)?;
        layout.inis_of(&inf, install, written);
    }
    if let Some(zlib) = source.zlib() {
        layout.host("windows/system32/zlib1.dll", &zlib)?;
    }
    // ICU's converters, which no Wine has.
    layout.own("windows/system32/icuuc.dll", ntum::nls::icu::dll::file(), written);
    if let Some(fonts) = source.fonts() {
        layout.whole_folder("windows/Fonts", &fonts)?;
    }
    layout.whole_folder("@nls", &source.data.join("nls"))?;

    let time = EPOCH + u64::try_from(now.as_nanos() / 100).unwrap_or(0);
    let mut registry = Registry::new(ntum::cm::USER_SID, time);
    system::before(&mut registry);
    devices::add(&mut registry);
    run_scripts(&mut layout, source, &mut registry, written, progress)?;
    registrations::run(&mut registry);
    for install in INSTALLS {
        for section in inf.list(install, "AddReg") {
            setup::add_registry(&inf, &section, None, &mut registry);
        }
        setup::add_services(&inf, &format!("{install}.Services"), &mut registry);
    }
    let nls = source.data.join("nls/locale.nls");
    let nls = fs::read(&nls).with_context(|| format!("{} can't be read", nls.display()))?;
    let locale =
        Locales::open(&nls).and_then(|all| all.find(LOCALE)).context("locale.nls does not hold what it should")?;
    system::after(&mut registry, ntum::cm::USER_SID, &locale);
    if let Some(folder) = source.fonts() {
        fonts::list(&folder, &mut registry)?;
    }
    let hive = registry.bytes()?;

    let (mut files, folders) = layout.lists();
    let shown = HIVE_FILE.to_string();
    files.push(File { guest: "@hive".into(), shown, host: HIVE_FILE.into(), size: hive.len() as u64, written });
    files.sort_unstable_by(|a, b| a.guest.cmp(&b.guest));
    let index = Index { version: INDEX_VERSION, source: source.describe(), files, folders };
    Ok(Package::new(index, hive, layout))
}

/// Installs the assemblies of every DLL, and runs its registration scripts.
fn run_scripts(
    layout: &mut Layout,
    source: &Source,
    registry: &mut Registry,
    written: i64,
    progress: &dyn Progress,
) -> Result<()> {
    let programs: Vec<(String, PathBuf)> = layout.programs(source).collect();
    progress.stretch("Reading DLLs", programs.len() as u64);
    for (module, host) in programs {
        progress.step();
        let Some(resources) = Resources::read(&host)? else { continue };
        layout.assemblies(&resources, source, written)?;
        let replacements = [("MODULE", module.as_str()), ("SystemRoot", folders::WINDOWS)];
        for (_, script) in resources.of_type(&Name::Text(SCRIPT.into())) {
            let script = String::from_utf8_lossy(script);
            if let Err(error) = script::run(&script, &replacements, registry) {
                progress.note(&format!("the registration script of {module} is wrong: {error:#}"));
            }
        }
        let unknown = reginst::run(&resources, &module, registry);
        if !unknown.is_empty() {
            progress.note(&format!("{module} registers itself with names that are not known: {}", unknown.join(", ")));
        }
    }
    Ok(())
}
