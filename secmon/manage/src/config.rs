//! What a sandbox is configured by: a `.wsb` file, the native TOML, or the text of either.

use crate::wsb::{self, Map};
use anyhow::{Context as _, bail};
use secmon::policy::options::GrantArgs;
use secmon::policy::{Clipboard, Mount, Policy};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A configuration, understood.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it was read from, if it is a file.
    pub file: Option<PathBuf>,
    /// It as a policy file, without paths that are relative to anything.
    pub text: String,
    /// What is granted.
    pub policy: Policy,
    /// What runs when the sandbox has begun.
    pub command: Option<String>,
    /// What is not as it is documented: a sentence each.
    pub warnings: Vec<String>,
    /// Whether it is one of Windows Sandbox, of which everything is in `policy`.
    is_wsb: bool,
}

/// What `--map` says.
///
/// # Errors
/// What is wrong with it.
pub fn maps(options: &GrantArgs) -> anyhow::Result<Vec<Map>> {
    options.map.iter().map(|text| text.parse().map_err(|why: String| anyhow::anyhow!("--map {why}"))).collect()
}

fn is_wsb_text(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

impl Config {
    /// What `--config` says: a file if there is one of that name, else the text itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(text: &str, maps: &[Map]) -> anyhow::Result<Self> {
        let path = Path::new(text);
        if path.is_file() {
            return Self::read(path, maps);
        }
        if is_wsb_text(text) {
            return Ok(Self::from_wsb(wsb::parse(text, "--config", maps)?));
        }
        if text.contains(['=', '\n']) {
            return Self::from_toml(text, Path::new("."), None);
        }
        bail!("--config {text}: there is no such file, and a configuration's text it is not");
    }

    /// Reads a file: XML of Windows Sandbox if its name ends so or its text begins so, else TOML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path, maps: &[Map]) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let named = path.extension().and_then(OsStr::to_str).is_some_and(|end| end.eq_ignore_ascii_case("wsb"));
        let file = std::path::absolute(path).unwrap_or_else(|_| path.into());
        if named || is_wsb_text(&text) {
            return Ok(Config { file: Some(file), ..Self::from_wsb(wsb::read(path, maps)?) });
        }
        let config = Self::from_toml(&text, file.parent().unwrap_or(Path::new("/")), Some(path))?;
        Ok(Config { file: Some(file), ..config })
    }

    fn from_wsb(read: wsb::Configuration) -> Self {
        let text = policy_text(&read.policy);
        Config { file: None, text, policy: read.policy, command: read.command, warnings: read.warnings, is_wsb: true }
    }

    fn from_toml(text: &str, base: &Path, file: Option<&Path>) -> anyhow::Result<Self> {
        let base = std::path::absolute(base).context("the current folder")?;
        // A file is read by the monitor's own reader too: its messages name the file and the line.
        let policy = match file {
            Some(path) => Policy::from_file(path),
            None => Policy::from_text(text, &base),
        };
        let policy = policy?;
        policy.check()?;
        let mut table: toml::Table = toml::from_str(text)?;
        if let Some(mounts) = table.get_mut("mount").and_then(toml::Value::as_array_mut) {
            for host in mounts.iter_mut().filter_map(|mount| mount.get_mut("host")) {
                if let Some(path) = host.as_str() {
                    *host = toml::Value::String(base.join(path).display().to_string());
                }
            }
        }
        Ok(Config { text: toml::to_string(&table)?, policy, ..Config::default() })
    }

    /// Options win over a configuration of Windows Sandbox, which says so: it has one value of each, and they take its place.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn give_way(&mut self, options: &GrantArgs) -> anyhow::Result<()> {
        if !self.is_wsb {
            return Ok(());
        }
        let mut said = Policy::default();
        options.mount.iter().try_for_each(|text| said.mount(text))?;
        let (policy, warnings) = (&mut self.policy, &mut self.warnings);
        if let (Some(_), Some(bytes)) = (options.memory, policy.memory.take_if(|_| options.memory.is_some())) {
            warnings.push(format!("--memory counts, not MemoryInMB {}", bytes >> 20));
        }
        if options.clipboard.is_some() {
            warnings.retain(|text| !text.starts_with("ClipboardRedirection"));
            policy.clipboard = Clipboard::None;
        }
        if !options.net.is_empty() {
            warnings.retain(|text| !text.starts_with("Networking"));
            let file = if policy.grants.is_empty() { "no network" } else { "the whole network" };
            policy.grants.clear();
            warnings.push(format!("--net counts, not the file's Networking ({file})"));
        }
        policy.mounts.retain(|mount| {
            let same = |other: &Mount| shim_abi::fold::same(&other.guest.slashed(), &mount.guest.slashed());
            let replaced = said.mounts.iter().any(same);
            if replaced {
                warnings.push(format!("--mount counts at {}, not the file's {}", mount.guest, mount.host.display()));
            }
            !replaced
        });
        self.text = policy_text(&self.policy);
        Ok(())
    }

    /// The policy of the configuration and of options.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn with(&self, options: &GrantArgs) -> anyhow::Result<Policy> {
        let mut policy = self.policy.clone();
        options.add_to(&mut policy)?;
        Ok(policy)
    }
}

