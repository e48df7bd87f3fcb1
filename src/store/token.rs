//! Tokens of the API and of channels: shown once when made, kept as a hash.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::value::{Actor, Micros, hexadecimal};
use crate::clock::Timestamp;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Random bytes in a token: enough that guessing is hopeless and a plain hash suffices.
const TOKEN_BYTES: usize = 32;
/// What every token begins with, so that a leaked one is recognised.
pub const TOKEN_PREFIX: &str = "ptl_";
/// Tokens that are known without asking the database, at most.
const KNOWN_MAX: usize = 1024;
/// Characters of a token that are kept to tell tokens apart.
const HINT_CHARACTERS: usize = 10;

/// A token as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Token {
    /// Its id.
    pub token_id: String,
    /// Its first characters.
    pub hint: String,
    /// `role:admin`, `channel:NAME`, `mailbox:NAME`.
    pub scope: String,
    /// What people call it.
    pub label: String,
    /// When it ends.
    pub expires_at: Option<Micros>,
    /// When it was revoked.
    pub revoked_at: Option<Micros>,
    /// When it was made.
    pub created_at: Micros,
}

const COLUMNS: &str = "SELECT token_id, hint, scope, label, expires_at, revoked_at, created_at FROM token";

fn hash_of(token: &str) -> String {
    hexadecimal(digest(&SHA256, token.as_bytes()).as_ref())
}

impl Store {
    /// Makes a token; the text is returned once and kept nowhere.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_token(
        &self,
        scope: &str,
        label: &str,
        expires_at: Option<Timestamp>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(Token, String)> {
        let mut bytes = [0; TOKEN_BYTES];
        self.fill_random(&mut bytes);
        let text = format!("{TOKEN_PREFIX}{}", hexadecimal(&bytes));
        let token = Token {
            token_id: self.new_id("tok", now),
            hint: text.chars().take(HINT_CHARACTERS).collect(),
            scope: scope.to_owned(),
            label: label.to_owned(),
            expires_at: expires_at.map(Micros::from),
            revoked_at: None,
            created_at: Micros::from(now),
        };
        let (row, hash, actor) = (token.clone(), hash_of(&text), actor.clone());
        self.write("token", move |mut tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO token (token_id, hash, hint, scope, label, expires_at, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(&row.token_id)
                .bind(hash)
                .bind(&row.hint)
                .bind(&row.scope)
                .bind(&row.label)
                .bind(row.expires_at)
                .bind(row.created_at)
                .execute(&mut *tx.connection)
                .await?;
                let after = json!({ "scope": row.scope, "label": row.label });
                let object = format!("token/{}", row.token_id);
                audit::append(&mut tx, &actor, "token.create", &object, (None, Some(&after)), now).await
            })
        })
        .await?;
        Ok((token, text))
    }

    /// The token of a text, if it is valid now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn token(&self, text: &str, now: Timestamp) -> Result<Option<Token>> {
        let hash = hash_of(text);
        let (known, revocations) = self.inner.tokens.find(&hash);
        let token: Option<Token> = match known {
            Some(token) => Some(token),
            None => {
                let query = format!("{COLUMNS} WHERE hash = $1 AND revoked_at IS NULL");
                let query = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(&hash);
                let found: Option<Token> = query.fetch_optional(self.reader()).await?;
                if let Some(token) = &found {
                    self.inner.tokens.note(hash, token.clone(), revocations);
                }
                found
            }
        };
        Ok(token.filter(|token| token.expires_at.is_none_or(|at| at > Micros::from(now))))
    }

    /// All tokens, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let query = format!("{COLUMNS} ORDER BY created_at DESC, token_id DESC");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_all(self.reader()).await?)
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// There is none of that id that is valid.
    pub async fn revoke_token(&self, token_id: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (token_id, actor) = (token_id.to_owned(), actor.clone());
        let done = self
            .write("token", move |mut tx| {
                Box::pin(async move {
                    let query =
                        sqlx::query("UPDATE token SET revoked_at = $2 WHERE token_id = $1 AND revoked_at IS NULL")
                            .bind(&token_id)
                            .bind(Micros::from(now));
                    if query.execute(&mut *tx.connection).await?.rows_affected() == 0 {
                        return Err(StoreError::NotFound { what: "token", id: token_id });
                    }
                    audit::append(&mut tx, &actor, "token.revoke", &format!("token/{token_id}"), (None, None), now)
                        .await
                })
            })
            .await;
        // Also when it failed: it may have been committed.
        self.inner.tokens.forget();
        done
    }
}

/// Tokens that were shown lately, so that a sender of many documents is not looked for with each. The ledger has one
/// owner, so no token ends without this process knowing.
#[derive(Default)]
pub(super) struct Known {
    inner: Mutex<KnownInner>,
}

#[derive(Default)]
struct KnownInner {
    by_hash: HashMap<String, Token>,
    /// What was found before a revocation is not noted after it.
    revocations: u64,
}

impl Known {
    /// The token, if it is known, and how many revocations there were.
    fn find(&self, hash: &str) -> (Option<Token>, u64) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.by_hash.get(hash).cloned(), inner.revocations)
    }

    fn note(&self, hash: String, token: Token, revocations: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.by_hash.len() >= KNOWN_MAX {
            inner.by_hash.clear();
        }
        if inner.revocations == revocations {
            inner.by_hash.insert(hash, token);
        }
    }

    fn forget(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_hash.clear();
        inner.revocations += 1;
    }
}
