//! A server of workers: JavaScript behind HTTP, for whom node asks.

use super::LIMIT;
use portcullis::product::Sandbox;
use portcullis::programs::windows;
use std::fs;

const CONFIG: &str = r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:8089", http = (), service = "main")]);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")], compatibilityDate = "2024-01-01");
"#;

const WORKER: &str = "export default { async fetch(request) {\n\
    const path = new URL(request.url).pathname;\n\
    if (path === '/throws') throw new Error('on purpose');\n\
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(path + await request.text()));\n\
    return new Response([...new Uint8Array(hash)].map(byte => byte.toString(16).padStart(2, '0')).join(''), { headers: { 'x-path': path } });\n\
    } };\n";

/// Starts the server, asks until it answers, asks many times at once, and ends it.
const CLIENT: &str = "const { spawn } = require('child_process'), { createHash } = require('crypto');\n\
    const server = spawn(process.argv[2], ['serve', 'config.capnp'], { stdio: ['ignore', 'inherit', 'ignore'] });\n\
    const at = 'http://127.0.0.1:8089', hash = text => createHash('sha256').update(text).digest('hex');\n\
    const ask = async (path, body) => { const answer = await fetch(at + path, { method: 'POST', body });\n\
    \x20 return answer.headers.get('x-path') === path && await answer.text() === hash(path + body); };\n\
    let over = null; server.on('exit', (code, signal) => { over = code ?? signal; });\n\
    (async () => {\n\
    \x20 for (;;) { if (over !== null) { console.log('ended', over); process.exit(1); }\n\
    \x20   try { await fetch(at + '/'); break; } catch { await new Promise(done => setTimeout(done, 100)); } }\n\
    \x20 console.log('one', await ask('/a b'.replace(' ', '%20'), 'größe'));\n\
    \x20 const all = await Promise.all([...Array(40).keys()].map(index => ask('/' + index, 'x'.repeat(index * 1000))));\n\
    \x20 console.log('forty', all.every(good => good));\n\
    \x20 console.log('throws', (await fetch(at + '/throws')).status);\n\
    \x20 server.kill(); server.on('exit', () => console.log('over'));\n\
    })();\n";

#[test]
fn workerd_serves() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("config.capnp", CONFIG), ("worker.js", WORKER), ("client.js", CLIENT)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let [node, server] = ["node24", "workerd"].map(|name| windows(name).parent().unwrap().to_owned());
    let sandbox = Sandbox::new().work(dir.path()).mount(&node, "N:\\node").mount(&server, "W:\\workerd");
    let outcome = sandbox
        .option("--net", "sandbox")
        .program("N:\\node\\node.exe")
        .args(["client.js", "W:\\workerd\\workerd.exe"])
        .limit(LIMIT)
        .run();
    assert_eq!(
        (outcome.status, outcome.lines().as_str()),
        (0, "one true\nforty true\nthrows 500\nover\n"),
        "{outcome:?}"
    );
}
