use super::*;
use std::hash::RandomState;

#[test]
fn as_windows_does() {
    for (a, b) in [("readme.TXT", "README.txt"), ("äöü", "ÄÖÜ"), ("ß", "ß"), ("ж", "Ж"), ("ᾳ", "ᾼ"), ("ÿ", "Ÿ")]
    {
        assert!(same(a, b), "{a} {b}");
        let state = RandomState::new();
        assert_eq!(hash(a, &state), hash(b, &state));
        assert_eq!(fold(a), fold(b));
    }
    for (a, b) in [("ß", "SS"), ("ı", "I"), ("ſ", "S"), ("µ", "Μ"), ("a", "b"), ("a", "aa"), ("𐐨", "𐐀"), ("ǅ", "Ǆ")]
    {
        assert!(!same(a, b), "{a} {b}");
    }
}
