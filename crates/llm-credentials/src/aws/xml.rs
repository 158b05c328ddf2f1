//! The little XML that STS answers with: elements by name, texts without markup.

/// The text of the first element of this name, entities resolved.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let rest = xml.get(start..)?;
    let inner = rest.get(..rest.find(&format!("</{name}>"))?)?;
    Some(unescaped(inner.trim()))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find(';').unwrap_or(0);
        match from.get(1..end).and_then(entity) {
            Some(c) => {
                out.push(c);
                rest = from.get(end + 1..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_entities() {
        let xml = "<A xmlns=\"x\"><B>\n a&amp;b&#x2F;c&#43;&lt;&nope; & d </B><B>second</B><C/></A>";
        assert_eq!(text(xml, "B").as_deref(), Some("a&b/c+<&nope; & d"));
        assert_eq!(text(xml, "C"), None);
        assert_eq!(text("<B>open", "B"), None);
    }
}
