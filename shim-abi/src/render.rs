//! The listing of calls and grants, for people: `ABI.md`.

use crate::calls::{CALLS, How};
use crate::seccomp::{Action, GRANTS, allowed};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A grant's rule in words.
pub fn rule(action: Action) -> String {
    match action {
        Action::Fails(error, _) => format!("answers {error}"),
        Action::Allow([]) => String::from("any arguments"),
        Action::Allow(alternatives) => {
            let one = |rules: &&[crate::seccomp::Rule]| {
                let words: Vec<String> = rules.iter().map(|r| format!("argument {}: {}", r.argument, r.text)).collect();
                words.join(" and ")
            };
            alternatives.iter().map(one).collect::<Vec<_>>().join("; or ")
        }
    }
}

/// `ABI.md` as it must be.
pub fn markdown() -> String {
    let mut out = format!(
        "# The ABI, version {}\n\nRendered from the tables in `src/calls.rs` and `src/seccomp.rs`; a test keeps it true.\n\n\
         ## {} calls\n\n| no. | group | call | carried out by | what it does |\n|---|---|---|---|---|\n",
        crate::VERSION,
        CALLS.len()
    );
    for call in CALLS {
        let how = match call.how {
            How::Direct(names) => names.join(", "),
            How::Monitor => String::from("monitor"),
            How::Upcall => String::from("runtime"),
        };
        out += &format!("| {} | {} | {} | {} | {} |\n", call.number, call.group, call.name, how, call.doc);
    }
    out += &format!(
        "\n## {} Linux system calls allowed\n\nFrom the runtime's own text only; everything else raises SIGSYS.\n\n\
         | system call | no. | rule | reason |\n|---|---|---|---|\n",
        allowed()
    );
    for grant in GRANTS {
        out += &format!("| {} | {} | {} | {} |\n", grant.name, grant.number, rule(grant.action), grant.reason);
    }
    out
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{env, fs, path::Path};

    #[test]
    fn the_page_is_true() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ABI.md");
        let page = super::markdown();
        if env::var_os("PORTCULLIS_BLESS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "make bless renders it anew");
    }
}
