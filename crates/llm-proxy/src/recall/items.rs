//! Embeddings: every text is an entry, only unknown ones are asked for, and the answer is put together.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::{BufMut, Bytes, BytesMut};
use llm_cache::{Batch, Cache, Hit as Found, Plan};
use llm_catalog::tokens;
use llm_types::RawJson;
use llm_wire::top::Top;
use serde_json::value::RawValue;

use super::ask::{Asked, known};
use super::keep::aside;
use super::{Hit, Memory, Shape, Ticket, What, tell};

/// The texts of a request, some of which are known.
#[derive(Debug)]
pub(super) struct Items {
    keys: Vec<String>,
    known: Batch<Bytes>,
    /// Tokens of the known ones.
    tokens: u64,
}

pub(super) async fn lookup(asked: &Asked<'_>) -> Memory {
    let Some(texts) = texts(asked.top.get("input")) else { return Memory::default() };
    let fields: Vec<(&str, &str)> = asked.top.iter().collect();
    let keys = asked.cache.item_keys(&fields, &texts, &asked.options);
    let found = match asked.cache.get_many(&keys, &asked.plan, SystemTime::now()).await {
        Ok(found) => found.map(|hit: Found| hit.response),
        Err(error) => {
            known::<()>(Err(error));
            Batch::new(keys.iter().map(|_| None).collect())
        }
    };
    let counted: usize = texts
        .iter()
        .enumerate()
        .filter(|(at, _)| !found.is_missing(*at))
        .map(|(_, text)| count(&asked.call.model, text))
        .sum();
    let items = Items { tokens: counted as u64, known: found, keys };
    if items.known.missing().next().is_none() {
        return Memory { hit: complete(asked, items), ..Memory::default() };
    }
    let part = items.known.known() > 0;
    let rest = part.then(|| asked.top.edited(&[("input", Some(&items.known.request(&texts)))]));
    let ticket = Ticket::new(asked.cache, asked.plan, What::Items(items));
    // What is known has to be put back in, also when nothing is to be stored.
    Memory { ticket: (asked.plan.store || part).then_some(ticket), rest, ..Memory::default() }
}

/// The JSON texts of the items of `input`: a text, or texts and lists of tokens. A list of numbers is one item.
fn texts(input: Option<&str>) -> Option<Vec<&str>> {
    let input = input?.trim();
    if input.starts_with('"') {
        return Some(vec![input]);
    }
    let items: Vec<&RawValue> = serde_json::from_str(input).ok()?;
    let first = items.first()?.get();
    if first.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return Some(vec![input]);
    }
    Some(items.into_iter().map(RawValue::get).collect())
}

fn count(model: &str, item: &str) -> usize {
    match llm_types::json::raw_str(item) {
        Some(text) => tokens::count(model, &text),
        None => item.split(',').count(),
    }
}

/// The answer when everything is known.
fn complete(asked: &Asked<'_>, items: Items) -> Option<Hit> {
    let key = items.keys.first()?.clone();
    let data = items.known.fill([])?;
    let model = asked.call.echo.as_ref().unwrap_or(&asked.call.model);
    let mut out = BytesMut::from(&b"{\"object\":\"list\",\"data\":"[..]);
    list(&data, &mut out)?;
    out.put_slice(b",\"model\":");
    out.put_slice(RawJson::string(model).get().as_bytes());
    out.put_slice(format!(",\"usage\":{}}}", spent(items.tokens)).as_bytes());
    let body = out.freeze();
    let usage = tell::usage(asked.call, &Top::parse(&body).ok()?);
    let cost = tell::worth(asked.ctx, asked.call, &usage);
    Some(Hit { key, body, kind: Shape::Json, cost, response_id: None, usage, similarity: None })
}

fn spent(tokens: u64) -> String {
    format!("{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}")
}

/// Vectors as a list, numbered anew.
fn list(data: &[Bytes], out: &mut BytesMut) -> Option<()> {
    out.put_u8(b'[');
    for (at, item) in data.iter().enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        let number = at.to_string();
        out.put_slice(&Top::parse(item).ok()?.edited(&[("index", Some(&number))]));
    }
    out.put_u8(b']');
    Some(())
}

