//! A control's text with its formats. Lengths are in twips, positions are the control's own.

/// How characters look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Which of the document's fonts.
    pub font: usize,
    /// Height in half points.
    pub size: i32,
    /// Bold.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
    /// Struck out.
    pub strike_out: bool,
    /// Underlined.
    pub underline: bool,
    /// Not shown.
    pub hidden: bool,
    /// 1: superscript, -1: subscript.
    pub script: i8,
    /// How much higher than others of its line.
    pub raised: i32,
    /// What each character has more.
    pub spacing: i32,
    /// Colour: COLORREF.
    pub colour: Option<u32>,
    /// What it stands on.
    pub back: Option<u32>,
}

/// A typeface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Font {
    /// Its name.
    pub name: Vec<u16>,
    /// *_CHARSET.
    pub charset: u8,
}

/// Where lines stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// At the left.
    #[default]
    Left,
    /// At the right.
    Right,
    /// In the middle.
    Centre,
    /// From end to end.
    Justify,
}

/// How far lines are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// As high as they are.
    #[default]
    Single,
    /// So many 240ths of that.
    Multiple(i32),
    /// At least so high.
    AtLeast(i32),
    /// Just so high.
    Exactly(i32),
}

/// What stands at a tab's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// What follows begins there.
    #[default]
    Left,
    /// Its middle.
    Centre,
    /// It ends there.
    Right,
    /// Its decimal point.
    Decimal,
}

/// How a paragraph stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Format {
    /// Of its lines.
    pub align: Align,
    /// Where the first line begins: dxStartIndent.
    pub first: i32,
    /// How far to the right of that others do: dxOffset.
    pub offset: i32,
    /// Of the right edge.
    pub right: i32,
    /// Above it.
    pub before: i32,
    /// Below.
    pub after: i32,
    /// Of its lines.
    pub spacing: Spacing,
    /// Where tabs lead.
    pub tabs: Vec<(i32, Tab)>,
    /// What a number or a bullet takes: wNumberingTab.
    pub number: i32,
    /// Whether it begins a page.
    pub breaks: bool,
    /// Whether it is read from the right.
    pub mirrored: bool,
}

/// A paragraph's number or bullet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    /// What is shown.
    pub text: Vec<u16>,
    /// In which font; the style is the paragraph's otherwise.
    pub font: usize,
}

/// A paragraph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paragraph {
    /// Its first character.
    pub start: usize,
    /// Its end's.
    pub end: usize,
    /// The next paragraph's first.
    pub next: usize,
    /// How it stands.
    pub format: Format,
    /// Its number.
    pub label: Option<Label>,
}

/// A line around a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Border {
    /// How wide; 0: none.
    pub width: i32,
    /// COLORREF.
    pub colour: u32,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// Its right edge.
    pub right: i32,
    /// Above, at the left, below, at the right.
    pub borders: [Border; 4],
    /// What stands in it.
    pub paragraphs: Vec<Paragraph>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Its first character.
    pub start: usize,
    /// The first one behind.
    pub next: usize,
    /// Its left edge.
    pub left: i32,
    /// Half of what lies between texts of two cells.
    pub gap: i32,
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// What stands one below the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Paragraph),
    /// A row of a table.
    Row(Row),
}

impl Block {
    /// First character, and the first one behind.
    pub fn range(&self) -> (usize, usize) {
        match self {
            Block::Paragraph(paragraph) => (paragraph.start, paragraph.next),
            Block::Row(row) => (row.start, row.next),
        }
    }
}

/// A picture within the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Its size.
    pub size: (i32, i32),
    /// An enhanced metafile.
    pub bytes: Vec<u8>,
}

/// A control's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// UTF-16, by position.
    pub text: Vec<u16>,
    /// From which position on characters look how, in order.
    pub styles: Vec<(usize, Style)>,
    /// Fonts by their numbers.
    pub fonts: Vec<Font>,
    /// Blocks in order.
    pub blocks: Vec<Block>,
    /// Pictures in order.
    pub pictures: Vec<(usize, Picture)>,
}

