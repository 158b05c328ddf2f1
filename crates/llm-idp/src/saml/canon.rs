//! Exclusive XML Canonicalization 1.0 without comments (<https://www.w3.org/TR/xml-exc-c14n/>).

use std::borrow::Cow;

use super::tree::{Element, Namespaces, Node};

/// An element as canonical bytes. `without` is left out with everything in it; `inclusive` are prefixes that are declared though
/// nothing uses them (`PrefixList`; the default namespace is the empty one).
pub(crate) fn canonical(element: &Element, without: Option<&Element>, inclusive: &[String]) -> Vec<u8> {
    let mut out = String::new();
    write(element, without, inclusive, &Namespaces::new(), &mut out);
    out.into_bytes()
}

fn write(element: &Element, without: Option<&Element>, inclusive: &[String], above: &Namespaces, out: &mut String) {
    let name = qualified(&element.prefix, &element.local);
    out.push('<');
    out.push_str(&name);
    let made = declared(element, inclusive, above);
    for (prefix, namespace) in &made {
        out.push_str(" xmlns");
        if !prefix.is_empty() {
            out.push(':');
            out.push_str(prefix);
        }
        out.push_str("=\"");
        attribute(namespace, out);
        out.push('"');
    }
    let below = if made.is_empty() { Cow::Borrowed(above) } else { Cow::Owned(joined(above, made)) };
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort_by(|a, b| (&a.namespace, &a.local).cmp(&(&b.namespace, &b.local)));
    for one in attributes {
        out.push(' ');
        out.push_str(&qualified(&one.prefix, &one.local));
        out.push_str("=\"");
        attribute(&one.value, out);
        out.push('"');
    }
    out.push('>');
    for node in &element.children {
        match node {
            Node::Text(said) => text(said, out),
            Node::Element(child) if without.is_some_and(|without| std::ptr::eq(without, child)) => {}
            Node::Element(child) => write(child, without, inclusive, &below, out),
        }
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

/// The declarations that an element needs and nobody above it has made, in order.
fn declared(element: &Element, inclusive: &[String], above: &Namespaces) -> Namespaces {
    let used = std::iter::once(&element.prefix)
        .chain(element.attributes.iter().map(|attribute| &attribute.prefix).filter(|prefix| !prefix.is_empty()));
    let wanted = inclusive.iter().filter(|prefix| element.scope.contains_key(*prefix));
    let mut out = Namespaces::new();
    for prefix in used.chain(wanted).filter(|prefix| *prefix != "xml") {
        let namespace = element.scope.get(prefix).cloned().unwrap_or_default();
        if above.get(prefix).map_or("", |known| known) != &*namespace {
            out.insert(prefix.clone(), namespace);
        }
    }
    out
}

fn joined(above: &Namespaces, made: Namespaces) -> Namespaces {
    let mut all = above.clone();
    all.extend(made);
    all
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

fn text(said: &str, out: &mut String) {
    for c in said.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

fn attribute(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}
