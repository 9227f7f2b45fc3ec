//! The HTTP client: whom it trusts, through which proxies it goes, and what it does not do by itself.

use std::sync::{Arc, OnceLock};

use promotion_core::ports::{PortError, PortErrorKind};
use reqwest::{NoProxy, Proxy};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::Options;

/// A client that reads no environment variable, follows no redirect and unpacks nothing.
pub(crate) fn client(options: &Options) -> Result<reqwest::Client, PortError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("promotion/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.timeouts.connect)
        .tls_backend_preconfigured(config(options)?)
        .no_proxy();
    for proxy in proxies(options)? {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| invalid("the client cannot be made").with_source(error))
}

fn proxies(options: &Options) -> Result<Vec<Proxy>, PortError> {
    let except = options.proxy.except.as_deref().and_then(NoProxy::from_string);
    let http = options.proxy.http.as_deref().map(|url| (Proxy::http(url), "http"));
    let https = options.proxy.https.as_deref().map(|url| (Proxy::https(url), "https"));
    let made = http.into_iter().chain(https).map(|(proxy, scheme)| {
        // No source: it would show the URL, and with it the password.
        let proxy = proxy.map_err(|_| invalid(&format!("the proxy for {scheme}:// is no URL")))?;
        Ok(proxy.no_proxy(except.clone()))
    });
    made.collect()
}

fn config(options: &Options) -> Result<ClientConfig, PortError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("TLS cannot be set up").with_source(error))?;
    let authorities = Authorities { extra: authorities(options)?, provider, verifier: OnceLock::new() };
    let builder = builder.dangerous();
    let builder = if options.insecure {
        builder.with_custom_certificate_verifier(Arc::new(Anybody(authorities)))
    } else {
        // Who is going to need them is told now that there are none.
        if !options.plain_http {
            let unusable = |error| invalid("there is no usable certificate authority").with_source(error);
            authorities.verifier().map_err(unusable)?;
        }
        builder.with_custom_certificate_verifier(Arc::new(authorities))
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn authorities(options: &Options) -> Result<Vec<CertificateDer<'static>>, PortError> {
    let mut all = Vec::new();
    for pem in &options.authorities {
        let before = all.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let malformed = |error| invalid("a certificate authority is malformed").with_source(error);
            all.push(certificate.map_err(malformed)?);
        }
        if all.len() == before {
            return Err(invalid("a file of certificate authorities holds no certificate in PEM"));
        }
    }
    Ok(all)
}

fn invalid(message: &str) -> PortError {
    PortError::new(PortErrorKind::Invalid, "set up HTTP", message)
}

/// The system's certificate authorities, and others. The system's may be hundreds of files, which take longer than many a
/// request: they are read before the first certificate is checked, and with plain HTTP that is usually never.
#[derive(Debug)]
struct Authorities {
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    verifier: OnceLock<Result<Verifier, rustls::Error>>,
}

impl Authorities {
    fn verifier(&self) -> Result<&Verifier, rustls::Error> {
        let read = || Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&self.provider));
        self.verifier.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes any certificate, as `insecure` asks for; signatures are checked as ever.
#[derive(Debug)]
struct Anybody(Authorities);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
