"""Accounts: what people may do to their own, what an administrator may do to others', and how one comes to be."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from azaward.store import Store, accounts, administration, invitations
from azaward.store.audit import verify
from azaward.store.schema import invitations as invitation_rows
from azaward.store.schema import sessions, tokens, users
from tests.web.doors import PASSWORD, STAFF, Browser, House

JSON = {"accept": "application/json"}
NEW = "another good password"


@pytest.fixture
def house(store: Store) -> Iterator[House]:
    made = House(store)
    yield made
    made.room.reads.close()
    assert verify(store).wrong is None


@pytest.fixture
def ids(house: House) -> dict[str, int]:
    """One of each role at `north`, and an administrator and a patient at `south`."""
    made = {role: house.person(role, role) for role in STAFF}
    made["patient"] = house.person("patient", "patient", patient_id="c001")
    made["far"] = house.person("far", "administrator", "south")
    made["far patient"] = house.person("far-patient", "patient", "south", "c901")
    return made


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def user(house: House, number: int) -> accounts.User:
    found = accounts.by_id(house.store, number)
    assert found is not None
    return found


# One's own account


def test_a_name_is_changed(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("patient")
    assert browser.fills("/account", "/account/name", name="  A  Patient ").status_code == 303
    assert 'value="A Patient"' in browser.sees("/account")
    answer = browser.fills("/account", "/account/name", name="  ")
    assert answer.status_code == 400
    assert "name: empty" in answer.text


def test_a_new_password_takes_the_old_one_and_ends_other_sessions(house: House, ids: dict[str, int]) -> None:
    here, there = house.signed_in("patient"), house.signed_in("patient")
    token = here.cookies["azaward"]
    for old, new, line in (
        ("not this one", NEW, "the password is not right"),
        (PASSWORD, "short", "Expected at least 12"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "different characters"),
    ):
        answer = here.fills("/account", "/account/password", password=old, new_password=new)
        assert answer.status_code == 400
        assert line in answer.text
    there.sees("/account")
    assert here.fills("/account", "/account/password", password=PASSWORD, new_password=NEW).status_code == 303
    assert here.cookies["azaward"] != token
    here.sees("/account")
    assert there.get("/account").status_code == 303
    assert house.browser().post("/sign-in", data={"login": "patient", "password": PASSWORD}).status_code == 401
    house.browser().sign_in("patient", NEW)
    assert len(house.trail("change password")) == 1


def test_guessing_the_password_on_the_account_s_page_is_limited_too(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("patient")
    heard = [
        browser.fills("/account", "/account/password", password=f"guess number {n}", new_password=NEW) for n in range(6)
    ]
    assert "Too many failed attempts" in heard[-1].text
    right = browser.fills("/account", "/account/password", password=PASSWORD, new_password=NEW)
    assert "Too many failed attempts" in right.text


def set_up_app(browser: Browser) -> str:
    browser.fills("/account", "/account/app", password=PASSWORD)
    [secret] = re.findall(r'<code class="secret">([A-Z2-7]{32})</code>', browser.sees("/account"))
    return secret


def test_an_authenticator_app_counts_once_it_gave_a_code(house: House) -> None:
    number = house.person("nurse", "nurse", app=False)
    browser = house.signed_in("nurse")
    wrong = browser.fills("/account", "/account/app", password="not this one")
    assert "the password is not right" in wrong.text
    secret = set_up_app(browser)
    assert "<svg" in browser.sees("/account")
    assert "style=" not in browser.sees("/account")
    answer = browser.fills("/account", "/account/app/confirm", code="000000")
    assert "the code is wrong" in answer.text
    assert not user(house, number).has_second_factor
    code = pyotp.TOTP(secret).now()
    assert browser.fills("/account", "/account/app/confirm", code=code).status_code == 303
    assert user(house, number).has_totp
    assert secret not in browser.sees("/account")
    # The doors are open now, and the code that was used here doesn't sign anybody in.
    assert browser.get("/users/invite").status_code == 200
    other = house.browser()
    assert (
        other.post("/sign-in", data={"login": "nurse", "password": PASSWORD}).headers["location"] == "/sign-in/second"
    )
    assert other.fills("/sign-in/second", "/sign-in/second", code=code).status_code == 401
    later = pyotp.TOTP(secret).at(int(time.time()) + 30)
    assert other.fills("/sign-in/second", "/sign-in/second", code=later).status_code == 303


def test_a_second_app_does_not_take_the_place_of_the_first(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("nurse")
    assert browser.fills("/account", "/account/app", password=PASSWORD).status_code == 400
    assert browser.fills("/account", "/account/app/confirm", code=house.code("nurse", 1)).status_code == 400


def test_an_app_is_removed_with_the_password(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("nurse")
    assert browser.fills("/account", "/account/app/remove", password="not this one").status_code == 400
    assert user(house, ids["nurse"]).has_totp
    assert browser.fills("/account", "/account/app/remove", password=PASSWORD).status_code == 303
    assert not user(house, ids["nurse"]).has_totp
    assert browser.get("/worklist").headers["location"] == "/account"


def test_signing_out_everywhere(house: House, ids: dict[str, int]) -> None:
    browsers = [house.signed_in("patient") for _ in range(3)]
    assert "Another browser" in browsers[0].sees("/account")
    assert browsers[0].fills("/account", "/account/sessions/end").headers["location"] == "/sign-in"
    assert [one.get("/account").status_code for one in browsers] == [303] * 3
    assert house.count(sessions) == 0


# Tokens


def make_token(browser: Browser, name: str = "a script", days: int = 30) -> str:
    answer = browser.fills("/account", "/account/tokens", name=name, days=days, password=PASSWORD)
    assert answer.status_code == 200, answer.text
    [secret] = re.findall(r"azaward_[\w-]{43}", answer.text)
    return secret


def asks(house: House, secret: str, path: str = "/account") -> Any:
    return house.browser().get(path, headers={**JSON, "authorization": f"Bearer {secret}"})


def test_a_program_asks_with_a_token_until_it_is_revoked(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("nurse")
    secret = make_token(browser)
    assert secret not in browser.sees("/account")
    assert asks(house, secret, "/account").json()["user"]["login"] == "nurse"
    [number] = re.findall(r"/account/tokens/(\d+)/revoke", browser.sees("/account"))
    other = house.signed_in("patient")
    assert other.fills("/account", f"/account/tokens/{number}/revoke").status_code == 404
    assert asks(house, secret).status_code == 200
    assert browser.fills("/account", f"/account/tokens/{number}/revoke").status_code == 303
    assert asks(house, secret).status_code == 401
    assert browser.fills("/account", f"/account/tokens/{number}/revoke").status_code == 404
    assert "revoked" in browser.sees("/account")


def test_a_token_ends_on_its_day(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("nurse")
    secret = make_token(browser, days=1)
    assert accounts.user_of_token(house.store, secret, now() + dt.timedelta(hours=23)) is not None
    assert accounts.user_of_token(house.store, secret, now() + dt.timedelta(hours=25)) is None
    for days in (0, 366):
        answer = browser.fills("/account", "/account/tokens", name="x", days=days, password=PASSWORD)
        assert answer.status_code == 422


def test_a_token_is_kept_as_a_digest(house: House, ids: dict[str, int]) -> None:
    secret = make_token(house.signed_in("nurse"))
    with house.store.read() as connection:
        assert secret not in str(connection.execute(sa.select(tokens)).all())


def test_a_token_can_not_change_the_account_it_belongs_to(house: House, ids: dict[str, int]) -> None:
    secret = make_token(house.signed_in("nurse"))
    for path, sent in (
        ("/account/name", {"name": "Mallory"}),
        ("/account/password", {"password": PASSWORD, "new_password": NEW}),
        ("/account/tokens", {"name": "more", "days": "9", "password": PASSWORD}),
        ("/account/app/remove", {"password": PASSWORD}),
    ):
        headers = {**JSON, "authorization": f"Bearer {secret}"}
        assert house.browser().post(path, data=sent, headers=headers).status_code == 403, path


def test_a_disabled_user_s_token_and_sessions_are_refused_at_once(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("nurse")
    secret = make_token(browser)
    boss = house.signed_in("administrator")
    assert boss.fills("/users", f"/users/{ids['nurse']}/disable").status_code == 303
    assert browser.get("/account").status_code == 303
    assert asks(house, secret).status_code == 401
    assert house.browser().post("/sign-in", data={"login": "nurse", "password": PASSWORD}).status_code == 401
    assert "disabled" in boss.sees("/users")
    assert boss.fills("/users", f"/users/{ids['nurse']}/enable").status_code == 303
    house.signed_in("nurse")


# The users


def test_an_administrator_sees_the_accounts_of_their_own_clinic(house: House, ids: dict[str, int]) -> None:
    page = house.signed_in("administrator").sees("/users")
    assert ">nurse<" in page
    assert ">far<" not in page
    assert [entry["actor"] for entry in house.trail("read users")] == ["administrator"]
    listed = house.signed_in("administrator").get("/users", headers=JSON).json()
    assert {one["login"] for one in listed["staff"]} == set(STAFF)
    assert "hash" not in str(listed)
    assert "secret" not in str(listed)


@pytest.mark.parametrize("who", ["patient", "nurse", "clinician"])
def test_the_users_are_for_administrators(house: House, ids: dict[str, int], who: str) -> None:
    browser = house.signed_in(who)
    assert browser.get("/users").status_code == 403
    for what in ("role", "disable", "enable", "second-factor/reset", "new-password"):
        sent = browser.fills("/account", f"/users/{ids['administrator']}/{what}", role="nurse")
        assert sent.status_code == 403, what
    assert not user(house, ids["administrator"]).disabled


def test_another_clinic_s_accounts_are_not_there(house: House, ids: dict[str, int]) -> None:
    boss = house.signed_in("administrator")
    for number in (ids["far"], ids["far patient"], 10**6, 0, 2**40):
        for what in ("role", "disable", "enable", "second-factor/reset", "new-password"):
            assert boss.fills("/users", f"/users/{number}/{what}", role="nurse").status_code == 404, (number, what)


def test_a_role_is_changed_but_never_to_or_from_a_patient_s(house: House, ids: dict[str, int]) -> None:
    boss = house.signed_in("administrator")
    nurse = house.signed_in("nurse")
    assert nurse.get("/users").status_code == 403
    assert boss.fills("/users", f"/users/{ids['nurse']}/role", role="administrator").status_code == 303
    nurse.sees("/users")
    for whom, role in (("nurse", "patient"), ("patient", "nurse")):
        answer = boss.fills("/users", f"/users/{ids[whom]}/role", role=role)
        assert answer.status_code == 400
        assert "can&#39;t become a patient" in answer.text
    assert boss.fills("/users", f"/users/{ids['nurse']}/role", role="king").status_code == 422


def test_the_last_administrator_stays(house: House, ids: dict[str, int]) -> None:
    boss, number = house.signed_in("administrator"), ids["administrator"]
    for what, sent in (("disable", {}), ("role", {"role": "nurse"})):
        answer = boss.fills("/users", f"/users/{number}/{what}", **sent)
        assert answer.status_code == 400
        assert "last administrator" in answer.text
    # A disabled administrator doesn't count as another one.
    boss.fills("/users", f"/users/{ids['nurse']}/role", role="administrator")
    boss.fills("/users", f"/users/{ids['nurse']}/disable")
    assert boss.fills("/users", f"/users/{number}/disable").status_code == 400
    boss.fills("/users", f"/users/{ids['nurse']}/enable")
    assert boss.fills("/users", f"/users/{number}/disable").status_code == 303
    assert boss.get("/users").status_code == 303


def test_two_administrators_can_not_remove_each_other_at_once(house: House, ids: dict[str, int]) -> None:
    house.person("other", "administrator")
    with house.store.read() as connection:
        both = [one for one in accounts.of_clinic(connection, "north") if one.role == "administrator"]

    def remove(pair: tuple[accounts.User, accounts.User]) -> bool:
        try:
            administration.disable(house.store, pair[0], pair[1])
        except accounts.AccountError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, [(both[0], both[1]), (both[1], both[0])])) == [False, True]


def test_a_lost_phone(house: House, ids: dict[str, int]) -> None:
    nurse = house.signed_in("nurse")
    secret = make_token(nurse)
    boss = house.signed_in("administrator")
    assert boss.fills("/users", f"/users/{ids['nurse']}/second-factor/reset").status_code == 303
    assert nurse.get("/account").status_code == 303
    assert asks(house, secret).status_code == 401
    house.secrets.pop("nurse")
    assert "Set up a second factor first" in house.signed_in("nurse").sees("/account")


# Invitations


def invited(browser: Browser, **fields: Any) -> str:
    answer = browser.fills("/users/invite", "/users/invite", **fields)
    assert answer.status_code == 200, answer.text
    [path] = re.findall(r"http://localhost(/invitation/[\w-]{43})<", answer.text)
    return path


def test_an_invitation_makes_an_account_once(house: House, ids: dict[str, int]) -> None:
    boss = house.signed_in("administrator")
    path = invited(boss, role="clinician")
    assert '"row">a clinician<' in boss.sees("/users")
    browser = house.browser()
    assert "invites you as <strong>clinician</strong>" in browser.sees(path)
    for sent, line in (
        ({"login": "nurse", "password": NEW}, "taken"),
        ({"login": "new", "password": "short"}, "Expected at least 12"),
        ({"login": " ", "password": NEW}, "login: empty"),
        ({"login": "new@clinic.example", "password": "new@clinic.example"}, "the same as the login"),
    ):
        answer = browser.post(path, data=sent)
        assert answer.status_code == 400
        assert line in answer.text
    made = browser.post(path, data={"login": "New@clinic.example", "name": "New", "password": NEW})
    assert made.status_code == 303
    assert "Set up a second factor first" in browser.sees("/account")
    for again in (house.browser().get(path), house.browser().post(path, data={"login": "more", "password": NEW})):
        assert again.status_code == 410
        assert "it was already used" in again.text
    [entry] = [one for one in house.trail("make user") if one["subject"] == "new@clinic.example"]
    assert entry["actor"] == "administrator"
    assert '"row">a clinician<' not in boss.sees("/users")


def test_two_who_open_one_invitation_at_once_get_one_account(house: House, ids: dict[str, int]) -> None:
    boss = user(house, ids["administrator"])
    token, before = invitations.invite(house.store, boss, "nurse", None, now()), house.count(users)

    def accept(login: str) -> bool:
        try:
            invitations.accept(house.store, token, login, "", NEW, now())
        except invitations.InvitationError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(accept, ["one", "two", "three", "four"])) == 1
    assert house.count(users) == before + 1


def test_an_invitation_ends_after_seven_days_or_when_it_is_withdrawn(house: House, ids: dict[str, int]) -> None:
    boss = house.signed_in("administrator")
    path = invited(boss, role="nurse")
    token = path.rsplit("/", 1)[1]
    with house.store.read() as connection:
        invitations.by_token(connection, token, now() + dt.timedelta(days=6, hours=23))
        with pytest.raises(invitations.InvitationError):
            invitations.by_token(connection, token, now() + dt.timedelta(days=7, hours=1))
        held = str(connection.execute(sa.select(invitation_rows)).all())
    assert token not in held
    [number] = re.findall(r"/users/invitations/(\d+)/withdraw", boss.sees("/users"))
    far = house.signed_in("far")
    assert far.fills("/users", f"/users/invitations/{number}/withdraw").status_code == 404
    assert boss.fills("/users", f"/users/invitations/{number}/withdraw").status_code == 303
    assert house.browser().get(path).status_code == 410
    assert house.browser().get("/invitation/never-was").status_code == 410


@pytest.mark.parametrize("who", ["nurse", "clinician", "administrator"])
def test_staff_invite_patients_of_their_own_clinic_only(house: House, ids: dict[str, int], who: str) -> None:
    browser = house.signed_in(who)
    for patient_id in ("c901", "c999", ""):
        answer = browser.fills("/users/invite", "/users/invite", role="patient", patient_id=patient_id)
        assert answer.status_code == 400, patient_id
    path = invited(browser, role="patient", patient_id="c002")
    patient = house.browser()
    assert "<strong>c002</strong>" in patient.sees(path)
    assert patient.post(path, data={"login": "second", "password": NEW}).headers["location"] == "/mine"
    assert "patient c002" in patient.sees("/account")


@pytest.mark.parametrize("who", ["nurse", "clinician"])
def test_only_administrators_invite_staff(house: House, ids: dict[str, int], who: str) -> None:
    browser = house.signed_in(who)
    for role in STAFF:
        answer = browser.fills("/users/invite", "/users/invite", role=role)
        assert answer.status_code == 400
        assert "only an administrator can invite staff" in answer.text
        there = browser.fills("/users/invite", "/users/invite", role=role, way="provider", login="x@y.example")
        assert there.status_code == 400
    assert house.count(invitation_rows) == 0


def test_a_patient_invites_nobody(house: House, ids: dict[str, int]) -> None:
    browser = house.signed_in("patient")
    assert browser.get("/users/invite").status_code == 403
    assert browser.fills("/account", "/users/invite", role="patient", patient_id="c002").status_code == 403


def test_a_forgotten_password_is_chosen_anew_and_the_second_step_stays(house: House, ids: dict[str, int]) -> None:
    boss, nurse = house.signed_in("administrator"), house.signed_in("nurse")
    answer = boss.fills("/users", f"/users/{ids['nurse']}/new-password")
    [path] = re.findall(r"http://localhost(/invitation/[\w-]{43})<", answer.text)
    browser = house.browser()
    assert "For the account <strong>nurse</strong>" in browser.sees(path)
    made = browser.post(path, data={"password": NEW, "login": "administrator"})
    assert made.headers["location"] == "/sign-in/second"
    assert nurse.get("/account").status_code == 303
    assert user(house, ids["nurse"]).login == "nurse"
    assert house.browser().get(path).status_code == 410
    house.browser().sign_in("nurse", NEW)
    with house.store.read() as connection:
        old = connection.execute(sa.select(users.c.password_hash).where(users.c.login == "nurse")).scalar_one()
    assert NEW not in old


def test_a_disabled_account_is_not_opened_by_a_link_for_a_new_password(house: House, ids: dict[str, int]) -> None:
    boss = house.signed_in("administrator")
    answer = boss.fills("/users", f"/users/{ids['nurse']}/new-password")
    [path] = re.findall(r"http://localhost(/invitation/[\w-]{43})<", answer.text)
    boss.fills("/users", f"/users/{ids['nurse']}/disable")
    assert house.browser().post(path, data={"password": NEW}).status_code == 410
    assert house.browser().post("/sign-in", data={"login": "nurse", "password": NEW}).status_code == 401
