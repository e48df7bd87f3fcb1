//! A slice of a translation: documents with their reports and entities, what was made of them, what answers them, and
//! how far it has come, in one commit.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::ack::{self, Incoming, NewAnswered, NewExpectation};
use crate::store::delivery::{self, NewDelivery};
use crate::store::delta::{self, Arrival, NewDelta};
use crate::store::document::{self, NewDocument};
use crate::store::error::{Result, StoreError};
use crate::store::gathered::{self, NewGathered};
use crate::store::interchange::{self, NewInterchange};
use crate::store::job::{self, Job};
use crate::store::lookup::{self, NewMissing};
use crate::store::mailbox::{self, NewNote};
use crate::store::matching;
use crate::store::payload::Files;
use crate::store::transmission::{self, NewTransmission, TransmissionState};
use crate::store::value::Actor;
use crate::store::writer::Tx;
use std::collections::BTreeMap;

/// The code of a transmission that lacks what was there before.
pub const VANISHED: &str = "VANISHED";

/// An outgoing transmission: bytes, what is in them, and how they go.
#[derive(Debug)]
pub struct NewOutput {
    /// The bytes and their channel.
    pub transmission: NewTransmission,
    /// Its one interchange.
    pub interchange: NewInterchange,
    /// Its documents.
    pub documents: Vec<NewDocument>,
    /// How it goes.
    pub delivery: NewDelivery,
    /// The acknowledgments that are awaited for it.
    pub expectations: Vec<NewExpectation>,
    /// When the output is an acknowledgment: what it answers. It is not sent when that was answered before.
    pub answers: Vec<NewAnswered>,
}

/// How a transmission ends.
#[derive(Debug, Clone)]
pub struct End {
    /// Split, held, rejected or duplicate.
    pub state: TransmissionState,
    /// Why held or rejected.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// The transmission that came before.
    pub duplicate_of: Option<String>,
    /// The partner, once known.
    pub partner: Option<String>,
    /// `test` or `production`, once known.
    pub environment: Option<String>,
}

/// An interchange that came again and is to be answered by the stored acknowledgment of the first.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// The repeat.
    pub interchange_id: String,
    /// The first one.
    pub repeat_of: String,
}

/// What one commit writes.
#[derive(Debug, Default)]
pub struct Slice {
    /// Interchanges that begin in it.
    pub interchanges: Vec<NewInterchange>,
    /// Documents that came in.
    pub documents: Vec<NewDocument>,
    /// What goes out.
    pub outputs: Vec<NewOutput>,
    /// What waits for company.
    pub gathered: Vec<NewGathered>,
    /// Answers that came in, for what we sent.
    pub incoming: Vec<Incoming>,
    /// Interchanges that came before and are answered as the first one was.
    pub repeats: Vec<Repeat>,
    /// Questions that lookup tables could not answer.
    pub missing: Vec<NewMissing>,
    /// What is told of it in the mailbox that it came from.
    pub notes: Vec<NewNote>,
    /// What came under numbers of agreements that skip what is unchanged.
    pub deltas: Vec<NewDelta>,
    /// How many documents of interchanges said nothing new, by the id of the interchange.
    pub unchanged: BTreeMap<String, u32>,
    /// Agreements of which the transmission is a whole: what it lacks is told. In the last slice.
    pub wholes: Vec<String>,
    /// How far the translation has come; `None` in the last slice.
    pub cursor: Option<String>,
    /// The last slice ends the transmission.
    pub end: Option<End>,
}

impl Slice {
    /// Files of what it brings, to be removed where it is not written.
    fn files(&self) -> Files {
        let made = self.outputs.iter().flat_map(|output| &output.documents);
        let entities = self.documents.iter().chain(made).filter_map(|document| document.entity.as_ref());
        Files::of(entities.chain(self.outputs.iter().map(|output| &output.transmission.content)))
    }
}

impl Store {
    /// Commits a slice. A worker that lost its lease changes nothing.
    ///
    /// # Errors
    /// The lease was lost, the transmission is not open any more, or the database failed.
    pub async fn translate(&self, job: &Job, slice: Slice, actor: &Actor, now: Timestamp) -> Result<()> {
        let (job, actor) = (job.clone(), actor.clone());
        let sealed: Vec<_> = slice.gathered.iter().map(|new| self.sealed_draft(new, now)).collect::<Result<_>>()?;
        let files = slice.files();
        let done = self.write("translate", move |mut tx| {
            Box::pin(async move { translate(&mut tx, &job, slice, &sealed, (&actor, now)).await })
        });
        let done = done.await;
        if done.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }
}

