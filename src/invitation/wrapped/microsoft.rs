//! Safe Links of Microsoft Defender for Office 365: in mail (a host for each region, in each national cloud) and on the page
//! that the Teams client opens. The link is in `url`, which need not come first.
//! See <https://learn.microsoft.com/defender-office-365/safe-links-about>.

use super::{Answer, Link};

/// One label for the region stands before each, such as `eur01`.
const MAIL: [&str; 3] = [
    "safelinks.protection.outlook.com",
    "safelinks.protection.office365.us",
    "safelinks.protection.partner.outlook.cn",
];

const TEAMS: [&str; 3] =
    ["statics.teams.cdn.office.net", "staticsint.teams.cdn.office.net", "teams.public.onecdn.static.microsoft"];

pub(super) fn read(link: &Link<'_>) -> Answer {
    let mail = MAIL.iter().any(|domain| link.host_below(domain) || link.host_is(domain));
    let teams = || TEAMS.iter().any(|host| link.host_is(host)) && link.path.ends_with("/atp-safelinks.html");
    if !mail && !teams() {
        return Answer::NotMine;
    }
    link.parameter("url").map_or(Answer::Broken, Answer::For)
}
