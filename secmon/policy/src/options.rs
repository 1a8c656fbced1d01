//! The options of the command line that grant something, and what its help says of them.

use crate::{Clipboard, FileError, Policy, PolicyError};
use clap::Args;
use shim_abi::net::rules::{Grant, Published};
use shim_abi::share::{CpuList, Cpus};
use std::path::PathBuf;

/// How it is used.
pub const EXAMPLES: &str = "\
Examples:
  secmon run ./7za.exe b                                  a program that needs nothing
  secmon run --mount .=C:\\work:rw ./7za.exe a out.7z docs  one that reads and writes the current folder
  secmon run --mount /srv/data=Z:\\data rg.exe -n text Z:\\data
  secmon run --net sandbox --publish 8080 node.exe server.js  a server that this host's programs reach
  secmon run --policy build.toml --timeout 10m esbuild.exe app.js
  secmon run cmd.exe /c dir C:\\windows                    a program of the base image
";

const POLICY: &str = "\
Policy file (TOML), every key optional:
  workdir = 'C:\\data'  memory = \"2G\"  timeout = \"10m\"  scratch = \"1G\"  threads = 4096  files = 4096
  user = \"user\"  computer = \"PORTCULLIS\"  trace = false  roots = true
  [env]
  NAME = \"value\"
  [[mount]]
  host = \"/srv/data\"  guest = 'C:\\data'  writable = true   (each key on a line of its own)
";

/// What `run --help` says at its end.
pub fn help() -> String {
    format!("{EXAMPLES}\n{POLICY}\n{}", shim_abi::exit::HELP)
}

/// What is wrong with the file, or with the options.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// With the file.
    #[error(transparent)]
    File(#[from] FileError),
    /// With an option that is for another kind of file.
    #[error("--map says what paths in a .wsb file are, and there is none")]
    Map,
    /// With the options, or with both together.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// What a sandbox is granted.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// Let the program see a folder of the host: HOST=GUEST for reading, HOST=GUEST:rw for writing too
    #[arg(long, value_name = "HOST=GUEST[:rw]")]
    pub mount: Vec<String>,
    /// Working directory: a path of the guest, or a folder that a mount covers [default: the current folder if a mount
    /// covers it, else the program's]
    #[arg(long, value_name = "FOLDER")]
    pub workdir: Option<String>,
    /// Set an environment variable; nothing else is passed on
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// What of the network it may reach: none, sandbox (its own processes, by loopback addresses), loopback (this host's servers
    /// too), all, host (all, and be reached at any port, as the host's own programs), or places as example.com:443, *.example.com,
    /// 10.0.0.0/8:5432 or [2001:db8::/32] [default: none]
    #[arg(long, value_name = "WORD|PLACE,...", value_delimiter = ',')]
    pub net: Vec<Grant>,
    /// Have the host open a port of the program's: for this host's programs, or at an address of the host's for others too
    #[arg(long, value_name = "[ADDRESS:]PORT[:PORT][/udp]")]
    pub publish: Vec<Published>,
    /// Let text and images go between its clipboard and that of who looks at its display [default: none]
    #[arg(long, value_name = "WAY")]
    pub clipboard: Option<Clipboard>,
    /// Let who looks at its display hear what it plays
    #[arg(long)]
    pub sound: bool,
    /// What a Windows path in a .wsb file is on this host
    #[arg(long, value_name = "WINDOWS=FOLDER")]
    pub map: Vec<String>,
    /// Read grants and limits from a TOML file; options add to it and override it
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Most memory it may use, as 512MiB or 2G
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_bytes)]
    pub memory: Option<u64>,
    /// Memory beyond which the host takes its pages back first
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_bytes)]
    pub memory_soft: Option<u64>,
    /// Most processor time it may use, in processors: 2 or 0.5
    #[arg(long, value_name = "NUMBER")]
    pub cpus: Option<Cpus>,
    /// Its part of processors that others want too, 1 to 10000; everything else has 100
    #[arg(long, value_name = "WEIGHT")]
    pub cpu_weight: Option<u64>,
    /// Processors it may run on, as 0-3,6; the program sees that many
    #[arg(long, value_name = "LIST")]
    pub cpuset: Option<CpuList>,
    /// Most threads of all its processes together
    #[arg(long, value_name = "COUNT")]
    pub pids: Option<u64>,
    /// Put it into this control group, as /proc/self/cgroup names it, instead of one made for it
    #[arg(long, value_name = "PATH")]
    pub cgroup: Option<PathBuf>,
    /// Where the host says what feeds it
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub power_supplies: Option<PathBuf>,
    /// End it after this time, as 30s or 10m
    #[arg(long, value_name = "TIME", value_parser = crate::units::parse_duration)]
    pub timeout: Option<std::time::Duration>,
    /// Most that its throw-away folders may hold
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_bytes)]
    pub scratch: Option<u64>,
    /// Keep what it changes of drive C and of the registry in a layer of this name, made if there is none
    #[arg(long, value_name = "NAME")]
    pub persist: Option<String>,
    /// Lay an image layer of this name over the base image; the last one given is the uppermost
    #[arg(long, value_name = "NAME")]
    pub layer: Vec<String>,
}

