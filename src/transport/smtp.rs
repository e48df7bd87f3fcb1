//! Mails out, by SMTP (RFC 5321): with STARTTLS (RFC 3207), implicit TLS (RFC 8314) or none, and a login where the server asks
//! for one. One connection a mail; what is said in it is lettre's, what its refusals mean is decided here.

use crate::clock::Timestamp;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::error::Error as _;
use std::time::Duration;

/// How long one command may take.
const COMMAND_WAIT: Duration = Duration::from_secs(30);
/// How long a mail may take, connection and all.
const MAIL_WAIT: Duration = Duration::from_secs(120);
/// Characters of a server's words that are kept.
const SAID_MAX: usize = 300;

/// How a connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// It begins in clear and changes before anything is said.
    Starttls,
    /// From the first byte on.
    Implicit,
    /// Not at all.
    None,
}

/// A server, and what we are there.
#[derive(Clone)]
pub struct Server {
    /// Its name, which its certificate has to have.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub privacy: Privacy,
    /// User and password.
    pub login: Option<(String, String)>,
    /// Certificates of authorities that count beside those of this machine, PEM.
    pub authorities: Option<Vec<u8>>,
}

/// A mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// What its Message-ID begins with; the same for every attempt.
    pub id: String,
    /// Whom it is from: `Name <address>` or an address.
    pub from: String,
    /// Whom it is for.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// When it was made.
    pub at: Timestamp,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untaken {
    /// What was seen.
    pub reason: String,
    /// Whether another attempt would end the same.
    pub is_lasting: bool,
}

impl Untaken {
    fn lasting(reason: String) -> Self {
        Self { reason, is_lasting: true }
    }
}

/// `Auto-Submitted` (RFC 3834): no program answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Whether a text says whom mails are from.
///
/// # Errors
/// A sentence with what was expected.
pub fn check_sender(from: &str) -> Result<(), String> {
    let unfit = || format!("expected an address such as Portolan <edi@example.com>, found {from}");
    from.parse::<Mailbox>().map(drop).map_err(|_| unfit())
}

/// A mail as the bytes of its message are made.
fn message(mail: &Mail) -> Result<(Message, String), Untaken> {
    let from: Mailbox =
        mail.from.parse().map_err(|_| Untaken::lasting(format!("[mail] from: {} is no address", mail.from)))?;
    let to: Mailbox = mail.to.parse().map_err(|_| Untaken::lasting(format!("{} is no address", mail.to)))?;
    let domain = from.email.domain().to_owned();
    let at = std::time::SystemTime::from(mail.at);
    let message = Message::builder()
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .date(at)
        .from(from)
        .to(to)
        .subject(mail.subject.clone())
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| Untaken::lasting(format!("the mail cannot be written: {error}")))?;
    Ok((message, domain))
}

