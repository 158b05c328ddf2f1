use llm_types::{Json, Result};

use super::draft::Draft;

/// Takes out what a path names: `seed`, `metadata.user`, `tools[*].input_examples`, `messages[0].name`.
pub(super) fn drop_path(draft: &mut Draft<'_>, path: &str) -> Result<()> {
    let (field, rest) = match path.find(['.', '[']) {
        None => {
            draft.lose(path);
            return Ok(());
        }
        Some(at) => path.split_at(at),
    };
    if let Some(mut value) = draft.json(field)
        && remove(&mut value, rest)
    {
        draft.set(field, value.to_string());
    }
    Ok(())
}

/// Takes out what `path` names below `value`; true when something was there.
fn remove(value: &mut Json, path: &str) -> bool {
    let path = path.trim_start_matches('.');
    if let Some(inside) = path.strip_prefix('[') {
        let Some((index, rest)) = inside.split_once(']') else { return false };
        return items(value, index, rest);
    }
    let (key, rest) = path.find(['.', '[']).map_or((path, ""), |at| path.split_at(at));
    if rest.is_empty() {
        return value.remove(key).is_some();
    }
    value.get_mut(key).is_some_and(|below| remove(below, rest))
}

fn items(value: &mut Json, index: &str, rest: &str) -> bool {
    let Json::Array(list) = value else { return false };
    if index == "*" {
        if rest.is_empty() {
            let any = !list.is_empty();
            list.clear();
            return any;
        }
        return list.iter_mut().fold(false, |any, item| remove(item, rest) | any);
    }
    let Ok(at) = index.parse::<usize>() else { return false };
    match list.get_mut(at) {
        Some(_) if rest.is_empty() => {
            list.remove(at);
            true
        }
        Some(item) => remove(item, rest),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llm_wire::top::Top;

    #[test]
    fn paths_reach_into_lists_and_objects() {
        let body = br#"{"a":{"b":1,"c":2},"tools":[{"x":1,"y":2},{"x":3}],"seed":1}"#;
        let cases = [
            ("seed", r#"{"a":{"b":1,"c":2},"tools":[{"x":1,"y":2},{"x":3}]}"#),
            ("a.b", r#"{"a":{"c":2},"tools":[{"x":1,"y":2},{"x":3}],"seed":1}"#),
            ("tools[*].x", r#"{"a":{"b":1,"c":2},"tools":[{"y":2},{}],"seed":1}"#),
            ("tools[0]", r#"{"a":{"b":1,"c":2},"tools":[{"x":3}],"seed":1}"#),
            ("tools[0].y", r#"{"a":{"b":1,"c":2},"tools":[{"x":1},{"x":3}],"seed":1}"#),
        ];
        for (path, expected) in cases {
            let top = Top::parse(body).unwrap();
            let mut draft = Draft::new(&top);
            drop_path(&mut draft, path).unwrap();
            assert_eq!(draft.finish().unwrap().body, expected.as_bytes(), "{path}");
        }
        let top = Top::parse(body).unwrap();
        for path in ["nothing", "a.x", "tools[9].x", "tools[", "seed.deep"] {
            let mut draft = Draft::new(&top);
            drop_path(&mut draft, path).unwrap();
            assert!(draft.finish().is_none(), "{path}");
        }
    }
}
