//! `secmon doctor`: what this host lacks, and how to get it.

use super::Common;
use super::print;
use crate::cgroup::Group;
use crate::parts;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use secmon::exit;
use secmon::image::Image;
use secmon::locate::{FOLDER, beneath, open_beneath};
use secmon::spawn::{self, Setup};
use shim_abi::share::{hierarchies, lists};
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

/// What one check found.
enum Finding {
    Good(String),
    /// Works without, with a loss.
    Weak(String, String),
    /// Does not work without: what, and what to do.
    Bad(String, String),
}

use Finding::{Bad, Good, Weak};

fn setting(name: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/sys/{name}")).ok().map(|text| text.trim().to_owned())
}

fn kernel() -> Finding {
    let release = setting("kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match version >= (5, 9) {
        true => Good(format!("Linux {release}")),
        false => Bad(format!("Linux {release} is too old"), "use Linux 5.9 or later".into()),
    }
}

fn lookups() -> Finding {
    let root = open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let found = root.and_then(|root| match open_beneath(&root, "../..", beneath(FOLDER)) {
        Err(Errno::EXDEV) => Ok(()),
        Ok(_) => Err(Errno::EIO),
        Err(errno) => Err(errno),
    });
    match found {
        Ok(()) => Good("openat2 confines names".into()),
        Err(errno) => Bad(
            format!("openat2 does not confine names ({errno})"),
            "use Linux 5.6 or later; a container must let openat2 through its seccomp profile".into(),
        ),
    }
}

