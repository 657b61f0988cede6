//! The files that `otj init` writes. In: answers. Out: paths below the directory and texts, in the order in which people read them; each
//! begins with the line by which editors find the schema, and says what to edit. Secrets are references to files.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use super::File;
use super::answers::{Answers, Calendar, Endpoint};
use crate::import::text::schema_line;

/// Where `.ics` files are expected, below the directory.
pub(super) const CALENDARS: &str = "calendars";

/// Path and template. A template has `text`, the filter that quotes a value where YAML would read something else.
const TEMPLATES: [(&str, &str); 5] = [
    ("integrations.yaml", include_str!("integrations.yaml.jinja")),
    ("profiles.yaml", include_str!("profiles.yaml.jinja")),
    ("rooms.yaml", include_str!("rooms.yaml.jinja")),
    ("rules.yaml", include_str!("rules.yaml.jinja")),
    ("tests/invitations.yaml", include_str!("invitations.yaml.jinja")),
];

/// What is no document. Hidden files are skipped without being named here.
const IGNORED: &str = "\
# What otj does not read as documents, in the syntax of .gitignore. Edit: add what your pipelines keep here.
drafts/
*.values.yaml
";

/// All files.
pub(super) fn write(answers: &Answers) -> Vec<File> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the delimiters are Jinja's own"));
    environment.add_filter("text", |text: String| scalar(&text));
    let values = context! {
        calendar => word(answers.calendar),
        endpoint => match answers.endpoint { Endpoint::Cisco => "cisco", Endpoint::Poly => "poly" },
        domain => answers.domain.as_str(),
        zone => answers.zone.as_str(),
        room => answers.room.as_str(),
        room_name => answers.room_name.as_str(),
        name => answers.endpoint_name.as_str(),
        address => answers.address.as_deref().unwrap_or_default(),
        calendars => CALENDARS,
    };
    let mut files: Vec<File> = vec![];
    for (path, template) in TEMPLATES {
        let text = environment.render_str(template, &values).expect("our templates use what the context has");
        files.push((path, schema_line(path.matches('/').count()) + &text));
    }
    files.push((".otjignore", IGNORED.to_owned()));
    files
}

/// The secrets that the files name, and what each is.
pub(super) fn secrets(answers: &Answers) -> Vec<(&'static str, String)> {
    let calendar = match answers.calendar {
        Calendar::Google => Some(("google.json", "the service account's JSON key, as downloaded")),
        Calendar::Graph => Some(("graph-client-secret", "the app registration's client secret")),
        Calendar::Exchange => Some(("exchange-password", "the service account's password")),
        Calendar::Caldav => Some(("caldav-password", "the calendar account's password")),
        Calendar::Ics => None,
    };
    let endpoint = match answers.endpoint {
        Endpoint::Cisco => ("cisco-password", "the codecs' password; the account needs the Admin role".to_owned()),
        Endpoint::Poly => ("poly.yaml", format!("a line an endpoint, `{}: \"PASSWORD\"`", answers.endpoint_name)),
    };
    calendar.map(|(file, what)| (file, what.to_owned())).into_iter().chain([endpoint]).collect()
}

fn word(calendar: Calendar) -> &'static str {
    match calendar {
        Calendar::Google => "google",
        Calendar::Graph => "graph",
        Calendar::Exchange => "exchange",
        Calendar::Caldav => "caldav",
        Calendar::Ics => "ics",
    }
}

/// Words that YAML 1.1 or 1.2 reads as something else than a text.
const NO_TEXTS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A value of YAML: bare where it can only be read as this text, else in double quotes, whose escapes are those of JSON.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-/@".contains(c);
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.trim_end() == text
        && !NO_TEXTS.contains(&text.to_ascii_lowercase().as_str());
    let bare = text.chars().all(plain) && (word || text.parse::<std::net::Ipv4Addr>().is_ok());
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_take_for_something_else_is_quoted() {
        for (text, written) in [
            ("vik@example.com", "vik@example.com"),
            ("Europe/Oslo", "Europe/Oslo"),
            ("10.20.0.11", "10.20.0.11"),
            ("10.20", "\"10.20\""),
            ("4711@example.com", "\"4711@example.com\""),
            ("fe80::1", "\"fe80::1\""),
            ("Boardroom 3 - west", "Boardroom 3 - west"),
            ("null", "\"null\""),
            ("No", "\"No\""),
            ("-", "\"-\""),
            ("a ", "\"a \""),
            ("&a@example.com", "\"&a@example.com\""),
            ("Vik: \"3\" # {{ x }}", "\"Vik: \\\"3\\\" # {{ x }}\""),
        ] {
            assert_eq!(scalar(text), written);
            assert_eq!(serde_yaml::from_str::<String>(written).unwrap(), text);
        }
    }
}
