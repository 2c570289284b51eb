"""What all parts of a plan draw in the same way, each part from a random generator of its own.

Seeds that were kept go on meaning what they meant when a part is added.
"""

from random import Random

from proof.simulation.plan import Fault, Kill, Logout, Payment, Plan, Quote, Trouble

TROUBLES = ("cut_before", "cut_within", "cut_unread", "cut_after", "slow", "slow", "full", "away_after", "kill_after")

LATE = 400_000
"""Seconds from the beginning: later than anything that happens before the stories with which a plan ends."""


class Drawing:
    """A part of a plan while it is being drawn. `plan`: what there is before it."""

    def __init__(self, plan: Plan, part: str) -> None:
        self._plan = plan
        self._random = Random(f"{part} {plan.seed}")
        earlier = [step.action for wave in plan.waves for step in wave]
        self._quotes_before = [action for action in earlier if isinstance(action, Quote)]
        self._slots = len(self._quotes_before)
        self._ended = {(a.customer, a.session) for a in earlier if isinstance(a, Logout)}

    def _slot(self) -> int:
        """One for another offer."""
        self._slots += 1
        return self._slots - 1

    def _payment(self, slot: int) -> Payment:
        return Payment(slot, frozenset(), 0, None, self._routes())

    def _customer(self) -> int:
        return self._random.randrange(len(self._plan.customers))

    def _session(self, customer: int) -> int:
        """One that nobody has ended, if there is one."""
        return self._random.choice([n for n in (0, 1) if (customer, n) not in self._ended] or [0])

    def _worker(self) -> int:
        return self._random.randrange(self._plan.workers)

    def _route(self) -> tuple[int, ...]:
        """The workers that a request is tried at, one after the other."""
        return tuple(self._worker() for _ in range(self._random.choice((1, 2, 3))))

    def _routes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self._route() for _ in range(self._random.choice((1, 1, 2, 3))))

    def _trouble(self) -> Trouble:
        random = self._random
        kind = random.choice(TROUBLES)
        wire = "settlement" if kind in ("full", "away_after") else random.choice(("settlement", "settlement", "pool"))
        size = 40 if kind == "away_after" else random.choice((1, 5, 10)) if kind == "slow" else 1
        return Trouble(self._worker(), wire, Fault(kind, size), random.choice((0, 0, 1, 1, 2, 3)))

    def _kill(self) -> Kill:
        return Kill(self._worker())
