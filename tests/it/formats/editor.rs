//! yaml-language-server, the program behind YAML in most editors, on our schema: it completes, and explains.

use std::process::Command;

use serde_json::{Value, json};

use crate::python::{ask, root};

const ENDPOINT: &str = "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: a}\nspec:\n";

/// Asks the server; see `tests/browser/completion.mjs`.
fn answers(questions: &Value) -> Vec<Value> {
    assert!(root("target/npm/node_modules").exists(), "run `ci/test` once, which installs the language server");
    let mut command = Command::new("node");
    command.arg(root("tests/browser/completion.mjs")).arg(root("schema/otj.schema.json"));
    ask(command, questions).as_array().unwrap().clone()
}

#[test]
fn an_editor_completes_fields_and_values_and_explains_them() {
    let fields = json!({"text": format!("{ENDPOINT}  \n"), "at": [4, 2], "ask": "completion"});
    let values = json!({
        "text": format!("{ENDPOINT}  roomEmail: a@example.com\n  poly:\n    model: \n"), "at": [6, 11], "ask": "completion",
    });
    let kinds = json!({"text": "apiVersion: otj/v1\nkind: \n", "at": [1, 6], "ask": "completion"});
    let field =
        json!({"text": format!("{ENDPOINT}  roomEmail: a@example.com\n  mdoe: x\n"), "at": [4, 4], "ask": "hover"});
    let mut questions = vec![];
    for (form, question) in [
        ("settings", &fields),
        ("settings", &values),
        ("settings", &kinds),
        ("settings", &field),
        ("modeline", &fields),
        ("store", &values),
    ] {
        let mut question = question.clone();
        question["form"] = form.into();
        questions.push(question);
    }
    let found = answers(&json!(questions));
    let labels = |index: usize| -> Vec<&str> {
        found[index]["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect()
    };
    for form in [0, 4] {
        for field in ["roomEmail", "group", "cisco", "poly", "webex", "startBufferMinutes"] {
            assert!(labels(form).contains(&field), "{field}: {}", found[form]);
        }
        assert!(!labels(form).contains(&"timeZone"), "a field of EndpointGroup: {}", found[form]);
        assert!(found[form]["documented"].as_u64().unwrap() >= 6, "{}", found[form]);
    }
    for form in [1, 5] {
        assert_eq!(labels(form), ["Auto", "Group", "Trio", "Hdx", "StudioX", "Debut"]);
    }
    assert!(labels(2).contains(&"EndpointGroup") && labels(2).contains(&"RuleTest"), "{}", found[2]);
    assert!(found[3]["hover"].as_str().unwrap().contains("mailbox"), "{}", found[3]);
    assert_eq!(found[3]["diagnostics"], json!(["Property mdoe is not allowed.", "Missing property \"cisco\"."]));
}