impl GrantArgs {
    /// The policy of the file and of the options.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn policy(&self) -> Result<Policy, OptionsError> {
        if !self.map.is_empty() {
            return Err(OptionsError::Map);
        }
        let mut policy = match &self.policy {
            Some(path) => Policy::from_file(path)?,
            None => Policy::default(),
        };
        self.add_to(&mut policy)?;
        Ok(policy)
    }

    /// Adds the options to a policy.
    ///
    /// # Errors
    /// [`PolicyError`], of them or of what comes out.
    pub fn add_to(&self, policy: &mut Policy) -> Result<(), PolicyError> {
        self.mount.iter().try_for_each(|text| policy.mount(text))?;
        self.env.iter().try_for_each(|text| policy.env(text))?;
        policy.grants.extend_from_slice(&self.net);
        policy.published.extend_from_slice(&self.publish);
        policy.clipboard = self.clipboard.unwrap_or(policy.clipboard);
        policy.sound |= self.sound;
        policy.workdir = self.workdir.clone().or(policy.workdir.take());
        policy.memory = self.memory.or(policy.memory);
        policy.memory_soft = self.memory_soft.or(policy.memory_soft);
        policy.cpus = self.cpus.or(policy.cpus);
        policy.cpu_weight = self.cpu_weight.or(policy.cpu_weight);
        policy.cpuset = self.cpuset.clone().or(policy.cpuset.take());
        policy.pids = self.pids.or(policy.pids);
        policy.cgroup = self.cgroup.clone().or(policy.cgroup.take());
        policy.power_supplies = self.power_supplies.clone().unwrap_or(std::mem::take(&mut policy.power_supplies));
        policy.timeout = self.timeout.or(policy.timeout);
        policy.scratch = self.scratch.unwrap_or(policy.scratch);
        policy.persist = self.persist.clone().or(policy.persist.take());
        policy.layers.extend_from_slice(&self.layer);
        policy.check()
    }
}

/// How programs' windows are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Display {
    /// Not, unless somebody asks for it later
    #[default]
    None,
    /// Over RDP: how it is reached is said on stderr
    Rdp,
    /// In a window of this X server's (a Wayland session has Xwayland)
    Window,
}

/// Where a console program's console is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Console {
    /// On the terminal, or on whatever standard streams are
    #[default]
    Terminal,
    /// In a window of its own, on its display
    Window,
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What it is granted.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// What is to be made ready is: said by `portcullis-manage`, with what follows
    #[arg(long, hide = true)]
    pub prepared: bool,
    /// The folders of its layers, open
    #[arg(long, hide = true)]
    pub layer_fd: Vec<String>,
    /// Folders of the control groups that it is put into
    #[arg(long, hide = true)]
    pub group: Vec<PathBuf>,
    /// Likewise, of those that are removed at its end
    #[arg(long, hide = true)]
    pub own_group: Vec<PathBuf>,
    /// Print its NT calls with arguments and results to stderr
    #[arg(long)]
    pub trace: bool,
    /// Print its NT calls to a file
    #[arg(long, value_name = "FILE")]
    pub trace_to: Option<PathBuf>,
    /// Write every grant and refusal to a file, a line of JSON each: who, what, by which rule
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Write what happens to a file, a line of JSON each
    #[arg(long, hide = true, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// How its windows are shown
    #[arg(long, value_name = "HOW", default_value = "none")]
    pub display: Display,
    /// Where a console program's console is
    #[arg(long, value_name = "WHERE", default_value = "terminal", requires = "display")]
    pub console: Console,
    /// Say in plain words what it would be granted, and end
    #[arg(long)]
    pub explain: bool,
    /// Serve who manages the sandbox, on this socket that listens
    #[arg(long, hide = true, value_name = "NUMBER")]
    pub control_fd: Option<i32>,
    /// A descriptor that is kept open as long as the monitor runs
    #[arg(long, hide = true, value_name = "NUMBER")]
    pub lock_fd: Option<i32>,
    /// A container engine is what grants something: said by `portcullis-oci`
    #[arg(long, hide = true)]
    pub engine: bool,
    /// What the sandbox is called, for who manages it
    #[arg(long, hide = true, default_value = "")]
    pub id: String,
    /// Likewise, by people
    #[arg(long, hide = true, default_value = "")]
    pub name: String,
    /// Run no program: others do that through the control socket, until it is stopped (exit code 0) or its time is up
    #[arg(long, hide = true, requires = "control_fd")]
    pub init: bool,
    /// The program: a file of this host, a path of the guest (C:\...), or a program of the base image; then its arguments
    #[arg(
        required_unless_present = "init",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM ARGS"
    )]
    pub command: Vec<String>,
}

/// Whether a program's name is that of a configuration of Windows Sandbox, which the monitor does not read itself.
pub fn is_wsb(name: &str) -> bool {
    name.get(name.len().wrapping_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".wsb"))
}
