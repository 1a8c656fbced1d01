//! Consoles that another member keeps, with members that are killed at every single store.

use super::killed_after;
use super::pipes_killed::used;
use super::waits::{Member, Sandbox};
use crate::io::condrv::{control, ioctl};
use crate::shm::hosted::{Answer, Call, Next};
use crate::shm::list::List;
use crate::shm::member::field;
use crate::shm::object::holder;
use crate::shm::request::Asker;
use crate::shm::waste::Waste;
use crate::status::*;

/// The server and its console, which the host and the program have.
struct Pair {
    server: u32,
    console: u32,
}

fn change<R>(member: &Member, run: impl FnOnce(&mut crate::shm::Tx<'_>) -> Nt<R>) -> Nt<R> {
    let mut tx = member.shm.begin();
    let answer = run(&mut tx)?;
    tx.commit()?;
    Ok(answer)
}

/// As kernelbase makes them: the program makes both, and the host is given the server.
fn pair(program: &Member, host: &Member) -> Pair {
    change(program, |tx| {
        let server = tx.new_console_server(program.record)?;
        let console = tx.new_hosted_console(server.object, program.record)?;
        assert!(tx.is_hosted(console.object) && !tx.is_hosted(server.object));
        assert_eq!(tx.new_hosted_console(server.object, program.record), Err(STATUS_INVALID_HANDLE));
        tx.hold(server.object, host.record, false)?;
        tx.release(server.reference);
        tx.attach(program.record, console.object);
        Ok(Pair { server: server.object, console: console.object })
    })
    .unwrap()
}

fn release(member: &Member, object: u32) -> Nt<()> {
    change(member, |tx| {
        let reference = tx.reference_of(member.record, object).ok_or(STATUS_INVALID_HANDLE)?;
        tx.release(reference);
        Ok(())
    })
}

fn ask(by: &Member, of: &Pair, code: u32, data: &[u8], token: u64) -> Nt<u32> {
    let asker = Asker { member: by.record, token, synchronous: false };
    change(by, |tx| tx.ask_host(of.console, None, code, data, 100, asker))
}

fn next(host: &Member, of: &Pair, status: Status, data: &[u8]) -> Nt<Next> {
    change(host, |tx| tx.next_call(of.server, Answer { signalled: false, read: false, status, data, room: 100 }))
}

fn answer_read(host: &Member, of: &Pair, data: &[u8]) -> Nt<Next> {
    let answer = Answer { signalled: true, read: true, status: STATUS_SUCCESS, data, room: 0 };
    change(host, |tx| tx.next_call(of.server, answer))
}

fn call(code: u32, data: &[u8]) -> Nt<Next> {
    Ok(Next::Call(Call { code, screen: 0, room: 100, data: data.to_vec() }))
}

fn finished(of: &Member) -> Vec<(u64, Status, Vec<u8>)> {
    let next = || of.shm.take_finished(of.record).unwrap().map(|(token, done)| (token, done.status, done.data));
    std::iter::from_fn(next).collect()
}

#[test]
fn calls_are_answered_in_order_and_reads_when_there_is_something() {
    let sandbox = Sandbox::new();
    let (program, host) = (sandbox.join(1), sandbox.join(2));
    let both = pair(&program, &host);
    assert_eq!((host.shm.count(both.server), host.shm.count(both.console)), (0, 0));
    ask(&program, &both, ioctl::READ_INPUT, b"", 1).unwrap();
    ask(&program, &both, ioctl::GET_TITLE, b"abc", 2).unwrap();
    ask(&program, &both, ioctl::READ_FILE, b"", 3).unwrap();
    assert_eq!(host.shm.count(both.server), 1);
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), call(ioctl::READ_INPUT, b""));
    // The host has nothing to read, and leaves the first one waiting; the second read stands behind it.
    assert_eq!(next(&host, &both, STATUS_PENDING, b""), call(ioctl::GET_TITLE, b"abc"));
    assert_eq!(finished(&program), vec![]);
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b"title"), Ok(Next::Nothing));
    assert_eq!(finished(&program), vec![(2, STATUS_SUCCESS, b"title".to_vec())]);
    assert_eq!(host.shm.count(both.server), 0);
    assert_eq!(answer_read(&host, &both, b"key"), Ok(Next::Answered));
    assert_eq!(finished(&program), vec![(1, STATUS_SUCCESS, b"key".to_vec())]);
    // There is more to read: the second read is asked for now.
    assert_eq!((host.shm.count(both.server), host.shm.count(both.console)), (1, 1));
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), call(ioctl::READ_FILE, b""));
    assert_eq!(answer_read(&host, &both, b"line"), Ok(Next::Answered));
    assert_eq!(answer_read(&host, &both, b"line"), Ok(Next::Refused));
    assert_eq!(finished(&program), vec![(3, STATUS_SUCCESS, b"line".to_vec())]);
    // What does not fit stays; who gives up is not waited for.
    let large = [7; 101];
    ask(&program, &both, ioctl::WRITE_FILE, &large, 4).unwrap();
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), Ok(Next::Large(101)));
    assert!(change(&program, |tx| Ok(tx.cancel(program.record, 4, STATUS_CANCELLED))).unwrap());
    assert_eq!(finished(&program), vec![(4, STATUS_CANCELLED, vec![])]);
    let roomy = Answer { signalled: false, read: false, status: STATUS_SUCCESS, data: b"", room: 200 };
    let Next::Call(written) = change(&host, |tx| tx.next_call(both.server, roomy)).unwrap() else { panic!() };
    assert_eq!(written.data, large);
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), Ok(Next::Nothing));
    assert_eq!(finished(&program), vec![]);
}

