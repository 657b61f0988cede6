//! OTJ209: texts that name no mailbox.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;
use crate::model::RoomEmail;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let (pointer, email) = match &document.spec {
            Spec::Endpoint(it) => ("/spec/roomEmail", &it.room_email),
            Spec::Room(it) => ("/spec/email", &it.email),
            _ => continue,
        };
        if RoomEmail::parse(email).is_err() {
            let place = looked.directory.value(document, pointer);
            let finding = Diagnostic::error("OTJ209", place, "this is not the e-mail address of a room");
            findings.push(finding.help("write the one address of the room's mailbox, `room@example.com`"));
        }
    }
}
