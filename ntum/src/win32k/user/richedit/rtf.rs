//! RTF as riched20 writes it in UTF-8 (Wine 10's `dlls/riched20/writer.c`): formats for a text that is known.

use super::document::{Align, Border, Builder, Cell, Document, Font, Format, Label, Picture, Spacing, Style, Tab};

/// What a group's text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Text,
    Fonts,
    Colours,
    Label,
    Numbering,
    Picture,
    Nothing,
}

/// Fonts and colours at most, as many as riched20 has.
const MOST_FONTS: usize = 8192;
const MOST_COLOURS: usize = 1024;
/// Cells, tabs: more are passed over.
const MOST_CELLS: usize = 1024;
/// Groups within each other, at most.
const DEEPEST: usize = 256;

struct Parser {
    to: Builder,
    means: Means,
    outer: Vec<(Means, Style)>,
    font: usize,
    colours: Vec<u32>,
    /// The colour that comes next.
    colour: [u8; 3],
    label: Label,
    picture: Picture,
    /// The first of two digits.
    digit: Option<u8>,
    /// The tab's and the cell's that come next.
    tab: Tab,
    cell: Cell,
    /// Which of its borders is meant, and whether it is that of all of the row's.
    side: (usize, bool),
    /// Borders of all of a row's cells.
    borders: [Border; 4],
    /// `\sl`.
    spacing: i32,
}

/// The document that a control's text and its RTF make.
pub fn read(bytes: &[u8], text: Vec<u16>) -> Document {
    let mut parser = Parser {
        to: Builder::new(text),
        means: Means::Text,
        outer: Vec::new(),
        font: 0,
        colours: Vec::new(),
        colour: [0; 3],
        label: Label::default(),
        picture: Picture::default(),
        digit: None,
        tab: Tab::Left,
        cell: Cell::default(),
        side: (0, false),
        borders: Default::default(),
        spacing: 0,
    };
    parser.to.style.size = 24;
    parser.all(bytes);
    parser.to.end()
}

impl Parser {
    fn all(&mut self, mut rest: &[u8]) {
        while let Some((first, behind)) = rest.split_first() {
            rest = match first {
                b'{' => {
                    if self.outer.len() >= DEEPEST {
                        return;
                    }
                    self.outer.push((self.means, self.to.style));
                    behind
                }
                b'}' => {
                    self.close();
                    behind
                }
                b'\r' | b'\n' | 0 => behind,
                b'\\' => self.control(behind),
                _ => {
                    let length = rest.iter().position(|byte| b"\\{}\r\n\0".contains(byte)).unwrap_or(rest.len());
                    let (text, behind) = rest.split_at(length);
                    self.text(&String::from_utf8_lossy(text));
                    behind
                }
            };
        }
    }

    fn close(&mut self) {
        let Some((means, style)) = self.outer.pop() else { return };
        let inner = core::mem::replace(&mut self.means, means);
        match inner {
            Means::Picture if means != inner => self.to.picture(core::mem::take(&mut self.picture)),
            Means::Label if means != inner => self.to.label = Some(core::mem::take(&mut self.label)),
            _ => {}
        }
        if inner != Means::Text {
            self.to.style = style;
        }
    }

    fn text(&mut self, text: &str) {
        match self.means {
            Means::Text => text.encode_utf16().for_each(|unit| self.to.unit(unit)),
            Means::Fonts => {
                let name = text.trim_end_matches(';');
                if let Some(font) = self.to.document.fonts.get_mut(self.font) {
                    font.name.extend(name.encode_utf16().take(32));
                }
            }
            Means::Colours => {
                for _ in text.chars().filter(|letter| *letter == ';').take(MOST_COLOURS - self.colours.len()) {
                    let [red, green, blue] = self.colour;
                    self.colours.push(u32::from_le_bytes([red, green, blue, 0]));
                }
            }
            Means::Label => self.label.text.extend(text.encode_utf16().take(64)),
            Means::Picture => {
                for digit in text.chars().filter_map(|letter| letter.to_digit(16)) {
                    let digit = digit as u8;
                    match self.digit.take() {
                        Some(high) => self.picture.bytes.push(high << 4 | digit),
                        None => self.digit = Some(digit),
                    }
                }
            }
            Means::Numbering | Means::Nothing => {}
        }
    }

