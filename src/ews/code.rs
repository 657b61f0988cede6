//! What a response code of Exchange means for the reader: whom it is about and what helps.
//!
//! The codes are those of `ResponseCodeType` that reading calendars can meet; their meanings stand in
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode>. A code nobody knows here is taken as
//! passing: trying again later harms nobody, and its name is told.

use crate::model::Scope;

/// What helps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Class {
    /// The same later.
    Transient,
    /// The same later, at the server that Autodiscover then names: the mailbox may have moved.
    Moved,
    /// Nothing but a person: there is no such mailbox, or it has no calendar.
    Room,
    /// Nothing but a person: the account may not do this.
    Permission,
    /// To begin anew, without the subscription, watermark or state that was used.
    Resync,
    /// Nothing but a person: the account itself is refused.
    Credentials,
    /// Nothing, for this one item; others can be had.
    Item,
    /// To ask for less: a shorter time, fewer rooms.
    TooMuch,
    /// To ask in an older [`Version`](super::version::Version).
    Version,
    /// Nothing: the server does not understand what is asked.
    Request,
}

use Class::{Credentials, Item, Moved, Permission, Request, Resync, Room, TooMuch, Transient, Version};

/// What helps against `code`.
#[must_use]
pub fn class(code: &str) -> Class {
    CLASSES.binary_search_by_key(&code, |(name, _)| name).map_or(Transient, |at| CLASSES[at].1)
}

/// Whether `code` stands in the table.
#[must_use]
pub fn is_known(code: &str) -> bool {
    CLASSES.binary_search_by_key(&code, |(name, _)| name).is_ok()
}

/// Whom `code` is about. Exchange counts requests, and looks for rights, by the mailbox that is impersonated, so most are about that.
#[must_use]
pub fn scope(code: &str) -> Scope {
    match code {
        // The account may impersonate nobody; whoever may not impersonate one mailbox gets ErrorImpersonateUserDenied.
        "ErrorImpersonationDenied" => Scope::Account,
        "ErrorOrganizationAccessBlocked" => Scope::Integration,
        _ if class(code) == Credentials => Scope::Account,
        _ => Scope::Object,
    }
}

/// Longest code that is repeated, in characters. The longest known one has 58.
const SHOWN_MAX: usize = 60;

/// A code as far as it may be repeated.
pub(super) fn shown(code: &str) -> String {
    let letters = code.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter));
    letters.take(SHOWN_MAX).collect()
}

