//! Webhooks: how what the outbox holds travels to partners. One request a delivery over a connection of its own:
//! nothing is kept open, no redirect is followed, no answer is read beyond its status, and all of it has ten seconds.
//!
//! TLS by `tokio-rustls` over `ring` with the machine's own certificates: a whole HTTP client brings a pool, redirects,
//! proxies and a second TLS library to build, none of which is wanted here.

use crate::limits::{HEAD_BYTES_MAX, WEBHOOK_TIMEOUT};
use anyhow::{Context, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use exam_core::Timestamp;
use exam_service::{Courier, Delivery};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The header that names a delivery, the same at every try.
pub const DELIVERY_HEADER: &str = "keju-delivery";
/// The header that signs it: `t=<unix seconds>,v1=<hex>`.
pub const SIGNATURE_HEADER: &str = "keju-signature";

/// Carries deliveries over HTTP. The machine's certificates are read at the first one that goes by https.
pub struct Webhooks {
    /// Authorities of the configuration.
    own: RootCertStore,
    tls: OnceLock<TlsConnector>,
}

impl Webhooks {
    /// Ready to send. Trusts the authorities of a PEM file beside the machine's; an empty path names none.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn trusting(ca_file: &str) -> anyhow::Result<Self> {
        let mut own = RootCertStore::empty();
        if !ca_file.is_empty() {
            let place = || format!("webhooks.ca_file {ca_file:?}");
            for certificate in CertificateDer::pem_file_iter(ca_file).with_context(place)? {
                own.add(certificate.with_context(place)?).with_context(place)?;
            }
            ensure!(!own.is_empty(), "{} holds no certificate", place());
        }
        Ok(Self { own, tls: OnceLock::new() })
    }

    async fn post(&self, delivery: Delivery) -> Result<StatusCode, String> {
        let uri: Uri = delivery.url.parse().map_err(|_| "the address cannot be read".to_owned())?;
        let host = uri.host().ok_or("the address names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
        let request = request(&uri, delivery)?;
        if !secure {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let tls = self.tls.get_or_init(|| connector(self.own.clone()));
        exchange(tls.connect(name, stream).await.map_err(|error| error.to_string())?, request).await
    }
}

/// Trusts what the machine trusts, and these.
fn connector(mut roots: RootCertStore) -> TlsConnector {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of this machine could not be read");
    }
    // Whatever is no certificate is left out; with none at all every https delivery fails and says so.
    let _ = roots.add_parsable_certificates(found.certs);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[async_trait]
impl Courier for Webhooks {
    async fn deliver(&self, delivery: Delivery) -> Result<(), String> {
        match tokio::time::timeout(WEBHOOK_TIMEOUT, self.post(delivery)).await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) => Err(format!("the partner answered {}", status.as_u16())),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err("the partner did not answer in time".to_owned()),
        }
    }
}

/// What a partner computes and compares: HMAC-SHA256 of `<t>.<body>`, keyed by the secret's characters.
#[must_use]
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let seconds = at.ms().div_euclid(1_000);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn request(uri: &Uri, delivery: Delivery) -> Result<Request<Full<Bytes>>, String> {
    let host = uri.authority().ok_or("the address names no host")?.as_str();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("keju/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header(DELIVERY_HEADER, delivery.id.to_string())
        .header(SIGNATURE_HEADER, signature(&delivery.secret, delivery.at, &delivery.body))
        .body(Full::new(Bytes::from(delivery.body)))
        .map_err(|error| error.to_string())
}

/// Sends, and waits for the head of the answer; the connection ends with the function.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, String> {
    let handshake = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let answer = async move { sender.send_request(request).await.map(|answer| answer.status()) };
    tokio::pin!(connection, answer);
    tokio::select! {
        answer = &mut answer => answer.map_err(|error| error.to_string()),
        ended = &mut connection => match ended {
            // It may have answered with its last bytes.
            Ok(()) => answer.await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_hmac_over_time_and_body() {
        // Computed by `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test`.
        let signed = signature("whsec_test", Timestamp::from_ms(1_700_000_000_999), r#"{"a":1}"#);
        let (time, mac) = signed.split_once(",v1=").unwrap_or_default();
        assert_eq!(time, "t=1700000000");
        assert_eq!(mac, EXPECTED);
    }

    const EXPECTED: &str = "38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
}
