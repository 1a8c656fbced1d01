use super::*;

fn word(file: &OwnedFd, number: u32) -> u32 {
    let mut raw = [0; 4];
    let file = File::from(file.try_clone().unwrap());
    file.read_exact_at(&mut raw, u64::from(member::place(number)) * 4).unwrap();
    u32::from_le_bytes(raw)
}

#[test]
fn numbers_are_never_used_again() {
    let family = Family::new(None).unwrap();
    let living = family.living().unwrap();
    assert_eq!(word(&living, member::FIRST), member::FIRST);
    let second = family.enter().unwrap();
    assert_eq!(word(&living, second), second);
    family.leave(second);
    family.leave(second);
    assert_eq!(word(&living, second), 0);
    let third = family.enter().unwrap();
    assert!(third != second && member::place(third) == member::place(second));
    assert_eq!(word(&living, second), third);
    let rest: Vec<u32> = std::iter::from_fn(|| family.enter()).collect();
    assert_eq!(rest.len(), MOST - 2);
}

#[test]
fn who_lives_is_only_read() {
    let family = Family::new(None).unwrap();
    let living = File::from(family.living().unwrap());
    assert!(living.write_all_at(&[1; 4], 4).is_err());
    assert!(living.set_len(0).is_err());
    let memory = File::from(family.memory().unwrap());
    assert!(memory.set_len(0).is_err(), "nobody cuts what others have mapped");
    assert!(memory.write_all_at(&[1; 4], 4).is_ok());
}
