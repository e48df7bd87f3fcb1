//! The demonstration: one instance on free loopback ports, a retailer that speaks X12 and a supplier that speaks
//! EDIFACT, each a small peer over HTTP. Four orders travel between them, one of them with a fault, and one is answered,
//! despatched and invoiced. Invoices go to the retailer over AS2, the despatch advice to the mailbox of a warehouse too. What
//! fails is mailed to somebody.

mod as2;
mod fetch; // a partner that fetches over SFTP
mod mail; // where alarms are mailed to
mod peer;

use crate::app::{self, App};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Admin, Alert, Config, Mail, MailTls, Partner, Sftp};
use crate::engine::Rules;
use crate::partner::{Directory, parse};
use crate::store::delivery::DeliveryFilter;
use crate::store::document::{Document, DocumentFilter};
use crate::store::resource::ResourceChange;
use crate::store::{Actor, Direction, Page, Store};
use crate::transport::as2::self_signed::SelfSigned;
use anyhow::Context as _;
use as2::House;
use base64::Engine as _;
use peer::{Language, Peer};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The configuration that the two peers need.
const RESOURCES: &str = include_str!("../../demo/resources.yaml");
/// What the retailer sends; the third order has a letter in its quantity.
const ORDERS: [(&str, &str); 3] = [
    ("4711", include_str!("../../demo/order-4711.edi")),
    ("4712", include_str!("../../demo/order-4712.edi")),
    ("4713", include_str!("../../demo/order-4713.edi")),
];
/// The order with the fault.
const PLANTED: &str = "4713";
/// What the supplier sends.
const PURCHASE: (&str, &str) = ("9001", include_str!("../../demo/order-9001.edi"));
/// What the supplier says of order 4711 once it has it.
const CONVERSATION: [(&str, &str, &str); 3] = [
    ("A-4711", "ORDRSP", include_str!("../../demo/answer-4711.edi")),
    ("D-8001", "DESADV", include_str!("../../demo/despatch-4711.edi")),
    ("R-5001", "INVOIC", include_str!("../../demo/invoice-4711.edi")),
];
/// The channel over which invoices go to the retailer, and the secret with our key for it.
const AS2_CHANNEL: &str = "northstores-as2";
const AS2_KEY: &str = "portolan-as2-key";
/// The mailbox of the warehouse, and the channel that leads there.
const MAILBOX: (&str, &str) = ("harbour", "harbour-out");
/// Who is told of alarms.
const OPERATOR: &str = "operator@portolan.example";
/// What a mail about the planted fault says.
const ALARM: &str = "1 document of type 850 of northstores";
/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A demonstration that has run; its instance and peers still do.
pub struct Demo {
    /// The instance.
    pub app: App,
    /// Everything arrived and was acknowledged, but for the planted fault.
    pub is_complete: bool,
}

