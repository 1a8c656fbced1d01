use super::*;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket, socketpair};

fn file() -> OwnedFd {
    memfd_create(c"deposit", MFdFlags::MFD_CLOEXEC).unwrap()
}

fn leave(deposits: &Deposits, descriptor: OwnedFd) -> Result<u64> {
    deposits.stream_share(&StreamShare { token: 0, forget: false }, Some(descriptor)).map(|(token, _)| token)
}

#[test]
fn what_was_left_is_given_until_it_is_forgotten() {
    let deposits = Deposits::default();
    let (left, other) = (file(), file());
    let number = fstat(&left).unwrap().st_ino;
    let token = leave(&deposits, left).unwrap();
    assert_ne!(leave(&deposits, other).unwrap(), token);
    for _ in 0..2 {
        let (_, given) = deposits.stream_share(&StreamShare { token, forget: false }, None).unwrap();
        assert_eq!(fstat(given.unwrap()).unwrap().st_ino, number);
    }
    assert_eq!(deposits.stream_share(&StreamShare { token, forget: true }, None).unwrap().0, token);
    for forget in [false, true] {
        assert_eq!(deposits.stream_share(&StreamShare { token, forget }, None).unwrap_err(), Error::NotFound);
    }
}

#[test]
fn requests_that_do_not_say_what_they_want() {
    let deposits = Deposits::default();
    let calls = [(0, true, true), (0, false, false), (0, true, false), (1, false, true), (1, true, true)];
    for (token, forget, brings) in calls {
        let brought = brings.then(file);
        assert_eq!(deposits.stream_share(&StreamShare { token, forget }, brought).unwrap_err(), Error::Invalid);
    }
}

#[test]
fn only_files_and_internet_sockets() {
    let deposits = Deposits::default();
    let (lane, _other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    assert_eq!(leave(&deposits, lane), Err(Error::Unsupported));
    let (pipe, _end) = nix::unistd::pipe().unwrap();
    assert_eq!(leave(&deposits, pipe), Err(Error::Unsupported));
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    assert!(leave(&deposits, socket).is_ok());
}

#[test]
fn there_is_an_end() {
    let deposits = Deposits::default();
    {
        let mut held = deposits.0.lock().unwrap();
        let one = file();
        // A few stand for all: as many descriptors as that not every host gives.
        held.last = MOST as u64 - 2;
        held.by_token.insert(1, one);
    }
    assert_eq!(leave(&deposits, file()).unwrap(), MOST as u64 - 1);
}

#[test]
fn what_came_from_outside_is_of_any_kind() {
    let deposits = Deposits::default();
    let (end, other) = nix::unistd::pipe().unwrap();
    let tokens = deposits.keep(vec![end, other]);
    assert!(tokens.len() == 2 && tokens[0] != tokens[1] && tokens[0] != 0);
    let take = |token| deposits.stream_share(&StreamShare { token, forget: false }, None);
    assert!(tokens.iter().all(|token| take(*token).is_ok_and(|(_, given)| given.is_some())));
    deposits.forget(tokens[0]);
    assert_eq!((take(tokens[0]).unwrap_err(), take(tokens[1]).is_ok()), (Error::NotFound, true));
}
