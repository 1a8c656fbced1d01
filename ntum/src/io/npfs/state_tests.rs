//! What the documentation and Wine's conformance tests say of pipes, against the bare state.

use super::state::*;
use crate::status::*;
use crate::types::wide;

const BYTES: Config =
    Config { message: false, sharing: 3, max_instances: 2, in_quota: 8, out_quota: 8, timeout: -500_000 };
const MESSAGES: Config = Config { message: true, ..BYTES };
const BLOCKING: Mode = Mode { message_read: false, nonblocking: false };

fn pair(config: Config, mode: Mode) -> (State, EndId, EndId) {
    let mut state = State::default();
    let (server, made) = state.create(Some(&wide("p")), config, mode, None, 1).unwrap();
    assert!(made);
    let client = state.connect(&wide("P"), true, true, 2).unwrap();
    (state, server, client)
}

fn done(token: Token, information: usize, data: &[u8]) -> Step {
    Step::Done(Done { token, status: STATUS_SUCCESS, information, data: data.to_vec() })
}

#[test]
fn bytes_flow_both_ways_and_writers_wait_at_the_quota() {
    let (mut s, server, client) = pair(BYTES, BLOCKING);
    assert_eq!(s.write(client, b"hello".to_vec(), 1), Ok(done(1, 5, b"")));
    assert_eq!(s.write(client, b"world".to_vec(), 2), Ok(Step::Pending), "ten bytes do not fit eight");
    assert_eq!(s.read(server, 3, 3), Ok(done(3, 3, b"hel")));
    assert_eq!(s.take_done(), vec![Done { token: 2, status: STATUS_SUCCESS, information: 5, data: vec![] }]);
    assert_eq!(s.read(server, 100, 4), Ok(done(4, 7, b"loworld")));
    assert_eq!(s.read(server, 4, 5), Ok(Step::Pending));
    assert_eq!(s.write(client, b"ab".to_vec(), 6), Ok(done(6, 2, b"")));
    assert_eq!(s.take_done(), vec![Done { token: 5, status: STATUS_SUCCESS, information: 2, data: b"ab".to_vec() }]);
    assert_eq!(s.write(server, b"back".to_vec(), 7), Ok(done(7, 4, b"")));
    assert_eq!(s.read(client, 9, 8), Ok(done(8, 4, b"back")));
}

#[test]
fn messages_keep_their_borders() {
    let (mut s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: false });
    for (token, text) in [(1, &b"abc"[..]), (2, b""), (3, b"de")] {
        assert_eq!(s.write(client, text.to_vec(), token), Ok(done(token, text.len(), b"")));
    }
    let (peek, status) = s.peek(server, 2).unwrap();
    assert_eq!((peek.available, peek.message_length, peek.messages, &peek.data[..]), (5, 3, 3, &b"ab"[..]));
    assert_eq!(status, STATUS_BUFFER_OVERFLOW);
    let part = Done { token: 4, status: STATUS_BUFFER_OVERFLOW, information: 2, data: b"ab".to_vec() };
    assert_eq!(s.read(server, 2, 4), Ok(Step::Done(part)));
    assert_eq!(s.read(server, 9, 5), Ok(done(5, 1, b"c")));
    assert_eq!(s.read(server, 9, 6), Ok(done(6, 0, b"")), "an empty message is a message");
    assert_eq!(s.read(server, 9, 7), Ok(done(7, 2, b"de")));
}

#[test]
fn a_message_pipe_read_as_bytes_joins_messages() {
    let (mut s, server, client) = pair(MESSAGES, BLOCKING);
    s.write(client, b"abc".to_vec(), 1).unwrap();
    s.write(client, b"de".to_vec(), 2).unwrap();
    assert_eq!(s.read(server, 4, 3), Ok(done(3, 4, b"abcd")));
    assert_eq!(s.read(server, 4, 4), Ok(done(4, 1, b"e")));
}

