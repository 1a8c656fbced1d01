use super::*;

#[test]
fn small_statuses_pass_and_failures_never_look_like_success() {
    for status in 0..=255u32 {
        assert_eq!(u32::from(code(status)), status);
    }
    for status in [256, 0x100, 0x1_0000, 0x8000_0000, 0xffff_ff00] {
        assert_eq!(code(status), 1, "{status:#x}");
    }
    assert_eq!(code(u32::MAX), 255);
    assert_eq!(code(0x1_0007), 7);
}

#[test]
fn crashes_look_like_signals() {
    assert_eq!(code(0xc000_0005), 139);
    assert_eq!(code(0xc000_0409), 134);
    assert_eq!(code(0xc000_0135), 126);
    for (status, code, _) in CRASHES {
        assert!(HELP.contains(&code.to_string()), "{status:#x}");
    }
}
