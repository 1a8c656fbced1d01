use super::*;
use crate::lane::tests::broker;
use crate::locate::tests::Temporary;
use shim_abi::stream::{Disposition, Expect, access};

#[test]
fn root_certificates_are_read_and_nothing_else() {
    let dir = Temporary::new();
    let call = |access: u32, disposition: Disposition, expect: Expect| StreamOpen {
        uri: "roots:".into(),
        access,
        disposition,
        expect,
        attributes: 0,
    };
    let given = broker(&dir, true);
    let read = call(access::READ, Disposition::Open, Expect::File);
    // A host without any has none to give.
    let there = KNOWN.iter().any(|path| std::path::Path::new(path).is_file());
    assert_eq!(given.stream_open(&read).map(|answer| answer.1.is_some()).ok(), there.then_some(true));
    for bits in [access::WRITE, access::READ | access::WRITE, access::READ | access::CHANGE] {
        let refused = given.stream_open(&call(bits, Disposition::Open, Expect::File));
        assert_eq!(refused.map(drop), Err(Error::ReadOnly), "{bits:#x}");
    }
    let refused = given.stream_open(&call(access::READ, Disposition::OpenOrCreate, Expect::File));
    assert_eq!(refused.map(drop), Err(Error::ReadOnly));
    assert_eq!(broker(&dir, false).stream_open(&read).map(drop), Err(Error::NotFound));
}
