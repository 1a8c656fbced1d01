//! What the documentation and Wine's conformance tests say of pipes, against the bare records.

use super::waits::{Member, Sandbox};
use crate::shm::Tx;
use crate::shm::pipe::{Config, Connection, Local, Mode, Peek};
use crate::shm::request::{Asker, Done, Step};
use crate::status::*;
use crate::types::wide;

pub const BYTES: Config =
    Config { message: false, sharing: 3, max_instances: 2, in_quota: 8, out_quota: 8, timeout: -500_000 };
pub const MESSAGES: Config = Config { message: true, ..BYTES };
pub const BLOCKING: Mode = Mode { message_read: false, nonblocking: false };

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Went {
    Pending,
    Done(Status, usize, Vec<u8>),
}

/// An end of a pipe, and the reference to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub body: u32,
    pub reference: u32,
}

fn went(step: Step) -> Went {
    match step {
        Step::Pending(_) => Went::Pending,
        Step::Done(Done { status, information, data }) => Went::Done(status, information, data),
    }
}

/// A process with pipes.
pub struct Pipes {
    pub member: Member,
}

impl Pipes {
    pub fn run<R>(&self, run: impl FnOnce(&mut Tx<'_>) -> Nt<R>) -> Nt<R> {
        let mut tx = self.member.shm.begin();
        let answer = run(&mut tx)?;
        tx.commit()?;
        Ok(answer)
    }

    fn asker(&self, token: u64) -> Asker {
        Asker { member: self.member.record, token, synchronous: false }
    }

    pub fn create(&self, name: &str, config: Config, mode: Mode, create: Option<bool>) -> Nt<(End, bool)> {
        self.run(|tx| {
            let (end, made) = tx.create_pipe(self.member.record, Some(&wide(name)), config, mode, create, 1)?;
            Ok((End { body: tx.end_of(end.object), reference: end.reference }, made))
        })
    }

    pub fn connect(&self, name: &str, read: bool, write: bool) -> Nt<End> {
        self.run(|tx| {
            let end = tx.connect_pipe(self.member.record, &wide(name), (read, write), 2)?;
            Ok(End { body: tx.end_of(end.object), reference: end.reference })
        })
    }

    pub fn write(&self, end: End, data: &[u8], token: u64) -> Nt<Went> {
        self.run(|tx| tx.write_pipe(end.body, data, self.asker(token)).map(went))
    }

    pub fn read(&self, end: End, capacity: u32, token: u64) -> Nt<Went> {
        self.run(|tx| tx.read_pipe(end.body, capacity, self.asker(token)).map(went))
    }

    pub fn transceive(&self, end: End, data: &[u8], capacity: u32, token: u64) -> Nt<Went> {
        self.run(|tx| tx.transceive(end.body, data, capacity, self.asker(token)).map(went))
    }

    pub fn flush(&self, end: End, token: u64) -> Nt<Went> {
        self.run(|tx| tx.flush_pipe(end.body, self.asker(token)).map(went))
    }

    pub fn listen(&self, end: End, token: u64) -> Nt<Went> {
        self.run(|tx| tx.listen(end.body, self.asker(token)).map(went))
    }

    fn wait(&self, name: &str, token: u64) -> Nt<(Went, i64)> {
        self.run(|tx| {
            let (step, timeout) = tx.wait_for_pipe(&wide(name), self.asker(token))?;
            Ok((went(step), timeout))
        })
    }

    fn disconnect(&self, end: End) -> Nt<()> {
        self.run(|tx| tx.disconnect(end.body))
    }

    pub fn close(&self, end: End) {
        self.run(|tx| {
            tx.release(end.reference);
            Ok(())
        })
        .unwrap();
        self.member.shm.collect().unwrap();
    }

    pub fn cancel(&self, token: u64) -> bool {
        self.run(|tx| Ok(tx.cancel(self.member.record, token, STATUS_CANCELLED))).unwrap()
    }

    pub fn local(&self, end: End) -> Nt<Local> {
        self.member.shm.begin().local(end.body)
    }

    fn peek(&self, end: End, capacity: u32) -> Nt<(Peek, Status)> {
        self.member.shm.begin().peek_pipe(end.body, capacity)
    }

    /// What was finished, by the requests' names.
    pub fn take_done(&self) -> Vec<(u64, Went)> {
        let mut all = Vec::new();
        while let Some((token, Done { status, information, data })) =
            self.member.shm.take_finished(self.member.record).unwrap()
        {
            all.push((token, Went::Done(status, information, data)));
        }
        all
    }
}

fn alone() -> Pipes {
    Pipes { member: Sandbox::new().join(1) }
}

fn pair(config: Config, mode: Mode) -> (Pipes, End, End) {
    let s = alone();
    let (server, made) = s.create("p", config, mode, None).unwrap();
    assert!(made);
    let client = s.connect("P", true, true).unwrap();
    (s, server, client)
}

pub fn done(information: usize, data: &[u8]) -> Went {
    Went::Done(STATUS_SUCCESS, information, data.to_vec())
}

#[test]
fn bytes_flow_both_ways_and_writers_wait_at_the_quota() {
    let (s, server, client) = pair(BYTES, BLOCKING);
    assert_eq!(s.write(client, b"hello", 1), Ok(done(5, b"")));
    assert_eq!(s.write(client, b"world", 2), Ok(Went::Pending), "ten bytes do not fit eight");
    assert_eq!(s.read(server, 3, 3), Ok(done(3, b"hel")));
    assert_eq!(s.take_done(), vec![(2, Went::Done(STATUS_SUCCESS, 5, vec![]))]);
    assert_eq!(s.read(server, 100, 4), Ok(done(7, b"loworld")));
    assert_eq!(s.read(server, 4, 5), Ok(Went::Pending));
    assert_eq!(s.write(client, b"ab", 6), Ok(done(2, b"")));
    assert_eq!(s.take_done(), vec![(5, Went::Done(STATUS_SUCCESS, 2, b"ab".to_vec()))]);
    assert_eq!(s.write(server, b"back", 7), Ok(done(4, b"")));
    assert_eq!(s.read(client, 9, 8), Ok(done(4, b"back")));
}

#[test]
fn messages_keep_their_borders() {
    let (s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: false });
    for (token, text) in [(1, &b"abc"[..]), (2, b""), (3, b"de")] {
        assert_eq!(s.write(client, text, token), Ok(done(text.len(), b"")));
    }
    let (peek, status) = s.peek(server, 2).unwrap();
    assert_eq!((peek.available, peek.message_length, peek.messages, &peek.data[..]), (5, 3, 3, &b"ab"[..]));
    assert_eq!(status, STATUS_BUFFER_OVERFLOW);
    let part = Went::Done(STATUS_BUFFER_OVERFLOW, 2, b"ab".to_vec());
    assert_eq!(s.read(server, 2, 4), Ok(part));
    assert_eq!(s.read(server, 9, 5), Ok(done(1, b"c")));
    assert_eq!(s.read(server, 9, 6), Ok(done(0, b"")), "an empty message is a message");
    assert_eq!(s.read(server, 9, 7), Ok(done(2, b"de")));
}

