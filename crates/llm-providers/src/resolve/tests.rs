use super::*;

/// Model strings, and the provider that they name.
#[test]
fn cases() {
    let cases = include_str!("../../fixtures/resolve/cases.tsv").lines().filter(|l| !l.starts_with('#'));
    for case in cases {
        let [model, explicit, base, provider, found]: [&str; 5] =
            case.split('\t').collect::<Vec<_>>().try_into().expect("five fields");
        let given = |field: &'static str| (field != "-").then_some(field);
        let resolved = resolve(model, given(explicit), given(base)).ok();
        let names = resolved.as_ref().map(|r| (r.provider.row().id, r.model.as_ref()));
        assert_eq!(names, given(provider).map(|p| (p, found)), "{case}");
    }
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    let known = crate::all().next().expect("a provider").row().id;
    let error = resolve("m", Some(&format!("{known}x")), None).unwrap_err();
    assert!(error.message.contains(known), "{}", error.message);
    let error = resolve("nobody-knows-me", None, None).unwrap_err();
    assert!(error.message.starts_with("LLM Provider NOT provided."));
}