/// Stores what is new; what is known is put back into the answer.
pub(super) fn store(cache: Arc<Cache>, plan: Plan, items: Items, body: Bytes) -> Bytes {
    let Some(new) = fetched(&body) else { return body };
    let missing: Vec<usize> = items.known.missing().collect();
    if new.len() != missing.len() {
        return body;
    }
    let part = items.known.known() > 0;
    let keys = missing.into_iter().filter_map(|at| items.keys.get(at).cloned());
    let pairs: Vec<(String, Bytes)> = keys.zip(new.iter().cloned()).collect();
    if plan.store {
        let now = SystemTime::now();
        let work = async move { cache.put_many(pairs, &plan, now).await };
        aside(work);
    }
    if !part {
        return body;
    }
    let tokens = items.tokens;
    let joined = items.known.fill(new).and_then(|all| joined(&body, &all, tokens));
    joined.unwrap_or(body)
}

/// The vectors of an answer, in order.
fn fetched(body: &Bytes) -> Option<Vec<Bytes>> {
    let top = Top::parse(body).ok()?;
    let data: Vec<&RawValue> = serde_json::from_str(top.get("data")?).ok()?;
    let mut numbered = Vec::with_capacity(data.len());
    for (at, item) in data.into_iter().enumerate() {
        let index = Top::parse(item.get().as_bytes()).ok()?.read::<usize>("index").unwrap_or(at);
        numbered.push((index, Bytes::copy_from_slice(item.get().as_bytes())));
    }
    numbered.sort_by_key(|(index, _)| *index);
    Some(numbered.into_iter().map(|(_, item)| item).collect())
}

fn joined(body: &Bytes, data: &[Bytes], known: u64) -> Option<Bytes> {
    let top = Top::parse(body).ok()?;
    let mut out = BytesMut::new();
    list(data, &mut out)?;
    let data = String::from_utf8(out.to_vec()).ok()?;
    let raw = top.get("usage").and_then(|u| RawJson::parse(u).ok());
    let sum = |name: &str| {
        let usage = raw.as_ref().and_then(|raw| Top::parse(raw.get().as_bytes()).ok());
        usage.and_then(|usage| usage.read::<u64>(name)).unwrap_or_default() + known
    };
    let (prompt, total) = (sum("prompt_tokens").to_string(), sum("total_tokens").to_string());
    let usage = match &raw {
        Some(raw) => {
            let usage = Top::parse(raw.get().as_bytes()).ok()?;
            let edits = [("prompt_tokens", Some(prompt.as_str())), ("total_tokens", Some(total.as_str()))];
            String::from_utf8(usage.edited(&edits).to_vec()).ok()?
        }
        None => spent(known),
    };
    Some(top.edited(&[("data", Some(&data)), ("usage", Some(&usage))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_numbers_is_one_item() {
        assert_eq!(texts(Some(r#""a""#)), Some(vec![r#""a""#]));
        assert_eq!(texts(Some(r#"["a", [1,2]]"#)), Some(vec![r#""a""#, "[1,2]"]));
        assert_eq!(texts(Some("[1, 2]")), Some(vec!["[1, 2]"]));
        assert_eq!(texts(Some("[]")), None);
        assert_eq!(texts(Some("{}")), None);
    }

    #[test]
    fn the_answer_is_put_together_in_the_order_of_the_request() {
        let known = Batch::new(vec![Some(Bytes::from_static(br#"{"embedding":[1],"index":7}"#)), None, None]);
        let body = Bytes::from_static(
            br#"{"data":[{"index":1,"embedding":[3]},{"index":0,"embedding":[2]}],"usage":{"prompt_tokens":4,"total_tokens":4}}"#,
        );
        let all = known.fill(fetched(&body).unwrap()).unwrap();
        let joined = joined(&body, &all, 3).unwrap();
        let expected = r#"{"data":[{"embedding":[1],"index":0},{"index":1,"embedding":[2]},{"index":2,"embedding":[3]}],"usage":{"prompt_tokens":7,"total_tokens":7}}"#;
        assert_eq!(std::str::from_utf8(&joined).unwrap(), expected);
    }
}
