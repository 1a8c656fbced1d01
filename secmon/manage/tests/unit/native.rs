use super::*;
use std::path::Path;

fn kept(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), made, "{name} is old: make bless");
}

#[test]
fn the_repository_has_the_schema_and_the_page() {
    kept("policy.schema.json", &schema());
    kept("POLICY.md", &page());
}

/// The keys that a reader names when it is given one that it does not know.
fn keys(text: &str, error: impl std::fmt::Display) -> Vec<String> {
    let said = error.to_string();
    let list = said.split("expected one of ").nth(1).unwrap_or_else(|| panic!("{text}: {said}"));
    let mut all: Vec<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
fn the_schema_has_the_keys_that_the_monitor_knows() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let properties = |table: &Value| {
        assert_eq!(table["additionalProperties"], false);
        let mut all: Vec<String> = table["properties"].as_object().unwrap().keys().cloned().collect();
        all.sort();
        all
    };
    let nonsense = "nonsense = 1\n";
    assert_eq!(properties(&schema), keys(nonsense, toml::from_str::<Policy>(nonsense).unwrap_err()));
    let nonsense = "[[mount]]\nnonsense = 1\n";
    assert_eq!(
        properties(&schema["$defs"]["MountTable"]),
        keys(nonsense, toml::from_str::<Policy>(nonsense).unwrap_err())
    );
}

#[test]
fn everything_that_is_wrong_is_said_with_its_line() {
    let text = "memory = \"much\"\nnet = [\"all\", \"a b\"]\nunheard = 1\ntimeout = \"10m\"\n\n[[mount]]\nhost = \"/x\"\nguest = 'C:\\Windows'\n\n\
                [[mount]]\nhost = \"/y\"\nguest = 'D:\\y'\nwriteable = true\n\n[[mount]]\nhost = \"/z\"\n";
    let all = faults(text);
    let lines: Vec<usize> = all.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [1, 2, 3, 6, 13, 15], "{all:#?}");
    assert!(all[0].what.contains("`much` is no size"), "{all:#?}");
    assert!(all[2].what.contains("unknown field `unheard`"), "{all:#?}");
    assert!(all[3].what.contains("system lies there") && all[5].what.contains("missing field `guest`"), "{all:#?}");

    let broken = faults("a = \nb = 1 1\n");
    assert!(broken.iter().any(|fault| fault.line == 1) && broken.iter().any(|fault| fault.line == 2), "{broken:#?}");
    let together = faults("[[mount]]\nhost='/a'\nguest='C:\\a'\n[[mount]]\nhost='/b'\nguest='c:\\A'\n");
    assert!(together.len() == 1 && together[0].what.contains("two mounts"), "{together:#?}");
    assert_eq!(faults("memory = 67108864\nscratch = 0x1000_0000\ntrace = true\n[env]\nA = 'b'\n"), []);
}
