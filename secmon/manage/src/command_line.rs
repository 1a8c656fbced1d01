//! Command lines as Windows has them: one text, taken apart by the rules of its C runtime.

/// Takes a command line apart: blanks separate, quotes hold together, a backslash counts only in front of a quote, and two quotes
/// within quotes are one.
pub fn split(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t']);
    // The program's own name knows no backslashes: quotes alone hold it together.
    if let Some(quoted) = rest.strip_prefix('"') {
        let (name, after) = quoted.split_once('"').unwrap_or((quoted, ""));
        out.push(name.to_owned());
        rest = after;
    } else if !rest.is_empty() {
        let (name, after) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
        out.push(name.to_owned());
        rest = after;
    }
    let mut characters = rest.chars().peekable();
    let mut word: Option<String> = None;
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let mut count = 1;
                while characters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let word = word.get_or_insert_default();
                if characters.peek() == Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        characters.next();
                        word.push('"');
                    }
                } else {
                    word.extend(std::iter::repeat_n('\\', count));
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                if quoted && characters.next_if_eq(&'"').is_some() {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            ' ' | '\t' if !quoted => out.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    out.extend(word);
    out
}

/// The arguments that run a command: a script goes to the command interpreter, which takes the text as it stands.
pub fn arguments(command: &str) -> Vec<String> {
    let words = split(command);
    let script = words.first().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        [".cmd", ".bat"].iter().any(|end| name.ends_with(end))
    });
    if script {
        let mut all = vec!["cmd.exe".to_owned(), "/c".to_owned()];
        all.extend(words);
        return all;
    }
    words
}

#[cfg(test)]
#[path = "../tests/unit/command_line.rs"]
mod tests;
