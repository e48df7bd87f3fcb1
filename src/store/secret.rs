//! Secrets, sealed by name. Their values are read by transports only, never listed and never exported, but private keys of
//! AS2 in a file under a password, which is noted.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::value::{Actor, Micros};
use crate::clock::Timestamp;
use sqlx::Row as _;
use std::sync::atomic::Ordering;

/// Bytes a secret may have.
pub const SECRET_BYTES_MAX: usize = 64 * 1024;

impl Store {
    /// Sets a secret, new or again.
    ///
    /// # Errors
    /// It is too large, or the database failed.
    pub async fn set_secret(&self, name: &str, value: &[u8], actor: &Actor, now: Timestamp) -> Result<()> {
        if value.len() > SECRET_BYTES_MAX {
            return Err(StoreError::Limit(format!("a secret of more than {SECRET_BYTES_MAX} bytes")));
        }
        let sealed = self.master_key().seal_all(&sealed_name(name), value, self.random())?;
        let (name, actor) = (name.to_owned(), actor.clone());
        let done = self
            .write("secret", move |mut tx| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO secret (secret_id, sealed, created_at, changed_at) VALUES ($1, $2, $3, $3)
                     ON CONFLICT (secret_id) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
                    )
                    .bind(&name)
                    .bind(sealed)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    audit::append(&mut tx, &actor, "secret.set", &format!("secret/{name}"), (None, None), now).await
                })
            })
            .await;
        self.note_secret_change();
        done
    }

    /// Grows whenever a secret was set or removed. The ledger has one owner, so whoever holds what was made of a secret need not
    /// read that again before this has grown; it is asked for before the secret is read.
    #[must_use]
    pub fn secret_changes(&self) -> u64 {
        self.inner.secret_changes.load(Ordering::Acquire)
    }

    /// Also where the commit failed: it may have taken place.
    fn note_secret_change(&self) {
        self.inner.secret_changes.fetch_add(1, Ordering::AcqRel);
    }

    /// A secret's value.
    ///
    /// # Errors
    /// There is none of that name, or it was changed on disk.
    pub async fn secret(&self, name: &str) -> Result<Vec<u8>> {
        let sealed: Option<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM secret WHERE secret_id = $1")
            .bind(name)
            .fetch_optional(self.reader())
            .await?;
        let sealed = sealed.ok_or_else(|| StoreError::NotFound { what: "secret", id: name.to_owned() })?;
        self.master_key().open_all(&sealed_name(name), &sealed)
    }

    /// The names under which some secrets were sealed, and what they were sealed to.
    pub(super) async fn sealed_secrets(&self, most: i64) -> Result<Vec<(String, Vec<u8>)>> {
        let query = "SELECT secret_id, sealed FROM secret ORDER BY secret_id LIMIT $1";
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(query).bind(most).fetch_all(self.reader()).await?;
        Ok(rows.into_iter().map(|(name, sealed)| (sealed_name(&name), sealed)).collect())
    }

    /// The names of all secrets, with when each was set.
    ///
    /// # Errors
    /// The database failed.
    pub async fn secret_names(&self) -> Result<Vec<(String, Micros)>> {
        let rows =
            sqlx::query("SELECT secret_id, changed_at FROM secret ORDER BY secret_id").fetch_all(self.reader()).await?;
        Ok(rows.iter().map(|row| (row.get(0), Micros(row.get(1)))).collect())
    }

    /// Notes that the private key of a certificate leaves in a file.
    ///
    /// # Errors
    /// The database failed; then it must not leave.
    pub async fn note_key_export(&self, certificate: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (object, actor) = (format!("certificate/{certificate}"), actor.clone());
        self.write("secret", move |mut tx| {
            Box::pin(
                async move { audit::append(&mut tx, &actor, "certificate.export", &object, (None, None), now).await },
            )
        })
        .await
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn remove_secret(&self, name: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        let done = self
            .write("secret", move |mut tx| {
                Box::pin(async move {
                    let query = sqlx::query("DELETE FROM secret WHERE secret_id = $1").bind(&name);
                    if query.execute(&mut *tx.connection).await?.rows_affected() == 0 {
                        return Err(StoreError::NotFound { what: "secret", id: name });
                    }
                    audit::append(&mut tx, &actor, "secret.remove", &format!("secret/{name}"), (None, None), now).await
                })
            })
            .await;
        self.note_secret_change();
        done
    }
}

fn sealed_name(name: &str) -> String {
    format!("secret/{name}")
}
