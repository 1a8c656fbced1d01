use super::*;

#[test]
fn what_the_kernel_writes_is_read() {
    let stat = "17 (a) b (c) S 1 17 17 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 1 0 5 6 7";
    assert_eq!(ticks(stat), Some((33, 77)));
    assert_eq!(ticks("nonsense"), None);
    let text = "Rss:    1200 kB\nPrivate_Clean:   4 kB\nPrivate_Dirty: 8 kB\nrchar: 99\n";
    assert_eq!((field(text, "Rss"), field(text, "rchar"), field(text, "Priv")), (Some(1200), Some(99), None));
    let (private, shared) = memory(std::process::id());
    assert!(private > 4096 && shared > 4096, "{private} {shared}");
}
