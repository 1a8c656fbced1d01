//! Programs of the engine's that run at points of a container's life (config.md, POSIX-platform hooks).

use anyhow::{Context as _, Result, bail};
use oci_spec::runtime::{Hook, State};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs them in order, each with the state on its standard input; the first that fails ends it.
pub fn run(what: &str, hooks: Option<&Vec<Hook>>, state: &State) -> Result<()> {
    for hook in hooks.into_iter().flatten() {
        one(hook, state).with_context(|| format!("{what} hook {}", hook.path().display()))?;
    }
    Ok(())
}

fn one(hook: &Hook, state: &State) -> Result<()> {
    let mut command = Command::new(hook.path());
    if let Some((name, rest)) = hook.args().as_ref().and_then(|args| args.split_first()) {
        command.arg0(name).args(rest);
    }
    command.env_clear();
    command.envs(hook.env().iter().flatten().filter_map(|text| text.split_once('=')));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not listen is no failure.
        let _ = input.write_all(&serde_json::to_vec(state)?);
    }
    let seconds = hook.timeout().and_then(|seconds| u64::try_from(seconds).ok());
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            child.kill()?;
            child.wait()?;
            bail!("it took longer than {} s", seconds.unwrap_or(0));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if status.success() { Ok(()) } else { bail!("{status}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::runtime::HookBuilder;

    fn sh(script: &str, timeout: i64) -> Vec<Hook> {
        let args = ["sh", "-c", script].map(String::from).to_vec();
        vec![HookBuilder::default().path("/bin/sh").args(args).timeout(timeout).build().unwrap()]
    }

    #[test]
    fn a_hook_is_told_the_state_and_its_failure_counts() {
        let state = State::default();
        run("x", Some(&sh("read -r state; case $state in *ociVersion*) exit 0;; esac; exit 1", 60)), &state).unwrap();
        run("x", None, &state).unwrap();
        run("x", Some(&sh("exit 3", 60)), &state).unwrap_err();
        run("x", Some(&sh("sleep 60", 0)), &state).unwrap_err();
    }
}
