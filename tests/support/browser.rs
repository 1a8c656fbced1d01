//! A browser without a screen: Chromium, driven by its DevTools protocol through a pipe.

use crate::picture::Picture;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// As large as its pages are.
const SIZE: (u32, u32) = (1000, 700);

/// A browser with one page; it ends with this value.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    page: String,
    count: u64,
    _folder: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // One that ended by itself is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Starts one; `None` if Chromium is not installed.
    ///
    /// # Panics
    /// If it is and does not start.
    pub fn start() -> Option<Browser> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("chromium").is_file()) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder for the browser: {e}"));
        // It reads from the third descriptor and writes to the fourth.
        let command = format!(
            "exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --remote-debugging-pipe \
             --user-data-dir={} --window-size={},{} about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            folder.path().display(),
            SIZE.0,
            SIZE.1
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).stdin(Stdio::piped()).stdout(Stdio::piped()).env("HOME", folder.path());
        let mut child = shell.spawn().unwrap_or_else(|e| panic!("the browser: {e}"));
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            panic!("the browser has no pipes")
        };
        let mut browser =
            Browser { child, to, from: BufReader::new(from), page: String::new(), count: 0, _folder: folder };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let page = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.page = page["sessionId"].as_str().unwrap_or_else(|| panic!("{page}")).to_owned();
        let (width, height) = SIZE;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", size);
        browser.call("Emulation.setFocusEmulationEnabled", json!({"enabled": true}));
        Some(browser)
    }

    /// Says something to it; what it answers.
    ///
    /// # Panics
    /// If it answers an error, or is gone.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// As [`Browser::call`]; an error is answered.
    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.count += 1;
        let mut message = json!({"id": self.count, "method": method, "params": parameters});
        if !self.page.is_empty() && !method.starts_with("Target.") && !method.starts_with("Browser.") {
            message["sessionId"] = self.page.as_str().into();
        }
        let sent = self.to.write_all(format!("{message}\0").as_bytes());
        sent.unwrap_or_else(|e| panic!("the browser is gone: {e}"));
        loop {
            let mut bytes = Vec::new();
            let read = self.from.read_until(0, &mut bytes);
            assert!(read.is_ok_and(|count| count > 0), "the browser is gone");
            bytes.pop();
            let value: Value = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("the browser: {e}"));
            if value["id"] == self.count {
                return if value["error"].is_null() {
                    Ok(value["result"].clone())
                } else {
                    Err(value["error"].clone())
                };
            }
        }
    }

    /// Opens a page.
    #[track_caller]
    pub fn go(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": address}));
    }

    /// What a script says, once it has been waited for; nothing while the browser goes to another page.
    #[track_caller]
    pub fn says(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        self.ask("Runtime.evaluate", asked).map_or(Value::Null, |said| said["result"]["value"].clone())
    }

    /// What the page looks like; `None` while the browser goes to another one.
    ///
    /// # Panics
    /// If that is no picture.
    #[track_caller]
    pub fn picture(&mut self) -> Option<Picture> {
        let shot = self.ask("Page.captureScreenshot", json!({"format": "png"})).ok()?;
        let bytes = decoded(shot["data"].as_str().unwrap_or_default());
        let picture = image::load_from_memory(&bytes).unwrap_or_else(|e| panic!("the browser's picture: {e}"));
        Some(picture.to_rgb8())
    }

    /// Presses a key and lets go of it: as the protocol names it, with what it types and what the browser does of its own.
    #[track_caller]
    pub fn key(&mut self, code: &str, key: &str, modifiers: u32, does: &[&str]) {
        for kind in ["rawKeyDown", "keyUp"] {
            let commands = if kind == "keyUp" { &[] } else { does };
            let pressed = json!({"type": kind, "code": code, "key": key, "modifiers": modifiers, "commands": commands,
                "windowsVirtualKeyCode": u32::from(key.to_uppercase().as_bytes().first().copied().unwrap_or(0))});
            self.call("Input.dispatchKeyEvent", pressed);
        }
    }

    /// Clicks.
    #[track_caller]
    pub fn click(&mut self, x: u32, y: u32, button: &str) {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let pressed = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", pressed);
        }
    }
}

/// Bytes of base64 (RFC 4648).
fn decoded(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for six in text.bytes().filter_map(value) {
        (bits, held) = (bits << 6 | u32::from(six), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        for (text, want) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(decoded(text), want.as_bytes());
        }
    }
}
