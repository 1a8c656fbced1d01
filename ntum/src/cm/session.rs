//! What of the registry depends on the host and the user: set over the hive when a session starts.

use super::USER_SID;
use super::tree::{KeyId, Made, Resolved, Tree};
use crate::ex::cpu::{cpu, rest};
use crate::nls::fold::same;
use crate::nls::locale::Locales;
use crate::types::wide;
use shim_abi::boot::Boot;

const REG_SZ: u32 = 1;
const REG_DWORD: u32 = 4;
/// Longest computer name, in characters (MAX_COMPUTERNAME_LENGTH).
const MAX_COMPUTER_NAME: usize = 15;

/// Where the hardware is described.
pub const HARDWARE: &str = "Machine\\Hardware\\Description\\System";

/// Writes keys and values that are the session's own.
struct Writer<'a, 'b> {
    made: &'a mut Made<'b>,
    now: u64,
}

impl Writer<'_, '_> {
    /// The key at `path` below \REGISTRY; what is missing of it is made, and lost with the session if `volatile`.
    fn key(&mut self, path: &str, volatile: bool) -> Option<KeyId> {
        let mut at = KeyId::ROOT;
        let mut rest = path;
        while !rest.is_empty() {
            let (name, after) = rest.split_once('\\').unwrap_or((rest, ""));
            at = match self.made.tree.resolve(at, &wide(name), false).ok()? {
                Resolved::Key(key) => key,
                Resolved::Missing(parent, name) => self.made.create(parent, &name, volatile, false, self.now).ok()?,
            };
            rest = after;
        }
        Some(at)
    }

    /// What is read of a key that is there.
    fn read<T>(&mut self, path: &str, read: impl FnOnce(&Tree, KeyId) -> Option<T>) -> Option<T> {
        match self.made.tree.resolve(KeyId::ROOT, &wide(path), false).ok()? {
            Resolved::Key(key) => {
                let found = read(self.made.tree, key);
                self.made.tree.settle(key);
                found
            }
            Resolved::Missing(parent, _) => {
                self.made.tree.settle(parent);
                None
            }
        }
    }

    fn set(&mut self, path: &str, volatile: bool, values: &[(&str, u32, Vec<u8>)]) {
        let Some(key) = self.key(path, volatile) else { return };
        for (name, kind, data) in values {
            let _ = self.made.set_value(key, &wide(name), *kind, data, self.now);
        }
        self.made.tree.settle(key);
    }

    fn texts(&mut self, path: &str, volatile: bool, values: &[(&str, &str)]) {
        let values: Vec<_> = values.iter().map(|(name, text)| (*name, REG_SZ, sz(text))).collect();
        self.set(path, volatile, &values);
    }
}

