//! Named MAPI properties of meetings in Exchange: what Teams, Skype for Business and others keep beside the invitation, under the names
//! that `calendar_event.properties` has for them.
//!
//! Sources: deployment guide, "Custom meeting type"; \[MS-OXPROPS\] for PS_PUBLIC_STRINGS and PidTagMessageClass; names as Outlook and
//! the Teams add-in write them (case counts).

/// How Microsoft Graph names a text of PS_PUBLIC_STRINGS; the property's own name follows.
pub const PUBLIC_STRINGS: &str = "String {00020329-0000-0000-C000-000000000046} Name ";

/// By name in MAPI, and in `calendar_event.properties`.
pub const NAMED: [(&str, &str); 6] = [
    ("TeamsVtcConferenceId", "teams_vtc_conference_id"),
    ("TeamsVtcTenantId", "teams_vtc_tenant_id"),
    ("SkypeTeamsMeetingUrl", "skype_teams_meeting_url"),
    ("OnlineMeetingConfLink", "online_meeting_conf_link"),
    ("OnlineMeetingExternalLink", "online_meeting_external_link"),
    ("UCCapabilities", "uc_capabilities"),
];

/// PidTagMessageClass, as Graph names it, and in `calendar_event.properties`.
pub const MESSAGE_CLASS: (&str, &str) = ("String 0x1a", "item_class");

/// What `calendar_event.properties` calls the property that Graph names `id`. Graph writes the set's GUID in either case.
#[must_use]
pub fn guides_name(id: &str) -> Option<&'static str> {
    if id.eq_ignore_ascii_case(MESSAGE_CLASS.0) {
        return Some(MESSAGE_CLASS.1);
    }
    let (set, name) = id.split_at_checked(PUBLIC_STRINGS.len())?;
    let known = NAMED.iter().find(|(mapi, _)| *mapi == name.trim())?;
    set.eq_ignore_ascii_case(PUBLIC_STRINGS).then_some(known.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_known_by_its_set_and_its_name() {
        let public = |name: &str| format!("String {{00020329-0000-0000-c000-000000000046}} Name {name}");
        for (id, expected) in [
            (public("TeamsVtcConferenceId"), Some("teams_vtc_conference_id")),
            (public("UCCapabilities"), Some("uc_capabilities")),
            (public("teamsvtcconferenceid"), None),
            (public(""), None),
            ("String 0x1A".into(), Some("item_class")),
            ("String {00000000-0000-0000-c000-000000000046} Name UCCapabilities".into(), None),
            ("Integer {00020329-0000-0000-C000-000000000046} Name UCCapabilities".into(), None),
            ("String".into(), None),
            ("ü".repeat(40), None),
        ] {
            assert_eq!(guides_name(&id), expected, "{id}");
        }
    }
}
