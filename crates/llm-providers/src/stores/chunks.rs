//! Texts are cut for houses that take pieces: at empty lines, else at lines, else at blanks, else anywhere.

/// Where a text is cut, the best places first; LiteLLM's.
const SEPARATORS: [&str; 3] = ["\n\n", "\n", " "];

/// Pieces of `size` characters at the most, each beginning with up to `overlap` characters of the one before.
#[must_use]
pub fn chunks(text: &str, size: usize, overlap: usize) -> Vec<String> {
    let size = size.max(1);
    let overlap = overlap.min(size / 2);
    let mut atoms = Vec::new();
    split(text, size, &SEPARATORS, &mut atoms);
    let mut out: Vec<String> = Vec::new();
    let mut from = 0;
    while from < atoms.len() {
        let mut length = 0;
        let mut to = from;
        while let Some(atom) = atoms.get(to).filter(|atom| to == from || length + count(atom) <= size) {
            length += count(atom);
            to += 1;
        }
        let piece: String = atoms.get(from..to).unwrap_or_default().concat();
        if !piece.trim().is_empty() {
            out.push(piece.trim().to_owned());
        }
        if to >= atoms.len() {
            break;
        }
        // What stands behind the cut is told once more, where that brings the next piece further.
        let mut back = to;
        let mut kept = 0;
        while back > from + 1 {
            let Some(atom) = back.checked_sub(1).and_then(|at| atoms.get(at)) else { break };
            let next = atoms.get(to).map_or(0, |next| count(next));
            if kept + count(atom) > overlap || kept + count(atom) + next > size {
                break;
            }
            kept += count(atom);
            back -= 1;
        }
        from = back;
    }
    out
}

fn count(text: &str) -> usize {
    text.chars().count()
}

/// Pieces that are not cut any more; joined they are the text.
fn split<'t>(text: &'t str, size: usize, separators: &[&str], out: &mut Vec<&'t str>) {
    if text.is_empty() {
        return;
    }
    let Some((separator, finer)) = separators.split_first() else {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
            let (piece, more) = rest.split_at(end);
            out.push(piece);
            rest = more;
        }
        return;
    };
    for piece in text.split_inclusive(separator) {
        if count(piece) > size { split(piece, size, finer, out) } else { out.push(piece) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_short_and_lose_nothing() {
        let text =
            "One. Two three four.\n\nFive six seven eight nine ten.\nEleven twelve.\n\nülülülülülülülülülülülülül end";
        for size in [1, 5, 12, 30, 200] {
            for overlap in [0, 3, 10] {
                let pieces = chunks(text, size, overlap);
                assert!(pieces.iter().all(|piece| count(piece) <= size), "{size} {overlap}: {pieces:?}");
                let all: String = pieces.concat().split_whitespace().collect();
                let mut letters = all.chars();
                let wanted = text.split_whitespace().collect::<String>();
                assert!(wanted.chars().all(|c| letters.any(|l| l == c)), "{size} {overlap}: {pieces:?}");
            }
        }
    }

    #[test]
    fn cuts_are_where_a_text_has_its_own() {
        assert_eq!(chunks("a b c\n\nd e f", 6, 0), ["a b c", "d e f"]);
        assert_eq!(chunks("one two three", 9, 4), ["one two", "two three"]);
        assert!(chunks(" \n\n ", 10, 5).is_empty());
    }
}
