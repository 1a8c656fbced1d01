//! What a test program's output says.

use crate::command::Outcome;
use serde::Serialize;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// With its sums.
    Whole,
    /// In the middle; the exit status.
    Crash(i32),
    /// Its time ran out.
    Late,
}

/// The sums of one test file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Checks made; those seen to fail, if it did not come to its end.
    pub checks: u32,
    /// Checks that failed.
    pub failures: u32,
    /// Checks that hold though stock Wine is known to fail them: what Windows does.
    pub beyond: u32,
    /// Checks that fail as stock Wine is known to fail them.
    pub todo: u32,
    /// Parts that were skipped.
    pub skipped: u32,
    /// How it ended.
    pub end: End,
}

impl Verdict {
    /// Of what a test program wrote when it ran this test file.
    pub fn of(test: &str, outcome: &Outcome) -> Self {
        let text = outcome.lines();
        let count =
            |what: &str| u32::try_from(text.lines().filter(|line| line.contains(what)).count()).unwrap_or(u32::MAX);
        let beyond = count("Test succeeded inside todo block: ");
        // A program's children write sums too, of the few checks that they make; its own failures are its exit status.
        let own = |sums: &Verdict| i32::try_from(sums.failures.min(255)) == Ok(outcome.status);
        match text.lines().filter_map(|line| sums(test, line)).filter(own).max_by_key(|sums| sums.checks) {
            Some(sums) if !outcome.late => Verdict { failures: sums.failures.saturating_sub(beyond), beyond, ..sums },
            _ => {
                let failures = count("Test failed: ");
                let end = if outcome.late { End::Late } else { End::Crash(outcome.status) };
                let (todo, skipped) = (count("Test marked todo: "), count("Tests skipped: "));
                Verdict { checks: failures + beyond + todo, failures, beyond, todo, skipped, end }
            }
        }
    }
}

/// Reads `0020:sync: 308 tests executed (1 marked as todo, 0 as flaky, 3 failures), 0 skipped.`
fn sums(test: &str, line: &str) -> Option<Verdict> {
    let (_, rest) = line.split_once(&format!(":{test}:"))?;
    let (checks, rest) = rest.trim().split_once(" tests executed (")?;
    let (todo, rest) = rest.split_once(" marked as todo, ")?;
    let (_flaky, rest) = rest.split_once(" as flaky, ")?;
    let (failures, rest) = rest.split_once(" failure")?;
    let skipped = rest.split_once("), ")?.1.strip_suffix(" skipped.")?;
    Some(Verdict {
        checks: checks.parse().ok()?,
        failures: failures.parse().ok()?,
        beyond: 0,
        todo: todo.parse().ok()?,
        skipped: skipped.parse().ok()?,
        end: End::Whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(out: &str, status: i32, late: bool) -> Outcome {
        Outcome { status, out: out.into(), err: Vec::new(), late }
    }

    #[test]
    fn the_sums_of_the_program_itself_count() {
        let text = "0044:om: 3 tests executed (0 marked as todo, 0 as flaky, 0 failures), 0 skipped.\r\n\
                    om.c:7: Test succeeded inside todo block: x\r\nom.c:9: Test failed: y\r\n\
                    0020:om: 76 tests executed (5 marked as todo, 0 as flaky, 2 failures), 1 skipped.\r\n\
                    0048:om: 2 tests executed (0 marked as todo, 0 as flaky, 0 failures), 0 skipped.\r\n";
        let verdict = Verdict::of("om", &outcome(text, 2, false));
        let want = Verdict { checks: 76, failures: 1, beyond: 1, todo: 5, skipped: 1, end: End::Whole };
        assert_eq!(verdict, want);
    }

    #[test]
    fn one_failure_is_written_in_the_singular() {
        let text = "0020:path: 9 tests executed (0 marked as todo, 0 as flaky, 1 failure), 0 skipped.\n";
        assert_eq!(Verdict::of("path", &outcome(text, 1, false)).failures, 1);
    }

    #[test]
    fn a_run_without_sums_crashed() {
        let text = "thread.c:7: Test failed: x\nthread.c:8: Tests skipped: y\n";
        let verdict = Verdict::of("thread", &outcome(text, 5, false));
        assert_eq!((verdict.failures, verdict.skipped, verdict.end), (1, 1, End::Crash(5)));
        let child = "0048:thread: 2 tests executed (0 marked as todo, 0 as flaky, 0 failures), 0 skipped.\n";
        assert_eq!(Verdict::of("thread", &outcome(child, 5, false)).end, End::Crash(5));
        assert_eq!(Verdict::of("thread", &outcome(text, 137, true)).end, End::Late);
    }
}
