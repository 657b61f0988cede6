//! `TeamsBodyPexipService` and `TeamsBodyPexipInfinity`: Teams meetings whose organizer's video interop is Pexip's.
//!
//! | type | in the invitation | variables |
//! |---|---|---|
//! | `TeamsBodyPexipService` | `https://pexip.me/teams/DOMAIN/ID` | `meeting_id`, `domain` |
//! | | `teams@DOMAIN`, then ID, see `block`; where the link is lost or only its rewriter can read it | the same |
//! | `TeamsBodyPexipInfinity` | `https://NODE/teams/?conf=ID&d=DOMAIN[&prefix=PREFIX]` and more parameters | `meeting_id`, `domain`, `prefix` |
//!
//! `NODE` is any host, and never the domain to dial. The tenant key is the address of a menu, the same for both types, so it says
//! which of them a block is only together with the link: where a link can be read and is another's, the key is another's, too.
//! Infinity's prefix stands in the link alone, so without it there is no address.
//!
//! Sources: deployment guide; the parameters of Infinity's page of alternative dialling instructions; invitations of 2020 to 2025.

use std::collections::BTreeMap;

use super::block::{self, Printed};
use super::join;
use crate::invitation::wrapped::Link;
use crate::invitation::{Outcome, Wrapped};
use crate::model::RuleSpec;
use crate::rules::scan::{self, Address};
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, ID_AT_DOMAIN, Provider, TEXT_PLACES, Variables, first, variables};

/// `TeamsBodyPexipService`.
pub(in crate::rules) const PEXIP_SERVICE: Provider = Provider {
    find: service,
    transform: |_| ID_AT_DOMAIN,
    variables: &["meeting_id", "domain"],
    anchors: &[SERVICE_HOST, KEY_ANCHOR],
    places: TEXT_PLACES,
};

/// `TeamsBodyPexipInfinity`.
pub(in crate::rules) const PEXIP_INFINITY: Provider = Provider {
    find: infinity,
    transform: |_| "{{prefix}}{{meeting_id}}@{{domain}}",
    variables: &["meeting_id", "domain", "prefix"],
    anchors: &["/teams?", "/teams/?", KEY_ANCHOR],
    places: TEXT_PLACES,
};

/// Where the Pexip Service explains how to join.
const SERVICE_HOST: &str = "pexip.me";

/// The user of a tenant key, the name of the menu.
const KEY_USER: &str = "teams";

/// Stands in every text with a tenant key.
const KEY_ANCHOR: &str = "teams@";

/// How far after the id the block's link stands, in bytes.
const LINK_REACH: usize = 512;

fn service(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let opaque = Opaque::of(texts);
    first(texts, |text| {
        let joined = scan::links(text).find(|(_, link)| join::is_join(link)).map(|(at, _)| at);
        let by_print = |print: &Printed<'_>| {
            let ours = match opaque.link_of(text, print) {
                BlockLink::Lost => print.grouped && joined.is_some_and(|at| at < print.key.at),
                BlockLink::Opaque { hint, .. } => hint.is_none_or(|hint| hint.eq_ignore_ascii_case(SERVICE_HOST)),
                BlockLink::Readable => false,
            };
            ours.then(|| variables([("meeting_id", &*print.id), ("domain", print.key.host)]))
        };
        block::first_block(text, is_key, service_link, by_print).map_err(|why| match why {
            // An address whose user is `teams` is often nothing but the mailbox of some teams.
            Why::Incomplete { .. } => Why::NothingFound,
            why => why,
        })
    })
}

fn is_key(address: &Address<'_>) -> bool {
    address.user.eq_ignore_ascii_case(KEY_USER) && scan::is_domain(address.host)
}

