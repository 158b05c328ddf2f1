//! Values with placeholders: `{key}`, `{param:NAME}`, `{env:NAME}`, alternatives with `|`.

use llm_types::Secret;

use crate::params::Params;

/// Fills the placeholders of `text`. Nothing when one of them is unknown and has no fallback text.
pub(crate) fn fill(text: &str, params: &Params, key: Option<&Secret>) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let (inside, after) = tail.split_once('}')?;
        out.push_str(before);
        out.push_str(&choice(inside, params, key)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn choice(inside: &str, params: &Params, key: Option<&Secret>) -> Option<String> {
    inside.split('|').find_map(|alternative| match alternative.split_once(':') {
        Some(("param", name)) => params.str(name).map(str::to_owned),
        Some(("env", name)) => params.env(name),
        _ if alternative == "key" => key.map(|k| k.expose().to_owned()),
        _ => Some(alternative.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use llm_types::Json;

    #[test]
    fn placeholders_are_filled_in_order() {
        let params = Params::without_env([("region", Json::from("eu"))]);
        assert_eq!(fill("a{param:region|us}b", &params, None).unwrap(), "aeub");
        assert_eq!(fill("a{param:zone|env:ZONE|us}b", &params, None).unwrap(), "ausb");
        assert_eq!(fill("a{param:zone}b", &params, None), None);
        assert_eq!(fill("Key {key}", &params, Some(&Secret::new("k"))).unwrap(), "Key k");
        assert_eq!(fill("a{open", &params, None), None);
    }

    #[test]
    fn a_fallback_may_hold_a_url() {
        let params = Params::without_env::<String>([]);
        assert_eq!(fill("{env:SITE|https://x.test}", &params, None).unwrap(), "https://x.test");
    }
}
