"""What a provider sends is written down before it is answered: once where it is sound, with the reason where not."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from lingdang.errors import Problem
from lingdang.keys import Keyring
from lingdang.topup.providers.provider import Forged, Notification, Unavailable
from lingdang.topup.providers.sandbox import Sandbox, Sending
from lingdang.topup.receiving import Receiving
from support.tabs import until
from support.till import Till, till_of

VERDICTS = "SELECT account, verdict FROM topup_notification ORDER BY at"


def receiving(till: Till) -> Receiving:
    return Receiving(till.topups.accounts, till.topups.inbox, till.topups.following)


async def take(till: Till, sending: Sending, body: bytes | None = None, account: str = "sandbox") -> int:
    """The status that the provider is answered with."""
    sent = sending.body if body is None else body
    return (await receiving(till).take(account, sending.headers, sent, till.hands())).status


async def told_of(till: Till) -> Sending:
    """What the sandbox sends of a payment."""
    [sending] = till.sandbox.play((await till.begun()).topup_id, "pay") or []
    return sending


async def test_what_is_sound_is_taken_once_and_answered_each_time_and_its_bells_follow(till: Till) -> None:
    sending = await told_of(till)
    for _ in range(3):
        assert await take(till, sending) == 200
    assert till.sql(VERDICTS) == [("sandbox", "sound")]
    await until(lambda: till.bells() == [("topup", 660, 660)])
    await until(lambda: till.sql("SELECT 1 FROM topup_waiting") == [])


async def test_each_notification_has_a_line_in_the_log(till: Till) -> None:
    sending = await told_of(till)
    with capture_logs() as events:
        await take(till, sending)
        await take(till, sending)
        await take(till, sending, b"{}")
    told = [(each["event"], each["account"]) for each in events if each["event"].startswith("notification_")]
    assert told == [(f"notification_{what}", "sandbox") for what in ("taken", "repeated", "forged")]
    assert {each["type"] for each in events if "type" in each} == {"pay"}


async def test_what_is_forged_is_refused_and_its_reason_is_kept(till: Till) -> None:
    sending = await told_of(till)
    assert await take(till, sending, sending.body.replace(b"600", b"601")) == 400
    assert till.sql(VERDICTS) == [("sandbox", "forged: signature")]
    assert (till.sql("SELECT 1 FROM topup_waiting"), till.bells()) == ([], [])
    assert till.topups.inbox.forged == 1


async def test_a_body_that_is_no_utf_8_is_refused_as_such(till: Till) -> None:
    with pytest.raises(Problem, match="invalid_request"):
        await take(till, await told_of(till), b"\xff\xfe")
    assert till.sql(VERDICTS) == [("sandbox", "forged: not utf-8")]


async def test_of_an_account_that_there_is_not_nothing_is_kept(till: Till) -> None:
    with pytest.raises(Problem, match="not_found"):
        await take(till, await told_of(till), account="other")
    assert till.sql(VERDICTS) == []


class Away(Sandbox):
    """Its keys cannot be fetched."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        raise Unavailable


async def test_what_cannot_be_verified_now_is_to_come_again_and_is_not_kept(
    database_url: str, keyring: Keyring
) -> None:
    async with till_of(database_url, keyring, sandbox=Away("sandbox", database_url, keyring, "")) as till:
        sending = await told_of(till)
        with pytest.raises(Problem, match="overloaded") as later:
            await take(till, sending)
        assert int(later.value.headers["Retry-After"]) > 0
        assert till.sql(VERDICTS) == []


class Strange(Sandbox):
    """Its notifications are forged, for a reason that has `said` in it."""

    said = ""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Notification:
        raise Forged(f"environment: {self.said}")


@pytest.mark.parametrize(
    ("said", "kept"), [("a\0b", "a\\x00b"), ("\ud800", "\\ud800"), ("\n", "\\n"), ("别的", "别的")]
)
async def test_a_reason_that_a_stranger_chose_is_kept_with_its_letters_escaped(
    database_url: str, keyring: Keyring, said: str, kept: str
) -> None:
    sandbox = Strange("sandbox", database_url, keyring, "")
    async with till_of(database_url, keyring, sandbox=sandbox) as till:
        sandbox.said = said
        answered = await receiving(till).take("sandbox", {}, b"{}", till.hands())
        assert answered.status == 400
        assert till.sql(VERDICTS) == [("sandbox", f"forged: environment: {kept}")]
