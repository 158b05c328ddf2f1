//! Streams as one tree, for those who judge them whole.

use llm_types::Json;
use llm_wire::sse::{Item, Splitter};

use super::judged::LONGEST;
use super::once::names_stand_once;

/// Items of a list in a stream that are told apart by their index.
const MOST: usize = 1024;

/// What a stream tells, as one tree: texts of the same field are joined, so that a word that was cut is seen whole.
pub(super) fn joined(body: &[u8]) -> Option<Json> {
    let (mut all, mut fine) = (Json::Null, true);
    let mut splitter = Splitter::new(LONGEST);
    let mut take = |item: Item<'_>| {
        let Item::Frame(frame) = item else { return };
        let data = frame.data.trim_ascii();
        match serde_json::from_slice::<Json>(data) {
            Ok(event) => {
                fine &= names_stand_once(data);
                merge(&mut all, event);
            }
            Err(_) => fine &= data.is_empty() || data == b"[DONE]",
        }
    };
    splitter.feed(body, &mut take).ok()?;
    // What ends without an empty line is an event that never was; clients that read it all the same see what is judged here.
    splitter.finish(&mut take).ok()?;
    fine.then_some(all)
}

fn merge(all: &mut Json, new: Json) {
    match (all, new) {
        (Json::String(all), Json::String(new)) => all.push_str(&new),
        (Json::Object(all), Json::Object(new)) => {
            for (name, value) in new {
                match all.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => merge(known, value),
                    None => all.push((name, value)),
                }
            }
        }
        (Json::Array(all), Json::Array(new)) => {
            for (at, item) in new.into_iter().enumerate() {
                let told = item.get("index").and_then(Json::as_i64).and_then(|index| usize::try_from(index).ok());
                let at = told.filter(|index| *index < MOST).unwrap_or(at);
                while all.len() <= at {
                    all.push(Json::Null);
                }
                if let Some(known) = all.get_mut(at) {
                    merge(known, item);
                }
            }
        }
        // An empty place is taken; what is of another kind is kept beside it, so that nothing goes unseen.
        (all, new) if all.is_null() => match new {
            Json::Array(items) => {
                *all = Json::Array(Vec::new());
                merge(all, Json::Array(items));
            }
            new => *all = new,
        },
        (all, new @ (Json::String(_) | Json::Object(_) | Json::Array(_))) => {
            let before = std::mem::take(all);
            *all = Json::Array(vec![before, new]);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_stream_are_seen_whole() {
        let event = |index: i64, text: &str| {
            format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        };
        let stream = [event(0, "se"), event(1, "pub"), event(0, "cret"), event(1, "lic"), "data: [DONE]".to_owned()];
        let told = joined(stream.concat().as_bytes()).unwrap();
        let content = |at: usize| {
            let choices = told.get("choices").and_then(Json::as_array).unwrap();
            choices[at].get("delta").and_then(|delta| delta.text("content")).unwrap().to_owned()
        };
        assert_eq!((content(0).as_str(), content(1).as_str()), ("secret", "public"));
        assert!(joined(b"data: not json\n\n").is_none());
        assert!(joined(b"data: {\"a\":\"end\"}").is_some_and(|told| told.text("a") == Some("end")));
        let mixed = joined(b"data: {\"a\":\"x\"}\n\ndata: {\"a\":{\"b\":\"y\"}}\n\n").unwrap().to_string();
        assert!(mixed.contains('x') && mixed.contains('y'), "{mixed}");
    }
}
