//! Reading files that people write, keeping the line of every value, so that all problems can be said at once.
//!
//! TOML files and sheets both become [`Table`]s; [`Fields`] takes the known keys out of one and reports the rest.

use crate::text;
use std::{fmt, sync::Arc};
use toml::de::{DeTable, DeValue};

/// Something wrong in a file: where, and a sentence on what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as it was named, or an environment variable.
    pub file: String,
    /// The line from 1 (the row of a sheet); 0 where there is none.
    pub line: usize,
    /// The key with its path, or the sheet and the heading; empty when the whole line is meant.
    pub key: String,
    /// What is wrong and what would be right, in Chinese, without the value of a secret.
    pub says: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.says)
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or an environment variable.
    pub file: Arc<str>,
    /// The line from 1; 0 where there is none.
    pub line: usize,
}

impl Place {
    /// A problem at this place.
    pub fn problem(&self, key: impl Into<String>, says: impl Into<String>) -> Problem {
        Problem { file: self.file.to_string(), line: self.line, key: key.into(), says: says.into() }
    }
}

/// A value and where it stands. Does not print, since it may be a secret.
#[derive(Clone, PartialEq)]
pub struct Cell {
    /// Where it stands.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// What a value can be.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A list.
    List(Vec<Cell>),
    /// Keys and values.
    Table(Table),
    /// A number with a fraction.
    Fraction(f64),
    /// A kind that nothing here wants: a date.
    Other,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "文字",
            Value::Number(_) => "整数",
            Value::Flag(_) => "true 或 false",
            Value::List(_) => "列表",
            Value::Table(_) => "一组键",
            Value::Fraction(_) => "小数",
            Value::Other => "日期或太大的数",
        }
    }
}

/// Keys and values in the order of the file.
#[derive(Clone, PartialEq)]
pub struct Table {
    /// Where it begins.
    pub at: Place,
    /// The keys and values.
    pub cells: Vec<(String, Cell)>,
    /// For a sheet: the heading of each key, used in problems.
    pub headings: &'static [(&'static str, &'static str)],
}

impl Table {
    /// An empty table.
    pub fn new(at: Place) -> Self {
        Table { at, cells: Vec::new(), headings: &[] }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Cell> {
        self.cells.iter().find(|(name, _)| name == key).map(|(_, cell)| cell)
    }

    /// Sets a value, replacing the one there is.
    pub fn set(&mut self, key: &str, cell: Cell) {
        match self.cells.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = cell,
            None => self.cells.push((key.to_owned(), cell)),
        }
    }

    fn heading<'k>(&self, key: &'k str) -> &'k str {
        self.headings.iter().find(|(name, _)| *name == key).map_or(key, |(_, heading)| heading)
    }
}

/// Reads TOML as far as it can be read, with every syntax error.
pub fn toml(file: &str, source: &str) -> (Table, Vec<Problem>) {
    let file: Arc<str> = file.into();
    // A line number is asked for every value, so the beginnings of lines are found once.
    let starts: Vec<usize> = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let lines = Lines { file, starts };
    let (table, errors) = DeTable::parse_recoverable(source);
    let problems = errors
        .iter()
        .map(|error| {
            let at = lines.at(error.span().map_or(0, |span| span.start));
            at.problem("", format!("这一行不合 TOML 的写法（{}）", text::one_line(error.message())))
        })
        .collect();
    (lines.table(0, table.get_ref()), problems)
}

struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn at(&self, offset: usize) -> Place {
        Place { file: self.file.clone(), line: self.starts.partition_point(|start| *start <= offset) }
    }

    fn table(&self, offset: usize, table: &DeTable<'_>) -> Table {
        let mut cells: Vec<_> = table.iter().collect();
        cells.sort_by_key(|(key, _)| key.span().start);
        let cells = cells
            .into_iter()
            .map(|(key, value)| {
                let cell = Cell { at: self.at(key.span().start), value: self.value(value.span().start, value.get_ref()) };
                (key.get_ref().to_string(), cell)
            })
            .collect();
        Table { at: self.at(offset), cells, headings: &[] }
    }

    fn value(&self, offset: usize, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Other, Value::Number),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Float(number) => number.as_str().parse().map_or(Value::Other, Value::Fraction),
            DeValue::Datetime(_) => Value::Other,
            DeValue::Table(table) => Value::Table(self.table(offset, table)),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| Cell { at: self.at(item.span().start), value: self.value(item.span().start, item.get_ref()) })
                    .collect(),
            ),
        }
    }
}

/// Takes the known keys out of a table; [`Fields::finish`] then reports the others with the nearest known key.
pub struct Fields<'t, 'p> {
    path: String,
    table: &'t Table,
    known: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// Begins with a table; `path` stands before its keys in problems.
    pub fn new(path: impl Into<String>, table: &'t Table, problems: &'p mut Vec<Problem>) -> Self {
        Fields { path: path.into(), table, known: Vec::new(), problems }
    }

    /// The name of a key in problems: `unit.id`, in a sheet `单位.编号`.
    pub fn path(&self, key: &str) -> String {
        let heading = self.table.heading(key);
        if self.path.is_empty() { heading.to_owned() } else { format!("{}.{heading}", self.path) }
    }

    /// Where a key stands, or the table when it is missing.
    pub fn place(&self, key: &str) -> Place {
        self.table.get(key).map_or_else(|| self.table.at.clone(), |cell| cell.at.clone())
    }

    /// Reports a key as wrong.
    pub fn wrong(&mut self, key: &str, says: impl Into<String>) {
        let problem = self.place(key).problem(self.path(key), says);
        self.problems.push(problem);
    }

