use super::*;

#[test]
fn bytes_have_three_digits() {
    for (count, want) in
        [(0, "0B"), (999, "999B"), (1000, "1.0K"), (1 << 20, "1.0M"), (150 << 20, "150M"), (1023 << 30, "1.0T")]
    {
        assert_eq!(bytes(count), want, "{count}");
    }
}

#[test]
fn the_load_is_what_was_used_since() {
    let usage = |cpu_seconds| Usage { id: "0123456789".into(), cpu_seconds, ..Usage::default() };
    let before = [("0123456789".to_owned(), 1.0)].into_iter().collect();
    let text = rows(&[usage(2.0)], &before, Duration::from_secs(2));
    let row = text.lines().nth(1).unwrap();
    assert!(row.starts_with("01234567 ") && row.contains("2.00s") && row.contains("50%"), "{text}");
    assert!(rows(&[usage(2.0)], &BTreeMap::new(), Duration::ZERO).contains(" -  "), "no load at first");
}
