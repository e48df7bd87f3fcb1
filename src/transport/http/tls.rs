//! TLS of a listener: TLS 1.2 and 1.3 with one certificate or several, of which the client's name for us chooses. They are
//! changed while it runs: connections that are open go on, new ones get the new. Where clients are asked for certificates,
//! any will do here, if they have its key; whose it must be is the channel's affair.

use super::reach::Identity;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, or is not what it should be.
    #[error("{path}: expected {expected}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What it must hold.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key do not belong together, or are too weak.
    #[error("{name}: {reason}")]
    Pair {
        /// Whence they come.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// A certificate that a listener may show.
#[derive(Debug)]
pub struct Offered {
    /// Whence it comes, for people.
    pub name: String,
    /// The names that it is for; `*.example.com` is for one label more.
    pub dns_names: Vec<String>,
    /// It and its key.
    pub identity: Identity,
}

impl Offered {
    /// Whether it and its key belong together, and can be shown.
    ///
    /// # Errors
    /// [`TlsError::Pair`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.pair(&rustls::crypto::aws_lc_rs::default_provider()).map(drop)
    }

    fn pair(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let wrong = |reason: String| TlsError::Pair { name: self.name.clone(), reason };
        let chain = self.identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivateKeyDer::try_from(self.identity.key.clone()).map_err(|error| wrong(error.to_owned()))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| wrong(error.to_string()))
    }
}

/// Reads certificate and key.
///
/// # Errors
/// [`TlsError::File`].
pub fn read(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let file = |path: &Path, expected, reason: String| TlsError::File { path: path.to_owned(), expected, reason };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(certificate, "certificates in PEM", error.to_string()))?;
    if chain.is_empty() {
        return Err(file(certificate, "certificates in PEM", "none is in it".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, "a private key in PEM", error.to_string()))?;
    Ok(Identity { chain: chain.iter().map(|one| one.to_vec()).collect(), key: private.secret_der().to_vec() })
}

/// What a listener shows at present; nothing until it is told.
#[derive(Default)]
pub struct Listening(RwLock<Option<Arc<ServerConfig>>>);

impl Listening {
    /// For a connection that begins now; `None`: there is no certificate to show.
    #[must_use]
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().map(TlsAcceptor::from)
    }

    /// Shows these from now on, the first to clients who name none of them; `asks`: clients are asked for theirs.
    ///
    /// # Errors
    /// [`TlsError::Pair`]; what is shown stays as it was.
    pub fn show(&self, offered: &[Arc<Offered>], asks: bool) -> Result<(), TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut all = Vec::new();
        for one in offered {
            let names = one.dns_names.iter().map(|name| name.to_ascii_lowercase()).collect();
            all.push((names, Arc::new(one.pair(&provider)?)));
        }
        let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let wrong = |error: rustls::Error| TlsError::Pair { name: "TLS".to_owned(), reason: error.to_string() };
        let config = config.map_err(wrong)?;
        let config = match asks {
            true => config.with_client_cert_verifier(Arc::new(AnyCertificate(provider))),
            false => config.with_no_client_auth(),
        };
        let mut config = config.with_cert_resolver(Arc::new(ByName(all)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(config));
        Ok(())
    }
}

/// Chooses by the name that a client has for us (RFC 6066 3).
#[derive(Debug)]
struct ByName(Vec<(Vec<String>, Arc<CertifiedKey>)>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wanted = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        let fits = |(names, _): &&(Vec<String>, Arc<CertifiedKey>)| names.iter().any(|name| is_for(name, &wanted));
        self.0.iter().find(fits).or(self.0.first()).map(|(_, pair)| pair.clone())
    }
}

/// Whether a name of a certificate is for a host (RFC 6125 6.4.3).
fn is_for(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && rest == domain),
        None => name == host,
    }
}

/// Takes any certificate whose key the client has, and none.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_label() {
        assert!(is_for("edi.example.com", "edi.example.com") && is_for("*.example.com", "edi.example.com"));
        for host in ["example.com", "a.edi.example.com", ".example.com", "edi.example.org"] {
            assert!(!is_for("*.example.com", host), "{host}");
        }
    }
}
