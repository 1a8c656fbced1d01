//! A screen that nobody sees: an X server of the test's own, what is shown on it as a picture, and stock Wine with a desktop on it.

use crate::command::{Outcome, Run};
use crate::picture::Picture;
use crate::{once, oracle, product, rest, target};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Wide and high, as our own desktop is when nobody asked for another.
pub const SIZE: (u32, u32) = (1024, 768);

/// FreeRDP's client for X: Debian 12 has its second version, Debian 13 the third alone, by another name.
pub fn freerdp() -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    ["xfreerdp", "xfreerdp3"].iter().find(is_there).unwrap_or(&"xfreerdp")
}

/// An X server without a screen; it ends with this value.
pub struct Screen {
    server: Child,
    number: u32,
    folder: tempfile::TempDir,
}

impl Screen {
    /// Starts one of [`SIZE`]; `None` if Xvfb is not installed.
    ///
    /// # Panics
    /// If it is and does not start.
    pub fn start() -> Option<Screen> {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder for the screen: {e}"));
        let started = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
            .arg(format!("{}x{}x24", SIZE.0, SIZE.1))
            .arg("-fbdir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut server = match started {
            Ok(server) => server,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("Xvfb: {error}"),
        };
        let mut line = String::new();
        let Some(out) = server.stdout.take() else { panic!("Xvfb has no output") };
        let read = BufReader::new(out).read_line(&mut line);
        let number = line.trim().parse().unwrap_or_else(|_| panic!("Xvfb says no number: {read:?} {line:?}"));
        Some(Screen { server, number, folder })
    }

    /// Its name, as `DISPLAY` has it.
    pub fn display(&self) -> String {
        format!(":{}", self.number)
    }

    /// What is shown, as the server keeps it: to see whether it changed.
    ///
    /// # Panics
    /// If that cannot be read.
    pub fn bytes(&self) -> Vec<u8> {
        let path = self.folder.path().join("Xvfb_screen0");
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// What is shown.
    ///
    /// # Panics
    /// If the server's memory is not as X's own `XWDFile.h` describes it.
    pub fn picture(&self) -> Picture {
        from_xwd(&self.bytes()).unwrap_or_else(|| panic!("{}: not a picture", self.folder.path().display()))
    }

    /// Moves, clicks and types, as xdotool's page describes it.
    ///
    /// # Panics
    /// If xdotool fails.
    pub fn xdotool(&self, args: &[&str]) {
        Run::new("xdotool").args(args).env("DISPLAY", self.display()).run().success();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that ended by itself is gone already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The picture in a dump of a window (`XWDFile.h`: a header of big-endian words, a name, colours, rows of 32 bits).
fn from_xwd(bytes: &[u8]) -> Option<Picture> {
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at * 4..at * 4 + 4)?.try_into().ok()?));
    let (header, width, height, bits, row, colours) = (word(0)?, word(4)?, word(5)?, word(11)?, word(12)?, word(19)?);
    if bits != 32 {
        return None;
    }
    // A colour takes 12 bytes.
    let from = header as usize + colours as usize * 12;
    let mut picture = Picture::new(width, height);
    for (y, line) in (0..height).zip(bytes.get(from..)?.chunks(row as usize)) {
        for (x, pixel) in (0..width).zip(line.chunks_exact(4)) {
            picture.put_pixel(x, y, image::Rgb([pixel[2], pixel[1], pixel[0]]));
        }
    }
    Some(picture)
}

/// Stock Wine with a desktop of its own on a screen, as large as the screen, so that it draws and manages all windows itself. One at a
/// time: others wait.
pub struct WineDesktop {
    /// The screen.
    pub screen: Screen,
    _alone: (MutexGuard<'static, ()>, File),
}

impl WineDesktop {
    /// Begins; `None` without Wine or Xvfb.
    ///
    /// # Panics
    /// If its state cannot be made.
    pub fn start() -> Option<WineDesktop> {
        static ALONE: Mutex<()> = Mutex::new(());
        oracle::wine()?;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = target("oracle").join("screen.lock");
        let file = File::create(&lock).unwrap_or_else(|e| panic!("{}: {e}", lock.display()));
        file.lock().unwrap_or_else(|e| panic!("{}: {e}", lock.display()));
        let screen = Screen::start()?;
        let home = prefix();
        // What a test that was killed left running, and what programs remember of the one before.
        oracle::end_server(&home);
        fs::copy(home.join(FRESH), home.join("user.reg")).unwrap_or_else(|e| panic!("{FRESH}: {e}"));
        Some(WineDesktop { screen, _alone: (alone, file) })
    }

    /// The same; `None` also where Wine is none whose windows the tests know: see [`oracle::is_reference`].
    ///
    /// # Panics
    /// If its state cannot be made.
    pub fn reference() -> Option<WineDesktop> {
        oracle::is_reference().then(WineDesktop::start).flatten()
    }

    /// A command that runs a program there.
    ///
    /// # Panics
    /// If Wine is gone meanwhile.
    pub fn command(&self, program: &Path) -> Run {
        let Some(run) = oracle::command(program) else { panic!("Wine is not installed") };
        let home = prefix();
        run.env("FONTCONFIG_FILE", home.join(FONTS)).env("WINEPREFIX", home).env("DISPLAY", self.screen.display())
    }

