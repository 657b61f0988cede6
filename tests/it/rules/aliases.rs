//! What may be dialled: hostile addresses through the one door, as a template gives them, with and without a list of domains.

use otj::model::desired::RuleType;
use otj::model::{EvaluationSpec, Event, RuleSpec};
use otj::rules::Chain;

use super::corpus::{evaluation, rule};

/// An event whose property `alias` is what a Custom template gives, letter by letter.
fn event(alias: &str) -> Event {
    let mut properties = serde_json::Map::new();
    properties.insert("alias".into(), alias.into());
    Event { properties, ..super::corpus::event("") }
}

fn custom() -> RuleSpec {
    RuleSpec { template: Some("{{ calendar_event.properties.alias }}".into()), ..rule("c", 1, RuleType::Custom) }
}

/// What is dialled of `alias`, and else why nothing is.
fn dialled(alias: &str, domains: Option<&[&str]>, dial_numbers: bool) -> String {
    let alias_domains = domains.map(|list| list.iter().map(|each| (*each).to_owned()).collect());
    let spec = EvaluationSpec { alias_domains, dial_numbers, ..evaluation(vec![custom()]) };
    let outcome = Chain::compile(&spec).process(&event(alias), "UTC");
    match &outcome.verdict.alias {
        Some(alias) => alias.as_str().to_owned(),
        None => format!("‹{}›", outcome.trace.tried().next().unwrap().why.label()),
    }
}

/// Whatever a list says.
#[test]
fn what_is_no_plain_address_is_never_dialled() {
    let label = format!("1@{}.example", "a".repeat(64));
    let host = format!("1@{}example", "a.".repeat(130));
    let long = "9".repeat(1001);
    for hostile in [
        "1@vc.example.com\r\nX-Header: y",
        "1@vc.example.com\n2@vc.example.com",
        "1\t2@vc.example.com",
        "1 2@vc.example.com",
        "1\0@vc.example.com",
        "1\u{7f}@vc.example.com",
        "</Number><Number>1@evil.example",
        "1@vc.example.com\"/>",
        "1'@vc.example.com",
        "1&amp;2@vc.example.com",
        "1`id`@vc.example.com",
        "1|2@vc.example.com",
        "1\\@vc.example.com",
        "1,2@vc.example.com",
        "1?Replaces=x@vc.example.com",
        "1%40evil.example@vc.example.com",
        "1@vc.example.com%00",
        "//evil.example/1@vc.example.com",
        "https://vc.example.com/1",
        "tel:+4755501000",
        "TEL:1@vc.example.com",
        "sip:sip:1@vc.example.com",
        "javascript:alert(1)",
        "xmpp:1@vc.example.com",
        "conf:sip:1@vc.example.com",
        "user:password@vc.example.com",
        "1@2@vc.example.com",
        "1@@vc.example.com",
        "@vc.example.com",
        "1@",
        "@",
        "1@.example.com",
        "1@vc..example.com",
        "1@vc.example.com..",
        "1@-vc.example.com",
        "1@vc-.example.com",
        &label,
        &host,
        &long,
        "1@vc.exаmple.com",
        "1@vc。example。com",
        "１@vc.example.com",
        "1@vc.example.com\u{202e}",
        "\u{200f}1@vc.example.com",
        "1@vc.example.com:0",
        "1@vc.example.com:65536",
        "1@vc.example.com:+5061",
        "1@vc.example.com:",
        "1@vc.example.com:50a",
        "1@vc.example.com:5061:5062",
        "1@[fe80::1%25eth0]",
        "1@[fe80::1%eth0]",
        "1@[::1",
        "1@::1",
        "1@[::1]x",
        "1@[10.0.0.1]",
        "1@2130706433",
        "1@0x7f000001",
        "1@0X7F.0x1",
        "1@0177.0.0.1",
        "1@127.1",
        "1@10.0.0.256",
        "1@10.0.0.1.",
        "1@vc.example.com;x=<y>",
        "1@vc.example.com;x=y@evil.example",
        "{{1}}@vc.example.com",
        "[1]@vc.example.com",
        "",
        " \u{a0}\n",
    ] {
        for (domains, numbers) in [(None, true), (Some(&["example.com", "evil.example"][..]), true)] {
            let got = dialled(hostile, domains, numbers);
            assert!(got == "‹Refused›" || got == "‹NoOutput›", "{hostile:?}: {got}");
        }
    }
}

