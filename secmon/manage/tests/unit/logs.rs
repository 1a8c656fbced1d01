use super::*;

#[test]
fn a_tail_is_whole_lines() {
    for (text, lines, want) in [
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc", 2, "b\nc"),
        ("a\nb\n", 5, "a\nb\n"),
        ("a\n\n", 1, "\n"),
        ("", 3, ""),
        ("a\n", 0, ""),
    ] {
        assert_eq!(tail(text.as_bytes(), lines), want.as_bytes(), "{text:?} {lines}");
    }
}