#[test]
fn a_message_pipe_read_as_bytes_joins_messages() {
    let (s, server, client) = pair(MESSAGES, BLOCKING);
    s.write(client, b"abc", 1).unwrap();
    s.write(client, b"de", 2).unwrap();
    assert_eq!(s.read(server, 4, 3), Ok(done(4, b"abcd")));
    assert_eq!(s.read(server, 4, 4), Ok(done(1, b"e")));
}

#[test]
fn what_is_refused_does_not_wait() {
    let (s, server, client) = pair(BYTES, Mode { message_read: false, nonblocking: true });
    assert_eq!(s.read(server, 4, 1), Err(STATUS_PIPE_EMPTY));
    assert_eq!(s.write(server, &[0; 9], 2), Ok(done(0, b"")), "nothing is written in part");
    assert_eq!(s.local(client).unwrap().available, 0);
    assert_eq!(s.read(client, 1, 3), Ok(Went::Pending));
    assert_eq!(s.write(server, &[7; 9], 4), Ok(done(9, b"")), "one is read, eight fit");
    assert_eq!(s.take_done().len(), 1);
    assert_eq!(s.read(client, 99, 5), Ok(done(8, &[7; 8])));
    assert_eq!(s.read(client, 1, 6), Ok(Went::Pending));
    assert_eq!(s.write(server, &[7; 10], 7), Ok(done(1, b"")), "bytes: what the reader took counts");
    assert_eq!(s.listen(server, 8), Err(STATUS_PIPE_CONNECTED));

    let (s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: true });
    assert_eq!(s.read(client, 1, 1), Ok(Went::Pending));
    assert_eq!(s.write(server, &[7; 10], 2), Ok(done(0, b"")), "a message is not split");
    assert_eq!(s.take_done(), vec![]);
}

#[test]
fn closing_leaves_what_is_buffered_and_breaks_what_waits() {
    let (s, server, client) = pair(BYTES, BLOCKING);
    s.write(client, b"rest", 1).unwrap();
    assert_eq!(s.write(client, b"blocked", 2), Ok(Went::Pending));
    assert_eq!(s.read(client, 1, 3), Ok(Went::Pending));
    s.close(client);
    let broken = |token| (token, Went::Done(STATUS_PIPE_BROKEN, 0, vec![]));
    let ended = s.take_done();
    assert!(ended.contains(&broken(2)) && ended.contains(&broken(3)) && ended.len() == 2);
    assert_eq!(s.peek(server, 9).unwrap().0.connection, Connection::Closing);
    assert_eq!(s.read(server, 9, 4), Ok(done(4, b"rest")));
    assert_eq!(s.read(server, 9, 5), Err(STATUS_PIPE_BROKEN));
    assert_eq!(s.peek(server, 9), Err(STATUS_PIPE_BROKEN));
    assert_eq!(s.write(server, b"x", 6), Err(STATUS_PIPE_CLOSING));
    assert_eq!(s.listen(server, 7), Err(STATUS_PIPE_CLOSING));
}