async fn translate(
    tx: &mut Tx<'_>,
    job: &Job,
    slice: Slice,
    sealed: &[(String, Vec<u8>)],
    (actor, now): (&Actor, Timestamp),
) -> Result<()> {
    job::check_lease(tx, job).await?;
    let transmission_id = &job.subject;
    for new in &slice.interchanges {
        interchange::insert(tx, transmission_id, new, now).await?;
    }
    for new in slice.documents {
        document::insert(tx, transmission_id, new, actor, now).await?;
    }
    for output in slice.outputs {
        self::output(tx, output, actor, now).await?;
    }
    for (new, (gathered_id, draft)) in slice.gathered.iter().zip(sealed) {
        gathered::insert(tx, (gathered_id, draft), new, now).await?;
        gathered::schedule(tx, (&new.agreement, &new.environment), new.enough, now).await?;
    }
    for incoming in &slice.incoming {
        matching::apply(tx, incoming, transmission_id, now).await?;
    }
    for repeat in &slice.repeats {
        answer_again(tx, repeat, actor, now).await?;
    }
    for missing in &slice.missing {
        lookup::note(tx, missing, now).await?;
    }
    for note in &slice.notes {
        mailbox::note(tx, note, transmission_id, now).await?;
    }
    if let Some(cursor) = &slice.cursor {
        job::set_cursor(tx, job, cursor).await?;
    }
    for (interchange_id, count) in &slice.unchanged {
        interchange::says_nothing_new(tx, interchange_id, *count).await?;
    }
    if !slice.deltas.is_empty() {
        let own = delta::arrival(tx, transmission_id).await?;
        for new in &slice.deltas {
            delta::note(tx, new, own, now).await?;
        }
    }
    if let Some(mut end) = slice.end {
        for agreement in &slice.wholes {
            let own = delta::arrival(tx, transmission_id).await?;
            lacks(tx, &mut end, agreement, own).await?;
        }
        let change = transmission::Change {
            code: end.code.as_deref(),
            reason: end.reason.as_deref(),
            duplicate_of: end.duplicate_of.as_deref(),
            partner: end.partner.as_deref(),
            environment: end.environment.as_deref(),
        };
        let open = [TransmissionState::Stored, TransmissionState::Verified];
        transmission::change(tx, transmission_id, &open, end.state, change, actor, now).await?;
        job::finish(tx, job).await?;
    }
    Ok(())
}

/// What a transmission lacks that an agreement had.
async fn lacks(tx: &mut Tx<'_>, end: &mut End, agreement: &str, own: Arrival<'_>) -> Result<()> {
    let Some(gone) = delta::vanished(tx, agreement, own).await? else { return Ok(()) };
    let others = gone.count - i64::try_from(gone.numbers.len()).unwrap_or(i64::MAX);
    let more = if others > 0 { format!(", and {others} more") } else { String::new() };
    let (count, numbers) = (gone.count, gone.numbers.join(", "));
    let told = format!("{count} that agreement {agreement} had are there no more: {numbers}{more}");
    end.reason = Some(end.reason.take().map_or(told.clone(), |reason| format!("{reason}; {told}")));
    end.code = Some(VANISHED.to_owned());
    Ok(())
}

/// Writes an interchange that leaves, with its delivery.
pub(super) async fn output(tx: &mut Tx<'_>, output: NewOutput, actor: &Actor, now: Timestamp) -> Result<()> {
    let transmission_id = output.transmission.transmission_id.clone();
    if let Some(first) = output.answers.first()
        && ack::is_answered(tx, &first.interchange_id).await?
    {
        return Ok(());
    }
    transmission::insert(tx, (&output.transmission, actor, now), TransmissionState::Split).await?;
    interchange::insert(tx, &transmission_id, &output.interchange, now).await?;
    for new in output.documents {
        document::insert(tx, &transmission_id, new, actor, now).await?;
    }
    for answered in &output.answers {
        ack::answered(tx, answered, now).await?;
    }
    for expectation in &output.expectations {
        ack::expect(tx, expectation, now).await?;
    }
    delivery::insert(tx, &transmission_id, &output.delivery, None, actor, now).await
}

/// The acknowledgment of the first interchange once more: the same bytes, by a delivery of its own, since the sender
/// seems not to have got them. One that is still on its way is not overtaken.
async fn answer_again(tx: &mut Tx<'_>, repeat: &Repeat, actor: &Actor, now: Timestamp) -> Result<()> {
    let Some(transmission_id) = ack::answer_of(tx, &repeat.repeat_of).await? else { return Ok(()) };
    let key = format!("{}/again", repeat.interchange_id);
    let Some(last) = delivery::last_of(tx, &transmission_id).await? else { return Ok(()) };
    let is_over = ["delivered", "parked", "cancelled"].contains(&last.state.as_str());
    if last.key == key || !is_over {
        return Ok(());
    }
    let turn = last.turn();
    let new = NewDelivery {
        delivery_id: tx.id("del", now),
        channel: last.channel,
        partner: last.partner,
        agreement: last.agreement,
        key,
        on_uncertain: last.on_uncertain,
        turn,
    };
    delivery::insert(tx, &transmission_id, &new, Some(&last.delivery_id), actor, now).await
}
