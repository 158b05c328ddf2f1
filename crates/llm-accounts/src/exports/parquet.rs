//! Parquet files: one group of rows, a page for each column, nothing compressed. Every column may be without a value.
//!
//! Wire facts: <https://parquet.apache.org/docs/file-format/> and `parquet.thrift` of the format's repository, in Thrift's compact
//! protocol.

use super::thrift::{BINARY, I32, STRUCT, Thrift, varint};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8.
    Text,
    /// A decimal number of 38 digits, twelve of them behind the point.
    Decimal,
    /// Microseconds since 1970, of no zone.
    Time,
}

/// A value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Nothing,
    Text(&'a str),
    Number(f64),
    Micros(i64),
}

/// Digits behind the point.
const SCALE: i64 = 12;
const PRECISION: i64 = 38;
const UNIT: f64 = 1e12;

const MAGIC: &[u8] = b"PAR1";

#[derive(Debug)]
struct Column {
    name: &'static str,
    kind: Kind,
    /// A bit for each row: whether it has a value.
    there: Vec<u8>,
    values: Vec<u8>,
}

/// A file under construction.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    rows: usize,
}

impl Columns {
    pub(super) fn new(columns: impl Iterator<Item = (&'static str, Kind)>) -> Self {
        let column = |(name, kind)| Column { name, kind, there: Vec::new(), values: Vec::new() };
        Self { columns: columns.map(column).collect(), rows: 0 }
    }

    /// Adds a row: a value for each column, of its kind.
    pub(super) fn push<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if self.rows.is_multiple_of(8) {
                column.there.push(0);
            }
            let there = column.put(cell);
            if let Some(bits) = column.there.last_mut().filter(|_| there) {
                *bits |= 1 << (self.rows % 8);
            }
        }
        self.rows += 1;
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> usize {
        self.columns.iter().map(|column| column.values.len() + column.there.len()).sum()
    }

    /// The file.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let mut chunks = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let start = out.len();
            column.page(self.rows, &mut out);
            chunks.push((start, out.len() - start));
        }
        let total = out.len() - MAGIC.len();
        let footer = self.footer(&chunks, total);
        out.extend_from_slice(&footer);
        out.extend_from_slice(&length(footer.len()));
        out.extend_from_slice(MAGIC);
        out
    }

    /// `FileMetaData`
    fn footer(&self, chunks: &[(usize, usize)], total: usize) -> Vec<u8> {
        let rows = self.rows as i64;
        let root = |s: &mut Thrift| {
            s.text(4, "schema");
            s.int(5, self.columns.len() as i64);
        };
        let mut out = Thrift::default();
        out.int(1, 2);
        out.list(2, STRUCT, self.columns.len() + 1);
        out.item(root);
        self.columns.iter().for_each(|column| out.item(|s| column.schema(s)));
        out.long(3, rows);
        out.list(4, STRUCT, 1);
        out.item(|group| {
            group.list(1, STRUCT, chunks.len());
            for (column, (start, size)) in self.columns.iter().zip(chunks) {
                group.item(|chunk| {
                    chunk.long(2, *start as i64);
                    chunk.within(3, |s| column.chunk(rows, (*start, *size), s));
                });
            }
            group.long(2, total as i64);
            group.long(3, rows);
        });
        out.text(6, "llm-proxy");
        out.end();
        out.bytes
    }
}

impl Column {
    /// Adds a value; false for none.
    fn put(&mut self, cell: Cell<'_>) -> bool {
        match (self.kind, cell) {
            (Kind::Text, Cell::Text(text)) => {
                self.values.extend_from_slice(&length(text.len()));
                self.values.extend_from_slice(text.as_bytes());
            }
            (Kind::Decimal, Cell::Number(number)) if number.is_finite() => {
                self.values.extend_from_slice(&((number * UNIT).round() as i128).to_be_bytes());
            }
            (Kind::Time, Cell::Micros(micros)) => self.values.extend_from_slice(&micros.to_le_bytes()),
            _ => return false,
        }
        true
    }

    /// `PageHeader` and the page: which rows have a value, bit by bit, and the values.
    fn page(&self, rows: usize, out: &mut Vec<u8>) {
        let mut run = Vec::new();
        varint((self.there.len() as u64) << 1 | 1, &mut run);
        run.extend_from_slice(&self.there);
        let size = 4 + run.len() + self.values.len();
        let mut head = Thrift::default();
        head.int(1, DATA_PAGE);
        head.int(2, size as i64);
        head.int(3, size as i64);
        head.within(5, |page| {
            page.int(1, rows as i64);
            page.int(2, PLAIN);
            page.int(3, RLE);
            page.int(4, RLE);
        });
        head.end();
        out.extend_from_slice(&head.bytes);
        out.extend_from_slice(&length(run.len()));
        out.extend_from_slice(&run);
        out.extend_from_slice(&self.values);
    }

