//! Trend Micro Time-of-Click: the link in `url`, hosts `REGION-ctp.trendmicro.com`.

use super::{Answer, Link};

pub(super) fn read(link: &Link<'_>) -> Answer {
    let theirs = link.host_starts("-ctp.trendmicro.com").is_some_and(|region| !region.contains('.'));
    if !theirs || !link.path.starts_with("/wis/clicktime/") {
        return Answer::NotMine;
    }
    link.parameter("url").map_or(Answer::Broken, Answer::For)
}
