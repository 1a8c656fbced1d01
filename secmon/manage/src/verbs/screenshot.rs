//! `secmon screenshot`.

use super::desktop::{Patience, attach};
use super::{Common, Which};
use anyhow::Context as _;
use serde::Serialize;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

/// What is taken.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sandbox: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    id: String,
    /// The PNG file that is written
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// With the pointer
    #[arg(long)]
    pointer: bool,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Taken {
    width: u32,
    height: u32,
}

pub(super) fn run(arguments: Arguments, common: &Common) -> anyhow::Result<u8> {
    let mut desktop = attach(&Which::of(&arguments.id))?;
    arguments.patience.idle(&mut desktop)?;
    let picture = if arguments.pointer { desktop.picture_with_pointer()? } else { desktop.picture()? };
    let name = || arguments.file.display().to_string();
    let file = BufWriter::new(File::create(&arguments.file).with_context(name)?);
    let mut encoder = png::Encoder::new(file, picture.size.width, picture.size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().with_context(name)?;
    writer.write_image_data(&picture.pixels).with_context(name)?;
    writer.finish().with_context(name)?;
    common.show(&Taken { width: picture.size.width, height: picture.size.height }, "")?;
    Ok(0)
}
