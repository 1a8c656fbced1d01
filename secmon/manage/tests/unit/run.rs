use super::*;

#[test]
fn the_verb_comes_first() {
    let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    assert_eq!(reordered(words("-v run a.exe run").into_iter()), words("run -v a.exe run"));
    assert_eq!(reordered(words("run -v a.exe").into_iter()), words("run -v a.exe"));
}