    fn take(&mut self, key: &'static str) -> Option<&'t Cell> {
        self.known.push(key);
        self.table.get(key)
    }

    fn mistaken(&mut self, key: &str, cell: &Cell, wanted: &str) {
        let problem = cell.at.problem(self.path(key), format!("这里写的是{}，应当是{wanted}", cell.value.kind()));
        self.problems.push(problem);
    }

    /// Is the key there? It then counts as known.
    pub fn is_set(&mut self, key: &'static str) -> bool {
        self.take(key).is_some()
    }

    /// A text that may be missing; an empty one counts as missing.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let cell = self.take(key)?;
        match &cell.value {
            Value::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => {
                self.mistaken(key, cell, "文字");
                None
            }
        }
    }

    /// A text that must be there; `right` says what would be right.
    pub fn required(&mut self, key: &'static str, right: &str) -> Option<String> {
        let before = self.problems.len();
        let text = self.text(key);
        if text.is_none() && self.problems.len() == before {
            self.wrong(key, format!("没有填，应当写{right}"));
        }
        text
    }

    /// A list of texts, empty when missing. A single text is a list of one.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(cell) = self.take(key) else { return Vec::new() };
        let items = match &cell.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(cell),
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) if text.trim().is_empty() => {}
                Value::Text(text) => texts.push(text.trim().to_owned()),
                _ => self.mistaken(key, item, "文字的列表"),
            }
        }
        texts
    }

    /// Yes or no; no when missing.
    pub fn flag(&mut self, key: &'static str) -> bool {
        match self.take(key) {
            None => false,
            Some(Cell { value: Value::Flag(flag), .. }) => *flag,
            Some(Cell { value: Value::Text(text), .. }) if matches!(text.trim(), "true" | "是" | "有" | "1") => true,
            Some(Cell { value: Value::Text(text), .. }) if matches!(text.trim(), "false" | "否" | "没有" | "0" | "") => false,
            Some(cell) => {
                self.mistaken(key, cell, "true 或 false（表格里写 是 或 否）");
                false
            }
        }
    }

    /// A whole number within bounds, `None` when missing or wrong.
    pub fn number(&mut self, key: &'static str, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let cell = self.take(key)?;
        let number = match &cell.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none_or(|number| !bounds.contains(&number)) {
            self.wrong(key, format!("应当是 {} 到 {} 的整数", bounds.start(), bounds.end()));
            return None;
        }
        number
    }

    /// A number that may have a fraction. `None`: the key is not there; `Some(None)`: it is wrong, which was said.
    pub fn decimal(&mut self, key: &'static str, bounds: std::ops::RangeInclusive<f64>) -> Option<Option<f64>> {
        let cell = self.take(key)?;
        let number = match &cell.value {
            Value::Fraction(number) => Some(*number),
            Value::Number(number) => Some(*number as f64),
            Value::Text(text) if text.trim().is_empty() => return None,
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            self.wrong(key, format!("应当是 {} 到 {} 的数", bounds.start(), bounds.end()));
        }
        Some(number)
    }

    /// A table inside this one.
    pub fn table(&mut self, key: &'static str) -> Option<&'t Table> {
        let cell = self.take(key)?;
        match &cell.value {
            Value::Table(table) => Some(table),
            _ => {
                self.mistaken(key, cell, "一组键");
                None
            }
        }
    }

    /// A list of tables, empty when missing.
    pub fn tables(&mut self, key: &'static str) -> Vec<&'t Table> {
        let Some(cell) = self.take(key) else { return Vec::new() };
        let Value::List(items) = &cell.value else {
            self.mistaken(key, cell, "一组一组的键（[[…]]）");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match &item.value {
                Value::Table(table) => tables.push(table),
                _ => self.mistaken(key, item, "一组键"),
            }
        }
        tables
    }

    /// All problems, for a check that looks at more than one key.
    pub fn problems(&mut self) -> &mut Vec<Problem> {
        self.problems
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        for (key, cell) in &self.table.cells {
            if !self.known.contains(&key.as_str()) {
                let says = unknown("不认识这个键", key, self.known.iter().copied());
                self.problems.push(cell.at.problem(self.path(key), says));
            }
        }
    }
}

/// `what` with the nearest known word, or all of them when none is near.
pub fn unknown<'k>(what: &str, word: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    match text::nearest(word, known.clone()) {
        Some(near) => format!("{what}，是不是“{near}”？"),
        None => format!("{what}，可以用的有：{}", known.collect::<Vec<_>>().join("、")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line_and_wrong_ones_are_all_reported() {
        let (table, problems) = toml("a.toml", "name = 7\n\n[server]\nlisten = \"x\"\nlisen = \"y\"\nport = \"seven\"\n");
        assert!(problems.is_empty());
        let mut problems = Vec::new();
        let mut top = Fields::new("", &table, &mut problems);
        assert_eq!(top.text("name"), None);
        let server = top.table("server").unwrap();
        top.finish();
        let mut fields = Fields::new("server", server, &mut problems);
        assert_eq!(fields.text("listen").as_deref(), Some("x"));
        assert_eq!(fields.number("port", 1..=9), None);
        assert_eq!(fields.required("host", "主机名"), None);
        fields.finish();
        let said: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            said,
            [
                "a.toml:1: name: 这里写的是整数，应当是文字",
                "a.toml:6: server.port: 应当是 1 到 9 的整数",
                "a.toml:3: server.host: 没有填，应当写主机名",
                "a.toml:5: server.lisen: 不认识这个键，是不是“listen”？",
            ]
        );
    }

    #[test]
    fn two_syntax_errors_are_two_problems_with_their_lines() {
        let (_, problems) = toml("a.toml", "a = \nb = 1\nc = = 2\n");
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert!(lines.contains(&1) && lines.contains(&3), "{problems:?}");
    }
}
