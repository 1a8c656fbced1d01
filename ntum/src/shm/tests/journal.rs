//! A journal, and members that are killed while they write it.

use super::*;
use crate::shm::journal::Cursor;
use crate::status::STATUS_REGISTRY_QUOTA_LIMIT;

fn record(number: u32, length: usize) -> Vec<u8> {
    let mut record = number.to_le_bytes().to_vec();
    record.resize(4 + length, number as u8);
    record
}

fn add(shm: &Shm, record: &[u8]) {
    let mut tx = shm.begin();
    tx.add_to_journal(record).unwrap();
    tx.commit().unwrap();
}

fn begin(shm: &Shm, records: &[Vec<u8>]) {
    let mut tx = shm.begin();
    tx.begin_journal(records).unwrap();
    tx.commit().unwrap();
}

#[test]
fn what_is_written_is_read_once_and_in_order() {
    let shm = Shm::new(memory(0x20_0000), Machine::leak(), 1);
    assert!(!shm.begin().has_journal());
    begin(&shm, &[record(0, 3)]);
    let mut cursor = Cursor::default();
    let news = shm.begin().read_journal(&mut cursor);
    assert!(news.anew);
    assert_eq!(news.records, [record(0, 3)]);
    assert!(shm.has_read_journal(&cursor));
    // Over the ends of blocks, and with blocks of their own.
    let lengths = [0, 1, 5000, 16384, 0, 200_000, 7];
    for (number, length) in (1..).zip(lengths) {
        add(&shm, &record(number, length));
    }
    assert!(!shm.has_read_journal(&cursor));
    let news = shm.begin().read_journal(&mut cursor);
    assert!(!news.anew);
    assert_eq!(news.records, (1..).zip(lengths).map(|(number, length)| record(number, length)).collect::<Vec<_>>());
    assert!(shm.begin().read_journal(&mut cursor).records.is_empty());
    assert!(shm.begin().journal_is_long());
    begin(&shm, &[record(8, 1)]);
    assert!(!shm.begin().journal_is_long());
    let news = shm.begin().read_journal(&mut cursor);
    assert!(news.anew);
    assert_eq!(news.records, [record(8, 1)]);
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let shm = Shm::new(memory(WORDS), Machine::leak(), 1);
    begin(&shm, &[]);
    let mut tx = shm.begin();
    assert_eq!(tx.add_to_journal(&record(1, WORDS)), Err(STATUS_REGISTRY_QUOTA_LIMIT));
    drop(tx);
    let mut written = 0;
    let full = loop {
        let mut tx = shm.begin();
        if let Err(error) = tx.add_to_journal(&record(written, 1000)) {
            break error;
        }
        tx.commit().unwrap();
        written += 1;
    };
    assert_eq!(full, STATUS_REGISTRY_QUOTA_LIMIT);
    let news = shm.begin().read_journal(&mut Cursor::default());
    assert_eq!(news.records.len(), written as usize);
}

#[test]
fn a_member_killed_at_any_store_has_written_a_record_or_none() {
    quietly();
    let machine = Machine::leak();
    let words = memory(WORDS);
    let other = Shm::new(words, machine, 1);
    begin(&other, &[]);
    let mut cursor = Cursor::default();
    let (mut written, mut survived) = (0, 0);
    // The words of a long record are all alike.
    for stores in (0..90).chain((90..2700).step_by(29)) {
        let member = 100 + stores as u32;
        let shm = Shm::new(words, machine, member);
        // Every few of them begin anew, some need another block.
        let length = [4, 40, 9000][stores as usize % 3];
        let killed = killed_after(&shm, stores, |shm| {
            let mut tx = shm.begin();
            if stores % 4 == 3 {
                tx.begin_journal(&[record(written, 2)]).unwrap();
            } else {
                tx.add_to_journal(&record(written, length)).unwrap();
            }
            tx.commit().unwrap();
        });
        if killed {
            machine.bury(member);
        }
        let news = other.begin().read_journal(&mut cursor);
        match news.records.as_slice() {
            [] => assert!(killed, "a record is lost"),
            [one] => {
                assert!(*one == record(written, length) || *one == record(written, 2), "half a record");
                written += 1;
            }
            _ => panic!("more than one record"),
        }
        survived += i32::from(!killed);
    }
    assert!(survived > 50, "{survived} survived, {written} written");
    let again = other.begin().read_journal(&mut Cursor::default());
    assert!(again.anew);
}
