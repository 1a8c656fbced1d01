//! State of sandboxes that stay, which one test alone has.

use crate::command::{Outcome, Run};
use crate::product;
use crate::schema::Schema;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with state of its own; whatever runs in it ends with it.
pub struct Place {
    top: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.secmon(&["stop", "--all", "--time", "0"]).run();
    }
}

impl Default for Place {
    fn default() -> Self {
        Place::new()
    }
}

impl Place {
    /// With nothing in it.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new() -> Self {
        product::image();
        Place { top: tempfile::tempdir().unwrap_or_else(|e| panic!("a folder for state: {e}")) }
    }

    /// A path in it; the state itself is `state`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// A verb, run in the folder.
    pub fn secmon(&self, args: &[&str]) -> Run {
        Run::new(product::secmon()).args(args).dir(self.top.path()).env("PORTCULLIS_STATE", self.path("state"))
    }

    /// Starts a sandbox; its id.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> String {
        let outcome = self.secmon(&[&["start", "--raw"], args].concat()).run().success();
        let started = json(&outcome);
        documented("start", &started);
        started["Id"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned()
    }

    /// What a verb says, which its schema has.
    ///
    /// # Panics
    /// If it fails, or says anything else.
    #[track_caller]
    pub fn raw(&self, args: &[&str]) -> Value {
        let value = json(&self.secmon(&[&["--raw"], args].concat()).run().success());
        let verb = if args[0] == "policy" { args[..2].join(" ") } else { args[0].to_owned() };
        documented(if args.contains(&"--detach") { "exec --detach" } else { &verb }, &value);
        value
    }

    /// What is refused: exit code 125, and a message.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn refused(&self, args: &[&str], want: &str) {
        let outcome = self.secmon(args).run();
        assert!(outcome.status == 125 && outcome.errors().contains(want), "{args:?}: {want}: {outcome:?}");
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// If it is not, for a minute.
    #[track_caller]
    pub fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !so() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What is written is what the schema in the repository says, nothing beside it.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn documented(verb: &str, value: &Value) {
    let faults = Schema::of("secmon/manage/raw.schema.json", true).faults(value, Some(verb));
    assert!(faults.is_empty(), "{verb}: {faults:#?}");
}

/// The JSON that a verb wrote, of the version that is documented.
///
/// # Panics
/// If it is none.
#[track_caller]
pub fn json(outcome: &Outcome) -> Value {
    let value: Value = serde_json::from_str(&outcome.text()).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    assert_eq!(value["Version"], 1, "{outcome:?}");
    value
}

/// A file system that is soon full, where this process may make one; it goes with this value.
pub struct Small(pub PathBuf);

impl Small {
    /// In a folder that is made for it, of a size as mount's page has it.
    ///
    /// # Panics
    /// If the folder cannot be made.
    pub fn new(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&at).unwrap_or_else(|e| panic!("{}: {e}", at.display()));
        let options = format!("size={size}");
        let mounted = Run::new("mount").args(["-t", "tmpfs", "-o", &options, "small"]).arg(&at).run();
        if mounted.status == 0 {
            return Some(Small(at));
        }
        println!("not done: mount refuses a file system: {}", mounted.errors());
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Run::new("umount").arg("-l").arg(&self.0).run();
    }
}
