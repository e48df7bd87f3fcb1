//! What is asked for of many deliveries or transmissions at once: the body of their plans and acts.

use super::problem::Problem;
use super::{Reply, Shared};
use crate::pipeline::bulk::act;
use crate::pipeline::bulk::plan::Wish;
use crate::pipeline::bulk::selection::Selection;
use crate::store::Actor;
use crate::store::bulk::{Action, Object};
use axum::Json;
use serde::Deserialize;
use serde_json::json;

/// What is to be done to which.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// Of deliveries: `resubmit`, `hold`, `release`, `cancel`; of transmissions: `release`, `reject`.
    action: String,
    /// Which.
    selection: Selection,
    /// For those who look later; 1000 bytes at most.
    #[serde(default)]
    reason: Option<String>,
    /// Of transmissions that are released: the partner they are from, whatever their envelopes say.
    #[serde(default, rename = "as")]
    as_partner: Option<String>,
    /// Of an act: the plan's token.
    #[serde(default)]
    plan: Option<String>,
}

impl Bulk {
    /// The same, read.
    ///
    /// # Errors
    /// There is no such action.
    pub fn wish(&self, object: Object) -> Result<Wish, Problem> {
        let action: Action = self.action.parse().map_err(|_| {
            let known: Vec<_> = Action::of(object).iter().map(|action| action.as_str()).collect();
            let words = format!("action: expected one of {}, found {:?}", known.join(", "), self.action);
            Problem::new(400, "SELECTION-WRONG", &words)
        })?;
        let reason = self.reason.clone().unwrap_or_else(|| format!("{action} of many by hand"));
        let (selection, as_partner) = (self.selection.clone(), self.as_partner.clone());
        Ok(Wish { object, action, selection, reason, as_partner })
    }

    /// Does what was planned.
    ///
    /// # Errors
    /// No plan is named, it does not hold any more, or the ledger failed.
    pub async fn act(self, service: &Shared, object: Object, actor: Actor) -> Reply {
        let wish = self.wish(object)?;
        let plan = self.plan;
        let plan =
            plan.ok_or_else(|| Problem::new(400, "PLAN-MISSING", "plan: expected the token of a plan; plan first"))?;
        Ok(Json(json!(act::act(service, wish, plan, actor).await?)))
    }
}