/// Runs the demonstration on a fresh data directory, telling what happens line by line.
///
/// # Errors
/// A port or the directory cannot be had.
pub async fn run(directory: &Path, tell: &dyn Fn(&str)) -> anyhow::Result<Demo> {
    let (seen, mut sightings) = mpsc::unbounded_channel();
    let keys = As2Keys { ours: as2::new_key("Portolan")?, retailer: as2::new_key("North Stores")? };
    let house = House::new("NORTHSTORES", &keys.retailer, &keys.ours)?;
    let retailer = Peer::start("retailer", Language::X12, Some(house), seen.clone()).await?;
    let supplier = Peer::start("supplier", Language::Edifact, None, seen).await?;
    let (mailed, mut mails) = mpsc::unbounded_channel();
    let mail = mail::start(mailed).await?;
    let listen = || "127.0.0.1:0".to_owned();
    let config = Config {
        partner: Partner { listen: listen(), tls: None },
        admin: Admin { listen: listen(), ..Admin::default() },
        sftp: Sftp { listen: listen(), ..Sftp::default() },
        alert: Alert { name: Some("demo".to_owned()), look_seconds: 1, settle_seconds: 1, ..Alert::default() },
        mail: Some(Mail {
            server: mail.ip().to_string(),
            port: Some(mail.port()),
            tls: MailTls::None,
            user: None,
            password: None,
            authorities: None,
            from: "Portolan <demo@portolan.example>".to_owned(),
            to: vec![OPERATOR.to_owned()],
            heartbeat: None,
        }),
        ..Config::default()
    };
    app::init(directory, &config).await?;
    let key = fetch::new_key(directory).await;
    let app = App::start(directory, config, Rules::new(None, None)).await?;
    let hub = format!("http://{}", app.partner);
    let token = configure(&app, (retailer.port(), supplier.port()), &keys, key.as_deref()).await?;
    retailer.connect(&format!("{hub}/in/northstores-in"), &format!("Bearer {token}"));
    supplier.connect(&format!("{hub}/in/lamps-in"), &basic());
    tell("The retailer (X12 004010) and the supplier (EDIFACT D.96A) are up; Portolan stands between them.");
    tell(
        "Documents travel over HTTP; invoices to the retailer over AS2: encrypted, signed, and proved by a signed receipt.",
    );
    for (number, text) in ORDERS {
        let answer = retailer.post(number, text.as_bytes()).await?;
        tell(&format!("retailer → order {number} as X12 850: {answer}"));
    }
    let (number, text) = PURCHASE;
    let answer = supplier.post(number, text.as_bytes()).await?;
    tell(&format!("supplier → order {number} as EDIFACT ORDERS: {answer}"));
    let mut documents = ORDERS.len() + 1;
    let mut is_complete = settle(&app.service.store, documents, &mut sightings, tell).await?;
    for (number, kind, text) in CONVERSATION {
        let answer = supplier.post(number, text.as_bytes()).await?;
        tell(&format!("supplier → {kind} {number} for order 4711: {answer}"));
        documents += 1;
        is_complete = settle(&app.service.store, documents, &mut sightings, tell).await?;
    }
    while let Ok(Some(line)) = tokio::time::timeout(Duration::from_millis(300), sightings.recv()).await {
        tell(&line);
    }
    is_complete &= fetched(&app, directory, key.is_some(), tell).await?;
    is_complete &= alarmed(&mut mails, tell).await;
    summary(&app.service.store, tell).await?;
    is_complete &= proved(&app.service.store, tell).await?;
    Ok(Demo { app, is_complete })
}

/// The warehouse fetches what lies in its mailbox; whether it did, where it can.
async fn fetched(app: &App, directory: &Path, has_key: bool, tell: &dyn Fn(&str)) -> anyhow::Result<bool> {
    let store = &app.service.store;
    let lying = store.mailbox_files(MAILBOX.0, &Page::default()).await?;
    let names: Vec<&str> = lying.iter().map(|file| file.name.as_str()).collect();
    tell(&format!("warehouse's mailbox: {} lies in out", names.join(", ")));
    let Some(address) = app.sftp.filter(|_| has_key) else {
        tell("It is not fetched: this machine has no OpenSSH client.");
        return Ok(lying.len() == 1);
    };
    let got = fetch::fetch(address, directory).await?;
    let seen = store.mailbox_files(MAILBOX.0, &Page::default()).await?;
    let is_noted = seen.iter().all(|file| file.fetched == 1);
    tell(&format!(
        "warehouse ← {} over SFTP, by OpenSSH's client{}",
        got.join(", "),
        if is_noted { "; noted as fetched" } else { "" }
    ));
    Ok(got.len() == 1 && is_noted)
}

/// Shows mails until the one about the planted fault; whether it came.
async fn alarmed(mails: &mut mpsc::UnboundedReceiver<String>, tell: &dyn Fn(&str)) -> bool {
    let patience = Instant::now() + PATIENCE;
    while let Ok(Some(mail)) = tokio::time::timeout_at(patience, mails.recv()).await {
        tell(&mail);
        if mail.contains(ALARM) {
            return true;
        }
    }
    false
}

/// Tells what is seen until that many documents have come to rest, or patience ends.
async fn settle(
    store: &Store,
    documents: usize,
    sightings: &mut mpsc::UnboundedReceiver<String>,
    tell: &dyn Fn(&str),
) -> anyhow::Result<bool> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        while let Ok(Some(line)) = tokio::time::timeout(Duration::from_millis(100), sightings.recv()).await {
            tell(&line);
        }
        if complete(store, documents).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn basic() -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("lamps:lamps-password"))
}

/// The keys of both sides of AS2.
struct As2Keys {
    ours: SelfSigned,
    retailer: SelfSigned,
}

