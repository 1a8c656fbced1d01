//! Remembers what was refused for want of a grant, and says what to grant.

use crate::audit;
use crate::guest::GuestPath;
use crate::names::{Kind, Mount, fold};
use crate::policy::advice;
use crate::sys::lock;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, OnceLock};

/// Most refusals remembered.
const MOST: usize = 16;

/// Folders at the root of a Unix that programs brought over from there look into for settings.
const UNIX: [&str; 2] = ["etc", "usr"];

/// How a name was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// As something to look at if it is there. Programs look so for their settings in every folder above the one they work
    /// in: a name directly in a folder that is seen, or below one that begins with a dot, is asked for in passing, and so is
    /// what lies in [`UNIX`].
    Open,
    /// As something to list, to make or to change.
    Need,
}

/// What was refused, by the name that is to be granted.
#[derive(Debug, Default)]
pub struct Refusals {
    all: Mutex<BTreeMap<String, Refusal>>,
    /// Advice that is yet to be told to who manages the sandbox, and what rings when there is some.
    fresh: Mutex<Vec<String>>,
    /// Likewise.
    pub bell: OnceLock<OwnedFd>,
}

#[derive(Debug)]
struct Refusal {
    advice: String,
    in_passing: bool,
}

impl Refusals {
    /// Something else that was refused; the advice is made if it is the first time.
    pub fn note(&self, name: &str, in_passing: bool, advice: impl Fn() -> String) {
        if audit::on() {
            audit::note(false, name, &advice(), in_passing);
        }
        let mut all = lock(&self.all);
        let key = fold::fold(name);
        if let Some(known) = all.get_mut(&key) {
            known.in_passing &= in_passing;
            return;
        }
        if all.len() >= MOST && !in_passing {
            all.retain(|_, refusal| !refusal.in_passing);
        }
        if all.len() < MOST {
            let advice = advice();
            tracing::debug!("{advice}");
            if let Some(bell) = self.bell.get().filter(|_| !in_passing) {
                lock(&self.fresh).push(advice.clone());
                let _ = nix::unistd::write(bell, &1u64.to_ne_bytes());
            }
            all.insert(key, Refusal { advice, in_passing });
        }
    }

    /// The advice since it was asked for last, if there is a bell.
    pub fn fresh(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.fresh))
    }

    /// A name that no grant covers: `first` is the first part of it that is not seen, `below` says that more follows.
    pub fn not_visible(&self, first: &GuestPath, below: bool, asked: Asked) {
        let shown = first.to_string();
        let leaf = first.split().map_or("", |(_, name)| name);
        let in_passing =
            asked == Asked::Open && !leaf.is_empty() && (!below || leaf.starts_with('.') || UNIX.contains(&leaf));
        self.note(&shown, in_passing, || advice::not_visible(first));
    }

    /// A name that a grant covers for reading only.
    pub fn read_only(&self, mount: &Mount, rest: &str) {
        if mount.kind != Kind::Granted {
            return;
        }
        let name = mount.guest.join(rest).unwrap_or_else(|_| mount.guest.clone());
        self.note(&mount.guest.to_string(), false, || advice::read_only(&name, &mount.host, &mount.guest));
    }

    /// What to grant, a line each; what was asked for in passing only if an argument of the program names it.
    pub fn advice(&self, arguments: &[String]) -> Vec<String> {
        let arguments: Vec<_> = arguments.iter().map(|text| fold::fold(&text.replace('/', "\\"))).collect();
        let all = lock(&self.all);
        let told = all.iter().filter(|(name, refusal)| {
            !refusal.in_passing || arguments.iter().any(|argument| argument.contains(name.as_str()))
        });
        told.map(|(_, refusal)| refusal.advice.clone()).collect()
    }
}

#[cfg(test)]
#[path = "../tests/unit/refusal.rs"]
mod tests;
