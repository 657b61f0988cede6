//! Safe Links of Microsoft Defender for Office 365, in mail (each region and national cloud) and in the Teams client.
//! See <https://learn.microsoft.com/defender-office-365/safe-links-about>.

use super::{Answer, Link};

const MAIL: [&str; 3] = [
    "safelinks.protection.outlook.com",
    "safelinks.protection.office365.us",
    "safelinks.protection.partner.outlook.cn",
];

const TEAMS: [&str; 3] =
    ["statics.teams.cdn.office.net", "staticsint.teams.cdn.office.net", "teams.public.onecdn.static.microsoft"];

pub(super) fn read(link: &Link<'_>) -> Answer {
    let mail = MAIL.iter().any(|domain| link.host_below(domain));
    let teams = TEAMS.iter().any(|host| link.host_is(host)) && link.path.ends_with("/atp-safelinks.html");
    match link.parameter("url") {
        _ if !mail && !teams => Answer::NotMine,
        Some(url) => Answer::For(url),
        None => Answer::Broken,
    }
}