/// A text's bytes with its terminator.
fn sz(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// The NetBIOS form of the computer's name: the first label, in upper case, 15 characters at most.
fn computer_name(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_uppercase().chars().take(MAX_COMPUTER_NAME).collect()
}

/// Sets what belongs to this session. `locales` brings the image's `locale.nls`, if it is needed.
pub fn prepare(tree: &mut Tree, boot: &Boot, now: u64, locales: impl FnOnce() -> Option<&'static [u8]>) {
    let mut made = Made { tree, ops: Vec::new() };
    let mut to = Writer { made: &mut made, now };
    locale(&mut to, &boot.locale, locales);
    let control = "Machine\\System\\CurrentControlSet";
    let name = computer_name(&boot.computer);
    let host = boot.computer.split('.').next().unwrap_or_default();
    to.texts(&format!("{control}\\Control\\ComputerName\\ComputerName"), false, &[("ComputerName", &name)]);
    to.texts(&format!("{control}\\Control\\ComputerName\\ActiveComputerName"), true, &[("ComputerName", &name)]);
    to.texts(
        &format!("{control}\\Services\\Tcpip\\Parameters"),
        false,
        &[("Hostname", host), ("NV Hostname", host), ("Domain", "")],
    );

    let profile = format!("C:\\users\\{}", boot.user);
    let list = format!("Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\{USER_SID}");
    to.texts(&list, false, &[("ProfileImagePath", &profile)]);
    to.texts(
        &format!("User\\{USER_SID}\\Volatile Environment"),
        true,
        &[
            ("APPDATA", &format!("{profile}\\AppData\\Roaming")),
            ("CLIENTNAME", "Console"),
            ("HOMEDRIVE", "C:"),
            ("HOMEPATH", profile.get(2..).unwrap_or_default()),
            ("HOMESHARE", ""),
            ("LOCALAPPDATA", &format!("{profile}\\AppData\\Local")),
            ("LOGONSERVER", &format!("\\\\{name}")),
            ("SESSIONNAME", "Console"),
            ("USERDOMAIN", &name),
            ("USERNAME", &boot.user),
            ("USERPROFILE", &profile),
        ],
    );
    shell_folders(&mut to, &profile);
    // No debugger starts for a crash: the crash report is the monitor's, and a program may still name one of its own.
    to.texts("Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug", false, &[("Debugger", "")]);
    let environment = format!("{control}\\Control\\Session Manager\\Environment");
    let cpu = cpu();
    to.texts(
        &environment,
        false,
        &[
            ("NUMBER_OF_PROCESSORS", &boot.processors.max(1).to_string()),
            ("PROCESSOR_IDENTIFIER", &cpu.identifier()),
            ("PROCESSOR_LEVEL", &cpu.level.to_string()),
            ("PROCESSOR_REVISION", &format!("{:04x}", cpu.revision)),
        ],
    );
}

/// Says where the user's folders lie (`Shell Folders`) where that is not what `User Shell Folders` means for this user. The image has it for the
/// user whom most sandboxes have.
fn shell_folders(to: &mut Writer<'_, '_>, profile: &str) {
    const EXPLORER: &str = "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer";
    const TELLING: &str = "AppData";
    let whole = |data: &[u8]| -> String {
        let text: Vec<u16> = data.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        String::from_utf16_lossy(&text).trim_end_matches('\0').replace("%USERPROFILE%", profile)
    };
    let path = |name: &str| format!("User\\{USER_SID}\\{EXPLORER}\\{name}");
    let told = to.read(&path("Shell Folders"), |tree, key| Some(tree.value(key, &wide(TELLING)).ok()?.data.to_vec()));
    let meant = to.read(&path("User Shell Folders"), |tree, key| {
        if told == tree.value(key, &wide(TELLING)).ok().map(|value| sz(&whole(value.data))) {
            return None;
        }
        let all = (0..tree.value_count(key).ok()?).map_while(|index| tree.value_at(key, index).ok());
        let named = all.map(|value| (String::from_utf16_lossy(&value.name.to_vec()), REG_SZ, sz(&whole(value.data))));
        Some(named.collect::<Vec<_>>())
    });
    let meant = meant.unwrap_or_default();
    let values: Vec<_> = meant.iter().map(|(name, kind, data)| (name.as_str(), *kind, data.clone())).collect();
    if !values.is_empty() {
        to.set(&path("Shell Folders"), false, &values);
    }
}

/// The first name of a path, and what follows it.
pub fn split_first(path: &[u16]) -> (&[u16], &[u16]) {
    let backslash = |unit: &u16| *unit == u16::from(b'\\');
    let path = path.split_at(path.iter().take_while(|unit| backslash(unit)).count()).1;
    let (first, rest) = path.split_at(path.iter().position(backslash).unwrap_or(path.len()));
    (first, rest.get(1..).unwrap_or_default())
}

/// Whether a name is this one, without regard to letter case.
pub fn is_name(name: &[u16], what: &str) -> bool {
    same(name, &wide(what))
}

/// Whether a path, from \REGISTRY or from \REGISTRY\Machine on, leads to the description of the hardware.
pub fn leads_to_hardware(path: &[u16]) -> bool {
    let mut names = path.split(|unit| *unit == u16::from(b'\\')).filter(|name| !name.is_empty());
    let is = |name: Option<&[u16]>, what: &str| name.is_some_and(|name| same(name, &wide(what)));
    let first = names.next();
    is(first, "Hardware") || is(first, "Machine") && is(names.next(), "Hardware")
}

/// Describes the hardware: done when somebody first looks, as few do.
pub fn describe_hardware(made: &mut Made<'_>, boot: &Boot, now: u64) {
    let mut to = Writer { made, now };
    let system = HARDWARE;
    to.texts(system, true, &[("Identifier", "AT compatible")]);
    let cpu = cpu();
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_string()
    };
    let vendor = text(&cpu.vendor);
    let kind = if vendor == "GenuineIntel" { "Intel64" } else { "AMD64" };
    let (model, stepping) = (cpu.revision >> 8, cpu.revision & 0xff);
    let values = [
        ("Identifier", REG_SZ, sz(&format!("{kind} Family {} Model {model} Stepping {stepping}", cpu.level))),
        ("ProcessorNameString", REG_SZ, sz(&text(&rest().brand))),
        ("VendorIdentifier", REG_SZ, sz(&vendor)),
        ("~MHz", REG_DWORD, rest().megahertz.to_le_bytes().to_vec()),
    ];
    for number in 0..boot.processors.max(1) {
        to.set(&format!("{system}\\CentralProcessor\\{number}"), true, &values);
    }
}

