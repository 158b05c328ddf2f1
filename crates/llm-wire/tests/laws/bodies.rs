//! Laws of whole requests, answers and errors.

use llm_types::Json;
use llm_wire::codec::http_headers::Headers;
use llm_wire::registry::{client_generate, upstream_generate};
use llm_wire::{ReplyView, RequestView};

use super::files::{
    Fixture, GENERATE, difference, encode_context, fixtures, prefixes, pretty, reply_context, report, tree, written,
};

fn request<'a>(body: &'a [u8]) -> RequestView<'a> {
    RequestView { path: "/", query: "", body }
}

fn reply<'a>(status: u16, headers: &'a Headers<'a>, body: &'a [u8]) -> ReplyView<'a> {
    ReplyView { status, provider: "provider", headers, body }
}

/// Same value, or an admitted rewriting that is stable.
fn round_trip(fixture: &Fixture, once: &[u8], twice: &[u8], wrong: &mut Vec<String>) {
    let (before, after) = (tree(&fixture.body), tree(once));
    if let Some(path) = fixture.again() {
        fixture.snapshot("again.json", &pretty(&after), wrong);
        if let Some(what) = difference(&after, &tree(twice), "", false) {
            wrong.push(format!("{}: written again, {what} ({})", fixture.name(), path.display()));
        }
    } else if let Some(what) = difference(&before, &after, "", false) {
        wrong.push(format!("{}: round trip: {what}", fixture.name()));
    }
}

#[test]
fn requests_survive_their_own_format() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&GENERATE, "request.json") {
        let (client, upstream) = (client_generate(fixture.format).unwrap(), upstream_generate(fixture.format).unwrap());
        let again = |body: &[u8]| {
            let req = client.decode_request(&request(body)).map_err(|e| e.to_string())?;
            let mut ctx = encode_context(&req.model);
            let mut out = bytes::BytesMut::new();
            upstream.encode_request(&req, &mut ctx, &mut out).map_err(|e| e.to_string())?;
            Ok::<_, String>(out)
        };
        match again(&fixture.body).and_then(|once| Ok((again(&once)?, once))) {
            Ok((twice, once)) => round_trip(&fixture, &once, &twice, &mut wrong),
            Err(e) => wrong.push(format!("{}: {e}", fixture.name())),
        }
    }
    report(&wrong);
}

#[test]
fn requests_reach_every_format() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&GENERATE, "request.json") {
        let req = client_generate(fixture.format).unwrap().decode_request(&request(&fixture.body)).unwrap();
        for target in GENERATE.into_iter().filter(|t| *t != fixture.format) {
            let mut ctx = encode_context("target-model");
            let mut out = bytes::BytesMut::new();
            let result = upstream_generate(target).unwrap().encode_request(&req, &mut ctx, &mut out);
            let list = |items: &[String]| Json::Array(items.iter().map(|l| Json::from(l.as_str())).collect());
            let mut shown = vec![("lost", list(&ctx.lost))];
            match result {
                Ok(()) => shown.push(("body", tree(&out))),
                Err(e) => shown.push(("error", Json::from(e.message.as_str()))),
            }
            fixture.snapshot(&format!("to.{target}.json"), &pretty(&Json::object(shown)), &mut wrong);
        }
    }
    report(&wrong);
}

#[test]
fn bad_requests_name_the_field() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&GENERATE, "bad.json") {
        let client = client_generate(fixture.format).unwrap();
        match client.decode_request(&request(&fixture.body)) {
            Ok(_) => wrong.push(format!("{}: accepted", fixture.name())),
            Err(e) => {
                if e.param.is_none() {
                    wrong.push(format!("{}: no param", fixture.name()));
                }
                let body = written(|out| client.encode_error(&e, out));
                fixture.snapshot("refused.json", &pretty(&tree(&body)), &mut wrong);
            }
        }
    }
    report(&wrong);
}

#[test]
fn responses_survive_and_reach_every_client() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&GENERATE, "response.json") {
        let upstream = upstream_generate(fixture.format).unwrap();
        let ctx = reply_context(fixture.format);
        let read = |body: &[u8]| upstream.decode_response(&reply(200, &[], body), &ctx);
        let resp = match read(&fixture.body) {
            Ok(resp) => resp,
            Err(e) => {
                wrong.push(format!("{}: {e}", fixture.name()));
                continue;
            }
        };
        for format in GENERATE {
            let client = client_generate(format).unwrap();
            let out = written(|out| client.encode_response(&resp, &ctx, out));
            if format == fixture.format {
                let twice = read(&out).unwrap();
                let twice = written(|out| client.encode_response(&twice, &ctx, out));
                round_trip(&fixture, &out, &twice, &mut wrong);
            } else {
                fixture.snapshot(&format!("as.{format}.json"), &pretty(&tree(&out)), &mut wrong);
            }
        }
    }
    report(&wrong);
}

#[test]
fn errors_keep_their_meaning_for_every_client() {
    let mut wrong = Vec::new();
    let headers = [("retry-after", "7"), ("x-request-id", "req_1"), ("set-cookie", "secret")];
    for fixture in fixtures(&GENERATE, "error.json") {
        let upstream = upstream_generate(fixture.format).unwrap();
        let e = upstream.decode_error(&reply(fixture.status(), &headers, &fixture.body));
        assert!(!format!("{e:?}").contains("secret"), "{}: cookies are not shown", fixture.name());
        let mut shown = vec![
            ("kind", Json::from(format!("{:?}", e.kind))),
            ("status", Json::from(u64::from(e.status()))),
            ("retryable", Json::from(e.retryable())),
            ("retry_after", Json::from(e.retry_after.map(|d| d.as_secs()))),
        ];
        for format in GENERATE {
            let body = written(|out| client_generate(format).unwrap().encode_error(&e, out));
            shown.push((format.name(), tree(&body)));
        }
        fixture.snapshot("decoded.json", &pretty(&Json::object(shown)), &mut wrong);
    }
    report(&wrong);
}

#[test]
fn nothing_panics_on_half_a_body() {
    for kind in ["request.json", "bad.json", "response.json", "error.json"] {
        for fixture in fixtures(&GENERATE, kind) {
            let (client, upstream) =
                (client_generate(fixture.format).unwrap(), upstream_generate(fixture.format).unwrap());
            let ctx = reply_context(fixture.format);
            let whole = fixture.body.trim_ascii_end().len();
            for part in prefixes(&fixture.body) {
                let cut = part.len() < whole;
                assert!(!cut || client.decode_request(&request(part)).is_err(), "{}: half a body", fixture.name());
                assert!(!cut || upstream.decode_response(&reply(200, &[], part), &ctx).is_err(), "{}", fixture.name());
                let _ = upstream.decode_error(&reply(500, &[], part));
            }
        }
    }
}