/// What a `.wsb` file can grant, as a policy file.
fn policy_text(policy: &Policy) -> String {
    let mut table = toml::Table::new();
    table.insert("user".into(), policy.user.clone().into());
    if let Some(bytes) = policy.memory.and_then(|bytes| i64::try_from(bytes).ok()) {
        table.insert("memory".into(), bytes.into());
    }
    if !policy.grants.is_empty() {
        let grants: Vec<String> = policy.grants.iter().map(ToString::to_string).collect();
        table.insert("net".into(), grants.into());
    }
    if policy.clipboard != Clipboard::None {
        table.insert("clipboard".into(), policy.clipboard.to_string().into());
    }
    let mount = |mount: &Mount| {
        let host = mount.host.display().to_string();
        let entries = [
            ("host", toml::Value::from(host)),
            ("guest", mount.guest.to_string().into()),
            ("writable", mount.writable.into()),
        ];
        toml::Value::Table(entries.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
    };
    table.insert("mount".into(), toml::Value::Array(policy.mounts.iter().map(mount).collect()));
    toml::to_string(&table).unwrap_or_default()
}

/// Options of grants as words of a command line, but for the policy file and what is about one.
pub fn grant_words(options: &GrantArgs) -> Vec<String> {
    // Whoever adds an option is told here that it is to be handed on.
    let GrantArgs {
        mount,
        workdir,
        env,
        net,
        publish,
        clipboard,
        sound,
        policy: _,
        map: _,
        memory,
        timeout,
        scratch,
        persist,
        layer,
        memory_soft,
        cpus,
        cpu_weight,
        cpuset,
        pids,
        cgroup,
        power_supplies,
    } = options;
    let mut words = Vec::new();
    let mut say = |name: &str, value: String| words.push(format!("--{name}={value}"));
    mount.iter().for_each(|value| say("mount", value.clone()));
    workdir.iter().for_each(|value| say("workdir", value.clone()));
    env.iter().for_each(|value| say("env", value.clone()));
    net.iter().for_each(|value| say("net", value.to_string()));
    publish.iter().for_each(|value| say("publish", value.to_string()));
    clipboard.iter().for_each(|value| say("clipboard", value.to_string()));
    memory.iter().for_each(|value| say("memory", value.to_string()));
    memory_soft.iter().for_each(|value| say("memory-soft", value.to_string()));
    cpus.iter().for_each(|value| say("cpus", value.to_string()));
    cpu_weight.iter().for_each(|value| say("cpu-weight", value.to_string()));
    cpuset.iter().for_each(|value| say("cpuset", value.to_string()));
    pids.iter().for_each(|value| say("pids", value.to_string()));
    cgroup.iter().for_each(|value| say("cgroup", value.display().to_string()));
    power_supplies.iter().for_each(|value| say("power-supplies", value.display().to_string()));
    timeout.iter().for_each(|value| say("timeout", format!("{}ms", value.as_millis())));
    scratch.iter().for_each(|value| say("scratch", value.to_string()));
    persist.iter().for_each(|value| say("persist", value.clone()));
    layer.iter().for_each(|value| say("layer", value.clone()));
    if *sound {
        words.push("--sound".to_owned());
    }
    words
}

#[cfg(test)]
#[path = "../tests/unit/config.rs"]
mod tests;
