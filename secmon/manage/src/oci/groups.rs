//! The control group of a container, which lies where the engine says: it limits the monitor and its picoprocesses together.

use super::record::Record;
use anyhow::{Context as _, Result};
use libcgroups::common::{
    AnyCgroupManager, CgroupConfig, CgroupManager as _, ControllerOpt, FreezerState, create_cgroup_manager,
};
use nix_of_libcgroups::unistd::Pid;
use oci_spec::runtime::{LinuxResources, Spec};

fn manager(record: &Record) -> Result<AnyCgroupManager> {
    let config = CgroupConfig {
        cgroup_path: record.cgroup.clone(),
        systemd_cgroup: record.systemd,
        container_name: record.id.clone(),
    };
    create_cgroup_manager(config).context("control groups")
}

/// Sets limits.
pub fn limit(record: &Record, resources: &LinuxResources) -> Result<()> {
    let options = ControllerOpt { resources, disable_oom_killer: false, oom_score_adj: None, freezer_state: None };
    manager(record)?.apply(&options).context("the limits of the control group")
}

/// Makes it with a process in it, and its limits. Without the right to, and without a limit that would be missed, none is made.
pub fn make(record: &Record, spec: &Spec) -> Result<()> {
    let resources = spec.linux().as_ref().and_then(|linux| linux.resources().clone());
    let limited = resources.as_ref().is_some_and(|all| all.memory().is_some() || all.cpu().is_some());
    let made = manager(record).and_then(|manager| {
        manager.add_task(Pid::from_raw(record.pid)).context("the control group")?;
        match &resources {
            Some(resources) => limit(record, resources),
            None => Ok(()),
        }
    });
    match made {
        Err(error) if !limited && !nix::unistd::geteuid().is_root() => {
            tracing::warn!("no control group: {error:#}");
            Ok(())
        }
        other => other,
    }
}

/// Every process in it.
pub fn processes(record: &Record) -> Result<Vec<i32>> {
    let all = manager(record)?.get_all_pids().context("the control group")?;
    Ok(all.into_iter().map(Pid::as_raw).collect())
}

/// Stops all that runs in it, or lets it run on.
pub fn freeze(record: &Record, frozen: bool) -> Result<()> {
    let state = if frozen { FreezerState::Frozen } else { FreezerState::Thawed };
    manager(record)?.freeze(state).context("the freezer")
}

/// What it used, as JSON in the form of `runc events --stats`.
pub fn usage(record: &Record) -> Result<serde_json::Value> {
    let stats = manager(record)?.stats().context("the control group")?;
    Ok(serde_json::json!({ "type": "stats", "id": record.id, "data": {
        "cpu": { "usage": { "total": stats.cpu.usage.usage_total, "user": stats.cpu.usage.usage_user,
                            "kernel": stats.cpu.usage.usage_kernel } },
        "memory": { "usage": { "usage": stats.memory.memory.usage, "max": stats.memory.memory.max_usage,
                               "limit": stats.memory.memory.limit } },
        "pids": { "current": stats.pids.current, "limit": stats.pids.limit },
    }}))
}

/// Removes it; one that is gone is no failure.
pub fn remove(record: &Record) {
    if let Err(error) = manager(record).and_then(|manager| Ok(manager.remove()?)) {
        tracing::warn!("the control group of {} stays: {error:#}", record.id);
    }
}
