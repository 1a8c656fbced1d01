//! Runs a queue of jobs, the lines of standard input, in a pool of sandboxes: `cargo run --example job_pool -- SANDBOXES`. Each line is
//! a command for cmd.exe; a sandbox that a job broke is its own.

use libos::{LaunchError, Launcher, Stdio};

fn main() -> Result<(), LaunchError> {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    let work = || {
        let sandbox = Launcher::new("").memory(512 << 20).start()?;
        while let Some(Ok(job)) = std::io::stdin().lines().next() {
            let run = sandbox.exec("cmd.exe").args(["/c", &job]).stdin(Stdio::null()).stdout(Stdio::piped());
            let output = run.spawn()?.wait_with_output()?;
            print!("{job}: {}\n{}", output.status, String::from_utf8_lossy(&output.stdout));
        }
        sandbox.remove()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no job panics"))
    })
}
