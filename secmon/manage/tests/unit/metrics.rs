use super::*;

#[test]
fn every_metric_is_there_for_every_sandbox() {
    let one = Usage { id: "1".into(), name: Some("a\"b".into()), cpu_seconds: 1.5, nt_calls: 7, ..Usage::default() };
    let two = Usage { id: "2".into(), read_bytes: Some(9), ..Usage::default() };
    let text = text(&[one, two], 3);
    assert!(
        text.contains("portcullis_sandboxes{state=\"running\"} 2\nportcullis_sandboxes{state=\"ended\"} 3\n"),
        "{text}"
    );
    assert!(text.contains("portcullis_cpu_seconds_total{id=\"1\",name=\"a\\\"b\"} 1.5\n"), "{text}");
    assert!(text.contains("portcullis_nt_calls_total{id=\"1\",name=\"a\\\"b\"} 7\n"), "{text}");
    assert!(text.contains("portcullis_read_bytes_total{id=\"2\",name=\"\"} 9\n"), "{text}");
    assert!(!text.contains("portcullis_read_bytes_total{id=\"1\""), "what the host does not tell is not there");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok() && name.starts_with("portcullis_"), "{line}");
        let bare = name.split('{').next().unwrap();
        assert!(text.contains(&format!("# TYPE {bare} ")), "{line}");
    }
}
