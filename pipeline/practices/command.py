"""Commands: what people ask for, done or refused with a reason, and the audit trail of both."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from pipeline.practices.incident import Incidents
from pipeline.practices.lifecycle import next_status
from pipeline.practices.reference import TYPES, ReferenceData
from pipeline.practices.roles import ALLOWED
from pipeline.stages.groups import Group
from pipeline.stages.node import Link
from pipeline.stages.scope import Scope
from pipeline.state import Table
from schemas.base import ConfigError
from schemas.command import Action, AuditEntry, Command, Reply
from schemas.incident import Incident, IncidentStatus

REMEMBERED = 10_000
"""Commands whose ids are kept to know a repeat."""

Done = tuple[str, str, list[Incident]]
"""(reason, text, versions): reason is "done" or why not."""
Answer = tuple[str, str]
"""The same without versions."""

TRIGGERS: dict[Action, str] = {
    Action.ACKNOWLEDGE: "acknowledge",
    Action.ASSIGN: "assign",
    Action.PEND: "pend",
    Action.RESUME: "resume",
    Action.RESOLVE: "resolve",
    Action.CLOSE: "close",
    Action.REOPEN: "reopened",
}
REASONS: dict[Action, str] = {
    Action.ACKNOWLEDGE: "acknowledged",
    Action.ASSIGN: "assigned",
    Action.PEND: "pending",
    Action.RESUME: "resumed",
    Action.RESOLVE: "resolved",
    Action.CLOSE: "closed",
    Action.REOPEN: "reopened",
}


class Desk:
    """Where commands are handled."""

    def __init__(self, scope: Scope, practice: Incidents, reference: ReferenceData) -> None:
        self._scope, self._practice, self._reference = scope, practice, reference
        self.models: Callable[[Command], Answer] | None = None
        """Who takes what is said of anomalies and forecasts; None where the models run elsewhere."""
        self.seen: Table[int] = Table("commands", lambda value: value, lambda _, value: value)
        self._actions: dict[Action, Callable[[Command], Done]] = {
            **dict.fromkeys(TRIGGERS, self._turn),
            Action.MERGE: self._merge,
            Action.SPLIT: self._split,
            Action.NOTE: self._note,
            Action.SILENCE: self._silence,
            Action.UNSILENCE: self._unsilence,
            Action.PUT_REFERENCE: self._put_reference,
            Action.DELETE_REFERENCE: self._delete_reference,
            Action.FEEDBACK: self._feedback,
        }

    def handle(self, command: Command, seq: int) -> list[Reply | AuditEntry | Incident]:
        """The reply, the audit entry, and what changed."""
        reason, text, versions = self._decide(command)
        if reason != "repeated":
            self.seen[command.id] = seq
            if len(self.seen) > REMEMBERED:
                del self.seen[min(self.seen.live, key=lambda key: (self.seen[key], key))]
        return [*answered(command, seq, reason, text), *versions]

    def _decide(self, command: Command) -> Done:
        if command.id in self.seen:
            return "repeated", "this command was handled before", []
        if command.action not in ALLOWED[command.role]:
            return "not-allowed", f"the role {command.role} may not {command.action}", []
        return self._actions[command.action](command)

    def _group(self, incident: str) -> Group | None:
        group_id = self._practice.by_id.get(incident)
        return None if group_id is None else self._scope.groups[group_id]

    def _turn(self, command: Command) -> Done:
        group = self._group(command.target)
        if group is None:
            return _unknown(command.target)
        if command.action is Action.ASSIGN and not _word(command, "assignee") and not _word(command, "group"):
            return "wrong-arguments", "assign needs an assignee or a group", []
        status = next_status(IncidentStatus(group.status), TRIGGERS[command.action])
        if status is None:
            return "wrong-state", f"an incident that is {group.status} can't be {REASONS[command.action]}", []
        group.turn(status.value, command.time)
        if command.action is Action.ACKNOWLEDGE:
            group.acknowledged_by = command.by
            group.assignee = group.assignee or command.by
        elif command.action is Action.ASSIGN:
            group.assignee = _word(command, "assignee") or group.assignee
            group.group = _word(command, "group") or group.group
        elif command.action is Action.RESOLVE:
            group.resolved, group.by_hand = command.time, True
            self._scope.wake_group(group, command.time + self._scope.settings.incident.close_after)
        elif command.action is Action.CLOSE:
            group.closed = command.time
            self._scope.wake_group(group, self._scope.watermark + 1)
        elif command.action is Action.REOPEN:
            group.resolved, group.by_hand = 1 << 62, False
        if note := _word(command, "note"):
            group.notes = (*group.notes, f"{command.by}: {note}")
        return "done", f"{command.target} is {group.status}", [self._version(group, REASONS[command.action], command)]

    def _merge(self, command: Command) -> Done:
        other_id = _word(command, "into") or _word(command, "with")
        one, two = self._group(command.target), self._group(other_id)
        if one is None or two is None:
            return _unknown(command.target if one is None else other_id)
        if one is two:
            return "wrong-arguments", "an incident can't be merged with itself", []
        first, second = (
            self._scope.nodes[min(group.members, key=lambda key: self._scope.nodes[key].order)] for group in (one, two)
        )
        for node in (first, second):  # the tie keeps them together when links are looked at anew
            self._scope.graph.remove(node, keep=True)
            node.ties = (*node.ties, command.id)
            self._scope.graph.index(node)
            self._scope.nodes.touch(node.key)
        gap = abs(first.at - second.at)
        kept = self._scope.merge(first, Link("command", second.key, gap, 0, command.id, 1.0))
        return "done", f"merged into {kept.incident}", []

    def _split(self, command: Command) -> Done:
        group = self._group(command.target)
        if group is None:
            return _unknown(command.target)
        wanted = command.arguments.get("alerts", [])
        alerts = {wanted} if isinstance(wanted, str) else set(wanted)
        chosen = [key for key in group.members if self._scope.nodes[key].about.fingerprint in alerts]
        if not chosen or len(chosen) == len(group.members):
            return "wrong-arguments", "split needs some, but not all, of the incident's alerts", []
        nodes = self._scope.nodes
        tied = {tie for key in group.members if key not in chosen for tie in nodes[key].ties}
        for key in chosen:
            node = nodes[key]
            self._scope.graph.remove(node, keep=True)
            node.part, node.pinned = command.id, True
            node.ties = tuple(tie for tie in node.ties if tie not in tied)  # what was merged by hand before
            self._scope.graph.index(node)
            nodes.touch(key)
        self._scope.rebuild(group)
        self._scope.touched[group.id] = "grown"
        return (
            "done",
            f"{len(chosen)} alerts now have an incident of their own",
            [self._version(group, "split", command)],
        )

    def _note(self, command: Command) -> Done:
        group, text = self._group(command.target), _word(command, "text")
        if group is None:
            return _unknown(command.target)
        if not text:
            return "wrong-arguments", "note needs a text", []
        group.notes = (*group.notes, f"{command.by}: {text}")
        return "done", "noted", [self._version(group, "noted", command)]

    def _silence(self, command: Command) -> Done:
        body = {"id": command.target or command.id, "author": command.by, **command.body}
        return self._put("silence", body, command)

    def _unsilence(self, command: Command) -> Done:
        if not self._reference.remove("silence", command.target):
            return "not-found", f"there is no silence {command.target}", []
        self._scope.judge_waiting()
        return "done", f"silence {command.target} is over", []

    def _put_reference(self, command: Command) -> Done:
        kind = _word(command, "kind")
        if kind not in TYPES:
            return "wrong-arguments", f"kind is one of {', '.join(TYPES)}", []
        return self._put(kind, command.body, command)

    def _put(self, kind: str, body: dict[str, object], command: Command) -> Done:
        try:
            record = TYPES[kind].model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            return "wrong-arguments", f"{'.'.join(map(str, first['loc']))}: {first['msg']}", []
        self._reference.put(record, command.time)
        return "done", f"{kind} is in force", []

    def _delete_reference(self, command: Command) -> Done:
        try:
            found = self._reference.remove(_word(command, "kind"), command.target)
        except ConfigError as error:
            return "wrong-arguments", str(error), []
        return ("done", "deleted", []) if found else _unknown(command.target)

    def _feedback(self, command: Command) -> Done:
        if self.models is None:
            return "not-found", "no models run in this flow", []
        return (*self.models(command), [])

    def _version(self, group: Group, reason: str, command: Command) -> Incident:
        return self._practice.version(group, reason, command.time)


def answered(command: Command, seq: int, reason: str, text: str) -> tuple[Reply, AuditEntry]:
    """The reply to a command, and its line in the audit trail; `seq` numbers it among the inputs of the step."""
    ok = reason in ("done", "repeated")
    reply = Reply(command=command.id, time=command.time, ok=ok, reason=reason, text=text)
    audit = AuditEntry(
        id=f"{command.id}#{seq}",
        time=command.time,
        by=command.by,
        role=command.role,
        action=command.action,
        target=command.target,
        ok=ok,
        reason=reason,
        text=text,
    )
    return reply, audit


def _word(command: Command, name: str) -> str:
    value = command.arguments.get(name, "")
    return value if isinstance(value, str) else ""


def _unknown(name: str) -> Done:
    return "not-found", f"there is no open incident {name!r}", []
