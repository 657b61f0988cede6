//! Cisco, Poly and Webex endpoints, everything inherited: endpoint over group over profile. Texts of a group are templates.

use serde_json::Value;

use super::super::directory::Document;
use super::super::document::endpoint::{Cisco, Emit, Poly, Webex};
use super::super::document::profile::CiscoDefaults;
use super::{Chain, Resolver};
use crate::diagnostic::Diagnostic;
use crate::model::device::{CiscoSpec, DeviceSpec, PolyEmit, PolySpec, WebexSpec};
use crate::model::{Secret, SecretValue};

/// Shortest password of a Poly endpoint that passes without a warning, in characters.
const PASSWORD_MIN: usize = 16;

/// One level of inheritance: the document, and whether its texts are templates.
type Level<'a, T> = (&'a Document, &'a T, bool);

impl<'a> Resolver<'a> {
    pub(super) fn device(&mut self, chain: &Chain<'a>, context: &Value) -> Option<DeviceSpec> {
        match (&chain.endpoint.cisco, &chain.endpoint.poly, &chain.endpoint.webex) {
            (Some(cisco), None, None) => self.cisco(chain, cisco, context).map(DeviceSpec::Cisco),
            (None, Some(poly), None) => self.poly(chain, poly, context).map(DeviceSpec::Poly),
            (None, None, Some(webex)) => self.webex(chain, webex).map(DeviceSpec::Webex),
            _ => None,
        }
    }

    fn webex(&mut self, chain: &Chain<'a>, own: &Webex) -> Option<WebexSpec> {
        let Some(device_id) = own.device_id.clone() else {
            let place = self.directory.key(chain.document, "/spec/webex");
            self.findings.push(Diagnostic::error("OTJ203", place, "the field `deviceId` is missing"));
            return None;
        };
        let first = (chain.document.metadata.name.clone(), self.directory.at(chain.document));
        let place = self.directory.value(chain.document, "/spec/webex/deviceId");
        self.findings.extend(self.places.shared_webex(&device_id, first, place));
        let (document, profile) = chain.profile;
        let Some(cloud) = profile.webex.as_deref() else {
            if self.said.insert((document.file, document.metadata.name.clone(), "/spec/webex".to_owned())) {
                let place = self.directory.key(document, "/spec");
                let endpoint = &chain.document.metadata.name;
                let message = format!("the field `webex` is missing, which endpoint `{endpoint}` needs");
                let finding = Diagnostic::error("OTJ203", place, message);
                self.findings.push(finding.help("name the WebexIntegration through which its devices are reached"));
            }
            return None;
        };
        Some(WebexSpec { device_id, integration: self.webex_cloud(cloud)? })
    }

    fn cisco(&mut self, chain: &Chain<'a>, own: &'a Cisco, context: &Value) -> Option<CiscoSpec> {
        let group = chain.group.and_then(|(document, group)| Some((document, group.cisco.as_ref()?, true)));
        let levels: Vec<Level<'a, Cisco>> =
            [Some((chain.document, own, chain.document.table.is_some())), group].into_iter().flatten().collect();
        let defaults = chain.profile.1.cisco.as_ref();
        let address = self.text(&levels, "cisco/address", |it| it.address.as_deref(), context);
        let serial = self.text(&levels, "cisco/serial", |it| it.serial.as_deref(), context);
        let fingerprint = self.text(&levels, "cisco/fingerprint", |it| it.fingerprint.as_deref(), context);
        let credentials = self.cisco_credentials(&levels, (chain.profile.0, defaults), context);
        if address.is_none() && levels.iter().any(|(_, it, _)| it.address.is_some()) {
            return None; // its template fails, which was said
        }
        let Some(address) = address else {
            let place = self.directory.key(chain.document, "/spec/cisco");
            self.findings.push(Diagnostic::error("OTJ203", place, "the field `address` is missing"));
            return None;
        };
        let first = |field: fn(&Cisco) -> bool| levels.iter().map(|(_, it, _)| it).find(|it| field(it));
        let use_https = first(|it| it.use_https.is_some()).and_then(|it| it.use_https);
        let use_https = use_https.or(defaults.and_then(|it| it.use_https)).unwrap_or(true);
        let tls = first(|it| it.tls.is_some()).and_then(|it| it.tls).or(defaults.and_then(|it| it.tls));
        let port = first(|it| it.port.is_some()).and_then(|it| it.port);
        let wire = first(|it| it.wire.is_some()).and_then(|it| it.wire);
        let on_conflict = first(|it| it.on_conflict.is_some()).and_then(|it| it.on_conflict);
        let ca_certificates = self.cisco_certificates(&levels, (chain.profile.0, defaults));
        let Some((username, password)) = credentials else {
            let place = self.directory.key(chain.document, "/spec/cisco");
            let finding = Diagnostic::error("OTJ210", place, "the endpoint has no user name and password");
            self.findings.push(finding.help("write `username` and `password` here, in its group or in its profile"));
            return None;
        };
        let fingerprint = fingerprint.map(|text| text.replace(':', "").to_lowercase());
        let past_proxy = chain.group.and_then(|(_, group)| group.disable_web_proxy).unwrap_or(false);
        let spec = CiscoSpec {
            address,
            port: port.unwrap_or(if use_https { 443 } else { 80 }),
            use_https,
            tls: tls.unwrap_or_default(),
            ca_certificates,
            username,
            password,
            wire: wire.unwrap_or_default(),
            serial,
            fingerprint,
            on_conflict: on_conflict.unwrap_or_default(),
            web_proxy: self.web_proxy().filter(|_| !past_proxy),
        };
        let place = self.directory.value(chain.document, "/spec/cisco/address");
        let first = (chain.document.metadata.name.clone(), self.directory.at(chain.document));
        self.findings.extend(self.places.shared_device(spec.place(), first, place));
        Some(spec)
    }

