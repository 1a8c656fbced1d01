use super::*;

#[test]
fn a_group_comes_and_goes() {
    match Group::with_memory(64 << 20) {
        Ok(group) => {
            let folder = group.folder.clone();
            assert!(folder.is_dir() && !group.ran_out());
            drop(group);
            assert!(!folder.exists());
        }
        // Not every host lets groups be made; nothing may be left behind then.
        Err(error) => assert_ne!(error.kind(), io::ErrorKind::AlreadyExists),
    }
}
