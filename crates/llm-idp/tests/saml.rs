//! Responses that are fine, and the ways in which others are not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use llm_idp::testing::{SamlIssuer, SamlLogin, saml_instant as text};
use llm_idp::{Refused, SamlProvider, SamlSettings, Subject};

const IDP: &str = "https://idp.example/metadata";
const CALLBACK: &str = "https://gw.example/sso/saml/callback";
const NOW: i64 = 1_796_060_565;

fn settings() -> SamlSettings {
    SamlSettings {
        entity_id: "https://gw.example/sso/saml/metadata".to_owned(),
        callback: CALLBACK.to_owned(),
        name_id_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
        signed_assertions: true,
        signed_responses: false,
    }
}

fn login() -> SamlLogin {
    SamlLogin {
        audience: settings().entity_id,
        callback: CALLBACK.to_owned(),
        answers: Some("_request".to_owned()),
        name_id: "ann@example.com".to_owned(),
        attributes: vec![("role".to_owned(), vec!["internal_user".to_owned()])],
        times: (text(NOW - 10), text(NOW + 300)),
        id: "a-1".to_owned(),
    }
}

struct House {
    idp: SamlIssuer,
    provider: SamlProvider,
}

fn house() -> House {
    let idp = SamlIssuer::new(IDP);
    let provider = SamlProvider::read(idp.metadata("https://idp.example/login").as_bytes(), NOW).unwrap();
    House { idp, provider }
}

impl House {
    fn judge_by(&self, settings: &SamlSettings, xml: &str) -> Result<Subject, Refused> {
        settings.judge(&self.provider, &STANDARD.encode(xml), NOW)
    }

    fn judge(&self, xml: &str) -> Result<Subject, Refused> {
        self.judge_by(&settings(), xml)
    }

    /// A response whose assertion is signed.
    fn signed(&self, login: &SamlLogin) -> String {
        self.idp.response(login, &self.idp.signed(&self.idp.assertion(login)))
    }
}

fn why(outcome: Result<Subject, Refused>) -> String {
    outcome.map(|subject| format!("believed: {subject:?}")).unwrap_or_else(|refused| refused.to_string())
}

#[test]
fn a_signed_assertion_is_believed() {
    let house = house();
    let subject = house.judge(&house.signed(&login())).unwrap();
    assert_eq!(subject.name_id.as_deref(), Some("ann@example.com"));
    assert_eq!(subject.values(&["none".to_owned(), "role".to_owned()]), ["internal_user"]);
    assert_eq!((subject.assertion.as_str(), subject.answers.as_deref()), ("a-1", Some("_request")));
    assert_eq!(subject.ends, NOW + 300 + 60);
}

/// Documents that pysaml2 made and xmlsec1 signed, with names, line ends and quotes that a canonical form writes in its own way.
#[test]
fn what_others_sign_is_read() {
    let provider = SamlProvider::read(include_bytes!("../fixtures/saml/metadata.xml"), NOW).unwrap();
    let at = NOW + 3140;
    let judge = |settings: &SamlSettings, xml: &str| settings.judge(&provider, &STANDARD.encode(xml), at);
    let either = SamlSettings { signed_assertions: false, ..settings() };
    for (name, xml, settings) in [
        ("both", include_str!("../fixtures/saml/both.xml"), settings()),
        ("assertion", include_str!("../fixtures/saml/assertion.xml"), settings()),
        ("response", include_str!("../fixtures/saml/response.xml"), either),
    ] {
        let subject = judge(&settings, xml).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(subject.name_id.as_deref(), Some("ann@example.org"), "{name}");
        assert_eq!(subject.values(&["urn:oid:2.5.4.42".to_owned()]), ["Ann & <b>"]);
        assert_eq!(subject.values(&["urn:oid:2.5.4.4".to_owned()]), ["Müller\n\"x\"\ttab"]);
        for (old, new) in [("ann@example.org", "eve@example.org"), ("M&#xFC;ller", "Muller"), ("\ttab", " tab")] {
            assert!(xml.contains(old), "{name}, {old}");
            let outcome = why(judge(&settings, &xml.replace(old, new)));
            assert!(outcome.contains("changed after it was signed"), "{name}, {old}: {outcome}");
        }
    }
}

