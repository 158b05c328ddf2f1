//! Files of Google AI Studio. <https://ai.google.dev/api/files>

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::ReplyView;
use llm_wire::batches::moment;

use super::stores::{base, shown};
use crate::aws::escaped;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::uploads::{Announced, Look, UploadHouse};

/// The house.
#[derive(Debug)]
pub(super) struct Files;

impl UploadHouse for Files {
    fn announce(&self, file: &Announced<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes> {
        out.url = format!("{}/upload/v1beta/files", base(resource));
        out.method = Method::POST;
        shown(resource, out)?;
        announce(file.size, file.content_type, out)?;
        let name = Json::object([("display_name", file.filename)]);
        Ok(Bytes::from(Json::object([("file", name)]).to_string()))
    }

    fn send(&self, said: &ReplyView<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        place(said, resource)
            .map_err(|why| Error::new(Kind::InvalidReply, format!("the file cannot be uploaded: {why}")))?
            .clone_into(&mut out.url);
        out.method = Method::PUT;
        finish(out)
    }

    fn look(&self, look: Look<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let tail = match look {
            Look::Facts(id) | Look::Removal(id) => format!("/{}", name(id)?),
            Look::List { limit, after } => {
                let size = limit.map(|n| format!("pageSize={}", n.min(100)));
                let after = after.map(|token| format!("pageToken={}", escaped(token)));
                let pairs: Vec<String> = size.into_iter().chain(after).collect();
                if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
            }
        };
        out.url = format!("{}/v1beta/files{tail}", base(resource));
        shown(resource, out)?;
        out.headers.remove(http::header::CONTENT_TYPE);
        out.method = if matches!(look, Look::Removal(_)) { Method::DELETE } else { Method::GET };
        Ok(())
    }

    fn told(&self, said: &Json) -> Json {
        let listed = said.get("files").and_then(Json::as_array);
        if listed.is_none() && (said.get("name").is_some() || said.get("file").is_some()) {
            return facts(said.get("file").unwrap_or(said));
        }
        let next = said.text("nextPageToken").filter(|token| !token.is_empty());
        let mut page = Json::object([
            ("object", Json::from("list")),
            ("data", Json::Array(listed.unwrap_or_default().iter().map(facts).collect())),
            ("has_more", Json::from(next.is_some())),
        ]);
        if let Some(next) = next {
            // what `after` is for the next page
            page.set("last_id", next);
        }
        page
    }
}

/// What announces a file.
pub(super) fn announce(size: usize, content_type: &str, out: &mut Endpoint) -> Result<()> {
    for (header, value) in [
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", &size.to_string()),
        ("x-goog-upload-header-content-type", content_type),
    ] {
        out.set(header, value)?;
    }
    Ok(())
}

/// The address that an announcement was answered with: nowhere but at the house that was configured.
pub(super) fn place<'r>(said: &ReplyView<'r>, resource: &Resource<'_>) -> Result<&'r str, &'static str> {
    let place = said.headers.iter().find(|(name, _)| *name == "x-goog-upload-url").map(|(_, url)| *url);
    let place = place.ok_or("it names no address for the upload")?;
    let ours = place.starts_with(&format!("{}/", base(resource)));
    ours.then_some(place).ok_or("its address for the upload is on another host")
}

/// What says that all bytes are there.
pub(super) fn finish(out: &mut Endpoint) -> Result<()> {
    out.set("x-goog-upload-offset", "0")?;
    out.set("x-goog-upload-command", "upload, finalize")
}

/// The last part of `files/abc`, of an address, or of what stands alone.
fn name(id: &str) -> Result<&str> {
    let last = id.rsplit('/').next().unwrap_or_default();
    let plain = !last.is_empty() && last.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    plain
        .then_some(last)
        .ok_or_else(|| Error::new(Kind::NotFound, format!("No such File object: {id}")).with_param("id"))
}

/// OpenAI's object of a file: its address is its id, for conversations name it so.
fn facts(file: &Json) -> Json {
    let id = file.text("uri").or_else(|| file.text("name")).unwrap_or_default();
    let size = file.get("sizeBytes").and_then(|size| size.as_i64().or_else(|| size.as_str()?.parse().ok()));
    let created = file.text("createTime").and_then(moment::seconds);
    let status = match file.text("state") {
        Some("ACTIVE") => "processed",
        Some("FAILED") => "error",
        _ => "uploaded",
    };
    let failed = file.get("error").filter(|_| status == "error").map(Json::to_string);
    Json::object([
        ("id", Json::from(id)),
        ("object", Json::from("file")),
        ("bytes", Json::from(size.unwrap_or_default())),
        ("created_at", Json::from(created.unwrap_or_default())),
        ("filename", Json::from(file.text("displayName").unwrap_or_default())),
        ("purpose", Json::from("user_data")),
        ("status", Json::from(status)),
        ("status_details", failed.map_or(Json::Null, Json::from)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn files_are_found_by_each_of_their_names() {
        let params = Params::without_env::<String>([]);
        let key = llm_types::Secret::new("k");
        let at = Resource {
            path: "",
            query: "",
            model: "",
            api_base: Some("http://h/v1beta"),
            api_key: Some(&key),
            params: &params,
        };
        let url = |look| {
            let mut out = Endpoint::default();
            Files.look(look, &at, &mut out).map(|()| out.url)
        };
        for id in ["abc", "files/abc", "https://generativelanguage.googleapis.com/v1beta/files/abc"] {
            assert_eq!(url(Look::Facts(id)).unwrap(), "http://h/v1beta/files/abc", "{id}");
        }
        let list = Look::List { limit: Some(500), after: Some("t=") };
        assert_eq!(url(list).unwrap(), "http://h/v1beta/files?pageSize=100&pageToken=t%3D");
        assert_eq!(url(Look::Removal("files/..")).unwrap_err().kind, Kind::NotFound);
        let answered = |place| {
            let headers = [("x-goog-upload-url", place)];
            let said = ReplyView { status: 200, provider: "", headers: &headers, body: b"" };
            Files.send(&said, &at, &mut Endpoint::default())
        };
        assert!(answered("http://h/up?id=1").is_ok() && answered("http://h.evil/up").is_err());
    }

    #[test]
    fn files_are_told_as_openais() {
        let told = Files.told(&json(
            r#"{"file":{"name":"files/a","uri":"http://h/v1beta/files/a","displayName":"a.txt","sizeBytes":"3","createTime":"2023-11-14T22:13:20.5Z","state":"ACTIVE"}}"#,
        ));
        let wanted = r#"{"id":"http://h/v1beta/files/a","object":"file","bytes":3,"created_at":1700000000,"filename":"a.txt","purpose":"user_data","status":"processed","status_details":null}"#;
        assert_eq!(told.to_string(), wanted);
        let page = Files.told(&json(r#"{"files":[{"name":"files/a"}],"nextPageToken":"t"}"#));
        assert_eq!((page.text("last_id"), page.get("has_more").and_then(Json::as_bool)), (Some("t"), Some(true)));
        assert_eq!(Files.told(&json("{}")).to_string(), r#"{"object":"list","data":[],"has_more":false}"#);
    }
}
