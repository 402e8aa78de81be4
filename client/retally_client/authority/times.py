"""Times as people read them: the day of the week, the local time with its zone, and the same in UTC."""

from __future__ import annotations

import datetime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# fmt: off
# fmt: off
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)
# fmt: on


def told(seconds: int) -> str:
    """A time in POSIX seconds, in the zone of this machine and in UTC."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        local = moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return "a time too far away to be named"
    in_utc = _in_words(moment, "UTC")
    return (
        in_utc if local.utcoffset() == datetime.timedelta() else f"{_in_words(local, local.tzname() or '')} = {in_utc}"
    )


def _in_words(moment: datetime.datetime, zone: str) -> str:
    clock = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {clock} {zone}"
