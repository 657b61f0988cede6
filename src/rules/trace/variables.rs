//! What a rule found, by name, for its transform. They are few, so they stand in one row: a tree costs more than looking at each.

use std::borrow::Cow;

use serde::Serialize;

/// Variables of a transform by name, in the order of their names. Those of types have names that are known before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(Vec<(Cow<'static, str>, String)>);

impl Variables {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(vec![])
    }

    /// The value of the one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&String> {
        self.0.iter().find(|(each, _)| each == name).map(|(_, value)| value)
    }

    /// Adds one, in the place of the one that has its name.
    pub fn insert(&mut self, name: impl Into<Cow<'static, str>>, value: String) {
        let name = name.into();
        match self.0.binary_search_by(|(each, _)| each.cmp(&name)) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Each with its value, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Cow<'static, str>>> FromIterator<(N, String)> for Variables {
    fn from_iter<P: IntoIterator<Item = (N, String)>>(pairs: P) -> Self {
        let pairs = pairs.into_iter();
        let mut variables = Self(Vec::with_capacity(pairs.size_hint().0));
        pairs.for_each(|(name, value)| variables.insert(name, value));
        variables
    }
}

impl Serialize for Variables {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::Variables;

    #[test]
    fn each_name_has_its_last_value_in_the_order_of_names() {
        let mut variables = Variables::from_iter([("pin", "1".to_owned()), ("domain", "a.example".to_owned())]);
        variables.insert("meeting_id", "2".to_owned());
        variables.insert("pin", "3".to_owned());
        let expected = [("domain", "a.example"), ("meeting_id", "2"), ("pin", "3")];
        assert_eq!(variables.iter().collect::<Vec<_>>(), expected);
        assert_eq!(serde_json::to_string(&variables).unwrap(), r#"{"domain":"a.example","meeting_id":"2","pin":"3"}"#);
        assert_eq!(
            (variables.get("pin").map(String::as_str), variables.get("x"), variables.len()),
            (Some("3"), None, 3)
        );
        assert!(Variables::new().is_empty() && !variables.is_empty());
    }
}
