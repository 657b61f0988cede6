//! What a simulated codec tells of itself. In: a path and the time. Out: its `<Status>` document, whole or in part.

use jiff::Timestamp;

use super::{Codec, Generation};

impl Codec {
    /// `/status.xml`. The connector's name holds a control byte, as real ones do when somebody pasted it.
    pub(super) fn status(&self, now: Timestamp) -> String {
        let version = self.version();
        let webex = self.webex();
        format!(
            "<?xml version=\"1.0\"?>\n<Status product=\"Cisco Codec\" version=\"{version}\" apiVersion=\"4\">\
             <Conference><Presentation><CallId/></Presentation></Conference>\
             <Video><Input><Connector item=\"1\"><Name>Table\u{1}</Name></Connector></Input></Video>{}{webex}</Status>",
            self.system_unit(now)
        )
    }

    /// `/getxml?location=…`.
    pub(super) fn status_at(&self, query: &str, now: Timestamp) -> String {
        let inside = match query.strip_prefix("location=").map(|path| path.replace("%2F", "/")).as_deref() {
            Some("/Status/SystemUnit") => self.system_unit(now),
            Some("/Status/Webex") if self.generation != Generation::Tc7 => self.webex(),
            Some("/Status") => return self.status(now),
            Some("/Configuration/Provisioning") => {
                let mode = if self.managed_by_tms { "TMS" } else { "Off" };
                return format!(
                    "<?xml version=\"1.0\"?>\n<Configuration><Provisioning item=\"1\"><Mode>{mode}</Mode></Provisioning></Configuration>"
                );
            }
            _ => return "<?xml version=\"1.0\"?>\n<EmptyResult/>".to_owned(),
        };
        format!(
            "<?xml version=\"1.0\"?>\n<Status product=\"Cisco Codec\" version=\"{}\">{inside}</Status>",
            self.version()
        )
    }

    fn version(&self) -> &'static str {
        match self.generation {
            Generation::Tc7 => "TC7.3.21.2e9a4c5",
            Generation::Ce8 => "ce8.3.7.81e7cff",
            Generation::Ce9 => "ce9.15.17.4.f3d5a1",
            Generation::RoomOs10 => "ce10.19.4.2.a1b2c3",
            Generation::RoomOs11 => "ce11.14.5.0.b1e6a2",
            Generation::RoomOs26 => "ce26.4.1.5.c0ffee",
        }
    }

    fn system_unit(&self, now: Timestamp) -> String {
        let uptime = now.duration_since(self.started).as_secs().max(0);
        format!(
            "<SystemUnit item=\"1\"><Hardware item=\"1\"><Module item=\"1\"><SerialNumber item=\"1\">{}</SerialNumber></Module></Hardware>\
             <ProductId item=\"1\">Cisco Webex Room Kit</ProductId><Software item=\"1\"><Version item=\"1\">{}</Version></Software>\
             <Uptime item=\"1\">{uptime}</Uptime></SystemUnit>",
            quick_xml::escape::escape(self.serial.as_str()),
            self.version()
        )
    }

    fn webex(&self) -> String {
        let status = if self.webex_registered { "Registered" } else { "Disabled" };
        format!("<Webex item=\"1\"><Status item=\"1\">{status}</Status></Webex>")
    }
}