/// Puts the host's locale in place of the image's where they differ. kernelbase compares the same value at the start of each
/// process, and writes all the others itself if it is not what it should be.
fn locale(to: &mut Writer<'_, '_>, name: &str, locales: impl FnOnce() -> Option<&'static [u8]>) {
    let international = format!("User\\{USER_SID}\\Control Panel\\International");
    let kept = to.key(&international, false).and_then(|key| {
        let kept = to.made.tree.value(key, &wide("LocaleName")).map(|value| value.data.to_vec()).ok();
        to.made.tree.settle(key);
        kept
    });
    if name.is_empty() || kept == Some(sz(name)) {
        return;
    }
    let Some(file) = locales() else { return };
    let Some(locale) = Locales::open(file).and_then(|all| all.find(name)) else { return };
    for (key, value, text) in locale.settings() {
        let path = if key.is_empty() { international.clone() } else { format!("{international}\\{key}") };
        to.texts(&path, false, &[(value, &text)]);
    }
    let page = |number: u32| format!("{number:03}");
    to.texts(
        "Machine\\System\\CurrentControlSet\\Control\\Nls\\Codepage",
        false,
        &[
            ("ACP", &page(locale.ansi_code_page())),
            ("OEMCP", &page(locale.oem_code_page())),
            ("MACCP", &page(locale.mac_code_page())),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_to_the_hardware() {
        for (path, leads) in [
            ("HARDWARE\\Description", true),
            ("Machine\\hardware", true),
            ("Machine\\Software\\Hardware", false),
            ("", false),
        ] {
            assert_eq!(leads_to_hardware(&wide(path)), leads, "{path}");
        }
    }

    #[test]
    fn shell_folders_follow_the_user() {
        let explorer = format!("User\\{USER_SID}\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer");
        let mut root = crate::cm::hive::Builder::new();
        let folders = root.path(&format!("{explorer}\\User Shell Folders"));
        for (name, path) in [("AppData", "%USERPROFILE%\\AppData\\Roaming"), ("Personal", "D:\\Mine")] {
            folders.set(&wide(name), 2, sz(path));
        }
        let hive = crate::cm::hive::Hive::open(root.bytes().unwrap().leak()).unwrap();
        let mut tree = Tree::new(hive);
        for user in ["somebody", "other"] {
            let mut made = Made { tree: &mut tree, ops: Vec::new() };
            let mut to = Writer { made: &mut made, now: 1 };
            let profile = format!("C:\\users\\{user}");
            for changes in [true, false] {
                let before = to.made.ops.len();
                shell_folders(&mut to, &profile);
                let values = to.made.ops[before..].iter().filter(|op| matches!(op, crate::cm::tree::Op::SetValue(..)));
                assert_eq!(values.count() != 0, changes);
            }
            let told = |to: &mut Writer<'_, '_>, name: &str| {
                to.read(&format!("{explorer}\\Shell Folders"), |tree, key| {
                    tree.value(key, &wide(name)).ok().map(|value| (value.kind, value.data.to_vec()))
                })
            };
            assert_eq!(told(&mut to, "AppData"), Some((REG_SZ, sz(&format!("{profile}\\AppData\\Roaming")))));
            assert_eq!(told(&mut to, "Personal"), Some((REG_SZ, sz("D:\\Mine"))));
        }
    }

    #[test]
    fn computer_names() {
        assert_eq!(computer_name("build-17.example.org"), "BUILD-17");
        assert_eq!(computer_name("a-very-long-name-indeed"), "A-VERY-LONG-NAM");
    }
}