#[test]
fn screens_are_told_to_the_host() {
    let sandbox = Sandbox::new();
    let (program, host) = (sandbox.join(1), sandbox.join(2));
    let both = pair(&program, &host);
    let first = program.shm.begin().active_screen(both.console).unwrap();
    change(&program, |tx| tx.hold(first, program.record, false)).unwrap();
    let made = change(&program, |tx| tx.new_console_screen(both.console, program.record)).unwrap().object;
    let code = |next: Nt<Next>| match next {
        Ok(Next::Call(call)) => (call.code, call.screen),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(next(&host, &both, STATUS_SUCCESS, b"")), (ioctl::INIT_OUTPUT, 2));
    change(&program, |tx| tx.show_screen(both.console, made)).unwrap();
    assert_eq!(program.shm.begin().active_screen(both.console), Ok(made));
    assert_eq!(code(next(&host, &both, STATUS_SUCCESS, b"")), (ioctl::ACTIVATE, 2));
    let asker = Asker { member: program.record, token: 5, synchronous: false };
    let ask = |code| change(&program, |tx| tx.ask_host(both.console, Some(made), code, b"x", 0, asker));
    assert_eq!(ask(ioctl::READ_INPUT), Err(STATUS_INVALID_HANDLE));
    ask(ioctl::WRITE_FILE).unwrap();
    assert_eq!(code(next(&host, &both, STATUS_SUCCESS, b"")), (ioctl::WRITE_FILE, 2));
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), Ok(Next::Nothing));
    let done = program.shm.take_finished(program.record).unwrap().unwrap().1;
    assert_eq!((done.status, done.information), (STATUS_SUCCESS, 1));
    // The one that is shown stays, handles or not.
    release(&program, made).unwrap();
    assert_eq!(program.shm.begin().active_screen(both.console), Ok(made));
    change(&program, |tx| tx.show_screen(both.console, first)).unwrap();
    assert_eq!(code(next(&host, &both, STATUS_SUCCESS, b"")), (ioctl::ACTIVATE, 1));
    assert_eq!(code(next(&host, &both, STATUS_SUCCESS, b"")), (ioctl::CLOSE_OUTPUT, 2));
    // Input to read signals screens too.
    assert_eq!(host.shm.count(first), 0);
    let answer = Answer { signalled: true, read: false, status: STATUS_SUCCESS, data: b"", room: 0 };
    assert_eq!(change(&host, |tx| tx.next_call(both.server, answer)), Ok(Next::Nothing));
    assert_eq!(host.shm.count(first), 1);
    // A console that nobody has leaves its host nothing to do.
    release(&program, both.console).unwrap();
    assert_eq!(host.shm.count(both.server), 1);
    assert_eq!(next(&host, &both, STATUS_SUCCESS, b""), Err(STATUS_INVALID_HANDLE));
}

