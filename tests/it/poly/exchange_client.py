"""A real Exchange client against the Poly server. In: a JSON list, each with url, certificate, username, password, auth (basic, digest or null),
mailbox, start, end. Out: for each what it saw, or the name of the error."""
import json
import os
import sys
from datetime import datetime

asks = json.load(sys.stdin)
os.environ["REQUESTS_CA_BUNDLE"] = asks[0]["certificate"]
os.environ["NO_PROXY"] = "*"

from exchangelib import DELEGATE, UTC, Account, Build, Configuration, Credentials, EWSDateTime, FailFast, Version  # noqa: E402
from exchangelib.protocol import Protocol  # noqa: E402


def when(text):
    return EWSDateTime.from_datetime(datetime.fromisoformat(text)).astimezone(UTC)


def shown(item):
    return {
        "subject": item.subject,
        "start": str(item.start),
        "end": str(item.end),
        "location": item.location,
        "body": str(item.body) if item.body is not None else None,
        "all_day": item.is_all_day,
        "sensitivity": item.sensitivity,
        "organizer": item.organizer.name if item.organizer else None,
    }


def more(account, start, end):
    busy = next(iter(account.protocol.get_free_busy_info([(account, "Required", False)], start, end)))
    subscription, watermark = account.calendar.subscribe_to_pull(timeout=10)
    pulled = list(account.calendar.get_events(subscription, watermark))
    account.calendar.unsubscribe(subscription)
    streaming = account.calendar.subscribe_to_streaming()
    zones = list(account.protocol.get_timezones())
    resolved = account.protocol.resolve_names(["room.fjord@example.com"])
    return {
        "busy": [str(event.start) for event in busy.calendar_events],
        "merged": busy.merged,
        "pulled": [type(event).__name__ for notification in pulled for event in notification.events],
        "streaming": bool(streaming),
        "zones": sorted(zone[0] if isinstance(zone, tuple) else zone.id for zone in zones),
        "resolved": [mailbox.email_address for mailbox in resolved],
    }


def look(ask):
    config = Configuration(
        service_endpoint=ask["url"],
        credentials=Credentials(ask["username"], ask["password"]),
        auth_type=ask["auth"],
        version=Version(Build(*ask["build"])) if ask.get("build") else None,
        retry_policy=FailFast(),
    )
    account = Account(ask["mailbox"], config=config, autodiscover=False, access_type=DELEGATE, default_timezone=UTC)
    start, end = when(ask["start"]), when(ask["end"])
    viewed = [shown(item) for item in account.calendar.view(start=start, end=end)]
    filtered = [item.subject for item in account.calendar.filter(start__lt=end, end__gt=start).order_by("start")]
    synced = sum(1 for change, _ in account.calendar.sync_items() if change == "create")
    first = account.calendar.view(start=start, end=end)[0]
    first.refresh()
    extra = more(account, start, end) if ask.get("more") else {}
    return {
        **extra,
        "scheme": account.protocol.auth_type,
        "build": str(account.version.build),
        "count": account.calendar.total_count,
        "viewed": viewed,
        "filtered": filtered,
        "synced": synced,
        "refreshed": first.subject,
    }


def told(ask):
    Protocol.clear_cache()  # it would keep the scheme of the login before
    try:
        return look(ask)
    except Exception as error:  # the test compares the name
        return {"error": type(error).__name__, "text": str(error)}


json.dump([told(ask) for ask in asks], sys.stdout)
