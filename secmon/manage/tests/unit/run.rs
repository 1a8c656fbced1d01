use super::*;

#[test]
fn the_verb_comes_first() {
    let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    assert_eq!(reordered(words("-v run a.exe run").into_iter()), words("run -v a.exe run"));
    assert_eq!(reordered(words("run -v a.exe").into_iter()), words("run -v a.exe"));
}

#[test]
fn what_paths_are_is_not_handed_on() {
    let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    let all = words("run --map C:\\a=/b --memory 1G --map=D:\\=/d --net all");
    assert_eq!(without_maps(all.into_iter()), words("run --memory 1G --net all"));
}
