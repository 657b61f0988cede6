//! Which folder of which mailbox a request means.

use super::tree::Element;
use super::writer::Xml;

/// A folder as a client names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderRef {
    /// By a well-known name, in somebody's mailbox; without one, in that of the login.
    Distinguished {
        /// `calendar`, `root`, `inbox` and so on.
        id: String,
        /// Whose.
        mailbox: Option<String>,
    },
    /// By an id that a server gave out.
    Id(String),
}

impl FolderRef {
    /// The folders inside an element such as `FolderIds` or `ParentFolderIds`.
    #[must_use]
    pub fn all_in(element: &Element) -> Vec<Self> {
        element.children.iter().filter_map(Self::of).collect()
    }

    fn of(element: &Element) -> Option<Self> {
        match element.name.as_str() {
            "DistinguishedFolderId" => Some(Self::Distinguished {
                id: element.attribute("Id")?.to_ascii_lowercase(),
                mailbox: element.at(&["Mailbox", "EmailAddress"]).map(|address| address.text.clone()),
            }),
            "FolderId" => element.attribute("Id").map(|id| Self::Id(id.to_owned())),
            _ => None,
        }
    }
}

/// A folder as a server shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Its id.
    pub id: String,
    /// That of the folder it is in.
    pub parent: Option<String>,
    /// `Calendar` and the like.
    pub name: &'static str,
    /// Whether it holds calendar items.
    pub calendar: bool,
    /// How many items it holds; `None` where that is not known yet.
    pub items: Option<usize>,
    /// How many folders it holds.
    pub folders: usize,
}

impl Folder {
    /// Writes it, in the order of the schema.
    pub fn write(&self, xml: &mut Xml) {
        xml.open(if self.calendar { "t:CalendarFolder" } else { "t:Folder" }, &[]);
        xml.empty("t:FolderId", &[("Id", &self.id), ("ChangeKey", "AQAAAA==")]);
        if let Some(parent) = &self.parent {
            xml.empty("t:ParentFolderId", &[("Id", parent), ("ChangeKey", "AQAAAA==")]);
        }
        xml.text("t:FolderClass", if self.calendar { "IPF.Appointment" } else { "IPF.Note" });
        xml.text("t:DisplayName", self.name);
        if let Some(items) = self.items {
            xml.text("t:TotalCount", items);
        }
        xml.text("t:ChildFolderCount", self.folders).close();
    }
}
