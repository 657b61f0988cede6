//! In which file a new document goes. What stands already shows the way: endpoints go where their group's other endpoints are, rules
//! where the profile's other rules are. In: a draft and the directory. Out: a path below the root.
//!
//! | kind | file |
//! |---|---|
//! | integrations | `integrations.yaml` |
//! | `Location` | `locations.yaml` |
//! | `Profile` | `profiles.yaml` |
//! | `Rule` | `rules/PROFILE.yaml` |
//! | `EndpointGroup`, `Endpoint` | `groups/GROUP.yaml`; an endpoint without group `endpoints.yaml` |
//! | `EndpointTable` | `tables.yaml` |
//! | others | their kind's name |

use std::collections::BTreeMap;

use super::draft::Draft;
use super::existing::Existing;

/// What decides the file: documents alike in this stand together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Shelf {
    Integrations,
    Locations,
    Profiles,
    Tables,
    Rules(String),
    Group(String),
    Ungrouped,
    Other(String),
}

/// The files of a directory, and where things are put.
#[derive(Debug, Default)]
pub(super) struct Layout {
    shelves: BTreeMap<Shelf, String>,
    taken: BTreeMap<String, Shelf>,
}

impl Layout {
    /// Learns from what stands.
    pub(super) fn of(existing: &Existing) -> Self {
        let mut layout = Self::default();
        for file in &existing.files {
            layout.taken.insert(file.path.to_lowercase(), Shelf::Other(String::new()));
        }
        // The last document decides, an endpoint before its group: that is where people add one.
        let groups_first =
            |endpoint: bool| existing.documents.iter().filter(move |it| (it.kind() == "Endpoint") == endpoint);
        for standing in groups_first(false).chain(groups_first(true)) {
            let of = |pointer: &str| standing.text(pointer);
            let shelf = shelf(standing.kind(), standing.name(), of("/spec/profile"), of("/spec/group"));
            layout.shelves.insert(shelf, existing.files[standing.file].path.clone());
        }
        layout
    }

    /// The file for a new document.
    pub(super) fn place(&mut self, draft: &Draft) -> String {
        let shelf = shelf(draft.kind, &draft.name, draft.text("/spec/profile"), draft.text("/spec/group"));
        if let Some(path) = self.shelves.get(&shelf) {
            return path.clone();
        }
        let stem = match &shelf {
            Shelf::Integrations => "integrations".to_owned(),
            Shelf::Locations => "locations".to_owned(),
            Shelf::Profiles => "profiles".to_owned(),
            Shelf::Tables => "tables".to_owned(),
            Shelf::Rules(profile) => format!("rules/{}", slug(profile)),
            Shelf::Group(group) => format!("groups/{}", slug(group)),
            Shelf::Ungrouped => "endpoints".to_owned(),
            Shelf::Other(kind) => slug(kind),
        };
        // Two names may differ in letters that file names do not keep.
        let mut path = format!("{stem}.yaml");
        for number in 2.. {
            if !self.taken.contains_key(&path) {
                break;
            }
            path = format!("{stem}-{number}.yaml");
        }
        self.taken.insert(path.clone(), shelf.clone());
        self.shelves.insert(shelf, path.clone());
        path
    }
}

fn shelf(kind: &str, name: &str, profile: &str, group: &str) -> Shelf {
    match kind {
        kind if kind.ends_with("Integration") => Shelf::Integrations,
        "Location" => Shelf::Locations,
        "Profile" => Shelf::Profiles,
        "EndpointTable" => Shelf::Tables,
        "Rule" => Shelf::Rules(profile.to_owned()),
        "EndpointGroup" => Shelf::Group(name.to_owned()),
        "Endpoint" if group.is_empty() => Shelf::Ungrouped,
        "Endpoint" => Shelf::Group(group.to_owned()),
        other => Shelf::Other(other.to_owned()),
    }
}

/// A name as part of a file name: small letters, digits and hyphens.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'ä' | 'æ' => slug.push_str("ae"),
            'ö' | 'ø' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'å' => slug.push_str("aa"),
            'ß' => slug.push_str("ss"),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    let slug: String = slug.trim_end_matches('-').chars().take(80).collect();
    if slug.is_empty() { "unnamed".into() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::existing::ConfigFile;

    #[test]
    fn new_documents_go_where_their_like_stand() {
        let file = |path: &str, text: &str| ConfigFile { path: path.into(), text: text.into() };
        let existing = Existing::read(vec![
            file("all.yaml", "kind: EndpointGroup\nmetadata: {name: Oslo}\n---\nkind: Rule\nmetadata: {name: r}\nspec: {profile: hq}\n"),
            file("groups/bergen.yaml", "# empty\n"),
            file("rooms.yml", "kind: Endpoint\nmetadata: {name: a}\nspec: {group: Oslo}\n"),
        ])
        .unwrap();
        let mut layout = Layout::of(&existing);
        for (kind, name, pointer, value, path) in [
            ("Endpoint", "b", "/spec/group", "Oslo", "rooms.yml"),
            ("Rule", "s", "/spec/profile", "hq", "all.yaml"),
            ("Rule", "s", "/spec/profile", "Båt & ö", "rules/baat-oe.yaml"),
            ("Rule", "t", "/spec/profile", "båt ö", "rules/baat-oe-2.yaml"),
            ("EndpointGroup", "bergen", "/spec/profile", "hq", "groups/bergen-2.yaml"),
            ("Endpoint", "c", "/spec/group", "bergen", "groups/bergen-2.yaml"),
            ("Endpoint", "d", "/spec/x", "", "endpoints.yaml"),
            ("GraphIntegration", "e", "/spec/x", "", "integrations.yaml"),
            ("WebexIntegration", "f", "/spec/x", "", "integrations.yaml"),
            ("EndpointGroup", "../會議", "/spec/x", "", "groups/unnamed.yaml"),
            ("RuleSet", "g", "/spec/x", "", "ruleset.yaml"),
        ] {
            let mut draft = Draft::new(kind, name, "");
            draft.set(pointer, value);
            assert_eq!(layout.place(&draft), path, "{kind} {name}");
        }
    }
}