async fn configure(
    app: &App,
    (retailer, supplier): (u16, u16),
    keys: &As2Keys,
    harbour: Option<&str>,
) -> anyhow::Result<String> {
    let (store, now, actor) = (&app.service.store, SystemClock.now(), Actor("demo".to_owned()));
    let pem = |one: &SelfSigned| one.certificate_pem.trim_end().replace('\n', "\n  ");
    let text = RESOURCES
        .replace("RETAILER_PORT", &retailer.to_string())
        .replace("SUPPLIER_PORT", &supplier.to_string())
        .replace("RETAILER_CERTIFICATE", &pem(&keys.retailer))
        .replace("PORTOLAN_CERTIFICATE", &pem(&keys.ours))
        .replace("keys: [HARBOUR_KEY]", &harbour.map(|key| format!("keys: [\"{key}\"]")).unwrap_or_default());
    let together = |errors: Vec<crate::partner::ResourceError>| {
        anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let resources = parse("demo/resources.yaml", &text).map_err(together)?;
    Directory::new(&resources).map_err(together)?;
    let change =
        |one: crate::partner::Resource| ResourceChange { kind: one.kind, name: one.name, body: Some(one.body) };
    store.apply(resources.into_iter().map(change).collect(), 0, &actor, now).await?;
    store.set_secret("lamps-password", b"lamps-password", &actor, now).await?;
    store.set_secret("lamps-authorization", basic().as_bytes(), &actor, now).await?;
    store.set_secret(AS2_KEY, keys.ours.key_pem.as_bytes(), &actor, now).await?;
    let (_, token) = store.create_token("channel:northstores-in", "retailer", None, &actor, now).await?;
    app.service.reload().await.context("the demo's resources")?;
    Ok(token)
}

async fn incoming(store: &Store) -> anyhow::Result<Vec<Document>> {
    let filter = DocumentFilter { direction: Some(Direction::In), ..DocumentFilter::default() };
    let mut found = store.documents(&filter, &Page::default()).await?;
    found.retain(|document| document.is_acknowledgment == 0);
    found.sort_by(|one, other| one.created_at.cmp(&other.created_at).then(one.document_id.cmp(&other.document_id)));
    Ok(found)
}

/// So many documents came in; each is delivered and accepted, but the planted one, which failed; every acknowledgment we
/// owe is delivered.
async fn complete(store: &Store, documents: usize) -> anyhow::Result<bool> {
    let found = incoming(store).await?;
    let is_planted = |document: &Document| document.byte_length > 0 && document.processing.as_deref() == Some("failed");
    let arrived = |document: &Document| document.delivery.as_deref() == Some("delivered") && document.ack == "accepted";
    let deliveries = store.deliveries(&Default::default(), &Page::default()).await?;
    // Each is acknowledged, and each but the planted one goes on, to partners who answer; a mailbox is beside.
    let answered = deliveries.iter().filter(|one| one.channel != MAILBOX.1).count();
    let all_sent = answered == 2 * documents - 1 && deliveries.iter().all(|one| one.state == "delivered");
    let failed: Vec<_> = found.iter().filter(|document| is_planted(document)).collect();
    Ok(found.len() == documents
        && all_sent
        && failed.len() == 1
        && failed[0].business_number.as_deref() == Some(PLANTED)
        && found.iter().filter(|document| !is_planted(document)).all(arrived))
}

/// Whether what went over AS2 is proved by a receipt of the retailer.
async fn proved(store: &Store, tell: &dyn Fn(&str)) -> anyhow::Result<bool> {
    let filter = DeliveryFilter { channel: Some(AS2_CHANNEL.to_owned()), ..DeliveryFilter::default() };
    let sent = store.deliveries(&filter, &Page::default()).await?;
    let mut count = 0;
    for one in &sent {
        count += usize::from(one.state == "delivered" && store.as2_receipt(&one.delivery_id).await?.is_some());
    }
    tell(&format!("AS2: {count} of {} proved by a signed receipt of the retailer", sent.len()));
    Ok(count > 0 && count == sent.len())
}

async fn summary(store: &Store, tell: &dyn Fn(&str)) -> anyhow::Result<()> {
    tell("");
    for document in incoming(store).await? {
        let number = document.business_number.as_deref().unwrap_or("-");
        let processing = document.processing.as_deref().unwrap_or("open");
        let (delivery, ack) = (document.delivery.as_deref().unwrap_or("-"), &document.ack);
        tell(&format!(
            "{} {number} from {}: {processing}, {delivery}, {ack}",
            document.kind,
            document.partner.as_deref().unwrap_or("-")
        ));
        if let Some(reason) = &document.reason {
            tell(&format!("    {}: {reason}", document.code.as_deref().unwrap_or_default()));
        }
    }
    for balance in store.balances().await? {
        let verdict = if balance.holds { "the sum holds" } else { "THE SUM DOES NOT HOLD" };
        tell(&format!("{}: {} in all; {verdict}", balance.stage, balance.total));
    }
    Ok(())
}