    const fn physical(&self) -> i64 {
        match self.kind {
            Kind::Time => INT64,
            Kind::Text => BYTE_ARRAY,
            Kind::Decimal => FIXED_LEN_BYTE_ARRAY,
        }
    }

    /// `SchemaElement`
    fn schema(&self, s: &mut Thrift) {
        s.int(1, self.physical());
        if self.kind == Kind::Decimal {
            s.int(2, 16);
        }
        s.int(3, OPTIONAL);
        s.text(4, self.name);
        match self.kind {
            Kind::Text => {
                s.int(6, UTF8);
                s.within(10, |logical| logical.within(1, |_| {}));
            }
            Kind::Decimal => {
                s.int(6, DECIMAL);
                s.int(7, SCALE);
                s.int(8, PRECISION);
                s.within(10, |logical| {
                    logical.within(5, |decimal| {
                        decimal.int(1, SCALE);
                        decimal.int(2, PRECISION);
                    });
                });
            }
            Kind::Time => s.within(10, |logical| {
                logical.within(8, |time| {
                    time.no(1);
                    time.within(2, |unit| unit.within(2, |_| {}));
                });
            }),
        }
    }

    /// `ColumnMetaData`
    fn chunk(&self, rows: i64, (start, size): (usize, usize), s: &mut Thrift) {
        s.int(1, self.physical());
        s.list(2, I32, 2);
        s.number(PLAIN);
        s.number(RLE);
        s.list(3, BINARY, 1);
        s.bare(self.name);
        s.int(4, UNCOMPRESSED);
        s.long(5, rows);
        s.long(6, size as i64);
        s.long(7, size as i64);
        s.long(9, start as i64);
    }
}

const INT64: i64 = 2;
const BYTE_ARRAY: i64 = 6;
const FIXED_LEN_BYTE_ARRAY: i64 = 7;
const OPTIONAL: i64 = 1;
const UTF8: i64 = 0;
const DECIMAL: i64 = 5;
const DATA_PAGE: i64 = 0;
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const UNCOMPRESSED: i64 = 0;

/// A length as the format writes it. Files end long before it could be too large.
fn length(of: usize) -> [u8; 4] {
    (of as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As pyarrow 26 reads it: `[{Cost: 0.25, Name: "a", At: 1970-01-01T00:00:00.000001}, {Cost: -1, Name: null, At: null}]`.
    const FILE: &str = "504152311500154c154c2c1504150015061506000002000000030300000000000000000000003a35294400ffffffffffffffffff\
        ffff172b5af0001500151615162c1504150015061506000002000000030101000000611500151c151c2c15041500150615060000\
        02000000030101000000000000001504194c4806736368656d61150600150e152015021804436f7374250a1518154c2c5c151815\
        4c000000150c250218044e616d6525004c1c00000015042502180241746c8c121c2c00000000001604191c193c26081c150e1925\
        0006191804436f737415001604166e166e2608000026761c150c192500061918044e616d6515001604163816382676000026ae01\
        1c150419250006191802417415001604163e163e26ae01000016e40116040028096c6c6d2d70726f787900b900000050415231";

    #[test]
    fn a_file_is_what_readers_know() {
        let columns = [("Cost", Kind::Decimal), ("Name", Kind::Text), ("At", Kind::Time)];
        let mut file = Columns::new(columns.into_iter());
        file.push([Cell::Number(0.25), Cell::Text("a"), Cell::Micros(1)].into_iter());
        file.push([Cell::Number(-1.0), Cell::Nothing, Cell::Nothing].into_iter());
        assert_eq!(hex::encode(file.finish()), FILE);
    }

    #[test]
    fn what_is_no_number_is_nothing_and_rows_count_on_past_a_byte() {
        let mut file = Columns::new([("n", Kind::Decimal)].into_iter());
        (0..9).for_each(|n| file.push([Cell::Number(if n == 8 { 1.0 } else { f64::NAN })].into_iter()));
        assert_eq!((file.columns[0].there.as_slice(), file.columns[0].values.len()), (&[0, 1][..], 16));
    }
}
