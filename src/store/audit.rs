//! The audit chain: who changed what in the configuration or by hand, before and after; rows are only ever added.

use super::Store;
use super::error::Result;
use super::value::{Actor, Micros, hexadecimal, storable};
use super::writer::Tx;
use crate::clock::Timestamp;
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value, json};
use sqlx::Row as _;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AuditEntry {
    /// Place in the chain, from 1.
    pub number: i64,
    /// Who.
    pub actor: String,
    /// What was done: `apply`, `release`, `resubmit` …
    pub action: String,
    /// To what: `channel/acme-in`.
    pub object: String,
    /// As it was, JSON; never a secret.
    pub before_value: Option<String>,
    /// As it became, JSON; never a secret.
    pub after_value: Option<String>,
    /// When.
    pub at: Micros,
}

/// Appends to the chain.
pub(crate) async fn append(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    object: &str,
    (before, after): (Option<&Value>, Option<&Value>),
    now: Timestamp,
) -> Result<()> {
    let last = sqlx::query("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *tx.connection)
        .await?;
    let (number, previous): (i64, String) =
        last.map_or((1, String::new()), |row| (row.get::<i64, _>(0) + 1, row.get(1)));
    let entry = AuditEntry {
        number,
        actor: actor.0.clone(),
        action: action.to_owned(),
        object: object.to_owned(),
        before_value: before.map(Value::to_string),
        after_value: after.map(Value::to_string),
        at: Micros::from(now),
    };
    let hash = hash_of(&entry, &previous);
    let id = tx.id("aud", now);
    sqlx::query(
        "INSERT INTO audit (audit_id, number, actor, action, object, before_value, after_value, at, previous_hash, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id)
    .bind(entry.number)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.object)
    .bind(entry.before_value)
    .bind(entry.after_value)
    .bind(entry.at)
    .bind(previous)
    .bind(hash)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

fn hash_of(entry: &AuditEntry, previous: &str) -> String {
    let said = json!([
        previous,
        entry.number,
        entry.actor,
        entry.action,
        entry.object,
        entry.before_value,
        entry.after_value,
        entry.at.0,
    ]);
    let mut context = Context::new(&SHA256);
    context.update(said.to_string().as_bytes());
    hexadecimal(context.finish().as_ref())
}

#[derive(sqlx::FromRow)]
struct Chained {
    #[sqlx(flatten)]
    entry: AuditEntry,
    previous_hash: String,
    hash: String,
}

impl Store {
    /// Notes something that happened by nobody's request: a ban, say.
    ///
    /// # Errors
    /// The database failed.
    pub async fn audit_note(&self, actor: &Actor, action: &'static str, object: &str, now: Timestamp) -> Result<()> {
        let (actor, object) = (actor.clone(), storable(object));
        self.write("audit", move |mut tx| {
            Box::pin(async move { append(&mut tx, &actor, action, &object, (None, None), now).await })
        })
        .await
    }

    /// The last `count` changes, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn audit(&self, count: u32) -> Result<Vec<AuditEntry>> {
        let query = "SELECT number, actor, action, object, before_value, after_value, at FROM audit
                     ORDER BY number DESC LIMIT $1";
        Ok(sqlx::query_as(query).bind(i64::from(count)).fetch_all(self.reader()).await?)
    }

    /// Checks the chain. Returns what does not hold, in words.
    ///
    /// # Errors
    /// The database failed.
    pub async fn verify_audit(&self) -> Result<Vec<String>> {
        let query = "SELECT number, actor, action, object, before_value, after_value, at, previous_hash, hash
                     FROM audit ORDER BY number";
        let rows: Vec<Chained> = sqlx::query_as(query).fetch_all(self.reader()).await?;
        let (mut previous, mut expected, mut found) = (String::new(), 1, Vec::new());
        for row in rows {
            let is_next = row.entry.number == expected && row.previous_hash == previous;
            if !is_next || row.hash != hash_of(&row.entry, &previous) {
                found.push(format!("audit entry {} is not as it was written", row.entry.number));
            }
            (previous, expected) = (row.hash, row.entry.number + 1);
        }
        Ok(found)
    }
}
