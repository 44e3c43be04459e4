"""Alerts of Prometheus Alertmanager, both as it tells them and as Prometheus posts them."""

import pytest

from pipeline.sources.alertmanager import Alertmanager, without_port
from pipeline.sources.base import Decoded
from schemas.base import HOUR, BadRecord, ConfigError
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.pipeline.sources.samples import NOW, START, alert, posted, raw, webhook


def decode(payload: object, *, received: int = NOW, **options: str) -> Decoded:
    return Alertmanager(options=options).decode(raw("alertmanager", payload, received=received))


def one(payload: object, *, received: int = NOW, **options: str) -> Event:
    decoded = decode(payload, received=received, **options)
    assert not decoded.refused
    (event,) = decoded.events
    return event


def test_a_firing_alert_is_a_problem_from_its_start() -> None:
    event = one(webhook(alert()))
    assert event.kind is EventKind.PROBLEM
    assert event.time == START
    assert (event.resource, event.check, event.severity) == ("db-01", "InstanceDown", Severity.CRITICAL)
    assert event.summary == "db-01 does not answer"
    assert event.labels["instance"] == "db-01:9100"
    assert event.url == "http://prometheus.example/graph?g0.expr=up"
    assert event.ends_at is None


def test_what_is_told_again_hours_later_is_news_of_that_time() -> None:
    """Taken at its start, an alert that fires for days would end by itself although it is repeated."""
    first, again = one(webhook(alert())), one(webhook(alert()), received=START + 9 * HOUR)
    assert (first.time, again.time) == (START, START + 9 * HOUR)
    assert again.fingerprint == first.fingerprint
    assert len({first.id, again.id, one(webhook(alert()), received=START + 13 * HOUR).id}) == 3
    assert again.id == one(webhook(alert()), received=START + 9 * HOUR).id


def test_a_resolved_alert_ends_its_problem_at_its_end() -> None:
    problem = one(webhook(alert()))
    resolution = one(webhook(alert(status="resolved", endsAt="2024-05-01T10:04:00Z")))
    assert resolution.kind is EventKind.RESOLUTION
    assert resolution.time == START + 240_000
    assert resolution.fingerprint == problem.fingerprint
    assert resolution.id != problem.id


def test_a_repeat_of_the_same_fact_is_the_same_event_even_in_another_group() -> None:
    again = one(webhook(alert(), groupKey="{}:{}", receiver="other"), received=NOW + 4 * 3_600_000)
    assert again.id == one(webhook(alert())).id
    assert again.time == START


def test_firing_again_is_another_event_of_the_same_alert() -> None:
    first, again = one(webhook(alert())), one(webhook(alert(startsAt="2024-05-01T10:04:30Z")))
    assert first.id != again.id
    assert first.fingerprint == again.fingerprint


def test_an_update_has_the_time_of_the_update() -> None:
    assert one(webhook(alert(updatedAt="2024-05-01T10:03:00Z"))).time == START + 180_000


