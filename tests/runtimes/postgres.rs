//! PostgreSQL: a cluster is made (initdb starts the server many times over, through pipes), used, served to the host, and survives
//! being killed.

use super::LIMIT;
use portcullis::command::{Outcome, Run, wait};
use portcullis::product::Sandbox;
use portcullis::programs::windows;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

/// A program of PostgreSQL's, with the cluster in `work`.
fn postgres(work: &Path, program: &str) -> Run {
    let home = windows("postgres").parent().and_then(Path::parent).unwrap().to_owned();
    let sandbox = Sandbox::new().work(work).mount(&home, "P:\\pg").env("TZ", "UTC");
    sandbox.program(format!("P:\\pg\\bin\\{program}.exe")).limit(LIMIT)
}

fn cluster(work: &Path) {
    let options = ["-D", "C:\\work\\data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"];
    let outcome = postgres(work, "initdb").args(options).run();
    assert!(outcome.status == 0 && outcome.text().contains("Success."), "{outcome:?}");
}

const SINGLE: [&str; 4] = ["--single", "-D", "C:\\work\\data", "postgres"];

/// What the server answers to lines of SQL when it runs alone.
fn answer(work: &Path, sql: &str) -> Outcome {
    let outcome = postgres(work, "postgres").args(SINGLE).input(sql).run();
    assert_eq!(outcome.status, 0, "{outcome:?}");
    outcome
}

#[test]
fn a_cluster_is_made_and_used() {
    let dir = tempfile::tempdir().unwrap();
    cluster(dir.path());
    let outcome = answer(
        dir.path(),
        "create table t (a int primary key, b text)\n\
         insert into t select i, md5(i::text) from generate_series(1, 1000) i\n\
         select count(*), md5(string_agg(b, '' order by a)) from t\n\
         select sum(a) from t where b like '0%'\n\
         insert into t values (7, 'twice')\n",
    );
    // The MD5 of the 1,000 hexadecimal MD5 sums, and the sum of those numbers whose MD5 begins with 0, by Python's hashlib.
    for said in ["count = \"1000\"", "md5 = \"e24622c2d3a400e67ce018e70cffefb5\"", "sum = \"35907\""] {
        assert!(outcome.text().contains(said), "no {said} in {outcome:?}");
    }
    assert!(outcome.errors().contains("duplicate key value violates unique constraint \"t_pkey\""), "{outcome:?}");
}

/// What was committed before the sandbox was killed in the middle of its work is there after it.
#[test]
fn a_cluster_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    cluster(dir.path());
    answer(dir.path(), "create table t (a serial primary key, b text)\n");
    let (mut least, mut all) = (0, 0);
    for enough in [40, 90] {
        let mut run = postgres(dir.path(), "postgres").args(SINGLE);
        let command = run.command();
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut to, mut from) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
        let feeder = std::thread::spawn(move || {
            // Ends with an error when the server is gone.
            while to.write_all(b"insert into t (b) values (repeat('x', 3000)) returning a\n").is_ok() {}
        });
        // A row is shown before it is committed, and the next one after that.
        let (mut line, mut seen, mut shown) = (String::new(), 0, 0);
        while seen <= enough && from.read_line(&mut line).unwrap() > 0 {
            if let Some((_, number)) = line.split_once("a = \"") {
                (least, shown) =
                    (shown, number.split('"').next().and_then(|number| number.parse::<u32>().ok()).unwrap());
                seen += 1;
            }
            line.clear();
        }
        assert_eq!(seen, enough + 1, "the server ended by itself");
        all += enough;
        server.kill().unwrap();
        wait(&mut server, LIMIT);
        drop(from);
        feeder.join().unwrap();
        let outcome = answer(
            dir.path(),
            &format!(
                "select count(*) from t where a <= {least} and b = repeat('x', 3000)\nselect bool_and(length(b) = 3000) from t\n"
            ),
        );
        assert!(outcome.errors().contains("automatic recovery in progress"), "{outcome:?}");
        // A number may be given out and its row lost, never one whose row was answered for.
        let rows =
            outcome.text().split_once("count = \"").and_then(|(_, rest)| rest.split('"').next()?.parse::<u32>().ok());
        assert!(rows.is_some_and(|rows| rows >= all), "{rows:?} rows up to {least}: {outcome:?}");
        assert!(outcome.text().contains("bool_and = \"t\""), "{outcome:?}");
    }
}

/// Starts the server with its own tool, keeps it until a line comes, and stops it with the tool.
const SERVE: &str = "@echo off\r\n\
    P:\\pg\\bin\\pg_ctl.exe -D C:\\work\\data -o \"-h 0.0.0.0\" -l C:\\work\\log -w start\r\n\
    set /p line=\r\n\
    P:\\pg\\bin\\pg_ctl.exe -D C:\\work\\data -m fast -w stop\r\n";

/// Each session is a process of its own, which the server hands the connection to; the clients are Linux's, four at a time.
#[test]
fn a_server_serves_the_host_through_a_published_port() {
    const SESSIONS: usize = 4;
    let dir = tempfile::tempdir().unwrap();
    cluster(dir.path());
    fs::write(dir.path().join("serve.bat"), SERVE).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().port().to_string();
    let home = windows("postgres").parent().and_then(Path::parent).unwrap().to_owned();
    let sandbox = Sandbox::new().work(dir.path()).mount(&home, "P:\\pg").env("TZ", "UTC");
    let sandbox = sandbox.option("--net", "sandbox").option("--publish", &format!("{port}:5432"));
    let mut run = sandbox.program("C:\\windows\\system32\\cmd.exe").args(["/c", "serve.bat"]);
    let mut server = run.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line.contains("server started")), "{:?}", fs::read_to_string(dir.path().join("log")));

    let psql = |sql: String| {
        let client = Run::new("psql").args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-AtX"]);
        client.args(["-v", "ON_ERROR_STOP=1"]).input(sql).limit(LIMIT).run().success().lines()
    };
    assert_eq!(
        psql("select 6 * 7; create table t (who int, what int); select current_setting('port')".into()),
        "42\nCREATE TABLE\n5432\n"
    );
    std::thread::scope(|scope| {
        for who in 0..SESSIONS {
            let psql = &psql;
            scope.spawn(move || {
                let lines: String = (0..100)
                    .map(|what| {
                        format!("insert into t values ({who}, {what}); select count(*) from t where who = {who};\n")
                    })
                    .collect();
                let counts: String = (1..=100).map(|count| format!("INSERT 0 1\n{count}\n")).collect();
                assert_eq!(psql(lines), counts);
            });
        }
    });
    assert_eq!(
        psql("select who, count(*), sum(what) from t group by who order by who".into()),
        "0|100|4950\n1|100|4950\n2|100|4950\n3|100|4950\n"
    );
    // What goes wrong is the server's to say, and ends one session only.
    let wrong =
        Run::new("psql").args(["-h", "127.0.0.1", "-p", &port, "-U", "nobody", "-c", "select 1", "postgres"]).run();
    assert!(wrong.status == 2 && wrong.errors().contains("role \"nobody\" does not exist"), "{wrong:?}");

    server.stdin.take().unwrap().write_all(b"enough\r\n").unwrap();
    assert!(said.any(|line| line.contains("server stopped")), "{:?}", fs::read_to_string(dir.path().join("log")));
    let (status, late) = wait(&mut server, LIMIT);
    assert!(status.success() && !late, "{status}");
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(log.contains("database system is shut down") && !log.contains("automatic recovery"), "{log}");
    assert!(answer(dir.path(), "select count(*) from t\n").text().contains("count = \"400\""));
}
