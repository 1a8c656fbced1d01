//! What a container's configuration means for a Windows program: a drive C, a policy, a command. Nothing is touched here.
//!
//! The fields are those of the OCI runtime specification, config.md and config-linux.md, version 1.2. What only a Linux program sees
//! of them (device files, masked paths, capabilities, a seccomp profile) has no counterpart: a picoprocess has none of it.

use oci_spec::runtime::{LinuxNamespaceType, Mount, Process, Spec};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Why a configuration cannot be run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// A part that every container has is absent.
    #[error("config.json has no `{0}`")]
    Absent(&'static str),
    /// A path that no drive C has.
    #[error("{0}: {1} is no path below a root: write it as /folder/name, which is C:\\folder\\name")]
    NoPath(&'static str, String),
    /// A mount of a kind that has no meaning for a Windows program.
    #[error("mounts: {0} is of type `{1}`: a Windows program has bind mounts and tmpfs")]
    MountType(String, String),
    /// An argument that is text of another kind.
    #[error("process.args: the program's name is empty")]
    NoProgram,
}

/// A folder or file that lies somewhere on drive C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where it comes from; `None` is a new file system in memory.
    pub source: Option<PathBuf>,
    /// Where it lies, below the drive's folder.
    pub below: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
}

/// What the policy file of the container says. Keys are those of the policy's own format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Working directory.
    pub workdir: String,
    /// Bytes that it may commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// Most open files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Most threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Its computer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer: Option<String>,
    /// What it may reach: the network that the engine made for the container, all of it.
    pub net: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
}

/// A container as a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The folder that is drive C.
    pub drive: PathBuf,
    /// Whether the program may change it.
    pub writable: bool,
    /// What lies on it beside.
    pub binds: Vec<Bind>,
    /// Files of the host that the monitor looks names of hosts up in, and what it is to find there.
    pub resolver: Vec<(PathBuf, PathBuf)>,
    /// The policy.
    pub granted: Granted,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Whether it only keeps what the containers of a pod share: no program runs, see [`only_waits`].
    pub waits: bool,
    /// What of the configuration is not carried out, by name.
    pub ignored: Vec<String>,
}

/// Annotations by which containerd and CRI-O say of a container that it is a pod's own.
const OF_A_POD: [&str; 2] = ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];
/// Programs for Linux that do nothing but wait: Kubernetes' and podman's.
const WAITING: [&str; 2] = ["/pause", "/catatonit"];

/// Whether a container only keeps what those of a pod share. Engines have it run a program for Linux that waits; the runtime waits itself.
pub fn only_waits(spec: &Spec) -> bool {
    let told = spec.annotations().iter().flatten();
    let args = spec.process().as_ref().and_then(|process| process.args().as_deref()).unwrap_or_default();
    let waits = match args {
        [program] => program == WAITING[0],
        [program, option] => program == WAITING[1] && option == "-P",
        _ => false,
    };
    waits || told.into_iter().any(|(name, value)| OF_A_POD.contains(&name.as_str()) && value == "sandbox")
}

/// Folders of a Linux root that no Windows program looks into: what an engine mounts there is left out.
const LINUX_ONLY: [&str; 4] = ["/dev", "/proc", "/sys", "/run"];
/// What an engine makes for a program that looks names of hosts up by itself; here the monitor does it.
const RESOLVER: [&str; 3] = ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"];
/// Files of that kind without a use.
const IDLE: [&str; 2] = ["/etc/hostname", "/.dockerenv"];
/// Variables that a Linux image sets for Linux programs.
const LINUX_VARIABLES: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// A path of the container as one of drive C: `/app/x` is `C:\app\x`.
pub fn guest(path: &str) -> String {
    format!("C:\\{}", path.trim_start_matches('/').trim_end_matches('/').replace('/', "\\"))
}

/// The part of a path below the root, if all of it is names.
fn below(what: &'static str, path: &Path) -> Result<PathBuf, PlanError> {
    let refuse = || PlanError::NoPath(what, path.display().to_string());
    let rest = path.strip_prefix("/").map_err(|_| refuse())?;
    let plain = rest.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if plain { Ok(rest.to_owned()) } else { Err(refuse()) }
}

fn bind(mount: &Mount) -> Result<Option<Bind>, PlanError> {
    let to = mount.destination();
    if LINUX_ONLY.iter().any(|folder| to.starts_with(folder)) || IDLE.iter().any(|file| to == Path::new(file)) {
        return Ok(None);
    }
    let options = mount.options().as_deref().unwrap_or_default();
    let is = |name: &str| options.iter().any(|option| option == name);
    let kind = mount.typ().as_deref().unwrap_or("none");
    let source = match kind {
        "bind" | "none" | "rbind" => Some(mount.source().clone().ok_or(PlanError::Absent("mounts.source"))?),
        _ if is("bind") || is("rbind") => Some(mount.source().clone().ok_or(PlanError::Absent("mounts.source"))?),
        "tmpfs" => None,
        other => return Err(PlanError::MountType(to.display().to_string(), other.into())),
    };
    Ok(Some(Bind { source, below: below("mounts", to)?, writable: !is("ro") }))
}

