//! The manager's answers, by resource. In: JSON, as a list answer or a bare array. Out: objects, and what a reference leads to, whether
//! it is written as a URI or as an object that holds one.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is read: resources, and whether an installation may lack them.
pub const RESOURCES: [&str; 9] = [
    "system_location",
    "mjx_integration",
    "mjx_endpoint_group",
    "mjx_endpoint",
    "mjx_meeting_processing_rule",
    "mjx_google_deployment",
    "mjx_graph_deployment",
    "mjx_exchange_deployment",
    "mjx_exchange_autodiscover_url",
];

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not JSON.
    #[error("the answer for {0} is not JSON")]
    NotJson(String),
    /// JSON of another kind.
    #[error("the answer for {0} is neither a list answer nor an array of objects")]
    NotAList(String),
    /// More was there than was saved.
    #[error("the answer for {resource} holds {held} of {total} objects; save it with a larger limit")]
    Part {
        /// Which.
        resource: String,
        /// Objects there are.
        held: usize,
        /// Objects there should be.
        total: usize,
    },
}

/// All objects of a manager.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    objects: BTreeMap<String, Vec<Value>>,
    by_uri: BTreeMap<String, (String, usize)>,
}

impl Answers {
    /// Takes a saved answer.
    ///
    /// # Errors
    /// When it is no list, or only the first page of one.
    pub fn add_saved(&mut self, resource: &str, text: &str) -> Result<(), BadAnswer> {
        let answer: Value = serde_json::from_str(text).map_err(|_| BadAnswer::NotJson(resource.into()))?;
        let objects = match &answer {
            Value::Array(objects) => objects,
            _ => answer["objects"].as_array().ok_or_else(|| BadAnswer::NotAList(resource.into()))?,
        };
        let total = answer.pointer("/meta/total_count").and_then(Value::as_u64).and_then(|it| usize::try_from(it).ok());
        if let Some(total) = total.filter(|total| *total > objects.len()) {
            return Err(BadAnswer::Part { resource: resource.into(), held: objects.len(), total });
        }
        self.add(resource, objects.clone())
    }

    /// Takes objects of a resource.
    ///
    /// # Errors
    /// When something in the list is no object.
    pub fn add(&mut self, resource: &str, objects: Vec<Value>) -> Result<(), BadAnswer> {
        let list = self.objects.entry(resource.to_owned()).or_default();
        for object in objects {
            if !object.is_object() {
                return Err(BadAnswer::NotAList(resource.into()));
            }
            if let Some(uri) = object["resource_uri"].as_str() {
                self.by_uri.insert(uri.to_owned(), (resource.to_owned(), list.len()));
            }
            list.push(object);
        }
        Ok(())
    }

    /// The objects of a resource, in the order of the answer.
    #[must_use]
    pub fn of(&self, resource: &str) -> &[Value] {
        self.objects.get(resource).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a field refers to.
    #[must_use]
    pub fn referred(&self, object: &Value, field: &str) -> Option<&Value> {
        let reference = &object[field];
        let uri = reference.as_str().or_else(|| reference["resource_uri"].as_str())?;
        let (resource, index) = self.by_uri.get(uri)?;
        self.objects.get(resource)?.get(*index)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_lists_and_references_are_read() {
        let mut answers = Answers::default();
        answers.add_saved("system_location", r#"[{"name": "oslo", "resource_uri": "/x/1/"}]"#).unwrap();
        let list = r#"{"meta": {"total_count": 1}, "objects": [{"a": "/x/1/", "b": {"resource_uri": "/x/1/"}, "c": null, "d": "/x/2/"}]}"#;
        answers.add_saved("mjx_endpoint_group", list).unwrap();
        let group = &answers.of("mjx_endpoint_group")[0];
        for (field, name) in [("a", Some("oslo")), ("b", Some("oslo")), ("c", None), ("d", None)] {
            assert_eq!(
                answers.referred(group, field).map(|it| it["name"].clone()),
                name.map(|it| json!(it)),
                "{field}"
            );
        }
        for (text, wanted) in [
            ("<html>", "not JSON"),
            ("{}", "neither a list"),
            ("[1]", "neither a list"),
            (r#"{"meta": {"total_count": 3}, "objects": [{}]}"#, "holds 1 of 3"),
        ] {
            let error = Answers::default().add_saved("r", text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
