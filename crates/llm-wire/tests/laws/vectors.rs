//! Laws of embeddings.

use llm_types::Format;
use llm_wire::registry::{client_embed, upstream_embed};
use llm_wire::{ReplyView, RequestView};

use super::files::{difference, encode_context, fixtures, prefixes, pretty, reply_context, report, tree, written};

const FORMATS: [Format; 1] = [Format::OpenAiEmbeddings];

#[test]
fn embedding_requests_survive() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&FORMATS, "request.json") {
        let client = client_embed(fixture.format).unwrap();
        let req = client.decode_request(&RequestView { path: "/", query: "", body: &fixture.body }).unwrap();
        let mut ctx = encode_context(&req.model);
        let mut out = bytes::BytesMut::new();
        upstream_embed(fixture.format).unwrap().encode_request(&req, &mut ctx, &mut out).unwrap();
        wrong.extend(difference(&tree(&fixture.body), &tree(&out), &fixture.name(), false));
        assert!(ctx.lost.is_empty(), "{}: {:?}", fixture.name(), ctx.lost);
    }
    report(&wrong);
}

#[test]
fn embedding_answers_survive() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&FORMATS, "response.json") {
        let ctx = reply_context(fixture.format);
        let reply = ReplyView { status: 200, provider: "provider", headers: &[], body: &fixture.body };
        let resp = upstream_embed(fixture.format).unwrap().decode_response(&reply, &ctx).unwrap();
        let out = written(|out| client_embed(fixture.format).unwrap().encode_response(&resp, &ctx, out));
        fixture.snapshot("again.json", &pretty(&tree(&out)), &mut wrong);
    }
    report(&wrong);
}

#[test]
fn bad_embedding_requests_name_the_field() {
    let mut wrong = Vec::new();
    for fixture in fixtures(&FORMATS, "bad.json") {
        let client = client_embed(fixture.format).unwrap();
        let e = client.decode_request(&RequestView { path: "/", query: "", body: &fixture.body }).unwrap_err();
        assert!(e.param.is_some(), "{}", fixture.name());
        let body = written(|out| client.encode_error(&e, out));
        fixture.snapshot("refused.json", &pretty(&tree(&body)), &mut wrong);
    }
    report(&wrong);
}

#[test]
fn half_an_embedding_body_is_an_error() {
    for fixture in fixtures(&FORMATS, "response.json") {
        let whole = fixture.body.trim_ascii_end().len();
        for body in prefixes(&fixture.body).filter(|p| p.len() < whole) {
            let reply = ReplyView { status: 200, provider: "provider", headers: &[], body };
            assert!(
                upstream_embed(fixture.format)
                    .unwrap()
                    .decode_response(&reply, &reply_context(fixture.format))
                    .is_err()
            );
            assert!(
                client_embed(fixture.format)
                    .unwrap()
                    .decode_request(&RequestView { path: "/", query: "", body })
                    .is_err()
            );
        }
    }
}