#[test]
fn disconnecting_drops_everything_and_the_server_can_listen_again() {
    let (s, server, client) = pair(BYTES, BLOCKING);
    s.write(server, b"lost", 1).unwrap();
    assert_eq!(s.flush(server, 2), Ok(Went::Pending));
    s.disconnect(server).unwrap();
    assert_eq!(s.take_done(), vec![(2, Went::Done(STATUS_PIPE_DISCONNECTED, 0, vec![]))]);
    assert_eq!(s.read(client, 9, 3), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.local(client), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.disconnect(server), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.connect("p", true, true), Err(STATUS_PIPE_NOT_AVAILABLE));
    assert_eq!(s.wait("p", 4), Ok((Went::Pending, -500_000)));
    assert_eq!(s.listen(server, 5), Ok(Went::Pending));
    assert_eq!(s.take_done(), vec![(4, Went::Done(STATUS_SUCCESS, 0, vec![]))]);
    assert_eq!(s.disconnect(server), Err(STATUS_PIPE_LISTENING));
    let again = s.connect("p", true, true).unwrap();
    assert_eq!(s.take_done().len(), 1, "the listener");
    assert_eq!(s.write(again, b"new", 6), Ok(done(3, b"")));
    assert_eq!(s.read(server, 9, 7), Ok(done(3, b"new")));
    s.close(client);
    assert_eq!(s.local(server).unwrap().connection, Connection::Connected, "the old client is nobody's peer");
}

#[test]
fn instances_are_counted_and_the_name_goes_with_the_last() {
    let s = alone();
    let access = |r, w| s.connect("X\\Y", r, w).err();
    let inbound = Config { sharing: 2, ..BYTES };
    assert_eq!(s.create("x\\y", inbound, BLOCKING, Some(false)), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    let (first, _) = s.create("x\\y", inbound, BLOCKING, Some(true)).unwrap();
    assert_eq!(s.create("x\\y", inbound, BLOCKING, Some(true)), Err(STATUS_ACCESS_DENIED));
    assert_eq!(s.create("x\\y", BYTES, BLOCKING, None), Err(STATUS_ACCESS_DENIED), "other sharing");
    let (second, made) = s.create("x\\y", inbound, BLOCKING, None).unwrap();
    assert!(!made);
    assert_eq!(s.create("x\\y", inbound, BLOCKING, None), Err(STATUS_INSTANCE_NOT_AVAILABLE));
    assert_eq!(access(true, false), Some(STATUS_ACCESS_DENIED));
    assert_eq!(access(false, true), None);
    assert_eq!(s.member.shm.begin().list_pipes(), vec![(wide("x\\y"), 2, 2)]);
    s.close(first);
    s.close(second);
    assert_eq!(access(false, true), Some(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(s.member.shm.begin().list_pipes(), vec![]);
}

#[test]
fn a_transaction_writes_and_reads() {
    let (s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: false });
    assert_eq!(s.transceive(client, b"q", 9, 1), Err(STATUS_INVALID_READ_MODE));
    s.run(|tx| tx.set_pipe_mode(client.body, Mode { message_read: true, nonblocking: false })).unwrap();
    assert_eq!(s.transceive(client, b"question", 9, 2), Ok(Went::Pending));
    assert_eq!(s.read(server, 99, 3), Ok(done(8, b"question")));
    s.write(server, b"answer", 4).unwrap();
    assert_eq!(s.take_done(), vec![(2, Went::Done(STATUS_SUCCESS, 6, b"answer".to_vec()))]);
    s.write(server, b"early", 5).unwrap();
    assert_eq!(s.transceive(client, b"q", 9, 6), Err(STATUS_PIPE_BUSY));
}

#[test]
fn cancelling_takes_out_one_request_only() {
    let (s, server, client) = pair(BYTES, BLOCKING);
    assert_eq!(s.read(server, 1, 1), Ok(Went::Pending));
    assert_eq!(s.read(server, 1, 2), Ok(Went::Pending));
    assert!(s.cancel(1));
    assert!(!s.cancel(77));
    assert_eq!(s.take_done(), vec![(1, Went::Done(STATUS_CANCELLED, 0, vec![]))]);
    s.write(client, b"z", 3).unwrap();
    assert_eq!(s.take_done(), vec![(2, Went::Done(STATUS_SUCCESS, 1, b"z".to_vec()))]);
    s.write(client, &[0; 8], 4).unwrap();
    assert_eq!(s.write(client, &[1; 8], 5), Ok(Went::Pending));
    assert!(s.cancel(5));
    assert_eq!(s.local(server).unwrap().available, 8, "a cancelled write leaves nothing");
    let mode = Mode { message_read: true, nonblocking: false };
    assert_eq!(s.run(|tx| tx.set_pipe_mode(server.body, mode)), Err(STATUS_INVALID_PARAMETER));
}
