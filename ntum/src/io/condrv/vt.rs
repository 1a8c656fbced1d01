//! Takes a program's output apart into text, controls and escape sequences (ECMA-48, and DEC's and xterm's of it).

/// A control sequence: `ESC [`, parameters, intermediates, last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Csi {
    /// `?`, `>`, `=`, `<` before the parameters.
    pub private: Option<char>,
    /// Parameters; what is left out is `None`.
    pub parameters: Vec<Option<u32>>,
    /// Bytes between parameters and last.
    pub intermediates: String,
    /// What the sequence does.
    pub last: char,
    /// All of it as it came.
    pub raw: String,
}

impl Csi {
    /// A parameter, or what stands for one that is left out.
    pub fn get(&self, index: usize, default: u32) -> u32 {
        self.parameters.get(index).copied().flatten().unwrap_or(default)
    }

    /// A count: at least 1, and no more than a screen can use.
    pub fn count(&self) -> i32 {
        self.get(0, 1).clamp(1, 0x7fff) as i32
    }
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A character to show.
    Print(char),
    /// A control character below 0x20, or 0x7f.
    Control(char),
    /// `ESC`, intermediates, last.
    Escape(String, char),
    /// A control sequence.
    Csi(Csi),
    /// An operating system command, without its introducer and end.
    Osc(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    Csi,
    Osc,
    OscEscape,
    /// DCS, SOS, PM, APC: swallowed.
    Other,
    OtherEscape,
}

/// Most characters of a sequence that are kept; a longer one is dropped whole.
const MAX_SEQUENCE: usize = 4096;
/// Most parameters of one control sequence.
const MAX_PARAMETERS: usize = 32;

/// The parser.
#[derive(Default)]
pub struct Parser {
    state: State,
    collected: String,
}

impl Parser {
    /// Takes one character.
    pub fn feed(&mut self, c: char) -> Option<Action> {
        // CAN and SUB end a sequence, ESC starts a new one, wherever they come.
        if matches!(c, '\x18' | '\x1a') && self.state != State::Ground {
            self.state = State::Ground;
            return None;
        }
        match self.state {
            State::Ground => match c {
                '\x1b' => self.start(State::Escape),
                c if c < ' ' || c == '\x7f' => Some(Action::Control(c)),
                // C1 controls: nothing that Windows programs send.
                '\u{80}'..='\u{9f}' => None,
                c => Some(Action::Print(c)),
            },
            State::Escape => match c {
                '\x1b' => self.start(State::Escape),
                '[' if self.collected.is_empty() => self.start(State::Csi),
                ']' if self.collected.is_empty() => self.start(State::Osc),
                'P' | 'X' | '^' | '_' if self.collected.is_empty() => self.start(State::Other),
                ' '..='/' if self.collected.len() < 4 => {
                    self.collected.push(c);
                    None
                }
                '0'..='~' => {
                    self.state = State::Ground;
                    Some(Action::Escape(std::mem::take(&mut self.collected), c))
                }
                c if c < ' ' => Some(Action::Control(c)),
                _ => self.start(State::Ground),
            },
            State::Csi => match c {
                '\x1b' => self.start(State::Escape),
                ' '..='?' => {
                    self.collect(c);
                    None
                }
                '@'..='~' => {
                    self.state = State::Ground;
                    parse(&std::mem::take(&mut self.collected), c).map(Action::Csi)
                }
                c if c < ' ' => Some(Action::Control(c)),
                _ => self.start(State::Ground),
            },
            State::Osc => match c {
                '\x1b' => {
                    self.state = State::OscEscape;
                    None
                }
                '\x07' => self.osc(),
                c if c < ' ' => None,
                c => {
                    self.collect(c);
                    None
                }
            },
            State::OscEscape => match c {
                '\\' => self.osc(),
                c => {
                    self.start(State::Escape);
                    self.feed(c)
                }
            },
            State::Other => {
                if c == '\x1b' {
                    self.state = State::OtherEscape;
                }
                None
            }
            State::OtherEscape => match c {
                '\\' => self.start(State::Ground),
                c => {
                    self.start(State::Escape);
                    self.feed(c)
                }
            },
        }
    }

