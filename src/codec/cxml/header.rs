//! The head of a cXML document: its id, the credentials of From, To and Sender, and what is asked for. Whether these
//! credentials are right is for others to say.

use crate::codec::xml::{Outline, outline};
use std::ops::Range;

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
    /// Where the secrets stand in the text.
    pub secrets: Vec<Range<usize>>,
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
        secrets: found.elements.iter().filter(|one| is_secret(&one.path)).map(|one| one.content.clone()).collect(),
    }
}

fn credential(found: &Outline, number: usize, domain: &str) -> Credential {
    Credential {
        domain: domain.trim().to_owned(),
        identity: found.text(number, "Identity").to_owned(),
        secret: found.within(number, "SharedSecret").next().map(|(_, one)| one.text.clone()),
    }
}

fn is_secret(path: &str) -> bool {
    path.starts_with("Header/") && path.ends_with("/SharedSecret")
}

/// The root, credentials with what stands in them, and what is asked for.
fn is_wanted(path: &str) -> bool {
    let steps: Vec<&str> = path.split('/').collect();
    match steps[..] {
        [""] => true,
        [one] | [one, _] if HOLDERS.contains(&one) => true,
        ["Header", party, "Credential"] | ["Header", party, "Credential", _] => PARTIES.contains(&party),
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
        let secrets: Vec<_> = found.secrets.iter().map(|one| &TEXT[one.clone()]).collect();
        assert_eq!(secrets, ["a&amp;b"]);
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
