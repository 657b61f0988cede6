//! The links by which people join a Teams meeting.
//!
//! | host | cloud |
//! |---|---|
//! | `teams.microsoft.com`, `teams.cloud.microsoft`, below the first | Microsoft 365, GCC included |
//! | `teams.live.com` | Teams for private use |
//! | `gov.teams.microsoft.us`, `dod.teams.microsoft.us`, others below `teams.microsoft.us` | GCC High, DoD |
//! | `teams.microsoftonline.cn` | China, run by 21Vianet |
//!
//! | path | |
//! |---|---|
//! | `/l/meetup-join/THREAD/0?context={"Tid":TENANT,"Oid":PERSON}` | since 2018; also after `#`, and inside the launcher's link |
//! | `/meet/ID?p=TOKEN` | since 2024; the token is not the passcode |
//!
//! Source: invitations of 2018 to 2025, and what Microsoft says of hosts and clouds.

use crate::invitation::wrapped::Link;
use crate::rules::scan;

/// Lower-case parts of which one stands in every text with such a link.
pub(super) const ANCHORS: &[&str] =
    &["teams.microsoft.", "teams.cloud.microsoft", "teams.live.com", "teams.microsoftonline.cn", HELP_ANCHOR];

/// Below every "Microsoft Teams" heading since 2024 and under every block before stands a link to this page.
const HELP_ANCHOR: &str = "/jointeamsmeeting";

/// Where a meeting lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cloud {
    /// Reached from the public internet by its id.
    Public,
    /// Of a government or a nation; its ids mean nothing elsewhere.
    Apart,
}

/// The cloud of a host of Teams; `None`: another host.
pub(super) fn cloud(host: &str) -> Option<Cloud> {
    let is = |each: &str| host.eq_ignore_ascii_case(each);
    if is("teams.cloud.microsoft") || is("teams.live.com") || scan::is_within(host, "teams.microsoft.com") {
        Some(Cloud::Public)
    } else if is("teams.microsoftonline.cn") || scan::is_within(host, "teams.microsoft.us") {
        Some(Cloud::Apart)
    } else {
        None
    }
}

/// Whether it is a link to join by.
pub(super) fn is_join(link: &Link<'_>) -> bool {
    meeting_id(link).is_some() || is_long(link)
}

/// Whether it is a join link of the long form.
pub(super) fn is_long(link: &Link<'_>) -> bool {
    cloud(link.host()).is_some() && link.whole.to_ascii_lowercase().contains("meetup-join")
}

/// Whether it leads to the page that explains joining; printed in every block.
pub(super) fn is_help(link: &Link<'_>) -> bool {
    link.host_is("aka.ms") && link.path.eq_ignore_ascii_case("/jointeamsmeeting")
}

/// The id in a link of the short form.
pub(super) fn meeting_id<'t>(link: &Link<'t>) -> Option<&'t str> {
    cloud(link.host())?;
    let path = link.path.split('#').next().unwrap_or(link.path);
    let rest = path.get(..6).filter(|start| start.eq_ignore_ascii_case("/meet/")).map(|_| &path[6..])?;
    scan::digits(rest.split('/').next().unwrap_or(rest), 9, 17)
}

/// The tenant in a link of the long form.
pub(super) fn tenant_id(link: &Link<'_>) -> Option<String> {
    let context = link.parameter("context")?;
    let (_, after) = context.split_once("\"Tid\"").or_else(|| context.split_once("\"tid\""))?;
    let id = after.trim_start_matches([' ', ':', '"']);
    let id = id.split('"').next().unwrap_or(id);
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_uuid.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_join_by_are_known_by_host_and_path() {
        let long = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_QQ%40thread.v2/0?context=%7b%22Tid%22%3a%2211111111-2222-4333-8444-555555555555%22%7d";
        for (text, is, id, tenant) in [
            (long, true, None, Some("11111111-2222-4333-8444-555555555555")),
            ("https://TEAMS.microsoft.com/Meet/228859003479315?p=x", true, Some("228859003479315"), None),
            ("https://teams.cloud.microsoft/meet/228859003479315/", true, Some("228859003479315"), None),
            ("https://teams.microsoft.com/_#/l/meetup-join/19:x@thread.v2/0", true, None, None),
            (
                "https://teams.microsoft.com/dl/launcher/launcher.html?url=%2F_%23%2Fl%2Fmeetup-join%2F19",
                true,
                None,
                None,
            ),
            ("https://gov.teams.microsoft.us/meet/228859003479315?p=x", true, Some("228859003479315"), None),
            ("https://teams.microsoft.com/meetingOptions/?tenantId=x", false, None, None),
            ("https://teams.microsoft.com/meet/12", false, None, None),
            ("https://teams.microsoft.com.evil.example/meet/228859003479315", false, None, None),
            ("https://xteams.microsoft.com/meet/228859003479315", false, None, None),
            ("https://teams.microsoft.com@evil.example/meet/228859003479315", false, None, None),
        ] {
            let Some(link) = Link::parse(text) else {
                assert!(!is, "{text}");
                continue;
            };
            assert_eq!(is_join(&link), is, "{text}");
            assert_eq!(meeting_id(&link), id, "{text}");
            assert_eq!(tenant_id(&link).as_deref(), tenant, "{text}");
        }
        assert_eq!(cloud("dod.teams.microsoft.us"), Some(Cloud::Apart));
        assert_eq!(cloud("teams.microsoft.com"), Some(Cloud::Public));
    }
}
