//! Registration scripts: the `WINE_REGISTRY` resources of the DLLs, in the language of ATL's registrar.
//!
//! ```text
//! script = { root "{" keys "}" }
//! keys   = { [ "NoRemove" | "ForceRemove" | "Delete" ] name [ "=" value ] [ "{" keys "}" ] | "val" name "=" value }
//! value  = "s" text | "d" decimal | "b" hex digits
//! ```
//! (Microsoft, "Creating Registrar Scripts".) A word ends at white space; one in quotes ends at the quote, '' standing for '.

use super::registry::{Registry, kind, text_bytes, utf16};
use anyhow::{Context, Result, bail};

/// Runs a script. `replacements` are the names that `%name%` may hold, with what they stand for.
///
/// # Errors
/// A script that does not follow the language; what came before the error stays done.
pub fn run(script: &str, replacements: &[(&str, &str)], registry: &mut Registry) -> Result<()> {
    let script = replace(script, replacements)?;
    let mut words = Words { rest: script.trim_start() };
    while !words.rest.is_empty() {
        let root = words.next()?;
        let path = registry.root(&root).with_context(|| format!("{root:?} is no root key"))?;
        if words.next()? != "{" {
            bail!("no '{{' after {root}");
        }
        keys(&mut words, &path, registry)?;
    }
    Ok(())
}

fn replace(script: &str, replacements: &[(&str, &str)]) -> Result<String> {
    let mut out = String::with_capacity(script.len() + 1024);
    let mut rest = script.trim_end_matches('\0');
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (name, after) = after.split_once('%').context("a '%' without its second")?;
        if name.is_empty() {
            out.push('%');
        } else {
            let known = replacements.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            out.push_str(known.with_context(|| format!("%{name}% stands for nothing"))?.1);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    /// The next word, empty at the end.
    fn next(&mut self) -> Result<String> {
        let mut word = String::new();
        if let Some(start @ ('}' | '=')) = self.rest.chars().next() {
            word.push(start);
            self.rest = &self.rest[1..];
        } else if let Some(mut rest) = self.rest.strip_prefix('\'') {
            loop {
                let (text, after) = rest.split_once('\'').context("a quote that does not end")?;
                word.push_str(text);
                rest = after;
                match rest.strip_prefix('\'') {
                    Some(after) => {
                        word.push('\'');
                        rest = after;
                    }
                    None => break,
                }
            }
            self.rest = rest;
        } else {
            let (text, after) = self.rest.split_at(self.rest.find(char::is_whitespace).unwrap_or(self.rest.len()));
            word.push_str(text);
            self.rest = after;
        }
        self.rest = self.rest.trim_start();
        Ok(word)
    }

    /// Whether a block of subkeys begins here.
    fn at_block(&self) -> bool {
        self.rest.strip_prefix('{').is_some_and(|after| after.starts_with(char::is_whitespace))
    }
}

fn keys(words: &mut Words, path: &str, registry: &mut Registry) -> Result<()> {
    loop {
        let mut word = words.next()?;
        if word == "}" {
            return Ok(());
        }
        if word.is_empty() && words.rest.is_empty() {
            bail!("a block that does not end");
        }
        let modifier = word.to_ascii_lowercase();
        let modifier = match modifier.as_str() {
            "noremove" | "forceremove" | "val" | "delete" => {
                word = words.next()?;
                modifier.as_str()
            }
            _ => "",
        };
        let below = format!("{path}\\{word}");
        if modifier == "delete" {
            registry.remove(&below);
            continue;
        }
        let (target, name) = if modifier == "val" {
            (path, word.as_str())
        } else {
            if modifier == "forceremove" {
                registry.remove(&below);
            }
            registry.key(&below);
            (below.as_str(), "")
        };
        if words.rest.starts_with('=') {
            words.next()?;
            let (kind, data) = value(words)?;
            registry.key(target).set(&utf16(name), kind, data);
        } else if modifier == "val" {
            bail!("value {word} without '='");
        }
        if modifier != "val" && words.at_block() {
            words.next()?;
            keys(words, &below, registry)?;
        }
    }
}

fn value(words: &mut Words) -> Result<(u32, Vec<u8>)> {
    let letter = words.next()?;
    let word = words.next()?;
    Ok(match letter.as_str() {
        "s" => (kind::SZ, text_bytes(&word)),
        "d" => {
            (kind::DWORD, word.parse::<u32>().with_context(|| format!("{word:?} is no number"))?.to_le_bytes().into())
        }
        "b" => {
            let digits: Vec<char> = word.chars().collect();
            let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16));
            (
                kind::BINARY,
                bytes.collect::<Result<_, _>>().with_context(|| format!("{word:?} is not made of hex digits"))?,
            )
        }
        _ => bail!("{letter:?} is no type of value"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_one(script: &str) -> Result<Registry> {
        let mut registry = Registry::new("S-1", 1);
        run(script, &[("MODULE", "C:\\m.dll")], &mut registry).map(|()| registry)
    }

    #[test]
    fn keys_values_and_replacements() {
        let registry = run_one(
            "HKCR\n{\n NoRemove CLSID\n {\n '{1-2}' = s 'It''s'\n {\n InprocServer32 = s '%MODULE%' { val Model = s 'Both' }\n\
             val N = d '17'\n val B = b '01ff'\n '100%%' = d 1 } } }\nHKLM { NoRemove Software { A { B { } } Delete A } }",
        )
        .unwrap();
        let class = registry.find("Machine\\Software\\Classes\\clsid\\{1-2}").unwrap();
        assert_eq!(class.value(&[]), Some((1, text_bytes("It's").as_slice())));
        assert_eq!(class.value(&utf16("n")), Some((4, &[17, 0, 0, 0][..])));
        assert_eq!(class.value(&utf16("b")), Some((3, &[1, 255][..])));
        let server = class.find(&utf16("InprocServer32")).unwrap();
        assert_eq!(server.value(&[]), Some((1, text_bytes("C:\\m.dll").as_slice())));
        assert_eq!(server.value(&utf16("Model")), Some((1, text_bytes("Both").as_slice())));
        assert!(class.find(&utf16("100%")).is_some());
        assert!(registry.find("Machine\\Software\\A").is_none());
    }

    #[test]
    fn what_does_not_follow_the_language_is_refused() {
        for bad in
            ["HKXX { }", "HKCR", "HKCR { a", "HKCR { 'a }", "HKCR { a = x 1 }", "HKCR { val a }", "HKCR { %NO% }", "%"]
        {
            assert!(run_one(bad).is_err(), "{bad}");
        }
    }
}
