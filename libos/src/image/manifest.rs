//! Side-by-side assemblies: the `WINE_MANIFEST` resources of the DLLs, and where their files go below `windows/winsxs`.

use super::resources::{Name, Resources};

/// Resource type of a manifest (`RT_MANIFEST` of winuser.h).
const RT_MANIFEST: u32 = 24;
/// What the resource is called: other manifests are the DLL's own.
const NAME: &str = "WINE_MANIFEST";
/// The architecture that a manifest without one gets.
const ARCHITECTURE: &str = "amd64";

/// One assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// The folder's and the manifest's name.
    pub name: String,
    /// The manifest as it is installed.
    pub manifest: Vec<u8>,
    /// Files that lie in the assembly's folder.
    pub files: Vec<String>,
}

/// The assemblies that a DLL brings.
pub fn assemblies(resources: &Resources) -> Vec<Assembly> {
    let manifests = resources.of_type(&Name::Number(RT_MANIFEST)).into_iter();
    let ours = manifests.filter(|(name, _)| matches!(name, Name::Text(text) if text.starts_with(NAME)));
    ours.flat_map(|(_, manifest)| String::from_utf8(manifest.to_vec()).map(|text| read(&text)).unwrap_or_default())
        .collect()
}

/// Elements of an XML text, each with its attributes; closing tags, comments and declarations left out.
fn elements(text: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let end = after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len());
        let (name, mut inside) = after.split_at(end);
        let mut attributes = Vec::new();
        loop {
            inside = inside.trim_start();
            let Some((key, value)) = inside.split_once('=').filter(|(key, _)| !key.contains(['>', '<'])) else { break };
            let Some(quote @ ('"' | '\'')) = value.chars().next() else { break };
            let Some((value, after)) = value[1..].split_once(quote) else { break };
            attributes.push((key.trim(), value));
            inside = after;
        }
        if !name.starts_with(['/', '?', '!']) {
            found.push((name.trim_end_matches('/'), attributes));
        }
        rest = inside;
    }
    found
}

fn read(text: &str) -> Vec<Assembly> {
    let mut found: Vec<Assembly> = Vec::new();
    for (element, attributes) in elements(text) {
        let get = |wanted: &str| attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        match element {
            "file" => {
                if let (Some(file), Some(assembly)) = (get("name"), found.last_mut()) {
                    assembly.files.push(file.into());
                }
            }
            "assemblyIdentity" => {
                let wanted = [get("processorArchitecture"), get("name"), get("publicKeyToken"), get("version")];
                let [Some(architecture), Some(name), Some(key), Some(version)] = wanted else { continue };
                let language = get("language").unwrap_or("none");
                let given = if architecture.is_empty() { ARCHITECTURE } else { architecture };
                let manifest = if architecture.is_empty() {
                    text.replacen("processorArchitecture=\"\"", &format!("processorArchitecture=\"{given}\""), 1)
                } else {
                    text.into()
                };
                found.push(Assembly {
                    name: format!("{given}_{name}_{key}_{version}_{language}_deadbeef").to_lowercase(),
                    manifest: manifest.into_bytes(),
                    files: Vec::new(),
                });
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"<?xml version="1.0"?><!-- <file name="no"/> -->
<assembly xmlns="urn:x"><assemblyIdentity type="win32" name="Some.Lib" version="1.2" processorArchitecture=""
  publicKeyToken="abc" /><file name="a.dll"></file><file name='b.dll'/></assembly>"#;

    #[test]
    fn identity_and_files() {
        let [assembly] = &read(SAMPLE)[..] else { panic!("one assembly") };
        assert_eq!(assembly.name, "amd64_some.lib_abc_1.2_none_deadbeef");
        assert_eq!(assembly.files, ["a.dll", "b.dll"]);
        assert!(String::from_utf8_lossy(&assembly.manifest).contains("processorArchitecture=\"amd64\""));
    }

    #[test]
    fn broken_xml_does_no_harm() {
        for end in 0..SAMPLE.len() {
            read(&SAMPLE[..end]);
        }
    }
}