    /// User name and password come from one level: half of a pair is nobody's credential.
    fn cisco_credentials(
        &mut self,
        levels: &[Level<'a, Cisco>],
        (profile, defaults): (&'a Document, Option<&'a CiscoDefaults>),
        context: &Value,
    ) -> Option<(String, SecretValue)> {
        for (document, it, template) in levels {
            if let (Some(username), Some(password)) = (&it.username, &it.password) {
                let context = template.then_some(context);
                let username = match context {
                    Some(context) => self.rendered(document, "/spec/cisco/username", username, context)?,
                    None => username.clone(),
                };
                return Some((username, self.secret(document, "/spec/cisco/password", password, context)));
            }
        }
        let defaults = defaults?;
        let (username, password) = (defaults.username.clone()?, defaults.password.as_ref()?);
        // Whether it is missing was said with the profile.
        let found = self.findings.len();
        let password = self.secret(profile, "/spec/cisco/password", password, None);
        self.findings.truncate(found);
        Some((username, password))
    }

    fn cisco_certificates(
        &mut self,
        levels: &[Level<'a, Cisco>],
        (profile, defaults): (&'a Document, Option<&'a CiscoDefaults>),
    ) -> Vec<std::sync::Arc<[u8]>> {
        let written = levels.iter().find_map(|(document, it, _)| Some((*document, it.ca_certificates.as_ref()?)));
        let inherited = || Some((profile, defaults?.ca_certificates.as_ref()?));
        match written.or_else(inherited) {
            Some((document, paths)) => self.certificates(document, "/spec/cisco/caCertificates", paths),
            None => vec![],
        }
    }

    fn poly(&mut self, chain: &Chain<'a>, own: &'a Poly, context: &Value) -> Option<PolySpec> {
        let group = chain.group.and_then(|(document, group)| Some((document, group.poly.as_ref()?, true)));
        let levels: Vec<Level<'a, Poly>> =
            [Some((chain.document, own, chain.document.table.is_some())), group].into_iter().flatten().collect();
        let username = self.text(&levels, "poly/username", |it| it.username.as_deref(), context);
        let secret =
            levels.iter().find_map(|(document, it, template)| Some((*document, it.password.as_ref()?, *template)));
        if username.is_none() && levels.iter().any(|(_, it, _)| it.username.is_some()) {
            return None; // its template fails, which was said
        }
        let (Some(username), Some((document, secret, template))) = (username, secret) else {
            let place = self.directory.key(chain.document, "/spec/poly");
            let finding = Diagnostic::error("OTJ210", place, "the endpoint has no user name and password");
            self.findings.push(finding.help("write `username` and `password` here or in its group"));
            return None;
        };
        let password = self.secret(document, "/spec/poly/password", secret, template.then_some(context));
        let emit = levels.iter().find_map(|(_, it, _)| it.emit.as_deref());
        let emit = emit.map_or_else(PolyEmit::default, |list| PolyEmit {
            location_uri: list.contains(&Emit::LocationUri),
            body_uri: list.contains(&Emit::BodyUri),
            vmr_token: list.contains(&Emit::VmrToken),
        });
        let model = levels.iter().find_map(|(_, it, _)| it.model).unwrap_or_default();
        self.poly_login(chain, &username, password.known());
        Some(PolySpec { username, password, model, emit })
    }

    fn poly_login(&mut self, chain: &Chain<'a>, username: &str, password: Option<&Secret>) {
        let own = (chain.document.metadata.name.clone(), self.directory.at(chain.document));
        let below = if chain.endpoint.poly.as_ref().is_some_and(|it| it.username.is_some()) { "/username" } else { "" };
        let place = match below {
            "" => self.directory.key(chain.document, "/spec/poly"),
            _ => self.directory.value(chain.document, "/spec/poly/username"),
        };
        self.findings.extend(self.places.shared_login(username, own.clone(), place));
        if let (Some(password), true) = (password, self.options.check_secrets) {
            let place = self.directory.key(chain.document, "/spec/poly");
            if password.expose().chars().count() < PASSWORD_MIN {
                let message = format!("the password of endpoint `{}` has fewer than {PASSWORD_MIN} characters", own.0);
                self.findings.push(Diagnostic::warning("OTJ404", place.clone(), message).policy());
            }
            self.findings.extend(self.places.shared_password(password.expose(), own, place));
        }
    }

    /// The nearest level's text, rendered where it is a template.
    fn text<T>(
        &mut self,
        levels: &[Level<'a, T>],
        field: &str,
        of: impl Fn(&'a T) -> Option<&'a str>,
        context: &Value,
    ) -> Option<String> {
        let (document, text, template) =
            levels.iter().find_map(|(document, it, template)| Some((*document, of(it)?, *template)))?;
        match template {
            true => self.rendered(document, &format!("/spec/{field}"), text, context),
            false => Some(text.to_owned()),
        }
    }
}
