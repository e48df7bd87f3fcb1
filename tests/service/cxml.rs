//! cXML as a conversation: documents that are posted get their Response in the same call, once they are on disk; what we
//! post is taken or refused by the Response that comes back.

use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use portolan::store::refusal::STRANGERS_KEPT_MAX;
use serde_json::Value;

const SECRET: &str = "s3cret-of-north";
/// The payloadID of the first order that goes to the shop.
const SENT: &str = "41.777777777@987654321";

/// A buyer who sends cXML to us, and a shop that gets it from us.
fn more(shop: u16, live: u16) -> String {
    format!(
        "\
kind: partner
name: north
party_ids: [\"DUNS:123456789\", \"NetworkID:AN-NORTH\"]
---
kind: partner
name: other
party_ids: [\"DUNS:555555555\"]
---
kind: partner
name: shop
party_ids: [\"DUNS:777777777\"]
---
kind: channel
name: north-cxml
transport: http
way: in
partners: [north]
cxml:
  secret: {{ secret: north-cxml }}
  receivers: [\"DUNS:987654321\"]
  punchout: http://127.0.0.1:{live}/punchout
allow_networks: [127.0.0.0/8]
body_bytes: \"100000\"
---
kind: channel
name: network-cxml
transport: http
way: in
url: https://edi.example/in/network-cxml
cxml: {{ secret: {{ secret: north-cxml }}, senders: [\"NetworkID:AN-HUB\"] }}
---
kind: channel
name: shop-cxml
transport: http
way: in
partners: [shop]
cxml: {{ secret: {{ secret: shop-cxml }}, punchout: \"http://127.0.0.1:{live}/punchout\" }}
---
kind: channel
name: both-cxml
transport: http
way: in
auth: token
partners: [north]
cxml: {{ secret: {{ secret: north-cxml }} }}
---
kind: channel
name: shop-out
transport: http
way: out
url: http://127.0.0.1:{shop}/cxml
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: north-orders
way: in
partner: north
document: cxml/1.2/OrderRequest
---
kind: agreement
name: shop-orders
way: out
partner: shop
document: cxml/1.2/OrderRequest
channel: shop-out
envelope:
  sender: \"DUNS:987654321\"
  receiver: \"DUNS:777777777\"
  first_number: \"41\"
  password: {{ secret: shop-cxml }}
---
kind: route
name: north-to-shop
from: north-orders
to: shop-orders
"
    )
}

fn order() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cxml/1.2/OrderRequest/plain/in.xml");
    let text = std::fs::read_to_string(file).expect("the fixture");
    text.replace("deploymentMode=\"test\"", "deploymentMode=\"production\"").replace("not-a-secret", SECRET)
}

/// The order's head around another request.
fn request(payload_id: &str, request: &str) -> String {
    let order = order();
    let (begin, end) = (order.find("<OrderRequest>").expect("a begin"), order.find("</Request>").expect("an end"));
    format!("{}{request}\n{}", &order[..begin], &order[end..]).replace("order-4711@example", payload_id)
}

fn response(code: u16, text: &str) -> String {
    format!(
        "<cXML payloadID='r' timestamp='2026-11-02T09:30:00Z'><Response><Status code='{code}' text='{text}'/></Response></cXML>"
    )
}

struct Scene {
    stage: Stage,
    shop: Peer,
    live: Peer,
}

/// What was answered: the Status, its words, and the whole.
struct Said {
    code: u16,
    words: String,
    text: String,
    location: String,
}

impl Scene {
    async fn begin(shop: &[Answer], live: &[Answer], sections: &str) -> Scene {
        let (shop, live) = (Peer::start(shop).await, Peer::start(live).await);
        let stage = Stage::bare(sections).await;
        stage.done(&["secret", "set", "north-cxml"], SECRET);
        stage.done(&["secret", "set", "shop-cxml"], "s3cret-of-shop");
        stage.apply(&format!("{}---\n{}", resources(1, 1), more(shop.port, live.port)));
        Scene { stage, shop, live }
    }

    async fn post(&self, body: &str) -> Said {
        self.post_as("north-cxml", "text/xml", body).await
    }

    /// Posts to a channel of cXML, whose answer is 200 and a Response whatever its Status says.
    async fn post_as(&self, channel: &str, kind: &str, body: impl Into<Vec<u8>>) -> Said {
        let url = format!("{}/in/{channel}", self.stage.partner);
        let request = self.stage.client.post(url).header("content-type", kind).body(body.into());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        assert_eq!(header("content-type"), "text/xml; charset=UTF-8");
        let location = header("location");
        let text = answer.text().await.expect("a body");
        let status = portolan::codec::cxml::status(&text).unwrap_or_else(|| panic!("no Response: {text}"));
        assert!(text.contains("<!DOCTYPE cXML SYSTEM") && text.contains(" payloadID=") && text.contains(" timestamp="));
        Said { code: status.code, words: status.words, text, location }
    }

    /// What is kept of a body that was taken.
    async fn kept(&self, said: &Said) -> Vec<u8> {
        assert_eq!(said.code, 200, "{}", said.text);
        self.stage.content(said.location.rsplit('/').next().expect("an id")).await
    }

    async fn transmissions(&self, state: &str) -> Vec<Value> {
        self.stage.list(&format!("/api/v1/transmissions?direction=in&state={state}")).await
    }

    /// The only order that went to the shop, once its acknowledgment stands like this.
    async fn sent(&self, ack: &str) -> Value {
        let what = format!("the order to the shop {ack}");
        let found = self.stage.until(&what, || async {
            let rows = self.stage.list("/api/v1/documents?direction=out").await;
            rows.into_iter().find(|row| row["ack"] == ack)
        });
        let row = found.await;
        self.stage.get(&format!("/api/v1/documents/{}", row["document_id"].as_str().expect("an id"))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_answered_in_the_call_and_goes_on() {
    let scene = Scene::begin(&[Answer::Says(response(200, "OK"))], &[], "").await;
    let said = scene.post(&order()).await;
    assert_eq!(said.code, 200, "{}", said.text);
    let id = said.location.rsplit('/').next().expect("an id").to_owned();
    assert!(said.words.contains(&id), "{}", said.words);
    scene.stage.reaches(&id, "split").await;
    scene.stage.deliveries("delivered", 1).await;
    let posts = scene.shop.posts();
    assert_eq!(posts[0].headers["content-type"], "text/xml; charset=UTF-8");
    let sent = String::from_utf8(posts[0].body.clone()).expect("text");
    assert!(
        sent.contains("orderID=\"4711\"") && sent.contains("<SharedSecret>s3cret-of-shop</SharedSecret>"),
        "{sent}"
    );
    assert!(sent.contains(&format!("payloadID=\"{SENT}\"")), "{sent}");
    // The same once more: the same answer, and nothing twice.
    let again = scene.post(&order()).await;
    assert_eq!((again.text, again.location), (said.text, said.location));
    // The same payloadID with other content is told, kept, and goes nowhere.
    let other = scene.post(&order().replace("Desk lamp", "Floor lamp")).await;
    assert!(other.code == 409 && other.words.contains("payloadID came before"), "{}", other.text);
    let rejected = scene.transmissions("rejected").await;
    assert_eq!(rejected[0]["code"], "PAYLOAD-ID-REUSED", "{rejected:?}");
    assert_eq!(scene.transmissions("split").await.len(), 1);
    assert_eq!(scene.shop.posts().len(), 1);
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_wrong_credentials_are_refused_and_noted() {
    let scene = Scene::begin(&[], &[], "").await;
    let order = order();
    let (begin, end) = (order.find("<Sender>").expect("a sender"), order.find("</Sender>").expect("its end"));
    let from_another = {
        let rest =
            order[begin..].replace("DUNS\">\n        <Identity>123456789", "DUNS\">\n        <Identity>555555555");
        format!("{}{rest}", &order[..begin])
    };
    let without = |what: &str| {
        let start = order.find(&format!("<{what}>")).expect("a begin");
        let stop = order.find(&format!("</{what}>")).expect("an end") + what.len() + 3;
        format!("{}{}", &order[..start], &order[stop..])
    };
    let no_sender = format!("{}<Sender>{}", &order[..begin], &order[end..]);
    for (body, words) in [
        (order.replace(SECRET, "guessed-wrong"), "not the one that was agreed on"),
        (without("SharedSecret"), "a SharedSecret in Sender, found DUNS:123456789"),
        (no_sender, "found none"),
        (without("From"), "From: expected a Credential of a partner"),
        (order.replacen("123456789", "000000001", 1), "found DUNS:000000001"),
        (order.replacen("123456789", "555555555", 1), "found DUNS:555555555"),
        (order.replacen("\"DUNS\"", "\"OTHER\"", 1), "found OTHER:123456789"),
        (from_another, "Sender: expected who may send for From"),
        (order.replace("987654321", "987654320"), "To: expected DUNS:987654321, found DUNS:987654320"),
    ] {
        let said = scene.post(&body).await;
        assert!(said.code == 401 && said.words.contains(words), "{words}: {}", said.text);
    }
    let rejected = scene.transmissions("rejected").await;
    assert_eq!(rejected.len(), 9);
    for row in &rejected {
        assert_eq!((row["code"].as_str(), row["size"].as_i64()), (Some("CREDENTIALS-REFUSED"), Some(0)), "{row}");
        assert!(row["partner"].is_null());
    }
    // What was tried as a secret stands nowhere.
    let told = format!("{rejected:?}{}", scene.stage.log());
    assert!(!told.contains("guessed-wrong") && !told.contains(SECRET));
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_brings_what_is_from_a_partner() {
    let scene = Scene::begin(&[], &[], "").await;
    // By another of its ids, whose domain is written another way.
    let from = order().replacen("domain=\"DUNS\"", "domain=\"NetworkId\"", 1).replacen("123456789", "AN-NORTH", 1);
    let direct = scene.post_as("network-cxml", "text/xml", from.as_str()).await;
    assert!(direct.code == 401 && direct.words.contains("Sender"), "{}", direct.text);
    let (head, sender) = from.split_at(from.find("<Sender>").expect("a sender"));
    let sender = sender.replacen("domain=\"DUNS\"", "domain=\"NetworkID\"", 1).replacen("123456789", "AN-HUB", 1);
    let said = scene.post_as("network-cxml", "text/xml", format!("{head}{sender}")).await;
    assert_eq!(said.code, 200, "{}", said.text);
    let id = said.location.rsplit('/').next().expect("an id").to_owned();
    let row = scene.stage.reaches(&id, "split").await;
    assert_eq!(row["transmission"]["partner"], "north");
    let refused = scene.transmissions("rejected").await;
    assert!(refused.len() == 1 && refused[0]["code"] == "CREDENTIALS-REFUSED", "{refused:?}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_be_asked_for_besides() {
    let scene = Scene::begin(&[], &[], "").await;
    let url = format!("{}/in/both-cxml", scene.stage.partner);
    let without = scene.stage.client.post(&url).body(order()).send().await.expect("an answer");
    assert_eq!(without.status().as_u16(), 401);
    let token = scene.stage.new_token("both-cxml");
    let with = |body: String| scene.stage.client.post(&url).bearer_auth(&token).body(body).send();
    for (body, code) in [(order(), 200), (order().replace(SECRET, "other"), 401)] {
        let text = with(body).await.expect("an answer").text().await.expect("a body");
        assert_eq!(portolan::codec::cxml::status(&text).map(|said| said.code), Some(code), "{text}");
    }
    // What came without a token left nothing; the other two are in the ledger.
    let all = scene.stage.list("/api/v1/transmissions?direction=in").await;
    assert!(all.len() == 2 && all.iter().all(|row| row["channel"] == "both-cxml"), "{all:?}");
    assert_eq!(scene.transmissions("rejected").await[0]["code"], "CREDENTIALS-REFUSED");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_before_it_is_on_disk_and_nothing_happens_twice() {
    let mut scene = Scene::begin(&[], &[], "").await;
    for (point, is_kept) in [("receive.before_commit", false), ("receive.after_commit", true)] {
        scene.stage.kill();
        scene.stage.start_again(&[("PORTOLAN_FAIL_POINT", point)]);
        let body = order().replace("order-4711@example", point);
        let url = format!("{}/in/north-cxml", scene.stage.partner);
        let cut = scene.stage.client.post(url).body(body.clone()).send().await;
        assert!(cut.is_err(), "{point}: it died before the answer");
        scene.stage.kill();
        scene.stage.start_again(&[]);
        let before = scene.stage.list("/api/v1/transmissions?direction=in").await.len();
        let said = scene.post(&body).await;
        assert_eq!(said.code, 200, "{point}: {}", said.text);
        let after = scene.stage.list("/api/v1/transmissions?direction=in").await.len();
        assert_eq!(after == before, is_kept, "{point}: what was on disk is answered, not taken again");
    }
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_does_not_hold_the_secret() {
    let scene = Scene::begin(&[], &[], "").await;
    let stars = |text: &str| text.replace(SECRET, &"*".repeat(SECRET.len()));
    let said = scene.post(&order()).await;
    assert_eq!(scene.kept(&said).await, stars(&order()).into_bytes());
    // On the way that it came, beside a comment and in From.
    let credential = format!(
        "<Credential domain=\"NetworkID\"><Identity>AN-HUB</Identity><SharedSecret>{SECRET}</SharedSecret></Credential>"
    );
    let order = order().replace("order-4711@example", "many@n");
    let many = order
        .replacen("<Header>", &format!("<!-- {credential} --><Header>"), 1)
        .replacen("</From>", &format!("{credential}</From>"), 1)
        .replacen("</Header>", &format!("<Path><Node type=\"copy\">{credential}</Node></Path></Header>"), 1);
    let said = scene.post(&many).await;
    assert_eq!(scene.kept(&said).await, stars(&many).into_bytes(), "{}", said.text);
    // In the second part of a body, and in markup that is broken.
    let parts = format!(
        "--b0\r\nContent-Type: text/xml\r\n\r\n{}\r\n--b0\r\nContent-Type: text/xml\r\n\r\n<cXML>{credential}\r\n--b0--\r\n",
        order.replace("many@n", "parts@n")
    );
    let said = scene.post_as("north-cxml", "multipart/related; boundary=b0", parts.as_str()).await;
    assert_eq!(scene.kept(&said).await, stars(&parts).into_bytes(), "{}", said.text);
    let broken = format!("{order}{credential}<SharedSecret>{SECRET}");
    assert_eq!(scene.post(&broken).await.code, 406);
    let row = scene.transmissions("rejected").await.remove(0);
    assert_eq!(scene.stage.content(row["transmission_id"].as_str().expect("an id")).await, stars(&broken).into_bytes());
    assert!(!scene.stage.log().contains(SECRET));
}

/// Names hold characters that are read in a set and never written in it, so that no text leads back to the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_starred_in_every_character_set() {
    let scene = Scene::begin(&[], &[], "").await;
    for (charset, name) in [
        ("EUC-JP", &b"\x8F\xB0\xA1\x8F\xB0\xA2\xC5\xC5"[..]),
        ("GBK", b"\x81\x30\x81\x36\x81\x40"),
        ("Big5", b"\x88\x62\x88\x62\x87\x40\xA5\x5C"),
        ("Shift_JIS", b"\x83\x5C\x95\x5C\xED\x40"),
        ("windows-1252", b"wei\xDF"),
    ] {
        let text = order()
            .replacen("UTF-8", charset, 1)
            .replace("order-4711@example", charset)
            .replacen("<Header>", "<Header><!-- NAME -->", 1)
            .replace("Desk lamp", "NAME")
            .replacen("</SharedSecret>", "<!-- NAME --></SharedSecret>", 1);
        let in_bytes = |text: &str| {
            let pieces: Vec<&[u8]> = text.split("NAME").map(str::as_bytes).collect();
            pieces.join(name)
        };
        let secret = format!("{SECRET}<!-- NAME -->");
        let hidden = "*".repeat(in_bytes(&secret).len());
        let said = scene.post_as("north-cxml", "text/xml", in_bytes(&text)).await;
        assert_eq!(said.code, 200, "{charset}: {}", said.text);
        assert_eq!(scene.kept(&said).await, in_bytes(&text.replacen(&secret, &hidden, 1)), "{charset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_strangers_fill_no_ledger() {
    let scene = Scene::begin(&[], &[], "").await;
    let stranger = order().replace(SECRET, "guessed").replacen("123456789", "000000001", 1);
    let kept = usize::try_from(STRANGERS_KEPT_MAX).expect("few");
    for _ in 0..kept + 9 {
        assert_eq!(scene.post(&stranger).await.code, 401);
    }
    assert_eq!(scene.post("<Order/>").await.code, 406);
    // The hour may have turned meanwhile.
    let refused = scene.stage.get("/api/v1/status").await["refused"].as_array().expect("counts").clone();
    let rows = scene.transmissions("rejected").await.len();
    let counted: i64 = refused.iter().map(|row| row["refused"].as_i64().expect("a number")).sum();
    assert_eq!(counted, STRANGERS_KEPT_MAX + 10, "{refused:?}");
    assert!(rows == kept && refused.len() == 1 || refused.len() > 1, "{rows} rows: {refused:?}");
    assert!(scene.stage.done(&["status"], "").contains("posts to north-cxml in the hour from"));
    // A partner's own failure is seen all the same.
    assert_eq!(scene.post(&order().replace(SECRET, "mistyped")).await.code, 401);
    assert_eq!(scene.transmissions("rejected").await.len(), rows + 1);
    let refused = scene.stage.get("/api/v1/status").await["refused"].clone();
    assert!(refused.as_array().expect("counts").iter().any(|row| row["claims"] == "north" && row["refused"] == 1));
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_cannot_be_taken_is_told_by_its_status() {
    let scene = Scene::begin(&[], &[], "").await;
    let order_text = order();
    let head = &order_text[..order_text.find("<Request").expect("a begin")];
    let answering = format!("{head}<Response><Status code=\"200\" text=\"OK\"/></Response>\n</cXML>");
    for (body, code, words) in [
        ("ISA*00*".to_owned(), 406, "expected a cXML document"),
        ("<Order/>".to_owned(), 406, "expected cXML as the root"),
        (order().replace("</OrderRequest>", ""), 406, "well-formed"),
        (order().replace("orderID=\"4711\"", ""), 406, "orderID"),
        (order().replace("payloadID=\"order-4711@example\"", "payloadID=\"\""), 400, "payloadID"),
        (request("q1@n", "<SupplierListRequest/>"), 450, "OrderRequest, ProfileRequest, PunchOutSetupRequest"),
        (request("q2@n", "<Unheard><Of/></Unheard>"), 450, "found Unheard"),
        (
            order().replace("\"production\"", "\"test\""),
            450,
            "expected one of ProfileRequest, PunchOutSetupRequest, StatusUpdateRequest, as agreed for test, found OrderRequest",
        ),
        (answering, 450, "found a Response, which is sent in the call that it answers only"),
        (request("q3@n", "<StatusUpdateRequest/>"), 406, "StatusUpdateRequest"),
    ] {
        let said = scene.post(&body).await;
        assert!(said.code == code && said.words.contains(words), "{code} {words}: {}", said.text);
    }
    let rejected = scene.transmissions("rejected").await;
    assert_eq!(rejected.len(), 10);
    let kept = rejected.iter().filter(|row| row["partner"] == "north" && row["size"].as_i64() > Some(0));
    assert_eq!(kept.count(), 8, "{rejected:?}");
    // Too large is told by HTTP, before it is read to its end.
    let url = format!("{}/in/north-cxml", scene.stage.partner);
    let large = scene.stage.client.post(url).body(vec![b' '; 100_001]).send().await.expect("an answer");
    assert_eq!(large.status().as_u16(), 413);
    assert!(scene.shop.posts().is_empty());
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_a_failure_of_ours_is_told_as_temporary() {
    let scene = Scene::begin(&[], &[], "").await;
    scene.stage.done(&["secret", "remove", "north-cxml"], "");
    let said = scene.post(&order()).await;
    assert!(said.code == 560 && said.words.contains("send it again"), "{}", said.text);
    assert!(scene.transmissions("rejected").await.is_empty());
    scene.stage.done(&["secret", "set", "north-cxml"], SECRET);
    let said = scene.post(&order()).await;
    assert_eq!(said.code, 200, "{}", said.text);
    scene.stage.reaches(said.location.rsplit('/').next().expect("an id"), "split").await;
    assert_eq!(
        scene.stage.list("/api/v1/transmissions?direction=in").await.len(),
        1,
        "of the failure nothing was kept"
    );
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_lists_what_is_taken() {
    let scene = Scene::begin(&[], &[], "").await;
    let said = scene.post(&request("p1@n", "<ProfileRequest/>")).await;
    assert_eq!(said.code, 200, "{}", said.text);
    for name in ["OrderRequest", "ProfileRequest", "PunchOutSetupRequest", "StatusUpdateRequest"] {
        assert!(said.text.contains(&format!("<Transaction requestName=\"{name}\">")), "{name}: {}", said.text);
    }
    assert!(said.text.contains(&format!("<URL>{}/in/north-cxml</URL>", scene.stage.partner)), "{}", said.text);
    // It is a document of the standard.
    let output = scene.stage.cli(&["validate", &scene.stage.file("profile.xml", &said.text)], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(scene.transmissions("split").await.is_empty() && scene.transmissions("rejected").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_punchout_is_answered_by_the_live_shop() {
    let page = "<!DOCTYPE cXML SYSTEM 'cXML.dtd'><cXML payloadID='l' timestamp='2026-11-02T09:30:00Z'><Response><Status code='200' text='OK'/>\
                <PunchOutSetupResponse><StartPage><URL>https://shop.example/s/1</URL></StartPage></PunchOutSetupResponse>\
                </Response></cXML>";
    let live = [Answer::Says(page.into()), Answer::Says("<html/>".into()), Answer::Status(500), Answer::Status(404)];
    let scene = Scene::begin(&[], &live, "").await;
    let setup = |id: &str| {
        let what = "<PunchOutSetupRequest operation=\"create\"><BuyerCookie>c1</BuyerCookie>\
                    <BrowserFormPost><URL>https://buyer.example/back</URL></BrowserFormPost></PunchOutSetupRequest>";
        request(id, what)
    };
    let said = scene.post(&setup("s1@n")).await;
    assert_eq!(said.text, page);
    let asked = &scene.live.posts()[0];
    assert_eq!(String::from_utf8_lossy(&asked.body), setup("s1@n"), "as it came, for the shop checks it too");
    assert_eq!(scene.transmissions("split").await[0]["code"], "PUNCHOUT-ANSWERED");
    for (id, code) in [("s2@n", 551), ("s3@n", 550), ("s4@n", 551)] {
        let said = scene.post(&setup(id)).await;
        assert!(said.code == code && !said.words.contains("127.0.0.1"), "{id}: {}", said.text);
    }
    let failed = scene.transmissions("rejected").await;
    assert!(failed.len() == 3 && failed.iter().all(|row| row["code"] == "PUNCHOUT-FAILED"), "{failed:?}");
    // A shop in a network that nobody named is not reached.
    let from_shop = setup("s5@s").replace("123456789", "777777777").replace(SECRET, "s3cret-of-shop");
    let said = scene.post_as("shop-cxml", "text/xml", from_shop).await;
    assert_eq!(said.code, 551, "{}", said.text);
    assert_eq!(scene.live.posts().len(), 4);
    let row = scene.transmissions("rejected").await.into_iter().find(|row| row["partner"] == "shop").expect("a row");
    assert!(row["reason"].to_string().contains("allow_networks"), "{row}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_live_shop_answers_keeps_its_character_set() {
    let page = |declaration: &str| {
        format!(
            "{declaration}<cXML payloadID='l' timestamp='2026-11-02T09:30:00Z'><Response><Status code='200' text='大丈夫'/></Response></cXML>"
        )
    };
    let (japanese, unicode) = (encoding_rs::EUC_JP, "<?xml version='1.0' encoding='UTF-8'?>");
    let written = [
        japanese.encode(&page("<?xml version='1.0' encoding='EUC-JP'?>")).0.into_owned(),
        japanese.encode(&page(unicode)).0.into_owned(),
        page(unicode).into_bytes(),
    ];
    let kinds = ["application/xml", "text/xml; charset=euc-jp", "text/html"];
    let live: Vec<_> = kinds.iter().zip(&written).map(|(kind, body)| Answer::Sends(kind, body.clone())).collect();
    let scene = Scene::begin(&[], &live, "").await;
    let expected = ["application/xml; charset=EUC-JP", "text/xml; charset=EUC-JP", "text/xml; charset=UTF-8"];
    for (number, (body, kind)) in written.iter().zip(expected).enumerate() {
        let setup = request(
            &format!("s{number}@n"),
            "<PunchOutSetupRequest operation=\"create\"><BuyerCookie>c1</BuyerCookie></PunchOutSetupRequest>",
        );
        let url = format!("{}/in/north-cxml", scene.stage.partner);
        let answer = scene
            .stage
            .client
            .post(url)
            .header("content-type", "text/xml")
            .body(setup)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.headers()["content-type"], kind);
        assert_eq!(answer.bytes().await.expect("a body"), body.as_slice(), "{kind}: byte for byte");
    }
    let answered = scene.transmissions("split").await;
    assert!(answered.len() == 3 && answered.iter().all(|row| row["code"] == "PUNCHOUT-ANSWERED"), "{answered:?}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_kept_with_the_document() {
    let scene = Scene::begin(&[], &[], "").await;
    let body = format!(
        "--b0\r\nContent-Type: application/pdf\r\nContent-ID: <plan@n>\r\n\r\n%PDF-1.4 not <cXML>\r\n--b0\r\n\
         Content-Type: text/xml; charset=UTF-8\r\nContent-ID: <root@n>\r\n\r\n{}\r\n--b0--\r\n",
        order()
    );
    let kind = "multipart/related; boundary=b0; type=\"text/xml\"; start=\"<root@n>\"";
    let said = scene.post_as("north-cxml", kind, body.as_str()).await;
    assert_eq!(said.code, 200, "{}", said.text);
    let id = said.location.rsplit('/').next().expect("an id").to_owned();
    let kept = scene.stage.reaches(&id, "split").await;
    assert_eq!(kept["transmission"]["size"].as_u64(), Some(body.len() as u64), "the whole body, with its attachment");
    scene.stage.deliveries("delivered", 1).await;
    let documents = scene.stage.list("/api/v1/documents?direction=in").await;
    assert_eq!(documents[0]["business_number"], "4711");
    let packed = body.replace("Content-Type: text/xml", "Content-Transfer-Encoding: base64\r\nContent-Type: text/xml");
    let refused = scene.post_as("north-cxml", kind, packed).await;
    assert!(refused.code == 406 && refused.words.contains("base64"), "{}", refused.text);
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_response_to_what_we_send_is_its_acknowledgment() {
    let scene = Scene::begin(&[Answer::Says(response(200, "OK"))], &[], "").await;
    scene.post(&order()).await;
    let sent = scene.sent("accepted").await;
    assert_eq!(sent["document"]["ack_application"], "accepted", "{sent:#}");
    assert!(sent["acks"].as_array().expect("acks").iter().any(|one| one["kind"] == "cxml" && one["code"] == "200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_the_receiver_refuses_is_not_sent_again() {
    let scene = Scene::begin(&[Answer::Says(response(475, "Signature Required"))], &[], "").await;
    scene.post(&order()).await;
    let parked = scene.stage.deliveries("parked", 1).await;
    assert_eq!(parked[0]["code"], "CXML-475", "{parked:?}");
    assert!(parked[0]["reason"].to_string().contains("Signature Required"));
    let sent = scene.sent("rejected").await;
    assert_eq!(sent["document"]["ack_application"], "rejected", "{sent:#}");
    assert_eq!(scene.shop.posts().len(), 1);
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_receiver_cannot_take_now_is_sent_again() {
    let script = [Answer::Says(response(560, "Temporary server error")), Answer::Says(response(201, "Accepted"))];
    let scene = Scene::begin(&script, &[], "[delivery]\nretry_seconds = [1, 1]\n").await;
    scene.post(&order()).await;
    scene.sent("accepted").await;
    let posts = scene.shop.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!((posts[0].key(), &posts[0].body), (posts[1].key(), &posts[1].body));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_an_answer_that_is_no_response_is_told() {
    let scene = Scene::begin(&[Answer::Says("<html>Thank you</html>".into())], &[], "").await;
    scene.post(&order()).await;
    let delivered = scene.stage.deliveries("delivered", 1).await;
    assert_eq!(delivered[0]["code"], "RESPONSE-MISSING", "{delivered:?}");
    assert!(delivered[0]["reason"].to_string().contains("Thank you"));
    let sent = scene.sent("accepted").await;
    assert_eq!(sent["document"]["ack_application"], "none", "only that it arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_update_changes_the_acknowledgment() {
    let scene = Scene::begin(&[Answer::Says(response(200, "OK"))], &[], "").await;
    scene.post(&order()).await;
    scene.sent("accepted").await;
    let says = |payload_id: &str, code: u16| {
        format!(
            "<StatusUpdateRequest><DocumentReference payloadID=\"{payload_id}\"/>\
             <Status code=\"{code}\" text=\"x\">no such item</Status></StatusUpdateRequest>"
        )
    };
    let update = |id: &str, payload_id: &str, code: u16| {
        let own = request(id, &says(payload_id, code));
        own.replace("123456789", "777777777").replace(SECRET, "s3cret-of-shop")
    };
    let said = scene.post_as("shop-cxml", "text/xml", update("u1@s", SENT, 400)).await;
    assert_eq!(said.code, 200, "{}", said.text);
    let sent = scene.sent("rejected").await;
    assert!(sent["acks"].to_string().contains("no such item"), "{sent:#}");
    // It may change its mind.
    scene.post_as("shop-cxml", "text/xml", update("u2@s", SENT, 200)).await;
    scene.sent("accepted").await;
    // What fits nothing is listed; and nobody speaks for another's documents.
    scene.post_as("shop-cxml", "text/xml", update("u3@s", "999", 200)).await;
    let first = || async { (scene.stage.list("/api/v1/acks/unmatched").await.len() == 1).then_some(()) };
    scene.stage.until("one that fits nothing", first).await;
    scene.post(&request("u4@n", &says(SENT, 400))).await;
    let unmatched = scene.stage.until("two that fit nothing", || async {
        let rows = scene.stage.list("/api/v1/acks/unmatched").await;
        (rows.len() == 2).then_some(rows)
    });
    let unmatched = unmatched.await;
    let partners: Vec<_> = unmatched.iter().map(|row| row["partner"].as_str().unwrap_or_default()).collect();
    assert_eq!(partners, ["north", "shop"], "newest first: {unmatched:?}");
    scene.sent("accepted").await;
    // What is no Status of the standard, or said for a test, changes nothing either.
    let unfit = scene.post_as("shop-cxml", "text/xml", update("u5@s", SENT, 100)).await;
    assert!(
        unfit.code == 406 && unfit.words.contains("200 to 599 in StatusUpdateRequest, found \"100\""),
        "{}",
        unfit.text
    );
    let test = update("u6@s", SENT, 400).replacen("\"production\"", "\"test\"", 1);
    assert_eq!(scene.post_as("shop-cxml", "text/xml", test).await.code, 200);
    scene
        .stage
        .until("a third that fits nothing", || async {
            let rows = scene.stage.list("/api/v1/acks/unmatched").await;
            (rows.len() == 3).then_some(())
        })
        .await;
    scene.sent("accepted").await;
    scene.stage.balanced().await;
}

/// North asks over a channel whose Response waits for what Light and Lamp, who speaks EDIFACT, answers in its own call.
fn asking(supplier: u16) -> String {
    format!(
        "\
kind: channel
name: north-live
transport: http
way: in
partners: [north]
cxml: {{ secret: {{ secret: north-cxml }} }}
answer: {{ wait_seconds: \"3\" }}
---
kind: channel
name: lamps-ask
transport: http
way: out
partners: [lamps]
url: http://127.0.0.1:{supplier}/edi
allow_networks: [127.0.0.0/8]
answer: {{}}
---
kind: agreement
name: lamps-live
way: out
partner: lamps
document: edifact/d96a/ORDERS
channel: lamps-ask
envelope: {{ sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }}
---
{{kind: route, name: north-to-shop, from: north-orders, to: lamps-live}}
---
{{kind: agreement, name: lamps-responses, way: in, partner: lamps, document: edifact/d96a/ORDRSP}}
---
kind: mapping
name: north-confirmation
base: cxml/1.2/ConfirmationRequest
rules:
  order.contract: Request/ConfirmationRequest/OrderReference/DocumentReference@payloadID
---
kind: agreement
name: north-responses
way: out
partner: north
document: cxml/1.2/ConfirmationRequest
channel: north-live
mapping: north-confirmation
envelope: {{ sender: \"DUNS:987654321\", receiver: \"DUNS:123456789\" }}
---
{{kind: route, name: responses-to-north, from: lamps-responses, to: north-responses}}
"
    )
}

/// What Light and Lamp answers to an order.
fn confirmed(order: &[u8]) -> Vec<u8> {
    let control = super::edi::control_of(order);
    format!(
        "UNB+UNOC:3+4012345000030:14+PORTOLAN:ZZZ+261125:1015+{control}'UNH+1+ORDRSP:D:96A:UN'BGM+231+A-4711+29'\
         DTM+137:20261125:102'RFF+ON:4711'RFF+CT:order-4711@example'LIN+1+5+0012345678905:EN'QTY+21:12:EA'QTY+113:12:EA'\
         UNS+S'UNT+10+1'UNZ+1+{control}'"
    )
    .into_bytes()
}

fn numbered(payload_id: &str) -> String {
    order().replace("payloadID=\"order-4711@example\"", &format!("payloadID=\"{payload_id}\""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_gets_what_the_other_side_answers_in_its_response() {
    let scene = Scene::begin(&[], &[], "").await;
    let lamps = Peer::start(&[Answer::Makes(confirmed)]).await;
    scene.stage.apply(&asking(lamps.port));
    let ask = |payload_id: &str| scene.post_as("north-live", "text/xml", numbered(payload_id));
    let said = scene.post_as("north-live", "text/xml", numbered("1@north")).await;
    assert_eq!(said.code, 200, "{}", said.text);
    assert!(said.words.contains("1@north"), "{}", said.words);
    let (status, confirmation) = (said.text.find("</Status>"), said.text.find("<ConfirmationRequest>"));
    assert!(status.is_some() && status < confirmation, "behind the Status: {}", said.text);
    for wanted in [
        "confirmID=\"A-4711\"",
        "orderID=\"4711\"",
        "<DocumentReference payloadID=\"order-4711@example\"",
        "</Response>",
    ] {
        assert!(said.text.contains(wanted), "{wanted} in {}", said.text);
    }
    assert!(!said.text.contains("<Header>") && !said.text.contains("<Request"), "{}", said.text);
    // The same again gets the same, byte for byte, and nothing happens twice.
    let again = ask("1@north").await;
    assert_eq!((again.text, again.location), (said.text, said.location));
    assert_eq!(lamps.orders().len(), 1);
    let other = scene.post_as("north-live", "text/xml", numbered("1@north").replace("Desk lamp", "Floor lamp")).await;
    assert_eq!(other.code, 409, "{}", other.text);
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_what_came_of_a_request_otherwise_is_a_status() {
    let scene = Scene::begin(&[], &[], "").await;
    let late = String::from_utf8(confirmed(b"UNB+UNOC:3+A:14+B:14+261125:1015+900'")).expect("text");
    let script = [
        Answer::Status(404),
        Answer::Says("no interchange at all".into()),
        Answer::Says(String::new()),
        Answer::Late(std::time::Duration::from_secs(5), late),
    ];
    let lamps = Peer::start(&script).await;
    scene.stage.apply(&asking(lamps.port));
    let ask = async |payload_id: &str| scene.post_as("north-live", "text/xml", numbered(payload_id)).await;
    for (payload_id, code, words) in [
        ("1@north", 551, "1@north: "),
        ("2@north", 500, "2@north: "),
        ("3@north", 201, "3@north is taken, and nothing comes back"),
        ("4@north", 550, "no answer to 4@north in time; send it again with the same payloadID"),
    ] {
        let said = ask(payload_id).await;
        assert!(
            said.code == code && said.words.contains(words),
            "{payload_id}: expected {code} {words}: {}",
            said.text
        );
        assert!(!said.text.contains("no interchange at all"), "what the other side says is for us: {}", said.text);
    }
    // What came too late is there for who asks again.
    let found = || async { Some(ask("4@north").await).filter(|said| said.code == 200) };
    let said = scene.stage.until("the late answer", found).await;
    assert!(said.text.contains("<ConfirmationRequest>"), "{}", said.text);
    assert_eq!(ask("1@north").await.code, 551, "the same again");
    assert_eq!(lamps.orders().len(), 4);
    // What is none of its requests is told before anybody is asked.
    let faulty = numbered("5@north").replace("orderID=\"4711\"", "orderID=\"\"").replace("<OrderRequestHeader", "<Odd");
    assert_eq!(scene.post_as("north-live", "text/xml", faulty).await.code, 406);
    let answer = "document: cxml/1.2/ConfirmationRequest";
    let wrong =
        asking(lamps.port).replace(answer, "document: x12/004010/855").replace("mapping: north-confirmation\n", "");
    let refused = scene.stage.refused(&wrong);
    assert!(refused.contains("document: expected one of cxml, for north-live answers with a Response"), "{refused}");
    scene.stage.balanced().await;
}
