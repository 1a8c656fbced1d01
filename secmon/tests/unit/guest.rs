use super::*;

#[test]
fn forms() {
    for (text, shown) in
        [("c:", "C:\\"), ("Z:\\", "Z:\\"), ("C:/a//b/", "C:\\a\\b"), ("d:\\ü x\\y.txt", "D:\\ü x\\y.txt")]
    {
        assert_eq!(GuestPath::parse(text).unwrap().to_string(), shown);
    }
    for bad in ["", "C", "/data", "data", "C:data", "é:\\", "\\\\server\\share", "1:\\a"] {
        assert_eq!(GuestPath::parse(bad), Err(NotAPath::NoDrive(bad.into())));
    }
    for bad in ["C:\\..", "C:\\a\\.\\b", "C:\\a:b", "C:\\a*", "C:\\a\0b"] {
        assert!(matches!(GuestPath::parse(bad), Err(NotAPath::Name(..))), "{bad}");
    }
}

#[test]
fn parts() {
    let path = GuestPath::parse("C:\\a\\b").unwrap();
    let (folder, name) = path.split().unwrap();
    assert_eq!((folder.to_string().as_str(), name), ("C:\\a", "b"));
    assert_eq!(folder.split().unwrap().0.slashed(), "C:/");
    assert_eq!(GuestPath::parse("C:\\").unwrap().split(), None);
    assert_eq!(folder.join("x/y").unwrap().slashed(), "C:/a/x/y");
    assert_eq!(folder.join("x/../y"), Err(Error::NameInvalid));
}
