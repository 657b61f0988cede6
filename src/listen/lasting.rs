//! What a connection remembers from one request to the next. Logins that are bound to a connection stand here and end with it.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// A place that lives as long as a connection. Every request over it carries it as an extension; cloning shares it.
#[derive(Clone, Default)]
pub struct Lasting {
    /// The certificate that the connection was made with, DER; `None`: without TLS.
    certificate: Option<Arc<[u8]>>,
    kept: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
}

impl Lasting {
    pub(super) fn with(certificate: Option<Arc<[u8]>>) -> Self {
        Self { certificate, kept: Arc::default() }
    }

    /// The certificate that we showed, DER.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Takes out what was kept. Requests of a connection follow each other, so whoever serves one has it alone.
    #[must_use]
    pub fn take<T: 'static>(&self) -> Option<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        kept.downcast().ok().map(|kept| *kept)
    }

    /// Keeps `value` for the next request, in place of what was kept before.
    pub fn keep<T: Send + 'static>(&self, value: T) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(value));
    }
}

impl std::fmt::Debug for Lasting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lasting(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_taken_once_by_whoever_knows_its_kind() {
        let lasting = Lasting::default();
        assert_eq!(lasting.take::<u32>(), None);
        lasting.clone().keep(7u32);
        assert_eq!((lasting.take::<u32>(), lasting.take::<u32>()), (Some(7), None));
        lasting.keep("text");
        assert_eq!(lasting.take::<u32>(), None);
    }
}
