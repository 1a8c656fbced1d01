//! `secmon diff`.

use super::Common;
use super::print;
use crate::layer::{self, changes};
use secmon::image::Image;
use serde_json::json;

/// Of which layer.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A layer's name, or the id or name of a sandbox that has one
    layer: String,
    /// As JSON
    #[arg(long)]
    raw: bool,
}

pub(super) fn run(arguments: Arguments, _: &Common) -> anyhow::Result<u8> {
    let layer = layer::named(&arguments.layer)?;
    let image = Image::open(&secmon::policy::parts::image(), "user").ok();
    let files = changes::files(&layer.path, image.as_ref())?;
    let registry = changes::registry(&layer.path)?;
    if arguments.raw {
        let files: Vec<_> = files.iter().map(changes::FileChange::json).collect();
        let registry: Vec<_> = registry.iter().map(changes::KeyChange::json).collect();
        let all = json!({ "version": 1, "layer": layer.name, "files": files, "registry": registry });
        print(format!("{all:#}\n"));
        return Ok(0);
    }
    for file in files {
        let what = if file.folder { "\\".to_owned() } else { String::new() };
        let size =
            if file.folder || file.change == "deleted" { String::new() } else { format!("  {} bytes", file.size) };
        print(format!("{:<8} {}{what}{size}\n", file.change, file.path));
    }
    for change in registry {
        let value = match (&change.value, &change.data) {
            (Some(name), data) => {
                let name = if name.is_empty() { "(default)" } else { name };
                let data = data.as_ref().map(|(kind, data)| format!(" = {}", changes::text(*kind, data)));
                format!("  {name}{}", data.unwrap_or_default())
            }
            (None, _) => String::new(),
        };
        print(format!("{:<8} {}{value}\n", change.change, change.key));
    }
    Ok(0)
}