/// A host's name as a computer's: 15 letters, digits and hyphens (NetBIOS).
fn computer(hostname: &str) -> Option<String> {
    let name: String = hostname.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(15).collect();
    let name = name.trim_matches('-').to_ascii_uppercase();
    (!name.is_empty()).then_some(name)
}

/// What programs may commit where the engine's group limits memory: less than that by what the monitor, the kernel's tables and files
/// that are being written take of it, so that a program is told that there is no more before the kernel ends it.
fn commit(limit: u64) -> u64 {
    (limit - limit / 16).saturating_sub(8 << 20).max(16 << 20)
}

/// Program and arguments. A path from the root is one of drive C; all else is looked for as `secmon run` does.
pub fn command(process: &Process) -> Result<Vec<String>, PlanError> {
    let mut command =
        process.args().clone().filter(|args| !args.is_empty()).ok_or(PlanError::Absent("process.args"))?;
    let program = command.first_mut().filter(|program| !program.is_empty()).ok_or(PlanError::NoProgram)?;
    if program.starts_with('/') {
        *program = guest(program);
    }
    Ok(command)
}

/// A working directory: `/app` or, where the engine lets it through, `C:\app`.
pub fn workdir(process: &Process) -> Result<String, PlanError> {
    let cwd = process.cwd().to_string_lossy();
    match cwd.as_ref() {
        "" => Ok("C:\\".into()),
        cwd if cwd.starts_with('/') => Ok(guest(cwd)),
        cwd if cwd.as_bytes().get(1) == Some(&b':') => Ok(cwd.into()),
        cwd => Err(PlanError::NoPath("process.cwd", cwd.into())),
    }
}

