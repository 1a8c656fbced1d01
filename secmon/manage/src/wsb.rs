//! The configuration files of Windows Sandbox (`.wsb`), read as Microsoft documents them, and strictly.
//!
//! Every element is in [`ELEMENTS`], with what it does here. An unknown one, one in another letter case (XML knows no other way to
//! write a name, and the pages have every value in one), one that is there twice and a value that it must not have are faults; all of
//! them are told, each with its place.

use crate::command_line;
use roxmltree::{Document, Node, ParsingOptions};
use secmon::guest::GuestPath;
use secmon::policy::{Clipboard, Mount, Policy, PolicyError};
use shim_abi::net::rules::Grant;
use std::path::{Path, PathBuf};

/// The user of a Windows Sandbox.
pub const USER: &str = "WDAGUtilityAccount";
/// A value of commands: one that runs it, or a script of its.
const POWERSHELL: &str = "PowerShell";
/// Memory that less than is not given, in MiB.
const LEAST_MEMORY: u64 = 64;

/// What an element and a value of it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// As documented.
    Honoured(&'static str),
    /// Not as documented, which a warning says.
    Warned(&'static str),
}

/// A row of the table: an element, a value (`-`: it is not there), and what happens.
pub struct Row {
    /// The element's name.
    pub element: &'static str,
    /// The value.
    pub value: &'static str,
    /// What happens.
    pub effect: Effect,
}

const fn row(element: &'static str, value: &'static str, effect: Effect) -> Row {
    Row { element, value, effect }
}

use Effect::{Honoured, Warned};

/// Every element that is documented, and what its values do here. README.md shows this table.
pub const ELEMENTS: &[Row] = &[
    row("VGpu", "Enable", Warned("no GPU is shared: graphics are drawn by the processor")),
    row("VGpu", "Disable", Honoured("no GPU is shared")),
    row("VGpu", "Default", Honoured("no GPU is shared")),
    row("Networking", "Enable", Honoured("granted as by `--net all`")),
    row("Networking", "Disable", Honoured("no network")),
    row("Networking", "Default", Warned("granted as by `--net all`, as Windows Sandbox does")),
    row(
        "Networking",
        "-",
        Warned("no network, other than in Windows Sandbox: nothing is granted that nobody asked for"),
    ),
    row("MappedFolders", "HostFolder", Honoured("a folder of this host; a Windows path needs `--map`")),
    row("MappedFolders", "SandboxFolder", Honoured("where it is seen; the desktop if it is left out")),
    row("MappedFolders", "ReadOnly", Honoured("`true` or `false`; `false` if it is left out")),
    row("LogonCommand", "Command", Honoured("runs when the sandbox has begun; a script runs by cmd.exe")),
    row("LogonCommand", POWERSHELL, Warned("the base image has no PowerShell, its `powershell.exe` does nothing")),
    row("AudioInput", "Enable", Warned("no microphone is shared")),
    row("AudioInput", "Disable", Honoured("no microphone is shared")),
    row("AudioInput", "Default", Warned("no microphone is shared")),
    row("VideoInput", "Enable", Warned("no camera is shared")),
    row("VideoInput", "Disable", Honoured("no camera is shared")),
    row("VideoInput", "Default", Honoured("no camera is shared")),
    row("ProtectedClient", "Enable", Honoured("every picoprocess is confined so far, and farther")),
    row("ProtectedClient", "Disable", Warned("confinement cannot be taken away")),
    row("ProtectedClient", "Default", Honoured("confined as always")),
    row("PrinterRedirection", "Enable", Warned("no printer is shared")),
    row("PrinterRedirection", "Disable", Honoured("no printer is shared")),
    row("PrinterRedirection", "Default", Honoured("no printer is shared")),
    row("ClipboardRedirection", "Enable", Honoured("text, images and files go both ways, as by `--clipboard both`")),
    row("ClipboardRedirection", "Disable", Honoured("the clipboard is not shared")),
    row("ClipboardRedirection", "Default", Warned("granted as by `--clipboard both`, as Windows Sandbox does")),
    row("MemoryInMB", "number", Honoured("the limit of memory, at least 64; not reserved")),
];

/// Elements that are known by a second spelling: Microsoft's pages have both.
const SPELLINGS: [(&str, &str); 1] = [("vGPU", "VGpu")];

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum WsbError {
    /// It cannot be read.
    #[error("{0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// Something in it is wrong: a line for each fault.
    #[error("{}", .1.iter().map(|fault| format!("{}, {fault}", .0)).collect::<Vec<_>>().join("\n"))]
    Text(String, Vec<Wrong>),
}

/// Something that is wrong in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct Wrong {
    /// Its line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
}

