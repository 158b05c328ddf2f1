//! XML as a tree, as strict as canonicalization needs it: names keep their prefixes, texts are normalized as XML 1.0 says,
//! comments are nothing, and what could make two readers see two documents is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::refused;
use crate::Refused;

/// Deepest element.
const DEPTH: usize = 64;
/// Elements and texts of a document.
const NODES: usize = 20_000;
/// Attributes of an element, declarations of namespaces included.
const ATTRIBUTES: usize = 64;
/// Bytes of a namespace, and of a prefix: each element below has them in scope.
const LONGEST: usize = 1024;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Which namespace each prefix stands for; the empty one is the default.
pub(crate) type Namespaces = BTreeMap<String, Arc<str>>;

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) prefix: String,
    pub(crate) local: String,
    /// Empty for none.
    pub(crate) namespace: Arc<str>,
    pub(crate) value: String,
}

/// An element.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) prefix: String,
    pub(crate) local: String,
    /// Empty for none.
    pub(crate) namespace: Arc<str>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) children: Vec<Node>,
    /// What is in scope here.
    pub(crate) scope: Arc<Namespaces>,
}

/// A child.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

/// A document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Element,
}

impl Element {
    /// True for an element of this namespace and name.
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        &*self.namespace == namespace && self.local == local
    }

    /// An attribute without a namespace.
    pub(crate) fn attribute(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.namespace.is_empty() && a.local == local);
        found.map(|attribute| attribute.value.as_str())
    }

    /// The elements below it, in order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Those of this name.
    pub(crate) fn named<'e>(&'e self, namespace: &'e str, local: &'e str) -> impl Iterator<Item = &'e Self> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The only one of this name; nothing when there is none or more than one.
    pub(crate) fn only<'e>(&'e self, namespace: &'e str, local: &'e str) -> Option<&'e Self> {
        let mut all = self.named(namespace, local);
        all.next().filter(|_| all.next().is_none())
    }

    /// Its text, when it holds nothing else.
    pub(crate) fn text(&self) -> Option<String> {
        let texts = self.children.iter().map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// It and everything below it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let mut out = vec![self];
        let mut at = 0;
        while let Some(element) = out.get(at).copied() {
            out.extend(element.elements());
            at += 1;
        }
        out
    }
}