fn service_link(link: &Link<'_>) -> Result<Variables, Why> {
    let path = link.path.split('#').next().unwrap_or(link.path);
    let of_service =
        link.host_is(SERVICE_HOST) && path.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("/teams/"));
    if !of_service {
        return Err(Why::NothingFound);
    }
    let mut parts = path[7..].split('/');
    let (domain, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let id = scan::digits(without_sentence(id), 4, block::LINKED_MAX);
    match id.filter(|_| scan::is_domain(domain) && parts.all(str::is_empty)) {
        Some(id) => Ok(variables([("meeting_id", id), ("domain", domain)])),
        None => Err(Why::NothingFound),
    }
}

/// Without what follows the number in scripts that write sentences without spaces.
fn without_sentence(id: &str) -> &str {
    match id.find(|c: char| !c.is_ascii()) {
        Some(at) if !id[at..].starts_with(char::is_numeric) => &id[..at],
        _ => id,
    }
}

fn infinity(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let by_link = first(texts, |text| {
        let mut telling = Why::NothingFound;
        for (_, link) in scan::links(text) {
            match infinity_link(&link) {
                Ok(found) => return Ok(found),
                Err(Why::NothingFound) => {}
                Err(why) => telling = why,
            }
        }
        Err(telling)
    });
    by_link.map_err(|why| if why == Why::NothingFound { infinity_rewritten(texts).unwrap_or(why) } else { why })
}

fn infinity_link(link: &Link<'_>) -> Result<Variables, Why> {
    if !block::path_is(link, "/teams") {
        return Err(Why::NothingFound);
    }
    let id = link.parameter("conf").filter(|id| block::is_plain(id)).ok_or(Why::NothingFound)?;
    let Some(domain) = link.parameter("d").filter(|domain| !domain.is_empty()) else {
        return Err(Why::Incomplete { found: "a conference id in its link", missing: "the domain to dial" });
    };
    let prefix = link.parameter("prefix").unwrap_or_default();
    if !scan::is_domain(&domain) || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(Why::NothingFound);
    }
    Ok(Variables::from_iter([("meeting_id", id), ("domain", domain), ("prefix", prefix)]))
}

/// The rewriter that keeps the link of a block to itself, where the link leads neither to the Pexip Service nor to Teams.
fn infinity_rewritten(texts: &Texts<'_>) -> Option<Why> {
    let opaque = Opaque::of(texts);
    texts.of_providers().find_map(|(_, text)| {
        block::printed(text, is_key).flatten().find_map(|print| match opaque.link_of(text, &print) {
            BlockLink::Opaque { rewriter, hint: Some(hint) } if !hint.eq_ignore_ascii_case(SERVICE_HOST) => {
                Some(Why::OnlyRewriterReads { rewriter, domain: hint.to_ascii_lowercase() })
            }
            _ => None,
        })
    })
}

/// The links that only their rewriters can read, and who they are.
struct Opaque<'t>(BTreeMap<&'t str, &'static str>);

/// The link below the id of a block.
enum BlockLink {
    /// There is none but Teams' own.
    Lost,
    /// Only its rewriter can read it; the hint is the host it leads to.
    Opaque { rewriter: &'static str, hint: Option<String> },
    /// It is there, and does not lead to the Pexip Service, or that link would count.
    Readable,
}

impl<'t> Opaque<'t> {
    fn of(texts: &'t Texts<'_>) -> Self {
        let wrapped = texts.body().wrapped.iter().chain(&texts.location().wrapped);
        let opaque = wrapped.filter(|link| link.outcome == Outcome::Opaque);
        Self(opaque.map(|Wrapped { rewriter, link, .. }| (link.expose(), *rewriter)).collect())
    }

    fn link_of(&self, text: &str, print: &Printed<'_>) -> BlockLink {
        let after = &text[print.end..text.floor_char_boundary(print.end + LINK_REACH)];
        let Some((_, link)) = scan::links(after).next() else { return BlockLink::Lost };
        if join::cloud(link.host()).is_some() || join::is_help(&link) {
            return BlockLink::Lost;
        }
        match self.0.get(link.whole) {
            Some(rewriter) => {
                BlockLink::Opaque { rewriter, hint: link.parameter("domain").filter(|domain| scan::is_domain(domain)) }
            }
            None => BlockLink::Readable,
        }
    }
}
