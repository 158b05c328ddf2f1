//! Requests that come back: every request to an address of the operator's own says which gateways it has passed. One that has
//! passed this one before, or too many, is refused; else a deployment whose `api_base` leads back here would call itself until
//! nothing is left.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_client::VIA;
use llm_types::Error;

/// Gateways one behind the other, at the most.
const MOST: usize = 8;

/// The name of this process among gateways: random, it says nothing to others.
fn name() -> &'static Arc<str> {
    static NAME: OnceLock<Arc<str>> = OnceLock::new();
    NAME.get_or_init(|| uuid::Uuid::new_v4().simple().to_string().chars().take(16).collect::<String>().into())
}

const HEADER: HeaderName = HeaderName::from_static(VIA);

fn passed(headers: &HeaderMap) -> Option<&str> {
    headers.get(HEADER)?.to_str().ok()
}

/// What the next one is told.
#[must_use]
pub fn onward(headers: &HeaderMap) -> Arc<str> {
    match passed(headers) {
        None => Arc::clone(name()),
        Some(before) => format!("{before},{}", name()).into(),
    }
}

/// Tells it to whoever is asked next: that may be a gateway, and lead back here. `given`: the headers of the request that came.
pub fn tell(given: &HeaderMap, out: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&onward(given)) {
        out.insert(HEADER, value);
    }
}

/// Refuses a request that has been here.
///
/// # Errors
/// 400, which nobody tries again.
pub fn check(headers: &HeaderMap) -> Result<(), Error> {
    let Some(before) = passed(headers) else { return Ok(()) };
    let here = before.split(',').any(|passed| passed.trim() == &**name());
    if !here && before.split(',').count() < MOST {
        return Ok(());
    }
    let why = match here {
        true => "this request has passed this gateway before: the api_base of a deployment leads back to it".to_owned(),
        false => format!("this request has passed {MOST} gateways: one of them leads back to another"),
    };
    tracing::warn!("{why}");
    Err(Error::bad_request(why).with_type("request_loop"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_passes_once_and_not_too_many() {
        let headers = |via: &str| HeaderMap::from_iter([(VIA.parse().unwrap(), via.parse().unwrap())]);
        assert!(check(&HeaderMap::new()).is_ok() && check(&headers("other")).is_ok());
        let next = onward(&headers("other"));
        assert!(next.starts_with("other,") && check(&headers(&next)).is_err());
        assert!(check(&headers(&onward(&HeaderMap::new()))).is_err());
        assert!(check(&headers("a,b,c,d,e,f,g")).is_ok());
        assert!(check(&headers("a,b,c,d,e,f,g,h")).is_err());
    }
}
