//! The native form of what a sandbox is granted, one TOML file: what its keys are, and what is wrong with one.
//!
//! The monitor reads the file itself (`secmon::policy`). [`Document`] describes it: the JSON schema `policy.schema.json` and the page
//! `POLICY.md` are made from it, and a test keeps its keys those that the monitor knows.

use schemars::JsonSchema;
use secmon::policy::Policy;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes as a number, or as text with a unit: `65536`, `"512MiB"`, `"2G"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its shape is what it is for")]
enum Size {
    Bytes(u64),
    Text(String),
}

/// A number, or the same as text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its shape is what it is for")]
enum Amount {
    Number(f64),
    Text(String),
}

/// What goes between two clipboards.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Ways {
    None,
    In,
    Out,
    Both,
}

/// Seconds as a number, or a time as text: `90`, `"10m"`, `"1h 30m"`, `"500ms"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its shape is what it is for")]
enum Time {
    Seconds(u64),
    Text(String),
}

/// A folder of the host that programs see.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct MountTable {
    /// The folder of the host. A relative path is taken from the folder of the policy file.
    host: String,
    /// Where programs see it: a path with a drive letter, as `C:\data`. Not `C:\` itself, nor in `C:\Windows`.
    guest: String,
    /// Whether they may write there.
    #[serde(default)]
    writable: bool,
}

/// What a sandbox is granted. Every key is optional; an unknown one is an error.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Policy of a Portcullis sandbox")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Document {
    /// Folders of the host that programs see, beside the program's own: a table `[[mount]]` each.
    #[serde(default)]
    mount: Vec<MountTable>,
    /// Environment variables. Nothing of the host's environment is passed on.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Where the program starts: a path that programs see, or a folder of the host that a mount covers.
    workdir: Option<String>,
    /// Most memory that may be used: 16 MiB or more. Not limited if it is left out.
    memory: Option<Size>,
    /// Most that programs may commit, where somebody else keeps the limit of memory: 16 MiB or more.
    commit: Option<Size>,
    /// Memory beyond which the host takes pages back from it first.
    #[serde(rename = "memory-soft")]
    memory_soft: Option<Size>,
    /// Most processor time, in processors: `2` or `0.5`.
    cpus: Option<Amount>,
    /// Its part of processors that others want too, 1 to 10000; everything else has 100.
    #[serde(rename = "cpu-weight")]
    cpu_weight: Option<u64>,
    /// Processors it may run on, as `"0-3,6"`; programs see that many.
    cpuset: Option<String>,
    /// Most threads of all its processes together.
    pids: Option<u64>,
    /// A control group that it is put into, as `/proc/self/cgroup` names it, instead of one made for it.
    cgroup: Option<String>,
    /// Where the host says what feeds it, if not in `/sys/class/power_supply`: for tests.
    #[serde(rename = "power-supplies")]
    power_supplies: Option<String>,
    /// The sandbox is ended after this time. Not limited if it is left out.
    timeout: Option<Time>,
    /// Most that its throw-away folders may hold; 1 GiB if it is left out.
    scratch: Option<Size>,
    /// Threads that may live at a time; 4096 if it is left out.
    threads: Option<u64>,
    /// Files that may be open at a time; 4096 if it is left out.
    files: Option<u64>,
    /// Name of the user that programs see: at most 20 characters; `user` if it is left out.
    user: Option<String>,
    /// Name of the computer that programs see: at most 20 characters; `PORTCULLIS` if it is left out.
    computer: Option<String>,
    /// Whether programs may read the host's root certificates. If it is left out, those may that may reach a network.
    roots: Option<bool>,
    /// What of the network may be reached: `none`, `sandbox`, `loopback`, `all`, `host`, or places as `example.com:443`, `*.example.com`,
    /// `10.0.0.0/8:5432`, `[2001:db8::/32]`. Nothing if it is left out.
    #[serde(default)]
    net: Vec<String>,
    /// Ports of the sandbox that the host opens, as `8080`, `80:8080`, `0.0.0.0:8080`, `53/udp`.
    #[serde(default)]
    publish: Vec<String>,
    /// What of text and images goes between the sandbox's clipboard and that of who looks at its display: `none`, `in` (programs can paste
    /// what the viewer copied), `out` (the viewer can paste what programs copied), `both`. Nothing if it is left out.
    clipboard: Option<Ways>,
    /// Whether who looks at the sandbox's display hears what its programs play. Without it they play all the same, and nobody hears them.
    #[serde(default)]
    sound: bool,
    /// Whether NT calls are written to standard error, with arguments and results.
    #[serde(default)]
    trace: bool,
    /// Name of the layer that keeps what is changed of drive C and of the registry. Nothing is kept if it is left out.
    persist: Option<String>,
    /// Names of image layers over the base image, the uppermost last.
    #[serde(default)]
    layer: Vec<String>,
}

/// The JSON schema, as the repository has it.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// A policy file as somebody may write one.
const EXAMPLE: &str = r#"workdir = 'C:\srv'
memory = "512MiB"
cpus = 1.5
cpu-weight = 50
timeout = "8h"
net = ["10.0.0.0/8:5432", "*.example.com:443"]
publish = ["8080"]
persist = "server"

