//! What the families do differently, and how one is recognised.
//!
//! | sign                                   | family   | source                                                       |
//! |----------------------------------------|----------|--------------------------------------------------------------|
//! | `poly.model` in the documents          | that one | overrides everything                                         |
//! | User-Agent names `Trio`                | Trio     | of its provisioning client and SIP                           |
//! | … `PolyStudioX`, `G7500`, `G_SERIES`   | Studio X | of its provisioning client                                   |
//! | … `HDX`; `Debut`                       | those    | names of the products                                        |
//! | … `Group`, or Android's own `Dalvik`   | Group    | of its provisioning client                                   |
//! | no name, no version in its requests    | Group    | ids that Group and HDX print are those of Exchange 2007 RTM  |
//! | anything else                          | not known |                                                             |
//!
//! A Trio keeps meetings it is not told of any more (`exchange.meeting.deleteUnlistedEvents` is off by default) and hides those that are
//! cancelled, so it is shown withdrawn ones as cancelled until their end. The others would show them crossed out.

use crate::ews::Dialect;
use crate::model::device::PolyModel;

/// The family of a device: as documents say, else by what it calls itself, else by how it speaks.
pub(super) fn recognised(said: PolyModel, user_agent: Option<&str>, dialect: Dialect) -> PolyModel {
    if said != PolyModel::Auto {
        return said;
    }
    let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    match () {
        () if names(&["trio"]) => PolyModel::Trio,
        () if names(&["studiox", "studio x", "g7500", "g_series"]) => PolyModel::StudioX,
        () if names(&["hdx"]) => PolyModel::Hdx,
        () if names(&["debut"]) => PolyModel::Debut,
        () if names(&["realpresencegroup", "group series", "groupseries", "dalvik"]) => PolyModel::Group,
        () if agent.is_empty() && dialect == Dialect::Rtm2007 => PolyModel::Group,
        () => PolyModel::Auto,
    }
}

/// Whether it goes on showing what it is not told of any more.
pub(super) fn keeps_unlisted(model: PolyModel) -> bool {
    model == PolyModel::Trio
}

/// Its name in status and logs; `None`: not known.
pub(super) fn name(model: PolyModel) -> Option<&'static str> {
    match model {
        PolyModel::Auto => None,
        PolyModel::Group => Some("Group"),
        PolyModel::Trio => Some("Trio"),
        PolyModel::Hdx => Some("Hdx"),
        PolyModel::StudioX => Some("StudioX"),
        PolyModel::Debut => Some("Debut"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_recognised_by_name_then_by_dialect_and_documents_override_both() {
        for (agent, dialect, model) in [
            (Some("PolycomRealPresenceTrio-Trio_8800-UA/7.2.2.1094"), Dialect::Newer, PolyModel::Trio),
            (Some("FileTransport G_SERIES-PolyStudioX30-UA/3.10.0_362035"), Dialect::Newer, PolyModel::StudioX),
            (Some("Dalvik/1.6.0 (Linux; U; Android 4.0.3; mars Build/IML74K)"), Dialect::Rtm2007, PolyModel::Group),
            (None, Dialect::Rtm2007, PolyModel::Group),
            (None, Dialect::Sp1, PolyModel::Auto),
            (Some("python-requests/2"), Dialect::Rtm2007, PolyModel::Auto),
        ] {
            assert_eq!(recognised(PolyModel::Auto, agent, dialect), model, "{agent:?}");
            assert_eq!(recognised(PolyModel::Hdx, agent, dialect), PolyModel::Hdx);
        }
    }
}