/// A Windows path that stands for a folder of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    windows: GuestPath,
    host: PathBuf,
}

impl std::str::FromStr for Map {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}`: write it as C:\\Users\\me=/home/me");
        let (windows, host) = text.split_once('=').ok_or_else(form)?;
        let windows = GuestPath::parse(windows).map_err(|error| format!("`{windows}`: {error}"))?;
        if !Path::new(host).is_absolute() {
            return Err(form());
        }
        Ok(Map { windows, host: host.into() })
    }
}

impl Map {
    /// What a Windows path is on this host, if it lies in the mapped one.
    fn apply(&self, path: &GuestPath) -> Option<PathBuf> {
        let (from, path) = (self.windows.slashed(), path.slashed());
        let from = from.trim_end_matches('/');
        let head = path.get(..from.len())?;
        let rest = path.get(from.len()..)?;
        (head.eq_ignore_ascii_case(from) && (rest.is_empty() || rest.starts_with('/')))
            .then(|| self.host.join(rest.trim_start_matches('/')))
    }
}

/// What a configuration asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What is granted.
    pub policy: Policy,
    /// What runs when the sandbox has begun.
    pub command: Option<String>,
    /// What is not as documented: a sentence each.
    pub warnings: Vec<String>,
}

/// The text of a file: UTF-8, or UTF-16 as Windows' editors write it.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// Reads a file.
///
/// # Errors
/// [`WsbError`].
pub fn read(path: &Path, maps: &[Map]) -> Result<Configuration, WsbError> {
    let bytes = std::fs::read(path).map_err(|error| WsbError::Read(path.into(), error))?;
    let name = path.display().to_string();
    let what = || Wrong { line: 1, column: 1, what: "it is neither UTF-8 nor UTF-16".into() };
    let text = decode(&bytes).ok_or_else(|| WsbError::Text(name.clone(), vec![what()]))?;
    parse(&text, &name, maps)
}

/// Reads the text of one; `name` is what messages call it.
///
/// # Errors
/// [`WsbError::Text`].
pub fn parse(text: &str, name: &str, maps: &[Map]) -> Result<Configuration, WsbError> {
    let wrong = |position: roxmltree::TextPos, what: String| Wrong { line: position.row, column: position.col, what };
    let options = ParsingOptions { nodes_limit: 10_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let said = error.to_string();
        // The place is said before it.
        let what = said.rsplit_once(" at ").map_or(said.as_str(), |(what, _)| what).to_owned();
        WsbError::Text(name.into(), vec![wrong(error.pos(), what)])
    })?;
    let out = Configuration { policy: blank(), command: None, warnings: Vec::new() };
    let mut reader = Reader { maps, out, faults: Vec::new() };
    reader.configuration(document.root_element());
    let faults = reader.faults.into_iter().map(|Fault(at, what)| wrong(document.text_pos_at(at), what));
    let mut faults: Vec<Wrong> = faults.collect();
    faults.sort();
    if faults.is_empty() { Ok(reader.out) } else { Err(WsbError::Text(name.into(), faults)) }
}

/// The policy of a configuration that says nothing.
fn blank() -> Policy {
    Policy { user: USER.into(), ..Policy::default() }
}

/// What is wrong, and the byte where.
struct Fault(usize, String);

fn refuse<T>(node: Node<'_, '_>, what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(node.range().start, what.into()))
}

/// The name of an element by which the table has it.
fn known<'a>(node: Node<'a, '_>) -> &'a str {
    let name = node.tag_name().name();
    SPELLINGS.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name)
}

/// What is said of an element that does not belong where it stands.
fn unknown(node: Node<'_, '_>, allowed: &[&str]) -> String {
    let name = node.tag_name().name();
    match allowed.iter().find(|other| other.eq_ignore_ascii_case(name)) {
        Some(right) => format!("`{name}` is written `{right}`"),
        None => format!("there is no element `{name}` here; there are {}", allowed.join(", ")),
    }
}

/// An element without attributes and of no namespace.
fn plain(node: Node<'_, '_>) -> Result<(), Fault> {
    if let Some(attribute) = node.attributes().next() {
        return Err(Fault(attribute.range().start, format!("`{}` has no attributes", node.tag_name().name())));
    }
    if node.tag_name().namespace().is_some() {
        return refuse(node, format!("`{}` has no namespace", node.tag_name().name()));
    }
    Ok(())
}

/// The text of an element that holds nothing else, without blanks around it.
fn text<'a>(node: Node<'a, '_>) -> Result<String, Fault> {
    plain(node)?;
    let name = node.tag_name().name();
    if let Some(inner) = node.children().find(Node::is_element) {
        return refuse(inner, format!("`{name}` holds a value, no elements"));
    }
    let whole: String = node.children().filter_map(|part| part.text().filter(|_| part.is_text())).collect();
    let value = whole.trim();
    if value.is_empty() { refuse(node, format!("`{name}` is empty")) } else { Ok(value.into()) }
}

/// One of some words.
fn word(node: Node<'_, '_>, words: &[&'static str]) -> Result<&'static str, Fault> {
    let value = text(node)?;
    if let Some(found) = words.iter().find(|word| **word == value) {
        return Ok(found);
    }
    let name = node.tag_name().name();
    match words.iter().find(|word| word.eq_ignore_ascii_case(&value)) {
        Some(right) => refuse(node, format!("the value `{value}` of `{name}` is written `{right}`")),
        None => refuse(node, format!("`{value}` is no value of `{name}`: write {}", words.join(", "))),
    }
}

/// The elements of a configuration, in the order of the table.
fn elements() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = Vec::new();
    ELEMENTS.iter().map(|row| row.element).for_each(|name| {
        if !all.contains(&name) {
            all.push(name);
        }
    });
    all
}

/// Whether a command is one for PowerShell, or a script of its.
fn for_powershell(command: &str) -> bool {
    command_line::split(command).iter().any(|word| {
        let word = word.to_ascii_lowercase();
        let name = word.rsplit(['\\', '/']).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        matches!(name, "powershell" | "pwsh") || name.ends_with(".ps1")
    })
}

struct Reader<'a> {
    maps: &'a [Map],
    out: Configuration,
    /// What is wrong, as it was found.
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// What was read, or notes the fault.
    fn take<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// The elements in one, each of them allowed, and there once unless `many` says otherwise; others are faults.
    fn children<'a, 'i>(&mut self, parent: Node<'a, 'i>, allowed: &[&str], many: bool) -> Vec<Node<'a, 'i>> {
        self.take(plain(parent));
        let mut all: Vec<Node<'a, 'i>> = Vec::new();
        for node in parent.children() {
            if node.is_text() && node.text().is_some_and(|text| !text.trim().is_empty()) {
                let what = format!("`{}` holds elements, no text", parent.tag_name().name());
                self.faults.push(Fault(node.range().start, what));
            }
            if !node.is_element() {
                continue;
            }
            let fault = if !allowed.contains(&known(node)) {
                Some(unknown(node, allowed))
            } else if !many && all.iter().any(|other| known(*other) == known(node)) {
                Some(format!("`{}` is there twice", known(node)))
            } else {
                None
            };
            match fault {
                Some(what) => self.faults.push(Fault(node.range().start, what)),
                None => all.push(node),
            }
        }
        all
    }

    fn configuration(&mut self, root: Node<'_, '_>) {
        if root.tag_name().name() != "Configuration" {
            self.faults.push(Fault(root.range().start, unknown(root, &["Configuration"])));
            return;
        }
        let mut networking = false;
        for node in self.children(root, &elements(), false) {
            match known(node) {
                "MappedFolders" => {
                    for folder in self.children(node, &["MappedFolder"], true) {
                        let read = self.folder(folder);
                        self.take(read);
                    }
                }
                "LogonCommand" => {
                    let command = self.children(node, &["Command"], false).first().copied();
                    let read = command.map_or_else(|| refuse(node, "`LogonCommand` has no `Command`"), text);
                    self.out.command = self.take(read);
                    if self.out.command.as_deref().is_some_and(for_powershell) {
                        self.warn("LogonCommand", POWERSHELL);
                    }
                }
                "MemoryInMB" => {
                    let read = self.memory(node);
                    self.take(read);
                }
                name => {
                    networking |= name == "Networking";
                    let read = word(node, &["Enable", "Disable", "Default"]);
                    let Some(value) = self.take(read) else { continue };
                    if name == "Networking" && value != "Disable" {
                        self.out.policy.grants = vec![Grant::All];
                    }
                    if name == "ClipboardRedirection" && value != "Disable" {
                        self.out.policy.clipboard = Clipboard::Both;
                    }
                    self.warn(name, value);
                }
            }
        }
        if !networking {
            self.warn("Networking", "-");
        }
    }

    /// Says what the table says that is not as documented.
    fn warn(&mut self, element: &str, value: &str) {
        let found = ELEMENTS.iter().find(|row| row.element == element && row.value == value);
        if let Some(Row { effect: Warned(what), .. }) = found {
            self.out.warnings.push(match value {
                "-" => format!("{element} is not there: {what} (write <{element}>Enable</{element}> for it)"),
                _ => format!("{element} {value}: {what}"),
            });
        }
    }

    fn memory(&mut self, node: Node<'_, '_>) -> Result<(), Fault> {
        let value = text(node)?;
        let Ok(megabytes) = value.parse::<u64>() else {
            return refuse(node, format!("`{value}` is no number of megabytes"));
        };
        if megabytes < LEAST_MEMORY {
            self.out.warnings.push(format!("MemoryInMB {megabytes}: it is given {LEAST_MEMORY}, the least there is"));
        }
        self.out.policy.memory = megabytes.max(LEAST_MEMORY).checked_mul(1 << 20);
        if self.out.policy.memory.is_none_or(|bytes| bytes > 1 << 46) {
            return refuse(node, format!("`{value}` is more memory than there can be"));
        }
        Ok(())
    }

    fn folder(&mut self, node: Node<'_, '_>) -> Result<(), Fault> {
        let (mut host, mut place, mut writable) = (None, None, true);
        let before = self.faults.len();
        for part in self.children(node, &["HostFolder", "SandboxFolder", "ReadOnly"], false) {
            match part.tag_name().name() {
                "HostFolder" => {
                    let read = self.host(part);
                    host = self.take(read).map(|found| (part, found));
                }
                "SandboxFolder" => {
                    let read = text(part).and_then(|value| {
                        GuestPath::parse(&value).or_else(|error| refuse(part, format!("`{value}`: {error}")))
                    });
                    place = self.take(read).map(|guest| (part, guest));
                }
                _ => {
                    let read = text(part).and_then(|value| match value.to_ascii_lowercase().as_str() {
                        "true" => Ok(false),
                        "false" => Ok(true),
                        _ => refuse(part, format!("`{value}` is no value of `ReadOnly`: write true or false")),
                    });
                    writable = self.take(read).unwrap_or_default();
                }
            }
        }
        let Some((named, (host, last))) = host else {
            // It is there and wrong, or written wrongly; that is told already.
            return if self.faults.len() > before {
                Ok(())
            } else {
                refuse(node, "`MappedFolder` has no `HostFolder`")
            };
        };
        let (at, guest) = match place {
            Some(place) => place,
            None => {
                let text = format!("C:\\Users\\{USER}\\Desktop\\{last}");
                let guest = GuestPath::parse(&text).or_else(|error| refuse(named, format!("`{text}`: {error}")))?;
                (named, guest)
            }
        };
        self.check(at, &guest)?;
        self.out.policy.mounts.push(Mount { host, guest, writable });
        // What a policy refuses of mounts is refused here, where the line is known.
        match self.out.policy.check() {
            Err(error @ (PolicyError::System(_) | PolicyError::Twice(_))) => refuse(at, error.to_string()),
            _ => Ok(()),
        }
    }

    /// Refuses a place that another folder's lies in or around.
    fn check(&self, at: Node<'_, '_>, guest: &GuestPath) -> Result<(), Fault> {
        let lower = |path: &GuestPath| path.slashed().trim_end_matches('/').to_lowercase();
        let new = lower(guest);
        let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        for other in &self.out.policy.mounts {
            let old = lower(&other.guest);
            if within(&new, &old) || within(&old, &new) {
                return refuse(at, format!("{guest} and {} overlap", other.guest));
            }
        }
        Ok(())
    }

    /// The folder of this host that an element names, and the last part of the name as it was written.
    fn host(&self, node: Node<'_, '_>) -> Result<(PathBuf, String), Fault> {
        let value = text(node)?;
        let (path, last) = if GuestPath::looks_like(&value) {
            let windows = GuestPath::parse(&value).or_else(|error| refuse(node, format!("`{value}`: {error}")))?;
            let last = windows.split().map_or("", |(_, name)| name).to_owned();
            match self.maps.iter().find_map(|map| map.apply(&windows)) {
                Some(path) => (path, last),
                None => {
                    return refuse(
                        node,
                        format!(
                            "`{value}` is a path of Windows: write the folder of this host, as /home/me/{last}, or say what it is \
                             with --map '{value}=/home/me/{last}'"
                        ),
                    );
                }
            }
        } else {
            let path = PathBuf::from(&value);
            if !path.is_absolute() {
                return refuse(node, format!("`{value}` is no absolute path"));
            }
            let last = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (path, last)
        };
        check_folder(&path).or_else(|why| refuse(node, why))?;
        Ok((path, last))
    }
}

/// Checks that a folder of the host is one, and no link that leads to one.
///
/// # Errors
/// A sentence that says what it is.
pub fn check_folder(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let meta = std::fs::symlink_metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("the folder {shown} is not there"),
        _ => format!("{shown}: {error}"),
    })?;
    if meta.is_symlink() {
        let target = path.canonicalize().map_or_else(|_| "nowhere".into(), |path| path.display().to_string());
        return Err(format!("{shown} is a symbolic link to {target}: write where it leads"));
    }
    if meta.is_dir() { Ok(()) } else { Err(format!("{shown} is no folder")) }
}

/// The table of elements, as README.md has it.
pub fn table() -> String {
    let mut out = String::from("| element | what its values do here |\n|---|---|\n");
    for element in elements() {
        let told = |row: &Row| {
            let value = if row.value == "-" { "left out".to_owned() } else { format!("`{}`", row.value) };
            match row.effect {
                Honoured(what) => format!("{value}: {what}"),
                Warned(what) => format!("{value}: **warning**, {what}"),
            }
        };
        let rows: Vec<String> = ELEMENTS.iter().filter(|row| row.element == element).map(told).collect();
        out += &format!("| `{element}` | {} |\n", rows.join("<br>"));
    }
    out
}

#[cfg(test)]
#[path = "../tests/unit/wsb.rs"]
mod tests;
