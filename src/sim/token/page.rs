//! The page where people sign in, without the page: a link goes in, the URL that the browser is sent back to comes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Dialect, TokenService, Wrong};
use crate::http::{Bytes, HeaderMap, Played, Request, StatusCode, Url, header};
use crate::sim::Fake;

/// A code that was given out, with what it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Code {
    account: String,
    client: String,
    redirect: String,
    challenge: String,
    scope: String,
    resource: Option<String>,
}

/// The page where `account` signs in and agrees without being asked: it sends the browser back at once.
#[derive(Debug)]
pub struct SignInPage {
    /// Who gives out the codes.
    pub tokens: Arc<TokenService>,
    /// Who signs in.
    pub account: String,
}

impl Fake for SignInPage {
    fn answer(&self, request: &Request, _: Timestamp) -> Played {
        let back = self.tokens.sign_in(&request.url, &self.account);
        let mut headers = HeaderMap::new();
        headers.extend(back.and_then(|back| back.as_str().parse().ok()).map(|back| (header::LOCATION, back)));
        let status = if headers.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::FOUND };
        Played { after: Duration::ZERO, result: Ok((status, headers, Bytes::new())) }
    }
}

impl TokenService {
    /// `account` opens `link`, signs in and agrees: where the browser goes then. `None`: the link is no request for a code.
    pub fn sign_in(&self, link: &Url, account: &str) -> Option<Url> {
        let asked: BTreeMap<String, String> = link.query_pairs().into_owned().collect();
        let field = |name: &str| asked.get(name).cloned();
        if field("response_type")? != "code" || field("code_challenge_method")? != "S256" {
            return None;
        }
        if self.is_version_1() != asked.contains_key("resource") {
            return None;
        }
        let code = Code {
            account: account.to_owned(),
            client: field("client_id")?,
            redirect: field("redirect_uri")?,
            challenge: field("code_challenge")?,
            scope: field("scope")?,
            resource: field("resource"),
        };
        let mut back: Url = code.redirect.parse().ok()?;
        let name = self.change(|it| {
            it.made += 1;
            let name = format!("code-{}", it.made);
            it.codes.insert(name.clone(), code);
            name
        });
        back.query_pairs_mut().extend_pairs([("code", name), ("state", field("state")?)]);
        if self.dialect == Dialect::Google {
            back.query_pairs_mut().append_pair("iss", &link.origin().ascii_serialization());
        }
        Some(back)
    }

    /// What a code is exchanged for. It is good once.
    pub(super) fn redeem(&self, form: &BTreeMap<String, String>, now: Timestamp) -> Result<Value, Wrong> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let wrong = (400, "invalid_grant", "Malformed auth code.", 70_000);
        let code = self.change(|it| it.codes.remove(field("code"))).ok_or(wrong)?;
        let verified = ring::digest::digest(&ring::digest::SHA256, field("code_verifier").as_bytes());
        if code.client != field("client_id") || URL_SAFE_NO_PAD.encode(verified) != code.challenge {
            return Err(wrong);
        }
        if code.redirect != field("redirect_uri") {
            return Err((400, "redirect_uri_mismatch", "Bad Request", 50_011));
        }
        if code.resource.as_deref() != form.get("resource").map(String::as_str) {
            return Err((400, "invalid_resource", "AADSTS50001: The resource was not found.", 50_001));
        }
        let (issuer, hd) = (self.url.origin().ascii_serialization(), code.account.split_once('@').map(|it| it.1));
        let mut who = json!({ "aud": code.client, "iat": now.as_second(), "exp": now.as_second() + 3600 });
        let named = if self.is_version_1() {
            json!({ "iss": "https://sts.windows.net/tenant/", "upn": code.account, "ver": "1.0" })
        } else {
            json!({ "iss": issuer, "email": code.account, "email_verified": true, "hd": hd })
        };
        who.as_object_mut().into_iter().for_each(|it| it.extend(named.as_object().cloned().unwrap_or_default()));
        let parts = [json!({ "alg": "RS256" }), who].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let (mut tokens, refresh) = self.change(|it| (self.tokens(&code.account, it, now), it.sign_in(&code.account)));
        if self.dialect == Dialect::Webex {
            let lifetime = self.change(|it| it.refresh_lifetime);
            self.change(|it| lifetime.map(|lifetime| it.ends.insert(refresh.clone(), now + lifetime)));
            tokens["refresh_token"] = json!(refresh);
            tokens["refresh_token_expires_in"] = json!(lifetime.map(|lifetime| lifetime.as_secs()));
            // Who signed in is told to those only who ask for `openid`.
            tokens["scope"] = json!(self.change(|it| it.grants.clone()).unwrap_or(code.scope));
            return Ok(tokens);
        }
        tokens["refresh_token"] = json!(refresh);
        tokens["id_token"] = json!(format!("{}.{}.none", parts[0], parts[1]));
        tokens["scope"] = json!(self.change(|it| it.grants.clone()).unwrap_or(match code.resource {
            Some(_) => "EWS.AccessAsUser.All".to_owned(),
            None => code.scope,
        }));
        Ok(tokens)
    }
}
