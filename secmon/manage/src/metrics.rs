//! What sandboxes use, in the text form that Prometheus reads.

use crate::usage::Usage;

/// A number of a sandbox.
type Get = fn(&Usage) -> Option<f64>;

/// Every metric: its name, its kind, what it is, and where its value comes from.
const METRICS: &[(&str, &str, &str, Get)] = &[
    ("processes", "gauge", "Processes that the sandbox has", |usage| Some(usage.processes as f64)),
    ("processes_begun_total", "counter", "Processes that it had so far", |usage| Some(usage.processes_begun as f64)),
    ("cpu_seconds_total", "counter", "Processor time that it used", |usage| Some(usage.cpu_seconds)),
    ("private_memory_bytes", "gauge", "Memory that nobody else has", |usage| Some(usage.private_bytes as f64)),
    ("shared_memory_bytes", "gauge", "Memory that others have as well", |usage| Some(usage.shared_bytes as f64)),
    ("read_bytes_total", "counter", "Bytes that were read", |usage| usage.read_bytes.map(|bytes| bytes as f64)),
    ("written_bytes_total", "counter", "Bytes that were written", |usage| {
        usage.written_bytes.map(|bytes| bytes as f64)
    }),
    ("scratch_bytes", "gauge", "Bytes in its throw-away folders", |usage| Some(usage.scratch_bytes as f64)),
    ("scratch_limit_bytes", "gauge", "Bytes that may be there", |usage| Some(usage.scratch_limit as f64)),
    ("nt_calls_total", "counter", "NT calls that its processes made so far", |usage| Some(usage.nt_calls as f64)),
];

/// A label's value, as the format has it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The text for sandboxes that run. `ended` more have left their state.
pub fn text(all: &[Usage], ended: usize) -> String {
    let mut out = String::new();
    let head = |name: &str, kind: &str, help: &str| {
        format!("# HELP portcullis_{name} {help}\n# TYPE portcullis_{name} {kind}\n")
    };
    out += &head("sandboxes", "gauge", "Sandboxes, by whether they run");
    out += &format!("portcullis_sandboxes{{state=\"running\"}} {}\n", all.len());
    out += &format!("portcullis_sandboxes{{state=\"ended\"}} {ended}\n");
    for (name, kind, help, get) in METRICS {
        out += &head(name, kind, help);
        for usage in all {
            if let Some(value) = get(usage) {
                let sandbox = label(usage.name.as_deref().unwrap_or_default());
                out += &format!("portcullis_{name}{{id=\"{}\",name=\"{sandbox}\"}} {value}\n", label(&usage.id));
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "../tests/unit/metrics.rs"]
mod tests;
