use super::*;

#[test]
fn words_are_what_the_c_runtime_makes_of_them() {
    for (text, words) in [
        ("a b  c\td ", &["a", "b", "c", "d"][..]),
        ("\"C:\\Program Files\\a.exe\" \"b c\" d", &["C:\\Program Files\\a.exe", "b c", "d"]),
        ("C:\\a\\b.exe C:\\x\\ y", &["C:\\a\\b.exe", "C:\\x\\", "y"]),
        (r#"a "b\"c" d\\"e f" g\\\"h"#, &["a", "b\"c", "d\\e f", "g\\\"h"]),
        (r#"a "b""c" """#, &["a", "b\"c", ""]),
        ("a \"\" \"open", &["a", "", "open"]),
        ("  ", &[]),
        ("", &[]),
    ] {
        assert_eq!(split(text), words, "{text}");
    }
}

#[test]
fn scripts_are_the_interpreters() {
    assert_eq!(arguments("C:\\s\\Setup.CMD a"), ["cmd.exe", "/c", "C:\\s\\Setup.CMD", "a"]);
    assert_eq!(arguments("notepad.exe a.cmd"), ["notepad.exe", "a.cmd"]);
    assert!(arguments(" ").is_empty());
}
