//! OTJ221: names of Exchange accounts in a form that the way of signing in does not take.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let Spec::Exchange(exchange) = &document.spec else { continue };
        let Some(name) = exchange.service_account_username.as_deref() else { continue };
        let mail = matches!(name.split_once('@'), Some((user, domain)) if !user.is_empty() && !domain.is_empty() && !domain.contains('@'));
        let domain = matches!(name.split_once('\\'), Some((domain, user)) if !user.is_empty() && !domain.is_empty());
        let (fits, help) = match exchange.ntlm {
            Some(_) => (mail && !name.contains('\\'), "NTLM takes the form `name@domain`"),
            None => (mail || domain, "write `name@domain` or `domain\\name`"),
        };
        if !fits {
            let place = looked.directory.value(document, "/spec/serviceAccountUsername");
            let message = "the account's name does not have the form its sign-in needs";
            findings.push(Diagnostic::error("OTJ221", place, message).help(help));
        }
    }
}