impl Document {
    /// How the character at a position looks, and where the next one begins that looks otherwise.
    pub fn style(&self, at: usize) -> (Style, usize) {
        let behind = self.styles.partition_point(|(from, _)| *from <= at);
        let style = self.styles.get(behind.saturating_sub(1)).map_or(Style::default(), |(_, style)| *style);
        (style, self.styles.get(behind).map_or(usize::MAX, |(from, _)| *from))
    }

    /// The picture at a position.
    pub fn picture(&self, at: usize) -> Option<&Picture> {
        let index = self.pictures.binary_search_by_key(&at, |(at, _)| *at).ok()?;
        self.pictures.get(index).map(|(_, picture)| picture)
    }
}

/// Puts formats to a text that is known: what is told of it comes in the text's order.
#[derive(Debug, Default)]
pub struct Builder {
    /// What is made.
    pub document: Document,
    /// Of characters that come now.
    pub style: Style,
    /// Of the paragraph that comes or is under way.
    pub format: Format,
    /// Its number.
    pub label: Option<Label>,
    /// The row that is under way, and its cell.
    pub row: Option<(Row, usize)>,
    at: usize,
    start: usize,
}

/// How far what is told and the text may be apart: the marks of a table's row.
const APART: usize = 6;

/// Paragraph ends, a table's cells, and breaks of lines as the text has them.
const ENDS: &[u16] = &[13, 10];
const CELLS: &[u16] = &[7, 9];
const BREAKS: &[u16] = &[11, 10, 13];
/// What stands for a picture.
const OBJECT: u16 = 0xfffc;

impl Builder {
    /// Of a text.
    pub fn new(text: Vec<u16>) -> Builder {
        Builder { document: Document { text, ..Document::default() }, ..Builder::default() }
    }

    /// Goes to the next of these units that is near; where it stood.
    fn find(&mut self, units: &[u16]) -> Option<usize> {
        let near = self.document.text.get(self.at..)?.iter().take(APART);
        let at = self.at + near.into_iter().position(|unit| units.contains(unit))?;
        self.at = at + 1;
        Some(at)
    }

    /// A character.
    pub fn unit(&mut self, unit: u16) {
        let Some(at) = self.find(&[unit]) else { return };
        self.look(at);
    }

    /// A line's end within a paragraph.
    pub fn line_break(&mut self) {
        if let Some(at) = self.find(BREAKS) {
            self.look(at);
        }
    }

    /// A picture.
    pub fn picture(&mut self, picture: Picture) {
        // riched20 has a space there.
        let Some(at) = self.find(&[OBJECT, 0x20]) else { return };
        self.look(at);
        if let Some(unit) = self.document.text.get_mut(at) {
            *unit = OBJECT;
        }
        self.document.pictures.push((at, picture));
    }

    fn look(&mut self, at: usize) {
        if self.document.styles.last().is_none_or(|(_, style)| *style != self.style) {
            self.document.styles.push((at, self.style));
        }
    }

    /// A paragraph's end.
    pub fn paragraph(&mut self) {
        self.finish(ENDS);
    }

    fn finish(&mut self, ends: &[u16]) {
        let end = match self.find(ends) {
            Some(at) => {
                self.look(at);
                let text = &self.document.text;
                // Two units are one end in a table, and in controls that are as the first version was.
                if text.get(at) == Some(&13) && text.get(at + 1) == Some(&10) {
                    self.at = at + 2;
                }
                at
            }
            None => self.at,
        };
        let (start, next) = (self.start, self.at);
        self.start = next;
        let paragraph =
            Paragraph { start, end: end.max(start), next, format: self.format.clone(), label: self.label.take() };
        match &mut self.row {
            Some((row, cell)) => match row.cells.get_mut(*cell) {
                Some(cell) => cell.paragraphs.push(paragraph),
                None => {
                    // More cells than were told of: each as wide as none.
                    let right = row.cells.last().map_or(0, |cell| cell.right);
                    row.cells.push(Cell { right, paragraphs: vec![paragraph], ..Cell::default() });
                }
            },
            None => self.document.blocks.push(Block::Paragraph(paragraph)),
        }
    }

