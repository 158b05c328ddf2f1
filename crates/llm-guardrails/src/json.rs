//! Texts within JSON: the strings of a tree, keys included, whatever they are escaped as.

use llm_types::Json;

/// Calls `each` for every string below `tree`, values before their neighbours' keys, in document order.
pub(crate) fn strings_mut(tree: &mut Json, each: &mut dyn FnMut(&mut String)) {
    match tree {
        Json::String(text) => each(text),
        Json::Array(items) => items.iter_mut().for_each(|i| strings_mut(i, each)),
        Json::Object(fields) => {
            for (key, value) in fields {
                each(key);
                strings_mut(value, each);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Calls `each` for every string in the JSON text and returns the text anew when one of them was changed. What is no
/// JSON is one string (models write broken arguments at times).
pub(crate) fn edit(text: &str, each: &mut dyn FnMut(&mut String)) -> Option<String> {
    let mut changed = false;
    let mut watched = |s: &mut String| {
        let before = s.clone();
        each(s);
        changed |= *s != before;
    };
    match serde_json::from_str::<Json>(text) {
        Ok(mut tree) => {
            strings_mut(&mut tree, &mut watched);
            changed.then(|| tree.to_string())
        }
        Err(_) => {
            let mut whole = text.to_owned();
            watched(&mut whole);
            changed.then_some(whole)
        }
    }
}
