//! In which order the fields of a document are written: as the manual lists them. In: a kind and two fields. Out: which comes first.

use std::cmp::Ordering;

/// Fields of every document, then those of `metadata`.
const ENVELOPE: &[&str] = &["apiVersion", "kind", "metadata", "spec"];
const METADATA: &[&str] = &["name", "description", "labels", "annotations", "renamedFrom"];

/// Fields below `spec`, by kind; what is not listed comes after, by name.
const SPEC: &[(&str, &[&str])] = &[
    (
        "GoogleIntegration",
        &[
            "serviceAccounts",
            "userAuthorization",
            "maxApiRequestsPerDay",
            "maxRequestsPerMinutePerAccount",
            "tokenUrl",
            "authorizationUrl",
            "apiUrl",
        ],
    ),
    (
        "GraphIntegration",
        &[
            "clientId",
            "clientSecret",
            "clientCertificate",
            "clientSecretExpires",
            "tokenUrl",
            "maxApiRequestsPerDay",
            "graphFqdn",
            "apiUrl",
        ],
    ),
    (
        "ExchangeIntegration",
        &[
            "serviceAccountUsername",
            "basic",
            "ntlm",
            "oauth",
            "appOnly",
            "findItemsRequestsPerDay",
            "autodiscoverUrls",
            "autodiscoverTrust",
            "ewsUrl",
        ],
    ),
    ("CalDavIntegration", &["url", "username", "password", "calendarPath", "maxRequestsPerDay"]),
    ("IcsIntegration", &["directory", "file", "url"]),
    ("WebexIntegration", &["oauth", "serviceApp", "botToken", "apiDomain", "apiUrl"]),
    (
        "Profile",
        &[
            "integration",
            "ruleSets",
            "webex",
            "upcomingDays",
            "nonVideoMeetings",
            "privateMeetings",
            "processAliasForPrivateMeetings",
            "replaceSubject",
            "replaceSubjectTemplate",
            "replaceEmptySubject",
            "startBufferMinutes",
            "endBufferMinutes",
            "aliasDomains",
            "dialNumbers",
            "cisco",
            "fallback",
        ],
    ),
    (
        "EndpointGroup",
        &[
            "profile",
            "location",
            "integration",
            "disableWebProxy",
            "timeZone",
            "overrides",
            "cisco",
            "poly",
            "onRemove",
        ],
    ),
    (
        "Endpoint",
        &[
            "group",
            "profile",
            "roomEmail",
            "raiseAlarms",
            "startBufferMinutes",
            "endBufferMinutes",
            "cisco",
            "poly",
            "webex",
        ],
    ),
    ("EndpointTable", &["file", "defaults"]),
    ("Room", &["email", "displayName", "timeZone", "calendarPath", "calendarUrl"]),
    (
        "Rule",
        &[
            "profile",
            "priority",
            "type",
            "enabled",
            "includePassword",
            "companyId",
            "domain",
            "defaultProcessing",
            "transform",
            "match",
            "replace",
            "template",
            "when",
            "protocol",
        ],
    ),
    ("RuleSet", &["priority", "rules"]),
    ("Location", &["webProxy", "maxActiveNodes", "timeZone", "polyHost", "oauth"]),
    ("RuleTest", &["profile", "cases"]),
];

/// Fields of maps inside; one list serves them all, since no two of them want another order.
const INNER: &[&str] = &[
    "name",
    "description",
    "email",
    "address",
    "port",
    "url",
    "clientId",
    "username",
    "password",
    "tls",
    "useHttps",
    "file",
    "key",
    "env",
    "value",
    "privateKey",
    "clientSecret",
    "event",
    "subject",
    "organizer",
    "location",
    "body",
    "bodyHtml",
    "properties",
    "private",
    "expect",
    "alias",
    "rule",
    "redirectUri",
    "authorizationUrl",
    "tokenUrl",
    "deviceId",
    "model",
    "emit",
];

/// Which of two fields of the map at `path` (`["spec"]`) comes first.
pub(super) fn compare(kind: &str, path: &[String], a: &str, b: &str) -> Ordering {
    let list = match path.first().map(String::as_str) {
        None => ENVELOPE,
        Some("metadata") if path.len() == 1 => METADATA,
        Some("metadata") => &[],
        _ if path.len() == 1 => SPEC.iter().find(|(of, _)| *of == kind).map_or(INNER, |(_, list)| *list),
        _ => INNER,
    };
    let rank = |field: &str| list.iter().position(|listed| *listed == field).unwrap_or(usize::MAX);
    rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
}