#[test]
fn signatures_are_where_the_settings_want_them() {
    let house = house();
    let (assertion, login) = (house.idp.assertion(&login()), login());
    let of_response = house.idp.signed(&house.idp.response(&login, &assertion));
    let of_both = house.idp.signed(&house.signed(&login));
    assert!(why(house.judge(&of_response)).contains("the assertion is not signed"));
    let either = SamlSettings { signed_assertions: false, ..settings() };
    assert!(house.judge_by(&either, &of_response).is_ok());
    assert!(house.judge(&of_both).is_ok());
    let responses = SamlSettings { signed_responses: true, ..settings() };
    assert!(house.judge_by(&responses, &of_both).is_ok());
    assert!(why(house.judge_by(&responses, &house.signed(&login))).contains("the response is not signed"));
    let bare = house.idp.response(&login, &assertion);
    assert!(why(house.judge_by(&either, &bare)).contains("it is not signed"));
    // A response that was signed and then changed around an assertion that was not.
    let changed = of_both.replacen("status:Success", "status:Success ", 1);
    assert!(why(house.judge(&changed)).contains("changed after it was signed"));
}

#[test]
fn comments_cut_no_names() {
    let house = house();
    for name in ["ann@example.com<!-- -->.evil.example", "<!---->ann@example.com.evil.example<!--x-->"] {
        let login = SamlLogin { name_id: name.to_owned(), ..login() };
        let subject = house.judge(&house.signed(&login)).unwrap();
        assert_eq!(subject.name_id.as_deref(), Some("ann@example.com.evil.example"), "{name}");
    }
    // Comments are not signed: whoever puts one in gains nothing.
    let login = SamlLogin { name_id: "ann@example.com.evil.example".to_owned(), ..login() };
    let cut = house.signed(&login).replace("ann@example.com.evil", "ann@example.com<!--x-->.evil");
    assert_eq!(house.judge(&cut).unwrap().name_id.as_deref(), Some("ann@example.com.evil.example"));
    let cdata = SamlLogin { name_id: "<![CDATA[ann&]]>b&#x3c;".to_owned(), ..login };
    assert_eq!(house.judge(&house.signed(&cdata)).unwrap().name_id.as_deref(), Some("ann&b<"));
}

/// The ways of XML signature wrapping: a signed assertion is kept somewhere, another one stands where readers look.
#[test]
fn nothing_is_wrapped() {
    let house = house();
    let good = house.idp.signed(&house.idp.assertion(&login()));
    let evil = |id: &str| {
        let login = SamlLogin { name_id: "admin@example.com".to_owned(), id: id.to_owned(), ..login() };
        house.idp.assertion(&login)
    };
    let signature = {
        let from = good.find("<ds:Signature ").unwrap();
        let to = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        good[from..to].to_owned()
    };
    let bare = good.replace(&signature, "");
    let holding =
        |inside: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"));
    let with = |assertion: &str, part: &str| assertion.replacen("</saml:Issuer>", &format!("</saml:Issuer>{part}"), 1);
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    let (login, both) = (login(), house.signed(&login()));
    let response = |inside: &str| house.idp.response(&login, inside);
    let whole = house.idp.signed(&response(&bare));
    let variants = [
        ("beside, behind", response(&format!("{good}{}", evil("e")))),
        ("beside, in front", response(&format!("{}{good}", evil("e")))),
        ("the same id", response(&format!("{}{good}", evil("a-1")))),
        ("in the signature of the other", response(&with(&evil("e"), &holding(&bare)))),
        ("in the signature, the same id", response(&with(&evil("a-1"), &holding(&bare)))),
        ("in extensions", response(&format!("{}{}", extensions(&good), evil("e")))),
        ("in the other", response(&evil("e").replace("</saml:Assertion>", &format!("{good}</saml:Assertion>")))),
        ("around the other", response(&good.replace("</saml:Assertion>", &format!("{}</saml:Assertion>", evil("e"))))),
        ("a borrowed signature", response(&with(&evil("e"), &signature))),
        ("a borrowed signature, the same id", response(&with(&evil("a-1"), &signature))),
        (
            "a signature of the response for the assertion",
            response(&evil("e")).replacen("<samlp:Status>", &format!("{signature}<samlp:Status>"), 1),
        ),
        ("no assertion of its own", response(&extensions(&good))),
        (
            "a response in a response",
            response(&evil("e")).replacen("<samlp:Status>", &format!("{}<samlp:Status>", holding(&both)), 1),
        ),
        ("a signed response in extensions", response(&format!("{}{}", extensions(&whole), evil("e")))),
        ("no response", good.clone()),
        ("two signatures", response(&with(&good, &signature))),
        (
            "a signature elsewhere",
            response(&good).replacen("<samlp:Status>", &format!("<samlp:Status>{}", holding("")), 1),
        ),
    ];
    let either = SamlSettings { signed_assertions: false, ..settings() };
    for (what, xml) in &variants {
        for settings in [&settings(), &either] {
            let outcome = why(house.judge_by(settings, xml));
            assert!(!outcome.contains("believed"), "{what}: {outcome}");
        }
    }
    assert!(house.judge(&response(&good)).is_ok(), "what is left is fine");
}

