//! A streaming answer, however it arrives.

use otj::ews::code::Class;
use otj::ews::told::ToldFault;
use otj::ews::told::notices::Streamed;
use otj::ews::told::stream::{ENVELOPE_MAX, Stream};
use proptest::prelude::*;

use super::{answer, failure, faults, success};

const STREAMING: &str = "GetStreamingEvents";
const ALIVE: &str = "<m:ConnectionStatus>OK</m:ConnectionStatus>";
const CLOSED: &str = "<m:ConnectionStatus>Closed</m:ConnectionStatus>";

fn event(name: &str, id: &str) -> String {
    format!(
        "<t:{name}><t:TimeStamp>2026-11-23T09:00:00Z</t:TimeStamp><t:{id} Id=\"a&gt;'b\" ChangeKey=\"c\"/><t:ParentFolderId Id=\"f\"/></t:{name}>"
    )
}

/// What one subscription has to tell.
fn notification(subscription: &str, events: &str) -> String {
    format!("<t:Notification><t:SubscriptionId>{subscription}</t:SubscriptionId>{events}</t:Notification>")
}

fn envelope(inside: &str) -> String {
    answer(STREAMING, &[success(STREAMING, inside)])
}

fn news() -> String {
    let events = event("ModifiedEvent", "FolderId") + &event("CreatedEvent", "ItemId");
    let told = notification("s1", &events) + &notification("s2", "<t:StatusEvent/>");
    envelope(&format!("<m:Notifications>{told}</m:Notifications>"))
}

fn lost() -> String {
    let ids = "<m:ErrorSubscriptionIds><m:SubscriptionId>s3</m:SubscriptionId></m:ErrorSubscriptionIds>";
    answer(STREAMING, &[failure(STREAMING, "Error", "ErrorSubscriptionNotFound", &format!("{ids}{CLOSED}"))])
}

/// A whole stream, with everything between and in envelopes that XML allows there.
fn body() -> String {
    let odd = envelope(ALIVE)
        .replace("<m:ConnectionStatus>", "<!-- a > -- b <x> --><?p '\" ?><m:ConnectionStatus k='>' j=\"/>\">")
        .replace("OK<", "<![CDATA[O]]]]><![CDATA[K]]><");
    format!("\u{feff}{}\r\n\r\n{}{}  \n{}{odd}{}", envelope(ALIVE), news(), envelope(""), lost(), envelope(CLOSED))
}

/// One line an envelope.
fn shown(told: &Result<Streamed, ToldFault>) -> String {
    match told {
        Err(fault) => format!("{fault:?}"),
        Ok(told) => {
            let mut parts: Vec<String> =
                told.notifications.iter().map(|it| format!("{} {}", it.subscription, it.events)).collect();
            parts.extend(told.lost.iter().map(|it| format!("{} {:?}", it.said.code(), it.subscriptions)));
            parts.extend(told.closed.then(|| "closed".to_owned()));
            if parts.is_empty() { "alive".into() } else { parts.join(", ") }
        }
    }
}

/// Feeds the pieces; the last line says how it ended.
fn fed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut stream = Stream::new();
    let mut told: Vec<String> = Vec::new();
    for piece in pieces {
        told.extend(stream.feed(piece).iter().map(shown));
    }
    told.push(match stream.finish() {
        Ok(()) => "end".into(),
        Err(fault) => format!("{fault:?}"),
    });
    told
}

#[test]
fn one_body_is_many_envelopes_and_a_silent_one_says_that_it_lives() {
    let told = fed([body().as_bytes()]);
    assert_eq!(
        told,
        ["alive", "s1 2, s2 0", "alive", "ErrorSubscriptionNotFound [\"s3\"], closed", "alive", "closed", "end"]
    );
    // As the reference's example has it.
    let told = fed([news().replace("t:Notification", "m:Notification").as_bytes()]);
    assert_eq!(told, ["s1 2, s2 0", "end"]);
    let mut stream = Stream::new();
    let first = stream.feed(news().as_bytes()).remove(0).unwrap();
    assert_eq!(first.server.unwrap().to_string(), "15.1.2507.6");
    let lost = stream.feed(lost().as_bytes()).remove(0).unwrap().lost.remove(0);
    assert_eq!(lost.said.class(), Class::Resync);
}

#[test]
fn an_envelope_is_told_with_its_last_byte_and_not_before() {
    let text = news();
    let (most, last) = text.as_bytes().split_at(text.len() - 1);
    let mut stream = Stream::new();
    assert!(stream.feed(most).is_empty());
    assert_eq!(stream.feed(last).len(), 1);
    assert_eq!(fed([most]).last().unwrap(), "Unreadable(Malformed)");
}

