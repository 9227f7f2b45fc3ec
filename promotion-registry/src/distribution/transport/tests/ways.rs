//! Ways to a registry: TLS with an authority of one's own, proxies.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::distribution::Proxy;

/// A server with a certificate of an authority that nobody knows, and that authority in PEM.
async fn tls_server() -> (Url, Vec<u8>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &authority).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Url::parse(&format!("https://localhost:{}/v2/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (home, authority.pem().into_bytes())
}

async fn fetch(options: Options, home: &Url) -> Result<Vec<u8>, PortError> {
    let transport = Transport::new(options)?;
    let call = Call {
        attempted: "try it",
        home,
        path: "acme/platform",
        access: Access::Pull,
        also: None,
        repeat: Repeat::Harmless,
        method: Method::GET,
        url: home.clone(),
        headers: HeaderMap::new(),
        body: Body::Empty,
    };
    super::body(transport.send(call).await?).await
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    let (home, authority) = tls_server().await;
    assert_eq!(fetch(Options { authorities: vec![authority], ..quick() }, &home).await.unwrap(), b"ok");
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted_and_not_tried_again() {
    let (home, _) = tls_server().await;
    let (options, seen) = observed(quick());
    let error = fetch(options, &home).await.unwrap_err();
    assert_eq!(*error.kind(), PortErrorKind::Unavailable);
    assert!(error.message().contains("its certificate is not accepted"), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn insecure_trusts_anybody() {
    let (home, _) = tls_server().await;
    assert_eq!(fetch(Options { insecure: true, ..quick() }, &home).await.unwrap(), b"ok");
}

#[tokio::test]
async fn plain_http_where_tls_is_expected_is_told() {
    let server = MockServer::start().await;
    let home = Url::parse(&format!("https://{}/v2/", server.address())).unwrap();
    let error = fetch(quick(), &home).await.unwrap_err();
    assert!(error.message().contains("does not speak TLS"), "{error}");
}

#[test]
fn authorities_that_are_none_are_told() {
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let options = Options { authorities: vec![pem.as_bytes().to_vec()], ..quick() };
        let error = Transport::new(options).unwrap_err();
        assert_eq!(*error.kind(), PortErrorKind::Invalid);
        assert!(error.message().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn plain_requests_go_through_the_proxy_with_its_password() {
    let proxy = MockServer::start().await;
    let password = wiremock::matchers::header("proxy-authorization", "Basic dTpwdw==");
    Mock::given(password).respond_with(ResponseTemplate::new(200).set_body_string("proxied")).mount(&proxy).await;
    let url = format!("http://u:pw@{}", proxy.address());
    let through = Proxy { http: Some(url), https: None, except: Some("direct.invalid,10.0.0.0/8".to_owned()) };
    let options = || Options { proxy: through.clone(), ..quick() };
    let home = Url::parse("http://registry.invalid/v2/").unwrap();
    assert_eq!(fetch(options(), &home).await.unwrap(), b"proxied");
    let direct = Url::parse("http://direct.invalid/v2/").unwrap();
    let error = fetch(options(), &direct).await.unwrap_err();
    assert!(error.message().contains("no connection to direct.invalid"), "{error}");
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_of_the_proxy() {
    let (home, authority) = tls_server().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let port = home.port().unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = client.read(&mut request).await.unwrap();
        told.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
    let proxy = Proxy { https: Some(url), ..Proxy::default() };
    let options = Options { proxy, authorities: vec![authority], ..quick() };
    assert_eq!(fetch(options, &home).await.unwrap(), b"ok");
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with(&format!("CONNECT localhost:{port} ")), "{request}");
}
