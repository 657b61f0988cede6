//! What can be said about documents beyond their schema: a fault a file, named by it, with its page beside it.
//! In: the directory and its names. Out: findings, each with its place.
//!
//! | where                     | what                                                                    |
//! |---------------------------|-------------------------------------------------------------------------|
//! | `FAULT.rs`, `FAULT.md`    | a check of this folder, and the page of its code                          |
//! | `reading/FAULT.md`        | pages of what reading files and the schema find                           |
//! | `resolving/FAULT.md`      | pages of what shows once references, inheritance and secrets are followed |
//! | `fields.rs`, `form.rs`, `order.rs` | what several checks look for                                      |
//! | `ignored.rs`, `comments.rs` | `# otj-ignore: CODE reason`                                             |
//!
//! Every check is linear in the documents. A new one is a file, a page, a line in [`CHECKS`] or [`UNUSED`] and a line in
//! [`codes`](crate::diagnostic::codes); tests hold each page's examples to what the check finds.

mod alias_cannot_leave;
mod ambiguous_reference;
mod autodiscover_url_without_svc;
mod comments;
mod effect;
mod endpoint_without_profile;
mod ews_with_office365;
mod exactly_one_of_several;
mod field_of_type_missing;
mod field_without_use;
mod fields;
mod form;
mod former_name_in_use;
mod generic_rule_before_specific;
mod group_nobody_uses;
mod group_without_profile;
mod half_of_two;
mod ignored;
mod integration_nobody_uses;
mod key_is_no_key;
mod location_nobody_uses;
mod malformed_value;
mod name_given_twice;
mod not_a_name;
mod not_a_regular_expression;
mod not_a_room_email;
mod not_a_secret_reference;
mod not_a_template;
mod ntlm_user_name;
mod order;
mod pattern_that_backtracks;
mod port_of_the_other_protocol;
mod priority_used_twice;
mod profile_nobody_uses;
mod profile_that_finds_nothing;
mod random_looking_text;
mod redirect_uri;
mod reference_leads_nowhere;
mod replacement_names_no_group;
mod reserved_name;
mod room_described_twice;
mod room_in_two_profiles;
mod room_nobody_uses;
mod rule_set_nobody_uses;
mod secret_in_plain_text;
mod secret_in_the_directory;
mod shadowed_rule;
mod template_takes_too_much;
mod type_integration_cannot_carry;
mod unknown_variable;
mod unreachable_rule;
mod url_without_tls;
mod very_many_days;

pub(super) use ignored::ignore;
pub(super) use key_is_no_key::secrets_of_other_services;

use super::directory::Directory;
use super::load::LoadOptions;
use super::names::Names;
use crate::diagnostic::Diagnostic;

/// What checks look at.
pub(crate) struct Looked<'a> {
    pub(crate) directory: &'a Directory<'a>,
    pub(crate) names: &'a Names<'a>,
    pub(crate) options: &'a LoadOptions,
}

type Check = fn(&Looked<'_>, &mut Vec<Diagnostic>);

/// Findings are sorted later.
const CHECKS: &[Check] = &[
    not_a_name::run,
    reference_leads_nowhere::run,
    name_given_twice::run,
    ambiguous_reference::run,
    reserved_name::run,
    former_name_in_use::run,
    exactly_one_of_several::run,
    half_of_two::run,
    malformed_value::run,
    not_a_room_email::run,
    autodiscover_url_without_svc::run,
    ntlm_user_name::run,
    redirect_uri::run,
    room_described_twice::run,
    priority_used_twice::run,
    field_of_type_missing::run,
    field_without_use::run,
    not_a_regular_expression::run,
    not_a_template::run,
    template_takes_too_much::run,
    replacement_names_no_group::run,
    unknown_variable::run,
    type_integration_cannot_carry::run,
    pattern_that_backtracks::run,
    secret_in_the_directory::run,
    not_a_secret_reference::run,
    secret_in_plain_text::run,
    random_looking_text::run,
    group_without_profile::run,
    endpoint_without_profile::run,
    very_many_days::run,
    unreachable_rule::run,
    shadowed_rule::run,
    generic_rule_before_specific::run,
    ews_with_office365::run,
    room_in_two_profiles::run,
    url_without_tls::run,
    port_of_the_other_protocol::run,
    alias_cannot_leave::run,
    effect::run,
];

/// What nothing is done with. It is only known once all that is written could be read and every reference leads somewhere.
const UNUSED: &[Check] = &[
    integration_nobody_uses::run,
    profile_that_finds_nothing::run,
    group_nobody_uses::run,
    rule_set_nobody_uses::run,
    location_nobody_uses::run,
    profile_nobody_uses::run,
    room_nobody_uses::run,
];

/// Runs every check.
pub(crate) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    CHECKS.iter().for_each(|check| check(looked, findings));
    if !findings.iter().any(Diagnostic::stops_loading) {
        UNUSED.iter().for_each(|check| check(looked, findings));
    }
}
