//! Pipes between members, of which one is killed at every single store.

use super::pipes::{BLOCKING, BYTES, End, MESSAGES, Pipes, Went, done};
use super::waits::Sandbox;
use super::{WORDS, killed_after, memory};
use crate::shm::Shm;
use crate::shm::layout;
use crate::shm::pipe::{Config, Mode};
use crate::status::*;
use std::collections::HashMap;

/// Blocks in use; every word between heap and top is in exactly one block.
pub(super) fn used(shm: &Shm) -> usize {
    let mut free = HashMap::new();
    for size in 0..layout::SIZES {
        let mut block = shm.load(layout::FREE + size);
        while block != 0 {
            assert!(free.insert(block, size).is_none(), "a block is free twice");
            block = shm.load(block - 1);
        }
    }
    let top = shm.load(layout::TOP).max(layout::HEAP);
    let (mut at, mut used) = (layout::HEAP, 0);
    while at < top {
        let size = free.get(&(at + 1)).copied().unwrap_or_else(|| {
            used += 1;
            shm.load(at)
        });
        assert!(size < layout::SIZES, "a block's header is damaged");
        at += 4 << size;
    }
    assert_eq!(at, top);
    used
}

/// Everything that one process does with a pipe whose server is another's.
fn act(client: &Pipes) -> Nt<()> {
    let end = client.connect("p", true, true)?;
    client.write(end, b"one", 1)?;
    client.write(end, b"two", 2)?;
    let text: Vec<u8> = (0..200).collect();
    client.write(end, &text, 3)?;
    client.read(end, 64, 4)?;
    client.take_done();
    client.cancel(3);
    client.cancel(4);
    client.take_done();
    client.write(end, &text, 5)?;
    client.read(end, 64, 6)?;
    client.flush(end, 7)?;
    client.close(end);
    Ok(())
}

#[test]
fn a_client_killed_at_any_store_breaks_the_pipe_and_leaves_it_sound() {
    for (config, mode) in [(MESSAGES, Mode { message_read: true, nonblocking: false }), (BYTES, BLOCKING)] {
        let config = Config { in_quota: 64, out_quota: 64, ..config };
        let sandbox = Sandbox::new();
        for stores in 0.. {
            let sandbox = sandbox.anew();
            let server = Pipes { member: sandbox.join(1) };
            // The table of names stays.
            let (other, _) = server.create("q", config, mode, None).unwrap();
            server.close(other);
            let before = used(&server.member.shm);
            let (end, _) = server.create("p", config, mode, None).unwrap();
            let client = Pipes { member: sandbox.join(2) };
            assert_eq!(server.write(end, b"", 8), Err(STATUS_PIPE_LISTENING));
            assert_eq!(server.listen(end, 9), Ok(Went::Pending));
            let killed = killed_after(&client.member.shm, stores, |_| act(&client).unwrap());
            sandbox.kill(&server.member, &client.member);
            let finished = server.take_done();
            // Connected or not, the server is told the whole of it.
            if finished.is_empty() {
                assert!(killed && server.cancel(9));
                assert_eq!(server.take_done().len(), 1);
            } else {
                assert_eq!(finished, vec![(9, done(0, b""))]);
                let mut read = Vec::new();
                while let Ok(Went::Done(STATUS_SUCCESS, _, data)) = server.read(end, 999, 10) {
                    read.extend(data);
                }
                assert!(b"onetwo".starts_with(&read), "{read:?} after {stores} stores");
                assert_eq!(server.read(end, 9, 11), Err(STATUS_PIPE_BROKEN));
                assert_eq!(server.write(end, b"x", 12), Err(STATUS_PIPE_CLOSING));
            }
            server.close(end);
            assert_eq!(used(&server.member.shm), before, "after {stores} stores");
            if !killed {
                break;
            }
        }
    }
}

