//! `litellm_settings` of keys: who may make them, how they are named, and the callbacks of teams.

use llm_accounts::{AccountsSettings, AliasRule, KeyGeneration, KeyMakers};
use llm_types::Json;

use super::section::Section;

/// Reads them.
pub(crate) fn read(s: &Section<'_>, out: &mut AccountsSettings) {
    out.key_generation = s.section("key_generation_settings").map(|rules| {
        let personal = makers(&rules, "personal_key_generation", "allowed_user_roles");
        let team = makers(&rules, "team_key_generation", "allowed_team_member_roles");
        rules.finish();
        KeyGeneration { personal, team }
    });
    let (pattern, usual) = (s.text("key_alias_pattern"), s.flag("enable_key_alias_format_validation"));
    if pattern.is_some() || usual == Some(true) {
        match AliasRule::new(pattern.as_deref()) {
            Ok(rule) => out.alias_rule = Some(rule),
            Err(why) => s.error("key_alias_pattern", format!("this is no pattern: {}", why.replace('\n', " "))),
        }
    }
    let path = |at: usize| format!("{}[{at}]", s.path("default_team_settings"));
    for (at, item) in s.list("default_team_settings").iter().enumerate() {
        let team = Section::open(item, path(at), s.problems()).and_then(|team| callbacks(&team));
        out.team_callbacks.extend(team);
    }
}

fn makers(s: &Section<'_>, key: &'static str, roles: &'static str) -> KeyMakers {
    let Some(own) = s.section(key) else { return KeyMakers::default() };
    let read = KeyMakers { roles: own.texts(roles), required: own.texts("required_params").unwrap_or_default() };
    own.finish();
    read
}

/// One team of `default_team_settings`, in the form that a team's own metadata have. What is no list of callbacks is a
/// parameter of theirs.
fn callbacks(team: &Section<'_>) -> Option<(String, Json)> {
    let Some(id) = team.text("team_id").filter(|id| !id.is_empty()) else {
        team.problems().error(team.mark(), team.path("team_id"), "settings of a team need its team_id");
        return None;
    };
    let list = |key| -> Vec<Json> { team.texts(key).unwrap_or_default().into_iter().map(Json::from).collect() };
    let (success, failure) = (Json::Array(list("success_callback")), Json::Array(list("failure_callback")));
    let known = ["team_id", "success_callback", "failure_callback"];
    let vars = team.entries().iter().filter(|entry| !known.contains(&entry.key.as_str()) && !entry.node.is_null());
    let vars = Json::Object(vars.map(|entry| (entry.key.clone(), entry.node.json())).collect());
    let settings = [("success_callback", success), ("failure_callback", failure), ("callback_vars", vars)];
    Some((id, Json::object([("callback_settings", Json::object(settings))])))
}
