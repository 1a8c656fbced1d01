//! What a sandbox needs and the monitor does not make itself: the base image, layers, control groups, a place among processors. `secmon run`
//! comes here if one of them is missing, and goes on as the monitor with all of them.

use crate::cgroup::Group;
use crate::image;
use crate::layer::Layer;
use anyhow::Context as _;
use rustix::io::{FdFlags, fcntl_setfd};
use secmon::policy::Policy;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _};

/// Makes everything ready; what the monitor is told of it. Layers stay open, and locked, as long as this process, or what it becomes.
///
/// # Errors
/// What cannot be had, and why.
pub fn prepare(policy: &Policy) -> anyhow::Result<Vec<OsString>> {
    image::make_sure(&policy.user)?;
    let mut words = vec![OsString::from("--prepared")];
    let written = policy.persist.iter().map(|name| Layer::open(name, false));
    let read = policy.layers.iter().rev().map(|name| Layer::open(name, true));
    for layer in written.chain(read).collect::<Result<Vec<_>, _>>()? {
        let folder = File::open(&layer.path).with_context(|| layer.path.display().to_string())?;
        for fd in [folder.as_fd(), layer.lock.as_fd()] {
            fcntl_setfd(fd, FdFlags::empty())?;
        }
        words.push(format!("--layer-fd={}", folder.as_raw_fd()).into());
        std::mem::forget((folder, layer));
    }
    let group = Group::new(policy)?;
    group.means.iter().for_each(|means| tracing::info!("{means}"));
    words.extend(group.hand_over()?);
    Ok(words)
}
