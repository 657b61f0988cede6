//! `GetServerTimeZones`: the time zones that the servers know, by Windows' names; in full with their rules, as they are today.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getservertimezones-operation>.

use super::Call;
use super::items::Place;
use super::soap::{self, Refused};
use super::xml::escaped;

/// Id, name, bias in minutes (west is positive), and who says when summer is. A few of Windows' hundred and forty.
const ZONES: [(&str, &str, i32, Summer); 6] = [
    ("UTC", "(UTC) Coordinated Universal Time", 0, Summer::None),
    ("GMT Standard Time", "(UTC+00:00) Dublin, Edinburgh, Lisbon, London", 0, Summer::Europe),
    ("W. Europe Standard Time", "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", -60, Summer::Europe),
    ("India Standard Time", "(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", -330, Summer::None),
    ("Eastern Standard Time", "(UTC-05:00) Eastern Time (US & Canada)", 300, Summer::America),
    ("Pacific Standard Time", "(UTC-08:00) Pacific Time (US & Canada)", 480, Summer::America),
];

#[derive(Clone, Copy)]
enum Summer {
    None,
    /// From the last Sunday of March to that of October, at 01:00 UTC.
    Europe,
    /// From the second Sunday of March to the first of November, at 02:00.
    America,
}

impl Place<'_> {
    pub(super) fn zones(self, call: &Call<'_>) -> Result<String, Refused> {
        let asked = call.node.child("Ids").map(|ids| &ids.children);
        let is_asked = |id: &str| asked.is_none_or(|asked| asked.iter().any(|it| it.text == id));
        let is_full = call.node.attribute("ReturnFullTimeZoneData").is_some_and(|full| matches!(full, "true" | "1"));
        let known = ZONES.iter().filter(|(id, ..)| is_asked(id));
        let told: String = known.map(|(id, name, bias, summer)| zone(id, name, *bias, *summer, is_full)).collect();
        let inside = format!("<m:TimeZoneDefinitions>{told}</m:TimeZoneDefinitions>");
        Ok(soap::response("GetServerTimeZones", &[soap::success("GetServerTimeZones", &inside)]))
    }
}

fn zone(id: &str, name: &str, bias: i32, summer: Summer, is_full: bool) -> String {
    let name = escaped(name);
    if !is_full {
        return format!("<t:TimeZoneDefinition Id=\"{id}\" Name=\"{name}\"/>");
    }
    let period = |kind: &str, bias: i32| {
        let sign = if bias < 0 { "-" } else { "" };
        let (hours, minutes) = (bias.abs() / 60, bias.abs() % 60);
        format!("<t:Period Bias=\"{sign}PT{hours}H{minutes}M\" Name=\"{kind}\" Id=\"{kind}\"/>")
    };
    let changes = |from: (u32, i32, i32), to: (u32, i32, i32)| {
        let change = |kind: &str, (month, sunday, hour): (u32, i32, i32)| {
            format!(
                "<t:RecurringDayTransition><t:To Kind=\"Period\">{kind}</t:To><t:TimeOffset>PT{hour}H</t:TimeOffset><t:Month>{month}</t:Month>\
                 <t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>{sunday}</t:Occurrence></t:RecurringDayTransition>"
            )
        };
        change("Daylight", from) + &change("Standard", to)
    };
    // In local time, summer's at the end of it.
    let (periods, changes) = match summer {
        Summer::None => {
            let always = "<t:Transition><t:To Kind=\"Period\">Standard</t:To></t:Transition>".to_owned();
            (period("Standard", bias), always)
        }
        Summer::Europe => {
            let hour = 1 - bias / 60;
            (period("Standard", bias) + &period("Daylight", bias - 60), changes((3, -1, hour), (10, -1, hour + 1)))
        }
        Summer::America => (period("Standard", bias) + &period("Daylight", bias - 60), changes((3, 2, 2), (11, 1, 2))),
    };
    format!(
        "<t:TimeZoneDefinition Id=\"{id}\" Name=\"{name}\"><t:Periods>{periods}</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id=\"0\">\
         {changes}</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">0</t:To></t:Transition>\
         </t:Transitions></t:TimeZoneDefinition>"
    )
}