#[test]
fn what_is_refused_does_not_wait() {
    let (mut s, server, client) = pair(BYTES, Mode { message_read: false, nonblocking: true });
    assert_eq!(s.read(server, 4, 1), Err(STATUS_PIPE_EMPTY));
    assert_eq!(s.write(server, vec![0; 9], 2), Ok(done(2, 0, b"")), "nothing is written in part");
    assert_eq!(s.local(client).unwrap().available, 0);
    assert_eq!(s.read(client, 1, 3), Ok(Step::Pending));
    assert_eq!(s.write(server, vec![7; 9], 4), Ok(done(4, 9, b"")), "one is read, eight fit");
    assert_eq!(s.take_done().len(), 1);
    assert_eq!(s.read(client, 99, 5), Ok(done(5, 8, &[7; 8])));
    assert_eq!(s.read(client, 1, 6), Ok(Step::Pending));
    assert_eq!(s.write(server, vec![7; 10], 7), Ok(done(7, 1, b"")), "bytes: what the reader took counts");
    assert_eq!(s.listen(server, 8), Err(STATUS_PIPE_CONNECTED));

    let (mut s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: true });
    assert_eq!(s.read(client, 1, 1), Ok(Step::Pending));
    assert_eq!(s.write(server, vec![7; 10], 2), Ok(done(2, 0, b"")), "a message is not split");
    assert_eq!(s.take_done(), vec![]);
}

#[test]
fn closing_leaves_what_is_buffered_and_breaks_what_waits() {
    let (mut s, server, client) = pair(BYTES, BLOCKING);
    s.write(client, b"rest".to_vec(), 1).unwrap();
    assert_eq!(s.write(client, b"blocked".to_vec(), 2), Ok(Step::Pending));
    assert_eq!(s.read(client, 1, 3), Ok(Step::Pending));
    s.close(client);
    let broken = |token| Done { token, status: STATUS_PIPE_BROKEN, information: 0, data: vec![] };
    let ended = s.take_done();
    assert!(ended.contains(&broken(2)) && ended.contains(&broken(3)) && ended.len() == 2);
    assert_eq!(s.peek(server, 9).unwrap().0.connection, Connection::Closing);
    assert_eq!(s.read(server, 9, 4), Ok(done(4, 4, b"rest")));
    assert_eq!(s.read(server, 9, 5), Err(STATUS_PIPE_BROKEN));
    assert_eq!(s.peek(server, 9), Err(STATUS_PIPE_BROKEN));
    assert_eq!(s.write(server, b"x".to_vec(), 6), Err(STATUS_PIPE_CLOSING));
    assert_eq!(s.listen(server, 7), Err(STATUS_PIPE_CLOSING));
}

#[test]
fn disconnecting_drops_everything_and_the_server_can_listen_again() {
    let (mut s, server, client) = pair(BYTES, BLOCKING);
    s.write(server, b"lost".to_vec(), 1).unwrap();
    assert_eq!(s.flush(server, 2), Ok(Step::Pending));
    s.disconnect(server).unwrap();
    assert_eq!(s.take_done(), vec![Done { token: 2, status: STATUS_PIPE_DISCONNECTED, information: 0, data: vec![] }]);
    assert_eq!(s.read(client, 9, 3), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.local(client), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.disconnect(server), Err(STATUS_PIPE_DISCONNECTED));
    assert_eq!(s.connect(&wide("p"), true, true, 2), Err(STATUS_PIPE_NOT_AVAILABLE));
    assert_eq!(s.wait(&wide("p"), 4), Ok((Step::Pending, -500_000)));
    assert_eq!(s.listen(server, 5), Ok(Step::Pending));
    assert_eq!(s.take_done(), vec![Done { token: 4, status: STATUS_SUCCESS, information: 0, data: vec![] }]);
    assert_eq!(s.disconnect(server), Err(STATUS_PIPE_LISTENING));
    let again = s.connect(&wide("p"), true, true, 2).unwrap();
    assert_eq!(s.take_done().len(), 1, "the listener");
    assert_eq!(s.write(again, b"new".to_vec(), 6), Ok(done(6, 3, b"")));
    assert_eq!(s.read(server, 9, 7), Ok(done(7, 3, b"new")));
    s.close(client);
    assert_eq!(s.local(server).unwrap().connection, Connection::Connected, "the old client is nobody's peer");
}