/// Without a list, with a list and `dialNumbers: Deny`, with a list and `Allow`: `+` dialled as written.
#[test]
fn a_list_of_domains_is_asked_about_the_host_that_is_dialled() {
    const LIST: &[&str] = &["example.com", "10.0.0.1", "2001:db8:0:0::1", "xn--bcher-kva.example"];
    const LETTERS: [&str; 4] = ["‹DomainNotAllowed›", "‹NumberNotAllowed›", "‹Refused›", "‹NoOutput›"];
    for (alias, expected) in [
        ("1@example.com", "+++"),
        ("1@VC.Example.COM", "+++"),
        ("1@vc.example.com.", "+++"),
        ("1@vc.example.com:5061;transport=tls", "+++"),
        ("1@my_host.example.com", "+++"),
        ("1@badexample.com", "+DD"),
        ("1@example.com.evil.example", "+DD"),
        ("1@evil.example;x=example.com", "+DD"),
        ("1@evil.example;@example.com", "RRR"),
        ("1@example.com;maddr=evil.example", "+DD"),
        ("1@example.com;lr;MADDR=10.9.9.9", "+DD"),
        ("1;maddr=evil.example@example.com", "+DD"),
        ("1@com", "+DD"),
        ("1@xn--bcher-kva.example", "+++"),
        ("1@xn--exmple-cua.com", "+DD"),
        ("1@10.0.0.1", "+++"),
        ("1@10.0.0.1:5060", "+++"),
        ("1@10.0.0.2", "+DD"),
        ("1@110.0.0.1", "+DD"),
        ("1@[2001:db8::1]", "+++"),
        ("1@[2001:0DB8::0001]:5061", "+++"),
        ("1@[2001:db8::2]", "+DD"),
        ("1@[::ffff:10.0.0.1]", "+++"),
        ("1@[::1]", "+DD"),
        ("example.com", "+++"),
        ("vc.example.com:5061", "+++"),
        ("evil.example", "+DD"),
        ("10.0.0.1##4711", "+++"),
        ("10.0.0.2##4711", "+DD"),
        ("10.0.0.2", "+DD"),
        ("+4755501000@example.com", "+N+"),
        ("0047555@example.com", "+N+"),
        ("(00)47-555@example.com", "+N+"),
        ("-+47555@example.com", "+N+"),
        ("0-0-47555@example.com", "+N+"),
        ("047555@example.com", "+++"),
        ("1@example.com;user=phone", "+N+"),
        ("1@example.com;USER=Phone;x=y", "+N+"),
        ("1;user=phone@example.com", "+N+"),
        ("+4755501000@evil.example", "+ND"),
        ("+4755501000", "+N+"),
        ("4711", "+N+"),
        ("2130706433", "+N+"),
        ("0x7f000001", "+DD"),
        ("lobby", "+DD"),
        ("sip:1@example.com", "+++"),
        ("SIPS:1@evil.example", "+DD"),
        ("h323:4711", "+N+"),
    ] {
        let mut got = String::new();
        for (domains, numbers) in [(None, false), (Some(LIST), false), (Some(LIST), true)] {
            let text = dialled(alias, domains, numbers);
            let refused = LETTERS.iter().position(|label| *label == text);
            got.push(refused.map_or('+', |at| ['D', 'N', 'R', '0'][at]));
        }
        assert_eq!(got, expected, "{alias}");
    }
}
