"""Signing in: who gets in, who doesn't and hears no more than they must, and when it ends."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, extract_parameters, profiles

from azaward.store import Store, accounts, passwords, sign_in_limits
from azaward.store.schema import attempts, sessions, users
from azaward.web.access import first
from azaward.web.demo import EXAMPLES
from tests.web.doors import PASSWORD, STAFF, Browser, House

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def house(store: Store) -> Iterator[House]:
    made = House(store)
    yield made
    made.room.reads.close()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def wrong(browser: Browser, login: str, times: int = 1) -> list[int]:
    return [
        browser.post("/sign-in", data={"login": login, "password": "not this one"}).status_code for _ in range(times)
    ]


# The password


def test_a_patient_signs_in_with_a_password_and_goes_on_to_their_own_page(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.browser()
    answer = browser.post("/sign-in", data={"login": "Patient ", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/mine")
    assert "patient c001" in browser.sees("/account")


def test_the_cookie_is_for_this_site_and_no_script(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    cookie = house.browser().post("/sign-in", data={"login": "patient", "password": PASSWORD}).headers["set-cookie"]
    assert re.fullmatch(r"azaward=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)


def test_behind_https_the_cookie_never_goes_without(store: Store) -> None:
    house = House(store, secure=True)
    house.person("patient", "patient", patient_id="c001")
    cookie = house.browser().post("/sign-in", data={"login": "patient", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.endswith("; Secure")
    house.room.reads.close()


def test_an_unknown_login_and_a_wrong_password_get_the_same_answer(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    house.person("gone", "patient", patient_id="c002")
    with house.store.write() as connection:
        connection.execute(sa.update(users).where(users.c.login == "gone").values(disabled=True))
    heard = set()
    for login, password in (("patient", "not this one"), ("nobody", "not this one"), ("gone", PASSWORD)):
        answer = house.browser().post("/sign-in", data={"login": login, "password": password})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        heard.add(answer.text.replace(f'value="{login}"', ""))
    assert len(heard) == 1
    assert "The login or the password is not right." in heard.pop()


def test_a_login_that_nobody_has_is_not_written_down(house: House) -> None:
    """People type their password where the login goes."""
    wrong(house.browser(), "my secret password")
    [entry] = house.trail("sign-in refused")
    assert (entry["actor"], entry["subject"]) == ("unknown", None)
    with house.store.read() as connection:
        assert "my secret password" not in str(connection.execute(sa.select(attempts)).all())


def test_a_password_costs_a_thief_what_rfc_9106_asks(in_earnest: None) -> None:
    """64 MiB and three passes, RFC 9106's second choice, wherever little memory can be spared."""
    held = passwords.hash_of(PASSWORD)
    assert extract_parameters(held) == profiles.RFC_9106_LOW_MEMORY
    assert passwords.fits(held, PASSWORD)
    assert not passwords.fits(held, PASSWORD + "r")
    assert not passwords.fits(None, PASSWORD)


def test_a_password_kept_in_an_older_way_is_kept_anew_when_it_is_used(house: House, in_earnest: None) -> None:
    number = house.person("patient", "patient", patient_id="c001")
    old = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with house.store.write() as connection:
        connection.execute(sa.update(users).where(users.c.id == number).values(password_hash=old))
    house.signed_in("patient")
    with house.store.read() as connection:
        held = connection.execute(sa.select(users.c.password_hash).where(users.c.id == number)).scalar_one()
    assert held != old
    assert not PasswordHasher().check_needs_rehash(held)
    house.signed_in("patient")


def test_an_accent_typed_on_another_keyboard_is_the_same_accent(house: House) -> None:
    with house.store.write() as connection:
        accounts.make_user(connection, "patient", "", "patient", "north", "caf\u00e9 au lait chaud", "c001")
    browser = house.browser()
    answer = browser.post("/sign-in", data={"login": "patient", "password": "cafe\u0301 au lait chaud"})
    assert answer.status_code == 303