#[test]
fn instances_are_counted_and_the_name_goes_with_the_last() {
    let mut s = State::default();
    let (name, access) = (wide("x\\y"), |s: &mut State, r, w| s.connect(&wide("X\\Y"), r, w, 2).err());
    let inbound = Config { sharing: 2, ..BYTES };
    assert_eq!(s.create(Some(&name), inbound, BLOCKING, Some(false), 1), Err(STATUS_OBJECT_NAME_NOT_FOUND));
    let (first, _) = s.create(Some(&name), inbound, BLOCKING, Some(true), 1).unwrap();
    assert_eq!(s.create(Some(&name), inbound, BLOCKING, Some(true), 1), Err(STATUS_ACCESS_DENIED));
    assert_eq!(s.create(Some(&name), BYTES, BLOCKING, None, 1), Err(STATUS_ACCESS_DENIED), "other sharing");
    let (second, made) = s.create(Some(&name), inbound, BLOCKING, None, 1).unwrap();
    assert!(!made);
    assert_eq!(s.create(Some(&name), inbound, BLOCKING, None, 1), Err(STATUS_INSTANCE_NOT_AVAILABLE));
    assert_eq!(access(&mut s, true, false), Some(STATUS_ACCESS_DENIED));
    assert_eq!(access(&mut s, false, true), None);
    assert_eq!(s.list(), vec![(name.clone(), 2, 2)]);
    s.close(first);
    s.close(second);
    assert_eq!(access(&mut s, false, true), Some(STATUS_OBJECT_NAME_NOT_FOUND));
    assert_eq!(s.list(), vec![]);
}

#[test]
fn a_transaction_writes_and_reads() {
    let (mut s, server, client) = pair(MESSAGES, Mode { message_read: true, nonblocking: false });
    assert_eq!(s.transceive(client, b"q".to_vec(), 9, 1), Err(STATUS_INVALID_READ_MODE));
    s.set_mode(client, Mode { message_read: true, nonblocking: false }).unwrap();
    assert_eq!(s.transceive(client, b"question".to_vec(), 9, 2), Ok(Step::Pending));
    assert_eq!(s.read(server, 99, 3), Ok(done(3, 8, b"question")));
    s.write(server, b"answer".to_vec(), 4).unwrap();
    assert_eq!(
        s.take_done(),
        vec![Done { token: 2, status: STATUS_SUCCESS, information: 6, data: b"answer".to_vec() }]
    );
    s.write(server, b"early".to_vec(), 5).unwrap();
    assert_eq!(s.transceive(client, b"q".to_vec(), 9, 6), Err(STATUS_PIPE_BUSY));
}

#[test]
fn cancelling_takes_out_one_request_only() {
    let (mut s, server, client) = pair(BYTES, BLOCKING);
    assert_eq!(s.read(server, 1, 1), Ok(Step::Pending));
    assert_eq!(s.read(server, 1, 2), Ok(Step::Pending));
    s.cancel(1, STATUS_CANCELLED);
    s.cancel(77, STATUS_CANCELLED);
    assert_eq!(s.take_done(), vec![Done { token: 1, status: STATUS_CANCELLED, information: 0, data: vec![] }]);
    s.write(client, b"z".to_vec(), 3).unwrap();
    assert_eq!(s.take_done(), vec![Done { token: 2, status: STATUS_SUCCESS, information: 1, data: b"z".to_vec() }]);
    s.write(client, vec![0; 8], 4).unwrap();
    assert_eq!(s.write(client, vec![1; 8], 5), Ok(Step::Pending));
    s.cancel(5, STATUS_CANCELLED);
    assert_eq!(s.local(server).unwrap().available, 8, "a cancelled write leaves nothing");
    assert_eq!(s.set_mode(server, Mode { message_read: true, nonblocking: false }), Err(STATUS_INVALID_PARAMETER));
}
