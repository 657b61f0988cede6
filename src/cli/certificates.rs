//! Certificates of our listeners: from files, which are looked at again and again, or made once and kept in the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::listen::{TlsSettings, self_signed};
use crate::model::Secret;
use crate::store::{Op, Store, private};

/// Where the generated certificate of the Poly server stands in the store.
const POLY_CERTIFICATE: &str = "poly/certificate";
const POLY_KEY: &str = "poly/key";
/// Files are looked at this often. Whoever renews certificates does so days before they end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A certificate chain and its key, PEM.
#[derive(PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

fn read(certificate: &Path, key: &Path) -> anyhow::Result<Pair> {
    let read = |file: &Path| private::load_given(file).with_context(|| format!("{} cannot be read", file.display()));
    Ok(Pair { certificate: read(certificate)?.to_vec(), key: read(key)?.to_vec() })
}

fn secret(key: &[u8]) -> anyhow::Result<Secret> {
    Ok(Secret::new(String::from_utf8(key.to_vec()).context("the key is not a PEM file")?))
}

/// From two files.
pub(super) fn from_files(certificate: &Path, key: &Path) -> anyhow::Result<TlsSettings> {
    let pair = read(certificate, key)?;
    TlsSettings::from_pem(&pair.certificate, &secret(&pair.key)?).context("the certificate and its key")
}

/// Uses the files' new content from the next connection on, whenever it changed and fits together. A half written pair is tried again.
pub(super) async fn follow(settings: TlsSettings, files: (PathBuf, PathBuf), stop: CancellationToken) {
    let mut seen = None;
    loop {
        let (certificate, key) = files.clone();
        let now = tokio::task::spawn_blocking(move || read(&certificate, &key)).await;
        match now {
            Ok(Ok(pair)) if seen.as_ref() != Some(&pair) => {
                let is_first = seen.is_none();
                let replaced = secret(&pair.key).map(|key| settings.replace(&pair.certificate, &key));
                match replaced {
                    Ok(Ok(())) if is_first => {}
                    Ok(Ok(())) => {
                        tracing::info!(certificate = %files.0.display(), "Another certificate is shown from now on.");
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%error, certificate = %files.0.display(), "The changed certificate cannot be used; the last one is shown.");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "The changed key cannot be used; the last certificate is shown.")
                    }
                }
                seen = Some(pair);
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "The certificate's files cannot be read."),
            Err(_) => return,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// The Poly server's own certificate: made once, kept in the store, so that devices that pin it stay content.
pub(super) async fn stored(store: &dyn Store, node: &str) -> anyhow::Result<TlsSettings> {
    if let (Some(certificate), Some(key)) = (store.get(POLY_CERTIFICATE).await?, store.get(POLY_KEY).await?) {
        let key = Secret::new(String::from_utf8(key).context("the stored key of the Poly server")?);
        return TlsSettings::from_pem(&certificate, &key).context("the stored certificate of the Poly server");
    }
    let (certificate, key) = self_signed(&[node.to_owned(), "localhost".to_owned()])?;
    let ops = vec![
        Op::expect(POLY_CERTIFICATE, None),
        Op::put(POLY_CERTIFICATE, certificate.clone()),
        Op::put(POLY_KEY, key.expose()),
    ];
    match store.commit(ops).await {
        // Another node was quicker: all of them show the same.
        Err(crate::store::StoreError::Changed(_)) => return Box::pin(stored(store, node)).await,
        done => done?,
    }
    TlsSettings::from_pem(certificate.as_bytes(), &key).context("the generated certificate of the Poly server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn renewed_files_are_used_and_a_half_written_pair_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let files = (scratch.path().join("certificate.pem"), scratch.path().join("key.pem"));
        let make = || self_signed(&["otj.example.com".to_owned()]).unwrap();
        let write = |certificate: &str, key: &Secret| {
            std::fs::write(&files.0, certificate).unwrap();
            std::fs::write(&files.1, key.expose()).unwrap();
        };
        let (first, renewed) = (make(), make());
        write(&first.0, &first.1);
        let settings = from_files(&files.0, &files.1).unwrap();
        let shown = || settings.certificate();
        let before = shown();
        let stop = CancellationToken::new();
        let look = || async {
            let stop = CancellationToken::new();
            let later = stop.clone();
            let ((), ()) = tokio::join!(follow(settings.clone(), files.clone(), stop), async move {
                tokio::time::sleep(LOOK_EVERY / 2).await;
                later.cancel();
            });
        };
        write(&renewed.0, &first.1);
        look().await;
        assert_eq!(shown(), before, "the key is not the certificate's");
        write(&renewed.0, &renewed.1);
        look().await;
        assert_ne!(shown(), before);
        drop(stop);
    }
}
