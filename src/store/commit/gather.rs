//! Documents that waited leave together: the interchange with all that belongs to it, and the places they leave, in one
//! commit. One that cannot be written any more fails, with the reason at the document it was made from.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::commit::translate::{NewOutput, output};
use crate::store::document;
use crate::store::error::Result;
use crate::store::gathered::{self, Enough};
use crate::store::job::{self, Job};
use crate::store::value::Actor;

/// A document that waited and cannot leave.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Its place among those that wait.
    pub gathered_id: String,
    /// The document it was made from.
    pub document_id: String,
    /// A stable word.
    pub code: String,
    /// For people.
    pub reason: String,
}

/// What one commit writes.
#[derive(Debug)]
pub struct Gathering {
    /// Agreement and environment.
    pub of: (String, String),
    /// Those that leave.
    pub taken: Vec<String>,
    /// The interchange that they leave in.
    pub output: Option<NewOutput>,
    /// Those that cannot.
    pub refused: Vec<Refusal>,
    /// When there are enough for the next interchange.
    pub enough: Enough,
}

impl Store {
    /// Commits a gathering. A worker that lost its lease changes nothing.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn gather(&self, job: &Job, gathering: Gathering, actor: &Actor, now: Timestamp) -> Result<()> {
        let (job, actor) = (job.clone(), actor.clone());
        self.write("gather", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                for id in &gathering.taken {
                    gathered::remove(&mut tx, id).await?;
                }
                for refusal in &gathering.refused {
                    gathered::remove(&mut tx, &refusal.gathered_id).await?;
                    document::fail(&mut tx, &refusal.document_id, (&refusal.code, &refusal.reason), &actor, now)
                        .await?;
                }
                if let Some(new) = gathering.output {
                    output(&mut tx, new, &actor, now).await?;
                }
                // First the job goes, then those that wait are counted: whoever comes in between makes one anew.
                job::finish(&mut tx, &job).await?;
                let (agreement, environment) = &gathering.of;
                gathered::schedule(&mut tx, (agreement, environment), gathering.enough, now).await
            })
        })
        .await
    }

    /// Lets a gathering wait until `run_at`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put_off(&self, job: &Job, run_at: Timestamp) -> Result<()> {
        let job = job.clone();
        self.write("put_off", move |mut tx| Box::pin(async move { job::again(&mut tx, &job, run_at).await })).await
    }
}
