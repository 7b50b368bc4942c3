//! Partners by https: told only where the certificate holds, and never in the clear.

use super::Class;
use super::webhook::{Heard, complete_for, read};
use keju_tests::kit::server::keju;
use keju_tests::kit::{Settings, eventually, text};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use ws_gateway::webhook::DELIVERY_HEADER;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server's side of TLS, with a certificate of this authority for this name or address.
fn acceptor(authority: &Authority, name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// Keeps every byte that comes, as it is on the wire.
struct Tapped {
    stream: TcpStream,
    wire: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        self.wire.lock().unwrap().extend(&into.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What came at one try.
#[derive(Clone, Debug)]
struct Try {
    wire: Vec<u8>,
    heard: Option<Heard>,
}

/// Answers try after try: the first with these sides of TLS in turn (without one, in the clear), all later ones with
/// the last.
async fn partner_server(sides: Vec<Option<TlsAcceptor>>) -> (String, Arc<Mutex<Vec<Try>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    let tries = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&tries);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = all.lock().unwrap().len().min(sides.len() - 1);
            let wire = Arc::default();
            let mut stream = Tapped { stream, wire: Arc::clone(&wire) };
            let heard = match &sides[number] {
                Some(side) => match side.accept(stream).await {
                    Ok(mut stream) => answer(&mut stream).await,
                    Err(_) => None,
                },
                None => {
                    // Whoever speaks TLS gets no sense of this, and must not speak plainer for it.
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                    None
                }
            };
            let wire = wire.lock().unwrap().clone();
            all.lock().unwrap().push(Try { wire, heard });
        }
    });
    (url, tries)
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Heard> {
    let heard = read(stream).await?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").await.ok()?;
    let _ = stream.shutdown().await;
    Some(heard)
}

#[tokio::test]
async fn a_partner_by_https_is_told_once_its_certificate_holds_and_never_in_the_clear() {
    let (ours, foreign) = (authority("ours"), authority("somebody else's"));
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("hall.pem");
    std::fs::write(&ca_file, ours.pem()).unwrap();
    let sides = vec![
        Some(acceptor(&foreign, "127.0.0.1")),
        Some(acceptor(&ours, "another.example")),
        None,
        Some(acceptor(&ours, "127.0.0.1")),
    ];
    let (url, tries) = partner_server(sides).await;
    let config = format!("[webhooks]\nca_file = {:?}\n", ca_file.to_str().unwrap());
    let settings = Settings { config: Some(config), ..Settings::default() };
    let class = Class::start_with(settings, &json!({"hours": 2.5})).await;
    let made = complete_for(&class, &url).await;

    let taken = async || {
        let listed = class.site.admin.get("/partners").await.ok(200);
        (listed["items"][0]["waiting"] == 0).then_some(())
    };
    eventually("the partner is told", Duration::from_secs(60), taken).await;
    let tries = tries.lock().unwrap().clone();
    let said: Vec<bool> = tries.iter().map(|one| one.heard.is_some()).collect();
    assert_eq!(said, [false, false, false, true], "only where the certificate holds");
    for one in &tries {
        assert_eq!(one.wire.first(), Some(&22), "what comes first is a TLS handshake");
        let wire = String::from_utf8_lossy(&one.wire);
        for secret in ["POST", "lesson.completed", text(&made["webhook_secret"]), &class.learner.username] {
            assert!(!wire.contains(secret), "{secret} in the clear");
        }
    }
    let heard = tries[3].heard.clone().unwrap();
    let body: Value = serde_json::from_str(&heard.body).unwrap();
    assert_eq!(heard.line, "POST /hook HTTP/1.1");
    assert_eq!((heard.headers[DELIVERY_HEADER].as_str(), &body["hours_granted"]), (text(&body["id"]), &json!(2.5)));
}

#[test]
fn a_file_of_authorities_that_is_none_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "no certificate here").unwrap();
    for name in ["empty.pem", "absent.pem"] {
        let mut command = keju(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--database", "sqlite:site.db"]).env("KEJU_WEBHOOKS_CA_FILE", name);
        let output = keju_tests::kit::server::run(command, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("webhooks.ca_file") && said.contains(name), "{said}");
    }
}
