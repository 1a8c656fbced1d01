use super::*;

#[test]
fn root_of_another_namespace_is_a_plain_user() {
    assert!(is_whole("         0          0 4294967295\n"));
    assert!(!is_whole("         0       1000          1\n         1     100000      65536\n"));
    assert!(!is_whole(""));
}

#[test]
fn the_home_folder_is_that_of_the_user() {
    let users = "root:x:0:0:root:/root:/bin/bash\nbroken\nme:x:1000:1000:,,,:/home/me:/bin/sh\n";
    assert_eq!((home_of(users, 0), home_of(users, 1000), home_of(users, 7)), (Some("/root"), Some("/home/me"), None));
}
