//! `metadata.renamedFrom`: which document goes on with what is known under a former name.

use std::collections::BTreeMap;

use super::super::directory::{Directory, Document};
use super::super::document::Kind;
use crate::model::names::NameFault;
use crate::model::{EndpointName, IntegrationName, ProfileName, Renames};

/// The former names of all documents of which something is known. Rules, groups, locations and rooms have none: nothing is kept
/// under their names.
pub(super) fn renames(directory: &Directory<'_>) -> Renames {
    let mut renames = Renames::default();
    for document in &directory.documents {
        match document.kind {
            Kind::Endpoint => claim(&mut renames.endpoints, document, EndpointName::parse),
            Kind::Profile => claim(&mut renames.profiles, document, ProfileName::parse),
            kind if kind.is_integration() => claim(&mut renames.integrations, document, IntegrationName::parse),
            _ => {}
        }
    }
    renames
}

fn claim<N: Ord>(claims: &mut BTreeMap<N, Vec<N>>, document: &Document, parse: impl Fn(&str) -> Result<N, NameFault>) {
    let former = document.metadata.renamed_from.iter().flatten().filter_map(|name| parse(name).ok());
    let former: Vec<N> = former.collect();
    if let (Ok(name), false) = (parse(&document.metadata.name), former.is_empty()) {
        claims.insert(name, former);
    }
}
