//! What is written down of a sandbox: what it is when it is made, and how it ended.

use secmon::policy::Clipboard;
use serde::{Deserialize, Serialize};
use shim_abi::{exit, journal};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The version of [`Record`].
pub const VERSION: u32 = 1;

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It cannot be read.
    #[error("its record cannot be read ({0})")]
    Read(std::io::Error),
    /// It is none.
    #[error("its record is damaged ({0})")]
    Damaged(serde_json::Error),
    /// A newer secmon wrote it.
    #[error("its record is of version {0}, of a newer secmon; this one knows version {VERSION}")]
    Newer(u32),
}

/// A folder of the host that it was given when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct Folder {
    /// The folder.
    pub host_path: String,
    /// Where programs see it.
    pub sandbox_path: String,
    /// Whether they may write there.
    pub allow_write: bool,
}

/// What a sandbox is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    /// [`VERSION`].
    pub version: u32,
    /// Its id.
    pub id: String,
    /// Its name, if it was given one.
    #[serde(default)]
    pub name: Option<String>,
    /// When it was made, as RFC 3339 has it.
    pub created: String,
    /// The file that configured it, if there was one.
    #[serde(default)]
    pub config: Option<String>,
    /// The command that it began with, if there was one.
    #[serde(default)]
    pub command: Option<String>,
    /// The user that programs see.
    pub user: String,
    /// Folders that it was given.
    #[serde(default)]
    pub folders: Vec<Folder>,
    /// What of the network it may reach, as `--net` has it.
    #[serde(default)]
    pub net: Vec<String>,
    /// Its ports that the host opens, as `--publish` has it.
    #[serde(default)]
    pub published: Vec<String>,
    /// Most bytes of memory, if that is limited.
    #[serde(default)]
    pub memory: Option<u64>,
    /// What goes between its clipboard and that of who looks at its display.
    #[serde(default)]
    pub clipboard: Clipboard,
    /// Whether who looks at its display hears what it plays.
    #[serde(default)]
    pub sound: bool,
}

/// The version alone, whatever else there is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versioned {
    version: u32,
}

impl Record {
    /// Reads one.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let text = std::fs::read(path).map_err(RecordError::Read)?;
        let versioned: Versioned = serde_json::from_slice(&text).map_err(RecordError::Damaged)?;
        if versioned.version > VERSION {
            return Err(RecordError::Newer(versioned.version));
        }
        serde_json::from_slice(&text).map_err(RecordError::Damaged)
    }

    /// As it is written.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// How a sandbox or a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct End {
    /// In which way: a word of [`shim_abi::journal::how`].
    pub how: String,
    /// The full exit status, or a number that `how` names.
    pub status: u32,
    /// When, as RFC 3339 has it.
    #[serde(default)]
    pub time: String,
    /// Why, for a person.
    #[serde(default)]
    pub text: String,
}

/// Most of an event file's end that is looked at for its last line.
const LAST: u64 = 64 * 1024;

impl End {
    /// The end that the monitor noted last in a file of events.
    pub fn of(events: &Path) -> Option<End> {
        let mut file = std::fs::File::open(events).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST))).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let event: serde_json::Value = serde_json::from_str(text.lines().last()?).ok()?;
        if event.get("Event")? != "stopped" {
            return None;
        }
        serde_json::from_value(event).ok()
    }

    /// As the monitor tells it; nothing if a newer one told something that is unknown here.
    fn plain(&self) -> Option<shim_abi::control::End> {
        let (how, message) = (journal::how_of(&self.how)?, self.text.clone());
        Some(shim_abi::control::End { how, status: self.status, message })
    }

    /// The exit code that a shell is given for it.
    pub fn code(&self) -> u8 {
        self.plain().map_or(exit::FAILURE, |end| exit::of(&end))
    }

    /// What is to be said of a program that ended so, if anything is.
    pub fn remark(&self) -> Option<String> {
        exit::remark(&self.plain()?)
    }

    /// A sentence about it.
    pub fn told(&self) -> String {
        let what = match self.how.as_str() {
            "status" => format!("it ended with status {}", self.status),
            "stopped" => "it was stopped".into(),
            "killed" => format!("it was ended by signal {}", self.status),
            "signalled" => format!("its monitor got signal {}", self.status),
            "out-of-memory" => "it used more memory than it may".into(),
            "timed-out" => "its time ran out".into(),
            "hostile" => "it broke the rules of the ABI".into(),
            other => format!("it ended ({other})"),
        };
        if self.text.is_empty() { what } else { format!("{what}: {}", self.text) }
    }
}

impl From<shim_abi::control::End> for End {
    fn from(end: shim_abi::control::End) -> Self {
        End { how: journal::how(end.how).into(), status: end.status, time: String::new(), text: end.message }
    }
}

/// A time of the monitor's, in nanoseconds since 1970, as RFC 3339 has it.
pub fn time(nanoseconds: i64) -> String {
    let since = std::time::Duration::from_nanos(nanoseconds.max(0) as u64);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

/// Now, as RFC 3339 has it.
pub fn now() -> String {
    humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string()
}
