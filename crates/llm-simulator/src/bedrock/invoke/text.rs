//! Models that answer with one text.

use crate::content::{Answer, Finish, Usage, compose, usage};
use crate::reply::Reply;
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::json_reply;
use super::families::Family;
use super::stream;

pub(super) fn reply(call: &Call<'_>, family: &Family) -> Reply {
    let answer = compose(call.prompt, call.script, 0);
    let counts = usage(call.prompt, call.script, std::slice::from_ref(&answer));
    let text = answer.text().or_else(|| answer.refusal.clone()).unwrap_or_default();
    match family.pieces {
        Some((piece, end)) if call.prompt.stream => {
            let pieces = answer.pieces.iter().map(|text| written(call, family, &answer, counts, piece, text));
            let end = written(call, family, &answer, counts, end, "");
            stream::text(call, pieces.collect(), end, counts)
        }
        _ => stream::counted(json_reply(call, written(call, family, &answer, counts, family.whole, &text)), counts),
    }
}

fn written(call: &Call<'_>, family: &Family, answer: &Answer, counts: Usage, template: &str, text: &str) -> String {
    let word = match answer.finish {
        _ if call.script.finish.is_some() => call.script.finish.as_deref().unwrap_or_default(),
        Finish::Length => family.finish.1,
        _ => family.finish.0,
    };
    let values = [
        ("text", quote(text)),
        ("finish", quote(word)),
        ("prompt", counts.prompt.to_string()),
        ("completion", counts.completion.to_string()),
        ("total", (counts.prompt + counts.completion).to_string()),
        ("asked", quote(&call.prompt.user_text)),
        ("id", quote(&call.word("id", 36))),
        ("model", quote(&call.prompt.model)),
    ];
    fill(template, &values.each_ref().map(|(key, value)| (*key, value.as_str())))
}
