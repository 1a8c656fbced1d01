//! What is worked out of a policy and a command line before there is a guest: the program's place, what it is told, its resource limits.

use crate::program::{self, Program, ProgramError};
use crate::{Policy, host};
use rustix::process::Resource;
use shim_abi::boot::Boot;
use shim_abi::guest::GuestPath;
use std::path::PathBuf;

/// What is run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The program; none for a sandbox in which programs are run from outside alone.
    pub program: Option<GuestPath>,
    /// The folder of the host that it lies in, and where the guest sees it.
    pub folder: Option<(PathBuf, GuestPath)>,
    /// Its arguments, the first being its name as the user gave it; a path of the host becomes the guest's.
    pub arguments: Vec<String>,
    /// Its working directory.
    pub workdir: GuestPath,
}

impl Plan {
    /// For a command of the user's, whose first word is the program unless there is to be none (`init`). `image` is as for
    /// [`program::find`].
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn new(
        policy: &Policy,
        command: Vec<String>,
        init: bool,
        image: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProgramError> {
        let here = std::env::current_dir().map_err(|error| ProgramError::Host("the current folder".into(), error))?;
        let search = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
        let name = command.first().map(String::as_str).unwrap_or_default();
        let find = || program::find(name, &here, &search.unwrap_or_default(), &policy.mounts, image);
        let found = if init { None } else { Some(find()?) };
        let home = Program { guest: GuestPath::parse(&format!("C:\\users\\{}", policy.user))?, folder: None };
        let workdir = match (&found, &policy.workdir) {
            (None, None) => home.guest,
            (found, asked) => {
                program::workdir(asked.as_deref(), &here, &policy.mounts, found.as_ref().unwrap_or(&home))?
            }
        };
        let (program, folder) = found.map_or((None, None), |found| (Some(found.guest), found.folder));
        let mut arguments = command;
        if let Some((name, program)) = arguments.first_mut().zip(program.as_ref())
            && (folder.is_some() || name.starts_with('/'))
        {
            // A path of the host means nothing to the program.
            *name = program.to_string();
        }
        Ok(Plan { program, folder, arguments, workdir })
    }

    /// What a picoprocess is told at its start, as far as the policy and the host decide it.
    pub fn boot(&self, policy: &Policy) -> Boot {
        let (timezone, tzif) = host::timezone();
        Boot {
            program: self.program.as_ref().map(GuestPath::slashed).unwrap_or_default(),
            arguments: self.arguments.clone(),
            environment: policy.environment.clone(),
            workdir: self.workdir.slashed(),
            mounts: Vec::new(),
            stdio: Vec::new(),
            memory: policy.commit.or(policy.memory).unwrap_or(0),
            processors: 1,
            host_memory: host::memory(),
            trace: policy.trace,
            user: policy.user.clone(),
            computer: policy.computer.clone(),
            locale: host::locale(|name| std::env::var(name).ok()),
            timezone,
            tzif,
            kept: policy.persist.is_some(),
            below: policy.layers.len() as u32,
            born: false,
            managed: false,
            filter: Vec::new(),
        }
    }
}

/// The resource limits of a picoprocess.
pub fn limits(policy: &Policy) -> Vec<(Resource, u64)> {
    let mut limits = vec![
        (Resource::Core, 0),
        (Resource::Nofile, policy.files),
        (Resource::Nproc, policy.threads),
        (Resource::Msgqueue, 0),
        (Resource::Memlock, 0),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
    ];
    if let Some(memory) = policy.memory {
        limits.push((Resource::Data, memory));
    }
    limits
}

/// Options of the file system of the throw-away folders, which may hold so many bytes.
pub fn scratch(size: u64) -> Vec<(String, String)> {
    // A file takes a page at least, in practice; as many names as that, and no fewer than a program needs.
    let names = (size / 4096).max(16_384);
    [("size", size.to_string()), ("nr_inodes", names.to_string()), ("mode", "0700".into())]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

#[cfg(test)]
#[path = "../tests/unit/plan.rs"]
mod tests;
