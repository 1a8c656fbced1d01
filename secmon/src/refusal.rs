//! Remembers what was refused for want of a grant, and says what to grant.

use crate::guest::GuestPath;
use crate::names::{Kind, Mount, fold};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Most refusals remembered.
const MOST: usize = 16;

/// What was refused, by the text that begins the advice.
#[derive(Debug, Default)]
pub struct Refusals {
    advice: Mutex<BTreeMap<String, String>>,
}

impl Refusals {
    fn note(&self, key: &str, advice: impl FnOnce() -> String) {
        let mut all = self.advice.lock().unwrap_or_else(PoisonError::into_inner);
        let key = fold::fold(key);
        if all.len() < MOST && !all.contains_key(&key) {
            let advice = advice();
            tracing::debug!("{advice}");
            all.insert(key, advice);
        }
    }

    /// A name that no grant covers; `first` is the first part of it that is not seen.
    pub fn not_visible(&self, first: &GuestPath) {
        let shown = first.to_string();
        self.note(&shown, || format!("{shown} is not visible: add --mount HOSTFOLDER={shown}"));
    }

    /// A name that a grant covers for reading only.
    pub fn read_only(&self, mount: &Mount, rest: &str) {
        if mount.kind != Kind::Granted {
            return;
        }
        let name = mount.guest.join(rest).unwrap_or_else(|_| mount.guest.clone());
        self.note(&mount.guest.to_string(), || {
            format!("{name} is read-only: add --mount {}={}:rw", quoted(&mount.host), mount.guest)
        });
    }

    /// What to grant, a line each.
    pub fn advice(&self) -> Vec<String> {
        self.advice.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_alphanumeric() || "/._-+,@%".contains(c)) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::tests::{Temporary, mount};

    #[test]
    fn each_is_named_once_with_what_to_grant() {
        let dir = Temporary::new();
        let refusals = Refusals::default();
        for path in ["C:\\data", "c:\\DATA", "D:\\"] {
            refusals.not_visible(&GuestPath::parse(path).unwrap());
        }
        refusals.read_only(&mount(&dir.0, false), "a/b.txt");
        let host = dir.0.display();
        assert_eq!(
            refusals.advice(),
            [
                "C:\\data is not visible: add --mount HOSTFOLDER=C:\\data".to_string(),
                format!("C:\\m\\a\\b.txt is read-only: add --mount {host}=C:\\m:rw"),
                "D:\\ is not visible: add --mount HOSTFOLDER=D:\\".to_string(),
            ]
        );
        for number in 0..100 {
            refusals.not_visible(&GuestPath::parse(&format!("C:\\x{number}")).unwrap());
        }
        assert_eq!(refusals.advice().len(), MOST);
        assert_eq!(quoted("/a b's".as_ref()), "'/a b'\\''s'");
    }
}
