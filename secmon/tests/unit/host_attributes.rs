use super::*;

#[test]
fn values_of_wine_samba_and_ours() {
    let parse = |value: &[u8]| Attributes::parse(value);
    assert_eq!(parse(b"0x22"), Attributes { bits: Some(0x22), created: None });
    assert_eq!(parse(b"0x2\0\0\x04\0garbage"), Attributes { bits: Some(2), created: None });
    assert_eq!(parse(b"0x6;created=-5"), Attributes { bits: Some(6), created: Some(-5) });
    for bad in [&b""[..], b"22", b"0xzz", b"\xff\xfe", b"0x"] {
        assert_eq!(parse(bad), Attributes::default(), "{bad:?}");
    }
    let set = Attributes { bits: Some(0x22), created: Some(7) };
    assert_eq!(parse(set.value(Kind::File).unwrap().as_bytes()), set);
    assert_eq!(Attributes { bits: Some(bits::ARCHIVE), created: None }.value(Kind::File), None);
    assert_eq!(Attributes { bits: Some(0), created: None }.value(Kind::File).as_deref(), Some("0x0"));
    assert_eq!(Attributes { bits: Some(0), created: None }.value(Kind::Directory), None);
}
