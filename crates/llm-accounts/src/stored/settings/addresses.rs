//! The addresses that callers may come from.

use llm_types::Json;

use super::GENERAL;
use crate::Accounts;
use crate::keys::{Actor, bad, not_found};
use crate::request::{Outcome, body, required};

const SETTING: &str = "allowed_ips";

body! {
    /// `POST /add/allowed_ip`, `/delete/allowed_ip`.
    struct AddressBody {
        ip: String,
    }
}

impl Accounts {
    /// `GET /get/allowed_ips`; null: any.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub fn allowed_ips(&self) -> Outcome<Json> {
        let there = self.serving()?.in_force(GENERAL).get(SETTING).cloned().unwrap_or_default();
        Ok(Json::object([("data", there)]))
    }

    /// `POST /add/allowed_ip`, `/delete/allowed_ip`. They decide who gets in, so they are the file's to say unless the file lets
    /// the database say it.
    ///
    /// # Errors
    /// 400 for an address that is there already, 404 for one that is not, 400 as [`Accounts::update_config`].
    pub async fn change_allowed_ip(&self, actor: Actor<'_>, body: &Json, add: bool) -> Outcome<Json> {
        let ip = required(AddressBody::read(body)?.ip, "ip", body)?;
        let there = self.serving()?.in_force(GENERAL);
        let mut list: Vec<String> = there.texts(SETTING).map(str::to_owned).collect();
        match (list.iter().position(|known| *known == ip), add) {
            (Some(_), true) => return Err(bad("IP address already exists").with_param("ip").into()),
            (None, true) => list.push(ip.clone()),
            (Some(at), false) => drop(list.remove(at)),
            (None, false) => return Err(not_found("IP address not found").with_param("ip").into()),
        }
        if list.is_empty() {
            // No list lets everybody in.
            let why = "The last address cannot be deleted: no list means any address. Change it in the file.";
            return Err(bad(why).with_param("ip").into());
        }
        let list = Json::Array(list.into_iter().map(Json::from).collect());
        self.change_general(actor, &Json::object([(SETTING, list)])).await?;
        let done = if add { "address added successfully" } else { "deleted successfully" };
        Ok(Json::object([("message", format!("IP {ip} {done}")), ("status", "success".to_owned())]))
    }
}
