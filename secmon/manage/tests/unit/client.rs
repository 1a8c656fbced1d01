use super::*;
use shim_abi::control::{Describe, Executed, How, Trim, What};
use std::thread;

/// A monitor that answers each request with these datagrams.
fn monitor(answers: Vec<Vec<Vec<u8>>>) -> Client {
    let (ours, theirs) =
        socket::socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    thread::spawn(move || {
        let mut frame = [0u8; 4096];
        for answer in answers {
            if socket::recv(theirs.as_raw_fd(), &mut frame, MsgFlags::empty()).unwrap_or(0) == 0 {
                return;
            }
            for one in answer {
                socket::send(theirs.as_raw_fd(), &one, MsgFlags::empty()).unwrap();
            }
        }
    });
    Client::over(ours)
}

fn notice(process: u32) -> Notice {
    let text = String::new();
    Notice { what: What::Ended, time: 0, process, pid: 0, maker: 0, how: How::Status, status: 7, text }
}

#[test]
fn notices_that_come_before_a_reply_are_kept() {
    let mut client = monitor(vec![vec![control::notice(1, &notice(5)), control::reply(1, &Ok(()))]]);
    client.ask(&Trim {}).unwrap();
    assert_eq!(client.notice().unwrap(), (1, notice(5)));
    assert!(matches!(client.notice(), Err(ClientError::Gone)));
}

#[test]
fn refusals_and_nonsense_are_told_apart() {
    let refusal = control::reply::<()>(1, &Err((Error::NotFound, "no such thing".into())));
    let mut client = monitor(vec![vec![refusal], vec![b"nonsense".to_vec()]]);
    assert_eq!(client.ask(&Trim {}).unwrap_err().to_string(), "no such thing");
    assert!(matches!(client.ask(&Describe {}), Err(ClientError::Malformed)));
    let mut client = monitor(vec![vec![control::reply(1, &Ok(Executed { process: 1, pid: 2 }))]]);
    assert!(matches!(client.ask(&Describe {}), Err(ClientError::Malformed)), "an answer to something else");
    assert!(matches!(monitor(Vec::new()).ask(&Trim {}), Err(ClientError::Gone)));
}

#[test]
fn a_socket_is_found_however_long_its_folder_is_called() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("long".repeat(40));
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(Client::connect(&folder, "control"), Err(ClientError::Connect(_))));
    let listener = listen(&folder, "control").unwrap();
    Client::connect(&folder, "control").unwrap();
    drop(listener);
    assert!(matches!(Client::connect(&folder, "control"), Err(ClientError::Connect(_))));
}
