//! The head of a cXML document: its id, the credentials of From, To and Sender, and what is asked for. Whether these
//! credentials are right is for others to say.

use crate::codec::xml::{Outline, outline};

/// Who somebody says to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credential {
    /// `DUNS`, `NetworkID` …
    pub domain: String,
    /// The id there.
    pub identity: String,
    /// What proves it; not for logs.
    pub secret: Option<String>,
}

/// What stands before the business of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Whether the root is `cXML` at all.
    pub is_cxml: bool,
    /// `payloadID`.
    pub payload_id: String,
    /// Who speaks.
    pub from: Vec<Credential>,
    /// To whom.
    pub to: Vec<Credential>,
    /// Who brings it, such as a network, and proves to be allowed.
    pub sender: Vec<Credential>,
    /// `Request`, `Message` or `Response`.
    pub holder: String,
    /// `OrderRequest` …; empty when nothing is asked.
    pub request: String,
    /// It holds more than is looked at, so that not all of this is known.
    pub is_cut: bool,
}

/// Credentials of one party that are looked at, at most; the first ones.
const CREDENTIALS_MAX: usize = 20;
const PARTIES: [&str; 3] = ["From", "To", "Sender"];
const HOLDERS: [&str; 3] = ["Request", "Message", "Response"];

/// Reads the head of a document.
#[must_use]
pub fn header(text: &str) -> Header {
    let found = outline(text, is_wanted);
    let credentials = |party: &str| {
        let path = format!("Header/{party}/Credential");
        let all = found.elements.iter().enumerate().filter(|(_, one)| one.path == path);
        all.take(CREDENTIALS_MAX).map(|(number, one)| credential(&found, number, one.attribute("domain"))).collect()
    };
    let holder = found.elements.iter().enumerate().find(|(_, one)| HOLDERS.contains(&one.path.as_str()));
    let inner = holder.and_then(|(number, _)| found.elements.iter().find(|one| one.parent == Some(number)));
    Header {
        is_cxml: found.root == ["", "cXML"],
        payload_id: found.at("").map_or("", |root| root.attribute("payloadID")).to_owned(),
        from: credentials("From"),
        to: credentials("To"),
        sender: credentials("Sender"),
        holder: holder.map_or(String::new(), |(_, one)| one.path.clone()),
        request: inner.and_then(|one| one.path.rsplit('/').next()).unwrap_or_default().to_owned(),
        is_cut: found.is_cut,
    }
}

fn credential(found: &Outline, number: usize, domain: &str) -> Credential {
    Credential {
        domain: domain.trim().to_owned(),
        identity: found.text(number, "Identity").to_owned(),
        secret: found.within(number, "SharedSecret").next().map(|(_, one)| one.text.clone()),
    }
}

/// The root, credentials with what is asked of them, and what is asked for. Only what stands in such elements is asked about.
fn is_wanted(path: &str) -> bool {
    let Some((first, rest)) = path.split_once('/') else {
        return matches!(path, "" | "Header") || HOLDERS.contains(&path);
    };
    let (second, rest) = rest.split_once('/').unwrap_or((rest, ""));
    match (first, rest) {
        ("Header", "" | "Credential" | "Credential/Identity" | "Credential/SharedSecret") => PARTIES.contains(&second),
        (holder, "") => HOLDERS.contains(&holder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<cXML payloadID='1@a'><Header>\
        <From><Credential domain='DUNS'><Identity>1</Identity></Credential>\
        <Credential domain='NetworkID'><Identity>AN1</Identity></Credential></From>\
        <To><Credential domain='DUNS'><Identity>2</Identity></Credential></To>\
        <Sender><Credential domain='NetworkID'><Identity>AN9</Identity><SharedSecret>a&amp;b</SharedSecret></Credential>\
        <UserAgent>x</UserAgent></Sender></Header>\
        <Request deploymentMode='test'><OrderRequest><SharedSecret>no</SharedSecret></OrderRequest></Request></cXML>";

    #[test]
    fn credentials_and_what_is_asked_for_are_read() {
        let found = header(TEXT);
        assert!(found.is_cxml);
        assert_eq!((found.payload_id.as_str(), found.holder.as_str()), ("1@a", "Request"));
        assert_eq!(found.request, "OrderRequest");
        let domains: Vec<_> = found.from.iter().map(|one| one.domain.as_str()).collect();
        assert_eq!(domains, ["DUNS", "NetworkID"]);
        assert_eq!(found.sender[0].secret.as_deref(), Some("a&b"));
        assert!(!found.is_cut);
    }

    #[test]
    fn err_a_head_that_is_too_large_is_told() {
        let many = "<Credential domain='DUNS'><Identity>1</Identity></Credential>".repeat(6_000);
        let found = header(&TEXT.replacen("<From>", &format!("<From>{many}"), 1));
        assert!(found.is_cut && found.request.is_empty());
        // What stands in the request does not count.
        let large = TEXT.replace("<OrderRequest>", &format!("<OrderRequest>{}", "<ItemOut/>".repeat(20_000)));
        assert!(!header(&large).is_cut);
    }

    #[test]
    fn what_has_no_head_says_nothing() {
        assert!(!header("<Order xmlns='urn:x'/>").is_cxml);
        let cut = header(&TEXT[..TEXT.find("</Sender>").expect("a sender")]);
        assert_eq!((cut.from.len(), cut.sender.len(), cut.request.as_str()), (2, 1, ""));
        assert_eq!(
            header("<cXML payloadID='1'><Response><Status code='200' text='OK'/></Response></cXML>").request,
            "Status"
        );
    }
}
