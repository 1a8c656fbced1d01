//! From the command line to the program's end.

use super::{Make, Row, in_turn, native, wine};
use portcullis::{guest, product, target};
use std::fs;
use std::process::Command;

/// The rows.
pub fn rows() -> Vec<Row> {
    product::image();
    let program = guest::program("hello");
    let source = target("bench").join("hello.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n").expect("written");
    let plain = native(&source, "hello");
    let ours = || {
        let mut command = Command::new(product::secmon());
        command.arg("run").arg(&program);
        command
    };
    let peer = || wine(&program).expect("asked before");
    let linux = || Command::new(&plain);
    let has_wine = wine(&program).is_some();
    let times = in_turn(21, &[Some(&ours), has_wine.then_some(&peer as Make<'_>), Some(&linux)]);
    vec![Row { name: "hello, whole command".into(), unit: "ms", ours: times[0], wine: times[1], linux: times[2] }]
}
