//! otj: a Join button in every meeting room, from a git repository.
//!
//! otj is a reconciler. The wish is a directory of YAML in git; the world is calendars and video endpoints. The program makes
//! the second agree with the first and tells, at any moment, where they differ and why. This page is its architecture: what
//! stands here holds, and a test is named wherever one does the holding.
//!
//! ```text
//!  otj.d/*.yaml ──read──► Desired ─┐
//!                                  ├─► plan_room, plan_endpoint (pure) ─► Step ─► perform ─► the world
//!  calendars ──read──► Agenda ──evaluate──► Meetings ─┤        ▲                        (calendars, endpoints)
//!  endpoints ──read back──► Held ─────────────────────┘        │ the gate keeps what may not go yet
//!           ▲                                                            │
//!           └────────────── Planner ◄────────── absorb ◄────────── Outcome
//!                              │
//!                              ├─► Board ─► /metrics, API, page, `otj status`
//!                              └─► Accounts and Cells ─► the server that Poly endpoints ask
//! ```
//!
//! # Walk of one calendar event
//!
//! A file changes in a room's calendar directory, and [`calendar::hints`] says *look again* at the room; or nothing says so
//! and its next read is due, every half minute. Rooms of a service with a quota wait for their turn instead: [`Pace`](reconcile::pace::Pace) says
//! which one is read now, with which account, and why (next section). [`Planner::next_step`] takes the object that is due and asks
//! [`plan_room`](reconcile::plan::plan_room), which answers `Step::ReadAgenda`. The loop ([`reconcile::run`]) begins it in the
//! lane of that calendar service; [`Workshop::perform`](reconcile::perform::Workshop::perform) calls the
//! [`World`](reconcile::world::World), and [`calendar::read_agenda`] comes back with a [`Complete`](model::Complete) reading and
//! its proof. From that, and from nothing else, an [`Agenda`](model::Agenda) is built; its texts go into the store.
//!
//! [`Planner::absorb`] takes the agenda in and touches the room. Now it has events without verdict: `Step::Evaluate` runs
//! [`rules::evaluate`] away from the loop, with the texts from the store: [`invitation`] makes plain text and real links,
//! [`Chain`](rules::Chain) tries the rules by priority, the first that holds gives the [`Alias`](model::Alias). An event whose
//! digest is known under the same rules is not looked at again. The results, [`Meetings`](model::Meetings) without any body,
//! touch the room's endpoints. How an alias came to be, or did not, is a [`Trace`](rules::Trace), made anew for whoever asks;
//! [`advise`](rules::advise) says in one sentence what to do.
//!
//! For each endpoint the wish is made by [`meetings::schedule`]: privacy and title, buffers, what the device can hold. What it
//! would lose goes past the [`Gate`](reconcile::gate::Gate); what may not go yet is kept beside it
//! ([`meetings::with_kept`]). Where [`meetings::diff`] against what the endpoint holds is not empty,
//! [`plan_endpoint`](reconcile::plan::plan_endpoint) answers
//!
//! * for a Cisco codec `Step::Put`: [`endpoint::cisco::put_schedule`] replaces the whole list, reads it back where the codec
//!   can list, and only then is it *held*; a device of the Webex Cloud is given the same list through the cloud
//!   ([`endpoint::webex`]), four requests at a time;
//! * for a Poly endpoint `Step::Publish`: the list is stored, then replaced in the endpoint's [`Cell`](model::published::Cell).
//!   The device's next poll is answered from there, and what it fetched comes back to the loop as
//!   [`Presence`](model::presence::Presence).
//!
//! The drift on the [`Board`](reconcile::board::Board) ends; metrics, page and API are made from the board when asked.
//!
//! # Walk of one request under a quota
//!
//! Google, Graph and Exchange count requests, so a room is not read because time has passed but because something speaks for it: an operator or a
//! new room (`Asked`), a look at many rooms at once that saw another time taken, or Exchange that tells by itself ([`calendar::exchange::listen`]; `Changed`), a known start within two minutes
//! (`Starts`), a change a moment ago (`Follows`), its turn (`Turn`), or once a day in full (`Verify`). [`Pace`](reconcile::pace::Pace)
//! keeps these wants, the requests of 24 hours (reserved in the store before they are made, so that a crash forgets none), each account's
//! minute, and the pauses; [`Pace::next`](reconcile::pace::Pace::next) answers with one read, one look at many rooms, or when to ask again.
//!
//! The step fetches a token first: [`oauth::Tokens::bearer`] gives the one it has, renews it early, one request at a time for each
//! account, and keeps what must survive in the store, sealed. [`calendar`] asks with it, once more with a fresh one after a 401, and counts
//! every request; the count goes back to the pace with the outcome. A failure says whom it is about ([`Scope`](model::Scope)): a room's is
//! the room's trouble; an account's or a service's pauses just that, is told once, and ends with one probe that succeeds.
//!
//! # Walk of one YAML edit
//!
//! [`config::watch`] notices (inotify as a hint, a look at names, inodes, sizes and change times every three seconds as the
//! guarantee) and says *look again* at the directory. `Step::ReadDocuments` reads one consistent snapshot
//! ([`config::files`]) and [`config::load()`] makes of it the whole [`Desired`](model::Desired), or findings. With errors nothing
//! changes: the wish in force runs on. Otherwise the planner decides:
//!
//! * a document under a new name that claims its former one (`metadata.renamedFrom`) is no removal: what is known goes on under
//!   the new name, in memory and in the store;
//! * it removes documents: it must be read alike twice, 30 s apart;
//! * it removes more than 10 % of the endpoints (and at least 5), or a profile or an integration in use: it is held whole,
//!   until `otj approve`;
//! * otherwise it is adopted. Rooms whose rules changed are evaluated on their stored texts before anything is taken away,
//!   the loss is judged as a whole by the gate, and only objects that differ are planned again. An endpoint that moved is
//!   cleared at its old address, tried once before the new one is filled; a removed one after ten minutes of absence.
//!
//! The adopted bytes and the secrets they resolved to are kept in the store, sealed, for a start with a broken directory.
//!
//! Before that, without any node, `otj plan` compares two directories: [`config::written`] field by field, the two wishes object
//! by object, RuleTests through both sets of rules. Every secret stands for the place it is kept in
//! ([`Secrets::by_reference`](config::Secrets::by_reference)), so that a credential that would go to another host is seen by
//! whoever may see no credential.
//!
//! # Decisions
//!
//! 1. *One loop of steps.* No task lives as long as a calendar or an endpoint does. Planning is pure; performing decides nothing
//!    but how to speak with a device. Whatever happens outside says only "look again" ([`LookAgain`](model::LookAgain)) and never
//!    carries the instruction.
//! 2. *One owner of what is known*: [`Planner`]. It is told what happened (`absorb`, `look_again`, `heard_from`, `approve`) and
//!    answers with steps (`next_step`); it performs none, spawns none and reads no clock. So the whole product is played in
//!    virtual time against [`Sim`](reconcile::sim_world::Sim), days in seconds.
//! 3. *Planning is per object*, from a due-queue ([`Due`](reconcile::due::Due)). A turn costs what is due, whatever the number
//!    of rooms.
//! 4. *A board of cells.* What the loop shows is one cell for each object, replaced when that object changed. Publishing costs
//!    what changed; reading never waits for the loop. The same holds for Poly schedules.
//! 5. *Rules run in a step*, on the blocking pool, cached by the digests of event and rules. What the planner holds has no body.
//! 6. *Types first.* `config::document` is the language; `schema/` is generated from it, committed, and checks documents.
//!    A table ([`EndpointTable`](config), a CSV file) is read in the same snapshot as the documents that name it; its rows become
//!    Endpoint documents before anything is judged, so that checks, inheritance and findings know one kind of endpoint only.
//!    What a schema cannot say is a check: one file, one page with examples that are its tests, one code
//!    ([`diagnostic::codes`]).
//!    Templates that people wrote are tried before they are believed: `cli` passes the loader a trial, which renders them in a child
//!    process ([`sandbox`]) that may die of it. Fuel pays for the work of a template; the child's limits for what fuel does not see.
//! 7. *A directory loads whole or not at all*, and the last good one survives the process.
//! 8. *Complete must be proven.* A status code is no proof; an `Agenda` is built from `Complete` alone.
//! 9. *Removals pass one gate*, whoever performs them. It keeps meetings on an endpoint rather than holding its updates, so
//!    additions and moves go on.
//! 10. *The wish is narrowed to what a device can hold before it is compared*, and only fields a device gives back unchanged
//!     are compared; otherwise drift would never end. After two puts of one list that did not hold, a device is left alone until
//!     its list changes.
//! 11. *Two clocks.* Due times and back-off run on the boot clock, meetings on the wall. While the wall cannot be trusted
//!     nothing is removed.
//! 12. *Lanes* bound what runs at once ([`Lane`](reconcile::step::Lane)): each calendar service, the rules, endpoints that
//!     answered last time, endpoints that failed last time. 400 dead codecs starve nobody.
//! 13. *Requests are spent where a late answer is seen.* Starts and changes come before turns; the square root of how often a room
//!     changes shares the rest. Who is read next is decided in one place, from what is known, without reading a clock.
//! 14. *A fault is told at its own size.* What is wrong with a service is one condition with a number of rooms, not one of each room
//!     ([`status::conditions`]).
//! 15. *A store that goes on from memory.* The loop writes through [`Desk`](reconcile::desk::Desk): a record the disk does not
//!     take is kept and written later, so a full disk stops no room. The board says so.
//!
//! # Words with one meaning
//!
//! | word | is |
//! |---|---|
//! | room | a calendar service and an address in lower case; read once, with the widest window any of its endpoints wants |
//! | agenda | a room's events of the window, proven complete |
//! | evaluation | a profile's rules with the settings that decide their result |
//! | meetings | for each room and evaluation: what the rules made of the agenda |
//! | schedule | for each endpoint: meetings after privacy, title, buffers and fit |
//! | held | what an endpoint was given, or was seen to hold; unknown at first |
//! | lost | a meeting of which the new list has neither id nor time and alias; or a Join that is gone. Moved or renamed is not lost |
//! | shrunk | an endpoint that loses at least two and keeps fewer than half of its meetings (or buttons), or loses its last one |
//! | kept | what the gate leaves on an endpoint although the wish no longer has it |
//! | id of a meeting | a digest of room, iCalendar UID and original start of the occurrence: a moved meeting keeps it |
//! | drift | an object is not as wished; the table below |
//!
//! | object | drifts when | reasons |
//! |---|---|---|
//! | calendar service | it, or one of its accounts, is left alone for a while | `IntegrationDown`, `Throttled`, `QuotaExhausted`, `CredentialsRefused`, `SecretMissing`, `SignInNeeded` |
//! | Cisco endpoint | what it holds is not what documents and meetings ask for, or its last step failed | `NeverPut`, `Pending`, `PutFailed`, `PlanHeld`, `RivalWriter`, `DeviceRewrites`, `Suspended`, `Observing` |
//! | Poly endpoint | what it fetched is not what is published, for more than 2 min; or it has not been heard of for 10 min | `NeverSeen`, `Silent`, `Behind`, `PlanHeld`, `Suspended`, `Observing` |
//! | room | its last read failed, or the last complete one is older than 15 min, or than three of its intervals | `Unreadable`, `NoPermission`, `NotFound`, `Throttled`, `Stale` |
//! | configuration | the directory is not the one in force | `ConfigInvalid`, `PlanHeld` |
//!
//! Drift is measured against the wish *without* what the gate keeps: an endpoint that shows a meeting its calendar no longer has
//! is not in step, and says `PlanHeld`.
//!
//! # Who may name whom
//!
//! | folder | may name |
//! |---|---|
//! | [`model`] | nobody |
//! | [`diagnostic`], [`invitation`], [`http`], [`listen`], [`auth`], [`ews`], [`store`] | `model`; `store::etcd` also `http` |
//! | [`rules`] | `model`, `invitation` |
//! | [`meetings`] | `model`, `rules` |
//! | [`config`] | `model`, `diagnostic`, `rules` |
//! | [`sandbox`] | `model`, `rules` |
//! | [`import`] | `model`, `diagnostic`, `config`, `http` |
//! | [`oauth`] | `model`, `http`, `store` |
//! | [`calendar`], [`endpoint`] | `model`, `http`, `listen`, `auth`, `oauth`, `ews`, `invitation` |
//! | [`reconcile`] | `model`, `diagnostic`, `rules`, `meetings`, `config`, `store`; its [`world`](reconcile::world) alone also `http`, `oauth`, `calendar`, `endpoint` |
//! | [`status`] | `model`, `diagnostic`, `config`, `reconcile` |
//! | [`explain`] | `model`, `invitation`, `rules`, `meetings`, `reconcile`, `status` |
//! | [`web`] | `model`, `diagnostic`, `status`, `explain`, `oauth`, `rules`, `listen` |
//! | [`sim`] | `model`, `http`, `ews`, `auth`, `listen`, and the trait `World` |
//! | [`cli`] | everything |
//!
//! What crosses between the loop, the Poly server and the pages are types of `model`, on watch and bounded channels, wired in
//! `cli`. The table is held by `who_names_whom_follows_the_table` in `tests/it/tidy.rs`, which has it in full.
//!
//! # Invariants
//!
//! | | what holds | held by |
//! |---|---|---|
//! | I1 | Planning is pure and in one order: the same arguments give the same step | signatures (no `&mut`, no clock); ordered maps, `clippy::iter_over_hash_type` |
//! | I2 | A step leaves no choice: all it needs is in it | [`Step`](reconcile::step::Step) and the trait `World`, which sees nothing else |
//! | I3 | One step at a time for each object, bounds for each lane, a deadline for each step: what hangs delays nobody else | `one_hanging_device_and_one_hanging_calendar_delay_nobody`, `the_last_known_address_serves_for_an_hour_and_no_longer` |
//! | I4 | A calendar that cannot be read clears no endpoint | `a_calendar_that_fails_leaves_the_device_as_it_is`, `a_file_that_is_not_a_whole_calendar_is_unreadable_and_never_empty`, `an_answer_that_may_leave_something_out_is_a_failed_read`, `before_the_room_was_ever_read_a_device_is_told_to_come_back_and_never_gets_an_empty_list` |
//! | I4a | The answers of Google, Graph and Exchange are complete only with proof, page by page | `an_answer_that_is_not_whole_is_a_failed_reading_and_never_an_empty_calendar`, `a_list_that_does_not_reach_its_end_is_read_in_halves_until_it_does`, `an_answer_that_may_leave_something_out_is_a_failed_reading`, `short_and_empty_pages_do_not_end_a_reading`, `a_304_that_nobody_asked_for_is_no_reading` |
//! | I4b | No quota is exceeded, whenever the process is killed; known starts are looked at whatever the quota | `a_day_never_holds_more_than_its_limit_however_often_the_process_is_killed`, `two_hundred_kills_in_a_day_overrun_nothing`, `no_minute_holds_more_than_its_limit`, `known_starts_are_looked_at_twice_whatever_the_quota` |
//! | I4c | What is wrong with an account or a service pauses it alone, and is told once | `an_outage_of_the_service_pauses_it_as_one_and_ends_with_one_probe`, `an_account_that_is_refused_leaves_its_share_to_the_others_and_no_account_has_more_than_its_minute`, `a_service_that_is_down_is_one_fault_and_not_one_of_each_room` |
//! | I4d | No account is locked by how often its password is tried | `a_wrong_password_is_tried_four_times_a_day_at_most_in_spite_of_a_crash_loop`, `a_password_that_is_changed_in_the_directory_goes_wrong_five_times_and_then_seldom`, `a_process_that_is_killed_while_a_server_looks_at_the_password_does_not_send_it_again_at_once`, `faults_of_every_kind_take_no_meeting_of_exchange_lock_no_account_and_are_made_up_for` |
//! | I4e | Autodiscover gives the account's password to nobody whom the documents do not trust, and to nobody without TLS | `a_host_that_documents_do_not_trust_is_named_and_never_asked`, `credentials_never_go_over_http` |
//! | I5 | A directory that does not load changes nothing, also across a restart | `a_directory_that_does_not_load_changes_nothing`, `a_kept_directory_runs_with_its_kept_secrets_after_everything_is_gone` |
//! | I6 | Removals pass the gate | `when_all_4000_calendars_answer_empty_at_once_at_most_one_percent_of_endpoints_lose_a_meeting`, `a_bad_rule_edit_is_held_until_it_is_approved`, `a_directory_that_removes_too_many_endpoints_is_held_whole`, `while_a_removal_is_held_additions_and_moves_go_on`, `a_held_plan_survives_a_restart` |
//! | I6a | A place that an endpoint left is cleared only where its own device shows our bookings alone; one device is filled for one endpoint | `an_old_address_is_cleared_only_where_the_recorded_device_shows_our_bookings_alone`, `an_address_that_another_document_takes_over_is_not_cleared`, `of_two_endpoints_with_one_device_only_the_first_by_name_is_filled`, `two_codecs_exchanged_behind_their_addresses_converge` |
//! | I7 | No event carries an instruction; an operator's approval names a plan that was shown | [`LookAgain`](model::LookAgain), `an_approval_is_answered_by_the_loop_and_a_reload_pokes_it` |
//! | I8 | `kill -9` at any moment: the restart converges, nothing is lost | `after_kill_9_without_calendar_and_directory_poly_is_answered_and_the_codec_keeps_its_list`, `what_was_committed_is_there_after_a_kill_whole_and_nothing_else` |
//! | I9 | Only `cli` prints or exits; only `http` connects out; documents and secrets are read by `config` alone; only `status::metrics` names metrics; only [`Clock`](model::Clock) reads the clocks | `the_outside_is_touched_where_the_architecture_says` |
//! | I10 | No subject, body, person, join address or secret in logs, metrics and errors | `debug_shows_neither_credentials_nor_what_people_wrote`, `no_log_line_or_debug_text_of_the_desk_holds_a_secret`, `an_error_tells_neither_address_nor_credentials`, `every_wrong_directory_gives_its_findings_and_no_secret`, `what_people_wrote_is_seen_with_a_token_only_and_secrets_never`, `the_original_of_a_replaced_title_reaches_no_screen_page_log_or_disk` |
//! | I11 | One owner for each room: one process for each data directory | `a_store_that_stays_locked_is_given_up_after_thirty_seconds_and_one_that_is_freed_opens` |
//!
//! # Design notes
//!
//! Roads that were taken although another one is more usual:
//!
//! * *`listen` stands beside `http`.* Every listener of ours (pages, Poly, the simulated devices) is served by one function, so
//!   that caps, head deadlines, TLS and an orderly stop are written once. `http` is the only way out, `listen` the only way in.
//! * *Structure of iCalendar is read by `calendar::lines`*, not by a library: a file counts as complete only when every component
//!   was closed, and one broken event must not break its neighbours. calcard is kept for what it is good at: recurrence rules
//!   (within a window, checked before) and names of Windows time zones.
//! * *File events are hints of the calendar folder* ([`calendar::hints`]): it knows which file is which room's, and says *look
//!   again* like everybody else. The regular read stays the guarantee.
//! * *What Exchange tells is a hint, too* ([`calendar::exchange::listen`]): it says which room, the room is read, and reading in
//!   turn stays the guarantee. One that is told of while it is read is read once more
//!   (`a_room_that_is_told_of_while_it_is_read_is_read_once_more`).
//! * *The loop never waits for the pages or the Poly server.* They look at cells; a poll wakes the loop only when it brought
//!   news, and a full channel delays nobody (`a_full_channel_delays_nobody_and_the_news_is_told_later`).
//! * *A fake shares no code with the client it answers* ([`sim`]), so that a mistake in a wire format is not made twice.
//!
//! [`Planner`]: reconcile::planner::Planner
//! [`Planner::next_step`]: reconcile::planner::Planner::next_step
//! [`Planner::absorb`]: reconcile::planner::Planner::absorb

/// Of everything that is built of this crate, so that tests and benchmarks have the program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod model;

pub mod diagnostic;

pub mod invitation;
pub mod rules;
pub mod sandbox;

pub mod meetings;

pub mod config;

pub mod http;
pub mod listen;

pub mod import;

pub mod auth;
pub mod ews;
pub mod oauth;

pub mod calendar;
pub mod endpoint;

pub mod store;

pub mod reconcile;

pub mod explain;
pub mod status;
pub mod web;

pub mod sim;

pub mod cli;
