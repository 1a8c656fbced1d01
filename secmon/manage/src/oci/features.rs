//! `features`: what this runtime carries out, in the form that engines ask for (features.md of the specification).

use anyhow::Result;
use oci_spec::runtime::LinuxNamespaceType::{Mount, Network, Pid};
use oci_spec::runtime::{
    ApparmorBuilder, CgroupBuilder, FeaturesBuilder, LinuxFeatureBuilder, SeccompBuilder, SelinuxBuilder,
};

/// Options of mounts that have an effect.
const MOUNT_OPTIONS: [&str; 4] = ["bind", "rbind", "ro", "rw"];
/// Points at which hooks run.
const HOOKS: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
fn texts<const N: usize>(all: [&str; N]) -> Vec<String> {
    all.map(String::from).to_vec()
}

/// Prints it as JSON.
pub fn features() -> Result<()> {
    let cgroup = CgroupBuilder::default().v1(true).v2(true).systemd(true).systemd_user(true).build()?;
    let linux = LinuxFeatureBuilder::default()
        // Picoprocesses always have namespaces of their own, of every kind.
        .namespaces(vec![Mount, Network, Pid])
        .cgroup(cgroup)
        // The filter of a picoprocess is our own, and far narrower than a profile; modules of the host confine the monitor.
        .seccomp(SeccompBuilder::default().enabled(false).build()?)
        .apparmor(ApparmorBuilder::default().enabled(false).build()?)
        .selinux(SelinuxBuilder::default().enabled(false).build()?)
        .build()?;
    let features = FeaturesBuilder::default()
        .oci_version_min("1.0.0")
        .oci_version_max(super::VERSION)
        .hooks(texts(HOOKS))
        .mount_options(texts(MOUNT_OPTIONS))
        .linux(linux)
        .build()?;
    println!("{}", serde_json::to_string_pretty(&features)?);
    Ok(())
}
