//! Notices on their way: mails by `[mail]`, posts as their recipient says, each tried until it is taken, for a day.

use super::tell::linked;
use crate::alert::{mail, post};
use crate::config::MailTls;
use crate::partner::{Posted, SecretOrText};
use crate::pipeline::reach::{Outbound, Said, Unready, assemble, secret};
use crate::pipeline::state::Service;
use crate::store::notice::Notice;
use crate::store::{Result, StoreError};
use crate::transport::http::body::Body;
use crate::transport::http::reach::Owner;
use crate::transport::http::send::{Asked, Outcome, Post};
use crate::transport::smtp::{self, Mail, Privacy, Server, Untaken};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Notices on their way at once.
const PLACES: u32 = 4;
/// How often is looked for some that are due.
const TICK: Duration = Duration::from_secs(1);
/// How long the answer to a post may take.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Seconds between attempts; the last goes on until a notice is given up.
const WAITS: [u64; 6] = [10, 30, 60, 300, 900, 1800];
/// How long a notice is tried.
const TRIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Sends what is due until told to stop.
pub(super) async fn run(service: Arc<Service>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let due = match service.store.due_notices(PLACES, service.now()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = %error, "Notices could not be looked for; they will be");
                Vec::new()
            }
        };
        let is_idle = due.is_empty();
        for done in join_all(due.iter().map(|notice| one(&service, notice))).await {
            match done {
                Ok(()) | Err(StoreError::Stopped) => {}
                Err(error) => {
                    tracing::error!(error = %error, "What came of a notice could not be kept; it will be sent again");
                }
            }
        }
        if is_idle {
            tokio::select! {
                () = service.told.notified() => {}
                () = tokio::time::sleep(TICK) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

async fn one(service: &Service, notice: &Notice) -> Result<()> {
    let facts = linked(service, notice).await?;
    let tried = match &notice.address {
        Some(address) => mailed(service, (notice, &facts), address).await,
        None => posted(service, (notice, &facts)).await,
    };
    let now = service.now();
    let (way, kind) = (if notice.address.is_some() { "mail" } else { "post" }, notice.kind.as_str());
    let untaken = match tried {
        Ok(()) => {
            tracing::info!(notice.id = notice.notice_id, notice.recipient = notice.recipient, way, kind, "Told");
            metrics::counter!("portolan_notices_total", "outcome" => "sent").increment(1);
            return service.store.notice_tried(&notice.notice_id, (None, None), now).await;
        }
        Err(untaken) => untaken,
    };
    let at = usize::try_from(notice.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    let is_over = untaken.is_lasting || now >= notice.created_at.timestamp() + TRIED_FOR;
    let next_at = (!is_over).then(|| now + Duration::from_secs(WAITS[at]));
    let (id, recipient, reason) = (&notice.notice_id, &notice.recipient, &untaken.reason);
    if is_over {
        tracing::error!(
            notice.id = id,
            notice.recipient = recipient,
            way,
            reason,
            "A notice is given up; portolan alarm notices shows it"
        );
        metrics::counter!("portolan_notices_total", "outcome" => "given_up").increment(1);
    } else if notice.attempts == 0 {
        tracing::warn!(
            notice.id = id,
            notice.recipient = recipient,
            way,
            reason,
            "A notice was not taken; it goes again"
        );
    }
    service.store.notice_tried(id, (Some(reason), next_at), now).await
}

fn passing(reason: String) -> Untaken {
    Untaken { reason, is_lasting: false }
}

async fn mailed(
    service: &Service,
    (notice, facts): (&Notice, &Value),
    address: &str,
) -> std::result::Result<(), Untaken> {
    let Some(own) = &service.config.mail else {
        return Err(passing(
            "portolan.toml has no [mail]: say which server takes mails, and whom they are from".to_owned(),
        ));
    };
    let login = match (&own.user, &own.password) {
        (Some(user), Some(name)) => {
            let value = service.store.secret(name).await;
            let value = value.map_err(|_| passing(format!("secret {name} is not set; portolan secret set {name}")))?;
            Some((user.clone(), String::from_utf8_lossy(&value).trim_end_matches(['\r', '\n']).to_owned()))
        }
        _ => None,
    };
    let authorities = match &own.authorities {
        Some(path) => {
            let read = tokio::fs::read(path).await;
            Some(read.map_err(|error| passing(format!("[mail] authorities: {}: {error}", path.display())))?)
        }
        None => None,
    };
    let privacy = match own.tls {
        MailTls::Starttls => Privacy::Starttls,
        MailTls::Implicit => Privacy::Implicit,
        MailTls::None => Privacy::None,
    };
    let server = Server { name: own.server.clone(), port: own.port(), privacy, login, authorities };
    let letter = mail::letter(&notice.kind, facts);
    let letter =
        letter.map_err(|error| Untaken { reason: format!("the mail cannot be written: {error}"), is_lasting: true })?;
    let mail = Mail {
        id: notice.notice_id.clone(),
        from: own.from.clone(),
        to: address.to_owned(),
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        at: notice.created_at.timestamp(),
    };
    smtp::send(&server, &mail).await
}

async fn posted(service: &Service, (notice, facts): (&Notice, &Value)) -> std::result::Result<(), Untaken> {
    let directory = service.directory();
    let found = directory.recipients().find(|(name, _)| **name == notice.recipient);
    let Some(to) = found.and_then(|(_, one)| one.post.as_ref()) else {
        let reason = format!("recipient {} is gone, or has no post", notice.recipient);
        return Err(Untaken { reason, is_lasting: true });
    };
    let post = prepared(service, (notice, facts), to).await.map_err(|unready| match unready.told() {
        Ok((_, reason)) => passing(reason),
        Err(error) => passing(error.to_string()),
    })?;
    match service.sender.send(post).await {
        Outcome::Delivered { .. } => Ok(()),
        Outcome::Permanent { reason, .. } => Err(Untaken { reason, is_lasting: true }),
        Outcome::Transient { reason, .. } | Outcome::Uncertain { reason } | Outcome::Unreadable { reason } => {
            Err(passing(reason))
        }
        Outcome::NoToken(no) => Err(passing(no.reason)),
    }
}

async fn prepared(
    service: &Service,
    (notice, facts): (&Notice, &Value),
    to: &Posted,
) -> std::result::Result<Post, Unready> {
    let url = match &to.url {
        SecretOrText::Text(url) => url.clone(),
        SecretOrText::Secret(named) => secret(service, named).await?,
    };
    let said = Said {
        networks: &to.allow_networks,
        authorities: &[],
        proxy: None,
        headers: Vec::new(),
        auth: to.auth.as_deref(),
        owner: Owner::Recipient,
    };
    let Outbound { reach, credentials, headers, mut secrets, once } = assemble(service, said).await?;
    if let SecretOrText::Secret(_) = &to.url {
        secrets.add(&url);
    }
    let body = post::body(to.form, &notice.notice_id, &notice.kind, facts);
    Ok(Post {
        url,
        method: Method::POST,
        key: Some(notice.notice_id.clone()),
        content_type: "application/json".to_owned(),
        headers,
        secrets,
        body: Body::Held(body.to_string().into_bytes()),
        reach,
        credentials,
        once,
        patience: ANSWER_WAIT,
        asked: Asked::Status,
    })
}
