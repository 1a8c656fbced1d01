//! What the verbs that look at a sandbox's desktop, or drive it, have in common.

use super::Which;
use crate::desktop::{Desktop, DesktopError};
use anyhow::bail;
use shim_abi::display::{Area, Window};
use std::time::Duration;

/// A desktop of the sandbox's.
pub(super) fn attach(which: &Which) -> anyhow::Result<Desktop> {
    let (_, mut client) = which.connect()?;
    Ok(Desktop::attach(&mut client)?)
}

/// How long it is waited for programs.
#[derive(Debug, clap::Args)]
pub(super) struct Patience {
    /// How long programs may take until nothing is left for them to do
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    timeout: f64,
    /// Do not wait for them
    #[arg(long)]
    now: bool,
}

impl Patience {
    /// As a time.
    pub(super) fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout).unwrap_or(Duration::MAX).min(Duration::from_secs(86400))
    }

    /// Waits until all programs' threads with windows wait for messages and have none.
    pub(super) fn idle(&self, desktop: &mut Desktop) -> anyhow::Result<()> {
        if self.now {
            return Ok(());
        }
        match desktop.idle(self.time()) {
            Err(DesktopError::TimedOut) => {
                bail!("programs were still busy after {} s (--now does not wait for them)", self.timeout)
            }
            other => Ok(other?),
        }
    }
}

/// A rectangle as it is shown.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Place {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

impl Place {
    /// Of that area.
    pub(super) fn of(area: &Area) -> Place {
        let (width, height) = (area.right.wrapping_sub(area.left), area.bottom.wrapping_sub(area.top));
        Place { x: area.left, y: area.top, width, height }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}{:+}{:+}", self.width, self.height, self.x, self.y)
    }
}

/// A window as it is shown.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub(super) struct Shown<'a> {
    handle: u32,
    parent: u32,
    owner: u32,
    class: &'a str,
    title: &'a str,
    rectangle: Place,
    client: Place,
    style: u32,
    ex_style: u32,
    visible: bool,
    active: bool,
    focus: bool,
    process: u32,
    thread: u32,
}

impl<'a> Shown<'a> {
    /// That window.
    pub(super) fn of(window: &'a Window) -> Shown<'a> {
        Shown {
            handle: window.handle,
            parent: window.parent,
            owner: window.owner,
            class: &window.class,
            title: &window.title,
            rectangle: Place::of(&window.place),
            client: Place::of(&window.client),
            style: window.style,
            ex_style: window.ex_style,
            visible: window.visible,
            active: window.active,
            focus: window.focus,
            process: window.process,
            thread: window.thread,
        }
    }
}
