//! What a house found, as the client reads it.

use llm_types::Json;

use super::{Also, Beside, House, bound};
use crate::batches::moment;
use crate::task::TaskRequest;
use crate::task::write::Fields;

impl House {
    /// The results of an answer; nothing where it has no place for them. No results at all is what an empty search
    /// looks like.
    pub(super) fn found(&self, request: &TaskRequest, tree: &Json) -> Option<Vec<Json>> {
        let mut lists: Vec<&[Json]> = Vec::new();
        for place in self.results {
            let list = place.iter().try_fold(tree, |at, key| below(at, key)).and_then(Json::as_array);
            // the short form is the same list at every place
            lists.extend(list.filter(|list| !lists.iter().any(|known| std::ptr::eq(*known, *list))));
        }
        let counts = |item: &&Json| self.kind.is_none_or(|(name, kind)| item.text(name).is_none_or(|k| k == kind));
        let mut results: Vec<Json> =
            lists.iter().copied().flatten().filter(counts).filter_map(|item| self.result(item)).collect();
        if let Some(keep) = self.keep {
            let asked = bound(request).unwrap_or(keep).clamp(1, keep);
            results.truncate(usize::try_from(asked).unwrap_or(usize::MAX));
        }
        (!lists.is_empty()).then_some(results)
    }

    /// What goes on beside them.
    pub(super) fn beside(&self, tree: &Json) -> Fields {
        match self.beside {
            Beside::These(names) => {
                let told = |(from, to): &(&str, &str)| Some(((*to).to_owned(), tree.get(from)?.clone()));
                names.iter().filter_map(told).filter(|(_, value)| !value.is_null()).collect()
            }
            Beside::All => {
                let all = tree.as_object().unwrap_or_default().iter();
                all.filter(|(name, _)| !matches!(name.as_str(), "results" | "object")).cloned().collect()
            }
        }
    }

    /// A result; nothing for what has no address (advertisements, boxes).
    fn result(&self, item: &Json) -> Option<Json> {
        let inside = |key: &str| key.split('.').try_fold(item, below).and_then(words);
        let first = |keys: &[&str]| keys.iter().find_map(|key| inside(key));
        let moment = |keys: &[&str]| {
            let told = keys.iter().find_map(|key| key.split('.').try_fold(item, below));
            if self.days { told.and_then(day) } else { first(keys) }
        };
        let mut out = Json::object([
            ("title", Json::from(first(self.title).unwrap_or_default())),
            ("url", Json::from(first(self.url)?)),
            ("snippet", Json::from(first(self.snippet).unwrap_or_default())),
        ]);
        for (name, keys) in [("date", self.date), ("last_updated", self.updated)] {
            if let Some(moment) = moment(keys) {
                out.set(name, moment);
            }
        }
        let goes = |(name, value): &&(String, Json)| match self.also {
            Also::None => false,
            Also::One(known) => name == known && !value.is_null(),
            Also::All => out.get(name).is_none(),
        };
        let more: Vec<_> = item.as_object().unwrap_or_default().iter().filter(goes).cloned().collect();
        out.extend(more);
        Some(out)
    }
}

/// A text, or a list of texts.
pub(super) fn words(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Array(items) if !items.is_empty() => {
            Some(items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" ... "))
        }
        _ => None,
    }
}

/// The day of a moment that is written as a date, or as seconds or milliseconds since 1970. Others (`2 days ago`) say
/// none.
fn day(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        value => value.as_f64()?.to_string(),
    };
    if let Some(seconds) = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) {
        let seconds = if seconds.abs() > 1e11 { seconds / 1000.0 } else { seconds };
        #[allow(clippy::cast_possible_truncation, reason = "saturates")]
        return Some(moment::date(seconds as i64));
    }
    let date = text.get(..10)?;
    let digits = |at: usize, b: u8| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() };
    date.bytes().enumerate().all(|(at, b)| digits(at, b)).then(|| date.to_owned())
}

fn below<'j>(json: &'j Json, key: &str) -> Option<&'j Json> {
    match key.parse::<usize>() {
        Ok(at) => json.as_array()?.get(at),
        // a short form without the boxes around its results
        Err(_) if json.as_array().is_some() => Some(json),
        Err(_) => json.get(key),
    }
}
