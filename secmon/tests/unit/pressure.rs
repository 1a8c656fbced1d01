use super::*;

#[test]
fn nothing_is_watched_at_first_and_after_memory_was_short() {
    let mut pressure = Pressure::begin();
    assert!(pressure.files(None).is_empty() && pressure.rest().is_some_and(|rest| rest <= FIRST));
    pressure.from = Instant::now();
    assert!(pressure.rest().is_none());
    // One file where the host tells, none where it does not.
    assert_eq!(pressure.files(None).len(), usize::from(watch(HOST).is_ok()));
    pressure.came();
    assert!(pressure.files(None).is_empty() && pressure.rest().is_some_and(|rest| rest > FIRST));
}

#[test]
fn what_is_no_pressure_file_is_refused() {
    assert!(watch("/proc/pressure/nothing").is_err());
    assert!(watch("/proc/self/status").is_err());
}
