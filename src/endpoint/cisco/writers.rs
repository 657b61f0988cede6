//! Who else writes to a codec. In: what is on it, and what it says of who manages it. Out: names that tell a person whom to
//! ask.
//!
//! | sign | who |
//! |---|---|
//! | a booking's id begins with `webex-` | the Webex calendar service (its ids in listings of two devices) |
//! | a booking's id is that of another deployment | that one |
//! | `Provisioning Mode` is `TMS`, or a feedback slot leads to a path of TMS | Cisco TMS, whose bookings say nothing of it |
//! | none of these, and bookings that are not ours | somebody |

use std::collections::BTreeSet;

use super::element::Element;
use super::listing::Seen;
use super::session::Session;
use crate::http::Http;
use crate::model::{CiscoSpec, OtherWriter};

/// Where a codec says who manages it, and whom it reports to. TMS uses the third feedback slot
/// (API reference guide of CE9, "HttpFeedback").
const SIGNS: [&str; 2] = ["/Configuration/Provisioning", "/Status/HttpFeedback"];

/// Who put what on the device is not ours, as far as it can be told; two more questions to the device at most. What it does
/// not answer is no sign.
pub async fn other_writers(
    http: &Http,
    session: &mut Session,
    cisco: &CiscoSpec,
    seen: &[Seen],
) -> BTreeSet<OtherWriter> {
    let mut writers = writers_by_id(seen);
    let unnamed = writers.is_empty() || writers.remove(&OtherWriter::Unnamed);
    if unnamed {
        let mut managed = false;
        for location in SIGNS {
            managed = managed || session.subtree(http, cisco, location).await.is_some_and(|root| names_tms(&root));
        }
        if managed {
            writers.insert(OtherWriter::Tms);
        } else if seen.iter().any(|seen| seen.ours.is_none()) {
            writers.insert(OtherWriter::Unnamed);
        }
    }
    writers
}

/// Who put what is not ours, by the ids alone.
#[must_use]
pub fn writers_by_id(seen: &[Seen]) -> BTreeSet<OtherWriter> {
    seen.iter().filter_map(by_id).collect()
}

fn by_id(seen: &Seen) -> Option<OtherWriter> {
    match &seen.deployment {
        _ if seen.ours.is_some() => None,
        Some(deployment) => Some(OtherWriter::Deployment(deployment.clone())),
        None if seen.id.starts_with("webex-") => Some(OtherWriter::WebexCalendar),
        None => Some(OtherWriter::Unnamed),
    }
}

fn names_tms(root: &Element) -> bool {
    root.walk().iter().any(|element| match element.name.as_str() {
        "Provisioning" => element.text_at(&["Mode"]).eq_ignore_ascii_case("TMS"),
        "URL" => element.text.to_ascii_lowercase().contains("/tms/"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_tms_provisions_or_that_reports_to_it_is_managed_by_tms() {
        for (xml, expected) in [
            ("<Configuration><Provisioning><Mode>TMS</Mode></Provisioning></Configuration>", true),
            ("<Configuration><Provisioning><Mode>Webex</Mode></Provisioning></Configuration>", false),
            (
                "<Status><HttpFeedback item=\"3\"><URL>http://tms.example.com/tms/public/feedback/code.aspx</URL></HttpFeedback></Status>",
                true,
            ),
            (
                "<Status><HttpFeedback item=\"1\"><URL>http://panel.example.com/feedback</URL></HttpFeedback></Status>",
                false,
            ),
            ("<EmptyResult/>", false),
        ] {
            assert_eq!(names_tms(&Element::parse(xml.as_bytes()).unwrap()), expected, "{xml}");
        }
    }
}
