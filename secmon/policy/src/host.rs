//! What a guest is told of the host, found out before there is one.

use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest time zone file that is passed on.
const MAX_TZIF: usize = 64 * 1024;

/// Bytes of memory that the host has.
pub fn memory() -> u64 {
    let value = |name| sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok());
    match (value(SysconfVar::_PHYS_PAGES), value(SysconfVar::PAGE_SIZE)) {
        (Some(pages), Some(size)) => pages.saturating_mul(size),
        _ => 1 << 30,
    }
}

/// The host's locale in the form `de-DE`.
pub fn locale(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let value = set.unwrap_or_default();
    let name = value.split(['.', '@']).next().unwrap_or_default();
    let letters =
        |text: &str, count| (count..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    match name.split_once('_') {
        Some((language, region)) if letters(language, 2) && letters(region, 2) => {
            format!("{}-{}", language.to_ascii_lowercase(), region.to_ascii_uppercase())
        }
        _ => "en-US".into(),
    }
}

/// The host's time zone: its name and its file.
pub fn timezone() -> (String, Vec<u8>) {
    let zones = Path::new("/usr/share/zoneinfo");
    let set = std::env::var("TZ").ok().map(|value| value.trim_start_matches(':').to_owned());
    let path: PathBuf = match set.as_deref() {
        Some("") => return (String::new(), Vec::new()),
        Some(name) if zones.join(name).is_file() => zones.join(name),
        _ => "/etc/localtime".into(),
    };
    let bytes = fs::read(&path).unwrap_or_default();
    if bytes.len() > MAX_TZIF || !bytes.starts_with(b"TZif") {
        return (String::new(), Vec::new());
    }
    let real = fs::canonicalize(&path).unwrap_or(path);
    let linked = real.strip_prefix(zones).ok().and_then(Path::to_str).map(str::to_owned);
    let noted = || fs::read_to_string("/etc/timezone").ok().map(|name| name.trim().to_owned());
    (linked.or_else(noted).unwrap_or_default(), bytes)
}

#[cfg(test)]
#[path = "../tests/unit/host.rs"]
mod tests;
