//! Which Exchange answers, and in which version of the schema it is asked.
//!
//! | build | is | asked in |
//! |---|---|---|
//! | 14.1 | 2010 SP1 | `Exchange2010_SP1` |
//! | 14.2, 14.3 | 2010 SP2, SP3 | `Exchange2010_SP2` |
//! | 15.0 before 847 | 2013 | `Exchange2013` |
//! | 15.0.847 and later, 15.1, 15.2, 15.20 | 2013 SP1, 2016, 2019 and SE, Online | `Exchange2013_SP1` |
//! | older, or none told | | `Exchange2010_SP1`, `Exchange2013_SP1` |
//!
//! Nothing that is asked here came after 2013 SP1, so newer servers are asked in that version too, which all of them take.
//! Source: "Exchange Server build numbers and release dates"; `RequestServerVersion` in the reference of EWS.

use super::tree::Element;

/// The version of the schema that a request is written in (`RequestServerVersion`). Ordered by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
pub enum Version {
    /// The first one with streaming notifications.
    Exchange2010Sp1,
    /// And SP3.
    Exchange2010Sp2,
    /// Without service pack.
    Exchange2013,
    /// And everything later.
    #[default]
    Exchange2013Sp1,
}

impl Version {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exchange2010Sp1 => "Exchange2010_SP1",
            Self::Exchange2010Sp2 => "Exchange2010_SP2",
            Self::Exchange2013 => "Exchange2013",
            Self::Exchange2013Sp1 => "Exchange2013_SP1",
        }
    }

    /// The one before, for a server that does not take this one ([`Class::Version`](super::code::Class::Version)); `None` for the
    /// oldest.
    #[must_use]
    pub fn older(self) -> Option<Self> {
        match self {
            Self::Exchange2010Sp1 => None,
            Self::Exchange2010Sp2 => Some(Self::Exchange2010Sp1),
            Self::Exchange2013 => Some(Self::Exchange2010Sp2),
            Self::Exchange2013Sp1 => Some(Self::Exchange2013),
        }
    }
}

/// The build of the server that answered (`ServerVersionInfo`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Build {
    /// 15 since 2013.
    pub major: u32,
    /// 0 is 2013, 1 is 2016, 2 is 2019 and SE, 20 is Online.
    pub minor: u32,
    /// Counts cumulative updates.
    pub build: u32,
    /// Counts security updates.
    pub revision: u32,
}

impl Build {
    /// Of a SOAP header: EWS writes attributes, Autodiscover elements.
    pub(super) fn of(header: &Element) -> Option<Self> {
        let told = header.child("ServerVersionInfo")?;
        let number = |name: &str| {
            let text = told.attribute(name).or_else(|| told.child(name).map(|child| child.text.as_str()))?;
            text.trim().parse().ok()
        };
        Some(Self {
            major: number("MajorVersion")?,
            minor: number("MinorVersion")?,
            build: number("MajorBuildNumber").unwrap_or(0),
            revision: number("MinorBuildNumber").unwrap_or(0),
        })
    }

    /// In which version this server is asked.
    #[must_use]
    pub fn version(self) -> Version {
        match (self.major, self.minor, self.build) {
            (..=13, ..) | (14, ..=1, _) => Version::Exchange2010Sp1,
            (14, ..) => Version::Exchange2010Sp2,
            (15, 0, ..847) => Version::Exchange2013,
            _ => Version::Exchange2013Sp1,
        }
    }
}

/// `15.1.2507.6`.
impl std::fmt::Display for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_is_asked_in_a_version_it_knows() {
        for (build, version) in [
            ((8, 3, 0), "Exchange2010_SP1"),
            ((14, 0, 639), "Exchange2010_SP1"),
            ((14, 1, 218), "Exchange2010_SP1"),
            ((14, 3, 123), "Exchange2010_SP2"),
            ((15, 0, 516), "Exchange2013"),
            ((15, 0, 846), "Exchange2013"),
            ((15, 0, 847), "Exchange2013_SP1"),
            ((15, 0, 1497), "Exchange2013_SP1"),
            ((15, 1, 225), "Exchange2013_SP1"),
            ((15, 2, 2562), "Exchange2013_SP1"),
            ((15, 20, 8000), "Exchange2013_SP1"),
            ((16, 0, 0), "Exchange2013_SP1"),
        ] {
            let (major, minor, number) = build;
            assert_eq!(Build { major, minor, build: number, revision: 0 }.version().name(), version, "{build:?}");
        }
    }

    #[test]
    fn a_refused_version_is_followed_by_the_one_before_until_there_is_none() {
        let all: Vec<Version> = std::iter::successors(Some(Version::default()), |version| version.older()).collect();
        assert_eq!(all.len(), 4);
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn the_build_is_read_from_attributes_and_from_elements() {
        let read = |inside: &str| {
            let text = format!("<Header>{inside}</Header>");
            Build::of(&Element::parse(text.as_bytes()).unwrap()).map(|build| build.to_string())
        };
        for (inside, build) in [
            (
                "<t:ServerVersionInfo MajorVersion='15' MinorVersion='1' MajorBuildNumber='2507' MinorBuildNumber='6'/>",
                Some("15.1.2507.6"),
            ),
            (
                "<ServerVersionInfo><MajorVersion>15</MajorVersion><MinorVersion>2</MinorVersion></ServerVersionInfo>",
                Some("15.2.0.0"),
            ),
            ("<ServerVersionInfo MajorVersion='x' MinorVersion='1'/>", None),
            ("<ServerVersionInfo MajorVersion='-1' MinorVersion='1'/>", None),
            ("", None),
        ] {
            assert_eq!(read(inside).as_deref(), build, "{inside}");
        }
    }
}