[[mount]]
host = "/srv/www"
guest = 'C:\srv'

[[mount]]
host = "/srv/uploads"
guest = 'C:\srv\uploads'
writable = true

[env]
PORT = "8080"
"#;

/// The page that documents the keys, as the repository has it.
pub fn page() -> String {
    let schema = schemars::schema_for!(Document);
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
    let kind = |value: &Value| {
        let text = value.to_string();
        let named = ["Size", "Time"].into_iter().find(|name| text.contains(&format!("#/$defs/{name}\"")));
        let list = text.contains("\"items\":{\"type\":\"string\"}").then_some("list of texts");
        let words =
            [("MountTable", "tables"), ("additionalProperties", "table of texts"), ("\"boolean\"", "true or false")];
        let words = words.into_iter().find(|(part, _)| text.contains(part)).map(|(_, kind)| kind);
        let plain = if text.contains("\"integer\"") || text.contains("#/$defs/Amount\"") { "number" } else { "text" };
        let named = named.map(|name| if name == "Size" { "size" } else { "time" });
        named.or(list).or(words).unwrap_or(plain)
    };
    let rows = |table: &Value| {
        let empty = serde_json::Map::new();
        let properties = table.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let mut out = String::from("| key | is a | meaning |\n|---|---|---|\n");
        for (key, value) in properties {
            out += &format!("| `{key}` | {} | {} |\n", kind(value), of(value, "description"));
        }
        out
    };
    let document = schema.as_value();
    let mount = document.pointer("/$defs/MountTable").cloned().unwrap_or_default();
    format!(
        "# Policy file\n\nMade from `secmon/manage/src/native.rs`; `make bless` writes it anew. `secmon policy schema` prints the JSON schema,\n\
         `secmon policy check FILE` says what is wrong with a file, `secmon policy explain FILE` what it means.\n\n{}\n\n{}\n\
         `[[mount]]`, a table for each folder:\n\n{}\n\
         A size is a number of bytes, or text as `\"512MiB\"` or `\"2G\"`. A time is a number of seconds, or text as `\"10m\"` or `\"500ms\"`.\n\n\
         A server that keeps what it writes, reaches its database alone, and is reached by this host's programs:\n\n```toml\n{EXAMPLE}```\n",
        of(document, "description"),
        rows(document),
        rows(&mount),
    )
}

/// Something that is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line, from 1; 0 if it is the file as a whole.
    pub line: usize,
    /// What.
    pub what: String,
}

/// A value without the places where its parts stand.
fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| toml::Value::String(number.as_str().into()), toml::Value::Integer),
        DeValue::Float(number) => number.as_str().parse().map_or(toml::Value::Float(f64::NAN), toml::Value::Float),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(all) => toml::Value::Array(all.iter().map(|one| plain(one.get_ref())).collect()),
        DeValue::Table(table) => toml::Value::Table(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect(),
        ),
    }
}

/// What a policy of one key alone has wrong, if anything.
fn fault_of(key: &str, value: toml::Value) -> Option<String> {
    let table: toml::Table = [(key.to_owned(), value)].into_iter().collect();
    match table.try_into::<Policy>() {
        // The monitor's own words; a table of one key has no further lines.
        Err(error) => Some(error.message().lines().next().unwrap_or_default().to_owned()),
        Ok(policy) => policy.check().err().map(|error| error.to_string()),
    }
}

/// Everything that is wrong with the text of a policy file, by line.
pub fn faults(text: &str) -> Vec<Fault> {
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    let fault = |error: &toml::de::Error| Fault {
        line: error.span().map_or(0, |span: Range<usize>| line(span.start)),
        what: error.message().replace('\n', ", "),
    };
    let mut out: Vec<Fault> = errors.iter().map(fault).collect();
    for (key, value) in table.get_ref() {
        let parts: Vec<(&Spanned<DeValue<'_>>, bool)> = match value.get_ref() {
            DeValue::Array(all) => all.iter().map(|one| (one, true)).collect(),
            _ => vec![(value, false)],
        };
        for (part, of_array) in parts {
            let one = plain(part.get_ref());
            let whole = if of_array { toml::Value::Array(vec![one]) } else { one };
            let Some(what) = fault_of(key.get_ref(), whole) else { continue };
            // The line of the key that is at fault, where it is one of a table's own.
            let first = what.split('`').nth(1).unwrap_or_default();
            let named = match part.get_ref() {
                DeValue::Table(table) => table.keys().find(|key| key.get_ref() == first),
                _ => None,
            };
            let at = named.map_or_else(|| if of_array { part.span() } else { key.span() }, Spanned::span);
            out.push(Fault { line: line(at.start), what });
        }
    }
    if out.is_empty() {
        // Each part is right: do they go together?
        let whole = Policy::from_text(text, std::path::Path::new("/")).map_err(|error| error.to_string());
        if let Err(what) = whole.and_then(|policy| policy.check().map_err(|error| error.to_string())) {
            out.push(Fault { line: 0, what });
        }
    }
    out.sort();
    out.dedup();
    out
}

#[cfg(test)]
#[path = "../tests/unit/native.rs"]
mod tests;
