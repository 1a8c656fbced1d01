//! Wine's conformance tests that pass wholly and quickly, if they were built (`make winetests`); else they are skipped by name.

use portcullis::winetests::{self, End};

#[test]
fn what_passed_still_passes() {
    let table = winetests::table().unwrap();
    let mut bad = Vec::new();
    for (dll, entry) in &table.dll {
        let Some(program) = winetests::built(&table, dll) else {
            println!("skipped, not built (make winetests): {dll} {}", entry.default.join(" "));
            continue;
        };
        for test in &entry.default {
            let (outcome, verdict) = winetests::run(&program, test, entry.net.as_deref()).unwrap();
            println!("{dll} {test}: {verdict:?}");
            let good = verdict.end == End::Whole && verdict.failures == 0 && verdict.checks > 0;
            if !good {
                bad.push(format!("{dll} {test}: {verdict:?}\n{outcome:?}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
