//! Reading the flat XML of callbacks.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use std::collections::HashMap;

/// The elements directly below `<xml>`, by name.
#[derive(Debug, PartialEq)]
pub(super) struct Fields(HashMap<String, String>);

impl Fields {
    /// The text of the element, `None` when it is absent or empty: the platform uses both for "nothing".
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// Reads one document. What stands in CDATA is taken as it is, elsewhere entities are resolved; an element that occurs
/// twice counts the first time; of deeper elements nothing is kept.
///
/// # Errors
/// A word for the log. A DOCTYPE is refused, so no entity can be defined.
pub(super) fn fields(document: &str) -> Result<Fields, &'static str> {
    let mut reader = Reader::from_str(document);
    let mut all = HashMap::new();
    let mut open: Option<(String, String)> = None;
    let mut depth = 0usize;
    let mut roots = 0usize;
    loop {
        match reader.read_event().map_err(|_| "not xml")? {
            Event::Start(start) => {
                depth += 1;
                match depth {
                    1 if start.name().0 == "xml" && roots == 0 => roots = 1,
                    1 => return Err("root element"),
                    2 => open = Some((start.name().0.to_owned(), String::new())),
                    _ => {}
                }
            }
            Event::Empty(_) if depth == 0 => return Err("root element"),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::End(_) => {
                depth = depth.checked_sub(1).ok_or("not xml")?;
                if depth == 1
                    && let Some((name, text)) = open.take()
                {
                    all.entry(name).or_insert(text);
                }
            }
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => return Err("not xml"),
            Event::Text(text) => keep(&mut open, depth, &text),
            Event::CData(text) if depth > 0 => keep(&mut open, depth, &text),
            Event::GeneralRef(name) if depth > 0 => match name.resolve_char_ref().map_err(|_| "entity")? {
                Some(c) => keep(&mut open, depth, c.encode_utf8(&mut [0; 4])),
                None => keep(&mut open, depth, resolve_predefined_entity(&name).ok_or("entity")?),
            },
            Event::CData(_) | Event::GeneralRef(_) => return Err("not xml"),
            Event::DocType(_) => return Err("doctype"),
            Event::Eof if depth == 0 && roots == 1 => return Ok(Fields(all)),
            Event::Eof => return Err("not xml"),
        }
    }
}

fn keep(open: &mut Option<(String, String)>, depth: usize, piece: &str) {
    if depth == 2
        && let Some((_, text)) = open
    {
        text.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whitespace_order_repeats_and_depth_do_not_matter() {
        let read = fields(
            "<?xml version=\"1.0\"?>\n<xml>\n <!-- a note --> <A><![CDATA[1]]></A>\n<B/><C></C><D><E>deep</E></D><A>2</A>\n</xml>\n",
        )
        .unwrap();
        assert_eq!(read.get("A"), Some("1"));
        assert_eq!(read.get("B"), None);
        assert_eq!(read.get("C"), None);
        assert_eq!(read.get("D"), None);
        assert_eq!(read.get("E"), None);
    }

    #[test]
    fn what_is_not_one_whole_document_is_refused() {
        for (document, why) in [
            ("", "not xml"),
            ("hello", "not xml"),
            ("<xml><A>1</A>", "not xml"),
            ("<xml><A>1</B></xml>", "not xml"),
            ("<xml><A><![CDATA[1</A></xml>", "not xml"),
            ("<html></html>", "root element"),
            ("<xml></xml><xml></xml>", "root element"),
            ("<xml></xml>&lt;", "not xml"),
            ("<xml></xml><![CDATA[x]]>", "not xml"),
            ("<xml/>", "root element"),
            ("<xml><A>&b;</A></xml>", "entity"),
            ("<xml><A>&#0;</A></xml>", "entity"),
            ("<!DOCTYPE xml><xml></xml>", "doctype"),
            ("<!DOCTYPE xml [<!ENTITY a \"b\">]><xml><A>&a;</A></xml>", "doctype"),
        ] {
            assert_eq!(fields(document), Err(why), "{document}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(document in "(<xml>)?(<[A-C]{1,2}>|</[A-C]{1,2}>|<!\\[CDATA\\[|\\]\\]>|&[a-z#0-9]{0,4};?|\\PC){0,40}(</xml>)?") {
            let _ = fields(&document);
        }
    }
}
