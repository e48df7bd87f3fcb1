//! Resources: partners, channels, agreements and their like, each in all its versions. What they mean is `partner`'s.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::value::{Actor, Micros};
use super::writer::Tx;
use crate::clock::Timestamp;
use serde_json::Value;
use sqlx::Row as _;

/// A resource as it is now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StoredResource {
    /// `partner`, `channel` …
    pub kind: String,
    /// Its name, unique in its kind.
    pub name: String,
    /// From 1.
    pub version: i64,
    /// What it says.
    pub body: Value,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceChange {
    /// `partner`, `channel` …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is to say; `None` to delete it.
    pub body: Option<Value>,
}

impl Store {
    /// All resources as they are now, by kind and name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resources(&self) -> Result<Vec<StoredResource>> {
        let rows = sqlx::query(
            "SELECT r.kind, r.name, r.version, v.body FROM resource r
             JOIN resource_version v ON v.resource_id = r.resource_id AND v.version = r.version
             WHERE r.is_deleted = 0 ORDER BY r.kind, r.name",
        )
        .fetch_all(self.reader())
        .await?;
        let one = |row: &sqlx::any::AnyRow| {
            let body: String = row.get(3);
            let id = format!("{}/{}", row.get::<String, _>(0), row.get::<String, _>(1));
            let body = serde_json::from_str(&body).map_err(|error| StoreError::Damaged(format!("{id}: {error}")))?;
            Ok(StoredResource { kind: row.get(0), name: row.get(1), version: row.get(2), body })
        };
        rows.iter().map(one).collect()
    }

    /// What resources of a kind ever said, those that are gone too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resource_bodies(&self, kind: &str) -> Result<Vec<Value>> {
        let query = "SELECT v.body FROM resource_version v JOIN resource r ON r.resource_id = v.resource_id
                     WHERE r.kind = $1 AND v.body IS NOT NULL ORDER BY v.created_at DESC";
        let bodies: Vec<String> = sqlx::query_scalar(query).bind(kind).fetch_all(self.reader()).await?;
        let read = |body: &String| {
            serde_json::from_str(body).map_err(|error| StoreError::Damaged(format!("a version of a {kind}: {error}")))
        };
        bodies.iter().map(read).collect()
    }

    /// Since when a resource is there, whatever it said since; none: it is not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resource_since(&self, kind: &str, name: &str) -> Result<Option<Micros>> {
        let query =
            "SELECT MIN(created_at) FROM resource_version WHERE resource_id = $1 AND body IS NOT NULL AND version >
                     (SELECT COALESCE(MAX(version), 0) FROM resource_version WHERE resource_id = $1 AND body IS NULL)";
        let since: Option<i64> =
            sqlx::query_scalar(query).bind(format!("{kind}/{name}")).fetch_one(self.reader()).await?;
        Ok(since.map(Micros))
    }

    /// A number that grows with every change; readers poll it to know when to look again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resource_revision(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM resource_version").fetch_one(self.reader()).await?)
    }

    /// Applies changes, all or none, if nothing else was changed since `revision`. Held transmissions are looked at
    /// again. Returns the new revision.
    ///
    /// # Errors
    /// Somebody else changed something meanwhile, or the database failed.
    pub async fn apply(
        &self,
        changes: Vec<ResourceChange>,
        revision: i64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        self.apply_all(changes, Vec::new(), revision, actor, now).await
    }

    /// The same, and takes entries off the work list of lookups, which the changed tables answer.
    ///
    /// # Errors
    /// As [`Store::apply`].
    pub async fn apply_all(
        &self,
        changes: Vec<ResourceChange>,
        answered: Vec<String>,
        revision: i64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        let actor = actor.clone();
        self.write("apply", move |mut tx| {
            Box::pin(async move {
                let found: i64 =
                    sqlx::query_scalar("SELECT COUNT(*) FROM resource_version").fetch_one(&mut *tx.connection).await?;
                if found != revision {
                    return Err(StoreError::Conflict(format!(
                        "resources were changed meanwhile (revision {found}, planned on {revision}); plan again"
                    )));
                }
                let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
                for change in changes {
                    apply_one(&mut tx, change, &actor, now).await?;
                }
                for missing_lookup_id in &answered {
                    super::lookup::forget(&mut tx, missing_lookup_id).await?;
                }
                super::commit::release::again(&mut tx, now).await?;
                Ok(found + count)
            })
        })
        .await
    }
}

async fn apply_one(tx: &mut Tx<'_>, change: ResourceChange, actor: &Actor, now: Timestamp) -> Result<()> {
    let id = format!("{}/{}", change.kind, change.name);
    let before: Option<(i64, Option<String>)> = sqlx::query(
        "SELECT r.version, v.body FROM resource r
         JOIN resource_version v ON v.resource_id = r.resource_id AND v.version = r.version WHERE r.resource_id = $1",
    )
    .bind(&id)
    .fetch_optional(&mut *tx.connection)
    .await?
    .map(|row| (row.get(0), row.get(1)));
    let version = before.as_ref().map_or(1, |(version, _)| version + 1);
    sqlx::query(
        "INSERT INTO resource (resource_id, kind, name, version, is_deleted, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (resource_id)
         DO UPDATE SET version = excluded.version, is_deleted = excluded.is_deleted, changed_at = excluded.changed_at",
    )
    .bind(&id)
    .bind(&change.kind)
    .bind(&change.name)
    .bind(version)
    .bind(i64::from(change.body.is_none()))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    sqlx::query(
        "INSERT INTO resource_version (resource_version_id, resource_id, version, body, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(format!("{id}/{version}"))
    .bind(&id)
    .bind(version)
    .bind(change.body.as_ref().map(Value::to_string))
    .bind(&actor.0)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    if change.kind == "webhook" {
        super::webhook::follow(tx, &change.name, change.body.is_some()).await?;
    }
    let before: Option<Value> = before.and_then(|(_, body)| serde_json::from_str(&body?).ok());
    let skips = |body: Option<&Value>| body.is_some_and(|body| body["unchanged"] == "skip");
    if change.kind == "agreement" && !(skips(before.as_ref()) && skips(change.body.as_ref())) {
        super::delta::forget(tx, &change.name).await?;
    }
    audit::append(tx, actor, "apply", &id, (before.as_ref(), change.body.as_ref()), now).await
}
