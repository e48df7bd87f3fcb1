//! `GET /api/v1/mailboxes`

use crate::api::problem::Problem;
use crate::api::{Reply, Shared};
use crate::partner::MailboxFolder;
use crate::pipeline::mailbox::{gate, password};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Mailboxes with their folders, what lies in them, and the keys by which clients know this server. `unfinished`: uploads
/// that do not count yet.
#[utoipa::path(get, path = "/api/v1/mailboxes", operation_id = "mailbox_list",
    responses((status = 200, description = "{items: [{name, user, folders: [{name, way, channel}], keys, has_password, \
        files, unfetched, unfinished}], host_keys: [{line, fingerprint}], banned: [{address, until}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    let directory = service.directory();
    let secrets = service.store.secret_names().await?;
    let lying = service.store.mailboxes_lying().await?;
    let item = |(name, mailbox): (&String, &crate::partner::Mailbox)| -> Value {
        let folders = directory.mailbox_folders(name).into_iter().map(|(folder, what)| match what {
            MailboxFolder::In(channel, _) => json!({ "name": folder, "way": "in", "channel": channel }),
            MailboxFolder::Out => json!({ "name": folder, "way": "out" }),
            MailboxFolder::Errors => json!({ "name": folder, "way": "errors" }),
        });
        let lies = lying.iter().find(|one| one.mailbox == *name).cloned().unwrap_or_default();
        let secret = password::secret_name(name);
        json!({
            "name": name,
            "user": mailbox.user.as_ref().unwrap_or(name),
            "folders": folders.collect::<Vec<_>>(),
            "keys": mailbox.keys.len(),
            "has_password": secrets.iter().any(|(one, _)| *one == secret),
            "files": lies.files,
            "unfetched": lies.unfetched,
            "unfinished": service.mailboxes.unfinished(name),
        })
    };
    let items: Vec<Value> = directory.mailboxes().iter().map(item).collect();
    let mut host_keys = Vec::new();
    if service.config.sftp.address().is_some() {
        let keys = gate::host_keys(&service).await;
        let keys = keys.map_err(|error| Problem::new(500, "HOST-KEYS", &format!("{error:#}")))?;
        host_keys.extend(
            keys.public().into_iter().map(|(line, fingerprint)| json!({ "line": line, "fingerprint": fingerprint })),
        );
    }
    let banned = service.mailboxes.banned(&directory, service.now()).into_iter().filter(|ban| ban.mailbox.is_none());
    let banned: Vec<Value> =
        banned.map(|ban| json!({ "address": ban.name, "until": ban.until.as_microsecond() })).collect();
    Ok(Json(json!({ "items": items, "host_keys": host_keys, "banned": banned })))
}
