//! Links of mails that acknowledge, snooze or retry without a login: signed, for one alarm and one act, until a time. That each
//! works once is the ledger's; that a look at it does nothing is the page's, since mail programs follow links by themselves.

use crate::clock::Timestamp;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::str::FromStr;
use std::time::Duration;

/// How long a link works.
pub const LINK_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Bytes of the key.
pub const KEY_BYTES: usize = 32;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Somebody takes the alarm up.
    Acknowledge,
    /// It is quiet for four hours.
    Snooze,
    /// What is parked goes again.
    Retry,
}

impl Act {
    /// All.
    pub const ALL: [Act; 3] = [Act::Acknowledge, Act::Snooze, Act::Retry];

    /// The word in the link.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Snooze => "snooze",
            Self::Retry => "retry",
        }
    }

    /// What the button says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Acknowledge => "I take it up",
            Self::Snooze => "Quiet for four hours",
            Self::Retry => "Send again what is parked",
        }
    }
}

/// A link that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The alarm.
    pub alarm: String,
    /// What it does.
    pub act: Act,
    /// Who got the mail.
    pub recipient: String,
    /// Until when it works.
    pub until: Timestamp,
    /// Its signature, by which it is used up.
    pub signature: String,
}

/// Why a link does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlinked {
    /// It was not made here, or was changed.
    #[error("this link was not made by this instance, or is not whole; copy all of it, or use the command line")]
    Forged,
    /// It is too old.
    #[error("this link is too old; links work for seven days. `portolan alarm` does the same")]
    Late,
}

fn signature(key: &[u8], said: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), said.as_bytes())
}

/// The path of a link: `/alarms/ID/ACT/RECIPIENT/SECONDS/SIGNATURE`.
#[must_use]
pub fn path(key: &[u8], alarm: &str, act: Act, recipient: &str, until: Timestamp) -> String {
    let said = format!("/alarms/{alarm}/{}/{recipient}/{}", act.as_str(), until.as_second());
    let signed = URL_SAFE_NO_PAD.encode(signature(key, &said));
    format!("{said}/{signed}")
}

/// Reads the path of a link.
///
/// # Errors
/// [`Unlinked`].
pub fn read(key: &[u8], path: &str, now: Timestamp) -> Result<Link, Unlinked> {
    let (said, signed) = path.rsplit_once('/').ok_or(Unlinked::Forged)?;
    let bytes = URL_SAFE_NO_PAD.decode(signed).map_err(|_| Unlinked::Forged)?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), said.as_bytes(), &bytes).map_err(|_| Unlinked::Forged)?;
    let parts: Vec<&str> = said.split('/').collect();
    let ["", "alarms", alarm, act, recipient, until] = parts[..] else { return Err(Unlinked::Forged) };
    let act = Act::ALL.into_iter().find(|one| one.as_str() == act).ok_or(Unlinked::Forged)?;
    let until = i64::from_str(until).ok().and_then(|until| Timestamp::from_second(until).ok());
    let until = until.ok_or(Unlinked::Forged)?;
    if now > until {
        return Err(Unlinked::Late);
    }
    let (alarm, recipient, signature) = (alarm.to_owned(), recipient.to_owned(), signed.to_owned());
    Ok(Link { alarm, act, recipient, until, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_what_was_signed_and_nothing_else() {
        let (key, now) = ([7; KEY_BYTES], Timestamp::from_second(1_790_000_000).expect("a time"));
        let whole = path(&key, "alm_1", Act::Snooze, "operators", now + LINK_LASTS);
        let link = read(&key, &whole, now).expect("a link");
        assert_eq!((&*link.alarm, link.act, &*link.recipient), ("alm_1", Act::Snooze, "operators"));
        assert_eq!(read(&key, &whole, now + LINK_LASTS * 2), Err(Unlinked::Late));
        for (from, to) in [("alm_1", "alm_2"), ("snooze", "retry"), ("operators", "others"), ("/17", "/27")] {
            assert_eq!(read(&key, &whole.replace(from, to), now), Err(Unlinked::Forged), "{from}");
        }
        assert_eq!(read(&[8; KEY_BYTES], &whole, now), Err(Unlinked::Forged));
        assert_eq!(read(&key, &whole[..whole.len() - 1], now), Err(Unlinked::Forged));
        assert_eq!(read(&key, "", now), Err(Unlinked::Forged));
    }
}
