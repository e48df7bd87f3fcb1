//! Signatures of OAuth 1.0 (RFC 5849) with shared secrets: HMAC-SHA1 as the RFC has it, HMAC-SHA256 as receivers extended it.
//! Bodies of forms, whose fields would be signed too (3.4.1.3.1), are not sent here.

use super::Request;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

/// What a consumer and its token are called, and their secrets.
pub struct OAuth1 {
    /// `oauth_consumer_key`.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: String,
    /// `oauth_token`; empty: there is none.
    pub token: String,
    /// Its secret; empty where there is no token.
    pub token_secret: String,
    /// Said in the header line, never signed; empty: there is none.
    pub realm: String,
    /// With SHA-256 in place of SHA-1.
    pub is_sha256: bool,
}

impl OAuth1 {
    /// The value of `Authorization` (3.5.1).
    #[must_use]
    pub fn authorization(&self, request: &Request<'_>) -> String {
        let mut own = vec![
            ("oauth_consumer_key", self.consumer_key.clone()),
            ("oauth_nonce", request.nonce.to_owned()),
            ("oauth_signature_method", if self.is_sha256 { "HMAC-SHA256" } else { "HMAC-SHA1" }.to_owned()),
            ("oauth_timestamp", request.now.as_second().to_string()),
            ("oauth_version", "1.0".to_owned()),
        ];
        if !self.token.is_empty() {
            own.push(("oauth_token", self.token.clone()));
        }
        let signature = self.signature(&base_string(request.method, request.url, &own));
        own.push(("oauth_signature", signature));
        let realm = (!self.realm.is_empty()).then(|| format!("realm=\"{}\"", self.realm.replace(['"', '\\'], "")));
        let pairs = own.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value)));
        format!("OAuth {}", realm.into_iter().chain(pairs).collect::<Vec<_>>().join(", "))
    }

    /// 3.4.2: the key is both secrets.
    fn signature(&self, base: &str) -> String {
        let algorithm = if self.is_sha256 { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY };
        let key = format!("{}&{}", encoded(&self.consumer_secret), encoded(&self.token_secret));
        STANDARD.encode(hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), base.as_bytes()))
    }
}

/// The signature base string (3.4.1): method, address, and all parameters in order.
fn base_string(method: &str, url: &Url, own: &[(&str, String)]) -> String {
    let query = url.query_pairs().map(|(name, value)| (encoded(&name), encoded(&value)));
    let mut all: Vec<(String, String)> =
        own.iter().map(|(name, value)| (encoded(name), encoded(value))).chain(query).collect();
    all.sort();
    let all: Vec<String> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    // Url writes scheme and host in lower case and leaves a default port out, as 3.4.1.2 wants it.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let address = format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
    format!("{}&{}&{}", method.to_ascii_uppercase(), encoded(&address), encoded(&all.join("&")))
}

/// 3.6: everything but letters, digits, `-`, `.`, `_` and `~` as %XX in capitals.
pub(super) fn encoded(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => found.push(char::from(byte)),
            other => found.push_str(&format!("%{other:02X}")),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::Body;
    use super::*;
    use crate::clock::Timestamp;

    /// RFC 5849 1.2: the last request of its walk, to the photos.
    #[test]
    fn the_request_of_the_rfc_has_its_signature() {
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original").expect("a URL");
        let one = OAuth1 {
            consumer_key: "dpf43f3p2l4k3l03".into(),
            consumer_secret: "kd94hf93k423kf44".into(),
            token: "nnch734d00sl2jdk".into(),
            token_secret: "pfkkdhi9sl3r4s00".into(),
            realm: "Photos".into(),
            is_sha256: false,
        };
        let own = [
            ("oauth_consumer_key", one.consumer_key.clone()),
            ("oauth_token", one.token.clone()),
            ("oauth_signature_method", "HMAC-SHA1".to_owned()),
            ("oauth_timestamp", "137131202".to_owned()),
            ("oauth_nonce", "chapoH".to_owned()),
        ];
        assert_eq!(one.signature(&base_string("GET", &url, &own)), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    /// RFC 5849 3.4.1.1, without the fields of its form.
    #[test]
    fn parameters_are_encoded_and_sorted() {
        let url = Url::parse("http://EXAMPLE.com:80/r%20v/X?b5=%3D%253D&a3=a&c%40=&a2=r%20b").expect("a URL");
        let base = base_string("post", &url, &[("oauth_nonce", "7d8f3e4a".to_owned())]);
        assert_eq!(
            base,
            "POST&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26oauth_nonce%3D7d8f3e4a"
        );
    }

    #[test]
    fn the_header_line_has_all_parameters_and_a_signature_by_sha_256() {
        let url = Url::parse("https://edi.example.com/in?x=1").expect("a URL");
        let request = Request {
            method: "POST",
            url: &url,
            headers: &[],
            body: &Body::Held(b"UNB".to_vec()),
            now: Timestamp::from_second(1_790_000_000).expect("a time"),
            nonce: "n-1",
        };
        let one = OAuth1 {
            consumer_key: "ck".into(),
            consumer_secret: "cs".into(),
            token: String::new(),
            token_secret: String::new(),
            realm: "12_SB1".into(),
            is_sha256: true,
        };
        let said = one.authorization(&request);
        let begin = "OAuth realm=\"12_SB1\", oauth_consumer_key=\"ck\", oauth_nonce=\"n-1\", \
                     oauth_signature_method=\"HMAC-SHA256\", oauth_timestamp=\"1790000000\", oauth_version=\"1.0\", \
                     oauth_signature=\"";
        assert!(said.starts_with(begin) && !said.contains("oauth_token"), "{said}");
    }
}