    /// A row begins.
    pub fn row_begins(&mut self) {
        self.row_ends_here();
        let start = self.start;
        let marks = self.document.text.get(self.at..self.at.saturating_add(2)) == Some(&[13, 10]);
        self.at += if marks { 2 } else { 0 };
        self.start = self.at;
        self.row = Some((Row { start, ..Row::default() }, 0));
    }

    /// A cell ends.
    pub fn cell(&mut self) {
        self.finish(CELLS);
        if let Some((_, cell)) = &mut self.row {
            *cell += 1;
        }
    }

    /// A cell of a table within a cell ends: its text stands as a paragraph there.
    pub fn nested_cell(&mut self) {
        self.finish(CELLS);
    }

    /// A row ends.
    pub fn row(&mut self) {
        if self.row.is_none() {
            return self.paragraph();
        }
        if let Some(at) = self.find(ENDS) {
            self.at = at + if self.document.text.get(at..at + 2) == Some(&[13, 10]) { 2 } else { 1 };
        }
        self.start = self.at;
        self.row_ends_here();
    }

    fn row_ends_here(&mut self) {
        let Some((mut row, _)) = self.row.take() else { return };
        row.next = self.start;
        self.document.blocks.push(Block::Row(row));
    }

    /// All was told. What is left of the text stands as it is.
    pub fn end(mut self) -> Document {
        loop {
            if self.at > self.start && self.at >= self.document.text.len() {
                self.paragraph();
            }
            let rest = self.document.text.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let length = rest.iter().position(|unit| ENDS.contains(unit));
            self.look(self.at);
            match length {
                Some(length) => {
                    self.at += length;
                    self.paragraph();
                }
                None => self.at = self.document.text.len(),
            }
        }
        self.row_ends_here();
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn paragraphs_keep_the_texts_positions() {
        let mut builder = Builder::new(units("ab\rc\r\rd"));
        for unit in units("ab") {
            builder.unit(unit);
        }
        builder.paragraph();
        builder.style.bold = true;
        builder.unit(u16::from(b'c'));
        builder.paragraph();
        builder.paragraph();
        builder.unit(u16::from(b'd'));
        builder.paragraph();
        let document = builder.end();
        let ranges: Vec<_> = document.blocks.iter().map(Block::range).collect();
        assert_eq!(ranges, [(0, 3), (3, 5), (5, 6), (6, 7)]);
        assert!(!document.style(2).0.bold && document.style(3).0.bold);
        assert_eq!((document.style(0).1, document.style(6).1), (3, usize::MAX));
    }

    #[test]
    fn a_row_takes_its_marks() {
        let mut builder = Builder::new(units("x\r\r\na\x07b\x07\r\ny"));
        builder.unit(u16::from(b'x'));
        builder.paragraph();
        builder.row_begins();
        builder.row.as_mut().unwrap().0.cells = vec![Cell::default(), Cell::default()];
        builder.unit(u16::from(b'a'));
        builder.cell();
        builder.unit(u16::from(b'b'));
        builder.cell();
        builder.row();
        builder.unit(u16::from(b'y'));
        let document = builder.end();
        let ranges: Vec<_> = document.blocks.iter().map(Block::range).collect();
        assert_eq!(ranges, [(0, 2), (2, 10), (10, 11)]);
        let Block::Row(row) = &document.blocks[1] else { panic!() };
        assert_eq!((row.cells[0].paragraphs[0].start, row.cells[1].paragraphs[0].end), (4, 7));
    }

    #[test]
    fn what_is_not_told_is_there_all_the_same() {
        let mut builder = Builder::new(units("abc\rdef"));
        builder.unit(u16::from(b'a'));
        let document = builder.end();
        let ranges: Vec<_> = document.blocks.iter().map(Block::range).collect();
        assert_eq!(ranges, [(0, 4), (4, 7)]);
        assert!(Builder::new(Vec::new()).end().blocks.is_empty());
    }
}
