//! What an agreement's envelope profile says beyond parties, separators and numbers: references, passwords, and the name
//! of the file.

use super::state::Service;
use crate::clock::Timestamp;
use crate::partner::{Agreement, EnvelopeProfile, SecretOrText};
use crate::tree::Style;

/// Puts the agreed references into the style.
///
/// # Errors
/// The name of a secret that is not set.
pub async fn agree(service: &Service, profile: &EnvelopeProfile, style: &mut Style) -> Result<(), String> {
    let agreed = &mut style.agreed;
    agreed.authorization = halves(&profile.authorization);
    agreed.security = halves(&value(service, profile.security.as_ref()).await?);
    agreed.internal = [profile.sender_internal.clone(), profile.receiver_internal.clone()];
    agreed.password = [value(service, profile.password.as_ref()).await?, profile.password_qualifier.clone()];
    agreed.application_reference.clone_from(&profile.application_reference);
    agreed.priority.clone_from(&profile.priority);
    agreed.agreement_id.clone_from(&profile.agreement_id);
    Ok(())
}

async fn value(service: &Service, given: Option<&SecretOrText>) -> Result<String, String> {
    match given {
        None => Ok(String::new()),
        Some(SecretOrText::Text(text)) => Ok(text.clone()),
        Some(SecretOrText::Secret(secret)) => {
            let bytes = service.store.secret(&secret.secret).await.map_err(|_| secret.secret.clone())?;
            Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
        }
    }
}

/// `01:PASSWORD` as qualifier and value; without a colon it is the value, with qualifier 01 (a password).
fn halves(text: &str) -> [String; 2] {
    match text.split_once(':') {
        Some((qualifier, value)) => [qualifier.to_owned(), value.to_owned()],
        None if text.is_empty() => Default::default(),
        None => ["01".to_owned(), text.to_owned()],
    }
}

/// The name of the file by the agreement's template; only plain characters get into it.
#[must_use]
pub fn file_name(
    name: &str,
    agreement: &Agreement,
    number: &str,
    business: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    let at = now.to_zoned(jiff::tz::TimeZone::UTC);
    let mut parts = agreement.document.split('/').skip(1);
    let (version, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (date, time) = (at.strftime("%Y%m%d").to_string(), at.strftime("%H%M%S").to_string());
    let values = [
        ("partner", agreement.partner.as_str()),
        ("agreement", name),
        ("type", kind),
        ("version", version),
        ("number", number),
        ("business", business.unwrap_or_default()),
        ("date", &date),
        ("time", &time),
    ];
    let mut text = agreement.envelope.file_name.clone()?;
    for (placeholder, value) in values {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let value: String = value.chars().map(plain).collect();
        text = text.replace(&format!("{{{placeholder}}}"), &value);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_made_of_plain_characters() {
        let text = "{kind: agreement, name: a, way: out, partner: lamps, document: edifact/d96a/ORDERS, \
                    envelope: {file_name: '{partner}-{type}-{number}-{business}-{date}T{time}.edi'}}";
        let resources = crate::partner::parse("f", text).expect("resources");
        let agreement: Agreement = serde_json::from_value(resources[0].body.clone()).expect("an agreement");
        let now: Timestamp = "2026-01-31T13:45:00Z".parse().expect("a time");
        let name = file_name("a", &agreement, "0042", Some("../47 11"), now);
        assert_eq!(name.as_deref(), Some("lamps-ORDERS-0042-.._47_11-20260131T134500.edi"));
    }

    #[test]
    fn a_qualifier_stands_before_the_colon() {
        assert_eq!(halves("03:KEY"), ["03", "KEY"]);
        assert_eq!((halves("KEY"), halves("")), (["01".into(), "KEY".into()], Default::default()));
    }
}