/// Makes a picoprocess of this executable, which ends at once.
fn picoprocess() -> Finding {
    let probe = || -> anyhow::Result<()> {
        let own = std::env::current_exe()?;
        let runtime = open(&own, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
        let null = fs::File::options().read(true).write(true).open("/dev/null")?;
        let options = [("size".to_owned(), "65536".to_owned())];
        let scratch = spawn::scratch(&options).ok();
        let setup = Setup {
            runtime: runtime.as_fd(),
            descriptors: [null.as_fd(); spawn::DESCRIPTORS],
            limits: &[],
            scratch: scratch.is_none().then_some(&options[..]),
        };
        let mut starting = spawn::begin(scratch.is_some())?;
        starting.go_on(&setup)?;
        let spawned = starting.finish()?;
        nix::sys::wait::waitpid(spawned.pid, None)?;
        Ok(())
    };
    let Err(error) = probe() else { return Good("a process in namespaces of its own can be made".into()) };
    let on = |name: &str, value: &str| setting(name).is_some_and(|text| text == value);
    let way = if on("kernel/unprivileged_userns_clone", "0") {
        "sysctl kernel.unprivileged_userns_clone=1"
    } else if on("kernel/apparmor_restrict_unprivileged_userns", "1") {
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for secmon that allows userns"
    } else if on("user/max_user_namespaces", "0") {
        "sysctl user.max_user_namespaces=10000"
    } else {
        "in a container, let it make user namespaces (podman: --security-opt seccomp=unconfined, docker: also --privileged)"
    };
    Bad(format!("{error:#}"), way.into())
}

fn seccomp() -> Finding {
    let actions = setting("kernel/seccomp/actions_avail").unwrap_or_default();
    let has = |name| actions.split(' ').any(|action| action == name);
    match ["trap", "errno", "allow"].into_iter().all(has) {
        true => Good("seccomp filters".into()),
        false => Bad("the kernel has no seccomp filters".into(), "use a kernel with CONFIG_SECCOMP_FILTER".into()),
    }
}

fn fsgsbase() -> Finding {
    // HWCAP2_FSGSBASE (asm/hwcap2.h).
    let found = rustix::param::linux_hwcap().1 & 2 != 0;
    match found {
        true => Good("FSGSBASE".into()),
        false => Bad(
            "programs may not set their GS base (FSGSBASE)".into(),
            "use a processor of 2013 or later and Linux 5.9 or later, without `nofsgsbase`".into(),
        ),
    }
}

fn low_memory() -> Finding {
    let least = setting("vm/mmap_min_addr").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    match least <= 0x1_0000 {
        true => Good("memory from address 0x10000".into()),
        false => Bad(format!("memory begins at {least:#x}"), "sysctl vm.mmap_min_addr=65536".into()),
    }
}

fn limits() -> Finding {
    let policy = secmon::policy::Policy { memory: Some(64 << 20), cpu_weight: Some(50), ..Default::default() };
    let group = Group::new(&policy).unwrap_or_default();
    let means = group.means.join("; ");
    group.remove();
    match means.contains("no control group") {
        false => Good(format!("limits of memory and processors ({means})")),
        true => Weak(means, "run under `systemd-run --user --scope -p Delegate=yes`".into()),
    }
}

/// Which control groups there are, and what a sandbox's own group can tell of its memory.
fn groups() -> Finding {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let known = ["cpu", "memory", "pids"];
    let mut found = Vec::new();
    let mut told = "nothing tells that a group is short of memory";
    for (root, options, unified) in hierarchies(&mounts) {
        let list = fs::read_to_string(Path::new(root).join("cgroup.controllers")).unwrap_or_default();
        let has = |name: &&&str| if unified { lists(&list, name) } else { lists(options, name) };
        let has: Vec<&str> = known.iter().filter(has).copied().collect();
        if has.contains(&"memory") {
            told = match unified {
                true => "a group that is short of memory is told by its pressure stall information",
                false => "a group that is short of memory is told by memory.pressure_level",
            };
        }
        if !has.is_empty() {
            found.push(format!("version {}: {}", 1 + u8::from(unified), has.join(", ")));
        }
    }
    match found.is_empty() {
        false => Good(format!("control groups of {}; {told}", found.join("; "))),
        true => Weak(
            "no control groups for processors, memory and processes".into(),
            "limits are kept by rlimits and nice values, or said not to be: mount cgroup2 at /sys/fs/cgroup".into(),
        ),
    }
}

/// What feeds the host.
fn power() -> Finding {
    let power = secmon::broker::power::read("/sys/class/power_supply".as_ref());
    let battery = power.battery.map_or("no battery".to_owned(), |battery| {
        let percent = u64::from(battery.left) * 100 / u64::from(battery.full.max(1));
        format!("a battery at {percent} %")
    });
    let line = if power.online {
        "on the mains"
    } else {
        "not on the mains: timers of sandboxes in the background may be late"
    };
    Good(format!("{battery}, {line}"))
}

fn pressure() -> Finding {
    match secmon::pressure::watch(secmon::pressure::HOST) {
        Ok(_) => Good("the host tells when it is short of memory".into()),
        Err(error) => Weak(
            format!("{} cannot be watched ({error})", secmon::pressure::HOST),
            "sandboxes then give memory back only when `secmon trim` says so; Linux 6.5 or later with CONFIG_PSI, not booted with psi=0".into(),
        ),
    }
}

fn runtime() -> Finding {
    match parts::find(parts::RUNTIME) {
        Ok(path) => Good(format!("runtime {}", path.display())),
        Err(error) => Bad(error, "build it with `make build`, or install the whole package".into()),
    }
}

fn image() -> Finding {
    let folder = secmon::policy::parts::image();
    match Image::open(&folder, "user") {
        Ok(image) => Good(format!("base image in {}, made of {}", folder.display(), image.index().source())),
        Err(error) => match parts::find(parts::MKIMAGE) {
            Ok(_) => Weak(error.to_string(), "`secmon run` makes it when it first needs it".into()),
            Err(missing) => Bad(error.to_string(), missing),
        },
    }
}

/// None.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: Arguments, _: &Common) -> anyhow::Result<u8> {
    let findings = [
        kernel(),
        lookups(),
        picoprocess(),
        seccomp(),
        fsgsbase(),
        low_memory(),
        limits(),
        groups(),
        pressure(),
        power(),
        runtime(),
        image(),
    ];
    let mut bad = 0;
    for finding in findings {
        match finding {
            Good(what) => print(format!("ok       {what}\n")),
            Weak(what, way) => print(format!("note     {what}\n         {way}\n")),
            Bad(what, way) => {
                bad += 1;
                print(format!("MISSING  {what}\n         {way}\n"));
            }
        }
    }
    Ok(if bad == 0 { 0 } else { exit::FAILURE })
}
