//! Sizes and times as people write them.

use std::time::Duration;

const SIZES: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a size: `512MiB`, `2G`, `65536`. K, M, G and T count in powers of 1024, with or without `B` or `iB`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let size = parse_size::Config::new().with_binary().parse_size(text.trim());
    size.map_err(|_| format!("`{text}` is no size: write it as 512MiB or 2G"))
}

/// Writes a size in the largest unit that divides it.
pub fn bytes(size: u64) -> String {
    let (unit, one) = SIZES.into_iter().find(|(_, one)| size >= *one && size.is_multiple_of(*one)).unwrap_or(("B", 1));
    format!("{} {unit}", size / one)
}

/// Reads a time: `30s`, `2m`, `1h 30m`, `500ms`; a bare number counts seconds.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().map(Duration::from_secs);
    match seconds.or_else(|_| humantime::parse_duration(text.trim())) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err(format!("`{text}` is no time: write it as 30s, 2m or 500ms")),
    }
}

#[cfg(test)]
#[path = "../tests/unit/units.rs"]
mod tests;
