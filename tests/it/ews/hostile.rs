//! Answers that no server should give: cut short, mixed up, far too large. Nothing panics.

use otj::ews::autodiscover::directions;
use otj::ews::told::{Reply, ToldFault};
use otj::ews::tree::TreeFault;
use proptest::prelude::*;

use super::{answer, soap, success};

/// Reads it as the answer to everything.
fn read(bytes: &[u8]) {
    let _ = directions(bytes, 1);
    let Ok(reply) = Reply::read(bytes) else { return };
    let _ = (reply.server(), reply.found(), reply.items(1), reply.synced(), reply.converted(1));
    let _ = (reply.subscribed(), reply.notification(), reply.unsubscribed(), reply.streamed(), reply.busy(1));
}

fn whole() -> String {
    let item = "<t:CalendarItem><t:ItemId Id=\"i\" ChangeKey=\"c\"/><t:Subject>&#xD83D;ø</t:Subject><t:Start>2026-11-23T09:00:00Z</t:Start></t:CalendarItem>";
    answer(
        "FindItem",
        &[success(
            "FindItem",
            &format!("<m:RootFolder IncludesLastItemInRange=\"true\"><t:Items>{item}</t:Items></m:RootFolder>"),
        )],
    )
}

#[test]
fn an_answer_cut_anywhere_is_none() {
    let text = whole();
    for end in 0..text.len() {
        let outcome = Reply::read(&text.as_bytes()[..end]).map(|_| ());
        assert!(matches!(outcome, Err(ToldFault::Unreadable(_))), "{end}");
    }
    assert!(Reply::read(text.as_bytes()).unwrap().found().unwrap().complete);
}

#[test]
fn what_is_far_too_large_is_refused_for_what_it_is() {
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;\">]>{}", "a".repeat(1000), soap("&b;"));
    let many = soap(&"<t:a/>".repeat(100_001));
    let deep = soap(&("<a>".repeat(100_000) + &"</a>".repeat(100_000)));
    let attributes: String = (0..200_000).map(|at| format!(" a{at}=\"\"")).collect();
    let wide = soap(&format!("<a{attributes}/>"));
    for (text, fault) in [
        (bomb, TreeFault::Doctype),
        (many, TreeFault::TooLarge),
        (deep, TreeFault::TooLarge),
        (wide, TreeFault::TooLarge),
        (" ".repeat((32 << 20) + 1), TreeFault::TooLarge),
    ] {
        let outcome = Reply::read(text.as_bytes()).map(|_| ());
        assert_eq!(outcome, Err(ToldFault::Unreadable(fault)));
    }
}

/// Of what answers are made.
const PIECES: [&str; 24] = [
    "<s:Envelope>",
    "</s:Envelope>",
    "<s:Body>",
    "</s:Body>",
    "<s:Fault>",
    "</s:Fault>",
    "<m:FindItemResponse>",
    "</m:FindItemResponse>",
    "<m:ResponseMessages>",
    "</m:ResponseMessages>",
    "<t:ItemId Id=\"\"/>",
    "<t:Start>",
    "</t:Start>",
    "2026-11-23T09:00:00Z",
    "9999999-99-99T99:99:99Z",
    "<t:Items>",
    "</t:Items>",
    "&amp;",
    "&#xD800;",
    "&x;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "\u{202e}",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn no_pieces_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        read(pieces.concat().as_bytes());
    }

    #[test]
    fn no_answer_with_a_wrong_part_panics(
        answer in prop::sample::select(vec![0_usize, 1]),
        at in any::<usize>(),
        length in 0_usize..40,
        piece in prop::sample::select(PIECES.to_vec()),
    ) {
        let mut bytes = [whole(), soap("<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")][answer].clone().into_bytes();
        let from = at % bytes.len();
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, piece.bytes());
        read(&bytes);
    }
}
