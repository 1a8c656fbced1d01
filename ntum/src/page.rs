//! The status page: which system calls of the image are done, partial or absent, from the table that drives dispatch.

use crate::call::State;
use crate::table;
use std::fmt::Write;

/// One DLL's system calls.
pub struct Library<'a> {
    /// Its name.
    pub name: &'a str,
    /// Names of its system calls.
    pub calls: Vec<String>,
}

/// `SYSCALLS.md` for these libraries.
pub fn markdown(libraries: &[Library<'_>]) -> String {
    let mut out = String::from(
        "# NT system calls\n\nRendered from the tables that drive dispatch and from the stubs in the base image's DLLs; a test keeps it \
         true. A call that is absent answers `STATUS_NOT_IMPLEMENTED` and is noted once, by name, in the trace.\n",
    );
    for library in libraries {
        let mut calls = library.calls.clone();
        calls.sort();
        calls.dedup();
        let rows: Vec<_> = calls.iter().map(|name| (name, table::find(name).map(|call| call.state))).collect();
        let count = |which: fn(&Option<State>) -> bool| rows.iter().filter(|(_, state)| which(state)).count();
        let done = count(|state| *state == Some(State::Done));
        let partial = count(|state| matches!(state, Some(State::Partial(_))));
        let absent = count(Option::is_none);
        let _ = write!(
            out,
            "\n## {}: {} calls, {done} done, {partial} partial, {absent} absent\n\n",
            library.name,
            rows.len()
        );
        if done + partial > 0 {
            out += "| call | state | missing |\n|---|---|---|\n";
            for (name, state) in &rows {
                match state {
                    Some(State::Done) => {
                        let _ = writeln!(out, "| {name} | done | |");
                    }
                    Some(State::Partial(missing)) => {
                        let _ = writeln!(out, "| {name} | partial | {missing} |");
                    }
                    None => {}
                }
            }
        }
        if absent > 0 {
            let names: Vec<_> =
                rows.iter().filter(|(_, state)| state.is_none()).map(|(name, _)| name.as_str()).collect();
            let _ = write!(out, "\nAbsent: {}.\n", names.join(", "));
        }
    }
    out
}