    fn start(&mut self, state: State) -> Option<Action> {
        self.state = state;
        self.collected.clear();
        None
    }

    fn collect(&mut self, c: char) {
        if self.collected.len() < MAX_SEQUENCE {
            self.collected.push(c);
        } else if self.state == State::Csi {
            self.start(State::Ground);
        } else {
            self.start(State::Other);
        }
    }

    fn osc(&mut self) -> Option<Action> {
        self.state = State::Ground;
        Some(Action::Osc(std::mem::take(&mut self.collected)))
    }
}

fn parse(body: &str, last: char) -> Option<Csi> {
    let private = body.chars().next().filter(|c| matches!(c, '<'..='?'));
    let rest = &body[private.map_or(0, char::len_utf8)..];
    let split = rest.find(|c: char| (' '..='/').contains(&c)).unwrap_or(rest.len());
    let (numbers, intermediates) = rest.split_at(split);
    if intermediates.contains(|c: char| !(' '..='/').contains(&c)) || numbers.contains(|c: char| c > ';') {
        return None;
    }
    let mut parameters = Vec::new();
    for number in numbers.split([';', ':']).take(MAX_PARAMETERS) {
        parameters.push(if number.is_empty() { None } else { Some(number.parse().unwrap_or(u32::MAX)) });
    }
    if numbers.is_empty() {
        parameters.clear();
    }
    let raw = format!("\x1b[{body}{last}");
    Some(Csi { private, parameters, intermediates: intermediates.into(), last, raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Action> {
        let mut parser = Parser::default();
        text.chars().filter_map(|c| parser.feed(c)).collect()
    }

    #[test]
    fn sequences() {
        let csi = |raw: &str, private, parameters: &[Option<u32>], intermediates: &str, last| {
            let (parameters, intermediates) = (parameters.to_vec(), intermediates.to_owned());
            Action::Csi(Csi { private, parameters, intermediates, last, raw: raw.into() })
        };
        assert_eq!(
            all("a\x1b[;5Hb\x1b[?25l\x1b[2 q\x1b[m"),
            vec![
                Action::Print('a'),
                csi("\x1b[;5H", None, &[None, Some(5)], "", 'H'),
                Action::Print('b'),
                csi("\x1b[?25l", Some('?'), &[Some(25)], "", 'l'),
                csi("\x1b[2 q", None, &[Some(2)], " ", 'q'),
                csi("\x1b[m", None, &[], "", 'm'),
            ]
        );
        assert_eq!(all("\x1b]0;t\x07\x1b]2;u\x1b\\"), vec![Action::Osc("0;t".into()), Action::Osc("2;u".into())]);
        assert_eq!(all("\x1b(0\x1bM"), vec![Action::Escape("(".into(), '0'), Action::Escape(String::new(), 'M')]);
    }

    #[test]
    fn what_is_broken_is_dropped() {
        assert_eq!(all("\x1b[12\x18x"), vec![Action::Print('x')]);
        assert_eq!(all("\x1bPq#0\x1b\\x"), vec![Action::Print('x')]);
        assert_eq!(all("\x1b[1?2hx"), vec![Action::Print('x')]);
        let long = format!("\x1b]0;{}\x07x", "y".repeat(2 * MAX_SEQUENCE));
        assert_eq!(all(&long).len(), 0, "a command that never ends in time swallows until ST");
        assert_eq!(all("\x1b[99999999999999999999A").len(), 1);
    }

    #[test]
    fn controls_work_inside_sequences() {
        let mut expected = vec![Action::Control('\n')];
        expected.extend(all("\x1b[2A"));
        let got = all("\x1b[2\nA");
        assert_eq!(got, expected);
    }
}