    /// Has a folder of the host's be `C:\\NAME` there.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn link(&self, name: &str, folder: &Path) {
        let link = prefix().join("drive_c").join(name);
        // None, the first time.
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(folder, &link).unwrap_or_else(|e| panic!("{}: {e}", link.display()));
    }

    /// Whether somebody there has something to do: a program, Wine's server or the screen's.
    pub fn is_busy(&self) -> bool {
        let prefix = format!("WINEPREFIX={}\0", prefix().display());
        let screen = self.screen.server.id().to_string();
        let is_of_it = |process: &Path| {
            let environment = || fs::read(process.join("environ")).unwrap_or_default();
            process.ends_with(&screen) || String::from_utf8_lossy(&environment()).contains(&prefix)
        };
        rest::within(Path::new("/proc")).filter(|process| is_of_it(process)).any(|process| rest::is_busy(&process))
    }

    /// What a program does there.
    pub fn run(&self, program: &Path, args: &[&str]) -> Outcome {
        let scratch = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder: {e}"));
        self.command(program).args(args).dir(scratch.path()).run()
    }
}

impl Drop for WineDesktop {
    fn drop(&mut self) {
        // The desktop is of this screen: the next one begins with a server anew.
        oracle::end_server(&prefix());
    }
}

/// In that state, the user's registry as it is before any program ran.
const FRESH: &str = "user.reg.fresh";
/// In that state, where Wine's Unix side finds fonts.
const FONTS: &str = "fonts.conf";

/// Copies a state of Wine's; programs, which nobody writes to, are the same files in both. Which server it belongs to is left out.
fn twin(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (here, there) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if entry.file_name() == "wineserver" {
            continue;
        }
        if kind.is_dir() {
            twin(&here, &there)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&here)?, &there)?;
        } else if here.extension().is_some_and(|name| name == "dll" || name == "exe") {
            fs::hard_link(&here, &there)?;
        } else {
            fs::copy(&here, &there)?;
        }
    }
    Ok(())
}

/// Wine's state for desktops on a screen, made once.
fn prefix() -> std::path::PathBuf {
    let home = target("oracle").join("desktop-prefix");
    let made = once::make(&home, |half| {
        let plain = oracle::prefix();
        twin(&plain, half)?;
        for (key, value, data) in [
            (r"HKCU\Software\Wine\Explorer", "Desktop", "Default".to_owned()),
            (r"HKCU\Software\Wine\Explorer\Desktops", "Default", format!("{}x{}", SIZE.0, SIZE.1)),
        ] {
            let Some(run) = oracle::command(Path::new("reg")) else { anyhow::bail!("Wine is not installed") };
            run.args(["add", key, "/v", value, "/d", &data, "/f"]).env("WINEPREFIX", half).run().success();
        }
        oracle::end_server(half);
        // The fonts are ours, and no others: none of the host's, which the registry remembers by their paths.
        for (name, file) in product::fonts() {
            fs::copy(&file, half.join("drive_c/windows/Fonts").join(name))?;
        }
        let conf = half.join(FONTS);
        fs::write(&conf, "<fontconfig><dir>/nowhere</dir></fontconfig>")?;
        for key in [
            r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\Fonts",
            r"HKLM\Software\Microsoft\Windows\CurrentVersion\Fonts",
            r"HKCU\Software\Wine\Fonts",
        ] {
            let Some(run) = oracle::command(Path::new("reg")) else { anyhow::bail!("Wine is not installed") };
            run.args(["delete", key, "/f"]).env("WINEPREFIX", half).env("FONTCONFIG_FILE", &conf).run();
        }
        // As our image has it (`libos::image`).
        let Some(run) = oracle::command(Path::new("reg")) else { anyhow::bail!("Wine is not installed") };
        run.args(["add", r"HKCU\Software\Wine\Fonts\Replacements", "/v", "Segoe UI", "/d", "Tahoma", "/f"])
            .env("WINEPREFIX", half)
            .env("FONTCONFIG_FILE", &conf)
            .run()
            .success();
        oracle::end_server(half);
        fs::copy(half.join("user.reg"), half.join(FRESH))?;
        Ok(())
    });
    if let Err(error) = made {
        panic!("Wine's state for screens: {error:#}");
    }
    home
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn a_screen_shows_what_was_put_there() {
        let Some(screen) = Screen::start() else { return };
        let before = screen.picture();
        assert_eq!(before.dimensions(), SIZE);
        let Some(desktop) = WineDesktop::start() else { return };
        let mut mines = desktop.command(Path::new("winemine"));
        let mut mines =
            mines.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        // Its desktop has a colour of its own, all over.
        while *desktop.screen.picture().get_pixel(1000, 700) == image::Rgb([0, 0, 0]) && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        let shown = desktop.screen.picture();
        mines.kill().unwrap();
        mines.wait().unwrap();
        assert!(crate::picture::similarity(&shown, &shown) > 0.9999);
        assert!(crate::picture::similarity(&before, &shown) < 0.9);
    }
}