/// What a server does to a client that waits.
fn serve(server: &Pipes, end: End) -> Nt<()> {
    server.read(end, 5, 1)?;
    server.write(end, b"answer", 2)?;
    server.read(end, 500, 3)?;
    server.close(end);
    Ok(())
}

#[test]
fn a_server_killed_at_any_store_ends_what_its_client_waits_for() {
    let config = Config { in_quota: 8, ..BYTES };
    let text: Vec<u8> = (0..200).collect();
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let client = Pipes { member: sandbox.join(1) };
        let (other, _) = client.create("q", config, BLOCKING, None).unwrap();
        client.close(other);
        let before = used(&client.member.shm);
        let server = Pipes { member: sandbox.join(2) };
        let (end, _) = server.create("p", config, BLOCKING, None).unwrap();
        let mine = client.connect("p", true, true).unwrap();
        assert_eq!(client.write(mine, &text, 1), Ok(Went::Pending));
        assert_eq!(client.read(mine, 99, 2), Ok(Went::Pending));
        assert_eq!(client.flush(mine, 3), Ok(Went::Pending));
        let killed = killed_after(&server.member.shm, stores, |_| serve(&server, end).unwrap());
        sandbox.kill(&client.member, &server.member);
        let finished: HashMap<u64, Went> = client.take_done().into_iter().collect();
        assert_eq!(finished.len(), 3, "after {stores} stores");
        let broken = Went::Done(STATUS_PIPE_BROKEN, 0, vec![]);
        assert!([done(200, b""), broken.clone()].contains(&finished[&1]));
        assert!([done(6, b"answer"), broken.clone()].contains(&finished[&2]));
        assert!([done(0, b""), broken].contains(&finished[&3]));
        assert_eq!(client.read(mine, 9, 4), Err(STATUS_PIPE_BROKEN));
        assert_eq!(client.connect("p", true, true), Err(STATUS_OBJECT_NAME_NOT_FOUND));
        client.close(mine);
        assert_eq!(used(&client.member.shm), before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}

#[test]
fn a_full_memory_is_said_and_is_not_for_good() {
    let sandbox = Sandbox { words: memory(WORDS * 8), ..Sandbox::new() };
    let s = Pipes { member: sandbox.join(1) };
    let quota = 64 << 20;
    let config = Config { in_quota: quota, out_quota: quota, ..MESSAGES };
    let (server, _) = s.create("p", config, Mode { message_read: true, nonblocking: false }, None).unwrap();
    let client = s.connect("p", true, true).unwrap();
    let text = vec![7; 5000];
    let mut written = 0;
    let error = loop {
        match s.write(client, &text, 1) {
            Ok(went) => assert_eq!(went, done(5000, b"")),
            Err(error) => break error,
        }
        written += 1;
    };
    assert_eq!(error, STATUS_INSUFFICIENT_RESOURCES);
    assert!(written > 10);
    // Small things still go.
    let (other, _) = s.create("q", config, BLOCKING, None).unwrap();
    s.close(other);
    for _ in 0..written {
        assert_eq!(s.read(server, 5000, 2), Ok(done(5000, &text)));
    }
    assert_eq!(s.write(client, &text, 3), Ok(done(5000, b"")));
    // Large ones take several segments, which go at once with their end.
    let large: Vec<u8> = (0..100_000u32).map(|at| at as u8).collect();
    assert_eq!(s.write(client, &large, 4), Ok(done(100_000, b"")));
    assert_eq!(s.read(server, 5000, 5), Ok(done(5000, &text)));
    assert_eq!(s.read(server, 60_001, 6), Ok(Went::Done(STATUS_BUFFER_OVERFLOW, 60_001, large[..60_001].to_vec())));
    assert_eq!(s.read(server, 60_001, 7), Ok(done(39_999, &large[60_001..])));
    s.write(client, &large, 8).unwrap();
    s.close(client);
    s.close(server);
    assert!(!s.member.shm.has_garbage());
}
