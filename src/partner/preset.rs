//! Settings of AS2 for counterparts whose product is known, packed from `as2/presets`: what a channel says with `preset` counts
//! wherever it says nothing itself. Each setting has its reason; what is not known of a product is left out.

use super::resource::{Resource, ResourceError};
use crate::near::hint;
use crate::yaml;
use include_dir::{Dir, include_dir};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::OnceLock;

static PACKED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/as2/presets");
/// The ways of a channel, as presets name them.
const WAYS: [&str; 2] = ["out", "in"];

/// One setting.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Setting {
    /// Of channels of this way: `in` or `out`.
    pub way: String,
    /// The key of `as2`.
    pub key: String,
    /// What it is.
    pub value: Value,
    /// Why.
    pub why: String,
}

/// The settings of one product.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Preset {
    /// As channels name it.
    pub name: String,
    /// Which product, of which versions.
    pub product: String,
    /// Them.
    pub settings: Vec<Setting>,
    /// What else is good to know.
    pub notes: Vec<String>,
    /// From where it is known.
    pub sources: Vec<String>,
}

/// All, by name.
#[must_use]
pub fn presets() -> &'static [Preset] {
    static ALL: OnceLock<Vec<Preset>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Preset> = PACKED
            .files()
            .filter_map(|file| {
                let name = file.path().file_stem()?.to_str()?.to_owned();
                let said = yaml::document(file.contents_utf8()?).ok()?.to_json();
                Some(read(name, &said))
            })
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    })
}

fn read(name: String, said: &Value) -> Preset {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |key: &str| said[key].as_array().into_iter().flatten().map(text).collect();
    let mut settings = Vec::new();
    for way in WAYS {
        for (key, one) in said[way].as_object().into_iter().flatten() {
            let (value, why) = (one["value"].clone(), text(&one["why"]));
            settings.push(Setting { way: way.to_owned(), key: key.clone(), value, why });
        }
    }
    Preset { name, product: text(&said["product"]), settings, notes: texts("notes"), sources: texts("sources") }
}

/// A channel with the settings of its preset where it has none itself.
///
/// # Errors
/// There is no such preset.
pub(super) fn applied(channel: &Resource) -> Result<Cow<'_, Resource>, ResourceError> {
    let Some(name) = channel.body["as2"]["preset"].as_str() else { return Ok(Cow::Borrowed(channel)) };
    let Some(preset) = presets().iter().find(|one| one.name == name) else {
        let names: Vec<&str> = presets().iter().map(|one| one.name.as_str()).collect();
        let message = format!("expected one of {}, found {name}{}", names.join(", "), hint(name, &names));
        return Err(channel.error_at("as2.preset", &message));
    };
    let mut full = channel.clone();
    let way = channel.body["way"].as_str().unwrap_or_default();
    if let Some(as2) = full.body["as2"].as_object_mut() {
        for setting in preset.settings.iter().filter(|setting| setting.way == way) {
            as2.entry(&setting.key).or_insert_with(|| setting.value.clone());
        }
    }
    Ok(Cow::Owned(full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::{Directory, Way, parse};

    fn channel(way: &str, more: &str) -> String {
        let url = if way == "out" { "url: https://as2.lamps.example/as2\n" } else { "" };
        format!(
            "kind: partner\nname: lamps\nparty_ids: [ZZ:LAMPS]\n---\nkind: certificate\nname: c\npem: x\nkey: {{ secret: s }}\n\
             ---\nkind: channel\nname: one\ntransport: as2\nway: {way}\npartners: [lamps]\n{url}\
             as2: {{ from: A, to: B, certificates: [c], keys: [c]{more} }}\n"
        )
    }

    fn directory(yaml: &str) -> Result<Directory, Vec<ResourceError>> {
        Directory::new(&parse("f", yaml).expect("YAML"))
    }

    #[test]
    fn every_preset_says_why_and_makes_a_channel() {
        assert_eq!(presets().len(), PACKED.files().count(), "each is read");
        for preset in presets() {
            assert!(!preset.product.is_empty() && !preset.sources.is_empty(), "{}", preset.name);
            // A comma in text that is not quoted would end it.
            let file = PACKED.get_file(format!("{}.yaml", preset.name)).and_then(|file| file.contents_utf8());
            let said = yaml::document(file.expect("text")).expect("YAML").to_json();
            for (key, one) in WAYS.iter().flat_map(|way| said[way].as_object().expect("settings")) {
                let keys: Vec<&String> = one.as_object().expect("value and why").keys().collect();
                assert_eq!(keys, ["value", "why"], "{}: {key}", preset.name);
            }
            for setting in &preset.settings {
                assert!(!setting.why.is_empty(), "{}: {}", preset.name, setting.key);
            }
            for way in WAYS {
                assert!(preset.settings.iter().any(|setting| setting.way == way), "{} {way}", preset.name);
                let yaml = channel(way, &format!(", preset: {}", preset.name));
                let channels = parse("f", &yaml).expect("YAML");
                let one = applied(&channels[2]).expect("it is there");
                assert_eq!(one.check_shape(), [], "{} {way}", preset.name);
                directory(&yaml).unwrap_or_else(|errors| panic!("{} {way}: {errors:?}", preset.name));
            }
        }
    }

    #[test]
    fn what_a_channel_says_itself_goes_before_its_preset() {
        let found = directory(&channel("out", ", preset: biztalk, sign: sha-512")).expect("it fits");
        let as2 = found.as2_out("one").expect("a channel");
        assert_eq!((as2.sign.as_str(), as2.encrypt.as_str()), ("sha-512", "aes128-cbc"));
        let bare = directory(&channel("out", "")).expect("it fits");
        assert_eq!(bare.as2_out("one").expect("a channel").encrypt, "aes256-cbc");
        let found = directory(&channel("in", ", preset: biztalk, require: [signed]")).expect("it fits");
        let one = found.channel("one").expect("a channel");
        assert_eq!((one.way, one.as2.as_ref().map(|as2| as2.require.len())), (Way::In, Some(1)));
    }

    #[test]
    fn err_a_preset_that_is_not_there() {
        let errors = directory(&channel("out", ", preset: openas")).expect_err("refused");
        let text = errors[0].to_string();
        assert!(text.contains("as2.preset: expected one of aws-transfer, ") && text.contains("openas2"), "{text}");
    }
}
