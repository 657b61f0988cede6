//! What the codes of findings mean, for `otj lint --explain`. A code, once given, never changes its meaning.

/// (code, title, what it means and what to do).
pub const CODES: &[(&str, &str, &str)] = &[
    (
        "OTJ001",
        "a file cannot be read",
        "Every file of the directory must be a regular, readable file. A directory with an unreadable file is not adopted: what it would have said is unknown. Mend the file's owner and mode, or list it in `.otjignore`.",
    ),
    (
        "OTJ002",
        "a file is not UTF-8",
        "Documents are UTF-8 text. Convert the file, for instance with `iconv -f latin1 -t utf-8`.",
    ),
    (
        "OTJ003",
        "too much to read",
        "A file may have 16 MiB, all documents together 64 MiB. Split the file, or move data out of the directory.",
    ),
    (
        "OTJ004",
        "not YAML",
        "The file is not well-formed YAML. The place is where the parser gave up; the cause often stands on the line before (indentation, a missing quote, a tab).",
    ),
    (
        "OTJ005",
        "a document grows without bound",
        "Nesting deeper than 64, more than 1,000,000 nodes, or more than 100,000 expanded aliases are refused, since a few lines of aliases can describe more than any machine holds.",
    ),
    (
        "OTJ006",
        "a key stands twice",
        "A mapping names each key once. The second one would silently win, so it is refused.",
    ),
    (
        "OTJ007",
        "not a document",
        "Every document is a mapping with `apiVersion: otj/v1`, `kind`, `metadata` and `spec`.",
    ),
    ("OTJ008", "unknown apiVersion", "This version reads `otj/v1`."),
    ("OTJ009", "unknown kind", "The kind is not one of the language. Kinds are case-sensitive."),
    (
        "OTJ010",
        "an empty directory",
        "A directory without documents is refused, since an unmounted volume looks the same. `--allow-empty` permits it.",
    ),
    (
        "OTJ011",
        "a link leads outside",
        "A symbolic link may lead below the configuration directory or its parent, nowhere else.",
    ),
    (
        "OTJ012",
        "git is at work",
        "`.git/index.lock` was there for a minute; what was read may be half a checkout. Remove the lock when no git command runs.",
    ),
    ("OTJ101", "not a name", "A name has 1 to 250 characters and no control characters."),
    (
        "OTJ102",
        "a reference leads nowhere",
        "The named object is in no document of the directory. Names are case-sensitive.",
    ),
    (
        "OTJ103",
        "a name is given twice",
        "Names are unique within their kind; calendar integrations share one set of names, whatever their kind.",
    ),
    (
        "OTJ104",
        "two Poly endpoints share a login",
        "Logins are unique, also ignoring case, since one login sees one room and NTLM ignores case.",
    ),
    (
        "OTJ105",
        "two endpoints share a device",
        "Two endpoints with one address and port would overwrite each other's bookings.",
    ),
    (
        "OTJ201",
        "unknown field",
        "The field is not part of this kind. Fields are case-sensitive and written in camelCase.",
    ),
    (
        "OTJ202",
        "wrong type",
        "The value has another type than the field. Texts that look like numbers or booleans need quotes.",
    ),
    ("OTJ203", "a field is missing", "The field is required here."),
    ("OTJ204", "not one of the values", "The field takes one of a few words, written exactly so."),
    ("OTJ205", "out of bounds", "The number or the length of the text lies outside of what the field takes."),
    ("OTJ206", "one of several", "Of these fields exactly one is written."),
    ("OTJ207", "both or neither", "These fields belong together: write both or neither."),
    (
        "OTJ208",
        "a value is malformed",
        "The value does not have the form the field needs (address, URL, time, zone name, fingerprint).",
    ),
    ("OTJ209", "not a room e-mail", "A room is named by the one e-mail address of its mailbox, `room@example.com`."),
    (
        "OTJ210",
        "no credentials",
        "The endpoint needs a user name and a password: its own, its group's, or (Cisco) its profile's.",
    ),
    (
        "OTJ211",
        "a template fails",
        "The Jinja2 text could not be rendered for this endpoint or room. It may use endpoint.name, endpoint.labels, room.email, group.name and location.name.",
    ),
    (
        "OTJ212",
        "a named file cannot be used",
        "The file that the document names is not there, not readable, or lies outside of the configuration directory and every --secret-dir.",
    ),
    (
        "OTJ213",
        "rooms are not told apart",
        "Several rooms are read with one CalDavIntegration, and its calendarPath is absent or gives the same path for two of them: one room would show another's meetings. Write calendarPath with `{{ room.email }}`, or give each room an integration of its own.",
    ),
    (
        "OTJ301",
        "a priority is used twice",
        "Rules of a profile are tried in the order of their priorities, so each has its own.",
    ),
    (
        "OTJ302",
        "a rule lacks a field of its type",
        "Regex needs `match`, Custom needs `template`, Domain needs `domain`.",
    ),
    ("OTJ303", "a rule has a field its type does not use", "The field has no effect on this type."),
    ("OTJ304", "not a regular expression", "The pattern does not compile. Patterns are written as in Python or Perl."),
    ("OTJ305", "not a template", "The Jinja2 text does not compile, or uses what templates may not use."),
    ("OTJ306", "a test case cannot run", "A case needs exactly one of `event` and `file`, and an end after its start."),
    (
        "OTJ401",
        "a secret is written into the directory",
        "The directory lives in git, where a secret stays for ever. Refer to a file or a variable, or pass --allow-inline-secrets.",
    ),
    (
        "OTJ402",
        "not a secret reference",
        "A secret is exactly one of {file: PATH}, {file: PATH, key: NAME}, {env: NAME}, {value: TEXT}.",
    ),
    (
        "OTJ403",
        "a secret is missing",
        "The reference leads to no usable value. The object that needs it stays without, everything else goes on.",
    ),
    (
        "OTJ404",
        "a password is short",
        "Passwords of Poly endpoints are login keys that can be tried from the network; give them 16 characters or more.",
    ),
    (
        "OTJ405",
        "a password is shared",
        "Two Poly endpoints with one password are one leak away from each other's meetings.",
    ),
    ("OTJ501", "a group without profile", "Nothing is done for a group without a profile, nor for its endpoints."),
    (
        "OTJ502",
        "an endpoint without profile",
        "An endpoint belongs to a group, or names a profile itself; without either nothing is done for it.",
    ),
    ("OTJ503", "an integration nobody uses", "No profile and no group refers to the integration."),
    (
        "OTJ504",
        "very many days",
        "More than 31 days ahead cost every read time and quota, and few endpoints show them.",
    ),
    (
        "OTJ505",
        "endpoints disagree about their room",
        "Endpoints of one room stand in groups with different time zones; the first by name decides.",
    ),
    (
        "OTJ506",
        "a profile that finds nothing",
        "The profile has no rule that is in effect and no fallback: no meeting gets a Join button.",
    ),
    (
        "OTJ901",
        "a kind is not in effect yet",
        "The kind belongs to the language, but this version does nothing with it.",
    ),
    (
        "OTJ902",
        "a field is not in effect yet",
        "The field belongs to the language, but this version does nothing with it.",
    ),
    (
        "OTJ903",
        "a rule type is not in effect yet",
        "The type belongs to the language, but this version skips the rule; the trace says so.",
    ),
    (
        "OTJ904",
        "a file type is not in effect yet",
        "Where the directory was read, test invitations come from `.json` files or from `event` alone. `otj lint` and `otj test` also read `.ics` and `.eml`.",
    ),
];

/// Title and explanation of `code`.
#[must_use]
pub fn explain(code: &str) -> Option<(&'static str, &'static str)> {
    CODES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(code)).map(|(_, title, text)| (*title, *text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(explain("otj102").is_some() && explain("OTJ000").is_none());
    }
}
