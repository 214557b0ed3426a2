"""The programme: every scene with its dose in the short form (`make test`) and in the published form (`make chaos`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import databases, killing, providers, steering
from tests.chaos.auditor import Audit
from tests.chaos.scene import Stage

BOTH = ("sqlite", "postgresql")
SQLITE, POSTGRESQL = ("sqlite",), ("postgresql",)


@dataclass(frozen=True)
class Play:
    """One line of the programme. `red`: a rule was taken away, and the auditor must notice."""

    name: str
    run: Callable[..., Audit]
    short: Mapping[str, Any] = field(default_factory=dict)
    long: Mapping[str, Any] = field(default_factory=dict)
    on: tuple[str, ...] = BOTH
    red: bool = False
    short_on: tuple[str, ...] | None = None
    """Where the short form runs, when not everywhere."""

    def act(self, stage: Stage, database: str, *, published: bool) -> Audit:
        """The scene, in the chosen dose. Raises Broken, or AssertionError, for what does not hold."""
        return self.run(stage, database, **(self.long if published else self.short))


PLAYS = (
    Play("random-kills", killing.random_kills, {"mails": 500, "kills": 20}, {"mails": 10_000, "kills": 200}),
    Play(
        "random-kills-smtp",
        killing.random_kills,
        {"mails": 100, "kills": 4, "way": "smtp"},
        {"mails": 1000, "kills": 20, "way": "smtp"},
        short_on=SQLITE,
    ),
    Play(
        "random-kills-newsletter",
        killing.random_kills,
        {"mails": 1500, "kills": 3, "kind": "newsletter"},
        {"mails": 5000, "kills": 10, "kind": "newsletter"},
        short_on=SQLITE,
    ),
    Play("every-point", killing.at_every_point, {"mails": 100}, {"mails": 1000, "rounds": 10}),
    Play("sigterm", killing.asked_to_stop, {"mails": 100, "times": 3}, {"mails": 1500, "times": 30}),
    Play("frozen", killing.frozen, {"mails": 100}, {"mails": 100, "rounds": 17}),
    Play("late-write", killing.late_write, short_on=POSTGRESQL),
    Play(
        "four-workers",
        killing.too_many_workers,
        {"mails": 100, "seconds": 0.5},
        {"mails": 1000, "seconds": 20},
    ),
    Play(
        "engine-faults",
        killing.engine_faults,
        {"mails": 150, "rounds": 2},
        {"mails": 3000, "rounds": 20},
        on=POSTGRESQL,
    ),
    Play(
        "unsubscribed",
        steering.unsubscribed_in_mid_run,
        {"mails": 200, "people": 80, "moments": 8},
        {"mails": 3000, "people": 1000, "moments": 100},
    ),
    Play(
        "paused",
        steering.paused_in_mid_run,
        {"mails": 100, "times": 1},
        {"mails": 1500, "times": 20},
        short_on=POSTGRESQL,
    ),
    Play("webhooks", steering.webhook_storm, {"mails": 30, "copies": 3}, {"mails": 600, "copies": 5}, short_on=SQLITE),
    Play(
        "faults-10", providers.stormy, {"mails": 100, "mix": "ten"}, {"mails": 2000, "mix": "ten"}, short_on=POSTGRESQL
    ),
    Play("faults-50", providers.stormy, {"mails": 60, "mix": "storm"}, {"mails": 600, "mix": "storm"}, short_on=SQLITE),
    Play(
        "faults-50-smtp",
        providers.stormy,
        {"mails": 40, "mix": "storm", "way": "smtp"},
        {"mails": 300, "mix": "storm", "way": "smtp"},
        short_on=SQLITE,
    ),
    Play("odd-answers", providers.odd_answers, {"mails": 40}, {"mails": 200}, short_on=SQLITE),
    Play("hanging", providers.hanging, short_on=POSTGRESQL),
    Play("unverified-sender", providers.unverified_sender, {"mails": 40}, {"mails": 500}, short_on=SQLITE),
    Play("way-removed", providers.way_removed, {"mails": 40}, {"mails": 500}, short_on=POSTGRESQL),
    Play("one-address", providers.one_address, {"copies": 100}, {"copies": 1500}, short_on=POSTGRESQL),
    Play("locked", databases.locked, {"mails": 100, "seconds": 1}, {"mails": 500, "seconds": 10}, on=SQLITE),
    Play(
        "full-disk",
        databases.full,
        {"mails": 100, "pages": (2,)},
        {"mails": 500, "pages": tuple(range(12))},
        on=SQLITE,
    ),
    Play(
        "cut-off",
        databases.cut_off,
        {"mails": 100, "cuts": 1, "crashes": 1},
        {"mails": 2000, "cuts": 10, "crashes": 10},
        on=POSTGRESQL,
    ),
    Play(
        "power-cut",
        databases.power_cut,
        {"mails": 100, "copies": 20, "started": 1},
        {"mails": 500, "copies": 300, "started": 20},
        on=SQLITE,
    ),
    Play("old-backup", databases.old_backup, {"mails": 100}, {"mails": 500}),
    Play("clone", databases.clone, {"mails": 100}, {"mails": 500}, on=SQLITE),
    Play(
        "clock-jumps",
        databases.clock_jumps,
        {"mails": 100, "jumps": (-1, 8760)},
        {"mails": 500, "jumps": (-1, 1, 8760)},
        short_on=SQLITE,
    ),
    Play(
        "careless-server",
        databases.careless_server,
        {"mails": 100, "crashes": 1, "keep_file": True},
        {"mails": 1000, "crashes": 1, "keep_file": True},
        on=POSTGRESQL,
    ),
    Play(
        "without-fence",
        killing.at_every_point,
        {"mails": 100, "points": ("answered",), "without": "fence"},
        {"mails": 100, "points": ("answered",), "without": "fence"},
        red=True,
        short_on=POSTGRESQL,
    ),
    Play("without-token", killing.late_write, {"without": "token"}, {"without": "token"}, red=True, short_on=SQLITE),
    Play(
        "without-unique-key",
        providers.one_address,
        {"copies": 10, "without": "unique"},
        {"copies": 10, "without": "unique"},
        red=True,
        short_on=SQLITE,
    ),
    Play(
        "without-suppression",
        steering.unsubscribed_in_mid_run,
        {"mails": 200, "people": 150, "moments": 1, "without": "suppression"},
        {"mails": 200, "people": 150, "moments": 1, "without": "suppression"},
        red=True,
    ),
    Play(
        "without-synchronous-commit",
        databases.careless_server,
        {"mails": 100, "crashes": 1, "keep_file": False},
        {"mails": 1000, "crashes": 4, "keep_file": False},
        on=POSTGRESQL,
        red=True,
    ),
)
