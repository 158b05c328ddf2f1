//! Parts of texts that services point at. They count characters, not bytes.

use std::ops::Range;

/// The bytes of some characters; nothing where there are none such.
pub(super) fn bytes(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let from = places.nth(start)?;
    let to = match end.checked_sub(start)? {
        0 => from,
        more => places.nth(more - 1)?,
    };
    Some(from..to)
}

/// The text with other texts in the place of some parts; a part that reaches into another one is left to the longer one that
/// begins first.
pub(super) fn replaced(text: &str, mut parts: Vec<(Range<usize>, String)>) -> String {
    parts.sort_by_key(|(part, _)| (part.start, std::cmp::Reverse(part.end)));
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (part, instead) in parts {
        if part.start < done {
            // What reaches further than the part before it goes as well.
            done = done.max(part.end);
            continue;
        }
        out.push_str(text.get(done..part.start).unwrap_or_default());
        out.push_str(&instead);
        done = part.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted() {
        let text = "Grüße an a@b.co 🦀!";
        assert_eq!(&text[bytes(text, 9, 15).unwrap()], "a@b.co");
        assert_eq!(&text[bytes(text, 16, 18).unwrap()], "🦀!");
        assert_eq!((bytes(text, 16, 19), bytes(text, 5, 4), bytes("", 0, 0)), (None, None, Some(0..0)));
    }

    #[test]
    fn parts_that_overlap_leave_nothing_over() {
        let parts = vec![(6..9, "<C>".to_owned()), (0..4, "<A>".to_owned()), (2..6, "<B>".to_owned())];
        assert_eq!(replaced("0123456789", parts), "<A><C>9");
        assert_eq!(replaced("abc", Vec::new()), "abc");
    }
}
