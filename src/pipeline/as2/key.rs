//! Private keys as they are sealed in the ledger: which of them belongs to a certificate, and a certificate with its key as a
//! file under a password, which is the only way that a key leaves.

use crate::pipeline::state::Service;
use crate::store::{Actor, Result, StoreError};
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::keystore::{belongs, pkcs7, pkcs12, private_key};

/// Secrets that are looked at for a key.
const SECRETS_LOOKED_AT_MAX: usize = 10_000;
/// What stands in a secret that is a private key.
const MARK: &[u8] = b"PRIVATE KEY-----";

/// The name of the secret that is the private key of a certificate; none where none is.
///
/// # Errors
/// The ledger failed.
pub async fn key_of(service: &Service, certificate: &Certificate) -> Result<Option<String>> {
    for (name, _) in service.store.secret_names().await?.into_iter().take(SECRETS_LOOKED_AT_MAX) {
        let value = match service.store.secret(&name).await {
            Ok(value) => value,
            // It went meanwhile.
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        if value.windows(MARK.len()).any(|part| part == MARK)
            && private_key(&value).is_ok_and(|key| belongs(&key, certificate))
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// As what a certificate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileForm {
    /// PEM.
    Pem,
    /// DER.
    Der,
    /// PKCS#7.
    P7b,
    /// PKCS#12, under a password.
    P12,
}

/// A certificate of the resources as a file; with its private key where that is asked for, which is noted.
///
/// # Errors
/// There is no such certificate, it has no key, or a form or password does not fit.
pub async fn export(
    service: &Service,
    name: &str,
    (form, password, with_key): (FileForm, &str, bool),
    actor: &Actor,
) -> Result<Vec<u8>> {
    let none = || StoreError::NotFound { what: "certificate", id: name.to_owned() };
    let certificate = service.certificate(name).ok_or_else(none)?;
    if with_key && form != FileForm::P12 {
        return Err(StoreError::Conflict("a private key leaves in p12 only, under a password".to_owned()));
    }
    match form {
        FileForm::Pem => Ok(certificate.pem().into_bytes()),
        FileForm::Der => Ok(certificate.der().to_vec()),
        FileForm::P7b => Ok(pkcs7(&[&certificate])),
        FileForm::P12 if password.is_empty() => {
            Err(StoreError::Conflict("expected a password for a p12, found none".to_owned()))
        }
        FileForm::P12 => {
            let key = if with_key { Some(own_key(service, name).await?) } else { None };
            if with_key {
                service.store.note_key_export(name, actor, service.now()).await?;
            }
            let content = (&*certificate, key.as_ref());
            let made = tokio::task::block_in_place(|| pkcs12(name, content, &[], password, service.store.random()));
            made.map_err(|_| StoreError::Unfit("the p12 cannot be made".to_owned()))
        }
    }
}

async fn own_key(service: &Service, name: &str) -> Result<crate::transport::as2::crypto::PrivateKey> {
    let directory = service.directory();
    let secret = directory.certificate(name).and_then(|one| one.key.as_ref());
    let none = || StoreError::Conflict(format!("certificate {name} is a partner's: it has no private key here"));
    let secret = &secret.ok_or_else(none)?.secret;
    let value = service.store.secret(secret).await?;
    private_key(&value).map_err(|error| StoreError::Unfit(format!("secret {secret}: {error}")))
}
