//! Embeddings by `InvokeModel`: Titan, Cohere, Nova, TwelveLabs' Marengo. All but Cohere take one input at a time.

use bytes::{BufMut, BytesMut};
use llm_types::embed::{EmbedInput, EmbedRequest, EmbedResponse, Embedding};
use llm_types::generate::UsageReport;
use llm_types::{Error, Format, Kind, RawJson, Result, Usage, UsageSource};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::anthropic::{lose, unsupported};
use crate::codec::http_headers::{Headers, get};
use crate::codec::{Embed, EncodeContext, ReplyContext, ReplyView, StreamDecoder, UpstreamCodec};
use crate::openai::object::Obj;
use crate::top::Top;

/// What vectors of Cohere are for, when nobody says.
const PURPOSE: &str = "search_document";
/// Length of Nova's vectors, when nobody says.
const NOVA_LENGTH: u64 = 3072;

/// The codec.
#[derive(Debug, Clone, Copy)]
pub struct Embeddings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Titan1,
    Titan2,
    TitanImage,
    Cohere,
    Nova,
    Marengo2,
    Marengo3,
}

impl Family {
    fn of(model: &str) -> Result<Self> {
        const PIECES: [(&str, Family); 7] = [
            ("marengo-embed-3", Family::Marengo3),
            ("marengo-embed", Family::Marengo2),
            ("cohere.", Family::Cohere),
            ("nova", Family::Nova),
            ("titan-embed-image", Family::TitanImage),
            ("titan-embed-text-v2", Family::Titan2),
            ("titan", Family::Titan1),
        ];
        PIECES
            .iter()
            .find(|(piece, _)| model.contains(piece))
            .map(|(_, family)| *family)
            .ok_or_else(|| Error::bad_request(format!("the embeddings of {model} are not served")))
    }
}

impl UpstreamCodec<Embed> for Embeddings {
    fn format(&self) -> Format {
        Format::BedrockEmbed
    }

    fn encode_request(&self, req: &EmbedRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
        let family = Family::of(ctx.model)?;
        let inputs: Result<Vec<&str>> = req.input.iter().map(text).collect();
        let inputs = inputs?;
        let mut body = Obj::open(out);
        if family == Family::Cohere {
            cohere(req, &inputs, &mut body);
        } else {
            let [input] = inputs.as_slice() else {
                let why = format!("{} embeds one text at a time", ctx.model);
                return Err(Error::bad_request(why).with_param("input"));
            };
            match family {
                Family::Nova => nova(req, input, ctx, &mut body),
                Family::Marengo2 | Family::Marengo3 => marengo(req, input, family, ctx, &mut body)?,
                Family::TitanImage => titan_image(req, input, ctx, &mut body)?,
                _ => titan(req, input, family, ctx, &mut body)?,
            }
        }
        for (key, value) in req.extra.fields_for(Format::OpenAiEmbeddings) {
            body.any_key(key).put_slice(value.get().as_bytes());
        }
        Ok(())
    }

