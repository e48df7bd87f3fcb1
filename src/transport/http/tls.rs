//! TLS of a listener: certificate and key from PEM files, TLS 1.2 and 1.3. It asks no client for a certificate.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    #[error("{certificate} with {key}: {reason}")]
    Pair {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Reads certificate and key, and checks that they are a pair.
///
/// # Errors
/// [`TlsError`].
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let file = |path: &Path, expected, reason: String| TlsError::File { path: path.to_owned(), expected, reason };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(certificate, "certificates in PEM", error.to_string()))?;
    if chain.is_empty() {
        return Err(file(certificate, "certificates in PEM", "none is in it".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, "a private key in PEM", error.to_string()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private);
    let mut config = config.map_err(|error| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason: error.to_string(),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
