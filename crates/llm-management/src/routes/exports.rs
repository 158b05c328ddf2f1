//! Exports of spend: their settings, what would be exported, and exporting now.

use llm_accounts::{Export, Outcome};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/cloudzero/init" Admin cloudzero_init),
    row!("GET" "/cloudzero/settings" Admin cloudzero_settings),
    row!("PUT" "/cloudzero/settings" Admin cloudzero_update),
    row!("POST" "/cloudzero/dry-run" Admin cloudzero_preview),
    row!("POST" "/cloudzero/export" Admin cloudzero_export),
    row!("DELETE" "/cloudzero/delete" Admin cloudzero_delete),
    row!("POST" "/vantage/init" Admin vantage_init),
    row!("GET" "/vantage/settings" Admin vantage_settings),
    row!("PUT" "/vantage/settings" Admin vantage_update),
    row!("POST" "/vantage/dry-run" Admin vantage_preview),
    row!("POST" "/vantage/export" Admin vantage_export),
    row!("DELETE" "/vantage/delete" Admin vantage_delete),
];

/// The six calls of an export.
macro_rules! calls {
    ($export:expr, $init:ident, $show:ident, $update:ident, $preview:ident, $now:ident, $delete:ident) => {
        async fn $init(call: Call) -> Outcome<Json> {
            call.accounts.init_export(call.actor(), $export, &call.body_or_empty()).await
        }
        async fn $show(call: Call) -> Outcome<Json> {
            call.accounts.show_export($export).await
        }
        async fn $update(call: Call) -> Outcome<Json> {
            call.accounts.update_export(call.actor(), $export, &call.body_or_empty()).await
        }
        async fn $preview(call: Call) -> Outcome<Json> {
            call.accounts.preview_export($export, &call.body_or_empty()).await
        }
        async fn $now(call: Call) -> Outcome<Json> {
            call.accounts.export_now($export, &call.body_or_empty()).await
        }
        async fn $delete(call: Call) -> Outcome<Json> {
            call.accounts.delete_export(call.actor(), $export).await
        }
    };
}

calls!(
    Export::CloudZero,
    cloudzero_init,
    cloudzero_settings,
    cloudzero_update,
    cloudzero_preview,
    cloudzero_export,
    cloudzero_delete
);
calls!(
    Export::Vantage,
    vantage_init,
    vantage_settings,
    vantage_update,
    vantage_preview,
    vantage_export,
    vantage_delete
);
