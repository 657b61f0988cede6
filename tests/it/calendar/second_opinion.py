"""Reads [{"text", "from", "to"}], prints for each the starts and ends that recurring-ical-events finds, in UTC, sorted."""

import datetime
import json
import sys

import icalendar
import recurring_ical_events

UTC = datetime.timezone.utc


def utc(moment):
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M")


def occurrences(case):
    calendar = icalendar.Calendar.from_ical(case["text"])
    first, last = (datetime.datetime.fromisoformat(case[name]) for name in ("from", "to"))
    found = recurring_ical_events.of(calendar).between(first, last)
    return sorted(f"{utc(event.start)} {utc(event.end)}" for event in found)


json.dump([occurrences(case) for case in json.load(sys.stdin)], sys.stdout)
