"""What people ask for while the recording runs: commands and new reference data, made from what is open just then."""

from __future__ import annotations

from agents.embedded.host import Fresh, Host, of_command
from pipeline.practices.reference import NAMES
from schemas.base import MINUTE, Record
from schemas.command import Action, Command, Role
from schemas.incident import Incident, IncidentStatus
from schemas.reference import Change, ConfigurationItem, CorrelationRule, InhibitionRule, Matcher, Relation, Silence

OPEN = (IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.PENDING)
DAY = 86_400_000


def at_the_start(first: int) -> list[Record]:
    """Rules, a silence and an inhibition, in force from the beginning of a recording."""
    return [
        CorrelationRule(
            id="site", matchers=(Matcher(label="check", op="=~", value=".*"),), equal=("site", "check", "kind")
        ),
        Silence(
            id="lab",
            matchers=(Matcher(label="resource", op="=~", value="(db|mail).*"),),
            starts=first,
            ends=first + DAY,
        ),
        InhibitionRule(
            id="worse",
            source=(Matcher(label="severity", value="critical"),),
            target=(Matcher(label="severity", op="=~", value="minor|warning"),),
            equal=("item",),
        ),
    ]


def asks(host: Host, number: int) -> list[Fresh]:
    """The inputs of one moment. They follow from what was handled alone, so they are the same after any crash."""
    now = host.flow.high
    opened = [incident for incident in host.flow.incidents() if incident.status in OPEN]
    commands = [
        _turn(opened, number),
        _reshape(opened, number),
        _mute(opened, number, now),
        _refer(opened, number, now),
    ]
    asked = [
        of_command(
            Command(id=f"ask-{number}-{n}", time=now, by="kim", role=Role.MANAGER, **parts)  # type: ignore[arg-type]
        )
        for n, parts in enumerate(commands)
        if parts
    ]
    return [*asked, *_records(opened, number, now)]


def _turn(opened: list[Incident], number: int) -> dict[str, object]:
    """One step of a lifecycle; whether it is allowed or refused, it has a reply and is in the trail."""
    steps = (Action.ACKNOWLEDGE, Action.PEND, Action.RESUME, Action.RESOLVE, Action.REOPEN, Action.CLOSE, Action.NOTE)
    if not opened:
        return {}
    target = opened[number % len(opened)].id
    return {"action": steps[number % len(steps)], "target": target, "arguments": {"text": "seen", "note": "seen"}}


def _reshape(opened: list[Incident], number: int) -> dict[str, object]:
    """A merge of two incidents, or a split of one."""
    large = [incident for incident in opened if len({member.alert for member in incident.members}) > 1]
    if number % 2 and large:
        chosen = large[number % len(large)]
        return {"action": Action.SPLIT, "target": chosen.id, "arguments": {"alerts": [chosen.members[0].alert]}}
    if len(opened) > 1:
        return {"action": Action.MERGE, "target": opened[0].id, "arguments": {"into": opened[-1].id}}
    return {}


def _mute(opened: list[Incident], number: int, now: int) -> dict[str, object]:
    """A silence for something that is open, or the end of an earlier one."""
    if number % 3 == 2:
        return {"action": Action.UNSILENCE, "target": f"mute-{number - 1}"}
    if not opened:
        return {}
    matcher = {"label": "check", "value": opened[number % len(opened)].members[0].check}
    body = {"matchers": [matcher], "starts": now, "ends": now + 30 * MINUTE}
    return {"action": Action.SILENCE, "target": f"mute-{number}", "body": body}


def _refer(opened: list[Incident], number: int, now: int) -> dict[str, object]:
    """A rule or a window by command."""
    if number % 2:
        matchers = [{"label": "check", "op": "!=", "value": f"none {number}"}]
        body: dict[str, object] = {"id": "late", "matchers": matchers, "equal": ["resource"], "within": number * 10_000}
        return {"action": Action.PUT_REFERENCE, "arguments": {"kind": "rule"}, "body": body}
    items = [item for incident in opened for item in incident.items][:2]
    if not items:
        return {}
    body = {"id": f"CHG-{number}", "items": items, "starts": now, "ends": now + 20 * MINUTE, "suppresses": True}
    return {"action": Action.PUT_REFERENCE, "arguments": {"kind": "change"}, "body": body}


def _records(opened: list[Incident], number: int, now: int) -> list[Fresh]:
    """Reference data as a changed file brings it: an item, a relation, a change."""
    items = sorted({item for incident in opened for item in incident.items})
    if len(items) < 2:
        return []
    new: list[Record] = [
        ConfigurationItem(id=f"new-{number}", name=f"New {number}", kind="host", site="annex"),
        Relation(source=items[0], target=f"new-{number}"),
        Change(id=f"late-{number}", items=(items[-1],), starts=now - 10 * MINUTE, ends=now),
    ]
    return [Fresh("reference", now, NAMES[type(one)], "", one.model_dump_json().encode()) for one in new]
