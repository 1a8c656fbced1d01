use super::*;

#[test]
fn requests_are_answered_by_their_first_line() {
    let ask = |line: &str| answer(line, || Ok("text\n".into()));
    assert!(ask("GET /metrics HTTP/1.1\r\n").ends_with("Content-Length: 5\r\nConnection: close\r\n\r\ntext\n"));
    assert!(ask("GET /metrics?a=b HTTP/1.1\r\n").starts_with("HTTP/1.1 200 "));
    for (line, status) in
        [("GET / HTTP/1.1\r\n", "404"), ("POST /metrics HTTP/1.1\r\n", "405"), ("\r\n", "400"), ("", "400")]
    {
        assert!(ask(line).starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
    }
    assert!(answer("GET /metrics x", || anyhow::bail!("broken")).starts_with("HTTP/1.1 500 "));
}

#[test]
fn it_is_served_over_a_connection() {
    let top = tempfile::tempdir().unwrap();
    let store = Store::at(top.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    serve(listener.accept().unwrap().0, &store).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert!(text.contains("portcullis_sandboxes{state=\"running\"} 0\n"), "{text}");
}