    /// A control word or symbol, whose backslash was taken; what follows.
    fn control<'b>(&mut self, rest: &'b [u8]) -> &'b [u8] {
        let letters = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        let Some((word, behind)) = rest.split_at_checked(letters).filter(|(word, _)| !word.is_empty()) else {
            let Some((symbol, behind)) = rest.split_first() else { return rest };
            match symbol {
                b'\\' | b'{' | b'}' => self.text(char::from(*symbol).encode_utf8(&mut [0; 4])),
                // A byte in two digits: only of what is passed over.
                b'\'' => return behind.get(2..).unwrap_or_default(),
                _ => {}
            }
            return behind;
        };
        // riched20 writes a sign before numbers that have one.
        let sign = behind.iter().take(2).take_while(|byte| **byte == b'-').count();
        let digits = behind.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, behind) = behind.split_at(if digits == 0 { 0 } else { sign + digits });
        let number = number.strip_prefix(b"-").filter(|number| number.starts_with(b"-")).unwrap_or(number);
        let value = core::str::from_utf8(number).ok().and_then(|number| number.parse::<i32>().ok());
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        self.word(word, value);
        behind
    }

    fn word(&mut self, word: &[u8], value: Option<i32>) {
        let number = value.unwrap_or(0);
        let index = usize::try_from(number).unwrap_or(0);
        match word {
            b"fonttbl" => self.means = Means::Fonts,
            b"colortbl" => self.means = Means::Colours,
            b"pntext" => self.means = Means::Label,
            b"pn" => self.means = Means::Numbering,
            b"pict" => {
                (self.means, self.digit) = (Means::Picture, None);
                self.picture = Picture::default();
            }
            b"generator" | b"nesttableprops" | b"nonesttables" | b"pntxta" | b"pntxtb" => self.means = Means::Nothing,
            b"picwgoal" => self.picture.size.0 = number,
            b"pichgoal" => self.picture.size.1 = number,
            b"pnindent" => self.to.format.number = number,
            b"red" | b"green" | b"blue" => {
                let [red, green, blue] = &mut self.colour;
                let part = match word {
                    b"red" => red,
                    b"green" => green,
                    _ => blue,
                };
                *part = u8::try_from(number).unwrap_or(0);
            }
            b"f" if self.means == Means::Fonts => {
                self.font = index;
                let fonts = &mut self.to.document.fonts;
                if index < MOST_FONTS && fonts.len() <= index {
                    fonts.resize(index + 1, Font { name: Vec::new(), charset: 1 });
                }
            }
            b"fcharset" => {
                if let Some(font) = self.to.document.fonts.get_mut(self.font) {
                    font.charset = u8::try_from(number).unwrap_or(1);
                }
            }
            b"f" if self.means == Means::Label => self.label.font = index,
            _ if self.means == Means::Text => self.format(word, value),
            _ => {}
        }
    }

    /// What is about characters, paragraphs and tables.
    fn format(&mut self, word: &[u8], value: Option<i32>) {
        let (on, number) = (value != Some(0), value.unwrap_or(0));
        let colour = usize::try_from(number).ok().filter(|index| *index != 0);
        let colour = colour.and_then(|index| self.colours.get(index).copied());
        let (style, format) = (&mut self.to.style, &mut self.to.format);
        match word {
            b"f" => style.font = usize::try_from(number).unwrap_or(0),
            b"fs" => style.size = number,
            b"b" => style.bold = on,
            b"i" => style.italic = on,
            b"strike" => style.strike_out = on,
            b"v" => style.hidden = on,
            b"ul" | b"uld" | b"uldb" | b"ulw" => style.underline = on,
            b"ulnone" => style.underline = false,
            b"super" => style.script = 1,
            b"sub" => style.script = -1,
            b"nosupersub" => style.script = 0,
            // riched20 writes twips here, and in its paragraphs' indents what PARAFORMAT has.
            b"up" => style.raised = number,
            b"dn" => style.raised = number.saturating_neg(),
            b"expndtw" => style.spacing = number,
            b"cf" => style.colour = colour,
            b"highlight" => style.back = colour,

            b"pard" => *format = Format::default(),
            b"qr" => format.align = Align::Right,
            b"qc" => format.align = Align::Centre,
            b"qj" => format.align = Align::Justify,
            b"fi" => format.first = number,
            b"li" => format.offset = number,
            b"ri" => format.right = number,
            b"sb" => format.before = number,
            b"sa" => format.after = number,
            b"sl" => self.spacing = number,
            b"slmult" => {
                format.spacing = match (number, self.spacing) {
                    (0, height @ ..0) => Spacing::Exactly(height.saturating_neg()),
                    (0, height) => Spacing::AtLeast(height),
                    (_, 240 | -240) => Spacing::Single,
                    (_, parts) => Spacing::Multiple(parts.saturating_abs()),
                }
            }
            b"pagebb" => format.breaks = true,
            b"rtlpar" => format.mirrored = true,
            b"tqc" => self.tab = Tab::Centre,
            b"tqr" => self.tab = Tab::Right,
            b"tqdec" => self.tab = Tab::Decimal,
            b"tx" => {
                let tab = core::mem::take(&mut self.tab);
                if format.tabs.len() < MOST_CELLS {
                    format.tabs.push((number, tab));
                }
            }

            b"tab" => self.to.unit(9),
            b"line" => self.to.line_break(),
            b"par" => self.to.paragraph(),
            b"nestcell" => self.to.nested_cell(),
            b"cell" => self.to.cell(),
            b"row" => self.to.row(),
            b"trowd" => {
                self.to.row_begins();
                (self.cell, self.borders, self.side) = (Cell::default(), Default::default(), (0, false));
            }
            _ => self.table(word, number, colour),
        }
    }

    fn table(&mut self, word: &[u8], number: i32, colour: Option<u32>) {
        let Some((row, _)) = &mut self.to.row else { return };
        match word {
            b"trgaph" => row.gap = number,
            b"trleft" => row.left = number,
            b"clbrdrt" => self.side = (0, false),
            b"trbrdrt" => self.side = (0, true),
            b"clbrdrl" => self.side = (1, false),
            b"trbrdrl" => self.side = (1, true),
            b"clbrdrb" => self.side = (2, false),
            b"trbrdrb" => self.side = (2, true),
            b"clbrdrr" => self.side = (3, false),
            b"trbrdrr" => self.side = (3, true),
            b"brdrw" | b"brdrcf" => {
                let (side, whole) = self.side;
                let Some(border) = self.cell.borders.get_mut(side) else { return };
                match word {
                    b"brdrw" => border.width = number,
                    _ => border.colour = colour.unwrap_or(0),
                }
                if let Some(of_all) = self.borders.get_mut(side).filter(|_| whole) {
                    *of_all = *border;
                }
            }
            b"cellx" => {
                let next = Cell { borders: self.borders, ..Cell::default() };
                let cell = Cell { right: number, ..core::mem::replace(&mut self.cell, next) };
                if row.cells.len() < MOST_CELLS {
                    row.cells.push(cell);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Block;
    use super::*;

    fn document(rtf: &str, text: &str) -> Document {
        read(rtf.as_bytes(), text.encode_utf16().collect())
    }

    #[test]
    fn what_riched20_writes_is_read() {
        let rtf = "{\\urtf\\deff0{\\fonttbl{\\f0 Tahoma;}{\\f1\\fcharset2 Symbol;}}\r\n{\\colortbl;\\red255\\green0\\blue16;}\r\n\
                   {\\*\\generator Wine Riched20 2.0;}\r\n\\pard\\qc\\fi100\\li200\\tqr\\tx1440 \\f0\\fs20 plain \\b\\cf1 bold\\par\r\n\
                   \\pard{\\pntext\\f1 \u{b7}\\tab}{\\*\\pn\\pnlvlblt\\pnf1\\pnindent360{\\pntxtb\\'b7}} \\b0\\cf0 \u{20ac}\\{\\tab x\\par\r\n}\0";
        let document = document(rtf, "plain bold\r\u{20ac}{\tx");
        assert_eq!(document.fonts[0].name, "Tahoma".encode_utf16().collect::<Vec<_>>());
        assert_eq!((document.fonts[1].charset, document.blocks.len()), (2, 2));
        let (plain, bold) = (document.style(0).0, document.style(6).0);
        assert_eq!((plain.size, plain.bold, plain.colour), (20, false, None));
        assert_eq!((bold.bold, bold.colour), (true, Some(0x10_00ff)));
        let [Block::Paragraph(first), Block::Paragraph(second)] = &document.blocks[..] else { panic!() };
        assert_eq!((first.format.align, first.format.first, first.format.offset), (Align::Centre, 100, 200));
        assert_eq!(first.format.tabs, [(1440, Tab::Right)]);
        assert_eq!((second.format.align, second.format.number), (Align::Left, 360));
        assert_eq!(second.label, Some(Label { text: vec![0xb7], font: 1 }));
        assert_eq!((second.start, second.end, document.style(11).0.bold), (11, 15, false));
    }

    #[test]
    fn a_picture_stands_where_its_mark_does() {
        let rtf = "{\\urtf a{\\*\\shppict{\\pict\\emfblip\\picw1\\pich1\\picwgoal30\\pichgoal40\n0a\nfF}}b\\par}";
        let document = document(rtf, "a\u{fffc}b");
        assert_eq!(document.picture(1), Some(&Picture { size: (30, 40), bytes: vec![10, 255] }));
        assert_eq!(document.blocks[0].range(), (0, 3));
        assert_eq!(self::document(rtf, "a b"), document);
    }

    #[test]
    fn a_table_is_read() {
        let rtf = "{\\urtf\\trowd\\trgaph100\\trleft-100\\clbrdrt\\brdrs\\brdrw15\\cellx1000\\cellx2000\\pard\\intbl a\\cell b\\cell \\row\r\n\\pard c\\par}";
        let document = document(rtf, "\r\na\u{7}b\u{7}\r\nc");
        let [Block::Row(row), Block::Paragraph(_)] = &document.blocks[..] else { panic!("{document:?}") };
        assert_eq!((row.start, row.next, row.gap, row.left, row.cells.len()), (0, 8, 100, -100, 2));
        assert_eq!((row.cells[0].right, row.cells[0].borders[0].width), (1000, 15));
        assert_eq!(document.blocks[1].range(), (8, 9));
    }

    #[test]
    fn nonsense_is_passed_over() {
        assert_eq!(document("\\sl--360\\slmult0 x\\par", "x").blocks.len(), 1);
        for rtf in [
            "",
            "}}}}",
            "{{{{\\",
            "\\'",
            "\\f-3\\fs99999999999\\cf7 x",
            "\\row\\cell\\par\\cellx",
            "{\\pict zz",
            "{\\colortbl;;;\\f9",
        ] {
            document(rtf, "x\r\n\u{7}");
        }
        document(&"{".repeat(5000), "x");
    }
}
