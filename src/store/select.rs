//! A SELECT grown from fixed fragments and bound values; no value ever becomes part of the text, but for how many rows are wanted.
//! It builds conjunctions only: what the lists need and nothing else.

use super::error::Result;
use super::value::{PAGE_ROWS_MAX, Page, storable};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::QueryAs;
use sqlx::{Any, AssertSqlSafe, Executor, FromRow};

enum Bound {
    Text(String),
    Number(i64),
}

/// A SELECT whose head ends in a WHERE with at least one condition.
pub(crate) struct Select {
    sql: String,
    bound: Vec<Bound>,
}

impl Select {
    /// `head` is the statement up to its first condition, such as `SELECT a FROM t WHERE 1 = 1`.
    pub(crate) fn new(head: &'static str) -> Self {
        Self { sql: head.to_owned(), bound: Vec::new() }
    }

    /// Its text.
    #[cfg(test)]
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    fn bind(&mut self, value: Bound) {
        self.bound.push(value);
        self.sql.push_str(&format!("${}", self.bound.len()));
    }

    /// `AND <left> $n`, if there is a value; `left` is such as `channel =`.
    pub(crate) fn text(mut self, left: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.sql.push_str(" AND ");
            self.sql.push_str(left);
            self.sql.push(' ');
            self.bind(Bound::Text(storable(value)));
        }
        self
    }

    /// `AND <left> '<word>'`, a word of ours. SQLite plans a statement anew for each value that is bound where an index could hold
    /// rows of one such value alone; a word that stands there is planned once.
    pub(crate) fn word(mut self, left: &'static str, word: &'static str) -> Self {
        for part in [" AND ", left, " '", word, "'"] {
            self.sql.push_str(part);
        }
        self
    }

    /// `AND <left> IN ($n, …)`; there is at least one value. `left` is such as `channel` or `channel NOT`.
    pub(crate) fn among(mut self, left: &'static str, values: &[String]) -> Self {
        self.sql.push_str(" AND ");
        self.sql.push_str(left);
        for (at, value) in values.iter().enumerate() {
            self.sql.push_str(if at == 0 { " IN (" } else { ", " });
            self.bind(Bound::Text(storable(value)));
        }
        self.sql.push(')');
        self
    }

    /// `AND <left> $n`.
    pub(crate) fn number(mut self, left: &'static str, value: i64) -> Self {
        self.sql.push_str(" AND ");
        self.sql.push_str(left);
        self.sql.push(' ');
        self.bind(Bound::Number(value));
        self
    }

    /// Fixed text to the end of what is there, such as an ORDER BY.
    pub(crate) fn then(mut self, fragment: &'static str) -> Self {
        self.sql.push(' ');
        self.sql.push_str(fragment);
        self
    }

    /// Newest first by (`created_at`, key), from the cursor on, one page.
    pub(crate) fn page(self, key: &'static str, page: &Page) -> Self {
        self.paged(key, (") < (", " DESC"), page)
    }

    /// The same, oldest first.
    pub(crate) fn page_forward(self, key: &'static str, page: &Page) -> Self {
        self.paged(key, (") > (", ""), page)
    }

    fn paged(mut self, key: &'static str, (behind, order): (&'static str, &'static str), page: &Page) -> Self {
        if let Some(after) = &page.after {
            self.sql.push_str(" AND (created_at, ");
            self.sql.push_str(key);
            self.sql.push_str(behind);
            self.bind(Bound::Number(after.created_at.0));
            self.sql.push_str(", ");
            self.bind(Bound::Text(storable(&after.id)));
            self.sql.push(')');
        }
        self.sql.push_str(" ORDER BY created_at");
        self.sql.push_str(order);
        self.sql.push_str(", ");
        self.sql.push_str(key);
        self.sql.push_str(order);
        self.limit(if page.limit == 0 { PAGE_ROWS_MAX } else { page.limit.min(PAGE_ROWS_MAX) })
    }

    /// The first so many rows. The number stands in the text: one that is bound is looked at by SQLite, which plans the statement anew
    /// for each.
    pub(crate) fn limit(mut self, count: u32) -> Self {
        self.sql.push_str(&format!(" LIMIT {count}"));
        self
    }

    fn query<T>(self) -> QueryAs<'static, Any, T, AnyArguments>
    where
        T: for<'r> FromRow<'r, AnyRow>,
    {
        // Safe: the text consists of `&'static str` fragments, placeholders and numbers of rows only.
        let mut query = sqlx::query_as(AssertSqlSafe(self.sql));
        for value in self.bound {
            query = match value {
                Bound::Text(text) => query.bind(text),
                Bound::Number(number) => query.bind(number),
            };
        }
        query
    }

    /// All rows.
    pub(crate) async fn all<'e, T, E>(self, executor: E) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
        E: Executor<'e, Database = Any>,
    {
        Ok(self.query().fetch_all(executor).await?)
    }

    /// The first row, if any.
    pub(crate) async fn first<'e, T, E>(self, executor: E) -> Result<Option<T>>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
        E: Executor<'e, Database = Any>,
    {
        Ok(self.query().fetch_optional(executor).await?)
    }
}
