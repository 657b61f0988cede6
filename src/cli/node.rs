//! A running node as the verbs meet it: which server, which token, one question, one answer.
//!
//! In: the flags every such verb takes. Out: JSON, or an error that says what to do. A token that was found rather than
//! given goes to a server on this machine alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::http::{Bytes, HeaderValue, Http, HttpOptions, Method, Request, Response, StatusCode, Trust, Url, header};
use crate::model::Secret;

/// Where a node listens unless told otherwise.
const SERVER: &str = "http://127.0.0.1:9480";

/// Where a packaged node keeps its token.
const PACKAGED_TOKEN: &str = "/var/lib/otj/admin.token";

/// Largest answer: a page of a list, five thousand items.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Which node, and who asks.
#[derive(clap::Args, Debug)]
pub(super) struct NodeArguments {
    /// The node to ask.
    #[arg(long, value_name = "URL", default_value = SERVER, env = "OTJ_SERVER")]
    server: String,
    /// A file with the operator's or the reader's token [default: the first readable of $OTJ_DATA_DIR/admin.token,
    /// ./data/admin.token, /var/lib/otj/admin.token, for a server on this machine].
    #[arg(long, value_name = "FILE", env = "OTJ_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) to trust beside the system's.
    #[arg(long, value_name = "FILE", env = "OTJ_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Where the node on this machine keeps its data.
    #[arg(long, value_name = "DIR", env = "OTJ_DATA_DIR", hide = true)]
    data_dir: Option<PathBuf>,
}

/// The node, ready to be asked.
pub(super) struct Node {
    runtime: tokio::runtime::Runtime,
    http: Http,
    server: Url,
    token: Option<Secret>,
    trust: Trust,
}

impl Node {
    /// Reads token and certificates; connects nowhere.
    pub(super) fn new(arguments: &NodeArguments) -> anyhow::Result<Self> {
        let server = Url::parse(&arguments.server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty())
            .with_context(|| format!("--server takes a URL like {SERVER}"))?;
        let token = match &arguments.token_file {
            Some(path) => Some(read_token(path).with_context(|| format!("{} cannot be read", path.display()))?),
            None if is_loopback(&server) => found_token(arguments.data_dir.as_deref()),
            None => None,
        };
        if token.is_some() && server.scheme() == "http" && !is_loopback(&server) {
            super::complain("warning: the token travels unencrypted; use https");
        }
        let trust = match &arguments.ca_file {
            Some(path) => {
                let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
                Trust::Verify(vec![Arc::from(pem)])
            }
            None => Trust::system(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The operator names the server, so it may well be this machine.
        let http = Http::new(HttpOptions { allow_loopback: true })?;
        Ok(Self { runtime, http, server, token, trust })
    }

    /// Whether a token goes along.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// `GET path`, JSON.
    pub(super) fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// `GET path?query`, JSON.
    pub(super) fn get_with<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let mut url = self.server.join(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.exchange(Method::GET, url, Bytes::new())
    }

    /// All items of a list, page by page.
    pub(super) fn list<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
    ) -> anyhow::Result<Vec<T>> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page<T> {
            items: Vec<T>,
            next_cursor: Option<String>,
        }
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut url = self.server.join(path)?;
            url.query_pairs_mut().append_pair("limit", "5000").extend_pairs(filter);
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let page: Page<T> = self.exchange(Method::GET, url, Bytes::new())?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) if Some(&next) != cursor.as_ref() => cursor = Some(next),
                _ => return Ok(items),
            }
        }
    }

    /// Waits so long, or until Ctrl-C.
    pub(super) fn wait(&self, span: std::time::Duration) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let mut int = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
            tokio::select! {
                _ = int.recv() => {}
                () = tokio::time::sleep(span) => {}
            }
            Ok(())
        })
    }

    /// `POST path` with a JSON body.
    pub(super) fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, path, body.to_string().into())
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> anyhow::Result<T> {
        self.exchange(method, self.server.join(path)?, body)
    }

    fn exchange<T: serde::de::DeserializeOwned>(&self, method: Method, url: Url, body: Bytes) -> anyhow::Result<T> {
        let mut request = Request::new(method, url);
        request.body = body;
        request.limit_bytes = ANSWER_BYTES_MAX;
        request.trust = self.trust.clone();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .context("the token file holds something that is no token")?;
            value.set_sensitive(true);
            request.headers.insert(header::AUTHORIZATION, value);
        }
        let answer = self.runtime.block_on(self.http.send(request));
        let answer = answer.with_context(|| format!("no node answers at {}", self.server))?;
        if !answer.status.is_success() {
            bail!(self.refusal(&answer));
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{} does not answer as otj does", self.server))
    }

    /// What the node said, and what to do about it.
    fn refusal(&self, answer: &Response) -> String {
        #[derive(serde::Deserialize)]
        struct Problem {
            detail: String,
        }
        let status = answer.status;
        let said = match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) => problem.detail,
            Err(_) => format!("{} answers {status}", self.server),
        };
        match status {
            StatusCode::UNAUTHORIZED if self.token.is_none() => {
                format!("{said}; give --token-file, or run this as the user that runs the node")
            }
            StatusCode::UNAUTHORIZED => format!("{said}; give the node's own with --token-file"),
            _ => said,
        }
    }
}

fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn found_token(data_dir: Option<&Path>) -> Option<Secret> {
    let given = data_dir.map(|dir| dir.join("admin.token"));
    let places = given.into_iter().chain([PathBuf::from("data/admin.token"), PathBuf::from(PACKAGED_TOKEN)]);
    places.into_iter().find_map(|path| read_token(&path).ok())
}

fn read_token(path: &Path) -> std::io::Result<Secret> {
    Ok(Secret::new(std::fs::read_to_string(path)?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_found_goes_to_this_machine_alone() {
        for (server, here) in [
            ("http://127.0.0.1:9480", true),
            ("http://localhost:9480", true),
            ("https://[::1]:9480", true),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("https://otj.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(server).unwrap()), here, "{server}");
        }
    }
}
