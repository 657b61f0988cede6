//! Plain types, no I/O: what the other folders hand to each other. Names nobody.

pub mod agenda;
pub mod alias;
pub mod busy;
pub mod clock;
pub mod desired;
pub mod device;
pub mod device_facts;
pub mod event;
pub mod expiry;
pub mod failure;
pub mod hearing;
pub mod held;
pub mod instant;
pub mod location;
pub mod mapi;
pub mod meeting;
pub mod names;
pub mod presence;
pub mod published;
pub mod renames;
pub mod request;
pub mod rule_test;
pub mod schedule;
pub mod secret;
pub mod service;
pub mod signs;
pub mod tally;
pub mod trace;
pub mod zone;

pub use agenda::{Agenda, AgendaEntry, Complete, Proof, Window};
pub use alias::{Alias, AliasFault, Protocol};
pub use busy::Busy;
pub use clock::{Clock, Mono, Now};
pub use desired::{Desired, EndpointSpec, EvaluationSpec, IntegrationSpec, ProfileSpec, RoomSpec, RuleSpec};
pub use device::{CiscoSpec, DeviceSpec, Limits, Place, PolySpec, WebexSpec};
pub use device_facts::{DeviceFacts, OtherWriter};
pub use event::{Body, Event, Person};
pub use expiry::Expiry;
pub use failure::{Failure, Remedy, Scope};
pub use hearing::{Ear, GroupHeard, Heard, Hearing};
pub use held::{Given, Held};
pub use location::LocationSpec;
pub use meeting::{MatchedBy, Meeting, Meetings, Verdict};
pub use names::{
    Digest, EndpointName, EvaluationId, GroupName, IntegrationName, LocationName, MeetingId, ProfileName, RoomEmail,
    RoomKey, RuleName,
};
pub use renames::Renames;
pub use request::LookAgain;
pub use schedule::{Booking, Call, Schedule};
pub use secret::{Confidential, Secret, SecretValue};
pub use signs::{LeftOut, LeftOutWhy, Signs};