#[test]
fn algorithms_are_ours_to_choose() {
    let house = house();
    let good = house.signed(&login());
    let sha = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    for (old, new, wanted) in [
        (sha, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "algorithm is not accepted"),
        (sha, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", "algorithm is not accepted"),
        (sha, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "algorithm is not accepted"),
        (sha, "http://www.w3.org/2000/09/xmldsig#dsa-sha1", "algorithm is not accepted"),
        (sha, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "signature is wrong"),
        (sha, "none", "algorithm is not accepted"),
        (sha, "", "algorithm is not accepted"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", "not accepted"),
        (exclusive, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "not accepted"),
        (exclusive, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", "not accepted"),
        (
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
            "not accepted",
        ),
        ("URI=\"#a-1\"", "URI=\"\"", "covers something else"),
        ("URI=\"#a-1\"", "URI=\"#r-a-1\"", "covers something else"),
        ("URI=\"#a-1\"", "", "covers something else"),
    ] {
        let outcome = why(house.judge(&good.replace(old, new)));
        assert!(outcome.contains(wanted), "{old} -> {new}: {outcome}");
    }
}

#[test]
fn other_keys_count_for_nothing() {
    let (house, thief) = (house(), SamlIssuer::new(IDP));
    let stolen = thief.response(&login(), &thief.signed(&thief.assertion(&login())));
    assert!(why(house.judge(&stolen)).contains("signature is wrong"));
    // A key that the document brings is not looked at.
    let own = thief.metadata("https://thief.example/");
    let info = &own[own.find("<ds:KeyInfo").unwrap()..own.find("</md:KeyDescriptor>").unwrap()];
    let bringing = stolen.replace("</ds:Signature>", &format!("{info}</ds:Signature>"));
    assert!(why(house.judge(&bringing)).contains("signature is wrong"));
}

#[test]
fn an_assertion_is_for_this_login() {
    let house = house();
    let of = |edit: &dyn Fn(&mut SamlLogin)| {
        let mut login = login();
        edit(&mut login);
        why(house.judge(&house.signed(&login)))
    };
    assert!(of(&|_| {}).contains("believed"));
    assert!(of(&|l| l.times.1 = text(NOW - 61)).contains("expired"));
    assert!(of(&|l| l.times.1 = text(NOW - 59)).contains("believed"), "clocks differ");
    assert!(of(&|l| l.times.0 = text(NOW + 61)).contains("not good yet"));
    assert!(of(&|l| l.times.1 = "tomorrow".to_owned()).contains("cannot be read"));
    assert!(of(&|l| l.audience = "https://other.example".to_owned()).contains("meant for somebody else"));
    assert!(of(&|l| l.callback = "https://other.example/acs".to_owned()).contains("another address"));
    let good = house.idp.assertion(&login());
    let judge = |assertion: &str| why(house.judge(&house.idp.response(&login(), &house.idp.signed(assertion))));
    for (old, new, wanted) in [
        (IDP, "https://other.example", "from somebody else"),
        ("Recipient=\"https://gw.example", "Recipient=\"https://other.example", "confirms"),
        ("cm:bearer", "cm:holder-of-key", "confirms"),
        (
            "<saml:AudienceRestriction><saml:Audience>https://gw.example/sso/saml/metadata</saml:Audience></saml:AudienceRestriction>",
            "",
            "for whom",
        ),
        ("<saml:AudienceRestriction>", "<saml:Condition/><saml:AudienceRestriction>", "not understood"),
        ("<saml:AuthnContext/>", "<saml:AuthnContext/></saml:AuthnStatement><saml:AuthnStatement>", "believed"),
        ("Version=\"2.0\"", "Version=\"1.1\"", "another version"),
    ] {
        assert!(good.contains(old), "{old}");
        let changed = good.replace(old, new);
        assert!(judge(&changed).contains(wanted), "{old}: {}", judge(&changed));
    }
    let signed = house.idp.signed(&good);
    let response = house.idp.response(&login(), &signed);
    for (old, new, wanted) in [
        ("status:Success", "status:Responder", "the login failed"),
        ("Destination=\"https://gw", "Destination=\"https://other", "another address"),
        ("InResponseTo=\"_request\"><saml:Issuer>", "InResponseTo=\"_other\"><saml:Issuer>", "two requests"),
    ] {
        let outcome = why(house.judge(&response.replacen(old, new, 1)));
        assert!(outcome.contains(wanted), "{old}: {outcome}");
    }
    // An assertion that answers nobody, stolen and put into an unsigned answer to the thief's own request.
    let stolen = house.idp.signed(&house.idp.assertion(&SamlLogin { answers: None, ..login() }));
    let outcome = why(house.judge(&house.idp.response(&login(), &stolen)));
    assert!(outcome.contains("does not name"), "{outcome}");
}

#[test]
fn documents_are_read_in_one_way_only() {
    let house = house();
    let good = house.signed(&login());
    for (what, xml) in [
        ("a document type", format!("<!DOCTYPE r [<!ENTITY a \"b\">]>{good}")),
        ("an instruction", format!("<?php echo 1?>{good}")),
        ("a second root", format!("{good}{good}")),
        ("an unknown reference", good.replace("ann@example.com", "&ann;")),
        ("a character that is none", good.replace("ann@example.com", "ann\u{0}@example.com")),
        ("a reference to none", good.replace("ann@example.com", "&#0;")),
        (
            "a prefix for nothing",
            good.replace("<saml:NameID>", "<sml:NameID>").replace("</saml:NameID>", "</sml:NameID>"),
        ),
        ("an attribute twice", good.replacen("Version=\"2.0\"", "Version=\"2.0\" Version=\"2.0\"", 1)),
        ("text behind it", format!("{good}x")),
        ("no end", good[..good.len() - 2].to_owned()),
        ("depth", format!("{}{}", "<a>".repeat(70), "</a>".repeat(70))),
        ("nodes", format!("<a>{}</a>", "<b/>".repeat(20_000))),
        (
            "a long namespace",
            good.replacen("<samlp:Response ", &format!("<samlp:Response xmlns:long=\"{}\" ", "n".repeat(2000)), 1),
        ),
        ("a prefix without a name", good.replacen("<samlp:Response ", "<samlp:Response xmlns:=\"n\" ", 1)),
        ("a prefix with two colons", good.replacen("<samlp:Response ", "<samlp:Response xmlns::a=\"n\" ", 1)),
        ("nothing", String::new()),
        ("encrypted", good.replacen("<samlp:Status>", "<saml:EncryptedAssertion/><samlp:Status>", 1)),
        ("an id twice", good.replacen("<samlp:Status>", "<samlp:Status id=\"a-1\">", 1)),
    ] {
        let outcome = why(house.judge(&xml));
        assert!(!outcome.contains("believed"), "{what}: {outcome}");
    }
    let long = "A".repeat(3 << 20);
    assert!(why(settings().judge(&house.provider, &long, NOW)).contains("too long"));
    assert!(why(settings().judge(&house.provider, "!", NOW)).contains("base64"));
}

#[test]
fn metadata_name_one_provider() {
    let idp = SamlIssuer::new(IDP);
    let good = idp.metadata("https://idp.example/login?tenant=1");
    let read = |xml: &str| SamlProvider::read(xml.as_bytes(), NOW).map_err(|why| why.to_string());
    assert_eq!(read(&good).unwrap().login, "https://idp.example/login?tenant=1");
    let among = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{good}</md:EntitiesDescriptor>"
    );
    assert!(read(&among).is_ok());
    let two = among.replace("</md:EntitiesDescriptor>", &format!("{good}</md:EntitiesDescriptor>"));
    for (what, xml) in [
        ("two", two),
        ("html", "<html></html>".to_owned()),
        ("no place", good.replace("HTTP-Redirect", "HTTP-POST")),
        ("a place that is none", good.replace("https://idp.example/login", "javascript:alert(1)")),
        ("no key", good.replace("use=\"signing\"", "use=\"encryption\"")),
        ("a broken key", good.replace("<ds:X509Certificate>", "<ds:X509Certificate>AAAA")),
        ("over", good.replace("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=")),
    ] {
        assert!(read(&xml).is_err(), "{what}");
    }
    let own = SamlProvider::read(settings().metadata().as_bytes(), NOW).unwrap_err().to_string();
    assert!(own.contains("no identity provider"), "{own}");
}

#[test]
fn a_request_goes_along_in_the_address() {
    let house = house();
    let left = settings().leave(&house.provider, Some("/ui/?a=1&b"), NOW).unwrap();
    let url = url::Url::parse(&left.url).unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["RelayState"], "/ui/?a=1&b");
    let bytes = STANDARD.decode(&query["SAMLRequest"]).unwrap();
    // One block, stored: what follows its head is the request.
    let request = String::from_utf8(bytes[5..].to_vec()).unwrap();
    assert!(request.contains(&format!("ID=\"{}\"", left.id)) && request.contains(CALLBACK), "{request}");
    assert!(request.contains("IssueInstant=\"2026-11-30T17:42:45Z\""), "{request}");
    assert_ne!(left.id, settings().leave(&house.provider, None, NOW).unwrap().id);
}
