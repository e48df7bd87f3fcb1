//! Whether an address of the web names who logs in. Such a user, and the password behind it, would be shown wherever the address is:
//! both belong into secrets.

/// Whether an address has a user before its host, `https://user:password@host`, as browsers and clients of HTTP read it.
#[must_use]
pub fn has_user(url: &str) -> bool {
    // They skip line breaks and tabs, take \ for /, and do not count the slashes.
    let plain: String = url.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let Some((_, rest)) = plain.split_once(':') else { return false };
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_seen_however_it_is_written() {
        for url in [
            "https://user:hunter2secret@host.example/in",
            "https://user@host.example",
            "http://:secret@host.example:8080",
            "https://@host.example",
            "https:user:secret@host.example/",
            "https:\\\\user:secret@host.example\\in",
            "https:///user:secret@host.example",
            "ht\ntps://user:se\tcret@host.example",
            "HTTPS://a%40b:c@host.example?x",
        ] {
            assert!(has_user(url), "{url}");
        }
        for url in [
            "https://host.example/in?mail=a@b.example",
            "https://host.example/@team/hook",
            "https://host.example#a@b",
            "https://[2001:db8::1]:8443/in",
            "host.example",
            "",
        ] {
            assert!(!has_user(url), "{url}");
        }
    }
}
