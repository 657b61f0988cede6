//! Answers that are none, or not whole: nothing is known then, least of all that a calendar is empty; and one item, one room or one
//! account costs no other anything.

use otj::http::HttpError;

use super::peer::{Reader, Site, fault};

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_had_keeps_its_previous_form_and_its_neighbours_are_read() {
    for (code, asked_again) in [
        ("ErrorItemCorrupt", false),
        ("ErrorContentConversionFailed", false),
        ("ErrorInternalServerError", true),
        ("ErrorItemNotFound", true),
        ("ErrorOfTheDay", true),
    ] {
        let site = Site::new();
        site.book("a 06 08:00-09:00 Talk\nb 06 10:00-11:00 Broken\nc 06 12:00-13:00 Other");
        site.change(|world| world.broken.insert("b".into(), code.into()));
        let mut reader = Reader::of(&site);
        let expected = "uid-a 06 08:00-06 09:00 Talk\nuid-c 06 12:00-06 13:00 Other\nuid-b unreadable";
        assert_eq!(reader.read().await, expected, "{code}");
        let again = if asked_again { expected } else { "unchanged" };
        assert_eq!(reader.read().await, again, "{code}");
        if asked_again {
            site.change(|world| world.broken.clear());
            assert_eq!(reader.read().await.lines().count(), 3, "{code}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_stops_its_batch_costs_the_others_a_request_each() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk\nb 06 10:00-11:00 Broken\nc 06 12:00-13:00 Other");
    let mut reader = Reader::of(&site);
    site.change(|world| {
        world.broken.insert("b".into(), "ErrorItemCorrupt".into());
        world.broken.insert("c".into(), "ErrorBatchProcessingStopped".into());
    });
    let read = reader.read().await;
    assert_eq!(read, "uid-a 06 08:00-06 09:00 Talk\nuid-b unreadable\nuid-c unreadable");
    assert_eq!(site.requests().len(), 3);
    site.change(|world| world.broken.remove("c"));
    assert!(reader.read().await.contains("uid-c 06 12:00"));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_no_parser_takes_breaks_its_own_item_alone() {
    let site = Site::new();
    let bomb = "<!DOCTYPE-x>";
    site.book(&format!("a 06 08:00-09:00 Talk\nb 06 10:00-11:00 Broken; raw={bomb}\nc 06 12:00-13:00 Other"));
    let mut reader = Reader::of(&site);
    let expected = "uid-a 06 08:00-06 09:00 Talk\nuid-c 06 12:00-06 13:00 Other\nuid-b unreadable";
    assert_eq!(reader.read().await, expected);
    // Alone, too, while the others are known.
    site.requests();
    assert_eq!(reader.read().await, expected);
    assert_eq!(site.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn items_of_which_none_can_be_read_are_a_failed_reading() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk; raw=<!DOCTYPE-x>\nb 06 10:00-11:00 Other; raw=<!DOCTYPE-x>");
    let read = Reader::of(&site).read().await;
    assert!(
        read.starts_with("CalendarUnreadable retry: the calendar cannot be read: the answer cannot be read"),
        "{read}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_whole_is_a_failed_reading_and_never_an_empty_calendar() {
    let entities: String = (1..20).map(|n| format!("<!ENTITY e{n} \"&e{};&e{};\">", n - 1, n - 1)).collect();
    let bomb = format!("<!DOCTYPE x [<!ENTITY e0 \"x\">{entities}]><x>&e19;</x>");
    let empty = "<s:Envelope xmlns:s=\"s\"><s:Body><FindItemResponse><ResponseMessages><FindItemResponseMessage \
                 ResponseClass=\"Success\"><ResponseCode>NoError</ResponseCode>";
    let end = "</FindItemResponseMessage></ResponseMessages></FindItemResponse></s:Body></s:Envelope>";
    for (body, said) in [
        (bomb.as_str(), "the answer cannot be read"),
        (empty, "the answer cannot be read"),
        ("", "the answer cannot be read"),
        (&format!("{empty}{end}"), "the answer lacks RootFolder"),
        ("<html><body>Sign in</body></html>", "what answers is no EWS service (a page that is no SOAP); check ewsUrl"),
        ("<s:Envelope xmlns:s=\"s\"><s:Body/></s:Envelope>", "the answer lacks FindItemResponse"),
    ] {
        let site = Site::new();
        let mut reader = Reader::of(&site);
        site.says(200, &[], body);
        let read = reader.read().await;
        assert!(read.starts_with("CalendarUnreadable ") && read.contains(said), "{read}");
        assert_eq!(reader.read().await, "", "afterwards it is read");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_when_it_says() {
    for (answer, said) in [
        (
            fault("ErrorServerBusy", "123456"),
            "Throttled retry in 123 s: Exchange asks for fewer requests (ErrorServerBusy)",
        ),
        (fault("ErrorServerBusy", ""), "Throttled retry: Exchange asks for fewer requests (ErrorServerBusy)"),
        (fault("ErrorExceededConnectionCount", ""), "Throttled retry: "),
        (
            fault("ErrorMailboxStoreUnavailable", ""),
            "CalendarUnreadable retry: Exchange cannot answer (ErrorMailboxStoreUnavailable)",
        ),
        ((503, vec![("retry-after", "60".to_owned())], String::new()), "Throttled retry of all in 60 s: "),
        ((503, vec![], String::new()), "CalendarUnreadable retry: Exchange cannot answer (HTTP 503)"),
        ((429, vec![], String::new()), "Throttled retry of all: "),
        ((500, vec![], "<html>".to_owned()), "CalendarUnreadable retry: Exchange cannot answer (HTTP 500)"),
        (
            (404, vec![], String::new()),
            "CalendarUnreadable fix: what answers is no EWS service (HTTP 404); check ewsUrl",
        ),
        (
            (302, vec![("location", "https://login.example.com/".to_owned())], String::new()),
            "CalendarUnreadable fix: what answers is no EWS",
        ),
    ] {
        let site = Site::new();
        site.change(|world| world.script.push_back(Ok(answer)));
        let read = Reader::of(&site).read().await;
        assert!(read.starts_with(said), "{read}");
        assert_eq!(site.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_busy_with_every_item_fails_the_reading() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk\nb 06 10:00-11:00 Other");
    site.change(|world| world.broken.extend(["a", "b"].map(|id| (id.to_owned(), "ErrorServerBusy".to_owned()))));
    let read = Reader::of(&site).read().await;
    assert!(read.starts_with("Throttled retry: "), "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_room_outside_of_the_roles_scope_says_so_with_the_command_and_its_neighbour_is_read() {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk");
    site.change(|world| world.refuses.insert("bay@example.com".into(), "ErrorImpersonateUserDenied".into()));
    let mut fjord = Reader::of(&site);
    let mut bay = fjord.beside("bay@example.com");
    let read = bay.read().await;
    assert!(read.starts_with("NoPermission fix: otj@example.com may not impersonate this mailbox"), "{read}");
    for command in [
        "`Add-DistributionGroupMember -Identity GROUP -Member bay@example.com`",
        "`Get-ManagementRoleAssignment -Role ApplicationImpersonation -WritableRecipient bay@example.com`",
        "New-ManagementRoleAssignment -Name \"OTJ Impersonation\" -Role ApplicationImpersonation -User otj@example.com",
    ] {
        assert!(read.contains(command), "{read}");
    }
    assert_eq!(fjord.read().await, "uid-a 06 08:00-06 09:00 Talk");
}

#[tokio::test(start_paused = true)]
async fn what_a_code_is_about_is_told_at_its_own_size() {
    for (code, said) in [
        ("ErrorImpersonationDenied", "NoPermission fix of the account: otj@example.com may impersonate nobody"),
        ("ErrorNonExistentMailbox", "RoomNotFound fix: "),
        ("ErrorPasswordExpired", "CredentialsRefused fix of the account: "),
        ("ErrorAccessDenied", "NoPermission fix: the calendar of this mailbox may not be read"),
        ("ErrorMailboxMoveInProgress", "CalendarUnreadable retry: the mailbox is being moved"),
    ] {
        let site = Site::new();
        site.change(|world| world.refuses.insert("fjord@example.com".into(), code.into()));
        let read = Reader::of(&site).read().await;
        assert!(read.starts_with(said) && read.contains(code), "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_403_is_about_the_account_unless_the_server_lets_it_in_elsewhere() {
    let site = Site::new();
    let mut reader = Reader::of(&site);
    site.says(403, &[], "");
    let read = reader.read().await;
    assert!(read.starts_with("NoPermission fix of the account: ") && read.contains("EwsEnabled"), "{read}");
    assert_eq!(reader.read().await, "");
    site.says(403, &[], "");
    let read = reader.read().await;
    assert!(read.starts_with("NoPermission fix: EWS is switched off for this mailbox"), "{read}");
    assert!(read.contains("Set-CASMailbox -Identity fjord@example.com -EwsEnabled $true"), "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_about_all_rooms_of_it() {
    let site = Site::new();
    let mut reader = Reader::of(&site);
    reader.read().await;
    for (error, said) in [
        (HttpError::Dns, "CalendarUnreadable retry of all: "),
        (HttpError::Deadline, "CalendarUnreadable retry: "),
        (HttpError::TooLarge(1), "CalendarUnreadable retry: "),
    ] {
        site.fails(error);
        let read = reader.read().await;
        assert!(read.starts_with(said), "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_however_many_rooms_are_read() {
    let site = Site::new();
    let mut reader = Reader::of(&site);
    reader.asker.change(super::rig::basic("otj@example.com", "wrong"));
    for _ in 0..5 {
        let read = reader.read().await;
        assert!(read.starts_with("CredentialsRefused fix of the account in "), "{read}");
    }
    assert_eq!(site.requests().len(), 1);
}