def test_severity_is_no_part_of_what_an_alert_is() -> None:
    labels = {"alertname": "Disk", "instance": "a:1", "device": "sda"}
    low, high = (one(webhook(alert(labels={**labels, "severity": word}))) for word in ("warning", "page"))
    assert (low.severity, high.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert low.fingerprint == high.fingerprint
    assert low.component == "sda"
    assert one(webhook(alert(labels={**labels, "device": "sdb"}))).fingerprint != low.fingerprint


def test_labels_that_tell_replicas_apart_can_be_ignored() -> None:
    left, right = (one(webhook(alert(labels={"alertname": "A", "replica": r})), ignore_labels="replica") for r in "ab")
    assert left.fingerprint == right.fingerprint


def test_an_unknown_word_for_the_severity_does_not_lose_the_alert() -> None:
    labels = {"alertname": "A", "severity": "purple"}
    assert one(webhook(alert(labels=labels))).severity is Severity.WARNING
    assert one(webhook(alert(labels=labels)), default_severity="major").severity is Severity.MAJOR


def test_what_is_only_informative_is_no_problem() -> None:
    assert one(webhook(alert(labels={"alertname": "Watchdog", "severity": "none"}))).kind is EventKind.INFORMATION


def test_an_alert_without_a_host_is_about_the_next_best_thing() -> None:
    assert one(webhook(alert(labels={"alertname": "JobSlow", "job": "import"}))).resource == "import"
    assert one(webhook(alert(labels={"alertname": "Odd"}))).resource == "Odd"
    assert one(webhook(alert(labels={"alertname": "A", "site": "x"})), resource_labels="site").resource == "x"


@pytest.mark.parametrize(
    ("instance", "host"),
    [("db:9100", "db"), ("db", "db"), ("[::1]:80", "::1"), ("fe80::1", "fe80::1"), (":80", ":80"), ("a:b", "a:b")],
)
def test_the_port_of_an_exporter_is_not_the_host(instance: str, host: str) -> None:
    assert without_port(instance) == host


def test_empty_labels_are_dropped_and_an_alert_needs_one() -> None:
    event = one([posted(labels={"alertname": "A", "zone": ""})])
    assert event.labels == {"alertname": "A"}
    assert event.fingerprint == one([posted(labels={"alertname": "A"})]).fingerprint
    (refused,) = decode([posted(labels={"zone": ""})]).refused
    assert refused.error.reason == "missing-field"


def test_a_posted_alert_fires_until_its_end() -> None:
    event = one([posted()], received=START + 5_000)
    assert event.kind is EventKind.PROBLEM
    assert (event.time, event.ends_at) == (START, START + 540_000)


def test_an_alert_that_goes_on_firing_is_news_of_the_time_at_which_it_is_posted_again() -> None:
    """Prometheus keeps the start and moves the end: taken at its start, a repeat would be too old to matter."""
    for minute in range(1, 5):
        event = one([posted()], received=START + minute * 60_000)
        assert (event.kind, event.time) == (EventKind.PROBLEM, START + minute * 60_000)


def test_a_posted_alert_whose_end_has_passed_is_resolved() -> None:
    event = one([posted()], received=START + 540_000)
    assert event.kind is EventKind.RESOLUTION
    assert event.time == START + 540_000
    assert event.fingerprint == one([posted()]).fingerprint


def test_sending_it_again_with_a_later_end_is_news() -> None:
    assert one([posted()]).id != one([posted(endsAt="2024-05-01T10:10:00Z")]).id


def test_without_an_end_it_is_over_after_the_resolve_timeout() -> None:
    given = posted()
    del given["endsAt"]
    assert one([given]).ends_at == NOW + 300_000
    assert one([given], resolve_timeout="1m").ends_at == NOW + 60_000
    assert one([given]).id != one([given], received=NOW + 60_000).id


def test_without_a_start_it_starts_now_or_at_its_end() -> None:
    given = posted()
    del given["startsAt"]
    assert one([given]).time == NOW
    event = one([{**given, "endsAt": "2024-05-01T10:01:00Z"}])
    assert (event.kind, event.time) == (EventKind.RESOLUTION, START + 60_000)


def test_the_good_alerts_of_a_batch_are_kept() -> None:
    bad = [alert(startsAt="soon"), alert(labels={"a": 1}), alert(status="odd"), 7, {"status": "firing"}]
    decoded = decode(webhook(alert(), *bad, alert(labels={"alertname": "B"})))
    assert [event.check for event in decoded.events] == ["InstanceDown", "B"]
    reasons = [refused.error.reason for refused in decoded.refused]
    assert reasons == ["bad-time", "bad-value", "bad-value", "bad-value", "missing-field"]
    assert b'"startsAt":"soon"' in decoded.refused[0].payload
    decoded = decode([posted(), posted(endsAt="2024-05-01T09:00:00Z"), posted(labels=None)])
    assert len(decoded.events) == 1
    assert [refused.error.reason for refused in decoded.refused] == ["bad-time", "missing-field"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"version": "4"}, "missing-field"),
        (webhook(version="3"), "unsupported"),
        (webhook() | {"alerts": {}}, "bad-value"),
        ("true", "bad-value"),
    ],
)
def test_what_is_no_webhook_is_refused(payload: object, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        decode(payload)
    assert refused.value.reason == reason


@pytest.mark.parametrize("options", [{"resolve_timeout": "soon"}, {"default_severity": "purple"}])
def test_a_wrong_option_stops_the_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Alertmanager(options=options)