fn transport(server: &Server, domain: String) -> Result<AsyncSmtpTransport<Tokio1Executor>, Untaken> {
    let tls = || {
        let mut builder = TlsParameters::builder(server.name.clone());
        if let Some(pem) = &server.authorities {
            for one in pem_certificates(pem) {
                let unfit = |error| Untaken::lasting(format!("[mail] authorities: {error}"));
                builder = builder.add_root_certificate(Certificate::from_pem(&one).map_err(unfit)?);
            }
        }
        builder.build_rustls().map_err(|error| Untaken::lasting(format!("TLS cannot begin: {error}")))
    };
    let tls = match server.privacy {
        Privacy::Starttls => Tls::Required(tls()?),
        Privacy::Implicit => Tls::Wrapper(tls()?),
        Privacy::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.name)
        .port(server.port)
        .tls(tls)
        .hello_name(ClientId::Domain(domain))
        .timeout(Some(COMMAND_WAIT));
    if let Some((user, password)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

/// The certificates of a file, one text each.
fn pem_certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    text.split_inclusive(END).filter(|one| one.contains(END)).map(|one| one.trim().as_bytes().to_vec()).collect()
}

/// Hands a mail to the server.
///
/// # Errors
/// It was not taken.
pub async fn send(server: &Server, mail: &Mail) -> Result<(), Untaken> {
    let (message, domain) = message(mail)?;
    let sent = tokio::time::timeout(MAIL_WAIT, transport(server, domain)?.send(message)).await;
    let (name, port) = (&server.name, server.port);
    match sent {
        Ok(Ok(_)) => Ok(()),
        Err(_) => {
            let seconds = MAIL_WAIT.as_secs();
            Err(Untaken { reason: format!("{name}:{port} took longer than {seconds} s"), is_lasting: false })
        }
        Ok(Err(error)) => {
            let mut said = error.to_string();
            let mut inner = error.source();
            while let Some(one) = inner {
                said.push_str(&format!(": {one}"));
                inner = one.source();
            }
            if let Some((_, password)) = &server.login {
                said = said.replace(password.as_str(), "***");
            }
            let said: String = said.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect();
            let status = error.status().map(u16::from);
            // A login that is refused is our own to mend: the mail waits for it.
            let is_login = matches!(status, Some(530 | 534 | 535 | 538));
            Err(Untaken { reason: format!("{name}:{port}: {said}"), is_lasting: error.is_permanent() && !is_login })
        }
    }
}

/// Whether a mail server is there: it greets, says what it can, and speaks TLS where that is wanted. Nobody logs in.
///
/// # Errors
/// It is not, or takes longer than `wait`: in words.
pub async fn greeted(server: &Server, from: &str, wait: Duration) -> Result<(), String> {
    let place = format!("{}:{}", server.name, server.port);
    let sender = from.parse::<Mailbox>().map_err(|_| format!("[mail] from: {from} is no address"))?;
    let transport = transport(server, sender.email.domain().to_owned()).map_err(|untaken| untaken.reason)?;
    match tokio::time::timeout(wait, transport.test_connection()).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(format!("{place} does not answer as a mail server")),
        Ok(Err(error)) => {
            let inner = error.source().map(|one| format!(": {one}")).unwrap_or_default();
            let said: String = format!("{error}{inner}").chars().filter(|c| !c.is_control()).take(SAID_MAX).collect();
            Err(format!("{place}: {said}"))
        }
        Err(_) => Err(format!("{place} takes connections, and did not greet within {} s", wait.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "ntc_1".into(),
            from: "Portolan <edi@example.com>".into(),
            to: "operator@example.com".into(),
            subject: "FEHLER: zurück".into(),
            text: "a\n".into(),
            html: "<p>a</p>".into(),
            at: Timestamp::from_second(1_790_000_000).expect("a time"),
        }
    }

    #[test]
    fn a_mail_is_the_same_for_every_attempt_but_for_boundaries() {
        let (message, domain) = message(&mail()).expect("a message");
        let bytes = String::from_utf8(message.formatted()).expect("text");
        assert_eq!(domain, "example.com");
        for expected in [
            "Message-ID: <ntc_1@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n",
            "From: Portolan <edi@example.com>\r\n",
            "multipart/alternative",
        ] {
            assert!(bytes.contains(expected), "{expected} in {bytes}");
        }
        assert!(bytes.is_ascii(), "{bytes}");
    }

    #[test]
    fn err_addresses_that_are_none_are_never_tried() {
        let wrong = Mail { to: "nobody".into(), ..mail() };
        assert!(message(&wrong).expect_err("no address").is_lasting);
        assert!(check_sender("Portolan <edi@example.com>").is_ok() && check_sender("edi@example.com").is_ok());
        assert!(check_sender("Portolan").is_err() && check_sender("a@b\r\nBcc: c@d").is_err());
    }

    #[test]
    fn each_certificate_of_a_file_is_one() {
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        assert_eq!(pem_certificates(format!("{one}{one}\n# end\n").as_bytes()).len(), 2);
    }
}
