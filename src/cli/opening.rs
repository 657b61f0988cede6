//! Opens the store: the embedded one in the data directory, or the etcd that several nodes share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::http::{Http, HttpOptions, Mutual, Trust};
use crate::model::{Clock, Secret};
use crate::store::etcd::{EtcdOptions, EtcdStore};
use crate::store::seal::{Keys, SealedStore};
use crate::store::sled::SledStore;
use crate::store::{Store, StoreError, private};

/// Where the store is, when it is not in the data directory.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct EtcdArguments {
    /// An etcd that several nodes share: etcd://HOST:PORT,HOST:PORT/PREFIX (etcd+http:// without TLS). Takes --store-key-file.
    #[arg(long, value_name = "URL", env = "OTJ_STORE", requires = "store_key_file")]
    store: Option<String>,
    /// Certificates (PEM) of authorities that vouch for etcd, beside the system's.
    #[arg(long, value_name = "FILE", requires = "store", env = "OTJ_ETCD_CA")]
    etcd_ca: Option<PathBuf>,
    /// The certificate (PEM) that etcd is shown.
    #[arg(long, value_name = "FILE", requires_all = ["store", "etcd_key"], env = "OTJ_ETCD_CERT")]
    etcd_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "etcd_cert", env = "OTJ_ETCD_KEY")]
    etcd_key: Option<PathBuf>,
    /// The user at etcd.
    #[arg(long, value_name = "NAME", requires_all = ["store", "etcd_password_file"], env = "OTJ_ETCD_USER")]
    etcd_user: Option<String>,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE", requires = "etcd_user", env = "OTJ_ETCD_PASSWORD_FILE")]
    etcd_password_file: Option<PathBuf>,
}

impl EtcdArguments {
    /// What they say; `None`: the store is in the data directory.
    pub(super) fn options(&self) -> anyhow::Result<Option<EtcdOptions>> {
        let Some(store) = &self.store else { return Ok(None) };
        let mut options = EtcdOptions::parse(store)?;
        let read = |path: &Path| std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
        let roots: Vec<Arc<[u8]>> =
            self.etcd_ca.iter().map(|ca| Ok(read(ca)?.into())).collect::<anyhow::Result<_>>()?;
        options.trust = match self.etcd_cert.as_ref().zip(self.etcd_key.as_ref()) {
            None => Trust::Verify(roots),
            Some((certificate, key)) => Trust::Mutual(Arc::new(Mutual {
                roots,
                certificate: read(certificate)?,
                key: Zeroizing::new(private::load_given(key)?.to_vec()),
            })),
        };
        if let Some((user, file)) = self.etcd_user.as_ref().zip(self.etcd_password_file.as_ref()) {
            let password = private::load_given(file).context("--etcd-password-file")?;
            let password = std::str::from_utf8(&password).context("--etcd-password-file holds no text")?;
            options.user = Some((user.clone(), Secret::new(password.trim_end_matches(['\r', '\n']).to_owned())));
        }
        Ok(Some(options))
    }
}

/// Where a store is.
pub(super) struct StoreAt<'a> {
    pub(super) data_dir: &'a Path,
    pub(super) key_file: Option<&'a Path>,
    pub(super) deployment: Option<&'a str>,
    pub(super) etcd: Option<EtcdOptions>,
}

/// A store, and whose it is.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) deployment: String,
    /// The same without seals, where nodes share it.
    pub(super) etcd: Option<Arc<EtcdStore>>,
}

/// Opens the store and says whose it is. Only one process has the one in a data directory open at a time.
pub(super) async fn open_store(at: StoreAt<'_>, clock: Clock) -> anyhow::Result<Opened> {
    let data_dir = at.data_dir.to_owned();
    let key_file = at.key_file.map(Path::to_owned);
    let keys = tokio::task::spawn_blocking(move || -> Result<Keys, StoreError> {
        private::data_dir(&data_dir)?;
        match key_file {
            Some(file) => crate::store::seal::load_key(&file),
            None => crate::store::seal::load_or_create_key(&data_dir.join("store.key")),
        }
    });
    let keys = keys.await?.context("the store's key")?;
    if let Some(options) = at.etcd {
        // The operator names it, so it may well be on this machine.
        let http = Http::new(HttpOptions { allow_loopback: true })?;
        let etcd = EtcdStore::open(http, options, at.data_dir).await.context("the store cannot be reached")?;
        let etcd = Arc::new(etcd);
        let deployment = crate::store::deployment(&etcd, at.deployment).await?;
        let sealed =
            SealedStore::open(etcd.clone(), keys, &deployment).await.context("the store cannot be unsealed")?;
        return Ok(Opened { store: Arc::new(sealed), deployment, etcd: Some(etcd) });
    }
    let place = at.data_dir.display().to_string();
    let sled =
        SledStore::open(at.data_dir, clock).await.with_context(|| format!("the store in {place} cannot be opened"))?;
    let deployment = crate::store::deployment(&sled, at.deployment).await?;
    let sealed = SealedStore::open(sled, keys, &deployment).await.context("the store cannot be unsealed")?;
    Ok(Opened { store: Arc::new(sealed), deployment, etcd: None })
}

/// The bytes of `key`, made by whichever node is first.
pub(super) async fn stored_bytes(store: &dyn Store, key: &str) -> anyhow::Result<[u8; 32]> {
    loop {
        let found = store.get(key).await?;
        if let Some(bytes) = &found
            && let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice())
        {
            return Ok(bytes);
        }
        let bytes = private::random::<32>()?;
        match store.commit(vec![crate::store::Op::expect(key, found), crate::store::Op::put(key, bytes)]).await {
            Ok(()) => return Ok(bytes),
            Err(StoreError::Changed(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
