use super::*;

#[test]
fn sizes() {
    assert_eq!(parse_bytes("512MiB"), Ok(512 << 20));
    assert_eq!(parse_bytes(" 2 g "), Ok(2 << 30));
    assert_eq!(parse_bytes("65536"), Ok(65536));
    assert_eq!(parse_bytes("1.5G"), Ok(3 << 29));
    for bad in ["", "MiB", "-1", "1X", "99999999999999T", "é"] {
        assert!(parse_bytes(bad).is_err(), "{bad}");
    }
    assert_eq!(bytes(512 << 20), "512 MiB");
    assert_eq!(bytes(1000), "1000 B");
    assert_eq!(bytes(0), "0 B");
}

#[test]
fn times() {
    assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
    assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
    for bad in ["", "0", "s", "1x", "-3s", "0s", "99999999999999999999"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
    assert_eq!(parse_duration(" 1h 30m "), Ok(Duration::from_secs(5400)));
    assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
}
