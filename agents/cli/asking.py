"""How a command line asks a flow for something: over HTTP of a running host, or through the store of one at rest."""

from __future__ import annotations

import getpass
import time
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

import click

from agents.cli.kafka_options import configured
from agents.cli.output import console, json_option, print_json, store_option
from schemas.base import ConfigError
from schemas.command import Action, Command, Reply, Role


class Channel(Protocol):
    """The way to a flow."""

    def send(self, command: Command) -> Reply:
        """Hand over a command and wait for its reply. Where no role was set, a token may say which."""
        ...

    def whole(self, incident: str) -> str:
        """The id of the one incident that begins like this; ConfigError where there is none, or several."""
        ...

    def whole_alert(self, alert: str) -> str:
        """The fingerprint of the one alert that begins like this; ConfigError where there is none, or several."""
        ...


class Asking:
    """Asks in the name of a person, and tells the answers."""

    def __init__(self, channel: Channel, by: str, role: Role | None, *, as_json: bool) -> None:
        self._channel, self._by, self._role, self._as_json = channel, by, role, as_json

    def whole(self, incident: str) -> str:
        """See `Channel.whole`."""
        return self._channel.whole(incident)

    def whole_alert(self, alert: str) -> str:
        """See `Channel.whole_alert`."""
        return self._channel.whole_alert(alert)

    def __call__(
        self, action: Action, incident: str, *, body: dict[str, object] | None = None, **arguments: str | list[str]
    ) -> None:
        """Ask for `action` on an incident; arguments that are empty are left out. Raises ConfigError on a refusal."""
        self.about(action, self.whole(incident), body=body, **arguments)

    def about(
        self, action: Action, target: str, *, body: dict[str, object] | None = None, **arguments: str | list[str]
    ) -> None:
        """Ask for `action` on anything that is named in full."""
        command = Command(
            id=uuid.uuid4().hex,
            time=time.time_ns() // 1_000_000,
            action=action,
            by=self._by,
            **({} if self._role is None else {"role": self._role}),
            target=target,
            arguments={name: value for name, value in arguments.items() if value},
            body=body or {},
        )
        reply = self._channel.send(command)
        if self._as_json:
            print_json(reply)
        if not reply.ok:
            raise ConfigError(f"refused ({reply.reason}): {reply.text}")
        if not self._as_json:
            console().print(reply.text, style="green", markup=False)


def reaching(function: Callable[..., object]) -> Callable[..., object]:
    """The options that say how to reach a running host: `url` and `token_file`."""
    made = click.option(
        "--token-file",
        envvar="TOCSIN_TOKEN_FILE",
        default="",
        type=click.Path(dir_okay=False),
        help="Holds the token that the host at --url wants.  [env var: TOCSIN_TOKEN_FILE]",
    )(function)
    return click.option("--url", envvar="TOCSIN_URL", default="", help="Of a running host.  [env var: TOCSIN_URL]")(
        made
    )


def asking(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options that say who asks whom, and `ask`, an Asking made from them.

    One that has the options of Kafka as well can also ask the workers there.
    """

    @wraps(function)
    def with_ask(
        *,
        by: str,
        role: str | None,
        url: str,
        token_file: str,
        store: str,
        as_json: bool,
        config: Path | None = None,
        bootstrap: str | None = None,
        **rest: Any,
    ) -> None:
        from agents.cli.channel import channel

        kafka = configured(config, bootstrap).kafka if config is not None or bootstrap else None
        with channel(url, token_file, store, kafka) as way:
            function(ask=Asking(way, by, None if role is None else Role(role), as_json=as_json), **rest)

    made: Callable[..., object] = with_ask
    roles = click.Choice([role.value for role in Role])
    made = json_option(made)
    made = store_option(made)
    made = reaching(made)
    made = click.option(
        "--role", envvar="TOCSIN_ROLE", type=roles, help="In which role.  [default: the token's first, or operator]"
    )(made)
    return click.option("--by", envvar="TOCSIN_USER", default=getpass.getuser, help="Who asks.  [default: you]")(made)
