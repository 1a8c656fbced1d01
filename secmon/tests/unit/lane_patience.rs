use super::*;

const SOON: Duration = Duration::from_micros(3);
const ELSEWHERE: u64 = u64::MAX;

/// Calls until it looks, if it does within so many.
fn until_it_looks(patience: &mut Patience<'_>, most: u32) -> Option<u32> {
    (1..=most).find(|_| {
        patience.came_after(SOON, None);
        patience.looks(ELSEWHERE)
    })
}

#[test]
fn looks_while_calls_come_soon() {
    let room = Room::new(2);
    let mut patience = Patience::new(&room, 0);
    assert_eq!(until_it_looks(&mut patience, 100), Some(ROW + 1));
    patience.came_after(SOON, Some(true));
    assert!(patience.looks(ELSEWHERE));
    patience.came_after(LONGEST, None);
    assert!(!patience.looks(ELSEWHERE));
}

#[test]
fn a_look_in_vain_costs_more_each_time() {
    let room = Room::new(2);
    let mut patience = Patience::new(&room, 0);
    let mut waits = Vec::new();
    for _ in 0..12 {
        waits.extend(until_it_looks(&mut patience, 10_000));
        patience.came_after(LONGEST * 2, Some(false));
    }
    assert_eq!(waits[..4], [ROW + 1, ROW, 2 * ROW, 4 * ROW]);
    assert_eq!(waits.last(), Some(&LONG_PENANCE));
    until_it_looks(&mut patience, 10_000);
    (0..FORGET).for_each(|_| patience.came_after(SOON, Some(true)));
    patience.came_after(LONGEST, Some(false));
    assert_eq!(until_it_looks(&mut patience, 100), Some(PENANCE));
}

#[test]
fn none_without_a_processor_to_spare_and_none_where_several_ask() {
    let room = Room::new(1);
    assert_eq!(until_it_looks(&mut Patience::new(&room, 0), 100), None);
    let room = Room::new(2);
    let (mut one, mut other) = (Patience::new(&room, 0), Patience::new(&room, 1));
    for _ in 0..100 {
        assert_eq!((until_it_looks(&mut one, 1), until_it_looks(&mut other, 1)), (None, None));
    }
}
