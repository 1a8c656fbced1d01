//! What `--raw` writes, as a JSON schema in the repository: made of the types that are written, one definition for each verb.

use super::*;
use crate::record::Folder;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::path::Path;

/// `inspect`: all that is known of a sandbox. What it is while it runs, or how it ended, is there where it applies.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Inspected {
    id: String,
    name: Option<String>,
    /// When it was made, as RFC 3339 has it.
    created: String,
    /// The file that configured it.
    config: Option<String>,
    /// The command that it began with.
    command: Option<String>,
    user: String,
    folders: Vec<Folder>,
    /// What of the network it may reach, as `--net` has it.
    net: Vec<String>,
    published: Vec<String>,
    /// Most bytes of memory.
    memory: Option<u64>,
    /// `none`, `in`, `out` or `both`, as `--clipboard` has it.
    clipboard: String,
    /// Whether who looks at its display hears what it plays.
    sound: bool,
    /// `running`, `ended` or `lost`.
    status: String,
    state_folder: String,
    #[serde(default)]
    end: Option<crate::record::End>,
    #[serde(default)]
    exit_code: Option<u8>,
    /// The monitor's process number.
    #[serde(default)]
    pid: Option<u32>,
    #[serde(default)]
    started: Option<String>,
    /// Whether its first process is one without a program.
    #[serde(default)]
    init: Option<bool>,
    #[serde(default)]
    processes: Option<Vec<Process>>,
}

/// A process of a sandbox.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Process {
    /// Its number in the sandbox.
    process: u32,
    /// Its number in the host.
    pid: u32,
    /// Who made it; 0 for nobody in the sandbox.
    maker: u32,
    program: String,
    started: String,
    /// Its number as programs see it.
    guest_id: u32,
    nt_calls: u64,
}

/// `wait`: how it ended. A sandbox that was lost has no more than its id and an exit code.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Waited {
    id: String,
    exit_code: u8,
    /// `status`, `killed`, `out-of-memory`, `timed-out`, `signalled`, `hostile` or `stopped`.
    #[serde(default)]
    how: Option<String>,
    /// The full exit status, or a number that `How` names.
    #[serde(default)]
    status: Option<u32>,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// `events`: a line each. What does not apply to an event is left out.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Event {
    time: String,
    /// `started`, `began`, `ended`, `refused`, `shared`, `unshared`, `stopping` or `stopped`.
    event: String,
    #[serde(default)]
    process: Option<u32>,
    #[serde(default)]
    pid: Option<u32>,
    #[serde(default)]
    maker: Option<u32>,
    #[serde(default)]
    how: Option<String>,
    #[serde(default)]
    status: Option<u32>,
    #[serde(default)]
    text: Option<String>,
}

/// `events --audit`: a line each.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Decision {
    time: String,
    /// `granted` or `refused`.
    event: String,
    /// The picoprocess's number in the host; 0 for all of the sandbox.
    who: u32,
    /// A path that programs see, a place on the network, a variable.
    what: String,
    /// The grant that covers it; for a refusal what is missing, and how it is granted.
    rule: String,
    /// Whether it was asked for as programs look around, and is hardly needed.
    #[serde(default)]
    in_passing: Option<bool>,
}

/// `diff`: what a layer changed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Diff {
    layer: String,
    files: Vec<FileChange>,
    registry: Vec<KeyChange>,
}

/// A file or folder that was changed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct FileChange {
    path: String,
    /// `added`, `changed` or `deleted`.
    change: String,
    folder: bool,
    size: u64,
}

/// A key or value that was changed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct KeyChange {
    key: String,
    /// `added`, `changed` or `deleted`.
    change: String,
    /// The value's name, if it is about one.
    #[serde(default)]
    value: Option<String>,
    /// REG_SZ and the like, as a number.
    #[serde(default)]
    r#type: Option<u32>,
    /// Its bytes in hexadecimal digits.
    #[serde(default)]
    data: Option<String>,
    /// The same for a person.
    #[serde(default)]
    text: Option<String>,
}

/// `layers list`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Layers {
    layers: Vec<Layer>,
}

/// A layer.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its shape is what it is for")]
struct Layer {
    name: String,
    kind: String,
    note: String,
}

type Make = fn(&mut SchemaGenerator) -> Schema;

/// Every verb that writes something, and what.
const OUTPUTS: &[(&str, Make)] = &[
    ("start", SchemaGenerator::root_schema_for::<start::Started<'static>>),
    ("list", SchemaGenerator::root_schema_for::<list::List<'static>>),
    ("exec", SchemaGenerator::root_schema_for::<exec::Executed<'static>>),
    ("exec --detach", SchemaGenerator::root_schema_for::<exec::Begun>),
    ("stop", SchemaGenerator::root_schema_for::<stop::Stopped>),
    ("share", SchemaGenerator::root_schema_for::<share::Shared<'static>>),
    ("ip", SchemaGenerator::root_schema_for::<ip::Networks>),
    ("stats", SchemaGenerator::root_schema_for::<stats::Statistics<'static>>),
    ("inspect", SchemaGenerator::root_schema_for::<Inspected>),
    ("wait", SchemaGenerator::root_schema_for::<Waited>),
    ("events", SchemaGenerator::root_schema_for::<Event>),
    ("events --audit", SchemaGenerator::root_schema_for::<Decision>),
    ("trim", SchemaGenerator::root_schema_for::<trim::Trimmed>),
    ("prune", SchemaGenerator::root_schema_for::<prune::Removed>),
    ("policy check", SchemaGenerator::root_schema_for::<policy::Checked>),
    ("policy explain", SchemaGenerator::root_schema_for::<policy::Explained>),
    ("windows", SchemaGenerator::root_schema_for::<windows::Windows<'static>>),
    ("wait-window", SchemaGenerator::root_schema_for::<desktop::Shown<'static>>),
    ("connect", SchemaGenerator::root_schema_for::<crate::display::Reached>),
    ("view", SchemaGenerator::root_schema_for::<view::Viewed<'static>>),
    ("screenshot", SchemaGenerator::root_schema_for::<screenshot::Taken>),
    ("diff", SchemaGenerator::root_schema_for::<Diff>),
    ("layers list", SchemaGenerator::root_schema_for::<Layers>),
];

fn schema() -> Value {
    let mut verbs = Map::new();
    let mut all = Map::new();
    for (verb, make) in OUTPUTS {
        let made = make(&mut SchemaSettings::draft2020_12().into_generator());
        let Value::Object(mut one) = made.to_value() else { panic!("{verb}") };
        one.remove("$schema");
        if let Some(Value::Object(defs)) = one.remove("$defs") {
            all.extend(defs);
        }
        let properties = one.get_mut("properties").and_then(Value::as_object_mut).unwrap();
        // What came first is written small.
        let key = if ["diff", "layers list"].contains(verb) { "version" } else { "Version" };
        properties.insert(key.into(), json!({ "const": RAW_VERSION }));
        one.entry("required").or_insert_with(|| json!([])).as_array_mut().unwrap().push(key.into());
        verbs.insert((*verb).into(), one.into());
    }
    all.extend(verbs);
    let about = "A definition for each verb. Fields are added without a new version; none goes or changes its meaning.";
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What secmon --raw writes", "description": about, "$defs": all,
    })
}

#[test]
fn the_repository_has_the_schema_of_what_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("raw.schema.json");
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), made, "raw.schema.json is old: make bless");
}