/// Sorted by name.
const CLASSES: &[(&str, Class)] = &[
    ("ErrorADOperation", Transient),
    ("ErrorADUnavailable", Transient),
    ("ErrorAccessDenied", Permission),
    ("ErrorAccountDisabled", Credentials),
    // Availability of another forest is the administrators' to configure.
    ("ErrorAddressSpaceNotFound", Room),
    ("ErrorAutoDiscoverFailed", Transient),
    ("ErrorAvailabilityConfigNotFound", Room),
    // One item failed so that the server did not look at those behind it.
    ("ErrorBatchProcessingStopped", Transient),
    ("ErrorCalendarFolderIsInvalidForCalendarView", Room),
    ("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", Item),
    ("ErrorCalendarOccurrenceIsDeletedFromRecurrence", Item),
    ("ErrorCalendarViewRangeTooBig", TooMuch),
    ("ErrorCallerIsInvalidADAccount", Credentials),
    ("ErrorConnectionFailed", Transient),
    ("ErrorContentConversionFailed", Item),
    ("ErrorCorruptData", Item),
    // The mailbox is served elsewhere, and this server does not pass requests on.
    ("ErrorCrossSiteRequest", Moved),
    ("ErrorDataSizeLimitExceeded", Item),
    ("ErrorDataSourceOperation", Transient),
    ("ErrorEventNotFound", Resync),
    ("ErrorExceededConnectionCount", Transient),
    ("ErrorExceededFindCountLimit", TooMuch),
    ("ErrorExceededSubscriptionCount", Transient),
    ("ErrorExpiredSubscription", Resync),
    ("ErrorFolderCorrupt", Room),
    ("ErrorFolderNotFound", Room),
    ("ErrorFolderPropertRequestFailed", Room),
    ("ErrorFreeBusyGenerationFailed", Transient),
    ("ErrorImpersonateUserDenied", Permission),
    ("ErrorImpersonationDenied", Permission),
    ("ErrorImpersonationFailed", Transient),
    ("ErrorIncorrectSchemaVersion", Version),
    ("ErrorInsufficientResources", Transient),
    ("ErrorInternalServerError", Transient),
    ("ErrorInternalServerTransientError", Transient),
    ("ErrorInvalidAuthorizationContext", Credentials),
    ("ErrorInvalidClientSecurityContext", Transient),
    // Of the forests among themselves, not ours.
    ("ErrorInvalidCrossForestCredentials", Room),
    ("ErrorInvalidExchangeImpersonationHeaderData", Request),
    ("ErrorInvalidFolderId", Resync),
    ("ErrorInvalidFreeBusyViewType", Request),
    ("ErrorInvalidId", Item),
    ("ErrorInvalidIdEmpty", Request),
    ("ErrorInvalidIdMalformed", Item),
    ("ErrorInvalidLicense", Room),
    ("ErrorInvalidOperation", Request),
    ("ErrorInvalidOrganizationRelationshipForFreeBusy", Permission),
    ("ErrorInvalidPropertyRequest", Request),
    ("ErrorInvalidPullSubscriptionId", Resync),
    ("ErrorInvalidRequest", Request),
    ("ErrorInvalidSchemaVersionForMailboxVersion", Version),
    ("ErrorInvalidServerVersion", Version),
    ("ErrorInvalidSmtpAddress", Room),
    ("ErrorInvalidSubscription", Resync),
    ("ErrorInvalidSubscriptionRequest", Request),
    ("ErrorInvalidSyncStateData", Resync),
    ("ErrorInvalidTimeInterval", Request),
    ("ErrorInvalidWatermark", Resync),
    ("ErrorItemCorrupt", Item),
    // There is no such item, or none that the account may see; Exchange does not tell which.
    ("ErrorItemNotFound", Permission),
    ("ErrorItemPropertyRequestFailed", Item),
    ("ErrorLogonAsNetworkServiceFailed", Transient),
    ("ErrorMailRecipientNotFound", Room),
    ("ErrorMailboxConfiguration", Room),
    ("ErrorMailboxDataArrayEmpty", Request),
    ("ErrorMailboxDataArrayTooBig", TooMuch),
    ("ErrorMailboxFailover", Transient),
    ("ErrorMailboxLogonFailed", Transient),
    ("ErrorMailboxMoveInProgress", Moved),
    ("ErrorMailboxStoreUnavailable", Transient),
    ("ErrorMessageSizeExceeded", Item),
    ("ErrorMimeContentConversionFailed", Item),
    ("ErrorMissedNotificationEvents", Resync),
    // The account has no mailbox, and none was impersonated.
    ("ErrorMissingEmailAddress", Room),
    ("ErrorNewEventStreamConnectionOpened", Resync),
    ("ErrorNoApplicableProxyCASServersAvailable", Moved),
    ("ErrorNoCalendar", Room),
    ("ErrorNoDestinationCASDueToKerberosRequirements", Moved),
    ("ErrorNoDestinationCASDueToSSLRequirements", Moved),
    ("ErrorNoDestinationCASDueToVersionMismatch", Moved),
    ("ErrorNoFreeBusyAccess", Permission),
    ("ErrorNoRespondingCASInDestinationSite", Moved),
    ("ErrorNonExistentMailbox", Room),
    ("ErrorNonPrimarySmtpAddress", Room),
    ("ErrorNotEnoughMemory", Transient),
    ("ErrorOrganizationAccessBlocked", Permission),
    ("ErrorPasswordChangeRequired", Credentials),
    ("ErrorPasswordExpired", Credentials),
    ("ErrorProxiedSubscriptionCallFailure", Resync),
    ("ErrorProxyGroupSidLimitExceeded", Permission),
    ("ErrorProxyRequestNotAllowed", Moved),
    ("ErrorProxyRequestProcessingFailed", Transient),
    ("ErrorProxyServiceDiscoveryFailed", Moved),
    ("ErrorQuotaExceeded", Transient),
    ("ErrorReadEventsFailed", Resync),
    ("ErrorResultSetTooBig", TooMuch),
    ("ErrorSchemaValidation", Request),
    ("ErrorServerBusy", Transient),
    ("ErrorServiceDiscoveryFailed", Transient),
    ("ErrorSubscriptionAccessDenied", Permission),
    ("ErrorSubscriptionDelegateAccessNotSupported", Permission),
    ("ErrorSubscriptionNotFound", Resync),
    ("ErrorSubscriptionUnsubscribed", Resync),
    // As the reference spells it.
    ("ErrorSubscriptionUnsubsribed", Resync),
    ("ErrorSyncFolderNotFound", Resync),
    ("ErrorTimeIntervalTooBig", TooMuch),
    ("ErrorTimeoutExpired", Transient),
    ("ErrorTokenSerializationDenied", Permission),
    ("ErrorTooManyObjectsOpened", Transient),
    ("ErrorVirusDetected", Item),
    ("ErrorVirusMessageDeleted", Item),
    ("ErrorWrongServerVersion", Moved),
    ("ErrorWrongServerVersionDelegate", Moved),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class_and_an_unknown_one_passes() {
        let of = |class_: Class, codes: &str| {
            for code in codes.split_whitespace() {
                assert_eq!(class(code), class_, "{code}");
                assert!(is_known(code), "{code}");
            }
        };
        of(
            Transient,
            "ErrorServerBusy ErrorExceededConnectionCount ErrorInsufficientResources ErrorTimeoutExpired ErrorADUnavailable
             ErrorInternalServerTransientError ErrorMailboxStoreUnavailable ErrorConnectionFailed",
        );
        of(Moved, "ErrorMailboxMoveInProgress ErrorNoRespondingCASInDestinationSite ErrorProxyRequestNotAllowed");
        of(Room, "ErrorNonExistentMailbox ErrorInvalidSmtpAddress ErrorFolderNotFound");
        of(
            Permission,
            "ErrorAccessDenied ErrorItemNotFound ErrorImpersonateUserDenied ErrorImpersonationDenied ErrorSubscriptionAccessDenied",
        );
        of(
            Resync,
            "ErrorInvalidSyncStateData ErrorSyncFolderNotFound ErrorInvalidWatermark ErrorMissedNotificationEvents
             ErrorSubscriptionNotFound ErrorExpiredSubscription ErrorReadEventsFailed ErrorNewEventStreamConnectionOpened",
        );
        of(Credentials, "ErrorPasswordExpired ErrorAccountDisabled");
        of(Version, "ErrorInvalidServerVersion ErrorInvalidSchemaVersionForMailboxVersion");
        for unknown in ["ErrorOfTheDay", "", "errorserverbusy", "ErrorServerBus", "ZZZ"] {
            assert_eq!((class(unknown), is_known(unknown)), (Transient, false), "{unknown}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_no_code_is_too_long_to_be_shown() {
        assert!(CLASSES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(CLASSES.iter().all(|(code, _)| shown(code) == *code));
    }

    #[test]
    fn what_is_wrong_with_the_account_is_not_blamed_on_the_room() {
        for (code, scope_) in [
            ("ErrorPasswordExpired", Scope::Account),
            ("ErrorImpersonationDenied", Scope::Account),
            ("ErrorImpersonateUserDenied", Scope::Object),
            ("ErrorServerBusy", Scope::Object),
            ("ErrorOrganizationAccessBlocked", Scope::Integration),
            ("ErrorOfTheDay", Scope::Object),
        ] {
            assert_eq!(scope(code), scope_, "{code}");
        }
    }

    #[test]
    fn a_code_that_is_none_is_not_repeated_as_it_stands() {
        assert_eq!(shown("Error\n<b>\u{202e}x y.z"), "Errorbxy.z");
        assert_eq!(shown(&"x".repeat(500)).len(), 60);
    }
}
