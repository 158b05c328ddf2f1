//! Oracle's cloud: each request is signed with the user's key (draft-cavage-http-signatures, RSA-SHA256).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use llm_http::Body;
use llm_types::auth::OciAuth;
use llm_types::{Error, Result};
use sha2::{Digest, Sha256};

use crate::ambient::read;
use crate::flow::{Flow, denied, show};
use crate::rsa::RsaKey;
use crate::shelf::{Issued, Key, KeyOf};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-content-sha256");

pub(crate) fn key(need: &OciAuth) -> Key {
    KeyOf::new("oracle").secret(Some(&need.key)).end()
}

/// The private key, read: PEM text, or the path of a file with it.
pub(crate) async fn fetch(flow: Flow<'_>, need: &OciAuth) -> Result<Issued<std::sync::Arc<RsaKey>>> {
    let given = need.key.expose();
    let text = match given.contains("-----BEGIN") {
        true => given.to_owned(),
        false => read(&flow.ambient.path(given.trim()), "the file of the OCI key").await?,
    };
    let key = RsaKey::from_pem(&text, "the OCI key")?;
    Ok(Issued { value: std::sync::Arc::new(key), expires: None })
}

/// Signs `request`. A body is signed with its length and hash, which only a whole body has.
pub(crate) fn sign(flow: Flow<'_>, need: &OciAuth, key: &RsaKey, request: &mut Request<Body>) -> Result<()> {
    let now = jiff::Timestamp::try_from(flow.ambient.now()).map_err(|error| Error::internal(error.to_string()))?;
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    set(request, DATE, &date)?;
    let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let host = host.ok_or_else(|| Error::internal("a request without a host"))?;
    set(request, HOST, &host)?;
    let mut names = vec!["date", "(request-target)", "host"];
    if matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        describe_body(request)?;
        names.extend(["content-length", "content-type", "x-content-sha256"]);
    }
    let signature = key.sign_base64(&signing_text(request, &names)?)?;
    let authorization = format!(
        r#"Signature version="1",keyId="{}/{}/{}",algorithm="rsa-sha256",headers="{}",signature="{signature}""#,
        need.tenancy,
        need.user,
        need.fingerprint,
        names.join(" "),
    );
    show(request, AUTHORIZATION, &authorization)
}

fn describe_body(request: &mut Request<Body>) -> Result<()> {
    let mut hash = Sha256::new();
    let mut seen = 0;
    for slice in request.body().slices() {
        hash.update(slice);
        seen += slice.len() as u64;
    }
    if request.body().len() != Some(seen) {
        return Err(Error::bad_request("a body that is streamed cannot be signed"));
    }
    set(request, CONTENT_LENGTH, &seen.to_string())?;
    set(request, CONTENT_SHA256, &STANDARD.encode(hash.finalize()))?;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
    Ok(())
}

fn signing_text(request: &Request<Body>, names: &[&str]) -> Result<String> {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push('\n');
        }
        let value = match *name {
            "(request-target)" => {
                let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
                format!("{} {target}", request.method().as_str().to_ascii_lowercase())
            }
            _ => {
                let value = request.headers().get(*name).and_then(|value| value.to_str().ok());
                value.ok_or_else(|| Error::bad_request(format!("the header {name} cannot be signed")))?.to_owned()
            }
        };
        let _ = write!(text, "{name}: {value}");
    }
    Ok(text)
}

fn set(request: &mut Request<Body>, name: HeaderName, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value).map_err(|_| denied(format!("{name} cannot be sent")))?;
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use llm_types::Secret;

    use super::*;
    use crate::testing::{RSA_PKCS1, RSA_PKCS8, World, shown};

    fn need(key: &str) -> OciAuth {
        OciAuth { tenancy: "t".into(), user: "u".into(), fingerprint: "aa:bb".into(), key: Secret::new(key) }
    }

    /// The signature was made with `openssl dgst -sha256 -sign` over the text that Oracle's documentation describes.
    #[tokio::test]
    async fn a_post_is_signed_with_its_body() {
        let world = World::empty();
        let need = need(RSA_PKCS8);
        let key = fetch(world.flow(), &need).await.unwrap().value;
        let url = "https://inference.generativeai.us-ashburn-1.oci.oraclecloud.com/20231130/actions/chat?a=b";
        let mut request = crate::testing::request(url);
        sign(world.flow(), &need, &key, &mut request).unwrap();
        assert_eq!(shown(&request, "date"), "Fri, 02 Jan 2026 03:04:05 GMT");
        assert_eq!(shown(&request, "content-length"), "2");
        assert_eq!(shown(&request, "x-content-sha256"), "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
        let expected = concat!(
            "date: Fri, 02 Jan 2026 03:04:05 GMT\n",
            "(request-target): post /20231130/actions/chat?a=b\n",
            "host: inference.generativeai.us-ashburn-1.oci.oraclecloud.com\n",
            "content-length: 2\n",
            "content-type: application/json\n",
            "x-content-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=",
        );
        let names = ["date", "(request-target)", "host", "content-length", "content-type", "x-content-sha256"];
        assert_eq!(signing_text(&request, &names).unwrap(), expected);
        let authorization = shown(&request, "authorization");
        let (head, signature) = authorization.split_once(r#",signature=""#).unwrap();
        assert_eq!(
            head,
            format!(r#"Signature version="1",keyId="t/u/aa:bb",algorithm="rsa-sha256",headers="{}""#, names.join(" "))
        );
        assert_eq!(signature.trim_end_matches('"'), include_str!("../fixtures/rsa/oci_signature.txt").trim());
    }

    #[tokio::test]
    async fn the_key_may_be_in_a_file_and_a_get_has_no_body() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), RSA_PKCS1).unwrap();
        let (world, need) = (World::empty(), need(file.path().to_str().unwrap()));
        let key = fetch(world.flow(), &need).await.unwrap().value;
        let mut request = Request::get("https://h/x").body(Body::empty()).unwrap();
        sign(world.flow(), &need, &key, &mut request).unwrap();
        assert!(shown(&request, "authorization").contains(r#"headers="date (request-target) host""#));
        let error = fetch(world.flow(), &self::need("/no/such/file")).await.unwrap_err();
        assert!(error.message.starts_with("the file of the OCI key cannot be read"), "{}", error.message);
    }
}