    fn decode_response(&self, reply: &ReplyView<'_>, _: &ReplyContext) -> Result<EmbedResponse> {
        let said: Said<'_> = serde_json::from_slice(reply.body).map_err(|e| invalid(&e.to_string()))?;
        let vectors = said.vectors().filter(|v| !v.is_empty()).ok_or_else(|| invalid("no vectors"))?;
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let data = vectors.into_iter().enumerate();
        let data = data.map(|(at, v)| Embedding { index: place(at), vector: RawJson::borrowed(v) }).collect();
        let count = said.input_text_token_count.or_else(|| of_headers(reply.headers));
        Ok(EmbedResponse { data, usage: count.map(report), ..EmbedResponse::default() })
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Error {
        super::error::decode(reply)
    }

    fn stream_decoder(&self, _: &ReplyContext) -> Option<Box<dyn StreamDecoder>> {
        None
    }

    fn one_by_one(&self, model: &str) -> bool {
        Family::of(model).is_ok_and(|f| f != Family::Cohere)
    }
}

fn text(input: &EmbedInput) -> Result<&str> {
    match input {
        EmbedInput::Text(text) => Ok(text),
        _ => Err(Error::bad_request("texts and pictures (data URLs) are embedded, lists of tokens are not")
            .with_param("input")),
    }
}

/// A picture's format and its bytes in base64.
fn picture(input: &str) -> Option<(&str, &str)> {
    let (head, data) = input.strip_prefix("data:image/")?.split_once(',')?;
    Some((head.split(';').next().unwrap_or(head), data))
}

/// A parameter that a model does not take.
fn refuse(name: &'static str, ctx: &mut EncodeContext<'_>) -> Result<()> {
    if !ctx.drop_params {
        return Err(unsupported(ctx, &[name]));
    }
    lose(ctx, name);
    Ok(())
}

fn titan(
    req: &EmbedRequest,
    input: &str,
    family: Family,
    ctx: &mut EncodeContext<'_>,
    body: &mut Obj<'_>,
) -> Result<()> {
    body.str("inputText", input);
    match (req.dimensions, family) {
        (Some(n), Family::Titan2) => body.u64("dimensions", n),
        (Some(_), _) => refuse("dimensions", ctx)?,
        (None, _) => {}
    }
    match (req.encoding_format.as_deref(), family) {
        (Some(word), Family::Titan2) => {
            body.arr("embeddingTypes").str(if word == "base64" { "binary" } else { word });
        }
        (Some(_), _) => refuse("encoding_format", ctx)?,
        (None, _) => {}
    }
    Ok(())
}

fn titan_image(req: &EmbedRequest, input: &str, ctx: &mut EncodeContext<'_>, body: &mut Obj<'_>) -> Result<()> {
    match picture(input) {
        Some((_, data)) => body.str("inputImage", data),
        None => body.str("inputText", input),
    }
    if let Some(n) = req.dimensions {
        body.obj("embeddingConfig").u64("outputEmbeddingLength", n);
    }
    if req.encoding_format.is_some() {
        refuse("encoding_format", ctx)?;
    }
    Ok(())
}

fn cohere(req: &EmbedRequest, inputs: &[&str], body: &mut Obj<'_>) {
    let images = inputs.iter().any(|i| picture(i).is_some());
    let mut list = body.arr(if images { "images" } else { "texts" });
    inputs.iter().for_each(|i| list.str(i));
    drop(list);
    let purpose = if images { "image" } else { req.input_type.as_deref().unwrap_or(PURPOSE) };
    body.str("input_type", purpose);
    if let Some(kind) = req.encoding_format.as_deref() {
        body.arr("embedding_types").str(if kind == "base64" { "float" } else { kind });
    }
    if let Some(n) = req.dimensions {
        body.u64("output_dimension", n);
    }
}

fn nova(req: &EmbedRequest, input: &str, ctx: &mut EncodeContext<'_>, body: &mut Obj<'_>) {
    body.str("schemaVersion", "nova-multimodal-embed-v1");
    body.str("taskType", "SINGLE_EMBEDDING");
    let mut params = body.obj("singleEmbeddingParams");
    params.str("embeddingPurpose", "GENERIC_INDEX");
    params.u64("embeddingDimension", req.dimensions.unwrap_or(NOVA_LENGTH));
    match picture(input) {
        Some((format, data)) => {
            let mut image = params.obj("image");
            image.str("format", if format == "jpg" { "jpeg" } else { format });
            image.obj("source").str("bytes", data);
        }
        None => {
            let mut said = params.obj("text");
            said.str("truncationMode", "END");
            said.str("value", input);
        }
    }
    drop(params);
    if req.encoding_format.as_deref().is_some_and(|e| e != "float") {
        lose(ctx, "encoding_format");
    }
}

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-marengo.html>
fn marengo(
    req: &EmbedRequest,
    input: &str,
    family: Family,
    ctx: &mut EncodeContext<'_>,
    body: &mut Obj<'_>,
) -> Result<()> {
    if req.dimensions.is_some() {
        refuse("dimensions", ctx)?;
    }
    let image = picture(input).map(|(_, data)| data);
    let kind = if image.is_some() { "image" } else { "text" };
    body.str("inputType", kind);
    if family == Family::Marengo3 {
        let mut said = body.obj(kind);
        match image {
            Some(data) => said.obj("mediaSource").str("base64String", data),
            None => said.str("inputText", input),
        }
        return Ok(());
    }
    match image {
        Some(data) => body.obj("mediaSource").str("base64String", data),
        None => {
            body.str("inputText", input);
            if req.extra.get("textTruncate").is_none() {
                body.str("textTruncate", "end");
            }
        }
    }
    if req.encoding_format.as_deref() == Some("float") {
        let mut options = body.arr("embeddingOption");
        ["visual-text", "visual-image"].iter().for_each(|option| options.str(option));
    }
    Ok(())
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    #[serde(borrow)]
    embeddings_by_type: Option<&'a RawValue>,
    #[serde(borrow, alias = "data")]
    embeddings: Option<&'a RawValue>,
    input_text_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Inside<'a> {
    #[serde(borrow)]
    embedding: &'a RawValue,
}

impl<'a> Said<'a> {
    /// One vector, a list of them, lists by type, or objects around them.
    fn vectors(&self) -> Option<Vec<&'a RawValue>> {
        if let Some(one) = self.embedding {
            return Some(vec![one]);
        }
        if let Some(types) = self.embeddings_by_type {
            let types: Top<'a> = serde_json::from_str(types.get()).ok()?;
            let (_, one) = types.iter().next()?;
            return Some(vec![serde_json::from_str(one).ok()?]);
        }
        let raw = self.embeddings?.get();
        if raw.starts_with('{') {
            let types: Top<'a> = serde_json::from_str(raw).ok()?;
            let lists = types.iter().filter_map(|(_, list)| serde_json::from_str::<Vec<&RawValue>>(list).ok());
            return Some(lists.flatten().collect());
        }
        let list: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
        let inside = |v: &&'a RawValue| match v.get().starts_with('{') {
            true => serde_json::from_str::<Inside<'a>>(v.get()).map_or(*v, |i| i.embedding),
            false => *v,
        };
        Some(list.iter().map(inside).collect())
    }
}

