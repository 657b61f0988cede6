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
    return {
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
