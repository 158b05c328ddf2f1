//! Parts of texts that services point at. They count characters, not bytes.

use std::collections::HashMap;
use std::ops::Range;

/// The bytes of some spans of characters, in one walk through the text; nothing where one of them is not in it.
pub(super) fn bytes(text: &str, spans: &[(usize, usize)]) -> Option<Vec<Range<usize>>> {
    let mut wanted: Vec<usize> = spans.iter().flat_map(|(start, end)| [*start, *end]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]).enumerate();
    let mut at = HashMap::with_capacity(wanted.len());
    for character in wanted {
        at.insert(character, places.find(|(count, _)| *count == character)?.1);
    }
    spans.iter().map(|(start, end)| (start <= end).then(|| Some(*at.get(start)?..*at.get(end)?))?).collect()
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
        let found = bytes(text, &[(16, 18), (9, 15), (9, 15)]).unwrap();
        assert_eq!(found.into_iter().map(|span| &text[span]).collect::<Vec<_>>(), ["🦀!", "a@b.co", "a@b.co"]);
        let at = |text, start, end| bytes(text, &[(start, end)]).map(|all| (all[0].start, all[0].end));
        assert_eq!((at(text, 16, 19), at(text, 5, 4), at("", 0, 0)), (None, None, Some((0, 0))));
    }

    #[test]
    fn parts_that_overlap_leave_nothing_over() {
        let parts = vec![(6..9, "<C>".to_owned()), (0..4, "<A>".to_owned()), (2..6, "<B>".to_owned())];
        assert_eq!(replaced("0123456789", parts), "<A><C>9");
        assert_eq!(replaced("abc", Vec::new()), "abc");
    }
}