fn of_headers(headers: &Headers<'_>) -> Option<u64> {
    get(headers, "x-amzn-bedrock-input-token-count")?.trim().parse().ok()
}

fn report(count: u64) -> UsageReport {
    UsageReport { usage: Usage { input_text: count, source: UsageSource::Reported, ..Usage::default() }, raw: None }
}

fn invalid(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("litellm.APIConnectionError: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(input: &str) -> EmbedRequest {
        EmbedRequest { input: vec![EmbedInput::Text(input.to_owned())], ..EmbedRequest::default() }
    }

    fn written(model: &str, req: &EmbedRequest, drop: bool) -> Result<String> {
        let mut ctx = EncodeContext { drop_params: drop, ..EncodeContext::for_model(model) };
        let mut out = BytesMut::new();
        Embeddings.encode_request(req, &mut ctx, &mut out)?;
        Ok(String::from_utf8(out.to_vec()).unwrap())
    }

    #[test]
    fn every_family_has_its_own_body() {
        let mut req = request("hi");
        assert_eq!(written("amazon.titan-embed-text-v1", &req, false).unwrap(), r#"{"inputText":"hi"}"#);
        req.dimensions = Some(256);
        req.encoding_format = Some("base64".into());
        assert_eq!(written("amazon.titan-embed-text-v1", &req, true).unwrap(), r#"{"inputText":"hi"}"#);
        assert_eq!(written("amazon.titan-embed-text-v1", &req, false).unwrap_err().kind, Kind::UnsupportedParams);
        assert_eq!(
            written("amazon.titan-embed-text-v2:0", &req, false).unwrap(),
            r#"{"inputText":"hi","dimensions":256,"embeddingTypes":["binary"]}"#
        );
        assert_eq!(
            written("cohere.embed-english-v3", &req, false).unwrap(),
            r#"{"texts":["hi"],"input_type":"search_document","embedding_types":["float"],"output_dimension":256}"#
        );
        assert_eq!(
            written("amazon.nova-2-multimodal-embeddings-v1:0", &req, false).unwrap(),
            r#"{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX","embeddingDimension":256,"text":{"truncationMode":"END","value":"hi"}}}"#
        );
        let mut image = request("data:image/png;base64,AAAA");
        image.dimensions = Some(384);
        assert_eq!(
            written("amazon.titan-embed-image-v1", &image, false).unwrap(),
            r#"{"inputImage":"AAAA","embeddingConfig":{"outputEmbeddingLength":384}}"#
        );
        assert_eq!(
            written("us.twelvelabs.marengo-embed-2-7-v1:0", &request("hi"), false).unwrap(),
            r#"{"inputType":"text","inputText":"hi","textTruncate":"end"}"#
        );
        assert_eq!(
            written("twelvelabs.marengo-embed-3-0-v1:0", &request("data:image/png;base64,AAAA"), false).unwrap(),
            r#"{"inputType":"image","image":{"mediaSource":{"base64String":"AAAA"}}}"#
        );
        assert!(written("twelvelabs.marengo-embed-2-7-v1:0", &req, false).is_err());
        assert!(written("acme.embed-1", &req, false).is_err());
        assert!(
            Embeddings.one_by_one("amazon.titan-embed-text-v1") && !Embeddings.one_by_one("cohere.embed-english-v3")
        );
    }

    #[test]
    fn vectors_are_found_wherever_they_are() {
        for (body, count, vectors) in [
            (r#"{"embedding":[1.0,2],"inputTextTokenCount":7}"#, 7, &["[1.0,2]"][..]),
            (r#"{"embeddingsByType":{"binary":[1,0]},"inputTextTokenCount":7}"#, 7, &["[1,0]"]),
            (r#"{"embeddings":[[1],[2]],"id":"x"}"#, 3, &["[1]", "[2]"]),
            (r#"{"embeddings":{"float":[[1],[2]]}}"#, 3, &["[1]", "[2]"]),
            (r#"{"data":[{"embedding":[1],"embeddingOption":"visual-text"}]}"#, 3, &["[1]"]),
            (r#"{"embeddings":[{"embeddingType":"TEXT","embedding":[1]}]}"#, 3, &["[1]"]),
        ] {
            let headers = [("x-amzn-bedrock-input-token-count", "3")];
            let view = ReplyView { status: 200, provider: "acme", headers: &headers, body: body.as_bytes() };
            let answer = Embeddings.decode_response(&view, &ReplyContext::default()).unwrap();
            let told: Vec<&str> = answer.data.iter().map(|d| d.vector.get()).collect();
            assert_eq!((told.as_slice(), answer.usage.unwrap().usage.input_text), (vectors, count), "{body}");
        }
        let view = ReplyView { status: 200, provider: "acme", headers: &[], body: b"{}" };
        assert!(Embeddings.decode_response(&view, &ReplyContext::default()).is_err());
    }
}
