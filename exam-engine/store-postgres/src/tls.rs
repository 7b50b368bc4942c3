//! Encrypted connections: what the address says about them, in the words of PostgreSQL's own clients, and what is
//! asked of the server's certificate.
//!
//! | `sslmode` | the connection | the certificate |
//! |---|---|---|
//! | absent, `disable`, `prefer` | as it is | |
//! | `require` | encrypted | whoever's it is; with `sslrootcert`: as `verify-ca` |
//! | `verify-ca` | encrypted | from an authority of `sslrootcert` (absent, `system`: the machine's) |
//! | `verify-full` | encrypted | the same, and for the host that is connected to |

use crate::OpenError;
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, crypto,
};

/// What an address asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    check: Check,
    roots: Option<String>,
}

/// What is asked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// There is none: the connection is not encrypted.
    Plain,
    /// Nothing: it keeps out who listens, and not who stands in between.
    Any,
    /// Who gave it.
    Authority,
    /// Who gave it, and to whom.
    Host,
}

impl Wanted {
    /// Takes what is about encryption out of an address, and returns the rest of it.
    pub(crate) fn read(url: &str) -> Result<(String, Self), OpenError> {
        let (address, query) = url.split_once('?').map_or((url, ""), |(address, query)| (address, query));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => roots = Some(decoded(value)?),
                Some(("sslnegotiation" | "channel_binding", _)) => rest.push(part),
                Some((name, _)) if name.starts_with("ssl") => return Err(address_error(NOT_SPOKEN)),
                _ => rest.push(part),
            }
        }
        let check = match (mode.as_deref(), &roots) {
            (None | Some("disable" | "prefer" | "allow"), _) => Check::Plain,
            (Some("require"), None) => Check::Any,
            (Some("require" | "verify-ca"), _) => Check::Authority,
            (Some("verify-full"), _) => Check::Host,
            _ => return Err(address_error("sslmode is one of disable, require, verify-ca, verify-full")),
        };
        let question = if rest.is_empty() { "" } else { "?" };
        Ok((format!("{address}{question}{}", rest.join("&")), Self { check, roots }))
    }

    /// The mode for the library, which knows these two.
    pub(crate) fn mode(&self) -> SslMode {
        if self.check == Check::Plain { SslMode::Disable } else { SslMode::Require }
    }

    /// What makes the connections.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect, OpenError> {
        let provider = Arc::new(crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.check {
            Check::Plain | Check::Any => {
                if self.check == Check::Any {
                    tracing::warn!(
                        "sslmode=require encrypts and does not ask whose certificate it is; verify-full does"
                    );
                }
                Arc::new(Lenient { strict: None, provider: Arc::clone(&provider) })
            }
            Check::Authority | Check::Host => {
                let built = WebPkiServerVerifier::builder_with_provider(self.roots()?.into(), Arc::clone(&provider));
                let strict = built.build().map_err(|_| address_error(NO_ROOTS))?;
                match self.check {
                    Check::Host => strict,
                    _ => Arc::new(Lenient { strict: Some(strict), provider: Arc::clone(&provider) }),
                }
            }
        };
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| OpenError::Unfit("this build speaks no version of TLS"))?;
        Ok(MakeRustlsConnect::new(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
    }

    fn roots(&self) -> Result<RootCertStore, OpenError> {
        let mut store = RootCertStore::empty();
        match self.roots.as_deref() {
            None | Some("system") => {
                // One that does not read is none to trust.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(path) => {
                let read = |path: &Path| CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
                let found = read(Path::new(path)).map_err(|error| OpenError::Certificates(error.to_string()))?;
                for certificate in found {
                    store.add(certificate).map_err(|error| OpenError::Certificates(error.to_string()))?;
                }
            }
        }
        if store.is_empty() { Err(address_error(NO_ROOTS)) } else { Ok(store) }
    }
}

const NOT_SPOKEN: &str =
    "of the ssl… parameters, sslmode and sslrootcert are known: certificates of clients are not spoken";
const NO_ROOTS: &str = "there is no certificate to check the server's by: give sslrootcert=/path/to/authority.pem";

fn address_error(reason: &'static str) -> OpenError {
    OpenError::Address { reason }
}

fn decoded(text: &str) -> Result<String, OpenError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| address_error("sslrootcert is no text"))
}

/// Asks less of a certificate than whose it is: who gave it, or nothing. That whoever is there holds its key is asked
/// in any case.
#[derive(Debug)]
struct Lenient {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(strict) = &self.strict else { return Ok(ServerCertVerified::assertion()) };
        match strict.verify_server_cert(certificate, between, host, stapled, now) {
            // The name is looked at last: all else holds.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_about_encryption_is_taken_out_of_the_address() {
        let read = |query: &str| Wanted::read(&format!("postgres://keju@h/x{query}")).unwrap();
        let wanted = |check, roots: Option<&str>| Wanted { check, roots: roots.map(str::to_owned) };
        assert_eq!(read(""), ("postgres://keju@h/x".to_owned(), wanted(Check::Plain, None)));
        assert_eq!(read("?sslmode=disable&host=%2Frun").0, "postgres://keju@h/x?host=%2Frun");
        assert_eq!(read("?sslmode=require").1, wanted(Check::Any, None));
        let with_roots = "?sslrootcert=%2Fetc%2Fca.pem&sslmode=";
        assert_eq!(read(&format!("{with_roots}require")).1, wanted(Check::Authority, Some("/etc/ca.pem")));
        assert_eq!(read(&format!("{with_roots}verify-full")).1, wanted(Check::Host, Some("/etc/ca.pem")));
        for wrong in ["?sslmode=strict", "?sslcert=mine.pem", "?sslmode="] {
            assert!(
                matches!(Wanted::read(&format!("postgres://h/x{wrong}")), Err(OpenError::Address { .. })),
                "{wrong}"
            );
        }
        let missing = wanted(Check::Host, Some("/nowhere.pem")).connector();
        assert!(matches!(missing, Err(OpenError::Certificates(_))));
    }
}
