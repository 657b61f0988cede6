//! What a device says is written down without secrets, asked again, and what is typed on devices is printed.

use std::process::Command;
use std::time::Duration;

use super::desk::{PASSWORD, booking, find, get, ids, items, open};
use otj::model::EndpointName;

fn otj(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn what_was_recorded_of_a_device_holds_no_secret_and_is_answered_alike_when_it_is_asked_again() {
    let desk = open().await;
    desk.publish("fjord", vec![booking("Merger with Acme", "2026-11-23T09:00:00Z", Some("77@vc.example.com"))]);
    let endpoint = EndpointName::parse("fjord-poly").unwrap();
    let now = || desk.clock.now().mono;
    desk.tracer.begin(&endpoint, Duration::from_secs(60), now());
    let folder = "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>room.fjord@example.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:FolderIds></m:GetFolder>";
    desk.post(None, "<hello/>").await;
    desk.ask("fjord", folder).await;
    let (_, listed) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
    desk.ask("fjord", &get(&ids(items(&listed)))).await;
    desk.ask("vik", folder).await;
    desk.post(Some(&otj::auth::basic::header("fjord", "wrong password")), "").await;
    let (exchanges, on) = desk.tracer.look(&endpoint, now()).unwrap();
    let statuses: Vec<u16> = exchanges.iter().map(|traced| traced.status).collect();
    assert_eq!((statuses.as_slice(), on), (&[401, 200, 200, 200, 401][..], true), "nothing of vik's");
    let text = serde_json::to_string(&serde_json::json!({ "endpoint": endpoint, "exchanges": exchanges })).unwrap();
    for secret in ["Merger", "77@vc", "Ada", "room.fjord", PASSWORD, "wrong", "Zmpvcm", "77"] {
        assert!(!text.contains(secret) || secret == "77" && !text.contains("77@"), "{secret}");
    }
    assert!(text.contains("CalendarView") && text.contains("2026-11-23T09:00:00Z"), "times stay");

    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("fjord.json");
    std::fs::write(&file, &text).unwrap();
    let (code, out, error) = otj(&["sim", "poly", "--replay", file.to_str().unwrap()]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out}{error}");
    assert!(out.contains("200 GetItemResponse NoError"), "{out}");
    std::fs::write(&file, text.replace("NoError", "ErrorItemNotFound")).unwrap();
    let (code, out, _) = otj(&["sim", "poly", "--replay", file.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("NoError, was 200"), "{out}");
}

#[test]
fn the_settings_of_each_poly_endpoint_are_printed_and_passwords_only_into_a_file_of_ones_own() {
    let example = crate::python::root("examples/ics-poly/otj.d");
    let (code, out, error) =
        otj(&["export", "poly-settings", "--server", "otj.example.com", "--config", example.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{error}");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("endpoint,model,server,user_name,domain,password,mailbox,needs_port_443,settings"));
    let rest: Vec<&str> = lines.collect();
    assert!(!rest.is_empty() && rest.iter().all(|line| line.contains("otj.example.com")), "{out}");
    let (code, _, error) =
        otj(&["export", "poly-settings", "--server", "https://x/y", "--config", example.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{error}");
}
