//! What the files are called that deliveries become, in mailboxes and in folders: a template with facts of the first document and
//! of its interchange.

use super::state::Service;
use crate::partner::{Channel, FILE_NAME};
use crate::store::delivery::Delivery;
use crate::store::document::DocumentFilter;
use crate::store::transmission::Transmission;
use crate::store::{Page, Result};
use jiff::tz::TimeZone;

/// Characters of a name, at most; a number or an id may stand behind it.
const NAME_CHARACTERS_MAX: usize = 180;

/// What a delivery's file is called.
///
/// # Errors
/// The ledger failed.
pub(super) async fn file_name(
    service: &Service,
    delivery: &Delivery,
    transmission: &Transmission,
    channel: &Channel,
) -> Result<String> {
    let store = &service.store;
    let interchanges = store.interchanges(&transmission.transmission_id).await?;
    let filter = DocumentFilter { transmission_id: Some(transmission.transmission_id.clone()), ..Default::default() };
    let documents = store.documents(&filter, &Page::default()).await?;
    let first = documents.iter().min_by_key(|one| one.number);
    let made = transmission.created_at.timestamp().to_zoned(TimeZone::UTC);
    let fact = |name: &str| -> String {
        match name {
            "document" => first.map(|one| one.kind.clone()).unwrap_or_default(),
            // One number does not speak for several documents.
            "number" if documents.len() == 1 => first.and_then(|one| one.business_number.clone()).unwrap_or_default(),
            "control_number" => interchanges.first().map(|one| one.control_number.clone()).unwrap_or_default(),
            "date" => made.strftime("%Y%m%d").to_string(),
            "time" => made.strftime("%H%M%S").to_string(),
            "partner" => delivery.partner.clone().unwrap_or_default(),
            "extension" => extension(&transmission.content_type).to_owned(),
            "id" => delivery.delivery_id.clone(),
            _ => String::new(),
        }
    };
    let name = filled(channel.file_name.as_deref().unwrap_or(FILE_NAME), fact);
    Ok(if name.is_empty() { delivery.delivery_id.clone() } else { name })
}

/// A name with its facts. What a fact lacks takes the mark before it away, and what file systems mistake is a minus.
fn filled(template: &str, fact: impl Fn(&str) -> String) -> String {
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        name.push_str(before);
        let (fact_name, after) = after.split_once('}').unwrap_or((after, ""));
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let value: String = fact(fact_name).chars().map(plain).collect();
        if value.is_empty() {
            let marks = before.len() - before.trim_end_matches(['_', '-', ' ']).len();
            name.truncate(name.len() - marks);
        }
        name.push_str(&value);
        rest = after;
    }
    name.push_str(rest);
    // A leading dot would hide it, and a name of dots is none.
    let name = name.trim_start_matches(['.', '_', '-', ' ']);
    match name.char_indices().nth(NAME_CHARACTERS_MAX) {
        Some((cut, _)) => name[..cut].to_owned(),
        None => name.to_owned(),
    }
}

fn extension(content_type: &str) -> &'static str {
    match content_type {
        one if one.contains("xml") => "xml",
        one if one.contains("json") => "json",
        one if one.contains("csv") => "csv",
        one if one.starts_with("text/") => "txt",
        _ => "edi",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_facts_and_are_names() {
        let fact = |name: &str| {
            match name {
                "document" => "850",
                "number" => "../47 11/é",
                "extension" => "edi",
                _ => "",
            }
            .to_owned()
        };
        assert_eq!(filled("{document}_{number}_{control_number}.{extension}", fact), "850_..-47-11--.edi");
        assert_eq!(filled("{control_number}_{document}.txt", fact), "850.txt");
        assert_eq!(filled("{control_number}", fact), "");
        assert_eq!(filled(".{document}", fact), "850");
        let long = filled("{x}", |_| "n".repeat(400));
        assert_eq!(long.len(), NAME_CHARACTERS_MAX);
    }
}
