//! The product as it is built: `secmon` with the runtime beside it, and the base image.

use crate::command::Run;
use crate::{repository, target};
use shim_abi::image::{INDEX_FILE, Index};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The target that everything is built for; naming it keeps static linking away from build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The folder with the built programs. `PORTCULLIS_BIN` names another one than this clone's release build.
///
/// # Panics
/// If they cannot be built.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os("PORTCULLIS_BIN") {
            return folder.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build
            .args(["build", "--release", "--quiet", "-p", "secmon", "-p", "portcullis-manage", "-p", "libos", "--bins"])
            .current_dir(repository());
        let mut display = Command::new(build.get_program());
        display
            .args(["build", "--release", "--quiet", "--manifest-path", "secmon/display/Cargo.toml", "--target-dir"])
            .arg(target("."))
            .current_dir(repository());
        match build.status().and_then(|status| if status.success() { display.status() } else { Ok(status) }) {
            Ok(status) if status.success() => target(TARGET).join("release"),
            Ok(status) => panic!("{build:?}: {status}"),
            Err(error) => panic!("{build:?}: {error}"),
        }
    })
}

/// The monitor.
pub fn secmon() -> PathBuf {
    folder().join("secmon")
}

/// The runtime.
pub fn runtime() -> PathBuf {
    folder().join("portcullis-runtime")
}

/// Makes the base image if there is none.
///
/// # Panics
/// If that fails.
pub fn image() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        Run::new(secmon())
            .args(["image", "build", "--quiet"])
            .limit(std::time::Duration::from_secs(900))
            .run()
            .success();
    });
}

/// The folder of the base image, by the rule that `secmon` follows.
pub fn image_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("PORTCULLIS_IMAGE") {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("portcullis/image")
}

/// The host file behind a DLL of the image's system32.
///
/// # Panics
/// If there is none.
pub fn system_dll(name: &str) -> PathBuf {
    let guest = format!("windows/system32/{name}");
    let index = index();
    let file = index.find(&guest).unwrap_or_else(|| panic!("{guest} is not in the image"));
    image_folder().join(&file.host)
}

/// The host files that are the image's fonts, and what the guest calls them.
///
/// # Panics
/// If there is no whole image.
pub fn fonts() -> Vec<(String, PathBuf)> {
    let index = index();
    let fonts = index.files.iter().filter(|file| file.guest.starts_with("windows/fonts/"));
    fonts.map(|file| (file.shown.clone(), image_folder().join(&file.host))).collect()
}

fn index() -> Index {
    image();
    let bytes = std::fs::read(image_folder().join(INDEX_FILE)).expect("the image's index");
    Index::from_file(&bytes).expect("a whole index")
}

/// `secmon run` with options; [`Sandbox::program`] makes it a command.
pub struct Sandbox {
    run: Run,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// With no grants.
    pub fn new() -> Self {
        image();
        Sandbox { run: Run::new(secmon()).arg("run") }
    }

    /// A folder that the guest may read.
    #[must_use]
    pub fn mount(self, host: &Path, guest: &str) -> Self {
        let pair = format!("{}={guest}", host.display());
        Sandbox { run: self.run.arg("--mount").arg(pair) }
    }

    /// A folder that the guest may write.
    #[must_use]
    pub fn mount_rw(self, host: &Path, guest: &str) -> Self {
        self.mount(host, &format!("{guest}:rw"))
    }

    /// Where the program starts, as the guest sees it.
    #[must_use]
    pub fn workdir(self, guest: &str) -> Self {
        self.option("--workdir", guest)
    }

    /// A folder that the guest may write and starts in, at `C:\work`.
    #[must_use]
    pub fn work(self, host: &Path) -> Self {
        self.mount_rw(host, "C:\\work").workdir("C:\\work")
    }

    /// An environment variable.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        self.option("--env", &format!("{name}={value}"))
    }

    /// Any option with a value.
    #[must_use]
    pub fn option(self, name: &str, value: &str) -> Self {
        Sandbox { run: self.run.arg(name).arg(value) }
    }

    /// Any option without one.
    #[must_use]
    pub fn flag(self, name: &str) -> Self {
        Sandbox { run: self.run.arg(name) }
    }

    /// The command that runs a program of the host, or of the guest if it is given as a guest's path.
    #[must_use]
    pub fn program(self, program: impl AsRef<Path>) -> Run {
        self.run.arg("--").arg(program.as_ref())
    }
}
