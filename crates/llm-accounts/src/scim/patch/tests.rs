//! PATCH as a table: a resource, an operation as a provider sends it, what becomes of it.

use super::*;
use crate::scim::path::ENTERPRISE;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const ANN: &str = r#"{"id":"ann","userName":"ann@x.org","active":true,"name":{"givenName":"Ann"},"emails":[{"value":"ann@x.org","type":"work","primary":true}]}"#;
const TEAM: &str = r#"{"id":"t","displayName":"T","members":[{"value":"a","display":"A"},{"value":"b"}]}"#;

/// What of the resource is looked at, as JSON.
fn after(resource: &str, operations: &str, look: &str) -> String {
    let mut resource = json(resource);
    match apply(&mut resource, &json(&format!(r#"{{"Operations":[{operations}]}}"#))) {
        Ok(()) => attribute(&resource, look).cloned().unwrap_or_default().to_raw().get().to_owned(),
        Err(fault) => format!("{} {}", fault.status, fault.kind.unwrap_or_default()),
    }
}

#[test]
fn the_table() {
    let rows: &[(&str, &str, &str, &str)] = &[
        // Okta: a value without a path.
        (ANN, r#"{"op":"replace","value":{"active":false}}"#, "active", "false"),
        (TEAM, r#"{"op":"replace","value":{"id":"other","displayName":"U"}}"#, "displayName", r#""U""#),
        (TEAM, r#"{"op":"replace","value":{"id":"other","displayName":"U"}}"#, "id", r#""t""#),
        (TEAM, r#"{"op":"remove","path":"members[value eq \"a\"]"}"#, "members", r#"[{"value":"b"}]"#),
        (
            TEAM,
            r#"{"op":"add","path":"members","value":[{"value":"c","display":"C"}]}"#,
            "members",
            r#"[{"value":"a","display":"A"},{"value":"b"},{"value":"c","display":"C"}]"#,
        ),
        (TEAM, r#"{"op":"replace","path":"members","value":[{"value":"z"}]}"#, "members", r#"[{"value":"z"}]"#),
        (TEAM, r#"{"op":"remove","path":"members"}"#, "members", "null"),
        (TEAM, r#"{"op":"replace","path":"members","value":[]}"#, "members", "[]"),
        // Entra: capitals, texts for truth values, dots inside of values, paths of addresses that are not there.
        (ANN, r#"{"op":"Replace","path":"active","value":"False"}"#, "active", r#""False""#),
        (
            ANN,
            r#"{"op":"Add","value":{"name.familyName":"Lee","displayName":"A. Lee"}}"#,
            "name",
            r#"{"givenName":"Ann","familyName":"Lee"}"#,
        ),
        (
            ANN,
            r#"{"op":"Add","path":"name.familyName","value":"Lee"}"#,
            "name",
            r#"{"givenName":"Ann","familyName":"Lee"}"#,
        ),
        (
            ANN,
            r#"{"op":"Replace","path":"emails[type eq \"work\"].value","value":"a@x.org"}"#,
            "emails",
            r#"[{"value":"a@x.org","type":"work","primary":true}]"#,
        ),
        (
            ANN,
            r#"{"op":"Add","path":"emails[type eq \"home\"].value","value":"a@h.org"}"#,
            "emails",
            r#"[{"value":"ann@x.org","type":"work","primary":true},{"type":"home","value":"a@h.org"}]"#,
        ),
        (
            r#"{"id":"n"}"#,
            r#"{"op":"Add","path":"emails[type eq \"work\" and primary eq true].value","value":"n@x.org"}"#,
            "emails",
            r#"[{"type":"work","primary":true,"value":"n@x.org"}]"#,
        ),
        (
            ANN,
            r#"{"op":"Remove","path":"emails[type eq \"work\"].value"}"#,
            "emails",
            r#"[{"type":"work","primary":true}]"#,
        ),
        (
            TEAM,
            r#"{"op":"Add","path":"members","value":[{"$ref":null,"value":"b"}]}"#,
            "members",
            r#"[{"value":"a","display":"A"},{"$ref":null,"value":"b"}]"#,
        ),
        (
            TEAM,
            r#"{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"}]}"#,
            "members",
            r#"[{"value":"b"}]"#,
        ),
        (
            ANN,
            r#"{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"R&D"}"#,
            ENTERPRISE,
            r#"{"department":"R&D"}"#,
        ),
        (
            ANN,
            r#"{"op":"Add","value":{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"7"}}"#,
            ENTERPRISE,
            r#"{"employeeNumber":"7"}"#,
        ),
        (
            ANN,
            r#"{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"bob"}"#,
            ENTERPRISE,
            r#"{"manager":"bob"}"#,
        ),
        (
            ANN,
            r#"{"op":"Add","path":"urn:ietf:params:scim:schemas:core:2.0:User:displayName","value":"A"}"#,
            "displayName",
            r#""A""#,
        ),
        // The standard.
        (ANN, r#"{"op":"add","path":"USERNAME","value":"b@x.org"}"#, "userName", r#""b@x.org""#),
        (ANN, r#"{"op":"replace","path":"name","value":{"givenName":"B"}}"#, "name", r#"{"givenName":"B"}"#),
        (ANN, r#"{"op":"remove","path":"name.givenName"}"#, "name", "{}"),
        (ANN, r#"{"op":"remove","path":"nickName"}"#, "nickName", "null"),
        (ANN, r#"{"op":"remove","path":"phoneNumbers[type eq \"work\"]"}"#, "phoneNumbers", "null"),
        (
            ANN,
            r#"{"op":"add","path":"emails","value":{"value":"b@x.org","primary":true}}"#,
            "emails",
            r#"[{"value":"ann@x.org","type":"work","primary":false},{"value":"b@x.org","primary":true}]"#,
        ),
        (ANN, r#"{"op":"replace","path":"displayName","value":null}"#, "displayName", "null"),
        // What cannot be done.
        (ANN, r#"{"op":"move","path":"active"}"#, "", "400 invalidSyntax"),
        (ANN, r#"{"op":"remove"}"#, "", "400 noTarget"),
        (ANN, r#"{"op":"replace","value":false}"#, "", "400 invalidValue"),
        (ANN, r#"{"op":"replace","path":"id","value":"x"}"#, "", "400 mutability"),
        (ANN, r#"{"op":"replace","path":"emails[type eq","value":"x"}"#, "", "400 invalidPath"),
        (ANN, r#"{"op":"replace","path":"emails[]","value":"x"}"#, "", "400 invalidPath"),
        (ANN, r#"{"op":"replace","path":"a..b","value":"x"}"#, "", "400 invalidPath"),
        (ANN, r#"{"op":"replace","path":"emails[type co \"x\"].value","value":"x"}"#, "", "400 noTarget"),
    ];
    for (resource, operation, look, wanted) in rows {
        assert_eq!(after(resource, operation, look), *wanted, "{operation}");
    }
    assert_eq!(apply(&mut json(ANN), &json("{}")).unwrap_err().kind, Some("invalidSyntax"));
    let many = format!(r#"{{"Operations":[{}{{}}]}}"#, "{},".repeat(MOST));
    assert_eq!(apply(&mut json(ANN), &json(&many)).unwrap_err().kind, Some("invalidSyntax"));
}

#[test]
fn filters() {
    use crate::scim::path::filter;

    for (text, wanted) in [
        (r#"userName eq "ANN@x.org""#, true),
        (r#"username EQ 'ann@x.org'"#, true),
        (r#"userName eq ann@x.org"#, true),
        (r#"id eq "ANN""#, false),
        (r#"id eq "ann" and active eq true"#, true),
        (r#"active eq "True""#, true),
        (r#"id eq "bob" or not (active eq false)"#, true),
        (r#"emails.value co "x.org""#, true),
        (r#"emails[type eq "work" and value ew ".org"]"#, true),
        (r#"emails[type eq "home"]"#, false),
        (r#"emails eq "ann@x.org""#, true),
        (r#"name.givenName sw "a""#, true),
        (r#"name.familyName pr"#, false),
        (r#"name.familyName eq null"#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ann@x.org""#, true),
        (r#"userName ne "bob""#, true),
        (r#"userName gt "a" and userName lt "b""#, true),
    ] {
        let read = filter(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!(read.fits(&json(ANN)), wanted, "{text}");
    }
    let deep = format!("{}a pr{}", "(".repeat(40), ")".repeat(40));
    for text in
        ["", "userName", "userName eq", "eq eq eq eq", "(a pr", "a pr)", "a[b pr", r#"a eq "x"#, "a zz 1", &deep]
    {
        assert_eq!(filter(text).unwrap_err().kind, Some("invalidFilter"), "{text}");
    }
}
