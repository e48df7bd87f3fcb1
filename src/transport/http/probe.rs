//! The first steps of a connection, one by one, so that it can be told which of them fails: the addresses of a name, TCP, TLS.
//! Nothing is sent over what it opens, and no address is tried that a post would not reach.

use super::address::may_reach;
use super::reach::{RESOLVE_WAIT, Reach, not_public};
use reqwest::Url;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take, over all addresses.
pub const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a handshake of TLS may take.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Why a name leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// It has no address, or nobody could be asked: in words.
    Unknown(String),
    /// It has only addresses that may not be reached: in words.
    NotAllowed(String),
}

/// The addresses of a URL's host that may be reached, with its port.
///
/// # Errors
/// There is none.
pub async fn resolve(url: &Url, reach: &Reach) -> Result<Vec<SocketAddr>, Unresolved> {
    let none = || Unresolved::Unknown("no host stands in the address".to_owned());
    let host = url.host_str().ok_or_else(none)?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or_else(none)?;
    let all: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![(address, port).into()],
        Err(_) => match timeout(RESOLVE_WAIT, tokio::net::lookup_host((host, port))).await {
            Err(_) => return Err(Unresolved::Unknown(format!("no answer within {} s", RESOLVE_WAIT.as_secs()))),
            Ok(Err(error)) => return Err(Unresolved::Unknown(error.to_string())),
            Ok(Ok(found)) => found.collect(),
        },
    };
    let mut open: Vec<_> = all.iter().copied().filter(|one| may_reach(one.ip(), &reach.allowed)).collect();
    open.truncate(ADDRESSES_MAX);
    match all.first() {
        _ if !open.is_empty() => Ok(open),
        Some(first) => Err(Unresolved::NotAllowed(not_public(host, Some(first.ip()), reach.owner))),
        None => Err(Unresolved::Unknown("the name has no address".to_owned())),
    }
}

/// A connection to the first address that takes one.
///
/// # Errors
/// None did in time; what the last said.
pub async fn connect(addresses: &[SocketAddr]) -> io::Result<(SocketAddr, TcpStream)> {
    let any = async {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok((*address, stream)),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", CONNECT_WAIT.as_secs()));
    timeout(CONNECT_WAIT, any).await.unwrap_or_else(|_| Err(late()))
}

/// What a handshake showed.
#[derive(Debug)]
pub struct Handshake {
    /// The version of TLS: `TLS 1.3`.
    pub version: String,
    /// The server's certificate, in DER.
    pub certificate: Vec<u8>,
    /// Whether the authorities of this machine vouch for it, for this name and now; else why not.
    pub trust: Result<(), String>,
}

/// Shakes hands, whether or not the certificate is trusted, and closes.
///
/// # Errors
/// The other side does not speak TLS as we do, or not in time.
pub async fn handshake(stream: TcpStream, host: &str, reach: &Reach) -> Result<Handshake, String> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| error.to_string())?;
    let verifier = reach.verifier().map_err(|error| error.to_string())?;
    let witness = Arc::new(Witness { verifier, seen: Mutex::default() });
    let mut config = reach.tls().map_err(|error| error.to_string())?;
    config.dangerous().set_certificate_verifier(witness.clone());
    let shaken = timeout(HANDSHAKE_WAIT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
    let shaken = shaken.map_err(|_| format!("no answer within {} s", HANDSHAKE_WAIT.as_secs()))?;
    let shaken = shaken.map_err(|error| error.to_string())?;
    let version = shaken.get_ref().1.protocol_version().and_then(|version| version.as_str());
    // rustls writes TLSv1_3.
    let version = version.map(|version| version.replace("TLSv", "TLS ").replace('_', "."));
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (certificate, trust) = seen.ok_or("the server showed no certificate")?;
    Ok(Handshake { version: version.unwrap_or_default(), certificate, trust })
}

/// A certificate, and whether it is trusted.
type Shown = (Vec<u8>, Result<(), String>);

/// Notes a certificate and the platform's verdict, and goes on: what is opened is only looked at.
#[derive(Debug)]
struct Witness {
    verifier: Verifier,
    seen: Mutex<Option<Shown>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.verifier.verify_server_cert(end_entity, intermediates, name, stapled, now);
        let trust = verdict.map(drop).map_err(|error| error.to_string());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((end_entity.to_vec(), trust));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