/// Variables, without those that only mean something to Linux; those that were left out.
pub fn environment(process: &Process) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut env, mut left) = (BTreeMap::new(), Vec::new());
    for text in process.env().iter().flatten() {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        let linux = LINUX_VARIABLES.iter().any(|known| known.eq_ignore_ascii_case(name)) && value.starts_with('/');
        if linux {
            left.push(name.to_owned());
        } else {
            env.retain(|known: &String, _| !known.eq_ignore_ascii_case(name));
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    (env, left)
}

fn limit(process: &Process, kind: oci_spec::runtime::PosixRlimitType) -> Option<u64> {
    process.rlimits().iter().flatten().find(|limit| limit.typ() == kind).map(oci_spec::runtime::PosixRlimit::soft)
}

impl Plan {
    /// What a configuration means. `bundle` is the folder that config.json lies in; `has_files` tells whether a folder is there.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(spec: &Spec, bundle: &Path, has_files: impl Fn(&Path) -> bool) -> Result<Plan, PlanError> {
        use oci_spec::runtime::PosixRlimitType as Limit;
        let process = spec.process().as_ref().ok_or(PlanError::Absent("process"))?;
        let root = spec.root().as_ref().ok_or(PlanError::Absent("root"))?;
        let folder = bundle.join(root.path());
        // A layer of a Windows image has the drive's content in a folder of this name.
        let files = folder.join("Files");
        let drive = if has_files(&files) { files } else { folder };

        let (mut binds, mut resolver, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
        for mount in spec.mounts().iter().flatten() {
            if let Some(place) = RESOLVER.iter().find(|place| mount.destination() == Path::new(place)) {
                resolver.extend(mount.source().clone().map(|source| (source, PathBuf::from(place))));
            } else {
                binds.extend(bind(mount)?);
            }
        }
        let (env, left) = environment(process);
        ignored.extend(left.into_iter().map(|name| format!("the variable {name}, which holds Linux paths")));
        let linux = spec.linux().as_ref();
        let resources = linux.and_then(|linux| linux.resources().as_ref());
        let memory = resources.and_then(|all| all.memory().as_ref()).and_then(|memory| memory.limit());
        let threads = resources.and_then(|all| all.pids().as_ref()).map(|pids| pids.limit());
        let bounded = |value: u64, least, most| value.clamp(least, most);
        if linux.is_some_and(|linux| linux.uid_mappings().as_ref().is_some_and(|all| !all.is_empty())) {
            ignored.push("linux.uidMappings: files are used as whoever runs the engine".into());
        }
        for namespace in linux.iter().flat_map(|linux| linux.namespaces().iter().flatten()) {
            if namespace.typ() == LinuxNamespaceType::User && namespace.path().is_some() {
                ignored.push("linux.namespaces: the user namespace".into());
            }
        }
        Ok(Plan {
            drive,
            writable: !root.readonly().unwrap_or(false),
            binds,
            resolver,
            granted: Granted {
                workdir: workdir(process)?,
                commit: memory.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0).map(commit),
                files: limit(process, Limit::RlimitNofile).map(|files| bounded(files, 64, 1 << 20)),
                threads: threads.and_then(|most| u64::try_from(most).ok()).filter(|most| *most > 0),
                computer: spec.hostname().as_deref().and_then(computer),
                net: vec!["host".into()],
                env,
            },
            command: command(process)?,
            waits: only_waits(spec),
            ignored,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{
      "ociVersion": "1.0.2",
      "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/app/work", "args": ["/app/7za.exe", "l", "/x"],
        "env": ["PATH=/usr/bin:/bin", "Path=C:\\tools;C:\\more", "A=b", "HOME=/root", "=C:=x", "a=c"],
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]},
      "root": {"path": "rootfs"}, "hostname": "ec0e9fc926f4-and-more.x",
      "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev/shm", "type": "bind", "source": "/x/shm", "options": ["bind"]},
        {"destination": "/etc/hosts", "type": "bind", "source": "/x/hosts", "options": ["bind"]},
        {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro"]},
        {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs"}],
      "linux": {"resources": {"memory": {"limit": 134217728}, "pids": {"limit": 7}},
        "namespaces": [{"type": "network"}]}}"#;

    fn spec(text: &str) -> Spec {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_container_is_a_drive_a_policy_and_a_command() {
        let plan = Plan::new(&spec(CONFIG), Path::new("/b"), |_| false).unwrap();
        assert_eq!(plan.drive, Path::new("/b/rootfs"));
        assert_eq!(plan.command, ["C:\\app\\7za.exe", "l", "/x"]);
        let bind = |source: Option<&str>, below: &str, writable| Bind {
            source: source.map(PathBuf::from),
            below: below.into(),
            writable,
        };
        assert_eq!(plan.binds, [bind(Some("/srv/data"), "data", false), bind(None, "scratch", true)]);
        assert_eq!(plan.resolver, [(PathBuf::from("/x/hosts"), PathBuf::from("/etc/hosts"))]);
        let granted = &plan.granted;
        assert_eq!(granted.workdir, "C:\\app\\work");
        assert_eq!((granted.commit, granted.threads, granted.files), (Some(112 << 20), Some(7), Some(64)));
        assert_eq!(granted.computer.as_deref(), Some("EC0E9FC926F4-AN"));
        // Names of variables have no letter case: the last one counts. What only Linux knows is left out, and said.
        let env: Vec<_> = granted.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(env, [("Path", "C:\\tools;C:\\more"), ("a", "c")]);
        assert_eq!(plan.ignored.len(), 2);
    }

    #[test]
    fn containers_that_keep_a_pod_together_are_known() {
        let waits = |args: &str, annotations: &str| {
            let text = CONFIG.replace("[\"/app/7za.exe\", \"l\", \"/x\"]", args);
            only_waits(&spec(&text.replace("\"root\":", &format!("\"annotations\": {{{annotations}}}, \"root\":"))))
        };
        assert!(waits("[\"/pause\"]", "") && waits("[\"/catatonit\", \"-P\"]", ""));
        assert!(waits("[\"/any\"]", "\"io.kubernetes.cri.container-type\": \"sandbox\""));
        assert!(waits("[\"/any\"]", "\"io.kubernetes.cri-o.ContainerType\": \"sandbox\""));
        assert!(!waits("[\"/any\"]", "\"io.kubernetes.cri.container-type\": \"container\""));
        assert!(
            !waits("[\"/pause\", \"x\"]", "")
                && !waits("[\"/app/pause\"]", "")
                && !waits("[\"/catatonit\", \"x.exe\"]", "")
        );
    }

    #[test]
    fn the_files_of_a_windows_layer_are_the_drive() {
        let plan = Plan::new(&spec(CONFIG), Path::new("/b"), |folder| folder.ends_with("rootfs/Files")).unwrap();
        assert_eq!(plan.drive, Path::new("/b/rootfs/Files"));
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_by_name() {
        let plan = |from: &str, to: &str| Plan::new(&spec(&CONFIG.replace(from, to)), Path::new("/b"), |_| false);
        let is = |result: Result<Plan, PlanError>, text: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        is(plan("\"/data\"", "\"/../data\""), "mounts: /../data");
        is(plan("\"/app/work\"", "\"work\""), "process.cwd: work");
        is(plan("\"tmpfs\", \"source\"", "\"nfs\", \"source\""), "type `nfs`");
        is(plan("[\"/app/7za.exe\", \"l\", \"/x\"]", "[]"), "process.args");
        is(plan("[\"/app/7za.exe\", \"l\", \"/x\"]", "[\"\"]"), "name is empty");
        is(plan("\"root\": {", "\"rooot\": {"), "`root`");
    }
}