/// What a member holds beside its process object.
fn held_by(member: &Member) -> Vec<u32> {
    let tx = member.shm.begin();
    let held = List(member.record + field::HELD).nodes(&tx);
    let objects = held.into_iter().map(|node| tx.get(node - holder::BY_MEMBER + holder::OBJECT));
    objects.filter(|object| *object != tx.process_of(member.record)).collect()
}

/// What a program does with a console.
fn act(program: &Member, host: &Member) -> Nt<()> {
    let both = pair(program, host);
    ask(program, &both, ioctl::WRITE_FILE, &[1; 300], 1)?;
    ask(program, &both, ioctl::READ_INPUT, b"", 2)?;
    let made = change(program, |tx| tx.new_console_screen(both.console, program.record))?.object;
    change(program, |tx| tx.show_screen(both.console, made))?;
    change(program, |tx| tx.await_input(both.console))?;
    change(program, |tx| Ok(tx.cancel(program.record, 2, STATUS_CANCELLED)))?;
    release(program, made)
}

#[test]
fn a_program_killed_at_any_store_leaves_its_host_nothing_to_do() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let host = sandbox.join(1);
        let before = used(&host.shm);
        let program = sandbox.join(2);
        let killed = killed_after(&program.shm, stores, |_| act(&program, &host).unwrap());
        sandbox.kill(&host, &program);
        let held = held_by(&host);
        for object in held {
            let gone = Pair { server: object, console: 0 };
            assert_eq!(next(&host, &gone, STATUS_SUCCESS, b""), Err(STATUS_INVALID_HANDLE), "after {stores} stores");
            release(&host, object).unwrap();
        }
        assert_eq!(used(&host.shm), before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}

/// What a host does.
fn serve(host: &Member, both: &Pair) -> Nt<()> {
    next(host, both, STATUS_SUCCESS, b"")?;
    next(host, both, STATUS_PENDING, b"")?;
    next(host, both, STATUS_SUCCESS, b"answer")?;
    answer_read(host, both, b"key")?;
    next(host, both, STATUS_SUCCESS, b"").map(drop)
}

#[test]
fn a_host_killed_at_any_store_ends_what_others_wait_for_and_closes_who_is_attached() {
    let sandbox = Sandbox::new();
    for stores in 0.. {
        let sandbox = sandbox.anew();
        let (program, other) = (sandbox.join(1), sandbox.join(3));
        let before = used(&program.shm);
        let host = sandbox.join(2);
        let both = pair(&program, &host);
        change(&other, |tx| tx.hold(both.console, other.record, false)).unwrap();
        ask(&other, &both, ioctl::READ_INPUT, b"", 1).unwrap();
        ask(&other, &both, ioctl::GET_TITLE, b"abc", 2).unwrap();
        ask(&program, &both, ioctl::READ_INPUT, b"", 3).unwrap();
        let killed = killed_after(&host.shm, stores, |_| serve(&host, &both).unwrap());
        sandbox.kill(&program, &host);
        // It is told to close, and waits for nothing else.
        assert_eq!(*sandbox.machine.done.lock(), vec![Waste::Control(1, control::CTRL_CLOSE)], "after {stores} stores");
        assert_eq!(finished(&program), vec![], "after {stores} stores");
        let ended: Vec<_> = finished(&other).into_iter().map(|(token, ..)| token).collect();
        assert!(ended.len() == 2 && ended.contains(&1) && ended.contains(&2), "{ended:?} after {stores} stores");
        assert_eq!(ask(&program, &both, ioctl::GET_TITLE, b"", 4), Err(STATUS_INVALID_HANDLE));
        release(&other, both.console).unwrap();
        release(&program, both.console).unwrap();
        assert_eq!(finished(&program), vec![(3, STATUS_CANCELLED, vec![])]);
        change(&program, |tx| {
            tx.attach(program.record, 0);
            Ok(())
        })
        .unwrap();
        assert_eq!(used(&program.shm), before, "after {stores} stores");
        if !killed {
            break;
        }
    }
}
