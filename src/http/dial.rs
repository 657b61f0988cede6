//! One TCP connection, through the location's web proxy where there is one, and TLS on it where the URL says so.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{CONNECT_PATIENCE, HttpError, ProxyFault, Request, Shared, USER_AGENT, Url};
use super::{address, error, proxy, trust_through};

/// Longest answer of a proxy to `CONNECT`.
const PROXY_HEAD_MAX: usize = 8 << 10;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Bytes in both directions.
pub(super) trait Bytewise: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bytewise for S {}

/// A connection.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn Bytewise>,
    /// What the server showed, in DER; `None`: no TLS.
    pub(super) certificate: Option<Vec<u8>>,
}

/// Connects to where `request` leads, as it says.
///
/// # Errors
/// When that does not come about. There is no deadline in here but that of TCP.
pub(super) async fn dial(shared: &Shared, request: &Request) -> Result<Dialled, HttpError> {
    let url = &request.url;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HttpError::Protocol("the address is neither http nor https"));
    }
    if let Some(literal) = address::literal(url) {
        address::check(literal, shared.options.allow_loopback)?;
    }
    let via = request.via.as_deref().filter(|via| !proxy::is_passed(via, url));
    let trust = trust_through(&request.trust, via);
    let connector = || {
        let mut config = shared.roots.config(&trust)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok::<_, HttpError>(TlsConnector::from(Arc::new(config)))
    };
    let mut stream: Box<dyn Bytewise> = match via {
        None => Box::new(tcp(&shared.names, url).await?),
        Some(via) => {
            let (at, account) = proxy::place(via)?;
            let wrong = |found| proxy::fault(None, found);
            let mut stream: Box<dyn Bytewise> = Box::new(tcp(&shared.proxy_names, &at).await.map_err(wrong)?);
            if at.scheme() == "https" {
                stream = Box::new(secured(&connector()?, stream, &at).await.map_err(wrong)?.0);
            }
            let account = account.map(|(name, password)| STANDARD.encode(format!("{name}:{}", password.expose())));
            tunnel(&mut stream, url, account.as_deref()).await?;
            stream
        }
    };
    let mut certificate = None;
    if url.scheme() == "https" {
        let made = secured(&connector()?, stream, url).await;
        let made = made.map_err(|found| if via.is_some() { proxy::fault(None, found) } else { found })?;
        certificate = Some(made.1);
        stream = Box::new(made.0);
    }
    Ok(Dialled { stream, certificate })
}

/// The first of the host's addresses that answers.
async fn tcp(names: &address::Names, url: &Url) -> Result<TcpStream, HttpError> {
    let host = url.host_str().ok_or(HttpError::Dns)?;
    let port = url.port_or_known_default().ok_or(HttpError::Dns)?;
    let addresses: Vec<SocketAddr> = match address::literal(url) {
        Some(literal) => vec![SocketAddr::new(literal, port)],
        None => {
            let found = names.addresses(host.to_ascii_lowercase()).await.map_err(HttpError::from)?;
            found.iter().take(ADDRESSES_MAX).map(|known| SocketAddr::new(known.ip(), port)).collect()
        }
    };
    let mut fault = HttpError::Dns;
    for address in addresses {
        match tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are written in one go; waiting for more bytes would only delay them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(system)) => fault = HttpError::Connect(system.kind().to_string()),
            Err(_) => fault = HttpError::Connect("no answer".into()),
        }
    }
    Err(fault)
}

/// TLS for the host of `url`, and the certificate that was shown.
async fn secured(
    connector: &TlsConnector,
    stream: Box<dyn Bytewise>,
    url: &Url,
) -> Result<(tokio_rustls::client::TlsStream<Box<dyn Bytewise>>, Vec<u8>), HttpError> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|_| HttpError::Protocol("the host has no name that TLS knows"))?;
    let made = tokio::time::timeout(CONNECT_PATIENCE, connector.connect(name, stream)).await;
    let made = made.map_err(|_| HttpError::Connect("no answer".into()))?.map_err(|system| error::of_system(&system))?;
    let shown = made.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = shown.map(|it| it.as_ref().to_vec()).unwrap_or_default();
    Ok((made, certificate))
}

/// Asks a proxy for a connection to the host of `url` (RFC 9110 9.3.6). Plain http goes through a tunnel, too: what is signed in is the
/// connection, and a proxy that reads requests shares its own among many.
async fn tunnel(stream: &mut Box<dyn Bytewise>, url: &Url, account: Option<&str>) -> Result<(), HttpError> {
    let broken = |_| HttpError::Proxy(ProxyFault::NotAProxy);
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    let mut asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: {USER_AGENT}\r\n");
    if let Some(account) = account {
        asked += &format!("proxy-authorization: Basic {account}\r\n");
    }
    asked += "\r\n";
    stream.write_all(asked.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= PROXY_HEAD_MAX {
            return Err(HttpError::Proxy(ProxyFault::NotAProxy));
        }
        // Byte by byte: what follows the head belongs to the server behind.
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5)).map(<[u8; 3]>::try_from);
    match status {
        Some(Ok([b'2', _, _])) => Ok(()),
        Some(Ok([b'4', b'0', b'7'])) => Err(HttpError::Proxy(ProxyFault::AccountRefused)),
        Some(Ok([b'3'..=b'5', _, _])) => Err(HttpError::Proxy(ProxyFault::Refused)),
        _ => Err(HttpError::Proxy(ProxyFault::NotAProxy)),
    }
}
