//! Reading TOML so that every mistake is found at once, each with its line, and no key is ignored.

use super::Problem;
use crate::text;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file, with the problems found so far.
pub(super) struct File<'f> {
    name: &'f str,
    text: &'f str,
    problems: RefCell<Vec<Problem>>,
}

/// A table of a file. Every key that is asked for is known; [`Table::close`] reports the others.
pub(super) struct Table<'f> {
    pub(super) file: &'f File<'f>,
    path: String,
    span: Range<usize>,
    entries: &'f DeTable<'f>,
    known: RefCell<Vec<&'static str>>,
}

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) span: Range<usize>,
}

impl<'f> File<'f> {
    pub(super) fn new(name: &'f str, text: &'f str) -> Self {
        File { name, text, problems: RefCell::default() }
    }

    /// Reports what is wrong at a place, and what would be right.
    pub(super) fn problem(
        &self,
        span: &Range<usize>,
        key: impl Into<String>,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        self.problems.borrow_mut().push(Problem {
            file: self.name.to_owned(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            key: key.into(),
            says: format!("{}，{}", wrong.into(), right.into()),
        });
    }

    /// Everything that was found, from top to bottom.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// Reads the file as TOML; a file that is none is one problem for each mistake of grammar.
    pub(super) fn parse(&self) -> Option<Spanned<DeTable<'f>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            self.problem(
                &error.span().unwrap_or(0..0),
                "TOML",
                format!("写法不对（{}）", text::one_line(error.message())),
                "请检查引号、括号和等号",
            );
        }
        errors.is_empty().then_some(table)
    }
}

impl<'f> Table<'f> {
    pub(super) fn root(file: &'f File<'f>, table: &'f Spanned<DeTable<'f>>) -> Self {
        Table { file, path: String::new(), span: table.span(), entries: table.get_ref(), known: RefCell::default() }
    }

    /// Calls the table by another name in problems.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.path = name.to_owned();
        self
    }

    /// The full name of a key.
    pub(super) fn path(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    /// Reports a problem of a key of this table.
    pub(super) fn problem(&self, key: &str, wrong: impl Into<String>, right: impl Into<String>) {
        let at = self.entries.iter().find(|(known, _)| known.get_ref() == key);
        let span = at.map_or_else(|| self.span.clone(), |(key, _)| key.span());
        self.file.problem(&span, self.path(key), wrong, right);
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Keys in the order of the file, for tables whose keys are free.
    pub(super) fn free(&self) -> Vec<(Text, &'f Spanned<DeValue<'f>>)> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| (Text { value: key.get_ref().clone().into_owned(), span: key.span() }, value))
            .collect();
        all.sort_by_key(|(key, _)| key.span.start);
        all
    }

    fn get(&self, key: &'static str) -> Option<&'f Spanned<DeValue<'f>>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.entries.get(key)
    }

    /// A text. An empty one is a problem.
    pub(super) fn text(&self, key: &'static str) -> Option<Text> {
        let value = self.get(key)?;
        let Some(words) = value.get_ref().as_str() else {
            self.problem(key, "这里要写文字", format!("写成 {key} = \"……\""));
            return None;
        };
        if words.trim().is_empty() {
            self.problem(key, "是空的", "写上内容，或删掉这一行");
            return None;
        }
        Some(Text { value: words.to_owned(), span: value.span() })
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str) -> Option<Text> {
        if !self.has(key) {
            self.problem(key, "没有写", format!("加上 {key} = \"……\""));
        }
        self.text(key)
    }

    /// A list of texts; absent is empty.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Text> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.problem(key, "这里要写一列文字", format!("写成 {key} = [\"……\", \"……\"]"));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for entry in list.iter() {
            match entry.get_ref().as_str().filter(|text| !text.trim().is_empty()) {
                Some(words) => texts.push(Text { value: words.to_owned(), span: entry.span() }),
                None => self.file.problem(&entry.span(), self.path(key), "有一项不是文字或是空的", "每一项都写成 \"……\""),
            }
        }
        texts
    }

    /// A whole number.
    pub(super) fn whole(&self, key: &'static str) -> Option<i64> {
        let value = self.get(key)?;
        let number = value.get_ref().as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        if number.is_none() {
            self.problem(key, "这里要写整数", format!("写成 {key} = 5"));
        }
        number
    }

    /// A number that cannot be negative.
    pub(super) fn count(&self, key: &'static str) -> Option<usize> {
        let number = self.whole(key)?;
        let count = usize::try_from(number).ok();
        if count.is_none() {
            self.problem(key, "不能是负数", "写 0 或更大的数");
        }
        count
    }

    /// True or false; absent is false.
    pub(super) fn flag(&self, key: &'static str) -> bool {
        let Some(value) = self.get(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.problem(key, "这里只能写 true 或 false", format!("写成 {key} = true"));
            false
        })
    }

    /// A table inside this one.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'f>> {
        let value = self.get(key)?;
        let inner = Table::of(self.file, value, self.path(key));
        if inner.is_none() {
            self.problem(key, "这里要写一组键值", format!("写成 {key} = {{ …… }} 或 [{}]", self.path(key)));
        }
        inner
    }

    /// The tables of a list.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'f>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.problem(key, "这里要写一列", format!("写成 [[{}]] 或 {key} = [ {{ …… }} ]", self.path(key)));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (number, entry) in list.iter().enumerate() {
            let path = format!("{}[{}]", self.path(key), number + 1);
            match Table::of(self.file, entry, path.clone()) {
                Some(table) => tables.push(table),
                None => self.file.problem(&entry.span(), path, "不是一组键值", "写成 { …… }"),
            }
        }
        tables
    }

    /// A table out of a value.
    pub(super) fn of(file: &'f File<'f>, value: &'f Spanned<DeValue<'f>>, path: String) -> Option<Table<'f>> {
        let entries = value.get_ref().as_table()?;
        Some(Table { file, path, span: value.span(), entries, known: RefCell::default() })
    }

    /// Reports every key that nobody asked for, with the nearest one that exists.
    pub(super) fn close(&self) {
        let known = self.known.borrow();
        for (key, _) in self.free() {
            if !known.contains(&key.value.as_str()) {
                let right = match text::nearest(&key.value, known.iter().copied()) {
                    Some(near) => format!("是不是 {near}？"),
                    None => format!("可以写的有：{}", known.join("、")),
                };
                self.file.problem(&key.span, self.path(&key.value), "不认识这个键", right);
            }
        }
    }
}