# Where it leads


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "/%0d%0aSet-Cookie: a=b c",
    ],
)
def test_nobody_is_sent_to_another_site(house: House, to: str) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.browser()
    assert "evil" not in browser.get("/sign-in", params={"next": to}).text
    answer = browser.post("/sign-in", data={"login": "patient", "password": PASSWORD, "next": to})
    assert answer.headers["location"] == "/mine"
    assert browser.get("/sign-in", params={"next": to}).headers["location"] == "/mine"


def test_whoever_came_for_a_page_gets_to_it_after_both_steps(house: House) -> None:
    house.person("nurse", "nurse")
    browser = house.browser()
    asked = browser.get("/worklist?sort=due")
    assert asked.headers["location"] == "/sign-in?next=/worklist"
    first = browser.post("/sign-in", data={"login": "nurse", "password": PASSWORD, "next": "/worklist?sort=due"})
    assert first.headers["location"] == "/sign-in/second"
    second = browser.fills("/sign-in/second", "/sign-in/second", code=house.code("nurse"))
    assert second.headers["location"] == "/worklist?sort=due"


def test_the_form_of_signing_in_remembers_the_page_that_was_wanted(house: House) -> None:
    """What its hidden field holds is what the browser sends back."""
    house.person("nurse", "nurse")
    browser = house.browser()
    asked = browser.get("/worklist?sort=due").headers["location"]
    [wanted, *_] = re.findall(r'<input type="hidden" name="next" value="([^"]*)"', browser.get(asked).text)
    assert wanted == "/worklist"


# Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/passkey", "/sign-in/passkey/options", "/sign-out"])
def test_another_site_signs_nobody_in_or_out(house: House, path: str, headers: dict[str, str]) -> None:
    house.person("patient", "patient", patient_id="c001")
    answer = house.browser().post(path, data={"login": "patient", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert house.count(sessions) == 0


def test_this_site_s_own_form_is_taken(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    for headers in ({"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}):
        sent = {"login": "patient", "password": PASSWORD}
        assert house.browser().post("/sign-in", data=sent, headers=headers).status_code == 303


def test_a_token_that_was_planted_beforehand_is_worth_nothing(house: House) -> None:
    house.person("nurse", "nurse")
    browser = house.browser()
    browser.holds("planted")
    seen = ["planted"]
    browser.post("/sign-in", data={"login": "nurse", "password": PASSWORD})
    seen.append(browser.cookies["azaward"])
    browser.fills("/sign-in/second", "/sign-in/second", code=house.code("nurse"))
    seen.append(browser.cookies["azaward"])
    assert len(set(seen)) == 3
    assert house.count(sessions) == 1
    assert browser.get("/account").status_code == 200
    for old in seen[:2]:
        other = house.browser()
        other.holds(old)
        assert other.get("/account").status_code == 303


def test_a_form_without_the_session_s_own_token_changes_nothing(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.signed_in("patient")
    assert browser.post("/account/name", data={"name": "Mallory"}).status_code == 403
    assert browser.post("/account/name", data={"name": "Mallory", "csrf": "x"}).status_code == 403
    assert "Mallory" not in browser.sees("/account")


# Too many failures


def test_after_five_failures_a_login_waits_even_with_the_right_password(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.browser()
    assert wrong(browser, "patient", 5) == [401] * 5
    answer = house.browser("192.0.2.99").post("/sign-in", data={"login": "PATIENT", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 15 * 60 + 1
    assert "Try again in 15 minutes" in answer.text
    assert len(house.trail("sign-in refused")) == 5


def test_an_unknown_login_waits_alike(house: House) -> None:
    assert wrong(house.browser(), "nobody", 6) == [401] * 5 + [429]


def test_the_wait_ends(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    wrong(house.browser(), "patient", 5)
    with house.store.write() as connection:
        connection.execute(sa.update(attempts).values(at=now() - 15 * MINUTE))
    house.signed_in("patient")


def test_a_success_takes_the_failures_back_only_when_it_is_whole(house: House) -> None:
    """Who knows the password must not get five new codes each time they give it."""
    house.person("nurse", "nurse")
    browser = house.browser()
    for number in range(5):
        assert browser.fills("/sign-in", "/sign-in", login="nurse", password=PASSWORD).status_code == 303
        answer = browser.fills("/sign-in/second", "/sign-in/second", code="000000")
        assert answer.status_code == 401, number
        assert "The code is not right" in answer.text
        browser.fills("/sign-in/second", "/sign-out")
    assert house.browser().post("/sign-in", data={"login": "nurse", "password": PASSWORD}).status_code == 429


def test_four_failures_and_then_a_success_leave_nothing_behind(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.browser()
    for _ in range(2):
        assert wrong(browser, "patient", 4) == [401] * 4
        house.signed_in("patient")


def test_after_twenty_failures_an_address_waits_whatever_the_login(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.browser("203.0.113.7")
    assert {wrong(browser, f"somebody{number}")[0] for number in range(20)} == {401}
    assert browser.post("/sign-in", data={"login": "patient", "password": PASSWORD}).status_code == 429
    # Another address is another matter.
    house.signed_in("patient")


def test_a_household_of_ipv6_addresses_is_one_address(house: House) -> None:
    for number in range(20):
        wrong(house.browser(f"2001:db8::{number:x}"), f"somebody{number}")
    assert wrong(house.browser("2001:db8::ffff"), "another") == [429]
    assert wrong(house.browser("2001:db8:0:1::1"), "another") == [401]


def test_many_tries_at_once_do_not_slip_through(house: House) -> None:
    def one(_: int) -> bool:
        try:
            sign_in_limits.claim(house.store, "patient", "192.0.2.1", now())
        except sign_in_limits.TooManyError:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(one, range(24))) == sign_in_limits.BY_LOGIN


# The second step


def test_halfway_nothing_but_the_second_step_is_open(house: House) -> None:
    for role in STAFF:
        house.person(role, role)
    browser = house.browser()
    browser.post("/sign-in", data={"login": "administrator", "password": PASSWORD})
    for path in ("/account", "/users", "/worklist", "/users/invite"):
        assert browser.get(path).headers["location"].startswith("/sign-in?next="), path
        assert browser.get(path, headers={"accept": "application/json"}).status_code == 401, path
    for path in ("/account/name", "/users/1/disable", "/account/app"):
        assert browser.fills("/sign-in/second", path, name="x").status_code == 303, path
    assert "The administrator" not in browser.sees("/sign-in/second")
    assert browser.get("/sign-in").headers["location"] == "/sign-in/second"


def test_without_a_first_step_there_is_no_second(house: House) -> None:
    browser = house.browser()
    assert browser.get("/sign-in/second").headers["location"].startswith("/sign-in?")
    assert browser.post("/sign-in/second", data={"code": "123456"}).headers["location"].startswith("/sign-in?")


def test_a_code_counts_once(house: House) -> None:
    house.person("nurse", "nurse")
    code = house.code("nurse")

    def give(code: str) -> int:
        browser = house.browser()
        browser.post("/sign-in", data={"login": "nurse", "password": PASSWORD})
        return browser.fills("/sign-in/second", "/sign-in/second", code=code).status_code

    assert give(f" {code[:3]} {code[3:]} ") == 303
    assert give(code) == 401
    # Nor does one from before it, seen over a shoulder.
    assert give(house.code("nurse", -1)) == 401
    assert give(house.code("nurse", 1)) == 303


def test_a_code_of_a_minute_ago_or_ahead_does_not_count(house: House) -> None:
    house.person("nurse", "nurse")
    for later in (-3, 3):
        browser = house.browser()
        browser.post("/sign-in", data={"login": "nurse", "password": PASSWORD})
        answer = browser.fills("/sign-in/second", "/sign-in/second", code=house.code("nurse", later))
        assert answer.status_code == 401


def test_the_second_step_must_come_within_ten_minutes(house: House) -> None:
    house.person("nurse", "nurse")
    browser = house.browser()
    browser.post("/sign-in", data={"login": "nurse", "password": PASSWORD})
    token = browser.cookies["azaward"]
    assert accounts.session_of(house.store, token, now() + 9 * MINUTE) is not None
    assert accounts.session_of(house.store, token, now() + 11 * MINUTE) is None


@pytest.mark.parametrize("role", STAFF)
def test_staff_without_a_second_factor_can_only_set_one_up(house: House, role: accounts.Role) -> None:
    house.person("new", role, app=False)
    browser = house.signed_in("new")
    assert browser.get("/worklist").headers["location"] == "/account"
    assert browser.get("/worklist", headers={"accept": "application/json"}).status_code == 403
    assert browser.fills("/account", "/users/invite", role="patient", patient_id="c001").status_code == 403
    assert "Set up a second factor first" in browser.sees("/account")
    assert "Tokens for programs" not in browser.sees("/account")
    refused = browser.fills("/account", "/account/tokens", name="x", days=1, password=PASSWORD)
    assert refused.status_code == 403


def test_in_the_example_clinic_staff_need_no_second_factor(store: Store) -> None:
    house = House(store, demo=EXAMPLES)
    house.person("nurse", "nurse", app=False)
    assert f"the password of each is <code>{EXAMPLES.password}</code>" in house.browser().sees("/sign-in")
    browser = house.signed_in("nurse")
    assert "In a real clinic" in browser.sees("/account")
    assert browser.get("/users/invite").status_code == 200
    house.room.reads.close()


# The end


def test_signing_out_ends_the_session_on_the_server_too(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.signed_in("patient")
    token = browser.cookies["azaward"]
    assert browser.fills("/account", "/sign-out").headers["location"] == "/sign-in"
    assert "azaward" not in browser.cookies
    browser.holds(token)
    assert browser.get("/account").status_code == 303
    assert [entry["actor"] for entry in house.trail("sign out")] == ["patient"]


def test_a_session_that_was_not_used_for_half_an_hour_has_ended(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.signed_in("patient")
    house.all_sessions_were_last_used(now() - 29 * MINUTE)
    browser.sees("/account")
    house.all_sessions_were_last_used(now() - 31 * MINUTE)
    assert browser.get("/account").headers["location"] == "/sign-in?next=/account"


def test_a_session_ends_after_twelve_hours_however_busy(house: House) -> None:
    house.person("patient", "patient", patient_id="c001")
    browser = house.signed_in("patient")
    with house.store.write() as connection:
        connection.execute(sa.update(sessions).values(ends_at=now() - MINUTE))
    assert browser.get("/account").status_code == 303


# The first visit


FIRST = {"clinic_id": "gastro-north", "clinic": "Gastro North", "phone": "", "login": "boss@gastro.example", "name": ""}


def test_the_first_visit_makes_the_administrator_once(store: Store) -> None:
    house = House(store, furnished=False)
    code = first.code(house.room)
    assert code is not None
    browser = house.browser()
    assert "/first" in browser.sees("/sign-in")
    assert "Nobody has an account here yet" in browser.sees("/first")
    for changed, line in (
        ({"code": "0" * 8}, "the code is not right"),
        ({"clinic_id": "Gastro North"}, "clinic id"),
        ({"password": "short"}, "Expected at least 12"),
        ({"login": "two words"}, "without spaces"),
    ):
        answer = browser.post("/first", data={**FIRST, "code": code, "password": PASSWORD, **changed})
        assert answer.status_code == 400
        assert line in answer.text
        assert 'value="gastro-north"' in answer.text or "clinic_id" in changed
    assert house.count(users) == 0
    made = browser.post("/first", data={**FIRST, "code": code.upper(), "password": PASSWORD})
    assert (made.status_code, made.headers["location"]) == (303, "/worklist")
    assert browser.get("/worklist").headers["location"] == "/account"
    for answer in (
        browser.get("/first"),
        house.browser().post("/first", data={**FIRST, "login": "second", "code": code, "password": PASSWORD}),
    ):
        assert answer.status_code == 404
    assert first.code(house.room) is None
    assert house.count(users) == 1
    house.room.reads.close()


def test_the_code_of_the_first_visit_can_t_be_guessed(store: Store) -> None:
    house = House(store, furnished=False)
    code = first.code(house.room)
    browser = house.browser()
    for _ in range(first.TRIES):
        assert browser.post("/first", data={**FIRST, "code": "guess", "password": PASSWORD}).status_code == 400
    answer = browser.post("/first", data={**FIRST, "code": code, "password": PASSWORD})
    assert answer.status_code == 400
    assert "Start azaward again" in answer.text
    assert house.count(users) == 0
    house.room.reads.close()