#[test]
fn parts_that_come_without_their_envelope_are_read_too() {
    let text = news();
    let bare = |name: &str| {
        let (from, to) = (text.find(&format!("<s:{name}")).unwrap(), text.find(&format!("</s:{name}>")).unwrap());
        text[from..to + name.len() + 5].replacen(' ', " xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" ", 1)
    };
    let header = bare("Header").replacen("<s:Header>", "<s:Header xmlns:s='u'>", 1);
    assert_eq!(fed([header.as_bytes(), bare("Body").as_bytes()]), ["alive", "s1 2, s2 0", "end"]);
}

#[test]
fn what_is_no_stream_of_envelopes_ends_it_after_what_was_good() {
    let good = envelope(ALIVE);
    let endless = format!("<a>{}", "x".repeat(ENVELOPE_MAX));
    for (text, fault) in [
        ("<html><body>Sign in", None),
        ("HTTP/1.1 502 Bad Gateway", Some("NotSoap")),
        ("<html><body>Sign in</body></html>", Some("NotSoap")),
        ("<!DOCTYPE html><html>", Some("Unreadable(Doctype)")),
        ("<a><!DOCTYPE b [<!ENTITY c \"d\">]></a>", Some("Unreadable(Doctype)")),
        ("</a>", Some("Unreadable(Malformed)")),
        ("<a></b>", Some("Unreadable(Malformed)")),
        ("<>", Some("Unreadable(Malformed)")),
        ("<a>&c;</a>", Some("Unreadable(Entity)")),
        ("<![CDATA[x]]>", Some("Unreadable(Malformed)")),
        (endless.as_str(), Some("Unreadable(TooLarge)")),
        ("<a/>", Some("NotSoap")),
        (&"<a>".repeat(65), None),
    ] {
        let told = fed([good.as_bytes(), text.as_bytes(), good.as_bytes()]);
        let mut expected = vec!["alive"];
        expected.extend(fault);
        expected.push(if fault.is_some() { "end" } else { "Unreadable(Malformed)" });
        assert_eq!(told, expected, "{}", &text[..text.len().min(60)]);
    }
    let deep = "<a>".repeat(65) + &"</a>".repeat(65);
    assert_eq!(fed([deep.as_bytes()]), ["Unreadable(TooLarge)", "end"]);
}

#[test]
fn a_fault_in_place_of_the_stream_is_told_as_what_it_is() {
    let text = super::soap(
        "<s:Fault><faultcode>a:ErrorServerBusy</faultcode><detail><ResponseCode>ErrorServerBusy</ResponseCode></detail></s:Fault>",
    );
    let mut stream = Stream::new();
    assert!(
        matches!(stream.feed(text.as_bytes()).remove(0), Err(ToldFault::Said(said)) if said.code() == "ErrorServerBusy")
    );
    assert!(stream.feed(news().as_bytes()).is_empty());
}

#[test]
fn the_envelopes_of_these_tests_are_what_exchange_could_send() {
    let all = [envelope(ALIVE), envelope(CLOSED), news()];
    for (fault, text) in faults(&all).iter().zip(&all) {
        assert_eq!(fault, "", "\n{text}");
    }
}

/// Where a text is cut.
fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

#[test]
fn a_body_byte_by_byte_tells_the_same() {
    let body = body();
    assert_eq!(fed(body.as_bytes().chunks(1)), fed([body.as_bytes()]));
}

/// Pieces of which nearly good and quite bad streams are made.
const PIECES: [&str; 22] = [
    "<",
    ">",
    "/",
    "</",
    "/>",
    "<a>",
    "</a>",
    "<a ",
    "'",
    "\"",
    "<!--",
    "-->",
    "--",
    "<![CDATA[",
    "]]>",
    "]",
    "<?",
    "?>",
    "<!DOCTYPE",
    " ",
    "é",
    "&amp;",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn how_a_body_is_cut_makes_no_difference(cuts in prop::collection::vec(any::<usize>(), 0..12), end in any::<usize>()) {
        let body = body();
        let bytes = &body.as_bytes()[..end % (body.len() + 1)];
        prop_assert_eq!(fed(cut(bytes, &cuts)), fed([bytes]));
    }

    #[test]
    fn nor_does_it_where_the_body_is_none(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let body = pieces.concat();
        prop_assert_eq!(fed(cut(body.as_bytes(), &cuts)), fed([body.as_bytes()]));
    }

    /// Where XML's own reader finds one document, the stream ends it at the same byte.
    #[test]
    fn an_envelope_ends_where_its_root_does(
        inside in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..20),
    ) {
        let text = format!("<Envelope><Body/>{}</Envelope>", inside.concat());
        if otj::ews::tree::Element::parse(text.as_bytes()).is_ok() {
            let mut stream = Stream::new();
            prop_assert!(stream.feed(&text.as_bytes()[..text.len() - 1]).is_empty(), "{}", text);
            prop_assert_eq!(stream.feed(&text.as_bytes()[text.len() - 1..]).len(), 1, "{}", text);
        }
    }
}