/// A name that has begun and waits for its end.
type Open = Vec<Element>;

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Refused::Token`] for what is no document that one can only read in one way.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes).map_err(|_| refused("its XML is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.chars().all(is_char) {
            return Err(refused("its XML holds a character that XML does not know"));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        reader.config_mut().expand_empty_elements = true;
        let (mut open, mut root, mut nodes) = (Open::new(), None, 0_usize);
        loop {
            nodes += 1;
            if nodes > NODES {
                return Err(refused("its XML is too large"));
            }
            match reader.read_event().map_err(|_| refused("its XML is not well-formed"))? {
                Event::Start(start) => {
                    if root.is_some() || open.len() >= DEPTH {
                        return Err(refused("its XML has a second root or is too deep"));
                    }
                    let element = begun(&start, open.last())?;
                    open.push(element);
                }
                Event::End(_) => {
                    let ended = open.pop().ok_or_else(|| refused("its XML is not well-formed"))?;
                    match open.last_mut() {
                        Some(parent) => parent.children.push(Node::Element(ended)),
                        None => root = Some(ended),
                    }
                }
                Event::Text(text) => said(&mut open, &lines(utf8(&text)?))?,
                Event::CData(text) => said(&mut open, &lines(utf8(&text)?))?,
                Event::GeneralRef(name) => said(&mut open, &resolved(utf8(&name)?)?.to_string())?,
                // It is nothing, also in the middle of a text: what is around it is one text.
                Event::Comment(_) => {}
                Event::Decl(_) if nodes == 1 => {}
                Event::Eof => break,
                Event::DocType(_) => return Err(refused("its XML has a document type")),
                Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {
                    return Err(refused("its XML holds a processing instruction"));
                }
            }
        }
        let root = root.filter(|_| open.is_empty()).ok_or_else(|| refused("its XML is not well-formed"))?;
        Ok(Self { root })
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(bytes).map_err(|_| refused("its XML is not UTF-8"))
}

/// Adds to the text of the element that is open; outside of the root there is only white space.
fn said(open: &mut Open, text: &str) -> Result<(), Refused> {
    let Some(element) = open.last_mut() else {
        let blank = text.chars().all(|c| matches!(c, ' ' | '\t' | '\n'));
        return if blank { Ok(()) } else { Err(refused("its XML has text outside of its root")) };
    };
    match element.children.last_mut() {
        Some(Node::Text(known)) => known.push_str(text),
        _ => element.children.push(Node::Text(text.to_owned())),
    }
    Ok(())
}

/// Line ends as XML passes them on (2.11).
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A reference: a number, or one of the five names that need no document type.
fn resolved(name: &str) -> Result<char, Refused> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix('x') {
                Some(digits) => number(digits, 16),
                None => number(digits, 10),
            }
            .and_then(char::from_u32),
            None => None,
        },
    };
    found.filter(|c| is_char(*c)).ok_or_else(|| refused("its XML refers to something that is not there"))
}

/// Characters of XML 1.0 (2.2).
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A value of an attribute, normalized (3.3.3): white space is a blank, references are resolved.
fn value(raw: &str) -> Result<String, Refused> {
    if raw.contains('<') {
        return Err(refused("its XML is not well-formed"));
    }
    let raw = lines(raw);
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw.as_str();
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.extend(before.chars().map(blank));
        let (name, behind) =
            from.get(1..).unwrap_or_default().split_once(';').ok_or_else(|| refused("its XML is not well-formed"))?;
        out.push(resolved(name)?);
        rest = behind;
    }
    out.extend(rest.chars().map(blank));
    Ok(out)
}

fn blank(c: char) -> char {
    if matches!(c, '\t' | '\n') { ' ' } else { c }
}

/// A name without its prefix, or a prefix: no colon, nothing that names cannot hold.
fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || c == '_';
    let rest = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
    text.chars().next().is_some_and(first) && text.chars().all(rest)
}

fn split(name: &str) -> Result<(&str, &str), Refused> {
    let (prefix, local) = name.split_once(':').map_or(("", name), |(prefix, local)| (prefix, local));
    let fine = is_name(local) && (name.len() == local.len() || is_name(prefix));
    if fine { Ok((prefix, local)) } else { Err(refused("its XML has a name that cannot be one")) }
}

fn begun(start: &BytesStart<'_>, parent: Option<&Element>) -> Result<Element, Refused> {
    let mut raw: Vec<(String, String, String)> = Vec::new();
    let mut declared = Namespaces::new();
    for (count, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|_| refused("its XML is not well-formed"))?;
        if count >= ATTRIBUTES {
            return Err(refused("its XML is too large"));
        }
        let (name, value) = (utf8(attribute.key.as_ref())?, value(utf8(&attribute.value)?)?);
        match (name, name.strip_prefix("xmlns:")) {
            ("xmlns", _) => declare(&mut declared, "", value)?,
            (_, Some("")) => return Err(refused("its XML declares a namespace that cannot be")),
            (_, Some(prefix)) => declare(&mut declared, prefix, value)?,
            _ => {
                let (prefix, local) = split(name)?;
                raw.push((prefix.to_owned(), local.to_owned(), value));
            }
        }
    }
    let above = parent.map(|parent| Arc::clone(&parent.scope)).unwrap_or_default();
    let scope = if declared.is_empty() {
        above
    } else {
        let mut all = (*above).clone();
        all.extend(declared);
        if all.len() > ATTRIBUTES {
            return Err(refused("its XML is too large"));
        }
        Arc::new(all)
    };
    let (prefix, local) = split(utf8(start.name().0)?)?;
    let namespace = space(&scope, prefix)?;
    let mut attributes: Vec<Attribute> = Vec::new();
    for (prefix, local, value) in raw {
        let namespace = if prefix.is_empty() { Arc::default() } else { space(&scope, &prefix)? };
        if attributes.iter().any(|known| known.local == local && known.namespace == namespace) {
            return Err(refused("its XML has an attribute twice"));
        }
        attributes.push(Attribute { prefix, local, namespace, value });
    }
    let (prefix, local) = (prefix.to_owned(), local.to_owned());
    Ok(Element { prefix, local, namespace, attributes, children: Vec::new(), scope })
}

/// `xmlns:prefix`, or `xmlns` for the empty one.
fn declare(declared: &mut Namespaces, prefix: &str, value: String) -> Result<(), Refused> {
    if value.len() > LONGEST || prefix.len() > LONGEST {
        return Err(refused("its XML is too large"));
    }
    let reserved = matches!(prefix, "xml" | "xmlns") || value == XML || value == XMLNS;
    if !prefix.is_empty() && (!is_name(prefix) || reserved || value.is_empty()) {
        return Err(refused("its XML declares a namespace that cannot be"));
    }
    declared.insert(prefix.to_owned(), value.into());
    Ok(())
}

fn space(scope: &Namespaces, prefix: &str) -> Result<Arc<str>, Refused> {
    match (prefix, scope.get(prefix)) {
        ("xml", _) => Ok(XML.into()),
        (_, Some(namespace)) => Ok(Arc::clone(namespace)),
        ("", None) => Ok(Arc::default()),
        _ => Err(refused("its XML has a prefix that stands for nothing")),
    }
}
